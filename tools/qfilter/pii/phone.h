/* SPDX-License-Identifier: MIT
 *
 * Telephone numbers.
 *
 * International: + (or 00 where blanks or hyphens group the digits), a country calling code of ITU-T E.164, and as many
 * digits as national numbers of that code have (phone_lengths.c), at least 8 and at most 15 in all.  Between digits may
 * stand a blank, hyphen, full stop, slash, parentheses, their Unicode forms, at most two at a time; (0) behind the code is
 * not dialled.
 *
 * North American: ten digits that start with 2 to 9 (but not those beside 2^31 and 2^32), ddd-ddd-dddd, (ddd) ddd dddd, (ddd)-ddd-dddd,
 * (ddd) ddd-dddd, and ddd.ddd.dddd where area code and exchange start with 2 to 9.
 *
 * No digit stands before or after.
 */
#ifndef QFILTER_PII_PHONE_H
#define QFILTER_PII_PHONE_H

#include "tools/qfilter/pii/finder.h"

finder phone_find;

struct phone_code {
  uint16_t code;    /* country calling code */
  uint32_t lengths; /* bit n: national numbers of n digits */
};
extern const struct phone_code phone_codes[]; /* ascending; no code begins with another */
extern const int phone_code_count;

#endif
