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
static const unsigned three = 1u << MASK_EMAIL | 1u << MASK_IPV4 | 1u << MASK_PHONE;

static struct slice mask(unsigned kinds, const char *text) { return mask_apply(&(struct mask){.kinds = kinds}, slice_of(text), space, &counts); }

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
    struct slice masked = mask(1u << MASK_EMAIL | 1u << MASK_IPV4, line);
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
  struct slice masked = mask(1u << MASK_PHONE, text);
  return slice_equal(masked, slice_of(text)) != hidden;
}

int main(void) {
  check_datatrove();
  ok(phone("call 2831823829 now", true) && phone("(283)-182-3829", true) && phone("(283) 182 3829", true) && phone("283-182-3829", true), "telephone numbers in CS336's four forms are hidden");
  ok(phone("(283) 182-3829!", true), "and in the mixed form");
  ok(phone("12831823829", false) && phone("28318238290", false) && phone("1700000000", false) && phone("283-182-38290", false), "longer digit runs and time stamps are not");
  ok(phone("2147483647", false) && phone("4294967295", false) && phone("2147483645", true), "the largest integers are not");
  ok(phone("(283)182", false) && phone("(", false) && phone("283-182-", false), "half a number is not");

  struct buffer first = {0};
  struct slice masked = mask(three, "a.b@c.de 8.8.8.8 283-182-3829 a.b@c.de");
  buffer_append_slice(&first, masked);
  ok(strstr(buffer_string(&first), "a.b@c.de") == NULL && strstr(first.data, "8.8.8.8") == NULL && strstr(first.data, "283-182") == NULL, "all three at once");
  struct slice again = mask(three, first.data);
  ok(slice_equal(again, slice_of(first.data)), "masking twice changes nothing more");
  struct buffer other = {0};
  masked = mask(three, "x@y.zz 1.1.1.1 | a.b@c.de 8.8.8.8 283-182-3829 a.b@c.de");
  buffer_append_slice(&other, masked);
  ok(strstr(buffer_string(&other), first.data) != NULL, "a stand-in depends on what it replaces, not on what came before");
  struct slice untouched = SLICE("nothing here");
  ok(mask_apply(&(struct mask){.kinds = three}, untouched, space, &counts).data == untouched.data, "a text without any is returned as it is");
  counts = (struct mask_counts){0};
  mask(three, "a@b.cd e@f.gh 9.9.9.9 2831823829 10.0.0.1");
  ok(counts.of[MASK_EMAIL] == 2 && counts.of[MASK_IPV4] == 1 && counts.of[MASK_PHONE] == 1, "replacements are counted");

  const unsigned all = (1u << MASK_KINDS) - 1;
  static const char every[] = "a@b.cd 9.9.9.9 2607:f8b0::1 +44 20 7946 0958 4111 1111 1111 1111 password='hunter2Abc9'";
  counts = (struct mask_counts){0};
  buffer_clear(&first);
  buffer_append_slice(&first, mask(all, every));
  const char *shown = buffer_string(&first); /* may move it */
  bool each = true;
  for (int k = 0; k < MASK_KINDS; k++) each &= counts.of[k] == 1;
  ok(each && strstr(shown, "192.0.2.") && strstr(shown, "2001:db8::") && strstr(shown, "0000-0000-0000-") && strstr(shown, "'SECRET_"), "every kind has its stand-in: %s", shown);
  ok(slice_equal(mask(all, shown), slice_of(shown)), "which stays");

  /* replacements that come to stand beside something make a new address or number of it */
  static const char *const joined[] = {
      "mail a.b@c.de+1 (202) 555-0123", "+283-182-3829", "https://user:pa55w0rd@host.com/", "admin:https://fe80::x@y.zz", "token=ghp_abcdefghijklmnopqrstuvwxyz0123456789example_foobarbaz",
      "call [202-555-01%x+1 (202) 555-0123", "(8.8.8.8192.0.2.+1 (202) 555-0123", "2001:db8::a.b@c.de+49 30 901820",
  };
  each = true;
  for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
    buffer_clear(&first);
    buffer_append_slice(&first, mask(all, joined[i]));
    const char *once = buffer_string(&first);
    if (slice_equal(mask(all, once), buffer_slice(&first))) continue;
    each = false;
    note("%s became %s", joined[i], once);
  }
  ok(each, "what a stand-in touches is not masked again");

  struct mask parsed = {0};
  struct err e = {0};
  ok(mask_parse("email,ipv4,phone", &parsed, &e) == 0 && parsed.kinds == three, "--mask takes a list");
  parsed = (struct mask){0};
  ok(mask_parse("ip", &parsed, &e) == 0 && parsed.kinds == (1u << MASK_IPV4 | 1u << MASK_IPV6) && mask_parse("all", &parsed, &e) == 0 && parsed.kinds == all, "ip is both, all is all");
  ok(!parsed.any_address && mask_parse("any-ip", &parsed, &e) == 0 && parsed.any_address, "any-ip takes private addresses");
  ok(mask_parse_as("ip=|||IP_ADDRESS|||", &parsed, &e) == 0 && mask_parse_as("email=<%h>", &parsed, &e) == 0, "--mask-as takes a kind and a text");
  ok(slice_equal(mask_apply(&parsed, SLICE("at 192.0.2.146, fd00::1"), space, &counts), SLICE("at |||IP_ADDRESS|||, |||IP_ADDRESS|||")), "which takes the place");
  struct slice hashed = mask_apply(&parsed, SLICE("a@b.cd e@f.gh a@b.cd"), space, &counts);
  ok(hashed.len == 32 && memcmp(hashed.data, hashed.data + 22, 10) == 0 && memcmp(hashed.data, hashed.data + 11, 10) != 0, "with a hash of what it replaces");
  ok(mask_parse_as("fax=x", &parsed, &e) == -1 && mask_parse_as("email", &parsed, &e) == -1 && e.kind == ERR_USAGE, "a wrong kind or no text is a usage error");
  ok(mask_parse("email,fax", &parsed, &e) == -1 && e.kind == ERR_USAGE, "an unknown kind is a usage error");
  buffer_release(&space[0]);
  buffer_release(&space[1]);
  buffer_release(&first);
  buffer_release(&other);
  return tap_done();
}
