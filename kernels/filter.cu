/* SPDX-License-Identifier: MIT
 *
 * Launches Hyena's implicit filter.
 */
#include "kernels/filter.cuh"

#include "kernels/cuda.h"

extern "C" {
#include "kernels/filter.h"
}

enum { SINES = 3 };

/* Where each layer's numbers lie, in a block of parameters and in saved: p, then before and sine of each layer. */
struct layout {
  int64_t inputs[SINES], weight[SINES], bias[SINES], frequency, out, before[SINES], sine[SINES];
};

static struct layout layout_of(const struct filter_shape *s) {
  static const int weights[SINES] = {0, 3, 5}; /* of filter_pieces; biases behind them */
  struct filter_piece p[FILTER_PIECES];
  filter_pieces(p, s);
  struct layout l = {};
  for (int i = 0; i < SINES; i++) {
    l.inputs[i] = p[weights[i]].columns, l.weight[i] = p[weights[i]].offset, l.bias[i] = p[weights[i] + 1].offset;
    l.before[i] = s->T * (l.inputs[0] + 2 * i * s->width), l.sine[i] = l.before[i] + s->T * s->width;
  }
  l.frequency = p[2].offset, l.out = p[7].offset;
  return l;
}

static unsigned blocks_for(int64_t n) { return (unsigned)divide_up(n, FILTER_THREADS); }

/* c = a w^T, c = a w, or for each of `pieces` of the rows, c a stride apart, a^T b. */
template <experts_kind KIND> static void multiply(float *c, const float *a, const float *b, int64_t rows, int64_t out, int64_t in, int pieces, int64_t stride) {
  const int64_t TILE = 64;
  struct experts_product p = experts_product_of(KIND, a, b, c, NULL, rows, out, in, stride, pieces, false);
  int64_t columns = divide_up(KIND == EXPERTS_FORWARD ? out : in, TILE), tiles = KIND == EXPERTS_WEIGHT ? divide_up(out, TILE) * pieces : divide_up(rows, TILE);
  CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_FP32, 4>), (unsigned)(tiles * columns), EXPERTS_FLOAT_THREADS, 0, cuda_stream(), p);
}

static int check(const struct filter_shape *s, struct kernel_error *e) {
  if (s->L < 1) return kernel_fail(e, "filter: a length of %lld", (long long)s->L);
  int64_t widest = s->C > s->width ? s->C : s->width, most = (int64_t)INT32_MAX * 32;
  return s->T <= most / (widest + 2 * s->bands + 1) ? 0 : kernel_fail(e, "filter: %lld positions of %lld channels are more than a grid has", (long long)s->T, (long long)s->C);
}

template <class T> static int forward(stored *h, real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e) {
  if (check(s, e) != 0) return -1;
  int64_t W = s->width, C = s->C;
  if (s->T < 1 || C < 1) return 0;
  struct layout l = layout_of(s);
  float *out = (float *)cuda_workspace((size_t)(s->T * C) * sizeof *out, e);
  if (!out) return -1;
  CUDA_LAUNCH(filter_features_kernel, blocks_for(s->T * l.inputs[0]), FILTER_THREADS, 0, cuda_stream(), saved, s->T, s->L, s->bands);
  const float *input = saved;
  for (int k = 0; k < SINES; k++) {
    float *before = saved + l.before[k], *sine = saved + l.sine[k];
    multiply<EXPERTS_FORWARD>(before, input, parameters + l.weight[k], s->T, W, l.inputs[k], 1, 0);
    CUDA_LAUNCH(filter_sine_kernel, blocks_for(s->T * W), FILTER_THREADS, 0, cuda_stream(), sine, before, parameters + l.bias[k], parameters + l.frequency, s->T, W);
    input = sine;
  }
  multiply<EXPERTS_FORWARD>(out, input, parameters + l.out, s->T, C, W, 1, 0);
  CUDA_LAUNCH((filter_decay_kernel<T, float>), blocks_for(s->T * C), FILTER_THREADS, 0, cuda_stream(), elements<T>(h), out, s->T, C, s->L);
  return launched("filter_forward", e);
}

template <class T> static int backward(real *d_parameters, const stored *dh, const real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e) {
  if (check(s, e) != 0) return -1;
  int64_t W = s->width, C = s->C, size = filter_parameters(s), pieces = divide_up(s->T, FILTER_PIECE_ROWS);
  if (s->T < 1 || C < 1) return 0;
  if (pieces > FILTER_PIECES_MOST) pieces = FILTER_PIECES_MOST;
  struct layout l = layout_of(s);
  float *d_out = (float *)cuda_workspace((size_t)(s->T * (C + 2 * W) + pieces * size) * sizeof *d_out, e);
  if (!d_out) return -1;
  float *d = d_out + s->T * C, *next = d + s->T * W, *partial = next + s->T * W;
  CUDA_LAUNCH((filter_decay_kernel<float, T>), blocks_for(s->T * C), FILTER_THREADS, 0, cuda_stream(), d_out, elements<T>(dh), s->T, C, s->L);
  multiply<EXPERTS_WEIGHT>(partial + l.out, d_out, saved + l.sine[SINES - 1], s->T, C, W, (int)pieces, size);
  multiply<EXPERTS_INPUT>(d, d_out, parameters + l.out, s->T, C, W, 1, 0);
  for (int k = SINES - 1; k >= 0; k--) {
    CUDA_LAUNCH(filter_sine_backward_kernel, dim3((unsigned)divide_up(W, FILTER_COLUMNS), (unsigned)pieces), dim3(FILTER_COLUMNS, FILTER_PARTS), 0, cuda_stream(), d, partial, size, l.frequency,
                l.bias[k], saved + l.before[k], parameters + l.frequency, s->T, W, k == SINES - 1);
    multiply<EXPERTS_WEIGHT>(partial + l.weight[k], d, k > 0 ? saved + l.sine[k - 1] : saved, s->T, W, l.inputs[k], (int)pieces, size);
    if (k == 0) break;
    multiply<EXPERTS_INPUT>(next, d, parameters + l.weight[k], s->T, W, W, 1, 0);
    float *swap = d;
    d = next, next = swap;
  }
  CUDA_LAUNCH(filter_sum_kernel, blocks_for(size), FILTER_THREADS, 0, cuda_stream(), d_parameters, partial, size, (int)pieces);
  return launched("filter_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->filter_forward = forward<T>;
  b->filter_backward = backward<T>;
}

extern "C" void filter_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
