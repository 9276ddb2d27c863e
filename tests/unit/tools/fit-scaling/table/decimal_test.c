/* SPDX-License-Identifier: MIT
 *
 * Decimal text against strtod(), bit for bit, and what is no number.
 */
#include "tools/fit-scaling/table/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static bool agrees(const char *text) {
  double value, want = strtod(text, NULL);
  bool suffix;
  if (!decimal_parse(slice_of(text), &value, &suffix)) value = NAN;
  if (isinf(want) ? isnan(value) : memcmp(&value, &want, sizeof value) == 0) return true;
  note("'%s' is %.17g, not %.17g", text, want, value);
  return false;
}

static bool is(const char *text, double want, bool want_suffix) {
  double value;
  bool suffix;
  return decimal_parse(slice_of(text), &value, &suffix) && value == want && suffix == want_suffix;
}

static bool refused(const char *text) {
  double value;
  bool suffix;
  return !decimal_parse(slice_of(text), &value, &suffix);
}

int main(void) {
  struct rng rng;
  char text[2048];
  rng_init(&rng, 1);
  bool fine = true;
  for (int i = 0; i < 200000 && fine; i++) { /* any finite double, with any number of digits */
    uint64_t bits = rng_next(&rng);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    snprintf(text, sizeof text, "%.*g", 1 + (int)(bits % 25), value);
    fine = agrees(text);
  }
  ok(fine, "random doubles");
  for (int i = 0; i < 400000 && fine; i++) { /* where products and quotients of words round, and near it */
    uint64_t m = rng_next(&rng) >> (rng_next(&rng) % 64), at = rng_next(&rng);
    snprintf(text, sizeof text, "%s%llue%d", at & 1 ? "-" : "", (unsigned long long)m, (int)(at >> 1 & 63) - 32);
    fine = agrees(text);
    size_t n = strlen(text), point = (at >> 7) % 12;
    char *e = strchr(text, 'e');
    if (e && (size_t)(e - text) > point + 1) { /* the same digits with a point in them */
      memmove(e - point + 1, e - point, n - (size_t)(e - point - text) + 1);
      e[-(long)point] = '.';
      fine &= agrees(text);
    }
  }
  ok(fine, "random words times powers of ten, with and without a point");
  for (int i = 0; i < 20000 && fine; i++) { /* halfway between two doubles, exactly: ties go to even */
    uint64_t m = ((uint64_t)1 << 52 | rng_next(&rng) >> 12) << 1 | 1;
    snprintf(text, sizeof text, "%llu", (unsigned long long)m);
    fine = agrees(text);
    snprintf(text, sizeof text, "%llue-1", (unsigned long long)m);
    fine &= agrees(text);
    snprintf(text, sizeof text, "%llu.0000000000000000000000000001", (unsigned long long)m);
    fine &= agrees(text);
  }
  ok(fine, "ties");
  static const char *const plain[] = {"0", "-0", "0.0", "1.", ".5", "+7", "00012", "9007199254740993", "18446744073709551615", "18446744073709551616", "1e22", "1e23", "8.5e22", "1e-22", "1e-23",
                                      "2.2250738585072011e-308", "4.9e-324", "2e-324", "1.7976931348623157e308", "1.7976931348623159e308", "0e999999999999", "1e-999999999999", "123456789012345678901234567890e-20"};
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) ok(agrees(plain[i]), "%s", plain[i]);
  ok(is("70M", 70e6, true) && is("1.4B", 1.4e9, true) && is("2.3k", 2300, true) && is("1e3T", 1e15, true) && is(" 300g\r", 3e11, true) && is("6e18", 6e18, false), "suffixes");
  static const char *const other[] = {"", " ", "-", "+", ".", "e5", "1e", "1e+", "1 2", "1,000", "0x10", "nan", "inf", "1kk", "1K M", "--1", "1.2.3", "1e5.5", "M", "1e400", "1\xC2\xA0"};
  for (size_t i = 0; i < sizeof other / sizeof *other; i++) ok(refused(other[i]), "'%s' is no number", other[i]);
  memset(text, '1', 1000);
  text[1000] = 0;
  ok(refused(text), "neither are a thousand digits");
  ok(!decimal_parse((struct slice){"1\0002", 3}, &(double){0}, &(bool){0}), "nor NUL bytes");
  return tap_done();
}
