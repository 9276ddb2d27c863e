/* SPDX-License-Identifier: MIT
 *
 * The bootstrap.  A resample of runs is a vector of multiplicities, so a fit costs only the distinct points.  Each resample
 * has a generator of its own, seeded by (seed, number), and a slot of its own, so threads do not matter: they take small
 * blocks of resamples as they get free.
 */
#include "tools/fit-scaling/intervals/bootstrap.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/threads.h"
#include "tools/fit-scaling/fitting/order.h"
#include "tools/fit-scaling/intervals/covariance.h"
#include "tools/fit-scaling/intervals/distribution.h"

enum { SMALL_TABLE = 100, LARGE_TABLE = 50000, BLOCK = 8 };
static const double most_points = 2e9; /* runs times resamples, for procedures that know no covariance */

enum outcome { KEPT, KEPT_AT_BOUND, DEGENERATE, UNCONVERGED };

struct budgets {
  size_t count;
  uint32_t *of; /* [runs] */
};

struct work {
  const struct form_data *data;
  const struct fit *best;
  const struct runs *runs;
  const struct scatter *scatter;
  enum interval_kind kind;
  uint64_t seed;
  bootstrap_draw *draw;
  void *context;
  struct budgets budgets;
  matrix_row *factor;               /* of normal */
  double *fitted;                   /* [runs] of residual: what the law says of each */
  double *law;
  unsigned char *outcome;
  size_t resamples;
  atomic_size_t next;
};

const char *interval_kind_name(enum interval_kind kind) {
  static const char *const name[] = {"auto", "pairs", "residual", "budget", "profile", "normal"};
  return name[kind];
}

static void start_generator(struct rng *rng, uint64_t seed, size_t resample) { rng_init(rng, splitmix64(seed) ^ splitmix64(~(uint64_t)resample)); }

/* ---- runs grouped by budget */

struct budgeted {
  double flops;
  size_t run;
};

static int by_flops(const void *x, const void *y) {
  const struct budgeted *a = x, *b = y;
  return a->flops != b->flops ? (a->flops > b->flops) - (a->flops < b->flops) : (a->run > b->run) - (a->run < b->run);
}

/* A budget ends where compute is a fifth above its first run's. */
static struct budgets find_budgets(const struct runs *runs) {
  struct budgets budgets = {.of = NEW_ARRAY(uint32_t, runs->count + 1)};
  struct budgeted *order = NEW_ARRAY(struct budgeted, runs->count + 1);
  double first = NAN;
  for (size_t i = 0; i < runs->count; i++) order[i] = (struct budgeted){runs->column[RUN_FLOPS] ? runs->column[RUN_FLOPS][i] : NAN, i};
  qsort(order, runs->count, sizeof *order, by_flops);
  for (size_t i = 0; i < runs->count; i++) {
    if (!(order[i].flops <= 1.2 * first)) first = order[i].flops, budgets.count++;
    budgets.of[order[i].run] = (uint32_t)budgets.count - 1;
  }
  free(order);
  return budgets;
}

/* ---- one resample */

static void draw_weights(const struct work *w, struct rng *rng, size_t resample, double *weight) {
  size_t n = w->data->count;
  memset(weight, 0, n * sizeof *weight);
  if (w->kind == INTERVALS_BUDGET) {
    size_t groups = w->budgets.count;
    double *times = NEW_ARRAY(double, groups);
    for (size_t g = 0; g < groups; g++) times[rng_below(rng, groups)]++;
    for (size_t i = 0; i < n; i++) weight[i] = times[w->budgets.of[i]];
    free(times);
  } else if (w->draw) {
    w->draw(w->context, resample, weight, n);
  } else {
    for (size_t i = 0; i < n; i++) weight[rng_below(rng, n)]++;
  }
}

/* One descent from the fit of all; all starts where that fails.  (Of 4,000 resamples of Besiroglu's 240 points one descent
 * finds the optimum of 3,999, of 1,000 of 20 runs that of 996.) */
static enum outcome estimate(struct fit *fit, const struct form_data *d, const double *weight, const struct fit *best) {
  if (d->form->undetermined(d, weight)) return DEGENERATE;
  d->form->estimate(fit, d, weight, best->theta);
  if (!fit->converged || (fit->at_bound && !best->at_bound)) d->form->estimate(fit, d, weight, NULL);
  return !fit->converged ? UNCONVERGED : fit->at_bound ? KEPT_AT_BOUND : KEPT;
}

/* runs: this thread's copy of w->runs. */
static enum outcome fit_redrawn(struct fit *fit, const struct work *w, struct rng *rng, struct runs *runs) {
  const struct scatter *s = w->scatter;
  double *column = runs->column[w->data->form->explains];
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    column[i] = scatter_add(s, w->fitted[i], scatter_draw(s, &run, rng) - s->centre * scatter_scale(s, &run));
  }
  struct form_data d;
  struct err ignored;
  enum outcome outcome = form_bind(&d, w->data->form, &w->data->options, runs, &ignored) == 0 ? estimate(fit, &d, NULL, w->best) : DEGENERATE;
  form_release(&d);
  return outcome;
}

static enum outcome draw_normal(struct fit *fit, const struct work *w, struct rng *rng) {
  const struct curve *c = w->data->curve;
  double z[PARAMETERS_MAX];
  bool beyond = false; /* a bound, which a free parameter is then held at */
  *fit = *w->best;
  for (int i = 0; i < c->parameters; i++) z[i] = rng_normal(rng);
  for (int i = 0; i < c->parameters; i++) {
    for (int k = 0; k < c->parameters; k++) fit->theta[i] += w->factor[i][k] * z[k];
    if (c->low[i] < c->high[i]) beyond |= fit->theta[i] < c->low[i] || fit->theta[i] > c->high[i];
    fit->theta[i] = fmin(fmax(fit->theta[i], c->low[i]), c->high[i]);
  }
  w->data->form->set_parameters(fit, w->data);
  return beyond ? KEPT_AT_BOUND : KEPT;
}

static void fit_resamples(void *context, int index) {
  (void)index;
  struct work *w = context;
  size_t p = (size_t)w->data->parameters;
  bool weighted = w->kind == INTERVALS_PAIRS || w->kind == INTERVALS_BUDGET;
  double *weight = weighted ? NEW_ARRAY(double, w->data->count + 1) : NULL;
  struct runs copy = {0};
  if (w->kind == INTERVALS_RESIDUAL) {
    bool *all = NEW_ARRAY(bool, w->runs->count + 1);
    memset(all, true, w->runs->count);
    runs_select(&copy, w->runs, all);
    free(all);
  }
  for (size_t begin; (begin = atomic_fetch_add(&w->next, BLOCK)) < w->resamples;)
    for (size_t i = begin; i < begin + BLOCK && i < w->resamples; i++) {
      struct fit fit = {0};
      struct rng rng;
      start_generator(&rng, w->seed, i);
      if (weighted) draw_weights(w, &rng, i, weight);
      w->outcome[i] = (unsigned char)(weighted ? estimate(&fit, w->data, weight, w->best)
                                      : w->kind == INTERVALS_NORMAL ? draw_normal(&fit, w, &rng) : fit_redrawn(&fit, w, &rng, &copy));
      memcpy(w->law + i * p, fit.parameter, p * sizeof *fit.parameter);
    }
  runs_release(&copy);
  free(weight);
}

/* ---- all of them */

static enum interval_kind choose(struct bootstrap *b, const struct work *w, const struct bootstrap_options *options) {
  size_t n = w->data->count;
  enum interval_kind wanted = options->kind == INTERVALS_PROFILE ? INTERVALS_AUTO : options->kind;
  if (w->draw) return INTERVALS_PAIRS;
  if (n > LARGE_TABLE && wanted != INTERVALS_BUDGET) {
    if (w->factor) {
      if (wanted != INTERVALS_AUTO && wanted != INTERVALS_NORMAL) b->note = "above 50,000 runs, intervals are those of the normal limit of the bootstrap";
      return INTERVALS_NORMAL;
    }
    return INTERVALS_PAIRS;
  }
  if (wanted == INTERVALS_AUTO && w->data->form->searches && w->budgets.count >= 3) return INTERVALS_BUDGET;
  if (wanted == INTERVALS_AUTO) return n < SMALL_TABLE && b->has_scatter && w->data->curve ? INTERVALS_RESIDUAL : INTERVALS_PAIRS;
  if (wanted == INTERVALS_RESIDUAL && w->data->explained > 1) {
    b->note = "the form is fitted to several numbers of each run, whose residuals belong together: intervals are those of --intervals pairs";
    return INTERVALS_PAIRS;
  }
  if (wanted == INTERVALS_RESIDUAL && !b->has_scatter) {
    b->note = "the form does not predict its runs, so there are no residuals to draw: intervals are those of --intervals pairs";
    return INTERVALS_PAIRS;
  }
  if (wanted == INTERVALS_BUDGET && w->budgets.count < 3) {
    b->note = "fewer than three budgets: intervals are those of --intervals pairs";
    return INTERVALS_PAIRS;
  }
  if (wanted == INTERVALS_NORMAL && !w->factor) return INTERVALS_PAIRS;
  if (wanted == INTERVALS_NORMAL) b->note = "intervals by the normal limit are made for tens of thousands of runs: of fewer they may be far too wide or one-sided; auto is safer";
  return wanted;
}

/* Percentiles of a bootstrap of n independent things and p parameters are narrow by sqrt((n - p) / n) and by what Student's
 * quantile is wider than the normal one. */
static double widened(double tail, size_t n, size_t p) {
  size_t freedom = n > p ? n - p : 1;
  return normal_cdf(sqrt((double)n / (double)freedom) * student_quantile(tail, (int)fmin(1e9, (double)freedom)));
}

static void set_tail(struct bootstrap *b, const struct work *w) {
  b->tail = .5 * (1 - b->level);
  if (b->kind == INTERVALS_RESIDUAL) b->tail = widened(b->tail, w->data->count, (size_t)covariance_freedom(w->data));
  if (b->kind == INTERVALS_BUDGET) b->tail = widened(b->tail, w->budgets.count, 1);
}

static void prepare(struct work *w, struct bootstrap *b, const struct bootstrap_options *options) {
  const struct form_data *d = w->data;
  b->has_scatter = w->runs && !d->form->searches && scatter_measure(&b->scatter, d, w->best, w->runs);
  if (w->runs && (options->kind == INTERVALS_BUDGET || d->form->searches)) w->budgets = find_budgets(w->runs);
  if (d->count > LARGE_TABLE || options->kind == INTERVALS_NORMAL) {
    w->factor = NEW_ARRAY(matrix_row, PARAMETERS_MAX);
    if (!d->form->set_parameters || !covariance_factor(d, w->best, w->factor)) free(w->factor), w->factor = NULL;
  }
  w->kind = b->kind = choose(b, w, options);
  if (d->count > LARGE_TABLE && b->kind != INTERVALS_NORMAL && (double)w->resamples > most_points / (double)d->count) {
    b->note = "so many runs are resampled fewer times than --bootstrap says";
    b->drawn = w->resamples = (size_t)fmax(BOOTSTRAP_LEAST, most_points / (double)d->count);
  }
  if (w->kind == INTERVALS_RESIDUAL) {
    w->scatter = &b->scatter;
    w->fitted = NEW_ARRAY(double, d->count + 1);
    for (size_t i = 0; i < d->count; i++) {
      struct run run = runs_row(w->runs, i);
      w->fitted[i] = d->form->predict(d, w->best->parameter, &run);
    }
  }
  set_tail(b, w);
}

void bootstrap_run(struct bootstrap *b, const struct form_data *d, const struct fit *best, const struct bootstrap_options *options,
                   bootstrap_draw *draw, void *context) {
  size_t p = (size_t)d->parameters;
  *b = (struct bootstrap){.parameters = d->parameters, .drawn = options->resamples, .level = options->level > 0 ? options->level : .95, .seed = options->seed};
  struct work w = {.data = d, .best = best, .runs = options->runs, .seed = options->seed, .draw = draw, .context = context, .resamples = options->resamples};
  if (w.runs && w.runs->count != d->count) w.runs = NULL;
  prepare(&w, b, options);
  b->law = w.law = NEW_ARRAY(double, w.resamples * p + 1);
  w.outcome = NEW_ARRAY(unsigned char, w.resamples + 1);
  threads_run(options->jobs > 1 ? options->jobs : 1, fit_resamples, &w);
  for (size_t i = 0; i < w.resamples; i++) {
    b->degenerate += w.outcome[i] == DEGENERATE;
    b->unconverged += w.outcome[i] == UNCONVERGED;
    b->at_bound += w.outcome[i] == KEPT_AT_BOUND;
    if (w.outcome[i] == KEPT || w.outcome[i] == KEPT_AT_BOUND) memmove(b->law + b->count++ * p, b->law + i * p, p * sizeof *b->law);
  }
  free(w.outcome);
  free(w.fitted);
  free(w.factor);
  free(w.budgets.of);
}

void bootstrap_release(struct bootstrap *b) {
  free(b->law);
  scatter_release(&b->scatter);
  *b = (struct bootstrap){0};
}

/* ---- intervals */

struct interval interval_of_draws(double *draws, size_t count, double tail) {
  double mean = 0, squares = 0;
  size_t n = 0;
  for (size_t i = 0; i < count; i++)
    if (isfinite(draws[i])) draws[n++] = draws[i];
  if (n < BOOTSTRAP_LEAST) return (struct interval){NAN, NAN, NAN};
  for (size_t i = 0; i < n; i++) mean += draws[i] / (double)n;
  for (size_t i = 0; i < n; i++) squares += (draws[i] - mean) * (draws[i] - mean) / (double)(n - 1);
  order_ascending(draws, n);
  return (struct interval){order_quantile(draws, n, tail), order_quantile(draws, n, 1 - tail), sqrt(squares)};
}

struct interval bootstrap_interval(const struct bootstrap *b, double (*value)(const void *context, const double *law), const void *context) {
  double *draws = NEW_ARRAY(double, b->count + 1);
  for (size_t i = 0; i < b->count; i++) draws[i] = value(context, b->law + i * (size_t)b->parameters);
  struct interval interval = interval_of_draws(draws, b->count, b->tail);
  free(draws);
  return interval;
}

struct interval bootstrap_run_interval(const struct bootstrap *b, double (*value)(const void *context, const double *law), const void *context,
                                       const double *best, const struct run *at) {
  const struct scatter *s = &b->scatter;
  if (!b->has_scatter) return (struct interval){NAN, NAN, NAN};
  double *draws = NEW_ARRAY(double, b->count + 1), middle = value(context, best);
  bool narrow = b->kind == INTERVALS_RESIDUAL; /* laws of redrawn residuals vary as if the scale of the scatter were known */
  double widening = narrow ? sqrt((double)s->count / s->freedom) : 1;
  for (size_t i = 0; i < b->count; i++) {
    struct rng rng;
    start_generator(&rng, ~b->seed, i);
    double residual = scatter_draw(s, at, &rng), stretch = scatter_uncertainty(s, &rng);
    double off = scatter_residual(s, value(context, b->law + i * (size_t)b->parameters), middle);
    draws[i] = scatter_add(s, middle, (narrow ? stretch * widening : 1) * off + stretch * residual);
  }
  struct interval interval = interval_of_draws(draws, b->count, .5 * (1 - b->level));
  free(draws);
  return interval;
}
