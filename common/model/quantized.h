/* SPDX-License-Identifier: MIT
 *
 * Weights in blocks of 8 or 4 bits (kernels/quantized.h), for a model that is only run: which matrices, and where they lie.
 *
 * In blocks are the matrices that one product reads as x W^T: projections of mixers, dense MLPs and shared experts, and the head,
 * which is a copy of its own when tied.  The embedding, vectors and what enum quantized_use names stay as stored.
 */
#ifndef MODEL_QUANTIZED_H
#define MODEL_QUANTIZED_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/model/parameters.h"

enum quantized_use {
  QUANTIZED_BLOCKS,
  QUANTIZED_NO_PRODUCT, /* embedding, vectors */
  QUANTIZED_WIDTH,      /* rows are no whole blocks */
  QUANTIZED_EXPERTS,    /* and their router */
  QUANTIZED_LATENT,     /* kv_b, by which a generation multiplies from both sides (op_cached.h) */
  QUANTIZED_USES
};

struct quantized_weights {
  enum quantization kind;
  enum quantized_use *uses; /* [layout.count] */
  int64_t *blocks_at;       /* [layout.count]: bytes from `blocks` to its first row; -1: not there */
  int64_t *stored_at;       /* [layout.count]: elements from the start of `values` and `working`; -1: not there */
  int64_t bytes, stored;    /* of blocks; elements of values and working */
  char *blocks;             /* on the device */
};

/* Where things will lie; no memory for them yet.  What one product reads lies together in blocks, too. */
struct quantized_weights *quantized_new(const struct parameter_layout *l, const struct model_config *c, enum quantization kind);
void quantized_free(struct quantized_weights *q, const struct backend *b);
/* Elements at .. at + n - 1 of tensor t, which is in blocks, become those of `from`, in host memory; at and n: whole blocks. */
int quantized_put(struct quantized_weights *q, const struct backend *b, const struct parameter_layout *l, int t, int64_t at, const real *from, int64_t n, struct err *e);

/* What became of the matrices: for each use how many there are, with how many elements, and the first one's name. */
struct quantized_report {
  int64_t tensors[QUANTIZED_USES], elements[QUANTIZED_USES];
  const char *first[QUANTIZED_USES];
  int64_t block_bytes, stored_bytes;
};
void quantized_report(const struct parameters *p, struct quantized_report *r);

#endif
