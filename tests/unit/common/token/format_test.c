/* SPDX-License-Identifier: MIT
 *
 * Foreign tokenizer files, written and read; parts of tokens against plain byte-pair encoding.
 */
#include "common/token/formats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/output.h"
#include "tests/read_file.h"
#include "tests/tap.h"

/* 256 bytes, `merges` random ones of short tokens over a small alphabet, then the specials. */
static void random_vocab(struct vocab *v, struct rng *rng, int merges, const char *const *specials, int count) {
  struct err e;
  struct buffer joined = {0};
  vocab_init(v);
  for (unsigned b = 0; b < 256; b++) vocab_add(v, b, (struct slice){&(char){(char)b}, 1}, &e);
  for (int tries = 0; v->size < 256u + (unsigned)merges && tries < 100000; tries++) {
    uint32_t left = (uint32_t)rng_below(rng, v->size), right = (uint32_t)rng_below(rng, v->size);
    if (left < 256) left = (uint32_t)"abc "[rng_below(rng, 4)];
    if (right < 256) right = (uint32_t)"abc "[rng_below(rng, 4)];
    buffer_clear(&joined);
    buffer_append_slice(&joined, vocab_bytes(v, left));
    buffer_append_slice(&joined, vocab_bytes(v, right));
    if (joined.len > 12 || vocab_find(v, buffer_slice(&joined)) >= 0) continue;
    uint32_t id = v->size;
    vocab_add(v, id, buffer_slice(&joined), &e);
    v->entries[id].left = left;
    v->entries[id].right = right;
    v->entries[id].rank = id - 256;
  }
  for (int i = 0; i < count; i++) {
    v->eot = v->size;
    vocab_add_special(v, v->size, slice_of(specials[i]), &e);
  }
  v->pattern = STRDUP("gpt2");
  buffer_release(&joined);
}

/* ---- parts against the definition ----------------------------------------------------------------------------------- */

/* What encoding the bytes of a token ends with before one symbol is left: again and again the pair of lowest rank,
 * leftmost; rank_of says which pairs merge.  Returns the number of symbols, at least 2. */
static size_t merge_plainly(const struct vocab *v, struct slice bytes, int64_t (*rank_of)(const void *, const struct vocab *, uint32_t, uint32_t, uint32_t *), const void *context, uint32_t *ids) {
  size_t n = bytes.len;
  for (size_t i = 0; i < n; i++) ids[i] = (unsigned char)bytes.data[i];
  while (n > 2) {
    int64_t best = INT64_MAX;
    size_t at = 0;
    uint32_t made = 0;
    for (size_t i = 0; i + 1 < n; i++) {
      uint32_t id;
      int64_t rank = rank_of(context, v, ids[i], ids[i + 1], &id);
      if (rank >= 0 && rank < best) {
        best = rank;
        at = i;
        made = id;
      }
    }
    if (best == INT64_MAX) break;
    ids[at] = made;
    memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
    n--;
  }
  return n;
}

static int64_t rank_by_bytes(const void *context, const struct vocab *v, uint32_t a, uint32_t b, uint32_t *id) {
  char bytes[64];
  struct slice left = vocab_bytes(v, a), right = vocab_bytes(v, b);
  (void)context;
  memcpy(bytes, left.data, left.len);
  memcpy(bytes + left.len, right.data, right.len);
  int64_t found = vocab_find(v, (struct slice){bytes, left.len + right.len});
  *id = (uint32_t)found;
  return found;
}

struct merge_list {
  const uint32_t *merges;
  size_t count;
};

static int64_t rank_by_list(const void *context, const struct vocab *v, uint32_t a, uint32_t b, uint32_t *id) {
  const struct merge_list *list = context;
  (void)v;
  for (size_t i = list->count; i-- > 0;) /* the last of equal ones */
    if (list->merges[3 * i] == a && list->merges[3 * i + 1] == b) return *id = list->merges[3 * i + 2], (int64_t)i;
  return -1;
}

static void test_derived_parts(void) {
  struct rng rng;
  rng_init(&rng, 21);
  int tokens = 0, wrong = 0, late = 0;
  for (int round = 0; round < 60; round++) {
    struct vocab v, ranks;
    struct err e;
    random_vocab(&v, &rng, 60, NULL, 0);
    /* The tokens in another order in every second round, so that some rank below their parts. */
    vocab_init(&ranks);
    uint32_t *order = NEW_ARRAY(uint32_t, v.size);
    for (uint32_t i = 0; i < v.size; i++) order[i] = i;
    for (uint32_t i = v.size - 1; round % 2 && i > 256; i--) {
      uint32_t k = 256 + (uint32_t)rng_below(&rng, i - 255), t = order[i];
      order[i] = order[k];
      order[k] = t;
    }
    for (uint32_t i = 0; i < v.size; i++) vocab_add(&ranks, i, vocab_bytes(&v, order[i]), &e);
    format_derive_parts(&ranks);
    for (uint32_t id = 256; id < ranks.size; id++) {
      uint32_t ids[64];
      size_t n = merge_plainly(&ranks, vocab_bytes(&ranks, id), rank_by_bytes, NULL, ids);
      const struct vocab_entry *t = &ranks.entries[id];
      tokens++;
      late += n == 2 && (ids[0] > id || ids[1] > id);
      wrong += n == 2 ? t->left != ids[0] || t->right != ids[1] || t->rank != id : t->left != VOCAB_NONE || t->rank != VOCAB_NONE;
    }
    free(order);
    vocab_release(&v);
    vocab_release(&ranks);
  }
  ok(tokens > 2000 && late > 100 && wrong == 0, "parts of %d tokens are those that merging by rank ends with (%d of parts that rank higher; %d wrong)", tokens, late, wrong);
}

static void test_applied_merges(void) {
  struct rng rng;
  rng_init(&rng, 22);
  int tokens = 0, wrong = 0, never = 0;
  for (int round = 0; round < 60; round++) {
    struct vocab v, read;
    struct err e;
    struct ids merges = {0};
    random_vocab(&v, &rng, 60, NULL, 0);
    vocab_init(&read);
    for (uint32_t id = 0; id < v.size; id++) vocab_add(&read, id, vocab_bytes(&v, id), &e);
    /* Its merges, some of them out of order, some dropped, and others that make the same tokens. */
    for (uint32_t id = 256; id < v.size; id++) {
      ids_reserve(&merges, 6);
      if (rng_below(&rng, 8)) {
        merges.data[merges.len++] = v.entries[id].left;
        merges.data[merges.len++] = v.entries[id].right;
        merges.data[merges.len++] = id;
      }
      uint32_t other = 256 + (uint32_t)rng_below(&rng, v.size - 256);
      struct slice bytes = vocab_bytes(&v, other);
      size_t cut = 1 + (size_t)rng_below(&rng, bytes.len - 1);
      int64_t left = vocab_find(&v, (struct slice){bytes.data, cut}), right = vocab_find(&v, (struct slice){bytes.data + cut, bytes.len - cut});
      if (round % 2 && left >= 0 && right >= 0 && rank_by_list(&(struct merge_list){merges.data, merges.len / 3}, &v, (uint32_t)left, (uint32_t)right, &(uint32_t){0}) < 0) {
        merges.data[merges.len++] = (uint32_t)left;
        merges.data[merges.len++] = (uint32_t)right;
        merges.data[merges.len++] = other;
      }
    }
    bool whole = round % 3 == 0;
    format_apply_merges(&read, merges.data, merges.len / 3, whole, &e);
    for (uint32_t id = 256; id < read.size; id++) {
      uint32_t ids[64], made = VOCAB_NONE;
      struct merge_list list = {merges.data, merges.len / 3};
      size_t n = merge_plainly(&read, vocab_bytes(&read, id), rank_by_list, &list, ids);
      int64_t rank = n == 2 ? rank_by_list(&list, &read, ids[0], ids[1], &made) : -1;
      const struct vocab_entry *t = &read.entries[id];
      bool reached = rank >= 0 && made == id;
      tokens++;
      never += !reached;
      if (reached) wrong += t->left != ids[0] || t->right != ids[1] || t->rank != rank;
      else wrong += t->rank != VOCAB_NONE || t->left != (whole ? VOCAB_NONE : id) || t->right != t->left;
    }
    ids_release(&merges);
    vocab_release(&v);
    vocab_release(&read);
  }
  ok(tokens > 2000 && never > 100 && wrong == 0, "merges give %d tokens the parts that encoding ends with (%d are never reached; %d wrong)", tokens, never, wrong);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static const char *folder(const char *name) {
  static char path[512];
  struct err e;
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  if (output_folder(path, &e)) note("%s", e.message);
  return path;
}

static void put(const char *folder, const char *name, const char *text) {
  char path[600];
  struct err e;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (output_file(path, text, strlen(text), &e)) note("%s", e.message);
}

static struct buffer get(const char *folder, const char *name) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return read_file(path);
}

static struct tokenizer *take(struct vocab *v) {
  struct tokenizer *t = NULL;
  struct err e;
  if (tokenizer_from_vocab(&t, v, &e)) note("%s", e.message);
  return t;
}

/* As training makes them: each token is what encoding its bytes gives, from parts of lower ids. */
static void trained_vocab(struct vocab *v, struct rng *rng, const char *const *specials, int count) {
  struct vocab from;
  struct err e;
  random_vocab(&from, rng, 300, NULL, 0);
  for (bool again = true; again;) {
    vocab_init(v);
    for (uint32_t id = 0; id < from.size; id++)
      if (from.entries[id].length) vocab_add(v, v->size, vocab_bytes(&from, id), &e);
    format_derive_parts(v);
    again = false;
    for (uint32_t id = 256; id < v->size; id++) {
      const struct vocab_entry *t = &v->entries[id];
      if (t->rank != VOCAB_NONE && t->left < id && t->right < id) continue;
      again = true;
      v->entries[id].length = 0;
    }
    if (!again) break;
    vocab_release(&from);
    from = *v;
  }
  vocab_release(&from);
  for (int i = 0; i < count; i++) {
    v->eot = v->size;
    vocab_add_special(v, v->size, slice_of(specials[i]), &e);
  }
  v->eot = v->size - (uint32_t)count;
  v->pattern = STRDUP("gpt2");
}

static void test_writers(void) {
  static const char *const specials[] = {"<|endoftext|>", "<|\"quoted\"\\|>", "\xE2\x9C\x93"};
  struct rng rng;
  struct vocab v;
  struct err e = {0};
  rng_init(&rng, 23);
  trained_vocab(&v, &rng, specials, 3);
  struct tokenizer *t = take(&v), *back = NULL;
  const char *pair = folder("pair");
  ok(tokenizer_write_gpt2(t, pair, &e) == 0 && tokenizer_load(&back, pair, NULL, &e) == 0 && tokenizer_hash(back) == tokenizer_hash(t), "vocab.json and merges.txt come back as the same tokenizer %s", e.message);
  tokenizer_free(back);
  put(pair, "tokenizer.json", "{}");
  ok(tokenizer_write_gpt2(t, pair, &e) == -1 && strstr(e.message, "holds tokenizer.json"), "a folder that would be read otherwise: %s", e.message);
  char path[600];
  snprintf(path, sizeof path, "%s/x.tiktoken", tap_folder());
  struct tokenizer_options options = {"gpt2", specials, 3};
  back = NULL;
  ok(tokenizer_write_tiktoken(t, path, &e) == 0 && tokenizer_load(&back, path, &options, &e) == 0, ".tiktoken is written and read %s", e.message);
  bool same = back && tokenizer_size(back) == tokenizer_size(t);
  for (uint32_t id = 0; same && id < tokenizer_size(t); id++) {
    const struct vocab_entry *a = &tokenizer_vocab(t)->entries[id], *b = &tokenizer_vocab(back)->entries[id];
    same = slice_equal(tokenizer_bytes(t, id), tokenizer_bytes(back, id)) && a->left == b->left && a->right == b->right;
  }
  ok(same, "with the same ids and merges");
  tokenizer_free(back);
  tokenizer_free(t);
}

static void refused(struct vocab *v, const char *what, const char *want_gpt2, const char *want_tiktoken, const char *want_hf) {
  struct gpt2_files files = {0};
  struct buffer out = {0}, config = {0};
  struct err e = {0};
  ok(format_write_gpt2(&files, v, &e) == (want_gpt2 ? -1 : 0) && (!want_gpt2 || strstr(e.message, want_gpt2)), "%s, for vocab.json: %s", what, want_gpt2 ? e.message : "fine");
  ok(format_write_tiktoken(&out, v, &e) == (want_tiktoken ? -1 : 0) && (!want_tiktoken || strstr(e.message, want_tiktoken)), "%s, for .tiktoken: %s", what, want_tiktoken ? e.message : "fine");
  buffer_clear(&out);
  ok(format_write_hf(&out, &config, v, &e) == (want_hf ? -1 : 0) && (!want_hf || strstr(e.message, want_hf)), "%s, for tokenizer.json: %s", what, want_hf ? e.message : "fine");
  buffer_release(&files.ids);
  buffer_release(&files.merges);
  buffer_release(&files.config);
  buffer_release(&out);
  buffer_release(&config);
  vocab_release(v);
}

static void three(struct vocab *v) {
  struct err e;
  vocab_init(v);
  for (unsigned b = 0; b < 256; b++) vocab_add(v, b, (struct slice){&(char){(char)b}, 1}, &e);
  static const struct {
    const char *bytes;
    uint32_t left, right;
  } tokens[] = {{"ab", 'a', 'b'}, {"bc", 'b', 'c'}, {"abc", 256, 'c'}};
  for (uint32_t i = 0; i < 3; i++) {
    vocab_add(v, 256 + i, slice_of(tokens[i].bytes), &e);
    v->entries[256 + i].left = tokens[i].left;
    v->entries[256 + i].right = tokens[i].right;
    v->entries[256 + i].rank = i;
  }
  v->pattern = STRDUP("gpt2");
}

static void test_refusals(void) {
  struct vocab v;
  struct err e;
  three(&v);
  refused(&v, "a usual vocabulary", NULL, NULL, NULL);
  three(&v);
  v.entries[256].rank = 1, v.entries[257].rank = 0;
  refused(&v, "merges in another order than ids", NULL, "another order", NULL);
  three(&v);
  v.entries[258].left = 'a', v.entries[258].right = 257;
  refused(&v, "a merge that tiktoken would not make", NULL, "would not merge token 258", NULL);
  three(&v);
  v.entries[258].left = v.entries[258].right = 258, v.entries[258].rank = VOCAB_NONE;
  refused(&v, "a token for decoding only", "no merge makes token 258", "decoding only", NULL);
  three(&v);
  vocab_add_special(&v, 259, SLICE("abc"), &e);
  refused(&v, "a special spelled as a token", "spelled alike", NULL, "spelled alike");
  three(&v);
  vocab_add_special(&v, 259, SLICE("\xFF"), &e);
  refused(&v, "a special that is not text", "not UTF-8", NULL, "not UTF-8");
  three(&v);
  free(v.pattern);
  v.pattern = STRDUP("cl100k");
  refused(&v, "another pattern", "not gpt2", NULL, NULL);
  three(&v);
  v.nfc = true;
  refused(&v, "a normaliser", "normalised", "normalise", NULL);
}

/* ---- a Hugging Face folder ------------------------------------------------------------------------------------------ */

/* `text` with the first `old` in it replaced. */
static char *replaced(const char *text, const char *old, const char *new) {
  const char *at = strstr(text, old);
  struct buffer out = {0};
  if (!at) {
    note("no %s", old);
    return STRDUP(text);
  }
  buffer_append(&out, text, (size_t)(at - text));
  buffer_append_string(&out, new);
  buffer_append_string(&out, at + strlen(old));
  return buffer_string(&out);
}

static void ids_of(const struct tokenizer *t, const char *text, const char *want, const char *test) {
  struct encoder *n = encoder_new(t, 1 << 16);
  struct ids ids = {0};
  struct buffer got = {0};
  struct err e;
  int status = encoder_encode(n, slice_of(text), true, &ids, &e);
  for (size_t i = 0; i < ids.len; i++) buffer_printf(&got, "%s%" PRIu32, i ? " " : "", ids.data[i]);
  ok_string(status ? e.message : buffer_string(&got), want, test);
  ids_release(&ids);
  buffer_release(&got);
  encoder_free(n);
}

static void test_folder(void) {
  struct vocab v;
  struct err e = {0};
  three(&v);
  vocab_add_special(&v, 300, SLICE("<s>"), &e);
  vocab_add_special(&v, 301, SLICE("s>a"), &e);
  v.eot = 300;
  struct tokenizer *t = take(&v), *read = NULL;
  char first[512], second[512];
  snprintf(first, sizeof first, "%s", folder("first"));
  snprintf(second, sizeof second, "%s", folder("second"));
  tokenizer_write_hf(t, first, &e);
  struct buffer plain = get(first, "tokenizer.json");
  static const char config[] = "{ \"eos_token\": {\"content\": \"<s>\"}, \"chat_template\": [{\"name\": \"x\", \"template\": \"{{a}}\\n\"}],\n \"model_max_length\": 1000000000000000019884624838656, \"max_length\": 5, \"added_tokens_decoder\": {\"300\": {\"content\": \"<s>\", \"special\": true}} }";
  put(first, "tokenizer_config.json", config);
  put(first, "special_tokens_map.json", "{\"eos_token\": \"<s>\"}");
  put(first, "chat_template.jinja", "{% for m in messages %}{% endfor %}");
  char *late = replaced(plain.data, "\"content\":\"s>a\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true", "\"content\":\"s>a\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":true,\"special\":false");
  put(first, "tokenizer.json", late);
  ok(tokenizer_load(&read, first, NULL, &e) == 0 && tokenizer_write_hf(read, second, &e) == 0 && tokenizer_hash(read) == tokenizer_hash(t), "a folder is read and written %s", e.message);
  static const char *const files[] = {"tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"};
  for (size_t i = 0; i < 3; i++) {
    struct buffer a = get(first, files[i]), b = get(second, files[i]);
    ok(a.len > 0 && slice_equal(buffer_slice(&a), buffer_slice(&b)), "%s is as it was", files[i]);
    buffer_release(&a);
    buffer_release(&b);
  }
  struct buffer again = get(second, "tokenizer.json");
  ok(strstr(again.data, "\"normalized\":true,\"special\":false"), "and so are the flags of added tokens");
  buffer_release(&again);
  ids_of(read, "<s>abc", "300 258", "tokens that are not normalized are taken first");
  ids_of(read, "<s>a", "300 97", "also where another begins within them");
  ids_of(read, "xs>a", "120 301", "the others in what is left");
  ok(tokenizer_write_tsv(read, first, &e) == -1 && strstr(e.message, "write hf"), "other formats cannot say so: %s", e.message);
  tokenizer_free(read);

  put(first, "tokenizer_config.json", "{\"eos_token\": \"gone\", \"chat_template\": \"{{a}}\", \"n\": 5, \"huge\": 1000000000000000019884624838656}");
  read = NULL;
  ok(tokenizer_load(&read, first, NULL, &e) == 0 && tokenizer_write_hf(read, second, &e) == 0, "a configuration that names tokens which are not there %s", e.message);
  struct buffer fixed = get(second, "tokenizer_config.json");
  ok(fixed.len && !strstr(fixed.data, "gone") && strstr(fixed.data, "\"n\": 5\n") && strstr(fixed.data, "\"chat_template\": \"{{a}}\""), "is written without them, and with the rest");
  buffer_release(&fixed);
  tokenizer_free(read);

  char *strip = replaced(plain.data, "\"lstrip\":false", "\"lstrip\":true");
  put(first, "tokenizer.json", strip);
  read = NULL;
  ok(tokenizer_load(&read, first, NULL, &e) == 0, "lstrip is read %s", e.message);
  ids_of(read, "<s>", "specials in text: added token <s> takes the white space beside it (lstrip or rstrip), which is not supported", "and refused by name where specials are looked for");
  tokenizer_free(read);

  char *normal = replaced(plain.data, "\"normalizer\":null", "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}]}");
  put(first, "tokenizer.json", normal);
  read = NULL;
  ok(tokenizer_load(&read, first, NULL, &e) == 0 && tokenizer_vocab(read)->nfc && tokenizer_hash(read) != tokenizer_hash(t), "the NFC normaliser is read and part of the hash %s", e.message);
  ids_of(read, "e\xCC\x81<s>", "195 169 300", "and applied");
  char path[600];
  struct tokenizer *native = NULL, *rewritten = NULL;
  snprintf(path, sizeof path, "%s/nfc.tsv", tap_folder());
  ok(tokenizer_write_tsv(read, path, &e) == 0 && tokenizer_load(&native, path, NULL, &e) == 0 && tokenizer_hash(native) == tokenizer_hash(read), "the native form keeps it %s", e.message);
  ok(tokenizer_write_hf(native, second, &e) == 0 && tokenizer_load(&rewritten, second, NULL, &e) == 0 && tokenizer_hash(rewritten) == tokenizer_hash(read), "and so does tokenizer.json %s", e.message);
  ok(tokenizer_cut(read, SLICE("x y e\xCC\x81"), false) < 6, "text is not cut before a mark");
  tokenizer_free(native);
  tokenizer_free(rewritten);
  tokenizer_free(read);
  tokenizer_free(t);
  free(late);
  free(strip);
  free(normal);
  buffer_release(&plain);
}

static void fails(const char *text, const char *want) {
  struct vocab v;
  struct err e = {0};
  vocab_init(&v);
  int status = format_read_hf(&v, slice_of(text), "f", NULL, &e);
  ok(status == -1 && strstr(e.message, want), "%.40s: %s", text, status ? e.message : "accepted");
  vocab_release(&v);
}

static void test_hostile(void) {
#define HEAD "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"model\":{\"type\":\"BPE\","
  fails("", "f:1: expected '{'");
  fails("{\"model\":{\"vocab\":{", "f:1: the text ends within a value");
  fails("{\"a\":\n\"x", "f:2: a string has no end");
  fails("{\"\\ud800\":1}", "half of a surrogate pair");
  fails(HEAD "\"vocab\":{\"a\":0,\"a\":0},\"merges\":[]}}", "model.vocab: token id 0 occurs twice");
  fails(HEAD "\"vocab\":{\"a\":99999999999},\"merges\":[]}}", "token a: line 1: expected a whole number");
  fails(HEAD "\"vocab\":{\"a\":2000000000},\"merges\":[]}}", "too large");
  fails(HEAD "\"vocab\":{\"a\":1.5},\"merges\":[]}}", "expected a whole number");
  fails(HEAD "\"vocab\":{\"a\":0,\"b\":1},\n\"merges\":[\"a b\"]}}", "model.merges[0]: a part or their join");
  fails(HEAD "\"vocab\":{\"a\":0},\"merges\":[\"ab\"]}}", "model.merges[0]: not a pair");
  fails(HEAD "\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"b\",\"c\"]]}}", "model.merges[0]: line 1: expected ']'");
  fails(HEAD "\"vocab\":{\"a\":0},\"vocab\":{},\"merges\":[]}}", "occurs twice");
  fails(HEAD "\"vocab\":{\"<x>\":0},\"merges\":[]},\"added_tokens\":[{\"id\":1,\"content\":\"<x>\"}]}", "has two ids");
  fails(HEAD "\"vocab\":{\"a\":0},\"merges\":[]},\"added_tokens\":[{\"id\":0,\"content\":\"<x>\"}]}", "");
  struct buffer deep = {0};
  buffer_append_string(&deep, "{\"x\":");
  for (int i = 0; i < 200000; i++) buffer_put(&deep, '[');
  fails(buffer_string(&deep), "the text ends within a value");
  buffer_release(&deep);
}

int main(void) {
  test_derived_parts();
  test_applied_merges();
  test_writers();
  test_refusals();
  test_folder();
  test_hostile();
  return tap_done();
}
