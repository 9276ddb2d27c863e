/* SPDX-License-Identifier: MIT
 *
 * The language of --keep, --top, --value and of rule files: expressions over a document, compiled to flat programs.
 *
 *   e or e   e and e   not e   a < b  <=  >  >=  ==  !=   a + b  -  *  /  -a   ( )
 *   0.5  1e3  20k                        numbers
 *   words  top_2_gram  c4.lines          features (features.h); NAN where undefined
 *   quality.hq  lang."zh-Hans"           the score of a label by a model
 *   text url host id date meta.KEY       fields; meta: the fields key=value between date and text, or JSON's metadata
 *   FIELD == "s"  FIELD != "s"  FIELD in LIST  FIELD in ("a", "b")  FIELD under LIST (a host or a parent of it)  FIELD =~ /re/flags
 *   starts(FIELD, "s") ends(FIELD, "s") contains(FIELD, "s") present(FIELD) number(FIELD) length(FIELD)
 *   count(/re/flags)  count(/re/, FIELD)  has(/re/) has(/re/, FIELD)     matches in the text or a field (patterns.h)
 *   count(LIST)  different(LIST)         words of the text that are in a list; different ones
 *   min(...) max(...) mean(...) sum(...) abs(x) sqrt(x) log(x) exp(x) bucket(x, t1, t2, ...)
 *   rank(e)                              the share of all documents whose value is lower: known at the end of the stream
 *
 * Values are doubles; true is 1, false 0.  A comparison with an undefined value is false, so is an undefined condition.
 * A name may hold hyphens between letters and digits: a minus needs spaces.
 *
 * Everything that is looked up is a term; equal terms are one, and a term is computed at most once a document, when it is
 * first needed.
 */
#ifndef QFILTER_RULES_EXPRESSION_H
#define QFILTER_RULES_EXPRESSION_H

#include <stdbool.h>

#include "common/io/documents.h"
#include "tools/qfilter/rules/names.h"
#include "tools/qfilter/rules/patterns.h"
#include "tools/qfilter/rules/rules.h"

/* Where a text stands, for messages "FILE:LINE:COLUMN: ..."; without a file "WHAT: column N: ...". */
struct source {
  const char *name;
  bool file;
  struct slice text;
};

enum token_type { TOKEN_END, TOKEN_NUMBER, TOKEN_NAME, TOKEN_STRING, TOKEN_PATTERN, TOKEN_SIGN };

struct token {
  enum token_type type;
  size_t at;           /* bytes from the start of the source */
  struct slice text;   /* NAME, SIGN: as it stands; STRING: in lexer.value; PATTERN: between the slashes */
  struct slice flags;  /* PATTERN */
  double number;
};

/* In a file a statement ends before the next line that starts with no white space, # starts a comment. */
struct lexer {
  struct source source;
  size_t at;             /* behind the token */
  struct token token;    /* the one to look at */
  bool operand;          /* a slash starts a pattern */
  struct buffer value;   /* of a STRING: \" \\ \n \t undone */
};

bool lexer_statement(struct lexer *l); /* goes to the start of the next statement of a file; false at the end */
int lexer_next(struct lexer *l, struct err *e);
bool lexer_is(const struct lexer *l, const char *text); /* a NAME or SIGN */
/* "SOURCE:LINE:COLUMN: " before the message in e. */
int source_error(const struct source *s, size_t at, struct err *e);
/* "expected WHAT, not 'TOKEN'" at the token. */
int lexer_expected(const struct lexer *l, const char *what, struct err *e);

/* ---- all expressions of a run, compiled; shared between threads */

struct expressions;

struct score_source { /* how names of scores are found: an index for evaluation, or -1 */
  void *context;
  int (*find)(void *context, struct slice model, struct slice label);
};

struct expressions *expressions_new(struct score_source scores);
void expressions_free(struct expressions *x);

/* Names for the expressions that follow, until expressions_forget(): lists and values.  -1 when the name is taken. */
int expressions_name_list(struct expressions *x, struct slice name, struct name_set *list, struct err *e); /* takes over the list */
int expressions_name_value(struct expressions *x, struct slice name, int program, struct err *e);
void expressions_forget(struct expressions *x);

/* Reads an expression from the lexer's token to where it cannot go on; the number of its program, or -1. */
int expressions_compile(struct expressions *x, struct lexer *l, bool ranks, struct err *e);
/* One that is the whole text. */
int expressions_compile_text(struct expressions *x, const char *what, struct slice text, bool ranks, struct err *e);
/* rank-like condition: fewer than `fraction` of all documents have a higher value of this program. */
int expressions_top(struct expressions *x, int program, double fraction);

/* Scores in use, in order of first use, for --annotate. */
int expressions_score_count(const struct expressions *x);
int expressions_score(const struct expressions *x, int i); /* index of score_source */

/* ---- evaluation, one per thread */

struct evaluation;

struct evaluated { /* what a document offers */
  const struct document *document;
  struct slice text; /* as the rule sets left it */
  const struct rules *rules;
  struct measures *measures; /* of that text */
  void *scores;
  double (*score)(void *scores, int index);
};

struct evaluation *evaluation_new(const struct expressions *x);
void evaluation_free(struct evaluation *v);
void evaluation_begin(struct evaluation *v, const struct evaluated *what);
double evaluation_value(struct evaluation *v, int program);
static inline bool holds(double value) { return value != 0 && value == value; }

uint64_t evaluation_gave_up(const struct evaluation *v); /* patterns that had no count, over all documents */

/* Programs with ranks wait for the end of the stream.  waits(): whether one does.  Every waiting program's terms are
 * numbered 0 .. expressions_waiting() - 1: first evaluation_save() their values (of rank(e): the value of e), later, with
 * the ranks put in their place, evaluation_restore() them and take evaluation_value(). */
bool expressions_waits(const struct expressions *x, int program);
int expressions_waiting(struct expressions *x);               /* after the last compilation */
enum waiting_rank { WAITING_VALUE, WAITING_RANK, WAITING_ABOVE }; /* as is; share of lower values; share of higher values */
enum waiting_rank expressions_waiting_kind(const struct expressions *x, int i);
int expressions_waiting_first(const struct expressions *x, int program); /* the number of the first term of a waiting program */
void evaluation_save(struct evaluation *v, double *values);
void evaluation_restore(struct evaluation *v, const double *values);

#endif
