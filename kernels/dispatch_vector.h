/* SPDX-License-Identifier: MIT
 *
 * Vector body of dispatch.c; arguments as of its scalar functions.
 */
static void V(sum_rows)(float *y, const float *x, const float *weights, const int32_t *slots, int64_t top, int64_t C, bool accumulate) {
  int64_t c = 0;
  for (; c + 2 * LANES <= C; c += 2 * LANES) {
    vec a = accumulate ? vload(y + c) : vset(0), b = accumulate ? vload(y + c + LANES) : vset(0);
    for (int64_t j = 0; j < top; j++) {
      const float *from = x + slots[j] * C + c;
      vec w = vset(weights ? weights[j] : 1);
      a = vfma(w, vload(from), a), b = vfma(w, vload(from + LANES), b);
    }
    vstore(y + c, a), vstore(y + c + LANES, b);
  }
  for (; c < C; c += LANES) {
    int64_t n = C - c < LANES ? C - c : LANES;
    vec a = accumulate ? vload_n(y + c, n) : vset(0);
    for (int64_t j = 0; j < top; j++) a = vfma(vset(weights ? weights[j] : 1), vload_n(x + slots[j] * C + c, n), a);
    vstore_n(y + c, a, n);
  }
}

static float V(spread_row)(float *dx, const float *dy, const float *x, float weight, int64_t C) {
  vec a = vset(0), b = vset(0), w = vset(weight);
  int64_t c = 0;
  for (; c + 2 * LANES <= C; c += 2 * LANES) {
    vec g = vload(dy + c), h = vload(dy + c + LANES);
    a = vfma(g, vload(x + c), a), b = vfma(h, vload(x + c + LANES), b);
    vstore(dx + c, vmul(w, g)), vstore(dx + c + LANES, vmul(w, h));
  }
  for (; c < C; c += LANES) {
    int64_t n = C - c < LANES ? C - c : LANES;
    vec g = vload_n(dy + c, n);
    a = vfma(g, vload_n(x + c, n), a);
    vstore_n(dx + c, vmul(w, g), n);
  }
  return vsum(vadd(a, b));
}
