/* SPDX-License-Identifier: MIT */
#include "kernels/muon.h"

#include "tests/kernels/expected.h"

static struct kernel_error e;

/* ---- the formula in double */

static void reference(double *p, const real *g, double *momentum, int64_t rows, int64_t columns, const struct muon_settings *s) {
  int64_t n = rows * columns;
  double *x = zeros(n), *y = zeros(n), *A = zeros(rows * rows), *B = zeros(rows * rows), norm = 0;
  for (int64_t i = 0; i < n; i++) {
    double d = (double)g[i] * s->gradient_scale;
    momentum[i] = s->momentum * momentum[i] + (1 - s->momentum) * d;
    x[i] = s->nesterov ? (1 - s->momentum) * d + s->momentum * momentum[i] : momentum[i];
    norm += x[i] * x[i];
  }
  norm = fmax(sqrt(norm), 1e-7);
  for (int64_t i = 0; i < n; i++) x[i] /= norm;
  for (int step = 0; step < s->steps; step++) { /* whichever Gram matrix: p(x x^T) x = x p(x^T x) */
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < rows; j++) {
        A[i * rows + j] = 0;
        for (int64_t k = 0; k < columns; k++) A[i * rows + j] += x[i * columns + k] * x[j * columns + k];
      }
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < rows; j++) {
        double square = 0;
        for (int64_t k = 0; k < rows; k++) square += A[i * rows + k] * A[k * rows + j];
        B[i * rows + j] = -4.7750 * A[i * rows + j] + 2.0315 * square;
      }
    for (int64_t i = 0; i < rows; i++)
      for (int64_t j = 0; j < columns; j++) {
        y[i * columns + j] = 3.4445 * x[i * columns + j];
        for (int64_t k = 0; k < rows; k++) y[i * columns + j] += B[i * rows + k] * x[k * columns + j];
      }
    memcpy(x, y, (size_t)n * sizeof *x);
  }
  for (int64_t i = 0; i < n; i++) p[i] = p[i] * (1 - s->lr * s->weight_decay) - s->lr * s->adjust * x[i];
  free(x), free(y), free(A), free(B);
}

static void compare(int64_t rows, int64_t columns, enum matmul_type type, const char *variant) {
  int64_t n = rows * columns;
  real *p = array(n, 1, 1), *g = array(n, 2, 1), *m = array(n, 3, 0), *first = array_copy(p, n);
  double *want = zeros(n), *want_m = zeros(n);
  for (int64_t i = 0; i < n; i++) want[i] = p[i];
  bool good = true;
  for (int step = 1; step <= 3; step++) {
    struct muon_settings s = {.lr = 0.1, .momentum = step == 3 ? 0.4 : 0.95, .weight_decay = 0.1, .adjust = muon_adjust(MUON_ORIGINAL, rows, columns), .gradient_scale = 0.5,
                              .steps = 5, .nesterov = step != 2, .type = type};
    reference(want, g, want_m, rows, columns, &s);
    good = muon(p, g, m, rows, columns, &s, &e) == 0 && good;
    uint64_t state = (uint64_t)step;
    for (int64_t i = 0; i < n; i++) g[i] = (real)number(&state);
  }
  /* of the change, not of the parameter */
  double *change = zeros(n);
  real *moved = array(n, 1, 0);
  for (int64_t i = 0; i < n; i++) change[i] = want[i] - first[i], moved[i] = p[i] - first[i];
  good = close_to(moved, change, n, type == MATMUL_BF16 ? 2e-4 : 1e-9, "change of the parameters") && close_to(m, want_m, n, 1e-12, "momentum") && good;
  ok(good && guards_intact(p, n) && guards_intact(m, n), "%s: three steps of Muon on %lld x %lld match (%s)", variant, (long long)rows, (long long)columns, type == MATMUL_BF16 ? "bf16" : "fp32");
  array_free(p), array_free(g), array_free(m), array_free(first), array_free(moved), free(want), free(want_m), free(change);
}

/* ---- what torch computed */

static void check_run(const struct safetensors *file, const char *prefix, const char *name, int64_t rows, int64_t columns, int steps, struct muon_settings s, enum muon_adjust rule,
                      double bound, const char *title) {
  int64_t n = rows * columns;
  real *p = array(n, 1, 0), *m = array(n, 1, 0), *g = array(n, 1, 0);
  float *start = expected(file, prefix, "W0", n), *gradients = expected(file, prefix, "G", steps * n), *want = prefix ? expected(file, prefix, name, steps * n) : NULL;
  double worst = 0, most = 0;
  bool good = true;
  for (int64_t i = 0; i < n; i++) p[i] = start[i];
  for (int k = 0; k < steps; k++) {
    char each[64];
    snprintf(each, sizeof each, "%s.W%d", name, k + 1);
    float *after = prefix ? NULL : expected(file, NULL, each, n);
    const float *w = prefix ? want + k * n : after;
    for (int64_t i = 0; i < n; i++) g[i] = gradients[k * n + i];
    s.adjust = muon_adjust(rule, rows, columns);
    good = muon(p, g, m, rows, columns, &s, &e) == 0 && good;
    worst = fmax(worst, relative_error(p, w, n)), most = fmax(most, largest_error(p, w, n));
    free(after);
  }
  ok(good && most <= bound, "%s: within %.0e at each of %d steps", title, bound, steps);
  note("relative error %.2g, largest difference %.2g", worst, most);
  array_free(p), array_free(m), array_free(g), free(start), free(gradients), free(want);
}

/* A sum of bfloat16 products that falls near the middle between two bfloat16 numbers goes to the one or the other with the order
 * in which it is added up.  torch's order is that of the CPU's own instruction, vdpbf16ps.  Without it an entry of x may differ in
 * its last place, 2^-9 times lr. */
static double bfloat16_bound(void) {
#if CPU_VECTORS
  if (__builtin_cpu_supports("avx512bf16") && cpu_variant() == CPU_AVX512) return 1e-5;
#endif
  return 1e-4;
}

static void check_expected(void) {
  double bound = bfloat16_bound();
  struct safetensors *file;
  struct err error;
  if (!ok(safetensors_open(&file, EXPECTED_FILE, &error) == 0, "the expected values open")) return;
  struct muon_settings s = {.lr = 2e-2, .momentum = 0.95, .weight_decay = 0.1, .gradient_scale = 1, .steps = 5, .nesterov = true};
  for (int i = 0; i < 3; i++) {
    const char *shape = expected_shapes[i].name;
    char title[100];
    snprintf(title, sizeof title, "%s: torch's Muon with Newton-Schulz in float64", shape);
    check_run(file, shape, "muon64", expected_shapes[i].rows, expected_shapes[i].columns, EXPECTED_STEPS, s, MUON_ORIGINAL, 1e-5, title);
    snprintf(title, sizeof title, "%s: ... no Nesterov, lr matched to AdamW's", shape);
    struct muon_settings plain = s;
    plain.momentum = 0.9, plain.nesterov = false;
    check_run(file, shape, "muon_match", expected_shapes[i].rows, expected_shapes[i].columns, EXPECTED_STEPS, plain, MUON_MATCH_ADAMW, 1e-5, title);
    snprintf(title, sizeof title, "%s: torch's Muon as it is, in bfloat16", shape);
    s.type = MATMUL_BF16;
    check_run(file, shape, "muon", expected_shapes[i].rows, expected_shapes[i].columns, EXPECTED_STEPS, s, MUON_ORIGINAL, bound, title);
    s.type = MATMUL_FP32;
  }
  safetensors_close(file);
  const char *path = tap_shared("oracle/lm/optimizers.safetensors");
  if (!path || safetensors_open(&file, path, &error) < 0) {
    skip("no ../shared/data", "the shared oracle");
    return;
  }
  s.type = MATMUL_BF16;
  check_run(file, NULL, "muon", 48, 32, 5, s, MUON_ORIGINAL, bound, "the shared oracle");
  safetensors_close(file);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(variant_number) {
    const char *variant = cpu_variant_name(variant_number);
    if (wants_times(argc, argv)) {
      static const int64_t shapes[][2] = {{384, 384}, {1024, 384}, {384, 1024}, {1024, 1024}};
      for (int i = 0; i < 4 && variant_number == CPU_AVX512; i++)
        for (int type = MATMUL_FP32; type <= MATMUL_BF16; type++) {
          int64_t r = shapes[i][0], c = shapes[i][1], n = r < c ? r : c;
          real *p = array(r * c, 1, 1), *g = array(r * c, 2, 1), *m = array(r * c, 3, 0);
          struct muon_settings s = {.lr = 1e-3, .momentum = 0.95, .adjust = 1, .gradient_scale = 1, .steps = 5, .nesterov = true, .type = type};
          double t;
          TIME(t, muon(p, g, m, r, c, &s, &e));
          printf("muon %4lld x %4lld %s %s %6.2f ms, %.0f GFLOP/s of plain products\n", (long long)r, (long long)c, type == MATMUL_BF16 ? "bf16" : "fp32", variant, 1e3 * t,
                 1e-9 * 5 * (4.0 * (double)(r * c * n) + 2.0 * (double)(n * n * n)) / t);
          array_free(p), array_free(g), array_free(m);
        }
      continue;
    }
    compare(1, 1, MATMUL_FP32, variant);
    compare(37, 5, MATMUL_FP32, variant);
    compare(5, 37, MATMUL_FP32, variant);
    compare(130, 205, MATMUL_FP32, variant);
    compare(205, 130, MATMUL_FP32, variant);
    compare(40, 64, MATMUL_BF16, variant);
    compare(0, 7, MATMUL_FP32, variant);
  }
  if (wants_times(argc, argv)) return 0;
  check_expected();
  real zero[6] = {0}, p[6] = {1, 2, 3, 4, 5, 6}, m[6] = {0};
  struct muon_settings s = {.lr = 0.1, .momentum = 0.95, .adjust = 1, .gradient_scale = 1, .steps = 5, .nesterov = true};
  ok(muon(p, zero, m, 2, 3, &s, &e) == 0 && p[0] == 1 && p[5] == 6, "a gradient of zero moves nothing");
  s.steps = -1;
  ok(muon(p, zero, m, 2, 3, &s, &e) == -1, "a negative number of steps is an error");
  ok_near(muon_adjust(MUON_ORIGINAL, 4, 16), 1, 1e-15, "wide matrices keep lr");
  ok_near(muon_adjust(MUON_ORIGINAL, 16, 4), 2, 1e-15, "tall ones move further");
  return tap_done();
}
