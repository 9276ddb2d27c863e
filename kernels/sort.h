/* SPDX-License-Identifier: MIT
 *
 * Stable sort of small numbers on the GPU: n keys, 0 <= from[i] < bound; equal ones stay in the order of i.  For ops that bring
 * rows with one id, or choices of one expert, together.  All pointers are to device memory; those of results that are not
 * wanted are NULL.
 *
 *   keys    [n]          the keys in order
 *   order   [n]          order[s] = i / group, where from[i] is the s-th key
 *   places  [n]          places[i] = s: where from[i] stands
 *   starts  [bound + 1]  starts[k]: how many keys are below k
 *
 * Results overlap neither each other nor `from`.  A key outside the bounds makes the order wrong, but nothing is written
 * outside the arrays.  n and bound < 2^31.
 * workspace: sort_workspace(n, bound) bytes, 256-byte aligned, a part of what the op that sorts asked cuda_workspace() for.
 * Nothing waits, so it can be recorded.
 */
#ifndef KERNELS_SORT_H
#define KERNELS_SORT_H

#include "kernels/backend.h"

struct sorted_keys {
  int32_t *keys, *order, *places, *starts;
  int32_t group; /* 1 or more */
};

#ifdef __cplusplus
extern "C" {
#endif
size_t sort_workspace(int64_t n, int64_t bound);
int sort_keys(const struct sorted_keys *to, const int32_t *from, int64_t n, int64_t bound, void *workspace, struct kernel_error *e);
#ifdef __cplusplus
}
#endif

#endif
