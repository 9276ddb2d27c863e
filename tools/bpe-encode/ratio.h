/* SPDX-License-Identifier: MIT
 *
 * Bytes, characters and tokens by script.  A token belongs to the script of the first character that has one and of which
 * the token holds a byte or more; without any, and special tokens, to Common.  Its bytes, and the characters that begin
 * in it, go with it, so that scripts add up to the whole.  Of words, a token has the white space before it; what follows
 * the last token of a text is Common's.  A document belongs to the script with the most of its bytes, Common's not
 * counted unless it has no others.
 */
#ifndef BPE_ENCODE_RATIO_H
#define BPE_ENCODE_RATIO_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/io/output.h"
#include "tools/bpe-encode/scheme.h"
#include "tools/bpe-encode/scripts.h"

struct ratio_row {
  uint64_t documents, bytes, characters, tokens;
};

struct ratio_counts { /* zero to start */
  struct ratio_row rows[SCRIPTS];
};

struct ratio; /* immutable, shared by threads */

int ratio_new(struct ratio **r, const struct scheme *scheme, struct err *e);
void ratio_free(struct ratio *r);
/* `ids` are those of `text`, which is cut between characters. */
int ratio_count(const struct ratio *r, struct scheme_worker *w, struct slice text, const uint32_t *ids, size_t n, struct ratio_counts *counts, struct err *e);
void ratio_add(struct ratio_counts *to, const struct ratio_counts *from);
int ratio_script(const struct ratio_counts *document); /* to which the document belongs */
/* A line of column names, the row `all`, and a row for each script, most bytes first. */
int ratio_write(const struct ratio_counts *counts, const struct ratio_row *all, const char *tokenizer, struct output *out, struct err *e);

#endif
