/* SPDX-License-Identifier: MIT */
#include "common/base/threads.h"

#include <stdatomic.h>
#include <string.h>

#include "tests/tap.h"

enum { N = 1003 };
static atomic_int calls[64], touched[N];
static size_t last_end;

static void count(void *context, int index) {
  (void)context;
  calls[index]++;
}

static void touch(void *context, int index, size_t begin, size_t end) {
  if (context != &last_end || begin > end) return;
  calls[index]++;
  for (size_t i = begin; i < end; i++) touched[i]++;
}

int main(void) {
  ok(threads_online() >= 1, "there is a CPU");
  threads_run(13, count, NULL);
  bool once = true;
  for (int i = 0; i < 64; i++) once &= calls[i] == (i < 13);
  ok(once, "each of thirteen jobs runs once");
  for (int jobs = 1; jobs <= 17; jobs += 4) {
    memset(touched, 0, sizeof touched);
    threads_ranges(jobs, N, touch, &last_end);
    bool all = true;
    for (int i = 0; i < N; i++) all &= touched[i] == 1;
    ok(all, "%d ranges cover everything once", jobs);
  }
  memset(touched, 0, sizeof touched);
  threads_ranges(8, 3, touch, &last_end);
  ok(touched[0] == 1 && touched[2] == 1 && touched[3] == 0, "more jobs than items");
  threads_run(0, count, NULL);
  ok(true, "no jobs are one job");
  return tap_done();
}
