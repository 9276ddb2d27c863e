/* SPDX-License-Identifier: MIT
 *
 * The stream of documents through qfilter: language, rule sets, rule files, models, conditions, masks, annotations, in
 * this order; kept documents, rejects and --explain rows leave in the order of the input.
 */
#ifndef QFILTER_STREAM_H
#define QFILTER_STREAM_H

#include "common/io/program.h"
#include "tools/qfilter/models/models.h"
#include "tools/qfilter/pii/mask.h"
#include "tools/qfilter/rules/rule_file.h"
#include "tools/qfilter/rules/rules.h"

struct condition { /* one --keep or --top */
  char *name;             /* the reason */
  const char *expression;
  double fraction;        /* --top; NAN: --keep */
  int program;            /* once compiled */
};

struct named_value { /* one --value */
  char *name;
  const char *expression;
  int program;
};

struct stream_settings {
  struct rules rules;
  struct models models;
  const char **rule_paths, **assignments; /* of --rules-file; of --set, which hold against the files too */
  int rule_path_count, assignment_count;
  struct condition *conditions;
  int condition_count;
  struct named_value *values;
  int value_count;
  struct mask mask;
  bool annotate, explain;
};

void stream_settings_init(struct stream_settings *s); /* the defaults: nothing is dropped */
void stream_settings_release(struct stream_settings *s);

/* The options that collect: ERR_USAGE when an argument is wrong as far as can be seen without the models. */
int stream_set(struct stream_settings *s, const char *assignment, struct err *e);       /* --set SET.KEY=VALUE */
void stream_rule_file(struct stream_settings *s, const char *path);                     /* --rules-file */
int stream_keep(struct stream_settings *s, const char *argument, struct err *e);        /* --keep [NAME:]EXPR */
int stream_top(struct stream_settings *s, const char *argument, struct err *e);         /* --top FRACTION:EXPR */
int stream_value(struct stream_settings *s, const char *argument, struct err *e);       /* --value [NAME=]EXPR */

int stream_run(struct program *p, struct stream_settings *s, struct err *e);

#endif
