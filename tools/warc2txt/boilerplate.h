/* SPDX-License-Identifier: MIT
 *
 * Lines that stand on many pages of one host: menus, banners, footers and the like that page-by-page extraction let through
 * (the idea of CCNet's and C4's line deduplication, but within a host, where a repeated line is boilerplate by construction).
 *
 * Documents are put aside in a scratch file without a name while each page's distinct lines are counted by host; then they
 * come back without the lines that stand on at least PAGES_MIN pages and on a fifth of the host's.  Such a line goes
 * only if it is long (LINE_LONG bytes), stands in a run of such lines with a long one, in a run of RUN_MIN of them, or in a run
 * of two at the start or end of the page: a heading like "Examples" between a page's own lines stays,
 * and so does a short last line of a run that ends in a colon.  Indented lines (code),
 * lines without letters and pages without a host are left alone.
 *
 * A page that was captured several times counts once, by its URL (once for each run below, where there are any).
 *
 * Counts are exact (of 64-bit hashes of host and line): the table holds about `memory` bytes, and what does not fit goes
 * to a second scratch file in sorted runs that are merged.  Only lines on PAGES_MIN pages stay in memory then.
 */
#ifndef WARC2TXT_BOILERPLATE_H
#define WARC2TXT_BOILERPLATE_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct boilerplate;

struct boilerplate_document { /* slices stay until the next one */
  struct slice id, url, date, text;
  uint64_t lines, bytes;      /* dropped from it */
};

struct boilerplate *boilerplate_new(const char *tmpdir, int64_t memory);
void boilerplate_free(struct boilerplate *b);

/* Appends a document in the form that boilerplate_add() takes; from any thread. */
void boilerplate_put(struct buffer *out, struct slice id, struct slice url, struct slice date, struct slice text);

/* Counts and puts aside the documents of boilerplate_put(); in order, one thread at a time. */
int boilerplate_add(struct boilerplate *b, struct slice documents, struct err *e);

/* When all are added: 1 with the next document, 0 at the end, -1. */
int boilerplate_next(struct boilerplate *b, struct boilerplate_document *document, struct err *e);

/* The host of a URL as pages of one site share it: without user, port and "www.". */
struct slice boilerplate_host(struct slice url);

#endif
