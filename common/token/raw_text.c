/* SPDX-License-Identifier: MIT
 *
 * A chunk is read where it stays: the bytes behind the last one's cut, then from the input up to chunk_bytes, doubled
 * while there is no place to cut.
 */
#include "common/token/raw_text.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/io/input.h"

struct raw_reader {
  char *const *operands;
  int count, next;
  size_t chunk_bytes;
  size_t (*cut)(void *context, struct slice text);
  void *context;
  struct input *in;
  struct buffer rest; /* read, behind the cut */
  bool first;
  uint64_t raw_seen;
};

static char *const standard_input[] = {"-"};

struct raw_reader *raw_reader_new(char *const *operands, int count, size_t chunk_bytes, size_t (*cut)(void *context, struct slice text), void *context) {
  struct raw_reader *r = NEW(struct raw_reader);
  r->operands = count ? operands : standard_input;
  r->count = count ? count : 1;
  r->chunk_bytes = chunk_bytes;
  r->cut = cut;
  r->context = context;
  return r;
}

void raw_reader_free(struct raw_reader *r) {
  if (!r) return;
  input_close(r->in);
  buffer_release(&r->rest);
  free(r);
}

int raw_reader_next(struct raw_reader *r, struct raw_chunk *chunk, struct err *e) {
  if (!r->in) {
    if (r->next == r->count) return 0;
    if (input_open(&r->in, r->operands[r->next++], NULL, e)) return -1;
    r->first = true;
    r->raw_seen = 0;
  }
  struct buffer *b = &chunk->bytes;
  buffer_clear(b);
  buffer_append_slice(b, buffer_slice(&r->rest));
  buffer_clear(&r->rest);
  for (size_t want = r->chunk_bytes;; want *= 2) {
    size_t got;
    if (b->len >= want) continue;
    buffer_reserve(b, want - b->len);
    if (input_read(r->in, b->data + b->len, want - b->len, &got, e)) return err_prefix(e, "%s", input_name(r->in));
    b->len += got;
    bool last = b->len < want;
    size_t n = last ? b->len : r->cut(r->context, buffer_slice(b));
    if (n == 0 && !last) continue;
    /* Damage shows once the bytes before it are consumed. */
    char beyond;
    if (last && input_read(r->in, &beyond, 1, &got, e)) return err_prefix(e, "%s", input_name(r->in));
    buffer_append(&r->rest, b->data + n, b->len - n);
    b->len = n;
    chunk->first = r->first;
    chunk->last = last;
    chunk->operand = r->next - 1;
    chunk->raw_bytes = input_raw_read(r->in) - r->raw_seen;
    r->raw_seen += chunk->raw_bytes;
    r->first = false;
    if (last) {
      input_close(r->in);
      r->in = NULL;
      buffer_release(&r->rest); /* one without a place to cut may have made it large */
    }
    return 1;
  }
}
