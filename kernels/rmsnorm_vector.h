/* SPDX-License-Identifier: MIT
 *
 * Vector body of rmsnorm.c; arguments as of its scalar functions.
 */
static void V(forward)(float *y, float *rstd, const float *x, const float *weight, int64_t begin, int64_t end, int64_t C,
                       float eps) {
  int64_t whole = C / LANES * LANES, pairs = C / (2 * LANES) * (2 * LANES);
  for (int64_t r = begin; r < end; r++) {
    const float *in = x + r * C;
    float *out = y + r * C;
    vec a = vset(0), b = vset(0);
    int64_t c = 0;
    for (; c < pairs; c += 2 * LANES) {
      vec p = vload(in + c), q = vload(in + c + LANES);
      a = vfma(p, p, a), b = vfma(q, q, b);
    }
    for (; c < C; c += LANES) {
      vec p = vload_n(in + c, C - c < LANES ? C - c : LANES);
      a = vfma(p, p, a);
    }
    float s = 1 / sqrtf(vsum(vadd(a, b)) / (float)C + eps);
    rstd[r] = s;
    vec scale = vset(s);
    for (c = 0; c < whole; c += LANES) vstore(out + c, vmul(vmul(vload(in + c), scale), vload(weight + c)));
    if (c < C) vstore_n(out + c, vmul(vmul(vload_n(in + c, C - c), scale), vload_n(weight + c, C - c)), C - c);
  }
}

static void V(backward)(float *dx, float *partial, const float *dy, const float *x, const float *weight, const float *rstd,
                        int64_t begin, int64_t end, int64_t C, bool accumulate) {
  for (int64_t r = begin; r < end; r++) {
    const float *in = x + r * C, *d = dy + r * C;
    float *out = dx + r * C;
    vec sum = vset(0), other = vset(0), s = vset(rstd[r]);
    int64_t c = 0;
    for (; c + 2 * LANES <= C; c += 2 * LANES) {
      sum = vfma(vmul(vload(d + c), vload(weight + c)), vload(in + c), sum);
      other = vfma(vmul(vload(d + c + LANES), vload(weight + c + LANES)), vload(in + c + LANES), other);
    }
    for (; c < C; c += LANES) {
      int64_t n = C - c < LANES ? C - c : LANES;
      sum = vfma(vmul(vload_n(d + c, n), vload_n(weight + c, n)), vload_n(in + c, n), sum);
    }
    vec mean = vset(vsum(vadd(sum, other)) * rstd[r] / (float)C);
    for (c = 0; c < C; c += LANES) {
      if (c + LANES <= C) {
        vec xn = vmul(vload(in + c), s), g = vload(d + c);
        vstore(partial + c, vfma(g, xn, vload(partial + c)));
        g = vmul(s, vfnma(xn, mean, vmul(g, vload(weight + c))));
        vstore(out + c, accumulate ? vadd(vload(out + c), g) : g);
      } else {
        int64_t n = C - c;
        vec xn = vmul(vload_n(in + c, n), s), g = vload_n(d + c, n);
        vstore_n(partial + c, vfma(g, xn, vload_n(partial + c, n)), n);
        g = vmul(s, vfnma(xn, mean, vmul(g, vload_n(weight + c, n))));
        vstore_n(out + c, accumulate ? vadd(vload_n(out + c, n), g) : g, n);
      }
    }
  }
}
