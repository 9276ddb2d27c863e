/* SPDX-License-Identifier: MIT
 *
 * Blocks are read and summed a megabyte at a time; a mapped filter is summed where it lies.
 */
#include "tools/bloom-dedup/filter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/output.h"

enum { HEADER = 4096, PART = 1 << 20, VERSION = 1 };

struct header {
  char magic[8];
  uint32_t version, blocks_at;
  uint64_t blocks;
  uint32_t bits, words;
  uint64_t capacity;
  double rate;
  uint64_t inserted, seed;
  uint32_t ngram, normalize;
  char unit[16];
  uint64_t blocks_sum, sum;
};
_Static_assert(sizeof(struct header) == 104 && offsetof(struct header, sum) == 96, "the layout in filter_file.h");

static const char magic[8] = {'c', '2', 'l', 'b', 'l', 'o', 'o', 'm'};

static uint64_t header_sum(const struct header *h) { return XXH3_64bits(h, offsetof(struct header, sum)); }

int filter_save(const struct filter *f, const struct filter_kind *kind, const char *path, unsigned flags, struct err *e) {
  union {
    struct header h;
    char bytes[HEADER];
  } head;
  struct output *out;
  memset(&head, 0, sizeof head);
  struct header *h = &head.h;
  memcpy(h->magic, magic, sizeof magic);
  h->version = VERSION;
  h->blocks_at = HEADER;
  h->blocks = f->plan.blocks;
  h->bits = (uint32_t)f->plan.bits;
  h->words = FILTER_WORDS;
  h->capacity = f->plan.capacity;
  h->rate = f->plan.rate;
  h->inserted = f->inserted;
  h->seed = kind->seed;
  h->ngram = kind->ngram;
  h->normalize = kind->normalize;
  memcpy(h->unit, kind->unit, sizeof h->unit);
  h->blocks_sum = XXH3_64bits(f->words, filter_bytes(&f->plan));
  h->sum = header_sum(h);
  if (output_open(&out, path, flags, e) != 0) return -1;
  int result = output_write(out, head.bytes, HEADER, e);
  for (uint64_t at = 0, size = filter_bytes(&f->plan); result == 0 && at < size; at += PART)
    result = output_write(out, (const char *)f->words + at, size - at < PART ? size - at : PART, e);
  if (result == 0) return output_commit(out, e);
  output_abort(out);
  return -1;
}

static int read_part(int fd, const char *path, void *to, size_t n, struct err *e) {
  for (char *at = to; n;) {
    ssize_t got = read(fd, at, n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "%s: cannot read", path);
    if (got == 0) return err_set(e, "%s: a truncated filter", path);
    at += got;
    n -= (size_t)got;
  }
  return 0;
}

static int check_kind(const struct header *h, struct filter_kind *kind, const char *path, struct err *e) {
  const char *unit = kind->unit;
  if (!unit[0]) {
    kind->seed = h->seed;
    kind->ngram = h->ngram;
    kind->normalize = h->normalize;
    memcpy(kind->unit, h->unit, sizeof kind->unit);
    return 0;
  }
  if (strcmp(h->unit, unit) != 0) return err_set(e, "%s: a filter of units '%s', not '%s'", path, h->unit, unit);
  if (h->ngram != kind->ngram) {
    if (h->ngram == 0) return err_set(e, "%s: a filter of whole units, not of n-grams", path);
    if (kind->ngram == 0) return err_set(e, "%s: a filter of %u-grams, not of whole units", path, h->ngram);
    return err_set(e, "%s: a filter of %u-grams, not of %u-grams", path, h->ngram, kind->ngram);
  }
  if (h->normalize != kind->normalize) return err_set(e, "%s: a filter made %s --normalize", path, h->normalize ? "with" : "without");
  if (h->seed != kind->seed) return err_set(e, "%s: a filter made with --seed %llu", path, (unsigned long long)h->seed);
  return 0;
}

/* Opens it and takes its header, checked as far as that goes without the blocks. */
static int open_filter(const char *path, struct header *h, struct err *e) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "%s", path);
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    err_set(e, "%s: a filter is a regular file", path);
    goto fail;
  }
  if (st.st_size < (off_t)sizeof *h) {
    err_set(e, "%s: too short for a filter", path);
    goto fail;
  }
  if (read_part(fd, path, h, sizeof *h, e) != 0) goto fail;
  uint64_t size = (uint64_t)st.st_size;
  if (memcmp(h->magic, magic, sizeof magic) != 0) err_set(e, "%s: not a filter of bloom-dedup", path);
  else if (h->version != VERSION) err_set(e, "%s: a filter of version %u, this program reads %d", path, h->version, VERSION);
  else if (h->sum != header_sum(h)) err_set(e, "%s: a damaged filter: the checksum of its header differs", path);
  else if (h->blocks_at != HEADER || h->words != FILTER_WORDS || h->bits < 1 || h->bits > FILTER_MOST_BITS || h->blocks < 1 || !memchr(h->unit, 0, sizeof h->unit) ||
           !h->unit[0] || !(h->rate > 0 && h->rate < 1) || h->ngram > INT32_MAX || h->normalize > 1)
    err_set(e, "%s: a filter whose header makes no sense", path);
  else if (size < HEADER || h->blocks > (size - HEADER) / FILTER_BLOCK) err_set(e, "%s: a truncated filter: %llu bytes, its header says more", path, (unsigned long long)size);
  else if (size - HEADER != h->blocks * FILTER_BLOCK) err_set(e, "%s: a filter with %llu bytes behind its end", path, (unsigned long long)(size - HEADER - h->blocks * FILTER_BLOCK));
  else if (lseek(fd, HEADER, SEEK_SET) != HEADER) err_errno(e, "%s", path);
  else return fd;
fail:
  close(fd);
  return -1;
}

/* Reads all blocks through take(), which gets them in order, and checks their sum. */
static int read_blocks(int fd, const char *path, const struct header *h, uint64_t *words, bool merge, struct err *e) {
  uint64_t size = h->blocks * FILTER_BLOCK;
  char *part = merge ? MALLOC(PART) : NULL;
  XXH3_state_t *state = XXH3_createState();
  int result = 0;
  XXH3_64bits_reset(state);
  for (uint64_t at = 0; result == 0 && at < size; at += PART) {
    size_t n = size - at < PART ? (size_t)(size - at) : PART;
    void *to = merge ? (void *)part : (void *)((char *)words + at);
    result = read_part(fd, path, to, n, e);
    if (result != 0) break;
    XXH3_64bits_update(state, to, n);
    for (size_t i = 0; merge && i < n / sizeof *words; i++) {
      uint64_t word;
      memcpy(&word, part + i * sizeof word, sizeof word);
      words[at / sizeof *words + i] |= word;
    }
  }
  if (result == 0 && XXH3_64bits_digest(state) != h->blocks_sum) result = err_set(e, "%s: a damaged filter: its checksum differs", path);
  XXH3_freeState(state);
  free(part);
  return result;
}

static int map_blocks(int fd, const char *path, const struct header *h, struct filter *f, struct err *e) {
  f->mapping_size = HEADER + h->blocks * FILTER_BLOCK;
  void *at = mmap(NULL, f->mapping_size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return err_errno(e, "%s: cannot map", path);
  f->mapping = at;
  f->words = (uint64_t *)((char *)at + HEADER);
#ifdef MADV_HUGEPAGE
  madvise(at, f->mapping_size, MADV_HUGEPAGE);
#endif
  if (XXH3_64bits(f->words, h->blocks * FILTER_BLOCK) != h->blocks_sum) return err_set(e, "%s: a damaged filter: its checksum differs", path);
  return 0;
}

int filter_load(struct filter *f, struct filter_kind *kind, const char *path, uint64_t memory, bool map, struct err *e) {
  struct header h;
  char size[NUMBER_TEXT];
  int fd = open_filter(path, &h, e);
  if (fd < 0) return -1;
  int result = check_kind(&h, kind, path, e);
  struct filter_plan plan = {.capacity = h.capacity, .rate = h.rate, .blocks = h.blocks, .bits = (int)h.bits};
  if (result == 0 && memory && filter_bytes(&plan) > memory) result = err_set(e, "%s: a filter of %s; -S allows less", path, number_bytes((double)filter_bytes(&plan), size));
  if (result == 0 && map) {
    *f = (struct filter){.plan = plan};
    result = map_blocks(fd, path, &h, f, e);
  } else if (result == 0) {
    result = filter_init(f, &plan, e) != 0 ? err_prefix(e, "%s", path) : read_blocks(fd, path, &h, f->words, false, e);
  }
  f->inserted = h.inserted;
  close(fd);
  if (result != 0) filter_release(f);
  return result;
}

/* With l units a block in the mean a bit is free with probability sum_i Poisson(i; l) (63/64)^(i z) = exp(-l (1 - (63/64)^z)). */
static double units_by_bits(const struct filter *f) {
  uint64_t set = 0, bits = f->plan.blocks * FILTER_BLOCK * 8;
  for (uint64_t i = 0; i < bits / 64; i++) set += (uint64_t)__builtin_popcountll(f->words[i]);
  if (set == bits) return INFINITY;
  return -log1p(-(double)set / (double)bits) / (1 - pow(63.0 / 64, f->plan.bits)) * (double)f->plan.blocks;
}

int filter_merge(struct filter *f, const struct filter_kind *kind, const char *path, struct err *e) {
  struct header h;
  struct filter_kind same = *kind;
  int fd = open_filter(path, &h, e);
  if (fd < 0) return -1;
  int result = check_kind(&h, &same, path, e);
  if (result == 0 && (h.blocks != f->plan.blocks || (int)h.bits != f->plan.bits))
    result = err_set(e, "%s: %llu blocks of %u bits a word, not %llu of %d: filters to be joined need the same --capacity and --fp", path, (unsigned long long)h.blocks, h.bits,
                     (unsigned long long)f->plan.blocks, f->plan.bits);
  if (result == 0) result = read_blocks(fd, path, &h, f->words, true, e);
  close(fd);
  if (result != 0) return -1;
  uint64_t most = f->inserted > UINT64_MAX - h.inserted ? UINT64_MAX : f->inserted + h.inserted, least = f->inserted > h.inserted ? f->inserted : h.inserted;
  double told = units_by_bits(f), changes = told < INFINITY ? filter_changes(told, f->plan.blocks, f->plan.bits) : (double)most;
  f->inserted = changes >= (double)most ? most : changes < (double)least ? least : (uint64_t)changes;
  return 0;
}
