/* SPDX-License-Identifier: MIT
 *
 * Keys of multi-head latent attention on the GPU; join_keys.cuh has the kernels.
 */
#include "kernels/join_keys.cuh"

extern "C" {
#include "kernels/join_keys.h"
}

static int check_shape(int64_t ld_kv, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e) {
  if (join_keys_check(ld_kv, ld_rope, rows, H, Dn, Dv, Dr, e) != 0) return -1;
  if (H * (double)(Dn + Dv + Dr) < JOIN_MOST_COLUMNS) return 0;
  return kernel_fail(e, "join_keys: %lld heads of %lld + %lld, %lld shared: a GPU takes rows of less than %d", (long long)H, (long long)Dn, (long long)Dv, (long long)Dr, (int)JOIN_MOST_COLUMNS);
}

static unsigned blocks_for(int64_t rows) { /* four times what runs at once */
  int64_t most = 64 * (int64_t)cuda_device()->processors;
  return (unsigned)(rows < most ? rows : most);
}

template <class T> static bool aligned(const struct join_shape &s, std::initializer_list<const void *> pointers) {
  const int64_t N = 16 / sizeof(T);
  return s.Dn % N == 0 && s.Dv % N == 0 && s.Dr % N == 0 && s.ld_kv % N == 0 && s.ld_rope % N == 0 && aligned_16(pointers);
}

template <class T>
static int join_keys(stored *k, const stored *kv, int64_t ld_kv, const stored *k_rope, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn,
                     int64_t Dv, int64_t Dr, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  if (check_shape(ld_kv, ld_rope, rows, H, Dn, Dv, Dr, e) != 0) return -1;
  if (rows == 0 || Dn + Dr == 0) return 0;
  const struct join_shape s = {rows, ld_kv, ld_rope, (int)H, (int)Dn, (int)Dv, (int)Dr};
  T *to = elements<T>(k);
  const T *own = elements<T>(kv), *shared = elements<T>(k_rope);
  if (aligned<T>(s, {k, kv, k_rope})) CUDA_LAUNCH((join_keys_kernel<T, N>), blocks_for(rows), JOIN_THREADS, 0, cuda_stream(), to, own, shared, s);
  else CUDA_LAUNCH((join_keys_kernel<T, 1>), blocks_for(rows), JOIN_THREADS, 0, cuda_stream(), to, own, shared, s);
  return launched("join_keys", e);
}

template <class T>
static int join_keys_backward(stored *d_kv, int64_t ld_kv, stored *d_k_rope, int64_t ld_rope, const stored *dk, int64_t rows, int64_t H,
                              int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  if (check_shape(ld_kv, ld_rope, rows, H, Dn, Dv, Dr, e) != 0) return -1;
  if (rows == 0 || Dn + Dr == 0) return 0;
  const struct join_shape s = {rows, ld_kv, ld_rope, (int)H, (int)Dn, (int)Dv, (int)Dr};
  T *own = elements<T>(d_kv), *shared = elements<T>(d_k_rope);
  const T *from = elements<T>(dk);
  if (aligned<T>(s, {d_kv, d_k_rope, dk})) CUDA_LAUNCH((join_keys_backward_kernel<T, N>), blocks_for(rows), JOIN_THREADS, 0, cuda_stream(), own, shared, from, s);
  else CUDA_LAUNCH((join_keys_backward_kernel<T, 1>), blocks_for(rows), JOIN_THREADS, 0, cuda_stream(), own, shared, from, s);
  return launched("join_keys_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->join_keys = join_keys<T>;
  b->join_keys_backward = join_keys_backward<T>;
}

extern "C" void join_keys_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
