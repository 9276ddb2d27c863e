/* SPDX-License-Identifier: MIT */
#include "kernels/cuda_libraries.h"

#include "kernels/cuda_loader.h"

#ifdef __CUDACC__

/* The toolkit's major version tells that of the library; its folder is where a toolkit is usually installed. */
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define TOOLKIT "/usr/local/cuda/lib64/"
#if CUDART_VERSION >= 13000
#define CUDA_MAJOR "13"
#else
#define CUDA_MAJOR "12"
#endif
#define CUBLASLT_FILE "libcublasLt.so." CUDA_MAJOR
#define CUSOLVER_FILE "libcusolver.so." TEXT(CUSOLVER_VER_MAJOR)

#define FIND(name)                                                                                                     \
  if (loader_find(library, reinterpret_cast<void **>(&functions.name), #name, file, CUDART_VERSION / 1000, e) != 0) return NULL;
#define LIBRARY(stem, FUNCTIONS, FILE_NAME, PACKAGE)                                                                   \
  const struct stem *stem(struct kernel_error *e) {                                                                    \
    static struct stem functions;                                                                                      \
    static void *library;                                                                                              \
    static bool complete;                                                                                              \
    static const char file[] = FILE_NAME;                                                                              \
    static const char *const names[] = {FILE_NAME, TOOLKIT FILE_NAME};                                                 \
    if (complete) return &functions;                                                                                   \
    if (loader_open(&library, names, 2, PACKAGE, e) != 0) return NULL;                                                \
    FUNCTIONS(FIND)                                                                                                    \
    complete = true;                                                                                                   \
    return &functions;                                                                                                 \
  }
LIBRARY(cublaslt_library, CUBLASLT_FUNCTIONS, CUBLASLT_FILE, "libcublas-" CUDA_MAJOR "-0")
LIBRARY(cusolver_library, CUSOLVER_FUNCTIONS, CUSOLVER_FILE, "libcusolver-" CUDA_MAJOR "-0")

#else /* the emulator: the functions of *_cpu.h; CUDA_CPU_MISSING=cublaslt_library: as if that were not installed */

#include <stdlib.h>

static bool missing(const char *stem, struct kernel_error *e) {
  const char *which = getenv("CUDA_CPU_MISSING"), *const names[] = {"libemulated-missing.so.13"};
  void *library = NULL;
  return which && strcmp(which, stem) == 0 && loader_open(&library, names, 1, "emulated-missing-13-0", e) < 0;
}

#define MEMBER(name) &::name,
#define LIBRARY(stem, FUNCTIONS)                                                                                       \
  const struct stem *stem(struct kernel_error *e) {                                                                    \
    static const struct stem functions = {FUNCTIONS(MEMBER)};                                                          \
    return missing(#stem, e) ? NULL : &functions;                                                                      \
  }
LIBRARY(cublaslt_library, CUBLASLT_FUNCTIONS)
LIBRARY(cusolver_library, CUSOLVER_FUNCTIONS)

#endif

/* The names in cublas_api.h and cusolver_common.h. */
struct status_name {
  int status;
  const char *name, *advice;
};

template <size_t N> static int status_failed(struct kernel_error *e, const char *op, const char *library, int status, const status_name (&names)[N]) {
  for (const status_name &n : names)
    if (n.status == status) return kernel_fail(e, "%s: %s: %s%s", op, library, n.name, n.advice);
  return kernel_fail(e, "%s: %s: status %d", op, library, status);
}

#define OUT_OF_MEMORY ": no device memory is left for the library: lower the batch (--batch, --accumulate)"
#define NO_KERNEL ": the library has no kernels for this GPU: install one as new as the GPU"

int cublas_failed(struct kernel_error *e, const char *op, cublasStatus_t status) {
  static const status_name names[] = {
      {CUBLAS_STATUS_NOT_INITIALIZED, "NOT_INITIALIZED", ": no GPU, or no memory left on it"},
      {CUBLAS_STATUS_ALLOC_FAILED, "ALLOC_FAILED", OUT_OF_MEMORY},
      {CUBLAS_STATUS_INVALID_VALUE, "INVALID_VALUE", ""},
      {CUBLAS_STATUS_ARCH_MISMATCH, "ARCH_MISMATCH", NO_KERNEL},
      {CUBLAS_STATUS_MAPPING_ERROR, "MAPPING_ERROR", ""},
      {CUBLAS_STATUS_EXECUTION_FAILED, "EXECUTION_FAILED", ": a kernel before this one may have failed: CUDA_LAUNCH_BLOCKING=1 tells which"},
      {CUBLAS_STATUS_INTERNAL_ERROR, "INTERNAL_ERROR", ""},
      {CUBLAS_STATUS_NOT_SUPPORTED, "NOT_SUPPORTED", ": not this type, layout or alignment on this GPU"},
  };
  return status_failed(e, op, "cuBLASLt", (int)status, names);
}

int cusolver_failed(struct kernel_error *e, const char *op, cusolverStatus_t status) {
  static const status_name names[] = {
      {CUSOLVER_STATUS_NOT_INITIALIZED, "NOT_INITIALIZED", ": no GPU, or no memory left on it"},
      {CUSOLVER_STATUS_ALLOC_FAILED, "ALLOC_FAILED", OUT_OF_MEMORY},
      {CUSOLVER_STATUS_INVALID_VALUE, "INVALID_VALUE", ""},
      {CUSOLVER_STATUS_ARCH_MISMATCH, "ARCH_MISMATCH", NO_KERNEL},
      {CUSOLVER_STATUS_EXECUTION_FAILED, "EXECUTION_FAILED", ": a kernel before this one may have failed: CUDA_LAUNCH_BLOCKING=1 tells which"},
      {CUSOLVER_STATUS_INTERNAL_ERROR, "INTERNAL_ERROR", ""},
      {CUSOLVER_STATUS_NOT_SUPPORTED, "NOT_SUPPORTED", ""},
  };
  return status_failed(e, op, "cuSOLVER", (int)status, names);
}
