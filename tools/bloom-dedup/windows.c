/* SPDX-License-Identifier: MIT
 *
 * Words are split a piece of text at a time; a piece ends behind a blank or newline, so no word is cut.
 */
#include "tools/bloom-dedup/windows.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"

enum { PIECE = 1 << 18, BLOCK = 1024 };
static const uint64_t prime = ((uint64_t)1 << 61) - 1, base[2] = {0x1E3779B97F4A7C15u, 0x11B54A32D192ED03u};

/* a b + c d + e mod 2^61 - 1, for any e and the others at most that. */
static inline uint64_t combine(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
  unsigned __int128 all = (unsigned __int128)a * b + (unsigned __int128)c * d + e;
  uint64_t sum = ((uint64_t)all & prime) + (uint64_t)(all >> 61);
  sum = (sum & prime) + (sum >> 61);
  return sum < prime ? sum : sum - prime;
}

void windows_init(struct windows *w, size_t length) {
  *w = (struct windows){.length = length, .top = {1, 1}, .ring = NEW_ARRAY(struct hash128, length)};
  for (size_t i = 0; i < length; i++)
    for (int half = 0; half < 2; half++) w->top[half] = combine(w->top[half], base[half], 0, 0, 0);
  for (int half = 0; half < 2; half++) w->top[half] = prime - w->top[half];
}

void windows_release(struct windows *w) {
  word_list_release(&w->list);
  free(w->ring);
  *w = (struct windows){0};
}

/* The words of the next piece in w->list, in terms of *piece; false at the end.  *at starts at 0. */
static bool next_piece(struct windows *w, struct slice text, size_t *at, struct slice *piece) {
  if (*at >= text.len) return false;
  size_t end = text.len;
  for (size_t look = *at + PIECE; look < text.len; look++) {
    if (text.data[look] != ' ' && text.data[look] != '\n') continue;
    end = look + 1;
    break;
  }
  *piece = (struct slice){text.data + *at, end - *at};
  *at = end;
  words_split(&w->list, WORDS_SPACE, *piece);
  return true;
}

int windows_run(struct windows *w, struct slice text, int (*take)(void *, const struct hash128 *, size_t), void *context, uint64_t *words) {
  struct hash128 block[BLOCK], sum = {0};
  struct slice piece;
  size_t used = 0, slot = 0;
  uint64_t count = 0;
  memset(w->ring, 0, w->length * sizeof *w->ring);
  for (size_t at = 0; next_piece(w, text, &at, &piece);) {
    for (size_t i = 0; i < w->list.count; i++) {
      XXH128_hash_t h = XXH3_128bits(piece.data + w->list.words[i].start, w->list.words[i].length);
      struct hash128 *oldest = &w->ring[slot];
      slot = slot + 1 == w->length ? 0 : slot + 1;
      h.low64 &= prime, h.high64 &= prime;
      /* what leaves is 0 until the ring is full */
      sum.low = combine(sum.low, base[0], oldest->low, w->top[0], h.low64);
      sum.high = combine(sum.high, base[1], oldest->high, w->top[1], h.high64);
      *oldest = (struct hash128){h.low64, h.high64};
      if (++count < w->length) continue;
      block[used++] = (struct hash128){sum.low << 3, sum.high}; /* the filter takes a block by the upper bits of `low` */
      if (used < BLOCK) continue;
      used = 0;
      if (take(context, block, BLOCK) != 0) return -1;
    }
  }
  *words = count;
  return used ? take(context, block, used) : 0;
}

uint64_t windows_count_words(struct windows *w, struct slice text) {
  uint64_t count = 0;
  struct slice piece;
  for (size_t at = 0; next_piece(w, text, &at, &piece);) count += w->list.count;
  return count;
}

static size_t newlines(struct slice s) {
  size_t n = 0;
  for (size_t i = 0; i < s.len; i++) n += s.data[i] == '\n';
  return n;
}

void windows_edit(struct windows *w, struct slice text, const struct span *spans, size_t count, struct buffer *out) {
  struct slice piece, gap = {0};
  uint64_t number = 0;
  size_t gap_start = 0, start = out->len; /* white space since the last word, gone or not */
  bool gone = false;
  for (size_t at = 0; next_piece(w, text, &at, &piece);) {
    size_t offset = (size_t)(piece.data - text.data);
    for (size_t i = 0; i < w->list.count; i++, number++) {
      while (count && number >= spans->to) spans++, count--;
      struct word word = w->list.words[i];
      struct slice here = {text.data + gap_start, offset + word.start - gap_start};
      gap_start = offset + word.start + word.length;
      size_t more = newlines(here), less = newlines(gap);
      if (!gap.data || more > less || (more == less && here.len > gap.len)) gap = here;
      if (count && number >= spans->from) {
        gone = true;
        continue;
      }
      if (out->len > start || !gone) buffer_append_slice(out, gap);
      buffer_append(out, piece.data + word.start, word.length);
      gap = (struct slice){0};
      gone = false;
    }
  }
  if (!gone) buffer_append(out, text.data + gap_start, text.len - gap_start);
}
