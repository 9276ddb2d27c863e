/* SPDX-License-Identifier: MIT
 *
 * What every program does at its start and end: the shared options of the command line, signals, --stats, messages
 * and exit status.  A main reads
 *
 *     int main(int argc, char **argv) {
 *       struct settings s = {...defaults...};
 *       const struct option options[] = {{OPTION_COUNT, 'n', "vocab-size", &s.size, "N", "ids in all"}, {0}};
 *       struct program p = {.name = "bpe-train", .summary = "...", .options = options, .shared = SHARED_DATA};
 *       if (!program_start(&p, argc, argv)) return p.status;
 *       struct err e;
 *       return program_end(&p, run(&p, &s, &e), &e);
 *     }
 *
 * Messages go to stderr as "NAME: text"; -q silences all but errors, -v adds.  SIGPIPE is ignored: a write that fails
 * with EPIPE gives ERR_PIPE and program_end() dies of the restored signal.  SIGINT and SIGTERM remove temporaries and
 * kill the program with the same signal, unless it asked for `graceful_stop`.
 */
#ifndef IO_PROGRAM_H
#define IO_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/base/options.h"
#include "common/base/progress.h"
#include "common/io/stats.h"

#define CRAWL2LM_VERSION "0.1.0"

enum { /* which shared options a program takes; -q -v --stats --progress -h --version --completion are always there */
  SHARED_OUTPUT = 1,       /* -o/--output */
  SHARED_JOBS = 2,         /* -j/--jobs */
  SHARED_MEMORY = 4,       /* -S/--memory, -T/--tmpdir */
  SHARED_SEED = 8,         /* --seed */
  SHARED_REJECTS = 16,     /* --rejects */
  SHARED_STRICT = 32,      /* --strict */
  SHARED_FORCE = 64,       /* -f/--force */
  SHARED_JSONL = 128,      /* --jsonl */
  SHARED_MAX_DOCUMENT = 256, /* --max-document */
  SHARED_STDIN = 512,      /* no operand reads stdin, refused when that is a terminal */
};

struct program {
  /* set by the tool */
  const char *name, *summary;    /* summary: one line, present tense */
  const char *operands;          /* "[FILE...]" for the usage line */
  const struct option *options;  /* its own, OPTION_END last; may be NULL */
  const char *const *examples;   /* NULL-terminated lines for --help; may be NULL */
  unsigned shared;
  bool graceful_stop;            /* SIGINT and SIGTERM set program_stop_requested(); a second one kills */

  /* shared options, with their defaults */
  const char *output;            /* NULL: stdout */
  int64_t jobs;                  /* default: CPUs online */
  int64_t memory;                /* default 256 MiB */
  const char *tmpdir;            /* NULL: $TMPDIR or /tmp */
  int64_t seed, max_document;    /* max_document 0: no limit */
  bool quiet, verbose, strict, force, jsonl;
  int progress_mode;
  const char *stats_path, *rejects_path;

  /* the rest of the command line */
  int operand_count;
  char **operand;

  int status;                    /* exit status when program_start() returned false */
  struct stats *stats;           /* tool, version, command are set; program_end() adds time.* and writes it */
  struct progress *progress;
  double started;
};

/* false: print nothing more and return p->status from main (help, version, or a usage error already printed). */
bool program_start(struct program *p, int argc, char **argv);

/* result: 0 or -1 from the tool's work.  Prints the error, writes --stats (on success, and on failure too when counts
 * are there), checks stdout, with -v prints version, seconds, CPU and peak memory; returns the exit status. */
int program_end(struct program *p, int result, struct err *e);

void program_message(struct program *p, const char *format, ...) __attribute__((format(printf, 2, 3)));  /* not with -q */
void program_verbose(struct program *p, const char *format, ...) __attribute__((format(printf, 2, 3)));  /* only with -v */
void program_warn(struct program *p, const char *format, ...) __attribute__((format(printf, 2, 3)));     /* "warning: ", not with -q */
/* Several lines as they are, without the program's name; not with -q. */
void program_summary(struct program *p, struct slice text);

bool program_stop_requested(void); /* graceful_stop: a signal came; its number: */
int program_stop_signal(void);

#endif
