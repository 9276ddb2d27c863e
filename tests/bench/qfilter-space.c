/* SPDX-License-Identifier: MIT
 *
 * Speed of splitting text at white space and hashing every run of five words, in memory: what a filter that looks at n-grams
 * cannot do without.  Prints `bench BYTES SECONDS`, CPU seconds, the median of nine passes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PASSES = 9 };

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The last field of each line, unescaped; a NUL after each. */
static size_t read_texts(const char *path, char **texts) {
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END) != 0) exit(1);
  size_t n = (size_t)ftell(f), len = 0;
  rewind(f);
  char *data = malloc(n + 1), *out = *texts = malloc(n + 2);
  if (!data || !out || fread(data, 1, n, f) != n) exit(1);
  fclose(f);
  for (char *line = data; line < data + n;) {
    char *end = memchr(line, '\n', (size_t)(data + n - line));
    if (!end) end = data + n;
    for (char *p = line; p < end; p++)
      if (*p == '\t') line = p + 1;
    for (char *p = line; p < end; p++) {
      char c = *p;
      if (c == '\\' && p + 1 < end) {
        c = *++p;
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
      }
      out[len++] = c;
    }
    out[len++] = 0;
    line = end + 1;
  }
  free(data);
  return len;
}

static uint64_t split_and_hash(const char *text, size_t len, const uint8_t *space) {
  uint64_t all = 0, last[5] = {0};
  size_t words = 0;
  for (const char *p = text, *end = text + len; p < end;) {
    while (p < end && space[(uint8_t)*p] == 1) p++;
    if (p < end && !*p) words = 0, p++; /* the next document */
    const char *start = p;
    while (p < end && !space[(uint8_t)*p]) p++;
    if (p == start) continue;
    for (int i = 0; i < 4; i++) last[i] = last[i + 1];
    last[4] = XXH3_64bits(start, (size_t)(p - start));
    if (++words < 5) continue;
    uint64_t gram = last[0];
    for (int i = 1; i < 5; i++) gram = (gram ^ gram >> 29) * 0xBF58476D1CE4E5B9u + last[i];
    all ^= gram;
  }
  return all;
}

int main(int argc, char **argv) {
  uint8_t space[256] = {[0] = 2};
  for (int c = 9; c <= 13; c++) space[c] = 1;
  for (int c = 0x1C; c <= 0x20; c++) space[c] = 1;
  char *texts;
  if (argc != 2) return 2;
  size_t len = read_texts(argv[1], &texts);
  double took[PASSES];
  volatile uint64_t all = 0;
  for (int i = 0; i < PASSES; i++) {
    double start = seconds();
    all ^= split_and_hash(texts, len, space);
    took[i] = seconds() - start;
  }
  qsort(took, PASSES, sizeof *took, compare);
  printf("bench %zu %.9f\n", len, took[PASSES / 2]);
  free(texts);
  return 0;
}
