/* SPDX-License-Identifier: MIT
 *
 * Training of fastText's supervised model with softmax (Joulin et al. 2016), by stochastic gradient descent whose
 * learning rate falls linearly to 0.
 *
 * Where the reference lets threads race, here TRAINER_BATCH texts at a time are computed against the same weights and
 * their updates added up in the order of the texts: the same bits with any number of threads.
 */
#ifndef QFILTER_TRAIN_TRAINER_H
#define QFILTER_TRAIN_TRAINER_H

#include "common/text/fasttext.h"
#include "tools/qfilter-train/corpus.h"

struct trainer_options {
  int64_t dim, epoch, word_ngrams, minn, maxn, bucket, min_count, min_count_label;
  double lr;
  uint64_t seed;
  int jobs;
};

enum { TRAINER_BATCH = 16 };

/* Dictionary and first weights; NULL and an error when there is nothing to train on. */
struct fasttext *trainer_new_model(const struct corpus *c, const struct trainer_options *options, struct err *e);

/* Trains.  corpus.train is shuffled before each epoch.  Returns the mean loss of the last epoch. */
double trainer_run(struct fasttext *m, struct corpus *c, const struct trainer_options *options, struct progress *progress);

struct label_result {
  uint64_t texts, predicted, correct;
};
struct trainer_report {
  uint64_t texts, correct, unknown; /* unknown: texts whose label was not trained */
  struct label_result *labels;      /* [m->labels] */
};

/* Predictions for corpus.test against their labels. */
struct trainer_report trainer_test(const struct fasttext *m, const struct corpus *c, int jobs);

/* The .bin file's bytes go to `write`. */
struct output;
int trainer_save(const struct fasttext *m, struct output *out, struct err *e);

#endif
