/* SPDX-License-Identifier: MIT
 *
 * Convolutions on the CPU: tables of roots of unity, made once for each length and kept; work split over sequences and blocks
 * of LANES channels.
 *
 * The transforms are our own because channels lie side by side in memory: 16 of them in 16 lanes need no shuffles and no
 * gathering.  KissFFT, which takes a channel at a time and which Debian has for float only, needs 16 to 20 times as long for
 * the same product (real transforms of 2T points, T = 256 to 16,384, 384 channels, AVX-512).
 */
#include "kernels/convolution.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu.h"

/* ---- tables of one length */

enum { MOST_LEVELS = 32 };

/* A transform of n[0] points: a pass of radix[l] takes each block of n[l] points to radix[l] blocks of n[l+1]; behind the last
 * pass stand leaves of 4 or 8 points. */
struct fourier {
  int levels; /* at least 1 */
  int radix[MOST_LEVELS];
  int64_t n[MOST_LEVELS + 1];
  const real *twiddle[MOST_LEVELS]; /* [n[l+1]][radix-1] cosine and sine of -2 pi j p / n[l] */
  const real *twist;                /* [n[0]] cosine and sine of pi j / (2 n[0]) */
  struct fourier *next;
  real numbers[];
};

enum fourier_mode {
  FOURIER_FORWARD,     /* z = FFT(z) */
  FOURIER_INVERSE,     /* z = n IFFT(z) */
  FOURIER_PRODUCT,     /* z = n IFFT(FFT(z) h) */
  FOURIER_CORRELATION, /* x = FFT(x), sum += FFT(z) conj(x), z = n IFFT(FFT(z) conj(h)) */
};

/* The smallest 2^k or 3 2^k that is at least T and has a pass and a leaf. */
static int64_t fourier_size(int64_t T) {
  int64_t size = 16;
  while (size < T) size *= 2;
  return size / 4 * 3 >= T ? size / 4 * 3 : size;
}

static struct fourier *fourier_new(int64_t M) {
  struct fourier shape = {0};
  int64_t count = M, n = M;
  while (n > 8) {
    int radix = n % 3 == 0 ? 3 : n >= 64 ? 8 : 4;
    shape.n[shape.levels] = n;
    shape.radix[shape.levels++] = radix;
    count += n / radix * (radix - 1);
    n /= radix;
  }
  shape.n[shape.levels] = n;
  struct fourier *f = malloc(sizeof *f + (size_t)(2 * count) * sizeof(real));
  if (!f) return NULL;
  *f = shape;
  const double pi = acos(-1);
  real *p = f->numbers;
  f->twist = p;
  for (int64_t j = 0; j < M; j++, p += 2) p[0] = (real)cos(pi * (double)j / (double)(2 * M)), p[1] = (real)sin(pi * (double)j / (double)(2 * M));
  for (int l = 0; l < f->levels; l++) {
    f->twiddle[l] = p;
    for (int64_t j = 0; j < f->n[l + 1]; j++)
      for (int i = 1; i < f->radix[l]; i++, p += 2) {
        double angle = -2 * pi * (double)(j * i) / (double)f->n[l];
        p[0] = (real)cos(angle), p[1] = (real)sin(angle);
      }
  }
  return f;
}

/* The tables for T positions, which stay for the life of the program; NULL when memory is exhausted. */
static const struct fourier *fourier_for(int64_t T) {
  static struct fourier *known;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  int64_t M = fourier_size(T);
  pthread_mutex_lock(&lock);
  struct fourier *f = known;
  while (f && f->n[0] != M) f = f->next;
  if (!f && (f = fourier_new(M))) f->next = known, known = f;
  pthread_mutex_unlock(&lock);
  return f;
}

enum { DIRECT_ROWS = 4, DIRECT_BELOW = 128, FUSED_ROWS = 4 };

#define VECTOR_BODY "kernels/convolution_vector.h"
#include "kernels/vector_plain.h"
#include VECTOR_BODY
static const int block_lanes_scalar = LANES;
#if CPU_VECTORS
#include "kernels/vector_each.h"
static const int block_lanes_avx2 = 8, block_lanes_avx512 = 16;
#endif

static int no_memory(int64_t n, struct kernel_error *e) {
  return kernel_fail(e, "convolution: no memory for %lld numbers", (long long)n);
}

/* ---- long convolution */

/* How the work is cut: `blocks` of `lanes` channels, times `groups` of sequences, at least `jobs` in all where B allows. */
struct pieces {
  int64_t lanes, blocks, groups, spectrum;
};

static struct pieces cut(const struct fourier *f, int64_t B, int64_t C, int64_t jobs) {
  struct pieces p = {.lanes = CPU_PICK(block_lanes)};
  p.blocks = (C + p.lanes - 1) / p.lanes;
  p.groups = (jobs + p.blocks - 1) / p.blocks;
  if (p.groups > B) p.groups = B;
  p.spectrum = 2 * f->n[0] * p.lanes;
  return p;
}

static inline int64_t channels(const struct pieces *p, int64_t block, int64_t C) {
  return C - block * p->lanes < p->lanes ? C - block * p->lanes : p->lanes;
}

typedef void begin_spectrum(real *, const real *, const real *, const struct fourier *, int64_t, int64_t, int64_t);

/* Sequence b: rows 0..past[b]+T-1 of x + b*stride; the last T of the product go to y [B][T][C].  past NULL: none. */
static int convolve_all(real *y, const real *x, int64_t stride, const int64_t *past, int64_t most, const real *h, const real *skip,
                        int64_t B, int64_t T, int64_t C, struct kernel_error *e) {
  const struct fourier *f = fourier_for(most + T);
  if (!f) return no_memory(most + T, e);
  struct pieces p = cut(f, B, C, 2 * omp_get_max_threads());
  begin_spectrum *begin = CPU_PICK(begin_spectrum);
  void (*convolve)(real *, const real *, real *, bool, real *, const struct fourier *, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(convolve);
  bool exhausted = false;
#pragma omp parallel for schedule(dynamic) if (B * (most + T) * C >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < p.blocks * p.groups; i++) {
    int64_t block = i / p.groups, group = i % p.groups, c = block * p.lanes, exist = channels(&p, block, C);
    real *z = cpu_scratch(1, (size_t)(2 * p.spectrum) * sizeof *z);
    if (!z) {
#pragma omp atomic write
      exhausted = true;
      continue;
    }
    real *spectrum = z + p.spectrum;
    begin(spectrum, h + c, skip + c, f, most + T, C, exist);
    int64_t first = B * group / p.groups;
    for (int64_t b = first; b < B * (group + 1) / p.groups; b++) {
      int64_t before = past ? past[b] : 0;
      convolve(y + b * T * C + c, x + b * stride + c, spectrum, b == first, z, f, before, before + T, C, exist);
    }
  }
  return exhausted ? no_memory(2 * p.spectrum, e) : 0;
}

int long_convolution_forward(real *y, const real *x, const real *h, const real *skip, int64_t B, int64_t T, int64_t C,
                             struct kernel_error *e) {
  if (B < 1 || T < 1 || C < 1) return 0;
  return convolve_all(y, x, T * C, NULL, 0, h, skip, B, T, C, e);
}

int long_convolution_backward(real *dx, real *dh, real *d_skip, const real *dy, const real *x, const real *h, const real *skip,
                              int64_t B, int64_t T, int64_t C, struct kernel_error *e) {
  if (T < 1 || C < 1) return 0;
  if (B < 1) {
    memset(dh, 0, (size_t)(T * C) * sizeof *dh);
    return 0;
  }
  const struct fourier *f = fourier_for(T);
  if (!f) return no_memory(T, e);
  enum { JOBS = 32 }; /* not the number of threads: the order of sums depends on it */
  struct pieces p = cut(f, B, C, JOBS);
  /* The gradient's spectra, one a job; a block with one group needs none outside its job. */
  real *sums = p.groups > 1 ? cpu_scratch(0, (size_t)(p.blocks * p.groups * p.spectrum) * sizeof *sums) : NULL;
  if (!sums && p.groups > 1) return no_memory(p.blocks * p.groups * p.spectrum, e);
  begin_spectrum *begin = CPU_PICK(begin_spectrum);
  void (*correlate)(real *, real *, const real *, const real *, real *, bool, real *, real *, const struct fourier *, int64_t, int64_t,
                    int64_t) = CPU_PICK(correlate);
  void (*add_spectrum)(real *, const real *, int64_t) = CPU_PICK(add_spectrum);
  void (*restore)(real *, real *, const struct fourier *, int64_t, int64_t, int64_t) = CPU_PICK(restore);
  bool exhausted = false;
#pragma omp parallel for schedule(dynamic) if (B * T * C >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < p.blocks * p.groups; i++) {
    int64_t block = i / p.groups, group = i % p.groups, c = block * p.lanes, exist = channels(&p, block, C);
    real *z = cpu_scratch(1, (size_t)(4 * p.spectrum) * sizeof *z);
    if (!z) {
#pragma omp atomic write
      exhausted = true;
      continue;
    }
    real *zx = z + p.spectrum, *spectrum = zx + p.spectrum;
    real *sum = p.groups > 1 ? sums + i * p.spectrum : spectrum + p.spectrum;
    memset(sum, 0, (size_t)p.spectrum * sizeof *sum);
    begin(spectrum, h + c, skip + c, f, T, C, exist);
    int64_t first = B * group / p.groups;
    for (int64_t b = first; b < B * (group + 1) / p.groups; b++) {
      int64_t at = b * T * C + c;
      correlate(dx + at, sum, dy + at, x + at, spectrum, b == first, z, zx, f, T, C, exist);
    }
    if (p.groups == 1) restore(dh + c, sum, f, T, C, exist);
  }
  if (exhausted) return no_memory(4 * p.spectrum, e);
  if (p.groups > 1) {
#pragma omp parallel for schedule(dynamic) if (T * C >= CPU_PARALLEL_FROM)
    for (int64_t block = 0; block < p.blocks; block++) {
      real *sum = sums + block * p.groups * p.spectrum;
      for (int64_t group = 1; group < p.groups; group++) add_spectrum(sum, sum + group * p.spectrum, f->n[0]);
      restore(dh + block * p.lanes, sum, f, T, C, channels(&p, block, C));
    }
  }
  for (int64_t c = 0; c < C; c++) d_skip[c] += dh[c];
  return 0;
}

int long_convolution_cached(real *y, const real *x_cache, const struct cache_pages *pages, const int64_t *past, int64_t longest,
                            const real *h, const real *skip, int64_t B, int64_t T, int64_t C, struct kernel_error *e) {
  if (B < 1 || T < 1 || C < 1) return 0;
  int64_t first = cpu_first_page(pages, B, e), stride = pages->page * C, most = 0;
  (void)longest;
  if (first < 0) return -1;
  x_cache += first * stride;
  for (int64_t b = 0; b < B; b++) most = past[b] > most ? past[b] : most;
  if (T >= DIRECT_BELOW) return convolve_all(y, x_cache, stride, past, most, h, skip, B, T, C, e);
  void (*direct)(real *, const real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(direct);
  enum { CHUNK = 128 };
  int64_t chunks = (C + CHUNK - 1) / CHUNK, tiles = (T + DIRECT_ROWS - 1) / DIRECT_ROWS;
#pragma omp parallel for schedule(dynamic) if (B * T * (most + T) * C >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < B * tiles * chunks; i++) {
    int64_t b = i / (tiles * chunks), t = i / chunks % tiles * DIRECT_ROWS, c = i % chunks * CHUNK;
    direct(y + (b * T + t) * C + c, x_cache + b * stride + c, h + c, skip + c, past[b] + t, T - t < DIRECT_ROWS ? T - t : DIRECT_ROWS, C,
           C - c < CHUNK ? C - c : CHUNK);
  }
  return 0;
}

/* ---- short convolution */

/* [K][C] of weight [C][K], followed by `more` numbers. */
static real *transposed(const real *weight, int64_t C, int64_t K, int64_t more) {
  real *taps = cpu_scratch(0, (size_t)(K * C + more) * sizeof *taps);
  if (!taps) return NULL;
  for (int64_t c = 0; c < C; c++)
    for (int64_t k = 0; k < K; k++) taps[k * C + c] = weight[c * K + k];
  return taps;
}

/* Pieces of each sequence: at least 64 rows, unless the sequence is shorter. */
static int64_t row_pieces(int64_t B, int64_t T) {
  int64_t most = T / 64, wanted = (32 + B - 1) / B;
  return most < 1 ? 1 : wanted < most ? wanted : most;
}

int short_convolution_forward(real *y, const real *x, const real *weight, const real *bias, int64_t B, int64_t T, int64_t C,
                              int64_t K, struct kernel_error *e) {
  if (B < 1 || T < 1 || C < 1) return 0;
  real *taps = transposed(weight, C, K, 0);
  if (!taps) return no_memory(K * C, e);
  void (*forward)(real *, const real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(short_forward);
  int64_t pieces = row_pieces(B, T);
#pragma omp parallel for schedule(static) if (B * T * C >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < B * pieces; i++) {
    int64_t b = i / pieces, p = i % pieces;
    forward(y + b * T * C, x + b * T * C, taps, bias, T * p / pieces, T * (p + 1) / pieces, T, C, K);
  }
  return 0;
}

int short_convolution_backward(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight,
                               int64_t B, int64_t T, int64_t C, int64_t K, bool accumulate, struct kernel_error *e) {
  if (B < 1 || T < 1 || C < 1) return 0;
  /* Sums of d_weight and d_bias: of each piece, or of each run of sequences where these are many. */
  int64_t pieces = row_pieces(B, T), jobs = B * pieces < 32 ? B * pieces : 32, size = (K + 1) * C;
  enum { TILE = 32 };
  real *taps = transposed(weight, C, K, jobs * size);
  if (!taps) return no_memory(K * C + jobs * size, e);
  real *sums = taps + K * C;
  void (*input)(real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t, int64_t, bool) = CPU_PICK(short_input);
  void (*fused)(real *, real *, const real *, const real *, const real *, int64_t, int64_t, int64_t, bool) = CPU_PICK(short_fused);
  void (*weights)(real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(short_weight);
#pragma omp parallel for schedule(static) if (B * T * C >= CPU_PARALLEL_FROM)
  for (int64_t j = 0; j < jobs; j++) {
    memset(sums + j * size, 0, (size_t)size * sizeof *sums);
    for (int64_t i = B * pieces * j / jobs; i < B * pieces * (j + 1) / jobs; i++) {
      int64_t b = i / pieces, p = i % pieces, end = T * (p + 1) / pieces, at = b * T * C;
      for (int64_t t = T * p / pieces, to; t < end; t = to) {
        int64_t inner_end = end < T - 2 ? end : T - 2, rows = t < 2 ? 0 : (inner_end - t) / FUSED_ROWS * FUSED_ROWS;
        if (K == 3 && rows > 0) {
          to = t + rows;
          fused(dx + at, sums + j * size, dy + at, x + at, taps, t, to, C, accumulate);
          continue;
        }
        to = t + TILE < end ? t + TILE : end;
        if (K == 3 && t < 2 && to > 2) to = 2;
        input(dx + at, dy + at, taps, t, to, T, C, K, accumulate);
        weights(sums + j * size, dy + at, x + at, t, to, C, K);
      }
    }
  }
  for (int64_t j = 0; j < jobs; j++)
    for (int64_t c = 0; c < C; c++) {
      for (int64_t k = 0; k < K; k++) d_weight[c * K + k] += sums[j * size + k * C + c];
      if (d_bias) d_bias[c] += sums[j * size + K * C + c];
    }
  return 0;
}

/* Each sequence's new rows and the K-1 before them are a short sequence of their own, whose first outputs are not wanted. */
int short_convolution_cached(real *y, const real *x_cache, const struct cache_pages *pages, const int64_t *past, const real *weight,
                             const real *bias, int64_t B, int64_t T, int64_t C, int64_t K, struct kernel_error *e) {
  if (B < 1 || T < 1 || C < 1) return 0;
  int64_t first = cpu_first_page(pages, B, e);
  if (first < 0) return -1;
  for (int64_t b = 0; b < B; b++) {
    int64_t before = past[b] < K - 1 ? past[b] : K - 1;
    const real *x = x_cache + ((first + b) * pages->page + past[b] - before) * C;
    real *mixed = cpu_scratch(1, (size_t)((before + T) * C) * sizeof *mixed);
    if (!mixed) return no_memory((before + T) * C, e);
    if (short_convolution_forward(mixed, x, weight, bias, 1, before + T, C, K, e) < 0) return -1;
    memcpy(y + b * T * C, mixed + before * C, (size_t)(T * C) * sizeof *y);
  }
  return 0;
}
