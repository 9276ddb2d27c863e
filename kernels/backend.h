/* SPDX-License-Identifier: MIT
 *
 * The table of operations a model's plan is executed with.  Each op is declared, with its contract, in the header of
 * its stem (rmsnorm.h, matmul.h, ...); a backend is one implementation of all of them.  `cpu` is always there.
 *
 * Conventions: matrices are row-major; `rows` counts positions (B x T); ld* is the distance in elements between rows.
 * Gradients of parameters are always added to; gradients of activations are added to when `accumulate` is true, else
 * overwritten.  Outputs never alias inputs unless the op says so.  Ops return 0, or -1 with kernel_error filled.
 * The same shapes, thread count and CPU variant give the same bits.
 */
#ifndef KERNELS_BACKEND_H
#define KERNELS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/real.h"

struct kernel_error {
  char message[256];
};

int kernel_fail(struct kernel_error *e, const char *format, ...) __attribute__((format(printf, 2, 3))); /* returns -1 */

struct attention_shape {
  int64_t B, T;         /* sequences, positions of each */
  int64_t H, H_kv, D;   /* query heads, key/value heads (H % H_kv == 0), size of a head */
  int64_t ld_q, ld_kv;  /* q: [B*T][ld_q] of which H*D are used; k and v: [B*T][ld_kv] */
  int64_t ld_out;       /* out: [B*T][ld_out] */
  int64_t window;       /* a query sees itself and window-1 positions before; 0: all before */
  real scale;           /* of q.k, usually 1/sqrt(D) */
};

struct adamw_settings {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;         /* 1 for the first: bias correction */
  double gradient_scale; /* gradients are multiplied by this first (clipping) */
};

struct backend {
  const char *name;

  /* ---- memory */
  void *(*alloc)(size_t bytes, struct kernel_error *e); /* 64-byte aligned, zeroed; NULL on failure */
  void (*release)(void *p);
  int (*to_device)(void *device, const void *host, size_t bytes, struct kernel_error *e);
  int (*to_host)(void *host, const void *device, size_t bytes, struct kernel_error *e);
  int (*zero)(void *device, size_t bytes, struct kernel_error *e);
  int (*synchronize)(struct kernel_error *e);
  void (*set_threads)(int threads); /* cpu only; others ignore it */

  /* ---- ops, forward and backward */
  int (*matmul)(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a,
                int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e);

  int (*embedding_forward)(real *y, const real *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);
  int (*embedding_backward)(real *d_table, const real *dy, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);

  int (*rmsnorm_forward)(real *y, real *rstd, const real *x, const real *weight, int64_t rows, int64_t C, real eps, struct kernel_error *e);
  int (*rmsnorm_backward)(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                          int64_t rows, int64_t C, bool accumulate, struct kernel_error *e);

  /* x: [rows][ld] of which heads*D are rotated in place, rotate_half order; row r has position first + r % T.
   * cosine, sine: [positions][D/2].  inverse: the backward pass. */
  int (*rope)(real *x, int64_t ld, const real *cosine, const real *sine, int64_t rows, int64_t T, int64_t first,
              int64_t heads, int64_t D, bool inverse, struct kernel_error *e);

  /* Causal.  log_sum_exp: [B][H][T], kept for backward. */
  int (*attention_forward)(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                           const struct attention_shape *s, struct kernel_error *e);
  int (*attention_backward)(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                            const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e);
  /* s->T new positions of each of s->B sequences against a cache that already holds them: keys and values of sequence b
   * start at k_cache + b*cache_stride, a position every ld_kv; query t of sequence b stands at past[b] + t. */
  int (*attention_cached)(real *out, const real *q, const real *k_cache, const real *v_cache, int64_t cache_stride,
                          const int64_t *past, const struct attention_shape *s, struct kernel_error *e);

  /* y = silu(gate) * up; gate and up: [rows][ld], y and dy: [rows][F] */
  int (*swiglu_forward)(real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F, struct kernel_error *e);
  int (*swiglu_backward)(real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld, int64_t rows,
                         int64_t F, struct kernel_error *e);

  int (*add)(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e); /* y may be a or b */
  int (*scale)(real *x, real factor, int64_t n, struct kernel_error *e);

  /* losses[r] = -log softmax(logits[r])[target[r]], 0 where target < 0.  logits become their gradient times
   * gradient_scale when with_gradient. */
  int (*cross_entropy)(real *losses, real *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V,
                       real gradient_scale, bool with_gradient, struct kernel_error *e);

  /* ---- optimiser */
  int (*adamw)(real *parameter, const real *gradient, real *m, real *v, int64_t n, const struct adamw_settings *s, struct kernel_error *e);
  int (*sum_squares)(double *sum, const real *x, int64_t n, struct kernel_error *e); /* sum += */
};

const struct backend *backend_cpu(void);
/* One line about the CPU backend for -v: variant, BLAS, threads; *warning (may be NULL result) when it is slower than the
 * CPU allows, for example OpenBLAS held to Haswell by OPENBLAS_CORETYPE. */
const char *backend_cpu_describe(const char **warning);
/* NULL with the reason when the program was built without CUDA or no GPU answers. */
const struct backend *backend_cuda(struct kernel_error *e);

#endif
