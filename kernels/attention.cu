/* SPDX-License-Identifier: MIT
 *
 * Launches attention: which kernel, for which sizes of heads.
 */
#include "kernels/attention.cuh"

extern "C" {
#include "kernels/attention.h"
}

/* Kernels on tensor cores for heads up to a size. */
struct tensor_kernels {
  int D, D_v, keys, warps; /* of a block of the backward pass */
  size_t forward_shared, backward_shared[2]; /* for one and for two stages */
  void (*forward)(const attention_arguments<bf16> &a, int64_t B);
  void (*backward)(const attention_arguments<bf16> &a, int64_t B, size_t shared);
};

/* Forward: rows of a warp / 16, warps, keys of a step; backward: keys, warps, queries that a warp scores at a time / 8. */
template <int D, int D_v, int MT, int WARPS, int STEP, int KEYS, int KEYS_WARPS, int NT> struct tensor_sizes {
  static const size_t forward_shared = attention_forward_shared<D, D_v, MT, WARPS, STEP>();
  static void forward(const attention_arguments<bf16> &a, int64_t B) {
    CUDA_LAUNCH((attention_forward_mma_kernel<D, D_v, MT, WARPS, STEP>), dim3((unsigned)divide_up(a.positions, MT * 16 * WARPS), (unsigned)a.H, (unsigned)B), WARPS * 32, forward_shared, cuda_stream(), a);
  }
  static void backward(const attention_arguments<bf16> &a, int64_t B, size_t shared) {
    CUDA_LAUNCH((attention_backward_mma_kernel<D, D_v, KEYS, KEYS_WARPS, NT>), (unsigned)(divide_up(a.positions, KEYS) * (a.H / a.group) * B), KEYS_WARPS * 32, shared, cuda_stream(), a);
  }
  static constexpr tensor_kernels kernels() {
    return {D, D_v, KEYS, KEYS_WARPS, forward_shared, {attention_backward_shared<D, D_v, KEYS, KEYS_WARPS>(1), attention_backward_shared<D, D_v, KEYS, KEYS_WARPS>(2)}, forward, backward};
  }
};
static const tensor_kernels kinds[] = {
    tensor_sizes<64, 64, 2, 4, 64, 128, 4, 4>::kernels(),
    tensor_sizes<128, 128, 2, 4, 64, 128, 8, 4>::kernels(),
    tensor_sizes<128, 128, 2, 4, 64, 64, 4, 4>::kernels(), /* of an RTX's 99 KB */
    tensor_sizes<192, 128, 2, 4, 48, 128, 8, 2>::kernels(), /* 48 keys: two blocks of 77 KB fit an A100's 164 too */
    tensor_sizes<256, 256, 1, 8, 64, 64, 8, 2>::kernels(),
};
enum { STATIC_SHARED = 1536 }; /* at most */

/* NULL: the plain kernels, for a scale that is not above 0 too: the largest score is sought, and masked ones are -infinity, before it is applied. */
static const tensor_kernels *tensor_kernels_for(const struct attention_shape *s, bool aligned) {
  for (const tensor_kernels &t : kinds)
    if (aligned && s->scale > 0 && s->D <= t.D && s->D_v <= t.D_v && t.forward_shared + STATIC_SHARED <= cuda_device()->shared_bytes && t.backward_shared[0] + STATIC_SHARED <= cuda_device()->shared_bytes &&
        divide_up(s->T, t.keys) * s->H_kv * s->B <= INT32_MAX)
      return &t;
  return NULL;
}

template <class T> static void plain_forward(attention_arguments<T> &a, int64_t B) {
  a.slices = (int)divide_up(a.D_v, PLAIN_SLICE);
  CUDA_LAUNCH(attention_forward_kernel<T>, dim3((unsigned)(divide_up(a.positions, PLAIN_SIDE) * a.slices), (unsigned)a.H, (unsigned)B), PLAIN_THREADS, 0, cuda_stream(), a);
}
template <class T> static void plain_backward(attention_arguments<T> &a, int64_t B) {
  int64_t tiles = divide_up(a.positions, PLAIN_SIDE);
  a.slices = (int)divide_up(a.D > a.D_v ? a.D : a.D_v, PLAIN_SLICE);
  CUDA_LAUNCH(attention_keys_kernel<T>, dim3((unsigned)(tiles * a.slices), (unsigned)(a.H / a.group), (unsigned)B), PLAIN_THREADS, 0, cuda_stream(), a);
  a.slices = (int)divide_up(a.D, PLAIN_SLICE);
  CUDA_LAUNCH(attention_queries_kernel<T>, dim3((unsigned)(tiles * a.slices), (unsigned)a.H, (unsigned)B), PLAIN_THREADS, 0, cuda_stream(), a);
}

static int check_shape(const struct attention_shape *s, struct kernel_error *e) {
  if (attention_check(s, e) != 0) return -1;
  if (s->B > 65535 || s->H > 65535 || s->T > (1 << 30) || s->D > (1 << 20) || s->D_v > (1 << 20) || (s->ld_q | s->ld_k | s->ld_v | s->ld_out | s->head_v) > INT32_MAX || divide_up(s->T, PLAIN_SIDE) * divide_up(s->D + s->D_v, PLAIN_SLICE) > INT32_MAX)
    return kernel_fail(e, "attention: %lld sequences of %lld positions, %lld heads of %lld and %lld: too large", (long long)s->B, (long long)s->T, (long long)s->H, (long long)s->D, (long long)s->D_v);
  return 0;
}

template <class T> static attention_arguments<T> arguments(const stored *q, const stored *k, const stored *v, const struct attention_shape *s) {
  attention_arguments<T> a = {};
  a.q = elements<T>(q), a.k = elements<T>(k), a.v = elements<T>(v), a.starts = s->starts;
  a.ld_q = (int)s->ld_q, a.ld_k = (int)s->ld_k, a.ld_v = (int)s->ld_v, a.ld_out = (int)s->ld_out, a.head_v = (int)s->head_v;
  a.positions = (int)s->T, a.padded = (int)divide_up(s->T, ATTENTION_PAD) * ATTENTION_PAD, a.window = s->window > 0 && s->window < s->T ? (int)s->window : (int)s->T;
  a.H = (int)s->H, a.group = (int)(s->H / s->H_kv), a.D = (int)s->D, a.D_v = (int)s->D_v;
  a.scale = s->scale, a.scale_2 = s->scale * 1.4426950408889634f; /* exponentials are powers of 2 */
  a.key = s->key, a.below = (uint32_t)(s->dropout * 4294967296.0), a.kept = (float)(1 / (1 - s->dropout));
  return a;
}

/* Whether 16 bytes can be copied at once. */
static bool rows_aligned(const struct attention_shape *s) { return ((s->D | s->D_v | s->head_v | s->ld_q | s->ld_k | s->ld_v | s->ld_out) & 7) == 0; }

static void forward(attention_arguments<float> &a, const struct attention_shape *s, bool aligned) { (void)aligned, plain_forward(a, s->B); }
static void forward(attention_arguments<bf16> &a, const struct attention_shape *s, bool aligned) {
  const tensor_kernels *t = tensor_kernels_for(s, aligned);
  t ? t->forward(a, s->B) : plain_forward(a, s->B);
}

/* The workspace: rows, then what orders the blocks on tensor cores. */
template <class T> static int prepare(attention_arguments<T> &a, const struct attention_shape *s, const tensor_kernels *t, struct kernel_error *e) {
  size_t n = (size_t)(s->B * s->H) * (size_t)a.padded, sums = 0;
  if (t) {
    int64_t units = s->B * s->H_kv, blocks = divide_up(s->T, t->keys), tiles = a.padded / ATTENTION_QUERIES;
    int64_t ring = divide_up(2 * (8 / t->warps) * cuda_device()->processors, blocks) + 1; /* twice what the GPU holds at a time: blocks do not wait for their part */
    a.order.ring = (int)(ring < units ? ring : units), a.order.size = 1 + units + s->B * s->H * tiles;
    sums = blocks > 1 ? (size_t)(a.order.ring * a.group * tiles) * (size_t)(ATTENTION_QUERIES * t->D) : 0; /* of one block nothing is added to */
  }
  float *space = (float *)cuda_workspace((5 * n + sums + (size_t)a.order.size) * sizeof(float), e);
  if (!space) return -1;
  a.rows = {(int64_t)n, space, space + n, (int32_t *)(space + 2 * n), (uint32_t *)(space + 3 * n), (uint32_t *)(space + 4 * n)};
  a.order.dq = space + 5 * n, a.order.ticket = (int32_t *)(a.order.dq + sums), a.order.done = a.order.ticket + 1, a.order.links = a.order.done + s->B * s->H_kv;
  return 0;
}
static void backward(attention_arguments<float> &a, const struct attention_shape *s, const tensor_kernels *t) { (void)t, plain_backward(a, s->B); }
static void backward(attention_arguments<bf16> &a, const struct attention_shape *s, const tensor_kernels *t) {
  if (!t) return plain_backward(a, s->B);
  size_t each = (cuda_device()->shared_bytes + 1024) / (size_t)(8 / t->warps) - 1024; /* so that a multiprocessor holds 8 warps; 1024: the driver's of a block */
  a.stages = t->backward_shared[1] + 128 <= each ? 2 : 1; /* 128: of its own, not dynamic */
  t->backward(a, s->B, t->backward_shared[a.stages - 1]);
}

template <class T>
static int attention_forward(stored *out, real *log_sum_exp, const stored *q, const stored *k, const stored *v, const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
  if (s->B == 0 || s->T == 0 || s->H == 0) return 0;
  attention_arguments<T> a = arguments<T>(q, k, v, s);
  a.to = elements<T>(out), a.log_sum_exp = log_sum_exp;
  forward(a, s, rows_aligned(s) && aligned_16({out, q, k, v}));
  return launched("attention_forward", e);
}

template <class T>
static int attention_backward(stored *dq, stored *dk, stored *dv, const stored *d_out, const stored *q, const stored *k, const stored *v, const stored *out, const real *log_sum_exp,
                              const struct attention_shape *s, struct kernel_error *e) {
  if (check_shape(s, e) != 0) return -1;
  if (s->B == 0 || s->T == 0 || s->H == 0) return 0;
  attention_arguments<T> a = arguments<T>(q, k, v, s);
  a.dq = elements<T>(dq), a.dk = elements<T>(dk), a.dv = elements<T>(dv), a.d_out = elements<T>(d_out), a.out = elements<T>(out), a.log_sum_exp = const_cast<real *>(log_sum_exp);
  bool aligned = rows_aligned(s) && aligned_16({dq, dk, dv, d_out, q, k, v, out});
  const tensor_kernels *t = sizeof(T) == sizeof(bf16) ? tensor_kernels_for(s, aligned) : NULL;
  if (prepare(a, s, t, e) != 0) return -1;
  int lanes = 4, packs = (int)divide_up(a.D_v, aligned ? 16 / (int64_t)sizeof(T) : 1);
  while (lanes < packs && lanes < 32) lanes *= 2;
  CUDA_LAUNCH(attention_rows_kernel<T>, dim3((unsigned)divide_up((int64_t)a.padded * lanes, 256), (unsigned)s->H, (unsigned)s->B), 256, 0, cuda_stream(), a, lanes, aligned);
  backward(a, s, t);
  return launched("attention_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->attention_forward = attention_forward<T>;
  b->attention_backward = attention_backward<T>;
}

extern "C" void attention_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
