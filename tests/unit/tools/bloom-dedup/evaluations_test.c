/* SPDX-License-Identifier: MIT
 *
 * N-grams of small evaluation sets, counted by hand.
 */
#include "tools/bloom-dedup/evaluations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/shingles.h"
#include "tests/tap.h"
#include "tools/bloom-dedup/ngrams.h"

static const char *put(const char *name, const char *text) {
  static char paths[8][512];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, 512, "%s/%s", tap_folder(), name);
  FILE *f = fopen(path, "w");
  if (!f || fputs(text, f) < 0) exit(1);
  fclose(f);
  return path;
}

struct finding {
  const struct evaluations *v;
  uint32_t found[1024];
  size_t count;
};

static void find(void *context, const uint64_t *shingles, size_t count) {
  struct finding *f = context;
  f->count += evaluations_find(f->v, shingles, count, f->found + f->count);
}

/* Different n-grams of items in the text, as against.c counts them. */
static size_t look(const struct evaluations *v, struct finding *f, const char *text) {
  int count;
  const int *lengths = evaluations_lengths(v, &count);
  f->v = v;
  f->count = 0;
  for (int i = 0; i < count; i++) {
    struct shingler *s = shingler_new(lengths[i]);
    shingler_run(s, slice_of(text), find, f);
    shingler_free(s);
  }
  size_t different = 0; /* a text shorter than several lengths has one shingle for all of them */
  for (size_t i = 0; i < f->count; i++) {
    bool again = false;
    for (size_t k = 0; k < different; k++) again |= f->found[k] == f->found[i];
    if (!again) f->found[different++] = f->found[i];
  }
  return f->count = different;
}

static bool fails(const char *path, const char *what, size_t memory) {
  struct evaluations *v = evaluations_new(3, 2, memory);
  struct err e = {0};
  bool failed = evaluations_add(v, path, &e) == -1 && strstr(e.message, what);
  note("%s", e.message);
  evaluations_free(v);
  return failed;
}

int main(void) {
  struct err e;
  struct finding f;
  struct buffer name = {0};
  const char *json = put("a.jsonl", "{\"q\":\"One two, three four\",\"n\":5,\"choices\":[\"x y\",{\"deep\":[\"five six seven\"]},\"lone\"]}\n\n{\"q\":\"two three four\"}\n");
  const char *tsv = put("b.tsv", "id\tescaped\\nwords here\\ttoo\ny\t\n");
  struct evaluations *v = evaluations_new(3, 2, 1 << 20);
  ok_int(evaluations_add(v, json, &e), 0, "JSON Lines are read");
  ok_int(evaluations_add(v, tsv, &e), 0, "TSV too");
  evaluations_close(v);
  struct evaluation_counts c = evaluations_counts(v);
  ok_int((int64_t)c.items, 3, "an item is a line that has n-grams");
  ok_int((int64_t)c.ngrams, 6, "all strings of an object, all fields of a line");
  ok_int((int64_t)c.short_texts, 3, "texts of one word are left out, and counted");
  int count;
  const int *lengths = evaluations_lengths(v, &count);
  ok(count == 2 && lengths[0] == 3 && lengths[1] == 2, "texts of two words are looked for as a whole");

  ok_int((int64_t)look(v, &f, "he said ONE (two) three."), 1, "an n-gram is found whatever its case and punctuation");
  const uint32_t *items;
  size_t items_count;
  evaluations_items(v, f.found[0], &items, &items_count);
  ok(items_count == 1 && items[0] == 0, "and its item");
  ok_int((int64_t)look(v, &f, "two three four"), 1, "one that two items have");
  evaluations_items(v, f.found[0], &items, &items_count);
  ok(items_count == 2 && items[0] == 0 && items[1] == 1, "tells both");
  ok_int((int64_t)look(v, &f, "a x y b"), 1, "a short text within a longer one");
  ok_int((int64_t)look(v, &f, "words here too, five six seven eight"), 2, "n-grams of two files");
  ok_int((int64_t)look(v, &f, "one three two four lone id"), 0, "nothing else is found");
  ok_int(evaluations_item_ngrams(v, 0), 4, "an item's n-grams are counted");
  evaluations_item_name(v, 1, &name);
  ok(strstr(buffer_string(&name), "a.jsonl:3") != NULL, "an item is named by file and line");
  buffer_release(&name);
  evaluations_free(v);

  v = evaluations_new(3, 2, 1 << 20);
  evaluations_close(v);
  ok_int((int64_t)look(v, &f, "one two three"), 0, "no set, nothing found");
  evaluations_free(v);

  v = evaluations_new(4, 2, 1 << 20);
  ok_int(evaluations_add(v, put("f.jsonl", "\xEF\xBB\xBF{\"q\":\"one two three\"}\n"), &e), 0, "JSON Lines behind a byte order mark");
  ok_int(evaluations_add(v, put("g.jsonl", "[{\"q\":\"five six\"},\"seven eight nine ten\"]\n"), &e), 0, "JSON Lines of arrays");
  evaluations_close(v);
  ok_int((int64_t)look(v, &f, "zero one two three"), 1, "a short text in one as long as an n-gram");
  ok(look(v, &f, "five six") > 0 && f.found[0] == f.found[look(v, &f, "five six") - 1], "a short text that is all");
  ok_int((int64_t)look(v, &f, "seven eight nine ten five six"), 2, "an n-gram and a short text");
  evaluations_free(v);

  ok(fails(put("c.jsonl", "{\"q\":\"a b c\"}\n{\"q\":\n"), "c.jsonl:2: not JSON", 1 << 20), "a damaged line is named");
  ok(fails(put("d.json", "{\n  \"q\": \"a b c\"\n}\n"), "d.json:1: begins as JSON but is none", 1 << 20), "JSON over several lines is not taken for TSV");
  ok(fails(put("e.jsonl", "{\"q\": \"a b c\"\n"), "e.jsonl:1: begins as JSON but is none", 1 << 20), "nor is a damaged first line");
  ok(fails("/no/such/set", "/no/such/set", 1 << 20), "a missing file is named");
  ok(fails(json, "-S", 100), "memory has its limit");
  ok_int((int64_t)count_words(SLICE(" a,b  \303\251t\303\251-9 "), 10), 4, "words are counted as shingles count them");
  ok_int((int64_t)count_words(SLICE("a b c"), 2), 2, "not further than asked");
  return tap_done();
}
