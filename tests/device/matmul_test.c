/* SPDX-License-Identifier: MIT
 *
 * Products by the library (matmul.cuh): plans, types, transposes, biases and their gradients, FP8 (fp8.cuh).
 */
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
  device_must(b->linear_backward_input(type, ARRAY(dx), ld_x, dy, ld_y, ARRAY(w), l->rows, l->out, l->in, l->accumulate, &device_error));
  device_must(b->linear_backward_weight(type, ARRAY(dw), l->with_bias ? ARRAY(d_bias) : NULL, dy, ld_y, x, ld_x, l->rows, l->out, l->in, l->accumulate, &device_error));
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
      {64, 96, 48, 0, 0, true, false, 0, 1},  {70, 33, 17, 3, 5, true, true, 1, 1},   {17, 264, 40, 8, 8, true, true, 0, 1},   {300, 8, 24, 0, 0, true, false, 0, 1},
      {1000, 20, 5, 0, 4, true, true, 0, 1},  {40, 64, 64, 0, 0, false, true, 0, 1},  {9, 24, 32, 0, 0, true, false, 0, 1},    {2, 600, 8, 0, 8, true, true, 0, 1},
      {30, 0, 16, 0, 0, false, false, 0, 1},  {30, 24, 0, 0, 0, true, true, 0, 1},    {3, 24, 0, 0, 0, true, true, 0, 1},      {0, 24, 16, 0, 0, true, false, 0, 1},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) layer(&all[i], bound);
}

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
  ok(layer_same(&a, &again) && good, "a recorded layer%s", type == MATMUL_FP8 ? ", FP8" : "");
  device->graph_release(graph);
  layer_free(&a), layer_free(&again);
}

/* A number between 1 and 2 that keeps m bits behind the point is off by up to 2^-(m+1), evenly: squared, 2^-2(m+1) / 3, of 7/3.
 * So a product of two such factors has an nmse of 2/7 x 2^-2(m+1): TF32, m = 10, 6.8e-8; bfloat16, m = 7, 4.4e-6. */
static void rounded(void) {
  enum { N = 64 };
  struct device_array a = device_array(N * N, true, 1, 1), b = device_array(N * N, true, 2, 1), c = device_array(N * N, true, 3, 1), exact = device_array(N * N, true, 3, 1);
  device_must(backend_cpu()->matmul(MATMUL_FP32, false, false, N, N, N, 1, a.host, N, b.host, N, 0, c.host, N, &device_error));
  device_must(device->matmul(MATMUL_FP32, false, false, N, N, N, 1, a.device, N, b.device, N, 0, exact.device, N, &device_error));
  static const enum matmul_type types[] = {MATMUL_TF32, MATMUL_BF16};
  static const double bounds[] = {1e-7, 6e-6};
  for (int i = 0; i < 2; i++) {
    device_must(device->matmul(types[i], false, false, N, N, N, 1, a.device, N, b.device, N, 0, c.device, N, &device_error));
    bool good = device_close(&c, bounds[i], "c");
    real got[2][N * N];
    device_must(device_get(&c, got[0], c.device, c.n));
    device_must(device_get(&exact, got[1], exact.device, c.n));
    ok(good && memcmp(got[0], got[1], sizeof got[0]) != 0, "floats rounded to %s", i ? "bfloat16" : "TF32");
  }
  device_array_free(&a), device_array_free(&b), device_array_free(&c), device_array_free(&exact);
}

/* ---- FP8.  The bounds are those of its products in the emulator and of a GPU, which sums 8-bit products with at least 14 bits. */

/* The factor as it is multiplied: largest |x| becomes the largest number of the format, and back */
static double *quantized(const real *x, int64_t ld, int64_t rows, int64_t columns, bool gradient) {
  float limit = gradient ? 57344 : 448, largest = 0;
  int fraction = gradient ? 2 : 3, least = gradient ? -14 : -6;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) largest = fmaxf(largest, fabsf((float)x[r * ld + c]));
  float scale = largest > 0 ? limit / largest : 1;
  double *q = (double *)malloc((size_t)(rows * columns) * sizeof *q);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) {
      float scaled = (float)x[r * ld + c] * scale;
      int exponent = scaled != 0 ? ilogbf(scaled) : least;
      double unit = ldexp(1, (exponent > least ? exponent : least) - fraction);
      q[r * columns + c] = fmin(fmax(rint(scaled / unit) * unit, -limit), limit) / scale;
    }
  return q;
}

static void layer_fp8(const struct layer *l) {
  struct layer_arrays a = layer_arrays(l), again = layer_arrays(l), wide = layer_arrays(l);
  int64_t ld_x = l->in + l->pad_x, ld_y = l->out + l->pad_y, rows = l->rows, out = l->out, in = l->in;
  double *x = quantized(a.x.host + l->offset, ld_x, rows, in, false), *w = quantized(a.w.host, in, out, in, false), *dy = quantized(a.y.host + l->offset, ld_y, rows, out, true);
  layer_run(backend_cpu(), MATMUL_FP32, l, &wide);
  for (int64_t o = 0; o < out && l->with_bias; o++)
    for (int64_t r = 0; r < rows; r++) a.d_bias.host[o] += a.y.host[l->offset + r * ld_y + o];
  if (l->offset % 8 != 0) memcpy(a.y.host, wide.y.host, (size_t)a.y.n * sizeof(real)); /* y is not aligned to 16 bytes: bfloat16 */
  for (int64_t r = 0; r < rows && l->offset % 8 == 0; r++)
    for (int64_t o = 0; o < out; o++) {
      double sum = l->with_bias ? (double)a.bias.host[o] : 0;
      for (int64_t i = 0; i < in; i++) sum += x[r * in + i] * w[o * in + i];
      a.y.host[l->offset + r * ld_y + o] = (real)sum;
    }
  for (int64_t i = 0; i < in; i++) {
    for (int64_t r = 0; r < rows; r++) {
      double sum = l->accumulate ? (double)a.dx.host[r * ld_x + i] : 0;
      for (int64_t o = 0; o < out; o++) sum += dy[r * out + o] * w[o * in + i];
      a.dx.host[r * ld_x + i] = (real)sum;
    }
    for (int64_t o = 0; o < out; o++) {
      double sum = l->accumulate ? (double)a.dw.host[o * in + i] : 0;
      for (int64_t r = 0; r < rows; r++) sum += dy[r * out + o] * x[r * in + i];
      a.dw.host[o * in + i] = (real)sum;
    }
  }
  layer_run(device, MATMUL_FP8, l, &a);
  layer_run(device, MATMUL_FP8, l, &again);
  layer_run(device, MATMUL_FP8, l, &wide);
  bool good = layer_close(&a, 1e-5, 1e-5, 1e-6, 1e-10);
  good = layer_same(&a, &again) && good;
  ok(good, "FP8: a layer from %lld to %lld features, %lld rows%s%s, as its factors rounded on the host", (long long)in, (long long)out, (long long)rows, l->with_bias ? ", a bias" : "",
     l->accumulate ? ", gradients added" : "");
  /* As for rounded(), with 3 bits behind the point 0.56e-3 a factor, with 2 2.2e-3: 1.1e-3 forward, 2.8e-3 for gradients */
  ok(layer_close(&wide, 1.5e-3, 3.6e-3, 3.6e-3, 1e-10), "and close to the exact one");
  free(x), free(w), free(dy), layer_free(&a), layer_free(&again), layer_free(&wide);
}

/* What FP8 products cannot do is bfloat16's product.  dw, whose rows are never apart, may be one nevertheless. */
static void not_fp8(const struct layer *l, bool dw, const char *why) {
  struct layer_arrays a = layer_arrays(l), half = layer_arrays(l);
  layer_run(device, MATMUL_FP8, l, &a);
  layer_run(device, MATMUL_BF16, l, &half);
  bool good = device_same(&a.y, &half.y, "y");
  good = device_same(&a.dx, &half.dx, "dx") && good;
  if (dw) good = device_same(&a.dw, &half.dw, "dw") && good;
  ok(good, "FP8: %s: bfloat16", why);
  layer_free(&a), layer_free(&half);
}

static void special(void) {
  static const struct layer l = {32, 16, 48, 0, 0, false, false, 0, 1};
  struct layer_arrays a = layer_arrays(&l);
  for (int i = 0; i < 2; i++) {
    for (int64_t j = 0; j < a.x.n; j++) a.x.host[j] = 0;
    if (i == 1) a.x.host[100] = (real)INFINITY;
    device_must(device_put(&a.x, a.x.device, a.x.host, a.x.n));
    device_must(device->linear_forward(MATMUL_FP8, a.y.device, l.out, a.x.device, l.in, a.w.device, NULL, l.rows, l.out, l.in, &device_error));
    device_must(device_get(&a.y, a.y.host, a.y.device, a.y.n));
    bool good = true;
    for (int64_t j = 0; j < a.y.n; j++) good = good && (i == 1 ? !isfinite(a.y.host[j]) : a.y.host[j] == 0);
    ok(good, "FP8: %s", i ? "an infinity is not hidden" : "zeros give zeros");
  }
  layer_free(&a);
}

static void fp8(void) {
  static const struct layer all[] = {
      {64, 96, 48, 0, 0, true, false, 0, 1e-4},  {160, 32, 80, 8, 16, false, true, 0, 1e-4}, {144, 16, 144, 16, 8, true, true, 0, 0.01}, {32, 208, 16, 0, 0, true, false, 3, 1e3},
      {256, 16, 1040, 0, 0, true, true, 0, 1} /* more tiles than blocks that look for the largest */};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) layer_fp8(&all[i]);
  static const struct layer odd[] = {{40, 32, 32, 0, 0, true, true, 0, 1}, {32, 24, 32, 0, 0, true, true, 0, 1}, {32, 32, 40, 0, 0, true, true, 0, 1}};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) not_fp8(&odd[i], true, "a size that is no multiple of 16");
  static const struct layer apart = {32, 32, 32, 4, 4, true, true, 0, 1};
  not_fp8(&apart, false, "rows that are not 16 bytes apart");
  special();
  recorded(MATMUL_FP8);
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
