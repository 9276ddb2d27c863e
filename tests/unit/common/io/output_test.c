/* SPDX-License-Identifier: MIT */
#include "common/io/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "tests/read_file.h"
#include "tests/tap.h"

static struct err e;

static const char *path_of(const char *name) {
  static char paths[4][512];
  static int turn;
  char *path = paths[turn++ & 3];
  snprintf(path, sizeof paths[0], "%s/%s", tap_folder(), name);
  return path;
}

static bool holds(const char *path, const char *want, size_t n) {
  struct buffer b = read_file(path);
  bool same = access(path, F_OK) == 0 && b.len == n && (!n || memcmp(b.data, want, n) == 0);
  if (!same) note("%s: %zu bytes, want %zu", path, b.len, n);
  buffer_release(&b);
  return same;
}

static int entries(const char *folder) { /* files, hidden ones too */
  DIR *d = opendir(folder);
  int n = 0;
  for (struct dirent *entry; d && (entry = readdir(d));) n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
  if (d) closedir(d);
  return n;
}

/* Writes 1 MB to `path` in a child, which then dies of `number`, or by _exit when it is 0. */
static void killed_while_writing(const char *path, int number) {
  pid_t pid = fork();
  if (pid == 0) {
    struct output *out;
    static char data[1 << 20];
    if (output_open(&out, path, 0, &e) || output_write(out, data, sizeof data, &e) || output_flush(out, &e)) _exit(9);
    if (number) raise(number);
    _exit(7);
  }
  int status;
  waitpid(pid, &status, 0);
}

int main(void) {
  struct output *out;
  const char *path = path_of("a");
  ok(output_open(&out, path, 0, &e) == 0 && output_write(out, "hello ", 6, &e) == 0 && output_printf(out, &e, "%d%s", 42, "\n") == 0, "text is written");
  ok(output_flush(out, &e) == 0 && access(path, F_OK) != 0 && entries(tap_folder()) == 0, "nothing can be seen before the commit");
  ok(output_written(out) == 9 && strcmp(output_name(out), path) == 0, "its length and name are known");
  ok(output_commit(out, &e) == 0 && holds(path, "hello 42\n", 9) && entries(tap_folder()) == 1, "after it the file is there, alone");
  struct stat st;
  mode_t mask = umask(0);
  umask(mask);
  ok(stat(path, &st) == 0 && (st.st_mode & 0777) == (0666 & ~mask), "with the permissions that umask leaves");

  ok(output_open(&out, path, 0, &e) == 0 && output_write(out, "new", 3, &e) == 0 && holds(path, "hello 42\n", 9), "an existing file stays until the commit");
  ok(output_commit(out, &e) == 0 && holds(path, "new", 3), "and is replaced by it");
  ok(output_open(&out, path, 0, &e) == 0 && output_write(out, "other", 5, &e) == 0, "a second attempt");
  output_abort(out);
  ok(holds(path, "new", 3) && entries(tap_folder()) == 1, "that is given up leaves nothing");
  output_abort(NULL);

  static char big[3000000];
  for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7 + i / 251);
  output_open(&out, path, 0, &e);
  size_t at = 0;
  bool fine = true;
  for (size_t n = 1; at < sizeof big; at += n, n = n * 5 % 300001 + 1) {
    if (n > sizeof big - at) n = sizeof big - at;
    fine &= output_write(out, big + at, n, &e) == 0;
  }
  ok(fine && output_commit(out, &e) == 0 && holds(path, big, sizeof big), "three megabytes in odd pieces");
  char line[2000];
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = 0;
  output_open(&out, path, 0, &e);
  ok(output_printf(out, &e, "<%s>", line) == 0 && output_commit(out, &e) == 0 && stat(path, &st) == 0 && st.st_size == 2001, "formatted text has no limit");

  output_open(&out, path, 0, &e);
  output_write(out, big, 600000, &e);
  ok(output_patch(out, 0, "HEAD", 4, &e) == 0 && output_patch(out, 599998, "ZZ", 2, &e) == 0 && output_write(out, "tail", 4, &e) == 0 && output_commit(out, &e) == 0, "bytes written before are patched");
  struct buffer b = read_file(path);
  ok(b.len == 600004 && memcmp(b.data, "HEAD", 4) == 0 && memcmp(b.data + 4, big + 4, 599994) == 0 && memcmp(b.data + 599998, "ZZtail", 6) == 0, "at their place; writing goes on at the end");
  buffer_release(&b);

  int ends[2];
  if (pipe(ends) != 0) return 1;
  char fd_path[64];
  snprintf(fd_path, sizeof fd_path, "/dev/fd/%d", ends[1]);
  ok(output_open(&out, fd_path, 0, &e) == 0 && output_write(out, "abc", 3, &e) == 0 && output_patch(out, 0, "X", 1, &e) == 1 && output_commit(out, &e) == 0, "a pipe is written as it goes and cannot be patched");
  ok(read(ends[0], line, 10) == 3 && memcmp(line, "abc", 3) == 0, "it got the bytes");
  output_open(&out, fd_path, 0, &e);
  close(ends[0]);
  signal(SIGPIPE, SIG_IGN);
  output_write(out, "abc", 3, &e);
  ok(output_commit(out, &e) == -1 && e.kind == ERR_PIPE, "a pipe without reader is an error of its own kind");
  close(ends[1]);

  ok(output_open(&out, "/dev/null", 0, &e) == 0 && output_write(out, big, sizeof big, &e) == 0 && output_commit(out, &e) == 0 && stat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode), "/dev/null stays what it is");
  ok(output_open(&out, "/dev/full", 0, &e) == 0 && output_write(out, "a", 1, &e) == 0 && output_commit(out, &e) == -1 && e.kind == ERR_FAILED && strstr(e.message, "/dev/full: cannot write: No space left"), "a full device is found at the commit");
  output_open(&out, "/dev/full", 0, &e);
  ok(output_write(out, big, sizeof big, &e) == -1, "or when the buffer is full");
  output_abort(out);

  ok(output_open(&out, tap_folder(), 0, &e) == -1 && strstr(e.message, "is a folder"), "a folder is no file");
  ok(output_open(&out, path_of("no/such/folder/x"), 0, &e) == -1 && strstr(e.message, "no/such/folder/x: cannot create: No such file"), "a missing folder is an error at the start");
  ok(output_open(&out, "/proc/crawl2lm-test", 0, &e) == -1 && strstr(e.message, "/proc/crawl2lm-test"), "so is a folder where nothing can be created");
  char name[256];
  memset(name, 'n', 250);
  name[250] = 0;
  ok(output_file(path_of(name), "x", 1, &e) == 0 && holds(path_of(name), "x", 1), "a name of 250 bytes");
  unlink(path_of(name));
  if (chdir(tap_folder()) != 0) return 1;
  ok(output_file("bare", "xyz", 3, &e) == 0 && holds("bare", "xyz", 3), "a name without folder");
  ok(symlink("bare", "link") == 0 && output_file("link", "1", 1, &e) == 0 && holds("bare", "1", 1) && lstat("link", &st) == 0 && S_ISLNK(st.st_mode), "of a link the file it leads to is replaced");
  unlink("link"), unlink("bare"), unlink("a");

  ok(output_file("again", "1", 1, &e) == 0, "a file to replace");
  for (int i = 0; i < 1000; i++) { /* as killed processes of our number leave them */
    char stale[64];
    snprintf(stale, sizeof stale, ".crawl2lm.%ld.%d", (long)getpid(), i);
    close(open(stale, O_WRONLY | O_CREAT, 0666));
  }
  ok(output_file("again", "2", 1, &e) == 0 && holds("again", "2", 1), "temporaries of others in the way are passed over");
  unlink("again");
  for (int i = 0; i < 1000; i++) {
    char stale[64];
    snprintf(stale, sizeof stale, ".crawl2lm.%ld.%d", (long)getpid(), i);
    unlink(stale);
  }

  killed_while_writing("k", SIGKILL);
  ok(entries(".") == 0, "kill -9 leaves nothing behind");
  killed_while_writing("k", 0);
  ok(entries(".") == 0, "neither does an exit without commit");

  ok(output_folder("x/y/z", &e) == 0 && output_folder("x/y/z", &e) == 0 && output_folder("x/y/", &e) == 0 && stat("x/y/z", &st) == 0 && S_ISDIR(st.st_mode), "folders are made with those above them, and may be there");
  output_file("x/file", "", 0, &e);
  ok(holds("x/file", "", 0), "an empty file is a file");
  ok(output_folder("x/file/y", &e) == -1 && strstr(e.message, "x/file"), "a file in the way is an error");
  ok(output_folder("x/file", &e) == -1, "also as the last part");

  int fd = output_scratch(NULL, &e), other = output_scratch(".", &e);
  ok(fd >= 0 && other >= 0 && write(fd, "abc", 3) == 3 && entries(".") == 1, "scratch files have no name");
  close(fd), close(other);
  ok(output_scratch("/no/such/folder", &e) == -1 && strstr(e.message, "/no/such/folder"), "without their folder they are an error");

  int keep = dup(1), file = open("stdout", O_RDWR | O_CREAT | O_TRUNC, 0666);
  dup2(file, 1);
  bool patched = output_open(&out, NULL, OUTPUT_BINARY, &e) == 0 && output_write(out, "abcdef", 6, &e) == 0 && output_patch(out, 1, "XY", 2, &e) == 0 && output_write(out, "g", 1, &e) == 0 && output_commit(out, &e) == 0;
  dup2(keep, 1);
  ok(patched && holds("stdout", "aXYdefg", 7), "stdout that is a file can be patched");
  close(file);
  file = open("stdout", O_RDWR | O_APPEND);
  dup2(file, 1);
  int status = output_open(&out, "-", 0, &e) == 0 && output_write(out, "h", 1, &e) == 0 ? output_patch(out, 0, "Q", 1, &e) : -1;
  output_commit(out, &e);
  dup2(keep, 1);
  ok(status == 1 && holds("stdout", "aXYdefgh", 8), "one that is appended to cannot");
  status = output_open(&out, "/dev/stderr", 0, &e) == 0 && output_write(out, "", 0, &e) == 0 && output_commit(out, &e) == 0 && lstat("/dev/stderr", &st) == 0 && S_ISLNK(st.st_mode);
  dup2(file, 1);
  status = status && output_open(&out, "/dev/stdout", 0, &e) == 0 && output_write(out, "i", 1, &e) == 0 && output_commit(out, &e) == 0;
  dup2(keep, 1);
  ok(status && holds("stdout", "aXYdefghi", 9), "/dev/stdout and /dev/stderr are the descriptors, written as they stand");
  close(file), close(keep);
  if (chdir("/") != 0) return 1;
  return tap_done();
}
