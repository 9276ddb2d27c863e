/* SPDX-License-Identifier: MIT
 *
 * Prompts in, continuations out: one prompt from the command line, or a stream of `id prompt` in batches.
 */
#ifndef LM_SAMPLE_SAMPLE_H
#define LM_SAMPLE_SAMPLE_H

#include "common/io/program.h"
#include "common/model/sampler.h"

#define DEVICE_CHOICES "auto|cpu|cuda"
enum { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA };
#define SAMPLE_DTYPE_CHOICES "bf16|fp32"
enum { SAMPLE_BF16, SAMPLE_FP32 };
#define QUANT_CHOICES "none|q8_0|q4_0"
enum { QUANT_NONE, QUANT_Q8_0, QUANT_Q4_0 };

struct sample_settings {
  const char *model, *tokenizer, *prompt, *profile; /* prompt NULL: read documents */
  int64_t tokens, samples, batch;
  bool logprobs;
  int device, dtype, quant; /* indices into the choices */
  struct sampler_settings sampler;
};

int sample(struct program *p, const struct sample_settings *s, struct err *e);

#endif
