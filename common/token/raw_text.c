/* SPDX-License-Identifier: MIT
 *
 * A window of chunk_bytes over the input, doubled while it cannot be cut.
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
  free(r);
}

int raw_reader_next(struct raw_reader *r, struct raw_chunk *chunk, struct err *e) {
  if (!r->in) {
    if (r->next == r->count) return 0;
    if (input_open(&r->in, r->operands[r->next++], NULL, e)) return -1;
    r->first = true;
    r->raw_seen = 0;
  }
  for (size_t want = r->chunk_bytes;; want *= 2) {
    const char *data;
    size_t available;
    if (input_peek(r->in, want, &data, &available, e)) return err_prefix(e, "%s", input_name(r->in));
    bool last = available < want;
    size_t n = last ? available : r->cut(r->context, (struct slice){data, want});
    if (n == 0 && !last) continue;
    buffer_clear(&chunk->bytes);
    buffer_append(&chunk->bytes, data, n);
    input_consume(r->in, n);
    /* Damage shows once the bytes before it are consumed. */
    if (last && input_peek(r->in, 1, &data, &available, e)) return err_prefix(e, "%s", input_name(r->in));
    chunk->first = r->first;
    chunk->last = last;
    chunk->raw_bytes = input_raw_read(r->in) - r->raw_seen;
    r->raw_seen += chunk->raw_bytes;
    r->first = false;
    if (last) {
      input_close(r->in);
      r->in = NULL;
    }
    return 1;
  }
}
