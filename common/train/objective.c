/* SPDX-License-Identifier: MIT */
#include "common/train/objective.h"

void objective_next_token(const uint32_t *window, int64_t T, int32_t *ids, int32_t *targets) {
  for (int64_t t = 0; t < T; t++) {
    ids[t] = (int32_t)window[t];
    targets[t] = (int32_t)window[t + 1];
  }
}
