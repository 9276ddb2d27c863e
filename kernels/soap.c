/* SPDX-License-Identifier: MIT
 *
 * SOAP on the CPU: matrix products, one elementwise pass, and now and then LAPACK, whose column-major matrices are ours
 * transposed: a base with an eigenvector in each row is to LAPACK one with an eigenvector in each column.
 */
#include "kernels/soap.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"
#include "kernels/matmul.h"
#include "kernels/optimizer.h"
#include "kernels/symmetric.h"

#ifdef KERNELS_DOUBLE
#define LAPACK(name) d##name##_
#else
#define LAPACK(name) s##name##_
#endif
/* https://netlib.org/lapack/explore-html: the lengths of characters that Fortran passes are left out, as everybody does */
void LAPACK(syevd)(const char *jobz, const char *uplo, const int *n, real *a, const int *lda, real *w, real *work, const int *lwork, int *iwork, const int *liwork, int *info);
void LAPACK(geqrf)(const int *m, const int *n, real *a, const int *lda, real *tau, real *work, const int *lwork, int *info);
void LAPACK(orgqr)(const int *m, const int *n, const int *k, real *a, const int *lda, const real *tau, real *work, const int *lwork, int *info);

enum { PIECE = 16384 };

struct coefficients {
  real rest1, rest2, eps; /* rest = 1 - beta */
  real keep, rate;        /* 1 - lr weight_decay; the corrected lr times keep */
};

/* m and v take g in; g becomes the update in the bases */
static void adam_scalar(real *restrict g, real *restrict m, real *restrict v, int64_t n, const struct coefficients *k) {
  for (int64_t i = 0; i < n; i++) {
    m[i] += k->rest1 * (g[i] - m[i]);
    v[i] += k->rest2 * (g[i] * g[i] - v[i]);
    g[i] = m[i] / (sqrt(v[i]) + k->eps);
  }
}

static void apply_scalar(real *restrict p, const real *restrict u, int64_t n, const struct coefficients *k) {
  for (int64_t i = 0; i < n; i++) p[i] = p[i] * k->keep - k->rate * u[i];
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/soap_vector.h"
#include "kernels/vector_each.h"
#endif

/* ---- bases */

/* y = q_left x q_right^T, or with `back` q_left^T x q_right; y may be x.  t: scratch of the size of x. */
static int project(real *y, const real *x, real alpha, const real *q_left, const real *q_right, bool back, real *t, int64_t rows, int64_t columns,
                   struct kernel_error *e) {
  const real *inner = x;
  if (q_right) {
    if (matmul(MATMUL_FP32, false, !back, rows, columns, columns, alpha, x, columns, q_right, columns, 0, q_left ? t : y == x ? t : y, columns, e) < 0) return -1;
    alpha = 1;
    inner = t;
    if (!q_left && y == x) memcpy(y, t, (size_t)(rows * columns) * sizeof *y);
  }
  if (!q_left) return 0;
  if (inner == y) {
    memcpy(t, x, (size_t)(rows * columns) * sizeof *t);
    inner = t;
  }
  return matmul(MATMUL_FP32, back, false, rows, columns, rows, alpha, q_left, rows, inner, columns, 0, y, columns, e);
}

/* LAPACK walks along both sides of a matrix: rows a multiple of 4 KB apart would fall into one set of the cache, and take twice
 * the time (n = 1024). */
static int64_t padded(int64_t n) { return n % 64 == 0 ? n + 16 : n; }

static void copy_square(real *to, int64_t ld_to, const real *from, int64_t ld_from, int64_t n) {
  for (int64_t i = 0; i < n; i++) memcpy(to + i * ld_to, from + i * ld_from, (size_t)n * sizeof *to);
}

struct workspace {
  real *square, *factor, *values, *tau, *work; /* [n][n]; [n][padded(n)]; [n]; [n]; [lwork] */
  int64_t *order;                     /* [n] */
  int lwork;
};

static void workspace_release(struct workspace *w) {
  free(w->square), free(w->factor), free(w->values), free(w->tau), free(w->work), free(w->order);
}

static int workspace_init(struct workspace *w, int64_t n, struct kernel_error *e) {
  int64_t lwork = 64 * n; /* blocks of up to 64 columns */
  *w = (struct workspace){.square = malloc((size_t)(n * n) * sizeof(real)), .factor = malloc((size_t)(n * padded(n)) * sizeof(real)), .values = malloc((size_t)n * sizeof(real)), .tau = malloc((size_t)n * sizeof(real)),
                          .work = malloc((size_t)lwork * sizeof(real)), .order = malloc((size_t)n * sizeof(int64_t)), .lwork = (int)lwork};
  if (w->square && w->factor && w->values && w->tau && w->work && w->order) return 0;
  workspace_release(w);
  return kernel_fail(e, "soap: no memory for a basis of %lld vectors", (long long)n);
}

/* q = eigenvectors of `covariance`, largest first */
static int decompose(real *q, const real *covariance, int64_t n, struct kernel_error *e) {
  int size = (int)n, ld = (int)padded(n), info = 0, liwork = 3 + 5 * size;
  int64_t lwork = 1 + 6 * n + 2 * n * n;
  if (lwork > INT_MAX) return kernel_fail(e, "soap: LAPACK takes bases of fewer than %lld vectors", (long long)n);
  int all = (int)lwork;
  real *vectors = malloc((size_t)(n * ld) * sizeof *vectors), *values = malloc((size_t)n * sizeof *values), *work = malloc((size_t)lwork * sizeof *work);
  int *iwork = malloc((size_t)liwork * sizeof *iwork);
  int result = vectors && values && work && iwork ? 0 : kernel_fail(e, "soap: no memory for a basis of %lld vectors", (long long)n);
  if (result == 0) {
    copy_square(vectors, ld, covariance, n, n);
    LAPACK(syevd)("V", "L", &size, vectors, &ld, values, work, &all, iwork, &liwork, &info);
    if (info != 0) result = kernel_fail(e, "soap: the eigenvectors of a covariance of %d x %d were not found (LAPACK: %d)", size, size, info);
  }
  for (int64_t i = 0; i < n && result == 0; i++) memcpy(q + i * n, vectors + (n - 1 - i) * ld, (size_t)n * sizeof *q); /* LAPACK's eigenvalues rise */
  free(vectors), free(values), free(work), free(iwork);
  return result;
}

/* order = the indices of n values, largest first, equals as they stood */
static void sort_falling(int64_t *order, const real *values, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i;
    for (; at > 0 && values[order[at - 1]] < values[i]; at--) order[at] = order[at - 1]; /* nearly sorted already */
    order[at] = i;
  }
}

/* One power iteration: q = QR(covariance q^T)^T with the rows in the order of falling estimated eigenvalues, left in w->order. */
static int iterate(real *q, const real *covariance, int64_t n, struct workspace *w, struct kernel_error *e) {
  int size = (int)n, ld = (int)padded(n), info = 0;
  real *product = w->square, *f = w->factor;
  if (matmul(MATMUL_FP32, false, false, n, n, n, 1, q, n, covariance, n, 0, product, n, e) < 0) return -1;
#pragma omp parallel for schedule(static) if (n * n >= CPU_PARALLEL_FROM)
  for (int64_t i = 0; i < n; i++) {
    real sum = 0;
    for (int64_t j = 0; j < n; j++) sum += q[i * n + j] * product[i * n + j];
    w->values[i] = sum;
  }
  sort_falling(w->order, w->values, n);
  for (int64_t i = 0; i < n; i++) memcpy(f + i * ld, product + w->order[i] * n, (size_t)n * sizeof *f);
  LAPACK(geqrf)(&size, &size, f, &ld, w->tau, w->work, &w->lwork, &info);
  if (info == 0) LAPACK(orgqr)(&size, &size, &size, f, &ld, w->tau, w->work, &w->lwork, &info);
  copy_square(q, n, f, ld, n);
  return info == 0 ? 0 : kernel_fail(e, "soap: QR of a basis of %d vectors failed (LAPACK: %d)", size, info);
}

static int change_bases(real *m, real *v, const real *left, const real *right, real *q_left, real *q_right, real *t, int64_t rows, int64_t columns,
                        struct kernel_error *e) {
  size_t bytes = (size_t)(rows * columns) * sizeof *v;
  if (project(m, m, 1, q_left, q_right, true, t, rows, columns, e) < 0) return -1;
  for (int side = 0; side < 2; side++) {
    struct workspace w;
    real *q = side == 0 ? q_left : q_right;
    int64_t n = side == 0 ? rows : columns;
    if (!q) continue;
    if (workspace_init(&w, n, e) < 0) return -1;
    int result = iterate(q, side == 0 ? left : right, n, &w, e);
    if (result == 0) memcpy(t, v, bytes);
    for (int64_t i = 0; i < rows && result == 0; i++) {
      if (side == 0) memcpy(v + i * columns, t + w.order[i] * columns, (size_t)columns * sizeof *v);
      else
        for (int64_t j = 0; j < columns; j++) v[i * columns + j] = t[i * columns + w.order[j]];
    }
    workspace_release(&w);
    if (result < 0) return -1;
  }
  return project(m, m, 1, q_left, q_right, false, t, rows, columns, e);
}

/* ---- the step */

int soap_check(const real *left, const real *right, const real *q_left, const real *q_right, int64_t rows, int64_t columns, const struct soap_settings *s, struct kernel_error *e) {
  if (rows < 0 || columns < 0 || s->step < 1 || s->frequency < 1)
    return kernel_fail(e, "soap: a matrix of %lld x %lld, step %lld (the first is 1), frequency %lld", (long long)rows, (long long)columns, (long long)s->step, (long long)s->frequency);
  if (!left != !q_left || !right != !q_right) return kernel_fail(e, "soap: a covariance without its basis");
  if ((left && rows > INT_MAX / 64) || (right && columns > INT_MAX / 64)) return kernel_fail(e, "soap: a side of %lld x %lld is too long for a basis", (long long)rows, (long long)columns);
  return 0;
}

int soap(real *parameter, const real *gradient, real *m, real *v, real *left, real *right, real *q_left, real *q_right, int64_t rows, int64_t columns,
         const struct soap_settings *s, struct kernel_error *e) {
  int64_t count = rows * columns, k = s->step - 1;
  if (soap_check(left, right, q_left, q_right, rows, columns, s, e) != 0) return -1;
  if (count == 0) return 0;
  real *t = cpu_scratch(1, (size_t)(2 * count) * sizeof *t), *g = t + count;
  if (!t) return kernel_fail(e, "soap: no memory for a matrix of %lld x %lld", (long long)rows, (long long)columns);
  real scale = (real)s->gradient_scale;

  if (k > 0) {
    double rate = s->lr * sqrt(1 - pow(s->beta2, (double)k)) / (1 - pow(s->beta1, (double)k)), keep = 1 - s->lr * s->weight_decay;
    struct coefficients c = {.rest1 = (real)(1 - s->beta1), .rest2 = (real)(1 - s->beta2), .eps = (real)s->eps, .keep = (real)keep, .rate = (real)(rate * keep)};
    void (*adam)(real *restrict, real *restrict, real *restrict, int64_t, const struct coefficients *) = CPU_PICK(adam);
    void (*apply)(real *restrict, const real *restrict, int64_t, const struct coefficients *) = CPU_PICK(apply);
    if (q_left || q_right) {
      if (project(g, gradient, scale, q_left, q_right, false, t, rows, columns, e) < 0) return -1;
    } else {
      for (int64_t i = 0; i < count; i++) g[i] = gradient[i] * scale;
    }
#pragma omp parallel for schedule(static) if (count >= CPU_PARALLEL_FROM)
    for (int64_t i = 0; i < count; i += PIECE) adam(g + i, m + i, v + i, count - i < PIECE ? count - i : PIECE, &c);
    if (project(g, g, 1, q_left, q_right, true, t, rows, columns, e) < 0) return -1;
    if (s->normalize) {
      double squares = 0;
      if (sum_squares(&squares, g, count, e) < 0) return -1;
      c.rate = (real)(rate * keep / (sqrt(squares / (double)count) + s->eps));
    }
#pragma omp parallel for schedule(static) if (count >= CPU_PARALLEL_FROM)
    for (int64_t i = 0; i < count; i += PIECE) apply(parameter + i, g + i, count - i < PIECE ? count - i : PIECE, &c);
  }

  real beta = (real)s->shampoo_beta, rest = (real)((1 - s->shampoo_beta) * s->gradient_scale * s->gradient_scale);
  if (left && matmul_symmetric(MATMUL_FP32, false, rows, columns, rest, gradient, columns, beta, left, e) < 0) return -1;
  if (right && matmul_symmetric(MATMUL_FP32, true, columns, rows, rest, gradient, columns, beta, right, e) < 0) return -1;
  if (k == 0) {
    if (left && decompose(q_left, left, rows, e) < 0) return -1;
    return right ? decompose(q_right, right, columns, e) : 0;
  }
  return k % s->frequency == 0 ? change_bases(m, v, left, right, q_left, q_right, t, rows, columns, e) : 0;
}
