/* SPDX-License-Identifier: MIT
 *
 * Body of attention.c for the AVX-512 dot product of bfloat16 pairs, twice the speed of float products.  Operands of the five
 * products (q.k, p v; d_out.v, p^T d_out, ds k, ds^T q) are rounded to bfloat16 when packed or made; sums, the softmax and its
 * gradient are float.
 *
 * Tiles are turned: SIDE keys (rows) by SIDE queries (columns), so that the softmax runs down the columns, 16 queries in a
 * vector, without horizontal sums, and p^T needs no transposing.  A product's operand read by broadcasts holds pairs of
 * neighbours along the sum in one 32-bit word, the operand read by vectors likewise:
 *   rows    [rows][width / 2]        pairs along the head: keys and values, broadcast for q.k and d_out.v
 *   turned  [width / 2][SIDE]        the same of a block of queries and d_out, by vectors
 *   pairs   [rows / 2][width]        pairs of rows: values and keys for p v and ds k, queries and d_out for ds^T q and p^T d_out
 * width: the head's size rounded up to 32.  Scores are in units of log 2: queries are packed times scale / ln 2.
 */
enum { SIDE = 64, BF16_ROWS = 8 };

/* c[8][32] = (keep[r], or 1 when `add`, or 0) * c + sum over K pairs.  Flags are constants at each call. */
INLINE void bf16_micro(float *c, int64_t ld_c, const float *keep, bool add, const uint32_t *a, int64_t a_row, int64_t a_k, const uint32_t *b,
                       int64_t ld_b, int64_t K) {
  vec sum[BF16_ROWS][2];
#pragma GCC unroll 8
  for (int r = 0; r < BF16_ROWS; r++) {
    sum[r][0] = sum[r][1] = vset(0);
    if (keep || add) sum[r][0] = vload(c + r * ld_c), sum[r][1] = vload(c + r * ld_c + LANES);
    if (keep) sum[r][0] = vmul(sum[r][0], vset(keep[r])), sum[r][1] = vmul(sum[r][1], vset(keep[r]));
  }
  for (int64_t k = 0; k < K; k++) {
    __m512bh x = (__m512bh)_mm512_loadu_si512(b + k * ld_b), y = (__m512bh)_mm512_loadu_si512(b + k * ld_b + LANES);
#pragma GCC unroll 8
    for (int r = 0; r < BF16_ROWS; r++) {
      __m512bh s = (__m512bh)_mm512_set1_epi32((int)a[r * a_row + k * a_k]);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], s, x);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], s, y);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < BF16_ROWS; r++) vstore(c + r * ld_c, sum[r][0]), vstore(c + r * ld_c + LANES, sum[r][1]);
}

/* score[rows][32] = rows (pairs along the head) times a turned block; rows: a multiple of 8. */
static void bf16_scores(float *score, const uint32_t *rows, int64_t ld, const uint32_t *turned, int64_t count, int64_t pairs) {
  for (int64_t r = 0; r < count; r += BF16_ROWS) bf16_micro(score + r * SIDE, SIDE, NULL, false, rows + r * ld, ld, 1, turned, SIDE, pairs);
}
/* c[8][width] = keep c + p b: p: [pairs][SIDE], its word of row r at r. */
static void bf16_shrink_and_add(int64_t width, float *c, const float *keep, const uint32_t *p, const uint32_t *b, int64_t pairs) {
  for (int64_t n = 0; n < width; n += 32) bf16_micro(c + n, width, keep, false, p, 1, SIDE, b + n, width, pairs);
}
/* c[8][width] += p b: p as above. */
static void bf16_add_product(int64_t width, float *c, const uint32_t *p, const uint32_t *b, int64_t pairs) {
  for (int64_t n = 0; n < width; n += 32) bf16_micro(c + n, width, NULL, true, p, 1, SIDE, b + n, width, pairs);
}
/* c[8][width] += p b: p: [8][SIDE / 2]. */
static void bf16_add_rows(int64_t width, float *c, const uint32_t *p, const uint32_t *b, int64_t pairs) {
  for (int64_t n = 0; n < width; n += 32) bf16_micro(c + n, width, NULL, true, p, SIDE / 2, 1, b + n, width, pairs);
}

INLINE __m512i bf16_join(vec low, vec high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }
/* Words of low[i] and high[i]. */
INLINE __m512i bf16_interleave(vec low, vec high) {
  static const uint16_t order[32] = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), bf16_join(low, high));
}

INLINE vec bf16_load(const float *row, int64_t d, int64_t D) {
  return d + LANES <= D ? vload(row + d) : vload_n(row + d, D > d ? D - d : 0);
}

/* x: [rows][ld] of which D are used, times factor -> to: [padded][width / 2], pairs along the row.  `coming` >= rows: x has so many,
 * those behind `rows` will be wanted soon. */
static void bf16_pack_rows(uint32_t *to, const float *x, int64_t ld, int64_t rows, int64_t coming, int64_t padded, int64_t D, int64_t width, float factor) {
  vec f = vset(factor);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < width; d += 2 * LANES) {
      if (r + AHEAD < coming) vfetch(x + (r + AHEAD) * ld + d), vfetch(x + (r + AHEAD) * ld + d + LANES);
      _mm512_storeu_si512(to + (r * width + d) / 2, bf16_join(vmul(bf16_load(x + r * ld, d, D), f), vmul(bf16_load(x + r * ld, d + LANES, D), f)));
    }
  memset(to + rows * width / 2, 0, (size_t)((padded - rows) * width / 2) * sizeof *to);
}

/* x: [rows][ld] of which D are used -> to: [padded / 2][width], pairs of rows. */
static void bf16_pack_pairs(uint32_t *to, const float *x, int64_t ld, int64_t rows, int64_t padded, int64_t D, int64_t width) {
  for (int64_t r = 0; r < rows; r += 2)
    for (int64_t d = 0; d < width; d += LANES) {
      if (r + AHEAD + 1 < rows) vfetch(x + (r + AHEAD) * ld + d), vfetch(x + (r + AHEAD + 1) * ld + d);
      vec next = r + 1 < rows ? bf16_load(x + (r + 1) * ld, d, D) : vset(0);
      _mm512_storeu_si512(to + r / 2 * width + d, bf16_interleave(bf16_load(x + r * ld, d, D), next));
    }
  int64_t done = (rows + 1) / 2;
  memset(to + done * width, 0, (size_t)((padded / 2 - done) * width) * sizeof *to);
}

/* from: [SIDE][words] -> to: [words][SIDE]; words: a multiple of 16. */
static void bf16_turn(uint32_t *to, const uint32_t *from, int64_t words) {
  for (int64_t u = 0; u < SIDE; u += 16)
    for (int64_t d = 0; d < words; d += 16) { /* 16 x 16 transposed in registers: 4 x 4 in 128-bit lanes, then the lanes */
      __m512i r[16], t[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(from + (u + i) * words + d);
#pragma GCC unroll 8
      for (int i = 0; i < 16; i += 2) t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]), t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
#pragma GCC unroll 4
      for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]), r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]), r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) { /* r[4 j + i] lane l: column 4 l + i of rows 4 j.. */
        __m512i a = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88), b = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
        __m512i c = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88), e = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
        _mm512_storeu_si512(to + (d + i) * SIDE + u, _mm512_shuffle_i32x4(a, c, 0x88));
        _mm512_storeu_si512(to + (d + 4 + i) * SIDE + u, _mm512_shuffle_i32x4(b, e, 0x88));
        _mm512_storeu_si512(to + (d + 8 + i) * SIDE + u, _mm512_shuffle_i32x4(a, c, 0xdd));
        _mm512_storeu_si512(to + (d + 12 + i) * SIDE + u, _mm512_shuffle_i32x4(b, e, 0xdd));
      }
    }
}

/* 2^x: 2^r around the nearest integer by the polynomial 1 + c1 r + .. + c4 r^4 whose greatest relative error over |r| <= 1/2 is least
 * (found by Lawson's iteration), 2.8e-6: a thousandth of a bfloat16's.  x finite. */
INLINE vec bf16_exp2(vec x) {
  vec n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), r = vsub(x, n);
  vec p = vset(9.58285317e-3f);
  p = vfma(p, r, vset(5.5906425e-2f));
  p = vfma(p, r, vset(2.40240986e-1f));
  p = vfma(p, r, vset(6.93124193e-1f));
  p = vfma(p, r, vset(1));
  return _mm512_scalef_ps(p, n);
}
#define LOG2E 1.44269504088896341f
#define LN2 0.693147180559945309f

/* Which of 16 queries from position t on see the key at u.  starts: theirs, or NULL. */
INLINE __mmask16 bf16_seen(int64_t u, int64_t t, const int32_t *starts, int64_t window) {
  int64_t low = u - t, high = window > 0 ? u + window - t : 16;
  uint32_t mask = low <= 0 ? 0xffff : low >= 16 ? 0 : 0xffffu << low;
  if (high < 16) mask &= high <= 0 ? 0 : (1u << high) - 1;
  if (starts) mask &= _mm512_cmple_epi32_mask(_mm512_loadu_si512(starts), _mm512_set1_epi32((int)u));
  return (__mmask16)mask;
}

/* The starts of `count` queries from `first` on, to be read by vectors; padding sees no less than the last. */
static void bf16_starts_of(int32_t block[SIDE], const int32_t *starts, int64_t first, int64_t count) {
  for (int64_t r = 0; r < SIDE; r++) block[r] = starts[first + (r < count ? r : count - 1)];
}

/* The words of mask_of_row of a block's rows, to be read by vectors. */
struct bf16_masks { uint32_t first[SIDE], second[SIDE], below; float kept; };

static void bf16_masks_of(struct bf16_masks *m, int64_t row, int64_t count, const struct attention_shape *s) {
  memset(m, 0, sizeof *m);
  for (int64_t r = 0; r < count; r++) {
    struct mask mask = mask_of_row(s, row + r);
    m->first[r] = mask.first, m->second[r] = mask.second, m->below = mask.below, m->kept = mask.kept;
  }
}

/* x times the mask of the key at u for the 16 queries from column j on. */
INLINE vec bf16_mask(vec p, const struct bf16_masks *m, int64_t j, int64_t u) {
  __m512i x = _mm512_xor_si512(_mm512_set1_epi32((int)u), _mm512_loadu_si512(m->first + j));
  x = _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 16)), _mm512_set1_epi32(MASK_FIRST));
  x = _mm512_add_epi32(x, _mm512_loadu_si512(m->second + j));
  x = _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 15)), _mm512_set1_epi32((int)MASK_SECOND));
  __mmask16 kept = _mm512_cmpge_epu32_mask(_mm512_xor_si512(x, _mm512_srli_epi32(x, 16)), _mm512_set1_epi32((int)m->below));
  return _mm512_maskz_mul_ps(kept, p, vset(m->kept));
}

static size_t bf16_forward_scratch(const struct attention_shape *s) {
  int64_t width = round_up_avx512(s->D, 32), width_v = round_up_avx512(s->D_v, 32), stride = round_up_avx512(s->T, SIDE);
  return (size_t)(stride * (width + width_v) / 2 + SIDE * (width + width_v) + SIDE * SIDE * 3 / 2) * sizeof(float);
}

/* 16 queries (column j of the tile) against its first `limit` keys, an even number: scores -> p, in pairs of keys.  `edge`: some key
 * is not seen by some query; `drop`: dropout.  Both are constants at each call. */
INLINE void bf16_softmax(bool edge, bool drop, uint32_t *p, float *score, int64_t j, int64_t limit, int64_t tile, int64_t first, float *most,
                         float *sum, float *keep, const struct bf16_masks *masks, const int32_t *starts, const struct attention_shape *s) {
  vec before = vload(most + j), m = before, m2 = before, total = vset(0);
  for (int64_t u = 0; u < limit; u += 2) {
    vec x = vload(score + u * SIDE + j), y = vload(score + (u + 1) * SIDE + j);
    if (edge) {
      m = _mm512_mask_max_ps(m, bf16_seen(tile + u, first + j, starts, s->window), m, x);
      m2 = _mm512_mask_max_ps(m2, bf16_seen(tile + u + 1, first + j, starts, s->window), m2, y);
    } else {
      m = vmax(m, x), m2 = vmax(m2, y);
    }
  }
  m = vmax(m, m2);
  vec shrink = bf16_exp2(vsub(before, m));
  for (int64_t u = 0; u < limit; u += 2) {
    vec x = bf16_exp2(vsub(vload(score + u * SIDE + j), m)), y = bf16_exp2(vsub(vload(score + (u + 1) * SIDE + j), m));
    if (edge) {
      x = _mm512_maskz_mov_ps(bf16_seen(tile + u, first + j, starts, s->window), x);
      y = _mm512_maskz_mov_ps(bf16_seen(tile + u + 1, first + j, starts, s->window), y);
    }
    total = vadd(total, vadd(x, y));
    if (drop) x = bf16_mask(x, masks, j, tile + u), y = bf16_mask(y, masks, j, tile + u + 1);
    _mm512_storeu_si512(p + u / 2 * SIDE + j, bf16_interleave(x, y));
  }
  vstore(most + j, m), vstore(keep + j, shrink);
  vstore(sum + j, vfma(vload(sum + j), shrink, total));
}

/* As group_forward, all of a sequence's positions. */
static void bf16_group_forward(float *out, float *log_sum_exp, const float *q, const float *k, const float *v, int64_t heads, int64_t row,
                               struct ahead *ahead, float *scratch, const struct attention_shape *s) {
  int64_t D = s->D, D_v = s->D_v, T = s->T, width = round_up_avx512(D, 32), width_v = round_up_avx512(D_v, 32);
  int64_t stride = round_up_avx512(T, SIDE), pairs = (D + 1) / 2;
  uint32_t *keys = (uint32_t *)scratch, *values = keys + stride * width / 2, *turned = values + stride / 2 * width_v;
  uint32_t *queries = turned + SIDE * width / 2, *p = queries + SIDE * width / 2;
  float *score = (float *)(p + SIDE * SIDE / 2), *result = score + SIDE * SIDE;
  const int32_t *starts = starts_of_row(s, row);
  bf16_pack_rows(keys, k, s->ld_k, T, T, stride, D, width, 1);
  bf16_pack_pairs(values, v, s->ld_v, T, stride, D_v, width_v);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += SIDE) {
      int64_t count = T - first < SIDE ? T - first : SIDE;
      float most[SIDE], sum[SIDE], keep[SIDE];
      struct bf16_masks masks;
      int32_t block_starts[SIDE];
      if (starts) bf16_starts_of(block_starts, starts, first, count);
      if (s->dropout > 0) bf16_masks_of(&masks, row + h * T + first, count, s);
      bf16_pack_rows(queries, q + first * s->ld_q + h * D, s->ld_q, count, T - first, SIDE, D, width, s->scale * LOG2E);
      bf16_turn(turned, queries, width / 2);
      memset(result, 0, (size_t)(SIDE * width_v) * sizeof *result);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D_v; i += 16) vfetch_write(out + (first + r) * s->ld_out + h * D_v + i);
      for (int64_t r = 0; r < SIDE; r++) most[r] = -FLT_MAX, sum[r] = 0;
      for (int64_t tile = first_seen(first, starts, s->window) / SIDE * SIDE; tile <= first; tile += SIDE) {
        bool diagonal = tile == first, edge = diagonal || tile < first_seen(first + count - 1, starts, s->window);
        for (int64_t j = 0; j < count; j += 32)
          bf16_scores(score + j, keys + tile * width / 2, width / 2, turned + j, diagonal ? j + 32 : SIDE, pairs);
        for (int64_t j = 0; j < count; j += LANES) {
          int64_t limit = diagonal ? j + LANES : SIDE;
          if (s->dropout > 0) bf16_softmax(true, true, p, score, j, limit, tile, first, most, sum, keep, &masks, starts ? block_starts + j : NULL, s);
          else if (edge) bf16_softmax(true, false, p, score, j, limit, tile, first, most, sum, keep, NULL, starts ? block_starts + j : NULL, s);
          else bf16_softmax(false, false, p, score, j, limit, tile, first, most, sum, keep, NULL, starts ? block_starts + j : NULL, s);
        }
        for (int64_t r = 0; r < count; r += BF16_ROWS) {
          ahead_fetch(ahead);
          bf16_shrink_and_add(width_v, result + r * width_v, keep + r, p + r, values + tile / 2 * width_v, (diagonal ? r + BF16_ROWS : SIDE) / 2);
        }
      }
      for (int64_t r = 0; r < count; r++) {
        unpack_avx512(out + (first + r) * s->ld_out + h * D_v, s->ld_out, result + r * width_v, 1, D_v, width_v, 1 / sum[r]);
        if (log_sum_exp) log_sum_exp[h * T + first + r] = most[r] * LN2 + logf(sum[r]);
      }
    }
}

static size_t bf16_backward_scratch(const struct attention_shape *s) {
  int64_t width = round_up_avx512(s->D, 32), width_v = round_up_avx512(s->D_v, 32), stride = round_up_avx512(s->T, SIDE);
  int64_t wider = width > width_v ? width : width_v;
  return (size_t)(stride * (2 * width + width_v / 2 + width_v) + SIDE * (2 * width + width_v + wider / 2) + SIDE * SIDE * 7 / 2) * sizeof(float);
}

/* 32 queries (columns j and j + 16) against the tile's first `limit` keys: scores and d_out.v -> p and ds in pairs of queries, ds also
 * in pairs of keys.  Flags as above. */
INLINE void bf16_softmax_backward(bool edge, bool drop, uint32_t *p, uint32_t *ds, uint32_t *ds_pairs, const float *score, const float *d_score,
                                  int64_t j, int64_t limit, int64_t tile, int64_t first, const float *lse, const float *delta,
                                  const struct bf16_masks *masks, const int32_t *starts, const struct attention_shape *s) {
  for (int64_t u = 0; u < limit; u += 2) {
    vec x[2][2], y[2][2]; /* of the key and the next, of the columns */
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
      for (int c = 0; c < 2; c++) {
        int64_t at = (u + i) * SIDE + j + c * LANES;
        vec prob = bf16_exp2(vsub(vload(score + at), vload(lse + j + c * LANES))), dp = vload(d_score + at);
        if (edge) prob = _mm512_maskz_mov_ps(bf16_seen(tile + u + i, first + j + c * LANES, starts ? starts + c * LANES : NULL, s->window), prob);
        x[i][c] = prob;
        if (drop) {
          x[i][c] = bf16_mask(prob, masks, j + c * LANES, tile + u + i);
          dp = bf16_mask(dp, masks, j + c * LANES, tile + u + i);
        }
        y[i][c] = vmul(prob, vsub(dp, vload(delta + j + c * LANES)));
      }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
      _mm512_storeu_si512(p + ((u + i) * SIDE + j) / 2, bf16_join(x[i][0], x[i][1]));
      _mm512_storeu_si512(ds + ((u + i) * SIDE + j) / 2, bf16_join(y[i][0], y[i][1]));
      _mm512_storeu_si512(ds_pairs + u / 2 * SIDE + j + i * LANES, bf16_interleave(y[0][i], y[1][i]));
    }
  }
}

/* As group_backward. */
static void bf16_group_backward(float *dq, float *dk, float *dv, const float *d_out, const float *q, const float *k, const float *v,
                                const float *out, const float *log_sum_exp, int64_t heads, int64_t row,
                                struct ahead *ahead, float *scratch, const struct attention_shape *s) {
  int64_t D = s->D, D_v = s->D_v, T = s->T, width = round_up_avx512(D, 32), width_v = round_up_avx512(D_v, 32);
  int64_t stride = round_up_avx512(T, SIDE), wider = width > width_v ? width : width_v;
  uint32_t *keys = (uint32_t *)scratch, *key_pairs = keys + stride * width / 2, *values = key_pairs + stride / 2 * width;
  float *d_keys = (float *)(values + stride * width_v / 2), *d_values = d_keys + stride * width;
  float *d_query = d_values + stride * width_v, *score = d_query + SIDE * width, *d_score = score + SIDE * SIDE;
  uint32_t *turned_q = (uint32_t *)(d_score + SIDE * SIDE), *turned_d = turned_q + SIDE * width / 2, *queries = turned_d + SIDE * width_v / 2;
  uint32_t *d = queries + SIDE / 2 * width, *rows = d + SIDE / 2 * width_v, *p = rows + SIDE * wider / 2, *ds = p + SIDE * SIDE / 2;
  uint32_t *ds_pairs = ds + SIDE * SIDE / 2;
  const int32_t *starts = starts_of_row(s, row);
  bf16_pack_rows(keys, k, s->ld_k, T, T, stride, D, width, 1);
  bf16_pack_pairs(key_pairs, k, s->ld_k, T, stride, D, width);
  bf16_pack_rows(values, v, s->ld_v, T, T, stride, D_v, width_v, 1);
  memset(d_keys, 0, (size_t)(stride * width) * sizeof *d_keys);
  memset(d_values, 0, (size_t)(stride * width_v) * sizeof *d_values);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += SIDE) {
      int64_t count = T - first < SIDE ? T - first : SIDE;
      float delta[SIDE], lse[SIDE]; /* as in group_backward; of queries that are padding, p is 0 */
      struct bf16_masks masks;
      int32_t block_starts[SIDE];
      if (starts) bf16_starts_of(block_starts, starts, first, count);
      const float *rows_q = q + first * s->ld_q + h * D, *rows_d = d_out + first * s->ld_out + h * D_v;
      if (s->dropout > 0) bf16_masks_of(&masks, row + h * T + first, count, s);
      bf16_pack_rows(rows, rows_q, s->ld_q, count, T - first, SIDE, D, width, s->scale * LOG2E);
      bf16_turn(turned_q, rows, width / 2);
      bf16_pack_pairs(queries, rows_q, s->ld_q, count, SIDE, D, width);
      bf16_pack_rows(rows, rows_d, s->ld_out, count, T - first, SIDE, D_v, width_v, 1);
      bf16_turn(turned_d, rows, width_v / 2);
      bf16_pack_pairs(d, rows_d, s->ld_out, count, SIDE, D_v, width_v);
      memset(d_query, 0, (size_t)(SIDE * width) * sizeof *d_query);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D; i += 16) vfetch_write(dq + (first + r) * s->ld_q + h * D + i);
      for (int64_t r = 0; r < SIDE; r++) {
        for (int64_t i = 0; r + AHEAD < T - first && i < D_v; i += LANES) vfetch(out + (first + r + AHEAD) * s->ld_out + h * D_v + i);
        delta[r] = r < count ? dot_avx512(rows_d + r * s->ld_out, out + (first + r) * s->ld_out + h * D_v, D_v) : 0;
        lse[r] = r < count ? log_sum_exp[h * T + first + r] * LOG2E : FLT_MAX;
      }
      for (int64_t tile = first_seen(first, starts, s->window) / SIDE * SIDE; tile <= first; tile += SIDE) {
        bool diagonal = tile == first, edge = diagonal || tile < first_seen(first + count - 1, starts, s->window);
        for (int64_t j = 0; j < count; j += 32) {
          int64_t limit = diagonal ? j + 32 : SIDE;
          bf16_scores(score + j, keys + tile * width / 2, width / 2, turned_q + j, limit, (D + 1) / 2);
          bf16_scores(d_score + j, values + tile * width_v / 2, width_v / 2, turned_d + j, limit, (D_v + 1) / 2);
          if (s->dropout > 0) bf16_softmax_backward(true, true, p, ds, ds_pairs, score, d_score, j, limit, tile, first, lse, delta, &masks, starts ? block_starts + j : NULL, s);
          else if (edge) bf16_softmax_backward(true, false, p, ds, ds_pairs, score, d_score, j, limit, tile, first, lse, delta, NULL, starts ? block_starts + j : NULL, s);
          else bf16_softmax_backward(false, false, p, ds, ds_pairs, score, d_score, j, limit, tile, first, lse, delta, NULL, starts ? block_starts + j : NULL, s);
        }
        for (int64_t r = 0; r < count; r += BF16_ROWS) {
          ahead_fetch(ahead);
          bf16_add_product(width, d_query + r * width, ds_pairs + r, key_pairs + tile / 2 * width, (diagonal ? r + BF16_ROWS : SIDE) / 2);
        }
        for (int64_t u = 0; u < SIDE; u += BF16_ROWS) {
          int64_t from = diagonal ? u / 2 : 0, pairs = (count + 1) / 2 - from; /* pairs of queries that see one of these keys */
          if (pairs <= 0) break;
          bf16_add_rows(width_v, d_values + (tile + u) * width_v, p + u * SIDE / 2 + from, d + from * width_v, pairs);
          bf16_add_rows(width, d_keys + (tile + u) * width, ds + u * SIDE / 2 + from, queries + from * width, pairs);
        }
      }
      unpack_avx512(dq + first * s->ld_q + h * D, s->ld_q, d_query, count, D, width, s->scale);
    }
  unpack_avx512(dk, s->ld_k, d_keys, T, D, width, s->scale);
  unpack_avx512(dv, s->ld_v, d_values, T, D_v, width_v, 1);
}
