/* SPDX-License-Identifier: MIT
 *
 * Pruning and product quantisation; see fasttext_quantize.h.
 *
 * k-means as in the reference (src/productquantizer.cc): 25 rounds over at most 65,536 rows; an empty cluster takes half of
 * another.  Unlike there the first centroids are not any rows, but far ones.  Parts are independent of one another and have a random
 * generator each, so that threads share them out.  A distance is one sum over the columns whatever the vector width:
 * vectors lie along the centroids.
 */
#include "tools/qfilter-train/fasttext_quantize.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/base/threads.h"

enum { CENTROIDS = FASTTEXT_CENTROIDS, ROUNDS = 25, POINTS = 256 * CENTROIDS };

/* ---- pruning */

static float norm_of(const float *row, size_t dim) {
  double sum = 0;
  for (size_t d = 0; d < dim; d++) sum += (double)(row[d] * row[d]);
  return (float)sqrt(sum);
}

struct ranked {
  float norm;
  int32_t row;
};

static int compare_ranked(const void *a, const void *b) { /* largest norm first */
  const struct ranked *x = a, *y = b;
  if (x->norm != y->norm) return x->norm > y->norm ? -1 : 1;
  return (x->row > y->row) - (x->row < y->row);
}

static int compare_rows(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  return (x->row > y->row) - (x->row < y->row);
}

/* A matrix of its own for a model that has it in a file. */
static void own_input(struct fasttext *m) {
  if (!m->mapped_input) return;
  size_t bytes = (size_t)m->rows * (size_t)m->args.dim * sizeof(float);
  m->input = ALIGNED(64, (bytes + 127) / 64 * 64);
  memcpy(m->input, m->mapped_input, bytes);
  m->mapped_input = NULL;
}

void fasttext_prune(struct fasttext *m, int64_t cutoff) {
  if (m->pruned || m->rows <= cutoff || cutoff < 1) return;
  own_input(m);
  size_t dim = (size_t)m->args.dim, kept = (size_t)cutoff;
  struct ranked *ranked = NEW_ARRAY(struct ranked, (size_t)m->rows);
  int64_t end = fasttext_find(m, "</s>", 4, fasttext_hash("</s>", 4));
  for (int64_t r = 0; r < m->rows; r++) ranked[r] = (struct ranked){r == end ? INFINITY : norm_of(m->input + (size_t)r * dim, dim), (int32_t)r};
  qsort(ranked, (size_t)m->rows, sizeof *ranked, compare_ranked);
  struct ranked *order = NEW_ARRAY(struct ranked, kept); /* words by number, then buckets by norm */
  size_t words = 0, pairs = 0;
  for (size_t i = 0; i < kept; i++)
    if (ranked[i].row < m->words) order[words++] = ranked[i];
  qsort(order, words, sizeof *order, compare_rows);
  m->pairs = NEW_ARRAY(struct fasttext_pair, kept - words + 1);
  for (size_t i = 0; i < kept; i++) {
    if (ranked[i].row < m->words) continue;
    m->pairs[pairs] = (struct fasttext_pair){ranked[i].row - m->words, (int32_t)pairs};
    order[words + pairs++] = ranked[i];
  }
  free(ranked);
  float *input = ALIGNED(64, (kept * dim * sizeof *input + 127) / 64 * 64);
  for (size_t i = 0; i < kept; i++) memcpy(input + i * dim, m->input + (size_t)order[i].row * dim, dim * sizeof *input);
  free(m->input);
  m->input = input;
  for (size_t i = 0; i < words; i++) m->entries[i] = m->entries[order[i].row];
  memmove(m->entries + words, m->entries + m->words, (size_t)m->labels * sizeof *m->entries);
  free(order);
  m->words = (int32_t)words;
  m->pruned = true;
  m->pair_count = (int64_t)pairs;
  fasttext_index(m);
}

/* ---- the nearest centroid */

/* `across` holds the centroids column by column, [width][CENTROIDS].  Of equal distances the first. */
static inline __attribute__((always_inline)) uint8_t nearest(const float *x, const float *across, size_t width) {
  float distance[CENTROIDS] __attribute__((aligned(64))) = {0}, least = INFINITY;
  for (size_t d = 0; d < width; d++) {
    const float *column = across + d * CENTROIDS;
#pragma omp simd
    for (int k = 0; k < CENTROIDS; k++) distance[k] += (x[d] - column[k]) * (x[d] - column[k]);
  }
#pragma omp simd reduction(min : least)
  for (int k = 0; k < CENTROIDS; k++) least = distance[k] < least ? distance[k] : least;
  int first = CENTROIDS - 1;
#pragma omp simd reduction(min : first)
  for (int k = 0; k < CENTROIDS; k++) {
    int at = distance[k] == least ? k : CENTROIDS - 1;
    first = at < first ? at : first;
  }
  return (uint8_t)first;
}

#define ASSIGN                                                                                                         \
  float *across = ALIGNED(64, width * CENTROIDS * sizeof *across);                                                     \
  for (size_t k = 0; k < CENTROIDS; k++)                                                                               \
    for (size_t d = 0; d < width; d++) across[d * CENTROIDS + k] = centroids[k * width + d];                           \
  for (size_t i = 0; i < n; i++) codes[i * code_step] = nearest(points + i * step, across, width);                     \
  free(across);

static void assign_scalar(const float *points, size_t n, size_t step, size_t width, const float *centroids, uint8_t *codes, size_t code_step) { ASSIGN }
#ifdef __x86_64__
SIMD_TARGET_AVX2 static void assign_avx2(const float *points, size_t n, size_t step, size_t width, const float *centroids, uint8_t *codes, size_t code_step) { ASSIGN }
SIMD_TARGET_AVX512 static void assign_avx512(const float *points, size_t n, size_t step, size_t width, const float *centroids, uint8_t *codes, size_t code_step) { ASSIGN }
#endif

/* Codes of `n` points of `width` columns that are `step` apart; codes are `code_step` apart. */
static void assign(const float *points, size_t n, size_t step, size_t width, const float *centroids, uint8_t *codes, size_t code_step) {
#ifdef __x86_64__
  if (simd_level() == SIMD_AVX512) {
    assign_avx512(points, n, step, width, centroids, codes, code_step);
    return;
  }
  if (simd_level() == SIMD_AVX2) {
    assign_avx2(points, n, step, width, centroids, codes, code_step);
    return;
  }
#endif
  assign_scalar(points, n, step, width, centroids, codes, code_step);
}

/* ---- k-means */

static void move_centroids(const float *points, size_t n, size_t width, const uint8_t *codes, float *centroids, struct rng *rng) {
  int64_t members[CENTROIDS] = {0};
  memset(centroids, 0, CENTROIDS * width * sizeof *centroids);
  for (size_t i = 0; i < n; i++) {
    float *c = centroids + codes[i] * width;
    for (size_t d = 0; d < width; d++) c[d] += points[i * width + d];
    members[codes[i]]++;
  }
  for (size_t k = 0; k < CENTROIDS; k++)
    for (size_t d = 0; members[k] && d < width; d++) centroids[k * width + d] /= (float)members[k];
  for (size_t k = 0; k < CENTROIDS; k++) {
    if (members[k]) continue;
    uint64_t spare = 0; /* a cluster, drawn by its members but one */
    for (size_t j = 0; j < CENTROIDS; j++) spare += members[j] > 1 ? (uint64_t)members[j] - 1 : 0;
    size_t from = 0;
    for (uint64_t drawn = rng_below(rng, spare);; from++) {
      uint64_t own = members[from] > 1 ? (uint64_t)members[from] - 1 : 0;
      if (drawn < own) break;
      drawn -= own;
    }
    for (size_t d = 0; d < width; d++) {
      float shift = d % 2 ? 1e-7f : -1e-7f;
      centroids[k * width + d] = centroids[from * width + d] + shift;
      centroids[from * width + d] -= shift;
    }
    members[k] = members[from] / 2;
    members[from] -= members[k];
  }
}

/* First centroids (Arthur and Vassilvitskii 2007): points drawn by the square of their distance to the nearest one drawn
 * before, so that the few large rows that training moved are not lost among the many that it did not. */
static void draw_centroids(const float *points, size_t n, size_t width, float *centroids, struct rng *rng) {
  float *distance = MALLOC(n * sizeof *distance);
  for (size_t i = 0; i < n; i++) distance[i] = INFINITY;
  size_t drawn = rng_below(rng, n);
  for (size_t k = 0;; k++) {
    const float *c = points + drawn * width;
    memcpy(centroids + k * width, c, width * sizeof *centroids);
    if (k == CENTROIDS - 1) break;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
      float sum = 0;
      for (size_t d = 0; d < width; d++) sum += (points[i * width + d] - c[d]) * (points[i * width + d] - c[d]);
      if (sum < distance[i]) distance[i] = sum;
      total += (double)distance[i];
    }
    double left = rng_double(rng) * total;
    drawn = rng_below(rng, n); /* stands when all points are drawn already */
    for (size_t i = 0; i < n && total > 0; i++) {
      left -= (double)distance[i];
      if (left >= 0 || distance[i] == 0) continue;
      drawn = i;
      break;
    }
  }
  free(distance);
}

/* Centroids of `width` columns of a matrix whose rows are `step` apart. */
static void train(const float *rows, size_t n, size_t step, size_t width, float *centroids, struct rng *rng) {
  if (n <= CENTROIDS) { /* every row is a centroid */
    memset(centroids, 0, CENTROIDS * width * sizeof *centroids);
    for (size_t i = 0; i < n; i++) memcpy(centroids + i * width, rows + i * step, width * sizeof *centroids);
    return;
  }
  size_t count = n < POINTS ? n : POINTS, taken = 0;
  float *points = MALLOC(count * width * sizeof *points);
  for (size_t i = 0; i < n && taken < count; i++) /* Knuth's selection sampling */
    if (n == count || rng_below(rng, n - i) < count - taken) memcpy(points + taken++ * width, rows + i * step, width * sizeof *points);
  draw_centroids(points, count, width, centroids, rng);
  uint8_t *codes = MALLOC(count);
  for (int round = 0; round < ROUNDS; round++) {
    assign(points, count, width, width, centroids, codes, 1);
    move_centroids(points, count, width, codes, centroids, rng);
  }
  free(codes);
  free(points);
}

/* ---- matrices */

struct quantising {
  const float *matrix;
  struct fasttext_codes *codes;
  uint64_t seed;
};

static void quantize_parts(void *context, int index, size_t begin, size_t end) {
  (void)index;
  const struct quantising *q = context;
  struct fasttext_codes *c = q->codes;
  for (size_t p = begin; p < end; p++) {
    size_t dsub = (size_t)c->dsub, width = p == (size_t)c->parts - 1 ? (size_t)c->last : dsub;
    float *centroids = c->centroids + p * dsub * CENTROIDS;
    struct rng rng;
    rng_init(&rng, splitmix64(q->seed + p));
    train(q->matrix + p * dsub, (size_t)c->rows, (size_t)c->dim, width, centroids, &rng);
    assign(q->matrix + p * dsub, (size_t)c->rows, (size_t)c->dim, width, centroids, c->codes + p, (size_t)c->parts);
  }
}

/* The matrix's rows are divided by their norms where these are kept apart. */
static struct fasttext_codes *quantize_matrix(float *matrix, int64_t rows, int32_t dim, int dsub, const struct fasttext_quantize_options *o) {
  struct fasttext_codes *c = NEW(struct fasttext_codes);
  if (dsub > dim) dsub = dim;
  c->rows = rows;
  c->dim = dim;
  c->dsub = dsub;
  c->parts = (dim + dsub - 1) / dsub;
  c->last = dim - (c->parts - 1) * dsub;
  c->codes = MALLOC((size_t)rows * (size_t)c->parts + 1);
  c->centroids = MALLOC((size_t)dim * CENTROIDS * sizeof(float));
  if (o->qnorm) {
    float *norms = MALLOC((size_t)rows * sizeof *norms + 1);
    for (int64_t r = 0; r < rows; r++) {
      float *row = matrix + r * dim;
      norms[r] = norm_of(row, (size_t)dim);
      for (int32_t d = 0; norms[r] != 0 && d < dim; d++) row[d] /= norms[r];
    }
    struct rng rng;
    rng_init(&rng, splitmix64(o->seed + (uint64_t)c->parts));
    c->norm_codes = MALLOC((size_t)rows + 1);
    train(norms, (size_t)rows, 1, 1, c->norms, &rng);
    assign(norms, (size_t)rows, 1, 1, c->norms, c->norm_codes, 1);
    free(norms);
  }
  struct quantising q = {matrix, c, o->seed};
  threads_ranges(o->jobs < 1 ? 1 : o->jobs, (size_t)c->parts, quantize_parts, &q);
  return c;
}

int fasttext_quantize(struct fasttext *m, const struct fasttext_quantize_options *o, struct err *e) {
  if (m->input_codes) return err_set(e, "the fastText model is quantised already");
  if (o->dsub < 1) return err_usage(e, "--dsub must be at least 1");
  own_input(m);
  for (size_t i = 0, n = (size_t)m->rows * (size_t)m->args.dim; i < n; i++) /* that of a mapped model was not looked at before */
    if (!isfinite(m->input[i])) return err_set(e, "the fastText model's input matrix holds a value that is not finite");
  if (o->cutoff > 0) fasttext_prune(m, o->cutoff);
  int64_t parts = (m->args.dim + o->dsub - 1) / o->dsub;
  if (m->rows * parts > INT32_MAX) return err_set(e, "%lld rows of %lld codes are more than a quantised model can hold; raise --dsub or set --cutoff", (long long)m->rows, (long long)parts);
  m->input_codes = quantize_matrix(m->input, m->rows, m->args.dim, o->dsub, o);
  free(m->input);
  m->input = NULL;
  if (o->qout) {
    m->output_codes = quantize_matrix(m->output, m->labels, m->args.dim, 2, o);
    free(m->output);
    m->output = NULL;
  }
  fasttext_decode(m);
  return 0;
}
