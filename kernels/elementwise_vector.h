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

static void V(multiply)(float *y, const float *a, const float *b, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) vstore(y + i, vmul(vload(a + i), vload(b + i)));
  if (i < n) vstore_n(y + i, vmul(vload_n(a + i, n - i), vload_n(b + i, n - i)), n - i);
}

static void V(multiply_back)(float *da, float *db, const float *dy, const float *a, const float *b, int64_t n) {
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) {
    vec d = vload(dy + i), p = vload(a + i), q = vload(b + i);
    vstore(da + i, vmul(d, q)), vstore(db + i, vmul(d, p));
  }
  if (i < n) {
    vec d = vload_n(dy + i, n - i), p = vload_n(a + i, n - i), q = vload_n(b + i, n - i);
    vstore_n(da + i, vmul(d, q), n - i), vstore_n(db + i, vmul(d, p), n - i);
  }
}

static void V(sum_rows)(float *restrict sum, const float *restrict x, int64_t ld, int64_t rows, int64_t C) {
  int64_t r = 0, whole = C / LANES * LANES, rest = C - whole, c;
  for (; r + 4 <= rows; r += 4) {
    const float *p = x + r * ld, *q = p + ld, *s = q + ld, *t = s + ld;
    for (c = 0; c < whole; c += LANES)
      vstore(sum + c, vadd(vload(sum + c), vadd(vadd(vload(p + c), vload(q + c)), vadd(vload(s + c), vload(t + c)))));
    if (rest > 0) {
      vec four = vadd(vadd(vload_n(p + c, rest), vload_n(q + c, rest)), vadd(vload_n(s + c, rest), vload_n(t + c, rest)));
      vstore_n(sum + c, vadd(vload_n(sum + c, rest), four), rest);
    }
  }
  for (; r < rows; r++) V(add)(sum, sum, x + r * ld, C);
}

/* Philox with a counter in every 64-bit lane: the low halves are its words, the high halves nothing, as multiplication reads
 * low halves only.  `even` has the counters of the even elements, `odd` the next ones. */
#if VECTOR_BITS == 512
#define ivec __m512i
#define iset64(x) _mm512_set1_epi64((long long)(x))
#define iadd64(a, b) _mm512_add_epi64((a), (b))
#define imul32(a, b) _mm512_mul_epu32((a), (b))
#define ixor3(a, b, c) _mm512_ternarylogic_epi64((a), (b), (c), 0x96)
#define ihigh(a) _mm512_srli_epi64((a), 32)
#define V_COUNTERS _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0)
/* x times scale where the word (even lanes of `even`, odd ones of `odd`) is at least threshold, else 0. */
INLINE __m512 keep_avx512(__m512 x, __m512i even, __m512i odd, __m512i threshold, __m512 scale) {
  __m512i word = _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
  return _mm512_maskz_mul_ps(_mm512_cmpge_epu32_mask(word, threshold), x, scale);
}
#define iset32(x) _mm512_set1_epi32((int)(x))
#else
#define ivec __m256i
#define iset64(x) _mm256_set1_epi64x((long long)(x))
#define iadd64(a, b) _mm256_add_epi64((a), (b))
#define imul32(a, b) _mm256_mul_epu32((a), (b))
#define ixor3(a, b, c) _mm256_xor_si256(_mm256_xor_si256((a), (b)), (c))
#define ihigh(a) _mm256_srli_epi64((a), 32)
#define V_COUNTERS _mm256_set_epi64x(6, 4, 2, 0)
INLINE __m256 keep_avx2(__m256 x, __m256i even, __m256i odd, __m256i threshold, __m256 scale) {
  __m256i word = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
  __m256i kept = _mm256_cmpeq_epi32(_mm256_max_epu32(word, threshold), word);
  return _mm256_and_ps(_mm256_castsi256_ps(kept), _mm256_mul_ps(x, scale));
}
#define iset32(x) _mm256_set1_epi32((int)(x))
#endif

static void V(drop)(float *x, int64_t n, int64_t block, const struct dropping *d) {
  const ivec m0 = iset64(PHILOX_M0), m1 = iset64(PHILOX_M1), threshold = iset32(d->threshold), one = iset64(1);
  const vec scale = vset(d->scale);
  for (; n >= 64; n -= 64, x += 64, block++) {
    for (int lane = 0; lane < 16; lane += LANES) {
      ivec e0 = iadd64(iset64(block * 16 + lane), V_COUNTERS), o0 = iadd64(e0, one);
      ivec e1 = ihigh(e0), o1 = ihigh(o0), e2 = iset64(0), o2 = e2, e3 = e2, o3 = e2;
      uint32_t k0 = (uint32_t)d->key, k1 = (uint32_t)(d->key >> 32);
      for (int round = 0; round < 10; round++, k0 += PHILOX_W0, k1 += PHILOX_W1) {
        ivec key0 = iset64(k0), key1 = iset64(k1);
        ivec ep0 = imul32(e0, m0), ep1 = imul32(e2, m1), op0 = imul32(o0, m0), op1 = imul32(o2, m1);
        e0 = ixor3(ihigh(ep1), e1, key0), e1 = ep1, e2 = ixor3(ihigh(ep0), e3, key1), e3 = ep0;
        o0 = ixor3(ihigh(op1), o1, key0), o1 = op1, o2 = ixor3(ihigh(op0), o3, key1), o3 = op0;
      }
      float *at = x + lane;
      vstore(at, V(keep)(vload(at), e0, o0, threshold, scale));
      vstore(at + 16, V(keep)(vload(at + 16), e1, o1, threshold, scale));
      vstore(at + 32, V(keep)(vload(at + 32), e2, o2, threshold, scale));
      vstore(at + 48, V(keep)(vload(at + 48), e3, o3, threshold, scale));
    }
  }
  if (n > 0) drop_block(x, n, block, d);
}
#undef ivec
#undef iset64
#undef iadd64
#undef imul32
#undef ixor3
#undef ihigh
#undef iset32
#undef V_COUNTERS
