/* SPDX-License-Identifier: MIT
 *
 * fastText models: whatever the bytes, a model is refused with a message or gives probabilities for any text.
 */
#include "common/text/fasttext.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err e = {0};
  struct fasttext *m = fasttext_parse(data, size, &e);
  if (!m) {
    if (!e.message[0]) abort();
    return 0;
  }
  struct fasttext_scores scores = {0};
  static const char *const texts[] = {"", "the house \xE6\xB0\xB4 </s>", "__label__en a b c d e f g\nh i"};
  for (int i = 0; i < 3; i++) {
    fasttext_predict(m, slice_of(texts[i]), &scores);
    if (scores.best >= m->labels || (scores.rows && scores.best < 0)) abort();
  }
  fasttext_predict(m, (struct slice){(const char *)data, size}, &scores);
  fasttext_scores_release(&scores);
  fasttext_free(m);
  return 0;
}
