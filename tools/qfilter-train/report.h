/* SPDX-License-Identifier: MIT
 *
 * What a classifier is worth on texts that it has not seen: precision, recall and F1 by label, who is taken for whom,
 * how far its probabilities can be believed, and what a threshold keeps.
 *
 * Calibration: predictions fall into REPORT_BINS bins by the probability of the predicted label; the expected calibration
 * error is the mean of |share that is right - mean probability| over the texts (Guo et al. 2017).  Areas under the ROC
 * curve (ties count half) and under precision and recall (average precision) and the thresholds are one label's
 * probability against all other labels.  Intervals are Wilson's, 95%.
 */
#ifndef QFILTER_TRAIN_REPORT_H
#define QFILTER_TRAIN_REPORT_H

#include "common/io/output.h"
#include "common/text/fasttext.h"
#include "tools/qfilter-train/corpus.h"

enum { REPORT_BINS = 10, REPORT_KEEPS = 8, REPORT_CONFUSION = 256 /* labels up to which it is counted */ };

struct report_label {
  uint64_t texts, predicted, correct;
  /* NAN without texts of both kinds, or when the scores of all texts would take too much memory */
  double roc_area, precision_area;
  struct report_keep { /* of the most probable report_keep[] of the texts */
    double threshold, kept, precision, recall;
  } keep[REPORT_KEEPS];
};

extern const double report_keep[REPORT_KEEPS];

struct report {
  const struct fasttext *m;
  uint64_t texts;     /* with a label that the model knows */
  uint64_t unknown;   /* the others */
  uint64_t correct;   /* the predicted label is one of the text's */
  uint64_t labels;    /* of the texts, in all */
  struct report_label *label; /* [m->labels] */
  uint64_t *confusion;        /* [m->labels][m->labels] label, predicted; texts of one label; NULL: too many labels */
  struct report_bin {
    uint64_t texts, correct;
    double probability; /* sum */
  } bins[REPORT_BINS];
  double calibration_error;
  bool curves;
};

/* Predicts c->test.  Scores of all texts are held for the curves when they fit in `memory` bytes. */
void report_make(struct report *r, const struct fasttext *m, const struct corpus *c, int jobs, int64_t memory);
void report_release(struct report *r);

struct report_interval {
  double low, high;
};
struct report_interval report_wilson(uint64_t hits, uint64_t n);

/* TSV: measure, label, at, value, low, high. */
int report_write(const struct report *r, struct output *out, struct err *e);
/* For people, a line a call. */
void report_print(const struct report *r, struct program *p);

#endif
