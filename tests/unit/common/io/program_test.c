/* SPDX-License-Identifier: MIT
 *
 * A small program, run in children of this test, as tools use program.h: it copies a text to its output N times.
 */
#include "common/io/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/io/output.h"
#include "tests/tap.h"

struct settings {
  int64_t times;
  const char *fail;
  bool wait, twice;
};

static int run(struct program *p, struct settings *s, struct err *e) {
  struct output *out;
  if (output_open(&out, p->output, 0, e)) return -1;
  program_warn(p, "beware of %s", "\x1B[31m");
  program_message(p, "%d operands", p->operand_count);
  program_verbose(p, "seed %d", (int)p->seed);
  stats_int(p->stats, "out", s->times);
  int result = 0;
  for (int64_t i = 0; i < s->times && result == 0; i++) result = output_printf(out, e, "%s\n", p->operand_count ? p->operand[0] : "none");
  if (result == 0 && s->wait) {
    result = output_flush(out, e);
    if (write(3, "w", 1) != 1) _exit(99); /* tells the test that it may kill */
    while (!program_stop_requested()) usleep(1000);
    if (s->twice) {
      if (write(3, "w", 1) != 1) _exit(99);
      for (;;) usleep(1000);
    }
  }
  if (result == 0 && s->fail) result = strcmp(s->fail, "usage") == 0 ? err_usage(e, "cannot do that") : err_set(e, "x.gz:3: %s", s->fail);
  if (result) {
    output_abort(out);
    return -1;
  }
  return output_commit(out, e);
}

static int tool(int argc, char **argv, bool graceful) {
  struct settings s = {.times = 1};
  const struct option options[] = {
    {OPTION_COUNT, 'n', "times", &s.times, "N", "how often", .min = 0, .max = 9e18},
    {OPTION_STRING, 0, "fail", &s.fail, "WHY", "how to fail"},
    {OPTION_FLAG, 0, "wait", &s.wait, NULL, "wait for a signal"},
    {OPTION_FLAG, 0, "twice", &s.twice, NULL, "wait for another one"},
    {0},
  };
  static const char *const examples[] = {"copies -n 3 x", NULL};
  struct program p = {.name = "copies", .summary = "copies its operand", .operands = "[TEXT]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_STDIN | SHARED_STRICT, .graceful_stop = graceful};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  return program_end(&p, run(&p, &s, &e), &e);
}

static char said[65536], complained[65536];
static int status; /* exit status, or 128 + signal */
static bool graceful;
static int kills, kill_number;

static void drain(int fd, char *text, size_t size) {
  size_t n = 0;
  for (ssize_t got; n < size - 1 && (got = read(fd, text + n, size - 1 - n)) > 0;) n += (size_t)got;
  text[n] = 0;
  close(fd);
}

/* Arguments after the name; stdout goes to `to`, or to `said` when it is NULL. */
static void go(const char *to, const char *line) {
  char text[512], *argv[20] = {"/some/where/copies"};
  int argc = 1, out[2], err[2], word[2], wait_status;
  strcpy(text, line);
  for (char *w = strtok(text, " "); w; w = strtok(NULL, " ")) argv[argc++] = w;
  fflush(stdout);
  if (pipe(out) || pipe(err) || pipe(word)) exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    int in = open("/dev/null", O_RDONLY), target = to ? open(to, O_WRONLY) : out[1];
    dup2(word[1], 9); /* 3 may be one of the ends */
    dup2(in, 0), dup2(target, 1), dup2(err[1], 2), dup2(9, 3);
    for (int fd = 4; fd < 30; fd++) close(fd);
    exit(tool(argc, argv, graceful));
  }
  close(out[1]), close(err[1]), close(word[1]);
  for (int i = 0; i < kills; i++) {
    char c;
    if (read(word[0], &c, 1) != 1) break;
    kill(pid, kill_number);
  }
  close(word[0]);
  drain(out[0], said, sizeof said);
  drain(err[0], complained, sizeof complained);
  waitpid(pid, &wait_status, 0);
  status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  kills = 0;
}

int main(void) {
  char path[256], line[512];
  go(NULL, "hello");
  ok(status == 0 && strcmp(said, "hello\n") == 0, "a run that goes well exits 0");
  ok(strstr(complained, "copies: warning: beware of \x1B[31m\ncopies: 1 operands\n") != NULL, "messages carry the name of the tool; control bytes pass where stderr is no terminal");
  go(NULL, "-q hello");
  ok(status == 0 && complained[0] == 0, "-q is quiet");
  go(NULL, "-v --seed 7 hello");
  ok(strstr(complained, "copies: seed 7\n") && strstr(complained, CRAWL2LM_VERSION) && strstr(complained, "peak memory"), "-v says more, and time and memory at the end");
  go(NULL, "--help --unknown-is-not-seen");
  ok(status == 0 && strstr(said, "usage: copies [OPTION]... [TEXT]\n") && strstr(said, "-n, --times N") && strstr(said, "-o, --output FILE") && strstr(said, "copies -n 3 x") && !strstr(said, "--rejects") && !complained[0], "--help: usage, own and shared options, examples; on stdout");
  go(NULL, "--version");
  ok(status == 0 && strcmp(said, "copies (crawl2lm) " CRAWL2LM_VERSION "\n") == 0, "--version");
  go(NULL, "--completion");
  ok(status == 0 && strstr(said, "complete -o filenames -F _copies copies"), "--completion");
  go(NULL, "--no-such");
  ok(status == 2 && !said[0] && strcmp(complained, "copies: unknown option --no-such (see copies --help)\n") == 0, "an unknown option exits 2");
  go(NULL, "-j 0 x");
  ok(status == 2, "so does a number out of range");
  go(NULL, "-S 1 x");
  ok(status == 2, "and too little memory");
  go(NULL, "-o program_test.out --stats program_test.out x");
  ok(status == 2 && strstr(complained, "program_test.out: only one of"), "two outputs in one file are refused: one would replace the other");
  go(NULL, "--stats - x");
  ok(status == 2 && !said[0], "so are statistics amid the output");
  go(NULL, "--fail broken x");
  ok(status == 1 && strstr(complained, "copies: x.gz:3: broken\n"), "a failure exits 1 with its message");
  go(NULL, "-q --fail broken x");
  ok(status == 1 && strcmp(complained, "copies: x.gz:3: broken\n") == 0, "-q does not silence errors");
  go(NULL, "--fail usage x");
  ok(status == 2, "a usage error found late exits 2");
  go("/dev/full", "-q x");
  ok(status == 1 && strstr(complained, "stdout: cannot write: No space left on device"), "a full disk at stdout exits 1");
  go("/dev/full", "--help");
  ok(status == 1, "also for --help");
  snprintf(path, sizeof path, "%s/fifo", tap_folder());

  { /* stdout closed early: a pipe without reader */
    int ends[2];
    if (pipe(ends)) return 1;
    char name[64];
    snprintf(name, sizeof name, "/proc/%ld/fd/%d", (long)getpid(), ends[1]);
    int writer = ends[1];
    /* the child opens the write end through /proc before the read end is gone */
    pid_t pid = fork();
    if (pid == 0) {
      dup2(writer, 1);
      int null = open("/dev/null", O_RDWR), text = open("/dev/null", O_RDWR);
      snprintf(path, sizeof path, "%s/quiet", tap_folder());
      text = open(path, O_WRONLY | O_CREAT, 0666);
      dup2(null, 0), dup2(text, 2);
      close(ends[0]);
      close(writer);
      usleep(50000);
      char *argv[] = {"copies", "-q", "-n", "1000000", "x", NULL};
      exit(tool(5, argv, false));
    }
    close(ends[0]), close(ends[1]);
    int wait_status;
    waitpid(pid, &wait_status, 0);
    snprintf(path, sizeof path, "%s/quiet", tap_folder());
    FILE *f = fopen(path, "r");
    ok(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGPIPE && f && fgetc(f) == EOF, "a closed pipe: dead of SIGPIPE, silently");
    if (f) fclose(f);
  }

  snprintf(path, sizeof path, "%s/out", tap_folder());
  snprintf(line, sizeof line, "-o %s hello", path);
  go(NULL, line);
  ok(status == 0 && !said[0] && access(path, F_OK) == 0, "-o writes a file");
  unlink(path);
  snprintf(line, sizeof line, "-o %s --fail broken hello", path);
  go(NULL, line);
  ok(status == 1 && access(path, F_OK) != 0, "and none after a failure");
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  for (int i = 0; i < 3; i++) {
    snprintf(line, sizeof line, "-o %s --wait hello", path);
    kills = 1, kill_number = numbers[i];
    go(NULL, line);
    ok(status == 128 + numbers[i] && access(path, F_OK) != 0, "signal %d: dead of it, no file left", numbers[i]);
  }
  graceful = true;
  snprintf(line, sizeof line, "-o %s --wait hello", path);
  kills = 1, kill_number = SIGTERM;
  go(NULL, line);
  ok(status == 128 + SIGTERM && access(path, F_OK) == 0, "a graceful program finishes its work first, then dies of the signal");
  unlink(path);
  snprintf(line, sizeof line, "-o %s --wait --twice hello", path);
  kills = 2, kill_number = SIGINT;
  go(NULL, line);
  ok(status == 128 + SIGINT && access(path, F_OK) != 0, "a second signal quits at once");
  graceful = false;

  snprintf(path, sizeof path, "%s/stats.json", tap_folder());
  snprintf(line, sizeof line, "--stats %s -n 3 it's", path);
  go(NULL, line);
  struct err e;
  json_t *j = json_load_path(path, &e);
  int64_t out = 0;
  const char *name = "", *command = "", *version = "";
  json_get_int(j, "out", &out, &e), json_get_string(j, "tool", &name, &e), json_get_string(j, "command", &command, &e), json_get_string(j, "version", &version, &e);
  ok(status == 0 && out == 3 && strcmp(name, "copies") == 0 && strcmp(version, CRAWL2LM_VERSION) == 0 && json_is_number(json_object_get(json_object_get(j, "time"), "wall")), "--stats: tool, version, counts and time");
  snprintf(line, sizeof line, "copies --stats %s -n 3 'it'\\''s'", path);
  ok_string(command, line, "and the command as a shell takes it");
  json_decref(j);
  unlink(path);
  snprintf(line, sizeof line, "--stats %s --fail broken x", path);
  go(NULL, line);
  ok(status == 1 && access(path, F_OK) == 0, "also after a failure");
  go(NULL, "--stats /no/such/folder/s.json x");
  ok(status == 1 && strstr(complained, "/no/such/folder/s.json"), "statistics that cannot be written are a failure");
  return tap_done();
}
