/* SPDX-License-Identifier: MIT
 *
 * Keys of an index ascend, as those that are looked for do: both are read once, side by side.
 */
#include "tools/minhash-dedup/steps/earlier.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "tools/minhash-dedup/steps/signature_record.h"

enum { BLOCK = 1 << 16 };

uint64_t index_identity(const struct collection *c) {
  struct collection bare = *c; /* what it was matched against is nothing to those who use its keys */
  bare.verify = 0;
  bare.earlier_count = 0;
  return collection_identity(&bare);
}

/* ---- writing */

struct index_writer {
  struct step_writer *file;
  struct buffer block;
};

static struct step_header header_of(const struct collection *c, uint64_t unit) {
  return (struct step_header){.parameters = c->parameters, .documents = c->documents, .lines = c->lines, .band = unit / STEP_RANGES,
      .range = unit % STEP_RANGES, .identity = index_identity(c)};
}

int index_writer_open(struct index_writer **w, const char *folder, const struct collection *c, uint64_t unit, struct err *e) {
  struct buffer path = {0};
  struct step_header header = header_of(c, unit);
  *w = NEW(struct index_writer);
  step_unit_path(&path, folder, unit, "keys");
  int result = step_writer_open(&(*w)->file, path.data, STEP_KEYS, &header, "", e);
  buffer_release(&path);
  if (result == 0) return 0;
  free(*w);
  *w = NULL;
  return -1;
}

static int flush(struct index_writer *w, struct err *e) {
  int result = step_writer_add(w->file, w->block.data, w->block.len / STEP_KEY_RECORD, e);
  buffer_clear(&w->block);
  return result;
}

int index_writer_add(struct index_writer *w, uint64_t key, uint64_t document, struct err *e) {
  uint64_t first = __builtin_bswap64(key);
  uint32_t number = __builtin_bswap32((uint32_t)document);
  buffer_append(&w->block, &first, 8);
  buffer_append(&w->block, &number, 4);
  return w->block.len < BLOCK ? 0 : flush(w, e);
}

int index_writer_commit(struct index_writer *w, struct err *e) {
  int result = flush(w, e);
  if (result == 0) result = step_writer_commit(w->file, e);
  else step_writer_abort(w->file);
  buffer_release(&w->block);
  free(w);
  return result;
}

void index_writer_abort(struct index_writer *w) {
  if (!w) return;
  step_writer_abort(w->file);
  buffer_release(&w->block);
  free(w);
}

static int is_there(const char *path, enum step_kind kind, const struct step_header *want, struct err *e) {
  struct step_file *f;
  struct err ignored;
  struct stat st;
  if (stat(path, &st) != 0 || step_file_open(&f, path, kind, &ignored) != 0) return 0;
  bool same = memcmp(step_file_header(f), want, sizeof *want) == 0;
  step_file_close(f);
  return same ? 1 : err_set(e, "%s: is of other sketches or parameters; -f replaces it", path);
}

int index_has(const char *folder, const struct collection *c, uint64_t unit, struct err *e) {
  struct buffer path = {0};
  struct step_header header = header_of(c, unit);
  step_unit_path(&path, folder, unit, "keys");
  int result = is_there(path.data, STEP_KEYS, &header, e);
  buffer_release(&path);
  return result;
}

static int copy_signatures(struct step_writer *w, const struct shard *shard, struct err *e) {
  struct step_file *f;
  const void *records;
  size_t n;
  if (step_file_open(&f, shard->sketch, STEP_SKETCH, e) != 0) return -1;
  const struct step_header *h = step_file_header(f);
  size_t section = (size_t)h->parameters.bands * STEP_RANGES;
  int more = h->content != shard->content || h->lines != shard->lines || step_file_count(f, section) != shard->lines
      ? err_set(e, "%s: is not the sketch that it was", shard->sketch) : step_file_start(f, section, e);
  if (more == 0)
    while ((more = step_file_next(f, &records, &n, e)) > 0)
      if (step_writer_add(w, records, n, e) != 0) {
        more = -1;
        break;
      }
  step_file_close(f);
  return more;
}

int index_write_signatures(const char *folder, const struct collection *c, bool again, struct err *e) {
  struct step_writer *w;
  struct buffer path = {0};
  struct step_header header = header_of(c, 0);
  buffer_printf(&path, "%s/signatures", folder);
  int result = again ? 0 : is_there(buffer_string(&path), STEP_SIGNATURES, &header, e);
  if (result == 0) {
    result = step_writer_open(&w, buffer_string(&path), STEP_SIGNATURES, &header, "", e);
    for (size_t i = 0; i < c->count && result == 0; i++) {
      result = copy_signatures(w, &c->shards[i], e);
      if (result != 0) step_writer_abort(w), w = NULL;
    }
    if (result == 0) result = step_writer_commit(w, e);
  }
  buffer_release(&path);
  return result < 0 ? -1 : 0;
}

/* ---- reading */

struct index_reader {
  struct step_file *keys, *signatures;
  const unsigned char *records;
  size_t n, at;
  uint64_t key;     /* of the record at hand */
  uint32_t document;
  bool started, ended;
};

int index_find(const char *folder, const struct parameters *parameters, uint64_t *identity, struct err *e) {
  struct collection c = {0};
  struct buffer path = {0};
  uint64_t rows;
  buffer_printf(&path, "%s/inputs.tsv", folder);
  int result = collection_read(&c, buffer_string(&path), &rows, e);
  if (result == 0 && memcmp(&c.parameters, parameters, sizeof *parameters) != 0)
    result = err_set(e, "%s: an index of other parameters (n-grams, bands, rows, seed, longest document)", folder);
  if (result == 0) *identity = index_identity(&c);
  buffer_release(&path);
  collection_release(&c);
  return result;
}

static int check(const struct step_file *f, const struct parameters *parameters, uint64_t identity, uint64_t unit, struct err *e) {
  const struct step_header *h = step_file_header(f);
  if (memcmp(&h->parameters, parameters, sizeof *parameters) != 0 || h->identity != identity || h->band != unit / STEP_RANGES || h->range != unit % STEP_RANGES)
    return err_set(e, "%s: belongs to another index", step_file_path(f));
  return 0;
}

int index_reader_open(struct index_reader **out, const char *folder, const struct parameters *parameters, uint64_t identity, uint64_t unit, struct err *e) {
  struct index_reader *r = *out = NEW(struct index_reader);
  struct buffer path = {0};
  step_unit_path(&path, folder, unit, "keys");
  int result = step_file_open(&r->keys, path.data, STEP_KEYS, e);
  if (result == 0) {
    buffer_clear(&path);
    buffer_printf(&path, "%s/signatures", folder);
    result = step_file_open(&r->signatures, buffer_string(&path), STEP_SIGNATURES, e);
  }
  buffer_release(&path);
  if (result == 0 && check(r->keys, parameters, identity, unit, e) == 0 && check(r->signatures, parameters, identity, 0, e) == 0 &&
      step_file_start(r->keys, 0, e) == 0)
    return 0;
  index_reader_close(r);
  *out = NULL;
  return -1;
}

void index_reader_close(struct index_reader *r) {
  if (!r) return;
  step_file_close(r->keys);
  step_file_close(r->signatures);
  free(r);
}

static int advance(struct index_reader *r, struct err *e) {
  while (r->at == r->n) {
    const void *records;
    int more = step_file_next(r->keys, &records, &r->n, e);
    r->records = records;
    r->at = 0;
    if (more <= 0) {
      r->ended = true;
      r->n = 0;
      return more;
    }
  }
  uint64_t key, before = r->key;
  memcpy(&key, r->records + r->at * STEP_KEY_RECORD, 8);
  memcpy(&r->document, r->records + r->at * STEP_KEY_RECORD + 8, 4);
  r->key = __builtin_bswap64(key);
  r->document = __builtin_bswap32(r->document);
  r->at++;
  if (r->started && r->key <= before) return err_set(e, "%s: its keys do not ascend: damaged; make it again", step_file_path(r->keys));
  r->started = true;
  return 0;
}

int index_reader_find(struct index_reader *r, uint64_t key, uint32_t *document, struct err *e) {
  while (!r->ended && (!r->started || r->key < key))
    if (advance(r, e) != 0) return -1;
  if (r->ended || r->key != key) return 0;
  *document = r->document;
  return 1;
}

int index_reader_finish(struct index_reader *r, struct err *e) {
  while (!r->ended)
    if (advance(r, e) != 0) return -1;
  return 0;
}

int index_reader_signature(struct index_reader *r, uint32_t document, unsigned char *record, struct err *e) {
  if (step_file_record(r->signatures, 0, document, record, e) != 0) return -1;
  if (signature_record_sound(&step_file_header(r->signatures)->parameters, record)) return 0;
  return err_set(e, "%s: record %u does not have its checksum: damaged; make it again", step_file_path(r->signatures), document);
}
