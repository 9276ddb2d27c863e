/* SPDX-License-Identifier: MIT
 *
 * In memory: American flag sort (McIlroy, Bostic, McIlroy 1993), most significant byte first, in place, with insertion
 * sort for small ranges and a stack of ranges of its own; bytes that all records of a range share cost one reading of them.
 * Compiled once for each usual record size, where a swap is two or four moves, and once for any.
 */
#include "common/io/record_sort.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/threads.h"
#include "common/io/output.h"

/* ---- in memory */

enum { INSERTION_MOST = 24, SWAP = 64 };

struct range {
  size_t begin, count, depth; /* records; bytes that all of them share */
};

struct ranges {
  struct range *all;
  size_t count, capacity;
};

#define INLINE static inline __attribute__((always_inline))

INLINE void copy_record(char *to, const char *from, size_t size) { memcpy(to, from, size); }

INLINE void swap_records(char *a, char *b, size_t size) {
  char room[SWAP];
  while (size > SWAP) {
    memcpy(room, a, SWAP);
    memcpy(a, b, SWAP);
    memcpy(b, room, SWAP);
    a += SWAP;
    b += SWAP;
    size -= SWAP;
  }
  memcpy(room, a, size);
  memcpy(a, b, size);
  memcpy(b, room, size);
}

INLINE uint64_t big_endian(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return __builtin_bswap64(word);
}

INLINE bool before(const char *a, const char *b, size_t size) {
  if (size % 8 || size > 32) return memcmp(a, b, size) < 0;
  for (size_t i = 0; i < size; i += 8) {
    uint64_t x = big_endian(a + i), y = big_endian(b + i);
    if (x != y) return x < y;
  }
  return false;
}

INLINE void insertion(char *r, size_t n, size_t size, char *room) {
  for (size_t i = 1; i < n; i++) {
    if (!before(r + i * size, r + (i - 1) * size, size)) continue;
    copy_record(room, r + i * size, size);
    size_t k = i;
    do {
      copy_record(r + k * size, r + (k - 1) * size, size);
      k--;
    } while (k > 0 && before(room, r + (k - 1) * size, size));
    copy_record(r + k * size, room, size);
  }
}

/* Splits a range by its next byte in which records differ; what has yet to be sorted goes to `todo`. */
INLINE void split(char *records, struct range range, size_t size, struct ranges *todo) {
  char *r = records + range.begin * size;
  for (; range.depth < size; range.depth++) {
    size_t count[256] = {0}, next[256], end[256];
    const char *byte = r + range.depth;
    for (size_t i = 0; i < range.count; i++) count[(unsigned char)byte[i * size]]++;
    if (count[(unsigned char)*byte] == range.count) continue;
    size_t at = 0;
    for (int c = 0; c < 256; c++) {
      next[c] = at;
      end[c] = at += count[c];
    }
    for (int c = 0; c < 256; c++)
      while (next[c] < end[c]) {
        unsigned char to = (unsigned char)byte[next[c] * size];
        if (to == c) {
          next[c]++;
        } else {
          char *place = r + next[to]++ * size;
          __builtin_prefetch(place + 4 * size, 1); /* 256 streams are more than the hardware follows */
          swap_records(r + next[c] * size, place, size);
        }
      }
    for (int c = 0; c < 256; c++) {
      if (count[c] < 2) continue;
      GROW(todo->all, todo->capacity, todo->count + 1);
      todo->all[todo->count++] = (struct range){range.begin + end[c] - count[c], count[c], range.depth + 1};
    }
    return;
  }
}

INLINE void sort_ranges(char *records, struct range first, size_t size) {
  struct ranges todo = {0};
  char fixed[SWAP], *room = size > SWAP ? MALLOC(size) : fixed;
  GROW(todo.all, todo.capacity, 1024);
  todo.all[todo.count++] = first;
  while (todo.count) {
    struct range range = todo.all[--todo.count];
    if (range.count <= INSERTION_MOST) insertion(records + range.begin * size, range.count, size, room);
    else split(records, range, size, &todo);
  }
  free(todo.all);
  if (room != fixed) free(room);
}

static void sort_range(char *records, struct range range, size_t size) {
  switch (size) {
    case 8: sort_ranges(records, range, 8); break;
    case 12: sort_ranges(records, range, 12); break;
    case 16: sort_ranges(records, range, 16); break;
    case 24: sort_ranges(records, range, 24); break;
    default: sort_ranges(records, range, size);
  }
}

struct shared_sort {
  char *records;
  size_t size;
  struct ranges ranges;
  _Atomic size_t next;
};

static void sort_shared(void *context, int index) {
  struct shared_sort *s = context;
  (void)index;
  for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->ranges.count;) sort_range(s->records, s->ranges.all[i], s->size);
}

void record_sort_array(void *records, size_t n, size_t size, int jobs) {
  struct shared_sort s = {records, size};
  struct range all = {0, n, 0};
  if (jobs > 1 && n > 1 << 14) {
    split(records, all, size, &s.ranges);
    threads_run(jobs, sort_shared, &s);
  } else {
    sort_range(records, all, size);
  }
  free(s.ranges.all);
}

/* ---- runs */

enum { READ_BUFFER = 64 << 10, WRITE_MOST = 8 << 20, FAN_MOST = 4096, RECORDS_LEAST = 16 };

struct run {
  uint64_t offset, count;
};

struct runs { /* one scratch file */
  int fd;     /* 0: none yet */
  uint64_t length;
  struct run *all;
  size_t count, capacity;
};

struct source { /* a run being read */
  char *buffer;
  size_t at, length;
  uint64_t offset, left; /* bytes not yet read */
  uint64_t prefix;       /* of the record at hand, its first 8 bytes */
  bool ended;
};

struct merge {
  struct source *sources;
  size_t count;
  size_t *losers; /* [0]: the winner */
  size_t read_size;
  bool started;
};

struct record_sort {
  size_t size, memory;
  const char *folder;
  char *records;
  size_t count, capacity, limit, at;
  uint64_t added, spilled;
  struct runs runs;
  struct merge merge;
};

struct record_sort *record_sort_new(size_t record_size, size_t memory, const char *folder) {
  struct record_sort *s = NEW(struct record_sort);
  s->size = record_size;
  s->memory = memory;
  s->folder = folder;
  s->limit = memory / record_size > RECORDS_LEAST ? memory / record_size : RECORDS_LEAST;
  return s;
}

static void merge_release(struct merge *m) {
  for (size_t i = 0; i < m->count; i++) free(m->sources[i].buffer);
  free(m->sources);
  free(m->losers);
  *m = (struct merge){0};
}

static void runs_release(struct runs *r) {
  if (r->fd > 0) close(r->fd);
  free(r->all);
  *r = (struct runs){0};
}

void record_sort_free(struct record_sort *s) {
  if (!s) return;
  merge_release(&s->merge);
  runs_release(&s->runs);
  free(s->records);
  free(s);
}

uint64_t record_sort_count(const struct record_sort *s) { return s->added; }
uint64_t record_sort_spilled(const struct record_sort *s) { return s->spilled; }

static int runs_write(struct record_sort *s, struct runs *r, const char *data, size_t n, struct err *e) {
  if (r->fd == 0) {
    int fd = output_scratch(s->folder, e);
    if (fd < 0) return -1;
    r->fd = fd;
  }
  while (n) {
    ssize_t done = pwrite(r->fd, data, n < WRITE_MOST ? n : WRITE_MOST, (off_t)r->length);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return err_errno(e, "cannot write a scratch file; -T names a folder with more room");
    data += done;
    n -= (size_t)done;
    r->length += (uint64_t)done;
    s->spilled += (uint64_t)done;
  }
  return 0;
}

static void runs_begin(struct runs *r) {
  GROW(r->all, r->capacity, r->count + 1);
  r->all[r->count++] = (struct run){r->length, 0};
}

static int spill(struct record_sort *s, int jobs, struct err *e) {
  record_sort_array(s->records, s->count, s->size, jobs);
  runs_begin(&s->runs);
  s->runs.all[s->runs.count - 1].count = s->count;
  int result = runs_write(s, &s->runs, s->records, s->count * s->size, e);
  s->count = 0;
  return result;
}

int record_sort_add(struct record_sort *s, const void *record, struct err *e) {
  if (s->count == s->capacity) {
    if (s->count == s->limit) {
      if (spill(s, 1, e) != 0) return -1;
    } else {
      size_t more = s->capacity < 1024 ? 1024 : 2 * s->capacity;
      s->capacity = more < s->limit ? more : s->limit;
      s->records = memory_realloc(s->records, s->capacity, s->size, __FILE__, __LINE__);
    }
  }
  memcpy(s->records + s->count++ * s->size, record, s->size);
  s->added++;
  return 0;
}

/* ---- merging */

static void take_prefix(const struct record_sort *s, struct source *source) {
  char first[8] = {0};
  memcpy(first, source->buffer + source->at, s->size < 8 ? s->size : 8);
  source->prefix = big_endian(first);
}

/* More of a run behind its last record. */
static int fill(struct record_sort *s, struct merge *m, struct source *source, struct err *e) {
  size_t want = source->left < m->read_size ? (size_t)source->left : m->read_size;
  source->at = source->length = 0;
  source->ended = want == 0;
  while (source->length < want) {
    ssize_t got = pread(s->runs.fd, source->buffer + source->length, want - source->length, (off_t)source->offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "cannot read a scratch file");
    if (got == 0) return err_set(e, "a scratch file is shorter than what was written to it");
    source->length += (size_t)got;
    source->offset += (uint64_t)got;
    source->left -= (uint64_t)got;
  }
  if (!source->ended) take_prefix(s, source);
  return 0;
}

/* Whether the record of source i goes before that of j. */
static bool wins(const struct record_sort *s, const struct merge *m, size_t i, size_t j) {
  const struct source *a = &m->sources[i], *b = &m->sources[j];
  if (a->ended || b->ended) return b->ended && (!a->ended || i < j);
  if (a->prefix != b->prefix) return a->prefix < b->prefix;
  int order = s->size > 8 ? memcmp(a->buffer + a->at + 8, b->buffer + b->at + 8, s->size - 8) : 0;
  return order ? order < 0 : i < j;
}

/* Plays source i up from its leaf. */
static void replay(const struct record_sort *s, struct merge *m, size_t i) {
  for (size_t node = (i + m->count) / 2; node > 0; node /= 2)
    if (wins(s, m, m->losers[node], i)) {
      size_t loser = i;
      i = m->losers[node];
      m->losers[node] = loser;
    }
  m->losers[0] = i;
}

static int merge_begin(struct record_sort *s, struct merge *m, const struct run *runs, size_t count, struct err *e) {
  size_t share = s->memory / (count + 1) / s->size;
  *m = (struct merge){NEW_ARRAY(struct source, count), count, NEW_ARRAY(size_t, count + 1), (share > RECORDS_LEAST ? share : RECORDS_LEAST) * s->size, false};
  for (size_t i = 0; i < count; i++) {
    struct source *source = &m->sources[i];
    source->offset = runs[i].offset;
    source->left = runs[i].count * s->size;
    source->buffer = MALLOC(source->left < m->read_size ? (size_t)source->left : m->read_size);
    if (fill(s, m, source, e) != 0) return -1;
  }
  /* every node's winner, from the leaves up; then each keeps the other one */
  size_t *winner = NEW_ARRAY(size_t, 2 * count);
  for (size_t i = 0; i < count; i++) winner[count + i] = i;
  for (size_t node = count - 1; node > 0; node--) {
    size_t a = winner[2 * node], b = winner[2 * node + 1];
    bool first = wins(s, m, a, b);
    winner[node] = first ? a : b;
    m->losers[node] = first ? b : a;
  }
  m->losers[0] = winner[1];
  free(winner);
  return 0;
}

/* The record given last stays where it is until the next call. */
static int merge_next(struct record_sort *s, struct merge *m, const char **record, struct err *e) {
  struct source *source = &m->sources[m->losers[0]];
  if (m->started) {
    source->at += s->size;
    if (source->at < source->length) take_prefix(s, source);
    else if (fill(s, m, source, e) != 0) return -1;
    replay(s, m, m->losers[0]);
    source = &m->sources[m->losers[0]];
  }
  m->started = true;
  if (source->ended) {
    m->started = false;
    return 0;
  }
  *record = source->buffer + source->at;
  return 1;
}

static int merge_into(struct record_sort *s, struct runs *to, const struct run *runs, size_t count, struct err *e) {
  struct merge m = {0};
  int more = merge_begin(s, &m, runs, count, e);
  size_t room = m.read_size, used = 0;
  char *buffer = MALLOC(room);
  const char *record;
  runs_begin(to);
  while (more == 0 && (more = merge_next(s, &m, &record, e)) > 0) {
    memcpy(buffer + used, record, s->size);
    used += s->size;
    to->all[to->count - 1].count++;
    more = 0;
    if (used < room) continue;
    more = runs_write(s, to, buffer, used, e);
    used = 0;
  }
  if (more == 0) more = runs_write(s, to, buffer, used, e);
  free(buffer);
  merge_release(&m);
  return more;
}

/* One pass over all runs: as few merges as bring them down to `fan`, or merges of `fan`. */
static int merge_pass(struct record_sort *s, size_t fan, struct err *e) {
  struct runs to = {0};
  int result = 0;
  for (size_t i = 0; i < s->runs.count && result == 0; i += fan) {
    size_t count = s->runs.count - i < fan ? s->runs.count - i : fan;
    result = merge_into(s, &to, s->runs.all + i, count, e);
  }
  runs_release(&s->runs);
  s->runs = to;
  return result;
}

int record_sort_finish(struct record_sort *s, int jobs, struct err *e) {
  if (s->runs.count == 0) {
    record_sort_array(s->records, s->count, s->size, jobs);
    return 0;
  }
  if (s->count > 0 && spill(s, jobs, e) != 0) return -1;
  free(s->records);
  s->records = NULL;
  s->count = s->capacity = 0;
  size_t buffer = READ_BUFFER > RECORDS_LEAST * s->size ? READ_BUFFER : RECORDS_LEAST * s->size;
  size_t fan = s->memory / buffer;
  fan = fan < 3 ? 2 : fan - 1 < FAN_MOST ? fan - 1 : FAN_MOST;
  while (s->runs.count > fan)
    if (merge_pass(s, fan, e) != 0) return -1;
  return merge_begin(s, &s->merge, s->runs.all, s->runs.count, e);
}

int record_sort_next(struct record_sort *s, const void **record, struct err *e) {
  if (s->merge.count > 0) return merge_next(s, &s->merge, (const char **)record, e);
  if (s->at == s->count) return 0;
  *record = s->records + s->at++ * s->size;
  return 1;
}
