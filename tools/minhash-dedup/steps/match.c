/* SPDX-License-Identifier: MIT
 *
 * A unit is a band's range of keys.  Its section of every sketch goes through one sort (common/io/record_sort.h), which
 * gives the documents of a key side by side, in order; sketches are opened one after the other, so that a thousand shards
 * take no more descriptors than one.  What shares a key is written as it comes: nothing in memory grows with a bucket.
 */
#include "tools/minhash-dedup/steps/match.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/threads.h"
#include "common/io/record_sort.h"
#include "tools/minhash-dedup/steps/earlier.h"
#include "tools/minhash-dedup/steps/signature_record.h"

enum { SORTED = 16, BLOCK = 1 << 13, SKETCHES_OPEN = 16 };

struct totals {
  uint64_t keys, buckets, members, earlier;
};

struct match {
  struct program *program;
  const struct steps_options *options;
  struct collection collection;
  uint64_t identity;
  uint64_t *units; /* of this part */
  size_t count;
  int found;
  struct totals totals;
  _Atomic size_t next;
  _Atomic bool failed;
  pthread_mutex_t lock;
  struct err error;
};

struct unit {
  struct match *match;
  uint64_t number;
  struct record_sort *keys;
  struct step_writer *out;
  struct index_writer *index;
  struct index_reader **earlier;
  unsigned char *records[2]; /* signatures: of a document, of an earlier one */
  size_t earlier_index;      /* the second one's; none yet: SIZE_MAX */
  uint32_t earlier_document;
  struct { const struct shard *shard; struct step_file *file; } sketches[SKETCHES_OPEN];
  uint64_t block[BLOCK];
  size_t used;
  struct totals totals;
};

/* ---- keys of all shards */

static int open_sketch(const struct match *m, const struct shard *shard, struct step_file **f, struct err *e) {
  if (step_file_open(f, shard->sketch, STEP_SKETCH, e) != 0) return -1;
  const struct step_header *h = step_file_header(*f);
  if (memcmp(&h->parameters, &m->collection.parameters, sizeof h->parameters) == 0 && h->content == shard->content && h->lines == shard->lines &&
      step_file_count(*f, (size_t)h->parameters.bands * STEP_RANGES) == h->lines)
    return 0;
  step_file_close(*f);
  return err_set(e, "%s: is not the sketch that it was when the matching began; make its matches again", shard->sketch);
}

static int add_keys(struct unit *u, const struct shard *shard, struct step_file *f, struct err *e) {
  const void *records;
  size_t n;
  uint64_t before = 0;
  int more = step_file_start(f, u->number, e);
  if (more == 0)
    while ((more = step_file_next(f, &records, &n, e)) > 0)
      for (size_t i = 0; i < n; i++) {
        const char *r = (const char *)records + i * STEP_KEY_RECORD;
        uint64_t key;
        uint32_t line;
        memcpy(&key, r, 8);
        memcpy(&line, r + 8, 4);
        key = __builtin_bswap64(key);
        line = __builtin_bswap32(line);
        if (line >= shard->lines || key < before || key >> (64 - STEP_RANGE_BITS) != u->number % STEP_RANGES)
          return err_set(e, "%s: a key out of place: damaged; make it again", shard->sketch);
        before = key;
        uint64_t record[2] = {__builtin_bswap64(key), __builtin_bswap64(shard->first + line)};
        if (record_sort_add(u->keys, record, e) != 0) return -1;
      }
  return more;
}

static int gather(struct unit *u, struct err *e) {
  struct match *m = u->match;
  for (size_t i = 0; i < m->collection.count; i++) {
    const struct shard *shard = &m->collection.shards[i];
    struct step_file *f;
    if (open_sketch(m, shard, &f, e) != 0) return -1;
    int result = add_keys(u, shard, f, e);
    progress_add(m->program->progress, step_file_count(f, u->number) * STEP_KEY_RECORD, 0);
    step_file_close(f);
    if (result != 0 || atomic_load(&m->failed)) return result != 0 ? -1 : err_set(e, "interrupted");
  }
  return 0;
}

/* ---- what shares a key */

static int put(struct unit *u, uint64_t word, struct err *e) {
  u->block[u->used++] = word;
  if (u->used < BLOCK) return 0;
  u->used = 0;
  return step_writer_add(u->out, u->block, BLOCK, e);
}

/* The signature of a document of this collection; sketches stay open while documents of theirs are asked for. */
static int signature_of(struct unit *u, uint64_t document, unsigned char *record, struct err *e) {
  const struct collection *c = &u->match->collection;
  const struct shard *shard = collection_shard_of(c, document);
  size_t slot = (size_t)(shard - c->shards) % SKETCHES_OPEN;
  if (u->sketches[slot].shard != shard) {
    step_file_close(u->sketches[slot].file);
    u->sketches[slot].file = NULL;
    u->sketches[slot].shard = NULL;
    if (open_sketch(u->match, shard, &u->sketches[slot].file, e) != 0) {
      u->sketches[slot].file = NULL;
      return -1;
    }
    u->sketches[slot].shard = shard;
  }
  if (step_file_record(u->sketches[slot].file, (size_t)c->parameters.bands * STEP_RANGES, document - shard->first, record, e) != 0) return -1;
  if (signature_record_sound(&c->parameters, record)) return 0;
  return err_set(e, "%s: the signature of line %llu does not have its checksum: damaged; make it again", shard->sketch,
      (unsigned long long)(document - shard->first + 1));
}

static int compare_earlier(struct unit *u, uint64_t document, size_t index, uint32_t other, struct err *e) {
  const struct collection *c = &u->match->collection;
  if (signature_of(u, document, u->records[0], e) != 0) return -1;
  if (index != u->earlier_index || other != u->earlier_document) {
    u->earlier_index = SIZE_MAX;
    if (index_reader_signature(u->earlier[index], other, u->records[1], e) != 0) return -1;
    u->earlier_index = index;
    u->earlier_document = other;
  }
  size_t equal = signature_record_equal(&c->parameters, u->records[0], u->records[1]);
  if (c->verify > 0 && equal < signature_record_least(&c->parameters, c->verify)) return 0;
  u->totals.earlier++;
  return put(u, MATCH_EARLIER | document, e) != 0 ? -1 : put(u, (uint64_t)index << 48 | (uint64_t)(equal < 0xffff ? equal : 0xffff) << 32 | other, e);
}

static int pass_keys(struct unit *u, struct err *e) {
  size_t indexes = u->match->collection.earlier_count;
  uint32_t *other = NEW_ARRAY(uint32_t, indexes + 1);
  bool *shared = NEW_ARRAY(bool, indexes + 1);
  const void *record;
  uint64_t current = 0, first = 0, count = 0;
  int more, result = 0;
  while (result == 0 && (more = record_sort_next(u->keys, &record, e)) > 0) {
    uint64_t words[2];
    memcpy(words, record, sizeof words);
    uint64_t key = __builtin_bswap64(words[0]), document = __builtin_bswap64(words[1]);
    if (count == 0 || key != current) {
      current = key;
      first = document;
      count = 0;
      u->totals.keys++;
      if (u->index) result = index_writer_add(u->index, key, document, e);
      for (size_t i = 0; i < indexes && result == 0; i++) {
        int found = index_reader_find(u->earlier[i], key, &other[i], e);
        shared[i] = found > 0;
        if (found < 0) result = -1;
      }
    }
    if (++count == 2) {
      u->totals.buckets++;
      u->totals.members++;
      if (result == 0) result = put(u, MATCH_BUCKET | first, e);
    }
    if (count >= 2) {
      u->totals.members++;
      if (result == 0) result = put(u, document, e);
    }
    for (size_t i = 0; i < indexes && result == 0; i++)
      if (shared[i]) result = compare_earlier(u, document, i, other[i], e);
  }
  for (size_t i = 0; i < indexes && result == 0 && more == 0; i++) result = index_reader_finish(u->earlier[i], e);
  free(other);
  free(shared);
  return result == 0 ? more : -1;
}

/* ---- a unit */

static struct step_header header_of(const struct match *m, uint64_t unit) {
  const struct collection *c = &m->collection;
  return (struct step_header){.parameters = c->parameters, .documents = c->documents, .lines = c->lines, .band = unit / STEP_RANGES,
      .range = unit % STEP_RANGES, .identity = m->identity};
}

/* 1 when it is there, 0 when it is to be made, -1 when another one is in its place. */
static int is_there(const struct match *m, const char *path, uint64_t unit, struct err *e) {
  struct step_header want = header_of(m, unit);
  struct step_file *f;
  struct err why;
  struct stat st;
  if (m->program->force || stat(path, &st) != 0) return 0;
  if (step_file_open(&f, path, STEP_MATCH, &why) != 0) {
    program_warn(m->program, "%s, which is done", why.message);
    return 0;
  }
  int result = memcmp(step_file_header(f), &want, sizeof want) == 0 ? 1 : err_set(e, "%s: is of other sketches, indexes or parameters; -f replaces it", path);
  step_file_close(f);
  if (result == 1 && m->options->index) result = index_has(m->options->index, &m->collection, unit, e);
  return result;
}

static int match_unit(struct unit *u, const char *path, struct err *e) {
  struct match *m = u->match;
  struct step_header header = header_of(m, u->number);
  if (step_writer_open(&u->out, path, STEP_MATCH, &header, "", e) != 0) return -1;
  if (m->options->index && index_writer_open(&u->index, m->options->index, &m->collection, u->number, e) != 0) return -1;
  for (size_t i = 0; i < m->collection.earlier_count; i++)
    if (index_reader_open(&u->earlier[i], m->collection.earlier[i].name, &m->collection.parameters, m->collection.earlier[i].identity, u->number, e) != 0)
      return -1;
  if (gather(u, e) != 0 || record_sort_finish(u->keys, 1, e) != 0 || pass_keys(u, e) != 0) return -1;
  if (step_writer_add(u->out, u->block, u->used, e) != 0) return -1;
  struct step_writer *out = u->out;
  struct index_writer *index = u->index;
  u->out = NULL;
  u->index = NULL;
  if (index && index_writer_commit(index, e) != 0) {
    step_writer_abort(out);
    return -1;
  }
  return step_writer_commit(out, e);
}

static int run_unit(struct match *m, uint64_t number, struct err *e) {
  struct buffer path = {0};
  step_unit_path(&path, m->program->output, number, "match");
  int result = is_there(m, path.data, number, e);
  bool found = result > 0;
  struct unit *u = NEW(struct unit);
  u->match = m;
  u->number = number;
  u->earlier_index = SIZE_MAX;
  if (result == 0) {
    size_t threads = (size_t)m->program->jobs < m->count ? (size_t)m->program->jobs : m->count, size = signature_record_size(&m->collection.parameters);
    u->keys = record_sort_new(SORTED, (size_t)m->program->memory / threads, m->program->tmpdir);
    u->earlier = NEW_ARRAY(struct index_reader *, m->collection.earlier_count + 1);
    for (int i = 0; i < 2; i++) u->records[i] = MALLOC(size);
    result = match_unit(u, path.data, e);
    step_writer_abort(u->out);
    index_writer_abort(u->index);
    for (size_t i = 0; i < m->collection.earlier_count; i++) index_reader_close(u->earlier[i]);
    for (int i = 0; i < SKETCHES_OPEN; i++) step_file_close(u->sketches[i].file);
    record_sort_free(u->keys);
    free(u->earlier);
    for (int i = 0; i < 2; i++) free(u->records[i]);
  }
  if (result >= 0) {
    pthread_mutex_lock(&m->lock);
    m->totals.keys += u->totals.keys;
    m->totals.buckets += u->totals.buckets;
    m->totals.members += u->totals.members;
    m->totals.earlier += u->totals.earlier;
    m->found += found;
    pthread_mutex_unlock(&m->lock);
  }
  buffer_release(&path);
  free(u);
  return result < 0 ? -1 : 0;
}

static void work(void *context, int index) {
  struct match *m = context;
  (void)index;
  for (size_t i; !atomic_load(&m->failed) && (i = atomic_fetch_add(&m->next, 1)) < m->count;) {
    struct err e = {0};
    if (run_unit(m, m->units[i], &e) == 0) continue;
    pthread_mutex_lock(&m->lock);
    if (!atomic_load(&m->failed)) m->error = e;
    atomic_store(&m->failed, true);
    pthread_mutex_unlock(&m->lock);
  }
}

/* ---- the whole step */

/* DIR/inputs.tsv tells what the files beside it are made from; all tasks of an array job write the same one. */
static int write_inputs(const struct match *m, const char *folder, const struct collection *c, uint64_t identity, struct err *e) {
  struct buffer path = {0}, text = {0};
  struct collection other = {0};
  struct stat st;
  uint64_t rows;
  buffer_printf(&path, "%s/inputs.tsv", folder);
  int result = output_folder(folder, e);
  if (result == 0 && !m->program->force && stat(buffer_string(&path), &st) == 0) {
    result = collection_read(&other, path.data, &rows, e);
    if (result == 0 && collection_identity(&other) != identity)
      result = err_set(e, "%s: the folder is of other sketches, indexes or parameters; another one, or -f to replace what is there", folder);
  } else if (result == 0) {
    buffer_append_string(&text, collection_columns);
    collection_text(c, text.len, &text);
    result = output_file(buffer_string(&path), text.data, text.len, e);
  }
  collection_release(&other);
  buffer_release(&path);
  buffer_release(&text);
  return result;
}

/* "K/N": units K - 1, K - 1 + N, ... */
static int choose_units(struct match *m, struct err *e) {
  unsigned k = 1, n = 1;
  char rest;
  uint64_t all = m->collection.parameters.bands * STEP_RANGES;
  if (m->options->part && (sscanf(m->options->part, "%u/%u%c", &k, &n, &rest) != 2 || n < 1 || k < 1 || k > n))
    return err_usage(e, "--part %s: not K/N with 1 <= K <= N", m->options->part);
  m->units = NEW_ARRAY(uint64_t, all);
  for (uint64_t u = k - 1; u < all; u += n) m->units[m->count++] = u;
  return 0;
}

static int find_earlier(struct match *m, struct err *e) {
  const struct option_list *list = &m->options->earlier;
  if (list->count > 0xffff) return err_usage(e, "more than 65,535 indexes");
  for (int i = 0; i < list->count; i++) {
    uint64_t identity;
    if (index_find(list->items[i], &m->collection.parameters, &identity, e) != 0) return -1;
    collection_add_earlier(&m->collection, list->items[i], identity);
  }
  return 0;
}

static int prepare_index(struct match *m, struct err *e) {
  struct collection bare = m->collection;
  bare.earlier_count = 0;
  bare.verify = 0;
  if (!m->options->index) return 0;
  if (m->collection.lines > UINT32_MAX) return err_set(e, "--index: more than 4,294,967,295 lines; make several indexes, each of some of the sketches");
  return write_inputs(m, m->options->index, &bare, index_identity(&bare), e);
}

static int run(struct match *m, char *const *sketches, int count, struct err *e) {
  struct program *p = m->program;
  if (collection_from_sketches(&m->collection, sketches, count, e) != 0 || find_earlier(m, e) != 0) return -1;
  m->collection.verify = m->options->earlier.count ? m->options->verify : 0; /* which is nothing to buckets */
  m->identity = collection_identity(&m->collection);
  if (choose_units(m, e) != 0 || write_inputs(m, p->output, &m->collection, m->identity, e) != 0 || prepare_index(m, e) != 0) return -1;
  progress_total(p->progress, m->collection.documents * STEP_KEY_RECORD / STEP_RANGES * m->count);
  threads_run((size_t)p->jobs < m->count ? (int)p->jobs : (int)(m->count ? m->count : 1), work, m);
  if (atomic_load(&m->failed)) {
    *e = m->error;
    return -1;
  }
  if (m->options->index && m->count > 0 && m->units[0] == 0 && index_write_signatures(m->options->index, &m->collection, p->force, e) != 0) return -1;
  stats_flow(p->stats, m->collection.documents, m->collection.documents, 0, 0);
  stats_int(p->stats, "shards", (int64_t)m->collection.count);
  stats_int(p->stats, "units", (int64_t)m->count);
  stats_int(p->stats, "units_found", m->found);
  stats_int(p->stats, "keys", (int64_t)m->totals.keys);
  stats_int(p->stats, "buckets", (int64_t)m->totals.buckets);
  stats_int(p->stats, "members", (int64_t)m->totals.members);
  stats_int(p->stats, "earlier", (int64_t)m->totals.earlier);
  char documents[NUMBER_TEXT], buckets[NUMBER_TEXT];
  program_verbose(p, "%s documents in %zu shards, %zu units, %d of which were there, %s buckets in the others",
      number_thousands(m->collection.documents, documents), m->collection.count, m->count, m->found,
                  number_thousands(m->totals.buckets, buckets));
  return 0;
}

int match_run(struct program *p, const struct steps_options *o, char *const *sketches, int count, struct err *e) {
  struct match m = {.program = p, .options = o, .lock = PTHREAD_MUTEX_INITIALIZER};
  if (!p->output) return err_usage(e, "match: -o names the folder for matches");
  if (count == 0) return err_usage(e, "match: no sketches are named");
  int result = run(&m, sketches, count, e);
  free(m.units);
  collection_release(&m.collection);
  return result;
}
