/* SPDX-License-Identifier: MIT
 *
 * The distinct pieces as sequences of symbols (token ids) with the pieces' counts: records one after another in one
 * mapping, in memory while that fits, else in a scratch file that has no name.
 *
 *     u32 weight | u8 length | u8 capacity | u8 chain | u8 0 | symbols, u16 or (wide) u32 each | padding to 1 << shift
 *
 * weight: the piece's count, or WEIGHT_LARGE + an index into `large`.  A merge rewrites the symbols where they lie and shortens the
 * record.  A piece of more than RECORD_SYMBOLS symbols is a chain of records, each but the last of that capacity, so that the cost
 * of finding a pair in its record is bounded.  A record is named by its offset >> shift, which fits 32 bits.
 */
#ifndef BPE_TRAIN_MERGES_SYMBOLS_H
#define BPE_TRAIN_MERGES_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/* A visit in order of the records maps little that is new; one anywhere may map up to 2 MiB and counts for several. */
enum { SYMBOLS_WATCH = 512, SYMBOLS_SCATTERED = 16, RECORD_SYMBOLS = 64, CHAIN_PREVIOUS = 1, CHAIN_NEXT = 2 };
#define WEIGHT_LARGE 0x80000000u
#define SYMBOL_NONE UINT32_MAX

struct record {
  uint32_t weight;
  uint8_t length, capacity, chain, unused;
};

struct symbols { /* zero to start; symbols_release() */
  uint8_t *base;
  size_t end, size;  /* bytes used, bytes mapped */
  unsigned shift;
  bool wide;
  int file;          /* -1: in memory */
  uint64_t *large;
  size_t large_count, large_capacity;
  size_t memory;     /* what the process should stay within while the symbols are in a file */
  int statm;
  size_t visits, threshold; /* since the last look at the process's size; bytes at which the mapping is dropped */
  size_t dropped;    /* where the next part to drop begins */
  size_t reserve;    /* bytes that others may take all at once */
};

/* For at most `distinct` pieces of at most `count` symbols together, ids below 65,535 unless wide.  They go to a file in `folder`
 * when the process with them would grow beyond `memory` bytes. */
int symbols_open(struct symbols *s, uint64_t distinct, uint64_t count, bool wide, size_t memory, const char *folder, struct err *e);
void symbols_release(struct symbols *s);
void symbols_append(struct symbols *s, const uint32_t *ids, size_t n, uint64_t weight); /* fewer than two symbols: nothing to do */
/* Leaves out what merges made superfluous: records move. */
void symbols_compact(struct symbols *s);
/* From now on `bytes` stay free for others: tables that grow hold their old and their new self for a moment. */
void symbols_reserve(struct symbols *s, size_t bytes);
/* Looks at the process's memory and drops resident pages of a file mapping when it is too much; nothing is lost. */
void symbols_drop(struct symbols *s);

/* To be called with the records visited; cheap. */
static inline void symbols_watch(struct symbols *s, size_t visits) {
  if (s->file >= 0 && (s->visits += visits) >= SYMBOLS_WATCH) symbols_drop(s);
}

/* A first access that writes maps one page of a file, where one that reads maps those around it too. */
static inline void record_touch(struct record *r) { *(volatile uint8_t *)&r->unused = 0; }

static inline struct record *symbols_record(const struct symbols *s, uint32_t name) { return (struct record *)(s->base + ((size_t)name << s->shift)); }
static inline uint32_t symbols_name(const struct symbols *s, const struct record *r) { return (uint32_t)((size_t)((const uint8_t *)r - s->base) >> s->shift); }
static inline size_t symbols_stride(const struct symbols *s, unsigned capacity) {
  size_t unit = (size_t)1 << s->shift;
  return (sizeof(struct record) + capacity * (s->wide ? sizeof(uint32_t) : sizeof(uint16_t)) + unit - 1) & ~(unit - 1);
}
static inline struct record *symbols_following(const struct symbols *s, struct record *r) { return (struct record *)((uint8_t *)r + symbols_stride(s, r->capacity)); }
static inline struct record *symbols_preceding(const struct symbols *s, struct record *r) { return (struct record *)((uint8_t *)r - symbols_stride(s, RECORD_SYMBOLS)); }
static inline uint64_t symbols_weight(const struct symbols *s, const struct record *r) {
  return r->weight < WEIGHT_LARGE ? r->weight : s->large[r->weight - WEIGHT_LARGE];
}
static inline uint32_t symbol_get(const struct record *r, size_t i, bool wide) {
  return wide ? ((const uint32_t *)(r + 1))[i] : ((const uint16_t *)(r + 1))[i];
}
static inline void symbol_set(struct record *r, size_t i, uint32_t id, bool wide) {
  if (wide) ((uint32_t *)(r + 1))[i] = id;
  else ((uint16_t *)(r + 1))[i] = (uint16_t)id;
}

#endif
