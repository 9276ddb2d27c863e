/* SPDX-License-Identifier: MIT
 *
 * Reading fastText models; see fasttext.h for the file.  Nothing that the file says of sizes is believed before the
 * bytes are there.
 */
#include "common/text/fasttext.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

struct cursor {
  const uint8_t *at, *end;
  bool mapped; /* a file's mapping that stays as long as the model wants it */
};

static bool take(struct cursor *c, void *to, size_t n) {
  if ((size_t)(c->end - c->at) < n) return false;
  if (n) memcpy(to, c->at, n);
  c->at += n;
  return true;
}

/* `count` things of `size` bytes each are there (no overflow: counts are below 2^63). */
static bool holds(const struct cursor *c, uint64_t count, size_t size) { return count <= (uint64_t)(c->end - c->at) / size; }

static int cut(struct err *e, const char *where) { return err_set(e, "the fastText model ends in the middle of its %s", where); }

static bool all_finite(const void *values, size_t n) { /* at any address */
  uint32_t bad = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, (const char *)values + i * sizeof bits, sizeof bits);
    bad |= (bits & 0x7F800000) == 0x7F800000; /* infinite or not a number */
  }
  return !bad;
}

static int not_finite(struct err *e, const char *name) { return err_set(e, "the fastText model's %s holds a value that is not finite", name); }

static int read_args(struct cursor *c, struct fasttext *m, struct err *e) {
  int32_t magic, version;
  if (!take(c, &magic, 4) || !take(c, &version, 4) || magic != FASTTEXT_MAGIC) return err_set(e, "not a fastText model");
  if (version < 11 || version > FASTTEXT_VERSION) return err_set(e, "fastText model of version %d; 11 and 12 can be read", version);
  struct fasttext_args *a = &m->args;
  if (!take(c, a, 12 * sizeof(int32_t)) || !take(c, &a->t, sizeof a->t)) return cut(e, "arguments");
  if (version == 11 && a->model == FASTTEXT_SUPERVISED) a->maxn = 0; /* as the reference: old models had no subwords */
  if (a->model != FASTTEXT_SUPERVISED) return err_set(e, "the fastText model holds word vectors, not a classifier");
  if (a->loss < FASTTEXT_HIERARCHICAL || a->loss > FASTTEXT_ONE_VS_ALL) return err_set(e, "the fastText model was trained with an unknown loss (%d)", a->loss);
  if (a->dim < 1 || a->bucket < 0 || a->word_ngrams < 0 || a->minn < 0) return err_set(e, "the fastText model's arguments make no sense (dim %d, bucket %d)", a->dim, a->bucket);
  if (a->maxn > FASTTEXT_MAXN) return err_set(e, "the fastText model uses character n-grams of %d; at most %d can be read", a->maxn, FASTTEXT_MAXN);
  if ((a->maxn > 0 || a->word_ngrams > 1) && a->bucket == 0) return err_set(e, "the fastText model has n-grams but no buckets for them");
  return 0;
}

static int read_pairs(struct cursor *c, struct fasttext *m, struct err *e) {
  if (!holds(c, (uint64_t)m->pair_count, sizeof *m->pairs)) return cut(e, "dictionary");
  m->pairs = NEW_ARRAY(struct fasttext_pair, (size_t)m->pair_count + 1);
  take(c, m->pairs, (size_t)m->pair_count * sizeof *m->pairs);
  for (int64_t i = 0; i < m->pair_count; i++) {
    struct fasttext_pair p = m->pairs[i];
    if (p.bucket < 0 || p.bucket >= m->args.bucket || p.row < 0 || p.row >= m->pair_count) return err_set(e, "the pruned fastText model has no bucket %d or no row %d for it", p.bucket, p.row);
  }
  return 0;
}

static int read_dictionary(struct cursor *c, struct fasttext *m, struct err *e) {
  int32_t size;
  int64_t pruned;
  if (!take(c, &size, 4) || !take(c, &m->words, 4) || !take(c, &m->labels, 4) || !take(c, &m->tokens, 8) || !take(c, &pruned, 8)) return cut(e, "dictionary");
  if (m->words < 0 || m->labels < 1 || (int64_t)m->words + m->labels != size || pruned < -1) return err_set(e, "the fastText model's dictionary makes no sense (%d words, %d labels, %d entries)", m->words, m->labels, size);
  m->pruned = pruned >= 0;
  m->pair_count = m->pruned ? pruned : 0;
  if (m->pruned && m->args.bucket > FASTTEXT_PRUNED_BUCKETS) return err_set(e, "the pruned fastText model has %d buckets; at most %d can be read", m->args.bucket, FASTTEXT_PRUNED_BUCKETS);
  if (!holds(c, (uint64_t)size, 10)) return cut(e, "dictionary"); /* an entry has at least ten bytes */
  m->entries = NEW_ARRAY(struct fasttext_entry, (size_t)size);
  const uint8_t *start = c->at;
  size_t bytes = 0;
  for (int pass = 0; pass < 2; pass++) { /* measure, then copy */
    c->at = start;
    if (pass) m->strings = MALLOC(bytes + 1);
    char *to = m->strings;
    for (int32_t i = 0; i < size; i++) {
      const uint8_t *nul = memchr(c->at, 0, (size_t)(c->end - c->at));
      if (!nul) return cut(e, "dictionary");
      size_t n = (size_t)(nul - c->at);
      struct fasttext_entry *entry = &m->entries[i];
      if (pass) {
        memcpy(to, c->at, n);
        entry->text = (struct slice){to, n};
        entry->hash = fasttext_hash(to, n);
        to += n;
      }
      bytes += pass ? 0 : n;
      c->at = nul + 1;
      int8_t type;
      if (!take(c, &entry->count, 8) || !take(c, &type, 1)) return cut(e, "dictionary");
      if (type != (i >= m->words)) return err_set(e, "the fastText model's dictionary does not hold its words first, then its labels");
    }
  }
  int64_t total = 0; /* the tree is built from the counts: 1e15 stands for a node to come, and sums must not overflow */
  for (int32_t i = m->words; m->args.loss == FASTTEXT_HIERARCHICAL && i < size; i++) {
    int64_t count = m->entries[i].count;
    if (count < 0 || count >= 1000000000000000 || (total += count) >= 1000000000000000) return err_set(e, "the fastText model's counts of labels make no sense");
  }
  return m->pair_count ? read_pairs(c, m, e) : 0;
}

/* Rows are read at random: larger pages, fewer TLB misses. */
static float *new_matrix(size_t bytes) {
  float *matrix = ALIGNED(64, (bytes + 63) / 64 * 64 + 64);
#ifdef MADV_HUGEPAGE
  if (bytes > 4 << 20) {
    uintptr_t page = ((uintptr_t)matrix + 4095) & ~(uintptr_t)4095;
    madvise((void *)page, bytes - (page - (uintptr_t)matrix), MADV_HUGEPAGE);
  }
#endif
  return matrix;
}

static int read_shape(struct cursor *c, const char *name, int64_t rows, int64_t columns, struct err *e) {
  int64_t m, n;
  if (!take(c, &m, 8) || !take(c, &n, 8)) return cut(e, name);
  if (m != rows || n != columns) return err_set(e, "the fastText model's %s is %lld x %lld, not %lld x %lld", name, (long long)m, (long long)n, (long long)rows, (long long)columns);
  return 0;
}

/* A large matrix of a mapped file is left there (`*mapped`): nothing to copy, and processes share it.  Its values are not
 * checked here, which would take longer than many a text: see read_hidden() in fasttext_predict.c. */
static int read_dense(struct cursor *c, const char *name, int64_t rows, int64_t columns, float **matrix, const char **mapped, struct err *e) {
  if (read_shape(c, name, rows, columns, e) != 0) return -1;
  if (!holds(c, (uint64_t)rows, (size_t)columns * sizeof(float))) return cut(e, name);
  size_t values = (size_t)rows * (size_t)columns, bytes = values * sizeof **matrix;
  if (c->mapped && mapped && bytes > FASTTEXT_COPIED) {
    *mapped = (const char *)c->at;
    c->at += bytes;
    return 0;
  }
  if (!all_finite(c->at, values)) return not_finite(e, name);
  *matrix = new_matrix(bytes);
  take(c, *matrix, bytes);
  return 0;
}

static int read_quantiser(struct cursor *c, const char *name, int64_t columns, struct fasttext_codes *q, struct err *e) {
  int32_t shape[4];
  if (!take(c, shape, sizeof shape)) return cut(e, name);
  int32_t dsub = shape[2];
  if (shape[0] != columns || dsub < 1 || shape[1] != (columns + dsub - 1) / dsub || shape[3] != columns - (shape[1] - 1) * (int64_t)dsub) return err_set(e, "the quantiser of the fastText model's %s makes no sense (dim %d, %d parts of %d, the last of %d)", name, shape[0], shape[1], dsub, shape[3]);
  if (!holds(c, (uint64_t)columns, FASTTEXT_CENTROIDS * sizeof(float))) return cut(e, name);
  q->dim = shape[0];
  q->parts = shape[1];
  q->dsub = dsub;
  q->last = shape[3];
  size_t values = (size_t)columns * FASTTEXT_CENTROIDS;
  q->centroids = MALLOC(values * sizeof(float));
  take(c, q->centroids, values * sizeof(float));
  return all_finite(q->centroids, values) ? 0 : not_finite(e, name);
}

static int read_codes(struct cursor *c, const char *name, int64_t rows, int64_t columns, struct fasttext_codes **codes, struct err *e) {
  uint8_t norms;
  int32_t size;
  if (!take(c, &norms, 1)) return cut(e, name);
  if (read_shape(c, name, rows, columns, e) != 0) return -1;
  if (!take(c, &size, 4)) return cut(e, name);
  if (size < 0 || (rows ? size % rows != 0 || size / rows > columns : size != 0)) return err_set(e, "the fastText model's %s has %d codes for %lld rows", name, size, (long long)rows);
  if (!holds(c, (uint64_t)size, 1)) return cut(e, name);
  struct fasttext_codes *q = *codes = NEW(struct fasttext_codes);
  q->rows = rows;
  q->codes = MALLOC((size_t)size + 1);
  take(c, q->codes, (size_t)size);
  if (read_quantiser(c, name, columns, q, e) != 0) return -1;
  if ((int64_t)q->parts * rows != size) return err_set(e, "the fastText model's %s has %d codes for %lld rows", name, size, (long long)rows);
  if (!norms) return 0;
  if (!holds(c, (uint64_t)rows, 1)) return cut(e, name);
  q->norm_codes = MALLOC((size_t)rows + 1);
  take(c, q->norm_codes, (size_t)rows);
  struct fasttext_codes of_norms = {0};
  int result = read_quantiser(c, name, 1, &of_norms, e);
  if (result == 0) memcpy(q->norms, of_norms.centroids, sizeof q->norms);
  free(of_norms.centroids);
  return result;
}

float fasttext_codes_row(const struct fasttext_codes *c, int64_t r, float *row) {
  const uint8_t *code = c->codes + (size_t)r * (size_t)c->parts;
  const float *part = c->centroids;
  for (int32_t p = 0; p < c->parts; p++) {
    size_t width = (size_t)(p == c->parts - 1 ? c->last : c->dsub);
    memcpy(row, part + code[p] * width, width * sizeof *row);
    row += width;
    part += FASTTEXT_CENTROIDS * width;
  }
  return c->norm_codes ? c->norms[c->norm_codes[r]] : 1;
}

/* The products norm x centroid are rounded here as they are when the reference adds them, so that sums are equal. */
static float *decode(const struct fasttext_codes *c, bool with_norms) {
  size_t dim = (size_t)c->dim;
  float *matrix = new_matrix((size_t)c->rows * dim * sizeof *matrix);
  for (int64_t r = 0; r < c->rows; r++) {
    float *row = matrix + (size_t)r * dim, norm = fasttext_codes_row(c, r, row);
    for (size_t d = 0; with_norms && d < dim; d++) row[d] *= norm;
  }
  return matrix;
}

void fasttext_decode(struct fasttext *m) {
  uint64_t most = FASTTEXT_DECODED / sizeof(float) / (uint64_t)m->args.dim;
  if (m->input_codes && !m->input && (uint64_t)m->input_codes->rows <= most) m->input = decode(m->input_codes, true);
  if (m->output_codes && !m->output && (uint64_t)m->output_codes->rows <= most) m->output = decode(m->output_codes, false);
}

static int read_matrices(struct cursor *c, struct fasttext *m, struct err *e) {
  uint8_t input_quantised, output_quantised;
  int64_t rows = m->words + (m->pruned ? m->pair_count : m->args.bucket), dim = m->args.dim;
  if (!take(c, &input_quantised, 1)) return cut(e, "input matrix");
  if (input_quantised ? read_codes(c, "input matrix", rows, dim, &m->input_codes, e) : read_dense(c, "input matrix", rows, dim, &m->input, &m->mapped_input, e)) return -1;
  if (!input_quantised && m->pruned) return err_set(e, "the fastText model's dictionary is pruned, but its input matrix is not quantised");
  if (!take(c, &output_quantised, 1)) return cut(e, "output matrix");
  bool quantised = input_quantised && output_quantised;
  if (quantised ? read_codes(c, "output matrix", m->labels, dim, &m->output_codes, e) : read_dense(c, "output matrix", m->labels, dim, &m->output, NULL, e)) return -1;
  fasttext_decode(m);
  return 0;
}

static struct fasttext *parse(const void *data, size_t size, bool mapped, struct err *e) {
  struct cursor c = {data, (const uint8_t *)data + size, mapped};
  struct fasttext *m = NEW(struct fasttext);
  if (read_args(&c, m, e) == 0 && read_dictionary(&c, m, e) == 0 && read_matrices(&c, m, e) == 0) {
    fasttext_index(m);
    return m;
  }
  fasttext_free(m);
  return NULL;
}

struct fasttext *fasttext_parse(const void *data, size_t size, struct err *e) { return parse(data, size, false, e); }

struct fasttext *fasttext_load(const char *path, struct err *e) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    err_errno(e, "%s", path);
    if (fd >= 0) close(fd);
    return NULL;
  }
  struct fasttext *m = NULL;
  if (!S_ISREG(st.st_mode)) {
    err_set(e, "%s: not a regular file", path);
  } else if (st.st_size == 0) {
    err_set(e, "%s: not a fastText model", path);
  } else {
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
      err_errno(e, "%s", path);
    } else {
      m = parse(data, (size_t)st.st_size, true, e);
      if (!m) err_prefix(e, "%s", path);
      if (m && m->mapped_input) {
        m->mapping = data;
        m->mapping_size = (size_t)st.st_size;
        madvise(data, (size_t)st.st_size, MADV_WILLNEED); /* from the disk in one go */
      } else {
        munmap(data, (size_t)st.st_size);
      }
    }
  }
  close(fd);
  return m;
}

void fasttext_codes_free(struct fasttext_codes *c) {
  if (!c) return;
  free(c->codes);
  free(c->centroids);
  free(c->norm_codes);
  free(c);
}

void fasttext_free(struct fasttext *m) {
  if (!m) return;
  free(m->pairs);
  free(m->entries);
  free(m->strings);
  free(m->input);
  free(m->output);
  fasttext_codes_free(m->input_codes);
  fasttext_codes_free(m->output_codes);
  free(m->slots);
  free(m->subwords);
  free(m->subword_start);
  free(m->pair_bits);
  free(m->pair_ranks);
  free(m->pair_rows);
  free(m->tree);
  if (m->mapping) munmap(m->mapping, m->mapping_size);
  free(m);
}
