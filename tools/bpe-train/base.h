/* SPDX-License-Identifier: MIT
 *
 * The tokenizer that training goes on from (--from).
 */
#ifndef BPE_TRAIN_BASE_H
#define BPE_TRAIN_BASE_H

#include "common/base/err.h"
#include "common/token/tokenizer.h"

/* Any readable format.  pattern (may be NULL): the one of a `.tiktoken` file whose name says none; another than the tokenizer's is
 * an error. */
int base_load(struct tokenizer **t, const char *path, const char *pattern, struct err *e);

/* A copy of its vocabulary, to add to.  An error when no text brings it about again: it normalizes. */
int base_vocab(struct vocab *v, const struct tokenizer *t, struct err *e);

#endif
