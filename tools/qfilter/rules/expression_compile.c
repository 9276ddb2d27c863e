/* SPDX-License-Identifier: MIT
 *
 * Operator precedence with an explicit stack (Dijkstra's shunting yard): nesting is bounded by memory, not by the
 * machine's stack.  Numbers are code; strings, fields, patterns and lists exist only while their operator or function is
 * read, and become a term.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "tools/qfilter/rules/expression_program.h"
#include "tools/qfilter/rules/features.h"

enum kind { NUMBER, STRING, FIELD, PATTERN, LIST };

struct operand {
  enum kind kind;
  int index; /* of the string, field, pattern, list */
  size_t at;
};

enum pending_kind { PENDING_BINARY, PENDING_UNARY, PENDING_OPEN, PENDING_CALL };

struct pending { /* an operator, bracket or call whose end has not come */
  enum pending_kind kind;
  int precedence;
  enum operation operation;
  size_t jump;                   /* and, or: the jump's place */
  const struct function *call;
  size_t at, operands, code;     /* operands and instructions when it began */
};

struct compiler {
  struct expressions *x;
  struct lexer *l;
  struct err *e;
  struct program code;
  bool ranks, in_rank;
  struct operand *operands;
  size_t operand_count, operand_capacity;
  struct pending *pending;
  size_t pending_count, pending_capacity;
};

enum { OR = 1, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN };

static const struct binary {
  const char *text;
  int precedence;
  enum operation operation;
} binaries[] = {
    {"or", OR, DO_OR}, {"and", AND, DO_AND}, {"<", COMPARISON, DO_LESS}, {"<=", COMPARISON, DO_AT_MOST}, {">", COMPARISON, DO_MORE}, {">=", COMPARISON, DO_AT_LEAST},
    {"==", COMPARISON, DO_EQUAL}, {"!=", COMPARISON, DO_DIFFERENT}, {"+", SUM, DO_ADD}, {"-", SUM, DO_SUBTRACT}, {"*", PRODUCT, DO_MULTIPLY}, {"/", PRODUCT, DO_DIVIDE},
};

enum call { CALL_NUMBERS, CALL_RANK, CALL_COUNT, CALL_HAS, CALL_DIFFERENT, CALL_FIELD, CALL_FIELD_STRING };

static const struct function {
  const char *name;
  enum call call;
  int code; /* operation or kind of term */
  size_t least, most;
} functions[] = {
    {"min", CALL_NUMBERS, DO_MIN, 1, 1000}, {"max", CALL_NUMBERS, DO_MAX, 1, 1000}, {"mean", CALL_NUMBERS, DO_MEAN, 1, 1000}, {"sum", CALL_NUMBERS, DO_SUM, 1, 1000},
    {"bucket", CALL_NUMBERS, DO_BUCKET, 2, 1000}, {"abs", CALL_NUMBERS, DO_ABS, 1, 1}, {"sqrt", CALL_NUMBERS, DO_SQRT, 1, 1}, {"log", CALL_NUMBERS, DO_LOG, 1, 1}, {"exp", CALL_NUMBERS, DO_EXP, 1, 1},
    {"rank", CALL_RANK, 0, 1, 1}, {"count", CALL_COUNT, 0, 1, 2}, {"has", CALL_HAS, 0, 1, 2}, {"different", CALL_DIFFERENT, 0, 1, 1},
    {"present", CALL_FIELD, TERM_PRESENT, 1, 1}, {"number", CALL_FIELD, TERM_NUMBER, 1, 1}, {"length", CALL_FIELD, TERM_LENGTH, 1, 1},
    {"starts", CALL_FIELD_STRING, TERM_STARTS, 2, 2}, {"ends", CALL_FIELD_STRING, TERM_ENDS, 2, 2}, {"contains", CALL_FIELD_STRING, TERM_CONTAINS, 2, 2},
};

static const char *const field_names[] = {"text", "url", "host", "id", "date"}; /* enum field_kind */

/* ---- tables without repetition */

struct expressions *expressions_new(struct score_source scores) {
  struct expressions *x = NEW(struct expressions);
  x->scores = scores;
  x->strings = hashmap_new();
  x->known = hashmap_new();
  x->names = hashmap_new();
  return x;
}

void expressions_free(struct expressions *x) {
  if (!x) return;
  for (size_t i = 0; i < x->program_count; i++) free(x->programs[i].code);
  for (size_t i = 0; i < x->field_count; i++) free((char *)x->fields[i].key.data);
  for (size_t i = 0; i < x->pattern_count; i++) pattern_free(x->patterns[i]);
  for (size_t i = 0; i < x->list_count; i++) names_release(&x->lists[i]);
  free(x->programs);
  free(x->fields);
  free(x->patterns);
  free(x->lists);
  free(x->terms);
  free(x->used_scores);
  free(x->waiting);
  hashmap_free(x->strings);
  hashmap_free(x->known);
  hashmap_free(x->names);
  free(x);
}

struct slice expressions_string(const struct expressions *x, int i) { return hashmap_entries(x->strings)[i].key; }

static int string_index(struct expressions *x, struct slice text) {
  bool added;
  uint64_t *value = hashmap_put(x->strings, text, &added);
  if (added) *value = hashmap_count(x->strings) - 1;
  return (int)*value;
}

/* The number that `kind` and `text` have, `next` when they are new. */
static int known(struct expressions *x, const char *kind, struct slice text, size_t next, bool *added) {
  struct buffer key = {0};
  buffer_append_string(&key, kind);
  buffer_append_slice(&key, text);
  uint64_t *value = hashmap_put(x->known, buffer_slice(&key), added);
  if (*added) *value = next;
  int number = (int)*value;
  buffer_release(&key);
  return number;
}

static int term_index(struct expressions *x, enum term_kind kind, int a, int b) {
  const int parts[] = {(int)kind, a, b};
  bool added;
  int i = known(x, "term ", (struct slice){(const char *)parts, sizeof parts}, x->term_count, &added);
  if (!added) return i;
  GROW(x->terms, x->term_capacity, x->term_count + 1);
  x->terms[x->term_count++] = (struct term){kind, a, b};
  if (kind == TERM_SCORE) {
    GROW(x->used_scores, x->used_score_capacity, x->used_score_count + 1);
    x->used_scores[x->used_score_count++] = a;
  }
  return i;
}

static int field_index(struct expressions *x, enum field_kind kind, struct slice key) {
  bool added;
  int i = known(x, kind == FIELD_META ? "meta " : "field ", kind == FIELD_META ? key : slice_of(field_names[kind]), x->field_count, &added);
  if (!added) return i;
  GROW(x->fields, x->field_capacity, x->field_count + 1);
  x->fields[x->field_count++] = (struct field){kind, {COPY(key.data ? key.data : "", key.len), key.len}};
  return i;
}

static int add_program(struct expressions *x, struct program p) {
  GROW(x->programs, x->program_capacity, x->program_count + 1);
  size_t depth = 0;
  p.depth = 0;
  for (size_t i = 0; i < p.count; i++) {
    const struct instruction *c = &p.code[i];
    if (c->operation <= DO_TERM) depth++;
    else if (c->operation == DO_AND || c->operation == DO_OR || (c->operation >= DO_ADD && c->operation <= DO_DIFFERENT)) depth--;
    else if (c->operation >= DO_MIN) depth -= (size_t)c->n - 1;
    if (depth > p.depth) p.depth = depth;
  }
  x->programs[x->program_count++] = p;
  return (int)x->program_count - 1;
}

static void emit_to(struct program *p, enum operation operation, int n, double number) {
  GROW(p->code, p->capacity, p->count + 1);
  p->code[p->count++] = (struct instruction){operation, n, number};
}

static void emit(struct compiler *c, enum operation operation, int n) { emit_to(&c->code, operation, n, 0); }

static void push(struct compiler *c, enum kind kind, int index, size_t at) {
  GROW(c->operands, c->operand_capacity, c->operand_count + 1);
  c->operands[c->operand_count++] = (struct operand){kind, index, at};
}

static void push_term(struct compiler *c, enum term_kind kind, int a, int b, size_t at) {
  emit(c, DO_TERM, term_index(c->x, kind, a, b));
  push(c, NUMBER, 0, at);
}

static struct operand *top(struct compiler *c) { return &c->operands[c->operand_count - 1]; }

static int fail_at(struct compiler *c, size_t at, const char *why) {
  err_usage(c->e, "%s", why);
  return source_error(&c->l->source, at, c->e);
}

static int want_number(struct compiler *c, const struct operand *o) {
  switch (o->kind) {
    case NUMBER: return 0;
    case STRING: return fail_at(c, o->at, "expected a number, not a string");
    case FIELD: return fail_at(c, o->at, "expected a number, not a field: compare it with == \"...\", =~ /.../, in LIST, or take number(...)");
    case PATTERN: return fail_at(c, o->at, "expected a number, not a pattern: take count(/.../) or has(/.../)");
    case LIST: return fail_at(c, o->at, "expected a number, not a list: take count(...) or different(...)");
  }
  return 0;
}

/* ---- operands */

static int compile_pattern(struct compiler *c, int *index) {
  const struct token *t = &c->l->token;
  struct buffer key = {0};
  buffer_append_slice(&key, t->flags);
  buffer_put(&key, '/');
  buffer_append_slice(&key, t->text);
  bool added;
  *index = known(c->x, "pattern ", buffer_slice(&key), c->x->pattern_count, &added);
  buffer_release(&key);
  if (!added) return 0;
  size_t at;
  GROW(c->x->patterns, c->x->pattern_capacity, c->x->pattern_count + 1);
  struct pattern *p = pattern_compile(t->text, t->flags, &at, c->e);
  if (!p) {
    c->e->kind = ERR_USAGE;
    return source_error(&c->l->source, t->at + 1 + at, c->e);
  }
  c->x->patterns[c->x->pattern_count++] = p;
  return 0;
}

/* A list after `in` or `under`: its name, or strings in brackets. */
static int take_list(struct compiler *c, int *index) {
  struct lexer *l = c->l;
  if (l->token.type == TOKEN_NAME) {
    const uint64_t *known_name = hashmap_find(c->x->names, l->token.text);
    if (!known_name || *known_name & 1) return lexer_expected(l, "the name of a list", c->e);
    *index = (int)(*known_name / 2);
    return lexer_next(l, c->e);
  }
  if (!lexer_is(l, "(")) return lexer_expected(l, "the name of a list, or strings in brackets", c->e);
  struct name_set set = {0};
  int result;
  do {
    if ((result = lexer_next(l, c->e)) != 0) break;
    if (l->token.type != TOKEN_STRING) {
      result = lexer_expected(l, "a string", c->e);
      break;
    }
    names_add(&set, l->token.text);
    if ((result = lexer_next(l, c->e)) != 0) break;
  } while (lexer_is(l, ","));
  if (result == 0 && !lexer_is(l, ")")) result = lexer_expected(l, "a comma or )", c->e);
  if (result == 0) result = lexer_next(l, c->e);
  names_finish(&set);
  *index = (int)c->x->list_count;
  GROW(c->x->lists, c->x->list_capacity, c->x->list_count + 1);
  c->x->lists[c->x->list_count++] = set;
  return result;
}

/* Insertions, deletions and replacements between two short names (Wagner and Fischer 1974). */
static size_t distance(struct slice a, const char *b) {
  enum { LONGEST = 40 };
  size_t n = strlen(b), row[LONGEST + 1];
  if (a.len > LONGEST || n > LONGEST) return LONGEST;
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 1; i <= a.len; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t best = diagonal + (a.data[i - 1] != b[j - 1]);
      diagonal = row[j];
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
    }
  }
  return row[n];
}

/* The feature or field that a mistyped name is nearest to, or NULL. */
static const char *nearest(struct slice name) {
  const char *best = NULL;
  size_t least = name.len > 3 ? 3 : 2; /* as many mistakes make another name */
  for (int i = 0; i < feature_count() + (int)(sizeof field_names / sizeof *field_names); i++) {
    const char *candidate = i < feature_count() ? feature_name(i) : field_names[i - feature_count()];
    size_t d = distance(name, candidate);
    if (d >= least) continue;
    least = d;
    best = candidate;
  }
  return best;
}

static int unknown_name(struct compiler *c, size_t at, struct slice name) {
  int shown = name.len > 60 ? 60 : (int)name.len;
  bool minus = memchr(name.data, '-', name.len) != NULL;
  const char *meant = minus ? NULL : nearest(name), *open = meant ? " (is it " : "", *close = meant ? "?)" : minus ? " (a minus needs spaces around it)" : "";
  err_usage(c->e, "expected a feature, field, score or name, not '%.*s'%s%s%s", shown, name.data, open, meant ? meant : "", close);
  return source_error(&c->l->source, at, c->e);
}

/* A name, perhaps with dots; the token is the first part, the lexer then stands behind the last. */
static int take_name(struct compiler *c) {
  struct lexer *l = c->l;
  size_t at = l->token.at, first_length = l->token.text.len;
  struct buffer whole = {0}; /* parts with dots between */
  buffer_append_slice(&whole, l->token.text);
  int parts = 1, result;
  while ((result = lexer_next(l, c->e)) == 0 && lexer_is(l, ".")) {
    if ((result = lexer_next(l, c->e)) != 0) break;
    if (l->token.type != TOKEN_NAME && l->token.type != TOKEN_STRING && l->token.type != TOKEN_NUMBER) {
      result = lexer_expected(l, "a name after the dot", c->e);
      break;
    }
    buffer_put(&whole, '.');
    if (l->token.type == TOKEN_NUMBER) buffer_append(&whole, l->source.text.data + l->token.at, l->at - l->token.at);
    else buffer_append_slice(&whole, l->token.text);
    parts++;
  }
  struct slice name = buffer_slice(&whole), first = {whole.data, first_length}, rest = {whole.data + first_length + 1, parts > 1 ? whole.len - first_length - 1 : 0};
  int feature, score;
  const uint64_t *named;
  if (result != 0) {
  } else if (parts == 1 && (named = hashmap_find(c->x->names, name)) != NULL) {
    if (*named & 1) push_term(c, TERM_VALUE, (int)(*named / 2), 0, at);
    else push(c, LIST, (int)(*named / 2), at);
  } else if (parts > 1 && slice_equal(first, SLICE("meta"))) {
    push(c, FIELD, field_index(c->x, FIELD_META, rest), at);
  } else if (parts > 1 && c->x->scores.find && (score = c->x->scores.find(c->x->scores.context, first, rest)) >= 0) {
    push_term(c, TERM_SCORE, score, 0, at);
  } else if ((feature = feature_find(name)) >= 0) {
    push_term(c, TERM_FEATURE, feature, 0, at);
  } else {
    int field = -1;
    for (int i = 0; i < (int)(sizeof field_names / sizeof *field_names); i++)
      if (slice_equal(name, slice_of(field_names[i]))) field = i;
    if (field >= 0) push(c, FIELD, field_index(c->x, (enum field_kind)field, (struct slice){0}), at);
    else result = unknown_name(c, at, name);
  }
  buffer_release(&whole);
  return result;
}

/* ---- operators */

static void reduce(struct compiler *c) {
  struct pending p = c->pending[--c->pending_count];
  if (p.kind == PENDING_UNARY) {
    emit(c, p.operation, 0);
    return;
  }
  c->operand_count--; /* the left one stands for the result */
  if (p.operation == DO_AND || p.operation == DO_OR) {
    emit(c, DO_TRUTH, 0);
    c->code.code[p.jump].n = (int)(c->code.count - p.jump - 1);
  } else {
    emit(c, p.operation, 0);
  }
}

/* Everything above the last bracket or call that binds at least as tightly; the last operand must be a number then. */
static int reduce_above(struct compiler *c, int precedence) {
  while (c->pending_count) {
    const struct pending *p = &c->pending[c->pending_count - 1];
    if (p->kind == PENDING_OPEN || p->kind == PENDING_CALL || p->precedence < precedence) break;
    if (want_number(c, top(c)) != 0) return -1;
    if (precedence == COMPARISON && p->precedence == COMPARISON) return fail_at(c, c->l->token.at, "comparisons do not chain: join them with and");
    reduce(c);
  }
  return 0;
}

static void push_pending(struct compiler *c, struct pending p) {
  GROW(c->pending, c->pending_capacity, c->pending_count + 1);
  p.operands = c->operand_count;
  p.code = c->code.count;
  c->pending[c->pending_count++] = p;
}

static int binary(struct compiler *c, const struct binary *b) {
  size_t at = c->l->token.at;
  if (reduce_above(c, b->precedence) != 0 || want_number(c, top(c)) != 0) return -1;
  push_pending(c, (struct pending){.kind = PENDING_BINARY, .precedence = b->precedence, .operation = b->operation, .jump = c->code.count, .at = at});
  if (b->operation == DO_AND || b->operation == DO_OR) emit(c, b->operation, 0);
  c->l->operand = true;
  return lexer_next(c->l, c->e);
}

/* What may follow a field: 1 when it was there, 0 when not. */
static int after_field(struct compiler *c) {
  struct operand field = *top(c);
  struct lexer *l = c->l;
  bool in = lexer_is(l, "in"), under = lexer_is(l, "under"), equal = lexer_is(l, "=="), different = lexer_is(l, "!="), match = lexer_is(l, "=~");
  if (!in && !under && !equal && !different && !match) return 0;
  l->operand = match;
  if (lexer_next(l, c->e) != 0) return -1;
  l->operand = false;
  int index, result = 0;
  enum term_kind kind = in ? TERM_IN : under ? TERM_UNDER : match ? TERM_HAS : TERM_IS;
  if (in || under) {
    if (take_list(c, &index) != 0) return -1;
  } else if (match) {
    if (l->token.type != TOKEN_PATTERN) return lexer_expected(l, "a pattern between slashes", c->e);
    if (compile_pattern(c, &index) != 0) return -1;
    result = lexer_next(l, c->e);
  } else {
    if (l->token.type != TOKEN_STRING) return lexer_expected(l, "a string", c->e);
    index = string_index(c->x, l->token.text);
    result = lexer_next(l, c->e);
  }
  if (result != 0) return -1;
  c->operand_count--;
  push_term(c, kind, index, field.index, field.at);
  if (different) emit(c, DO_NOT, 0);
  return 1;
}

/* ---- calls */

static int want(struct compiler *c, const struct operand *o, enum kind kind, const char *what) {
  if (o->kind == kind) return 0;
  err_usage(c->e, "expected %s", what);
  return source_error(&c->l->source, o->at, c->e);
}

static int end_rank(struct compiler *c, const struct pending *p) {
  struct program inner = {0};
  for (size_t i = p->code; i < c->code.count; i++) emit_to(&inner, c->code.code[i].operation, c->code.code[i].n, c->code.code[i].number);
  c->code.count = p->code;
  c->code.waits = true;
  c->in_rank = false;
  emit(c, DO_TERM, term_index(c->x, TERM_RANK, add_program(c->x, inner), 0));
  return 0;
}

/* The bracket of a call was closed: its arguments are the operands above p->operands. */
static int end_call(struct compiler *c) {
  struct pending p = c->pending[--c->pending_count];
  const struct function *f = p.call;
  struct operand *arguments = c->operands + p.operands;
  size_t n = c->operand_count - p.operands;
  if (n < f->least || n > f->most) {
    if (f->least == f->most) err_usage(c->e, "%s() takes %zu argument%s, not %zu", f->name, f->least, f->least == 1 ? "" : "s", n);
    else err_usage(c->e, "%s() takes %zu to %zu arguments, not %zu", f->name, f->least, f->most, n);
    return source_error(&c->l->source, p.at, c->e);
  }
  int term_kind = f->code, a = 0, b = 0;
  switch (f->call) {
    case CALL_RANK:
    case CALL_NUMBERS:
      for (size_t i = 0; i < n; i++)
        if (want_number(c, &arguments[i]) != 0) return -1;
      c->operand_count = p.operands;
      if (f->call == CALL_RANK) end_rank(c, &p);
      else emit(c, (enum operation)f->code, (int)n);
      push(c, NUMBER, 0, p.at);
      return 0;
    case CALL_COUNT:
    case CALL_HAS:
      a = arguments[0].index;
      if (f->call == CALL_COUNT && arguments[0].kind == LIST && n == 1) {
        term_kind = TERM_WORDS;
        break;
      }
      if (want(c, &arguments[0], PATTERN, f->call == CALL_COUNT ? "a pattern between slashes, or a list" : "a pattern between slashes") != 0) return -1;
      if (n == 2 && want(c, &arguments[1], FIELD, "a field: text, url, host, id, date or meta.KEY") != 0) return -1;
      b = n == 2 ? arguments[1].index : field_index(c->x, FIELD_TEXT, (struct slice){0});
      term_kind = f->call == CALL_COUNT ? TERM_COUNT : TERM_HAS;
      break;
    case CALL_DIFFERENT:
      if (want(c, &arguments[0], LIST, "a list") != 0) return -1;
      a = arguments[0].index;
      term_kind = TERM_WORD_KINDS;
      break;
    case CALL_FIELD:
    case CALL_FIELD_STRING:
      if (want(c, &arguments[0], FIELD, "a field: text, url, host, id, date or meta.KEY") != 0) return -1;
      if (n == 2 && want(c, &arguments[1], STRING, "a string") != 0) return -1;
      a = n == 2 ? arguments[1].index : 0;
      b = arguments[0].index;
      break;
  }
  c->operand_count = p.operands;
  push_term(c, (enum term_kind)term_kind, a, b, p.at);
  return 0;
}

static int begin_call(struct compiler *c, const struct function *f, size_t at) {
  if (f->call == CALL_RANK) {
    if (!c->ranks) return fail_at(c, at, "rank() is known at the end of the stream only: --keep may use it");
    if (c->in_rank) return fail_at(c, at, "rank() cannot stand inside rank()");
    c->in_rank = true;
  }
  push_pending(c, (struct pending){.kind = PENDING_CALL, .call = f, .at = at});
  c->l->operand = true;
  return lexer_next(c->l, c->e);
}

/* ---- the walk */

/* Where an operand must come: 1 when one did, 0 when something stood before it, -1. */
static int operand(struct compiler *c) {
  struct lexer *l = c->l;
  size_t at = l->token.at;
  if (lexer_is(l, "(")) {
    push_pending(c, (struct pending){.kind = PENDING_OPEN, .at = at});
    return lexer_next(l, c->e);
  }
  if (lexer_is(l, "-") || lexer_is(l, "not")) {
    bool minus = lexer_is(l, "-");
    push_pending(c, (struct pending){.kind = PENDING_UNARY, .precedence = minus ? SIGN : NOT, .operation = minus ? DO_NEGATE : DO_NOT, .at = at});
    return lexer_next(l, c->e);
  }
  l->operand = false;
  int index;
  switch (l->token.type) {
    case TOKEN_NUMBER:
      emit_to(&c->code, DO_CONSTANT, 0, l->token.number);
      push(c, NUMBER, 0, at);
      return lexer_next(l, c->e) == 0 ? 1 : -1;
    case TOKEN_STRING:
      push(c, STRING, string_index(c->x, l->token.text), at);
      return lexer_next(l, c->e) == 0 ? 1 : -1;
    case TOKEN_PATTERN:
      if (compile_pattern(c, &index) != 0) return -1;
      push(c, PATTERN, index, at);
      return lexer_next(l, c->e) == 0 ? 1 : -1;
    case TOKEN_NAME: {
      bool call = l->at < l->source.text.len && l->source.text.data[l->at] == '('; /* a bracket right behind the name */
      for (size_t i = 0; call && i < sizeof functions / sizeof *functions; i++) {
        if (!slice_equal(l->token.text, slice_of(functions[i].name))) continue;
        return lexer_next(l, c->e) == 0 ? begin_call(c, &functions[i], at) : -1;
      }
      if (call) {
        err_usage(c->e, "there is no function %.*s()", (int)(l->token.text.len > 60 ? 60 : l->token.text.len), l->token.text.data);
        return source_error(&l->source, at, c->e);
      }
      return take_name(c) == 0 ? 1 : -1;
    }
    default: return lexer_expected(l, "a value", c->e);
  }
}

/* Behind an operand: 1 when an operand must follow, 0 when the same state goes on, 2 at the end, -1. */
static int operation(struct compiler *c) {
  struct lexer *l = c->l;
  if (top(c)->kind == FIELD) {
    int found = after_field(c);
    if (found) return found < 0 ? -1 : 0;
  }
  for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
    if (lexer_is(l, binaries[i].text)) return binary(c, &binaries[i]) == 0 ? 1 : -1;
  bool close = lexer_is(l, ")"), comma = lexer_is(l, ",");
  if (reduce_above(c, 0) != 0) return -1;
  struct pending *p = c->pending_count ? &c->pending[c->pending_count - 1] : NULL;
  if (!p) return 2;
  if (comma && p->kind == PENDING_CALL) {
    if (p->call->call == CALL_RANK) return lexer_expected(l, ")", c->e);
    l->operand = true;
    return lexer_next(l, c->e) == 0 ? 1 : -1;
  }
  if (!close) return lexer_expected(l, p->kind == PENDING_CALL ? "an operator, a comma or )" : "an operator or )", c->e);
  if (p->kind == PENDING_CALL) {
    if (end_call(c) != 0) return -1;
  } else {
    if (want_number(c, top(c)) != 0) return -1;
    c->pending_count--;
  }
  return lexer_next(l, c->e) == 0 ? 0 : -1;
}

static int walk(struct compiler *c) {
  bool wanted = true; /* an operand */
  c->l->operand = true;
  for (;;) {
    if (wanted) {
      int got = operand(c);
      if (got < 0) return -1;
      wanted = got == 0;
      c->l->operand = wanted;
      continue;
    }
    int got = operation(c);
    if (got < 0) return -1;
    if (got == 2) return want_number(c, top(c));
    wanted = got == 1;
    c->l->operand = wanted;
  }
}

int expressions_compile(struct expressions *x, struct lexer *l, bool ranks, struct err *e) {
  struct compiler c = {.x = x, .l = l, .e = e, .ranks = ranks};
  int result = walk(&c);
  if (result == 0) result = add_program(x, c.code);
  else free(c.code.code);
  free(c.operands);
  free(c.pending);
  l->operand = false;
  return result;
}

int expressions_compile_text(struct expressions *x, const char *what, struct slice text, bool ranks, struct err *e) {
  struct lexer l = {.source = {.name = what, .text = text}, .operand = true};
  int result = lexer_next(&l, e);
  if (result == 0) result = expressions_compile(x, &l, ranks, e);
  if (result >= 0 && l.token.type != TOKEN_END) result = lexer_expected(&l, "an operator", e);
  buffer_release(&l.value);
  return result;
}

int expressions_top(struct expressions *x, int program, double fraction) {
  struct program p = {.waits = true};
  emit_to(&p, DO_TERM, term_index(x, TERM_ABOVE, program, 0), 0);
  emit_to(&p, DO_CONSTANT, 0, fraction);
  emit_to(&p, DO_LESS, 0, 0);
  return add_program(x, p);
}

/* ---- names */

static int take_new_name(struct expressions *x, struct slice name, uint64_t value, struct err *e) {
  bool added;
  uint64_t *place = hashmap_put(x->names, name, &added);
  if (!added || feature_find(name) >= 0) return err_usage(e, "the name '%.*s' is taken", (int)(name.len > 60 ? 60 : name.len), name.data);
  *place = value;
  return 0;
}

int expressions_name_list(struct expressions *x, struct slice name, struct name_set *list, struct err *e) {
  GROW(x->lists, x->list_capacity, x->list_count + 1);
  x->lists[x->list_count++] = *list;
  *list = (struct name_set){0};
  return take_new_name(x, name, (x->list_count - 1) * 2, e);
}

int expressions_name_value(struct expressions *x, struct slice name, int program, struct err *e) { return take_new_name(x, name, (uint64_t)program * 2 + 1, e); }

void expressions_forget(struct expressions *x) { hashmap_clear(x->names); }

int expressions_score_count(const struct expressions *x) { return (int)x->used_score_count; }
int expressions_score(const struct expressions *x, int i) { return x->used_scores[i]; }

/* ---- waiting */

bool expressions_waits(const struct expressions *x, int program) { return x->programs[program].waits; }

int expressions_waiting(struct expressions *x) {
  bool *there = NEW_ARRAY(bool, x->term_count + 1);
  x->waiting_count = 0;
  for (size_t p = 0; p < x->program_count; p++) {
    if (!x->programs[p].waits) continue;
    for (size_t i = 0; i < x->programs[p].count; i++) {
      const struct instruction *c = &x->programs[p].code[i];
      if (c->operation != DO_TERM || there[c->n]) continue;
      there[c->n] = true;
      GROW(x->waiting, x->waiting_capacity, x->waiting_count + 1);
      x->waiting[x->waiting_count++] = c->n;
    }
  }
  free(there);
  return (int)x->waiting_count;
}

enum waiting_rank expressions_waiting_kind(const struct expressions *x, int i) {
  enum term_kind kind = x->terms[x->waiting[i]].kind;
  return kind == TERM_RANK ? WAITING_RANK : kind == TERM_ABOVE ? WAITING_ABOVE : WAITING_VALUE;
}

int expressions_waiting_first(const struct expressions *x, int program) {
  const struct program *p = &x->programs[program];
  for (size_t c = 0; c < p->count; c++)
    for (size_t i = 0; p->code[c].operation == DO_TERM && i < x->waiting_count; i++)
      if (x->waiting[i] == p->code[c].n) return (int)i;
  return -1;
}
