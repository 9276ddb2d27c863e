/* SPDX-License-Identifier: MIT
 *
 * The scratch file: for each document the lengths of id, url, date and text (four 32-bit numbers), then their bytes.
 * The table: open addressing, key 0 is a free slot.  A host's own key counts its pages, that of an address says that it was
 * seen.  Runs: entries in order of keys.
 */
#include "tools/warc2txt/boilerplate.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/output.h"

enum {
  PAGES_MIN = 5,
  SHARE = 5,            /* a line is dropped from a fifth of the pages on */
  LINE_LONG = 25,       /* bytes */
  RUN_MIN = 3,
  PIECE = 1 << 20,      /* bytes of the scratch file at a time */
  RUN_ENTRIES = 4096,   /* of a run at a time */
};

#define ADDRESS 0x9E3779B97F4A7C15u /* of keys of addresses, which no line has */

struct entry {
  uint64_t key;
  uint32_t count, page; /* the last page that counted */
};

struct table {
  struct entry *entries;
  size_t count, capacity;
};

struct run {
  uint64_t at, left;    /* entries of the file that are not read yet */
  struct entry *entries;
  size_t next, count;
};

struct boilerplate {
  char *tmpdir;
  size_t most;          /* entries in memory */
  struct table table;
  uint32_t pages;
  int spool, runs_file; /* -1: not there */
  uint64_t spooled, run_entries;
  struct buffer pending; /* of the spool, not yet written */
  struct run *runs;
  size_t run_count, run_capacity;
  bool ready;           /* counts are complete */
  uint64_t read;        /* of the spool */
  struct buffer window;
  size_t window_at;
  struct buffer text;
  unsigned char *classes;
  size_t class_capacity;
};

struct boilerplate *boilerplate_new(const char *tmpdir, int64_t memory) {
  struct boilerplate *b = NEW(struct boilerplate);
  b->tmpdir = tmpdir ? STRDUP(tmpdir) : NULL;
  b->most = 1024;
  while (b->most * 2 * sizeof(struct entry) <= (size_t)memory) b->most *= 2;
  b->spool = b->runs_file = -1;
  return b;
}

void boilerplate_free(struct boilerplate *b) {
  if (!b) return;
  for (size_t i = 0; i < b->run_count; i++) free(b->runs[i].entries);
  free(b->runs);
  free(b->table.entries);
  free(b->tmpdir);
  free(b->classes);
  buffer_release(&b->pending);
  buffer_release(&b->window);
  buffer_release(&b->text);
  if (b->spool >= 0) close(b->spool);
  if (b->runs_file >= 0) close(b->runs_file);
  free(b);
}

/* ---- files */

static int write_all(int fd, const void *data, size_t n, struct err *e) {
  const char *p = data;
  while (n) {
    ssize_t done = write(fd, p, n);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return err_errno(e, "scratch file (-T chooses the folder)");
    p += done;
    n -= (size_t)done;
  }
  return 0;
}

static int read_all(int fd, void *data, size_t n, uint64_t at, struct err *e) {
  char *p = data;
  while (n) {
    ssize_t done = pread(fd, p, n, (off_t)at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return err_errno(e, "scratch file");
    if (done == 0) return err_set(e, "scratch file: shorter than it was written");
    p += done;
    at += (uint64_t)done;
    n -= (size_t)done;
  }
  return 0;
}

static int flush_spool(struct boilerplate *b, struct err *e) {
  if (b->pending.len == 0) return 0;
  if (b->spool < 0 && (b->spool = output_scratch(b->tmpdir, e)) < 0) return -1;
  if (write_all(b->spool, b->pending.data, b->pending.len, e)) return -1;
  b->spooled += b->pending.len;
  buffer_clear(&b->pending);
  return 0;
}

/* ---- keys */

struct slice boilerplate_host(struct slice url) {
  const char *at = slice_find(url, SLICE("://"));
  if (!at) return (struct slice){"", 0};
  at += 3;
  struct slice host = {at, url.len - (size_t)(at - url.data)};
  for (size_t i = 0; i < host.len; i++)
    if (host.data[i] == '/' || host.data[i] == '?' || host.data[i] == '#') host.len = i;
  const char *user = host.len ? memrchr(host.data, '@', host.len) : NULL;
  if (user) host = (struct slice){user + 1, host.len - (size_t)(user + 1 - host.data)};
  const char *port = host.len && host.data[0] != '[' ? memchr(host.data, ':', host.len) : NULL;
  if (port) host.len = (size_t)(port - host.data);
  if (slice_starts_nocase(host, SLICE("www."))) host = (struct slice){host.data + 4, host.len - 4};
  return host;
}

static uint64_t host_key(struct slice url) { /* 0: none */
  struct slice host = boilerplate_host(url);
  char lower[256];
  if (host.len == 0 || host.len > sizeof lower) return 0;
  for (size_t i = 0; i < host.len; i++) lower[i] = host.data[i] >= 'A' && host.data[i] <= 'Z' ? (char)(host.data[i] | 32) : host.data[i];
  return XXH3_64bits(lower, host.len) | 1;
}

static uint64_t line_key(uint64_t host, struct slice line) {
  uint64_t key = XXH3_64bits_withSeed(line.data, line.len, host);
  return key ? key : 1;
}

static struct slice next_line(struct slice *text) {
  const char *end = memchr(text->data, '\n', text->len);
  struct slice line = {text->data, end ? (size_t)(end - text->data) : text->len};
  size_t taken = line.len + (end != NULL);
  *text = (struct slice){text->data + taken, text->len - taken};
  return line;
}

/* Lines that may be boilerplate: no code, with a letter. */
static bool counts(struct slice line) {
  if (line.len == 0 || line.data[0] == ' ' || line.data[0] == '\t' || line.data[0] == '`') return false;
  for (size_t i = 0; i < line.len; i++) {
    unsigned char c = (unsigned char)line.data[i];
    if (c >= 0x80 || ((c | 32) >= 'a' && (c | 32) <= 'z')) return true;
  }
  return false;
}

/* ---- counting */

static struct entry *find(const struct table *t, uint64_t key) {
  size_t mask = t->capacity - 1, i = (size_t)key & mask;
  while (t->entries[i].key && t->entries[i].key != key) i = (i + 1) & mask;
  return &t->entries[i];
}

static struct entry *add(struct table *t, uint64_t key) {
  if (t->count * 4 >= t->capacity * 3) {
    struct table larger = {.count = t->count, .capacity = t->capacity ? t->capacity * 2 : 1024};
    larger.entries = NEW_ARRAY(struct entry, larger.capacity);
    for (size_t i = 0; i < t->capacity; i++)
      if (t->entries[i].key) *find(&larger, t->entries[i].key) = t->entries[i];
    free(t->entries);
    *t = larger;
  }
  struct entry *entry = find(t, key);
  if (!entry->key) {
    entry->key = key;
    t->count++;
  }
  return entry;
}

static int compare_entries(const void *a, const void *b) {
  uint64_t x = ((const struct entry *)a)->key, y = ((const struct entry *)b)->key;
  return x < y ? -1 : x > y;
}

/* Moves the table to the end of the runs. */
static int spill(struct boilerplate *b, struct err *e) {
  struct table *t = &b->table;
  size_t n = 0;
  for (size_t i = 0; i < t->capacity; i++)
    if (t->entries[i].key) t->entries[n++] = t->entries[i];
  if (n == 0) return 0;
  qsort(t->entries, n, sizeof *t->entries, compare_entries);
  if (b->runs_file < 0 && (b->runs_file = output_scratch(b->tmpdir, e)) < 0) return -1;
  if (write_all(b->runs_file, t->entries, n * sizeof *t->entries, e)) return -1;
  GROW(b->runs, b->run_capacity, b->run_count + 1);
  b->runs[b->run_count++] = (struct run){.at = b->run_entries, .left = n};
  b->run_entries += n;
  free(t->entries);
  *t = (struct table){0};
  return 0;
}

static void count_lines(struct boilerplate *b, uint64_t host, struct slice url, struct slice text) {
  struct entry *address = add(&b->table, line_key(host ^ ADDRESS, url));
  if (address->count) return; /* one page that was captured again */
  address->count = 1;
  b->pages++;
  add(&b->table, host)->count++;
  while (text.len) {
    struct slice line = next_line(&text);
    if (!counts(line)) continue;
    struct entry *entry = add(&b->table, line_key(host, line));
    if (entry->page == b->pages) continue; /* once more on this page */
    entry->page = b->pages;
    entry->count++;
  }
}

void boilerplate_put(struct buffer *out, struct slice id, struct slice url, struct slice date, struct slice text) {
  uint32_t lengths[4] = {(uint32_t)id.len, (uint32_t)url.len, (uint32_t)date.len, (uint32_t)text.len};
  buffer_append(out, lengths, sizeof lengths);
  buffer_append_slice(out, id);
  buffer_append_slice(out, url);
  buffer_append_slice(out, date);
  buffer_append_slice(out, text);
}

/* The document at the start of s; its length there. */
static size_t get(const char *s, struct boilerplate_document *d) {
  uint32_t lengths[4];
  memcpy(lengths, s, sizeof lengths);
  const char *p = s + sizeof lengths;
  struct slice *const parts[4] = {&d->id, &d->url, &d->date, &d->text};
  for (int i = 0; i < 4; i++) {
    *parts[i] = (struct slice){p, lengths[i]};
    p += lengths[i];
  }
  return (size_t)(p - s);
}

int boilerplate_add(struct boilerplate *b, struct slice documents, struct err *e) {
  for (size_t at = 0; at < documents.len;) {
    struct boilerplate_document d;
    at += get(documents.data + at, &d);
    uint64_t host = host_key(d.url);
    if (host) count_lines(b, host, d.url, d.text);
    if ((b->table.capacity > b->most || (b->table.capacity == b->most && b->table.count * 4 + 4 >= b->most * 3)) && spill(b, e)) return -1;
  }
  buffer_append_slice(&b->pending, documents);
  return b->pending.len >= PIECE ? flush_spool(b, e) : 0;
}

/* ---- merging */

/* The next entry of a run, NULL at its end; *failed tells an error from that. */
static const struct entry *peek(struct boilerplate *b, struct run *r, bool *failed, struct err *e) {
  if (r->next == r->count && r->left) {
    r->next = 0;
    r->count = r->left < RUN_ENTRIES ? (size_t)r->left : RUN_ENTRIES;
    if (!r->entries) r->entries = MALLOC(RUN_ENTRIES * sizeof *r->entries);
    if (read_all(b->runs_file, r->entries, r->count * sizeof *r->entries, r->at * sizeof *r->entries, e)) {
      *failed = true;
      return NULL;
    }
    r->at += r->count;
    r->left -= r->count;
  }
  return r->next < r->count ? &r->entries[r->next] : NULL;
}

static uint64_t key_at(const struct run *r) { return r->entries[r->next].key; }

static void sift(struct run **heap, size_t n, size_t i) {
  for (;;) {
    size_t least = i;
    for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      if (key_at(heap[child]) < key_at(heap[least])) least = child;
    if (least == i) return;
    struct run *swap = heap[i];
    heap[i] = heap[least];
    heap[least] = swap;
    i = least;
  }
}

/* The runs become a table of what is on enough pages. */
static int merge(struct boilerplate *b, struct err *e) {
  if (b->run_count == 0) return 0;
  if (spill(b, e)) return -1;
  struct run **heap = NEW_ARRAY(struct run *, b->run_count);
  size_t n = 0;
  bool failed = false;
  for (size_t i = 0; i < b->run_count; i++)
    if (peek(b, &b->runs[i], &failed, e)) heap[n++] = &b->runs[i];
  for (size_t i = n; i-- > 0;) sift(heap, n, i);
  struct entry sum = {0};
  while (!failed) {
    uint64_t key = n ? key_at(heap[0]) : 0;
    if (key != sum.key) {
      if (sum.count >= PAGES_MIN) add(&b->table, sum.key)->count = sum.count;
      sum = (struct entry){.key = key};
    }
    if (n == 0) break;
    sum.count += heap[0]->entries[heap[0]->next++].count;
    if (!peek(b, heap[0], &failed, e)) heap[0] = heap[--n];
    sift(heap, n, 0);
  }
  free(heap);
  return failed ? -1 : 0;
}

/* ---- dropping */

enum { OWN, SHORT, INTRODUCTION, LONG };

static uint32_t count_of(const struct boilerplate *b, uint64_t key) { return b->table.capacity ? find(&b->table, key)->count : 0; }

static void drop(struct boilerplate *b, struct boilerplate_document *d) {
  uint64_t host = host_key(d->url);
  uint32_t pages = host ? count_of(b, host) : 0;
  if (pages < PAGES_MIN) return;
  uint32_t enough = (pages + SHARE - 1) / SHARE;
  if (enough < PAGES_MIN) enough = PAGES_MIN;
  size_t n = 0, frequent = 0;
  for (struct slice text = d->text; text.len; n++) {
    struct slice line = next_line(&text);
    GROW(b->classes, b->class_capacity, n + 1);
    bool many = counts(line) && count_of(b, line_key(host, line)) >= enough;
    b->classes[n] = !many ? OWN : line.len >= LINE_LONG ? LONG : line.data[line.len - 1] == ':' ? INTRODUCTION : SHORT;
    frequent += many;
  }
  if (frequent == 0) return;
  for (size_t i = 0, j; i < n; i = j + (j == i)) { /* runs that stay are the page's own */
    bool long_one = false;
    for (j = i; j < n && b->classes[j] != OWN; j++) long_one |= b->classes[j] == LONG;
    size_t length = j - i;
    bool goes = long_one || length >= RUN_MIN || (length >= 2 && (i == 0 || j == n));
    if (!goes) memset(b->classes + i, OWN, length);
    else if (j < n && b->classes[j - 1] == INTRODUCTION) b->classes[j - 1] = OWN; /* of the lines that stay */
  }
  buffer_clear(&b->text);
  struct slice text = d->text;
  bool first = true;
  for (size_t i = 0; i < n; i++) {
    struct slice line = next_line(&text);
    if (b->classes[i] != OWN) {
      d->lines++;
      d->bytes += line.len + 1;
      continue;
    }
    if (!first) buffer_put(&b->text, '\n');
    first = false;
    buffer_append_slice(&b->text, line);
  }
  while (b->text.len && b->text.data[b->text.len - 1] == '\n') b->text.len--;
  d->text = buffer_slice(&b->text);
}

/* At least n bytes of the spool in the window, fewer at its end. */
static int fill(struct boilerplate *b, size_t n, struct err *e) {
  size_t have = b->window.len - b->window_at;
  if (have >= n) return 0;
  if (have) memmove(b->window.data, b->window.data + b->window_at, have);
  b->window.len = have;
  b->window_at = 0;
  size_t want = n - have > PIECE ? n - have : PIECE;
  if (want > b->spooled - b->read) want = (size_t)(b->spooled - b->read);
  buffer_reserve(&b->window, want);
  if (read_all(b->spool, b->window.data + have, want, b->read, e)) return -1;
  b->window.len += want;
  b->read += want;
  return 0;
}

int boilerplate_next(struct boilerplate *b, struct boilerplate_document *d, struct err *e) {
  if (!b->ready) {
    if (flush_spool(b, e) || merge(b, e)) return -1;
    b->ready = true;
  }
  uint32_t lengths[4];
  *d = (struct boilerplate_document){0};
  if (b->window_at == b->window.len && b->read == b->spooled) return 0;
  if (fill(b, sizeof lengths, e)) return -1;
  memcpy(lengths, b->window.data + b->window_at, sizeof lengths);
  if (fill(b, sizeof lengths + lengths[0] + lengths[1] + lengths[2] + (size_t)lengths[3], e)) return -1;
  b->window_at += get(b->window.data + b->window_at, d);
  drop(b, d);
  return 1;
}
