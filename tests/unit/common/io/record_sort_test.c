/* SPDX-License-Identifier: MIT */
#include "common/io/record_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

static size_t compared;

static int by_bytes(const void *a, const void *b) { return memcmp(a, b, compared); }

enum shape { SPREAD, EQUAL, FEW, PREFIX, SORTED, REVERSE, SHAPES };
static const char *const shape_names[] = {"spread", "equal", "few values", "a common prefix", "sorted", "reversed"};

static char *make_records(enum shape shape, size_t n, size_t size) {
  char *all = MALLOC(n * size + 1);
  struct rng rng;
  rng_init(&rng, 7 + size);
  for (size_t i = 0; i < n * size; i++) all[i] = (char)rng_next(&rng);
  for (size_t i = 0; i < n; i++) {
    char *r = all + i * size;
    if (shape == EQUAL) memset(r, 200, size);
    if (shape == FEW) memset(r, (int)(splitmix64(i) % 3) * 100, size);
    if (shape == PREFIX) memset(r, 255, size / 2);
  }
  compared = size;
  if (shape == SORTED || shape == REVERSE) qsort(all, n, size, by_bytes);
  if (shape == REVERSE) {
    char *room = MALLOC(size);
    for (size_t i = 0; i < n / 2; i++) {
      memcpy(room, all + i * size, size);
      memcpy(all + i * size, all + (n - 1 - i) * size, size);
      memcpy(all + (n - 1 - i) * size, room, size);
    }
    free(room);
  }
  return all;
}

/* Whether what comes out is `want`, in order. */
static bool sorts(const char *records, const char *want, size_t n, size_t size, size_t memory, int jobs, uint64_t *spilled) {
  struct err e = {0};
  struct record_sort *s = record_sort_new(size, memory, NULL);
  bool same = true;
  for (size_t i = 0; i < n; i++) same &= record_sort_add(s, records + i * size, &e) == 0;
  same &= record_sort_finish(s, jobs, &e) == 0;
  const void *record;
  size_t got = 0;
  int more;
  for (; (more = record_sort_next(s, &record, &e)) > 0; got++) same &= got < n && memcmp(record, want + got * size, size) == 0;
  same &= more == 0 && got == n && record_sort_next(s, &record, &e) == 0 && record_sort_count(s) == n;
  if (spilled) *spilled = record_sort_spilled(s);
  record_sort_free(s);
  return same;
}

static void orders(void) {
  static const size_t sizes[] = {1, 3, 8, 12, 16, 17, 24, 32, 40, 100};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    size_t size = sizes[k], n = 30000;
    bool array = true, memory = true, spill = true, tiny = false;
    const char *broken = "";
    for (int shape = 0; shape < SHAPES; shape++) {
      char *records = make_records((enum shape)shape, n, size), *want = COPY(records, n * size), *copy = COPY(records, n * size);
      compared = size;
      qsort(want, n, size, by_bytes);
      record_sort_array(copy, n, size, 1);
      bool fine = memcmp(copy, want, n * size) == 0;
      memcpy(copy, records, n * size);
      record_sort_array(copy, n, size, 3);
      fine &= memcmp(copy, want, n * size) == 0;
      array &= fine;
      memory &= sorts(records, want, n, size, 64 << 20, 2, NULL);
      spill &= sorts(records, want, n, size, n * size / 5, 2, NULL);
      if (shape == EQUAL) tiny = sorts(records, want, 3000, size, 1, 1, NULL);
      if (!fine || !memory || !spill) broken = shape_names[shape];
      free(records), free(want), free(copy);
    }
    ok(array, "an array of records of %zu bytes is sorted, on one thread and three %s", size, broken);
    ok(memory, "records of %zu bytes that fit into memory come in order %s", size, broken);
    ok(spill, "records of %zu bytes that do not fit are merged %s", size, broken);
    ok(tiny, "equal records of %zu bytes pass with a budget of a byte", size);
  }
}

static void tiny_budget(void) {
  size_t n = 20000, size = 16;
  uint64_t spilled;
  char *records = make_records(SPREAD, n, size), *want = COPY(records, n * size);
  compared = size;
  qsort(want, n, size, by_bytes);
  ok(sorts(records, want, n, size, 1, 1, &spilled), "a budget of a byte sorts twenty thousand records, two runs at a time");
  ok(spilled == n * size * (1 + 10), "1,250 runs of 16 records merged in pairs are written eleven times (%llu bytes)", (unsigned long long)spilled);
  ok(sorts(records, want, n, size, 4 << 20, 1, &spilled) && spilled == 0, "what fits is never written");
  ok(sorts(records, want, n, size, n * size / 2, 1, &spilled) && spilled == n * size, "two runs are merged in one pass");
  ok(sorts(records, want, 0, size, 100, 1, NULL) && sorts(records, records, 1, size, 100, 1, NULL), "no record and one record");
  free(records), free(want);
}

/* A run of records each the sort's whole memory in size. */
static void large_records(void) {
  size_t n = 50, size = 100000;
  char *records = make_records(SPREAD, n, size), *want = COPY(records, n * size);
  compared = size;
  qsort(want, n, size, by_bytes);
  ok(sorts(records, want, n, size, size, 1, NULL), "records as large as the budget");
  free(records), free(want);
}

static size_t open_descriptors(void) {
  size_t n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) != -1;
  return n;
}

static void descriptors(void) {
  struct err e;
  size_t before = open_descriptors();
  struct record_sort *s = record_sort_new(8, 1 << 12, NULL);
  for (uint64_t i = 0; i < 100000; i++) {
    uint64_t key = splitmix64(i);
    if (record_sort_add(s, &key, &e) != 0) break;
  }
  ok_int(record_sort_finish(s, 1, &e), 0, "two hundred runs are merged in passes");
  ok_int((int64_t)(open_descriptors() - before), 1, "one descriptor is open while they are read");
  record_sort_free(s);
  ok_int((int64_t)open_descriptors(), (int64_t)before, "and none afterwards");
}

static int fill_up(const char *folder, struct err *e) {
  struct record_sort *s = record_sort_new(8, 1 << 16, folder);
  int result = 0;
  for (uint64_t i = 0; i < 1 << 20 && result == 0; i++) {
    uint64_t key = splitmix64(i);
    result = record_sort_add(s, &key, e);
  }
  if (result == 0) result = record_sort_finish(s, 1, e);
  record_sort_free(s);
  return result;
}

static void full_disk(void) {
  struct err e = {0};
  struct rlimit old, limit;
  struct buffer folder = {0};
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &old);
  limit = (struct rlimit){1 << 20, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  ok_int(fill_up(tap_folder(), &e), -1, "a limit of file sizes is an error");
  ok(strstr(e.message, "cannot write a scratch file") && strstr(e.message, strerror(EFBIG)), "that says so: %s", e.message);
  setrlimit(RLIMIT_FSIZE, &old);
  ok_int(fill_up("/nowhere/at/all", &e), -1, "a folder that is not there is an error");
  ok(strstr(e.message, "/nowhere/at/all") != NULL, "that names it: %s", e.message);
  buffer_printf(&folder, "%s", tap_folder());
  if (mount("none", buffer_string(&folder), "tmpfs", 0, "size=1m") != 0) {
    skip("mounting a small disk is not permitted", "a full disk is an error");
  } else {
    int result = fill_up(folder.data, &e);
    umount(folder.data);
    ok(result == -1 && strstr(e.message, strerror(ENOSPC)) && strstr(e.message, "-T names a folder"),
        "a full disk is an error that says so and what to do: %s", e.message);
  }
  buffer_release(&folder);
}

int main(void) {
  orders();
  tiny_budget();
  large_records();
  descriptors();
  full_disk();
  return tap_done();
}
