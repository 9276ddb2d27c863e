/* SPDX-License-Identifier: MIT
 *
 * Rule files: thresholds and rules that users write (crawl2lm-rules(5)).
 *
 *   # comment
 *   use gopher-repetition,gopher-quality      built-in sets, as --rules
 *   set gopher-quality.min_doc_words = 40     as --set, to the end of the line
 *   list spam = "casino" "poker"              strings, or
 *   list hosts = file "hosts.txt"             the lines of a file, from the folder of the rule file
 *   let density = count(/\bclick here\b/i) / words
 *   drop clicks if density > .05 or host under hosts
 *   keep if meta.source == "encyclopedia"     the rules below do not apply then
 *
 * A statement goes on in lines that start with white space.  Rules are tried in their order; the first that holds drops
 * the document: its name is the reason, the file's name without folder and extension the set.
 */
#ifndef QFILTER_RULES_RULE_FILE_H
#define QFILTER_RULES_RULE_FILE_H

#include "tools/qfilter/rules/expression.h"

struct rule_file;

/* Reads a file; its `use` and `set` go to *rules.  Errors say FILE:LINE:COLUMN and what was expected.  NULL on error. */
struct rule_file *rule_file_load(const char *path, struct expressions *x, struct rules *rules, struct err *e);
/* The same from memory; lists are found from the folder of `path`. */
struct rule_file *rule_file_parse(const char *path, struct slice text, struct expressions *x, struct rules *rules, struct err *e);
void rule_file_free(struct rule_file *f);

/* The verdict on the document that `v` was begun with; strings live as long as the file. */
struct verdict rule_file_apply(const struct rule_file *f, struct evaluation *v);

const char *rule_file_set(const struct rule_file *f);
int rule_file_count(const struct rule_file *f);                      /* of rules, for --explain */
const char *rule_file_name(const struct rule_file *f, int rule);     /* "keep" when it keeps */
bool rule_file_holds(const struct rule_file *f, int rule, struct evaluation *v);

#endif
