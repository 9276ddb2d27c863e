/* SPDX-License-Identifier: MIT */
#include "kernels/rmsnorm.h"

#include "tests/device/device_test.h"

#define AT(array) stored_at(device, array.device, shift)

/* `groups` runs of C columns in rows with `pad` columns more, all stored arrays begun `shift` elements behind an aligned address. */
static void compare(int64_t rows, int64_t groups, int64_t C, int64_t pad_x, int64_t pad_y, int64_t shift, bool accumulate, double bound) {
  const struct norm_shape s = {rows, groups, C, groups * C + pad_x, groups * C + pad_y, (real)1e-5};
  const struct backend *cpu = backend_cpu();
  int64_t n_x = rows * s.ld_x + shift, n_y = rows * s.ld_y + shift;
  struct device_array x = device_array(n_x, true, 1, 2), y = device_array(n_y, true, 2, 1), dy = device_array(n_y, true, 3, 1);
  struct device_array dx = device_array(n_x, true, 4, 1), dx_again = device_array(n_x, true, 4, 1);
  struct device_array weight = device_array(C, false, 5, 1), d_weight = device_array(C, false, 6, 1), d_weight_again = device_array(C, false, 6, 1);
  struct device_array rstd = device_array(rows * groups, false, 7, 1);
  real *w = (real *)weight.device, *dw = (real *)d_weight.device, *dw_again = (real *)d_weight_again.device, *r = (real *)rstd.device;
  device_must(device->rmsnorm_forward(AT(y), r, AT(x), w, &s, &device_error));
  device_must(cpu->rmsnorm_forward(y.host + shift, rstd.host, x.host + shift, weight.host, &s, &device_error));
  bool good = device_close(&y, bound, "y");
  good = device_close(&rstd, 1e-10, "rstd") && good;
  device_must(device->rmsnorm_backward(AT(dx), dw, AT(dy), AT(x), w, r, &s, accumulate, &device_error));
  device_must(cpu->rmsnorm_backward(dx.host + shift, d_weight.host, dy.host + shift, x.host + shift, weight.host, rstd.host, &s, accumulate, &device_error));
  good = device_close(&dx, bound, "dx") && good;
  good = device_close(&d_weight, 1e-10, "d_weight") && good;
  device_must(device->rmsnorm_backward(AT(dx_again), dw_again, AT(dy), AT(x), w, r, &s, accumulate, &device_error));
  good = device_same(&dx, &dx_again, "dx again") && device_same(&d_weight, &d_weight_again, "d_weight again") && good;
  if (pad_x == pad_y) { /* in place: what lies between rows is each array's own */
    device_must(device->rmsnorm_backward(AT(dy), dw, AT(dy), AT(x), w, r, &s, false, &device_error));
    device_must(cpu->rmsnorm_backward(dy.host + shift, d_weight.host, dy.host + shift, x.host + shift, weight.host, rstd.host, &s, false, &device_error));
    good = device_close(&dy, bound, "dx in dy") && good;
    device_must(device->rmsnorm_forward(AT(x), r, AT(x), w, &s, &device_error));
    device_must(cpu->rmsnorm_forward(x.host + shift, rstd.host, x.host + shift, weight.host, &s, &device_error));
    good = device_close(&x, bound, "y in x") && good;
  }
  ok(good, "rmsnorm: %lld rows of %lld groups of %lld, %lld and %lld columns more, shift %lld%s", (long long)rows, (long long)groups, (long long)C,
     (long long)pad_x, (long long)pad_y, (long long)shift, accumulate ? ", accumulating" : "");
  device_array_free(&x), device_array_free(&y), device_array_free(&dy), device_array_free(&dx), device_array_free(&dx_again);
  device_array_free(&weight), device_array_free(&d_weight), device_array_free(&d_weight_again), device_array_free(&rstd);
}

/* in_place: 0 sum is an array of its own, 1 it is a, 2 it is b */
static void residual(int64_t rows, int64_t C, int64_t shift, int in_place, double bound) {
  const struct backend *cpu = backend_cpu();
  struct device_array a = device_array(rows * C + shift, true, 1, 1), b = device_array(rows * C + shift, true, 2, 1);
  struct device_array own = device_array(rows * C + shift, true, 3, 1), y = device_array(rows * C + shift, true, 4, 1);
  struct device_array weight = device_array(C, false, 5, 1), rstd = device_array(rows, false, 6, 1);
  struct device_array *sum = in_place == 0 ? &own : in_place == 1 ? &a : &b;
  device_must(device->add_rmsnorm(stored_at(device, sum->device, shift), AT(y), (real *)rstd.device, AT(a), AT(b), (real *)weight.device, rows, C, (real)1e-5, &device_error));
  device_must(cpu->add_rmsnorm(sum->host + shift, y.host + shift, rstd.host, a.host + shift, b.host + shift, weight.host, rows, C, (real)1e-5, &device_error));
  bool good = device_close(sum, bound, "sum");
  good = device_close(&y, bound, "y") && good;
  good = device_close(&rstd, bound, "rstd") && good;
  ok(good, "add_rmsnorm: %lld rows of %lld, shift %lld, sum in %s", (long long)rows, (long long)C, (long long)shift, in_place == 0 ? "its own array" : in_place == 1 ? "a" : "b");
  device_array_free(&a), device_array_free(&b), device_array_free(&own), device_array_free(&y), device_array_free(&weight), device_array_free(&rstd);
}

/* A NaN, an infinity and huge numbers change their own run only. */
static void strange_numbers(int64_t C) {
  const struct norm_shape s = {5, 2, C, 2 * C, 2 * C, (real)1e-5};
  struct device_array x = device_array(5 * 2 * C, true, 1, 1), y = device_array(5 * 2 * C, true, 2, 1), weight = device_array(C, false, 3, 1), rstd = device_array(10, false, 4, 1);
  x.host[3 * C + 1] = NAN, x.host[6 * C] = INFINITY;
  device_must(device_put(&x, x.device, x.host, x.n));
  device_must(device->rmsnorm_forward(y.device, (real *)rstd.device, x.device, (real *)weight.device, &s, &device_error));
  real *got = (real *)malloc((size_t)y.n * sizeof *got);
  device_must(device_get(&y, got, y.device, y.n));
  bool good = true;
  for (int64_t i = 0; i < y.n; i++) {
    int64_t run = i / C;
    good = good && (run == 3 ? isnan(got[i]) : run == 6 ? i % C == 0 ? isnan(got[i]) : got[i] == 0 : isfinite(got[i]));
  }
  ok(good, "rmsnorm: a NaN and an infinity stay in their runs of %lld", (long long)C);
  free(got);
  device_array_free(&x), device_array_free(&y), device_array_free(&weight), device_array_free(&rstd);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(0, 3, 64, 0, 0, 0, false, bound);
  compare(4, 0, 64, 0, 0, 0, false, bound);
  compare(1, 1, 8, 0, 0, 0, false, bound);
  compare(device_small() ? 70 : 700, 9, 64, 0, 64, 0, true, bound);   /* heads: parts of a warp; more runs than teams */
  compare(33, 3, 128, 256, 0, 0, false, bound);
  compare(75, 5, 40, 8, 16, 0, true, bound);    /* idle threads in a team */
  compare(19, 1, 248, 0, 0, 0, true, bound);
  compare(19, 1, 512, 0, 0, 0, false, bound);
  compare(device_small() ? 40 : 300, 1, 768, 0, 0, 0, true, bound);
  compare(37, 1, 1024, 0, 0, 0, false, bound);
  compare(device_small() ? 31 : 301, 1, 1536, 0, 8, 0, true, bound);  /* a block a run */
  compare(21, 1, 4096, 0, 0, 0, false, bound);
  compare(7, 2, 5000, 0, 0, 0, true, bound);
  compare(5, 1, 8200, 0, 0, 0, true, bound);    /* 512 threads a run of bfloat16; floats are too long to be held */
  compare(3, 1, 16392, 0, 0, 0, true, bound);   /* as is this for both */
  compare(6, 3, 37, 2, 2, 0, true, bound);      /* not aligned: size, distance, address */
  compare(6, 8, 37, 0, 0, 0, true, bound);
  compare(6, 1, 37, 3, 3, 0, true, bound);
  compare(40, 5, 64, 3, 1, 0, false, bound);
  compare(30, 1, 256, 0, 0, 1, true, bound);
  residual(50, 1024, 0, 0, bound);
  residual(9, 2048, 0, 1, bound);
  residual(9, 520, 0, 2, bound);
  residual(3, 8200, 0, 1, bound);
  residual(11, 67, 0, 2, bound);
  residual(11, 64, 3, 0, bound);
  strange_numbers(64);
  strange_numbers(1000);
  strange_numbers(2048);
  strange_numbers(33);
}

int main(void) { return device_test_run(test); }
