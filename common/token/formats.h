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
#include "common/token/tokenizer.h"
#include "common/token/vocab.h"

/* tokenizer.json; `config` is tokenizer_config.json or NULL. */
int format_read_hf(struct vocab *v, const json_t *root, const json_t *config, struct err *e);
int format_write_hf(struct buffer *tokenizer, struct buffer *config, const struct vocab *v, struct err *e);

/* GPT-2: an object token -> id, and lines "left right" after an optional "#version" line. */
int format_read_gpt2(struct vocab *v, const json_t *ids, struct slice merges, struct err *e);

/* `name`: of the file, for its encoding and for errors. */
int format_read_tiktoken(struct vocab *v, struct slice file, const char *name, const struct tokenizer_options *options, struct err *e);

/* Common to the readers: from the bytes of all tokens, gives each ordinary token of two bytes and more the parts that
 * byte-pair encoding with ranks = ids merges last; tokens that it does not reach keep none. */
void format_derive_parts(struct vocab *v);

/* Merges in order, each the ids of its parts and of its token (three words a merge) -> parts and ranks of the tokens.
 * When several merges make one token, the one that encoding its bytes ends with.  Tokens that encoding never gives
 * become parts of themselves (decode only), unless whole pieces are looked up first (`whole`). */
int format_apply_merges(struct vocab *v, const uint32_t *merges, size_t count, bool whole, struct err *e);

/* Characters of the byte-level alphabet -> bytes; -1 when one is not of it. */
int format_characters(struct buffer *out, const char *s, size_t n);

#endif
