/* SPDX-License-Identifier: MIT
 *
 * lm-train: token shards -> a Hugging Face checkpoint.
 */
#include <string.h>

#include "common/io/program.h"
#include "tools/lm-train/run.h"

enum { OWN_ROWS = 17 };

int main(int argc, char **argv) {
  struct run_settings s = {0};
  recipe_options_init(&s.recipe);
  const struct option own[] = {
      {OPTION_STRING, 'c', "config", &s.config, "FILE", "a Hugging Face config.json: crawl2lm-config(5)"},
      {OPTION_STRING, 0, "preset", &s.preset, "NAME", "a known shape: llama-1m, stories15m, gpt2-124m, smollm2-135m, ..."},
      {OPTION_LIST, 0, "set", &s.set, "KEY=V", "change a key of the config, dots descend; may repeat"},
      {OPTION_LIST, 'd', "data", &s.data, "[WEIGHT:]GLOB", "training shards; may repeat, each a source with its weight (default 1)"},
      {OPTION_LIST, 'V', "validation", &s.validation, "GLOB", "validation shards (default: the last tenth of each source)"},
      {OPTION_STRING, 't', "tokenizer", &s.tokenizer, "FILE", "check the shards against it, keep it with the model, report bits per byte"},
      {OPTION_FLAG, 0, "resume", &s.resume, NULL, "go on with the newest checkpoint of the output folder"},
      {OPTION_STRING, 0, "init", &s.init, "FOLDER", "begin with the weights of this model (continued pre-training)"},
      {OPTION_STRING, 0, "branch", &s.branch, "FOLDER", "begin where this checkpoint of another run stands, optimiser and data included"},
      {OPTION_CHOICE, 0, "device", &s.device, NULL, "where to compute (default auto)", DEVICE_CHOICES},
      {OPTION_STRING, 0, "offload", &s.offload, "WHAT", "optimizer, activations or both, with a comma: to host memory; a folder: optimizer"},
      {OPTION_STRING, 0, "recipe", &s.recipe_path, "FILE", "JSON object of the options below; the command line wins"},
      {OPTION_STRING, 0, "log", &s.log, "FILE", "a row a step: loss, learning rate, norm and noise of the gradient"},
      {OPTION_STRING, 0, "profile", &s.profile, "FILE", "time, FLOPs, bytes and roofline per operation; FILE.json: a timeline"},
      {OPTION_FLAG, 0, "plan", &s.plan, NULL, "print parameters, FLOPs, memory and what would fit, and do nothing"},
  };
  struct option options[OWN_ROWS + RECIPE_ROWS];
  memcpy(options, own, sizeof own);
  recipe_options_table(&s.recipe, options + sizeof own / sizeof *own);
  static const char *const examples[] = {
      "lm-train --preset llama-1m -d train.bin -t tok.tsv -o model --tokens 10M",
      "lm-train -c config.json -d 0.7:web/*.bin -d 0.3:code.bin -o model --flops 1e15 --log log.tsv",
      "lm-train -d train.bin -o model --resume --tokens 20M",
      "lm-train -d train.bin --branch run/step-9000 -o decayed --steps 10000",
      NULL};
  struct program p = {.name = "lm-train", .summary = "train a language model on token shards", .operands = "[SHARD...]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_SEED | SHARED_FORCE, .graceful_stop = true, .seed = -1};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  int result = run(&p, &s, &e);
  option_list_release(&s.set), option_list_release(&s.data), option_list_release(&s.validation);
  return program_end(&p, result, &e);
}
