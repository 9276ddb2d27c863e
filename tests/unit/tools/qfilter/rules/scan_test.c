/* SPDX-License-Identifier: MIT
 *
 * The bitmaps of a text, and what is counted in them, against one character at a time, at every SIMD level.
 */
#include "tools/qfilter/rules/scan.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/text/unicode.h"
#include "tests/tap.h"
#include "tools/qfilter/rules/punctuation.h"

static struct buffer text;

static void put(uint32_t c) {
  if (c < 0x80) {
    buffer_put(&text, (char)c);
  } else if (c < 0x800) {
    buffer_put(&text, (char)(0xC0 | c >> 6));
    buffer_put(&text, (char)(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    buffer_put(&text, (char)(0xE0 | c >> 12));
    buffer_put(&text, (char)(0x80 | (c >> 6 & 0x3F)));
    buffer_put(&text, (char)(0x80 | (c & 0x3F)));
  } else {
    buffer_put(&text, (char)(0xF0 | c >> 18));
    buffer_put(&text, (char)(0x80 | (c >> 12 & 0x3F)));
    buffer_put(&text, (char)(0x80 | (c >> 6 & 0x3F)));
    buffer_put(&text, (char)(0x80 | (c & 0x3F)));
  }
}

/* Of several kinds: ASCII, Latin, any character, mostly marks, long runs. */
static void write_text(struct rng *rng, int kind, size_t characters) {
  static const uint32_t odd[] = {0x2026, 0x212A, 0x85, 0xA0, 0x2028, 0x3000, 0x2022, 0x1F600, 0x10400, 0x10A56, '.', '.', '.', '[', '{', '#', '\n', '\r', 0x1C, 0x1F, 0x7F, 0};
  buffer_clear(&text);
  for (size_t i = 0; i < characters; i++) {
    uint64_t dice = rng_below(rng, 100);
    uint32_t c = (uint32_t)(kind == 4 ? 'a' + rng_below(rng, 26) : 0x20 + rng_below(rng, 0x5F));
    if (dice < 15 && kind != 4) c = ' ';
    else if (dice < 25 && (kind == 2 || kind == 3)) c = odd[rng_below(rng, sizeof odd / sizeof *odd - 1)];
    else if (dice < 40 && kind == 1) c = (uint32_t)(0xA0 + rng_below(rng, 0x300));
    else if (dice < 60 && kind == 2) c = (uint32_t)(0x80 + rng_below(rng, 0xD700));
    else if (dice < 65 && kind == 2) c = (uint32_t)(0x10000 + rng_below(rng, 0x20000));
    else if (dice < 70 && kind == 3) c = (uint32_t)"!?.-#|"[rng_below(rng, 6)];
    put(c);
  }
}

static bool bit(const uint64_t *map, size_t i) { return map[i / 64] >> (i % 64) & 1; }

/* The maps and numbers of the scan. */
static bool maps_hold(const struct scan *s) {
  const uint8_t *flags = unicode_table();
  size_t characters = 0, newlines = 0, hashes = 0, ellipses = 0, run = 0;
  bool good = true, ascii = true, dots = false, breaks = false, kelvin = false;
  for (size_t i = 0; i < text.len;) {
    int length;
    uint32_t c = unicode_decode(text.data + i, &length);
    uint8_t f = unicode_flags(flags, c);
    bool space = f & UNICODE_SPACE;
    good &= bit(s->letter, i) == ((f & UNICODE_LETTER) != 0) && bit(s->plain, i) == (!space && !char_set_has(symbol_set(), c));
    good &= bit(s->newline, i) == (c == '\n') && bit(s->mark, i) == (c == '[' || c == '{');
    for (int k = 0; k < length; k++) good &= bit(s->space, i + (size_t)k) == space;
    for (int k = 1; k < length; k++) good &= !bit(s->letter, i + (size_t)k) && !bit(s->plain, i + (size_t)k) && bit(s->continuation, i + (size_t)k);
    if (!s->ascii) good &= !bit(s->continuation, i);
    characters++;
    newlines += c == '\n';
    hashes += c == '#';
    ellipses += c == 0x2026;
    kelvin |= c == 0x212A;
    ascii &= c < 0x80;
    breaks |= (f & UNICODE_LINE_BREAK) && c != '\n';
    dots |= c == '.' && i >= 2 && text.data[i - 1] == '.' && text.data[i - 2] == '.';
    run = space ? 0 : run + (size_t)length;
    good &= run <= s->longest_run;
    i += (size_t)length;
  }
  for (size_t i = text.len; i < (s->blocks + 1) * 64; i++) good &= bit(s->space, i) && !bit(s->letter, i) && !bit(s->plain, i) && !bit(s->newline, i);
  return good && s->characters == characters && s->newlines == newlines && s->hashes == hashes && s->ellipsis_characters == ellipses && s->ascii == ascii && s->dots == dots &&
         s->other_breaks == breaks && s->kelvin == kelvin;
}

static struct scan_words plain_words(const struct word_list *list) {
  const uint8_t *flags = unicode_table();
  struct scan_words v = {.words = list->count};
  for (size_t w = 0; w < list->count; w++) {
    size_t characters = 0;
    bool letter = false, plain = false;
    for (size_t i = list->words[w].start, end = i + list->words[w].length; i < end;) {
      int length;
      uint32_t c = unicode_decode(text.data + i, &length);
      letter |= (unicode_flags(flags, c) & UNICODE_LETTER) != 0;
      plain |= !char_set_has(symbol_set(), c);
      characters++;
      i += (size_t)length;
    }
    v.alphabetic += letter;
    v.plain += plain;
    v.plain_characters += plain ? characters : 0;
    if (characters > v.longest) v.longest = characters;
  }
  return v;
}

static bool same(struct scan_words a, struct scan_words b) {
  return a.words == b.words && a.alphabetic == b.alphabetic && a.plain == b.plain && a.plain_characters == b.plain_characters;
}

static bool ranges_hold(const struct scan *s, struct rng *rng) {
  bool good = true;
  for (int k = 0; k < 50 && text.len; k++) {
    size_t start = rng_below(rng, text.len + 1), end = start + rng_below(rng, text.len + 1 - start);
    while (start && start < text.len && (text.data[start] & 0xC0) == 0x80) start--;
    while (end < text.len && (text.data[end] & 0xC0) == 0x80) end++;
    size_t newlines = 0, next = end;
    for (size_t i = end; i-- > start;)
      if (text.data[i] == '\n') newlines++, next = i;
    good &= scan_any(s->newline, start, end) == (newlines > 0) && scan_count(s->newline, start, end) == newlines && scan_next(s->newline, start, end) == next;
    good &= scan_characters(s, start, end) == unicode_count(text.data + start, end - start);
    struct slice part = {text.data + start, end - start}, stripped = unicode_strip(part);
    scan_strip(s, &start, &end);
    good &= end - start == stripped.len && (stripped.len == 0 || text.data + start == stripped.data);
    struct word_list list = {0};
    words_split(&list, WORDS_SPACE, stripped);
    good &= scan_words_in(s, start, end) == list.count;
    word_list_release(&list);
  }
  return good;
}

int main(void) {
  struct scan s = {0};
  struct word_list list = {0};
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) continue;
    struct rng rng;
    rng_init(&rng, 9);
    int all = 0, maps = 0, runs = 0, lists = 0, tokens = 0, ranges = 0;
    for (int t = 0; t < 400; t++) {
      write_text(&rng, t % 5, t < 140 ? (size_t)t : rng_below(&rng, 700));
      char *exact = COPY(text.data ? text.data : "", text.len); /* so that a sanitizer sees a byte read too many */
      scan_text(&s, (struct slice){exact, text.len});
      all++;
      maps += maps_hold(&s);
      words_split(&list, WORDS_SPACE, buffer_slice(&text));
      struct scan_words got, want = plain_words(&list);
      scan_count_words(&s, NULL, &got);
      runs += same(got, want);
      scan_count_words(&s, &list, &got);
      lists += same(got, want) && got.longest == want.longest;
      words_split(&list, WORDS_UNICODE, buffer_slice(&text));
      want = plain_words(&list);
      scan_count_words(&s, &list, &got);
      tokens += same(got, want) && got.longest == want.longest;
      ranges += ranges_hold(&s, &rng);
      free(exact);
    }
    ok(maps == all, "bitmaps of %d of %d texts, %s", maps, all, simd_name(level));
    ok(runs == all && lists == all && tokens == all, "words by what they hold (%d, %d, %d of %d), %s", runs, lists, tokens, all, simd_name(level));
    ok(ranges == all, "ranges (%d of %d), %s", ranges, all, simd_name(level));
  }
  scan_release(&s);
  word_list_release(&list);
  buffer_release(&text);
  return tap_done();
}
