/* SPDX-License-Identifier: MIT
 *
 * Launches the sort's kernels.
 */
#include "kernels/sort.cuh"

#include "kernels/cuda.h"
#include "kernels/sort.h"

enum { SORT_PIECE = 512, SORT_MOST_PIECES = 256 };

static int64_t sort_pieces(int64_t n) { return n <= 4 * SORT_PIECE ? 1 : n < (int64_t)SORT_PIECE * SORT_MOST_PIECES ? divide_up(n, SORT_PIECE) : (int64_t)SORT_MOST_PIECES; }

static int sort_passes(int64_t bound, int *bits) { /* *bits: of each digit */
  int all = 1;
  while (all < 31 && (int64_t)1 << all < bound) all++;
  int passes = (int)divide_up(all, SORT_BITS);
  *bits = (int)divide_up(all, passes);
  return passes;
}

static int64_t sort_rounded(int64_t bytes) { return divide_up(bytes, 256) * 256; }

/* The counts, then what one pass leaves to the next: keys and numbers, twice where both are read and written at once; then the
 * sorted keys where only `starts` needs them. */
size_t sort_workspace(int64_t n, int64_t bound) {
  int bits, passes = sort_passes(bound, &bits);
  int64_t buffers = passes == 1 ? 0 : passes == 2 ? 1 : 2, array = sort_rounded(n * 4);
  return (size_t)(sort_rounded(sort_pieces(n) * SORT_DIGITS * 4) + (2 * buffers + (passes > 1)) * array);
}

int sort_keys(const struct sorted_keys *to, const int32_t *from, int64_t n, int64_t bound, void *workspace, struct kernel_error *e) {
  if (n >= (int64_t)1 << 31 || bound >= (int64_t)1 << 31 || bound < 1)
    return kernel_fail(e, "sort: %lld keys below %lld, less than 2^31 are possible", (long long)n, (long long)bound);
  if (n == 0 && !to->starts) return 0;
  int bits, passes = sort_passes(bound, &bits);
  int64_t pieces = sort_pieces(n), array = sort_rounded(n * 4);
  int32_t *counts = (int32_t *)workspace;
  char *rest = (char *)workspace + sort_rounded(pieces * SORT_DIGITS * 4);
  int32_t *sorted = to->keys ? to->keys : passes > 1 && to->starts ? (int32_t *)(rest + 2 * (passes == 2 ? 1 : 2) * array) : NULL;
  struct sort_pass p = {};
  p.keys = from, p.n = n, p.bits = bits, p.group = 1, p.bound = (int32_t)bound;
  for (int i = 0; i < passes; i++) {
    if (i < passes - 1) {
      p.to_keys = (int32_t *)(rest + (i % 2 * 2) * array), p.to_numbers = (int32_t *)(rest + (i % 2 * 2 + 1) * array);
    } else {
      p.to_keys = sorted, p.to_numbers = to->order, p.places = to->places, p.group = to->group;
      if (passes == 1) p.starts = to->starts;
    }
    p.shift = i * bits;
    if (pieces > 1) CUDA_LAUNCH(sort_count_kernel, (unsigned)pieces, SORT_THREADS, 0, cuda_stream(), counts, p);
    CUDA_LAUNCH(sort_place_kernel, (unsigned)pieces, SORT_THREADS, 0, cuda_stream(), counts, p);
    p.keys = p.to_keys, p.numbers = p.to_numbers;
  }
  if (to->starts && passes > 1)
    CUDA_LAUNCH(sort_starts_kernel, (unsigned)divide_up(bound + 1, 256), 256, 0, cuda_stream(), to->starts, sorted, n, bound);
  return launched("sort", e);
}
