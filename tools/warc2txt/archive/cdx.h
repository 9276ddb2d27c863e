/* SPDX-License-Identifier: MIT
 *
 * Indexes of web archives: which bytes of which file hold a record.  Read are
 *
 *     CDX      fields between one delimiter, named by a line " CDX N b a ..."; without it 9 fields are N b a m s k r V g,
 *              10 are N b a m s k r M V g and 11 are N b a m s k r M S V g (Internet Archive, "CDX file format", 2006 and 2015)
 *     CDXJ     "KEY TIMESTAMP {...}", or JSON alone, with filename, offset and length, as numbers or in quotes
 *              (pywb; what index.commoncrawl.org answers)
 *     tables   TSV or CSV whose first line names filename, offset, length or warc_filename, warc_record_offset,
 *              warc_record_length (Common Crawl's columnar index; warc2txt --write-index)
 *
 * each plain or compressed, also one after the other.
 */
#ifndef WARC2TXT_CDX_H
#define WARC2TXT_CDX_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct cdx_range {
  struct slice filename;    /* as it stands, escapes undone; until the next call */
  uint64_t offset;
  uint64_t length;          /* 0: not known: one record */
  uint64_t line;            /* of the index, from 1; of a range of several the first */
  uint64_t records;         /* lines that it joins, one right behind the other in the file */
};

enum { CDX_END = 0, CDX_RANGE = 1, CDX_BAD = 2 };

struct cdx;

int cdx_open(struct cdx **c, const char *name, struct err *e); /* "-": stdin */
void cdx_close(struct cdx *c);

/* CDX_RANGE; CDX_BAD (range->line and e are set), reading goes on with the next line; CDX_END; -1: cannot be read. */
int cdx_next(struct cdx *c, struct cdx_range *range, struct err *e);

#endif
