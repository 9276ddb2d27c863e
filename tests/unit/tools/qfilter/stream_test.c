/* SPDX-License-Identifier: MIT
 *
 * Whole streams: what is kept byte for byte, rejects, annotations, language and labels, conditions and ranks, rule files,
 * --explain, JSON Lines, and the same bytes with any number of threads.
 */
#include "tools/qfilter/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/progress.h"
#include "common/io/output.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/qfilter/pii/mask.h"

static struct buffer out, rejects;
static struct err err;
static struct stats *stats;

/* Runs the stream over `input`; fills out, rejects, stats and err. */
static int run(struct stream_settings *settings, const char *input, size_t n, int jobs, bool jsonl, bool strict) {
  char in[600], to[600], dropped[600];
  snprintf(in, sizeof in, "%s/in", tap_folder());
  snprintf(to, sizeof to, "%s/out", tap_folder());
  snprintf(dropped, sizeof dropped, "%s/rejects", tap_folder());
  remove(to);
  if (output_file(in, input, n, &err) != 0) return -2;
  char *operands[] = {in};
  if (stats) stats_free(stats);
  stats = stats_new();
  struct program p = {.name = "stream_test", .quiet = true, .operand = operands, .operand_count = 1, .jobs = jobs, .output = to, .rejects_path = dropped, .jsonl = jsonl, .strict = strict, .stats = stats, .progress = progress_new("t", "documents", PROGRESS_NEVER)};
  int result = stream_run(&p, settings, &err);
  progress_free(p.progress);
  buffer_release(&out);
  buffer_release(&rejects);
  out = read_file(to);
  rejects = read_file(dropped);
  return result;
}

static struct stream_settings fresh(const char *rules) {
  struct stream_settings s;
  stream_settings_init(&s);
  rules_choose(&s.rules, rules, &err);
  s.rules.words = WORDS_SPACE;
  return s;
}

static void check_lines(void) {
  static const char kept[] = "id\\t1\tu\td\tk=v\tOne line that ends well and is long enough to stay here.\\nAnother one.\\x and \\\\ too, it is long enough to pass as well.\n";
  struct buffer in = {0};
  buffer_append_string(&in, kept);
  buffer_append_string(&in, "b\tu\td\tno punctuation at all in this line\n\nc\t\xFFtext. But it is long enough to pass here, is it not?\n");
  struct stream_settings s = fresh("fineweb");
  int result = run(&s, in.data, in.len, 1, false, false);
  ok(result == 0 && strncmp(out.data, kept, strlen(kept)) == 0, "a line that is kept passes byte for byte");
  ok(strcmp(out.data + strlen(kept), "c\t\xEF\xBF\xBDtext. But it is long enough to pass here, is it not?\n") == 0, "one with invalid UTF-8 is repaired");
  ok_string(rejects.data, "fineweb:line_punct_ratio\tb\tu\td\tno punctuation at all in this line\nfineweb:empty\t\n", "rejects are the lines behind SET:REASON");
  ok(stats_get(stats, "in") == 4 && stats_get(stats, "out") == 2 && stats_get(stats, "rejected") == 2 && stats_get(stats, "bad") == 0 && stats_get(stats, "invalid_utf8") == 1 && stats_get(stats, "reasons.fineweb.empty") == 1, "in = out + rejected + bad, and reasons are counted");
  stream_settings_release(&s);

  s = fresh("");
  result = run(&s, in.data, in.len, 1, false, false);
  ok(result == 0 && stats_get(stats, "out") == 4 && rejects.len == 0, "without rules and models nothing is dropped");
  s.mask.kinds = 1u << MASK_EMAIL;
  run(&s, "a\tx=1\tb.c@d.ef here\\n\n", 22, 1, false, false);
  ok(strstr(out.data, "a\tx=1\t") && strstr(out.data, "@example.") && !strstr(out.data, "d.ef") && stats_get(stats, "masked.email") == 1 && stats_get(stats, "edited") == 1, "masks edit the text only");
  stream_settings_release(&s);
  buffer_release(&in);
}

static void check_language(void) {
  static const char text[] = "1\tthe house of stone and water\n2\tder Stein und die Wasser\n3\t\n";
  struct stream_settings s = fresh("");
  s.models.langid.path = "tests/data/text/fasttext-subwords.bin";
  s.models.langid.languages = "en,el";
  s.annotate = true;
  int result = run(&s, text, strlen(text), 1, false, false);
  ok(result == 0 && strncmp(out.data, "1\t\t\tlang=en\tlang_score=0.", 25) == 0 && strstr(out.data, "\tthe house of stone and water\n"), "documents in a wanted language are kept, with lang= where further fields stand");
  ok(strncmp(rejects.data, "langid:language\t2\tder Stein", 27) == 0, "others are langid:language");
  s.models.langid.languages = "en";
  s.models.langid.min = 1.5;
  run(&s, text, strlen(text), 1, false, false);
  ok(strncmp(rejects.data, "langid:score\t1\t", 15) == 0 && out.len == 0, "a score that is too low is langid:score");
  s.models.langid.languages = "en,xx";
  ok(run(&s, text, strlen(text), 1, false, false) == -1 && err.kind == ERR_USAGE && strstr(err.message, "'xx'"), "a language that the model lacks is a usage error");
  stream_settings_release(&s);

  s = fresh("");
  models_add(&s.models, "tests/data/text/fasttext-plain.bin", &err);
  models_label(&s.models, "en", &err);
  models_label(&s.models, "ja", &err);
  models_min(&s.models, "0", &err);
  s.annotate = true;
  result = run(&s, text, strlen(text), 1, false, false);
  ok(result == 0 && strncmp(out.data, "1\t\t\ten=0.9", 10) == 0 && strstr(out.data, "\tja=") && strncmp(rejects.data, "model:en\t2\t", 11) == 0, "labels below --min are model:LABEL, scores stand in the order of the options");
  stream_settings_release(&s);
}

static size_t columns(const char *line) {
  size_t n = 1;
  for (; *line && *line != '\n'; line++) n += *line == '\t';
  return n;
}

static void check_explain(void) {
  static const char text[] = "1\tOne. Two, three.\\n{\n2\t\n3\tplain words without any end\n";
  struct stream_settings s = fresh("gopher-repetition,gopher-quality,c4,fineweb");
  s.explain = true;
  s.models.langid.path = "tests/data/text/fasttext-all.bin";
  int result = run(&s, text, strlen(text), 1, false, false);
  size_t width = columns(out.data), lines = 0;
  bool same = true;
  for (const char *p = out.data; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
    lines++;
    same &= columns(p) == width;
  }
  ok(result == 0 && lines == 4 && same && width > 35, "--explain writes a header and a row a document, of %zu columns", width);
  ok(strncmp(out.data, "id\tlang\tlang_score\tgopher-repetition.dup_para_frac\t", 51) == 0 && strstr(out.data, "\tdecision\n") && strstr(out.data, "gopher-quality.avg_word_length") && strstr(out.data, "fineweb.list_ratio"), "columns are named after sets and values");
  stream_settings_release(&s);
}

static void check_json(void) {
  static const char json[] = "{\"id\":\"a\",\"text\":\"One line that is long enough to be kept here.\",\"x\":1}\nnot json\n{\"id\":\"b\",\"text\":\"short\"}\n";
  struct stream_settings s = fresh("fineweb");
  ok(run(&s, json, strlen(json), 1, true, false) == 0 && strstr(out.data, "\"id\":\"a\"") && strstr(out.data, "\"x\":1") && strchr(out.data, '\n') == out.data + out.len - 1, "JSON Lines in, JSON Lines out");
  ok_string(rejects.data, "fineweb:line_punct_ratio\t{\"id\":\"b\",\"text\":\"short\"}\n", "a reject is the input line");
  ok(stats_get(stats, "in") == 3 && stats_get(stats, "bad") == 1, "a line that is no object is bad");
  ok(run(&s, json, strlen(json), 1, true, true) == -1 && strstr(err.message, "bad"), "--strict makes it an error");
  stream_settings_release(&s);
}

static void check_conditions(void) {
  static const char text[] = "1\tthe house of stone and water\n2\tder Stein und die Wasser\n3\t\n";
  struct stream_settings s = fresh("");
  models_add(&s.models, "plain=tests/data/text/fasttext-plain.bin", &err);
  models_add(&s.models, "tests/data/text/fasttext-subwords.bin", &err);
  ok(stream_keep(&s, "sure:max(plain.en, fasttext-subwords.en) > 0.5", &err) == 0 && stream_keep(&s, "words > 3", &err) == 0 && stream_value(&s, "words", &err) == 0 && stream_value(&s, "half=words / 2", &err) == 0, "conditions and values are taken");
  s.annotate = true;
  int result = run(&s, text, strlen(text), 1, false, false);
  ok(result == 0 && strncmp(out.data, "1\t\t\tplain.en=0.9", 16) == 0 && strstr(out.data, "\tfasttext-subwords.en=0.") && strstr(out.data, "\twords=6\thalf=3\tthe house"), "--annotate adds the scores that expressions use, then the values");
  ok_string(rejects.data, "keep:sure\t2\tder Stein und die Wasser\nkeep:2\t3\t\n", "a condition that does not hold is keep:NAME or its number");
  ok(stats_get(stats, "reasons.keep.sure") == 1 && stats_get(stats, "reasons.keep.2") == 1, "and counted so");
  s.annotate = false;
  s.explain = true;
  run(&s, text, strlen(text), 1, false, false);
  ok(strstr(out.data, "id\tplain.en\tfasttext-subwords.en\twords\thalf\tkeep.sure\tkeep.2\tdecision\n1\t0.") == out.data && strstr(out.data, "\t6\t3\t1\t1\tkeep\n") && strstr(out.data, "\t0\t1\tkeep:sure\n"), "--explain has a column for each");
  stream_settings_release(&s);

  static const struct {
    const char *keep, *why;
  } wrong[] = {{"plain.xx > 1", "column 1"}, {"plain.en >", "column 11"}, {"langid.en > 1", "column 1"}, {"host in nothing", "the name of a list"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    s = fresh("");
    models_add(&s.models, "plain=tests/data/text/fasttext-plain.bin", &err);
    stream_keep(&s, wrong[i].keep, &err);
    ok(run(&s, text, strlen(text), 1, false, false) == -1 && err.kind == ERR_USAGE && strstr(err.message, wrong[i].why), "--keep '%s' is a usage error: %s", wrong[i].keep, err.message);
    stream_settings_release(&s);
  }
  s = fresh("");
  models_add(&s.models, "tests/data/text/fasttext-plain.bin", &err);
  ok(run(&s, text, strlen(text), 1, false, false) == -1 && err.kind == ERR_USAGE && strstr(err.message, "fasttext-plain.LABEL"), "a model that nothing asks is a usage error");
  ok(models_add(&s.models, "a=x.bin", &err) == 0 && models_add(&s.models, "a=y.bin", &err) == -1 && strstr(err.message, "named a"), "so are two models of one name");
  stream_settings_release(&s);
  s = fresh("");
  ok(stream_top(&s, "0.1", &err) == -1 && stream_top(&s, "2:words", &err) == -1 && stream_top(&s, "x:words", &err) == -1 && stream_top(&s, "0:words", &err) == -1 && stream_top(&s, "0.1:", &err) == -1, "--top wants FRACTION:EXPR");
  ok(stream_value(&s, "words / 2", &err) == -1 && stream_value(&s, "", &err) == -1, "--value wants a name for what is none");
  stream_settings_release(&s);
}

/* The share of 3,000 documents with the most words, by sorting and by --top. */
static void check_top(void) {
  enum { N = 3000 };
  struct buffer in = {0}, want = {0};
  size_t words[N];
  for (int i = 0; i < N; i++) {
    words[i] = 1 + (size_t)(i * 7919 % 1000);
    buffer_printf(&in, "%d\t", i);
    for (size_t w = 0; w < words[i]; w++) buffer_append_string(&in, "w ");
    buffer_put(&in, '\n');
  }
  size_t at_least = 0;
  for (size_t limit = 1001; limit-- > 0;) { /* the largest limit that a tenth has, equals included */
    size_t count = 0;
    for (int i = 0; i < N; i++) count += words[i] >= limit;
    at_least = limit;
    if (count >= N / 10) break;
  }
  for (int i = 0; i < N; i++)
    if (words[i] >= at_least) buffer_printf(&want, "%d\t", i);
  for (int jobs = 1; jobs <= 4; jobs += 3) {
    struct stream_settings s = fresh("");
    stream_top(&s, "0.1:words", &err);
    int result = run(&s, in.data, in.len, jobs, false, false);
    struct buffer got = {0};
    for (const char *p = out.data; p && *p; p = strchr(p, '\n') + 1) buffer_append(&got, p, (size_t)(strchr(p, '\t') + 1 - p));
    ok(result == 0 && want.len && slice_equal(buffer_slice(&got), buffer_slice(&want)) && stats_get(stats, "out") == N / 10 && stats_get(stats, "reasons.top.1") == N - N / 10, "--top keeps the documents with the highest values in their order, with %d threads", jobs);
    buffer_release(&got);
    s.explain = true;
    run(&s, in.data, in.len, jobs, false, false);
    size_t rows = 0, kept = 0;
    for (const char *p = out.data; p && *p; p = strchr(p, '\n') + 1) rows++;
    for (const char *p = out.data; (p = strstr(p, "\t1\tkeep\n")); p++) kept++;
    ok(rows == N + 1 && kept == N / 10 && stats_get(stats, "out") == N / 10, "--explain waits as well");
    stream_settings_release(&s);
  }
  struct stream_settings s = fresh("");
  stream_keep(&s, "rank(words) >= 0.5 and bucket(rank(words), 0.5, 0.75) == 2 or words == 1", &err);
  s.mask.kinds = 1u << MASK_EMAIL;
  run(&s, in.data, in.len, 2, false, false);
  size_t wanted = 0;
  for (int i = 0; i < N; i++) wanted += words[i] > 750 || words[i] == 1;
  ok(stats_get(stats, "out") == (int64_t)wanted && stats_get(stats, "reasons.keep.1") == N - (int64_t)wanted, "rank() is the share of lower values");
  stream_settings_release(&s);
  buffer_release(&in);
  buffer_release(&want);
}

static void check_rule_files(void) {
  char path[600], list[600];
  snprintf(path, sizeof path, "%s/mine.rules", tap_folder());
  snprintf(list, sizeof list, "%s/hosts.txt", tap_folder());
  static const char rules[] = "use gopher-quality\nset gopher-quality.min_doc_words = 3\nlist bad = file \"hosts.txt\"\ndrop host if host under bad\n";
  output_file(path, rules, strlen(rules), &err);
  output_file(list, "evil.example\n", 13, &err);
  struct stream_settings s = fresh("");
  stream_rule_file(&s, path);
  static const char text[] = "1\thttp://www.evil.example/\td\tthe text and of the with\n2\thttp://good.example/\td\tthe text and of the with\n3\tu\td\tof the\n";
  ok(run(&s, text, strlen(text), 1, false, false) == 0 && strncmp(out.data, "2\t", 2) == 0 && strncmp(rejects.data, "mine:host\t1\t", 12) == 0 && strstr(rejects.data, "gopher-quality:gopher_short_doc\t3"), "a rule file sets, names lists beside it, drops");
  stream_set(&s, "gopher-quality.min_doc_words=2", &err);
  stream_settings_release(&s);
  s = fresh("");
  stream_set(&s, "gopher-quality.min_doc_words=2", &err);
  stream_set(&s, "gopher-quality.min_avg_word_length=none", &err);
  stream_rule_file(&s, path);
  run(&s, text, strlen(text), 1, false, false);
  ok(stats_get(stats, "reasons.gopher-quality.gopher_short_doc") == 0 && stats_get(stats, "out") == 2, "--set holds against the file");
  s.explain = true;
  s.rules.count = 0;
  run(&s, text, strlen(text), 1, false, false);
  ok(strstr(out.data, "\tmine.host\tdecision\n") && strstr(out.data, "\t1\tmine:host\n"), "--explain shows which rules hold");
  stream_settings_release(&s);
}

static void check_threads(void) {
  struct buffer in = {0};
  for (int i = 0; i < 30000; i++) buffer_printf(&in, "%d\tu\td\tLine %d of a text with x%d@y.de in it, the and of to%s\\nAnd %d more [1].\n", i, i * 7, i, i % 3 ? "." : "", i % 11);
  struct stream_settings s = fresh("c4,gopher-quality");
  rules_set(&s.rules, "c4.min_num_sentences=2", &err);
  rules_set(&s.rules, "gopher-quality.min_doc_words=10", &err);
  s.mask.kinds = 1u << MASK_EMAIL;
  s.models.langid.path = "tests/data/text/fasttext-subwords.bin";
  s.models.langid.min = 0;
  s.annotate = true;
  run(&s, in.data, in.len, 1, false, false);
  struct buffer one = out, one_rejects = rejects;
  out = rejects = (struct buffer){0};
  run(&s, in.data, in.len, 4, false, false);
  ok(one.len > 1000000 && one_rejects.len > 100000 && slice_equal(buffer_slice(&one), buffer_slice(&out)) && slice_equal(buffer_slice(&one_rejects), buffer_slice(&rejects)), "one thread and four write the same bytes (%zu and %zu)", one.len, one_rejects.len);
  buffer_release(&one);
  buffer_release(&one_rejects);
  buffer_release(&in);
  stream_settings_release(&s);
}

int main(void) {
  check_lines();
  check_language();
  check_explain();
  check_json();
  check_conditions();
  check_top();
  check_rule_files();
  check_threads();
  buffer_release(&out);
  buffer_release(&rejects);
  stats_free(stats);
  return tap_done();
}
