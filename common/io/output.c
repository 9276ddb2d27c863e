/* SPDX-License-Identifier: MIT */
#include "common/io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"

enum {
  BUFFER = 1 << 16,
  DIRECT = 1 << 14,    /* as much at once is written from where it is */
  WRITEBACK = 8 << 20, /* so much is handed to the disk at a time, so that the fsync at the end waits for the last part only */
  TEMPORARIES = 64,
};

struct output {
  char *path;          /* NULL: stdout */
  char *temporary;     /* named temporary, NULL: unnamed or written in place */
  int slot;            /* in `temporaries`, -1 none */
  int fd;
  bool in_place;       /* stdout, device, FIFO: nothing to rename */
  bool seekable;
  uint64_t written, base;
  uint64_t flushed, started; /* to the file; of it, towards the disk */
  size_t used;
  char buffer[BUFFER];
};

/* Names for the signal handler: set before the file exists, cleared after it is gone or renamed. */
static char *_Atomic temporaries[TEMPORARIES];

static int remember(char *path) {
  for (int i = 0; i < TEMPORARIES; i++) {
    char *expected = NULL;
    if (atomic_compare_exchange_strong(&temporaries[i], &expected, path)) return i;
  }
  return -1;
}

static void forget(int slot) {
  if (slot >= 0) atomic_store(&temporaries[slot], NULL);
}

void output_unlink_temporaries(void) {
  for (int i = 0; i < TEMPORARIES; i++) {
    char *path = atomic_load(&temporaries[i]);
    if (path) unlink(path);
  }
}

static char *folder_of(const char *path) {
  char *copy = STRDUP(path), *folder = STRDUP(dirname(copy));
  free(copy);
  return folder;
}

/* "FOLDER/.crawl2lm.PID.N": hidden, beside the target, unique in this process, short whatever the target's name is. */
static char *temporary_name(const char *path) {
  static _Atomic unsigned counter;
  char *folder = folder_of(path);
  struct buffer b = {0};
  buffer_printf(&b, "%s/.crawl2lm.%ld.%u", folder, (long)getpid(), atomic_fetch_add(&counter, 1));
  buffer_string(&b);
  free(folder);
  return b.data;
}

/* Another name at each call: one may be there, of a killed process that had our number (in containers soon again). */
static void take_temporary_name(struct output *out) {
  forget(out->slot);
  free(out->temporary);
  out->temporary = temporary_name(out->path);
  out->slot = remember(out->temporary);
}

static int open_temporary(struct output *out, struct err *e) {
  char *folder = folder_of(out->path);
  bool nameable = access("/proc/self/fd", X_OK) == 0; /* else an unnamed file could not get a name at the end */
  out->fd = nameable ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666) : -1;
  int number = nameable ? errno : EOPNOTSUPP;
  free(folder);
  if (out->fd >= 0) return 0;
  if (number != EOPNOTSUPP && number != EISDIR && number != EINVAL && number != ENOENT) {
    errno = number;
    return err_errno(e, "%s: cannot create", out->path);
  }
  do {
    take_temporary_name(out);
    out->fd = open(out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (out->fd < 0 && errno == EEXIST);
  return out->fd < 0 ? err_errno(e, "%s: cannot create", out->path) : 0;
}

/* The descriptor that /dev/stdout, /dev/stderr, /dev/fd/N or /proc/self/fd/N stands for, -1 for other paths.  Opening
 * such a path would start a regular file behind it again at byte 0, and renaming over it would replace the link. */
static int named_descriptor(const char *path) {
  if (strcmp(path, "/dev/stdout") == 0) return 1;
  if (strcmp(path, "/dev/stderr") == 0) return 2;
  int64_t number;
  size_t prefix = strncmp(path, "/dev/fd/", 8) == 0 ? 8 : strncmp(path, "/proc/self/fd/", 14) == 0 ? 14 : 0;
  return prefix && number_int(path + prefix, 0, INT32_MAX, &number) == 0 ? (int)number : -1;
}

/* What to replace: the file that a chain of links leads to, so that the links stay. */
static char *resolve(const char *path) {
  struct stat st;
  char *target = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
  return target ? target : STRDUP(path);
}

int output_open(struct output **result, const char *path, unsigned flags, struct err *e) {
  struct output *out = MALLOC(sizeof *out);
  *out = (struct output){.fd = 1, .slot = -1};
  struct stat st;
  if (!path || strcmp(path, "-") == 0) {
    out->in_place = true;
  } else if (named_descriptor(path) >= 0) {
    out->in_place = true;
    out->path = STRDUP(path);
    out->fd = fcntl(named_descriptor(path), F_DUPFD_CLOEXEC, 3);
    if (out->fd < 0) {
      err_errno(e, "%s", path);
      goto fail;
    }
  } else {
    out->path = resolve(path);
    bool there = stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode)) {
      err_set(e, "%s: is a folder", path);
      goto fail;
    }
    if (there && !S_ISREG(st.st_mode)) {
      out->in_place = true;
      out->fd = open(path, O_WRONLY | O_CLOEXEC);
      if (out->fd < 0) {
        err_errno(e, "%s", path);
        goto fail;
      }
    } else if (open_temporary(out, e)) {
      goto fail;
    }
  }
  if ((flags & OUTPUT_BINARY) && !(flags & OUTPUT_FORCE) && isatty(out->fd)) {
    err_usage(e, "%s is a terminal: binary output needs -o FILE, a pipe, or -f", output_name(out));
    goto fail;
  }
  /* appending (>>) counts as a pipe: what stands before is not ours to patch */
  int mode = fcntl(out->fd, F_GETFL);
  if (fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode) && mode >= 0 && !(mode & O_APPEND)) {
    off_t at = lseek(out->fd, 0, SEEK_CUR);
    out->seekable = at >= 0;
    out->base = at > 0 ? (uint64_t)at : 0;
  }
  *result = out;
  return 0;
fail:
  output_abort(out);
  return -1;
}

static int write_all(struct output *out, const char *data, size_t n, struct err *e) {
  while (n) {
    ssize_t k = write(out->fd, data, n);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return err_errno(e, "%s: cannot write", output_name(out));
    data += k;
    n -= (size_t)k;
    out->flushed += (uint64_t)k;
  }
  if (!out->in_place && out->flushed - out->started >= WRITEBACK) {
    int before = errno;
    sync_file_range(out->fd, (off_t)out->started, (off_t)(out->flushed - out->started), SYNC_FILE_RANGE_WRITE); /* a hint: fsync tells of errors */
    errno = before;
    out->started = out->flushed;
  }
  return 0;
}

int output_flush(struct output *out, struct err *e) {
  size_t n = out->used;
  out->used = 0;
  return write_all(out, out->buffer, n, e);
}

int output_write(struct output *out, const void *data, size_t n, struct err *e) {
  out->written += n;
  if (n >= BUFFER - out->used || n >= DIRECT) {
    if (output_flush(out, e)) return -1;
    if (n >= DIRECT) return write_all(out, data, n, e);
  }
  if (n) memcpy(out->buffer + out->used, data, n);
  out->used += n;
  return 0;
}

int output_printf(struct output *out, struct err *e, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (n < (int)sizeof text) return output_write(out, text, (size_t)n, e);
  char *longer = MALLOC((size_t)n + 1);
  va_start(args, format);
  vsnprintf(longer, (size_t)n + 1, format, args);
  va_end(args);
  int result = output_write(out, longer, (size_t)n, e);
  free(longer);
  return result;
}

int output_patch(struct output *out, uint64_t offset, const void *data, size_t n, struct err *e) {
  if (!out->seekable) return 1;
  if (output_flush(out, e)) return -1;
  const char *p = data;
  for (off_t at = (off_t)(out->base + offset); n;) {
    ssize_t k = pwrite(out->fd, p, n, at);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return err_errno(e, "%s: cannot write", output_name(out));
    p += k, at += k, n -= (size_t)k;
  }
  return 0;
}

uint64_t output_written(const struct output *out) { return out->written; }
const char *output_name(const struct output *out) { return out->path ? out->path : "stdout"; }

static void release(struct output *out) {
  if (out->fd > 1) close(out->fd);
  forget(out->slot);
  free(out->temporary);
  free(out->path);
  free(out);
}

/* Gives the unnamed file its name: at once where the path is free, so that no kill can come between; to replace what is
 * there, a hidden name beside it first, for rename(). */
static int name_unnamed(struct output *out, struct err *e) {
  char descriptor[64];
  snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", out->fd);
  if (linkat(AT_FDCWD, descriptor, AT_FDCWD, out->path, AT_SYMLINK_FOLLOW) == 0) return 0;
  if (errno != EEXIST) return err_errno(e, "%s: cannot name the file", out->path);
  int failed;
  do {
    take_temporary_name(out);
    failed = linkat(AT_FDCWD, descriptor, AT_FDCWD, out->temporary, AT_SYMLINK_FOLLOW);
  } while (failed && errno == EEXIST);
  return failed ? err_errno(e, "%s: cannot name the file", out->path) : 0;
}

static int sync_folder(const char *path) {
  char *folder = folder_of(path);
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
  if (fd >= 0) {
    result = fsync(fd) && errno != EINVAL && errno != EROFS;
    close(fd);
  }
  free(folder);
  return result ? -1 : 0;
}

int output_commit(struct output *out, struct err *e) {
  int result = output_flush(out, e);
  if (result == 0 && out->in_place) {
    /* late errors of network file systems come at close; a duplicate keeps stdout itself open */
    int copy = dup(out->fd);
    if (copy >= 0 && close(copy)) result = err_errno(e, "%s: cannot write", output_name(out));
  } else if (result == 0) {
    if (fsync(out->fd)) result = err_errno(e, "%s: cannot write", out->path);
    if (result == 0 && !out->temporary) result = name_unnamed(out, e);
    if (result == 0 && out->temporary && rename(out->temporary, out->path)) result = err_errno(e, "%s: cannot rename", out->path);
    if (result == 0 && sync_folder(out->path)) result = err_errno(e, "%s: cannot sync its folder", out->path);
    if (result && out->temporary) unlink(out->temporary);
  }
  release(out);
  return result;
}

void output_abort(struct output *out) {
  if (!out) return;
  if (out->temporary) unlink(out->temporary);
  release(out);
}

int output_scratch(const char *folder, struct err *e) {
  if (!folder) folder = getenv("TMPDIR");
  if (!folder || !*folder) folder = "/tmp";
  int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (fd >= 0) return fd;
  struct buffer name = {0};
  buffer_printf(&name, "%s/crawl2lm-XXXXXX", folder);
  fd = mkostemp(buffer_string(&name), O_CLOEXEC);
  if (fd < 0) err_errno(e, "%s: cannot create a scratch file", folder);
  else unlink(name.data);
  buffer_release(&name);
  return fd;
}

int output_folder(const char *path, struct err *e) {
  if (!*path) return err_set(e, "an empty name cannot be a folder");
  char *copy = STRDUP(path);
  int result = 0;
  for (char *p = copy + 1; result == 0; p++) {
    if (*p && *p != '/') continue;
    char end = *p;
    *p = 0;
    struct stat st;
    if (mkdir(copy, 0777) && errno != EEXIST) result = err_errno(e, "%s: cannot create the folder", copy);
    else if (stat(copy, &st) == 0 && !S_ISDIR(st.st_mode)) result = err_set(e, "%s: is not a folder", copy);
    *p = end;
    if (!end) break;
  }
  free(copy);
  return result;
}

int output_file(const char *path, const void *data, size_t n, struct err *e) {
  struct output *out;
  if (output_open(&out, path, 0, e)) return -1;
  if (output_write(out, data, n, e)) {
    output_abort(out);
    return -1;
  }
  return output_commit(out, e);
}
