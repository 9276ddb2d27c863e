/* SPDX-License-Identifier: MIT
 *
 * A vocabulary: what a tokenizer file holds.  Ids are 0 .. size-1, with holes; each has bytes, and, when a merge makes
 * it, the ids of its left and right part.  Merges apply in the order of `rank`.
 *
 * Native form (crawl2lm-tokenizer(5)), canonical and hashed with XXH3-64:
 *     #crawl2lm-tokenizer<TAB>1
 *     #normalizer<TAB>nfc                 (when there is one)
 *     #pattern<TAB>NAME or REGEX          (one line a stage)
 *     #special<TAB>ID<TAB>BYTES           (in order of id)
 *     #eot<TAB>ID                         (when there is one)
 *     id<TAB>bytes<TAB>left<TAB>right     (in order of id; when ranks do not rise with ids: first the rows without
 *                                          parts by id, then the others by rank)
 */
#ifndef TOKEN_VOCAB_H
#define TOKEN_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

#define VOCAB_NONE UINT32_MAX
#define VOCAB_LIMIT (1u << 22) /* ids; a small file that names a huge one must not fill the memory */

struct vocab_entry {
  size_t offset;        /* in vocab.bytes */
  uint32_t length : 30; /* 0: a hole */
  uint32_t special : 1;
  uint32_t late : 1;    /* a special that is looked for where the others have left text over */
  uint32_t left, right; /* VOCAB_NONE for bytes, specials and tokens that no merge makes */
  uint32_t rank;        /* among merges; VOCAB_NONE without parts */
};

struct vocab { /* zero to start; vocab_release() */
  struct vocab_entry *entries;
  size_t capacity;
  uint32_t size; /* highest id + 1 */
  struct buffer bytes;
  uint64_t *slots;    /* of ordinary tokens by their bytes: hash << 32 | id + 1; see vocab_find */
  unsigned slot_bits; /* log2 of their number; at most half of them are taken */
  uint32_t ordinary;  /* ordinary tokens */
  uint32_t twice;     /* id + 1 of a token whose bytes another has, or 0 */
  char *pattern; /* canonical; newlines between stages */
  int64_t eot;   /* -1: none */
  bool nfc;      /* text is brought to Unicode's NFC before it is split (normalize.h) */
  /* What the tokenizer's post-processor puts around a prompt; not part of the canonical form. */
  uint32_t *prefix, *suffix;
  int prefix_count, suffix_count;
  /* Why specials in text cannot be found as the tokenizer's own library finds them; why only tokenizer.json can say how
   * they are; NULL: they can. */
  char *special_limits, *special_passes;
  /* Of a Hugging Face folder, as it stands there, to be written again: tokenizer_config.json, special_tokens_map.json,
   * chat_template.jinja; and the array added_tokens of tokenizer.json.  Empty when there is none. */
  struct buffer config, special_map, chat_template, added;
};

void vocab_init(struct vocab *v);
void vocab_release(struct vocab *v);

void vocab_reserve(struct vocab *v, size_t tokens); /* room for about so many, to save growing */

/* 0, or -1 when the id is taken or not below VOCAB_LIMIT. */
int vocab_add(struct vocab *v, uint32_t id, struct slice bytes, struct err *e);
int vocab_add_special(struct vocab *v, uint32_t id, struct slice bytes, struct err *e);
static inline struct slice vocab_bytes(const struct vocab *v, uint32_t id) {
  return id < v->size ? (struct slice){v->bytes.data + v->entries[id].offset, v->entries[id].length} : (struct slice){NULL, 0};
}

/* The ordinary token with these bytes (of two, the one added first), also one for decoding only; -1: none. */
int64_t vocab_find(const struct vocab *v, struct slice bytes);

/* All 256 bytes have an id, no two ordinary tokens the same bytes, parts are there and concatenate to their token. */
int vocab_check(const struct vocab *v, struct err *e);

/* Bytes in a field of the native form: \t \n \r \\ and \xHH for the rest below 20, 7F and what is not UTF-8. */
void vocab_escape(struct buffer *out, struct slice bytes);
int vocab_unescape(struct buffer *out, struct slice field);

void vocab_write(struct buffer *out, const struct vocab *v); /* canonical form */
/* Errors name `name` and the line. */
int vocab_read(struct vocab *v, struct slice file, const char *name, struct err *e);
uint64_t vocab_hash(const struct vocab *v);

/* GPT-2's byte <-> character table (encoder.py, bytes_to_unicode): code point of a byte; byte of a code point or -1. */
uint32_t byte_to_unicode(unsigned char byte);
int unicode_to_byte(uint32_t code_point);

#endif
