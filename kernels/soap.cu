/* SPDX-License-Identifier: MIT
 *
 * cuSOLVER's matrices are column-major, ours transposed: a base with an eigenvector in each row is to it one with an eigenvector
 * in each column.  The first step waits for the eigenvectors to hear whether they were found; other steps do not wait.
 */
#include "kernels/soap.cuh"

#include <limits.h>

#include "kernels/cuda_libraries.h"
#include "kernels/gemm.cuh"

extern "C" {
#include "kernels/soap.h"
}

static int copy(float *to, const float *from, int64_t n, struct kernel_error *e) {
  cudaError_t error = cudaMemcpyAsync(to, from, (size_t)n * sizeof *to, cudaMemcpyDeviceToDevice, cuda_stream());
  return error == cudaSuccess ? 0 : cuda_failed(e, "soap", error);
}

static int gather(float *to, const float *from, int64_t ld_from, int64_t rows, int64_t columns, const int32_t *row_order, const int32_t *column_order, struct kernel_error *e) {
  CUDA_LAUNCH(soap_gather_kernel<SOAP_THREADS>, (unsigned)rows, SOAP_THREADS, 0, cuda_stream(), to, from, ld_from, columns, row_order, column_order);
  return launched("soap", e);
}

/* Parts of the one request for scratch memory; those that a step does not need are empty. */
struct soap_workspace {
  char *products;                              /* [cuda_gemm_workspace()] */
  float *t, *g;                                /* [rows][columns]; t's contents never outlive a call of project() */
  double *partial;                             /* [SQUARES_MOST_BLOCKS] */
  float *rate;                                 /* 1 */
  float *square, *values, *tau, *work;         /* [n][n], [n], [n], [lwork]: n the longer side with a basis */
  int32_t *row_order, *column_order, *info;    /* [rows], [columns], 1 */
};

static int product(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a, const float *b, int64_t ld_b, float beta, float *c,
                   const struct soap_workspace *w, struct kernel_error *e) {
  return gemm<float>(MATMUL_FP32, transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, c, w->products, e);
}

/* y = q_left x q_right^T, or with `back` q_left^T x q_right; y may be x */
static int project(float *y, const float *x, float alpha, const float *q_left, const float *q_right, bool back, const struct soap_workspace *w, int64_t rows, int64_t columns, struct kernel_error *e) {
  const float *inner = x;
  float *t = w->t;
  if (q_right) {
    float *to = q_left || y == x ? t : y;
    if (product(false, !back, rows, columns, columns, alpha, x, columns, q_right, columns, 0, to, w, e) < 0) return -1;
    if (!q_left) return to == t ? copy(y, t, rows * columns, e) : 0;
    alpha = 1;
    inner = t;
  }
  if (!q_left) return 0;
  if (inner == y) {
    if (copy(t, x, rows * columns, e) < 0) return -1;
    inner = t;
  }
  return product(back, false, rows, columns, rows, alpha, q_left, rows, inner, columns, 0, y, w, e);
}

/* ---- bases */

struct soap_solver {
  const struct cusolver_library *library;
  cusolverDnHandle_t handle;
};

static int solver(struct soap_solver *s, struct kernel_error *e) {
  static cusolverDnHandle_t handle;
  s->library = cusolver_library(e);
  if (!s->library) return -1;
  cusolverStatus_t status = handle ? CUSOLVER_STATUS_SUCCESS : s->library->cusolverDnCreate(&handle);
  if (status == CUSOLVER_STATUS_SUCCESS) status = s->library->cusolverDnSetStream(handle, cuda_stream());
  s->handle = handle;
  return status == CUSOLVER_STATUS_SUCCESS ? 0 : cusolver_failed(e, "soap", status);
}

/* Elements of scratch memory that decompose() or iterate() wants for a base of n vectors; `any`: device memory, not looked at. */
static int solver_room(const struct soap_solver *s, bool first, int64_t n, float *any, int64_t *most, struct kernel_error *e) {
  int size = (int)n, lwork = 0, other = 0;
  cusolverStatus_t status;
  if (first) {
    status = s->library->cusolverDnSsyevd_bufferSize(s->handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER, size, any, size, any, &lwork);
  } else {
    status = s->library->cusolverDnSgeqrf_bufferSize(s->handle, size, size, any, size, &lwork);
    if (status == CUSOLVER_STATUS_SUCCESS) status = s->library->cusolverDnSorgqr_bufferSize(s->handle, size, size, size, any, size, any, &other);
  }
  if (status != CUSOLVER_STATUS_SUCCESS) return cusolver_failed(e, "soap", status);
  if (other > lwork) lwork = other;
  if (lwork > *most) *most = lwork;
  return 0;
}

/* q = eigenvectors of `covariance`, largest first */
static int decompose(float *q, const float *covariance, int64_t n, const struct soap_solver *s, const struct soap_workspace *w, int64_t lwork, struct kernel_error *e) {
  int size = (int)n, info = 0;
  if (copy(w->square, covariance, n * n, e) < 0) return -1;
  cusolverStatus_t status = s->library->cusolverDnSsyevd(s->handle, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER, size, w->square, size, w->values, w->work, (int)lwork, w->info);
  if (status != CUSOLVER_STATUS_SUCCESS) return cusolver_failed(e, "soap", status);
  if (gather(q, w->square + (n - 1) * n, -n, n, n, NULL, NULL, e) < 0) return -1; /* eigenvalues rise */
  cudaError_t error = cudaMemcpyAsync(&info, w->info, sizeof info, cudaMemcpyDeviceToHost, cuda_stream());
  if (error == cudaSuccess) error = cudaStreamSynchronize(cuda_stream());
  if (error != cudaSuccess) return cuda_failed(e, "soap", error);
  return info == 0 ? 0 : kernel_fail(e, "soap: the eigenvectors of a covariance of %d x %d were not found (cuSOLVER: %d)", size, size, info);
}

/* One power iteration: q = QR(covariance q^T)^T with the rows in the order of falling estimated eigenvalues, left in `order`. */
static int iterate(float *q, const float *covariance, int64_t n, int32_t *order, const struct soap_solver *s, const struct soap_workspace *w, int64_t lwork, struct kernel_error *e) {
  int size = (int)n;
  if (product(false, false, n, n, n, 1, q, n, covariance, n, 0, w->square, w, e) < 0) return -1;
  CUDA_LAUNCH(soap_values_kernel<SOAP_THREADS>, (unsigned)divide_up(n, SOAP_THREADS / 32), SOAP_THREADS, 0, cuda_stream(), w->values, (const float *)q, (const float *)w->square, size);
  if (launched("soap", e) < 0) return -1;
  CUDA_LAUNCH(soap_order_kernel<SOAP_THREADS>, (unsigned)divide_up(n, SOAP_THREADS), SOAP_THREADS, 0, cuda_stream(), order, (const float *)w->values, size);
  if (launched("soap", e) < 0 || gather(q, w->square, n, n, n, order, NULL, e) < 0) return -1;
  /* of the QR's info only a wrong argument could be read, and the status tells that too */
  cusolverStatus_t status = s->library->cusolverDnSgeqrf(s->handle, size, size, q, size, w->tau, w->work, (int)lwork, w->info);
  if (status == CUSOLVER_STATUS_SUCCESS) status = s->library->cusolverDnSorgqr(s->handle, size, size, size, q, size, w->tau, w->work, (int)lwork, w->info);
  return status == CUSOLVER_STATUS_SUCCESS ? 0 : cusolver_failed(e, "soap", status);
}

static int change_bases(float *m, float *v, const float *left, const float *right, float *q_left, float *q_right, int64_t rows, int64_t columns, const struct soap_solver *s,
                        const struct soap_workspace *w, int64_t lwork, struct kernel_error *e) {
  if (project(m, m, 1, q_left, q_right, true, w, rows, columns, e) < 0) return -1;
  if (q_left && iterate(q_left, left, rows, w->row_order, s, w, lwork, e) < 0) return -1;
  if (q_right && iterate(q_right, right, columns, w->column_order, s, w, lwork, e) < 0) return -1;
  if (copy(w->t, v, rows * columns, e) < 0) return -1;
  if (gather(v, w->t, columns, rows, columns, q_left ? w->row_order : NULL, q_right ? w->column_order : NULL, e) < 0) return -1;
  return project(m, m, 1, q_left, q_right, false, w, rows, columns, e);
}

/* ---- the step */

template <class T> static void take(T **part, char *start, size_t *at, int64_t n) {
  *part = start ? (T *)(start + *at) : NULL;
  *at += workspace_part((size_t)n * sizeof(T));
}

/* The bytes of all parts; start: NULL before they are there. */
static size_t lay_out(struct soap_workspace *w, char *start, int64_t count, int64_t n, int64_t lwork, int64_t row_order, int64_t column_order) {
  size_t at = 0;
  take(&w->products, start, &at, (int64_t)cuda_gemm_workspace());
  take(&w->t, start, &at, count), take(&w->g, start, &at, count);
  take(&w->partial, start, &at, SQUARES_MOST_BLOCKS), take(&w->rate, start, &at, 1);
  take(&w->square, start, &at, n * n), take(&w->values, start, &at, n), take(&w->tau, start, &at, n), take(&w->work, start, &at, lwork);
  take(&w->row_order, start, &at, row_order), take(&w->column_order, start, &at, column_order), take(&w->info, start, &at, 1);
  return at;
}

/* N: elements a thread takes of every array */
template <int N>
static int move(float *parameter, const float *gradient, float *m, float *v, const float *q_left, const float *q_right, int64_t rows, int64_t columns, const struct soap_settings *s,
                const struct soap_workspace *w, struct kernel_error *e) {
  int64_t count = rows * columns, k = s->step - 1;
  double rate = s->lr * sqrt(1 - pow(s->beta2, (double)k)) / (1 - pow(s->beta1, (double)k)), keep = 1 - s->lr * s->weight_decay;
  bool based = q_left || q_right;
  soap_coefficients c;
  c.scale = based ? 1 : (float)s->gradient_scale, c.rest1 = (float)(1 - s->beta1), c.rest2 = (float)(1 - s->beta2), c.eps = (float)s->eps;
  c.keep = (float)keep, c.rate = (float)(rate * keep);
  unsigned blocks = (unsigned)divide_up(count, SOAP_THREADS * N);
  if (based && project(w->g, gradient, (float)s->gradient_scale, q_left, q_right, false, w, rows, columns, e) < 0) return -1;
  CUDA_LAUNCH(soap_adam_kernel<N>, blocks, SOAP_THREADS, 0, cuda_stream(), w->g, based ? (const float *)w->g : gradient, m, v, count, c);
  if (launched("soap", e) < 0 || project(w->g, w->g, 1, q_left, q_right, true, w, rows, columns, e) < 0) return -1;
  if (s->normalize) {
    if (squares_partial(w->partial, w->g, count, "soap", e) < 0) return -1;
    CUDA_LAUNCH(soap_rate_kernel<SQUARES_THREADS>, 1, SQUARES_THREADS, 0, cuda_stream(), w->rate, (const double *)w->partial, squares_pieces(count), (double)count, rate * keep, s->eps);
    if (launched("soap", e) < 0) return -1;
  }
  CUDA_LAUNCH(soap_apply_kernel<N>, blocks, SOAP_THREADS, 0, cuda_stream(), parameter, (const float *)w->g, s->normalize ? (const float *)w->rate : NULL, count, c);
  return launched("soap", e);
}

static int soap_step(float *parameter, const float *gradient, float *m, float *v, float *left, float *right, float *q_left, float *q_right, int64_t rows, int64_t columns,
                     const struct soap_settings *s, struct kernel_error *e) {
  int64_t count = rows * columns, k = s->step - 1;
  if (soap_check(left, right, q_left, q_right, rows, columns, s, e) != 0) return -1;
  if (rows > INT_MAX || columns > INT_MAX) return kernel_fail(e, "soap: a matrix of %lld x %lld, sides of at most %d on the GPU", (long long)rows, (long long)columns, INT_MAX);
  if (count == 0) return 0;

  bool bases = (left || right) && (k == 0 || k % s->frequency == 0);
  int64_t n = 0, lwork = 0;
  struct soap_solver with = {};
  if (bases) {
    if (solver(&with, e) < 0) return -1;
    if (left && solver_room(&with, k == 0, rows, q_left, &lwork, e) < 0) return -1;
    if (right && solver_room(&with, k == 0, columns, q_right, &lwork, e) < 0) return -1;
    n = left && (!right || rows > columns) ? rows : columns;
  }
  struct soap_workspace w;
  int64_t matrix = k > 0 ? count : 0, row_order = bases ? rows : 0, column_order = bases ? columns : 0;
  char *work = (char *)cuda_workspace(lay_out(&w, NULL, matrix, n, lwork, row_order, column_order), e);
  if (!work) return -1;
  lay_out(&w, work, matrix, n, lwork, row_order, column_order);

  bool aligned = count % 4 == 0 && aligned_16({parameter, gradient, m, v});
  if (k > 0 && (aligned ? move<4> : move<1>)(parameter, gradient, m, v, q_left, q_right, rows, columns, s, &w, e) < 0) return -1;
  float beta = (float)s->shampoo_beta, rest = (float)((1 - s->shampoo_beta) * s->gradient_scale * s->gradient_scale);
  if (left && product(false, true, rows, rows, columns, rest, gradient, columns, gradient, columns, beta, left, &w, e) < 0) return -1;
  if (right && product(true, false, columns, columns, rows, rest, gradient, columns, gradient, columns, beta, right, &w, e) < 0) return -1;
  if (!bases) return 0;
  if (k == 0) {
    if (left && decompose(q_left, left, rows, &with, &w, lwork, e) < 0) return -1;
    return right ? decompose(q_right, right, columns, &with, &w, lwork, e) : 0;
  }
  return change_bases(m, v, left, right, q_left, q_right, rows, columns, &with, &w, lwork, e);
}

extern "C" void soap_cuda(struct backend *b, bool) { b->soap = soap_step; }
