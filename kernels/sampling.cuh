/* SPDX-License-Identifier: MIT
 *
 * The k largest logits of each row on the GPU.  Shapes: sampling.h; T: float or bf16.
 *
 *   top_pieces_kernel   a block takes a piece of a row: it reads the piece once, sums exponentials (log_sum.cuh), and keeps the
 *                       logits in shared memory as keys, numbers that are in the same order (the sign bit flipped, of negative
 *                       ones all bits); of these it writes the k largest, in no order
 *   top_join_kernel     a block takes a row: of its pieces' candidates the k largest, put in order (Batcher's bitonic sort), and
 *                       the sum of their sums
 *
 * The least of the k largest keys is found from its highest bits down, two at a time: a step counts the keys that reach each of
 * the three next values, at 8 steps for bf16 and 16 for float, fewer where a value that exactly k keys reach is met.  Unlike a
 * histogram of digits this needs no atomics on crowded counters (most logits share their exponent's bits).  Where more than k
 * keys reach it, those equal to it go by id, and the last id is found in the same way.  So the choice is exact, and atomics
 * decide only about places that the sort sets right.
 *
 * Speed: pieces are as many as fill the GPU twice, so that one row is read by many blocks; a step is 1/4 load from shared memory
 * and 6 instructions a key, and a barrier.  Expected 10 to 20 us for 1 to 16 rows of 131,072 (bf16), bound by steps and not by
 * memory; for 256 rows the steps of one block run beside another's, about 0.5 of the copy bandwidth.
 */
#ifndef KERNELS_SAMPLING_CUH
#define KERNELS_SAMPLING_CUH

#include "kernels/log_sum.cuh"

enum { TOP_THREADS = 512, TOP_MOST = 1024, TOP_STEPS = 32, TOP_AT_ONCE = 2 };

/* Keys: greater floats have greater ones, and no float has 0.  mask: bits of a float that can be set. */
static __device__ __forceinline__ uint32_t top_key(float x, uint32_t mask) {
  uint32_t u = __float_as_uint(x);
  if (u << 1 == 0) u = 0; /* -0 */
  return (u >> 31 ? ~u : u | 0x80000000u) & mask;
}
static __device__ __forceinline__ float top_value(uint32_t key, uint32_t mask) { return __uint_as_float((key >> 31 ? key ^ 0x80000000u : ~key) & mask); }

/* total[j] = the sum of count[j] over the block; the slot is 0 before, and used once */
static __device__ __forceinline__ void top_total(int total[3], const int count[3], int *slot) {
  for (int j = 0; j < 3; j++) {
    int sum = count[j];
    for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (threadIdx.x % 32 == 0) atomicAdd(&slot[j], sum);
  }
  __syncthreads();
  for (int j = 0; j < 3; j++) total[j] = slot[j];
}

/* Key i has the id ids[i], or first_id + i where ids is NULL.  The k largest are those above *least, and those equal to it with
 * ids to *last.  keys: in shared memory, n rounded up to a multiple of 4, k or more of them not 0; k >= 1.  low: 16 where the
 * low bits are 0, else 0; id_bit: even, at least that of the highest id. */
static __device__ __forceinline__ void top_find(uint32_t *least, uint32_t *last, const uint32_t *keys, const int32_t *ids, int64_t first_id, int n, int k, int low, int id_bit,
                                                int (*slots)[3]) {
  int thread = (int)threadIdx.x, step = 0, reach = n;
  uint32_t at = 0;
  for (int bit = 30; bit >= low && reach != k; bit -= 2, step++) {
    uint32_t quarter = 1u << bit;
    int count[3] = {0, 0, 0}, total[3];
    for (int i = 4 * thread; i < n; i += 4 * TOP_THREADS) {
      pack<uint32_t, 4> p = load_pack<uint32_t, 4>(keys + i);
      for (int j = 0; j < 4; j++) count[0] += p.at[j] >= at + quarter, count[1] += p.at[j] >= at + 2 * quarter, count[2] += p.at[j] >= at + 3 * quarter;
    }
    top_total(total, count, slots[step]);
    for (int j = 2; j >= 0; j--)
      if (total[j] >= k) {
        at += (uint32_t)(j + 1) * quarter, reach = total[j];
        break;
      }
  }
  uint32_t id = 0; /* the highest such that fewer than k keys are above `at`, or equal to it with ids below this */
  for (int bit = id_bit; bit >= 0 && reach > k; bit -= 2, step++) {
    uint32_t quarter = 1u << bit;
    int count[3] = {0, 0, 0}, total[3];
    for (int i = thread; i < n; i += TOP_THREADS) {
      uint32_t key = keys[i], its = ids ? (uint32_t)ids[i] : (uint32_t)(first_id + i);
      for (int j = 0; j < 3; j++) count[j] += key > at || (key == at && its < id + (uint32_t)(j + 1) * quarter);
    }
    top_total(total, count, slots[step]);
    id += (uint32_t)((total[0] < k) + (total[1] < k) + (total[2] < k)) * quarter;
  }
  *least = at, *last = reach > k ? id : 0xffffffffu;
}

/* sums: [rows][pieces]; keys, ids: [rows][pieces][each], each = min(k, piece), filled up with keys 0.  Dynamic shared memory:
 * piece + 4 numbers. */
template <class T>
static __global__ void __launch_bounds__(TOP_THREADS)
    top_pieces_kernel(log_sum *sums, uint32_t *to_keys, int32_t *to_ids, const T *logits, int64_t ld, int64_t V, int piece, int each, int id_bit, float scale2) {
  const int N = 16 / sizeof(T), low = sizeof(T) == 2 ? 16 : 0;
  const uint32_t mask = 0xffffffffu << low;
  CUDA_DYNAMIC_SHARED(uint32_t, keys);
  __shared__ int slots[TOP_STEPS][3];
  __shared__ int next;
  __shared__ log_sum warps[32];
  int thread = (int)threadIdx.x;
  int64_t begin = (int64_t)blockIdx.y * piece, place = (int64_t)blockIdx.x * gridDim.y + blockIdx.y;
  int n = V - begin < piece ? (int)(V - begin) : piece;
  const T *x = logits + blockIdx.x * ld + begin;
  for (int i = thread; i < TOP_STEPS * 3; i += TOP_THREADS) slots[i / 3][i % 3] = 0;
  if (thread == 0) next = 0;

  log_sum s = log_sum_none();
  int whole = (uintptr_t)x % 16 == 0 ? n / N * N : 0;
  for (int first = thread * N; first < whole; first += TOP_AT_ONCE * TOP_THREADS * N) {
    pack<T, N> p[TOP_AT_ONCE];
    for (int a = 0; a < TOP_AT_ONCE; a++)
      if (first + a * TOP_THREADS * N < whole) p[a] = load_pack<T, N>(x + first + a * TOP_THREADS * N);
    for (int a = 0; a < TOP_AT_ONCE; a++) {
      int i = first + a * TOP_THREADS * N;
      if (i >= whole) continue;
      float value[N];
      for (int j = 0; j < N; j++) value[j] = to_float(p[a].at[j]);
      log_sum_add<N>(&s, value, scale2);
      for (int j = 0; j < N; j += 4) {
        pack<uint32_t, 4> q;
        for (int l = 0; l < 4; l++) q.at[l] = top_key(value[j + l], mask);
        store_pack<uint32_t, 4>(keys + i + j, q);
      }
    }
  }
  for (int i = whole + thread; i < n; i += TOP_THREADS) {
    float value = to_float(x[i]);
    log_sum_add<1>(&s, &value, scale2);
    keys[i] = top_key(value, mask);
  }
  if (thread < 4) keys[n + thread] = 0;
  s = log_sum_of_block(s, scale2, warps); /* keys and slots are written, too */
  if (thread == 0) sums[place] = s;
  if (each == 0) return;

  uint32_t least = 0, last = 0xffffffffu;
  if (n > each) top_find(&least, &last, keys, NULL, begin, n, each, low, id_bit, slots);
  for (int i = thread; i < n; i += TOP_THREADS) {
    uint32_t key = keys[i];
    if (key < least || (key == least && (uint64_t)(begin + i) > last)) continue;
    int64_t to = place * each + atomicAdd(&next, 1);
    to_keys[to] = key, to_ids[to] = (int32_t)(begin + i);
  }
  for (int i = n + thread; i < each; i += TOP_THREADS) to_keys[place * each + i] = 0; /* behind the n written above */
}

/* Dynamic shared memory: 2 n numbers, n = pieces * each rounded up to a multiple of 4. */
template <class T>
static __global__ void __launch_bounds__(TOP_THREADS)
    top_join_kernel(float *values, int32_t *ids, float *log_sum_exp, const log_sum *sums, const uint32_t *from_keys, const int32_t *from_ids, int pieces, int each, int k,
                    int id_bit, float scale, float scale2) {
  const int low = sizeof(T) == 2 ? 16 : 0;
  const uint32_t mask = 0xffffffffu << low;
  CUDA_DYNAMIC_SHARED(uint32_t, keys);
  __shared__ int slots[TOP_STEPS][3];
  __shared__ int next;
  __shared__ log_sum warps[32];
  __shared__ uint64_t chosen[TOP_MOST]; /* the key, and below it the id's complement: greater is earlier */
  int64_t row = blockIdx.x;
  int thread = (int)threadIdx.x, n = pieces * each, width = 1;
  int32_t *all_ids = (int32_t *)(keys + (n + 3) / 4 * 4);
  while (width < k) width *= 2;

  for (int i = thread; i < TOP_STEPS * 3; i += TOP_THREADS) slots[i / 3][i % 3] = 0;
  for (int i = thread; i < width; i += TOP_THREADS) chosen[i] = 0;
  if (thread == 0) next = 0;
  log_sum s = log_sum_none();
  for (int p = thread; p < pieces; p += TOP_THREADS) log_sum_join(&s, sums[row * pieces + p], scale2);
  for (int i = thread; i < (n + 3) / 4 * 4; i += TOP_THREADS) keys[i] = i < n ? from_keys[row * n + i] : 0, all_ids[i] = i < n && keys[i] ? from_ids[row * n + i] : 0;
  s = log_sum_of_block(s, scale2, warps); /* keys and slots are written, too */
  if (thread == 0) log_sum_exp[row] = s.most * scale + logf(s.sum);
  if (k == 0) return;

  uint32_t least = 1, last = 0xffffffffu;
  if (n > k) top_find(&least, &last, keys, all_ids, 0, n, k, low, id_bit, slots);
  for (int i = thread; i < n; i += TOP_THREADS)
    if (keys[i] > least || (keys[i] == least && (uint32_t)all_ids[i] <= last)) chosen[atomicAdd(&next, 1)] = (uint64_t)keys[i] << 32 | (uint32_t)~all_ids[i];
  __syncthreads();
  for (int size = 2; size <= width; size *= 2)
    for (int stride = size / 2; stride > 0; stride /= 2) {
      for (int t = thread; t < width / 2; t += TOP_THREADS) {
        int i = 2 * t - (t & (stride - 1)), j = i + stride;
        uint64_t a = chosen[i], b = chosen[j];
        if ((a < b) == ((i & size) == 0)) chosen[i] = b, chosen[j] = a;
      }
      __syncthreads();
    }
  for (int i = thread; i < k; i += TOP_THREADS) {
    values[row * k + i] = top_value((uint32_t)(chosen[i] >> 32), mask);
    ids[row * k + i] = (int32_t)~(uint32_t)chosen[i];
  }
}

#endif
