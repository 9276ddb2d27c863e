/* SPDX-License-Identifier: MIT
 *
 * Predicting with fastText models; see fasttext.h for the model.
 *
 * Equal scores need the reference's order of additions: row after row, every element by itself (vectors lie along the
 * row), and dot products as one sum; the logarithm taken for the report adds 1e-5 to what it is taken of; of equal
 * scores its heap keeps the one that came last.
 */
#include "common/text/fasttext.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/memory.h"
#include "common/base/simd.h"

/* ---- sums of rows */

enum { AHEAD = 24 }; /* rows asked for before they are added */

static void add_rows_scalar(const char *input, size_t dim, const uint32_t *ids, size_t count, float *restrict sum) {
  for (size_t i = 0; i < count; i++) {
    const char *row = input + (size_t)ids[i] * dim * sizeof(float);
    for (size_t d = 0; d < dim; d++) {
      float value;
      memcpy(&value, row + d * sizeof value, sizeof value);
      sum[d] += value;
    }
  }
}

#ifdef __x86_64__
static inline void prefetch(const char *from, size_t width) {
  for (size_t d = 0; d < width; d += 16) __builtin_prefetch(from + d * sizeof(float));
  __builtin_prefetch(from + width * sizeof(float) - 1);
}

/* Columns 0 .. width of rows that are `dim` apart, in `vectors` registers of which the last may be part full. */
#define ROW(v) ((const float *)(const void *)(row + (v) * LANES * sizeof(float)))
#define ADD_ROWS(vectors)                                                                                              \
  case vectors: {                                                                                                      \
    REAL acc[vectors];                                                                                                 \
    for (int v = 0; v < vectors - 1; v++) acc[v] = LOAD(sum + v * LANES);                                              \
    acc[vectors - 1] = LOAD_PART(sum + (vectors - 1) * LANES);                                                         \
    for (size_t i = 0; i < count; i++) {                                                                               \
      if (i + AHEAD < count) prefetch(input + (size_t)ids[i + AHEAD] * dim * sizeof(float), width);                    \
      const char *row = input + (size_t)ids[i] * dim * sizeof(float);                                                  \
      for (int v = 0; v < vectors - 1; v++) acc[v] = ADD(acc[v], LOAD(ROW(v)));                                        \
      acc[vectors - 1] = ADD(acc[vectors - 1], LOAD_PART(ROW(vectors - 1)));                                \
    }                                                                                                                  \
    for (int v = 0; v < vectors - 1; v++) STORE(sum + v * LANES, acc[v]);                                              \
    STORE_PART(sum + (vectors - 1) * LANES, acc[vectors - 1]);                                                         \
    return;                                                                                                            \
  }
#define ADD_ROWS_OF(vectors)                                                                                           \
  switch (vectors) { ADD_ROWS(1) ADD_ROWS(2) ADD_ROWS(3) ADD_ROWS(4) ADD_ROWS(5) ADD_ROWS(6) ADD_ROWS(7) ADD_ROWS(8) }

#define REAL __m512
#define LANES 16
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_PART(p) _mm512_maskz_loadu_ps(part, p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define STORE_PART(p, v) _mm512_mask_storeu_ps(p, part, v)
#define ADD(a, b) _mm512_add_ps(a, b)
SIMD_TARGET_AVX512 static void add_columns_avx512(const char *input, size_t dim, size_t width, const uint32_t *ids, size_t count, float *sum) {
  size_t vectors = (width + LANES - 1) / LANES;
  __mmask16 part = (__mmask16)(0xFFFF >> (vectors * LANES - width));
  ADD_ROWS_OF(vectors)
}
#undef REAL
#undef LANES
#undef LOAD
#undef LOAD_PART
#undef STORE
#undef STORE_PART
#undef ADD

#define REAL __m256
#define LANES 8
#define LOAD(p) _mm256_loadu_ps(p)
#define LOAD_PART(p) _mm256_maskload_ps(p, part)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define STORE_PART(p, v) _mm256_maskstore_ps(p, part, v)
#define ADD(a, b) _mm256_add_ps(a, b)
SIMD_TARGET_AVX2 static void add_columns_avx2(const char *input, size_t dim, size_t width, const uint32_t *ids, size_t count, float *sum) {
  static const int32_t ones[2 * LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
  size_t vectors = (width + LANES - 1) / LANES;
  __m256i part = _mm256_loadu_si256((const __m256i *)(const void *)(ones + vectors * LANES - width));
  ADD_ROWS_OF(vectors)
}
#endif

/* The parts of one row but the last, `width` columns each. */
static inline __attribute__((always_inline)) void add_parts(const float *part, const uint8_t *code, int32_t parts, size_t width, float norm, float *restrict to) {
  for (int32_t p = 0; p < parts; p++, to += width, part += FASTTEXT_CENTROIDS * width)
    for (size_t d = 0; d < width; d++) to[d] += norm * part[code[p] * width + d];
}

/* Rows of a quantised matrix that was too large to be decoded. */
static void add_codes(const struct fasttext_codes *c, const uint32_t *ids, size_t count, float *sum) {
  size_t parts = (size_t)c->parts, width = (size_t)c->dsub, before = (parts - 1) * width;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *code = c->codes + (size_t)ids[i] * parts;
    if (i + AHEAD < count) {
      const uint8_t *ahead = c->codes + (size_t)ids[i + AHEAD] * parts;
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + parts - 1);
    }
    float norm = c->norm_codes ? c->norms[c->norm_codes[ids[i]]] : 1;
    if (width == 2) add_parts(c->centroids, code, c->parts - 1, 2, norm, sum);
    else add_parts(c->centroids, code, c->parts - 1, width, norm, sum);
    const float *last = c->centroids + before * FASTTEXT_CENTROIDS + (size_t)code[parts - 1] * (size_t)c->last;
    for (int32_t d = 0; d < c->last; d++) sum[before + (size_t)d] += norm * last[d];
  }
}

void fasttext_add_rows(const struct fasttext *m, const uint32_t *ids, size_t count, float *sum) {
  if (count == 0) return;
  const char *input = m->input ? (const char *)m->input : m->mapped_input;
  if (!input) {
    add_codes(m->input_codes, ids, count, sum);
    return;
  }
  size_t dim = (size_t)m->args.dim;
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level >= SIMD_AVX2) {
    size_t block = level >= SIMD_AVX512 ? 128 : 64;
    for (size_t d = 0; d < dim; d += block)
      (level >= SIMD_AVX512 ? add_columns_avx512 : add_columns_avx2)(input + d * sizeof(float), dim, dim - d < block ? dim - d : block, ids, count, sum + d);
    return;
  }
#endif
  add_rows_scalar(input, dim, ids, count, sum);
}

/* ---- losses */

static inline float dot(const float *row, const float *hidden, size_t dim) {
  float sum = 0; /* one sum, in order: four partial sums would move p by up to 1e-6 from the reference's */
  for (size_t d = 0; d < dim; d++) sum += row[d] * hidden[d];
  return sum;
}

/* Sums that left the range of floats: only in models made to do so, where the reference stops. */
static inline float in_range(float x) { return isnan(x) ? 0 : x > FLT_MAX ? FLT_MAX : x < -FLT_MAX ? -FLT_MAX : x; }

/* Row `r` of the output matrix x hidden; `row` holds a decoded row. */
static inline float output_row(const struct fasttext *m, int32_t r, const float *hidden, float *row) {
  size_t dim = (size_t)m->args.dim;
  const struct fasttext_codes *c = m->output_codes;
  if (!c) return in_range(dot(m->output + (size_t)r * dim, hidden, dim));
  float norm = c->norm_codes ? c->norms[c->norm_codes[r]] : 1;
  if (!m->output) fasttext_codes_row(c, r, row);
  return in_range(dot(m->output ? m->output + (size_t)r * dim : row, hidden, dim) * norm);
}

static void softmax(float *p, int32_t labels) {
  float max = p[0], z = 0;
  for (int32_t l = 1; l < labels; l++) max = p[l] > max ? p[l] : max;
  for (int32_t l = 0; l < labels; l++) z += p[l] = expf(p[l] - max);
  for (int32_t l = 0; l < labels; l++) p[l] /= z;
}

void fasttext_softmax(const struct fasttext *m, const float *hidden, float *p) {
  size_t dim = (size_t)m->args.dim;
  for (int32_t l = 0; l < m->labels; l++) p[l] = dot(m->output + (size_t)l * dim, hidden, dim);
  softmax(p, m->labels);
}

/* The reference's table holds 513 values of the sigmoid for -8, -8 + 1/32, ..., 8. */
static float table_sigmoid(float x) {
  enum { LARGEST = 8, STEPS = 512 };
  if (!(x >= -LARGEST)) return 0;
  if (x > LARGEST) return 1;
  int64_t i = (int64_t)((x + LARGEST) * STEPS / LARGEST / 2);
  float at = (float)(i * 2 * LARGEST) / STEPS - LARGEST;
  return (float)(1.0 / (1.0 + (double)expf(-at)));
}

static inline float safe_log(float p) { return (float)log((double)p + 1e-5); }

/* p of every label into probability[], without what the report adds. */
static void flat_probabilities(const struct fasttext *m, struct fasttext_scores *s) {
  for (int32_t l = 0; l < m->labels; l++) s->probability[l] = output_row(m, l, s->hidden, s->row);
  if (m->args.loss == FASTTEXT_SOFTMAX) {
    softmax(s->probability, m->labels);
  } else {
    for (int32_t l = 0; l < m->labels; l++) s->probability[l] = table_sigmoid(s->probability[l]);
  }
}

/* The last label of the highest score.  Only of those near the highest p is the logarithm, which makes some p equal,
 * worth taking: farther ones differ by more than a float's last bit at log(1e-5). */
static void flat_best(const struct fasttext *m, struct fasttext_scores *s) {
  int32_t highest = 0;
  for (int32_t l = 1; l < m->labels; l++)
    if (s->probability[l] > s->probability[highest]) highest = l;
  float score = safe_log(s->probability[highest]);
  double near = ((double)s->probability[highest] + 1e-5) * (1 - 1e-5);
  s->best = highest;
  for (int32_t l = 0; l < m->labels; l++)
    if ((double)s->probability[l] + 1e-5 >= near && safe_log(s->probability[l]) >= score) s->best = l;
  s->best_probability = expf(score);
}

/* ---- hierarchical softmax */

struct fasttext_visit {
  int32_t node;
  float score;
};

struct heap { /* the reference's: the lowest score first, as std::push_heap and std::pop_heap of libstdc++ arrange it */
  struct fasttext_visit *items;
  size_t count, capacity;
};

static void sift_up(struct fasttext_visit *items, size_t hole, struct fasttext_visit value) {
  for (; hole && items[(hole - 1) / 2].score > value.score; hole = (hole - 1) / 2) items[hole] = items[(hole - 1) / 2];
  items[hole] = value;
}

/* Takes the first out of items[count] and puts it at the end. */
static void heap_pop(struct fasttext_visit *items, size_t count) {
  struct fasttext_visit value = items[count - 1];
  items[--count] = items[0];
  size_t hole = 0;
  for (size_t child; (child = 2 * hole + 2) <= count; hole = child) {
    if (child == count || items[child].score > items[child - 1].score) child--;
    items[hole] = items[child];
  }
  sift_up(items, hole, value);
}

static void heap_add(struct heap *h, int32_t node, float score) {
  if (h->count == h->capacity && score < h->items[0].score) return;
  sift_up(h->items, h->count++, (struct fasttext_visit){node, score});
  if (h->count > h->capacity) heap_pop(h->items, h->count--);
}

/* Sorts: highest score first.  items has room for one more than capacity. */
static void heap_sort(struct heap *h) {
  for (size_t n = h->count; n > 1; n--) heap_pop(h->items, n);
}

/* The labels of the `heap->capacity` highest scores, leaves from left to right as the reference visits them; without a
 * heap, the scores of all, into scores->score. */
static void walk_tree(const struct fasttext *m, struct fasttext_scores *s, struct heap *heap) {
  const float least = safe_log(0);
  struct fasttext_visit *stack = s->stack;
  size_t depth = 0;
  stack[depth++] = (struct fasttext_visit){2 * m->labels - 2, 0};
  while (depth) {
    struct fasttext_visit v = stack[--depth];
    if (v.score < least || (heap && heap->count == heap->capacity && v.score < heap->items[0].score)) continue;
    const struct fasttext_node *node = &m->tree[v.node];
    if (node->left < 0) {
      if (heap) heap_add(heap, v.node, v.score);
      else s->score[v.node] = v.score;
      continue;
    }
    float f = output_row(m, v.node - m->labels, s->hidden, s->row);
    f = (float)(1. / (double)(1 + expf(-f)));
    stack[depth++] = (struct fasttext_visit){node->right, v.score + safe_log(f)};
    stack[depth++] = (struct fasttext_visit){node->left, v.score + safe_log((float)(1.0 - (double)f))};
  }
}

static void tree_best(const struct fasttext *m, struct fasttext_scores *s) {
  struct fasttext_visit items[2];
  struct heap heap = {items, 0, 1};
  walk_tree(m, s, &heap);
  s->best = heap.count ? items[0].node : -1;
  s->best_probability = heap.count ? expf(items[0].score) : 0;
}

static float tree_probability(const struct fasttext *m, struct fasttext_scores *s, int32_t label) {
  float score = 0;
  size_t depth = 0;
  for (int32_t node = label; m->tree[node].parent >= 0; node = m->tree[node].parent) s->stack[depth++].node = node;
  for (int32_t node = 2 * m->labels - 2; depth--; node = s->stack[depth].node) {
    float f = output_row(m, node - m->labels, s->hidden, s->row);
    f = (float)(1. / (double)(1 + expf(-f)));
    score += safe_log(m->tree[node].right == s->stack[depth].node ? f : (float)(1.0 - (double)f));
    if (score < safe_log(0)) return 0;
  }
  return expf(score);
}

/* ---- predictions */

struct summing {
  const struct fasttext *m;
  struct fasttext_scores *scores;
};

static void sum_part(struct fasttext_line *line, void *context) {
  struct summing *s = context;
  fasttext_add_rows(s->m, line->ids, line->count, s->scores->hidden);
  s->scores->rows += line->count;
  line->count = 0;
}

/* The mean of the text's rows; false when there is none, or it is not finite, for the rows are not. */
static bool read_hidden(const struct fasttext *m, struct slice text, struct fasttext_scores *s) {
  size_t dim = (size_t)m->args.dim, labels = (size_t)m->labels;
  if (!s->hidden) {
    s->hidden = NEW_ARRAY(float, dim);
    s->row = NEW_ARRAY(float, dim);
    s->probability = NEW_ARRAY(float, labels);
    s->score = NEW_ARRAY(float, labels);
    s->stack = m->tree ? NEW_ARRAY(struct fasttext_visit, labels + 1) : NULL;
  }
  memset(s->hidden, 0, dim * sizeof *s->hidden);
  s->rows = 0;
  s->best = -1;
  s->best_probability = 0;
  struct summing context = {m, s};
  s->line.flush = sum_part;
  s->line.context = &context;
  fasttext_line_read(m, text, &s->line);
  s->line.context = NULL;
  if (s->rows == 0) return false;
  float scale = (float)(1.0 / (double)s->rows);
  bool finite = true;
  for (size_t d = 0; d < dim; d++) finite &= isfinite(s->hidden[d] *= scale) != 0;
  if (!finite) s->rows = 0;
  return finite;
}

bool fasttext_predict(const struct fasttext *m, struct slice text, struct fasttext_scores *s) {
  bool any = read_hidden(m, text, s);
  if (!any || m->tree) memset(s->probability, 0, (size_t)m->labels * sizeof *s->probability);
  if (!any) return false;
  for (int32_t l = 0; l < m->labels; l++) s->score[l] = -INFINITY;
  if (m->tree) {
    tree_best(m, s);
    walk_tree(m, s, NULL);
    for (int32_t l = 0; l < m->labels; l++)
      if (s->score[l] > -INFINITY) s->probability[l] = expf(s->score[l]);
  } else {
    flat_probabilities(m, s);
    flat_best(m, s);
    for (int32_t l = 0; l < m->labels; l++) s->probability[l] = expf(s->score[l] = safe_log(s->probability[l]));
  }
  return true;
}

bool fasttext_predict_labels(const struct fasttext *m, struct slice text, const int32_t *labels, size_t count, struct fasttext_scores *s) {
  if (!read_hidden(m, text, s)) {
    for (size_t i = 0; i < count; i++) s->probability[labels[i]] = 0;
    return false;
  }
  if (m->tree) {
    tree_best(m, s);
    for (size_t i = 0; i < count; i++) s->probability[labels[i]] = tree_probability(m, s, labels[i]);
  } else {
    flat_probabilities(m, s);
    flat_best(m, s);
    for (size_t i = 0; i < count; i++) s->score[labels[i]] = safe_log(s->probability[labels[i]]);
    for (size_t i = 0; i < count; i++) s->probability[labels[i]] = expf(s->score[labels[i]]);
  }
  return true;
}

size_t fasttext_best_labels(const struct fasttext *m, struct fasttext_scores *s, size_t k, int32_t *labels) {
  if (k > (size_t)m->labels) k = (size_t)m->labels;
  if (k == 0 || s->rows == 0) return 0;
  struct heap heap = {NEW_ARRAY(struct fasttext_visit, k + 1), 0, k};
  if (m->tree) walk_tree(m, s, &heap);
  else
    for (int32_t l = 0; l < m->labels; l++) heap_add(&heap, l, s->score[l]);
  heap_sort(&heap);
  for (size_t i = 0; i < heap.count; i++) labels[i] = heap.items[i].node;
  free(heap.items);
  return heap.count;
}

void fasttext_scores_release(struct fasttext_scores *s) {
  fasttext_line_release(&s->line);
  free(s->hidden);
  free(s->row);
  free(s->probability);
  free(s->score);
  free(s->stack);
  *s = (struct fasttext_scores){0};
}
