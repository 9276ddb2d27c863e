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
  return tap_done();
}
