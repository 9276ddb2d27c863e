/* SPDX-License-Identifier: MIT
 *
 * Windows: with PCRE2_PARTIAL_HARD a call returns as soon as a character behind the window would be looked at, so
 * NOMATCH means that no match starts in it, and a match is final.  What needs a longer window is tried from its one start
 * only.  Anything the limits do not see (PCRE2 counts no steps in loops over one class, and begins to count anew at each
 * start) costs at most the first window for each character of the text.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tools/qfilter/rules/patterns.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/memory.h"

enum { WINDOW = 1024, MATCH_STEPS = 10000, STEPS_PER_BYTE = 16, BUDGET = 16 << 20, BUDGET_PER_BYTE = 64 };
enum { STACK_START = 32 << 10, STACK_MOST = 8 << 20, HEAP_KIB = 64 << 10 };

struct pattern {
  pcre2_code *code, *anchored; /* the same, at one place only: machine code cannot be told so at a match */
};

static int option_of(char flag, uint32_t *options) {
  switch (flag) {
    case 'i': *options |= PCRE2_CASELESS; return 0;
    case 'm': *options |= PCRE2_MULTILINE; return 0;
    case 's': *options |= PCRE2_DOTALL; return 0;
    case 'x': *options |= PCRE2_EXTENDED; return 0;
    case 'u': *options |= PCRE2_UCP; return 0;
  }
  return -1;
}

struct pattern *pattern_compile(struct slice source, struct slice flags, size_t *at, struct err *e) {
  uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
  *at = 0;
  for (size_t i = 0; i < flags.len; i++) {
    if (option_of(flags.data[i], &options) == 0) continue;
    *at = source.len;
    err_set(e, "a pattern has no flag '%c' (i, m, s, x, u)", flags.data[i]);
    return NULL;
  }
  pcre2_compile_context *context = pcre2_compile_context_create(NULL);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_parens_nest_limit(context, 100);
  int code;
  PCRE2_SIZE offset;
  pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)(source.data ? source.data : ""), source.len, options, &code, &offset, context);
  pcre2_code *anchored = compiled ? pcre2_compile((PCRE2_SPTR)(source.data ? source.data : ""), source.len, options | PCRE2_ANCHORED, &code, &offset, context) : NULL;
  pcre2_compile_context_free(context);
  if (!anchored) {
    char message[256];
    pcre2_get_error_message(code, (PCRE2_UCHAR *)message, sizeof message);
    pcre2_code_free(compiled);
    *at = offset;
    err_set(e, "%s", message);
    return NULL;
  }
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD); /* without it the interpreter does the same */
  pcre2_jit_compile(anchored, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
  struct pattern *p = NEW(struct pattern);
  p->code = compiled;
  p->anchored = anchored;
  return p;
}

void pattern_free(struct pattern *p) {
  if (!p) return;
  pcre2_code_free(p->code);
  pcre2_code_free(p->anchored);
  free(p);
}

static void prepare(struct pattern_scratch *s) {
  s->data = pcre2_match_data_create(1, NULL);
  s->context = pcre2_match_context_create(NULL);
  s->stack = pcre2_jit_stack_create(STACK_START, STACK_MOST, NULL);
  if (!s->data || !s->context) memory_alloc((size_t)-1, __FILE__, __LINE__);
  pcre2_set_heap_limit(s->context, HEAP_KIB);
  if (s->stack) pcre2_jit_stack_assign(s->context, NULL, s->stack);
  if (!s->window) s->window = WINDOW;
}

void pattern_scratch_release(struct pattern_scratch *s) {
  pcre2_match_data_free(s->data);
  pcre2_match_context_free(s->context);
  pcre2_jit_stack_free(s->stack);
  *s = (struct pattern_scratch){.window = s->window};
}

static size_t character_length(char first) {
  uint8_t b = (uint8_t)first;
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

bool pattern_count(const struct pattern *p, struct pattern_scratch *s, struct slice text, size_t most, size_t *count) {
  if (!s->data) prepare(s);
  *count = 0;
  size_t window = s->window;
  uint64_t budget = BUDGET + (uint64_t)text.len * BUDGET_PER_BYTE;
  for (size_t at = 0; at < text.len && *count < most;) {
    bool anchored = window > s->window; /* the match from `at` on needs more than a window, or there is none */
    size_t end = text.len;
    if (end - at > window) {
      end = at + window;
      while (end > at && (text.data[end] & 0xC0) == 0x80) end--; /* not within a character */
      if (end == at) end = at + character_length(text.data[at]);
    }
    uint64_t steps = MATCH_STEPS + (uint64_t)STEPS_PER_BYTE * (end - at);
    pcre2_set_match_limit(s->context, steps > UINT32_MAX ? UINT32_MAX : (uint32_t)steps);
    uint32_t options = PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK | (end < text.len ? PCRE2_PARTIAL_HARD : 0);
    int found = pcre2_match(anchored ? p->anchored : p->code, (PCRE2_SPTR)text.data, end, at, options, s->data, s->context);
    const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->data);
    bool matched = found >= 0 && span[1] > at;
    size_t cost = matched && !anchored ? span[1] - at : end - at; /* a long window is paid for whole */
    if (cost > budget) return false;
    budget -= cost;
    if (matched) {
      ++*count;
      at = span[1];
      window = s->window;
    } else if (found == PCRE2_ERROR_NOMATCH) {
      at = anchored ? at + character_length(text.data[at]) : end;
      window = s->window;
    } else if (found == PCRE2_ERROR_PARTIAL) {
      if (span[0] > at) at = span[0];
      window = window > SIZE_MAX / 4 ? SIZE_MAX : window * 4;
    } else {
      return false;
    }
  }
  return true;
}
