/* SPDX-License-Identifier: MIT
 *
 * Matches are read twice: for who is a candidate, then for the buckets, of candidates renumbered.  Comparing and connecting
 * is the one-process form's (lsh/candidates.h), on the same buckets in the same order, of sets of shingles that come from
 * reading the shards again or, with COMPARE_SIGNATURE, of signatures seen as sets (signature_record.h).
 *
 * A component with a document that an earlier index has goes as a whole: the earlier document is its first.  (With --connect
 * earlier that document goes, and what goes for it, but not what it goes for.)
 *
 * In memory: a bit a document, what lsh/candidates.h keeps of a candidate, and 8 bytes more of one with earlier indexes.
 */
#include "tools/minhash-dedup/steps/cluster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/documents.h"
#include "common/io/pipeline.h"
#include "tools/minhash-dedup/lsh/candidates.h"
#include "tools/minhash-dedup/lsh/signer.h"
#include "tools/minhash-dedup/steps/collection.h"
#include "tools/minhash-dedup/steps/documents_set.h"
#include "tools/minhash-dedup/steps/signature_record.h"

struct worker {
  struct document_parser parser;
  struct signer *signer;
};

struct cluster {
  struct program *program;
  const struct steps_options *options;
  struct collection collection;
  uint64_t identity;
  char *const *folders;
  int folder_count;
  struct documents_set members;
  struct candidates *candidates;
  uint64_t *earlier;     /* of each candidate: the smallest pair (index, number) that it was found in, equal places between, + 1; 0: none */
  uint32_t *bucket;      /* being read */
  size_t bucket_count, bucket_capacity;
  bool by_signature;
  /* the shard being read again */
  const struct shard *shard;
  struct permutations permutations;
  struct worker *workers;
  struct document_reader *reader;
  XXH3_state_t *content;
  uint64_t lines;
  uint64_t *hashes;      /* an aligned copy */
  size_t hash_capacity;
  uint64_t removed, removed_earlier;
};

/* ---- matches */

static int damaged(const struct step_file *f, struct err *e) {
  return err_set(e, "%s: its records contradict each other: damaged; make it again", step_file_path(f));
}

static int open_unit(const struct cluster *c, uint64_t unit, struct step_file **f, struct err *e) {
  struct buffer path = {0};
  struct stat st;
  int found = -1, result;
  for (int i = 0; i < c->folder_count && found < 0; i++) {
    step_unit_path(&path, c->folders[i], unit, "match");
    if (stat(path.data, &st) == 0) found = i;
  }
  if (found < 0) {
    step_unit_path(&path, c->folders[0], unit, "match");
    result = err_set(e, "%s: is not there: match has not finished (or one of its parts)", path.data);
  } else {
    result = step_file_open(f, path.data, STEP_MATCH, e);
  }
  buffer_release(&path);
  if (result != 0) return -1;
  const struct step_header *h = step_file_header(*f);
  if (memcmp(&h->parameters, &c->collection.parameters, sizeof h->parameters) == 0 && h->identity == c->identity && h->band == unit / STEP_RANGES &&
      h->range == unit % STEP_RANGES)
    return 0;
  err_set(e, "%s: is not of the sketches, indexes and parameters of inputs.tsv beside it", step_file_path(*f));
  step_file_close(*f);
  return -1;
}

typedef int take_member(struct cluster *c, uint64_t document, bool first, struct err *e);
typedef int take_earlier(struct cluster *c, uint64_t document, uint64_t where, struct err *e);

static int read_unit(struct cluster *c, struct step_file *f, take_member *member, take_earlier *earlier, struct err *e) {
  const void *records;
  size_t n;
  uint64_t pending = 0, before = 0; /* a document whose second word is to come, + 1; the bucket's last, + 1 */
  int more = step_file_start(f, 0, e);
  if (more == 0)
    while ((more = step_file_next(f, &records, &n, e)) > 0)
      for (size_t i = 0; i < n; i++) {
        uint64_t word;
        memcpy(&word, (const char *)records + i * STEP_MATCH_RECORD, sizeof word);
        uint64_t document = word & MATCH_NUMBER;
        int result = 0;
        if (pending) {
          if (word >> 48 >= c->collection.earlier_count) return damaged(f, e);
          result = earlier(c, pending - 1, word, e);
          pending = 0;
        } else if (document >= c->collection.lines) {
          return damaged(f, e);
        } else if (word & MATCH_EARLIER) {
          if (word & MATCH_BUCKET) return damaged(f, e);
          pending = document + 1;
        } else {
          bool first = word & MATCH_BUCKET;
          if (!first && document < before) return damaged(f, e);
          if (!first && before == 0) return damaged(f, e);
          before = document + 1;
          result = member(c, document, first, e);
        }
        if (result != 0) return -1;
      }
  return more == 0 && pending ? damaged(f, e) : more;
}

static int end_bucket(struct cluster *c, struct err *e) {
  int result = c->bucket_count >= 2 ? candidates_add_bucket(c->candidates, c->bucket, c->bucket_count, e) : 0;
  c->bucket_count = 0;
  return result;
}

static int read_units(struct cluster *c, take_member *member, take_earlier *earlier, struct err *e) {
  for (uint64_t unit = 0; unit < c->collection.parameters.bands * STEP_RANGES; unit++) {
    struct step_file *f;
    if (open_unit(c, unit, &f, e) != 0) return -1;
    int result = read_unit(c, f, member, earlier, e);
    step_file_close(f);
    if (result != 0 || end_bucket(c, e) != 0) return -1;
  }
  return 0;
}

static int mark(struct cluster *c, uint64_t document, bool first, struct err *e) {
  (void)first, (void)e;
  documents_set_add(&c->members, document);
  return 0;
}

static int mark_earlier(struct cluster *c, uint64_t document, uint64_t where, struct err *e) {
  (void)where;
  return mark(c, document, false, e);
}

static int take(struct cluster *c, uint64_t document, bool first, struct err *e) {
  if (first && end_bucket(c, e) != 0) return -1;
  if (!documents_set_has(&c->members, document)) return err_set(e, "the matches changed while they were read");
  GROW(c->bucket, c->bucket_capacity, c->bucket_count + 1);
  c->bucket[c->bucket_count++] = (uint32_t)documents_set_before(&c->members, document);
  return 0;
}

/* Index and number decide; equal places follow from them. */
static bool is_before(uint64_t a, uint64_t b) { return a >> 48 != b >> 48 ? a >> 48 < b >> 48 : (uint32_t)a < (uint32_t)b; }

static int keep_earlier(struct cluster *c, uint64_t document, uint64_t where, struct err *e) {
  if (!documents_set_has(&c->members, document)) return err_set(e, "the matches changed while they were read");
  uint64_t *at = &c->earlier[documents_set_before(&c->members, document)];
  if (*at == 0 || is_before(where, *at - 1)) *at = where + 1;
  return 0;
}

static int find_candidates(struct cluster *c, struct err *e) {
  if (documents_set_init(&c->members, c->collection.lines, e) != 0) return err_prefix(e, "%s/inputs.tsv", c->folders[0]);
  if (read_units(c, mark, mark_earlier, e) != 0) return -1;
  documents_set_close(&c->members);
  if (c->members.count >= UINT32_MAX)
    return err_set(e, "more than 4,294,967,294 documents share a key with another one: deduplicate the collection in parts, each against an index of those before");
  if (c->collection.earlier_count > 0) c->earlier = NEW_ARRAY(uint64_t, c->members.count + 1);
  if (read_units(c, take, keep_earlier, e) != 0) return -1;
  free(c->bucket);
  c->bucket = NULL;
  /* those that only an earlier index has are in no bucket */
  for (uint32_t i = 0; c->earlier && i < c->members.count; i++)
    if (c->earlier[i] && !candidates_has(c->candidates, i) && candidates_add_bucket(c->candidates, &i, 1, e) != 0) return -1;
  candidates_close(c->candidates, c->members.count);
  if (candidates_count(c->candidates) != c->members.count) return err_set(e, "the matches changed while they were read");
  return 0;
}

/* ---- sets of shingles, from the shards */

struct batch {
  struct document_batch in;
  struct buffer out;
};

struct packed { /* in batch.out: then the id, then the hashes, neither aligned */
  uint64_t text_length, id_length, count;
};

static int read_batch(void *context, void *batch, struct err *e) {
  return document_reader_next(((struct cluster *)context)->reader, &((struct batch *)batch)->in, e);
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  buffer_release(&b->out);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

static int collect_batch(void *context, int index, void *batch, struct err *e) {
  struct cluster *c = context;
  struct worker *w = &c->workers[index];
  struct batch *b = batch;
  const char *at = b->in.bytes.data, *end = at + b->in.bytes.len;
  struct document_batch one = {.input = b->in.input, .format = b->in.format}; /* only lines of candidates are parsed */
  buffer_clear(&b->out);
  for (uint64_t line = b->in.ordinal; at < end; line++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (line < c->shard->lines && documents_set_has(&c->members, c->shard->first + line)) {
      struct document document;
      size_t cursor = 0;
      buffer_clear(&one.bytes);
      buffer_append(&one.bytes, at, (size_t)(newline + 1 - at));
      if (document_next(&w->parser, &one, &cursor, &document, e) > 0) {
        const uint64_t *hashes;
        size_t count = signer_set(w->signer, document.text, &hashes);
        struct packed packed = {document.text.len, document.id.len, count};
        buffer_append(&b->out, &packed, sizeof packed);
        buffer_append_slice(&b->out, document.id);
        buffer_append(&b->out, hashes, count * sizeof *hashes);
        signer_shrink(w->signer);
      }
    }
    at = newline + 1;
  }
  document_batch_release(&one);
  return 0;
}

static int take_sets(void *context, void *batch, struct err *e) {
  struct cluster *c = context;
  struct batch *b = batch;
  for (size_t at = 0; at < b->out.len;) {
    struct packed packed;
    memcpy(&packed, b->out.data + at, sizeof packed);
    struct slice id = {b->out.data + at + sizeof packed, packed.id_length};
    GROW(c->hashes, c->hash_capacity, packed.count);
    if (packed.count) memcpy(c->hashes, id.data + id.len, packed.count * sizeof *c->hashes);
    at += sizeof packed + packed.id_length + packed.count * sizeof *c->hashes;
    if (candidates_put(c->candidates, id, packed.text_length, c->hashes, packed.count, e) != 0) return -1;
  }
  XXH3_64bits_update(c->content, b->in.bytes.data, b->in.bytes.len);
  c->lines += b->in.lines;
  progress_add(c->program->progress, b->in.raw_bytes, b->in.lines);
  return 0;
}

static int collect_texts(struct cluster *c, const struct shard *shard, struct err *e) {
  struct pipeline pipeline = {c, sizeof(struct batch), read_batch, collect_batch, take_sets, release_batch, weigh_batch, c->program->memory};
  char *const names[] = {shard->name};
  c->shard = shard;
  c->lines = 0;
  XXH3_64bits_reset(c->content);
  c->reader = document_reader_new(names, 1, NULL);
  int result = pipeline_run(&pipeline, (int)c->program->jobs, e);
  document_reader_free(c->reader);
  if (result == 0 && (c->lines != shard->lines || XXH3_64bits_digest(c->content) != shard->content))
    result = err_set(e, "%s: changed since it was sketched; sketch it again", shard->name);
  return result;
}

static int collect_signatures(struct cluster *c, const struct shard *shard, struct err *e) {
  const struct parameters *p = &c->collection.parameters;
  struct step_file *f;
  const void *records;
  size_t n, section = (size_t)p->bands * STEP_RANGES, places = (size_t)(p->bands * p->rows), size;
  if (step_file_open(&f, shard->sketch, STEP_SKETCH, e) != 0) return -1;
  const struct step_header *h = step_file_header(f);
  bool same = memcmp(&h->parameters, p, sizeof *p) == 0 && h->content == shard->content && step_file_count(f, section) == shard->lines;
  int more = same ? step_file_start(f, section, e) : err_set(e, "%s: is not the sketch that it was", shard->sketch);
  GROW(c->hashes, c->hash_capacity, places);
  size = signature_record_size(p);
  if (more == 0)
    for (uint64_t document = shard->first; (more = step_file_next(f, &records, &n, e)) > 0;)
      for (size_t i = 0; i < n && more > 0; i++, document++) {
        const unsigned char *record = (const unsigned char *)records + i * size;
        if (!documents_set_has(&c->members, document)) continue;
        signature_record_set(p, record, c->hashes);
        if (candidates_put(c->candidates, SLICE(""), signature_record_length(p, record), c->hashes, places, e) != 0) more = -1;
      }
  progress_add(c->program->progress, shard->lines * size, shard->lines);
  step_file_close(f);
  return more < 0 ? -1 : 0;
}

static int collect(struct cluster *c, struct err *e) {
  const struct parameters *p = &c->collection.parameters;
  int jobs = (int)c->program->jobs, result = 0;
  permutations_init(&c->permutations, (enum signature_kind)(p->hashes & 255), (int)p->bands, (int)p->rows, p->seed);
  c->workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) c->workers[i].signer = signer_new(&c->permutations, (int)p->ngram);
  c->content = XXH3_createState();
  for (size_t i = 0; i < c->collection.count && result == 0; i++) {
    const struct shard *shard = &c->collection.shards[i];
    if (documents_set_before(&c->members, shard->first) == documents_set_before(&c->members, shard->first + shard->lines)) continue;
    result = c->by_signature ? collect_signatures(c, shard, e) : collect_texts(c, shard, e);
  }
  XXH3_freeState(c->content);
  for (int i = 0; i < jobs; i++) {
    document_parser_release(&c->workers[i].parser);
    signer_free(c->workers[i].signer);
  }
  free(c->workers);
  permutations_release(&c->permutations);
  return result;
}

/* ---- the list */

/* earlier[kept]: that of the component's first document that has one. */
static void spread_earlier(struct cluster *c) {
  if (!c->earlier || c->options->connect_earlier) return;
  uint64_t *of = NEW_ARRAY(uint64_t, c->members.count + 1);
  for (size_t i = 0; i < c->members.count; i++) {
    size_t kept = candidates_kept(c->candidates, i);
    if (of[kept] == 0) of[kept] = c->earlier[i];
  }
  free(c->earlier);
  c->earlier = of;
}

static void put_id(struct cluster *c, struct buffer *row, struct slice id, uint64_t document) {
  const struct shard *shard = collection_shard_of(&c->collection, document);
  if (id.len) {
    document_escape(row, id);
    return;
  }
  document_escape(row, slice_of(shard->name));
  buffer_printf(row, ":%llu", (unsigned long long)(document - shard->first + 1));
}

static void put_similarity(const struct cluster *c, struct buffer *row, double similarity) {
  char number[NUMBER_TEXT];
  const struct parameters *p = &c->collection.parameters;
  if (c->by_signature) similarity = signature_record_jaccard(p, signature_record_set_equal(p, similarity));
  buffer_append_string(row, number_format(similarity, number));
}

/* The row of a removed document; its candidate's number, the kept one's, and where an earlier index has the component. */
static int make_row(struct cluster *c, struct buffer *row, uint64_t document, size_t candidate, size_t kept, uint64_t kept_document, uint64_t where,
    struct err *e) {
  struct slice id, kept_id;
  double similarity;
  if (candidates_compare(c->candidates, candidate, where ? candidate : kept, &id, &kept_id, &similarity, e) != 0) return -1;
  buffer_clear(row);
  struct buffer name = {0};
  if (where) {
    document_escape(&name, slice_of(c->collection.earlier[(where - 1) >> 48].name));
    buffer_printf(&name, ":%llu", (unsigned long long)(uint32_t)(where - 1) + 1);
  } else {
    put_id(c, &name, kept_id, kept_document);
  }
  buffer_append_slice(row, buffer_slice(&name));
  buffer_put(row, '\t');
  buffer_append_slice(row, buffer_slice(&name));
  buffer_put(row, '\t');
  buffer_release(&name);
  put_id(c, row, id, document);
  buffer_put(row, '\t');
  if (!where) put_similarity(c, row, similarity);
  const struct shard *shard = collection_shard_of(&c->collection, document);
  buffer_put(row, '\t');
  document_escape(row, slice_of(shard->name));
  buffer_printf(row, "\t%llu\n", (unsigned long long)(document - shard->first + 1));
  return 0;
}

/* The document of each candidate, for those that are kept: the inverse of documents_set_before(), by halving. */
static uint64_t document_of(const struct documents_set *s, uint64_t candidate) {
  uint64_t low = 0, high = s->size; /* the largest with as many before it is at or after the document */
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (documents_set_before(s, middle + 1) > candidate) high = middle;
    else low = middle + 1;
  }
  return low;
}

static int write_shard(struct cluster *c, struct output *out, struct shard *shard, XXH3_state_t *hash, struct err *e) {
  struct buffer row = {0};
  int result = 0;
  uint64_t end = shard->first + shard->lines;
  shard->offset = output_written(out);
  shard->rows = 0;
  XXH3_64bits_reset(hash);
  for (uint64_t next = shard->first; result == 0;) {
    uint64_t document = documents_set_next(&c->members, next);
    if (document >= end) break;
    next = document + 1;
    size_t candidate = (size_t)documents_set_before(&c->members, document), kept = candidates_kept(c->candidates, candidate);
    uint64_t where = c->earlier ? c->earlier[c->earlier[candidate] ? candidate : kept] : 0;
    if (kept == candidate && !where) continue;
    c->removed++;
    c->removed_earlier += where != 0;
    shard->rows++;
    result = make_row(c, &row, document, candidate, kept, where ? 0 : document_of(&c->members, kept), where, e);
    XXH3_64bits_update(hash, row.data, row.len);
    if (result == 0) result = output_write(out, row.data, row.len, e);
  }
  shard->hash = XXH3_64bits_digest(hash);
  buffer_release(&row);
  return result;
}

static int write_list(struct cluster *c, struct output *out, struct err *e) {
  struct buffer text = {0};
  XXH3_state_t *hash = XXH3_createState();
  int result = output_write(out, collection_columns, strlen(collection_columns), e);
  for (size_t i = 0; i < c->collection.count && result == 0; i++) result = write_shard(c, out, &c->collection.shards[i], hash, e);
  collection_text(&c->collection, output_written(out), &text);
  if (result == 0) result = output_write(out, text.data, text.len, e);
  XXH3_freeState(hash);
  buffer_release(&text);
  return result;
}

/* ---- the whole step */

static int read_inputs(struct cluster *c, struct err *e) {
  struct buffer path = {0};
  uint64_t rows;
  int result = 0;
  for (int i = 0; i < c->folder_count && result == 0; i++) {
    struct collection other = {0};
    buffer_clear(&path);
    buffer_printf(&path, "%s/inputs.tsv", c->folders[i]);
    result = collection_read(i == 0 ? &c->collection : &other, buffer_string(&path), &rows, e);
    if (result == 0 && i > 0 && collection_identity(&other) != collection_identity(&c->collection))
      result = err_set(e, "%s and %s: matches of different sketches, indexes or parameters", c->folders[0], c->folders[i]);
    collection_release(&other);
  }
  buffer_release(&path);
  c->identity = collection_identity(&c->collection);
  if (result == 0 && c->collection.earlier_count > 0 && c->collection.verify != c->options->verify)
    result = err_usage(e, "--verify %g: what earlier indexes have was matched with --verify %g", c->options->verify, c->collection.verify);
  if (result == 0 && c->collection.parameters.hashes >> 8 != STEP_HASHES) result = err_set(e, "%s: made by another version of this program", c->folders[0]);
  return result;
}

static void count(struct cluster *c) {
  struct stats *s = c->program->stats;
  struct candidate_counts n = candidates_counts(c->candidates);
  uint64_t in = c->collection.documents;
  stats_flow(s, in, in - c->removed, c->removed, 0);
  stats_int(s, "candidates", (int64_t)n.candidates);
  stats_int(s, "buckets", (int64_t)n.buckets);
  stats_int(s, "pairs_compared", (int64_t)n.compared);
  stats_int(s, "pairs_alike", (int64_t)n.alike);
  stats_int(s, "clusters", (int64_t)n.clusters);
  stats_int(s, "removed_earlier", (int64_t)c->removed_earlier);
  char all[NUMBER_TEXT], removed[NUMBER_TEXT], earlier[NUMBER_TEXT];
  program_verbose(c->program, "%s of %s documents to be removed, %s of them for earlier indexes", number_thousands(c->removed, removed),
      number_thousands(in, all), number_thousands(c->removed_earlier, earlier));
}

static int run(struct cluster *c, struct err *e) {
  struct output *out;
  const struct parameters *p = &c->collection.parameters;
  if (read_inputs(c, e) != 0 || find_candidates(c, e) != 0 || collect(c, e) != 0) return -1;
  double least = c->options->verify;
  if (c->by_signature && least > 0) least = signature_record_set_least(p, signature_record_least(p, least));
  if (c->options->connect_earlier) candidates_connect_earlier(c->candidates);
  if (candidates_connect(c->candidates, least, c->options->keep_longest, e) != 0) return -1;
  spread_earlier(c);
  c->collection.verify = c->options->verify;
  if (output_open(&out, c->program->output, 0, e) != 0) return -1;
  if (write_list(c, out, e) != 0) {
    output_abort(out);
    return -1;
  }
  count(c);
  return output_commit(out, e);
}

int cluster_run(struct program *p, const struct steps_options *o, char *const *matches, int count, struct err *e) {
  struct cluster c = {.program = p, .options = o, .folders = matches, .folder_count = count, .by_signature = o->compare == COMPARE_SIGNATURE};
  if (count == 0) return err_usage(e, "cluster: no matches are named");
  c.candidates = candidates_new((size_t)p->memory, p->tmpdir);
  int result = run(&c, e);
  candidates_free(c.candidates);
  documents_set_release(&c.members);
  collection_release(&c.collection);
  free(c.earlier);
  free(c.bucket);
  free(c.hashes);
  return result;
}
