/* SPDX-License-Identifier: MIT
 *
 * lm-sample: a checkpoint continues prompts.
 */
#include "common/io/program.h"
#include "tools/lm-sample/sample.h"

int main(int argc, char **argv) {
  struct sample_settings s = {.tokens = 128, .samples = 1, .batch = 16, .sampler = {.top_p = 1, .repeat_penalty = 1}};
  const struct option options[] = {
      {OPTION_STRING, 'm', "model", &s.model, "DIR", "the checkpoint: config.json, model.safetensors, tokenizer.json"},
      {OPTION_STRING, 't', "tokenizer", &s.tokenizer, "FILE", "the tokenizer (default: the checkpoint's)"},
      {OPTION_STRING, 'p', "prompt", &s.prompt, "PROMPT", "continue this text; without it, `id prompt` lines are read"},
      {OPTION_COUNT, 'n', "tokens", &s.tokens, "N", "new tokens at most (default 128)", .min = 0, .max = 9e18},
      {OPTION_DOUBLE, 0, "temperature", &s.sampler.temperature, "X", "0 takes the likeliest token (default 0)", .min = 0, .max = 1e6},
      {OPTION_COUNT, 0, "top-k", &s.sampler.top_k, "K", "draw from the K likeliest tokens, 0: from all (default 0)", .min = 0, .max = 9e18},
      {OPTION_DOUBLE, 0, "top-p", &s.sampler.top_p, "P", "draw from the fewest tokens that reach probability P (default 1)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "min-p", &s.sampler.min_p, "P", "draw from tokens at least P times as likely as the likeliest (default 0)", .min = 0, .max = 1},
      {OPTION_DOUBLE, 0, "repeat-penalty", &s.sampler.repeat_penalty, "X", "make tokens that were seen less likely (default 1: no)", .min = 1e-3, .max = 1e3},
      {OPTION_COUNT, 0, "samples", &s.samples, "K", "continuations of each prompt (default 1)", .min = 1, .max = 1e9},
      {OPTION_COUNT, 0, "batch", &s.batch, "B", "sequences at a time (default 16)", .min = 1, .max = 65536},
      {OPTION_FLAG, 0, "logprobs", &s.logprobs, NULL, "write the log-probability of each token too"},
      {OPTION_CHOICE, 0, "device", &s.device, NULL, "where to compute (default auto)", DEVICE_CHOICES},
      {OPTION_CHOICE, 0, "dtype", &s.dtype, NULL, "type of weights and products on a GPU (default bf16; a CPU computes in fp32)", SAMPLE_DTYPE_CHOICES},
      {OPTION_CHOICE, 0, "quant", &s.quant, NULL, "weights of products in blocks of 8 or 4 bits (default none)", QUANT_CHOICES},
      {OPTION_STRING, 0, "profile", &s.profile, "FILE", "time, FLOPs and bytes per operation"},
      {OPTION_END},
  };
  static const char *const examples[] = {
      "lm-sample -m model -p 'Once upon a time'",
      "lm-sample -m model --temperature 0.8 --top-p 0.95 --samples 4 < prompts.tsv > samples.tsv",
      "lm-sample -m model --quant q8_0 -p 'Once upon a time'",
      NULL};
  struct program p = {.name = "lm-sample", .summary = "continue prompts with a language model", .operands = "[FILE...]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_SEED | SHARED_STRICT};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  return program_end(&p, sample(&p, &s, &e), &e);
}
