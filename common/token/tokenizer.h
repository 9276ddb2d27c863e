/* SPDX-License-Identifier: MIT
 *
 * A tokenizer: vocabulary + pre-tokeniser + BPE tables, from and to files.
 * Read: native TSV; Hugging Face tokenizer.json (byte-level BPE), or a folder that holds one; GPT-2's vocab.json +
 * merges.txt in a folder (also under the names gpt2_vocab.json, gpt2_merges.txt); tiktoken's BASE64 RANK lines
 * (`.tiktoken`).  Ids equal those of the library the file comes from; the hash is that of the native form, so that it
 * does not depend on the file's format.
 */
#ifndef TOKEN_TOKENIZER_H
#define TOKEN_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/token/bpe.h"
#include "common/token/vocab.h"

struct tokenizer; /* immutable, shared by threads */
struct encoder;   /* one per thread */

struct tokenizer_options {      /* for `.tiktoken` files only; an error (ERR_USAGE) with others when set */
  const char *pattern;          /* NULL: by the base name of the file (r50k*, p50k*, cl100k*, o200k*), else ERR_USAGE */
  const char *const *specials;  /* names; get that encoding's ids, else those after the highest */
  int special_count;            /* -1: that encoding's specials */
};

/* options may be NULL. */
int tokenizer_load(struct tokenizer **t, const char *path, const struct tokenizer_options *options, struct err *e);
/* Takes over a finished vocabulary (bpe-train); *v is empty afterwards, also on error. */
int tokenizer_from_vocab(struct tokenizer **t, struct vocab *v, struct err *e);
void tokenizer_free(struct tokenizer *t);

const struct vocab *tokenizer_vocab(const struct tokenizer *t);
uint32_t tokenizer_size(const struct tokenizer *t); /* highest id + 1 */
uint64_t tokenizer_hash(const struct tokenizer *t);
int64_t tokenizer_eot(const struct tokenizer *t);   /* -1: none */
struct slice tokenizer_bytes(const struct tokenizer *t, uint32_t id); /* what the id decodes to; empty for a hole */
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id);
bool tokenizer_normalizes(const struct tokenizer *t); /* text is put into NFC first: ids decode to that */
int64_t tokenizer_find(const struct tokenizer *t, struct slice bytes); /* special first, then ordinary; -1 */
/* What the post-processor puts before (and after) a prompt: lm-sample encodes prefix + prompt. */
const uint32_t *tokenizer_prefix(const struct tokenizer *t, int *count);
const uint32_t *tokenizer_suffix(const struct tokenizer *t, int *count);

/* Each file is replaced atomically.  Folders exist.  What a format cannot hold is an error before anything is written.
 * hf: `tokenizer.json` and `tokenizer_config.json`; of a tokenizer that was read from such a folder, whatever else stood in
 * the configuration, `special_tokens_map.json` and `chat_template.jinja` too.  gpt2: `vocab.json`, `merges.txt`,
 * `tokenizer_config.json`; only with the pattern gpt2.  tiktoken: BASE64 RANK lines of the ordinary tokens; pattern and
 * specials are not in the file. */
int tokenizer_write_tsv(const struct tokenizer *t, const char *path, struct err *e);
int tokenizer_tsv(const struct tokenizer *t, struct buffer *out, struct err *e); /* the native form, appended */
int tokenizer_write_hf(const struct tokenizer *t, const char *folder, struct err *e);
int tokenizer_write_gpt2(const struct tokenizer *t, const char *folder, struct err *e);
int tokenizer_write_tiktoken(const struct tokenizer *t, const char *path, struct err *e);

/* memory: bytes for the cache of pieces; 0: 8 MiB. */
struct encoder *encoder_new(const struct tokenizer *t, size_t memory);
void encoder_free(struct encoder *n);
/* Appends the ids of `text`.  Specials in it are plain text unless allow_special.  No prefix, no end-of-text.
 * -1 only when a regular expression hits its match limit, or when the specials cannot be found as the tokenizer's own
 * library does (added tokens with lstrip, rstrip, single_word). */
int encoder_encode(struct encoder *n, struct slice text, bool allow_special, struct ids *out, struct err *e);
/* A place where text may be cut in two without changing its ids, for streaming; 0: none (see pretokenizer_cut). */
size_t tokenizer_cut(const struct tokenizer *t, struct slice text, bool allow_special);

/* Appends the bytes of the ids; -1 when one is a hole or beyond the vocabulary. */
int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, struct buffer *out, struct err *e);

#endif
