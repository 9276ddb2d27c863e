/* SPDX-License-Identifier: MIT
 *
 * Repeated n-grams of a text, as datatrove's GopherRepetitionFilter counts them: exactly, but without looking at most
 * of them.
 *
 * The words stand joined, with nothing between, in one array; any n-gram is a run of its bytes.
 *
 * Duplicates (find_all_duplicate()): n-grams are equal when their joined words are ("ab" "c" equals "a" "bc"), so equal
 * ones begin with the same 16 bytes, unless they are shorter.  One pass marks the words at which 16 bytes begin that
 * begin at another word too (a bitmap of 16 bits a word, false alarms allowed); the n-grams of all others cannot
 * be duplicates, nor can they make one, and are not looked at.  What is left is thinned out once more by 32 bytes.
 *
 * Top n-grams (find_top_duplicate()): equality is that of the sequences of words.  The same pass counts the pairs of
 * words in a small table, by the first 16 bytes of the joined pair, so that a count is too high if anything.  An n-gram
 * occurs at most as often as the rarest of its pairs; exact counts are kept of those alone that may reach the top.
 *
 * Both give bounds that are cheaper still, grams_top_most() and grams_duplicates_most(): most texts stay below the
 * thresholds of the rules by these, and nothing is counted exactly.
 *
 * Strings are compared by 64-bit hashes (keys.h).  Time is linear in words for a fixed n (but for texts of many
 * million different n-grams, which are counted in parts); memory is 20 bytes a word with the list, the words, 5 bytes for
 * each that may repeat and 16 for each different n-gram that does, and bitmaps and counts of at most 64 MB.
 */
#ifndef QFILTER_RULES_GRAMS_H
#define QFILTER_RULES_GRAMS_H

#include "tools/qfilter/rules/keys.h"
#include "tools/qfilter/rules/scan.h"

enum { NGRAM_MAX = 32 };

struct gram_table { /* n-grams with their number and the word where the first of them starts */
  struct gram_count {
    uint64_t key;
    uint32_t count, first;
  } *slots;
  size_t mask, used, capacity;
};

enum { GRAM_LANES = 8, LISTED = 5 }; /* n-grams of LISTED words or more are thinned out, those of 5..12 bounded together */

struct grams { /* zero to start; grams_begin() for each text */
  const struct scan *scan;
  const struct word_list *list;
  bool prepared, listed;
  char *joined;     /* the words, then zeros */
  uint32_t *starts; /* [words + 1] in joined; behind it the last one again */
  uint32_t *prints; /* [words]: of the 16 bytes from there, in the top bit whether they were seen before */
  uint32_t *pairs;  /* [words]: how often the pair of words occurs, at most */
  size_t word_capacity, joined_capacity;
  uint64_t *seen, *again; /* bitmaps of prints */
  uint32_t *pair_counts;
  size_t seen_capacity, pair_capacity;
  unsigned print_bits;
  size_t top_bound[5]; /* by n 2..4 */
  uint32_t *repeated;  /* words where an n-gram of LISTED words or more may be a duplicate or be met again */
  uint8_t *reach;      /* low half: bytes of such an n-gram, as a limit of `limits`; high half: of one that may be a duplicate */
  size_t repeated_count, repeated_capacity;
  uint32_t duplicate_bound[GRAM_LANES]; /* bytes, by n - LISTED */
  struct key_set keys;
  struct gram_table counts;
  size_t part_grams; /* n-grams that are counted at once; 0: four million */
  size_t top[NGRAM_MAX + 1], duplicates[NGRAM_MAX + 1]; /* SIZE_MAX: not known yet */
};

/* Both must stay as they are until the next call. */
void grams_begin(struct grams *g, const struct scan *scan, const struct word_list *list);
void grams_release(struct grams *g);

/* Length of the most frequent n-gram, words joined by a space, times how often it occurs; the first seen wins a tie.
 * 0 when there are fewer than n words. */
size_t grams_top(struct grams *g, int n);
size_t grams_top_most(struct grams *g, int n); /* no less than that, at little cost */

/* Characters of n-grams (joined by nothing) that were seen before; after a hit the scan goes on behind it. */
size_t grams_duplicates(struct grams *g, int n);
size_t grams_duplicates_most(struct grams *g, int n); /* no less than that */

#endif
