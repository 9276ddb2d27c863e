/* SPDX-License-Identifier: MIT
 *
 * Products of matrices rounded to bfloat16.
 *
 * With AVX-512 BF16: a blocked product after Goto and van de Geijn ("Anatomy of high-performance matrix multiplication",
 * 2008).  vdpbf16ps adds two products in each of 16 lanes, of inner indices k and k+1, so both operands are packed in pairs
 * along K, rounded on the way (K odd: a zero completes the last pair).  A tile of c, ROWS x COLUMNS = 8 x 48, is 24 registers
 * of sums; each pair of k costs 3 loads of b and 8 broadcasts of a for 24 instructions, so two loads a cycle suffice for two
 * vdpbf16ps a cycle.
 *
 *   a, its rows contiguous       [rows][depth]                 a row of c finds its pairs `depth` elements apart
 *   a, its columns contiguous    [rows/16][depth/2][16][2]     two tiles share a cache line
 *   b                            [columns/48][depth/2][48][2]  a panel of depth 384 is 36 KB: it stays in the first-level cache
 *
 * The smaller operand is packed by all threads together: all of it, or where K is long as much of K as STATIONARY bytes hold.  Then
 * each thread takes blocks of the larger one, packs a block into its second-level cache and multiplies it at once, while it
 * fetches the numbers of the block after it.  So every number is converted once, and threads meet twice for each piece of K.  Which
 * operand is which, and the depth of blocks, follow from the sizes alone: the sums, and so the bits, are the same on any number of
 * threads.  The instruction takes subnormal numbers as zero.
 *
 * Without: blocks of both are copied, rounded, and multiplied as floats, whose sums have another order.
 */
#include "kernels/matmul_bf16.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/matmul.h"

#ifndef KERNELS_DOUBLE

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

#if CPU_VECTORS
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,prefer-vector-width=512")
#endif

enum { ROWS = 8, COLUMNS = 48, DEPTH = 384, A_UNIT = 16, STATIONARY = 1 << 20 };

static inline int64_t up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }
static inline __mmask16 lanes(int64_t n) { return n >= 16 ? 0xffff : n > 0 ? (__mmask16)((1u << n) - 1) : 0; }

/* ---- packing */

/* One of the two operands as packing sees it: `vectors` rows of a or columns of b, each of K numbers. */
struct operand {
  const float *p;
  int64_t ld, vectors;
  bool along_k; /* a vector's numbers are contiguous; else those of one k */
};

static inline const float *operand_at(const struct operand *o, int64_t v, int64_t k) {
  return o->along_k ? o->p + v * o->ld + k : o->p + k * o->ld + v;
}

static inline __m512i two(__m512 high, __m512 low) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

/* 16 pairs of one number of each: (even, odd). */
static inline __m512i weave(__m512 even, __m512 odd) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1,
                                         16, 0);
  return _mm512_permutexvar_epi16(order, two(odd, even));
}

/* r[i] lane j <-> r[j] lane i */
static inline __attribute__((always_inline)) void transpose(__m512i r[16]) {
  __m512i t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 8; i++) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
      r[4 * i + 2 * j] = _mm512_unpacklo_epi64(t[4 * i + j], t[4 * i + 2 + j]);
      r[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(t[4 * i + j], t[4 * i + 2 + j]);
    }
#pragma GCC unroll 16
  for (int i = 0; i < 4; i++) { /* quarters of 4 rows: of rows i, i+4 and of i+8, i+12 */
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

/* 16 vectors' numbers of 2*pairs inner indices from (v, k) on, to y[pair * stride + vector] of pairs; vectors beyond the last and the index
 * beyond depth are zeros. */
static void pack_pairs(uint32_t *y, int64_t stride, const struct operand *o, int64_t v, int64_t k, int64_t depth) {
  int64_t count = o->vectors - v, pairs = (depth + 1) / 2;
  if (!o->along_k) {
    __mmask16 in = lanes(count);
    const float *x = operand_at(o, count > 0 ? v : 0, k);
    for (int64_t i = 0; i < pairs; i++, x += 2 * o->ld)
      _mm512_storeu_si512(y + i * stride, weave(_mm512_maskz_loadu_ps(in, x), 2 * i + 1 < depth ? _mm512_maskz_loadu_ps(in, x + o->ld) : _mm512_setzero_ps()));
    return;
  }
  for (int64_t i = 0; i < pairs; i += 16) {
    __mmask16 low = lanes(depth - 2 * i), high = lanes(depth - 2 * i - 16);
    __m512i r[16];
    const float *x = o->p + v * o->ld + k + 2 * i;
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++)
      r[j] = j < count ? two(_mm512_maskz_loadu_ps(high, x + j * o->ld + 16), _mm512_maskz_loadu_ps(low, x + j * o->ld)) : _mm512_setzero_si512();
    transpose(r);
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++)
      if (i + j < pairs) _mm512_storeu_si512(y + (i + j) * stride, r[j]);
  }
}

/* Rows v .. v+A_UNIT-1 of a, to A_UNIT * depth_up elements. */
static void pack_a(uint16_t *y, const struct operand *o, int64_t v, int64_t k, int64_t depth, int64_t depth_up) {
  if (!o->along_k) {
    pack_pairs((uint32_t *)y, A_UNIT, o, v, k, depth);
    return;
  }
  for (int64_t i = 0; i < A_UNIT; i++, y += depth_up) {
    const float *x = o->p + (v + i) * o->ld + k;
    int64_t n = v + i < o->vectors ? depth : 0, j = 0;
    for (; j + 32 <= n; j += 32) _mm512_storeu_si512(y + j, two(_mm512_loadu_ps(x + j + 16), _mm512_loadu_ps(x + j)));
    for (; j < depth_up; j += 32)
      _mm512_mask_storeu_epi16(y + j, depth_up - j >= 32 ? ~0u : (1u << (depth_up - j)) - 1,
                               n > j ? two(_mm512_maskz_loadu_ps(lanes(n - j - 16), x + j + 16), _mm512_maskz_loadu_ps(lanes(n - j), x + j))
                                     : _mm512_setzero_si512());
  }
}

/* Columns v .. v+COLUMNS-1 of b, to COLUMNS * depth_up elements. */
static void pack_b(uint16_t *y, const struct operand *o, int64_t v, int64_t k, int64_t depth) {
  for (int64_t i = 0; i < COLUMNS; i += 16) pack_pairs((uint32_t *)y + i, COLUMNS, o, v + i, k, depth);
}

/* ---- one tile */

/* Where the tile finds a: row i of pair k at p + i * row + k * pair, in bytes. */
struct rows_of_a {
  const char *p;
  int64_t row, pair;
};

static inline __m512bh both(const char *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return (__m512bh)_mm512_set1_epi32(x);
}

static inline __attribute__((always_inline)) void tile_body(int wide, int64_t pairs, const struct rows_of_a *a, const uint16_t *b, float *c, int64_t ld_c,
                                                            int64_t rows, int64_t columns, float alpha, float beta) {
  __m512 sum[ROWS][3];
#pragma GCC unroll 8
  for (int i = 0; i < ROWS; i++) {
    if (i < rows) {
      _mm_prefetch((const char *)(c + i * ld_c), _MM_HINT_T0);
      _mm_prefetch((const char *)(c + i * ld_c + columns - 1), _MM_HINT_T0);
      if (wide > 1) _mm_prefetch((const char *)(c + i * ld_c + 16), _MM_HINT_T0);
      if (wide > 2) _mm_prefetch((const char *)(c + i * ld_c + 32), _MM_HINT_T0);
    }
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) sum[i][j] = _mm512_setzero_ps();
  }
  const int64_t row = a->row, row3 = 3 * row, step = a->pair;
  const char *p = a->p, *q = a->p + 4 * row;
  for (int64_t k = 0; k < pairs; k++, p += step, q += step, b += 2 * COLUMNS) {
    __m512bh w[3];
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) w[j] = (__m512bh)_mm512_loadu_si512(b + 32 * j);
#define ROW(i, at)                                                                                                     \
  {                                                                                                                    \
    __m512bh x = both(at);                                                                                             \
    _Pragma("GCC unroll 3") for (int j = 0; j < wide; j++) sum[i][j] = _mm512_dpbf16_ps(sum[i][j], x, w[j]);           \
  }
    ROW(0, p)
    ROW(1, p + row)
    ROW(2, p + 2 * row)
    ROW(3, p + row3)
    ROW(4, q)
    ROW(5, q + row)
    ROW(6, q + 2 * row)
    ROW(7, q + row3)
#undef ROW
  }
  const __m512 va = _mm512_set1_ps(alpha), vb = _mm512_set1_ps(beta);
#pragma GCC unroll 8
  for (int i = 0; i < ROWS; i++) {
    if (i >= rows) break;
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) {
      float *to = c + i * ld_c + 16 * j;
      __m512 y = _mm512_mul_ps(va, sum[i][j]);
      if (columns >= 16 * (j + 1)) {
        if (beta != 0) y = _mm512_fmadd_ps(vb, _mm512_loadu_ps(to), y);
        _mm512_storeu_ps(to, y);
      } else {
        __mmask16 m = lanes(columns - 16 * j);
        if (beta != 0) y = _mm512_fmadd_ps(vb, _mm512_maskz_loadu_ps(m, to), y);
        _mm512_mask_storeu_ps(to, m, y);
      }
    }
  }
}

static void tile(int64_t pairs, const struct rows_of_a *a, const uint16_t *b, float *c, int64_t ld_c, int64_t rows, int64_t columns, float alpha, float beta) {
  if (columns > 32) tile_body(3, pairs, a, b, c, ld_c, rows, columns, alpha, beta);
  else if (columns > 16) tile_body(2, pairs, a, b, c, ld_c, rows, columns, alpha, beta);
  else tile_body(1, pairs, a, b, c, ld_c, rows, columns, alpha, beta);
}

/* ---- blocks */

/* Numbers that will be packed next, fetched a few cache lines at a time between tiles. */
struct ahead {
  const char *row;
  int64_t rows, stride, bytes, at; /* rows left, bytes between them, of each, done of this */
};

static void ahead_start(struct ahead *f, const struct operand *o, int64_t v, int64_t vectors, int64_t k, int64_t depth) {
  vectors = least(vectors, o->vectors - v);
  f->row = (const char *)operand_at(o, v, k);
  f->rows = o->along_k ? vectors : depth;
  f->bytes = (o->along_k ? depth : vectors) * 4;
  f->stride = o->ld * 4;
  f->at = 0;
}

static inline void ahead_some(struct ahead *f, int64_t lines) {
  for (; lines > 0 && f->rows > 0; lines--) {
    _mm_prefetch(f->row + f->at, _MM_HINT_T1);
    f->at += 64;
    if (f->at >= f->bytes) f->row += f->stride, f->rows--, f->at = 0;
  }
}

struct product {
  struct operand a, b;
  int64_t M, N, K, depth; /* depth: of a block, even */
  float alpha, beta;
  float *c;
  int64_t ld_c;
};

static inline struct rows_of_a rows_at(const struct product *p, const uint16_t *packed, int64_t row, int64_t depth_up) {
  const char *at = (const char *)packed;
  if (p->a.along_k) return (struct rows_of_a){at + row * depth_up * 2, depth_up * 2, 4};
  return (struct rows_of_a){at + (row / A_UNIT * A_UNIT * depth_up + row % A_UNIT * 2) * 2, 4, A_UNIT * 4};
}

/* Rows m0 .. m1-1 (packed in `a` from row a_first on) times the columns n0 .. n1-1 (packed in b from n0 on). */
static void block(const struct product *p, const uint16_t *a, int64_t a_first, int64_t m0, int64_t m1, const uint16_t *b, int64_t n0, int64_t n1, int64_t depth,
                  bool first, struct ahead *f, int64_t lines) {
  int64_t depth_up = up(depth, 2);
  float beta = first ? p->beta : 1;
  for (int64_t n = n0; n < n1; n += COLUMNS, b += COLUMNS * depth_up)
    for (int64_t m = m0; m < m1; m += ROWS) {
      struct rows_of_a rows = rows_at(p, a, m - a_first, depth_up);
      tile(depth_up / 2, &rows, b, p->c + m * p->ld_c + n, p->ld_c, least(ROWS, m1 - m), least(COLUMNS, n1 - n), p->alpha, beta);
      ahead_some(f, lines);
    }
}

static int64_t block_size(int64_t extent, int64_t unit, int64_t most, int threads) {
  int64_t size = up((extent + 4 * threads - 1) / (4 * threads), unit);
  return size < most ? size : most;
}

enum { A_BLOCK = 256, B_BLOCK = 4 * COLUMNS }; /* vectors of the streamed operand packed at once */

/* a's blocks against the whole of b, or b's against the whole of a; of inner indices k0 .. k1-1. */
static void stream(const struct product *p, bool stream_a, uint16_t *whole, uint16_t *mine, int64_t k0, int64_t k1, int64_t size, int64_t index) {
  const struct operand *o = stream_a ? &p->a : &p->b, *s = stream_a ? &p->b : &p->a;
  int64_t unit = stream_a ? A_UNIT : COLUMNS, vectors_up = up(s->vectors, stream_a ? COLUMNS : A_UNIT);
  int64_t v = index * size, end = least(v + size, o->vectors);
  for (int64_t k = k0; k < k1; k += p->depth) {
    int64_t depth = least(p->depth, k1 - k), depth_up = up(depth, 2);
    for (int64_t i = v; i < end; i += unit) {
      uint16_t *to = mine + (i - v) * depth_up;
      if (stream_a) pack_a(to, o, i, k, depth, depth_up);
      else pack_b(to, o, i, k, depth);
    }
    struct ahead f;
    if (k + depth < k1) ahead_start(&f, o, v, size, k + depth, least(p->depth, k1 - k - depth));
    else if (end < o->vectors) ahead_start(&f, o, end, size, k0, least(p->depth, k1 - k0));
    else f.rows = 0;
    int64_t tiles = (end - v + (stream_a ? ROWS : COLUMNS) - 1) / (stream_a ? ROWS : COLUMNS) * ((s->vectors + (stream_a ? COLUMNS : ROWS) - 1) / (stream_a ? COLUMNS : ROWS));
    int64_t lines = f.rows > 0 ? (f.rows * (f.bytes / 64 + 1) + tiles - 1) / tiles : 0;
    const uint16_t *packed = whole + (k - k0) * vectors_up;
    if (stream_a) block(p, mine, v, v, end, packed, 0, p->N, depth, k == 0, &f, lines);
    else
      for (int64_t m = 0; m < p->M; m += A_BLOCK) block(p, packed, 0, m, least(m + A_BLOCK, p->M), mine, v, end, depth, k == 0, &f, lines);
  }
}

static int multiply(const struct product *p, struct kernel_error *e) {
  bool stream_a = p->M >= p->N;
  const struct operand *s = stream_a ? &p->b : &p->a;
  int64_t unit = stream_a ? COLUMNS : A_UNIT, vectors_up = up(s->vectors, unit);
  int64_t deep = STATIONARY / (int64_t)sizeof(uint16_t) / (vectors_up * p->depth), at_once = least(deep < 4 ? 4 : deep, up(p->K, p->depth) / p->depth) * p->depth;
  uint16_t *whole = cpu_scratch(CPU_SCRATCH_MATMUL, (size_t)(vectors_up * at_once) * sizeof *whole);
  if (!whole) return kernel_fail(e, "matmul: out of memory");
  int failed = 0;
#pragma omp parallel if (p->M * p->N * p->K >= 1 << 18)
  {
    int64_t extent = stream_a ? p->M : p->N, size = block_size(extent, stream_a ? A_UNIT : COLUMNS, stream_a ? A_BLOCK : B_BLOCK, omp_get_num_threads());
    uint16_t *mine = cpu_scratch(CPU_SCRATCH_MATMUL + 1, (size_t)(size * p->depth) * sizeof *mine);
    if (!mine) {
#pragma omp atomic write
      failed = 1;
    }
    for (int64_t k0 = 0; k0 < p->K; k0 += at_once) {
      int64_t k1 = least(k0 + at_once, p->K), blocks = (k1 - k0 + p->depth - 1) / p->depth;
#pragma omp for collapse(2) schedule(static)
      for (int64_t i = 0; i < blocks; i++)
        for (int64_t v = 0; v < vectors_up; v += unit) {
          int64_t k = k0 + i * p->depth, depth = least(p->depth, k1 - k), depth_up = up(depth, 2);
          uint16_t *to = whole + (k - k0) * vectors_up + v * depth_up;
          if (stream_a) pack_b(to, s, v, k, depth);
          else pack_a(to, s, v, k, depth, depth_up);
        }
#pragma omp for schedule(dynamic)
      for (int64_t i = 0; i < (extent + size - 1) / size; i++)
        if (mine) stream(p, stream_a, whole, mine, k0, k1, size, i);
    }
  }
  return failed ? kernel_fail(e, "matmul: out of memory") : 0;
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool has_bf16(void) { return cpu_variant() == CPU_AVX512 && __builtin_cpu_supports("avx512bf16"); }
#endif

/* ---- without the instruction */

static inline float rounded(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  if (isnan(x)) u |= 0x400000;
  else u += 0x7fff + (u >> 16 & 1);
  u &= 0xffff0000;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* [rows][columns] of x, rows ld apart, to y, without gaps. */
static void round_block(float *y, const float *x, int64_t ld, int64_t rows, int64_t columns) {
#pragma omp parallel for schedule(static) if (rows * columns >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < columns; i++) y[r * columns + i] = rounded(x[r * ld + i]);
}

static int multiply_rounded(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a, const float *b,
                            int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e) {
  enum { SIDE = 2048 }; /* 16 MB of a and of b at most */
  int64_t most_m = least(M, SIDE), most_n = least(N, SIDE), most_k = least(K, SIDE);
  float *a_block = cpu_scratch(CPU_SCRATCH_MATMUL, (size_t)(most_m * most_k) * sizeof *a_block);
  float *b_block = cpu_scratch(CPU_SCRATCH_MATMUL + 1, (size_t)(most_k * most_n) * sizeof *b_block);
  if (!a_block || !b_block) return kernel_fail(e, "matmul: out of memory");
  for (int64_t n = 0; n < N; n += SIDE)
    for (int64_t k = 0; k < K; k += SIDE) {
      int64_t columns = least(SIDE, N - n), depth = least(SIDE, K - k);
      round_block(b_block, transpose_b ? b + n * ld_b + k : b + k * ld_b + n, ld_b, transpose_b ? columns : depth, transpose_b ? depth : columns);
      for (int64_t m = 0; m < M; m += SIDE) {
        int64_t rows = least(SIDE, M - m);
        round_block(a_block, transpose_a ? a + k * ld_a + m : a + m * ld_a + k, ld_a, transpose_a ? depth : rows, transpose_a ? rows : depth);
        if (matmul(MATMUL_FP32, transpose_a, transpose_b, rows, columns, depth, alpha, a_block, transpose_a ? rows : depth, b_block,
                   transpose_b ? depth : columns, k == 0 ? beta : 1, c + m * ld_c + n, ld_c, e) < 0)
          return -1;
      }
    }
  return 0;
}

int matmul_bf16(bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a,
                const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e) {
#if CPU_VECTORS
  if (has_bf16()) {
    int64_t blocks = (K + DEPTH - 1) / DEPTH;
    struct product p = {{a, ld_a, M, !transpose_a}, {b, ld_b, N, transpose_b}, M, N, K, up((K + blocks - 1) / blocks, 32), alpha, beta, c, ld_c};
    return multiply(&p, e);
  }
#endif
  return multiply_rounded(transpose_a, transpose_b, M, N, K, alpha, a, ld_a, b, ld_b, beta, c, ld_c, e);
}

#endif
