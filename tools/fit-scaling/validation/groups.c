/* SPDX-License-Identifier: MIT
 *
 * Resample i of one group is paired with resample i of the other: they were drawn independently, so the differences are draws
 * of the difference.
 */
#include "tools/fit-scaling/validation/groups.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tools/fit-scaling/validation/compare.h"

/* The names of the groups stay behind: with each of 10,000 groups they would fill gigabytes. */
static void select_group(struct runs *out, const struct runs *runs, size_t group) {
  struct runs ungrouped = *runs;
  bool *keep = NEW_ARRAY(bool, runs->count + 1);
  for (size_t i = 0; i < runs->count; i++) keep[i] = runs->group[i] == group;
  ungrouped.group_count = 0;
  ungrouped.group_name = NULL;
  ungrouped.group = NULL;
  runs_select(out, &ungrouped, keep);
  free(keep);
}

int groups_run(struct groups *g, const struct study_options *options, const struct runs *runs, double above, struct err *e) {
  *g = (struct groups){.items = NEW_ARRAY(struct group_study, runs->group_count + 1), .count = runs->group_count, .aicc_common = NAN, .aicc_each = NAN};
  struct criteria each = {0};
  for (size_t i = 0; i < g->count; i++) {
    struct group_study *one = &g->items[i];
    struct study_options mine = *options;
    struct runs part;
    mine.bootstrap.seed = splitmix64(options->bootstrap.seed + i);
    one->name = runs->group_name[i];
    select_group(&part, runs, i);
    if (study_run(&one->study, &mine, &part, above, &one->failure) == 0) {
      g->fitted++;
      criteria_add(&each, &one->study);
    }
    runs_release(&part);
  }
  if (g->fitted == 0) return err_set(e, "none of the %zu groups determines a law; the first, '%s': %s", g->count, g->items[0].name, g->items[0].failure.message);
  if (g->fitted == g->count) {
    struct study_options common = *options;
    struct study study;
    struct err why = {0};
    struct criteria one = {0};
    common.bootstrap.resamples = 0;
    if (study_run(&study, &common, runs, above, &why) == 0) criteria_add(&one, &study);
    study_release(&study);
    g->aicc_common = criteria_aicc(&one);
    g->aicc_each = criteria_aicc(&each);
  }
  return 0;
}

void groups_release(struct groups *g) {
  for (size_t i = 0; i < g->count; i++) study_release(&g->items[i].study);
  free(g->items);
  *g = (struct groups){0};
}

double groups_common_flops(const struct groups *g) {
  double common = INFINITY;
  for (size_t i = 0; i < g->count; i++) {
    const struct study *s = &g->items[i].study;
    double most = 0;
    if (g->items[i].failure.message[0]) continue;
    for (size_t k = 0; k < s->fitted.count; k++) most = fmax(most, runs_row(&s->fitted, k).value[RUN_FLOPS]);
    common = fmin(common, most);
  }
  return common;
}

struct answer groups_difference(const struct study *first, const struct study *second, const struct question *q) {
  size_t n = first->bootstrap.count < second->bootstrap.count ? first->bootstrap.count : second->bootstrap.count;
  double *a = NEW_ARRAY(double, first->bootstrap.count + 1), *b = NEW_ARRAY(double, second->bootstrap.count + 1);
  study_draws(first, q, a);
  study_draws(second, q, b);
  for (size_t i = 0; i < n; i++) a[i] = 100 * (b[i] / a[i] - 1);
  struct answer answer = {100 * (study_value(second, second->fit.parameter, q) / study_value(first, first->fit.parameter, q) - 1), interval_of_draws(a, n, first->bootstrap.tail)};
  free(a);
  free(b);
  return answer;
}
