/* SPDX-License-Identifier: MIT */
#include "common/base/number.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number without sign-only, hex, nan or inf forms; the programs run in the C locale, so '.' is the point. */
static bool decimal(const char *s, char **end, long double *value) {
  const char *p = s + (*s == '-' || *s == '+');
  if (!((*p >= '0' && *p <= '9') || (*p == '.' && p[1] >= '0' && p[1] <= '9'))) return false;
  if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) return false;
  errno = 0;
  *value = strtold(s, end);
  return !(errno == ERANGE && fabsl(*value) > 1);
}

static long double count_factor(const char *suffix) {
  if (!suffix[0]) return 1;
  if (suffix[1]) return 0;
  switch (suffix[0]) {
  case 'k': case 'K': return 1e3L;
  case 'M': case 'm': return 1e6L;
  case 'B': case 'b': case 'G': case 'g': return 1e9L;
  case 'T': case 't': return 1e12L;
  }
  return 0;
}

static long double size_factor(const char *suffix) {
  static const char letters[] = "KMGT";
  if (!suffix[0] || strcmp(suffix, "B") == 0) return 1;
  const char *at = strchr(letters, suffix[0] >= 'a' ? suffix[0] - 32 : suffix[0]);
  if (!at || !*at) return 0;
  if (suffix[1] && strcmp(suffix + 1, "B") != 0 && strcmp(suffix + 1, "iB") != 0) return 0;
  return exp2l(10.0L * (long double)(at - letters + 1));
}

static int whole(long double x, int64_t *value) {
  if (!(x >= -9223372036854775808.0L && x <= 9223372036854775807.0L) || x != floorl(x)) return -1;
  *value = (int64_t)x;
  return 0;
}

int number_count(const char *s, int64_t *value) {
  char *end;
  long double x;
  if (!decimal(s, &end, &x)) return -1;
  long double factor = count_factor(end);
  if (factor == 0) return -1;
  /* 2.3M is 2300000 although 2.3 * 1e6 need not be whole in binary */
  long double product = x * factor, nearest = roundl(product);
  return whole(factor > 1 && fabsl(product - nearest) < 1e-6L ? nearest : product, value);
}

int number_size(const char *s, int64_t *value) {
  char *end;
  long double x;
  if (!decimal(s, &end, &x) || x < 0) return -1;
  long double factor = size_factor(end);
  return factor == 0 ? -1 : whole(floorl(x * factor), value);
}

int number_double(const char *s, double *value) {
  char *end;
  long double x;
  if (!decimal(s, &end, &x)) return -1;
  long double factor = count_factor(end);
  if (factor == 0) return -1;
  if (factor == 1) x = strtod(s, NULL); /* the nearest double, not the nearest of the nearest long double */
  else x *= factor;
  if (!isfinite((double)x)) return -1;
  *value = (double)x;
  return 0;
}

int number_int(const char *s, int64_t min, int64_t max, int64_t *value) {
  char *end;
  if (!(s[0] >= '0' && s[0] <= '9') && !(s[0] == '-' && s[1] >= '0' && s[1] <= '9')) return -1;
  errno = 0;
  long long x = strtoll(s, &end, 10);
  if (errno || *end || x < min || x > max) return -1;
  *value = x;
  return 0;
}

const char *number_format(double value, char text[NUMBER_TEXT]) {
  snprintf(text, NUMBER_TEXT, "%.9g", value);
  return text;
}

const char *number_bytes(double bytes, char text[NUMBER_TEXT]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 5) bytes /= 1024, unit++;
  snprintf(text, NUMBER_TEXT, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

const char *number_thousands(uint64_t n, char text[NUMBER_TEXT]) {
  char digits[NUMBER_TEXT];
  int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n), at = 0;
  for (int i = 0; i < length; i++) {
    if (i && (length - i) % 3 == 0) text[at++] = ',';
    text[at++] = digits[i];
  }
  text[at] = 0;
  return text;
}

const char *number_short(double n, char text[NUMBER_TEXT]) {
  static const char units[] = " kMGTPE";
  int unit = 0;
  double size = fabs(n);
  while (size >= 999.5 && unit < 6) size /= 1000, n /= 1000, unit++;
  if (unit == 0) snprintf(text, NUMBER_TEXT, "%.4g", n);
  else snprintf(text, NUMBER_TEXT, "%.3g%c", n, units[unit]);
  return text;
}

const char *number_duration(double seconds, char text[NUMBER_TEXT]) {
  if (!(seconds >= 0)) seconds = 0;
  if (seconds > 1e15) seconds = 1e15; /* the rest of a stalled job's time fits into an integer */
  long long s = (long long)seconds;
  if (seconds < 60) snprintf(text, NUMBER_TEXT, "%.1fs", seconds);
  else if (s < 3600) snprintf(text, NUMBER_TEXT, "%lldm%02llds", s / 60, s % 60);
  else if (s < 86400) snprintf(text, NUMBER_TEXT, "%lldh%02lldm", s / 3600, s / 60 % 60);
  else snprintf(text, NUMBER_TEXT, "%lldd%02lldh", s / 86400, s / 3600 % 24);
  return text;
}
