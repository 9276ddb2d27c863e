/* SPDX-License-Identifier: MIT
 *
 * What a token of a tokenizer adds is looked up by its id: length, characters, script.  Only one that begins inside a
 * character, or has no script before bytes that are not a whole character, is looked at in its text.
 */
#include "tools/bpe-encode/ratio.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"

enum { LOOK = 255, MOST_CHARACTERS = (1 << 24) - 1 };
_Static_assert((int)SCRIPTS <= (int)LOOK, "LOOK is no script");

struct token {
  uint32_t bytes;
  uint32_t characters : 24, script : 8; /* LOOK: by the text */
};

struct ratio {
  const struct scheme *scheme;
  struct scripts *scripts;
  struct token *tokens; /* by id; NULL for schemes without tokenizer */
};

static bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* Of an id's bytes alone. */
static struct token describe(const struct scripts *scripts, struct slice s, bool special) {
  struct token t = {.bytes = (uint32_t)s.len, .characters = utf8_count(s.data, s.len) & MOST_CHARACTERS};
  for (size_t at = 0; at < s.len && !special;) {
    uint32_t u;
    int invalid, n = utf8_decode(s.data + at, s.len - at, &u, &invalid);
    t.script = n ? script_of(scripts, u) : LOOK;
    if (t.script) break;
    at += (size_t)n;
  }
  return t;
}

int ratio_new(struct ratio **out, const struct scheme *scheme, struct err *e) {
  struct ratio *r = NEW(struct ratio);
  r->scheme = scheme;
  if (scripts_new(&r->scripts, e)) {
    ratio_free(r);
    return -1;
  }
  const struct tokenizer *t = scheme_tokenizer(scheme);
  if (t) {
    uint32_t size = tokenizer_size(t);
    r->tokens = NEW_ARRAY(struct token, size);
    for (uint32_t id = 0; id < size; id++) r->tokens[id] = describe(r->scripts, tokenizer_bytes(t, id), tokenizer_is_special(t, id));
  }
  *out = r;
  return 0;
}

void ratio_free(struct ratio *r) {
  if (!r) return;
  scripts_free(r->scripts);
  free(r->tokens);
  free(r);
}

/* The first script of the characters with a byte in from..to. */
static int script_between(const struct scripts *scripts, struct slice text, size_t from, size_t to) {
  size_t at = from;
  for (int back = 0; back < 3 && at > 0 && continues(text.data[at]); back++) at--;
  while (at < to) {
    uint32_t u;
    int invalid, n = utf8_decode(text.data + at, text.len - at, &u, &invalid), script = 0;
    if (n && at + (size_t)n > from) script = script_of(scripts, u);
    if (script) return script;
    at += n ? (size_t)n : 1;
  }
  return 0;
}

static void add(struct ratio_counts *c, int script, uint64_t bytes, uint64_t characters, uint64_t tokens) {
  struct ratio_row *row = &c->rows[script];
  row->bytes += bytes;
  row->characters += characters;
  row->tokens += tokens;
}

static void count_ids(const struct ratio *r, struct slice text, const uint32_t *ids, size_t n, struct ratio_counts *c) {
  size_t at = 0;
  for (size_t i = 0; i < n; i++) {
    struct token t = r->tokens[ids[i]];
    int script = t.script;
    if (script == LOOK) script = at + t.bytes <= text.len ? script_between(r->scripts, text, at, at + t.bytes) : 0;
    at += t.bytes;
    add(c, script, t.bytes, t.characters, 1);
  }
  /* Tokens are the text; should a tokenizer drop some of it, the sums still hold. */
  if (at < text.len) add(c, 0, text.len - at, utf8_count(text.data + at, text.len - at), 0);
}

/* Each byte, or each character, is a token. */
static void count_characters(const struct ratio *r, struct slice text, bool bytes, struct ratio_counts *c) {
  for (size_t at = 0; at < text.len;) {
    uint32_t u = (unsigned char)text.data[at];
    int invalid, n = u < 0x80 ? 1 : utf8_decode(text.data + at, text.len - at, &u, &invalid);
    int script = n ? script_of(r->scripts, u) : 0;
    if (n == 0) add(c, 0, 1, !continues(text.data[at]), 1), at++;
    else add(c, script, (uint64_t)n, 1, bytes ? (uint64_t)n : 1), at += (size_t)n;
  }
}

int ratio_count(const struct ratio *r, struct scheme_worker *w, struct slice text, const uint32_t *ids, size_t n, struct ratio_counts *c, struct err *e) {
  if (r->tokens) {
    struct buffer normal = {0}; /* what was encoded */
    if (tokenizer_normalizes(scheme_tokenizer(r->scheme))) {
      for (size_t i = 0; i < n; i++) buffer_append_slice(&normal, scheme_bytes(r->scheme, ids[i]));
      text = buffer_slice(&normal);
    }
    count_ids(r, text, ids, n, c);
    buffer_release(&normal);
    return 0;
  }
  if (!scheme_spaced(r->scheme)) {
    count_characters(r, text, n == text.len, c); /* as many characters as bytes: the same either way */
    return 0;
  }
  struct ids ends = {0};
  int status = scheme_word_ends(w, text, &ends, e);
  size_t at = 0;
  for (size_t i = 0; i < ends.len && status == 0; i++) {
    size_t end = ends.data[i];
    add(c, script_between(r->scripts, text, at, end), end - at, utf8_count(text.data + at, end - at), 1);
    at = end;
  }
  if (status == 0 && at < text.len) add(c, 0, text.len - at, utf8_count(text.data + at, text.len - at), 0);
  ids_release(&ends);
  return status;
}

void ratio_add(struct ratio_counts *to, const struct ratio_counts *from) {
  for (int i = 0; i < SCRIPTS; i++) {
    to->rows[i].documents += from->rows[i].documents;
    add(to, i, from->rows[i].bytes, from->rows[i].characters, from->rows[i].tokens);
  }
}

int ratio_script(const struct ratio_counts *document) {
  int most = 0;
  for (int i = 1; i < SCRIPTS; i++)
    if (document->rows[i].bytes && (most == 0 || document->rows[i].bytes > document->rows[most].bytes)) most = i;
  return most;
}

struct ranked {
  const struct ratio_row *row;
  int script;
};

static int by_bytes(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  return x->row->bytes != y->row->bytes ? (x->row->bytes < y->row->bytes ? 1 : -1) : x->script - y->script;
}

static int write_row(const struct ratio_row *r, const char *tokenizer, const char *script, struct output *out, struct err *e) {
  if (output_printf(out, e, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, tokenizer, r->documents, r->bytes, r->tokens)) return -1;
  if (r->tokens) return output_printf(out, e, "\t%.9g\t%.9g\t%s\n", (double)r->bytes / (double)r->tokens, (double)r->characters / (double)r->tokens, script);
  return output_printf(out, e, "\t\t\t%s\n", script);
}

int ratio_write(const struct ratio_counts *c, const struct ratio_row *all, const char *tokenizer, struct output *out, struct err *e) {
  struct ranked ranked[SCRIPTS];
  int n = 0;
  for (int i = 0; i < SCRIPTS; i++)
    if (c->rows[i].bytes || c->rows[i].documents) ranked[n++] = (struct ranked){&c->rows[i], i};
  qsort(ranked, (size_t)n, sizeof ranked[0], by_bytes);
  if (output_printf(out, e, "tokenizer\tdocuments\tbytes\ttokens\tbytes_per_token\tchars_per_token\tscript\n") || write_row(all, tokenizer, "all", out, e)) return -1;
  for (int i = 0; i < n; i++)
    if (write_row(ranked[i].row, tokenizer, script_name(ranked[i].script), out, e)) return -1;
  return 0;
}
