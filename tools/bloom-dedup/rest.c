/* SPDX-License-Identifier: MIT
 *
 * Both passes over regular files are hashed: a file that changed in between is an error.
 */
#include "tools/bloom-dedup/rest.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/batch_log.h"

struct rest {
  bool regular;
  uint64_t ordinal, lines, read;
  XXH3_state_t *first, *again; /* what was kept and what is read again, of regular files */
  struct document_reader *reader;
  struct batch_log log;
};

struct rest *rest_new(char *const *operands, int count, uint64_t ordinal, size_t memory, const char *folder) {
  struct rest *r = NEW(struct rest);
  r->ordinal = ordinal;
  r->regular = !batch_log_needed(operands, count);
  if (r->regular) r->reader = document_reader_new(operands, count, NULL);
  r->first = XXH3_createState();
  r->again = XXH3_createState();
  XXH3_64bits_reset(r->first);
  XXH3_64bits_reset(r->again);
  batch_log_init(&r->log, memory, folder);
  return r;
}

void rest_free(struct rest *r) {
  if (!r) return;
  if (r->reader) document_reader_free(r->reader);
  XXH3_freeState(r->first);
  XXH3_freeState(r->again);
  batch_log_release(&r->log);
  free(r);
}

int rest_keep(struct rest *r, const struct document_batch *b, struct err *e) {
  r->lines += b->lines;
  if (r->regular) {
    XXH3_64bits_update(r->first, b->bytes.data, b->bytes.len);
    return 0;
  }
  return batch_log_append(&r->log, b, e);
}

int rest_next(void *rest, struct document_batch *b, struct err *e) {
  struct rest *r = rest;
  int more;
  if (!r->regular) return batch_log_next(&r->log, b, e);
  do {
    more = document_reader_next(r->reader, b, e);
  } while (more > 0 && b->ordinal < r->ordinal);
  if (more > 0) {
    r->read += b->lines;
    XXH3_64bits_update(r->again, b->bytes.data, b->bytes.len);
  }
  if (more < 0 || (more > 0 && r->read <= r->lines)) return more;
  if (more == 0 && r->read == r->lines && XXH3_64bits_digest(r->first) == XXH3_64bits_digest(r->again)) return 0;
  return err_set(e, "the input changed while it was read");
}
