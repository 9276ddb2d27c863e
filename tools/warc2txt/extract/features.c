/* SPDX-License-Identifier: MIT
 *
 * One pass over the blocks for their text; one over the elements from last to first for sums and one from first to last
 * for what they inherit (a child has a higher index than its parent); then one over the blocks that writes the rows.
 *
 * Containers: with next[e] the nearest ancestor of e that holds more words or blocks than e, the containers of a block
 * are next of its element, next of that, and so on.  Sums only grow upwards, so that next[e] is e's parent or next of it.
 */
#include "tools/warc2txt/extract/features.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "tools/warc2txt/page/page_text.h"

const char *const feature_names[FEATURE_COUNT] = {
#define X(name) #name,
  FEATURES(X)
#undef X
};

enum { LONG_WORDS = 15, NEAR_MAX = 20, AROUND = 6, OVERLAP_WORDS = 64, WORD_SLOTS = 2048, LOG_TABLE = 4096, BLOCKS_KEPT = 8192, NONE = UINT32_MAX };

/* What features_compute() knows of a block. */
struct block_look {
  struct text_look text;
  uint32_t duplicates;     /* other blocks with the same text */
  uint32_t shape;          /* first block of the same shape: tag and class of its element and the two above */
  uint32_t shape_count, shape_words; /* of all of its shape; at the first */
};

/* What an element has from those above it. */
struct inherited {
  uint32_t next;           /* the next container */
  uint32_t container;      /* its place in f->containers, NONE: not filled */
  uint16_t negative, positive, comment; /* elements with key words from here up */
  uint8_t near_negative, near_positive; /* distance to the nearest of them, at most NEAR_MAX */
};

struct container {
  float words, links, block_words, share, long_share, paragraphs, negative, commas, headings;
};

double features_exp(double x) {
  if (x < -700) return 0;
  if (x > 700) x = 700;
  double n = rint(x * 1.4426950408889634), r = x - n * 0.69314718055994531, r2 = r * r, r4 = r2 * r2; /* |r| <= ln 2 / 2 */
  /* the Taylor series to r^13 / 13!, in quarters that do not wait for each other */
  double a = 1 + r + r2 * (1.0 / 2 + r * (1.0 / 6)), b = 1.0 / 24 + r * (1.0 / 120) + r2 * (1.0 / 720 + r * (1.0 / 5040));
  double c = 1.0 / 40320 + r * (1.0 / 362880) + r2 * (1.0 / 3628800 + r * (1.0 / 39916800)), d = 1.0 / 479001600 + r * (1.0 / 6227020800.0);
  double sum = a + r4 * (b + r4 * (c + r4 * d));
  uint64_t power = (uint64_t)((int64_t)n + 1023) << 52; /* 2^n: |n| <= 1010 */
  double scale;
  memcpy(&scale, &power, sizeof scale);
  return sum * scale;
}

double features_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (bits >> 52 == 0) return features_log(x * 0x1p52) - 52 * 0.69314718055994531; /* subnormal */
  int exponent = (int)(bits >> 52) - 1022;
  bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1022) << 52;
  double m;
  memcpy(&m, &bits, sizeof m); /* in [1/2, 1) */
  if (m < 0.70710678118654752) m *= 2, exponent--;
  double z = (m - 1) / (m + 1), z2 = z * z; /* log m = 2 atanh z, |z| < 0.172 */
  double sum = (((1.0 / 17 * z2 + 1.0 / 15) * z2 + 1.0 / 13) * z2 + 1.0 / 11) * z2 + 1.0 / 9;
  sum = (((sum * z2 + 1.0 / 7) * z2 + 1.0 / 5) * z2 + 1.0 / 3) * z2 + 1.0;
  return 2 * z * sum + exponent * 0.69314718055994531;
}

/* log(1 + x); most arguments are small counts. */
static float log_table[LOG_TABLE];
static unsigned char is_tag[TAG_COUNT]; /* FEATURE_is_... - FEATURE_is_p + 1 */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_tables(void) {
  for (int i = 0; i < LOG_TABLE; i++) log_table[i] = (float)features_log(1.0 + i);
  static const struct {
    unsigned char tag, feature;
  } map[] = {
    {TAG_p, FEATURE_is_p}, {TAG_li, FEATURE_is_li}, {TAG_h1, FEATURE_is_h1}, {TAG_h2, FEATURE_is_h2}, {TAG_h3, FEATURE_is_h3}, {TAG_h4, FEATURE_is_h4},
    {TAG_h5, FEATURE_is_h4}, {TAG_h6, FEATURE_is_h4}, {TAG_td, FEATURE_is_td}, {TAG_th, FEATURE_is_td}, {TAG_dt, FEATURE_is_dt}, {TAG_dd, FEATURE_is_dd},
    {TAG_div, FEATURE_is_div}, {TAG_figcaption, FEATURE_is_figcaption}, {TAG_article, FEATURE_is_article}, {TAG_section, FEATURE_is_section},
    {TAG_summary, FEATURE_is_summary},
  };
  for (size_t i = 0; i < sizeof map / sizeof *map; i++) is_tag[map[i].tag] = (unsigned char)(map[i].feature - FEATURE_is_p + 1);
}

static float log_count(uint32_t x) { return x < LOG_TABLE ? log_table[x] : (float)features_log(1.0 + x); }

static float log_ratio(uint32_t part, uint32_t whole) {
  if (whole == 0) return 0;
  uint32_t quotient = part / whole;
  if (quotient * whole == part) return log_count(quotient);
  return (float)features_log(1 + (double)part / whole);
}

static float share(double part, double whole) { return whole > 0 ? (float)(part / whole) : 0; }

static float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static bool has(uint64_t flags, enum html_flag flag) { return flags >> flag & 1; }

/* ---- groups of equal keys */

/* The index of the first block with keys[i]; slots are zero to start, slot_count is a power of two. */
static uint32_t first_with(uint32_t *slots, size_t slot_count, const uint64_t *keys, uint32_t i) {
  size_t at = keys[i] & (slot_count - 1);
  while (slots[at] && keys[slots[at] - 1] != keys[i]) at = (at + 1) & (slot_count - 1);
  if (!slots[at]) slots[at] = i + 1;
  return slots[at] - 1;
}

/* Equal texts, then equal shapes; returns how many blocks have the most frequent shape.  The seed depends on all of the page, so
 * that no page can be written whose keys crowd in one place. */
static uint32_t find_groups(struct features *f, const struct page *page) {
  size_t n = page->block_count, slots = 64;
  uint64_t seed = XXH3_64bits(page->text.data, page->text.len);
  const struct block *blocks = page->blocks;
  while (slots < n * 2) slots *= 2;
  GROW(f->slots, f->slot_capacity, slots);
  struct block_look *looks = f->looks;
  memset(f->slots, 0, slots * sizeof *f->slots);
  for (size_t i = 0; i < n; i++) {
    f->keys[i] = XXH3_64bits_withSeed(page->text.data + blocks[i].text, blocks[i].len, seed);
    looks[i].shape = first_with(f->slots, slots, f->keys, (uint32_t)i);
    looks[i].shape_count = 0;
    looks[looks[i].shape].shape_count++;
  }
  for (size_t i = 0; i < n; i++) looks[i].duplicates = looks[looks[i].shape].shape_count - 1;
  memset(f->slots, 0, slots * sizeof *f->slots);
  const struct element *elements = page->elements;
  uint32_t most = 0;
  for (size_t i = 0; i < n; i++) {
    const struct element *e = &elements[blocks[i].element], *up = &elements[e->parent], *top = &elements[up->parent];
    uint64_t h = (((uint64_t)e->signature << 32 | up->signature) ^ seed) * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 32 ^ top->signature) * 0xD6E8FEB86659FD93u;
    f->keys[i] = h ^ h >> 32;
    looks[i].shape = first_with(f->slots, slots, f->keys, (uint32_t)i);
    looks[i].shape_count = looks[i].shape_words = 0;
    struct block_look *first = &looks[looks[i].shape];
    first->shape_words += blocks[i].words;
    if (++first->shape_count > most) most = first->shape_count;
  }
  return most;
}

/* ---- words of title and description */

enum { IN_TITLE = 1, IN_DESCRIPTION = 2 };

struct word_set {
  uint64_t words[WORD_SLOTS];
  unsigned char in[WORD_SLOTS]; /* 0: empty */
  uint64_t maybe[16];           /* bits of the hashes of the words' first eight bytes: most words of a page are not here */
  unsigned count;
};

/* Eight bytes with ASCII letters in lower case. */
static uint64_t lower8(uint64_t x) {
  uint64_t low7 = x & 0x7F7F7F7F7F7F7F7Fu, from_a = low7 + 0x3F3F3F3F3F3F3F3Fu, above_z = low7 + 0x2525252525252525u; /* 0x80 - 'A', 0x80 - 'Z' - 1 */
  return x | (((from_a & ~above_z & ~x) & 0x8080808080808080u) >> 2);
}

/* The first eight bytes of a word, which may be shorter: eight can be read. */
static uint64_t word_head(const char *s, size_t n) {
  uint64_t x;
  memcpy(&x, s, 8);
  x &= ~UINT64_C(0) >> (64 - 8 * (n < 8 ? n : 8));
  return lower8(x) * 0x9E3779B97F4A7C15u;
}

/* Hash of a word, case apart; never 0. */
static uint64_t word_hash(const char *s, size_t n, uint64_t head) {
  uint64_t h = head ^ n, x = 0;
  for (size_t i = 8; i < n; i += 8) {
    memcpy(&x, s + (i + 8 <= n ? i : n - 8), 8);
    h = (h ^ h >> 32 ^ lower8(x)) * 0xD6E8FEB86659FD93u;
  }
  h ^= h >> 29;
  return h ? h : 1;
}

/* Eight bytes behind text can be read. */
static void word_set_fill(struct word_set *set, struct slice text, unsigned char in) {
  uint32_t edges[2 * OVERLAP_WORDS];
  unsigned limit = set->count + WORD_SLOTS / 4;
  for (size_t at = 0; at < text.len && set->count < limit;) {
    unsigned n = text_edges(text.data + at, text.len - at, edges, 2 * OVERLAP_WORDS);
    for (unsigned k = 0; k < n && set->count < limit; k += 2) {
      const char *s = text.data + at + edges[k];
      uint64_t head = word_head(s, edges[k + 1] - edges[k]), h = word_hash(s, edges[k + 1] - edges[k], head);
      size_t slot = h % WORD_SLOTS;
      while (set->in[slot] && set->words[slot] != h) slot = (slot + 1) % WORD_SLOTS;
      if (!set->in[slot]) set->count++;
      set->words[slot] = h;
      set->in[slot] |= in;
      set->maybe[head >> 60] |= UINT64_C(1) << (head >> 54 & 63);
    }
    if (n < 2 * OVERLAP_WORDS) break;
    at += edges[n - 1];
  }
}

static unsigned word_set_find(const struct word_set *set, const char *s, size_t n) {
  uint64_t head = word_head(s, n);
  if (!(set->maybe[head >> 60] >> (head >> 54 & 63) & 1)) return 0;
  uint64_t h = word_hash(s, n, head);
  size_t slot = h % WORD_SLOTS;
  while (set->in[slot] && set->words[slot] != h) slot = (slot + 1) % WORD_SLOTS;
  return set->in[slot];
}

static void overlap_features(float *x, const struct word_set *set, const char *s, size_t n) {
  uint32_t edges[2 * OVERLAP_WORDS];
  unsigned seen = 0, in_title = 0, in_description = 0;
  if (set->count) {
    seen = text_edges(s, n, edges, 2 * OVERLAP_WORDS) / 2;
    for (unsigned k = 0; k < seen; k++) {
      unsigned in = word_set_find(set, s + edges[2 * k], edges[2 * k + 1] - edges[2 * k]);
      in_title += in & IN_TITLE;
      in_description += in >> 1;
    }
  }
  x[FEATURE_title_share] = share(in_title, seen);
  x[FEATURE_is_title] = seen > 2 && in_title * 5 > seen * 4;
  x[FEATURE_description_share] = share(in_description, seen);
  x[FEATURE_description_words] = log_count(in_description);
}

/* ---- elements */

static bool looks_like_reply(const char *s, size_t n) {
  if (n > 40) n = 40;
  for (uint64_t at = text_reply_starts(s, n); at; at &= at - 1) {
    unsigned i = (unsigned)__builtin_ctzll(at);
    struct slice rest = {s + i, n - i};
    static const char *const words[] = {"reply", "posted", "joined", "likes", "quote"};
    for (int k = 0; k < 5; k++)
      if (slice_starts_nocase(rest, slice_of(words[k]))) return true;
  }
  return false;
}

static void sum_up(const struct features *f, struct page *page) {
  struct element *elements = page->elements;
  for (size_t i = 0; i < page->element_count; i++) {
    struct element *e = &elements[i];
    e->words = e->link_words = e->long_words = e->paragraph_words = e->blocks = e->headings = e->commas = 0;
  }
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    struct element *e = &elements[b->element];
    e->words += b->words;
    e->link_words += b->link_words;
    if (b->words >= LONG_WORDS && (uint64_t)b->link_words * 3 < b->words) e->long_words += b->words;
    if (e->tag == TAG_p) e->paragraph_words += b->words;
    if (has(e->flags, FLAG_heading)) e->headings++;
    e->commas += f->looks[i].text.commas;
    e->blocks++;
  }
  for (size_t i = page->element_count; i-- > 1;) {
    const struct element *e = &elements[i];
    struct element *up = &elements[e->parent];
    up->words += e->words;
    up->link_words += e->link_words;
    up->long_words += e->long_words;
    up->paragraph_words += e->paragraph_words;
    up->headings += e->headings;
    up->commas += e->commas;
    up->blocks += e->blocks;
  }
}

static void inherit(struct features *f, const struct page *page) {
  static const struct inherited none = {.near_negative = NEAR_MAX, .near_positive = NEAR_MAX};
  for (size_t i = 0; i < page->element_count; i++) {
    const struct element *e = &page->elements[i], *parent = &page->elements[e->parent];
    struct inherited *h = &f->inherited[i];
    const struct inherited *up = i ? &f->inherited[e->parent] : &none;
    bool negative = e->keywords & KEYWORD_NEGATIVE, positive = e->keywords & KEYWORD_POSITIVE, comment = e->keywords & KEYWORD_COMMENT;
    if (i == 0 || parent->words > e->words || parent->blocks > e->blocks) h->next = e->parent;
    else h->next = up->next == e->parent ? (uint32_t)i : up->next;
    h->container = NONE;
    h->negative = (uint16_t)(up->negative + negative);
    h->positive = (uint16_t)(up->positive + positive);
    h->comment = (uint16_t)(up->comment + comment);
    h->near_negative = (uint8_t)(negative ? 0 : up->near_negative < NEAR_MAX ? up->near_negative + 1 : NEAR_MAX);
    h->near_positive = (uint8_t)(positive ? 0 : up->near_positive < NEAR_MAX ? up->near_positive + 1 : NEAR_MAX);
  }
}

/* The container's features, filled once. */
static const struct container *container(struct features *f, const struct page *page, uint32_t element, double page_words) {
  const struct element *s = &page->elements[element];
  uint32_t *at = &f->inherited[element].container;
  if (*at != NONE) return &f->containers[*at];
  *at = (uint32_t)f->container_count++;
  struct container *c = &f->containers[*at];
  *c = (struct container){
    .words = log_count(s->words), .links = share(s->link_words, s->words), .block_words = log_ratio(s->words, s->blocks), .share = share(s->words, page_words),
    .long_share = share(s->long_words, s->words), .paragraphs = share(s->paragraph_words, s->words), .negative = (float)(s->keywords & KEYWORD_NEGATIVE),
    .commas = share(s->commas, s->words), .headings = log_count(s->headings),
  };
  return c;
}

static void container_features(float *x, struct features *f, const struct page *page, uint32_t element, double page_words) {
  uint32_t at = f->inherited[element].next;
  const struct container *c = container(f, page, at, page_words);
  x[FEATURE_c1_words] = c->words, x[FEATURE_c1_links] = c->links, x[FEATURE_c1_block_words] = c->block_words, x[FEATURE_c1_share] = c->share;
  x[FEATURE_c1_headings] = c->headings, x[FEATURE_c1_paragraphs] = c->paragraphs;
  at = f->inherited[at].next;
  c = container(f, page, at, page_words);
  x[FEATURE_c2_words] = c->words, x[FEATURE_c2_links] = c->links, x[FEATURE_c2_block_words] = c->block_words, x[FEATURE_c2_share] = c->share;
  x[FEATURE_c2_long] = c->long_share, x[FEATURE_c2_paragraphs] = c->paragraphs, x[FEATURE_c2_negative] = c->negative;
  at = f->inherited[at].next;
  c = container(f, page, at, page_words);
  x[FEATURE_c3_words] = c->words, x[FEATURE_c3_links] = c->links, x[FEATURE_c3_block_words] = c->block_words, x[FEATURE_c3_share] = c->share;
  x[FEATURE_c3_long] = c->long_share, x[FEATURE_c3_paragraphs] = c->paragraphs, x[FEATURE_c3_negative] = c->negative, x[FEATURE_c3_commas] = c->commas;
  at = f->inherited[at].next;
  c = container(f, page, at, page_words);
  x[FEATURE_c4_words] = c->words, x[FEATURE_c4_links] = c->links, x[FEATURE_c4_block_words] = c->block_words, x[FEATURE_c4_share] = c->share;
  x[FEATURE_c4_headings] = c->headings, x[FEATURE_c4_paragraphs] = c->paragraphs, x[FEATURE_c4_commas] = c->commas, x[FEATURE_c4_negative] = c->negative;
  at = f->inherited[f->inherited[at].next].next;
  c = container(f, page, at, page_words);
  x[FEATURE_c6_links] = c->links, x[FEATURE_c6_block_words] = c->block_words, x[FEATURE_c6_share] = c->share, x[FEATURE_c6_headings] = c->headings;
  x[FEATURE_c6_paragraphs] = c->paragraphs;
}

/* ---- rows */

#define SAME(feature, flag) _Static_assert(FEATURE_##feature - FEATURE_in_nav == FLAG_##flag, "flags stand in the order of their features")
SAME(in_table, table);
SAME(in_list, ul);
SAME(in_item, li);
SAME(in_paragraph, p);
SAME(in_cell, td);
SAME(in_hidden, hidden);
SAME(in_role_dialog, role_dialog);
SAME(in_link, a);
#undef SAME

static void flag_features(float *x, uint64_t flags) {
  static const float four[16][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 1, 0}, {0, 1, 1, 0}, {1, 1, 1, 0},
                                    {0, 0, 0, 1}, {1, 0, 0, 1}, {0, 1, 0, 1}, {1, 1, 0, 1}, {0, 0, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}};
  for (int k = 0; k < 8; k++) memcpy(x + FEATURE_in_nav + 4 * k, four[flags >> 4 * k & 15], sizeof four[0]);
}

static void page_features(float *x, const struct features *f, const struct page *page, uint32_t words, uint32_t links, size_t h1,
                          unsigned prices, unsigned replies, uint32_t shape) {
  const struct element *root = &page->elements[0], *best = &page->elements[f->best];
  x[FEATURE_page_words] = log_count(words);
  x[FEATURE_page_links] = share(links, words);
  x[FEATURE_page_blocks] = log_count((uint32_t)page->block_count);
  x[FEATURE_page_long] = share(root->long_words, words);
  x[FEATURE_page_articles] = log_count(page->articles);
  x[FEATURE_page_main] = page->mains > 0;
  x[FEATURE_page_h1_position] = h1 < page->block_count ? share((double)h1, (double)page->block_count) : -0.1f;
  x[FEATURE_page_prices] = log_count(prices);
  x[FEATURE_page_replies] = log_count(replies);
  x[FEATURE_page_paragraphs] = share(root->paragraph_words, words);
  x[FEATURE_page_og_article] = page->og_article;
  x[FEATURE_page_og_product] = page->og_product;
  x[FEATURE_page_ld_article] = page->ld_article;
  x[FEATURE_page_ld_product] = page->ld_product;
  x[FEATURE_page_ld_forum] = page->ld_forum;
  x[FEATURE_page_ld_list] = page->ld_list;
  x[FEATURE_page_ld_faq] = page->ld_faq;
  x[FEATURE_page_pre] = log_count(page->pres);
  x[FEATURE_page_tables] = log_count(page->tables);
  x[FEATURE_page_items] = log_count(page->items);
  x[FEATURE_page_shape] = log_count(shape);
  x[FEATURE_page_best_links] = share(best->link_words, best->words);
  x[FEATURE_page_best_share] = share(best->words, words);
}

/* Beyond the ends words are -1 and the rest 0. */
static void neighbour_features(struct features *f, const struct page *page) {
  size_t n = page->block_count;
  for (size_t i = 0; i < n; i++) {
    float *x = f->rows + i * FEATURE_COUNT, words_before = 0, words_after = 0, links_before = 0, links_after = 0;
    memset(x + FEATURE_previous_words, 0, (FEATURE_links_after - FEATURE_previous_words + 1) * sizeof *x);
    x[FEATURE_previous_words] = x[FEATURE_next_words] = -1;
    if (i > 0) {
      const float *y = x - FEATURE_COUNT;
      x[FEATURE_previous_words] = y[FEATURE_words];
      x[FEATURE_previous_links] = y[FEATURE_link_density];
      x[FEATURE_previous_heading] = has(page->elements[page->blocks[i - 1].element].flags, FLAG_heading);
      x[FEATURE_previous_same] = f->looks[i - 1].shape == f->looks[i].shape;
    }
    if (i + 1 < n) {
      const float *y = x + FEATURE_COUNT;
      x[FEATURE_next_words] = y[FEATURE_words];
      x[FEATURE_next_links] = y[FEATURE_link_density];
      x[FEATURE_next_terminal] = y[FEATURE_terminal];
      x[FEATURE_next_same] = f->looks[i + 1].shape == f->looks[i].shape;
      x[FEATURE_next_item] = y[FEATURE_in_item];
    }
    size_t before = i < AROUND ? i : AROUND, after = n - 1 - i < AROUND ? n - 1 - i : AROUND;
    for (size_t k = 1; k <= before; k++) words_before += f->around[i - k][0], links_before += f->around[i - k][1];
    for (size_t k = 1; k <= after; k++) words_after += f->around[i + k][0], links_after += f->around[i + k][1];
    x[FEATURE_words_around_before] = words_before;
    x[FEATURE_links_before] = links_before;
    x[FEATURE_words_around_after] = words_after;
    x[FEATURE_links_after] = links_after;
  }
}

void features_release(struct features *f) {
  free(f->rows);
  free(f->slots);
  free(f->keys);
  free(f->around);
  free(f->looks);
  free(f->inherited);
  free(f->containers);
  memset(f, 0, sizeof *f);
}

static void reserve(struct features *f, const struct page *page) {
  size_t n = page->block_count;
  if (f->block_capacity > BLOCKS_KEPT && n <= BLOCKS_KEPT) features_release(f); /* the rows of a rare page are not held for ever */
  if (n > f->block_capacity) {
    f->block_capacity = n + n / 4;
    f->rows = RESIZE(f->rows, f->block_capacity * FEATURE_COUNT);
    f->looks = RESIZE(f->looks, f->block_capacity);
    f->keys = RESIZE(f->keys, f->block_capacity);
    f->around = RESIZE(f->around, f->block_capacity);
  }
  if (page->element_count > f->element_capacity) {
    f->element_capacity = page->element_count + page->element_count / 4;
    f->inherited = RESIZE(f->inherited, f->element_capacity);
    f->containers = RESIZE(f->containers, f->element_capacity);
  }
  f->container_count = 0;
}

void features_compute(struct features *f, struct page *page) {
  size_t n = page->block_count;
  pthread_once(&once, fill_tables);
  f->best = 0;
  if (n == 0) return;
  reserve(f, page);
  const struct element *elements = page->elements;
  const struct block *blocks = page->blocks;
  buffer_reserve(&page->text, 8); /* for word_head() */
  buffer_reserve(&page->title, 8);
  buffer_reserve(&page->description, 8);
  const char *text = page->text.data;
  uint32_t words = 0, links = 0, prices = 0, replies = 0;
  size_t h1 = n;
  for (size_t i = 0; i < n; i++) {
    struct text_look *l = &f->looks[i].text;
    text_look_at(text + blocks[i].text, blocks[i].len, l);
    words += blocks[i].words;
    links += blocks[i].link_words;
    if (blocks[i].words < 12 && l->currency) prices++;
    if (looks_like_reply(text + blocks[i].text, blocks[i].len)) replies++;
    if (h1 == n && elements[blocks[i].element].tag == TAG_h1) h1 = i;
  }
  sum_up(f, page);
  inherit(f, page);
  uint32_t long_words = elements[0].long_words;
  if (long_words)
    for (size_t i = 0; i < page->element_count; i++)
      if ((uint64_t)elements[i].long_words * 10 >= (uint64_t)long_words * 6) f->best = (uint32_t)i;
  const struct element *best = &elements[f->best];
  uint32_t shape = find_groups(f, page);

  float page_row[FEATURE_COUNT];
  page_features(page_row, f, page, words, links, h1, prices, replies, shape);
  struct word_set set = {0};
  word_set_fill(&set, buffer_slice(&page->title), IN_TITLE);
  word_set_fill(&set, buffer_slice(&page->description), IN_DESCRIPTION);

  uint32_t before = 0;
  bool after_h1 = false;
  size_t last_heading = n;
  for (size_t i = 0; i < n; i++) {
    float *x = f->rows + i * FEATURE_COUNT;
    const struct block *b = &blocks[i];
    const struct element *e = &elements[b->element];
    const struct inherited *s = &f->inherited[b->element];
    const struct block_look *look = &f->looks[i];
    const struct text_look *l = &look->text;
    double w = b->words ? b->words : 1, chars = l->chars ? l->chars : 1;
    if (e->tag == TAG_h1) after_h1 = true;
    x[FEATURE_words] = log_count(b->words);
    x[FEATURE_link_density] = share(b->link_words, w);
    x[FEATURE_all_link] = b->words && b->link_words >= b->words;
    x[FEATURE_link_count] = log_count(b->links);
    x[FEATURE_punctuation] = clip(share(l->commas, w), 0, 2);
    x[FEATURE_terminal] = l->terminal;
    x[FEATURE_colon] = l->colon;
    x[FEATURE_bold] = b->bold;
    x[FEATURE_capital_words] = share(l->capitals, l->tokens);
    x[FEATURE_digits] = share(l->digits, chars);
    x[FEATURE_word_length] = clip((float)(chars / w), 0, 30);
    x[FEATURE_bars] = l->bars > 0;
    x[FEATURE_signs] = share(l->signs, chars);
    x[FEATURE_duplicates] = log_count(look->duplicates);
    x[FEATURE_currency] = l->currency;
    f->around[i][0] = x[FEATURE_words] / AROUND;
    f->around[i][1] = x[FEATURE_link_density] / AROUND;
    flag_features(x, e->flags);
    memset(x + FEATURE_is_p, 0, (FEATURE_is_summary - FEATURE_is_p + 1) * sizeof *x);
    if (is_tag[e->tag]) x[FEATURE_is_p + is_tag[e->tag] - 1] = 1;

    x[FEATURE_depth] = clip(e->depth, 0, 40);
    x[FEATURE_position] = share((double)i, (double)n);
    x[FEATURE_words_before] = share(before, words);
    x[FEATURE_words_after] = share((double)words - before - b->words, words);
    x[FEATURE_blocks_before] = log_count((uint32_t)i);
    x[FEATURE_blocks_after] = log_count((uint32_t)(n - i));
    x[FEATURE_after_h1] = after_h1;
    x[FEATURE_from_h1] = h1 == n ? -30 : clip((float)i - (float)h1, -20, 60);
    x[FEATURE_from_heading] = last_heading == n ? -1 : log_count((uint32_t)(i - last_heading));
    x[FEATURE_no_heading] = last_heading == n;
    x[FEATURE_in_best] = i >= best->first_block && i < best->end_block;
    size_t from_best = i < best->first_block ? best->first_block - i : i < best->end_block ? 0 : i - best->end_block + 1;
    x[FEATURE_from_best] = clip((float)from_best, 0, 30);

    overlap_features(x, &set, text + b->text, b->len);
    if (look->shape == i) {
      x[FEATURE_shape_count] = log_count(look->shape_count);
      x[FEATURE_shape_words] = log_ratio(look->shape_words, look->shape_count);
    } else {
      const float *first = f->rows + look->shape * FEATURE_COUNT;
      x[FEATURE_shape_count] = first[FEATURE_shape_count];
      x[FEATURE_shape_words] = first[FEATURE_shape_words];
    }
    x[FEATURE_negative_count] = s->negative;
    x[FEATURE_positive_count] = s->positive;
    x[FEATURE_comment_count] = s->comment;
    x[FEATURE_negative_distance] = s->near_negative;
    x[FEATURE_positive_distance] = s->near_positive;
    x[FEATURE_negative_self] = (float)(e->keywords & KEYWORD_NEGATIVE);
    x[FEATURE_positive_self] = (e->keywords & KEYWORD_POSITIVE) != 0;
    container_features(x, f, page, b->element, words);
    before += b->words;
    if (has(e->flags, FLAG_heading)) last_heading = i;
    memcpy(x + FEATURE_page_words, page_row + FEATURE_page_words, (FEATURE_COUNT - FEATURE_page_words) * sizeof *x);
  }
  neighbour_features(f, page);
}
