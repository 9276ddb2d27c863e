/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the rows of a law: what is taken has positive finite parameters.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "tools/fit-scaling/plan/given_law.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct given_law law;
  struct err e;
  if (given_law_parse(&law, (struct slice){(const char *)data, size}, "fuzz", &e) != 0) return 0;
  for (int i = 0; i < 5; i++)
    if (!isfinite(law.parameter[i]) || law.parameter[i] < 0 || (i > 0 && law.parameter[i] == 0)) abort();
  return 0;
}
