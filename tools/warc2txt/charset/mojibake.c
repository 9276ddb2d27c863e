/* SPDX-License-Identifier: MIT
 *
 * A run is characters beyond ASCII that windows-1252 has (bytes 0x80 to 0x9F that it leaves free are U+0080 to U+009F),
 * from one that could lead a UTF-8 sequence on.  Read as bytes it must be UTF-8 to its end, or up to closing punctuation, and what
 * comes out must be better: each character of it is bad (unassigned, a control: the run stays), weak or strong evidence, and a
 * run needs a strong one.  Correct text does hold runs that happen to be UTF-8: "CAFÉ»" is C9 BB, "Úžasný" DA 9E, "voilà»…" E0
 * BB 85.  So a sequence is weak when all that follows its first letter is punctuation that closes or letters with a caron, and
 * other alphabets need two letters side by side.  Weak runs are repaired only in a text with other, strong ones.
 *
 * The idea of decoding back and comparing is ftfy's (Speer 2019, https://doi.org/10.5281/zenodo.2591652); the rules are not.
 */
#include "tools/warc2txt/charset/mojibake.h"

#include <stdbool.h>

#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset_tables.h"

enum { RUN_MAX = 4096, ROUNDS = 3, STRONG_ENOUGH = 2 };

/* The byte 0x80 to 0xFF that windows-1252 reads as c; 0: none. */
static unsigned byte_of(uint32_t c, const uint16_t *map) {
  if (c >= 0x80 && c < 0x100) return c; /* ISO-8859-1 has all of them */
  if (c < 0x152 || c > 0x2122) return 0;
  for (unsigned i = 0; i < 32; i++)
    if (map[i] == c) return 0x80 + i;
  return 0;
}

/* What may stand right behind a letter in correct text: closing marks, signs and letters that windows-1252 has below 0xA0. */
static bool may_follow(unsigned byte) {
  switch (byte) {
    case 0x82: case 0x84: case 0x85: case 0x8A: case 0x8B: case 0x8C: case 0x8E: case 0x91: case 0x92: case 0x93: case 0x94: case 0x95: case 0x96: case 0x97:
    case 0x99: case 0x9A: case 0x9B: case 0x9C: case 0x9E: case 0x9F: case 0xA0: case 0xAA: case 0xAB: case 0xAD: case 0xAE: case 0xB0: case 0xB2: case 0xB3:
    case 0xB4: case 0xB7: case 0xB9: case 0xBA: case 0xBB: return true;
    default: return false;
  }
}

enum verdict { BAD, WEAK, ALPHABET, STRONG };

/* 2-byte scripts whose letters come in words: Greek, Cyrillic, Armenian, Hebrew, Arabic; 0: none. */
static int alphabet(uint32_t c) {
  if (c >= 0x370 && c < 0x400) return 1;
  if (c >= 0x400 && c < 0x530) return 2;
  if (c >= 0x531 && c < 0x58B) return 3;
  if (c >= 0x591 && c < 0x5F5) return 4;
  return c >= 0x600 && c < 0x750 ? 5 : 0;
}

static enum verdict judge(const unsigned char *b, int n, uint32_t c, bool control) {
  bool follows = true;
  for (int i = 1; i < n; i++) follows = follows && may_follow(b[i]);
  if (n == 2) {
    if (c < 0xA0) return control ? WEAK : BAD; /* damage twice over may leave one; alone it proves nothing */
    if (c < 0x180 || c == 0x192 || c == 0x218 || c == 0x219 || c == 0x21A || c == 0x21B) return control || !follows ? STRONG : WEAK;
    if (c >= 0x2BB && c < 0x370) return WEAK;
    return alphabet(c) ? ALPHABET : BAD;
  }
  if (n == 3) {
    bool known = (c >= 0x900 && c < 0x1100) || (c >= 0x1E00 && c < 0x2070) || (c >= 0x20A0 && c < 0x20C1) || (c >= 0x2100 && c < 0x2C00) || (c >= 0x3000 && c < 0xA000) ||
                 (c >= 0xAC00 && c < 0xD7A4) || (c >= 0xF900 && c < 0xFB07) || (c >= 0xFE00 && c < 0xFE70) || (c >= 0xFE8D && c < 0xFFF0) || c == 0xFEFF || c == 0xFFFD;
    if (!known) return BAD;
    return control || !follows ? STRONG : WEAK;
  }
  return c >= 0x1F000 && c < 0x20000 ? STRONG : c >= 0x20000 && c < 0x30000 ? WEAK : BAD;
}

struct run {
  size_t end;      /* behind what would be repaired */
  bool strong;
};

/* The run at `at`, where a possible lead stands; its repair is appended to `out`.  false: no damage; run->end is behind it then. */
static bool read_run(struct slice text, size_t at, const uint16_t *map, struct run *run, struct buffer *out) {
  unsigned char bytes[RUN_MAX + 4];
  size_t ends[RUN_MAX + 4], n = 0, i = at; /* ends[k]: of the character that bytes[k] is */
  bool rest_leads = false;
  while (i < text.len && n < RUN_MAX) {
    uint32_t c = 0;
    int invalid, length = (text.data[i] & 0x80) ? utf8_decode(text.data + i, text.len - i, &c, &invalid) : 0;
    unsigned byte = length ? byte_of(c, map) : 0;
    if (!byte) break;
    i += (size_t)length;
    bytes[n] = (unsigned char)byte;
    ends[n++] = i;
  }
  *run = (struct run){.end = n ? ends[n - 1] : at + 1};
  size_t k = 0, start = out->len;
  int before = 0, letters = 0;
  while (k < n) {
    uint32_t c = 0;
    int invalid, length = utf8_decode((char *)bytes + k, n - k, &c, &invalid);
    if (length < 2) break;
    bool control = false;
    for (int j = 0; j < length; j++) {
      size_t from = k + (size_t)j ? ends[k + (size_t)j - 1] : at;
      control = control || (ends[k + (size_t)j] - from == 2 && (unsigned char)text.data[from] == 0xC2 && (unsigned char)text.data[from + 1] < 0xA0);
    }
    enum verdict verdict = judge(bytes + k, length, c, control);
    if (verdict == BAD) break;
    int script = verdict == ALPHABET ? alphabet(c) : 0;
    letters = script && script == before ? letters + 1 : script ? 1 : 0;
    before = script;
    run->strong = run->strong || verdict == STRONG || letters >= 2;
    buffer_append(out, bytes + k, (size_t)length);
    k += (size_t)length;
  }
  for (size_t j = k; j < n; j++) rest_leads = rest_leads || bytes[j] >= 0xC0;
  if (k == 0 || rest_leads) {
    out->len = start;
    return false;
  }
  run->end = ends[k - 1];
  /* a capital between small letters */
  if (bytes[0] < 0xDF && at && text.data[at - 1] >= 'a' && text.data[at - 1] <= 'z' && run->end < text.len && text.data[run->end] >= 'a' && text.data[run->end] <= 'z') run->strong = true;
  return true;
}

/* The next character from `at` on that could lead: U+00C2 to U+00F4, which are C3 82 to C3 B4. */
static size_t next_lead(struct slice text, size_t at) {
  while (at + 1 < text.len) {
    const char *p = memchr(text.data + at, 0xC3, text.len - 1 - at);
    if (!p) break;
    unsigned char second = (unsigned char)p[1];
    at = (size_t)(p - text.data);
    if (second >= 0x82 && second <= 0xB4) return at;
    at += 2;
  }
  return text.len;
}

static uint64_t repair_once(struct slice text, struct buffer *out) {
  const uint16_t *map = charset_single[charset_find(SLICE("windows-1252"))->table];
  struct run run;
  struct buffer scratch = {0};
  uint64_t strong = 0, repaired = 0;
  for (size_t i = next_lead(text, 0); i < text.len && strong < STRONG_ENOUGH; i = next_lead(text, run.end)) {
    buffer_clear(&scratch);
    strong += read_run(text, i, map, &run, &scratch) && run.strong;
  }
  buffer_release(&scratch);
  if (!strong) {
    buffer_append_slice(out, text);
    return 0;
  }
  size_t done = 0;
  for (size_t i = next_lead(text, 0); i < text.len; i = next_lead(text, run.end)) {
    buffer_append(out, text.data + done, i - done);
    size_t before = out->len;
    bool read = read_run(text, i, map, &run, out);
    if (read && (run.strong || strong >= STRONG_ENOUGH)) {
      repaired++;
    } else {
      out->len = before;
      buffer_append(out, text.data + i, run.end - i);
    }
    done = run.end;
  }
  buffer_append(out, text.data + done, text.len - done);
  return repaired;
}

uint64_t mojibake_repair(struct slice text, struct buffer *out) {
  size_t start = out->len;
  uint64_t repaired = repair_once(text, out), again = repaired;
  for (int round = 1; round < ROUNDS && again; round++) {
    struct buffer next = {0};
    again = repair_once((struct slice){out->data + start, out->len - start}, &next);
    if (again) {
      out->len = start;
      buffer_append_slice(out, buffer_slice(&next));
    }
    buffer_release(&next);
  }
  return repaired;
}
