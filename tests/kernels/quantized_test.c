/* SPDX-License-Identifier: MIT */
#include "kernels/quantized.h"

#include "kernels/matmul.h"
#include "tests/kernels/kernel_test.h"

static struct kernel_error e;
static const char *const names[] = {[QUANTIZED_Q8_0] = "q8_0", [QUANTIZED_Q4_0] = "q4_0"};

/* As the format says it, by another road than the code under test. */
static double half(const uint8_t *p) {
  int h = p[0] | p[1] << 8, exponent = h >> 10 & 31, fraction = h & 1023;
  double x = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
  return h & 0x8000 ? -x : x;
}
static double weight_of(enum quantization kind, const uint8_t *w, int64_t i) {
  const uint8_t *p = w + i / 32 * (kind == QUANTIZED_Q8_0 ? 34 : 18);
  int j = (int)(i % 32);
  if (kind == QUANTIZED_Q8_0) return half(p) * (p[2 + j] < 128 ? p[2 + j] : p[2 + j] - 256);
  return half(p) * (j < 16 ? p[2 + j] % 16 - 8 : p[2 + j - 16] / 16 - 8);
}

static uint8_t *quantized(enum quantization kind, const real *w, int64_t rows, int64_t columns) {
  uint8_t *p = calloc(1, quantized_bytes(kind, rows, columns) + 64);
  if (!p || quantize_rows(kind, p, w, rows, columns, &e) != 0) abort();
  return p;
}

static void product(enum quantization kind, int64_t rows, int64_t out, int64_t in, int64_t pad, bool with_bias, const char *variant) {
  int64_t ld_x = in + pad, ld_y = out + pad;
  real *x = array(rows * ld_x, 1, 1), *w = array(out * in, 2, 1), *bias = array(out, 3, 1), *y = array(rows * ld_y, 4, 1), *again = array_copy(y, rows * ld_y);
  uint8_t *q = quantized(kind, w, out, in);
  double *want = zeros(rows * ld_y);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t n = 0; n < ld_y; n++) {
      double sum = n < out ? with_bias ? (double)bias[n] : 0 : (double)y[r * ld_y + n];
      for (int64_t k = 0; n < out && k < in; k++) sum += (double)x[r * ld_x + k] * weight_of(kind, q, n * in + k);
      want[r * ld_y + n] = sum;
    }
  for (int64_t i = 0; i < rows * ld_y; i++)
    if (i % ld_y < out) y[i] = NAN;
  bool good = linear_quantized(kind, y, ld_y, x, ld_x, q, with_bias ? bias : NULL, rows, out, in, &e) == 0;
  good = close_to(y, want, rows * ld_y, 1e-12, "y") && guards_intact(y, rows * ld_y) && good;
  backend_cpu()->set_threads(1);
  good = linear_quantized(kind, again, ld_y, x, ld_x, q, with_bias ? bias : NULL, rows, out, in, &e) == 0 && good;
  backend_cpu()->set_threads(2);
  if (rows <= QUANTIZED_FEW_ROWS) good = memcmp(again, y, (size_t)(rows * ld_y) * sizeof *y) == 0 && good;
  ok(good, "%s: %s: %lld rows times %lld x %lld match the decoded weights, on one thread too", variant, names[kind], (long long)rows, (long long)out, (long long)in);
  array_free(x), array_free(w), array_free(bias), array_free(y), array_free(again), free(q), free(want);
}

static void decoding(enum quantization kind, const char *variant) {
  enum { ROWS = 5, COLUMNS = 96 };
  real *w = array(ROWS * COLUMNS, 9, 3), *back = array(ROWS * COLUMNS, 1, 1);
  uint8_t *q = quantized(kind, w, ROWS, COLUMNS);
  dequantize_rows(kind, back, q, ROWS, COLUMNS);
  bool good = guards_intact(back, ROWS * COLUMNS);
  for (int i = 0; i < ROWS * COLUMNS; i++) good = back[i] == (real)weight_of(kind, q, i) && good;
  ok(good, "%s: %s: decoded weights are exact", variant, names[kind]);
  array_free(w), array_free(back), free(q);
}

/* ---- the format */

static void blocks(void) {
  real x[32] = {0};
  uint8_t got[34], want[34] = {0};
  /* 127 and halves: d = 1; ties go away from 0 */
  x[0] = 127, x[1] = -126.5f, x[2] = 0.5f, x[3] = -0.5f, x[4] = 2.5f, x[5] = 0.49999997f, x[6] = -3.5f, x[31] = -1;
  want[1] = 0x3c, want[2] = 127, want[3] = (uint8_t)-127, want[4] = 1, want[5] = (uint8_t)-1, want[6] = 3, want[8] = (uint8_t)-4, want[33] = (uint8_t)-1;
  ok(quantize_rows(QUANTIZED_Q8_0, got, x, 1, 32, &e) == 0 && memcmp(got, want, 34) == 0, "a block of q8_0 is as ggml makes it");
  /* the largest is -4: d = 0.5; 3.9 would be 15.8, which is held to 15; ties go up */
  memset(x, 0, sizeof x), memset(want, 0, sizeof want);
  x[0] = -4, x[1] = 3.9f, x[2] = 0.25f, x[3] = -0.25f, x[15] = 1, x[16] = 0.5f, x[31] = -3.75f;
  memset(want + 2, 0x88, 16), want[1] = 0x38;
  want[2] = 0x90, want[3] = 0x8f, want[4] = 0x89, want[5] = 0x88, want[17] = 0x1a;
  ok(quantize_rows(QUANTIZED_Q4_0, got, x, 1, 32, &e) == 0 && memcmp(got, want, 18) == 0, "a block of q4_0 is as ggml makes it");
  x[0] = 4, x[1] = -3.9f; /* the sign of the scale is that of the largest, turned */
  quantize_rows(QUANTIZED_Q4_0, got, x, 1, 32, &e);
  ok(half(got) == -0.5 && (got[2] & 15) == 0 && (got[3] & 15) == 15, "a positive largest weight makes a negative scale");
  memset(x, 0, sizeof x);
  bool good = quantize_rows(QUANTIZED_Q8_0, got, x, 1, 32, &e) == 0;
  for (int i = 0; i < 34; i++) good = good && got[i] == 0;
  good = quantize_rows(QUANTIZED_Q4_0, got, x, 1, 32, &e) == 0 && half(got) == 0 && got[2] == 0x88 && good;
  ok(good, "zeros have the scale 0");
}

/* Scales near every float16: the nearest one, of two as near the even one. */
static void scales(void) {
  bool good = true;
  for (int h = 0; h < 0x7bff; h += 7) {
    for (int step = -1; step <= 1; step++) {
      uint8_t low[2] = {(uint8_t)h, (uint8_t)(h >> 8)}, high[2] = {(uint8_t)(h + 1), (uint8_t)((h + 1) >> 8)}, got[18];
      float middle = (float)((half(low) + half(high)) / 2), d = step < 0 ? nextafterf(middle, 0) : step > 0 ? nextafterf(middle, INFINITY) : middle;
      real x[32] = {-8 * d};
      if (quantize_rows(QUANTIZED_Q4_0, got, x, 1, 32, &e) != 0) good = false;
      int want = step < 0 ? h : step > 0 ? h + 1 : h + h % 2;
      if ((got[0] | got[1] << 8) != want) good = false;
    }
  }
  ok(good, "scales are rounded to the nearest float16, subnormal ones too");
}

static void errors_of_weights(void) {
  enum { N = 32 * 1000 };
  real *w = array(N, 5, 1), *back = array(N, 6, 1);
  for (int i = 0; i + 1 < N; i += 2) { /* normally distributed (Box and Muller) */
    double r = sqrt(-2 * log(fabs((double)w[i]) + 1e-9)), angle = 3.14159265358979 * (double)w[i + 1];
    w[i] = (real)(r * cos(angle)), w[i + 1] = (real)(r * sin(angle));
  }
  static const double bound[] = {[QUANTIZED_Q8_0] = 3.5e-5, [QUANTIZED_Q4_0] = 8e-3};
  for (int kind = 0; kind < 2; kind++) {
    uint8_t *q = quantized(kind, w, 1000, 32);
    dequantize_rows(kind, back, q, 1000, 32);
    double error = 0, size = 0;
    bool held = true;
    for (int i = 0; i < N; i++) {
      double most = 0, d = fabs((double)back[i] - (double)w[i]);
      for (int j = i / 32 * 32; j < i / 32 * 32 + 32; j++) most = fmax(most, fabs((double)w[j]));
      held = held && d <= most * (kind == QUANTIZED_Q8_0 ? 1.13 / 254 : 1.01 / 8);
      error += d * d, size += (double)w[i] * (double)w[i];
    }
    if (!(error / size < bound[kind] && error / size > bound[kind] / 2)) note("nmse %.3g", error / size);
    ok(held && error / size < bound[kind] && error / size > bound[kind] / 2, "%s: weights are off by no more than the format's step", names[kind]);
    free(q);
  }
  array_free(w), array_free(back);
}

static void refusals(void) {
  real x[33] = {0}, y[1] = {7};
  uint8_t q[68] = {0};
  ok(quantize_rows(QUANTIZED_Q8_0, q, x, 1, 33, &e) == -1 && strstr(e.message, "33") && linear_quantized(QUANTIZED_Q8_0, y, 1, x, 33, q, NULL, 1, 1, 33, &e) == -1 && y[0] == 7,
     "rows that are no whole blocks are refused");
  static const float bad[] = {NAN, INFINITY, -INFINITY, 1e6f};
  bool good = true;
  for (int i = 0; i < 4; i++) {
    x[5] = bad[i];
    for (int kind = 0; kind < 2; kind++) good = quantize_rows(kind, q, x, 1, 32, &e) == -1 && strstr(e.message, "row 0") && good;
  }
  ok(good, "weights that are no numbers, or too large, are refused");
  real nothing = 3;
  ok(linear_quantized(QUANTIZED_Q4_0, NULL, 4, NULL, 32, NULL, NULL, 0, 4, 32, &e) == 0 && linear_quantized(QUANTIZED_Q4_0, &nothing, 1, NULL, 32, NULL, NULL, 1, 0, 32, &e) == 0 && nothing == 3 &&
         linear_quantized(QUANTIZED_Q4_0, y, 1, x, 0, q, &nothing, 1, 1, 0, &e) == 0 && y[0] == 3,
     "no rows, no outputs and no inputs are no work, but for the bias");
}

/* GB/s of the weights as they are stored, beside that of float weights. */
static void speed(const char *variant, int64_t rows, int64_t out, int64_t in) {
  real *x = array(rows * in, 1, 1), *w = array(out * in, 2, 1), *y = array(rows * out, 4, 1);
  double t;
  TIME(t, matmul(MATMUL_FP32, false, true, rows, out, in, 1, x, in, w, in, 0, y, out, &e));
  printf("%s %lld x %lldx%lld: float %.0f us %.1f GB/s", variant, (long long)rows, (long long)out, (long long)in, 1e6 * t, 4e-9 * (double)(out * in) / t);
  for (int kind = 0; kind < 2; kind++) {
    uint8_t *q = quantized(kind, w, out, in);
    TIME(t, linear_quantized(kind, y, out, x, in, q, NULL, rows, out, in, &e));
    printf(", %s %.0f us %.1f GB/s", names[kind], 1e6 * t, 1e-9 * (double)quantized_bytes(kind, out, in) / t);
    free(q);
  }
  uint8_t *q = quantized(QUANTIZED_Q8_0, w, out, in);
  TIME(t, quantize_rows(QUANTIZED_Q8_0, q, w, out, in, &e));
  printf(", to q8_0 %.0f M/s", 1e-6 * (double)(out * in) / t);
  TIME(t, quantize_rows(QUANTIZED_Q4_0, q, w, out, in, &e));
  printf(", q4_0 %.0f M/s\n", 1e-6 * (double)(out * in) / t);
  array_free(x), array_free(w), array_free(y), free(q);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      static const int64_t rows[] = {1, 2, 4, 8, 12, 16, 128};
      if (v != CPU_SCALAR)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) speed(variant, rows[i], 8192, 4096);
      continue;
    }
    for (int kind = 0; kind < 2; kind++) {
      static const int64_t shapes[][4] = {{1, 1, 32, 0}, {1, 7, 96, 3}, {2, 33, 64, 1}, {3, 70, 160, 0}, {4, 65, 288, 5}, {5, 9, 1024, 0}, {QUANTIZED_FEW_ROWS, 130, 320, 2}, {QUANTIZED_FEW_ROWS + 1, 67, 96, 1}, {40, 600, 2048, 0}};
      for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) product(kind, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], i % 2 == 0, variant);
      decoding(kind, variant);
    }
  }
  if (wants_times(argc, argv)) return 0;
  blocks();
  scales();
  errors_of_weights();
  refusals();
  return tap_done();
}
