/* SPDX-License-Identifier: MIT
 *
 * GPT-2's pair of files (github.com/openai/gpt-2, src/encoder.py): vocab.json, an object token -> id, and merges.txt,
 * lines LEFT RIGHT after "#version"; tokens in the byte-level alphabet.  The pattern is GPT-2's, which no file says.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/token/formats.h"

static int read_merges(struct spelled *s, struct slice file, struct err *e) {
  for (size_t line = 1; file.len; line++) {
    const char *newline = memchr(file.data, '\n', file.len);
    size_t n = newline ? (size_t)(newline - file.data) : file.len, used = n + (newline != NULL);
    if (n && file.data[n - 1] == '\r') n--;
    const char *space = memchr(file.data, ' ', n);
    if (n && !(line == 1 && slice_starts((struct slice){file.data, n}, SLICE("#version")))) {
      if (!space) return err_set(e, "merges.txt:%zu: expected LEFT RIGHT", line);
      size_t left = (size_t)(space - file.data);
      if (spelled_merge(s, (struct slice){file.data, left}, (struct slice){space + 1, n - left - 1}, e)) return err_prefix(e, "merges.txt:%zu", line);
    }
    file = (struct slice){file.data + used, file.len - used};
  }
  return 0;
}

/* A token that no merge makes is a special. */
static int read_ids(struct spelled *s, struct slice file, struct err *e) {
  struct json_cursor c = json_cursor(file);
  struct slice name;
  uint32_t id;
  if (json_expect(&c, '{', e)) return -1;
  if (!json_take(&c, '}')) {
    do {
      if (json_take_string(&c, &s->scratch, &name, e) || json_expect(&c, ':', e) || json_take_natural(&c, &id, e) || spelled_token(s, name, id, true, e)) return -1;
    } while (json_take(&c, ','));
    if (json_expect(&c, '}', e)) return -1;
  }
  json_take(&c, '\n');
  return c.at == c.end ? 0 : err_set(e, "text follows the object");
}

/* Specials that only tokenizer_config.json knows. */
static int read_added(struct vocab *v, const json_t *config, struct err *e) {
  const char *key;
  json_t *token;
  json_object_foreach(json_object_get(config, "added_tokens_decoder"), key, token) {
    const char *content = json_string_value(json_object_get(token, "content"));
    char *end;
    unsigned long id = strtoul(key, &end, 10);
    if (!content || !*content || *end || id >= VOCAB_LIMIT) return err_set(e, "tokenizer_config.json: added token %.80s lacks an id or its content", key);
    struct slice known = vocab_bytes(v, (uint32_t)id);
    if (known.len == 0) {
      if (vocab_add_special(v, (uint32_t)id, slice_of(content), e)) return -1;
    } else if (v->entries[id].special && !slice_equal(known, slice_of(content))) return err_set(e, "tokenizer_config.json: added token %lu is not that of vocab.json", id);
  }
  return 0;
}

int format_read_gpt2(struct vocab *v, struct slice ids, struct slice merges, const json_t *config, struct err *e) {
  struct spelled s;
  spelled_init(&s, v);
  v->pattern = STRDUP("gpt2");
  int status = read_ids(&s, ids, e) ? err_prefix(e, "vocab.json") : 0;
  if (status == 0) status = read_merges(&s, merges, e);
  if (status == 0) status = spelled_finish(&s, false, e);
  if (status == 0) status = read_added(v, config, e);
  spelled_release(&s);
  const char *name = format_token_name(config, "eos_token");
  if (status == 0) v->eot = name ? format_find_special(v, slice_of(name)) : -1;
  if (status == 0 && v->eot < 0) v->eot = format_find_special(v, SLICE("<|endoftext|>"));
  return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static int check_tokens(const struct vocab *v, struct err *e) {
  if (strcmp(v->pattern, "gpt2")) return err_set(e, "the pattern is not gpt2, the only one that vocab.json and merges.txt stand for: write hf or tsv");
  if (v->nfc) return err_set(e, "vocab.json and merges.txt cannot say that text is normalised: write hf or tsv");
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length > 1 && !t->special && t->rank == VOCAB_NONE) return err_set(e, "no merge makes token %" PRIu32 ", which merges.txt cannot say: write hf or tsv", id);
  }
  return format_check_spelling(v, "vocab.json", e);
}

static void write_config(struct buffer *out, const struct vocab *v) {
  buffer_append_string(out, "{\n  \"add_prefix_space\": false,\n  \"added_tokens_decoder\": {");
  const char *comma = "";
  for (uint32_t id = 0; id < v->size; id++) {
    if (!v->entries[id].special) continue;
    buffer_printf(out, "%s\n    \"%" PRIu32 "\": {\"content\": ", comma, id);
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, ", \"lstrip\": false, \"normalized\": false, \"rstrip\": false, \"single_word\": false, \"special\": true}");
    comma = ",";
  }
  buffer_append_string(out, "\n  },\n");
  /* transformers takes <|endoftext|> for a token that is null or not named, and would add it. */
  static const char *const names[] = {"bos_token", "eos_token", "unk_token"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    buffer_printf(out, "  \"%s\": ", names[i]);
    if (v->eot >= 0) json_append_string(out, vocab_bytes(v, (uint32_t)v->eot));
    else buffer_append_string(out, "null");
    buffer_append_string(out, ",\n");
  }
  buffer_append_string(out, "  \"clean_up_tokenization_spaces\": false,\n  \"model_max_length\": 1000000000000000019884624838656,\n  \"tokenizer_class\": \"GPT2Tokenizer\"\n}\n");
}

int format_write_gpt2(struct gpt2_files *files, const struct vocab *v, struct err *e) {
  if (check_tokens(v, e)) return -1;
  struct buffer text = {0};
  buffer_put(&files->ids, '{');
  for (uint32_t id = 0; id < v->size; id++) {
    if (v->entries[id].length == 0) continue;
    buffer_clear(&text);
    if (v->entries[id].special) buffer_append_slice(&text, vocab_bytes(v, id));
    else format_spell(&text, vocab_bytes(v, id));
    if (files->ids.len > 1) buffer_append_string(&files->ids, ", ");
    json_append_string(&files->ids, buffer_slice(&text));
    buffer_printf(&files->ids, ": %" PRIu32, id);
  }
  buffer_append_string(&files->ids, "}\n");
  buffer_release(&text);
  buffer_append_string(&files->merges, "#version: 0.2\n");
  size_t count;
  uint32_t *order = format_merge_order(v, &count);
  int status = 0;
  for (size_t i = 0; i < count && status == 0; i++) {
    const struct vocab_entry *t = &v->entries[order[i]];
    struct slice left = vocab_bytes(v, t->left);
    if (slice_starts(left, SLICE("#version"))) status = err_set(e, "the merge of token %" PRIu32 " would look like the first line of merges.txt: write hf or tsv", order[i]);
    format_spell(&files->merges, left);
    buffer_put(&files->merges, ' ');
    format_spell(&files->merges, vocab_bytes(v, t->right));
    buffer_put(&files->merges, '\n');
  }
  free(order);
  write_config(&files->config, v);
  return status;
}
