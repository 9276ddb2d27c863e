/* SPDX-License-Identifier: MIT
 *
 * What expressions compile to: private to expression_compile.c and expression_run.c.
 */
#ifndef QFILTER_RULES_EXPRESSION_PROGRAM_H
#define QFILTER_RULES_EXPRESSION_PROGRAM_H

#include "common/base/hashmap.h"
#include "tools/qfilter/rules/expression.h"

enum operation {
  DO_CONSTANT, /* push number */
  DO_TERM,     /* push term n */
  DO_AND,      /* top holds: pop it; else it becomes 0, and jump n instructions ahead */
  DO_OR,       /* top holds: it becomes 1, and jump; else pop it */
  DO_TRUTH,    /* top = holds(top) */
  DO_NOT, DO_NEGATE, DO_ABS, DO_SQRT, DO_LOG, DO_EXP, /* of the top */
  DO_ADD, DO_SUBTRACT, DO_MULTIPLY, DO_DIVIDE, DO_LESS, DO_AT_MOST, DO_MORE, DO_AT_LEAST, DO_EQUAL, DO_DIFFERENT, /* of the two on top */
  DO_MIN, DO_MAX, DO_MEAN, DO_SUM, /* of the n on top */
  DO_BUCKET,   /* how many of the n - 1 on top the one below them reaches */
};

struct instruction {
  enum operation operation;
  int n;
  double number;
};

struct program {
  struct instruction *code;
  size_t count, capacity;
  size_t depth; /* of the stack */
  bool waits;   /* has a rank */
};

enum field_kind { FIELD_TEXT, FIELD_URL, FIELD_HOST, FIELD_ID, FIELD_DATE, FIELD_META };

struct field {
  enum field_kind kind;
  struct slice key; /* FIELD_META: names with dots between */
};

enum term_kind {
  TERM_FEATURE,   /* a */
  TERM_SCORE,     /* a */
  TERM_VALUE,     /* program a */
  TERM_RANK,      /* of program a */
  TERM_ABOVE,     /* of program a: for --top */
  TERM_COUNT,     /* matches of pattern a in field b */
  TERM_HAS,
  TERM_WORDS,     /* of the text in list a */
  TERM_WORD_KINDS,
  TERM_IN,        /* field b in list a */
  TERM_UNDER,
  TERM_IS,        /* field b and string a */
  TERM_STARTS, TERM_ENDS, TERM_CONTAINS,
  TERM_PRESENT, TERM_NUMBER, TERM_LENGTH, /* of field b */
};

struct term {
  enum term_kind kind;
  int a, b;
};

struct expressions {
  struct score_source scores;
  struct program *programs;
  size_t program_count, program_capacity;
  struct term *terms;
  size_t term_count, term_capacity;
  struct field *fields;
  size_t field_count, field_capacity;
  struct pattern **patterns;
  size_t pattern_count, pattern_capacity;
  struct name_set *lists;
  size_t list_count, list_capacity;
  int *used_scores;
  size_t used_score_count, used_score_capacity;
  int *waiting; /* terms */
  size_t waiting_count, waiting_capacity;
  struct hashmap *strings;        /* in order of insertion: string i is entry i */
  struct hashmap *known;          /* bytes of terms, fields, patterns -> their number */
  struct hashmap *names;          /* of the file being read: list i as 2i, program i as 2i + 1 */
};

struct slice expressions_string(const struct expressions *x, int i);

#endif
