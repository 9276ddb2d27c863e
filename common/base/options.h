/* SPDX-License-Identifier: MIT
 *
 * One table of options per program; the table yields parsing, --help and shell completion, so that they agree.
 * GNU-style: short options cluster, `--long=value` and `--long value`, operands may stand between options, `--` ends
 * options, long options are never abbreviated, `-` is an operand.  Defaults are what the variables hold before.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/base/err.h"

enum option_type {
  OPTION_END,    /* ends a table */
  OPTION_FLAG,   /* bool *value: true */
  OPTION_NEGATE, /* bool *value: false */
  OPTION_INT,    /* int64_t *value, within min..max when min < max */
  OPTION_COUNT,  /* int64_t *value: number_count(), >= min when min < max */
  OPTION_SIZE,   /* int64_t *value: number_size() */
  OPTION_DOUBLE, /* double *value, within min..max when min < max */
  OPTION_STRING, /* const char **value */
  OPTION_LIST,   /* struct option_list *value: repeated, order kept */
  OPTION_CHOICE, /* int *value: index into `choices`, "a|b|c" */
  OPTION_CALL,   /* int (*call)(void *value, const char *argument, struct err *e) */
};

struct option_list {
  const char **items;
  int count;
};

struct option {
  enum option_type type;
  char letter;           /* 0: none */
  const char *name;      /* without --; NULL: only a letter */
  void *value;
  const char *argument;  /* name of the argument in --help; NULL for flags */
  const char *help;      /* one line, with the default where there is one; NULL: not shown */
  const char *choices;   /* OPTION_CHOICE only; also completes */
  double min, max;
  int (*call)(void *value, const char *argument, struct err *e);
};

/* Parses argv[1..]; permutes argv so that the operands are argv[return value .. argc-1].
 * -1 with e->kind ERR_USAGE when an option is unknown, lacks its argument, or does not take it. */
int options_parse(const struct option *const *tables, int argc, char **argv, struct err *e);

/* The list of options for --help, aligned; several tables, NULL-terminated, one blank line between. */
void options_help(const struct option *const *tables, FILE *out);

/* A bash completion function for `name`. */
void options_completion(const struct option *const *tables, const char *name, FILE *out);

/* The word of "a|b|c" that an index stands for, in `text`, which is returned. */
enum { OPTION_WORD = 32 };
const char *option_word(const char *choices, int index, char text[OPTION_WORD]);

void option_list_release(struct option_list *list);

#endif
