/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "common/base/number.h"
#include "common/base/utf8.h"
#include "tools/qfilter/rules/expression.h"

int source_error(const struct source *s, size_t at, struct err *e) {
  size_t line = 1, start = 0;
  if (at > s->text.len) at = s->text.len;
  for (size_t i = 0; i < at; i++) {
    if (s->text.data[i] != '\n') continue;
    line++;
    start = i + 1;
  }
  size_t column = utf8_count(s->text.data + start, at - start) + 1;
  if (s->file) err_prefix(e, "%s:%zu:%zu", s->name, line, column);
  else err_prefix(e, "%s: column %zu", s->name, column);
  return -1;
}

int lexer_expected(const struct lexer *l, const char *what, struct err *e) {
  const struct token *t = &l->token;
  size_t end = l->at;
  while (end > t->at && (l->source.text.data[end - 1] == '\n' || l->source.text.data[end - 1] == '\r')) end--;
  if (t->type == TOKEN_END) err_usage(e, "expected %s, but the %s ends", what, l->source.file ? "statement" : "expression");
  else err_usage(e, "expected %s, not '%.*s'", what, (int)(end - t->at > 60 ? 60 : end - t->at), l->source.text.data + t->at);
  return source_error(&l->source, t->at, e);
}

bool lexer_is(const struct lexer *l, const char *text) {
  return (l->token.type == TOKEN_NAME || l->token.type == TOKEN_SIGN) && slice_equal(l->token.text, slice_of(text));
}

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80); }

/* From i on, past white space and comments; *fresh says whether a line begins there with neither before it. */
static size_t skip_space(const struct lexer *l, size_t i, bool *fresh) {
  const char *p = l->source.text.data;
  size_t n = l->source.text.len;
  *fresh = false;
  for (; i < n; i++) {
    if (p[i] == '\n') *fresh = true;
    else if (p[i] == ' ' || p[i] == '\t' || p[i] == '\r') *fresh = false;
    else if (l->source.file && p[i] == '#')
      while (i + 1 < n && p[i + 1] != '\n') i++;
    else break;
  }
  return i;
}

bool lexer_statement(struct lexer *l) {
  bool fresh;
  l->at = skip_space(l, l->at, &fresh);
  return l->at < l->source.text.len;
}

static int failed(struct lexer *l, size_t at, const char *why, struct err *e) {
  err_usage(e, "%s", why);
  return source_error(&l->source, at, e);
}

static int take_string(struct lexer *l, struct err *e) {
  const char *p = l->source.text.data;
  size_t start = l->at, i = start + 1;
  buffer_clear(&l->value);
  for (;; i++) {
    if (i >= l->source.text.len || p[i] == '\n') return failed(l, start, "this string has no end on its line", e);
    if (p[i] == '"') break;
    char c = p[i];
    if (c == '\\') {
      char next = i + 1 < l->source.text.len ? p[i + 1] : 0;
      if (next != '"' && next != '\\' && next != 'n' && next != 't') return failed(l, i, "after a backslash expected \" \\ n or t", e);
      c = next == 'n' ? '\n' : next == 't' ? '\t' : next;
      i++;
    }
    buffer_put(&l->value, c);
  }
  l->token.type = TOKEN_STRING;
  l->token.text = buffer_slice(&l->value);
  l->at = i + 1;
  return 0;
}

static int take_pattern(struct lexer *l, struct err *e) {
  const char *p = l->source.text.data;
  size_t start = l->at, i = start + 1;
  for (bool set = false;; i++) {
    if (i >= l->source.text.len || p[i] == '\n') return failed(l, start, "this pattern has no / at its end on its line", e);
    if (p[i] == '\\' && i + 1 < l->source.text.len && p[i + 1] != '\n') i++;
    else if (p[i] == '[') set = true;
    else if (p[i] == ']') set = false;
    else if (p[i] == '/' && !set) break;
  }
  l->token.type = TOKEN_PATTERN;
  l->token.text = (struct slice){p + start + 1, i - start - 1};
  size_t flags = ++i;
  while (i < l->source.text.len && letter(p[i])) i++;
  l->token.flags = (struct slice){p + flags, i - flags};
  l->at = i;
  return 0;
}

static int take_number(struct lexer *l, struct err *e) {
  const char *p = l->source.text.data;
  size_t start = l->at, n = l->source.text.len, i = start;
  while (i < n && (digit(p[i]) || p[i] == '.' || letter(p[i]) || ((p[i] == '-' || p[i] == '+') && (p[i - 1] == 'e' || p[i - 1] == 'E')))) i++;
  char text[64];
  if (i - start < sizeof text) {
    memcpy(text, p + start, i - start);
    text[i - start] = 0;
    if (number_double(text, &l->token.number) == 0) {
      l->token.type = TOKEN_NUMBER;
      l->at = i;
      return 0;
    }
  }
  return failed(l, start, "this is no number", e);
}

int lexer_next(struct lexer *l, struct err *e) {
  bool fresh;
  size_t from = skip_space(l, l->at, &fresh);
  l->token = (struct token){.type = TOKEN_END, .at = l->at};
  if (from == l->source.text.len || (fresh && l->source.file)) return 0; /* l->at stays before the next statement */
  l->token.at = l->at = from;
  const char *p = l->source.text.data + l->at;
  size_t left = l->source.text.len - l->at;
  if (*p == '"') return take_string(l, e);
  if (digit(*p) || (*p == '.' && left > 1 && digit(p[1]))) return take_number(l, e);
  if (l->operand && *p == '/') return take_pattern(l, e);
  if (letter(*p)) {
    size_t i = 1;
    while (i < left && (letter(p[i]) || digit(p[i]) || (p[i] == '-' && i + 1 < left && (letter(p[i + 1]) || digit(p[i + 1]))))) i++;
    l->token.type = TOKEN_NAME;
    l->token.text = (struct slice){p, i};
    l->at += i;
    return 0;
  }
  static const char *const signs[] = {"<=", ">=", "==", "!=", "=~", "<", ">", "+", "-", "*", "/", "(", ")", ",", ".", "=", ":"};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
    size_t n = strlen(signs[i]);
    if (left < n || memcmp(p, signs[i], n) != 0) continue;
    l->token.type = TOKEN_SIGN;
    l->token.text = (struct slice){p, n};
    l->at += n;
    return 0;
  }
  err_usage(e, (unsigned char)*p < 0x20 || (unsigned char)*p == 0x7F ? "a control character has no meaning here" : "'%c' has no meaning here", *p);
  return source_error(&l->source, l->at, e);
}
