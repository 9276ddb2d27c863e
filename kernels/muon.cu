/* SPDX-License-Identifier: MIT */
#include "kernels/muon.cuh"

#include "kernels/gemm.cuh"

/* One step of Newton-Schulz from x to y, both [rows][columns]; A, B: [n][n], n the smaller side; room: of the products. */
template <class T> static int newton_schulz(T *y, const T *x, T *A, T *B, void *room, int64_t rows, int64_t columns, enum matmul_type type, struct kernel_error *e) {
  const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
  bool tall = rows > columns;
  int64_t n = tall ? columns : rows, longer = tall ? rows : columns;
  if (gemm<T>(type, tall, !tall, n, n, longer, 1, x, columns, x, columns, 0, (const T *)NULL, A, room, e) < 0) return -1;
  if (gemm<T>(type, false, false, n, n, n, c, A, n, A, n, b, A, B, room, e) < 0) return -1;
  return gemm<T>(type, false, false, rows, columns, n, 1, tall ? x : B, tall ? columns : n, tall ? B : x, tall ? n : columns, a, x, y, room, e);
}

/* N: elements a thread takes of every array */
template <class T, int N>
static int step(float *parameter, const float *gradient, float *momentum, int64_t rows, int64_t columns, const struct muon_settings *s, struct kernel_error *e) {
  int64_t count = rows * columns, n = rows < columns ? rows : columns;
  int pieces = squares_pieces(count, MUON_BLOCKS_EACH);
  size_t products = cuda_gemm_workspace(), matrix = workspace_part((size_t)count * sizeof(T)), square = workspace_part((size_t)(n * n) * sizeof(T)), sums = workspace_part((size_t)pieces * sizeof(double));
  char *room = (char *)cuda_workspace(products + 2 * matrix + 2 * square + sums + sizeof(float), e);
  if (!room) return -1;
  char *work = room + products;
  T *x = (T *)work, *y = (T *)(work + matrix), *A = (T *)(work + 2 * matrix), *B = (T *)(work + 2 * matrix + square);
  double *partial = (double *)(work + 2 * matrix + 2 * square);
  float *norm = (float *)(work + 2 * matrix + 2 * square + sums);

  muon_coefficients k;
  k.scale = (float)s->gradient_scale, k.momentum = (float)s->momentum, k.toward = (float)(1 - s->momentum);
  k.keep = (float)(1 - s->lr * s->weight_decay), k.rate = (float)(s->lr * s->adjust), k.nesterov = s->nesterov;
  unsigned blocks = (unsigned)divide_up(count, MUON_THREADS * N);
  CUDA_LAUNCH((muon_blend_kernel<T, N>), (unsigned)pieces, SQUARES_THREADS, 0, cuda_stream(), x, partial, gradient, momentum, count, k);
  if (launched("muon", e) < 0) return -1;
  CUDA_LAUNCH(muon_norm_kernel<T>, 1, SQUARES_THREADS, 0, cuda_stream(), norm, (const double *)partial, pieces);
  if (launched("muon", e) < 0) return -1;
  CUDA_LAUNCH((muon_divide_kernel<T, N>), blocks, MUON_THREADS, 0, cuda_stream(), x, (const float *)norm, count);
  if (launched("muon", e) < 0) return -1;
  for (int i = 0; i < s->steps; i++) {
    if (newton_schulz<T>(y, x, A, B, room, rows, columns, s->type, e) < 0) return -1;
    T *swap = x;
    x = y, y = swap;
  }
  CUDA_LAUNCH((muon_apply_kernel<T, N>), blocks, MUON_THREADS, 0, cuda_stream(), parameter, (const T *)x, count, k);
  return launched("muon", e);
}

static int muon(float *parameter, const float *gradient, float *momentum, int64_t rows, int64_t columns, const struct muon_settings *s, struct kernel_error *e) {
  if (rows < 0 || columns < 0 || s->steps < 0) return kernel_fail(e, "muon: a matrix of %lld x %lld, %d steps", (long long)rows, (long long)columns, s->steps);
  if (s->type == MATMUL_FP8) return kernel_fail(e, "muon: the products of Newton-Schulz are fp32, tf32 or bf16");
  if (rows == 0 || columns == 0) return 0;
  bool aligned = rows * columns % 4 == 0 && aligned_16({parameter, gradient, momentum});
  if (s->type == MATMUL_BF16) return (aligned ? step<bf16, 4> : step<bf16, 1>)(parameter, gradient, momentum, rows, columns, s, e);
  return (aligned ? step<float, 4> : step<float, 1>)(parameter, gradient, momentum, rows, columns, s, e);
}

extern "C" void muon_cuda(struct backend *b, bool) { b->muon = muon; }
