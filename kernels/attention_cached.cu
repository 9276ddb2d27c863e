/* SPDX-License-Identifier: MIT
 *
 * Launches attention against a paged cache: which kernel, how large its tiles are, how many splits.
 */
#include "kernels/attention_cached.cuh"

extern "C" {
#include "kernels/attention.h"
}

enum { CUDA_CACHE_PAGE = 64 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Fills in span and splits for blocks that take `tiles` x slices x H_kv x B anyway; both depend on shapes and `longest` alone. */
template <class T> static int split_keys(cached_arguments<T> &a, int64_t longest, int64_t rows, int64_t B, int64_t H_kv, int blocks_each, struct kernel_error *e) {
  int64_t most = a.window > 0 ? least(longest, a.window + divide_up(rows, a.group) + a.keys) : longest; /* keys that a tile sees */
  int64_t have = a.tiles * a.slices * B * H_kv, want = divide_up((int64_t)blocks_each * cuda_device()->processors, have);
  int64_t splits = least(want, divide_up(most, 2 * a.keys));
  int64_t span = divide_up(divide_up(most, splits), a.keys) * a.keys;
  a.span = (int)least(span, 1 << 30), a.splits = (int)divide_up(most, span);
  if (a.splits == 1) return 0;
  size_t units = (size_t)(B * a.T_new * a.H * a.splits), values = (units * (size_t)a.D_v * sizeof(float) + 255) / 256 * 256;
  char *space = (char *)cuda_workspace(values + units * 2 * sizeof(float), e);
  if (!space) return -1;
  a.values = (float *)space, a.statistics = (float *)(space + values);
  return 0;
}

template <class T> static int launch_plain(cached_arguments<T> &a, int64_t longest, const struct attention_shape *s, struct kernel_error *e) {
  size_t shared = (size_t)(s->D + s->D_v) * CACHED_WARPS * sizeof(float);
  if (shared > cuda_device()->shared_bytes)
    return kernel_fail(e, "attention_cached: heads of %lld and %lld, at most %lld together", (long long)s->D, (long long)s->D_v,
                       (long long)(cuda_device()->shared_bytes / (CACHED_WARPS * sizeof(float))));
  a.keys = 16, a.tiles = (int)divide_up(s->T * a.group, CACHED_WARPS), a.slices = 1;
  if (split_keys(a, longest, CACHED_WARPS, s->B, s->H_kv, 8, e) != 0) return -1;
  CUDA_LAUNCH(attention_cached_kernel<T>, dim3((unsigned)(a.tiles * a.splits), (unsigned)s->H_kv, (unsigned)s->B), CACHED_WARPS * 32, shared, cuda_stream(), a);
  return 0;
}

template <int MT, int NV> static void launch_mma(const cached_arguments<bf16> &a, int warps, size_t shared, const struct attention_shape *s) {
  CUDA_LAUNCH((attention_cached_mma_kernel<MT, NV>), dim3((unsigned)(a.tiles * a.slices * a.splits), (unsigned)s->H_kv, (unsigned)s->B), warps * 32, shared, cuda_stream(), a);
}

static int launch(cached_arguments<bf16> &a, int64_t longest, const struct attention_shape *s, struct kernel_error *e) {
  int64_t rows = s->T * a.group;
  int warps = s->D_v <= 256 ? 4 : 8, nv = s->D_v <= 64 ? 2 : s->D_v <= 128 ? 4 : 8, columns = nv * 8 * warps;
  a.slices = (int)divide_up(s->D_v, columns);
  a.aligned = aligned_16({a.q, a.k, a.v}) && ((s->D | a.D_v | a.head_v | a.ld_q | a.ld_k | a.ld_v) & 7) == 0;
  a.same = a.v == a.k && a.ld_v == a.ld_k && (s->H_kv == 1 || s->head_v == s->D) && a.slices == 1 && columns <= divide_up(s->D, 16) * 16;
  /* The largest tiles that fit; of rows first, as they save reading keys. */
  for (int m = rows > 16 ? 4 : 1; m >= 1; m -= 3)
    for (a.keys = 64; a.keys >= 16; a.keys /= 2) {
      size_t shared = (size_t)cached_shared(m * 16, a.keys, a.D, columns, a.same).bytes;
      if (shared > cuda_device()->shared_bytes) continue;
      a.tiles = (int)divide_up(rows, m * 16);
      if (split_keys(a, longest, m * 16, s->B, s->H_kv, shared < 76 * 1024 ? 3 : shared < 113 * 1024 ? 2 : 1, e) != 0) return -1;
      if (m == 4) nv == 2 ? launch_mma<4, 2>(a, warps, shared, s) : nv == 4 ? launch_mma<4, 4>(a, warps, shared, s) : launch_mma<4, 8>(a, warps, shared, s);
      else nv == 2 ? launch_mma<1, 2>(a, warps, shared, s) : nv == 4 ? launch_mma<1, 4>(a, warps, shared, s) : launch_mma<1, 8>(a, warps, shared, s);
      return 0;
    }
  return launch_plain(a, longest, s, e);
}
static int launch(cached_arguments<float> &a, int64_t longest, const struct attention_shape *s, struct kernel_error *e) { return launch_plain(a, longest, s, e); }

template <class T>
static int attention_cached(stored *out, const stored *q, const stored *k_cache, const stored *v_cache, const struct cache_pages *pages, const int64_t *past,
                            int64_t longest, const struct attention_shape *s, struct kernel_error *e) {
  if (attention_check(s, e) != 0) return -1;
  if (s->B > 65535 || s->H_kv > 65535 || longest > (1 << 30) || s->D > (1 << 20) || s->D_v > (1 << 20) || s->T * s->H > (1 << 30))
    return kernel_fail(e, "attention_cached: %lld sequences, %lld key heads, %lld positions, heads of %lld and %lld, %lld new rows: too large",
                       (long long)s->B, (long long)s->H_kv, (long long)longest, (long long)s->D, (long long)s->D_v, (long long)(s->T * s->H));
  if (s->B == 0 || s->T == 0 || s->H == 0) return 0;
  cached_arguments<T> a = {};
  a.out = elements<T>(out), a.q = elements<T>(q), a.k = elements<T>(k_cache), a.v = elements<T>(v_cache);
  a.table = pages->table, a.pages = pages->pages, a.page = (int)pages->page, a.past = past;
  a.T_new = s->T, a.ld_q = s->ld_q, a.ld_k = s->ld_k, a.ld_v = s->ld_v, a.ld_out = s->ld_out, a.head_v = s->head_v, a.window = s->window;
  a.H = (int)s->H, a.group = (int)(s->H / s->H_kv), a.D = (int)s->D, a.D_v = (int)s->D_v;
  a.scale = s->scale * 1.4426950408889634f; /* exponentials are powers of 2 */
  if (launch(a, longest, s, e) != 0 || launched("attention_cached", e) != 0) return -1;
  if (a.splits > 1) CUDA_LAUNCH(attention_cached_combine_kernel<T>, (unsigned)(s->B * s->T * s->H), 128, 0, cuda_stream(), a);
  return launched("attention_cached", e);
}

template <class T> static void fill(struct backend *b) {
  b->cache_page = CUDA_CACHE_PAGE;
  b->attention_cached = attention_cached<T>;
}

extern "C" void attention_cached_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
