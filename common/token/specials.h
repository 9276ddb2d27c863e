/* SPDX-License-Identifier: MIT
 *
 * Search for special tokens in text: leftmost, and the longest of those that start there (Hugging Face: added_vocabulary.rs,
 * MatchKind::LeftmostLongest).
 */
#ifndef TOKEN_SPECIALS_H
#define TOKEN_SPECIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct specials; /* immutable after the last add, shared by threads */

struct specials *specials_new(void);
void specials_free(struct specials *s);
void specials_add(struct specials *s, struct slice bytes, uint32_t id); /* copies; empty ones are ignored; of the same bytes twice the smaller id counts */
int specials_count(const struct specials *s);

/* First special in text[from ..): its offset, with *length and *id; text.len when there is none. */
size_t specials_find(const struct specials *s, struct slice text, size_t from, size_t *length, uint32_t *id);

/* Largest i <= text.len such that no special can lie across i, whatever follows the text. */
size_t specials_cut(const struct specials *s, struct slice text, size_t i);

#endif
