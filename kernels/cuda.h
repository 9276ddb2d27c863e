/* SPDX-License-Identifier: MIT
 *
 * What the CUDA ops share on the host side, in C++ compiled by nvcc for the GPU, or by g++ for the emulator (cuda_cpu.h).
 *
 * An op's .cu holds the functions of struct backend as templates over T, the type of stored elements (float, bf16), and
 * ends with one exported function that puts them into a table:
 *
 *   template <class T> static int norm(stored *y, ..., struct kernel_error *e) { T *to = elements<T>(y); ... return launched("norm", e); }
 *   template <class T> static void fill(struct backend *b) { b->norm = norm<T>; }
 *   extern "C" void norm_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
 *
 * backend_cuda.cu calls them all (CUDA_OPS) and owns what is declared here.
 */
#ifndef KERNELS_CUDA_H
#define KERNELS_CUDA_H

#include <stdio.h>

#include "kernels/cuda_cpu.h"

extern "C" {
#include "kernels/backend.h"
}

struct cuda_device {
  int number, processors; /* multiprocessors */
  int capability;         /* 80, 90, 100 */
  size_t shared_bytes;    /* of shared memory a block may ask for */
  char name[128];
};
const struct cuda_device *cuda_device();

cudaStream_t cuda_stream(); /* where ops are queued */

/* Scratch memory on the device, 256-byte aligned, not cleared, for the op that asks and until the next op asks: two uses in
 * one op are two parts of one request.  It only grows, and never while a graph is recorded (the pass before made it large
 * enough).  NULL with the reason in *e. */
void *cuda_workspace(size_t bytes, struct kernel_error *e);

int cuda_failed(struct kernel_error *e, const char *op, cudaError_t error); /* -1, with the error's name, what it means and what to do */
/* After CUDA_LAUNCH: 0, or -1 with the op and the caller's file and line */
static inline int launched(const char *op, struct kernel_error *e, const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
  cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return 0;
  char where[160];
  snprintf(where, sizeof where, "%s at %s:%d", op, file, line);
  return cuda_failed(e, where, error);
}

template <class T> static inline T *elements(stored *p) { return reinterpret_cast<T *>(p); }
template <class T> static inline const T *elements(const stored *p) { return reinterpret_cast<const T *>(p); }

static inline bool aligned_16(std::initializer_list<const void *> pointers) {
  uintptr_t all = 0;
  for (const void *p : pointers) all |= (uintptr_t)p;
  return all % 16 == 0;
}

static inline int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

/* The stems with a .cu file. */
#define CUDA_OPS(STEM)                                                                                                 \
  STEM(activation) STEM(attention) STEM(attention_cached) STEM(convolution) STEM(cross_entropy) STEM(dispatch)         \
  STEM(elementwise) STEM(embedding) STEM(experts) STEM(filter) STEM(join_keys) STEM(layernorm) STEM(matmul) STEM(muon) \
  STEM(optimizer) STEM(position) STEM(quantized) STEM(rmsnorm) STEM(rope) STEM(route) STEM(sampling) STEM(soap)

#define CUDA_OP_DECLARED(stem) void stem##_cuda(struct backend *b, bool half);
extern "C" {
CUDA_OPS(CUDA_OP_DECLARED)
}
#undef CUDA_OP_DECLARED

#endif
