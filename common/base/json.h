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

/* Appends s as a JSON string with its quotes: UTF-8 unescaped, control characters as \uXXXX or \n \t \r \b \f. */
void json_append_string(struct buffer *out, struct slice s);

#endif
