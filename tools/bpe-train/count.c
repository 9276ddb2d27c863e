/* SPDX-License-Identifier: MIT
 *
 * Pieces of at most 15 bytes are their own keys: 16 bytes, zeros behind the piece, the length in the last one.  They lie in a table of
 * cache lines {3 keys, 3 counts of 32 bits}: a lookup compares one line's keys at once and takes no branch on which of them it is.  A
 * key is in the line that its hash names or, when that filled up first, in one of the next.  Lines follow the order of the hash, so
 * that a table grows front to back and gives back the pages it has left.  What a count has beyond 32 bits, a small map holds.
 *
 * Longer pieces lie in an arena, one record {u64 count, u32 length, bytes} each on multiples of four, found through a table of
 * {hash, place}.
 *
 * To spill or to sort, the keys are packed to the front of their own table and sorted in place, byte after byte from the
 * first (American flag sort: McIlroy, Bostic, McIlroy 1993, Engineering Radix Sort).
 */
#include "tools/bpe-train/count.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <xxhash.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/simd.h"

enum { SHORT = 15, WAYS = 3, BATCH = 256, PAGE = 4096, RELEASE = 32 << 10, RECORD = 12 };
#define ARENA_MOST ((size_t)UINT32_MAX * 4 / PAGE * PAGE) /* places count in fours */

struct line {
  uint64_t key[WAYS][2]; /* key[..][1] 0: free, as the length is never 0; taken from way 0 on */
  uint32_t count[WAYS];
  uint32_t unused;
};

struct packed {          /* a sorted key: both halves as big-endian numbers, so that they compare as the bytes do */
  uint64_t high, low;
  uint32_t count;
} __attribute__((packed));

struct counter {
  size_t memory;
  /* short pieces */
  struct line *lines;
  size_t line_count, used, short_bytes;
  struct hashmap *carries; /* key -> what its count has beyond 32 bits; NULL: none has */
  /* longer ones */
  char *arena;
  size_t arena_used, arena_size, long_bytes;
  uint64_t *places;        /* hash << 32 | offset / 4 + 1; 0 free; sorted: prefix << 32 | offset / 4 + 1 */
  size_t place_count, longer; /* place_count: a power of two */
  bool sorted;
  struct runs runs;
  struct run_writer writer;
};

/* ---- memory --------------------------------------------------------------------------------------------------------- */

/* Pages that cost nothing until they are touched, zero then. */
static void *map(size_t n) {
  void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p != MAP_FAILED) return p;
  free(MALLOC(n)); /* ends the program with a message where there is no memory at all */
  abort();
}

static size_t whole_pages(size_t n) { return (n + PAGE - 1) & ~(size_t)(PAGE - 1); }
static size_t table_bytes(size_t lines) { return whole_pages(lines * sizeof(struct line)); }

static size_t first_lines(size_t memory) {
  size_t bytes = memory / 4 < (512 << 10) ? memory / 4 : 512 << 10;
  return bytes / PAGE * PAGE / sizeof(struct line);
}

struct counter *counter_new(size_t memory, const char *tmpdir) {
  struct counter *c = NEW(struct counter);
  c->memory = memory < COUNTER_LEAST ? COUNTER_LEAST : memory;
  c->line_count = first_lines(c->memory);
  c->lines = map(table_bytes(c->line_count));
  c->arena_size = c->memory < ARENA_MOST ? whole_pages(c->memory) : ARENA_MOST; /* room, not memory: pages come as they are used */
  c->arena = map(c->arena_size);
  c->place_count = PAGE / sizeof *c->places;
  c->places = map(PAGE);
  c->runs.folder = tmpdir;
  return c;
}

void counter_free(struct counter *c) {
  if (!c) return;
  munmap(c->lines, table_bytes(c->line_count));
  munmap(c->arena, c->arena_size);
  munmap(c->places, c->place_count * sizeof *c->places);
  hashmap_free(c->carries);
  runs_release(&c->runs);
  run_writer_release(&c->writer);
  free(c);
}

void counter_limit(struct counter *c, size_t memory) { c->memory = memory < COUNTER_LEAST ? COUNTER_LEAST : memory; }
/* qsort_r() takes as much as the places once more. */
size_t counter_memory(const struct counter *c) { return table_bytes(c->line_count) + whole_pages(c->arena_used) + 2 * c->place_count * sizeof *c->places; }
uint64_t counter_distinct(const struct counter *c) { return c->used + c->longer; }
uint64_t counter_bytes(const struct counter *c) { return c->short_bytes + c->long_bytes; }
struct runs *counter_runs(struct counter *c) { return &c->runs; }

/* ---- short pieces --------------------------------------------------------------------------------------------------- */

/* Both halves of the product of two words (wyhash's step); lines go by the upper 32 bits. */
static inline uint32_t hash(uint64_t low, uint64_t high) {
  unsigned __int128 m = (unsigned __int128)(low ^ 0x9E3779B97F4A7C15u) * (high ^ 0xA0761D6478BD642Fu);
  return (uint32_t)(((uint64_t)m ^ (uint64_t)(m >> 64)) >> 32);
}

static inline size_t home(size_t line_count, uint32_t h) { return (size_t)((uint64_t)line_count * h >> 32); }

static inline uint64_t carry_of(const struct counter *c, const uint64_t key[2]) {
  const uint64_t *carry = c->carries ? hashmap_find(c->carries, (struct slice){(const char *)key, 16}) : NULL;
  return carry ? *carry << 32 : 0;
}

static __attribute__((noinline)) void carry(struct counter *c, const uint64_t key[2], uint64_t carried) {
  if (!c->carries) c->carries = hashmap_new();
  *hashmap_put(c->carries, (struct slice){(const char *)key, 16}, NULL) += carried;
}

/* Puts a key that is not there in the first free way. */
static void place(struct line *lines, size_t line_count, const uint64_t key[2], uint32_t count) {
  for (size_t i = home(line_count, hash(key[0], key[1]));; i = i + 1 == line_count ? 0 : i + 1)
    for (int way = 0; way < WAYS; way++)
      if (!lines[i].key[way][1]) {
        memcpy(lines[i].key[way], key, 16);
        lines[i].count[way] = count;
        return;
      }
}

static void grow_table(struct counter *c, size_t line_count) {
  struct line *to = map(table_bytes(line_count)), *from = c->lines;
  char *left = (char *)from;
  for (size_t i = 0; i < c->line_count; i++) {
    for (int way = 0; way < WAYS && from[i].key[way][1]; way++) place(to, line_count, from[i].key[way], from[i].count[way]);
    if ((size_t)((char *)&from[i] - left) >= RELEASE) munmap(left, RELEASE), left += RELEASE;
  }
  munmap(left, table_bytes(c->line_count) - (size_t)(left - (char *)from));
  c->lines = to;
  c->line_count = line_count;
}

/* Room for one more key: the table grows at 4/5 to one and a half times its size, or as far as memory goes; there it fills up to 9/10. */
static int make_room(struct counter *c, struct err *e) {
  size_t slots = c->line_count * WAYS;
  if (c->used + 1 <= slots / 5 * 4) return 0;
  size_t others = counter_memory(c) - table_bytes(c->line_count) + RELEASE;
  size_t most = c->memory > others ? (c->memory - others) / sizeof(struct line) : 0;
  size_t wanted = c->line_count + c->line_count / 2;
  if (most > UINT32_MAX) most = UINT32_MAX; /* home() */
  if (wanted > most) wanted = most;
  if (wanted >= c->line_count + c->line_count / 8) {
    grow_table(c, wanted);
    return 0;
  }
  return c->used + 1 <= slots / 10 * 9 ? 0 : counter_spill(c, e);
}

/* Lets a key behind its home line change places with the rarest one there, if that is rarer: frequent keys are found at once.  Whatever is
 * looked for from there on is still found, as the lines between stay full. */
static void move_home(struct line *at, struct line *behind, int way) {
  int rarest = at->count[0] <= at->count[1] ? 0 : 1;
  if (at->count[2] < at->count[rarest]) rarest = 2;
  if (at->count[rarest] >= behind->count[way]) return;
  struct line old = *at;
  memcpy(at->key[rarest], behind->key[way], 16);
  at->count[rarest] = behind->count[way];
  memcpy(behind->key[way], old.key[rarest], 16);
  behind->count[way] = old.count[rarest];
}

/* Adds to a key wherever it is, or puts it in. */
static __attribute__((noinline)) int add_key(struct counter *c, const uint64_t key[2], uint64_t count, struct err *e) {
  size_t first = home(c->line_count, hash(key[0], key[1])), i = first;
  for (int way = 0;;) {
    uint64_t *k = c->lines[i].key[way];
    if (k[1] == 0) break;
    if (k[0] == key[0] && k[1] == key[1]) {
      uint64_t sum = (uint64_t)c->lines[i].count[way] + (uint32_t)count, carried = (count >> 32) + (sum >> 32);
      c->lines[i].count[way] = (uint32_t)sum;
      if (carried) carry(c, key, carried);
      if (i != first) move_home(&c->lines[first], &c->lines[i], way);
      return 0;
    }
    if (++way == WAYS) way = 0, i = i + 1 == c->line_count ? 0 : i + 1;
  }
  if (make_room(c, e)) return -1;
  place(c->lines, c->line_count, key, (uint32_t)count);
  if (count >> 32) carry(c, key, count >> 32);
  c->used++;
  c->short_bytes += key[1] >> 56;
  return 0;
}

/* One bit a way (bits 0, 2, 4) whose key it is.  Only the keys are loaded: one load of the whole line would wait for the last store
 * to its counts, which it cannot be forwarded from (English: 0.28 s instead of 0.20 s). */
static inline unsigned find_scalar(const struct line *line, uint64_t low, uint64_t high) {
  unsigned found = 0;
  for (int way = 0; way < WAYS; way++) found |= (unsigned)(((line->key[way][0] ^ low) | (line->key[way][1] ^ high)) == 0) << 2 * way;
  return found;
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static inline unsigned find_avx2(const struct line *line, uint64_t low, uint64_t high) {
  __m128i key = _mm_set_epi64x((long long)high, (long long)low);
  __m256i first = _mm256_cmpeq_epi64(_mm256_load_si256((const __m256i *)line), _mm256_broadcastsi128_si256(key));
  __m128i last = _mm_cmpeq_epi64(_mm_load_si128((const __m128i *)line + 2), key);
  unsigned half = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(first)) | (unsigned)_mm_movemask_pd(_mm_castsi128_pd(last)) << 4;
  return half & half >> 1 & 0x15;
}
#endif

struct batch {
  uint64_t keys[BATCH][2];
  uint32_t homes[BATCH];
  size_t line_count; /* that homes are of */
};

static __attribute__((noinline)) void find_homes(const struct counter *c, struct batch *b, int n) {
  b->line_count = c->line_count;
  for (int i = 0; i < n; i++) b->homes[i] = (uint32_t)home(c->line_count, hash(b->keys[i][0], b->keys[i][1]));
}

#define DEFINE_ADD_BATCH(level, target)                                                                        \
  target static int add_batch_##level(struct counter *c, struct batch *b, int n, struct err *e) {              \
    struct line *lines = c->lines;                                                                             \
    for (int i = 0; i < n; i++) {                                                                              \
      struct line *line = &lines[b->homes[i]];                                                                 \
      unsigned found = find_##level(line, b->keys[i][0], b->keys[i][1]);                                       \
      if (__builtin_expect(found != 0, 1)) {                                                                   \
        uint32_t *count = &line->count[(unsigned)__builtin_ctz(found) / 2];                                    \
        if (__builtin_expect(++*count == 0, 0)) carry(c, b->keys[i], 1);                                       \
        continue;                                                                                              \
      }                                                                                                        \
      if (add_key(c, b->keys[i], 1, e)) return -1;                                                             \
      lines = c->lines;                                                                                        \
      if (c->line_count != b->line_count) find_homes(c, b, n);                                                 \
    }                                                                                                          \
    return 0;                                                                                                  \
  }

DEFINE_ADD_BATCH(scalar, )
#ifdef __x86_64__
DEFINE_ADD_BATCH(avx2, SIMD_TARGET_AVX2)
#endif

static int add_batch(struct counter *c, struct batch *b, int n, struct err *e) {
  if (c->line_count != b->line_count) find_homes(c, b, n); /* a longer piece made it spill */
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) return add_batch_avx2(c, b, n, e);
#endif
  return add_batch_scalar(c, b, n, e);
}

/* Bytes of a key's two halves that belong to a piece of so many. */
#define ONES(n) (~(uint64_t)0 >> (64 - 8 * (n)))
static const uint64_t low_mask[16] = {0, ONES(1), ONES(2), ONES(3), ONES(4), ONES(5), ONES(6), ONES(7), ONES(8), ONES(8), ONES(8), ONES(8), ONES(8), ONES(8), ONES(8), ONES(8)};
static const uint64_t high_mask[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, ONES(1), ONES(2), ONES(3), ONES(4), ONES(5), ONES(6), ONES(7)};

/* `whole`: 16 bytes may be read. */
static inline void load_key(uint64_t key[2], const char *p, size_t n, bool whole) {
  if (whole) {
    memcpy(key, p, 16);
    key[0] &= low_mask[n];
    key[1] &= high_mask[n];
  } else {
    key[0] = key[1] = 0;
    memcpy(key, p, n);
  }
  key[1] |= (uint64_t)n << 56;
}

/* ---- longer pieces -------------------------------------------------------------------------------------------------- */

static inline char *record_at(const struct counter *c, uint64_t place) { return c->arena + ((size_t)(uint32_t)place - 1) * 4; }

static struct slice record_piece(const char *record) {
  uint32_t n;
  memcpy(&n, record + 8, 4);
  return (struct slice){record + RECORD, n};
}

static inline uint64_t record_count(const char *record) {
  uint64_t count;
  memcpy(&count, record, 8);
  return count;
}

static void grow_places(struct counter *c) {
  size_t old = c->place_count, mask = 2 * old - 1;
  uint64_t *to = map(2 * old * sizeof *to);
  for (size_t i = 0; i < old; i++) {
    if (!c->places[i]) continue;
    size_t k = (size_t)(c->places[i] >> 32) & mask;
    while (to[k]) k = (k + 1) & mask;
    to[k] = c->places[i];
  }
  munmap(c->places, old * sizeof *to);
  c->places = to;
  c->place_count = 2 * old;
}

/* A piece that does not fit is a run of its own. */
static int spill_one(struct counter *c, struct slice piece, uint64_t count, struct err *e) {
  return run_begin(&c->writer, &c->runs, e) || run_put(&c->writer, &c->runs, piece, count, e) || run_end(&c->writer, &c->runs, e) ? -1 : 0;
}

static int add_longer(struct counter *c, struct slice piece, uint64_t count, struct err *e) {
  uint64_t h = XXH3_64bits(piece.data, piece.len) >> 32;
  size_t mask = c->place_count - 1, i = (size_t)h & mask;
  for (; c->places[i]; i = (i + 1) & mask) {
    if (c->places[i] >> 32 != h) continue;
    char *record = record_at(c, c->places[i]);
    if (!slice_equal(record_piece(record), piece)) continue;
    count += record_count(record);
    memcpy(record, &count, 8);
    return 0;
  }
  size_t size = (RECORD + piece.len + 3) & ~(size_t)3;
  /* While a table of places grows, the old one is there too; that is what sorting takes later. */
  bool fill = (c->longer + 1) * 4 > c->place_count * 3;
  size_t more = PAGE + size + (fill ? 2 * c->place_count * sizeof *c->places : 0);
  if (counter_memory(c) + more > c->memory || c->arena_used + size > c->arena_size) {
    if (counter_spill(c, e)) return -1;
    if (counter_memory(c) + more > c->memory || size > c->arena_size) return spill_one(c, piece, count, e);
    return add_longer(c, piece, count, e);
  }
  if (fill) {
    grow_places(c);
    mask = c->place_count - 1;
    for (i = (size_t)h & mask; c->places[i];) i = (i + 1) & mask;
  }
  char *record = c->arena + c->arena_used;
  uint32_t n = (uint32_t)piece.len;
  memcpy(record, &count, 8);
  memcpy(record + 8, &n, 4);
  memcpy(record + RECORD, piece.data, piece.len);
  c->places[i] = h << 32 | (c->arena_used / 4 + 1);
  c->arena_used += size;
  c->longer++;
  c->long_bytes += piece.len;
  return 0;
}

/* ---- adding --------------------------------------------------------------------------------------------------------- */

int counter_add(struct counter *c, struct slice piece, uint64_t count, struct err *e) {
  uint64_t key[2];
  if (piece.len > SHORT) return add_longer(c, piece, count, e);
  load_key(key, piece.data, piece.len, false);
  return add_key(c, key, count, e);
}

int counter_add_pieces(struct counter *c, struct slice text, size_t from, const uint32_t *ends, int count, struct err *e) {
  struct batch b;
  const char *base = text.data + from;
  size_t left = text.len - from, begin = 0;
  for (int i = 0; i < count;) {
    int n = 0;
    b.line_count = c->line_count;
    for (; i < count && n < BATCH; i++) {
      size_t length = ends[i] - begin;
      if (__builtin_expect(length > SHORT, 0)) {
        if (add_longer(c, (struct slice){base + begin, length}, 1, e)) return -1;
      } else {
        load_key(b.keys[n], base + begin, length, begin + 16 <= left);
        b.homes[n] = (uint32_t)home(c->line_count, hash(b.keys[n][0], b.keys[n][1]));
        __builtin_prefetch(&c->lines[b.homes[n++]], 1);
      }
      begin = ends[i];
    }
    if (add_batch(c, &b, n, e)) return -1;
  }
  return 0;
}

/* ---- sorting and spilling ------------------------------------------------------------------------------------------- */

static inline bool packed_before(const struct packed *a, const struct packed *b) { return a->high != b->high ? a->high < b->high : a->low < b->low; }

static inline unsigned packed_byte(const struct packed *p, int depth) { return (unsigned)((depth < 8 ? p->high >> (56 - 8 * depth) : p->low >> (56 - 8 * (depth - 8))) & 0xFF); }

static void sort_packed(struct packed *items, size_t n, int depth) {
  while (n > 32 && depth < 16) {
    size_t ends[256] = {0}, next[256], at = 0;
    for (size_t i = 0; i < n; i++) ends[packed_byte(&items[i], depth)]++;
    if (ends[packed_byte(&items[0], depth)] == n) {
      depth++;
      continue;
    }
    for (int b = 0; b < 256; b++) next[b] = at, at = ends[b] += at;
    for (unsigned b = 0; b < 256; b++)
      while (next[b] < ends[b]) {
        struct packed x = items[next[b]];
        for (unsigned k; (k = packed_byte(&x, depth)) != b;) {
          struct packed y = items[next[k]];
          items[next[k]++] = x;
          x = y;
        }
        items[next[b]++] = x;
      }
    size_t begin = 0;
    for (int b = 0; b < 256; b++) {
      if (ends[b] - begin > 1) sort_packed(items + begin, ends[b] - begin, depth + 1);
      begin = ends[b];
    }
    return;
  }
  for (size_t i = 1; i < n; i++) {
    struct packed x = items[i];
    size_t k = i;
    for (; k > 0 && packed_before(&x, &items[k - 1]); k--) items[k] = items[k - 1];
    items[k] = x;
  }
}

static int compare_places(const void *x, const void *y, void *context) {
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  if (a >> 32 != b >> 32) return a >> 32 < b >> 32 ? -1 : 1;
  struct slice p = record_piece(record_at(context, a)), q = record_piece(record_at(context, b));
  int c = memcmp(p.data, q.data, p.len < q.len ? p.len : q.len);
  return c ? c : p.len < q.len ? -1 : p.len > q.len;
}

void counter_sort(struct counter *c) {
  struct packed *packed = (struct packed *)c->lines;
  size_t n = 0;
  for (size_t i = 0; i < c->line_count; i++) {
    struct line line = c->lines[i]; /* what is packed may reach into it: 60 bytes of 64 at most */
    for (int way = 0; way < WAYS && line.key[way][1]; way++) packed[n++] = (struct packed){__builtin_bswap64(line.key[way][0]), __builtin_bswap64(line.key[way][1]), line.count[way]};
  }
  sort_packed(packed, n, 0);
  n = 0;
  for (size_t i = 0; i < c->place_count; i++) {
    if (!c->places[i]) continue;
    uint32_t prefix;
    memcpy(&prefix, record_at(c, c->places[i]) + RECORD, 4);
    c->places[n++] = (uint64_t)__builtin_bswap32(prefix) << 32 | (uint32_t)c->places[i];
  }
  qsort_r(c->places, n, sizeof *c->places, compare_places, c);
  c->sorted = true;
}

/* A key's place in the table, or in the sorted list: its piece and count. */
static bool next_short(const struct counter *c, struct counter_cursor *k, struct slice *piece, uint64_t *count) {
  uint64_t key[2];
  if (c->sorted) {
    if (k->at == c->used) return false;
    const struct packed *p = (const struct packed *)c->lines + k->at;
    key[0] = __builtin_bswap64(p->high);
    key[1] = __builtin_bswap64(p->low);
    *count = p->count;
  } else {
    while (k->at < c->line_count && (k->way == WAYS || !c->lines[k->at].key[k->way][1])) k->at++, k->way = 0;
    if (k->at == c->line_count) return false;
    memcpy(key, c->lines[k->at].key[k->way], 16);
    *count = c->lines[k->at].count[k->way];
  }
  memcpy(k->bytes, key, 16);
  *piece = (struct slice){k->bytes, (size_t)(key[1] >> 56)};
  *count += carry_of(c, key);
  return true;
}

static void skip_short(const struct counter *c, struct counter_cursor *k) {
  if (c->sorted) k->at++;
  else k->way++;
}

bool counter_next(const struct counter *c, struct counter_cursor *k, struct slice *piece, uint64_t *count) {
  bool found = next_short(c, k, piece, count);
  if (found && !c->sorted) {
    skip_short(c, k);
    return true;
  }
  while (!c->sorted && k->longer < c->place_count && !c->places[k->longer]) k->longer++;
  if (k->longer == (c->sorted ? c->longer : c->place_count)) {
    if (found) skip_short(c, k);
    return found;
  }
  const char *record = record_at(c, c->places[k->longer]);
  struct slice other = record_piece(record);
  /* The short one is at most 15 bytes: it cannot be equal. */
  if (found && memcmp(piece->data, other.data, piece->len) <= 0) {
    skip_short(c, k);
    return true;
  }
  k->longer++;
  *piece = other;
  *count = record_count(record);
  return true;
}

/* Empties the counter; pages go back. */
static void clear(struct counter *c) {
  madvise(c->lines, table_bytes(c->line_count), MADV_DONTNEED);
  madvise(c->arena, c->arena_size, MADV_DONTNEED);
  munmap(c->places, c->place_count * sizeof *c->places);
  c->place_count = PAGE / sizeof *c->places;
  c->places = map(PAGE);
  c->used = c->short_bytes = c->longer = c->long_bytes = c->arena_used = 0;
  hashmap_free(c->carries);
  c->carries = NULL;
  c->sorted = false;
  /* A table that took all memory would leave none to longer pieces. */
  size_t lines = first_lines(c->memory);
  if (c->line_count > lines) {
    munmap((char *)c->lines + table_bytes(lines), table_bytes(c->line_count) - table_bytes(lines));
    c->line_count = lines;
  }
}

int counter_spill(struct counter *c, struct err *e) {
  if (counter_distinct(c) == 0) return 0;
  if (!c->sorted) counter_sort(c);
  struct counter_cursor cursor = {0};
  struct slice piece;
  uint64_t count;
  if (run_begin(&c->writer, &c->runs, e)) return -1;
  while (counter_next(c, &cursor, &piece, &count))
    if (run_put(&c->writer, &c->runs, piece, count, e)) return -1;
  if (run_end(&c->writer, &c->runs, e)) return -1;
  clear(c);
  return 0;
}

/* Room for all of `from` too, at once: it comes in the order of the hashes, and would fill the front of a table that grows meanwhile, the
 * more slowly the fuller that is.  False where memory does not go so far. */
static bool make_room_for(struct counter *c, const struct counter *from) {
  size_t keys = c->used + from->used, lines = (keys / 4 + 1) * 5 / WAYS + 5, places = c->place_count;
  size_t arena = c->arena_used + from->arena_used;
  if (lines < c->line_count) lines = c->line_count;
  while ((c->longer + from->longer) * 4 > places * 3) places *= 2;
  size_t least = table_bytes(lines) + RELEASE + whole_pages(arena) + PAGE + 2 * places * sizeof *c->places;
  if (least > c->memory || arena > c->arena_size || lines > UINT32_MAX) return false;
  if (lines > c->line_count) grow_table(c, lines);
  while (c->place_count < places) grow_places(c);
  return true;
}

int counter_absorb(struct counter *c, struct counter *from, struct err *e) {
  if (!make_room_for(c, from)) return counter_spill(c, e);
  struct counter_cursor cursor = {0};
  struct slice piece;
  uint64_t count;
  while (counter_next(from, &cursor, &piece, &count))
    if (counter_add(c, piece, count, e)) return -1;
  clear(from);
  return 0;
}
