/* SPDX-License-Identifier: MIT */
#include "common/io/pipeline.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/input.h"
#include "tests/tap.h"

struct batch {
  int64_t number, result;
  char *scratch;
  int worker;
};

static struct run {
  int64_t total, read_fails, work_fails, write_fails, enough; /* -1: never */
  int64_t read, written;
  bool order, slow;
  atomic_int in_flight, most, released, workers;
} run;

static int read_batch(void *context, void *p, struct err *e) {
  struct run *r = context;
  struct batch *b = p;
  if (r->read == r->read_fails) return err_set(e, "read %d", (int)r->read);
  if (r->read == r->total) return 0;
  if (!b->scratch) b->scratch = MALLOC(100);
  b->number = r->read++;
  int now = ++r->in_flight;
  if (now > r->most) r->most = now;
  return 1;
}

static int work(void *context, int worker, void *p, struct err *e) {
  struct run *r = context;
  struct batch *b = p;
  if (r->slow) usleep((unsigned)(splitmix64((uint64_t)b->number) % 1500));
  r->workers |= 1 << worker;
  if (r->work_fails >= 0 && b->number >= r->work_fails) return err_set(e, "work %d", (int)b->number);
  b->result = b->number * b->number;
  return 0;
}

static int write_batch(void *context, void *p, struct err *e) {
  struct run *r = context;
  struct batch *b = p;
  if (b->number != r->written || b->result != b->number * b->number) r->order = false;
  if (b->number == r->write_fails) return err_set(e, "write %d", (int)b->number);
  r->written++;
  r->in_flight--;
  return b->number == r->enough;
}

static void release(void *p) {
  struct batch *b = p;
  free(b->scratch);
  run.released++;
}

static const struct pipeline pipeline = {&run, sizeof(struct batch), read_batch, work, write_batch, release, NULL, 0};
static struct err e;

static int go(int jobs, int64_t total, int64_t read_fails, int64_t work_fails, int64_t write_fails, int64_t enough, bool slow) {
  memset(&run, 0, sizeof run);
  memset(&e, 0, sizeof e);
  run.total = total, run.read_fails = read_fails, run.work_fails = work_fails, run.write_fails = write_fails, run.enough = enough, run.slow = slow;
  run.order = true;
  return pipeline_run(&pipeline, jobs, &e);
}

/* Every tenth batch is a giant of 100, the others weigh 1. */
static atomic_size_t weight_in_flight, most_weight;
static atomic_int giants_elsewhere;

static size_t weigh(const void *p) {
  size_t weight = ((const struct batch *)p)->number % 10 ? 1 : 100, now = weight_in_flight += weight;
  if (now > most_weight) most_weight = now;
  return weight;
}

static int work_weighed(void *context, int worker, void *p, struct err *error) {
  giants_elsewhere += worker && ((struct batch *)p)->number % 10 == 0;
  return work(context, worker, p, error);
}

static int write_weighed(void *context, void *p, struct err *error) {
  weight_in_flight -= ((struct batch *)p)->number % 10 ? 1 : 100;
  return write_batch(context, p, error);
}

/* One batch comes from stdin, then nothing, as from `tail -f`. */
static int read_idle(void *context, void *p, struct err *error) {
  struct run *r = context;
  struct input *in = (struct input *)r->total;
  const char *data;
  size_t n;
  if (input_peek(in, 1, &data, &n, error)) return -1;
  input_consume(in, n);
  ((struct batch *)p)->number = r->read++;
  return n > 0;
}

static int read_slowly(void *context, void *p, struct err *error) {
  usleep(100);
  return read_batch(context, p, error);
}

static void test_giants(void) {
  memset(&run, 0, sizeof run);
  run.total = 200, run.read_fails = run.work_fails = run.write_fails = run.enough = -1;
  run.order = run.slow = true;
  struct pipeline weighed = {&run, sizeof(struct batch), read_batch, work_weighed, write_weighed, release, weigh, 8 * 80};
  ok(pipeline_run(&weighed, 4, &e) == 0 && run.written == 200 && run.order, "giants: all batches, in order");
  ok(most_weight >= 100 && most_weight <= 180, "giants: one at a time");
  ok(giants_elsewhere == 0, "giants: one worker's scratch memory grows");
  ok(run.released == pipeline_batches(4) + 20, "giants: what they hold is released once written");
  /* Whoever reads the only batch, a giant, worker 0 gets it. */
  bool all = true;
  for (int i = 0; i < 300; i++) {
    memset(&run, 0, sizeof run);
    run.total = 1 + i % 2, run.read_fails = run.work_fails = run.write_fails = run.enough = -1;
    run.order = true;
    struct pipeline lone = {&run, sizeof(struct batch), read_slowly, work_weighed, write_weighed, release, weigh, 8};
    all &= pipeline_run(&lone, 2 + i % 3, &e) == 0 && run.written == run.total;
  }
  ok(all && giants_elsewhere == 0, "giants: alone in the stream");
}

/* Batch n is written in n % 5 parts before the last, of which each but that is a part only. */
static atomic_llong parts;

static int work_parts(void *context, int worker, void *p, struct err *error) {
  struct batch *b = p;
  if (work(context, worker, p, error)) return -1;
  for (int64_t i = 0; i < b->number % 5; i++) {
    b->scratch[0] = 1;
    if (pipeline_write_now(b, error)) return -1;
  }
  b->scratch[0] = 0;
  return 0;
}

static int write_parts(void *context, void *p, struct err *error) {
  struct run *r = context;
  struct batch *b = p;
  parts++;
  if (!b->scratch[0]) return write_batch(context, p, error);
  if (b->number != r->written) r->order = false;
  if (b->number == r->write_fails) return err_set(error, "part %d", (int)b->number);
  return b->number == r->enough;
}

static void test_parts(int jobs) {
  struct pipeline parted = {&run, sizeof(struct batch), read_batch, work_parts, write_parts, release, NULL, 0};
  memset(&run, 0, sizeof run);
  run.total = 200, run.read_fails = run.work_fails = run.write_fails = run.enough = -1;
  run.order = run.slow = true;
  parts = 0;
  ok(pipeline_run(&parted, jobs, &e) == 0 && run.written == 200 && run.order && parts == 200 + 400, "%d workers: parts are written when it is their batch's turn", jobs);
  run.read = run.written = 0;
  run.write_fails = 104;
  ok(pipeline_run(&parted, jobs, &e) == -1 && strcmp(e.message, "part 104") == 0 && run.written == 104, "%d workers: a part that cannot be written ends it", jobs);
  run.read = run.written = 0;
  run.write_fails = -1, run.enough = 53;
  ok(pipeline_run(&parted, jobs, &e) == 0 && run.written == 53, "%d workers: a part may be enough", jobs);
}

static void test_idle_input(void) {
  int ends[2];
  struct input *in = NULL;
  ok(pipe(ends) == 0 && dup2(ends[0], 0) == 0 && write(ends[1], "text\n", 5) == 5 && input_open(&in, "-", NULL, &e) == 0, "idle: a pipe that stays open");
  memset(&run, 0, sizeof run);
  run.total = (int64_t)in;
  run.work_fails = run.enough = -1;
  struct pipeline idle = {&run, sizeof(struct batch), read_idle, work, write_batch, release, NULL, 0};
  alarm(20);
  ok(pipeline_run(&idle, 2, &e) == -1 && strcmp(e.message, "write 0") == 0, "idle: an error of the writer does not wait for input");
  alarm(0);
  input_close(in);
  ok(write(ends[1], "more\n", 5) == 5 && input_open(&in, "-", NULL, &e) == 0, "idle: input can be read again");
  input_close(in);
}

int main(void) {
  static const int jobs[] = {1, 2, 3, 8};
  for (int i = 0; i < 4; i++) {
    int j = jobs[i];
    ok(go(j, 500, -1, -1, -1, -1, true) == 0 && run.written == 500 && run.order, "%d workers: all batches, in order", j);
    ok(run.most <= pipeline_batches(j), "%d workers: at most %d batches in flight", j, pipeline_batches(j));
    ok(run.released == pipeline_batches(j) && run.workers < 1 << j, "%d workers: every batch is released, no other worker runs", j);
    ok(go(j, 0, -1, -1, -1, -1, false) == 0 && run.written == 0, "%d workers: an empty stream", j);
    ok(go(j, 1, -1, -1, -1, -1, false) == 0 && run.written == 1, "%d workers: one batch", j);
    ok(go(j, 500, 57, -1, -1, -1, true) == -1 && strcmp(e.message, "read 57") == 0 && run.written == 57 && run.order, "%d workers: what was read before an error is written", j);
    ok(go(j, 500, -1, 40, -1, -1, true) == -1 && strcmp(e.message, "work 40") == 0 && run.written == 40, "%d workers: the first error in input order is reported", j);
    ok(go(j, 500, 45, 40, -1, -1, true) == -1 && strcmp(e.message, "work 40") == 0, "%d workers: a worker's error comes before a later one of the reader", j);
    ok(go(j, 500, -1, -1, 30, -1, true) == -1 && strcmp(e.message, "write 30") == 0 && run.read <= 30 + 2 * j + 3, "%d workers: an error of the writer stops the reader", j);
    ok(go(j, 1000000, -1, -1, -1, 20, false) == 0 && run.written == 21 && run.read <= 21 + 2 * j + 3, "%d workers: enough is enough", j);
    ok(go(j, 20, 0, -1, -1, -1, false) == -1 && strcmp(e.message, "read 0") == 0 && run.written == 0, "%d workers: an error at once", j);
  }
  bool same = true;
  for (int i = 0; i < 300; i++) same &= go(2 + i % 6, i % 23, -1, -1, -1, -1, false) == 0 && run.written == i % 23 && run.order;
  ok(same, "three hundred short runs");
  for (int j = 1; j < 6; j++) test_parts(j);
  test_giants();
  test_idle_input();
  return tap_done();
}
