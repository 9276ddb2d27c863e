/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/plan/given_law.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/io/input.h"
#include "tools/fit-scaling/forms/chinchilla.h"

enum { P = CHINCHILLA_PARAMETERS };
enum { LARGEST_FILE = 1 << 20 };

static const char *const names[P] = {"E", "A", "B", "alpha", "beta"};

static const struct {
  const char *name, *source;
  double parameter[P];
} published[] = {
    {"chinchilla", "Hoffmann et al. 2022, approach 3, as printed", {1.69, 406.4, 410.7, .34, .28}},
    {"besiroglu", "Besiroglu et al. 2024, table 1", {1.8172, 482.01, 2085.43, .3478, .3658}},
    {"muennighoff", "Muennighoff et al. 2023, on C4", {1.87, 521, 1488, .353, .353}},
};
enum { PUBLISHED = sizeof published / sizeof *published };

static void list_names(struct buffer *out) {
  for (int i = 0; i < PUBLISHED; i++) buffer_printf(out, "%s%s", i ? ", " : "", published[i].name);
}

static struct slice next(struct slice *rest, char end) {
  const char *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;
  struct slice part = {rest->data, at ? (size_t)(at - rest->data) : rest->len};
  *rest = at ? (struct slice){at + 1, rest->len - part.len - 1} : (struct slice){rest->data + rest->len, 0};
  return part;
}

static bool positive(struct slice field, double *value) {
  char text[64];
  if (field.len == 0 || field.len >= sizeof text || memchr(field.data, 0, field.len)) return false;
  memcpy(text, field.data, field.len);
  text[field.len] = 0;
  return number_double(text, value) == 0 && isfinite(*value) && *value >= 0;
}

int given_law_parse(struct given_law *law, struct slice text, const char *name, struct err *e) {
  bool found[P] = {false};
  unsigned long long line = 0;
  snprintf(law->source, sizeof law->source, "%s", name);
  while (text.len) {
    struct slice row = next(&text, '\n');
    line++;
    if (row.len && row.data[row.len - 1] == '\r') row.len--;
    struct slice form = next(&row, '\t'), key = next(&row, '\t'), value = next(&row, '\t');
    if (!slice_equal(form, SLICE("chinchilla"))) continue;
    for (int i = 0; i < P; i++) {
      if (!slice_equal(key, slice_of(names[i]))) continue;
      if (found[i]) return err_set(e, "%s:%llu: a second %s: --law takes one law", name, line, names[i]);
      if (!positive(value, &law->parameter[i])) return err_set(e, "%s:%llu: %s is not a positive number", name, line, names[i]);
      found[i] = true;
    }
  }
  for (int i = 0; i < P; i++)
    if (!found[i]) return err_set(e, "%s: no row 'chinchilla %s': --law takes what fit-scaling writes for --form chinchilla", name, names[i]);
  for (int i = 1; i < P; i++)
    if (!(law->parameter[i] > 0)) return err_set(e, "%s: %s is 0: the law has no optimum", name, names[i]);
  return 0;
}

int given_law_load(struct given_law *law, const char *name, struct err *e) {
  for (int i = 0; i < PUBLISHED; i++)
    if (strcmp(name, published[i].name) == 0) {
      snprintf(law->source, sizeof law->source, "%s", published[i].source);
      memcpy(law->parameter, published[i].parameter, sizeof published[i].parameter);
      return 0;
    }
  struct input *in;
  if (input_open(&in, name, NULL, e) != 0) {
    struct buffer known = {0};
    list_names(&known);
    struct err why = *e;
    err_set(e, "--law takes a file or one of %s: %s", buffer_string(&known), why.message);
    buffer_release(&known);
    return -1;
  }
  const char *data;
  size_t size;
  int result = input_peek(in, LARGEST_FILE + 1, &data, &size, e);
  if (result != 0) err_prefix(e, "%s", name);
  else if (size > LARGEST_FILE) result = err_set(e, "%s: larger than a law's rows", name);
  else result = given_law_parse(law, (struct slice){data, size}, name, e);
  input_close(in);
  return result;
}

bool given_law_fixed(struct given_law *law, const struct form_options *options) {
  snprintf(law->source, sizeof law->source, "--fix");
  for (int i = 0; i < P; i++) {
    law->parameter[i] = form_fixed(options, names[i]);
    if (isnan(law->parameter[i])) return false;
  }
  return true;
}
