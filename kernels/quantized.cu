/* SPDX-License-Identifier: MIT
 *
 * Launches products with quantised weights.
 */
#include "kernels/quantized.cuh"

extern "C" {
#include "kernels/quantized.h"
}

/* Warps that share outputs: as many as have 2 pieces of `in` each, 16 only where tiles of outputs are fewer than processors. */
static int parts_of(int64_t tiles, int64_t pieces, int most) {
  int parts = most > 8 && tiles >= cuda_device()->processors ? 8 : most;
  while (parts > 1 && pieces < 2 * parts) parts /= 2;
  return parts;
}

template <enum quantization KIND> static void launch(const quantized_arguments<bf16> &a) {
  typedef quantized_size<KIND> size;
  int64_t row_tiles = divide_up(a.rows, QUANTIZED_TILE_ROWS), output_tiles = divide_up(a.out, QUANTIZED_TILE_OUTPUTS);
  if (a.rows > 16 && output_tiles <= 65535 && row_tiles * output_tiles * 2 >= cuda_device()->processors) {
    size_t shared = 2 * (QUANTIZED_TILE_OUTPUTS * size::STRIDE + QUANTIZED_TILE_ROWS * size::X_STRIDE * sizeof(bf16));
    CUDA_LAUNCH(quantized_tiled_kernel<KIND>, dim3((unsigned)row_tiles, (unsigned)output_tiles), QUANTIZED_TILE_WARPS * 32, shared, cuda_stream(), a);
    return;
  }
  int64_t tiles = divide_up(a.out, 16);
  const size_t each = QUANTIZED_STAGES * 16 * size::STRIDE, own = QUANTIZED_MOST_WARPS * 16 * 17 * sizeof(float); /* bytes: of a warp; of the kernel besides */
  int most = 16 * each + own <= cuda_device()->shared_bytes ? 16 : 8;
  int parts = parts_of(tiles, divide_up(a.blocks, QUANTIZED_CHUNK), most), warps = parts > 8 ? parts : 8;
  size_t shared = (size_t)warps * each;
  dim3 grid((unsigned)divide_up(tiles, warps / parts), (unsigned)divide_up(a.rows, a.rows > 8 ? 16 : 8));
  if (a.rows > 8) CUDA_LAUNCH((quantized_mma_kernel<KIND, 2>), grid, warps * 32, shared, cuda_stream(), a, parts);
  else CUDA_LAUNCH((quantized_mma_kernel<KIND, 1>), grid, warps * 32, shared, cuda_stream(), a, parts);
}

template <enum quantization KIND> static void launch(const quantized_arguments<float> &a) {
  int parts = parts_of(a.out, divide_up(a.blocks, 4), 8);
  dim3 grid((unsigned)divide_up(a.out, 8 / parts), (unsigned)divide_up(a.rows, a.rows > 1 ? 4 : 1));
  if (a.rows > 1) CUDA_LAUNCH((quantized_kernel<KIND, 4>), grid, 256, 0, cuda_stream(), a, parts);
  else CUDA_LAUNCH((quantized_kernel<KIND, 1>), grid, 256, 0, cuda_stream(), a, parts);
}

template <class T>
static int linear_quantized(enum quantization kind, stored *y, int64_t ld_y, const stored *x, int64_t ld_x, const void *w, const stored *bias, int64_t rows,
                            int64_t out, int64_t in, struct kernel_error *e) {
  if (in % QUANTIZED_BLOCK != 0) return kernel_fail(e, "linear_quantized: %lld inputs, not a multiple of %d", (long long)in, QUANTIZED_BLOCK);
  if (rows > 4 * 65535) return kernel_fail(e, "linear_quantized: %lld rows, at most %d", (long long)rows, 4 * 65535);
  if ((uintptr_t)w % 2 != 0) return kernel_fail(e, "linear_quantized: weights at an odd address");
  if (rows == 0 || out == 0) return 0;
  quantized_arguments<T> a = {elements<T>(y), elements<T>(x), elements<T>(bias), (const uint8_t *)w, ld_y, ld_x, rows, out, in / QUANTIZED_BLOCK, aligned_16({x}) && ld_x % 8 == 0};
  if (kind == QUANTIZED_Q8_0) launch<QUANTIZED_Q8_0>(a);
  else launch<QUANTIZED_Q4_0>(a);
  return launched("linear_quantized", e);
}

template <class T> static void fill(struct backend *b) { b->linear_quantized = linear_quantized<T>; }

extern "C" void quantized_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
