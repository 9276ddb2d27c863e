/* SPDX-License-Identifier: MIT
 *
 * Statements are read with the lexer of expressions (expression.h), each by a function of its own; expressions compile at once,
 * so an error stands where it is.
 */
#include "tools/qfilter/rules/rule_file.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/input.h"

struct rule {
  char *name; /* NULL: keep */
  int program;
};

struct rule_file {
  char *set;
  struct rule *rules;
  size_t count, capacity;
};

struct reader {
  const char *path;
  struct lexer lexer;
  struct expressions *x;
  struct rules *rules;
  struct rule_file *file;
  struct err *e;
};

static int next(struct reader *r) { return lexer_next(&r->lexer, r->e); }
static int expected(struct reader *r, const char *what) { return lexer_expected(&r->lexer, what, r->e); }

static int want_end(struct reader *r, const char *what) { return r->lexer.token.type == TOKEN_END ? 0 : expected(r, what); }

/* The token is a name: copies it to *name and goes on. */
static int take_name(struct reader *r, char **name, const char *what) {
  const struct token *t = &r->lexer.token;
  if (t->type != TOKEN_NAME) return expected(r, what);
  free(*name);
  *name = COPY(t->text.data, t->text.len);
  return next(r);
}

static int take_sign(struct reader *r, const char *sign, const char *what) {
  return lexer_is(&r->lexer, sign) ? next(r) : expected(r, what);
}

/* What stands from the token to the end of its line, without a comment. */
static struct slice rest_of_line(struct reader *r) {
  struct slice text = r->lexer.source.text;
  size_t start = r->lexer.token.at, end = start;
  while (end < text.len && text.data[end] != '\n' && !(text.data[end] == '#' && end > start && (text.data[end - 1] == ' ' || text.data[end - 1] == '\t'))) end++;
  r->lexer.at = end;
  return slice_trim((struct slice){text.data + start, end - start});
}

static int place(struct reader *r, size_t at) {
  r->e->kind = ERR_USAGE;
  return source_error(&r->lexer.source, at, r->e);
}

/* ---- statements: each is called with the token behind its word */

static int use_sets(struct reader *r) {
  size_t at = r->lexer.token.at;
  if (r->lexer.token.type == TOKEN_END) return expected(r, "names of rule sets");
  struct slice line = rest_of_line(r);
  char *names = COPY(line.data, line.len);
  int result = rules_choose(r->rules, names, r->e);
  free(names);
  return result == 0 ? next(r) : place(r, at);
}

/* Appends a file's name as seen from the folder of the rule file. */
static void append_path(const struct reader *r, struct buffer *out, struct slice name) {
  const char *slash = strrchr(r->path, '/');
  if (slash && name.len && name.data[0] != '/') buffer_append(out, r->path, (size_t)(slash + 1 - r->path));
  buffer_append_slice(out, name);
}

/* Values of these keys are files. */
static bool names_file(struct slice key, struct slice value) {
  static const char *const keys[] = {"url.domains", "url.urls", "url.banned_words", "url.soft_banned_words", "url.banned_subwords", "url.public_suffixes"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (slice_equal(key, slice_of(keys[i]))) return !slice_equal(value, SLICE("none")) && !slice_equal(value, SLICE("None"));
  return false;
}

static int set_key(struct reader *r) {
  size_t at = r->lexer.token.at;
  if (r->lexer.token.type == TOKEN_END) return expected(r, "SET.KEY = VALUE");
  struct slice line = rest_of_line(r);
  const char *equal = memchr(line.data, '=', line.len);
  if (!equal) {
    err_usage(r->e, "expected SET.KEY = VALUE");
    return place(r, at);
  }
  struct slice key = slice_trim((struct slice){line.data, (size_t)(equal - line.data)});
  struct slice value = slice_trim((struct slice){equal + 1, line.len - (size_t)(equal + 1 - line.data)});
  struct buffer assignment = {0};
  buffer_append_slice(&assignment, key);
  buffer_put(&assignment, '=');
  if (names_file(key, value)) append_path(r, &assignment, value);
  else buffer_append_slice(&assignment, value);
  int result = rules_set(r->rules, buffer_string(&assignment), r->e);
  buffer_release(&assignment);
  return result == 0 ? next(r) : place(r, at);
}

static int read_list(struct reader *r, struct name_set *list) {
  if (!lexer_is(&r->lexer, "file")) {
    while (r->lexer.token.type == TOKEN_STRING) {
      names_add(list, r->lexer.token.text);
      if (next(r) != 0) return -1;
    }
    if (list->added == 0) return expected(r, "strings, or the word file and a string");
    names_finish(list);
    return want_end(r, "another string");
  }
  if (next(r) != 0) return -1;
  if (r->lexer.token.type != TOKEN_STRING) return expected(r, "the file's name as a string");
  struct buffer path = {0};
  append_path(r, &path, r->lexer.token.text);
  int result = memchr(path.data ? path.data : "", 0, path.len) ? err_usage(r->e, "a file's name holds no NUL") : names_read(list, buffer_string(&path), r->e);
  buffer_release(&path);
  if (result != 0) return source_error(&r->lexer.source, r->lexer.token.at, r->e);
  return next(r) == 0 ? want_end(r, "the end of the statement") : -1;
}

static int name_list(struct reader *r) {
  char *name = NULL;
  size_t at = r->lexer.token.at;
  struct name_set list = {0};
  int result = take_name(r, &name, "a name for the list");
  if (result == 0) result = take_sign(r, "=", "=");
  if (result == 0) result = read_list(r, &list);
  if (result == 0 && expressions_name_list(r->x, slice_of(name), &list, r->e) != 0) result = place(r, at);
  names_release(&list);
  free(name);
  return result;
}

static int compile(struct reader *r) {
  int program = expressions_compile(r->x, &r->lexer, false, r->e);
  return program >= 0 && want_end(r, "an operator") != 0 ? -1 : program;
}

static int name_value(struct reader *r) {
  char *name = NULL;
  size_t at = r->lexer.token.at;
  int program = -1, result = take_name(r, &name, "a name for the value");
  if (result == 0) {
    r->lexer.operand = true;
    result = take_sign(r, "=", "=");
  }
  if (result == 0) result = (program = compile(r)) < 0 ? -1 : 0;
  if (result == 0 && expressions_name_value(r->x, slice_of(name), program, r->e) != 0) result = place(r, at);
  free(name);
  return result;
}

static int add_rule(struct reader *r, bool drop) {
  struct rule rule = {0};
  int result = drop ? take_name(r, &rule.name, "a name for the rule, which is the reason of its rejects") : 0;
  r->lexer.operand = true;
  if (result == 0) result = take_sign(r, "if", "if");
  if (result == 0) result = (rule.program = compile(r)) < 0 ? -1 : 0;
  if (result != 0) {
    free(rule.name);
    return -1;
  }
  GROW(r->file->rules, r->file->capacity, r->file->count + 1);
  r->file->rules[r->file->count++] = rule;
  return 0;
}

static int statement(struct reader *r) {
  static const char *const words[] = {"use", "set", "list", "let", "drop", "keep"};
  int word = -1;
  for (int i = 0; i < 6; i++)
    if (lexer_is(&r->lexer, words[i])) word = i;
  if (word < 0) return expected(r, "use, set, list, let, drop or keep");
  if (next(r) != 0) return -1;
  r->lexer.operand = false;
  switch (word) {
    case 0: return use_sets(r);
    case 1: return set_key(r);
    case 2: return name_list(r);
    case 3: return name_value(r);
    default: return add_rule(r, word == 4);
  }
}

struct rule_file *rule_file_parse(const char *path, struct slice text, struct expressions *x, struct rules *rules, struct err *e) {
  struct rule_file *f = NEW(struct rule_file);
  if (slice_starts(text, SLICE("\uFEFF"))) text = (struct slice){text.data + 3, text.len - 3}; /* byte order mark */
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
  f->set = COPY(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
  struct reader r = {.path = path, .lexer = {.source = {.name = path, .file = true, .text = text}}, .x = x, .rules = rules, .file = f, .e = e};
  int result = 0;
  size_t valid = utf8_valid_prefix(text.data, text.len);
  if (valid < text.len) {
    err_usage(e, "this is not UTF-8");
    result = source_error(&r.lexer.source, valid, e);
  }
  while (result == 0 && lexer_statement(&r.lexer)) {
    r.lexer.operand = false;
    result = next(&r);
    if (result == 0) result = statement(&r);
  }
  expressions_forget(x);
  buffer_release(&r.lexer.value);
  if (result == 0) return f;
  rule_file_free(f);
  return NULL;
}

struct rule_file *rule_file_load(const char *path, struct expressions *x, struct rules *rules, struct err *e) {
  struct buffer text = {0};
  struct rule_file *f = NULL;
  if (input_read_all(path, &text, e) == 0) f = rule_file_parse(path, buffer_slice(&text), x, rules, e);
  buffer_release(&text);
  return f;
}

void rule_file_free(struct rule_file *f) {
  if (!f) return;
  for (size_t i = 0; i < f->count; i++) free(f->rules[i].name);
  free(f->rules);
  free(f->set);
  free(f);
}

struct verdict rule_file_apply(const struct rule_file *f, struct evaluation *v) {
  for (size_t i = 0; i < f->count; i++) {
    if (!holds(evaluation_value(v, f->rules[i].program))) continue;
    if (!f->rules[i].name) break;
    return (struct verdict){f->set, f->rules[i].name};
  }
  return (struct verdict){0};
}

const char *rule_file_set(const struct rule_file *f) { return f->set; }
int rule_file_count(const struct rule_file *f) { return (int)f->count; }
const char *rule_file_name(const struct rule_file *f, int rule) { return f->rules[rule].name ? f->rules[rule].name : "keep"; }
bool rule_file_holds(const struct rule_file *f, int rule, struct evaluation *v) { return holds(evaluation_value(v, f->rules[rule].program)); }
