/* SPDX-License-Identifier: MIT
 *
 * Hyena's convolutions on the GPU; convolution.h has the formulas.
 *
 * Short: a thread has 16 bytes of channels and runs down SHORT_ROWS rows; the K-1 rows it reads again come from the first cache.
 * The gradient of up to SHORT_TAPS taps is one kernel for dx, d_weight and d_bias, each thread summing its rows; a second one adds
 * these partial sums in a fixed order.  Bound by memory: >= 85% of the copy bandwidth expected on an H100.
 *
 * Long, by the transform of convolution.h: M points that are the product of passes of radix 8, 4 and, first, 3, forward by
 * decimation in frequency, back by decimation in time, so that no bits are reversed.  A block has L = 1 to 16 neighbouring
 * channels in shared memory, points [M][L] side by side, and does the first pass from rows of x as they lie in memory, all passes,
 * the product with the filter's spectrum between the last pass down and the first one up, and the last pass to rows of y: x is
 * read once and y written once, where cuFFT would want channels transposed, widened to float, padded to 2 T, and each pass between
 * as a trip through memory (some 60 bytes an element to our 12, 8 of which are the spectrum's and come from the second cache).
 * An element lies at i + i/8: what a half warp touches of a pass then falls into different banks.
 * M beyond CONVOLUTION_POINTS: the first passes go over memory (`outer`), a few groups of channels of one sequence at a time so that
 * they stay in the second cache, and blocks do the parts that fit.
 * Gradients: a block takes its part of the sequences one after another: the spectrum of x to memory, that of dy in place, their
 * product added to the part's sum in memory, dy's product with the conjugate filter back to dx.  The parts' sums are added in order
 * and transformed back to dh.  Roots of unity are made in the workspace at each call, which is a hundredth of the work and leaves
 * nothing behind that a recorded graph would have to keep.
 * Expected on an H100: shared memory bounds it, some 1.2 clocks a point and multiprocessor for each transform and its inverse:
 * B T C = 8 x 1024 x 768 in 40 us, 25% of the copy bandwidth; about four times as fast as cuFFT's passes through memory.
 *
 * Cached: few rows are summed directly, DIRECT_CHUNK rows of the cache a block, then the blocks' sums in order: bound by reading
 * cache and filter once (>= 80% of the bandwidth when sequences x chunks fill the GPU).
 */
#ifndef KERNELS_CONVOLUTION_CUH
#define KERNELS_CONVOLUTION_CUH

#include "kernels/cuda_cpu.h"

enum { SHORT_ROWS = 16, SHORT_PART = 32 /* rows of a partial sum */, SHORT_TAPS = 4, SHORT_THREADS = 128, REDUCE_COLUMNS = 32, REDUCE_PARTS = 8 };
enum { CONVOLUTION_POINTS = 16384, CONVOLUTION_THREADS = 512, CONVOLUTION_LEVELS = 24 };
enum { DIRECT_CHUNK = 256, DIRECT_WARPS = 8 };

/* Rows of sequence b, C channels each: of x [B][T][C], or, where table is not NULL, of a cache (struct cache_pages). */
struct convolution_place {
  const int32_t *table;
  int64_t pages, page;
  const int64_t *past; /* rows before the T new ones; NULL: none */
  int64_t T, C;
};
static __device__ __forceinline__ int64_t convolution_past(const convolution_place &p, int64_t b) { return p.past ? p.past[b] : 0; }
static __device__ __forceinline__ int64_t convolution_row(const convolution_place &p, int64_t b, int64_t i) {
  if (!p.table) return (b * p.T + i) * p.C;
  return ((int64_t)p.table[b * p.pages + (int)i / (int)p.page] * p.page + (int)i % (int)p.page) * p.C;
}

/* ---- short */

/* direction -1: y[t] = bias + sum_k weight[k] x[t-(K-1)+k];  +1, the gradient: y[t] = sum_k weight[k] x[t+(K-1)-k].  TAPS: K, or 0 where K
 * is not known to the compiler. */
template <class T, int N, int TAPS>
__global__ void __launch_bounds__(SHORT_THREADS)
    short_convolution_kernel(T *__restrict__ y, const T *__restrict__ x, const float *__restrict__ weight, const float *__restrict__ bias, int direction, int64_t B, int64_t length, int64_t C,
                             int64_t K, bool accumulate) {
  int64_t units = C / N, runs = (length + SHORT_ROWS - 1) / SHORT_ROWS, index = (int64_t)blockIdx.x * SHORT_THREADS + threadIdx.x;
  if (index >= B * runs * units) return;
  int64_t c = index % units * N, run = index / units, begin = run % runs * SHORT_ROWS, end = begin + SHORT_ROWS < length ? begin + SHORT_ROWS : length;
  if (TAPS) K = TAPS;
  x += run / runs * length * C + c, y += run / runs * length * C + c, weight += c * K;
  float taps[TAPS ? TAPS : 1][N], first[N];
  for (int i = 0; i < N; i++) first[i] = bias ? bias[c + i] : 0;
#pragma unroll
  for (int k = 0; k < TAPS; k++)
    for (int i = 0; i < N; i++) taps[k][i] = weight[i * K + k];
  for (int64_t t = begin; t < end; t++) {
    float sum[N];
    pack<T, N> p;
    for (int i = 0; i < N; i++) sum[i] = first[i];
#pragma unroll(TAPS ? TAPS : 1)
    for (int64_t k = 0; k < K; k++) {
      int64_t from = t + direction * (K - 1 - k);
      if (from < 0 || from >= length) continue;
      p = load_pack<T, N>(x + from * C);
      for (int i = 0; i < N; i++) sum[i] += (TAPS ? taps[TAPS ? k : 0][i] : weight[i * K + k]) * to_float(p.at[i]);
    }
    if (accumulate) {
      p = load_pack<T, N>(y + t * C);
      for (int i = 0; i < N; i++) sum[i] += to_float(p.at[i]);
    }
    for (int i = 0; i < N; i++) p.at[i] = from_float<T>(sum[i]);
    store_pack<T, N>(y + t * C, p);
  }
}

/* partial [parts][K+1][C], row K for the bias: taps blockIdx.y * SHORT_TAPS on, from SHORT_PART rows of a sequence.  dx NULL: not wanted;
 * otherwise K <= SHORT_TAPS. */
template <class T, int N>
__global__ void __launch_bounds__(SHORT_THREADS)
    short_gradient_kernel(T *__restrict__ dx, float *__restrict__ partial, const T *__restrict__ dy, const T *__restrict__ x, const float *__restrict__ weight, int64_t B, int64_t length, int64_t C,
                          int K, bool accumulate) {
  int64_t units = C / N, runs = (length + SHORT_PART - 1) / SHORT_PART, index = (int64_t)blockIdx.x * SHORT_THREADS + threadIdx.x;
  if (index >= B * runs * units) return;
  int64_t c = index % units * N, run = index / units, begin = run % runs * SHORT_PART, end = begin + SHORT_PART < length ? begin + SHORT_PART : length, at = run / runs * length * C + c;
  int k0 = (int)blockIdx.y * SHORT_TAPS;
  x += at, dy += at, partial += run * (K + 1) * C + c;
  if (dx) dx += at;
  float sum[SHORT_TAPS + 1][N], taps[SHORT_TAPS][N];
#pragma unroll
  for (int k = 0; k < SHORT_TAPS; k++)
    for (int i = 0; i < N; i++) sum[k][i] = 0, taps[k][i] = dx && k < K ? weight[(c + i) * K + k] : 0;
  for (int i = 0; i < N; i++) sum[SHORT_TAPS][i] = 0;
  for (int64_t t = begin; t < end; t++) {
    pack<T, N> d = load_pack<T, N>(dy + t * C), p;
    float g[N];
    for (int i = 0; i < N; i++) sum[SHORT_TAPS][i] += to_float(d.at[i]), g[i] = 0;
#pragma unroll
    for (int k = 0; k < SHORT_TAPS; k++) {
      int64_t from = t - (K - 1) + k0 + k, to = t + (K - 1) - k;
      if (k0 + k < K && from >= 0) {
        p = load_pack<T, N>(x + from * C);
        for (int i = 0; i < N; i++) sum[k][i] += to_float(d.at[i]) * to_float(p.at[i]);
      }
      if (dx && k < K && to < length) {
        p = load_pack<T, N>(dy + to * C);
        for (int i = 0; i < N; i++) g[i] += taps[k][i] * to_float(p.at[i]);
      }
    }
    if (!dx) continue;
    if (accumulate) {
      p = load_pack<T, N>(dx + t * C);
      for (int i = 0; i < N; i++) g[i] += to_float(p.at[i]);
    }
    for (int i = 0; i < N; i++) p.at[i] = from_float<T>(g[i]);
    store_pack<T, N>(dx + t * C, p);
  }
#pragma unroll
  for (int k = 0; k < SHORT_TAPS; k++)
    for (int i = 0; k0 + k < K && i < N; i++) partial[(k0 + k) * C + i] = sum[k][i];
  for (int i = 0; k0 == 0 && i < N; i++) partial[K * C + i] = sum[SHORT_TAPS][i];
}

/* d_weight [C][K] and d_bias += sums over `parts` of partial.  A block has REDUCE_COLUMNS columns x REDUCE_PARTS interleaved parts. */
static __global__ void __launch_bounds__(REDUCE_COLUMNS *REDUCE_PARTS) short_reduce_kernel(float *d_weight, float *d_bias, const float *partial, int64_t parts, int64_t C, int K) {
  __shared__ float sums[REDUCE_PARTS][REDUCE_COLUMNS];
  int64_t column = (int64_t)blockIdx.x * REDUCE_COLUMNS + threadIdx.x, columns = (K + 1) * C;
  float sum = 0;
  for (int64_t p = threadIdx.y; column < columns && p < parts; p += REDUCE_PARTS) sum += partial[p * columns + column];
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || column >= columns) return;
  for (int i = 1; i < REDUCE_PARTS; i++) sum += sums[i][threadIdx.x];
  if (column < K * C) d_weight[column % C * K + column / C] += sum;
  else if (d_bias) d_bias[column - K * C] += sum;
}

template <class T, int N>
__global__ void __launch_bounds__(SHORT_THREADS)
    short_cached_kernel(T *__restrict__ y, const T *__restrict__ cache, convolution_place place, const float *__restrict__ weight, const float *__restrict__ bias, int64_t B, int64_t K) {
  int64_t units = place.C / N, index = (int64_t)blockIdx.x * SHORT_THREADS + threadIdx.x;
  if (index >= B * place.T * units) return;
  int64_t c = index % units * N, row = index / units, b = row / place.T, t = convolution_past(place, b) + row % place.T;
  float sum[N];
  pack<T, N> p;
  for (int i = 0; i < N; i++) sum[i] = bias ? bias[c + i] : 0;
  for (int64_t k = t < K - 1 ? K - 1 - t : 0; k < K; k++) {
    p = load_pack<T, N>(cache + convolution_row(place, b, t - (K - 1) + k) + c);
    for (int i = 0; i < N; i++) sum[i] += weight[(c + i) * K + k] * to_float(p.at[i]);
  }
  for (int i = 0; i < N; i++) p.at[i] = from_float<T>(sum[i]);
  store_pack<T, N>(y + row * place.C + c, p);
}

/* ---- transforms of a few points in registers, exp(-2 pi i / n) or, INVERSE, its conjugate */

static __device__ __forceinline__ float2 fourier_add(float2 a, float2 b) { return make_float2(a.x + b.x, a.y + b.y); }
static __device__ __forceinline__ float2 fourier_subtract(float2 a, float2 b) { return make_float2(a.x - b.x, a.y - b.y); }
static __device__ __forceinline__ float2 fourier_times(float2 a, float2 b) { return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
static __device__ __forceinline__ float2 fourier_times_conjugate(float2 a, float2 b) { return make_float2(a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y); } /* a conj(b) */
template <bool INVERSE> static __device__ __forceinline__ float2 fourier_quarter(float2 a) { return INVERSE ? make_float2(-a.y, a.x) : make_float2(a.y, -a.x); }

template <bool INVERSE> static __device__ __forceinline__ void fourier_four(float2 &a, float2 &b, float2 &c, float2 &d) {
  float2 s = fourier_add(a, c), t = fourier_subtract(a, c), u = fourier_add(b, d), v = fourier_quarter<INVERSE>(fourier_subtract(b, d));
  a = fourier_add(s, u), b = fourier_add(t, v), c = fourier_subtract(s, u), d = fourier_subtract(t, v);
}

template <int RADIX, bool INVERSE> static __device__ __forceinline__ void fourier_small(float2 *v) {
  if constexpr (RADIX == 3) {
    float2 t = fourier_add(v[1], v[2]), s = fourier_quarter<INVERSE>(fourier_subtract(v[1], v[2])), m = make_float2(v[0].x - 0.5f * t.x, v[0].y - 0.5f * t.y);
    s.x *= 0.866025403784438647f, s.y *= 0.866025403784438647f;
    v[0] = fourier_add(v[0], t), v[1] = fourier_add(m, s), v[2] = fourier_subtract(m, s);
  } else if constexpr (RADIX == 4) {
    fourier_four<INVERSE>(v[0], v[1], v[2], v[3]);
  } else {
    const float half = 0.707106781186547524f;
    fourier_four<INVERSE>(v[0], v[2], v[4], v[6]);
    fourier_four<INVERSE>(v[1], v[3], v[5], v[7]);
    float2 q = fourier_quarter<INVERSE>(v[3]), r = fourier_quarter<INVERSE>(v[7]);
    float2 odd[4] = {v[1], make_float2(half * (v[3].x + q.x), half * (v[3].y + q.y)), fourier_quarter<INVERSE>(v[5]), make_float2(half * (r.x - v[7].x), half * (r.y - v[7].y))};
    float2 even[4] = {v[0], v[2], v[4], v[6]};
#pragma unroll
    for (int p = 0; p < 4; p++) v[p] = fourier_add(even[p], odd[p]), v[p + 4] = fourier_subtract(even[p], odd[p]);
  }
}

/* ---- passes */

struct fourier {
  int64_t M;
  float factor; /* 1 / M */
  const float2 *roots, *twist;                                               /* [M]: exp(-2 pi i k / M), exp(i pi k / 2 M) */
  int levels, outer, lanes;                                                  /* passes, those over memory, log2 of the channels side by side */
  unsigned char radix[CONVOLUTION_LEVELS], log_stride[CONVOLUTION_LEVELS]; /* elements between the points of a small transform: 2^log_stride */
};

static __global__ void __launch_bounds__(256) fourier_roots_kernel(float2 *roots, float2 *twist, int64_t M) {
  int64_t k = (int64_t)blockIdx.x * 256 + threadIdx.x;
  if (k >= M) return;
  const double pi = 3.14159265358979323846;
  double a = -2 * pi * (double)k / (double)M, b = pi * (double)k / (double)(2 * M);
  roots[k] = make_float2((float)cos(a), (float)sin(a));
  twist[k] = make_float2((float)cos(b), (float)sin(b));
}

/* v[p] times w^p, or conj(w^p): w = roots[j M / n], n = RADIX << log_stride. */
template <int RADIX, bool INVERSE> static __device__ __forceinline__ void fourier_twiddle(float2 *v, const fourier &f, int64_t j, int log_stride) {
  float2 w[RADIX];
  w[1] = f.roots[j * (f.M / RADIX >> log_stride)];
#pragma unroll
  for (int p = 2; p < RADIX; p++) w[p] = fourier_times(w[p / 2], w[p - p / 2]);
#pragma unroll
  for (int p = 1; p < RADIX; p++) v[p] = INVERSE ? fourier_times_conjugate(v[p], w[p]) : fourier_times(v[p], w[p]);
}

/* Transform number `j` of a pass: its points from get(i), to put(i, value). */
template <int RADIX, bool INVERSE, class Get, class Put> static __device__ __forceinline__ void fourier_step(const fourier &f, int64_t j, int log_stride, const Get &get, const Put &put) {
  int64_t within = j & (((int64_t)1 << log_stride) - 1), first = (j - within) * RADIX + within;
  float2 v[RADIX];
#pragma unroll
  for (int r = 0; r < RADIX; r++) v[r] = get(first + ((int64_t)r << log_stride));
  if (INVERSE) fourier_twiddle<RADIX, true>(v, f, within, log_stride);
  fourier_small<RADIX, INVERSE>(v);
  if (!INVERSE) fourier_twiddle<RADIX, false>(v, f, within, log_stride);
#pragma unroll
  for (int r = 0; r < RADIX; r++) put(first + ((int64_t)r << log_stride), v[r]);
}

template <bool INVERSE, class Get, class Put> static __device__ __forceinline__ void fourier_any_step(const fourier &f, int level, int64_t j, const Get &get, const Put &put) {
  int radix = f.radix[level], log_stride = f.log_stride[level];
  if (radix == 8) fourier_step<8, INVERSE>(f, j, log_stride, get, put);
  else if (radix == 4) fourier_step<4, INVERSE>(f, j, log_stride, get, put);
  else fourier_step<3, INVERSE>(f, j, log_stride, get, put);
}

/* What stands outside of the passes in a block: rows of one group of channels, or, where z is not NULL, points that passes over memory
 * have left there or will take up, [groups][M][channels of a group]. */
template <class T> struct convolution_side {
  const T *read;
  T *write;
  const float *skip; /* added to row 0 of what is read */
  float *d_skip;     /* row 0 of what is written is added to it, as a float */
  float2 *z;
  convolution_place place;
};

/* Where the points of one transform lie: sequence b, channel c, group number g among those of z, lane in the group. */
struct convolution_at {
  int64_t b, c, g;
  int lane;
};

template <class T> static __device__ __forceinline__ float2 convolution_get(const convolution_side<T> &s, const fourier &f, const convolution_at &at, int64_t i) {
  if (s.z) return s.z[((at.g * f.M + i) << f.lanes) + at.lane];
  if (at.c >= s.place.C || i >= convolution_past(s.place, at.b) + s.place.T) return make_float2(0, 0);
  float x = to_float(s.read[convolution_row(s.place, at.b, i) + at.c]);
  if (i == 0 && s.skip) x += s.skip[at.c];
  float2 w = f.twist[i];
  return make_float2(x * w.x, x * w.y);
}

template <class T> static __device__ __forceinline__ void convolution_put(const convolution_side<T> &s, const fourier &f, const convolution_at &at, int64_t i, float2 v) {
  if (s.z) {
    s.z[((at.g * f.M + i) << f.lanes) + at.lane] = v;
    return;
  }
  int64_t first = convolution_past(s.place, at.b), row = i - first;
  if (at.c >= s.place.C || row < 0 || row >= s.place.T) return;
  float2 w = f.twist[i];
  float y = (v.x * w.x + v.y * w.y) * f.factor;
  s.write[(at.b * s.place.T + row) * s.place.C + at.c] = from_float<T>(y);
  if (i == 0 && s.d_skip) s.d_skip[at.c] += y;
}

/* One pass over memory, of groups first_group .. of sequence b: down from `side`, up to it. */
template <class T, bool INVERSE>
__global__ void __launch_bounds__(256) convolution_outer_kernel(fourier f, int level, convolution_side<T> side, float2 *z, int64_t b, int64_t first_group, int64_t groups) {
  int64_t index = (int64_t)blockIdx.x * 256 + threadIdx.x, each = f.M / f.radix[level];
  if (index >= groups * each << f.lanes) return;
  int lane = (int)(index & ((1 << f.lanes) - 1));
  int64_t j = (index >> f.lanes) % each, g = (index >> f.lanes) / each;
  convolution_at at = {b, ((first_group + g) << f.lanes) + lane, g, lane};
  auto inside = [&](int64_t i) { return z[((g * f.M + i) << f.lanes) + lane]; };
  auto to_inside = [&](int64_t i, float2 v) { z[((g * f.M + i) << f.lanes) + lane] = v; };
  auto outside = [&](int64_t i) { return convolution_get(side, f, at, i); };
  auto to_outside = [&](int64_t i, float2 v) { convolution_put(side, f, at, i, v); };
  if (INVERSE) fourier_any_step<true>(f, level, j, inside, to_outside);
  else fourier_any_step<false>(f, level, j, outside, to_inside);
}

enum convolution_mode {
  CONVOLUTION_SPECTRUM,    /* spectrum = transform of x */
  CONVOLUTION_PRODUCT,     /* y from the spectrum times the transform of x */
  CONVOLUTION_CORRELATION, /* sums += transform of dy conj(that of x), dx from the transform of dy conj(spectrum) */
  CONVOLUTION_RESTORE,     /* y from the parts' sums */
};

template <int N> struct convolution_number { /* a number as a type */
  static const int value = N;
};

template <class T> struct convolution_job {
  fourier f;
  convolution_side<T> x, y; /* y: written; read too (dy) in a correlation */
  float2 *spectrum;         /* [groups][M][channels] */
  float2 *sums, *scratch;   /* [parts][groups][M][channels] */
  int64_t first_group, groups, first_sequence, sequences;
  int parts;
  bool fresh;               /* sums hold nothing yet */
};

/* Blocks: (part or sequence, group, piece), the last fastest; a piece is what passes over memory leave as independent.  Dynamic shared
 * memory: the points of a piece and an eighth. */
template <class T, convolution_mode MODE> __global__ void __launch_bounds__(CONVOLUTION_THREADS, 1) convolution_kernel(convolution_job<T> job) {
  CUDA_DYNAMIC_SHARED(float2, points);
  const fourier &f = job.f;
  int lanes = f.lanes, last = f.levels - 1, top = f.outer;
  int size = f.radix[top] << f.log_stride[top]; /* of a piece */
  unsigned pieces = 1, id = blockIdx.x, groups = (unsigned)job.groups;
  for (int level = 0; level < top; level++) pieces *= f.radix[level];
  int64_t from = (int64_t)(id % pieces) * size, g = id / pieces % groups, part = id / pieces / groups;
  int64_t sum_at = ((part * job.groups + g) * f.M) << lanes, spectrum_at = (g * f.M) << lanes;
  int64_t begin = job.first_sequence + part, end = begin + 1;
  if (MODE == CONVOLUTION_CORRELATION) begin = job.first_sequence + job.sequences * part / job.parts, end = job.first_sequence + job.sequences * (part + 1) / job.parts;

  auto at = [&](int64_t i, int lane) -> float2 & { return points[((i + (i >> 3)) << lanes) + lane]; };
  auto work = [&](int level, auto &&one) { /* one(j, lane) for each small transform of a pass */
    int n = size / f.radix[level] << lanes;
    for (int item = (int)threadIdx.x; item < n; item += (int)blockDim.x) one(item >> lanes, item & ((1 << lanes) - 1));
  };
  auto where = [&](int64_t b, int lane) { return convolution_at{b, ((job.first_group + g) << lanes) + lane, g, lane}; };
  /* All passes down but the last, from rows or z of `side` */
  auto down = [&](const convolution_side<T> &side, int64_t b) {
    for (int level = top; level < last; level++) {
      work(level, [&](int j, int lane) {
        auto get = [&](int64_t i) { return level == top ? convolution_get(side, f, where(b, lane), from + i) : at(i, lane); };
        fourier_any_step<false>(f, level, j, get, [&](int64_t i, float2 v) { at(i, lane) = v; });
      });
      __syncthreads(); /* the next pass reads what other threads wrote */
    }
  };
  /* All passes up but the first */
  auto up = [&](const convolution_side<T> &side, int64_t b) {
    for (int level = last - 1; level >= top; level--) {
      __syncthreads(); /* as above */
      work(level, [&](int j, int lane) {
        fourier_any_step<true>(f, level, j, [&](int64_t i) { return at(i, lane); }, [&](int64_t i, float2 v) {
          if (level == top) convolution_put(side, f, where(b, lane), from + i, v);
          else at(i, lane) = v;
        });
      });
    }
  };
  /* The last pass down, of 4 or 8 neighbours, what happens to the spectrum there, and the first pass up */
  auto middle = [&](bool forward, bool inverse, auto &&change) {
    work(last, [&](int j, int lane) {
      auto run = [&](auto radix) {
        const int RADIX = decltype(radix)::value;
        float2 v[RADIX];
        int64_t first = (int64_t)j * RADIX;
#pragma unroll
        for (int r = 0; r < RADIX; r++) v[r] = forward ? at(first + r, lane) : make_float2(0, 0);
        if (forward) fourier_small<RADIX, false>(v);
#pragma unroll
        for (int r = 0; r < RADIX; r++) v[r] = change(((from + first + r) << lanes) + lane, v[r]);
        if (!inverse) return;
        fourier_small<RADIX, true>(v);
#pragma unroll
        for (int r = 0; r < RADIX; r++) at(first + r, lane) = v[r];
      };
      if (f.radix[last] == 8) run(convolution_number<8>());
      else run(convolution_number<4>());
    });
  };

  for (int64_t b = begin; b < end; b++) {
    if (MODE == CONVOLUTION_SPECTRUM) {
      down(job.x, 0);
      middle(true, false, [&](int64_t i, float2 v) { return job.spectrum[spectrum_at + i] = v; });
    } else if (MODE == CONVOLUTION_PRODUCT) {
      down(job.x, b);
      middle(true, true, [&](int64_t i, float2 v) { return fourier_times(v, job.spectrum[spectrum_at + i]); });
      up(job.y, b);
    } else if (MODE == CONVOLUTION_CORRELATION) {
      down(job.x, b);
      middle(true, false, [&](int64_t i, float2 v) { return job.scratch[sum_at + i] = v; });
      __syncthreads(); /* the points are read; the gradient's take their place */
      down(job.y, b);
      middle(true, true, [&](int64_t i, float2 v) { /* the thread that wrote to scratch and sums */
        float2 product = fourier_times_conjugate(v, job.scratch[sum_at + i]);
        job.sums[sum_at + i] = job.fresh && b == begin ? product : fourier_add(job.sums[sum_at + i], product);
        return fourier_times_conjugate(v, job.spectrum[spectrum_at + i]);
      });
      up(job.y, b); /* its last pass and the next first one have the same points in the same threads */
    } else {
      middle(false, true, [&](int64_t i, float2) {
        float2 sum = job.sums[spectrum_at + i];
        for (int p = 1; p < job.parts; p++) sum = fourier_add(sum, job.sums[(((int64_t)p * job.groups * f.M) << lanes) + spectrum_at + i]);
        return sum;
      });
      up(job.y, 0);
    }
  }
}

/* ---- summed directly */

/* partial [B*T][chunks][C]: sums over rows DIRECT_CHUNK * chunk .. of the cache.  A lane has N channels, a warp every DIRECT_WARPS-th row. */
template <class T, int N>
__global__ void __launch_bounds__(32 * DIRECT_WARPS)
    long_direct_kernel(float *__restrict__ partial, const T *__restrict__ cache, convolution_place place, const T *__restrict__ h, int64_t chunks, int64_t blocks) {
  __shared__ float sums[DIRECT_WARPS][N][33];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int64_t id = blockIdx.x, column = id % blocks, chunk = id / blocks % chunks, row = id / blocks / chunks, b = row / place.T, t = convolution_past(place, b) + row % place.T;
  int64_t c = (column * 32 + lane) * N, end = (chunk + 1) * DIRECT_CHUNK < t + 1 ? (chunk + 1) * DIRECT_CHUNK : t + 1;
  float sum[N];
  for (int i = 0; i < N; i++) sum[i] = 0;
#pragma unroll 4
  for (int64_t s = chunk * DIRECT_CHUNK + warp; s < end; s += DIRECT_WARPS) {
    if (c >= place.C) break;
    pack<T, N> x = load_pack<T, N>(cache + convolution_row(place, b, s) + c), w = load_pack<T, N>(h + (t - s) * place.C + c);
    for (int i = 0; i < N; i++) sum[i] += to_float(x.at[i]) * to_float(w.at[i]);
  }
  for (int i = 0; i < N; i++) sums[warp][i][lane] = sum[i];
  __syncthreads();
  for (int i = warp; i < N; i += DIRECT_WARPS) {
    float all = 0;
    for (int w = 0; w < DIRECT_WARPS; w++) all += sums[w][i][lane];
    if (c < place.C) partial[(row * chunks + chunk) * place.C + c + i] = all;
  }
}

template <class T> __global__ void __launch_bounds__(256) long_direct_sum_kernel(T *y, const float *partial, const T *cache, convolution_place place, const float *skip, int64_t chunks, int64_t rows) {
  int64_t index = (int64_t)blockIdx.x * 256 + threadIdx.x, row = index / place.C, c = index % place.C, b = row / place.T;
  if (row >= rows) return;
  float sum = skip[c] * to_float(cache[convolution_row(place, b, convolution_past(place, b) + row % place.T) + c]);
  for (int64_t i = 0; i < chunks; i++) sum += partial[(row * chunks + i) * place.C + c];
  y[index] = from_float<T>(sum);
}

#endif
