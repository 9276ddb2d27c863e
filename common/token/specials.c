/* SPDX-License-Identifier: MIT
 *
 * Specials by first byte, longest first.  Where they all begin with one byte (`<`), memchr finds the candidates.
 */
#include "common/token/specials.h"

#include <stdlib.h>

#include "common/base/memory.h"

struct special {
  char *bytes;
  size_t len;
  uint32_t id;
};

struct specials {
  struct special *items; /* by first byte, then longest first */
  size_t capacity;
  int count;
  int first[257];        /* items of first byte b: first[b] .. first[b + 1] */
  int only;              /* the one first byte, or -1 */
};

struct specials *specials_new(void) {
  struct specials *s = NEW(struct specials);
  s->only = -1;
  return s;
}

void specials_free(struct specials *s) {
  if (!s) return;
  for (int i = 0; i < s->count; i++) free(s->items[i].bytes);
  free(s->items);
  free(s);
}

static int by_first_byte(const void *x, const void *y) {
  const struct special *a = x, *b = y;
  if (a->bytes[0] != b->bytes[0]) return (unsigned char)a->bytes[0] < (unsigned char)b->bytes[0] ? -1 : 1;
  if (a->len != b->len) return a->len > b->len ? -1 : 1;
  return a->id < b->id ? -1 : a->id > b->id;
}

void specials_add(struct specials *s, struct slice bytes, uint32_t id) {
  if (bytes.len == 0) return;
  GROW(s->items, s->capacity, s->count + 1);
  s->items[s->count++] = (struct special){COPY(bytes.data, bytes.len), bytes.len, id};
  qsort(s->items, (size_t)s->count, sizeof s->items[0], by_first_byte);
  memset(s->first, 0, sizeof s->first);
  for (int i = 0; i < s->count; i++) s->first[(unsigned char)s->items[i].bytes[0] + 1]++;
  for (int b = 0; b < 256; b++) s->first[b + 1] += s->first[b];
  unsigned char lowest = (unsigned char)s->items[0].bytes[0];
  s->only = lowest == (unsigned char)s->items[s->count - 1].bytes[0] ? lowest : -1;
}

int specials_count(const struct specials *s) { return s->count; }

size_t specials_find(const struct specials *s, struct slice text, size_t from, size_t *length, uint32_t *id) {
  if (s->count == 0) return text.len;
  for (size_t i = from; i < text.len; i++) {
    if (s->only >= 0) {
      const char *p = memchr(text.data + i, s->only, text.len - i);
      if (!p) break;
      i = (size_t)(p - text.data);
    }
    unsigned char b = (unsigned char)text.data[i];
    for (int k = s->first[b]; k < s->first[b + 1]; k++) {
      const struct special *item = &s->items[k];
      if (item->len <= text.len - i && memcmp(item->bytes, text.data + i, item->len) == 0) {
        *length = item->len;
        *id = item->id;
        return i;
      }
    }
  }
  return text.len;
}

size_t specials_cut(const struct specials *s, struct slice text, size_t i) {
  for (bool moved = true; moved && i > 0;) {
    moved = false;
    for (int k = 0; k < s->count && !moved; k++) {
      const struct special *item = &s->items[k];
      for (size_t before = 1; before < item->len && before <= i; before++) {
        size_t after = item->len - before, there = text.len - i < after ? text.len - i : after;
        if (memcmp(text.data + i - before, item->bytes, before) == 0 && memcmp(text.data + i, item->bytes + before, there) == 0) {
          i -= before;
          moved = true;
          break;
        }
      }
    }
  }
  return i;
}
