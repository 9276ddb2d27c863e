/* SPDX-License-Identifier: MIT */
#include "common/base/utf8.h"

#include <string.h>

int utf8_decode(const char *text, size_t n, uint32_t *code_point, int *invalid) {
  const unsigned char *s = (const unsigned char *)text;
  unsigned c = s[0];
  *invalid = 1;
  if (c < 0x80) {
    *code_point = c;
    return 1;
  }
  if (c < 0xC2 || c > 0xF4) return 0;
  int length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  /* the second byte's range excludes overlong forms, surrogates and values above U+10FFFF */
  unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80, high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
  uint32_t value = c & (0x7Fu >> length);
  for (int i = 1; i < length; i++) {
    if ((size_t)i >= n || s[i] < low || s[i] > high) {
      *invalid = i;
      return 0;
    }
    value = value << 6 | (s[i] & 0x3Fu);
    low = 0x80, high = 0xBF;
  }
  *code_point = value;
  return length;
}

size_t utf8_valid_prefix(const char *s, size_t n) {
  size_t i = 0;
  while (i < n) {
    uint64_t word;
    while (i + 8 <= n && (memcpy(&word, s + i, 8), (word & 0x8080808080808080u) == 0)) i += 8;
    while (i < n && (unsigned char)s[i] < 0x80) i++;
    while (i < n && (unsigned char)s[i] >= 0x80) {
      uint32_t code_point;
      int invalid, length = utf8_decode(s + i, n - i, &code_point, &invalid);
      if (!length) return i;
      i += (size_t)length;
    }
  }
  return n;
}

int utf8_encode(uint32_t c, char bytes[4]) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
  if (c < 0x80) return bytes[0] = (char)c, 1;
  int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; i--, c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
  bytes[0] = (char)((0xF00u >> length & 0xFF) | c);
  return length;
}

void utf8_append(struct buffer *b, uint32_t code_point) {
  char bytes[4];
  buffer_append(b, bytes, (size_t)utf8_encode(code_point, bytes));
}

void utf8_sanitize(struct buffer *out, const char *s, size_t n, uint64_t *invalid, uint64_t *nul) {
  while (n) {
    size_t valid = utf8_valid_prefix(s, n);
    n -= valid;
    for (const char *end = s + valid; s < end;) {
      const char *zero = memchr(s, 0, (size_t)(end - s));
      size_t good = zero ? (size_t)(zero - s) : (size_t)(end - s);
      buffer_append(out, s, good);
      s += good;
      if (zero) ++*nul, s++;
    }
    if (!n) return;
    uint32_t code_point;
    int skip;
    utf8_decode(s, n, &code_point, &skip);
    buffer_append(out, "\xEF\xBF\xBD", 3);
    ++*invalid;
    s += skip, n -= (size_t)skip;
  }
}

size_t utf8_count(const char *s, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) count += ((unsigned char)s[i] & 0xC0) != 0x80;
  return count;
}
