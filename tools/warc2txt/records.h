/* SPDX-License-Identifier: MIT
 *
 * The way of a record: the reader takes it out of its file (decompression included), a worker turns it into a line of
 * output or of rejects, the writer puts lines in the order of the input.
 *
 *     warc, input -> batch of items -> http, charset, html, extract -> output, rejects, counts
 */
#ifndef WARC2TXT_RECORDS_H
#define WARC2TXT_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/warc2txt/extract.h"

struct status_range {
  int low, high;
};

struct records_options {
  enum extract_mode mode;
  bool html;                /* operands are pages, not archives */
  bool features;            /* write features instead of documents */
  bool type_html, type_text;
  struct status_range statuses[16];
  int status_count;
  double time_limit;        /* seconds a record; 0: none */
  int64_t max_record;       /* bytes, stored and decoded */
};

/* "200,404", "2xx", "200-299", "all" into options->statuses. */
int records_parse_statuses(struct records_options *options, const char *list, struct err *e);

/* Reads `names` in order and writes to `output` and `rejects` (may be NULL); counts go to p->stats. */
int records_run(struct program *p, const struct records_options *options, char *const *names, int count, struct output *output, struct output *rejects, struct err *e);

#endif
