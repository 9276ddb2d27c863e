/* SPDX-License-Identifier: MIT
 *
 * Launches attention: which kernel, for which sizes of heads.
 */
#include "kernels/attention.cuh"

/* The sizes of tiles: rows of a warp / 16, warps, keys or queries of a step. */
template <int DQ, int DV, int FORWARD_MT, int FORWARD_WARPS, int FORWARD_STEP, int KEYS_MT, int KEYS_WARPS, int KEYS_STEP, int QUERIES_MT, int QUERIES_WARPS, int QUERIES_STEP> struct tensor_sizes {
  static const size_t forward_shared = attention_forward_shared<DQ, DV, FORWARD_MT, FORWARD_WARPS, FORWARD_STEP>();
  static const size_t keys_shared = attention_keys_shared<DQ, DV, KEYS_MT, KEYS_WARPS, KEYS_STEP>();
  static const size_t queries_shared = attention_queries_shared<DQ, DV, QUERIES_MT, QUERIES_WARPS, QUERIES_STEP>();

  static bool fit(const struct attention_shape *s) {
    return s->D <= DQ && s->D_v <= DV && forward_shared <= cuda_device()->shared_bytes && keys_shared <= cuda_device()->shared_bytes && queries_shared <= cuda_device()->shared_bytes;
  }
  static void forward(const attention_arguments<bf16> &a, int64_t B) {
    const int rows = FORWARD_MT * 16 * FORWARD_WARPS;
    CUDA_LAUNCH((attention_forward_mma_kernel<DQ, DV, FORWARD_MT, FORWARD_WARPS, FORWARD_STEP>), dim3((unsigned)divide_up(a.positions, rows), (unsigned)a.H, (unsigned)B), FORWARD_WARPS * 32,
                forward_shared, cuda_stream(), a);
  }
  static void backward(const attention_arguments<bf16> &a, int64_t B) {
    const int keys = KEYS_MT * 16 * KEYS_WARPS, rows = QUERIES_MT * 16 * QUERIES_WARPS;
    CUDA_LAUNCH((attention_keys_mma_kernel<DQ, DV, KEYS_MT, KEYS_WARPS, KEYS_STEP>), dim3((unsigned)divide_up(a.positions, keys), (unsigned)(a.H / a.group), (unsigned)B), KEYS_WARPS * 32, keys_shared,
                cuda_stream(), a);
    CUDA_LAUNCH((attention_queries_mma_kernel<DQ, DV, QUERIES_MT, QUERIES_WARPS, QUERIES_STEP>), dim3((unsigned)divide_up(a.positions, rows), (unsigned)a.H, (unsigned)B), QUERIES_WARPS * 32,
                queries_shared, cuda_stream(), a);
  }
};
typedef tensor_sizes<64, 64, 2, 4, 64, 2, 4, 32, 2, 4, 32> heads_64;
typedef tensor_sizes<128, 128, 2, 4, 64, 1, 8, 32, 2, 4, 32> heads_128;
typedef tensor_sizes<192, 128, 2, 4, 48, 1, 8, 32, 1, 8, 32> heads_192; /* 48 keys: two blocks of 77 KB fit an A100's 164 too */

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

static void forward(attention_arguments<float> &a, const struct attention_shape *s, bool aligned) { (void)aligned, plain_forward(a, s->B); }
static void backward(attention_arguments<float> &a, const struct attention_shape *s, bool aligned) { (void)aligned, plain_backward(a, s->B); }
static void forward(attention_arguments<bf16> &a, const struct attention_shape *s, bool aligned) {
  if (!aligned || !(s->scale > 0)) plain_forward(a, s->B); /* the largest score is sought before it is scaled */
  else if (heads_64::fit(s)) heads_64::forward(a, s->B);
  else if (heads_128::fit(s)) heads_128::forward(a, s->B);
  else if (heads_192::fit(s)) heads_192::forward(a, s->B);
  else plain_forward(a, s->B);
}
static void backward(attention_arguments<bf16> &a, const struct attention_shape *s, bool aligned) {
  if (!aligned) plain_backward(a, s->B);
  else if (heads_64::fit(s)) heads_64::backward(a, s->B);
  else if (heads_128::fit(s)) heads_128::backward(a, s->B);
  else if (heads_192::fit(s)) heads_192::backward(a, s->B);
  else plain_backward(a, s->B);
}

static int check_shape(const struct attention_shape *s, struct kernel_error *e) {
  if (s->H_kv < 1 || s->H % s->H_kv != 0 || s->D < 1 || s->D_v < 1 || (s->H_kv > 1 && s->head_v < s->D_v) || s->window < 0)
    return kernel_fail(e, "attention: %lld query heads, %lld key heads, head sizes %lld and %lld, values %lld apart, window %lld", (long long)s->H, (long long)s->H_kv, (long long)s->D,
                       (long long)s->D_v, (long long)s->head_v, (long long)s->window);
  if (!(s->dropout >= 0 && s->dropout < 1)) return kernel_fail(e, "attention: dropout %g is not in 0..1", s->dropout);
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
  size_t n = (size_t)(s->B * s->H) * (size_t)a.padded;
  float *space = (float *)cuda_workspace(5 * n * sizeof(float), e);
  if (!space) return -1;
  a.rows = {(int64_t)n, space, space + n, (int32_t *)(space + 2 * n), (uint32_t *)(space + 3 * n), (uint32_t *)(space + 4 * n)};
  bool aligned = rows_aligned(s) && aligned_16({dq, dk, dv, d_out, q, k, v, out});
  int lanes = 4, packs = (int)divide_up(a.D_v, aligned ? 16 / (int64_t)sizeof(T) : 1);
  while (lanes < packs && lanes < 32) lanes *= 2;
  CUDA_LAUNCH(attention_rows_kernel<T>, dim3((unsigned)divide_up((int64_t)a.padded * lanes, 256), (unsigned)s->H, (unsigned)s->B), 256, 0, cuda_stream(), a, lanes, aligned);
  backward(a, s, aligned);
  return launched("attention_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->attention_forward = attention_forward<T>;
  b->attention_backward = attention_backward<T>;
}

extern "C" void attention_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
