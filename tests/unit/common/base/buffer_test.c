/* SPDX-License-Identifier: MIT */
#include "common/base/buffer.h"

#include <stdlib.h>

#include "tests/tap.h"

int main(void) {
  struct buffer b = {0};
  ok(b.data == NULL && buffer_slice(&b).len == 0, "a zeroed buffer is empty");
  ok_string(buffer_string(&b), "", "an empty buffer is an empty string");
  for (int i = 0; i < 100000; i++) buffer_put(&b, (char)('a' + i % 26));
  bool same = b.len == 100000;
  for (int i = 0; same && i < 100000; i++) same = b.data[i] == 'a' + i % 26;
  ok(same, "bytes put one by one stay where they are while it grows");
  buffer_clear(&b);
  buffer_append(&b, NULL, 0);
  ok(b.len == 0, "appending nothing, even from NULL, is fine");
  buffer_append_string(&b, "x=");
  buffer_printf(&b, "%d,%s", 42, "");
  buffer_printf(&b, "%s", "");
  buffer_append_slice(&b, SLICE("\0y"));
  ok_bytes(b.data, b.len, "x=42,\0y", 7, "text, formatted text and bytes with NUL join");
  char *text = buffer_string(&b);
  ok(b.len == 7 && text[7] == 0, "buffer_string() ends it with a NUL that does not count");
  char *long_text = malloc(300001);
  memset(long_text, 'z', 300000);
  long_text[300000] = 0;
  buffer_clear(&b);
  buffer_printf(&b, "<%s>", long_text);
  ok(b.len == 300002 && b.data[0] == '<' && b.data[300001] == '>', "formatted text has no limit");
  free(long_text);
  buffer_release(&b);
  ok(b.data == NULL && b.len == 0 && b.capacity == 0, "released, it is zeroed again");

  struct slice s = slice_trim(SLICE(" \t\r\n\v\fa b \n"));
  ok_bytes(s.data, s.len, "a b", 3, "trim takes ASCII white space off both ends");
  ok(slice_trim(SLICE(" \n")).len == 0 && slice_trim((struct slice){0}).len == 0, "trim of blanks and of nothing is empty");
  ok(slice_equal_nocase(SLICE("Content-TYPE"), SLICE("content-type")), "case is ignored for letters");
  ok(!slice_equal_nocase(SLICE("a@"), SLICE("a`")) && !slice_equal_nocase(SLICE("\xC0"), SLICE("\xE0")) && !slice_equal_nocase(SLICE("["), SLICE("{")), "and only for ASCII letters");
  ok(slice_starts_nocase(SLICE("BYTES=1"), SLICE("bytes=")) && !slice_starts_nocase(SLICE("by"), SLICE("bytes")), "prefixes without case");
  struct slice hay = SLICE("one two TWO");
  ok(slice_find(hay, SLICE("two")) == hay.data + 4 && slice_find(hay, SLICE("TWO")) == hay.data + 8, "find is exact");
  ok(slice_find_nocase(hay, SLICE("TWO")) == hay.data + 4, "find without case gives the first");
  ok(!slice_find(hay, SLICE("twox")) && !slice_find_nocase(hay, SLICE("one two two ")) && !slice_find((struct slice){0}, SLICE("a")) && !slice_find_nocase((struct slice){0}, SLICE("a")), "nothing found is NULL");
  ok(slice_find(hay, SLICE("")) == hay.data && slice_find_nocase(hay, SLICE("")) == hay.data, "the empty needle is at the start");
  ok(slice_equal((struct slice){0}, SLICE("")) && !slice_equal(SLICE("a"), SLICE("b")), "equality, also of nothing");
  return tap_done();
}
