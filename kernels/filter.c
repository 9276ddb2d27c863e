/* SPDX-License-Identifier: MIT
 *
 * Hyena's implicit filter on the CPU: tiles of positions go through all layers while they lie in the second cache, tiles in
 * parallel.
 */
#include "kernels/filter.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu.h"

#define FILTER_SHIFT 0.05
enum { SINES = 3, TILE = 64, MOST_JOBS = 16 };

#define VECTOR_BODY "kernels/filter_vector.h"
#include "kernels/vector_plain.h"
#include VECTOR_BODY
#if CPU_VECTORS
#include "kernels/vector_each.h"
#endif

static int64_t features(const struct filter_shape *s) { return 1 + 2 * s->bands; }

void filter_pieces(struct filter_piece pieces[FILTER_PIECES], const struct filter_shape *s) {
  int64_t W = s->width, E = features(s);
  double first = 1 / sqrt(3.0 * (double)E), other = 1 / sqrt(3.0 * (double)W);
  const struct filter_piece table[FILTER_PIECES] = {
      {"in.weight", W, E, 0, 0, first},      {"in.bias", W, 0, 0, 0, first},        {"frequency", W, 0, 0, 10, 0},
      {"inner.0.weight", W, W, 0, 0, other}, {"inner.0.bias", W, 0, 0, 0, other},   {"inner.1.weight", W, W, 0, 0, other},
      {"inner.1.bias", W, 0, 0, 0, other},   {"out.weight", s->C, W, 0, 0, other},
  };
  int64_t offset = 0;
  for (int i = 0; i < FILTER_PIECES; i++) {
    pieces[i] = table[i];
    pieces[i].offset = offset;
    offset += table[i].rows * (table[i].columns > 0 ? table[i].columns : 1);
  }
}

int64_t filter_parameters(const struct filter_shape *s) {
  return s->width * (features(s) + 4 + 2 * s->width + s->C);
}

int64_t filter_saved(const struct filter_shape *s) { return s->T * (features(s) + 2 * SINES * s->width); }

/* Where each layer's numbers lie, in a block of parameters and in saved. */
struct layout {
  int64_t inputs[SINES], weight[SINES], bias[SINES], frequency, out;
  int64_t features, before[SINES], sine[SINES];
};

static struct layout layout_of(const struct filter_shape *s) {
  struct filter_piece p[FILTER_PIECES];
  filter_pieces(p, s);
  int64_t E = features(s), at = s->T * E;
  struct layout l = {.inputs = {E, s->width, s->width},
                     .weight = {p[0].offset, p[3].offset, p[5].offset},
                     .bias = {p[1].offset, p[4].offset, p[6].offset},
                     .frequency = p[2].offset,
                     .out = p[7].offset};
  for (int i = 0; i < SINES; i++) {
    l.before[i] = at;
    l.sine[i] = at + s->T * s->width;
    at += 2 * s->T * s->width;
  }
  return l;
}

static void fill_rates(real *rate, int64_t C) {
  const double slow = log(100.0) / 1.5, fast = log(100.0) / 0.3;
  for (int64_t c = 0; c < C; c++) rate[c] = (real)(C > 1 ? slow + (fast - slow) * (double)c / (double)(C - 1) : slow);
}

static void fill_features(real *p, const struct filter_shape *s, int64_t t) {
  const double two_pi = 2 * acos(-1);
  double u = (double)t / (double)s->L;
  p[0] = (real)u;
  for (int64_t j = 0; j < s->bands; j++) {
    double f = s->bands > 1 ? 1e-4 + ((double)(s->bands - 1) - 1e-4) * (double)j / (double)(s->bands - 1) : 1e-4;
    p[1 + j] = (real)cos(two_pi * f * u);
    p[1 + s->bands + j] = (real)-sin(two_pi * f * u);
  }
}

static void transpose(real *to, const real *from, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
}

int filter_forward(real *h, real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e) {
  int64_t W = s->width, C = s->C, E = features(s);
  if (s->L < 1) return kernel_fail(e, "filter: a length of %lld", (long long)s->L);
  struct layout l = layout_of(s);
  /* Weights as [inputs][outputs], each where the block has it; then the rates. */
  real *turned = cpu_scratch(0, (size_t)(filter_parameters(s) + C) * sizeof *turned);
  if (!turned) return kernel_fail(e, "filter: no memory for %lld numbers", (long long)(filter_parameters(s) + C));
  real *rate = turned + filter_parameters(s);
  for (int i = 0; i < SINES; i++) transpose(turned + l.weight[i], parameters + l.weight[i], W, l.inputs[i]);
  transpose(turned + l.out, parameters + l.out, C, W);
  fill_rates(rate, C);
  void (*affine)(real *, const real *, const real *, const real *, int64_t, int64_t, int64_t) = CPU_PICK(affine);
  void (*decay)(real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(decay);
  void (*sine_rows)(real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(sine_rows);
  int64_t tiles = (s->T + TILE - 1) / TILE;
#pragma omp parallel for schedule(dynamic) if (s->T * (W + C) >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < tiles; i++) {
    int64_t first = i * TILE, rows = s->T - first < TILE ? s->T - first : TILE;
    for (int64_t t = first; t < first + rows; t++) fill_features(saved + t * E, s, t);
    const real *input = saved + first * E;
    for (int k = 0; k < SINES; k++) {
      real *before = saved + l.before[k] + first * W, *sine = saved + l.sine[k] + first * W;
      affine(before, input, turned + l.weight[k], parameters + l.bias[k], rows, l.inputs[k], W);
      sine_rows(sine, before, parameters + l.frequency, rows, W);
      input = sine;
    }
    affine(h + first * C, input, turned + l.out, NULL, rows, W, C);
    decay(h + first * C, h + first * C, rate, first, rows, C, s->L);
  }
  return 0;
}

int filter_backward(real *d_parameters, const real *dh, const real *saved, const real *parameters, const struct filter_shape *s,
                    struct kernel_error *e) {
  int64_t W = s->width, C = s->C, E = features(s), size = filter_parameters(s);
  if (s->L < 1) return kernel_fail(e, "filter: a length of %lld", (long long)s->L);
  struct layout l = layout_of(s);
  int64_t tiles = (s->T + TILE - 1) / TILE, jobs = tiles < MOST_JOBS ? tiles : MOST_JOBS;
  real *partial = cpu_scratch(0, (size_t)(jobs * size + C) * sizeof *partial);
  if (!partial) return kernel_fail(e, "filter: no memory for %lld partial sums", (long long)(jobs * size + C));
  real *rate = partial + jobs * size;
  fill_rates(rate, C);
  void (*affine)(real *, const real *, const real *, const real *, int64_t, int64_t, int64_t) = CPU_PICK(affine);
  void (*outer)(real *, const real *, const real *, int64_t, int64_t, int64_t) = CPU_PICK(outer);
  void (*decay)(real *, const real *, const real *, int64_t, int64_t, int64_t, int64_t) = CPU_PICK(decay);
  void (*sine_backward)(real *, real *, real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(sine_backward);
  int64_t wide = C > W ? C : W;
  bool exhausted = false;
#pragma omp parallel for schedule(dynamic) if (s->T * (W + C) >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < jobs; i++) {
    real *d = partial + i * size, *d_out = cpu_scratch(1, (size_t)(TILE * (wide + W)) * sizeof *d_out);
    if (!d_out) {
#pragma omp atomic write
      exhausted = true;
      continue;
    }
    real *d_sine = d_out + TILE * wide; /* becomes the gradient before the sine */
    memset(d, 0, (size_t)size * sizeof *d);
    for (int64_t tile = tiles * i / jobs; tile < tiles * (i + 1) / jobs; tile++) {
      int64_t first = tile * TILE, rows = s->T - first < TILE ? s->T - first : TILE;
      decay(d_out, dh + first * C, rate, first, rows, C, s->L);
      outer(d + l.out, d_out, saved + l.sine[SINES - 1] + first * W, rows, C, W);
      affine(d_sine, d_out, parameters + l.out, NULL, rows, C, W);
      for (int k = SINES - 1; k >= 0; k--) {
        sine_backward(d_sine, d + l.frequency, d + l.bias[k], saved + l.before[k] + first * W, parameters + l.frequency, rows, W);
        outer(d + l.weight[k], d_sine, k > 0 ? saved + l.sine[k - 1] + first * W : saved + first * E, rows, W, l.inputs[k]);
        if (k == 0) continue;
        affine(d_out, d_sine, parameters + l.weight[k], NULL, rows, W, W);
        memcpy(d_sine, d_out, (size_t)(rows * W) * sizeof *d_sine);
      }
    }
  }
  if (exhausted) return kernel_fail(e, "filter: no memory for %d positions", TILE);
  for (int64_t j = 0; j < jobs; j++)
    for (int64_t i = 0; i < size; i++) d_parameters[i] += partial[j * size + i];
  return 0;
}
