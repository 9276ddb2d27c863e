/* SPDX-License-Identifier: MIT
 *
 * Numbers as people type them and as tables hold them, independent of the locale (programs never call setlocale).
 * Counts take k M B/G T (x1000) and forms such as 1e21 or 2.5M when the value is whole; sizes take K M G T (x1024),
 * with an optional B or iB.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* 0, or -1 when s is not such a number from its first to its last byte or is out of range. */
int number_count(const char *s, int64_t *value);
int number_size(const char *s, int64_t *value);
int number_double(const char *s, double *value); /* also with the suffixes of counts; nan and inf are refused */
int number_int(const char *s, int64_t min, int64_t max, int64_t *value);

#define NUMBER_TEXT 32
/* Write into a caller's array of NUMBER_TEXT bytes and return it. */
const char *number_format(double value, char text[NUMBER_TEXT]);     /* %.9g */
const char *number_bytes(double bytes, char text[NUMBER_TEXT]);      /* 1.5 GiB */
const char *number_thousands(uint64_t n, char text[NUMBER_TEXT]);    /* 1,234,567 */
const char *number_short(double n, char text[NUMBER_TEXT]);          /* 1.23M */
const char *number_duration(double seconds, char text[NUMBER_TEXT]); /* 1h02m, 3m07s, 4.2s */

#endif
