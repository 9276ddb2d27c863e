/* SPDX-License-Identifier: MIT
 *
 * Any JSON as a model's config: what is accepted has sizes that add up and comes back from its own JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "common/model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err e;
  struct model_config c, again;
  json_t *object = json_loadb((const char *)data, size, 0, NULL);
  if (!object) return 0;
  if (json_is_object(object) && config_parse(&c, object, "fuzz", &e) == 0) {
    if (config_parameters(&c) <= 0 || config_matmul_parameters(&c) > config_parameters(&c)) abort();
    json_t *own = config_to_json(&c);
    if (config_parse(&again, own, "own", &e) < 0 || config_hash(&again) != config_hash(&c)) abort();
    json_decref(own);
  }
  json_decref(object);
  return 0;
}
