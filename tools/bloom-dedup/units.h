/* SPDX-License-Identifier: MIT
 *
 * A document's text cut into units, without undoing its escapes: everything here takes text as it stands in Linear TSV,
 * where a newline is the two bytes \n.
 *
 *   document   the whole text, without white space lines at its end
 *   paragraph  lines in a row that are not blank
 *   line       a line that is not blank
 *
 * A line is blank when it has nothing but spaces, tabs and carriage returns.  Blank lines are no units: they part them.
 * With `short_length` 0 every line is a unit, the blank ones too.  A text that has nothing else is one empty unit.
 *
 * The canonical bytes of a unit are its text with the four escapes and no others: what stands in the input, unless that has
 * unknown escapes, a backslash at its end or a carriage return that is not escaped.  They do not depend on the input's format.
 */
#ifndef BLOOM_DEDUP_UNITS_H
#define BLOOM_DEDUP_UNITS_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/bloom-dedup/hashes.h"

enum unit_kind { UNIT_DOCUMENT, UNIT_PARAGRAPH, UNIT_LINE };

struct unit_cursor {
  struct slice text;
  enum unit_kind kind;
  size_t short_length;  /* units of fewer bytes pass */
  size_t at;            /* where to go on */
  uint64_t unknown;     /* unknown escapes so far */
  bool started, ended;
  bool returns;         /* the text may hold carriage returns that are not escaped */
};

struct unit {
  struct slice bytes;
  size_t gap;     /* bytes between the unit before (or the text's start) and this one */
  bool passes;    /* too short to be looked at: it stays */
  bool canonical;
};

static inline struct unit_cursor unit_cursor(struct slice text, enum unit_kind kind, size_t short_length) {
  return (struct unit_cursor){.text = text, .kind = kind, .short_length = short_length};
}
bool unit_next(struct unit_cursor *c, struct unit *u);
/* The only unit of a text without backslashes. */
void unit_plain(const struct unit_cursor *c, struct unit *u);

/* Writes the text without its units i with drop[i] != 0 (units that pass are not numbered), to `out`.  Of the gaps around
 * what is left out the longest stays.  Returns the number of units that are left, those that pass included. */
size_t units_edit(struct buffer *out, struct slice text, enum unit_kind kind, size_t short_length, const unsigned char *drop);

/* The hash of a unit; `room` is for the caller to keep. */
struct hash128 unit_hash(const struct unit *u, bool normalize, uint64_t seed, struct buffer *room);

/* What --normalize compares: appends the unit, canonical or not, with
 *   - letters in lower case (Unicode's simple mapping),
 *   - punctuation (general category P*, and the ASCII symbols $ + < = > ^ ` | ~) left out,
 *   - white space (as Python's str.isspace(), and escaped newlines, tabs and carriage returns) in a row as one space, none
 *     at the ends.
 * A unit of which nothing is left is compared as it stands. */
void unit_normalize(struct buffer *out, struct slice bytes);

#endif
