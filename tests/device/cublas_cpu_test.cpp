/* SPDX-License-Identifier: MIT
 *
 * The stand-in of cuBLASLt for products of FP8 factors: what it must refuse, as the library does, and where it reads scales.
 */
#include "kernels/cublas_cpu.h"

#include "tests/tap.h"

enum { VECTORS = CUBLASLT_MATMUL_MATRIX_SCALE_VEC128_32F, SQUARES = CUBLASLT_MATMUL_MATRIX_SCALE_BLK128x128_32F, WHOLE = CUBLASLT_MATMUL_MATRIX_SCALE_SCALAR_32F };
enum { M = 32, N = 144, K = 272, L = 3 /* blocks of 128 along k */, L4 = 4 };

struct problem {
  int64_t m, n, k;
  cudaDataType_t a, b, d;
  int32_t mode_a, mode_b, transpose_a;
  int8_t fast;
  int scale_shift; /* bytes from a multiple of 16 */
  bool without_scale;
};
static struct problem plain() { return {M, N, K, CUDA_R_8F_E4M3, CUDA_R_8F_E4M3, CUDA_R_32F, VECTORS, SQUARES, CUBLAS_OP_T, 0, 0, false}; }

static std::vector<uint8_t> a(1 << 17, 0x38), b(1 << 17, 0x38); /* ones */
static std::vector<float> d(1 << 16);
alignas(16) static float scales[2][1024];

static cublasStatus_t run(const struct problem &p) {
  static cublasLtHandle_t handle;
  if (!handle) cublasLtCreate(&handle);
  cublasLtMatmulDesc_t what;
  cublasLtMatrixLayout_t la, lb, ld;
  cublasLtMatmulPreference_t preference;
  cublasLtMatmulHeuristicResult_t found;
  uint32_t sixteen = 16;
  int count = 0;
  float one = 1, zero = 0;
  cublasLtMatmulDescCreate(&what, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_TRANSA, &p.transpose_a, sizeof p.transpose_a);
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_FAST_ACCUM, &p.fast, sizeof p.fast);
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, &p.mode_a, sizeof p.mode_a);
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, &p.mode_b, sizeof p.mode_b);
  const float *of_a = p.without_scale ? nullptr : (const float *)((char *)scales[0] + p.scale_shift), *of_b = scales[1];
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, &of_a, sizeof of_a);
  cublasLtMatmulDescSetAttribute(what, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, &of_b, sizeof of_b);
  bool plain_a = p.transpose_a == CUBLAS_OP_N;
  cublasLtMatrixLayoutCreate(&la, p.a, (uint64_t)(plain_a ? p.m : p.k), (uint64_t)(plain_a ? p.k : p.m), plain_a ? p.m : p.k);
  cublasLtMatrixLayoutCreate(&lb, p.b, (uint64_t)p.k, (uint64_t)p.n, p.k);
  cublasLtMatrixLayoutCreate(&ld, p.d, (uint64_t)p.m, (uint64_t)p.n, p.m);
  cublasLtMatmulPreferenceCreate(&preference);
  for (int i = 0; i < 4; i++) cublasLtMatmulPreferenceSetAttribute(preference, (cublasLtMatmulPreferenceAttributes_t)(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i), &sixteen, sizeof sixteen);
  cublasStatus_t r = cublasLtMatmulAlgoGetHeuristic(handle, what, la, lb, ld, ld, preference, 1, &found, &count);
  if (r == CUBLAS_STATUS_SUCCESS && count != 1) r = CUBLAS_STATUS_INTERNAL_ERROR;
  if (r == CUBLAS_STATUS_SUCCESS) r = cublasLtMatmul(handle, what, &one, a.data(), la, b.data(), lb, &zero, d.data(), ld, d.data(), ld, &found.algo, nullptr, 0, nullptr);
  cudaDeviceSynchronize();
  cublasLtMatmulPreferenceDestroy(preference);
  cublasLtMatrixLayoutDestroy(la), cublasLtMatrixLayoutDestroy(lb), cublasLtMatrixLayoutDestroy(ld), cublasLtMatmulDescDestroy(what);
  return r;
}

static void is(const struct problem &p, cublasStatus_t want, const char *name) {
  cublasStatus_t got = run(p);
  if (!ok(got == want, "%s", name)) note("status %d, want %d", (int)got, (int)want);
}

/* cuBLAS documentation, "Scaling factors layouts": vectors [L][rows of op(a), or columns of op(b)], squares [ceil of these / 128][L4] */
static float scale(int which, int mode, int outers, int outer, int block) {
  if (mode == VECTORS) return scales[which][block * outers + outer];
  return mode == SQUARES ? scales[which][outer / 128 * L4 + block] : scales[which][0];
}
static void layouts(int mode_a, int mode_b, const char *name) {
  struct problem p = plain();
  p.mode_a = mode_a, p.mode_b = mode_b;
  bool good = run(p) == CUBLAS_STATUS_SUCCESS;
  for (int j = 0; j < N; j++)
    for (int i = 0; i < M; i++) {
      float sum = 0;
      for (int block = 0; block < L; block++) sum += (float)std::min(128, K - block * 128) * scale(0, mode_a, M, i, block) * scale(1, mode_b, N, j, block);
      good = good && std::fabs(d[(size_t)(j * M + i)] - sum) <= 1e-5f * sum;
    }
  ok(good, "%s", name);
}

int main(void) {
  for (int i = 0; i < 1024; i++) scales[0][i] = 1 + (float)(i * 37 % 101) / 64, scales[1][i] = 1 + (float)(i * 53 % 89) / 64;
  layouts(VECTORS, VECTORS, "scales of vectors on both sides");
  layouts(VECTORS, SQUARES, "vectors by squares");
  layouts(SQUARES, VECTORS, "squares by vectors");
  layouts(WHOLE, WHOLE, "one scale each");

  struct problem p = plain();
  const cublasStatus_t no = CUBLAS_STATUS_NOT_SUPPORTED, wrong = CUBLAS_STATUS_INVALID_VALUE, yes = CUBLAS_STATUS_SUCCESS;
  p.mode_a = SQUARES, is(p, no, "squares on both sides are refused"), p = plain();
  p.mode_b = WHOLE, is(p, no, "and blocks on one side"), p = plain();
  p.mode_a = 3, is(p, wrong, "and a mode that is not known here"), p = plain();
  p.scale_shift = 8, is(p, wrong, "and scales that do not begin at a multiple of 16 bytes"), p = plain();
  p.without_scale = true, is(p, wrong, "and blocks without scales"), p.mode_a = p.mode_b = WHOLE, is(p, yes, "while one scale may be left out"), p = plain();
  p.a = p.b = CUDA_R_8F_E5M2, is(p, no, "E5M2 on both sides is refused"), p.b = CUDA_R_8F_E4M3, is(p, yes, "on one it is not"), p = plain();
  p.transpose_a = CUBLAS_OP_N, is(p, no, "a first factor that is not transposed is refused"), p = plain();
  p.m = 24, is(p, no, "and sizes that are no multiples of 16"), p = plain();
  p.k = 264, is(p, no, "along k too"), p = plain();
  p.d = CUDA_R_8F_E4M3, is(p, no, "and results of 8 bits"), p = plain();
  p.a = p.b = CUDA_R_16BF, is(p, wrong, "and scales of factors that are not FP8"), p = plain();
  p.n = 140, is(p, yes, "n may be any multiple of 4 with blocks"), p.n = 142, is(p, no, "but not of 2"), p = plain();
  setenv("CUDA_CPU_CAPABILITY", "100", 1);
  is(p, no, "blocks are Hopper's only");
  p.mode_a = p.mode_b = WHOLE, is(p, yes, "one scale is not");
  return tap_done();
}
