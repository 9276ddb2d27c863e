/* SPDX-License-Identifier: MIT
 *
 * matmul.cuh says how.
 */
#include "kernels/matmul.cuh"

#include "kernels/column_sum.cuh"
#include "kernels/cuda_libraries.h"
#include "kernels/fp8.cuh"
#include "kernels/matvec.cuh"

/* ---- plans */

/* c [M][N] = op(a) op(b), all row-major; compared as bytes, so without padding */
struct product {
  int64_t M, N, K, ld_a, ld_b, ld_c;
  uint64_t workspace;              /* bytes allowed */
  int32_t type_a, type_b, type_c;  /* cudaDataType */
  int32_t compute;                 /* cublasComputeType_t */
  int32_t alignment[3];            /* of a, b, c (and the bias) */
  int32_t scales_a, scales_b;      /* cublasLtMatmulMatrixScale_t, of FP8 */
  int8_t transpose_a, transpose_b, bias, fast; /* fast: of FP8, sums that are not kept in float all along */
};
static_assert(sizeof(struct product) == 7 * 8 + 9 * 4 + 4 && sizeof(struct product) % 8 == 0, "no padding");

struct plan {
  struct product key;
  uint64_t used;
  bool made, refused; /* refused: the library cannot do it */
  cublasLtMatmulDesc_t what;
  cublasLtMatrixLayout_t a, b, c; /* the library's, so a is ours b */
  cublasLtMatmulAlgo_t algorithm;
  size_t workspace; /* that it needs */
};
enum { PLAN_SETS = 256, PLAN_WAYS = 4 }; /* in a set the least recently used one makes room */
static struct plan plans[PLAN_SETS][PLAN_WAYS];
static uint64_t plan_uses;
static cublasLtHandle_t handle;

static int alignment_of(const void *p) {
  int a = 16;
  while ((uintptr_t)p % (uintptr_t)a != 0) a /= 2;
  return a;
}

static void plan_release(const struct cublaslt_library *l, struct plan *p) {
  if (p->what) l->cublasLtMatmulDescDestroy(p->what);
  for (cublasLtMatrixLayout_t layout : {p->a, p->b, p->c})
    if (layout) l->cublasLtMatrixLayoutDestroy(layout);
  *p = {};
}

static cublasStatus_t describe(const struct cublaslt_library *l, struct plan *p, const struct product &s) {
  int32_t first = s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, second = s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  cublasStatus_t r = l->cublasLtMatmulDescCreate(&p->what, (cublasComputeType_t)s.compute, CUDA_R_32F);
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first);
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof second);
  if (r == CUBLAS_STATUS_SUCCESS && s.bias) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
  if (r == CUBLAS_STATUS_SUCCESS && s.scales_b) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &s.scales_b, sizeof s.scales_b);
  if (r == CUBLAS_STATUS_SUCCESS && s.scales_a) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &s.scales_a, sizeof s.scales_a);
  if (r == CUBLAS_STATUS_SUCCESS && s.fast) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &s.fast, sizeof s.fast);
  if (r == CUBLAS_STATUS_SUCCESS)
    r = l->cublasLtMatrixLayoutCreate(&p->a, (cudaDataType_t)s.type_b, (uint64_t)(s.transpose_b ? s.K : s.N), (uint64_t)(s.transpose_b ? s.N : s.K), s.ld_b);
  if (r == CUBLAS_STATUS_SUCCESS)
    r = l->cublasLtMatrixLayoutCreate(&p->b, (cudaDataType_t)s.type_a, (uint64_t)(s.transpose_a ? s.M : s.K), (uint64_t)(s.transpose_a ? s.K : s.M), s.ld_a);
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatrixLayoutCreate(&p->c, (cudaDataType_t)s.type_c, (uint64_t)s.N, (uint64_t)s.M, s.ld_c);
  return r;
}

static cublasStatus_t choose(const struct cublaslt_library *l, struct plan *p, const struct product &s, int *found) {
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t best;
  uint32_t reduction = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE; /* or none */
  cublasStatus_t r = l->cublasLtMatmulPreferenceCreate(&preference);
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &s.workspace, sizeof s.workspace);
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &reduction, sizeof reduction);
  static const struct {
    cublasLtMatmulPreferenceAttributes_t attribute;
    int of;
  } alignments[] = {{CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 1}, {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, 0},
                    {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, 2}, {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, 2}};
  for (const auto &a : alignments) {
    uint32_t bytes = (uint32_t)s.alignment[a.of];
    if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulPreferenceSetAttribute(preference, a.attribute, &bytes, sizeof bytes);
  }
  if (r == CUBLAS_STATUS_SUCCESS) r = l->cublasLtMatmulAlgoGetHeuristic(handle, p->what, p->a, p->b, p->c, p->c, preference, 1, &best, found);
  if (preference) l->cublasLtMatmulPreferenceDestroy(preference);
  if (r == CUBLAS_STATUS_SUCCESS && *found > 0) p->algorithm = best.algo, p->workspace = best.workspaceSize;
  return r;
}

static int plan_failed(const char *op, const struct product &s, cublasStatus_t r, struct kernel_error *e) {
  cublas_failed(e, op, r);
  size_t n = strlen(e->message);
  snprintf(e->message + n, sizeof e->message - n, " (%lld x %lld x %lld, rows %lld, %lld, %lld apart)", (long long)s.M, (long long)s.N, (long long)s.K, (long long)s.ld_a,
           (long long)s.ld_b, (long long)s.ld_c);
  return -1;
}

/* 0 with the plan in *plan, or NULL where the library cannot do such a product at all; -1 with the reason in *e */
static int plan_try(const char *op, const struct product &s, struct plan **plan, struct kernel_error *e) {
  const struct cublaslt_library *l = cublaslt_library(e);
  *plan = nullptr;
  if (!l) return -1;
  uint64_t hash = 14695981039346656037u;
  int64_t words[sizeof s / 8];
  memcpy(words, &s, sizeof s);
  for (int64_t w : words) hash = (hash ^ (uint64_t)w) * 1099511628211u, hash ^= hash >> 32;
  struct plan *set = plans[hash % PLAN_SETS], *p = set;
  for (int i = 0; i < PLAN_WAYS; i++) {
    if (set[i].made && memcmp(&set[i].key, &s, sizeof s) == 0) {
      set[i].used = ++plan_uses;
      *plan = set[i].refused ? nullptr : &set[i];
      return 0;
    }
    if (set[i].used < p->used) p = &set[i];
  }
  plan_release(l, p);
  int found = 0;
  cublasStatus_t r = handle ? CUBLAS_STATUS_SUCCESS : l->cublasLtCreate(&handle);
  if (r == CUBLAS_STATUS_SUCCESS) r = describe(l, p, s);
  if (r == CUBLAS_STATUS_SUCCESS) r = choose(l, p, s, &found);
  bool refused = (r == CUBLAS_STATUS_SUCCESS && found == 0) || r == CUBLAS_STATUS_NOT_SUPPORTED || r == CUBLAS_STATUS_INVALID_VALUE;
  if (r != CUBLAS_STATUS_SUCCESS || refused) plan_release(l, p);
  if (r != CUBLAS_STATUS_SUCCESS && !refused) return plan_failed(op, s, r, e);
  p->key = s, p->used = ++plan_uses, p->made = true, p->refused = refused;
  *plan = refused ? nullptr : p;
  return 0;
}

/* NULL with the reason in *e */
static struct plan *plan_for(const char *op, const struct product &s, struct kernel_error *e) {
  struct plan *p;
  if (plan_try(op, s, &p, e) == 0 && !p) plan_failed(op, s, CUBLAS_STATUS_NOT_SUPPORTED, e);
  return p;
}

/* scale_a, scale_b: of FP8 factors, else NULL.  workspace: what the plan needs */
static int plan_run(const char *op, const struct plan *p, float alpha, const void *a, const float *scale_a, const void *b, const float *scale_b, float beta,
                    const void *addend, void *c, const void *bias, void *workspace, struct kernel_error *e) {
  const struct cublaslt_library *l = cublaslt_library(e);
  if (!l) return -1;
  cublasStatus_t r = CUBLAS_STATUS_SUCCESS;
  if (bias) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias);
  if (r == CUBLAS_STATUS_SUCCESS && scale_a) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &scale_a, sizeof scale_a);
  if (r == CUBLAS_STATUS_SUCCESS && scale_b) r = l->cublasLtMatmulDescSetAttribute(p->what, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &scale_b, sizeof scale_b);
  if (r == CUBLAS_STATUS_SUCCESS)
    r = l->cublasLtMatmul(handle, p->what, &alpha, b, p->a, a, p->b, &beta, addend, p->c, c, p->c, &p->algorithm, p->workspace ? workspace : nullptr, p->workspace,
                          cuda_stream());
  return r == CUBLAS_STATUS_SUCCESS ? 0 : cublas_failed(e, op, r);
}

/* ---- without a k */

/* c = beta addend + bias */
template <class T> static __global__ void __launch_bounds__(256) no_product_kernel(T *c, int64_t ld, int64_t M, int64_t N, float beta, const T *addend, const T *bias) {
  int64_t n = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (n >= N) return;
  float add = bias ? to_float(bias[n]) : 0;
  for (int64_t m = blockIdx.y; m < M; m += gridDim.y) c[m * ld + n] = from_float<T>(beta == 0 ? add : beta * to_float(addend[m * ld + n]) + add);
}
template <class T> static int no_product(const char *op, T *c, int64_t ld, int64_t M, int64_t N, float beta, const T *addend, const T *bias, struct kernel_error *e) {
  CUDA_LAUNCH(no_product_kernel<T>, dim3((unsigned)divide_up(N, 256), (unsigned)min(M, (int64_t)65535)), 256, 0, cuda_stream(), c, ld, M, N, beta, addend, bias);
  return launched(op, e);
}

/* ---- products of floats or bfloat16 */

size_t cuda_gemm_workspace() {
  int c = cuda_device()->capability;
  return (size_t)(c == 90 || c == 100 || c == 103 ? 32 : 4) << 20;
}

template <class T> static int32_t data_type() { return sizeof(T) == 2 ? CUDA_R_16BF : CUDA_R_32F; }

static int32_t compute_of(enum matmul_type type, bool half) {
  if (half || type == MATMUL_FP32) return CUBLAS_COMPUTE_32F;
  return type == MATMUL_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F_FAST_16BF;
}

template <class T, class C>
static struct product product_of(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, const T *a, int64_t ld_a, const T *b,
                                 int64_t ld_b, const C *c, int64_t ld_c, const C *bias) {
  struct product s = {M, N, K, ld_a, ld_b, ld_c, cuda_gemm_workspace(), data_type<T>(), data_type<T>(), data_type<C>(), compute_of(type, sizeof(T) == 2)};
  s.alignment[0] = alignment_of(a), s.alignment[1] = alignment_of(b), s.alignment[2] = min(alignment_of(c), alignment_of(bias));
  s.transpose_a = transpose_a, s.transpose_b = transpose_b, s.bias = bias != nullptr;
  return s;
}

/* ---- FP8 */

/* Which products may be of FP8 factors: activations by weights, gradients by weights, gradients by activations */
enum precision { ANY_BUT_FP8, FP8_FORWARD, FP8_INPUT, FP8_WEIGHT };

static enum fp8_scales fp8_wanted = FP8_SCALES_BLOCKS;
static double fp8_least = 1;
static int64_t fp8_fallbacks;
void fp8_choose(enum fp8_scales scales, double least) { fp8_wanted = scales, fp8_least = least; }
int64_t fp8_without_blocks() { return fp8_fallbacks; }

static bool fp8_blocks() { return fp8_wanted == FP8_SCALES_BLOCKS && cuda_device()->capability == 90; }

/* The sizes and c's alignment are what 8-bit products ask for. */
template <class C> static bool fp8_can(enum matmul_type type, const struct product &s) {
  return type == MATMUL_FP8 && s.type_a == CUDA_R_16BF && cuda_device()->capability >= 90 && s.M > 0 && s.N > 0 && s.K > 0 && s.M % FP8_MULTIPLE == 0 && s.N % FP8_MULTIPLE == 0 &&
         s.K % FP8_MULTIPLE == 0 && s.alignment[2] == 16 && s.ld_c * (int64_t)sizeof(C) % 16 == 0;
}
/* `elements` are read, and `written` bytes are made of them, for so many products of M N K */
static bool fp8_pays(const struct product &s, double products, double elements, double written) {
  double bytes = (fp8_blocks() ? 2 : 4) * elements + written, work = fp8_blocks() ? FP8_BLOCKS_WORK : FP8_MATRIX_WORK;
  return 2 * products * (double)s.M * (double)s.N * (double)s.K >= fp8_least * work * bytes;
}

static enum fp8_kind fp8_kind_a(bool blocks) { return blocks ? FP8_VECTORS : FP8_WHOLE; }
static enum fp8_kind fp8_kind_b(bool blocks, enum precision fp8) { return !blocks ? FP8_WHOLE : fp8 == FP8_WEIGHT ? FP8_VECTORS : FP8_SQUARES; }

/* s with factors as fp8_quantize() leaves them */
static struct product fp8_product(struct product s, enum precision fp8, bool blocks) {
  s.type_a = !blocks && fp8 != FP8_FORWARD ? CUDA_R_8F_E5M2 : CUDA_R_8F_E4M3, s.type_b = CUDA_R_8F_E4M3, s.fast = !blocks && fp8 == FP8_FORWARD;
  s.transpose_a = false, s.transpose_b = true, s.ld_a = s.ld_b = s.K, s.alignment[0] = s.alignment[1] = 16;
  if (blocks) s.scales_a = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F, s.scales_b = fp8 == FP8_WEIGHT ? CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F : CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F;
  return s;
}
/* *blocks: whether to ask for blocks, and whether they were found, else it is the plan of one scale a matrix.  NULL with the reason in *e */
static struct plan *fp8_plan(const char *op, const struct product &s, enum precision fp8, bool *blocks, struct kernel_error *e) {
  struct plan *p = nullptr;
  if (*blocks && plan_try(op, fp8_product(s, fp8, true), &p, e) < 0) return nullptr;
  fp8_fallbacks += fp8_wanted == FP8_SCALES_BLOCKS && !p;
  *blocks = p != nullptr;
  return p ? p : plan_for(op, fp8_product(s, fp8, false), e);
}

static size_t whole(size_t bytes) { return (bytes + 255) / 256 * 256; }

/* A product of FP8 factors, all of it but for checks */
static int multiply_fp8(const char *op, enum precision fp8, const struct product &s, bool transpose_a, bool transpose_b, float alpha, const bf16 *a, int64_t ld_a,
                        const bf16 *b, int64_t ld_b, float beta, void *c, const void *bias, size_t own_bytes, void **own, struct kernel_error *e) {
  bool blocks = fp8_blocks();
  struct plan *p = fp8_plan(op, s, fp8, &blocks, e);
  if (!p) return -1;
  char *base = nullptr;
  struct fp8_factors both;
  for (int run = 0; run < 2; run++) { /* counts, then lays out */
    size_t used = whole(p->workspace);
    both.of[0] = fp8_factor(fp8_kind_a(blocks), a, ld_a, transpose_a ? s.K : s.M, transpose_a ? s.M : s.K, !transpose_a, transpose_a, fp8 != FP8_FORWARD, base, &used);
    both.of[1] = fp8_factor(fp8_kind_b(blocks, fp8), b, ld_b, transpose_b ? s.N : s.K, transpose_b ? s.K : s.N, transpose_b, !transpose_b, false, base, &used);
    void *at = fp8_take(base, &used, own_bytes);
    if (own) *own = at;
    if (!base && !(base = (char *)cuda_workspace(used, e))) return -1;
  }
  fp8_quantize(both, 2);
  if (launched(op, e) != 0) return -1;
  const struct fp8_factor &left = both.of[0], &right = both.of[1];
  return plan_run(op, p, alpha, transpose_a ? left.transposed : left.plain, transpose_a ? left.transposed_scales : left.plain_scales,
                  transpose_b ? right.plain : right.transposed, transpose_b ? right.plain_scales : right.transposed_scales, beta, c, c, bias, base, e);
}

/* ---- ops' products */

/* The whole of an op, but for few rows.  *own: `own_bytes` of workspace for the caller */
template <class T, class C>
static int multiply(const char *op, enum matmul_type type, enum precision fp8, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha,
                    const T *a, int64_t ld_a, const T *b, int64_t ld_b, float beta, C *c, int64_t ld_c, const C *bias, size_t own_bytes, void **own,
                    struct kernel_error *e) {
  if (M < 0 || N < 0 || K < 0 || ld_a < (transpose_a ? M : K) || ld_b < (transpose_b ? K : N) || ld_c < N)
    return kernel_fail(e, "%s: sizes %lld x %lld x %lld with row distances %lld, %lld, %lld", op, (long long)M, (long long)N, (long long)K, (long long)ld_a,
                       (long long)ld_b, (long long)ld_c);
  bool none = M == 0 || N == 0 || K == 0;
  struct product s = product_of(type, transpose_a, transpose_b, M, N, K, a, ld_a, b, ld_b, c, ld_c, bias);
  if constexpr (sizeof(T) == 2) {
    double elements = ((double)M + (double)N) * (double)K;
    if (fp8 && fp8_can<C>(type, s) && fp8_pays(s, 1, elements, elements))
      return multiply_fp8(op, fp8, s, transpose_a, transpose_b, alpha, a, ld_a, b, ld_b, beta, c, bias, own_bytes, own, e);
  }
  struct plan *p = none ? nullptr : plan_for(op, s, e);
  if (!none && !p) return -1;
  size_t library_bytes = p ? whole(p->workspace) : 0;
  char *workspace = nullptr;
  if (library_bytes + own_bytes && !(workspace = (char *)cuda_workspace(library_bytes + own_bytes, e))) return -1;
  if (own) *own = workspace + library_bytes;
  if (M == 0 || N == 0) return 0;
  if (K == 0) return no_product(op, c, ld_c, M, N, beta, (const C *)c, bias, e);
  return plan_run(op, p, alpha, a, nullptr, b, nullptr, beta, c, c, bias, workspace, e);
}

template <class T, class C>
static int gemm(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const void *a, int64_t ld_a, const void *b,
                int64_t ld_b, float beta, const void *addend, void *c, int64_t ld_c, void *workspace, size_t workspace_bytes, struct kernel_error *e) {
  const C *bias = nullptr;
  if (M == 0 || N == 0) return 0;
  if (beta == 0) addend = c;
  if (K == 0) return no_product("gemm", (C *)c, ld_c, M, N, beta, (const C *)addend, bias, e);
  struct product s = product_of(type, transpose_a, transpose_b, M, N, K, (const T *)a, ld_a, (const T *)b, ld_b, (const C *)c, ld_c, bias);
  s.alignment[2] = min(s.alignment[2], alignment_of(addend));
  s.workspace = min((uint64_t)workspace_bytes, s.workspace);
  struct plan *p = plan_for("gemm", s, e);
  return p ? plan_run("gemm", p, alpha, a, nullptr, b, nullptr, beta, addend, c, nullptr, workspace, e) : -1;
}

int cuda_gemm(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const void *a, bool a_half,
              int64_t ld_a, const void *b, bool b_half, int64_t ld_b, float beta, const void *addend, void *c, bool c_half, int64_t ld_c,
              void *workspace, size_t workspace_bytes, struct kernel_error *e) {
  if (a_half != b_half || (c_half && !a_half)) return kernel_fail(e, "gemm: factors of different types, or bfloat16 of floats");
  auto *run = c_half ? gemm<bf16, bf16> : a_half ? gemm<bf16, float> : gemm<float, float>;
  return run(type, transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, addend, c, ld_c, workspace, workspace_bytes, e);
}

/* ---- ops */

template <class T>
static int matmul(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const stored *a, int64_t ld_a,
                  const stored *b, int64_t ld_b, real beta, stored *c, int64_t ld_c, struct kernel_error *e) {
  if (transpose_b && !transpose_a && M <= MATVEC_MOST_ROWS && M > 0 && K > 0 && ld_a >= K && ld_b >= K && ld_c >= N)
    return matvec(elements<T>(c), ld_c, elements<T>(a), ld_a, elements<T>(b), ld_b, (const T *)nullptr, M, N, K, alpha, beta, e);
  return multiply("matmul", type, ANY_BUT_FP8, transpose_a, transpose_b, M, N, K, alpha, elements<T>(a), ld_a, elements<T>(b), ld_b, beta, elements<T>(c), ld_c,
                  (const T *)nullptr, 0, nullptr, e);
}

template <class T>
static int linear_forward(enum matmul_type type, stored *y, int64_t ld_y, const stored *x, int64_t ld_x, const stored *w, const stored *bias, int64_t rows,
                          int64_t out, int64_t in, struct kernel_error *e) {
  if (rows <= MATVEC_MOST_ROWS && rows > 0 && in > 0 && ld_x >= in && ld_y >= out)
    return matvec(elements<T>(y), ld_y, elements<T>(x), ld_x, elements<T>(w), in, elements<T>(bias), rows, out, in, 1, 0, e);
  return multiply("linear_forward", type, FP8_FORWARD, false, true, rows, out, in, 1, elements<T>(x), ld_x, elements<T>(w), in, 0, elements<T>(y), ld_y,
                  elements<T>(bias), 0, nullptr, e);
}

template <class T>
static int linear_backward_input(enum matmul_type type, stored *dx, int64_t ld_x, const stored *dy, int64_t ld_y, const stored *w, int64_t rows, int64_t out,
                                 int64_t in, bool accumulate, struct kernel_error *e) {
  return multiply("linear_backward_input", type, FP8_INPUT, false, false, rows, in, out, 1, elements<T>(dy), ld_y, elements<T>(w), in, accumulate,
                  elements<T>(dx), ld_x, (const T *)nullptr, 0, nullptr, e);
}

template <class T>
static int linear_backward_weight(enum matmul_type type, real *dw, real *d_bias, const stored *dy, int64_t ld_y, const stored *x, int64_t ld_x, int64_t rows,
                                  int64_t out, int64_t in, bool accumulate, struct kernel_error *e) {
  const char *op = "linear_backward_weight";
  bool sums = d_bias && rows > 0 && out > 0;
  struct column_sum_plan plan = {};
  if (sums) plan = column_sum_plan(elements<T>(dy), ld_y, rows, out);
  void *partial = nullptr;
  if (multiply(op, type, FP8_WEIGHT, true, false, out, in, rows, 1, elements<T>(dy), ld_y, elements<T>(x), ld_x, accumulate, dw, in, (const real *)nullptr,
               sums ? column_sum_bytes(plan, out) : 0, &partial, e) != 0)
    return -1;
  if (!sums) return 0;
  column_sum(d_bias, elements<T>(dy), ld_y, rows, out, plan, (float *)partial);
  return launched(op, e);
}

/* Both with dy read once; 1 where they are not to be of FP8 */
static int backward_fp8(enum matmul_type type, bf16 *dx, float *dw, float *d_bias, const bf16 *dy, int64_t ld_y, const bf16 *x, int64_t ld_x, const bf16 *w, int64_t rows,
                        int64_t out, int64_t in, bool accumulate_x, bool accumulate_w, struct kernel_error *e) {
  const char *op = "linear_backward";
  struct product to_x = product_of(type, false, false, rows, in, out, dy, ld_y, w, in, dx, ld_x, (const bf16 *)nullptr);
  struct product to_w = product_of(type, true, false, out, in, rows, dy, ld_y, x, ld_x, dw, in, (const float *)nullptr);
  double n_dy = (double)rows * (double)out, n_x = (double)rows * (double)in, n_w = (double)out * (double)in;
  if (ld_y < out || ld_x < in || !fp8_can<bf16>(type, to_x) || !fp8_can<float>(type, to_w) || !fp8_pays(to_x, 2, n_dy + n_x + n_w, 2 * n_dy + n_x + n_w)) return 1;
  bool blocks = fp8_blocks(), blocks_w = blocks;
  struct plan *plan_x = fp8_plan(op, to_x, FP8_INPUT, &blocks, e), *plan_w = plan_x ? fp8_plan(op, to_w, FP8_WEIGHT, &blocks_w, e) : nullptr;
  if (!plan_w) return -1;
  if (blocks != blocks_w) return 1;
  struct column_sum_plan sums = {};
  if (d_bias) sums = column_sum_plan(dy, ld_y, rows, out);
  char *base = nullptr;
  void *partial = nullptr;
  struct fp8_factors all;
  for (int run = 0; run < 2; run++) { /* counts, then lays out */
    size_t used = whole(max(plan_x->workspace, plan_w->workspace));
    all.of[0] = fp8_factor(fp8_kind_a(blocks), dy, ld_y, rows, out, true, true, true, base, &used);
    all.of[1] = fp8_factor(fp8_kind_b(blocks, FP8_WEIGHT), x, ld_x, rows, in, false, true, false, base, &used);
    all.of[2] = fp8_factor(fp8_kind_b(blocks, FP8_INPUT), w, in, out, in, false, true, false, base, &used);
    partial = fp8_take(base, &used, d_bias ? column_sum_bytes(sums, out) : 0);
    if (!base && !(base = (char *)cuda_workspace(used, e))) return -1;
  }
  fp8_quantize(all, 3);
  if (launched(op, e) != 0) return -1;
  const struct fp8_factor &g = all.of[0];
  if (plan_run(op, plan_w, 1, g.transposed, g.transposed_scales, all.of[1].transposed, all.of[1].transposed_scales, accumulate_w, dw, dw, nullptr, base, e) < 0) return -1;
  if (d_bias) column_sum(d_bias, dy, ld_y, rows, out, sums, (float *)partial);
  if (launched(op, e) != 0) return -1;
  return plan_run(op, plan_x, 1, g.plain, g.plain_scales, all.of[2].transposed, all.of[2].transposed_scales, accumulate_x, dx, dx, nullptr, base, e);
}

template <class T>
static int linear_backward(enum matmul_type type, stored *dx, real *dw, real *d_bias, const stored *dy, int64_t ld_y, const stored *x, int64_t ld_x, const stored *w,
                           int64_t rows, int64_t out, int64_t in, bool accumulate_x, bool accumulate_w, struct kernel_error *e) {
  if constexpr (sizeof(T) == 2) {
    int r = backward_fp8(type, elements<T>(dx), dw, d_bias, elements<T>(dy), ld_y, elements<T>(x), ld_x, elements<T>(w), rows, out, in, accumulate_x, accumulate_w, e);
    if (r <= 0) return r;
  }
  if (linear_backward_weight<T>(type, dw, d_bias, dy, ld_y, x, ld_x, rows, out, in, accumulate_w, e) < 0) return -1;
  return linear_backward_input<T>(type, dx, ld_x, dy, ld_y, w, rows, out, in, accumulate_x, e);
}

template <class T> static void fill(struct backend *b) {
  b->matmul = matmul<T>;
  b->linear_forward = linear_forward<T>;
  b->linear_backward_input = linear_backward_input<T>;
  b->linear_backward_weight = linear_backward_weight<T>;
  b->linear_backward = linear_backward<T>;
}

extern "C" void matmul_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
