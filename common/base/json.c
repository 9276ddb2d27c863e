/* SPDX-License-Identifier: MIT */
#include "common/base/json.h"

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
