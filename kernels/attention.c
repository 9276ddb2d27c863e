/* SPDX-License-Identifier: MIT
 *
 * Attention on the CPU: sequences and heads in parallel.  Each query's output, and each group's dk and dv, is made by one
 * thread in one order.  Float vectors: attention_vector.h; pairs of bfloat16: attention_bf16.h.
 */
#include "kernels/attention.h"

#include <float.h>
#include <omp.h>
#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"
#include "kernels/mask.h"

static int64_t first_key(int64_t position, int64_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

/* starts: those of the sequence, [T], or NULL. */
static int64_t first_seen(int64_t position, const int32_t *starts, int64_t window) {
  int64_t low = first_key(position, window);
  return starts && starts[position] > low ? starts[position] : low;
}

/* Of the sequence that row `row` of log_sum_exp belongs to. */
static const int32_t *starts_of_row(const struct attention_shape *s, int64_t row) {
  return s->starts ? s->starts + row / (s->H * s->T) * s->T : NULL;
}

static real dot(const real *a, const real *b, int64_t D) {
  real sum = 0;
  for (int64_t d = 0; d < D; d++) sum += a[d] * b[d];
  return sum;
}

/* ---- dropout (mask.h) */

struct mask {
  uint32_t first, second, below; /* hashes below are dropped */
  real kept;                     /* 1 / (1 - dropout) */
};

/* `row` counts the rows of log_sum_exp. */
static struct mask mask_of_row(const struct attention_shape *s, int64_t row) {
  uint64_t z = mask_words(s->key, row);
  return (struct mask){(uint32_t)z, (uint32_t)(z >> 32), (uint32_t)(s->dropout * 4294967296.0), (real)(1 / (1 - s->dropout))};
}

static real mask_at(const struct mask *m, int64_t u) { return mask_hash(m->first, m->second, (uint32_t)u) >= m->below ? m->kept : 0; }

/* ---- scalar */

/* Queries q[0..T-1] of one head, standing at positions past..past+T-1 of keys k and values v.  log_sum_exp may be NULL; `row`
 * is the row of log_sum_exp that belongs to the first. */
static void head_forward_scalar(real *out, real *log_sum_exp, const real *q, const real *k, const real *v, int64_t past, int64_t row,
                                const struct attention_shape *s) {
  const int32_t *starts = starts_of_row(s, row);
  for (int64_t t = 0; t < s->T; t++) {
    real *o = out + t * s->ld_out, most = -INFINITY, sum = 0;
    struct mask mask = mask_of_row(s, row + t);
    memset(o, 0, (size_t)s->D_v * sizeof *o);
    for (int64_t u = first_seen(past + t, starts, s->window); u <= past + t; u++) {
      real score = s->scale * dot(q + t * s->ld_q, k + u * s->ld_k, s->D);
      if (!(score <= most)) { /* the running maximum grows (or is NaN): shrink what is summed so far */
        real shrink = exp(most - score);
        for (int64_t d = 0; d < s->D_v; d++) o[d] *= shrink;
        sum *= shrink;
        most = score;
      }
      real p = exp(score - most);
      sum += p;
      if (s->dropout > 0) p *= mask_at(&mask, u);
      for (int64_t d = 0; d < s->D_v; d++) o[d] += p * v[u * s->ld_v + d];
    }
    for (int64_t d = 0; d < s->D_v; d++) o[d] /= sum;
    if (log_sum_exp) log_sum_exp[t] = most + log(sum);
  }
}

/* The `heads` query heads of one key head; every pointer is that of the group's first row and column, `row` as above. */
static void group_backward_scalar(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k,
                                  const real *v, const real *out, const real *log_sum_exp, int64_t heads, int64_t row,
                                  const struct attention_shape *s) {
  const int32_t *starts = starts_of_row(s, row);
  for (int64_t t = 0; t < s->T; t++) {
    memset(dk + t * s->ld_k, 0, (size_t)s->D * sizeof *dk);
    memset(dv + t * s->ld_v, 0, (size_t)s->D_v * sizeof *dv);
  }
  for (int64_t h = 0; h < heads; h++)
    for (int64_t t = 0; t < s->T; t++) {
      const real *query = q + t * s->ld_q + h * s->D, *d = d_out + t * s->ld_out + h * s->D_v;
      real *d_query = dq + t * s->ld_q + h * s->D, lse = log_sum_exp[h * s->T + t];
      real delta = dot(d, out + t * s->ld_out + h * s->D_v, s->D_v); /* sum over keys of p dp */
      struct mask mask = mask_of_row(s, row + h * s->T + t);
      memset(d_query, 0, (size_t)s->D * sizeof *d_query);
      for (int64_t u = first_seen(t, starts, s->window); u <= t; u++) {
        const real *key = k + u * s->ld_k, *value = v + u * s->ld_v;
        real p = exp(s->scale * dot(query, key, s->D) - lse), m = s->dropout > 0 ? mask_at(&mask, u) : 1;
        real ds = s->scale * p * (m * dot(d, value, s->D_v) - delta);
        for (int64_t i = 0; i < s->D; i++) {
          d_query[i] += ds * key[i];
          dk[u * s->ld_k + i] += ds * query[i];
        }
        for (int64_t i = 0; i < s->D_v; i++) dv[u * s->ld_v + i] += m * p * d[i];
      }
    }
}

int attention_check(const struct attention_shape *s, struct kernel_error *e) {
  if (s->H_kv < 1 || s->H % s->H_kv != 0 || s->D < 1 || s->D_v < 1 || (s->H_kv > 1 && s->head_v < s->D_v) || s->window < 0)
    return kernel_fail(e, "attention: %lld query heads, %lld key heads, head sizes %lld and %lld, values %lld apart, window %lld",
                       (long long)s->H, (long long)s->H_kv, (long long)s->D, (long long)s->D_v, (long long)s->head_v, (long long)s->window);
  if (!(s->dropout >= 0 && s->dropout < 1)) return kernel_fail(e, "attention: dropout %g is not in 0..1", s->dropout);
  return 0;
}

#if CPU_VECTORS
/* ---- memory: a task's rows lie far apart and each is read once or twice, so while one task computes, its rows to be written and the
 * rows of the next one that this thread will take are fetched into the second-level cache, a few at a time. */

struct ahead {
  struct {
    const real *rows;
    int64_t ld, columns;
    bool write;
  } parts[8];
  int count, part;         /* parts; the one that comes */
  int64_t rows, row, step; /* of each part; the one that comes; rows at a time */
};
enum { AHEAD_BYTES = 512 << 10 }; /* more would push itself out before its use */

static void ahead_add(struct ahead *a, const real *rows, int64_t ld, int64_t columns, bool write) {
  a->parts[a->count].rows = rows, a->parts[a->count].ld = ld, a->parts[a->count].columns = columns, a->parts[a->count++].write = write;
}

/* All parts have s->T rows; they are fetched while tiles of queries x keys are gone through by `rows` queries. */
static void ahead_start(struct ahead *a, int64_t heads, int64_t queries, int64_t keys, int64_t rows, const struct attention_shape *s) {
  int64_t columns = 0, steps = 0;
  for (int i = 0; i < a->count; i++) columns += a->parts[i].columns;
  if (columns * s->T * (int64_t)sizeof(real) > AHEAD_BYTES) a->count = 0;
  for (int64_t first = 0; first < s->T && a->count > 0; first += queries) {
    int64_t count = s->T - first < queries ? s->T - first : queries;
    steps += ((first + count - 1) / keys - first_key(first, s->window) / keys + 1) * ((count + rows - 1) / rows);
  }
  a->rows = s->T;
  a->step = steps > 0 ? (a->count * s->T + heads * steps - 1) / (heads * steps) : 0;
}

static void ahead_fetch(struct ahead *a) {
  for (int64_t n = 0; n < a->step && a->part < a->count; n++) {
    const real *row = a->parts[a->part].rows + a->row * a->parts[a->part].ld;
    int64_t columns = a->parts[a->part].columns;
    if (a->parts[a->part].write)
      for (int64_t c = 0; c < columns; c += 16) __builtin_prefetch(row + c, 1, 2);
    else
      for (int64_t c = 0; c < columns; c += 16) __builtin_prefetch(row + c, 0, 2);
    if (++a->row == a->rows) a->row = 0, a->part++;
  }
}

enum { QUERIES = 48, KEYS = 96 }; /* of a tile: 18 KB of scores; multiples of 6 and 12 rows, of 16 and 32 columns */
enum { AHEAD = 32 };              /* rows fetched ahead of packing */
enum { FEW_QUERIES = 6 };         /* up to here a cache is read position by position instead of being packed */
enum { HEADS = 8 };               /* of a group that read a cache together */
#define VECTOR_BODY "kernels/attention_vector.h"
#include "kernels/vector_each.h"
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,prefer-vector-width=512")
#endif
#include "kernels/attention_bf16.h"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool multiplies_bf16(const struct attention_shape *s) {
  return s->type == MATMUL_BF16 && cpu_variant() == CPU_AVX512 && __builtin_cpu_supports("avx512bf16");
}
#endif

/* Where head h of sequence b starts, in each kind of matrix. */
static int64_t query_at(int64_t b, int64_t h, const struct attention_shape *s) { return b * s->T * s->ld_q + h * s->D; }
static int64_t key_at(int64_t b, int64_t g, const struct attention_shape *s) { return b * s->T * s->ld_k + g * s->D; }
static int64_t value_at(int64_t b, int64_t g, const struct attention_shape *s) { return b * s->T * s->ld_v + g * s->head_v; }
static int64_t out_at(int64_t b, int64_t h, const struct attention_shape *s) { return b * s->T * s->ld_out + h * s->D_v; }

/* Tasks that a thread takes in a row, so that it knows its next; few enough for all threads to end together. */
static int64_t run_of_tasks(int64_t tasks) {
  int64_t run = tasks / (8 * omp_get_max_threads());
  return run > 0 ? run : 1;
}

/* Forward for all heads, cached or not: keys of sequence b start at b * k_stride, values at b * v_stride. */
static int forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v, int64_t k_stride, int64_t v_stride,
                   const int64_t *past, const struct attention_shape *s, struct kernel_error *e) {
  int64_t group = s->H / s->H_kv, most_past = 0, at_once = 1; /* heads a task takes */
  bool exhausted = false;
  for (int64_t b = 0; past && b < s->B; b++) most_past = past[b] > most_past ? past[b] : most_past;
#if CPU_VECTORS
  enum cpu_variant variant = cpu_variant();
  bool wide = variant == CPU_AVX512, by_position = past && s->T <= FEW_QUERIES && variant != CPU_SCALAR;
  /* Packing keys once for the whole group pays where there are groups enough for the threads. */
  if (by_position) at_once = group < HEADS ? group : HEADS;
  else if (variant != CPU_SCALAR && s->B * s->H_kv >= 8) at_once = group;
  /* Position by position a head's bits do not depend on those it is read with, so the number of threads may choose. */
  for (int threads = omp_get_max_threads(); by_position && at_once > 1 && s->B * s->H_kv * ((group + at_once - 1) / at_once) < threads;)
    at_once = (at_once + 1) / 2;
  bool bf16 = !past && multiplies_bf16(s);
  size_t scratch_size = by_position ? (size_t)(at_once * (most_past + s->T + 16)) * sizeof(float)
                        : bf16    ? bf16_forward_scratch(s)
                                  : (wide ? forward_scratch_avx512 : forward_scratch_avx2)(most_past + s->T, s);
#endif
  int64_t parts = (group + at_once - 1) / at_once, tasks = s->B * s->H_kv * parts, run = past ? 1 : run_of_tasks(tasks);
#pragma omp parallel for schedule(dynamic, run) if (s->H * (most_past + s->T) * s->T * s->B * s->D >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < tasks; i++) {
    int64_t b = i / parts / s->H_kv, g = i / parts % s->H_kv, h = g * group + i % parts * at_once, before = past ? past[b] : 0;
    real *to = out + out_at(b, h, s), *lse = log_sum_exp ? log_sum_exp + (b * s->H + h) * s->T : NULL;
    const real *query = q + query_at(b, h, s), *key = k + b * k_stride + g * s->D, *value = v + b * v_stride + g * s->head_v;
    int64_t row = (b * s->H + h) * s->T;
#if CPU_VECTORS
    if (variant != CPU_SCALAR) {
      float *scratch = cpu_scratch(0, scratch_size);
      int64_t heads = (g + 1) * group - h < at_once ? (g + 1) * group - h : at_once;
      if (!scratch) {
#pragma omp atomic write
        exhausted = true;
      } else if (by_position) {
        for (int64_t t = 0; t < s->T; t++) {
          int64_t u = first_key(before + t, s->window);
          (wide ? one_position_avx512 : one_position_avx2)(to + t * s->ld_out, query + t * s->ld_q, key + u * s->ld_k,
                                                           value + u * s->ld_v, before + t + 1 - u, heads, scratch, s);
        }
      } else {
        struct ahead ahead = {0};
        if (!past && (i + 1) % run != 0 && i + 1 < tasks) {
          int64_t b2 = (i + 1) / parts / s->H_kv, g2 = (i + 1) / parts % s->H_kv, h2 = g2 * group + (i + 1) % parts * at_once;
          ahead_add(&ahead, k + key_at(b2, g2, s), s->ld_k, s->D, false);
          ahead_add(&ahead, v + value_at(b2, g2, s), s->ld_v, s->D_v, false);
          ahead_add(&ahead, q + query_at(b2, h2, s), s->ld_q, heads * s->D, false);
          ahead_start(&ahead, heads, bf16 ? SIDE : QUERIES, bf16 ? SIDE : KEYS, bf16 ? BF16_ROWS : wide ? ROWS_avx512 : ROWS_avx2, s);
        }
        if (bf16) bf16_group_forward(to, lse, query, key, value, heads, row, &ahead, scratch, s);
        else (wide ? group_forward_avx512 : group_forward_avx2)(to, lse, query, key, value, before, heads, row, &ahead, scratch, s);
      }
      continue;
    }
#endif
    head_forward_scalar(to, lse, query, key, value, before, row, s);
  }
  return exhausted ? kernel_fail(e, "attention: no memory for %lld keys", (long long)(most_past + s->T)) : 0;
}

int attention_forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                      const struct attention_shape *s, struct kernel_error *e) {
  if (attention_check(s, e) != 0) return -1;
  return forward(out, log_sum_exp, q, k, v, s->T * s->ld_k, s->T * s->ld_v, NULL, s, e);
}

int attention_cached(real *out, const real *q, const real *k_cache, const real *v_cache, const struct cache_pages *pages,
                     const int64_t *past, int64_t longest, const struct attention_shape *s, struct kernel_error *e) {
  int64_t first = cpu_first_page(pages, s->B, e);
  (void)longest;
  if (first < 0 || attention_check(s, e) != 0) return -1;
  struct attention_shape whole = *s;
  whole.dropout = 0, whole.starts = NULL;
  int64_t k_stride = pages->page * s->ld_k, v_stride = pages->page * s->ld_v;
  return forward(out, NULL, q, k_cache + first * k_stride, v_cache + first * v_stride, k_stride, v_stride, past, &whole, e);
}

int attention_backward(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                       const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e) {
  if (attention_check(s, e) != 0) return -1;
  int64_t group = s->H / s->H_kv;
  bool exhausted = false;
#if CPU_VECTORS
  enum cpu_variant variant = cpu_variant();
  bool wide = variant == CPU_AVX512;
  bool bf16 = multiplies_bf16(s);
  size_t scratch_size = bf16 ? bf16_backward_scratch(s) : (wide ? backward_scratch_avx512 : backward_scratch_avx2)(s);
#endif
  int64_t tasks = s->B * s->H_kv, run = run_of_tasks(tasks);
#pragma omp parallel for schedule(dynamic, run) if (s->H * s->T * s->T * s->B * s->D >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < tasks; i++) {
    int64_t b = i / s->H_kv, g = i % s->H_kv, h = g * group, row = (b * s->H + h) * s->T;
    real *to_q = dq + query_at(b, h, s), *to_k = dk + key_at(b, g, s), *to_v = dv + value_at(b, g, s);
    const real *d = d_out + out_at(b, h, s), *o = out + out_at(b, h, s), *query = q + query_at(b, h, s);
    const real *key = k + key_at(b, g, s), *value = v + value_at(b, g, s), *lse = log_sum_exp + row;
#if CPU_VECTORS
    if (variant != CPU_SCALAR) {
      float *scratch = cpu_scratch(0, scratch_size);
      if (!scratch) {
#pragma omp atomic write
        exhausted = true;
      } else {
        struct ahead ahead = {0};
        if ((i + 1) % run != 0 && i + 1 < tasks) {
          int64_t b2 = (i + 1) / s->H_kv, g2 = (i + 1) % s->H_kv, h2 = g2 * group;
          ahead_add(&ahead, k + key_at(b2, g2, s), s->ld_k, s->D, false);
          ahead_add(&ahead, v + value_at(b2, g2, s), s->ld_v, s->D_v, false);
          ahead_add(&ahead, q + query_at(b2, h2, s), s->ld_q, group * s->D, false);
          ahead_add(&ahead, d_out + out_at(b2, h2, s), s->ld_out, group * s->D_v, false);
          ahead_add(&ahead, out + out_at(b2, h2, s), s->ld_out, group * s->D_v, false);
        }
        ahead_add(&ahead, to_k, s->ld_k, s->D, true);
        ahead_add(&ahead, to_v, s->ld_v, s->D_v, true);
        ahead_start(&ahead, group, bf16 ? SIDE : QUERIES, bf16 ? SIDE : KEYS, bf16 ? BF16_ROWS : wide ? ROWS_avx512 : ROWS_avx2, s);
        if (bf16) bf16_group_backward(to_q, to_k, to_v, d, query, key, value, o, lse, group, row, &ahead, scratch, s);
        else (wide ? group_backward_avx512 : group_backward_avx2)(to_q, to_k, to_v, d, query, key, value, o, lse, group, row, &ahead, scratch, s);
      }
      continue;
    }
#endif
    group_backward_scalar(to_q, to_k, to_v, d, query, key, value, o, lse, group, row, s);
  }
  return exhausted ? kernel_fail(e, "attention: no memory for %lld keys", (long long)s->T) : 0;
}
