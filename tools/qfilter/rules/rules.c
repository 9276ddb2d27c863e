/* SPDX-License-Identifier: MIT
 *
 * Rule sets.  Sources: Rae et al. 2021 (Gopher, https://arxiv.org/abs/2112.11446, table A1), Raffel et al. 2020 (C4),
 * Penedo et al. 2024 (FineWeb, https://arxiv.org/abs/2406.17557); thresholds, order and reasons of datatrove 0.10's
 * filters.  Each decision is the same double-precision division and comparison that Python does.
 */
#include "tools/qfilter/rules/rules.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/text/unicode.h"
#include "tools/qfilter/rules/features.h"

const char *const rule_set_names[RULE_SETS] = {"gopher-quality", "gopher-repetition", "c4", "c4-paragraph", "fineweb", "url"};

/* ---- parameters */

enum key_type {
  KEY_NUMBER,   /* double; none: the rule is off */
  KEY_C4_NUMBER, /* double; none is -1, as datatrove turns it off */
  KEY_BOOL,
  KEY_WORDS, /* words between commas */
  KEY_CHARS, /* each character of the value */
};

struct key {
  enum rule_set set;
  const char *name;
  enum key_type type;
  size_t offset;
  const char *initial;
};

#define Q(field, type, initial) {RULES_GOPHER_QUALITY, #field, type, offsetof(struct rules, quality.field), initial}
#define R(field, initial) {RULES_GOPHER_REPETITION, #field, KEY_NUMBER, offsetof(struct rules, repetition.field), initial}
#define TOP(n, initial) {RULES_GOPHER_REPETITION, "top_" #n "_gram", KEY_NUMBER, offsetof(struct rules, repetition.top[n]), initial}
#define DUPLICATED(n, initial) {RULES_GOPHER_REPETITION, "duplicated_" #n "_n_grams", KEY_NUMBER, offsetof(struct rules, repetition.duplicated[n]), initial}
#define C(field, type, initial) {RULES_C4, #field, type, offsetof(struct rules, c4.field), initial}
#define P(field, initial) {RULES_C4_PARAGRAPH, #field, KEY_NUMBER, offsetof(struct rules, c4_paragraph.field), initial}
#define F(field, type, initial) {RULES_FINEWEB, #field, type, offsetof(struct rules, fineweb.field), initial}

static const struct key keys[] = {
    Q(min_doc_words, KEY_NUMBER, "50"),
    Q(max_doc_words, KEY_NUMBER, "100000"),
    Q(min_avg_word_length, KEY_NUMBER, "3"),
    Q(max_avg_word_length, KEY_NUMBER, "10"),
    Q(max_symbol_word_ratio, KEY_NUMBER, "0.1"),
    Q(max_bullet_lines_ratio, KEY_NUMBER, "0.9"),
    Q(max_ellipsis_lines_ratio, KEY_NUMBER, "0.3"),
    Q(max_non_alpha_words_ratio, KEY_NUMBER, "0.8"),
    Q(min_stop_words, KEY_NUMBER, "2"),
    Q(stop_words, KEY_WORDS, "the,be,to,of,and,that,have,with"),
    R(dup_para_frac, "0.3"),
    R(dup_para_char_frac, "0.2"),
    R(dup_line_frac, "0.3"),
    R(dup_line_char_frac, "0.2"),
    TOP(2, "0.2"),
    TOP(3, "0.18"),
    TOP(4, "0.16"),
    DUPLICATED(5, "0.15"),
    DUPLICATED(6, "0.14"),
    DUPLICATED(7, "0.13"),
    DUPLICATED(8, "0.12"),
    DUPLICATED(9, "0.11"),
    DUPLICATED(10, "0.1"),
    C(split_paragraph, KEY_BOOL, "true"),
    C(remove_citations, KEY_BOOL, "true"),
    C(filter_no_terminal_punct, KEY_BOOL, "true"),
    C(min_num_sentences, KEY_C4_NUMBER, "5"),
    C(min_words_per_line, KEY_C4_NUMBER, "3"),
    C(max_word_length, KEY_C4_NUMBER, "1000"),
    C(filter_lorem_ipsum, KEY_BOOL, "true"),
    C(filter_javascript, KEY_BOOL, "true"),
    C(filter_curly_bracket, KEY_BOOL, "true"),
    C(filter_policy, KEY_BOOL, "true"),
    P(min_paragraphs, "3"),
    P(min_paragraph_len, "200"),
    F(line_punct_thr, KEY_NUMBER, "0.12"),
    F(line_punct_exclude_zero, KEY_BOOL, "false"),
    F(stop_chars, KEY_CHARS, terminal_punctuation_characters),
    F(short_line_thr, KEY_NUMBER, "0.67"),
    F(short_line_length, KEY_NUMBER, "30"),
    F(char_duplicates_ratio, KEY_NUMBER, "0.01"),
    F(new_line_ratio, KEY_NUMBER, "0.3"),
};
enum { KEYS = sizeof keys / sizeof *keys };

static void word_set_release(struct word_set *set) {
  for (int i = 0; i < set->count; i++) free((char *)set->items[i].data);
  free(set->items);
  *set = (struct word_set){0};
}

static void word_set_parse(struct word_set *set, const char *text) {
  word_set_release(set);
  while (*text) {
    size_t n = strcspn(text, ",");
    bool known = false;
    for (int i = 0; i < set->count; i++) known |= slice_equal(set->items[i], (struct slice){text, n});
    if (n && !known) {
      set->items = RESIZE(set->items, (size_t)set->count + 1);
      set->items[set->count++] = (struct slice){COPY(text, n), n};
      if (n > set->longest) set->longest = n;
    }
    text += n + (text[n] == ',');
  }
}

static int parse_bool(const char *value, bool *result) {
  static const char *const words[] = {"false", "true", "False", "True", "0", "1", "no", "yes", "off", "on"};
  for (int i = 0; i < 10; i++) {
    if (strcmp(value, words[i]) == 0) {
      *result = i % 2;
      return 0;
    }
  }
  return -1;
}

static int assign(enum key_type type, void *field, const char *name, const char *value, struct err *e) {
  bool none = strcmp(value, "none") == 0 || strcmp(value, "None") == 0;
  switch (type) {
    case KEY_NUMBER:
    case KEY_C4_NUMBER:
      if (none) *(double *)field = type == KEY_C4_NUMBER ? -1 : NAN;
      else if (number_double(value, field) != 0) return err_usage(e, "%s=%s: a number or none is wanted", name, value);
      return 0;
    case KEY_BOOL:
      if (parse_bool(value, field) != 0) return err_usage(e, "%s=%s: true or false is wanted", name, value);
      return 0;
    case KEY_WORDS: word_set_parse(field, none ? "" : value); return 0;
    case KEY_CHARS:
      if (utf8_valid_prefix(value, strlen(value)) != strlen(value)) return err_usage(e, "%s: the value is not UTF-8", name);
      char_set_release(field);
      char_set_init(field, slice_of(none ? "" : value));
      return 0;
  }
  return 0;
}

static void say_paragraphs(struct rules *r) {
  char number[NUMBER_TEXT];
  snprintf(r->c4_paragraph_reason, sizeof r->c4_paragraph_reason, "< %s paragraphs", number_format(r->c4_paragraph.min_paragraphs, number));
}

void rules_init(struct rules *r) {
  *r = (struct rules){0};
  for (int n = 0; n <= NGRAM_MAX; n++) r->repetition.top[n] = r->repetition.duplicated[n] = NAN;
  struct err e;
  for (int i = 0; i < KEYS; i++) assign(keys[i].type, (char *)r + keys[i].offset, keys[i].name, keys[i].initial, &e);
  say_paragraphs(r);
}

void rules_release(struct rules *r) {
  if (r->url.rules) r->url.release(r->url.rules);
  word_set_release(&r->quality.stop_words);
  char_set_release(&r->fineweb.stop_chars);
}

static int find_set(const char *name, size_t n) {
  for (int i = 0; i < RULE_SETS; i++)
    if (strlen(rule_set_names[i]) == n && memcmp(rule_set_names[i], name, n) == 0) return i;
  return -1;
}

int rules_choose(struct rules *r, const char *names, struct err *e) {
  while (*names) {
    size_t n = strcspn(names, ",");
    int set = find_set(names, n);
    if (set < 0) return err_usage(e, "there is no rule set '%.*s'; there are gopher-quality, gopher-repetition, c4, c4-paragraph, fineweb, url", (int)n, names);
    for (int i = 0; i < r->count; i++)
      if ((int)r->order[i] == set) return err_usage(e, "%s is named twice", rule_set_names[set]);
    r->order[r->count++] = (enum rule_set)set;
    names += n + (names[n] == ',');
  }
  return 0;
}

/* n of top_N_gram or duplicated_N_n_grams, 0 when the name is neither. */
static int gram_key(const char *name, const char *before, const char *after) {
  size_t n = strlen(before);
  if (strncmp(name, before, n) != 0) return 0;
  char *end;
  long value = name[n] >= '1' && name[n] <= '9' ? strtol(name + n, &end, 10) : 0;
  return value >= 1 && value <= NGRAM_MAX && strcmp(end, after) == 0 ? (int)value : 0;
}

int rules_set(struct rules *r, const char *assignment, struct err *e) {
  const char *dot = strchr(assignment, '.'), *equal = strchr(assignment, '=');
  if (!dot || !equal || dot > equal) return err_usage(e, "%s: SET.KEY=VALUE is wanted", assignment);
  int set = find_set(assignment, (size_t)(dot - assignment));
  if (set < 0) return err_usage(e, "%s: there is no rule set '%.*s'", assignment, (int)(dot - assignment), assignment);
  char name[64];
  size_t n = (size_t)(equal - dot - 1);
  if (n >= sizeof name) n = sizeof name - 1;
  memcpy(name, dot + 1, n);
  name[n] = 0;
  if (set == RULES_URL && r->url.set) return r->url.set(&r->url.rules, name, equal + 1, e);
  for (int i = 0; i < KEYS; i++) {
    if ((int)keys[i].set != set || strcmp(keys[i].name, name) != 0) continue;
    int result = assign(keys[i].type, (char *)r + keys[i].offset, name, equal + 1, e);
    say_paragraphs(r);
    return result;
  }
  if (set == RULES_GOPHER_REPETITION) {
    int top = gram_key(name, "top_", "_gram"), duplicated = gram_key(name, "duplicated_", "_n_grams");
    if (top) return assign(KEY_NUMBER, &r->repetition.top[top], name, equal + 1, e);
    if (duplicated) return assign(KEY_NUMBER, &r->repetition.duplicated[duplicated], name, equal + 1, e);
  }
  return err_usage(e, "%s: %s has no key '%s'", assignment, rule_set_names[set], name);
}

/* ---- values and decisions */

/* `if self.x and ...`: None and 0 turn a rule off. */
static bool on(double threshold) { return !isnan(threshold) && threshold != 0; }
static double ratio(size_t a, size_t b) { return (double)a / (double)b; }

static const char *quality(const struct rules *r, struct measures *m) {
  const struct word_values *w = measures_words(m);
  double n = (double)w->non_symbol_words;
  if (on(r->quality.min_doc_words) && n < r->quality.min_doc_words) return "gopher_short_doc";
  if (on(r->quality.max_doc_words) && n > r->quality.max_doc_words) return "gopher_long_doc";
  double mean = (double)w->non_symbol_characters / n; /* no such word: NAN, which no comparison holds for */
  if (on(r->quality.min_avg_word_length) && mean < r->quality.min_avg_word_length) return "gopher_below_avg_threshold";
  if (on(r->quality.max_avg_word_length) && mean > r->quality.max_avg_word_length) return "gopher_above_avg_threshold";
  if (w->words == 0) return "empty";
  if (on(r->quality.max_symbol_word_ratio)) {
    if (ratio(w->hashes, w->words) > r->quality.max_symbol_word_ratio) return "gopher_too_many_hashes";
    if (ratio(w->ellipses, w->words) > r->quality.max_symbol_word_ratio) return "gopher_too_many_ellipsis";
  }
  const struct line_values *l = measures_lines(m);
  if (l->lines == 0) return "empty";
  if (on(r->quality.max_bullet_lines_ratio) && ratio(l->bullets, l->lines) > r->quality.max_bullet_lines_ratio) return "gopher_too_many_bullets";
  if (on(r->quality.max_ellipsis_lines_ratio) && ratio(l->ellipsis_ends, l->lines) > r->quality.max_ellipsis_lines_ratio)
    return "gopher_too_many_end_ellipsis";
  if (on(r->quality.max_non_alpha_words_ratio) && ratio(w->alphabetic_words, w->words) < r->quality.max_non_alpha_words_ratio)
    return "gopher_below_alpha_threshold";
  double least = r->quality.min_stop_words;
  if (on(least) && (double)measures_stop_words(m, &r->quality.stop_words, least) < least) return "gopher_enough_stop_words";
  return NULL;
}

static const char *const top_reasons[NGRAM_MAX + 1] = {
    "", "top_1_gram", "top_2_gram", "top_3_gram", "top_4_gram", "top_5_gram", "top_6_gram", "top_7_gram", "top_8_gram",
    "top_9_gram", "top_10_gram", "top_11_gram", "top_12_gram", "top_13_gram", "top_14_gram", "top_15_gram", "top_16_gram",
    "top_17_gram", "top_18_gram", "top_19_gram", "top_20_gram", "top_21_gram", "top_22_gram", "top_23_gram", "top_24_gram",
    "top_25_gram", "top_26_gram", "top_27_gram", "top_28_gram", "top_29_gram", "top_30_gram", "top_31_gram", "top_32_gram"};
#define D(n) "duplicated_" #n "_n_grams"
static const char *const duplicated_reasons[NGRAM_MAX + 1] = {
    "",    D(1),  D(2),  D(3),  D(4),  D(5),  D(6),  D(7),  D(8),  D(9),  D(10), D(11), D(12), D(13), D(14), D(15), D(16),
    D(17), D(18), D(19), D(20), D(21), D(22), D(23), D(24), D(25), D(26), D(27), D(28), D(29), D(30), D(31), D(32)};

static const char *repetition(const struct rules *r, struct measures *m) {
  if (m->text.len == 0) return "empty";
  double characters = (double)measures_length(m);
  const struct repeat_values *p = measures_paragraph_repeats(m);
  if (on(r->repetition.dup_para_frac) && ratio(p->duplicates, p->parts) > r->repetition.dup_para_frac) return "dup_para_frac";
  if (on(r->repetition.dup_para_char_frac) && (double)p->duplicate_characters / characters > r->repetition.dup_para_char_frac) return "dup_para_char_frac";
  const struct repeat_values *l = measures_line_repeats(m);
  if (on(r->repetition.dup_line_frac) && ratio(l->duplicates, l->parts) > r->repetition.dup_line_frac) return "dup_line_frac";
  if (on(r->repetition.dup_line_char_frac) && (double)l->duplicate_characters / characters > r->repetition.dup_line_char_frac) return "dup_line_char_frac";
  struct grams *g = measures_grams(m);
  for (int n = 1; n <= NGRAM_MAX; n++) {
    double share = r->repetition.top[n];
    if (isnan(share) || !((double)grams_top_most(g, n) / characters > share)) continue;
    if ((double)grams_top(g, n) / characters > share) return top_reasons[n];
  }
  for (int n = 1; n <= NGRAM_MAX; n++) {
    double share = r->repetition.duplicated[n];
    if (isnan(share) || !((double)grams_duplicates_most(g, n) / characters > share)) continue;
    if ((double)grams_duplicates(g, n) / characters > share) return duplicated_reasons[n];
  }
  return NULL;
}

static const char *fineweb(const struct rules *r, struct measures *m) {
  const struct fineweb_values *f = measures_fineweb(m, &r->fineweb.stop_chars, isnan(r->fineweb.short_line_length) ? -1 : r->fineweb.short_line_length);
  if (f->lines == 0) return "empty";
  double punctuated = ratio(f->punctuated, f->lines);
  if (punctuated < r->fineweb.line_punct_thr && !(punctuated == 0 && r->fineweb.line_punct_exclude_zero)) return "line_punct_ratio";
  if (ratio(f->short_lines, f->lines) > r->fineweb.short_line_thr) return "short_line_ratio";
  if (ratio(f->duplicate_characters, f->characters_without_newlines) > r->fineweb.char_duplicates_ratio) return "char_dup_ratio";
  size_t words = measures_words(m)->words;
  if (words == 0) return "empty";
  if (ratio(f->newlines, words) > r->fineweb.new_line_ratio) return "list_ratio";
  return NULL;
}

static const char *paragraphs(const struct rules *r, struct measures *m) {
  size_t count = measures_long_lines(m, r->c4_paragraph.min_paragraph_len);
  return (double)count < r->c4_paragraph.min_paragraphs ? r->c4_paragraph_reason : NULL;
}

/* The decision of one set on the text that `m` measures; c4 begins the measures anew on what it leaves. */
static const char *decide(const struct rules *r, struct rules_scratch *s, enum rule_set set, struct slice *text) {
  struct measures *m = &s->measures;
  const char *reason = NULL;
  switch (set) {
    case RULES_GOPHER_QUALITY: reason = quality(r, m); break;
    case RULES_GOPHER_REPETITION: reason = repetition(r, m); break;
    case RULES_C4_PARAGRAPH: reason = paragraphs(r, m); break;
    case RULES_FINEWEB: reason = fineweb(r, m); break;
    case RULES_URL: return r->url.decide ? r->url.decide(r->url.rules, m->url) : NULL;
    case RULES_C4: {
      measures_c4(m, &r->c4, false);
      reason = m->c4_reason;
      if (!reason && !slice_equal(m->c4_text, *text)) {
        buffer_clear(&s->edited);
        buffer_append_slice(&s->edited, m->c4_text);
        *text = buffer_slice(&s->edited);
        measures_begin(m, r->words, *text);
      }
      break;
    }
    default: break;
  }
  if (!reason && unicode_strip_left(*text).len == 0) reason = "empty"; /* nothing but white space: no word, no line */
  return reason;
}

struct verdict rules_apply(const struct rules *r, struct rules_scratch *s, struct slice *text) {
  measures_begin(&s->measures, r->words, *text);
  for (int i = 0; i < r->count; i++) {
    const char *reason = decide(r, s, r->order[i], text);
    if (reason) return (struct verdict){rule_set_names[r->order[i]], reason};
  }
  return (struct verdict){0};
}

/* ---- --explain */

void rules_explain_header(const struct rules *r, struct buffer *out) {
  for (int i = 0; i < r->count; i++)
    for (int f = 0; f < feature_count(); f++)
      if (feature_explained(f, r->order[i], r)) buffer_printf(out, "\t%s.%s", rule_set_names[r->order[i]], feature_column(f));
}

struct verdict rules_explain(const struct rules *r, struct rules_scratch *s, struct slice *text, struct buffer *out) {
  measures_begin(&s->measures, r->words, *text);
  struct verdict first = {0};
  for (int i = 0; i < r->count; i++) {
    for (int f = 0; f < feature_count(); f++) {
      if (!feature_explained(f, r->order[i], r)) continue;
      double value = feature_value(f, r, &s->measures);
      char number[NUMBER_TEXT];
      buffer_put(out, '\t');
      buffer_append_string(out, isnan(value) ? "" : number_format(value, number));
    }
    const char *reason = decide(r, s, r->order[i], text);
    if (reason && !first.reason) first = (struct verdict){rule_set_names[r->order[i]], reason};
  }
  return first;
}

void rules_scratch_release(struct rules_scratch *s) {
  measures_release(&s->measures);
  buffer_release(&s->edited);
}
