/* SPDX-License-Identifier: MIT
 *
 * The inverse of M is kept and updated by rank one (Sherman and Morrison 1950).  Gradients are central differences of the
 * form's own prediction by the logarithm of each parameter; parameters without influence, fixed or 0, are left out.
 */
#include "tools/fit-scaling/plan/design.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

enum { P = PARAMETERS_MAX, CANDIDATES_A_SIDE = 160 };

struct candidate {
  double N, D, gradient[P];
};

struct search {
  const struct study *study;
  int p, parameter[P];       /* those that the data determine */
  double inverse[P][P], target[P];
  struct candidate *candidates;
  size_t count;
};

static void gradient_at(const struct search *s, const struct run *at, double g[P]) {
  const struct study *study = s->study;
  const struct form *form = study->data.form;
  double law[P];
  memcpy(law, study->fit.parameter, sizeof law);
  for (int i = 0; i < s->p; i++) {
    const double step = 1e-4;
    double *parameter = &law[s->parameter[i]], value = *parameter, loss[2];
    for (int side = 0; side < 2; side++) {
      *parameter = value * (1 + (side ? step : -step));
      loss[side] = log(form->predict(&study->data, law, at));
    }
    *parameter = value;
    g[i] = (loss[1] - loss[0]) / (2 * step);
  }
}

static void choose_parameters(struct search *s) {
  const struct form_data *d = &s->study->data;
  const struct runs *runs = &s->study->fitted;
  double size[P] = {0}, g[P];
  int moving[P], count = 0;
  for (int i = 0; i < d->parameters; i++)
    if (s->study->fit.parameter[i] != 0 && !(d->held >> i & 1)) s->parameter[s->p++] = i;
  for (size_t r = 0; r < runs->count; r++) {
    struct run run = runs_row(runs, r);
    gradient_at(s, &run, g);
    for (int i = 0; i < s->p; i++) size[i] += fabs(g[i]);
  }
  for (int i = 0; i < s->p; i++)
    if (size[i] > 1e-9 * (double)runs->count) moving[count++] = s->parameter[i]; /* isoflop's kD and b follow from kN and a */
  s->p = count;
  memcpy(s->parameter, moving, sizeof *moving * (size_t)count);
}

/* s->inverse = M^-1 by Gauss-Jordan on the scaled matrix; false when the runs do not determine the parameters. */
static bool invert_information(struct search *s) {
  const struct runs *runs = &s->study->fitted;
  double m[P][2 * P], scale[P];
  memset(m, 0, sizeof m);
  for (size_t r = 0; r < runs->count; r++) {
    struct run run = runs_row(runs, r);
    double g[P];
    gradient_at(s, &run, g);
    for (int i = 0; i < s->p; i++)
      for (int j = 0; j < s->p; j++) m[i][j] += g[i] * g[j];
  }
  for (int i = 0; i < s->p; i++) {
    if (!(m[i][i] > 0) || isinf(m[i][i])) return false;
    scale[i] = 1 / sqrt(m[i][i]);
  }
  for (int i = 0; i < s->p; i++) {
    for (int j = 0; j < s->p; j++) m[i][j] *= scale[i] * scale[j];
    m[i][P + i] = 1;
  }
  for (int i = 0; i < s->p; i++) { /* positive definite: pivots on the diagonal */
    if (!(m[i][i] > 1e-12)) return false;
    double pivot = m[i][i];
    for (int j = 0; j < 2 * P; j++) m[i][j] /= pivot;
    for (int k = 0; k < s->p; k++) {
      double factor = m[k][i];
      for (int j = 0; k != i && j < 2 * P; j++) m[k][j] -= factor * m[i][j];
    }
  }
  for (int i = 0; i < s->p; i++)
    for (int j = 0; j < s->p; j++) s->inverse[i][j] = m[i][P + j] * scale[i] * scale[j];
  return true;
}

/* u = M^-1 g; returns g' u. */
static double times_inverse(const struct search *s, const double g[P], double u[P]) {
  double sum = 0;
  for (int i = 0; i < s->p; i++) {
    u[i] = 0;
    for (int j = 0; j < s->p; j++) u[i] += s->inverse[i][j] * g[j];
    sum += g[i] * u[i];
  }
  return sum;
}

/* sign 1: a run with this gradient is added to M, -1: taken away. */
static void update(struct search *s, const double g[P], int sign) {
  double u[P], sum = 1 + sign * times_inverse(s, g, u);
  for (int i = 0; i < s->p; i++)
    for (int j = 0; j < s->p; j++) s->inverse[i][j] -= sign * u[i] * u[j] / sum;
}

/* ---- candidates */

static void add_candidates(struct search *s, const struct design_options *o) {
  const struct runs *runs = &s->study->fitted;
  double least_n = INFINITY, least_d = INFINITY, least_ratio = INFINITY, most_ratio = 0;
  for (size_t i = 0; i < runs->count; i++) {
    struct run run = runs_row(runs, i);
    double n = run.value[RUN_PARAMS], d = run.value[RUN_TOKENS];
    least_n = fmin(least_n, n), least_d = fmin(least_d, d), least_ratio = fmin(least_ratio, d / n), most_ratio = fmax(most_ratio, d / n);
  }
  const double step = pow(2, .25);
  s->candidates = NEW_ARRAY(struct candidate, (size_t)CANDIDATES_A_SIDE * CANDIDATES_A_SIDE);
  double N = least_n;
  for (int i = 0; i < CANDIDATES_A_SIDE; i++, N *= step) {
    double D = least_d;
    for (int j = 0; j < CANDIDATES_A_SIDE && D <= o->tokens && 6 * N * D <= o->flops; j++, D *= step) {
      if (D / N < least_ratio * (1 - 1e-9) || D / N > most_ratio * (1 + 1e-9)) continue;
      struct candidate *c = &s->candidates[s->count];
      struct run at = run_of(N, D);
      c->N = N, c->D = D;
      gradient_at(s, &at, c->gradient);
      s->count++;
    }
  }
}

/* How much a candidate takes off the variance of the target. */
static double gain(const struct search *s, const struct candidate *c, const double toward[P]) {
  double u[P], sum = 0, size = times_inverse(s, c->gradient, u);
  for (int i = 0; i < s->p; i++) sum += c->gradient[i] * toward[i];
  return sum * sum / (1 + size);
}

static bool nearly(const struct candidate *a, const struct candidate *b) {
  return fabs(log(a->N / b->N)) < .5 * log(2) && fabs(log(a->D / b->D)) < .5 * log(2);
}

/* Of those not near any of the chosen ones but chosen[except]. */
static const struct candidate *best_candidate(const struct search *s, const struct candidate *const chosen[], int count, int except) {
  double toward[P], most = 0;
  const struct candidate *best = NULL;
  times_inverse(s, s->target, toward);
  double *gains = NEW_ARRAY(double, s->count + 1);
  for (size_t i = 0; i < s->count; i++) {
    bool near = false;
    for (int k = 0; k < count; k++) near |= k != except && nearly(&s->candidates[i], chosen[k]);
    gains[i] = near ? 0 : gain(s, &s->candidates[i], toward);
    most = fmax(most, gains[i]);
  }
  for (size_t i = 0; i < s->count; i++)
    if (gains[i] > 0 && gains[i] >= .99 * most && (!best || s->candidates[i].N * s->candidates[i].D < best->N * best->D)) best = &s->candidates[i];
  free(gains);
  return best;
}

void design_next(struct design *design, const struct study *study, const struct run *target, const struct design_options *options) {
  struct search *s = NEW(struct search);
  const struct candidate *chosen[DESIGN_MOST];
  double u[P];
  int count = 0;
  *design = (struct design){.shrink = 1};
  s->study = study;
  choose_parameters(s);
  if (s->p > 0 && study->fitted.column[RUN_PARAMS] && study->fitted.column[RUN_TOKENS] && invert_information(s)) {
    gradient_at(s, target, s->target);
    double before = times_inverse(s, s->target, u);
    add_candidates(s, options);
    for (; count < options->runs && count < DESIGN_MOST && (chosen[count] = best_candidate(s, chosen, count, -1)); count++) update(s, chosen[count]->gradient, 1);
    for (int changed = 1, pass = 0; changed && pass < 10 && count > 1; pass++) {
      changed = 0;
      for (int i = 0; i < count; i++) {
        update(s, chosen[i]->gradient, -1);
        const struct candidate *other = best_candidate(s, chosen, count, i);
        double toward[P];
        times_inverse(s, s->target, toward);
        if (other && gain(s, other, toward) > gain(s, chosen[i], toward) * (1 + 1e-9)) chosen[i] = other, changed = 1;
        update(s, chosen[i]->gradient, 1);
      }
    }
    design->shrink = sqrt(fmin(times_inverse(s, s->target, u) / before, 1));
  }
  design->count = count;
  for (int i = 0; i < count; i++) design->N[i] = chosen[i]->N, design->D[i] = chosen[i]->D;
  free(s->candidates);
  free(s);
}
