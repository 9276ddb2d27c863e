/* SPDX-License-Identifier: MIT
 *
 * Expected ids: tests/oracle/tokenizer.py.
 */
#include "common/token/tokenizer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/output.h"
#include "common/token/raw_text.h"
#include "tests/read_file.h"
#include "tests/tap.h"

#define LLAMA3 "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static void unhex(struct buffer *out, const char *s, size_t n) {
  buffer_clear(out);
  for (size_t i = 0; i + 1 < n; i += 2) {
    unsigned b;
    sscanf(s + i, "%2x", &b);
    buffer_put(out, (char)b);
  }
}

/* The vocabulary of tests/data/token/merges-raw.tsv. */
static struct tokenizer *small_tokenizer(const char *pattern) {
  struct vocab v;
  struct err e;
  vocab_init(&v);
  for (unsigned b = 0; b < 256; b++) vocab_add(&v, b, (struct slice){&(char){(char)b}, 1}, &e);
  struct buffer file = read_file("tests/data/token/merges-raw.tsv"), left = {0}, right = {0};
  for (char *line = file.data; line && *line;) {
    size_t n = strcspn(line, "\n"), tab = strcspn(line, "\t");
    unhex(&left, line, tab);
    unhex(&right, line + tab + 1, n - tab - 1);
    uint32_t id = v.size, l = VOCAB_NONE, r = VOCAB_NONE;
    for (uint32_t k = 0; k < id; k++) {
      if (slice_equal(vocab_bytes(&v, k), buffer_slice(&left))) l = k;
      if (slice_equal(vocab_bytes(&v, k), buffer_slice(&right))) r = k;
    }
    buffer_append_slice(&left, buffer_slice(&right));
    vocab_add(&v, id, buffer_slice(&left), &e);
    v.entries[id].left = l;
    v.entries[id].right = r;
    v.entries[id].rank = id - 256;
    line += n + (line[n] != 0);
  }
  buffer_release(&file);
  buffer_release(&left);
  buffer_release(&right);
  v.eot = v.size;
  vocab_add_special(&v, v.size, SLICE("<|endoftext|>"), &e);
  vocab_add_special(&v, v.size, SLICE("<|endoftext|><|endoftext|>"), &e);
  v.pattern = STRDUP(pattern);
  struct tokenizer *t = NULL;
  if (tokenizer_from_vocab(&t, &v, &e)) {
    note("%s", e.message);
    abort();
  }
  return t;
}

static bool same(const struct ids *a, const struct ids *b) { return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(uint32_t)) == 0); }

static void encode(const struct tokenizer *t, struct slice text, bool allow, struct ids *out) {
  struct err e;
  struct encoder *n = encoder_new(t, 1 << 16);
  out->len = 0;
  if (encoder_encode(n, text, allow, out, &e)) note("%s", e.message);
  encoder_free(n);
}

static void test_reference(void) {
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", LLAMA3};
  struct buffer file = read_file("tests/data/token/ids.tsv"), text = {0}, back = {0};
  for (int column = 0; column < 4; column++) {
    struct tokenizer *t = small_tokenizer(patterns[column]);
    struct encoder *n = encoder_new(t, 1 << 16);
    struct err e;
    int wrong = 0, lines = 0, lost = 0;
    for (char *line = file.data; line && *line; lines++) {
      size_t length = strcspn(line, "\n");
      char *field = line + strcspn(line, "\t") + 1;
      unhex(&text, line, (size_t)(field - line) - 1);
      for (int i = 0; i < column; i++) field += strcspn(field, "\t") + 1;
      struct ids got = {0}, want = {0};
      for (char *end = field + strcspn(field, "\t\n"); field < end;) {
        ids_reserve(&want, 1);
        want.data[want.len++] = (uint32_t)strtoul(field, &field, 10);
      }
      encoder_encode(n, buffer_slice(&text), false, &got, &e);
      wrong += !same(&got, &want);
      if (!same(&got, &want) && wrong == 1) note("line %d: %s", lines + 1, buffer_string(&text));
      buffer_clear(&back);
      lost += tokenizer_decode(t, got.data, got.len, &back, &e) || !slice_equal(buffer_slice(&back), buffer_slice(&text));
      ids_release(&got);
      ids_release(&want);
      line += length + (line[length] != 0);
    }
    ok(wrong == 0 && lines > 500, "%.8s: ids of %d strings are the reference library's (%d differ)", patterns[column], lines, wrong);
    ok(lost == 0, "and decode to the strings");
    encoder_free(n);
    tokenizer_free(t);
  }
  buffer_release(&file);
  buffer_release(&text);
  buffer_release(&back);
}

static void test_specials(void) {
  struct tokenizer *t = small_tokenizer("gpt2");
  struct ids plain = {0}, special = {0};
  struct err e;
  struct buffer text = {0};
  uint32_t eot = (uint32_t)tokenizer_eot(t);
  encode(t, SLICE("a<|endoftext|>b"), false, &plain);
  encode(t, SLICE("a<|endoftext|>b"), true, &special);
  ok(plain.len > 3 && special.len == 3 && special.data[1] == eot, "specials are plain text unless allowed");
  encode(t, SLICE("<|endoftext|><|endoftext|><|endoftext|>"), true, &special);
  ok(special.len == 2 && special.data[0] == eot + 1 && special.data[1] == eot, "the longest of overlapping specials wins");
  ok(tokenizer_decode(t, special.data, special.len, &text, &e) == 0 && text.len == 39, "specials decode to their bytes");
  ok(tokenizer_decode(t, &(uint32_t){eot + 2}, 1, &text, &e) == -1, "an id beyond the vocabulary does not decode: %s", e.message);
  ok(tokenizer_find(t, SLICE("<|endoftext|>")) == eot && tokenizer_find(t, SLICE(" t")) >= 256 && tokenizer_find(t, SLICE("zq")) == -1, "ids are found by bytes");
  ok(tokenizer_is_special(t, eot) && !tokenizer_is_special(t, 300) && !tokenizer_is_special(t, 99999), "specials are known");
  ids_release(&plain);
  ids_release(&special);
  buffer_release(&text);
  tokenizer_free(t);
}

static void test_files(void) {
  static const char *const patterns[] = {"gpt2", "cl100k", "none", "o200k", "\\p{N}\n[^a\\n]+"};
  struct buffer path = {0}, random = {0};
  struct rng rng;
  rng_init(&rng, 3);
  for (int i = 0; i < 20000; i++) buffer_put(&random, (char)(rng_below(&rng, 3) ? "etaoin shrdlu\n'1"[rng_below(&rng, 16)] : (char)rng_next(&rng)));
  for (size_t k = 0; k < sizeof patterns / sizeof patterns[0]; k++) {
    struct tokenizer *t = small_tokenizer(patterns[k]), *tsv = NULL, *hf = NULL;
    struct err e = {0};
    struct ids a = {0}, b = {0}, c = {0};
    buffer_clear(&path);
    buffer_printf(&path, "%s/hf%zu", tap_folder(), k);
    output_folder(buffer_string(&path), &e);
    ok(tokenizer_write_hf(t, path.data, &e) == 0 && tokenizer_load(&hf, path.data, NULL, &e) == 0 && tokenizer_hash(hf) == tokenizer_hash(t), "pattern %zu: written for Hugging Face, read back, the same hash", k);
    buffer_append_string(&path, ".tsv");
    ok(tokenizer_write_tsv(t, buffer_string(&path), &e) == 0 && tokenizer_load(&tsv, path.data, NULL, &e) == 0 && tokenizer_hash(tsv) == tokenizer_hash(t), "pattern %zu: written as TSV, read back, the same hash", k);
    if (hf && tsv) {
      encode(t, buffer_slice(&random), false, &a);
      encode(tsv, buffer_slice(&random), false, &b);
      encode(hf, buffer_slice(&random), false, &c);
      ok(a.len > 5000 && same(&a, &b) && same(&a, &c), "and the same ids");
      struct buffer back = {0};
      ok(tokenizer_decode(t, a.data, a.len, &back, &e) == 0 && slice_equal(buffer_slice(&back), buffer_slice(&random)), "any bytes come back");
      buffer_release(&back);
    } else note("%s", e.message);
    ids_release(&a);
    ids_release(&b);
    ids_release(&c);
    tokenizer_free(t);
    tokenizer_free(tsv);
    tokenizer_free(hf);
  }
  buffer_release(&path);
  buffer_release(&random);
}

static const char *write_temporary(const char *name, const char *text) {
  static char path[512];
  struct err e;
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  if (output_file(path, text, strlen(text), &e)) note("%s", e.message);
  return path;
}

static void refuses(const char *name, const char *text, enum err_kind kind, const char *want, const char *test) {
  struct tokenizer *t = NULL;
  struct err e = {0};
  int status = tokenizer_load(&t, write_temporary(name, text), NULL, &e);
  ok(status == -1 && e.kind == kind && strstr(e.message, want), "%s: %s", test, status ? e.message : "accepted");
  if (status == 0) tokenizer_free(t);
}

/* A map from pairs to ranks, as Hugging Face tokenizers builds from the list, keeps the last one: bc goes before ab then. */
static void test_repeated_merge(void) {
  struct buffer text = {0};
  struct tokenizer *t = NULL;
  struct ids ids = {0};
  struct err e = {0};
  buffer_append_string(&text, "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"vocab\":{\"ab\":256,\"bc\":257");
  for (unsigned b = 0; b < 256; b++) {
    uint32_t u = byte_to_unicode((unsigned char)b);
    buffer_printf(&text, ",\"\\u%04x\":%u", u, b);
  }
  buffer_append_string(&text, "},\"merges\":[[\"a\",\"b\"],[\"b\",\"c\"],[\"a\",\"b\"]]}}");
  int status = tokenizer_load(&t, write_temporary("repeated.json", buffer_string(&text)), NULL, &e);
  if (status == 0) encode(t, SLICE("abc"), false, &ids);
  ok(ids.len == 2 && ids.data[0] == 'a' && ids.data[1] == 257, "a merge that is there twice has the rank of the last one %s", status ? e.message : "");
  ids_release(&ids);
  buffer_release(&text);
  tokenizer_free(t);
}

static void test_refusals(void) {
  refuses("x.tiktoken", "IQ== 0\nIg== 1\n", ERR_USAGE, "-p", ".tiktoken without a pattern");
  refuses("r50k.tiktoken", "IQ== 0\nIg==\n", ERR_FAILED, ":2: expected BASE64 RANK", "a line without a rank");
  refuses("r50k.tiktoken", "I*== 0\n", ERR_FAILED, ":1: expected BASE64 RANK", "a line that is not base64");
  refuses("r50k.tiktoken", "IQ== 0\n", ERR_FAILED, "byte 00 has no token", "too few tokens");
  refuses("empty", "", ERR_USAGE, "-p", "an empty file");
  refuses("a.json", "{\"model\":", ERR_FAILED, "a.json:1", "broken JSON");
  refuses("a.json", "{}", ERR_FAILED, "no model", "another JSON file");
  refuses("a.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", ERR_FAILED, "Unigram", "another model");
  refuses("a.json", "{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{},\"merges\":[]}}", ERR_FAILED, "byte_fallback", "SentencePiece BPE");
  refuses("a.json", "{\"normalizer\":{\"type\":\"NFKC\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", ERR_FAILED, "NFKC", "a normalizer");
  refuses("a.json", "{\"pre_tokenizer\":{\"type\":\"Metaspace\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", ERR_FAILED, "Metaspace", "another pre-tokenizer");
  refuses("a.json", "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"b\"]]}}", ERR_FAILED, "merges[0]", "a merge of what is not there");
  struct tokenizer *t;
  struct err e;
  ok(tokenizer_load(&t, tap_folder(), NULL, &e) == -1 && strstr(e.message, "neither"), "a folder without a tokenizer: %s", e.message);
  ok(tokenizer_load(&t, "/nonexistent", NULL, &e) == -1, "a file that is not there: %s", e.message);
}

/* Real vocabularies, where they are. */
static void test_shared(void) {
  const char *path = tap_shared("vocab/tiktoken/r50k_base.tiktoken");
  if (!path) {
    skip("no shared data", "r50k from .tiktoken and from vocab.json + merges.txt is one tokenizer");
    return;
  }
  struct tokenizer *t = NULL, *pair = NULL;
  struct err e = {0};
  ok(tokenizer_load(&t, path, NULL, &e) == 0 && tokenizer_size(t) == 50257 && tokenizer_eot(t) == 50256, "r50k: 50,257 ids, end-of-text 50256 %s", e.message);
  ok(tokenizer_load(&pair, tap_shared("vocab/gpt2"), NULL, &e) == 0 && tokenizer_hash(pair) == tokenizer_hash(t), "vocab.json + merges.txt is the same tokenizer %s", e.message);
  tokenizer_free(pair);
  const char *const specials[] = {"<|x|>", "<|endoftext|>"};
  struct tokenizer_options options = {"gpt2", specials, 2};
  tokenizer_free(t);
  t = NULL;
  ok(tokenizer_load(&t, path, &options, &e) == 0 && tokenizer_find(t, SLICE("<|endoftext|>")) == 50256 && tokenizer_find(t, SLICE("<|x|>")) == 50257, "a special of the encoding keeps its id, others follow");
  tokenizer_free(t);
  t = NULL;
  ok(tokenizer_load(&t, tap_shared("vocab/tiktoken/cl100k_base.tiktoken"), NULL, &e) == 0 && tokenizer_size(t) == 100277 && tokenizer_bytes(t, 100256).len == 0 && tokenizer_eot(t) == 100257, "cl100k: specials beyond a hole");
  /* TestPlans.txt: EncodingName, Sample, Encoded. */
  struct tokenizer *r50k = NULL;
  tokenizer_load(&r50k, path, NULL, &e);
  struct buffer plans = read_file(tap_shared("vocab/tiktoken/TestPlans.txt"));
  int cases = 0, wrong = 0;
  for (char *at = plans.data; at && (at = strstr(at, "EncodingName: "));) {
    at += 14;
    const struct tokenizer *which = strncmp(at, "r50k", 4) == 0 ? r50k : strncmp(at, "cl100k", 6) == 0 ? t : NULL;
    char *sample = strstr(at, "Sample: "), *encoded = sample ? strstr(sample, "\nEncoded: [") : NULL;
    if (!encoded) break;
    sample += 8;
    if (which) {
      struct ids got = {0}, want = {0};
      encode(which, (struct slice){sample, (size_t)(encoded - sample)}, true, &got);
      for (char *p = encoded + 11; *p && *p != ']';) {
        ids_reserve(&want, 1);
        want.data[want.len++] = (uint32_t)strtoul(p, &p, 10);
        while (*p == ',' || *p == ' ') p++;
      }
      cases++;
      wrong += !same(&got, &want);
      ids_release(&got);
      ids_release(&want);
    }
    at = encoded;
  }
  ok(cases > 20 && wrong == 0, "TestPlans.txt: %d cases, %d wrong", cases, wrong);
  buffer_release(&plans);
  tokenizer_free(r50k);
  tokenizer_free(t);
}

/* What the post-processor adds, read from a file like Llama 3's and kept when it is written. */
static void test_post_processor(void) {
  struct tokenizer *t = small_tokenizer("gpt2"), *with = NULL, *again = NULL;
  struct err e = {0};
  struct buffer path = {0};
  int n = 0, after = 0;
  const uint32_t *prefix = tokenizer_prefix(t, &n);
  ok(n == 0 && !prefix, "our own tokenizers add nothing");
  buffer_printf(&path, "%s/template", tap_folder());
  output_folder(buffer_string(&path), &e);
  tokenizer_write_hf(t, path.data, &e);
  buffer_append_string(&path, "/tokenizer.json");
  struct buffer text = read_file(buffer_string(&path)), changed = {0};
  static const char key[] = "\"post_processor\":";
  char *at = strstr(text.data, key), *end = strstr(text.data, ",\"decoder\"");
  if (!at || !end) {
    ok(false, "the written file has a post-processor");
    return;
  }
  buffer_append(&changed, text.data, (size_t)(at - text.data) + strlen(key));
  buffer_append_string(&changed, "{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"B\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"E\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{\"B\":{\"id\":\"B\",\"ids\":[656,657],\"tokens\":[]},\"E\":{\"id\":\"E\",\"ids\":[657],\"tokens\":[]}}}]}");
  buffer_append_string(&changed, end);
  output_file(path.data, changed.data, changed.len, &e);
  ok(tokenizer_load(&with, path.data, NULL, &e) == 0 && (prefix = tokenizer_prefix(with, &n)) && n == 2 && prefix[0] == 656 && prefix[1] == 657 && *tokenizer_suffix(with, &after) == 657 && after == 1, "a template gives prefix and suffix %s", e.message);
  ok(with && tokenizer_hash(with) == tokenizer_hash(t), "which the hash leaves out");
  path.len -= strlen("/tokenizer.json");
  ok(with && tokenizer_write_hf(with, buffer_string(&path), &e) == 0 && tokenizer_load(&again, path.data, NULL, &e) == 0 && (prefix = tokenizer_prefix(again, &n)) && n == 2 && prefix[1] == 657, "and are written again");
  tokenizer_free(t);
  tokenizer_free(with);
  tokenizer_free(again);
  buffer_release(&path);
  buffer_release(&text);
  buffer_release(&changed);
}

static size_t cut_at_spaces(void *context, struct slice text) {
  (void)context;
  for (size_t i = text.len; i-- > 1;)
    if (text.data[i] == ' ') return i;
  return 0;
}

static void test_raw_text(void) {
  char first[512];
  struct err e;
  snprintf(first, sizeof first, "%s", write_temporary("first.txt", "aaaa bb cccccccccccccccccccccc d"));
  const char *second = write_temporary("second.txt", "");
  char *const operands[] = {first, (char *)second};
  struct raw_reader *r = raw_reader_new(operands, 2, 8, cut_at_spaces, NULL);
  struct raw_chunk chunk = {0};
  struct buffer seen = {0};
  while (raw_reader_next(r, &chunk, &e) == 1) {
    buffer_printf(&seen, "%s%.*s%s", chunk.first ? "(" : "|", (int)chunk.bytes.len, chunk.bytes.data ? chunk.bytes.data : "", chunk.last ? ")" : "");
  }
  ok_string(buffer_string(&seen), "(aaaa bb| cccccccccccccccccccccc d)()", "raw text comes in chunks that end where the caller cuts; an empty file is one empty chunk");
  raw_reader_free(r);
  buffer_release(&chunk.bytes);
  buffer_release(&seen);
}

int main(void) {
  test_reference();
  test_specials();
  test_files();
  test_repeated_merge();
  test_refusals();
  test_post_processor();
  test_raw_text();
  test_shared();
  return tap_done();
}
