/* SPDX-License-Identifier: MIT
 *
 * The table that --write-index makes and --cdx reads: TSV with a header, a row for each record that counts, in the order of
 * the archive.
 *
 *     id  url  offset  length  digest  filename  status  mime  date
 *
 * `tail -c +$((offset + 1)) FILE | head -c $length` is the record as it lies in the file: a gzip member, or in a plain file
 * the record itself.  Both are empty where a record cannot be read alone (many in one gzip member, Zstandard); length alone
 * where it was too long to be held.  digest is WARC-Payload-Digest, else WARC-Block-Digest; status and mime are those of the
 * HTTP response.
 */
#ifndef WARC2TXT_INDEX_H
#define WARC2TXT_INDEX_H

#include <stdint.h>

#include "common/base/buffer.h"

struct index_row {
  struct slice id, url, digest, filename, mime, date;
  int64_t offset, length; /* -1: not known */
  int status;             /* 0: none */
};

void index_write_header(struct buffer *out);
void index_write(struct buffer *out, const struct index_row *row);

#endif
