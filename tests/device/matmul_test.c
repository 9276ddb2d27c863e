/* SPDX-License-Identifier: MIT
 *
 * Products by the library (matmul.cuh): plans, types, transposes, biases and their gradients, FP8 (fp8.cuh).
 */
#include "kernels/fp8.h"
#include "tests/device/device_test.h"

#include <float.h>

static enum matmul_type plain(void) { return device->stored_size == 2 ? MATMUL_BF16 : MATMUL_FP32; }

/* ---- matmul */

struct shape {
  int64_t M, N, K, pad_a, pad_b, pad_c;
  bool transpose_a, transpose_b;
  real alpha, beta;
};

static void product(const struct shape *s, double bound) {
  int64_t ld_a = (s->transpose_a ? s->M : s->K) + s->pad_a, ld_b = (s->transpose_b ? s->K : s->N) + s->pad_b, ld_c = s->N + s->pad_c;
  struct device_array a = device_array((s->transpose_a ? s->K : s->M) * ld_a, true, 1, 1), b = device_array((s->transpose_b ? s->N : s->K) * ld_b, true, 2, 1);
  struct device_array c = device_array(s->M * ld_c, true, 3, 1), again = device_array(s->M * ld_c, true, 3, 1);
  if (s->beta == 0) { /* must not be read */
    for (int64_t i = 0; i < c.n; i++) c.host[i] = i % ld_c < s->N ? (real)NAN : c.host[i];
    device_must(device_put(&c, c.device, c.host, c.n));
    device_must(device_put(&again, again.device, c.host, c.n));
  }
  device_must(backend_cpu()->matmul(MATMUL_FP32, s->transpose_a, s->transpose_b, s->M, s->N, s->K, s->alpha, a.host, ld_a, b.host, ld_b, s->beta, c.host, ld_c, &device_error));
  device_must(device->matmul(plain(), s->transpose_a, s->transpose_b, s->M, s->N, s->K, s->alpha, a.device, ld_a, b.device, ld_b, s->beta, c.device, ld_c, &device_error));
  device_must(device->matmul(plain(), s->transpose_a, s->transpose_b, s->M, s->N, s->K, s->alpha, a.device, ld_a, b.device, ld_b, s->beta, again.device, ld_c, &device_error));
  bool good = device_close(&c, bound, "c");
  good = device_same(&c, &again, "c again") && good;
  ok(good, "c [%lld][%lld] = %g a%s b%s + %g c, k %lld, rows %lld, %lld, %lld apart", (long long)s->M, (long long)s->N, (double)s->alpha, s->transpose_a ? "^T" : "",
     s->transpose_b ? "^T" : "", (double)s->beta, (long long)s->K, (long long)ld_a, (long long)ld_b, (long long)ld_c);
  device_array_free(&a), device_array_free(&b), device_array_free(&c), device_array_free(&again);
}

static void products(double bound) {
  static const struct shape shapes[] = {
      {64, 48, 96, 0, 0, 0, false, false, 1, 0},  {33, 65, 17, 0, 0, 0, false, true, 1, 1},   {40, 24, 56, 8, 16, 24, true, false, (real)0.5, (real)-2},
      {5, 7, 3, 1, 2, 3, true, true, -1, 0},      {1, 1, 1, 0, 0, 0, false, false, 2, 1},     {200, 3, 130, 0, 0, 1, false, true, 1, (real)0.25},
      {17, 300, 1, 0, 0, 0, true, false, 1, 1},   {20, 30, 0, 0, 0, 2, false, false, 1, (real)0.5}, {20, 300, 0, 0, 0, 0, false, true, 1, 0}, {3, 30, 0, 0, 0, 0, false, true, 1, 0},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) product(&shapes[i], bound);
}

/* Far more shapes than plans are kept, twice, in one c: sums of ones, so that c tells whose plan it was */
static void many_plans(void) {
  enum { MOST = 61 };
  struct device_array a = device_array(MOST * MOST, true, 1, 1), c = device_array(MOST * MOST, true, 2, 1);
  for (int64_t i = 0; i < a.n; i++) a.host[i] = 1;
  device_must(device_put(&a, a.device, a.host, a.n));
  bool good = true;
  for (int run = 0; run < 2 && good; run++)
    for (int64_t n = 20; n <= MOST && good; n++)
      for (int64_t k = 2; k <= MOST && good; k++) {
        device_must(device->matmul(plain(), false, false, 1, n, k, 1, a.device, k, a.device, n, 0, c.device, n, &device_error));
        if (k % 20 != 1 && n % 20 != 1) continue;
        device_must(device_get(&c, c.host, c.device, n));
        for (int64_t i = 0; i < n; i++) good = good && c.host[i] == (real)k;
      }
  ok(good, "thousands of shapes in turn");
  device_array_free(&a), device_array_free(&c);
}

static void wrong(void) {
  struct device_array a = device_array(64, true, 1, 1);
  bool good = device->matmul(plain(), false, false, 4, 4, 4, 1, a.device, 3, a.device, 4, 0, a.device, 4, &device_error) < 0 && strstr(device_error.message, "distances 3, 4, 4");
  good = device->matmul(plain(), false, true, 4, 4, 4, 1, a.device, 4, a.device, 4, 0, a.device, 3, &device_error) < 0 && good;
  good = device->matmul(plain(), false, false, 0, 4, 4, 1, NULL, 4, a.device, 4, 0, NULL, 4, &device_error) == 0 && good;
  good = device->matmul(plain(), false, true, 4, 0, 4, 1, a.device, 4, NULL, 4, 0, NULL, 4, &device_error) == 0 && good;
  good = device->linear_forward(plain(), NULL, 4, NULL, 4, NULL, NULL, 0, 4, 4, &device_error) == 0 && good;
  ok(good, "rows that overlap are refused, and nothing is done for no rows or columns");
  device_array_free(&a);
}

/* ---- a layer */

struct layer {
  int64_t rows, out, in, pad_x, pad_y;
  bool with_bias, accumulate;
  int64_t offset;  /* of x, y and dy in elements: alignment */
  double gradient; /* its size */
  bool apart;      /* backward in two ops */
};
struct layer_arrays {
  struct device_array x, w, bias, y, dx, dw, d_bias;
};

/* The last element of x is larger than all others. */
static struct layer_arrays layer_arrays(const struct layer *l) {
  int64_t ld_x = l->in + l->pad_x, ld_y = l->out + l->pad_y, n_x = l->rows * ld_x + l->offset;
  struct layer_arrays a = {device_array(n_x, true, 1, 2),          device_array(l->out * l->in, true, 2, 0.1),         device_array(l->out, true, 3, 1),
                           device_array(l->rows * ld_y + l->offset, true, 4, l->gradient), device_array(l->rows * ld_x, true, 5, l->gradient),
                           device_array(l->out * l->in, false, 6, l->gradient), device_array(l->out, false, 7, l->gradient)};
  if (l->rows > 0 && l->in > 0) a.x.host[n_x - 1 - l->pad_x] = -5;
  device_must(device_put(&a.x, a.x.device, a.x.host, n_x));
  return a;
}
static void layer_free(struct layer_arrays *a) {
  device_array_free(&a->x), device_array_free(&a->w), device_array_free(&a->bias), device_array_free(&a->y), device_array_free(&a->dx), device_array_free(&a->dw), device_array_free(&a->d_bias);
}

/* y is first dy, then what forward makes of it */
static void layer_run(const struct backend *b, enum matmul_type type, const struct layer *l, const struct layer_arrays *a) {
  int64_t ld_x = l->in + l->pad_x, ld_y = l->out + l->pad_y;
  bool host = b == backend_cpu();
#define ARRAY(name) (host ? a->name.host : a->name.device)
  const stored *x = stored_at(b, ARRAY(x), l->offset), *dy = stored_at(b, ARRAY(y), l->offset);
  real *d_bias = l->with_bias ? ARRAY(d_bias) : NULL;
  if (l->apart) {
    device_must(b->linear_backward_input(type, ARRAY(dx), ld_x, dy, ld_y, ARRAY(w), l->rows, l->out, l->in, l->accumulate, &device_error));
    device_must(b->linear_backward_weight(type, ARRAY(dw), d_bias, dy, ld_y, x, ld_x, l->rows, l->out, l->in, l->accumulate, &device_error));
  } else {
    device_must(b->linear_backward(type, ARRAY(dx), ARRAY(dw), d_bias, dy, ld_y, x, ld_x, ARRAY(w), l->rows, l->out, l->in, l->accumulate, l->accumulate, &device_error));
  }
  device_must(b->linear_forward(type, stored_at(b, ARRAY(y), l->offset), ld_y, x, ld_x, ARRAY(w), l->with_bias ? ARRAY(bias) : NULL, l->rows, l->out, l->in, &device_error));
#undef ARRAY
}

static bool layer_same(const struct layer_arrays *a, const struct layer_arrays *b) {
  bool same = device_same(&a->y, &b->y, "y");
  same = device_same(&a->dx, &b->dx, "dx") && same;
  same = device_same(&a->dw, &b->dw, "dw") && same;
  return device_same(&a->d_bias, &b->d_bias, "d_bias") && same;
}
static bool layer_close(const struct layer_arrays *a, double y, double dx, double dw, double d_bias) {
  bool good = device_close(&a->y, y, "y");
  good = device_close(&a->dx, dx, "dx") && good;
  good = device_close(&a->dw, dw, "dw") && good;
  return device_close(&a->d_bias, d_bias, "d_bias") && good;
}

static void layer(const struct layer *l, double bound) {
  struct layer_arrays a = layer_arrays(l), again = layer_arrays(l);
  layer_run(backend_cpu(), MATMUL_FP32, l, &a);
  layer_run(device, plain(), l, &a);
  layer_run(device, plain(), l, &again);
  bool good = layer_close(&a, bound, bound, 1e-10, 1e-10);
  good = layer_same(&a, &again) && good;
  ok(good, "a layer from %lld to %lld features, %lld rows%s%s", (long long)l->in, (long long)l->out, (long long)l->rows, l->with_bias ? ", a bias" : "",
     l->accumulate ? ", gradients added" : "");
  layer_free(&a), layer_free(&again);
}

static void layers(double bound) {
  static const struct layer all[] = {
      {64, 96, 48, 0, 0, true, false, 0, 1, true},  {70, 33, 17, 3, 5, true, true, 1, 1},   {17, 264, 40, 8, 8, true, true, 0, 1, true},   {300, 8, 24, 0, 0, true, false, 0, 1},
      {1000, 20, 5, 0, 4, true, true, 0, 1},  {40, 64, 64, 0, 0, false, true, 0, 1},  {9, 24, 32, 0, 0, true, false, 0, 1},    {2, 600, 8, 0, 8, true, true, 0, 1},
      {30, 0, 16, 0, 0, false, false, 0, 1},  {30, 24, 0, 0, 0, true, true, 0, 1},    {3, 24, 0, 0, 0, true, true, 0, 1},      {0, 24, 16, 0, 0, true, false, 0, 1},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) layer(&all[i], bound);
}

static enum fp8_scales fp8_scales;
static const char *fp8_name(void) { return fp8_scales == FP8_SCALES_BLOCKS ? "FP8 in blocks: " : "FP8: "; }

/* A recorded layer, run twice, is the layer run twice. */
static void recorded(enum matmul_type type) {
  static const struct layer l = {48, 64, 32, 0, 0, true, true, 0, 1};
  struct layer_arrays a = layer_arrays(&l), again = layer_arrays(&l);
  void *graph = NULL;
  layer_run(device, type, &l, &a);
  device_must(device->record_begin(&device_error));
  layer_run(device, type, &l, &again);
  device_must(device->record_end(&graph, &device_error));
  device_must(device->graph_run(graph, &device_error));
  bool good = layer_same(&a, &again);
  layer_run(device, type, &l, &a);
  device_must(device->graph_run(graph, &device_error));
  ok(layer_same(&a, &again) && good, "%sa recorded layer", type == MATMUL_FP8 ? fp8_name() : "");
  device->graph_release(graph);
  layer_free(&a), layer_free(&again);
}

/* A number between 1 and 2 that keeps m bits behind the point is off by up to 2^-(m+1), evenly: squared, 2^-2(m+1) / 3, of 7/3.
 * So a product of two such factors has an nmse of 2/7 x 2^-2(m+1): TF32, m = 10, 6.8e-8; bfloat16, m = 7, 4.4e-6.  The emulator must
 * round; a GPU's library may also cut off, which is four times as much, and may round nothing. */
static void rounded(void) {
  enum { N = 64 };
  const char *warning;
  bool emulated = strstr(device->describe(&warning), "emulated") != NULL;
  struct device_array a = device_array(N * N, true, 1, 1), b = device_array(N * N, true, 2, 1), c = device_array(N * N, true, 3, 1), exact = device_array(N * N, true, 3, 1);
  device_must(backend_cpu()->matmul(MATMUL_FP32, false, false, N, N, N, 1, a.host, N, b.host, N, 0, c.host, N, &device_error));
  device_must(device->matmul(MATMUL_FP32, false, false, N, N, N, 1, a.device, N, b.device, N, 0, exact.device, N, &device_error));
  static const enum matmul_type types[] = {MATMUL_TF32, MATMUL_BF16};
  const double factor = emulated ? 1 : 4, bounds[] = {1e-7 * factor, 6e-6 * factor};
  for (int i = 0; i < 2; i++) {
    device_must(device->matmul(types[i], false, false, N, N, N, 1, a.device, N, b.device, N, 0, c.device, N, &device_error));
    bool good = device_close(&c, bounds[i], "c");
    real got[2][N * N];
    device_must(device_get(&c, got[0], c.device, c.n));
    device_must(device_get(&exact, got[1], exact.device, c.n));
    ok(good && (memcmp(got[0], got[1], sizeof got[0]) != 0 || !emulated), "floats rounded to %s", i ? "bfloat16" : "TF32");
  }
  device_array_free(&a), device_array_free(&b), device_array_free(&c), device_array_free(&exact);
}

/* ---- FP8.  The bounds are those of its products in the emulator and of a GPU, which sums 8-bit products with at least 14 bits. */

/* The factor as it is multiplied.  One scale: the largest |x| becomes the largest number of the format.  In blocks of `down` rows of
 * `across` columns: the greatest power of two for which the largest |x| of the block is at most E4M3's largest number. */
static double *quantized(const real *x, int64_t ld, int64_t rows, int64_t columns, bool gradient, int64_t down, int64_t across) {
  bool blocks = fp8_scales == FP8_SCALES_BLOCKS, wide = gradient && !blocks;
  if (!blocks) down = rows, across = columns;
  float limit = wide ? 57344 : 448;
  int fraction = wide ? 2 : 3, least = wide ? -14 : -6;
  double *q = (double *)malloc((size_t)(rows * columns) * sizeof *q);
  for (int64_t first_row = 0; first_row < rows; first_row += down)
    for (int64_t first = 0; first < columns; first += across) {
      int64_t end_row = first_row + down < rows ? first_row + down : rows, end = first + across < columns ? first + across : columns;
      float largest = 0;
      for (int64_t r = first_row; r < end_row; r++)
        for (int64_t c = first; c < end; c++) largest = fmaxf(largest, fabsf((float)x[r * ld + c]));
      float scale = largest > 0 ? limit / largest : 1;
      if (blocks) scale = ldexpf(1, ilogbf(scale));
      for (int64_t r = first_row; r < end_row; r++)
        for (int64_t c = first; c < end; c++) {
          float scaled = (float)x[r * ld + c] * scale;
          int exponent = scaled != 0 ? ilogbf(scaled) : least;
          double unit = ldexp(1, (exponent > least ? exponent : least) - fraction);
          q[r * columns + c] = fmin(fmax(rint(scaled / unit) * unit, -limit), limit) / scale;
        }
    }
  return q;
}

/* What FP8 products make of the host's arrays, into a */
static void layer_expected(const struct layer *l, const struct layer_arrays *a) {
  int64_t ld_x = l->in + l->pad_x, ld_y = l->out + l->pad_y, rows = l->rows, out = l->out, in = l->in;
  const real *from_x = a->x.host + l->offset, *from_dy = a->y.host + l->offset;
  double *x = quantized(from_x, ld_x, rows, in, false, 1, 128), *x_down = quantized(from_x, ld_x, rows, in, false, 128, 1), *w = quantized(a->w.host, in, out, in, false, 128, 128);
  double *dy = quantized(from_dy, ld_y, rows, out, true, 1, 128), *dy_down = quantized(from_dy, ld_y, rows, out, true, 128, 1);
  for (int64_t o = 0; o < out && l->with_bias; o++)
    for (int64_t r = 0; r < rows; r++) a->d_bias.host[o] += from_dy[r * ld_y + o];
  for (int64_t i = 0; i < in; i++) {
    for (int64_t r = 0; r < rows; r++) {
      double sum = l->accumulate ? (double)a->dx.host[r * ld_x + i] : 0;
      for (int64_t o = 0; o < out; o++) sum += dy[r * out + o] * w[o * in + i];
      a->dx.host[r * ld_x + i] = (real)sum;
    }
    for (int64_t o = 0; o < out; o++) {
      double sum = l->accumulate ? (double)a->dw.host[o * in + i] : 0;
      for (int64_t r = 0; r < rows; r++) sum += dy_down[r * out + o] * x_down[r * in + i];
      a->dw.host[o * in + i] = (real)sum;
    }
  }
  for (int64_t r = 0; r < rows; r++)
    for (int64_t o = 0; o < out; o++) {
      double sum = l->with_bias ? (double)a->bias.host[o] : 0;
      for (int64_t i = 0; i < in; i++) sum += x[r * in + i] * w[o * in + i];
      a->y.host[l->offset + r * ld_y + o] = (real)sum;
    }
  free(x), free(x_down), free(w), free(dy), free(dy_down);
}

static void layer_fp8(const struct layer *l) {
  struct layer_arrays a = layer_arrays(l), again = layer_arrays(l), wide = layer_arrays(l);
  layer_run(backend_cpu(), MATMUL_FP32, l, &wide);
  layer_expected(l, &a);
  if (l->offset % 8 != 0) memcpy(a.y.host, wide.y.host, (size_t)a.y.n * sizeof(real)); /* y is not aligned to 16 bytes: bfloat16 */
  layer_run(device, MATMUL_FP8, l, &a);
  layer_run(device, MATMUL_FP8, l, &again);
  layer_run(device, MATMUL_FP8, l, &wide);
  bool good = layer_close(&a, 1e-5, 1e-5, 1e-6, 1e-10);
  good = layer_same(&a, &again) && good;
  ok(good, "%sa layer from %lld to %lld features, %lld rows%s%s%s, as its factors rounded on the host", fp8_name(), (long long)l->in, (long long)l->out, (long long)l->rows,
     l->with_bias ? ", a bias" : "", l->accumulate ? ", gradients added" : "", l->apart ? ", backward in two" : "");
  /* As for rounded(), with 3 bits behind the point 0.56e-3 a factor and with 2 2.2e-3, a third more where the even spread ends at
   * 1.5 2^n: 1.5e-3 of E4M3, 3.7e-3 with gradients of E5M2 */
  double bound = fp8_scales == FP8_SCALES_BLOCKS ? 1.8e-3 : 3.6e-3;
  ok(layer_close(&wide, 1.8e-3, bound, bound, 1e-10), "and close to the exact one");
  layer_free(&a), layer_free(&again), layer_free(&wide);
}

/* What FP8 products cannot do, or what does not pay, is bfloat16's product: outputs by their letters. */
static bool is_half(const struct layer *l, const char *which) {
  struct layer_arrays a = layer_arrays(l), half = layer_arrays(l);
  layer_run(device, MATMUL_FP8, l, &a);
  layer_run(device, MATMUL_BF16, l, &half);
  bool good = true;
  if (strchr(which, 'y')) good = device_same(&a.y, &half.y, "y") && good;
  if (strchr(which, 'x')) good = device_same(&a.dx, &half.dx, "dx") && good;
  if (strchr(which, 'w')) good = device_same(&a.dw, &half.dw, "dw") && good;
  layer_free(&a), layer_free(&half);
  return good;
}
static bool differ(const struct device_array *a, const struct device_array *b) {
  size_t bytes = (size_t)(a->n * (a->is_stored ? (int64_t)device->stored_size : (int64_t)sizeof(real)));
  char *p = (char *)malloc(2 * bytes);
  device_must(device->to_host(p, a->device, bytes, &device_error));
  device_must(device->to_host(p + bytes, b->device, bytes, &device_error));
  bool other = memcmp(p, p + bytes, bytes) != 0;
  free(p);
  return other;
}
/* How many of y, dx and dw are of FP8 */
static int of_fp8(const struct layer *l, double least) {
  struct layer_arrays a = layer_arrays(l), half = layer_arrays(l);
  fp8_choose(fp8_scales, least);
  layer_run(device, MATMUL_FP8, l, &a);
  fp8_choose(fp8_scales, 0);
  layer_run(device, MATMUL_BF16, l, &half);
  int count = differ(&a.y, &half.y) + differ(&a.dx, &half.dx) + differ(&a.dw, &half.dw);
  layer_free(&a), layer_free(&half);
  return count;
}

/* FLOP for each byte of a layer of 48 to 96 features, 64 rows, as shares of what FP8 has to be worth (fp8.cuh): y, dx and dw, both */
static void sizes(void) {
  const double F = 2.0 * 64 * 48 * 96, x = 64 * 48, w = 48 * 96, dy = 64 * 96;
  bool blocks = fp8_scales == FP8_SCALES_BLOCKS;
  double read = blocks ? 2 : 4, work = blocks ? 760 : 525;
  double y = F / ((read + 1) * (x + w)) / work, dx = F / ((read + 1) * (dy + w)) / work, dw = F / ((read + 1) * (dy + x)) / work, both = 2 * F / (read * (x + w + dy) + x + w + 2 * dy) / work;
  const double edges[] = {y, dx, dw, both};
  bool good = true;
  for (int i = 0; i < 16; i++) {
    struct layer l = {64, 96, 48, 0, 0, true, false, 0, 1, i % 2 == 0};
    double least = edges[i / 4] * (i % 4 < 2 ? 0.999 : 1.001);
    int want = (y >= least) + (!l.apart && both >= least ? 2 : (dx >= least) + (dw >= least)), got = of_fp8(&l, least);
    if (got != want) note("%d of FP8, want %d, from %g on: y %g, dx %g, dw %g, both %g", got, want, least, y, dx, dw, both), good = false;
  }
  ok(good, "%swhere it saves more time than its bytes take", fp8_name());
  static const struct layer small = {320, 320, 320, 0, 0, true, false, 0, 1, false};
  good = of_fp8(&small, 1) == 0;
  if (device_small()) {
    ok(good, "%ssmall layers stay bfloat16", fp8_name());
    return;
  }
  struct device_array in = device_array(2304 * 16, true, 1, 1), weights = device_array(2304 * 16, true, 2, 1), to = device_array(2304 * 2304, true, 3, 1), half = device_array(2304 * 2304, true, 3, 1);
  for (int i = 0; i < 2; i++) { /* 2 x 1140 rows and outputs, in blocks; 2 x 1312.5 with one scale */
    int64_t n = i ? 2304 : 2256;
    fp8_choose(fp8_scales, 1);
    device_must(device->linear_forward(MATMUL_FP8, to.device, n, in.device, 16, weights.device, NULL, n, n, 16, &device_error));
    device_must(device->linear_forward(MATMUL_BF16, half.device, n, in.device, 16, weights.device, NULL, n, n, 16, &device_error));
    if (differ(&to, &half) != (blocks && i == 1)) note("%lld rows and outputs", (long long)n), good = false;
  }
  fp8_choose(fp8_scales, 0);
  ok(good, "%ssmall layers stay bfloat16", fp8_name());
  device_array_free(&in), device_array_free(&weights), device_array_free(&to), device_array_free(&half);
}

static void special(void) {
  static const struct layer l = {160, 144, 272, 0, 0, false, false, 0, 1, false};
  bool blocks = fp8_scales == FP8_SCALES_BLOCKS;
  struct layer_arrays a = layer_arrays(&l);
  for (int i = 0; i < 3; i++) {
    for (int64_t j = 0; j < a.x.n; j++) a.x.host[j] = 0;
    if (i > 0) a.x.host[3 * l.in + 100] = i == 1 ? (real)INFINITY : (real)NAN;
    device_must(device_put(&a.x, a.x.device, a.x.host, a.x.n));
    device_must(device->linear_forward(MATMUL_FP8, a.y.device, l.out, a.x.device, l.in, a.w.device, NULL, l.rows, l.out, l.in, &device_error));
    device_must(device_get(&a.y, a.y.host, a.y.device, a.y.n));
    bool good = true;
    for (int64_t j = 0; j < a.y.n; j++) good = good && (i > 0 && (j / l.out == 3 || (i == 1 && !blocks)) ? !isfinite(a.y.host[j]) : a.y.host[j] == 0);
    ok(good, "%s%s", fp8_name(), i == 2 ? "NaN spoils its row" : i ? "an infinity is not hidden" : "zeros give zeros");
  }
  layer_free(&a);
  /* Of dy: dx has it in its row, dw in its output's */
  a = layer_arrays(&l);
  a.y.host[3 * l.out + 140] = (real)INFINITY;
  device_must(device_put(&a.y, a.y.device, a.y.host, a.y.n));
  device_must(device->linear_backward(MATMUL_FP8, a.dx.device, a.dw.device, NULL, a.y.device, l.out, a.x.device, l.in, a.w.device, l.rows, l.out, l.in, false, false, &device_error));
  device_must(device_get(&a.dx, a.dx.host, a.dx.device, a.dx.n)), device_must(device_get(&a.dw, a.dw.host, a.dw.device, a.dw.n));
  bool good = true;
  for (int64_t j = 0; j < a.dx.n; j++) good = good && isfinite(a.dx.host[j]) == (blocks && j / l.in != 3);
  for (int64_t j = 0; j < a.dw.n; j++) good = good && isfinite(a.dw.host[j]) == (blocks && j / l.in != 140);
  ok(good, "%san infinite gradient is not hidden", fp8_name());
  layer_free(&a);
}

/* One x that is 2^18 times as large as the others: of rows without it, blocks know nothing; one scale leaves these a bit or two. */
static void outlier(void) {
  enum { ROWS = 144, OUT = 32, IN = 272 };
  struct device_array x = device_array(ROWS * IN, true, 1, 1), w = device_array(OUT * IN, true, 2, 1), y = device_array(ROWS * OUT, true, 3, 1);
  x.host[5 * IN + 200] = 0x1p18f;
  device_must(device_put(&x, x.device, x.host, x.n));
  device_must(backend_cpu()->linear_forward(MATMUL_FP32, y.host, OUT, x.host, IN, w.host, NULL, ROWS, OUT, IN, &device_error));
  device_must(device->linear_forward(MATMUL_FP8, y.device, OUT, x.device, IN, w.device, NULL, ROWS, OUT, IN, &device_error));
  real got[ROWS * OUT];
  device_must(device_get(&y, got, y.device, y.n));
  double error = 0, size = 0;
  for (int64_t i = 0; i < ROWS * OUT; i++) {
    if (i / OUT == 5) continue;
    double want = (double)y.host[i], d = (double)got[i] - want;
    error += d * d, size += want * want;
  }
  bool blocks = fp8_scales == FP8_SCALES_BLOCKS;
  if (!ok(blocks ? error < 1.5e-3 * size : error > 0.02 * size, "%s%s", fp8_name(), blocks ? "a huge number is its block's affair" : "a huge number costs the others their digits")) note("nmse %g", error / size);
  device_array_free(&x), device_array_free(&w), device_array_free(&y);
}

/* A library without blocks: one scale a matrix.  The emulator's tells the device by the environment. */
static void refused(void) {
  static const struct layer l = {48, 176, 80, 0, 0, true, true, 0, 1, false};
  const char *warning;
  if (!strstr(device->describe(&warning), "emulated")) return;
  struct layer_arrays a = layer_arrays(&l), one = layer_arrays(&l);
  setenv("CUDA_CPU_CAPABILITY", "100", 1);
  for (int i = 0; i < 2; i++) layer_run(device, MATMUL_FP8, &l, &a);
  unsetenv("CUDA_CPU_CAPABILITY");
  fp8_choose(FP8_SCALES_MATRIX, 0);
  for (int i = 0; i < 2; i++) layer_run(device, MATMUL_FP8, &l, &one);
  fp8_choose(fp8_scales, 0);
  ok(layer_same(&a, &one), "FP8 in blocks: one scale a matrix where the library has none");
  layer_free(&a), layer_free(&one);
}

/* A GPU's library may have no blocks, or not for all of these sizes; the emulator's has them. */
static bool has_blocks(const struct layer *all, size_t count) {
  const char *warning;
  int64_t before = fp8_without_blocks();
  if (strstr(device->describe(&warning), "emulated")) return true;
  for (size_t i = 0; i < count; i++) {
    struct layer_arrays a = layer_arrays(&all[i]);
    layer_run(device, MATMUL_FP8, &all[i], &a);
    layer_free(&a);
  }
  if (fp8_without_blocks() > before) note("FP8 in blocks: the library refuses %lld of these products, not tested", (long long)(fp8_without_blocks() - before));
  return fp8_without_blocks() == before;
}

static void fp8(void) {
  static const struct layer all[] = {
      {64, 96, 48, 0, 0, true, false, 0, 1e-4, false},    {160, 32, 80, 8, 16, false, true, 0, 1e-4, true}, {144, 272, 656, 16, 8, true, true, 0, 0.01, false},
      {32, 208, 16, 0, 0, true, false, 3, 1e3, false},    {256, 16, 1040, 0, 0, true, true, 0, 1, true} /* more tiles than blocks that look for the largest */,
      {656, 48, 144, 0, 16, false, false, 8, 1e3, false}, {144, 272, 144, 0, 0, false, true, 0, 1, true}};
  static const struct layer odd[] = {{40, 32, 32, 0, 0, true, true, 0, 1, false}, {32, 24, 32, 0, 0, true, true, 0, 1, false}, {32, 32, 40, 0, 0, true, true, 0, 1, true}};
  /* dw, whose rows are never apart, may be of FP8 nevertheless */
  static const struct layer apart = {32, 32, 32, 4, 4, true, true, 0, 1, false};
  static const enum fp8_scales scales[] = {FP8_SCALES_BLOCKS, FP8_SCALES_MATRIX};
  for (int k = 0; k < 2; k++) {
    fp8_choose(fp8_scales = scales[k], 0);
    if (k == 0 && !has_blocks(all, sizeof all / sizeof *all)) continue;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
      if (!device_small() || (i != 4 && i != 5)) layer_fp8(&all[i]);
    bool good = true;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) good = is_half(&odd[i], "yxw") && good;
    ok(good, "%ssizes that are no multiples of 16: bfloat16", fp8_name());
    ok(is_half(&apart, "yx"), "%srows that are not 16 bytes apart: bfloat16", fp8_name());
    special();
    outlier();
    sizes();
    recorded(MATMUL_FP8);
  }
  fp8_choose(fp8_scales = FP8_SCALES_BLOCKS, 0);
  refused();
  fp8_choose(FP8_SCALES_BLOCKS, 1);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  products(stored_bound);
  many_plans();
  wrong();
  layers(stored_bound);
  recorded(plain());
  if (device->stored_size == 2) fp8();
  else rounded();
}

int main(void) { return device_test_run(test); }
