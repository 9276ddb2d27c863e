/* SPDX-License-Identifier: MIT
 *
 * Vector body of quantized.c.  A block's weights become 32 floats in registers (AVX-512 looks nibbles up in a register), are multiplied
 * with every row of x, and each sum of 32 is scaled by d on its way into the sum of the row.
 */
#undef BLOCK_VECTORS
#define BLOCK_VECTORS (32 / LANES)

#if VECTOR_BITS == 512
INLINE __m512 scale_avx512(const uint8_t *p) {
  uint16_t h;
  memcpy(&h, p, sizeof h);
  return _mm512_cvtph_ps(_mm256_set1_epi16((short)h));
}
INLINE void decode_avx512(enum quantization kind, __m512 w[2], const uint8_t *p) {
  if (kind == QUANTIZED_Q8_0) {
    w[0] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
    w[1] = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(p + 16))));
  } else {
    const __m512 table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    __m512i q = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); /* an index's upper bits are ignored */
    w[0] = _mm512_permutexvar_ps(q, table);
    w[1] = _mm512_permutexvar_ps(_mm512_srli_epi32(q, 4), table);
  }
}
#else
INLINE __m256 scale_avx2(const uint8_t *p) { return _mm256_set1_ps(scale_of(p)); }
INLINE void decode_avx2(enum quantization kind, __m256 w[4], const uint8_t *p) {
  if (kind == QUANTIZED_Q8_0) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) w[i] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(p + 8 * i))));
  } else {
    /* A nibble in the last bits of 2^23 is 2^23 + it, so a subtraction makes it a float. */
    const __m256i nibble = _mm256_set1_epi32(15), two23 = _mm256_set1_epi32(0x4B000000);
    const __m256 off = _mm256_set1_ps(8388616);
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      __m256i q = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p + 8 * i)));
      w[i] = _mm256_sub_ps(_mm256_castsi256_ps(_mm256_or_si256(_mm256_and_si256(q, nibble), two23)), off);
      w[2 + i] = _mm256_sub_ps(_mm256_castsi256_ps(_mm256_or_si256(_mm256_srli_epi32(q, 4), two23)), off);
    }
  }
}
#endif

/* y[m][0..columns-1] for m < rows; kind, rows, columns, ways and ahead are constants at each call.  w: `columns` rows of `blocks` blocks.
 * Each sum is taken in `ways` parts, so that an addition need not wait for the last one; `ahead`: bytes from a block to what is fetched. */
INLINE void V(block_dots)(enum quantization kind, int rows, int columns, int ways, int ahead, float *y, int64_t ld_y, const float *x, int64_t ld_x,
                          const uint8_t *w, const float *bias, int64_t blocks) {
  const int64_t size = kind == QUANTIZED_Q8_0 ? 34 : 18, row_bytes = blocks * size;
  vec sum[4][4][4];
#pragma GCC unroll 4
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 4
    for (int n = 0; n < columns; n++)
#pragma GCC unroll 4
      for (int i = 0; i < ways; i++) sum[m][n][i] = vset(0);
  int64_t b = 0;
#define BLOCK(way)                                                                                                                \
  for (int n = 0; n < columns; n++) {                                                                                             \
    vec q[BLOCK_VECTORS], d = V(scale)(w + n * row_bytes);                                                                        \
    V(decode)(kind, q, w + n * row_bytes + 2);                                                                                    \
    if (ahead) vfetch(w + n * row_bytes + ahead);                                                                                 \
    _Pragma("GCC unroll 4") for (int m = 0; m < rows; m++) {                                                                      \
      vec t = vmul(q[0], vload(x + m * ld_x));                                                                                    \
      _Pragma("GCC unroll 4") for (int i = 1; i < BLOCK_VECTORS; i++) t = vfma(q[i], vload(x + m * ld_x + i * LANES), t);         \
      sum[m][n][way] = vfma(d, t, sum[m][n][way]);                                                                                \
    }                                                                                                                             \
  }                                                                                                                               \
  w += size, x += 32
  for (; b + ways <= blocks; b += ways) {
#pragma GCC unroll 4
    for (int way = 0; way < ways; way++) {
#pragma GCC unroll 4
      BLOCK(way);
    }
  }
  for (; b < blocks; b++) {
#pragma GCC unroll 4
    BLOCK(0);
  }
#undef BLOCK
#pragma GCC unroll 4
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 4
    for (int n = 0; n < columns; n++) {
#pragma GCC unroll 4
      for (int i = 1; i < ways; i++) sum[m][n][0] = vadd(sum[m][n][0], sum[m][n][i]);
      y[m * ld_y + n] = vsum(sum[m][n][0]) + (bias ? bias[n] : 0);
    }
}

/* Rows x columns x ways sums fit the registers: 32 of 16 lanes, 16 of 8 lanes.  As measured: one stream of weights is read faster than four. */
INLINE void V(products_of_kind)(enum quantization kind, float *y, int64_t ld_y, const float *x, int64_t ld_x, const uint8_t *w, const float *bias,
                                int64_t rows, int64_t out, int64_t blocks) {
  const int64_t row_bytes = blocks * (kind == QUANTIZED_Q8_0 ? 34 : 18);
#define CASE(rows, columns, ways, ahead)                                                                                          \
  case rows:                                                                                                                      \
    for (; n + (columns) <= out; n += (columns))                                                                                  \
      V(block_dots)(kind, rows, columns, ways, ahead, y + n, ld_y, x, ld_x, w + n * row_bytes, bias ? bias + n : NULL, blocks);   \
    for (; n < out; n++) V(block_dots)(kind, rows, 1, ways, ahead, y + n, ld_y, x, ld_x, w + n * row_bytes, bias ? bias + n : NULL, blocks); \
    break
  for (; rows > 0; rows -= 4, x += 4 * ld_x, y += 4 * ld_y) {
    int64_t n = 0;
    switch (rows < 4 ? rows : 4) {
      CASE(1, 1, 4, 4096);
      CASE(2, 1, 2, 4096);
      CASE(3, LANES == 16 ? 4 : 1, 1, LANES == 16 ? 1024 : 4096);
      CASE(4, LANES == 16 ? 4 : 1, 1, LANES == 16 ? 1024 : 4096);
    }
  }
#undef CASE
}

static void V(products)(enum quantization kind, float *y, int64_t ld_y, const float *x, int64_t ld_x, const uint8_t *w, const float *bias,
                        int64_t rows, int64_t out, int64_t blocks) {
  if (kind == QUANTIZED_Q8_0) V(products_of_kind)(QUANTIZED_Q8_0, y, ld_y, x, ld_x, w, bias, rows, out, blocks);
  else V(products_of_kind)(QUANTIZED_Q4_0, y, ld_y, x, ld_x, w, bias, rows, out, blocks);
}

static void V(decode_row)(enum quantization kind, float *to, const uint8_t *w, int64_t blocks) {
  const int64_t size = kind == QUANTIZED_Q8_0 ? 34 : 18;
  for (int64_t b = 0; b < blocks; b++, w += size, to += 32) {
    vec q[BLOCK_VECTORS], d = V(scale)(w);
    V(decode)(kind, q, w + 2);
#pragma GCC unroll 4
    for (int i = 0; i < BLOCK_VECTORS; i++) vstore(to + i * LANES, vmul(q[i], d));
  }
}
