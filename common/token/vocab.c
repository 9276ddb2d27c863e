/* SPDX-License-Identifier: MIT
 *
 * The vocabulary's data, its native form, and the checks that every reader ends with.
 */
#include "common/token/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"

void vocab_init(struct vocab *v) {
  memset(v, 0, sizeof *v);
  v->eot = -1;
}

void vocab_release(struct vocab *v) {
  free(v->entries);
  buffer_release(&v->bytes);
  free(v->pattern);
  free(v->prefix);
  free(v->suffix);
  vocab_init(v);
}

int vocab_add(struct vocab *v, uint32_t id, struct slice bytes, struct err *e) {
  if (id >= VOCAB_LIMIT) return err_set(e, "token id %" PRIu32 " is too large", id);
  if (bytes.len == 0) return err_set(e, "token %" PRIu32 " is empty", id);
  if (bytes.len > UINT32_MAX) return err_set(e, "token %" PRIu32 " is too long", id);
  if (id < v->size && v->entries[id].length) return err_set(e, "token id %" PRIu32 " occurs twice", id);
  GROW(v->entries, v->capacity, (size_t)id + 1);
  for (; v->size <= id; v->size++) v->entries[v->size] = (struct vocab_entry){.left = VOCAB_NONE, .right = VOCAB_NONE, .rank = VOCAB_NONE};
  v->entries[id].offset = v->bytes.len;
  v->entries[id].length = (uint32_t)bytes.len;
  buffer_append_slice(&v->bytes, bytes);
  return 0;
}

int vocab_add_special(struct vocab *v, uint32_t id, struct slice bytes, struct err *e) {
  if (vocab_add(v, id, bytes, e)) return -1;
  v->entries[id].special = true;
  return 0;
}

int vocab_check(const struct vocab *v, struct err *e) {
  bool seen[256] = {false};
  struct hashmap *ordinary = hashmap_new();
  int status = 0;
  for (uint32_t id = 0; id < v->size && status == 0; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special) continue;
    struct slice bytes = vocab_bytes(v, id);
    bool added;
    uint64_t *other = hashmap_put(ordinary, bytes, &added);
    if (!added) {
      status = err_set(e, "tokens %" PRIu64 " and %" PRIu32 " have the same bytes", *other, id);
      break;
    }
    *other = id;
    if (bytes.len == 1) seen[(unsigned char)bytes.data[0]] = true;
    if (t->left == VOCAB_NONE && t->right == VOCAB_NONE) continue;
    if (t->left == id && t->right == id) continue; /* no merge makes it: for decoding only */
    struct slice left = vocab_bytes(v, t->left), right = vocab_bytes(v, t->right);
    if (left.len == 0 || right.len == 0 || v->entries[t->left].special || v->entries[t->right].special || left.len + right.len != bytes.len || memcmp(left.data, bytes.data, left.len) || memcmp(right.data, bytes.data + left.len, right.len))
      status = err_set(e, "token %" PRIu32 " is not its parts %" PRIu32 " and %" PRIu32 " joined", id, t->left, t->right);
  }
  hashmap_free(ordinary);
  for (int b = 0; b < 256 && status == 0; b++)
    if (!seen[b]) status = err_set(e, "byte %02X has no token: not a byte-level vocabulary", b);
  if (status == 0 && v->eot >= 0 && vocab_bytes(v, (uint32_t)v->eot).len == 0) status = err_set(e, "end-of-text id %" PRId64 " is not in the vocabulary", v->eot);
  if (status == 0 && !v->pattern) status = err_set(e, "no pattern");
  return status;
}

/* ---- escapes -------------------------------------------------------------------------------------------------------- */

void vocab_escape(struct buffer *out, struct slice bytes) {
  for (size_t i = 0; i < bytes.len;) {
    unsigned char c = (unsigned char)bytes.data[i];
    uint32_t u;
    int invalid, n = utf8_decode(bytes.data + i, bytes.len - i, &u, &invalid);
    if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      buffer_printf(out, "\\x%02X", c);
      i++;
      continue;
    }
    switch (c) {
    case '\t': buffer_append(out, "\\t", 2); break;
    case '\n': buffer_append(out, "\\n", 2); break;
    case '\r': buffer_append(out, "\\r", 2); break;
    case '\\': buffer_append(out, "\\\\", 2); break;
    default: buffer_append(out, bytes.data + i, (size_t)n);
    }
    i += (size_t)n;
  }
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

int vocab_unescape(struct buffer *out, struct slice field) {
  for (size_t i = 0; i < field.len; i++) {
    if (field.data[i] != '\\') {
      buffer_put(out, field.data[i]);
      continue;
    }
    if (++i == field.len) return -1;
    switch (field.data[i]) {
    case 't': buffer_put(out, '\t'); break;
    case 'n': buffer_put(out, '\n'); break;
    case 'r': buffer_put(out, '\r'); break;
    case '\\': buffer_put(out, '\\'); break;
    case 'x':
      if (field.len - i < 3 || hex(field.data[i + 1]) < 0 || hex(field.data[i + 2]) < 0) return -1;
      buffer_put(out, (char)(hex(field.data[i + 1]) << 4 | hex(field.data[i + 2])));
      i += 2;
      break;
    default: return -1;
    }
  }
  return 0;
}

/* ---- native form ---------------------------------------------------------------------------------------------------- */

static void put_number(struct buffer *out, uint32_t n) {
  char digits[10];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + n % 10);
  while (n /= 10);
  buffer_append(out, digits + at, sizeof digits - at);
}

static void write_row(struct buffer *out, const struct vocab *v, uint32_t id) {
  const struct vocab_entry *t = &v->entries[id];
  put_number(out, id);
  buffer_put(out, '\t');
  vocab_escape(out, vocab_bytes(v, id));
  buffer_put(out, '\t');
  if (t->left != VOCAB_NONE) put_number(out, t->left);
  buffer_put(out, '\t');
  if (t->left != VOCAB_NONE) put_number(out, t->right);
  buffer_put(out, '\n');
}

struct ranked {
  uint32_t rank, id;
};

static int by_rank(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  return a->rank < b->rank ? -1 : a->rank > b->rank;
}

void vocab_write(struct buffer *out, const struct vocab *v) {
  buffer_append_string(out, "#crawl2lm-tokenizer\t1\n");
  for (const char *s = v->pattern;; s++) {
    size_t n = strcspn(s, "\n");
    buffer_append_string(out, "#pattern\t");
    buffer_append(out, s, n);
    buffer_put(out, '\n');
    s += n;
    if (!*s) break;
  }
  struct ranked *merges = NEW_ARRAY(struct ranked, (size_t)v->size + 1);
  size_t count = 0;
  bool rising = true;
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->special) {
      buffer_printf(out, "#special\t%" PRIu32 "\t", id);
      vocab_escape(out, vocab_bytes(v, id));
      buffer_put(out, '\n');
    }
    if (t->rank != VOCAB_NONE) {
      rising = rising && (count == 0 || merges[count - 1].rank < t->rank);
      merges[count++] = (struct ranked){t->rank, id};
    }
  }
  if (v->eot >= 0) buffer_printf(out, "#eot\t%" PRId64 "\n", v->eot);
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].length && (rising || v->entries[id].rank == VOCAB_NONE)) write_row(out, v, id);
  if (!rising) {
    qsort(merges, count, sizeof merges[0], by_rank);
    for (size_t i = 0; i < count; i++) write_row(out, v, merges[i].id);
  }
  free(merges);
}

static bool field_id(struct slice s, uint32_t *id) {
  if (s.len == 0 || s.len > 9 || (s.len > 1 && s.data[0] == '0')) return false;
  uint32_t n = 0;
  for (size_t i = 0; i < s.len; i++) {
    if (s.data[i] < '0' || s.data[i] > '9') return false;
    n = n * 10 + (uint32_t)(s.data[i] - '0');
  }
  *id = n;
  return n < VOCAB_LIMIT;
}

static struct slice next_field(struct slice *line) {
  const char *tab = line->len ? memchr(line->data, '\t', line->len) : NULL;
  struct slice field = {line->data, tab ? (size_t)(tab - line->data) : line->len};
  if (tab) *line = (struct slice){tab + 1, line->len - field.len - 1};
  else *line = (struct slice){line->data + line->len, 0};
  return field;
}

static int read_header(struct vocab *v, struct slice line, struct buffer *pattern, struct hashmap *specials, struct err *e) {
  struct slice key = next_field(&line);
  uint32_t id;
  if (slice_equal(key, SLICE("#pattern"))) {
    if (pattern->len) buffer_put(pattern, '\n');
    if (line.len == 0) return err_set(e, "empty #pattern (none splits nothing)");
    buffer_append_slice(pattern, line);
  } else if (slice_equal(key, SLICE("#special"))) {
    struct slice number = next_field(&line);
    if (!field_id(number, &id)) return err_set(e, "#special needs an id");
    *hashmap_put(specials, number, NULL) = id;
  } else if (slice_equal(key, SLICE("#eot"))) {
    if (!field_id(line, &id)) return err_set(e, "#eot needs an id");
    v->eot = id;
  } else return err_set(e, "unknown header %.*s", (int)(key.len < 80 ? key.len : 80), key.data);
  return 0;
}

static int read_row(struct vocab *v, struct slice line, struct buffer *bytes, const struct hashmap *specials, uint32_t *rank, struct err *e) {
  struct slice number = next_field(&line), text = next_field(&line), left = next_field(&line), right = line;
  uint32_t id, l, r;
  if (!field_id(number, &id)) return err_set(e, "a row starts with an id");
  buffer_clear(bytes);
  if (vocab_unescape(bytes, text)) return err_set(e, "token %" PRIu32 ": unknown escape", id);
  if (hashmap_find(specials, number) ? vocab_add_special(v, id, buffer_slice(bytes), e) : vocab_add(v, id, buffer_slice(bytes), e)) return -1;
  if (left.len == 0 && right.len == 0) return 0;
  if (!field_id(left, &l) || !field_id(right, &r)) return err_set(e, "token %" PRIu32 ": left and right are ids or both empty", id);
  if (v->entries[id].special) return err_set(e, "special token %" PRIu32 " has parts", id);
  v->entries[id].left = l;
  v->entries[id].right = r;
  if (l != id) v->entries[id].rank = (*rank)++;
  return 0;
}

int vocab_read(struct vocab *v, struct slice file, const char *name, struct err *e) {
  struct hashmap *specials = hashmap_new();
  struct buffer pattern = {0}, bytes = {0};
  uint32_t rank = 0;
  size_t number = 0;
  int status = 0;
  while (file.len && status == 0) {
    const char *newline = memchr(file.data, '\n', file.len);
    struct slice line = {file.data, newline ? (size_t)(newline - file.data) : file.len};
    size_t skip = line.len + (newline != NULL);
    file = (struct slice){file.data + skip, file.len - skip};
    number++;
    if (number == 1) {
      if (!slice_equal(line, SLICE("#crawl2lm-tokenizer\t1"))) status = err_set(e, "not a tokenizer of version 1");
    } else if (line.len && line.data[0] == '#') status = read_header(v, line, &pattern, specials, e);
    else if (line.len) status = read_row(v, line, &bytes, specials, &rank, e);
    if (status) err_prefix(e, "%s:%zu", name, number);
  }
  for (size_t i = 0; i < hashmap_count(specials) && status == 0; i++) {
    uint64_t id = hashmap_entries(specials)[i].value;
    if (id >= v->size || v->entries[id].length == 0) status = err_set(e, "%s: special %" PRIu64 " has no row", name, id);
  }
  if (status == 0) {
    if (pattern.len == 0) status = err_set(e, "%s: no #pattern", name);
    else v->pattern = STRDUP(buffer_string(&pattern));
  }
  hashmap_free(specials);
  buffer_release(&pattern);
  buffer_release(&bytes);
  return status;
}

uint64_t vocab_hash(const struct vocab *v) {
  struct buffer text = {0};
  vocab_write(&text, v);
  uint64_t hash = XXH3_64bits(text.data, text.len);
  buffer_release(&text);
  return hash;
}

/* ---- GPT-2's characters for bytes ----------------------------------------------------------------------------------- */

static bool printed_as_itself(unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255); }

uint32_t byte_to_unicode(unsigned char byte) {
  if (printed_as_itself(byte)) return byte;
  uint32_t n = 256;
  for (unsigned b = 0; b < byte; b++) n += !printed_as_itself(b);
  return n;
}

int unicode_to_byte(uint32_t code_point) {
  if (code_point < 256) return printed_as_itself(code_point) ? (int)code_point : -1;
  uint32_t n = 256;
  for (unsigned b = 0; b < 256; b++)
    if (!printed_as_itself(b) && n++ == code_point) return (int)b;
  return -1;
}
