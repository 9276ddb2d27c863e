/* SPDX-License-Identifier: MIT
 *
 * Streams of documents: Linear TSV (crawl2lm-documents(5)) or JSON Lines, read in batches of whole lines by one thread
 * and parsed by many, so that parsing scales with -j and output order is that of the input.
 *
 *     reader --(batch of lines)--> parser, one per worker --(document)--> document_write() into the batch's output
 *
 * Which of the two an input is, its first line decides: JSON Lines when it parses as an object.
 *
 * Linear TSV: `text` | `id text` | `id url text` | `id url date [extra ...] text`; \t \n \r \\ escaped.
 */
#ifndef IO_DOCUMENTS_H
#define IO_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct stats;

enum document_format { DOCUMENT_TSV, DOCUMENT_JSONL };

/* ---- reading */

struct document_reader;

struct document_batch {      /* embed or zero; document_batch_release() */
  struct buffer bytes;       /* whole lines, each ended by a newline (added to the last one when it lacks it) */
  uint64_t first_line;       /* number of the first line in its input, from 1 */
  uint64_t ordinal;          /* of the first line in the whole stream, from 0 */
  uint64_t lines;
  uint64_t raw_bytes;        /* read from the file for it, for progress */
  int operand;               /* of the input, from 0 */
  const char *input;         /* name, lives as long as the reader */
  enum document_format format;
};

struct document_reader_options {
  size_t batch_bytes;  /* 0: 1 MiB; a batch holds at least one line */
};

/* Operands in order; none: stdin.  The names must outlive the reader. */
struct document_reader *document_reader_new(char *const *operands, int count, const struct document_reader_options *options);
/* 1 with a batch, 0 at the end, -1. */
int document_reader_next(struct document_reader *r, struct document_batch *batch, struct err *e);
int64_t document_reader_size(const struct document_reader *r); /* bytes of all input files, -1 when unknown */
void document_reader_free(struct document_reader *r);
void document_batch_release(struct document_batch *batch);

/* ---- parsing */

/* A field that is absent has data NULL.  Everything is decoded (no escapes), valid UTF-8 without NUL, except `line`
 * and `extra`, which stay as they stand in the line.  Valid until the parser's next document. */
struct document {
  struct slice line;  /* the input line without its newline */
  struct slice id, url, date;
  struct slice extra; /* TSV: fields between date and text, tabs between; JSON Lines: the object for `metadata`, or {} */
  struct slice text;
  uint64_t number;    /* of the line in its input, from 1 */
  uint64_t ordinal;   /* of the line in the stream, from 0 */
  enum document_format format;
  bool clean;         /* the line holds no invalid UTF-8 or NUL: it may be passed on as it is */
};

struct document_counts {
  uint64_t invalid_utf8, nul, unknown_escape;
};

struct document_parser {  /* zero to start; one per worker */
  struct buffer text, head; /* private: decoded text; decoded other fields */
  struct document_counts counts;
  uint64_t index; /* private: of the next line in its batch */
  void *json;     /* private */
};

/* *cursor starts at 0.  1 with a document, 0 at the end of the batch; -1 for a line that is not a document (JSON
 * Lines only): `document->line` and `number` are set, e says why, and the next call goes on after it. */
int document_next(struct document_parser *p, const struct document_batch *batch, size_t *cursor, struct document *document, struct err *e);
void document_parser_release(struct document_parser *p);
void document_counts_add(struct document_counts *to, const struct document_counts *from);
void document_counts_report(const struct document_counts *counts, struct stats *stats); /* as --stats names them */

/* ---- writing */

/* Appends `document` and a newline to `out`.  `text` NULL and no annotations: the line itself when the format is the
 * same and it is clean.  `text`: replaces the text (trailing newlines are cut).  `annotations`: `key=value` fields,
 * already escaped, a tab between, put just before the text; in JSON Lines they become keys of `metadata`. */
void document_write(struct buffer *out, const struct document *document, enum document_format format, const struct slice *text, const struct slice *annotations);

/* A new document of four fields (warc2txt). */
void document_write_fields(struct buffer *out, enum document_format format, struct slice id, struct slice url, struct slice date, struct slice text);

/* Appends `REASON<TAB>line<NEWLINE>`. */
void document_write_reject(struct buffer *out, const char *reason, const struct document *document);

/* Escapes for one TSV field. */
void document_escape(struct buffer *out, struct slice s);
/* Undoes them; unknown escapes stay and are counted. */
void document_unescape(struct buffer *out, struct slice s, uint64_t *unknown);

#endif
