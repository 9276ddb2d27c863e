/* SPDX-License-Identifier: MIT
 *
 * --offload: what leaves the device, to host memory or a folder.
 *   optimizer  activations  optimizer,activations    to host memory, from a GPU
 *   anything else, or with a slash                    the optimiser's state, to that folder, from the memory of a CPU
 */
#ifndef LM_TRAIN_OFFLOAD_OPTION_H
#define LM_TRAIN_OFFLOAD_OPTION_H

#include <stdbool.h>

#include "common/base/err.h"

struct offload_option {
  bool optimizer, activations; /* to host memory */
  const char *folder;          /* NULL: none */
};

/* text: NULL for nothing.  Words of which some are known and some are not are wrong usage. */
int offload_option_parse(struct offload_option *o, const char *text, struct err *e);

#endif
