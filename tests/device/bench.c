/* SPDX-License-Identifier: MIT
 *
 * Times the ops of a device's backend at the sizes of a model of 124M parameters and of one of 1B.
 *
 * Usage: bench [--tiny]      TSV: case, size, ms, figure, unit, share
 *
 * Memory-bound ops: GB/s over the bytes that the op must read and write at least, and their share of a large copy's on this
 * device; products: TFLOP/s, and their share of the stated peak (0 where it is not known).  ms: the least of 5 rounds, each of as many calls as
 * take 5 ms.  Buffers stay the same; most are larger than a GPU's cache.
 * --tiny: sizes that the emulator can run, one call each: that the benchmark itself works.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/backend.h"
#include "kernels/quantized.h"

static const struct backend *b;
static struct kernel_error error;
static bool tiny;
static double copy_rate; /* GB/s */

static void must(int result) {
  if (result == 0) return;
  fprintf(stderr, "bench: %s\n", error.message);
  exit(1);
}
static void *memory(int64_t bytes) { /* zeros */
  void *p = b->alloc((size_t)(bytes > 0 ? bytes : 1), &error);
  must(p ? 0 : -1);
  return p;
}
static stored *numbers(int64_t n) { /* stored, of [-0.5, 0.5) */
  enum { PART = 1 << 16 };
  static real host[PART];
  stored *p = memory(n * (int64_t)b->stored_size);
  for (int i = 0; i < PART; i++) host[i] = (real)((i * 2654435761u >> 8) % 4096) / 4096 - (real)0.5;
  for (int64_t i = 0; i < n; i += PART) must(b->upload((stored *)((char *)p + i * (int64_t)b->stored_size), host, n - i < PART ? n - i : PART, &error));
  return p;
}

/* `rounds` calls of `call` between two marks; seconds each */
#define TIME(seconds, call)                                                                                            \
  do {                                                                                                                 \
    double best_ = INFINITY, took_ = 0;                                                                                \
    int64_t calls_ = 1;                                                                                                \
    must(call); /* plans, workspace */                                                                                 \
    for (int round_ = 0; round_ < (tiny ? 1 : 6); round_++) {                                                          \
      must(b->mark(0, &error));                                                                                        \
      for (int64_t i_ = 0; i_ < calls_; i_++) must(call);                                                              \
      must(b->mark(1, &error));                                                                                        \
      must(b->elapsed(&took_, 0, 1, &error));                                                                          \
      if (took_ / (double)calls_ < best_) best_ = took_ / (double)calls_;                                              \
      if (round_ == 0 && took_ < 5e-3) calls_ = (int64_t)(5e-3 / (took_ > 1e-6 ? took_ : 1e-6)) + 1;                   \
    }                                                                                                                  \
    seconds = best_;                                                                                                   \
  } while (0)

static void told(const char *name, const char *size, double seconds, double bytes, double flops, enum matmul_type type) {
  double peak = b->stated_peak ? b->stated_peak(type) : 0;
  if (flops > 0) printf("%s\t%s\t%.5f\t%.2f\tTFLOP/s\t%.3f\n", name, size, 1e3 * seconds, flops / seconds * 1e-12, peak > 0 ? flops / seconds / peak : 0);
  else printf("%s\t%s\t%.5f\t%.1f\tGB/s\t%.3f\n", name, size, 1e3 * seconds, bytes / seconds * 1e-9, copy_rate > 0 ? bytes / seconds * 1e-9 / copy_rate : 1);
  fflush(stdout);
}

struct sizes {
  const char *name;
  int64_t rows, T, C, H, H_kv, D, F, V;
};

static void bench(const struct sizes *s, enum matmul_type type) {
  int64_t n = s->rows * s->C, half = s->D / 2, e = (int64_t)b->stored_size;
  double seconds, N = (double)(n * e);
  stored *x = numbers(n), *y = numbers(n), *z = numbers(n);
  real *weight = memory(s->C * (int64_t)sizeof(real)), *d_weight = memory(s->C * (int64_t)sizeof(real)), *rstd = memory(s->rows * (int64_t)sizeof(real));
  struct norm_shape norm = {.rows = s->rows, .groups = 1, .C = s->C, .ld_x = s->C, .ld_y = s->C, .eps = (real)1e-5};
  TIME(seconds, b->add(z, x, y, n, &error));
  told("add", s->name, seconds, 3 * N, 0, type);
  TIME(seconds, b->rmsnorm_forward(y, rstd, x, weight, &norm, &error));
  told("rmsnorm_forward", s->name, seconds, 2 * N, 0, type);
  TIME(seconds, b->add_rmsnorm(z, y, rstd, z, x, weight, s->rows, s->C, (real)1e-5, &error));
  told("add_rmsnorm", s->name, seconds, 4 * N, 0, type);
  TIME(seconds, b->rmsnorm_backward(z, d_weight, y, x, weight, rstd, &norm, false, &error));
  told("rmsnorm_backward", s->name, seconds, 3 * N, 0, type);
  real *cosine = memory(s->T * half * (int64_t)sizeof(real)), *sine = memory(s->T * half * (int64_t)sizeof(real));
  TIME(seconds, b->rope(x, s->C, s->D, cosine, sine, s->rows, s->T, NULL, s->H, s->D, false, &error));
  told("rope", s->name, seconds, 2 * (double)(s->rows * s->H * s->D * e), 0, type);
  b->release(cosine), b->release(sine);
  x = (b->release(x), numbers(n));

  stored *gate = numbers(s->rows * 2 * s->F), *up = stored_at(b, gate, s->F), *inner = numbers(s->rows * s->F), *d_gate = numbers(s->rows * 2 * s->F);
  double F = (double)(s->rows * s->F * e);
  TIME(seconds, b->activation_forward(ACTIVATION_SILU, inner, gate, up, 2 * s->F, s->rows, s->F, &error));
  told("swiglu_forward", s->name, seconds, 3 * F, 0, type);
  TIME(seconds, b->activation_backward(ACTIVATION_SILU, d_gate, stored_at(b, d_gate, s->F), inner, gate, up, 2 * s->F, s->rows, s->F, &error));
  told("swiglu_backward", s->name, seconds, 5 * F, 0, type);

  stored *w = numbers(s->F * s->C);
  real *dw = memory(s->F * s->C * (int64_t)sizeof(real));
  double flops = 2.0 * (double)s->rows * (double)s->F * (double)s->C;
  TIME(seconds, b->linear_forward(type, inner, s->F, x, s->C, w, NULL, s->rows, s->F, s->C, &error));
  told("linear_forward", s->name, seconds, 0, flops, type);
  TIME(seconds, b->linear_backward_input(type, z, s->C, inner, s->F, w, s->rows, s->F, s->C, false, &error));
  told("linear_backward_input", s->name, seconds, 0, flops, type);
  TIME(seconds, b->linear_backward_weight(type, dw, NULL, inner, s->F, x, s->C, s->rows, s->F, s->C, true, &error));
  told("linear_backward_weight", s->name, seconds, 0, flops, type);
  if (type == MATMUL_FP8) goto end; /* the others are those of bf16 */

  TIME(seconds, b->linear_forward(type, inner, s->F, x, s->C, w, NULL, 1, s->F, s->C, &error));
  told("linear_forward of 1 row", s->name, seconds, (double)(s->F * s->C * e), 0, type);
  void *q = memory((int64_t)quantized_bytes(QUANTIZED_Q8_0, s->F, s->C));
  for (int kind = 0; kind < 2 && s->C % QUANTIZED_BLOCK == 0; kind++) {
    enum quantization k = kind ? QUANTIZED_Q4_0 : QUANTIZED_Q8_0;
    TIME(seconds, b->linear_quantized(k, inner, s->F, x, s->C, q, NULL, 1, s->F, s->C, &error));
    told(kind ? "linear q4_0 of 1 row" : "linear q8_0 of 1 row", s->name, seconds, (double)(s->F * quantized_row_bytes(k, s->C)), 0, type);
  }
  b->release(q);

  {
    real *p = memory(s->F * s->C * (int64_t)sizeof(real)), *m = memory(s->F * s->C * (int64_t)sizeof(real)), *v = memory(s->F * s->C * (int64_t)sizeof(real));
    struct adamw_settings settings = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .step = 1, .gradient_scale = 1};
    TIME(seconds, b->adamw(p, dw, m, v, s->F * s->C, &settings, &error));
    told("adamw", s->name, seconds, 7.0 * sizeof(real) * (double)(s->F * s->C), 0, type);
    b->release(p), b->release(m), b->release(v);
  }
  if (b->attention_forward && b->attention_backward) {
    int64_t width = s->H * s->D, narrow = s->H_kv * s->D;
    struct attention_shape a = {.B = s->rows / s->T, .T = s->T, .H = s->H, .H_kv = s->H_kv, .D = s->D, .D_v = s->D, .ld_q = width, .ld_k = narrow, .ld_v = narrow,
                                .ld_out = width, .head_v = s->D, .scale = (real)(1 / sqrt((double)s->D)), .type = type};
    stored *k = numbers(s->rows * narrow), *v = numbers(s->rows * narrow), *dk = numbers(s->rows * narrow), *dv = numbers(s->rows * narrow), *dq = numbers(s->rows * width);
    real *sum = memory(s->rows * s->H * (int64_t)sizeof(real));
    double products = 4.0 * (double)s->rows * (double)s->T / 2 * (double)width; /* causal: half of them */
    TIME(seconds, b->attention_forward(y, sum, x, k, v, &a, &error));
    told("attention_forward", s->name, seconds, 0, products, type);
    TIME(seconds, b->attention_backward(dq, dk, dv, z, x, k, v, y, sum, &a, &error));
    told("attention_backward", s->name, seconds, 0, 2.5 * products, type);
    b->release(k), b->release(v), b->release(dk), b->release(dv), b->release(dq), b->release(sum);
  }
  {
    int64_t rows = s->rows < 4096 ? s->rows : 4096;
    stored *logits = numbers(rows * s->V), *table = numbers(s->V * s->C);
    real *losses = memory(rows * (int64_t)sizeof(real)), *d_table = memory(s->V * s->C * (int64_t)sizeof(real));
    int32_t *ids = malloc((size_t)s->rows * sizeof *ids), *on_device = memory(s->rows * (int64_t)sizeof *ids);
    for (int64_t r = 0; r < s->rows; r++) ids[r] = (int32_t)(r * 2654435761u % (uint64_t)s->V);
    must(b->to_device(on_device, ids, (size_t)s->rows * sizeof *ids, &error));
    TIME(seconds, b->cross_entropy(losses, logits, s->V, on_device, rows, s->V, (real)1e-3, 0, true, &error));
    told("cross_entropy", s->name, seconds, 2 * (double)(rows * s->V * e), 0, type);
    TIME(seconds, b->embedding_forward(y, table, on_device, s->rows, s->C, &error));
    told("embedding_forward", s->name, seconds, 2 * N, 0, type);
    TIME(seconds, b->embedding_backward(d_table, y, on_device, s->rows, s->V, s->C, &error));
    told("embedding_backward", s->name, seconds, N + 2.0 * sizeof(real) * (double)((s->rows < s->V ? s->rows : s->V) * s->C), 0, type);
    b->release(logits), b->release(table), b->release(losses), b->release(d_table), b->release(on_device), free(ids);
  }
end:
  b->release(x), b->release(y), b->release(z), b->release(weight), b->release(d_weight), b->release(rstd);
  b->release(gate), b->release(inner), b->release(d_gate), b->release(w), b->release(dw);
}

int main(int argc, char **argv) {
  tiny = argc > 1 && strcmp(argv[1], "--tiny") == 0;
  static const struct sizes large[] = {{"124M", 32768, 1024, 768, 12, 12, 64, 3072, 50304}, {"1B", 16384, 2048, 2048, 32, 8, 64, 8192, 50304}};
  static const struct sizes small[] = {{"tiny", 16, 8, 64, 2, 1, 32, 96, 128}};
  const struct sizes *sizes = tiny ? small : large;
  printf("case\tsize\tms\tfigure\tunit\tshare\n");
  for (int t = 0; t < 2; t++) {
    enum matmul_type type = t ? MATMUL_FP8 : MATMUL_BF16;
    if (t && tiny) break;
    b = backend_cuda(type, &error);
    if (!b && t) break; /* a GPU without it */
    must(b ? 0 : -1);
    if (!t) {
      int64_t n = tiny ? 4096 : (int64_t)1 << 30;
      void *from = memory(n), *to = memory(n);
      double seconds;
      TIME(seconds, b->copy(to, from, (size_t)n, &error));
      copy_rate = 2 * (double)n / seconds * 1e-9;
      told("copy", tiny ? "4 KiB" : "1 GiB", seconds, 2 * (double)n, 0, type);
      b->release(from), b->release(to);
    }
    for (int i = 0; i < (tiny ? 1 : 2); i++) {
      struct sizes s = sizes[i];
      char name[32];
      snprintf(name, sizeof name, "%s%s", s.name, t ? " fp8" : "");
      s.name = name;
      bench(&s, type);
    }
  }
  return 0;
}
