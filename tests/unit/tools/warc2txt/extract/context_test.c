/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/extract/extract_context.h"

#include <string.h>

#include "tests/tap.h"
#include "tools/warc2txt/html/html_parser.h"

static struct html_tree tree;
static struct page page;
static struct features features;
static struct context context;

static void compute(const char *html) {
  struct html_parser *parser = html_parser_new();
  struct page_builder *builder = page_builder_new();
  static struct buffer bytes;
  buffer_clear(&bytes);
  buffer_append_string(&bytes, html);
  html_parse(parser, &bytes, &tree, 0);
  page_build(builder, &tree, &page, 0);
  features_compute(&features, &page);
  context_compute(&context, &page, features.rows);
  page_builder_free(builder);
  html_parser_free(parser);
}

/* The value of the first block that starts with `text`. */
static float value(const char *text, enum context_feature feature) {
  for (size_t i = 0; i < page.block_count; i++)
    if (page.blocks[i].len >= strlen(text) && memcmp(page.text.data + page.blocks[i].text, text, strlen(text)) == 0) return context.rows[i * CONTEXT_COUNT + feature];
  return -1000;
}

#define LONG "It goes on for many words that say little, so that this paragraph is one of running text and long enough to count as such."

int main(void) {
  compute("<title>A walk in the park - Site</title><div class=top>Menu</div>"
          "<div class=text><h2>Site</h2><div><h1>A walk in the park</h1><p>First. " LONG "</p><p>Second. " LONG "</p><h2>Then</h2><p>Third.</p></div></div>"
          "<div><div class=card><b>One</b><p>Card one</p></div><div class=card><b>Two</b><p><a>Card two</a></p></div><div class=card><b>Three</b><p>Card one</p></div></div>");
  ok(value("A walk", CONTEXT_title_here) == 1 && value("Site", CONTEXT_title_here) == 0, "the heading that says most of the title is the one");
  ok(value("Menu", CONTEXT_title_from) == -2 && value("First", CONTEXT_title_from) == 1 && value("Third", CONTEXT_title_from) == 4, "blocks are counted from it");
  ok(value("First", CONTEXT_title_in) == 1 && value("Third", CONTEXT_title_in) == 1 && value("Site", CONTEXT_title_in) == 0 && value("One", CONTEXT_title_in) == 0, "the element with enough text around it is the article's");
  ok(value("Menu", CONTEXT_title_words) == -1 && value("First", CONTEXT_title_words) == 0 && value("Third", CONTEXT_title_words) == 53, "words since it");
  ok(value("One", CONTEXT_repeat_count) == 3 && value("Card two", CONTEXT_repeat_count) == 3 && value("First", CONTEXT_repeat_count) == 0, "elements of one tag and class beside each other are counted");
  ok(value("One", CONTEXT_repeat_words) == 3 && value("One", CONTEXT_repeat_blocks) == 2, "with the words and blocks of one");
  ok(value("First", CONTEXT_repeat_own) == 3, "siblings of a block's own element");
  ok(value("Third", CONTEXT_heading_words) == 1 && value("Second", CONTEXT_heading_words) == 5 && value("Menu", CONTEXT_heading_words) == -1, "the heading above");
  ok(value("Second", CONTEXT_heading_title) == 1 && value("Third", CONTEXT_heading_title) == 0, "and how much of the title it says");
  ok(context.rows[(page.block_count - 1) * CONTEXT_COUNT + CONTEXT_same_before] == 1 && value("Card one", CONTEXT_same_before) == 0, "a text that was there before is known");

  compute("<p>No heading.</p>");
  ok(value("No", CONTEXT_title_from) == -30 && value("No", CONTEXT_title_words) == -2, "a page without a heading like the title says so");
  compute("");
  ok(page.block_count == 0, "a page without blocks has no rows");

  context_release(&context);
  features_release(&features);
  page_release(&page);
  html_tree_release(&tree);
  return tap_done();
}
