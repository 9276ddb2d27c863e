/* SPDX-License-Identifier: MIT */
#include "common/io/stats.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/io/output.h"

struct stats {
  json_t *root;
};

struct stats *stats_new(void) {
  struct stats *s = NEW(struct stats);
  s->root = json_object();
  return s;
}

void stats_free(struct stats *s) {
  if (!s) return;
  json_decref(s->root);
  free(s);
}

/* The object that holds the last part of a dotted name, made where `create`; *key is that part. */
static json_t *holder(json_t *object, const char *name, const char **key, int create) {
  for (const char *dot; object && (dot = strchr(name, '.')); name = dot + 1) {
    char *part = COPY(name, (size_t)(dot - name));
    json_t *inner = json_object_get(object, part);
    if (!inner && create) json_object_set_new(object, part, inner = json_object());
    free(part);
    object = inner;
  }
  *key = name;
  return object;
}

static void put(struct stats *s, const char *name, json_t *value) {
  const char *key;
  json_t *object = holder(s->root, name, &key, 1);
  json_object_set_new(object, key, value);
}

void stats_append(struct stats *s, const char *name, struct stats *row) {
  const char *key;
  json_t *object = holder(s->root, name, &key, 1), *array = json_object_get(object, key);
  if (!json_is_array(array)) json_object_set_new(object, key, array = json_array());
  json_array_append(array, row->root);
  stats_free(row);
}

int64_t stats_get(const struct stats *s, const char *name) {
  const char *key;
  const json_t *object = holder(s->root, name, &key, 0);
  return json_integer_value(json_object_get(object, key));
}

void stats_int(struct stats *s, const char *name, int64_t value) { put(s, name, json_integer(value)); }
void stats_flow(struct stats *s, uint64_t in, uint64_t out, uint64_t rejected, uint64_t bad) {
  stats_int(s, "in", (int64_t)in);
  stats_int(s, "out", (int64_t)out);
  stats_int(s, "rejected", (int64_t)rejected);
  stats_int(s, "bad", (int64_t)bad);
}

void stats_add(struct stats *s, const char *name, int64_t value) { stats_int(s, name, stats_get(s, name) + value); }
void stats_double(struct stats *s, const char *name, double value) {
  json_t *number = json_real(value);
  put(s, name, number ? number : json_null()); /* JSON has no nan */
}
void stats_string(struct stats *s, const char *name, const char *value) {
  json_t *string = json_string(value);
  put(s, name, string ? string : json_string("(not UTF-8)"));
}

void stats_time(struct stats *s, const char *name, double seconds) {
  struct buffer b = {0};
  buffer_printf(&b, "time.%s", name);
  stats_double(s, buffer_string(&b), seconds);
  buffer_release(&b);
}

int stats_write(const struct stats *s, const char *path, struct err *e) {
  char *text = json_dumps(s->root, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  if (!text) return err_set(e, "%s: cannot format the statistics", path);
  struct output *out;
  int result = output_open(&out, path, 0, e);
  if (result == 0) {
    result = output_printf(out, e, "%s\n", text);
    if (result) output_abort(out);
    else result = output_commit(out, e);
  }
  free(text);
  return result;
}
