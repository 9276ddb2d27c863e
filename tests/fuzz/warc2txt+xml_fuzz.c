/* SPDX-License-Identifier: MIT
 *
 * Any UTF-8 as XHTML, as a feed, as a sitemap, and as the text of a PDF: trees are well formed, entries and paragraphs are
 * valid UTF-8.
 */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/content_type.h"
#include "tools/warc2txt/pdf/pdf.h"
#include "tools/warc2txt/html/xml.h"

static void valid(struct slice s) {
  if (utf8_valid_prefix(s.data, s.len) != s.len) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct html_tree tree;
  static struct feed feed;
  struct buffer text = {0}, copy = {0}, out = {0};
  uint64_t invalid = 0, nul = 0;
  bool timed_out;
  struct slice bytes = {(const char *)data, size};
  content_type_of((struct slice){"", 0}, (struct slice){"", 0}, bytes);
  content_type_of(SLICE("text/xml"), (struct slice){"", 0}, bytes);
  content_type_of(bytes, bytes, bytes);
  utf8_sanitize(&text, bytes.data, bytes.len, &invalid, &nul);

  buffer_append_slice(&copy, buffer_slice(&text));
  xml_parse(&copy, &tree, 0);
  for (size_t i = 0; i < tree.node_count; i++) {
    const struct html_node *node = &tree.nodes[i];
    if (node->end <= i || node->end > tree.node_count || node->parent > i || (i && node->parent == i)) abort();
    if (i && node->end > tree.nodes[node->parent].end) abort();
    if (node->tag == TAG_text) valid(node->text);
    for (uint32_t a = 0; a < node->attribute_count; a++) valid(tree.attributes[node->attribute + a].value);
  }
  buffer_clear(&copy);
  buffer_append_slice(&copy, buffer_slice(&text));
  feed_parse(&copy, &feed, 0);
  valid(buffer_slice(&feed.bytes));
  for (size_t i = 0; i < feed.count; i++)
    if (feed.entries[i].title + feed.entries[i].title_len > feed.bytes.len || feed.entries[i].content + feed.entries[i].content_len > feed.bytes.len) abort();
  buffer_clear(&copy);
  buffer_append_slice(&copy, buffer_slice(&text));
  sitemap_parse(&copy, &out, 0, &timed_out);
  valid(buffer_slice(&out));
  buffer_clear(&out);
  pdf_text(buffer_slice(&text), &out);
  valid(buffer_slice(&out));
  buffer_release(&text);
  buffer_release(&copy);
  buffer_release(&out);
  return 0;
}
