/* SPDX-License-Identifier: MIT */
#include "common/io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/threads.h"
#include "common/io/output.h"

/* ---- signals */

static volatile sig_atomic_t stop_signal;

static void die_of(int number) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t set;
  sigaction(number, &action, NULL);
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
}

static void on_kill(int number) {
  output_unlink_temporaries();
  die_of(number);
}

static void on_stop(int number) {
  if (stop_signal) on_kill(number);
  stop_signal = number;
}

static void set_signals(bool graceful) {
  struct sigaction ignore = {.sa_handler = SIG_IGN}, stop = {.sa_handler = graceful ? on_stop : on_kill, .sa_flags = SA_RESTART};
  sigaction(SIGPIPE, &ignore, NULL);
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction old;
    /* nohup's ignored SIGHUP, a background shell's ignored SIGINT stay ignored */
    if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) sigaction(numbers[i], &stop, NULL);
  }
}

bool program_stop_requested(void) { return stop_signal != 0; }
int program_stop_signal(void) { return stop_signal; }

/* ---- messages */

/* Writes b to stderr and releases it; names and data in it must not drive a terminal. */
static void show(struct program *p, struct buffer *b, bool lines) {
  progress_clear(p->progress);
  if (isatty(2))
    for (size_t i = 0; i + 1 < b->len; i++)
      if (((unsigned char)b->data[i] < 32 && !(lines && b->data[i] == '\n')) || b->data[i] == 127) b->data[i] = '?';
  for (size_t at = 0; at < b->len;) {
    ssize_t n = write(2, b->data + at, b->len - at);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) at += (size_t)n;
  }
  buffer_release(b);
}

static void message(struct program *p, const char *kind, const char *format, va_list args) {
  struct buffer b = {0};
  char text[2048];
  vsnprintf(text, sizeof text, format, args);
  buffer_printf(&b, "%s: %s%s\n", p->name, kind, text);
  show(p, &b, false);
}

#define MESSAGE(condition, kind)                    \
  do {                                              \
    if (!(condition)) return;                       \
    va_list args;                                   \
    va_start(args, format);                         \
    message(p, kind, format, args);                 \
    va_end(args);                                   \
  } while (0)

void program_message(struct program *p, const char *format, ...) { MESSAGE(!p->quiet, ""); }
void program_verbose(struct program *p, const char *format, ...) { MESSAGE(p->verbose, ""); }
void program_warn(struct program *p, const char *format, ...) { MESSAGE(!p->quiet, "warning: "); }
void program_summary(struct program *p, struct slice text) {
  struct buffer b = {0};
  if (p->quiet) return;
  buffer_append_slice(&b, text);
  if (text.len == 0 || text.data[text.len - 1] != '\n') buffer_put(&b, '\n');
  show(p, &b, true);
}

static void complain(struct program *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct program *p, const char *format, ...) { MESSAGE(true, ""); }

/* ---- the command line */

enum { SHARED_ROWS = 20 };

static void shared_table(struct program *p, struct option t[SHARED_ROWS], bool *help, bool *version, bool *completion) {
  int n = 0;
  unsigned s = p->shared;
  if (s & SHARED_OUTPUT) t[n++] = (struct option){OPTION_STRING, 'o', "output", &p->output, "FILE", "write here, whole or not at all, instead of stdout"};
  if (s & SHARED_JOBS) t[n++] = (struct option){OPTION_INT, 'j', "jobs", &p->jobs, "N", "worker threads (default: one a CPU)", .min = 1, .max = 4096};
  if (s & SHARED_MEMORY) t[n++] = (struct option){OPTION_SIZE, 'S', "memory", &p->memory, "SIZE", "memory to use (default 256M)", .min = 1 << 20, .max = 9e18};
  if (s & SHARED_MEMORY) t[n++] = (struct option){OPTION_STRING, 'T', "tmpdir", &p->tmpdir, "DIR", "folder for scratch files (default $TMPDIR or /tmp)"};
  if (s & SHARED_SEED) t[n++] = (struct option){OPTION_INT, 0, "seed", &p->seed, "N", "seed of all randomness (default 0)", .min = 0, .max = 9e18};
  if (s & SHARED_REJECTS) t[n++] = (struct option){OPTION_STRING, 0, "rejects", &p->rejects_path, "FILE", "write what is dropped here, its reason first"};
  if (s & SHARED_MAX_DOCUMENT) t[n++] = (struct option){OPTION_SIZE, 0, "max-document", &p->max_document, "SIZE", "reject longer documents (default: no limit)", .min = 1, .max = 9e18};
  if (s & SHARED_JSONL) t[n++] = (struct option){OPTION_FLAG, 0, "jsonl", &p->jsonl, NULL, "write JSON Lines instead of TSV"};
  if (s & SHARED_STRICT) t[n++] = (struct option){OPTION_FLAG, 0, "strict", &p->strict, NULL, "exit 1 when a record was bad"};
  if (s & SHARED_FORCE) t[n++] = (struct option){OPTION_FLAG, 'f', "force", &p->force, NULL, "binary to a terminal; replace an existing folder"};
  t[n++] = (struct option){OPTION_STRING, 0, "stats", &p->stats_path, "FILE", "write counts and timings as JSON"};
  t[n++] = (struct option){OPTION_CHOICE, 0, "progress", &p->progress_mode, NULL, "progress on stderr (default auto: on a terminal)", "auto|always|never"};
  t[n++] = (struct option){OPTION_FLAG, 'q', "quiet", &p->quiet, NULL, "errors only"};
  t[n++] = (struct option){OPTION_FLAG, 'v', "verbose", &p->verbose, NULL, "say more, and at the end time and memory used"};
  t[n++] = (struct option){OPTION_FLAG, 'h', "help", help, NULL, "this list"};
  t[n++] = (struct option){OPTION_FLAG, 0, "version", version, NULL, "name and version"};
  t[n++] = (struct option){OPTION_FLAG, 0, "completion", completion, NULL, NULL};
  t[n] = (struct option){OPTION_END};
}

static void usage_line(const struct program *p, FILE *out) {
  fprintf(out, "usage: %s [OPTION]...%s%s\n", p->name, p->operands ? " " : "", p->operands ? p->operands : "");
}

static void print_help(const struct program *p, const struct option *const *tables) {
  printf("%s: %s\n", p->name, p->summary);
  usage_line(p, stdout);
  putchar('\n');
  options_help(tables, stdout);
  if (p->examples) {
    printf("\nExamples:\n");
    for (const char *const *line = p->examples; *line; line++) printf("  %s\n", *line);
  }
  printf("\nThe manual: man %s\n", p->name);
}

/* The command as a shell would take it. */
static char *command_line(int argc, char **argv) {
  struct buffer b = {0};
  for (int i = 0; i < argc; i++) {
    const char *s = i == 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[i];
    if (i) buffer_put(&b, ' ');
    if (*s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=+@%")] == 0) {
      buffer_append_string(&b, s);
      continue;
    }
    buffer_put(&b, '\'');
    for (; *s; s++)
      if (*s == '\'') buffer_append_string(&b, "'\\''");
      else buffer_put(&b, *s);
    buffer_put(&b, '\'');
  }
  buffer_string(&b);
  return b.data;
}

static bool leave(struct program *p, int status) {
  p->status = status;
  return false;
}

static bool print_and_leave(struct program *p) {
  if (fflush(stdout) == 0) return leave(p, 0);
  if (errno == EPIPE) die_of(SIGPIPE);
  complain(p, "cannot write: %s", strerror(errno));
  return leave(p, 1);
}

/* A descriptor of 0, 1, 2 that is closed would become that of the first file opened, and messages or documents would go
 * there.  /dev/null takes its place, in the mode that makes its use fail. */
static void keep_standard_descriptors(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) abort();
}

static bool is_device(const char *path) { return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0; }

/* Two outputs in one file: the one committed last would replace the other. */
static const char *shared_output(const struct program *p) {
  const char *paths[] = {p->shared & SHARED_OUTPUT ? p->output ? p->output : "-" : NULL, p->rejects_path, p->stats_path};
  for (int i = 0; i < 3; i++)
    for (int j = i + 1; j < 3; j++)
      if (paths[i] && paths[j] && strcmp(paths[i], paths[j]) == 0 && !is_device(paths[i])) return paths[i];
  return NULL;
}

bool program_start(struct program *p, int argc, char **argv) {
  keep_standard_descriptors();
  p->started = progress_clock();
  if (!p->jobs) p->jobs = threads_online();
  if (!p->memory) p->memory = 256 << 20;
  set_signals(p->graceful_stop);

  bool help = false, version = false, completion = false;
  static const struct option none[] = {{OPTION_END}};
  struct option shared[SHARED_ROWS];
  shared_table(p, shared, &help, &version, &completion);
  const struct option *const tables[] = {p->options ? p->options : none, shared, NULL};
  char *command = command_line(argc, argv); /* before the operands are permuted */
  struct err e;
  int first = options_parse(tables, argc, argv, &e);
  if (first < 0 && !help && !version) {
    complain(p, "%s (see %s --help)", e.message, p->name);
    free(command);
    return leave(p, 2);
  }
  if (help || version || completion) {
    free(command);
    if (help) print_help(p, tables);
    else if (version) printf("%s (crawl2lm) %s\n", p->name, CRAWL2LM_VERSION);
    else options_completion(tables, p->name, stdout);
    return print_and_leave(p);
  }
  const char *twice = shared_output(p);
  if (twice) {
    complain(p, "%s: only one of the output, --rejects and --stats can go there", strcmp(twice, "-") == 0 ? "stdout" : twice);
    free(command);
    return leave(p, 2);
  }
  p->operand = argv + first;
  p->operand_count = argc - first;
  if ((p->shared & SHARED_STDIN) && p->operand_count == 0 && isatty(0)) {
    usage_line(p, stderr);
    fprintf(stderr, "%s: stdin is a terminal: name files, or pipe something in (see %s --help)\n", p->name, p->name);
    free(command);
    return leave(p, 2);
  }
  p->stats = stats_new();
  stats_string(p->stats, "tool", p->name);
  stats_string(p->stats, "version", CRAWL2LM_VERSION);
  stats_string(p->stats, "command", command);
  free(command);
  p->progress = progress_new(p->name, "documents", p->quiet ? PROGRESS_NEVER : (enum progress_mode)p->progress_mode);
  return true;
}

static void closing_line(struct program *p, double wall, double cpu, double peak) {
  char real[NUMBER_TEXT], used[NUMBER_TEXT], memory[NUMBER_TEXT];
  program_verbose(p, "%s: %s real, %s CPU, %s peak memory", CRAWL2LM_VERSION, number_duration(wall, real), number_duration(cpu, used), number_bytes(peak, memory));
}

/* Bytes of this process alone: what getrusage() knows may come from before exec. */
static double peak_memory(void) {
  long kilobytes = -1;
  char line[128];
  FILE *f = fopen("/proc/self/status", "re");
  while (f && kilobytes < 0 && fgets(line, sizeof line, f))
    if (sscanf(line, "VmHWM: %ld", &kilobytes) != 1) kilobytes = -1;
  if (f) fclose(f);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * (double)(kilobytes >= 0 ? kilobytes : usage.ru_maxrss);
}

int program_end(struct program *p, int result, struct err *e) {
  if (result == 0 && fflush(stdout)) result = err_errno(e, "stdout: cannot write");
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double wall = progress_clock() - p->started, cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  progress_free(p->progress);
  p->progress = NULL;
  int status = 0, signal_number = program_stop_signal();
  if (result) {
    status = e->kind == ERR_USAGE ? 2 : 1;
    if (e->kind == ERR_PIPE) {
      output_unlink_temporaries();
      stats_free(p->stats);
      die_of(SIGPIPE);
      return 1;
    }
    complain(p, "%s", e->message);
    if (status == 2) usage_line(p, stderr);
  }
  if (p->stats_path && status != 2) {
    struct err late;
    stats_time(p->stats, "wall", wall);
    stats_time(p->stats, "cpu", cpu);
    stats_int(p->stats, "time.peak_rss", (int64_t)peak_memory());
    if (stats_write(p->stats, p->stats_path, &late)) {
      complain(p, "%s", late.message);
      status = 1;
    }
  }
  if (!result) closing_line(p, wall, cpu, peak_memory());
  stats_free(p->stats);
  p->stats = NULL;
  if (p->graceful_stop && signal_number) die_of(signal_number);
  return status;
}
