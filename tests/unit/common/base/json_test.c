/* SPDX-License-Identifier: MIT */
#include "common/base/json.h"

#include <stdio.h>
#include <string.h>

#include "tests/tap.h"

static json_t *load(const char *text, struct err *e) {
  char path[128];
  snprintf(path, sizeof path, "%s/x.json", tap_folder());
  FILE *f = fopen(path, "w");
  fputs(text, f);
  fclose(f);
  return json_load_path(path, e);
}

static bool takes(const char *text, const char *want) {
  struct json_cursor c = json_cursor(slice_of(text));
  struct buffer scratch = {0};
  struct slice out;
  struct err e = {0};
  bool taken = json_take_string(&c, &scratch, &out, &e) == 0;
  bool right = taken ? want && slice_equal(out, slice_of(want)) : !want && strstr(e.message, "line 1: ");
  buffer_release(&scratch);
  return right;
}

static bool natural(const char *text, int64_t want) {
  struct json_cursor c = json_cursor(slice_of(text));
  uint32_t n = 0;
  struct err e = {0};
  return json_take_natural(&c, &n, &e) == 0 ? (int64_t)n == want : want < 0;
}

/* The length of the value that is skipped, or -1. */
static long skipped(const char *text) {
  struct json_cursor c = json_cursor(slice_of(text));
  struct err e = {0};
  return json_skip(&c, &e) ? -1 : c.at - c.start;
}

static void test_cursor(void) {
  ok(takes(" \n\"abc\"", "abc") && takes("\"\"", "") && takes("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz"), "strings with escapes");
  ok(takes("\"\\u00e9\\uD83D\\uDE00x\"", "\xC3\xA9\xF0\x9F\x98\x80x"), "and surrogate pairs");
  ok(takes("\"a", NULL) && takes("\"a\\", NULL) && takes("\"\\x\"", NULL) && takes("\"\\u12\"", NULL) && takes("\"\\u0000\"", NULL) && takes("\"\\uD800\"", NULL) && takes("\"\\uDC00\\uD800\"", NULL) && takes("\"a\nb\"", NULL) && takes("a", NULL), "broken strings are refused");
  ok(natural("0", 0) && natural(" 2147483647,", 2147483647) && natural("2147483648", -1) && natural("99999999999999999999", -1) && natural("1.0", -1) && natural("1e3", -1) && natural("-1", -1) && natural("01", -1) && natural("", -1) && natural("x", -1), "whole numbers");
  ok(skipped("{\"a\":[1,{\"b\":\"}\\\"]\"}]} ,") == 22 && skipped("\"x\\\\\",") == 5 && skipped("12,") == 2 && skipped("true}") == 4 && skipped("[]") == 2, "values are skipped whole");
  ok(skipped("") == -1 && skipped("[") == -1 && skipped("{\"a") == -1 && skipped("]") == -1 && skipped(",") == -1, "what does not end is refused");
}

int main(void) {
  struct err e = {0};
  json_t *j = load("{\"n\": 3, \"x\": 2.5, \"whole\": 4.0, \"huge\": 1e300, \"edge\": 9223372036854775808.0, \"b\": true, \"s\": \"t\\u00e9\", \"null\": null}", &e);
  ok(j != NULL, "a file is read");
  int64_t n = -1;
  double x = -1;
  bool b = false;
  const char *s = "unset";
  ok(json_get_int(j, "n", &n, &e) == 0 && n == 3, "a whole number");
  ok(json_get_int(j, "whole", &n, &e) == 0 && n == 4, "4.0 is whole");
  ok(json_get_int(j, "x", &n, &e) == -1 && n == 4 && strstr(e.message, "\"x\""), "2.5 is not, and the message names the key");
  ok(json_get_int(j, "huge", &n, &e) == -1 && json_get_int(j, "edge", &n, &e) == -1 && n == 4, "1e300 and 2^63 are out of range");
  ok(json_get_int(j, "none", &n, &e) == 0 && json_get_int(j, "null", &n, &e) == 0 && n == 4, "absent and null leave the value");
  ok(json_get_double(j, "x", &x, &e) == 0 && x == 2.5 && json_get_double(j, "n", &x, &e) == 0 && x == 3, "numbers");
  ok(json_get_double(j, "s", &x, &e) == -1, "a string is no number");
  ok(json_get_bool(j, "b", &b, &e) == 0 && b && json_get_bool(j, "n", &b, &e) == -1, "true and false");
  ok(json_get_string(j, "s", &s, &e) == 0 && strcmp(s, "t\xC3\xA9") == 0 && json_get_string(j, "b", &s, &e) == -1, "strings");
  json_decref(j);
  ok(!load("{\"a\": 1,\n \"b\": }", &e) && strstr(e.message, "x.json:2: "), "a broken file: the message names file and line");
  ok(!load("{\"a\": 1, \"a\": 2}", &e), "a key twice is an error");
  ok(!load("{} {}", &e) && !load("", &e), "one value, not two, not none");
  ok(!json_load_path("/no/such.json", &e) && strstr(e.message, "/no/such.json"), "a missing file is named");
  struct buffer out = {0};
  json_append_string(&out, SLICE("a\"b\\c\n\t\r\b\f\x01\x1F/\x7F\xC3\xA9"));
  ok_bytes(out.data, out.len, "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f/\x7F\xC3\xA9\"", 35, "strings are escaped as JSON wants, UTF-8 is not");
  buffer_clear(&out);
  json_append_string(&out, (struct slice){0});
  ok_bytes(out.data, out.len, "\"\"", 2, "nothing is an empty string");
  buffer_release(&out);
  test_cursor();
  return tap_done();
}
