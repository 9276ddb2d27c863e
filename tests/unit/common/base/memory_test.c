/* SPDX-License-Identifier: MIT */
#include "common/base/memory.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap.h"

#if !defined(__SANITIZE_ADDRESS__) /* ASan ends the program by itself */
/* Runs attempt() in a child; what it said on stderr in text, its signal as result. */
static int child(void (*attempt)(void), char *text, size_t size) {
  int ends[2], status;
  if (pipe(ends) != 0) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], 2);
    attempt();
    _exit(0);
  }
  close(ends[1]);
  size_t n = 0;
  for (ssize_t got; n < size - 1 && (got = read(ends[0], text + n, size - 1 - n)) > 0;) n += (size_t)got;
  text[n] = 0;
  close(ends[0]);
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void too_much(void) {
  volatile size_t n = SIZE_MAX / 2;
  char *p = RESIZE((char *)NULL, n);
  p[0] = 1;
}

static void overflow(void) {
  volatile size_t n = SIZE_MAX / 2;
  uint64_t *p = RESIZE((uint64_t *)NULL, n); /* times 8 wraps around */
  p[0] = 1;
}
#endif

int main(void) {
  struct pair { int a, b; } *p = NEW(struct pair);
  ok(p->a == 0 && p->b == 0, "NEW clears");
  free(p);
  char *copy = COPY("ab\0c", 4);
  ok(memcmp(copy, "ab\0c", 5) == 0, "COPY ends bytes with a NUL");
  free(copy);
  copy = COPY(NULL, 0);
  ok_string(copy, "", "a copy of nothing is an empty string");
  free(copy);
  double *aligned = ALIGNED(64, 100);
  ok((uintptr_t)aligned % 64 == 0, "ALIGNED is aligned");
  free(aligned);
  int *array = NULL;
  size_t capacity = 0;
  for (size_t i = 0; i < 1000; i++) {
    GROW(array, capacity, i + 1);
    array[i] = (int)i;
  }
  ok(capacity >= 1000 && array[999] == 999 && array[0] == 0, "GROW makes room and keeps what is there");
  free(array);
#if defined(__SANITIZE_ADDRESS__)
  skip("ASan ends the program by itself", "no memory");
#else
  char text[1000];
  ok(child(too_much, text, sizeof text) == SIGABRT && strstr(text, "memory_test.c:") && strstr(text, "out of memory"), "exhausted memory aborts with file and line");
  ok(child(overflow, text, sizeof text) == SIGABRT && strstr(text, "out of memory"), "so does a size that overflows");
#endif
  return tap_done();
}
