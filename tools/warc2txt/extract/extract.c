/* SPDX-License-Identifier: MIT
 *
 * The cut: with blocks sorted by log odds z and n words each, keeping the first k gives
 *   expected F1 ~ 2 sum_{i<=k} p_i n_i / (sum_{i<=k} n_i + sum_all p_i n_i),
 * whose maximum over k needs one pass (the maximum expected F1 rule; Ye et al. 2012, Lipton et al. 2014).
 * That holds for blocks that are independent.  Those of a page are not: other posts below an article belong to its text
 * all or none.  So log odds are CUT_SCALE z + CUT_SPREAD u with u ~ N(0, 1) common to the page (a random intercept), and
 * what is maximized is the mean over u, by the rectangle rule.
 */
#include "tools/warc2txt/extract/extract.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/documents.h"

enum {
  MODEL_BLOCKS_MAX = 100000, /* a page of more blocks keeps what no navigation holds: features would fill memory */
  SIGMOID_STEP = 32,         /* of log odds * FOREST_UNIT between two entries of the table */
  SIGMOID_MAX = 12 * FOREST_UNIT,
  SIGMOID_SIZE = 2 * SIGMOID_MAX / SIGMOID_STEP + 1,
  CODE_BLOCKS = 2, CODE_SHARE = 50, /* a page with code has two blocks of it, and a fiftieth of its words in them */
  CUT_SCALE = 3, /* fit_model.py's CUT_SCALE and CUT_SPREAD */
  CUT_SPREAD = 5,
};

enum { SCENARIOS = 11 }; /* u = -3, -2.4 ... 3 */

struct extractor {
  struct features features;
  struct context context;
  int32_t *log_odds; /* of the blocks, * FOREST_UNIT */
  bool *keep;
  size_t capacity;
};

struct extractor *extractor_new(void) { return NEW(struct extractor); }

void extractor_free(struct extractor *x) {
  if (!x) return;
  features_release(&x->features);
  context_release(&x->context);
  free(x->log_odds);
  free(x->keep);
  free(x);
}

static bool has(uint64_t flags, enum html_flag flag) { return flags >> flag & 1; }

/* ---- the model */

static double sigmoid_table[SIGMOID_SIZE], scenario_weights[SCENARIOS];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static double scenario_u(int scenario) { return (scenario - SCENARIOS / 2) * 0.6; }

static void fill_tables(void) {
  for (int i = 0; i < SIGMOID_SIZE; i++) sigmoid_table[i] = 1 / (1 + features_exp((double)(SIGMOID_MAX - i * SIGMOID_STEP) / FOREST_UNIT));
  double sum = 0;
  for (int i = 0; i < SCENARIOS; i++) sum += scenario_weights[i] = features_exp(-scenario_u(i) * scenario_u(i) / 2);
  for (int i = 0; i < SCENARIOS; i++) scenario_weights[i] /= sum;
}

static double probability(int64_t log_odds) { /* after pthread_once(&once, fill_tables) */
  int32_t z = log_odds < -SIGMOID_MAX ? -SIGMOID_MAX : log_odds > SIGMOID_MAX ? SIGMOID_MAX : (int32_t)log_odds;
  return sigmoid_table[(z + SIGMOID_MAX) / SIGMOID_STEP];
}

/* A page with code is one to read whole: documentation, a tutorial (cross-validated F1 of documentation .932 -> .940). */
static bool has_code(const struct extractor *x, const struct page *page) {
  uint64_t blocks = 0, code = 0, words = 0;
  for (size_t i = 0; i < page->block_count; i++) {
    bool pre = x->features.rows[i * FEATURE_COUNT + FEATURE_in_pre] > 0;
    blocks += pre;
    code += pre ? page->blocks[i].words : 0;
    words += page->blocks[i].words;
  }
  return blocks >= CODE_BLOCKS && code * CODE_SHARE >= words;
}

static void score(struct extractor *x, struct page *page, const struct extract_options *options) {
  float columns[INPUT_COUNT][FOREST_LANES];
  int32_t sums[FOREST_LANES], bias = (int32_t)(options->precision * FOREST_UNIT);
  size_t n = page->block_count;
  features_compute(&x->features, page);
  if (has_code(x, page)) bias -= FOREST_UNIT;
  context_compute(&x->context, page, x->features.rows);
  memset(columns, 0, sizeof columns);
  for (size_t at = 0; at < n; at += FOREST_LANES) {
    size_t rows = n - at < FOREST_LANES ? n - at : FOREST_LANES;
    for (size_t i = 0; i < rows; i++) {
      const float *features = x->features.rows + (at + i) * FEATURE_COUNT, *context = x->context.rows + (at + i) * CONTEXT_COUNT;
      for (int k = 0; k < FEATURE_COUNT; k++) columns[k][i] = features[k];
      for (int k = 0; k < CONTEXT_COUNT; k++) columns[FEATURE_COUNT + k][i] = context[k];
    }
    forest_evaluate(&extract_forest, (const float (*)[FOREST_LANES])columns, sums);
    for (size_t i = 0; i < rows; i++) x->log_odds[at + i] = sums[i] - bias;
  }
}

struct ranked {
  int32_t log_odds;
  uint32_t block;
};

static int by_log_odds(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->log_odds != y->log_odds) return x->log_odds < y->log_odds ? 1 : -1;
  return x->block < y->block ? -1 : 1;
}

static double words_expected(int32_t log_odds, uint32_t words, int scenario) {
  return probability((int64_t)log_odds * CUT_SCALE + (int64_t)(scenario_u(scenario) * CUT_SPREAD * FOREST_UNIT)) * words;
}

double extract_cut(const int32_t *log_odds, const struct block *blocks, size_t n, bool *keep) {
  pthread_once(&once, fill_tables);
  struct ranked *order = NEW_ARRAY(struct ranked, n);
  size_t best = 0, worded = 0;
  double total[SCENARIOS] = {0}, kept_expected[SCENARIOS] = {0}, kept = 0, best_f1 = -1;
  for (size_t i = 0; i < n; i++) {
    keep[i] = false;
    if (blocks[i].words == 0) continue;
    order[worded++] = (struct ranked){log_odds[i], (uint32_t)i};
    for (int s = 0; s < SCENARIOS; s++) total[s] += words_expected(log_odds[i], blocks[i].words, s);
  }
  qsort(order, worded, sizeof *order, by_log_odds);
  for (size_t i = 0; i < worded; i++) {
    double f1 = 0;
    kept += blocks[order[i].block].words;
    for (int s = 0; s < SCENARIOS; s++) {
      kept_expected[s] += words_expected(order[i].log_odds, blocks[order[i].block].words, s);
      f1 += scenario_weights[s] * 2 * kept_expected[s] / (kept + total[s]);
    }
    if (f1 > best_f1) {
      best_f1 = f1;
      best = i + 1;
    }
  }
  for (size_t i = 0; i < best; i++) keep[order[i].block] = true;
  free(order);
  /* lines without words: kept where they part kept lines of code, else gone */
  for (size_t i = 1; i < n; i++)
    if (blocks[i].words == 0) keep[i] = blocks[i].pre && keep[i - 1];
  return worded ? best_f1 : 0;
}

static void keep_all(struct extractor *x, const struct page *page, bool navigation) {
  for (size_t i = 0; i < page->block_count; i++) {
    uint64_t flags = page->elements[page->blocks[i].element].flags;
    bool out = has(flags, FLAG_invisible);
    if (!navigation) {
      out = out || has(flags, FLAG_nav) || has(flags, FLAG_footer) || has(flags, FLAG_aside) || has(flags, FLAG_role_navigation) ||
            has(flags, FLAG_role_contentinfo) || has(flags, FLAG_role_dialog) || page->blocks[i].link_words * 2 > page->blocks[i].words;
    }
    x->keep[i] = !out;
  }
}

static void reserve(struct extractor *x, size_t n) {
  if (n <= x->capacity) return;
  x->capacity = n;
  x->log_odds = RESIZE(x->log_odds, n);
  x->keep = RESIZE(x->keep, n);
}

bool extract_scored(const struct page *page, enum extract_mode mode) { return mode == EXTRACT_MAIN && page->block_count <= MODEL_BLOCKS_MAX; }

const bool *extract_blocks(struct extractor *x, struct page *page, enum extract_mode mode, const struct extract_options *options) {
  reserve(x, page->block_count);
  if (!extract_scored(page, mode)) {
    keep_all(x, page, mode == EXTRACT_ALL);
  } else if (page->block_count) {
    score(x, page, options);
    extract_cut(x->log_odds, page->blocks, page->block_count, x->keep);
  }
  return x->keep;
}

void extract_features(struct extractor *x, struct page *page, const struct extract_options *options, struct buffer *out) {
  size_t n = page->block_count <= MODEL_BLOCKS_MAX ? page->block_count : 0;
  buffer_printf(out, "P\t%zu\n", n);
  if (n == 0) return;
  extract_blocks(x, page, EXTRACT_MAIN, options);
  for (size_t i = 0; i < n; i++) {
    const struct block *b = &page->blocks[i];
    buffer_printf(out, "B\t%u\t%d\t%d\t", b->words, (int)x->log_odds[i], x->keep[i]);
    document_escape(out, (struct slice){page->text.data + b->text, b->len});
    for (int k = 0; k < FEATURE_COUNT; k++) buffer_printf(out, "\t%.9g", (double)x->features.rows[i * FEATURE_COUNT + (size_t)k]);
    for (int k = 0; k < CONTEXT_COUNT; k++) buffer_printf(out, "\t%.9g", (double)x->context.rows[i * CONTEXT_COUNT + (size_t)k]);
    buffer_put(out, '\n');
  }
}
