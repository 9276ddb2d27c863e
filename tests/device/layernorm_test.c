/* SPDX-License-Identifier: MIT */
#include "kernels/layernorm.h"

#include "tests/device/device_test.h"

#define AT(array) stored_at(device, array.device, shift)
enum { BIAS = 1, ACCUMULATE = 2 };

/* `groups` runs of C columns in rows with `pad` columns more, all stored arrays begun `shift` elements behind an aligned address;
 * x is about `mean`. */
static void compare(int64_t rows, int64_t groups, int64_t C, int64_t pad_x, int64_t pad_y, int64_t shift, int how, double mean, double bound) {
  const struct norm_shape s = {rows, groups, C, groups * C + pad_x, groups * C + pad_y, (real)1e-5};
  const struct backend *cpu = backend_cpu();
  bool accumulate = how & ACCUMULATE;
  int64_t n_x = rows * s.ld_x + shift, n_y = rows * s.ld_y + shift;
  struct device_array x = device_array(n_x, true, 1, 2), y = device_array(n_y, true, 2, 1), dy = device_array(n_y, true, 3, 1);
  struct device_array dx = device_array(n_x, true, 4, 1), dx_again = device_array(n_x, true, 4, 1);
  struct device_array weight = device_array(C, false, 5, 1), d_weight = device_array(C, false, 6, 1), d_weight_again = device_array(C, false, 6, 1);
  struct device_array bias = device_array(C, false, 7, 1), d_bias = device_array(C, false, 8, 1), d_bias_again = device_array(C, false, 8, 1);
  struct device_array means = device_array(rows * groups, false, 9, 1), rstd = device_array(rows * groups, false, 10, 1);
  for (int64_t i = 0; i < n_x; i++) x.host[i] += (real)mean;
  device_must(device_put(&x, x.device, x.host, n_x));
  device_must(device_get(&x, x.host, x.device, n_x));
  real *w = (real *)weight.device, *dw = (real *)d_weight.device, *m = (real *)means.device, *r = (real *)rstd.device;
  real *b = how & BIAS ? (real *)bias.device : NULL, *db = how & BIAS ? (real *)d_bias.device : NULL, *db_again = how & BIAS ? (real *)d_bias_again.device : NULL;
  real *cpu_b = how & BIAS ? bias.host : NULL, *cpu_db = how & BIAS ? d_bias.host : NULL;
  device_must(device->layernorm_forward(AT(y), m, r, AT(x), w, b, &s, &device_error));
  device_must(cpu->layernorm_forward(y.host + shift, means.host, rstd.host, x.host + shift, weight.host, cpu_b, &s, &device_error));
  bool good = device_close(&y, bound, "y");
  good = device_close(&means, 1e-10, "mean") && good;
  good = device_close(&rstd, 1e-10, "rstd") && good;
  device_must(device->layernorm_backward(AT(dx), dw, db, AT(dy), AT(x), w, m, r, &s, accumulate, &device_error));
  device_must(cpu->layernorm_backward(dx.host + shift, d_weight.host, cpu_db, dy.host + shift, x.host + shift, weight.host, means.host, rstd.host, &s, accumulate, &device_error));
  good = device_close(&dx, bound, "dx") && good;
  good = device_close(&d_weight, 1e-10, "d_weight") && good;
  good = device_close(&d_bias, 1e-10, "d_bias") && good;
  device_must(device->layernorm_backward(AT(dx_again), (real *)d_weight_again.device, db_again, AT(dy), AT(x), w, m, r, &s, accumulate, &device_error));
  good = device_same(&dx, &dx_again, "dx again") && device_same(&d_weight, &d_weight_again, "d_weight again") && device_same(&d_bias, &d_bias_again, "d_bias again") && good;
  if (pad_x == pad_y) { /* in place: what lies between rows is each array's own */
    device_must(device->layernorm_backward(AT(dy), dw, db, AT(dy), AT(x), w, m, r, &s, false, &device_error));
    device_must(cpu->layernorm_backward(dy.host + shift, d_weight.host, cpu_db, dy.host + shift, x.host + shift, weight.host, means.host, rstd.host, &s, false, &device_error));
    good = device_close(&dy, bound, "dx in dy") && good;
    device_must(device->layernorm_forward(AT(x), m, r, AT(x), w, b, &s, &device_error));
    device_must(cpu->layernorm_forward(x.host + shift, means.host, rstd.host, x.host + shift, weight.host, cpu_b, &s, &device_error));
    good = device_close(&x, bound, "y in x") && good;
  }
  ok(good, "layernorm: %lld rows of %lld groups of %lld about %g, %lld and %lld columns more, shift %lld%s%s", (long long)rows, (long long)groups, (long long)C,
     mean, (long long)pad_x, (long long)pad_y, (long long)shift, how & BIAS ? ", bias" : "", accumulate ? ", accumulating" : "");
  device_array_free(&x), device_array_free(&y), device_array_free(&dy), device_array_free(&dx), device_array_free(&dx_again);
  device_array_free(&weight), device_array_free(&d_weight), device_array_free(&d_weight_again), device_array_free(&means), device_array_free(&rstd);
  device_array_free(&bias), device_array_free(&d_bias), device_array_free(&d_bias_again);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(0, 3, 64, 0, 0, 0, BIAS, 0, bound);
  compare(4, 0, 64, 0, 0, 0, BIAS, 0, bound);
  compare(1, 1, 8, 0, 0, 0, BIAS, 0, bound);
  compare(150, 9, 64, 0, 64, 0, BIAS | ACCUMULATE, 0, bound);
  compare(75, 5, 40, 8, 16, 0, ACCUMULATE, 1, bound); /* idle threads in a team, whose 0 is far from the mean */
  compare(19, 1, 248, 0, 0, 0, BIAS | ACCUMULATE, 1, bound);
  compare(19, 1, 512, 0, 0, 0, 0, 0, bound);
  compare(device_small() ? 40 : 300, 1, 768, 0, 0, 0, BIAS | ACCUMULATE, 0, bound);
  compare(37, 1, 1024, 0, 0, 0, BIAS, 0, bound);
  compare(device_small() ? 11 : 101, 1, 1536, 0, 8, 0, BIAS | ACCUMULATE, 1, bound);
  compare(9, 1, 4096, 0, 0, 0, BIAS, 0, bound);
  compare(3, 2, 5000, 0, 0, 0, BIAS | ACCUMULATE, 1, bound);
  compare(3, 1, 8200, 0, 0, 0, BIAS | ACCUMULATE, 1, bound);
  compare(3, 1, 16392, 0, 0, 0, BIAS | ACCUMULATE, 1, bound);
  compare(6, 3, 37, 2, 2, 0, BIAS | ACCUMULATE, 1, bound);
  compare(6, 8, 37, 0, 0, 0, BIAS, 0, bound);
  compare(6, 1, 37, 3, 3, 0, BIAS, 0, bound);
  compare(40, 5, 64, 3, 1, 0, 0, 0, bound);
  compare(30, 1, 256, 0, 0, 1, BIAS | ACCUMULATE, 0, bound);
  compare(12, 1, 768, 0, 0, 0, BIAS, 64, bound);      /* a mean that costs a sum of squares its digits */
}

int main(void) { return device_test_run(test); }
