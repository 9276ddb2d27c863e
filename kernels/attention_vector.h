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

/* x: [rows][ld] of which D are used, times factor -> to: [D][stride]. */
static void V(pack_turned)(float *to, const float *x, int64_t ld, int64_t rows, int64_t stride, int64_t D, float factor) {
  int64_t whole_rows = rows / 8 * 8, whole_D = D / 8 * 8;
  __m256 f = _mm256_set1_ps(factor);
  for (int64_t u = 0; u < whole_rows; u += 8) {
    for (int64_t d = 0; d < whole_D; d += 8) { /* 8 x 8 transposed in registers */
      __m256 r[8], t[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) {
        if (u + i + AHEAD < rows && d % 16 == 0) _mm_prefetch((const char *)(x + (u + i + AHEAD) * ld + d), _MM_HINT_T0);
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

static size_t V(forward_scratch)(int64_t keys, int64_t D) {
  int64_t width = V(round_up)(D, V(STEP)), stride = V(round_up)(keys, KEYS);
  return (size_t)(stride * (D + width) + QUERIES * (D + width + KEYS)) * sizeof(float);
}

/* `heads` query heads that share one key head: out, log_sum_exp and q are those of the first, the others follow at s->D
 * and s->T.  Queries stand at positions past..past+T-1 of k and v.  log_sum_exp may be NULL. */
static void V(group_forward)(float *out, float *log_sum_exp, const float *q, const float *k, const float *v, int64_t past,
                             int64_t heads, float *scratch, const struct attention_shape *s) {
  int64_t unseen = first_key(past, s->window); /* keys before it are out of every window */
  k += unseen * s->ld_kv, v += unseen * s->ld_kv, past -= unseen;
  int64_t D = s->D, T = s->T, width = V(round_up)(D, V(STEP)), keys = past + T, stride = V(round_up)(keys, KEYS);
  float *turned = scratch, *values = turned + D * stride, *score = values + stride * width;
  float *query = score + QUERIES * KEYS, *result = query + QUERIES * D;
  V(pack_turned)(turned, k, s->ld_kv, keys, stride, D, 1);
  V(pack)(values, v, s->ld_kv, keys, keys, D, width, 1);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += QUERIES) {
      int64_t count = T - first < QUERIES ? T - first : QUERIES, last_key = past + first + count - 1;
      /* Room for a vector past the last block, which has ROWS rows. */
      float most[QUERIES + LANES], before[QUERIES + LANES], sum[QUERIES + LANES], total[QUERIES + LANES], keep[QUERIES + LANES];
      V(pack_turned)(query, q + first * s->ld_q + h * D, s->ld_q, count, QUERIES, D, s->scale);
      memset(result, 0, (size_t)(QUERIES * width) * sizeof *result);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D; i += 16) __builtin_prefetch(out + (first + r) * s->ld_out + h * D + i, 1);
      for (int64_t r = 0; r < QUERIES + LANES; r++) most[r] = -FLT_MAX, sum[r] = total[r] = 0;
      for (int64_t tile = first_key(past + first, s->window) / KEYS * KEYS; tile <= last_key; tile += KEYS)
        for (int64_t i = 0; i < count; i += V(ROWS)) {
          int64_t rows = count - i < V(ROWS) ? count - i : V(ROWS);
          int64_t seen = past + first + i + rows - tile; /* keys of this tile that some row of the block sees */
          if (seen <= 0) continue;
          if (seen > KEYS) seen = KEYS;
          int64_t columns = V(round_up)(seen, V(STEP));
          V(scores)(columns, score + i * KEYS, query + i, turned + tile, stride, D);
          memcpy(before, most + i, V(ROWS) * sizeof *before);
          for (int64_t r = i; r < i + rows; r++) {
            float *row = score + r * KEYS;
            int64_t high = past + first + r + 1 - tile, low = first_key(past + first + r, s->window) - tile;
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
          }
          for (int64_t r = 0; r < rows; r += LANES) {
            vec shrink = vexp(vsub(vload(before + r), vload(most + i + r)));
            vstore(keep + r, shrink);
            vstore_n(sum + i + r, vfma(vload(sum + i + r), shrink, vload(total + r)), rows - r < LANES ? rows - r : LANES);
          }
          V(shrink_and_add)(width, result + i * width, keep, score + i * KEYS, values + tile * width, seen);
        }
      for (int64_t r = 0; r < count; r++) {
        V(unpack)(out + (first + r) * s->ld_out + h * D, s->ld_out, result + r * width, 1, D, width, 1 / sum[r]);
        if (log_sum_exp) log_sum_exp[h * T + first + r] = most[r] + logf(sum[r]);
      }
    }
}

static size_t V(backward_scratch)(int64_t T, int64_t D) {
  int64_t width = V(round_up)(D, V(STEP)), stride = V(round_up)(T, KEYS);
  return (size_t)(stride * (2 * D + 3 * width) + QUERIES * (2 * D + 3 * width + 2 * KEYS)) * sizeof(float);
}

INLINE float V(dot)(const float *a, const float *b, int64_t D) {
  vec sum = vset(0);
  for (int64_t d = 0; d < D; d += LANES) {
    int64_t n = D - d < LANES ? D - d : LANES;
    sum = vfma(vload_n(a + d, n), vload_n(b + d, n), sum);
  }
  return vsum(sum);
}

/* The `heads` query heads of one key head; every pointer is that of the group's first row and column. */
static void V(group_backward)(float *dq, float *dk, float *dv, const float *d_out, const float *q, const float *k,
                              const float *v, const float *out, const float *log_sum_exp, int64_t heads, float *scratch,
                              const struct attention_shape *s) {
  int64_t D = s->D, T = s->T, width = V(round_up)(D, V(STEP)), stride = V(round_up)(T, KEYS);
  float *turned_k = scratch, *turned_v = turned_k + D * stride, *keys = turned_v + D * stride;
  float *d_keys = keys + stride * width, *d_values = d_keys + stride * width;
  float *turned_q = d_values + stride * width, *turned_d = turned_q + QUERIES * D;
  float *query = turned_d + QUERIES * D, *d = query + QUERIES * width, *d_query = d + QUERIES * width;
  float *score = d_query + QUERIES * width, *d_score = score + QUERIES * KEYS;
  V(pack_turned)(turned_k, k, s->ld_kv, T, stride, D, 1);
  V(pack_turned)(turned_v, v, s->ld_kv, T, stride, D, 1);
  V(pack)(keys, k, s->ld_kv, T, T, D, width, 1);
  memset(d_keys, 0, (size_t)(stride * width) * sizeof *d_keys);
  memset(d_values, 0, (size_t)(stride * width) * sizeof *d_values);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < T; first += QUERIES) {
      int64_t count = T - first < QUERIES ? T - first : QUERIES, last_key = first + count - 1;
      float delta[QUERIES]; /* sum over keys of p dp = d_out . out */
      const float *rows_q = q + first * s->ld_q + h * D, *rows_d = d_out + first * s->ld_out + h * D;
      V(pack_turned)(turned_q, rows_q, s->ld_q, count, QUERIES, D, s->scale);
      V(pack_turned)(turned_d, rows_d, s->ld_out, count, QUERIES, D, 1);
      V(pack)(query, rows_q, s->ld_q, count, QUERIES, D, width, s->scale);
      V(pack)(d, rows_d, s->ld_out, count, QUERIES, D, width, 1);
      memset(d_query, 0, (size_t)(QUERIES * width) * sizeof *d_query);
      for (int64_t r = 0; r < count; r++) /* lines written in the end */
        for (int64_t i = 0; i < D; i += 16) __builtin_prefetch(dq + (first + r) * s->ld_q + h * D + i, 1);
      for (int64_t r = 0; r < count; r++)
        delta[r] = V(dot)(rows_d + r * s->ld_out, out + (first + r) * s->ld_out + h * D, D);
      for (int64_t tile = first_key(first, s->window) / KEYS * KEYS; tile <= last_key; tile += KEYS) {
        for (int64_t i = 0; i < count; i += V(ROWS)) {
          int64_t rows = count - i < V(ROWS) ? count - i : V(ROWS), seen = first + i + rows - tile;
          if (seen <= 0) continue;
          if (seen > KEYS) seen = KEYS;
          int64_t columns = V(round_up)(seen, V(STEP));
          V(scores)(columns, score + i * KEYS, turned_q + i, turned_k + tile, stride, D);
          V(scores)(columns, d_score + i * KEYS, turned_d + i, turned_v + tile, stride, D);
          for (int64_t r = i; r < i + rows; r++) {
            float *row = score + r * KEYS, *d_row = d_score + r * KEYS;
            int64_t high = first + r + 1 - tile, low = first_key(first + r, s->window) - tile;
            if (high < columns || low > 0) {
              V(fill_outside)(row, columns, low, high, -INFINITY);
              V(fill_outside)(d_row, columns, low, high, 0);
            }
            vec lse = vset(log_sum_exp[h * T + first + r]), less = vset(delta[r]);
            int64_t c = 0;
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
          V(add_turned)(width, d_values + (tile + u) * width, score + from * KEYS + u, d + from * width, count - from);
          V(add_turned)(width, d_keys + (tile + u) * width, d_score + from * KEYS + u, query + from * width, count - from);
        }
      }
      V(unpack)(dq + first * s->ld_q + h * D, s->ld_q, d_query, count, D, width, s->scale);
    }
  V(unpack)(dk, s->ld_kv, d_keys, T, D, width, 1);
  V(unpack)(dv, s->ld_kv, d_values, T, D, width, 1);
}

/* One query of one head against `keys` keys, bound by reading them: scores first, then their weighted sum of values.
 * score: [keys rounded up to a vector]. */
static void V(one_query)(float *out, const float *q, const float *k, const float *v, int64_t keys, float *score,
                         const struct attention_shape *s) {
  int64_t D = s->D, ld = s->ld_kv, padded = V(round_up)(keys, LANES);
  for (int64_t u = 0; u < keys; u++) {
    for (int64_t d = 0; d < D && u + AHEAD < keys; d += 16) _mm_prefetch((const char *)(k + (u + AHEAD) * ld + d), _MM_HINT_T0);
    score[u] = s->scale * V(dot)(q, k + u * ld, D);
  }
  for (int64_t u = keys; u < padded; u++) score[u] = -INFINITY;
  vec m = vset(-FLT_MAX), total = vset(0);
  for (int64_t u = 0; u < padded; u += LANES) m = vmax(m, vload(score + u));
  m = vset(vmost(m));
  for (int64_t u = 0; u < padded; u += LANES) {
    vec p = vexp(vsub(vload(score + u), m));
    vstore(score + u, p);
    total = vadd(total, p);
  }
  vec scale = vset(1 / vsum(total));
  for (int64_t d = 0; d < D; d += 4 * LANES) {
    vec sum[4] = {vset(0), vset(0), vset(0), vset(0)};
    int64_t n[4];
    for (int i = 0; i < 4; i++) {
      int64_t left = D - d - i * LANES;
      n[i] = left < 0 ? 0 : left < LANES ? left : LANES;
    }
    if (n[3] == LANES) {
      for (int64_t u = 0; u < keys; u++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
          if (u + AHEAD < keys) _mm_prefetch((const char *)(v + (u + AHEAD) * ld + d + i * LANES), _MM_HINT_T0);
          sum[i] = vfma(vset(score[u]), vload(v + u * ld + d + i * LANES), sum[i]);
        }
    } else {
      for (int64_t u = 0; u < keys; u++)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
          if (n[i] > 0) sum[i] = vfma(vset(score[u]), vload_n(v + u * ld + d + i * LANES, n[i]), sum[i]);
    }
    for (int i = 0; i < 4; i++)
      if (n[i] > 0) vstore_n(out + d + i * LANES, vmul(sum[i], scale), n[i]);
  }
}
