/* SPDX-License-Identifier: MIT */
#include "common/model/profile.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/io/output.h"

struct row {
  const char *op, *name, *direction;
  int64_t calls;
  double seconds, flops, bytes;
};

struct profile {
  struct row *rows;
  int count;
};

struct profile *profile_new(void) { return NEW(struct profile); }

void profile_free(struct profile *p) {
  if (!p) return;
  free(p->rows);
  free(p);
}

void profile_add(struct profile *p, const char *op, const char *name, const char *direction, double seconds, struct plan_cost cost) {
  int i = 0;
  while (i < p->count && (strcmp(p->rows[i].name, name) != 0 || strcmp(p->rows[i].op, op) != 0 || strcmp(p->rows[i].direction, direction) != 0)) i++;
  if (i == p->count) {
    p->rows = RESIZE(p->rows, (size_t)p->count + 1);
    p->rows[p->count++] = (struct row){.op = op, .name = name, .direction = direction};
  }
  struct row *r = &p->rows[i];
  r->calls++;
  r->seconds += seconds, r->flops += cost.flops, r->bytes += cost.bytes;
}

static int slowest_first(const void *a, const void *b) {
  double x = ((const struct row *)a)->seconds, y = ((const struct row *)b)->seconds;
  return x < y ? 1 : x > y ? -1 : 0;
}

static void write_row(struct buffer *out, const struct row *r, double total, double peak) {
  double rate = r->seconds > 0 ? r->flops / r->seconds / 1e9 : 0;
  buffer_printf(out, "%s\t%s\t%s\t%lld\t%.3f\t%.6g\t%.6g\t%.1f\t%.2f\t%.4f\t", r->op, r->name, r->direction, (long long)r->calls, r->seconds * 1e3,
                r->flops, r->bytes, rate, r->seconds > 0 ? r->bytes / r->seconds / 1e9 : 0, total > 0 ? r->seconds / total : 0);
  if (peak > 0) buffer_printf(out, "%.4f", rate / peak);
  buffer_put(out, '\n');
}

int profile_write(const struct profile *p, const char *path, double peak, struct err *e) {
  struct buffer out = {0};
  struct row total = {.op = "total", .name = "", .direction = ""};
  struct row *sorted = NEW_ARRAY(struct row, (size_t)p->count + 1);
  if (p->count) memcpy(sorted, p->rows, (size_t)p->count * sizeof *sorted);
  qsort(sorted, (size_t)p->count, sizeof *sorted, slowest_first);
  for (int i = 0; i < p->count; i++) total.calls += sorted[i].calls, total.seconds += sorted[i].seconds, total.flops += sorted[i].flops, total.bytes += sorted[i].bytes;
  buffer_append_string(&out, "op\tname\tdirection\tcalls\tms\tflops\tbytes\tgflop_s\tgb_s\tshare\tof_peak\n");
  for (int i = 0; i < p->count; i++) write_row(&out, &sorted[i], total.seconds, peak);
  write_row(&out, &total, total.seconds, peak);
  int result = output_file(path, out.data, out.len, e);
  free(sorted);
  buffer_release(&out);
  return result;
}

double profile_matmul_peak(const struct backend *b) {
  const int64_t n = 1536;
  struct kernel_error k;
  size_t bytes = (size_t)(n * n) * sizeof(real);
  real *x = b->alloc(bytes, &k), *y = b->alloc(bytes, &k), *z = b->alloc(bytes, &k);
  double best = 0, began = progress_clock();
  for (int i = 0; x && y && z && (i < 3 || progress_clock() - began < 0.2); i++) {
    double start = progress_clock();
    if (b->matmul(false, true, n, n, n, 1, x, n, y, n, 0, z, n, &k) < 0 || b->synchronize(&k) < 0) break;
    double rate = 2.0 * (double)(n * n * n) / (progress_clock() - start) / 1e9;
    if (rate > best) best = rate;
  }
  real *blocks[] = {x, y, z};
  for (int i = 0; i < 3; i++)
    if (blocks[i]) b->release(blocks[i]);
  return best;
}
