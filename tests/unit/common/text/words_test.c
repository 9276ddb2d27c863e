/* SPDX-License-Identifier: MIT
 *
 * Words: the rules of UAX 29 one by one (examples of its section 4 and of WordBreakTest.txt), runs of one mark, white
 * space as Python sees it.
 */
#include "common/text/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static bool splits(enum words_mode mode, struct slice text, const char *want) {
  struct word_list list = {0};
  struct buffer got = {0};
  words_split(&list, mode, text);
  for (size_t i = 0; i < list.count; i++) {
    if (i) buffer_put(&got, '|');
    buffer_append(&got, text.data + list.words[i].start, list.words[i].length);
  }
  bool same = slice_equal(buffer_slice(&got), slice_of(want));
  if (!same) note("got %s", buffer_string(&got));
  word_list_release(&list);
  buffer_release(&got);
  return same;
}

#define UNICODE(text, want, name) ok(splits(WORDS_UNICODE, SLICE(text), want), name)
#define SPACE(text, want, name) ok(splits(WORDS_SPACE, SLICE(text), want), name)

int main(void) {
  UNICODE("", "", "no text has no word");
  UNICODE(" \t\r\n\u2028\u00A0\u3000", "", "white space has none");
  UNICODE("The quick (\"brown\") fox can't jump 32.3 feet, right?", "The|quick|(|\"|brown|\"|)|fox|can't|jump|32.3|feet|,|right|?", "the annex's own example");
  UNICODE("a'b 'a b' a''b", "a'b|'|a|b|'|a|''|b", "an apostrophe joins only between two letters");
  UNICODE("don\u2019t", "don\u2019t", "so does the typographic one");
  UNICODE("1,000.5 1, .5 1,,2 a,b", "1,000.5|1|,|.|5|1|,,|2|a|,|b", "comma and full stop join digits");
  UNICODE("e.g. U.S.A. a.b", "e.g|.|U.S.A|.|a.b", "full stops join letters");
  UNICODE("snake_case _x_ __", "snake_case|_x_|__", "underscores join");
  UNICODE("a1b2 3d", "a1b2|3d", "letters and digits join");
  UNICODE("x-y a/b #tag @me", "x|-|y|a|/|b|#|tag|@|me", "other marks stand alone");
  UNICODE("wait... ---- =-= !!?", "wait|...|----|=|-|=|!!|?", "a run of one mark is one word");
  UNICODE("\u65E5\u672C\u8A9E \u3072\u3089 \u30AB\u30BF\u30AB\u30CA \uD55C\uAD6D\uC5B4", "\u65E5|\u672C|\u8A9E|\u3072|\u3089|\u30AB\u30BF\u30AB\u30CA|\uD55C\uAD6D\uC5B4", "ideographs and Hiragana stand alone, Katakana and Hangul join");
  UNICODE("\u65E5\u65E5\u65E5\u3002", "\u65E5|\u65E5|\u65E5|\u3002", "a letter written twice is no run");
  UNICODE("\u0E44\u0E17\u0E22", "\u0E44|\u0E17|\u0E22", "Thai letters stand alone");
  UNICODE("e\u0301a e\u0301 \u0301", "e\u0301a|e\u0301|\u0301", "marks belong to what stands before");
  UNICODE("a\u00ADb a\u200Db", "a\u00ADb|a\u200Db", "so do format characters");
  UNICODE("\u05D0\"\u05D1 \u05D0' \u05D0\"", "\u05D0\"\u05D1|\u05D0'|\u05D0|\"", "Hebrew quotes");
  UNICODE("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7\U0001F1EA", "\U0001F1E9\U0001F1EA|\U0001F1EB\U0001F1F7|\U0001F1EA", "flags are pairs");
  UNICODE("\U0001F468\u200D\U0001F469\u200D\U0001F467\U0001F600", "\U0001F468\u200D\U0001F469\u200D\U0001F467|\U0001F600", "an emoji sequence is one word");
  UNICODE("\U0001F44D\U0001F3FD\U0001F44D", "\U0001F44D\U0001F3FD|\U0001F44D", "with its skin tone");
  UNICODE("a\u2028b\xC2\x85" "c\x1c" "d", "a|b|c|d", "every separator of Python's splits");
  UNICODE("x\u202Fy", "x|y", "a narrow no-break space is white space, not a joiner");
  UNICODE("\xEF\xBB\xBFthe", "\xEF\xBB\xBF|the", "a byte order mark is a word of its own");
  UNICODE("a:b a::b 1:2", "a:b|a|::|b|1|:|2", "a colon joins letters, not digits");
  SPACE("", "", "no text has no word (space)");
  SPACE("  a.b  c,\td\n\u00A0e\u3000f\x1fg\u200Bh ", "a.b|c,|d|e|f|g\u200Bh", "str.split()");

  bool good = true;
  for (int n = 50; n < 140; n++) { /* about a block of 64 bytes */
    char text[160], want[160];
    memset(text, 'a', sizeof text);
    for (enum words_mode mode = WORDS_REFERENCE; mode <= WORDS_UNICODE; mode++) {
      snprintf(text + n, 8, "%s", n % 2 ? " b" : "");
      snprintf(want, sizeof want, "%.*s%s", n, text, n % 2 ? "|b" : "");
      good &= splits(mode, slice_of(text), want);
      snprintf(text + n, 8, "%s", n % 2 ? ", b." : ",");
      snprintf(want, sizeof want, "%.*s%s", n, text, n % 2 ? mode == WORDS_UNICODE ? "|,|b|." : "|,|b." : "|,");
      good &= splits(mode, slice_of(text), want);
      memset(text, 'a', sizeof text);
    }
  }
  ok(good, "words of a block's length and more, with and without a mark");

  /* Long words and long runs take linear time: this would not end otherwise. */
  struct buffer b = {0};
  struct word_list list = {0};
  for (int i = 0; i < 5000000; i++) buffer_append(&b, i % 2 ? "a'" : "-.", 2);
  words_split(&list, WORDS_UNICODE, buffer_slice(&b));
  ok(list.count > 5000000, "ten million bytes of marks");
  buffer_clear(&b);
  for (int i = 0; i < 20000000; i++) buffer_put(&b, 'x');
  words_split(&list, WORDS_UNICODE, buffer_slice(&b));
  ok(list.count == 1 && list.words[0].length == 20000000, "a word of twenty million bytes");
  word_list_release(&list);
  buffer_release(&b);
  return tap_done();
}
