/* SPDX-License-Identifier: MIT
 *
 * A kept batch is a struct kept and its bytes, one after the other in a scratch log.
 */
#include "common/io/passes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/io/scratch.h"

struct passes {
  char *const *operands;
  int count;
  struct document_reader *reader, *first_reader; /* names of kept batches belong to the first */
  bool again, keep;
  struct scratch log;
  uint64_t at; /* in the log */
  struct buffer room;
  uint64_t lines, first_lines; /* of this pass, of the first */
};

struct kept {
  size_t length;
  uint64_t first_line, ordinal, lines;
  const char *input;
  int operand;
  enum document_format format;
};

static bool all_regular(char *const *operands, int count) {
  struct stat st;
  for (int i = 0; i < count; i++)
    if (strcmp(operands[i], "-") == 0 || stat(operands[i], &st) != 0 || !S_ISREG(st.st_mode)) return false;
  return count > 0;
}

struct passes *passes_new(char *const *operands, int count, size_t memory, const char *folder) {
  struct passes *p = NEW(struct passes);
  p->operands = operands;
  p->count = count;
  p->keep = !all_regular(operands, count);
  scratch_init(&p->log, memory, folder);
  p->reader = p->first_reader = document_reader_new(operands, count, NULL);
  return p;
}

void passes_free(struct passes *p) {
  if (!p) return;
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  document_reader_free(p->first_reader);
  scratch_release(&p->log);
  buffer_release(&p->room);
  free(p);
}

int64_t passes_size(const struct passes *p) { return p->keep ? -1 : document_reader_size(p->first_reader); }

static int read_kept(struct passes *p, struct document_batch *b, struct err *e) {
  const void *data;
  struct kept k;
  if (p->at == scratch_length(&p->log)) return 0;
  if (scratch_read(&p->log, p->at, sizeof k, &p->room, &data, e) != 0) return -1;
  memcpy(&k, data, sizeof k);
  if (scratch_read(&p->log, p->at + sizeof k, k.length, &p->room, &data, e) != 0) return -1;
  p->at += sizeof k + k.length;
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

int passes_next(struct passes *p, struct document_batch *b, struct err *e) {
  int more = p->again && p->keep ? read_kept(p, b, e) : document_reader_next(p->reader, b, e);
  if (more <= 0) return more;
  p->lines += b->lines;
  if (p->again || !p->keep) return 1;
  struct kept k = {b->bytes.len, b->first_line, b->ordinal, b->lines, b->input, b->operand, b->format};
  return scratch_append(&p->log, &k, sizeof k, e) != 0 || scratch_append(&p->log, b->bytes.data, b->bytes.len, e) != 0 ? -1 : 1;
}

int passes_again(struct passes *p, struct err *e) {
  if (p->again && p->lines != p->first_lines) return err_set(e, "the input changed while it was read");
  p->first_lines = p->lines;
  p->again = true;
  p->at = 0;
  p->lines = 0;
  if (p->keep) return 0;
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  p->reader = document_reader_new(p->operands, p->count, NULL);
  return 0;
}
