/* SPDX-License-Identifier: MIT */
#include "kernels/soap.h"

#include "tests/kernels/expected.h"

static struct kernel_error e;

struct state {
  int64_t rows, columns;
  real *p, *m, *v, *left, *right, *q_left, *q_right;
};

static void state_init(struct state *s, int64_t rows, int64_t columns) {
  *s = (struct state){rows, columns, array(rows * columns, 1, 1), array(rows * columns, 1, 0), array(rows * columns, 1, 0), array(rows * rows, 1, 0),
                      array(columns * columns, 1, 0), array(rows * rows, 1, 0), array(columns * columns, 1, 0)};
}

static bool state_free(struct state *s) {
  int64_t n = s->rows * s->columns, l = s->rows * s->rows, r = s->columns * s->columns;
  bool intact = guards_intact(s->p, n) && guards_intact(s->m, n) && guards_intact(s->v, n) && guards_intact(s->left, l) && guards_intact(s->right, r) &&
                guards_intact(s->q_left, l) && guards_intact(s->q_right, r);
  array_free(s->p), array_free(s->m), array_free(s->v), array_free(s->left), array_free(s->right), array_free(s->q_left), array_free(s->q_right);
  return intact;
}

static int step(struct state *s, const real *g, const struct soap_settings *settings) {
  return soap(s->p, g, s->m, s->v, s->left, s->right, s->q_left, s->q_right, s->rows, s->columns, settings, &e);
}

/* ---- what pytorch_optimizer computed */

/* Steps on the gradients against the parameters after each of them.  The first step's bases are taken from theirs, `left` and
 * `right`, because part of the longer side's is free. */
static void compare(int64_t rows, int64_t columns, const float *start, const float *gradients, const float *want, const float *left, const float *right, struct soap_settings settings,
                    const char *title) {
  int64_t n = rows * columns;
  struct state s;
  state_init(&s, rows, columns);
  real *g = array(n, 1, 0);
  double worst = 0, most = 0;
  bool good = true;
  for (int64_t i = 0; i < n; i++) s.p[i] = start[i];
  for (int k = 0; k < EXPECTED_STEPS; k++) {
    for (int64_t i = 0; i < n; i++) g[i] = 2 * gradients[k * n + i];
    settings.step = k + 1, settings.gradient_scale = 0.5;
    good = step(&s, g, &settings) == 0 && good;
    if (k == 0)
      for (int side = 0; side < 2; side++) {
        int64_t size = side ? columns : rows;
        const float *theirs = side ? right : left;
        real *ours = side ? s.q_right : s.q_left;
        for (int64_t i = 0; i < size; i++) { /* up to sign and down to the smaller side's rank */
          double dot = 0;
          for (int64_t j = 0; j < size; j++) dot += (double)ours[i * size + j] * theirs[j * size + i];
          if (i < (rows < columns ? rows : columns)) good = fabs(dot) > 1 - 1e-4 && good;
        }
        for (int64_t i = 0; i < size; i++)
          for (int64_t j = 0; j < size; j++) ours[i * size + j] = theirs[j * size + i];
      }
    worst = fmax(worst, relative_error(s.p, want + k * n, n)), most = fmax(most, largest_error(s.p, want + k * n, n));
  }
  ok(good && most <= 1e-5, "%s: the eigenvectors are found and each of %d steps is within 1e-5", title, EXPECTED_STEPS);
  note("relative error %.2g, largest difference %.2g", worst, most);
  array_free(g);
  state_free(&s);
}

static void check_run(const struct safetensors *file, int shape, const char *name, struct soap_settings settings, const char *what) {
  int64_t rows = expected_shapes[shape].rows, columns = expected_shapes[shape].columns, n = rows * columns;
  const char *prefix = expected_shapes[shape].name;
  char key[64], title[100];
  snprintf(title, sizeof title, "%s, %s", prefix, what);
  float *start = expected(file, prefix, "W0", n), *gradients = expected(file, prefix, "G", EXPECTED_STEPS * n), *want = expected(file, prefix, name, EXPECTED_STEPS * n);
  snprintf(key, sizeof key, "%s.left", name);
  float *left = expected(file, prefix, key, rows * rows);
  snprintf(key, sizeof key, "%s.right", name);
  float *right = expected(file, prefix, key, columns * columns);
  compare(rows, columns, start, gradients, want, left, right, settings, title);
  free(start), free(gradients), free(want), free(left), free(right);
}

/* The oracle of the development data, with the bases that its code makes from the first gradient. */
static void check_shared(const struct safetensors *file, struct soap_settings settings) {
  enum { ROWS = 48, COLUMNS = 32, N = ROWS * COLUMNS };
  struct safetensors *shared;
  struct err error;
  const char *path = tap_shared("oracle/lm/optimizers.safetensors");
  if (!path || safetensors_open(&shared, path, &error) < 0) {
    skip("no ../shared/data", "the shared oracle");
    return;
  }
  float *start = expected(shared, NULL, "W0", N), *gradients = expected(shared, NULL, "G", EXPECTED_STEPS * N), *want = malloc(EXPECTED_STEPS * N * sizeof *want);
  float *left = expected(file, "shared", "left", ROWS * ROWS), *right = expected(file, "shared", "right", COLUMNS * COLUMNS);
  for (int k = 0; k < EXPECTED_STEPS && want; k++) {
    char name[32];
    snprintf(name, sizeof name, "soap_f1.W%d", k + 1);
    float *after = expected(shared, NULL, name, N);
    memcpy(want + k * N, after, N * sizeof *want);
    free(after);
  }
  settings.beta2 = settings.shampoo_beta = 0.95;
  compare(ROWS, COLUMNS, start, gradients, want, left, right, settings, "the shared oracle");
  free(start), free(gradients), free(want), free(left), free(right);
  safetensors_close(shared);
}

static void check_expected(void) {
  struct safetensors *file;
  struct err error;
  if (!ok(safetensors_open(&file, EXPECTED_FILE, &error) == 0, "the expected values open")) return;
  struct soap_settings s = {.lr = 1e-2, .beta1 = 0.95, .beta2 = 0.9, .shampoo_beta = 0.9, .eps = 1e-8, .weight_decay = 0.01, .frequency = 1};
  for (int i = 0; i < 3; i++) {
    check_run(file, i, "soap1", s, "bases changed every step");
    struct soap_settings other = s;
    other.frequency = 3, other.shampoo_beta = 0.8;
    check_run(file, i, "soap3", other, "every three steps");
    other = s;
    other.frequency = 2, other.normalize = true;
    check_run(file, i, "soapn", other, "every two, updates normalised");
  }
  check_shared(file, s);
  safetensors_close(file);
}

/* ---- properties */

/* Rows of q are orthonormal, and diagonalise the covariance as far as it has a rank. */
static double orthogonality(const real *q, int64_t n) {
  double worst = 0;
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double dot = 0;
      for (int64_t k = 0; k < n; k++) dot += (double)q[i * n + k] * q[j * n + k];
      worst = fmax(worst, fabs(dot - (i == j)));
    }
  return worst;
}

static void check_bases(int64_t rows, int64_t columns, const char *variant) {
  struct state s;
  state_init(&s, rows, columns);
  struct soap_settings settings = {.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .shampoo_beta = 0.95, .eps = 1e-8, .frequency = 2, .gradient_scale = 1};
  bool good = true;
  for (int k = 1; k <= 8; k++) {
    real *g = array(rows * columns, (uint64_t)k, 1);
    settings.step = k;
    good = step(&s, g, &settings) == 0 && good;
    array_free(g);
  }
  double trace = 0, found = 0;
  for (int64_t i = 0; i < rows; i++) trace += s.left[i * rows + i];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < rows; j++)
      for (int64_t k = 0; k < rows; k++) found += (double)s.q_left[i * rows + j] * s.left[j * rows + k] * s.q_left[i * rows + k];
  double worst = fmax(orthogonality(s.q_left, rows), orthogonality(s.q_right, columns));
  ok(good && worst < 1e-5, "%s: %lld x %lld: the bases stay orthonormal (%.1g)", variant, (long long)rows, (long long)columns, worst);
  ok(fabs(found - trace) < 1e-4 * trace, "%s: ... and keep the covariance's trace", variant);
  ok(state_free(&s), "%s: ... and nothing is written beyond the arrays", variant);
}

/* Without bases the steps are Adam's, whose last decay comes after the update. */
static void check_identity(const char *variant) {
  enum { ROWS = 7, COLUMNS = 9, N = ROWS * COLUMNS };
  real *p = array(N, 1, 1), *m = array(N, 1, 0), *v = array(N, 1, 0);
  double want[N], first[N] = {0}, second[N] = {0};
  for (int i = 0; i < N; i++) want[i] = p[i];
  bool good = true;
  for (int k = 0; k < 4; k++) {
    real *g = array(N, (uint64_t)k + 9, 1);
    struct soap_settings s = {.lr = 0.05, .beta1 = 0.9, .beta2 = 0.95, .shampoo_beta = 0.9, .eps = 1e-8, .weight_decay = 0.1, .frequency = 1, .gradient_scale = 0.5, .step = k + 1};
    good = soap(p, g, m, v, NULL, NULL, NULL, NULL, ROWS, COLUMNS, &s, &e) == 0 && good;
    for (int i = 0; i < N && k > 0; i++) {
      double d = 0.5 * (double)g[i];
      first[i] = 0.9 * first[i] + 0.1 * d, second[i] = 0.95 * second[i] + 0.05 * d * d;
      want[i] -= s.lr * sqrt(1 - pow(0.95, k)) / (1 - pow(0.9, k)) * first[i] / (sqrt(second[i]) + 1e-8);
      want[i] *= 1 - s.lr * s.weight_decay;
    }
    array_free(g);
  }
  ok(good && close_to(p, want, N, 1e-11, "parameters"), "%s: without bases it is Adam, one step late", variant);
  array_free(p), array_free(m), array_free(v);
}

/* With one side left out: the same as when that side's basis is held at the identity. */
static void check_one_side(bool left, const char *variant) {
  enum { ROWS = 12, COLUMNS = 20, N = ROWS * COLUMNS };
  int64_t n = left ? COLUMNS : ROWS;
  struct state s, t;
  state_init(&s, ROWS, COLUMNS), state_init(&t, ROWS, COLUMNS);
  bool good = true;
  for (int k = 1; k <= 4; k++) {
    real *g = array(N, (uint64_t)k + 20, 1);
    struct soap_settings settings = {.lr = 0.05, .beta1 = 0.9, .beta2 = 0.95, .shampoo_beta = 0.9, .eps = 1e-8, .frequency = 100, .gradient_scale = 1, .step = k};
    good = soap(s.p, g, s.m, s.v, left ? s.left : NULL, left ? NULL : s.right, left ? s.q_left : NULL, left ? NULL : s.q_right, ROWS, COLUMNS, &settings, &e) == 0 && good;
    good = step(&t, g, &settings) == 0 && good;
    real *q = left ? t.q_right : t.q_left;
    for (int64_t i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
    array_free(g);
  }
  double *want = zeros(N);
  for (int i = 0; i < N; i++) want[i] = t.p[i];
  ok(good && close_to(s.p, want, N, 1e-10, "parameters"), "%s: a basis on the %s alone", variant, left ? "left" : "right");
  free(want), state_free(&s), state_free(&t);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(variant_number) {
    const char *variant = cpu_variant_name(variant_number);
    if (wants_times(argc, argv)) {
      static const int64_t shapes[][2] = {{384, 384}, {1024, 384}, {384, 1024}};
      for (int i = 0; i < 3 && variant_number == CPU_AVX512; i++) {
        int64_t r = shapes[i][0], c = shapes[i][1];
        struct state s;
        state_init(&s, r, c);
        real *g = array(r * c, 2, 1);
        struct soap_settings settings = {.lr = 1e-3, .beta1 = 0.95, .beta2 = 0.95, .shampoo_beta = 0.95, .eps = 1e-8, .frequency = 1000000, .gradient_scale = 1, .step = 1};
        double first, plain, change;
        TIME(first, step(&s, g, &settings));
        settings.step = 2;
        TIME(plain, step(&s, g, &settings));
        settings.frequency = 1;
        TIME(change, step(&s, g, &settings));
        printf("soap %4lld x %4lld %s: first step %.1f ms, a step %.2f ms, with new bases %.1f ms\n", (long long)r, (long long)c, variant, 1e3 * first, 1e3 * plain, 1e3 * change);
        array_free(g), state_free(&s);
      }
      continue;
    }
    check_bases(1, 1, variant);
    check_bases(33, 33, variant);
    check_bases(131, 40, variant);
    check_bases(40, 131, variant);
    check_identity(variant);
    check_one_side(true, variant);
    check_one_side(false, variant);
  }
  if (wants_times(argc, argv)) return 0;
  check_expected();
  struct soap_settings s = {.step = 0, .frequency = 1};
  real x[1] = {0};
  ok(soap(x, x, x, x, x, x, x, x, 1, 1, &s, &e) == -1, "step 0 is an error");
  s.step = 1, s.frequency = 0;
  ok(soap(x, x, x, x, x, x, x, x, 1, 1, &s, &e) == -1, "a frequency of 0 is an error");
  s.frequency = 1;
  ok(soap(x, x, x, x, x, NULL, NULL, NULL, 1, 1, &s, &e) == -1 && strstr(e.message, "basis"), "a covariance without a basis is an error");
  ok(soap(x, x, x, x, x, x, x, x, 0, 5, &s, &e) == 0, "an empty matrix is none");
  return tap_done();
}
