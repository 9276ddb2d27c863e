/* SPDX-License-Identifier: MIT
 *
 * The vocabulary is copied token by token, so that what only the tokenizer's own format holds stays behind.
 */
#include "tools/bpe-train/base.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/token/pattern.h"

int base_load(struct tokenizer **t, const char *path, const char *pattern, struct err *e) {
  struct err first;
  if (tokenizer_load(t, path, NULL, &first)) {
    /* only a `.tiktoken` file needs, and takes, a pattern */
    const struct tokenizer_options options = {.pattern = pattern};
    if (first.kind != ERR_USAGE || !pattern) return *e = first, -1;
    return tokenizer_load(t, path, &options, e);
  }
  if (!pattern) return 0;
  struct buffer canonical = {0};
  pattern_canonical(&canonical, pattern, false);
  const char *own = tokenizer_vocab(*t)->pattern;
  int status = strcmp(buffer_string(&canonical), own) == 0 ? 0 : err_usage(e, "%s has the pattern %s: training goes on with that one, leave out -p", path, own);
  buffer_release(&canonical);
  if (status) tokenizer_free(*t);
  return status;
}

static uint32_t *copy_ids(const uint32_t *ids, int count) { return count ? COPY(ids, (size_t)count * sizeof *ids) : NULL; }

int base_vocab(struct vocab *v, const struct tokenizer *t, struct err *e) {
  const struct vocab *from = tokenizer_vocab(t);
  if (from->nfc) return err_set(e, "it brings text to NFC before splitting it: training cannot go on from that");
  vocab_init(v);
  for (uint32_t id = 0; id < from->size; id++) {
    const struct vocab_entry *entry = &from->entries[id];
    if (entry->length == 0) continue;
    if (entry->special ? vocab_add_special(v, id, vocab_bytes(from, id), e) : vocab_add(v, id, vocab_bytes(from, id), e)) {
      vocab_release(v);
      return -1;
    }
    v->entries[id].left = entry->left;
    v->entries[id].right = entry->right;
    v->entries[id].rank = entry->rank;
  }
  v->pattern = STRDUP(from->pattern);
  v->eot = from->eot;
  v->prefix = copy_ids(from->prefix, v->prefix_count = from->prefix_count);
  v->suffix = copy_ids(from->suffix, v->suffix_count = from->suffix_count);
  return 0;
}
