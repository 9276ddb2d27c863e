/* SPDX-License-Identifier: MIT
 *
 * One-dimensional searches: along the curve of constant cost, N = C / (6 D + 2 I), the loss has one minimum in log D; along a
 * curve of constant loss the cost has one in log N.
 */
#include "tools/fit-scaling/plan/allocation.h"

#include <math.h>

#include "tools/fit-scaling/forms/data_constrained.h"

static const double worth_of_repeats = 15.387756, worth_of_excess = 5.309743;

struct limit {
  double unique, most; /* U and U R */
  double params;       /* V: the N whose best D is U */
};

struct curve_of { /* what the searches vary one coordinate of */
  const struct law *law;
  const struct limit *limit;
  double flops, served, loss, N;
};

typedef double along(const struct curve_of *c, double x);

/* Golden section; an infinite value on both sides means that the search must go up. */
static double minimise(along *f, const struct curve_of *c, double low, double high) {
  const double golden = (sqrt(5) - 1) / 2;
  double x[2] = {high - golden * (high - low), low + golden * (high - low)}, y[2] = {f(c, x[0]), f(c, x[1])};
  while (high - low > 1e-9) {
    if (y[0] < y[1]) high = x[1], x[1] = x[0], y[1] = y[0], x[0] = high - golden * (high - low), y[0] = f(c, x[0]);
    else low = x[0], x[0] = x[1], y[0] = y[1], x[1] = low + golden * (high - low), y[1] = f(c, x[1]);
  }
  return (low + high) / 2;
}

/* Where a rising f changes sign; not a number when it does not. */
static double rising_root(along *f, const struct curve_of *c, double low, double high) {
  if (!(low < high) || !(f(c, low) <= 0) || !(f(c, high) >= 0)) return NAN;
  while (high - low > 1e-10) {
    double middle = (low + high) / 2;
    if (f(c, middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/* ---- what the law says */

static struct optimum free_optimum(const struct law *law, double flops) { return law->data->form->optimum(law->data, law->parameter, flops); }

static double plain_loss(const struct law *law, double N, double D) {
  struct run at = run_of(N, D);
  return law->data->form->predict(law->data, law->parameter, &at);
}

static bool knows_repeats(const struct law *law) { return law->data->form == &form_data_constrained; }

static double worth(double all, double first, double half_life) { return first + first * half_life * (1 - exp(-(all / first - 1) / half_life)); }

static struct run seen_by_law(const struct law *law, const struct limit *limit, double N, double D) {
  struct run at = run_of(N, D);
  if (D < limit->unique) return at;
  if (knows_repeats(law)) at.value[RUN_UNIQUE_TOKENS] = limit->unique;
  else at = run_of(N > limit->params ? worth(N, limit->params, worth_of_excess) : N, worth(D, limit->unique, worth_of_repeats));
  return at;
}

static double limited_loss(const struct law *law, const struct limit *limit, double N, double D) {
  struct run at = seen_by_law(law, limit, N, D);
  return law->data->form->predict(law->data, law->parameter, &at);
}

static double tokens_above(const struct curve_of *c, double log_flops) { return free_optimum(c->law, exp(log_flops)).D - c->limit->unique; }

static struct limit limit_of(const struct law *law, double unique, double most) {
  struct limit limit = {unique, most, INFINITY};
  if (isinf(unique) || knows_repeats(law)) return limit;
  struct curve_of c = {.law = law, .limit = &limit};
  double log_flops = rising_root(tokens_above, &c, log(6 * unique), log(6 * unique) + log(1e6 * unique));
  limit.params = isnan(log_flops) ? NAN : exp(log_flops) / (6 * unique);
  return limit;
}

struct run allocation_run(const struct law *law, double N, double D, double unique) {
  struct limit limit = limit_of(law, unique, INFINITY);
  return seen_by_law(law, &limit, N, D);
}

double allocation_loss(const struct law *law, double N, double D, double unique) {
  struct limit limit = limit_of(law, unique, INFINITY);
  return limited_loss(law, &limit, N, D);
}

/* ---- the lowest loss for a cost */

static double params_for(const struct curve_of *c, double D) { return c->flops / (6 * D + 2 * c->served); }
static double plain_along_cost(const struct curve_of *c, double log_d) { return plain_loss(c->law, params_for(c, exp(log_d)), exp(log_d)); }
static double limited_along_cost(const struct curve_of *c, double log_d) {
  double D = fmax(exp(log_d), c->limit->unique); /* exp(log U) may fall below U */
  return limited_loss(c->law, c->limit, params_for(c, D), D);
}

/* D of the lowest loss for 6 N D + 2 N I = C, and whether the data had a say. */
static double best_tokens(const struct law *law, const struct limit *limit, double flops, double served, bool *binds) {
  struct curve_of c = {.law = law, .limit = limit, .flops = flops, .served = served};
  double D = served > 0 ? exp(minimise(plain_along_cost, &c, 0, log(flops / 6))) : free_optimum(law, flops).D;
  *binds = D > limit->unique;
  if (!*binds) return D;
  double most = fmin(limit->most, flops / 6);
  D = exp(minimise(limited_along_cost, &c, log(limit->unique), log(most)));
  if (limited_loss(law, limit, params_for(&c, most), most) <= limited_loss(law, limit, params_for(&c, D), D)) D = most;
  return fmin(fmax(D, limit->unique), most);
}

static double tokens_left(const struct curve_of *c, double log_flops) {
  bool binds;
  struct limit open = *c->limit;
  open.most = INFINITY;
  double D = best_tokens(c->law, &open, exp(log_flops), 0, &binds);
  return D - c->limit->most;
}

/* The smallest budget that is worth as many passes over the data as are allowed. */
static double flops_of_data(const struct law *law, const struct limit *limit) {
  struct curve_of c = {.law = law, .limit = limit};
  return exp(rising_root(tokens_left, &c, log(6 * limit->most), log(6 * limit->most) + log(1e6 * limit->most)));
}

/* ---- the least cost for a loss */

static double loss_missed(const struct curve_of *c, double log_d) { return c->loss - limited_loss(c->law, c->limit, c->N, exp(log_d)); }

static double tokens_for(const struct law *law, const struct limit *limit, double N, double loss) {
  struct curve_of c = {.law = law, .limit = limit, .loss = loss, .N = N};
  return exp(rising_root(loss_missed, &c, 0, log(fmin(limit->most, 1e30))));
}

double allocation_tokens_for(const struct law *law, double N, double loss, double unique, double most) {
  struct limit limit = limit_of(law, unique, most);
  return tokens_for(law, &limit, N, loss);
}

static double cost_along_loss(const struct curve_of *c, double log_n) {
  double N = exp(log_n), D = tokens_for(c->law, c->limit, N, c->loss);
  return isnan(D) ? INFINITY : 6 * N * D + 2 * N * c->served;
}

static double params_missing(const struct curve_of *c, double log_n) { return c->loss - limited_loss(c->law, c->limit, exp(log_n), c->limit->most); }

/* The fewest parameters that come within a thousandth of what N reach with all passes over the data: N' saturates, and what the
 * law would still buy with the rest of the budget is below its own error. */
static double enough_params(const struct law *law, const struct limit *limit, double N, double loss) {
  struct curve_of c = {.law = law, .limit = limit, .loss = 1.001 * loss};
  double log_n = rising_root(params_missing, &c, 0, log(N));
  return isnan(log_n) ? N : exp(log_n);
}

struct allocation allocate(const struct law *law, const struct allocation_request *r) {
  struct limit limit = limit_of(law, r->unique, r->unique * r->repeats);
  struct allocation a = {.N = NAN, .D = NAN, .loss = NAN};
  double flops = isnan(r->flops) ? flops_of_data(law, &limit) : r->flops;
  if (isnan(flops) || isnan(limit.params)) return a;
  struct optimum best = free_optimum(law, flops);
  a.free_N = best.N, a.free_D = best.D, a.free_loss = best.loss;
  bool in_budget = r->served > 0 && r->serving == SERVING_IN_BUDGET;
  a.D = best_tokens(law, &limit, flops, in_budget ? r->served : 0, &a.data_binds);
  if (isnan(r->flops)) a.D = limit.most, a.data_binds = limit.most > limit.unique;
  a.N = flops / (6 * a.D + (in_budget ? 2 * r->served : 0));
  a.loss = limited_loss(law, &limit, a.N, a.D);
  a.repeats_bind = a.D >= limit.most * (1 - 1e-6);
  if (a.repeats_bind && !isnan(r->flops)) {
    a.N = enough_params(law, &limit, a.N, a.loss);
    a.loss = limited_loss(law, &limit, a.N, a.D);
  }
  if (r->served > 0 && !in_budget) {
    struct curve_of c = {.law = law, .limit = &limit, .loss = a.loss, .served = r->served};
    double N = exp(minimise(cost_along_loss, &c, log(a.N) - log(1e6), log(a.N))), D = tokens_for(law, &limit, N, a.loss);
    if (!isnan(D)) a.N = N, a.D = D; /* else the data is used up, and fewer parameters do not reach the loss */
    a.data_binds |= a.D > limit.unique;
  }
  a.repeats_bind = a.D >= limit.most * (1 - 1e-6);
  a.flops = 6 * a.N * a.D;
  a.serving_flops = 2 * a.N * r->served;
  return a;
}
