/* SPDX-License-Identifier: MIT
 *
 * Launches the grouped products of experts.  Stored as bfloat16 they are products of bfloat16 whatever type is asked for: more
 * exact than FP8, and FP32 has no more than its operands hold.
 */
#include "kernels/cuda.h"
#include "kernels/experts.cuh"

template <experts_kind KIND> static int multiply(bf16 *, enum matmul_type, const struct experts_product *p, unsigned blocks, struct kernel_error *e) {
  const size_t shared = 2 * EXPERTS_STAGES * EXPERTS_TILE * EXPERTS_DEPTH * sizeof(bf16);
  if (p->in % 8 == 0 && p->out % 8 == 0 && (p->experts == 1 || p->stride % 8 == 0) && aligned_16({p->a, p->b, p->c}))
    CUDA_LAUNCH((experts_bf16_kernel<KIND, true>), blocks, EXPERTS_THREADS, shared, cuda_stream(), *p);
  else
    CUDA_LAUNCH((experts_bf16_kernel<KIND, false>), blocks, EXPERTS_THREADS, shared, cuda_stream(), *p);
  return launched("experts", e);
}

template <experts_kind KIND> static int multiply(float *, enum matmul_type type, const struct experts_product *p, unsigned blocks, struct kernel_error *e) {
  if (type == MATMUL_FP32) CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_FP32, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  else if (type == MATMUL_TF32) CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_TF32, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  else CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_BF16, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  return launched("experts", e);
}

template <class T, experts_kind KIND> static int run(enum matmul_type type, const struct experts_product *p, struct kernel_error *e) {
  int64_t columns = divide_up(KIND == EXPERTS_FORWARD ? p->out : p->in, EXPERTS_TILE), rows = KIND == EXPERTS_WEIGHT ? divide_up(p->out, EXPERTS_TILE) * p->experts : p->rows / EXPERTS_TILE + p->experts;
  if (rows > INT32_MAX / columns) return kernel_fail(e, "experts: %lld x %lld tiles are more than a grid has", (long long)rows, (long long)columns);
  return multiply<KIND>((T *)NULL, type, p, (unsigned)(rows * columns), e);
}

static int check(int64_t experts, int64_t slots, int64_t out, int64_t in, int64_t stride, struct kernel_error *e) {
  if (experts < 0 || experts > INT32_MAX / 2 || slots < 0 || slots > INT32_MAX || out < 0 || in < 0 || (experts > 1 && stride < out * in))
    return kernel_fail(e, "experts: %lld of %lld x %lld, %lld elements apart, %lld slots", (long long)experts, (long long)out, (long long)in, (long long)stride, (long long)slots);
  return 0;
}

template <class T>
static int forward(enum matmul_type type, stored *y, const stored *x, const stored *w, int64_t stride, const int32_t *starts, int64_t experts, int64_t slots, int64_t out, int64_t in,
                   struct kernel_error *e) {
  if (check(experts, slots, out, in, stride, e) != 0) return -1;
  if (experts == 0 || slots == 0 || out == 0 || in == 0) return 0;
  struct experts_product p = {x, w, y, starts, slots, out, in, stride, (int)experts, false};
  return run<T, EXPERTS_FORWARD>(type, &p, e);
}

template <class T>
static int backward(enum matmul_type type, stored *dx, real *dw, const stored *dy, const stored *x, const stored *w, int64_t stride, const int32_t *starts, int64_t experts,
                    int64_t slots, int64_t out, int64_t in, struct kernel_error *e) {
  if (check(experts, slots, out, in, stride, e) != 0) return -1;
  if (experts == 0 || slots == 0 || out == 0 || in == 0) return 0;
  struct experts_product input = {dy, w, dx, starts, slots, out, in, stride, (int)experts, false}, weight = {dy, x, dw, starts, slots, out, in, stride, (int)experts, true};
  if (dx && run<T, EXPERTS_INPUT>(type, &input, e) != 0) return -1;
  return dw ? run<T, EXPERTS_WEIGHT>(type, &weight, e) : 0;
}

template <class T> static void fill(struct backend *b) {
  b->experts_forward = forward<T>;
  b->experts_backward = backward<T>;
}

extern "C" void experts_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
