/* SPDX-License-Identifier: MIT
 *
 * Documents in, documents without some of their units out.  What is dropped a method decides:
 *
 *     reader -> workers: units, and what the method takes of each (hashes) -> in input order: decide, write
 *
 * Deciding is what depends on all that came before, so one thread at a time does it, batch after batch; hashing runs on
 * all.  So nothing depends on the number of threads.
 *
 * Clean lines of Linear TSV are not parsed: units are cut from the escaped text, and whole lines, or their pieces, are
 * written as they stand.  Other documents are parsed; the units of both are the same.
 *
 * A document that makes more hashes than memory should hold is decided on piece by piece: its batch waits until all before
 * it are written and from then on has the turn, so that its worker may decide itself.
 */
#ifndef BLOOM_DEDUP_STREAM_H
#define BLOOM_DEDUP_STREAM_H

#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/bloom-dedup/units.h"

struct stream;
struct batch;
struct shingler;

struct worker {
  struct document_parser parser;
  struct shingler *shingler;             /* of methods that want one */
  struct buffer escaped, room, plain;
  void *state;                          /* the method's, which frees it */
};

struct method {
  void *context;
  const char *reason;  /* of --rejects */
  /* Takes from a unit what decide() needs: appends to batch->hashes, or to batch->drop at once. */
  int (*take)(struct stream *s, struct worker *w, struct batch *b, const struct unit *u, struct err *e);
  /* In order: appends a byte to batch->drop for each unit that was taken (1: it goes) and clears the hashes. */
  int (*decide)(struct stream *s, struct batch *b, struct err *e);
  /* The document whose units were just taken is complete; may be NULL. */
  int (*finish)(struct stream *s, struct worker *w, struct batch *b, const struct document *d, struct err *e);
};

struct line; /* of a batch: a document */

struct batch {
  struct document_batch in;
  struct stream *stream;
  struct hash128 *hashes;
  size_t hash_count, hash_capacity;
  uint32_t *sizes;    /* of methods with several hashes a unit: how many */
  size_t size_count, size_capacity;
  unsigned char *drop; /* of the documents in `lines` and of the one at hand, unit after unit */
  size_t drop_count, drop_capacity;
  struct line *lines;
  size_t line_count, line_capacity;
  struct buffer rendered; /* documents that are not written as they stand in the input */
  struct buffer report;   /* the method's, written in order to stream->report */
  bool turn;              /* all before it is written: this batch's thread may decide */
  bool noted;             /* the method's: decide() has seen this batch */
  bool counted;           /* for progress */
  uint64_t decided;       /* units so far */
  uint64_t written;       /* lines so far */
  uint64_t bad, first_bad_line;
  struct err first_bad;
};

struct stream_counts {
  uint64_t in, out, dropped, too_long, bad, edited, units, units_dropped;
};

struct stream {
  struct program *program;
  const struct method *method;
  enum unit_kind kind;
  size_t short_length;
  struct worker *workers;
  struct output *out, *rejects, *report;
  bool report_only;  /* nothing is dropped */
  bool hold;         /* a method sets it in decide(): from the lines at hand on nothing is written in this pass */
  uint64_t skip;     /* lines not to be written at the start of a pass */
  struct stream_counts counts;
  struct document_counts text_counts;
  bool warned, text_counted;
  const char *reason; /* of the last method */
  /* writer's own */
  struct document_parser parser;
  struct buffer edited, escaped, line;
};

/* `report` may be NULL. */
int stream_open(struct stream *s, struct program *p, enum unit_kind kind, size_t short_length, const char *report, struct err *e);
/* Where documents come from: 1 with a batch, 0, -1. */
typedef int stream_source(void *context, struct document_batch *batch, struct err *e);
/* Reads all of the source.  `write` false: takes and decides only.  Escapes and
 * the like are counted in the first run. */
int stream_run(struct stream *s, const struct method *method, stream_source *source, void *context, bool write, struct err *e);
/* One pass over the operands, which writes. */
int stream_run_operands(struct stream *s, const struct method *method, struct err *e);
/* Counts into program->stats and commits the outputs, or with result != 0 drops them.  Returns result or -1. */
int stream_close(struct stream *s, int result, struct err *e);

/* For methods. */
unsigned char *batch_add_drops(struct batch *b, size_t count); /* to be filled */
/* Has everything that is complete decided and written; from then on this batch has the turn. */
int batch_settle(struct batch *b, struct err *e);

enum { BATCH_HASHES = 1 << 18 }; /* about where a piece ends */

#endif
