/* SPDX-License-Identifier: MIT
 *
 * One pass over the blocks for their text, one over the elements from last to first for sums (a child has a higher
 * index than its parent), one over the blocks for features, one for those of neighbours.
 */
#include "tools/warc2txt/features.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"

const char *const feature_names[FEATURE_COUNT] = {
#define X(name) #name,
  FEATURES(X)
#undef X
};

enum { LONG_WORDS = 15, CHAIN_MAX = 6, OVERLAP_WORDS = 64, WORD_SLOTS = 1024 };

double features_exp(double x) {
  if (x < -700) return 0;
  if (x > 700) x = 700;
  double n = rint(x * 1.4426950408889634), r = x - n * 0.69314718055994531, term = 1, sum = 1;
  for (int k = 1; k <= 13; k++) sum += term = term * r / k; /* |r| <= ln 2 / 2 */
  return ldexp(sum, (int)n);
}

double features_log(double x) {
  int exponent;
  double m = frexp(x, &exponent); /* in [1/2, 1) */
  if (m < 0.70710678118654752) m *= 2, exponent--;
  double z = (m - 1) / (m + 1), z2 = z * z, sum = 0; /* log m = 2 atanh z, |z| < 0.172 */
  for (int k = 17; k >= 1; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum + exponent * 0.69314718055994531;
}

/* log(1 + x); most arguments are small counts. */
static float log_table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void fill_log_table(void) {
  for (int i = 0; i < 256; i++) log_table[i] = (float)features_log(1.0 + i);
}

static float log1(double x) {
  if (x >= 0 && x < 256 && x == (double)(int)x) return log_table[(int)x];
  return (float)features_log(1 + x);
}

static float share(double part, double whole) { return whole > 0 ? (float)(part / whole) : 0; }

/* ---- hash tables of counts: slots of (first index + 1) into per-block arrays */

static uint32_t mix(uint32_t a, uint32_t b) {
  uint64_t h = ((uint64_t)a << 32 | b) * 0x9E3779B97F4A7C15u;
  return (uint32_t)(h >> 32);
}

static uint32_t hash_bytes(const char *s, size_t n) {
  uint64_t h = 0x9E3779B97F4A7C15u ^ n;
  while (n >= 8) {
    uint64_t w;
    memcpy(&w, s, 8);
    h = (h ^ w) * 0xD6E8FEB86659FD93u;
    h ^= h >> 32;
    s += 8;
    n -= 8;
  }
  uint64_t w = 0;
  memcpy(&w, s, n);
  h = (h ^ w) * 0xD6E8FEB86659FD93u;
  return (uint32_t)(h ^ h >> 32);
}

/* Groups blocks with equal keys: keys[i] becomes the index of the first block with that key. */
static void group(struct features *f, uint32_t *keys, size_t n) {
  size_t slots = 64;
  while (slots < n * 2) slots *= 2;
  GROW(f->slots, f->slot_capacity, slots);
  memset(f->slots, 0, slots * sizeof *f->slots);
  uint32_t *original = f->sums; /* free until the caller sums */
  memcpy(original, keys, n * sizeof *keys);
  for (size_t i = 0; i < n; i++) {
    size_t at = mix(original[i], 0x51ED270B) & (slots - 1);
    while (f->slots[at] && original[f->slots[at] - 1] != original[i]) at = (at + 1) & (slots - 1);
    if (!f->slots[at]) f->slots[at] = (uint32_t)i + 1;
    keys[i] = f->slots[at] - 1;
  }
}

/* ---- words of title and description */

struct word_set {
  uint32_t slots[WORD_SLOTS];
  unsigned count;
};

static bool word_byte(unsigned char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c >= 0x80; }

/* The next word of s from *at: its hash (case apart, never 0), or 0 at the end. */
static uint32_t next_word(const char *s, size_t n, size_t *at) {
  size_t i = *at;
  while (i < n && !word_byte((unsigned char)s[i])) i++;
  if (i == n) return 0;
  uint32_t h = 2166136261u;
  for (; i < n && word_byte((unsigned char)s[i]); i++) {
    unsigned char c = (unsigned char)s[i];
    h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
  }
  *at = i;
  return h ? h : 1;
}

static void word_set_fill(struct word_set *set, struct slice text) {
  memset(set, 0, sizeof *set);
  size_t at = 0;
  uint32_t h;
  while (set->count < WORD_SLOTS / 2 && (h = next_word(text.data, text.len, &at))) {
    unsigned slot = mix(h, 7) % WORD_SLOTS;
    while (set->slots[slot] && set->slots[slot] != h) slot = (slot + 1) % WORD_SLOTS;
    if (!set->slots[slot]) {
      set->slots[slot] = h;
      set->count++;
    }
  }
}

static bool word_set_has(const struct word_set *set, uint32_t h) {
  unsigned slot = mix(h, 7) % WORD_SLOTS;
  while (set->slots[slot] && set->slots[slot] != h) slot = (slot + 1) % WORD_SLOTS;
  return set->slots[slot] == h;
}

/* ---- text of one block */

struct look {
  unsigned commas, digits, signs, bars, capitals, tokens, chars;
  bool terminal, colon, currency;
};

static void look_at(const char *s, size_t n, struct look *l) {
  memset(l, 0, sizeof *l);
  bool start = true;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if ((c & 0xC0) != 0x80) l->chars++;
    if (c == ' ' || c == '\n' || c == '\t') {
      start = true;
      continue;
    }
    if (start) {
      l->tokens++;
      l->capitals += c >= 'A' && c <= 'Z';
      start = false;
    }
    if (c >= '0' && c <= '9') {
      l->digits++;
    } else if (c < 0x80 && !((c | 32) >= 'a' && (c | 32) <= 'z')) {
      l->signs++;
      l->commas += c == ',' || c == '.' || c == ';' || c == '!' || c == '?';
      l->bars += c == '|';
      if (c == '$' && i + 2 < n && ((s[i + 1] >= '0' && s[i + 1] <= '9') || (s[i + 2] >= '0' && s[i + 2] <= '9'))) l->currency = true;
    } else if (c == 0xC2 && i + 1 < n) {
      unsigned char d = (unsigned char)s[i + 1];
      l->signs++;
      l->bars += d == 0xA9 || d == 0xBB || d == 0xB7;
      if (d == 0xA3 || d == 0xA5) l->currency = true;
    } else if (c == 0xE2 && i + 2 < n) {
      unsigned char d = (unsigned char)s[i + 1], e = (unsigned char)s[i + 2];
      l->signs++;
      l->bars += d == 0x80 && (e == 0xBA || e == 0xA2);
      if (d == 0x82 && e == 0xAC) l->currency = true;
    } else if (c == 0xE3 && i + 2 < n && (unsigned char)s[i + 1] == 0x80 && ((unsigned char)s[i + 2] == 0x81 || (unsigned char)s[i + 2] == 0x82)) {
      l->commas++;
    } else if (c == 0xEF && i + 2 < n && (unsigned char)s[i + 1] == 0xBC && ((unsigned char)s[i + 2] == 0x8C || (unsigned char)s[i + 2] == 0x81 || (unsigned char)s[i + 2] == 0x9F)) {
      l->commas++;
    }
  }
  if (!n) return;
  unsigned char last = (unsigned char)s[n - 1];
  l->terminal = last == '.' || last == '!' || last == '?' || last == '"';
  if (n >= 3 && last >= 0x80) {
    const char *end = s + n - 3;
    l->terminal = memcmp(end, "\xE2\x80\xA6", 3) == 0 || memcmp(end, "\xE2\x80\x9D", 3) == 0 || memcmp(end, "\xE3\x80\x82", 3) == 0 || memcmp(end, "\xEF\xBC\x81", 3) == 0 || memcmp(end, "\xEF\xBC\x9F", 3) == 0;
  }
  l->colon = last == ':';
}

static bool looks_like_reply(const char *s, size_t n) {
  struct slice head = {s, n < 40 ? n : 40};
  return slice_find_nocase(head, SLICE("reply")) || slice_find_nocase(head, SLICE("posted")) || slice_find_nocase(head, SLICE("joined")) || slice_find_nocase(head, SLICE("likes")) || slice_find_nocase(head, SLICE("quote"));
}

/* ---- */

static bool has(uint64_t flags, enum html_flag flag) { return flags >> flag & 1; }

static void sum_up(struct page *page, const struct look *looks) {
  for (size_t i = 0; i < page->element_count; i++) {
    struct element *e = &page->elements[i];
    e->words = e->link_words = e->long_words = e->paragraph_words = e->blocks = e->headings = e->commas = 0;
  }
  /* own blocks first, then children into parents: a child has a higher index */
  for (size_t i = 0; i < page->block_count; i++) {
    const struct block *b = &page->blocks[i];
    struct element *e = &page->elements[b->element];
    e->words += b->words;
    e->link_words += b->link_words;
    if (b->words >= LONG_WORDS && b->link_words * 3 < b->words) e->long_words += b->words;
    if (e->tag == TAG_p) e->paragraph_words += b->words;
    if (has(e->flags, FLAG_heading)) e->headings++;
    e->commas += looks[i].commas;
    e->blocks++;
  }
  for (size_t i = page->element_count; i-- > 1;) {
    const struct element *e = &page->elements[i];
    struct element *up = &page->elements[e->parent];
    up->words += e->words;
    up->link_words += e->link_words;
    up->long_words += e->long_words;
    up->paragraph_words += e->paragraph_words;
    up->headings += e->headings;
    up->commas += e->commas;
    up->blocks += e->blocks;
  }
}

static void container_features(float *x, const struct element *const chain[CHAIN_MAX + 1], int chain_count, double page_words) {
#define CONTAINER(k) (chain[(k) < chain_count ? (k) : chain_count - 1])
#define LINKS(c) share((c)->link_words, (c)->words)
#define BLOCK_WORDS(c) log1((c)->blocks ? (double)(c)->words / (c)->blocks : 0)
#define PARAGRAPHS(c) share((c)->paragraph_words, (c)->words)
#define NEGATIVE(c) (float)((c)->keywords & KEYWORD_NEGATIVE)
  const struct element *c = CONTAINER(1);
  x[FEATURE_c1_words] = log1(c->words), x[FEATURE_c1_links] = LINKS(c), x[FEATURE_c1_block_words] = BLOCK_WORDS(c);
  x[FEATURE_c1_share] = share(c->words, page_words), x[FEATURE_c1_headings] = log1(c->headings), x[FEATURE_c1_paragraphs] = PARAGRAPHS(c);
  c = CONTAINER(2);
  x[FEATURE_c2_words] = log1(c->words), x[FEATURE_c2_links] = LINKS(c), x[FEATURE_c2_block_words] = BLOCK_WORDS(c);
  x[FEATURE_c2_share] = share(c->words, page_words), x[FEATURE_c2_long] = share(c->long_words, c->words);
  x[FEATURE_c2_paragraphs] = PARAGRAPHS(c), x[FEATURE_c2_negative] = NEGATIVE(c);
  c = CONTAINER(3);
  x[FEATURE_c3_words] = log1(c->words), x[FEATURE_c3_links] = LINKS(c), x[FEATURE_c3_block_words] = BLOCK_WORDS(c);
  x[FEATURE_c3_share] = share(c->words, page_words), x[FEATURE_c3_long] = share(c->long_words, c->words);
  x[FEATURE_c3_paragraphs] = PARAGRAPHS(c), x[FEATURE_c3_negative] = NEGATIVE(c), x[FEATURE_c3_commas] = share(c->commas, c->words);
  c = CONTAINER(4);
  x[FEATURE_c4_words] = log1(c->words), x[FEATURE_c4_links] = LINKS(c), x[FEATURE_c4_block_words] = BLOCK_WORDS(c);
  x[FEATURE_c4_share] = share(c->words, page_words), x[FEATURE_c4_headings] = log1(c->headings), x[FEATURE_c4_paragraphs] = PARAGRAPHS(c);
  x[FEATURE_c4_commas] = share(c->commas, c->words), x[FEATURE_c4_negative] = NEGATIVE(c);
  c = CONTAINER(6);
  x[FEATURE_c6_links] = LINKS(c), x[FEATURE_c6_block_words] = BLOCK_WORDS(c), x[FEATURE_c6_share] = share(c->words, page_words);
  x[FEATURE_c6_headings] = log1(c->headings), x[FEATURE_c6_paragraphs] = PARAGRAPHS(c);
}

static void flag_features(float *x, uint64_t flags) {
  static const struct {
    unsigned char flag, feature;
  } map[] = {
    {FLAG_nav, FEATURE_in_nav}, {FLAG_header, FEATURE_in_header}, {FLAG_footer, FEATURE_in_footer}, {FLAG_aside, FEATURE_in_aside},
    {FLAG_form, FEATURE_in_form}, {FLAG_main, FEATURE_in_main}, {FLAG_article, FEATURE_in_article}, {FLAG_section, FEATURE_in_section},
    {FLAG_table, FEATURE_in_table}, {FLAG_ul, FEATURE_in_list}, {FLAG_ol, FEATURE_in_ordered}, {FLAG_dl, FEATURE_in_definitions},
    {FLAG_li, FEATURE_in_item}, {FLAG_figure, FEATURE_in_figure}, {FLAG_button, FEATURE_in_button}, {FLAG_details, FEATURE_in_details},
    {FLAG_blockquote, FEATURE_in_blockquote}, {FLAG_pre, FEATURE_in_pre}, {FLAG_p, FEATURE_in_paragraph}, {FLAG_dialog, FEATURE_in_dialog},
    {FLAG_td, FEATURE_in_cell}, {FLAG_item_body, FEATURE_in_item_body}, {FLAG_item_property, FEATURE_in_item_property},
    {FLAG_hidden, FEATURE_in_hidden}, {FLAG_noscript, FEATURE_in_noscript}, {FLAG_role_navigation, FEATURE_in_role_navigation},
    {FLAG_role_main, FEATURE_in_role_main}, {FLAG_role_complementary, FEATURE_in_role_complementary}, {FLAG_role_banner, FEATURE_in_role_banner},
    {FLAG_role_contentinfo, FEATURE_in_role_contentinfo}, {FLAG_role_dialog, FEATURE_in_role_dialog}, {FLAG_a, FEATURE_in_link},
  };
  for (size_t i = 0; i < sizeof map / sizeof *map; i++) x[map[i].feature] = (float)(flags >> map[i].flag & 1);
}

static void tag_features(float *x, unsigned tag) {
  switch (tag) {
    case TAG_p: x[FEATURE_is_p] = 1; break;
    case TAG_li: x[FEATURE_is_li] = 1; break;
    case TAG_h1: x[FEATURE_is_h1] = 1; break;
    case TAG_h2: x[FEATURE_is_h2] = 1; break;
    case TAG_h3: x[FEATURE_is_h3] = 1; break;
    case TAG_h4:
    case TAG_h5:
    case TAG_h6: x[FEATURE_is_h4] = 1; break;
    case TAG_td:
    case TAG_th: x[FEATURE_is_td] = 1; break;
    case TAG_dt: x[FEATURE_is_dt] = 1; break;
    case TAG_dd: x[FEATURE_is_dd] = 1; break;
    case TAG_div: x[FEATURE_is_div] = 1; break;
    case TAG_figcaption: x[FEATURE_is_figcaption] = 1; break;
    case TAG_article: x[FEATURE_is_article] = 1; break;
    case TAG_section: x[FEATURE_is_section] = 1; break;
    case TAG_summary: x[FEATURE_is_summary] = 1; break;
    default: break;
  }
}

static void page_features(float *x, const struct features *f, const struct page *page, double words, double links, size_t h1, unsigned prices, unsigned replies, uint32_t shape) {
  const struct element *root = &page->elements[0], *best = &page->elements[f->best];
  x[FEATURE_page_words] = log1(words);
  x[FEATURE_page_links] = share(links, words);
  x[FEATURE_page_blocks] = log1((double)page->block_count);
  x[FEATURE_page_long] = share(root->long_words, words);
  x[FEATURE_page_articles] = log1(page->articles);
  x[FEATURE_page_main] = page->mains > 0;
  x[FEATURE_page_h1_position] = h1 < page->block_count ? share((double)h1, (double)page->block_count) : -0.1f;
  x[FEATURE_page_prices] = log1(prices);
  x[FEATURE_page_replies] = log1(replies);
  x[FEATURE_page_paragraphs] = share(root->paragraph_words, words);
  x[FEATURE_page_og_article] = page->og_article;
  x[FEATURE_page_og_product] = page->og_product;
  x[FEATURE_page_ld_article] = page->ld_article;
  x[FEATURE_page_ld_product] = page->ld_product;
  x[FEATURE_page_ld_forum] = page->ld_forum;
  x[FEATURE_page_ld_list] = page->ld_list;
  x[FEATURE_page_ld_faq] = page->ld_faq;
  x[FEATURE_page_pre] = log1(page->pres);
  x[FEATURE_page_tables] = log1(page->tables);
  x[FEATURE_page_items] = log1(page->items);
  x[FEATURE_page_shape] = log1(shape);
  x[FEATURE_page_best_links] = share(best->link_words, best->words);
  x[FEATURE_page_best_share] = share(best->words, words);
}

static float clip(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

void features_compute(struct features *f, struct page *page) {
  size_t n = page->block_count;
  pthread_once(&once, fill_log_table);
  f->best = 0;
  if (n == 0) return;
  if (n * FEATURE_COUNT > f->capacity) {
    f->capacity = n * FEATURE_COUNT;
    f->rows = RESIZE(f->rows, f->capacity);
  }
  memset(f->rows, 0, n * FEATURE_COUNT * sizeof *f->rows);
  if (n > f->block_capacity) {
    f->block_capacity = n;
    f->shapes = RESIZE(f->shapes, n);
    f->counts = RESIZE(f->counts, n);
    f->sums = RESIZE(f->sums, n);
  }
  struct look *looks = NEW_ARRAY(struct look, n);
  struct element *elements = page->elements;
  const struct block *blocks = page->blocks;
  const char *text = page->text.data;
  for (size_t i = 0; i < n; i++) look_at(text + blocks[i].text, blocks[i].len, &looks[i]);
  sum_up(page, looks);

  double words = 0, links = 0;
  unsigned prices = 0, replies = 0;
  size_t h1 = n;
  for (size_t i = 0; i < n; i++) {
    words += blocks[i].words;
    links += blocks[i].link_words;
    if (blocks[i].words < 12 && looks[i].currency) prices++;
    if (looks_like_reply(text + blocks[i].text, blocks[i].len)) replies++;
    if (h1 == n && elements[blocks[i].element].tag == TAG_h1) h1 = i;
  }
  uint32_t long_words = elements[0].long_words;
  if (long_words)
    for (size_t i = 0; i < page->element_count; i++)
      if ((uint64_t)elements[i].long_words * 10 >= (uint64_t)long_words * 6) f->best = (uint32_t)i;
  const struct element *best = &elements[f->best];

  /* equal texts, then equal shapes (tag and class of the element and two above) */
  for (size_t i = 0; i < n; i++) f->shapes[i] = hash_bytes(text + blocks[i].text, blocks[i].len);
  group(f, f->shapes, n);
  memset(f->counts, 0, n * sizeof *f->counts);
  for (size_t i = 0; i < n; i++) f->counts[f->shapes[i]]++;
  for (size_t i = 0; i < n; i++) f->rows[i * FEATURE_COUNT + FEATURE_duplicates] = log1(f->counts[f->shapes[i]] - 1);
  for (size_t i = 0; i < n; i++) {
    const struct element *e = &elements[blocks[i].element], *up = &elements[e->parent], *top = &elements[up->parent];
    f->shapes[i] = mix(mix(e->signature, up->signature), top->signature);
  }
  group(f, f->shapes, n);
  memset(f->counts, 0, n * sizeof *f->counts);
  memset(f->sums, 0, n * sizeof *f->sums);
  uint32_t shape = 0;
  for (size_t i = 0; i < n; i++) {
    f->sums[f->shapes[i]] += blocks[i].words;
    if (++f->counts[f->shapes[i]] > shape) shape = f->counts[f->shapes[i]];
  }

  float page_row[FEATURE_COUNT] = {0};
  page_features(page_row, f, page, words, links, h1, prices, replies, shape);
  struct word_set title, description;
  word_set_fill(&title, buffer_slice(&page->title));
  word_set_fill(&description, buffer_slice(&page->description));

  double before = 0;
  bool after_h1 = false;
  size_t last_heading = n;
  for (size_t i = 0; i < n; i++) {
    float *x = f->rows + i * FEATURE_COUNT;
    const struct block *b = &blocks[i];
    const struct element *e = &elements[b->element];
    const struct look *l = &looks[i];
    double w = b->words ? b->words : 1, chars = l->chars ? l->chars : 1;
    if (e->tag == TAG_h1) after_h1 = true;
    x[FEATURE_words] = log1(b->words);
    x[FEATURE_link_density] = share(b->link_words, w);
    x[FEATURE_all_link] = b->words && b->link_words >= b->words;
    x[FEATURE_link_count] = log1(b->links);
    x[FEATURE_punctuation] = clip(share(l->commas, w), 0, 2);
    x[FEATURE_terminal] = l->terminal;
    x[FEATURE_colon] = l->colon;
    x[FEATURE_bold] = b->bold;
    x[FEATURE_capital_words] = share(l->capitals, l->tokens);
    x[FEATURE_digits] = share(l->digits, chars);
    x[FEATURE_word_length] = clip((float)(chars / w), 0, 30);
    x[FEATURE_bars] = l->bars > 0;
    x[FEATURE_signs] = share(l->signs, chars);
    x[FEATURE_currency] = l->currency;
    flag_features(x, e->flags);
    tag_features(x, e->tag);

    x[FEATURE_depth] = clip(e->depth, 0, 40);
    x[FEATURE_position] = share((double)i, (double)n);
    x[FEATURE_words_before] = share(before, words);
    x[FEATURE_words_after] = share(words - before - b->words, words);
    x[FEATURE_blocks_before] = log1((double)i);
    x[FEATURE_blocks_after] = log1((double)(n - i));
    x[FEATURE_after_h1] = after_h1;
    x[FEATURE_from_h1] = h1 == n ? -30 : clip((float)i - (float)h1, -20, 60);
    x[FEATURE_from_heading] = last_heading == n ? -1 : log1((double)(i - last_heading));
    x[FEATURE_no_heading] = last_heading == n;
    x[FEATURE_in_best] = i >= best->first_block && i < best->end_block;
    x[FEATURE_from_best] = i < best->first_block ? clip((float)(best->first_block - i), 0, 30) : i < best->end_block ? 0 : clip((float)(i - best->end_block + 1), 0, 30);

    unsigned seen = 0, in_title = 0, in_description = 0;
    size_t at = 0;
    uint32_t h;
    while (seen < OVERLAP_WORDS && (h = next_word(text + b->text, b->len, &at))) {
      seen++;
      in_title += word_set_has(&title, h);
      in_description += word_set_has(&description, h);
    }
    x[FEATURE_title_share] = share(in_title, seen);
    x[FEATURE_is_title] = seen > 2 && in_title * 5 > seen * 4;
    x[FEATURE_description_share] = share(in_description, seen);
    x[FEATURE_description_words] = log1(in_description);
    uint32_t count = f->counts[f->shapes[i]];
    x[FEATURE_shape_count] = log1(count);
    x[FEATURE_shape_words] = log1((double)f->sums[f->shapes[i]] / count);

    const struct element *chain[CHAIN_MAX + 1];
    int chain_count = 0, negative = 0, positive = 0, comment = 0, distance = 0, near_negative = 20, near_positive = 20;
    for (uint32_t j = b->element;; j = elements[j].parent) {
      const struct element *a = &elements[j];
      if (a->keywords & KEYWORD_NEGATIVE && negative++ == 0 && distance < 20) near_negative = distance;
      if (a->keywords & KEYWORD_POSITIVE && positive++ == 0 && distance < 20) near_positive = distance;
      comment += a->keywords & KEYWORD_COMMENT ? 1 : 0;
      if (chain_count <= CHAIN_MAX && (chain_count == 0 || a->words > chain[chain_count - 1]->words || a->blocks > chain[chain_count - 1]->blocks)) chain[chain_count++] = a;
      distance++;
      if (elements[j].parent == j) break;
    }
    x[FEATURE_negative_count] = (float)negative;
    x[FEATURE_positive_count] = (float)positive;
    x[FEATURE_comment_count] = (float)comment;
    x[FEATURE_negative_distance] = (float)near_negative;
    x[FEATURE_positive_distance] = (float)near_positive;
    x[FEATURE_negative_self] = (float)(e->keywords & KEYWORD_NEGATIVE);
    x[FEATURE_positive_self] = (e->keywords & KEYWORD_POSITIVE) != 0;
    container_features(x, chain, chain_count, words);
    before += b->words;
    if (has(e->flags, FLAG_heading)) last_heading = i;
    for (int k = FEATURE_page_words; k < FEATURE_COUNT; k++) x[k] = page_row[k];
  }

  /* neighbours; beyond the ends words are -1 and the rest 0 */
  for (size_t i = 0; i < n; i++) {
    float *x = f->rows + i * FEATURE_COUNT;
    x[FEATURE_previous_words] = x[FEATURE_next_words] = -1;
    if (i > 0) {
      const float *y = x - FEATURE_COUNT;
      x[FEATURE_previous_words] = y[FEATURE_words];
      x[FEATURE_previous_links] = y[FEATURE_link_density];
      x[FEATURE_previous_heading] = has(elements[blocks[i - 1].element].flags, FLAG_heading);
      x[FEATURE_previous_same] = f->shapes[i - 1] == f->shapes[i];
    }
    if (i + 1 < n) {
      const float *y = x + FEATURE_COUNT;
      x[FEATURE_next_words] = y[FEATURE_words];
      x[FEATURE_next_links] = y[FEATURE_link_density];
      x[FEATURE_next_terminal] = y[FEATURE_terminal];
      x[FEATURE_next_same] = f->shapes[i + 1] == f->shapes[i];
      x[FEATURE_next_item] = y[FEATURE_in_item];
    }
    for (size_t k = 1; k <= 6; k++) {
      if (i >= k) {
        const float *y = x - k * FEATURE_COUNT;
        x[FEATURE_words_around_before] += y[FEATURE_words] / 6;
        x[FEATURE_links_before] += y[FEATURE_link_density] / 6;
      }
      if (i + k < n) {
        const float *y = x + k * FEATURE_COUNT;
        x[FEATURE_words_around_after] += y[FEATURE_words] / 6;
        x[FEATURE_links_after] += y[FEATURE_link_density] / 6;
      }
    }
  }
  free(looks);
}

void features_release(struct features *f) {
  free(f->rows);
  free(f->slots);
  free(f->shapes);
  free(f->counts);
  free(f->sums);
  memset(f, 0, sizeof *f);
}
