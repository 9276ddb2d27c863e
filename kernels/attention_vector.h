/* SPDX-License-Identifier: MIT
 *
 * Vector body of attention.c: tiles of QUERIES x KEYS scores; every product of tiles runs through one micro-kernel that
 * holds ROWS x 2 vectors of the result in registers and takes one matrix by broadcasts (any strides, so transposed tiles
 * cost nothing) and the other by vectors.
 *
 * Rows of a head are packed first, padded with zeros:
 *   straight  [rows][width]    as vectors of p v, ds k, p^T d_out, ds^T q; width: D rounded up to 2 vectors
 *   turned    [D][stride]      keys and values as vectors of q k^T and d_out v^T; queries and d_out as their broadcasts
 */
enum { V(ROWS) = LANES == 16 ? 12 : 6, V(STEP) = 2 * LANES };

/* c[ROWS][2 vectors] = (keep[r] or 1 or 0) * c + sum over k of a[r*a_row + k*a_k] * b[k*ld_b ..].  `keep` NULL: c is added
 * to when `add`, else overwritten.  Flags are constants at each call. */
INLINE void V(micro)(float *c, int64_t ld_c, const float *keep, bool add, const float *a, int64_t a_row, int64_t a_k,
                     const float *b, int64_t ld_b, int64_t K) {
  vec sum[V(ROWS)][2];
#pragma GCC unroll 12
  for (int r = 0; r < V(ROWS); r++) {
    sum[r][0] = sum[r][1] = vset(0);
    if (keep || add) sum[r][0] = vload(c + r * ld_c), sum[r][1] = vload(c + r * ld_c + LANES);
    if (keep) sum[r][0] = vmul(sum[r][0], vset(keep[r])), sum[r][1] = vmul(sum[r][1], vset(keep[r]));
  }
  for (int64_t k = 0; k < K; k++) {
    vec x = vload(b + k * ld_b), y = vload(b + k * ld_b + LANES);
#pragma GCC unroll 12
    for (int r = 0; r < V(ROWS); r++) {
      vec s = vset(a[r * a_row + k * a_k]);
      sum[r][0] = vfma(s, x, sum[r][0]);
      sum[r][1] = vfma(s, y, sum[r][1]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < V(ROWS); r++) vstore(c + r * ld_c, sum[r][0]), vstore(c + r * ld_c + LANES, sum[r][1]);
}

/* The same for `columns` columns, a multiple of STEP. */
INLINE void V(block)(int64_t columns, float *c, int64_t ld_c, const float *keep, bool add, const float *a, int64_t a_row,
                     int64_t a_k, const float *b, int64_t ld_b, int64_t K) {
  for (int64_t n = 0; n < columns; n += V(STEP)) V(micro)(c + n, ld_c, keep, add, a, a_row, a_k, b + n, ld_b, K);
}

/* score[ROWS][columns] = queries (turned, from one row on) times keys (turned). */
static void V(scores)(int64_t columns, float *score, const float *query, const float *turned, int64_t stride, int64_t D) {
  V(block)(columns, score, KEYS, NULL, false, query, 1, QUERIES, turned, stride, D);
}
/* c[ROWS][width] = keep c + p[ROWS][K] b[K][width] */
static void V(shrink_and_add)(int64_t width, float *c, const float *keep, const float *p, const float *b, int64_t K) {
  V(block)(width, c, width, keep, false, p, KEYS, 1, b, width, K);
}
/* c[ROWS][width] += p[ROWS][K] b[K][width] */
static void V(add_product)(int64_t width, float *c, const float *p, const float *b, int64_t K) {
  V(block)(width, c, width, NULL, true, p, KEYS, 1, b, width, K);
}
/* c[ROWS][width] += p[K][ROWS]^T b[K][width] */
static void V(add_turned)(int64_t width, float *c, const float *p, const float *b, int64_t K) {
  V(block)(width, c, width, NULL, true, p, 1, KEYS, b, width, K);
}

static int64_t V(round_up)(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

/* x: [rows][ld] of which D are used, times factor -> to: [padded rows][width]. */
static void V(pack)(float *to, const float *x, int64_t ld, int64_t rows, int64_t padded, int64_t D, int64_t width, float factor) {
  vec f = vset(factor);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < width; d += LANES) {
      /* Rows of one head are far apart: the hardware does not foresee them. */
      if (r + AHEAD < rows) _mm_prefetch((const char *)(x + (r + AHEAD) * ld + d), _MM_HINT_T0);
      int64_t n = d + LANES <= D ? LANES : d < D ? D - d : 0;
      vstore(to + r * width + d, vmul(vload_n(x + r * ld + d, n), f));
    }
  memset(to + rows * width, 0, (size_t)((padded - rows) * width) * sizeof *to);
}

/* The first D columns of [rows][width], times factor -> x: [rows][ld]. */
static void V(unpack)(float *x, int64_t ld, const float *from, int64_t rows, int64_t D, int64_t width, float factor) {
  vec f = vset(factor);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t d = 0; d < D; d += LANES)
      vstore_n(x + r * ld + d, vmul(vload(from + r * width + d), f), D - d < LANES ? D - d : LANES);
}

/* x: [rows][ld] of which D are used, times factor -> to: [D][stride].  `coming` >= rows: x has so many, those behind `rows` will
 * be wanted soon. */
static void V(pack_turned)(float *to, const float *x, int64_t ld, int64_t rows, int64_t coming, int64_t stride, int64_t D, float factor) {
  int64_t whole_rows = rows / 8 * 8, whole_D = D / 8 * 8;
  __m256 f = _mm256_set1_ps(factor);
  for (int64_t u = 0; u < whole_rows; u += 8) {
    for (int64_t d = 0; d < whole_D; d += 8) { /* 8 x 8 transposed in registers */
      __m256 r[8], t[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) {
        if (u + i + AHEAD < coming && d % 16 == 0) _mm_prefetch((const char *)(x + (u + i + AHEAD) * ld + d), _MM_HINT_T0);
        r[i] = _mm256_mul_ps(_mm256_loadu_ps(x + (u + i) * ld + d), f);
      }
#pragma GCC unroll 4
      for (int i = 0; i < 8; i += 2) t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
#pragma GCC unroll 2
      for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44), r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44), r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + (d + i) * stride + u, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (d + i + 4) * stride + u, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
      }
    }
    for (int64_t d = whole_D; d < D; d++)
      for (int i = 0; i < 8; i++) to[d * stride + u + i] = x[(u + i) * ld + d] * factor;
  }
  for (int64_t d = 0; d < D; d++) {
    for (int64_t u = whole_rows; u < rows; u++) to[d * stride + u] = x[u * ld + d] * factor;
    memset(to + d * stride + rows, 0, (size_t)(stride - rows) * sizeof *to);
  }
}

/* row[c] = value for c in 0..columns-1 outside low..high-1. */
INLINE void V(fill_outside)(float *row, int64_t columns, int64_t low, int64_t high, float value) {
  if (low > columns) low = columns;
  if (high < 0) high = 0;
  for (int64_t c = 0; c < low; c += LANES) vstore_n(row + c, vset(value), low - c < LANES ? low - c : LANES);
  for (int64_t c = high; c < columns; c += LANES) vstore_n(row + c, vset(value), columns - c < LANES ? columns - c : LANES);
}

/* to[c] = from[c] times the mask of key position u + c, for c < columns, a multiple of a vector; to may be from. */
static void V(apply_mask)(float *to, const float *from, int64_t columns, const struct mask *m, int64_t u) {
#if VECTOR_BITS == 512
  __m512i at = _mm512_add_epi32(_mm512_set1_epi32((int)u), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  __m512i first = _mm512_set1_epi32((int)m->first), second = _mm512_set1_epi32((int)m->second), below = _mm512_set1_epi32((int)m->below);
  for (int64_t c = 0; c < columns; c += LANES, at = _mm512_add_epi32(at, _mm512_set1_epi32(LANES))) {
    __m512i x = _mm512_xor_si512(at, first);
    x = _mm512_add_epi32(_mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 16)), _mm512_set1_epi32(MASK_FIRST)), second);
    x = _mm512_mullo_epi32(_mm512_xor_si512(x, _mm512_srli_epi32(x, 15)), _mm512_set1_epi32((int)MASK_SECOND));
    __mmask16 kept = _mm512_cmpge_epu32_mask(_mm512_xor_si512(x, _mm512_srli_epi32(x, 16)), below);
    vstore(to + c, _mm512_maskz_mul_ps(kept, vload(from + c), vset(m->kept)));
  }
#else
  __m256i at = _mm256_add_epi32(_mm256_set1_epi32((int)u), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  __m256i first = _mm256_set1_epi32((int)m->first), second = _mm256_set1_epi32((int)m->second), below = _mm256_set1_epi32((int)m->below);
  for (int64_t c = 0; c < columns; c += LANES, at = _mm256_add_epi32(at, _mm256_set1_epi32(LANES))) {
    __m256i x = _mm256_xor_si256(at, first);
    x = _mm256_add_epi32(_mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 16)), _mm256_set1_epi32(MASK_FIRST)), second);
    x = _mm256_mullo_epi32(_mm256_xor_si256(x, _mm256_srli_epi32(x, 15)), _mm256_set1_epi32((int)MASK_SECOND));
    x = _mm256_xor_si256(x, _mm256_srli_epi32(x, 16));
    __m256 kept = _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(x, below), x));
    vstore(to + c, _mm256_and_ps(kept, vmul(vload(from + c), vset(m->kept))));
  }
#endif
}

static size_t V(forward_scratch)(int64_t keys, const struct attention_shape *s) {
  int64_t width = V(round_up)(s->D_v, V(STEP)), stride = V(round_up)(keys, KEYS);
  return (size_t)(stride * (s->D + width) + QUERIES * (s->D + width + KEYS)) * sizeof(float);
}

/* `heads` query heads that share one key head: out, log_sum_exp and q are those of the first, the others follow at s->D_v,
 * s->T and s->D.  Queries stand at positions past..past+T-1 of k and v.  log_sum_exp may be NULL; `row_of_mask`
 * is the row of log_sum_exp that belongs to the first. */
static void V(group_forward)(float *out, float *log_sum_exp, const float *q, const float *k, const float *v, int64_t past,
                             int64_t heads, int64_t row_of_mask, struct ahead *ahead, float *scratch, const struct attention_shape *s) {
  int64_t unseen = first_key(past, s->window); /* keys before it are out of every window */
  k += unseen * s->ld_k, v += unseen * s->ld_v, past -= unseen;
  int64_t D = s->D, D_v = s->D_v, T = s->T, width = V(round_up)(D_v, V(STEP)), keys = past + T, stride = V(round_up)(keys, KEYS);
  float *turned = scratch, *values = turned + D * stride, *score = values + stride * width;
  float *query = score + QUERIES * KEYS, *result = query + QUERIES * D;
  const int32_t *starts = starts_of_row(s, row_of_mask);
  V(pack_turned)(turned, k, s->ld_k, keys, keys, stride, D, 1);
  V(pack)(values, v, s->ld_v, keys, keys, D_v, width, 1);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += QUERIES) {
      int64_t count = T - first < QUERIES ? T - first : QUERIES, last_key = past + first + count - 1;
      /* Room for a vector past the last block, which has ROWS rows. */
      float most[QUERIES + LANES], before[QUERIES + LANES], sum[QUERIES + LANES], total[QUERIES + LANES], keep[QUERIES + LANES];
      V(pack_turned)(query, q + first * s->ld_q + h * D, s->ld_q, count, T - first, QUERIES, D, s->scale);
      memset(result, 0, (size_t)(QUERIES * width) * sizeof *result);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D_v; i += 16) __builtin_prefetch(out + (first + r) * s->ld_out + h * D_v + i, 1);
      for (int64_t r = 0; r < QUERIES + LANES; r++) most[r] = -FLT_MAX, sum[r] = total[r] = 0;
      for (int64_t tile = first_seen(past + first, starts, s->window) / KEYS * KEYS; tile <= last_key; tile += KEYS)
        for (int64_t i = 0; i < count; i += V(ROWS)) {
          int64_t rows = count - i < V(ROWS) ? count - i : V(ROWS);
          int64_t seen = past + first + i + rows - tile; /* keys of this tile that some row of the block sees */
          if (seen <= 0) continue;
          if (seen > KEYS) seen = KEYS;
          int64_t columns = V(round_up)(seen, V(STEP));
          ahead_fetch(ahead);
          V(scores)(columns, score + i * KEYS, query + i, turned + tile, stride, D);
          memcpy(before, most + i, V(ROWS) * sizeof *before);
          for (int64_t r = i; r < i + rows; r++) {
            float *row = score + r * KEYS;
            int64_t high = past + first + r + 1 - tile, low = first_seen(past + first + r, starts, s->window) - tile;
            if (high < columns || low > 0) V(fill_outside)(row, columns, low, high, -INFINITY);
            vec m = vset(most[r]), p, added = vset(0);
            for (int64_t c = 0; c < columns; c += LANES) m = vmax(m, vload(row + c));
            most[r] = vmost(m);
            m = vset(most[r]);
            for (int64_t c = 0; c < columns; c += LANES) {
              vstore(row + c, p = vexp(vsub(vload(row + c), m)));
              added = vadd(added, p);
            }
            total[r - i] = vsum(added);
            if (s->dropout > 0) {
              struct mask mask = mask_of_row(s, row_of_mask + h * T + first + r);
              V(apply_mask)(row, row, columns, &mask, tile);
            }
          }
          for (int64_t r = 0; r < rows; r += LANES) {
            vec shrink = vexp(vsub(vload(before + r), vload(most + i + r)));
            vstore(keep + r, shrink);
            vstore_n(sum + i + r, vfma(vload(sum + i + r), shrink, vload(total + r)), rows - r < LANES ? rows - r : LANES);
          }
          V(shrink_and_add)(width, result + i * width, keep, score + i * KEYS, values + tile * width, seen);
        }
      for (int64_t r = 0; r < count; r++) {
        V(unpack)(out + (first + r) * s->ld_out + h * D_v, s->ld_out, result + r * width, 1, D_v, width, 1 / sum[r]);
        if (log_sum_exp) log_sum_exp[h * T + first + r] = most[r] + logf(sum[r]);
      }
    }
}

INLINE float V(dot)(const float *a, const float *b, int64_t D) {
  vec sum = vset(0);
  for (int64_t d = 0; d < D; d += LANES) {
    int64_t n = D - d < LANES ? D - d : LANES;
    sum = vfma(vload_n(a + d, n), vload_n(b + d, n), sum);
  }
  return vsum(sum);
}

static size_t V(backward_scratch)(const struct attention_shape *s) {
  int64_t width = V(round_up)(s->D, V(STEP)), width_v = V(round_up)(s->D_v, V(STEP)), stride = V(round_up)(s->T, KEYS);
  return (size_t)((stride + QUERIES) * (s->D + s->D_v + 2 * width + width_v) + QUERIES * 3 * KEYS) * sizeof(float);
}

/* The `heads` query heads of one key head; every pointer is that of the group's first row and column, row_of_mask as above. */
static void V(group_backward)(float *dq, float *dk, float *dv, const float *d_out, const float *q, const float *k,
                              const float *v, const float *out, const float *log_sum_exp, int64_t heads, int64_t row_of_mask,
                              struct ahead *ahead, float *scratch, const struct attention_shape *s) {
  int64_t D = s->D, D_v = s->D_v, T = s->T, stride = V(round_up)(T, KEYS);
  int64_t width = V(round_up)(D, V(STEP)), width_v = V(round_up)(D_v, V(STEP));
  float *turned_k = scratch, *turned_v = turned_k + D * stride, *keys = turned_v + D_v * stride;
  float *d_keys = keys + stride * width, *d_values = d_keys + stride * width;
  float *turned_q = d_values + stride * width_v, *turned_d = turned_q + QUERIES * D;
  float *query = turned_d + QUERIES * D_v, *d = query + QUERIES * width, *d_query = d + QUERIES * width_v;
  float *score = d_query + QUERIES * width, *d_score = score + QUERIES * KEYS;
  const int32_t *starts = starts_of_row(s, row_of_mask);
  V(pack_turned)(turned_k, k, s->ld_k, T, T, stride, D, 1);
  V(pack_turned)(turned_v, v, s->ld_v, T, T, stride, D_v, 1);
  V(pack)(keys, k, s->ld_k, T, T, D, width, 1);
  memset(d_keys, 0, (size_t)(stride * width) * sizeof *d_keys);
  memset(d_values, 0, (size_t)(stride * width_v) * sizeof *d_values);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += QUERIES) {
      int64_t count = T - first < QUERIES ? T - first : QUERIES, last_key = first + count - 1;
      float delta[QUERIES]; /* sum over keys of p dp = d_out . out */
      const float *rows_q = q + first * s->ld_q + h * D, *rows_d = d_out + first * s->ld_out + h * D_v;
      V(pack_turned)(turned_q, rows_q, s->ld_q, count, T - first, QUERIES, D, s->scale);
      V(pack_turned)(turned_d, rows_d, s->ld_out, count, T - first, QUERIES, D_v, 1);
      V(pack)(query, rows_q, s->ld_q, count, QUERIES, D, width, s->scale);
      V(pack)(d, rows_d, s->ld_out, count, QUERIES, D_v, width_v, 1);
      memset(d_query, 0, (size_t)(QUERIES * width) * sizeof *d_query);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D; i += 16) __builtin_prefetch(dq + (first + r) * s->ld_q + h * D + i, 1);
      for (int64_t r = 0; r < count; r++) {
        for (int64_t i = 0; r + AHEAD < T - first && i < D_v; i += 16) vfetch(out + (first + r + AHEAD) * s->ld_out + h * D_v + i);
        delta[r] = V(dot)(rows_d + r * s->ld_out, out + (first + r) * s->ld_out + h * D_v, D_v);
      }
      for (int64_t tile = first_seen(first, starts, s->window) / KEYS * KEYS; tile <= last_key; tile += KEYS) {
        for (int64_t i = 0; i < count; i += V(ROWS)) {
          int64_t rows = count - i < V(ROWS) ? count - i : V(ROWS), seen = first + i + rows - tile;
          if (seen <= 0) continue;
          if (seen > KEYS) seen = KEYS;
          int64_t columns = V(round_up)(seen, V(STEP));
          ahead_fetch(ahead);
          V(scores)(columns, score + i * KEYS, turned_q + i, turned_k + tile, stride, D);
          V(scores)(columns, d_score + i * KEYS, turned_d + i, turned_v + tile, stride, D_v);
          for (int64_t r = i; r < i + rows; r++) {
            float *row = score + r * KEYS, *d_row = d_score + r * KEYS;
            int64_t high = first + r + 1 - tile, low = first_seen(first + r, starts, s->window) - tile;
            if (high < columns || low > 0) {
              V(fill_outside)(row, columns, low, high, -INFINITY);
              V(fill_outside)(d_row, columns, low, high, 0);
            }
            vec lse = vset(log_sum_exp[h * T + first + r]), less = vset(delta[r]);
            int64_t c = 0;
            if (s->dropout > 0) { /* dv takes m p, ds = p (m dp - delta) */
              struct mask mask = mask_of_row(s, row_of_mask + h * T + first + r);
              float p[KEYS];
              V(apply_mask)(d_row, d_row, columns, &mask, tile);
              for (; c < columns; c += LANES) {
                vstore(p + c, vexp(vsub(vload(row + c), lse)));
                vstore(d_row + c, vmul(vload(p + c), vsub(vload(d_row + c), less)));
              }
              V(apply_mask)(row, p, columns, &mask, tile);
            }
            for (; c < columns; c += LANES) {
              vec p = vexp(vsub(vload(row + c), lse));
              vstore(row + c, p);
              vstore(d_row + c, vmul(p, vsub(vload(d_row + c), less)));
            }
            for (; c < KEYS; c += LANES) vstore(row + c, vset(0)), vstore(d_row + c, vset(0));
          }
          V(add_product)(width, d_query + i * width, d_score + i * KEYS, keys + tile * width, seen);
        }
        for (int64_t u = 0; u < KEYS && tile + u <= last_key; u += V(ROWS)) {
          int64_t from = tile + u > first ? tile + u - first : 0; /* the first row that sees one of these keys */
          V(add_turned)(width_v, d_values + (tile + u) * width_v, score + from * KEYS + u, d + from * width_v, count - from);
          V(add_turned)(width, d_keys + (tile + u) * width, d_score + from * KEYS + u, query + from * width, count - from);
        }
      }
      V(unpack)(dq + first * s->ld_q + h * D, s->ld_q, d_query, count, D, width, s->scale);
    }
  V(unpack)(dk, s->ld_k, d_keys, T, D, width, 1);
  V(unpack)(dv, s->ld_v, d_values, T, D_v, width_v, 1);
}

/* A cache read position by position: HEADS query heads at a time against each key, some of them in registers. */
enum { V(TOGETHER) = LANES == 16 ? 4 : 2 };

/* score[h][u] = scale q[h] . k[u] for h < heads (a constant at each call, at most TOGETHER) and u < keys. */
INLINE void V(dots)(int heads, float *score, int64_t ld_score, const float *q, const float *k, int64_t keys, bool fetch, const struct attention_shape *s) {
  int64_t D = s->D, ld = s->ld_k, u = 0;
  for (; u + 2 <= keys; u += 2) {
    vec sum[V(TOGETHER)][2];
#pragma GCC unroll 4
    for (int h = 0; h < heads; h++) sum[h][0] = sum[h][1] = vset(0);
    for (int64_t d = 0; d < D; d += LANES) {
      int64_t n = D - d < LANES ? D - d : LANES;
      if (fetch) vfetch(k + (u + AHEAD) * ld + d), vfetch(k + (u + 1 + AHEAD) * ld + d);
      vec x = n == LANES ? vload(k + u * ld + d) : vload_n(k + u * ld + d, n);
      vec y = n == LANES ? vload(k + (u + 1) * ld + d) : vload_n(k + (u + 1) * ld + d, n);
#pragma GCC unroll 4
      for (int h = 0; h < heads; h++) {
        vec a = n == LANES ? vload(q + h * D + d) : vload_n(q + h * D + d, n);
        sum[h][0] = vfma(a, x, sum[h][0]);
        sum[h][1] = vfma(a, y, sum[h][1]);
      }
    }
#pragma GCC unroll 4
    for (int h = 0; h < heads; h++)
      score[h * ld_score + u] = s->scale * vsum(sum[h][0]), score[h * ld_score + u + 1] = s->scale * vsum(sum[h][1]);
  }
  if (u < keys)
    for (int h = 0; h < heads; h++) score[h * ld_score + u] = s->scale * V(dot)(q + h * D, k + u * ld, D);
}

/* out[h][0..n-1] += score[h][u] v[u][0..n-1] over u < keys, n at most 4 vectors; heads as above; `whole`: n is 4 vectors. */
INLINE void V(weigh)(int heads, bool whole, float *out, const float *score, int64_t ld_score, const float *v, int64_t n, int64_t keys, bool add,
                     bool fetch, const struct attention_shape *s) {
  int64_t ld = s->ld_v, part[4];
  vec sum[V(TOGETHER)][4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) part[i] = whole || n >= (i + 1) * LANES ? LANES : n > i * LANES ? n - i * LANES : 0;
#define LOAD(p, i) (whole ? vload(p) : vload_n(p, part[i]))
#pragma GCC unroll 4
  for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) sum[h][i] = add ? LOAD(out + h * s->D_v + i * LANES, i) : vset(0);
  for (int64_t u = 0; u < keys; u++) {
    vec x[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      if (fetch) vfetch(v + (u + AHEAD) * ld + i * LANES);
      x[i] = LOAD(v + u * ld + i * LANES, i);
    }
#pragma GCC unroll 4
    for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
      for (int i = 0; i < 4; i++) sum[h][i] = vfma(vset(score[h * ld_score + u]), x[i], sum[h][i]);
  }
#undef LOAD
#pragma GCC unroll 4
  for (int h = 0; h < heads; h++)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
      if (whole) vstore(out + h * s->D_v + i * LANES, sum[h][i]);
      else vstore_n(out + h * s->D_v + i * LANES, sum[h][i], part[i]);
    }
}

/* `heads` <= HEADS queries at one position, s->D apart, against the same `keys` keys: scores first, then their weighted sums of
 * values to out, s->D_v apart.  Rows are read once from memory, in blocks that the second-level cache holds for further heads.
 * score: [heads][keys rounded up to a vector]. */
static void V(one_position)(float *out, const float *q, const float *k, const float *v, int64_t keys, int64_t heads, float *score,
                            const struct attention_shape *s) {
  enum { BLOCK = 128 };
  int64_t padded = V(round_up)(keys, LANES);
#define CASES(call)                                                                                                                 \
  switch (heads - h < V(TOGETHER) ? heads - h : V(TOGETHER)) {                                                                      \
    case 1: { enum { N = 1 }; call; break; }                                                                                        \
    case 2: { enum { N = 2 }; call; break; }                                                                                        \
    case 3: { enum { N = V(TOGETHER) < 3 ? 1 : 3 }; call; break; }                                                                  \
    default: { enum { N = V(TOGETHER) }; call; }                                                                                    \
  }
  for (int64_t u = 0; u < keys; u += BLOCK)
    for (int64_t h = 0; h < heads; h += V(TOGETHER)) {
      int64_t count = keys - u < BLOCK ? keys - u : BLOCK;
      float *to = score + h * padded + u;
      CASES(V(dots)(N, to, padded, q + h * s->D, k + u * s->ld_k, count, true, s))
    }
  float scale[HEADS];
  for (int64_t h = 0; h < heads; h++) {
    float *row = score + h * padded;
    vec m = vset(-FLT_MAX), total = vset(0);
    for (int64_t u = keys; u < padded; u++) row[u] = -INFINITY;
    for (int64_t u = 0; u < padded; u += LANES) m = vmax(m, vload(row + u));
    m = vset(vmost(m));
    for (int64_t u = 0; u < padded; u += LANES) {
      vec p = vexp(vsub(vload(row + u), m));
      vstore(row + u, p);
      total = vadd(total, p);
    }
    scale[h] = 1 / vsum(total);
  }
  for (int64_t u = 0; u < keys; u += BLOCK)
    for (int64_t h = 0; h < heads; h += V(TOGETHER))
      for (int64_t d = 0; d < s->D_v; d += 4 * LANES) {
        int64_t count = keys - u < BLOCK ? keys - u : BLOCK, n = s->D_v - d;
        float *to = out + h * s->D_v + d;
        const float *p = score + h * padded + u, *values = v + u * s->ld_v + d;
        if (n >= 4 * LANES) CASES(V(weigh)(N, true, to, p, padded, values, n, count, u > 0, true, s))
        else CASES(V(weigh)(N, false, to, p, padded, values, n, count, u > 0, false, s))
      }
#undef CASES
  for (int64_t h = 0; h < heads; h++)
    for (int64_t d = 0; d < s->D_v; d++) out[h * s->D_v + d] *= scale[h];
}
