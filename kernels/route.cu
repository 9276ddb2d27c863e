/* SPDX-License-Identifier: MIT
 *
 * Launches routing.
 */
#include "kernels/cuda.h"
#include "kernels/route.cuh"
#include "kernels/sort.h"

extern "C" {
#include "kernels/route.h"
}

static int check(const struct route_shape *s, struct kernel_error *e) {
  if (route_check(s, e) != 0) return -1;
  return s->experts <= INT32_MAX / 2 ? 0 : kernel_fail(e, "route: %lld experts, at most %d on the GPU", (long long)s->experts, INT32_MAX / 2);
}

static unsigned blocks_for(int64_t rows) { return (unsigned)divide_up(rows, ROUTE_WARPS); }

template <class T>
static int forward(stored *weights, real *scores, const struct route *route, const stored *logits, const real *bias, const struct route_shape *s, struct kernel_error *e) {
  if (check(s, e) != 0) return -1;
  bool shared = s->experts <= ROUTE_SHARED_KEYS;
  if (s->rows > 0)
    CUDA_LAUNCH((route_rows_kernel<T>), blocks_for(s->rows), ROUTE_THREADS, shared ? (size_t)(ROUTE_WARPS * s->experts) * sizeof(float) : 0, cuda_stream(), elements<T>(weights), scores,
                route->chosen, elements<T>(logits), bias, *s, shared);
  if (launched("route_forward", e) != 0) return -1;
  int64_t choices = s->rows * s->top;
  struct sorted_keys to = {};
  to.order = route->sources, to.places = route->slots, to.starts = route->starts, to.group = (int32_t)s->top;
  void *workspace = cuda_workspace(sort_workspace(choices, s->experts), e);
  return workspace ? sort_keys(&to, route->chosen, choices, s->experts, workspace, e) : -1;
}

template <class T>
static int backward(stored *d_logits, const stored *d_weights, const stored *weights, const real *scores, const struct route *route, real balance, const struct route_shape *s,
                    struct kernel_error *e) {
  if (check(s, e) != 0) return -1;
  if (s->rows == 0) return 0;
  if (sizeof(T) != sizeof(real) && (const void *)d_logits == (const void *)scores) return kernel_fail(e, "route_backward: d_logits of %d bytes cannot lie over scores", (int)sizeof(T));
  CUDA_LAUNCH((route_backward_kernel<T>), blocks_for(s->rows), ROUTE_THREADS, 0, cuda_stream(), elements<T>(d_logits), elements<T>(d_weights), elements<T>(weights), scores, route->chosen,
              route->starts, balance, *s);
  return launched("route_backward", e);
}

static int count(real *counts, const int32_t *starts, int64_t experts, struct kernel_error *e) {
  if (experts <= 0) return 0;
  CUDA_LAUNCH(route_count_kernel, (unsigned)divide_up(experts, ROUTE_THREADS), ROUTE_THREADS, 0, cuda_stream(), counts, starts, experts);
  return launched("route_count", e);
}

template <class T> static void fill(struct backend *b) {
  b->route_forward = forward<T>;
  b->route_backward = backward<T>;
  b->route_count = count;
}

extern "C" void route_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
