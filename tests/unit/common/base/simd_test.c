/* SPDX-License-Identifier: MIT */
#include "common/base/simd.h"

#include <stdlib.h>

#include "tests/tap.h"

int main(void) {
  setenv("CRAWL2LM_CPU", "scalar", 1);
  ok(simd_level() == SIMD_SCALAR, "CRAWL2LM_CPU holds the level lower");
  enum simd most = simd_force(SIMD_AVX512);
  ok(simd_level() == most, "forced: %s", simd_name(most));
  ok(simd_force(SIMD_AVX2) <= SIMD_AVX2, "no wider than asked for");
  ok(simd_force(SIMD_SCALAR) == SIMD_SCALAR, "scalar code runs anywhere");
  ok_string(simd_name(SIMD_AVX2), "avx2", "named as in CRAWL2LM_CPU");
  return tap_done();
}
