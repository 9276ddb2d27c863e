/* SPDX-License-Identifier: MIT */
#include "kernels/filter.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* The formula of filter.h, position by position. */
static void reference(double *h, const double *parameters, const struct filter_shape *s) {
  int64_t W = s->width, E = 1 + 2 * s->bands;
  const double *p = parameters, pi = acos(-1);
  const double *weight[3], *bias[3], *frequency;
  weight[0] = p, p += W * E, bias[0] = p, p += W, frequency = p, p += W;
  for (int l = 1; l < 3; l++) weight[l] = p, p += W * W, bias[l] = p, p += W;
  double *x = zeros(E + W), *y = zeros(W);
  for (int64_t t = 0; t < s->T; t++) {
    double u = (double)t / (double)s->L;
    x[0] = u;
    for (int64_t j = 0; j < s->bands; j++) {
      double f = s->bands == 1 ? 1e-4 : 1e-4 + (double)j * ((double)(s->bands - 1) - 1e-4) / (double)(s->bands - 1);
      x[1 + j] = cos(2 * pi * f * u), x[1 + s->bands + j] = -sin(2 * pi * f * u);
    }
    for (int l = 0; l < 3; l++) {
      int64_t inputs = l == 0 ? E : W;
      for (int64_t o = 0; o < W; o++) {
        y[o] = bias[l][o];
        for (int64_t i = 0; i < inputs; i++) y[o] += weight[l][o * inputs + i] * x[i];
      }
      for (int64_t o = 0; o < W; o++) x[o] = sin(frequency[o] * y[o]);
    }
    for (int64_t c = 0; c < s->C; c++) {
      double slow = log(100) / 1.5, fast = log(100) / 0.3, rate = s->C > 1 ? slow + (double)c / (double)(s->C - 1) * (fast - slow) : slow;
      double sum = 0;
      for (int64_t i = 0; i < W; i++) sum += p[c * W + i] * x[i];
      h[t * s->C + c] = sum * (exp(-rate * u) + 0.05);
    }
  }
  free(x), free(y);
}

static double loss_at(const double *parameters, const real *dh, double *h, const struct filter_shape *s) {
  double loss = 0;
  reference(h, parameters, s);
  for (int64_t i = 0; i < s->T * s->C; i++) loss += h[i] * dh[i];
  return loss;
}

static void compare(struct filter_shape s, const char *variant) {
  int64_t n = s.T * s.C, size = filter_parameters(&s), saves = filter_saved(&s);
  struct filter_piece pieces[FILTER_PIECES];
  filter_pieces(pieces, &s);
  real *p = array(size, 1, 1), *h = array(n, 2, 1), *saved = array(saves, 3, 1), *dh = array(n, 4, 1), *d = array(size, 5, 1);
  real *first = array_copy(d, size);
  for (int i = 0; i < FILTER_PIECES; i++) {
    int64_t count = pieces[i].rows * (pieces[i].columns > 0 ? pieces[i].columns : 1);
    for (int64_t j = 0; j < count; j++) {
      real *to = p + pieces[i].offset + j;
      *to = (real)(pieces[i].mean * 0.3 + (pieces[i].deviation > 0 ? pieces[i].deviation * sqrt(3) : 0.5) * (double)*to);
    }
  }
  double *wide = zeros(size), *moved = zeros(size), *want = zeros(n), *unused = zeros(n);
  for (int64_t i = 0; i < size; i++) wide[i] = p[i];
  reference(want, wide, &s);
  bool good = filter_forward(h, saved, p, &s, &e) == 0 && guards_intact(h, n) && guards_intact(saved, saves);
  ok(close_to(h, want, n, 1e-11, "h") && good, "%s: filter of %lld positions, %lld channels, matches the double reference", variant,
     (long long)s.T, (long long)s.C);
  good = filter_backward(d, dh, saved, p, &s, &e) == 0 && guards_intact(d, size);
  for (int i = 0; i < FILTER_PIECES; i++) { /* along a random direction of each piece */
    int64_t count = pieces[i].rows * (pieces[i].columns > 0 ? pieces[i].columns : 1);
    double product = 0, sides[2], step = 1e-5, norm = 0;
    uint64_t seed = 77;
    for (int side = 0; side < 2; side++) {
      memcpy(moved, wide, (size_t)size * sizeof *moved);
      for (int64_t j = 0, at = pieces[i].offset; j < count; j++, at++) {
        double direction = number(&seed);
        moved[at] += (side ? step : -step) * direction;
        if (side == 0) product += direction * ((double)d[at] - first[at]);
        if (side == 0) norm += ((double)d[at] - first[at]) * ((double)d[at] - first[at]);
      }
      seed = 77;
      sides[side] = loss_at(moved, dh, unused, &s);
    }
    double difference = (sides[1] - sides[0]) / (2 * step), bound = 2e-4 * sqrt(norm) + 1e-5;
    if (!(fabs(difference - product) < bound)) note("%s: %g, by differences %g, bound %g", pieces[i].name, product, difference, bound), good = false;
  }
  ok(good, "%s: filter of %lld positions, %lld channels: the gradient is that of finite differences", variant, (long long)s.T, (long long)s.C);
  backend_cpu()->set_threads(1);
  real *h1 = array(n, 7, 1);
  filter_forward(h1, saved, p, &s, &e), filter_backward(first, dh, saved, p, &s, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(h, h1, (size_t)n * sizeof *h) == 0 && memcmp(d, first, (size_t)size * sizeof *d) == 0,
     "%s: filter of %lld positions gives the same bits on one thread", variant, (long long)s.T);
  array_free(p), array_free(h), array_free(saved), array_free(dh), array_free(d), array_free(first), array_free(h1);
  free(wide), free(moved), free(want), free(unused);
}

static void pieces_fill_the_block(void) {
  const struct filter_shape s = {.T = 5, .L = 9, .C = 12, .width = 7, .bands = 3};
  struct filter_piece p[FILTER_PIECES];
  filter_pieces(p, &s);
  int64_t at = 0;
  bool good = true;
  for (int i = 0; i < FILTER_PIECES; i++) {
    good = good && p[i].offset == at && p[i].name && p[i].deviation >= 0;
    at += p[i].rows * (p[i].columns > 0 ? p[i].columns : 1);
  }
  ok(good && at == filter_parameters(&s), "the pieces fill the block without gaps");
}

static void edges(const char *variant) {
  struct filter_shape s = {.T = 0, .L = 4, .C = 3, .width = 4, .bands = 1};
  real p[200] = {0}, d[200] = {1}, saved[1], h[1] = {5};
  ok(filter_forward(h, saved, p, &s, &e) == 0 && filter_backward(d, h, saved, p, &s, &e) == 0 && h[0] == 5 && d[0] == 1,
     "%s: no positions are no work", variant);
  s.L = 0;
  ok(filter_forward(h, saved, p, &s, &e) == -1, "%s: positions scaled by 0 are an error", variant);
}

/* One unit whose sine's argument is frequency * u: as far as a float tells it apart, near and far, and where it is not a number. */
static void arguments_of_every_size(const char *variant) {
  enum { T = 200 };
  static const double sizes[] = {1, 100, 9e4, 1e7, 1e30};
  struct filter_shape s = {.T = T, .L = T, .C = 1, .width = 1, .bands = 1};
  real h[T], saved[T * 9], p[11] = {0}; /* in.weight 0..2, in.bias 3, frequency 4 */
  bool good = true;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    p[0] = 1, p[4] = (real)sizes[i];
    filter_forward(h, saved, p, &s, &e);
    const real *before = saved + T * 3, *sine = before + T;
    for (int t = 0; t < T; t++) good = good && fabs((double)sine[t] - sin((double)(p[4] * before[t]))) < 3e-7;
  }
  ok(good, "%s: sines of every size are the C library's", variant);
  p[4] = NAN;
  filter_forward(h, saved, p, &s, &e);
  ok(isnan(h[0]) && isnan(h[T - 1]), "%s: a frequency that is not a number shows", variant);
}

static void speed(const char *variant) {
  for (int64_t T = 1024; T <= 16384; T *= 16) {
    struct filter_shape s = {.T = T, .L = T, .C = 384, .width = 64, .bands = 16};
    int64_t n = s.T * s.C, size = filter_parameters(&s);
    real *p = array(size, 1, 0.3), *h = array(n, 2, 1), *saved = array(filter_saved(&s), 3, 1), *d = array(size, 5, 1);
    double t;
    TIME(t, filter_forward(h, saved, p, &s, &e));
    printf("filter forward  %s T %5lld %7.3f ms\n", variant, (long long)T, 1e3 * t);
    TIME(t, filter_backward(d, h, saved, p, &s, &e));
    printf("filter backward %s T %5lld %7.3f ms\n", variant, (long long)T, 1e3 * t);
    array_free(p), array_free(h), array_free(saved), array_free(d);
  }
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant);
      continue;
    }
    compare((struct filter_shape){.T = 1, .L = 1, .C = 1, .width = 1, .bands = 1}, variant);
    compare((struct filter_shape){.T = 10, .L = 33, .C = 5, .width = 8, .bands = 2}, variant);
    compare((struct filter_shape){.T = 70, .L = 70, .C = 19, .width = 21, .bands = 3}, variant);
    compare((struct filter_shape){.T = 1200, .L = 2048, .C = 40, .width = 32, .bands = 8}, variant);
    compare((struct filter_shape){.T = 65, .L = 64, .C = 7, .width = 64, .bands = 16}, variant);
    edges(variant);
    arguments_of_every_size(variant);
  }
  if (!wants_times(argc, argv)) pieces_fill_the_block();
  return wants_times(argc, argv) ? 0 : tap_done();
}
