/* SPDX-License-Identifier: MIT */
#include "common/base/number.h"


#include "tests/tap.h"

static void count(const char *s, int64_t want) {
  int64_t got = -99;
  int status = number_count(s, &got);
  ok(status == 0 && got == want, "count %s is %lld", s, (long long)want);
  if (got != want) note("got %lld, status %d", (long long)got, status);
}

static void size(const char *s, int64_t want) {
  int64_t got = -99;
  int status = number_size(s, &got);
  ok(status == 0 && got == want, "size %s is %lld", s, (long long)want);
  if (got != want) note("got %lld, status %d", (long long)got, status);
}

static void refused(const char *kind, int (*parse)(const char *, int64_t *), const char *s) {
  int64_t got = -99;
  ok(parse(s, &got) == -1 && got == -99, "'%s' is no %s, and nothing is stored", s, kind);
}

static void real(const char *s, double want) {
  double got = -99;
  ok(number_double(s, &got) == 0 && got == want, "number %s is %.17g", s, want);
}

int main(void) {
  count("0", 0), count("7", 7), count("-3", -3), count("+3", 3), count("32k", 32000), count("32K", 32000);
  count("1.5M", 1500000), count("2.3M", 2300000), count("1B", 1000000000), count("1G", 1000000000), count("3T", 3000000000000);
  count("1e18", 1000000000000000000), count("2.5e3", 2500), count("0.1k", 100), count(".5k", 500), count("1e3k", 1000000);
  count("9223372036854775807", INT64_MAX), count("-9223372036854775808", INT64_MIN), count("123456789012345678", 123456789012345678);
  count("4.1k", 4100), count("8.7T", 8700000000000), count("1.000001M", 1000001);
  static const char *const not_counts[] = {"", " 1", "1 ", "k", "1.5", "1e-7", "0.9999999", "1kk", "1kB", "0x10", "1e21", "-1e21", "9223372036854775808", "nan", "inf", "1_000", "1,5M", "--1", "1e", "1.5.k", "1Ki"};
  for (size_t i = 0; i < sizeof not_counts / sizeof *not_counts; i++) refused("count", number_count, not_counts[i]);
  size("0", 0), size("100", 100), size("1K", 1024), size("1k", 1024), size("512K", 524288), size("256M", 268435456), size("1.5G", 1610612736), size("4G", 4294967296);
  size("2T", 2199023255552), size("1KB", 1024), size("1KiB", 1024), size("7B", 7), size("1MiB", 1048576);
  static const char *const not_sizes[] = {"", "-1", "-1K", "K", "1X", "1KK", "1iB", "1KBB", "0x1", "nan", "1e30", "1 K", "inf"};
  for (size_t i = 0; i < sizeof not_sizes / sizeof *not_sizes; i++) refused("size", number_size, not_sizes[i]);
  real("0.1", 0.1), real("1e-3", 1e-3), real("-2.5", -2.5), real("6e-4", 6e-4), real("1.5M", 1.5e6), real("1e21", 1e21), real("5e-324", 5e-324), real("1.7976931348623157e308", 1.7976931348623157e308);
  real("0.30000000000000004", 0.30000000000000004), real("9007199254740993", 9007199254740992.0);
  double untouched = 5;
  static const char *const not_reals[] = {"", "nan", "NaN", "inf", "-inf", "1e999", "1e308k", "0x1p3", "1,5", ".", "-", "e5", "1f", " 1"};
  for (size_t i = 0; i < sizeof not_reals / sizeof *not_reals; i++) ok(number_double(not_reals[i], &untouched) == -1 && untouched == 5, "'%s' is no number", not_reals[i]);
  int64_t n = 5;
  ok(number_int("10", 0, 10, &n) == 0 && n == 10 && number_int("-10", -10, 10, &n) == 0 && n == -10, "whole numbers within their limits");
  ok(number_int("11", 0, 10, &n) == -1 && number_int("-1", 0, 10, &n) == -1 && number_int("1k", 0, 5000, &n) == -1 && number_int("", 0, 1, &n) == -1 && number_int("+1", 0, 1, &n) == -1 && number_int(" 1", 0, 1, &n) == -1 && number_int("99999999999999999999", INT64_MIN, INT64_MAX, &n) == -1 && n == -10, "others are refused");

  char t[NUMBER_TEXT];
  ok_string(number_format(0.1, t), "0.1", "%.9g of a tenth");
  ok_string(number_format(1e21, t), "1e+21", "%.9g of 1e21");
  ok_string(number_format(-1.0 / 3, t), "-0.333333333", "%.9g of minus a third");
  ok_string(number_bytes(0, t), "0 B", "no bytes");
  ok_string(number_bytes(1023, t), "1023 B", "1023 bytes");
  ok_string(number_bytes(1536, t), "1.5 KiB", "one and a half KiB");
  ok_string(number_bytes(1.5 * 1073741824, t), "1.5 GiB", "one and a half GiB");
  ok_string(number_bytes(300.0 * 1048576, t), "300 MiB", "300 MiB");
  ok_string(number_thousands(0, t), "0", "0 in groups");
  ok_string(number_thousands(999, t), "999", "999 in groups");
  ok_string(number_thousands(1234567, t), "1,234,567", "1,234,567");
  ok_string(number_thousands(UINT64_MAX, t), "18,446,744,073,709,551,615", "the largest number fits");
  ok_string(number_short(1230000, t), "1.23M", "short millions");
  ok_string(number_short(999.6, t), "1k", "rounding reaches the next unit");
  ok_string(number_short(12, t), "12", "short small numbers");
  ok_string(number_short(-4500, t), "-4.5k", "short negative numbers");
  ok_string(number_duration(4.24, t), "4.2s", "seconds");
  ok_string(number_duration(187, t), "3m07s", "minutes");
  ok_string(number_duration(3725, t), "1h02m", "hours");
  ok_string(number_duration(-1, t), "0.0s", "no negative time");
  ok(number_duration(1e300, t)[0] != '-', "an age is not negative either");
  return tap_done();
}
