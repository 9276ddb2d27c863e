/* SPDX-License-Identifier: MIT
 *
 * `fit-scaling plan`: from a law, a budget and what limits it to a run that can be started: model, recipe, expected loss, time,
 * memory, and the runs that would make the expectation sharper.
 */
#ifndef FIT_SCALING_PLAN_H
#define FIT_SCALING_PLAN_H

#include "common/base/options.h"
#include "tools/fit-scaling/plan/allocation.h"
#include "tools/fit-scaling/plan/budget.h"
#include "tools/fit-scaling/plan/config.h"
#include "tools/fit-scaling/plan/design.h"
#include "tools/fit-scaling/plan/given_law.h"
#include "tools/fit-scaling/plan/hyper.h"

struct plan_options {
  double flops, tokens, repeats, inference_tokens, spend; /* not a number: not given */
  struct machine machine;
  int64_t memory, vocab, seq, next; /* 0: not given */
  int serving, precision;
  const char *law, *hyper, *config, *recipe;
  void (*format)(struct slice table, struct buffer *out); /* of the rows; NULL: as they are */
};

enum { PLAN_ROWS = 20 };
void plan_options_init(struct plan_options *o);
/* Rows for the program's table, OPTION_END last; returns their number without it. */
int plan_options_table(struct plan_options *o, struct option table[PLAN_ROWS]);
/* The first option given, or NULL: without the operand `plan` there must be none. */
const char *plan_options_given(const struct plan_options *o);

/* Numbers of a plan with their intervals over the laws that the runs allow; of a law without runs there are no intervals. */
enum plan_number { PLAN_N, PLAN_D, PLAN_TOKENS_PER_PARAM, PLAN_LOSS, PLAN_RUN_LOSS, PLAN_NUMBERS };

struct plan {
  const struct study *study;       /* a law without runs has none that are fitted */
  const char *source;              /* of such a law; NULL: runs */
  const struct plan_options *options;
  struct budget budget;
  struct allocation_request request;
  struct allocation allocation;
  struct shape shape;
  struct recipe recipe;
  double tokens, flops;            /* of the shape and recipe, whole steps */
  struct hyper hyper;              /* before the batch is rounded to a power of two of sequences */
  struct run seen;                 /* what the law is asked about */
  struct arrangement arrangement;
  struct design design;
  struct answer answer[PLAN_NUMBERS];
};

/* -1: contradictory options, or no such plan. */
int plan_make(struct plan *plan, const struct study *s, const char *source, const struct plan_options *o, struct err *e);

#endif
