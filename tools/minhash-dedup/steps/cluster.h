/* SPDX-License-Identifier: MIT
 *
 * The third step: matches -> the list of what is removed (collection.h has its form).
 */
#ifndef MINHASH_DEDUP_STEPS_CLUSTER_H
#define MINHASH_DEDUP_STEPS_CLUSTER_H

#include "tools/minhash-dedup/steps/steps.h"

int cluster_run(struct program *p, const struct steps_options *o, char *const *matches, int count, struct err *e);

#endif
