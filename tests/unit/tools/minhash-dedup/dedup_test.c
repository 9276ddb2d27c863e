/* SPDX-License-Identifier: MIT
 *
 * The whole run: generated documents, every way in, any number of threads, any memory; and, where the development data
 * is, 2,336 real documents whose similar pairs are all known.
 */
#include "tools/minhash-dedup/dedup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/base/buffer.h"
#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/lsh/candidates.h"
#include "tools/minhash-dedup/lsh/signer.h"

static const struct dedup_options defaults = {.ngram = 5, .bands = 14, .rows = 8, .verify = .8};
static int64_t use_seed;

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
  p.seed = use_seed;
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

/* ---- hostile streams */

static void hostile(void) {
  enum { EQUAL = 200000, EMPTY = 100000, LONG = 20 << 20 };
  char *path = path_of("hostile.tsv");
  struct buffer text = {0};
  for (int i = 0; i < EQUAL; i++) buffer_append_string(&text, "x\thttp://a.example/\tone page of many that are all the same\n");
  write_file(path, &text);
  struct result r = deduplicate(&defaults, path, 2, 4 << 20, false);
  ok(r.status == 0 && r.kept == 1 && r.rejected == EQUAL - 1, "of %d equal pages one stays", (int)EQUAL);
  release(&r);
  buffer_clear(&text);
  for (int i = 0; i < EMPTY; i++) buffer_put(&text, '\n');
  write_file(path, &text);
  r = deduplicate(&defaults, path, 2, 256 << 20, false);
  ok(r.status == 0 && r.kept == 1 && r.rejected == EMPTY - 1, "of %d empty documents one stays", (int)EMPTY);
  release(&r);
  buffer_clear(&text);
  for (int copy = 0; copy < 2; copy++) { /* two giants that differ by a few words, one word of a megabyte in them */
    struct rng rng;
    rng_init(&rng, 12);
    buffer_printf(&text, "giant%d\t", copy);
    for (int i = 0; i < 1 << 20; i++) buffer_put(&text, 'z');
    for (size_t at = text.len; text.len - at < LONG;) {
      uint64_t word = rng_below(&rng, 100000);
      buffer_printf(&text, " %llu%s", (unsigned long long)word, copy && word == 77 ? "x" : "");
    }
    buffer_append_string(&text, "\nsmall\tsmall as it is, it stays\n");
  }
  write_file(path, &text);
  r = deduplicate(&defaults, path, 2, 8 << 20, false);
  ok(r.status == 0 && r.in == 4 && r.kept == 2 && slice_find(buffer_slice(&r.clusters), SLICE("giant0\tgiant0\tgiant1\t0.99")), "a giant of 20 MB is compared with its like");
  release(&r);
  buffer_release(&text);
  free(path);
}

static void reports(void) {
  char *report = path_of("report");
  struct dedup_options with_report = defaults;
  with_report.report = report;
  with_report.source_field = "host";
  struct result r = of_text("a\thttp://u@A.example:80/1?x\tone two three four five\nb\thttps://b.example\td\tlang=de\tOne two three four five\nc\thttp://a.example/3\td\tother text\n"
                            "d\tbook\tother text!\ne\t\ta third\nf\thttp://[::1]:8/\tone two three four five!\n", &with_report, false);
  struct buffer got = read_file(report);
  ok_string(buffer_string(&got), "kind\tname\tdocuments\tremoved\ntotal\t-\t6\t3\nsource\t[::1]\t1\t1\nsource\tb.example\t1\t1\nsource\tbook\t1\t1\nsource\t-\t1\t0\nsource\ta.example\t2\t0\n"
                                "size\t1\t1\t0\nsize\t2\t2\t1\nsize\t3\t3\t2\n", "the report counts by host, most removed first, and by size of cluster");
  buffer_release(&got);
  release(&r);
  with_report.source_field = "lang";
  r = of_text("{\"text\":\"x\",\"lang\":\"de\"}\n{\"text\":\"x\",\"lang\":\"en\"}\n{\"text\":\"x\",\"metadata\":{\"lang\":[1,2]}}\n{\"text\":\"y\"}\n", &with_report, true);
  got = read_file(report);
  ok_string(buffer_string(&got), "kind\tname\tdocuments\tremoved\ntotal\t-\t4\t2\nsource\t[1,2]\t1\t1\nsource\ten\t1\t1\nsource\t-\t1\t0\nsource\tde\t1\t0\nsize\t1\t1\t0\nsize\t3\t3\t2\n", "by a metadata key of JSON Lines");
  buffer_release(&got);
  release(&r);
  with_report.source_field = "k";
  r = of_text("a\tu\td\tkk=1\tk=2\tx\nb\tu\td\tk=2\\t3\tx\n", &with_report, false);
  got = read_file(report);
  ok(slice_find(buffer_slice(&got), SLICE("source\t2\\t3\t1\t1\nsource\t2\t1\t0\n")), "by a field of Linear TSV, escaped again");
  buffer_release(&got);
  release(&r);
  free(report);
}

static void with_datatrove_hashes(void) {
  struct dedup_options options = defaults;
  options.signature = SIGNATURE_DATATROVE;
  struct result r = of_text("a\tThe price is 1,000 dollars caf\xc3\xa9\nb\tthe price: is 7 dollars cafe\nc\tshort\nd\tshort\n", &options, false);
  ok_string(buffer_string(&r.out), "a\tThe price is 1,000 dollars caf\xc3\xa9\nc\tshort\nd\tshort\n", "--signature datatrove: numbers and marks do not matter, short texts are never removed");
  release(&r);
}

/* ---- real documents, where the development data is */

struct rows { /* of a table of clusters */
  struct hashmap *removed; /* id -> 1 */
  bool sound;              /* each kept document stays and each removed one has one row */
};

static struct rows read_rows(struct slice rest) {
  struct rows rows = {hashmap_new(), true};
  struct hashmap *kept = hashmap_new();
  int line = 0;
  for (const char *newline; rest.len && (newline = memchr(rest.data, '\n', rest.len)); line++) {
    const char *at = rest.data;
    struct slice fields[4];
    for (int i = 0; i < 4; i++) {
      const char *end = i < 3 ? memchr(at, '\t', (size_t)(newline - at)) : newline;
      fields[i] = (struct slice){at, (size_t)(end - at)};
      at = end + 1;
    }
    bool added = true;
    if (line) {
      hashmap_put(rows.removed, fields[2], &added);
      hashmap_put(kept, fields[1], NULL);
      rows.sound &= added && slice_equal(fields[0], fields[1]);
    }
    rest.len -= (size_t)(newline + 1 - rest.data);
    rest.data = newline + 1;
  }
  for (size_t i = 0; i < hashmap_count(kept); i++) rows.sound &= !hashmap_find(rows.removed, hashmap_entries(kept)[i].key);
  hashmap_free(kept);
  return rows;
}

enum { DOCUMENTS_MOST = 2400 };

struct collection {
  struct slice id[DOCUMENTS_MOST];
  uint64_t *set[DOCUMENTS_MOST];
  size_t size[DOCUMENTS_MOST];
  bool removed[DOCUMENTS_MOST];
  int count;
};

static struct collection *collect(const struct buffer *documents, const struct rows *rows) {
  struct collection *c = NEW(struct collection);
  struct permutations p;
  permutations_init(&p, SIGNATURE_CRAWL2LM, 1, 1, 0);
  struct signer *s = signer_new(&p, 5);
  struct document_parser parser = {0};
  struct document_batch batch = {.bytes = *documents, .format = DOCUMENT_TSV};
  struct document d;
  struct err e;
  for (size_t cursor = 0; c->count < DOCUMENTS_MOST && document_next(&parser, &batch, &cursor, &d, &e) > 0; c->count++) {
    const uint64_t *hashes;
    c->size[c->count] = signer_set(s, d.text, &hashes);
    c->set[c->count] = COPY(hashes, c->size[c->count] * sizeof *hashes);
    c->id[c->count] = (struct slice){d.line.data, d.id.len};
    c->removed[c->count] = hashmap_find(rows->removed, d.id) != NULL;
  }
  document_parser_release(&parser);
  signer_free(s);
  permutations_release(&p);
  return c;
}

static void release_collection(struct collection *c) {
  for (int i = 0; i < c->count; i++) free(c->set[i]);
  free(c);
}

static double similarity(const struct collection *c, int a, int b) {
  size_t common = sets_common(c->set[a], c->size[a], c->set[b], c->size[b], 0);
  return (double)common / (double)(c->size[a] + c->size[b] - common);
}

/* Adds to *alike the removed documents that are like another, or like an earlier one; returns the removed ones. */
static int64_t count_alike(const struct buffer *documents, const struct rows *rows, const char *listed, bool earlier, double *alike) {
  struct collection *c = collect(documents, rows);
  bool *like = NEW_ARRAY(bool, DOCUMENTS_MOST);
  FILE *f = fopen(listed, "r");
  int a, b;
  double jaccard;
  int64_t removed = 0;
  while (fscanf(f, "%d %d %lf", &a, &b, &jaccard) == 3)
    if (similarity(c, a, b) >= .8) like[a > b ? a : b] = true, like[a < b ? a : b] |= !earlier;
  fclose(f);
  for (int i = 0; i < c->count; i++) *alike += c->removed[i] && like[i], removed += c->removed[i];
  free(like);
  release_collection(c);
  return removed;
}

/* Every pair of sub3k.tsv with Jaccard similarity >= .5 of word 5-grams is listed. */
static void real_documents(void) {
  const char *shared = tap_shared("dedup/sub3k.tsv");
  if (!shared) {
    skip("no shared data", "real documents");
    return;
  }
  char *path = STRDUP(shared), *listed = STRDUP(tap_shared("dedup/truth_sub3k.pairs"));
  struct buffer documents = read_file(path);
  double precision = 0, strict = 0;
  int64_t removed = 0, strictly_removed = 0;
  for (int64_t seed = 0; seed < 20; seed++) {
    use_seed = seed;
    struct result r = deduplicate(&defaults, path, 2, 256 << 20, false);
    if (seed == 0) {
      ok(r.status == 0 && r.in == 2336 && r.kept + r.rejected == 2336, "every real document is accounted for");
      ok(r.rejected >= 530 && r.rejected <= 551, "of the 551 that a complete comparison removes, nearly all are: %lld", (long long)r.rejected);
    }
    struct rows rows = read_rows(buffer_slice(&r.clusters));
    bool one_row_each = rows.sound && (int64_t)hashmap_count(rows.removed) == r.rejected;
    if (seed == 0 || !one_row_each) ok(one_row_each, "each removed document has its row, and what it is removed for stays (seed %lld)", (long long)seed);
    if (seed % 10 == 0) removed += count_alike(&documents, &rows, listed, false, &precision);
    hashmap_free(rows.removed);
    release(&r);
  }
  use_seed = 0;
  struct dedup_options earlier = defaults;
  earlier.connect_earlier = true;
  struct result r = deduplicate(&earlier, path, 2, 256 << 20, false);
  struct rows rows = read_rows(buffer_slice(&r.clusters));
  strictly_removed = count_alike(&documents, &rows, listed, true, &strict);
  ok(rows.sound && strictly_removed == r.rejected && strict == strictly_removed, "with --connect earlier each of %lld is like an earlier document", (long long)r.rejected);
  hashmap_free(rows.removed);
  release(&r);
  precision /= (double)removed;
  ok(precision >= .99, "what is removed is like another document: %.4f", precision);
  buffer_release(&documents);
  free(path);
  free(listed);
}

static int root(const int *parent, int i) {
  while (parent[i] != i) i = parent[i];
  return i;
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* 201 licence files, many of them the same licence with another name and year in it: components of all pairs. */
static void licences(void) {
  const char *shared = tap_shared("dedup/licenses");
  if (!shared) {
    skip("no shared data", "licences");
    return;
  }
  struct dirent **files;
  int count = scandir(shared, &files, NULL, by_name);
  char *folder = STRDUP(shared), *path = path_of("licences.tsv");
  struct buffer documents = {0}, name = {0};
  for (int i = 0; i < count; i++) {
    buffer_clear(&name);
    buffer_printf(&name, "%s/%s", folder, files[i]->d_name);
    if (files[i]->d_name[0] != '.') {
      struct buffer text = read_file(buffer_string(&name)), clean = {0};
      uint64_t invalid = 0, nul = 0;
      utf8_sanitize(&clean, text.data, text.len, &invalid, &nul);
      buffer_printf(&documents, "%s\t", files[i]->d_name);
      document_escape(&documents, buffer_slice(&clean));
      buffer_put(&documents, '\n');
      buffer_release(&text), buffer_release(&clean);
    }
    free(files[i]);
  }
  free(files);
  write_file(path, &documents);
  struct result r = deduplicate(&defaults, path, 2, 256 << 20, false);
  struct rows rows = read_rows(buffer_slice(&r.clusters));
  struct collection *c = collect(&documents, &rows);
  int parent[DOCUMENTS_MOST], survivors = 0, removed = 0;
  for (int i = 0; i < c->count; i++) parent[i] = i;
  for (int a = 0; a < c->count; a++)
    for (int b = a + 1; b < c->count; b++)
      if (similarity(c, a, b) >= .8 && root(parent, a) != root(parent, b)) parent[root(parent, b)] = root(parent, a);
  bool covered = true, right = rows.sound;
  for (int i = 0; i < c->count; i++) {
    bool kept = false, first = true;
    for (int k = 0; k < c->count; k++) kept |= root(parent, k) == root(parent, i) && !c->removed[k], first &= root(parent, k) != root(parent, i) || k >= i;
    covered &= kept;
    right &= !(first && c->removed[i]);
    survivors += first;
    removed += c->removed[i];
  }
  ok(c->count > 150 && covered && right, "of each component of similar licences the first stays");
  ok(removed <= c->count - survivors && removed >= (c->count - survivors) * 95 / 100, "and nearly all others go: %d of %d", removed, c->count - survivors);
  hashmap_free(rows.removed);
  release_collection(c);
  release(&r);
  buffer_release(&documents), buffer_release(&name);
  free(folder);
  free(path);
}

int main(void) {
  every_way();
  details();
  reports();
  with_datatrove_hashes();
  hostile();
  real_documents();
  licences();
  return tap_done();
}
