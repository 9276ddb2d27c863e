/* SPDX-License-Identifier: MIT */
#include "kernels/muon.h"

#include "tests/device/device_test.h"

struct matrices {
  struct device_array p, g, m;
  int64_t rows, columns, offset;
};

static struct matrices matrices(int64_t rows, int64_t columns, int64_t offset, double size) {
  int64_t n = rows * columns + offset;
  return (struct matrices){device_array(n, false, 1, size), device_array(n, false, 2, 1), device_array(n, false, 3, 0), rows, columns, offset};
}
static void matrices_free(struct matrices *a) { device_array_free(&a->p), device_array_free(&a->g), device_array_free(&a->m); }

static int on_device(const struct matrices *a, const struct muon_settings *s) {
  return device->muon((real *)a->p.device + a->offset, (real *)a->g.device + a->offset, (real *)a->m.device + a->offset, a->rows, a->columns, s, &device_error);
}
static int on_host(const struct matrices *a, const struct muon_settings *s) {
  return muon(a->p.host + a->offset, a->g.host + a->offset, a->m.host + a->offset, a->rows, a->columns, s, &device_error);
}

/* The parameters start small and the steps are long, so that what is compared is the steps. */
static void steps(int64_t rows, int64_t columns, int64_t offset, enum matmul_type type, double bound) {
  static const char *const names[] = {"fp32", "bf16", "tf32"};
  struct matrices a = matrices(rows, columns, offset, 0.01), again = matrices(rows, columns, offset, 0.01);
  bool good = true;
  for (int i = 0; i < 3; i++) {
    struct muon_settings s = {.lr = 0.5, .momentum = i == 2 ? 0.4 : 0.95, .weight_decay = 0.1, .adjust = muon_adjust(MUON_ORIGINAL, rows, columns), .gradient_scale = 0.5 + i,
                              .steps = 5, .nesterov = i != 1, .type = type};
    good = on_device(&a, &s) == 0 && on_device(&again, &s) == 0 && on_host(&a, &s) == 0 && good;
  }
  good = device_close(&a.p, bound, "parameters") && device_close(&a.m, 1e-13, "momentum") && device_close(&a.g, 0, "gradients") && good;
  good = device_same(&a.p, &again.p, "parameters") && device_same(&a.m, &again.m, "momentum") && good;
  ok(good, "three steps of Muon on %lld x %lld from %lld, %s, the same twice", (long long)rows, (long long)columns, (long long)offset, names[type]);
  matrices_free(&a), matrices_free(&again);
}

/* Without products: what is rounded, what the norm is, and that little gradients are not blown up beyond 1e-7. */
static void normalises(enum matmul_type type, double gradient_scale) {
  struct matrices a = matrices(67, 91, 0, 0);
  struct muon_settings s = {.lr = 1, .momentum = 0.95, .adjust = 1, .gradient_scale = gradient_scale, .steps = 0, .nesterov = true, .type = type};
  bool good = on_device(&a, &s) == 0 && on_host(&a, &s) == 0;
  ok(device_close(&a.p, 1e-14, "parameters") && good, "a gradient of size %.0e over its norm, %s", gradient_scale, type == MATMUL_BF16 ? "bf16" : "fp32");
  matrices_free(&a);
}

static void recorded(enum matmul_type type) {
  struct matrices a = matrices(24, 40, 0, 0.01), again = matrices(24, 40, 0, 0.01);
  struct muon_settings s = {.lr = 0.5, .momentum = 0.95, .adjust = 1, .gradient_scale = 1, .steps = 5, .nesterov = true, .type = type};
  void *graph;
  device_must(on_device(&a, &s));
  device_must(on_device(&a, &s));
  device_must(on_device(&again, &s));
  device_must(device->record_begin(&device_error));
  bool good = on_device(&again, &s) == 0;
  device_must(device->record_end(&graph, &device_error));
  device_must(device->graph_run(graph, &device_error));
  ok(device_same(&a.p, &again.p, "parameters") && device_same(&a.m, &again.m, "momentum") && good, "a recorded step gives the same bits: nothing in it waits for the host");
  device->graph_release(graph);
  matrices_free(&a), matrices_free(&again);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  static const int64_t shapes[][3] = {{1, 1, 0}, {37, 5, 0}, {5, 37, 0}, {48, 64, 0}, {130, 77, 0}, {16, 24, 1}, {96, 200, 0}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) steps(shapes[i][0], shapes[i][1], shapes[i][2], MATMUL_FP32, 1e-11);
  for (size_t i = 1; i < sizeof shapes / sizeof *shapes; i++) steps(shapes[i][0], shapes[i][1], shapes[i][2], MATMUL_BF16, 1e-4);
  steps(40, 24, 0, MATMUL_TF32, 1e-4);
  for (int type = MATMUL_FP32; type <= MATMUL_BF16; type++) {
    normalises((enum matmul_type)type, 1);
    normalises((enum matmul_type)type, 1e-10);
    if (device->record_begin) recorded((enum matmul_type)type);
  }
  struct matrices a = matrices(4, 6, 0, 1);
  struct muon_settings s = {.lr = 0.1, .momentum = 0.95, .adjust = 1, .gradient_scale = 0, .steps = 5, .nesterov = true};
  bool good = on_device(&a, &s) == 0;
  ok(device_close(&a.p, 0, "parameters") && good, "a gradient of zero moves nothing");
  a.rows = 0;
  ok(on_device(&a, &s) == 0, "no rows are no work");
  a.rows = 4, s.steps = -1;
  ok(on_device(&a, &s) == -1, "a negative number of steps is an error");
  s.steps = 5, s.type = MATMUL_FP8;
  ok(on_device(&a, &s) == -1, "FP8 is an error");
  matrices_free(&a);
}

int main(void) { return device_test_run(test); }
