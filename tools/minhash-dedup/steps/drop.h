/* SPDX-License-Identifier: MIT
 *
 * The last step: shards and the list of what is removed -> what stays, to DIR/SHARD each or all to standard output.
 */
#ifndef MINHASH_DEDUP_STEPS_DROP_H
#define MINHASH_DEDUP_STEPS_DROP_H

#include "tools/minhash-dedup/steps/steps.h"

int drop_run(struct program *p, const struct steps_options *o, char *const *shards, int count, struct err *e);

#endif
