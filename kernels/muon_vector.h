/* SPDX-License-Identifier: MIT
 *
 * Vector body of muon.c; arguments as of its scalar functions.
 */
static void V(blend)(float *restrict u, const float *restrict gradient, float *restrict momentum, int64_t n, const struct coefficients *k) {
  bool near = k->toward < 0.5f; /* the momentum moves by less than half of the way; then u stands nearer to it */
  float w = k->momentum;
  bool far = w < 0.5f;
  vec scale = vset(k->scale), first = vset(near ? k->toward : k->toward - 1), second = vset(far ? w : w - 1);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vec g = vmul(vload_n(gradient + i, c), scale), m = vload_n(momentum + i, c);
    m = vfma(first, vsub(g, m), near ? m : g);
    vstore_n(momentum + i, m, c);
    vstore_n(u + i, k->nesterov ? vfma(second, vsub(m, g), far ? g : m) : m, c);
  }
}

static void V(apply)(float *restrict p, const float *restrict x, int64_t n, const struct coefficients *k) {
  vec keep = vset(k->keep), rate = vset(k->rate);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vstore_n(p + i, vfnma(rate, vload_n(x + i, c), vmul(vload_n(p + i, c), keep)), c);
  }
}

INLINE vec V(bf16)(vec x) {
#if VECTOR_BITS == 512
  __m512i bits = _mm512_castps_si512(x), odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  bits = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  vec y = _mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32((int)0xffff0000)));
  return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
#else
  __m256i bits = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  bits = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  vec y = _mm256_castsi256_ps(_mm256_and_si256(bits, _mm256_set1_epi32((int)0xffff0000)));
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
#endif
}

static void V(round)(float *x, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vstore_n(x + i, V(bf16)(vload_n(x + i, c)), c);
  }
}

static void V(combine)(float *restrict y, const float *restrict x, int64_t n, float p, float q) {
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t c = n - i < LANES ? n - i : LANES;
    vstore_n(y + i, V(bf16)(vfma(vset(p), vload_n(x + i, c), vmul(vset(q), vload_n(y + i, c)))), c);
  }
}
