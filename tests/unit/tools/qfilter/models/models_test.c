/* SPDX-License-Identifier: MIT
 *
 * Models by name: names of files and of the command line, scores found once, a prediction once a text, the language that
 * stays that of the document.
 */
#include "tools/qfilter/models/models.h"

#include <stdlib.h>

#include "tests/tap.h"

#define PLAIN "tests/data/text/fasttext-plain.bin"
#define SUBWORDS "tests/data/text/fasttext-subwords.bin"

static struct err err;

static void check_names(void) {
  struct models m = {.language = -1};
  ok(models_add(&m, "a/b/quality.v2.bin", &err) == 0 && strcmp(m.items[0].name, "quality.v2") == 0 && strcmp(m.items[0].path, "a/b/quality.v2.bin") == 0, "a model is named after its file");
  ok(models_add(&m, "edu-2=x=y.bin", &err) == 0 && strcmp(m.items[1].name, "edu-2") == 0 && strcmp(m.items[1].path, "x=y.bin") == 0, "or as NAME= says");
  ok(models_add(&m, "./c=d.bin", &err) == 0 && strcmp(m.items[2].name, "c=d") == 0, "a path with / before = is no name");
  ok(models_add(&m, ".ftz", &err) == 0 && strcmp(m.items[3].name, ".ftz") == 0, "a file that starts with a full stop keeps it");
  ok(models_min(&m, "0.5", &err) == -1 && models_label(&m, "hq", &err) == 0 && m.items[3].tests[0].min == 0.5 && models_min(&m, "0.25", &err) == 0 && m.items[3].tests[0].min == 0.25 && models_min(&m, "x", &err) == -1, "--label and --min are of the last model and label");
  models_release(&m);
  m.language = -1;
  ok(models_label(&m, "hq", &err) == -1 && err.kind == ERR_USAGE, "--label needs a model");
  models_add(&m, "/no/such.bin", &err);
  ok(models_load(&m, &err) == -1 && err.kind == ERR_FAILED && strstr(err.message, "/no/such.bin"), "a model that is not there is named");
  models_release(&m);
}

static void check_scores(void) {
  struct models m = {.language = -1, .langid = {.path = SUBWORDS, .languages = "en,de", .min = 0.2}};
  models_add(&m, "p=" PLAIN, &err);
  models_add(&m, PLAIN, &err);
  ok(models_load(&m, &err) == 0 && m.count == 3 && m.language == 2, "the language model stands behind the others");
  int first = models_find(&m, SLICE("p"), SLICE("en")), again = models_find(&m, SLICE("p"), SLICE("en")), other = models_find(&m, SLICE("p"), SLICE("__label__ja")), lang = models_find(&m, SLICE("langid"), SLICE("en"));
  ok(first == 0 && again == 0 && other == 1 && lang == 2 && m.score_count == 3, "scores are found by name, each once, with or without __label__");
  ok(models_find(&m, SLICE("p"), SLICE("xx")) == -1 && models_find(&m, SLICE("q"), SLICE("en")) == -1, "and not when model or label are not there");
  struct buffer name = {0};
  models_score_name(&m, other, &name);
  ok_string(buffer_string(&name), "p.ja", "they are called MODEL.LABEL");
  buffer_release(&name);

  struct model_scratch s;
  model_scratch_init(&s, &m);
  struct slice english = SLICE("the house of stone and water"), german = SLICE("der Stein und die Wasser");
  model_scratch_begin(&s, english);
  double p = models_score(&s, first), l = models_score(&s, lang);
  ok(p > 0.9 && l > 0.9 && !language_verdict(&s) && !models_verdict(&s), "a text has its scores");
  model_scratch_edit(&s, german);
  ok(models_score(&s, first) < 0.5 && models_score(&s, lang) == l, "an edited text has new ones, but for its language");
  model_scratch_begin(&s, german);
  ok(models_score(&s, lang) < 0.5, "the next document has its own");
  model_scratch_begin(&s, english);
  ok(models_score(&s, first) == p, "the same text has the same scores");
  model_scratch_release(&s);
  models_release(&m);

  m = (struct models){.language = -1};
  models_add(&m, "x/../" PLAIN, &err);
  models_add(&m, PLAIN, &err);
  m.items[0].path = PLAIN; /* the same file twice is fine, two files of one name are not */
  models_load(&m, &err);
  ok(models_find(&m, SLICE("fasttext-plain"), SLICE("en")) == 0, "a file that is named twice is one model in expressions");
  m.items[0].path = "other/fasttext-plain.bin";
  ok(models_find(&m, SLICE("fasttext-plain"), SLICE("en")) == -1, "two files of the same name need names");
  models_release(&m);
}

int main(void) {
  check_names();
  check_scores();
  return tap_done();
}
