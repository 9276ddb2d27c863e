/* SPDX-License-Identifier: MIT
 *
 * A mixture-of-experts layer put together from its ops: gradients of its input, router and experts against central
 * differences of its loss, everything in double precision.
 *
 *   logits = x router^T;  z = experts of gathered x;  y = combined z;  loss = sum of d_y * y + balance loss
 *
 * The choices and the shares of the experts are held constant: steps are too small to change a choice, and the loss takes
 * the shares of the first pass.
 */
#include <math.h>
#include <string.h>

#include "kernels/backend.h"
#include "tests/tap.h"

enum { ROWS = 37, EXPERTS = 12, TOP = 3, C = 6, OUT = 5, SLOTS = ROWS * TOP };

static struct kernel_error e;
static const struct backend *cpu;

struct layer {
  real x[ROWS * C], router[EXPERTS * C], w[EXPERTS * OUT * C];
};
static struct layer layer, gradient, direction, moved;
static real bias[EXPERTS], d_y[ROWS * OUT];
static real logits[ROWS * EXPERTS], scores[ROWS * EXPERTS], weights[SLOTS], gathered[SLOTS * C], z[SLOTS * OUT], y[ROWS * OUT];
static int32_t chosen[SLOTS], slots[SLOTS], sources[SLOTS], starts[EXPERTS + 1], first_chosen[SLOTS];
static const struct route route = {chosen, slots, sources, starts};

static double uniform(void) {
  static uint64_t state = 11;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)state / 9223372036854775808.0;
}
static void fill(real *p, size_t bytes, double size) {
  for (size_t i = 0; i < bytes / sizeof *p; i++) p[i] = size * uniform();
}

static int linear(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, const real *a, const real *b, real beta, real *c) {
  for (int64_t m = 0; m < M; m++)
    for (int64_t n = 0; n < N; n++) {
      double sum = beta == 0 ? 0 : beta * c[m * N + n];
      for (int64_t k = 0; k < K; k++) sum += (transpose_a ? a[k * M + m] : a[m * K + k]) * (transpose_b ? b[n * K + k] : b[k * N + n]);
      c[m * N + n] = sum;
    }
  return 0;
}

static int forward(const struct layer *l, const struct route_shape *s, bool with_bias) {
  linear(false, true, ROWS, EXPERTS, C, l->x, l->router, 0, logits);
  return cpu->route_forward(weights, scores, &route, logits, with_bias ? bias : NULL, s, &e) != 0 || cpu->gather_rows(gathered, l->x, sources, SLOTS, C, &e) != 0 ||
                 cpu->experts_forward(MATMUL_FP32, z, gathered, l->w, OUT * C, starts, EXPERTS, SLOTS, OUT, C, &e) != 0 ||
                 cpu->combine_forward(y, z, weights, slots, ROWS, TOP, OUT, &e) != 0
             ? -1
             : 0;
}

static double loss_of(const struct route_shape *s, double balance) {
  double loss = 0;
  for (int i = 0; i < ROWS * OUT; i++) loss += d_y[i] * y[i];
  for (int r = 0; r < ROWS; r++) {
    double sum = 0;
    for (int i = 0; i < EXPERTS; i++) sum += scores[r * EXPERTS + i];
    for (int i = 0; i < EXPERTS; i++)
      loss += balance * EXPERTS * (double)(starts[i + 1] - starts[i]) / SLOTS * scores[r * EXPERTS + i] / (s->sigmoid ? sum : 1);
  }
  return loss;
}

static int backward(const struct route_shape *s, double balance) {
  static real dz[SLOTS * OUT], d_weights[SLOTS], d_gathered[SLOTS * C], d_logits[ROWS * EXPERTS];
  memset(&gradient, 0, sizeof gradient);
  if (cpu->combine_backward(dz, d_weights, d_y, z, weights, slots, ROWS, TOP, OUT, &e) != 0 ||
      cpu->experts_backward(MATMUL_FP32, d_gathered, gradient.w, dz, gathered, layer.w, OUT * C, starts, EXPERTS, SLOTS, OUT, C, &e) != 0 ||
      cpu->gather_rows_backward(gradient.x, d_gathered, slots, ROWS, TOP, C, true, &e) != 0 ||
      cpu->route_backward(d_logits, d_weights, weights, scores, &route, balance, s, &e) != 0)
    return -1;
  linear(false, false, ROWS, C, EXPERTS, d_logits, layer.router, 1, gradient.x);
  return linear(true, false, EXPERTS, C, ROWS, d_logits, layer.x, 1, gradient.router);
}

/* The derivative along a random direction of one array of the layer. */
static double error_of(size_t offset, size_t bytes, const struct route_shape *s, bool with_bias, double balance, const char *name) {
  const double h = 1e-6;
  double product = 0, sides[2];
  size_t begin = offset / sizeof(real), end = (offset + bytes) / sizeof(real);
  real *at = (real *)&moved, *from = (real *)&layer, *d = (real *)&direction, *g = (real *)&gradient;
  for (size_t i = begin; i < end; i++) d[i] = uniform(), product += d[i] * g[i];
  for (int side = 0; side < 2; side++) {
    moved = layer;
    for (size_t i = begin; i < end; i++) at[i] = from[i] + (side ? -h : h) * d[i];
    if (forward(&moved, s, with_bias) != 0 || memcmp(chosen, first_chosen, sizeof chosen) != 0) return NAN;
    sides[side] = loss_of(s, balance);
  }
  double difference = (sides[0] - sides[1]) / (2 * h), error = fabs(difference - product) / fmax(fabs(difference), 1e-2);
  if (!(error < 1e-6)) note("%s: by differences %.12g, by the backward pass %.12g", name, difference, product);
  return error;
}

static void check(const char *name, const struct route_shape *s, bool with_bias, double balance) {
  fill((real *)&layer, sizeof layer, 1), fill(bias, sizeof bias, 0.1), fill(d_y, sizeof d_y, 1);
  for (int i = 0; i < C; i++) layer.router[4 * C + i] = -3; /* experts 4 and up get few rows, or none */
  ok(forward(&layer, s, with_bias) == 0 && backward(s, balance) == 0, "%s: both passes run", name);
  memcpy(first_chosen, chosen, sizeof chosen);
  double worst = 0;
  worst = fmax(worst, error_of(offsetof(struct layer, x), sizeof layer.x, s, with_bias, balance, "x"));
  double router = error_of(offsetof(struct layer, router), sizeof layer.router, s, with_bias, balance, "router");
  double w = error_of(offsetof(struct layer, w), sizeof layer.w, s, with_bias, balance, "experts");
  ok(worst < 1e-6 && router < 1e-6 && w < 1e-6, "%s: gradients of input, router and experts are those of finite differences", name);
  note("relative errors %.2g, %.2g, %.2g", worst, router, w);
}

int main(void) {
  cpu = backend_cpu();
  struct route_shape s = {.rows = ROWS, .experts = EXPERTS, .top = TOP, .scale = 1, .normalize = true};
  check("Mixtral", &s, false, 0);
  check("Mixtral with balance loss", &s, false, 0.7);
  s.normalize = false, s.scale = 16, s.groups = 3, s.top_groups = 2;
  check("DeepSeek-V2", &s, false, 0.3);
  s.sigmoid = true, s.normalize = true, s.scale = 2.5, s.group_score = GROUP_BEST_TWO;
  check("DeepSeek-V3", &s, true, 0);
  check("DeepSeek-V3 with balance loss", &s, true, 0.5);
  s.groups = 0, s.normalize = false;
  check("sigmoid as it is", &s, true, 0.5);
  s.top = 3, s.sigmoid = false, s.normalize = false, s.scale = 1;
  check("softmax as it is", &s, false, 1);
  return tap_done();
}
