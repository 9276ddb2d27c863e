/* SPDX-License-Identifier: MIT
 *
 * Texts through all rules, sentences and masks: valid UTF-8 stays valid UTF-8, c4 adds at most a space a sentence, the verdict of
 * --explain is that of the rules.
 */
#include "tools/qfilter/rules/rules.h"

#include <stdlib.h>

#include "common/base/utf8.h"
#include "tools/qfilter/pii/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct buffer text = {0}, masked = {0}, scratch[2] = {{0}, {0}}, row = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, (const char *)data, size, &invalid, &nul);
  struct rules_scratch s = {0};
  struct err e;
  for (int mode = 0; mode < 3; mode++) {
    for (int set = 0; set < RULE_SETS; set++) {
      struct rules r;
      rules_init(&r);
      r.words = (enum words_mode)mode;
      rules_choose(&r, rule_set_names[set], &e);
      if (size % 2) { /* lets more texts through */
        rules_set(&r, "gopher-quality.min_doc_words=none", &e);
        rules_set(&r, "c4.min_num_sentences=-1", &e);
        rules_set(&r, "c4.split_paragraph=false", &e);
      }
      struct slice left = buffer_slice(&text), explained = left;
      struct verdict v = rules_apply(&r, &s, &left);
      require(left.len <= 2 * text.len && utf8_valid_prefix(left.data, left.len) == left.len);
      buffer_clear(&row);
      require(rules_explain(&r, &s, &explained, &row).reason == v.reason);
      rules_release(&r);
    }
  }
  struct mask_counts counts = {0};
  struct mask all = {.kinds = (1u << MASK_KINDS) - 1, .any_address = size % 2};
  struct slice once = mask_apply(&all, buffer_slice(&text), scratch, &counts);
  require(utf8_valid_prefix(once.data, once.len) == once.len);
  buffer_append_slice(&masked, once);
  once = mask_apply(&all, buffer_slice(&masked), scratch, &counts);
  require(utf8_valid_prefix(once.data, once.len) == once.len);
  rules_scratch_release(&s);
  buffer_release(&text);
  buffer_release(&masked);
  buffer_release(&scratch[0]);
  buffer_release(&scratch[1]);
  buffer_release(&row);
  return 0;
}
