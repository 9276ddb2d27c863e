/* SPDX-License-Identifier: MIT
 *
 * The columns of a table, by name, in the order in which they come.
 */
#include "tools/fit-scaling/table/layout.h"

#include "common/base/memory.h"

bool layout_add_column(struct table *t, struct slice name, size_t *column) {
  bool added;
  *column = SIZE_MAX;
  if (t->columns == COLUMNS_MOST) return false;
  uint64_t *at = hashmap_put(t->index, name, &added);
  if (!added) return *column = *at, false;
  *at = *column = t->columns;
  GROW(t->column, t->column_capacity, t->columns + 1);
  t->column[t->columns++] = hashmap_entries(t->index)[hashmap_count(t->index) - 1].key;
  return true;
}

void layout_forget_columns(struct table *t) {
  hashmap_clear(t->index);
  t->columns = t->wants = t->wanted_columns = 0;
  t->repeated = (struct slice){0};
}
