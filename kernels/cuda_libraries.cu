/* SPDX-License-Identifier: MIT */
#include "kernels/cuda_libraries.h"

#ifdef __CUDACC__

#include <dlfcn.h>
#include <stdlib.h>

/* `names` from the newest; *library keeps what was opened.  0 or -1. */
static int open_library(void **library, const char *const *names, int count, const char *package, struct kernel_error *e) {
  if (*library) return 0;
  char reason[120] = "";
  for (int i = 0; i < count && !*library; i++) {
    *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!*library && !reason[0]) snprintf(reason, sizeof reason, "%s", dlerror());
  }
  if (*library) return 0;
  return kernel_fail(e, "%s cannot be opened (%s): install the package %s, or put its folder into LD_LIBRARY_PATH", names[0], reason, package);
}

static int find_function(void *library, void **function, const char *name, const char *file, struct kernel_error *e) {
  *function = dlsym(library, name);
  return *function ? 0 : kernel_fail(e, "%s has no %s: install the one of CUDA %d", file, name, CUDART_VERSION / 1000);
}

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
#define CUFFT_FILE "libcufft.so." TEXT(CUFFT_VER_MAJOR)
#define CUSOLVER_FILE "libcusolver.so." TEXT(CUSOLVER_VER_MAJOR)

#define FIND(name)                                                                                                     \
  if (find_function(library, reinterpret_cast<void **>(&functions.name), #name, file, e) != 0) return NULL;
#define LIBRARY(stem, FUNCTIONS, FILE_NAME, PACKAGE)                                                                   \
  const struct stem *stem(struct kernel_error *e) {                                                                    \
    static struct stem functions;                                                                                      \
    static void *library;                                                                                              \
    static bool complete;                                                                                              \
    static const char file[] = FILE_NAME;                                                                              \
    static const char *const names[] = {FILE_NAME, TOOLKIT FILE_NAME};                                                 \
    if (complete) return &functions;                                                                                   \
    if (open_library(&library, names, 2, PACKAGE, e) != 0) return NULL;                                                \
    FUNCTIONS(FIND)                                                                                                    \
    complete = true;                                                                                                   \
    return &functions;                                                                                                 \
  }
LIBRARY(cublaslt_library, CUBLASLT_FUNCTIONS, CUBLASLT_FILE, "libcublas-" CUDA_MAJOR "-0")
LIBRARY(cufft_library, CUFFT_FUNCTIONS, CUFFT_FILE, "libcufft-" CUDA_MAJOR "-0")
LIBRARY(cusolver_library, CUSOLVER_FUNCTIONS, CUSOLVER_FILE, "libcusolver-" CUDA_MAJOR "-0")

#else /* the emulator: the functions of *_cpu.h */

#define MEMBER(name) &::name,
#define LIBRARY(stem, FUNCTIONS)                                                                                       \
  const struct stem *stem(struct kernel_error *) {                                                                     \
    static const struct stem functions = {FUNCTIONS(MEMBER)};                                                          \
    return &functions;                                                                                                 \
  }
LIBRARY(cublaslt_library, CUBLASLT_FUNCTIONS)
LIBRARY(cufft_library, CUFFT_FUNCTIONS)
LIBRARY(cusolver_library, CUSOLVER_FUNCTIONS)

#endif

/* The three libraries number alike what they say; these are the names in cublas_api.h, cufft.h and cusolver_common.h. */
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

int cufft_failed(struct kernel_error *e, const char *op, cufftResult status) {
  static const status_name names[] = {
      {CUFFT_INVALID_PLAN, "INVALID_PLAN", ""},
      {CUFFT_ALLOC_FAILED, "ALLOC_FAILED", OUT_OF_MEMORY},
      {CUFFT_INVALID_TYPE, "INVALID_TYPE", ""},
      {CUFFT_INVALID_VALUE, "INVALID_VALUE", ""},
      {CUFFT_INTERNAL_ERROR, "INTERNAL_ERROR", ""},
      {CUFFT_EXEC_FAILED, "EXEC_FAILED", ": a kernel before this one may have failed: CUDA_LAUNCH_BLOCKING=1 tells which"},
      {CUFFT_SETUP_FAILED, "SETUP_FAILED", ": a plan cannot be made while a graph is recorded"},
      {CUFFT_INVALID_SIZE, "INVALID_SIZE", ""},
      {CUFFT_UNALIGNED_DATA, "UNALIGNED_DATA", ""},
      {CUFFT_NO_WORKSPACE, "NO_WORKSPACE", ""},
      {CUFFT_NOT_SUPPORTED, "NOT_SUPPORTED", ""},
  };
  return status_failed(e, op, "cuFFT", (int)status, names);
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
