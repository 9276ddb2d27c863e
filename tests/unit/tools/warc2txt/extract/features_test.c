/* SPDX-License-Identifier: MIT
 *
 * Random pages against the definitions of features.h, each worked out anew from the blocks and their elements.
 */
#include "tools/warc2txt/extract/features.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/page/page_text.h"

static struct html_parser *parser;
static struct html_tree tree;
static struct page_builder *builder;
static struct page page;
static struct features features;

static void build(struct buffer *html) {
  html_parse(parser, html, &tree, 0);
  page_build(builder, &tree, &page, 0);
  features_compute(&features, &page);
}

static void random_page(struct rng *rng, struct buffer *b) {
  static const char *const words[] = {"the", "Walk", "river", "of", "trees,", "and", "$5", "Reply", "posted", "2026", "end.", "why?", "\xE4\xB8\xAD\xE6\x96\x87", "a|b", "\xC2\xA9", "title", "story", "extraordinarily-long_word"};
  static const char *const opens[] = {"<div class=content>", "<div class='nav menu'>", "<p>", "<p>", "<p>", "<ul class=comments><li>", "<li>", "<h1>", "<h2>", "<section id=main>", "<article>", "<table><tr><td>", "<td>", "<tr><td>", "<nav>", "<a href=x>", "<b>",
                                      "<span class=author>", "<footer>", "<blockquote>", "<pre>", "<div role=main>", "<div hidden>", "<dl><dt>", "<dd>", "<figure><figcaption>"};
  static const char *const closes[] = {"</div>", "</p>", "</ul>", "</li>", "</h1>", "</h2>", "</section>", "</article>", "</table>", "</nav>", "</a>", "</b>", "</footer>", "<br>", "<br><br>", "</blockquote>", "</pre>", "</dl>", "</figure>"};
  buffer_clear(b);
  if (rng_below(rng, 4)) buffer_append_string(b, "<head><title>The Story of trees</title><meta name=description content='Why the river, and EXTRAORDINARILY-long_word title'></head>");
  unsigned n = (unsigned)rng_below(rng, 250);
  for (unsigned i = 0; i < n; i++) {
    uint64_t k = rng_below(rng, 10);
    if (k < 3) buffer_append_string(b, opens[rng_below(rng, sizeof opens / sizeof *opens)]);
    else if (k < 6) buffer_append_string(b, closes[rng_below(rng, sizeof closes / sizeof *closes)]);
    else
      for (uint64_t j = rng_below(rng, k == 9 ? 60 : 6); j > 0; j--) buffer_printf(b, "%s ", words[rng_below(rng, sizeof words / sizeof *words)]);
  }
}

/* ---- the definitions */

struct sums {
  double words, links, long_words, paragraph_words, blocks, headings, commas;
};

static bool flag(uint32_t element, enum html_flag f) { return page.elements[element].flags >> f & 1; }

static bool inside(uint32_t element, uint32_t above) {
  for (;; element = page.elements[element].parent) {
    if (element == above) return true;
    if (page.elements[element].parent == element) return false;
  }
}

static struct text_look look_of(size_t i) {
  struct text_look l;
  text_look_at(page.text.data + page.blocks[i].text, page.blocks[i].len, &l);
  return l;
}

static struct sums sums_of(uint32_t element) {
  struct sums s = {0};
  for (size_t i = 0; i < page.block_count; i++) {
    const struct block *b = &page.blocks[i];
    if (!inside(b->element, element)) continue;
    s.words += b->words;
    s.links += b->link_words;
    if (b->words >= 15 && b->link_words * 3 < b->words) s.long_words += b->words;
    if (page.elements[b->element].tag == TAG_p) s.paragraph_words += b->words;
    s.blocks++;
    s.headings += flag(b->element, FLAG_heading);
    s.commas += look_of(i).commas;
  }
  return s;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

/* The k-th container: up from the element, those that hold more words or blocks than the one before; the last where there
 * are fewer. */
static uint32_t container_of(uint32_t element, int k) {
  uint32_t last = element;
  struct sums of_last = sums_of(last);
  for (uint32_t e = element; k > 0; e = page.elements[e].parent) {
    struct sums s = sums_of(e);
    if (s.words > of_last.words || s.blocks > of_last.blocks) {
      last = e;
      of_last = s;
      k--;
    }
    if (page.elements[e].parent == e) break;
  }
  return last;
}

static bool same_class(uint32_t a, uint32_t b) {
  const struct slice *x = html_tree_value(&tree, page.elements[a].node, ATTRIBUTE_class), *y = html_tree_value(&tree, page.elements[b].node, ATTRIBUTE_class);
  struct slice none = {"", 0};
  return page.elements[a].tag == page.elements[b].tag && slice_equal(x ? *x : none, y ? *y : none);
}

static bool same_shape(size_t i, size_t j) {
  uint32_t a = page.blocks[i].element, b = page.blocks[j].element;
  for (int k = 0; k < 3; k++) {
    if (!same_class(a, b)) return false;
    a = page.elements[a].parent;
    b = page.elements[b].parent;
  }
  return true;
}

/* Does a text have the word, case apart? */
static bool has_word(struct slice text, struct slice word) {
  uint32_t edges[2];
  for (size_t at = 0; at < text.len; at += edges[1]) {
    if (text_edges(text.data + at, text.len - at, edges, 2) < 2) return false;
    if (slice_equal_nocase((struct slice){text.data + at + edges[0], edges[1] - edges[0]}, word)) return true;
  }
  return false;
}

static void check(double got, double want, enum feature k, unsigned wrong[FEATURE_COUNT]) {
  if (!(fabs(got - want) <= 1e-5 * (1 + fabs(want)))) wrong[k]++;
}

static void check_block(size_t i, const struct sums *all, unsigned wrong[FEATURE_COUNT]) {
#define IS(feature, want) check(x[FEATURE_##feature], want, FEATURE_##feature, wrong)
  const float *x = features.rows + i * FEATURE_COUNT;
  const struct block *b = &page.blocks[i];
  size_t n = page.block_count;
  const struct element *e = &page.elements[b->element];
  struct text_look l = look_of(i);
  double w = b->words ? b->words : 1;
  IS(words, log(1 + b->words));
  IS(link_density, b->link_words / w);
  IS(punctuation, fmin(2, l.commas / w));
  IS(capital_words, ratio(l.capitals, l.tokens));
  IS(digits, ratio(l.digits, l.chars));
  IS(word_length, fmin(30, l.chars / w));
  IS(signs, ratio(l.signs, l.chars));
  IS(bars, l.bars > 0);
  IS(in_nav, flag(b->element, FLAG_nav));
  IS(in_list, flag(b->element, FLAG_ul));
  IS(in_item, flag(b->element, FLAG_li));
  IS(in_cell, flag(b->element, FLAG_td));
  IS(in_hidden, flag(b->element, FLAG_hidden));
  IS(in_role_main, flag(b->element, FLAG_role_main));
  IS(in_link, flag(b->element, FLAG_a));
  IS(is_p, e->tag == TAG_p);
  IS(is_li, e->tag == TAG_li);
  IS(is_td, e->tag == TAG_td);
  IS(is_dd, e->tag == TAG_dd);
  IS(is_article, e->tag == TAG_article);
  IS(depth, fmin(40, e->depth));
  IS(position, (double)i / (double)n);
  double before = 0, duplicates = 0, shape_count = 0, shape_words = 0, heading = -1, h1 = -1;
  for (size_t j = 0; j < n; j++) {
    const struct block *c = &page.blocks[j];
    if (j < i) before += c->words;
    if (j < i && flag(c->element, FLAG_heading)) heading = (double)j;
    if (h1 < 0 && page.elements[c->element].tag == TAG_h1) h1 = (double)j;
    duplicates += j != i && c->len == b->len && memcmp(page.text.data + c->text, page.text.data + b->text, b->len) == 0;
    if (same_shape(i, j)) shape_count++, shape_words += c->words;
  }
  IS(duplicates, log(1 + duplicates));
  IS(shape_count, log(1 + shape_count));
  IS(shape_words, log(1 + shape_words / shape_count));
  IS(words_before, ratio(before, all->words));
  IS(words_after, ratio(all->words - before - b->words, all->words));
  IS(from_heading, heading < 0 ? -1 : log(1 + (double)i - heading));
  IS(no_heading, heading < 0);
  IS(after_h1, h1 >= 0 && h1 <= (double)i);
  IS(from_h1, h1 < 0 ? -30 : fmax(-20, fmin(60, (double)i - h1)));
  /* title and description */
  uint32_t edges[128];
  unsigned seen = text_edges(page.text.data + b->text, b->len, edges, 128) / 2, in_title = 0, in_description = 0;
  for (unsigned k = 0; k < seen; k++) {
    struct slice word = {page.text.data + b->text + edges[2 * k], edges[2 * k + 1] - edges[2 * k]};
    in_title += has_word(buffer_slice(&page.title), word);
    in_description += has_word(buffer_slice(&page.description), word);
  }
  IS(title_share, ratio(in_title, seen));
  IS(is_title, seen > 2 && in_title * 5 > seen * 4);
  IS(description_share, ratio(in_description, seen));
  IS(description_words, log(1 + in_description));
  /* key words */
  int negative = 0, positive = 0, comment = 0, distance = 0, near_negative = 20, near_positive = 20;
  for (uint32_t j = b->element;; j = page.elements[j].parent, distance++) {
    unsigned k = page.elements[j].keywords;
    if (k & KEYWORD_NEGATIVE && negative++ == 0 && distance < 20) near_negative = distance;
    if (k & KEYWORD_POSITIVE && positive++ == 0 && distance < 20) near_positive = distance;
    comment += (k & KEYWORD_COMMENT) != 0;
    if (page.elements[j].parent == j) break;
  }
  IS(negative_count, negative);
  IS(positive_count, positive);
  IS(comment_count, comment);
  IS(negative_distance, near_negative);
  IS(positive_distance, near_positive);
  /* containers */
  struct sums c = sums_of(container_of(b->element, 1));
  IS(c1_words, log(1 + c.words));
  IS(c1_links, ratio(c.links, c.words));
  IS(c1_headings, log(1 + c.headings));
  uint32_t second = container_of(b->element, 2);
  c = sums_of(second);
  IS(c2_words, log(1 + c.words));
  IS(c2_block_words, log(1 + ratio(c.words, c.blocks)));
  IS(c2_long, ratio(c.long_words, c.words));
  IS(c2_negative, page.elements[second].keywords & KEYWORD_NEGATIVE ? 1 : 0);
  c = sums_of(container_of(b->element, 3));
  IS(c3_words, log(1 + c.words));
  IS(c3_commas, ratio(c.commas, c.words));
  IS(c3_paragraphs, ratio(c.paragraph_words, c.words));
  c = sums_of(container_of(b->element, 4));
  IS(c4_share, ratio(c.words, all->words));
  IS(c4_headings, log(1 + c.headings));
  c = sums_of(container_of(b->element, 6));
  IS(c6_links, ratio(c.links, c.words));
  IS(c6_share, ratio(c.words, all->words));
  /* neighbours and page */
  IS(previous_words, i ? log(1 + page.blocks[i - 1].words) : -1);
  IS(previous_same, i && same_shape(i, i - 1));
  IS(next_words, i + 1 < n ? log(1 + page.blocks[i + 1].words) : -1);
  IS(next_terminal, i + 1 < n && look_of(i + 1).terminal);
  double words_before = 0, links_after = 0;
  for (size_t k = 1; k <= 6; k++) {
    if (i >= k) words_before += log(1 + page.blocks[i - k].words) / 6;
    if (i + k < n) links_after += ratio(page.blocks[i + k].link_words, page.blocks[i + k].words) / 6;
  }
  IS(words_around_before, words_before);
  IS(links_after, links_after);
  IS(page_words, log(1 + all->words));
  IS(page_long, ratio(all->long_words, all->words));
  IS(page_blocks, log(1 + (double)n));
#undef IS
}

int main(void) {
  parser = html_parser_new();
  builder = page_builder_new();
  double worst = 0;
  for (double x = -690; x < 690; x += 0.37) worst = fmax(worst, fabs(features_exp(x) / exp(x) - 1));
  ok(worst < 1e-12, "exp is good to 1e-12");
  worst = 0;
  for (double x = 1e-300; x < 1e300; x *= 1.37) worst = fmax(worst, fabs(features_log(x) - log(x)) / fmax(1, fabs(log(x))));
  ok(worst < 1e-12 && fabs(features_log(5e-320) - log(5e-320)) < 1e-9, "log is good to 1e-12");
  ok(features_exp(-1e9) == 0 && isfinite(features_exp(1e9)), "exp of what is too small is 0, of what is too large finite");

  enum simd widest = simd_force(SIMD_AVX512);
  struct rng rng;
  rng_init(&rng, 11);
  struct buffer html = {0}, copy = {0};
  unsigned wrong[FEATURE_COUNT] = {0}, blocks = 0, different = 0;
  float *rows = NULL;
  for (int round = 0; round < 120; round++) {
    random_page(&rng, &html);
    for (enum simd level = SIMD_SCALAR; level <= widest; level++) {
      simd_force(level);
      buffer_clear(&copy);
      buffer_append(&copy, html.data, html.len);
      build(&copy);
      size_t n = page.block_count * FEATURE_COUNT;
      if (level == SIMD_SCALAR && n) {
        rows = RESIZE(rows, n);
        memcpy(rows, features.rows, n * sizeof *rows);
      }
      if (n) different += memcmp(rows, features.rows, n * sizeof *rows) != 0;
    }
    if (page.block_count == 0) continue;
    struct sums all = sums_of(0);
    for (size_t i = 0; i < page.block_count; i++) check_block(i, &all, wrong);
    blocks += (unsigned)page.block_count;
  }
  unsigned bad = 0;
  for (int k = 0; k < FEATURE_COUNT; k++) {
    if (wrong[k]) note("%s: %u wrong", feature_names[k], wrong[k]);
    bad += wrong[k];
  }
  ok(blocks > 1000, "random pages have blocks");
  ok_int(bad, 0, "features are what their definitions say");
  ok_int(different, 0, "and bit for bit the same with every instruction set");

  html.len = 0;
  buffer_append_string(&html, "<p>a");
  build(&html);
  bool finite = true;
  for (int k = 0; k < FEATURE_COUNT; k++) finite = finite && isfinite(features.rows[k]);
  ok(page.block_count == 1 && finite, "a page of one block has features");
  html.len = 0;
  build(&html);
  ok_int((int64_t)page.block_count, 0, "an empty page has none");
  free(rows);
  buffer_release(&html);
  buffer_release(&copy);
  features_release(&features);
  page_release(&page);
  page_builder_free(builder);
  html_tree_release(&tree);
  html_parser_free(parser);
  return tap_done();
}
