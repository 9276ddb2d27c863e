/* SPDX-License-Identifier: MIT
 *
 * Prompts in, continuations out: one prompt from the command line, or a stream of `id prompt` in batches.
 */
#ifndef LM_SAMPLE_SAMPLE_H
#define LM_SAMPLE_SAMPLE_H

#include "common/io/program.h"
#include "common/model/sampler.h"

struct sample_settings {
  const char *model, *tokenizer, *prompt, *profile; /* prompt NULL: read documents */
  int64_t tokens, samples, batch;
  bool logprobs;
  struct sampler_settings sampler;
};

int sample(struct program *p, const struct sample_settings *s, struct err *e);

#endif
