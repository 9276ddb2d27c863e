/* SPDX-License-Identifier: MIT
 *
 * Texts of more than 15 bytes lie in a buffer of their own, and their entries say where.  Code points have no table: ASCII
 * is narrowed, all else is left to the caller.
 */
#include "tools/bpe-encode/detokenizer.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/io/documents.h"

enum { INLINE = 15, LONG = 0x80, LOOK = 0x81 };

/* `length` is the last byte: a whole entry is stored, and the next one overwrites what is too much. */
struct entry {
  char bytes[INLINE]; /* LONG: a struct place */
  uint8_t length;     /* up to INLINE, LONG, or LOOK */
};
struct place { /* in `texts` */
  uint32_t from, length;
};
_Static_assert(sizeof(struct entry) == 16, "an entry is copied by one vector");

struct detokenizer {
  struct entry *entries; /* of ids 0 .. size - 1 */
  uint32_t size;
  bool points;           /* ids are code points; no table */
  bool escaped;
  struct buffer texts;
};

struct detokenizer *detokenizer_new(const struct scheme *s, bool escaped) {
  struct detokenizer *d = NEW(struct detokenizer);
  struct buffer text = {0};
  d->escaped = escaped;
  d->points = scheme_wide(s);
  if (d->points) return d;
  d->size = scheme_size(s);
  d->entries = NEW_ARRAY(struct entry, (size_t)d->size + 1);
  for (uint32_t id = 0; id < d->size; id++) {
    struct entry *x = &d->entries[id];
    struct slice bytes = scheme_bytes(s, id);
    x->length = LOOK;
    if (bytes.len == 0 || scheme_eot(s) == (int64_t)id) continue;
    buffer_clear(&text);
    if (escaped) document_escape(&text, bytes);
    else buffer_append_slice(&text, bytes);
    if (text.len <= INLINE) {
      x->length = (uint8_t)text.len;
      memcpy(x->bytes, text.data, text.len);
    } else if (d->texts.len + text.len <= UINT32_MAX) {
      x->length = LONG;
      memcpy(x->bytes, &(struct place){(uint32_t)d->texts.len, (uint32_t)text.len}, sizeof(struct place));
      buffer_append_slice(&d->texts, buffer_slice(&text));
    }
  }
  buffer_release(&text);
  return d;
}

void detokenizer_free(struct detokenizer *d) {
  if (!d) return;
  free(d->entries);
  buffer_release(&d->texts);
  free(d);
}

/* ASCII, where most text is; other code points are looked at one by one. */
static size_t run_points(const struct detokenizer *d, const uint32_t *ids, size_t n, struct buffer *out) {
  buffer_reserve(out, n);
  char *to = out->data + out->len;
  size_t i = 0;
  for (; i < n && ids[i] < 0x80; i++) {
    if (d->escaped && (ids[i] == '\\' || ids[i] == '\t' || ids[i] == '\n' || ids[i] == '\r')) break;
    to[i] = (char)ids[i];
  }
  out->len += i;
  return i;
}

size_t detokenizer_run(const struct detokenizer *d, const uint32_t *ids, size_t n, struct buffer *out) {
  if (d->points) return run_points(d, ids, n, out);
  if (n == 0) return 0;
  buffer_reserve(out, n * sizeof(struct entry));
  const struct entry *entries = d->entries;
  uint32_t size = d->size;
  char *to = out->data + out->len;
  size_t i = 0;
  for (; i < n; i++) {
    if (ids[i] >= size) break;
    const struct entry *x = &entries[ids[i]];
    memcpy(to, x, sizeof *x);
    unsigned length = x->length;
    if (__builtin_expect(length > INLINE, 0)) {
      if (length == LOOK) break;
      out->len = (size_t)(to - out->data);
      struct place at;
      memcpy(&at, x->bytes, sizeof at);
      buffer_reserve(out, at.length + (n - i) * sizeof(struct entry));
      buffer_append(out, d->texts.data + at.from, at.length);
      to = out->data + out->len;
      if (out->len < DETOKENIZER_MOST) continue;
      i++;
      break;
    }
    to += length;
  }
  out->len = (size_t)(to - out->data);
  return i;
}
