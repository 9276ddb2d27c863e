/* SPDX-License-Identifier: MIT
 *
 * The same loops for each instruction set: the compiler makes vectors of their lanes (GCC's vector types).
 */
#include "tools/warc2txt/extract/extract_forest.h"

#include "common/base/simd.h"

/* A tree's leaves that are left, for FOREST_LANES rows in vectors of `lanes`. */
#define EVALUATE(name, target, floats, words, lanes)                                                                              \
  target void name(const struct forest *f, const float (*columns)[FOREST_LANES], int32_t *sums) {                                 \
    enum { VECTORS = FOREST_LANES / (lanes) };                                                                                    \
    for (int i = 0; i < FOREST_LANES; i++) sums[i] = f->bias;                                                                     \
    for (uint32_t t = 0; t < f->tree_count; t++) {                                                                                \
      const struct forest_tree *tree = &f->trees[t];                                                                              \
      const struct forest_node *node = f->nodes + tree->first_node;                                                               \
      words left[VECTORS];                                                                                                        \
      for (int v = 0; v < VECTORS; v++) left[v] = ~(words){0};                                                                    \
      for (uint32_t k = 0; k < tree->node_count; k++) {                                                                           \
        const floats *x = (const floats *)columns[node[k].input];                                                                 \
        for (int v = 0; v < VECTORS; v++) left[v] &= ~(words)(x[v] > node[k].threshold) | node[k].mask;                           \
      }                                                                                                                           \
      const int16_t *leaf = f->leaves + tree->first_leaf;                                                                         \
      for (int v = 0; v < VECTORS; v++)                                                                                           \
        for (int i = 0; i < (lanes); i++) sums[v * (lanes) + i] += leaf[__builtin_ctz(left[v][i])];                               \
    }                                                                                                                             \
  }

typedef float floats4 __attribute__((vector_size(16), aligned(4)));
typedef uint32_t words4 __attribute__((vector_size(16)));
EVALUATE(evaluate_scalar, static, floats4, words4, 4)

#ifdef __x86_64__
typedef float floats8 __attribute__((vector_size(32), aligned(4)));
typedef uint32_t words8 __attribute__((vector_size(32)));
EVALUATE(evaluate_avx2, static SIMD_TARGET_AVX2, floats8, words8, 8)

typedef float floats16 __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words16 __attribute__((vector_size(64)));
EVALUATE(evaluate_avx512, static SIMD_TARGET_AVX512, floats16, words16, 16)
#endif

void forest_evaluate(const struct forest *f, const float (*columns)[FOREST_LANES], int32_t sums[FOREST_LANES]) {
#ifdef __x86_64__
  switch (simd_level()) {
    case SIMD_AVX512: evaluate_avx512(f, columns, sums); return;
    case SIMD_AVX2: evaluate_avx2(f, columns, sums); return;
    default: break;
  }
#endif
  evaluate_scalar(f, columns, sums);
}
