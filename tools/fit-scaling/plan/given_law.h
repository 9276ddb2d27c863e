/* SPDX-License-Identifier: MIT
 *
 * A law that is known without runs: a published one, one that fit-scaling wrote, or one whose parameters are all fixed.
 */
#ifndef FIT_SCALING_GIVEN_LAW_H
#define FIT_SCALING_GIVEN_LAW_H

#include "common/base/buffer.h"
#include "tools/fit-scaling/forms/form.h"

/* E, A, B, alpha, beta of the form chinchilla. */
struct given_law {
  char source[256];
  double parameter[PARAMETERS_MAX];
};

/* name: chinchilla, besiroglu, muennighoff, or a file of rows `form name value ...`. */
int given_law_load(struct given_law *law, const char *name, struct err *e);

/* Rows as fit-scaling writes them; `name` is for messages. */
int given_law_parse(struct given_law *law, struct slice text, const char *name, struct err *e);

/* --fix for every parameter: true, and the law is set. */
bool given_law_fixed(struct given_law *law, const struct form_options *options);

#endif
