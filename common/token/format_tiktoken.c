/* SPDX-License-Identifier: MIT
 *
 * tiktoken's rank files: a line is BASE64 SPACE RANK; GPT-2's pair of files; parts of tokens from ranks or merges.
 *
 * tiktoken merges any two neighbours whose bytes, joined, are a token, lowest rank first.  Inside the bytes of a token
 * T nothing but T's own encoding can happen before T is made, so the two parts that encoding T's bytes ends with are
 * the only ones that ever make T: one pair of parts a token says all.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/token/formats.h"
#include "common/token/pairs.h"
#include "common/token/pattern.h"
#include "common/token/pretokenize.h"

/* ---- parts ---------------------------------------------------------------------------------------------------------- */

static void byte_ids(const struct vocab *v, uint32_t ids[256]) {
  for (int b = 0; b < 256; b++) ids[b] = VOCAB_NONE;
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].length == 1 && !v->entries[id].special) ids[(unsigned char)v->bytes.data[v->entries[id].offset]] = id;
}

/* As pairs_merge down to two, by the bytes of any two neighbours: exact also where a part ranks above its token. */
static size_t merge_by_bytes(const struct vocab *v, const struct hashmap *ranks, uint32_t *ids, size_t n) {
  while (n > 2) {
    uint64_t best = UINT64_MAX;
    size_t at = 0;
    for (size_t i = 0; i + 1 < n; i++) {
      /* Neighbours are neighbours in memory only inside the token; their bytes join there. */
      struct slice left = vocab_bytes(v, ids[i]), right = vocab_bytes(v, ids[i + 1]);
      struct buffer joined = {0};
      buffer_append_slice(&joined, left);
      buffer_append_slice(&joined, right);
      const uint64_t *rank = hashmap_find(ranks, buffer_slice(&joined));
      buffer_release(&joined);
      if (rank && *rank < best) {
        best = *rank;
        at = i;
      }
    }
    if (best == UINT64_MAX) break;
    ids[at] = (uint32_t)best;
    memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
    n--;
  }
  return n;
}

#define DERIVE_LIMIT 4096 /* longer tokens keep no parts: encoding their bytes is quadratic */

/* The token's bytes as ids, with room for as many ranks behind them; false when a byte has no id. */
static bool spell(const struct vocab *v, const struct vocab_entry *t, const uint32_t bytes[256], struct ids *out) {
  bool known = true;
  ids_reserve(out, 2 * (size_t)t->length);
  for (uint32_t i = 0; i < t->length; i++) {
    out->data[i] = bytes[(unsigned char)v->bytes.data[t->offset + i]];
    known = known && out->data[i] != VOCAB_NONE;
  }
  return known;
}

void format_derive_parts(struct vocab *v) {
  uint32_t bytes[256];
  byte_ids(v, bytes);
  struct pairs pairs = {0};
  pairs_reserve(&pairs, v->size);
  struct ids work = {0}, late = {0};
  for (uint32_t id = 0; id < v->size; id++) {
    struct vocab_entry *t = &v->entries[id];
    if (t->length < 2 || t->special || t->length > DERIVE_LIMIT) continue;
    if (!spell(v, t, bytes, &work)) continue; /* vocab_check() refuses it */
    if (pairs_merge(&pairs, work.data, t->length, 2) != 2) {
      ids_reserve(&late, 1);
      late.data[late.len++] = id;
      continue;
    }
    t->left = work.data[0];
    t->right = work.data[1];
    t->rank = id;
    pairs_put(&pairs, t->left, t->right, id, id);
  }
  free(pairs.slots);
  if (late.len) {
    struct hashmap *ranks = hashmap_new();
    for (uint32_t id = 0; id < v->size; id++)
      if (v->entries[id].length && !v->entries[id].special) *hashmap_put(ranks, vocab_bytes(v, id), NULL) = id;
    for (size_t k = 0; k < late.len; k++) {
      struct vocab_entry *t = &v->entries[late.data[k]];
      spell(v, t, bytes, &work);
      if (merge_by_bytes(v, ranks, work.data, t->length) != 2) continue;
      t->left = work.data[0];
      t->right = work.data[1];
      t->rank = late.data[k];
    }
    hashmap_free(ranks);
  }
  ids_release(&work);
  ids_release(&late);
}

int format_apply_merges(struct vocab *v, const uint32_t *merges, size_t count, bool whole, struct err *e) {
  uint32_t bytes[256];
  byte_ids(v, bytes);
  struct pairs pairs = {0};
  pairs_reserve(&pairs, count);
  if (count >= VOCAB_NONE) return err_set(e, "too many merges");
  for (size_t i = 0; i < count; i++) pairs_put(&pairs, merges[3 * i], merges[3 * i + 1], (uint32_t)i, merges[3 * i + 2]);
  for (size_t i = 0; i < count; i++) {
    struct vocab_entry *t = &v->entries[merges[3 * i + 2]];
    if (t->rank != VOCAB_NONE) continue;
    t->left = merges[3 * i];
    t->right = merges[3 * i + 1];
    t->rank = (uint32_t)i;
  }
  struct ids work = {0};
  for (uint32_t id = 0; id < v->size; id++) {
    struct vocab_entry *t = &v->entries[id];
    if (t->length < 2 || t->special || t->length > DERIVE_LIMIT) continue;
    if (!spell(v, t, bytes, &work)) continue;
    size_t n = pairs_merge(&pairs, work.data, t->length, 2);
    const struct pair_slot *last = n == 2 ? pairs_find(&pairs, work.data[0], work.data[1]) : NULL;
    if (last && last->id == id) {
      t->left = work.data[0];
      t->right = work.data[1];
      t->rank = last->rank;
    } else if (whole) {
      t->left = t->right = t->rank = VOCAB_NONE;
    } else {
      t->left = t->right = id;
      t->rank = VOCAB_NONE;
    }
  }
  ids_release(&work);
  free(pairs.slots);
  return 0;
}

int format_characters(struct buffer *out, const char *s, size_t n) {
  for (size_t i = 0; i < n;) {
    uint32_t u;
    int invalid, length = utf8_decode(s + i, n - i, &u, &invalid);
    int byte = length ? unicode_to_byte(u) : -1;
    if (byte < 0) return -1;
    buffer_put(out, (char)byte);
    i += (size_t)length;
  }
  return 0;
}

/* ---- .tiktoken ------------------------------------------------------------------------------------------------------ */

struct encoding {
  const char *prefix; /* of the base name */
  const char *pattern;
  struct {
    const char *name;
    uint32_t id;
  } specials[6];
};

/* tiktoken_ext/openai_public.py */
static const struct encoding encodings[] = {
  {"r50k", "gpt2", {{"<|endoftext|>", 50256}}},
  {"p50k", "gpt2", {{"<|endoftext|>", 50256}}},
  {"cl100k", "cl100k", {{"<|endoftext|>", 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259}, {"<|fim_suffix|>", 100260}, {"<|endofprompt|>", 100276}}},
  {"o200k", "o200k", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
};

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int base64_decode(struct buffer *out, const char *s, size_t n) {
  if (n == 0 || n % 4) return -1;
  size_t pad = s[n - 1] == '=' ? s[n - 2] == '=' ? 2 : 1 : 0;
  for (size_t i = 0; i < n; i += 4) {
    uint32_t word = 0;
    int last = i + 4 == n ? (int)pad : 0;
    for (int k = 0; k < 4; k++) {
      int value = k >= 4 - last ? 0 : base64_value(s[i + (size_t)k]);
      if (value < 0) return -1;
      word = word << 6 | (uint32_t)value;
    }
    for (int k = 0; k < 3 - last; k++) buffer_put(out, (char)(word >> (16 - 8 * k)));
  }
  return 0;
}

static int add_specials(struct vocab *v, const struct encoding *encoding, const struct tokenizer_options *options, struct err *e) {
  size_t known = sizeof encoding->specials / sizeof encoding->specials[0];
  if (!options || options->special_count < 0) {
    for (size_t k = 0; encoding && k < known && encoding->specials[k].name; k++)
      if (vocab_add_special(v, encoding->specials[k].id, slice_of(encoding->specials[k].name), e)) return -1;
  } else {
    /* Those with ids of their own first, so that the others follow all. */
    for (int pass = 0; pass < 2; pass++)
      for (int i = 0; i < options->special_count; i++) {
        uint32_t id = v->size;
        bool own = false;
        for (size_t k = 0; encoding && k < known && encoding->specials[k].name; k++)
          if (strcmp(encoding->specials[k].name, options->specials[i]) == 0) {
            id = encoding->specials[k].id;
            own = true;
          }
        if (own == (pass == 0) && vocab_add_special(v, id, slice_of(options->specials[i]), e)) return err_prefix(e, "special %s", options->specials[i]);
      }
  }
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].special && slice_equal(vocab_bytes(v, id), SLICE("<|endoftext|>"))) v->eot = id;
  if (v->eot < 0 && options && options->special_count > 0)
    for (uint32_t id = 0; id < v->size && v->eot < 0; id++)
      if (v->entries[id].special && slice_equal(vocab_bytes(v, id), slice_of(options->specials[0]))) v->eot = id;
  return 0;
}

int format_read_tiktoken(struct vocab *v, struct slice file, const char *name, const struct tokenizer_options *options, struct err *e) {
  const char *base = strrchr(name, '/');
  base = base ? base + 1 : name;
  const struct encoding *encoding = NULL;
  for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
    if (strncmp(base, encodings[i].prefix, strlen(encodings[i].prefix)) == 0) encoding = &encodings[i];
  struct buffer bytes = {0};
  int status = 0;
  size_t line = 0;
  while (file.len && status == 0) {
    const char *newline = memchr(file.data, '\n', file.len);
    size_t n = newline ? (size_t)(newline - file.data) : file.len;
    const char *space = memchr(file.data, ' ', n);
    line++;
    if (n) {
      char number[16];
      int64_t rank;
      size_t digits = space ? n - (size_t)(space - file.data) - 1 : 0;
      if (digits && file.data[n - 1] == '\r') digits--;
      buffer_clear(&bytes);
      if (!digits || digits >= sizeof number) status = err_set(e, "%s:%zu: expected BASE64 RANK", name, line);
      else {
        memcpy(number, space + 1, digits);
        number[digits] = 0;
        if (number_int(number, 0, INT32_MAX, &rank) || base64_decode(&bytes, file.data, (size_t)(space - file.data))) status = err_set(e, "%s:%zu: expected BASE64 RANK", name, line);
        else if (vocab_add(v, (uint32_t)rank, buffer_slice(&bytes), e)) status = err_prefix(e, "%s:%zu", name, line);
      }
    }
    n += newline != NULL;
    file = (struct slice){file.data + n, file.len - n};
  }
  buffer_release(&bytes);
  bool pattern_known = encoding || (options && options->pattern);
  if (status && line == 1 && !pattern_known) return err_set(e, "%s: not a tokenizer: neither crawl2lm's table nor tokenizer.json nor lines of BASE64 RANK", name);
  if (status) return -1;
  if (!pattern_known) return err_usage(e, "%s: a .tiktoken file holds no pattern: give it with -p (and specials with -s)", name);
  format_derive_parts(v);
  struct buffer pattern = {0};
  pattern_canonical(&pattern, options && options->pattern ? options->pattern : encoding->pattern, false);
  v->pattern = STRDUP(buffer_string(&pattern));
  buffer_release(&pattern);
  struct pretokenizer *compiled;
  if (pretokenizer_new(&compiled, v->pattern, e)) {
    e->kind = ERR_USAGE; /* only -p can be wrong */
    return -1;
  }
  pretokenizer_free(compiled);
  return add_specials(v, encoding, options, e) ? err_prefix(e, "%s", name) : 0;
}

/* ---- vocab.json + merges.txt ---------------------------------------------------------------------------------------- */

int format_read_gpt2(struct vocab *v, const json_t *ids, struct slice merges, struct err *e) {
  if (!json_is_object(ids)) return err_set(e, "vocab.json: expected an object of tokens and ids");
  struct hashmap *by_name = hashmap_new();
  struct ids found = {0};
  struct buffer bytes = {0};
  const char *key;
  json_t *value;
  int status = 0;
  json_object_foreach((json_t *)ids, key, value) {
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id > INT32_MAX) status = err_set(e, "vocab.json: token %.80s has no id", key);
    if (status) break;
    *hashmap_put(by_name, slice_of(key), NULL) = (uint64_t)id;
  }
  size_t line = 0;
  while (merges.len && status == 0) {
    const char *newline = memchr(merges.data, '\n', merges.len);
    size_t n = newline ? (size_t)(newline - merges.data) : merges.len, used = n + (newline != NULL);
    if (n && merges.data[n - 1] == '\r') n--;
    const char *space = memchr(merges.data, ' ', n);
    if (++line > 1 || !slice_starts((struct slice){merges.data, n}, SLICE("#version"))) {
      if (n) {
        if (!space) status = err_set(e, "merges.txt:%zu: expected LEFT RIGHT", line);
        else {
          struct slice left = {merges.data, (size_t)(space - merges.data)}, right = {space + 1, n - left.len - 1};
          buffer_clear(&bytes);
          buffer_append_slice(&bytes, left);
          buffer_append_slice(&bytes, right);
          const uint64_t *l = hashmap_find(by_name, left), *r = hashmap_find(by_name, right), *t = hashmap_find(by_name, buffer_slice(&bytes));
          if (!l || !r || !t) status = err_set(e, "merges.txt:%zu: a part or their join is not in vocab.json", line);
          else {
            ids_reserve(&found, 3);
            found.data[found.len++] = (uint32_t)*l;
            found.data[found.len++] = (uint32_t)*r;
            found.data[found.len++] = (uint32_t)*t;
          }
        }
      }
    }
    merges = (struct slice){merges.data + used, merges.len - used};
  }
  /* Neither a byte nor made by a merge: a special. */
  struct hashmap *made = hashmap_new();
  for (size_t i = 0; i < found.len; i += 3) hashmap_put(made, (struct slice){(char *)&found.data[i + 2], 4}, NULL);
  for (size_t i = 0; i < hashmap_count(by_name) && status == 0; i++) {
    const struct hashmap_entry *entry = &hashmap_entries(by_name)[i];
    uint32_t id = (uint32_t)entry->value;
    buffer_clear(&bytes);
    bool spelled = format_characters(&bytes, entry->key.data, entry->key.len) == 0;
    if (spelled && (bytes.len == 1 || hashmap_find(made, (struct slice){(char *)&id, 4}))) status = vocab_add(v, id, buffer_slice(&bytes), e);
    else {
      status = vocab_add_special(v, id, entry->key, e);
      if (slice_equal(entry->key, SLICE("<|endoftext|>"))) v->eot = id;
    }
  }
  for (size_t i = 0; i < found.len && status == 0; i++)
    if (vocab_bytes(v, found.data[i]).len == 0 || v->entries[found.data[i]].special) status = err_set(e, "merges.txt: a merge of a special token");
  if (status == 0) status = format_apply_merges(v, found.data, found.len / 3, false, e);
  v->pattern = STRDUP("gpt2");
  hashmap_free(made);
  hashmap_free(by_name);
  ids_release(&found);
  buffer_release(&bytes);
  return status;
}
