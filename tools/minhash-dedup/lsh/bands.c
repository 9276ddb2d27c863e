/* SPDX-License-Identifier: MIT
 *
 * Partitions are chains of chunks in one scratch log.  Keys are hashes, so a partition is sorted in linear time: one
 * counting pass on as many leading bits as there are records, then insertion within cells that hold about one.
 */
#include "tools/minhash-dedup/lsh/bands.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/threads.h"
#include "common/io/scratch.h"

enum { RANGE_BITS = 4, RANGES = 1 << RANGE_BITS, RECORD = 12, CHUNK = RECORD * 1365 };

struct partition {
  struct buffer chunk; /* the last one, not yet full */
  uint64_t *offsets;   /* of the full ones in the log */
  size_t count, capacity;
};

struct bands {
  int count;
  size_t memory;
  struct scratch log;
  struct partition *partitions; /* count x RANGES */
};

struct record {
  uint64_t key;
  uint32_t document;
};

struct bands *bands_new(int count, size_t memory, const char *folder) {
  struct bands *b = NEW(struct bands);
  b->count = count;
  b->memory = memory;
  scratch_init(&b->log, memory, folder);
  b->partitions = NEW_ARRAY(struct partition, (size_t)count * RANGES);
  return b;
}

void bands_free(struct bands *b) {
  if (!b) return;
  for (size_t i = 0; i < (size_t)b->count * RANGES; i++) {
    buffer_release(&b->partitions[i].chunk);
    free(b->partitions[i].offsets);
  }
  free(b->partitions);
  scratch_release(&b->log);
  free(b);
}

int bands_add(struct bands *b, uint32_t document, const uint64_t *keys, struct err *e) {
  for (int band = 0; band < b->count; band++) {
    struct partition *p = &b->partitions[(size_t)band * RANGES + (keys[band] >> (64 - RANGE_BITS))];
    char record[RECORD];
    memcpy(record, &keys[band], 8);
    memcpy(record + 8, &document, 4);
    buffer_append(&p->chunk, record, RECORD);
    if (p->chunk.len < CHUNK) continue;
    GROW(p->offsets, p->capacity, p->count + 1);
    p->offsets[p->count++] = scratch_length(&b->log);
    if (scratch_append(&b->log, p->chunk.data, CHUNK, e) != 0) return -1;
    buffer_clear(&p->chunk);
  }
  return 0;
}

static int bits_for(size_t n) {
  int bits = 0;
  while (bits < 20 && ((size_t)1 << bits) < n) bits++;
  return bits;
}

static int by_key(const void *x, const void *y) {
  const struct record *a = x, *b = y;
  return a->key != b->key ? (a->key > b->key) - (a->key < b->key) : (a->document > b->document) - (a->document < b->document);
}

static int by_value(const void *x, const void *y) {
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return (a > b) - (a < b);
}

/* A cell of hashes holds a few; one that somebody filled on purpose, or with equal keys, must not cost n^2. */
enum { INSERTION_MOST = 32 };

static void sort_cell_records(struct record *r, size_t n) {
  if (n > INSERTION_MOST) {
    qsort(r, n, sizeof *r, by_key);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    struct record one = r[i];
    size_t k = i;
    for (; k > 0 && r[k - 1].key > one.key; k--) r[k] = r[k - 1];
    r[k] = one;
  }
}

static void sort_cell_values(uint64_t *values, size_t n) {
  if (n > INSERTION_MOST) {
    qsort(values, n, sizeof *values, by_value);
    return;
  }
  for (size_t i = 1; i < n; i++) {
    uint64_t one = values[i];
    size_t k = i;
    for (; k > 0 && values[k - 1] > one; k--) values[k] = values[k - 1];
    values[k] = one;
  }
}

/* Records come by ascending document and equal keys keep that order. */
static void sort_records(struct record *to, const struct record *from, size_t n) {
  int bits = bits_for(n);
  size_t cells = (size_t)1 << bits;
  size_t *end = NEW_ARRAY(size_t, cells + 1); /* of each cell, once all are placed */
#define CELL(key) (bits ? (size_t)((key) << RANGE_BITS >> (64 - bits)) : 0)
  for (size_t i = 0; i < n; i++) end[CELL(from[i].key) + 1]++;
  for (size_t c = 0; c < cells; c++) end[c + 1] += end[c];
  for (size_t i = 0; i < n; i++) to[end[CELL(from[i].key)]++] = from[i];
#undef CELL
  for (size_t c = 0, begin = 0; c < cells; begin = end[c++]) sort_cell_records(to + begin, end[c] - begin);
  free(end);
}

void sort_spread(uint64_t *values, uint64_t *room, size_t n) {
  if (n <= INSERTION_MOST) {
    sort_cell_values(values, n);
    return;
  }
  int bits = bits_for(n);
  size_t cells = (size_t)1 << bits;
  size_t *end = NEW_ARRAY(size_t, cells + 1);
  for (size_t i = 0; i < n; i++) end[(values[i] >> (64 - bits)) + 1]++;
  for (size_t c = 0; c < cells; c++) end[c + 1] += end[c];
  for (size_t i = 0; i < n; i++) room[end[values[i] >> (64 - bits)]++] = values[i];
  for (size_t c = 0, begin = 0; c < cells; begin = end[c++]) sort_cell_values(room + begin, end[c] - begin);
  memcpy(values, room, n * sizeof *values);
  free(end);
}

struct sorting {
  struct bands *bands;
  size_t first;           /* partition of thread 0 */
  struct record **sorted; /* one array a thread */
  size_t *counts;
  struct record **loaded;
};

static size_t partition_size(const struct partition *p) { return (p->count * CHUNK + p->chunk.len) / RECORD; }

static void sort_partition(void *context, int index) {
  struct sorting *s = context;
  if (s->counts[index] > 0) sort_records(s->sorted[index], s->loaded[index], s->counts[index]);
}

static void unpack(struct record *to, const char *from, size_t n) {
  for (size_t i = 0; i < n; i++) {
    memcpy(&to[i].key, from + i * RECORD, 8);
    memcpy(&to[i].document, from + i * RECORD + 8, 4);
  }
}

static int load(struct bands *b, const struct partition *p, struct record *to, struct buffer *room, struct err *e) {
  for (size_t i = 0; i < p->count; i++, to += CHUNK / RECORD) {
    const void *chunk;
    if (scratch_read(&b->log, p->offsets[i], CHUNK, room, &chunk, e) != 0) return -1;
    unpack(to, chunk, CHUNK / RECORD);
  }
  unpack(to, p->chunk.data, p->chunk.len / RECORD);
  return 0;
}

static int emit(const struct record *r, size_t n, uint32_t **documents, size_t *capacity, int (*take)(void *, const uint32_t *, size_t, struct err *), void *context, struct err *e) {
  for (size_t i = 0, end; i < n; i = end) {
    for (end = i + 1; end < n && r[end].key == r[i].key; end++) continue;
    if (end - i < 2) continue;
    GROW(*documents, *capacity, end - i);
    for (size_t k = i; k < end; k++) (*documents)[k - i] = r[k].document;
    if (take(context, *documents, end - i, e) != 0) return -1;
  }
  return 0;
}

int bands_buckets(struct bands *b, int jobs, int (*take)(void *, const uint32_t *, size_t, struct err *), void *context, struct err *e) {
  size_t total = (size_t)b->count * RANGES, largest = 1, capacity = 0;
  for (size_t i = 0; i < total; i++)
    if (partition_size(&b->partitions[i]) > largest) largest = partition_size(&b->partitions[i]);
  size_t fit = b->memory / (largest * 2 * sizeof(struct record)); /* partitions at once */
  int threads = jobs < 1 || fit < 1 ? 1 : (size_t)jobs > fit ? (int)fit : jobs;
  struct sorting s = {b, 0, NEW_ARRAY(struct record *, threads), NEW_ARRAY(size_t, threads), NEW_ARRAY(struct record *, threads)};
  for (int t = 0; t < threads; t++) s.sorted[t] = NEW_ARRAY(struct record, largest), s.loaded[t] = NEW_ARRAY(struct record, largest);
  struct buffer room = {0};
  uint32_t *documents = NULL;
  int result = 0;
  for (s.first = 0; s.first < total && result == 0; s.first += (size_t)threads) {
    for (int t = 0; t < threads && result == 0; t++) {
      size_t at = s.first + (size_t)t;
      s.counts[t] = at < total ? partition_size(&b->partitions[at]) : 0;
      if (s.counts[t]) result = load(b, &b->partitions[at], s.loaded[t], &room, e);
    }
    if (result == 0) threads_run(threads, sort_partition, &s);
    for (int t = 0; t < threads && result == 0; t++) result = emit(s.sorted[t], s.counts[t], &documents, &capacity, take, context, e);
  }
  for (int t = 0; t < threads; t++) free(s.sorted[t]), free(s.loaded[t]);
  free(s.sorted);
  free(s.loaded);
  free(s.counts);
  free(documents);
  buffer_release(&room);
  return result;
}
