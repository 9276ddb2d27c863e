/* SPDX-License-Identifier: MIT
 *
 * Times every op of a device at the sizes of whole models, beside what the device could do.
 *
 *   bench [--size tiny|124M|1B] [--type bf16|fp32|tf32|fp8] [--only WORD] [--repeat N] [--list]
 *
 * Standard output is TSV: what, shape, type, ms, ours, unit, limit.  An op that moves memory is in GB/s, of the bytes that must be
 * read and written once; its limit is the device's own copy of 1 GiB.  An op that multiplies is in TFLOP/s; its limit is what
 * the maker states for the type, and empty for float, where that is not known.  Others are in ms and have none.
 * `shape` tells whoever times the same work elsewhere (tests/device/peers.py) all sizes: NAME=NUMBER, a space between.
 * Each time is the median of N (20) calls, between marks in the queue, with 256 MiB cleared before each so that nothing is in the
 * caches.  Operands are random: multiplying zeros is faster.  Of fp8 only the products differ from bf16's: --only linear.
 * --list: the first three columns alone, without a device.
 * Built for the emulator it runs, at --size tiny, and its figures say nothing.  Ends with 1 when an op fails.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"
#include "kernels/filter.h"
#include "kernels/fp8.h"
#include "kernels/muon.h"
#include "kernels/quantized.h"

struct size {
  const char *name;
  int64_t B, T, C, H, H_kv, D, F, V;
  int64_t experts, top, expert_width;
  int64_t latent, rope; /* of MLA: columns of a head without and with rotation */
  int64_t flush, copy;  /* bytes */
};
static const struct size sizes[] = {
    {"tiny", 2, 48, 64, 2, 1, 32, 96, 200, 4, 2, 32, 16, 8, 1 << 12, 1 << 16},
    {"124M", 16, 1024, 768, 12, 12, 64, 3072, 50304, 8, 2, 1024, 64, 32, (int64_t)256 << 20, (int64_t)1 << 30},
    {"1B", 4, 2048, 2048, 32, 8, 64, 8192, 128256, 64, 6, 1408, 128, 64, (int64_t)256 << 20, (int64_t)1 << 30},
};

static const struct backend *b;
static struct kernel_error e;
static enum matmul_type type = MATMUL_BF16;
static const char *type_name = "bf16", *only = "";
static int repeat = 20, failures;
static bool list;
static char shape[128];
static double copy_rate; /* GB/s */
static const struct size *z;
static void *flush;

/* ---- memory of one case */

static void *blocks[64];
static int block_count;
static void *take(int64_t bytes) {
  if (list) return NULL;
  void *p = block_count < 64 ? b->alloc((size_t)bytes, &e) : NULL;
  if (!p) {
    fprintf(stderr, "bench: %s\n", e.message);
    exit(1);
  }
  return blocks[block_count++] = p;
}
static void give_back(void) {
  while (block_count > 0) b->release(blocks[--block_count]);
}

static void must(int result) {
  if (result == 0) return;
  fprintf(stderr, "bench: %s\n", e.message);
  exit(1);
}

static uint64_t state = 1;
static uint64_t random_bits(void) { return (state = state * 6364136223846793005u + 1442695040888963407u) >> 33; }

/* n numbers of [-1, 1): a piece made here, and copies of it. */
enum { PIECE = 1 << 16 };
static void *random_numbers(int64_t n, bool is_stored) {
  static real piece[PIECE];
  int64_t width = is_stored ? (int64_t)b->stored_size : (int64_t)sizeof(real), first = n < PIECE ? n : PIECE;
  char *p = take(n * width);
  if (list) return NULL;
  for (int64_t i = 0; i < first; i++) piece[i] = (real)((double)random_bits() / 0x1p30 - 1);
  must(is_stored ? b->upload((stored *)(void *)p, piece, first, &e) : b->to_device(p, piece, (size_t)(first * width), &e));
  for (int64_t at = first; at < n; at += first) must(b->copy(p + at * width, p, (size_t)((n - at < first ? n - at : first) * width), &e));
  return p;
}
static stored *some(int64_t n) { return random_numbers(n, true); }
static real *reals(int64_t n) { return random_numbers(n, false); }
static void *integers(const void *host, int64_t bytes) {
  void *p = take(bytes);
  if (!list) must(b->to_device(p, host, (size_t)bytes, &e));
  return p;
}
static int32_t *ids_below(int64_t n, int64_t below) {
  int32_t *host = malloc((size_t)n * sizeof *host);
  for (int64_t i = 0; i < n; i++) host[i] = (int32_t)(random_bits() % (uint64_t)below);
  int32_t *p = integers(host, n * (int64_t)sizeof *host);
  free(host);
  return p;
}

/* ---- time */

static int by_value(const void *a, const void *c) {
  double x = *(const double *)a, y = *(const double *)c;
  return (x > y) - (x < y);
}

static double median(double *seconds, int n) {
  qsort(seconds, (size_t)n, sizeof *seconds, by_value);
  return seconds[n / 2];
}

static bool wanted(const char *name) { return strstr(name, only) != NULL; }

static void of_shape(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void of_shape(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(shape, sizeof shape, format, arguments);
  va_end(arguments);
}

static void report(const char *name, double seconds, double bytes, double flops) {
  double ours = flops > 0 ? flops / seconds * 1e-12 : bytes > 0 ? bytes / seconds * 1e-9 : seconds * 1e3;
  double limit = flops > 0 ? b->stated_peak(type) * 1e-12 : bytes > 0 ? copy_rate : 0;
  printf("%s\t%s\t%s\t%.5g\t%.4g\t%s\t", name, shape, type_name, seconds * 1e3, ours, flops > 0 ? "TFLOP/s" : bytes > 0 ? "GB/s" : "ms");
  if (limit > 0) printf("%.4g", limit);
  printf("\n");
  fflush(stdout);
}

/* Times `call`, which moves `bytes` or computes `flops`; one call more goes before, so that workspaces and plans are there. */
#define TIME(name, op, bytes, flops, call)                                                                             \
  do {                                                                                                                 \
    if (!wanted(name)) break;                                                                                          \
    if (list) {                                                                                                        \
      printf("%s\t%s\t%s\n", name, shape, type_name);                                                                 \
      break;                                                                                                           \
    }                                                                                                                  \
    if (!b->op) {                                                                                                      \
      fprintf(stderr, "bench: %s: not there\n", name);                                                                 \
      break;                                                                                                           \
    }                                                                                                                  \
    double times[100];                                                                                                 \
    int result = call;                                                                                                 \
    for (int r = 0; r < repeat && result == 0; r++) {                                                                  \
      must(b->zero(flush, (size_t)z->flush, &e)), must(b->mark(2 * r, &e));                                            \
      result = call;                                                                                                   \
      must(b->mark(2 * r + 1, &e));                                                                                    \
    }                                                                                                                  \
    if (result == 0) result = b->synchronize(&e);                                                                      \
    for (int r = 0; r < repeat && result == 0; r++) result = b->elapsed(&times[r], 2 * r, 2 * r + 1, &e);              \
    if (result == 0) report(name, median(times, repeat), (double)(bytes), (double)(flops));                            \
    else failures++, fprintf(stderr, "bench: %s: %s\n", name, e.message);                                              \
  } while (0)

/* ---- the ops; R rows of C columns unless said, s bytes an element */

/* The copy is always timed: others are measured against it. */
static void memory(void) {
  char *to = take(z->copy), *from = take(z->copy);
  of_shape("bytes=%lld", (long long)z->copy);
  double times[100];
  for (int r = 0; r < repeat + 1 && !list; r++) {
    if (r > 0) must(b->mark(2 * r - 2, &e));
    must(b->copy(to, from, (size_t)z->copy, &e));
    if (r > 0) must(b->mark(2 * r - 1, &e));
  }
  if (!list) must(b->synchronize(&e));
  for (int r = 0; r < repeat && !list; r++) must(b->elapsed(&times[r], 2 * r, 2 * r + 1, &e));
  double seconds = list ? 1 : median(times, repeat);
  copy_rate = 2e-9 * (double)z->copy / seconds;
  if (list && wanted("copy")) printf("copy\t%s\t%s\n", shape, type_name);
  else if (wanted("copy")) report("copy", seconds, 2 * (double)z->copy, 0);
  TIME("zero", zero, z->copy, 0, b->zero(to, (size_t)z->copy, &e));
  give_back();
}

static void products(void) {
  int64_t R = z->B * z->T, C = z->C, most = z->F * 2, qkv = (z->H + 2 * z->H_kv) * z->D;
  stored *x = some(R * most), *y = some(R * most), *w = some(most * C), *dx = some(R * most);
  real *dw = reals(most * C), *d_bias = reals(most);
  const struct {
    const char *forward, *input, *weight, *backward;
    int64_t out, in;
  } layers[] = {{"linear_forward qkv", "linear_backward_input qkv", "linear_backward_weight qkv", "linear_backward qkv", qkv, C},
                {"linear_forward out", "linear_backward_input out", "linear_backward_weight out", "linear_backward out", C, z->H * z->D},
                {"linear_forward gate+up", "linear_backward_input gate+up", "linear_backward_weight gate+up", "linear_backward gate+up", 2 * z->F, C},
                {"linear_forward down", "linear_backward_input down", "linear_backward_weight down", "linear_backward down", C, z->F}};
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    int64_t out = layers[i].out, in = layers[i].in;
    double flops = 2.0 * (double)R * (double)out * (double)in;
    of_shape("rows=%lld in=%lld out=%lld", (long long)R, (long long)in, (long long)out);
    TIME(layers[i].forward, linear_forward, 0, flops, b->linear_forward(type, y, out, x, in, w, NULL, R, out, in, &e));
    TIME(layers[i].input, linear_backward_input, 0, flops, b->linear_backward_input(type, x, in, y, out, w, R, out, in, false, &e));
    TIME(layers[i].weight, linear_backward_weight, 0, flops, b->linear_backward_weight(type, dw, NULL, y, out, x, in, R, out, in, true, &e));
    TIME(layers[i].backward, linear_backward, 0, 2 * flops, b->linear_backward(type, dx, dw, NULL, y, out, x, in, w, R, out, in, false, true, &e));
  }
  double flops = 2.0 * (double)R * (double)C * (double)C;
  of_shape("rows=%lld in=%lld out=%lld", (long long)R, (long long)C, (long long)C);
  TIME("linear_backward_weight with bias", linear_backward_weight, 0, flops, b->linear_backward_weight(type, dw, d_bias, y, C, x, C, R, C, C, true, &e));
  TIME("matmul", matmul, 0, flops, b->matmul(type, false, false, R, C, C, 1, x, C, w, C, 0, y, C, &e));
  give_back();
}

static void head(void) {
  int64_t R = z->B * z->T < 4096 ? z->B * z->T : 4096, C = z->C, V = z->V, s = (int64_t)b->stored_size; /* a chunk of the positions */
  stored *x = some(R * C), *w = some(V * C), *logits = some(R * V);
  int32_t *targets = ids_below(R, V), *ids = take(R * 64 * 4);
  real *losses = reals(R), *values = reals(R * 64);
  of_shape("rows=%lld in=%lld out=%lld", (long long)R, (long long)C, (long long)V);
  TIME("linear_forward logits", linear_forward, 0, 2.0 * (double)R * (double)V * (double)C, b->linear_forward(type, logits, V, x, C, w, NULL, R, V, C, &e));
  of_shape("rows=%lld V=%lld", (long long)R, (long long)V);
  TIME("cross_entropy with gradient", cross_entropy, 2 * R * V * s, 0, b->cross_entropy(losses, logits, V, targets, R, V, (real)1e-3, 0, true, &e));
  TIME("cross_entropy", cross_entropy, R * V * s, 0, b->cross_entropy(losses, logits, V, targets, R, V, 0, 0, false, &e));
  int64_t few = R < 16 ? R : 16;
  of_shape("rows=%lld V=%lld k=50", (long long)few, (long long)V);
  TIME("top_logits", top_logits, few * V * s, 0, b->top_logits(values, ids, losses, logits, V, few, V, 50, 1, &e));
  of_shape("rows=%lld C=%lld V=%lld", (long long)R, (long long)C, (long long)V);
  TIME("embedding_forward", embedding_forward, 2 * R * C * s, 0, b->embedding_forward(x, w, targets, R, C, &e));
  give_back();
  x = some(z->B * z->T * C), targets = ids_below(z->B * z->T, V);
  real *d_table = reals(V * C);
  int64_t all = z->B * z->T, touched = all < V ? all : V;
  of_shape("rows=%lld C=%lld V=%lld", (long long)all, (long long)C, (long long)V);
  TIME("embedding_backward", embedding_backward, all * C * s + 2 * touched * C * (int64_t)sizeof(real), 0, b->embedding_backward(d_table, x, targets, all, V, C, &e));
  give_back();
}

static void norms(void) {
  int64_t R = z->B * z->T, C = z->C, n = R * C, s = (int64_t)b->stored_size;
  stored *x = some(n), *y = some(n), *a = some(n), *dx = some(n);
  real *weight = reals(C), *d_weight = reals(C), *bias = reals(C), *d_bias = reals(C), *mean = reals(R * z->H), *rstd = reals(R * z->H);
  const struct norm_shape rows = {.rows = R, .groups = 1, .C = C, .ld_x = C, .ld_y = C, .eps = (real)1e-5};
  const struct norm_shape heads = {.rows = R, .groups = C / z->D, .C = z->D, .ld_x = C, .ld_y = C, .eps = (real)1e-5};
  real *many = reals(R * (C / z->D));
  of_shape("rows=%lld C=%lld", (long long)R, (long long)C);
  TIME("rmsnorm_forward", rmsnorm_forward, 2 * n * s, 0, b->rmsnorm_forward(y, rstd, x, weight, &rows, &e));
  TIME("rmsnorm_backward", rmsnorm_backward, 4 * n * s, 0, b->rmsnorm_backward(dx, d_weight, y, x, weight, rstd, &rows, true, &e));
  of_shape("rows=%lld C=%lld", (long long)(R * (C / z->D)), (long long)z->D);
  TIME("rmsnorm_forward of heads", rmsnorm_forward, 2 * n * s, 0, b->rmsnorm_forward(y, many, x, weight, &heads, &e));
  TIME("rmsnorm_backward of heads", rmsnorm_backward, 3 * n * s, 0, b->rmsnorm_backward(dx, d_weight, y, x, weight, many, &heads, false, &e));
  of_shape("rows=%lld C=%lld", (long long)R, (long long)C);
  TIME("add_rmsnorm", add_rmsnorm, 4 * n * s, 0, b->add_rmsnorm(a, y, rstd, a, x, weight, R, C, (real)1e-5, &e));
  TIME("layernorm_forward", layernorm_forward, 2 * n * s, 0, b->layernorm_forward(y, mean, rstd, x, weight, bias, &rows, &e));
  TIME("layernorm_backward", layernorm_backward, 4 * n * s, 0, b->layernorm_backward(dx, d_weight, d_bias, y, x, weight, mean, rstd, &rows, true, &e));
  TIME("position_forward", position_forward, 2 * n * s, 0, b->position_forward(y, x, R, z->T, NULL, C, &e));
  real *d_table = reals(z->T * C);
  TIME("position_backward", position_backward, n * s, 0, b->position_backward(d_table, x, R, z->T, C, &e));
  give_back();
}

static void attention(void) {
  int64_t B = z->B, T = z->T, R = B * T, H = z->H, G = z->H_kv, D = z->D, ld = (H + 2 * G) * D, s = (int64_t)b->stored_size;
  stored *qkv = some(R * ld), *d_qkv = some(R * ld), *out = some(R * H * D), *d_out = some(R * H * D);
  real *log_sum_exp = reals(B * H * T), *cosine = reals(T * D / 2), *sine = reals(T * D / 2);
  struct attention_shape a = {.B = B, .T = T, .H = H, .H_kv = G, .D = D, .D_v = D, .ld_q = ld, .ld_k = ld, .ld_v = ld, .ld_out = H * D, .head_v = D, .scale = (real)(1 / sqrt((double)D)), .type = type};
  double flops = 2.0 * (double)(B * H * D) * (double)T * (double)T; /* two products over half the square */
  stored *k = stored_at(b, qkv, H * D), *v = stored_at(b, qkv, (H + G) * D), *dk = stored_at(b, d_qkv, H * D), *dv = stored_at(b, d_qkv, (H + G) * D);
  of_shape("rows=%lld T=%lld heads=%lld D=%lld", (long long)R, (long long)T, (long long)(H + G), (long long)D);
  TIME("rope", rope, 2 * R * (H + G) * D * s, 0, b->rope(qkv, ld, D, cosine, sine, R, T, NULL, H + G, D, false, &e));
  of_shape("B=%lld T=%lld H=%lld H_kv=%lld D=%lld", (long long)B, (long long)T, (long long)H, (long long)G, (long long)D);
  TIME("attention_forward", attention_forward, 0, flops, b->attention_forward(out, log_sum_exp, qkv, k, v, &a, &e));
  TIME("attention_backward", attention_backward, 0, 2.5 * flops, b->attention_backward(d_qkv, dk, dv, d_out, qkv, k, v, out, log_sum_exp, &a, &e));
  a.window = T / 4;
  double part = (double)T * (double)T - (double)(T - a.window) * (double)(T - a.window);
  of_shape("B=%lld T=%lld H=%lld H_kv=%lld D=%lld window=%lld", (long long)B, (long long)T, (long long)H, (long long)G, (long long)D, (long long)a.window);
  TIME("attention_forward in a window", attention_forward, 0, flops * part / ((double)T * (double)T), b->attention_forward(out, log_sum_exp, qkv, k, v, &a, &e));
  TIME("attention_backward in a window", attention_backward, 0, 2.5 * flops * part / ((double)T * (double)T), b->attention_backward(d_qkv, dk, dv, d_out, qkv, k, v, out, log_sum_exp, &a, &e));
  give_back();
}

static void mla(void) {
  int64_t R = z->B * z->T, H = z->H, n = z->latent, r = z->rope, s = (int64_t)b->stored_size;
  stored *kv = some(R * H * 2 * n), *shared = some(R * r), *k = some(R * H * (n + r)), *d_kv = some(R * H * 2 * n), *d_shared = some(R * r);
  int64_t bytes = R * (H * n + r + H * (n + r)) * s;
  of_shape("rows=%lld H=%lld Dn=%lld Dv=%lld Dr=%lld", (long long)R, (long long)H, (long long)n, (long long)n, (long long)r);
  TIME("join_keys", join_keys, bytes, 0, b->join_keys(k, kv, H * 2 * n, shared, r, R, H, n, n, r, &e));
  TIME("join_keys_backward", join_keys_backward, bytes, 0, b->join_keys_backward(d_kv, H * 2 * n, d_shared, r, k, R, H, n, n, r, &e));
  give_back();
  /* the keys' part of kv_b, applied to the queries of one new position of 8 sequences */
  int64_t few = 8, rank = 4 * n;
  stored *q = some(few * H * n), *kv_b = some(H * n * rank), *y = some(few * H * rank);
  const struct batch_shape heads = {.count = H, .M = few, .N = rank, .K = n, .ld_a = H * n, .ld_b = rank, .ld_c = H * rank, .stride_a = n, .stride_b = n * rank, .stride_c = rank};
  of_shape("count=%lld M=%lld N=%lld K=%lld", (long long)H, (long long)few, (long long)rank, (long long)n);
  TIME("matmul_batched", matmul_batched, H * (n * rank + few * (n + rank)) * s, 0, b->matmul_batched(type, y, q, kv_b, &heads, &e));
  give_back();
}

static void feed_forward(void) {
  int64_t R = z->B * z->T, F = z->F, s = (int64_t)b->stored_size, n = R * F;
  stored *gate_up = some(2 * n), *d_gate_up = some(2 * n), *y = some(n), *dy = some(n);
  of_shape("rows=%lld F=%lld", (long long)R, (long long)F);
  TIME("activation_forward silu x up", activation_forward, 3 * n * s, 0, b->activation_forward(ACTIVATION_SILU, y, gate_up, stored_at(b, gate_up, F), 2 * F, R, F, &e));
  TIME("activation_backward silu x up", activation_backward, 5 * n * s, 0,
       b->activation_backward(ACTIVATION_SILU, d_gate_up, stored_at(b, d_gate_up, F), dy, gate_up, stored_at(b, gate_up, F), 2 * F, R, F, &e));
  TIME("activation_forward gelu", activation_forward, 2 * n * s, 0, b->activation_forward(ACTIVATION_GELU, y, gate_up, NULL, F, R, F, &e));
  TIME("activation_backward gelu", activation_backward, 3 * n * s, 0, b->activation_backward(ACTIVATION_GELU, d_gate_up, NULL, dy, gate_up, NULL, F, R, F, &e));
  give_back();
}

static void elementwise(void) {
  int64_t R = z->B * z->T, C = z->C, n = R * C, s = (int64_t)b->stored_size;
  stored *x = some(n), *y = some(n), *a = some(n), *c = some(n), *d = some(n);
  real *wide = reals(n);
  of_shape("rows=%lld C=%lld", (long long)R, (long long)C);
  TIME("add", add, 3 * n * s, 0, b->add(y, x, a, n, &e));
  TIME("scale", scale, 2 * n * s, 0, b->scale(y, (real)0.999, n, &e));
  TIME("multiply", multiply, 3 * n * s, 0, b->multiply(y, C, x, C, a, C, R, C, &e));
  TIME("multiply_backward", multiply_backward, 5 * n * s, 0, b->multiply_backward(c, C, d, C, y, C, x, a, R, C, &e));
  TIME("dropout", dropout, 2 * n * s, 0, b->dropout(y, n, 0.1, 7, &e));
  TIME("narrow", narrow, n * (s + (int64_t)sizeof(real)), 0, b->narrow(y, wide, n, &e));
  TIME("copy_rows", copy_rows, 2 * n * s, 0, b->copy_rows(y, C, x, C, R, C, &e));
  give_back();
}

static void experts(void) {
  int64_t R = z->B * z->T, C = z->C, E = z->experts, top = z->top, slots = R * top, F = z->expert_width, s = (int64_t)b->stored_size;
  stored *logits = some(R * E), *weights = some(slots), *x = some(R * C), *y = some(slots * C), *wide = some(slots * F), *w = some(E * F * C), *dx = some(R * C);
  real *scores = reals(R * E), *bias = reals(E), *counts = reals(E), *dw = reals(E * F * C);
  const struct route route = {take(slots * 4), take(slots * 4), take(slots * 4), take((E + 1) * 4)};
  const struct route_shape how = {.rows = R, .experts = E, .top = top, .normalize = true, .scale = 1};
  double flops = 2.0 * (double)slots * (double)F * (double)C;
  if (!list) must(b->route_forward(weights, scores, &route, logits, bias, &how, &e)); /* routes, also where --only leaves the op out */
  of_shape("rows=%lld experts=%lld top=%lld", (long long)R, (long long)E, (long long)top);
  TIME("route_forward", route_forward, R * E * (s + 4) + slots * (s + 12), 0, b->route_forward(weights, scores, &route, logits, bias, &how, &e));
  TIME("route_backward", route_backward, R * E * (s + 4) + slots * (2 * s + 4), 0, b->route_backward(logits, weights, weights, scores, &route, (real)0.01, &how, &e));
  TIME("route_count", route_count, 0, 0, b->route_count(counts, route.starts, E, &e));
  of_shape("rows=%lld top=%lld C=%lld", (long long)R, (long long)top, (long long)C);
  TIME("gather_rows", gather_rows, 2 * slots * C * s, 0, b->gather_rows(y, x, route.sources, slots, C, &e));
  TIME("gather_rows_backward", gather_rows_backward, (slots + R) * C * s, 0, b->gather_rows_backward(dx, y, route.slots, R, top, C, false, &e));
  of_shape("slots=%lld experts=%lld in=%lld out=%lld", (long long)slots, (long long)E, (long long)C, (long long)F);
  TIME("experts_forward", experts_forward, 0, flops, b->experts_forward(type, wide, y, w, F * C, route.starts, E, slots, F, C, &e));
  TIME("experts_backward", experts_backward, 0, 2 * flops, b->experts_backward(type, y, dw, wide, y, w, F * C, route.starts, E, slots, F, C, &e));
  of_shape("rows=%lld top=%lld C=%lld", (long long)R, (long long)top, (long long)C);
  TIME("combine_forward", combine_forward, (slots + R) * C * s, 0, b->combine_forward(x, y, weights, route.slots, R, top, C, &e));
  TIME("combine_backward", combine_backward, (2 * slots + R) * C * s, 0, b->combine_backward(y, weights, x, y, weights, route.slots, R, top, C, &e));
  give_back();
}

static void hyena(void) {
  int64_t B = z->B, T = z->T, C = z->C, n = B * T * C, s = (int64_t)b->stored_size;
  stored *x = some(n), *y = some(n), *dx = some(n), *h = some(T * C), *dh = some(T * C);
  real *weight = reals(C * 3), *d_weight = reals(C * 3), *bias = reals(C), *d_bias = reals(C);
  const struct filter_shape f = {.T = T, .L = T, .C = C, .width = 64, .bands = 16};
  real *parameters = reals(filter_parameters(&f)), *d_parameters = reals(filter_parameters(&f)), *saved = reals(filter_saved(&f));
  of_shape("B=%lld T=%lld C=%lld K=3", (long long)B, (long long)T, (long long)C);
  TIME("short_convolution_forward", short_convolution_forward, 2 * n * s, 0, b->short_convolution_forward(y, x, weight, bias, B, T, C, 3, &e));
  TIME("short_convolution_backward", short_convolution_backward, 3 * n * s, 0, b->short_convolution_backward(dx, d_weight, d_bias, y, x, weight, B, T, C, 3, false, &e));
  of_shape("T=%lld C=%lld width=%lld bands=%lld", (long long)T, (long long)C, (long long)f.width, (long long)f.bands);
  TIME("filter_forward", filter_forward, 0, 0, b->filter_forward(h, saved, parameters, &f, &e));
  TIME("filter_backward", filter_backward, 0, 0, b->filter_backward(d_parameters, dh, saved, parameters, &f, &e));
  of_shape("B=%lld T=%lld C=%lld", (long long)B, (long long)T, (long long)C);
  TIME("long_convolution_forward", long_convolution_forward, (2 * n + T * C) * s, 0, b->long_convolution_forward(y, x, h, bias, B, T, C, &e));
  TIME("long_convolution_backward", long_convolution_backward, (3 * n + 2 * T * C) * s, 0, b->long_convolution_backward(dx, dh, d_bias, y, x, h, bias, B, T, C, &e));
  give_back();
}

/* Every row is the same. */
static const void *some_quantized(enum quantization kind, int64_t rows, int64_t C) {
  int64_t row_bytes = quantized_row_bytes(kind, C);
  real *row = malloc((size_t)C * sizeof *row);
  char *host = calloc((size_t)rows, (size_t)row_bytes);
  for (int64_t i = 0; i < C; i++) row[i] = (real)((double)random_bits() / 0x1p30 - 1);
  must(quantize_rows(kind, host, row, 1, C, &e));
  for (int64_t r = 1; r < rows; r++) memcpy(host + r * row_bytes, host, (size_t)row_bytes);
  const void *packed = integers(host, rows * row_bytes);
  free(host), free(row);
  return packed;
}

/* One new position of each of 8 sequences behind T others; products and caches are read once. */
static void decode(void) {
  int64_t B = 8, T = z->T, C = z->C, H = z->H, G = z->H_kv, D = z->D, F = z->F, V = z->V, s = (int64_t)b->stored_size;
  int64_t page = b->cache_page > 0 ? b->cache_page : T + 1, pages = (T + 1 + page - 1) / page, ld = G * D > C ? G * D : C;
  stored *k = some(B * pages * page * ld), *v = some(B * pages * page * ld), *q = some(B * (H * D > C ? H * D : C)), *out = some(B * (V > 2 * F ? V : 2 * F));
  int32_t *table = malloc((size_t)(B * pages) * sizeof *table);
  int64_t past[8];
  for (int64_t i = 0; i < B * pages; i++) table[i] = (int32_t)(B * pages - 1 - i);
  for (int i = 0; i < B; i++) past[i] = T - 1;
  const struct cache_pages where = {integers(table, B * pages * 4), pages, page};
  const int64_t *there = integers(past, sizeof past);
  free(table);
  const struct attention_shape a = {.B = B, .T = 1, .H = H, .H_kv = G, .D = D, .D_v = D, .ld_q = H * D, .ld_k = G * D, .ld_v = G * D, .ld_out = H * D, .head_v = D, .scale = (real)(1 / sqrt((double)D))};
  of_shape("B=%lld T=%lld H=%lld H_kv=%lld D=%lld", (long long)B, (long long)T, (long long)H, (long long)G, (long long)D);
  TIME("attention_cached", attention_cached, 2 * B * T * G * D * s, 0, b->attention_cached(out, q, k, v, &where, there, T, &a, &e));
  TIME("cache_append", cache_append, 0, 0, b->cache_append(k, G * D, &where, there, q, G * D, B, 1, G * D, &e));
  real *weight = reals(C * 3), *bias = reals(C);
  stored *h = some((T + 1) * C);
  of_shape("B=%lld T=%lld C=%lld K=3", (long long)B, (long long)T, (long long)C);
  TIME("short_convolution_cached", short_convolution_cached, 0, 0, b->short_convolution_cached(out, k, &where, there, weight, bias, B, 1, C, 3, &e));
  TIME("long_convolution_cached", long_convolution_cached, (B + 1) * T * C * s, 0, b->long_convolution_cached(out, k, &where, there, T, h, bias, B, 1, C, &e));
  give_back();
  stored *x = some(32 * (C > F ? C : F)), *y = some(32 * (V > 2 * F ? V : 2 * F)), *w = some(V * C > 2 * F * C ? V * C : 2 * F * C);
  static const int64_t few[] = {1, 8, 32};
  for (int i = 0; i < 3; i++) {
    of_shape("rows=%lld in=%lld out=%lld", (long long)few[i], (long long)C, (long long)(2 * F));
    TIME("linear_forward of few rows", linear_forward, 2 * F * C * s, 0, b->linear_forward(type, y, 2 * F, x, C, w, NULL, few[i], 2 * F, C, &e));
  }
  of_shape("rows=1 in=%lld out=%lld", (long long)C, (long long)V);
  TIME("linear_forward of few rows", linear_forward, V * C * s, 0, b->linear_forward(type, y, V, x, C, w, NULL, 1, V, C, &e));
  for (int kind = 0; kind < 2; kind++) {
    const void *packed = some_quantized((enum quantization)kind, 2 * F, C);
    for (int i = 0; i < 3; i++) {
      of_shape("rows=%lld in=%lld out=%lld", (long long)few[i], (long long)C, (long long)(2 * F));
      TIME(kind ? "linear_quantized q4_0" : "linear_quantized q8_0", linear_quantized, quantized_bytes((enum quantization)kind, 2 * F, C), 0,
           b->linear_quantized((enum quantization)kind, y, 2 * F, x, C, packed, NULL, few[i], 2 * F, C, &e));
    }
  }
  give_back();
}

static void optimizers(void) {
  int64_t rows = z->F, columns = z->C, n = rows * columns, few = columns < 1024 ? columns : 1024, least = rows < columns ? rows : columns;
  real *p = reals(n), *g = reals(n), *m = reals(n), *v = take(n * (int64_t)sizeof(real));
  double sum = 0;
  const struct adamw_settings adamw = {.lr = 1e-4, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = 10, .gradient_scale = 1};
  const struct muon_settings muon = {.lr = 1e-4, .momentum = 0.95, .weight_decay = 0.1, .adjust = 1, .gradient_scale = 1, .steps = 5, .nesterov = true, .type = type == MATMUL_FP8 ? MATMUL_BF16 : type};
  struct soap_settings soap = {.lr = 1e-4, .beta1 = 0.95, .beta2 = 0.95, .shampoo_beta = 0.95, .eps = 1e-8, .step = 1, .frequency = 10, .gradient_scale = 1};
  of_shape("n=%lld", (long long)n);
  TIME("adamw", adamw, 7 * n * (int64_t)sizeof(real), 0, b->adamw(p, g, m, v, n, &adamw, &e));
  TIME("sum_squares", sum_squares, n * (int64_t)sizeof(real), 0, b->sum_squares(&sum, g, n, &e));
  of_shape("rows=%lld columns=%lld", (long long)rows, (long long)columns);
  double newton_schulz = 5 * (4.0 * (double)least * (double)least * (double)(rows > columns ? rows : columns) + 2.0 * pow((double)least, 3));
  TIME("muon", muon, 0, newton_schulz, b->muon(p, g, m, rows, columns, &muon, &e));
  real *sides[4];
  for (int i = 0; i < 4; i++) sides[i] = take(few * few * (int64_t)sizeof(real));
  of_shape("rows=%lld columns=%lld", (long long)few, (long long)few);
  if (list) wanted("soap") ? (void)printf("soap, a step\t%s\t%s\nsoap, a step with new bases\t%s\t%s\n", shape, type_name, shape, type_name) : (void)0;
  else if (wanted("soap")) {
    must(b->zero(m, (size_t)n * sizeof(real), &e));
    must(b->soap(p, g, m, v, sides[0], sides[1], sides[2], sides[3], few, few, &soap, &e)); /* makes the bases */
    soap.step = 2;
    TIME("soap, a step", soap, 0, 0, b->soap(p, g, m, v, sides[0], sides[1], sides[2], sides[3], few, few, &soap, &e));
    soap.step = 11;
    TIME("soap, a step with new bases", soap, 0, 0, b->soap(p, g, m, v, sides[0], sides[1], sides[2], sides[3], few, few, &soap, &e));
  }
  give_back();
}

static int usage(void) {
  fprintf(stderr, "usage: bench [--size tiny|124M|1B] [--type bf16|fp32|tf32|fp8] [--only WORD] [--repeat N] [--list]\n");
  return 2;
}

int main(int argc, char **argv) {
  const char *size = NULL;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--list") == 0) {
      list = true;
      continue;
    }
    const char *option = argv[i], *value = argv[++i];
    if (!value) return usage();
    if (strcmp(option, "--size") == 0) size = value;
    else if (strcmp(option, "--only") == 0) only = value;
    else if (strcmp(option, "--type") == 0) type_name = value;
    else if (strcmp(option, "--repeat") == 0) repeat = atoi(value);
    else return usage();
  }
  static const char *const types[] = {[MATMUL_FP32] = "fp32", [MATMUL_BF16] = "bf16", [MATMUL_TF32] = "tf32", [MATMUL_FP8] = "fp8"};
  int t = 0;
  while (t < 4 && strcmp(types[t], type_name) != 0) t++;
  bool known = !size;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) known |= size && strcmp(size, sizes[i].name) == 0;
  if (t == 4 || !known || repeat < 1 || repeat > 100) return usage();
  type = (enum matmul_type)t;
  if (type == MATMUL_FP8) fp8_choose(FP8_SCALES_BLOCKS, 0); /* small products too */
  b = list ? backend_cpu() : backend_cuda(type, &e);
  if (!b) {
    fprintf(stderr, "bench: %s\n", e.message);
    return 77;
  }
  printf(list ? "what\tshape\ttype\n" : "what\tshape\ttype\tms\tours\tunit\tlimit\n");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    z = &sizes[i];
    if (size ? strcmp(size, z->name) != 0 : i == 0) continue;
    flush = b->alloc(list ? 1 : (size_t)z->flush, &e);
    must(flush ? 0 : -1);
    memory(), products(), head(), norms(), attention(), mla(), feed_forward(), elementwise(), experts(), hyena(), decode(), optimizers();
    b->release(flush);
  }
  return failures ? 1 : 0;
}
