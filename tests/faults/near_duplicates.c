/* SPDX-License-Identifier: MIT
 *
 * Documents with near-duplicates among them, any number in constant memory, the same for the same arguments:
 *
 *     near_duplicates DOCUMENTS SHARDS FOLDER       FOLDER/shard-0000.tsv, ... of `id text`
 *
 * Words are drawn from 60,000, frequent ones more often, by hashing (document, place).  Of a hundred documents about 70 are
 * their own, 20 repeat another one but for some words, anywhere before, 3 are copies and 7 pages of one template.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t splitmix64(uint64_t x) {
  uint64_t z = x + 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static const uint64_t TEMPLATE = UINT64_MAX / 2;

static uint64_t draw(uint64_t document, uint64_t purpose) { return splitmix64(splitmix64(document + 1) ^ purpose * 0xD1342543DE82EF95u); }

/* The document whose words this one has; whether some of them are changed. */
static uint64_t base_of(uint64_t document, int *changes) {
  *changes = 0;
  for (;;) {
    uint64_t kind = draw(document, 1) % 100;
    if (kind < 70 || document == 0) return document;
    if (kind >= 93) {
      *changes = 1;
      return TEMPLATE;
    }
    if (kind < 90) *changes += 1 + (int)(draw(document, 2) % 6);
    document = draw(document, 3) % document;
  }
}

static void put_word(FILE *out, uint64_t random) {
  uint64_t rank = (random >> 32) % 60000;
  if (random & 1) rank = rank * ((random >> 8) % 1000) / 1000 % 2000;
  char text[16];
  int n = 0;
  for (uint64_t r = rank + 17; r; r /= 19) text[n++] = (char)('a' + r % 19);
  fwrite(text, 1, (size_t)n, out);
}

static void put_document(FILE *out, uint64_t document) {
  int changes;
  uint64_t base = base_of(document, &changes), words = base == TEMPLATE ? 160 : 40 + draw(base, 4) % 60, changed[64];
  if (changes > 64) changes = 64;
  for (int i = 0; i < changes; i++) changed[i] = draw(document, 100 + (uint64_t)i) % words;
  fprintf(out, "d%llu\t", (unsigned long long)document);
  for (uint64_t w = 0; w < words; w++) {
    uint64_t from = base;
    for (int i = 0; i < changes; i++)
      if (changed[i] == w) from = document;
    if (w) putc(w % 11 ? ' ' : '.', out);
    put_word(out, draw(from, 1000 + w));
  }
  putc('\n', out);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: near_duplicates DOCUMENTS SHARDS FOLDER\n", stderr);
    return 2;
  }
  uint64_t documents = strtoull(argv[1], NULL, 10), shards = strtoull(argv[2], NULL, 10);
  for (uint64_t s = 0; s < shards; s++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/shard-%04llu.tsv", argv[3], (unsigned long long)s);
    FILE *out = fopen(path, "w");
    if (!out) {
      perror(path);
      return 1;
    }
    for (uint64_t d = documents * s / shards; d < documents * (s + 1) / shards; d++) put_document(out, d);
    if (fclose(out)) {
      perror(path);
      return 1;
    }
  }
  return 0;
}
