/* SPDX-License-Identifier: MIT
 *
 * What the CPU ops share: which instruction set they run with, how they split work, and scratch memory.
 *
 * Variant.  Float ops exist as scalar code (any CPU), with 8 lanes (AVX2 + FMA) and with 16 lanes (AVX-512 F, BW, DQ,
 * VL).  The widest one the CPU and the operating system allow is taken at the first call.  The environment variable
 * CRAWL2LM_CPU=scalar|avx2|avx512, read once, holds it lower; a variant the CPU lacks, or an unknown word, is ignored.
 * Variants differ in the last bits, because they sum in another order.  Double ops are scalar always.
 *
 * Splitting.  Work is cut into pieces whose bounds do not depend on the number of threads, and partial sums are added
 * in the order of the pieces: except in matmul, results are the same bits at any thread count.
 */
#ifndef KERNELS_CPU_H
#define KERNELS_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/backend.h"

enum cpu_variant { CPU_SCALAR, CPU_AVX2, CPU_AVX512 };

enum cpu_variant cpu_variant(void);
/* Takes `wanted` from now on, or the widest one below it that runs here; returns what was taken.  For tests. */
enum cpu_variant cpu_variant_force(enum cpu_variant wanted);
const char *cpu_variant_name(enum cpu_variant v);
bool cpu_has_avx512(void); /* whatever CRAWL2LM_CPU says */

#if defined(__x86_64__) && !defined(KERNELS_DOUBLE)
#define CPU_VECTORS 1
#else
#define CPU_VECTORS 0
#endif

/* The function among scalar, avx2, avx512 (one prefix, three suffixes) that cpu_variant() asks for. */
#if CPU_VECTORS
#define CPU_PICK(name)                                                                                                 \
  (cpu_variant() == CPU_AVX512 ? name##_avx512 : cpu_variant() == CPU_AVX2 ? name##_avx2 : name##_scalar)
#else
#define CPU_PICK(name) (name##_scalar)
#endif

/* The page of the first of B sequences of a cache, whose pages follow each other; -1: they do not, or have more than one. */
int64_t cpu_first_page(const struct cache_pages *p, int64_t B, struct kernel_error *e);

enum { HUGE_PAGE = 2 << 20 };

/* Below this many elements a second thread costs more than it saves. */
enum { CPU_PARALLEL_FROM = 32768 };

/* This thread's scratch, 64-byte aligned, not cleared, kept for later calls and freed when the thread ends.  NULL when memory
 * is exhausted.  Slots 0 and 1 are any op's, until it calls another op that uses them; matmul uses its own alone. */
enum { CPU_SCRATCH_MATMUL = 2, CPU_SCRATCH_SLOTS = 4 }; /* matmul has 2 and 3 */
void *cpu_scratch(int slot, size_t bytes);

#endif
