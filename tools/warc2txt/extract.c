/* SPDX-License-Identifier: MIT
 *
 * The cut: with blocks sorted by probability p and n words each, keeping the first k gives
 *   expected F1 ~ 2 sum_{i<=k} p_i n_i / (sum_{i<=k} n_i + sum_all p_i n_i),
 * whose maximum over k needs one pass (the maximum expected F1 rule; Ye et al. 2012, Lipton et al. 2014).
 */
#include "tools/warc2txt/extract.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/io/documents.h"

enum {
  MODEL_BLOCKS_MAX = 100000, /* a page of more blocks keeps what no navigation holds: features would fill memory */
  COMMENTS_OUTSIDE = 60,     /* words of running text outside comments that make comments dispensable */
};

struct ranked {
  float probability;
  uint32_t block;
};

struct extractor {
  struct features features;
  float *probability;
  struct ranked *order;
  bool *keep;
  size_t capacity;
};

struct extractor *extractor_new(void) { return NEW(struct extractor); }

void extractor_free(struct extractor *x) {
  if (!x) return;
  features_release(&x->features);
  free(x->probability);
  free(x->order);
  free(x->keep);
  free(x);
}

static bool has(uint64_t flags, enum html_flag flag) { return flags >> flag & 1; }

/* ---- the model */

static float log_odds(const float *x, const struct extract_weight *weights, int n, float bias) {
  float sum = bias;
  for (int k = 0; k < n; k++) {
    float z = (x[k] - weights[k].mean) * weights[k].scale;
    z = z < -4 ? -4 : z > 4 ? 4 : z;
    sum += weights[k].weight * z;
  }
  return sum;
}

static float probability(double log_odds) { return (float)(1 / (1 + features_exp(-log_odds))); }

/* Comments under an article go when there is enough text outside them; in a forum they are the text. */
static bool comments_go(const struct extractor *x, const struct page *page) {
  const float *rows = x->features.rows;
  float forum = probability(log_odds(rows + FEATURE_page_words, extract_forum, PAGE_FEATURES, extract_forum_bias));
  if (page->ld_forum || forum >= 0.5f) return false;
  double outside = 0;
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    bool comment = rows[i * FEATURE_COUNT + FEATURE_comment_count] > 0;
    if (!comment && b->words >= 15 && b->link_words * 3 < b->words && x->probability[i] > 0.5f) outside += b->words;
  }
  return outside >= COMMENTS_OUTSIDE;
}

static void score(struct extractor *x, const struct page *page) {
  const float *rows = x->features.rows;
  for (size_t i = 0; i < page->block_count; i++) x->probability[i] = probability(log_odds(rows + i * FEATURE_COUNT, extract_block, FEATURE_COUNT, extract_block_bias));
  bool discount = comments_go(x, page);
  /* The model learned from pages of many kinds, some of which are lists.  On what is surely an article, blocks need
   * better odds, those of links much better ones. */
  float article = probability(log_odds(rows + FEATURE_page_words, extract_article, PAGE_FEATURES, extract_article_bias));
  float sure = article > 0.6f ? (article - 0.6f) / 0.4f : 0;
  for (size_t i = 0; i < page->block_count; i++) {
    const float *row = rows + i * FEATURE_COUNT;
    float p = x->probability[i];
    if (discount && row[FEATURE_comment_count] > 0) p *= 0.1f;
    p = p < 1e-6f ? 1e-6f : p > 0.999999f ? 0.999999f : p;
    double odds = features_log(p / (1 - p)) - sure;
    if (row[FEATURE_link_density] > 0.6f && page->blocks[i].words >= 4) odds -= 1.5 * sure;
    x->probability[i] = probability(odds);
  }
}

static int by_probability(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->probability != y->probability) return x->probability < y->probability ? 1 : -1;
  return x->block < y->block ? -1 : 1;
}

static void cut(struct extractor *x, const struct page *page) {
  size_t n = page->block_count, best = 0;
  double total = 0, kept_expected = 0, kept = 0, best_f1 = -1;
  for (size_t i = 0; i < n; i++) {
    x->order[i] = (struct ranked){x->probability[i], (uint32_t)i};
    total += (double)x->probability[i] * page->blocks[i].words;
    x->keep[i] = false;
  }
  qsort(x->order, n, sizeof *x->order, by_probability);
  for (size_t i = 0; i < n; i++) {
    const struct block *b = &page->blocks[x->order[i].block];
    kept_expected += (double)x->order[i].probability * b->words;
    kept += b->words;
    double f1 = kept + total > 0 ? 2 * kept_expected / (kept + total) : 0;
    if (f1 > best_f1) {
      best_f1 = f1;
      best = i + 1;
    }
  }
  for (size_t i = 0; i < best; i++) x->keep[x->order[i].block] = true;
  /* lines without words: kept where they part kept lines of code, else gone */
  for (size_t i = 0; i < n; i++)
    if (page->blocks[i].words == 0) x->keep[i] = page->blocks[i].pre && i > 0 && x->keep[i - 1];
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

/* ---- form */

static void render(const struct extractor *x, const struct page *page, struct buffer *out) {
  const struct block *previous = NULL;
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    if (!x->keep[i]) continue;
    if (previous) buffer_put(out, b->row && b->row == previous->row && b->element != previous->element ? '\t' : '\n');
    buffer_append(out, page->text.data + b->text, b->len);
    previous = b;
  }
}

static void reserve(struct extractor *x, size_t n) {
  if (n <= x->capacity) return;
  x->capacity = n;
  x->probability = RESIZE(x->probability, n);
  x->order = RESIZE(x->order, n);
  x->keep = RESIZE(x->keep, n);
}

void extract_text(struct extractor *x, struct page *page, enum extract_mode mode, struct buffer *out) {
  if (page->block_count == 0) return;
  reserve(x, page->block_count);
  if (mode == EXTRACT_ALL || page->block_count > MODEL_BLOCKS_MAX) {
    keep_all(x, page, mode == EXTRACT_ALL);
  } else {
    features_compute(&x->features, page);
    score(x, page);
    cut(x, page);
  }
  render(x, page, out);
}

void extract_features(struct extractor *x, struct page *page, struct buffer *out) {
  if (page->block_count == 0 || page->block_count > MODEL_BLOCKS_MAX) return;
  features_compute(&x->features, page);
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    buffer_printf(out, "%zu\t%u\t", i, b->words);
    document_escape(out, (struct slice){page->text.data + b->text, b->len});
    for (int k = 0; k < FEATURE_COUNT; k++) buffer_printf(out, "\t%.6g", (double)x->features.rows[i * FEATURE_COUNT + (size_t)k]);
    buffer_put(out, '\n');
  }
}
