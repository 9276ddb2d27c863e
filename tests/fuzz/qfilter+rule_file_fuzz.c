/* SPDX-License-Identifier: MIT
 *
 * Rule files and expressions: whatever the bytes, they are refused with a message that names a place, or compile to
 * something that gives the same answer twice.  Lists in files are refused here: a mutation must not open what it likes.
 */
#include "tools/qfilter/rules/rule_file.h"

#include <stdlib.h>

#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find_score(void *context, struct slice model, struct slice label) {
  (void)context;
  return slice_equal(model, SLICE("m")) ? (int)label.len : -1;
}

static double score(void *context, int index) {
  (void)context;
  return index / 10.0;
}

static void require(int condition) {
  if (!condition) abort();
}

static const char text[] = "A text with 3 words and more.\nIts second line: the end, the end!";
static const struct document document = {.id = {"a", 1}, .url = {"http://a.b.example/c", 20}, .extra = {"k=v\tn=3", 7}, .format = DOCUMENT_TSV};

static void begin(struct evaluation *v, struct rules *rules, struct measures *m) {
  measures_begin(m, WORDS_SPACE, SLICE(text));
  evaluation_begin(v, &(struct evaluated){.document = &document, .text = SLICE(text), .rules = rules, .measures = m, .score = score});
}

static void as_file(struct slice source) {
  struct err e = {0};
  struct rules rules;
  rules_init(&rules);
  struct expressions *x = expressions_new((struct score_source){NULL, find_score});
  struct rule_file *f = rule_file_parse("rules", source, x, &rules, &e);
  if (f) {
    struct measures m = {0};
    struct evaluation *v = evaluation_new(x);
    begin(v, &rules, &m);
    struct verdict first = rule_file_apply(f, v);
    begin(v, &rules, &m);
    require(rule_file_apply(f, v).reason == first.reason);
    for (int i = 0; i < rule_file_count(f); i++) rule_file_holds(f, i, v);
    evaluation_free(v);
    measures_release(&m);
  } else {
    require(strncmp(e.message, "rules:", 6) == 0);
  }
  rule_file_free(f);
  expressions_free(x);
  rules_release(&rules);
}

static void as_expression(struct slice source) {
  struct err e = {0};
  struct rules rules;
  rules_init(&rules);
  struct expressions *x = expressions_new((struct score_source){NULL, find_score});
  int program = expressions_compile_text(x, "--keep", source, true, &e);
  if (program >= 0) {
    struct measures m = {0};
    int waiting = expressions_waiting(x);
    double *values = calloc((size_t)waiting + 1, sizeof *values);
    struct evaluation *v = evaluation_new(x);
    begin(v, &rules, &m);
    if (expressions_waits(x, program)) {
      evaluation_save(v, values);
      evaluation_restore(v, values);
    }
    double first = evaluation_value(v, program), again = evaluation_value(v, program);
    require(first == again || (first != first && again != again));
    free(values);
    evaluation_free(v);
    measures_release(&m);
  } else {
    require(strncmp(e.message, "--keep: column ", 15) == 0);
  }
  expressions_free(x);
  rules_release(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct slice source = {(const char *)data, size};
  if (size > 1 << 14 || slice_find(source, SLICE("file"))) return 0;
  as_file(source);
  struct buffer valid = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&valid, source.data, size, &invalid, &nul);
  as_expression(buffer_slice(&valid));
  buffer_release(&valid);
  return 0;
}
