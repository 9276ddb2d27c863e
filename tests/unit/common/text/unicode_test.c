/* SPDX-License-Identifier: MIT */
#include "common/text/unicode.h"

#include "common/base/utf8.h"
#include "tests/tap.h"

static bool has(uint32_t c, unsigned flags) { return (unicode_flags(unicode_table(), c) & flags) == flags; }

static bool lines(struct slice text, const char *want) {
  struct buffer got = {0};
  struct slice line;
  for (size_t at = 0; unicode_next_line(text, &at, &line);) {
    buffer_append_slice(&got, line);
    buffer_put(&got, '|');
  }
  bool same = slice_equal(buffer_slice(&got), slice_of(want));
  if (!same) note("got %s", buffer_string(&got));
  buffer_release(&got);
  return same;
}

int main(void) {
  int spaces = 0, breaks = 0, digits = 0, letters = 0;
  for (uint32_t c = 0; c < 0x110000; c++) {
    uint8_t f = unicode_flags(unicode_table(), c);
    spaces += !!(f & UNICODE_SPACE);
    breaks += !!(f & UNICODE_LINE_BREAK);
    digits += !!(f & UNICODE_DIGIT);
    letters += !!(f & UNICODE_LETTER);
  }
  ok_int(spaces, 29, "29 code points are white space for Python");
  ok_int(breaks, 10, "ten end a line of splitlines()");
  ok(digits >= 650 && letters >= 131000, "digits and letters are Unicode's (%d, %d)", digits, letters);
  ok(has('A', UNICODE_LETTER | UNICODE_UPPER | UNICODE_WORD) && has(0xE9, UNICODE_LETTER | UNICODE_LOWER) && has(0x4E00, UNICODE_LETTER) && !has(0x4E00, UNICODE_LOWER), "letters and case");
  ok(has('_', UNICODE_PUNCTUATION | UNICODE_WORD) && has(0x3002, UNICODE_PUNCTUATION) && !has('+', UNICODE_PUNCTUATION), "punctuation");
  ok(has(0x0663, UNICODE_DIGIT) && !has(0xB2, UNICODE_DIGIT) && has(0xB2, UNICODE_WORD), "decimal digits");
  ok(has(0x10400, UNICODE_LETTER | UNICODE_UPPER) && has(0x1D7D8, UNICODE_DIGIT), "above the Basic Multilingual Plane");

  ok(lines(SLICE(""), ""), "an empty text has no line");
  ok(lines(SLICE("a"), "a|") && lines(SLICE("a\n"), "a|") && lines(SLICE("\n"), "|") && lines(SLICE("a\n\nb"), "a||b|"), "lines");
  ok(lines(SLICE("a\r\nb\rc\n\rd\r"), "a|b|c||d|"), "CR LF is one break");
  ok(lines(SLICE("a\vb\fc\x1c" "d\x1d" "e\x1e" "f\x1fg"), "a|b|c|d|e|f\x1fg|"), "control separators, but not US");
  ok(lines(SLICE("a\xC2\x85" "b\u2028c\u2029d\u00A0e\u2026f"), "a|b|c|d\u00A0e\u2026f|"), "NEL, LS and PS");

  struct slice s = unicode_strip(SLICE(" \u3000\u2003a \u00A0b\x1f\u205F\n"));
  ok(slice_equal(s, SLICE("a \u00A0b")), "strip() takes every white space off both ends");
  ok(unicode_strip(SLICE(" \u2028\t")).len == 0 && unicode_strip(SLICE("")).len == 0, "nothing stays of white space");
  ok(slice_equal(unicode_strip_left(SLICE("\u00A0x ")), SLICE("x ")) && slice_equal(unicode_strip_right(SLICE(" x\u00A0")), SLICE(" x")), "lstrip() and rstrip()");
  ok_int((int64_t)unicode_count("a\u00E9\u4E00\U0001F600bcdefghij", 19), 13, "code points are counted");
  bool same = true;
  for (uint32_t c = 1; c < 0x110000; c += c < 0x3000 ? 1 : 37) {
    char bytes[4];
    int n = utf8_encode(c, bytes), length;
    if (c < 0xD800 || c > 0xDFFF) same &= unicode_decode(bytes, &length) == c && length == n;
  }
  ok(same, "decoding undoes encoding");
  return tap_done();
}
