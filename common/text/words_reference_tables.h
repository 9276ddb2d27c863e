/* SPDX-License-Identifier: MIT
 *
 * The tables behind words_reference.c, made by words_reference_tables.py.
 */
#ifndef TEXT_WORDS_REFERENCE_TABLES_H
#define TEXT_WORDS_REFERENCE_TABLES_H

#include <stddef.h>
#include <stdint.h>

enum words_reference_class {
  WR_SPACE = 1,         /* str.isspace() */
  WR_ALPHA = 2,         /* spaCy's ALPHA: letters of the scripts it knows */
  WR_LOWER = 4,         /* ALPHA_LOWER, */
  WR_UPPER = 8,         /* ALPHA_UPPER: both hold the letters of scripts without case */
  WR_QUOTE = 16,        /* CONCAT_QUOTES */
  WR_PREFIX = 32,       /* comes off in front, whatever follows */
  WR_SUFFIX = 64,       /* comes off behind, whatever stands before */
  WR_BEFORE_STOP = 128, /* a full stop behind it comes off */
  WR_INFIX = 256,       /* a token of its own inside a word: symbols, U+2026 */
  WR_DIGIT = 512,       /* \d of a Python str pattern */
  WR_WORD = 1024,       /* \w */
  WR_PUNCTUATION = 2048, /* category P */
  WR_TERMINATOR = 4096, /* the sentencizer's punct_chars */
};

struct words_reference_range {
  uint32_t first, last;
  uint16_t classes;
};

extern const struct words_reference_range words_reference_ranges[]; /* sorted; code points in none have no class */
extern const size_t words_reference_range_count;
extern const char *const words_reference_units[]; /* units and currencies, which come off behind a digit; sorted bytewise */
extern const size_t words_reference_unit_count;
extern const char *const words_reference_exceptions[]; /* the tokens of an exception, between blanks */
extern const size_t words_reference_exception_count;
extern const char *const words_reference_phrases[]; /* what prefixes, suffixes and infixes would make of an exception, if two tokens or more */
extern const size_t words_reference_phrase_count;

#endif
