/* SPDX-License-Identifier: MIT
 *
 * Time, arithmetic and bytes per kind of node and direction, gathered while a plan runs, and beside the totals, where they
 * are wanted, the single calls of the last steps for a timeline.
 *
 * Roofline (Williams, Waterman, Patterson 2009): no call can take less than max(flops / peak, bytes / bandwidth), with both
 * measured on this machine; its share of the time taken tells how much there is left to win.  Bytes are those that must
 * move at least, so that a call whose data lie in a cache can come out above 1.
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

/* Keeps single calls too: those of the last `steps` steps, at most `events` of them. */
void profile_trace(struct profile *p, int steps, int64_t events);
/* A step begins; its number.  Steps that are not told are one. */
void profile_step(struct profile *p, int64_t step);

/* Right after the call: `seconds` end now.  `name` must outlive the profile; direction: "forward", "backward", "step". */
void profile_add(struct profile *p, const char *op, const char *name, const char *direction, double seconds, struct plan_cost cost);
/* The same for a call that began at `began` on progress_clock(). */
void profile_add_at(struct profile *p, const char *op, const char *name, const char *direction, double began, double seconds, struct plan_cost cost);

struct machine_peak { /* what this machine reaches; 0: not measured */
  double gflop_s;     /* of a large matmul */
  double gb_s;        /* of memory, reading and writing */
};

/* TSV: op name direction calls ms flops bytes gflop_s gb_s share of_peak roofline, the slowest first, then a row "total".
 * of_peak and roofline stay empty where the peak was not measured. */
int profile_write(const struct profile *p, const char *path, const struct machine_peak *peak, struct err *e);

/* Chrome's trace format, which Perfetto and chrome://tracing read: a complete event a call, microseconds since the first
 * step kept, with flops and bytes in args; the steps as events around them.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
int profile_write_trace(const struct profile *p, const char *path, struct err *e);

/* GFLOP/s of a product of two large matrices on this backend, the best of a few tries in about 0.2 seconds: what a
 * model's utilisation is measured against. */
double profile_matmul_peak(const struct backend *b, enum matmul_type type);
/* GB/s of adding two arrays that no cache holds, likewise. */
double profile_memory_peak(const struct backend *b);

#endif
