/* SPDX-License-Identifier: MIT
 *
 * What --stats writes: one JSON object with sorted keys; all timings under the key `time`, so that two runs can be
 * compared without it.  A name may hold dots: "reasons.gopher_short_doc" nests.
 */
#ifndef IO_STATS_H
#define IO_STATS_H

#include <stdint.h>

#include "common/base/err.h"

struct stats;

struct stats *stats_new(void);
void stats_free(struct stats *s);
void stats_int(struct stats *s, const char *name, int64_t value);
void stats_add(struct stats *s, const char *name, int64_t value); /* adds to what is there */
void stats_double(struct stats *s, const char *name, double value);
void stats_string(struct stats *s, const char *name, const char *value);
/* Sets in, out, rejected and bad (documents or records): in = out + rejected + bad. */
void stats_flow(struct stats *s, uint64_t in, uint64_t out, uint64_t rejected, uint64_t bad);
void stats_time(struct stats *s, const char *name, double seconds); /* under `time` */
void stats_append(struct stats *s, const char *name, struct stats *row);    /* another element of the array `name`; takes row over */
int64_t stats_get(const struct stats *s, const char *name); /* 0 when absent */
int stats_write(const struct stats *s, const char *path, struct err *e); /* atomically; "-": stdout */

#endif
