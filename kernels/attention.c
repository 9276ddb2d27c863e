/* SPDX-License-Identifier: MIT
 *
 * Attention on the CPU: sequences and heads in parallel.  Each query's output, and each group's dk and dv, is made by one
 * thread in one order.
 */
#include "kernels/attention.h"

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

/* Key head g of sequence b with all query heads that read it.  Pointers are those of the whole op. */
static void group_backward_scalar(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k,
                                  const real *v, const real *out, const real *log_sum_exp, int64_t b, int64_t g,
                                  const struct attention_shape *s) {
  int64_t D = s->D, group = s->H / s->H_kv;
  k += b * s->T * s->ld_kv + g * D, v += b * s->T * s->ld_kv + g * D;
  dk += b * s->T * s->ld_kv + g * D, dv += b * s->T * s->ld_kv + g * D;
  for (int64_t t = 0; t < s->T; t++) {
    memset(dk + t * s->ld_kv, 0, (size_t)D * sizeof *dk);
    memset(dv + t * s->ld_kv, 0, (size_t)D * sizeof *dv);
  }
  for (int64_t h = g * group; h < (g + 1) * group; h++)
    for (int64_t t = 0; t < s->T; t++) {
      const real *query = q + (b * s->T + t) * s->ld_q + h * D, *d = d_out + (b * s->T + t) * s->ld_out + h * D;
      real *d_query = dq + (b * s->T + t) * s->ld_q + h * D;
      real lse = log_sum_exp[(b * s->H + h) * s->T + t];
      real delta = dot(d, out + (b * s->T + t) * s->ld_out + h * D, D); /* sum over keys of p dp */
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

int attention_forward(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                      const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < s->B * s->H; i++) {
    int64_t b = i / s->H, h = i % s->H, keys = b * s->T * s->ld_kv + h / (s->H / s->H_kv) * s->D;
    head_forward_scalar(out + b * s->T * s->ld_out + h * s->D, log_sum_exp + i * s->T, q + b * s->T * s->ld_q + h * s->D,
                        k + keys, v + keys, 0, s);
  }
  return 0;
}

int attention_backward(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                       const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < s->B * s->H_kv; i++)
    group_backward_scalar(dq, dk, dv, d_out, q, k, v, out, log_sum_exp, i / s->H_kv, i % s->H_kv, s);
  return 0;
}

int attention_cached(real *out, const real *q, const real *k_cache, const real *v_cache, int64_t cache_stride,
                     const int64_t *past, const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
#pragma omp parallel for schedule(dynamic)
  for (int64_t i = 0; i < s->B * s->H; i++) {
    int64_t b = i / s->H, h = i % s->H, keys = b * cache_stride + h / (s->H / s->H_kv) * s->D;
    head_forward_scalar(out + b * s->T * s->ld_out + h * s->D, NULL, q + b * s->T * s->ld_q + h * s->D, k_cache + keys,
                        v_cache + keys, past[b], s);
  }
  return 0;
}
