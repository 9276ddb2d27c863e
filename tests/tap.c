/* SPDX-License-Identifier: MIT */
#include "tests/tap.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int count, failures;
static char folder[64];

bool ok(bool condition, const char *name, ...) {
  char text[512];
  va_list args;
  va_start(args, name);
  vsnprintf(text, sizeof text, name, args);
  va_end(args);
  printf("%sok %d - %s\n", condition ? "" : "not ", ++count, text);
  failures += !condition;
  fflush(stdout);
  if (!condition && getenv("TAP_FIRST")) exit(tap_done());
  return condition;
}

bool ok_string(const char *got, const char *want, const char *name) {
  bool same = got == want || (got && want && strcmp(got, want) == 0);
  ok(same, "%s", name);
  if (!same) note("got:  %s", got ? got : "(null)"), note("want: %s", want ? want : "(null)");
  return same;
}

bool ok_bytes(const void *got, size_t got_len, const void *want, size_t want_len, const char *name) {
  bool same = got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0);
  ok(same, "%s", name);
  if (!same) {
    size_t at = 0;
    while (at < got_len && at < want_len && ((const char *)got)[at] == ((const char *)want)[at]) at++;
    note("%zu bytes, want %zu; first difference at byte %zu", got_len, want_len, at);
    note("got:  %.*s", (int)(got_len > 300 ? 300 : got_len), (const char *)got);
    note("want: %.*s", (int)(want_len > 300 ? 300 : want_len), (const char *)want);
  }
  return same;
}

bool ok_int(int64_t got, int64_t want, const char *name) {
  ok(got == want, "%s", name);
  if (got != want) note("got %lld, want %lld", (long long)got, (long long)want);
  return got == want;
}

bool ok_near(double got, double want, double tolerance, const char *name) {
  double scale = fabs(want) > 1 ? fabs(want) : 1;
  bool near = fabs(got - want) <= tolerance * scale;
  ok(near, "%s", name);
  if (!near) note("got %.17g, want %.17g, tolerance %g", got, want, tolerance);
  return near;
}

void note(const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  for (char *line = text; line;) {
    char *next = strchr(line, '\n');
    if (next) *next++ = 0;
    printf("# %s\n", line);
    line = next;
  }
}

void skip(const char *why, const char *name) { printf("ok %d - %s # SKIP %s\n", ++count, name, why); }

int tap_done(void) {
  printf("1..%d\n", count);
  if (folder[0]) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) note("cannot remove %s", folder);
  }
  return failures != 0;
}

const char *tap_folder(void) {
  if (!folder[0]) {
    strcpy(folder, "/tmp/crawl2lm-test-XXXXXX");
    if (!mkdtemp(folder)) {
      perror("mkdtemp");
      exit(1);
    }
  }
  return folder;
}

const char *tap_shared(const char *relative) {
  static char path[4][1024];
  static int turn;
  char *p = path[turn++ & 3];
  snprintf(p, sizeof path[0], "../shared/data/%s", relative);
  return access(p, R_OK) == 0 ? p : NULL;
}
