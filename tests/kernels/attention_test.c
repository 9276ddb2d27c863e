/* SPDX-License-Identifier: MIT */
#include "kernels/attention.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* The mask in its plainest form: see attention.h; the hash is that of attention.c, in 64-bit arithmetic. */
static uint64_t scramble(uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}
static double mask(const struct attention_shape *s, int64_t b, int64_t h, int64_t t, int64_t u) {
  uint64_t z = scramble(scramble(s->key) + (uint64_t)((b * s->H + h) * s->T + t)), x = (uint64_t)u ^ (z & 0xffffffff);
  x = ((x ^ x >> 16) * 0x7feb352d + (z >> 32)) & 0xffffffff;
  x = (x ^ x >> 15) * 0x846ca68b & 0xffffffff;
  x ^= x >> 16;
  return s->dropout > 0 ? (double)x >= floor(s->dropout * 4294967296.0) ? 1 / (1 - s->dropout) : 0 : 1;
}

/* Plain attention in double; strides, groups and windows as the shape says. */
static void reference(double *out, double *lse, double *dq, double *dk, double *dv, const real *d_out, const real *q,
                      const real *k, const real *v, const struct attention_shape *s) {
  double *p = zeros(s->T);
  for (int64_t b = 0; b < s->B; b++)
    for (int64_t h = 0; h < s->H; h++)
      for (int64_t t = 0; t < s->T; t++) {
        int64_t g = h / (s->H / s->H_kv), low = s->window > 0 && t >= s->window ? t - s->window + 1 : 0;
        if (s->starts && s->starts[b * s->T + t] > low) low = s->starts[b * s->T + t];
        int64_t at_q = (b * s->T + t) * s->ld_q + h * s->D, at_out = (b * s->T + t) * s->ld_out + h * s->D_v;
        double most = -INFINITY, sum = 0, delta = 0;
        for (int64_t u = low; u <= t; u++) {
          int64_t at_k = (b * s->T + u) * s->ld_k + g * s->D;
          p[u] = 0;
          for (int64_t i = 0; i < s->D; i++) p[u] += (double)s->scale * q[at_q + i] * k[at_k + i];
          most = p[u] > most ? p[u] : most;
        }
        for (int64_t u = low; u <= t; u++) sum += p[u] = exp(p[u] - most);
        lse[(b * s->H + h) * s->T + t] = most + log(sum);
        for (int64_t u = low; u <= t; u++) {
          int64_t at_v = (b * s->T + u) * s->ld_v + g * s->head_v;
          p[u] /= sum;
          for (int64_t i = 0; i < s->D_v; i++) {
            out[at_out + i] += mask(s, b, h, t, u) * p[u] * v[at_v + i];
            delta += mask(s, b, h, t, u) * p[u] * v[at_v + i] * d_out[at_out + i];
          }
        }
        for (int64_t u = low; u <= t; u++) {
          int64_t at_k = (b * s->T + u) * s->ld_k + g * s->D, at_v = (b * s->T + u) * s->ld_v + g * s->head_v;
          double dp = 0, m = mask(s, b, h, t, u);
          for (int64_t i = 0; i < s->D_v; i++) dp += (double)d_out[at_out + i] * v[at_v + i];
          double ds = (double)s->scale * p[u] * (m * dp - delta);
          for (int64_t i = 0; i < s->D; i++) {
            dq[at_q + i] += ds * k[at_k + i];
            dk[at_k + i] += ds * q[at_q + i];
          }
          for (int64_t i = 0; i < s->D_v; i++) dv[at_v + i] += m * p[u] * d_out[at_out + i];
        }
      }
  free(p);
}

/* Where documents of 1 to `longest` positions start that share B sequences of T; until the next call. */
static const int32_t *documents(int64_t B, int64_t T, int64_t longest) {
  static int32_t starts[1000];
  uint64_t state = (uint64_t)longest;
  int64_t first = 0, next = 0;
  if (B * T > 1000) abort();
  for (int64_t t = 0; t < B * T; t++) {
    if (t % T == 0 || t == next) first = t, next = t + 1 + (int64_t)(fabs(number(&state)) * (double)longest);
    starts[t] = (int32_t)(first % T);
  }
  return starts;
}

/* Columns beyond the heads must stay as they were: the reference has 0 there and so do our outputs. */
static void compare_type(struct attention_shape s, int64_t pad, const char *variant) {
  bool bf16 = s.type == MATMUL_BF16;
  /* Rounding to bfloat16 adds some 2e-6 to the nmse of a product for each factor; scores, of size 9, raise that. */
  double bound = bf16 ? 4e-5 : 1e-11, bound_qk = bf16 ? 1.5e-4 : 1e-11;
  if (s.D_v == 0) s.D_v = s.D;
  if (s.head_v == 0) s.head_v = s.D_v;
  s.ld_q = s.H * s.D + pad, s.ld_k = s.H_kv * s.D + 2 * pad, s.ld_v = s.H_kv * s.head_v + pad, s.ld_out = s.H * s.D_v + 3 * pad;
  s.scale = (real)(1 / sqrt((double)s.D)), s.key = 0x123456789abcdef;
  int64_t B = s.B, T = s.T, nq = B * T * s.ld_q, nk = B * T * s.ld_k, nv = B * T * s.ld_v, no = B * T * s.ld_out, nl = B * s.H * T;
  real *q = array(nq, 1, 3), *k = array(nk, 2, 3), *v = array(nv, 3, 1), *d_out = array(no, 4, 1);
  real *out = array(no, 5, 0), *lse = array(nl, 5, 0), *dq = array(nq, 6, 0), *dk = array(nk, 7, 0), *dv = array(nv, 8, 0);
  double *want = zeros(no), *want_lse = zeros(nl), *want_dq = zeros(nq), *want_dk = zeros(nk), *want_dv = zeros(nv);
  reference(want, want_lse, want_dq, want_dk, want_dv, d_out, q, k, v, &s);
  bool good = attention_forward(out, lse, q, k, v, &s, &e) == 0;
  good = close_to(out, want, no, bound, "out") && good;
  good = close_to(lse, want_lse, nl, bf16 ? 1e-5 : 1e-12, "log_sum_exp") && good;
  good = attention_backward(dq, dk, dv, d_out, q, k, v, out, lse, &s, &e) == 0 && good;
  good = close_to(dq, want_dq, nq, bound_qk, "dq") && good;
  good = close_to(dk, want_dk, nk, bound_qk, "dk") && good;
  good = close_to(dv, want_dv, nv, bound, "dv") && good;
  good = guards_intact(out, no) && guards_intact(lse, nl) && guards_intact(dq, nq) && guards_intact(dk, nk) &&
         guards_intact(dv, nv) && good;
  ok(good, "%s%s: B %lld T %lld H %lld/%lld D %lld/%lld window %lld dropout %g%s match the double reference, forward and backward", variant, bf16 ? " bf16" : "",
     (long long)B, (long long)T, (long long)s.H, (long long)s.H_kv, (long long)s.D, (long long)s.D_v, (long long)s.window, s.dropout, s.starts ? " documents" : "");

  real *dq2 = array(nq, 6, 0), *dk2 = array(nk, 7, 0), *dv2 = array(nv, 8, 0), *out2 = array(no, 5, 0);
  backend_cpu()->set_threads(1);
  attention_forward(out2, lse, q, k, v, &s, &e);
  attention_backward(dq2, dk2, dv2, d_out, q, k, v, out2, lse, &s, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(out, out2, (size_t)no * sizeof *out) == 0 && memcmp(dq, dq2, (size_t)nq * sizeof *dq) == 0 &&
         memcmp(dk, dk2, (size_t)nk * sizeof *dk) == 0 && memcmp(dv, dv2, (size_t)nv * sizeof *dv) == 0,
     "%s%s: the same bits on one thread", variant, bf16 ? " bf16" : "");

  /* The same queries in two steps against a cache, which knows no documents, no dropout and no bfloat16. */
  if (s.dropout == 0 && !s.starts && !bf16) {
    good = true;
    for (int64_t split = T / 2; split < T && split >= T - 1 - T / 2; split += T - 1 - split > 0 ? T - 1 - split : 1) {
      struct attention_shape step = s;
      int64_t past[16];
      step.T = T - split;
      for (int64_t b = 0; b < B; b++) past[b] = split;
      real *new_q = array(B * step.T * s.ld_q, 1, 0), *new_out = array(B * step.T * s.ld_out, 1, 0);
      double *new_want = zeros(B * step.T * s.ld_out);
      for (int64_t b = 0; b < B; b++) {
        memcpy(new_q + b * step.T * s.ld_q, q + (b * T + split) * s.ld_q, (size_t)(step.T * s.ld_q) * sizeof *q);
        memcpy(new_want + b * step.T * s.ld_out, want + (b * T + split) * s.ld_out, (size_t)(step.T * s.ld_out) * sizeof *want);
      }
      step.dropout = 0.5, step.type = MATMUL_BF16, step.starts = documents(1, T, 1); /* ignored */
      good = attention_cached(new_out, new_q, k, v, &(struct cache_pages){NULL, 1, T}, past, T, &step, &e) == 0 && good;
      good = close_to(new_out, new_want, B * step.T * s.ld_out, 1e-11, "cached") && guards_intact(new_out, B * step.T * s.ld_out) && good;
      array_free(new_q), array_free(new_out), free(new_want);
    }
    ok(good, "%s: the last positions against a cache match", variant);
  }

  array_free(q), array_free(k), array_free(v), array_free(d_out), array_free(out), array_free(lse), array_free(dq), array_free(dk);
  array_free(dv), array_free(dq2), array_free(dk2), array_free(dv2), array_free(out2);
  free(want), free(want_lse), free(want_dq), free(want_dk), free(want_dv);
}

static void compare(struct attention_shape s, int64_t pad, const char *variant) {
  compare_type(s, pad, variant);
  s.type = MATMUL_BF16;
  compare_type(s, pad, variant);
}

/* Absorbed MLA: one head of latent vectors, whose first D_v columns are the values; sequences of different length in one cache. */
static void absorbed(int64_t T, int64_t H, int64_t D, int64_t D_v, const char *variant) {
  enum { B = 3, CAPACITY = 150 };
  struct attention_shape s = {.B = B, .T = T, .H = H, .H_kv = 1, .D = D, .D_v = D_v, .head_v = D_v, .ld_q = H * D, .ld_k = D + 3, .ld_v = D + 3,
                              .ld_out = H * D_v, .scale = (real)0.05};
  const int64_t past[B] = {130, 0, 77};
  int64_t nq = B * T * s.ld_q, no = B * T * s.ld_out, nk = B * CAPACITY * s.ld_k;
  real *q = array(nq, 1, 3), *cache = array(nk, 2, 3), *out = array(no, 3, 1);
  double *want = zeros(no), p[CAPACITY];
  for (int64_t i = 0; i < B * T * H; i++) {
    int64_t b = i / (T * H), t = i / H % T, keys = past[b] + t + 1;
    const real *rows = cache + b * CAPACITY * s.ld_k, *query = q + i * D;
    double most = -INFINITY, sum = 0;
    for (int64_t u = 0; u < keys; u++) {
      p[u] = 0;
      for (int64_t d = 0; d < D; d++) p[u] += (double)s.scale * query[d] * rows[u * s.ld_k + d];
      most = p[u] > most ? p[u] : most;
    }
    for (int64_t u = 0; u < keys; u++) sum += p[u] = exp(p[u] - most);
    for (int64_t u = 0; u < keys; u++)
      for (int64_t d = 0; d < D_v; d++) want[i * D_v + d] += p[u] / sum * rows[u * s.ld_k + d];
  }
  bool good = attention_cached(out, q, cache, cache, &(struct cache_pages){NULL, 1, CAPACITY}, past, CAPACITY, &s, &e) == 0;
  good = close_to(out, want, no, 1e-11, "absorbed") && guards_intact(out, no) && good;
  ok(good, "%s: %lld positions of %lld heads of %lld read values of %lld within the keys", variant, (long long)T, (long long)H, (long long)D, (long long)D_v);
  array_free(q), array_free(cache), array_free(out), free(want);
}

/* One position of many heads that share one key head: the same bits however many threads share the heads. */
static void shared_heads(const char *variant) {
  enum { H = 8, D = 36, KEYS = 501 };
  struct attention_shape s = {.B = 1, .T = 1, .H = H, .H_kv = 1, .D = D, .D_v = D, .head_v = D, .ld_q = H * D, .ld_k = D, .ld_v = D, .ld_out = H * D, .scale = 1};
  real *q = array(H * D, 1, 1), *k = array(KEYS * D, 2, 1), *v = array(KEYS * D, 3, 1), *one = array(H * D, 4, 1), *out = array(H * D, 5, 1);
  int64_t past = KEYS - 1;
  backend_cpu()->set_threads(1);
  attention_cached(one, q, k, v, &(struct cache_pages){NULL, 1, KEYS}, &past, KEYS, &s, &e);
  bool same = true;
  for (int threads = 2; threads <= 9; threads += 1 + 2 * (threads > 2)) {
    backend_cpu()->set_threads(threads);
    attention_cached(out, q, k, v, &(struct cache_pages){NULL, 1, KEYS}, &past, KEYS, &s, &e);
    same = same && memcmp(one, out, H * D * sizeof *out) == 0;
  }
  backend_cpu()->set_threads(2);
  ok(same, "%s: heads that share a cache give the same bits on 1 to 8 threads", variant);
  array_free(q), array_free(k), array_free(v), array_free(one), array_free(out);
}

static void type_is_taken(enum cpu_variant v, const char *variant) {
  enum { T = 70, D = 32 };
  struct attention_shape s = {.B = 1, .T = T, .H = 1, .H_kv = 1, .D = D, .D_v = D, .head_v = D, .ld_q = D, .ld_k = D, .ld_v = D, .ld_out = D, .scale = 1};
  real *q = array(T * D, 1, 1), *x = array(T * D, 2, 1), *y = array(T * D, 2, 1), *lse = array(T, 5, 1);
  attention_forward(x, lse, q, q, q, &s, &e);
  s.type = MATMUL_BF16;
  attention_forward(y, lse, q, q, q, &s, &e);
  bool same = memcmp(x, y, T * D * sizeof *x) == 0, rounds = v == CPU_AVX512 && __builtin_cpu_supports("avx512bf16");
  ok(same == !rounds, "%s: bfloat16 is %s", variant, rounds ? "multiplied" : "not there, and its type ignored");
  array_free(q), array_free(x), array_free(y), array_free(lse);
}

/* Of all probabilities the share `dropout` goes, and rows do not share their masks. */
static void mask_statistics(const char *variant) {
  enum { T = 400, H = 3 };
  struct attention_shape s = {.B = 1, .T = T, .H = H, .H_kv = 1, .D = 1, .D_v = T, .head_v = T, .ld_q = H, .ld_k = 1, .ld_v = T, .ld_out = H * T,
                              .scale = 1, .dropout = 0.25, .key = 7};
  real *q = array(T * H, 1, 0), *k = array(T, 1, 0), *v = array(T * T, 1, 0), *out = array(T * H * T, 1, 0), *lse = array(T * H, 1, 0);
  for (int64_t u = 0; u < T; u++) v[u * T + u] = 1; /* out[t][h] is the row of probabilities: 1 / (t + 1) each */
  int64_t dropped = 0, all = 0, equal = 0;
  bool exact = attention_forward(out, lse, q, k, v, &s, &e) == 0;
  for (int64_t t = 0; t < T; t++)
    for (int64_t h = 0; h < H; h++)
      for (int64_t u = 0; u <= t; u++, all++) {
        double p = out[(t * H + h) * T + u] * (double)(t + 1) * 0.75;
        dropped += p == 0;
        exact = exact && (p == 0 || fabs(p - 1) < 1e-5);
        if (t > u) equal += (p == 0) == (out[((t - 1) * H + h) * T + u] == 0); /* 0.75^2 + 0.25^2 of them by chance */
      }
  double share = (double)dropped / (double)all, same = (double)equal / (double)(all - H * T);
  ok(exact && fabs(share - 0.25) < 0.005 && fabs(same - 0.625) < 0.005, "%s: %.4f of the probabilities dropped, rows agree in %.4f", variant, share, same);
  array_free(q), array_free(k), array_free(v), array_free(out), array_free(lse);
}

static void edges(enum matmul_type type, const char *variant) {
  enum { T = 100, D = 16 };
  struct attention_shape s = {.B = 1, .T = T, .H = 1, .H_kv = 1, .D = D, .D_v = D, .head_v = D, .ld_q = D, .ld_k = D, .ld_v = D, .ld_out = D, .scale = 1, .type = type};
  real *q = array(T * D, 1, 1), *k = array(T * D, 2, 1), *v = array(T * D, 3, 1), *out = array(T * D, 4, 1), *lse = array(T, 5, 1);
  q[50 * D] = NAN;
  attention_forward(out, lse, q, k, v, &s, &e);
  ok(isnan(out[50 * D]) && isnan(out[50 * D + 15]) && isnan(lse[50]), "%s: NaN in a query reaches its output", variant);
  ok(!isnan(out[49 * D]) && !isnan(out[51 * D]), "%s: and no other query's", variant);
  q[50 * D] = 1e30f;
  k[3 * D] = 1e6f; /* a score of 1e36 wins alone */
  attention_forward(out, lse, q, k, v, &s, &e);
  ok(fabs(out[50 * D + 2] - v[3 * D + 2]) <= (type == MATMUL_BF16 ? 4e-3 : 0), "%s: a huge score takes all the weight", variant);
  s.H_kv = 0;
  ok(attention_forward(out, lse, q, k, v, &s, &e) == -1, "%s: no key heads are refused", variant);
  s.H_kv = 1, s.dropout = 1;
  ok(attention_forward(out, lse, q, k, v, &s, &e) == -1, "%s: dropout of everything is refused", variant);
  array_free(q), array_free(k), array_free(v), array_free(out), array_free(lse);
}

/* DeepSeek-V2: D 192, D_v 128 in training; one head of 576 / 512 against a cache when absorbed. */
static void speed_latent(enum matmul_type type, const char *variant, int64_t B, int64_t T, int64_t H) {
  struct attention_shape s = {.B = B, .T = T, .H = H, .H_kv = H, .D = 192, .D_v = 128, .head_v = 256, .ld_q = H * 192, .ld_k = H * 192, .ld_v = H * 256,
                              .ld_out = H * 128, .type = type, .scale = (real)(1 / sqrt(192.0))};
  int64_t n = B * T * H * 256;
  real *q = array(n, 1, 1), *k = array(n, 2, 1), *v = array(n, 3, 1), *dq = array(n, 4, 1), *dk = array(n, 5, 1), *dv = array(n, 6, 1);
  real *out = array(n, 7, 1), *d_out = array(n, 8, 1), *lse = array(B * H * T, 9, 1);
  double forward, backward, one, work = 1e-9 * (double)(B * H * T * (T + 1));
  TIME(forward, attention_forward(out, lse, q, k, v, &s, &e));
  TIME(backward, attention_backward(dq, dk, dv, d_out, q, k, v, out, lse, &s, &e));
  struct attention_shape step = {.B = 1, .T = 1, .H = H, .H_kv = 1, .D = 576, .D_v = 512, .head_v = 512, .ld_q = H * 576,
                                 .ld_k = 576, .ld_v = 576, .ld_out = H * 512, .scale = 1};
  int64_t past = n / 576 - 1;
  TIME(one, attention_cached(out, q, k, k, &(struct cache_pages){NULL, 1, n / 576}, &past, past + 1, &step, &e));
  printf("attention %s%s B %lld T %lld H %lld D 192/128: forward %4.0f GFLOP/s, backward %4.0f; absorbed, one query of %lld keys: %.0f GFLOP/s, %.1f GB/s\n", variant,
         type == MATMUL_BF16 ? " bf16" : "", (long long)B, (long long)T, (long long)H, 320 * work / forward, (3 * 192 + 2 * 128) * work / backward, (long long)past + 1,
         2e-9 * (double)(past * H * (576 + 512)) / one, 4e-9 * (double)(past * 576) / one);
  array_free(q), array_free(k), array_free(v), array_free(dq), array_free(dk), array_free(dv), array_free(out), array_free(d_out), array_free(lse);
}

static void speed(enum matmul_type type, const char *variant, int64_t B, int64_t T, int64_t H, int64_t H_kv, int64_t D) {
  struct attention_shape s = {.B = B, .T = T, .H = H, .H_kv = H_kv, .D = D, .D_v = D, .head_v = D, .ld_q = (H + 2 * H_kv) * D,
                              .type = type, .ld_k = (H + 2 * H_kv) * D, .ld_v = (H + 2 * H_kv) * D, .ld_out = H * D, .scale = (real)(1 / sqrt((double)D))};
  int64_t n = B * T * s.ld_q, no = B * T * s.ld_out;
  real *qkv = array(n, 1, 1), *d_qkv = array(n, 2, 1), *out = array(no, 3, 1), *d_out = array(no, 4, 1), *lse = array(B * H * T, 5, 1);
  double forward, backward, one, work = 2e-9 * (double)(B * H * T * (T + 1) * D); /* of the causal half */
  const real *k = qkv + H * D, *v = k + H_kv * D;
  int64_t past[64];
  TIME(forward, attention_forward(out, lse, qkv, k, v, &s, &e));
  TIME(backward, attention_backward(d_qkv, d_qkv + H * D, d_qkv + (H + H_kv) * D, d_out, qkv, k, v, out, lse, &s, &e));
  struct attention_shape step = s;
  step.T = 1;
  for (int64_t b = 0; b < B; b++) past[b] = T - 1;
  TIME(one, attention_cached(out, qkv, k, v, &(struct cache_pages){NULL, 1, T}, past, T, &step, &e));
  printf("attention %s%s B %3lld T %4lld H %lld/%lld D %3lld: forward %4.0f GFLOP/s, backward %4.0f, one query %5.1f GB/s of keys and values\n",
         variant, type == MATMUL_BF16 ? " bf16" : "", (long long)B, (long long)T, (long long)H, (long long)H_kv, (long long)D, work / forward, 2.5 * work / backward,
         8e-9 * (double)(B * T * H_kv * D) / one);
  array_free(qkv), array_free(d_qkv), array_free(out), array_free(d_out), array_free(lse);
}

typedef struct attention_shape S;

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      if (v == CPU_SCALAR) {
        speed(MATMUL_FP32, variant, 4, 256, 6, 6, 64);
        continue;
      }
      for (int type = MATMUL_FP32; type <= (v == CPU_AVX512 ? MATMUL_BF16 : MATMUL_FP32); type++) {
        speed(type, variant, 64, 64, 6, 6, 64);
        speed(type, variant, 4, 64, 12, 12, 64);
        speed(type, variant, 32, 256, 6, 6, 64);
        speed(type, variant, 32, 256, 12, 12, 32);
        speed(type, variant, 16, 512, 12, 4, 64);
        speed(type, variant, 4, 1024, 6, 6, 64);
        speed(type, variant, 4, 1024, 6, 6, 128);
        speed(type, variant, 2, 2048, 6, 6, 64);
        speed_latent(type, variant, 2, 512, 16);
      }
      continue;
    }
    compare((S){.B = 1, .T = 1, .H = 1, .H_kv = 1, .D = 1}, 0, variant);
    compare((S){.B = 2, .T = 3, .H = 2, .H_kv = 1, .D = 4}, 1, variant);
    compare((S){.B = 1, .T = 47, .H = 1, .H_kv = 1, .D = 20}, 3, variant);
    compare((S){.B = 2, .T = 97, .H = 4, .H_kv = 2, .D = 64}, 0, variant);
    compare((S){.B = 1, .T = 200, .H = 3, .H_kv = 3, .D = 32}, 5, variant);
    compare((S){.B = 1, .T = 255, .H = 6, .H_kv = 2, .D = 80}, 0, variant);
    compare((S){.B = 9, .T = 64, .H = 4, .H_kv = 2, .D = 16}, 7, variant);
    compare((S){.B = 1, .T = 300, .H = 2, .H_kv = 1, .D = 33, .window = 3}, 0, variant);
    compare((S){.B = 1, .T = 300, .H = 2, .H_kv = 1, .D = 24, .window = 50}, 0, variant);
    compare((S){.B = 2, .T = 300, .H = 2, .H_kv = 2, .D = 64, .window = 130}, 2, variant);
    compare((S){.B = 1, .T = 130, .H = 1, .H_kv = 1, .D = 128, .window = 130}, 2, variant);
    compare((S){.B = 2, .T = 110, .H = 4, .H_kv = 2, .D = 48, .D_v = 32, .head_v = 80}, 3, variant);
    compare((S){.B = 1, .T = 70, .H = 3, .H_kv = 3, .D = 192, .D_v = 128, .head_v = 256}, 0, variant);
    compare((S){.B = 1, .T = 100, .H = 2, .H_kv = 1, .D = 7, .D_v = 40}, 1, variant);
    compare((S){.B = 2, .T = 150, .H = 4, .H_kv = 2, .D = 64, .dropout = 0.1}, 0, variant);
    compare((S){.B = 1, .T = 131, .H = 2, .H_kv = 2, .D = 20, .D_v = 33, .window = 40, .dropout = 0.5}, 2, variant);
    compare((S){.B = 12, .T = 70, .H = 6, .H_kv = 6, .D = 8}, 0, variant); /* tasks enough for threads to take them in runs */
    compare((S){.B = 3, .T = 7, .H = 2, .H_kv = 1, .D = 8, .starts = documents(3, 7, 3)}, 1, variant);
    compare((S){.B = 2, .T = 200, .H = 4, .H_kv = 2, .D = 32, .starts = documents(2, 200, 60)}, 0, variant);
    compare((S){.B = 1, .T = 333, .H = 2, .H_kv = 1, .D = 16, .window = 90, .dropout = 0.2, .starts = documents(1, 333, 150)}, 3, variant);
    compare((S){.B = 2, .T = 131, .H = 2, .H_kv = 2, .D = 12, .D_v = 20, .starts = documents(2, 131, 2)}, 0, variant);
    absorbed(1, 16, 576, 512, variant);
    absorbed(1, 11, 40, 24, variant);
    absorbed(2, 7, 37, 37, variant);
    absorbed(9, 4, 48, 32, variant);
    mask_statistics(variant);
    shared_heads(variant);
    type_is_taken((enum cpu_variant)v, variant);
    edges(MATMUL_FP32, variant);
    edges(MATMUL_BF16, variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
