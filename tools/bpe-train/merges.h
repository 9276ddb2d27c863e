/* SPDX-License-Identifier: MIT
 *
 * Byte-pair training: from counts of pieces to a vocabulary (Sennrich, Haddow, Birch 2016).
 */
#ifndef BPE_TRAIN_MERGES_H
#define BPE_TRAIN_MERGES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/token/vocab.h"
#include "tools/bpe-train/words.h"

/* Which of the most frequent pairs goes first:
 *   hf       smaller ids, bytes in GPT-2's order (Hugging Face tokenizers, models/bpe/trainer.rs)
 *   raw      smaller ids, bytes in their order (rustbpe)
 *   lexical  greater bytes of left, then of right (Stanford CS336, assignment 1) */
enum tie { TIE_HF, TIE_RAW, TIE_LEXICAL };

struct merges_options {
  enum tie tie;
  uint32_t wanted;        /* merges to make */
  uint64_t min_frequency; /* stop when the best pair occurs less often; 0 and 1: never */
  size_t memory;          /* the process should stay within it: what does not fit goes to a scratch file */
  const char *tmpdir;     /* its folder; NULL as in output_scratch() */
  void (*progress)(void *context, uint32_t done); /* called now and then; may be NULL */
  void *context;
};

/* Adds up to `wanted` tokens to a vocabulary.  An empty one (vocab_init) gets the 256 bytes first; to another one (of a tokenizer
 * that vocab_check() accepts) they are added behind its highest id, its merges having been applied to the pieces; pairs whose bytes
 * are a token already are left alone.  *made: how many; fewer than wanted when no pair is left.  Takes over `words`, which are freed
 * once read, also on error.  The result does not depend on their order nor on `memory`. */
int merges_train(struct vocab *v, struct words *words, const struct merges_options *options, uint32_t *made, struct err *e);

#endif
