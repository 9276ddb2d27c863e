/* SPDX-License-Identifier: MIT
 *
 * The first step: shards -> DIR/SHARD.sketch, one each.
 */
#ifndef MINHASH_DEDUP_STEPS_SKETCH_H
#define MINHASH_DEDUP_STEPS_SKETCH_H

#include "tools/minhash-dedup/steps/steps.h"

int sketch_run(struct program *p, const struct steps_options *o, char *const *shards, int count, struct err *e);

#endif
