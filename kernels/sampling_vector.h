/* SPDX-License-Identifier: MIT
 *
 * Vector body of sampling.c; arguments as of its scalar functions.
 */
static float V(most)(const float *x, int64_t n) {
  int64_t i = 0;
  vec a = vset(-INFINITY);
  for (; i + LANES <= n; i += LANES) a = vmax(a, vload(x + i));
  float most = vmost(a);
  for (; i < n; i++) most = x[i] > most ? x[i] : most;
  return most;
}

/* A lane adds few numbers before it is emptied into a double, so that the error does not grow with n. */
static double V(exp_sum)(const float *x, int64_t n, float most, float scale) {
  int64_t i = 0;
  vec a = vset(most), f = vset(scale);
  double total = 0;
  while (i + LANES <= n) {
    vec sum = vset(0);
    for (int64_t end = n - i < 32 * LANES ? n : i + 32 * LANES; i + LANES <= end; i += LANES) sum = vadd(sum, vexp(vmul(vsub(vload(x + i), a), f)));
    total += vsum(sum);
  }
  if (i < n) {
    float last[LANES];
    vstore(last, vexp(vmul(vsub(vload_n(x + i, n - i), a), f)));
    for (int64_t j = 0; j < n - i; j++) total += last[j];
  }
  return total;
}
