/* SPDX-License-Identifier: MIT
 *
 * The vocabulary's data, its native form, and the checks that every reader ends with.
 */
#include "common/token/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"

void vocab_init(struct vocab *v) {
  memset(v, 0, sizeof *v);
  v->eot = -1;
}

void vocab_release(struct vocab *v) {
  free(v->entries);
  free(v->slots);
  buffer_release(&v->bytes);
  free(v->pattern);
  free(v->prefix);
  free(v->suffix);
  free(v->special_limits);
  free(v->special_passes);
  buffer_release(&v->config);
  buffer_release(&v->special_map);
  buffer_release(&v->chat_template);
  buffer_release(&v->added);
  vocab_init(v);
}

/* ---- tokens by their bytes ------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t a, uint64_t b) {
  unsigned __int128 m = (unsigned __int128)(a ^ 0xA0761D6478BD642Fu) * (b ^ 0xE7037ED1A0B428DBu);
  return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t word(const char *p) {
  uint64_t w;
  memcpy(&w, p, sizeof w);
  return w;
}

/* Multiply and fold, the first and the last 8 bytes of up to 16 at once (as wyhash: github.com/wangyi-fudan/wyhash). */
static uint32_t hash_bytes(const char *p, size_t n) {
  uint64_t h = n;
  if (n > 16) {
    for (size_t i = 0; i < n - 16; i += 16) h = mix(word(p + i) ^ h, word(p + i + 8));
    h = mix(word(p + n - 16) ^ h, word(p + n - 8));
  } else if (n >= 8) {
    h = mix(word(p) ^ h << 56, word(p + n - 8));
  } else if (n >= 4) {
    uint32_t first, last;
    memcpy(&first, p, sizeof first);
    memcpy(&last, p + n - 4, sizeof last);
    h = mix((uint64_t)first << 32 | last, h);
  } else if (n > 0) {
    h = mix((uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1], h);
  }
  return (uint32_t)(h >> 32);
}

#define HUGE_PAGE ((size_t)2 << 20)

/* The slot's place is the high bits of its hash, so growing needs no token's bytes and goes through memory in order. */
static void grow_slots(struct vocab *v, unsigned bits) {
  size_t mask = ((size_t)1 << bits) - 1;
  size_t bytes = (mask + 1) * sizeof(uint64_t);
  uint64_t *slots;
  if (bytes < HUGE_PAGE) slots = NEW_ARRAY(uint64_t, mask + 1);
  else { /* look-ups go everywhere */
    slots = ALIGNED(HUGE_PAGE, bytes);
    madvise(slots, bytes, MADV_HUGEPAGE);
    memset(slots, 0, bytes);
  }
  for (size_t k = 0; v->slots && k < (size_t)1 << v->slot_bits; k++) {
    if (!v->slots[k]) continue;
    size_t i = v->slots[k] >> (64 - bits);
    while (slots[i]) i = (i + 1) & mask;
    slots[i] = v->slots[k];
  }
  free(v->slots);
  v->slots = slots;
  v->slot_bits = bits;
}

/* The slot that holds the bytes, or the free one where they belong. */
static size_t locate(const struct vocab *v, uint32_t hash, struct slice bytes) {
  size_t mask = ((size_t)1 << v->slot_bits) - 1, i = hash >> (32 - v->slot_bits);
  for (; v->slots[i]; i = (i + 1) & mask)
    if ((uint32_t)(v->slots[i] >> 32) == hash && slice_equal(vocab_bytes(v, (uint32_t)v->slots[i] - 1), bytes)) break;
  return i;
}

int64_t vocab_find(const struct vocab *v, struct slice bytes) {
  if (!v->slots) return -1;
  uint64_t slot = v->slots[locate(v, hash_bytes(bytes.data, bytes.len), bytes)];
  return slot ? (int64_t)((uint32_t)slot - 1) : -1;
}

static void index_token(struct vocab *v, uint32_t id, struct slice bytes) {
  if (!v->slots || 2 * ((size_t)v->ordinary + 1) > (size_t)1 << v->slot_bits) grow_slots(v, v->slots ? v->slot_bits + 1 : 10);
  v->ordinary++;
  uint32_t hash = hash_bytes(bytes.data, bytes.len);
  size_t i = locate(v, hash, bytes);
  if (!v->slots[i]) v->slots[i] = (uint64_t)hash << 32 | (id + 1);
  else if (!v->twice) v->twice = id + 1;
}

void vocab_reserve(struct vocab *v, size_t tokens) {
  if (tokens > VOCAB_LIMIT) tokens = VOCAB_LIMIT;
  unsigned bits = 10;
  while ((size_t)1 << bits < 2 * tokens) bits++;
  if (!v->slots || bits > v->slot_bits) grow_slots(v, bits);
  if (tokens > v->capacity) GROW(v->entries, v->capacity, tokens);
}

static int add(struct vocab *v, uint32_t id, struct slice bytes, bool special, struct err *e) {
  if (id >= VOCAB_LIMIT) return err_set(e, "token id %" PRIu32 " is too large (at most %u)", id, VOCAB_LIMIT - 1);
  if (bytes.len == 0) return err_set(e, "token %" PRIu32 " is empty", id);
  if (bytes.len >= 1u << 30) return err_set(e, "token %" PRIu32 " is too long", id);
  if (id < v->size && v->entries[id].length) return err_set(e, "token id %" PRIu32 " occurs twice", id);
  GROW(v->entries, v->capacity, (size_t)id + 1);
  for (; v->size <= id; v->size++) v->entries[v->size] = (struct vocab_entry){.left = VOCAB_NONE, .right = VOCAB_NONE, .rank = VOCAB_NONE};
  v->entries[id].offset = v->bytes.len;
  v->entries[id].length = (uint32_t)bytes.len & ((1u << 30) - 1);
  v->entries[id].special = special;
  v->entries[id].late = false;
  buffer_append_slice(&v->bytes, bytes);
  if (!special) index_token(v, id, bytes);
  return 0;
}

int vocab_add(struct vocab *v, uint32_t id, struct slice bytes, struct err *e) { return add(v, id, bytes, false, e); }
int vocab_add_special(struct vocab *v, uint32_t id, struct slice bytes, struct err *e) { return add(v, id, bytes, true, e); }

int vocab_check(const struct vocab *v, struct err *e) {
  bool seen[256] = {false};
  if (v->twice) return err_set(e, "tokens %" PRId64 " and %" PRIu32 " have the same bytes", vocab_find(v, vocab_bytes(v, v->twice - 1)), v->twice - 1);
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special) continue;
    const char *bytes = v->bytes.data + t->offset;
    if (t->length == 1) seen[(unsigned char)bytes[0]] = true;
    if (t->left == VOCAB_NONE && t->right == VOCAB_NONE) continue;
    if (t->left == id && t->right == id) continue; /* no merge makes it: for decoding only */
    struct slice left = vocab_bytes(v, t->left), right = vocab_bytes(v, t->right);
    if (left.len == 0 || right.len == 0 || v->entries[t->left].special || v->entries[t->right].special ||
        left.len + right.len != t->length || memcmp(left.data, bytes, left.len) || memcmp(right.data, bytes + left.len, right.len))
      return err_set(e, "token %" PRIu32 " is not its parts %" PRIu32 " and %" PRIu32 " joined", id, t->left, t->right);
  }
  for (int b = 0; b < 256; b++)
    if (!seen[b]) return err_set(e, "byte %02X has no token: not a byte-level vocabulary", b);
  if (v->eot >= 0 && vocab_bytes(v, (uint32_t)v->eot).len == 0) return err_set(e, "end-of-text id %" PRId64 " is not in the vocabulary", v->eot);
  return v->pattern ? 0 : err_set(e, "no pattern");
}

/* ---- escapes -------------------------------------------------------------------------------------------------------- */

static bool plain(unsigned char c) { return c >= 0x20 && c < 0x7F && c != '\\'; }

void vocab_escape(struct buffer *out, struct slice bytes) {
  for (size_t i = 0; i < bytes.len;) {
    size_t run = i;
    while (run < bytes.len && plain((unsigned char)bytes.data[run])) run++;
    if (run > i) {
      buffer_append(out, bytes.data + i, run - i);
      i = run;
      continue;
    }
    unsigned char c = (unsigned char)bytes.data[i];
    uint32_t u;
    int invalid, n = utf8_decode(bytes.data + i, bytes.len - i, &u, &invalid);
    if (n == 0 || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      buffer_append(out, (const char[]){'\\', 'x', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]}, 4);
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
    const char *escape = memchr(field.data + i, '\\', field.len - i);
    size_t end = escape ? (size_t)(escape - field.data) : field.len;
    buffer_append(out, field.data + i, end - i);
    if (!escape) break;
    i = end;
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

static char *put_number(char *at, uint32_t n) {
  char digits[10];
  size_t first = sizeof digits;
  do digits[--first] = (char)('0' + n % 10);
  while (n /= 10);
  memcpy(at, digits + first, sizeof digits - first);
  return at + sizeof digits - first;
}

static void write_row(struct buffer *out, const struct vocab *v, uint32_t id) {
  const struct vocab_entry *t = &v->entries[id];
  struct slice bytes = vocab_bytes(v, id);
  buffer_reserve(out, bytes.len + 48); /* three numbers, three tabs and a newline, beside the bytes */
  char *at = put_number(out->data + out->len, id);
  *at++ = '\t';
  size_t run = 0;
  for (; run < bytes.len && plain((unsigned char)bytes.data[run]); run++) at[run] = bytes.data[run];
  out->len = (size_t)(at + run - out->data);
  if (run < bytes.len) {
    vocab_escape(out, (struct slice){bytes.data + run, bytes.len - run});
    buffer_reserve(out, 32);
  }
  at = out->data + out->len;
  *at++ = '\t';
  if (t->left != VOCAB_NONE) at = put_number(at, t->left);
  *at++ = '\t';
  if (t->left != VOCAB_NONE) at = put_number(at, t->right);
  *at++ = '\n';
  out->len = (size_t)(at - out->data);
}

struct ranked {
  uint32_t rank, id;
};

static int by_rank(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* What is written goes into the hash and out of the buffer. */
static void pour(struct buffer *out, XXH3_state_t *hash) {
  if (!hash || out->len < 1 << 15) return;
  XXH3_64bits_update(hash, out->data, out->len);
  buffer_clear(out);
}

static void write_all(struct buffer *out, const struct vocab *v, XXH3_state_t *hash) {
  buffer_append_string(out, "#crawl2lm-tokenizer\t1\n");
  if (v->nfc) buffer_append_string(out, "#normalizer\tnfc\n");
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
    if (v->entries[id].length && (rising || v->entries[id].rank == VOCAB_NONE)) {
      write_row(out, v, id);
      pour(out, hash);
    }
  if (!rising) {
    qsort(merges, count, sizeof merges[0], by_rank);
    for (size_t i = 0; i < count; i++) {
      write_row(out, v, merges[i].id);
      pour(out, hash);
    }
  }
  free(merges);
}

void vocab_write(struct buffer *out, const struct vocab *v) { write_all(out, v, NULL); }

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
  } else if (slice_equal(key, SLICE("#normalizer"))) {
    if (!slice_equal(line, SLICE("nfc"))) return err_set(e, "#normalizer %.*s is not known (nfc is)", (int)(line.len < 80 ? line.len : 80), line.data);
    v->nfc = true;
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
  if (memchr(text.data, '\\', text.len)) {
    buffer_clear(bytes);
    if (vocab_unescape(bytes, text)) return err_set(e, "token %" PRIu32 ": unknown escape", id);
    text = buffer_slice(bytes);
  }
  bool special = left.len == 0 && hashmap_count(specials) && hashmap_find(specials, number);
  if (special ? vocab_add_special(v, id, text, e) : vocab_add(v, id, text, e)) return -1;
  if (left.len == 0 && right.len == 0) return 0;
  if (!field_id(left, &l) || !field_id(right, &r)) return err_set(e, "token %" PRIu32 ": left and right are ids or both empty", id);
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
    else if (!v->entries[id].special) status = err_set(e, "%s: the row of special token %" PRIu64 " has parts, or stands before #special", name, id);
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
  XXH3_state_t *state = XXH3_createState();
  if (!state) abort(); /* as memory.h */
  XXH3_64bits_reset(state);
  write_all(&text, v, state);
  XXH3_64bits_update(state, text.data, text.len);
  uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
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
