/* SPDX-License-Identifier: MIT
 *
 * The way of a record: the reader takes it out of its file (decompression included), a worker turns it into a line of
 * output or of rejects, the writer puts lines in the order of the input.
 *
 *     warc, input -> batch of items -> content -> output, rejects, counts
 */
#ifndef WARC2TXT_RECORDS_H
#define WARC2TXT_RECORDS_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/warc2txt/content.h"

struct records_options {
  struct content_options content;
  bool html;                /* operands are pages, not archives */
  const char *cdx;          /* index whose ranges are read instead of whole operands; the operand is their base; NULL: none */
  bool check_digests;
  bool site_boilerplate;    /* drop what many pages of a host have: documents are written at the end, through a scratch file */
  struct output *index;     /* a row for each record that counts; NULL: none */
};

/* Reads `names` in order, with options->cdx the records that it names, and writes to `output` and `rejects` (may be NULL), which
 * the caller commits; counts go to p->stats.  -1: a file or the index cannot be read, nothing can be written, or bad records
 * under --strict. */
int records_run(struct program *p, const struct records_options *options, char *const *names, int count, struct output *output, struct output *rejects,
                struct err *e);

#endif
