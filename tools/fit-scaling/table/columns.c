/* SPDX-License-Identifier: MIT
 *
 * The table of names, and the search for the best column of each field.
 */
#include "tools/fit-scaling/table/columns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "tools/fit-scaling/table/decimal.h"

enum { NAME_MOST = 80, OTHER_NAMES = 14 };

static const struct field_names {
  const char *name;
  const char *other[OTHER_NAMES]; /* in canonical spelling but for case */
} names[FIELDS] = {
    [RUN_PARAMS] = {"params", {"N", "n_params", "parameters", "num_params", "model_size", "num_parameters", "n_parameters", "model_params", "parameter_count"}},
    [RUN_TOKENS] = {"tokens", {"D", "n_tokens", "training_tokens", "train_tokens", "num_tokens", "tokens_seen", "total_tokens"}},
    [RUN_FLOPS] = {"flops", {"C", "compute", "compute_budget", "budget", "training_flop", "train_flops", "training_flops", "flop", "total_flops"}},
    [RUN_LOSS] = {"loss", {"final_loss", "validation_loss", "val_loss", "eval_loss", "valid_loss", "test_loss"}},
    [RUN_ACCURACY] = {"accuracy", {"acc"}},
    [RUN_UNIQUE_TOKENS] = {"unique_tokens", {"U", "unique_training_tokens", "num_unique_tokens"}},
    [RUN_LR] = {"lr", {"learning_rate", "peak_lr", "max_lr", "peak_learning_rate"}},
    [RUN_BATCH] = {"batch", {"batch_tokens", "batch_size", "batch_size_tokens", "global_batch_size"}},
    [RUN_STEPS] = {"steps", {"num_steps", "n_steps", "train_steps", "training_steps"}},
    [FIELD_ERROR] = {"error", {"error_rate", "top1_error"}},
    [FIELD_EPOCHS] = {"epochs", {"num_epochs", "n_epochs"}},
    [FIELD_SEQUENCE] = {"seq", {"seq_len", "sequence_length", "context_length", "seq_length"}},
    [FIELD_SOURCES] = {"sources", {"mixture"}},
    [FIELD_LOSSES] = {"val_losses", {0}},
};

static const struct {
  struct slice prefix;
  enum named kind;
} prefixes[] = {{{"share:", 6}, NAMED_SHARE}, {{"mix:", 4}, NAMED_SHARE}, {{"weight:", 7}, NAMED_SHARE}, {{"share.", 6}, NAMED_SHARE}, {{"mix.", 4}, NAMED_SHARE},
                {{"loss:", 5}, NAMED_LOSS},   {{"val_loss:", 9}, NAMED_LOSS}};

struct unit {
  const char *name;
  double factor;
};
static const struct unit count_units[] = {{"k", 1e3}, {"m", 1e6}, {"b", 1e9}, {"g", 1e9}, {"t", 1e12}, {"thousand", 1e3}, {"thousands", 1e3}, {"million", 1e6}, {"millions", 1e6}, {"mn", 1e6},
                                          {"billion", 1e9}, {"billions", 1e9}, {"bn", 1e9}, {"trillion", 1e12}, {"trillions", 1e12}, {NULL, 0}},
                         flops_units[] = {{"gflop", 1e9}, {"tflop", 1e12}, {"pflop", 1e15}, {"eflop", 1e18}, {"zflop", 1e21}, {"yflop", 1e24}, {"gflops", 1e9}, {"tflops", 1e12}, {"pflops", 1e15},
                                          {"eflops", 1e18}, {"zflops", 1e21}, {"yflops", 1e24}, {"pf_days", 8.64e19}, {"pflop_days", 8.64e19}, {"pflops_days", 8.64e19}, {NULL, 0}},
                         loss_units[] = {{"nats", 1}, {"nats_token", 1}, {"nats_per_token", 1}, {"bits", 0.6931471805599453}, {"bits_token", 0.6931471805599453}, {"bits_per_token", 0.6931471805599453}, {NULL, 0}},
                         share_units[] = {{"%", .01}, {"pct", .01}, {"percent", .01}, {NULL, 0}};

struct specification { /* of --column */
  int field;           /* FIELDS + enum named: one of several, of this name: */
  char *name;
  char *column;
  double factor;       /* not a number: none was given */
};

struct columns {
  struct specification *given;
  int given_count;
};

const char *field_name(int field) { return names[field].name; }

/* Lower case, separators as '_', none at the end; false: too long for a name that is known. */
static bool canonical(struct slice name, char to[NAME_MOST]) {
  size_t n = 0;
  name = slice_trim(name);
  if (name.len >= NAME_MOST) return false;
  for (size_t i = 0; i < name.len; i++) {
    char c = name.data[i];
    if (c == ' ' || c == '-' || c == '.' || c == '/') c = '_';
    if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
    if (c != '_' || n == 0 || to[n - 1] != '_') to[n++] = c;
  }
  while (n && to[n - 1] == '_') n--;
  to[n] = 0;
  return n > 0;
}

static bool is_count(int field) {
  return field == RUN_PARAMS || field == RUN_TOKENS || field == RUN_FLOPS || field == RUN_UNIQUE_TOKENS || field == RUN_BATCH || field == RUN_STEPS;
}

/* "1e18", "e18", "10^18", "x 10^18" */
static bool power_of_ten(const char *text, double *factor) {
  char number[NAME_MOST + 2];
  bool suffix;
  while (*text == 'x' || *text == '_' || *text == '*') text++;
  if (strncmp(text, "10^", 3) == 0 || strncmp(text, "10**", 4) == 0) snprintf(number, sizeof number, "1e%s", text + (text[2] == '^' ? 3 : 4));
  else snprintf(number, sizeof number, "%s%s", *text == 'e' ? "1" : "", text);
  return strchr(number, 'e') && decimal_parse(slice_of(number), factor, &suffix) && *factor > 0 && isfinite(*factor);
}

static bool unit_in(const struct unit *units, const char *name, double *factor) {
  for (; units->name; units++)
    if (strcmp(name, units->name) == 0) return *factor = units->factor, true;
  return false;
}

/* Whether a number of `field` is one of such things. */
static bool counts(int field, const char *things) {
  if (strcmp(things, "tokens") == 0) return field == RUN_TOKENS || field == RUN_UNIQUE_TOKENS || field == RUN_BATCH;
  if (strcmp(things, "params") == 0 || strcmp(things, "parameters") == 0) return field == RUN_PARAMS;
  return field == RUN_FLOPS && (strcmp(things, "flop") == 0 || strcmp(things, "flops") == 0);
}

/* `unit` is canonical, and may lose its last word; in brackets it may say more than behind an underscore. */
static bool unit_factor(char *unit, int field, bool bracket, double *factor) {
  if (field == RUN_LOSS) return unit_in(loss_units, unit, factor);
  if (field == RUN_ACCURACY || field == FIELD_ERROR) return unit_in(share_units, unit, factor);
  if (!is_count(field)) return false;
  if (bracket) {
    char *tail = strrchr(unit, '_');
    if (counts(field, unit)) return *factor = 1, true;
    if (field == RUN_FLOPS && unit_in(flops_units, unit, factor)) return true;
    if (tail && counts(field, tail + 1)) *tail = 0; /* "billion tokens", "1e18 FLOPs" */
  }
  return unit_in(count_units, unit, factor) || power_of_ten(unit, factor);
}

/* Splits "params (M)" into "params" and "m", both canonical. */
static bool bracket_unit(struct slice name, struct slice *base, char unit[NAME_MOST]) {
  name = slice_trim(name);
  if (name.len < 3 || (name.data[name.len - 1] != ')' && name.data[name.len - 1] != ']')) return false;
  const char *open = memrchr(name.data, name.data[name.len - 1] == ')' ? '(' : '[', name.len);
  if (!open) return false;
  *base = (struct slice){name.data, (size_t)(open - name.data)};
  return canonical((struct slice){open + 1, name.len - base->len - 2}, unit);
}

/* Rank of `name` among the names of `field`, or -1. */
static int name_rank(int field, struct slice name, const char *spelled) {
  const struct field_names *f = &names[field];
  for (int i = -1; i < OTHER_NAMES; i++) {
    const char *candidate = i < 0 ? f->name : f->other[i];
    if (!candidate) break;
    if ((candidate[0] | 0x20) != (spelled[0] | 0x20) || strcasecmp(candidate, spelled) != 0) continue;
    struct slice exact = slice_of(candidate);
    return RANK_OWN_NAME + (RANK_OTHER_NAME - RANK_OWN_NAME) * (i + 1) + (slice_equal(name, exact) ? 0 : slice_equal_nocase(name, exact) ? 1 : 2);
  }
  return -1;
}

/* The field that a column of this name gives by itself. */
static bool known_name(struct slice name, int *field, struct column_place *place) {
  char spelled[NAME_MOST], unit[NAME_MOST], *tail;
  struct slice base = {0};
  bool bracket;
  if (name.len == 0 || !canonical(name, spelled)) return false;
  for (int f = 0; f < FIELDS; f++)
    if ((place->rank = name_rank(f, name, spelled)) >= 0) return *field = f, place->factor = 1, true;
  if ((bracket = bracket_unit(name, &base, unit))) {
    if (!canonical(base, spelled)) return false;
  } else {
    tail = strrchr(spelled, '_');
    if (!tail || tail - spelled < 3) return false; /* n_b and d_m are too likely to be something else */
    *tail = 0;
    memcpy(unit, tail + 1, strlen(tail + 1) + 1);
  }
  for (int f = 0; f < FIELDS; f++)
    if ((place->rank = name_rank(f, base, spelled)) >= 0 && unit_factor(unit, f, bracket, &place->factor)) return *field = f, place->rank += 3, true;
  return false;
}

/* "share:web" */
static bool is_named(struct slice column, enum named *kind, struct slice *name) {
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    struct slice prefix = prefixes[i].prefix;
    if (column.len <= prefix.len || !slice_starts_nocase(column, prefix)) continue;
    *kind = prefixes[i].kind;
    *name = (struct slice){column.data + prefix.len, column.len - prefix.len};
    return true;
  }
  return false;
}

/* ---- --column */

static int parse_specification(struct specification *s, const char *text, struct err *e) {
  const char *equals = strchr(text, '='), *star = equals ? strrchr(equals, '*') : NULL;
  if (!equals || equals == text || !equals[1]) return err_usage(e, "--column takes NAME=COLUMN or NAME=COLUMN*FACTOR, not '%s'", text);
  struct slice target = {text, (size_t)(equals - text)}, name = {0};
  enum named kind;
  char *factor_end = NULL;
  *s = (struct specification){.field = -1, .factor = NAN};
  for (int f = 0; f < FIELDS; f++)
    if (slice_equal_nocase(target, slice_of(names[f].name))) s->field = f;
  if (s->field < 0 && is_named(target, &kind, &name)) s->field = FIELDS + (int)kind;
  if (s->field < 0) {
    char known[200] = "";
    for (int f = 0; f < FIELDS; f++) snprintf(known + strlen(known), sizeof known - strlen(known), "%s, ", names[f].name);
    return err_usage(e, "--column: '%.*s' is none of %sshare:SOURCE, loss:DOMAIN", (int)target.len, target.data, known);
  }
  if (star && star > equals + 1 && number_double(star + 1, &s->factor) == 0) {
    if (!(s->factor > 0)) return err_usage(e, "--column %s: the factor must be above 0", text);
    factor_end = (char *)star;
  } else {
    s->factor = NAN;
  }
  struct slice column = slice_trim((struct slice){equals + 1, factor_end ? (size_t)(factor_end - equals - 1) : strlen(equals + 1)});
  s->column = COPY(column.data, column.len);
  if (name.len) s->name = COPY(name.data, name.len);
  return 0;
}

int columns_new(struct columns **result, const struct option_list *specifications, struct err *e) {
  int count = specifications ? specifications->count : 0;
  struct columns *c = *result = NEW(struct columns);
  c->given = NEW_ARRAY(struct specification, (size_t)count + 1);
  for (int i = 0; i < count; i++) {
    if (parse_specification(&c->given[i], specifications->items[i], e)) return -1;
    c->given_count++;
  }
  return 0;
}

void columns_free(struct columns *c) {
  if (!c) return;
  for (int i = 0; i < c->given_count; i++) {
    free(c->given[i].name);
    free(c->given[i].column);
  }
  free(c->given);
  free(c);
}

static bool is_given(const struct specification *s, struct slice name) { return slice_equal_nocase(slice_of(s->column), name); }

bool columns_know(const void *columns, struct slice name) {
  const struct columns *c = columns;
  int field;
  struct column_place place;
  struct slice tail;
  enum named kind;
  for (int i = 0; i < c->given_count; i++)
    if (is_given(&c->given[i], name)) return true;
  return known_name(name, &field, &place) || is_named(name, &kind, &tail);
}

/* ---- maps */

static void add_place(struct column_map *map, int field, struct column_place place) {
  int at = map->count[field];
  while (at > 0 && place.rank < map->place[field][at - 1].rank) at--;
  if (at == PLACES_MOST) return;
  if (map->count[field] < PLACES_MOST) map->count[field]++;
  memmove(&map->place[field][at + 1], &map->place[field][at], (size_t)(map->count[field] - 1 - at) * sizeof place);
  map->place[field][at] = place;
}

static void add_named(struct named_places *places, struct slice name, struct column_place place) {
  if (places->count == NAMED_MOST) return;
  for (size_t i = 0; i < places->count; i++)
    if (slice_equal(places->items[i].name, name)) return;
  GROW(places->items, places->capacity, places->count + 1);
  places->items[places->count++] = (struct named_place){name, place};
}

/* What --column says of a column; false: nothing. */
static bool add_given(struct column_map *map, const struct columns *c, struct slice name, size_t column) {
  bool found = false;
  for (int i = 0; i < c->given_count; i++) {
    const struct specification *s = &c->given[i];
    if (!is_given(s, name)) continue;
    struct column_place place = {.column = column, .factor = isnan(s->factor) ? 1 : s->factor, .rank = slice_equal(slice_of(s->column), name) ? 0 : 1};
    struct slice base;
    char unit[NAME_MOST];
    if (isnan(s->factor) && s->field < FIELDS && bracket_unit(name, &base, unit)) unit_factor(unit, s->field, true, &place.factor);
    if (s->field < FIELDS) add_place(map, s->field, place);
    else add_named(&map->named[s->field - FIELDS], slice_of(s->name), place);
    found = true;
  }
  return found;
}

static bool has_specification(const struct columns *c, int field) {
  for (int i = 0; i < c->given_count; i++)
    if (c->given[i].field == field) return true;
  return false;
}

bool column_map_extend(struct column_map *map, const struct columns *c, const struct table *t) {
  bool changed = false;
  for (; map->seen < table_columns(t); map->seen++) {
    struct slice name = table_column(t, map->seen), tail;
    struct column_place place = {.column = map->seen, .factor = 1};
    enum named kind;
    int field;
    if (add_given(map, c, name, map->seen)) {
      changed = true;
    } else if (known_name(name, &field, &place)) {
      if (!has_specification(c, field)) add_place(map, field, place), changed = true;
    } else if (is_named(name, &kind, &tail)) {
      add_named(&map->named[kind], tail, place), changed = true;
    }
  }
  return changed;
}

void column_map_release(struct column_map *map) {
  for (int k = 0; k < NAMED; k++) free(map->named[k].items);
  *map = (struct column_map){0};
}

bool column_map_gives(const struct column_map *map, int field) {
  const int *n = map->count;
  if (n[field]) return true;
  switch (field) {
  case RUN_PARAMS: return n[RUN_TOKENS] && n[RUN_FLOPS];
  case RUN_TOKENS: return n[RUN_PARAMS] && n[RUN_FLOPS];
  case RUN_FLOPS: return n[RUN_PARAMS] && n[RUN_TOKENS];
  case RUN_LOSS: return map->named[NAMED_LOSS].count > 0;
  case RUN_ACCURACY: return n[FIELD_ERROR];
  case RUN_UNIQUE_TOKENS: return n[FIELD_EPOCHS] && column_map_gives(map, RUN_TOKENS);
  }
  return false;
}

bool column_map_ambiguous(const struct column_map *map, const struct table *t, int *field, struct err *warning) {
  char first[60], second[60];
  for (; *field < FIELDS; ++*field) {
    const struct column_place *p = map->place[*field];
    if (map->count[*field] < 2 || p[0].rank < RANK_OTHER_NAME) continue; /* --column or the field's own name is meant */
    err_set(warning, "%s: both '%s' and '%s' look like %s: the first is taken; --column %s=NAME says which", table_name(t), shown_text(table_column(t, p[0].column), first, sizeof first),
            shown_text(table_column(t, p[1].column), second, sizeof second), names[*field].name, names[*field].name);
    ++*field;
    return true;
  }
  return false;
}

size_t column_by_name(const struct column_map *map, const struct table *t, const char *name) {
  struct slice wanted = slice_of(name);
  size_t nearly = COLUMN_NONE;
  for (size_t i = 0; i < table_columns(t); i++) {
    if (slice_equal(table_column(t, i), wanted)) return i;
    if (nearly == COLUMN_NONE && slice_equal_nocase(table_column(t, i), wanted)) nearly = i;
  }
  for (int f = 0; f < FIELDS && nearly == COLUMN_NONE; f++)
    if (map->count[f] && slice_equal_nocase(wanted, slice_of(names[f].name))) nearly = map->place[f][0].column;
  return nearly;
}

/* ---- messages */

const char *shown_text(struct slice text, char *to, size_t n) {
  size_t used = 0;
  bool cut = false;
  for (size_t i = 0; i < text.len && !cut;) {
    uint32_t code;
    int invalid = 0, length = utf8_decode(text.data + i, text.len - i, &code, &invalid);
    bool plain = length > 0 && code >= 0x20 && code != 0x7F && !(code >= 0x80 && code < 0xA0);
    size_t bytes = length > 0 ? (size_t)length : 1;
    if (used + (plain ? bytes : 1) + 4 > n) cut = true;
    else if (plain) memcpy(to + used, text.data + i, bytes), used += bytes;
    else to[used++] = '?';
    i += bytes;
  }
  if (cut) memcpy(to + used, "...", 3), used += 3;
  to[used] = 0;
  return to;
}

void shown_columns(const struct table *t, char *to, size_t n) {
  size_t used = 0, count = table_columns(t), i = 0;
  char name[44], more[40];
  to[0] = 0;
  for (; i < count; i++) {
    struct slice column = table_column(t, i);
    if (column.len == 0) continue;
    shown_text(column, name, sizeof name);
    if (used + strlen(name) + sizeof more > n) break;
    used += (size_t)snprintf(to + used, n - used, "%s%s", used ? ", " : "", name);
  }
  if (i < count) snprintf(to + used, n - used, " and %s more", number_thousands(count - i, more));
  else if (used == 0) snprintf(to, n, "nothing");
}

static void shown_other_names(int field, char *to, size_t n) {
  size_t used = 0;
  to[0] = 0;
  for (int i = 0; i < 5 && names[field].other[i]; i++) used += (size_t)snprintf(to + used, n - used, "%s%s", used ? ", " : "", names[field].other[i]);
}

static bool is_number(struct slice text) {
  double value;
  bool suffix;
  return decimal_parse(text, &value, &suffix);
}

static bool all_numbers(const struct table *t) {
  for (size_t i = 0; i < table_columns(t); i++)
    if (!is_number(table_column(t, i))) return false;
  return table_columns(t) > 0;
}

static const char *source_of(int field) {
  switch (field) {
  case RUN_PARAMS: return ", or tokens and flops";
  case RUN_TOKENS: return ", or params and flops";
  case RUN_FLOPS: return ", or params and tokens";
  case RUN_LOSS: return ", or loss:DOMAIN";
  case RUN_ACCURACY: return ", or error";
  case RUN_UNIQUE_TOKENS: return ", or epochs";
  }
  return "";
}

static int lacks(const struct table *t, const char *what, const char *remedy, struct err *e) {
  char has[400], place[24] = "";
  shown_columns(t, has, sizeof has);
  if (table_columns(t) == 1 && memchr(table_column(t, 0).data, ' ', table_column(t, 0).len)) remedy = "columns stand apart by tabs or commas, not by spaces";
  if (table_has_header(t)) snprintf(place, sizeof place, ":%llu", (unsigned long long)table_header_line(t));
  return err_set(e, "%s%s: %s lack%s %s; %s: %s; %s", table_name(t), place, table_has_header(t) ? "the header" : "all objects", table_has_header(t) ? "s" : "", what,
                 table_has_header(t) ? "it has" : "there are", has, remedy);
}

int column_map_check(const struct column_map *map, const struct columns *c, const struct table *t, unsigned needs, struct err *e) {
  char what[300], remedy[100], others[120], name[80];
  if (table_has_header(t) && all_numbers(t))
    return err_set(e, "%s:%llu: no header: the first line holds numbers; a line with names of columns, such as params, tokens, loss, must stand before them", table_name(t),
                   (unsigned long long)table_header_line(t));
  for (int i = 0; i < c->given_count; i++) {
    const struct specification *s = &c->given[i];
    bool found = false;
    for (size_t k = 0; k < table_columns(t) && !found; k++) found = is_given(s, table_column(t, k));
    if (found) continue;
    snprintf(what, sizeof what, "the column '%s'", shown_text(slice_of(s->column), name, sizeof name));
    snprintf(remedy, sizeof remedy, "say --column %s%.40s=NAME with one of them", s->field < FIELDS ? names[s->field].name : s->field == FIELDS + NAMED_SHARE ? "share:" : "loss:",
             s->field < FIELDS ? "" : s->name);
    return lacks(t, what, remedy, e);
  }
  for (int f = 0; f < RUN_COLUMNS; f++) {
    if (!(needs >> f & 1) || column_map_gives(map, f)) continue;
    shown_other_names(f, others, sizeof others);
    snprintf(what, sizeof what, "'%s' (or %s, ...%s)", names[f].name, others, source_of(f));
    snprintf(remedy, sizeof remedy, "say --column %s=NAME", names[f].name);
    return lacks(t, what, remedy, e);
  }
  if ((needs & RUN_NEEDS_SHARES) && map->named[NAMED_SHARE].count == 0 && map->count[FIELD_SOURCES] == 0) return lacks(t, "the shares of a mixture (share:SOURCE, or sources)", "say --column share:SOURCE=NAME", e);
  return 0;
}
