/* SPDX-License-Identifier: MIT
 *
 * Any bytes: prescanned, guessed, decoded in the encoding that the first byte picks; the result is valid UTF-8.
 */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const labels[] = {"utf-8", "shift_jis", "euc-jp", "iso-2022-jp", "big5", "gbk", "gb18030", "euc-kr", "utf-16", "utf-16be",
                                       "utf-32", "iso-2022-kr", "windows-1255", "koi8-u", "x-user-defined", "johab", "euc-tw", "iso-8859-8-i"};
  static struct charset_decoder *d;
  if (!d) d = charset_decoder_new();
  struct slice s = {(const char *)data, size};
  struct buffer out = {0};
  charset_prescan(s);
  charset_parameter(s);
  charset_decode(d, charset_detect(d, s, (struct slice){0}, true), s, &out);
  if (utf8_valid_prefix(out.data, out.len) != out.len) abort();
  if (size) {
    const struct charset *charset = charset_find(slice_of(labels[data[0] % (sizeof labels / sizeof *labels)]));
    buffer_clear(&out);
    charset_decode(d, charset, (struct slice){s.data + 1, size - 1}, &out);
    if (utf8_valid_prefix(out.data, out.len) != out.len || (out.len && memchr(out.data, 0, out.len))) abort();
  }
  buffer_release(&out);
  return 0;
}
