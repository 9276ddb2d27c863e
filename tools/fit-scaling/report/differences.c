/* SPDX-License-Identifier: MIT
 *
 * Two groups are told apart where the interval of their difference leaves out zero.
 */
#include "tools/fit-scaling/report/differences.h"

#include <math.h>

#include "common/base/number.h"

enum { ALL_PAIRS = 20 };

static bool is_fitted(const struct group_study *one) { return one->failure.message[0] == 0; }

static void put_pair(const struct report *r, const struct group_study *first, const struct group_study *second, const struct target *target,
                     struct buffer *rows, struct buffer *summary) {
  struct question q = {.quantity = target->optimum ? QUANTITY_LOSS_OPT : QUANTITY_PREDICTION, .at = target->at};
  struct answer a = groups_difference(&first->study, &second->study, &q);
  const struct interval *in = &a.interval;
  struct buffer pair = {0}, name = {0};
  struct report between = *r;
  buffer_printf(&pair, "%s - %s", second->name, first->name);
  buffer_printf(&name, "%s_difference_percent", run_column_name(first->study.data.form->explains));
  between.study = &first->study;
  between.group = buffer_string(&pair);
  report_row(&between, rows, buffer_string(&name), target, &a);
  buffer_append_string(summary, "\n  at ");
  report_name(summary, target->typed);
  buffer_append_string(summary, ", ");
  report_name(summary, between.group);
  buffer_printf(summary, ": %+.3g%%", a.value);
  if (isfinite(in->low)) buffer_printf(summary, " (%+.3g to %+.3g): %s", in->low, in->high, in->low > 0 || in->high < 0 ? "they differ" : "no difference shown");
  buffer_release(&pair);
  buffer_release(&name);
}

void report_differences(const struct report *r, const struct groups *g, struct buffer *rows, struct buffer *summary) {
  char typed[NUMBER_TEXT];
  double flops = groups_common_flops(g);
  struct target common = {.typed = number_format(flops, typed), .at = run_of(NAN, NAN), .optimum = true};
  common.at.value[RUN_FLOPS] = flops;
  if (isfinite(g->aicc_common) && isfinite(g->aicc_each))
    buffer_printf(summary, "one law for all groups has AICc %.5g, a law for each %.5g: %s", g->aicc_common, g->aicc_each,
                  g->aicc_each < g->aicc_common ? "the groups differ" : "one law is enough");
  else buffer_append_string(summary, "differences between the groups");
  for (int t = 0; t < (r->target_count ? r->target_count : 1); t++)
    for (size_t i = 0; i < (g->count > ALL_PAIRS ? 1 : g->count); i++)
      for (size_t k = i + 1; k < g->count; k++)
        if (is_fitted(&g->items[i]) && is_fitted(&g->items[k])) put_pair(r, &g->items[i], &g->items[k], r->target_count ? &r->targets[t] : &common, rows, summary);
}
