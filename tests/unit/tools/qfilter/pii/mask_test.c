/* SPDX-License-Identifier: MIT
 *
 * Masks: what datatrove finds (tests/data/qfilter/mask.tsv, from tests/oracle/qfilter_mask.py), CS336's telephone
 * numbers, and stand-ins that depend on nothing but what they replace.
 */
#include "tools/qfilter/pii/mask.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/tap.h"

static struct buffer space[2];
static struct mask_counts counts;

static struct slice mask(unsigned kinds, const char *text) { return mask_apply(kinds, slice_of(text), space, &counts); }

/* The text with our stand-ins written as datatrove's were told to be. */
static void normalise(struct slice s, struct buffer *out) {
  buffer_clear(out);
  for (size_t i = 0; i < s.len;) {
    struct slice rest = {s.data + i, s.len - i};
    size_t n = slice_starts(rest, SLICE("email@example.com")) ? 17 : slice_starts(rest, SLICE("firstname.lastname@example.org")) ? 30 : 0;
    if (n) {
      buffer_append_string(out, "<E>");
    } else if (slice_starts(rest, SLICE("192.0.2.")) && rest.len > 8) {
      for (n = 8; n < rest.len && n < 11 && rest.data[n] >= '0' && rest.data[n] <= '9'; n++) continue;
      buffer_append_string(out, "<I>");
    } else {
      buffer_put(out, s.data[i]);
      n = 1;
    }
    i += n;
  }
}

static void check_datatrove(void) {
  FILE *f = fopen("tests/data/qfilter/mask.tsv", "r");
  if (!ok(f != NULL, "the expected masks are there")) return;
  char *line = NULL;
  size_t capacity = 0;
  int rows = 0, equal = 0;
  struct buffer got = {0};
  while (getline(&line, &capacity, f) > 0) {
    char *tab = strchr(line, '\t');
    *tab = 0;
    tab[1 + strcspn(tab + 1, "\n")] = 0;
    rows++;
    struct slice masked = mask(MASK_EMAIL | MASK_IP, line);
    normalise(masked, &got);
    bool same = slice_equal(buffer_slice(&got), slice_of(tab + 1));
    if (same) equal++;
    else note("%s: want %s, got %s", line, tab + 1, buffer_string(&got));
  }
  ok(rows > 300 && equal == rows, "e-mail and IPv4 addresses are datatrove's (%d of %d)", equal, rows);
  free(line);
  fclose(f);
  buffer_release(&got);
}

static bool phone(const char *text, bool hidden) {
  struct slice masked = mask(MASK_PHONE, text);
  return slice_equal(masked, slice_of(text)) != hidden;
}

int main(void) {
  check_datatrove();
  ok(phone("call 2831823829 now", true) && phone("(283)-182-3829", true) && phone("(283) 182 3829", true) && phone("283-182-3829", true), "telephone numbers in CS336's four forms are hidden");
  ok(phone("(283) 182-3829!", true), "and in the mixed form");
  ok(phone("12831823829", false) && phone("28318238290", false) && phone("1700000000", false) && phone("283-182-38290", false), "longer digit runs and time stamps are not");
  ok(phone("(283)182", false) && phone("(", false) && phone("283-182-", false), "half a number is not");

  struct buffer first = {0};
  struct slice masked = mask(MASK_EMAIL | MASK_IP | MASK_PHONE, "a.b@c.de 8.8.8.8 283-182-3829 a.b@c.de");
  buffer_append_slice(&first, masked);
  ok(strstr(buffer_string(&first), "a.b@c.de") == NULL && strstr(first.data, "8.8.8.8") == NULL && strstr(first.data, "283-182") == NULL, "all three at once");
  struct slice again = mask(MASK_EMAIL | MASK_IP | MASK_PHONE, first.data);
  ok(slice_equal(again, slice_of(first.data)), "masking twice changes nothing more");
  struct buffer other = {0};
  masked = mask(MASK_EMAIL | MASK_IP | MASK_PHONE, "x@y.zz 1.1.1.1 | a.b@c.de 8.8.8.8 283-182-3829 a.b@c.de");
  buffer_append_slice(&other, masked);
  ok(strstr(buffer_string(&other), first.data) != NULL, "a stand-in depends on what it replaces, not on what came before");
  struct slice untouched = SLICE("nothing here");
  ok(mask_apply(MASK_EMAIL | MASK_IP | MASK_PHONE, untouched, space, &counts).data == untouched.data, "a text without any is returned as it is");
  counts = (struct mask_counts){0};
  mask(MASK_EMAIL | MASK_IP | MASK_PHONE, "a@b.cd e@f.gh 9.9.9.9 2831823829 10.0.0.1");
  ok(counts.email == 2 && counts.ip == 1 && counts.phone == 1, "replacements are counted");

  unsigned kinds = 0;
  struct err e = {0};
  ok(mask_parse("email,ip,phone", &kinds, &e) == 0 && kinds == (MASK_EMAIL | MASK_IP | MASK_PHONE), "--mask takes a list");
  ok(mask_parse("email,fax", &kinds, &e) == -1 && e.kind == ERR_USAGE, "an unknown kind is a usage error");
  buffer_release(&space[0]);
  buffer_release(&space[1]);
  buffer_release(&first);
  buffer_release(&other);
  return tap_done();
}
