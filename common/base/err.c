/* SPDX-License-Identifier: MIT */
#include "common/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int set(struct err *e, enum err_kind kind, const char *format, va_list args) {
  e->kind = kind;
  vsnprintf(e->message, sizeof e->message, format, args);
  return -1;
}

int err_set(struct err *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set(e, ERR_FAILED, format, args);
  va_end(args);
  return -1;
}

int err_usage(struct err *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  set(e, ERR_USAGE, format, args);
  va_end(args);
  return -1;
}

int err_errno(struct err *e, const char *format, ...) {
  int number = errno;
  va_list args;
  va_start(args, format);
  set(e, number == EPIPE ? ERR_PIPE : ERR_FAILED, format, args);
  va_end(args);
  size_t n = strlen(e->message);
  snprintf(e->message + n, sizeof e->message - n, ": %s", strerror(number));
  return -1;
}

int err_prefix(struct err *e, const char *format, ...) {
  char old[sizeof e->message];
  memcpy(old, e->message, sizeof old);
  va_list args;
  va_start(args, format);
  vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  size_t n = strlen(e->message);
  snprintf(e->message + n, sizeof e->message - n, ": %s", old);
  return -1;
}
