/* SPDX-License-Identifier: MIT
 *
 * Launches RMSNorm's kernels.  nvcc builds this file for the GPU; the emulator test includes it.
 */
#include "kernels/rmsnorm.cuh"

extern "C" {
#include "kernels/rmsnorm_cuda.h"
}

enum { RMSNORM_MOST_COLUMNS = 12288 }; /* 48 KB of shared memory, which every GPU gives without asking */

static int64_t rmsnorm_pieces(int64_t rows) { return rows < RMSNORM_MOST_PIECES ? rows : (int64_t)RMSNORM_MOST_PIECES; }

static bool rmsnorm_aligned(const void *a, const void *b, const void *c, const void *d) {
  return (((uintptr_t)a | (uintptr_t)b | (uintptr_t)c | (uintptr_t)d) & 15) == 0;
}

static int rmsnorm_launched(struct kernel_error *e) {
  cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? 0 : kernel_fail(e, "rmsnorm: %s", cudaGetErrorString(error));
}

static int rmsnorm_check(int64_t C, struct kernel_error *e) {
  return C <= RMSNORM_MOST_COLUMNS ? 0 : kernel_fail(e, "rmsnorm: %lld columns, at most %d on the GPU", (long long)C, RMSNORM_MOST_COLUMNS);
}

template <class T>
static int rmsnorm_forward_launch(T *y, float *rstd, const T *x, const T *weight, int64_t rows, int64_t C, float eps,
                                  void *stream, struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  if (rmsnorm_check(C, e) != 0) return -1;
  unsigned blocks = (unsigned)((rows + RMSNORM_THREADS / 32 - 1) / (RMSNORM_THREADS / 32));
  if (C % N == 0 && rmsnorm_aligned(y, x, weight, weight))
    CUDA_LAUNCH((rmsnorm_forward_kernel<T, N>), blocks, RMSNORM_THREADS, 0, (cudaStream_t)stream, y, rstd, x, weight, rows, (int)C, eps);
  else
    CUDA_LAUNCH((rmsnorm_forward_kernel<T, 1>), blocks, RMSNORM_THREADS, 0, (cudaStream_t)stream, y, rstd, x, weight, rows, (int)C, eps);
  return rmsnorm_launched(e);
}

template <class T>
static int rmsnorm_backward_launch(T *dx, float *d_weight, const T *dy, const T *x, const T *weight, const float *rstd,
                                   int64_t rows, int64_t C, bool accumulate, void *workspace, void *stream,
                                   struct kernel_error *e) {
  const int N = 16 / sizeof(T);
  if (rows == 0 || C == 0) return 0;
  if (rmsnorm_check(C, e) != 0) return -1;
  float *partial = (float *)workspace;
  unsigned pieces = (unsigned)rmsnorm_pieces(rows);
  size_t shared = (size_t)C * sizeof(float);
  if (C % N == 0 && rmsnorm_aligned(dx, dy, x, weight))
    CUDA_LAUNCH((rmsnorm_backward_kernel<T, N>), pieces, RMSNORM_THREADS, shared, (cudaStream_t)stream, dx, partial, dy, x, weight, rstd, rows, (int)C, accumulate);
  else
    CUDA_LAUNCH((rmsnorm_backward_kernel<T, 1>), pieces, RMSNORM_THREADS, shared, (cudaStream_t)stream, dx, partial, dy, x, weight, rstd, rows, (int)C, accumulate);
  if (rmsnorm_launched(e) != 0) return -1;
  CUDA_LAUNCH(rmsnorm_reduce_kernel, (unsigned)((C + RMSNORM_COLUMNS - 1) / RMSNORM_COLUMNS), dim3(RMSNORM_COLUMNS, RMSNORM_PARTS), 0,
              (cudaStream_t)stream, d_weight, partial, (int)pieces, (int)C);
  return rmsnorm_launched(e);
}

extern "C" {

size_t rmsnorm_cuda_workspace(int64_t rows, int64_t C) { return (size_t)(rmsnorm_pieces(rows) * C) * sizeof(float); }

int rmsnorm_cuda_forward_f32(float *y, float *rstd, const float *x, const float *weight, int64_t rows, int64_t C, float eps,
                             void *stream, struct kernel_error *e) {
  return rmsnorm_forward_launch(y, rstd, x, weight, rows, C, eps, stream, e);
}

int rmsnorm_cuda_forward_bf16(uint16_t *y, float *rstd, const uint16_t *x, const uint16_t *weight, int64_t rows, int64_t C,
                              float eps, void *stream, struct kernel_error *e) {
  return rmsnorm_forward_launch((bf16 *)y, rstd, (const bf16 *)x, (const bf16 *)weight, rows, C, eps, stream, e);
}

int rmsnorm_cuda_backward_f32(float *dx, float *d_weight, const float *dy, const float *x, const float *weight,
                              const float *rstd, int64_t rows, int64_t C, bool accumulate, void *workspace, void *stream,
                              struct kernel_error *e) {
  return rmsnorm_backward_launch(dx, d_weight, dy, x, weight, rstd, rows, C, accumulate, workspace, stream, e);
}

int rmsnorm_cuda_backward_bf16(uint16_t *dx, float *d_weight, const uint16_t *dy, const uint16_t *x, const uint16_t *weight,
                               const float *rstd, int64_t rows, int64_t C, bool accumulate, void *workspace, void *stream,
                               struct kernel_error *e) {
  return rmsnorm_backward_launch((bf16 *)dx, d_weight, (const bf16 *)dy, (const bf16 *)x, (const bf16 *)weight, rstd, rows, C,
                                 accumulate, workspace, stream, e);
}

} /* extern "C" */
