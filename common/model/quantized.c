/* SPDX-License-Identifier: MIT */
#include "common/model/quantized.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "kernels/quantized.h"

enum { ALIGNMENT = 64 }; /* bytes, of the first row of what one product reads */

static enum quantized_use use_of(const struct parameter_layout *l, const struct model_config *c, const struct parameter_layer *y, const struct parameter_tensor *t) {
  if (t->kind != PARAMETER_MATRIX && t->offset != l->head) return QUANTIZED_NO_PRODUCT;
  if (y && t->offset == y->kv_b) return QUANTIZED_LATENT;
  if (y && y->router >= 0 && t->offset >= y->router && t->offset < y->experts_down + c->moe.count * y->expert_down_stride) return QUANTIZED_EXPERTS;
  return t->shape[1] % QUANTIZED_BLOCK == 0 ? QUANTIZED_BLOCKS : QUANTIZED_WIDTH;
}

struct quantized_weights *quantized_new(const struct parameter_layout *l, const struct model_config *c, enum quantization kind) {
  struct quantized_weights *q = NEW(struct quantized_weights);
  size_t count = (size_t)l->count;
  *q = (struct quantized_weights){.kind = kind, .uses = NEW_ARRAY(enum quantized_use, count), .blocks_at = NEW_ARRAY(int64_t, count), .stored_at = NEW_ARRAY(int64_t, count)};
  int64_t layer = -1;
  for (int i = 0; i < l->count; i++) {
    const struct parameter_tensor *t = &l->tensors[i];
    while (layer + 1 < c->layers && l->layers[layer + 1].input_norm <= t->offset) layer++;
    q->uses[i] = use_of(l, c, layer < 0 ? NULL : &l->layers[layer], t);
    bool blocks = q->uses[i] == QUANTIZED_BLOCKS, stored = !blocks || t->offset == l->embedding;
    bool follows = i > 0 && t->offset == t[-1].offset + t[-1].count && t->shape[1] == t[-1].shape[1];
    if (blocks && !(follows && q->blocks_at[i - 1] >= 0)) q->bytes = (q->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    q->blocks_at[i] = blocks ? q->bytes : -1;
    if (blocks) q->bytes += t->shape[0] * quantized_row_bytes(kind, t->shape[1]);
    follows = i > 0 && t->offset == t[-1].offset + t[-1].count; /* vectors of any shape, too (a filter's pieces) */
    if (stored && !(follows && q->stored_at[i - 1] >= 0)) q->stored = (q->stored + 15) & ~(int64_t)15;
    q->stored_at[i] = stored ? q->stored : -1;
    if (stored) q->stored += t->count;
  }
  q->bytes = (q->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; /* a GPU reads whole 16 bytes */
  return q;
}

void quantized_free(struct quantized_weights *q, const struct backend *b) {
  if (!q) return;
  if (q->blocks) b->release(q->blocks);
  free(q->uses), free(q->blocks_at), free(q->stored_at);
  free(q);
}

int quantized_put(struct quantized_weights *q, const struct backend *b, const struct parameter_layout *l, int t, int64_t at, const real *from, int64_t n, struct err *e) {
  assert(at % QUANTIZED_BLOCK == 0 && n % QUANTIZED_BLOCK == 0); /* rows lie without gaps, so any run of whole blocks will do */
  struct kernel_error k;
  size_t bytes = (size_t)quantized_row_bytes(q->kind, n);
  void *blocks = MALLOC(bytes);
  int result = quantize_rows(q->kind, blocks, from, n / QUANTIZED_BLOCK, QUANTIZED_BLOCK, &k);
  if (result < 0) err_set(e, "tensor %s has a weight that is not a number or too large: it cannot be quantised", l->tensors[t].name);
  else if ((result = b->to_device(q->blocks + q->blocks_at[t] + quantized_row_bytes(q->kind, at), blocks, bytes, &k)) < 0) kernel_failed(e, &k);
  free(blocks);
  return result;
}

void quantized_report(const struct parameters *p, struct quantized_report *r) {
  const struct quantized_weights *q = p->quantized;
  *r = (struct quantized_report){.block_bytes = q->bytes, .stored_bytes = q->stored * (int64_t)p->backend->stored_size};
  for (int i = 0; i < p->layout.count; i++) {
    enum quantized_use use = q->uses[i];
    if (!r->first[use]) r->first[use] = p->layout.tensors[i].name;
    r->tensors[use]++, r->elements[use] += p->layout.tensors[i].count;
  }
}
