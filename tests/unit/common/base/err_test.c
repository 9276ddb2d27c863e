/* SPDX-License-Identifier: MIT */
#include "common/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/tap.h"

int main(void) {
  struct err e;
  ok(err_set(&e, "truncated %s member", "gzip") == -1 && e.kind == ERR_FAILED, "an error is -1 and of kind failed");
  ok_string(e.message, "truncated gzip member", "with its message");
  ok(err_prefix(&e, "%s:%d", "a.tsv.gz", 17) == -1, "a prefix is -1 too");
  ok_string(e.message, "a.tsv.gz:17: truncated gzip member", "input and line come before the message");
  ok(err_usage(&e, "unknown option --x") == -1 && e.kind == ERR_USAGE, "a usage error is of its own kind");
  err_prefix(&e, "tool");
  ok(e.kind == ERR_USAGE, "a prefix keeps the kind");
  errno = ENOSPC;
  ok(err_errno(&e, "cannot write %s", "x") == -1 && e.kind == ERR_FAILED, "errors of the system are failures");
  ok_string(e.message, "cannot write x: No space left on device", "that say why");
  errno = EPIPE;
  ok(err_errno(&e, "stdout") == -1 && e.kind == ERR_PIPE, "a closed pipe is a kind of its own");
  char big[3000];
  memset(big, 'x', sizeof big - 1);
  big[sizeof big - 1] = 0;
  err_set(&e, "%s", big);
  ok(strlen(e.message) == sizeof e.message - 1, "a long message is cut at its end");
  err_prefix(&e, "%s", "name");
  ok(strlen(e.message) == sizeof e.message - 1 && strncmp(e.message, "name: xxx", 9) == 0, "a prefix before a long message fits");
  err_prefix(&e, "%s", big);
  ok(strlen(e.message) == sizeof e.message - 1, "a long prefix as well");
  errno = ENOENT;
  err_errno(&e, "%s", big);
  ok(strlen(e.message) == sizeof e.message - 1, "and a long message with a reason");
  return tap_done();
}
