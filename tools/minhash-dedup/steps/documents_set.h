/* SPDX-License-Identifier: MIT
 *
 * A set of document numbers, a bit each, that knows how many of its members are smaller than a number.
 */
#ifndef MINHASH_DEDUP_STEPS_DOCUMENTS_SET_H
#define MINHASH_DEDUP_STEPS_DOCUMENTS_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

struct documents_set { /* documents_set_init(), documents_set_release() */
  uint64_t *bits, *rank; /* rank[k]: members before 512 k */
  uint64_t count;        /* members, once closed */
  uint64_t size;         /* members are smaller */
};

int documents_set_init(struct documents_set *s, uint64_t size, struct err *e); /* -1: more than memory holds */
void documents_set_release(struct documents_set *s);
static inline void documents_set_add(struct documents_set *s, uint64_t document) { s->bits[document / 64] |= (uint64_t)1 << document % 64; }
void documents_set_close(struct documents_set *s); /* no more additions; then: */
static inline bool documents_set_has(const struct documents_set *s, uint64_t document) {
  return document < s->size && s->bits[document / 64] >> document % 64 & 1;
}
uint64_t documents_set_before(const struct documents_set *s, uint64_t document); /* members smaller than it; document <= size */
/* The smallest member that is not smaller than `document`; size when there is none. */
uint64_t documents_set_next(const struct documents_set *s, uint64_t document);

#endif
