/* SPDX-License-Identifier: MIT
 *
 * Errors as values.  Functions in common/ return 0 (or a count) on success and -1 on failure, having filled the
 * caller's struct err; only a tool prints one and chooses the exit status from its kind.
 *
 * A message reads "INPUT:LINE: what, remedy": whoever knows the input or the line prefixes it with err_prefix().
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
  ERR_FAILED, /* exit 1 */
  ERR_USAGE,  /* exit 2: the command line, not the data, is wrong */
  ERR_PIPE,   /* the reader of stdout went away: die of SIGPIPE, silently */
};

struct err {
  enum err_kind kind;
  char message[1024]; /* cut at the end if longer */
};

/* All return -1, so that a caller can write `return err_set(e, ...)`. */
int err_set(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_usage(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As err_set, with ": " and strerror(errno) after it; EPIPE makes the kind ERR_PIPE. */
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts the formatted text and ": " before the message already in e. */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
