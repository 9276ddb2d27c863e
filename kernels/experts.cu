/* SPDX-License-Identifier: MIT
 *
 * Launches the grouped products of experts.  Stored as bfloat16 they are products of bfloat16 whatever type is asked for: more
 * exact than FP8, and FP32 has no more than its operands hold.
 */
#include "kernels/cuda.h"
#include "kernels/experts.cuh"

/* The grid of tiles of rows x columns; 0, with the reason, where it is too large. */
static unsigned tiles_of(experts_kind kind, const struct experts_product *p, int64_t rows, int64_t columns, struct kernel_error *e) {
  int64_t across = divide_up(kind == EXPERTS_FORWARD ? p->out : p->in, columns), down = kind == EXPERTS_WEIGHT ? divide_up(p->out, rows) * p->experts : p->batch ? divide_up(p->rows, rows) * p->experts : p->rows / rows + p->experts;
  if (down <= INT32_MAX / across) return (unsigned)(down * across);
  kernel_fail(e, "experts: %lld x %lld tiles are more than a grid has", (long long)down, (long long)across);
  return 0;
}

template <experts_kind KIND, bool ALIGNED, int ROWS> static int multiply_tiles(const struct experts_product *p, struct kernel_error *e) {
  const size_t shared = EXPERTS_STAGES * (ROWS + EXPERTS_TILE) * EXPERTS_DEPTH * sizeof(bf16);
  unsigned blocks = tiles_of(KIND, p, ROWS, EXPERTS_TILE, e);
  if (blocks == 0) return -1;
  CUDA_LAUNCH((experts_bf16_kernel<KIND, ALIGNED, ROWS>), blocks, EXPERTS_THREADS, shared, cuda_stream(), *p);
  return launched("experts", e);
}

template <experts_kind KIND> static int multiply(bf16 *, enum matmul_type, const struct experts_product *p, struct kernel_error *e) {
  bool aligned = (p->in | p->out | p->ld_a | p->ld_b | p->ld_c) % 8 == 0 && (p->experts == 1 || (p->stride | p->stride_a | p->stride_c) % 8 == 0) && aligned_16({p->a, p->b, p->c});
  int64_t rows = p->batch ? p->rows : p->rows / p->experts; /* of an expert */
  const int FEW = KIND == EXPERTS_WEIGHT ? EXPERTS_TILE : EXPERTS_FEW_ROWS;
  if (!aligned) return multiply_tiles<KIND, false, FEW>(p, e);
  if (rows <= EXPERTS_FEW_ROWS) return multiply_tiles<KIND, true, FEW>(p, e);
  return multiply_tiles<KIND, true, EXPERTS_TILE>(p, e);
}

template <experts_kind KIND> static int multiply(float *, enum matmul_type type, const struct experts_product *p, struct kernel_error *e) {
  unsigned blocks = tiles_of(KIND, p, EXPERTS_TILE, EXPERTS_TILE, e);
  if (blocks == 0) return -1;
  if (type == MATMUL_FP32) CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_FP32, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  else if (type == MATMUL_TF32) CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_TF32, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  else CUDA_LAUNCH((experts_float_kernel<KIND, EXPERTS_BF16, 8>), blocks, EXPERTS_FLOAT_THREADS, 0, cuda_stream(), *p);
  return launched("experts", e);
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
  struct experts_product p = experts_product_of(EXPERTS_FORWARD, x, w, y, starts, slots, out, in, stride, (int)experts, false);
  return multiply<EXPERTS_FORWARD>((T *)NULL, type, &p, e);
}

template <class T>
static int backward(enum matmul_type type, stored *dx, real *dw, const stored *dy, const stored *x, const stored *w, int64_t stride, const int32_t *starts, int64_t experts,
                    int64_t slots, int64_t out, int64_t in, struct kernel_error *e) {
  if (check(experts, slots, out, in, stride, e) != 0) return -1;
  if (experts == 0 || slots == 0 || out == 0 || in == 0) return 0;
  struct experts_product input = experts_product_of(EXPERTS_INPUT, dy, w, dx, starts, slots, out, in, stride, (int)experts, false);
  struct experts_product weight = experts_product_of(EXPERTS_WEIGHT, dy, x, dw, starts, slots, out, in, stride, (int)experts, true);
  if (dx && multiply<EXPERTS_INPUT>((T *)NULL, type, &input, e) != 0) return -1;
  return dw ? multiply<EXPERTS_WEIGHT>((T *)NULL, type, &weight, e) : 0;
}

template <class T> static int batched(enum matmul_type type, stored *c, const stored *a, const stored *b, const struct batch_shape *s, struct kernel_error *e) {
  int64_t out = s->transpose_b ? s->N : s->K, in = s->transpose_b ? s->K : s->N;
  if (s->count < 0 || s->count > INT32_MAX / 2 || s->M < 0 || s->N < 0 || s->K < 0 || s->ld_a < s->K || s->ld_b < in || s->ld_c < s->N)
    return kernel_fail(e, "matmul_batched: %lld of %lld x %lld x %lld, rows %lld, %lld, %lld elements apart", (long long)s->count, (long long)s->M, (long long)s->N, (long long)s->K, (long long)s->ld_a,
                       (long long)s->ld_b, (long long)s->ld_c);
  if (s->count == 0 || s->M == 0 || s->N == 0) return 0;
  struct experts_product p = {a, b, c, NULL, s->M, out, in, s->stride_b, (int)s->count, false, true, s->ld_a, s->ld_b, s->ld_c, s->stride_a, s->stride_c};
  return s->transpose_b ? multiply<EXPERTS_FORWARD>((T *)NULL, type, &p, e) : multiply<EXPERTS_INPUT>((T *)NULL, type, &p, e);
}

template <class T> static void fill(struct backend *b) {
  b->matmul_batched = batched<T>;
  b->experts_forward = forward<T>;
  b->experts_backward = backward<T>;
}

extern "C" void experts_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
