/* SPDX-License-Identifier: MIT
 *
 * The gradient through Hyena's operators, element by element, against central differences in double precision:
 *   loss = sum of g * long(short(x), filter(parameters))
 */
#include <math.h>
#include <string.h>

#include "kernels/convolution.h"
#include "kernels/filter.h"
#include "tests/tap.h"

enum { B = 3, T = 37, C = 5, K = 3, WIDTH = 4, BANDS = 2, PARAMETERS = WIDTH * (1 + 2 * BANDS + 4 + 2 * WIDTH + C), N = B * T * C };

/* What the loss depends on, and, in the same shape, its gradient. */
struct variables {
  real x[N], weight[C * K], bias[C], skip[C], parameters[PARAMETERS];
};

static const struct filter_shape shape = {.T = T, .L = 50, .C = C, .width = WIDTH, .bands = BANDS};
static struct kernel_error e;
static real saved[T * (1 + 2 * BANDS + 6 * WIDTH)], h[T * C], middle[N], y[N], g[N];

static double loss_at(const struct variables *v) {
  double loss = 0;
  if (short_convolution_forward(middle, v->x, v->weight, v->bias, B, T, C, K, &e) < 0 ||
      filter_forward(h, saved, v->parameters, &shape, &e) < 0 || long_convolution_forward(y, middle, h, v->skip, B, T, C, &e) < 0)
    return NAN;
  for (int i = 0; i < N; i++) loss += y[i] * g[i];
  return loss;
}

static void check(const char *name, struct variables *v, real *values, const real *gradient, int n) {
  double worst = 0, step = 1e-5;
  for (int i = 0; i < n; i++) {
    real kept = values[i];
    values[i] = kept + step;
    double above = loss_at(v);
    values[i] = kept - step;
    double below = loss_at(v);
    values[i] = kept;
    double want = (above - below) / (2 * step), error = fabs(want - gradient[i]) / fmax(1, fabs(want));
    if (!(error <= worst)) worst = error;
  }
  ok(worst < 1e-8, "%s: every element of the gradient is its finite difference (worst %.1e)", name, worst);
}

int main(void) {
  static struct variables v, d;
  static real d_middle[N], dh[T * C];
  uint64_t state = 7;
  real *all[] = {v.x, v.weight, v.bias, v.skip, v.parameters, g};
  const int sizes[] = {N, C * K, C, C, PARAMETERS, N};
  for (int a = 0; a < 6; a++)
    for (int i = 0; i < sizes[a]; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      all[a][i] = (double)(int64_t)state / 9223372036854775808.0;
    }
  ok(filter_parameters(&shape) == PARAMETERS && filter_saved(&shape) == (int64_t)(sizeof saved / sizeof *saved), "the sizes are the formula's");
  ok(!isnan(loss_at(&v)), "the operators run");
  ok(long_convolution_backward(d_middle, dh, d.skip, g, middle, h, v.skip, B, T, C, &e) == 0 &&
         filter_backward(d.parameters, dh, saved, v.parameters, &shape, &e) == 0 &&
         short_convolution_backward(d.x, d.weight, d.bias, d_middle, v.x, v.weight, B, T, C, K, false, &e) == 0,
     "their gradients run");
  check("input", &v, v.x, d.x, N);
  check("short filter", &v, v.weight, d.weight, C * K);
  check("bias", &v, v.bias, d.bias, C);
  check("skip", &v, v.skip, d.skip, C);
  check("parameters of the long filter", &v, v.parameters, d.parameters, PARAMETERS);
  return tap_done();
}
