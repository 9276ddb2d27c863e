/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/extract/extract.h"

#include <string.h>

#include "common/base/utf8.h"
#include "tests/hostile.h"
#include "tests/tap.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/markup/markup.h"

static struct html_parser *parser;
static struct html_tree tree;
static struct page_builder *builder;
static struct extractor *extractor;
static struct extract_options options;
static struct page page;

static void parse(struct buffer *html, double deadline) {
  html_parse(parser, html, &tree, deadline);
  page_build(builder, &tree, &page, deadline);
}

static const char *text_of(const char *html, size_t n, enum extract_mode mode) {
  static struct buffer text;
  struct buffer copy = {0};
  buffer_append(&copy, html, n);
  parse(&copy, 0);
  buffer_clear(&text);
  markup_write(&(struct markup_options){MARKUP_TEXT}, &page, extract_blocks(extractor, &page, mode, &options), &text);
  buffer_release(&copy);
  return buffer_string(&text);
}

static void all(const char *html, const char *want, const char *name) { ok_string(text_of(html, strlen(html), EXTRACT_ALL), want, name); }

/* The text is no longer than the page. */
static void survives(struct buffer *html, const char *name) {
  double start = cpu_seconds();
  struct buffer text = {0};
  size_t n = html->len;
  parse(html, 0);
  markup_write(&(struct markup_options){MARKUP_TEXT}, &page, extract_blocks(extractor, &page, EXTRACT_MAIN, &options), &text);
  note("%.1f MB, %.1f s, %zu elements, %zu blocks", (double)n / 1e6, cpu_seconds() - start, page.element_count, page.block_count);
  ok(text.len <= n && page.block_count <= n && utf8_valid_prefix(text.data, text.len) == text.len, "%s", name);
  buffer_release(html);
  buffer_release(&text);
  memset(html, 0, sizeof *html);
}

int main(void) {
  parser = html_parser_new();
  builder = page_builder_new();
  extractor = extractor_new();

  all("<title>no</title><p>One.</p><p>Two <b>bold</b>\n  <i>and</i>\t text.</p>", "One.\nTwo bold and text.", "paragraphs are lines, runs of white space one space, the title is not text");
  all("<h1>Head</h1><ul><li>a<li>b<ul><li>c</ul></ul><dl><dt>t<dd>d</dl>", "Head\na\nb\nc\nt\nd", "headings and list items are lines");
  all("<table><tr><th>a<th>b<tr><td>1</td><td>2 <b>x</b></td></tr></table>after", "a\tb\n1\t2 x\nafter", "cells of a row are on one line");
  all("<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\nb\nc", "cells that hold paragraphs are lines");
  all("<pre>\n  int main(void) {\n\treturn 0;\n\n  }\n</pre><p>x</p>", "  int main(void) {\n\treturn 0;\n\n  }\nx", "pre keeps its white space");
  all("<pre>a<br>b\r\nc  <span>d</span></pre>", "a\nb\nc  d", "in pre a <br> is a newline, tags are nothing");
  all("<p>one<br>two<br><br>three</p>", "one\ntwo\nthree", "<br> is a newline");
  all("a<script>var x = '<p>no</p>';</script>b<style>p{}</style>c<!-- no -->d<template><p>no</p></template>e<select><option>no</select>f<textarea>no</textarea>g<svg><text>no</text></svg>h", "abcdefgh", "script, style, comments, templates, fields and drawings are not text");
  all("<noscript><p>read me</p></noscript>", "read me", "<noscript> in the body is read");
  all("<head><noscript>not me</noscript></head><body>x", "x", "<noscript> in the head is not");
  all("<p hidden>no</p><p style='Display : none'>no</p><div aria-hidden=true>seen</div>", "seen", "hidden text is not seen");
  all("&lt;tag&gt; &amp; &eacute;&#233;&#xE9; &#150; &nbsp;x&shy;y &unknown;", "<tag> & \xC3\xA9\xC3\xA9\xC3\xA9 \xE2\x80\x93 xy &unknown;", "character references are read, old windows-1252 ones too");
  all("a&nbsp;&nbsp;b\xE2\x80\x8B" "c\xE3\x80\x80" "d\xC2\xA0", "a bc d", "wide spaces are spaces, zero-width ones nothing");
  all("<p>a</p>\n\n<p> </p><p>&nbsp;</p><div></div>b", "a\nb", "empty blocks leave no line");
  all("x < y and <3", "x < y and <3", "a < that starts no tag is text");
  all("", "", "nothing gives nothing");
  all("<p>unclosed <b>bold <p>next", "unclosed bold\nnext", "what is not closed is closed");
  all("<custom-element>a</custom-element><custom-element>b</custom-element>", "a\nb", "unknown elements are blocks");
  all("a<svg><path d=''><p>out</p>", "a\nout", "a drawing that is not closed ends at a paragraph");

  ok(html_tag_find("blockquote", 10) == TAG_blockquote && html_tag_find("nonsense", 8) == TAG_unknown, "tags are known by name");

  /* main text */
  struct buffer b = {0};
  buffer_append_string(&b, "<!doctype html><html><head><title>A walk</title></head><body><header><nav><ul>");
  for (int i = 0; i < 20; i++) buffer_printf(&b, "<li><a href=/%d>Section %d</a></li>", i, i);
  buffer_append_string(&b, "</ul></nav></header><main><article><h1>A walk by the river</h1>");
  for (int i = 0; i < 8; i++) buffer_printf(&b, "<p>Paragraph %d tells of the walk, of the trees along the water, and of the people who sat on the banks in the afternoon sun.</p>", i);
  buffer_append_string(&b, "</article></main><aside class=sidebar><h2>Related</h2><ul>");
  for (int i = 0; i < 10; i++) buffer_printf(&b, "<li><a href=/r%d>Another story you may like %d</a></li>", i, i);
  buffer_append_string(&b, "</ul></aside><div role=dialog class=cookie-banner><p>We use cookies to give you the best experience on our site.</p><button>Accept all</button></div><footer><p>Copyright 2026 The Company. All rights reserved.</p></footer></body></html>");
  const char *text = text_of(b.data, b.len, EXTRACT_MAIN);
  ok(strstr(text, "A walk by the river") && strstr(text, "Paragraph 0") && strstr(text, "Paragraph 7"), "heading and paragraphs of the article are main text");
  ok(!strstr(text, "Section 3") && !strstr(text, "Another story") && !strstr(text, "cookies") && !strstr(text, "Copyright"), "navigation, related links, cookie dialogs and footers are not");
  text = text_of(b.data, b.len, EXTRACT_ALL);
  ok(strstr(text, "Section 3") && strstr(text, "cookies") && strstr(text, "Copyright"), "all text has them");
  buffer_clear(&b);
  buffer_append_string(&b, "<p>Just one short line.</p>");
  ok_string(text_of(b.data, b.len, EXTRACT_MAIN), "Just one short line.", "a short page gives its line");
  buffer_release(&b);
  memset(&b, 0, sizeof b);

  /* hostile pages */
  repeat(&b, "<div>", 100000);
  buffer_append_string(&b, "deep");
  survives(&b, "100,000 open <div>");
  repeat(&b, "<b><i>x</i>", 50000);
  repeat(&b, "</div>", 50000);
  survives(&b, "stray end tags under 50,000 open <b>");
  repeat(&b, "<svg>", 30000);
  repeat(&b, "</p>", 30000);
  survives(&b, "30,000 open <svg>");
  buffer_append_string(&b, "<a");
  for (int i = 0; i < 200000; i++) buffer_printf(&b, " a%d=1", i);
  buffer_append_string(&b, ">link</a>");
  survives(&b, "200,000 attributes");
  buffer_append_string(&b, "<p class='");
  repeat(&b, "nav main content ", 400000);
  buffer_append_string(&b, "'>text</p>");
  survives(&b, "an attribute of 7 MB");
  repeat(&b, "word ", 2000000);
  survives(&b, "a line of 10 MB");
  repeat(&b, "<p>a", 1000000);
  survives(&b, "a million paragraphs");
  repeat(&b, "<table><tr><td>", 20000);
  survives(&b, "20,000 nested tables");
  repeat(&b, "<!--", 500000);
  survives(&b, "500,000 comment starts");
  repeat(&b, "<a href='", 200000);
  survives(&b, "200,000 quotes");
  repeat(&b, "&#x41;&amp;&nope;", 200000);
  survives(&b, "600,000 references");
  repeat(&b, "<pre>\n", 200000);
  survives(&b, "200,000 open <pre>");

  repeat(&b, "<div>", 1000000);
  survives(&b, "a million open <div>");
  buffer_append_string(&b, "<table>");
  repeat(&b, "<tr><td>a<td>b", 1000000);
  survives(&b, "a table of a million rows");
  repeat(&b, "word ", 10000000);
  survives(&b, "a text of 50 MB");
  buffer_append_string(&b, "<p title='");
  repeat(&b, "&amp;words ", 1000000);
  buffer_append_string(&b, "'>text</p>");
  survives(&b, "an attribute of 10 MB");

  buffer_append_string(&b, "<p>");
  repeat(&b, "<i>x</i> ", 300000);
  parse(&b, 1e-9); /* a deadline in the past */
  ok(page.timed_out, "a deadline stops the parser");
  buffer_release(&b);

  page_release(&page);
  page_builder_free(builder);
  html_parser_free(parser);
  html_tree_release(&tree);
  extractor_free(extractor);
  return tap_done();
}
