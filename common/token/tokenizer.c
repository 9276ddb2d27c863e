/* SPDX-License-Identifier: MIT
 *
 * The tokenizer as a whole: which format a path is, the tables, and encoding of text with its specials.
 */
#include "common/token/tokenizer.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "common/token/formats.h"
#include "common/token/pretokenize.h"
#include "common/token/specials.h"

struct tokenizer {
  struct vocab vocab;
  struct bpe *bpe;
  struct pretokenizer *pretokenizer;
  struct specials *specials;
  uint64_t hash;
};

struct encoder {
  const struct tokenizer *t;
  struct bpe_cache *cache;
  struct pretokenizer_scratch *scratch;
};

/* ---- loading -------------------------------------------------------------------------------------------------------- */

static json_t *parse_json(const char *path, const struct buffer *text, struct err *e) {
  json_error_t error;
  json_t *root = json_parse(text->data ? text->data : "", text->len, 0, &error);
  if (!root) err_set(e, "%s:%d: %s", path, error.line, error.text);
  return root;
}

static bool exists(const char *folder, const char *name, struct buffer *path) {
  struct stat s;
  buffer_clear(path);
  buffer_printf(path, "%s/%s", folder, name);
  return stat(buffer_string(path), &s) == 0;
}

static int load_gpt2(struct vocab *v, const char *ids_path, const char *merges_path, struct err *e) {
  struct buffer ids = {0}, merges = {0};
  json_t *root = NULL;
  int status = -1;
  if (input_read_all(ids_path, &ids, e) == 0 && input_read_all(merges_path, &merges, e) == 0 && (root = parse_json(ids_path, &ids, e))) status = format_read_gpt2(v, root, buffer_slice(&merges), e);
  json_decref(root);
  buffer_release(&ids);
  buffer_release(&merges);
  return status;
}

/* The tokenizer_config.json in the same folder, when the file is named tokenizer.json. */
static int load_config(const char *path, json_t **config, struct err *e) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  struct buffer name = {0}, text = {0};
  struct stat s;
  int status = 0;
  *config = NULL;
  if (strcmp(base, "tokenizer.json") == 0) {
    buffer_printf(&name, "%.*stokenizer_config.json", (int)(base - path), path);
    if (stat(buffer_string(&name), &s) == 0) {
      status = input_read_all(name.data, &text, e);
      if (status == 0 && !(*config = parse_json(name.data, &text, e))) status = -1;
    }
  }
  buffer_release(&name);
  buffer_release(&text);
  return status;
}

static int load_file(struct vocab *v, const char *path, const struct tokenizer_options *options, struct err *e) {
  struct buffer text = {0};
  if (input_read_all(path, &text, e)) {
    buffer_release(&text);
    return -1;
  }
  struct slice file = buffer_slice(&text);
  size_t first = 0;
  while (first < file.len && strchr(" \t\r\n", file.data[first]) && file.data[first]) first++;
  bool native = slice_starts(file, SLICE("#crawl2lm-tokenizer")), json = first < file.len && file.data[first] == '{';
  int status = 0;
  if ((native || json) && options && (options->pattern || options->special_count >= 0)) status = err_usage(e, "%s: -p and -s are for .tiktoken files; this one has its own pattern and specials", path);
  else if (native) {
    status = vocab_read(v, file, path, e);
  } else if (json) {
    json_t *config = NULL, *root = parse_json(path, &text, e);
    status = !root || load_config(path, &config, e) ? -1 : 0;
    if (status == 0 && (status = format_read_hf(v, root, config, e))) err_prefix(e, "%s", path);
    json_decref(root);
    json_decref(config);
  } else {
    status = format_read_tiktoken(v, file, path, options, e);
  }
  buffer_release(&text);
  return status;
}

static int load_folder(struct vocab *v, const char *path, const struct tokenizer_options *options, struct err *e) {
  struct buffer a = {0}, b = {0};
  int status;
  if (exists(path, "tokenizer.json", &a)) status = load_file(v, a.data, options, e);
  else if ((exists(path, "vocab.json", &a) && exists(path, "merges.txt", &b)) || (exists(path, "gpt2_vocab.json", &a) && exists(path, "gpt2_merges.txt", &b))) {
    status = load_gpt2(v, a.data, b.data, e);
    if (status) err_prefix(e, "%s", path);
  } else status = err_set(e, "%s: the folder holds neither tokenizer.json nor vocab.json and merges.txt", path);
  buffer_release(&a);
  buffer_release(&b);
  return status;
}

int tokenizer_from_vocab(struct tokenizer **out, struct vocab *v, struct err *e) {
  struct pretokenizer *pretokenizer;
  if (vocab_check(v, e) || pretokenizer_new(&pretokenizer, v->pattern, e)) {
    vocab_release(v);
    return -1;
  }
  struct tokenizer *t = NEW(struct tokenizer);
  t->vocab = *v;
  vocab_init(v);
  t->pretokenizer = pretokenizer;
  t->bpe = bpe_new(&t->vocab);
  t->specials = specials_new();
  for (uint32_t id = 0; id < t->vocab.size; id++)
    if (t->vocab.entries[id].special) specials_add(t->specials, vocab_bytes(&t->vocab, id), id);
  t->hash = vocab_hash(&t->vocab);
  *out = t;
  return 0;
}

int tokenizer_load(struct tokenizer **out, const char *path, const struct tokenizer_options *options, struct err *e) {
  struct vocab v;
  vocab_init(&v);
  struct stat s;
  bool folder = stat(path, &s) == 0 && S_ISDIR(s.st_mode);
  if (folder ? load_folder(&v, path, options, e) : load_file(&v, path, options, e)) {
    vocab_release(&v);
    return -1;
  }
  if (tokenizer_from_vocab(out, &v, e)) return err_prefix(e, "%s", path);
  return 0;
}

void tokenizer_free(struct tokenizer *t) {
  if (!t) return;
  bpe_free(t->bpe);
  pretokenizer_free(t->pretokenizer);
  specials_free(t->specials);
  vocab_release(&t->vocab);
  free(t);
}

/* ---- what it holds -------------------------------------------------------------------------------------------------- */

const struct vocab *tokenizer_vocab(const struct tokenizer *t) { return &t->vocab; }
uint32_t tokenizer_size(const struct tokenizer *t) { return t->vocab.size; }
uint64_t tokenizer_hash(const struct tokenizer *t) { return t->hash; }
int64_t tokenizer_eot(const struct tokenizer *t) { return t->vocab.eot; }
struct slice tokenizer_bytes(const struct tokenizer *t, uint32_t id) { return vocab_bytes(&t->vocab, id); }
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id) { return id < t->vocab.size && t->vocab.entries[id].special; }

int64_t tokenizer_find(const struct tokenizer *t, struct slice bytes) {
  size_t length;
  uint32_t id;
  if (specials_find(t->specials, bytes, 0, &length, &id) == 0 && length == bytes.len && bytes.len) return id;
  return bpe_find(t->bpe, bytes);
}

const uint32_t *tokenizer_prefix(const struct tokenizer *t, int *count) {
  *count = t->vocab.prefix_count;
  return t->vocab.prefix;
}

const uint32_t *tokenizer_suffix(const struct tokenizer *t, int *count) {
  *count = t->vocab.suffix_count;
  return t->vocab.suffix;
}

int tokenizer_write_tsv(const struct tokenizer *t, const char *path, struct err *e) {
  struct buffer text = {0};
  vocab_write(&text, &t->vocab);
  int status = output_file(path, text.data, text.len, e);
  buffer_release(&text);
  return status;
}

int tokenizer_write_hf(const struct tokenizer *t, const char *folder, struct err *e) {
  struct buffer text = {0}, config = {0}, path = {0};
  int status = format_write_hf(&text, &config, &t->vocab, e);
  if (status == 0) {
    buffer_printf(&path, "%s/tokenizer_config.json", folder);
    status = output_file(buffer_string(&path), config.data, config.len, e);
  }
  if (status == 0) {
    buffer_clear(&path);
    buffer_printf(&path, "%s/tokenizer.json", folder);
    status = output_file(buffer_string(&path), text.data, text.len, e);
  }
  buffer_release(&text);
  buffer_release(&config);
  buffer_release(&path);
  return status;
}

/* ---- encoding ------------------------------------------------------------------------------------------------------- */

struct encoder *encoder_new(const struct tokenizer *t, size_t memory) {
  struct encoder *n = NEW(struct encoder);
  n->t = t;
  n->cache = bpe_cache_new(memory ? memory : 8 << 20);
  n->scratch = pretokenizer_scratch_new(t->pretokenizer);
  return n;
}

void encoder_free(struct encoder *n) {
  if (!n) return;
  bpe_cache_free(n->cache);
  pretokenizer_scratch_free(n->scratch);
  free(n);
}

static int encode_plain(struct encoder *n, struct slice text, struct ids *out, struct err *e) {
  uint32_t ends[BPE_PIECES];
  size_t cursor = 0;
  int count;
  for (size_t from = 0; (count = pretokenize(n->t->pretokenizer, n->scratch, text, &cursor, ends, BPE_PIECES, e)) > 0; from = cursor)
    bpe_encode_pieces(n->t->bpe, n->cache, text, from, ends, count, out);
  return count;
}

int encoder_encode(struct encoder *n, struct slice text, bool allow_special, struct ids *out, struct err *e) {
  if (!allow_special || specials_count(n->t->specials) == 0) return encode_plain(n, text, out, e);
  for (size_t from = 0; from < text.len;) {
    size_t length = 0;
    uint32_t id = 0;
    size_t at = specials_find(n->t->specials, text, from, &length, &id);
    if (encode_plain(n, (struct slice){text.data + from, at - from}, out, e)) return -1;
    if (at == text.len) break;
    ids_reserve(out, 1);
    out->data[out->len++] = id;
    from = at + length;
  }
  return 0;
}

size_t tokenizer_cut(const struct tokenizer *t, struct slice text, bool allow_special) {
  return pretokenizer_cut(t->pretokenizer, allow_special ? t->specials : NULL, text);
}

int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, struct buffer *out, struct err *e) {
  for (size_t i = 0; i < n; i++) {
    struct slice bytes = vocab_bytes(&t->vocab, ids[i]);
    if (bytes.len == 0) return err_set(e, "id %" PRIu32 " is not in the vocabulary", ids[i]);
    buffer_append_slice(out, bytes);
  }
  return 0;
}
