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
#include "common/token/normalize.h"
#include "common/token/pretokenize.h"
#include "common/token/specials.h"

struct tokenizer {
  struct vocab vocab;
  struct bpe *bpe;
  struct pretokenizer *pretokenizer;
  struct specials *specials;            /* all */
  struct specials *passes[2];           /* those of the first pass and of the second; NULL when there is one pass */
  uint64_t hash; /* computed when first asked for, while `hashed` is false */
  bool hashed;
};

struct encoder {
  const struct tokenizer *t;
  struct bpe_cache *cache;
  struct pretokenizer_scratch *scratch;
  struct buffer normal; /* text that the normaliser changed */
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

/* A file beside `path`, whose base name starts at `base`, into `text`; one that is not there leaves it empty. */
static int load_beside(const char *path, const char *base, const char *name, struct buffer *text, struct err *e) {
  struct buffer full = {0};
  struct stat s;
  buffer_printf(&full, "%.*s%s", (int)(base - path), path, name);
  int status = stat(buffer_string(&full), &s) == 0 ? input_read_all(full.data, text, e) : 0;
  buffer_release(&full);
  return status;
}

/* What stands in the folder of a file named tokenizer.json, which is part of the tokenizer. */
static int load_folder_files(struct vocab *v, const char *path, json_t **config, struct err *e) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  *config = NULL;
  if (strcmp(base, "tokenizer.json")) return 0;
  if (load_beside(path, base, "tokenizer_config.json", &v->config, e) || load_beside(path, base, "special_tokens_map.json", &v->special_map, e) ||
      load_beside(path, base, "chat_template.jinja", &v->chat_template, e))
    return -1;
  if (v->config.len && !(*config = parse_json("tokenizer_config.json", &v->config, e))) return err_prefix(e, "%.*s", (int)(base - path), path);
  return 0;
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
  if ((native || json) && options && (options->pattern || options->special_count >= 0)) {
    status = err_usage(e, "%s: -p and -s are for .tiktoken files; this one has its own pattern and specials", path);
  } else if (native) {
    status = vocab_read(v, file, path, e);
  } else if (json) {
    json_t *config = NULL;
    status = load_folder_files(v, path, &config, e);
    if (status == 0) status = format_read_hf(v, file, path, config, e);
    json_decref(config);
  } else {
    status = format_read_tiktoken(v, file, path, options, e);
  }
  buffer_release(&text);
  return status;
}

/* vocab.json, merges.txt and, when it is there, tokenizer_config.json. */
static int load_gpt2(struct vocab *v, const char *ids_path, const char *merges_path, const char *config_path, struct err *e) {
  struct buffer ids = {0}, merges = {0}, config = {0};
  json_t *root = NULL;
  int status = -1;
  if (input_read_all(ids_path, &ids, e) == 0 && input_read_all(merges_path, &merges, e) == 0) status = config_path ? input_read_all(config_path, &config, e) : 0;
  if (status == 0 && config_path && !(root = parse_json(config_path, &config, e))) status = -1;
  if (status == 0) status = format_read_gpt2(v, buffer_slice(&ids), buffer_slice(&merges), root, e);
  json_decref(root);
  buffer_release(&ids);
  buffer_release(&merges);
  buffer_release(&config);
  return status;
}

static int load_folder(struct vocab *v, const char *path, const struct tokenizer_options *options, struct err *e) {
  struct buffer a = {0}, b = {0}, config = {0};
  int status;
  if (exists(path, "tokenizer.json", &a)) status = load_file(v, a.data, options, e);
  else if ((exists(path, "vocab.json", &a) && exists(path, "merges.txt", &b)) || (exists(path, "gpt2_vocab.json", &a) && exists(path, "gpt2_merges.txt", &b))) {
    status = load_gpt2(v, a.data, b.data, exists(path, "tokenizer_config.json", &config) ? config.data : NULL, e);
    if (status) err_prefix(e, "%s", path);
  } else status = err_set(e, "%s: the folder holds neither tokenizer.json nor vocab.json and merges.txt", path);
  buffer_release(&a);
  buffer_release(&b);
  buffer_release(&config);
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
  bool late = false;
  for (uint32_t id = 0; id < t->vocab.size; id++) {
    if (t->vocab.entries[id].special) specials_add(t->specials, vocab_bytes(&t->vocab, id), id);
    late = late || t->vocab.entries[id].late;
  }
  for (int pass = 0; late && pass < 2; pass++) {
    t->passes[pass] = specials_new();
    for (uint32_t id = 0; id < t->vocab.size; id++)
      if (t->vocab.entries[id].special && t->vocab.entries[id].late == (pass == 1)) specials_add(t->passes[pass], vocab_bytes(&t->vocab, id), id);
  }
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
  for (int pass = 0; pass < 2; pass++) specials_free(t->passes[pass]);
  vocab_release(&t->vocab);
  free(t);
}

/* ---- what it holds -------------------------------------------------------------------------------------------------- */

const struct vocab *tokenizer_vocab(const struct tokenizer *t) { return &t->vocab; }
uint32_t tokenizer_size(const struct tokenizer *t) { return t->vocab.size; }

/* Threads that ask at once compute the same. */
uint64_t tokenizer_hash(const struct tokenizer *shared) {
  struct tokenizer *t = (struct tokenizer *)shared;
  if (!__atomic_load_n(&t->hashed, __ATOMIC_ACQUIRE)) {
    __atomic_store_n(&t->hash, vocab_hash(&t->vocab), __ATOMIC_RELAXED);
    __atomic_store_n(&t->hashed, true, __ATOMIC_RELEASE);
  }
  return __atomic_load_n(&t->hash, __ATOMIC_RELAXED);
}

int64_t tokenizer_eot(const struct tokenizer *t) { return t->vocab.eot; }
struct slice tokenizer_bytes(const struct tokenizer *t, uint32_t id) { return vocab_bytes(&t->vocab, id); }
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id) { return id < t->vocab.size && t->vocab.entries[id].special; }
bool tokenizer_normalizes(const struct tokenizer *t) { return t->vocab.nfc; }

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

/* The formats but Hugging Face's have no flags of added tokens. */
static int check_limits(const struct tokenizer *t, struct err *e) {
  const char *limits = t->vocab.special_limits ? t->vocab.special_limits : t->vocab.special_passes;
  return limits ? err_set(e, "%s, which only tokenizer.json can say: write hf", limits) : 0;
}

int tokenizer_tsv(const struct tokenizer *t, struct buffer *out, struct err *e) {
  if (check_limits(t, e)) return -1;
  vocab_write(out, &t->vocab);
  return 0;
}

int tokenizer_write_tsv(const struct tokenizer *t, const char *path, struct err *e) {
  struct buffer text = {0};
  int status = tokenizer_tsv(t, &text, e);
  if (status == 0) status = output_file(path, text.data, text.len, e);
  buffer_release(&text);
  return status;
}

struct member { /* a file of a folder */
  const char *name;
  const struct buffer *text;
};

/* None takes its name before all are written: a full disk leaves the folder as it was. */
static int write_members(const char *folder, const struct member *members, int count, struct err *e) {
  enum { MOST = 4 };
  struct output *out[MOST] = {NULL};
  struct buffer path = {0};
  int status = 0, done = 0;
  for (int i = 0; i < count && status == 0; i++) {
    buffer_clear(&path);
    buffer_printf(&path, "%s/%s", folder, members[i].name);
    if ((status = output_open(&out[i], buffer_string(&path), 0, e))) out[i] = NULL;
    else if ((status = output_write(out[i], members[i].text->data, members[i].text->len, e)) == 0) status = output_flush(out[i], e);
  }
  for (; done < count && status == 0; done++) status = output_commit(out[done], e);
  for (; done < count; done++) output_abort(out[done]);
  buffer_release(&path);
  return status;
}

int tokenizer_write_hf(const struct tokenizer *t, const char *folder, struct err *e) {
  struct buffer text = {0}, config = {0};
  int status = format_write_hf(&text, &config, &t->vocab, e);
  struct member members[4] = {{"tokenizer_config.json", &config}};
  int count = 1;
  if (t->vocab.special_map.len) members[count++] = (struct member){"special_tokens_map.json", &t->vocab.special_map};
  if (t->vocab.chat_template.len) members[count++] = (struct member){"chat_template.jinja", &t->vocab.chat_template};
  members[count++] = (struct member){"tokenizer.json", &text};
  if (status == 0) status = write_members(folder, members, count, e);
  buffer_release(&text);
  buffer_release(&config);
  return status;
}

int tokenizer_write_gpt2(const struct tokenizer *t, const char *folder, struct err *e) {
  struct gpt2_files files = {0};
  struct buffer other = {0};
  int status = 0;
  if (exists(folder, "tokenizer.json", &other))
    status = err_set(e, "%s: the folder holds tokenizer.json, which readers take before vocab.json and merges.txt: choose another", folder);
  if (status == 0) status = check_limits(t, e);
  if (status == 0) status = format_write_gpt2(&files, &t->vocab, e);
  const struct member members[] = {{"tokenizer_config.json", &files.config}, {"vocab.json", &files.ids}, {"merges.txt", &files.merges}};
  if (status == 0) status = write_members(folder, members, 3, e);
  buffer_release(&other);
  buffer_release(&files.ids);
  buffer_release(&files.merges);
  buffer_release(&files.config);
  return status;
}

int tokenizer_write_tiktoken(const struct tokenizer *t, const char *path, struct err *e) {
  struct buffer text = {0};
  int status = format_write_tiktoken(&text, &t->vocab, e);
  if (status == 0) status = output_file(path, text.data, text.len, e);
  buffer_release(&text);
  return status;
}

/* ---- encoding ------------------------------------------------------------------------------------------------------- */

struct encoder *encoder_new(const struct tokenizer *t, size_t memory) {
  struct encoder *n = NEW(struct encoder);
  n->t = t;
  n->cache = bpe_cache_new(t->bpe, memory ? memory : 8 << 20);
  n->scratch = pretokenizer_scratch_new(t->pretokenizer);
  return n;
}

void encoder_free(struct encoder *n) {
  if (!n) return;
  bpe_cache_free(n->cache);
  pretokenizer_scratch_free(n->scratch);
  buffer_release(&n->normal);
  free(n);
}

static int encode_plain(struct encoder *n, struct slice text, struct ids *out, struct err *e) {
  uint32_t ends[BPE_PIECES];
  size_t cursor = 0;
  int count;
  if (n->t->vocab.nfc) normalize_nfc(text, &n->normal, &text);
  for (size_t from = 0; (count = pretokenize(n->t->pretokenizer, n->scratch, text, &cursor, ends, BPE_PIECES, e)) > 0; from = cursor)
    bpe_encode_pieces(n->t->bpe, n->cache, text, from, ends, count, out);
  return count;
}

/* sets: up to a NULL; each is looked for where those before it have left text over. */
static int encode_around(struct encoder *n, struct specials *const *sets, struct slice text, struct ids *out, struct err *e) {
  if (!*sets) return encode_plain(n, text, out, e);
  for (size_t from = 0; from < text.len;) {
    size_t length = 0;
    uint32_t id = 0;
    size_t at = specials_find(*sets, text, from, &length, &id);
    if (at > from && encode_around(n, sets + 1, (struct slice){text.data + from, at - from}, out, e)) return -1;
    if (at == text.len) break;
    ids_reserve(out, 1);
    out->data[out->len++] = id;
    from = at + length;
  }
  return 0;
}

int encoder_encode(struct encoder *n, struct slice text, bool allow_special, struct ids *out, struct err *e) {
  const struct tokenizer *t = n->t;
  if (!allow_special || specials_count(t->specials) == 0) return encode_plain(n, text, out, e);
  if (t->vocab.special_limits) return err_set(e, "specials in text: %s, which is not supported", t->vocab.special_limits);
  struct specials *const sets[] = {t->passes[0] ? t->passes[0] : t->specials, t->passes[1], NULL};
  return encode_around(n, sets, text, out, e);
}

size_t tokenizer_cut(const struct tokenizer *t, struct slice text, bool allow_special) {
  size_t at = text.len;
  do {
    at = pretokenizer_cut(t->pretokenizer, allow_special ? t->specials : NULL, (struct slice){text.data, at});
  } while (at > 0 && t->vocab.nfc && !normalize_cut(text, at) && --at > 0);
  return at;
}

int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t n, struct buffer *out, struct err *e) {
  for (size_t i = 0; i < n; i++) {
    struct slice bytes = vocab_bytes(&t->vocab, ids[i]);
    if (bytes.len == 0) return err_set(e, "id %" PRIu32 " is not in the vocabulary", ids[i]);
    buffer_append_slice(out, bytes);
  }
  return 0;
}
