/* SPDX-License-Identifier: MIT
 *
 * The sign of an eigenvector, and so of a row or column of m, is free; parameters, covariances and v do not depend on it.  The
 * eigenvectors of equal eigenvalues, as those of the first covariance of the longer side, are free altogether: after the first step
 * the device gets the CPU's bases.
 */
#include "kernels/soap.h"

#include "tests/device/device_test.h"

struct state {
  int64_t rows, columns, offset;
  bool left, right; /* there are bases */
  struct device_array p, g, m, v, covariance[2], base[2]; /* left, right */
};

static struct state state(int64_t rows, int64_t columns, int64_t offset, bool left, bool right) {
  int64_t n = rows * columns + offset;
  return (struct state){rows, columns, offset, left, right, device_array(n, false, 1, 0.01), device_array(n, false, 2, 0), device_array(n, false, 3, 0), device_array(n, false, 4, 0),
                        {device_array(rows * rows, false, 5, 0), device_array(columns * columns, false, 6, 0)}, {device_array(rows * rows, false, 7, 0), device_array(columns * columns, false, 8, 0)}};
}
static void state_free(struct state *s) {
  device_array_free(&s->p), device_array_free(&s->g), device_array_free(&s->m), device_array_free(&s->v);
  for (int i = 0; i < 2; i++) device_array_free(&s->covariance[i]), device_array_free(&s->base[i]);
}

static int on_device(const struct state *s, const struct soap_settings *settings) {
  real *left = s->left ? (real *)s->covariance[0].device : NULL, *right = s->right ? (real *)s->covariance[1].device : NULL;
  real *q_left = s->left ? (real *)s->base[0].device : NULL, *q_right = s->right ? (real *)s->base[1].device : NULL;
  int64_t o = s->offset;
  return device->soap((real *)s->p.device + o, (real *)s->g.device + o, (real *)s->m.device + o, (real *)s->v.device + o, left, right, q_left, q_right, s->rows, s->columns, settings, &device_error);
}
static int on_host(const struct state *s, const struct soap_settings *settings) {
  real *left = s->left ? s->covariance[0].host : NULL, *right = s->right ? s->covariance[1].host : NULL;
  real *q_left = s->left ? s->base[0].host : NULL, *q_right = s->right ? s->base[1].host : NULL;
  int64_t o = s->offset;
  return soap(s->p.host + o, s->g.host + o, s->m.host + o, s->v.host + o, left, right, q_left, q_right, s->rows, s->columns, settings, &device_error);
}

enum { MANY = 100 }; /* rows */

/* Random, but with singular values that lie apart, whose order changes between steps: of many rows it turns round after the first. */
static void draw(struct state *s, int step) {
  uint64_t random = (uint64_t)(1000 + step);
  for (int64_t i = 0; i < s->g.n; i++) {
    int64_t at = i - s->offset, row = at / s->columns, column = at % s->columns;
    if (s->rows > MANY) {
      double size = exp(-2.5 * (double)(step == 1 ? row : s->rows - row) / (double)s->rows) * (step == 1 ? 1 : 100);
      s->g.host[i] = (real)(size * (row == column ? 1 : 1e-4 * device_number(&random)));
      continue;
    }
    double r = (double)((row * 7 + 5 * step) % s->rows) / (double)s->rows, c = (double)((column * 5 + 3 * step) % s->columns) / (double)s->columns;
    s->g.host[i] = (real)(device_number(&random) * exp(-2.5 * r - 2 * c));
  }
  device_must(device->to_device(s->g.device, s->g.host, (size_t)s->g.n * sizeof(real), &device_error));
}

/* Turns rows of `got` that point away from those of `want`; signs[i]: whether row i was. */
static void turn(real *got, const real *want, int64_t n, bool *signs) {
  for (int64_t i = 0; i < n; i++) {
    double dot = 0;
    for (int64_t j = 0; j < n; j++) dot += (double)got[i * n + j] * (double)want[i * n + j];
    signs[i] = dot < 0;
    for (int64_t j = 0; j < n && dot < 0; j++) got[i * n + j] = -got[i * n + j];
  }
}

/* The bases of the device with the CPU's signs, and m with them. */
static void turn_all(struct state *s) {
  int64_t sides[] = {s->rows, s->columns};
  bool *signs[2];
  for (int i = 0; i < 2; i++) {
    size_t bytes = (size_t)(sides[i] * sides[i]) * sizeof(real);
    signs[i] = (bool *)calloc((size_t)sides[i], sizeof(bool));
    real *q = (real *)malloc(bytes);
    device_must(device->to_host(q, s->base[i].device, bytes, &device_error));
    turn(q, s->base[i].host, sides[i], signs[i]);
    device_must(device->to_device(s->base[i].device, q, bytes, &device_error));
    free(q);
  }
  real *m = (real *)malloc((size_t)s->m.n * sizeof(real));
  device_must(device->to_host(m, s->m.device, (size_t)s->m.n * sizeof(real), &device_error));
  for (int64_t i = s->offset; i < s->m.n; i++)
    if (signs[0][(i - s->offset) / s->columns] != signs[1][(i - s->offset) % s->columns]) m[i] = -m[i];
  device_must(device->to_device(s->m.device, m, (size_t)s->m.n * sizeof(real), &device_error));
  free(m), free(signs[0]), free(signs[1]);
}

/* The first bases: orthonormal, and those of the side without free eigenvectors the CPU's. */
static bool first_bases(struct state *s, double bound) {
  bool good = true;
  for (int side = 0; side < 2; side++) {
    if (!(side ? s->right : s->left)) continue;
    int64_t n = side ? s->columns : s->rows, rank = s->rows < s->columns ? s->rows : s->columns;
    size_t bytes = (size_t)(n * n) * sizeof(real);
    real *q = (real *)malloc(bytes);
    const real *want = s->base[side].host;
    device_must(device->to_host(q, s->base[side].device, bytes, &device_error));
    double skew = 0, apart = 0;
    for (int64_t i = 0; i < n; i++) {
      double same = 0;
      for (int64_t j = 0; j <= i; j++) {
        double dot = 0;
        for (int64_t k = 0; k < n; k++) dot += (double)q[i * n + k] * (double)q[j * n + k];
        skew = fmax(skew, fabs(dot - (i == j)));
      }
      for (int64_t k = 0; k < n; k++) same += (double)q[i * n + k] * (double)want[i * n + k];
      if (i < rank) apart = fmax(apart, 1 - fabs(same));
    }
    if (!(skew < 1e-5 && apart < bound)) note("side %d: rows %.3g from orthonormal, eigenvectors %.3g apart", side, skew, apart), good = false;
    device_must(device->to_device(s->base[side].device, s->base[side].host, bytes, &device_error));
    free(q);
  }
  return good;
}

static bool state_same(const struct state *s, const struct state *t) {
  bool same = device_same(&s->p, &t->p, "parameters") && device_same(&s->m, &t->m, "m") && device_same(&s->v, &t->v, "v");
  for (int i = 0; i < 2; i++) same = device_same(&s->covariance[i], &t->covariance[i], "covariance") && device_same(&s->base[i], &t->base[i], "base") && same;
  return same;
}

static void steps(int64_t rows, int64_t columns, int64_t offset, bool left, bool right, int64_t frequency, bool normalize, int count) {
  struct state s = state(rows, columns, offset, left, right), again = state(rows, columns, offset, left, right);
  bool good = true;
  double bound = 1e-7;
  for (int k = 1; k <= count; k++) {
    struct soap_settings settings = {.lr = 0.05, .beta1 = 0.9, .beta2 = 0.95, .shampoo_beta = 0.8, .eps = 1e-8, .weight_decay = 0.1, .step = k, .frequency = frequency,
                                     .gradient_scale = 0.5 + 0.25 * k, .normalize = normalize};
    draw(&s, k), draw(&again, k);
    good = on_device(&s, &settings) == 0 && on_device(&again, &settings) == 0 && on_host(&s, &settings) == 0 && good;
    good = state_same(&s, &again) && good;
    if (k == 1) {
      good = first_bases(&s, 1e-4) && good;
      memcpy(again.base[0].host, s.base[0].host, (size_t)(rows * rows) * sizeof(real)), memcpy(again.base[1].host, s.base[1].host, (size_t)(columns * columns) * sizeof(real));
      first_bases(&again, 1e-4);
      good = device_close(&s.p, 0, "the first step's parameters") && good;
    }
    turn_all(&s), memcpy(again.base[0].host, s.base[0].host, (size_t)(rows * rows) * sizeof(real)), memcpy(again.base[1].host, s.base[1].host, (size_t)(columns * columns) * sizeof(real));
    turn_all(&again);
    good = device_close(&s.p, bound, "parameters") && device_close(&s.m, bound, "m") && device_close(&s.v, bound, "v") && device_close(&s.g, 0, "gradients") && good;
    for (int side = 0; side < 2; side++) good = device_close(&s.covariance[side], 1e-12, "covariance") && device_close(&s.base[side], bound, "base") && good;
    if (!good) note("... at step %d", k), k = count;
  }
  ok(good, "%d steps of SOAP on %lld x %lld from %lld, bases:%s%s, changed every %lld%s, the same twice", count, (long long)rows, (long long)columns, (long long)offset, left ? " left" : "",
     right ? " right" : "", (long long)frequency, normalize ? ", normalised" : "");
  state_free(&s), state_free(&again);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  steps(1, 1, 0, true, true, 1, false, 3);
  steps(24, 16, 0, true, true, 1, false, 6);
  steps(17, 23, 0, true, true, 2, true, 6);
  steps(23, 17, 1, true, true, 3, false, 5);
  steps(20, 12, 0, true, false, 1, true, 4);
  steps(12, 20, 0, true, false, 1, false, 4);
  steps(20, 12, 0, false, true, 1, false, 4);
  steps(12, 20, 0, false, true, 2, true, 4);
  steps(60, 90, 0, false, false, 1, true, 3);
  steps(270, 272, 0, true, false, 1, false, 3);
  struct state s = state(4, 6, 0, true, true);
  struct soap_settings settings = {.lr = 0.1, .beta1 = 0.9, .beta2 = 0.95, .shampoo_beta = 0.9, .eps = 1e-8, .step = 1, .frequency = 1, .gradient_scale = 1};
  bool good = true;
  for (int k = 1; k <= 3; k++) settings.step = k, good = on_device(&s, &settings) == 0 && on_host(&s, &settings) == 0 && good; /* equal values keep their order */
  ok(good && device_close(&s.p, 0, "parameters") && device_close(&s.v, 0, "v"), "a gradient of zero moves nothing");
  s.rows = 0;
  ok(on_device(&s, &settings) == 0, "no rows are no work");
  s.rows = 4, settings.step = 0;
  ok(on_device(&s, &settings) == -1, "step 0 is an error");
  settings.step = 1, settings.frequency = 0;
  ok(on_device(&s, &settings) == -1, "a frequency of 0 is an error");
  settings.frequency = 1;
  ok(device->soap((real *)s.p.device, (real *)s.g.device, (real *)s.m.device, (real *)s.v.device, (real *)s.covariance[0].device, NULL, NULL, NULL, 4, 6, &settings, &device_error) == -1,
     "a covariance without its basis is an error");
  state_free(&s);
}

int main(void) { return device_test_run(test); }
