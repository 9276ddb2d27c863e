/* SPDX-License-Identifier: MIT */
#include "tools/bpe-encode/shard_set.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/input.h"
#include "tests/tap.h"

enum { DOCUMENTS = 60, PUT = 137 };

static char path[600];
static struct err e;

static const char *in_folder(const char *name) {
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  return path;
}

static void clear_folder(void) {
  DIR *d = opendir(tap_folder());
  for (struct dirent *f; d && (f = readdir(d));)
    if (f->d_name[0] != '.') unlink(in_folder(f->d_name));
  if (d) closedir(d);
}

static int files(const char *prefix) {
  int n = 0;
  DIR *d = opendir(tap_folder());
  for (struct dirent *f; d && (f = readdir(d));) n += strncmp(f->d_name, prefix, strlen(prefix)) == 0;
  if (d) closedir(d);
  return n;
}

static bool exists(const char *name) { return access(in_folder(name), F_OK) == 0; }

/* A corpus of documents with 0 to 40 tokens; document d has text "d" and tokens that tell where they stand. */
struct corpus {
  uint32_t *ids;
  uint32_t lengths[DOCUMENTS];
  size_t total;
};

static struct corpus make_corpus(void) {
  struct corpus c = {.ids = MALLOC(DOCUMENTS * 41 * sizeof(uint32_t))};
  struct rng r;
  rng_init(&r, 7);
  for (int d = 0; d < DOCUMENTS; d++) {
    c.lengths[d] = d == 30 ? 0 : 1 + (uint32_t)rng_below(&r, 40);
    for (uint32_t i = 0; i < c.lengths[d]; i++) c.ids[c.total++] = (uint32_t)(d * 600 + (int)i);
  }
  return c;
}

static struct shard_set_options options(const char *name, int width, int64_t shard_tokens, double validation, bool resume) {
  static char set_path[600]; /* in_folder() is called while the options are in use */
  snprintf(set_path, sizeof set_path, "%s/%s", tap_folder(), name);
  return (struct shard_set_options){.path = set_path, .header = {.token_bytes = width, .vocabulary_size = 50257, .end_of_text = 50256, .tokenizer_hash = 0xFEDC}, .shard_tokens = shard_tokens,
                                    .validation = validation, .seed = 11, .resume = resume, .inputs = "operand\ta.tsv 123\nraw\tno\n"};
}

static struct slice text_of(int d, char room[16]) { return (struct slice){room, (size_t)snprintf(room, 16, "%d", d)}; }

/* Puts all that is wanted, in calls that hold pieces of several documents; stops after `calls` of them as a kill would.
 * Returns what shard_set_open() did, or 2 when a put failed. */
static int write_set(const struct shard_set_options *o, const struct corpus *c, int calls) {
  struct shard_set *s;
  int opened = shard_set_open(&s, o, &e);
  if (opened) return opened;
  uint32_t ids[PUT];
  struct shard_run runs[DOCUMENTS + PUT];
  size_t n = 0, count = 0, at = 0;
  for (int d = 0; d <= DOCUMENTS; at += c->lengths[d++]) {
    uint32_t done = 0, length = 0;
    int part = 0;
    if (d < DOCUMENTS) {
      char room[16];
      part = shard_set_part(s, text_of(d, room));
      if (!shard_set_wants(s, part, (uint64_t)d)) continue;
      length = c->lengths[d];
    }
    for (;;) {
      uint32_t take = length - done < PUT - n ? length - done : (uint32_t)(PUT - n);
      if (take) memcpy(ids + n, c->ids + at + done, take * sizeof *ids);
      n += take;
      done += take;
      if (d < DOCUMENTS) runs[count++] = (struct shard_run){(uint64_t)d, take, (uint8_t)part};
      if (n < PUT && d < DOCUMENTS) break;
      if (calls-- == 0) {
        shard_set_abort(s);
        return 0;
      }
      if (shard_set_put(s, ids, runs, count, &e)) {
        shard_set_abort(s);
        return 2;
      }
      n = count = 0;
      if (done == length) break;
    }
    if (d == DOCUMENTS) break;
  }
  return shard_set_commit(s, &e) ? 2 : 0;
}

/* Appends the tokens of P_000000.bin ... (or of the one file); -1 when one is not readable or not full. */
static int64_t read_set(const char *stem, int64_t each, uint32_t *ids) {
  int64_t total = 0;
  for (int i = 0;; i++) {
    char name[64];
    if (each) snprintf(name, sizeof name, "%s_%06d.bin", stem, i);
    else snprintf(name, sizeof name, "%s.bin", stem);
    if (!exists(name)) return i ? total : -1;
    struct shard_file *f;
    if (shard_file_open(&f, in_folder(name), &e)) return -1;
    int64_t n = shard_file_header(f)->count;
    if (shard_file_read(f, 0, (size_t)n, ids + total, &e)) n = -1;
    shard_file_close(f);
    if (n < 0) return -1;
    total += n;
    if (!each) return total;
    if (n != each && i + 1 < files(stem)) {
      snprintf(name, sizeof name, "%s_%06d.bin", stem, i + 1);
      if (exists(name)) return -1;
    }
  }
}

static void test_plain(const struct corpus *c) {
  uint32_t *ids = MALLOC(c->total * sizeof *ids);
  for (int width = 2; width <= 4; width += 2) {
    struct shard_set_options o = options("one.bin", width, 0, 0, false);
    ok(write_set(&o, c, 1 << 30) == 0 && read_set("one", 0, ids) == (int64_t)c->total && memcmp(ids, c->ids, c->total * 4) == 0, "one shard of %d-byte tokens holds all of them", width);
  }
  struct shard_set *s;
  struct shard_set_options o = options("batch.bin", 2, 0, 0, false);
  struct shard_run all = {0, (uint32_t)c->total, 0};
  ok(shard_set_open(&s, &o, &e) == 0 && !shard_set_numbers(s) && shard_set_put(s, c->ids, &all, 1, &e) == 0 && shard_set_put(s, c->ids, &(struct shard_run){9, 5, 0}, 1, &e) == 0 && shard_set_count(s, 0) == (int64_t)c->total + 5, "one run may hold a batch");
  ok(shard_set_commit(s, &e) == 0 && files("batch") == 1, "without a manifest");
  ok(shard_set_open(&s, &o, &e) == 0 && shard_set_put(s, c->ids, &all, 1, &e) == 0, "a shard is begun again");
  shard_set_abort(s);
  ok(files("batch") == 1 && files(".crawl2lm") == 0, "after an abort nothing of it is left");
  free(ids);
  clear_folder();
}

static void test_split(const struct corpus *c) {
  uint32_t *train = MALLOC(c->total * 8), *validation = train + c->total;
  struct shard_set_options o = options("p.bin", 2, 0, 0.3, false);
  ok(write_set(&o, c, 1 << 30) == 0 && files("p") == 2, "a validation fraction gives P_train.bin and P_val.bin: %s", e.message);
  int64_t n = read_set("p_train", 0, train), m = read_set("p_val", 0, validation);
  ok(n > 0 && m > 0 && n + m == (int64_t)c->total, "which together hold every token: %d and %d", (int)n, (int)m);
  struct shard_set *s;
  shard_set_open(&s, &o, &e);
  size_t at[2] = {0}, from = 0;
  bool right = true;
  for (int d = 0; d < DOCUMENTS; from += c->lengths[d++]) {
    char room[16];
    int part = shard_set_part(s, text_of(d, room));
    right = right && memcmp((part ? validation : train) + at[part], c->ids + from, c->lengths[d] * 4) == 0;
    at[part] += c->lengths[d];
  }
  ok(right, "each document whole and in order on the side that its text says");
  int count = 0;
  for (int i = 0; i < 100000; i++) {
    char room[16];
    count += shard_set_part(s, text_of(i, room));
  }
  ok(count > 29200 && count < 30800, "about the fraction of them is validation: %d of 100,000", count);
  shard_set_abort(s);
  o.seed++;
  shard_set_open(&s, &o, &e);
  int moved = 0;
  struct shard_set *other;
  o.seed--;
  shard_set_open(&other, &o, &e);
  for (int i = 0; i < 1000; i++) {
    char room[16];
    moved += shard_set_part(s, text_of(i, room)) != shard_set_part(other, text_of(i, room));
  }
  ok(moved > 300 && moved < 540, "another seed splits differently: %d of 1,000", moved);
  shard_set_abort(s);
  shard_set_abort(other);
  free(train);
  clear_folder();
}

static char *contents(const char *name, size_t *n) {
  struct buffer b = {0};
  if (input_read_all(in_folder(name), &b, &e)) note("%s", e.message);
  *n = b.len;
  return buffer_string(&b);
}

/* Every file of a set, one after the other, for comparison. */
static struct buffer set_contents(const char *const *stems) {
  struct buffer all = {0};
  for (; *stems; stems++)
    for (int i = -1;; i++) {
      char name[64];
      if (i < 0) snprintf(name, sizeof name, "%s_manifest.tsv", *stems);
      else snprintf(name, sizeof name, "%s_%06d.bin", *stems, i);
      if (!exists(name)) {
        if (i < 0) continue;
        break;
      }
      size_t n;
      char *text = contents(name, &n);
      buffer_printf(&all, "%s %zu\n", name, n);
      buffer_append(&all, text, n);
      free(text);
    }
  return all;
}

static const char *const one_side[] = {"p", NULL}, *const two_sides[] = {"p", "p_train", "p_val", NULL};

/* Interrupted at every call, also twice, and taken up: the same bytes. */
static void test_resume(const struct corpus *c, int64_t each, double validation) {
  struct shard_set_options o = options("p.bin", 2, each, validation, false), again = options("p.bin", 2, each, validation, true);
  const char *const *stems = validation > 0 ? two_sides : one_side;
  int status = write_set(&o, c, 1 << 30), calls = (int)(c->total / PUT) + 1;
  struct buffer want = set_contents(stems);
  ok(status == 0 && !exists("p_progress.tsv") && exists("p_manifest.tsv"), "shards of %d tokens, validation %g: a manifest and no progress", (int)each, validation);
  bool same = true, stopped = true;
  for (int stop = 0; stop < calls; stop++)
    for (int second = stop % 3; second < calls; second += 3) {
      clear_folder();
      if (write_set(stop % 2 ? &o : &again, c, stop) || write_set(&again, c, second)) stopped = false;
      if (!exists("p_manifest.tsv") && write_set(&again, c, 1 << 30)) stopped = false;
      struct buffer got = set_contents(stems);
      same = same && got.len == want.len && memcmp(got.data, want.data, want.len) == 0 && !exists("p_progress.tsv");
      buffer_release(&got);
    }
  ok(stopped && same, "stopped at any call, twice, and resumed: the same bytes %s", stopped ? "" : e.message);
  ok(write_set(&again, c, 1 << 30) == 1, "a complete set has nothing to resume");
  buffer_release(&want);
  clear_folder();
}

static void refuses(const struct shard_set_options *o, const char *word, const char *name) {
  struct shard_set *s = NULL;
  e.message[0] = 0;
  int status = shard_set_open(&s, o, &e);
  ok(status == -1 && strstr(e.message, word), "%s: %s", name, e.message);
  if (status == 0) shard_set_abort(s);
}

static void test_settings(const struct corpus *c) {
  struct shard_set_options o = options("p.bin", 2, 100, 0.25, false);
  write_set(&o, c, 5);
  ok(exists("p_progress.tsv") && exists("p_train_000001.bin") && !exists("p_manifest.tsv"), "a run that stopped leaves whole shards and the progress");
  o.resume = true;
  struct shard_set_options other = o;
  other.header.tokenizer_hash = 1;
  refuses(&other, "tokenizer 000000000000fedc", "another tokenizer");
  other = o, other.shard_tokens = 101;
  refuses(&other, "shard_tokens 100", "another size of shards");
  other = o, other.header.token_bytes = 4;
  refuses(&other, "token_bytes 2", "another width");
  other = o, other.validation = 0.5;
  refuses(&other, "validation 0.25", "another fraction");
  other = o, other.seed = 12;
  refuses(&other, "seed 11", "another seed");
  other = o, other.inputs = "operand\tb.tsv 123\nraw\tno\n";
  refuses(&other, "operand a.tsv 123", "another operand");
  other = o, other.inputs = "operand\ta.tsv 123\nraw\tno\noperand\tb.tsv 9\n";
  refuses(&other, "nothing more", "one operand more");
  struct corpus shorter = *c;
  memset(shorter.lengths, 0, sizeof shorter.lengths);
  ok(write_set(&o, &shorter, 1 << 30) == 2 && strstr(e.message, "changed"), "an input that changed: %s", e.message);
  size_t n;
  char *progress = contents("p_progress.tsv", &n);
  FILE *f = fopen(in_folder("p_progress.tsv"), "a");
  fputs("p_train_00", f);
  fclose(f);
  ok(write_set(&o, c, 0) == 0, "a row that was being written when the process died is dropped");
  size_t again;
  char *text = contents("p_progress.tsv", &again);
  ok(n == again && memcmp(progress, text, n) == 0, "and the progress is as it was before");
  free(text);
  free(progress);
  int fd = open(in_folder("p_train_000001.bin"), O_WRONLY);
  if (pwrite(fd, "\1", 1, 1100) != 1) note("pwrite");
  close(fd);
  refuses(&o, "damaged", "a byte of a shard changed");
  if (truncate(in_folder("p_train_000001.bin"), 1200)) note("truncate");
  refuses(&o, "truncated", "a shard that was cut");
  unlink(in_folder("p_train_000001.bin"));
  ok(write_set(&o, c, 1 << 30) == 0 && exists("p_train_000001.bin"), "one that is missing is written again");
  other = o, other.shard_tokens = 99;
  refuses(&other, "finished run", "a finished set of another size");
  other = o, other.validation = 0;
  refuses(&other, "finished run", "a finished set with a split");
  other = o, other.shard_tokens = 0;
  refuses(&other, "--shard-tokens", "without several shards");
  other = o, other.path = in_folder("p");
  refuses(&other, ".bin", "a name without .bin");
  clear_folder();
}

static void test_older_run(const struct corpus *c) {
  struct shard_set_options o = options("p.bin", 2, 50, 0, false);
  write_set(&o, c, 1 << 30);
  int before = files("p_0");
  FILE *f = fopen(in_folder("p_notes_000001.bin"), "w");
  fclose(f);
  f = fopen(in_folder("p_manifest.tsv"), "a");
  fputs("p_notes_000001.bin\t1\t1026\t0123456789abcdef\n", f);
  fclose(f);
  o = options("p.bin", 2, 400, 0.2, false);
  write_set(&o, c, 1);
  ok(files("p_0") == before && exists("p_manifest.tsv"), "a run that stops before its first whole shard leaves an older set as it is");
  o = options("p.bin", 2, 400, 0.2, false);
  write_set(&o, c, 7);
  ok(files("p_0") == 0 && !exists("p_manifest.tsv") && files("p_train_0") > 0 && exists("p_progress.tsv"), "with its first whole shard the older ones go");
  ok(exists("p_notes_000001.bin"), "but nothing of another name, whatever the manifest lists");
  o = options("p.bin", 2, 900, 0, false);
  ok(write_set(&o, c, 1 << 30) == 0 && files("p_train") == 0 && files("p_0") > 0 && exists("p_manifest.tsv") && !exists("p_progress.tsv"), "an interrupted run that is not resumed goes too");
  clear_folder();
  o = options("p.bin", 2, (int64_t)c->total, 0, false);
  ok(write_set(&o, c, 1 << 30) == 0 && files("p_0") == 1, "a shard that is just full is the last");
  struct corpus none = {.ids = c->ids};
  o = options("p.bin", 2, 10, 0.5, false);
  ok(write_set(&o, &none, 1 << 30) == 0 && exists("p_train_000000.bin") && exists("p_val_000000.bin") && exists("p_manifest.tsv"), "without tokens each side has an empty shard");
  clear_folder();
}

int main(void) {
  struct corpus c = make_corpus();
  test_plain(&c);
  test_split(&c);
  test_resume(&c, 100, 0);
  test_resume(&c, 23, 0);
  test_resume(&c, 100, 0.25);
  test_resume(&c, 17, 0.5);
  test_settings(&c);
  test_older_run(&c);
  free(c.ids);
  return tap_done();
}
