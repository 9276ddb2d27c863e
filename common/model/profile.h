/* SPDX-License-Identifier: MIT
 *
 * Time, arithmetic and bytes per kind of node and direction, gathered while a plan runs.
 */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/model/plan.h"

struct profile; /* one per process that trains or samples; not thread-safe */

struct profile *profile_new(void);
void profile_free(struct profile *p);

/* `name` must outlive the profile; direction: "forward", "backward", "step". */
void profile_add(struct profile *p, const char *op, const char *name, const char *direction, double seconds, struct plan_cost cost);

/* TSV: op name direction calls ms flops bytes gflop_s gb_s share, the slowest first, then a row "total".
 * peak: GFLOP/s of a large matmul on this machine, 0 if not measured; then `of_peak` stays empty. */
int profile_write(const struct profile *p, const char *path, double peak, struct err *e);

/* GFLOP/s of a product of two large matrices on this backend, the best of a few tries in about 0.2 seconds: what a
 * model's utilisation is measured against. */
double profile_matmul_peak(const struct backend *b);

#endif
