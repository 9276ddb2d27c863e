/* SPDX-License-Identifier: MIT
 *
 * cuBLASLt and cuSOLVER, opened with dlopen(), the first with the device, the other when an op first needs it: programs start
 * without loading hundreds of megabytes, and run on machines without the toolkit.  Each library is a struct of its functions under
 * their own names:
 *
 *   const struct cusolver_library *l = cusolver_library(e);
 *   if (!l) return -1;
 *   cusolverStatus_t r = l->cusolverDnSetStream(handle, cuda_stream());
 *   if (r != CUSOLVER_STATUS_SUCCESS) return cusolver_failed(e, "soap", r);
 *
 * For the emulator the same names come from cublas_cpu.h and cusolver_cpu.h: on the CPU, and strict about what
 * the real libraries refuse.  Their work is queued on the stream as the real one's is, so it can be recorded.
 * Nothing of these libraries is created, and no plan is made, while a graph is recorded: the pass before did it.
 */
#ifndef KERNELS_CUDA_LIBRARIES_H
#define KERNELS_CUDA_LIBRARIES_H

#include "kernels/cuda.h"

#ifdef __CUDACC__
#include <cublasLt.h>
#include <cusolverDn.h>
#else
#include "kernels/cublas_cpu.h"
#include "kernels/cusolver_cpu.h"
#endif

#define CUBLASLT_FUNCTIONS(F)                                                                                          \
  F(cublasLtCreate) F(cublasLtMatmulDescCreate) F(cublasLtMatmulDescSetAttribute) F(cublasLtMatmulDescDestroy)         \
  F(cublasLtMatrixLayoutCreate) F(cublasLtMatrixLayoutDestroy) F(cublasLtMatmulPreferenceCreate)                       \
  F(cublasLtMatmulPreferenceSetAttribute) F(cublasLtMatmulPreferenceDestroy) F(cublasLtMatmulAlgoGetHeuristic)         \
  F(cublasLtMatmul) F(cublasLtGetVersion)

#define CUSOLVER_FUNCTIONS(F)                                                                                          \
  F(cusolverDnCreate) F(cusolverDnDestroy) F(cusolverDnSetStream) F(cusolverDnSsyevd_bufferSize) F(cusolverDnSsyevd)   \
  F(cusolverDnSgeqrf_bufferSize) F(cusolverDnSgeqrf) F(cusolverDnSorgqr_bufferSize) F(cusolverDnSorgqr)

#define CUDA_LIBRARY_MEMBER(name) decltype(&::name) name;
struct cublaslt_library {
  CUBLASLT_FUNCTIONS(CUDA_LIBRARY_MEMBER)
};
struct cusolver_library {
  CUSOLVER_FUNCTIONS(CUDA_LIBRARY_MEMBER)
};
#undef CUDA_LIBRARY_MEMBER

/* NULL, with the file that was sought and the package that has it, where the library is missing or too old */
const struct cublaslt_library *cublaslt_library(struct kernel_error *e);
const struct cusolver_library *cusolver_library(struct kernel_error *e);

/* -1, with the status by name */
int cublas_failed(struct kernel_error *e, const char *op, cublasStatus_t status);
int cusolver_failed(struct kernel_error *e, const char *op, cusolverStatus_t status);

#endif
