/* SPDX-License-Identifier: MIT
 *
 * Words against those of datatrove's split_into_words (tests/data/text/words_reference.tsv, written by
 * tests/oracle/spacy_words.py), with every instruction set.
 */
#include "common/text/words_reference.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/simd.h"
#include "common/io/documents.h"
#include "tests/tap.h"

static struct word_list list;

static void split_and_join(struct buffer *got, struct slice text) {
  buffer_clear(got);
  words_split(&list, WORDS_REFERENCE, text);
  for (size_t i = 0; i < list.count; i++) {
    if (i) buffer_put(got, ' ');
    buffer_append(got, text.data + list.words[i].start, list.words[i].length);
  }
}

static int differing_lines(enum simd level, int *lines) {
  simd_force(level);
  FILE *f = fopen("tests/data/text/words_reference.tsv", "r");
  char *line = NULL;
  size_t capacity = 0;
  int different = 0;
  struct buffer text = {0}, want = {0}, got = {0};
  *lines = 0;
  for (ssize_t n; f && (n = getline(&line, &capacity, f)) > 0; ++*lines) {
    char *tab = memchr(line, '\t', (size_t)n), *second = tab ? strchr(tab + 1, '\t') : NULL;
    if (!second) break;
    uint64_t unknown = 0;
    buffer_clear(&text), buffer_clear(&want);
    document_unescape(&text, (struct slice){line, (size_t)(tab - line)}, &unknown);
    document_unescape(&want, (struct slice){tab + 1, (size_t)(second - tab - 1)}, &unknown);
    split_and_join(&got, buffer_slice(&text));
    if (slice_equal(buffer_slice(&got), buffer_slice(&want))) continue;
    if (different++ < 3) note("%s\n# want %s\n# got  %s", buffer_string(&text), buffer_string(&want), buffer_string(&got));
  }
  if (f) fclose(f);
  free(line);
  buffer_release(&text), buffer_release(&want), buffer_release(&got);
  return different;
}

static bool splits(struct slice text, const char *want) {
  struct buffer got = {0};
  split_and_join(&got, text);
  bool same = slice_equal(buffer_slice(&got), slice_of(want));
  if (!same) note("got %s", buffer_string(&got));
  buffer_release(&got);
  return same;
}

#define SPLITS(text, want, name) ok(splits(SLICE(text), want), name)

int main(void) {
  enum simd widest = simd_level();
  for (enum simd level = SIMD_SCALAR; level <= widest; level++) {
    int lines, different = differing_lines(level, &lines);
    ok(lines > 500 && different == 0, "every text has the reference's words (%s)", simd_name(level));
  }
  SPLITS("", "", "no text has no word");
  SPLITS(" \t\n\u3000\u00A0", "", "white space has none");
  SPLITS("I don't, he can’t", "I do n't , he ca n’t", "contractions are two words");
  SPLITS("a(Mr.) im. x:)", "a(Mr . ) i m. x :)", "exceptions that the rules have cut are joined again, within a chunk");
  SPLITS("im . im.", "i m . i m.", "but not over a blank");
  SPLITS("x:) : ) x:)", "x :) : ) x :)", "tokens parted by a blank are left alone");
  SPLITS("x:)) ) :)))))", "x : ) ) ) :))) ) )", "a longer match that falls over its blank takes the shorter ones along");

  /* Hostile texts take linear time: this would not end otherwise. */
  struct buffer b = {0};
  static const char *const pieces[] = {"(", ")", ":)", "x:) ", ".", "a.", "@", "a@b.", "-", "a-", "'", "5", "a,", "\u2026", "http://a.", "1.", "\u65E5", ":-", ": "};
  size_t counted = 0;
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    buffer_clear(&b);
    while (b.len < 2000000) buffer_append_string(&b, pieces[i]);
    words_split(&list, WORDS_REFERENCE, buffer_slice(&b));
    counted += list.count;
  }
  ok(counted > 1000000, "two million bytes of the same piece take linear time");
  buffer_release(&b);
  word_list_release(&list);
  return tap_done();
}
