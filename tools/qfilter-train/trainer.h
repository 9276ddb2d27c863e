/* SPDX-License-Identifier: MIT
 *
 * Training of fastText's supervised model (Joulin et al. 2016), by stochastic gradient descent whose learning rate
 * falls linearly to 0.
 *
 * Where the reference lets threads race, here TRAINER_BATCH texts at a time are computed against the same weights and
 * their updates added up in the order of the texts: the same bits with any number of threads.
 */
#ifndef QFILTER_TRAIN_TRAINER_H
#define QFILTER_TRAIN_TRAINER_H

#include "common/text/fasttext.h"
#include "tools/qfilter-train/corpus.h"

struct trainer_options {
  int64_t dim, epoch, word_ngrams, minn, maxn, bucket, min_count, min_count_label, neg;
  enum fasttext_loss loss;
  double lr;
  bool balance; /* every label is seen equally often */
  uint64_t seed;
  int jobs;
  const char *folder; /* for scratch files; NULL: TMPDIR or /tmp */
};

/* A batch ends at so many texts, or where its rows hold so many values: about what two cores' caches hold. */
enum { TRAINER_BATCH = 16, TRAINER_BATCH_VALUES = 1 << 18 };

/* Dictionary and first weights; NULL and an error when there is nothing to train on. */
struct fasttext *trainer_new_model(const struct corpus *c, const struct trainer_options *options, struct err *e);

/* Trains.  *loss is the mean loss of the last epoch. */
int trainer_run(struct fasttext *m, const struct corpus *c, const struct trainer_options *options, struct progress *progress, double *loss, struct err *e);

#endif
