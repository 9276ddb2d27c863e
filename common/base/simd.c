/* SPDX-License-Identifier: MIT */
#include "common/base/simd.h"

#include <stdlib.h>
#include <string.h>

static int level = -1;

static enum simd widest(void) {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("sse4.2")) return SIMD_SCALAR;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512vbmi") || !__builtin_cpu_supports("avx512vbmi2")) return SIMD_AVX2;
  return SIMD_AVX512;
#else
  return SIMD_SCALAR;
#endif
}

enum simd simd_force(enum simd wanted) {
  enum simd most = widest();
  if (wanted > most) wanted = most;
  __atomic_store_n(&level, (int)wanted, __ATOMIC_RELAXED);
  return wanted;
}

enum simd simd_level(void) {
  int known = __atomic_load_n(&level, __ATOMIC_RELAXED);
  if (known >= 0) return (enum simd)known;
  enum simd wanted = SIMD_AVX512;
  const char *word = getenv("CRAWL2LM_CPU");
  for (enum simd s = SIMD_SCALAR; word && s <= SIMD_AVX512; s++)
    if (strcmp(word, simd_name(s)) == 0) wanted = s;
  return simd_force(wanted);
}

const char *simd_name(enum simd s) {
  static const char *const names[] = {"scalar", "avx2", "avx512"};
  return names[s];
}
