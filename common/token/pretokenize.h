/* SPDX-License-Identifier: MIT
 *
 * Pre-tokenisers: text -> pieces that no merge crosses.  Every byte of the text is in exactly one piece.
 *
 * A pattern is the name of a known one (gpt2, cl100k, o200k, none; in place of llama3, qwen2 and deepseek stands their
 * spelling) or a regular expression; every spelling of a named pattern that we have met stands for its name.  Several stages, each splitting the pieces of the one before (Hugging
 * Face's Sequence), are joined by newlines.  Hand-written: the named ones; Llama 3's and Qwen's kin of cl100k; Mistral's
 * tekken; DeepSeek-V3's stages; the stage Digits before any of them; the words of -t words.  All else runs in PCRE2's JIT
 * with match limits (and at its speed, about 150 to 250 MB/s).  What a regular expression does not match is a piece of its
 * own between its neighbours, as in Hugging Face's "Isolated".
 *
 * Characters: letter = \p{L}, number = \p{N}, white space = \p{White_Space}, other = the rest.  Bytes that are not valid
 * UTF-8 are "other" characters, one each, in the hand-written patterns; PCRE2, DeepSeek's stages and words never match
 * them, so that there a maximal run of what is not matched is a piece.
 */
#ifndef TOKEN_PRETOKENIZE_H
#define TOKEN_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct specials;
struct pretokenizer;         /* immutable, shared by threads */
struct pretokenizer_scratch; /* one per thread */

/* `pattern` as in a tokenizer file: canonical or not, newlines separate stages. */
int pretokenizer_new(struct pretokenizer **p, const char *pattern, struct err *e);
void pretokenizer_free(struct pretokenizer *p);
const char *pretokenizer_pattern(const struct pretokenizer *p); /* canonical */

struct pretokenizer_scratch *pretokenizer_scratch_new(const struct pretokenizer *p);
void pretokenizer_scratch_free(struct pretokenizer_scratch *s);

/* Splits text[*cursor ..) and puts the ends of up to `max` pieces into `ends`, relative to where *cursor stood; moves
 * *cursor to the last end.  Returns how many, 0 at the end of the text, -1 (a match limit was hit; 4 GiB and more are left).
 * `text` is the whole text between specials and stays the same over the calls for it; start each text with *cursor = 0.
 * max: SCAN_WIDE and more let wide code run. */
int pretokenize(const struct pretokenizer *p, struct pretokenizer_scratch *s, struct slice text, size_t *cursor, uint32_t *ends, int max, struct err *e);

/* A place where a text may be cut in two without changing its pieces, so that long texts can be streamed and shared out
 * to threads: an i in (0, text.len), near the end, such that pieces(text) = pieces(text[0..i)) + pieces(text[i..)) and no
 * special (`specials` may be NULL) lies across i, whatever follows the text.  text[i] begins a character before which
 * nothing composes, so that NFC of the parts is NFC of the whole (cut.h).  0 when there is none, and for a pattern whose
 * first stage is a regular expression without a scanner.  Takes time by the distance of i from the end. */
size_t pretokenizer_cut(const struct pretokenizer *p, const struct specials *specials, struct slice text);

#endif
