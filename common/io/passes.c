/* SPDX-License-Identifier: MIT
 *
 * A kept batch is a struct kept and its bytes, one after the other in a scratch log.  Files that are opened again are hashed
 * in every pass: what was learnt of a text in one pass is not applied to another text in the next.
 */
#include "common/io/passes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

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
  XXH3_state_t *content;       /* of this pass, its lines; NULL: they are kept */
  uint64_t first_content;      /* hash of the first pass's */
};

struct kept {
  size_t length;
  uint64_t first_line, ordinal, lines;
  const char *input;
  int operand;
  enum document_format format;
};

static const struct document_reader_options batches = {.batch_bytes = 1 << 18}; /* within a core's own cache */

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
  if (!p->keep) {
    p->content = XXH3_createState();
    XXH3_64bits_reset(p->content);
  }
  scratch_init(&p->log, memory, folder);
  p->reader = p->first_reader = document_reader_new(operands, count, &batches);
  return p;
}

void passes_free(struct passes *p) {
  if (!p) return;
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  document_reader_free(p->first_reader);
  XXH3_freeState(p->content);
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
  if (p->content) XXH3_64bits_update(p->content, b->bytes.data, b->bytes.len);
  if (p->again || !p->keep) return 1;
  struct kept k = {b->bytes.len, b->first_line, b->ordinal, b->lines, b->input, b->operand, b->format};
  return scratch_append(&p->log, &k, sizeof k, e) != 0 || scratch_append(&p->log, b->bytes.data, b->bytes.len, e) != 0 ? -1 : 1;
}

int passes_again(struct passes *p, struct err *e) {
  bool first = !p->again;
  p->again = true;
  p->at = 0;
  if (p->keep) return 0;
  uint64_t content = XXH3_64bits_digest(p->content);
  if (first) p->first_content = content;
  if (content != p->first_content) return err_set(e, "the input changed while it was read");
  XXH3_64bits_reset(p->content);
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  p->reader = document_reader_new(p->operands, p->count, &batches);
  return 0;
}
