/* SPDX-License-Identifier: MIT
 *
 * Sorted by the machinery that counts: what goes in are the pieces with the complement of their counts in front, eight big-endian bytes,
 * and what comes out in order of bytes is the list.
 */
#include "tools/bpe-train/words_list.h"

#include "common/base/buffer.h"

enum { HEAD = 8 };

static int fill(struct counter *c, struct words *words, struct err *e) {
  struct buffer key = {0};
  struct slice piece;
  uint64_t count;
  int got;
  while ((got = words_next(words, &piece, &count, e)) > 0) {
    uint64_t rank = __builtin_bswap64(~count);
    buffer_clear(&key);
    buffer_append(&key, &rank, HEAD);
    buffer_append_slice(&key, piece);
    if (counter_add(c, buffer_slice(&key), 1, e)) {
      got = -1;
      break;
    }
  }
  buffer_release(&key);
  return got;
}

int words_list(struct output *out, struct words *words, uint64_t most, size_t memory, const char *tmpdir, uint64_t *written, struct err *e) {
  struct counter *c = counter_new(memory / 2, tmpdir);
  struct words *sorted = NULL;
  struct slice key;
  uint64_t count;
  *written = 0;
  int status = fill(c, words, e), got = 0;
  words_free(words);
  if (status == 0) status = words_new(&sorted, &c, 1, memory, true, e);
  else counter_free(c);
  while (status == 0 && *written < most && (got = words_next(sorted, &key, &count, e)) > 0) {
    if (output_write(out, key.data + HEAD, key.len - HEAD, e) || output_write(out, "\n", 1, e)) status = -1;
    ++*written;
  }
  words_free(sorted);
  return status || got < 0 ? -1 : 0;
}
