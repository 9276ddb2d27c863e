/* SPDX-License-Identifier: MIT
 *
 * Merging goes by epochs.  An epoch has a threshold: only pairs of at least that count are in its table, each with its list of
 * records (postings); all others cannot be the best pair before those are used up, since the count of a pair never grows after the
 * merge that makes the later of its two symbols.  So rare pairs, nearly all of them, cost neither memory nor time.
 *
 * An epoch starts with a walk over the records: sums by hash of pair give upper bounds (a table of sums, no keys), pairs that
 * may reach the threshold are counted exactly (where they are too many for the room, one part of the hashes after the other), those that
 * do reach it get their lists, of exactly the size needed.  A heap holds
 * them by (count, tie); counts that have fallen since are corrected when an entry comes up.  A merge rewrites the symbols of the
 * records in its list, and sums what it takes from and adds to pairs by neighbour, in arrays indexed by symbol; afterwards each
 * neighbour's pairs are looked up once, and the new pairs that reach the threshold get their lists by a second walk over the same
 * records.  When no pair reaches the threshold, or lists and tables have used up their room, the next epoch starts, with superfluous
 * symbols left out.  A pair whose list alone is beyond the room (postings POSTINGS_NONE) is merged by a walk over all records.
 */
#include "tools/bpe-train/merges.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/memory.h"
#include "common/token/bpe.h"
#include "tools/bpe-train/merges_pairs.h"
#include "tools/bpe-train/merges_symbols.h"

enum {
  AHEAD = 6,             /* records are fetched that many before they are merged */
  WALK = 4096,           /* records at a time when there is no list */
  SKETCH_BITS = 24,
  PART_SHIFT = 32,       /* neither the bits that the table goes by nor, in a small sketch, its own */
  PARTS_MOST = 64,
  FIRST_SHARE = 256,     /* the first epoch ends at that part of the best pair's count */
  POSTINGS_SLACK = 1 << 16,
};

struct entry { /* of the heap; the count may be out of date, then it is too large */
  uint64_t count;
  uint32_t left, right;
};

struct delta { /* what a merge does to the pairs with one neighbour */
  uint64_t count;  /* 0: not met */
  uint64_t places; /* how many records of the new pair at most; then where its next posting goes */
};
#define NOWHERE UINT64_MAX

struct merge {
  uint32_t left, right, made;
  struct delta *before, *after; /* by symbol: left neighbours, right neighbours */
  uint32_t *before_met, *after_met;
  size_t before_count, after_count;
  struct delta twins;           /* (made, made), taken from (right, left) */
};

struct trainer {
  enum tie tie;
  struct vocab *v;
  struct symbols symbols;
  struct pair_table table;
  uint64_t threshold, done, least; /* of this epoch; all pairs of at least `done` are merged; the last one there can be */
  uint32_t *postings;
  size_t postings_count, postings_size; /* used; room */
  struct entry *heap;
  size_t heap_count, heap_capacity;
  struct merge merge;
  size_t memory;
  unsigned parts; /* of the hashes, in which the last epoch counted */
  bool continues; /* there was a vocabulary to start with */
};

/* ---- heap ----------------------------------------------------------------------------------------------------------- */

static int compare_bytes(const struct trainer *t, uint32_t x, uint32_t y) {
  struct slice a = vocab_bytes(t->v, x), b = vocab_bytes(t->v, y);
  int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static bool before(const struct trainer *t, const struct entry *a, const struct entry *b) {
  if (a->count != b->count) return a->count > b->count;
  if (t->tie == TIE_LEXICAL) {
    int c = a->left == b->left ? 0 : compare_bytes(t, a->left, b->left);
    if (c == 0) c = compare_bytes(t, a->right, b->right);
    return c > 0;
  }
  return a->left != b->left ? a->left < b->left : a->right < b->right;
}

static void heap_push(struct trainer *t, struct entry x) {
  GROW(t->heap, t->heap_capacity, t->heap_count + 1);
  size_t i = t->heap_count++;
  for (; i > 0 && before(t, &x, &t->heap[(i - 1) / 2]); i = (i - 1) / 2) t->heap[i] = t->heap[(i - 1) / 2];
  t->heap[i] = x;
}

/* Puts x at i, whose entry is free, or below. */
static void heap_sink(struct trainer *t, size_t i, struct entry x) {
  for (size_t child; (child = 2 * i + 1) < t->heap_count; i = child) {
    if (child + 1 < t->heap_count && before(t, &t->heap[child + 1], &t->heap[child])) child++;
    if (!before(t, &t->heap[child], &x)) break;
    t->heap[i] = t->heap[child];
  }
  t->heap[i] = x;
}

static void heap_drop(struct trainer *t) {
  struct entry last = t->heap[--t->heap_count];
  if (t->heap_count) heap_sink(t, 0, last);
}

/* All pairs of the table, in any order. */
static void heap_fill(struct trainer *t) {
  const struct pair_table *table = &t->table;
  t->heap_count = 0;
  for (size_t k = 0; k <= table->mask; k++) {
    if (table->keys[k] == PAIR_EMPTY) continue;
    GROW(t->heap, t->heap_capacity, t->heap_count + 1);
    t->heap[t->heap_count++] = (struct entry){table->entries[k].count, (uint32_t)(table->keys[k] >> 32), (uint32_t)table->keys[k]};
  }
}

static void heap_order(struct trainer *t) {
  for (size_t i = t->heap_count / 2; i-- > 0;) heap_sink(t, i, t->heap[i]);
}

static int by_rank(const void *x, const void *y, void *context) { return before(context, x, y) ? -1 : before(context, y, x); }

/* Takes the best pair of at least the threshold out of the heap. */
static bool heap_best(struct trainer *t, struct entry *best, struct pair_entry **pair) {
  while (t->heap_count && t->heap[0].count >= t->threshold) {
    struct entry top = t->heap[0];
    struct pair_entry *p = pair_table_find(&t->table, pair_key(top.left, top.right));
    if (p->count == top.count) {
      heap_drop(t);
      *best = top;
      *pair = p;
      return true;
    }
    top.count = p->count;
    if (top.count < t->threshold) heap_drop(t);
    else heap_sink(t, 0, top);
  }
  return false;
}

/* ---- the start of an epoch ------------------------------------------------------------------------------------------ */

enum visit { VISIT_SKETCH, VISIT_COUNT, VISIT_POST };

struct scan {
  uint64_t *sketch;
  unsigned shift;      /* of a hash, to a place in the sketch */
  unsigned mask, part; /* of a hash's middle bits: only pairs of this part count */
  size_t found;        /* pairs of the parts before it that reach the threshold */
  bool full;
};

static inline __attribute__((always_inline)) void visit_pair(struct trainer *t, struct scan *c, uint32_t left, uint32_t right, uint64_t weight, uint32_t name, enum visit visit) {
  uint64_t key = pair_key(left, right);
  if (visit == VISIT_POST) {
    struct pair_entry *p = pair_table_find(&t->table, key);
    if (!p || p->start == POSTINGS_NONE) return;
    uint32_t *end = t->postings + p->start + p->length;
    if (end[-1] == name) return; /* before the first one stands a mark */
    *end = name;
    p->length++;
    return;
  }
  uint64_t hash = pair_hash(key), *sum = &c->sketch[hash >> c->shift];
  if ((hash >> PART_SHIFT & c->mask) != c->part) return;
  if (visit == VISIT_SKETCH) {
    *sum += weight;
    return;
  }
  if (*sum < t->threshold) return;
  struct pair_entry *p = pair_table_put(&t->table, key);
  if (!p) {
    c->full = true;
    return;
  }
  p->count += weight;
  if (p->length < UINT32_MAX) p->length++;
}

static inline __attribute__((always_inline)) void scan_records(struct trainer *t, struct scan *c, enum visit visit, const bool wide) {
  const struct symbols *s = &t->symbols;
  uint32_t last = 0, last_name = 0;
  for (size_t at = 0; at < s->end && !c->full;) {
    const struct record *r = (const struct record *)(s->base + at);
    uint64_t weight = symbols_weight(s, r);
    uint32_t name = symbols_name(s, r), left = symbol_get(r, 0, wide);
    at += symbols_stride(s, r->capacity);
    if (r->chain & CHAIN_PREVIOUS) visit_pair(t, c, last, left, weight, last_name, visit);
    for (size_t i = 1; i < r->length; i++) {
      uint32_t right = symbol_get(r, i, wide);
      visit_pair(t, c, left, right, weight, name, visit);
      left = right;
    }
    last = left;
    last_name = name;
    symbols_watch(&t->symbols, 1);
  }
}

static void scan(struct trainer *t, struct scan *c, enum visit visit) {
  bool wide = t->symbols.wide;
  switch (visit) {
  case VISIT_SKETCH: wide ? scan_records(t, c, VISIT_SKETCH, true) : scan_records(t, c, VISIT_SKETCH, false); break;
  case VISIT_COUNT: wide ? scan_records(t, c, VISIT_COUNT, true) : scan_records(t, c, VISIT_COUNT, false); break;
  case VISIT_POST: wide ? scan_records(t, c, VISIT_POST, true) : scan_records(t, c, VISIT_POST, false); break;
  }
}

static size_t power_below(size_t n) {
  size_t p = 1;
  while (p * 2 <= n) p *= 2;
  return p;
}

/* Fills the table with the exact counts of the pairs of at least the threshold, in so many parts; of one part all pairs that may reach
 * it are in the table for a while.  Returns the part at which the table was too small, or `parts`. */
static unsigned count_parts(struct trainer *t, struct scan *c, unsigned parts, size_t limit) {
  c->mask = parts - 1;
  pair_table_reset(&t->table, limit < 1024 ? limit : 1024, limit);
  for (c->part = 0; c->part < parts; c->part++) {
    c->found = t->table.count;
    if (parts > 1) {
      memset(c->sketch, 0, ((size_t)1 << (64 - c->shift)) * sizeof *c->sketch);
      scan(t, c, VISIT_SKETCH);
    }
    scan(t, c, VISIT_COUNT);
    if (c->full) break;
    pair_table_filter(&t->table, t->threshold);
  }
  c->full = false;
  return c->part;
}

/* Fills the table; the threshold rises when the pairs that reach it are too many. */
static void count_pairs(struct trainer *t) {
  /* about a sum for each pair: fewer would let many rare pairs through to the table */
  size_t room = power_below(t->memory / 8 / sizeof(uint64_t)), useful = t->symbols.end / 16;
  unsigned bits = 10;
  while (bits < SKETCH_BITS && (size_t)1 << bits < room && (size_t)1 << bits < useful) bits++;
  struct scan c = {.sketch = NEW_ARRAY(uint64_t, (size_t)1 << bits), .shift = 64 - bits};
  scan(t, &c, VISIT_SKETCH);
  uint64_t most = 0;
  for (size_t i = 0; i < (size_t)1 << bits; i++)
    if (c.sketch[i] > most) most = c.sketch[i];
  if (t->done > most) t->done = most + 1;
  if (!t->threshold) t->threshold = most / FIRST_SHARE;
  if (t->threshold >= t->done) t->threshold = t->done - 1;
  if (t->threshold < t->least) t->threshold = t->least;
  size_t limit = power_below(t->memory / 4 / (sizeof(uint64_t) + sizeof(struct pair_entry)));
  if (limit < 64) limit = 64;
  unsigned parts = t->parts / 2 > 1 ? t->parts / 2 : 1;
  for (unsigned at; (at = count_parts(t, &c, parts, limit)) < parts;) {
    /* Were the pairs that reach the threshold themselves too many, more parts would not help. */
    bool many = at && c.found / at * parts > limit / 2;
    if (parts < PARTS_MOST && !many) parts *= 2;
    else if (t->threshold + 1 >= t->done) limit *= 2; /* the pairs of one count have to be there together */
    else t->threshold += (t->done - t->threshold) / 2;
  }
  t->parts = parts;
  free(c.sketch);
}

struct cost {
  uint64_t count;
  uint32_t places;
};

static int by_count(const void *x, const void *y) {
  const struct cost *a = x, *b = y;
  return a->count > b->count ? -1 : a->count < b->count;
}

/* Raises the threshold until the lists take at most `room`; the lists of the most frequent pairs, if they are all equally frequent, may
 * be too long even so.  Returns what they take, or what those take that fit. */
static size_t fit_postings(struct trainer *t, size_t room) {
  struct pair_table *table = &t->table;
  size_t need = 0;
  for (size_t k = 0; k <= table->mask; k++)
    if (table->keys[k] != PAIR_EMPTY) need += 1 + (size_t)table->entries[k].length;
  if (need <= room) return need;
  struct cost *costs = MALLOC((table->count + 1) * sizeof *costs);
  size_t n = 0, i = 0;
  for (size_t k = 0; k <= table->mask; k++)
    if (table->keys[k] != PAIR_EMPTY) costs[n++] = (struct cost){table->entries[k].count, table->entries[k].length};
  qsort(costs, n, sizeof *costs, by_count);
  for (need = 0; i < n; i++) {
    if (need + 1 + costs[i].places > room) break;
    need += 1 + (size_t)costs[i].places;
  }
  /* all pairs of one count, or none */
  t->threshold = costs[i].count == costs[0].count ? costs[0].count : costs[i].count + 1;
  free(costs);
  pair_table_filter(table, t->threshold);
  return need;
}

static struct pair_entry *entry_pair(const struct trainer *t, const struct entry *x) { return pair_table_find(&t->table, pair_key(x->left, x->right)); }

static void start_epoch(struct trainer *t) {
  if (t->postings) munmap(t->postings, t->postings_size * sizeof *t->postings);
  t->postings = NULL;
  symbols_compact(&t->symbols);
  symbols_reserve(&t->symbols, t->memory / 8 * 3);
  count_pairs(t);
  /* Lists of new pairs take about as much again before the next epoch. */
  size_t most = t->memory / 4 / sizeof *t->postings, need;
  if (most < 64) most = 64;
  if (most > POSTINGS_NONE - 1) most = POSTINGS_NONE - 1;
  need = fit_postings(t, most / 2);
  t->postings_size = need + need / 2 + POSTINGS_SLACK < most ? need + need / 2 + POSTINGS_SLACK : most;
  t->postings = mmap(NULL, t->postings_size * sizeof *t->postings, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (t->postings == MAP_FAILED) t->postings = NULL, t->postings_size = 0; /* every pair walks */
  t->postings_count = 0;
  heap_fill(t);
  size_t all = 0;
  for (size_t i = 0; i < t->heap_count; i++) all += 1 + (size_t)entry_pair(t, &t->heap[i])->length;
  bool fits = all <= most / 2;
  /* The lists of those that come first; once they are merged there is room again, and the next epoch begins (train()). */
  if (fits) heap_order(t);
  else qsort_r(t->heap, t->heap_count, sizeof *t->heap, by_rank, t);
  for (size_t i = 0; i < t->heap_count; i++) {
    struct pair_entry *p = entry_pair(t, &t->heap[i]);
    if (fits || i == 0 || t->postings_count + 1 + p->length <= most / 2) {
      if (p->length < t->postings_size - t->postings_count) {
        t->postings[t->postings_count] = UINT32_MAX;
        p->start = (uint32_t)t->postings_count + 1;
        t->postings_count += 1 + (size_t)p->length;
      }
    }
    p->length = 0;
  }
  symbols_reserve(&t->symbols, 0);
  struct scan c = {0};
  scan(t, &c, VISIT_POST);
}

/* ---- merging -------------------------------------------------------------------------------------------------------- */

static inline void meet(struct delta *d, uint32_t symbol, uint64_t weight, uint32_t *met, size_t *count) {
  if (d[symbol].count == 0) met[(*count)++] = symbol;
  d[symbol].count += weight;
  d[symbol].places++;
}

static inline void meet_before(struct merge *m, uint32_t symbol, uint64_t weight) {
  if (symbol == m->made) m->twins.count += weight, m->twins.places++;
  else meet(m->before, symbol, weight, m->before_met, &m->before_count);
}

static inline void meet_after(struct merge *m, uint32_t symbol, uint64_t weight) { meet(m->after, symbol, weight, m->after_met, &m->after_count); }

/* Neighbours in a chain: the symbol `skip` places behind index i of record r, and the last one of the records before r. */
static uint32_t chain_after(const struct symbols *s, struct record *r, size_t i, size_t skip) {
  for (i += skip; i >= r->length; r = symbols_following(s, r)) {
    if (!(r->chain & CHAIN_NEXT)) return SYMBOL_NONE;
    i -= r->length;
  }
  return symbol_get(r, i, s->wide);
}

static struct record *chain_before(const struct symbols *s, struct record *r) {
  while (r->chain & CHAIN_PREVIOUS) {
    r = symbols_preceding(s, r);
    if (r->length) return r;
  }
  return NULL;
}

static void chain_take_first(const struct symbols *s, struct record *r) {
  do r = symbols_following(s, r);
  while (r->length == 0);
  size_t width = s->wide ? 4 : 2;
  memmove(r + 1, (char *)(r + 1) + width, --r->length * width);
}

static void merge_chain(const struct symbols *s, struct merge *m, struct record *r) {
  uint64_t weight = symbols_weight(s, r);
  size_t n = r->length, first = 0;
  while (first < n && (symbol_get(r, first, s->wide) != m->left || (first + 1 < n && symbol_get(r, first + 1, s->wide) != m->right))) first++;
  size_t to = first;
  for (size_t i = first; i < n;) {
    uint32_t id = symbol_get(r, i, s->wide);
    if (id != m->left || chain_after(s, r, i, 1) != m->right) {
      symbol_set(r, to++, id, s->wide);
      i++;
      continue;
    }
    struct record *earlier = to ? NULL : chain_before(s, r);
    if (to) meet_before(m, symbol_get(r, to - 1, s->wide), weight);
    else if (earlier) meet_before(m, symbol_get(earlier, earlier->length - 1u, s->wide), weight);
    uint32_t next = chain_after(s, r, i, 2);
    if (next != SYMBOL_NONE && !(next == m->left && chain_after(s, r, i, 3) == m->right)) meet_after(m, next, weight);
    symbol_set(r, to++, m->made, s->wide);
    if (i + 1 == n) chain_take_first(s, r);
    i += 2;
  }
  r->length = (uint8_t)to;
}

/* A pair right behind another one is met as its left neighbour, `made`; before that, the first one leaves it out. */
static inline __attribute__((always_inline)) void merge_records(const struct symbols *s, struct merge *m, const uint32_t *list, size_t count, const bool wide) {
  uint32_t left = m->left, right = m->right, made = m->made;
  for (size_t k = 0; k < count; k++) {
    if (k + AHEAD < count) __builtin_prefetch(symbols_record(s, list[k + AHEAD]), 1);
    struct record *r = symbols_record(s, list[k]);
    record_touch(r);
    if (__builtin_expect(r->chain, 0)) {
      merge_chain(s, m, r);
      continue;
    }
    size_t n = r->length, i = 0;
    while (i + 1 < n && (symbol_get(r, i, wide) != left || symbol_get(r, i + 1, wide) != right)) i++;
    if (i + 1 >= n) continue; /* merged away since */
    uint64_t weight = symbols_weight(s, r);
    size_t to = i;
    while (i < n) {
      uint32_t id = symbol_get(r, i, wide);
      if (id != left || i + 1 == n || symbol_get(r, i + 1, wide) != right) {
        symbol_set(r, to++, id, wide);
        i++;
        continue;
      }
      if (to) meet_before(m, symbol_get(r, to - 1, wide), weight);
      if (i + 2 < n) {
        uint32_t next = symbol_get(r, i + 2, wide);
        if (next != left || i + 3 == n || symbol_get(r, i + 3, wide) != right) meet_after(m, next, weight);
      }
      symbol_set(r, to++, made, wide);
      i += 2;
    }
    r->length = (uint8_t)to;
  }
}

static inline void post(struct trainer *t, struct delta *d, uint32_t name) {
  if (d->places != NOWHERE && t->postings[d->places - 1] != name) t->postings[d->places++] = name;
}

static void post_records(struct trainer *t, const uint32_t *list, size_t count) {
  const struct symbols *s = &t->symbols;
  struct merge *m = &t->merge;
  bool wide = s->wide;
  for (size_t k = 0; k < count; k++) {
    if (k + AHEAD < count) __builtin_prefetch(symbols_record(s, list[k + AHEAD]));
    struct record *r = symbols_record(s, list[k]);
    record_touch(r);
    for (size_t i = 0; i < r->length; i++) {
      if (symbol_get(r, i, wide) != m->made) continue;
      struct record *earlier = i ? r : r->chain ? chain_before(s, r) : NULL;
      if (earlier) {
        uint32_t id = symbol_get(earlier, (i ? i : earlier->length) - 1u, wide);
        post(t, id == m->made ? &m->twins : &m->before[id], symbols_name(s, earlier));
      }
      uint32_t next = i + 1 < r->length ? symbol_get(r, i + 1, wide) : r->chain ? chain_after(s, r, i, 1) : SYMBOL_NONE;
      if (next != SYMBOL_NONE && next != m->made) post(t, &m->after[next], list[k]);
    }
  }
}

/* Gives work(t, list, count) the list, or all records in parts. */
static void each_record(struct trainer *t, uint32_t start, uint32_t length, void (*work)(struct trainer *t, const uint32_t *list, size_t count)) {
  const struct symbols *s = &t->symbols;
  uint32_t part[WALK];
  size_t n = 0;
  if (start != POSTINGS_NONE) {
    for (size_t k = 0; k < length; k += n) {
      n = s->file >= 0 && length - k > SYMBOLS_WATCH / SYMBOLS_SCATTERED ? SYMBOLS_WATCH / SYMBOLS_SCATTERED : length - k;
      work(t, t->postings + start + k, n);
      symbols_watch(&t->symbols, n * SYMBOLS_SCATTERED);
    }
    return;
  }
  size_t step = s->file >= 0 ? SYMBOLS_WATCH : WALK;
  for (size_t at = 0; at < s->end;) {
    struct record *r = (struct record *)(s->base + at);
    part[n++] = symbols_name(s, r);
    at += symbols_stride(s, r->capacity);
    if (n < step && at < s->end) continue;
    work(t, part, n);
    symbols_watch(&t->symbols, n);
    n = 0;
  }
}

static void merge_part(struct trainer *t, const uint32_t *list, size_t count) {
  t->symbols.wide ? merge_records(&t->symbols, &t->merge, list, count, true) : merge_records(&t->symbols, &t->merge, list, count, false);
}

static void take(struct trainer *t, uint32_t left, uint32_t right, uint64_t count) {
  if (left == t->merge.left && right == t->merge.right) return; /* all of it is gone */
  struct pair_entry *p = pair_table_find(&t->table, pair_key(left, right));
  if (p) p->count -= count;
}

/* A new pair; true when it has a list to fill.  Below the threshold it is left out; where there is no room the threshold rises
 * above it. */
static bool give(struct trainer *t, uint32_t left, uint32_t right, struct delta *d) {
  uint64_t places = d->places;
  d->places = NOWHERE;
  if (d->count < t->threshold) return false;
  struct pair_entry *p = places < t->postings_size - t->postings_count ? pair_table_put(&t->table, pair_key(left, right)) : NULL;
  if (!p) {
    t->threshold = d->count + 1;
    return false;
  }
  t->postings[t->postings_count] = UINT32_MAX;
  p->count = d->count;
  p->start = (uint32_t)t->postings_count + 1;
  t->postings_count += 1 + (size_t)places;
  d->places = p->start;
  heap_push(t, (struct entry){d->count, left, right});
  return true;
}

/* How many places were filled. */
static void close_list(struct trainer *t, uint32_t left, uint32_t right, const struct delta *d) {
  if (d->places == NOWHERE) return;
  struct pair_entry *p = pair_table_find(&t->table, pair_key(left, right));
  p->length = (uint32_t)(d->places - p->start);
}

static void merge_pair(struct trainer *t, const struct entry *best, struct pair_entry *pair, uint32_t made) {
  struct merge *m = &t->merge;
  m->left = best->left;
  m->right = best->right;
  m->made = made;
  uint32_t start = pair->start, length = pair->length;
  pair->count = 0;
  each_record(t, start, length, merge_part);
  bool lists = false;
  if (m->twins.count) {
    take(t, m->right, m->left, m->twins.count);
    lists = give(t, made, made, &m->twins);
  }
  for (size_t i = 0; i < m->before_count; i++) {
    uint32_t x = m->before_met[i];
    take(t, x, m->left, m->before[x].count);
    lists = give(t, x, made, &m->before[x]) || lists;
  }
  for (size_t i = 0; i < m->after_count; i++) {
    uint32_t x = m->after_met[i];
    take(t, m->right, x, m->after[x].count);
    lists = give(t, made, x, &m->after[x]) || lists;
  }
  if (lists) each_record(t, start, length, post_records);
  if (m->twins.count && lists) close_list(t, made, made, &m->twins);
  m->twins = (struct delta){0};
  for (size_t i = 0; i < m->before_count; i++) {
    uint32_t x = m->before_met[i];
    close_list(t, x, made, &m->before[x]);
    m->before[x] = (struct delta){0};
  }
  for (size_t i = 0; i < m->after_count; i++) {
    uint32_t x = m->after_met[i];
    close_list(t, made, x, &m->after[x]);
    m->after[x] = (struct delta){0};
  }
  m->before_count = m->after_count = 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

static void add_bytes(struct vocab *v, enum tie tie) {
  struct err e;
  uint32_t id = 0;
  /* GPT-2's order: first the bytes that print as themselves, then the others. */
  for (int pass = 0; pass < 2; pass++)
    for (unsigned b = 0; b < 256; b++) {
      bool itself = byte_to_unicode((unsigned char)b) == b;
      if (tie == TIE_HF ? itself != (pass == 0) : pass == 1) continue;
      char c = (char)b;
      vocab_add(v, id++, (struct slice){&c, 1}, &e);
    }
}

static int load(struct trainer *t, struct words *words, const struct bpe *merges, struct err *e) {
  uint32_t byte_id[256] = {0};
  struct ids ids = {0};
  struct slice piece;
  uint64_t count;
  int got;
  for (uint32_t id = 0; id < t->v->size && !merges; id++) byte_id[(unsigned char)vocab_bytes(t->v, id).data[0]] = id;
  while ((got = words_next(words, &piece, &count, e)) > 0) {
    ids.len = 0;
    if (merges) bpe_encode_piece(merges, NULL, piece, &ids);
    else {
      ids_reserve(&ids, piece.len);
      for (; ids.len < piece.len; ids.len++) ids.data[ids.len] = byte_id[(unsigned char)piece.data[ids.len]];
    }
    symbols_append(&t->symbols, ids.data, ids.len, count);
  }
  ids_release(&ids);
  return got;
}

/* Where the next epoch may stop: the counts of merges fall about as a power of their rank, so those of the last two ends of epochs
 * tell about where the last one wanted will be. */
static uint64_t next_threshold(uint64_t count, uint32_t done, uint64_t earlier_count, uint32_t earlier, uint32_t wanted, uint64_t least) {
  double next = (double)count / 8;
  if (earlier && done > earlier && earlier_count > count) {
    double slope = log((double)earlier_count / (double)count) / log((double)done / earlier);
    next = .9 * (double)count * pow((double)done / wanted, slope);
  }
  uint64_t result = next < 1 ? 1 : (uint64_t)next;
  if (result >= count) result = count - 1;
  return result < least ? least : result;
}

/* A token of these bytes is there already: a merge could only make it a second time. */
static bool is_known(const struct trainer *t, struct slice bytes) { return t->continues && vocab_find(t->v, bytes) >= 0; }

static int train(struct trainer *t, const struct merges_options *o, uint32_t *made, struct err *e) {
  struct vocab *v = t->v;
  struct buffer bytes = {0};
  uint32_t rank = 0, earlier = 0;
  uint64_t earlier_count = 0;
  double reach = 0;
  int status = 0;
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].rank != VOCAB_NONE && v->entries[id].rank >= rank) rank = v->entries[id].rank + 1;
  while (*made < o->wanted && status == 0 && t->done > t->least) {
    uint64_t asked = t->threshold, again = 0;
    uint32_t begun = *made;
    start_epoch(t);
    struct entry best;
    struct pair_entry *pair;
    while (*made < o->wanted && status == 0 && heap_best(t, &best, &pair)) {
      if (pair->start == POSTINGS_NONE && *made > begun) {
        again = best.count; /* other lists have become free: a new epoch rather than a walk */
        break;
      }
      buffer_clear(&bytes);
      buffer_append_slice(&bytes, vocab_bytes(v, best.left));
      buffer_append_slice(&bytes, vocab_bytes(v, best.right));
      if (is_known(t, buffer_slice(&bytes))) continue;
      uint32_t id = v->size;
      if ((status = vocab_add(v, id, buffer_slice(&bytes), e))) break;
      v->entries[id].left = best.left;
      v->entries[id].right = best.right;
      v->entries[id].rank = rank++;
      merge_pair(t, &best, pair, id);
      if (++*made % 64 == 0 && o->progress) o->progress(o->context, *made);
    }
    if (again) {
      t->threshold = again;
      t->done = again + 1;
      continue;
    }
    /* Where memory ended the epoch early, the next one reaches about as far as this one did, not as far as it would like to. */
    double reached = t->done < UINT64_MAX ? (double)t->threshold / (double)t->done : 0;
    reach = t->threshold > asked && *made > earlier ? reached : reach / 2;
    t->done = t->threshold;
    t->threshold = next_threshold(t->done, *made, earlier_count, earlier, o->wanted, t->least);
    if ((double)t->threshold < reach * (double)t->done) t->threshold = (uint64_t)(reach * (double)t->done);
    earlier_count = t->done;
    earlier = *made;
  }
  buffer_release(&bytes);
  return status;
}

int merges_train(struct vocab *v, struct words *words, const struct merges_options *o, uint32_t *made, struct err *e) {
  struct trainer t = {.tie = o->tie, .v = v, .memory = o->memory, .done = UINT64_MAX, .least = o->min_frequency ? o->min_frequency : 1, .symbols = {.file = -1, .statm = -1}};
  struct bpe *merges = NULL;
  *made = 0;
  if (v->size == 0) add_bytes(v, o->tie);
  else {
    merges = bpe_new(v);
    t.continues = true;
  }
  size_t size = (size_t)v->size + o->wanted;
  int status = symbols_open(&t.symbols, words_distinct(words), words_bytes(words), size > UINT16_MAX, o->memory, o->tmpdir, e);
  if (status == 0) status = load(&t, words, merges, e);
  bpe_free(merges);
  words_free(words);
  if (status == 0) {
    /* zeroed pages cost nothing until they are used; a smaller corpus meets few symbols */
    t.merge.before = NEW_ARRAY(struct delta, size);
    t.merge.after = NEW_ARRAY(struct delta, size);
    t.merge.before_met = MALLOC(size * sizeof(uint32_t));
    t.merge.after_met = MALLOC(size * sizeof(uint32_t));
    status = train(&t, o, made, e);
  }
  free(t.merge.before);
  free(t.merge.after);
  free(t.merge.before_met);
  free(t.merge.after_met);
  if (t.postings) munmap(t.postings, t.postings_size * sizeof *t.postings);
  pair_table_release(&t.table);
  free(t.heap);
  symbols_release(&t.symbols);
  return status;
}
