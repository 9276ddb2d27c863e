/* SPDX-License-Identifier: MIT
 *
 * Matrix products on the CPU: oneDNN, OpenBLAS, or own kernels: for few rows, and with AVX-512 the blocked one, as measured on
 * Zen 5 with the shapes of a 17M- and a 124M-parameter model, 256 to 8,192 rows (GFLOP/s of one thread; registers reach 276):
 *
 *                                 matmul primitive   dnnl_sgemm   OpenBLAS (Cooperlake)   own
 *   b transposed (forward)             236-257         196-255         205-246          211-240
 *   neither      (gradient of x)       189-263         233-260         214-252          195-242
 *   a transposed (gradient of w)       179-250         230-265         220-258          212-255
 *     its rows a multiple of 4 KB apart    187-234         196-248         229-246          225-246
 *
 * Hence the choices of matmul() and library_product().  Rounded to bfloat16 (registers reach 520): own 400-504; oneDNN, given
 * bfloat16, 271-531, and with the conversion of both operands 260-502: less in the gradients, alike forward.
 */
#include "kernels/matmul.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kernels/cpu.h"
#include "kernels/elementwise.h"
#include "kernels/matmul_blocked.h"

#if defined(HAVE_ONEDNN) && !defined(KERNELS_DOUBLE)
#define ONEDNN 1
#include <oneapi/dnnl/dnnl.h>
#else
#define ONEDNN 0
#endif

#if CPU_VECTORS
enum { BLOCK = 6 }; /* rows of a at a time */
#define VECTOR_BODY "kernels/matmul_vector.h"
#include "kernels/vector_each.h"

/* M <= MATMUL_FEW_ROWS rows of a against a transposed b. */
static void few_rows(int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a, const float *b,
                     int64_t ld_b, float beta, float *c, int64_t ld_c) {
  enum { PIECE = 48 };
  bool wide = cpu_variant() == CPU_AVX512;
#pragma omp parallel for schedule(static) if (N * K >= CPU_PARALLEL_FROM)
  for (int64_t n = 0; n < N; n += PIECE) {
    int64_t count = N - n < PIECE ? N - n : PIECE;
    (wide ? dot_rows_avx512 : dot_rows_avx2)(M, count, K, alpha, a, ld_a, b + n * ld_b, ld_b, beta, c + n, ld_c);
  }
}
#endif

#ifndef KERNELS_DOUBLE
/* Columns read down rows a multiple of 4 KB apart fall into one set of the cache, which dnnl_sgemm does not avoid. */
static inline bool collides(int64_t ld) { return ld * (int64_t)sizeof(float) % 4096 == 0; }
#endif

#if ONEDNN
/* A oneDNN call's status as a kernel error. */
static int check(dnnl_status_t status, const char *what, struct kernel_error *e) {
  return status == dnnl_success ? 0 : kernel_fail(e, "matmul: oneDNN: %s failed with status %d", what, (int)status);
}

#if DNNL_VERSION_MAJOR == 2
/* Primitives are made for one shape, for one number of threads; the least recently used one makes room. */
struct product {
  struct key {
    int64_t M, N, K, ld_a, ld_b, ld_c, threads, transpose_a, transpose_b;
    float beta;
    int32_t zero; /* no padding: keys are compared as bytes */
  } key;
  uint64_t used;
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, c;
};
enum { PRODUCTS = 64 };
static struct product products[PRODUCTS];
static uint64_t uses;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all of these */

static void product_release(struct product *p) {
  if (p->primitive) dnnl_primitive_destroy(p->primitive);
  if (p->a) dnnl_memory_destroy(p->a);
  if (p->b) dnnl_memory_destroy(p->b);
  if (p->c) dnnl_memory_destroy(p->c);
  memset(p, 0, sizeof *p);
}

static dnnl_status_t describe_matrix(dnnl_memory_desc_t *d, int64_t rows, int64_t columns, int64_t ld, bool transposed) {
  dnnl_dims_t dims = {rows, columns}, strides = {transposed ? 1 : ld, transposed ? ld : 1};
  return dnnl_memory_desc_init_by_strides(d, 2, dims, dnnl_f32, strides);
}

static int product_create(struct product *p, const struct key *k, struct kernel_error *e) {
  dnnl_memory_desc_t a, b, c;
  dnnl_matmul_desc_t description;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t after = NULL;
  dnnl_primitive_desc_t chosen = NULL;
  dnnl_status_t s = describe_matrix(&a, k->M, k->K, k->ld_a, k->transpose_a);
  if (s == dnnl_success) s = describe_matrix(&b, k->K, k->N, k->ld_b, k->transpose_b);
  if (s == dnnl_success) s = describe_matrix(&c, k->M, k->N, k->ld_c, false);
  if (s == dnnl_success) s = dnnl_matmul_desc_init(&description, &a, &b, NULL, &c);
  if (s == dnnl_success) s = dnnl_primitive_attr_create(&attributes);
  if (s == dnnl_success) s = dnnl_post_ops_create(&after);
  if (s == dnnl_success && k->beta != 0) s = dnnl_post_ops_append_sum(after, k->beta);
  if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(attributes, after);
  if (s == dnnl_success) s = dnnl_primitive_desc_create(&chosen, &description, attributes, engine, NULL);
  if (s == dnnl_success) s = dnnl_primitive_create(&p->primitive, chosen);
  if (s == dnnl_success) s = dnnl_memory_create(&p->a, &a, engine, DNNL_MEMORY_NONE);
  if (s == dnnl_success) s = dnnl_memory_create(&p->b, &b, engine, DNNL_MEMORY_NONE);
  if (s == dnnl_success) s = dnnl_memory_create(&p->c, &c, engine, DNNL_MEMORY_NONE);
  if (chosen) dnnl_primitive_desc_destroy(chosen);
  if (after) dnnl_post_ops_destroy(after);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (s != dnnl_success) product_release(p);
  p->key = *k;
  return check(s, "making a primitive", e);
}

static int run_primitive(const struct key *k, const float *a, const float *b, float *c, struct kernel_error *e) {
  if (!engine && (check(dnnl_engine_create(&engine, dnnl_cpu, 0), "creating an engine", e) != 0 ||
                  check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "creating a stream", e) != 0))
    return -1;
  struct product *p = NULL, *oldest = &products[0];
  for (int i = 0; i < PRODUCTS && !p; i++) {
    if (products[i].primitive && memcmp(&products[i].key, k, sizeof *k) == 0) p = &products[i];
    if (products[i].used < oldest->used) oldest = &products[i];
  }
  if (!p) {
    p = oldest;
    product_release(p);
    if (product_create(p, k, e) != 0) return -1;
  }
  p->used = ++uses;
  /* The library takes no const pointers; it writes to c alone. */
  dnnl_status_t s = dnnl_memory_set_data_handle(p->a, (void *)(uintptr_t)a);
  if (s == dnnl_success) s = dnnl_memory_set_data_handle(p->b, (void *)(uintptr_t)b);
  if (s == dnnl_success) s = dnnl_memory_set_data_handle(p->c, c);
  dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->a}, {DNNL_ARG_WEIGHTS, p->b}, {DNNL_ARG_DST, p->c}};
  if (s == dnnl_success) s = dnnl_primitive_execute(p->primitive, stream, 3, args);
  if (s == dnnl_success) s = dnnl_stream_wait(stream);
  return check(s, "a product", e);
}

static int multiply_primitive(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, const float *a,
                              int64_t ld_a, const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c,
                              struct kernel_error *e) {
  const struct key key = {M, N, K, ld_a, ld_b, ld_c, omp_get_max_threads(), transpose_a, transpose_b, beta, 0};
  pthread_mutex_lock(&lock);
  int result = run_primitive(&key, a, b, c, e);
  pthread_mutex_unlock(&lock);
  return result;
}
#endif

static int library_product(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a,
                    int64_t ld_a, const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e) {
#if DNNL_VERSION_MAJOR == 2
  if (alpha == 1 && (transpose_b || (transpose_a && collides(ld_a))))
    return multiply_primitive(transpose_a, transpose_b, M, N, K, a, ld_a, b, ld_b, beta, c, ld_c, e);
#endif
  return check(dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c),
               "sgemm", e);
}

#else /* OpenBLAS */

static int library_product(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a,
                    int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e) {
  if (M > INT_MAX || N > INT_MAX || K > INT_MAX || ld_a > INT_MAX || ld_b > INT_MAX || ld_c > INT_MAX)
    return kernel_fail(e, "matmul: OpenBLAS takes sizes below 2^31, not %lld x %lld x %lld", (long long)M, (long long)N,
                       (long long)K);
  enum CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans, tb = transpose_b ? CblasTrans : CblasNoTrans;
#ifdef KERNELS_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
  GEMM(CblasRowMajor, ta, tb, (blasint)M, (blasint)N, (blasint)K, alpha, a, (blasint)ld_a, b, (blasint)ld_b, beta, c,
       (blasint)ld_c);
  return 0;
}
#endif

#ifndef KERNELS_DOUBLE
/* ---- bfloat16 without the instruction: blocks of both are copied, rounded, and multiplied as floats */

static inline float rounded(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  if (isnan(x)) u |= 0x400000;
  else u += 0x7fff + (u >> 16 & 1);
  u &= 0xffff0000;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* [rows][columns] of x, rows ld apart, to y, without gaps. */
static void round_block(float *y, const float *x, int64_t ld, int64_t rows, int64_t columns) {
#pragma omp parallel for schedule(static) if (rows * columns >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < columns; i++) y[r * columns + i] = rounded(x[r * ld + i]);
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int multiply_rounded(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a,
                            const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e) {
  enum { SIDE = 2048 }; /* 16 MB of a and of b at most */
  int64_t most_m = least(M, SIDE), most_n = least(N, SIDE), most_k = least(K, SIDE);
  float *a_block = cpu_scratch(CPU_SCRATCH_MATMUL, (size_t)(most_m * most_k) * sizeof *a_block);
  float *b_block = cpu_scratch(CPU_SCRATCH_MATMUL + 1, (size_t)(most_k * most_n) * sizeof *b_block);
  if (!a_block || !b_block) return kernel_fail(e, "matmul: out of memory");
  for (int64_t n = 0; n < N; n += SIDE)
    for (int64_t k = 0; k < K; k += SIDE) {
      int64_t columns = least(SIDE, N - n), depth = least(SIDE, K - k);
      round_block(b_block, transpose_b ? b + n * ld_b + k : b + k * ld_b + n, ld_b, transpose_b ? columns : depth, transpose_b ? depth : columns);
      for (int64_t m = 0; m < M; m += SIDE) {
        int64_t rows = least(SIDE, M - m);
        round_block(a_block, transpose_a ? a + k * ld_a + m : a + m * ld_a + k, ld_a, transpose_a ? depth : rows, transpose_a ? rows : depth);
        if (library_product(transpose_a, transpose_b, rows, columns, depth, alpha, a_block, transpose_a ? rows : depth, b_block,
                     transpose_b ? depth : columns, k == 0 ? beta : 1, c + m * ld_c + n, ld_c, e) < 0)
          return -1;
      }
    }
  return 0;
}
#endif

int matmul(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a,
           int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e) {
  if (M < 0 || N < 0 || K < 0 || ld_a < (transpose_a ? M : K) || ld_b < (transpose_b ? K : N) || ld_c < N)
    return kernel_fail(e, "matmul: sizes %lld x %lld x %lld with row distances %lld, %lld, %lld", (long long)M, (long long)N,
                       (long long)K, (long long)ld_a, (long long)ld_b, (long long)ld_c);
  if (type == MATMUL_FP8) return kernel_fail(e, "matmul: FP8 products need a GPU");
  if (type == MATMUL_TF32) type = MATMUL_FP32;
  if (M == 0 || N == 0) return 0;
  if (K == 0) {
    for (int64_t m = 0; m < M; m++)
      for (int64_t n = 0; n < N; n++) c[m * ld_c + n] = beta == 0 ? 0 : beta * c[m * ld_c + n];
    return 0;
  }
#if CPU_VECTORS
  if (type == MATMUL_FP32 && M <= MATMUL_FEW_ROWS && transpose_b && !transpose_a && cpu_variant() != CPU_SCALAR) {
    few_rows(M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c);
    return 0;
  }
#endif
#if CPU_VECTORS
  if (matmul_blocked_runs(type) && (type == MATMUL_BF16 || !ONEDNN || (transpose_a && collides(ld_a))))
    return matmul_blocked(type, transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, e);
#endif
#ifdef KERNELS_DOUBLE
  (void)type;
#else
  if (type == MATMUL_BF16) return multiply_rounded(transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, e);
#endif
  return library_product(transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, e);
}

void matmul_set_threads(int threads) { openblas_set_num_threads(threads); }

const char *matmul_describe(const char **warning) {
  static char text[128];
  *warning = NULL;
#if ONEDNN
  const dnnl_version_t *v = dnnl_version();
  snprintf(text, sizeof text, "oneDNN %d.%d.%d (OpenBLAS core %s)", v->major, v->minor, v->patch, openblas_get_corename());
#else
  const char *core = openblas_get_corename();
  static const char *const wide[] = {"Cooperlake", "SkylakeX", "SapphireRapids"};
  bool is_wide = CPU_VECTORS && cpu_variant() == CPU_AVX512; /* then floats do not need OpenBLAS */
  snprintf(text, sizeof text, "%sOpenBLAS core %s", is_wide ? "own products, " : "", core);
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) is_wide |= strcasecmp(core, wide[i]) == 0;
  static char advice[160];
  if (cpu_has_avx512() && !is_wide) {
    snprintf(advice, sizeof advice, "OpenBLAS uses its %s kernels, without the AVX-512 of this CPU: unset OPENBLAS_CORETYPE", core);
    *warning = advice;
  }
#endif
  return text;
}

int linear_forward(enum matmul_type type, real *y, int64_t ld_y, const real *x, int64_t ld_x, const real *w, const real *bias, int64_t rows,
                   int64_t out, int64_t in, struct kernel_error *e) {
  if (matmul(type, false, true, rows, out, in, 1, x, ld_x, w, in, 0, y, ld_y, e) < 0) return -1;
  return bias ? bias_forward(y, ld_y, bias, rows, out, e) : 0;
}

int linear_backward_input(enum matmul_type type, real *dx, int64_t ld_x, const real *dy, int64_t ld_y, const real *w, int64_t rows, int64_t out,
                          int64_t in, bool accumulate, struct kernel_error *e) {
  return matmul(type, false, false, rows, in, out, 1, dy, ld_y, w, in, accumulate, dx, ld_x, e);
}

int linear_backward_weight(enum matmul_type type, real *dw, real *d_bias, const real *dy, int64_t ld_y, const real *x, int64_t ld_x, int64_t rows,
                           int64_t out, int64_t in, bool accumulate, struct kernel_error *e) {
  if (matmul(type, true, false, out, in, rows, 1, dy, ld_y, x, ld_x, accumulate, dw, in, e) < 0) return -1;
  return d_bias ? bias_backward(d_bias, dy, ld_y, rows, out, e) : 0;
}

int linear_backward(enum matmul_type type, real *dx, real *dw, real *d_bias, const real *dy, int64_t ld_y, const real *x, int64_t ld_x, const real *w,
                    int64_t rows, int64_t out, int64_t in, bool accumulate_x, bool accumulate_w, struct kernel_error *e) {
  if (linear_backward_weight(type, dw, d_bias, dy, ld_y, x, ld_x, rows, out, in, accumulate_w, e) < 0) return -1;
  return linear_backward_input(type, dx, ld_x, dy, ld_y, w, rows, out, in, accumulate_x, e);
}
