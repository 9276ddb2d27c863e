/* SPDX-License-Identifier: MIT
 *
 * main() for fuzz targets where libFuzzer is not: `TARGET [-n N] [-s SECONDS] [-m BYTES] [-r SEED] [FILE|FOLDER...]` calls
 * LLVMFuzzerTestOneInput() on every file (a folder: on all files under it, in order of their names), then on N
 * mutations, or as many as fit into SECONDS.  The same operands and seed give the same inputs in the same order.
 *
 * Without operands tests/data/fuzz/TARGET/ is the corpus where it exists.  Besides the files, a few short inputs are
 * always there: nothing, one byte, all byte values.  An input about to be tried is written to -w FILE when given, so
 * that the input of a crash is at hand; without -w the driver prints, on a fatal signal, which one it was: the same
 * options with `-o NUMBER` write it to stdout.
 *
 * Mutations are those of libFuzzer that need no coverage: flip a bit, overwrite, insert and erase bytes, repeat and
 * copy a stretch, splice two inputs, put interesting numbers (as bytes and as decimal digits) and words found in the
 * corpus.  Under ASan and UBSan this finds what a few seconds can find; `make CC=clang FUZZ=1` gives real fuzzers.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/rng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct corpus {
  struct buffer *inputs;
  size_t count, capacity;
} corpus;

static struct rng rng;
static size_t largest = 1 << 16;
static volatile uint64_t current;

static void corpus_add(const void *data, size_t n) {
  GROW(corpus.inputs, corpus.capacity, corpus.count + 1);
  struct buffer b = {0};
  buffer_append(&b, data, n);
  corpus.inputs[corpus.count++] = b;
}

static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

static bool corpus_load(const char *path) {
  struct dirent **entries;
  int n = scandir(path, &entries, visible, alphasort);
  if (n >= 0) {
    bool fine = true;
    for (int i = 0; i < n; i++) {
      struct buffer name = {0};
      buffer_printf(&name, "%s/%s", path, entries[i]->d_name);
      fine &= corpus_load(buffer_string(&name));
      buffer_release(&name);
      free(entries[i]);
    }
    free(entries);
    return fine;
  }
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
  }
  struct buffer b = {0};
  char piece[1 << 16];
  for (size_t got; (got = fread(piece, 1, sizeof piece, f)) > 0;) buffer_append(&b, piece, got);
  fclose(f);
  corpus_add(b.data, b.len);
  buffer_release(&b);
  return true;
}

/* ---- mutations, each on a buffer of at most `largest` bytes */

static size_t below(size_t n) { return (size_t)rng_below(&rng, n); }

static const struct buffer *other(void) { return &corpus.inputs[below(corpus.count)]; }

static void insert(struct buffer *b, size_t at, const void *data, size_t n) {
  if (b->len + n > largest) return;
  char *copy = n ? COPY(data, n) : NULL; /* data may lie in b */
  buffer_reserve(b, n);
  memmove(b->data + at + n, b->data + at, b->len - at);
  if (n) memcpy(b->data + at, copy, n);
  b->len += n;
  free(copy);
}

static void overwrite(struct buffer *b, size_t at, const void *data, size_t n) {
  if (n > b->len - at) n = b->len - at;
  memmove(b->data + at, data, n);
}

static void erase(struct buffer *b, size_t at, size_t n) {
  memmove(b->data + at, b->data + at + n, b->len - at - n);
  b->len -= n;
}

static size_t stretch(size_t n) { /* 1..n, short ones more often */
  size_t limit = below(4) ? 16 : n;
  return 1 + below(limit < n ? limit : n);
}

static void mutate(struct buffer *b) {
  static const int64_t numbers[] = {0, 1, -1, 2, 7, 8, 16, 127, 128, 255, 256, 1023, 4096, 32767, 32768, 65535, 65536, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN};
  static const char *const texts[] = {"\n", "\r\n", "\r\n\r\n", "\t", "\\", "\\n", "\"", "{", "}", "[", "]", "<", ">", "&", ";", ":", "=", "--", "\xEF\xBB\xBF", "\xC0", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF\xFE", "%s", "1e308", "nan", "\x1F\x8B\x08", "\x28\xB5\x2F\xFD"};
  char text[32];
  if (b->len == 0) insert(b, 0, "0123456789", 1 + below(10));
  size_t at = below(b->len), n;
  switch (below(11)) {
    case 0: b->data[at] ^= (char)(1 << below(8)); break;
    case 1: b->data[at] = (char)below(256); break;
    case 2: erase(b, at, stretch(b->len - at)); break;
    case 3: n = stretch(b->len - at), insert(b, below(b->len + 1), b->data + at, n); break;
    case 4: n = stretch(b->len - at), overwrite(b, below(b->len), b->data + at, n); break;
    case 5: n = 1 + below(1 + below(below(8) ? 64 : 8192)); /* one byte over and over */
      memset(text, (int)below(256), sizeof text);
      while (n--) insert(b, at, text, n % sizeof text);
      break;
    case 6: {
      int64_t v = numbers[below(sizeof numbers / sizeof *numbers)];
      overwrite(b, at, &v, (size_t)1 << below(4));
      break;
    }
    case 7:
      snprintf(text, sizeof text, below(2) ? "%lld" : "%llx", (long long)numbers[below(sizeof numbers / sizeof *numbers)]);
      insert(b, at, text, strlen(text));
      break;
    case 8: {
      const char *word = texts[below(sizeof texts / sizeof *texts)];
      insert(b, at, word, strlen(word));
      break;
    }
    case 9: {
      const struct buffer *o = other();
      if (o->len == 0) break;
      size_t from = below(o->len);
      insert(b, at, o->data + from, stretch(o->len - from));
      break;
    }
    case 10: { /* head of one, tail of another */
      const struct buffer *o = other();
      b->len = at;
      if (o->len) {
        size_t from = below(o->len);
        insert(b, b->len, o->data + from, o->len - from);
      }
      break;
    }
  }
}

/* ---- running */

static void on_fatal(int number) {
  char line[128];
  int n = snprintf(line, sizeof line, "fatal signal %d at input %llu\n", number, (unsigned long long)current);
  if (write(2, line, (size_t)n) < 0) _exit(1);
  signal(number, SIG_DFL);
  raise(number);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* An exact allocation, so that ASan sees a read one byte past the end. */
static int try(const struct buffer *b, const char *write_path, int64_t only) {
  if (only >= 0 && (uint64_t)only != current) {
    current++;
    return 0;
  }
  if (only >= 0) {
    fwrite(b->data, 1, b->len, stdout);
    exit(0);
  }
  if (write_path) {
    FILE *f = fopen(write_path, "wb");
    if (f && b->len) fwrite(b->data, 1, b->len, f);
    if (f) fclose(f);
  }
  uint8_t *copy = MALLOC(b->len ? b->len : 1);
  if (b->len) memcpy(copy, b->data, b->len);
  int status = LLVMFuzzerTestOneInput(copy, b->len);
  free(copy);
  current++;
  return status;
}

int main(int argc, char **argv) {
  int64_t times = 2000, most = (int64_t)largest, seed = 1, only = -1;
  double limit = 0;
  const char *write_path = NULL;
  for (int c; (c = getopt(argc, argv, "n:s:m:r:o:w:")) != -1;) {
    bool fine = true;
    if (c == 'n') fine = number_count(optarg, &times) == 0;
    else if (c == 's') fine = number_double(optarg, &limit) == 0;
    else if (c == 'm') fine = number_size(optarg, &most) == 0 && most > 0;
    else if (c == 'r') fine = number_count(optarg, &seed) == 0;
    else if (c == 'o') fine = number_count(optarg, &only) == 0;
    else if (c == 'w') write_path = optarg;
    else fine = false;
    if (!fine) {
      fprintf(stderr, "usage: %s [-n TIMES] [-s SECONDS] [-m BYTES] [-r SEED] [-o NUMBER] [-w FILE] [FILE|FOLDER...]\n", argv[0]);
      return 2;
    }
  }
  largest = (size_t)most;
  uint8_t all[256];
  for (int i = 0; i < 256; i++) all[i] = (uint8_t)i;
  corpus_add("", 0), corpus_add("\n", 1), corpus_add(all, sizeof all);
  const char *name = strrchr(argv[0], '/');
  struct buffer folder = {0};
  buffer_printf(&folder, "tests/data/fuzz/%s", name ? name + 1 : argv[0]);
  buffer_string(&folder);
  if (folder.len > 5 && strcmp(folder.data + folder.len - 5, "_fuzz") == 0) folder.data[folder.len - 5] = 0;
  bool fine = true;
  if (optind == argc && access(folder.data, R_OK) == 0) fine = corpus_load(folder.data);
  for (int i = optind; i < argc; i++) fine &= corpus_load(argv[i]);
  buffer_release(&folder);
  if (!fine) return 2;
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], on_fatal);

  rng_init(&rng, (uint64_t)seed);
  for (size_t i = 0; i < corpus.count; i++) {
    alarm(60); /* a hang is a bug */
    try(&corpus.inputs[i], write_path, only);
  }
  double start = seconds();
  struct buffer b = {0};
  for (int64_t i = 0; limit > 0 ? seconds() - start < limit : i < times; i++) {
    const struct buffer *from = other();
    buffer_clear(&b);
    buffer_append(&b, from->data, from->len < largest ? from->len : largest);
    for (size_t n = 1 + below(1 + below(8)); n--;) mutate(&b);
    alarm(60);
    try(&b, write_path, only);
  }
  alarm(0);
  fprintf(stderr, "%zu inputs replayed, %llu mutations\n", corpus.count, (unsigned long long)(current - corpus.count));
  buffer_release(&b);
  for (size_t i = 0; i < corpus.count; i++) buffer_release(&corpus.inputs[i]);
  free(corpus.inputs);
  return 0;
}
