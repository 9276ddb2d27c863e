/* SPDX-License-Identifier: MIT
 *
 * The list of active formatting elements (https://html.spec.whatwg.org/#list-of-active-formatting-elements) and the adoption
 * agency for misnested ones.
 *
 * <b><p>x</b>y</p> becomes <b></b><p><b>x</b>y</p>: the block that was opened inside moves out of the element, and what it
 * holds goes into a copy of it.  The block is still open, so its nodes are the end of the array: they move up by the few
 * nodes that are new.  A page that makes more nodes move than MOVED_MAX for each that it has keeps its elements as they
 * were nested.
 */
#include "tools/warc2txt/html/html_parser_state.h"

enum { MOVED_MAX = 16, MOVED_FREE = 1 << 16, CLONES_MAX = 3, COPIED_ATTRIBUTES = 4096 };

static inline bool is_open(const struct html_parser *p, const struct formatting *f) {
  return f->position <= p->depth && p->stack[f->position - 1].serial == f->serial;
}

static void list_insert(struct html_parser *p, size_t i, struct formatting f) {
  GROW(p->list, p->list_capacity, p->list_count + 1);
  memmove(p->list + i + 1, p->list + i, (p->list_count - i) * sizeof *p->list);
  p->list[i] = f;
  p->list_count++;
}

static void list_remove(struct html_parser *p, size_t i) {
  memmove(p->list + i, p->list + i + 1, (p->list_count - i - 1) * sizeof *p->list);
  p->list_count--;
}

void html_list_marker(struct html_parser *p) { list_insert(p, p->list_count, (struct formatting){0}); }

void html_list_clear_to_marker(struct html_parser *p) {
  while (p->list_count && p->list[--p->list_count].serial) continue;
}

/* Where the elements behind the last marker begin: at most FORMATTING_MAX from the end. */
static size_t list_start(const struct html_parser *p) {
  size_t i = p->list_count;
  while (i && p->list[i - 1].serial) i--;
  return i;
}

void html_list_remove_serial(struct html_parser *p, uint32_t serial) {
  for (size_t i = p->list_count; i && p->list[i - 1].serial; i--) {
    if (p->list[i - 1].serial != serial) continue;
    list_remove(p, i - 1);
    return;
  }
}

static size_t list_last(const struct html_parser *p, unsigned tag) { /* index + 1 */
  size_t i = p->list_count;
  while (i && p->list[i - 1].serial && p->list[i - 1].tag != tag) i--;
  return i && p->list[i - 1].serial ? i : 0;
}

uint32_t html_list_find(const struct html_parser *p, unsigned tag) {
  size_t i = list_last(p, tag);
  return i ? p->list[i - 1].serial : 0;
}

void html_reconstruct_closed(struct html_parser *p) {
  size_t i = p->list_count;
  while (i && p->list[i - 1].serial && !is_open(p, &p->list[i - 1])) i--;
  uint32_t name = p->t.name;
  for (; i < p->list_count; i++) {
    struct formatting *f = &p->list[i];
    p->t.name = f->tag;
    push(p, f->tag, SPACE_HTML, add_node(p, f->tag, f->attribute, f->attribute_count));
    f->serial = p->serial;
    f->position = p->depth;
  }
  p->t.name = name;
}

/* Of a start tag's bytes behind the name. */
static uint32_t hash_attributes(const char *s, const char *end, uint32_t seed) {
  uint64_t h = seed, word;
  for (; end - s >= 8; s += 8) {
    memcpy(&word, s, 8);
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 29;
  }
  for (; s < end; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
  return (uint32_t)(h ^ h >> 32);
}

void html_insert_formatting(struct html_parser *p, unsigned tag) {
  struct formatting f = {.attribute = (uint32_t)p->tree->attribute_count, .attribute_count = (uint16_t)p->t.attribute_count, .tag = (uint16_t)tag, .hash = tag};
  const char *behind = p->t.text.data + p->t.text.len;
  size_t start = list_start(p), earliest = 0, equal = 0;
  if (behind + 1 < p->t.at) f.hash = hash_attributes(behind, p->t.at, tag);
  if (p->t.at - behind > COPIED_ATTRIBUTES) f.attribute_count = 0; /* its copies would be as many elements of as long ones */
  insert(p, tag);
  f.serial = p->serial;
  f.position = p->depth;
  for (size_t i = p->list_count; i > start; i--) {
    if (p->list[i - 1].tag != tag || p->list[i - 1].hash != f.hash) continue;
    equal++;
    earliest = i - 1;
  }
  if (equal >= 3) list_remove(p, earliest);
  else if (p->list_count - start >= FORMATTING_MAX) list_remove(p, start);
  list_insert(p, p->list_count, f);
}

void html_end_other(struct html_parser *p, unsigned tag) {
  uint32_t position = p->last[tag];
  if (tag == TAG_unknown) {
    unsigned steps = 0;
    while (position > top(p)->special && p->stack[position - 1].name != p->t.name) position = ++steps < FOREIGN_WALK ? p->stack[position - 1].previous : 0;
    if (position <= top(p)->special) return;
  }
  if (position && position >= top(p)->special) pop_to(p, position);
}

/* One round of the adoption agency: list[at] is the formatting element, the special element at `block` is above it in the
 * stack.  False when the page has had its share of moves. */
static bool adopt(struct html_parser *p, size_t at, uint32_t block) {
  struct html_tree *tree = p->tree;
  const uint32_t first = p->list[at].position, b = p->stack[block - 1].node, around = p->stack[first - 2].node;
  p->moved += tree->node_count - b + p->depth - first;
  if (p->moved > MOVED_FREE + MOVED_MAX * tree->node_count || p->depth > HTML_DEPTH_MAX - 8 || tree->node_count + 8 > html_tree_most(tree)) return false;

  /* open formatting elements between the two: the nearest to the block get copies around it, the others are forgotten */
  uint32_t copied[CLONES_MAX], copies = 0; /* positions, from the block down */
  for (size_t i = list_start(p); i < p->list_count;) {
    struct formatting *f = &p->list[i];
    if (is_open(p, f) && f->position > first && f->position + CLONES_MAX < block) {
      list_remove(p, i);
      at -= i < at;
    } else {
      i++;
    }
  }
  for (uint32_t position = block - 1; position > first && position + CLONES_MAX >= block; position--)
    for (size_t i = list_start(p); i < p->list_count; i++)
      if (p->list[i].position == position && is_open(p, &p->list[i])) copied[copies++] = position;

  /* nodes: copies, block, copy of the formatting element, what was in the block */
  struct formatting element = p->list[at];
  const uint32_t more = copies + 1;
  for (uint32_t position = first; position < block; position++) tree->nodes[p->stack[position - 1].node].end = b;
  GROW(tree->nodes, tree->node_capacity, tree->node_count + more);
  struct html_node *nodes = tree->nodes;
  memmove(nodes + b + more + 1, nodes + b + 1, (tree->node_count - b - 1) * sizeof *nodes);
  nodes[b + copies] = nodes[b];
  for (uint32_t i = 0; i < copies; i++) {
    nodes[b + i] = nodes[p->stack[copied[copies - 1 - i] - 1].node];
    nodes[b + i].parent = i ? b + i - 1 : around;
  }
  nodes[b + copies].parent = copies ? b + copies - 1 : around;
  nodes[b + more] = (struct html_node){.parent = b + copies, .tag = element.tag, .attribute = element.attribute, .attribute_count = element.attribute_count};
  tree->node_count += more;
  for (size_t i = b + more + 1; i < tree->node_count; i++) {
    nodes[i].parent = nodes[i].parent == b ? b + more : nodes[i].parent + more;
    nodes[i].end += more;
  }

  /* the stack in the same order */
  for (uint32_t position = p->depth; position >= first; position--) {
    struct open *o = &p->stack[position - 1];
    if (o->space == SPACE_HTML) p->last[o->tag] = o->previous;
  }
  struct open entry = p->stack[block - 1], clones[CLONES_MAX];
  for (uint32_t i = 0; i < copies; i++) {
    clones[i] = p->stack[copied[copies - 1 - i] - 1];
    clones[i].node = b + i;
    clones[i].serial = ++p->serial;
  }
  for (size_t i = list_start(p); i < p->list_count; i++) { /* while serials tell which are open */
    struct formatting *f = &p->list[i];
    if (!is_open(p, f) || f->position <= first) continue;
    if (f->position > block) {
      f->position = f->position - block + first + more;
      continue;
    }
    for (uint32_t k = 0; k < copies; k++) {
      if (f->position != copied[copies - 1 - k]) continue;
      f->position = first + k;
      f->serial = clones[k].serial;
      break;
    }
  }
  uint32_t above = p->depth - block;
  memmove(p->stack + first + more, p->stack + block, above * sizeof *p->stack);
  memcpy(p->stack + first - 1, clones, copies * sizeof *clones);
  entry.node = b + copies;
  p->stack[first - 1 + copies] = entry;
  p->stack[first - 1 + more] = (struct open){.node = b + more, .serial = ++p->serial, .name = element.tag, .tag = element.tag, .space = SPACE_HTML};
  p->depth = first + more + above;
  for (uint32_t position = first + more + 1; position <= p->depth; position++) p->stack[position - 1].node += more;
  for (uint32_t position = first; position <= p->depth; position++) link_entry(p, position);

  /* the list: the copy stands behind the innermost of the other copies, or where the element was */
  element.serial = p->stack[first - 1 + more].serial;
  element.position = first + more;
  list_remove(p, at);
  size_t place = at;
  for (size_t i = list_start(p); copies && i < p->list_count; i++)
    if (p->list[i].serial == clones[copies - 1].serial) place = i + 1;
  list_insert(p, place, element);
  return true;
}

void html_end_formatting(struct html_parser *p, unsigned tag) {
  size_t i = list_last(p, tag);
  if (top(p)->tag == tag && top(p)->space == SPACE_HTML && (!i || p->list[i - 1].serial != top(p)->serial)) {
    bool listed = false;
    for (size_t k = p->list_count; k && p->list[k - 1].serial; k--) listed = listed || p->list[k - 1].serial == top(p)->serial;
    if (!listed) {
      pop(p);
      return;
    }
  }
  for (unsigned round = 0; round < 8; round++) {
    i = list_last(p, tag);
    if (!i) {
      if (!round) html_end_other(p, tag);
      return;
    }
    uint32_t position = p->list[i - 1].position;
    if (!is_open(p, &p->list[i - 1])) {
      list_remove(p, i - 1);
      return;
    }
    if (position < top(p)->scope) return;
    uint32_t block = position + 1;
    if (top(p)->special > position)
      while (p->stack[block - 1].special != block) block++;
    if (top(p)->special <= position) {
      pop_to(p, position);
      list_remove(p, i - 1);
      return;
    }
    if (!adopt(p, i - 1, block)) {
      html_list_remove_serial(p, p->stack[position - 1].serial);
      return;
    }
  }
}
