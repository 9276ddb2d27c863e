/* SPDX-License-Identifier: MIT
 *
 * The whole run: generated documents, every way in, any number of threads, any memory; and, where the development data
 * is, 2,336 real documents whose similar pairs are all known.
 */
#include "tools/minhash-dedup/dedup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/read_file.h"
#include "tests/tap.h"

static const struct dedup_options defaults = {.ngram = 5, .bands = 14, .rows = 8, .verify = .8};

static char *path_of(const char *name) {
  struct buffer b = {0};
  buffer_printf(&b, "%s/%s", tap_folder(), name);
  return buffer_string(&b);
}

static void write_file(const char *path, const struct buffer *b) {
  FILE *f = fopen(path, "wb");
  if (b->len) fwrite(b->data, 1, b->len, f);
  fclose(f);
}

struct result {
  int status;
  struct buffer out, rejects, clusters;
  int64_t in, kept, rejected, bad;
};

static void release(struct result *r) {
  buffer_release(&r->out);
  buffer_release(&r->rejects);
  buffer_release(&r->clusters);
}

static struct result deduplicate(const struct dedup_options *options, const char *input, int64_t jobs, int64_t memory, bool jsonl) {
  char *out = path_of("out"), *rejects = path_of("rejects"), *clusters = path_of("clusters"), name[] = "minhash-dedup", *argv[] = {name, (char *)input, NULL};
  struct program p = {.name = name, .summary = "", .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_REJECTS | SHARED_JSONL};
  struct result r = {0};
  struct err e = {0};
  program_start(&p, 2, argv);
  p.output = out;
  p.rejects_path = rejects;
  p.jobs = jobs;
  p.memory = memory;
  p.jsonl = jsonl;
  p.quiet = true;
  struct dedup_options with_clusters = *options;
  with_clusters.clusters = clusters;
  int result = dedup_run(&p, &with_clusters, &e);
  r.in = stats_get(p.stats, "in"), r.kept = stats_get(p.stats, "out"), r.rejected = stats_get(p.stats, "rejected"), r.bad = stats_get(p.stats, "bad");
  r.status = program_end(&p, result, &e);
  r.out = read_file(out);
  r.rejects = read_file(rejects);
  r.clusters = read_file(clusters);
  free(out);
  free(rejects);
  free(clusters);
  return r;
}

static bool same_results(const struct result *a, const struct result *b) {
  return a->status == 0 && b->status == 0 && slice_equal(buffer_slice(&a->out), buffer_slice(&b->out)) && slice_equal(buffer_slice(&a->rejects), buffer_slice(&b->rejects)) &&
         slice_equal(buffer_slice(&a->clusters), buffer_slice(&b->clusters));
}

/* 3,000 documents; every third is an edited copy of an earlier one. */
static void generate(struct buffer *out) {
  enum { DOCUMENTS = 3000, WORDS = 120 };
  uint16_t(*words)[WORDS] = MALLOC(DOCUMENTS * sizeof *words);
  struct rng rng;
  rng_init(&rng, 8);
  for (int d = 0; d < DOCUMENTS; d++) {
    for (int w = 0; w < WORDS; w++) words[d][w] = (uint16_t)rng_below(&rng, 3000);
    if (d % 3 == 2) {
      memcpy(words[d], words[rng_below(&rng, (uint64_t)d)], sizeof words[d]);
      for (uint64_t edits = rng_below(&rng, 4); edits > 0; edits--) words[d][rng_below(&rng, WORDS)] = (uint16_t)rng_below(&rng, 3000);
    }
    buffer_printf(out, "id%d\thttp://x.example/%d\t2026-01-01T00:00:00Z\tk=%d\t", d, d, d);
    for (int w = 0; w < WORDS; w++) buffer_printf(out, "%sw%d", w ? w % 10 ? " " : "\\n" : "", words[d][w]);
    buffer_put(out, '\n');
  }
  free(words);
}

static void every_way(void) {
  struct buffer text = {0};
  generate(&text);
  char *plain = path_of("in.tsv"), *packed = path_of("in.tsv.gz"), *pipe_name = path_of("pipe");
  write_file(plain, &text);
  gzFile z = gzopen(packed, "wb");
  gzwrite(z, text.data, (unsigned)text.len);
  gzclose(z);
  struct result one = deduplicate(&defaults, plain, 1, 256 << 20, false);
  ok(one.status == 0 && one.in == 3000 && one.kept + one.rejected == 3000 && one.rejected > 300, "edited copies are removed: %lld of 3000", (long long)one.rejected);
  struct result other = deduplicate(&defaults, plain, 4, 256 << 20, false);
  ok(same_results(&one, &other), "four threads give the same bytes");
  release(&other);
  other = deduplicate(&defaults, plain, 3, 4096, false);
  ok(same_results(&one, &other), "so do four kilobytes of memory");
  release(&other);
  other = deduplicate(&defaults, packed, 2, 256 << 20, false);
  ok(same_results(&one, &other), "so does gzip");
  release(&other);
  for (int64_t memory = 4096; memory <= 256 << 20; memory <<= 16) { /* what is no regular file is kept for the later passes */
    int ends[2], saved = dup(0);
    if (pipe(ends) != 0) abort();
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      for (size_t at = 0; at < text.len;) {
        ssize_t n = write(ends[1], text.data + at, text.len - at);
        if (n <= 0) _exit(1);
        at += (size_t)n;
      }
      _exit(0);
    }
    close(ends[1]);
    dup2(ends[0], 0);
    close(ends[0]);
    other = deduplicate(&defaults, "-", 2, memory, false);
    dup2(saved, 0);
    close(saved);
    ok(same_results(&one, &other), "so does a pipe, with %lld bytes of memory", (long long)memory);
    release(&other);
  }
  /* what stays and what goes are the input's lines, in order */
  struct slice stays = buffer_slice(&one.out), goes = buffer_slice(&one.rejects), all = buffer_slice(&text);
  bool partition = true;
  while (all.len && partition) {
    size_t n = (size_t)((const char *)memchr(all.data, '\n', all.len) - all.data) + 1;
    struct slice line = {all.data, n}, mark = SLICE("minhash-dedup:duplicate\t");
    if (slice_starts(stays, line)) stays.data += n, stays.len -= n;
    else if (slice_starts(goes, mark) && slice_starts((struct slice){goes.data + mark.len, goes.len - mark.len}, line)) goes.data += mark.len + n, goes.len -= mark.len + n;
    else partition = false;
    all.data += n, all.len -= n;
  }
  ok(partition && stays.len == 0 && goes.len == 0, "every input line is either kept or rejected, byte for byte");
  release(&one);
  free(plain);
  free(packed);
  free(pipe_name);
  buffer_release(&text);
}

static struct result of_text(const char *text, const struct dedup_options *options, bool jsonl) {
  char *path = path_of("text");
  struct buffer b = {0};
  buffer_append_string(&b, text);
  write_file(path, &b);
  struct result r = deduplicate(options, path, 2, 256 << 20, jsonl);
  buffer_release(&b);
  free(path);
  return r;
}

static void details(void) {
  struct result r = of_text("a\tone two three four five six\nb\tOne, two: three four five six!\nc\tshort\nd\tShort!\ne\t\nf\t...\n", &defaults, false);
  ok_string(buffer_string(&r.out), "a\tone two three four five six\nc\tshort\ne\t\n", "case and punctuation do not matter; short texts and empty ones are compared whole");
  ok_string(buffer_string(&r.clusters), "cluster_id\tkept_id\tid\tjaccard\na\ta\tb\t1\nc\tc\td\t1\ne\te\tf\t1\n", "one row for each removed document");
  ok_string(buffer_string(&r.rejects), "minhash-dedup:duplicate\tb\tOne, two: three four five six!\nminhash-dedup:duplicate\td\tShort!\nminhash-dedup:duplicate\tf\t...\n", "rejects carry the reason and the line");
  release(&r);
  struct dedup_options longest = defaults;
  longest.keep_longest = true;
  r = of_text("a\tshort\nb\tshort!!\nc\tshort.\n", &longest, false);
  ok_string(buffer_string(&r.out), "b\tshort!!\n", "--keep longest keeps the longest");
  ok_string(buffer_string(&r.clusters), "cluster_id\tkept_id\tid\tjaccard\nb\tb\ta\t1\nb\tb\tc\t1\n", "also when it is not the first");
  release(&r);
  r = of_text("same text\nother text\nsame text\n", &defaults, false);
  ok(r.out.len == 21 && slice_find(buffer_slice(&r.clusters), SLICE("text:1\t")) && slice_find(buffer_slice(&r.clusters), SLICE("text:3\t1\n")), "documents without id are named by file and line");
  release(&r);
  r = of_text("", &defaults, false);
  ok(r.status == 0 && r.out.len == 0 && r.in == 0, "nothing in, nothing out");
  release(&r);
  r = of_text("{\"id\":\"a\",\"text\":\"x y z\",\"n\":1}\nnot json\n{\"id\":\"b\",\"text\":\"x y z\"}\n{\"id\":\"c\",\"text\":\"w\"}\n", &defaults, true);
  ok_string(buffer_string(&r.out), "{\"id\":\"a\",\"text\":\"x y z\",\"n\":1}\n{\"id\":\"c\",\"text\":\"w\"}\n", "JSON Lines stay as they are");
  ok(r.in == 4 && r.kept == 2 && r.rejected == 1 && r.bad == 1, "a line that is no document is counted as bad");
  release(&r);
  r = of_text("a\tx\xff y\nb\tx\xff y\nc\tz\n", &defaults, false);
  ok_string(buffer_string(&r.out), "a\tx\xef\xbf\xbd y\nc\tz\n", "invalid UTF-8 is repaired on the way");
  release(&r);
}

/* Every pair of sub3k.tsv with Jaccard similarity >= .5 of whitespace-like word 5-grams is known. */
static void real_documents(void) {
  const char *shared = tap_shared("dedup/sub3k.tsv");
  if (!shared) {
    skip("no shared data", "real documents");
    return;
  }
  char *path = STRDUP(shared);
  struct result r = deduplicate(&defaults, path, 2, 256 << 20, false);
  ok(r.status == 0 && r.in == 2336 && r.kept + r.rejected == 2336, "every real document is accounted for");
  bool all_alike = true;
  int64_t rows = 0;
  ok(r.rejected >= 530 && r.rejected <= 551, "of the 551 that a complete comparison removes, nearly all are: %lld", (long long)r.rejected);
  struct slice rest = buffer_slice(&r.clusters);
  for (const char *newline; (newline = rest.len ? memchr(rest.data, '\n', rest.len) : NULL); rows++) {
    const char *tab = memrchr(rest.data, '\t', (size_t)(newline - rest.data));
    if (rows > 0) all_alike &= atof(tab + 1) > .5;
    rest.len -= (size_t)(newline + 1 - rest.data);
    rest.data = newline + 1;
  }
  ok(rows - 1 == r.rejected && all_alike, "each has its row with a similarity");
  release(&r);
  free(path);
}

int main(void) {
  every_way();
  details();
  real_documents();
  return tap_done();
}
