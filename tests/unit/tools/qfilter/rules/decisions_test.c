/* SPDX-License-Identifier: MIT
 *
 * Decision and reason of each rule set, and the text that c4 leaves, against datatrove's with spaCy's words on real documents
 * (tests/data/qfilter/decisions.tsv, which tests/oracle/qfilter_decisions.py wrote), at every SIMD level.
 */
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/io/documents.h"
#include "tests/tap.h"
#include "tools/qfilter/rules/rules.h"

enum { SETS = 5 };
static const enum rule_set sets[SETS] = {RULES_GOPHER_QUALITY, RULES_GOPHER_REPETITION, RULES_C4, RULES_C4_PARAGRAPH, RULES_FINEWEB};

struct expected {
  char *reasons[128]; /* by letter */
  char **lines;
  size_t count, capacity;
};

static bool load(struct expected *x) {
  FILE *f = fopen("tests/data/qfilter/decisions.tsv", "r");
  if (!f) return false;
  char *line = NULL;
  size_t capacity = 0;
  ssize_t n;
  while ((n = getline(&line, &capacity, f)) > 0) {
    line[n - 1] = 0;
    if (x->count == 0 && line[1] == '\t') {
      x->reasons[line[0] & 127] = STRDUP(line + 2);
      continue;
    }
    GROW(x->lines, x->capacity, x->count + 1);
    x->lines[x->count++] = STRDUP(line);
  }
  free(line);
  fclose(f);
  return true;
}

struct outcome {
  size_t documents, equal[SETS], texts, equal_texts;
};

/* The documents of one file against the lines that are expected of it. */
static bool compare(const char *path, struct expected *x, size_t from, size_t to, struct outcome *o) {
  char *operands[] = {(char *)path};
  struct err e;
  struct document_reader *reader = document_reader_new(operands, 1, NULL);
  struct document_batch batch = {0};
  struct document_parser parser = {0};
  struct rules_scratch scratch = {0};
  struct rules rules[SETS];
  for (int i = 0; i < SETS; i++) {
    rules_init(&rules[i]);
    rules_choose(&rules[i], rule_set_names[sets[i]], &e);
    rules[i].words = WORDS_REFERENCE;
  }
  bool more = true;
  while (document_reader_next(reader, &batch, &e) == 1) {
    struct document d;
    for (size_t cursor = 0; document_next(&parser, &batch, &cursor, &d, &e) == 1;) {
      if (from == to) {
        more = false;
        continue;
      }
      const char *want = x->lines[from++];
      o->documents++;
      for (int i = 0; i < SETS; i++) {
        struct slice text = d.text;
        struct verdict v = rules_apply(&rules[i], &scratch, &text);
        const char *got = v.reason ? v.reason : "keep", *wanted = x->reasons[want[i] & 127];
        bool equal = wanted && strcmp(got, wanted) == 0;
        o->equal[i] += equal;
        if (!equal) note("%s line %llu, %s: %s, wanted %s", path, (unsigned long long)d.number, rule_set_names[sets[i]], got, wanted ? wanted : "?");
        if (sets[i] != RULES_C4 || !equal || v.reason) continue;
        char digest[17];
        snprintf(digest, sizeof digest, "%016llx", (unsigned long long)XXH3_64bits(text.data, text.len));
        o->texts++;
        o->equal_texts += strcmp(digest, want + SETS + 1) == 0;
      }
    }
  }
  for (int i = 0; i < SETS; i++) rules_release(&rules[i]);
  rules_scratch_release(&scratch);
  document_parser_release(&parser);
  document_batch_release(&batch);
  document_reader_free(reader);
  return more && from == to;
}

int main(void) {
  struct expected x = {0};
  ok(load(&x) && x.count > 1000, "the expected decisions are there");
  for (size_t from = 0; from < x.count;) {
    const char *name = strchr(x.lines[from], '\t') + 1, *path = tap_shared(name);
    size_t to = ++from;
    while (to < x.count && strncmp(x.lines[to], "file\t", 5) != 0) to++;
    if (!path) {
      skip("the development data is not there", name);
      from = to;
      continue;
    }
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      if (simd_force(level) != level) continue;
      struct outcome o = {0};
      bool whole = compare(path, &x, from, to, &o);
      ok(whole, "%s: %zu documents, %s", name, o.documents, simd_name(level));
      for (int i = 0; i < SETS; i++)
        ok(o.equal[i] == o.documents, "%s decides as datatrove does on %zu of %zu, %s", rule_set_names[sets[i]], o.equal[i], o.documents, simd_name(level));
      ok(o.equal_texts == o.texts && o.texts > 0, "c4 leaves the same text of %zu of %zu, %s", o.equal_texts, o.texts, simd_name(level));
    }
    from = to;
  }
  for (size_t i = 0; i < x.count; i++) free(x.lines[i]);
  for (int i = 0; i < 128; i++) free(x.reasons[i]);
  free(x.lines);
  return tap_done();
}
