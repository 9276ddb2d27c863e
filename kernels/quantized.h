/* SPDX-License-Identifier: MIT
 *
 * Products with weights kept in 8 or 4 bits: blocks of 32 along a row, the layout and rounding of ggml's q8_0 and q4_0
 * (ggml-common.h, quantize_row_q8_0_ref and quantize_row_q4_0_ref of ggml-quants.c), so rows of a GGUF file are taken as they are.
 *
 *   q8_0   34 bytes: float16 d, 32 signed bytes q:       w[i] = d q[i]              d = max|w| / 127, q to nearest, ties away from 0
 *   q4_0   18 bytes: float16 d, 16 bytes q, little end:  w[i] = d ((q[i] & 15) - 8), w[i+16] = d ((q[i] >> 4) - 8)
 *                    d = -(the w of the largest |w|) / 8
 *
 * A matrix [rows][columns] is its rows' blocks without gaps, float16 little-endian.  columns is a multiple of 32.
 * The error of one weight is at most max|w| / 225 of its block (q8_0) or max|w| / 8 (q4_0; /16 but for the largest of the other sign);
 * over normally distributed weights the product's nmse is 3e-5 or 7e-3.
 * x stays as it is (ggml rounds it to q8_0 as well: another 3e-5), sums are float: the product's error is that of the weights alone,
 * and the CPU and the GPU agree.
 *
 * Up to QUANTIZED_FEW_ROWS rows of x the weights are streamed once, decoded in registers; for more they are decoded a panel at a time
 * for matmul().
 */
#ifndef KERNELS_QUANTIZED_H
#define KERNELS_QUANTIZED_H

#include "kernels/backend.h"

enum { QUANTIZED_BLOCK = 32, QUANTIZED_FEW_ROWS = 8 };

static inline int64_t quantized_row_bytes(enum quantization kind, int64_t columns) {
  return columns / QUANTIZED_BLOCK * (kind == QUANTIZED_Q8_0 ? 34 : 18);
}
/* What to allocate for a matrix: a GPU reads whole 16 bytes, so this is rounded up. */
static inline size_t quantized_bytes(enum quantization kind, int64_t rows, int64_t columns) {
  return (size_t)(rows * quantized_row_bytes(kind, columns) + 63) / 64 * 64;
}

/* Host memory on both sides.  -1 for columns that are not a multiple of 32, and for weights that are NaN or too large for a float16 scale. */
int quantize_rows(enum quantization kind, void *to, const real *from, int64_t rows, int64_t columns, struct kernel_error *e);
void dequantize_rows(enum quantization kind, real *to, const void *from, int64_t rows, int64_t columns);

int linear_quantized(enum quantization kind, real *y, int64_t ld_y, const real *x, int64_t ld_x, const void *w, const real *bias, int64_t rows,
                     int64_t out, int64_t in, struct kernel_error *e);

#endif
