/* SPDX-License-Identifier: MIT
 *
 * fork, limits, exec; then a poll on the pipe and on the child's pidfd, so that neither a child that keeps the pipe open
 * nor one that closes it and goes on can hold a worker longer than the time limit.  The group is killed while its leader is
 * still a zombie: its number cannot belong to anybody else.
 */
#include "tools/warc2txt/pdf/pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/io/output.h"

enum {
  FILE_BYTES = 1 << 30,   /* the longest file that the command may write */
  TICK_MS = 10,           /* between looks where the kernel has no pidfd */
  PIECE = 1 << 16,
};

static void limit(int resource, rlim_t value) {
  struct rlimit r;
  if (getrlimit((__rlimit_resource_t)resource, &r)) return;
  if (r.rlim_max != RLIM_INFINITY && value > r.rlim_max) value = r.rlim_max;
  r.rlim_cur = value;
  if (resource != RLIMIT_CPU) r.rlim_max = value; /* of CPU time the first signal can be caught, the one at the maximum cannot */
  else if (r.rlim_max == RLIM_INFINITY || r.rlim_max > value + 1) r.rlim_max = value + 1;
  setrlimit((__rlimit_resource_t)resource, &r);
}

/* In the child: only calls that are safe after fork() of a process with threads. */
static void exec_command(const struct pdf_options *o, int input, int output) {
  static const int signals[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  sigset_t none;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a killed warc2txt leaves none behind */
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (null < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(null, 2) < 0) _exit(126);
  close_range(3, UINT_MAX, 0);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, FILE_BYTES);
  if (o->time_limit > 0) limit(RLIMIT_CPU, (rlim_t)o->time_limit + 1);
  if (o->memory > 0) limit(RLIMIT_AS, (rlim_t)o->memory);
  execl("/bin/sh", "sh", "-c", o->command, (char *)NULL);
  _exit(127);
}

/* A file without a name that holds the PDF, read from its start; -1. */
static int file_of(struct slice pdf) {
  int fd = memfd_create("pdf", MFD_CLOEXEC);
  struct err e;
  if (fd < 0 && (fd = output_scratch(NULL, &e)) < 0) return -1;
  for (size_t done = 0; done < pdf.len;) {
    ssize_t n = write(fd, pdf.data + done, pdf.len - done < 1 << 30 ? pdf.len - done : 1 << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      close(fd);
      return -1;
    }
    done += (size_t)n;
  }
  if (lseek(fd, 0, SEEK_SET) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/* The three standard descriptors are taken, so that dup2() in the child overwrites none that it needs. */
static int above_standard(int fd) {
  if (fd < 0 || fd > 2) return fd;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  close(fd);
  return copy;
}

/* Reads what is there: 1 more may come, 0 the end, -1 too long. */
static int drain(int fd, struct buffer *out, size_t most) {
  for (;;) {
    buffer_reserve(out, PIECE);
    ssize_t n = read(fd, out->data + out->len, PIECE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : 0;
    if (n == 0) return 0;
    out->len += (size_t)n;
    if (out->len > most) return -1;
  }
}

static bool has_ended(pid_t child) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == child;
}

/* Until the child has ended; the pipe is read to what was written by then. */
static enum pdf_result follow(const struct pdf_options *o, pid_t child, int fd, struct buffer *out) {
  double deadline = o->time_limit > 0 ? progress_clock() + o->time_limit : 0;
  int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  size_t most = out->len + o->output_limit;
  bool open = true;
  enum pdf_result result = PDF_OK;
  for (;;) {
    int wait = pidfd < 0 ? TICK_MS : -1;
    if (deadline > 0) {
      double left = (deadline - progress_clock()) * 1000;
      if (left <= 0) {
        result = PDF_TIME_LIMIT;
        break;
      }
      if (wait < 0 || left < wait) wait = left > 1e8 ? (int)1e8 : (int)left + 1;
    }
    struct pollfd polled[2] = {{.fd = open ? fd : -1, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    if (poll(polled, 2, wait) < 0 && errno != EINTR) {
      result = PDF_FAILED;
      break;
    }
    bool ended = has_ended(child); /* before the pipe is read: what it wrote is in there */
    if (open) {
      int more = drain(fd, out, most);
      if (more < 0) {
        result = PDF_TOO_LONG;
        break;
      }
      open = more > 0;
    }
    if (ended) break;
  }
  if (pidfd >= 0) close(pidfd);
  return result;
}

enum pdf_result pdf_run(const struct pdf_options *o, struct slice pdf, struct buffer *out) {
  int ends[2], input = above_standard(file_of(pdf));
  if (input < 0) return PDF_FAILED;
  if (pipe2(ends, O_CLOEXEC) < 0) {
    close(input);
    return PDF_FAILED;
  }
  ends[0] = above_standard(ends[0]);
  ends[1] = above_standard(ends[1]);
  fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  pid_t child = ends[0] < 0 || ends[1] < 0 ? -1 : fork();
  if (child == 0) exec_command(o, input, ends[1]);
  if (child > 0) setpgid(child, child); /* in both, whoever comes first; fails once it is another program */
  close(input);
  if (ends[1] >= 0) close(ends[1]);
  enum pdf_result result = child < 0 ? PDF_FAILED : follow(o, child, ends[0], out);
  if (child > 0) {
    int status = 0;
    kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (result == PDF_OK && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) result = PDF_TIME_LIMIT;
    if (result == PDF_OK && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) result = PDF_FAILED;
  }
  if (ends[0] >= 0) close(ends[0]);
  return result;
}

bool pdf_command_found(const char *command) {
  command += strspn(command, " \t");
  size_t n = strcspn(command, " \t");
  if (n == 0) return false;
  if (strcspn(command, "$`'\"\\|&;<>(){}*?[]~=#!%\n") < n) return true;
  if (memchr(command, '/', n)) {
    char *path = COPY(command, n);
    bool found = access(path, X_OK) == 0;
    free(path);
    return found;
  }
  static const char *const builtins[] = {"exec", "command", "eval", "test", "true", "false", "cd", "exit", "ulimit", "umask", "export", "set", ":", ".",
                                         "trap", "printf", "echo", "kill", "read", "if", "for", "while", "until", "case"};
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    if (strlen(builtins[i]) == n && memcmp(builtins[i], command, n) == 0) return true;
  const char *path = getenv("PATH");
  if (!path) path = "/usr/local/bin:/usr/bin:/bin";
  struct buffer file = {0};
  bool found = false;
  for (;;) {
    size_t length = strcspn(path, ":");
    buffer_clear(&file);
    if (length == 0) buffer_put(&file, '.');
    buffer_append(&file, path, length);
    buffer_put(&file, '/');
    buffer_append(&file, command, n);
    found = access(buffer_string(&file), X_OK) == 0;
    if (found || !path[length]) break;
    path += length + 1;
  }
  buffer_release(&file);
  return found;
}
