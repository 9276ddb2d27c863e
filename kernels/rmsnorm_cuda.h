/* SPDX-License-Identifier: MIT
 *
 * RMSNorm on device pointers, for C.  Contract: rmsnorm.h for one group a row and rows side by side (groups = 1,
 * ld_x = ld_y = C), in float or bfloat16 (passed as uint16_t); rstd and d_weight are float always.  workspace:
 * rmsnorm_cuda_workspace() bytes of device memory, overwritten.  stream: a cudaStream_t.
 * Returns 0, or -1 with the reason when C is too large (12,288 columns) or the launch was refused.  Work is queued, not waited for.
 */
#ifndef KERNELS_RMSNORM_CUDA_H
#define KERNELS_RMSNORM_CUDA_H

#include "kernels/backend.h"

size_t rmsnorm_cuda_workspace(int64_t rows, int64_t C);

int rmsnorm_cuda_forward_f32(float *y, float *rstd, const float *x, const float *weight, int64_t rows, int64_t C, float eps,
                             void *stream, struct kernel_error *e);
int rmsnorm_cuda_forward_bf16(uint16_t *y, float *rstd, const uint16_t *x, const uint16_t *weight, int64_t rows, int64_t C,
                              float eps, void *stream, struct kernel_error *e);
int rmsnorm_cuda_backward_f32(float *dx, float *d_weight, const float *dy, const float *x, const float *weight,
                              const float *rstd, int64_t rows, int64_t C, bool accumulate, void *workspace, void *stream,
                              struct kernel_error *e);
int rmsnorm_cuda_backward_bf16(uint16_t *dx, float *d_weight, const uint16_t *dy, const uint16_t *x, const uint16_t *weight,
                               const float *rstd, int64_t rows, int64_t C, bool accumulate, void *workspace, void *stream,
                               struct kernel_error *e);

#endif
