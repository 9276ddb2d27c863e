/* SPDX-License-Identifier: MIT
 *
 * The table of operations a model's plan is executed with.  Each op is declared, with its contract, in the header of
 * its stem (rmsnorm.h, matmul.h, ...); a backend is one implementation of all of them.  `cpu` is always there.
 *
 * Conventions: matrices are row-major; `rows` counts positions (B x T); ld* is the distance in elements between rows.
 * Gradients of parameters are always added to; gradients of activations are added to when `accumulate` is true, else
 * overwritten.  Outputs never alias inputs unless the op says so.  Ops return 0, or -1 with kernel_error filled.
 * The same shapes, thread count and CPU variant (or GPU) give the same bits.
 * Pointers are to device memory unless the op says host.  Ops are queued in order: what they wrote is there for later ops and
 * copies, and for the host after synchronize() or to_host().
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

/* Operands of a product as they are; rounded to bfloat16; on a GPU also to TF32 (11 bits of fraction) or FP8 (E4M3, gradients
 * E5M2, with scales).  Sums are fp32.  Doubles are never rounded.  The CPU takes TF32 as FP32 and refuses FP8. */
enum matmul_type { MATMUL_FP32, MATMUL_BF16, MATMUL_TF32, MATMUL_FP8 };

/* Weights of products as ggml's blocks of 32 along a row: a float16 scale and 32 signed bytes (q8_0), or 32 nibbles with 8
 * taken off (q4_0).  quantized.h has the layout. */
enum quantization { QUANTIZED_Q8_0, QUANTIZED_Q4_0 };

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
  const int32_t *starts;           /* [B][T] on the device: the first position each query may see, where documents share a
                                      sequence; it never falls and is at most the query's own.  NULL: 0.  Not for attention_cached */
};

/* Rows of earlier positions, in pages of `page` rows: position t of sequence b is row t % page of page
 * table[b * pages + t / page].  The CPU takes one page a sequence (pages == 1), and those of sequences in a row. */
struct cache_pages {
  const int32_t *table;            /* [sequences][pages], on the device; NULL: 0, 1, 2, ... */
  int64_t pages, page;
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

/* Products of equal sizes: c_i = a_i op(b_i), i < count; op(b): b [K][N], or, transposed, [N][K].  stride_*: elements from one
 * matrix to the next, which may be less than a row: heads lie side by side. */
struct batch_shape {
  int64_t count, M, N, K;
  int64_t ld_a, ld_b, ld_c, stride_a, stride_b, stride_c;
  bool transpose_b;
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
  size_t stored_size;  /* bytes of a stored element */
  size_t logits_bytes; /* of logits that exist at a time: written once and read four times, they should stay in a cache, if one is large enough */
  int64_t cache_page;  /* rows of a page of a cache; 0: a sequence is one page */

  /* ---- memory */
  void *(*alloc)(size_t bytes, struct kernel_error *e); /* 64-byte aligned, zeroed; NULL on failure */
  void (*release)(void *p);
  void *(*alloc_host)(size_t bytes, struct kernel_error *e); /* host memory that copies are fastest with (pinned); not zeroed */
  void (*release_host)(void *p);
  int (*to_device)(void *device, const void *host, size_t bytes, struct kernel_error *e); /* host may be reused at once */
  int (*to_host)(void *host, const void *device, size_t bytes, struct kernel_error *e);   /* waits for it */
  int (*copy)(void *to, const void *from, size_t bytes, struct kernel_error *e);          /* both on the device, not overlapping */
  int (*zero)(void *device, size_t bytes, struct kernel_error *e);
  int (*synchronize)(struct kernel_error *e);
  void (*set_threads)(int threads); /* cpu only; others ignore it */
  int (*memory)(size_t *free, size_t *total, struct kernel_error *e); /* of the device */
  /* One line for -v; *warning (may become NULL): what makes it slower than it could be, and what to do. */
  const char *(*describe)(const char **warning);
  /* FLOP/s that the device's maker states for products of this type, dense; 0: not known */
  double (*stated_peak)(enum matmul_type type);

  /* Copies that run beside the ops: a copy waits for the ops queued before it and runs beside those queued after it, until
   * wait_copy(slot), after which queued ops wait for the last copy with that slot.  host: from alloc_host(). */
  int (*copy_out)(void *host, const void *device, size_t bytes, int slot, struct kernel_error *e);
  int (*copy_in)(void *device, const void *host, size_t bytes, int slot, struct kernel_error *e);
  int (*wait_copy)(int slot, struct kernel_error *e);

  /* Marks in the queue, and the seconds between two of them; elapsed() waits for both. */
  int (*mark)(int mark, struct kernel_error *e);
  int (*elapsed)(double *seconds, int from, int to, struct kernel_error *e);

  /* Begins a range of that name for a profiler of the device to show; NULL: the last one ends. */
  void (*range)(const char *name);

  /* What is queued between begin and end is kept instead of run, and then run as often as wanted by one call, with the same
   * arguments.  All four NULL: not possible.  record_end with -1 or a NULL graph: nothing was kept. */
  int (*record_begin)(struct kernel_error *e);
  int (*record_end)(void **graph, struct kernel_error *e);
  int (*graph_run)(void *graph, struct kernel_error *e);
  void (*graph_release)(void *graph);

  /* ---- between real and stored.  from of upload and to of download: host memory, as to_device and to_host */
  int (*upload)(stored *to, const real *from, int64_t n, struct kernel_error *e);
  int (*download)(real *to, const stored *from, int64_t n, struct kernel_error *e);
  int (*narrow)(stored *to, const real *from, int64_t n, struct kernel_error *e); /* both on the device; to may be from where both are real */

  /* ---- ops, forward and backward */
  int (*matmul)(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const stored *a,
                int64_t ld_a, const stored *b, int64_t ld_b, real beta, stored *c, int64_t ld_c, struct kernel_error *e);
  /* No c_i overlaps another or an operand; K of 0 gives zeros */
  int (*matmul_batched)(enum matmul_type type, stored *c, const stored *a, const stored *b, const struct batch_shape *s, struct kernel_error *e);
  /* y = x w^T + bias;  dx (+)= dy w;  dw += dy^T x, or overwritten, d_bias += the sum of dy's rows.
   * x, dx: [rows][ld_x] of which `in` are used; y, dy: [rows][ld_y], `out`; w, dw: [out][in]; bias, d_bias: [out] or NULL. */
  int (*linear_forward)(enum matmul_type type, stored *y, int64_t ld_y, const stored *x, int64_t ld_x, const stored *w, const stored *bias,
                        int64_t rows, int64_t out, int64_t in, struct kernel_error *e);
  int (*linear_backward_input)(enum matmul_type type, stored *dx, int64_t ld_x, const stored *dy, int64_t ld_y, const stored *w, int64_t rows,
                               int64_t out, int64_t in, bool accumulate, struct kernel_error *e);
  int (*linear_backward_weight)(enum matmul_type type, real *dw, real *d_bias, const stored *dy, int64_t ld_y, const stored *x, int64_t ld_x,
                                int64_t rows, int64_t out, int64_t in, bool accumulate, struct kernel_error *e);
  /* The two in one, linear_backward_weight first, for what they share; dx lies as x does */
  int (*linear_backward)(enum matmul_type type, stored *dx, real *dw, real *d_bias, const stored *dy, int64_t ld_y, const stored *x, int64_t ld_x,
                         const stored *w, int64_t rows, int64_t out, int64_t in, bool accumulate_x, bool accumulate_w, struct kernel_error *e);

  /* The same forward product with quantised weights (quantized.h), `in` a multiple of 32 */
  int (*linear_quantized)(enum quantization kind, stored *y, int64_t ld_y, const stored *x, int64_t ld_x, const void *w, const stored *bias,
                          int64_t rows, int64_t out, int64_t in, struct kernel_error *e);

  int (*embedding_forward)(stored *y, const stored *table, const int32_t *ids, int64_t rows, int64_t C, struct kernel_error *e);
  int (*embedding_backward)(real *d_table, const stored *dy, const int32_t *ids, int64_t rows, int64_t V, int64_t C, struct kernel_error *e);

  /* rstd, mean: [rows*groups], kept for backward */
  int (*rmsnorm_forward)(stored *y, real *rstd, const stored *x, const real *weight, const struct norm_shape *s, struct kernel_error *e);
  int (*rmsnorm_backward)(stored *dx, real *d_weight, const stored *dy, const stored *x, const real *weight, const real *rstd,
                          const struct norm_shape *s, bool accumulate, struct kernel_error *e);
  /* sum = a + b, y = rmsnorm(sum); all [rows][C]; sum may be a or b */
  int (*add_rmsnorm)(stored *sum, stored *y, real *rstd, const stored *a, const stored *b, const real *weight, int64_t rows, int64_t C,
                     real eps, struct kernel_error *e);
  /* bias, d_bias: NULL for none */
  int (*layernorm_forward)(stored *y, real *mean, real *rstd, const stored *x, const real *weight, const real *bias,
                           const struct norm_shape *s, struct kernel_error *e);
  int (*layernorm_backward)(stored *dx, real *d_weight, real *d_bias, const stored *dy, const stored *x, const real *weight,
                            const real *mean, const real *rstd, const struct norm_shape *s, bool accumulate, struct kernel_error *e);

  /* Rotates in place, rotate_half order, columns h*step .. h*step + D-1 for head h of each row of x [rows][ld]; row r has
   * position past[r / T] + r % T, past NULL: r % T.  cosine, sine: [positions][D/2].  inverse: the backward pass. */
  int (*rope)(stored *x, int64_t ld, int64_t step, const real *cosine, const real *sine, int64_t rows, int64_t T, const int64_t *past,
              int64_t heads, int64_t D, bool inverse, struct kernel_error *e);
  /* y[r] += table[past[r / T] + r % T], past NULL: r % T;  d_table[r % T] += dy[r] */
  int (*position_forward)(stored *y, const stored *table, int64_t rows, int64_t T, const int64_t *past, int64_t C, struct kernel_error *e);
  int (*position_backward)(real *d_table, const stored *dy, int64_t rows, int64_t T, int64_t C, struct kernel_error *e);

  /* Causal.  log_sum_exp: [B][H][T], kept for backward. */
  int (*attention_forward)(stored *out, real *log_sum_exp, const stored *q, const stored *k, const stored *v,
                           const struct attention_shape *s, struct kernel_error *e);
  int (*attention_backward)(stored *dq, stored *dk, stored *dv, const stored *d_out, const stored *q, const stored *k, const stored *v,
                            const stored *out, const real *log_sum_exp, const struct attention_shape *s, struct kernel_error *e);
  /* s->T new positions of each of s->B sequences against a cache that already holds them, a row every s->ld_k, s->ld_v elements
   * from k_cache, v_cache; query t of sequence b stands at past[b] + t.  longest: max(past) + T at most, known to the host. */
  int (*attention_cached)(stored *out, const stored *q, const stored *k_cache, const stored *v_cache, const struct cache_pages *pages,
                          const int64_t *past, int64_t longest, const struct attention_shape *s, struct kernel_error *e);
  /* Row past[b] + t of sequence b of the cache, columns 0 .. C-1 of its rows of ld_cache = x[b*T + t]; x: rows ld_x apart */
  int (*cache_append)(stored *cache, int64_t ld_cache, const struct cache_pages *pages, const int64_t *past, const stored *x, int64_t ld_x,
                      int64_t B, int64_t T, int64_t C, struct kernel_error *e);
  /* to[r][c] = from[r][c], c < C */
  int (*copy_rows)(stored *to, int64_t ld_to, const stored *from, int64_t ld_from, int64_t rows, int64_t C, struct kernel_error *e);

  /* y = f(gate) * up, or f(gate) where up is NULL; gate and up: [rows][ld], y and dy: [rows][F] */
  int (*activation_forward)(enum activation f, stored *y, const stored *gate, const stored *up, int64_t ld, int64_t rows, int64_t F,
                            struct kernel_error *e);
  int (*activation_backward)(enum activation f, stored *d_gate, stored *d_up, const stored *dy, const stored *gate, const stored *up,
                             int64_t ld, int64_t rows, int64_t F, struct kernel_error *e);
  /* MLA: keys of each head from its own part and the one that all heads share.  kv: [rows][H][Dn + Dv], rows ld_kv apart;
   * k_rope: [rows][Dr], rows ld_rope apart; k: [rows][H][Dn + Dr]. */
  int (*join_keys)(stored *k, const stored *kv, int64_t ld_kv, const stored *k_rope, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn,
                   int64_t Dv, int64_t Dr, struct kernel_error *e);
  int (*join_keys_backward)(stored *d_kv, int64_t ld_kv, stored *d_k_rope, int64_t ld_rope, const stored *dk, int64_t rows, int64_t H,
                            int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e);

  /* Mixture of experts, dropless (route.h, dispatch.h, experts.h).  weights: [rows][top], scores: [rows][experts]; bias
   * [experts] or NULL: for choosing only.  balance: coefficient of the load-balance loss in d_logits. */
  int (*route_forward)(stored *weights, real *scores, const struct route *route, const stored *logits, const real *bias,
                       const struct route_shape *s, struct kernel_error *e);
  int (*route_backward)(stored *d_logits, const stored *d_weights, const stored *weights, const real *scores, const struct route *route,
                        real balance, const struct route_shape *s, struct kernel_error *e);
  int (*route_count)(real *counts, const int32_t *starts, int64_t experts, struct kernel_error *e); /* counts[e] += slots of e */
  /* y: [slots][C], x: [rows][C] */
  int (*gather_rows)(stored *y, const stored *x, const int32_t *sources, int64_t slots, int64_t C, struct kernel_error *e);
  int (*gather_rows_backward)(stored *dx, const stored *dy, const int32_t *slots, int64_t rows, int64_t top, int64_t C, bool accumulate,
                              struct kernel_error *e);
  /* expert e: y[starts[e]..] = x[starts[e]..] w_e^T, w_e [out][in] at w + e*stride; slots: starts[experts].  dx overwritten, dw
   * added to (its experts' gradients `stride` apart too). */
  int (*experts_forward)(enum matmul_type type, stored *y, const stored *x, const stored *w, int64_t stride, const int32_t *starts,
                         int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e);
  int (*experts_backward)(enum matmul_type type, stored *dx, real *dw, const stored *dy, const stored *x, const stored *w, int64_t stride,
                          const int32_t *starts, int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e);
  /* y, dy: [rows][C], x, dx: [slots][C]; dx may be x */
  int (*combine_forward)(stored *y, const stored *x, const stored *weights, const int32_t *slots, int64_t rows, int64_t top, int64_t C,
                         struct kernel_error *e);
  int (*combine_backward)(stored *dx, stored *d_weights, const stored *dy, const stored *x, const stored *weights, const int32_t *slots,
                          int64_t rows, int64_t top, int64_t C, struct kernel_error *e);

  int (*add)(stored *y, const stored *a, const stored *b, int64_t n, struct kernel_error *e); /* y may be a or b */
  int (*scale)(stored *x, real factor, int64_t n, struct kernel_error *e);
  int (*multiply)(stored *y, int64_t ld_y, const stored *a, int64_t ld_a, const stored *b, int64_t ld_b, int64_t rows, int64_t C,
                  struct kernel_error *e); /* y = a * b */
  int (*multiply_backward)(stored *da, int64_t ld_a, stored *db, int64_t ld_b, const stored *dy, int64_t ld_y, const stored *a,
                           const stored *b, int64_t rows, int64_t C, struct kernel_error *e);
  /* x[i] = keep(key, i) ? x[i] / (1 - p) : 0; forward and backward are the same call */
  int (*dropout)(stored *x, int64_t n, double p, uint64_t key, struct kernel_error *e);

  /* losses[r] = -log softmax(logits[r])[target[r]], 0 where target < 0.  logits become their gradient times
   * gradient_scale when with_gradient: that of the loss + z * log(sum exp(logits[r]))^2. */
  int (*cross_entropy)(real *losses, stored *logits, int64_t ld, const int32_t *targets, int64_t rows, int64_t V,
                       real gradient_scale, real z, bool with_gradient, struct kernel_error *e);

  /* Of each row the k largest logits, the largest first, of equal ones the lower id first; and log(sum exp(logits / temperature)).
   * values, ids: [rows][k], k <= V; log_sum_exp: [rows], NaN where a logit is NaN or +inf. */
  int (*top_logits)(real *values, int32_t *ids, real *log_sum_exp, const stored *logits, int64_t ld, int64_t rows, int64_t V, int64_t k,
                    real temperature, struct kernel_error *e);

  /* Hyena's causal convolutions, one filter a channel: short with K explicit taps, weight [C][K]; long with h [T][C] */
  int (*short_convolution_forward)(stored *y, const stored *x, const real *weight, const real *bias, int64_t B, int64_t T, int64_t C,
                                   int64_t K, struct kernel_error *e);
  int (*short_convolution_backward)(stored *dx, real *d_weight, real *d_bias, const stored *dy, const stored *x, const real *weight,
                                    int64_t B, int64_t T, int64_t C, int64_t K, bool accumulate, struct kernel_error *e);
  int (*filter_forward)(stored *h, real *saved, const real *parameters, const struct filter_shape *s, struct kernel_error *e);
  int (*filter_backward)(real *d_parameters, const stored *dh, const real *saved, const real *parameters, const struct filter_shape *s,
                         struct kernel_error *e);
  int (*long_convolution_forward)(stored *y, const stored *x, const stored *h, const real *skip, int64_t B, int64_t T, int64_t C,
                                  struct kernel_error *e);
  int (*long_convolution_backward)(stored *dx, stored *dh, real *d_skip, const stored *dy, const stored *x, const stored *h, const real *skip,
                                   int64_t B, int64_t T, int64_t C, struct kernel_error *e); /* dx, dh overwritten */
  /* T new positions of each sequence behind past[b] older ones; the cache's rows of C hold both.  y: [B][T][C]; h: [longest][C] at least */
  int (*short_convolution_cached)(stored *y, const stored *x_cache, const struct cache_pages *pages, const int64_t *past, const real *weight,
                                  const real *bias, int64_t B, int64_t T, int64_t C, int64_t K, struct kernel_error *e);
  int (*long_convolution_cached)(stored *y, const stored *x_cache, const struct cache_pages *pages, const int64_t *past, int64_t longest,
                                 const stored *h, const real *skip, int64_t B, int64_t T, int64_t C, struct kernel_error *e);

  /* ---- optimiser */
  int (*adamw)(real *parameter, const real *gradient, real *m, real *v, int64_t n, const struct adamw_settings *s, struct kernel_error *e);
  int (*muon)(real *parameter, const real *gradient, real *momentum, int64_t rows, int64_t columns, const struct muon_settings *s,
              struct kernel_error *e);
  int (*soap)(real *parameter, const real *gradient, real *m, real *v, real *left, real *right, real *q_left, real *q_right, int64_t rows,
              int64_t columns, const struct soap_settings *s, struct kernel_error *e);
  int (*sum_squares)(double *sum, const real *x, int64_t n, struct kernel_error *e); /* host: *sum += , after waiting */
};

/* p moved by n elements as this backend stores them. */
static inline stored *stored_at(const struct backend *b, const stored *p, int64_t n) {
  return p ? (stored *)((char *)(uintptr_t)p + n * (int64_t)b->stored_size) : NULL;
}

const struct backend *backend_cpu(void);
/* The first GPU, with stored = bfloat16 for MATMUL_BF16 and MATMUL_FP8, float for the others.  NULL with the reason and what to
 * do when the program was built without CUDA, no driver or GPU answers, or the GPU is too old. */
const struct backend *backend_cuda(enum matmul_type type, struct kernel_error *e);

#endif
