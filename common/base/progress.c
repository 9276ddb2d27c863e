/* SPDX-License-Identifier: MIT */
#include "common/base/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/number.h"

struct progress {
  pthread_mutex_t lock;
  const char *name, *unit;
  bool on, terminal, drawn;
  double start, last;
  uint64_t bytes, items, total;
};

double progress_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct progress *progress_new(const char *name, const char *unit, enum progress_mode mode) {
  struct progress *p = NEW(struct progress);
  pthread_mutex_init(&p->lock, NULL);
  p->name = name;
  p->unit = unit;
  p->terminal = isatty(2);
  p->on = mode == PROGRESS_ALWAYS || (mode == PROGRESS_AUTO && p->terminal);
  p->start = p->last = progress_clock();
  return p;
}

void progress_total(struct progress *p, uint64_t bytes) { p->total = bytes; }

/* The next drawing is due; holds the lock. */
static bool due(struct progress *p) {
  double now = progress_clock(), interval = p->terminal ? .25 : 10;
  if (!p->on || now - p->last < interval) return false;
  p->last = now;
  return true;
}

static void draw(struct progress *p, const char *line) {
  struct winsize size;
  int columns = ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
  if (p->terminal) fprintf(stderr, "\r%.*s\033[K", columns, line);
  else fprintf(stderr, "%s\n", line);
  fflush(stderr);
  p->drawn = p->terminal;
}

void progress_add(struct progress *p, uint64_t bytes, uint64_t items) {
  pthread_mutex_lock(&p->lock);
  p->bytes += bytes;
  p->items += items;
  if (due(p)) {
    char done[NUMBER_TEXT], total[NUMBER_TEXT], rate[NUMBER_TEXT], count[NUMBER_TEXT], left[NUMBER_TEXT], line[512];
    double seconds = p->last - p->start, speed = seconds > 0 ? (double)p->bytes / seconds : 0;
    int n = snprintf(line, sizeof line, "%s: %s", p->name, number_bytes((double)p->bytes, done));
    if (p->total) n += snprintf(line + n, sizeof line - (size_t)n, " of %s", number_bytes((double)p->total, total));
    n += snprintf(line + n, sizeof line - (size_t)n, ", %s/s, %s %s", number_bytes(speed, rate), number_thousands(p->items, count), p->unit);
    if (p->total > p->bytes && speed > 0)
      snprintf(line + n, sizeof line - (size_t)n, ", %s left", number_duration((double)(p->total - p->bytes) / speed, left));
    draw(p, line);
  }
  pthread_mutex_unlock(&p->lock);
}

void progress_text(struct progress *p, const char *format, ...) {
  pthread_mutex_lock(&p->lock);
  if (due(p)) {
    char text[400], line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%s: %s", p->name, text);
    draw(p, line);
  }
  pthread_mutex_unlock(&p->lock);
}

void progress_clear(struct progress *p) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  if (p->drawn) fputs("\r\033[K", stderr);
  p->drawn = false;
  pthread_mutex_unlock(&p->lock);
}

void progress_free(struct progress *p) {
  if (!p) return;
  progress_clear(p);
  pthread_mutex_destroy(&p->lock);
  free(p);
}
