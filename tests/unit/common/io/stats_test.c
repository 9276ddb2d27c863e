/* SPDX-License-Identifier: MIT */
#include "common/io/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "tests/tap.h"

int main(void) {
  struct err e;
  struct stats *s = stats_new();
  stats_int(s, "out", 5);
  stats_add(s, "in", 3);
  stats_add(s, "in", 4);
  stats_add(s, "reasons.gopher_short_doc", 2);
  stats_add(s, "reasons.gopher_short_doc", 1);
  stats_add(s, "reasons.deep.er", 9);
  stats_string(s, "tool", "x\"y");
  stats_string(s, "command", "a\xFF");
  stats_double(s, "share", 0.1);
  stats_double(s, "nothing", NAN);
  stats_time(s, "wall", 1.5);
  stats_time(s, "cpu", 0.25);
  for (int i = 1; i <= 2; i++) {
    struct stats *row = stats_new();
    stats_int(row, "bytes", i);
    stats_append(s, "time.operands", row);
  }
  ok(stats_get(s, "in") == 7 && stats_get(s, "reasons.gopher_short_doc") == 3 && stats_get(s, "none") == 0 && stats_get(s, "none.at.all") == 0, "numbers add up, absent ones are 0");
  char path[128];
  snprintf(path, sizeof path, "%s/s.json", tap_folder());
  ok(stats_write(s, path, &e) == 0, "they are written");
  json_t *j = json_load_path(path, &e);
  ok(j != NULL, "as JSON");
  char *compact = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9));
  ok_string(compact, "{\"command\":\"(not UTF-8)\",\"in\":7,\"nothing\":null,\"out\":5,\"reasons\":{\"deep\":{\"er\":9},\"gopher_short_doc\":3},\"share\":0.1,\"time\":{\"cpu\":0.25,\"operands\":[{\"bytes\":1},{\"bytes\":2}],\"wall\":1.5},\"tool\":\"x\\\"y\"}", "with sorted keys, names with dots nested, timings apart");
  free(compact);
  json_decref(j);
  FILE *f = fopen(path, "r");
  fseek(f, -1, SEEK_END);
  ok(fgetc(f) == '\n', "and a newline at its end");
  fclose(f);
  ok(stats_write(s, "/no/such/folder/s.json", &e) == -1 && strstr(e.message, "/no/such/folder/s.json"), "a path that cannot be written is an error that names it");
  stats_free(s);
  stats_free(NULL);
  return tap_done();
}
