/* SPDX-License-Identifier: MIT
 *
 * Sorts row numbers by group, columns, loss and place; the first of each kind stays.
 */
#include "tools/fit-scaling/table/lowest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

struct order {
  const struct runs *runs;
  unsigned per;
};

/* Unknown values are equal and come last. */
static int compare_numbers(double x, double y) {
  if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
  return (x > y) - (x < y);
}

static int compare_kinds(const struct order *o, size_t i, size_t j) {
  if (o->runs->group && o->runs->group[i] != o->runs->group[j]) return o->runs->group[i] < o->runs->group[j] ? -1 : 1;
  for (int c = 0, sign; c < RUN_COLUMNS; c++)
    if ((o->per >> c & 1) && o->runs->column[c] && (sign = compare_numbers(o->runs->column[c][i], o->runs->column[c][j])) != 0) return sign;
  return 0;
}

static int by_kind_and_loss(const void *a, const void *b, void *context) {
  const struct order *o = context;
  size_t i = *(const size_t *)a, j = *(const size_t *)b;
  int sign = compare_kinds(o, i, j);
  if (sign == 0) sign = compare_numbers(o->runs->column[RUN_LOSS][i], o->runs->column[RUN_LOSS][j]);
  return sign ? sign : (i > j) - (i < j);
}

int lowest_parse(unsigned *per, const char *columns, struct err *e) {
  *per = 0;
  for (const char *at = columns, *next; at; at = next ? next + 1 : NULL) {
    next = strchr(at, ',');
    size_t length = next ? (size_t)(next - at) : strlen(at);
    int c = 0;
    while (c < RUN_COLUMNS && !(strlen(run_column_name(c)) == length && memcmp(run_column_name(c), at, length) == 0)) c++;
    if (c == RUN_COLUMNS || c == RUN_LOSS) return err_usage(e, "--lowest-per takes columns such as params,tokens, not '%s'", columns);
    *per |= 1u << c;
  }
  return 0;
}

void lowest_keep(struct runs *runs, unsigned per) {
  size_t n = runs->count;
  if (n == 0) return;
  struct runs kept;
  bool *keep = NEW_ARRAY(bool, n);
  if (runs->column[RUN_LOSS]) {
    struct order order = {runs, per};
    size_t *row = NEW_ARRAY(size_t, n);
    for (size_t i = 0; i < n; i++) row[i] = i;
    qsort_r(row, n, sizeof *row, by_kind_and_loss, &order);
    for (size_t i = 0; i < n; i++) keep[row[i]] = !isnan(runs->column[RUN_LOSS][row[i]]) && (i == 0 || compare_kinds(&order, row[i - 1], row[i]) != 0);
    free(row);
  }
  runs_select(&kept, runs, keep);
  kept.rows = runs->rows;
  kept.bad = runs->bad;
  kept.first_bad = runs->first_bad;
  free(keep);
  runs_release(runs);
  *runs = kept;
}
