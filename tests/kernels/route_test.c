/* SPDX-License-Identifier: MIT */
#include "kernels/route.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

/* ---- the same in double, by repeated search */

static int64_t take_best(double *choice, int64_t n) { /* the first of the greatest, taken out */
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (choice[i] > choice[best]) best = i;
  choice[best] = -INFINITY;
  return best;
}

/* One row from its scores as computed (so that ties are the same). */
static void choose_reference(int64_t *chosen, const real *scores, const real *bias, const struct route_shape *s) {
  double *choice = zeros(s->experts), *copy = zeros(s->experts), quality[ROUTE_MOST_GROUPS];
  for (int64_t i = 0; i < s->experts; i++) choice[i] = bias ? (double)(real)(scores[i] + bias[i]) : (double)scores[i];
  if (s->groups > 0) {
    bool in[ROUTE_MOST_GROUPS] = {false};
    int64_t size = s->experts / s->groups;
    memcpy(copy, choice, (size_t)s->experts * sizeof *copy);
    for (int64_t g = 0; g < s->groups; g++) {
      double *of = copy + g * size;
      quality[g] = choice[g * size + take_best(of, size)];
      if (s->group_score == GROUP_BEST_TWO) quality[g] = (real)(quality[g] + choice[g * size + take_best(of, size)]);
    }
    for (int64_t k = 0; k < s->top_groups; k++) in[take_best(quality, s->groups)] = true;
    for (int64_t i = 0; i < s->experts; i++)
      if (!in[i / size]) choice[i] = -INFINITY;
  }
  for (int64_t j = 0; j < s->top; j++) chosen[j] = take_best(choice, s->experts);
  free(choice), free(copy);
}

static void score_reference(double *scores, const real *logits, const struct route_shape *s) {
  double sum = 0, most = -INFINITY;
  for (int64_t i = 0; i < s->experts; i++) most = fmax(most, (double)logits[i]);
  for (int64_t i = 0; i < s->experts; i++) sum += exp((double)logits[i] - most);
  for (int64_t i = 0; i < s->experts; i++) scores[i] = s->sigmoid ? 1 / (1 + exp(-(double)logits[i])) : exp((double)logits[i] - most) / sum;
}

/* Weights of the chosen from logits; loss = sum of g w + balance loss. */
static double loss_reference(double *weights, double *scores, const real *logits, const int32_t *chosen, const real *d_weights,
                             const double *share, double balance, const struct route_shape *s) {
  double loss = 0, total = 1e-20, sum = 1e-20;
  score_reference(scores, logits, s);
  for (int64_t j = 0; j < s->top; j++) sum += scores[chosen[j]];
  for (int64_t j = 0; j < s->top; j++) {
    weights[j] = (double)s->scale * scores[chosen[j]] / (s->normalize ? sum : 1);
    loss += weights[j] * (double)d_weights[j];
  }
  for (int64_t i = 0; i < s->experts; i++) total += scores[i];
  for (int64_t i = 0; i < s->experts; i++) loss += balance * (double)s->experts * share[i] * scores[i] / (s->sigmoid ? total : 1);
  return loss;
}

struct arrays {
  real *weights, *scores;
  struct route route;
};

static int32_t *indices(int64_t n) {
  int32_t *p = malloc((size_t)(n > 0 ? n : 1) * sizeof *p);
  if (!p) abort();
  return p;
}
static struct arrays arrays_new(const struct route_shape *s) {
  int64_t slots = s->rows * s->top;
  return (struct arrays){array(slots, 5, 1), array(s->rows * s->experts, 6, 1), {indices(slots), indices(slots), indices(slots), indices(s->experts + 1)}};
}
static void arrays_free(struct arrays *a) {
  array_free(a->weights), array_free(a->scores);
  free(a->route.chosen), free(a->route.slots), free(a->route.sources), free(a->route.starts);
}

static bool route_is_sorted(const struct route *t, const struct route_shape *s) {
  int64_t slots = s->rows * s->top;
  bool good = t->starts[0] == 0 && t->starts[s->experts] == slots;
  for (int64_t i = 0; good && i < s->experts; i++) {
    good = t->starts[i] <= t->starts[i + 1];
    for (int64_t slot = t->starts[i]; good && slot < t->starts[i + 1]; slot++) {
      int64_t r = t->sources[slot], found = 0;
      good = r >= 0 && r < s->rows && (slot == t->starts[i] || t->sources[slot - 1] < r);
      for (int64_t j = 0; good && j < s->top; j++) found += t->slots[r * s->top + j] == slot && t->chosen[r * s->top + j] == i;
      good = good && found == 1;
    }
  }
  return good;
}

static void compare(const struct route_shape *s, bool with_bias, double balance, const char *variant) {
  int64_t slots = s->rows * s->top, cells = s->rows * s->experts;
  real *logits = array(cells, 1, 3), *bias = array(s->experts, 2, 0.3), *d_weights = array(slots, 3, 1), *d_logits = array(cells, 4, 1);
  for (int64_t i = 0; i < cells; i++)
    if (i % 11 == 3) logits[i] = logits[i / s->experts * s->experts]; /* ties */
  struct arrays a = arrays_new(s), b = arrays_new(s);
  char name[160];
  snprintf(name, sizeof name, "%s: %lld rows to %lld of %lld%s%s%s, %lld of %lld groups", variant, (long long)s->rows, (long long)s->top, (long long)s->experts,
           s->sigmoid ? ", sigmoid" : "", s->normalize ? ", normalised" : "", with_bias ? ", biased" : "", (long long)s->top_groups, (long long)s->groups);
  bool good = route_forward(a.weights, a.scores, &a.route, logits, with_bias ? bias : NULL, s, &e) == 0 &&
              route_backward(d_logits, d_weights, a.weights, a.scores, &a.route, (real)balance, s, &e) == 0;
  good = good && route_is_sorted(&a.route, s);

  double *weights = zeros(slots), *scores = zeros(cells), *share = zeros(s->experts), *want = zeros(cells);
  int64_t chosen[64];
  real *row = array(s->experts, 1, 1);
  double w[64], *sides = zeros(s->experts);
  for (int64_t i = 0; slots > 0 && i < s->experts; i++) share[i] = (double)(a.route.starts[i + 1] - a.route.starts[i]) / (double)slots;
  bool same_choice = true;
  for (int64_t r = 0; r < s->rows; r++) {
    const int32_t *c = a.route.chosen + r * s->top;
    const real *g = d_weights + r * s->top, *z = logits + r * s->experts;
    choose_reference(chosen, a.scores + r * s->experts, with_bias ? bias : NULL, s);
    for (int64_t j = 0; j < s->top; j++) same_choice &= chosen[j] == c[j];
    loss_reference(weights + r * s->top, scores + r * s->experts, z, c, g, share, balance, s);
    for (int64_t i = 0; i < s->experts; i++) { /* central differences; the step as float rounds it */
      double both[2], at[2];
      for (int side = 0; side < 2; side++) {
        memcpy(row, z, (size_t)s->experts * sizeof *row);
        row[i] += (real)(side ? -1e-3 : 1e-3), at[side] = (double)row[i];
        both[side] = loss_reference(w, sides, row, c, g, share, balance, s);
      }
      want[r * s->experts + i] = (both[0] - both[1]) / (at[0] - at[1]);
    }
  }
  ok(good, "%s: slots are sorted by expert, then row", name);
  ok(same_choice, "%s: the best are chosen, of equals the first", name);
  good = close_to(a.scores, scores, cells, 1e-12, "scores");
  good = close_to(a.weights, weights, slots, 1e-12, "weights") && good;
  good = close_to(d_logits, want, cells, 1e-9, "d_logits") && good;
  good = guards_intact(a.scores, cells) && guards_intact(a.weights, slots) && guards_intact(d_logits, cells) && good;
  ok(good, "%s: scores, weights and gradients match double and finite differences", name);

  real *other = array(cells, 4, 1);
  backend_cpu()->set_threads(1);
  good = route_forward(b.weights, b.scores, &b.route, logits, with_bias ? bias : NULL, s, &e) == 0;
  memcpy(other, b.scores, (size_t)cells * sizeof *other);
  good = good && route_backward(other, d_weights, b.weights, other, &b.route, (real)balance, s, &e) == 0;
  backend_cpu()->set_threads(2);
  good = good && memcmp(b.scores, a.scores, (size_t)cells * sizeof *other) == 0 && memcmp(b.weights, a.weights, (size_t)slots * sizeof *other) == 0 &&
         memcmp(b.route.slots, a.route.slots, (size_t)slots * sizeof(int32_t)) == 0 && memcmp(other, d_logits, (size_t)cells * sizeof *other) == 0;
  ok(good, "%s: one thread gives the same bits, d_logits in the place of scores too", name);

  real *counts = array(s->experts, 9, 0);
  route_count(counts, a.route.starts, s->experts, &e), route_count(counts, a.route.starts, s->experts, &e);
  good = guards_intact(counts, s->experts);
  for (int64_t i = 0; i < s->experts; i++) good &= counts[i] == 2 * (real)(a.route.starts[i + 1] - a.route.starts[i]);
  ok(good, "%s: counts add up", name);
  array_free(counts), array_free(other), array_free(row), free(weights), free(scores), free(share), free(want), free(sides);
  array_free(logits), array_free(bias), array_free(d_weights), array_free(d_logits);
  arrays_free(&a), arrays_free(&b);
}

static void edges(const char *variant) {
  struct route_shape s = {.rows = 3, .experts = 20, .top = 2, .scale = 1, .normalize = true};
  struct arrays a = arrays_new(&s);
  real *logits = array(60, 1, 0);
  logits[20] = NAN;
  logits[40 + 7] = 200, logits[40 + 3] = -200;
  ok(route_forward(a.weights, a.scores, &a.route, logits, NULL, &s, &e) == 0 && a.route.chosen[0] == 0 && a.route.chosen[1] == 1 && a.weights[0] == 0.5,
     "%s: equal logits go to the first experts", variant);
  ok(route_is_sorted(&a.route, &s) && isnan(a.weights[2]), "%s: NaN still gives a route, with weights of NaN", variant);
  ok(a.route.chosen[4] == 7 && a.weights[4] == 1 && a.scores[40 + 3] == 0, "%s: far logits neither overflow nor give NaN", variant);
  s.sigmoid = true;
  ok(route_forward(a.weights, a.scores, &a.route, logits, NULL, &s, &e) == 0 && a.route.chosen[2] != 0 && !isnan(a.weights[2]) && a.scores[47] == 1,
     "%s: sigmoid: an expert with NaN comes last", variant);
  for (int i = 0; i < 20; i++) logits[i] = -1000;
  real d[60];
  memset(d, 0, sizeof d);
  ok(route_forward(a.weights, a.scores, &a.route, logits, NULL, &s, &e) == 0 && a.weights[0] == 0 &&
         route_backward(d, a.weights, a.weights, a.scores, &a.route, 1, &s, &e) == 0 && d[0] == 0,
     "%s: scores that are all zero give zeros", variant);
  static const struct route_shape bad[] = {
      {.rows = 1, .experts = 4, .top = 5}, {.rows = 1, .experts = 4, .top = 0}, {.rows = -1, .experts = 4, .top = 1}, {.rows = 1, .experts = 0, .top = 0},
      {.rows = INT32_MAX, .experts = 4, .top = 2}, {.rows = 1, .experts = 6, .top = 1, .groups = 4, .top_groups = 1},
      {.rows = 1, .experts = 6, .top = 3, .groups = 3, .top_groups = 1}, {.rows = 1, .experts = 6, .top = 1, .groups = 3, .top_groups = 4},
      {.rows = 1, .experts = 6, .top = 1, .groups = 3, .top_groups = 0}, {.rows = 1, .experts = 4, .top = 1, .groups = 4, .top_groups = 1, .group_score = GROUP_BEST_TWO},
      {.rows = 1, .experts = 130, .top = 1, .groups = 65, .top_groups = 1}, {.rows = 1, .experts = 4, .top = 1, .groups = -1, .top_groups = 1}};
  bool good = true;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    good &= route_forward(a.weights, a.scores, &a.route, logits, NULL, &bad[i], &e) == -1 && strncmp(e.message, "route: ", 7) == 0 &&
            route_backward(d, a.weights, a.weights, a.scores, &a.route, 0, &bad[i], &e) == -1;
  ok(good, "%s: shapes that cannot be are refused", variant);
  array_free(logits);
  arrays_free(&a);
}

static void speed(const char *variant) {
  static const struct route_shape shapes[] = {{.rows = 8192, .experts = 8, .top = 2, .normalize = true, .scale = 1},
                                              {.rows = 8192, .experts = 64, .top = 6, .scale = 1},
                                              {.rows = 8192, .experts = 256, .top = 8, .sigmoid = true, .normalize = true, .scale = 2.5,
       .groups = 8, .top_groups = 4, .group_score = GROUP_BEST_TWO}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const struct route_shape *s = &shapes[i];
    struct arrays a = arrays_new(s);
    real *logits = array(s->rows * s->experts, 1, 3), *d = array(s->rows * s->experts, 2, 1);
    double forward, backward;
    TIME(forward, route_forward(a.weights, a.scores, &a.route, logits, NULL, s, &e));
    TIME(backward, route_backward(d, a.weights, a.weights, a.scores, &a.route, (real)0.01, s, &e));
    printf("route %s %lld of %lld: forward %.2f ms, backward %.2f ms for %lld rows\n", variant,
           (long long)s->top, (long long)s->experts, 1e3 * forward, 1e3 * backward, (long long)s->rows);
    array_free(logits), array_free(d);
    arrays_free(&a);
  }
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  static const struct route_shape shapes[] = {
      {.rows = 0, .experts = 4, .top = 2, .scale = 1},
      {.rows = 5, .experts = 1, .top = 1, .scale = 1},
      {.rows = 33, .experts = 8, .top = 2, .normalize = true, .scale = 1},
      {.rows = 700, .experts = 19, .top = 19, .normalize = true, .scale = 1},
      {.rows = 70, .experts = 64, .top = 6, .scale = 16, .groups = 8, .top_groups = 3},
      {.rows = 70, .experts = 33, .top = 3, .sigmoid = true, .scale = 0.5},
      {.rows = 300, .experts = 160, .top = 8, .sigmoid = true, .normalize = true, .scale = 2.5,
       .groups = 8, .top_groups = 4, .group_score = GROUP_BEST_TWO},
      {.rows = 9, .experts = 12, .top = 4, .sigmoid = true, .normalize = true, .scale = 1,
       .groups = 3, .top_groups = 1, .group_score = GROUP_BEST_TWO},
  };
  FOR_EACH_VARIANT(v) {
    const char *variant = cpu_variant_name(v);
    if (wants_times(argc, argv)) {
      speed(variant);
      continue;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) compare(&shapes[i], i % 2 == 0, i % 3 == 0 ? 0 : 0.5, variant);
    edges(variant);
  }
  return wants_times(argc, argv) ? 0 : tap_done();
}
