/* SPDX-License-Identifier: MIT
 *
 * Records of web archives: WARC 0.17 to 1.1 (ISO 28500; WET files are WARC) and ARC 1.0, 1.1, 2.0, in files that are
 * plain, one gzip member, a gzip member a record, gzip members cut anywhere, or Zstandard.
 *
 *     while ((got = warc_next(r, &record, &e)) > 0)
 *       if (got == WARC_BAD) report(record.offset, e.message);
 *       else if (wanted(&record) && warc_body(r, &record, limit, &body, &e) ...
 *
 * Damage is a value, not an end: what cannot be read is reported as one bad record with its offset and a reason, and
 * reading goes on at the next place that starts a record.
 */
#ifndef WARC2TXT_WARC_H
#define WARC2TXT_WARC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/io/input.h"

enum warc_kind { WARC_RESPONSE, WARC_RESOURCE, WARC_CONVERSION, WARC_OTHER };

enum { WARC_END = 0, WARC_RECORD = 1, WARC_BAD = 2 };

/* Slices point into the reader and live until the next warc_next(). */
struct warc_record {
  enum warc_kind kind;
  bool arc;
  uint64_t offset;      /* where it starts: in the file for a plain one or the first record of a gzip member,
                           otherwise in the decompressed stream */
  uint64_t length;      /* of the body */
  struct slice id;      /* WARC-Record-ID as it stands; empty: missing */
  struct slice refers_to;
  struct slice type;    /* WARC-Type as it stands; ARC: "response", or "filedesc" and "resource" for other schemes */
  struct slice uri;     /* without the angle brackets that some writers put around it */
  struct slice date;    /* ISO 8601, also for ARC */
  struct slice content_type;
  struct slice identified_type; /* WARC-Identified-Payload-Type */
  struct slice truncated;       /* WARC-Truncated: why the crawler stopped; empty: whole */
  struct slice block_digest, payload_digest;
  struct slice segment_origin;  /* WARC-Segment-Origin-ID of a continuation */
  uint32_t segment;             /* WARC-Segment-Number: 1 begins a record of several, a continuation has 2 and more; 0: none */
};

struct warc_reader;

/* The reader reads from `in` (opened with options.members) and does not own it. */
struct warc_reader *warc_reader_new(struct input *in);
void warc_reader_free(struct warc_reader *r);

/* WARC_RECORD; WARC_BAD (record->offset and e are set); WARC_END; -1: the file cannot be read.
 * A body that was not asked for is skipped without being held. */
int warc_next(struct warc_reader *r, struct warc_record *record, struct err *e);

/* The body of the record that warc_next() gave, valid until the next call: WARC_RECORD, WARC_BAD, or -1.
 * record->length must not be above what the caller is willing to hold. */
int warc_body(struct warc_reader *r, struct slice *body, struct err *e);

/* Where the record that warc_next() gave, its body held by warc_body() or not, lies in its file, so that it can be read alone:
 * a gzip member, or the bytes of a plain file.  A part that is not known is -1. */
void warc_extent(struct warc_reader *r, int64_t *offset, int64_t *length);

/* Bytes of the current record's body that warc_next() has to skip first. */
uint64_t warc_left(const struct warc_reader *r);

#endif
