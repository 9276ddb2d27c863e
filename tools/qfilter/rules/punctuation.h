/* SPDX-License-Identifier: MIT
 *
 * Sets of characters: a bit per code point of the Basic Multilingual Plane, a sorted array above it.
 */
#ifndef QFILTER_RULES_PUNCTUATION_H
#define QFILTER_RULES_PUNCTUATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct char_set {
  uint64_t plane[1024];
  uint32_t *above;
  int above_count;
};

void char_set_init(struct char_set *set, struct slice characters); /* every code point of valid UTF-8 */
void char_set_release(struct char_set *set);
bool char_set_has_above(const struct char_set *set, uint32_t code_point);

static inline bool char_set_has(const struct char_set *set, uint32_t code_point) {
  if (code_point < 0x10000) return set->plane[code_point / 64] >> (code_point % 64) & 1;
  return char_set_has_above(set, code_point);
}

/* PUNCTUATION_SET of datatrove 0.10: a word of these alone is a symbol, not a word. */
const struct char_set *symbol_set(void);

/* Its TERMINAL_PUNCTUATION, the default of fineweb.stop_chars. */
extern const char terminal_punctuation_characters[];

#endif
