/* SPDX-License-Identifier: MIT
 *
 * Byte-pair training: from counts of pieces to a vocabulary.
 */
#ifndef BPE_TRAIN_MERGES_H
#define BPE_TRAIN_MERGES_H

#include <stdint.h>

#include "common/token/vocab.h"
#include "tools/bpe-train/count.h"

/* Which of the most frequent pairs goes first:
 *   hf       smaller ids, bytes in GPT-2's order (Hugging Face tokenizers, models/bpe/trainer.rs)
 *   raw      smaller ids, bytes in their order (rustbpe)
 *   lexical  greater bytes of left, then of right (Stanford CS336, assignment 1) */
enum tie { TIE_HF, TIE_RAW, TIE_LEXICAL };

/* Adds the 256 bytes and up to `merges` tokens to an empty vocabulary.  Returns how many were made; fewer when no pair
 * is left.  progress(context, done) is called now and then; it may be NULL. */
uint32_t merges_train(struct vocab *v, const struct word_counts *words, uint32_t merges, enum tie tie, void (*progress)(void *context, uint32_t done), void *context);

#endif
