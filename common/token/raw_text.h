/* SPDX-License-Identifier: MIT
 *
 * Raw text: each operand (file, URL, "-", compressed or not) is one document of any bytes, read in chunks that end where
 * the caller says that a text may be cut, so that a document of any length streams and many threads share it.
 */
#ifndef TOKEN_RAW_TEXT_H
#define TOKEN_RAW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct raw_reader;

struct raw_chunk {     /* zero to start; free with buffer_release(&bytes) */
  struct buffer bytes;
  bool first, last;    /* of its document; a document of no bytes is one empty chunk */
  int operand;         /* of its document, from 0 */
  uint64_t raw_bytes;  /* read from the file for it, for progress */
};

/* cut(context, text) returns a place to cut in (0, text.len], or 0: read more first. */
struct raw_reader *raw_reader_new(char *const *operands, int count, size_t chunk_bytes, size_t (*cut)(void *context, struct slice text), void *context);
int raw_reader_next(struct raw_reader *r, struct raw_chunk *chunk, struct err *e); /* 1, 0 at the end, -1 */
void raw_reader_free(struct raw_reader *r);

#endif
