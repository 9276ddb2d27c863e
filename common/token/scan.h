/* SPDX-License-Identifier: MIT
 *
 * Hand-written pre-tokenisers of the known patterns.
 */
#ifndef TOKEN_SCAN_H
#define TOKEN_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "common/token/classes.h"
#include "common/token/pattern.h"

/* Puts the ends, relative to text, of the first pieces of text[0 .. n) into `ends`; returns how many: at most max, at
 * least 1 when n > 0.  A piece begins at text; n < 2^32 - 64 reaches to the end of the whole text, and nothing behind it is
 * read.  Wide code runs when max >= SCAN_WIDE. */
typedef int scan_function(const struct pattern *p, const uint8_t *text, size_t n, uint32_t *ends, int max);
enum { SCAN_WIDE = 128 };

scan_function scan_gpt2, scan_cl100k, scan_o200k, scan_deepseek, scan_numbers, scan_words;

#endif
