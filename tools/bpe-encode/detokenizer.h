/* SPDX-License-Identifier: MIT
 *
 * Ids -> text in bulk: a table of what each id stands for, 15 bytes and their length, so that most ids are one load, one
 * store of 16 bytes and one addition.
 */
#ifndef BPE_ENCODE_DETOKENIZER_H
#define BPE_ENCODE_DETOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "tools/bpe-encode/scheme.h"

struct detokenizer;

enum { DETOKENIZER_MOST = 1 << 20 }; /* bytes in `out` from which on a run of long tokens ends */

/* `s` outlives it.  escaped: text as a field of Linear TSV (document_escape()). */
struct detokenizer *detokenizer_new(const struct scheme *s, bool escaped);
void detokenizer_free(struct detokenizer *d);

/* Appends the text of ids[0 .. result): all before the first one that stands for nothing by itself, which the caller looks
 * at: end-of-text, what is not in the vocabulary, words (spaces go between); or before that, once `out` holds
 * DETOKENIZER_MOST bytes. */
size_t detokenizer_run(const struct detokenizer *d, const uint32_t *ids, size_t n, struct buffer *out);

#endif
