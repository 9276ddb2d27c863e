/* SPDX-License-Identifier: MIT
 *
 * PCRE2 patterns that users write, counted in text of any length in time that grows with the length.
 *
 * A pattern is tried on a window of the text, with partial matching: a match that never looked past the window's end is
 * the match that the whole text has; one that did is tried again, from its start alone, with a window four times as long.
 * What the calls cost is charged against a budget proportional to the text; PCRE2's match limit bounds each call.  A text on
 * which the budget or a limit is spent has no count: pattern_count() says so, and the answer is the same everywhere,
 * because no clock is asked.
 */
#ifndef QFILTER_RULES_PATTERNS_H
#define QFILTER_RULES_PATTERNS_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct pattern; /* compiled, with machine code where PCRE2 has it; may be shared between threads */

/* flags: i caseless, m lines, s dot takes newlines, x extended, u Unicode classes for \w \d \b.  The text is always UTF-8.
 * NULL on error: e says why without naming the place, which is *at, bytes from the start of `source`. */
struct pattern *pattern_compile(struct slice source, struct slice flags, size_t *at, struct err *e);
void pattern_free(struct pattern *p);

struct pattern_scratch { /* zero to start; one per thread */
  void *data, *context, *stack;
  size_t window; /* bytes of the first window; 0: 1024 */
};

/* Matches that do not overlap and are not empty, from left to right, at most `most` of them.  The text is valid UTF-8.
 * False when the limits are spent: there is no answer. */
bool pattern_count(const struct pattern *p, struct pattern_scratch *s, struct slice text, size_t most, size_t *count);
void pattern_scratch_release(struct pattern_scratch *s);

#endif
