/* SPDX-License-Identifier: MIT */
#include "common/io/passes.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "tests/tap.h"

static char path[2][300];

static void put(const char *name, const char *text) {
  FILE *f = fopen(name, "w");
  if (!f || fputs(text, f) < 0 || fclose(f) != 0) perror(name);
}

/* All lines of a pass. */
static int read_pass(struct passes *p, struct buffer *all, uint64_t *lines, struct err *e) {
  struct document_batch b = {0};
  int more;
  buffer_clear(all);
  *lines = 0;
  while ((more = passes_next(p, &b, e)) > 0) {
    buffer_append(all, b.bytes.data, b.bytes.len);
    *lines += b.lines;
  }
  document_batch_release(&b);
  return more;
}

/* Three passes over the operands. */
static void is_read(char *const *operands, int count, size_t memory, const char *want, uint64_t want_lines, const char *what) {
  struct passes *p = passes_new(operands, count, memory, tap_folder());
  struct buffer all = {0};
  struct err e = {0};
  bool same = true;
  for (int pass = 0; pass < 3; pass++) {
    uint64_t lines;
    same = same && read_pass(p, &all, &lines, &e) == 0 && lines == want_lines && all.len == strlen(want) && memcmp(all.data ? all.data : "", want, all.len) == 0;
    same = same && passes_again(p, &e) == 0;
  }
  ok(same, "%s", what);
  buffer_release(&all);
  passes_free(p);
}

/* Whether the pass after a change is refused. */
static void changes(const char *before, const char *after, bool refused, const char *what) {
  char *const operands[] = {path[0]};
  struct buffer all = {0};
  struct err e = {0};
  uint64_t lines;
  put(path[0], before);
  struct passes *p = passes_new(operands, 1, 1 << 20, tap_folder());
  bool fine = read_pass(p, &all, &lines, &e) == 0 && passes_again(p, &e) == 0;
  put(path[0], after);
  fine = fine && read_pass(p, &all, &lines, &e) == 0;
  int result = passes_again(p, &e);
  ok(fine && (refused ? result == -1 && strstr(e.message, "changed") : result == 0), "%s", what);
  buffer_release(&all);
  passes_free(p);
}

int main(void) {
  for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%d.tsv", tap_folder(), i);
  put(path[0], "a\tone\nb\ttwo");
  put(path[1], "c\tthree\n");
  char *const both[] = {path[0], path[1]};
  is_read(both, 2, 1 << 20, "a\tone\nb\ttwo\nc\tthree\n", 3, "regular files are read again");
  char *const once[] = {path[1], path[1]};
  is_read(once, 2, 1 << 20, "c\tthree\nc\tthree\n", 2, "the same one twice");
  put(path[0], "");
  is_read(both, 1, 1 << 20, "", 0, "an empty one");

  for (size_t memory = 0; memory <= 1 << 20; memory += 1 << 20) {
    int ends[2];
    char name[64];
    put(path[1], "c\tthree\n");
    if (pipe(ends) != 0 || write(ends[1], "p\tfour\nq\tfive\n", 14) != 14) return 1;
    close(ends[1]);
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    char *const mixed[] = {name, path[1]};
    is_read(mixed, 2, memory, "p\tfour\nq\tfive\nc\tthree\n", 3, memory ? "a pipe is kept in memory" : "a pipe is kept in a file");
    close(ends[0]);
  }

  changes("a\tone\nb\ttwo\n", "a\tone\nb\ttwo\n", false, "a file written again as it was is no change");
  changes("a\tone\nb\ttwo\n", "a\tone\n", true, "a line less is one");
  changes("a\tone\nb\ttwo\n", "a\tone\nb\ttwO\n", true, "another letter is one");
  return tap_done();
}
