/* SPDX-License-Identifier: MIT
 *
 * A radix sort from the lowest digit up (Knuth, TAOCP 3, 5.2.5), digits of at most 8 bits: 1 pass to 256 keys, 2 to 65,536,
 * 3 to 16,777,216.  A pass is two kernels, or one where a single block does all:
 *
 *   sort_count_kernel    block p counts the digits of piece p: keys n p / pieces .. n (p+1) / pieces - 1
 *   sort_place_kernel    block p adds up the counts: thread d those of all pieces before p, and of all digits below d, and
 *                        so knows where the piece's first key with digit d goes; then it places its keys
 *
 * In a block each warp has a contiguous section of the piece, and counts its digits in a row of shared memory of its own.
 * Lanes with the same digit find each other by a ballot for each bit: the first of them adds their number, and a lane's rank
 * is the number of such lanes below it.  So counts need no atomics, and a key's place depends on nothing but the keys.
 *
 * Speed: the keys of a step are few (16,384 to 1 million; 4 bytes each), so a pass is bound by latency: 2 launches, each of
 * some microseconds, every multiprocessor having one or two blocks.  No block waits for another, so a recorded graph, or an
 * emulator that runs blocks one after another, is no special case.
 */
#ifndef KERNELS_SORT_CUH
#define KERNELS_SORT_CUH

#include "kernels/cuda_cpu.h"

enum { SORT_BITS = 8, SORT_DIGITS = 1 << SORT_BITS, SORT_THREADS = SORT_DIGITS, SORT_WARPS = SORT_THREADS / 32, SORT_AT_ONCE = 4 };

struct sort_pass {
  const int32_t *keys, *numbers; /* numbers NULL: 0 .. n-1 */
  int32_t *to_keys, *to_numbers; /* NULL: not wanted */
  int32_t *places, *starts;      /* of the last pass, NULL: not wanted */
  int64_t n;
  int32_t shift, bits, group, bound;
};

/* The lanes of the warp whose digit is this lane's, among those that have one. */
static __device__ __forceinline__ unsigned sort_peers(unsigned digit, int bits, bool has) {
  unsigned peers = __ballot_sync(0xffffffffu, has);
  for (int b = 0; b < bits; b++) {
    unsigned ones = __ballot_sync(0xffffffffu, digit >> b & 1);
    peers &= digit >> b & 1 ? ones : ~ones;
  }
  return peers;
}

/* This warp's section of piece blockIdx.x. */
static __device__ __forceinline__ void sort_section(int64_t n, int64_t *begin, int64_t *end) {
  int64_t first = n * blockIdx.x / gridDim.x, size = n * (blockIdx.x + 1) / gridDim.x - first;
  int warp = (int)threadIdx.x / 32;
  *begin = first + size * warp / SORT_WARPS, *end = first + size * (warp + 1) / SORT_WARPS;
}

/* counts[warp][d]: keys with digit d in each warp's section.  Ends with a barrier. */
static __device__ __forceinline__ void sort_count(int32_t (*counts)[SORT_DIGITS], const sort_pass &p) {
  int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
  unsigned mask = (1u << p.bits) - 1;
  for (int d = lane; d < SORT_DIGITS; d += 32) counts[warp][d] = 0;
  __syncwarp();
  int64_t begin, end;
  sort_section(p.n, &begin, &end);
  for (int64_t i = begin + lane; i - lane < end; i += 32 * SORT_AT_ONCE) {
    unsigned digit[SORT_AT_ONCE];
    for (int j = 0; j < SORT_AT_ONCE; j++) digit[j] = i + 32 * j < end ? (unsigned)p.keys[i + 32 * j] >> p.shift & mask : 0;
    for (int j = 0; j < SORT_AT_ONCE; j++) {
      bool has = i + 32 * j < end;
      unsigned peers = sort_peers(digit[j], p.bits, has);
      if (has && (peers & ((1u << lane) - 1)) == 0) counts[warp][digit[j]] += __popc(peers);
      __syncwarp();
    }
  }
  __syncthreads();
}

/* counts: [pieces][SORT_DIGITS] */
static __global__ void __launch_bounds__(SORT_THREADS) sort_count_kernel(int32_t *counts, const sort_pass p) {
  __shared__ int32_t mine[SORT_WARPS][SORT_DIGITS];
  sort_count(mine, p);
  int32_t sum = 0;
  for (int w = 0; w < SORT_WARPS; w++) sum += mine[w][threadIdx.x];
  counts[(int64_t)blockIdx.x * SORT_DIGITS + threadIdx.x] = sum;
}

/* counts: those of all pieces; not read where there is one piece only */
static __global__ void __launch_bounds__(SORT_THREADS) sort_place_kernel(const int32_t *counts, const sort_pass p) {
  __shared__ int32_t place[SORT_WARPS][SORT_DIGITS]; /* first counts, then where the warp's next key with this digit goes */
  __shared__ int32_t warp_total[SORT_WARPS];
  int d = (int)threadIdx.x, warp = d / 32, lane = d % 32;
  sort_count(place, p);

  int32_t total = 0, before = 0; /* keys with digit d, and those of them in pieces before */
  if (gridDim.x == 1) {
    for (int w = 0; w < SORT_WARPS; w++) total += place[w][d];
  } else {
    for (int first = 0; first < (int)gridDim.x; first += 8) { /* loads that do not wait for each other */
      int32_t c[8];
      for (int j = 0; j < 8; j++) c[j] = first + j < (int)gridDim.x ? counts[(first + j) * SORT_DIGITS + d] : 0;
      for (int j = 0; j < 8; j++) total += c[j], before += first + j < (int)blockIdx.x ? c[j] : 0;
    }
  }
  int32_t sum = total; /* of the digits to d in this warp */
  for (int distance = 1; distance < 32; distance *= 2) {
    int32_t other = __shfl_up_sync(0xffffffffu, sum, distance);
    if (lane >= distance) sum += other;
  }
  if (lane == 31) warp_total[warp] = sum;
  __syncthreads();
  int32_t start = sum - total;
  for (int w = 0; w < warp; w++) start += warp_total[w];
  if (p.starts && blockIdx.x == 0 && d < p.bound) p.starts[d] = start;
  if (p.starts && blockIdx.x == 0 && d == 0) p.starts[p.bound] = (int32_t)p.n;
  int32_t at = start + before;
  for (int w = 0; w < SORT_WARPS; w++) {
    int32_t c = place[w][d];
    place[w][d] = at, at += c;
  }
  __syncthreads();

  unsigned mask = (1u << p.bits) - 1;
  int64_t begin, end;
  sort_section(p.n, &begin, &end);
  for (int64_t i = begin + lane; i - lane < end; i += 32 * SORT_AT_ONCE) {
    int32_t key[SORT_AT_ONCE], number[SORT_AT_ONCE];
    for (int j = 0; j < SORT_AT_ONCE; j++) {
      bool has = i + 32 * j < end;
      key[j] = has ? p.keys[i + 32 * j] : 0;
      number[j] = !has ? 0 : p.numbers ? p.numbers[i + 32 * j] : (int32_t)(i + 32 * j);
    }
    for (int j = 0; j < SORT_AT_ONCE; j++) {
      bool has = i + 32 * j < end;
      unsigned digit = (unsigned)key[j] >> p.shift & mask, peers = sort_peers(digit, p.bits, has), below = peers & ((1u << lane) - 1);
      int32_t first = place[warp][digit], to = first + __popc(below);
      __syncwarp(); /* all have read */
      if (has && below == 0) place[warp][digit] = first + __popc(peers);
      if (has) {
        if (p.to_keys) p.to_keys[to] = key[j];
        if (p.to_numbers) p.to_numbers[to] = p.group > 1 ? number[j] / p.group : number[j];
        if (p.places) p.places[number[j]] = to;
      }
      __syncwarp();
    }
  }
}

/* starts[k], k <= bound, by halving, in the sorted keys */
static __global__ void sort_starts_kernel(int32_t *starts, const int32_t *keys, int64_t n, int64_t bound) {
  int64_t k = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, low = 0, high = n;
  if (k > bound) return;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (keys[middle] < k) low = middle + 1;
    else high = middle;
  }
  starts[k] = (int32_t)low;
}

#endif
