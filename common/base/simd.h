/* SPDX-License-Identifier: MIT
 *
 * Which instruction set the data tools run with: scalar code (any CPU), AVX2 (with BMI1, BMI2, SSE4.2) or AVX-512 (F, BW,
 * DQ, VL, VBMI, VBMI2).  The widest one the CPU allows is taken at the first call.  The environment variable
 * CRAWL2LM_CPU=scalar|avx2|avx512, read once, holds it lower; what the CPU lacks and unknown words are ignored.
 * Results never depend on it.
 */
#ifndef BASE_SIMD_H
#define BASE_SIMD_H

enum simd { SIMD_SCALAR, SIMD_AVX2, SIMD_AVX512 };

enum simd simd_level(void);
/* Takes `wanted` from now on, or the widest one below it that runs here; returns what was taken.  For tests. */
enum simd simd_force(enum simd wanted);
const char *simd_name(enum simd level);

#ifdef __x86_64__
#define SIMD_TARGET_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,sse4.2")))
#define SIMD_TARGET_AVX512 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,sse4.2,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")))
#endif

#endif
