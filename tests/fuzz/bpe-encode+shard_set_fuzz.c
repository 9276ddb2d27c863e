/* SPDX-License-Identifier: MIT
 *
 * P_progress.tsv and P_manifest.tsv of any bytes, and of good settings with any rows: a run that resumes takes them up or
 * says what is wrong, a run that does not removes what they list, and nothing but shards of its own name ever goes.
 */
#include "tools/bpe-encode/shard_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static const char *const files[] = {"p.bin", "p_progress.tsv", "p_manifest.tsv", "p_000000.bin", "p_000001.bin", "p_000002.bin", "other_000001.bin", "p_notes_000001.bin", "p_000001.bin.gz"};
enum { BASE, PROGRESS, MANIFEST, FIRST, KEPT = 6, FILES = 9 };

static const char *name(int i) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, files[i]);
  return path;
}

static void clear(void) {
  for (int i = 0; i < FILES; i++) unlink(name(i));
}

static void clear_all(void) {
  clear();
  rmdir(folder);
}

static void put(int i, const void *a, size_t n, const void *b, size_t m) {
  FILE *f = fopen(name(i), "w");
  if (!f) abort();
  fwrite(a, 1, n, f);
  fwrite(b, 1, m, f);
  fclose(f);
}

static void run(bool resume) {
  struct shard_set *s;
  struct err e;
  char path[128];
  snprintf(path, sizeof path, "%s", name(BASE));
  struct shard_set_options o = {.path = path, .header = {.token_bytes = 2, .vocabulary_size = 10, .end_of_text = -1, .tokenizer_hash = 5}, .shard_tokens = 3, .resume = resume};
  if (shard_set_open(&s, &o, &e) == 0) {
    uint32_t ids[] = {1, 2, 3, 4, 5, 6, 7};
    if (shard_set_put(s, ids, &(struct shard_run){0, 7, 0}, 1, &e)) shard_set_abort(s);
    else if (shard_set_commit(s, &e) == 0 && (access(name(PROGRESS), F_OK) == 0 || access(name(MANIFEST), F_OK))) abort();
  }
  for (int i = KEPT; i < FILES; i++)
    if (access(name(i), F_OK)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char settings[] = "crawl2lm-shards-progress\t1\ntokenizer\t0000000000000005\nvocabulary\t10\nend_of_text\t-1\ntoken_bytes\t2\nshard_tokens\t3\nvalidation\t0\nseed\t0\n"
                                 "file\ttokens\tbytes\txxh3\tdocument\tdocument_tokens\tpart\n";
  static const char columns[] = "file\ttokens\tbytes\txxh3\n";
  if (!folder[0]) {
    snprintf(folder, sizeof folder, "%s/crawl2lm-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(folder)) abort();
    atexit(clear_all);
  }
  for (int form = 0; form < 6; form++) {
    clear();
    for (int i = KEPT; i < FILES; i++) put(i, "", 0, "", 0);
    if (form & 1) put(form < 4 ? PROGRESS : MANIFEST, data, size, "", 0);
    else put(form < 4 ? PROGRESS : MANIFEST, form < 4 ? settings : columns, (form < 4 ? sizeof settings : sizeof columns) - 1, data, size);
    run(form < 2 || form >= 4);
  }
  return 0;
}
