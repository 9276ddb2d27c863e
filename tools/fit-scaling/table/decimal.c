/* SPDX-License-Identifier: MIT
 *
 * A number is m 10^e with a whole m.  Where m < 2^64 and |e| <= 19 both m and 10^|e| are 64-bit words, so their product is an
 * exact 128-bit one, and their quotient is a 128-by-64-bit division whose remainder says how to round: that is nearly every
 * number in a table.  Smaller yet, both are doubles and the processor rounds once (W. Clinger, "How to read floating point
 * numbers accurately", 1990).  The rest goes to strtod().
 */
#include "tools/fit-scaling/table/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MOST = 19, TEXT_MOST = 400, EXPONENT_MOST = 100000 };

__extension__ typedef unsigned __int128 wide;

static const double power_double[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t power_word[DIGITS_MOST + 1] = {
    1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u, 10000000000u, 100000000000u, 1000000000000u, 10000000000000u,
    100000000000000u, 1000000000000000u, 10000000000000000u, 100000000000000000u, 1000000000000000000u, 10000000000000000000u};

/* m / 10^k, m > 0, rounded once: a quotient of at least 64 bits with "something is left" in its last bit. */
static double divide(uint64_t m, int k) {
  int shift = __builtin_clzll(m);
  wide dividend = (wide)(m << shift) << 64;
  wide quotient = dividend / power_word[k]; /* >= 2^127 / 10^19 > 2^63 */
  if (quotient * power_word[k] != dividend) quotient |= 1;
  return ldexp((double)quotient, -64 - shift);
}

static double scale(uint64_t m, int e) {
  if (m == 0) return 0;
  if (m <= (uint64_t)1 << 53 && e >= -22 && e <= 22) return e < 0 ? (double)m / power_double[-e] : (double)m * power_double[e];
  return e < 0 ? divide(m, -e) : (double)((wide)m * power_word[e]);
}

static int suffix_exponent(char c) {
  switch (c | 0x20) {
  case 'k': return 3;
  case 'm': return 6;
  case 'b': case 'g': return 9;
  case 't': return 12;
  }
  return 0;
}

/* Digits and point in [from, to), exponent e of what stands there as a whole. */
static bool slow(const char *from, const char *to, int e, double *value) {
  char text[TEXT_MOST + 16];
  size_t n = (size_t)(to - from);
  memcpy(text, from, n);
  snprintf(text + n, sizeof text - n, "e%d", e);
  *value = strtod(text, NULL);
  return isfinite(*value);
}

bool decimal_parse(struct slice text, double *value, bool *suffix) {
  const char *p = text.data, *end = p + text.len;
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\r')) p++;
  while (p < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
  *suffix = false;
  if (p == end || end - p > TEXT_MOST) return false;
  bool negative = *p == '-';
  if (*p == '-' || *p == '+') p++;
  const char *from = p;
  uint64_t m = 0;
  int digits = 0, point = 0; /* digits: significant ones; point: how many digits stand after it */
  bool any = false, after = false;
  for (; p < end; p++) {
    unsigned digit = (unsigned)(unsigned char)*p - '0';
    if (digit < 10) {
      any = true;
      if (digits || digit) digits++;
      if (digits <= DIGITS_MOST) m = 10 * m + digit;
      point += after;
    } else if (*p == '.' && !after) {
      after = true;
    } else {
      break;
    }
  }
  if (!any) return false;
  const char *to = p;
  int e = 0;
  if (p < end && (*p | 0x20) == 'e') {
    p++;
    bool minus = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end || (unsigned)(unsigned char)*p - '0' > 9) return false;
    for (; p < end && (unsigned)(unsigned char)*p - '0' <= 9; p++)
      if (e < EXPONENT_MOST) e = 10 * e + (*p - '0');
    if (minus) e = -e;
  }
  if (p + 1 == end && suffix_exponent(*p)) {
    *suffix = true;
    e += suffix_exponent(*p++);
  }
  if (p != end) return false;
  if (digits <= DIGITS_MOST && e - point >= -DIGITS_MOST && e - point <= DIGITS_MOST) *value = scale(m, e - point);
  else if (!slow(from, to, e, value)) return false;
  if (negative) *value = -*value;
  return true;
}
