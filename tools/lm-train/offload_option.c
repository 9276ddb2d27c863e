/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/offload_option.h"

#include <string.h>

static bool is_word(const char *text, size_t length, const char *word) { return length == strlen(word) && memcmp(text, word, length) == 0; }

int offload_option_parse(struct offload_option *o, const char *text, struct err *e) {
  *o = (struct offload_option){.folder = text};
  if (!text || strchr(text, '/')) return 0;
  struct offload_option words = {0};
  const char *strange = NULL;
  size_t strange_length = 0;
  for (const char *at = text;; at++) {
    size_t length = strcspn(at, ",");
    if (is_word(at, length, "optimizer")) words.optimizer = true;
    else if (is_word(at, length, "activations")) words.activations = true;
    else strange = at, strange_length = length;
    at += length;
    if (!*at) break;
  }
  if (!words.optimizer && !words.activations) return 0;
  if (strange) return err_usage(e, "--offload %s: '%.*s' is neither optimizer nor activations; a folder of that name is ./%s", text, (int)strange_length, strange, text);
  *o = words;
  return 0;
}
