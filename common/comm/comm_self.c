/* SPDX-License-Identifier: MIT */
#include "common/comm/comm.h"

static int keep(const struct comm *c, real *x, int64_t n, struct err *e) {
  (void)c, (void)x, (void)n, (void)e;
  return 0;
}

static int keep_double(const struct comm *c, double *x, int64_t n, struct err *e) {
  (void)c, (void)x, (void)n, (void)e;
  return 0;
}

const struct comm *comm_self(void) {
  static const struct comm self = {.name = "self", .world_size = 1, .all_reduce = keep, .all_reduce_double = keep_double};
  return &self;
}
