/* SPDX-License-Identifier: MIT
 *
 * The log: for each batch its length in 8 bytes, then its documents: struct waiting_document, values, kept, reject.
 */
#include "tools/qfilter/waiting.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/io/scratch.h"

struct waiting {
  const struct expressions *x;
  int count; /* values of a document */
  struct quantile *quantiles; /* [count], those of ranks in use */
  struct scratch log;
};

size_t waiting_begin(struct buffer *out, const double *values, int count) {
  size_t begin = out->len;
  struct waiting_document head = {0};
  buffer_append(out, &head, sizeof head);
  if (count) buffer_append(out, values, (size_t)count * sizeof *values);
  return begin;
}

void waiting_end(struct buffer *out, size_t begin, int count, struct waiting_document head, size_t reject_start) {
  head.kept = reject_start - begin - sizeof head - (size_t)count * sizeof(double);
  head.reject = out->len - reject_start;
  memcpy(out->data + begin, &head, sizeof head);
}

struct waiting *waiting_new(struct expressions *x, size_t memory, const char *folder) {
  struct waiting *w = NEW(struct waiting);
  w->x = x;
  w->count = expressions_waiting(x);
  w->quantiles = NEW_ARRAY(struct quantile, (size_t)w->count + 1);
  scratch_init(&w->log, memory, folder);
  return w;
}

void waiting_free(struct waiting *w) {
  if (!w) return;
  for (int i = 0; i < w->count; i++) quantile_release(&w->quantiles[i]);
  free(w->quantiles);
  scratch_release(&w->log);
  free(w);
}

const struct quantile *waiting_quantile(const struct waiting *w, int i) { return &w->quantiles[i]; }

/* The document at *at of a batch; *at goes behind it. */
static void document_at(const char *data, size_t *at, int count, struct waiting_document *head, double *values, struct waiting_visit *visit) {
  memcpy(head, data + *at, sizeof *head);
  *at += sizeof *head;
  if (count) memcpy(values, data + *at, (size_t)count * sizeof *values);
  *at += (size_t)count * sizeof *values;
  *visit = (struct waiting_visit){head, {data + *at, head->kept}, {data + *at + head->kept, head->reject}};
  *at += head->kept + head->reject;
}

int waiting_add(struct waiting *w, struct slice batch, struct err *e) {
  if (batch.len == 0) return 0;
  double *values = NEW_ARRAY(double, (size_t)w->count + 1);
  struct waiting_document head;
  struct waiting_visit visit;
  for (size_t at = 0; at < batch.len;) {
    document_at(batch.data, &at, w->count, &head, values, &visit);
    for (int i = 0; !head.decided && i < w->count; i++)
      if (expressions_waiting_kind(w->x, i) != WAITING_VALUE) quantile_add(&w->quantiles[i], values[i]);
  }
  free(values);
  uint64_t size = batch.len;
  return scratch_append(&w->log, &size, sizeof size, e) != 0 ? -1 : scratch_append(&w->log, batch.data, batch.len, e);
}

int waiting_each(struct waiting *w, struct evaluation *v, int (*take)(void *context, const struct waiting_visit *visit, struct err *e), void *context, struct err *e) {
  for (int i = 0; i < w->count; i++)
    if (expressions_waiting_kind(w->x, i) != WAITING_VALUE) quantile_finish(&w->quantiles[i]);
  double *values = NEW_ARRAY(double, (size_t)w->count + 1);
  struct buffer room = {0};
  struct waiting_document head;
  struct waiting_visit visit;
  int result = 0;
  for (uint64_t offset = 0, end = scratch_length(&w->log); result == 0 && offset < end;) {
    const void *data;
    uint64_t size;
    if ((result = scratch_read(&w->log, offset, sizeof size, &room, &data, e)) != 0) break;
    memcpy(&size, data, sizeof size);
    if ((result = scratch_read(&w->log, offset + sizeof size, size, &room, &data, e)) != 0) break;
    offset += sizeof size + size;
    for (size_t at = 0; result == 0 && at < size;) {
      document_at(data, &at, w->count, &head, values, &visit);
      for (int i = 0; i < w->count; i++) {
        enum waiting_rank kind = expressions_waiting_kind(w->x, i);
        if (kind == WAITING_RANK) values[i] = quantile_below(&w->quantiles[i], values[i]);
        if (kind == WAITING_ABOVE) values[i] = quantile_above(&w->quantiles[i], values[i]);
      }
      evaluation_restore(v, values);
      result = take(context, &visit, e);
    }
  }
  buffer_release(&room);
  free(values);
  return result;
}
