/* SPDX-License-Identifier: MIT
 *
 * What a window of tokens asks the model for.
 */
#ifndef TRAIN_OBJECTIVE_H
#define TRAIN_OBJECTIVE_H

#include <stdint.h>

/* Language modelling: from T+1 tokens, T inputs and the T ids that follow them. */
void objective_next_token(const uint32_t *window, int64_t T, int32_t *ids, int32_t *targets);

#endif
