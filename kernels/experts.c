/* SPDX-License-Identifier: MIT
 *
 * Grouped products on the CPU.  A library's product of one expert has two costs that the experts multiply: its threads meet
 * at its end, and oneDNN makes code for each number of rows it has not seen.  So float products run in an own kernel, blocks
 * of the results of all experts side by side in one parallel loop; the remaining kinds go through matmul(), an expert at a time.
 */
#include "kernels/experts.h"

#include <omp.h>

#include "kernels/cpu.h"
#include "kernels/matmul.h"

/* c = op(a) op(b) + beta c through the library. */
static int product(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, const real *a,
                   int64_t ld_a, const real *b, int64_t ld_b, real beta, real *c, int64_t ld_c, struct kernel_error *e) {
  return matmul(type, transpose_a, transpose_b, M, N, K, 1, a, ld_a, b, ld_b, beta, c, ld_c, e);
}

enum kind { FORWARD, BACKWARD_X, BACKWARD_W }; /* y = x w^T, dx = dy w, dw += dy^T x */

/* One expert of one kind: c [M][N], of K products each. */
struct group {
  enum kind kind;
  int64_t M, N, K, ld_a, ld_b;
  const real *a, *b;
  real *c;
};

/* left: x or dy; right: w or x; result: y, dx or dw */
static struct group group_of(enum kind kind, int64_t expert, const int32_t *starts, const real *left, const real *right, real *result,
                             int64_t stride, int64_t out, int64_t in) {
  int64_t first = starts[expert], rows = starts[expert + 1] - first;
  if (kind == FORWARD) return (struct group){kind, rows, out, in, in, in, left + first * in, right + expert * stride, result + first * out};
  if (kind == BACKWARD_X) return (struct group){kind, rows, in, out, out, in, left + first * out, right + expert * stride, result + first * in};
  return (struct group){kind, out, in, rows, out, in, left + first * out, right + first * in, result + expert * stride};
}

#if CPU_VECTORS
enum { BLOCK_K = 256, BLOCK_COLUMNS = 384, MOST_ROWS = 480, MOST_ROWS_PACKED = 360, FEWEST_ROWS = 96, PANEL = 32 };

#define VECTOR_BODY "kernels/experts_vector.h"
#include "kernels/vector_each.h"

static int64_t row_pieces(const struct group *g, int64_t most_rows) { return (g->M + most_rows - 1) / most_rows; }
static int64_t column_pieces(int64_t N) { return (N + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS; }

/* Piece `index` of the result of a group. */
static int run_piece(const struct group *g, int64_t index, int64_t most_rows, float *packed_a, float *packed_b) {
  int64_t columns = column_pieces(g->N), panels = (g->N + PANEL - 1) / PANEL, i = index / columns, j = index % columns, rows = row_pieces(g, most_rows);
  int64_t m = g->M * i / rows, M = g->M * (i + 1) / rows - m, n = panels * j / columns * PANEL, end = panels * (j + 1) / columns * PANEL;
  int64_t N = (end < g->N ? end : g->N) - n;
  const float *a = g->kind == BACKWARD_W ? g->a + m : g->a + m * g->ld_a, *b = g->kind == FORWARD ? g->b + n * g->ld_b : g->b + n;
  float *c = g->c + m * g->N + n;
  if (g->kind == FORWARD && g->M <= MATMUL_FEW_ROWS) { /* not worth packing b; inside this parallel loop it runs on one thread */
    struct kernel_error e;
    return product(MATMUL_FP32, false, true, M, N, g->K, a, g->ld_a, b, g->ld_b, 0, c, g->N, &e);
  }
  (cpu_variant() == CPU_AVX512 ? block_avx512 : block_avx2)(g->kind == BACKWARD_W, g->kind == FORWARD, M, N, g->K, a, g->ld_a, b, g->ld_b,
                                                             g->kind == BACKWARD_W, c, g->N, packed_a, packed_b);
  return 0;
}

/* All groups of a kind side by side. */
static int run_blocked(enum kind kind, real *result, const real *left, const real *right, int64_t stride, const int32_t *starts,
                       int64_t experts, int64_t out, int64_t in, struct kernel_error *e) {
  int64_t *ends = cpu_scratch(0, (size_t)(experts + 1) * sizeof *ends), pieces = 0; /* ends[i]: pieces of experts up to i */
  if (!ends) return kernel_fail(e, "experts: no memory for %lld experts", (long long)experts);
  /* Pieces get smaller until there are some for each thread.  This changes no bit. */
  int64_t most_rows = kind == BACKWARD_W ? MOST_ROWS_PACKED : MOST_ROWS, threads = omp_get_max_threads();
  for (;; most_rows /= 2) {
    pieces = 0;
    for (int64_t i = 0; i < experts; i++) {
      struct group g = group_of(kind, i, starts, left, right, result, stride, out, in);
      if (starts[i + 1] > starts[i]) pieces += row_pieces(&g, most_rows) * column_pieces(g.N);
      ends[i] = pieces;
    }
    if (pieces >= 4 * threads || most_rows / 2 < FEWEST_ROWS) break;
  }
  int64_t work = (int64_t)(starts[experts] - starts[0]) * out * in;
  bool failed = false;
#pragma omp parallel for schedule(dynamic) if (work >= 4 * CPU_PARALLEL_FROM)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t low = 0, high = experts - 1; /* the first expert whose end lies behind p */
    while (low < high) {
      int64_t middle = (low + high) / 2;
      if (ends[middle] > p) high = middle;
      else low = middle + 1;
    }
    struct group g = group_of(kind, low, starts, left, right, result, stride, out, in);
    float *packed = cpu_scratch(1, sizeof(float) * (BLOCK_K + 1) * (BLOCK_COLUMNS + (kind == BACKWARD_W ? MOST_ROWS_PACKED + 16 : 0)));
    if (!packed || run_piece(&g, p - (low > 0 ? ends[low - 1] : 0), most_rows, packed + (BLOCK_K + 1) * BLOCK_COLUMNS, packed) != 0) {
#pragma omp atomic write
      failed = true;
    }
  }
  return failed ? kernel_fail(e, "experts: a block of %lld x %lld failed: no memory", (long long)out, (long long)in) : 0;
}
#endif

static int run(enum matmul_type type, enum kind kind, real *result, const real *left, const real *right, int64_t stride,
               const int32_t *starts, int64_t experts, int64_t out, int64_t in, struct kernel_error *e) {
  if (out == 0 || in == 0 || experts == 0) return 0;
#if CPU_VECTORS
  if (type == MATMUL_FP32 && cpu_variant() != CPU_SCALAR)
    return run_blocked(kind, result, left, right, stride, starts, experts, out, in, e);
#endif
  for (int64_t i = 0; i < experts; i++) {
    struct group g = group_of(kind, i, starts, left, right, result, stride, out, in);
    if (starts[i + 1] > starts[i] && product(type, kind == BACKWARD_W, kind == FORWARD, g.M, g.N, g.K, g.a, g.ld_a, g.b, g.ld_b,
                                             kind == BACKWARD_W, g.c, g.N, e) != 0)
      return -1;
  }
  return 0;
}

static int check(const int32_t *starts, int64_t experts, int64_t out, int64_t in, int64_t stride, struct kernel_error *e) {
  if (experts < 0 || out < 0 || in < 0 || (experts > 1 && stride < out * in))
    return kernel_fail(e, "experts: %lld of %lld x %lld, %lld elements apart", (long long)experts, (long long)out, (long long)in,
                       (long long)stride);
  for (int64_t i = 0; i < experts; i++)
    if (starts[i] < 0 || starts[i + 1] < starts[i])
      return kernel_fail(e, "experts: expert %lld has the slots from %d to %d", (long long)i, starts[i], starts[i + 1]);
  return 0;
}

int experts_forward(enum matmul_type type, real *y, const real *x, const real *w, int64_t stride, const int32_t *starts,
                    int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e) {
  (void)slots;
  if (check(starts, experts, out, in, stride, e) != 0) return -1;
  return run(type, FORWARD, y, x, w, stride, starts, experts, out, in, e);
}

int experts_backward(enum matmul_type type, real *dx, real *dw, const real *dy, const real *x, const real *w, int64_t stride,
                     const int32_t *starts, int64_t experts, int64_t slots, int64_t out, int64_t in, struct kernel_error *e) {
  (void)slots;
  if (check(starts, experts, out, in, stride, e) != 0) return -1;
  if (dx && run(type, BACKWARD_X, dx, dy, w, stride, starts, experts, out, in, e) != 0) return -1;
  return dw ? run(type, BACKWARD_W, dw, dy, x, stride, starts, experts, out, in, e) : 0;
}

int matmul_batched(enum matmul_type type, real *c, const real *a, const real *b, const struct batch_shape *s, struct kernel_error *e) {
  for (int64_t i = 0; i < s->count; i++)
    if (matmul(type, false, s->transpose_b, s->M, s->N, s->K, 1, a + i * s->stride_a, s->ld_a, b + i * s->stride_b, s->ld_b, 0, c + i * s->stride_c, s->ld_c, e) < 0) return -1;
  return 0;
}
