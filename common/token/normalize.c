/* SPDX-License-Identifier: MIT
 *
 * A character is `open` when it may change or compose with what stands before it: its combining class is not 0, it
 * decomposes to something that does not come back, or it is the second of a pair that composes.  Only runs of open
 * characters, with the one before them, are decomposed, ordered and composed; characters below U+0300 never are open.
 *
 * The data is utf8proc's.  Hugging Face's library has that of an older Unicode (9.0, in the crate
 * unicode-normalization-alignments): the combining characters that came later, listed here as its results show, are
 * plain characters there and so here.
 */
#include "common/token/normalize.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"

static const uint32_t newer[][2] = {
  {0x7FD, 0x7FD}, {0x898, 0x89F}, {0x8CA, 0x8D3}, {0x9FE, 0x9FE}, {0xC3C, 0xC3C}, {0xD3B, 0xD3C}, {0xEBA, 0xEBA},
  {0x1715, 0x1715}, {0x1ABF, 0x1ACE}, {0x1DF6, 0x1DFA}, {0xA82C, 0xA82C}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC},
  {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B},
  {0x1145E, 0x1145E}, {0x11839, 0x1183A}, {0x11930, 0x11930}, {0x1193D, 0x1193E}, {0x11943, 0x11943},
  {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42},
  {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E08F},
  {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
  /* Unicode 16.0, for a newer utf8proc */
  {0x897, 0x897}, {0x10D69, 0x10D6D}, {0x10EFC, 0x10EFC}, {0x113B8, 0x113D0}, {0x113E1, 0x113E2}, {0x1611E, 0x1612F},
  {0x16D63, 0x16D6A}, {0x1E5EE, 0x1E5EF},
};

enum { TABLE = 0x20000, IDEOGRAPHS = 0x2F800, IDEOGRAPHS_END = 0x2FA20 };

static uint64_t table[TABLE / 64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void mark(utf8proc_int32_t u) {
  if (u < TABLE) table[u >> 6] |= (uint64_t)1 << (u & 63);
}

static void build(void) {
  for (utf8proc_int32_t u = 0x300; u < TABLE; u++) {
    const utf8proc_property_t *p = utf8proc_get_property(u);
    if (p->combining_class) mark(u);
    if (p->decomp_type || p->decomp_seqindex == UINT16_MAX) continue; /* none, or of compatibility */
    utf8proc_int32_t parts[16];
    int last;
    utf8proc_ssize_t n = utf8proc_decompose_char(u, parts, 16, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &last);
    for (utf8proc_ssize_t i = 1; i < n; i++) mark(parts[i]);
    n = utf8proc_normalize_utf32(parts, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (n != 1 || parts[0] != u) mark(u);
  }
  for (utf8proc_int32_t u = 0x1161; u <= 0x1175; u++) mark(u);
  for (utf8proc_int32_t u = 0x11A8; u <= 0x11C2; u++) mark(u);
  for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++)
    for (uint32_t u = newer[i][0]; u <= newer[i][1]; u++) table[u >> 6] &= ~((uint64_t)1 << (u & 63));
}

static inline bool is_open(uint32_t u) {
  return u < TABLE ? table[u >> 6] >> (u & 63) & 1 : u >= IDEOGRAPHS && u < IDEOGRAPHS_END;
}

/* First byte from i on that may begin an open character: CC or above. */
static size_t next_candidate(struct slice text, size_t i) {
  for (; text.len - i >= 8; i += 8) {
    uint64_t w;
    memcpy(&w, text.data + i, sizeof w);
    if (((w & 0x7F7F7F7F7F7F7F7F) + 0x3434343434343434) & w & 0x8080808080808080) break;
  }
  while (i < text.len && (unsigned char)text.data[i] < 0xCC) i++;
  return i;
}

/* Where the character that ends at i begins; i itself when no valid one does. */
static size_t before(struct slice text, size_t from, size_t i) {
  for (size_t n = 1; n <= 4 && n <= i - from; n++) {
    uint32_t u;
    int invalid;
    if (((unsigned char)text.data[i - n] & 0xC0) == 0x80) continue;
    return utf8_decode(text.data + i - n, n, &u, &invalid) == (int)n ? i - n : i;
  }
  return i;
}

struct characters {
  utf8proc_int32_t *data, *sorted;
  size_t len, capacity, sorted_capacity;
};

/* Stable, by combining class, within each run of characters that have one (UAX 15, D109). */
static void order(struct characters *c) {
  for (size_t i = 0; i < c->len;) {
    size_t end = i, count[257] = {0};
    bool rising = true;
    int last = 0;
    for (; end < c->len; end++) {
      int class = utf8proc_get_property(c->data[end])->combining_class;
      if (class == 0 || !is_open((uint32_t)c->data[end])) break;
      rising = rising && last <= class;
      last = class;
      count[class + 1]++;
    }
    if (!rising) {
      GROW(c->sorted, c->sorted_capacity, end - i);
      for (int k = 1; k < 257; k++) count[k] += count[k - 1];
      for (size_t k = i; k < end; k++) c->sorted[count[utf8proc_get_property(c->data[k])->combining_class]++] = c->data[k];
      memcpy(c->data + i, c->sorted, (end - i) * sizeof *c->data);
    }
    i = end > i ? end : i + 1;
  }
}

static void normalize_run(struct characters *c, struct slice run, struct buffer *out) {
  c->len = 0;
  for (size_t i = 0; i < run.len;) {
    uint32_t u;
    int invalid, last = 0, n = utf8_decode(run.data + i, run.len - i, &u, &invalid);
    GROW(c->data, c->capacity, c->len + 16);
    c->len += (size_t)utf8proc_decompose_char((utf8proc_int32_t)u, c->data + c->len, 16, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &last);
    i += (size_t)n;
  }
  order(c);
  utf8proc_ssize_t n = utf8proc_normalize_utf32(c->data, (utf8proc_ssize_t)c->len, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  for (utf8proc_ssize_t i = 0; i < n; i++) utf8_append(out, (uint32_t)c->data[i]);
}

int normalize_nfc(struct slice text, struct buffer *scratch, struct slice *out) {
  pthread_once(&once, build);
  struct characters characters = {0};
  struct buffer normal = {0};
  size_t copied = 0; /* of text, into scratch */
  buffer_clear(scratch);
  for (size_t i = 0; (i = next_candidate(text, i)) < text.len;) {
    uint32_t u;
    int invalid, n = utf8_decode(text.data + i, text.len - i, &u, &invalid);
    if (n == 0 || !is_open(u)) {
      i += n ? (size_t)n : 1;
      continue;
    }
    size_t from = before(text, copied, i), end = i + (size_t)n;
    while (end < text.len && (n = utf8_decode(text.data + end, text.len - end, &u, &invalid)) > 0 && is_open(u)) end += (size_t)n;
    struct slice run = {text.data + from, end - from};
    buffer_clear(&normal);
    normalize_run(&characters, run, &normal);
    if (!slice_equal(run, buffer_slice(&normal))) {
      buffer_append(scratch, text.data + copied, from - copied);
      buffer_append_slice(scratch, buffer_slice(&normal));
      copied = end;
    }
    i = end;
  }
  if (copied) buffer_append(scratch, text.data + copied, text.len - copied);
  *out = copied ? buffer_slice(scratch) : text;
  free(characters.data);
  free(characters.sorted);
  buffer_release(&normal);
  return 0;
}

bool normalize_cut(struct slice text, size_t i) {
  if (i == 0 || i >= text.len || text.data[i - 1] & 0x80) return false;
  pthread_once(&once, build);
  uint32_t u;
  int invalid, n = utf8_decode(text.data + i, text.len - i, &u, &invalid);
  return n > 0 && !is_open(u);
}
