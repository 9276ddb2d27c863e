/* SPDX-License-Identifier: MIT
 *
 * Vector body of matmul.c: a few rows of a against many rows of b, both contiguous along K.  Every row of b is read once,
 * a few rows of b at a time, so the rows of a come from the first-level cache; more than BLOCK rows of a find
 * those of b in the second-level cache.
 */

/* c[m][0..columns-1] for m < rows; `rows` and `columns` are constants at each call. */
INLINE void V(dots)(int rows, int columns, int64_t K, float alpha, const float *a, int64_t ld_a, const float *b, int64_t ld_b,
                    float beta, float *c, int64_t ld_c) {
  vec sum[BLOCK][4];
#pragma GCC unroll 8
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 4
    for (int n = 0; n < columns; n++) sum[m][n] = vset(0);
  int64_t k = 0;
  for (; k + LANES <= K; k += LANES) {
    vec w[4];
#pragma GCC unroll 4
    for (int n = 0; n < columns; n++) w[n] = vload(b + n * ld_b + k);
#pragma GCC unroll 8
    for (int m = 0; m < rows; m++) {
      vec x = vload(a + m * ld_a + k);
#pragma GCC unroll 4
      for (int n = 0; n < columns; n++) sum[m][n] = vfma(x, w[n], sum[m][n]);
    }
  }
  if (k < K) {
#pragma GCC unroll 8
    for (int m = 0; m < rows; m++) {
      vec x = vload_n(a + m * ld_a + k, K - k);
#pragma GCC unroll 4
      for (int n = 0; n < columns; n++) sum[m][n] = vfma(x, vload_n(b + n * ld_b + k, K - k), sum[m][n]);
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < rows; m++)
#pragma GCC unroll 4
    for (int n = 0; n < columns; n++) {
      float *to = c + m * ld_c + n, y = alpha * vsum(sum[m][n]);
      *to = beta == 0 ? y : y + beta * *to;
    }
}

static void V(dot_rows)(int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a, const float *b,
                        int64_t ld_b, float beta, float *c, int64_t ld_c) {
  /* rows x columns sums, the columns' vectors and one of a fit the registers: 32 of 16 lanes, 16 of 8 lanes. */
#define CASE(rows, columns)                                                                                            \
  case rows:                                                                                                           \
    for (; n + (columns) <= N; n += (columns))                                                                         \
      V(dots)(rows, columns, K, alpha, a, ld_a, b + n * ld_b, ld_b, beta, c + n, ld_c);                                \
    for (; n < N; n++) V(dots)(rows, 1, K, alpha, a, ld_a, b + n * ld_b, ld_b, beta, c + n, ld_c);                     \
    break
  for (; M > 0; M -= BLOCK, a += BLOCK * ld_a, c += BLOCK * ld_c) {
    int64_t n = 0;
    switch (M < BLOCK ? M : BLOCK) {
      CASE(1, 4);
      CASE(2, 4);
      CASE(3, LANES == 16 ? 4 : 3);
      CASE(4, LANES == 16 ? 4 : 2);
      CASE(5, LANES == 16 ? 4 : 2);
      CASE(6, LANES == 16 ? 4 : 2);
    }
  }
#undef CASE
}
