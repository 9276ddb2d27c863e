/* SPDX-License-Identifier: MIT
 *
 * A ring of batches.  Batch number n lives in slot n % slots; the reader fills slots in order, any worker takes the
 * next filled one, the writer (the caller's thread) empties them in order.  One mutex, one condition per direction:
 * batches are about a megabyte, so the lock is taken a few hundred times a second.
 */
#include "common/io/pipeline.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/input.h"

enum state { FREE, FILLED, WORKING, DONE };

struct slot {
  enum state state;
  bool last;          /* the end of the stream, or `error` when failed */
  bool failed;
  bool heavy;         /* for worker 0 alone, so that only its scratch memory grows to a giant's size */
  size_t weight;
  struct err error;
  void *batch;
};

struct ring {
  const struct pipeline *p;
  struct slot *slots;
  size_t count;
  pthread_mutex_t lock;
  pthread_cond_t freed, filled, done;
  uint64_t taken;     /* next batch for a worker */
  size_t limit;       /* of in_flight */
  size_t in_flight;   /* weight of what is read and not yet written */
  bool stop;          /* nothing more is wanted */
};

static void *read_all(void *argument) {
  struct ring *r = argument;
  for (uint64_t n = 0;; n++) {
    struct slot *s = &r->slots[n % r->count];
    pthread_mutex_lock(&r->lock);
    while ((s->state != FREE || r->in_flight > r->limit) && !r->stop) pthread_cond_wait(&r->freed, &r->lock);
    bool stop = r->stop;
    pthread_mutex_unlock(&r->lock);
    if (stop) return NULL;
    int more = r->p->read(r->p->context, s->batch, &s->error);
    size_t weight = more > 0 && r->p->weigh ? r->p->weigh(s->batch) : 0;
    pthread_mutex_lock(&r->lock);
    s->weight = weight;
    s->heavy = weight > r->limit / 4;
    r->in_flight += weight;
    s->last = more <= 0;
    s->failed = more < 0;
    s->state = more > 0 ? FILLED : DONE;
    pthread_cond_broadcast(more > 0 ? &r->filled : &r->done);
    if (more <= 0) pthread_cond_broadcast(&r->filled);
    pthread_mutex_unlock(&r->lock);
    if (more <= 0) return NULL;
  }
}

struct worker {
  struct ring *ring;
  int index;
};

static void *work_all(void *argument) {
  struct worker *w = argument;
  struct ring *r = w->ring;
  pthread_mutex_lock(&r->lock);
  for (;;) {
    struct slot *s = &r->slots[r->taken % r->count];
    if (r->stop || (s->state == DONE && s->last)) break;
    if (s->state != FILLED || (s->heavy && w->index)) {
      pthread_cond_wait(&r->filled, &r->lock);
      continue;
    }
    s->state = WORKING;
    r->taken++;
    if (s->heavy) pthread_cond_broadcast(&r->filled); /* the others waited for worker 0 to take it */
    pthread_mutex_unlock(&r->lock);
    bool failed = r->p->work(r->p->context, w->index, s->batch, &s->error) != 0;
    pthread_mutex_lock(&r->lock);
    s->failed = failed;
    s->state = DONE;
    pthread_cond_signal(&r->done);
  }
  pthread_mutex_unlock(&r->lock);
  return NULL;
}

static int write_all(struct ring *r, struct err *e) {
  for (uint64_t n = 0;; n++) {
    struct slot *s = &r->slots[n % r->count];
    pthread_mutex_lock(&r->lock);
    while (s->state != DONE) pthread_cond_wait(&r->done, &r->lock);
    pthread_mutex_unlock(&r->lock);
    if (s->failed) {
      *e = s->error;
      return -1;
    }
    if (s->last) return 0;
    int result = r->p->write(r->p->context, s->batch, e);
    if (result) return result < 0 ? -1 : 0;
    if (s->weight > r->limit / 16 && r->p->release) {
      r->p->release(s->batch);
      memset(s->batch, 0, r->p->batch_size);
    }
    pthread_mutex_lock(&r->lock);
    r->in_flight -= s->weight;
    s->state = FREE;
    pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
  }
}

static int run_alone(const struct pipeline *p, struct err *e) {
  void *batch = NEW_ARRAY(char, p->batch_size);
  int result;
  while ((result = p->read(p->context, batch, e)) > 0) {
    result = p->work(p->context, 0, batch, e);
    if (result == 0) result = p->write(p->context, batch, e);
    if (result) break;
  }
  if (p->release) p->release(batch);
  free(batch);
  return result < 0 ? -1 : 0;
}

int pipeline_run(const struct pipeline *p, int jobs, struct err *e) {
  if (jobs <= 1) return run_alone(p, e);
  struct ring r = {.p = p, .count = (size_t)jobs * 2 + 2, .limit = (size_t)p->memory / 8};
  r.slots = NEW_ARRAY(struct slot, r.count);
  for (size_t i = 0; i < r.count; i++) r.slots[i].batch = NEW_ARRAY(char, p->batch_size);
  pthread_mutex_init(&r.lock, NULL);
  pthread_cond_init(&r.freed, NULL);
  pthread_cond_init(&r.filled, NULL);
  pthread_cond_init(&r.done, NULL);

  pthread_t reader, *threads = NEW_ARRAY(pthread_t, (size_t)jobs);
  struct worker *workers = NEW_ARRAY(struct worker, (size_t)jobs);
  int started = 0, result = -1;
  if (pthread_create(&reader, NULL, read_all, &r)) {
    err_errno(e, "cannot start a thread");
  } else {
    for (; started < jobs; started++) {
      workers[started] = (struct worker){&r, started};
      if (pthread_create(&threads[started], NULL, work_all, &workers[started])) break;
    }
    if (started) result = write_all(&r, e);
    else err_set(e, "cannot start a worker thread");
    pthread_mutex_lock(&r.lock);
    r.stop = true;
    pthread_cond_broadcast(&r.freed);
    pthread_cond_broadcast(&r.filled);
    pthread_mutex_unlock(&r.lock);
    input_interrupt(true); /* the reader may wait for a pipe in which nothing comes */
    pthread_join(reader, NULL);
    input_interrupt(false);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  }

  for (size_t i = 0; i < r.count; i++) {
    if (p->release) p->release(r.slots[i].batch);
    free(r.slots[i].batch);
  }
  pthread_mutex_destroy(&r.lock);
  pthread_cond_destroy(&r.freed);
  pthread_cond_destroy(&r.filled);
  pthread_cond_destroy(&r.done);
  free(r.slots);
  free(threads);
  free(workers);
  return result;
}
