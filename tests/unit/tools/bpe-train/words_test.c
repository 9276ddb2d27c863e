/* SPDX-License-Identifier: MIT
 *
 * Runs in scratch files: many of them, merged in several rounds; damaged, cut and unwritable ones.
 */
#include "tools/bpe-train/words.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/tap.h"

/* `runs` runs of `each` pieces: a share of them is in all, the others in one. */
static struct counter *make(int runs, int each) {
  struct counter *c = counter_new(1 << 20, tap_folder());
  struct err e;
  char text[64];
  for (int r = 0; r < runs; r++) {
    for (int i = 0; i < each; i++) {
      int n = i % 3 ? snprintf(text, sizeof text, "%s%d-%d", i % 2 ? "w" : "a long beginning ", r, i) : snprintf(text, sizeof text, "common%d", i);
      if (counter_add(c, (struct slice){text, (size_t)n}, (uint64_t)r + 1, &e)) abort();
    }
    if (counter_spill(c, &e)) abort();
  }
  return c;
}

static void test_rounds(int runs, int each, size_t memory) {
  struct counter *c = make(runs, each);
  struct words *w;
  struct err e;
  ok_int((int64_t)counter_runs(c)->count, runs, "a spill is a run");
  if (!ok(words_new(&w, &c, 1, memory, false, &e) == 0, "%d runs merge within %zu bytes", runs, memory)) return;
  int common = (each + 2) / 3;
  ok_int((int64_t)words_distinct(w), common + (int64_t)(each - common) * runs, "each distinct piece once");
  bool right = true;
  struct slice piece;
  uint64_t count, n = 0;
  int got, r, i;
  while ((got = words_next(w, &piece, &count, &e)) > 0 && right) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)piece.len, piece.data);
    if (sscanf(text, "common%d", &i) == 1) right = count == (uint64_t)runs * (uint64_t)(runs + 1) / 2;
    else right = (sscanf(text, "w%d-%d", &r, &i) == 2 || sscanf(text, "a long beginning %d-%d", &r, &i) == 2) && count == (uint64_t)r + 1;
    n++;
  }
  ok(right && got == 0 && n == words_distinct(w), "counts of equal pieces are added, over all rounds");
  words_free(w);
}

/* Changes the scratch file of a counter that has spilled; returns the message of what follows. */
static const char *after_damage(void (*damage)(int fd, uint64_t size), struct err *e) {
  struct counter *c = make(3, 20000);
  struct runs *runs = counter_runs(c);
  struct words *w;
  damage(runs->files[0], runs->sizes[0]);
  e->message[0] = 0;
  if (words_new(&w, &c, 1, 1 << 20, false, e) == 0) {
    words_free(w);
    return "";
  }
  return w ? "words after a failure" : e->message;
}

static uint64_t place;
static void flip(int fd, uint64_t size) {
  char byte;
  off_t at = (off_t)(place < size ? place : size - 1);
  if (pread(fd, &byte, 1, at) != 1) abort();
  byte ^= 0x10;
  if (pwrite(fd, &byte, 1, at) != 1) abort();
}
static void cut(int fd, uint64_t size) {
  if (ftruncate(fd, (off_t)(size - 5))) abort();
}
/* A block of the file where another one should be: sums are of the place too. */
static void move(int fd, uint64_t size) {
  (void)size;
  static char block[16 + RUN_BLOCK];
  if (pread(fd, block, sizeof block, 0) != (ssize_t)sizeof block || pwrite(fd, block, sizeof block, sizeof block) != (ssize_t)sizeof block) abort();
}

static void test_damage(void) {
  struct err e;
  bool right = true;
  static const uint64_t places[] = {0, 8, 12, 16, 100, 16 + RUN_BLOCK, 16 + RUN_BLOCK + 9, 200000, UINT64_MAX};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    place = places[i];
    const char *message = after_damage(flip, &e);
    if (place == 12) continue; /* the four bytes nobody reads */
    right = right && strstr(message, "scratch file is damaged") && strstr(message, tap_folder());
    if (!right) note("byte %llu: %s", (unsigned long long)place, message);
  }
  ok(right, "a flipped bit anywhere is found, and the folder named");
  ok(strstr(after_damage(cut, &e), "scratch file is") != NULL, "so is a cut file");
  ok(strstr(after_damage(move, &e), "scratch file is damaged") != NULL, "so is a block in another's place");
}

static void test_late_damage(void) {
  struct counter *c = make(2, 20000);
  struct words *w;
  struct err e;
  struct slice piece;
  uint64_t count;
  int fd = counter_runs(c)->files[0], got;
  if (words_new(&w, &c, 1, 1 << 20, false, &e)) abort();
  if (ftruncate(fd, lseek(fd, 0, SEEK_END) - 100)) abort();
  while ((got = words_next(w, &piece, &count, &e)) > 0) {}
  ok(got < 0 && strstr(e.message, "shorter"), "damage after the merge is an error of the stream");
  words_free(w);
}

static void test_folder(void) {
  struct counter *c = counter_new(1 << 20, "/nonexistent-folder");
  struct err e;
  ok(counter_add(c, SLICE("piece"), 1, &e) == 0 && counter_spill(c, &e) < 0 && strstr(e.message, "/nonexistent-folder"), "a folder that is not there is named");
  counter_free(c);

  /* A full disk: the limit of a file's size stands for it. */
  struct rlimit old, small = {.rlim_cur = 100000};
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  small.rlim_max = old.rlim_max;
  c = counter_new(1 << 20, tap_folder());
  setrlimit(RLIMIT_FSIZE, &small);
  int status = 0;
  char text[32];
  for (int i = 0; i < 1000000 && status == 0; i++) status = counter_add(c, (struct slice){text, (size_t)snprintf(text, sizeof text, "%d.", i * 7919)}, 1, &e);
  setrlimit(RLIMIT_FSIZE, &old);
  ok(status < 0 && strstr(e.message, tap_folder()) && strstr(e.message, "-T"), "a full disk is an error that names the folder and -T");
  counter_free(c);
}

int main(void) {
  test_rounds(1, 3000, 1 << 20);
  test_rounds(7, 3000, 64 << 10);
  test_rounds(60, 500, 64 << 10);
  test_rounds(61, 500, 256 << 10);
  test_rounds(300, 50, 64 << 20);
  test_damage();
  test_late_damage();
  test_folder();
  return tap_done();
}
