/* SPDX-License-Identifier: MIT
 *
 * Tokens for people to look at, in the order of the text and without end-of-text.
 *
 * On a terminal: the text, each token on a background of its own, six colours in turn.  What has no shape of its own is
 * written out: a space as U+00B7, a tab as U+2192, a newline as U+21B5 before it; underlined as \xHH a carriage return,
 * other control and format characters, other white space, and bytes that are no whole character of their token (so a
 * character that several tokens share is seen as its bytes); a combining mark at the start of a token stands on U+25CC.
 * Special tokens are white on red.  A line is free between documents, and the counts follow.
 *
 * Otherwise a table: a line `id bytes text`, then one for each token, `bytes` the length of its text and the text
 * escaped as in crawl2lm-tokenizer(5); an empty line between documents.
 */
#ifndef BPE_ENCODE_INSPECT_H
#define BPE_ENCODE_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/io/output.h"
#include "tools/bpe-encode/scheme.h"
#include "tools/bpe-encode/shard_set.h"

struct inspect;

/* out: outlives it. */
struct inspect *inspect_new(const struct scheme *scheme, struct output *out, bool colours);
/* Runs as shard_set_put() takes them; a document without tokens is a run of none. */
int inspect_put(struct inspect *i, const uint32_t *ids, const struct shard_run *runs, size_t count, struct err *e);
/* Counts of the text: of all documents. */
int inspect_end(struct inspect *i, uint64_t documents, uint64_t bytes, uint64_t characters, uint64_t tokens, struct err *e);
void inspect_free(struct inspect *i);

/* Whether colours are wanted: stdout is a terminal, TERM is not dumb, and NO_COLOR is not set (https://no-color.org). */
bool inspect_colours(const char *output_path);

#endif
