/* SPDX-License-Identifier: MIT
 *
 * Launches the passes over elements.
 */
#include "kernels/elementwise.cuh"

#include <math.h>

#include "kernels/cuda.h"
#include "kernels/cuda_rows.h"

static unsigned flat_blocks(int64_t n, int N) { return (unsigned)divide_up(n, (int64_t)ELEMENTWISE_THREADS * ELEMENTWISE_EACH * N); }

template <class T> static int add(stored *y, const stored *a, const stored *b, int64_t n, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (n == 0) return 0;
  if (aligned_16({y, a, b}))
    CUDA_LAUNCH((add_kernel<T, N>), flat_blocks(n, N), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(a), elements<T>(b), n);
  else
    CUDA_LAUNCH((add_kernel<T, 1>), flat_blocks(n, 1), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(a), elements<T>(b), n);
  return launched("add", e);
}

template <class T> static int scale(stored *x, real factor, int64_t n, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (n == 0) return 0;
  if (aligned_16({x})) CUDA_LAUNCH((scale_kernel<T, N>), flat_blocks(n, N), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(x), factor, n);
  else CUDA_LAUNCH((scale_kernel<T, 1>), flat_blocks(n, 1), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(x), factor, n);
  return launched("scale", e);
}

template <class T> static int narrow(stored *to, const real *from, int64_t n, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (n == 0 || (void *)to == (const void *)from) return 0;
  if (aligned_16({to, from}))
    CUDA_LAUNCH((narrow_kernel<T, N>), flat_blocks(n, N), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(to), from, n);
  else
    CUDA_LAUNCH((narrow_kernel<T, 1>), flat_blocks(n, 1), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(to), from, n);
  return launched("narrow", e);
}

template <class T>
static int multiply(stored *y, int64_t ld_y, const stored *a, int64_t ld_a, const stored *b, int64_t ld_b, int64_t rows, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  bool wide = aligned_16({y, a, b}) && whole_packs<T>({C, ld_y, ld_a, ld_b});
  struct row_grid g = row_grid(rows, C / (wide ? N : 1), ELEMENTWISE_THREADS);
  if (wide) CUDA_LAUNCH((multiply_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), elements<T>(y), ld_y, elements<T>(a), ld_a, elements<T>(b), ld_b, rows, C);
  else CUDA_LAUNCH((multiply_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), elements<T>(y), ld_y, elements<T>(a), ld_a, elements<T>(b), ld_b, rows, C);
  return launched("multiply", e);
}

template <class T>
static int multiply_backward(stored *da, int64_t ld_a, stored *db, int64_t ld_b, const stored *dy, int64_t ld_y, const stored *a, const stored *b, int64_t rows,
                             int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  bool wide = aligned_16({da, db, dy, a, b}) && whole_packs<T>({C, ld_y, ld_a, ld_b});
  struct row_grid g = row_grid(rows, C / (wide ? N : 1), ELEMENTWISE_THREADS);
  if (wide)
    CUDA_LAUNCH((multiply_backward_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), elements<T>(da), ld_a, elements<T>(db), ld_b, elements<T>(dy), ld_y,
                elements<T>(a), elements<T>(b), rows, C);
  else
    CUDA_LAUNCH((multiply_backward_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), elements<T>(da), ld_a, elements<T>(db), ld_b, elements<T>(dy), ld_y,
                elements<T>(a), elements<T>(b), rows, C);
  return launched("multiply_backward", e);
}

template <class T> static int copy_rows(stored *to, int64_t ld_to, const stored *from, int64_t ld_from, int64_t rows, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  bool wide = aligned_16({to, from}) && whole_packs<T>({C, ld_to, ld_from});
  struct row_grid g = row_grid(rows, C / (wide ? N : 1), ELEMENTWISE_THREADS);
  if (wide) CUDA_LAUNCH((copy_rows_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), elements<T>(to), ld_to, elements<T>(from), ld_from, rows, C);
  else CUDA_LAUNCH((copy_rows_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), elements<T>(to), ld_to, elements<T>(from), ld_from, rows, C);
  return launched("copy_rows", e);
}

template <class T>
static int cache_append(stored *cache, int64_t ld_cache, const struct cache_pages *pages, const int64_t *past, const stored *x, int64_t ld_x, int64_t B,
                        int64_t T_new, int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (B == 0 || T_new == 0 || C == 0) return 0;
  if (pages->page < 1 || pages->page > INT32_MAX || pages->pages > INT32_MAX / pages->page)
    return kernel_fail(e, "cache_append: %lld pages of %lld rows, less than 2^31 rows a sequence are possible", (long long)pages->pages, (long long)pages->page);
  bool wide = aligned_16({cache, x}) && whole_packs<T>({C, ld_cache, ld_x});
  struct row_grid g = row_grid(T_new, C / (wide ? N : 1), ELEMENTWISE_THREADS);
  g.grid.z = (unsigned)(B < 65535 ? B : 65535);
  if (wide)
    CUDA_LAUNCH((cache_append_kernel<T, N>), g.grid, g.block, 0, cuda_stream(), elements<T>(cache), ld_cache, *pages, past, elements<T>(x), ld_x, B, T_new, C);
  else
    CUDA_LAUNCH((cache_append_kernel<T, 1>), g.grid, g.block, 0, cuda_stream(), elements<T>(cache), ld_cache, *pages, past, elements<T>(x), ld_x, B, T_new, C);
  return launched("cache_append", e);
}

template <class T> static int dropout(stored *x, int64_t n, double p, uint64_t key, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (!(p >= 0 && p < 1)) return kernel_fail(e, "dropout: probability %g, at least 0 and less than 1 is possible", p);
  if (n == 0 || p == 0) return 0;
  uint32_t threshold = (uint32_t)fmin(floor(p * 4294967296.0 + 0.5), (double)UINT32_MAX);
  float factor = (float)(1 / (1 - p));
  int64_t counters = divide_up(n, 64) * 16;
  if (aligned_16({x}))
    CUDA_LAUNCH((dropout_kernel<T, N>), (unsigned)divide_up(counters, ELEMENTWISE_THREADS * N), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(x), n, key, threshold, factor);
  else
    CUDA_LAUNCH((dropout_kernel<T, 1>), (unsigned)divide_up(counters, ELEMENTWISE_THREADS), ELEMENTWISE_THREADS, 0, cuda_stream(), elements<T>(x), n, key, threshold, factor);
  return launched("dropout", e);
}

template <class T> static void fill(struct backend *b) {
  b->add = add<T>, b->scale = scale<T>, b->narrow = narrow<T>, b->multiply = multiply<T>, b->multiply_backward = multiply_backward<T>;
  b->copy_rows = copy_rows<T>, b->cache_append = cache_append<T>, b->dropout = dropout<T>;
}
extern "C" void elementwise_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
