/* SPDX-License-Identifier: MIT
 *
 * The table reader: columns by name, repeated headers, bad rows, and files through every way in.
 */
#include "tools/fit-scaling/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"

static int parse(struct runs *runs, const char *text, struct err *e) {
  struct runs_reader reader = {.name = "t.tsv"};
  *runs = (struct runs){0};
  while (*text) {
    size_t n = strcspn(text, "\n");
    if (runs_line(runs, &reader, (struct slice){text, n}, e) != 0) return -1;
    text += n + (text[n] == '\n');
  }
  return 0;
}

int main(void) {
  struct runs r;
  struct err e = {0};
  ok(parse(&r, "loss\tseed\ttokens\tparams\tflops\n2.5\t7\t1e9\t2M\t9e15\n", &e) == 0 && r.count == 1, "columns are found by name");
  ok(r.items[0].params == 2e6 && r.items[0].tokens == 1e9 && r.items[0].flops == 9e15 && r.items[0].loss == 2.5, "whatever their order");
  runs_release(&r);
  ok(parse(&r, "params\ttokens\tloss\n1e6\t2e6\t3\nparams\ttokens\tloss\n1e6\t3e6\t2.9\nloss\ttokens\tparams\n2.8\t4e6\t1e6\r\n", &e) == 0 && r.count == 3 && r.rows == 3 && r.bad == 0,
     "repeated headers are skipped, CRLF too");
  ok(r.items[0].flops == 6 * 1e6 * 2e6, "absent FLOPs are 6 N D");
  ok(r.items[2].loss == 2.8 && r.items[2].params == 1e6, "a header of another order holds from there");
  runs_release(&r);
  ok(parse(&r, "params\ttokens\tloss\n1e6\t2e6\tnan\n1e6\t2e6\n-1\t2e6\t3\n1e6\t2e6\t0x1\n\n1e6\t2e6\t3\n", &e) == 0 && r.count == 1 && r.rows == 5 && r.bad == 4, "bad rows are counted and left out, empty lines are nothing");
  ok_string(r.first_bad.message, "t.tsv:2: loss is not a positive number: 'nan'", "the first one is named");
  runs_release(&r);
  ok(parse(&r, "params\ttokens\tflops\tloss\n1e6\t2e6\t\t3\n1e6\t2e6\tx\t3\n", &e) == 0 && r.count == 1 && r.bad == 1 && r.items[0].flops == 1.2e13, "an empty FLOPs field is 6 N D, a wrong one is bad");
  runs_release(&r);
  ok(parse(&r, "params\ttokens\n1\t2\n", &e) == -1, "a missing column is an error");
  ok_string(e.message, "t.tsv:1: the header lacks the column 'loss'; needed are params, tokens and loss", "that names it");
  runs_release(&r);

  char path[4096];
  snprintf(path, sizeof path, "%s/runs.tsv", tap_folder());
  FILE *f = fopen(path, "w");
  fputs("params\ttokens\tloss\tnote\n", f);
  for (int i = 0; i < 3000; i++) fprintf(f, "%d\t%d\t3.5\t%s\n", 1000 + i, 2000 + i, i % 100 ? "short" : "a long note that makes lines uneven");
  char *note = MALLOC(100001);
  memset(note, 'x', 100000);
  note[100000] = 0;
  fprintf(f, "5\t6\t7\t%s\n8\t9\t10", note);
  fclose(f);
  r = (struct runs){0};
  ok(runs_read(&r, path, &e) == 0 && r.count == 3002 && r.items[3001].loss == 10 && r.items[3000].tokens == 6 && r.items[2999].params == 3999, "a file of many lines, a very long one, no last newline");
  ok(runs_read(&r, path, &e) == 0 && r.count == 6004, "another file adds to it");
  runs_release(&r);
  f = fopen(path, "w");
  fclose(f);
  ok(runs_read(&r, path, &e) == -1 && strstr(e.message, "no header"), "an empty file has no header");
  runs_release(&r);
  free(note);
  return tap_done();
}
