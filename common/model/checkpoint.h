/* SPDX-License-Identifier: MIT
 *
 * Checkpoints as folders that Hugging Face's readers load (crawl2lm-checkpoint(5)):
 *
 *   DIR/step-N/config.json generation_config.json model.safetensors [tokenizer files]
 *   DIR/step-N/trainer/state.json optimizer.safetensors     (the optimiser's state)
 *   DIR/latest -> step-N, DIR/FILE -> latest/FILE, DIR/best -> step-M
 *
 * A step is written as step-N.tmp, fsynced and renamed, then `latest` is replaced by rename: whatever happens in
 * between, DIR holds whole checkpoints and `latest` leads to one.
 */
#ifndef MODEL_CHECKPOINT_H
#define MODEL_CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/model/config.h"
#include "common/model/parameters.h"

/* Flat arrays beside the parameters, in trainer/optimizer.safetensors: tensors of `layout` named PREFIX + name. */
struct checkpoint_array {
  const char *prefix;                    /* "" where the layout's names say it all */
  const struct parameter_layout *layout;
  real *values;                          /* on the backend's device, or, with: */
  bool in_host;
};

/* ---- reading: `folder` is DIR, DIR/step-N or any folder with config.json and model.safetensors (or its index) */

int checkpoint_config(struct model_config *c, const char *folder, struct err *e);
/* Fills p->values.  A tensor that is missing, of another shape, or unknown is an error. */
int checkpoint_weights(struct parameters *p, const char *folder, struct err *e);
/* Every tensor of the arrays must be there; others in the file are passed over. */
int checkpoint_arrays(const struct checkpoint_array *arrays, int count, const struct backend *backend, const char *folder, struct err *e);
json_t *checkpoint_state(const char *folder, struct err *e); /* trainer/state.json */

/* The whole checkpoint with the highest step: 1 and its path in *folder, 0 when there is none, -1. */
int checkpoint_latest(const char *dir, struct buffer *folder, struct err *e);

/* ---- writing */

struct checkpoint_extra { /* files that others add to the folder (tokenizer files); write may be NULL */
  int (*write)(void *context, const char *folder, struct err *e);
  void *context;
};

/* The arrays are written when there is a state. */
int checkpoint_save(const char *dir, int64_t step, const struct parameters *p, const struct checkpoint_array *arrays, int array_count, const json_t *state, const struct checkpoint_extra *extra, struct err *e);
/* Makes DIR/latest and the links beside it lead into `folder`, a step of `dir`; saving does it, but can be cut short just before. */
int checkpoint_publish(const char *dir, const char *folder, struct err *e);
/* Makes DIR/best lead to step `step`, which is there. */
int checkpoint_mark_best(const char *dir, int64_t step, struct err *e);
/* Removes the oldest steps until `keep` are left (0: all stay), but never the one that DIR/best leads to, and what
 * interrupted writes left behind. */
int checkpoint_prune(const char *dir, int64_t keep, struct err *e);
/* Removes every step and link; other files stay. */
int checkpoint_clear(const char *dir, struct err *e);

#endif
