/* SPDX-License-Identifier: MIT
 *
 * Hugging Face's tokenizer.json for byte-level BPE (github.com/huggingface/tokenizers, tokenizers/src/tokenizer/
 * serialization.rs, models/bpe/serialization.rs, pre_tokenizers/).  What cannot be expressed is refused by name: other
 * models, normalizers but NFC, pre-tokenizers that change the text.  Added tokens become specials, but for those that
 * merges make.  The two large values, model.vocab and model.merges, are read as they stand; the rest as a tree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/token/formats.h"
#include "common/token/pattern.h"

static const char *type_of(const json_t *node) {
  const char *s = json_string_value(json_object_get(node, "type"));
  return s ? s : "?";
}

static bool is_true(const json_t *node, const char *key, bool missing) {
  const json_t *v = json_object_get(node, key);
  return v && !json_is_null(v) ? json_is_true(v) : missing;
}

/* ---- pre-tokenizer -------------------------------------------------------------------------------------------------- */

struct stages {
  struct buffer text; /* newline between */
  bool bytes;         /* ByteLevel was there */
};

static void add_stage(struct stages *s, const char *pattern) {
  if (s->text.len) buffer_put(&s->text, '\n');
  pattern_canonical(&s->text, pattern, false);
}

static int read_split(struct stages *s, const json_t *node, struct err *e) {
  const json_t *pattern = json_object_get(node, "pattern");
  const char *regex = json_string_value(json_object_get(pattern, "Regex")), *string = json_string_value(json_object_get(pattern, "String"));
  const char *behavior = json_string_value(json_object_get(node, "behavior"));
  if (!behavior || strcmp(behavior, "Isolated") || is_true(node, "invert", false)) return err_set(e, "pre-tokenizer Split with behavior %s%s is not supported", behavior ? behavior : "?", is_true(node, "invert", false) ? ", inverted" : "");
  if (regex && *regex) {
    if (strstr(regex, "&&")) return err_set(e, "the pattern intersects character classes (&&), which is not supported");
    add_stage(s, regex);
  } else if (string && *string) {
    struct buffer quoted = {0};
    for (const char *c = string; *c; c++) {
      if (strchr("\\^$.|?*+()[]{}-#/", *c)) buffer_put(&quoted, '\\');
      buffer_put(&quoted, *c);
    }
    add_stage(s, buffer_string(&quoted));
    buffer_release(&quoted);
  } else return err_set(e, "pre-tokenizer Split has no pattern");
  return 0;
}

static int read_stages(struct stages *s, const json_t *node, int depth, struct err *e) {
  const char *type = type_of(node);
  if (!node || json_is_null(node)) return 0;
  if (strcmp(type, "Sequence") == 0 && depth < 8) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "pretokenizers"), i, item)
      if (read_stages(s, item, depth + 1, e)) return -1;
    return 0;
  }
  if (s->bytes) return err_set(e, "pre-tokenizer %s after ByteLevel is not supported", type);
  if (strcmp(type, "ByteLevel") == 0) {
    if (is_true(node, "add_prefix_space", true)) return err_set(e, "ByteLevel with add_prefix_space is not supported");
    if (is_true(node, "use_regex", true)) add_stage(s, "gpt2");
    s->bytes = true;
    return 0;
  }
  if (strcmp(type, "Split") == 0) return read_split(s, node, e);
  if (strcmp(type, "Digits") == 0) {
    add_stage(s, is_true(node, "individual_digits", false) ? "\\p{N}" : "\\p{N}+");
    return 0;
  }
  return err_set(e, "pre-tokenizer %s is not supported", type);
}

/* NFC, once or more often, or nothing. */
static int read_normalizer(struct vocab *v, const json_t *node, int depth, struct err *e) {
  if (!node || json_is_null(node)) return 0;
  if (strcmp(type_of(node), "Sequence") == 0 && depth < 8) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "normalizers"), i, item)
      if (read_normalizer(v, item, depth + 1, e)) return -1;
    return 0;
  }
  if (strcmp(type_of(node), "NFC")) return err_set(e, "normalizer %s is not supported (NFC is)", type_of(node));
  v->nfc = true;
  return 0;
}

/* ---- post-processor ------------------------------------------------------------------------------------------------- */

static void put_around(struct vocab *v, bool before, int64_t id) {
  if (id < 0 || id >= v->size) return;
  uint32_t **list = before ? &v->prefix : &v->suffix;
  int *count = before ? &v->prefix_count : &v->suffix_count;
  *list = RESIZE(*list, (size_t)*count + 1);
  (*list)[(*count)++] = (uint32_t)id;
}

static void read_post_processor(struct vocab *v, const json_t *node, int depth) {
  const char *type = type_of(node);
  size_t i, k;
  json_t *item, *id;
  if (!node || json_is_null(node) || depth > 8) return;
  if (strcmp(type, "Sequence") == 0) {
    json_array_foreach(json_object_get(node, "processors"), i, item) read_post_processor(v, item, depth + 1);
  } else if (strcmp(type, "TemplateProcessing") == 0) {
    bool before = true;
    json_array_foreach(json_object_get(node, "single"), i, item) {
      const char *name = json_string_value(json_object_get(json_object_get(item, "SpecialToken"), "id"));
      if (json_object_get(item, "Sequence")) before = false;
      if (!name) continue;
      json_array_foreach(json_object_get(json_object_get(json_object_get(node, "special_tokens"), name), "ids"), k, id)
        if (json_is_integer(id)) put_around(v, before, json_integer_value(id));
    }
  } else if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
    const json_t *cls = json_array_get(json_object_get(node, "cls"), 1), *sep = json_array_get(json_object_get(node, "sep"), 1);
    if (json_is_integer(cls)) put_around(v, true, json_integer_value(cls));
    if (json_is_integer(sep)) put_around(v, false, json_integer_value(sep));
  }
}

int64_t format_find_special(const struct vocab *v, struct slice name) {
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].special && slice_equal(vocab_bytes(v, id), name)) return id;
  return -1;
}

const char *format_token_name(const json_t *config, const char *key) {
  const json_t *token = json_object_get(config, key);
  return json_is_object(token) ? json_string_value(json_object_get(token, "content")) : json_string_value(token);
}

static int64_t config_token(const struct vocab *v, const json_t *config, const char *key) {
  const char *name = format_token_name(config, key);
  return name ? format_find_special(v, slice_of(name)) : -1;
}

/* ---- added tokens --------------------------------------------------------------------------------------------------- */

/* Whether an entry of added_tokens is of this vocabulary. */
static bool is_added(const struct vocab *v, const json_t *token) {
  const char *content = json_string_value(json_object_get(token, "content"));
  const json_t *number = json_object_get(token, "id");
  json_int_t id = json_integer_value(number);
  return content && json_is_integer(number) && id >= 0 && id < v->size && slice_equal(vocab_bytes(v, (uint32_t)id), slice_of(content));
}

/* Keeps the first reason. */
static void limit(char **reason, const char *name, const char *why) {
  struct buffer text = {0};
  if (*reason) return;
  buffer_printf(&text, "added token %.80s %s", name, why);
  *reason = STRDUP(buffer_string(&text));
  buffer_release(&text);
}

/* Whether an occurrence of a and one of b may share bytes, neither being a part of the other from its start. */
static bool overlap(const char *a, const char *b) {
  size_t m = strlen(a), n = strlen(b);
  for (size_t i = 0; i < m; i++)
    if (memcmp(a + i, b, m - i < n ? m - i : n) == 0) return true;
  return false;
}

enum { ADDED_LIMIT = 8192 }; /* pairs of them are compared */

/* The library takes first the tokens that are not `normalized`, and the others in a pass of their own.  One pass over all
 * is the same where no two of different passes can overlap. */
static void check_added(struct vocab *v, const json_t *tokens) {
  size_t i, k;
  json_t *one, *other;
  json_array_foreach(tokens, i, one) {
    const char *name = json_string_value(json_object_get(one, "content"));
    json_int_t id = json_integer_value(json_object_get(one, "id"));
    if (!name || !is_added(v, one)) continue;
    if (is_true(one, "lstrip", false) || is_true(one, "rstrip", false)) limit(&v->special_limits, name, "takes the white space beside it (lstrip or rstrip)");
    if (is_true(one, "single_word", false)) limit(&v->special_limits, name, "is taken only between words (single_word)");
    if (!is_true(one, "normalized", false)) continue;
    if (v->nfc) limit(&v->special_limits, name, "is looked for in normalised text (normalized)");
    v->entries[id].late = v->entries[id].special;
    if (json_array_size(tokens) > ADDED_LIMIT) limit(&v->special_passes, name, "is one of too many of two passes (normalized)");
    json_array_foreach(tokens, k, other) {
      if (v->special_passes) break;
      const char *text = json_string_value(json_object_get(other, "content"));
      if (text && !is_true(other, "normalized", false) && (overlap(name, text) || overlap(text, name))) limit(&v->special_passes, name, "is looked for after others that it can overlap (normalized)");
    }
  }
}

/* ---- model ---------------------------------------------------------------------------------------------------------- */

static bool empty(const json_t *model, const char *key) {
  const json_t *v = json_object_get(model, key);
  return !v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) || (json_is_number(v) && json_number_value(v) == 0);
}

static int check_model(const json_t *model, struct err *e) {
  static const char *const must_be_empty[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix"};
  if (!json_is_object(model)) return err_set(e, "no model: not a tokenizer.json");
  const json_t *type = json_object_get(model, "type");
  if (type && strcmp(type_of(model), "BPE")) return err_set(e, "model %s is not supported, only byte-level BPE", type_of(model));
  for (size_t i = 0; i < sizeof must_be_empty / sizeof must_be_empty[0]; i++)
    if (!empty(model, must_be_empty[i])) return err_set(e, "BPE with %s is not supported", must_be_empty[i]);
  if (is_true(model, "byte_fallback", false)) return err_set(e, "BPE with byte_fallback (SentencePiece) is not supported, only byte-level BPE");
  if (!json_is_object(json_object_get(model, "vocab"))) return err_set(e, "model.vocab is not an object");
  if (!json_is_array(json_object_get(model, "merges"))) return err_set(e, "model.merges is not an array");
  return 0;
}

/* Cuts the two large values out of the text: what is left is small enough for a tree.  Newlines stay, so that errors
 * name the right line. */
struct cut {
  const char *start; /* of the whole text: errors count lines from there */
  struct slice vocabulary, merges;
  struct buffer rest;
};

static int read_vocabulary(struct spelled *s, const struct cut *cut, const uint8_t *added, struct err *e) {
  struct json_cursor c = json_cursor(cut->vocabulary);
  struct slice name;
  uint32_t id;
  c.start = cut->start;
  json_take(&c, '{');
  if (json_take(&c, '}')) return 0;
  do {
    if (json_take_string(&c, &s->scratch, &name, e) || json_expect(&c, ':', e)) return err_prefix(e, "model.vocab");
    if (json_take_natural(&c, &id, e)) return err_prefix(e, "model.vocab: token %.*s", (int)(name.len < 80 ? name.len : 80), name.data);
    bool may_be_special = id < VOCAB_LIMIT && added[id >> 3] >> (id & 7) & 1;
    if (spelled_token(s, name, id, may_be_special, e)) return err_prefix(e, "model.vocab");
  } while (json_take(&c, ','));
  return json_expect(&c, '}', e) ? err_prefix(e, "model.vocab") : 0;
}

/* A merge is "left right" or ["left", "right"]. */
static int read_merges(struct spelled *s, const struct cut *cut, struct err *e) {
  struct json_cursor c = json_cursor(cut->merges);
  struct buffer second = {0};
  int status = 0;
  c.start = cut->start;
  json_take(&c, '[');
  if (json_take(&c, ']')) return 0;
  size_t i = 0;
  do {
    struct slice left, right = {0};
    bool pair = json_take(&c, '[');
    if (pair) status = json_take_string(&c, &s->scratch, &left, e) || json_expect(&c, ',', e) || json_take_string(&c, &second, &right, e) || json_expect(&c, ']', e) ? -1 : 0;
    else if ((status = json_take_string(&c, &s->scratch, &left, e)) == 0) {
      const char *space = left.len ? memchr(left.data, ' ', left.len) : NULL;
      if (!space) status = err_set(e, "not a pair");
      else {
        right = (struct slice){space + 1, left.len - (size_t)(space - left.data) - 1};
        left.len = (size_t)(space - left.data);
      }
    }
    if (status == 0) status = spelled_merge(s, left, right, e);
    if (status) err_prefix(e, "model.merges[%zu]", i);
    i++;
  } while (status == 0 && json_take(&c, ','));
  if (status == 0 && json_expect(&c, ']', e)) status = err_prefix(e, "model.merges");
  buffer_release(&second);
  return status;
}

/* Those that the vocabulary lacks become specials; the others are what they were found to be. */
static int add_added(struct vocab *v, const json_t *tokens, const struct hashmap *specials, struct buffer *bytes, struct err *e) {
  size_t i;
  json_t *value;
  json_array_foreach(tokens, i, value) {
    const char *content = json_string_value(json_object_get(value, "content"));
    uint32_t id = (uint32_t)json_integer_value(json_object_get(value, "id"));
    struct slice known = vocab_bytes(v, id), text = slice_of(content);
    const uint64_t *special = hashmap_find(specials, text);
    buffer_clear(bytes);
    int64_t ordinary = format_characters(bytes, text.data, text.len) == 0 ? vocab_find(v, buffer_slice(bytes)) : -1;
    if ((special && *special != id) || (ordinary >= 0 && ordinary != id)) return err_set(e, "added token %.80s has two ids", content);
    if (ordinary == id) limit(&v->special_limits, content, "is also one that merges make");
    else if (known.len && !special) return err_set(e, "added token %.80s has the id of another token", content);
    else if (!known.len && vocab_add_special(v, id, text, e)) return err_prefix(e, "added token %.80s", content);
  }
  return 0;
}

static int read_tokens(struct vocab *v, const json_t *root, const struct cut *cut, struct err *e) {
  const json_t *tokens = json_object_get(root, "added_tokens"), *model = json_object_get(root, "model");
  uint8_t *added = NEW_ARRAY(uint8_t, VOCAB_LIMIT / 8); /* a bit an id */
  struct spelled s;
  size_t i;
  json_t *value;
  int status = 0;
  json_array_foreach(tokens, i, value) {
    const json_t *id = json_object_get(value, "id");
    const char *content = json_string_value(json_object_get(value, "content"));
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) >= VOCAB_LIMIT || !content || !*content) {
      status = err_set(e, "added_tokens[%zu] lacks its id (below %u) or content", i, VOCAB_LIMIT);
      break;
    }
    uint32_t number = (uint32_t)json_integer_value(id);
    added[number >> 3] |= (uint8_t)(1 << (number & 7));
  }
  spelled_init(&s, v);
  if (status == 0) status = read_vocabulary(&s, cut, added, e);
  if (status == 0) status = read_merges(&s, cut, e);
  if (status == 0) status = spelled_finish(&s, is_true(model, "ignore_merges", false), e);
  struct hashmap *specials = hashmap_new();
  for (uint32_t id = 0; id < v->size && status == 0; id++) {
    if (!v->entries[id].special) continue;
    bool first;
    *hashmap_put(specials, vocab_bytes(v, id), &first) = id;
    if (!first) status = err_set(e, "model.vocab: the text of token %" PRIu32 " occurs twice", id);
  }
  if (status == 0) status = add_added(v, tokens, specials, &s.bytes, e);
  hashmap_free(specials);
  spelled_release(&s);
  free(added);
  return status;
}

/* ---- the file ------------------------------------------------------------------------------------------------------- */

static void cut_out(struct cut *cut, const char **copied, const char *from, const char *to) {
  buffer_append(&cut->rest, *copied, (size_t)(from - *copied));
  buffer_put(&cut->rest, *from);
  for (const char *p = from; (p = memchr(p, '\n', (size_t)(to - p))); p++) buffer_put(&cut->rest, '\n');
  buffer_put(&cut->rest, to[-1]);
  *copied = to;
}

static int cut_file(struct cut *cut, struct slice file, struct err *e) {
  struct json_cursor c = json_cursor(file);
  struct buffer scratch = {0};
  struct slice key;
  const char *copied = file.data;
  int status = json_expect(&c, '{', e), depth = 1;
  bool first = true;
  /* One level of members, and within "model" another. */
  while (status == 0 && depth > 0) {
    if (json_take(&c, '}')) {
      depth--;
      first = false;
      continue;
    }
    if (!first && (status = json_expect(&c, ',', e))) break;
    first = false;
    if ((status = json_take_string(&c, &scratch, &key, e)) || (status = json_expect(&c, ':', e))) break;
    if (depth == 1 && slice_equal(key, SLICE("model")) && json_take(&c, '{')) {
      depth = 2;
      first = true;
      continue;
    }
    struct slice *value = depth == 2 && slice_equal(key, SLICE("vocab")) ? &cut->vocabulary : depth == 2 && slice_equal(key, SLICE("merges")) ? &cut->merges : NULL;
    bool opens = json_take(&c, value == &cut->merges ? '[' : '{');
    if (opens) c.at--;
    const char *from = c.at;
    if ((status = json_skip(&c, e))) break;
    if (!value || !opens) continue;
    if (value->data) status = err_set(e, "model.%.*s occurs twice", (int)key.len, key.data);
    *value = (struct slice){from, (size_t)(c.at - from)};
    cut_out(cut, &copied, from, c.at);
  }
  if (status == 0) buffer_append(&cut->rest, copied, file.len - (size_t)(copied - file.data));
  buffer_release(&scratch);
  return status;
}

static int read_root(struct vocab *v, const json_t *root, const struct cut *cut, const json_t *config, struct err *e) {
  const json_t *model = json_object_get(root, "model");
  if (check_model(model, e) || read_normalizer(v, json_object_get(root, "normalizer"), 0, e)) return -1;
  struct stages stages = {0};
  if (read_stages(&stages, json_object_get(root, "pre_tokenizer"), 0, e)) {
    buffer_release(&stages.text);
    return -1;
  }
  v->pattern = STRDUP(stages.text.len ? buffer_string(&stages.text) : "none");
  buffer_release(&stages.text);
  if (!stages.bytes) return err_set(e, "no ByteLevel pre-tokenizer: not byte-level BPE");
  if (read_tokens(v, root, cut, e)) return -1;
  v->eot = config_token(v, config, "eos_token");
  static const char *const usual[] = {"<|endoftext|>", "<|end_of_text|>", "<\xEF\xBD\x9C" "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>", "</s>"};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0] && v->eot < 0; i++) v->eot = format_find_special(v, slice_of(usual[i]));
  check_added(v, json_object_get(root, "added_tokens"));
  char *added = json_dumps(json_object_get(root, "added_tokens"), JSON_COMPACT);
  if (added) buffer_append_string(&v->added, added);
  free(added);
  read_post_processor(v, json_object_get(root, "post_processor"), 0);
  if (v->prefix_count == 0 && is_true(config, "add_bos_token", false)) put_around(v, true, config_token(v, config, "bos_token"));
  return 0;
}

int format_read_hf(struct vocab *v, struct slice file, const char *name, const json_t *config, struct err *e) {
  struct cut cut = {.start = file.data};
  json_error_t error;
  json_t *root = NULL;
  int status = cut_file(&cut, file, e);
  if (status == 0 && !(root = json_parse(cut.rest.data, cut.rest.len, 0, &error))) status = err_set(e, "line %d: %s", error.line, error.text);
  if (status == 0) status = read_root(v, root, &cut, config, e);
  json_decref(root);
  buffer_release(&cut.rest);
  if (status == 0) return 0;
  unsigned long line;
  int n = 0;
  if (sscanf(e->message, "line %lu: %n", &line, &n) != 1 || n == 0) return err_prefix(e, "%s", name);
  memmove(e->message, e->message + n, strlen(e->message + n) + 1);
  return err_prefix(e, "%s:%lu", name, line);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void write_pre_tokenizer(struct buffer *out, const char *pattern) {
  static const char *const byte_level = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":%s}";
  if (strcmp(pattern, "gpt2") == 0) {
    buffer_printf(out, byte_level, "true");
    return;
  }
  buffer_append_string(out, "{\"type\":\"Sequence\",\"pretokenizers\":[");
  while (*pattern) {
    size_t n = strcspn(pattern, "\n");
    char *stage = COPY(pattern, n);
    const char *regex = pattern_regex(stage);
    if (!regex) regex = stage;
    if (*regex) {
      buffer_append_string(out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
      json_append_string(out, slice_of(regex));
      buffer_append_string(out, "},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    free(stage);
    pattern += n + (pattern[n] != 0);
  }
  buffer_printf(out, byte_level, "false");
  buffer_append_string(out, "]}");
}

static void write_template(struct buffer *out, const struct vocab *v) {
  if (v->prefix_count == 0 && v->suffix_count == 0) {
    buffer_append_string(out, "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":false,\"use_regex\":true}");
    return;
  }
  for (int pair = 0; pair < 2; pair++) {
    buffer_append_string(out, pair ? "],\"pair\":[" : "{\"type\":\"TemplateProcessing\",\"single\":[");
    const char *comma = "";
    for (int part = 0; part <= pair; part++) {
      for (int i = 0; i < v->prefix_count; i++, comma = ",") {
        buffer_printf(out, "%s{\"SpecialToken\":{\"id\":", comma);
        json_append_string(out, vocab_bytes(v, v->prefix[i]));
        buffer_printf(out, ",\"type_id\":%d}}", part);
      }
      buffer_printf(out, "%s{\"Sequence\":{\"id\":\"%c\",\"type_id\":%d}}", comma, 'A' + part, part);
      comma = ",";
      for (int i = 0; i < v->suffix_count; i++) {
        buffer_append_string(out, ",{\"SpecialToken\":{\"id\":");
        json_append_string(out, vocab_bytes(v, v->suffix[i]));
        buffer_printf(out, ",\"type_id\":%d}}", part);
      }
    }
  }
  buffer_append_string(out, "],\"special_tokens\":{");
  const char *comma = "";
  for (int i = 0; i < v->prefix_count + v->suffix_count; i++) {
    uint32_t id = i < v->prefix_count ? v->prefix[i] : v->suffix[i - v->prefix_count];
    bool repeated = false;
    for (int k = 0; k < i; k++) repeated = repeated || (k < v->prefix_count ? v->prefix[k] : v->suffix[k - v->prefix_count]) == id;
    if (repeated) continue;
    buffer_append_string(out, comma);
    comma = ",";
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, ":{\"id\":");
    json_append_string(out, vocab_bytes(v, id));
    buffer_printf(out, ",\"ids\":[%" PRIu32 "],\"tokens\":[", id);
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, "]}");
  }
  buffer_append_string(out, "}}");
}

static void write_model(struct buffer *out, const struct vocab *v) {
  bool whole = false;
  struct buffer text = {0};
  const char *comma = "";
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length > 1 && !t->special && t->left == VOCAB_NONE) whole = true;
  }
  buffer_append_string(out, "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,");
  buffer_printf(out, "\"ignore_merges\":%s,\"vocab\":{", whole ? "true" : "false");
  for (uint32_t id = 0; id < v->size; id++) {
    if (v->entries[id].length == 0) continue;
    buffer_clear(&text);
    if (v->entries[id].special) buffer_append_slice(&text, vocab_bytes(v, id));
    else format_spell(&text, vocab_bytes(v, id));
    buffer_append_string(out, comma);
    comma = ",";
    json_append_string(out, buffer_slice(&text));
    buffer_printf(out, ":%" PRIu32, id);
  }
  buffer_append_string(out, "},\"merges\":[");
  size_t count;
  uint32_t *order = format_merge_order(v, &count);
  for (size_t i = 0; i < count; i++) {
    const struct vocab_entry *t = &v->entries[order[i]];
    buffer_clear(&text);
    format_spell(&text, vocab_bytes(v, t->left));
    buffer_put(&text, ' ');
    format_spell(&text, vocab_bytes(v, t->right));
    if (i) buffer_put(out, ',');
    json_append_string(out, buffer_slice(&text));
  }
  buffer_append_string(out, "]}");
  buffer_release(&text);
  free(order);
}

/* By id, those read from a file with the flags they had. */
static void write_added(struct buffer *out, const struct vocab *v) {
  json_t *kept = v->added.len ? json_loadb(v->added.data, v->added.len, 0, NULL) : NULL, *token;
  const json_t **by_id = NEW_ARRAY(const json_t *, (size_t)v->size + 1);
  const char *comma = "";
  size_t i;
  json_array_foreach(kept, i, token)
    if (is_added(v, token)) by_id[json_integer_value(json_object_get(token, "id"))] = token;
  for (uint32_t id = 0; id < v->size; id++) {
    if (!v->entries[id].special && !by_id[id]) continue;
    buffer_append_string(out, comma);
    comma = ",";
    char *text = by_id[id] ? json_dumps(by_id[id], JSON_COMPACT) : NULL;
    if (text) {
      buffer_append_string(out, text);
      free(text);
      continue;
    }
    buffer_printf(out, "{\"id\":%" PRIu32 ",\"content\":", id);
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}");
  }
  free(by_id);
  json_decref(kept);
}

/* Whether the configuration names tokens of this vocabulary, by the ids that they have. */
static bool config_fits(const struct vocab *v, json_t *config) {
  const char *key;
  json_t *token;
  if (!json_is_object(config)) return false;
  json_object_foreach(json_object_get(config, "added_tokens_decoder"), key, token) {
    const char *content = json_string_value(json_object_get(token, "content"));
    unsigned long id = strtoul(key, NULL, 10);
    if (!content || id >= v->size || !slice_equal(vocab_bytes(v, (uint32_t)id), slice_of(content))) return false;
  }
  const char *eos = format_token_name(config, "eos_token");
  if (eos) return v->eot >= 0 && slice_equal(vocab_bytes(v, (uint32_t)v->eot), slice_of(eos));
  return true;
}

/* jansson has no whole numbers beyond 64 bits; with one in the file json_parse() made all of them reals. */
static void restore_integers(json_t *node) {
  const char *key;
  size_t i;
  json_t *value;
  if (json_is_object(node)) {
    json_object_foreach(node, key, value) {
      double x = json_real_value(value);
      if (json_is_real(value) && x == (double)(int64_t)x && x > -0x1p53 && x < 0x1p53) json_object_set_new(node, key, json_integer((json_int_t)x));
      else restore_integers(value);
    }
  } else json_array_foreach(node, i, value) restore_integers(value);
}

static void write_config(struct buffer *out, const struct vocab *v) {
  json_t *config = v->config.len ? json_parse(v->config.data, v->config.len, 0, &(json_error_t){0}) : NULL;
  if (config && config_fits(v, config)) {
    buffer_append_slice(out, buffer_slice(&v->config));
    json_decref(config);
    return;
  }
  if (json_is_object(config)) {
    restore_integers(config);
    json_object_del(config, "added_tokens_decoder"); /* tokenizer.json has them */
    json_object_del(config, "eos_token");
    static const char *const others[] = {"bos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
      if (config_token(v, config, others[i]) < 0) json_object_del(config, others[i]);
  } else {
    json_decref(config);
    config = json_object();
    json_object_set_new(config, "add_prefix_space", json_false());
    json_object_set_new(config, "clean_up_tokenization_spaces", json_false());
    json_object_set_new(config, "model_max_length", json_real(1e30));
    json_object_set_new(config, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    if (v->prefix_count || v->eot >= 0) {
      struct slice bos = vocab_bytes(v, v->prefix_count ? v->prefix[0] : (uint32_t)v->eot);
      json_object_set_new(config, "bos_token", json_stringn(bos.data, bos.len));
    }
  }
  if (v->eot >= 0) {
    struct slice eos = vocab_bytes(v, (uint32_t)v->eot);
    json_object_set_new(config, "eos_token", json_stringn(eos.data, eos.len));
  }
  char *text = json_dumps(config, JSON_INDENT(2) | JSON_SORT_KEYS);
  buffer_append_string(out, text);
  buffer_put(out, '\n');
  free(text);
  json_decref(config);
}

int format_write_hf(struct buffer *out, struct buffer *config, const struct vocab *v, struct err *e) {
  if (format_check_spelling(v, "tokenizer.json", e)) return -1;
  buffer_append_string(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[");
  write_added(out, v);
  buffer_append_string(out, v->nfc ? "],\"normalizer\":{\"type\":\"NFC\"},\"pre_tokenizer\":" : "],\"normalizer\":null,\"pre_tokenizer\":");
  write_pre_tokenizer(out, v->pattern);
  buffer_append_string(out, ",\"post_processor\":");
  write_template(out, v);
  buffer_append_string(out, ",\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"model\":");
  write_model(out, v);
  buffer_append_string(out, "}\n");
  write_config(config, v);
  return 0;
}
