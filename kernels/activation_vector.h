/* SPDX-License-Identifier: MIT
 *
 * Vector body of activation.c; arguments as of its scalar functions.
 */
#if VECTOR_BITS == 512
INLINE __m512 absolute_avx512(__m512 x) { return _mm512_abs_ps(x); }
INLINE __m512 if_positive_avx512(__m512 g, __m512 x) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(g, _mm512_setzero_ps(), _CMP_GT_OQ), x); }
INLINE __m512 if_negative_avx512(__m512 g, __m512 x, __m512 otherwise) { /* by the sign bit */
  return _mm512_mask_mov_ps(otherwise, _mm512_movepi32_mask(_mm512_castps_si512(g)), x);
}
#else
INLINE __m256 absolute_avx2(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
INLINE __m256 if_positive_avx2(__m256 g, __m256 x) { return _mm256_and_ps(_mm256_cmp_ps(g, _mm256_setzero_ps(), _CMP_GT_OQ), x); }
INLINE __m256 if_negative_avx2(__m256 g, __m256 x, __m256 otherwise) { return _mm256_blendv_ps(otherwise, x, g); }
#endif

INLINE vec V(evaluate)(enum activation f, vec g, vec *slope) {
  const vec one = vset(1), zero = vset(0);
  switch (f) {
    case ACTIVATION_SILU: {
      vec a = vexp(vsub(zero, V(absolute)(g))), r = vdiv(one, vadd(one, a)), ar = vmul(a, r), s = V(if_negative)(g, ar, r);
      if (slope) *slope = vfma(g, vmul(ar, r), s);
      return vmul(g, s);
    }
    case ACTIVATION_RELU:
      if (slope) *slope = V(if_positive)(g, one);
      return vmax(zero, g);
    case ACTIVATION_GELU: {
      vec h = vmin(vset(20), V(absolute)(g)), r = vdiv(one, vadd(h, vset(4))), t = vfnma(vset(8), r, one);
#define FIRST(c) vec p = vset(c);
#define NEXT(c) p = vfma(p, t, vset(c));
      GELU_TERMS(FIRST, NEXT)
#undef NEXT
#undef FIRST
      /* h^2 loses up to 4e-6 for large h, which would be as much of the exponential: low has what it lost. */
      vec square = vmul(h, h), low = vfma(h, h, vsub(zero, square));
      vec bell = vexp(vmul(square, vset(-0.5f)));
      bell = vfma(bell, vmul(low, vset(-0.5f)), bell);
      vec q = vmul(vmul(p, r), bell), phi = V(if_negative)(g, q, vsub(one, q));
      if (slope) *slope = vfma(vmul(g, vset(0.398942280f)), bell, phi);
      return vmul(g, phi);
    }
    case ACTIVATION_GELU_TANH: {
      const vec k = vset(1.59576912f), cubic = vset(0.044715f);
      vec c = vmin(vset(40), vmax(vset(-40), g)), square = vmul(c, c); /* constant first: NaN stays */
      vec a = vexp(vsub(zero, V(absolute)(vmul(vmul(k, c), vfma(cubic, square, one)))));
      vec r = vdiv(one, vadd(one, a)), ar = vmul(a, r), s = V(if_negative)(g, ar, r);
      if (slope) *slope = vfma(vmul(c, vmul(ar, r)), vmul(k, vfma(vset(3 * 0.044715f), square, one)), s);
      return vmul(g, s);
    }
    case ACTIVATION_RELU2: {
      vec m = vmax(zero, g);
      if (slope) *slope = vadd(V(if_positive)(g, g), V(if_positive)(g, g));
      return vmul(m, m);
    }
  }
  __builtin_unreachable();
}

INLINE void V(forward_row)(enum activation f, float *y, const float *gate, const float *up, int64_t ld, int64_t F) {
  int64_t i = 0;
  for (; i + LANES <= F; i += LANES) { /* and the next row comes nearer */
    vfetch(gate + ld + i), vfetch_write(y + F + i);
    if (up) vfetch(up + ld + i);
    vec value = V(evaluate)(f, vload(gate + i), NULL);
    vstore(y + i, up ? vmul(value, vload(up + i)) : value);
  }
  if (i < F) {
    vec value = V(evaluate)(f, vload_n(gate + i, F - i), NULL);
    vstore_n(y + i, up ? vmul(value, vload_n(up + i, F - i)) : value, F - i);
  }
}

INLINE void V(backward_row)(enum activation f, float *d_gate, float *d_up, const float *dy, const float *gate, const float *up, int64_t ld,
                            int64_t F) {
  int64_t i = 0;
  for (; i + LANES <= F; i += LANES) {
    vfetch(gate + ld + i), vfetch(dy + F + i), vfetch_write(d_gate + ld + i);
    vec slope, value = V(evaluate)(f, vload(gate + i), &slope), d = vload(dy + i);
    if (up) {
      vfetch(up + ld + i), vfetch_write(d_up + ld + i);
      slope = vmul(slope, vload(up + i));
      vstore(d_up + i, vmul(d, value));
    }
    vstore(d_gate + i, vmul(d, slope));
  }
  if (i < F) {
    int64_t n = F - i;
    vec slope, value = V(evaluate)(f, vload_n(gate + i, n), &slope), d = vload_n(dy + i, n);
    if (up) {
      slope = vmul(slope, vload_n(up + i, n));
      vstore_n(d_up + i, vmul(d, value), n);
    }
    vstore_n(d_gate + i, vmul(d, slope), n);
  }
}

static void V(forward)(enum activation f, float *y, const float *gate, const float *up, int64_t ld, int64_t F) {
  switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                              \
    if (up) V(forward_row)(ACTIVATION_##NAME, y, gate, up, ld, F);                                                     \
    else V(forward_row)(ACTIVATION_##NAME, y, gate, NULL, ld, F);                                                      \
    break;
    ACTIVATIONS(CASE)
#undef CASE
  }
}

static void V(backward)(enum activation f, float *d_gate, float *d_up, const float *dy, const float *gate, const float *up, int64_t ld,
                        int64_t F) {
  switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                              \
    if (up) V(backward_row)(ACTIVATION_##NAME, d_gate, d_up, dy, gate, up, ld, F);                                     \
    else V(backward_row)(ACTIVATION_##NAME, d_gate, NULL, dy, gate, NULL, ld, F);                                      \
    break;
    ACTIVATIONS(CASE)
#undef CASE
  }
}
