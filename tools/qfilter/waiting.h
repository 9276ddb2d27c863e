/* SPDX-License-Identifier: MIT
 *
 * Documents that wait for the end of the stream, because a condition asks for their rank among all: what will be written
 * if they stay or go, and the values that decide.  Beyond a share of -S they wait in an unnamed file in -T.
 */
#ifndef QFILTER_WAITING_H
#define QFILTER_WAITING_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/qfilter/models/quantile.h"
#include "tools/qfilter/pii/mask.h"
#include "tools/qfilter/rules/expression.h"

struct waiting_document {
  uint64_t kept, reject;      /* bytes of each, behind the values */
  struct mask_counts masked;
  bool edited, decided;       /* decided: `kept` is written whatever the values are */
};

/* Appends one document to a batch's bytes: begin, write its kept bytes to `out`, then those of the reject, then end. */
size_t waiting_begin(struct buffer *out, const double *values, int count);
void waiting_end(struct buffer *out, size_t begin, int count, struct waiting_document head, size_t reject_start);

struct waiting; /* the log */

struct waiting *waiting_new(struct expressions *x, size_t memory, const char *folder);
void waiting_free(struct waiting *w);
int waiting_add(struct waiting *w, struct slice batch, struct err *e); /* in the order of the input */

/* Calls take() for each document in order, with its values restored in `v` and ranks in their place. */
struct waiting_visit {
  const struct waiting_document *head;
  struct slice kept, reject;
};
int waiting_each(struct waiting *w, struct evaluation *v, int (*take)(void *context, const struct waiting_visit *visit, struct err *e), void *context, struct err *e);

const struct quantile *waiting_quantile(const struct waiting *w, int i); /* of term i; finished by waiting_each() */

#endif
