/* SPDX-License-Identifier: MIT
 *
 * Vector body of rmsnorm.c; arguments as of its scalar functions.  Whole vectors and the rest of a run are apart: masked
 * stores are slow with 8 lanes.
 */
/* The sum of squares of in[0..C-1]; where a is not NULL, of in = a + b, which is stored. */
INLINE float V(squares)(float *total, const float *in, const float *a, const float *b, int64_t C) {
  vec sum = vset(0), other = vset(0);
  int64_t c = 0;
  for (; c + 2 * LANES <= C; c += 2 * LANES) {
    vec p, q;
    if (a) {
      p = vadd(vload(a + c), vload(b + c)), q = vadd(vload(a + c + LANES), vload(b + c + LANES));
      vstore(total + c, p), vstore(total + c + LANES, q);
    } else {
      p = vload(in + c), q = vload(in + c + LANES);
    }
    sum = vfma(p, p, sum), other = vfma(q, q, other);
  }
  for (; c < C; c += LANES) {
    int64_t n = C - c < LANES ? C - c : LANES;
    vec p;
    if (a) vstore_n(total + c, p = vadd(vload_n(a + c, n), vload_n(b + c, n)), n);
    else p = vload_n(in + c, n);
    sum = vfma(p, p, sum);
  }
  return vsum(vadd(sum, other));
}

INLINE void V(scaled)(float *out, const float *in, const float *weight, float s, int64_t C) {
  vec scale = vset(s);
  int64_t c = 0;
  for (; c + LANES <= C; c += LANES) vstore(out + c, vmul(vmul(vload(in + c), scale), vload(weight + c)));
  if (c < C) vstore_n(out + c, vmul(vmul(vload_n(in + c, C - c), scale), vload_n(weight + c, C - c)), C - c);
}

static void V(forward)(float *y, float *rstd, const float *x, const float *weight, int64_t begin, int64_t end, const struct norm_shape *n) {
  int64_t C = n->C;
  for (int64_t r = begin; r < end; r++)
    for (int64_t g = 0; g < n->groups; g++) {
      const float *in = x + r * n->ld_x + g * C;
      float s = 1 / sqrtf(V(squares)(NULL, in, NULL, NULL, C) / (float)C + n->eps);
      rstd[r * n->groups + g] = s;
      V(scaled)(y + r * n->ld_y + g * C, in, weight, s, C);
    }
}

static void V(add_forward)(float *total, float *y, float *rstd, const float *a, const float *b, const float *weight, int64_t begin,
                           int64_t end, const struct norm_shape *n) {
  int64_t C = n->C;
  for (int64_t r = begin; r < end; r++) {
    float *in = total + r * C, s = 1 / sqrtf(V(squares)(in, NULL, a + r * C, b + r * C, C) / (float)C + n->eps);
    rstd[r] = s;
    V(scaled)(y + r * C, in, weight, s, C);
  }
}

static void V(backward)(float *dx, float *partial, const float *dy, const float *x, const float *weight, const float *rstd,
                        int64_t begin, int64_t end, const struct norm_shape *shape, bool accumulate) {
  int64_t C = shape->C, groups = shape->groups;
  for (int64_t r = begin; r < end; r++)
    for (int64_t i = 0; i < groups; i++) {
      const float *in = x + r * shape->ld_x + i * C, *d = dy + r * shape->ld_y + i * C;
      float *out = dx + r * shape->ld_x + i * C, scale = rstd[r * groups + i];
      vec sum = vset(0), other = vset(0), s = vset(scale);
      int64_t c = 0;
      for (; c + 2 * LANES <= C; c += 2 * LANES) {
        sum = vfma(vmul(vload(d + c), vload(weight + c)), vload(in + c), sum);
        other = vfma(vmul(vload(d + c + LANES), vload(weight + c + LANES)), vload(in + c + LANES), other);
      }
      for (; c < C; c += LANES) {
        int64_t n = C - c < LANES ? C - c : LANES;
        sum = vfma(vmul(vload_n(d + c, n), vload_n(weight + c, n)), vload_n(in + c, n), sum);
      }
      vec mean = vset(vsum(vadd(sum, other)) * scale / (float)C);
      for (c = 0; c + LANES <= C; c += LANES) {
        vec xn = vmul(vload(in + c), s), g = vload(d + c);
        vstore(partial + c, vfma(g, xn, vload(partial + c)));
        g = vmul(s, vfnma(xn, mean, vmul(g, vload(weight + c))));
        vstore(out + c, accumulate ? vadd(vload(out + c), g) : g);
      }
      if (c < C) {
        int64_t n = C - c;
        vec xn = vmul(vload_n(in + c, n), s), g = vload_n(d + c, n);
        vstore_n(partial + c, vfma(g, xn, vload_n(partial + c, n)), n);
        g = vmul(s, vfnma(xn, mean, vmul(g, vload_n(weight + c, n))));
        vstore_n(out + c, accumulate ? vadd(vload_n(out + c, n), g) : g, n);
      }
    }
}
