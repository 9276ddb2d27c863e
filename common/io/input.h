/* SPDX-License-Identifier: MIT
 *
 * Bytes from a file, stdin ("-") or an http(s) URL, decompressed when they start with the magic of gzip (RFC 1952, any
 * number of members; zero bytes after the last one are ignored) or Zstandard (RFC 8878, any number of frames, the first of
 * which may hold a dictionary for the others).
 *
 * The interface is a window over the stream: peek at least n bytes, then consume some.  The window grows to the largest
 * peek, so a caller that peeks line by line holds one line.
 *
 * A damaged stream is an error from input_peek() once the good bytes before the damage are consumed; its message says
 * what ("truncated gzip member") and the caller prefixes input_name() and a line or offset.
 */
#ifndef IO_INPUT_H
#define IO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

struct input;

struct input_options {
  bool members;     /* peek stops at the end of each gzip member: see input_next_member() */
  bool as_is;       /* no decompression */
  int64_t from;     /* start at this byte of the file or URL ... */
  int64_t length;   /* ... and end after so many; 0: at its end */
  bool *missing;    /* may be NULL; tells whether input_open() failed because the file, or a URL's range, is not there */
};

/* options may be NULL. */
int input_open(struct input **in, const char *name, const struct input_options *options, struct err *e);
void input_close(struct input *in); /* NULL is fine */

/* Makes at least `want` bytes visible at *data and sets *available to all that are; fewer than `want` only at the end
 * (of the stream, or of the member with options.members).  0, or -1 with the error.  Valid until the next call. */
int input_peek(struct input *in, size_t want, const char **data, size_t *available, struct err *e);
void input_consume(struct input *in, size_t n); /* n <= available */

/* Copies up to n bytes to `to` and consumes them; fewer only at the end, as for input_peek(), or before damage, which the
 * next call reports.  Bytes that need no decoding go straight there: there is no window. */
int input_read(struct input *in, void *to, size_t n, size_t *got, struct err *e);

/* The next line without its newline, which the last one may lack: 1, or 0 at the end, or -1.  *line is consumed and stays
 * valid until the next call. */
int input_line(struct input *in, struct slice *line, struct err *e);

/* Appends all of `name`; the error names it. */
int input_read_all(const char *name, struct buffer *out, struct err *e);

/* options.members: after the end of a member, goes to the next: 1, or 0 at the end of the stream, or -1.
 * Input that is not gzip is one member. */
int input_next_member(struct input *in, struct err *e);
/* After an error inside a member: looks for the next gzip header past the damage.  1 found, 0 none, -1 read error. */
int input_resync(struct input *in, struct err *e);

/* While on, a read that waits for a pipe, terminal or socket fails at once, in whichever thread it waits. */
void input_interrupt(bool on);

bool input_damaged(const struct input *in); /* an error came from the data, not from reading it */

const char *input_name(const struct input *in);
bool input_is_gzip(const struct input *in);
bool input_is_plain(const struct input *in);          /* no coding is undone */
uint64_t input_position(const struct input *in);      /* decompressed bytes consumed so far */
uint64_t input_member_offset(const struct input *in); /* gzip: where the current member starts in the file; else options.from */
/* gzip with options.members, all of the current member being visible: where it ends in the file; else 0. */
uint64_t input_member_end(const struct input *in);
uint64_t input_raw_read(const struct input *in);      /* bytes read from the file so far, for progress */
int64_t input_raw_size(const struct input *in);       /* size of the file, -1 when unknown */

#endif
