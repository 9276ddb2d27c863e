/* SPDX-License-Identifier: MIT
 *
 * fastText models: whatever the bytes, a model is refused with a message or gives probabilities for any text.
 *
 * The input is read as a model, and then as a list of edits to one of the small models of tests/data/text, so that
 * damage beyond the first fields is reached too: byte 0 chooses the model; each edit is 2 bytes where (its top bit:
 * among the arguments and sizes at the start), 1 byte how, 4 bytes the value.
 */
#include "common/text/fasttext.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/qfilter-train/fasttext_quantize.h"
#include "tests/read_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict(const struct fasttext *m, struct slice text, struct fasttext_scores *s) {
  int32_t some[2] = {0, m->labels - 1}, best[3];
  bool any = fasttext_predict(m, text, s);
  if (s->best >= m->labels || (any && s->rows == 0) || (!any && s->best >= 0)) abort();
  size_t n = fasttext_best_labels(m, s, 3, best);
  for (size_t i = 0; i < n; i++)
    if (best[i] < 0 || best[i] >= m->labels) abort();
  int32_t all = s->best;
  float first = s->probability[some[0]], last = s->probability[some[1]];
  fasttext_predict_labels(m, text, some, 2, s);
  if (s->best != all || s->probability[some[0]] != first || s->probability[some[1]] != last) abort();
}

static void use(struct fasttext *m, struct slice text) {
  struct fasttext_scores scores = {0};
  static const char *const texts[] = {"", "the house \xE6\xB0\xB4 </s>", "__label__en a b c d e f g\nh i", "\x80\x80\x80\x80\x80\x80 \xC3\xA4\x80\x80\x80\x80 x"};
  for (int i = 0; i < 4; i++) predict(m, slice_of(texts[i]), &scores);
  predict(m, text, &scores);
  fasttext_scores_release(&scores);
}

static void try(const uint8_t *data, size_t size, struct slice text) {
  struct err e = {0};
  struct fasttext *m = fasttext_parse(data, size, &e);
  if (!m) {
    if (!e.message[0]) abort();
    return;
  }
  use(m, text);
  if (!m->input_codes && m->rows < 100 && m->args.dim < 20 && text.len % 8 == 0) { /* small enough to be made smaller */
    struct fasttext_quantize_options o = {.cutoff = m->rows / 2, .dsub = 1 + (int)(text.len % 3), .qnorm = text.len & 16, .qout = text.len & 32, .jobs = 1};
    if (fasttext_quantize(m, &o, &e) != 0) abort();
    use(m, text);
  }
  fasttext_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct slice text = {(const char *)data, size};
  try(data, size, text);
  static const char *const names[] = {"all.bin", "hs.bin", "ova.bin", "codes.ftz", "norms.ftz", "pruned.ftz", "retrained.ftz"};
  enum { MODELS = 7, START = 92 };
  static struct buffer models[MODELS];
  if (size < 8) return 0;
  int which = data[0] % MODELS;
  if (!models[which].len) {
    char path[128];
    snprintf(path, sizeof path, "tests/data/text/fasttext-%s", names[which]);
    models[which] = read_file(path);
    if (!models[which].len) return 0;
  }
  size_t n = models[which].len;
  uint8_t *model = COPY(models[which].data, n);
  for (size_t i = 1; i + 7 <= size && i < 7 * 8 && n > START; i += 7) {
    size_t at = (size_t)(data[i] | (data[i + 1] & 127) << 8);
    int32_t value, was;
    memcpy(&value, data + i + 3, 4);
    at = data[i + 1] & 128 ? at % START / 4 * 4 : at % (n - 4);
    memcpy(&was, model + at, 4);
    switch (data[i + 2] % 6) {
      case 0: break;                                                       /* any number */
      case 1: value = (int32_t)((uint32_t)was + (uint32_t)(value % 4)); break;   /* near what was there */
      case 2: value %= 512; break;
      case 3: value = value & 1 ? INT32_MAX : INT32_MIN; break;
      case 4: value = (int32_t)((uint32_t)was ^ (1u << (value & 31))); break;
      case 5: n = START + (n - START) * (uint8_t)value / 256; continue;    /* the end is gone */
    }
    if (at + 4 <= n) memcpy(model + at, &value, 4);
  }
  uint8_t *exact = COPY(model, n);
  exact = RESIZE(exact, n); /* so that a sanitizer sees a read past the end */
  try(exact, n, text);
  free(exact);
  free(model);
  return 0;
}
