/* SPDX-License-Identifier: MIT
 *
 * Products with weights in ggml's blocks (quantized.h).  Blocks of 34 and 18 bytes are aligned to 2 only, so rows of weights go to
 * shared memory as they are, in the aligned pieces of 16 bytes that hold them, and are decoded from there: as 32-bit words, shifted
 * by 16 bits in every other block.
 *
 * bfloat16 multiplies by mma m16n8k16 with 16 outputs as rows of a and 8 rows of x as columns of b.  A quantised weight without its
 * scale is a bfloat16 exactly: with the bits of 128 above it a number below 128 is 128 + itself, and
 *   q4_0   128 + nibble - 136                          q8_0   (128 + lower 7 bits) - (128, or 256 where the sign is set)
 * are one byte permutation a pair and one subtraction of pairs.  The two mma of a block start at 0 and are scaled by d in float as
 * they are added, so the only error is that of sums in float.  As in matvec.cuh the order of k in a block is the one that suits both
 * factors: lane (g, t) has 8 bytes from 8t of a q8_0 block, and of a q4_0 block the 4 bytes from 4t, which are k of 4t.. and 16+4t...
 *
 * quantized_mma_kernel, few rows.  A warp streams 16 rows of weights through 3 stages of 4 blocks by cp.async, alone (no barrier);
 *   the warps of a block share outputs by taking parts of `in` as in matvec.cuh.  61 KB (q8_0) a block of 8 warps, 3 blocks a
 *   multiprocessor: 100 KB on their way, where 18 are needed.  53 instructions (q8_0) for 544 bytes are 13 cycles of the 37 that an
 *   H100's bandwidth gives; 45 for 288 bytes (q4_0) 11 of 20.  Expected: 80-90% of the bandwidth for q8_0, 75-85% for q4_0.
 * quantized_tiled_kernel, many rows.  64 rows x 128 outputs a block, a warp decodes its 32 outputs once for all rows; bound by
 *   instructions: expected 50-60% of the mma.sync rate.
 * quantized_kernel, float.  A warp an output, 4 weights a lane, 1 or 4 rows at a time: for checks, 30-50% of the bandwidth.
 */
#ifndef KERNELS_QUANTIZED_CUH
#define KERNELS_QUANTIZED_CUH

#include "kernels/cuda.h"
#include "kernels/warp_tiles.cuh"

enum {
  QUANTIZED_CHUNK = 4, QUANTIZED_STAGES = 3, QUANTIZED_MOST_WARPS = 16,
  QUANTIZED_TILE_ROWS = 64, QUANTIZED_TILE_OUTPUTS = 128, QUANTIZED_TILE_WARPS = 4
};

/* BYTES of a block; a row's 4 blocks in shared memory, up to 14 bytes in, with strides that keep the reads of 8 rows apart in the banks;
 * a row of 128 elements of x likewise. */
template <enum quantization KIND> struct quantized_size;
template <> struct quantized_size<QUANTIZED_Q8_0> {
  enum { BYTES = 34, STRIDE = 160, X_STRIDE = 160 };
};
template <> struct quantized_size<QUANTIZED_Q4_0> {
  enum { BYTES = 18, STRIDE = 112, X_STRIDE = 144 };
};

template <class T> struct quantized_arguments {
  T *y;
  const T *x, *bias;
  const uint8_t *w;
  int64_t ld_y, ld_x, rows, out, blocks; /* blocks: of a row */
  bool aligned;                          /* x may be read 16 bytes at a time */
};

/* a - b of two bfloat16 each */
static __device__ __forceinline__ uint32_t quantized_subtract(uint32_t a, uint32_t b) {
#ifdef __CUDACC__
  __nv_bfloat162 d = __hsub2(*reinterpret_cast<__nv_bfloat162 *>(&a), *reinterpret_cast<__nv_bfloat162 *>(&b));
  return *reinterpret_cast<uint32_t *>(&d);
#else
  float a_low, a_high, b_low, b_high;
  unpack_bf16(a, &a_low, &a_high);
  unpack_bf16(b, &b_low, &b_high);
  return pack_bf16(a_low - b_low, a_high - b_high);
#endif
}

/* Two bytes of v, each under the exponent of 128: v's bytes 0 and 1, or 2 and 3. */
static __device__ __forceinline__ uint32_t quantized_pair(uint32_t v, bool upper) {
#ifdef __CUDACC__
  return __byte_perm(v, 0x43434343u, upper ? 0x4342 : 0x4140);
#else
  v = upper ? v >> 16 : v;
  return 0x43004300u | (v & 0xff) | (v & 0xff00) << 8;
#endif
}

/* 8 weights without their scale, as 4 pairs in the order of k, from shared memory; `at`: of the block's scale, even. */
template <enum quantization KIND> static __device__ __forceinline__ void quantized_decode(uint32_t w[4], const unsigned char *row, int at, int t) {
  at += 2 + (KIND == QUANTIZED_Q8_0 ? 8 : 4) * t;
  const uint32_t *words = reinterpret_cast<const uint32_t *>(row + (at & ~3));
  bool odd = at & 2;
  uint32_t v0 = words[0], v1 = words[1], low = odd ? (uint32_t)(((uint64_t)v1 << 32 | v0) >> 16) : v0;
  if (KIND == QUANTIZED_Q8_0) {
    uint32_t v2 = words[2], both[2] = {low, odd ? (uint32_t)(((uint64_t)v2 << 32 | v1) >> 16) : v1};
#pragma unroll
    for (int i = 0; i < 2; i++) {
      uint32_t bits = both[i] & 0x7f7f7f7fu, sign = both[i] & 0x80808080u;
      w[2 * i] = quantized_subtract(quantized_pair(bits, false), quantized_pair(sign, false));
      w[2 * i + 1] = quantized_subtract(quantized_pair(bits, true), quantized_pair(sign, true));
    }
  } else {
    uint32_t lower = low & 0x0f0f0f0fu, upper = low >> 4 & 0x0f0f0f0fu, off = 0x43084308u; /* 136 */
    w[0] = quantized_subtract(quantized_pair(lower, false), off);
    w[1] = quantized_subtract(quantized_pair(lower, true), off);
    w[2] = quantized_subtract(quantized_pair(upper, false), off);
    w[3] = quantized_subtract(quantized_pair(upper, true), off);
  }
}

/* The 8 elements of x that belong to them, of the block's 32. */
template <enum quantization KIND> static __device__ __forceinline__ void quantized_x(uint32_t x[4], const bf16 *p, int t, bool aligned) {
  if (!aligned) {
    for (int i = 0; i < 4; i++) {
      const bf16 *pair = p + (KIND == QUANTIZED_Q8_0 ? 8 * t + 2 * i : i / 2 * 16 + 4 * t + i % 2 * 2);
      x[i] = pack_bf16(to_float(pair[0]), to_float(pair[1]));
    }
  } else if (KIND == QUANTIZED_Q8_0) {
    uint4 v = *reinterpret_cast<const uint4 *>(p + 8 * t);
    x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
  } else {
    pack<uint32_t, 2> v = load_pack<uint32_t, 2>(reinterpret_cast<const uint32_t *>(p + 4 * t)), u = load_pack<uint32_t, 2>(reinterpret_cast<const uint32_t *>(p + 16 + 4 * t));
    x[0] = v.at[0], x[1] = v.at[1], x[2] = u.at[0], x[3] = u.at[1];
  }
}

/* 16 outputs, of which lane (g, t) has weights of g and g+8, times 8 rows: sum += d w x for one block. */
static __device__ __forceinline__ void quantized_step(float sum[4], const uint32_t upper[4], const uint32_t lower[4], float d_upper, float d_lower, const uint32_t x[4]) {
  const uint32_t one[4] = {upper[0], lower[0], upper[1], lower[1]}, two[4] = {upper[2], lower[2], upper[3], lower[3]};
  float part[4] = {0, 0, 0, 0};
  mma_bf16(part, one, x);
  mma_bf16(part, two, x + 2);
  sum[0] += d_upper * part[0], sum[1] += d_upper * part[1], sum[2] += d_lower * part[2], sum[3] += d_lower * part[3];
}

/* Where blocks from `first` on of output n start; of the 16-byte piece they start in, how far in they do. */
template <enum quantization KIND> static __device__ __forceinline__ const uint8_t *quantized_at(const uint8_t *w, int64_t blocks, int64_t out, int64_t n, int64_t first) {
  return w + (min(n, out - 1) * blocks + first) * quantized_size<KIND>::BYTES;
}
static __device__ __forceinline__ int quantized_offset(const uint8_t *p) { return (int)((uintptr_t)p & 15); }

/* `count` blocks from p on, by every `lanes`-th piece from `lane` on. */
template <enum quantization KIND> static __device__ __forceinline__ void quantized_copy(unsigned char *to, const uint8_t *p, int count, int lane, int lanes) {
  int offset = quantized_offset(p), pieces = (offset + count * quantized_size<KIND>::BYTES + 15) / 16;
  for (int i = lane; i < pieces; i += lanes) cp_async_16(to + 16 * i, p - offset + 16 * i, true);
}

static __device__ __forceinline__ float quantized_scale(const unsigned char *p) { return half_to_float(*reinterpret_cast<const uint16_t *>(p)); }

template <class T> static __device__ __forceinline__ void quantized_store(const quantized_arguments<T> &a, int64_t row, int64_t n, float sum) {
  a.y[row * a.ld_y + n] = from_float<T>(sum + (a.bias ? to_float(a.bias[n]) : 0));
}

/* TILES x 8 rows from blockIdx.y * TILES * 8 on; `parts` warps share 16 outputs. */
template <enum quantization KIND, int TILES>
static __global__ void __launch_bounds__(QUANTIZED_MOST_WARPS * 32, 1) quantized_mma_kernel(quantized_arguments<bf16> a, int parts) {
  typedef quantized_size<KIND> size;
  CUDA_DYNAMIC_SHARED(unsigned char, shared);
  __shared__ float partial[QUANTIZED_MOST_WARPS][16][8 * TILES + 1];
  int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, part = warp % parts, tiles = blockDim.x / 32 / parts;
  int64_t first = ((int64_t)blockIdx.x * tiles + warp / parts) * 16, first_row = (int64_t)blockIdx.y * TILES * 8;
  int64_t chunks = (a.blocks + QUANTIZED_CHUNK - 1) / QUANTIZED_CHUNK, begin = chunks * part / parts, end = chunks * (part + 1) / parts;
  unsigned char *mine = shared + warp * (QUANTIZED_STAGES * 16 * size::STRIDE);
  const uint8_t *upper_row = quantized_at<KIND>(a.w, a.blocks, a.out, first + g, 0), *lower_row = quantized_at<KIND>(a.w, a.blocks, a.out, first + g + 8, 0);
  const bf16 *rows[TILES];
  for (int j = 0; j < TILES; j++) rows[j] = a.x + min(first_row + 8 * j + g, a.rows - 1) * a.ld_x;
  float sum[TILES][4] = {};

  auto fill = [&](int64_t chunk) {
    if (chunk >= end) return;
    unsigned char *to = mine + (int)((chunk - begin) % QUANTIZED_STAGES) * 16 * size::STRIDE;
    int count = (int)min((int64_t)QUANTIZED_CHUNK, a.blocks - chunk * QUANTIZED_CHUNK);
    int64_t bytes = chunk * QUANTIZED_CHUNK * size::BYTES;
    quantized_copy<KIND>(to + g * size::STRIDE, upper_row + bytes, count, t, 4);
    quantized_copy<KIND>(to + (g + 8) * size::STRIDE, lower_row + bytes, count, t, 4);
  };
  for (int i = 0; i < QUANTIZED_STAGES - 1; i++) {
    fill(begin + i);
    cp_async_commit();
  }
  for (int64_t chunk = begin; chunk < end; chunk++) {
    cp_async_wait<QUANTIZED_STAGES - 2>();
    __syncwarp(); /* this chunk is there for all lanes, and all have read the last one, whose place the next takes */
    fill(chunk + QUANTIZED_STAGES - 1);
    cp_async_commit();
    const unsigned char *from = mine + (int)((chunk - begin) % QUANTIZED_STAGES) * 16 * size::STRIDE;
    int64_t block = chunk * QUANTIZED_CHUNK;
    int count = (int)min((int64_t)QUANTIZED_CHUNK, a.blocks - block);
    int upper_at = quantized_offset(upper_row + block * size::BYTES), lower_at = quantized_offset(lower_row + block * size::BYTES);
#pragma unroll
    for (int i = 0; i < QUANTIZED_CHUNK; i++) {
      if (i >= count) break;
      const unsigned char *upper_from = from + g * size::STRIDE, *lower_from = upper_from + 8 * size::STRIDE;
      uint32_t upper[4], lower[4], x[4];
      quantized_decode<KIND>(upper, upper_from, upper_at + i * size::BYTES, t);
      quantized_decode<KIND>(lower, lower_from, lower_at + i * size::BYTES, t);
      float d_upper = quantized_scale(upper_from + upper_at + i * size::BYTES), d_lower = quantized_scale(lower_from + lower_at + i * size::BYTES);
#pragma unroll
      for (int j = 0; j < TILES; j++) {
        quantized_x<KIND>(x, rows[j] + (block + i) * 32, t, a.aligned);
        quantized_step(sum[j], upper, lower, d_upper, d_lower, x);
      }
    }
  }
  cp_async_wait<0>();
  warp_tiles_store<TILES>(partial, sum, parts, first_row, a.rows, a.out, [&](int64_t row, int64_t n, float all) { quantized_store(a, row, n, all); });
}

/* Rows blockIdx.x * 64.., outputs blockIdx.y * 128..; two stages of 4 blocks of `in`: of the weights as they are, and of x. */
template <enum quantization KIND> static __global__ void __launch_bounds__(QUANTIZED_TILE_WARPS * 32) quantized_tiled_kernel(quantized_arguments<bf16> a) {
  typedef quantized_size<KIND> size;
  enum { THREADS = QUANTIZED_TILE_WARPS * 32, ROWS = QUANTIZED_TILE_ROWS, OUTPUTS = QUANTIZED_TILE_OUTPUTS, X_BYTES = ROWS * size::X_STRIDE * 2, BYTES = OUTPUTS * size::STRIDE + X_BYTES };
  CUDA_DYNAMIC_SHARED(unsigned char, shared);
  int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
  int64_t first_row = (int64_t)blockIdx.x * ROWS, first = (int64_t)blockIdx.y * OUTPUTS, chunks = (a.blocks + QUANTIZED_CHUNK - 1) / QUANTIZED_CHUNK;
  float sum[2][ROWS / 8][4] = {};

  auto fill = [&](int64_t chunk) {
    if (chunk >= chunks) return;
    unsigned char *w = shared + (int)(chunk % 2) * BYTES;
    bf16 *x = reinterpret_cast<bf16 *>(w + OUTPUTS * size::STRIDE);
    int64_t block = chunk * QUANTIZED_CHUNK;
    int count = (int)min((int64_t)QUANTIZED_CHUNK, a.blocks - block);
    for (int n = threadIdx.x / 4; n < OUTPUTS; n += THREADS / 4)
      quantized_copy<KIND>(w + n * size::STRIDE, quantized_at<KIND>(a.w, a.blocks, a.out, first + n, block), count, threadIdx.x % 4, 4);
    for (int i = threadIdx.x; i < ROWS * 16; i += THREADS) {
      int row = i / 16, piece = i % 16;
      if (piece >= count * 4) continue;
      const bf16 *from = a.x + min(first_row + row, a.rows - 1) * a.ld_x + block * 32 + piece * 8;
      bf16 *to = x + row * size::X_STRIDE + piece * 8;
      if (a.aligned) cp_async_16(to, from, true);
      else
        for (int j = 0; j < 8; j++) to[j] = from[j];
    }
  };
  fill(0);
  cp_async_commit();
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    fill(chunk + 1);
    cp_async_commit();
    cp_async_wait<1>();
    __syncthreads();
    const unsigned char *w = shared + (int)(chunk % 2) * BYTES;
    const bf16 *x = reinterpret_cast<const bf16 *>(w + OUTPUTS * size::STRIDE) + g * size::X_STRIDE;
    int64_t block = chunk * QUANTIZED_CHUNK;
    int count = (int)min((int64_t)QUANTIZED_CHUNK, a.blocks - block);
    for (int i = 0; i < count; i++) {
      uint32_t weights[4][4];
      float d[4];
#pragma unroll
      for (int h = 0; h < 4; h++) { /* outputs g + 8h of the warp's 32 */
        int n = warp * 32 + h * 8 + g, at = quantized_offset(quantized_at<KIND>(a.w, a.blocks, a.out, first + n, block)) + i * size::BYTES;
        quantized_decode<KIND>(weights[h], w + n * size::STRIDE, at, t);
        d[h] = quantized_scale(w + n * size::STRIDE + at);
      }
#pragma unroll
      for (int j = 0; j < ROWS / 8; j++)
        if (first_row + j * 8 < a.rows) {
          uint32_t v[4];
          quantized_x<KIND>(v, x + j * 8 * size::X_STRIDE + i * 32, t, true);
          quantized_step(sum[0][j], weights[0], weights[1], d[0], d[1], v);
          quantized_step(sum[1][j], weights[2], weights[3], d[2], d[3], v);
        }
    }
    __syncthreads(); /* before the next but one chunk is copied over this one */
  }
  cp_async_wait<0>();
#pragma unroll
  for (int h = 0; h < 2; h++)
#pragma unroll
    for (int j = 0; j < ROWS / 8; j++)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int64_t n = first + warp * 32 + h * 16 + i / 2 * 8 + g, row = first_row + j * 8 + 2 * t + i % 2;
        if (n < a.out && row < a.rows) quantized_store(a, row, n, sum[h][j][i]);
      }
}

/* R rows from blockIdx.y * R on; `parts` warps share an output; lane l has block l / 8 of 4, and of it 4 weights. */
template <enum quantization KIND, int R> static __global__ void __launch_bounds__(256) quantized_kernel(quantized_arguments<float> a, int parts) {
  __shared__ float partial[8][R];
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, part = warp % parts, tiles = blockDim.x / 32 / parts;
  int64_t first = (int64_t)blockIdx.x * tiles, first_row = (int64_t)blockIdx.y * R, groups = (a.blocks + 3) / 4, end = min(a.blocks, groups * (part + 1) / parts * 4);
  const float *x[R];
  for (int r = 0; r < R; r++) x[r] = a.x + min(first_row + r, a.rows - 1) * a.ld_x;
  float sum[R] = {};
#pragma unroll 4
  for (int64_t block = groups * part / parts * 4 + lane / 8; block < end; block += 4) {
    const uint16_t *p = reinterpret_cast<const uint16_t *>(quantized_at<KIND>(a.w, a.blocks, a.out, first + warp / parts, block));
    float d = half_to_float(p[0]), w[4];
    int k[4], s = lane % 8;
    if (KIND == QUANTIZED_Q8_0) {
      uint16_t low = p[1 + 2 * s], high = p[2 + 2 * s];
      w[0] = (float)(int8_t)low, w[1] = (float)(int8_t)(low >> 8), w[2] = (float)(int8_t)high, w[3] = (float)(int8_t)(high >> 8);
      for (int i = 0; i < 4; i++) k[i] = 4 * s + i;
    } else {
      int q = p[1 + s];
      for (int i = 0; i < 4; i++) w[i] = (float)((q >> (i % 2 * 8 + i / 2 * 4) & 15) - 8), k[i] = i / 2 * 16 + 2 * s + i % 2;
    }
#pragma unroll
    for (int r = 0; r < R; r++) {
      float some = 0;
      for (int i = 0; i < 4; i++) some += w[i] * x[r][block * 32 + k[i]];
      sum[r] += d * some;
    }
  }
#pragma unroll
  for (int r = 0; r < R; r++) {
    float all = warp_sum(sum[r]);
    if (lane == 0) partial[warp][r] = all;
  }
  __syncthreads();
  for (int i = threadIdx.x; i < tiles * R; i += blockDim.x) {
    int row = i % R, tile = i / R;
    if (first + tile >= a.out || first_row + row >= a.rows) continue;
    float all = 0;
    for (int p = 0; p < parts; p++) all += partial[tile * parts + p][row];
    quantized_store(a, first_row + row, first + tile, all);
  }
}

#endif
