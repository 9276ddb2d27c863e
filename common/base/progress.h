/* SPDX-License-Identifier: MIT
 *
 * The line on stderr that says how far a program is: "qfilter 1.2 GiB of 4.0 GiB, 310 MB/s, 12,345 documents, 0:09
 * left".  On a terminal it is redrawn four times a second; elsewhere (--progress always) a line is written every ten
 * seconds.  Any thread may add; drawing happens in progress_add(), never in a thread of its own.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

struct progress;

/* `unit` counts items ("documents"); total 0 when unknown.  Never fails; returns an object even when silent. */
struct progress *progress_new(const char *name, const char *unit, enum progress_mode mode);
void progress_total(struct progress *p, uint64_t bytes);
void progress_add(struct progress *p, uint64_t bytes, uint64_t items);
/* Replaces the line by a text of the caller's own (lm-train's loss and speed). */
void progress_text(struct progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_clear(struct progress *p); /* wipes the line, so that a message can be printed */
void progress_free(struct progress *p);  /* wipes the line */

double progress_clock(void); /* seconds, monotonic */

#endif
