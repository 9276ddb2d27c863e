/* SPDX-License-Identifier: MIT
 *
 * Matrix products on the CPU.
 */
#include "kernels/matmul.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#include "kernels/cpu.h"

int matmul(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, real alpha, const real *a, int64_t ld_a,
           const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e) {
  (void)e;
  enum CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans, tb = transpose_b ? CblasTrans : CblasNoTrans;
#ifdef KERNELS_DOUBLE
  cblas_dgemm(CblasRowMajor, ta, tb, (blasint)M, (blasint)N, (blasint)K, alpha, a, (blasint)ld_a, b, (blasint)ld_b, beta, c, (blasint)ld_c);
#else
  cblas_sgemm(CblasRowMajor, ta, tb, (blasint)M, (blasint)N, (blasint)K, alpha, a, (blasint)ld_a, b, (blasint)ld_b, beta, c, (blasint)ld_c);
#endif
  return 0;
}

void matmul_set_threads(int threads) { openblas_set_num_threads(threads); }

const char *matmul_describe(const char **warning) {
  static char text[128];
  *warning = NULL;
  snprintf(text, sizeof text, "OpenBLAS (%s)", openblas_get_corename());
  if (cpu_has_avx512() && !strstr("Cooperlake SkylakeX SapphireRapids Zen", openblas_get_corename()))
    *warning = "OpenBLAS uses a kernel without AVX-512 on a CPU that has it; is OPENBLAS_CORETYPE set?";
  return text;
}
