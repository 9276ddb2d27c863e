/* SPDX-License-Identifier: MIT
 *
 * The recipe as options, as a JSON file (--recipe, the same words) and as it is kept in a checkpoint.  Whatever is not
 * given stays "unset" until a weaker source fills it: command line, then --recipe, then the run that --resume goes on
 * with, then the defaults.
 */
#ifndef LM_TRAIN_RECIPE_OPTIONS_H
#define LM_TRAIN_RECIPE_OPTIONS_H

#include <jansson.h>

#include "common/base/err.h"
#include "common/base/options.h"
#include "common/model/config.h"
#include "common/train/trainer.h"

struct recipe_options {
  int64_t steps, tokens;        /* unset: INT64_MIN */
  double flops;                 /* unset: NAN */
  int64_t batch, micro_batch, seq, warmup, eval_every, eval_tokens, save_every, keep;
  int64_t soap_frequency, mup_base, max_skips;
  double lr, min_lr, decay, beta1, beta2, eps, momentum, matrix_lr, weight_decay, clip, spike, z_loss;
  int schedule, optimizer, decay_embeddings, dtype, recompute; /* unset: -1 */
  bool keep_best;                            /* unset: false */
};

enum { RECIPE_ROWS = 40 };

void recipe_options_init(struct recipe_options *o);
/* Fills `table`, OPTION_END last; returns the number of rows before it. */
int recipe_options_table(struct recipe_options *o, struct option table[RECIPE_ROWS]);
/* Sets what is unset from an object of option names; `name` prefixes messages. */
int recipe_options_fill(struct recipe_options *o, const json_t *object, const char *name, struct err *e);

/* Fills the rest with defaults for this model and gives the recipe.  The budget must be one of steps, tokens, flops. */
int recipe_options_resolve(struct recipe_options *o, const struct model_config *c, struct recipe *r, struct err *e);
json_t *recipe_options_to_json(const struct recipe_options *o); /* after resolve() */

#endif
