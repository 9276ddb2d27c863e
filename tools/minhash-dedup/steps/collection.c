/* SPDX-License-Identifier: MIT
 *
 * Sorted by name, shards are found by halving: by name, or by the number of a document.  The text is read from the end of its file:
 * the last line tells where it starts.
 */
#include "tools/minhash-dedup/steps/collection.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/documents.h"

enum { END_LINE = 5 + 16 + 1 + 16 + 1, TEXT_MOST = 1 << 30 };

const char collection_columns[] = "cluster_id\tkept_id\tid\tjaccard\tshard\tline\n";

void collection_release(struct collection *c) {
  for (size_t i = 0; i < c->count; i++) {
    free(c->shards[i].name);
    free(c->shards[i].sketch);
  }
  for (size_t i = 0; i < c->earlier_count; i++) free(c->earlier[i].name);
  free(c->shards);
  free(c->earlier);
  *c = (struct collection){0};
}

void collection_add_earlier(struct collection *c, const char *name, uint64_t identity) {
  GROW(c->earlier, c->earlier_capacity, c->earlier_count + 1);
  c->earlier[c->earlier_count++] = (struct earlier_index){STRDUP(name), identity};
}

static int by_name(const void *a, const void *b) { return strcmp(((const struct shard *)a)->name, ((const struct shard *)b)->name); }

/* Numbers for sorted shards. */
static int number(struct collection *c, struct err *e) {
  c->lines = c->documents = 0;
  for (size_t i = 0; i < c->count; i++) {
    struct shard *s = &c->shards[i];
    if (s->lines > UINT32_MAX || s->documents > s->lines || c->lines + s->lines > MATCH_NUMBER)
      return err_set(e, "shard %s has an impossible number of lines", s->name);
    s->first = c->lines;
    c->lines += s->lines;
    c->documents += s->documents;
  }
  return 0;
}

/* ---- sketches */

static bool same_parameters(const struct parameters *a, const struct parameters *b) { return memcmp(a, b, sizeof *a) == 0; }

static int add_sketch(struct collection *c, const char *path, struct err *e) {
  struct step_file *f;
  if (step_file_open(&f, path, STEP_SKETCH, e) != 0) return -1;
  const struct step_header *h = step_file_header(f);
  int result = 0;
  if (c->count > 0 && !same_parameters(&h->parameters, &c->parameters)) {
    result = err_set(e, "%s: its parameters (n-grams, bands, rows, seed, longest document) are not those of %s", path, c->shards[0].sketch);
  } else {
    c->parameters = h->parameters;
    GROW(c->shards, c->capacity, c->count + 1);
    c->shards[c->count++] = (struct shard){.name = STRDUP(step_file_name(f)), .sketch = STRDUP(path), .lines = h->lines, .documents = h->documents,
        .content = h->content};
  }
  step_file_close(f);
  return result;
}

static int is_sketch(const struct dirent *d) {
  size_t n = strlen(d->d_name);
  return d->d_name[0] != '.' && n > 7 && strcmp(d->d_name + n - 7, ".sketch") == 0;
}

static int add_folder(struct collection *c, const char *path, struct err *e) {
  struct dirent **entries;
  int n = scandir(path, &entries, is_sketch, alphasort), result = 0;
  if (n < 0) return err_errno(e, "%s: cannot list the folder", path);
  if (n == 0) result = err_set(e, "%s: holds no sketches", path);
  struct buffer name = {0};
  for (int i = 0; i < n; i++) {
    buffer_clear(&name);
    buffer_printf(&name, "%s/%s", path, entries[i]->d_name);
    if (result == 0) result = add_sketch(c, buffer_string(&name), e);
    free(entries[i]);
  }
  free(entries);
  buffer_release(&name);
  return result;
}

int collection_from_sketches(struct collection *c, char *const *operands, int count, struct err *e) {
  struct stat st;
  for (int i = 0; i < count; i++)
    if (stat(operands[i], &st) == 0 && S_ISDIR(st.st_mode) ? add_folder(c, operands[i], e) : add_sketch(c, operands[i], e)) return -1;
  qsort(c->shards, c->count, sizeof *c->shards, by_name);
  for (size_t i = 1; i < c->count; i++)
    if (strcmp(c->shards[i].name, c->shards[i - 1].name) == 0)
      return err_set(e, "%s and %s: both are of the shard %s", c->shards[i - 1].sketch, c->shards[i].sketch, c->shards[i].name);
  return number(c, e);
}

const struct shard *collection_shard(const struct collection *c, struct slice name) {
  for (size_t low = 0, high = c->count; low < high;) {
    size_t middle = low + (high - low) / 2;
    struct slice one = slice_of(c->shards[middle].name);
    size_t shorter = one.len < name.len ? one.len : name.len;
    int order = shorter ? memcmp(one.data, name.data, shorter) : 0;
    if (order == 0 && one.len == name.len) return &c->shards[middle];
    if (order < 0 || (order == 0 && one.len < name.len)) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

const struct shard *collection_shard_of(const struct collection *c, uint64_t document) {
  size_t low = 0, high = c->count; /* the last one that starts at or before it and has lines */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (c->shards[middle].first <= document) low = middle;
    else high = middle;
  }
  return &c->shards[low];
}

/* ---- text */

static void text(const struct collection *c, bool rows, struct buffer *out) {
  const struct parameters *p = &c->parameters;
  buffer_printf(out, "#parameters\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%.17g\n", p->ngram, p->bands, p->rows,
      p->hashes, p->seed, p->max_document, c->verify);
  for (size_t i = 0; i < c->earlier_count; i++) {
    buffer_append_string(out, "#earlier\t");
    document_escape(out, slice_of(c->earlier[i].name));
    buffer_printf(out, "\t%016" PRIx64 "\n", c->earlier[i].identity);
  }
  for (size_t i = 0; i < c->count; i++) {
    const struct shard *s = &c->shards[i];
    buffer_append_string(out, "#shard\t");
    document_escape(out, slice_of(s->name));
    buffer_printf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64 "\t%" PRIu64 "\t%" PRIu64 "\t%016" PRIx64, s->lines, s->documents, s->content,
                  rows ? s->offset : 0, rows ? s->rows : 0, rows ? s->hash : 0);
    if (rows) {
      buffer_put(out, '\t');
      document_escape(out, slice_of(s->sketch));
    }
    buffer_put(out, '\n');
  }
}

void collection_text(const struct collection *c, uint64_t offset, struct buffer *out) {
  size_t from = out->len;
  text(c, true, out);
  buffer_printf(out, "#end\t%016" PRIx64 "\t", offset);
  uint64_t hash = XXH3_64bits(out->data + from, out->len - from);
  buffer_printf(out, "%016" PRIx64 "\n", hash);
}

uint64_t collection_identity(const struct collection *c) {
  struct buffer b = {0};
  text(c, false, &b);
  uint64_t identity = XXH3_64bits(b.data, b.len);
  buffer_release(&b);
  return identity;
}

/* ---- reading text */

enum { FIELDS_MOST = 9 };

static size_t fields_of(struct slice line, struct slice fields[FIELDS_MOST]) {
  size_t n = 0;
  const char *at = line.data, *end = at + line.len;
  for (;;) {
    const char *tab = memchr(at, '\t', (size_t)(end - at)), *stop = tab ? tab : end;
    if (n == FIELDS_MOST) return 0;
    fields[n++] = (struct slice){at, (size_t)(stop - at)};
    if (!tab) return n;
    at = tab + 1;
  }
}

static bool parse_hex(struct slice s, uint64_t *value) {
  *value = 0;
  if (s.len != 16) return false;
  for (size_t i = 0; i < 16; i++) {
    const char *digit = memchr("0123456789abcdef", s.data[i], 16);
    if (!digit) return false;
    *value = *value << 4 | (uint64_t)(digit - "0123456789abcdef");
  }
  return true;
}

static bool parse_decimal(struct slice s, uint64_t *value) {
  *value = 0;
  if (s.len == 0 || s.len > 19) return false;
  for (size_t i = 0; i < s.len; i++) {
    if (s.data[i] < '0' || s.data[i] > '9') return false;
    *value = *value * 10 + (uint64_t)(s.data[i] - '0');
  }
  return true;
}

static char *parse_name(struct slice s) {
  struct buffer b = {0};
  uint64_t unknown = 0;
  document_unescape(&b, s, &unknown);
  buffer_string(&b);
  return b.data;
}

static bool parse_parameters(struct collection *c, const struct slice *f, size_t n) {
  uint64_t *values[] = {&c->parameters.ngram, &c->parameters.bands, &c->parameters.rows, &c->parameters.hashes, &c->parameters.seed,
      &c->parameters.max_document};
  char verify[NUMBER_TEXT];
  if (n != 8 || f[7].len >= sizeof verify) return false;
  for (int i = 0; i < 6; i++)
    if (!parse_decimal(f[i + 1], values[i])) return false;
  memcpy(verify, f[7].data, f[7].len);
  verify[f[7].len] = 0;
  return number_double(verify, &c->verify) == 0 && c->verify >= 0 && c->verify <= 1;
}

static bool parse_shard(struct collection *c, const struct slice *f, size_t n) {
  struct shard s = {0};
  if (n != 9 || !parse_decimal(f[2], &s.lines) || !parse_decimal(f[3], &s.documents) || !parse_hex(f[4], &s.content) || !parse_decimal(f[5], &s.offset) ||
      !parse_decimal(f[6], &s.rows) || !parse_hex(f[7], &s.hash))
    return false;
  s.name = parse_name(f[1]);
  s.sketch = parse_name(f[8]);
  GROW(c->shards, c->capacity, c->count + 1);
  c->shards[c->count++] = s;
  return c->count < 2 || strcmp(c->shards[c->count - 2].name, s.name) < 0;
}

static bool parse_line(struct collection *c, struct slice line, bool *seen) {
  struct slice f[FIELDS_MOST];
  size_t n = fields_of(line, f);
  uint64_t identity;
  if (n == 0) return false;
  if (slice_equal(f[0], SLICE("#parameters"))) return !*seen && (*seen = true) && parse_parameters(c, f, n);
  if (slice_equal(f[0], SLICE("#shard"))) return *seen && parse_shard(c, f, n);
  if (!slice_equal(f[0], SLICE("#earlier")) || !*seen || n != 3 || !parse_hex(f[2], &identity)) return false;
  char *name = parse_name(f[1]);
  collection_add_earlier(c, name, identity);
  free(name);
  return true;
}

static int parse_text(struct collection *c, struct slice text, struct err *e) {
  bool seen = false;
  while (text.len) {
    const char *newline = memchr(text.data, '\n', text.len);
    if (!newline || !parse_line(c, (struct slice){text.data, (size_t)(newline - text.data)}, &seen))
      return err_set(e, "a line is no table of shards: damaged; make it again");
    text.len -= (size_t)(newline + 1 - text.data);
    text.data = newline + 1;
  }
  if (!seen) return err_set(e, "has no parameters: damaged; make it again");
  return parameters_check(&c->parameters, e) != 0 ? -1 : number(c, e);
}

static int read_at(int fd, char *to, size_t n, uint64_t offset, struct err *e) {
  while (n) {
    ssize_t got = pread(fd, to, n, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "cannot read");
    if (got == 0) return err_set(e, "truncated; make it again");
    to += got;
    n -= (size_t)got;
    offset += (uint64_t)got;
  }
  return 0;
}

static int read_text(struct collection *c, int fd, uint64_t *rows, struct err *e) {
  struct stat st;
  char end[END_LINE];
  uint64_t offset, hash, columns = strlen(collection_columns);
  if (fstat(fd, &st)) return err_errno(e, "cannot read");
  uint64_t size = (uint64_t)st.st_size;
  if (!S_ISREG(st.st_mode) || size < columns + END_LINE) return err_set(e, "is no cluster list or table of inputs, or truncated");
  if (read_at(fd, end, END_LINE, size - END_LINE, e) != 0) return -1;
  if (memcmp(end, "#end\t", 5) != 0 || end[21] != '\t' || end[END_LINE - 1] != '\n' || !parse_hex((struct slice){end + 5, 16}, &offset) ||
      !parse_hex((struct slice){end + 22, 16}, &hash))
    return err_set(e, "lacks its last line: truncated, or no cluster list; make it again");
  if (offset < columns || offset > size - END_LINE || size - offset > TEXT_MOST)
    return err_set(e, "its last line contradicts its size: truncated or damaged; make it again");
  char *text = MALLOC((size_t)(size - offset));
  int result = read_at(fd, text, (size_t)(size - offset), offset, e);
  if (result == 0 && XXH3_64bits(text, (size_t)(size - offset) - 17) != hash) result = err_set(e, "does not have its checksum: damaged; make it again");
  if (result == 0) result = parse_text(c, (struct slice){text, (size_t)(size - offset) - END_LINE}, e);
  free(text);
  *rows = offset;
  return result;
}

int collection_read(struct collection *c, const char *path, uint64_t *rows, struct err *e) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "%s: cannot open", path);
  int result = read_text(c, fd, rows, e);
  close(fd);
  return result == 0 ? 0 : err_prefix(e, "%s", path);
}
