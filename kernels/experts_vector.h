/* SPDX-License-Identifier: MIT
 *
 * Vector body of experts.c: one block of a product, in the manner of Goto and van de Geijn (2008, ACM TOMS 34:3).  b is
 * packed into panels of two vectors' columns, zero beyond its last one; a tile of TILE_ROWS x two vectors of c stays in
 * registers over a block of K.  Each element of c is the sum over a block of K in order, added to the blocks before:
 * where M and N are cut changes no bit.
 */
#undef TILE_ROWS
#define TILE_ROWS (LANES == 16 ? 12 : 6)

/* Rows to columns, of LANES x LANES. */
INLINE void V(turn)(vec r[LANES]) {
  vec t[LANES], u[LANES];
#if VECTOR_BITS == 512
#pragma GCC unroll 8
  for (int i = 0; i < LANES; i += 2) t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
#define PAIRS(low_or_high, x, y) _mm512_castpd_ps(_mm512_unpack##low_or_high##_pd(_mm512_castps_pd(x), _mm512_castps_pd(y)))
#else
#pragma GCC unroll 8
  for (int i = 0; i < LANES; i += 2) t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
#define PAIRS(low_or_high, x, y) _mm256_castpd_ps(_mm256_unpack##low_or_high##_pd(_mm256_castps_pd(x), _mm256_castps_pd(y)))
#endif
#pragma GCC unroll 4
  for (int i = 0; i < LANES; i += 4) {
    u[i] = PAIRS(lo, t[i], t[i + 2]), u[i + 1] = PAIRS(hi, t[i], t[i + 2]);
    u[i + 2] = PAIRS(lo, t[i + 1], t[i + 3]), u[i + 3] = PAIRS(hi, t[i + 1], t[i + 3]);
  } /* 128-bit part p of u[4 i + j]: column 4 p + j of rows 4 i .. 4 i + 3 */
#undef PAIRS
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
#if VECTOR_BITS == 512
    vec even = _mm512_shuffle_f32x4(u[j], u[4 + j], 0x88), odd = _mm512_shuffle_f32x4(u[j], u[4 + j], 0xdd);
    vec even2 = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0x88), odd2 = _mm512_shuffle_f32x4(u[8 + j], u[12 + j], 0xdd);
    r[j] = _mm512_shuffle_f32x4(even, even2, 0x88), r[4 + j] = _mm512_shuffle_f32x4(odd, odd2, 0x88);
    r[8 + j] = _mm512_shuffle_f32x4(even, even2, 0xdd), r[12 + j] = _mm512_shuffle_f32x4(odd, odd2, 0xdd);
#else
    r[j] = _mm256_permute2f128_ps(u[j], u[4 + j], 0x20), r[4 + j] = _mm256_permute2f128_ps(u[j], u[4 + j], 0x31);
#endif
  }
}

/* Elements from one panel to the next: not a multiple of 4 KB, which would fall into one set of the cache. */
#undef GAP
#define GAP(K) (((K) + 1) * 2 * LANES)

/* b [K][N] -> panels of [K][2 * LANES].  Row by row: rows lie pages apart. */
static void V(pack_rows)(float *panels, int64_t K, int64_t N, const float *b, int64_t ld) {
  for (int64_t k = 0; k < K; k++, b += ld) {
    float *to = panels + k * 2 * LANES;
    int64_t n = 0;
    for (; n + 2 * LANES <= N; n += 2 * LANES, to += GAP(K)) {
      vfetch(b + 6 * ld + n), vfetch(b + 6 * ld + n + LANES);
      vstore(to, vload(b + n)), vstore(to + LANES, vload(b + n + LANES));
    }
    if (n == N) continue;
    vstore(to, vload_n(b + n, N - n < LANES ? N - n : LANES));
    vstore(to + LANES, N - n > LANES ? vload_n(b + n + LANES, N - n - LANES) : vset(0));
  }
}

/* b [N][K] -> panels of [K][2 * LANES] */
static void V(pack_columns)(float *panel, int64_t K, int64_t N, const float *b, int64_t ld) {
  for (int64_t n = 0; n < N; n += LANES) {
    int64_t left = N - n < LANES ? N - n : LANES;
    float *to = panel + n / (2 * LANES) * GAP(K) + n % (2 * LANES);
    for (int64_t k = 0; k < K; k += LANES, to += LANES * 2 * LANES) {
      const float *from = b + n * ld + k;
      int64_t depth = K - k < LANES ? K - k : LANES;
      vec r[LANES];
      if (depth == LANES && left == LANES) {
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) r[i] = vload(from + i * ld);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) r[i] = i < left ? vload_n(from + i * ld, depth) : vset(0);
      }
      V(turn)(r);
#pragma GCC unroll 16
      for (int i = 0; i < LANES; i++)
        if (i < depth) vstore(to + i * 2 * LANES, r[i]);
    }
  }
  if ((N + LANES - 1) / LANES % 2 == 1) { /* the second half of the last panel */
    float *to = panel + N / (2 * LANES) * GAP(K) + LANES;
    for (int64_t k = 0; k < K; k++) vstore(to + k * 2 * LANES, vset(0));
  }
}

/* The first M columns of a [K][M] -> strips of [K][TILE_ROWS], STRIP(K) apart.  Stores are whole vectors: what they write
 * beyond a row is written again after, or lies behind the strip. */
#undef STRIP
#define STRIP(K) ((K) * TILE_ROWS + LANES)
static void V(pack_strips)(float *to, int64_t K, int64_t M, int64_t strips, const float *a, int64_t ld) {
  int64_t begins[MOST_ROWS_PACKED], whole = 0; /* strips before `whole` may be read a vector wide */
  for (int64_t s = 0; s < strips; s++) {
    begins[s] = M * s / strips;
    if (begins[s] + LANES <= M) whole = s + 1;
  }
  for (int64_t k = 0; k < K; k++, a += ld, to += TILE_ROWS) {
    for (int64_t s = 0; s < whole; s++) vfetch(a + 6 * ld + begins[s]), vstore(to + s * STRIP(K), vload(a + begins[s]));
    for (int64_t s = whole; s < strips; s++) vstore(to + s * STRIP(K), vload_n(a + begins[s], M - begins[s]));
  }
}

/* c[rows][columns] = or += a b, b a panel.  Row m of a at a + m*row, its element k at k*step (one of both is 1). */
INLINE void V(tile)(int rows, bool packed, int64_t K, const float *a, int64_t row, const float *b, bool add, float *c, int64_t ld_c, int64_t columns) {
  vec sum[12][2];
  const float *base[4] = {a, a + 3 * row, a + 6 * row, a + 9 * row};
#pragma GCC unroll 12
  for (int m = 0; m < rows; m++) {
    sum[m][0] = sum[m][1] = vset(0);
    vfetch_write(c + m * ld_c), vfetch_write(c + m * ld_c + LANES);
  }
  for (int64_t k = 0; k < K; k++) {
    vec left = vload(b), right = vload(b + LANES);
    b += 2 * LANES;
#pragma GCC unroll 12
    for (int m = 0; m < rows; m++) {
      vec x = vset(packed ? a[m] : base[m / 3][m % 3 * row]);
      sum[m][0] = vfma(x, left, sum[m][0]), sum[m][1] = vfma(x, right, sum[m][1]);
    }
    if (packed) {
      a += TILE_ROWS;
    } else {
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) base[i]++;
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < rows; m++, c += ld_c) {
    if (columns >= 2 * LANES) {
      vstore(c, add ? vadd(vload(c), sum[m][0]) : sum[m][0]);
      vstore(c + LANES, add ? vadd(vload(c + LANES), sum[m][1]) : sum[m][1]);
    } else {
      int64_t n = columns < LANES ? columns : LANES;
      vstore_n(c, add ? vadd(vload_n(c, n), sum[m][0]) : sum[m][0], n);
      if (columns > LANES) vstore_n(c + LANES, add ? vadd(vload_n(c + LANES, columns - LANES), sum[m][1]) : sum[m][1], columns - LANES);
    }
  }
}

/* `packed` is a constant at each call, and so `rows` is below. */
INLINE void V(any_tile)(int rows, bool packed, int64_t K, const float *a, int64_t row, const float *b, bool add, float *c, int64_t ld_c, int64_t columns) {
#define CASE(n)                                                                                                        \
  case n:                                                                                                              \
    if ((n) <= TILE_ROWS) V(tile)(n, packed, K, a, row, b, add, c, ld_c, columns);                                     \
    break
  switch (rows) {
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
    CASE(7);
    CASE(8);
    CASE(9);
    CASE(10);
    CASE(11);
    CASE(12);
  }
#undef CASE
}

static void V(row_tile)(int rows, int64_t K, const float *a, int64_t ld_a, const float *b, bool add, float *c, int64_t ld_c, int64_t columns) {
  V(any_tile)(rows, false, K, a, ld_a, b, add, c, ld_c, columns);
}

static void V(packed_tile)(int rows, int64_t K, const float *a, const float *b, bool add, float *c, int64_t ld_c, int64_t columns) {
  V(any_tile)(rows, true, K, a, 1, b, add, c, ld_c, columns);
}

/* c[M][N] = or += op(a) op(b).  packed_b: BLOCK_K * (N rounded up to 2 * LANES), packed_a, when a is
 * transposed: STRIP(BLOCK_K) for each TILE_ROWS of M. */
static void V(block)(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, const float *a, int64_t ld_a, const float *b,
                     int64_t ld_b, bool add, float *c, int64_t ld_c, float *packed_a, float *packed_b) {
  int64_t blocks = (K + BLOCK_K - 1) / BLOCK_K, strips = (M + TILE_ROWS - 1) / TILE_ROWS;
  for (int64_t i = 0; i < blocks; i++) {
    int64_t first = K * i / blocks, depth = K * (i + 1) / blocks - first;
    if (transpose_b) V(pack_columns)(packed_b, depth, N, b + first, ld_b);
    else V(pack_rows)(packed_b, depth, N, b + first * ld_b, ld_b);
    if (transpose_a) V(pack_strips)(packed_a, depth, M, strips, a + first * ld_a, ld_a);
    for (int64_t n = 0; n < N; n += 2 * LANES)
      for (int64_t s = 0; s < strips; s++) {
        int64_t begin = M * s / strips, rows = M * (s + 1) / strips - begin;
        float *to = c + begin * ld_c + n;
        const float *panel = packed_b + n / (2 * LANES) * GAP(depth);
        if (transpose_a) V(packed_tile)((int)rows, depth, packed_a + s * STRIP(depth), panel, add || i > 0, to, ld_c, N - n);
        else V(row_tile)((int)rows, depth, a + begin * ld_a + first, ld_a, panel, add || i > 0, to, ld_c, N - n);
      }
  }
}
