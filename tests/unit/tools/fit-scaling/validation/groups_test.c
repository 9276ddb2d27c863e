/* SPDX-License-Identifier: MIT
 *
 * Two recipes that differ are told apart, two samples of one recipe are not.
 */
#include "tools/fit-scaling/validation/groups.h"

#include <math.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

static void make(struct runs *runs, double irreducible_b, int count_b) {
  struct rng rng;
  rng_init(&rng, 21);
  *runs = (struct runs){.group_count = 2, .group_name = NEW_ARRAY(char *, 2)};
  runs->group_name[0] = STRDUP("raw");
  runs->group_name[1] = STRDUP("filtered");
  for (int group = 0; group < 2; group++)
    for (int i = 0; i < (group ? count_b : 40); i++) {
      struct run run = run_of(1e7 * pow(10, 2 * rng_double(&rng)), 1e9 * pow(10, 2 * rng_double(&rng)));
      double E = group ? irreducible_b : 1.9;
      run.value[RUN_LOSS] = (E + 400 / pow(run.value[RUN_PARAMS], .34) + 410 / pow(run.value[RUN_TOKENS], .28)) * exp(.004 * rng_normal(&rng));
      runs_append(runs, &run, (uint32_t)group);
    }
}

static struct answer difference(const struct groups *g) {
  struct question q = {.quantity = QUANTITY_LOSS_OPT, .at = run_of(NAN, NAN)};
  q.at.value[RUN_FLOPS] = groups_common_flops(g);
  return groups_difference(&g->items[0].study, &g->items[1].study, &q);
}

int main(void) {
  struct study_options options = {.form = form_find("chinchilla"), .fit.fit = {OBJECTIVE_HUBER, 1e-3}, .bootstrap = {.resamples = 200, .jobs = 2}};
  struct groups g;
  struct runs runs;
  struct err e = {0};
  make(&runs, 1.7, 40);
  ok(groups_run(&g, &options, &runs, INFINITY, &e) == 0 && g.count == 2 && g.fitted == 2, "two groups, two laws");
  ok(strcmp(g.items[1].name, "filtered") == 0 && g.items[1].study.fitted.count == 40, "each of its own runs");
  struct answer a = difference(&g);
  ok(a.value < -5 && a.interval.high < 0, "an irreducible loss .2 lower shows: %.3g%% (%.3g to %.3g)", a.value, a.interval.low, a.interval.high);
  ok(g.aicc_each < g.aicc_common - 10, "and a law for each explains the runs better");
  groups_release(&g);
  runs_release(&runs);

  make(&runs, 1.9, 40);
  ok(groups_run(&g, &options, &runs, INFINITY, &e) == 0, "the same law twice");
  a = difference(&g);
  ok(a.interval.low < 0 && a.interval.high > 0 && fabs(a.value) < 1, "no difference shows: %.3g%% (%.3g to %.3g)", a.value, a.interval.low, a.interval.high);
  ok(g.aicc_common < g.aicc_each, "and one law is enough");
  groups_release(&g);
  runs_release(&runs);

  make(&runs, 1.9, 2);
  ok(groups_run(&g, &options, &runs, INFINITY, &e) == 0 && g.fitted == 1 && strstr(g.items[1].failure.message, "do not determine"), "a group of two runs says why it has no law");
  ok(isnan(g.aicc_common), "and nothing is compared");
  groups_release(&g);
  runs_release(&runs);
  return tap_done();
}
