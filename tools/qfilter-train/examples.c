/* SPDX-License-Identifier: MIT
 *
 * In a spool: u32 number of labels, u32 number of rows, labels, of a large one u32 starts[EXAMPLE_PARTS + 1], rows; padded
 * to eight bytes.
 */
#include "tools/qfilter-train/examples.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/threads.h"

enum { PLACE_BITS = 48 };

/* ---- building */

struct building {
  struct examples *x;
  const char *folder;
  size_t *kept; /* [jobs] of the range */
  size_t *begin;
  struct err *errors;
  bool *failed;
};

static uint32_t part_first(uint32_t row) { return row / EXAMPLE_PARTS | row % EXAMPLE_PARTS << 27; } /* rows are below 2^31 */
static uint32_t row_again(uint32_t key) { return (key & ((1u << 27) - 1)) * EXAMPLE_PARTS + (key >> 27); }

static int compare_keys(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Sorts n keys; `room` holds as many.  Least significant byte first; bytes that are the same in all keys are skipped. */
static void sort_keys(uint32_t *keys, size_t n, uint32_t *room) {
  if (n < 64) {
    qsort(keys, n, sizeof *keys, compare_keys);
    return;
  }
  uint32_t *from = keys, *to = room;
  for (int shift = 0; shift < 32; shift += 8) {
    size_t count[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++) count[from[i] >> shift & 255]++;
    if (count[from[0] >> shift & 255] == n) continue;
    for (int b = 0; b < 256; b++) {
      size_t here = count[b];
      count[b] = sum;
      sum += here;
    }
    for (size_t i = 0; i < n; i++) to[count[from[i] >> shift & 255]++] = from[i];
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != keys) memcpy(keys, from, n * sizeof *keys);
}

static size_t map_labels(const struct examples *x, const struct corpus_text *text, uint32_t *labels) {
  size_t n = 0;
  for (size_t i = 0; i < text->label_count; i++)
    if (x->label_map[text->labels[i]] >= 0) labels[n++] = (uint32_t)x->label_map[text->labels[i]];
  return n;
}

static void find_starts(const uint32_t *ids, size_t n, uint32_t *starts) {
  uint32_t count[EXAMPLE_PARTS] = {0};
  for (size_t i = 0; i < n; i++) count[ids[i] % EXAMPLE_PARTS]++;
  starts[0] = 0;
  for (int p = 0; p < EXAMPLE_PARTS; p++) starts[p + 1] = starts[p] + count[p];
}

static int keep(struct building *b, struct spool *spool, uint64_t offset, struct example *room, bool *kept, struct err *e) {
  struct corpus_text text = corpus_text(b->x->corpus, offset);
  GROW(room->label_room, room->label_capacity, text.label_count);
  uint32_t head[2] = {(uint32_t)map_labels(b->x, &text, room->label_room), 0};
  *kept = false;
  if (head[0] == 0) return 0;
  fasttext_line_read(b->x->m, text.text, &room->line);
  size_t n = room->line.count;
  if (n == 0) return 0;
  *kept = true;
  head[1] = (uint32_t)n;
  uint32_t *ids = room->line.ids;
  GROW(room->room, room->room_capacity, n);
  for (size_t i = 0; i < n; i++) ids[i] = part_first(ids[i]);
  sort_keys(ids, n, room->room);
  for (size_t i = 0; i < n; i++) ids[i] = row_again(ids[i]);
  if (spool_append(spool, head, sizeof head, e) != 0 || spool_append(spool, room->label_room, head[0] * sizeof(uint32_t), e) != 0) return -1;
  if (n >= EXAMPLE_LARGE) {
    uint32_t starts[EXAMPLE_PARTS + 1];
    find_starts(ids, n, starts);
    if (spool_append(spool, starts, sizeof starts, e) != 0) return -1;
  }
  return spool_append(spool, ids, n * sizeof *ids, e) != 0 ? -1 : spool_align(spool, e);
}

static void build(void *context, int index, size_t begin, size_t end) {
  struct building *b = context;
  struct examples *x = b->x;
  struct err *e = &b->errors[index];
  struct spool *spool = &x->spools[index];
  struct example room = {0};
  b->begin[index] = begin;
  b->failed[index] = spool_open(spool, b->folder, e) != 0;
  for (size_t i = begin; i < end && !b->failed[index]; i++) {
    uint64_t offset = spool->written;
    bool kept;
    b->failed[index] = keep(b, spool, x->corpus->train[i], &room, &kept, e) != 0;
    if (kept) x->place[begin + b->kept[index]++] = (uint64_t)index << PLACE_BITS | offset;
  }
  if (!b->failed[index]) b->failed[index] = spool_map(spool, e) != 0;
  example_release(&room);
}

static int keep_all(struct examples *x, int jobs, const char *folder, struct err *e) {
  size_t n = (size_t)jobs;
  struct building b = {x, folder, NEW_ARRAY(size_t, n), NEW_ARRAY(size_t, n), NEW_ARRAY(struct err, n), NEW_ARRAY(bool, n)};
  x->spools = NEW_ARRAY(struct spool, n);
  x->spool_count = jobs;
  threads_ranges(jobs, x->corpus->train_count, build, &b);
  int result = 0;
  for (int i = 0; i < jobs; i++) {
    if (b.failed[i] && result == 0) {
      *e = b.errors[i];
      result = -1;
    }
    memmove(x->place + x->count, x->place + b.begin[i], b.kept[i] * sizeof *x->place);
    x->count += b.kept[i];
  }
  free(b.kept);
  free(b.begin);
  free(b.errors);
  free(b.failed);
  return result;
}

int32_t *examples_label_map(const struct fasttext *m, const struct corpus *c) {
  int32_t *map = NEW_ARRAY(int32_t, c->label_count + 1);
  const struct hashmap_entry *entries = hashmap_entries(c->labels);
  for (size_t i = 0; i < c->label_count; i++) {
    int64_t entry = fasttext_find(m, entries[i].key.data, entries[i].key.len, fasttext_hash(entries[i].key.data, entries[i].key.len));
    map[i] = entry >= m->words ? (int32_t)(entry - m->words) : -1;
  }
  return map;
}

int examples_new(struct examples *x, const struct fasttext *m, const struct corpus *c, int jobs, const char *folder, struct err *e) {
  *x = (struct examples){.m = m, .corpus = c, .kept = m->args.maxn <= 0};
  x->label_map = examples_label_map(m, c);
  x->place = NEW_ARRAY(uint64_t, c->train_count + 1);
  if (x->kept) return keep_all(x, jobs, folder, e);
  for (size_t i = 0; i < c->train_count; i++) {
    struct corpus_text text = corpus_text(c, c->train[i]);
    bool known = false;
    for (size_t l = 0; l < text.label_count; l++) known |= x->label_map[text.labels[l]] >= 0;
    if (known) x->place[x->count++] = c->train[i];
  }
  return 0;
}

void examples_release(struct examples *x) {
  for (int i = 0; i < x->spool_count; i++) spool_release(&x->spools[i]);
  free(x->spools);
  free(x->place);
  free(x->label_map);
  *x = (struct examples){0};
}

/* ---- reading */

static const uint32_t *record(const struct examples *x, uint64_t place) {
  return (const uint32_t *)(const void *)(x->spools[place >> PLACE_BITS].data + (place & (((uint64_t)1 << PLACE_BITS) - 1)));
}

size_t examples_size(const struct examples *x, uint64_t place) {
  if (x->kept) return record(x, place)[1];
  return corpus_text(x->corpus, place).text.len * (size_t)(x->m->args.maxn - x->m->args.minn + 1);
}

uint32_t examples_label(const struct examples *x, uint64_t place) {
  if (x->kept) return record(x, place)[2];
  struct corpus_text text = corpus_text(x->corpus, place);
  for (size_t i = 0;; i++)
    if (x->label_map[text.labels[i]] >= 0) return (uint32_t)x->label_map[text.labels[i]];
}

void example_read(const struct examples *x, uint64_t place, struct example *to) {
  to->by_part = to->starts = NULL;
  if (x->kept) {
    const uint32_t *head = record(x, place);
    to->labels = head + 2;
    to->label_count = head[0];
    to->ids = head + 2 + head[0];
    to->count = head[1];
    if (example_large(to)) {
      to->starts = to->ids;
      to->by_part = to->ids += EXAMPLE_PARTS + 1;
    }
    return;
  }
  struct corpus_text text = corpus_text(x->corpus, place);
  GROW(to->label_room, to->label_capacity, text.label_count);
  to->labels = to->label_room;
  to->label_count = map_labels(x, &text, to->label_room);
  fasttext_line_read(x->m, text.text, &to->line);
  to->ids = to->line.ids;
  to->count = to->line.count;
}

void example_split(const struct examples *x, struct example *e) {
  if (e->by_part) return;
  find_starts(e->ids, e->count, e->own_starts);
  e->starts = e->own_starts;
  e->by_part = e->ids;
  if (x->kept) return;
  uint32_t next[EXAMPLE_PARTS];
  GROW(e->room, e->room_capacity, e->count);
  memcpy(next, e->starts, sizeof next);
  for (size_t i = 0; i < e->count; i++) e->room[next[e->ids[i] % EXAMPLE_PARTS]++] = e->ids[i];
  e->by_part = e->room;
}

void example_release(struct example *e) {
  fasttext_line_release(&e->line);
  free(e->room);
  free(e->label_room);
  *e = (struct example){0};
}
