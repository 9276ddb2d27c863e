/* SPDX-License-Identifier: MIT
 *
 * Any bytes as tables of runs: every row that is taken holds what was asked for, as positive finite numbers, every row is accounted
 * for, and what an error says is short and printable.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/utf8.h"
#include "tools/fit-scaling/table/runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void check_message(const struct err *e) {
  require(utf8_valid_prefix(e->message, strlen(e->message)) == strlen(e->message));
  for (const char *c = e->message; *c; c++) require((unsigned char)*c >= 0x20);
}

static void check(const struct runs *r, unsigned needs) {
  require(r->count + r->bad + r->unwanted == r->rows);
  require(r->duplicates < r->count + !r->count);
  for (size_t i = 0; i < r->count; i++) {
    for (int c = 0; c < RUN_COLUMNS; c++) {
      double value = r->column[c] ? r->column[c][i] : NAN;
      if (needs >> c & 1) require(!isnan(value));
      if (!isnan(value)) require(isfinite(value) && (value > 0 || (c == RUN_ACCURACY && value == 0)));
    }
    double sum = 0;
    for (size_t s = 0; s < r->source_count; s++) sum += r->share[i * r->source_count + s];
    if (needs & RUN_NEEDS_SHARES) require(fabs(sum - 1) < 1e-9);
    for (size_t s = 0; s < r->domain_count; s++) {
      double loss = r->domain_loss[i * r->domain_count + s];
      require(isnan(loss) || (loss > 0 && isfinite(loss)));
    }
    if (r->group_count) require(r->group[i] < r->group_count);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  static const char *columns[] = {"loss=l*2", "share:b=s", "loss:b=m"}, *where[] = {"recipe!=x", "flops>1"};
  static const struct option_list column_list = {columns, 3}, where_list = {where, 2};
  static const struct runs_options options[] = {
      {.needs = 1 << RUN_PARAMS | 1 << RUN_TOKENS | 1 << RUN_LOSS},
      {.needs = 1 << RUN_ACCURACY, .where = &where_list, .by = "recipe"},
      {.needs = 1 << RUN_LOSS | RUN_NEEDS_SHARES},
      {.needs = 1 << RUN_LOSS | 1 << RUN_UNIQUE_TOKENS, .columns = &column_list},
  };
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
  const char *names[] = {path, path};
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    struct runs runs = {0};
    struct err e = {0};
    int status = runs_read(&runs, names, 1 + i % 2, &options[i], &e);
    require(status != 0 || runs.count > 0);
    if (status == 0) check(&runs, options[i].needs);
    check_message(&e);
    if (runs.bad) check_message(&runs.first_bad);
    runs_release(&runs);
  }
  return 0;
}
