/* SPDX-License-Identifier: MIT
 *
 * `html_parser_test FILE...` measures instead: MB/s of CPU for html_parse() alone over these pages (UTF-8).
 */
#include "tools/warc2txt/html/html_parser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/simd.h"
#include "tests/hostile.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/warc2txt/extract/extract.h"
#include "tools/warc2txt/html/html_libxml2.h"
#include "tools/warc2txt/markup/markup.h"

static struct html_parser *parser;
static struct html_tree tree;

static void parse(struct buffer *html, const char *s, size_t n) {
  buffer_clear(html);
  buffer_append(html, s, n);
  html_parse(parser, html, &tree, 0);
}

/* The nodes from first to end as tags, without attributes. */
static void serialize(struct buffer *out, uint32_t first, uint32_t end) {
  uint32_t open[HTML_DEPTH_MAX + 2], depth = 0;
  for (uint32_t i = first; i <= end; i++) {
    while (depth && (i == end || tree.nodes[open[depth - 1]].end <= i)) buffer_printf(out, "</%s>", html_tag_name[tree.nodes[open[--depth]].tag]);
    if (i == end) break;
    const struct html_node *node = &tree.nodes[i];
    if (node->tag == TAG_text) {
      buffer_append_slice(out, node->text);
      continue;
    }
    buffer_printf(out, "<%s>", html_tag_name[node->tag]);
    if (html_tag_class[node->tag] != HTML_VOID) open[depth++] = i;
  }
}

static void tree_is(const char *html, const char *want, const char *name) {
  static struct buffer page, out;
  parse(&page, html, strlen(html));
  buffer_clear(&out);
  serialize(&out, 1, (uint32_t)tree.node_count);
  ok_string(buffer_string(&out), want, name);
}

/* What is in the body of a page whose head is empty. */
static void body_is(const char *html, const char *want, const char *name) {
  static struct buffer whole;
  buffer_clear(&whole);
  buffer_printf(&whole, "<head></head><body>%s</body>", want);
  tree_is(html, buffer_string(&whole), name);
}

static void value_is(const char *html, enum html_tag tag, enum html_attribute_name attribute, const char *want, const char *name) {
  static struct buffer page, out;
  parse(&page, html, strlen(html));
  buffer_clear(&out);
  for (uint32_t i = 0; i < tree.node_count; i++) {
    if (tree.nodes[i].tag != tag) continue;
    const struct slice *value = html_tree_value(&tree, i, attribute);
    if (value) buffer_append_slice(&out, *value);
    else buffer_append_string(&out, "(none)");
    break;
  }
  ok_string(buffer_string(&out), want, name);
}

/* ---- trees */

static void structure(void) {
  tree_is("", "<head></head><body></body>", "an empty page has a head and a body");
  tree_is("<title>a&amp;b</title>x", "<head><title>a&b</title></head><body>x</body>", "head and body are implied");
  tree_is("<head></head><script>1</script><p>x", "<head><script>1</script></head><body><p>x</p></body>", "a script between head and body is in the head");
  tree_is("<head><noscript><img></noscript><meta></head>x", "<head><noscript><img></noscript><meta></head><body>x</body>", "<noscript> does not end a head");
  tree_is("<head><title>a<b></title><div>x</div><meta>", "<head><title>a<b></title></head><body><div>x</div><meta></body>", "a div ends the head");
  body_is("x</body><p>y</html>z", "x<p>yz</p>", "what is behind the body is in it");
  body_is("<p>a<body class=x><p>b", "<p>a</p><p>b</p>", "a second body is none");
  tree_is("<frameset><frame></frameset>x<noframes>y</noframes>", "<head></head><frameset><frame></frameset><noframes>y</noframes><body></body>", "a frameset stands in the place of a body");
  tree_is("<div><frameset><frame>", "<head></head><frameset><frame></frameset><body></body>", "a frameset takes the place of a body without content");
  body_is("<p>x<frameset><frame>", "<p>x</p>", "but not of one that has some");

  body_is("<p>a<p>b<div>c</p>d", "<p>a</p><p>b</p><div>c<p></p>d</div>", "paragraphs end where a block begins, </p> alone is an empty one");
  body_is("</br>x</h1></nope>", "<br>x", "</br> is <br>, other stray end tags are nothing");
  body_is("<h1>a<h2>b</h1>c", "<h1>a</h1><h2>b</h2>c", "headings do not nest and end each other");
  body_is("<ul><li>a<ul><li>b</ul><li>c</ul>", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "items end at the next one of their list");
  body_is("<dl><dt>a<dd>b<p>c<dt>d</dl>", "<dl><dt>a</dt><dd>b<p>c</p></dd><dt>d</dt></dl>", "terms and descriptions end each other");
  body_is("<ruby>a<rt>b<rp>c<rtc>d<rt>e</ruby>", "<ruby>a<rt>b</rt><rp>c</rp><rtc>d<rt>e</rt></rtc></ruby>", "ruby");
  body_is("<p><button>x<p>y</button>z", "<p><button>x<p>y</p></button>z</p>", "a button is a scope of its own");
  body_is("<form><form>a</form>b</form>c", "<form>a</form>bc", "forms do not nest");
  body_is("<form><div>a</form>b</div>c", "<form><div>ab</div></form>c", "a form that ends too early holds what is open in it");
  body_is("<select><option>a<option>b<optgroup><option>c<p>d</select>e", "<select><option>a</option><option>b</option><optgroup><option>c<p>d</p></option></optgroup></select>e", "select");
  body_is("<select><option>a<input>b<select>c<select>d", "<select><option>a</option></select><input>b<select>c</select>d", "a field or another select ends it");
  body_is("x<template><tr><td>a</template>b", "x<template><tr><td>a</td></tr></template>b", "rows in a template");
  body_is("<my-a><my-b>x</my-a>y</my-b>z", "<><>x</></>yz", "elements without a known name are told apart by it");

  body_is("<table><tr><td>a<td>b<tr><th>c</table>d", "<table><tbody><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></tbody></table>d", "rows and bodies are implied");
  body_is("<table><caption>a<col><thead><tr><td>b<tbody><td>c", "<table><caption>a</caption><colgroup><col></colgroup><thead><tr><td>b</td></tr></thead><tbody><tr><td>c</td></tr></tbody></table>", "all parts of a table");
  body_is("<table>x<tr>y<p>z<td>w</table>", "<table>x<tbody><tr>y<p>z</p><td>w</td></tr></tbody></table>", "text outside of cells stays in its place");
  body_is("<table><tr><td><table><tr><td>a</td></tr></table>b</td></tr></table>c", "<table><tbody><tr><td><table><tbody><tr><td>a</td></tr></tbody></table>b</td></tr></tbody></table>c", "a table in a cell");
  body_is("<table><tr><td>a</p></div></ul></tbody>b<td>c", "<table><tbody><tr><td>a<p></p></td></tr></tbody>b<tbody><tr><td>c</td></tr></tbody></table>", "end tags of what is outside do not leave a cell");
  body_is("<tr><td>a", "a", "cells without a table are none");
  body_is("<p><table>a", "<p><table>a</table></p>", "a page without a doctype may have a table in a paragraph");
  body_is("<!doctype html><p><table>a", "<p></p><table>a</table>", "one with a doctype may not");
  body_is("<table><tr><td><select><td>a", "<table><tbody><tr><td><select></select></td><td>a</td></tr></tbody></table>", "a cell ends a select");
}

static void formatting(void) {
  body_is("<p><b>x</p><p>y", "<p><b>x</b></p><p><b>y</b></p>", "an element that nobody closes is opened again");
  body_is("<a href=1>x<a href=2>y</a>z", "<a>x</a><a>y</a>z", "a link ends the one before");
  body_is("<a>1<p>2</a>3</p>", "<a>1</a><p><a>2</a>3</p>", "a link that ends in a paragraph");
  body_is("<b><p>x</b>y</p>", "<b></b><p><b>x</b>y</p>", "the adoption agency: a block");
  body_is("<b><i>x</b>y</i>z", "<b><i>x</i></b><i>y</i>z", "the adoption agency: no block");
  body_is("<p>1<b>2<i>3</b>4</i>5</p>", "<p>1<b>2<i>3</i></b><i>4</i>5</p>", "the adoption agency: in a paragraph");
  body_is("<a><b><div>x</a>y", "<a><b></b></a><b><div><a>x</a>y</div></b>", "the adoption agency: an element between");
  body_is("<b><div><div>x</b>y", "<b></b><div><b></b><div><b>x</b>y</div></div>", "the adoption agency: two blocks");
  body_is("<b>1<div>2<p>3</b>4</p>5</div>6", "<b>1</b><div><b>2</b><p><b>3</b>4</p>5</div>6", "the adoption agency: text at each level");
  body_is("<i><b><u><s><em><div>x</i>y", "<i><b><u><s><em></em></s></u></b></i><u><s><em><div><i>x</i>y</div></em></s></u>", "the adoption agency: three copies");
  body_is("<font a=1><font a=1><font a=1><font a=1><p>x</p></font>y", "<font><font><font><font><p>x</p></font>y</font></font></font>", "four equal elements");
  body_is("<b><b><b><b><p>a</div></b></b></b></b><p>b", "<b><b><b><b></b></b></b><p><b><b><b>a</b></b></b></p><p>b</p></b>", "only the last three of equal ones are known");
  body_is("<b><object>a</b>b</object>c", "<b><object>ab</object>c</b>", "an object is a scope of its own");
  body_is("<table><tr><td><b>x<td>y</table>z", "<table><tbody><tr><td><b>x</b></td><td>y</td></tr></tbody></table>z", "bold ends with its cell");
  body_is("<nobr>a<nobr>b</nobr>c", "<nobr>a</nobr><nobr>b</nobr>c", "nobr");
  struct buffer html = {0};
  buffer_append_string(&html, "<p><font class='");
  repeat(&html, "x", 5000);
  buffer_append_string(&html, "'>a</p><p>b");
  parse(&html, html.data, html.len);
  uint32_t fonts = 0, attributes = 0;
  for (uint32_t i = 0; i < tree.node_count; i++) {
    if (tree.nodes[i].tag != TAG_font) continue;
    fonts++;
    attributes += tree.nodes[i].attribute_count;
  }
  ok(fonts == 2 && attributes == 1, "attributes that are very long are not those of an element's copies too");
  buffer_clear(&html);
  repeat(&html, "<p id class name>", 1000);
  tree.node_limit = 1200;
  parse(&html, html.data, html.len);
  ok(html_tree_full(&tree) && tree.node_count < 1200, "too many attributes fill a tree too");
  tree.node_limit = 0;
  buffer_release(&html);
}

static void foreign(void) {
  body_is("<svg><title>a</title><path/><g>b</svg>c", "<svg><title>a</title><></><>b</></svg>c", "a drawing");
  body_is("a<svg><g><p>b", "a<svg><></></svg><p>b</p>", "a paragraph ends a drawing");
  body_is("<svg><foreignObject><p>a<div>b</div></foreignObject>c</svg>d", "<svg><foreignobject><p>a</p><div>b</div></foreignobject>c</svg>d", "HTML in a drawing");
  body_is("<svg><style>a<b>c", "<svg><style>a</style></svg><b>c</b>", "style in a drawing is not raw text");
  body_is("<svg><![CDATA[a<b>]]></svg><![CDATA[c]]>d", "<svg>a<b></svg>d", "CDATA is there in foreign content only");
  body_is("<math><mi>a<b>c</b></mi><mo>d</math>e", "<math><mi>a<b>c</b></mi><mo>d</mo></math>e", "formulas");
}

static void raw(void) {
  body_is("<p>a<script>if (a < b) '</p>'; <!-- <script> </script> --></script>b", "<p>a<script>if (a < b) '</p>'; <!-- <script> </script> --></script>b</p>", "a script ends at its own end tag");
  body_is("x<textarea><p>&lt;</textarea>y", "x<textarea><p><</textarea>y", "a text area has references but no tags");
  body_is("x<xmp><b>&lt;</xmp><iframe><p></iframe>", "x<xmp><b>&lt;</xmp><iframe><p></iframe>", "raw text has neither");
  body_is("x<noscript><iframe src=a /></noscript><p>b", "x<noscript><iframe></iframe></noscript><p>b</p>", "raw text in <noscript> ends with it");
  body_is("x<plaintext></plaintext><b>", "x<plaintext></plaintext><b></plaintext>", "plaintext has no end");
  body_is("x<style>a", "x<style>a</style>", "raw text may end with the page");
  body_is("a<!-- <p> -- > -->b<!-->c<!--->d<!x>e<?y>f</>g</ h>i<!-- j", "abcdefgi", "comments are nothing");
  body_is("a\r\nb\rc&#13;d", "a\nb\nc\rd", "line ends are LF");
  body_is("a &lt &amp;lt; &AMP &notit; &nGt;&nGt; &#x1F600;&#55296;&#150;", "a < &lt; & \xC2\xACit; \xE2\x89\xAB\xE2\x83\x92\xE2\x89\xAB\xE2\x83\x92 \xF0\x9F\x98\x80\xEF\xBF\xBD\xE2\x80\x93", "character references, also such as grow");
}

static void attributes(void) {
  value_is("<a class=x HREF='?a&amp;b&copy=1&copy;&nGt;'>", TAG_a, ATTRIBUTE_href, "?a&b&copy=1\xC2\xA9\xE2\x89\xAB\xE2\x83\x92", "references in a value");
  value_is("<a href=&nGt;&nGt;&nGt; id=i>", TAG_a, ATTRIBUTE_href, "\xE2\x89\xAB\xE2\x83\x92\xE2\x89\xAB\xE2\x83\x92\xE2\x89\xAB\xE2\x83\x92", "a value that grows");
  value_is("<a href=&nGt;&nGt;&nGt; id=i>", TAG_a, ATTRIBUTE_id, "i", "and the one behind it");
  value_is("<a href=/x/>", TAG_a, ATTRIBUTE_href, "/x/", "a slash in a bare value");
  value_is("<a id=1 id=2>", TAG_a, ATTRIBUTE_id, "1", "the first of two counts");
  value_is("<p/class\n=\n\"a\r\nb\"id>", TAG_p, ATTRIBUTE_class, "a\nb", "blanks around =, line ends in a value");
  value_is("<p/class\n=\n\"a\r\nb\"id>", TAG_p, ATTRIBUTE_id, "", "an attribute without a value has the empty one");
  value_is("<html lang=a><p>b<html lang=c id=d>", TAG_html, ATTRIBUTE_id, "d", "a second <html> adds what the first one lacks");
  value_is("<html lang=a><p>b<html lang=c id=d>", TAG_html, ATTRIBUTE_lang, "a", "and takes nothing from it");
  value_is("<body class=x><p>b<body id=d>", TAG_body, ATTRIBUTE_class, "x", "and so does a second <body>");
  value_is("<p><b class=x>a</p>b", TAG_b, ATTRIBUTE_class, "x", "an element that is opened again has its attributes");
  value_is("<p title='unclosed", TAG_p, ATTRIBUTE_title, "", "a tag that the page's end cuts is none");
}

/* ---- widths of vectors, libxml2, hostile pages */

static uint64_t tree_hash(void) {
  uint64_t h = 14695981039346656037u;
#define ADD(data, n) for (size_t k = 0; k < (n); k++) h = (h ^ ((const unsigned char *)(data))[k]) * 1099511628211u
  for (size_t i = 0; i < tree.node_count; i++) {
    const struct html_node *node = &tree.nodes[i];
    uint32_t numbers[] = {node->parent, node->end, node->tag, node->attribute_count};
    ADD(numbers, sizeof numbers);
    ADD(node->text.data, node->text.len);
    for (uint32_t a = 0; a < node->attribute_count; a++) ADD(tree.attributes[node->attribute + a].value.data, tree.attributes[node->attribute + a].value.len);
  }
#undef ADD
  return h;
}

static void widths(void) {
  struct buffer page = {0}, html = {0};
  enum simd most = simd_level();
  for (int i = 0; i < 3000; i++) /* every distance between marks */
    buffer_printf(&page, "<p class='%.*s'%*s id=%d>%.*s&amp;%.*s\r\n<!--%.*s--><script>%.*s</script><a href=%.*s>x</a>", i % 97, "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", i % 67 + 1, "", i,
                  i % 89, "The quick brown fox jumps over the lazy dog and runs away from everything that moves in the dark wood", i % 83, "The quick brown fox jumps over the lazy dog and runs away from everything that moves in the dark wood", i % 71,
                  "-a--b- --c -a--b- --c -a--b- --c -a--b- --c -a--b- --c -a--b- --c -a--b- --c", i % 79, "</ scrip <!a </scrip> < ! </ scrip <!a </scrip> < ! </ scrip <!a </scrip> < ! </ scrip", i % 73,
                  "http://example.org/a/long/path/that/goes/on/and/on/and/on/and/on/until/it/ends/somewhere");
  uint64_t first = 0;
  for (enum simd level = SIMD_SCALAR; level <= most; level++) {
    char name[64];
    simd_force(level);
    parse(&html, page.data, page.len);
    if (level == SIMD_SCALAR) first = tree_hash();
    snprintf(name, sizeof name, "the same tree with %s", simd_name(level));
    ok(tree_hash() == first && tree.node_count > 15000, "%s", name);
  }
  simd_force(most);
  buffer_release(&page);
  buffer_release(&html);
}

/* A page as many are: both parsers give its words in the same order. */
static void libxml2(void) {
  static const char page[] =
    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Of rivers</title><style>p{}</style></head><body><nav><ul><li><a href=/>Home</a></li><li><a href=/b>Books &amp; maps</a></li></ul></nav>"
    "<main><h1>Of <em>rivers</em></h1><p>The river rises in the hills; <b>it falls</b> to the <a href=/sea>sea</a>.</p><p>Second<br>line &eacute; &#8212; x.</p><table><tr><th>a<th>b<tr><td>1<td>2</table>"
    "<ul><li>one<li>two</ul><pre>\n  kept\n    so\n</pre><script>var x='<p>';</script><form><select><option>no</select><input></form></main><footer><p>End.</footer></body></html>";
  struct buffer html = {0}, text[2] = {{0}, {0}};
  struct page_builder *builder = page_builder_new();
  struct extractor *extractor = extractor_new();
  struct page built = {0};
  for (int i = 0; i < 2; i++) {
    buffer_clear(&html);
    buffer_append(&html, page, sizeof page - 1);
    if (i) html_libxml2_parse(&html, &tree, 0);
    else html_parse(parser, &html, &tree, 0);
    page_build(builder, &tree, &built, 0);
    markup_write(&(struct markup_options){MARKUP_TEXT}, &built, extract_blocks(extractor, &built, EXTRACT_ALL, &(struct extract_options){0}), &text[i]);
  }
  ok_string(buffer_string(&text[0]), buffer_string(&text[1]), "an ordinary page has the same text with libxml2's parser");
  buffer_release(&html);
  buffer_release(&text[0]);
  buffer_release(&text[1]);
  page_release(&built);
  page_builder_free(builder);
  extractor_free(extractor);
}

/* Nodes for each byte are bounded. */
static void survives(struct buffer *html, const char *name) {
  size_t n = html->len;
  double start = cpu_seconds();
  html_parse(parser, html, &tree, 0);
  note("%.1f MB, %.2f s, %zu nodes", (double)n / 1e6, cpu_seconds() - start, tree.node_count);
  ok(tree.node_count < 16 * n + 16 && tree.nodes[0].end == tree.node_count, "%s", name);
  buffer_clear(html);
}

static void hostile(void) {
  struct buffer b = {0};
  repeat(&b, "<div>", 1000000);
  buffer_append_string(&b, "x");
  survives(&b, "1,000,000 open <div>");
  repeat(&b, "<b>", 100000);
  repeat(&b, "</i></p>", 100000);
  survives(&b, "stray end tags under 100,000 open <b>");
  for (int i = 0; i < 100000; i++) buffer_printf(&b, "<font size=%d>", i);
  repeat(&b, "<p>x", 20000);
  survives(&b, "100,000 different <font> before paragraphs");
  repeat(&b, "<b><div>", 100000);
  repeat(&b, "</b>", 100000);
  survives(&b, "100,000 misnested <b>");
  repeat(&b, "<a><p>", 100000);
  survives(&b, "100,000 links that a paragraph leaves open");
  buffer_append_string(&b, "<b>");
  repeat(&b, "<div>", 300);
  repeat(&b, "<p>x</p></b><b>", 50000);
  survives(&b, "50,000 </b> under 300 blocks");
  repeat(&b, "<svg><g>", 50000);
  repeat(&b, "</path>", 50000);
  survives(&b, "stray end tags in 50,000 drawings");
  repeat(&b, "<x-a><x-b>", 50000);
  repeat(&b, "</x-c>", 50000);
  survives(&b, "stray end tags of unknown names");
  repeat(&b, "<table><tr><td>", 100000);
  survives(&b, "100,000 nested tables");
  buffer_append_string(&b, "<table>");
  repeat(&b, "<tr><td>a<td>b", 1000000);
  survives(&b, "a table of a million rows");
  repeat(&b, "<template>", 100000);
  repeat(&b, "<td>", 100000);
  survives(&b, "100,000 open <template>");
  repeat(&b, "word ", 10000000);
  survives(&b, "a text of 50 MB");
  buffer_append_string(&b, "<p class=\"");
  repeat(&b, "&amp;word ", 1000000);
  buffer_append_string(&b, "\">");
  survives(&b, "a value of 10 MB");
  buffer_append_string(&b, "<p class=\"");
  repeat(&b, "&nGt;", 2000000);
  buffer_append_string(&b, "\">");
  survives(&b, "a value that grows");
  repeat(&b, "&nGt;", 1000000);
  survives(&b, "a text that grows");
  repeat(&b, "<html a b id=x class=y>", 100000);
  survives(&b, "100,000 <html>");
  repeat(&b, "<!--", 1000000);
  survives(&b, "a million comment starts");
  buffer_append_string(&b, "<script>");
  repeat(&b, "<!--<script></scrip", 300000);
  survives(&b, "a script that never ends");
  repeat(&b, "<svg><![CDATA[]]>", 300000);
  survives(&b, "empty CDATA");
  repeat(&b, "<button><p>", 100000);
  survives(&b, "100,000 buttons");
  repeat(&b, "<p>", 1000);
  html_parse(parser, &b, &tree, 1e-9); /* a deadline in the past */
  ok(tree.timed_out && tree.nodes[0].end == tree.node_count, "a deadline stops the parser");
  buffer_release(&b);
}

static void measure(int count, char **paths) {
  struct buffer *files = calloc((size_t)count, sizeof *files), html = {0};
  size_t bytes = 0, nodes = 0;
  for (int i = 0; i < count; i++) {
    files[i] = read_file(paths[i]);
    bytes += files[i].len;
  }
  double best = 1e9;
  for (int round = 0; round < 5; round++) {
    double spent = 0;
    nodes = 0;
    for (int i = 0; i < count; i++) {
      buffer_clear(&html);
      buffer_append_slice(&html, buffer_slice(&files[i]));
      double start = cpu_seconds();
      html_parse(parser, &html, &tree, 0);
      spent += cpu_seconds() - start;
      nodes += tree.node_count;
    }
    if (spent < best) best = spent;
  }
  printf("%d pages, %.1f MB, %zu nodes: %.1f MB/s with %s\nbench %zu %.6f\n", count, (double)bytes / 1e6, nodes, (double)bytes / 1e6 / best, simd_name(simd_level()), bytes, best);
  for (int i = 0; i < count; i++) buffer_release(&files[i]);
  free(files);
  buffer_release(&html);
}

int main(int argc, char **argv) {
  parser = html_parser_new();
  if (argc > 1) {
    measure(argc - 1, argv + 1);
  } else {
    structure();
    formatting();
    foreign();
    raw();
    attributes();
    widths();
    libxml2();
    hostile();
  }
  html_tree_release(&tree);
  html_parser_free(parser);
  return argc > 1 ? 0 : tap_done();
}
