/* SPDX-License-Identifier: MIT */
#include "common/model/profile.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/io/output.h"

struct row {
  const char *op, *name, *direction;
  int64_t calls;
  double seconds, flops, bytes;
};

struct event { /* op NULL: step `step` begins */
  const char *op, *name, *direction;
  double began, seconds;
  struct plan_cost cost;
  int64_t step;
};

struct profile {
  struct row *rows;
  int count;
  struct event *events; /* a ring of `capacity`; NULL: no trace */
  int64_t capacity, next; /* next: events so far; event i lies at i % capacity */
  int steps;
};

struct profile *profile_new(void) { return NEW(struct profile); }

void profile_free(struct profile *p) {
  if (!p) return;
  free(p->rows);
  free(p->events);
  free(p);
}

void profile_trace(struct profile *p, int steps, int64_t events) {
  free(p->events);
  p->events = NEW_ARRAY(struct event, (size_t)events);
  p->capacity = events, p->next = 0, p->steps = steps;
}

static void keep(struct profile *p, const struct event *event) {
  if (p->events) p->events[p->next++ % p->capacity] = *event;
}

void profile_step(struct profile *p, int64_t step) { keep(p, &(struct event){.step = step, .began = progress_clock()}); }

void profile_add_at(struct profile *p, const char *op, const char *name, const char *direction, double began, double seconds, struct plan_cost cost) {
  int i = 0;
  while (i < p->count && (strcmp(p->rows[i].name, name) != 0 || strcmp(p->rows[i].op, op) != 0 || strcmp(p->rows[i].direction, direction) != 0)) i++;
  if (i == p->count) {
    p->rows = RESIZE(p->rows, (size_t)p->count + 1);
    p->rows[p->count++] = (struct row){.op = op, .name = name, .direction = direction};
  }
  struct row *r = &p->rows[i];
  r->calls++;
  r->seconds += seconds, r->flops += cost.flops, r->bytes += cost.bytes;
  if (p->events) keep(p, &(struct event){.op = op, .name = name, .direction = direction, .began = began, .seconds = seconds, .cost = cost});
}

void profile_add(struct profile *p, const char *op, const char *name, const char *direction, double seconds, struct plan_cost cost) {
  profile_add_at(p, op, name, direction, progress_clock() - seconds, seconds, cost);
}

static int slowest_first(const void *a, const void *b) {
  double x = ((const struct row *)a)->seconds, y = ((const struct row *)b)->seconds;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* limit: the seconds that the roofline allows */
static void write_row(struct buffer *out, const struct row *r, double total, double limit, const struct machine_peak *peak) {
  double rate = r->seconds > 0 ? r->flops / r->seconds / 1e9 : 0;
  buffer_printf(out, "%s\t%s\t%s\t%lld\t%.3f\t%.6g\t%.6g\t%.1f\t%.2f\t%.4f\t", r->op, r->name, r->direction, (long long)r->calls, r->seconds * 1e3,
                r->flops, r->bytes, rate, r->seconds > 0 ? r->bytes / r->seconds / 1e9 : 0, total > 0 ? r->seconds / total : 0);
  if (peak->gflop_s > 0) buffer_printf(out, "%.4f", rate / peak->gflop_s);
  buffer_put(out, '\t');
  if (peak->gflop_s > 0 && peak->gb_s > 0 && r->seconds > 0) buffer_printf(out, "%.4f", limit / r->seconds);
  buffer_put(out, '\n');
}

static double roofline(const struct row *r, const struct machine_peak *peak) {
  if (!(peak->gflop_s > 0) || !(peak->gb_s > 0)) return 0;
  double arithmetic = r->flops / (peak->gflop_s * 1e9), memory = r->bytes / (peak->gb_s * 1e9);
  return arithmetic > memory ? arithmetic : memory;
}

int profile_write(const struct profile *p, const char *path, const struct machine_peak *peak, struct err *e) {
  struct buffer out = {0};
  struct row total = {.op = "total", .name = "", .direction = ""};
  struct row *sorted = NEW_ARRAY(struct row, (size_t)p->count + 1);
  if (p->count) memcpy(sorted, p->rows, (size_t)p->count * sizeof *sorted);
  qsort(sorted, (size_t)p->count, sizeof *sorted, slowest_first);
  double limit = 0;
  for (int i = 0; i < p->count; i++) limit += roofline(&sorted[i], peak);
  for (int i = 0; i < p->count; i++) total.calls += sorted[i].calls, total.seconds += sorted[i].seconds, total.flops += sorted[i].flops, total.bytes += sorted[i].bytes;
  buffer_append_string(&out, "op\tname\tdirection\tcalls\tms\tflops\tbytes\tgflop_s\tgb_s\tshare\tof_peak\troofline\n");
  for (int i = 0; i < p->count; i++) write_row(&out, &sorted[i], total.seconds, roofline(&sorted[i], peak), peak);
  write_row(&out, &total, total.seconds, limit, peak);
  int result = output_file(path, out.data, out.len, e);
  free(sorted);
  buffer_release(&out);
  return result;
}

/* ---- the timeline */

static const struct event *event_at(const struct profile *p, int64_t i) { return &p->events[i % p->capacity]; }

/* The first event that is shown: the beginning of the last `steps` whole steps that the ring still holds. */
static int64_t first_event(const struct profile *p) {
  int64_t oldest = p->next > p->capacity ? p->next - p->capacity : 0, first = -1;
  int steps = 0;
  for (int64_t i = p->next; i-- > oldest && steps < p->steps;)
    if (!event_at(p, i)->op) first = i, steps++;
  return first < 0 ? oldest : first;
}

static void write_event(struct buffer *out, const char *name, const char *category, double began, double seconds) {
  buffer_append_string(out, ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":");
  json_append_string(out, slice_of(name));
  buffer_append_string(out, ",\"cat\":");
  json_append_string(out, slice_of(category));
  buffer_printf(out, ",\"ts\":%.3f,\"dur\":%.3f", began * 1e6, seconds * 1e6);
}

int profile_write_trace(const struct profile *p, const char *path, struct err *e) {
  struct buffer out = {0}, name = {0};
  int64_t first = p->events ? first_event(p) : 0, end = p->events ? p->next : 0;
  double zero = end > first ? event_at(p, first)->began : 0;
  buffer_append_string(&out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"crawl2lm\"}}");
  for (int64_t i = first; i < end; i++) {
    const struct event *event = event_at(p, i);
    if (event->op) {
      write_event(&out, event->name, event->op, event->began - zero, event->seconds);
      buffer_append_string(&out, ",\"args\":{\"direction\":");
      json_append_string(&out, slice_of(event->direction));
      buffer_printf(&out, ",\"flops\":%.17g,\"bytes\":%.17g}}", event->cost.flops, event->cost.bytes);
      continue;
    }
    double last = event->began;
    for (int64_t k = i + 1; k < end && event_at(p, k)->op; k++) last = event_at(p, k)->began + event_at(p, k)->seconds;
    buffer_clear(&name);
    buffer_printf(&name, "step %" PRId64, event->step);
    write_event(&out, buffer_string(&name), "step", event->began - zero, last - event->began);
    buffer_put(&out, '}');
  }
  buffer_append_string(&out, "\n]}\n");
  int result = output_file(path, out.data, out.len, e);
  buffer_release(&out), buffer_release(&name);
  return result;
}

/* ---- what the machine reaches */

double profile_memory_peak(const struct backend *b) {
  const int64_t n = 16 << 20; /* three arrays of 32 or 64 MiB */
  struct kernel_error k;
  size_t bytes = (size_t)n * b->stored_size;
  stored *x = b->alloc(bytes, &k), *y = b->alloc(bytes, &k), *z = b->alloc(bytes, &k);
  double best = 0, began = progress_clock();
  for (int i = 0; x && y && z && (i < 3 || progress_clock() - began < 0.2); i++) {
    double start = progress_clock();
    if (b->add(z, x, y, n, &k) < 0 || b->synchronize(&k) < 0) break;
    double rate = 3 * (double)bytes / (progress_clock() - start) / 1e9;
    if (i > 0 && rate > best) best = rate; /* the first call meets pages that are not there yet */
  }
  stored *blocks[] = {x, y, z};
  for (int i = 0; i < 3; i++)
    if (blocks[i]) b->release(blocks[i]);
  return best;
}

double profile_matmul_peak(const struct backend *b, enum matmul_type type) {
  const int64_t n = b == backend_cpu() ? 1536 : 8192;
  struct kernel_error k;
  size_t bytes = (size_t)(n * n) * b->stored_size;
  stored *x = b->alloc(bytes, &k), *y = b->alloc(bytes, &k), *z = b->alloc(bytes, &k);
  double best = 0, began = progress_clock();
  for (int i = 0; x && y && z && (i < 3 || progress_clock() - began < 0.2); i++) {
    double start = progress_clock();
    if (b->matmul(type, false, true, n, n, n, 1, x, n, y, n, 0, z, n, &k) < 0 || b->synchronize(&k) < 0) break;
    double rate = 2.0 * (double)(n * n * n) / (progress_clock() - start) / 1e9;
    if (rate > best) best = rate;
  }
  stored *blocks[] = {x, y, z};
  for (int i = 0; i < 3; i++)
    if (blocks[i]) b->release(blocks[i]);
  return best;
}
