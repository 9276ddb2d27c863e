/* SPDX-License-Identifier: MIT
 *
 * qfilter: documents in, good documents out.
 *
 * language (common/text/fasttext.c) -> rule sets (rules.c over measures.c and c4.c) -> models -> masks (mask.c), all
 * in stream.c.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/qfilter/pii/mask.h"
#include "tools/qfilter/stream.h"

static int add_rules(void *settings, const char *names, struct err *e) { return rules_choose(&((struct stream_settings *)settings)->rules, names, e); }

static int add_assignment(void *settings, const char *assignment, struct err *e) { return rules_set(&((struct stream_settings *)settings)->rules, assignment, e); }

static int add_mask(void *settings, const char *names, struct err *e) { return mask_parse(names, &((struct stream_settings *)settings)->mask, e); }

static int add_model(void *settings, const char *path, struct err *e) {
  (void)e;
  struct stream_settings *s = settings;
  s->models = RESIZE(s->models, (size_t)s->model_count + 1);
  s->models[s->model_count++] = (struct model){.path = path};
  return 0;
}

static int add_label(void *settings, const char *label, struct err *e) {
  struct stream_settings *s = settings;
  if (s->model_count == 0) return err_usage(e, "--label %s stands before any --model", label);
  struct model *m = &s->models[s->model_count - 1];
  m->tests = RESIZE(m->tests, (size_t)m->count + 1);
  m->tests[m->count++] = (struct label_test){.label = label, .min = 0.5};
  return 0;
}

static int set_min(void *settings, const char *value, struct err *e) {
  struct stream_settings *s = settings;
  struct model *m = s->model_count ? &s->models[s->model_count - 1] : NULL;
  if (!m || m->count == 0) return err_usage(e, "%s stands before any --label", value);
  double min;
  if (number_double(value, &min) != 0) return err_usage(e, "%s: a number is wanted", value);
  m->tests[m->count - 1].min = min;
  return 0;
}

static int check(const struct stream_settings *s, struct err *e) {
  if (s->languages && !s->langid_path) return err_usage(e, "--lang needs --langid MODEL");
  for (int i = 0; i < s->model_count; i++)
    if (s->models[i].count == 0) return err_usage(e, "--model %s has no --label", s->models[i].path);
  return 0;
}

int main(int argc, char **argv) {
  struct stream_settings s = {.min_language = 0.65};
  rules_init(&s.rules);
  int words = WORDS_UNICODE;
  const struct option options[] = {
      {OPTION_CALL, 0, "rules", &s, "SET,...", "apply gopher-quality, gopher-repetition, c4, fineweb, in this order (none)", .call = add_rules},
      {OPTION_CALL, 0, "set", &s, "SET.KEY=VALUE", "change a threshold; none turns it off", .call = add_assignment},
      {OPTION_CHOICE, 0, "words", &words, "MODE", "how words are split: unicode or space (unicode)", .choices = "unicode|space"},
      {OPTION_STRING, 0, "langid", &s.langid_path, "MODEL", "identify the language with a fastText .bin model"},
      {OPTION_STRING, 0, "lang", &s.languages, "LABEL,...", "keep documents in one of these languages (any)"},
      {OPTION_DOUBLE, 0, "min-lang", &s.min_language, "P", "whose score is above P (0.65)", .min = -1, .max = 2},
      {OPTION_CALL, 0, "model", &s, "MODEL", "score documents with a fastText .bin model; may repeat", .call = add_model},
      {OPTION_CALL, 0, "label", &s, "LABEL", "of the last --model: keep documents that this label fits", .call = add_label},
      {OPTION_CALL, 0, "min", &s, "P", "with a score of the last --label of at least P (0.5)", .call = set_min},
      {OPTION_CALL, 0, "mask", &s, "KIND,...", "replace email, phone, ip (none)", .call = add_mask},
      {OPTION_FLAG, 0, "annotate", &s.annotate, NULL, "add lang=, lang_score= and the labels' scores before the text"},
      {OPTION_FLAG, 0, "explain", &s.explain, NULL, "write a table of the values behind the rules instead of documents"},
      {0},
  };
  static const char *const examples[] = {
      "warc2txt crawl.warc.gz | qfilter --rules gopher-quality,fineweb --rejects rejects.tsv > good.tsv",
      "qfilter --langid lang.bin --lang en,de --min-lang 0.8 --annotate pages.tsv.gz",
      "qfilter --rules fineweb --set fineweb.line_punct_thr=0.1 --explain pages.tsv",
      NULL,
  };
  struct program p = {
      .name = "qfilter",
      .summary = "Keep or drop documents by quality rules, language and classifiers",
      .operands = "[FILE...]",
      .options = options,
      .examples = examples,
      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_REJECTS | SHARED_STRICT | SHARED_FORCE | SHARED_JSONL | SHARED_MAX_DOCUMENT | SHARED_STDIN,
  };
  if (!program_start(&p, argc, argv)) {
    stream_settings_release(&s);
    return p.status;
  }
  s.rules.words = (enum words_mode)words;
  struct err e;
  int result = check(&s, &e);
  if (result == 0) result = stream_run(&p, &s, &e);
  stream_settings_release(&s);
  return program_end(&p, result, &e);
}
