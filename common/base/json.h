/* SPDX-License-Identifier: MIT
 *
 * JSON files over jansson: loading with an error that names file and line, and typed look-ups that say which key is
 * wrong.  The tree itself is jansson's (json_t); json_decref() frees it.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

json_t *json_load_path(const char *path, struct err *e); /* NULL on error; whole file must be one value */

/* json_loadb(), but a number too large for 64 bits does not make the text unreadable: then all whole numbers become
 * reals, which json_get_int() takes (transformers writes model_max_length as 10^30). */
json_t *json_parse(const char *data, size_t n, size_t flags, json_error_t *error);

/* Look up `key`.  An absent key (or null) leaves *value as it was and returns 0; a value of another type is an error. */
int json_get_int(const json_t *object, const char *key, int64_t *value, struct err *e);
int json_get_double(const json_t *object, const char *key, double *value, struct err *e);
int json_get_bool(const json_t *object, const char *key, bool *value, struct err *e);
int json_get_string(const json_t *object, const char *key, const char **value, struct err *e); /* lives as long as object */

/* A place in JSON text, for parts that are too large for a tree: they are read as they come, with white space skipped
 * first.  Errors say the line. */
struct json_cursor {
  const char *start, *at, *end;
};
static inline struct json_cursor json_cursor(struct slice text) { return (struct json_cursor){text.data, text.data, text.data + text.len}; }
bool json_take(struct json_cursor *c, char punctuation); /* takes it when it comes next */
int json_expect(struct json_cursor *c, char punctuation, struct err *e);
/* *out lies in the text, or in `scratch` when it had escapes.  Not checked to be UTF-8. */
int json_take_string(struct json_cursor *c, struct buffer *scratch, struct slice *out, struct err *e);
int json_take_natural(struct json_cursor *c, uint32_t *value, struct err *e); /* a whole number from 0 to 2^31 - 1 */
int json_skip(struct json_cursor *c, struct err *e); /* a value: brackets and strings are checked, what is in them is not */

/* Appends s as a JSON string with its quotes: UTF-8 unescaped, control characters as \uXXXX or \n \t \r \b \f. */
void json_append_string(struct buffer *out, struct slice s);

#endif
