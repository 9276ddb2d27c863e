/* SPDX-License-Identifier: MIT
 *
 * Any bytes: prescanned, detected with no label, a label of their own and a lying one, guessed, decoded in the encoding that the
 * first byte picks, in one piece and behind other text; the results are valid UTF-8 without NUL, and equal.  Repairing mojibake
 * keeps it valid and is stable.
 */
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset_tables.h"
#include "tools/warc2txt/charset/mojibake.h"

static void require(bool condition) {
  if (!condition) abort();
}

static void require_text(const struct buffer *b) { require(utf8_valid_prefix(b->data, b->len) == b->len && !(b->len && memchr(b->data, 0, b->len))); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct charset_decoder *d;
  if (!d) d = charset_decoder_new();
  struct slice s = {(const char *)data, size};
  struct buffer out = {0}, again = {0}, repaired = {0};
  charset_prescan(s);
  charset_parameter(s);
  charset_find(s);
  require(charset_guess(d, s, NULL) != NULL);
  require(charset_detect(d, s, s, true) != NULL);
  charset_decode(d, charset_detect(d, s, (struct slice){0}, true), s, &out);
  require_text(&out);
  if (size) {
    const struct charset_label *label = &charset_labels[data[0] % charset_label_count];
    struct slice body = {s.data + 1, size - 1};
    struct buffer field = {0};
    buffer_printf(&field, "text/html; charset=%s", label->label);
    require(charset_detect(d, body, buffer_slice(&field), false) != NULL);
    buffer_release(&field);
    buffer_clear(&out);
    uint64_t replaced = charset_decode(d, &charsets[label->charset], body, &out);
    require_text(&out);
    buffer_append(&again, "before", 6);
    require(charset_decode(d, &charsets[label->charset], body, &again) == replaced && again.len == out.len + 6);
    require(out.len == 0 || memcmp(again.data + 6, out.data, out.len) == 0);
  }
  uint64_t runs = mojibake_repair(buffer_slice(&out), &repaired);
  require(utf8_valid_prefix(repaired.data, repaired.len) == repaired.len && repaired.len <= out.len);
  require(runs || slice_equal(buffer_slice(&repaired), buffer_slice(&out)));
  buffer_release(&out);
  buffer_release(&again);
  buffer_release(&repaired);
  return 0;
}
