/* SPDX-License-Identifier: MIT
 *
 * A note is one byte (removed or not), the length of the source's name, and the name.
 */
#include "tools/minhash-dedup/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/json.h"
#include "common/base/memory.h"

struct source {
  struct slice name; /* in the map's arena */
  uint64_t documents, removed;
};

struct report {
  struct hashmap *names; /* name -> index of source */
  struct source *sources;
  size_t count, capacity;
  struct hashmap *sizes; /* 8 bytes of a size -> clusters */
  uint64_t documents, removed;
};

struct report *report_new(void) {
  struct report *r = NEW(struct report);
  r->names = hashmap_new();
  r->sizes = hashmap_new();
  return r;
}

void report_free(struct report *r) {
  if (!r) return;
  hashmap_free(r->names);
  hashmap_free(r->sizes);
  free(r->sources);
  free(r);
}

/* ---- notes */

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static void put_host(struct buffer *to, struct slice url) {
  const char *scheme = slice_find(url, SLICE("://"));
  if (scheme) url.len -= (size_t)(scheme + 3 - url.data), url.data = scheme + 3;
  size_t n = 0;
  while (n < url.len && url.data[n] != '/' && url.data[n] != '?' && url.data[n] != '#') n++;
  struct slice host = {url.data, n};
  const char *at = scheme && n ? memrchr(host.data, '@', n) : NULL;
  if (at) host.len -= (size_t)(at + 1 - host.data), host.data = at + 1;
  bool bracketed = host.len && host.data[0] == '[';
  const char *colon = scheme && host.len ? memrchr(host.data, ':', host.len) : NULL, *bracket = bracketed ? memchr(host.data, ']', host.len) : NULL;
  if (bracket) host.len = (size_t)(bracket + 1 - host.data);
  else if (colon) host.len = (size_t)(colon - host.data);
  for (size_t i = 0; i < host.len; i++) buffer_put(to, lower(host.data[i]));
}

static void put_tsv_field(struct buffer *to, struct slice extra, struct slice key) {
  uint64_t unknown = 0;
  for (const char *tab; extra.data; extra.data = tab + 1) {
    tab = extra.len ? memchr(extra.data, '\t', extra.len) : NULL;
    struct slice field = {extra.data, tab ? (size_t)(tab - extra.data) : extra.len};
    if (slice_starts(field, key) && field.len > key.len && field.data[key.len] == '=') {
      document_unescape(to, (struct slice){field.data + key.len + 1, field.len - key.len - 1}, &unknown);
      return;
    }
    if (!tab) return;
    extra.len -= field.len + 1;
  }
}

static void put_json_field(struct buffer *to, struct slice extra, const char *key) {
  json_error_t error;
  json_t *root = extra.len ? json_parse(extra.data, extra.len, JSON_ALLOW_NUL, &error) : NULL;
  const json_t *value = json_object_get(root, key);
  if (json_is_string(value)) {
    buffer_append(to, json_string_value(value), json_string_length(value));
  } else if (value && !json_is_null(value)) {
    char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    buffer_append_string(to, dump ? dump : "");
    free(dump);
  }
  json_decref(root);
}

void report_note(struct buffer *notes, const char *field, const struct document *document, const char *input, bool removed) {
  uint64_t length = 0;
  buffer_put(notes, (char)removed);
  size_t head = notes->len;
  buffer_append(notes, &length, sizeof length);
  if (strcmp(field, "host") == 0) put_host(notes, document->url);
  else if (strcmp(field, "input") == 0) buffer_append_string(notes, input);
  else if (document->format == DOCUMENT_JSONL) put_json_field(notes, document->extra, field);
  else put_tsv_field(notes, document->extra, slice_of(field));
  if (notes->len == head + sizeof length) buffer_put(notes, '-');
  length = notes->len - head - sizeof length;
  memcpy(notes->data + head, &length, sizeof length);
}

/* ---- counts */

void report_documents(struct report *r, struct slice notes) {
  while (notes.len) {
    uint64_t length;
    bool removed = notes.data[0], added;
    memcpy(&length, notes.data + 1, sizeof length);
    struct slice name = {notes.data + 1 + sizeof length, length};
    size_t used = 1 + sizeof length + length;
    notes.data += used, notes.len -= used;
    if (r->count >= SOURCES_MOST && !hashmap_find(r->names, name)) name = SLICE("(others)");
    uint64_t *index = hashmap_put(r->names, name, &added);
    if (added) {
      *index = r->count;
      GROW(r->sources, r->capacity, r->count + 1);
      r->sources[r->count++] = (struct source){.name = hashmap_entries(r->names)[hashmap_count(r->names) - 1].key};
    }
    r->sources[*index].documents++;
    r->sources[*index].removed += removed;
    r->documents++;
    r->removed += removed;
  }
}

void report_cluster(struct report *r, uint64_t size) { ++*hashmap_put(r->sizes, (struct slice){(const char *)&size, sizeof size}, NULL); }

static int by_removed(const void *x, const void *y) {
  const struct source *a = x, *b = y;
  if (a->removed != b->removed) return a->removed < b->removed ? 1 : -1;
  size_t n = a->name.len < b->name.len ? a->name.len : b->name.len;
  int order = n ? memcmp(a->name.data, b->name.data, n) : 0;
  return order ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

struct size {
  uint64_t size, clusters;
};

static int by_size(const void *x, const void *y) {
  const struct size *a = x, *b = y;
  return (a->size > b->size) - (a->size < b->size);
}

static int write_sizes(const struct report *r, struct output *out, struct err *e) {
  size_t count = hashmap_count(r->sizes);
  struct size *sizes = NEW_ARRAY(struct size, count + 1);
  uint64_t single = r->documents;
  int result = 0;
  for (size_t i = 0; i < count; i++) {
    const struct hashmap_entry *entry = &hashmap_entries(r->sizes)[i];
    memcpy(&sizes[i].size, entry->key.data, sizeof sizes[i].size);
    sizes[i].clusters = entry->value;
    single -= sizes[i].size * sizes[i].clusters;
  }
  qsort(sizes, count, sizeof *sizes, by_size);
  if (single) result = output_printf(out, e, "size\t1\t%" PRIu64 "\t0\n", single);
  for (size_t i = 0; i < count && result == 0; i++)
    result = output_printf(out, e, "size\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", sizes[i].size, sizes[i].size * sizes[i].clusters, (sizes[i].size - 1) * sizes[i].clusters);
  free(sizes);
  return result;
}

int report_write(const struct report *r, struct output *out, struct err *e) {
  if (output_printf(out, e, "kind\tname\tdocuments\tremoved\ntotal\t-\t%" PRIu64 "\t%" PRIu64 "\n", r->documents, r->removed) != 0) return -1;
  struct source *sources = COPY(r->sources ? (const void *)r->sources : "", r->count * sizeof *sources);
  struct buffer line = {0};
  int result = 0;
  qsort(sources, r->count, sizeof *sources, by_removed);
  for (size_t i = 0; i < r->count && result == 0; i++) {
    buffer_clear(&line);
    buffer_append_string(&line, "source\t");
    document_escape(&line, sources[i].name);
    buffer_printf(&line, "\t%" PRIu64 "\t%" PRIu64 "\n", sources[i].documents, sources[i].removed);
    result = output_write(out, line.data, line.len, e);
  }
  buffer_release(&line);
  free(sources);
  return result == 0 ? write_sizes(r, out, e) : -1;
}
