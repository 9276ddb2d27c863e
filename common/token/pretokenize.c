/* SPDX-License-Identifier: MIT
 *
 * Stages of scanners and of PCRE2.  Each stage takes the pieces of the one before from a queue of its own, filled in bulk.
 */
#include "common/token/pretokenize.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/base/memory.h"
#include "common/token/cut.h"
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
  struct pattern *patterns; /* the stages' */
};

enum { QUEUE = 2 * SCAN_WIDE };

struct position {       /* of one stage: the piece of the stage before, and where we are in it */
  size_t begin, end, at;
  size_t match_begin, match_end; /* a match already found beyond a gap */
  bool pending;
  size_t base;           /* pieces of the stage before that wait: ends[next .. count), relative to base */
  int next, count;
  uint32_t ends[QUEUE];
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
  uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
  stage->code = pcre2_compile((PCRE2_SPTR)(text.data ? text.data : ""), text.len, options, &code, &offset, context);
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

static scan_function *const scanners[] = {
  [PATTERN_GPT2] = scan_gpt2, [PATTERN_CL100K] = scan_cl100k, [PATTERN_O200K] = scan_o200k, [PATTERN_DEEPSEEK] = scan_deepseek,
  [PATTERN_NUMBERS] = scan_numbers, [PATTERN_WORD_RUNS] = scan_words, [PATTERN_REGEX] = NULL,
};

static int add_stage(struct pretokenizer *p, const char *s, size_t n, struct err *e) {
  p->stages = RESIZE(p->stages, (size_t)p->count + 1);
  p->patterns = RESIZE(p->patterns, (size_t)p->count + 1);
  struct stage *stage = &p->stages[p->count];
  memset(stage, 0, sizeof *stage);
  const struct pattern *k = pattern_known(s, n);
  if (k) stage->pattern = *k;
  else stage->pattern.kind = PATTERN_REGEX;
  stage->scan = scanners[stage->pattern.kind];
  if (stage->scan) classes_get(); /* its tables are made now, not with the first text */
  p->patterns[p->count++] = stage->pattern;
  return stage->pattern.kind == PATTERN_REGEX ? compile(stage, s, n, e) : 0;
}

int pretokenizer_new(struct pretokenizer **out, const char *pattern, struct err *e) {
  struct buffer canonical = {0};
  pattern_canonical(&canonical, pattern, true);
  struct pretokenizer *p = NEW(struct pretokenizer);
  p->pattern = STRDUP(buffer_string(&canonical));
  buffer_release(&canonical);
  bool whole = strchr(p->pattern, '\n') && pattern_known(p->pattern, strlen(p->pattern)); /* one scanner for all stages */
  for (const char *s = p->pattern;; s++) {
    size_t n = whole ? strlen(s) : strcspn(s, "\n");
    if (add_stage(p, s, n, e)) {
      pretokenizer_free(p);
      return -1;
    }
    s += n;
    if (!*s) break;
  }
  *out = p;
  return 0;
}

void pretokenizer_free(struct pretokenizer *p) {
  if (!p) return;
  for (int i = 0; i < p->count; i++) pcre2_code_free(p->stages[i].code);
  free(p->stages);
  free(p->patterns);
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

/* Puts the ends of the next pieces of stage `i`, relative to base, into ends; how many, 0 at the end of the text, -1. */
static int split(const struct pretokenizer *p, struct pretokenizer_scratch *s, int i, struct slice text, size_t base, uint32_t *ends, int max, struct err *e) {
  struct position *at = &s->positions[i];
  const struct stage *stage = &p->stages[i];
  int n = 0;
  while (n < max) {
    if (at->at == at->end) {
      if (i == 0) break;
      if (at->next == at->count) {
        at->base = at->end;
        at->next = at->count = 0;
        int got = split(p, s, i - 1, text, at->base, at->ends, QUEUE, e);
        if (got < 0) return -1;
        if (got == 0) break;
        at->count = got;
      }
      at->begin = at->at = at->end;
      at->end = at->base + at->ends[at->next++];
      at->pending = false;
    }
    if (stage->scan) {
      uint32_t offset = (uint32_t)(at->at - base);
      int got = stage->scan(&stage->pattern, (const uint8_t *)text.data + at->at, at->end - at->at, ends + n, max - n);
      at->at += ends[n + got - 1];
      for (int k = 0; k < got; k++) ends[n + k] += offset;
      n += got;
      continue;
    }
    if (stage->pattern.kind == PATTERN_NONE) at->at = at->end;
    else {
      if (!at->pending && find(stage, s, text, at, e)) return -1;
      if (at->match_begin > at->at) at->at = at->match_begin;
      else {
        at->at = at->match_end;
        at->pending = false;
      }
    }
    ends[n++] = (uint32_t)(at->at - base);
  }
  return n;
}

int pretokenize(const struct pretokenizer *p, struct pretokenizer_scratch *s, struct slice text, size_t *cursor, uint32_t *ends, int max, struct err *e) {
  size_t from = *cursor;
  int n;
  if (from >= text.len) return 0;
  if (text.len - from > PIECE_LIMIT) return err_set(e, "a text of 4 GiB without a place to cut it");
  if (p->count == 1 && p->stages[0].scan) {
    n = p->stages[0].scan(&p->stages[0].pattern, (const uint8_t *)text.data + from, text.len - from, ends, max);
  } else {
    if (from == 0) {
      for (int i = 0; i < p->count; i++) {
        struct position *at = &s->positions[i];
        at->begin = at->end = at->at = 0;
        at->next = at->count = 0;
        at->pending = false;
      }
      s->positions[0].end = text.len;
    }
    n = split(p, s, p->count - 1, text, from, ends, max, e);
  }
  if (n > 0) *cursor = from + ends[n - 1];
  return n;
}

size_t pretokenizer_cut(const struct pretokenizer *p, const struct specials *specials, struct slice text) {
  return cut_find(p->patterns, p->count, specials, text);
}
