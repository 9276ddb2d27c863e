/* SPDX-License-Identifier: MIT
 *
 * The part of cuSOLVER that the ops use, for the emulator: LAPACK's routines of the same names.  Matrices are column-major.
 * The workspace is filled with NaN first; `info` and the results are written when the stream gets there, as on a GPU.
 */
#ifndef KERNELS_CUSOLVER_CPU_H
#define KERNELS_CUSOLVER_CPU_H

#include "kernels/cublas_cpu.h"
#include "kernels/cuda_runtime_cpu.h"

typedef enum {
  CUSOLVER_STATUS_SUCCESS = 0, CUSOLVER_STATUS_NOT_INITIALIZED = 1, CUSOLVER_STATUS_ALLOC_FAILED = 2, CUSOLVER_STATUS_INVALID_VALUE = 3,
  CUSOLVER_STATUS_ARCH_MISMATCH = 4, CUSOLVER_STATUS_MAPPING_ERROR = 5, CUSOLVER_STATUS_EXECUTION_FAILED = 6, CUSOLVER_STATUS_INTERNAL_ERROR = 7,
  CUSOLVER_STATUS_NOT_SUPPORTED = 9
} cusolverStatus_t;
typedef enum { CUSOLVER_EIG_MODE_NOVECTOR = 0, CUSOLVER_EIG_MODE_VECTOR = 1 } cusolverEigMode_t;
struct cusolverDnContext {
  cudaStream_t stream;
};
typedef struct cusolverDnContext *cusolverDnHandle_t;

extern "C" {
void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda, float *w, float *work, const int *lwork, int *iwork,
             const int *liwork, int *info);
void sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
void sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work, const int *lwork, int *info);
}

inline cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *h) {
  if (cuda_cpu::capturing()) return CUSOLVER_STATUS_ALLOC_FAILED;
  *h = new cusolverDnContext();
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t h) {
  delete h;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t h, cudaStream_t stream) {
  if (!h) return CUSOLVER_STATUS_NOT_INITIALIZED;
  h->stream = stream;
  return CUSOLVER_STATUS_SUCCESS;
}

inline cusolverStatus_t cusolverDnSsyevd_bufferSize(cusolverDnHandle_t h, cusolverEigMode_t, cublasFillMode_t, int n, const float *a, int lda,
                                                    const float *w, int *lwork) {
  if (!h) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (n < 0 || lda < n || lda < 1 || !lwork || (n && (!a || !w))) return CUSOLVER_STATUS_INVALID_VALUE;
  *lwork = 2 * n * n + 6 * n + 1;
  return CUSOLVER_STATUS_SUCCESS;
}
/* Eigenvalues in rising order; the vectors are a's columns */
inline cusolverStatus_t cusolverDnSsyevd(cusolverDnHandle_t h, cusolverEigMode_t mode, cublasFillMode_t uplo, int n, float *a, int lda, float *w,
                                         float *work, int lwork, int *info) {
  int need;
  cusolverStatus_t s = cusolverDnSsyevd_bufferSize(h, mode, uplo, n, a, lda, w, &need);
  if (s != CUSOLVER_STATUS_SUCCESS) return s;
  if (lwork < need || !info || !work || uplo == CUBLAS_FILL_MODE_FULL) return CUSOLVER_STATUS_INVALID_VALUE;
  cuda_cpu::enqueue(h->stream, [=] {
    std::vector<int> integers((size_t)(5 * n + 3));
    int count = (int)integers.size();
    memset(work, 0xff, (size_t)lwork * sizeof *work);
    if (n) ssyevd_(mode == CUSOLVER_EIG_MODE_VECTOR ? "V" : "N", uplo == CUBLAS_FILL_MODE_LOWER ? "L" : "U", &n, a, &lda, w, work, &lwork, integers.data(), &count, info);
    else *info = 0;
  });
  return CUSOLVER_STATUS_SUCCESS;
}

inline cusolverStatus_t cusolverDnSgeqrf_bufferSize(cusolverDnHandle_t h, int m, int n, float *a, int lda, int *lwork) {
  if (!h) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (m < 0 || n < 0 || lda < m || lda < 1 || !lwork || (m && n && !a)) return CUSOLVER_STATUS_INVALID_VALUE;
  *lwork = 32 * n + 1;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnSgeqrf(cusolverDnHandle_t h, int m, int n, float *a, int lda, float *tau, float *work, int lwork, int *info) {
  int need;
  cusolverStatus_t s = cusolverDnSgeqrf_bufferSize(h, m, n, a, lda, &need);
  if (s != CUSOLVER_STATUS_SUCCESS) return s;
  if (lwork < need || !info || !work || !tau) return CUSOLVER_STATUS_INVALID_VALUE;
  cuda_cpu::enqueue(h->stream, [=] {
    memset(work, 0xff, (size_t)lwork * sizeof *work);
    sgeqrf_(&m, &n, a, &lda, tau, work, &lwork, info);
  });
  return CUSOLVER_STATUS_SUCCESS;
}

inline cusolverStatus_t cusolverDnSorgqr_bufferSize(cusolverDnHandle_t h, int m, int n, int k, const float *a, int lda, const float *tau, int *lwork) {
  if (!h) return CUSOLVER_STATUS_NOT_INITIALIZED;
  if (m < 0 || n < 0 || n > m || k < 0 || k > n || lda < m || lda < 1 || !lwork || (m && n && (!a || !tau))) return CUSOLVER_STATUS_INVALID_VALUE;
  *lwork = 32 * n + 1;
  return CUSOLVER_STATUS_SUCCESS;
}
inline cusolverStatus_t cusolverDnSorgqr(cusolverDnHandle_t h, int m, int n, int k, float *a, int lda, const float *tau, float *work, int lwork, int *info) {
  int need;
  cusolverStatus_t s = cusolverDnSorgqr_bufferSize(h, m, n, k, a, lda, tau, &need);
  if (s != CUSOLVER_STATUS_SUCCESS) return s;
  if (lwork < need || !info || !work) return CUSOLVER_STATUS_INVALID_VALUE;
  cuda_cpu::enqueue(h->stream, [=] {
    memset(work, 0xff, (size_t)lwork * sizeof *work);
    sorgqr_(&m, &n, &k, a, &lda, tau, work, &lwork, info);
  });
  return CUSOLVER_STATUS_SUCCESS;
}

#endif
