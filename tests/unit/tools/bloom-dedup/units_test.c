/* SPDX-License-Identifier: MIT */
#include "tools/bloom-dedup/units.h"

#include "tests/tap.h"

/* Units of a text, each in brackets, one that passes in parentheses, with the bytes of the gaps before. */
static void cuts(const char *text, enum unit_kind kind, size_t short_length, const char *want, const char *name) {
  struct unit_cursor c = unit_cursor(slice_of(text), kind, short_length);
  struct unit u;
  struct buffer got = {0};
  while (unit_next(&c, &u)) {
    buffer_printf(&got, "%zu%c", u.gap, u.passes ? '(' : '[');
    buffer_append_slice(&got, u.bytes);
    buffer_append_string(&got, u.passes ? ")" : "]");
    if (!u.canonical) buffer_put(&got, '!');
  }
  ok_string(buffer_string(&got), want, name);
  buffer_release(&got);
}

static void edits(const char *text, enum unit_kind kind, size_t short_length, const char *drop, const char *want, size_t left, const char *name) {
  unsigned char flags[32] = {0};
  struct buffer out = {0};
  for (size_t i = 0; drop[i]; i++) flags[i] = drop[i] == 'x';
  size_t count = units_edit(&out, slice_of(text), kind, short_length, flags);
  ok_string(buffer_string(&out), want, name);
  ok_int((int64_t)count, (int64_t)left, "  and says how many are left");
  buffer_release(&out);
}

static void normal(const char *text, const char *want, const char *name) {
  struct buffer out = {0};
  unit_normalize(&out, slice_of(text));
  ok_string(buffer_string(&out), want, name);
  buffer_release(&out);
}

static bool same(const char *a, const char *b, enum unit_kind kind, bool normalize) {
  struct buffer room = {0};
  struct unit u[2];
  struct hash128 h[2];
  for (int i = 0; i < 2; i++) {
    struct unit_cursor c = unit_cursor(slice_of(i ? b : a), kind, 1);
    c.returns = true;
    unit_next(&c, &u[i]);
    h[i] = unit_hash(&u[i], normalize, 7, &room);
  }
  buffer_release(&room);
  return h[0].low == h[1].low && h[0].high == h[1].high;
}

int main(void) {
  cuts("a\\nb", UNIT_LINE, 1, "0[a]2[b]", "lines are parted by the escape");
  cuts("a\\\\nb\\nc", UNIT_LINE, 1, "0[a\\\\nb]2[c]", "an escaped backslash before an n parts nothing");
  cuts("\\n\\na\\n \\n\\t\\r\\nb\\n", UNIT_LINE, 1, "4[a]11[b]", "blank lines are no units");
  cuts("a\\n\\nb\\n", UNIT_LINE, 0, "0[a]2[]2[b]", "unless every line is one");
  cuts("", UNIT_LINE, 1, "0[]", "an empty text is one empty unit");
  cuts("", UNIT_LINE, 0, "0[]", "also where every line is one");
  cuts(" \\n", UNIT_LINE, 1, "0[]", "a blank one too, and the same");
  cuts("ab\\nabc\\nabcd", UNIT_LINE, 4, "0(ab)2(abc)2[abcd]", "short ones pass");
  cuts("", UNIT_DOCUMENT, 4, "0()", "an empty document is short");
  cuts("a\\xb\\nc\\", UNIT_LINE, 1, "0[a\\xb]!2[c\\]!", "unknown escapes and a backslash at the end are seen");
  cuts("a\\nb\\n\\nc\\n \\n\\n", UNIT_PARAGRAPH, 1, "0[a\\nb]4[c]", "paragraphs are lines in a row");
  cuts("a\\r\\n\\r\\nb", UNIT_PARAGRAPH, 1, "0[a\\r]6[b]", "a carriage return alone is a blank line");
  cuts("\\na\\n\\nb\\n \\n", UNIT_DOCUMENT, 1, "0[\\na\\n\\nb]", "a document has no blank lines at its end");
  cuts("one", UNIT_PARAGRAPH, 1, "0[one]", "one line is one paragraph");

  edits("a\\nb\\nc", UNIT_LINE, 1, ".x.", "a\\nc", 2, "a line goes with its newline");
  edits("a\\n\\nb\\n\\nc", UNIT_LINE, 1, ".x.", "a\\n\\nc", 2, "of two gaps one stays");
  edits("a\\nb\\n\\nc", UNIT_LINE, 1, ".x.", "a\\n\\nc", 2, "the longest");
  edits("a\\n\\nb\\nc", UNIT_LINE, 1, ".x.", "a\\n\\nc", 2, "wherever it stands");
  edits("\\n\\na\\n\\nb", UNIT_LINE, 1, "x.", "b", 1, "no gap stays in front when the first line goes");
  edits("\\n\\na\\n\\nb\\n\\n", UNIT_LINE, 1, ".x", "\\n\\na", 1, "what was in front of a line that stays does");
  edits("a\\nb", UNIT_LINE, 1, "xx", "", 0, "nothing may be left");
  edits("ab\\nabc\\nabcd", UNIT_LINE, 3, "xx", "ab", 1, "units that pass are not numbered");
  edits("a\\nb\\n\\nc\\nd\\n\\n\\ne", UNIT_PARAGRAPH, 1, ".x.", "a\\nb\\n\\n\\ne", 2, "paragraphs go as a whole");
  edits("a\\n\\nb\\n", UNIT_LINE, 0, ".x.", "a\\nb", 2, "blank lines go where they are units");

  normal("  Hello,\\t World!\\n", "hello world", "case, punctuation and white space");
  normal("re-use \\\\ a\\\\nb", "reuse anb", "a backslash is punctuation, whatever follows it");
  normal("\303\204RGER \342\200\236x\342\200\234\302\240\342\200\224 y", "\303\244rger x y", "beyond ASCII too");
  normal("1 < 2 = $3", "1 2 3", "and the symbols of ASCII");
  normal("\310\272\310\272\310\272\310\272", "\342\261\245\342\261\245\342\261\245\342\261\245", "a letter may grow when lowered");
  normal("--- ***", "", "nothing may be left");

  ok(same("a\\n \\n", "a", UNIT_DOCUMENT, false), "blank lines at the end do not tell documents apart");
  ok(!same("a ", "a", UNIT_DOCUMENT, false), "a space does");
  ok(same("\\d\\", "\\\\d\\\\", UNIT_LINE, false), "unknown escapes are what they stand for");
  ok(same("a\rb", "a\\rb", UNIT_LINE, false), "so are carriage returns that are not escaped");
  ok(same("\\d", "\\\\d", UNIT_LINE, true), "also when normalised");
  ok(same("A, b", "a  b", UNIT_LINE, true) && !same("A, b", "a  b", UNIT_LINE, false), "normalised units are equal");
  ok(!same("---", "***", UNIT_LINE, true), "what normalises to nothing is compared as it stands");
  ok(!same("---", "***", UNIT_LINE, false), "as without");
  return tap_done();
}
