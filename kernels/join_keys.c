/* SPDX-License-Identifier: MIT
 *
 * Copies of parts of rows, rows in parallel; the only sum has H terms, so no vector variant.
 */
#include "kernels/join_keys.h"

#include <string.h>

#include "kernels/cpu.h"

int join_keys_check(int64_t ld_kv, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr, struct kernel_error *e) {
  if (rows < 0 || H < 1 || Dn < 0 || Dv < 0 || Dr < 0 || ld_kv < H * (Dn + Dv) || ld_rope < Dr)
    return kernel_fail(e, "join_keys: %lld rows of %lld heads of %lld + %lld, %lld shared, row distances %lld, %lld", (long long)rows,
                       (long long)H, (long long)Dn, (long long)Dv, (long long)Dr, (long long)ld_kv, (long long)ld_rope);
  return 0;
}

int join_keys(real *k, const real *kv, int64_t ld_kv, const real *k_rope, int64_t ld_rope, int64_t rows, int64_t H, int64_t Dn, int64_t Dv,
              int64_t Dr, struct kernel_error *e) {
  if (join_keys_check(ld_kv, ld_rope, rows, H, Dn, Dv, Dr, e) != 0) return -1;
#pragma omp parallel for schedule(static) if (rows * H * (Dn + Dr) >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t h = 0; h < H; h++) {
      real *to = k + (r * H + h) * (Dn + Dr);
      if (Dn > 0) memcpy(to, kv + r * ld_kv + h * (Dn + Dv), (size_t)Dn * sizeof *to);
      if (Dr > 0) memcpy(to + Dn, k_rope + r * ld_rope, (size_t)Dr * sizeof *to);
    }
  return 0;
}

int join_keys_backward(real *d_kv, int64_t ld_kv, real *d_k_rope, int64_t ld_rope, const real *dk, int64_t rows, int64_t H, int64_t Dn,
                       int64_t Dv, int64_t Dr, struct kernel_error *e) {
  if (join_keys_check(ld_kv, ld_rope, rows, H, Dn, Dv, Dr, e) != 0) return -1;
#pragma omp parallel for schedule(static) if (rows * H * (Dn + Dr) >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) {
    real *sum = d_k_rope + r * ld_rope;
    for (int64_t i = 0; i < Dr; i++) sum[i] = 0;
    for (int64_t h = 0; h < H; h++) {
      const real *from = dk + (r * H + h) * (Dn + Dr);
      if (Dn > 0) memcpy(d_kv + r * ld_kv + h * (Dn + Dv), from, (size_t)Dn * sizeof *from);
      for (int64_t i = 0; i < Dr; i++) sum[i] += from[Dn + i];
    }
  }
  return 0;
}
