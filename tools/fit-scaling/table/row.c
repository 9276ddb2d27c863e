/* SPDX-License-Identifier: MIT
 *
 * Cells -> a run: numbers with their units, what follows from them, and the lists of a mixture, which are columns of their own
 * (share:web) or stand in one cell ("web:0.7,code:0.3").
 */
#include <math.h>
#include <string.h>

#include "common/base/memory.h"
#include "tools/fit-scaling/table/decimal.h"
#include "tools/fit-scaling/table/reader.h"

static const double share_tolerance = .01;

enum found { FOUND, ABSENT, WRONG };

static bool missing(struct slice text) {
  static const struct slice words[] = {{"", 0}, {"-", 1}, {"--", 2}, {"na", 2}, {"n/a", 3}, {"nan", 3}, {"null", 4}, {"none", 4}, {".", 1}, {"?", 1}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (slice_equal_nocase(text, words[i])) return true;
  return false;
}

/* The first column of the field that this row has. */
static const struct column_place *place_of(const struct reader *r, int field, struct slice *text) {
  const struct slice *cells = table_cells(r->table);
  for (int k = 0; k < r->map.count[field]; k++) {
    const struct column_place *p = &r->map.place[field][k];
    if (!cells[p->slot].data) continue;
    *text = cells[p->slot];
    return p;
  }
  return NULL;
}

static enum found number_in(struct slice text, double factor, double *value) {
  bool suffix;
  if (!decimal_parse(text, value, &suffix)) return missing(text) ? ABSENT : WRONG;
  if (!suffix) *value *= factor; /* 70M is 70e6 under "params (M)" too */
  return FOUND;
}

static bool in_range(int field, double value) {
  if (field == RUN_ACCURACY || field == FIELD_ERROR) return value >= 0 && value <= 1;
  return value > 0 && isfinite(value);
}

const char *row_range(int field) {
  return field == RUN_ACCURACY || field == FIELD_ERROR ? "between 0 and 1 (of percent, --column NAME=COLUMN*.01 makes one)" : "a positive number";
}

/* *text is the cell, its data NULL when there is none. */
static enum found field_value(const struct reader *r, int field, double *value, struct slice *text) {
  *text = (struct slice){0};
  const struct column_place *p = place_of(r, field, text);
  enum found found = p ? number_in(*text, p->factor, value) : ABSENT;
  if (found == FOUND && !in_range(field, *value)) found = WRONG;
  if (found != FOUND) *value = NAN;
  return found;
}

void row_bad(struct reader *r, const char *what, struct slice text) {
  char shown[SHOWN];
  if (r->runs->bad++ > 0) return;
  err_set(&r->runs->first_bad, "%s:%llu: %s", table_name(r->table), (unsigned long long)table_line(r->table), what);
  size_t n = strlen(r->runs->first_bad.message);
  if (text.data) snprintf(r->runs->first_bad.message + n, sizeof r->runs->first_bad.message - n, ": '%s'", shown_text(text, shown, sizeof shown));
}

/* Whether a wrong number in this field spoils the row: when it is needed, or one that is needed may follow from it, unless the column
 * is only taken for it ("compute" may hold the name of a machine). */
static bool matters(const struct reader *r, int field) {
  static const unsigned scale = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_FLOPS;
  if (r->options->needs >> field & 1) return true;
  return (scale >> field & 1) && (r->options->needs & scale) && r->map.place[field][0].rank < RANK_OTHER_NAME;
}

void row_derive(struct reader *r, struct run *run) {
  double *v = run->value, error, epochs, sequence;
  struct slice text;
  bool given = !isnan(v[RUN_PARAMS]) && !isnan(v[RUN_TOKENS]);
  if (given && !isnan(v[RUN_FLOPS])) {
    double ratio = v[RUN_FLOPS] / (6 * v[RUN_PARAMS] * v[RUN_TOKENS]);
    bool apart = !(ratio <= FLOPS_RATIO && ratio >= 1. / FLOPS_RATIO);
    const struct column_place *p = apart && r->apart == 0 ? place_of(r, RUN_FLOPS, &text) : NULL;
    if (p) shown_text(table_column(r->table, p->column), r->apart_column, sizeof r->apart_column);
    r->compared++;
    r->apart += apart;
  } else if (given) {
    v[RUN_FLOPS] = 6 * v[RUN_PARAMS] * v[RUN_TOKENS];
  } else if (isnan(v[RUN_PARAMS])) {
    v[RUN_PARAMS] = v[RUN_FLOPS] / (6 * v[RUN_TOKENS]);
  } else {
    v[RUN_TOKENS] = v[RUN_FLOPS] / (6 * v[RUN_PARAMS]);
  }
  if (isnan(v[RUN_ACCURACY]) && r->map.count[FIELD_ERROR] && field_value(r, FIELD_ERROR, &error, &text) == FOUND) v[RUN_ACCURACY] = 1 - error;
  if (isnan(v[RUN_UNIQUE_TOKENS]) && r->map.count[FIELD_EPOCHS] && field_value(r, FIELD_EPOCHS, &epochs, &text) == FOUND) v[RUN_UNIQUE_TOKENS] = v[RUN_TOKENS] / epochs;
  if (isnan(v[RUN_UNIQUE_TOKENS]) && (r->options->needs >> RUN_UNIQUE_TOKENS & 1)) v[RUN_UNIQUE_TOKENS] = v[RUN_TOKENS]; /* nothing is repeated */
  if (!isnan(v[RUN_BATCH]) && r->map.count[FIELD_SEQUENCE]) {
    const struct column_place *p = place_of(r, RUN_BATCH, &text);
    bool sequences = p && p->rank >= RANK_OWN_NAME && !slice_find_nocase(table_column(r->table, p->column), SLICE("token"));
    if (sequences && field_value(r, FIELD_SEQUENCE, &sequence, &text) == FOUND) v[RUN_BATCH] *= sequence;
  }
}

bool row_numbers(const struct reader *r, struct run *run, int *wrong, struct slice *text) {
  *run = run_of(NAN, NAN);
  *wrong = -1;
  for (int c = 0; c < RUN_COLUMNS; c++) {
    struct slice cell;
    if (r->map.count[c] && field_value(r, c, &run->value[c], &cell) == WRONG && matters(r, c) && *wrong < 0) *wrong = c, *text = cell;
  }
  return *wrong < 0;
}

bool row_check(struct reader *r, const struct run *run) {
  char what[120];
  for (int c = 0; c < RUN_COLUMNS; c++) {
    double value = run->value[c];
    bool needed = r->options->needs >> c & 1;
    if (isnan(value) ? !needed : in_range(c, value)) continue;
    struct slice cell = {0};
    place_of(r, c, &cell);
    snprintf(what, sizeof what, isnan(value) ? "%s is missing" : "%s is out of range", field_name(c));
    row_bad(r, what, cell.len ? cell : (struct slice){0});
    return false;
  }
  return true;
}

/* ---- shares of mixtures and losses of validation sets */

static size_t name_count(const struct reader *r, enum named kind) { return kind == NAMED_SHARE ? r->runs->source_count : r->runs->domain_count; }

static size_t add_name(struct reader *r, enum named kind, struct slice name) {
  return kind == NAMED_SHARE ? runs_add_source(r->runs, name) : runs_add_domain(r->runs, name);
}

static void clear_values(struct reader *r, enum named kind, double value) {
  GROW(r->values[kind], r->value_capacity[kind], name_count(r, kind));
  for (size_t i = 0; i < name_count(r, kind); i++) r->values[kind][i] = value;
}

static bool sound(enum named kind, double value) { return isfinite(value) && (value > 0 || (kind == NAMED_SHARE && value == 0)); }

/* "web:0.7,code:0.3".  1: read; -1: the row is bad. */
static int read_list(struct reader *r, enum named kind, struct slice text) {
  clear_values(r, kind, kind == NAMED_SHARE ? 0 : NAN);
  for (struct slice rest = text; rest.len;) {
    const char *comma = memchr(rest.data, ',', rest.len);
    struct slice item = slice_trim((struct slice){rest.data, comma ? (size_t)(comma - rest.data) : rest.len});
    const char *colon = item.len ? memrchr(item.data, ':', item.len) : NULL;
    double value = NAN;
    rest = comma ? (struct slice){comma + 1, (size_t)(rest.data + rest.len - comma - 1)} : (struct slice){0};
    enum found found = colon ? number_in((struct slice){colon + 1, (size_t)(item.data + item.len - colon - 1)}, 1, &value) : WRONG;
    if (found == ABSENT && kind == NAMED_LOSS) continue;
    if (found != FOUND || !sound(kind, value) || name_count(r, kind) == NAMED_MOST) {
      row_bad(r, kind == NAMED_SHARE ? "the sources are not NAME:SHARE,..." : "the losses are not NAME:LOSS,...", text);
      return -1;
    }
    size_t before = name_count(r, kind), at = add_name(r, kind, (struct slice){item.data, (size_t)(colon - item.data)});
    if (name_count(r, kind) > before) {
      GROW(r->values[kind], r->value_capacity[kind], before + 1);
      r->values[kind][at] = 0;
    }
    r->values[kind][at] = kind == NAMED_SHARE ? r->values[kind][at] + value : value;
  }
  return 1;
}

/* 1: r->values[kind] is filled; 0: the row has none; -1: bad. */
static int read_named(struct reader *r, enum named kind) {
  const struct slice *cells = table_cells(r->table);
  const struct named_places *places = &r->map.named[kind];
  struct slice text;
  bool any = false;
  if (places->count == 0) {
    if (!(r->options->needs & RUN_NEEDS_SHARES) || !place_of(r, kind == NAMED_SHARE ? FIELD_SOURCES : FIELD_LOSSES, &text) || missing(text)) return 0;
    return kind == NAMED_LOSS && !memchr(text.data, ',', text.len) ? 0 : read_list(r, kind, text); /* of one set the loss stands in `loss` */
  }
  clear_values(r, kind, kind == NAMED_SHARE ? 0 : NAN);
  for (size_t i = 0; i < places->count; i++) {
    const struct column_place *p = &places->items[i].place;
    double value;
    enum found found = cells[p->slot].data ? number_in(cells[p->slot], p->factor, &value) : ABSENT;
    if (found == ABSENT) continue;
    if (found == WRONG || !sound(kind, value)) {
      row_bad(r, kind == NAMED_SHARE ? "a share of the mixture is not a number from 0 on" : "a loss is not a positive number", cells[p->slot]);
      return -1;
    }
    r->values[kind][r->number[kind][i]] = value;
    any = true;
  }
  return any;
}

/* Makes the row's shares sum to 1; -1: bad. */
static int normalise(struct reader *r) {
  double sum = 0, *share = r->values[NAMED_SHARE];
  for (size_t s = 0; s < r->runs->source_count; s++) sum += share[s];
  if (!(sum > 0) || !isfinite(sum)) {
    row_bad(r, "the shares of the mixture do not sum to a positive number", (struct slice){0});
    return -1;
  }
  if (fabs(sum - 1) > share_tolerance && fabs(sum - 100) > 100 * share_tolerance) r->odd_sums++;
  for (size_t s = 0; s < r->runs->source_count; s++) share[s] /= sum;
  return 1;
}

bool row_shares(struct reader *r, struct run *run) {
  int status = r->runs->source_count || r->map.count[FIELD_SOURCES] ? read_named(r, NAMED_SHARE) : 0;
  if (status > 0) status = normalise(r);
  if (status == 0 && (r->options->needs & RUN_NEEDS_SHARES)) {
    row_bad(r, "the shares of the mixture are missing", (struct slice){0});
    return false;
  }
  run->shares = status > 0 ? r->values[NAMED_SHARE] : NULL;
  return status >= 0;
}

bool row_losses(struct reader *r, struct run *run) {
  int status = r->runs->domain_count || r->map.count[FIELD_LOSSES] ? read_named(r, NAMED_LOSS) : 0;
  if (status <= 0) return status == 0;
  double sum = 0, *loss = r->values[NAMED_LOSS];
  for (size_t i = 0; i < r->runs->domain_count; i++) {
    sum += loss[i];
    if (!isnan(loss[i]) || !(r->options->needs & RUN_NEEDS_SHARES)) continue; /* laws of mixtures need all */
    char what[SHOWN + 24], name[SHOWN]; /* a mixture has a law for each domain, whatever the column loss says */
    snprintf(what, sizeof what, "loss:%s is missing", shown_text(slice_of(r->runs->domain[i]), name, sizeof name));
    row_bad(r, what, (struct slice){0});
    return false;
  }
  if (isnan(run->value[RUN_LOSS])) run->value[RUN_LOSS] = sum / (double)r->runs->domain_count;
  run->domain_loss = loss;
  return true;
}

