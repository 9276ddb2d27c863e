/* SPDX-License-Identifier: MIT
 *
 * The settings of a stream: what options collect before the models are there.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/qfilter/rules/url.h"
#include "tools/qfilter/stream.h"

void stream_settings_init(struct stream_settings *s) {
  *s = (struct stream_settings){0};
  s->models.langid.min = 0.65;
  s->models.language = -1;
  rules_init(&s->rules);
  s->rules.url.set = url_rules_set;
  s->rules.url.decide = url_decide;
  s->rules.url.release = url_rules_free;
}

void stream_settings_release(struct stream_settings *s) {
  rules_release(&s->rules);
  models_release(&s->models);
  for (int i = 0; i < s->condition_count; i++) free(s->conditions[i].name);
  for (int i = 0; i < s->value_count; i++) free(s->values[i].name);
  free(s->conditions);
  free(s->values);
  free(s->rule_paths);
  free(s->assignments);
}

int stream_set(struct stream_settings *s, const char *assignment, struct err *e) {
  if (rules_set(&s->rules, assignment, e) != 0) return -1;
  s->assignments = RESIZE(s->assignments, (size_t)s->assignment_count + 1);
  s->assignments[s->assignment_count++] = assignment;
  return 0;
}

void stream_rule_file(struct stream_settings *s, const char *path) {
  s->rule_paths = RESIZE(s->rule_paths, (size_t)s->rule_path_count + 1);
  s->rule_paths[s->rule_path_count++] = path;
}

/* Bytes of the name before `sign`, 0 when the argument does not start with both. */
static size_t name_before(const char *argument, char sign, const char *more) {
  size_t n = 0;
  while ((argument[n] >= 'a' && argument[n] <= 'z') || (argument[n] >= 'A' && argument[n] <= 'Z') || (argument[n] >= '0' && argument[n] <= '9') || argument[n] == '_' || (argument[n] && strchr(more, argument[n]))) n++;
  return argument[n] == sign && !(sign == '=' && (argument[n + 1] == '=' || argument[n + 1] == '~')) ? n : 0;
}

static void add_condition(struct stream_settings *s, char *name, const char *expression, double fraction) {
  s->conditions = RESIZE(s->conditions, (size_t)s->condition_count + 1);
  s->conditions[s->condition_count++] = (struct condition){.name = name, .expression = expression, .fraction = fraction};
}

/* The number of a condition among its kind, as its name. */
static char *number_name(const struct stream_settings *s, bool top) {
  char text[16];
  int number = 1;
  for (int i = 0; i < s->condition_count; i++) number += !isnan(s->conditions[i].fraction) == top;
  snprintf(text, sizeof text, "%d", number);
  return STRDUP(text);
}

int stream_keep(struct stream_settings *s, const char *argument, struct err *e) {
  size_t n = name_before(argument, ':', "-");
  if (!argument[n ? n + 1 : 0]) return err_usage(e, "an expression is wanted");
  add_condition(s, n ? COPY(argument, n) : number_name(s, false), argument + (n ? n + 1 : 0), NAN);
  return 0;
}

int stream_top(struct stream_settings *s, const char *argument, struct err *e) {
  const char *colon = strchr(argument, ':');
  double fraction;
  char text[NUMBER_TEXT];
  size_t n = colon ? (size_t)(colon - argument) : 0;
  if (!colon || n >= sizeof text || !colon[1]) return err_usage(e, "%s: FRACTION:EXPRESSION is wanted, such as 0.1:quality.hq", argument);
  memcpy(text, argument, n);
  text[n] = 0;
  if (number_double(text, &fraction) != 0 || !(fraction > 0 && fraction <= 1)) return err_usage(e, "%s: a fraction above 0, at most 1, is wanted before the colon", argument);
  add_condition(s, number_name(s, true), colon + 1, fraction);
  return 0;
}

int stream_value(struct stream_settings *s, const char *argument, struct err *e) {
  size_t n = name_before(argument, '=', "-.");
  struct named_value value = {.expression = argument + (n ? n + 1 : 0)};
  if (!n) {
    n = strlen(argument);
    if (n == 0 || strcspn(argument, " \t\n=\\()<>+*/\"") != n) return err_usage(e, "%s: NAME=EXPRESSION is wanted, or the name of a feature or score", argument);
  }
  value.name = COPY(argument, n);
  s->values = RESIZE(s->values, (size_t)s->value_count + 1);
  s->values[s->value_count++] = value;
  return 0;
}
