/* SPDX-License-Identifier: MIT
 *
 * A scheme: how text becomes ids.
 *   a tokenizer   byte-pair encoding, common/token/tokenizer.h
 *   bytes         ids 0..255, end-of-text 256; the hash is that of the native tokenizer without merges that it equals
 *   chars         id = code point; a byte that is not UTF-8 is 0xDC00 + byte (a surrogate, which text cannot hold), so
 *                 that decoding gives the bytes back; no end-of-text
 *   words:FILE    one word a line, id = line number from 1, 0 = unknown; a line <|endoftext|> is the end-of-text.
 *                 Words are those of PATTERN_WORDS; decoding joins them by spaces, unknown ones as <unk>
 */
#ifndef BPE_ENCODE_SCHEME_H
#define BPE_ENCODE_SCHEME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/token/tokenizer.h"

struct scheme;        /* immutable, shared by threads */
struct scheme_worker; /* one per thread */

int scheme_open(struct scheme **s, const char *name, const struct tokenizer_options *options, struct err *e);
void scheme_free(struct scheme *s);
uint32_t scheme_size(const struct scheme *s);  /* of the vocabulary */
int64_t scheme_eot(const struct scheme *s);    /* -1: none */
uint64_t scheme_hash(const struct scheme *s);
bool scheme_wide(const struct scheme *s);      /* ids are always written as u32 */
bool scheme_spaced(const struct scheme *s);    /* words: the white space between tokens is dropped */
bool scheme_is_special(const struct scheme *s, uint32_t id);
const struct tokenizer *scheme_tokenizer(const struct scheme *s); /* NULL when it is none */

struct scheme_worker *scheme_worker_new(const struct scheme *s, size_t memory);
void scheme_worker_free(struct scheme_worker *w);
int scheme_encode(struct scheme_worker *w, struct slice text, bool allow_special, struct ids *out, struct err *e);
/* words: where each token ends in the text. */
int scheme_word_ends(struct scheme_worker *w, struct slice text, struct ids *ends, struct err *e);
bool scheme_space_ends(struct slice text, size_t at); /* the character before at > 0 is white space between words */

/* A place where text may be cut in two without changing its ids; 0: none. */
size_t scheme_cut(const struct scheme *s, struct slice text, bool allow_special);

/* What an id stands for wherever it is; empty for one that is not in the vocabulary, and in `chars` and `words`. */
struct slice scheme_bytes(const struct scheme *s, uint32_t id);
/* Appends what one id stands for; *words counts those put since the last end-of-text (spaces go between). */
int scheme_decode(const struct scheme *s, uint32_t id, uint64_t *words, struct buffer *out, struct err *e);

#endif
