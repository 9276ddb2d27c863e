/* SPDX-License-Identifier: MIT
 *
 * Of runs that were searched over, the best of each kind stays.
 */
#include "tools/fit-scaling/table/lowest.h"

#include <math.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"

static void add(struct runs *runs, double params, double tokens, double lr, double loss, uint32_t group) {
  struct run run = run_of(params, tokens);
  run.value[RUN_LR] = lr;
  run.value[RUN_LOSS] = loss;
  runs_append(runs, &run, group);
}

int main(void) {
  struct runs runs = {.rows = 9, .bad = 2, .group_count = 2};
  struct err e = {0};
  unsigned per = 0;
  runs.group_name = NEW_ARRAY(char *, 2);
  runs.group_name[0] = STRDUP("one");
  runs.group_name[1] = STRDUP("two");
  ok(lowest_parse(&per, "params,tokens", &e) == 0 && per == (1u << RUN_PARAMS | 1u << RUN_TOKENS), "params,tokens");
  static const char *const wrong[] = {"", "params,", ",params", "param", "loss", "params tokens"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    unsigned ignored;
    ok(lowest_parse(&ignored, wrong[i], &e) != 0, "'%s' is refused", wrong[i]);
  }
  add(&runs, 2e8, 1e9, 1e-3, 3.1, 0);
  add(&runs, 1e8, 1e9, 1e-3, 3.3, 0);
  add(&runs, 1e8, 1e9, 2e-3, 3.2, 0);
  add(&runs, 1e8, 1e9, 3e-3, 3.2, 0);
  add(&runs, 1e8, 1e9, 4e-3, NAN, 0);
  add(&runs, 1e8, 1e9, 5e-3, 3.0, 1);
  add(&runs, 1e8, 2e9, 6e-3, 2.9, 0);
  lowest_keep(&runs, per);
  ok_int((int64_t)runs.count, 4, "four kinds: size, tokens and group");
  const double *lr = runs.column[RUN_LR];
  ok(lr[0] == 1e-3 && lr[1] == 2e-3 && lr[2] == 5e-3 && lr[3] == 6e-3, "the first of the lowest, in the order of the table");
  ok(runs.group[2] == 1 && strcmp(runs.group_name[1], "two") == 0, "groups stay");
  ok(runs.rows == 9 && runs.bad == 2, "the counts of the table stay");
  runs_release(&runs);
  lowest_keep(&runs, per);
  ok(runs.count == 0, "an empty table stays empty");
  return tap_done();
}
