/* SPDX-License-Identifier: MIT
 *
 * Attention forward and backward against the CPU's: every kernel (padded heads on tensor cores, the plain one for other sizes and
 * alignments), around the edges of tiles, with everything a shape can say.
 */
#include "tests/device/device_test.h"

enum layout {
  APART,  /* q, k and v are matrices of their own */
  JOINED, /* they are columns of one */
  LATENT, /* values lie behind parts of keys in one matrix, as in multi-head latent attention */
};

struct shape {
  int64_t B, T, H, H_kv, D, D_v, window;
  int64_t pad, shift; /* columns behind the rows; elements before the first row of every matrix */
  int64_t document;   /* positions of each, 0: one; the second sequence's are longer by 7 */
  double dropout, scale; /* scale: of 1 / sqrt(D), 0: 3, so that some probabilities are large */
  enum layout layout;
  bool again, more;   /* more: of the same, for fast builds */
};

/* The matrices that an op reads, or writes as gradients. */
struct operands {
  struct device_array q, k, v;
};

static struct operands operands_of(const struct attention_shape *s, const struct shape *c, uint64_t seed) {
  int64_t rows = c->B * c->T;
  struct operands o = {.q = device_array(rows * s->ld_q + c->shift, true, seed, 1)};
  o.k = c->layout == JOINED ? o.q : device_array(rows * s->ld_k + c->shift, true, seed + 1, 1);
  o.v = c->layout == JOINED ? o.q : device_array(rows * s->ld_v + c->shift, true, seed + 2, 1);
  return o;
}
static void operands_free(struct operands *o, const struct shape *c) {
  device_array_free(&o->q);
  if (c->layout != JOINED) device_array_free(&o->k), device_array_free(&o->v);
}
static bool operands_close(const struct operands *o, const struct shape *c, double bound) {
  if (c->layout == JOINED) return device_close(&o->q, bound, "dq, dk, dv");
  bool dq = device_close(&o->q, bound, "dq"), dk = device_close(&o->k, bound, "dk"), dv = device_close(&o->v, bound, "dv");
  return dq && dk && dv;
}
static bool operands_same(const struct operands *a, const struct operands *b) {
  return device_same(&a->q, &b->q, "dq again") && device_same(&a->k, &b->k, "dk again") && device_same(&a->v, &b->v, "dv again");
}

/* Where the first element of each is, in elements. */
struct places {
  int64_t q, k, v, out;
};
static struct places places_of(const struct shape *c) {
  struct places p = {c->shift, c->shift, c->shift, c->shift};
  if (c->layout == JOINED) p.k += c->H * c->D, p.v += (c->H + c->H_kv) * c->D;
  if (c->layout == LATENT) p.v += c->D_v; /* as many columns of keys as of values */
  return p;
}

static stored *of_device(const struct device_array *a, int64_t at) { return stored_at(device, a->device, at); }

static void device_backward(const struct operands *to, const struct device_array *d_out, const struct operands *in, const struct device_array *out, const struct device_array *lse,
                            const struct places *p, const struct attention_shape *s) {
  device_must(device->attention_backward(of_device(&to->q, p->q), of_device(&to->k, p->k), of_device(&to->v, p->v), of_device(d_out, p->out), of_device(&in->q, p->q), of_device(&in->k, p->k),
                                         of_device(&in->v, p->v), of_device(out, p->out), (const real *)lse->device, s, &device_error));
}

static void matches(const struct shape *c, double bound) {
  int64_t D = c->D, D_v = c->D_v, joined = (c->H + c->H_kv) * D + c->H_kv * D_v + c->pad;
  struct attention_shape s = {.B = c->B, .T = c->T, .H = c->H, .H_kv = c->H_kv, .D = D, .D_v = D_v, .ld_q = c->H * D + c->pad, .ld_k = c->H_kv * D + c->pad, .ld_v = c->H_kv * D_v + c->pad,
                              .ld_out = c->H * D_v + c->pad, .head_v = D_v, .window = c->window, .scale = (real)((c->scale != 0 ? c->scale : 3) / sqrt((double)D)), .dropout = c->dropout, .key = 77};
  if (c->layout == JOINED) s.ld_q = s.ld_k = s.ld_v = joined;
  if (c->layout == LATENT) s.head_v = 2 * D_v, s.ld_v = c->H_kv * s.head_v + c->pad;
  struct places p = places_of(c);
  struct attention_shape there = s;
  int32_t *starts = (int32_t *)malloc((size_t)(c->B * c->T) * sizeof *starts), *device_starts = NULL;
  if (c->document) {
    for (int64_t b = 0; b < c->B; b++)
      for (int64_t t = 0; t < c->T; t++) starts[b * c->T + t] = (int32_t)(t / (c->document + 7 * b) * (c->document + 7 * b));
    s.starts = starts, there.starts = device_starts = device_integers(starts, c->B * c->T);
  }

  int64_t outs = c->B * c->T * s.ld_out + c->shift;
  struct operands in = operands_of(&s, c, 1), to = operands_of(&s, c, 5);
  struct device_array out = device_array(outs, true, 9, 1), lse = device_array(c->B * c->H * c->T, false, 10, 1), d_out = device_array(outs, true, 11, 1);
  device_must(backend_cpu()->attention_forward(out.host + p.out, lse.host, in.q.host + p.q, in.k.host + p.k, in.v.host + p.v, &s, &device_error));
  device_must(device->attention_forward(of_device(&out, p.out), (real *)lse.device, of_device(&in.q, p.q), of_device(&in.k, p.k), of_device(&in.v, p.v), &there, &device_error));
  bool out_good = device_close(&out, bound, "out"), good = device_close(&lse, 1e-10, "log_sum_exp") && out_good;

  /* Both go back from what the device found. */
  device_must(device_get(&out, out.host, out.device, out.n));
  device_must(device_get(&lse, lse.host, lse.device, lse.n));
  device_must(backend_cpu()->attention_backward(to.q.host + p.q, to.k.host + p.k, to.v.host + p.v, d_out.host + p.out, in.q.host + p.q, in.k.host + p.k, in.v.host + p.v, out.host + p.out,
                                                lse.host, &s, &device_error));
  device_backward(&to, &d_out, &in, &out, &lse, &p, &there);
  if (c->T == 1 || c->window == 1 || c->document == 1) memset(to.q.host, 0, (size_t)to.q.n * sizeof(real)), memset(to.k.host, 0, (size_t)to.k.n * sizeof(real)); /* a softmax of one score has no slope */
  good = operands_close(&to, c, bound) && good;
  if (c->again) {
    struct operands other = operands_of(&s, c, 5);
    struct device_array out_2 = device_array(outs, true, 9, 1);
    device_must(device->attention_forward(of_device(&out_2, p.out), (real *)lse.device, of_device(&in.q, p.q), of_device(&in.k, p.k), of_device(&in.v, p.v), &there, &device_error));
    device_backward(&other, &d_out, &in, &out, &lse, &p, &there);
    good = device_same(&out, &out_2, "out again") && operands_same(&to, &other) && good;
    operands_free(&other, c), device_array_free(&out_2);
  }
  ok(good, "%lld x %lld positions, %lld heads of %lld and %lld on %lld%s%s, window %lld, documents of %lld, dropout %g, scale %.3g match%s", (long long)c->B, (long long)c->T, (long long)c->H, (long long)D,
     (long long)D_v, (long long)c->H_kv, c->layout == JOINED ? ", joined" : c->layout == LATENT ? ", latent" : "", c->shift ? ", unaligned" : "", (long long)c->window, (long long)c->document,
     c->dropout, (double)s.scale, c->again ? ", twice the same bits" : "");
  operands_free(&in, c), operands_free(&to, c);
  device_array_free(&out), device_array_free(&lse), device_array_free(&d_out);
  if (device_starts) device->release(device_starts);
  free(starts);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  static const struct shape shapes[] = {
      /* heads of 64 */
      {.B = 2, .T = 1, .H = 4, .H_kv = 4, .D = 64, .D_v = 64},
      {.B = 2, .T = 63, .H = 4, .H_kv = 2, .D = 64, .D_v = 64, .layout = JOINED, .again = true},
      {.B = 1, .T = 130, .H = 2, .H_kv = 1, .D = 64, .D_v = 64, .window = 20, .dropout = 0.25},
      {.B = 2, .T = 300, .H = 1, .H_kv = 1, .D = 40, .D_v = 24, .document = 53, .pad = 8},
      {.B = 1, .T = 257, .H = 5, .H_kv = 1, .D = 64, .D_v = 64, .window = 1000, .again = true, .more = true},
      {.B = 1, .T = 70, .H = 6, .H_kv = 2, .D = 16, .D_v = 16, .window = 1},
      {.B = 2, .T = 129, .H = 7, .H_kv = 7, .D = 8, .D_v = 8, .again = true, .more = true}, /* more heads than parts of the ring */
      /* of 128 */
      {.B = 1, .T = 65, .H = 4, .H_kv = 1, .D = 128, .D_v = 128},
      {.B = 2, .T = 130, .H = 1, .H_kv = 1, .D = 80, .D_v = 80, .dropout = 0.1, .document = 60, .layout = JOINED},
      {.B = 1, .T = 260, .H = 1, .H_kv = 1, .D = 128, .D_v = 72, .window = 64},
      {.B = 1, .T = 192, .H = 8, .H_kv = 1, .D = 72, .D_v = 128, .window = 150, .dropout = 0.1, .again = true, .more = true},
      {.B = 1, .T = 66, .H = 3, .H_kv = 1, .D = 128, .D_v = 128, .document = 1, .scale = 1}, /* every query sees itself only */
      /* of latent attention */
      {.B = 1, .T = 64, .H = 2, .H_kv = 2, .D = 192, .D_v = 128, .layout = LATENT},
      {.B = 2, .T = 130, .H = 1, .H_kv = 1, .D = 144, .D_v = 96, .layout = LATENT, .window = 70, .document = 31, .dropout = 0.5},
      {.B = 1, .T = 193, .H = 3, .H_kv = 1, .D = 192, .D_v = 128, .again = true, .more = true},
      /* of 256 */
      {.B = 1, .T = 150, .H = 2, .H_kv = 1, .D = 256, .D_v = 256, .again = true},
      {.B = 1, .T = 129, .H = 6, .H_kv = 6, .D = 136, .D_v = 200, .window = 90, .dropout = 0.3, .more = true}, /* more heads than parts of the ring */
      {.B = 2, .T = 100, .H = 1, .H_kv = 1, .D = 200, .D_v = 8, .document = 21, .layout = JOINED},
      /* others */
      {.B = 1, .T = 65, .H = 2, .H_kv = 1, .D = 64, .D_v = 64, .shift = 1},
      {.B = 2, .T = 70, .H = 2, .H_kv = 1, .D = 7, .D_v = 5, .pad = 1, .window = 40, .dropout = 0.25, .again = true},
      {.B = 1, .T = 33, .H = 1, .H_kv = 1, .D = 139, .D_v = 203, .document = 10},
      {.B = 1, .T = 70, .H = 2, .H_kv = 1, .D = 304, .D_v = 264, .window = 20, .dropout = 0.1, .document = 40},
      {.B = 1, .T = 40, .H = 2, .H_kv = 1, .D = 576, .D_v = 512, .layout = LATENT, .more = true},
      {.B = 1, .T = 70, .H = 2, .H_kv = 2, .D = 8, .D_v = 8, .scale = -2, .dropout = 0.1},
      {.B = 1, .T = 2, .H = 1, .H_kv = 1, .D = 1, .D_v = 1},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (!shapes[i].more || !device_small()) matches(&shapes[i], device->stored_size == sizeof(real) ? stored_bound : 3e-5);
  struct attention_shape none = {.B = 0, .T = 1, .H = 2, .H_kv = 1, .D = 8, .D_v = 8, .head_v = 8}, bad = none, odd = none;
  bad.B = 1, bad.H = 3, bad.H_kv = 2, odd.dropout = 1;
  ok(device->attention_forward(NULL, NULL, NULL, NULL, NULL, &none, &device_error) == 0 &&
         device->attention_backward(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &none, &device_error) == 0,
     "no sequences are no work");
  ok(device->attention_forward(NULL, NULL, NULL, NULL, NULL, &bad, &device_error) == -1 && strstr(device_error.message, "3 query heads") &&
         device->attention_forward(NULL, NULL, NULL, NULL, NULL, &odd, &device_error) == -1 && strstr(device_error.message, "dropout 1"),
     "heads that do not divide and a dropout of all are errors");
}

/* With other seeds the emulator is an A100 or an RTX: less shared memory, one stage of tiles instead of two. */
int main(void) {
  const char *seed = getenv("CUDA_CPU_SEED");
  static const char *const capabilities[] = {"90", "80", "89"};
  if (seed) setenv("CUDA_CPU_CAPABILITY", capabilities[atoi(seed) % 3], 0);
  return device_test_run(test);
}
