/* SPDX-License-Identifier: MIT */
#include "common/base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/base/memory.h"

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static unsigned char lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c; }

struct slice slice_trim(struct slice s) {
  while (s.len && is_space(s.data[0])) s.data++, s.len--;
  while (s.len && is_space(s.data[s.len - 1])) s.len--;
  return s;
}

bool slice_starts_nocase(struct slice s, struct slice prefix) {
  if (s.len < prefix.len) return false;
  for (size_t i = 0; i < prefix.len; i++)
    if (lower(s.data[i]) != lower(prefix.data[i])) return false;
  return true;
}

bool slice_equal_nocase(struct slice a, struct slice b) { return a.len == b.len && slice_starts_nocase(a, b); }

const char *slice_find(struct slice s, struct slice needle) {
  if (needle.len == 0) return s.data;
  return s.len ? memmem(s.data, s.len, needle.data, needle.len) : NULL;
}

const char *slice_find_nocase(struct slice s, struct slice needle) {
  for (; s.len >= needle.len; s.data++, s.len--) {
    if (slice_starts_nocase(s, needle)) return s.data;
    if (s.len == 0) break;
  }
  return NULL;
}

void buffer_reserve(struct buffer *b, size_t more) {
  if (more > SIZE_MAX / 2 - b->len) more = SIZE_MAX; /* the allocator refuses it with file and line */
  else if (b->len + more <= b->capacity) return;
  else more += b->len;
  size_t capacity = b->capacity < 64 ? 64 : b->capacity + b->capacity / 2;
  if (capacity < more) capacity = more;
  b->data = RESIZE(b->data, capacity);
  b->capacity = capacity;
}

void buffer_append(struct buffer *b, const void *data, size_t n) {
  if (n == 0) return;
  buffer_reserve(b, n);
  memcpy(b->data + b->len, data, n);
  b->len += n;
}

void buffer_append_string(struct buffer *b, const char *s) { buffer_append(b, s, strlen(s)); }

void buffer_printf(struct buffer *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (n <= 0) return;
  buffer_reserve(b, (size_t)n + 1);
  va_start(args, format);
  vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
  va_end(args);
  b->len += (size_t)n;
}

char *buffer_string(struct buffer *b) {
  buffer_reserve(b, 1);
  b->data[b->len] = 0;
  return b->data;
}

void buffer_release(struct buffer *b) {
  free(b->data);
  *b = (struct buffer){0};
}
