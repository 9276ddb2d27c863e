/* SPDX-License-Identifier: MIT
 *
 * A kept batch is a struct kept and its bytes, one after the other in the log.
 */
#include "tools/bloom-dedup/rest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/scratch.h"

struct rest {
  bool regular;
  uint64_t ordinal, lines, read;
  XXH3_state_t *first, *again; /* what was kept and what is read again, of regular files */
  struct document_reader *reader;
  struct scratch log;
  uint64_t at; /* in the log */
  struct buffer room;
};

struct kept {
  size_t length;
  uint64_t first_line, ordinal, lines;
  const char *input;
  int operand;
  enum document_format format;
};

struct rest *rest_new(char *const *operands, int count, uint64_t ordinal, size_t memory, const char *folder) {
  struct rest *r = NEW(struct rest);
  struct stat st;
  r->ordinal = ordinal;
  r->regular = count > 0;
  for (int i = 0; i < count; i++) r->regular &= strcmp(operands[i], "-") != 0 && stat(operands[i], &st) == 0 && S_ISREG(st.st_mode);
  if (r->regular) r->reader = document_reader_new(operands, count, NULL);
  r->first = XXH3_createState();
  r->again = XXH3_createState();
  XXH3_64bits_reset(r->first);
  XXH3_64bits_reset(r->again);
  scratch_init(&r->log, memory, folder);
  return r;
}

void rest_free(struct rest *r) {
  if (!r) return;
  if (r->reader) document_reader_free(r->reader);
  XXH3_freeState(r->first);
  XXH3_freeState(r->again);
  scratch_release(&r->log);
  buffer_release(&r->room);
  free(r);
}

int rest_keep(struct rest *r, const struct document_batch *b, uint64_t lines, struct err *e) {
  r->lines += lines;
  if (r->regular) {
    XXH3_64bits_update(r->first, b->bytes.data, b->bytes.len);
    return 0;
  }
  struct kept k = {b->bytes.len, b->first_line, b->ordinal, lines, b->input, b->operand, b->format};
  return scratch_append(&r->log, &k, sizeof k, e) != 0 ? -1 : scratch_append(&r->log, b->bytes.data, b->bytes.len, e);
}

static int read_kept(struct rest *r, struct document_batch *b, struct err *e) {
  const void *data;
  struct kept k;
  if (r->at == scratch_length(&r->log)) return 0;
  if (scratch_read(&r->log, r->at, sizeof k, &r->room, &data, e) != 0) return -1;
  memcpy(&k, data, sizeof k);
  if (scratch_read(&r->log, r->at + sizeof k, k.length, &r->room, &data, e) != 0) return -1;
  r->at += sizeof k + k.length;
  buffer_clear(&b->bytes);
  buffer_append(&b->bytes, data, k.length);
  *b = (struct document_batch){b->bytes, k.first_line, k.ordinal, k.lines, k.length, k.operand, k.input, k.format};
  return 1;
}

int rest_next(void *rest, struct document_batch *b, struct err *e) {
  struct rest *r = rest;
  int more;
  if (!r->regular) return read_kept(r, b, e);
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
