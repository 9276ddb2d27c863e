/* SPDX-License-Identifier: MIT */
#include "common/base/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/tap.h"

/* stderr goes to a file here: no terminal. */
static char *captured(void) {
  static char text[4096];
  fflush(stderr);
  int fd = open("/proc/self/fd/2", O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  text[n < 0 ? 0 : n] = 0;
  if (fd >= 0) close(fd);
  return text;
}

int main(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/stderr", tap_folder());
  if (!freopen(path, "w+", stderr)) return 1;
  struct progress *p = progress_new("tool", "documents", PROGRESS_AUTO);
  for (int i = 0; i < 1000; i++) progress_add(p, 1000, 1);
  progress_text(p, "loss %g", 1.5);
  progress_clear(p);
  progress_free(p);
  ok_string(captured(), "", "without a terminal nothing is drawn");
  p = progress_new("tool", "documents", PROGRESS_NEVER);
  progress_total(p, 10);
  progress_add(p, 10, 1);
  progress_free(p);
  ok_string(captured(), "", "never is never");
  progress_free(NULL);
  progress_clear(NULL);
  double before = progress_clock();
  usleep(2000);
  ok(progress_clock() - before >= .002, "the clock is in seconds");
  return tap_done();
}
