/* SPDX-License-Identifier: MIT
 *
 * Smaller fastText models (Joulin et al. 2016, https://arxiv.org/abs/1612.03651), as the reference's `quantize`: pruning
 * keeps the rows of the largest norms; product quantisation (Jegou, Douze, Schmid 2011) replaces `dsub` columns at a time
 * by the nearest of 256 centroids, found by k-means.
 */
#ifndef QFILTER_TRAIN_FASTTEXT_QUANTIZE_H
#define QFILTER_TRAIN_FASTTEXT_QUANTIZE_H

#include "common/text/fasttext.h"

struct fasttext_quantize_options {
  int64_t cutoff; /* rows of the input matrix to keep, </s> always among them; 0: all */
  int dsub;       /* columns a code: 2 in the reference */
  bool qnorm;     /* norms are quantised by themselves */
  bool qout;      /* the output matrix is quantised too, with two columns a code */
  int jobs;       /* threads; the result does not depend on them */
  uint64_t seed;
};

/* Keeps `cutoff` rows; the model stays dense and can be trained on before it is quantised (it cannot be written: the
 * reference reads pruned models only quantised).  Nothing happens when the model has no more rows. */
void fasttext_prune(struct fasttext *m, int64_t cutoff);
/* Prunes and quantises a dense model in place. */
int fasttext_quantize(struct fasttext *m, const struct fasttext_quantize_options *o, struct err *e);

#endif
