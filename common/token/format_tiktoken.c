/* SPDX-License-Identifier: MIT
 *
 * tiktoken's rank files: a line is BASE64 SPACE RANK (github.com/openai/tiktoken, tiktoken/load.py).  The rank is the
 * id, and the lowest merges first.  Neither the pattern nor the specials are in the file.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/token/formats.h"
#include "common/token/pattern.h"
#include "common/token/pretokenize.h"

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

/* Value of a digit of base 64; 64 for `=`, 128 for what is neither. */
static void base64_values(uint8_t values[256]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  memset(values, 128, 256);
  for (uint8_t i = 0; i <= 64; i++) values[(unsigned char)digits[i]] = i;
}

/* n is a multiple of 4 and `out` has room for 3/4 of it.  Returns the number of bytes, 0 when it is not base 64. */
static size_t base64_decode(const uint8_t values[256], char *out, const char *s, size_t n) {
  if (n == 0 || n % 4) return 0;
  size_t at = 0;
  unsigned bad = 0;
  for (size_t i = 0; i < n; i += 4) {
    uint32_t a = values[(unsigned char)s[i]], b = values[(unsigned char)s[i + 1]], c = values[(unsigned char)s[i + 2]], d = values[(unsigned char)s[i + 3]];
    if (i + 4 == n && d == 64) { /* padding */
      at += c == 64 ? 1 : 2;
      c &= 63 | 128;
      d = 0;
    } else at += 3;
    bad |= a | b | c | d;
    uint32_t word = a << 18 | b << 12 | c << 6 | d;
    out[0] = (char)(word >> 16);
    out[1] = (char)(word >> 8);
    out[2] = (char)word;
    out += 3;
  }
  return bad < 64 ? at : 0;
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
  uint8_t values[256];
  base64_values(values);
  vocab_reserve(v, file.len / 18); /* a line is 17 bytes on average in r50k, cl100k and o200k */
  struct buffer bytes = {0};
  int status = 0;
  size_t line = 0;
  while (file.len && status == 0) {
    const char *newline = memchr(file.data, '\n', file.len);
    size_t n = newline ? (size_t)(newline - file.data) : file.len, used = n + (newline != NULL), space = 0;
    line++;
    if (n && file.data[n - 1] == '\r') n--;
    while (space < n && file.data[space] != ' ') space++;
    size_t first = space + 1, digits = n > first ? n - first : 0;
    uint32_t rank = 0;
    bool valid = digits > 0 && digits <= 9;
    for (size_t i = first; valid && i < n; i++) {
      valid = file.data[i] >= '0' && file.data[i] <= '9';
      rank = rank * 10 + (uint32_t)(file.data[i] - '0');
    }
    if (used > 1 || !newline) {
      buffer_clear(&bytes);
      buffer_reserve(&bytes, space + 3);
      bytes.len = valid ? base64_decode(values, bytes.data, file.data, space) : 0;
      if (bytes.len == 0) status = err_set(e, "%s:%zu: expected BASE64 RANK", name, line);
      else if (vocab_add(v, rank, buffer_slice(&bytes), e)) status = err_prefix(e, "%s:%zu", name, line);
    }
    file = (struct slice){file.data + used, file.len - used};
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

/* ---- writing -------------------------------------------------------------------------------------------------------- */

/* tiktoken's merges are those that its reader derives from the ids: they must be ours, in the order of the ids. */
static int check_merges(const struct vocab *v, struct err *e) {
  struct vocab derived;
  uint32_t last = VOCAB_NONE;
  int status = v->nfc ? err_set(e, "tiktoken does not normalise text: write hf or tsv") : 0;
  vocab_init(&derived);
  for (uint32_t id = 0; id < v->size && status == 0; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length == 0 || t->special) continue;
    if (t->left == id) status = err_set(e, "token %" PRIu32 " is for decoding only, which a .tiktoken file cannot say: write hf or tsv", id);
    else if (t->rank != VOCAB_NONE && last != VOCAB_NONE && t->rank < v->entries[last].rank)
      status = err_set(e, "tokens %" PRIu32 " and %" PRIu32 " merge in another order than that of their ids, which is tiktoken's: write hf or tsv", last, id);
    else status = vocab_add(&derived, id, vocab_bytes(v, id), e);
    if (t->rank != VOCAB_NONE) last = id;
  }
  if (status == 0) format_derive_parts(&derived);
  for (uint32_t id = 0; id < derived.size && status == 0; id++) {
    const struct vocab_entry *want = &v->entries[id], *got = &derived.entries[id];
    if (got->length && (want->left != got->left || want->right != got->right))
      status = err_set(e, "tiktoken would not merge token %" PRIu32 " as this tokenizer does, from the ids alone: write hf or tsv", id);
  }
  vocab_release(&derived);
  return status;
}

static void base64_encode(struct buffer *out, struct slice s) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < s.len; i += 3) {
    uint32_t word = 0;
    size_t n = s.len - i < 3 ? s.len - i : 3;
    for (size_t k = 0; k < 3; k++) word = word << 8 | (k < n ? (unsigned char)s.data[i + k] : 0);
    for (size_t k = 0; k < 4; k++) buffer_put(out, k <= n ? digits[word >> (18 - 6 * k) & 63] : '=');
  }
}

int format_write_tiktoken(struct buffer *out, const struct vocab *v, struct err *e) {
  if (check_merges(v, e)) return -1;
  for (uint32_t id = 0; id < v->size; id++) {
    if (v->entries[id].length == 0 || v->entries[id].special) continue;
    base64_encode(out, vocab_bytes(v, id));
    buffer_printf(out, " %" PRIu32 "\n", id);
  }
  return 0;
}
