/* SPDX-License-Identifier: MIT
 *
 * struct slice: bytes that somebody else owns.  struct buffer: bytes that grow, owned by whoever embeds it.
 * A buffer is empty when zeroed; `data` may be NULL while `len` is 0 and is not NUL-terminated unless
 * buffer_string() made it so.  Appending may move `data`.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
  const char *data;
  size_t len;
};

struct buffer {
  char *data;
  size_t len, capacity;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const char *s) { return (struct slice){s, strlen(s)}; }
static inline bool slice_equal(struct slice a, struct slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool slice_starts(struct slice s, struct slice prefix) {
  return s.len >= prefix.len && memcmp(s.data, prefix.data, prefix.len) == 0;
}
struct slice slice_trim(struct slice s);                          /* without ASCII white space at both ends */
bool slice_equal_nocase(struct slice a, struct slice b);          /* ASCII letters only */
bool slice_starts_nocase(struct slice s, struct slice prefix);
const char *slice_find(struct slice s, struct slice needle);      /* first occurrence or NULL */
const char *slice_find_nocase(struct slice s, struct slice needle);

void buffer_reserve(struct buffer *b, size_t more); /* room for `more` bytes after len */
void buffer_append(struct buffer *b, const void *data, size_t n);
void buffer_append_string(struct buffer *b, const char *s);
static inline void buffer_append_slice(struct buffer *b, struct slice s) { buffer_append(b, s.data, s.len); }
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *buffer_string(struct buffer *b); /* puts a NUL after the last byte (not counted) and returns data */
static inline struct slice buffer_slice(const struct buffer *b) { return (struct slice){b->data, b->len}; }
static inline void buffer_clear(struct buffer *b) { b->len = 0; }
static inline void buffer_put(struct buffer *b, char c) {
  if (b->len == b->capacity) buffer_reserve(b, 1);
  b->data[b->len++] = c;
}
void buffer_release(struct buffer *b); /* frees and zeroes */

#endif
