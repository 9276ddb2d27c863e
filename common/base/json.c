/* SPDX-License-Identifier: MIT */
#include "common/base/json.h"

#include "common/base/utf8.h"

json_t *json_parse(const char *data, size_t n, size_t flags, json_error_t *error) {
  json_t *root = json_loadb(data, n, flags, error);
  if (!root && json_error_code(error) == json_error_numeric_overflow) root = json_loadb(data, n, flags | JSON_DECODE_INT_AS_REAL, error);
  return root;
}

json_t *json_load_path(const char *path, struct err *e) {
  json_error_t error;
  json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!root && json_error_code(&error) == json_error_numeric_overflow) root = json_load_file(path, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
  if (!root && error.line > 0) err_set(e, "%s:%d: %s", path, error.line, error.text);
  else if (!root && json_error_code(&error) == json_error_cannot_open_file) err_errno(e, "%s", path);
  else if (!root) err_set(e, "%s: %s", path, error.text);
  return root;
}

static const json_t *get(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_null(value) ? NULL : value;
}

int json_get_int(const json_t *object, const char *key, int64_t *value, struct err *e) {
  const json_t *v = get(object, key);
  if (!v) return 0;
  double real = json_real_value(v); /* 0 for other types */
  if (json_is_real(v) && real >= -0x1p63 && real < 0x1p63 && real == (double)(int64_t)real) return *value = (int64_t)real, 0;
  if (!json_is_integer(v)) return err_set(e, "key \"%s\" must be a whole number", key);
  *value = json_integer_value(v);
  return 0;
}

int json_get_double(const json_t *object, const char *key, double *value, struct err *e) {
  const json_t *v = get(object, key);
  if (!v) return 0;
  if (!json_is_number(v)) return err_set(e, "key \"%s\" must be a number", key);
  *value = json_number_value(v);
  return 0;
}

int json_get_bool(const json_t *object, const char *key, bool *value, struct err *e) {
  const json_t *v = get(object, key);
  if (!v) return 0;
  if (!json_is_boolean(v)) return err_set(e, "key \"%s\" must be true or false", key);
  *value = json_is_true(v);
  return 0;
}

int json_get_string(const json_t *object, const char *key, const char **value, struct err *e) {
  const json_t *v = get(object, key);
  if (!v) return 0;
  if (!json_is_string(v)) return err_set(e, "key \"%s\" must be a string", key);
  *value = json_string_value(v);
  return 0;
}

/* ---- a cursor ------------------------------------------------------------------------------------------------------- */

static int failed(const struct json_cursor *c, const char *what, struct err *e) {
  size_t line = 1;
  for (const char *p = c->start; p < c->at && (p = memchr(p, '\n', (size_t)(c->at - p))); p++) line++;
  return err_set(e, "line %zu: %s", line, what);
}

static void skip_space(struct json_cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t')) c->at++;
}

bool json_take(struct json_cursor *c, char punctuation) {
  skip_space(c);
  if (c->at == c->end || *c->at != punctuation) return false;
  c->at++;
  return true;
}

int json_expect(struct json_cursor *c, char punctuation, struct err *e) {
  char what[] = "expected ' '";
  what[sizeof what - 3] = punctuation;
  return json_take(c, punctuation) ? 0 : failed(c, what, e);
}

static bool four_digits(const char *p, const char *end, uint32_t *value) {
  *value = 0;
  if (end - p < 4) return false;
  for (int i = 0; i < 4; i++) {
    char d = p[i];
    if (!((d >= '0' && d <= '9') || (d >= 'a' && d <= 'f') || (d >= 'A' && d <= 'F'))) return false;
    *value = *value << 4 | (uint32_t)(d <= '9' ? d - '0' : (d | 32) - 'a' + 10);
  }
  return true;
}

/* At the character behind a backslash. */
static int take_escape(struct json_cursor *c, struct buffer *out, struct err *e) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  const char *known = c->at < c->end && *c->at ? strchr(letters, *c->at) : NULL;
  if (known) {
    buffer_put(out, meant[known - letters]);
    c->at++;
    return 0;
  }
  uint32_t u, low;
  if (c->at == c->end || *c->at != 'u' || !four_digits(c->at + 1, c->end, &u)) return failed(c, "unknown escape in a string", e);
  c->at += 5;
  if (u >= 0xD800 && u < 0xDC00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u' && four_digits(c->at + 2, c->end, &low) && low >= 0xDC00 && low < 0xE000) {
    u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
    c->at += 6;
  }
  if (u == 0) return failed(c, "\\u0000 in a string", e);
  if (u >= 0xD800 && u < 0xE000) return failed(c, "half of a surrogate pair in a string", e);
  utf8_append(out, u);
  return 0;
}

int json_take_string(struct json_cursor *c, struct buffer *scratch, struct slice *out, struct err *e) {
  if (json_expect(c, '"', e)) return -1;
  const char *from = c->at;
  bool escaped = false;
  for (;; c->at++) {
    if (c->at == c->end) return failed(c, "a string has no end", e);
    if (*c->at == '"') break;
    if ((unsigned char)*c->at < 32) return failed(c, "control character in a string", e);
    if (*c->at != '\\') continue;
    if (!escaped) buffer_clear(scratch);
    escaped = true;
    buffer_append(scratch, from, (size_t)(c->at - from));
    c->at++;
    if (take_escape(c, scratch, e)) return -1;
    from = c->at--;
  }
  if (escaped) buffer_append(scratch, from, (size_t)(c->at - from));
  *out = escaped ? buffer_slice(scratch) : (struct slice){from, (size_t)(c->at - from)};
  c->at++;
  return 0;
}

int json_take_natural(struct json_cursor *c, uint32_t *value, struct err *e) {
  skip_space(c);
  const char *from = c->at;
  uint64_t n = 0;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && n <= INT32_MAX; c->at++) n = n * 10 + (uint64_t)(*c->at - '0');
  bool ends = c->at == c->end || !(*c->at == '.' || *c->at == 'e' || *c->at == 'E' || (*c->at >= '0' && *c->at <= '9'));
  if (c->at == from || !ends || n > INT32_MAX || (*from == '0' && c->at - from > 1)) return failed(c, "expected a whole number from 0 to 2147483647", e);
  *value = (uint32_t)n;
  return 0;
}

static int skip_string(struct json_cursor *c, struct err *e) {
  for (c->at++; c->at < c->end; c->at++) {
    if (*c->at == '"') {
      c->at++;
      return 0;
    }
    if (*c->at == '\\') {
      c->at++;
      if (c->at == c->end) break;
    }
  }
  return failed(c, "a string has no end", e);
}

int json_skip(struct json_cursor *c, struct err *e) {
  size_t depth = 0;
  skip_space(c);
  const char *from = c->at;
  while (c->at < c->end) {
    char d = *c->at;
    if (d == '"') {
      if (skip_string(c, e)) return -1;
    } else if (d == '{' || d == '[') {
      depth++;
      c->at++;
    } else if (d == '}' || d == ']') {
      if (depth == 0) break;
      depth--;
      c->at++;
    } else if (depth == 0 && (d == ',' || d == ':')) {
      break;
    } else {
      c->at++;
      if (depth > 0) continue;
      while (c->at < c->end && !strchr(",:]}[{\" \t\r\n", *c->at)) c->at++;
      return 0;
    }
    if (depth == 0) return 0;
  }
  return failed(c, c->at == from ? "expected a value" : "the text ends within a value", e);
}

void json_append_string(struct buffer *out, struct slice s) {
  static const char named[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
  buffer_reserve(out, s.len + 2);
  buffer_put(out, '"');
  size_t from = 0;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c >= 32 && c != '"' && c != '\\') continue;
    buffer_append(out, s.data + from, i - from);
    from = i + 1;
    if (c >= 32) buffer_put(out, '\\'), buffer_put(out, (char)c);
    else if (named[c]) buffer_put(out, '\\'), buffer_put(out, named[c]);
    else buffer_printf(out, "\\u%04x", c);
  }
  buffer_append(out, s.data + from, s.len - from);
  buffer_put(out, '"');
}
