/* SPDX-License-Identifier: MIT
 *
 * Any text cut into units: they follow each other, gaps and units make up the text, editing with nothing to drop gives the
 * text without what stands behind its last unit, and hashes do not depend on how an unknown escape is written.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "tools/bloom-dedup/units.h"

static void check(struct slice text, enum unit_kind kind, size_t short_length, const uint8_t *bits, size_t bit_count) {
  struct unit_cursor c = unit_cursor(text, kind, short_length);
  c.returns = true;
  struct unit u;
  struct buffer room = {0}, kept = {0}, canonical = {0}, plain = {0};
  size_t at = 0, units = 0, passing = 0;
  uint64_t unknown = 0;
  unsigned char *drop = calloc(text.len + 2, 1);
  if (!drop) abort();
  while (unit_next(&c, &u)) {
    if (u.bytes.data < text.data + at || u.bytes.data - u.gap != text.data + at) abort();
    at = (size_t)(u.bytes.data - text.data) + u.bytes.len;
    if (at > text.len) abort();
    passing += u.passes;
    units += !u.passes;
    /* the same unit, written canonically */
    struct unit other = u;
    buffer_clear(&plain);
    document_unescape(&plain, u.bytes, &unknown);
    buffer_clear(&canonical);
    document_escape(&canonical, buffer_slice(&plain));
    other.bytes = buffer_slice(&canonical);
    other.canonical = true;
    for (int normalize = 0; normalize < 2; normalize++) {
      struct hash128 a = unit_hash(&u, normalize, 1, &room), b = unit_hash(&other, normalize, 1, &room);
      if (a.low != b.low || a.high != b.high) abort();
    }
  }
  if (units + passing == 0) abort();
  if (units_edit(&kept, text, kind, short_length, drop) != units + passing) abort();
  if (kept.len != at || (at && memcmp(kept.data, text.data, at) != 0)) abort();
  size_t dropped = 0;
  for (size_t i = 0; i < units; i++) dropped += drop[i] = bit_count ? bits[i % bit_count] & 1 : 0;
  buffer_clear(&kept);
  if (units_edit(&kept, text, kind, short_length, drop) != units + passing - dropped || kept.len > text.len) abort();
  free(drop);
  buffer_release(&room);
  buffer_release(&kept);
  buffer_release(&canonical);
  buffer_release(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct buffer clean = {0};
  uint64_t invalid = 0, nul = 0;
  if (size > 1 << 16) return 0;
  utf8_sanitize(&clean, (const char *)data, size, &invalid, &nul);
  for (size_t i = 0; i < clean.len; i++) /* a text has no tab and no newline; some letters become backslashes */
    if (clean.data[i] == '\t' || clean.data[i] == '\n' || clean.data[i] == 'q') clean.data[i] = '\\';
  struct slice text = {clean.data ? clean.data : "", clean.len};
  for (int kind = UNIT_DOCUMENT; kind <= UNIT_LINE; kind++)
    for (size_t short_length = 0; short_length < 4; short_length++) check(text, (enum unit_kind)kind, short_length, data, size);
  buffer_release(&clean);
  return 0;
}
