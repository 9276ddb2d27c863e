/* SPDX-License-Identifier: MIT
 *
 * A section is read in blocks of 64 KiB and hashed on the way; the frame is read and checked when the file is opened.
 */
#include "tools/minhash-dedup/steps/step_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/output.h"
#include "tools/minhash-dedup/steps/signature_record.h"

enum { VERSION = 1, WORDS = 16, FIXED = 16 + 8 * WORDS + 8, FOOTER = 32, READ_SIZE = 64 << 10, NAME_MOST = 1 << 16 };

static const char magic[8] = "\x89" "C2Lstep", end_magic[8] = "C2L-END\n";
static const char *const kind_names[] = {"", "sketch", "match", "keys of an index", "signatures of an index"};

_Static_assert(sizeof(struct step_header) == 8 * WORDS, "the header is sixteen words");

int parameters_check(const struct parameters *p, struct err *e) {
  if (p->ngram < 1 || p->ngram > 1000 || p->bands < 1 || p->bands > 4096 || p->rows < 1 || p->rows > 4096 || p->bands * p->rows > 1 << 16)
    return err_set(e, "impossible parameters: n-grams of %llu, %llu bands of %llu rows", (unsigned long long)p->ngram, (unsigned long long)p->bands,
        (unsigned long long)p->rows);
  return 0;
}

void step_unit_path(struct buffer *out, const char *folder, uint64_t unit, const char *suffix) {
  buffer_clear(out);
  buffer_printf(out, "%s/band-%04u-range-%02u.%s", folder, (unsigned)(unit / STEP_RANGES), (unsigned)(unit % STEP_RANGES), suffix);
  buffer_string(out);
}

static size_t sections_of(enum step_kind kind, const struct parameters *p) { return kind == STEP_SKETCH ? (size_t)p->bands * STEP_RANGES + 1 : 1; }

static size_t record_size(enum step_kind kind, const struct parameters *p, size_t section) {
  if (kind == STEP_MATCH) return STEP_MATCH_RECORD;
  if (kind == STEP_KEYS || (kind == STEP_SKETCH && section < p->bands * STEP_RANGES)) return STEP_KEY_RECORD;
  return signature_record_size(p);
}

struct section {
  uint64_t count, hash;
};

/* ---- writing */

struct step_writer {
  struct output *out;
  enum step_kind kind;
  struct step_header header;
  struct section *sections;
  size_t count, at; /* sections; the one at hand */
  XXH3_state_t *hash, *frame;
};

int step_writer_open(struct step_writer **w, const char *path, enum step_kind kind, const struct step_header *header, const char *name, struct err *e) {
  struct output *out;
  *w = NULL;
  if (output_open(&out, path, 0, e) != 0) return -1;
  struct step_writer *new = *w = NEW(struct step_writer);
  new->out = out;
  new->kind = kind;
  new->header = *header;
  new->count = sections_of(kind, &header->parameters);
  new->sections = NEW_ARRAY(struct section, new->count);
  new->hash = XXH3_createState();
  new->frame = XXH3_createState();
  XXH3_64bits_reset(new->hash);
  XXH3_64bits_reset(new->frame);
  char first[FIXED] = {0};
  uint32_t words[2] = {VERSION, kind};
  uint64_t length = strlen(name);
  memcpy(first, magic, sizeof magic);
  memcpy(first + 8, words, sizeof words);
  memcpy(first + 16, header, sizeof *header);
  memcpy(first + FIXED - 8, &length, sizeof length);
  XXH3_64bits_update(new->frame, first, FIXED);
  XXH3_64bits_update(new->frame, name, length);
  if (output_write(out, first, FIXED, e) == 0 && output_write(out, name, length, e) == 0) return 0;
  step_writer_abort(new);
  *w = NULL;
  return -1;
}

int step_writer_add(struct step_writer *w, const void *records, size_t n, struct err *e) {
  size_t bytes = n * record_size(w->kind, &w->header.parameters, w->at);
  w->sections[w->at].count += n;
  XXH3_64bits_update(w->hash, records, bytes);
  return output_write(w->out, records, bytes, e);
}

void step_writer_end_section(struct step_writer *w) {
  w->sections[w->at++].hash = XXH3_64bits_digest(w->hash);
  XXH3_64bits_reset(w->hash);
}

static void release(struct step_writer *w) {
  XXH3_freeState(w->hash);
  XXH3_freeState(w->frame);
  free(w->sections);
  free(w);
}

int step_writer_commit(struct step_writer *w, struct err *e) {
  while (w->at < w->count) step_writer_end_section(w);
  uint64_t words[3] = {output_written(w->out), w->count};
  XXH3_64bits_update(w->frame, w->sections, w->count * sizeof *w->sections);
  XXH3_64bits_update(w->frame, words, 16);
  words[2] = XXH3_64bits_digest(w->frame);
  int result = output_write(w->out, w->sections, w->count * sizeof *w->sections, e);
  if (result == 0) result = output_write(w->out, words, sizeof words, e);
  if (result == 0) result = output_write(w->out, end_magic, sizeof end_magic, e);
  if (result == 0) result = output_commit(w->out, e);
  else output_abort(w->out);
  release(w);
  return result;
}

void step_writer_abort(struct step_writer *w) {
  if (!w) return;
  output_abort(w->out);
  release(w);
}

/* ---- reading */

struct step_file {
  int fd;
  enum step_kind kind;
  char *path, *name;
  struct step_header header;
  struct section *sections;
  uint64_t *offsets;
  size_t count;
  /* the section being read */
  size_t at;
  uint64_t next; /* record */
  char *block;
  size_t block_size;
  XXH3_state_t *hash;
};

static int read_at(const struct step_file *f, void *to, size_t n, uint64_t offset, struct err *e) {
  for (char *p = to; n;) {
    ssize_t got = pread(f->fd, p, n, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "%s: cannot read", f->path);
    if (got == 0) return err_set(e, "%s: truncated; make it again", f->path);
    p += got;
    n -= (size_t)got;
    offset += (uint64_t)got;
  }
  return 0;
}

static int read_frame(struct step_file *f, enum step_kind kind, uint64_t size, struct err *e) {
  char first[FIXED];
  uint32_t words[2];
  uint64_t length, tail[3];
  char end[8];
  if (size < 8 || read_at(f, first, 8, 0, e) != 0 || memcmp(first, magic, 8) != 0) return err_set(e, "%s: is no file of minhash-dedup's steps", f->path);
  if (size < FIXED + FOOTER) return err_set(e, "%s: truncated; make it again", f->path);
  if (read_at(f, first, FIXED, 0, e) != 0 || read_at(f, tail, sizeof tail, size - FOOTER, e) != 0 || read_at(f, end, sizeof end, size - 8, e) != 0) return -1;
  memcpy(words, first + 8, sizeof words);
  if (words[0] != VERSION) return err_set(e, "%s: has version %u, this program reads %d", f->path, words[0], VERSION);
  if (words[1] != (uint32_t)kind)
    return err_set(e, "%s: is a %s, not a %s", f->path, words[1] <= STEP_SIGNATURES && words[1] > 0 ? kind_names[words[1]] : "file of another kind",
        kind_names[kind]);
  if (memcmp(end, end_magic, sizeof end) != 0) return err_set(e, "%s: truncated: it lacks its footer; make it again", f->path);
  memcpy(&f->header, first + 16, sizeof f->header);
  memcpy(&length, first + FIXED - 8, sizeof length);
  if (parameters_check(&f->header.parameters, e) != 0) return err_prefix(e, "%s", f->path);
  f->count = sections_of(kind, &f->header.parameters);
  uint64_t table = f->count * sizeof(struct section);
  if (length > NAME_MOST || tail[1] != f->count || size - FIXED - FOOTER < table || tail[0] != size - FOOTER - table || tail[0] - FIXED < length)
    return err_set(e, "%s: its lengths contradict each other: truncated or damaged; make it again", f->path);
  f->name = MALLOC(length + 1);
  f->name[length] = 0;
  f->sections = NEW_ARRAY(struct section, f->count);
  f->offsets = NEW_ARRAY(uint64_t, f->count + 1);
  if (read_at(f, f->name, length, FIXED, e) != 0 || read_at(f, f->sections, table, tail[0], e) != 0) return -1;
  XXH3_64bits_reset(f->hash);
  XXH3_64bits_update(f->hash, first, FIXED);
  XXH3_64bits_update(f->hash, f->name, length);
  XXH3_64bits_update(f->hash, f->sections, table);
  XXH3_64bits_update(f->hash, tail, 16);
  if (XXH3_64bits_digest(f->hash) != tail[2]) return err_set(e, "%s: does not have its checksum: damaged; make it again", f->path);
  f->offsets[0] = FIXED + length;
  for (size_t i = 0; i < f->count; i++) {
    size_t one = record_size(kind, &f->header.parameters, i);
    if (f->sections[i].count > (tail[0] - f->offsets[i]) / one) return err_set(e, "%s: a section is longer than the file: damaged; make it again", f->path);
    f->offsets[i + 1] = f->offsets[i] + f->sections[i].count * one;
  }
  if (f->offsets[f->count] != tail[0]) return err_set(e, "%s: its sections do not fill it: damaged; make it again", f->path);
  return 0;
}

int step_file_open(struct step_file **out, const char *path, enum step_kind kind, struct err *e) {
  struct stat st;
  *out = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "%s: cannot open", path);
  struct step_file *f = NEW(struct step_file);
  f->fd = fd;
  f->kind = kind;
  f->path = STRDUP(path);
  f->hash = XXH3_createState();
  int result = fstat(fd, &st) ? err_errno(e, "%s: cannot read", path) : !S_ISREG(st.st_mode) ? err_set(e, "%s: is no regular file", path)
      : read_frame(f, kind, (uint64_t)st.st_size, e);
  if (result == 0) {
    *out = f;
    return 0;
  }
  step_file_close(f);
  return -1;
}

void step_file_close(struct step_file *f) {
  if (!f) return;
  close(f->fd);
  XXH3_freeState(f->hash);
  free(f->path);
  free(f->name);
  free(f->sections);
  free(f->offsets);
  free(f->block);
  free(f);
}

const struct step_header *step_file_header(const struct step_file *f) { return &f->header; }
const char *step_file_name(const struct step_file *f) { return f->name; }
const char *step_file_path(const struct step_file *f) { return f->path; }
uint64_t step_file_count(const struct step_file *f, size_t section) { return f->sections[section].count; }
size_t step_file_record_size(const struct step_file *f, size_t section) { return record_size(f->kind, &f->header.parameters, section); }

int step_file_start(struct step_file *f, size_t section, struct err *e) {
  if (section >= f->count) return err_set(e, "%s: has no section %zu", f->path, section);
  f->at = section;
  f->next = 0;
  XXH3_64bits_reset(f->hash);
  return 0;
}

int step_file_next(struct step_file *f, const void **records, size_t *n, struct err *e) {
  size_t one = step_file_record_size(f, f->at);
  uint64_t left = f->sections[f->at].count - f->next;
  if (left == 0) {
    if (XXH3_64bits_digest(f->hash) == f->sections[f->at].hash) return 0;
    return err_set(e, "%s: section %zu does not have its checksum: damaged; make it again", f->path, f->at);
  }
  size_t most = READ_SIZE / one ? READ_SIZE / one : 1, count = left < most ? (size_t)left : most;
  if (count * one > f->block_size) {
    f->block_size = count * one;
    f->block = RESIZE(f->block, f->block_size);
  }
  if (read_at(f, f->block, count * one, f->offsets[f->at] + f->next * one, e) != 0) return -1;
  XXH3_64bits_update(f->hash, f->block, count * one);
  f->next += count;
  *records = f->block;
  *n = count;
  return 1;
}

int step_file_record(struct step_file *f, size_t section, uint64_t index, void *record, struct err *e) {
  size_t one = step_file_record_size(f, section);
  if (index >= f->sections[section].count)
    return err_set(e, "%s: has no record %llu in section %zu: damaged; make it again", f->path, (unsigned long long)index, section);
  return read_at(f, record, one, f->offsets[section] + index * one, e);
}
