/* SPDX-License-Identifier: MIT
 *
 * Offloaded state against the same steps with the state on the device: the same bits, on the device and on the CPU's
 * backend.
 */
#include "kernels/offload.h"

#include "common/train/optimizer.h"
#include "kernels/muon.h"
#include "tests/device/device_test.h"
#include "tests/llama.h"

enum { STEPS = 3 };

static real *host_zeros(int64_t n) {
  real *p = (real *)device->alloc_host((size_t)n * sizeof *p, &device_error);
  device_must(p ? 0 : -1);
  memset(p, 0, (size_t)n * sizeof *p);
  return p;
}

static bool host_same(const real *host, const real *on_device, int64_t n, const char *what) {
  real *got = (real *)malloc((size_t)n * sizeof *got);
  device_must(device->to_host(got, on_device, (size_t)n * sizeof *got, &device_error));
  bool same = memcmp(got, host, (size_t)n * sizeof *got) == 0;
  if (!same) note("%s: other bits", what);
  free(got);
  return same;
}

/* The optimisers of a small model with their state beside the parameters and in host memory, over three steps. */
static void optimizers(enum optimizer_kind kind, int64_t piece, const char *name) {
  struct parameters p[2];
  struct optimizer *o[2];
  struct optimizer_settings s = optimizer_defaults(kind);
  struct err e;
  const struct model_config config = llama(37, 24, 40, 2, 3, 1, 16);
  s.frequency = 2;
  for (int i = 0; i < 2; i++)
    if (parameters_init(&p[i], &config, device, true, &e) < 0 || parameters_randomize(&p[i], 7, 1, &e) < 0 || optimizer_new(&o[i], &p[i], &s, &(struct optimizer_place){.home = i ? OPTIMIZER_IN_HOST : OPTIMIZER_WITH_PARAMETERS, .piece = piece}, &e) < 0) exit(1);
  int64_t n = p[0].layout.total, state = optimizer_layout(o[0])->total;
  real *gradients = (real *)calloc((size_t)n, sizeof *gradients);
  bool good = optimizer_in_host(o[1]) && !optimizer_in_host(o[0]);
  for (int step = 1; step <= STEPS; step++) {
    for (int t = 0; t < p[0].layout.count; t++) /* gaps stay zero */
      for (int64_t k = 0; k < p[0].layout.tensors[t].count; k++) gradients[p[0].layout.tensors[t].offset + k] = (real)sin(0.37 * (double)(k * (t + 3)) + step);
    for (int i = 0; i < 2; i++) {
      device_must(device->to_device(p[i].gradients, gradients, (size_t)n * sizeof *gradients, &device_error));
      good = optimizer_step(o[i], step, 0.01, 0.5, &e) == 0 && good;
    }
  }
  device_must(device->to_host(gradients, p[0].values, (size_t)n * sizeof *gradients, &device_error));
  good = host_same(gradients, p[1].values, n, "parameters") && host_same(optimizer_state(o[1]), optimizer_state(o[0]), state, "state") && good;
  ok(good, "%s: %s, its state in host memory, in pieces of %lld parameters", device->name, name, (long long)piece);
  free(gradients);
  for (int i = 0; i < 2; i++) optimizer_free(o[i]), parameters_release(&p[i]);
}

/* Whole states: the momenta of matrices that Muon takes one after another. */
static void muon_matrices(void) {
  enum { MATRICES = 5, ROWS = 12, COLUMNS = 9, N = ROWS * COLUMNS };
  struct muon_settings s = {.lr = 0.1, .momentum = 0.9, .adjust = 1, .gradient_scale = 1, .steps = 5, .nesterov = true};
  struct device_array p = device_array(MATRICES * N, false, 1, 1), again = device_array(MATRICES * N, false, 1, 1), g = device_array(MATRICES * N, false, 2, 1), m = device_array(MATRICES * N, false, 3, 0);
  real *host = host_zeros(MATRICES * N);
  struct offload o;
  device_must(offload_init(&o, device, N, 0, &device_error));
  bool good = true;
  for (int step = 0; step < STEPS; step++) {
    for (int i = -1; i < MATRICES; i++) {
      int64_t at = i * N;
      if (i + 1 < MATRICES) good = offload_bring(&o, &(struct offload_part){host + at + N, N}, 1, &device_error) == 0 && good;
      if (i < 0) continue;
      real *here = offload_here(&o, 0, &device_error);
      device_must(here ? 0 : -1);
      device_must(device->muon((real *)p.device + at, (real *)g.device + at, (real *)m.device + at, ROWS, COLUMNS, &s, &device_error));
      device_must(device->muon((real *)again.device + at, (real *)g.device + at, here, ROWS, COLUMNS, &s, &device_error));
      device_must(muon(p.host + at, g.host + at, m.host + at, ROWS, COLUMNS, &s, &device_error));
      good = offload_return(&o, &device_error) == 0 && good;
    }
    good = offload_finish(&o, &device_error) == 0 && good;
  }
  device_must(device->synchronize(&device_error));
  good = device_same(&p, &again, "parameters") && host_same(host, (real *)m.device, MATRICES * N, "momentum") && device_close(&p, 1e-10, "the CPU's parameters") && good;
  ok(good, "%s: Muon with momenta that visit the device", device->name);
  offload_release(&o);
  device_array_free(&p), device_array_free(&again), device_array_free(&g), device_array_free(&m), device->release_host(host);
}

static void errors(void) {
  real *host = host_zeros(64);
  struct offload o;
  struct offload_part part = {host, 16}, large = {host, 33};
  ok(offload_init(&o, device, 0, 0, &device_error) == -1, "%s: no room is an error", device->name);
  device_must(offload_init(&o, device, 20, 0, &device_error));
  ok(o.capacity == 32, "room is made for whole runs of 16 elements");
  ok(offload_bring(&o, &large, 1, &device_error) == -1, "a piece larger than the room is an error");
  ok(offload_here(&o, 0, &device_error) == NULL && offload_return(&o, &device_error) == -1, "a piece that was not brought is an error");
  bool good = true;
  for (int i = 0; i < OFFLOAD_PLACES; i++) good = offload_bring(&o, &part, 1, &device_error) == 0 && good;
  ok(good && offload_bring(&o, &part, 1, &device_error) == -1, "a piece more than there are places is an error");
  for (int i = 0; i < OFFLOAD_PLACES; i++) good = offload_return(&o, &device_error) == 0 && good;
  ok(good && offload_finish(&o, &device_error) == 0, "pieces that nobody looked at go home");
  device_must(device->synchronize(&device_error));
  offload_release(&o);
  device->release_host(host);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  const struct backend *both[] = {device, backend_cpu()};
  for (int i = 0; i < 2; i++) {
    device = both[i];
    optimizers(OPTIMIZER_ADAMW, 16, "AdamW");
    optimizers(OPTIMIZER_ADAMW, 300, "AdamW");
    optimizers(OPTIMIZER_ADAMW, 10000, "AdamW");
    optimizers(OPTIMIZER_MUON, 300, "Muon");
    optimizers(OPTIMIZER_SOAP, 300, "SOAP");
    muon_matrices();
    errors();
  }
}

int main(void) { return device_test_run(test); }
