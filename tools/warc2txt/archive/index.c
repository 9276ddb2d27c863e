/* SPDX-License-Identifier: MIT
 *
 * Fields are escaped as those of documents are: backslash t n r \ for tab, newline, carriage return, backslash.
 */
#include "tools/warc2txt/archive/index.h"

void index_write_header(struct buffer *out) { buffer_append_string(out, "id\turl\toffset\tlength\tdigest\tfilename\tstatus\tmime\tdate\n"); }

static void put(struct buffer *out, struct slice s) {
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    char letter = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\\' ? '\\' : 0;
    if (letter) buffer_put(out, '\\');
    buffer_put(out, letter ? letter : c);
  }
}

static void put_number(struct buffer *out, int64_t n, int64_t least) {
  buffer_put(out, '\t');
  if (n >= least) buffer_printf(out, "%lld", (long long)n);
}

static void put_field(struct buffer *out, struct slice s) {
  buffer_put(out, '\t');
  put(out, s);
}

void index_write(struct buffer *out, const struct index_row *row) {
  put(out, row->id);
  put_field(out, row->url);
  put_number(out, row->offset, 0);
  put_number(out, row->length, 0);
  put_field(out, row->digest);
  put_field(out, row->filename);
  put_number(out, row->status, 1);
  put_field(out, row->mime);
  put_field(out, row->date);
  buffer_put(out, '\n');
}
