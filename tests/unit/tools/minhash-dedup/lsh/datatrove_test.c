/* SPDX-License-Identifier: MIT
 *
 * Simplified texts and band keys against datatrove's own (tests/oracle/minhash_datatrove.py), at every simd_level().
 */
#include "tools/minhash-dedup/lsh/datatrove.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/io/documents.h"
#include "common/text/unicode.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/lsh/signer.h"

static struct slice field(struct slice *rest) {
  const char *tab = memchr(rest->data, '\t', rest->len);
  struct slice f = {rest->data, tab ? (size_t)(tab - rest->data) : rest->len};
  size_t used = f.len + (tab != NULL);
  rest->data += used, rest->len -= used;
  return f;
}

static void print_keys(struct buffer *out, struct signer *s, struct slice text) {
  uint64_t keys[14];
  if (!signer_keys(s, text, keys)) {
    buffer_put(out, '-');
    return;
  }
  for (int i = 0; i < 14; i++) buffer_printf(out, "%s%llx", i ? "," : "", (unsigned long long)keys[i]);
}

static void compare(struct slice all) {
  int number = 0;
  for (const char *newline; all.len && (newline = memchr(all.data, '\n', all.len)); number++) {
    struct slice line = {all.data, (size_t)(newline - all.data)};
    all.data += line.len + 1, all.len -= line.len + 1;
    if (number == 0) continue; /* says what made it */
    uint64_t unknown = 0;
    struct buffer text = {0}, simple = {0}, got = {0}, keys = {0};
    document_unescape(&text, field(&line), &unknown);
    struct slice want = field(&line);
    datatrove_simplify(&simple, buffer_slice(&text));
    document_escape(&got, unicode_strip(buffer_slice(&simple)));
    ok(slice_equal(buffer_slice(&got), want), "row %d is simplified as datatrove does", number);
    if (!slice_equal(buffer_slice(&got), want)) note("got  [%s]", buffer_string(&got)), note("want [%.*s]", (int)want.len, want.data);
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      struct permutations p;
      simd_force(level);
      permutations_init(&p, SIGNATURE_DATATROVE, 14, 8, 0);
      struct signer *s = signer_new(&p, 5);
      buffer_clear(&keys);
      print_keys(&keys, s, buffer_slice(&text));
      if (!slice_equal(buffer_slice(&keys), line)) note("got [%s]", buffer_string(&keys));
      ok(slice_equal(buffer_slice(&keys), line), "row %d has datatrove's band keys, %s", number, simd_name(level));
      signer_free(s);
      permutations_release(&p);
    }
    buffer_release(&text), buffer_release(&simple), buffer_release(&got), buffer_release(&keys);
  }
  ok(number > 20, "there are rows: %d", number);
}

/* A text that repeats itself has the shingles of three rounds: chunks change nothing. */
static void long_texts(void) {
  struct permutations p;
  struct buffer text = {0}, few = {0}, many = {0};
  permutations_init(&p, SIGNATURE_DATATROVE, 14, 8, 0);
  struct signer *s = signer_new(&p, 5);
  for (int round = 0; round < 9000; round++) {
    buffer_append_string(&text, "Eleven words 3.14 in a row, d\xc3\xa9j\xc3\xa0 vu:\nnot cut anywhere ");
    if (round == 2) print_keys(&few, s, buffer_slice(&text));
  }
  print_keys(&many, s, buffer_slice(&text));
  ok_string(buffer_string(&many), buffer_string(&few), "a text of many chunks has the shingles of one");
  signer_free(s);
  permutations_release(&p);
  buffer_release(&text), buffer_release(&few), buffer_release(&many);
}

int main(int argc, char **argv) {
  struct buffer rows = read_file(argc > 1 ? argv[1] : "tests/data/minhash-dedup/datatrove.tsv");
  compare(buffer_slice(&rows));
  buffer_release(&rows);
  long_texts();
  return tap_done();
}
