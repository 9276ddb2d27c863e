/* SPDX-License-Identifier: MIT
 *
 * Launches the kernels of the largest logits.
 */
#include "kernels/sampling.cuh"

#include "kernels/cuda.h"

extern "C" {
#include "kernels/sampling.h"
}

enum { TOP_PIECE = 16384, TOP_LEAST_PIECE = 2048, TOP_STATIC = 12 << 10 /* bytes of shared memory the kernels have besides */ };

template <class T>
static int top_logits(real *values, int32_t *ids, real *log_sum_exp, const stored *logits, int64_t ld, int64_t rows, int64_t V, int64_t k, real temperature,
                      struct kernel_error *e) {
  if (top_logits_check(V, k, temperature, e) != 0) return -1;
  if (k > TOP_MOST) return kernel_fail(e, "top-logits: the %lld largest, at most %d on the GPU", (long long)k, TOP_MOST);
  if (rows == 0) return 0;
  /* Pieces: enough to fill the GPU twice and none too long, but none too short; then what shared memory allows. */
  int64_t room = (int64_t)cuda_device()->shared_bytes - TOP_STATIC, pieces = divide_up(2 * cuda_device()->processors, rows);
  if (pieces < divide_up(V, TOP_PIECE)) pieces = divide_up(V, TOP_PIECE);
  if (pieces > divide_up(V, TOP_LEAST_PIECE)) pieces = divide_up(V, TOP_LEAST_PIECE);
  if (k > 0 && pieces > room / (8 * k)) pieces = room / (8 * k);
  int64_t piece = divide_up(divide_up(V, pieces), 8) * 8;
  pieces = divide_up(V, piece);
  if ((piece + 4) * 4 > room || pieces > 65535)
    return kernel_fail(e, "top-logits: the %lld largest of %lld do not fit in %lld bytes of shared memory", (long long)k, (long long)V, (long long)room);
  int64_t each = k < piece ? k : piece, candidates = rows * pieces * each, sums_bytes = divide_up(rows * pieces * (int64_t)sizeof(log_sum), 256) * 256;
  int64_t keys_bytes = divide_up(candidates * 4, 256) * 256;
  char *work = (char *)cuda_workspace((size_t)(sums_bytes + 2 * keys_bytes), e);
  if (!work) return -1;
  log_sum *sums = (log_sum *)work;
  uint32_t *keys = (uint32_t *)(work + sums_bytes);
  int32_t *all_ids = (int32_t *)(work + sums_bytes + keys_bytes);
  int id_bit = 0;
  while (V >> id_bit > 3) id_bit += 2;
  float scale = 1 / temperature, scale2 = (float)(1.4426950408889634 / (double)temperature);
  CUDA_LAUNCH(top_pieces_kernel<T>, dim3((unsigned)rows, (unsigned)pieces), TOP_THREADS, (size_t)(piece + 4) * 4, cuda_stream(), sums, keys, all_ids, elements<T>(logits), ld, V,
              (int)piece, (int)each, id_bit, scale2);
  CUDA_LAUNCH(top_join_kernel<T>, (unsigned)rows, TOP_THREADS, (size_t)divide_up(pieces * each, 4) * 32, cuda_stream(), values, ids, log_sum_exp, sums, keys, all_ids,
              (int)pieces, (int)each, (int)k, id_bit, scale, scale2);
  return launched("top_logits", e);
}

template <class T> static void fill(struct backend *b) { b->top_logits = top_logits<T>; }
extern "C" void sampling_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
