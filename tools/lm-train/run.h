/* SPDX-License-Identifier: MIT
 *
 * One run of lm-train: from files and settings to a model that trains, and its traces: DIR/step-N, DIR/run.tsv, the log.
 */
#ifndef LM_TRAIN_RUN_H
#define LM_TRAIN_RUN_H

#include "common/base/options.h"
#include "common/io/program.h"
#include "tools/lm-train/recipe_options.h"

struct run_settings {
  const char *config, *preset;       /* one of them, unless --resume, --init or --branch */
  struct option_list set, data, validation;
  const char *tokenizer, *recipe_path, *log, *profile;
  const char *init, *branch;         /* folders; at most one */
  const char *offload;               /* offload_option.h; NULL: nothing leaves */
  bool resume, plan;
  int device;                        /* index into DEVICE_CHOICES */
  struct recipe_options recipe;
};

#define DEVICE_CHOICES "auto|cpu|cuda"
enum { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA };

int run(struct program *p, struct run_settings *s, struct err *e);

#endif
