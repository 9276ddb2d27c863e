/* SPDX-License-Identifier: MIT
 *
 * Quantised weights on the CPU: few rows decode while they stream (quantized_vector.h), many decode panels for matmul().
 *
 * One row times 8192 x 4096 on two cores of a Zen 5, GB/s of the weights as stored, one thread and two; ggml (ggml-python 0.0.45, built
 * for the machine) rounds x to q8_0 and multiplies bytes:
 *              float       q8_0        q4_0
 *   AVX-512    45 -        40 78       26 49        ggml: q8_0 35 64, q4_0 20 38
 *   AVX2       39 -        29 57       12 23
 * q8_0 is bound by memory, q4_0 by decoding: 0.75 to 0.85 ns a block, in the cache as from memory, against 0.9 to 1 of q8_0.
 * Rows of x against the panels' way, 3072 x 768 on one thread: 8 rows take as long either way, 16 a quarter longer here.
 */
#include "kernels/quantized.h"

#include <math.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"

static float float_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static uint32_t bits_of(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

/* The float16 at p, finite: its exponent moved from bias 15 to 127 by a product, which is right for subnormal ones too. */
static inline float scale_of(const uint8_t *p) {
  uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8;
  return float_of(bits_of(float_of((h & 0x7fff) << 13) * 0x1p112f) | (h & 0x8000) << 16);
}

/* To nearest, ties to even; |f| < 65520. */
static void put_scale(uint8_t *p, float f) {
  uint32_t u = bits_of(f), a = u & 0x7fffffff, h;
  if (a < 0x38800000) h = bits_of(float_of(a) + 0.5f) - 0x3f000000; /* subnormal: 0.5's last bit is worth one of them */
  else h = (a - (112u << 23) + 0xfff + (a >> 13 & 1)) >> 13;
  h |= u >> 16 & 0x8000;
  p[0] = (uint8_t)h, p[1] = (uint8_t)(h >> 8);
}

/* roundf for |x| < 2^22: ties go away from 0. */
static float round_away(float x) {
  float r = (x + 12582912.0f) - 12582912.0f, d = x - r;
  return r + (float)(d == 0.5f && x > 0) - (float)(d == -0.5f && x < 0);
}

static void block_q8_0(uint8_t *to, const float *x, float most) {
  float d = most / 127, inverse = d != 0 ? 1 / d : 0;
  put_scale(to, d);
  for (int i = 0; i < QUANTIZED_BLOCK; i++) to[2 + i] = (uint8_t)(int8_t)round_away(x[i] * inverse);
}

static void block_q4_0(uint8_t *to, const float *x, float signed_most) {
  float d = signed_most / -8, inverse = d != 0 ? 1 / d : 0;
  put_scale(to, d);
  for (int i = 0; i < 16; i++) {
    int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[16 + i] * inverse + 8.5f);
    to[2 + i] = (uint8_t)((low < 15 ? low : 15) | (high < 15 ? high : 15) << 4);
  }
}

int quantize_rows(enum quantization kind, void *to, const real *from, int64_t rows, int64_t columns, struct kernel_error *e) {
  if (columns % QUANTIZED_BLOCK != 0) return kernel_fail(e, "quantize_rows: %lld columns, not a multiple of %d", (long long)columns, QUANTIZED_BLOCK);
  int64_t blocks = columns / QUANTIZED_BLOCK, size = quantized_row_bytes(kind, QUANTIZED_BLOCK), bad = -1;
#pragma omp parallel for schedule(static) reduction(max : bad) if (rows * columns >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t b = 0; b < blocks; b++) {
      const real *in = from + r * columns + b * QUANTIZED_BLOCK;
      uint8_t *p = (uint8_t *)to + (r * blocks + b) * size;
      float x[QUANTIZED_BLOCK], most = 0, signed_most = 0;
      bool finite = true;
      for (int i = 0; i < QUANTIZED_BLOCK; i++) {
        x[i] = (float)in[i];
        finite &= fabsf(x[i]) < 65504 * 8.0f; /* either scale then is a float16 */
        if (fabsf(x[i]) > most) most = fabsf(x[i]), signed_most = x[i];
      }
      if (!finite) {
        if (r > bad) bad = r;
        memset(p, 0, (size_t)size);
      } else if (kind == QUANTIZED_Q8_0) {
        block_q8_0(p, x, most);
      } else {
        block_q4_0(p, x, signed_most);
      }
    }
  return bad < 0 ? 0 : kernel_fail(e, "quantize_rows: row %lld has a weight that is not a number or above 524032", (long long)bad);
}

static void decode_block(enum quantization kind, real *to, const uint8_t *p) {
  real d = scale_of(p);
  for (int i = 0; i < QUANTIZED_BLOCK; i++)
    to[i] = d * (real)(kind == QUANTIZED_Q8_0 ? (int8_t)p[2 + i] : i < 16 ? (p[2 + i] & 15) - 8 : (p[2 + i - 16] >> 4) - 8);
}

static void decode_row_scalar(enum quantization kind, real *to, const uint8_t *w, int64_t blocks) {
  for (int64_t b = 0; b < blocks; b++) decode_block(kind, to + b * QUANTIZED_BLOCK, w + b * quantized_row_bytes(kind, QUANTIZED_BLOCK));
}

static void products_scalar(enum quantization kind, real *y, int64_t ld_y, const real *x, int64_t ld_x, const uint8_t *w, const real *bias,
                            int64_t rows, int64_t out, int64_t blocks) {
  int64_t size = quantized_row_bytes(kind, QUANTIZED_BLOCK);
  for (int64_t n = 0; n < out; n++) {
    real sum[QUANTIZED_FEW_ROWS] = {0}, block[QUANTIZED_BLOCK];
    for (int64_t b = 0; b < blocks; b++, w += size) {
      decode_block(kind, block, w);
      for (int64_t m = 0; m < rows; m++)
        for (int i = 0; i < QUANTIZED_BLOCK; i++) sum[m] += block[i] * x[m * ld_x + b * QUANTIZED_BLOCK + i];
    }
    for (int64_t m = 0; m < rows; m++) y[m * ld_y + n] = sum[m] + (bias ? bias[n] : 0);
  }
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/quantized_vector.h"
#include "kernels/vector_each.h"
#endif

void dequantize_rows(enum quantization kind, real *to, const void *from, int64_t rows, int64_t columns) {
  void (*decode)(enum quantization, real *, const uint8_t *, int64_t) = CPU_PICK(decode_row);
  int64_t row_bytes = quantized_row_bytes(kind, columns);
#pragma omp parallel for schedule(static) if (rows * columns >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) decode(kind, to + r * columns, (const uint8_t *)from + r * row_bytes, columns / QUANTIZED_BLOCK);
}

enum { PIECE = 32, PANEL = 1 << 20 }; /* outputs a thread takes at a time; decoded weights of a panel, 4 MB */

int linear_quantized(enum quantization kind, real *y, int64_t ld_y, const real *x, int64_t ld_x, const void *w, const real *bias, int64_t rows,
                     int64_t out, int64_t in, struct kernel_error *e) {
  if (in % QUANTIZED_BLOCK != 0) return kernel_fail(e, "linear_quantized: %lld inputs, not a multiple of %d", (long long)in, QUANTIZED_BLOCK);
  if (rows == 0 || out == 0) return 0;
  int64_t row_bytes = quantized_row_bytes(kind, in);
  if (rows <= QUANTIZED_FEW_ROWS) {
    void (*products)(enum quantization, real *, int64_t, const real *, int64_t, const uint8_t *, const real *, int64_t, int64_t, int64_t) = CPU_PICK(products);
#pragma omp parallel for schedule(static) if (out * in >= CPU_PARALLEL_FROM)
    for (int64_t n = 0; n < out; n += PIECE)
      products(kind, y + n, ld_y, x, ld_x, (const uint8_t *)w + n * row_bytes, bias ? bias + n : NULL, rows, out - n < PIECE ? out - n : PIECE, in / QUANTIZED_BLOCK);
    return 0;
  }
  int64_t panel = in > 0 && PANEL / in > PIECE ? PANEL / in : PIECE;
  if (panel > out) panel = out;
  real *decoded = cpu_scratch(0, (size_t)(panel * in) * sizeof *decoded);
  if (!decoded) return kernel_fail(e, "linear_quantized: no memory for %lld weights", (long long)(panel * in));
  for (int64_t n = 0; n < out; n += panel) {
    int64_t count = out - n < panel ? out - n : panel;
    dequantize_rows(kind, decoded, (const uint8_t *)w + n * row_bytes, count, in);
    if (matmul(MATMUL_FP32, false, true, rows, count, in, 1, x, ld_x, decoded, in, 0, y + n, ld_y, e) != 0) return -1;
  }
  return bias ? bias_forward(y, ld_y, bias, rows, out, e) : 0;
}
