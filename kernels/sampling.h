/* SPDX-License-Identifier: MIT
 *
 * What a sampler needs of a row of logits, so that the whole row need not leave the device:
 *
 *   values, ids   [rows][k]   the k largest logits, the largest first, of equal ones the lower id first, and their ids
 *   log_sum_exp   [rows]      log(sum over all V of exp(logit / temperature)), temperature > 0: the logarithm of a token's
 *                             probability is logit / temperature less this
 *
 * logits: [rows][ld] of which V are used, not changed; 0 <= k <= V, and on a GPU k <= 1024.  -inf has the probability 0, nothing
 * but -inf makes log_sum_exp -inf.  NaN or +inf anywhere makes it NaN, and then values and ids mean nothing.
 * -0 counts as 0, and may come back as 0.
 * log_sum_exp: the sum within 1e-5 of itself, and then roundings of floats; double in scalar code.
 */
#ifndef KERNELS_SAMPLING_H
#define KERNELS_SAMPLING_H

#include "kernels/backend.h"

int top_logits(real *values, int32_t *ids, real *log_sum_exp, const real *logits, int64_t ld, int64_t rows, int64_t V, int64_t k, real temperature,
               struct kernel_error *e);
int top_logits_check(int64_t V, int64_t k, real temperature, struct kernel_error *e); /* -1 for what no backend can do */

#endif
