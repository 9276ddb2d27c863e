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

#include "kernels/activation.h"
#include "kernels/real.h"

struct kernel_error {
  char message[256];
};

int kernel_fail(struct kernel_error *e, const char *format, ...) __attribute__((format(printf, 2, 3))); /* returns -1 */

/* Operands of a product as they are, or rounded to bfloat16 and summed in fp32.  Doubles are never rounded. */
enum matmul_type { MATMUL_FP32, MATMUL_BF16 };

struct attention_shape {
  int64_t B, T;                    /* sequences, positions of each */
  int64_t H, H_kv;                 /* query heads, key/value heads (H % H_kv == 0) */
  int64_t D, D_v;                  /* head h of q at h*D of its row, head g of k at g*D, of v at g*head_v, of out at h*D_v */
  int64_t ld_q, ld_k, ld_v, ld_out; /* elements between rows */
  int64_t head_v;                  /* elements between the heads of v: D_v when they lie side by side */
  int64_t window;                  /* a query sees itself and window-1 positions before; 0: all before */
  real scale;                      /* of q.k, usually 1/sqrt(D) */
  double dropout;                  /* share of the probabilities set to 0, the others divided by 1 - dropout; 0: none */
  uint64_t key;                    /* of the dropout's mask, a function of key, sequence, head and both positions */
  enum matmul_type type;           /* of the products inside, but for attention_cached; the softmax is fp32 */
};

/* Norms over `groups` consecutive runs of C columns in each row (more than one: QK-norm of heads; the weight is shared). */
struct norm_shape {
  int64_t rows, groups, C;
  int64_t ld_x, ld_y;   /* x and dx: [rows][ld_x]; y and dy: [rows][ld_y]; groups*C columns of each are used */
  real eps;
};

/* Mixture of experts, dropless. */
enum { ROUTE_MOST_GROUPS = 64 };
enum group_score { GROUP_BEST, GROUP_BEST_TWO };
struct route_shape {
  int64_t rows, experts, top;
  bool sigmoid;         /* scores by sigmoid (DeepSeek-V3), else softmax over all experts */
  bool normalize;       /* weights divided by their sum over the chosen (Mixtral; DeepSeek-V3) */
  real scale;           /* weights times this (routed_scaling_factor) */
  int64_t groups, top_groups; /* groups > 0: choices come from top_groups of this many equal groups of experts */
  enum group_score group_score; /* of a group: its best choice (DeepSeek-V2), or the sum of its two best (DeepSeek-V3) */
};
/* Where rows go: the j-th choice of row r is expert chosen[r*top + j], slot slots[r*top + j] of an array sorted by expert;
 * expert e owns slots starts[e] .. starts[e+1]-1, in the order of rows; sources[slot] = r. */
struct route {
  int32_t *chosen, *slots, *sources; /* [rows*top] */
  int32_t *starts;                   /* [experts + 1] */
};

struct filter_shape { /* of Hyena's implicit filter, h [T][C]; filter.h has the formula and the layout of its parameters */
  int64_t T, L;         /* positions; the length they are scaled by, max_position_embeddings */
  int64_t C, width;     /* channels; units of the hidden layers */
  int64_t bands;        /* of the positional features, of which there are 1 + 2*bands */
};

struct adamw_settings {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;         /* 1 for the first: bias correction */
  double gradient_scale; /* gradients are multiplied by this first (clipping) */
};

struct muon_settings {
  double lr, momentum, weight_decay;
  double adjust;         /* factor on lr, by shape: muon.h names the rules */
  double gradient_scale;
  int steps;             /* of Newton-Schulz: 5 */
  bool nesterov;
  enum matmul_type type; /* of Newton-Schulz */
};

struct soap_settings {
  double lr, beta1, beta2, shampoo_beta, eps, weight_decay;
  int64_t step;          /* 1 for the first, which only makes the bases */
  int64_t frequency;     /* steps between changes of the bases */
  double gradient_scale;
  bool normalize;        /* the update is divided by its root mean square */
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
  int (*matmul)(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a,
                int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e);

  int (*embedding_forward)(real *y, const real *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);
  int (*embedding_backward)(real *d_table, const real *dy, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);

  /* rstd, mean: [rows*groups], kept for backward */
  int (*rmsnorm_forward)(real *y, real *rstd, const real *x, const real *weight, const struct norm_shape *s, struct kernel_error *e);
  int (*rmsnorm_backward)(real *dx, real *d_weight, const real *dy, const real *x, const real *weight, const real *rstd,
                          const struct norm_shape *s, bool accumulate, struct kernel_error *e);
  /* sum = a + b, y = rmsnorm(sum); all [rows][C]; sum may be a or b */
  int (*add_rmsnorm)(real *sum, real *y, real *rstd, const real *a, const real *b, const real *weight, int64_t rows, int64_t C,
                     real eps, struct kernel_error *e);
  /* bias, d_bias: NULL for none */
  int (*layernorm_forward)(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias,
                           const struct norm_shape *s, struct kernel_error *e);
  int (*layernorm_backward)(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight,
                            const real *mean, const real *rstd, const struct norm_shape *s, bool accumulate, struct kernel_error *e);

  /* Rotates in place, rotate_half order, columns h*step .. h*step + D-1 for head h of each row of x [rows][ld]; row r has
   * position first + r % T.  cosine, sine: [positions][D/2].  inverse: the backward pass. */
  int (*rope)(real *x, int64_t ld, int64_t step, const real *cosine, const real *sine, int64_t rows, int64_t T, int64_t first,
              int64_t heads, int64_t D, bool inverse, struct kernel_error *e);
  /* y[r] += table[first + r % T];  d_table[r % T] += dy[r] */
  int (*position_forward)(real *y, const real *table, int64_t rows, int64_t T, int64_t first, int64_t C, struct kernel_error *e);
  int (*position_backward)(real *d_table, const real *dy, int64_t rows, int64_t T, int64_t C, struct kernel_error *e);

  /* Causal.  log_sum_exp: [B][H][T], kept for backward. */
  int (*attention_forward)(real *out, real *log_sum_exp, const real *q, const real *k, const real *v,
                           const struct attention_shape *s, struct kernel_error *e);
  int (*attention_backward)(real *dq, real *dk, real *dv, const real *d_out, const real *q, const real *k, const real *v,
                            const real *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e);
  /* s->T new positions of each of s->B sequences against a cache that already holds them: keys of sequence b start at
   * k_cache + b*k_stride, a position every ld_k, values alike; query t of sequence b stands at past[b] + t. */
  int (*attention_cached)(real *out, const real *q, const real *k_cache, const real *v_cache, int64_t k_stride, int64_t v_stride,
                          const int64_t *past, const struct attention_shape *s, struct kernel_error *e);

  /* y = f(gate) * up, or f(gate) where up is NULL; gate and up: [rows][ld], y and dy: [rows][F] */
  int (*activation_forward)(enum activation f, real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F,
                            struct kernel_error *e);
  int (*activation_backward)(enum activation f, real *d_gate, real *d_up, const real *dy, const real *gate, const real *up,
                             int64_t ld, int64_t rows, int64_t F, struct kernel_error *e);
  /* MLA: keys of each head from its own part and the one that all heads share.  kv: [rows][H][Dn + Dv], rows ld_kv apart;
   * k_rope: [rows][Dr], rows ld_rope apart; k: [rows][H][Dn + Dr]. */
  int (*join_keys)(real *k, const real *kv, int64_t ld_kv, const real *k_rope, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn,
                   int64_t Dv, int64_t Dr, struct kernel_error *e);
  int (*join_keys_backward)(real *d_kv, int64_t ld_kv, real *d_k_rope, int64_t ld_rope, const real *dk, int64_t rows, int64_t H,
                            int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e);


  /* Mixture of experts, dropless (route.h, dispatch.h, experts.h).  weights: [rows][top], scores: [rows][experts]; bias
   * [experts] or NULL: for choosing only.  balance: coefficient of the load-balance loss in d_logits. */
  int (*route_forward)(real *weights, real *scores, const struct route *route, const real *logits, const real *bias,
                       const struct route_shape *s, struct kernel_error *e);
  int (*route_backward)(real *d_logits, const real *d_weights, const real *weights, const real *scores, const struct route *route,
                        real balance, const struct route_shape *s, struct kernel_error *e);
  int (*route_count)(real *counts, const int32_t *starts, int64_t experts, struct kernel_error *e); /* counts[e] += slots of e */
  /* y: [slots][C], x: [rows][C] */
  int (*gather_rows)(real *y, const real *x, const int32_t *sources, int64_t slots, int64_t C, struct kernel_error *e);
  int (*gather_rows_backward)(real *dx, const real *dy, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate,
                              struct kernel_error *e);
  /* expert e: y[starts[e]..] = x[starts[e]..] w_e^T, w_e [out][in] at w + e*stride.  dx overwritten, dw added to. */
  int (*experts_forward)(enum matmul_type type, real *y, const real *x, const real *w, int64_t stride, const int32_t *starts,
                         int64_t experts, int64_t out, int64_t in, struct kernel_error *e);
  int (*experts_backward)(enum matmul_type type, real *dx, real *dw, const real *dy, const real *x, const real *w, int64_t stride,
                          const int32_t *starts, int64_t experts, int64_t out, int64_t in, struct kernel_error *e);
  /* y, dy: [rows][C], x, dx: [slots][C]; dx may be x */
  int (*combine_forward)(real *y, const real *x, const real *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C,
                         struct kernel_error *e);
  int (*combine_backward)(real *dx, real *d_weights, const real *dy, const real *x, const real *weights, const int32_t *slots,
                          int64_t rows, int64_t top, int64_t C, struct kernel_error *e);

  int (*add)(real *y, const real *a, const real *b, int64_t n, struct kernel_error *e); /* y may be a or b */
  int (*scale)(real *x, real factor, int64_t n, struct kernel_error *e);
  int (*bias_forward)(real *y, int64_t ld, const real *bias, int64_t rows, int64_t C, struct kernel_error *e);     /* y[r] += bias */
  int (*bias_backward)(real *d_bias, const real *dy, int64_t ld, int64_t rows, int64_t C, struct kernel_error *e); /* d_bias += sum of rows */
  int (*multiply)(real *y, int64_t ld_y, const real *a, int64_t ld_a, const real *b, int64_t ld_b, int64_t rows, int64_t C,
                  struct kernel_error *e); /* y = a * b */
  int (*multiply_backward)(real *da, int64_t ld_a, real *db, int64_t ld_b, const real *dy, int64_t ld_y, const real *a,
                           const real *b, int64_t rows, int64_t C, struct kernel_error *e);
  /* x[i] = keep(key, i) ? x[i] / (1 - p) : 0; forward and backward are the same call */
  int (*dropout)(real *x, int64_t n, double p, uint64_t key, struct kernel_error *e);

  /* losses[r] = -log softmax(logits[r])[target[r]], 0 where target < 0.  logits become their gradient times
   * gradient_scale when with_gradient: that of the loss + z * log(sum exp(logits[r]))^2. */
  int (*cross_entropy)(real *losses, real *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V,
                       real gradient_scale, real z, bool with_gradient, struct kernel_error *e);

  /* Hyena's causal convolutions, one filter a channel: short with K explicit taps, weight [C][K]; long with h [T][C] */
  int (*short_convolution_forward)(real *y, const real *x, const real *weight, const real *bias, int64_t B, int64_t T, int64_t C,
                                   int64_t K, struct kernel_error *e);
  int (*short_convolution_backward)(real *dx, real *d_weight, real *d_bias, const real *dy, const real *x, const real *weight,
                                    int64_t B, int64_t T, int64_t C, int64_t K, bool accumulate, struct kernel_error *e);
  int (*filter_forward)(real *h, real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e);
  int (*filter_backward)(real *d_parameters, const real *dh, const real *saved, const real *parameters, const struct filter_shape *s,
                         struct kernel_error *e);
  int (*long_convolution_forward)(real *y, const real *x, const real *h, const real *skip, int64_t B, int64_t T, int64_t C,
                                  struct kernel_error *e);
  int (*long_convolution_backward)(real *dx, real *dh, real *d_skip, const real *dy, const real *x, const real *h, const real *skip,
                                   int64_t B, int64_t T, int64_t C, struct kernel_error *e); /* dx, dh overwritten */
  /* T new positions behind past[b] older ones; x_cache holds both, `stride` elements between sequences */
  int (*long_convolution_cached)(real *y, const real *x_cache, int64_t stride, const int64_t *past, const real *h, const real *skip,
                                 int64_t B, int64_t T, int64_t C, struct kernel_error *e);

  /* ---- optimiser */
  int (*adamw)(real *parameter, const real *gradient, real *m, real *v, int64_t n, const struct adamw_settings *s, struct kernel_error *e);
  int (*muon)(real *parameter, const real *gradient, real *momentum, int64_t rows, int64_t columns, const struct muon_settings *s,
              struct kernel_error *e);
  int (*soap)(real *parameter, const real *gradient, real *m, real *v, real *left, real *right, real *q_left, real *q_right, int64_t rows,
              int64_t columns, const struct soap_settings *s, struct kernel_error *e);
  int (*sum_squares)(double *sum, const real *x, int64_t n, struct kernel_error *e); /* sum += */
};

const struct backend *backend_cpu(void);
/* One line about the CPU backend for -v: variant, BLAS, threads; *warning (may be NULL result) when it is slower than the
 * CPU allows, for example OpenBLAS held to Haswell by OPENBLAS_CORETYPE. */
const char *backend_cpu_describe(const char **warning);
/* NULL with the reason when the program was built without CUDA or no GPU answers. */
const struct backend *backend_cuda(struct kernel_error *e);

#endif
