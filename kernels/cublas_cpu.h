/* SPDX-License-Identifier: MIT
 *
 * The part of cuBLASLt that the ops use, for the emulator: d = alpha op(a) op(b) + beta c (+ bias), column-major, with the
 * operands widened to float, sgemm of the CPU's BLAS, and d rounded at the end.
 * Strict about what the library refuses on a GPU of capability 9.0 (cuBLAS 13.0, cublasLtMatmul(), "supported data types"
 * and the requirements of FP8 kernels): combinations of types, FP8 but as transposed times plain with sizes and pointers
 * that are multiples of 16, FP8 scales of blocks ("128-element 1D and 128x128 2D block scaling": vectors of 128 along k, one of the
 * two may have squares; for capability 9.0 only, at multiples of 16 bytes), c that is d with another layout, and, here always, where there the algorithm decides: an
 * algorithm that was chosen for another problem, pointers less aligned than it was told, too small a workspace.
 */
#ifndef KERNELS_CUBLAS_CPU_H
#define KERNELS_CUBLAS_CPU_H

#include <cmath>

#include "kernels/cuda_runtime_cpu.h"

typedef enum {
  CUBLAS_STATUS_SUCCESS = 0, CUBLAS_STATUS_NOT_INITIALIZED = 1, CUBLAS_STATUS_ALLOC_FAILED = 3, CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8, CUBLAS_STATUS_MAPPING_ERROR = 11, CUBLAS_STATUS_EXECUTION_FAILED = 13, CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15
} cublasStatus_t;
typedef enum { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 } cublasOperation_t;
typedef enum { CUBLAS_FILL_MODE_LOWER = 0, CUBLAS_FILL_MODE_UPPER = 1, CUBLAS_FILL_MODE_FULL = 2 } cublasFillMode_t;
typedef enum { CUBLAS_COMPUTE_32F = 68, CUBLAS_COMPUTE_32F_PEDANTIC = 69, CUBLAS_COMPUTE_32F_FAST_16BF = 75, CUBLAS_COMPUTE_32F_FAST_TF32 = 77 } cublasComputeType_t;
typedef enum cudaDataType_t { CUDA_R_32F = 0, CUDA_R_16BF = 14, CUDA_R_8F_E4M3 = 28, CUDA_R_8F_E5M2 = 29 } cudaDataType_t;
typedef cudaDataType_t cudaDataType;
typedef enum {
  CUBLASLT_MATMUL_DESC_TRANSA = 3, CUBLASLT_MATMUL_DESC_TRANSB = 4, CUBLASLT_MATMUL_DESC_EPILOGUE = 7, CUBLASLT_MATMUL_DESC_BIAS_POINTER = 8,
  CUBLASLT_MATMUL_DESC_A_SCALE_POINTER = 17, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER = 18, CUBLASLT_MATMUL_DESC_FAST_ACCUM = 25,
  CUBLASLT_MATMUL_DESC_A_SCALE_MODE = 31, CUBLASLT_MATMUL_DESC_B_SCALE_MODE = 32
} cublasLtMatmulDescAttributes_t;
typedef enum {
  CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F = 0, CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F = 4, CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F = 5
} cublasLtMatmulMatrixScale_t;
typedef enum { CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_BIAS = 4 } cublasLtEpilogue_t;
typedef enum {
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK = 3, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES = 5,
  CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES = 6, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES = 7, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES = 8
} cublasLtMatmulPreferenceAttributes_t;
typedef enum {
  CUBLASLT_REDUCTION_SCHEME_NONE = 0, CUBLASLT_REDUCTION_SCHEME_INPLACE = 1, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE = 2,
  CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE = 4, CUBLASLT_REDUCTION_SCHEME_MASK = 7
} cublasLtReductionScheme_t;

struct cublasLtContext {};
typedef struct cublasLtContext *cublasLtHandle_t;
struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  int64_t rows, columns, ld;
};
typedef struct cublasLtMatrixLayoutOpaque_t *cublasLtMatrixLayout_t;
struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  int32_t transpose[2];
  uint32_t epilogue;
  const void *bias;
  const float *scale[2];
  int32_t scale_mode[2];
  int8_t fast_accumulation;
};
typedef struct cublasLtMatmulDescOpaque_t *cublasLtMatmulDesc_t;
struct cublasLtMatmulPreferenceOpaque_t {
  uint64_t workspace;
  uint32_t reduction, alignment[4];
};
typedef struct cublasLtMatmulPreferenceOpaque_t *cublasLtMatmulPreference_t;
typedef struct {
  uint64_t data[8]; /* hash of the problem, workspace, four alignments, which of the algorithms */
} cublasLtMatmulAlgo_t;
typedef struct {
  cublasLtMatmulAlgo_t algo;
  size_t workspaceSize;
  cublasStatus_t state;
  float wavesCount;
  int reserved[4];
} cublasLtMatmulHeuristicResult_t;

extern "C" void sgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k, const float *alpha, const float *a, const int *lda,
                       const float *b, const int *ldb, const float *beta, float *c, const int *ldc);

namespace cuda_cpu {

inline size_t blas_size(cudaDataType_t t) { return t == CUDA_R_32F ? 4 : t == CUDA_R_16BF ? 2 : 1; }
inline bool blas_is_fp8(cudaDataType_t t) { return t == CUDA_R_8F_E4M3 || t == CUDA_R_8F_E5M2; }

inline float blas_read(const void *p, int64_t i, cudaDataType_t type) {
  if (type == CUDA_R_32F) return static_cast<const float *>(p)[i];
  if (type == CUDA_R_16BF) {
    uint32_t u = (uint32_t)static_cast<const uint16_t *>(p)[i] << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
  }
  unsigned x = static_cast<const uint8_t *>(p)[i], bits = type == CUDA_R_8F_E4M3 ? 3 : 2, bias = type == CUDA_R_8F_E4M3 ? 7 : 15;
  unsigned fraction = x & ((1u << bits) - 1), exponent = (x & 0x7f) >> bits;
  double value;
  if (type == CUDA_R_8F_E4M3 ? (x & 0x7f) == 0x7f : exponent == 31 && fraction) value = NAN;
  else if (type == CUDA_R_8F_E5M2 && exponent == 31) value = INFINITY;
  else value = exponent ? ldexp(1 + (double)fraction / (1u << bits), (int)(exponent - bias)) : ldexp((double)fraction / (1u << bits), 1 - (int)bias);
  return (float)(x & 0x80 ? -value : value);
}
inline void blas_write(void *p, int64_t i, cudaDataType_t type, float x) {
  if (type == CUDA_R_32F) {
    static_cast<float *>(p)[i] = x;
    return;
  }
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  static_cast<uint16_t *>(p)[i] = (u & 0x7fffffff) > 0x7f800000 ? 0x7fff : (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
/* As a product reads a float: 10 bits of fraction (TF32) or 7 (bfloat16), to nearest */
inline float blas_rounded(float x, cublasComputeType_t compute) {
  uint32_t u, unit = compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? 1u << 13 : compute == CUBLAS_COMPUTE_32F_FAST_16BF ? 1u << 16 : 1;
  memcpy(&u, &x, sizeof u);
  if ((u & 0x7f800000) != 0x7f800000) u = (u + unit / 2) & -unit;
  memcpy(&x, &u, sizeof x);
  return x;
}

struct blas_problem {
  cublasLtMatmulDescOpaque_t what;
  cublasLtMatrixLayoutOpaque_t a, b, c, d;
};

inline cublasStatus_t blas_check(const blas_problem &p) {
  const auto &w = p.what;
  int64_t m = p.d.rows, n = p.d.columns, k = w.transpose[0] ? p.a.rows : p.a.columns;
  if (p.c.rows != m || p.c.columns != n || (w.transpose[0] ? p.a.columns : p.a.rows) != m || (w.transpose[1] ? p.b.rows : p.b.columns) != n ||
      (w.transpose[1] ? p.b.columns : p.b.rows) != k)
    return CUBLAS_STATUS_INVALID_VALUE;
  for (const auto *l : {&p.a, &p.b, &p.c, &p.d})
    if (l->rows < 1 || l->columns < 1 || l->ld < l->rows) return CUBLAS_STATUS_INVALID_VALUE;
  bool fp8 = blas_is_fp8(p.a.type);
  for (int32_t mode : w.scale_mode)
    if (mode != CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F && mode != CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F && mode != CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F) return CUBLAS_STATUS_INVALID_VALUE;
  if (blas_is_fp8(p.b.type) != fp8 || (!fp8 && p.a.type != p.b.type) || p.c.type != p.d.type || (w.epilogue != CUBLASLT_EPILOGUE_DEFAULT && w.epilogue != CUBLASLT_EPILOGUE_BIAS))
    return CUBLAS_STATUS_NOT_SUPPORTED;
  if (p.d.type != CUDA_R_32F && (p.d.type != CUDA_R_16BF || p.a.type == CUDA_R_32F)) return CUBLAS_STATUS_NOT_SUPPORTED;
  if ((w.compute == CUBLAS_COMPUTE_32F_FAST_TF32 || w.compute == CUBLAS_COMPUTE_32F_FAST_16BF) && p.a.type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  if (fp8) {
    if (p.a.type == CUDA_R_8F_E5M2 && p.b.type == CUDA_R_8F_E5M2) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (w.compute != CUBLAS_COMPUTE_32F || !w.transpose[0] || w.transpose[1]) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (m % 16 || k % 16 || p.a.ld % 16 || p.b.ld % 16 || p.d.ld % (16 / (int64_t)blas_size(p.d.type)) || p.c.ld % (16 / (int64_t)blas_size(p.d.type)))
      return CUBLAS_STATUS_NOT_SUPPORTED;
    if (w.scale_mode[0] || w.scale_mode[1]) {
      cudaDeviceProp device;
      if (cudaGetDeviceProperties(&device, 0) != cudaSuccess || device.major != 9 || device.minor != 0) return CUBLAS_STATUS_NOT_SUPPORTED;
      if (!w.scale_mode[0] || !w.scale_mode[1] || (w.scale_mode[0] == w.scale_mode[1] && w.scale_mode[0] == CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F)) return CUBLAS_STATUS_NOT_SUPPORTED;
      if (m % 4 || n % 4) return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (w.epilogue == CUBLASLT_EPILOGUE_BIAS && p.d.type != CUDA_R_16BF) return CUBLAS_STATUS_NOT_SUPPORTED; /* its type would differ from d's */
  } else if (w.scale[0] || w.scale[1] || w.scale_mode[0] || w.scale_mode[1] || w.fast_accumulation) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

inline uint64_t blas_hash(const blas_problem &p) {
  const int64_t parts[] = {p.what.compute, p.what.transpose[0], p.what.transpose[1], p.what.epilogue, p.what.fast_accumulation, p.what.scale_mode[0], p.what.scale_mode[1], p.a.type, p.a.rows, p.a.columns,
                           p.a.ld, p.b.type, p.b.rows, p.b.columns, p.b.ld, p.c.type, p.c.ld, p.d.type, p.d.rows, p.d.columns, p.d.ld};
  uint64_t h = 1469598103934665603u;
  for (int64_t part : parts) h = (h ^ (uint64_t)part) * 1099511628211u, h ^= h >> 29;
  return h;
}

/* Of the factor's element `outer`, `j` along k: of all of them 1, as the whole product is multiplied by it */
inline float blas_scale(const blas_problem &p, int which, int64_t outers, int64_t outer, int64_t k, int64_t j) {
  const float *scale = p.what.scale[which];
  int64_t blocks = (k + 127) / 128;
  if (p.what.scale_mode[which] == CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F) return scale[j / 128 * outers + outer];
  if (p.what.scale_mode[which] == CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F) return scale[outer / 128 * ((blocks + 3) / 4 * 4) + j / 128];
  return 1;
}
/* `pieces` > 1: k is split, and the parts are summed in the workspace in order */
inline void blas_run(const blas_problem &p, float alpha, const void *a, const void *b, float beta, const void *c, void *d, int pieces, void *workspace, size_t bytes) {
  const auto &w = p.what;
  int64_t m = p.d.rows, n = p.d.columns, k = w.transpose[0] ? p.a.rows : p.a.columns;
  std::vector<float> left((size_t)(m * k)), right((size_t)(k * n)), sum((size_t)(m * n));
  for (int64_t j = 0; j < k; j++)
    for (int64_t i = 0; i < m; i++) {
      float x = blas_read(a, w.transpose[0] ? i * p.a.ld + j : j * p.a.ld + i, p.a.type);
      left[(size_t)(j * m + i)] = blas_rounded(x, w.compute) * blas_scale(p, 0, m, i, k, j);
    }
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < k; i++) {
      float x = blas_read(b, w.transpose[1] ? i * p.b.ld + j : j * p.b.ld + i, p.b.type);
      right[(size_t)(j * k + i)] = blas_rounded(x, w.compute) * blas_scale(p, 1, n, j, k, i);
    }
  if (bytes) memset(workspace, 0xff, bytes);
  float one = 1, scale = alpha;
  for (int i = 0; i < 2; i++)
    if (w.scale[i] && !w.scale_mode[i]) scale *= *w.scale[i];
  int M = (int)m, N = (int)n, ld = (int)k;
  for (int i = 0; i < pieces; i++) {
    int64_t from = k * i / pieces, to = k * (i + 1) / pieces;
    int K = (int)(to - from);
    float add = i > 0;
    sgemm_("N", "N", &M, &N, &K, &one, left.data() + from * m, &M, right.data() + from, &ld, &add, sum.data(), &M);
  }
  for (int64_t j = 0; j < n; j++)
    for (int64_t i = 0; i < m; i++) {
      float x = scale * sum[(size_t)(j * m + i)];
      if (beta != 0) x += beta * blas_read(c, j * p.c.ld + i, p.c.type);
      if (w.epilogue == CUBLASLT_EPILOGUE_BIAS) x += blas_read(w.bias, i, p.d.type);
      blas_write(d, j * p.d.ld + i, p.d.type, x);
    }
}

} // namespace cuda_cpu

inline cublasStatus_t cublasLtCreate(cublasLtHandle_t *h) {
  if (cuda_cpu::capturing()) return CUBLAS_STATUS_ALLOC_FAILED;
  *h = new cublasLtContext();
  return CUBLAS_STATUS_SUCCESS;
}
inline size_t cublasLtGetVersion() { return 0; }
inline cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *l, cudaDataType_t type, uint64_t rows, uint64_t columns, int64_t ld) {
  *l = new cublasLtMatrixLayoutOpaque_t{type, (int64_t)rows, (int64_t)columns, ld};
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return delete l, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t scale_type) {
  if (scale_type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  *d = new cublasLtMatmulDescOpaque_t{compute, {0, 0}, CUBLASLT_EPILOGUE_DEFAULT, nullptr, {nullptr, nullptr}, {0, 0}, 0};
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return delete d, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what, const void *from, size_t bytes) {
  void *to;
  size_t size;
  switch (what) {
  case CUBLASLT_MATMUL_DESC_TRANSA: to = &d->transpose[0], size = sizeof d->transpose[0]; break;
  case CUBLASLT_MATMUL_DESC_TRANSB: to = &d->transpose[1], size = sizeof d->transpose[1]; break;
  case CUBLASLT_MATMUL_DESC_EPILOGUE: to = &d->epilogue, size = sizeof d->epilogue; break;
  case CUBLASLT_MATMUL_DESC_BIAS_POINTER: to = &d->bias, size = sizeof d->bias; break;
  case CUBLASLT_MATMUL_DESC_A_SCALE_POINTER: to = &d->scale[0], size = sizeof d->scale[0]; break;
  case CUBLASLT_MATMUL_DESC_B_SCALE_POINTER: to = &d->scale[1], size = sizeof d->scale[1]; break;
  case CUBLASLT_MATMUL_DESC_A_SCALE_MODE: to = &d->scale_mode[0], size = sizeof d->scale_mode[0]; break;
  case CUBLASLT_MATMUL_DESC_B_SCALE_MODE: to = &d->scale_mode[1], size = sizeof d->scale_mode[1]; break;
  case CUBLASLT_MATMUL_DESC_FAST_ACCUM: to = &d->fast_accumulation, size = sizeof d->fast_accumulation; break;
  default: return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (bytes != size) return CUBLAS_STATUS_INVALID_VALUE;
  memcpy(to, from, size);
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p) {
  *p = new cublasLtMatmulPreferenceOpaque_t{0, CUBLASLT_REDUCTION_SCHEME_MASK, {256, 256, 256, 256}};
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return delete p, CUBLAS_STATUS_SUCCESS; }
inline cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t what, const void *from, size_t bytes) {
  int which = (int)what - (int)CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
  if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES && bytes == 8) memcpy(&p->workspace, from, bytes);
  else if (what == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK && bytes == 4) memcpy(&p->reduction, from, bytes);
  else if (which >= 0 && which < 4 && bytes == 4) memcpy(&p->alignment[which], from, bytes);
  else return CUBLAS_STATUS_INVALID_VALUE;
  return CUBLAS_STATUS_SUCCESS;
}
/* Two algorithms, of which one splits k, where workspace allows; it is the better one where k is long */
inline cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t what, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                                     cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference, int wanted,
                                                     cublasLtMatmulHeuristicResult_t results[], int *count) {
  *count = 0;
  if (!h || wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
  cuda_cpu::blas_problem p = {*what, *a, *b, *c, *d};
  cublasStatus_t s = cuda_cpu::blas_check(p);
  if (s != CUBLAS_STATUS_SUCCESS) return s;
  for (int i = 0; i < 4; i++)
    if (cuda_cpu::blas_is_fp8(a->type) && preference->alignment[i] % 16) return CUBLAS_STATUS_NOT_SUPPORTED;
  size_t split = (size_t)d->rows * (size_t)d->columns * 8;
  bool can_split = (preference->reduction & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) && split <= preference->workspace;
  int64_t k = what->transpose[0] ? a->rows : a->columns;
  for (int i = 0; i < (can_split ? 2 : 1) && *count < wanted; i++) {
    bool splits = can_split && (k > d->rows && k > d->columns ? i == 0 : i == 1);
    cublasLtMatmulHeuristicResult_t *r = &results[(*count)++];
    *r = {};
    r->workspaceSize = splits ? split : 0;
    r->algo.data[0] = cuda_cpu::blas_hash(p), r->algo.data[1] = r->workspaceSize, r->algo.data[6] = splits;
    for (int j = 0; j < 4; j++) r->algo.data[2 + j] = preference->alignment[j];
  }
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t what, const void *alpha, const void *a, cublasLtMatrixLayout_t la, const void *b,
                                     cublasLtMatrixLayout_t lb, const void *beta, const void *c, cublasLtMatrixLayout_t lc, void *d, cublasLtMatrixLayout_t ld,
                                     const cublasLtMatmulAlgo_t *algorithm, void *workspace, size_t bytes, cudaStream_t stream) {
  if (!h || !what || !alpha || !beta || !a || !b || !c || !d || !algorithm) return CUBLAS_STATUS_INVALID_VALUE;
  cuda_cpu::blas_problem p = {*what, *la, *lb, *lc, *ld};
  cublasStatus_t s = cuda_cpu::blas_check(p);
  if (s != CUBLAS_STATUS_SUCCESS) return s;
  const void *pointers[] = {a, b, c, d};
  for (int i = 0; i < 4; i++)
    if ((uintptr_t)pointers[i] % algorithm->data[2 + i]) return CUBLAS_STATUS_INVALID_VALUE;
  if (algorithm->data[0] != cuda_cpu::blas_hash(p) || bytes < algorithm->data[1] || (algorithm->data[1] && (!workspace || (uintptr_t)workspace % 256))) return CUBLAS_STATUS_INVALID_VALUE;
  for (int i = 0; i < 2; i++)
    if (what->scale_mode[i] && (!what->scale[i] || (uintptr_t)what->scale[i] % 16)) return CUBLAS_STATUS_INVALID_VALUE;
  if (c == d && lc->ld != ld->ld) return CUBLAS_STATUS_INVALID_VALUE;
  if (what->epilogue == CUBLASLT_EPILOGUE_BIAS && !what->bias) return CUBLAS_STATUS_INVALID_VALUE;
  float one = *static_cast<const float *>(alpha), other = *static_cast<const float *>(beta);
  int pieces = algorithm->data[6] ? 2 : 1;
  size_t used = (size_t)algorithm->data[1];
  cuda_cpu::enqueue(stream, [=] { cuda_cpu::blas_run(p, one, a, b, other, c, d, pieces, workspace, used); });
  return CUBLAS_STATUS_SUCCESS;
}

#endif
