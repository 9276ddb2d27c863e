/* SPDX-License-Identifier: MIT
 *
 * A kept batch is a struct kept and its bytes, one after the other.
 */
#include "common/io/batch_log.h"

#include <string.h>
#include <sys/stat.h>

struct kept {
  size_t length;
  uint64_t first_line, ordinal, lines;
  const char *input;
  int operand;
  enum document_format format;
};

bool batch_log_needed(char *const *operands, int count) {
  struct stat st;
  for (int i = 0; i < count; i++)
    if (strcmp(operands[i], "-") == 0 || stat(operands[i], &st) != 0 || !S_ISREG(st.st_mode)) return true;
  return count == 0;
}

void batch_log_init(struct batch_log *l, size_t memory, const char *folder) {
  *l = (struct batch_log){0};
  scratch_init(&l->scratch, memory, folder);
}

void batch_log_release(struct batch_log *l) {
  scratch_release(&l->scratch);
  buffer_release(&l->room);
}

int batch_log_append(struct batch_log *l, const struct document_batch *b, struct err *e) {
  struct kept k = {b->bytes.len, b->first_line, b->ordinal, b->lines, b->input, b->operand, b->format};
  return scratch_append(&l->scratch, &k, sizeof k, e) != 0 ? -1 : scratch_append(&l->scratch, b->bytes.data, b->bytes.len, e);
}

int batch_log_next(struct batch_log *l, struct document_batch *b, struct err *e) {
  const void *data;
  struct kept k;
  if (l->at == scratch_length(&l->scratch)) return 0;
  if (scratch_read(&l->scratch, l->at, sizeof k, &l->room, &data, e) != 0) return -1;
  memcpy(&k, data, sizeof k);
  if (scratch_read(&l->scratch, l->at + sizeof k, k.length, &l->room, &data, e) != 0) return -1;
  l->at += sizeof k + k.length;
  buffer_clear(&b->bytes);
  buffer_append(&b->bytes, data, k.length);
  b->first_line = k.first_line;
  b->ordinal = k.ordinal;
  b->lines = k.lines;
  b->raw_bytes = k.length;
  b->operand = k.operand;
  b->input = k.input;
  b->format = k.format;
  return 1;
}
