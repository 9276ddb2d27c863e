/* SPDX-License-Identifier: MIT
 *
 * A blocked product after Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008), with AVX-512.
 *
 * Both operands are packed in words of 4 bytes along K: a float, or a pair of bfloat16 of inner indices k and k+1, because
 * vdpbf16ps adds two products in each of 16 lanes (K odd: a zero completes the last pair).  Floats are rounded on the way.
 * A tile of c, ROWS x COLUMNS = 8 x 48, is 24 registers of sums; each word of k costs 3 loads of b and 8 broadcasts of a for
 * 24 instructions, so two loads a cycle suffice for two of them a cycle.
 *
 *   a, its rows contiguous       [rows][depth]             a row of c finds its words in a row
 *   a, its columns contiguous    [rows/16][depth][16]      two tiles share a cache line
 *   b                            [columns/48][depth][48]   a panel of depth 192 is 36 KB: it stays in the first-level cache
 *
 * The smaller operand is packed by all threads together: all of it, or where K is long as much of K as STATIONARY bytes
 * hold.  Then each thread takes blocks of the larger one, packs a block into its second-level cache and multiplies it at
 * once, while it fetches the numbers of the block after it.  So every number is packed once, and threads meet twice for each
 * piece of K.  Which operand is which, and the depth of blocks, follow from the sizes alone: the sums, and so the bits, are
 * the same on any number of threads.  vdpbf16ps takes subnormal numbers as zero.
 */
#include "kernels/matmul_blocked.h"

#if CPU_VECTORS
#include <immintrin.h>
#include <omp.h>
#include <string.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,prefer-vector-width=512")
#endif
#define INLINE static inline __attribute__((always_inline))

enum { ROWS = 8, COLUMNS = 48, DEPTH = 192, A_UNIT = 16, STATIONARY = 1 << 20, WORD = 4 };
enum { A_BLOCK = 256, B_BLOCK = 4 * COLUMNS }; /* vectors of the larger operand that are packed at once */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pieces(int64_t a, int64_t unit) { return (a + unit - 1) / unit; }
static inline int64_t up(int64_t a, int64_t unit) { return pieces(a, unit) * unit; }
static inline __mmask16 lanes(int64_t n) { return n >= 16 ? 0xffff : n > 0 ? (__mmask16)((1u << n) - 1) : 0; }

/* ---- packing */

/* An operand as packing sees it: `vectors` rows of a or columns of b, each of K numbers. */
struct operand {
  const float *p;
  int64_t ld, vectors, K;
  bool along_k; /* a vector's numbers are contiguous; else those of one k */
  int per_word; /* numbers */
};

static inline const float *operand_at(const struct operand *o, int64_t v, int64_t word) {
  int64_t k = word * o->per_word;
  return o->along_k ? o->p + v * o->ld + k : o->p + k * o->ld + v;
}

/* 16 words of one vector from number k on; zeros beyond K. */
INLINE __m512i words_along(const struct operand *o, const float *x, int64_t k) {
  __m512 low = _mm512_maskz_loadu_ps(lanes(o->K - k), x);
  if (o->per_word == 1) return _mm512_castps_si512(low);
  return (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(lanes(o->K - k - 16), x + 16), low);
}

/* One word of 16 vectors. */
INLINE __m512i words_across(const struct operand *o, const float *x, int64_t k, __mmask16 in) {
  __m512 even = _mm512_maskz_loadu_ps(in, x);
  if (o->per_word == 1) return _mm512_castps_si512(even);
  __m512 odd = _mm512_maskz_loadu_ps(k + 1 < o->K ? in : 0, x + o->ld);
  const __m512i weave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1,
                                         16, 0);
  return _mm512_permutexvar_epi16(weave, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

/* r[i] lane j <-> r[j] lane i */
INLINE void transpose(__m512i r[16]) {
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
  for (int i = 0; i < 4; i++) { /* quarters of rows i, i+4 and of i+8, i+12 */
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

/* Words first .. first+depth-1 of 16 vectors from v on, to y[word * stride + vector]; zeros beyond the last vector. */
static void pack_16(uint32_t *y, int64_t stride, const struct operand *o, int64_t v, int64_t first, int64_t depth) {
  int64_t count = o->vectors - v, k = first * o->per_word;
  if (count <= 0) {
    for (int64_t i = 0; i < depth; i++) _mm512_storeu_si512(y + i * stride, _mm512_setzero_si512());
    return;
  }
  const float *x = operand_at(o, v, first);
  if (!o->along_k) {
    __mmask16 in = lanes(count);
    for (int64_t i = 0; i < depth; i++, k += o->per_word, x += o->per_word * o->ld) _mm512_storeu_si512(y + i * stride, words_across(o, x, k, in));
    return;
  }
  for (int64_t i = 0; i < depth; i += 16, k += 16 * o->per_word, x += 16 * o->per_word) {
    __m512i r[16];
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++) r[j] = j < count ? words_along(o, x + j * o->ld, k) : _mm512_setzero_si512();
    transpose(r);
#pragma GCC unroll 16
    for (int j = 0; j < 16; j++)
      if (i + j < depth) _mm512_storeu_si512(y + (i + j) * stride, r[j]);
  }
}

/* Rows v .. v+A_UNIT-1 of a. */
static void pack_a(uint32_t *y, const struct operand *o, int64_t v, int64_t first, int64_t depth) {
  if (!o->along_k) {
    pack_16(y, A_UNIT, o, v, first, depth);
    return;
  }
  for (int64_t i = 0; i < A_UNIT; i++, y += depth) {
    if (v + i >= o->vectors) {
      memset(y, 0, (size_t)depth * WORD);
      continue;
    }
    const float *x = operand_at(o, v + i, first);
    int64_t k = first * o->per_word, step = 16 * o->per_word, j = 0;
    for (; j + 16 <= depth; j += 16, k += step, x += step) _mm512_storeu_si512(y + j, words_along(o, x, k));
    if (j < depth) _mm512_mask_storeu_epi32(y + j, lanes(depth - j), words_along(o, x, k));
  }
}

/* Columns v .. v+COLUMNS-1 of b. */
static void pack_b(uint32_t *y, const struct operand *o, int64_t v, int64_t first, int64_t depth) {
  for (int64_t i = 0; i < COLUMNS; i += 16) pack_16(y + i, COLUMNS, o, v + i, first, depth);
}

/* ---- one tile */

/* Where a tile finds a: the word of row i at p + i * row, the next one of it `step` further, in bytes. */
struct rows_of_a {
  const char *p;
  int64_t row, step;
};

INLINE __m512 product_added(bool half, __m512 sum, __m512i x, __m512i w) {
  return half ? _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w) : _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), sum);
}

INLINE __m512i broadcast(const char *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return _mm512_set1_epi32(x);
}

/* `wide` registers of columns; constant, as is half. */
INLINE void tile_of(int wide, bool half, int64_t depth, const struct rows_of_a *a, const uint32_t *b, float *c, int64_t ld_c, int64_t rows, int64_t columns,
                    float alpha, float beta) {
  __m512 sum[ROWS][3];
#pragma GCC unroll 8
  for (int i = 0; i < ROWS; i++) {
    if (i < rows) { /* c arrives while the sums are made */
      _mm_prefetch((const char *)(c + i * ld_c), _MM_HINT_T0);
      if (wide > 1) _mm_prefetch((const char *)(c + i * ld_c + 16), _MM_HINT_T0);
      if (wide > 2) _mm_prefetch((const char *)(c + i * ld_c + 32), _MM_HINT_T0);
      _mm_prefetch((const char *)(c + i * ld_c + columns - 1), _MM_HINT_T0);
    }
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) sum[i][j] = _mm512_setzero_ps();
  }
  const int64_t row = a->row, row3 = 3 * row, step = a->step;
  const char *p = a->p, *q = a->p + 4 * row;
  for (int64_t k = 0; k < depth; k++, p += step, q += step, b += COLUMNS) {
    const char *at[ROWS] = {p, p + row, p + 2 * row, p + row3, q, q + row, q + 2 * row, q + row3};
    __m512i w[3];
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) w[j] = _mm512_loadu_si512(b + 16 * j);
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++) {
      __m512i x = broadcast(at[i]);
#pragma GCC unroll 3
      for (int j = 0; j < wide; j++) sum[i][j] = product_added(half, sum[i][j], x, w[j]);
    }
  }
  const __m512 va = _mm512_set1_ps(alpha), vb = _mm512_set1_ps(beta);
#pragma GCC unroll 8
  for (int i = 0; i < ROWS; i++) {
    if (i >= rows) break;
#pragma GCC unroll 3
    for (int j = 0; j < wide; j++) {
      float *to = c + i * ld_c + 16 * j;
      __m512 y = _mm512_mul_ps(va, sum[i][j]);
      __mmask16 m = lanes(columns - 16 * j);
      if (m == 0xffff) {
        if (beta != 0) y = _mm512_fmadd_ps(vb, _mm512_loadu_ps(to), y);
        _mm512_storeu_ps(to, y);
      } else {
        if (beta != 0) y = _mm512_fmadd_ps(vb, _mm512_maskz_loadu_ps(m, to), y);
        _mm512_mask_storeu_ps(to, m, y);
      }
    }
  }
}

static void tile(bool half, int64_t depth, const struct rows_of_a *a, const uint32_t *b, float *c, int64_t ld_c, int64_t rows, int64_t columns, float alpha,
                 float beta) {
#define TILE(wide, half) tile_of(wide, half, depth, a, b, c, ld_c, rows, columns, alpha, beta)
  if (half) {
    if (columns > 32) TILE(3, true);
    else if (columns > 16) TILE(2, true);
    else TILE(1, true);
  } else {
    if (columns > 32) TILE(3, false);
    else if (columns > 16) TILE(2, false);
    else TILE(1, false);
  }
#undef TILE
}

/* ---- blocks */

/* Numbers that will be packed next, fetched a few cache lines at a time between tiles. */
struct ahead {
  const char *row;
  int64_t rows, stride, bytes, at, lines; /* rows left, from one to the next, of each, done of this; lines to fetch a tile */
};

static void ahead_start(struct ahead *f, const struct operand *o, int64_t v, int64_t vectors, int64_t first, int64_t depth, int64_t tiles) {
  int64_t numbers = least(depth * o->per_word, o->K - first * o->per_word);
  vectors = least(vectors, o->vectors - v);
  f->row = (const char *)operand_at(o, v, first);
  f->rows = o->along_k ? vectors : numbers;
  f->bytes = (o->along_k ? numbers : vectors) * (int64_t)sizeof(float);
  f->stride = o->ld * (int64_t)sizeof(float);
  f->at = 0;
  f->lines = pieces(f->rows * (f->bytes / 64 + 1), tiles);
}

static inline void ahead_some(struct ahead *f) {
  for (int64_t i = 0; i < f->lines && f->rows > 0; i++) {
    _mm_prefetch(f->row + f->at, _MM_HINT_T1);
    f->at += 64;
    if (f->at >= f->bytes) f->row += f->stride, f->rows--, f->at = 0;
  }
}

struct product {
  struct operand a, b;
  int64_t M, N, words, depth; /* words of K; most of them in a block */
  float alpha, beta;
  float *c;
  int64_t ld_c;
  bool stream_a; /* a is the larger operand */
};

static inline struct rows_of_a rows_at(const struct product *p, const uint32_t *packed, int64_t row, int64_t depth) {
  if (p->a.along_k) return (struct rows_of_a){(const char *)(packed + row * depth), depth * WORD, WORD};
  return (struct rows_of_a){(const char *)(packed + row / A_UNIT * A_UNIT * depth + row % A_UNIT), WORD, A_UNIT * WORD};
}

/* Rows m0 .. m1-1, packed in a from row a_first on, times columns n0 .. n1-1, packed in b. */
static void block(const struct product *p, const uint32_t *a, int64_t a_first, int64_t m0, int64_t m1, const uint32_t *b, int64_t n0, int64_t n1, int64_t depth,
                  float beta, struct ahead *f) {
  for (int64_t n = n0; n < n1; n += COLUMNS, b += COLUMNS * depth)
    for (int64_t m = m0; m < m1; m += ROWS) {
      struct rows_of_a rows = rows_at(p, a, m - a_first, depth);
      tile(p->a.per_word == 2, depth, &rows, b, p->c + m * p->ld_c + n, p->ld_c, least(ROWS, m1 - m), least(COLUMNS, n1 - n), p->alpha, beta);
      ahead_some(f);
    }
}

/* The larger operand's vectors v .. end-1, packed in `mine`, against all of the other, packed in `whole`; of words from .. to-1. */
static void stream(const struct product *p, const uint32_t *whole, uint32_t *mine, int64_t v, int64_t end, int64_t from, int64_t to) {
  const struct operand *o = p->stream_a ? &p->a : &p->b;
  int64_t unit = p->stream_a ? A_UNIT : COLUMNS, whole_vectors = p->stream_a ? up(p->N, COLUMNS) : up(p->M, A_UNIT);
  int64_t tiles = p->stream_a ? pieces(end - v, ROWS) * pieces(p->N, COLUMNS) : pieces(p->M, ROWS) * pieces(end - v, COLUMNS);
  for (int64_t k = from; k < to; k += p->depth) {
    int64_t depth = least(p->depth, to - k);
    for (int64_t i = v; i < end; i += unit) (p->stream_a ? pack_a : pack_b)(mine + (i - v) * depth, o, i, k, depth);
    struct ahead f = {.rows = 0};
    if (k + depth < to) ahead_start(&f, o, v, end - v, k + depth, p->depth, tiles);
    else if (end < o->vectors) ahead_start(&f, o, end, end - v, from, least(p->depth, to - from), tiles);
    const uint32_t *packed = whole + (k - from) * whole_vectors;
    float beta = k == 0 ? p->beta : 1;
    if (p->stream_a) block(p, mine, v, v, end, packed, 0, p->N, depth, beta, &f);
    else
      for (int64_t m = 0; m < p->M; m += A_BLOCK) block(p, packed, 0, m, least(m + A_BLOCK, p->M), mine, v, end, depth, beta, &f);
  }
}

static int multiply(const struct product *p, struct kernel_error *e) {
  const struct operand *s = p->stream_a ? &p->b : &p->a;
  int64_t unit = p->stream_a ? COLUMNS : A_UNIT, vectors_up = up(s->vectors, unit), extent = p->stream_a ? p->M : p->N;
  int64_t deep = STATIONARY / (WORD * vectors_up * p->depth), at_once = least(deep < 4 ? 4 : deep, pieces(p->words, p->depth)) * p->depth;
  uint32_t *whole = cpu_scratch(CPU_SCRATCH_MATMUL, (size_t)(vectors_up * at_once) * WORD);
  if (!whole) return kernel_fail(e, "matmul: out of memory");
  int failed = 0;
#pragma omp parallel if ((double)p->M * (double)p->N * (double)p->words >= 1 << 17)
  {
    /* some blocks for each thread, so that all end together */
    int64_t size = least(up(pieces(extent, 4 * omp_get_num_threads()), p->stream_a ? A_UNIT : COLUMNS), p->stream_a ? A_BLOCK : B_BLOCK);
    uint32_t *mine = cpu_scratch(CPU_SCRATCH_MATMUL + 1, (size_t)(size * p->depth) * WORD);
    if (!mine) {
#pragma omp atomic write
      failed = 1;
    }
    for (int64_t from = 0; from < p->words; from += at_once) {
      int64_t to = least(from + at_once, p->words);
#pragma omp for collapse(2) schedule(static)
      for (int64_t k = from; k < to; k += p->depth)
        for (int64_t v = 0; v < vectors_up; v += unit) {
          int64_t depth = least(p->depth, to - k);
          (p->stream_a ? pack_b : pack_a)(whole + (k - from) * vectors_up + v * depth, s, v, k, depth);
        }
#pragma omp for schedule(dynamic)
      for (int64_t v = 0; v < extent; v += size)
        if (mine) stream(p, whole, mine, v, least(v + size, extent), from, to);
    }
  }
  return failed ? kernel_fail(e, "matmul: out of memory") : 0;
}

int matmul_blocked(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const float *a, int64_t ld_a,
                   const float *b, int64_t ld_b, float beta, float *c, int64_t ld_c, struct kernel_error *e) {
  int per_word = type == MATMUL_BF16 ? 2 : 1;
  int64_t words = pieces(K, per_word);
  struct product p = {.a = {a, ld_a, M, K, !transpose_a, per_word}, .b = {b, ld_b, N, K, transpose_b, per_word}, .M = M, .N = N, .words = words};
  p.depth = up(pieces(words, pieces(words, DEPTH)), 16);
  p.alpha = alpha, p.beta = beta, p.c = c, p.ld_c = ld_c, p.stream_a = M >= N;
  return multiply(&p, e);
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

bool matmul_blocked_runs(enum matmul_type type) {
  return cpu_variant() == CPU_AVX512 && (type == MATMUL_FP32 || __builtin_cpu_supports("avx512bf16"));
}
#endif
