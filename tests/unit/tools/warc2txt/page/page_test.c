/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/page/page.h"


#include "common/base/simd.h"
#include "tests/tap.h"
#include "tools/warc2txt/html/html_parser.h"

static struct html_parser *parser;
static struct html_tree tree;
static struct page_builder *builder;
static struct page page;

static void build(const char *html) {
  static struct buffer bytes;
  buffer_clear(&bytes);
  buffer_append_string(&bytes, html);
  html_parse(parser, &bytes, &tree, 0);
  page_build(builder, &tree, &page, 0);
}

/* Blocks as `tag:text` with what is special about them, one a line; a newline inside is "\". */
static const char *blocks(const char *html) {
  static struct buffer b;
  build(html);
  buffer_clear(&b);
  for (size_t i = 0; i < page.block_count; i++) {
    const struct block *k = &page.blocks[i];
    buffer_printf(&b, "%s%s:", i ? "\n" : "", html_tag_name[page.elements[k->element].tag]);
    for (uint32_t j = 0; j < k->len; j++) buffer_put(&b, page.text.data[k->text + j] == '\n' ? '\\' : page.text.data[k->text + j]);
    if (k->links) buffer_printf(&b, " links=%u/%u", k->links, k->link_words);
    if (k->row) buffer_printf(&b, " row=%u", k->row);
    if (k->bold) buffer_append_string(&b, " bold");
    if (k->pre) buffer_append_string(&b, " pre");
  }
  return buffer_string(&b);
}

static void is(const char *html, const char *want, const char *name) { ok_string(blocks(html), want, name); }

static bool in(size_t block, enum html_flag flag) { return block < page.block_count && page.elements[page.blocks[block].element].flags >> flag & 1; }

/* What every page must be, whatever it says. */
static bool consistent(void) {
  uint32_t end = 0;
  for (size_t i = 0; i < page.element_count; i++) {
    const struct element *e = &page.elements[i], *up = &page.elements[e->parent];
    if (i ? e->parent >= i || e->depth <= up->depth : e->parent != 0) return false;
    if ((up->flags & ~e->flags) || e->first_block >= e->end_block || e->end_block > page.block_count) return false;
    if (e->first_block < up->first_block || e->end_block > up->end_block || e->node >= tree.node_count || tree.nodes[e->node].tag != e->tag) return false;
  }
  for (size_t i = 0; i < page.block_count; i++) {
    const struct block *b = &page.blocks[i];
    if (b->text < end || b->len == 0 || b->element >= page.element_count || b->node > b->end_node || b->end_node > tree.node_count || b->link_words > b->words) return false;
    end = b->text + b->len;
    for (uint32_t e = b->element;; e = page.elements[e].parent) {
      if (i < page.elements[e].first_block || i >= page.elements[e].end_block) return false;
      if (page.elements[e].parent == e) break;
    }
  }
  return page.text.len >= end;
}

static void deep(void) {
  struct buffer b = {0};
  for (int i = 0; i < 2000; i++) buffer_printf(&b, "<div>%d<b>", i);
  build(buffer_string(&b));
  unsigned deepest = 0;
  for (size_t i = 0; i < page.element_count; i++) deepest = page.elements[i].depth > deepest ? page.elements[i].depth : deepest;
  ok(deepest == 256 && page.block_count == 2000 && consistent(), "below depth 256 text hangs in the last element");
  buffer_clear(&b);
  for (int i = 0; i < 300; i++) buffer_append_string(&b, "<div><span><i></i></span></div>\n ");
  buffer_append_string(&b, "<p>x");
  build(buffer_string(&b));
  ok_int((int64_t)page.element_count, 3, "elements without text are not made");
  buffer_clear(&b);
  for (int i = 0; i < (1 << 20) + 1000; i++) buffer_append_string(&b, "<p>a");
  build(buffer_string(&b));
  ok(page.block_count <= 1 << 20 && page.text.len >= (1 << 20) + 1000 && consistent(), "a page of more than 2^20 blocks keeps its text, in one last block of lines");
  buffer_release(&b);
}

/* The text of real pages' blocks does not depend on the instruction set; `seed` says which pages. */
static uint64_t hash_of_pages(unsigned *bad) {
  static const char *const parts[] = {"<div class='a b'>", "</div>", "<p>", "</p>", "word ", "  \n ", "<br>", "<b>", "</b>", "<a href=x>", "</a>", "caf\xC3\xA9 ", "<pre>", "</pre>", "<ul><li>", "</ul>",
    "<table><tr><td>", "</table>", "\xE4\xB8\xAD\xE6\x96\x87", "&nbsp;", "<span hidden>", "</span>", "<nav>", "</nav>", "<h2>", "</h2>", "some words that make a longer line of text, longer than sixty-four bytes in all. "};
  uint64_t h = 0, x = 1;
  for (int round = 0; round < 300; round++) {
    struct buffer b = {0};
    for (int i = 0; i < 200; i++) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      buffer_append_string(&b, parts[(x >> 33) % (sizeof parts / sizeof *parts)]);
    }
    build(buffer_string(&b));
    *bad += !consistent();
    for (size_t i = 0; i < page.block_count; i++) h = (h ^ page.blocks[i].words ^ (uint64_t)page.blocks[i].link_words << 16 ^ (uint64_t)page.blocks[i].node << 32) * 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < page.text.len; i++) h = (h ^ (unsigned char)page.text.data[i]) * 0x100000001B3u;
    buffer_release(&b);
  }
  return h;
}

int main(void) {
  parser = html_parser_new();
  builder = page_builder_new();
  is("<p>One.</p><div>Two <b>bold</b>\n  <i>and</i></div>", "p:One.\ndiv:Two bold and bold", "a block-level element is a block, inline elements are not");
  is("<div>a<p>b</p>c</div>", "div:a\np:b\ndiv:c", "text around a block belongs to the element around it");
  is("<p>one<br>two<br> <br>three<br/></p>", "p:one\\two\np:three", "one <br> is a newline, two end a block");
  is("<p>a<br>\n<b></b><br>b</p>", "p:a bold\np:b", "white space and empty elements between two <br> are nothing");
  is("<p>a<hr>b", "p:a\nbody:b", "<hr> ends a block");
  is("<pre>\n  x  y\n\n\tz\n</pre>", "pre:  x  y\\\\\tz pre", "pre keeps its white space but for lines around it");
  is("<pre>a<br>b</pre>c", "pre:a\\b pre\nbody:c", "in pre a <br> is a newline");
  is("<div>in <a href=x>two words</a> and <a href=y>three</a></div>", "div:in two words and three links=2/3", "links and their words are counted");
  is("<a href=x><p>one two</p><p>three</p></a>", "p:one two links=1/2\np:three links=1/1", "a link around blocks is a link in each");
  is("<table><tr><td>a<td>b<tr><th>c<td><p>d</table>", "td:a row=1\ntd:b row=1\nth:c row=2\np:d", "cells know their row");
  is("<table><tr><td>a<table><tr><td>b</table>c</table>", "td:a row=1\ntd:b row=2\ntd:c", "after a table in a cell the row is not known");
  is("<ul><li>a<ul><li>b</ul>c</ul>", "li:a\nli:b\nli:c", "lists in lists");
  is("<ruby>\xE6\xBC\xA2<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "body:\xE6\xBC\xA2(kan)", "ruby is inline");
  is("a<script>no</script>b<style>no</style>c<template><p>no</template>d<select><option>no</select>e", "body:abcde", "script, style, templates and fields are skipped");
  is("<x-y>a</x-y>b", ":a\nbody:b", "unknown elements are blocks");
  is("<p> &nbsp; </p><div>\n</div>", "", "blank blocks are none");
  is("<details><summary>s</summary>t</details>", "summary:s\ndetails:t", "details and summary are blocks");

  build("<nav><ul><li><a href=x>n</a></ul></nav><div hidden>h</div><div style='Display : None'>s</div><div aria-hidden=true>a</div><div role=navigation><p>r</div><article itemprop=articleBody><h2>t</h2></article>");
  ok(in(0, FLAG_nav) && in(0, FLAG_ul) && in(0, FLAG_li) && !in(0, FLAG_hidden) && !in(0, FLAG_a), "a block is in its element and all above it; links inside are no matter");
  ok(in(1, FLAG_hidden) && in(1, FLAG_invisible) && in(2, FLAG_invisible) && in(3, FLAG_hidden) && !in(3, FLAG_invisible), "hidden and style hide, aria-hidden hides from some");
  ok(in(4, FLAG_role_navigation) && in(4, FLAG_p) && in(5, FLAG_article) && in(5, FLAG_item_body) && in(5, FLAG_heading) && !in(5, FLAG_role_navigation), "roles, item properties and headings");
  build("<head><title>T</title><meta name=description content=short><meta property=og:description content='the longer one'><meta property=og:type content=article>"
        "<script type=application/ld+json>{\"@type\": \"NewsArticle\"} {\"@type\":[\"QAPage\"]}</script></head><main><article>a</article><table><tr><td>b</table><pre>c</pre><li>d</main>");
  ok(page.title.len == 1 && page.description.len == 14 && page.og_article && !page.og_product && page.ld_article && page.ld_forum && !page.ld_product, "the head says title, description and kind");
  ok(page.articles == 1 && page.mains == 1 && page.tables == 1 && page.pres == 1 && page.items == 1, "elements of interest are counted");
  build("<p class='Nav main'>a</p><p id=comments>b</p><p class='Nav main'>c</p><div class='Nav main'>d</div>");
  const struct element *e = page.elements;
  const struct block *b = page.blocks;
  ok(e[b[0].element].keywords == (KEYWORD_NEGATIVE | KEYWORD_POSITIVE) && e[b[1].element].keywords == (KEYWORD_POSITIVE | KEYWORD_COMMENT), "class and id have key words");
  ok(e[b[0].element].signature == e[b[2].element].signature && e[b[0].element].signature != e[b[1].element].signature && e[b[0].element].signature != e[b[3].element].signature, "a signature is of tag and class");
  build("<p>a<i>b</i></p><p>c");
  b = page.blocks;
  ok(tree.nodes[b[0].node].tag == TAG_p && b[0].end_node == b[0].node + 4 && b[1].node == b[0].end_node, "a block knows its nodes");
  deep();
  unsigned bad = 0;
  enum simd widest = simd_force(SIMD_AVX512);
  simd_force(SIMD_SCALAR);
  uint64_t want = hash_of_pages(&bad);
  for (enum simd level = SIMD_AVX2; level <= widest; level++) {
    simd_force(level);
    ok(hash_of_pages(&bad) == want, "random pages have the same blocks with %s as with scalar code", simd_name(level));
  }
  ok_int(bad, 0, "random pages are consistent: spans nest, parents come first, every element holds a block");
  page_release(&page);
  page_builder_free(builder);
  html_tree_release(&tree);
  html_parser_free(parser);
  return tap_done();
}
