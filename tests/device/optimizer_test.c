/* SPDX-License-Identifier: MIT */
#include "kernels/optimizer.h"

#include "tests/device/device_test.h"

static void steps(int64_t n, int64_t offset, double bound) {
  struct device_array p = device_array(n + offset, false, 1, 1), g = device_array(n + offset, false, 2, 1), m = device_array(n + offset, false, 3, 0), v = device_array(n + offset, false, 4, 0);
  bool good = true;
  for (int64_t step = 1; step <= 3; step++) {
    struct adamw_settings s = {.lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = step, .gradient_scale = 0.5 * (double)step};
    good = device->adamw((real *)p.device + offset, (real *)g.device + offset, (real *)m.device + offset, (real *)v.device + offset, n, &s, &device_error) == 0 &&
           adamw(p.host + offset, g.host + offset, m.host + offset, v.host + offset, n, &s, &device_error) == 0 && good;
  }
  good = device_close(&p, bound, "parameters") && device_close(&m, bound, "m") && device_close(&v, bound, "v") && device_close(&g, 0, "gradients") && good;
  double sum = 1, want = 1, again = 1;
  good = device->sum_squares(&sum, (real *)g.device + offset, n, &device_error) == 0 && sum_squares(&want, g.host + offset, n, &device_error) == 0 && good;
  good = device->sum_squares(&again, (real *)g.device + offset, n, &device_error) == 0 && again == sum && good;
  ok(good && fabs(sum - want) <= 1e-12 * want, "three steps of AdamW on %lld elements from %lld, and their sum of squares, the same twice", (long long)n, (long long)offset);
  device_array_free(&p), device_array_free(&g), device_array_free(&m), device_array_free(&v);
}

/* y = x w^T fitted to numbers that a known w makes, by the products and the AdamW of either backend: both walk the same curve. */
enum { ROWS = 96, OUT = 5, IN = 12, STEPS = 300 };
struct fit {
  const struct backend *b;
  stored *x, *y, *residual, *narrow;
  real *w, *dw, *m, *v;
  double loss[STEPS];
};

static void *room(const struct backend *b, size_t bytes) {
  void *p = b->alloc(bytes, &device_error);
  device_must(p ? 0 : -1);
  return p;
}

static struct fit fit(const struct backend *b, const real *x, const real *y, const real *w) {
  enum { N = OUT * IN };
  struct fit f = {.b = b, .x = room(b, ROWS * IN * b->stored_size), .y = room(b, ROWS * OUT * b->stored_size), .residual = room(b, ROWS * OUT * b->stored_size), .narrow = room(b, N * b->stored_size),
                  .w = room(b, N * sizeof(real)), .dw = room(b, N * sizeof(real)), .m = room(b, N * sizeof(real)), .v = room(b, N * sizeof(real))};
  device_must(b->upload(f.x, x, ROWS * IN, &device_error));
  device_must(b->upload(f.y, y, ROWS * OUT, &device_error));
  device_must(b->to_device(f.w, w, N * sizeof(real), &device_error));
  return f;
}

static void fit_step(struct fit *f, enum matmul_type type, int64_t step) {
  const struct backend *b = f->b;
  real residual[ROWS * OUT];
  struct adamw_settings s = {.lr = step < 150 ? 0.02 : 0.002, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 1e-3, .step = step, .gradient_scale = 2.0 / ROWS};
  device_must(b->narrow(f->narrow, f->w, OUT * IN, &device_error));
  device_must(b->linear_forward(type, f->residual, OUT, f->x, IN, f->narrow, NULL, ROWS, OUT, IN, &device_error));
  device_must(b->add(f->residual, f->residual, f->y, ROWS * OUT, &device_error));
  device_must(b->linear_backward_weight(type, f->dw, NULL, f->residual, OUT, f->x, IN, ROWS, OUT, IN, false, &device_error));
  device_must(b->adamw(f->w, f->dw, f->m, f->v, OUT * IN, &s, &device_error));
  device_must(b->download(residual, f->residual, ROWS * OUT, &device_error));
  f->loss[step - 1] = 0;
  for (int i = 0; i < ROWS * OUT; i++) f->loss[step - 1] += (double)residual[i] * (double)residual[i] / ROWS;
}

static void fit_free(struct fit *f) {
  void *all[] = {f->x, f->y, f->residual, f->narrow, f->w, f->dw, f->m, f->v};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) f->b->release(all[i]);
}

static void descends(void) {
  bool half = device->stored_size == 2;
  enum matmul_type type = half ? MATMUL_BF16 : MATMUL_FP32;
  struct device_array x = device_array(ROWS * IN, true, 1, 1), known = device_array(OUT * IN, true, 2, 1), start = device_array(OUT * IN, false, 3, 1), y = device_array(ROWS * OUT, true, 4, 0.1);
  for (int64_t r = 0; r < ROWS; r++)
    for (int64_t o = 0; o < OUT; o++)
      for (int64_t i = 0; i < IN; i++) y.host[r * OUT + o] -= x.host[r * IN + i] * known.host[o * IN + i]; /* -y with noise, to be added */
  struct fit there = fit(device, x.host, y.host, start.host), here = fit(backend_cpu(), x.host, y.host, start.host);
  double apart = 0;
  for (int64_t step = 1; step <= STEPS; step++) {
    fit_step(&there, type, step), fit_step(&here, type, step);
    apart = fmax(apart, fabs(there.loss[step - 1] / here.loss[step - 1] - 1));
  }
  ok(apart < (half ? 2e-2 : 1e-5) && there.loss[STEPS - 1] < 0.02 * there.loss[0], "%d steps of least squares walk the CPU's curve, from %.3g to %.3g, at most %.2g apart", STEPS, there.loss[0],
     there.loss[STEPS - 1], apart);
  fit_free(&there), fit_free(&here);
  device_array_free(&x), device_array_free(&known), device_array_free(&start), device_array_free(&y);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  static const int64_t sizes[] = {1, 3, 4, 255, 4096, 100001};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) steps(sizes[i], 0, 1e-12);
  steps(1001, 1, 1e-12);
  descends();
  struct adamw_settings s = {.step = 0};
  ok(device->adamw(NULL, NULL, NULL, NULL, 4, &s, &device_error) == -1, "step 0 is an error");
  s.step = 1;
  double sum = 3;
  ok(device->adamw(NULL, NULL, NULL, NULL, 0, &s, &device_error) == 0 && device->sum_squares(&sum, NULL, 0, &device_error) == 0 && sum == 3, "nothing is no work");
}

int main(void) { return device_test_run(test); }
