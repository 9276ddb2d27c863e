/* SPDX-License-Identifier: MIT
 *
 * Files that are opened again are hashed in every pass: what was learnt of a text in one pass is not applied to another text
 * in the next.
 */
#include "common/io/passes.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/batch_log.h"

struct passes {
  char *const *operands;
  int count;
  struct document_reader *reader, *first_reader; /* names of kept batches belong to the first */
  bool again, keep;
  struct batch_log log;
  XXH3_state_t *content;       /* of this pass, its lines; NULL: they are kept */
  uint64_t first_content;      /* hash of the first pass's */
};

static const struct document_reader_options batches = {.batch_bytes = 1 << 18}; /* within a core's own cache */

struct passes *passes_new(char *const *operands, int count, size_t memory, const char *folder) {
  struct passes *p = NEW(struct passes);
  p->operands = operands;
  p->count = count;
  p->keep = batch_log_needed(operands, count);
  if (!p->keep) {
    p->content = XXH3_createState();
    XXH3_64bits_reset(p->content);
  }
  batch_log_init(&p->log, memory, folder);
  p->reader = p->first_reader = document_reader_new(operands, count, &batches);
  return p;
}

void passes_free(struct passes *p) {
  if (!p) return;
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  document_reader_free(p->first_reader);
  XXH3_freeState(p->content);
  batch_log_release(&p->log);
  free(p);
}

int64_t passes_size(const struct passes *p) { return p->keep ? -1 : document_reader_size(p->first_reader); }

int passes_next(struct passes *p, struct document_batch *b, struct err *e) {
  int more = p->again && p->keep ? batch_log_next(&p->log, b, e) : document_reader_next(p->reader, b, e);
  if (more <= 0) return more;
  if (p->content) XXH3_64bits_update(p->content, b->bytes.data, b->bytes.len);
  if (p->again || !p->keep) return 1;
  return batch_log_append(&p->log, b, e) != 0 ? -1 : 1;
}

int passes_again(struct passes *p, struct err *e) {
  bool first = !p->again;
  p->again = true;
  p->log.at = 0;
  if (p->keep) return 0;
  uint64_t content = XXH3_64bits_digest(p->content);
  if (first) p->first_content = content;
  if (content != p->first_content) return err_set(e, "the input changed while it was read");
  XXH3_64bits_reset(p->content);
  if (p->reader != p->first_reader) document_reader_free(p->reader);
  p->reader = document_reader_new(p->operands, p->count, &batches);
  return 0;
}
