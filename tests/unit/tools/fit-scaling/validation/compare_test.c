/* SPDX-License-Identifier: MIT
 *
 * The form that made the runs wins, by held-out error and by criteria.
 */
#include "tools/fit-scaling/validation/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static void make(struct runs *runs, bool straight) {
  struct rng rng;
  rng_init(&rng, 5);
  *runs = (struct runs){0};
  for (int b = 0; b < 5; b++)
    for (int i = 0; i < 6; i++) {
      double flops = 1e17 * pow(10, b), params = sqrt(flops / 120) * pow(2, i - 2.5);
      struct run run = run_of(params, flops / 6 / params);
      double law = straight ? 40 * pow(params, -.06) * pow(run.value[RUN_TOKENS], -.05) : 1.9 + 400 / pow(params, .34) + 410 / pow(run.value[RUN_TOKENS], .28);
      run.value[RUN_LOSS] = law * exp(.003 * rng_normal(&rng));
      runs_append(runs, &run, 0);
    }
}

static const struct contender *find(const struct contender *c, int count, const char *name, int *rank) {
  for (int i = 0; i < count; i++)
    if (strcmp(c[i].form->name, name) == 0) {
      *rank = i + 1;
      return &c[i];
    }
  return NULL;
}

int main(void) {
  struct study_options options = {.form = form_find("chinchilla"), .fit.fit = {OBJECTIVE_SQUARES, 1e-3}};
  struct holdout holdout = {.above = NAN, .top = .2};
  for (int straight = 0; straight < 2; straight++) {
    struct runs runs;
    struct contender *c;
    struct err e = {0};
    int count = 0, chinchilla_rank = 0, power_rank = 0;
    make(&runs, straight);
    ok(compare_forms(&c, &count, "chinchilla,power", &options, &runs, &holdout, &e) == 0 && count == 2, "two forms");
    const struct contender *chinchilla = find(c, count, "chinchilla", &chinchilla_rank), *power = find(c, count, "power", &power_rank);
    ok(chinchilla && power && chinchilla->scored && power->scored && chinchilla->score.count == 6, "both predict the largest budget");
    if (!straight) ok(chinchilla_rank == 1 && chinchilla->aicc < power->aicc - 10 && chinchilla->bic < power->bic, "runs with an irreducible loss: chinchilla wins");
    else ok(power->aicc < chinchilla->aicc && power->parameters < chinchilla->parameters, "runs of a straight law: its criteria are lower, having fewer parameters");
    struct buffer text = {0};
    compare_rows(c, count, &text);
    ok(strncmp(buffer_string(&text), "rank\tform\t", 10) == 0 && strstr(buffer_string(&text), "\n2\t"), "the table has two ranks");
    buffer_clear(&text);
    compare_summary(c, count, &text);
    ok(straight || strstr(buffer_string(&text), "chinchilla predicts the 6 runs of most compute best"), "the summary names the best");
    buffer_release(&text);
    free(c);
    runs_release(&runs);
  }
  struct runs runs;
  struct contender *c;
  struct err e = {0};
  int count = 0;
  make(&runs, false);
  ok(compare_forms(&c, &count, "chinchilla,nonsense", &options, &runs, &holdout, &e) == -1 && strstr(e.message, "no form 'nonsense'"), "an unknown form is refused");
  free(c);
  ok(compare_forms(&c, &count, "all", &options, &runs, &holdout, &e) == 0 && count >= 2, "all forms that these runs feed");
  for (int i = 0; i < count; i++) ok(c[i].form->explains == RUN_LOSS, "%s explains the loss", c[i].form->name);
  free(c);
  runs_release(&runs);
  return tap_done();
}
