/* SPDX-License-Identifier: MIT
 *
 * Patterns by name: the spellings that the field uses for the same pre-tokeniser, and which scanner runs them.
 */
#ifndef TOKEN_PATTERN_H
#define TOKEN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"

enum pattern_kind { PATTERN_NONE, PATTERN_GPT2, PATTERN_CL100K, PATTERN_O200K, PATTERN_DEEPSEEK, PATTERN_NUMBERS, PATTERN_WORD_RUNS, PATTERN_REGEX };

struct pattern {
  const char *name;     /* NULL: has a scanner of its own, but keeps its spelling */
  const char *spelling; /* newlines separate stages */
  enum pattern_kind kind;
  int digits;           /* cl100k, o200k, numbers: \p{N}{1,digits}; numbers: 0: \p{N}+ */
  bool tail;            /* cl100k: has \s+$ */
  bool plain;           /* o200k: words take no contraction (Mistral's tekken) */
  const char *alias;    /* may be given instead of the spelling, which is what is kept; NULL: none */
};

/* By name or by any of its spellings, of one stage or of several; NULL when not known. */
const struct pattern *pattern_known(const char *s, size_t n);

/* Appends the canonical form of `pattern`: known spellings become names, aliases (llama3, qwen2, deepseek) become their
 * spelling, a literal newline, tab or return inside one regular expression becomes its escape.  stages: newlines in
 * `pattern` separate stages. */
void pattern_canonical(struct buffer *out, const char *pattern, bool stages);

/* NULL when `name` is not a known name; else a regular expression in Hugging Face's dialect (Oniguruma) that does the
 * same ("" for none). */
const char *pattern_regex(const char *name);

/* The word scheme's words: runs of letters, marks, numbers and _, and runs of other characters but white space. */
#define PATTERN_WORDS "[\\p{L}\\p{M}\\p{N}_]+|[^\\s\\p{L}\\p{M}\\p{N}_]+"

#endif
