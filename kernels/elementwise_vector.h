/* SPDX-License-Identifier: MIT
 *
 * Vector body of elementwise.c; arguments as of its scalar functions.
 */
static void V(add)(float *y, const float *a, const float *b, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) vstore(y + i, vadd(vload(a + i), vload(b + i)));
  if (i < n) vstore_n(y + i, vadd(vload_n(a + i, n - i), vload_n(b + i, n - i)), n - i);
}

static void V(scale)(float *x, float factor, int64_t n) {
  int64_t i = 0;
  vec f = vset(factor);
  for (; i + LANES <= n; i += LANES) vstore(x + i, vmul(vload(x + i), f));
  if (i < n) vstore_n(x + i, vmul(vload_n(x + i, n - i), f), n - i);
}
