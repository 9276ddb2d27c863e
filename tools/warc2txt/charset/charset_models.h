/* SPDX-License-Identifier: MIT
 *
 * What charset_guess.c knows of languages; written by charset_models.py.
 */
#ifndef WARC2TXT_CHARSET_MODELS_H
#define WARC2TXT_CHARSET_MODELS_H

#include <stdbool.h>
#include <stdint.h>

/* Characters fall into classes: 0 ASCII but letters, 1 charset_punctuation, 2 others above U+007F, then `a` to `z` (`latin`) or
 * one class for all ASCII letters, then `letters`, which are small.  bits[before * classes + after] is -4 log2 of the
 * probability of a class after another, 'A' = 0 to 'Z' = 25, 'a' + 0 = 26 to 'z' = 51. */
struct charset_language {
  const char *name, *letters;
  bool latin;
  int classes;
  const char *bits;
};
extern const struct charset_language charset_languages[]; /* ends with name NULL */

struct charset_punctuation {
  uint16_t code_point;
  uint8_t bits; /* -4 log2 of its share of class 1 */
};
extern const struct charset_punctuation charset_punctuation[]; /* ends with 0 */

/* Characters that make up about 2^-bits of a language's text each. */
struct charset_level {
  int bits;
  const char *characters;
};
extern const struct charset_level charset_characters_ja[], charset_characters_hans[], charset_characters_hant[], charset_characters_ko[]; /* end with NULL */

#endif
