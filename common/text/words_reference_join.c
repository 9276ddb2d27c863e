/* SPDX-License-Identifier: MIT
 *
 * The last step of spaCy's tokenizer (_apply_special_cases of tokenizer.pyx): rows of tokens that are an exception as the
 * rules cut it are matched all over the text.  Among matches that overlap the longest are taken up first, of those the
 * leftmost; one falls when a token at one of its ends belongs to a match taken up before, whether that one stood or
 * fell.  What stands becomes the exception, unless blanks part its tokens: such a match changes nothing but still makes
 * others fall.  So only the surroundings of matches within a chunk are looked at, as far as matches overlap.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/text/words_reference.h"

struct match {
  size_t start;
  uint8_t length; /* tokens */
  bool blank, chosen;
};

struct joiner {
  struct slice text;
  const struct word *words;
  size_t count;
  struct match *matches;
  size_t match_count, capacity;
  uint8_t *seen; /* a byte a token of the matches in hand */
  size_t seen_capacity;
};

static inline uint64_t token_key(struct slice text, struct word w) {
  return w.length <= 8 ? words_reference_key(text.data + w.start, w.length, text.len - w.start) : 0; /* 0: of no phrase */
}

bool words_reference_spells(struct slice text, const struct word *words, size_t count) {
  uint64_t key = token_key(text, words[0]), next;
  for (size_t i = 0; i + 1 < count; i++, key = next) {
    next = token_key(text, words[i + 1]);
    if (!(words_reference_places[words_reference_place_slot(key)] & WORDS_REFERENCE_FIRST) ||
        !(words_reference_places[words_reference_place_slot(next)] & WORDS_REFERENCE_LATER))
      continue;
    unsigned state = words_reference_phrase_next(0, key);
    for (size_t j = i + 1; state && j < count; j++) {
      state = words_reference_phrase_next(state, token_key(text, words[j]));
      if (state && words_reference_phrase_ends(state)) return true;
    }
  }
  return false;
}

/* The matches that begin with token i, shortest first; each one goes to matches if `keep`.  Returns the end of the longest, or i. */
static size_t match_at(struct joiner *m, size_t i, bool keep) {
  size_t end = i;
  unsigned state = words_reference_phrase_next(0, token_key(m->text, m->words[i]));
  bool blank = false;
  for (size_t j = i + 1; state && j < m->count; j++) {
    /* spaCy has a token of white space between the two unless it is one blank */
    size_t last = (size_t)m->words[j - 1].start + m->words[j - 1].length, gap = m->words[j].start - last;
    if (gap > 1 || (gap == 1 && m->text.data[last] != ' ')) break;
    blank |= gap;
    state = words_reference_phrase_next(state, token_key(m->text, m->words[j]));
    if (!state || !words_reference_phrase_ends(state)) continue;
    end = j + 1;
    if (!keep) continue;
    GROW(m->matches, m->capacity, m->match_count + 1);
    m->matches[m->match_count++] = (struct match){i, (uint8_t)(end - i), blank, false};
  }
  return end;
}

/* Matches from `first` on, which overlap and end before token `end`. */
static void choose(struct joiner *m, size_t first, size_t end) {
  size_t base = m->matches[first].start;
  GROW(m->seen, m->seen_capacity, end - base);
  memset(m->seen, 0, end - base);
  for (int length = WORDS_REFERENCE_PHRASE_MAX; length > 1; length--) {
    for (size_t i = first; i < m->match_count; i++) {
      struct match *x = &m->matches[i];
      if (x->length != length) continue;
      uint8_t *seen = m->seen + (x->start - base);
      x->chosen = !seen[0] && !seen[length - 1] && !x->blank;
      memset(seen, 1, (size_t)length);
    }
  }
}

/* Takes up the matches that overlap a row or each other on the way there; returns the end of the tokens looked at. */
static size_t take_row(struct joiner *m, struct word row, size_t done) {
  size_t low = row.start;
  for (size_t reach = 1; reach < WORDS_REFERENCE_PHRASE_MAX && low >= done + reach; reach++) {
    if (match_at(m, low - reach, false) <= low) continue;
    low -= reach;
    reach = 0;
  }
  size_t high = row.start + row.length, first = m->match_count, end = low;
  for (size_t i = low; i < high && i < m->count; i++) {
    if (m->match_count > first && i >= end) {
      choose(m, first, end);
      first = m->match_count;
    }
    size_t e = match_at(m, i, true);
    if (e > end) end = e;
    if (e > high) high = e;
  }
  if (m->match_count > first) choose(m, first, end);
  return high;
}

static void append(struct word_list *list, const struct word *words, size_t n) {
  GROW(list->words, list->capacity, list->count + n);
  memcpy(list->words + list->count, words, n * sizeof *words);
  list->count += n;
}

void words_reference_join(struct word_list *list, struct slice text, const struct word *rows, size_t row_count) {
  struct joiner m = {.text = text, .words = list->words, .count = list->count};
  for (size_t i = 0, done = 0; i < row_count; i++)
    if (rows[i].start >= done) done = take_row(&m, rows[i], done);
    else if (rows[i].start + rows[i].length > done) done = take_row(&m, (struct word){(uint32_t)done, (uint32_t)(rows[i].start + rows[i].length - done)}, done);
  /* The words again, with what was chosen in the place of its tokens. */
  struct word *old = list->words;
  size_t capacity = list->capacity, next = 0;
  list->words = list->spare;
  list->capacity = list->spare_capacity;
  list->spare = old;
  list->spare_capacity = capacity;
  list->count = 0;
  for (size_t i = 0; i < m.match_count; i++) {
    if (!m.matches[i].chosen) continue;
    size_t k = m.matches[i].start, start = old[k].start;
    append(list, old + next, k - next);
    next = k + m.matches[i].length;
    const uint8_t *lengths = NULL;
    int tokens = words_reference_exception(text.data + start, old[next - 1].start + old[next - 1].length - start, &lengths);
    for (int t = 0; t < tokens; start += lengths[t++]) append(list, &(struct word){(uint32_t)start, lengths[t]}, 1);
  }
  append(list, old + next, m.count - next);
  free(m.matches);
  free(m.seen);
}
