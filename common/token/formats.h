/* SPDX-License-Identifier: MIT
 *
 * Foreign tokenizer files <-> vocabularies.  Readers fill a vocabulary that vocab_init() made and leave vocab_check()
 * to the caller; on error it holds something that vocab_release() frees.
 */
#ifndef TOKEN_FORMATS_H
#define TOKEN_FORMATS_H

#include <jansson.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/base/hashmap.h"
#include "common/token/tokenizer.h"
#include "common/token/vocab.h"

/* tokenizer.json; `config` is tokenizer_config.json or NULL.  Errors name `name`. */
int format_read_hf(struct vocab *v, struct slice file, const char *name, const json_t *config, struct err *e);
/* The configuration read with the vocabulary is written as it was, unless it names other tokens. */
int format_write_hf(struct buffer *tokenizer, struct buffer *config, const struct vocab *v, struct err *e);
/* Id of the special with this text, or -1. */
int64_t format_find_special(const struct vocab *v, struct slice name);
/* The token that a key of tokenizer_config.json or special_tokens_map.json names: its text, NULL: none. */
const char *format_token_name(const json_t *config, const char *key);

/* GPT-2: an object token -> id, and lines "left right" after an optional "#version" line; `config` is
 * tokenizer_config.json or NULL. */
int format_read_gpt2(struct vocab *v, struct slice ids, struct slice merges, const json_t *config, struct err *e);
/* vocab.json, merges.txt, and tokenizer_config.json, which transformers wants beside them.  Refused by name: another
 * pattern than gpt2, tokens that no merge makes, what the files cannot spell. */
struct gpt2_files {
  struct buffer ids, merges, config;
};
int format_write_gpt2(struct gpt2_files *files, const struct vocab *v, struct err *e);

/* `name`: of the file, for its encoding and for errors. */
int format_read_tiktoken(struct vocab *v, struct slice file, const char *name, const struct tokenizer_options *options, struct err *e);
/* The ordinary tokens.  Refused by name: merges that tiktoken, which knows only ids, would not apply. */
int format_write_tiktoken(struct buffer *out, const struct vocab *v, struct err *e);

/* Common to the readers: from the bytes of all tokens, gives each ordinary token of two bytes and more the parts that
 * byte-pair encoding with ranks = ids merges last; tokens that it does not reach keep none. */
void format_derive_parts(struct vocab *v);

/* Tokens that are spelled in the byte-level alphabet, and merges of them, as they are read.  Tokens that may be special
 * wait until the merges say whether they make them. */
struct spelled {
  struct vocab *v;
  struct hashmap *waiting; /* bytes -> id */
  struct ids merges;       /* three words each, as for format_apply_merges */
  struct buffer bytes, scratch;
  uint32_t promoted;       /* of those waiting, how many merges make or use */
};
void spelled_init(struct spelled *s, struct vocab *v);
void spelled_release(struct spelled *s);
/* One token.  may_be_special: it becomes ordinary only when a merge makes it. */
int spelled_token(struct spelled *s, struct slice name, uint32_t id, bool may_be_special, struct err *e);
int spelled_merge(struct spelled *s, struct slice left, struct slice right, struct err *e);
/* The waiting ones that are left become specials; merges apply.  After all merges. */
int spelled_finish(struct spelled *s, bool whole, struct err *e);

/* Merges in order, each the ids of its parts and of its token (three words a merge) -> parts and ranks of the tokens.
 * A pair that is there several times has the rank of the last (a map from pairs to ranks, in Hugging Face tokenizers and in GPT-2's code).
 * When several merges make one token, the one that encoding its bytes ends with.  Tokens that encoding never gives
 * become parts of themselves (decode only), unless whole pieces are looked up first (`whole`). */
int format_apply_merges(struct vocab *v, const uint32_t *merges, size_t count, bool whole, struct err *e);

/* Characters of the byte-level alphabet -> bytes; -1 when one is not of it. */
int format_characters(struct buffer *out, const char *s, size_t n);
void format_spell(struct buffer *out, struct slice bytes); /* and back */

/* Ids of the tokens that merges make, by rank; free() it. */
uint32_t *format_merge_order(const struct vocab *v, size_t *count);
/* Error when a special's text spells an ordinary token, or is not text: one JSON object cannot hold both. */
int format_check_spelling(const struct vocab *v, const char *file, struct err *e);

#endif
