/* SPDX-License-Identifier: MIT
 *
 * One vocabulary for 8 and 16 float lanes, so that a kernel's body is written once (see vector_each.h).  Included once for
 * each VECTOR_BITS, hence without a guard.
 *
 *   vec, LANES           the type and its number of floats
 *   vload_n, vstore_n    the first n lanes only, 0 <= n <= LANES; lanes not loaded are 0
 *   vfma(a, b, c)        a*b + c, one rounding;  vfnma: c - a*b
 *   vmax(a, b)           b where either is NaN
 *   vexp                 error below 2 ulp; exp(-inf) = 0, overflow = inf, NaN stays
 *   dvec, dload          LANES/2 doubles, widened from floats
 *   vfetch, vfetch_write  a cache line that will be read, or written; any address may be named.  Where a loop computes much
 *                        or its streams change often, the hardware alone does not look far enough ahead.
 */
#undef vec
#undef dvec
#undef LANES
#undef V
#undef vload
#undef vstore
#undef vset
#undef vadd
#undef vsub
#undef vmul
#undef vdiv
#undef vfma
#undef vfnma
#undef vmax
#undef vmin
#undef vsqrt
#undef vload_n
#undef vstore_n
#undef vsum
#undef vmost
#undef vexp
#undef dload
#undef dset
#undef dfma
#undef dsum
#undef vfetch
#undef vfetch_write
#define vfetch(p) __builtin_prefetch((const void *)(p), 0, 3)
#define vfetch_write(p) __builtin_prefetch((const void *)(p), 1, 3)
#undef INLINE
#define INLINE static inline __attribute__((always_inline, unused))

#if VECTOR_BITS == 512

#define V(name) name##_avx512
#define LANES 16
#define vec __m512
#define vload(p) _mm512_loadu_ps(p)
#define vstore(p, x) _mm512_storeu_ps((p), (x))
#define vset(x) _mm512_set1_ps(x)
#define vadd(a, b) _mm512_add_ps((a), (b))
#define vsub(a, b) _mm512_sub_ps((a), (b))
#define vmul(a, b) _mm512_mul_ps((a), (b))
#define vdiv(a, b) _mm512_div_ps((a), (b))
#define vfma(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define vfnma(a, b, c) _mm512_fnmadd_ps((a), (b), (c))
#define vmax(a, b) _mm512_max_ps((a), (b))
#define vmin(a, b) _mm512_min_ps((a), (b))
#define vsqrt(a) _mm512_sqrt_ps(a)
#define vsum(x) _mm512_reduce_add_ps(x)
#define vmost(x) _mm512_reduce_max_ps(x)
#define vload_n(p, n) _mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), (p))
#define vstore_n(p, x, n) _mm512_mask_storeu_ps((p), (__mmask16)((1u << (n)) - 1), (x))
#define vexp vexp_avx512
#define dvec __m512d
#define dload(p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define dset(x) _mm512_set1_pd(x)
#define dfma(a, b, c) _mm512_fmadd_pd((a), (b), (c))
#define dsum(x) _mm512_reduce_add_pd(x)

#else

#define V(name) name##_avx2
#define LANES 8
#define vec __m256
#define vload(p) _mm256_loadu_ps(p)
#define vstore(p, x) _mm256_storeu_ps((p), (x))
#define vset(x) _mm256_set1_ps(x)
#define vadd(a, b) _mm256_add_ps((a), (b))
#define vsub(a, b) _mm256_sub_ps((a), (b))
#define vmul(a, b) _mm256_mul_ps((a), (b))
#define vdiv(a, b) _mm256_div_ps((a), (b))
#define vfma(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define vfnma(a, b, c) _mm256_fnmadd_ps((a), (b), (c))
#define vmax(a, b) _mm256_max_ps((a), (b))
#define vmin(a, b) _mm256_min_ps((a), (b))
#define vsqrt(a) _mm256_sqrt_ps(a)
#define vsum vsum_avx2
#define vmost vmost_avx2
#define vload_n(p, n) _mm256_maskload_ps((p), lanes_avx2(n))
#define vstore_n(p, x, n) _mm256_maskstore_ps((p), lanes_avx2(n), (x))
#define vexp vexp_avx2
#define dvec __m256d
#define dload(p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define dset(x) _mm256_set1_pd(x)
#define dfma(a, b, c) _mm256_fmadd_pd((a), (b), (c))
#define dsum dsum_avx2

INLINE __m256i lanes_avx2(int64_t n) {
  static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(mask + 8 - n));
}

INLINE float vsum_avx2(__m256 x) {
  __m128 a = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  a = _mm_add_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

INLINE float vmost_avx2(__m256 x) {
  __m128 a = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  a = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

INLINE double dsum_avx2(__m256d x) {
  __m128d a = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_add_sd(a, _mm_unpackhi_pd(a, a)));
}

#endif

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2; ln 2 in two parts and the polynomial of Cephes expf
 * (S. Moshier, netlib.org/cephes). */
INLINE vec V(vexp)(vec x) {
  x = vmin(vset(89), vmax(vset(-104), x)); /* constant first: NaN in x stays */
#if VECTOR_BITS == 512
  vec n = _mm512_roundscale_ps(vmul(x, vset(1.44269504088896341f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  vec n = _mm256_round_ps(vmul(x, vset(1.44269504088896341f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#endif
  vec r = vfnma(n, vset(-2.12194440e-4f), vfnma(n, vset(0.693359375f), x));
  vec p = vset(1.9875691500e-4f);
  p = vfma(p, r, vset(1.3981999507e-3f));
  p = vfma(p, r, vset(8.3334519073e-3f));
  p = vfma(p, r, vset(4.1665795894e-2f));
  p = vfma(p, r, vset(1.6666665459e-1f));
  p = vfma(p, r, vset(5.0000001201e-1f));
  p = vfma(p, vmul(r, r), vadd(r, vset(1)));
#if VECTOR_BITS == 512
  return _mm512_scalef_ps(p, n);
#else
  /* 2^n in two factors: n reaches from -150 to 128, beyond one exponent field. */
  __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), one = _mm256_set1_epi32(127);
  __m256i a = _mm256_slli_epi32(_mm256_add_epi32(half, one), 23);
  __m256i b = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), one), 23);
  return vmul(vmul(p, _mm256_castsi256_ps(a)), _mm256_castsi256_ps(b));
#endif
}
