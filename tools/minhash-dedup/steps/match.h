/* SPDX-License-Identifier: MIT
 *
 * The second step: for each band and range of keys, what shares a key, in all shards and with earlier indexes.
 */
#ifndef MINHASH_DEDUP_STEPS_MATCH_H
#define MINHASH_DEDUP_STEPS_MATCH_H

#include "tools/minhash-dedup/steps/steps.h"

int match_run(struct program *p, const struct steps_options *o, char *const *sketches, int count, struct err *e);

#endif
