/* SPDX-License-Identifier: MIT */
#include "kernels/attention.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* Plain attention in double; strides, groups and windows as the shape says. */
static void reference(double *out, double *lse, double *dq, double *dk, double *dv, const real *d_out, const real *q,
                      const real *k, const real *v, const struct attention_shape *s) {
  double *p = zeros(s->T);
  for (int64_t b = 0; b < s->B; b++)
    for (int64_t h = 0; h < s->H; h++)
      for (int64_t t = 0; t < s->T; t++) {
        int64_t g = h / (s->H / s->H_kv), low = s->window > 0 && t >= s->window ? t - s->window + 1 : 0;
        int64_t at_q = (b * s->T + t) * s->ld_q + h * s->D, at_out = (b * s->T + t) * s->ld_out + h * s->D;
        double most = -INFINITY, sum = 0, delta = 0;
        for (int64_t u = low; u <= t; u++) {
          int64_t at_k = (b * s->T + u) * s->ld_kv + g * s->D;
          p[u] = 0;
          for (int64_t i = 0; i < s->D; i++) p[u] += (double)s->scale * q[at_q + i] * k[at_k + i];
          most = p[u] > most ? p[u] : most;
        }
        for (int64_t u = low; u <= t; u++) sum += p[u] = exp(p[u] - most);
        lse[(b * s->H + h) * s->T + t] = most + log(sum);
        for (int64_t u = low; u <= t; u++) {
          int64_t at_k = (b * s->T + u) * s->ld_kv + g * s->D;
          p[u] /= sum;
          for (int64_t i = 0; i < s->D; i++) {
            out[at_out + i] += p[u] * v[at_k + i];
            delta += p[u] * v[at_k + i] * d_out[at_out + i];
          }
        }
        for (int64_t u = low; u <= t; u++) {
          int64_t at_k = (b * s->T + u) * s->ld_kv + g * s->D;
          double dp = 0;
          for (int64_t i = 0; i < s->D; i++) dp += (double)d_out[at_out + i] * v[at_k + i];
          double ds = (double)s->scale * p[u] * (dp - delta);
          for (int64_t i = 0; i < s->D; i++) {
            dq[at_q + i] += ds * k[at_k + i];
            dk[at_k + i] += ds * q[at_q + i];
            dv[at_k + i] += p[u] * d_out[at_out + i];
          }
        }
      }
  free(p);
}

/* Columns beyond the heads must stay as they were: the reference has 0 there and so do our outputs. */
static void clear(real *x, int64_t n) { memset(x, 0, (size_t)n * sizeof *x); }

static void compare(int64_t B, int64_t T, int64_t H, int64_t H_kv, int64_t D, int64_t window, int64_t pad, const char *variant) {
  struct attention_shape s = {.B = B, .T = T, .H = H, .H_kv = H_kv, .D = D, .ld_q = H * D + pad, .ld_kv = H_kv * D + 2 * pad,
                              .ld_out = H * D + 3 * pad, .window = window, .scale = (real)(1 / sqrt((double)D))};
  int64_t nq = B * T * s.ld_q, nk = B * T * s.ld_kv, no = B * T * s.ld_out, nl = B * H * T;
  real *q = array(nq, 1, 3), *k = array(nk, 2, 3), *v = array(nk, 3, 1), *d_out = array(no, 4, 1);
  real *out = array(no, 5, 0), *lse = array(nl, 5, 0), *dq = array(nq, 6, 0), *dk = array(nk, 7, 0), *dv = array(nk, 8, 0);
  double *want = zeros(no), *want_lse = zeros(nl), *want_dq = zeros(nq), *want_dk = zeros(nk), *want_dv = zeros(nk);
  reference(want, want_lse, want_dq, want_dk, want_dv, d_out, q, k, v, &s);
  bool good = attention_forward(out, lse, q, k, v, &s, &e) == 0;
  good = close_to(out, want, no, 1e-11, "out") && good;
  good = close_to(lse, want_lse, nl, 1e-12, "log_sum_exp") && good;
  good = attention_backward(dq, dk, dv, d_out, q, k, v, out, lse, &s, &e) == 0 && good;
  good = close_to(dq, want_dq, nq, 1e-11, "dq") && good;
  good = close_to(dk, want_dk, nk, 1e-11, "dk") && good;
  good = close_to(dv, want_dv, nk, 1e-11, "dv") && good;
  good = guards_intact(out, no) && guards_intact(lse, nl) && guards_intact(dq, nq) && guards_intact(dk, nk) &&
         guards_intact(dv, nk) && good;
  ok(good, "%s: B %lld T %lld H %lld/%lld D %lld window %lld match the double reference, forward and backward", variant,
     (long long)B, (long long)T, (long long)H, (long long)H_kv, (long long)D, (long long)window);

  real *dq2 = array(nq, 6, 0), *dk2 = array(nk, 7, 0), *dv2 = array(nk, 8, 0), *out2 = array(no, 5, 0);
  backend_cpu()->set_threads(1);
  attention_forward(out2, lse, q, k, v, &s, &e);
  attention_backward(dq2, dk2, dv2, d_out, q, k, v, out2, lse, &s, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(out, out2, (size_t)no * sizeof *out) == 0 && memcmp(dq, dq2, (size_t)nq * sizeof *dq) == 0 &&
         memcmp(dk, dk2, (size_t)nk * sizeof *dk) == 0 && memcmp(dv, dv2, (size_t)nk * sizeof *dv) == 0,
     "%s: the same bits on one thread", variant);

  /* The same queries in two steps against a cache; the second step's sequences stand at different positions. */
  good = true;
  for (int64_t split = T / 2; split < T && split >= T - 1 - T / 2; split += T - 1 - split > 0 ? T - 1 - split : 1) {
    struct attention_shape step = s;
    int64_t past[16];
    step.T = T - split;
    clear(out2, no);
    for (int64_t b = 0; b < B; b++) past[b] = split;
    real *new_q = array(B * step.T * s.ld_q, 1, 0), *new_out = array(B * step.T * s.ld_out, 1, 0);
    double *new_want = zeros(B * step.T * s.ld_out);
    for (int64_t b = 0; b < B; b++) {
      memcpy(new_q + b * step.T * s.ld_q, q + (b * T + split) * s.ld_q, (size_t)(step.T * s.ld_q) * sizeof *q);
      memcpy(new_want + b * step.T * s.ld_out, want + (b * T + split) * s.ld_out, (size_t)(step.T * s.ld_out) * sizeof *want);
    }
    good = attention_cached(new_out, new_q, k, v, T * s.ld_kv, past, &step, &e) == 0 && good;
    good = close_to(new_out, new_want, B * step.T * s.ld_out, 1e-11, "cached") && guards_intact(new_out, B * step.T * s.ld_out) && good;
    array_free(new_q), array_free(new_out), free(new_want);
  }
  ok(good, "%s: the last positions against a cache match", variant);

  array_free(q), array_free(k), array_free(v), array_free(d_out), array_free(out), array_free(lse), array_free(dq), array_free(dk);
  array_free(dv), array_free(dq2), array_free(dk2), array_free(dv2), array_free(out2);
  free(want), free(want_lse), free(want_dq), free(want_dk), free(want_dv);
}

static void edges(const char *variant) {
  enum { T = 100, D = 16 };
  struct attention_shape s = {.B = 1, .T = T, .H = 1, .H_kv = 1, .D = D, .ld_q = D, .ld_kv = D, .ld_out = D, .scale = 1};
  real *q = array(T * D, 1, 1), *k = array(T * D, 2, 1), *v = array(T * D, 3, 1), *out = array(T * D, 4, 1), *lse = array(T, 5, 1);
  q[50 * D] = NAN;
  attention_forward(out, lse, q, k, v, &s, &e);
  ok(isnan(out[50 * D]) && isnan(out[50 * D + 15]) && isnan(lse[50]), "%s: NaN in a query reaches its output", variant);
  ok(!isnan(out[49 * D]) && !isnan(out[51 * D]), "%s: and no other query's", variant);
  q[50 * D] = 1e30f;
  k[3 * D] = 1e6f; /* a score of 1e36 wins alone */
  attention_forward(out, lse, q, k, v, &s, &e);
  ok(out[50 * D + 2] == v[3 * D + 2], "%s: a huge score takes all the weight", variant);
  s.H_kv = 0;
  ok(attention_forward(out, lse, q, k, v, &s, &e) == -1, "%s: no key heads are refused", variant);
  array_free(q), array_free(k), array_free(v), array_free(out), array_free(lse);
}

static void speed(const char *variant, int64_t B, int64_t T, int64_t H, int64_t H_kv, int64_t D) {
  struct attention_shape s = {.B = B, .T = T, .H = H, .H_kv = H_kv, .D = D, .ld_q = (H + 2 * H_kv) * D, .ld_kv = (H + 2 * H_kv) * D,
                              .ld_out = H * D, .scale = (real)(1 / sqrt((double)D))};
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
  TIME(one, attention_cached(out, qkv, k, v, T * s.ld_kv, past, &step, &e));
  printf("attention %s B %3lld T %4lld H %lld/%lld D %3lld: forward %4.0f GFLOP/s, backward %4.0f, one query %5.1f GB/s of keys and values\n",
         variant, (long long)B, (long long)T, (long long)H, (long long)H_kv, (long long)D, work / forward, 2.5 * work / backward,
         8e-9 * (double)(B * T * H_kv * D) / one);
  array_free(qkv), array_free(d_qkv), array_free(out), array_free(d_out), array_free(lse);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      if (v == CPU_SCALAR) {
        speed(variant, 4, 256, 6, 6, 64);
        continue;
      }
      speed(variant, 64, 64, 6, 6, 64);
      speed(variant, 32, 256, 6, 6, 64);
      speed(variant, 32, 256, 12, 12, 32);
      speed(variant, 16, 512, 12, 4, 64);
      speed(variant, 4, 1024, 6, 6, 128);
      speed(variant, 2, 2048, 6, 6, 64);
      continue;
    }
    compare(1, 1, 1, 1, 1, 0, 0, variant);
    compare(2, 3, 2, 1, 4, 0, 1, variant);
    compare(1, 47, 1, 1, 20, 0, 3, variant);
    compare(2, 97, 4, 2, 64, 0, 0, variant);
    compare(1, 200, 3, 3, 32, 0, 5, variant);
    compare(1, 255, 6, 2, 80, 0, 0, variant);
    compare(9, 64, 4, 2, 16, 0, 7, variant);
    compare(1, 300, 2, 1, 33, 3, 0, variant);
    compare(1, 300, 2, 1, 24, 50, 0, variant);
    compare(2, 300, 2, 2, 64, 130, 2, variant);
    compare(1, 130, 1, 1, 128, 130, 2, variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
