/* SPDX-License-Identifier: MIT */
#include "tools/bpe-train/merges_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/io/output.h"

enum {
  IDLE = 5 << 20, /* what a program takes that does nothing */
  DROPS = 16,     /* parts of the mapping, dropped in turn: dropping all of it would cost as many faults where most of it fits */
};

/* Resident bytes of this process; 0 where /proc is missing. */
static size_t resident(const struct symbols *s) {
  char text[128];
  unsigned long size, pages;
  ssize_t n = s->statm >= 0 ? pread(s->statm, text, sizeof text - 1, 0) : -1;
  if (n <= 0) return 0;
  text[n] = 0;
  return sscanf(text, "%lu %lu", &size, &pages) == 2 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Where the mapping is dropped: an eighth below what -S allows, for what comes between two looks. */
static size_t allowed(size_t memory) { return memory - memory / 8 + IDLE; }

int symbols_open(struct symbols *s, uint64_t distinct, uint64_t count, bool wide, size_t memory, const char *folder, struct err *e) {
  *s = (struct symbols){.shift = 2, .wide = wide, .file = -1, .memory = memory, .threshold = allowed(memory)};
  s->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  /* each record has a head and padding; a chain has one record in RECORD_SYMBOLS symbols and one more */
  for (;; s->shift++) {
    size_t each = sizeof(struct record) + ((size_t)1 << s->shift);
    s->size = (size_t)(distinct + count / RECORD_SYMBOLS + 1) * each + (size_t)count * (wide ? 4 : 2);
    if (s->size >> s->shift < UINT32_MAX) break;
  }
  if (resident(s) + s->size > memory / 8 * 3) { /* the rest is for sums, tables of pairs and postings */
    s->file = output_scratch(folder, e);
    if (s->file < 0) return -1;
    int number = posix_fallocate(s->file, 0, (off_t)s->size); /* a full disk is an error here, no SIGBUS later */
    if (number) return errno = number, err_errno(e, "scratch file of %zu bytes for the pieces' symbols", s->size);
  }
  void *map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, s->file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, s->file, 0);
  if (map == MAP_FAILED) return err_errno(e, "cannot map %zu bytes for the pieces' symbols", s->size);
  s->base = map;
  return 0;
}

void symbols_release(struct symbols *s) {
  if (s->base) munmap(s->base, s->size);
  if (s->file >= 0) close(s->file);
  if (s->statm >= 0) close(s->statm);
  free(s->large);
  *s = (struct symbols){.file = -1, .statm = -1};
}

void symbols_drop(struct symbols *s) {
  s->visits = 0;
  if (resident(s) + s->reserve < s->threshold) return;
  size_t page = (size_t)sysconf(_SC_PAGESIZE), part = (s->end / DROPS + page) / page * page, low = s->threshold - s->memory / 32;
  size_t now = low;
  for (int i = 0; i < DROPS && now >= low; i++) {
    if (s->dropped >= s->end) s->dropped = 0;
    size_t n = s->size - s->dropped < part ? s->size - s->dropped : part;
    madvise(s->base + s->dropped, n, MADV_DONTNEED); /* of a shared file mapping: the file keeps the data */
    s->dropped += part;
    now = resident(s) + s->reserve;
  }
  size_t rest = now < low ? 0 : now + s->memory / 8 + (1 << 20);
  s->threshold = rest > allowed(s->memory) ? rest : allowed(s->memory);
}

void symbols_reserve(struct symbols *s, size_t bytes) {
  s->reserve = bytes;
  if (s->file >= 0) symbols_drop(s);
}

void symbols_append(struct symbols *s, const uint32_t *ids, size_t n, uint64_t weight) {
  if (n < 2) return;
  uint32_t stored = (uint32_t)weight;
  if (weight >= WEIGHT_LARGE) {
    GROW(s->large, s->large_capacity, s->large_count + 1);
    s->large[s->large_count] = weight;
    stored = WEIGHT_LARGE + (uint32_t)s->large_count++; /* their sum is the corpus: never 2^31 of them */
  }
  for (size_t at = 0; at < n; at += RECORD_SYMBOLS) {
    size_t k = n - at < RECORD_SYMBOLS ? n - at : RECORD_SYMBOLS;
    struct record *r = (struct record *)(s->base + s->end);
    *r = (struct record){stored, (uint8_t)k, (uint8_t)k, (uint8_t)((at ? CHAIN_PREVIOUS : 0) | (at + k < n ? CHAIN_NEXT : 0)), 0};
    for (size_t i = 0; i < k; i++) symbol_set(r, i, ids[at + i], s->wide);
    s->end += symbols_stride(s, (unsigned)k);
    symbols_watch(s, 1);
  }
}

/* A chain's symbols gather in `held` until they fill a record or the chain ends.  What is written lies before what is read: full
 * records take no more room than those that their symbols come from. */
void symbols_compact(struct symbols *s) {
  uint32_t held[2 * RECORD_SYMBOLS];
  size_t count = 0, to = 0;
  bool open = false; /* records of this chain are written already */
  uint32_t weight = 0;
  size_t width = s->wide ? 4 : 2;
  for (size_t from = 0; from < s->end;) {
    struct record *r = (struct record *)(s->base + from);
    from += symbols_stride(s, r->capacity);
    symbols_watch(s, 1);
    if (r->chain == 0) {
      if (r->length < 2) continue;
      struct record *w = (struct record *)(s->base + to);
      memmove(w, r, sizeof *r + r->length * width);
      w->capacity = w->length;
      to += symbols_stride(s, w->capacity);
      continue;
    }
    bool last = !(r->chain & CHAIN_NEXT);
    weight = r->weight;
    for (size_t i = 0; i < r->length; i++) held[count++] = symbol_get(r, i, s->wide);
    while (count > RECORD_SYMBOLS || (last && (count > 1 || (open && count)))) {
      size_t k = count < RECORD_SYMBOLS ? count : RECORD_SYMBOLS;
      bool more = !last || count > k;
      struct record *w = (struct record *)(s->base + to);
      *w = (struct record){weight, (uint8_t)k, (uint8_t)k, (uint8_t)((open ? CHAIN_PREVIOUS : 0) | (more ? CHAIN_NEXT : 0)), 0};
      for (size_t i = 0; i < k; i++) symbol_set(w, i, held[i], s->wide);
      memmove(held, held + k, (count - k) * sizeof *held);
      count -= k;
      to += symbols_stride(s, (unsigned)k);
      open = true;
    }
    if (last) count = 0, open = false;
  }
  if (s->end > to) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (to + page - 1) / page * page, end = s->end / page * page;
    if (end > begin) madvise(s->base + begin, end - begin, MADV_DONTNEED);
  }
  s->end = to;
}
