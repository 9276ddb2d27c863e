/* SPDX-License-Identifier: MIT
 *
 * The four schemes behind one interface.
 */
#include "tools/bpe-encode/scheme.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "common/io/input.h"
#include "common/token/classes.h"
#include "common/token/pattern.h"
#include "common/token/pretokenize.h"

enum scheme_kind { SCHEME_BPE, SCHEME_BYTES, SCHEME_CHARS, SCHEME_WORDS };

enum { BYTES_EOT = 256, ESCAPED_BYTE = 0xDC00, ENDS = 256 };

#define FOUR(n) (n), (n) + 1, (n) + 2, (n) + 3
#define SIXTEEN(n) FOUR(n), FOUR((n) + 4), FOUR((n) + 8), FOUR((n) + 12)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN((n) + 16), SIXTEEN((n) + 32), SIXTEEN((n) + 48)
static const unsigned char every_byte[256] = {SIXTY_FOUR(0), SIXTY_FOUR(64), SIXTY_FOUR(128), SIXTY_FOUR(192)};

struct scheme {
  enum scheme_kind kind;
  struct tokenizer *tokenizer;
  struct pretokenizer *splitter; /* words */
  struct hashmap *words;         /* -> id */
  struct slice *spelling;        /* by id - 1 */
  uint32_t size;
  int64_t eot;
  uint64_t hash;
};

struct scheme_worker {
  const struct scheme *s;
  struct encoder *encoder;
  struct pretokenizer_scratch *scratch;
};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static uint64_t bytes_hash(void) {
  struct vocab v;
  struct err e;
  vocab_init(&v);
  for (unsigned b = 0; b < 256; b++) {
    char c = (char)b;
    vocab_add(&v, b, (struct slice){&c, 1}, &e);
  }
  vocab_add_special(&v, BYTES_EOT, SLICE("<|endoftext|>"), &e);
  v.eot = BYTES_EOT;
  v.pattern = STRDUP("none");
  uint64_t hash = vocab_hash(&v);
  vocab_release(&v);
  return hash;
}

static int read_words(struct scheme *s, const char *path, struct err *e) {
  struct input *in;
  if (input_open(&in, path, NULL, e)) return -1;
  XXH3_state_t *hash = XXH3_createState();
  if (!hash) abort();
  XXH3_64bits_reset(hash);
  struct slice word;
  int status = 0, more = 0;
  uint64_t line = 0;
  s->words = hashmap_new();
  while ((more = input_line(in, &word, e)) > 0) {
    bool added = false;
    line++;
    if (word.len == 0) status = err_set(e, "empty word");
    else if (line >= UINT32_MAX >> 4) status = err_set(e, "too many words");
    else {
      uint64_t *id = hashmap_put(s->words, word, &added);
      if (!added) status = err_set(e, "%.*s: the word of line %" PRIu64 " again", (int)(word.len < 100 ? word.len : 100), word.data, *id);
      else *id = line;
    }
    if (status) {
      err_prefix(e, "%s:%" PRIu64, path, line);
      break;
    }
    if (slice_equal(word, SLICE("<|endoftext|>"))) s->eot = (int64_t)line;
    XXH3_64bits_update(hash, word.data, word.len);
    XXH3_64bits_update(hash, "\n", 1);
  }
  if (more < 0) status = err_prefix(e, "%s", path);
  s->hash = XXH3_64bits_digest(hash);
  XXH3_freeState(hash);
  input_close(in);
  size_t n = hashmap_count(s->words);
  s->size = (uint32_t)n + 1;
  s->spelling = NEW_ARRAY(struct slice, n + 1);
  for (size_t i = 0; i < n; i++) s->spelling[i] = hashmap_entries(s->words)[i].key;
  return status;
}

int scheme_open(struct scheme **out, const char *name, const struct tokenizer_options *options, struct err *e) {
  struct scheme *s = NEW(struct scheme);
  int status = 0;
  s->eot = -1;
  bool own = options->pattern || options->special_count >= 0;
  if (strcmp(name, "bytes") == 0) {
    s->kind = SCHEME_BYTES;
    s->size = BYTES_EOT + 1;
    s->eot = BYTES_EOT;
    s->hash = bytes_hash();
  } else if (strcmp(name, "chars") == 0) {
    s->kind = SCHEME_CHARS;
    s->size = 0x110000;
    s->hash = XXH3_64bits("chars\n", 6);
  } else if (strncmp(name, "words:", 6) == 0) {
    s->kind = SCHEME_WORDS;
    status = read_words(s, name + 6, e);
    if (status == 0) status = pretokenizer_new(&s->splitter, PATTERN_WORDS, e);
  } else {
    s->kind = SCHEME_BPE;
    status = tokenizer_load(&s->tokenizer, name, options, e);
    if (status == 0) {
      s->size = tokenizer_size(s->tokenizer);
      s->eot = tokenizer_eot(s->tokenizer);
      s->hash = tokenizer_hash(s->tokenizer);
    }
  }
  if (status == 0 && own && s->kind != SCHEME_BPE) status = err_usage(e, "-p and -s are for .tiktoken files, not for -t %s", name);
  if (status) {
    scheme_free(s);
    return -1;
  }
  *out = s;
  return 0;
}

void scheme_free(struct scheme *s) {
  if (!s) return;
  tokenizer_free(s->tokenizer);
  pretokenizer_free(s->splitter);
  if (s->words) hashmap_free(s->words);
  free(s->spelling);
  free(s);
}

uint32_t scheme_size(const struct scheme *s) { return s->size; }
int64_t scheme_eot(const struct scheme *s) { return s->eot; }
uint64_t scheme_hash(const struct scheme *s) { return s->hash; }
bool scheme_wide(const struct scheme *s) { return s->kind == SCHEME_CHARS; }
bool scheme_spaced(const struct scheme *s) { return s->kind == SCHEME_WORDS; }
bool scheme_is_special(const struct scheme *s, uint32_t id) { return s->tokenizer ? tokenizer_is_special(s->tokenizer, id) : s->eot >= 0 && id == (uint32_t)s->eot; }
const struct tokenizer *scheme_tokenizer(const struct scheme *s) { return s->tokenizer; }

struct scheme_worker *scheme_worker_new(const struct scheme *s, size_t memory) {
  struct scheme_worker *w = NEW(struct scheme_worker);
  w->s = s;
  if (s->kind == SCHEME_BPE) w->encoder = encoder_new(s->tokenizer, memory);
  if (s->kind == SCHEME_WORDS) w->scratch = pretokenizer_scratch_new(s->splitter);
  return w;
}

void scheme_worker_free(struct scheme_worker *w) {
  if (!w) return;
  encoder_free(w->encoder);
  pretokenizer_scratch_free(w->scratch);
  free(w);
}

/* ---- encoding and decoding ------------------------------------------------------------------------------------------ */

/* A piece between words is white space, all of it; its first character tells. */
static bool is_space(struct slice piece) {
  const uint8_t *p = (const uint8_t *)piece.data;
  return classes_space_at(classes_get(), p, p + piece.len);
}

/* The words' ids, or with only_ends where they end. */
static int encode_words(struct scheme_worker *w, struct slice text, bool only_ends, struct ids *out, struct err *e) {
  uint32_t ends[ENDS];
  size_t cursor = 0;
  int count;
  for (size_t from = 0; (count = pretokenize(w->s->splitter, w->scratch, text, &cursor, ends, ENDS, e)) > 0; from = cursor)
    for (int i = 0; i < count; i++) {
      size_t begin = from + (i ? ends[i - 1] : 0), end = from + ends[i];
      struct slice piece = {text.data + begin, end - begin};
      if (is_space(piece)) continue;
      const uint64_t *id = only_ends ? NULL : hashmap_find(w->s->words, piece);
      ids_reserve(out, 1);
      out->data[out->len++] = only_ends ? (uint32_t)end : id ? (uint32_t)*id : 0;
    }
  return count;
}

bool scheme_space_ends(struct slice text, size_t at) {
  size_t start = at;
  while (start > 0 && at - start < 3 && ((unsigned char)text.data[--start] & 0xC0) == 0x80) continue;
  return is_space((struct slice){text.data + start, at - start});
}

int scheme_word_ends(struct scheme_worker *w, struct slice text, struct ids *ends, struct err *e) {
  if (text.len > UINT32_MAX) return err_set(e, "a text of %zu bytes: at most 4 GiB", text.len);
  return encode_words(w, text, true, ends, e);
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static size_t widen_avx2(const char *text, size_t n, uint32_t *ids) {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(text + i));
    _mm256_storeu_si256((__m256i *)(ids + i), _mm256_cvtepu8_epi32(bytes));
    _mm256_storeu_si256((__m256i *)(ids + i + 8), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)));
  }
  return i;
}
#endif

static void encode_bytes(struct slice text, struct ids *out) {
  ids_reserve(out, text.len);
  uint32_t *ids = out->data + out->len;
  size_t i = 0;
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) i = widen_avx2(text.data, text.len, ids);
#endif
  for (; i < text.len; i++) ids[i] = (unsigned char)text.data[i];
  out->len += text.len;
}

/* Code points; a byte that is not UTF-8 as ESCAPED_BYTE + byte. */
static void encode_chars(struct slice text, struct ids *out) {
  ids_reserve(out, text.len);
  uint32_t *to = out->data + out->len;
  for (size_t i = 0; i < text.len;) {
    size_t plain = i;
    while (plain < text.len && (unsigned char)text.data[plain] < 0x80) *to++ = (unsigned char)text.data[plain++];
    if ((i = plain) == text.len) break;
    uint32_t u;
    int invalid, n = utf8_decode(text.data + i, text.len - i, &u, &invalid);
    *to++ = n ? u : (uint32_t)ESCAPED_BYTE + (unsigned char)text.data[i];
    i += n ? (size_t)n : 1;
  }
  out->len = (size_t)(to - out->data);
}

int scheme_encode(struct scheme_worker *w, struct slice text, bool allow_special, struct ids *out, struct err *e) {
  switch (w->s->kind) {
  case SCHEME_BPE:
    return encoder_encode(w->encoder, text, allow_special, out, e);
  case SCHEME_BYTES:
    encode_bytes(text, out);
    return 0;
  case SCHEME_CHARS:
    encode_chars(text, out);
    return 0;
  case SCHEME_WORDS:
    return encode_words(w, text, false, out, e);
  }
  return 0;
}

size_t scheme_cut(const struct scheme *s, struct slice text, bool allow_special) {
  switch (s->kind) {
  case SCHEME_BPE:
    return tokenizer_cut(s->tokenizer, text, allow_special);
  case SCHEME_BYTES:
    return text.len;
  case SCHEME_CHARS:
    for (size_t i = text.len; i-- > 1;)
      if (((unsigned char)text.data[i] & 0xC0) != 0x80) return i;
    return 0;
  case SCHEME_WORDS:
    for (size_t i = text.len; i-- > 1;)
      if (text.data[i] == ' ' || text.data[i] == '\n') return i;
    return 0;
  }
  return 0;
}

struct slice scheme_bytes(const struct scheme *s, uint32_t id) {
  if (s->kind == SCHEME_BPE && id < s->size) return tokenizer_bytes(s->tokenizer, id);
  if (s->kind == SCHEME_BYTES && id < 256) return (struct slice){(const char *)&every_byte[id], 1};
  return (struct slice){0};
}

int scheme_decode(const struct scheme *s, uint32_t id, uint64_t *words, struct buffer *out, struct err *e) {
  switch (s->kind) {
  case SCHEME_BPE:
    return tokenizer_decode(s->tokenizer, &id, 1, out, e);
  case SCHEME_BYTES:
    if (id > 255) return err_set(e, "id %" PRIu32 " is not a byte", id);
    buffer_put(out, (char)id);
    return 0;
  case SCHEME_CHARS:
    if (id > 0x10FFFF || (id >= 0xD800 && id < 0xE000 && (id < ESCAPED_BYTE + 128 || id > ESCAPED_BYTE + 255))) return err_set(e, "id %" PRIu32 " is not a character", id);
    if (id >= ESCAPED_BYTE + 128 && id <= ESCAPED_BYTE + 255) buffer_put(out, (char)(id - ESCAPED_BYTE));
    else utf8_append(out, id);
    return 0;
  case SCHEME_WORDS:
    if (id >= s->size) return err_set(e, "id %" PRIu32 " is not in the vocabulary", id);
    if ((*words)++) buffer_put(out, ' ');
    if (id == 0) buffer_append_string(out, "<unk>");
    else buffer_append_slice(out, s->spelling[id - 1]);
    return 0;
  }
  return 0;
}
