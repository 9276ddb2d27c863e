/* SPDX-License-Identifier: MIT
 *
 * Any UTF-8 as a page: parsed by both parsers (the size of the input chooses) and extracted in both modes; the blocks and the
 * text are well formed.
 */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/extract/extract.h"
#include "tools/warc2txt/html/html_libxml2.h"
#include "tools/warc2txt/html/html_parser.h"
#include "tools/warc2txt/markup/markup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct html_parser *parser;
  static struct html_tree tree;
  static struct page_builder *builder;
  static struct extractor *extractor;
  static struct page page;
  if (!builder) {
    parser = html_parser_new();
    builder = page_builder_new();
    extractor = extractor_new();
  }
  struct buffer html = {0}, text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&html, (const char *)data, size, &invalid, &nul);
  if (size % 4 == 3) html_libxml2_parse(&html, &tree, 0);
  else html_parse(parser, &html, &tree, 0);
  page_build(builder, &tree, &page, 0);
  for (size_t i = 0; i < page.element_count; i++)
    if (page.elements[i].parent > i || (i && page.elements[i].parent == i)) abort();
  for (size_t i = 0; i < page.block_count; i++) {
    const struct block *b = &page.blocks[i];
    if (b->element >= page.element_count || b->len == 0 || (size_t)b->text + b->len > page.text.len) abort();
    if (i && b->text < page.blocks[i - 1].text + page.blocks[i - 1].len) abort();
  }
  for (int mode = 0; mode < 2; mode++) {
    buffer_clear(&text);
    markup_write(&(struct markup_options){MARKUP_TEXT}, &page, extract_blocks(extractor, &page, mode ? EXTRACT_ALL : EXTRACT_MAIN, &(struct extract_options){0}), &text);
    if (utf8_valid_prefix(text.data, text.len) != text.len) abort();
  }
  buffer_release(&html);
  buffer_release(&text);
  return 0;
}
