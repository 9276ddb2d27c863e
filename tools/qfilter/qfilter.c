/* SPDX-License-Identifier: MIT
 *
 * qfilter: documents in, good documents out.
 *
 * language -> rule sets (rules/) -> rule files and expressions (rules/) -> models (models/) -> masks (pii/), all in
 * stream.c.
 */
#include "tools/qfilter/stream.h"

static int add_rules(void *settings, const char *names, struct err *e) { return rules_choose(&((struct stream_settings *)settings)->rules, names, e); }

static int add_assignment(void *settings, const char *assignment, struct err *e) { return stream_set(settings, assignment, e); }

static int add_rule_file(void *settings, const char *path, struct err *e) {
  (void)e;
  stream_rule_file(settings, path);
  return 0;
}

static int add_mask(void *settings, const char *names, struct err *e) { return mask_parse(names, &((struct stream_settings *)settings)->mask, e); }

static int add_mask_text(void *settings, const char *assignment, struct err *e) { return mask_parse_as(assignment, &((struct stream_settings *)settings)->mask, e); }

static int add_model(void *settings, const char *argument, struct err *e) { return models_add(&((struct stream_settings *)settings)->models, argument, e); }

static int add_label(void *settings, const char *label, struct err *e) { return models_label(&((struct stream_settings *)settings)->models, label, e); }

static int set_min(void *settings, const char *value, struct err *e) { return models_min(&((struct stream_settings *)settings)->models, value, e); }

static int add_keep(void *settings, const char *argument, struct err *e) { return stream_keep(settings, argument, e); }

static int add_top(void *settings, const char *argument, struct err *e) { return stream_top(settings, argument, e); }

static int add_value(void *settings, const char *argument, struct err *e) { return stream_value(settings, argument, e); }

static int check(const struct stream_settings *s, struct err *e) {
  if (s->models.langid.languages && !s->models.langid.path) return err_usage(e, "--lang needs --langid MODEL");
  if (s->value_count && !s->annotate && !s->explain) return err_usage(e, "--value needs --annotate or --explain");
  for (int k = 0; k < MASK_KINDS && !s->mask.kinds; k++)
    if (s->mask.as[k]) return err_usage(e, "--mask-as needs --mask KIND,...");
  return 0;
}

int main(int argc, char **argv) {
  struct stream_settings s;
  stream_settings_init(&s);
  int words = WORDS_REFERENCE;
  const struct option options[] = {
      {OPTION_CALL, 0, "rules", &s, "SET,...", "apply gopher-quality, gopher-repetition, c4, c4-paragraph, fineweb, url, in this order (none)", .call = add_rules},
      {OPTION_CALL, 0, "set", &s, "SET.KEY=VALUE", "change a threshold; none turns it off", .call = add_assignment},
      {OPTION_CALL, 0, "rules-file", &s, "FILE", "apply rules and thresholds of your own; may repeat", .call = add_rule_file},
      {OPTION_CHOICE, 0, "words", &words, "MODE", "how words are split: reference, unicode or space (reference)", .choices = "reference|unicode|space"},
      {OPTION_STRING, 0, "langid", &s.models.langid.path, "MODEL", "identify the language with a fastText model"},
      {OPTION_STRING, 0, "lang", &s.models.langid.languages, "LABEL,...", "keep documents in one of these languages (any)"},
      {OPTION_DOUBLE, 0, "min-lang", &s.models.langid.min, "P", "whose score is above P (0.65)", .min = -1, .max = 2},
      {OPTION_CALL, 0, "model", &s, "[NAME=]MODEL", "score documents with a fastText model; may repeat", .call = add_model},
      {OPTION_CALL, 0, "label", &s, "LABEL", "of the last --model: keep documents that this label fits", .call = add_label},
      {OPTION_CALL, 0, "min", &s, "P", "with a score of the last --label of at least P (0.5)", .call = set_min},
      {OPTION_CALL, 0, "keep", &s, "[NAME:]EXPR", "keep documents for which this holds; may repeat", .call = add_keep},
      {OPTION_CALL, 0, "top", &s, "FRACTION:EXPR", "keep this fraction, that with the highest values; may repeat", .call = add_top},
      {OPTION_CALL, 0, "mask", &s, "KIND,...", "replace email, phone, ip, any-ip, ipv4, ipv6, card, secret, or all (none)", .call = add_mask},
      {OPTION_CALL, 0, "mask-as", &s, "KIND=TEXT", "by this text; %h in it is a hash of what it replaces", .call = add_mask_text},
      {OPTION_FLAG, 0, "annotate", &s.annotate, NULL, "add lang=, lang_score=, labels' and expressions' scores before the text"},
      {OPTION_CALL, 0, "value", &s, "[NAME=]EXPR", "another value for --annotate and --explain; may repeat", .call = add_value},
      {OPTION_FLAG, 0, "explain", &s.explain, NULL, "write a table of the values behind the decisions instead of documents"},
      {0},
  };
  static const char *const examples[] = {
      "warc2txt crawl.warc.gz | qfilter --rules gopher-quality,fineweb --rejects rejects.tsv > good.tsv",
      "qfilter --langid lang.bin --lang en,de --min-lang 0.8 --annotate pages.tsv.gz",
      "qfilter --rules fineweb --set fineweb.line_punct_thr=0.1 --explain pages.tsv",
      "qfilter --model edu=edu.bin --top 0.1:edu.hq pages.tsv",
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
