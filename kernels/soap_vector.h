/* SPDX-License-Identifier: MIT
 *
 * Vector body of soap.c; arguments as of its scalar functions.
 */
static void V(adam)(float *restrict g, float *restrict m, float *restrict v, int64_t n, const struct coefficients *k) {
  vec rest1 = vset(k->rest1), rest2 = vset(k->rest2), eps = vset(k->eps);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vec x = vload_n(g + i, c), first = vload_n(m + i, c), second = vload_n(v + i, c);
    first = vfma(rest1, vsub(x, first), first);
    second = vfma(rest2, vsub(vmul(x, x), second), second);
    vstore_n(m + i, first, c);
    vstore_n(v + i, second, c);
    vstore_n(g + i, vdiv(first, vadd(vsqrt(second), eps)), c);
  }
}

static void V(apply)(float *restrict p, const float *restrict u, int64_t n, const struct coefficients *k) {
  vec keep = vset(k->keep), rate = vset(k->rate);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vstore_n(p + i, vfnma(rate, vload_n(u + i, c), vmul(vload_n(p + i, c), keep)), c);
  }
}
