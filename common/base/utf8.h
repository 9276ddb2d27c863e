/* SPDX-License-Identifier: MIT
 *
 * UTF-8 as Unicode 15, table 3-7, defines it: no surrogates, no overlong forms, nothing above U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

/* Length in bytes of the longest valid prefix of s; equals n when all of it is valid. */
size_t utf8_valid_prefix(const char *s, size_t n);

/* Decodes one code point at s (n > 0 bytes left).  Returns its length 1..4, or 0 when the bytes there are invalid;
 * then *invalid is the number of bytes that U+FFFD replaces (maximal subpart, as the WHATWG decoder does). */
int utf8_decode(const char *s, size_t n, uint32_t *code_point, int *invalid);

/* Writes 1..4 bytes; code points that UTF-8 cannot hold are written as U+FFFD. */
int utf8_encode(uint32_t code_point, char bytes[4]);
void utf8_append(struct buffer *b, uint32_t code_point);

/* Appends s with each maximal invalid subpart replaced by U+FFFD and NUL removed; adds to the counts. */
void utf8_sanitize(struct buffer *out, const char *s, size_t n, uint64_t *invalid, uint64_t *nul);

size_t utf8_count(const char *s, size_t n); /* code points in valid UTF-8 */

#endif
