/* SPDX-License-Identifier: MIT
 *
 * The densest window of a sorted stretch is found by two fingers; it splits the stretch in two.
 */
#include "tools/fit-scaling/forms/budgets.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/memory.h"

struct tolerance {
  double width;  /* of a budget, in log C */
  size_t least;  /* runs of a budget: three show a minimum; where runs scatter, fewer than six may lie together by chance */
};

static const struct tolerance tolerances[] = {{.002, 3}, {.02, 3}, {.16, 6}};

enum { TOLERANCES = sizeof tolerances / sizeof *tolerances };

struct item {
  double log_flops;
  size_t run;
};

struct stretch {
  size_t begin, end;
};

static int ascending(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->log_flops != y->log_flops) return x->log_flops < y->log_flops ? -1 : 1;
  return (x->run > y->run) - (x->run < y->run);
}

static int by_begin(const void *a, const void *b) {
  const struct stretch *x = a, *y = b;
  return (x->begin > y->begin) - (x->begin < y->begin);
}

static struct stretch densest(const struct item *items, struct stretch s, double width) {
  struct stretch best = {s.begin, s.begin};
  for (size_t i = s.begin, j = s.begin; i < s.end; i++) {
    while (j < s.end && items[j].log_flops - items[i].log_flops <= width) j++;
    if (j - i > best.end - best.begin) best = (struct stretch){i, j};
  }
  return best;
}

static size_t find(struct stretch found[BUDGETS_MAX], const struct item *items, size_t count, struct tolerance t) {
  struct stretch open[BUDGETS_MAX + 1] = {{0, count}};
  size_t n = 0, opened = 1;
  while (opened > 0) {
    struct stretch s = open[--opened], window = densest(items, s, t.width);
    if (window.end - window.begin < t.least) continue;
    if (n == BUDGETS_MAX) return n;
    found[n++] = window;
    if (s.end - window.end >= t.least) open[opened++] = (struct stretch){window.end, s.end};
    if (window.begin - s.begin >= t.least) open[opened++] = (struct stretch){s.begin, window.begin};
  }
  return n;
}

size_t budgets_find(uint32_t *budget, const double *log_flops, size_t count) {
  struct item *items = NEW_ARRAY(struct item, count + 1);
  struct stretch found[BUDGETS_MAX];
  size_t n = 0;
  for (size_t i = 0; i < count; i++) items[i] = (struct item){log_flops[i], i}, budget[i] = BUDGET_NONE;
  qsort(items, count, sizeof *items, ascending);
  for (int t = 0; t < TOLERANCES; t++) {
    size_t held = 0;
    n = find(found, items, count, tolerances[t]);
    for (size_t b = 0; b < n; b++) held += found[b].end - found[b].begin;
    if (n >= 2 && n < BUDGETS_MAX && 5 * held >= 4 * count) break;
  }
  qsort(found, n, sizeof *found, by_begin);
  for (size_t b = 0; b < n; b++)
    for (size_t i = found[b].begin; i < found[b].end; i++) budget[items[i].run] = (uint32_t)b;
  free(items);
  return n;
}
