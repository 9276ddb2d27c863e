/* SPDX-License-Identifier: MIT
 *
 * Attention on the CPU: sequences and heads in parallel.  Each query's output, and each group's dk and dv, is made by one
 * thread in one order.
 */
#include "kernels/attention.h"

#include <float.h>
#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"

static int64_t first_key(int64_t position, int64_t window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

static real dot(const real *a, const real *b, int64_t D) {
  real sum = 0;
  for (int64_t d = 0; d < D; d++) sum += a[d] * b[d];
  return sum;
}

/* Queries q[0..T-1] of one head, standing at positions past..past+T-1 of keys k and values v.  log_sum_exp may be NULL. */
static void head_forward_scalar(real *out, real *log_sum_exp, const real *q, const real *k, const real *v, int64_t past,
                                const struct attention_shape *s) {
  for (int64_t t = 0; t < s->T; t++) {
    real *o = out + t * s->ld_out, most = -INFINITY, sum = 0;
    memset(o, 0, (size_t)s->D * sizeof *o);
    for (int64_t u = first_key(past + t, s->window); u <= past + t; u++) {
      real score = s->scale * dot(q + t * s->ld_q, k + u * s->ld_kv, s->D);
      if (!(score <= most)) { /* the running maximum grows (or is NaN): shrink what is summed so far */
        real shrink = exp(most - score);
        for (int64_t d = 0; d < s->D; d++) o[d] *= shrink;
        sum *= shrink;
        most = score;
      }
      real p = exp(score - most);
      for (int64_t d = 0; d < s->D; d++) o[d] += p * v[u * s->ld_kv + d];
      sum += p;
    }
    for (int64_t d = 0; d < s->D; d++) o[d] /= sum;
    if (log_sum_exp) log_sum_exp[t] = most + log(sum);
  }
}

/* The `heads` query heads of one key head; every pointer is that of the group's first row and column. */
static void group_backward_scalar(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k,
                                  const real *v, const real *out, const real *log_sum_exp, int64_t heads,
                                  const struct attention_shape *s) {
  int64_t D = s->D;
  for (int64_t t = 0; t < s->T; t++) {
    memset(dk + t * s->ld_kv, 0, (size_t)D * sizeof *dk);
    memset(dv + t * s->ld_kv, 0, (size_t)D * sizeof *dv);
  }
  for (int64_t h = 0; h < heads; h++)
    for (int64_t t = 0; t < s->T; t++) {
      const real *query = q + t * s->ld_q + h * D, *d = d_out + t * s->ld_out + h * D;
      real *d_query = dq + t * s->ld_q + h * D, lse = log_sum_exp[h * s->T + t];
      real delta = dot(d, out + t * s->ld_out + h * D, D); /* sum over keys of p dp */
      memset(d_query, 0, (size_t)D * sizeof *d_query);
      for (int64_t u = first_key(t, s->window); u <= t; u++) {
        const real *key = k + u * s->ld_kv, *value = v + u * s->ld_kv;
        real p = exp(s->scale * dot(query, key, D) - lse);
        real ds = s->scale * p * (dot(d, value, D) - delta);
        for (int64_t i = 0; i < D; i++) {
          d_query[i] += ds * key[i];
          dk[u * s->ld_kv + i] += ds * query[i];
          dv[u * s->ld_kv + i] += p * d[i];
        }
      }
    }
}

static int check_shape(const struct attention_shape *s, struct kernel_error *e) {
  if (s->H_kv < 1 || s->H % s->H_kv != 0 || s->D < 1 || s->window < 0)
    return kernel_fail(e, "attention: %lld query heads, %lld key heads, head size %lld, window %lld", (long long)s->H,
                       (long long)s->H_kv, (long long)s->D, (long long)s->window);
  return 0;
}

#if CPU_VECTORS
enum { QUERIES = 48, KEYS = 96 }; /* of a tile: 18 KB of scores; multiples of 6 and 12 rows, of 16 and 32 columns */
enum { AHEAD = 32 };              /* rows fetched ahead of packing */
enum { FEW_QUERIES = 6 };         /* up to here a cache is read query by query instead of being packed */
#define VECTOR_BODY "kernels/attention_vector.h"
#include "kernels/vector_each.h"
#endif

/* Where head h of sequence b starts, in each kind of matrix. */
static int64_t query_at(int64_t b, int64_t h, const struct attention_shape *s) { return b * s->T * s->ld_q + h * s->D; }
static int64_t key_at(int64_t b, int64_t g, const struct attention_shape *s) { return b * s->T * s->ld_kv + g * s->D; }
static int64_t out_at(int64_t b, int64_t h, const struct attention_shape *s) { return b * s->T * s->ld_out + h * s->D; }

/* Forward for all heads, cached or not: keys of (b, g) start at b * sequence_stride + g * D. */
static int forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v, int64_t sequence_stride,
                   const int64_t *past, const struct attention_shape *s, struct kernel_error *e) {
  int64_t group = s->H / s->H_kv, most_past = 0, at_once = 1; /* heads a task takes */
  bool exhausted = false;
  for (int64_t b = 0; past && b < s->B; b++) most_past = past[b] > most_past ? past[b] : most_past;
#if CPU_VECTORS
  enum cpu_variant variant = cpu_variant();
  bool wide = variant == CPU_AVX512, by_query = past && s->T <= FEW_QUERIES;
  size_t scratch_size = by_query ? (size_t)(most_past + s->T + 16) * sizeof(real)
                                 : (wide ? forward_scratch_avx512 : forward_scratch_avx2)(most_past + s->T, s->D);
  /* Packing keys once for the whole group pays where there are groups enough for the threads. */
  if (variant != CPU_SCALAR && !by_query && s->B * s->H_kv >= 8) at_once = group;
#endif
#pragma omp parallel for schedule(dynamic) if (s->H * (most_past + s->T) * s->T * s->B * s->D >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < s->B * s->H / at_once; i++) {
    int64_t b = i * at_once / s->H, h = i * at_once % s->H, before = past ? past[b] : 0;
    real *to = out + out_at(b, h, s), *lse = log_sum_exp ? log_sum_exp + (b * s->H + h) * s->T : NULL;
    const real *query = q + query_at(b, h, s), *key = k + b * sequence_stride + h / group * s->D;
    const real *value = v + b * sequence_stride + h / group * s->D;
#if CPU_VECTORS
    if (variant != CPU_SCALAR) {
      float *scratch = cpu_scratch(0, scratch_size);
      if (!scratch) {
#pragma omp atomic write
        exhausted = true;
      } else if (by_query) {
        for (int64_t t = 0; t < s->T; t++) {
          int64_t u = first_key(before + t, s->window);
          (wide ? one_query_avx512 : one_query_avx2)(to + t * s->ld_out, query + t * s->ld_q, key + u * s->ld_kv,
                                                     value + u * s->ld_kv, before + t + 1 - u, scratch, s);
        }
      } else {
        (wide ? group_forward_avx512 : group_forward_avx2)(to, lse, query, key, value, before, at_once, scratch, s);
      }
      continue;
    }
#endif
    head_forward_scalar(to, lse, query, key, value, before, s);
  }
  return exhausted ? kernel_fail(e, "attention: no memory for %lld keys", (long long)(most_past + s->T)) : 0;
}

int attention_forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                      const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
  return forward(out, log_sum_exp, q, k, v, s->T * s->ld_kv, NULL, s, e);
}

int attention_cached(real *out, const real *q, const real *k_cache, const real *v_cache, int64_t cache_stride,
                     const int64_t *past, const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
  return forward(out, NULL, q, k_cache, v_cache, cache_stride, past, s, e);
}

int attention_backward(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                       const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
  int64_t group = s->H / s->H_kv;
  bool exhausted = false;
#if CPU_VECTORS
  enum cpu_variant variant = cpu_variant();
  bool wide = variant == CPU_AVX512;
  size_t scratch_size = (wide ? backward_scratch_avx512 : backward_scratch_avx2)(s->T, s->D);
#endif
#pragma omp parallel for schedule(dynamic) if (s->H * s->T * s->T * s->B * s->D >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < s->B * s->H_kv; i++) {
    int64_t b = i / s->H_kv, g = i % s->H_kv, h = g * group;
    real *to_q = dq + query_at(b, h, s), *to_k = dk + key_at(b, g, s), *to_v = dv + key_at(b, g, s);
    const real *d = d_out + out_at(b, h, s), *o = out + out_at(b, h, s), *query = q + query_at(b, h, s);
    const real *key = k + key_at(b, g, s), *value = v + key_at(b, g, s), *lse = log_sum_exp + (b * s->H + h) * s->T;
#if CPU_VECTORS
    if (variant != CPU_SCALAR) {
      float *scratch = cpu_scratch(0, scratch_size);
      if (!scratch) {
#pragma omp atomic write
        exhausted = true;
      } else {
        (wide ? group_backward_avx512 : group_backward_avx2)(to_q, to_k, to_v, d, query, key, value, o, lse, group, scratch, s);
      }
      continue;
    }
#endif
    group_backward_scalar(to_q, to_k, to_v, d, query, key, value, o, lse, group, s);
  }
  return exhausted ? kernel_fail(e, "attention: no memory for %lld keys", (long long)s->T) : 0;
}
