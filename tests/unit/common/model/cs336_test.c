/* SPDX-License-Identifier: MIT
 *
 * The values that Stanford CS336's assignment 1 tests an implementation with (2025, github.com/stanford-cs336/
 * assignment1-basics), at its tolerances, with every variant of the kernels: its snapshots (tests/_snapshots, NumPy's .npz) of
 * attention, RoPE, RMSNorm and AdamW, and what tests/test_nn_utils.py, test_model.py and test_optimizer.py compute of
 * cross-entropy, SiLU and the cosine schedule.
 *
 * The snapshots lie in ../shared/data/cs336/a1, with the inputs that the course draws by torch.randn.  The weights of the
 * course's model (ts_tests/model.pt) are not there: of the snapshots that need them only RMSNorm's can be compared, whose 64
 * weights follow from one of its 48 rows.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/memory.h"
#include "common/train/schedule.h"
#include "kernels/backend.h"
#include "kernels/cpu.h"
#include "tests/read_file.h"
#include "tests/tap.h"

static struct kernel_error ke;

/* ---- .npy and .npz (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, PKWARE's APPNOTE.TXT) */

struct array {
  int64_t count;
  double *values;
};

static uint32_t little(const char *p, int bytes) {
  uint32_t x = 0;
  for (int i = bytes; i-- > 0;) x = x << 8 | (unsigned char)p[i];
  return x;
}

static struct array parse_npy(const char *data, size_t len) {
  struct array a = {0};
  if (len < 12 || memcmp(data, "\x93NUMPY", 6) != 0) return a;
  size_t at = data[6] == 1 ? 10 + little(data + 8, 2) : 12 + (size_t)little(data + 8, 4);
  char head[256];
  snprintf(head, sizeof head, "%.*s", (int)(at < len ? at - 10 : 0), data + 10);
  const char *shape = strstr(head, "'shape': ("), *type = strstr(head, "'descr': '");
  if (at > len || !shape || !type || !strstr(head, "'fortran_order': False")) return a;
  a.count = 1;
  for (shape += 10; *shape && *shape != ')';) {
    char *end;
    long long n = strtoll(shape, &end, 10);
    if (end == shape) shape++;
    else a.count *= n, shape = end;
  }
  type += 10;
  int size = type[2] - '0';
  if ((uint64_t)a.count * (uint64_t)size != len - at) return (struct array){0};
  a.values = MALLOC((size_t)a.count * sizeof *a.values);
  for (int64_t i = 0; i < a.count; i++) {
    const char *p = data + at + i * size;
    float f;
    int64_t n;
    if (memcmp(type, "<f4", 3) == 0) memcpy(&f, p, 4), a.values[i] = f;
    else if (memcmp(type, "<i8", 3) == 0) memcpy(&n, p, 8), a.values[i] = (double)n;
    else if (memcmp(type, "|b1", 3) == 0) a.values[i] = *p;
    else a.values[i] = NAN;
  }
  return a;
}

/* The first member of a zip file, stored or deflated. */
static struct array parse_npz(const char *data, size_t len) {
  struct array none = {0};
  if (len < 22 || memcmp(data + len - 22, "PK\5\6", 4) != 0) return none;
  const char *entry = data + little(data + len - 6, 4), *local = data + little(entry + 42, 4);
  uint32_t method = little(entry + 10, 2), packed = little(entry + 20, 4), size = little(entry + 24, 4);
  const char *body = local + 30 + little(local + 26, 2) + little(local + 28, 2);
  if (body + packed > data + len) return none;
  if (method == 0) return parse_npy(body, size);
  char *out = MALLOC(size);
  z_stream z = {.next_in = (unsigned char *)(uintptr_t)body, .avail_in = packed, .next_out = (unsigned char *)out, .avail_out = size};
  if (method == 8 && inflateInit2(&z, -15) == Z_OK) {
    if (inflate(&z, Z_FINISH) == Z_STREAM_END) none = parse_npy(out, size);
    inflateEnd(&z);
  }
  free(out);
  return none;
}

/* An array of the course; the values are NULL, after a visible skip of `test`, where it is not there. */
static struct array course(const char *name, int64_t count, const char *test) {
  char path[160];
  snprintf(path, sizeof path, "cs336/a1/%s", name);
  struct array a = {0};
  const char *there = tap_shared(path);
  if (!there) {
    skip("no ../shared/data/cs336", test);
    return a;
  }
  struct buffer b = read_file(there);
  a = strstr(name, ".npz") ? parse_npz(b.data, b.len) : parse_npy(b.data, b.len);
  buffer_release(&b);
  if (!ok(a.values && a.count == count, "%s: %s holds %lld numbers", test, name, (long long)count)) free(a.values), a.values = NULL;
  return a;
}

/* numpy.testing.assert_allclose: |got - want| <= atol + rtol |want| */
static void ok_close(const real *got, const double *want, int64_t n, double atol, double rtol, const char *name, enum cpu_variant v) {
  double worst = 0;
  for (int64_t i = 0; i < n; i++) worst = fmax(worst, isfinite(got[i]) ? fabs(got[i] - want[i]) / (atol + rtol * fabs(want[i])) : HUGE_VAL);
  ok(worst <= 1, "%s, %s", name, cpu_variant_name(v));
  note("largest difference %.2g of what is allowed", worst);
}

static real *reals(const double *x, int64_t n) {
  real *r = MALLOC((size_t)n * sizeof *r);
  for (int64_t i = 0; i < n; i++) r[i] = (real)x[i];
  return r;
}

/* ---- the tests */

enum { BATCH = 4, QUERIES = 12, KEYS = 16, D = 64, ROWS = BATCH * QUERIES };

/* The course's mask is random, our kernels are causal: the last of n positions sees all of them, so each query gets the keys
 * that its mask leaves as its past. */
static void attend(real *out, const real *q, const real *k, const real *v, int64_t n, bool cached) {
  const struct backend *b = backend_cpu();
  struct attention_shape s = {.B = 1, .T = cached ? 1 : n, .H = 1, .H_kv = 1, .D = D, .D_v = D, .ld_q = D, .ld_k = D, .ld_v = D, .ld_out = D, .head_v = D, .scale = (real)(1 / sqrt(D))};
  int64_t past = n - 1;
  if (cached) {
    b->attention_cached(out, q, k, v, &(struct cache_pages){NULL, 1, n}, &past, past + 1, &s, &ke);
    return;
  }
  real *queries = MALLOC((size_t)(n * D) * sizeof *queries), *outs = MALLOC((size_t)(n * D) * sizeof *outs), *log_sum_exp = MALLOC((size_t)n * sizeof *log_sum_exp);
  for (int64_t i = 0; i < n * D; i++) queries[i] = q[i % D];
  b->attention_forward(outs, log_sum_exp, queries, k, v, &s, &ke);
  memcpy(out, outs + past * D, D * sizeof *out);
  free(queries), free(outs), free(log_sum_exp);
}

static void test_attention(const char *snapshot, enum cpu_variant variant) {
  static const char name[] = "scaled_dot_product_attention";
  struct array q = course("inputs/q.npy", ROWS * D, name), k = course("inputs/k.npy", BATCH * KEYS * D, name), v = course("inputs/v.npy", BATCH * KEYS * D, name),
               mask = course("inputs/mask.npy", ROWS * KEYS, name), want = course(snapshot, ROWS * D, name);
  if (q.values && k.values && v.values && mask.values && want.values) {
    static real out[2][ROWS * D];
    for (int64_t r = 0; r < ROWS; r++) {
      real query[D], keys[KEYS * D], values[KEYS * D];
      int64_t n = 0;
      for (int d = 0; d < D; d++) query[d] = (real)q.values[r * D + d];
      for (int64_t key = 0; key < KEYS; key++) {
        if (mask.values[r * KEYS + key] == 0) continue;
        for (int64_t d = 0, from = (r / QUERIES * KEYS + key) * D; d < D; d++) keys[n * D + d] = (real)k.values[from + d], values[n * D + d] = (real)v.values[from + d];
        n++;
      }
      attend(out[0] + r * D, query, keys, values, n, false);
      attend(out[1] + r * D, query, keys, values, n, true);
    }
    ok_close(out[0], want.values, ROWS * D, 1e-6, 1e-4, snapshot, variant);
    ok_close(out[1], want.values, ROWS * D, 1e-6, 1e-4, "the same through a cache", variant);
  }
  free(q.values), free(k.values), free(v.values), free(mask.values), free(want.values);
}

/* The course rotates pairs (2i, 2i+1); we rotate (i, i + D/2). */
static void test_rope(enum cpu_variant variant) {
  struct array in = course("inputs/in_embeddings.npy", ROWS * D, "rope"), want = course("tests/_snapshots/test_rope.npz", ROWS * D, "rope");
  if (in.values && want.values) {
    static real x[ROWS * D], out[ROWS * D], cosine[QUERIES * D / 2], sine[QUERIES * D / 2];
    for (int t = 0; t < QUERIES; t++)
      for (int i = 0; i < D / 2; i++) {
        double angle = t * pow(10000, -2.0 * i / D);
        cosine[t * D / 2 + i] = (real)cos(angle), sine[t * D / 2 + i] = (real)sin(angle);
      }
    for (int64_t r = 0; r < ROWS; r++)
      for (int i = 0; i < D; i++) x[r * D + i % 2 * (D / 2) + i / 2] = (real)in.values[r * D + i];
    backend_cpu()->rope(x, D, D, cosine, sine, ROWS, QUERIES, NULL, 1, D, false, &ke);
    for (int64_t r = 0; r < ROWS; r++)
      for (int i = 0; i < D; i++) out[r * D + i] = x[r * D + i % 2 * (D / 2) + i / 2];
    ok_close(out, want.values, ROWS * D, 1e-6, 1e-4, "test_rope", variant);
  }
  free(in.values), free(want.values);
}

static void test_rmsnorm(enum cpu_variant variant) {
  struct array in = course("inputs/in_embeddings.npy", ROWS * D, "rmsnorm"), want = course("tests/_snapshots/test_rmsnorm.npz", ROWS * D, "rmsnorm");
  if (in.values && want.values) {
    static real out[ROWS * D], weight[D], rstd[ROWS];
    double squares;
    for (int i = 0; i < D; i++) { /* from the row whose input is farthest from 0 at i */
      int64_t best = 0;
      for (int64_t r = 1; r < ROWS; r++)
        if (fabs(in.values[r * D + i]) > fabs(in.values[best * D + i])) best = r;
      squares = 0;
      for (int j = 0; j < D; j++) squares += in.values[best * D + j] * in.values[best * D + j];
      weight[i] = (real)(want.values[best * D + i] / in.values[best * D + i] * sqrt(squares / D + 1e-5));
    }
    real *x = reals(in.values, ROWS * D);
    backend_cpu()->rmsnorm_forward(out, rstd, x, weight, &(struct norm_shape){.rows = ROWS, .groups = 1, .C = D, .ld_x = D, .ld_y = D, .eps = (real)1e-5}, &ke);
    ok_close(out, want.values, ROWS * D, 1e-6, 1e-4, "test_rmsnorm, with weights that follow from its own rows", variant);
    free(x);
  }
  free(in.values), free(want.values);
}

/* 1000 steps of y = W x towards (x0 + x1, -x2). */
static void test_adamw(enum cpu_variant variant) {
  struct array start = course("inputs/adamw_W0.npy", 6, "adamw"), xs = course("inputs/adamw_x.npy", 3000, "adamw"), want = course("tests/_snapshots/test_adamw.npz", 6, "adamw");
  if (start.values && xs.values && want.values) {
    real *w = reals(start.values, 6), gradient[6], m[6] = {0}, v[6] = {0};
    for (int step = 1; step <= 1000; step++) {
      const double *x = xs.values + (step - 1) * 3, target[2] = {x[0] + x[1], -x[2]};
      for (int i = 0; i < 2; i++) {
        double error = w[i * 3] * x[0] + w[i * 3 + 1] * x[1] + w[i * 3 + 2] * x[2] - target[i];
        for (int j = 0; j < 3; j++) gradient[i * 3 + j] = (real)(2 * error * x[j]);
      }
      struct adamw_settings s = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01, .step = step, .gradient_scale = 1};
      backend_cpu()->adamw(w, gradient, m, v, 6, &s, &ke);
    }
    ok_close(w, want.values, 6, 1e-4, 1e-4, "test_adamw: the weights after 1000 steps", variant);
    free(w);
  }
  free(start.values), free(xs.values), free(want.values);
}

static void test_cross_entropy(enum cpu_variant variant) {
  static const double inputs[8][5] = {{0.1088, 0.1060, 0.6683, 0.5131, 0.0645}, {0.4538, 0.6852, 0.2520, 0.3792, 0.2675}, {0.4578, 0.3357, 0.6384, 0.0481, 0.5612}, {0.9639, 0.8864, 0.1585, 0.3038, 0.0350},
                                      {0.3356, 0.9013, 0.7052, 0.8294, 0.8334}, {0.6333, 0.4434, 0.1428, 0.5739, 0.3810}, {0.9476, 0.5917, 0.7037, 0.2987, 0.6208}, {0.8541, 0.1803, 0.2054, 0.4775, 0.8199}};
  static const int32_t targets[8] = {1, 0, 2, 2, 4, 1, 4, 0};
  for (int large = 0; large < 2; large++) {
    real logits[40], losses[8], mean = 0;
    double want = 0;
    for (int r = 0; r < 8; r++) {
      double sum = 0, factor = large ? 1000 : 1;
      for (int v = 0; v < 5; v++) sum += exp(factor * (inputs[r][v] - inputs[r][targets[r]])), logits[r * 5 + v] = (real)(factor * inputs[r][v]);
      want += log(sum) / 8;
    }
    backend_cpu()->cross_entropy(losses, logits, 5, targets, 8, 5, 1, 0, false, &ke);
    for (int r = 0; r < 8; r++) mean += losses[r] / 8;
    ok_close(&mean, &want, 1, 1e-4, 1e-7, large ? "test_cross_entropy, inputs times 1000" : "test_cross_entropy", variant);
  }
}

static void test_silu(enum cpu_variant variant) {
  static const double x[10] = {0.2352, 0.9259, 0.5189, 0.4725, 0.9730, 0.7581, 0.9692, 0.2129, 0.9345, 0.0149};
  real gate[10], up[10], out[10];
  double want[10];
  for (int i = 0; i < 10; i++) gate[i] = (real)x[i], up[i] = 1, want[i] = x[i] / (1 + exp(-x[i]));
  backend_cpu()->activation_forward(ACTIVATION_SILU, out, gate, up, 10, 1, 10, &ke);
  ok_close(out, want, 10, 1e-6, 1e-7, "test_silu_matches_pytorch", variant);
}

/* The course's step `it` of the warm-up has it/7 of the rate, ours (it + 1)/7: no step is wasted on a rate of 0.  Steps
 * after the end of the cosine are no part of a run of ours. */
static void test_schedule(void) {
  static const double want[22] = {0, 0.14285714285714285, 0.2857142857142857, 0.42857142857142855, 0.5714285714285714, 0.7142857142857143, 0.8571428571428571, 1.0, 0.9887175604818206,
                                  0.9554359905560885, 0.9018241671106134, 0.8305704108364301, 0.7452476826029011, 0.6501344202803414, 0.55, 0.44986557971965857, 0.3547523173970989,
                                  0.26942958916356996, 0.19817583288938662, 0.14456400944391146, 0.11128243951817937, 0.1};
  struct schedule s = {.shape = SCHEDULE_COSINE, .lr = 1, .min_lr = 0.1, .warmup = 7, .steps = 21};
  double worst = 0;
  for (int it = 1; it < 22; it++) worst = fmax(worst, fabs(schedule_lr(&s, it <= 7 ? it - 1 : it) - want[it]) / want[it]);
  ok(worst <= 1e-7, "test_get_lr_cosine_schedule");
  note("largest relative difference %.2g", worst);
}

int main(void) {
  for (int v = CPU_SCALAR; v <= CPU_AVX512; v++) {
    if (cpu_variant_force((enum cpu_variant)v) != (enum cpu_variant)v) continue;
    test_attention("tests/_snapshots/test_scaled_dot_product_attention.npz", (enum cpu_variant)v);
    test_attention("tests/_snapshots/test_4d_scaled_dot_product_attention.npz", (enum cpu_variant)v);
    test_rope((enum cpu_variant)v);
    test_rmsnorm((enum cpu_variant)v);
    test_adamw((enum cpu_variant)v);
    test_cross_entropy((enum cpu_variant)v);
    test_silu((enum cpu_variant)v);
  }
  test_schedule();
  static const char *const weights[] = {"test_linear", "test_embedding", "test_swiglu", "test_multihead_self_attention", "test_multihead_self_attention_with_rope", "test_transformer_block", "test_transformer_lm"};
  for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) skip("the course's model.pt is not in ../shared/data/cs336", weights[i]);
  return tap_done();
}
