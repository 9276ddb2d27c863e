/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/markup/markup.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tests/hostile.h"
#include "tests/tap.h"
#include "tools/warc2txt/html/html_parser.h"

static struct html_parser *parser;
static struct page_builder *builder;
static struct html_tree tree;
static struct page page;
static struct buffer text;

/* keep: bit i for block i, the last one for all further ones. */
static const char *written(struct markup_options options, const char *html, size_t n, uint64_t keep) {
  static struct buffer copy;
  buffer_clear(&copy);
  buffer_append(&copy, html, n);
  html_parse(parser, &copy, &tree, 0);
  page_build(builder, &tree, &page, 0);
  bool *kept = MALLOC(page.block_count + 1);
  for (size_t i = 0; i < page.block_count; i++) kept[i] = keep >> (i < 63 ? i : 63) & 1;
  buffer_clear(&text);
  markup_write(&options, &page, kept, &text);
  free(kept);
  return buffer_string(&text);
}

static const struct markup_options markdown = {MARKUP_MARKDOWN, false}, linked = {MARKUP_MARKDOWN, true}, plain = {MARKUP_TEXT, false};

static void md(const char *html, const char *want, const char *name) { ok_string(written(markdown, html, strlen(html), UINT64_MAX), want, name); }
static void txt(const char *html, const char *want, const char *name) { ok_string(written(plain, html, strlen(html), UINT64_MAX), want, name); }
static void link_md(const char *html, const char *want, const char *name) { ok_string(written(linked, html, strlen(html), UINT64_MAX), want, name); }
static void some(const char *html, uint64_t keep, const char *want, const char *name) { ok_string(written(markdown, html, strlen(html), keep), want, name); }

static void blocks(void) {
  md("<h1>A <b>b</b></h1><p>x<h3>C<br>d</h3>", "# A b\n\nx\n\n### C d", "headings are marked by their level, in one line, without strong");
  md("<h2>Head<a class=headerlink href='#x'>\xC2\xB6</a></h2>", "## Head", "the anchor of a heading is dropped");
  md("<p>one<br>two<br><br>three", "one  \ntwo\n\nthree", "<br> is a hard break, two of them end the paragraph");
  md("<ul><li>a<li>b<ul><li>c</ul><li>d</ul><p>e", "- a\n- b\n  - c\n- d\n\ne", "lists nest and are tight");
  md("<ol start=3><li>a<li value=9>b<li>c</ol>", "3. a\n9. b\n10. c", "ordered lists start where start and value say");
  md("<ol reversed><li>a<li>b</ol>", "2. a\n1. b", "reversed lists count down");
  md("<ul><li><p>a</p><p>b</p><pre>x\n\n y</pre><li>c</ul>", "- a\n\n  b\n\n  ```\n  x\n\n   y\n  ```\n- c", "paragraphs and code in an item are indented below it");
  md("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b", "a list right in a list belongs to the item before");
  md("<dl><dt>T<dt>U<dd>d<dt>V<dd><p>e</p><pre>c</pre></dl>", "T\nU\n: d\n\nV\n: e\n\n```\nc\n```", "definitions are marked by a colon; what follows in them is not indented");
  md("<blockquote><p>a</p><p>b<br>c</p><ul><li>d</ul></blockquote>e", "> a\n>\n> b  \n> c\n>\n> - d\n\ne", "quotes go on through blank lines");
  md("<details><summary>S</summary>body</details><figure><img alt=no><figcaption>cap</figcaption></figure>", "S\n\nbody\n\ncap", "summaries and captions are paragraphs, alternative texts none");
  some("<ol><li>a<li>b<li>c</ol>", 4, "3. c", "items that are dropped are counted");
}

static void characters(void) {
  static const char odd[] = "a\xEF\x80\x93\xC2\xAD" "b\xE2\x80\xAE" "c\xEF\xBB\xBF\xE2\x80\x8B" "d\xC2\x93" "e\xC2\x81\xE2\x81\xA0\xEF\xBF\xBE f\xE2\x80\x8Dg\xC2\xA0h";
  char html[128];
  snprintf(html, sizeof html, "<p>%s", odd);
  md(html, "abcd“e f\xE2\x80\x8Dg h", "markdown: icons, embeddings, marks and noncharacters go, joiners stay, C1 controls are windows-1252");
  txt(html, "abcd“e f\xE2\x80\x8Dg h", "text: the same");
  snprintf(html, sizeof html, "<pre>%s\xE3\x80\x80i", odd);
  md(html, "```\nabcd“e f\xE2\x80\x8Dg h\xE3\x80\x80i\n```", "code: the same, but wide spaces stay");
}

static void gaps(void) {
  static const char html[] = "<p><a>Jay Peters</a><time>Mar 7</time><span>10</span><p><span><span>2026</span></span><span>1h 34m</span><span>PG-13</span><p><a>Next</a><a>page</a><p><span>End.</span><span>The</span>";
  md(html, "Jay Peters Mar 7 10\n\n2026 1h 34m PG-13\n\nNext page\n\nEnd. The", "words of spans, links and times that only the layout parts are parted in markdown");
  txt(html, "Jay Peters Mar 7 10\n2026 1h 34m PG-13\nNext page\nEnd. The", "and in text");
  txt("<table><tr><th>a<th>b<tr><td><span>One</span><span>Two</span><td><a>x1</a><a>y2</a></table>", "a\tb\nOne Two\tx1 y2", "and in cells");
  txt("<p><span>T</span><span>he</span> <span>un</span><span>happy</span> <b>iPho</b><b>Ne</b> <span>AA</span>Bb <span>Java</span><span><i>Script</i></span> <span>GO</span><span>LD</span> <span>x1</span><wbr><span>Y2</span>",
      "The unhappy iPhoNe AABb JavaScript GOLD x1Y2", "but not letters, parts of words, emphasis and text beside an element");
}

static void inlines(void) {
  md("a <b>b </b>c <em> d</em> <s>e</s>", "a **b** c *d* ~~e~~", "delimiters hug what they hold");
  md("<b>a</b> <b>b</b><i></i><strong><b>c</b></strong>", "**a bc**", "neighbours of one kind are one");
  md("<b><p>a</p><p>b</p></b>", "**a**\n\n**b**", "emphasis around blocks is written in each");
  md("<code>a`b</code> <code>``</code> <code> x </code>", "``a`b`` ``` `` ``` `x`", "code gets more backticks than it holds");
  md("x <code>a```<br>b</code>", "x ````a``` b````", "code in a line is one line, so that it is no fence");
  md("10<sup>5</sup> x<sup>n+1</sup> H<sub>2</sub>O 1<sup>st</sup> a<sup><a href=x>[1]</a></sup> <sub>small print</sub>", "10^5 x^{n+1} H_2O 1st a[1] small print", "exponents and indices keep their meaning, typography is text");
  md("<ruby>a<rt>b</rt></ruby> <ruby>c<rp>(</rp><rt>d</rt><rp>)</rp></ruby>", "a(b) c(d)", "readings stand in parentheses once");
  txt("<ruby>a<rt>b</rt></ruby> <ruby>c<rp>(</rp><rt>d</rt><rp>)</rp></ruby>", "a(b) c(d)", "so they do in text");
  md("<a href=x>y</a>", "y", "links are their text");
  link_md("<a href='/x'>y <b>z</b></a> <a href='a b(c)'>d</a> <a>e</a>", "[y **z**](/x) [d](<a b(c)>) e", "--links keeps targets");
  md("<p>a<span style='display: none'>no</span>b", "ab", "hidden inline text is dropped");
}

static void escapes(void) {
  md("<p># a<p>+ b<p>1. c<p>1999. d<p>&gt; e<p>---<p>#tag<p>-x<p>3.5", "\\# a\n\n+ b\n\n1. c\n\n1999. d\n\n\\> e\n\n\\---\n\n#tag\n\n-x\n\n3.5", "line starts are escaped where they would be markers, but for lists written by hand");
  md("<p>name: ______, ______.<p>a**** b**** ~~~~~~ c<p>x ~~y~~ __z__", "name: ______, ______.\n\na**** b**** ~~~~~~ c\n\nx \\~~y\\~~ \\_\\_z\\_\\_", "blanks to fill in and long runs are no delimiters");
  md("<h2>1. a</h2><table><tr><th>- a<th>b<tr><td># 1<td>2. x</table>", "## 1. a\n\n| - a | b |\n| --- | --- |\n| # 1 | 2. x |", "not in headings and cells, which are within a line");
  md("2 * 3 * 4, *x*, a*b, snake_case_name, __init__", "2 * 3 * 4, \\*x\\*, a\\*b, snake_case_name, \\_\\_init\\_\\_", "delimiters are escaped where they could open or close");
  md("a*b", "a*b", "a lone star stays");
  md("a &lt; b, List&lt;int&gt;, x &gt; y, &amp;amp; &amp; AT&amp;T", "a < b, List\\<int>, x > y, \\&amp; & AT&T", "tags and references are escaped where they are complete");
  md("`a` and [x](y) and [z]", "\\`a\\` and [x\\](y) and [z]", "code and links are escaped where they are complete");
  md("C:\\dir \\* x", "C:\\dir \\\\* x", "a backslash is escaped before punctuation");
  md("\\(a_1*b*c\\) $x_{*}y_{*}$ $5 and $6", "\\(a_1*b*c\\) $x_{*}y_{*}$ $5 and $6", "LaTeX in text stays as it is");
}

static void code(void) {
  md("<pre>\n\n  a\n\tb  c\n\n\nd\n</pre>", "```\n  a\n\tb  c\n\n\nd\n```", "white space of code stays, blank lines around it go");
  txt("<pre>\n\n  a\n\tb  c\n\n\nd\n</pre>", "  a\n\tb  c\n\n\nd", "so it does in text");
  md("<pre>a\n```\nb</pre>", "````\na\n```\nb\n````", "fences are longer than any run of backticks inside");
  md("<div class='highlight-Python notranslate'><div class=highlight><pre>x</pre></div></div>", "```python\nx\n```", "Sphinx's language");
  md("<pre><code class='language-c++'>x</code></pre><pre class='brush: js; toolbar: false'>y</pre><pre class='sourceCode bash'>z</pre>", "```c++\nx\n```\n\n```js\ny\n```\n\n```bash\nz\n```", "language-x, brush: x, sourceCode x");
  md("<pre data-lang=sql>x</pre><pre><code class='hljs css'>y</code></pre><div class='highlight highlight-source-shell'><pre>z</pre></div><div class='highlight-default'><pre>w</pre></div>", "```sql\nx\n```\n\n```css\ny\n```\n\n```shell\nz\n```\n\n```\nw\n```", "data-lang, hljs, GitHub's class, no default");
  md("<table class=highlighttable><tr><td class=linenos><div class=linenodiv><pre>1\n2</pre></div></td><td class=code><div class=highlight><pre>a\n b</pre></div></td></tr></table>", "```\na\n b\n```", "a column of line numbers is dropped");
  md("<pre><span class=lineno>1 </span>a\n<span class=lineno>2 </span>  b</pre>", "```\na\n  b\n```", "line numbers in spans are dropped");
  md("<pre><code><table class=hljs-ln><tr><td class='hljs-ln-line hljs-ln-numbers' data-line-number=1></td><td class='hljs-ln-line hljs-ln-code' data-line-number=1>  7</td></tr><tr><td class=hljs-ln-numbers data-line-number=2></td><td class='hljs-ln-code' data-line-number=2>b</td></tr></table></code></pre>", "```\n  7\nb\n```", "tables of lines in code are lines");
  md("<pre><div class=line>a</div><div class=line></div><div class=line>  b</div></pre>", "```\na\n\n  b\n```", "elements that are lines are lines, empty ones too");
  md("<pre><div>a\n</div>\n<div> b<br></div><div>c</div></pre>", "```\na\n b\nc\n```", "white space between lines and breaks at their ends make no empty ones");
  md("<pre>a<br>b<span>c</span></pre><p><code>d<br>&nbsp;e</code>", "```\na\nbc\n```\n\n```\nd\n e\n```", "<br> ends a line in code, without <pre> too");
  md("<div><button class=copybtn>Copy</button><pre>x<button>Copy code</button></pre></div>", "```\nx\n```", "buttons that copy are dropped");
  some("<p>a<pre>b</pre><p>c<pre>d</pre><p>e", 1, "a\n\n```\nb\n```", "code is kept with the text before it");
}

static void tables(void) {
  md("<table><tr><th>a<th>b|c<tr><td>1<td>2</table>", "| a | b\\|c |\n| --- | --- |\n| 1 | 2 |", "a row of <th> is the head, bars are escaped");
  md("<table><tr><td>1<td>2<tr><td>3<td></table>", "|  |  |\n| --- | --- |\n| 1 | 2 |\n| 3 |  |", "a table without head gets an empty one");
  md("<table><thead><tr><td>a<td>b</thead><tr><th>1<td>2</table>", "| a | b |\n| --- | --- |\n| 1 | 2 |", "<thead> is the head whatever its cells are");
  md("<table><tr><th>a<th>b<th>c<tr><td rowspan=2>1<td colspan=2>2<tr><td>3<td>4</table>", "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 |  |\n|  | 3 | 4 |", "cells that span leave empty ones");
  md("<table><caption>C</caption><tr><th>a<th>b<tr><td><p>1</p><p>2</p><td>x<br>y</table>z", "C\n\n| a | b |\n| --- | --- |\n| 1 2 | x y |\n\nz", "blocks of a cell are joined, the caption comes first");
  md("<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>", "a\n\nb\n\nc\n\nd", "tables of presentation are layout");
  md("<table><tr><td><table><tr><th>a<th>b<tr><td>1<td>2</table><td>x</table>", "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nx", "a table with a table in it is layout, the inner one is not");
  md("<table><tr><td>a<tr><td>b</table>", "a\n\nb", "one column is layout");
  md("<table><tr><td><h2>a</h2><td>b<tr><td>c<td>d</table>", "## a\n\nb\n\nc\n\nd", "headings in cells are layout");
  txt("<table><tr><th>a<th>b<tr><td><p>1</p><td><p>2</p><tr><td><td>3</table>", "a\tb\n1\t2\n\t3", "in text cells are parted by tabs, empty ones too");
  some("<table><tr><th>a<th>b<tr><td>1<td>2<tr><td>3 w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w<td>4</table>", 4, "|  |  |\n| --- | --- |\n| 1 | 2 |", "of a table that is mostly dropped, rows are kept whole");
}

static void math(void) {
  md("a <math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_1 * y</annotation></semantics></math> b", "a $x_1 * y$ b", "the annotation of MathML is the source");
  txt("a <math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x_1</annotation></semantics></math> b", "a $x_1$ b", "in text too");
  md("<span class='katex-display'><span class=katex><span class=katex-mathml><math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x</annotation></semantics></math></span><span class=katex-html aria-hidden=true><span>x</span></span></span></span>", "$$x$$", "KaTeX's formula is written once");
  md("a<script type='math/tex'>b</script>c<script type='math/tex; mode=display'>\nd\\\\\n\ne\n</script>", "a$b$c\n\n$$\nd\\\\\ne\n$$", "MathJax's scripts are formulas");
  md("<p><span class='math notranslate'>\\(x^2\\)</span></p><div class='math notranslate'>\n\\[a = b\\]</div>", "$x^2$\n\n$$a = b$$", "Sphinx's formulas");
  md("<span class='math inline'>x_1</span>", "$x_1$", "pandoc's for KaTeX");
  md("<p><img class=math alt='x^2'> <img class='mwe-math-fallback-image-inline' alt='{\\displaystyle y}'> <img alt='no'></p><div class=math><p><img alt='z^3'></p></div>", "$x^2$ $y$\n\n$$z^3$$", "images of formulas are their source");
  md("<span class=mwe-math-element><span style='display: none;'><math alttext='{\\displaystyle E}'><mi>E</mi></math></span><img class='mwe-math-fallback-image-inline' alt='{\\displaystyle E}'></span>", "$E$", "MediaWiki's formula is written once");
  md("<mjx-container display='true'><svg></svg><mjx-assistive-mml><math><mfrac><mn>1</mn><msup><mi>x</mi><mn>2</mn></msup></mfrac></math></mjx-assistive-mml></mjx-container>", "$$\\frac{1}{x^{2}}$$", "MathJax 3's assistive MathML");
  md("<math><munderover><mo>\xE2\x88\x91</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msqrt><mi>\xCE\xB1</mi><mi>x</mi></msqrt><mroot><mi>y</mi><mn>3</mn></mroot></math>", "$\\sum_{i=1}^{n}\\sqrt{\\alpha x}\\sqrt[3]{y}$", "MathML becomes LaTeX");
  md("<math><mfenced><mi>a</mi><mi>b</mi><mi>c</mi></mfenced><mi>sin</mi><mi>x</mi><mover><mi>x</mi><mo>\xE2\x86\x92</mo></mover><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr><mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable></math>",
     "$(a,b,c)\\sin x\\vec{x}\\begin{matrix} 1 & 2 \\\\ 3 & 4 \\end{matrix}$", "fences, functions, accents, matrices");
  md("<math><mi>\xF0\x9D\x91\xA5</mi><mi>\xF0\x9D\x90\x80</mi><mtext>if</mtext></math>", "$x\\mathbf{A}\\text{if}$", "mathematical alphabets are commands");
}

/* What is written is bounded by the page. */
static void survives(struct buffer *b, const char *name) {
  double start = cpu_seconds();
  written(linked, b->data, b->len, UINT64_MAX);
  note("%.1f MB -> %.1f MB, %.2f s", (double)b->len / 1e6, (double)text.len / 1e6, cpu_seconds() - start);
  ok(text.len < 40 * b->len + 1000, "%s", name);
  buffer_clear(b);
}

static void hostile(void) {
  struct buffer b = {0};
  repeat(&b, "<ul><li>", 600), repeat(&b, "<li>x", 100000);
  survives(&b, "items below many lists");
  repeat(&b, "<table><tr><td>a<td>", 20000);
  survives(&b, "tables in tables");
  repeat(&b, "<span class=ln>", 500), repeat(&b, "1234567890", 100000), buffer_append_string(&b, "x");
  survives(&b, "spans of line numbers in each other");
  repeat(&b, "<p>", 1), repeat(&b, "*", 1000000);
  survives(&b, "a run of stars");
  repeat(&b, "\\( $ a_", 200000);
  survives(&b, "formulas that do not end");
  repeat(&b, "<math>", 1), repeat(&b, "<msup>", 100000), repeat(&b, "<mi>x", 100000);
  survives(&b, "deep formulas");
  repeat(&b, "<mjx-a>", 500), repeat(&b, "<mjx-b>x</mjx-b>", 50000);
  survives(&b, "MathJax's elements without MathML");
  repeat(&b, "<p>", 1), repeat(&b, "<code>", 500), repeat(&b, "<i>x</i>", 50000);
  survives(&b, "code in code");
  buffer_append_string(&b, "<table><tr><td colspan=1000 rowspan=65534>x");
  repeat(&b, "<tr><td>a<td colspan=1000>b", 50000);
  survives(&b, "cells that span everything");
  buffer_append_string(&b, "<pre>"), repeat(&b, "<div>", 100000), repeat(&b, "<div>x</div>", 100000);
  survives(&b, "code of nested lines");
  repeat(&b, "<table><tr><th>a<th>b<tr><td colspan=500>c</table>", 5000);
  survives(&b, "tables of empty cells");
  repeat(&b, "<ol start=999999999><li>", 12), buffer_append_string(&b, "<pre>"), repeat(&b, "x\n", 100000);
  survives(&b, "code below long markers");
  buffer_append_string(&b, "<math>"), repeat(&b, "<mi>a</mi>", 300000);
  survives(&b, "a formula of one word");
  buffer_append_string(&b, "<div data-lang='"), repeat(&b, " ", 300000), buffer_append_string(&b, "' class='"), repeat(&b, "x ", 150000), buffer_append_string(&b, "'>"), repeat(&b, "<pre>x</pre><img alt=x>", 30000);
  survives(&b, "code and images in an element of long attributes");

  static const struct markup_options forms[] = {{MARKUP_MARKDOWN, .limit = 1000}, {MARKUP_TEXT, .limit = 1000}};
  static const char *const pages[] = {"<p>some words", "a line<br>", "<pre>x\n", "<table><tr><th>a<th>b<tr><td>c<td>d</table>", "<li>x"};
  for (size_t i = 0; i < 2 * sizeof pages / sizeof *pages; i++) {
    repeat(&b, pages[i / 2], 10000);
    written(forms[i % 2], b.data, b.len, UINT64_MAX);
    ok(text.len > 1000 && text.len < 1000 + b.len, "a limited text ends beyond its limit: %zu bytes of %.4s...", text.len, pages[i / 2]);
    buffer_clear(&b);
  }
  buffer_release(&b);
}

int main(void) {
  parser = html_parser_new();
  builder = page_builder_new();
  blocks();
  characters();
  gaps();
  inlines();
  escapes();
  code();
  tables();
  math();
  hostile();
  html_parser_free(parser);
  page_builder_free(builder);
  page_release(&page);
  html_tree_release(&tree);
  buffer_release(&text);
  return tap_done();
}
