/* SPDX-License-Identifier: MIT
 *
 * A few passes over blocks and elements.  Sums are of integers, so their order does not matter.
 */
#include "tools/warc2txt/extract/extract_context.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "common/base/memory.h"

enum { TITLE_BOX_WORDS = 40 };

struct context_group { /* siblings with one tag and class that hold blocks */
  uint32_t parent, signature, count;
  uint32_t words, link_words, blocks, long_words;
};

static float ratio(double part, double whole) { return whole > 0 ? (float)(part / whole) : 0; }
static float clip(double x, double low, double high) { return (float)(x < low ? low : x > high ? high : x); }

static uint32_t mix(uint32_t a, uint32_t b) { return (uint32_t)((((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u) >> 32); }

static bool is_heading(unsigned tag) { return tag == TAG_h1 || tag == TAG_h2 || tag == TAG_h3 || tag == TAG_h4 || tag == TAG_h5 || tag == TAG_h6; }

static void reserve(struct context *c, const struct page *page) {
  size_t n = page->block_count, elements = page->element_count;
  if (n * CONTEXT_COUNT > c->capacity) {
    c->capacity = n * CONTEXT_COUNT;
    c->rows = RESIZE(c->rows, c->capacity);
  }
  if (n > c->block_capacity) {
    c->block_capacity = n;
    c->words_until = RESIZE(c->words_until, n + 1);
    c->same = RESIZE(c->same, n);
  }
  if (elements > c->element_capacity) {
    c->element_capacity = elements;
    c->group = RESIZE(c->group, elements);
    c->around = RESIZE(c->around, elements);
  }
}

static uint32_t *slots(struct context *c, size_t keys, size_t *mask) {
  size_t count = 64;
  while (count < keys * 2) count *= 2;
  GROW(c->slots, c->slot_capacity, count);
  memset(c->slots, 0, count * sizeof *c->slots);
  *mask = count - 1;
  return c->slots;
}

/* c->group[element]: its siblings' group + 1, 0 without blocks; c->around[element]: the largest one around it. */
static void group_siblings(struct context *c, const struct page *page) {
  const struct element *elements = page->elements;
  size_t n = page->element_count, mask, count = 0;
  uint32_t *slot = slots(c, n, &mask);
  c->group[0] = c->around[0] = 0;
  for (size_t i = 1; i < n; i++) {
    const struct element *e = &elements[i];
    c->group[i] = 0;
    if (!e->blocks) continue;
    size_t at = mix(e->parent, e->signature) & mask;
    while (slot[at] && (c->groups[slot[at] - 1].parent != e->parent || c->groups[slot[at] - 1].signature != e->signature)) at = (at + 1) & mask;
    if (!slot[at]) {
      GROW(c->groups, c->group_capacity, count + 1);
      c->groups[count++] = (struct context_group){.parent = e->parent, .signature = e->signature};
      slot[at] = (uint32_t)count;
    }
    c->group[i] = slot[at];
    struct context_group *g = &c->groups[slot[at] - 1];
    g->count++;
    g->words += e->words;
    g->link_words += e->link_words;
    g->blocks += e->blocks;
    g->long_words += e->long_words;
  }
  for (size_t i = 1; i < n; i++) {
    uint32_t own = c->group[i], above = c->around[elements[i].parent];
    const struct context_group *g = own ? &c->groups[own - 1] : NULL;
    bool better = g && g->count >= 2 && g->blocks >= 2 * g->count && (!above || g->count > c->groups[above - 1].count);
    c->around[i] = better ? own : above;
  }
}

/* The heading that says most of the title, or block_count. */
static size_t title_heading(const struct page *page, const float *features) {
  size_t best = page->block_count;
  float best_score = 0;
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    unsigned tag = page->elements[b->element].tag;
    float share = features[i * FEATURE_COUNT + FEATURE_title_share];
    if (!is_heading(tag) || b->words < 2 || share <= 0.5f) continue;
    float score = share * share * (float)(b->words < 20 ? b->words : 20) * (tag == TAG_h1 ? 1.5f : 1);
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

static void title_features(struct context *c, const struct page *page, const float *features) {
  size_t n = page->block_count, title = title_heading(page, features);
  const struct element *elements = page->elements, *box = NULL;
  if (title < n) {
    uint32_t e = page->blocks[title].element;
    while (elements[e].long_words < TITLE_BOX_WORDS && elements[e].parent != e) e = elements[e].parent;
    box = &elements[e];
  }
  for (size_t i = 0; i < n; i++) {
    float *x = c->rows + i * CONTEXT_COUNT;
    if (!box) {
      x[CONTEXT_title_from] = -30;
      x[CONTEXT_title_words] = -2;
      continue;
    }
    x[CONTEXT_title_from] = clip((double)i - (double)title, -20, 60);
    x[CONTEXT_title_in] = i >= box->first_block && i < box->end_block;
    x[CONTEXT_title_box] = ratio(box->words, (double)c->words_until[n]);
    x[CONTEXT_title_words] = i > title ? (float)(c->words_until[i] - c->words_until[title + 1]) : -1;
    x[CONTEXT_title_here] = i == title;
  }
}

static void repeat_features(struct context *c, const struct page *page) {
  for (size_t i = 0; i < page->block_count; i++) {
    float *x = c->rows + i * CONTEXT_COUNT;
    uint32_t own = c->group[page->blocks[i].element], around = c->around[page->blocks[i].element];
    if (own) x[CONTEXT_repeat_own] = (float)c->groups[own - 1].count;
    if (!around) continue;
    const struct context_group *g = &c->groups[around - 1];
    x[CONTEXT_repeat_count] = (float)g->count;
    x[CONTEXT_repeat_words] = ratio(g->words, g->count);
    x[CONTEXT_repeat_links] = ratio(g->link_words, g->words);
    x[CONTEXT_repeat_blocks] = ratio(g->blocks, g->count);
    x[CONTEXT_repeat_long] = ratio(g->long_words, g->words);
  }
}

static void section_features(struct context *c, const struct page *page, const float *features) {
  size_t n = page->block_count;
  const struct block *blocks = page->blocks;
  for (size_t start = 0, end; start < n; start = end) {
    uint64_t words = 0, links = 0;
    for (end = start; end == start || (end < n && !is_heading(page->elements[blocks[end].element].tag)); end++) {
      words += blocks[end].words;
      links += blocks[end].link_words;
    }
    bool heading = is_heading(page->elements[blocks[start].element].tag);
    for (size_t i = start; i < end; i++) {
      float *x = c->rows + i * CONTEXT_COUNT;
      x[CONTEXT_section_links] = ratio((double)links, (double)words);
      x[CONTEXT_heading_words] = heading ? (float)blocks[start].words : -1;
      x[CONTEXT_heading_links] = heading ? ratio(blocks[start].link_words, blocks[start].words) : 0;
      x[CONTEXT_heading_title] = heading ? features[start * FEATURE_COUNT + FEATURE_title_share] : 0;
    }
  }
}

static void repeated_texts(struct context *c, const struct page *page) {
  size_t n = page->block_count, mask;
  uint64_t seed = XXH3_64bits(page->text.data, page->text.len); /* no page can be written whose texts crowd in one place */
  uint32_t *slot = slots(c, n, &mask), *count = c->same; /* of the first block of each text */
  for (size_t i = 0; i < n; i++) {
    const struct block *b = &page->blocks[i];
    const char *text = page->text.data + b->text;
    size_t at = XXH3_64bits_withSeed(text, b->len, seed) & mask;
    for (; slot[at]; at = (at + 1) & mask) {
      const struct block *other = &page->blocks[slot[at] - 1];
      if (other->len == b->len && memcmp(page->text.data + other->text, text, b->len) == 0) break;
    }
    if (!slot[at]) {
      slot[at] = (uint32_t)i + 1;
      count[i] = 0;
    } else {
      c->rows[i * CONTEXT_COUNT + CONTEXT_same_before] = (float)++count[slot[at] - 1];
    }
  }
}

void context_compute(struct context *c, const struct page *page, const float *features) {
  size_t n = page->block_count;
  reserve(c, page);
  if (!n) return;
  memset(c->rows, 0, n * CONTEXT_COUNT * sizeof *c->rows);
  c->words_until[0] = 0;
  for (size_t i = 0; i < n; i++) c->words_until[i + 1] = c->words_until[i] + page->blocks[i].words;
  group_siblings(c, page);
  title_features(c, page, features);
  repeat_features(c, page);
  section_features(c, page, features);
  repeated_texts(c, page);
}

void context_release(struct context *c) {
  free(c->rows);
  free(c->words_until);
  free(c->same);
  free(c->group);
  free(c->around);
  free(c->slots);
  free(c->groups);
  memset(c, 0, sizeof *c);
}
