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
 * done > 0. */
int record_log_open(FILE **log, const char *path, int64_t done, struct err *e);
int record_log_step(FILE *log, const struct trainer_report *r, int64_t tokens_a_step, struct err *e);
int record_log_close(FILE *log, struct err *e);

struct record_totals {
  int64_t tokens, steps;
  double loss, bpb; /* bpb NAN: unknown */
  uint64_t seed;
};
int record_run(const char *dir, const struct model_config *c, const struct recipe *r, const struct record_totals *totals, struct err *e);

#endif
