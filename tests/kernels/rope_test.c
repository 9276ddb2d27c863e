/* SPDX-License-Identifier: MIT */
#include "kernels/rope.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t B, int64_t T, int64_t first, int64_t heads, int64_t D, int64_t step, int64_t pad, const char *variant) {
  int64_t rows = B * T, ld = heads * step + pad, half = D / 2;
  real *x = array(rows * ld, 1, 1), *start = array_copy(x, rows * ld);
  real *cosine = array((first + T) * half, 2, 1), *sine = array((first + T) * half, 3, 1);
  int64_t past[64]; /* of every other sequence one less */
  for (int64_t b = 0; b < 64; b++) past[b] = first - (first > 0 && b % 2);
  double *want = zeros(rows * ld), *back = zeros(rows * ld);
  for (int64_t p = 0; p < first + T; p++)
    for (int64_t i = 0; i < half; i++) {
      double angle = (double)p * pow(10000, -2.0 * (double)i / (double)D);
      cosine[p * half + i] = (real)cos(angle), sine[p * half + i] = (real)sin(angle);
    }
  for (int64_t i = 0; i < rows * ld; i++) want[i] = back[i] = x[i];
  for (int64_t r = 0; r < rows; r++)
    for (int64_t h = 0; h < heads; h++)
      for (int64_t i = 0; i < half; i++) {
        double *a = want + r * ld + h * step + i, *b = a + half, angle = (double)(past[r / T] + r % T) * pow(10000, -2.0 * (double)i / (double)D);
        double x0 = *a, x1 = *b;
        *a = x0 * cos(angle) - x1 * sin(angle), *b = x1 * cos(angle) + x0 * sin(angle);
      }
  bool good = rope(x, ld, step, cosine, sine, rows, T, first ? past : NULL, heads, D, false, &e) == 0;
  good = close_to(x, want, rows * ld, 1e-13, "x") && guards_intact(x, rows * ld) && good;
  for (int64_t i = 0; i < rows * ld; i++) /* the pad, and the part of a head that has no position */
    if (i % ld >= heads * step || i % ld % step >= D) good = x[i] == start[i] && good;
  good = rope(x, ld, step, cosine, sine, rows, T, first ? past : NULL, heads, D, true, &e) == 0 && good;
  good = close_to(x, back, rows * ld, 1e-13, "inverse") && good;
  ok(good, "%s: B %lld T %lld from %lld, %lld heads of %lld every %lld rotate, and back; the rest stays", variant, (long long)B, (long long)T,
     (long long)first, (long long)heads, (long long)D, (long long)step);
  array_free(x), array_free(start), array_free(cosine), array_free(sine), free(want), free(back);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      int64_t rows = 8192, T = 256, heads = 6, D = 64, ld = 18 * D;
      real *x = array(rows * ld, 1, 1), *cosine = array(T * D / 2, 2, 1), *sine = array(T * D / 2, 3, 0.1);
      double t;
      TIME(t, rope(x, ld, D, cosine, sine, rows, T, NULL, heads, D, false, &e));
      printf("rope %s %5.1f GB/s\n", variant, 8e-9 * (double)(rows * heads * D) / t);
      array_free(x), array_free(cosine), array_free(sine);
      continue;
    }
    compare(1, 1, 0, 1, 2, 2, 0, variant);
    compare(3, 5, 4, 2, 10, 10, 3, variant);
    compare(2, 100, 0, 3, 64, 64, 64, variant);
    compare(1, 7, 60, 2, 66, 66, 1, variant);
    compare(2, 9, 3, 4, 16, 48, 5, variant);
    compare(3, 70, 0, 12, 64, 192, 0, variant); /* MLA: 128 columns of a head have no position */
  }
  if (wants_times(argc, argv)) return 0;
  real x[3] = {0};
  ok(rope(x, 3, 3, x, x, 1, 1, NULL, 1, 3, false, &e) == -1, "an odd head size is an error");
  ok(rope(x, 3, 1, x, x, 1, 1, NULL, 2, 2, false, &e) == -1, "heads that overlap are an error");
  return tap_done();
}
