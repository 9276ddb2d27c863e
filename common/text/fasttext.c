/* SPDX-License-Identifier: MIT
 *
 * Reading fastText models and predicting with them; see fasttext.h for the file and the model.
 *
 * Equal scores need what the reference does, including its oddities: FNV-1a over sign-extended bytes; n-grams of one
 * character are left out at both ends of <word>; word n-grams multiply 64-bit but add the 32-bit hashes with their
 * sign; a token </s> in the text ends it; an unknown token that starts like a label is skipped; the logarithm taken
 * for the report adds 1e-5.
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

#define LABEL_PREFIX "__label__"
static const struct slice label_prefix = {LABEL_PREFIX, sizeof LABEL_PREFIX - 1};
static const struct slice end_of_line = {"</s>", 4};

enum { CACHED_SUBWORDS = 64 << 20, CACHED_WORD = 1024 }; /* limits of the cache of character n-grams */
enum { FLUSH = 8192 };

/* ---- reading */

struct cursor {
  const uint8_t *at, *end;
};

static bool take(struct cursor *c, void *to, size_t n) {
  if ((size_t)(c->end - c->at) < n) return false;
  memcpy(to, c->at, n);
  c->at += n;
  return true;
}

static int cut(struct err *e, const char *where) { return err_set(e, "the fastText model ends in the middle of its %s", where); }

static int read_args(struct cursor *c, struct fasttext *m, struct err *e) {
  int32_t magic, version;
  if (!take(c, &magic, 4) || !take(c, &version, 4) || magic != FASTTEXT_MAGIC) return err_set(e, "not a fastText model");
  if (version < 11 || version > FASTTEXT_VERSION) return err_set(e, "fastText model of version %d; 11 and 12 can be read", version);
  struct fasttext_args *a = &m->args;
  if (!take(c, a, 12 * sizeof(int32_t)) || !take(c, &a->t, sizeof a->t)) return cut(e, "arguments");
  if (version == 11 && a->model == FASTTEXT_SUPERVISED) a->maxn = 0; /* as the reference: old models had no subwords */
  if (a->model != FASTTEXT_SUPERVISED) return err_set(e, "the fastText model holds word vectors, not a classifier");
  if (a->loss != FASTTEXT_SOFTMAX) return err_set(e, "the fastText model was trained with %s loss; only softmax can be read", a->loss == FASTTEXT_HIERARCHICAL ? "hierarchical softmax (hs)" : a->loss == FASTTEXT_NEGATIVE ? "negative sampling (ns)" : a->loss == FASTTEXT_ONE_VS_ALL ? "one-vs-all (ova)" : "an unknown");
  if (a->dim < 1 || a->bucket < 0 || a->word_ngrams < 0 || a->minn < 0) return err_set(e, "the fastText model's arguments make no sense (dim %d, bucket %d)", a->dim, a->bucket);
  if (a->maxn > FASTTEXT_MAXN) return err_set(e, "the fastText model uses character n-grams of %d; at most %d can be read", a->maxn, FASTTEXT_MAXN);
  if ((a->maxn > 0 || a->word_ngrams > 1) && a->bucket == 0) return err_set(e, "the fastText model has n-grams but no buckets for them");
  return 0;
}

static int read_dictionary(struct cursor *c, struct fasttext *m, struct err *e) {
  int32_t size;
  int64_t prune_size;
  if (!take(c, &size, 4) || !take(c, &m->words, 4) || !take(c, &m->labels, 4) || !take(c, &m->tokens, 8) || !take(c, &prune_size, 8)) return cut(e, "dictionary");
  if (m->words < 0 || m->labels < 1 || (int64_t)m->words + m->labels != size) return err_set(e, "the fastText model's dictionary makes no sense (%d words, %d labels, %d entries)", m->words, m->labels, size);
  if (prune_size > 0) return err_set(e, "the fastText model is pruned and quantised (.ftz); only .bin models can be read");
  m->no_subwords = prune_size == 0;
  if ((size_t)size > (size_t)(c->end - c->at) / 10) return cut(e, "dictionary"); /* an entry has at least ten bytes */
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
  return 0;
}

static int read_matrix(struct cursor *c, const char *name, int64_t rows, int64_t columns, float **matrix, struct err *e) {
  uint8_t quantised;
  int64_t m, n;
  if (!take(c, &quantised, 1)) return cut(e, name);
  if (quantised) return err_set(e, "the fastText model is quantised (.ftz); only .bin models can be read");
  if (!take(c, &m, 8) || !take(c, &n, 8)) return cut(e, name);
  if (m != rows || n != columns) return err_set(e, "the fastText model's %s is %lld x %lld, not %lld x %lld", name, (long long)m, (long long)n, (long long)rows, (long long)columns);
  if ((uint64_t)m > (uint64_t)(c->end - c->at) / 4 / (uint64_t)n) return cut(e, name);
  size_t bytes = (size_t)m * (size_t)n * sizeof **matrix;
  *matrix = ALIGNED(64, (bytes + 63) / 64 * 64 + 64);
#ifdef MADV_HUGEPAGE
  if (bytes > 4 << 20) {
    uintptr_t page = ((uintptr_t)*matrix + 4095) & ~(uintptr_t)4095;
    madvise((void *)page, bytes - (page - (uintptr_t)*matrix), MADV_HUGEPAGE); /* rows are read at random: fewer TLB misses */
  }
#endif
  take(c, *matrix, bytes);
  for (size_t i = 0; i < bytes / sizeof **matrix; i++)
    if (!isfinite((*matrix)[i])) return err_set(e, "the fastText model's %s holds a value that is not finite", name);
  return 0;
}

struct fasttext *fasttext_parse(const void *data, size_t size, struct err *e) {
  struct cursor c = {data, (const uint8_t *)data + size};
  struct fasttext *m = NEW(struct fasttext);
  if (read_args(&c, m, e) == 0 && read_dictionary(&c, m, e) == 0 &&
      read_matrix(&c, "input matrix", (int64_t)m->words + m->args.bucket, m->args.dim, &m->input, e) == 0 &&
      read_matrix(&c, "output matrix", m->labels, m->args.dim, &m->output, e) == 0) {
    fasttext_index(m);
    return m;
  }
  fasttext_free(m);
  return NULL;
}

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
      madvise(data, (size_t)st.st_size, MADV_SEQUENTIAL);
      m = fasttext_parse(data, (size_t)st.st_size, e);
      if (!m) err_prefix(e, "%s", path);
      munmap(data, (size_t)st.st_size);
    }
  }
  close(fd);
  return m;
}

void fasttext_free(struct fasttext *m) {
  if (!m) return;
  free(m->entries);
  free(m->strings);
  free(m->input);
  free(m->output);
  free(m->slots);
  free(m->subwords);
  free(m->subword_start);
  free(m);
}

/* ---- dictionary */

uint32_t fasttext_hash(const char *text, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (uint32_t)(int8_t)text[i]) * 16777619u;
  return h;
}

int64_t fasttext_find(const struct fasttext *m, const char *text, size_t n, uint32_t hash) {
  for (uint32_t slot = hash & m->slot_mask; m->slots[slot]; slot = (slot + 1) & m->slot_mask) {
    const struct fasttext_entry *entry = &m->entries[m->slots[slot] - 1];
    if (entry->hash == hash && entry->text.len == n && memcmp(entry->text.data, text, n) == 0) return m->slots[slot] - 1;
  }
  return -1;
}

struct slice fasttext_label(const struct fasttext *m, int32_t label) {
  struct slice s = m->entries[m->words + label].text;
  if (slice_starts(s, label_prefix)) s = (struct slice){s.data + label_prefix.len, s.len - label_prefix.len};
  return s;
}

int32_t fasttext_label_index(const struct fasttext *m, struct slice name) {
  for (int32_t i = 0; i < m->labels; i++)
    if (slice_equal(fasttext_label(m, i), name) || slice_equal(m->entries[m->words + i].text, name)) return i;
  return -1;
}

static inline void push(struct fasttext_line *line, uint32_t id) {
  GROW(line->ids, line->capacity, line->count + 1);
  line->ids[line->count++] = id;
}

static inline uint32_t in_bucket(const struct fasttext *m, uint32_t hash) { /* hash % bucket (Lemire, Kaser, Kurz 2019) */
  return (uint32_t)((unsigned __int128)(m->bucket_inverse * hash) * (uint32_t)m->args.bucket >> 64);
}

static inline uint32_t next_hash(uint32_t h, char byte) { return (h ^ (uint32_t)(int8_t)byte) * 16777619u; }

static inline bool continues(char byte) { return (byte & 0xC0) == 0x80; }

/* Rows of the character n-grams of <token>.  The brackets are not stored: position 0 is '<', n + 1 is '>'. */
static void add_subwords(const struct fasttext *m, struct slice token, struct fasttext_line *line) {
  int minn = m->args.minn, maxn = m->args.maxn;
  if (m->no_subwords || maxn <= 0) return;
  size_t end = token.len + 2;
#define AT(k) ((k) == 0 ? '<' : (k) == end - 1 ? '>' : token.data[(k) - 1])
  for (size_t i = 0; i < end; i++) {
    if (continues(AT(i))) continue;
    uint32_t h = 2166136261u;
    size_t j = i;
    for (int n = 1; j < end && n <= maxn; n++) {
      h = next_hash(h, AT(j));
      for (j++; j < end && continues(AT(j)); j++) h = next_hash(h, AT(j));
      if (n >= minn && !(n == 1 && (i == 0 || j == end))) push(line, (uint32_t)m->words + in_bucket(m, h));
    }
    if (line->flush && line->count >= FLUSH) line->flush(line, line->context);
  }
#undef AT
}

void fasttext_index(struct fasttext *m) {
  size_t entries = (size_t)m->words + (size_t)m->labels, slots = 16;
  while (slots < entries * 2) slots *= 2;
  free(m->slots);
  m->slots = NEW_ARRAY(uint32_t, slots);
  m->slot_mask = (uint32_t)slots - 1;
  for (size_t i = 0; i < entries; i++) {
    uint32_t slot = m->entries[i].hash & m->slot_mask;
    while (m->slots[slot]) slot = (slot + 1) & m->slot_mask;
    m->slots[slot] = (uint32_t)i + 1;
  }
  m->bucket_inverse = m->args.bucket ? UINT64_MAX / (uint64_t)m->args.bucket + 1 : 0;
  if (m->args.maxn <= 0) return;
  struct fasttext_line line = {0};
  free(m->subword_start);
  m->subword_start = NEW_ARRAY(size_t, (size_t)m->words + 1);
  for (int32_t w = 0; w < m->words; w++) {
    m->subword_start[w] = line.count;
    struct slice text = m->entries[w].text;
    if (text.len > CACHED_WORD || line.count > CACHED_SUBWORDS) continue;
    push(&line, (uint32_t)w);
    if (!slice_equal(text, end_of_line)) add_subwords(m, text, &line);
  }
  m->subword_start[m->words] = line.count;
  free(m->subwords);
  m->subwords = line.ids;
}

/* ---- lines */

static const bool separator[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true, ['\v'] = true, ['\f'] = true, [0] = true};

/* False when the token ends the line. */
static bool add_token(const struct fasttext *m, struct slice token, struct fasttext_line *line, bool keep_hashes) {
  uint32_t hash = fasttext_hash(token.data, token.len);
  bool is_end = slice_equal(token, end_of_line);
  int64_t id = fasttext_find(m, token.data, token.len, hash);
  bool is_label = id < 0 ? slice_starts(token, label_prefix) : id >= m->words;
  if (is_label) return !is_end;
  if (id < 0) {
    if (!is_end) add_subwords(m, token, line);
  } else if (m->args.maxn <= 0) {
    push(line, (uint32_t)id);
  } else {
    size_t start = m->subword_start[id], count = m->subword_start[id + 1] - start;
    if (count == 0) { /* not cached */
      push(line, (uint32_t)id);
      if (!is_end) add_subwords(m, token, line);
    } else {
      GROW(line->ids, line->capacity, line->count + count);
      memcpy(line->ids + line->count, m->subwords + start, count * sizeof *line->ids);
      line->count += count;
    }
  }
  if (keep_hashes) {
    GROW(line->hashes, line->hash_capacity, line->hash_count + 1);
    line->hashes[line->hash_count++] = (int32_t)hash;
  }
  if (line->flush && line->count >= FLUSH) line->flush(line, line->context);
  return !is_end;
}

static void add_word_ngrams(const struct fasttext *m, struct fasttext_line *line) {
  if (m->no_subwords) return;
  size_t n = (size_t)m->args.word_ngrams;
  for (size_t i = 0; i < line->hash_count; i++) {
    uint64_t h = (uint64_t)(int64_t)line->hashes[i];
    for (size_t j = i + 1; j < line->hash_count && j < i + n; j++) {
      h = h * 116049371u + (uint64_t)(int64_t)line->hashes[j];
      push(line, (uint32_t)m->words + (uint32_t)(h % (uint64_t)m->args.bucket));
    }
    if (line->flush && line->count >= FLUSH) line->flush(line, line->context);
  }
}

void fasttext_line_read(const struct fasttext *m, struct slice text, struct fasttext_line *line) {
  line->count = line->hash_count = 0;
  bool keep_hashes = m->args.word_ngrams > 1;
  size_t i = 0;
  bool open = true;
  while (open) {
    while (i < text.len && separator[(uint8_t)text.data[i]]) i++;
    if (i == text.len) break;
    size_t start = i;
    while (i < text.len && !separator[(uint8_t)text.data[i]]) i++;
    open = add_token(m, (struct slice){text.data + start, i - start}, line, keep_hashes);
  }
  if (open) add_token(m, end_of_line, line, keep_hashes);
  if (keep_hashes) add_word_ngrams(m, line);
  if (line->flush) line->flush(line, line->context);
}

void fasttext_line_release(struct fasttext_line *line) {
  free(line->ids);
  free(line->hashes);
  *line = (struct fasttext_line){0};
}

/* ---- the model */

void fasttext_add_rows(const struct fasttext *m, const uint32_t *ids, size_t count, float *restrict sum) {
  size_t dim = (size_t)m->args.dim;
  const float *input = m->input;
  for (size_t i = 0; i < count; i++) {
    if (i + 16 < count) {
      const float *ahead = input + (size_t)ids[i + 16] * dim;
      __builtin_prefetch(ahead);
      if (dim > 16) __builtin_prefetch(ahead + 16);
    }
    const float *restrict row = input + (size_t)ids[i] * dim;
#pragma omp simd
    for (size_t d = 0; d < dim; d++) sum[d] += row[d];
  }
}

void fasttext_softmax(const struct fasttext *m, const float *hidden, float *p) {
  size_t dim = (size_t)m->args.dim;
  for (int32_t l = 0; l < m->labels; l++) {
    const float *row = m->output + (size_t)l * dim;
    float dot = 0; /* one sum, in order: four partial sums would move p by up to 1e-6 from the reference's */
    for (size_t d = 0; d < dim; d++) dot += row[d] * hidden[d];
    p[l] = dot;
  }
  float max = p[0], z = 0;
  for (int32_t l = 1; l < m->labels; l++) max = p[l] > max ? p[l] : max;
  for (int32_t l = 0; l < m->labels; l++) z += p[l] = expf(p[l] - max);
  for (int32_t l = 0; l < m->labels; l++) p[l] /= z;
}

struct summing {
  const struct fasttext *m;
  struct fasttext_scores *scores;
};

static void sum_part(struct fasttext_line *line, void *context) {
  struct summing *s = context;
  fasttext_add_rows(s->m, line->ids, line->count, s->scores->hidden);
  s->scores->rows += line->count;
  line->count = 0;
}

bool fasttext_predict(const struct fasttext *m, struct slice text, struct fasttext_scores *s) {
  if (!s->hidden) {
    s->hidden = NEW_ARRAY(float, (size_t)m->args.dim);
    s->probability = NEW_ARRAY(float, (size_t)m->labels);
  }
  memset(s->hidden, 0, (size_t)m->args.dim * sizeof *s->hidden);
  s->rows = 0;
  s->best = -1;
  struct summing context = {m, s};
  s->line.flush = sum_part;
  s->line.context = &context;
  fasttext_line_read(m, text, &s->line);
  s->line.context = NULL;
  if (s->rows == 0) {
    memset(s->probability, 0, (size_t)m->labels * sizeof *s->probability);
    return false;
  }
  float scale = (float)(1.0 / (double)s->rows);
  for (int32_t d = 0; d < m->args.dim; d++) s->hidden[d] *= scale;
  fasttext_softmax(m, s->hidden, s->probability);
  for (int32_t l = 0; l < m->labels; l++) {
    if (s->best < 0 || s->probability[l] > s->probability[s->best]) s->best = l;
  }
  for (int32_t l = 0; l < m->labels; l++) s->probability[l] = expf((float)log((double)s->probability[l] + 1e-5));
  return true;
}

void fasttext_scores_release(struct fasttext_scores *s) {
  fasttext_line_release(&s->line);
  free(s->hidden);
  free(s->probability);
  *s = (struct fasttext_scores){0};
}
