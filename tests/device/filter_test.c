/* SPDX-License-Identifier: MIT */
#include "kernels/filter.h"

#include "tests/device/device_test.h"

static void compare(int64_t T, int64_t L, int64_t C, int64_t width, int64_t bands, double bound) {
  const struct backend *cpu = backend_cpu();
  struct filter_shape s = {.T = T, .L = L, .C = C, .width = width, .bands = bands};
  int64_t size = filter_parameters(&s);
  struct device_array parameters = device_array(size, false, 1, 1), d_parameters = device_array(size, false, 2, 1), again = device_array(size, false, 2, 1);
  struct device_array saved = device_array(filter_saved(&s), false, 3, 1), h = device_array(T * C, true, 4, 1), dh = device_array(T * C, true, 5, 1);
  struct filter_piece pieces[FILTER_PIECES];
  filter_pieces(pieces, &s);
  for (int i = 0; i < FILTER_PIECES; i++) /* as a model begins */
    for (int64_t k = 0; k < pieces[i].rows * (pieces[i].columns ? pieces[i].columns : 1); k++) {
      real *p = parameters.host + pieces[i].offset + k;
      *p = (real)(pieces[i].mean * (1 + 0.1 * (double)*p) + 1.7 * pieces[i].deviation * (double)*p);
    }
  device_must(device_put(&parameters, parameters.device, parameters.host, size));
  device_must(device->filter_forward(h.device, (real *)saved.device, (real *)parameters.device, &s, &device_error));
  device_must(cpu->filter_forward(h.host, saved.host, parameters.host, &s, &device_error));
  bool good = device_close(&h, bound, "h") && device_close(&saved, 1e-10, "saved");
  device_must(device_put(&saved, saved.device, saved.host, saved.n)); /* the same, so that the gradients differ by their own error alone */
  device_must(device->filter_backward((real *)d_parameters.device, dh.device, (real *)saved.device, (real *)parameters.device, &s, &device_error));
  device_must(device->filter_backward((real *)again.device, dh.device, (real *)saved.device, (real *)parameters.device, &s, &device_error));
  device_must(cpu->filter_backward(d_parameters.host, dh.host, saved.host, parameters.host, &s, &device_error));
  for (int i = 0; good && i < FILTER_PIECES; i++) { /* each piece by itself: the largest must not hide the others */
    struct device_array piece = d_parameters;
    real *got = (real *)malloc((size_t)size * sizeof *got);
    device_must(device_get(&d_parameters, got, d_parameters.device, size));
    double error = 0, all = 0;
    piece.n = pieces[i].rows * (pieces[i].columns ? pieces[i].columns : 1);
    for (int64_t k = pieces[i].offset; k < pieces[i].offset + piece.n; k++) error += pow((double)got[k] - (double)piece.host[k], 2), all += pow((double)piece.host[k], 2);
    if (!(error <= 1e-10 * all)) note("gradient of %s: nmse %.3g", pieces[i].name, error / all), good = false;
    free(got);
  }
  good = device_close(&d_parameters, 1e-10, "gradients") && device_same(&d_parameters, &again, "gradients again") && good;
  ok(good, "%lld of %lld positions, %lld channels, width %lld, %lld bands", (long long)T, (long long)L, (long long)C, (long long)width, (long long)bands);
  struct device_array *all[] = {&parameters, &d_parameters, &again, &saved, &h, &dh};
  for (int i = 0; i < 6; i++) device_array_free(all[i]);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(1, 1, 1, 1, 1, bound);
  compare(64, 64, 24, 16, 4, bound);
  compare(77, 1000, 100, 33, 1, bound);
  compare(200, 200, 65, 64, 16, bound);
  compare(2200, 4096, 3, 8, 2, bound); /* as many pieces as there can be */
}

int main(void) { return device_test_run(test); }
