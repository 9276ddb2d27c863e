/* SPDX-License-Identifier: MIT
 *
 * Vector body of optimizer.c; arguments as of its scalar functions.
 */
static void V(adamw)(float *restrict p, const float *restrict gradient, float *restrict m, float *restrict v, int64_t n,
                     const struct coefficients *c) {
  vec beta1 = vset(c->beta1), rest1 = vset(c->rest1), beta2 = vset(c->beta2), rest2 = vset(c->rest2), keep = vset(c->keep);
  vec rate = vset(c->rate), correction2 = vset(c->correction2), eps = vset(c->eps), scale = vset(c->gradient_scale);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t k = n - i < LANES ? n - i : LANES;
    vfetch(gradient + i + AHEAD), vfetch_write(m + i + AHEAD), vfetch_write(v + i + AHEAD), vfetch_write(p + i + AHEAD);
    vec g = vmul(vload_n(gradient + i, k), scale);
    vec first = vfma(beta1, vload_n(m + i, k), vmul(rest1, g));
    vec second = vfma(beta2, vload_n(v + i, k), vmul(vmul(rest2, g), g));
    vec step = vdiv(vmul(rate, first), vfma(vsqrt(second), correction2, eps));
    vstore_n(m + i, first, k);
    vstore_n(v + i, second, k);
    vstore_n(p + i, vsub(vmul(vload_n(p + i, k), keep), step), k);
  }
}

static double V(squares)(const float *x, int64_t n) {
  dvec a = dset(0), b = dset(0);
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    dvec p = dload(x + i), q = dload(x + i + LANES / 2);
    a = dfma(p, p, a), b = dfma(q, q, b);
  }
  double sum = dsum(a) + dsum(b);
  for (; i < n; i++) sum += (double)x[i] * x[i];
  return sum;
}
