/* SPDX-License-Identifier: MIT
 *
 * Filters go out and come back; files that are cut, longer, damaged or of another kind are refused by name.
 */
#include "tools/bloom-dedup/filter_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/rng.h"
#include "tests/read_file.h"
#include "tests/tap.h"

enum { UNITS = 5000, SUM = 96 };

static char path[2][512];

static struct hash128 hash(uint64_t i) { return (struct hash128){splitmix64(2 * i), splitmix64(2 * i + 1)}; }

static void add(struct filter *f, uint64_t from, uint64_t to) {
  for (uint64_t i = from; i < to; i++) {
    struct hash128 h = hash(i);
    unsigned char known;
    filter_add_all(f, &h, 1, &known);
  }
}

static uint64_t count(const struct filter *f, uint64_t from, uint64_t to) {
  uint64_t found = 0;
  for (uint64_t i = from; i < to; i++) {
    struct hash128 h = hash(i);
    unsigned char known;
    filter_find_all(f, &h, 1, &known);
    found += known;
  }
  return found;
}

static void put(const char *name, const void *data, size_t n) {
  FILE *f = fopen(name, "wb");
  if (!f || fwrite(data, 1, n, f) != n) exit(1);
  fclose(f);
}

static void refused(const struct buffer *file, size_t length, const char *what, const char *name) {
  struct filter f = {0};
  struct filter_kind kind = {0};
  struct err e = {0};
  char bad[520];
  snprintf(bad, sizeof bad, "%s/bad", tap_folder());
  put(bad, file->data, length);
  int failed = 0, named = 0;
  for (int map = 0; map < 2; map++) {
    int result = filter_load(&f, &kind, bad, 0, map, &e);
    failed += result == -1;
    named += strstr(e.message, bad) && strstr(e.message, what);
    if (result == 0) filter_release(&f);
  }
  ok(failed == 2 && named == 2, "%s: refused, %s", name, e.message + strlen(bad));
}

int main(void) {
  struct filter f[3] = {0};
  struct filter_plan plan;
  struct err e = {0};
  struct filter_kind kind = {.seed = 3, .ngram = 0, .unit = "line"}, other;
  filter_plan(2 * UNITS, .001, &plan);
  for (int i = 0; i < 2; i++) {
    snprintf(path[i], sizeof path[i], "%s/%d.bloom", tap_folder(), i);
    if (filter_init(&f[i], &plan, &e) != 0) return 1;
    add(&f[i], (uint64_t)i * UNITS, (uint64_t)(i + 1) * UNITS);
    ok_int(filter_save(&f[i], &kind, path[i], 0, &e), 0, "a filter is saved");
  }
  for (int map = 1; map >= 0; map--) {
    other = kind;
    ok_int(filter_load(&f[2], &other, path[0], 0, map, &e), 0, map ? "it is mapped" : "it is loaded");
    ok_int((int64_t)count(&f[2], 0, UNITS), UNITS, "it knows what it knew");
    ok(f[2].inserted == f[0].inserted && f[2].plan.capacity == plan.capacity && f[2].plan.rate == plan.rate, "and its plan");
    ok(count(&f[2], UNITS, 2 * UNITS) < 20, "and no more");
    if (map) filter_release(&f[2]);
  }
  ok_int(filter_merge(&f[2], &kind, path[1], &e), 0, "another one is joined");
  ok_int((int64_t)count(&f[2], 0, 2 * UNITS), 2 * UNITS, "then it knows both");
  note("%llu units by its bits", (unsigned long long)f[2].inserted);
  ok(f[2].inserted > 2 * UNITS * 98 / 100 && f[2].inserted <= 2 * UNITS, "and how many that is");
  ok_int(filter_merge(&f[2], &kind, path[1], &e), 0, "joined once more");
  ok(f[2].inserted < 2 * UNITS * 102 / 100, "nothing is counted twice");
  filter_release(&f[2]);

  /* many more than it is made for: an eighth of the later ones change nothing */
  add(&f[0], 0, 8 * UNITS);
  const uint64_t alone = f[0].inserted;
  ok(alone < 8 * UNITS * 99 / 100, "a filter that is too full");
  ok_int(filter_merge(&f[0], &kind, path[1], &e), 0, "is joined with a part of it");
  note("%llu changes, then %llu", (unsigned long long)alone, (unsigned long long)f[0].inserted);
  ok(f[0].inserted >= alone && f[0].inserted < alone * 101 / 100, "what is told of it stays the same");

  memset(&other, 0, sizeof other);
  ok_int(filter_load(&f[2], &other, path[0], 0, false, &e), 0, "without a kind any will do");
  ok(other.seed == 3 && !strcmp(other.unit, "line"), "and its kind is told");
  filter_release(&f[2]);
  const struct {
    struct filter_kind kind;
    const char *what;
  } kinds[] = {{{3, 0, 0, "document"}, "'line', not 'document'"}, {{4, 0, 0, "line"}, "--seed 3"}, {{3, 13, 0, "line"}, "whole units"}, {{3, 0, 1, "line"}, "without --normalize"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    other = kinds[i].kind;
    ok(filter_load(&f[2], &other, path[0], 0, false, &e) == -1 && strstr(e.message, kinds[i].what) && strstr(e.message, path[0]), "another kind: %s", kinds[i].what);
  }
  other = kind;
  ok(filter_load(&f[2], &other, path[0], 1000, false, &e) == -1 && strstr(e.message, "-S"), "a filter beyond -S is refused");

  struct filter small;
  struct filter_plan small_plan;
  filter_plan(UNITS, .001, &small_plan);
  if (filter_init(&small, &small_plan, &e) != 0) return 1;
  ok(filter_merge(&small, &kind, path[1], &e) == -1 && strstr(e.message, "--capacity"), "filters of two sizes are not joined");
  filter_release(&small);

  struct buffer file = read_file(path[0]);
  struct buffer bad = {0};
  refused(&file, 0, "too short", "an empty file");
  refused(&file, 50, "too short", "half a header");
  refused(&file, 4095, "truncated", "a header alone");
  refused(&file, file.len - 1, "truncated", "the last byte is missing");
  refused(&file, file.len / 2, "truncated", "half of it");
  buffer_append(&file, "x", 1);
  refused(&file, file.len, "behind its end", "a byte too much");
  file.len--;
  buffer_append_slice(&bad, buffer_slice(&file));
  bad.data[0] ^= 1;
  refused(&bad, bad.len, "not a filter", "another magic");
  bad.data[0] ^= 1;
  bad.data[8] ^= 2;
  refused(&bad, bad.len, "version", "another version");
  bad.data[8] ^= 2;
  bad.data[20] ^= 1;
  refused(&bad, bad.len, "header", "a damaged header");
  bad.data[20] ^= 1;
  bad.data[SUM + 3] ^= 1;
  refused(&bad, bad.len, "header", "a damaged checksum");
  bad.data[SUM + 3] ^= 1;
  bad.data[bad.len - 100] ^= 16;
  refused(&bad, bad.len, "damaged", "a bit of a block");
  ok(filter_merge(&f[0], &kind, "/no/such/filter", &e) == -1 && strstr(e.message, "/no/such/filter"), "a missing file is named");
  ok(filter_merge(&f[0], &kind, tap_folder(), &e) == -1 && strstr(e.message, "regular"), "a folder is no filter");
  ok(filter_save(&f[0], &kind, "/no/such/folder/f", 0, &e) == -1 && strstr(e.message, "/no/such/folder/f"), "a place that is not there is named");
  buffer_release(&file);
  buffer_release(&bad);
  for (int i = 0; i < 2; i++) filter_release(&f[i]);
  return tap_done();
}
