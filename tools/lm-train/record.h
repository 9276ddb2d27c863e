/* SPDX-License-Identifier: MIT
 *
 * The tables a run writes: the log, a row a step, and DIR/run.tsv, one row of totals.
 */
#ifndef LM_TRAIN_RECORD_H
#define LM_TRAIN_RECORD_H

#include <stdint.h>
#include <stdio.h>

#include "common/base/err.h"
#include "common/model/config.h"
#include "common/train/trainer.h"

/* Opens the log for the steps after `done`: rows of later steps, which a killed run left, go.  Rows before it stay when
 * done > 0, their columns by name.  With several sources or validation sets each has a column, loss:NAME, val_loss:NAME. */
int record_log_open(FILE **log, const char *path, const struct loader *l, int64_t done, struct err *e);
int record_log_step(FILE *log, const struct trainer_report *r, const struct loader *l, int64_t tokens_a_step, struct err *e);
int record_log_close(FILE *log, struct err *e);

struct record_totals {
  int64_t tokens, steps;
  double loss, bpb; /* bpb NAN: unknown */
  uint64_t seed;
  int64_t skipped;
  double noise_scale;        /* NAN: unknown */
  char init[17];             /* hash of the weights the run began with; "": its own, drawn from the seed */
  const struct loader *loader;
  const double *val_losses;  /* of each validation set */
};
int record_run(const char *dir, const struct model_config *c, const struct recipe *r, const struct record_totals *totals, struct err *e);

#endif
