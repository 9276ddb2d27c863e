/* SPDX-License-Identifier: MIT */
#include "tools/qfilter/models/quantile.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void put(struct quantile *q, int level, double value) {
  if (!q->levels[level]) q->levels[level] = MALLOC(QUANTILE_BUFFER * sizeof(double));
  q->levels[level][q->counts[level]++] = value;
}

void quantile_add(struct quantile *q, double value) {
  if (isnan(value)) return;
  q->total++;
  put(q, 0, value);
  for (int h = 0; q->counts[h] == QUANTILE_BUFFER && h + 1 < QUANTILE_LEVELS; h++) {
    qsort(q->levels[h], QUANTILE_BUFFER, sizeof(double), by_value);
    size_t half = QUANTILE_BUFFER / 2;
    for (size_t i = 0; i < half; i++) put(q, h + 1, q->levels[h][2 * i + q->odd[h]]); /* never over-full: h + 1 holds none or half */
    q->odd[h] = !q->odd[h];
    q->counts[h] = 0;
  }
}

static int by_step(const void *a, const void *b) {
  double x = ((const struct quantile_step *)a)->value, y = ((const struct quantile_step *)b)->value;
  return (x > y) - (x < y);
}

void quantile_finish(struct quantile *q) {
  size_t n = 0;
  for (int h = 0; h < QUANTILE_LEVELS; h++) n += q->counts[h];
  q->steps = NEW_ARRAY(struct quantile_step, n + 1);
  for (int h = 0; h < QUANTILE_LEVELS; h++)
    for (size_t i = 0; i < q->counts[h]; i++) q->steps[q->step_count++] = (struct quantile_step){q->levels[h][i], 1ull << h};
  qsort(q->steps, n, sizeof *q->steps, by_step);
  for (size_t i = 0; i < n; i++) {
    uint64_t weight = q->steps[i].weight;
    q->steps[i].weight = q->weight;
    q->weight += weight;
  }
  q->steps[n].weight = q->weight;
}

void quantile_release(struct quantile *q) {
  for (int h = 0; h < QUANTILE_LEVELS; h++) free(q->levels[h]);
  free(q->steps);
  *q = (struct quantile){0};
}

/* The first step whose value is not below, or, with `after`, is above. */
static size_t find(const struct quantile *q, double value, bool after) {
  size_t low = 0, high = q->step_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (q->steps[middle].value < value || (after && q->steps[middle].value == value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

double quantile_below(const struct quantile *q, double value) {
  if (isnan(value) || q->weight == 0) return NAN;
  return (double)q->steps[find(q, value, false)].weight / (double)q->weight;
}

double quantile_above(const struct quantile *q, double value) {
  if (isnan(value) || q->weight == 0) return NAN;
  return (double)(q->weight - q->steps[find(q, value, true)].weight) / (double)q->weight;
}

double quantile_error(uint64_t n) {
  int levels = 0;
  while (n >> levels >= QUANTILE_BUFFER) levels++;
  return (double)levels / QUANTILE_BUFFER;
}

double quantile_top(const struct quantile *q, double fraction) {
  size_t low = 0, high = q->step_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (quantile_above(q, q->steps[middle].value) < fraction) high = middle;
    else low = middle + 1;
  }
  return low < q->step_count ? q->steps[low].value : NAN;
}
