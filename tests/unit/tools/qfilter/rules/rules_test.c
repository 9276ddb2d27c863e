/* SPDX-License-Identifier: MIT
 *
 * Decisions of the rule sets against datatrove's, committed in tests/data/qfilter/rules.tsv, which
 * tests/oracle/qfilter_rules.py wrote; and the parsing of --rules and --set.
 */
#include "tools/qfilter/rules/rules.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/io/documents.h"
#include "tests/tap.h"

static int field(const char **at, struct slice *to) {
  if (!*at) return -1;
  size_t n = strcspn(*at, "\t\n");
  *to = (struct slice){*at, n};
  *at = (*at)[n] == '\t' ? *at + n + 1 : NULL;
  return 0;
}

static void plain(struct buffer *to, struct slice from) {
  uint64_t unknown;
  buffer_clear(to);
  document_unescape(to, from, &unknown);
}

/* One line of the file: true when decision and remaining text are datatrove's. */
static bool agrees(const char *line, struct buffer *why) {
  struct slice mode, set, settings, decision, text, left;
  if (field(&line, &mode) || field(&line, &set) || field(&line, &settings) || field(&line, &decision) || field(&line, &text) || field(&line, &left)) return false;
  struct rules r;
  rules_init(&r);
  r.words = slice_equal(mode, SLICE("space")) ? WORDS_SPACE : slice_equal(mode, SLICE("unicode")) ? WORDS_UNICODE : WORDS_REFERENCE;
  struct err e;
  struct buffer name = {0}, assignment = {0}, input = {0}, want = {0};
  buffer_append_slice(&name, set);
  bool good = rules_choose(&r, buffer_string(&name), &e) == 0;
  for (size_t i = 0; i < settings.len;) {
    const char *end = memchr(settings.data + i, ' ', settings.len - i);
    size_t n = end ? (size_t)(end - settings.data) - i : settings.len - i;
    buffer_clear(&assignment);
    buffer_printf(&assignment, "%.*s.%.*s", (int)set.len, set.data, (int)n, settings.data + i);
    good &= rules_set(&r, buffer_string(&assignment), &e) == 0;
    i += n + 1;
  }
  plain(&input, text);
  plain(&want, left);
  struct rules_scratch scratch = {0};
  struct slice got = buffer_slice(&input);
  struct verdict v = rules_apply(&r, &scratch, &got);
  good &= slice_equal(slice_of(v.reason ? v.reason : "keep"), decision) && (!v.reason || slice_equal(slice_of(v.set), set));
  if (slice_equal(set, SLICE("c4")) && !v.reason) good &= slice_equal(got, buffer_slice(&want));
  /* --explain comes to the same verdict by computing everything first */
  struct buffer row = {0};
  struct slice again = buffer_slice(&input);
  struct verdict explained = rules_explain(&r, &scratch, &again, &row);
  good &= explained.reason == v.reason;
  if (!good) {
    buffer_clear(why);
    buffer_printf(why, "%.*s %.*s [%.*s]: want %.*s, got %s: %.200s", (int)mode.len, mode.data, (int)set.len, set.data, (int)settings.len, settings.data, (int)decision.len, decision.data, v.reason ? v.reason : "keep", text.data);
  }
  buffer_release(&name);
  buffer_release(&assignment);
  buffer_release(&input);
  buffer_release(&want);
  buffer_release(&row);
  rules_scratch_release(&scratch);
  rules_release(&r);
  return good;
}

static void check_decisions(void) {
  FILE *f = fopen("tests/data/qfilter/rules.tsv", "r");
  if (!ok(f != NULL, "the expected decisions are there")) return;
  char *line = NULL;
  size_t capacity = 0;
  int rows[RULE_SETS] = {0}, equal[RULE_SETS] = {0};
  struct buffer why = {0};
  while (getline(&line, &capacity, f) > 0) {
    const char *set = strchr(line, '\t') + 1;
    for (int i = 0; i < RULE_SETS; i++) {
      size_t n = strlen(rule_set_names[i]);
      if (strncmp(set, rule_set_names[i], n) != 0 || set[n] != '\t') continue;
      rows[i]++;
      if (agrees(line, &why)) equal[i]++;
      else note("%s", buffer_string(&why));
    }
  }
  for (int i = 0; i < RULE_SETS; i++)
    if (i != RULES_URL) ok(rows[i] > (i == RULES_C4_PARAGRAPH ? 10 : 50) && equal[i] == rows[i], "%s decides as datatrove does (%d of %d)", rule_set_names[i], equal[i], rows[i]);
  free(line);
  fclose(f);
  buffer_release(&why);
}

static bool refuses(const char *assignment) {
  struct rules r;
  struct err e = {0};
  rules_init(&r);
  bool refused = rules_set(&r, assignment, &e) == -1 && e.kind == ERR_USAGE && e.message[0];
  rules_release(&r);
  return refused;
}

static void check_settings(void) {
  struct rules r;
  struct err e = {0};
  rules_init(&r);
  ok(rules_choose(&r, "c4,fineweb", &e) == 0 && r.count == 2 && r.order[0] == RULES_C4 && r.order[1] == RULES_FINEWEB, "--rules keeps the order");
  ok(rules_choose(&r, "gopher", &e) == -1 && e.kind == ERR_USAGE, "an unknown rule set is a usage error");
  ok(rules_choose(&r, "c4", &e) == -1 && e.kind == ERR_USAGE, "a rule set named twice is a usage error");
  ok(rules_set(&r, "gopher-repetition.top_7_gram=0.5", &e) == 0 && r.repetition.top[7] == 0.5, "n-grams of other lengths may be set");
  ok(rules_set(&r, "gopher-repetition.top_2_gram=none", &e) == 0 && r.repetition.top[2] != r.repetition.top[2], "none turns a threshold off");
  ok(rules_set(&r, "c4.max_word_length=none", &e) == 0 && r.c4.max_word_length == -1, "none is -1 in c4");
  ok(rules_set(&r, "gopher-quality.max_doc_words=1M", &e) == 0 && r.quality.max_doc_words == 1e6, "counts take suffixes");
  rules_release(&r);
  ok(refuses("gopher-quality.words=1"), "an unknown key is refused");
  ok(refuses("quality.min_doc_words=1"), "an unknown set is refused");
  ok(refuses("fineweb.line_punct_thr=high"), "a word for a number is refused");
  ok(refuses("c4.filter_policy=maybe"), "a word for a switch is refused");
  ok(refuses("gopher-repetition.top_99_gram=0.5"), "n-grams longer than 32 words are refused");
  ok(refuses("fineweb") && refuses("fineweb.line_punct_thr") && refuses("") && refuses("=.1"), "what is no assignment is refused");
}

/* The order of sets counts: the first that fails gives its reason, and c4's edits are seen by those after it. */
static void check_order(void) {
  struct rules r;
  struct err e;
  struct rules_scratch scratch = {0};
  rules_init(&r);
  rules_choose(&r, "c4,fineweb", &e);
  rules_set(&r, "c4.min_num_sentences=1", &e);
  struct slice text = SLICE("menu\nhome\nlogin\nOne line of four words and more.\nsearch\nSecond good line of this very text!");
  struct verdict v = rules_apply(&r, &scratch, &text);
  ok(!v.reason && slice_equal(text, SLICE("One line of four words and more.\nSecond good line of this very text!")), "fineweb sees what c4 leaves");
  rules_release(&r);
  rules_init(&r);
  rules_choose(&r, "fineweb,c4", &e);
  text = SLICE("menu\nhome\nlogin\nhelp\nOne line of four words and more.\nsearch\nSecond good line of this very text!");
  v = rules_apply(&r, &scratch, &text);
  ok(v.reason && strcmp(v.set, "fineweb") == 0 && strcmp(v.reason, "short_line_ratio") == 0, "the first set that fails wins");
  rules_release(&r);
  rules_scratch_release(&scratch);
}

int main(void) {
  check_decisions();
  check_settings();
  check_order();
  return tap_done();
}
