/* SPDX-License-Identifier: MIT */
#include "common/base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/memory.h"

/* Whole CPUs of a cgroup v2 quota, or 0 when there is none. */
static int quota(void) {
  long long limit, period;
  FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
  int cpus = 0;
  if (f && fscanf(f, "%lld %lld", &limit, &period) == 2 && period > 0) cpus = (int)((limit + period - 1) / period);
  if (f) fclose(f);
  return cpus;
}

int threads_online(void) {
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  int limit = quota();
  if (limit > 0 && limit < cpus) cpus = limit;
  return cpus < 1 ? 1 : cpus;
}

struct job {
  void (*work)(void *, int);
  void *context;
  int index;
};

static void *start(void *argument) {
  struct job *j = argument;
  j->work(j->context, j->index);
  return NULL;
}

void threads_run(int jobs, void (*work)(void *, int), void *context) {
  if (jobs < 1) jobs = 1;
  struct job *all = NEW_ARRAY(struct job, (size_t)jobs);
  pthread_t *threads = NEW_ARRAY(pthread_t, (size_t)jobs);
  int started = 1;
  for (; started < jobs; started++) {
    all[started] = (struct job){work, context, started};
    if (pthread_create(&threads[started], NULL, start, &all[started])) break;
  }
  work(context, 0);
  for (int i = started; i < jobs; i++) work(context, i); /* threads that the system refused */
  for (int i = 1; i < started; i++) pthread_join(threads[i], NULL);
  free(threads);
  free(all);
}

struct ranges {
  void (*work)(void *, int, size_t, size_t);
  void *context;
  size_t n;
  int jobs;
};

static void range(void *context, int index) {
  struct ranges *r = context;
  size_t each = r->n / (size_t)r->jobs, rest = r->n % (size_t)r->jobs, i = (size_t)index;
  size_t begin = i * each + (i < rest ? i : rest);
  r->work(r->context, index, begin, begin + each + (i < rest));
}

void threads_ranges(int jobs, size_t n, void (*work)(void *, int, size_t, size_t), void *context) {
  struct ranges r = {work, context, n, jobs < 1 ? 1 : jobs};
  threads_run(r.jobs, range, &r);
}
