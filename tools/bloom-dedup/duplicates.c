/* SPDX-License-Identifier: MIT
 *
 * A unit sent to the sort is 24 bytes: its hash and its number, both big-endian, so that the first of equal hashes comes
 * first.  Numbers start at 1; 0 stands for the units that the set held when it was given up.  The numbers of units that go
 * are sorted once more, and the second pass reads them beside the stream.
 */
#include "tools/bloom-dedup/duplicates.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/passes.h"
#include "common/io/record_sort.h"
#include "tools/bloom-dedup/hash_set.h"
#include "tools/bloom-dedup/rest.h"

struct record {
  uint64_t high, low, number;
};

struct duplicates {
  const struct duplicates_options *o;
  struct stream *stream;
  struct filter again;       /* keep none: units seen more than once */
  struct hash_set set;
  bool overflow;             /* keep none: the set did not hold the first pass's units */
  struct record_sort *units; /* being recorded */
  uint64_t number;           /* of the next unit */
  struct rest *rest;
  /* the second pass: numbers of units that go, in order; of its units the first `before` have no number, and of these the
   * last `known_count` are decided as `known` tells */
  struct record_sort *goes;
  uint64_t next, index, before;
  unsigned char *known;
  size_t known_count;
};

static int take(struct stream *s, struct worker *w, struct batch *b, const struct unit *u, struct err *e) {
  const struct duplicates *d = s->method->context;
  (void)e;
  struct hash128 h = unit_hash(u, d->o->normalize, d->o->seed, &w->room);
  GROW(b->hashes, b->hash_capacity, b->hash_count + 1);
  b->hashes[b->hash_count++] = h;
  return 0;
}

/* ---- one pass */

static int decide_filter(struct stream *s, struct batch *b, struct err *e) {
  const struct duplicates *d = s->method->context;
  (void)e;
  unsigned char *drop = batch_add_drops(b, b->hash_count);
  if (d->o->frozen) filter_find_all(d->o->filter, b->hashes, b->hash_count, drop);
  else filter_add_all(d->o->filter, b->hashes, b->hash_count, drop);
  b->hash_count = 0;
  return 0;
}

static int record_hash(struct duplicates *d, struct hash128 h, uint64_t number, struct err *e) {
  h = hash_set_key(h);
  struct record r = {__builtin_bswap64(h.high), __builtin_bswap64(h.low), __builtin_bswap64(number)};
  return record_sort_add(d->units, &r, e);
}

static int decide_record(struct stream *s, struct batch *b, struct err *e) {
  struct duplicates *d = s->method->context;
  if (d->rest && !b->noted && rest_keep(d->rest, &b->in, e) != 0) return -1;
  b->noted = true;
  for (size_t i = 0; i < b->hash_count; i++)
    if (record_hash(d, b->hashes[i], d->number++, e) != 0) return -1;
  memset(batch_add_drops(b, b->hash_count), 0, b->hash_count);
  b->hash_count = 0;
  return 0;
}

/* The set is full: from the first unit of b->hashes on, units are recorded. */
static int give_up_set(struct duplicates *d, const struct batch *b, struct err *e) {
  const struct program *p = d->stream->program;
  d->stream->hold = true;
  d->rest = rest_new(p->operand, p->operand_count, b->in.ordinal, d->o->memory / 8, p->tmpdir);
  d->units = record_sort_new(sizeof(struct record), d->o->memory / 2, p->tmpdir);
  d->stream->skip = 0;
  d->before = b->decided;
  d->known_count = b->drop_count;
  d->known = COPY(b->drop, b->drop_count);
  d->number = 1;
  for (size_t i = 0; i < d->set.capacity; i++)
    if ((d->set.slots[i].low | d->set.slots[i].high) && record_hash(d, d->set.slots[i], 0, e) != 0) return -1;
  hash_set_release(&d->set);
  return 0;
}

static int decide_set(struct stream *s, struct batch *b, struct err *e) {
  struct duplicates *d = s->method->context;
  if (d->units) return decide_record(s, b, e);
  if (!hash_set_reserve(&d->set, b->hash_count)) {
    if (give_up_set(d, b, e) != 0) return -1;
    d->index = b->written; /* lines of this batch that are written already */
    return decide_record(s, b, e);
  }
  hash_set_add_all(&d->set, b->hashes, b->hash_count, batch_add_drops(b, b->hash_count));
  b->hash_count = 0;
  return 0;
}

/* ---- the second pass over what was recorded */

static int next_gone(struct duplicates *d, struct err *e) {
  const void *record;
  int more = record_sort_next(d->goes, &record, e);
  if (more < 0) return -1;
  d->next = 0;
  if (more) memcpy(&d->next, record, sizeof d->next);
  d->next = __builtin_bswap64(d->next);
  return 0;
}

static int decide_replay(struct stream *s, struct batch *b, struct err *e) {
  struct duplicates *d = s->method->context;
  size_t count = b->hash_count;
  unsigned char *drop = batch_add_drops(b, count);
  for (size_t i = 0; i < count; i++, d->index++) {
    if (d->index < d->before) {
      uint64_t from_end = d->before - d->index;
      drop[i] = from_end <= d->known_count ? d->known[d->known_count - from_end] : 0;
      continue;
    }
    drop[i] = d->next != 0 && d->next == d->index - d->before + 1;
    if (drop[i] && next_gone(d, e) != 0) return -1;
  }
  b->hash_count = 0;
  return 0;
}

static int add_gone(struct duplicates *d, const struct record *r, struct err *e) { return r->number == 0 ? 0 : record_sort_add(d->goes, &r->number, e); }

/* From the recorded units to the numbers of those that go. */
static int sort_units(struct duplicates *d, struct err *e) {
  const struct program *p = d->stream->program;
  struct record first = {0}, r;
  const void *record;
  bool any = false, alone = true;
  int more;
  if (record_sort_finish(d->units, (int)p->jobs, e) != 0) return -1;
  d->goes = record_sort_new(sizeof(uint64_t), d->o->memory / 4, p->tmpdir);
  while ((more = record_sort_next(d->units, &record, e)) > 0) {
    memcpy(&r, record, sizeof r);
    bool same = any && r.high == first.high && r.low == first.low;
    if (same && alone && d->o->keep_none && add_gone(d, &first, e) != 0) return -1;
    if (same && add_gone(d, &r, e) != 0) return -1;
    if (!same) first = r;
    alone = !same;
    any = true;
  }
  stats_int(p->stats, "sorted_bytes", (int64_t)record_sort_spilled(d->units));
  record_sort_free(d->units);
  d->units = NULL;
  if (more < 0 || record_sort_finish(d->goes, (int)p->jobs, e) != 0) return -1;
  d->index = 0;
  return next_gone(d, e);
}

/* ---- keep none */

static int mark_filter(struct stream *s, struct batch *b, struct err *e) {
  struct duplicates *d = s->method->context;
  (void)e;
  unsigned char *drop = batch_add_drops(b, b->hash_count), one;
  filter_add_all(d->o->filter, b->hashes, b->hash_count, drop);
  for (size_t i = 0; i < b->hash_count; i++)
    if (drop[i]) filter_add_all(&d->again, &b->hashes[i], 1, &one);
  b->hash_count = 0;
  return 0;
}

static int find_again(struct stream *s, struct batch *b, struct err *e) {
  const struct duplicates *d = s->method->context;
  (void)e;
  unsigned char *drop = batch_add_drops(b, b->hash_count);
  if (d->o->filter) filter_find_all(&d->again, b->hashes, b->hash_count, drop);
  else hash_set_find_all(&d->set, b->hashes, b->hash_count, true, drop);
  b->hash_count = 0;
  return 0;
}

static int mark_set(struct stream *s, struct batch *b, struct err *e) {
  struct duplicates *d = s->method->context;
  (void)e;
  unsigned char *drop = batch_add_drops(b, b->hash_count);
  if (!d->overflow && !hash_set_reserve(&d->set, b->hash_count)) {
    d->overflow = true;
    hash_set_release(&d->set);
  }
  if (!d->overflow) hash_set_add_all(&d->set, b->hashes, b->hash_count, drop);
  else memset(drop, 0, b->hash_count);
  b->hash_count = 0;
  return 0;
}

/* ---- all of it */

static const char reason[] = "bloom-dedup:duplicate";

static int next_kept(void *passes, struct document_batch *batch, struct err *e) { return passes_next(passes, batch, e); }

static int run_first(struct duplicates *d, struct err *e) {
  struct method method = {.context = d, .reason = reason, .take = take, .decide = d->o->filter ? decide_filter : decide_set};
  int result = stream_run_operands(d->stream, &method, e);
  if (result != 0 || !d->units) return result;

  uint64_t skip = d->index;
  if (sort_units(d, e) != 0) return -1;
  d->stream->hold = false;
  d->stream->skip = skip;
  method.decide = decide_replay;
  return stream_run(d->stream, &method, rest_next, d->rest, true, e);
}

static int run_none(struct duplicates *d, struct passes *passes, struct err *e) {
  const struct program *p = d->stream->program;
  struct method method = {.context = d, .reason = reason, .take = take, .decide = d->o->filter ? mark_filter : mark_set};
  int64_t size = passes_size(passes);
  if (size > 0) progress_total(p->progress, 2 * (uint64_t)size);
  if (d->o->filter && filter_init(&d->again, &d->o->filter->plan, e) != 0) return -1;
  if (stream_run(d->stream, &method, next_kept, passes, false, e) != 0 || passes_again(passes, e) != 0) return -1;
  method.decide = find_again;
  if (d->overflow) {
    d->units = record_sort_new(sizeof(struct record), d->o->memory / 2, p->tmpdir);
    d->number = 1;
    method.decide = decide_record;
    if (stream_run(d->stream, &method, next_kept, passes, false, e) != 0 || passes_again(passes, e) != 0 || sort_units(d, e) != 0) return -1;
    method.decide = decide_replay;
  }
  return stream_run(d->stream, &method, next_kept, passes, true, e) != 0 ? -1 : passes_again(passes, e);
}

int duplicates_run(struct stream *s, const struct duplicates_options *o, struct err *e) {
  struct duplicates d = {.o = o, .stream = s};
  struct passes *passes = NULL;
  int result;
  hash_set_init(&d.set, o->memory / 4 * 3);
  if (o->keep_none) {
    passes = passes_new(s->program->operand, s->program->operand_count, o->memory / 8, s->program->tmpdir);
    result = run_none(&d, passes, e);
    passes_free(passes);
  } else {
    result = run_first(&d, e);
  }
  hash_set_release(&d.set);
  filter_release(&d.again);
  record_sort_free(d.units);
  record_sort_free(d.goes);
  rest_free(d.rest);
  free(d.known);
  return result;
}
