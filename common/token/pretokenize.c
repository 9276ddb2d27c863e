/* SPDX-License-Identifier: MIT
 *
 * Stages of scanners and of PCRE2, and where a text may be cut.
 */
#include "common/token/pretokenize.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/base/memory.h"
#include "common/token/classes.h"
#include "common/token/pattern.h"
#include "common/token/scan.h"
#include "common/token/specials.h"

#define PIECE_LIMIT (UINT32_MAX - 64)

/* ---- objects -------------------------------------------------------------------------------------------------------- */

struct stage {
  struct pattern pattern; /* name and spelling are those of a known one, or NULL */
  scan_function *scan;    /* NULL: a regular expression, or none */
  pcre2_code *code;
  bool jit;
};

struct pretokenizer {
  char *pattern;
  struct stage *stages;
  int count;
  bool cuts; /* one known pattern: between a letter and a space or newline is a boundary in every text */
  const struct classes *classes;
};

struct position {       /* of one stage: the piece of the stage before, and where we are in it */
  size_t begin, end, at;
  size_t match_begin, match_end; /* a match already found beyond a gap */
  bool pending;
};

struct pretokenizer_scratch {
  struct position *positions;
  pcre2_match_data *data;
  pcre2_match_context *context;
  pcre2_jit_stack *stack;
};

/* PCRE2's \s includes U+180E, which is no white space since Unicode 6.3; the property is exact. */
static void translate(struct buffer *out, const char *s, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '\\' && i + 1 < n) {
      i++;
      if (s[i] == 's') buffer_append_string(out, "\\p{White_Space}");
      else if (s[i] == 'S') buffer_append_string(out, "\\P{White_Space}");
      else {
        buffer_put(out, '\\');
        buffer_put(out, s[i]);
      }
    } else buffer_put(out, s[i]);
  }
}

static int compile(struct stage *stage, const char *s, size_t n, struct err *e) {
  struct buffer text = {0};
  translate(&text, s, n);
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  int code = 0;
  PCRE2_SIZE offset = 0;
  stage->code = pcre2_compile((PCRE2_SPTR)(text.data ? text.data : ""), text.len, PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &offset, context);
  pcre2_compile_context_free(context);
  buffer_release(&text);
  if (!stage->code) {
    PCRE2_UCHAR message[160];
    pcre2_get_error_message(code, message, sizeof message);
    return err_set(e, "pattern %.*s: %s", (int)(n < 400 ? n : 400), s, (const char *)message);
  }
  stage->jit = pcre2_jit_compile(stage->code, PCRE2_JIT_COMPLETE) == 0;
  return 0;
}

static scan_function *const scanners[] = {[PATTERN_GPT2] = scan_gpt2, [PATTERN_CL100K] = scan_cl100k, [PATTERN_O200K] = scan_o200k, [PATTERN_REGEX] = NULL};

int pretokenizer_new(struct pretokenizer **out, const char *pattern, struct err *e) {
  struct buffer canonical = {0};
  pattern_canonical(&canonical, pattern, true);
  struct pretokenizer *p = NEW(struct pretokenizer);
  p->pattern = STRDUP(buffer_string(&canonical));
  buffer_release(&canonical);
  p->classes = classes_get();
  size_t capacity = 0;
  bool known = true;
  for (const char *s = p->pattern;; s++) {
    size_t n = strcspn(s, "\n");
    GROW(p->stages, capacity, p->count + 1);
    struct stage *stage = &p->stages[p->count++];
    memset(stage, 0, sizeof *stage);
    const struct pattern *k = pattern_known(s, n);
    known = known && k && k->kind != PATTERN_NONE;
    if (k) stage->pattern = *k;
    else stage->pattern.kind = PATTERN_REGEX;
    stage->scan = scanners[stage->pattern.kind];
    if (stage->pattern.kind == PATTERN_REGEX) {
      int failed = k ? compile(stage, k->spelling, strlen(k->spelling), e) : compile(stage, s, n, e);
      if (failed) {
        pretokenizer_free(p);
        return -1;
      }
    }
    s += n;
    if (!*s) break;
  }
  p->cuts = p->count == 1 && known;
  *out = p;
  return 0;
}

void pretokenizer_free(struct pretokenizer *p) {
  if (!p) return;
  for (int i = 0; i < p->count; i++) pcre2_code_free(p->stages[i].code);
  free(p->stages);
  free(p->pattern);
  free(p);
}

const char *pretokenizer_pattern(const struct pretokenizer *p) { return p->pattern; }

struct pretokenizer_scratch *pretokenizer_scratch_new(const struct pretokenizer *p) {
  struct pretokenizer_scratch *s = NEW(struct pretokenizer_scratch);
  s->positions = NEW_ARRAY(struct position, (size_t)p->count);
  for (int i = 0; i < p->count; i++)
    if (p->stages[i].pattern.kind == PATTERN_REGEX && !s->data) {
      s->data = pcre2_match_data_create(32, NULL);
      s->context = pcre2_match_context_create(NULL);
      s->stack = pcre2_jit_stack_create(32 << 10, 16 << 20, NULL);
      if (!s->data || !s->context) abort();
      pcre2_set_match_limit(s->context, 50000000);
      pcre2_set_heap_limit(s->context, 1 << 20); /* KiB */
      if (s->stack) pcre2_jit_stack_assign(s->context, NULL, s->stack);
    }
  return s;
}

void pretokenizer_scratch_free(struct pretokenizer_scratch *s) {
  if (!s) return;
  pcre2_match_data_free(s->data);
  pcre2_match_context_free(s->context);
  pcre2_jit_stack_free(s->stack);
  free(s->positions);
  free(s);
}

/* ---- stages --------------------------------------------------------------------------------------------------------- */

/* Finds the next match at or after at->at; end when there is none. */
static int find(const struct stage *stage, struct pretokenizer_scratch *s, struct slice text, struct position *at, struct err *e) {
  PCRE2_SPTR subject = (PCRE2_SPTR)text.data + at->begin;
  size_t n = at->end - at->begin, from = at->at - at->begin;
  int rc = PCRE2_ERROR_JIT_STACKLIMIT;
  if (stage->jit) rc = pcre2_jit_match(stage->code, subject, n, from, PCRE2_NOTEMPTY, s->data, s->context);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT) rc = pcre2_match(stage->code, subject, n, from, PCRE2_NOTEMPTY | PCRE2_NO_JIT, s->data, s->context);
  if (rc == PCRE2_ERROR_NOMATCH) {
    at->match_begin = at->match_end = at->end;
  } else if (rc < 0) {
    PCRE2_UCHAR message[160];
    pcre2_get_error_message(rc, message, sizeof message);
    return err_set(e, "the pre-tokeniser's pattern failed: %s", (const char *)message);
  } else {
    PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data);
    /* \K may move the start past what a piece may begin with; it never goes back. */
    at->match_begin = at->begin + (v[0] < from ? from : v[0]);
    at->match_end = at->begin + v[1];
    if (at->match_end <= at->match_begin) at->match_begin = at->match_end = at->end;
  }
  at->pending = true;
  return 0;
}

/* Next piece of stage `i`: 1 with its end in *stop (it begins where the stage stood), 0 at the end, -1. */
static int next_piece(const struct pretokenizer *p, struct pretokenizer_scratch *s, int i, struct slice text, size_t *stop, struct err *e) {
  struct position *at = &s->positions[i];
  const struct stage *stage = &p->stages[i];
  if (at->at == at->end) {
    if (i == 0) return 0;
    size_t begin = at->end;
    int got = next_piece(p, s, i - 1, text, &at->end, e);
    if (got <= 0) {
      at->end = begin;
      return got;
    }
    at->begin = at->at = begin;
    at->pending = false;
  }
  if (stage->scan) {
    uint32_t length;
    if (at->end - at->at > PIECE_LIMIT) return err_set(e, "a text of 4 GiB without a place to cut it");
    stage->scan(&stage->pattern, (const uint8_t *)text.data + at->at, at->end - at->at, &length, 1);
    *stop = at->at + length;
  } else if (stage->pattern.kind == PATTERN_NONE) {
    *stop = at->end;
  } else {
    if (!at->pending && find(stage, s, text, at, e)) return -1;
    if (at->match_begin > at->at) *stop = at->match_begin;
    else {
      *stop = at->match_end;
      at->pending = false;
    }
  }
  at->at = *stop;
  return 1;
}

int pretokenize(const struct pretokenizer *p, struct pretokenizer_scratch *s, struct slice text, size_t *cursor, uint32_t *ends, int max, struct err *e) {
  size_t from = *cursor;
  int n = 0;
  if (from >= text.len) return 0;
  if (text.len - from > PIECE_LIMIT) return err_set(e, "a text of 4 GiB without a place to cut it");
  if (p->count == 1 && p->stages[0].scan) {
    n = p->stages[0].scan(&p->stages[0].pattern, (const uint8_t *)text.data + from, text.len - from, ends, max);
  } else {
    if (from == 0) {
      memset(s->positions, 0, sizeof s->positions[0] * (size_t)p->count);
      s->positions[0].end = text.len;
    }
    while (n < max) {
      size_t stop;
      int got = next_piece(p, s, p->count - 1, text, &stop, e);
      if (got < 0) return -1;
      if (got == 0) break;
      ends[n++] = (uint32_t)(stop - from);
    }
  }
  if (n) *cursor = from + ends[n - 1];
  return n;
}

static size_t cut_pieces(const struct pretokenizer *p, struct slice text) {
  const uint8_t *base = (const uint8_t *)text.data, *end = base + text.len;
  for (size_t i = text.len; i-- > 1;) {
    if (base[i] != '\n' && base[i] != ' ') continue;
    /* The character before: a letter, whole and valid. */
    size_t start = i - 1;
    while (start > 0 && i - start < 4 && (base[start] & 0xC0) == 0x80) start--;
    unsigned length;
    if (classes_at(p->classes, base + start, end, &length) == CLASS_LETTER && start + length == i) return i;
  }
  return 0;
}

size_t pretokenizer_cut(const struct pretokenizer *p, const struct specials *specials, struct slice text) {
  if (!p->cuts) return 0;
  for (;;) {
    size_t i = cut_pieces(p, text);
    if (i == 0 || !specials) return i;
    size_t safe = specials_cut(specials, text, i);
    if (safe == i) return i;
    text.len = safe + 1;
  }
}
