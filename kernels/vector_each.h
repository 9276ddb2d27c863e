/* SPDX-License-Identifier: MIT
 *
 * Compiles the file VECTOR_BODY twice, for AVX2 + FMA and for AVX-512, with the names of vector.h; V(name) becomes
 * name_avx2 and name_avx512.  Included by the .c file of an op after its scalar code; the rest of the file is compiled for
 * the plain CPU, so nothing wider runs before cpu_variant() has been asked.
 */
#include <immintrin.h>

#define VECTOR_BITS 256
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include "kernels/vector.h"
#include VECTOR_BODY
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef VECTOR_BITS

#define VECTOR_BITS 512
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#endif
#include "kernels/vector.h"
#include VECTOR_BODY
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef VECTOR_BITS
#undef VECTOR_BODY
