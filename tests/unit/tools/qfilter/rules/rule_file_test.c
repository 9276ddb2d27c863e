/* SPDX-License-Identifier: MIT
 *
 * Expressions and rule files: values, types, places of errors, fields of TSV and JSON, names, laziness, deep nesting.
 */
#include "tools/qfilter/rules/rule_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/io/output.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/qfilter/rules/features.h"

static struct err err;
static int scores_asked;

static int find_score(void *context, struct slice model, struct slice label) {
  (void)context;
  if (!slice_equal(model, SLICE("m"))) return -1;
  return slice_equal(label, SLICE("hq")) ? 0 : slice_equal(label, SLICE("not-hq")) ? 1 : slice_equal(label, SLICE("x.y z")) ? 2 : -1;
}

static double score(void *context, int index) {
  (void)context;
  scores_asked++;
  return 0.25 * (index + 1);
}

static const struct document tsv = {
    .id = {"id-7", 4}, .url = {"http://www.News.example/a?b", 27}, .date = {"2026-01-02", 10}, .extra = {"lang=en\tk=a\\tb\tn= 42 \tempty=", 29}, .format = DOCUMENT_TSV};
static const char words_text[] = "The cat sat on the mat. The end, 1 2 3.\nSecond line of der Text!";

struct setting {
  struct rules rules;
  struct measures measures;
  struct expressions *x;
  struct evaluation *v;
};

static void set_up(struct setting *s) {
  rules_init(&s->rules);
  s->rules.words = WORDS_SPACE;
  s->measures = (struct measures){0};
  s->x = expressions_new((struct score_source){NULL, find_score});
  s->v = NULL;
}

static void begin(struct setting *s, const struct document *d, struct slice text) {
  if (!s->v) s->v = evaluation_new(s->x);
  measures_begin(&s->measures, s->rules.words, text);
  evaluation_begin(s->v, &(struct evaluated){.document = d, .text = text, .rules = &s->rules, .measures = &s->measures, .score = score});
}

static void tear_down(struct setting *s) {
  evaluation_free(s->v);
  expressions_free(s->x);
  measures_release(&s->measures);
  rules_release(&s->rules);
}

static double value_of(const char *text, const struct document *d) {
  struct setting s;
  set_up(&s);
  int program = expressions_compile_text(s.x, "--keep", slice_of(text), false, &err);
  double result = -999;
  if (program >= 0) {
    begin(&s, d, SLICE(words_text));
    result = evaluation_value(s.v, program);
  } else {
    note("%s", err.message);
  }
  tear_down(&s);
  return result;
}

static void check_values(void) {
  static const struct {
    const char *text;
    double value;
  } cases[] = {
      {"1 + 2 * 3", 7}, {"(1 + 2) * 3", 9}, {"1 - 2 - 3", -4}, {"8 / 4 / 2", 1}, {"-2 * -3", 6}, {"- - 2", 2}, {"2k + .5", 2000.5}, {"1e3", 1000},
      {"1 < 2", 1}, {"2 <= 1", 0}, {"1 > 2 or 3 >= 3", 1}, {"1 == 1 and 1 != 1", 0}, {"not 1 == 2", 1}, {"not not 5", 1}, {"3 and 0 or 2", 1}, {"1 or 0 and 0", 1}, {"not 0 and 0", 0},
      {"min(3, 1, 2)", 1}, {"max(3, 1, 2)", 3}, {"mean(3, 1, 2)", 2}, {"sum(3, 1, 2)", 6}, {"abs(-3)", 3}, {"sqrt(9)", 3}, {"log(1)", 0}, {"exp(0)", 1}, {"bucket(5, 1, 5, 6)", 2}, {"max(min(1, 2), 0)", 1},
      {"1 / 0", NAN}, {"1 / 0 > 0", 0}, {"not (1 / 0 > 0)", 1}, {"1 / 0 != 1", 0}, {"max(1, 1 / 0)", NAN}, {"log(0)", NAN}, {"bucket(1 / 0, 1)", NAN}, {"1 / 0 or 1", 1}, {"1 / 0 and 1", 0},
      {"words", 16}, {"gopher-quality.words", 16}, {"words - 5", 11}, {"lines", 2}, {"top_2_gram > 0", 1},
      {"m.hq", 0.25}, {"m.not-hq", 0.5}, {"m.\"x.y z\"", 0.75}, {"max(m.hq, m.not-hq) - m.hq", 0.25},
      {"count(/the/)", 1}, {"count(/the/i)", 3}, {"has(/\\d+/)", 1}, {"has(/x\\/y/)", 0}, {"count(/[/]/)", 0}, {"count(/news/i, url)", 1}, {"has(/7$/, id)", 1}, {"count(/\\d/) / words", 0.1875},
      {"url == \"http://www.News.example/a?b\"", 1}, {"url != \"x\"", 1}, {"host == \"www.news.example\"", 1}, {"host in (\"a\", \"www.news.example\")", 1}, {"host in (\"news.example\")", 0}, {"host under (\"news.example\")", 1}, {"host under (\"ews.example\")", 0},
      {"date =~ /^2026-/", 1}, {"not date =~ /^2026-/", 0}, {"starts(id, \"id-\")", 1}, {"ends(url, \"?b\")", 1}, {"ends(id, \"a longer string\")", 0}, {"contains(text, \"mat. The\")", 1}, {"contains(id, \"\")", 1}, {"contains(text, \"\\n\")", 1},
      {"meta.lang == \"en\"", 1}, {"meta.k == \"a\\tb\"", 1}, {"number(meta.n)", 42}, {"number(meta.lang)", NAN}, {"number(meta.none)", NAN}, {"present(meta.empty)", 1}, {"present(meta.none)", 0}, {"present(meta.lan)", 0}, {"length(meta.lang)", 2}, {"length(text)", 64}, {"present(url)", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double got = value_of(cases[i].text, &tsv);
    ok(isnan(cases[i].value) ? isnan(got) : got == cases[i].value, "%s = %g", cases[i].text, got);
  }
  ok(value_of("1\n+\n1", &tsv) == 2, "an expression may have several lines");
  static const char json[] = "{\"a\":{\"b\":\"deep\",\"n\":1.5},\"a.c\":\"flat\",\"t\":true,\"z\":null,\"n\":7,\"s\":\"\\u00e9\"}";
  const struct document d = {.extra = {json, sizeof json - 1}, .format = DOCUMENT_JSONL};
  static const struct {
    const char *text;
    double value;
  } jsons[] = {{"meta.a.b == \"deep\"", 1}, {"number(meta.a.n)", 1.5}, {"meta.a.c == \"flat\"", 1}, {"meta.t == \"true\"", 1}, {"present(meta.z)", 0}, {"number(meta.n)", 7}, {"length(meta.s)", 1}, {"present(meta.a.x.y)", 0}, {"present(meta.t.x)", 0}, {"present(url)", 0}, {"present(host)", 0}};
  for (size_t i = 0; i < sizeof jsons / sizeof *jsons; i++) ok(value_of(jsons[i].text, &d) == jsons[i].value, "JSON Lines: %s", jsons[i].text);
  const struct document broken = {.extra = {"{\"a\":", 5}, .format = DOCUMENT_JSONL};
  ok(value_of("present(meta.a)", &broken) == 0, "metadata that cannot be read has no keys");
}

static void check_errors(void) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "--keep: column 1: expected a value, but the expression ends"},
      {"1 +", "--keep: column 4: expected a value, but the expression ends"},
      {"wrods > 3", "--keep: column 1: expected a feature, field, score or name, not 'wrods' (is it words?)"},
      {"avg_wordlenght > 3", "--keep: column 1: expected a feature, field, score or name, not 'avg_wordlenght'"},
      {"short_line_ration > 3", "--keep: column 1: expected a feature, field, score or name, not 'short_line_ration' (is it short_line_ratio?)"},
      {"hots == \"a\"", "--keep: column 1: expected a feature, field, score or name, not 'hots' (is it host?)"},
      {"words-3 > 1", "--keep: column 1: expected a feature, field, score or name, not 'words-3' (a minus needs spaces around it)"},
      {"1 < 2 < 3", "--keep: column 7: comparisons do not chain: join them with and"},
      {"(1 < 2", "--keep: column 7: expected an operator or ), but the expression ends"},
      {"1 < 2)", "--keep: column 6: expected an operator, not ')'"},
      {"min(1, 2", "--keep: column 9: expected an operator, a comma or ), but the expression ends"},
      {"abs(1, 2)", "--keep: column 1: abs() takes 1 argument, not 2"},
      {"bucket(1)", "--keep: column 1: bucket() takes 2 to 1000 arguments, not 1"},
      {"frob(1)", "--keep: column 1: there is no function frob()"},
      {"url", "--keep: column 1: expected a number, not a field: compare it with == \"...\", =~ /.../, in LIST, or take number(...)"},
      {"1 + \"a\"", "--keep: column 5: expected a number, not a string"},
      {"url == 3", "--keep: column 8: expected a string, not '3'"},
      {"url =~ \"a\"", "--keep: column 8: expected a pattern between slashes, not '\"a\"'"},
      {"url in nothing", "--keep: column 8: expected the name of a list, not 'nothing'"},
      {"url in (\"a\" \"b\")", "--keep: column 13: expected a comma or ), not '\"b\"'"},
      {"has(/a(/)", "--keep: column 8: missing closing parenthesis"},
      {"has(/a/q)", "--keep: column 7: a pattern has no flag 'q' (i, m, s, x, u)"},
      {"has(/a", "--keep: column 5: this pattern has no / at its end on its line"},
      {"has(\"a\")", "--keep: column 5: expected a pattern between slashes"},
      {"count(url)", "--keep: column 7: expected a pattern between slashes, or a list"},
      {"has(/a/, words)", "--keep: column 10: expected a field: text, url, host, id, date or meta.KEY"},
      {"starts(url, 3)", "--keep: column 13: expected a string"},
      {"contains(\"a\", \"b\")", "--keep: column 10: expected a field: text, url, host, id, date or meta.KEY"},
      {"rank(1) > 0", "--keep: column 1: rank() is known at the end of the stream only: --keep may use it"},
      {"3x", "--keep: column 1: this is no number"},
      {"\"a", "--keep: column 1: this string has no end on its line"},
      {"url == \"a\\q\"", "--keep: column 10: after a backslash expected \" \\ n or t"},
      {"1 & 2", "--keep: column 3: expected an operator, not"},
      {"m.nothing", "--keep: column 1: expected a feature, field, score or name, not 'm.nothing'"},
      {"\xC3\xA9 > 1", "--keep: column 1: expected a feature, field, score or name, not '\xC3\xA9'"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct setting s;
    set_up(&s);
    int program = expressions_compile_text(s.x, "--keep", slice_of(cases[i].text), false, &err);
    bool prefix = strncmp(err.message, "--keep: column 3: '&' has no meaning here", 40) == 0 && strchr(cases[i].text, '&');
    ok(program == -1 && err.kind == ERR_USAGE && (prefix || strcmp(err.message, cases[i].message) == 0), "%s: %s", cases[i].text, err.message);
    tear_down(&s);
  }
  struct setting s;
  set_up(&s);
  ok(expressions_compile_text(s.x, "--keep", SLICE("rank(rank(1))"), true, &err) == -1 && strstr(err.message, "inside"), "rank() does not nest");
  tear_down(&s);
}

static void check_nesting(void) {
  enum { DEPTH = 200000 };
  struct buffer text = {0};
  for (int i = 0; i < DEPTH; i++) buffer_append_string(&text, i % 3 ? "(" : "-(");
  buffer_append_string(&text, "words");
  for (int i = 0; i < DEPTH; i++) buffer_put(&text, ')');
  ok(fabs(value_of(buffer_string(&text), &tsv)) == 16, "brackets nest %d deep", DEPTH);
  buffer_clear(&text);
  for (int i = 0; i < DEPTH; i++) buffer_append_string(&text, "1 + (");
  buffer_append_string(&text, "0");
  for (int i = 0; i < DEPTH; i++) buffer_put(&text, ')');
  ok(value_of(buffer_string(&text), &tsv) == DEPTH, "and so do open sums");
  buffer_clear(&text);
  buffer_append_string(&text, "let a0 = words\n");
  for (int i = 1; i < 20000; i++) buffer_printf(&text, "let a%d = a%d + a%d\n", i, i - 1, i - 1);
  buffer_append_string(&text, "drop never if a19999 < 0\ndrop big if a10 == 16384\n");
  struct setting s;
  set_up(&s);
  struct rule_file *f = rule_file_parse("deep.rules", buffer_slice(&text), s.x, &s.rules, &err);
  ok(f != NULL, "values that name others");
  if (f) {
    begin(&s, &tsv, SLICE(words_text));
    ok_string(rule_file_apply(f, s.v).reason, "big", "are computed once each, however deep");
  }
  rule_file_free(f);
  tear_down(&s);
  buffer_release(&text);
}

static void check_file(void) {
  char path[600], list[600];
  snprintf(path, sizeof path, "%s/my.first.rules", tap_folder());
  snprintf(list, sizeof list, "%s/words.txt", tap_folder());
  output_file(list, "# words\nder\n  Second  \n\nThe\n", 28, &err);
  static const char text[] =
      "# a comment\n\n"
      "use gopher-quality,c4   # two\n"
      "set gopher-quality.min_doc_words = 7\n"
      "set gopher-quality.stop_words=der,die\n"
      "list german = file \"words.txt\"\n"
      "list two = \"cat\" \"mat.\"\n"
      "let share = count(german) /\n"
      "\n"
      "# in between\n"
      "    words\n"
      "keep if meta.lang == \"de\"\n"
      "drop few if share < .1\n"
      "drop many-cats if count(two) >= 2\n"
      "  and different(german) == 3\n"
      "drop scored if m.hq > 0";
  output_file(path, text, sizeof text - 1, &err);
  struct setting s;
  set_up(&s);
  struct rule_file *f = rule_file_load(path, s.x, &s.rules, &err);
  ok(f != NULL, "a rule file is read%s%s", f ? "" : ": ", f ? "" : err.message);
  if (!f) return;
  ok(s.rules.count == 2 && s.rules.quality.min_doc_words == 7 && s.rules.quality.stop_words.count == 2, "use and set reach the built-in sets");
  ok(rule_file_count(f) == 4 && strcmp(rule_file_set(f), "my.first") == 0 && strcmp(rule_file_name(f, 0), "keep") == 0 && strcmp(rule_file_name(f, 2), "many-cats") == 0, "rules have names, the file's name is the set");
  begin(&s, &tsv, SLICE(words_text));
  scores_asked = 0;
  struct verdict v = rule_file_apply(f, s.v);
  ok_string(v.reason, "many-cats", "the first rule that holds drops");
  ok_string(v.set, "my.first", "in the name of the file");
  ok(scores_asked == 0, "what later rules need is not computed");
  ok(rule_file_holds(f, 3, s.v) && scores_asked == 1 && rule_file_holds(f, 3, s.v) && scores_asked == 1, "and what is computed is so once");
  struct document german = tsv;
  german.extra = SLICE("lang=de");
  begin(&s, &german, SLICE(words_text));
  ok(!rule_file_apply(f, s.v).reason, "keep ends the file");
  begin(&s, &tsv, SLICE("one two three four five six seven eight nine ten eleven"));
  ok_string(rule_file_apply(f, s.v).reason, "few", "each document is looked at anew");
  begin(&s, &tsv, (struct slice){0});
  ok_string(rule_file_apply(f, s.v).reason, "scored", "a ratio to no word is undefined: the rule does not hold");
  rule_file_free(f);
  tear_down(&s);

  static const struct {
    const char *text, *message;
  } wrong[] = {
      {"frobnicate x", "r:1:1: expected use, set, list, let, drop or keep, not 'frobnicate'"},
      {"\n\n  \ndrop x if wrods > 3", "r:4:11: expected a feature, field, score or name, not 'wrods'"},
      {"drop x if words >\ndrop y if 1", "r:1:18: expected a value, but the statement ends"},
      {"drop if words > 3", "r:1:9: expected if, not 'words'"},
      {"drop x words > 3", "r:1:8: expected if, not 'words'"},
      {"drop x if 1 2", "r:1:13: expected an operator, not '2'"},
      {"drop \"x\" if 1", "r:1:6: expected a name for the rule, which is the reason of its rejects, not '\"x\"'"},
      {"use nothing", "r:1:5: there is no rule set 'nothing'"},
      {"set gopher-quality.nothing = 3", "r:1:5: "},
      {"set gopher-quality.min_doc_words = x", "r:1:5: "},
      {"set gopher-quality", "r:1:5: expected SET.KEY = VALUE"},
      {"set", "r:1:4: expected SET.KEY = VALUE, but the statement ends"},
      {"use", "r:1:4: expected names of rule sets, but the statement ends"},
      {"list a = 3", "r:1:10: expected strings, or the word file and a string, not '3'"},
      {"list a = file x", "r:1:15: expected the file's name as a string, not 'x'"},
      {"list a = \"x\", \"y\"", "r:1:13: expected another string, not ','"},
      {"list a = file \"/no/such/file\"", "r:1:15: /no/such/file: No such file or directory"},
      {"list words = \"x\"", "r:1:6: the name 'words' is taken"},
      {"let a = 1\nlet a = 2", "r:2:5: the name 'a' is taken"},
      {"let b = c", "r:1:9: expected a feature, field, score or name, not 'c'"},
      {"let a 1", "r:1:7: expected =, not '1'"},
      {"let a = rank(words)", "r:1:9: rank() is known at the end of the stream only: --keep may use it"},
      {"drop a if \xC3\xA9\xC3\xA9 > 1 )", "r:1:11: expected a feature, field, score or name, not '\xC3\xA9\xC3\xA9'"},
      {"drop a if 1 == 1 and\n \xFF", "r:2:2: this is not UTF-8"},
      {"let l = 3\ndrop a if url in l", "r:2:18: expected the name of a list, not 'l'"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    set_up(&s);
    struct rule_file *bad = rule_file_parse("r", slice_of(wrong[i].text), s.x, &s.rules, &err);
    ok(!bad && strncmp(err.message, wrong[i].message, strlen(wrong[i].message)) == 0, "%s", err.message);
    rule_file_free(bad);
    tear_down(&s);
  }
  set_up(&s);
  ok(!rule_file_load("/no/such.rules", s.x, &s.rules, &err) && err.kind == ERR_FAILED && strstr(err.message, "/no/such.rules"), "a file that is not there is named");
  f = rule_file_parse("empty", SLICE(" \n# nothing\n"), s.x, &s.rules, &err);
  ok(f && rule_file_count(f) == 0, "a file may hold nothing");
  rule_file_free(f);
  tear_down(&s);
}

static void check_manual(void) {
  struct buffer page = read_file("man/crawl2lm-rules.5");
  size_t missing = 0;
  for (int f = 0; f < feature_count(); f++) {
    if (strncmp(feature_name(f), "top_", 4) == 0 || strncmp(feature_name(f), "duplicated_", 11) == 0) continue;
    char wanted[80];
    int n = snprintf(wanted, sizeof wanted, " %s ", feature_name(f));
    if (slice_find(buffer_slice(&page), (struct slice){wanted, (size_t)n})) continue;
    missing++;
    note("%s", feature_name(f));
  }
  ok(page.len > 1000 && missing == 0, "crawl2lm-rules(5) names every feature");
  buffer_release(&page);
}

int main(void) {
  check_manual();
  check_values();
  check_errors();
  check_nesting();
  check_file();
  return tap_done();
}
