/* SPDX-License-Identifier: MIT
 *
 * Any UTF-8 as a page for html_parser.h: nodes are in preorder with their ends nested, none is too deep, html, head and body
 * are there, text is valid UTF-8 in the page or in the tree's own bytes, voids and text have nothing below; and the tree is
 * the same at each width of vectors.
 */
#include <stdlib.h>

#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/html/html_parser.h"

static void demand(bool condition) {
  if (!condition) abort();
}

static bool inside(const struct html_tree *tree, const struct buffer *html, struct slice s) {
  if (s.len == 0 || (s.data >= html->data && s.data + s.len <= html->data + html->len)) return true;
  for (size_t i = 0; i < tree->chunk_count; i++)
    if (s.data >= tree->chunks[i].data && s.data + s.len <= tree->chunks[i].data + tree->chunks[i].len) return true;
  return false;
}

static void check(const struct html_tree *tree, const struct buffer *html, size_t size) {
  const struct html_node *nodes = tree->nodes;
  static uint32_t *depth;
  static size_t capacity;
  if (tree->node_count > capacity) demand((depth = realloc(depth, (capacity = tree->node_count) * sizeof *depth)) != NULL);
  demand(tree->node_count >= 3 && nodes[0].tag == TAG_html && nodes[0].end == tree->node_count && nodes[1].tag == TAG_head && nodes[1].parent == 0);
  demand(tree->node_count <= 20 * size + 16);
  unsigned bodies = 0;
  for (uint32_t i = 0; i < tree->node_count; i++) {
    const struct html_node *n = &nodes[i];
    demand(n->end > i && n->end <= tree->node_count && (i == 0 || (n->parent < i && n->end <= nodes[n->parent].end && i < nodes[n->parent].end)));
    depth[i] = i ? depth[n->parent] + 1 : 0;
    demand(depth[i] <= HTML_DEPTH_MAX);
    bodies += n->tag == TAG_body && n->parent == 0;
    demand(n->tag < TAG_COUNT && (size_t)n->attribute + n->attribute_count <= tree->attribute_count);
    if (n->tag == TAG_text) {
      demand(n->end == i + 1 && n->attribute_count == 0 && n->text.len && inside(tree, html, n->text));
      demand(utf8_valid_prefix(n->text.data, n->text.len) == n->text.len);
    }
    for (uint32_t k = 0; k < n->attribute_count; k++) {
      struct html_attribute a = tree->attributes[n->attribute + k];
      demand(a.name && a.name < ATTRIBUTE_COUNT && inside(tree, html, a.value) && utf8_valid_prefix(a.value.data, a.value.len) == a.value.len);
      for (uint32_t j = 0; j < k; j++) demand(tree->attributes[n->attribute + j].name != a.name);
    }
  }
  demand(bodies == 1);
}

static bool same(const struct html_tree *a, const struct html_tree *b) {
  if (a->node_count != b->node_count || a->attribute_count != b->attribute_count) return false;
  for (size_t i = 0; i < a->node_count; i++) {
    const struct html_node *x = &a->nodes[i], *y = &b->nodes[i];
    if (x->parent != y->parent || x->end != y->end || x->tag != y->tag) return false;
    if (x->attribute != y->attribute || x->attribute_count != y->attribute_count || !slice_equal(x->text, y->text)) return false;
  }
  for (size_t i = 0; i < a->attribute_count; i++)
    if (a->attributes[i].name != b->attributes[i].name || !slice_equal(a->attributes[i].value, b->attributes[i].value)) return false;
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct html_parser *parser;
  static struct html_tree tree[2];
  if (!parser) parser = html_parser_new();
  struct buffer html[2] = {{0}, {0}}, clean = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&clean, (const char *)data, size, &invalid, &nul);
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    int i = level != SIMD_SCALAR;
    if (simd_force(level) != level) break;
    buffer_clear(&html[i]);
    buffer_append_slice(&html[i], buffer_slice(&clean));
    html_parse(parser, &html[i], &tree[i], 0);
    check(&tree[i], &html[i], size);
    if (i && !same(&tree[0], &tree[1])) abort();
  }
  buffer_release(&html[0]);
  buffer_release(&html[1]);
  buffer_release(&clean);
  return 0;
}
