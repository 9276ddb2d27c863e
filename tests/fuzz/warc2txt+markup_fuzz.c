/* SPDX-License-Identifier: MIT
 *
 * Any UTF-8 as a page, written in both forms with everything or every other block kept: the text is UTF-8, markdown's
 * fences are closed and its size is bounded by the page's.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/markup/markup.h"

/* Every fence that opens is closed by one of as many backticks or more. */
static bool fences_closed(struct slice text) {
  size_t open = 0;
  for (const char *p = text.data, *end = text.data + text.len; p < end;) {
    const char *newline = memchr(p, '\n', (size_t)(end - p)), *line_end = newline ? newline : end;
    const char *q = p;
    while (q < line_end && (*q == ' ' || *q == '>' || *q == '-' || *q == '.' || (*q >= '0' && *q <= '9'))) q++;
    const char *ticks = q;
    while (q < line_end && *q == '`') q++;
    size_t n = (size_t)(q - ticks);
    const char *rest = q;
    while (q < line_end && *q != '`') q++;
    if (!open && n >= 3 && q == line_end) open = n;
    else if (open && n >= open && rest == line_end) open = 0;
    p = line_end + 1;
  }
  return open == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct html_parser *parser;
  static struct page_builder *builder;
  static struct html_tree tree;
  static struct page page;
  if (!parser) {
    parser = html_parser_new();
    builder = page_builder_new();
  }
  struct buffer html = {0}, text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&html, (const char *)data, size, &invalid, &nul);
  html_parse(parser, &html, &tree, 0);
  page_build(builder, &tree, &page, 0);
  bool *keep = MALLOC(page.block_count + 1);
  for (int form = 0; form < 4; form++) {
    for (size_t i = 0; i < page.block_count; i++) keep[i] = form < 2 || i % 2;
    buffer_clear(&text);
    markup_write(&(struct markup_options){form & 1 ? MARKUP_MARKDOWN : MARKUP_TEXT, form == 1}, &page, keep, &text);
    if (utf8_valid_prefix(text.data, text.len) != text.len) abort();
    if (text.len > 100 * html.len + 100000) abort();
    if ((form & 1) && !fences_closed(buffer_slice(&text))) abort();
  }
  free(keep);
  buffer_release(&html);
  buffer_release(&text);
  return 0;
}
