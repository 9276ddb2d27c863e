/* SPDX-License-Identifier: MIT
 *
 * The rule sets gopher-quality, gopher-repetition, c4, c4-paragraph, fineweb and url: their parameters and decisions.
 * Parameters have the names, defaults and meaning of datatrove 0.10's constructors; features.h has the values behind
 * the decisions.
 */
#ifndef QFILTER_RULES_RULES_H
#define QFILTER_RULES_RULES_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/qfilter/rules/c4.h"
#include "tools/qfilter/rules/measures.h"

enum rule_set { RULES_GOPHER_QUALITY, RULES_GOPHER_REPETITION, RULES_C4, RULES_C4_PARAGRAPH, RULES_FINEWEB, RULES_URL, RULE_SETS };

extern const char *const rule_set_names[RULE_SETS];

struct url_rules;

struct rules { /* numbers: NAN is none */
  struct {
    double min_doc_words, max_doc_words, min_avg_word_length, max_avg_word_length, max_symbol_word_ratio;
    double max_bullet_lines_ratio, max_ellipsis_lines_ratio, max_non_alpha_words_ratio, min_stop_words;
    struct word_set stop_words;
  } quality;
  struct {
    double dup_line_frac, dup_para_frac, dup_line_char_frac, dup_para_char_frac;
    double top[NGRAM_MAX + 1], duplicated[NGRAM_MAX + 1]; /* by n */
  } repetition;
  struct c4_settings c4;
  struct c4_paragraph_settings c4_paragraph;
  char c4_paragraph_reason[48];
  struct {
    double line_punct_thr, short_line_thr, short_line_length, char_duplicates_ratio, new_line_ratio;
    bool line_punct_exclude_zero;
    struct char_set stop_chars;
  } fineweb;
  struct { /* the set url looks at measures.url alone; without functions it has no key and drops nothing */
    struct url_rules *rules;
    int (*set)(struct url_rules **rules, const char *key, const char *value, struct err *e);
    const char *(*decide)(const struct url_rules *rules, struct slice url);
    void (*release)(struct url_rules *rules);
  } url;
  enum words_mode words;
  enum rule_set order[RULE_SETS]; /* the sets to apply */
  int count;
};

void rules_init(struct rules *r); /* the defaults, no set chosen */
void rules_release(struct rules *r);
int rules_choose(struct rules *r, const char *names, struct err *e); /* "gopher-quality,c4": ERR_USAGE when unknown */
int rules_set(struct rules *r, const char *assignment, struct err *e); /* "fineweb.line_punct_thr=0.1" */

struct rules_scratch { /* zero to start; one per thread */
  struct measures measures; /* measures.url is the caller's to set */
  struct buffer edited;
};

struct verdict {
  const char *set, *reason; /* NULL when kept; both live as long as the rules */
};

/* Applies the chosen sets in their order to *text; c4 replaces *text by what it leaves (in the scratch). */
struct verdict rules_apply(const struct rules *r, struct rules_scratch *scratch, struct slice *text);

/* The header and the row of --explain for the chosen sets, to stand after the id: a tab before each field.  The row computes
 * every value whatever the verdict, and edits *text as rules_apply() does. */
void rules_explain_header(const struct rules *r, struct buffer *out);
struct verdict rules_explain(const struct rules *r, struct rules_scratch *scratch, struct slice *text, struct buffer *out);

void rules_scratch_release(struct rules_scratch *scratch);

#endif
