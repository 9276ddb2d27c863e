/* SPDX-License-Identifier: MIT
 *
 * Launches Hyena's convolutions.
 */
#include "kernels/convolution.cuh"
#include "kernels/cuda.h"

enum { DIRECT_BELOW = 16 /* new positions */, SCRATCH = 32 << 20 /* bytes of points that passes over memory leave: within the second cache */ };

/* Blocks of `threads` for n items, in *blocks. */
static int blocks_for(unsigned *blocks, int64_t n, int threads, struct kernel_error *e) {
  int64_t count = divide_up(n, threads);
  *blocks = count > INT32_MAX ? 0 : (unsigned)count;
  return *blocks > 0 ? 0 : kernel_fail(e, "convolution: %lld blocks are more than a grid has", (long long)count);
}

/* ---- short */

/* Chooses between 16 bytes at once and one element. */
template <class T> static bool wide(int64_t C, std::initializer_list<const void *> pointers) { return C % (16 / (int64_t)sizeof(T)) == 0 && aligned_16(pointers); }

template <class T>
static int short_taps(T *y, const T *x, const float *weight, const float *bias, int direction, int64_t B, int64_t length, int64_t C, int64_t K, bool accumulate, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  bool packs = wide<T>(C, {y, x});
  unsigned blocks;
  if (blocks_for(&blocks, B * divide_up(length, SHORT_ROWS) * (packs ? C / N : C), SHORT_THREADS, e) != 0) return -1;
  if (packs && K == 3) CUDA_LAUNCH((short_convolution_kernel<T, N, 3>), blocks, SHORT_THREADS, 0, cuda_stream(), y, x, weight, bias, direction, B, length, C, K, accumulate);
  else if (packs) CUDA_LAUNCH((short_convolution_kernel<T, N, 0>), blocks, SHORT_THREADS, 0, cuda_stream(), y, x, weight, bias, direction, B, length, C, K, accumulate);
  else CUDA_LAUNCH((short_convolution_kernel<T, 1, 0>), blocks, SHORT_THREADS, 0, cuda_stream(), y, x, weight, bias, direction, B, length, C, K, accumulate);
  return launched("short_convolution", e);
}

template <class T>
static int short_forward(stored *y, const stored *x, const real *weight, const real *bias, int64_t B, int64_t length, int64_t C, int64_t K, struct kernel_error *e) {
  if (B < 1 || length < 1 || C < 1) return 0;
  return short_taps(elements<T>(y), elements<T>(x), weight, bias, -1, B, length, C, K, false, e);
}

template <class T>
static int short_backward(stored *dx, real *d_weight, real *d_bias, const stored *dy, const stored *x, const real *weight, int64_t B, int64_t length, int64_t C, int64_t K, bool accumulate,
                          struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (B < 1 || length < 1 || C < 1) return 0;
  bool together = K <= SHORT_TAPS, packs = wide<T>(C, {dx, dy, x});
  int64_t groups = K > SHORT_TAPS ? divide_up(K, SHORT_TAPS) : 1;
  if (groups > 65535) return kernel_fail(e, "short_convolution: %lld taps, at most %d on the GPU", (long long)K, 65535 * SHORT_TAPS);
  if (!together && short_taps(elements<T>(dx), elements<T>(dy), weight, (const float *)NULL, 1, B, length, C, K, accumulate, e) != 0) return -1;
  int64_t parts = B * divide_up(length, SHORT_PART);
  float *partial = (float *)cuda_workspace((size_t)(parts * (K + 1) * C) * sizeof *partial, e);
  unsigned blocks;
  if (!partial || blocks_for(&blocks, parts * (packs ? C / N : C), SHORT_THREADS, e) != 0) return -1;
  T *to = together ? elements<T>(dx) : (T *)NULL;
  if (packs)
    CUDA_LAUNCH((short_gradient_kernel<T, N>), dim3(blocks, (unsigned)groups), SHORT_THREADS, 0, cuda_stream(), to, partial, elements<T>(dy), elements<T>(x), weight, B, length, C, (int)K,
                accumulate);
  else
    CUDA_LAUNCH((short_gradient_kernel<T, 1>), dim3(blocks, (unsigned)groups), SHORT_THREADS, 0, cuda_stream(), to, partial, elements<T>(dy), elements<T>(x), weight, B, length, C, (int)K,
                accumulate);
  CUDA_LAUNCH(short_reduce_kernel, (unsigned)divide_up((K + 1) * C, REDUCE_COLUMNS), dim3(REDUCE_COLUMNS, REDUCE_PARTS), 0, cuda_stream(), d_weight, d_bias, partial, parts, C, (int)K);
  return launched("short_convolution_backward", e);
}

static struct convolution_place cached_place(const struct cache_pages *pages, const int64_t *past, int64_t length, int64_t C) { return {pages->table, pages->pages, pages->page, past, length, C}; }
static struct convolution_place place_of(int64_t length, int64_t C) { return {(const int32_t *)NULL, 0, 0, (const int64_t *)NULL, length, C}; }

template <class T>
static int short_cached(stored *y, const stored *x_cache, const struct cache_pages *pages, const int64_t *past, const real *weight, const real *bias, int64_t B, int64_t length, int64_t C,
                        int64_t K, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (B < 1 || length < 1 || C < 1) return 0;
  struct convolution_place place = cached_place(pages, past, length, C);
  bool packs = wide<T>(C, {y, x_cache});
  unsigned blocks;
  if (blocks_for(&blocks, B * length * (packs ? C / N : C), SHORT_THREADS, e) != 0) return -1;
  if (packs) CUDA_LAUNCH((short_cached_kernel<T, N>), blocks, SHORT_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x_cache), place, weight, bias, B, K);
  else CUDA_LAUNCH((short_cached_kernel<T, 1>), blocks, SHORT_THREADS, 0, cuda_stream(), elements<T>(y), elements<T>(x_cache), place, weight, bias, B, K);
  return launched("short_convolution_cached", e);
}

/* ---- long */

/* M and its passes for `rows` positions, and how many channels stand side by side; the roots are still to come. */
static struct fourier fourier_for(int64_t rows, int64_t C) {
  struct fourier f = {};
  int64_t most = cuda_device()->shared_bytes >= (size_t)CONVOLUTION_POINTS * 9 ? (int64_t)CONVOLUTION_POINTS : (int64_t)CONVOLUTION_POINTS / 2; /* points in a block: 8 bytes and an eighth each */
  f.M = 16;
  while (f.M < rows) f.M *= 2;
  if (f.M / 4 * 3 >= rows) f.M = f.M / 4 * 3;
  f.factor = 1 / (float)f.M;
  int64_t n = f.M;
  while (n > 1) {
    int radix = n % 3 == 0 ? 3 : n == 4 || n == 16 ? 4 : 8;
    n /= radix;
    f.radix[f.levels] = (unsigned char)radix;
    while ((int64_t)1 << f.log_stride[f.levels] < n) f.log_stride[f.levels]++;
    f.levels++;
  }
  int64_t piece = f.M;
  while (piece > most || (f.outer > 0 && piece > most / 4)) piece /= f.radix[f.outer++];
  while (f.lanes < 4 && piece << (f.lanes + 1) <= (piece > 2048 ? most : most / 2) && (int64_t)1 << f.lanes < C) f.lanes++;
  return f;
}

/* Parts of one request for scratch memory. */
struct request {
  size_t bytes;
  size_t add(int64_t numbers) { /* of float2; returns where */
    size_t at = bytes;
    bytes += ((size_t)numbers * sizeof(float2) + 255) / 256 * 256;
    return at;
  }
};

static int make_roots(struct fourier *f, float2 *roots, float2 *twist, struct kernel_error *e) {
  f->roots = roots, f->twist = twist;
  CUDA_LAUNCH(fourier_roots_kernel, (unsigned)divide_up(f->M, 256), 256, 0, cuda_stream(), roots, twist, f->M);
  return launched("long_convolution", e);
}

template <class T, convolution_mode MODE> static int inner(const struct convolution_job<T> *job, int64_t units, struct kernel_error *e) {
  const struct fourier *f = &job->f;
  int64_t size = (int64_t)f->radix[f->outer] << f->log_stride[f->outer], points = size << f->lanes;
  int threads = points >= 16384 ? CONVOLUTION_THREADS : points >= 2048 ? 256 : 64;
  unsigned blocks;
  if (blocks_for(&blocks, units * job->groups * (f->M / size), 1, e) != 0) return -1;
  CUDA_LAUNCH((convolution_kernel<T, MODE>), blocks, threads, (size_t)(points + points / 8) * sizeof(float2), cuda_stream(), *job);
  return launched("long_convolution", e);
}

/* The passes over memory of all groups of a job for sequence b: down from the rows of `side` to z, or up. */
template <class T, bool INVERSE> static int outer(const struct convolution_job<T> *job, const struct convolution_side<T> *side, float2 *z, int64_t b, struct kernel_error *e) {
  const struct fourier *f = &job->f;
  for (int i = 0; i < f->outer; i++) {
    int level = INVERSE ? f->outer - 1 - i : i;
    struct convolution_side<T> outside = *side;
    outside.z = level > 0 ? z : NULL; /* NULL: rows */
    unsigned blocks;
    if (blocks_for(&blocks, job->groups * (f->M / f->radix[level]) << f->lanes, 256, e) != 0) return -1;
    CUDA_LAUNCH((convolution_outer_kernel<T, INVERSE>), blocks, 256, 0, cuda_stream(), *f, level, outside, z, b, job->first_group, job->groups);
  }
  return launched("long_convolution", e);
}

static int64_t groups_of(const struct fourier *f, int64_t C) { return divide_up(C, (int64_t)1 << f->lanes); }

/* Groups that are worked on at a time: all, or as many as SCRATCH holds. */
static int64_t groups_at_a_time(const struct fourier *f, int64_t C) {
  int64_t groups = groups_of(f, C), most = SCRATCH / ((f->M << f->lanes) * (int64_t)sizeof(float2));
  return f->outer == 0 || most > groups ? groups : most > 1 ? most : 1;
}

/* y from x, both as their places say, of `rows` positions at most. */
template <class T>
static int convolve(T *y, const T *x, const struct convolution_place *place, int64_t rows, const T *h, const float *skip, int64_t B, struct kernel_error *e) {
  struct convolution_job<T> job = {};
  int64_t C = place->C;
  job.f = fourier_for(rows, C);
  int64_t all = groups_of(&job.f, C), together = groups_at_a_time(&job.f, C), spectrum_size = (together * job.f.M) << job.f.lanes;
  struct request q = {};
  size_t roots = q.add(job.f.M), twist = q.add(job.f.M), spectrum = q.add(spectrum_size), z = q.add(job.f.outer > 0 ? spectrum_size : 0);
  char *memory = (char *)cuda_workspace(q.bytes, e);
  if (!memory || make_roots(&job.f, (float2 *)(memory + roots), (float2 *)(memory + twist), e) != 0) return -1;
  job.spectrum = (float2 *)(memory + spectrum);
  float2 *points = job.f.outer > 0 ? (float2 *)(memory + z) : NULL;
  struct convolution_side<T> filter = {}, input = {};
  filter.read = h, filter.skip = skip, filter.place = place_of(rows, C), filter.z = points;
  input.read = x, input.write = y, input.place = *place, input.z = points;
  for (job.first_group = 0; job.first_group < all; job.first_group += together) {
    job.groups = all - job.first_group < together ? all - job.first_group : together;
    job.x = filter, job.parts = 1;
    if (outer<T, false>(&job, &filter, points, 0, e) != 0 || inner<T, CONVOLUTION_SPECTRUM>(&job, 1, e) != 0) return -1;
    job.x = job.y = input;
    if (job.f.outer == 0) {
      job.first_sequence = 0;
      if (inner<T, CONVOLUTION_PRODUCT>(&job, B, e) != 0) return -1;
      continue;
    }
    for (int64_t b = 0; b < B; b++) {
      job.first_sequence = b;
      if (outer<T, false>(&job, &input, points, b, e) != 0 || inner<T, CONVOLUTION_PRODUCT>(&job, 1, e) != 0 || outer<T, true>(&job, &input, points, b, e) != 0) return -1;
    }
  }
  return 0;
}

template <class T>
static int long_forward(stored *y, const stored *x, const stored *h, const real *skip, int64_t B, int64_t length, int64_t C, struct kernel_error *e) {
  if (B < 1 || length < 1 || C < 1) return 0;
  struct convolution_place place = place_of(length, C);
  return convolve(elements<T>(y), elements<T>(x), &place, length, elements<T>(h), skip, B, e);
}

template <class T>
static int long_backward(stored *dx, stored *dh, real *d_skip, const stored *dy, const stored *x, const stored *h, const real *skip, int64_t B, int64_t length, int64_t C, struct kernel_error *e) {
  if (length < 1 || C < 1) return 0;
  struct convolution_job<T> job = {};
  struct convolution_side<T> filter = {}, input = {}, gradient = {}, result = {};
  filter.read = elements<T>(h), filter.skip = skip, input.read = elements<T>(x), gradient.read = elements<T>(dy), gradient.write = elements<T>(dx);
  result.write = elements<T>(dh), result.d_skip = d_skip;
  filter.place = input.place = gradient.place = result.place = place_of(length, C);
  if (B < 1) return cudaMemsetAsync(dh, 0, (size_t)(length * C) * sizeof(T), cuda_stream()) == cudaSuccess ? 0 : launched("long_convolution_backward", e);
  job.f = fourier_for(length, C);
  int64_t all = groups_of(&job.f, C), together = groups_at_a_time(&job.f, C), size = (together * job.f.M) << job.f.lanes, wanted = divide_up(2 * 132, all); /* two blocks for each multiprocessor of an H100 */
  job.parts = (int)(job.f.outer > 0 ? 1 : B < wanted ? B : wanted); /* depends on the shape alone, and so do the sums */
  struct request q = {};
  size_t roots = q.add(job.f.M), twist = q.add(job.f.M), spectrum = q.add(size), sums = q.add(job.parts * size), scratch = q.add(job.parts * size), z = q.add(job.f.outer > 0 ? size : 0);
  char *memory = (char *)cuda_workspace(q.bytes, e);
  if (!memory || make_roots(&job.f, (float2 *)(memory + roots), (float2 *)(memory + twist), e) != 0) return -1;
  job.spectrum = (float2 *)(memory + spectrum), job.sums = (float2 *)(memory + sums), job.scratch = (float2 *)(memory + scratch);
  float2 *points = job.f.outer > 0 ? (float2 *)(memory + z) : NULL;
  filter.z = gradient.z = points, input.z = points ? job.scratch : NULL, result.z = points ? job.sums : NULL;
  for (job.first_group = 0; job.first_group < all; job.first_group += together) {
    job.groups = all - job.first_group < together ? all - job.first_group : together;
    job.x = filter, job.first_sequence = 0;
    if (outer<T, false>(&job, &filter, points, 0, e) != 0 || inner<T, CONVOLUTION_SPECTRUM>(&job, 1, e) != 0) return -1;
    job.x = input, job.y = gradient;
    job.sequences = job.f.outer > 0 ? 1 : B;
    for (int64_t b = 0; b < (job.f.outer > 0 ? B : 1); b++) {
      job.first_sequence = b, job.fresh = b == 0;
      if (outer<T, false>(&job, &input, job.scratch, b, e) != 0 || outer<T, false>(&job, &gradient, points, b, e) != 0) return -1;
      if (inner<T, CONVOLUTION_CORRELATION>(&job, job.parts, e) != 0 || outer<T, true>(&job, &gradient, points, b, e) != 0) return -1;
    }
    job.y = result, job.first_sequence = 0;
    if (inner<T, CONVOLUTION_RESTORE>(&job, 1, e) != 0 || outer<T, true>(&job, &result, job.sums, 0, e) != 0) return -1;
  }
  return 0;
}

template <class T>
static int long_cached(stored *y, const stored *x_cache, const struct cache_pages *pages, const int64_t *past, int64_t longest, const stored *h, const real *skip, int64_t B, int64_t length,
                       int64_t C, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (B < 1 || length < 1 || C < 1) return 0;
  struct convolution_place place = cached_place(pages, past, length, C);
  if (length >= DIRECT_BELOW) return convolve(elements<T>(y), elements<T>(x_cache), &place, longest, elements<T>(h), skip, B, e);
  bool packs = wide<T>(C, {x_cache, h});
  int64_t rows = B * length, chunks = divide_up(longest, DIRECT_CHUNK), columns = divide_up(C, 32 * (packs ? N : 1));
  unsigned blocks, ends;
  if (blocks_for(&blocks, rows * chunks * columns, 1, e) != 0 || blocks_for(&ends, rows * C, 256, e) != 0) return -1;
  float *partial = (float *)cuda_workspace((size_t)(rows * chunks * C) * sizeof *partial, e);
  if (!partial) return -1;
  if (packs) CUDA_LAUNCH((long_direct_kernel<T, N>), blocks, 32 * DIRECT_WARPS, 0, cuda_stream(), partial, elements<T>(x_cache), place, elements<T>(h), chunks, columns);
  else CUDA_LAUNCH((long_direct_kernel<T, 1>), blocks, 32 * DIRECT_WARPS, 0, cuda_stream(), partial, elements<T>(x_cache), place, elements<T>(h), chunks, columns);
  CUDA_LAUNCH(long_direct_sum_kernel<T>, ends, 256, 0, cuda_stream(), elements<T>(y), partial, elements<T>(x_cache), place, skip, chunks, rows);
  return launched("long_convolution_cached", e);
}

template <class T> static void fill(struct backend *b) {
  b->short_convolution_forward = short_forward<T>;
  b->short_convolution_backward = short_backward<T>;
  b->short_convolution_cached = short_cached<T>;
  b->long_convolution_forward = long_forward<T>;
  b->long_convolution_backward = long_backward<T>;
  b->long_convolution_cached = long_cached<T>;
}

extern "C" void convolution_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
