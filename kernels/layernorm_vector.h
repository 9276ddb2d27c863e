/* SPDX-License-Identifier: MIT
 *
 * Vector body of layernorm.c; arguments as of its scalar functions.  Whole vectors and the rest of a run are apart: masked
 * stores are slow with 8 lanes.
 */
static void V(forward)(float *y, float *mean, float *rstd, const float *x, const float *weight, const float *bias, int64_t begin,
                       int64_t end, const struct norm_shape *shape) {
  int64_t C = shape->C, groups = shape->groups, pairs = C / (2 * LANES) * (2 * LANES), whole = C / LANES * LANES, rest = C - whole;
  for (int64_t r = begin; r < end; r++)
    for (int64_t i = 0; i < groups; i++) {
      const float *in = x + r * shape->ld_x + i * C;
      float *out = y + r * shape->ld_y + i * C;
      vec a = vset(0), b = vset(0);
      int64_t c = 0;
      for (; c < pairs; c += 2 * LANES) a = vadd(a, vload(in + c)), b = vadd(b, vload(in + c + LANES));
      if (c < whole) a = vadd(a, vload(in + c));
      if (rest > 0) b = vadd(b, vload_n(in + whole, rest));
      float average = vsum(vadd(a, b)) / (float)C;
      vec m = vset(average);
      a = b = vset(0);
      for (c = 0; c < pairs; c += 2 * LANES) {
        vec p = vsub(vload(in + c), m), q = vsub(vload(in + c + LANES), m);
        a = vfma(p, p, a), b = vfma(q, q, b);
      }
      if (c < whole) {
        vec p = vsub(vload(in + c), m);
        a = vfma(p, p, a);
      }
      float squares = vsum(vadd(a, b));
      for (c = whole; c < C; c++) squares += (in[c] - average) * (in[c] - average);
      float scale = 1 / sqrtf(squares / (float)C + shape->eps);
      mean[r * groups + i] = average;
      rstd[r * groups + i] = scale;
      vec s = vset(scale);
      if (bias)
        for (c = 0; c < whole; c += LANES) vstore(out + c, vfma(vmul(vsub(vload(in + c), m), s), vload(weight + c), vload(bias + c)));
      else
        for (c = 0; c < whole; c += LANES) vstore(out + c, vmul(vmul(vsub(vload(in + c), m), s), vload(weight + c)));
      if (rest > 0) {
        vec p = vmul(vmul(vsub(vload_n(in + c, rest), m), s), vload_n(weight + c, rest));
        vstore_n(out + c, bias ? vadd(p, vload_n(bias + c, rest)) : p, rest);
      }
    }
}

static void V(backward)(float *dx, float *partial, const float *dy, const float *x, const float *weight, const float *mean,
                        const float *rstd, int64_t begin, int64_t end, const struct norm_shape *shape, bool accumulate) {
  int64_t C = shape->C, groups = shape->groups, whole = C / LANES * LANES, rest = C - whole;
  float *partial_bias = partial + C;
  for (int64_t r = begin; r < end; r++)
    for (int64_t i = 0; i < groups; i++) {
      const float *in = x + r * shape->ld_x + i * C, *d = dy + r * shape->ld_y + i * C;
      float *out = dx + r * shape->ld_x + i * C, scale = rstd[r * groups + i], average = mean[r * groups + i];
      vec m = vset(average), s = vset(scale), sum = vset(0), dot = vset(0);
      int64_t c = 0;
      for (; c < whole; c += LANES) {
        vec g = vmul(vload(d + c), vload(weight + c));
        sum = vadd(sum, g), dot = vfma(g, vsub(vload(in + c), m), dot);
      }
      if (rest > 0) { /* lanes beyond have g = 0 */
        vec g = vmul(vload_n(d + c, rest), vload_n(weight + c, rest));
        sum = vadd(sum, g), dot = vfma(g, vsub(vload_n(in + c, rest), m), dot);
      }
      vec mean_g = vset(vsum(sum) / (float)C), mean_dot = vset(vsum(dot) * scale / (float)C);
      for (c = 0; c < whole; c += LANES) {
        vec xn = vmul(vsub(vload(in + c), m), s), g = vload(d + c);
        vstore(partial + c, vfma(g, xn, vload(partial + c)));
        vstore(partial_bias + c, vadd(g, vload(partial_bias + c)));
        g = vmul(s, vfnma(xn, mean_dot, vsub(vmul(g, vload(weight + c)), mean_g)));
        vstore(out + c, accumulate ? vadd(vload(out + c), g) : g);
      }
      if (rest > 0) {
        vec xn = vmul(vsub(vload_n(in + c, rest), m), s), g = vload_n(d + c, rest);
        vstore_n(partial + c, vfma(g, xn, vload_n(partial + c, rest)), rest);
        vstore_n(partial_bias + c, vadd(g, vload_n(partial_bias + c, rest)), rest);
        g = vmul(s, vfnma(xn, mean_dot, vsub(vmul(g, vload_n(weight + c, rest)), mean_g)));
        vstore_n(out + c, accumulate ? vadd(vload_n(out + c, rest), g) : g, rest);
      }
    }
}
