/* SPDX-License-Identifier: MIT
 *
 * Names are found by hash tables that are made from the lists when the first parser starts; copied bytes go to chunks that grow
 * as pages do and are kept for the next page.
 */
#include "tools/warc2txt/html/html_tree.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"

enum { CHUNK = 64 << 10 };

#define BLOCK HTML_BLOCK
#define INLINE HTML_INLINE
#define SKIP HTML_SKIP
#define VOID HTML_VOID
const unsigned char html_tag_class[TAG_COUNT] = {
  HTML_BLOCK,
#define X(name, class) class,
  HTML_TAGS(X)
#undef X
  HTML_INLINE,
};
#undef BLOCK
#undef INLINE
#undef SKIP
#undef VOID

const char *const html_tag_name[TAG_COUNT] = {
  "",
#define X(name, class) #name,
  HTML_TAGS(X)
#undef X
  "#text",
};

static const char *const attribute_name[ATTRIBUTE_COUNT] = {
  "",
#define X(name, string) string,
  HTML_ATTRIBUTES(X)
#undef X
};

/* ---- names */

_Static_assert(TAG_COUNT <= 256 && ATTRIBUTE_COUNT <= 64, "numbers of names fit into a byte, attributes into a set of 64 bits");
struct html_names html_tags, html_attributes;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void key(const char *name, size_t n, uint64_t *low, uint64_t *high) {
  uint64_t words[2] = {0, 0};
  for (size_t i = 0; i < n; i++) words[i / 8] |= (uint64_t)(unsigned char)name[i] << i % 8 * 8;
  *low = words[0];
  *high = words[1];
}

static void fill(struct html_names *names, const char *const *strings, unsigned count) {
  for (unsigned i = 1; i < count; i++) {
    key(strings[i], strlen(strings[i]), &names->low[i], &names->high[i]);
    unsigned h = (unsigned)((names->low[i] ^ (names->high[i] << 29 | names->high[i] >> 35)) * UINT64_C(0x9E3779B97F4A7C15) >> 53);
    while (names->slots[h]) h = (h + 1) % HTML_NAME_SLOTS;
    names->slots[h] = (uint8_t)i;
  }
}

static void prepare(void) {
  fill(&html_tags, html_tag_name, TAG_text);
  fill(&html_attributes, attribute_name, ATTRIBUTE_COUNT);
}

void html_names_prepare(void) { pthread_once(&once, prepare); }

static unsigned find(const struct html_names *names, const char *name, size_t n) {
  if (n == 0 || n > HTML_NAME_LONGEST) return 0;
  uint64_t low, high;
  key(name, n, &low, &high);
  html_names_prepare();
  return html_name_find(names, low, high);
}

enum html_tag html_tag_family(const char *name, size_t n) {
  struct slice s = {name, n};
  if (slice_starts_nocase(s, SLICE("mjx-")) || slice_equal_nocase(s, SLICE("math-renderer"))) return TAG_mjx;
  return slice_equal_nocase(s, SLICE("annotation-xml")) ? TAG_annotation : TAG_unknown;
}

enum html_tag html_tag_find(const char *name, size_t n) {
  unsigned tag = find(&html_tags, name, n);
  return tag ? tag : html_tag_family(name, n);
}

enum html_attribute_name html_attribute_find(const char *name, size_t n) { return find(&html_attributes, name, n); }

/* ---- memory */

void html_tree_clear(struct html_tree *tree) {
  tree->node_count = tree->attribute_count = tree->chunk_used = 0;
  if (tree->chunk_count) tree->chunks[0].len = 0;
  tree->timed_out = false;
}

void html_tree_release(struct html_tree *tree) {
  for (size_t i = 0; i < tree->chunk_count; i++) buffer_release(&tree->chunks[i]);
  free(tree->chunks);
  free(tree->nodes);
  free(tree->attributes);
  memset(tree, 0, sizeof *tree);
}

char *html_tree_bytes(struct html_tree *tree, size_t n) {
  for (;;) {
    if (tree->chunk_used == tree->chunk_count) {
      GROW(tree->chunks, tree->chunk_capacity, tree->chunk_count + 1);
      tree->chunks[tree->chunk_count++] = (struct buffer){0};
    }
    struct buffer *chunk = &tree->chunks[tree->chunk_used];
    if (chunk->len == 0) buffer_reserve(chunk, n > CHUNK ? n : CHUNK);
    if (chunk->capacity - chunk->len >= n) {
      chunk->len += n;
      return chunk->data + chunk->len - n;
    }
    if (++tree->chunk_used < tree->chunk_count) tree->chunks[tree->chunk_used].len = 0;
  }
}

/* ---- nodes */

static struct html_node *add(struct html_tree *tree, uint32_t parent, enum html_tag tag) {
  GROW(tree->nodes, tree->node_capacity, tree->node_count + 1);
  uint32_t index = (uint32_t)tree->node_count++;
  tree->nodes[index] = (struct html_node){.parent = index ? parent : 0, .end = index + 1, .tag = (uint16_t)tag, .attribute = (uint32_t)tree->attribute_count};
  return &tree->nodes[index];
}

static struct slice copy(struct html_tree *tree, struct slice s) {
  if (s.len == 0) return (struct slice){"", 0};
  char *to = html_tree_bytes(tree, s.len);
  memcpy(to, s.data, s.len);
  return (struct slice){to, s.len};
}

uint32_t html_tree_open(struct html_tree *tree, uint32_t parent, enum html_tag tag) {
  add(tree, parent, tag);
  return (uint32_t)tree->node_count - 1;
}

void html_tree_attribute(struct html_tree *tree, enum html_attribute_name name, struct slice value) {
  GROW(tree->attributes, tree->attribute_capacity, tree->attribute_count + 1);
  tree->attributes[tree->attribute_count++] = (struct html_attribute){.value = copy(tree, value), .name = (uint16_t)name};
  tree->nodes[tree->node_count - 1].attribute_count++;
}

void html_tree_text(struct html_tree *tree, uint32_t parent, struct slice text) { add(tree, parent, TAG_text)->text = copy(tree, text); }

void html_tree_close(struct html_tree *tree, uint32_t element) { tree->nodes[element].end = (uint32_t)tree->node_count; }

const struct slice *html_tree_value(const struct html_tree *tree, uint32_t element, enum html_attribute_name name) {
  const struct html_node *node = &tree->nodes[element];
  for (uint32_t i = 0; i < node->attribute_count; i++)
    if (tree->attributes[node->attribute + i].name == name) return &tree->attributes[node->attribute + i].value;
  return NULL;
}
