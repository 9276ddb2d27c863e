/* SPDX-License-Identifier: MIT
 *
 * Output that appears whole or not at all.  A path is written to an unnamed file in its folder (O_TMPFILE; a named
 * temporary beside it where the file system lacks that), which commit fsyncs and renames into place.  stdout and
 * paths that are not regular files (/dev/null, /dev/stderr, a FIFO) are written as they go; of a symbolic link the file
 * it leads to is replaced.  Whatever is not committed leaves nothing behind: not after an error, a signal (see
 * output_unlink_temporaries) or, with O_TMPFILE, kill -9 (but for the instant in which a file that was there is replaced).
 */
#ifndef IO_OUTPUT_H
#define IO_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct output;

enum {
  OUTPUT_BINARY = 1, /* refuse a terminal (ERR_USAGE) ... */
  OUTPUT_FORCE = 2,  /* ... unless forced */
};

/* path NULL or "-": stdout. */
int output_open(struct output **out, const char *path, unsigned flags, struct err *e);
int output_write(struct output *out, const void *data, size_t n, struct err *e); /* buffered */
int output_printf(struct output *out, struct err *e, const char *format, ...) __attribute__((format(printf, 3, 4)));
int output_flush(struct output *out, struct err *e);
/* Overwrites bytes written before.  Returns 1, having done nothing, when the output is a pipe or a terminal. */
int output_patch(struct output *out, uint64_t offset, const void *data, size_t n, struct err *e);
uint64_t output_written(const struct output *out);
const char *output_name(const struct output *out); /* "stdout" or the path */

/* Both free `out` (NULL is fine).  commit reports late errors: a full disk, a closed pipe. */
int output_commit(struct output *out, struct err *e);
void output_abort(struct output *out);

/* A scratch file in `folder` (NULL: $TMPDIR, else /tmp) that has no name: returns a descriptor or -1. */
int output_scratch(const char *folder, struct err *e);

/* Async-signal-safe: unlinks every named temporary that is open. */
void output_unlink_temporaries(void);

/* mkdir -p; an existing folder is fine. */
int output_folder(const char *path, struct err *e);
/* Writes a whole small file atomically; path as of output_open(). */
int output_file(const char *path, const void *data, size_t n, struct err *e);

#endif
