/* SPDX-License-Identifier: MIT
 *
 * Columns of numbers that grow by rows, and the set of rows that finds the equal ones: XXH3-64 of a row's numbers, open addressing,
 * linear probing, 32 MB at most.
 */
#include "tools/fit-scaling/table/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/memory.h"

static const char *const column_name[RUN_COLUMNS] = {"params", "tokens", "flops", "loss", "accuracy", "unique_tokens", "lr", "batch", "steps"};

const char *run_column_name(enum run_column column) { return column_name[column]; }

struct run run_of(double params, double tokens) {
  struct run run;
  for (int c = 0; c < RUN_COLUMNS; c++) run.value[c] = NAN;
  run.value[RUN_PARAMS] = params;
  run.value[RUN_TOKENS] = tokens;
  run.value[RUN_FLOPS] = 6 * params * tokens;
  run.shares = run.domain_loss = NULL;
  return run;
}

struct run runs_row(const struct runs *runs, size_t row) {
  struct run run;
  for (int c = 0; c < RUN_COLUMNS; c++) run.value[c] = runs->column[c] ? runs->column[c][row] : NAN;
  run.shares = runs->share ? runs->share + row * runs->source_count : NULL;
  run.domain_loss = runs->domain_loss ? runs->domain_loss + row * runs->domain_count : NULL;
  return run;
}

static void add_column(struct runs *runs, int c) {
  runs->column[c] = NEW_ARRAY(double, runs->capacity);
  for (size_t i = 0; i < runs->count; i++) runs->column[c][i] = NAN;
}

void runs_append(struct runs *runs, const struct run *run, uint32_t group) {
  if (runs->count == runs->capacity) {
    runs->capacity = runs->capacity ? 2 * runs->capacity : 64;
    for (int c = 0; c < RUN_COLUMNS; c++)
      if (runs->column[c]) runs->column[c] = RESIZE(runs->column[c], runs->capacity);
    if (runs->source_count) runs->share = RESIZE(runs->share, runs->capacity * runs->source_count);
    if (runs->domain_count) runs->domain_loss = RESIZE(runs->domain_loss, runs->capacity * runs->domain_count);
    if (runs->group_count) runs->group = RESIZE(runs->group, runs->capacity);
  }
  for (int c = 0; c < RUN_COLUMNS; c++) {
    if (!runs->column[c] && !isnan(run->value[c])) add_column(runs, c);
    if (runs->column[c]) runs->column[c][runs->count] = run->value[c];
  }
  for (size_t s = 0; s < runs->source_count; s++) runs->share[runs->count * runs->source_count + s] = run->shares ? run->shares[s] : NAN;
  for (size_t s = 0; s < runs->domain_count; s++) runs->domain_loss[runs->count * runs->domain_count + s] = run->domain_loss ? run->domain_loss[s] : NAN;
  if (runs->group_count) runs->group[runs->count] = group;
  runs->count++;
}

void runs_select(struct runs *out, const struct runs *runs, const bool *keep) {
  *out = (struct runs){.source_count = runs->source_count, .domain_count = runs->domain_count, .group_count = runs->group_count};
  if (runs->source_count) out->source = NEW_ARRAY(char *, runs->source_count);
  for (size_t s = 0; s < runs->source_count; s++) out->source[s] = STRDUP(runs->source[s]);
  if (runs->domain_count) out->domain = NEW_ARRAY(char *, runs->domain_count);
  for (size_t s = 0; s < runs->domain_count; s++) out->domain[s] = STRDUP(runs->domain[s]);
  if (runs->group_count) out->group_name = NEW_ARRAY(char *, runs->group_count);
  for (size_t g = 0; g < runs->group_count; g++) out->group_name[g] = STRDUP(runs->group_name[g]);
  for (size_t i = 0; i < runs->count; i++) out->capacity += keep[i];
  size_t sources = runs->source_count, domains = runs->domain_count, n = out->capacity + 1;
  for (int c = 0; c < RUN_COLUMNS; c++) {
    bool any = false; /* of a column that these rows lack there is none */
    for (size_t i = 0; i < runs->count && runs->column[c] && !any; i++) any = keep[i] && !isnan(runs->column[c][i]);
    if (any) out->column[c] = MALLOC(n * sizeof(double));
    for (size_t i = 0, to = 0; any && i < runs->count; i++)
      if (keep[i]) out->column[c][to++] = runs->column[c][i];
  }
  if (runs->share) out->share = MALLOC(n * sources * sizeof(double));
  if (runs->domain_loss) out->domain_loss = MALLOC(n * domains * sizeof(double));
  if (runs->group) out->group = MALLOC(n * sizeof *out->group);
  for (size_t i = 0; i < runs->count && (runs->share || runs->domain_loss || runs->group); i++) {
    if (!keep[i]) continue;
    if (runs->share) memcpy(out->share + out->count * sources, runs->share + i * sources, sources * sizeof(double));
    if (runs->domain_loss) memcpy(out->domain_loss + out->count * domains, runs->domain_loss + i * domains, domains * sizeof(double));
    if (runs->group) out->group[out->count] = runs->group[i];
    out->count++;
  }
  out->count = out->capacity;
}

void runs_release(struct runs *runs) {
  for (int c = 0; c < RUN_COLUMNS; c++) free(runs->column[c]);
  for (size_t s = 0; s < runs->source_count; s++) free(runs->source[s]);
  for (size_t s = 0; s < runs->domain_count; s++) free(runs->domain[s]);
  for (size_t g = 0; g < runs->group_count; g++) free(runs->group_name[g]);
  free(runs->source);
  free(runs->share);
  free(runs->domain);
  free(runs->domain_loss);
  free(runs->group_name);
  free(runs->group);
  free(runs->warning);
  *runs = (struct runs){0};
}


/* Finds `name`, or enters it with a further value in each of the `rows`: `filler` where they have values, else none. */
static size_t add_name(char ***names, size_t *count, double **values, size_t rows, size_t capacity, struct slice name, double filler) {
  size_t n = *count;
  for (size_t s = 0; s < n; s++)
    if (slice_equal(slice_of((*names)[s]), name)) return s;
  *names = RESIZE(*names, n + 1);
  (*names)[n] = COPY(name.data, name.len);
  double *wider = MALLOC((capacity * (n + 1) + 1) * sizeof *wider);
  for (size_t i = 0; i < rows; i++) {
    if (n) memcpy(wider + i * (n + 1), *values + i * n, n * sizeof *wider);
    wider[i * (n + 1) + n] = n && !isnan(wider[i * (n + 1)]) ? filler : NAN;
  }
  free(*values);
  *values = wider;
  return (*count)++;
}

size_t runs_add_source(struct runs *runs, struct slice name) {
  return add_name(&runs->source, &runs->source_count, &runs->share, runs->count, runs->capacity, name, 0);
}

size_t runs_add_domain(struct runs *runs, struct slice name) {
  return add_name(&runs->domain, &runs->domain_count, &runs->domain_loss, runs->count, runs->capacity, name, NAN);
}

/* ---- equal rows */

enum { SLOTS_LEAST = 1 << 10, SLOTS_MOST = 1 << 22, BATCH = 16 };

static uint64_t row_hash(const struct runs *runs, size_t row) {
  double numbers[RUN_COLUMNS + 1];
  size_t n = 0;
  for (int c = 0; c < RUN_COLUMNS; c++)
    if (runs->column[c]) numbers[n++] = runs->column[c][row];
  if (runs->group) numbers[n++] = runs->group[row];
  uint64_t hash = XXH3_64bits(numbers, n * sizeof *numbers);
  if (runs->share) hash = XXH3_64bits_withSeed(runs->share + row * runs->source_count, runs->source_count * sizeof *runs->share, hash);
  if (runs->domain_loss) hash = XXH3_64bits_withSeed(runs->domain_loss + row * runs->domain_count, runs->domain_count * sizeof *runs->domain_loss, hash);
  return hash | 1; /* 0: an empty slot */
}

void runs_count_duplicates(struct runs *runs) {
  size_t slots = SLOTS_LEAST, used = 0;
  while (slots < SLOTS_MOST && slots / 2 < runs->count) slots *= 2;
  uint64_t *set = NEW_ARRAY(uint64_t, slots), hash[BATCH];
  runs->duplicates = 0;
  for (size_t from = 0; from < runs->count; from += BATCH) { /* a batch's slots come from memory at the same time */
    size_t n = runs->count - from < BATCH ? runs->count - from : BATCH;
    for (size_t i = 0; i < n; i++) {
      hash[i] = row_hash(runs, from + i);
      __builtin_prefetch(&set[hash[i] >> 1 & (slots - 1)]);
    }
    for (size_t i = 0; i < n; i++) {
      size_t at = hash[i] >> 1 & (slots - 1);
      while (set[at] && set[at] != hash[i]) at = (at + 1) & (slots - 1);
      if (set[at]) runs->duplicates++;
      else if (used < slots / 2) set[at] = hash[i], used++;
    }
  }
  free(set);
}
