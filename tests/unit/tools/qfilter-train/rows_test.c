/* SPDX-License-Identifier: MIT
 *
 * Sums over rows: the same bits at every instruction set and for every width, equal to sums made one by one.
 */
#include "tools/qfilter-train/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"

enum { ROWS = 40, IDS = 90, WIDEST = 300 };

static float *random_values(struct rng *rng, size_t n) {
  float *v = NEW_ARRAY(float, n + 1);
  for (size_t i = 0; i < n; i++) v[i] = (float)rng_normal(rng);
  return v;
}

/* With runs of equal numbers, the rest at random. */
static void make_ids(struct rng *rng, uint32_t *ids) {
  for (size_t i = 0; i < IDS; i++) ids[i] = i && rng_below(rng, 3) == 0 ? ids[i - 1] : (uint32_t)rng_below(rng, ROWS);
}

static bool near(const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!(fabsf(a[i] - b[i]) <= 1e-4f * (1 + fabsf(b[i])))) return false;
  return true;
}

struct results {
  float sum[WIDEST], matrix[ROWS * WIDEST], to[WIDEST], dot;
};

static void compute(struct results *r, const float *matrix, const float *vector, const uint32_t *ids, size_t dim) {
  memset(r, 0, sizeof *r);
  memcpy(r->matrix, matrix, ROWS * dim * sizeof(float));
  memcpy(r->to, vector, dim * sizeof(float));
  rows_add(matrix, dim, ids, IDS, IDS, r->sum);
  rows_update(r->matrix, dim, ids, IDS, IDS, vector);
  rows_add_scaled(r->to, matrix, dim, 0.3f);
  r->dot = rows_dot(matrix, vector, dim);
}

int main(void) {
  struct rng rng;
  rng_init(&rng, 11);
  struct results *r = NEW_ARRAY(struct results, 4), *want = &r[3];
  size_t wrong = 0, different = 0;
  for (size_t dim = 1; dim <= WIDEST; dim += dim < 40 ? 1 : 13) {
    float *matrix = random_values(&rng, ROWS * dim), *vector = random_values(&rng, dim);
    uint32_t ids[IDS];
    make_ids(&rng, ids);
    memset(want, 0, sizeof *want);
    memcpy(want->matrix, matrix, ROWS * dim * sizeof(float));
    for (size_t k = 0; k < IDS; k++)
      for (size_t d = 0; d < dim; d++) {
        want->sum[d] += matrix[ids[k] * dim + d];
        want->matrix[ids[k] * dim + d] += vector[d];
      }
    for (size_t d = 0; d < dim; d++) {
      want->to[d] = vector[d] + 0.3f * matrix[d];
      want->dot += matrix[d] * vector[d];
    }
    int levels = 0;
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      if (simd_force(level) != level) break;
      compute(&r[levels], matrix, vector, ids, dim);
      if (!near(r[levels].sum, want->sum, dim) || !near(r[levels].matrix, want->matrix, ROWS * dim) || !near(r[levels].to, want->to, dim) || !near(&r[levels].dot, &want->dot, 1)) {
        if (wrong++ == 0) note("width %zu, %s", dim, simd_name(level));
      }
      if (levels && memcmp(&r[levels], &r[0], sizeof *r) != 0 && different++ == 0) note("width %zu, %s", dim, simd_name(level));
      levels++;
    }
    free(matrix);
    free(vector);
  }
  ok(wrong == 0, "sums, updates and products are those made one by one, for widths of 1 to %d", WIDEST);
  ok(different == 0, "every instruction set gives the same bits");
  uint32_t none[1] = {0};
  float row[3] = {1, 2, 3}, sum[3] = {0};
  rows_add(row, 3, none, 0, 0, sum);
  ok(sum[0] == 0 && sum[2] == 0, "no rows add nothing");
  free(r);
  return tap_done();
}
