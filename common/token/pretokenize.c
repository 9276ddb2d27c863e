/* SPDX-License-Identifier: MIT
 *
 * Hand-written scanners for the patterns of GPT-2, cl100k and o200k, PCRE2 for the others.
 *
 * Patterns: OpenAI's tiktoken, tiktoken_ext/openai_public.py; Hugging Face tokenizers, pre_tokenizers/byte_level.rs.
 * gpt2:     '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * cl100k:   '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s
 * The older cl100k lacks `\s+$`: "a\n  " at the end of a text is three pieces there and two in the newer one.
 */
#include "common/token/pretokenize.h"

#include <stdint.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/base/memory.h"
#include "common/token/classes.h"
#include "common/token/specials.h"

/* ---- known patterns ------------------------------------------------------------------------------------------------- */

enum kind { KIND_NONE, KIND_GPT2, KIND_CL100K, KIND_O200K, KIND_REGEX };

struct known {
  const char *name;     /* NULL: has a scanner of its own, but keeps its spelling */
  const char *spelling;
  enum kind kind;
  int digits;           /* cl100k: \p{N}{1,digits} */
  bool tail;            /* cl100k: has \s+$ */
};

#define O200K_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CL100K_HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define CL100K_MIDDLE "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define CL100K_END "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The first spelling of a name is the one that Hugging Face's library accepts and that is written. */
static const struct known patterns[] = {
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", KIND_GPT2, 0, false},
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?[\\p{L}]+| ?[\\p{N}]+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", KIND_GPT2, 0, false},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s", KIND_GPT2, 0, false},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", KIND_GPT2, 0, false},
  {"cl100k", CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE "|\\s+\\z" CL100K_END, KIND_CL100K, 3, true},
  {"cl100k", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s", KIND_CL100K, 3, true},
  {"o200k", O200K_WORD "*" LOWER "+" O200K_CONTRACTION "|" O200K_WORD "+" LOWER "*" O200K_CONTRACTION "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", KIND_O200K, 0, false},
  {"none", "", KIND_NONE, 0, false},
  {NULL, PATTERN_WORDS, KIND_REGEX, 0, false},
  /* Llama 3; tiktoken before `\s++$`, rustbpe; Qwen 2; nanochat */
  {NULL, CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE CL100K_END, KIND_CL100K, 3, false},
  {NULL, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", KIND_CL100K, 3, false},
  {NULL, CL100K_HEAD "\\p{N}" CL100K_MIDDLE CL100K_END, KIND_CL100K, 1, false},
  {NULL, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,2}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", KIND_CL100K, 2, false},
};
#define PATTERNS (sizeof patterns / sizeof patterns[0])

static const struct known *known_pattern(const char *s, size_t n) {
  for (size_t i = 0; i < PATTERNS; i++) {
    const struct known *k = &patterns[i];
    if (strlen(k->spelling) == n && memcmp(k->spelling, s, n) == 0) return k;
    if (k->name && strlen(k->name) == n && memcmp(k->name, s, n) == 0) return k;
  }
  return NULL;
}

const char *pattern_regex(const char *name) {
  for (size_t i = 0; i < PATTERNS; i++)
    if (patterns[i].name && strcmp(patterns[i].name, name) == 0) return patterns[i].spelling;
  return NULL;
}

static void canonical_stage(struct buffer *out, const char *s, size_t n) {
  struct buffer text = {0};
  for (size_t i = 0; i < n; i++) {
    const char *escape = s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : s[i] == '\t' ? "\\t" : NULL;
    if (!escape) buffer_put(&text, s[i]);
    else {
      /* A backslash before the literal character already escapes it. */
      if (text.len && text.data[text.len - 1] == '\\') {
        size_t run = 0;
        while (run < text.len && text.data[text.len - 1 - run] == '\\') run++;
        if (run % 2) text.len--;
      }
      buffer_append_string(&text, escape);
    }
  }
  const struct known *k = known_pattern(text.len ? text.data : "", text.len);
  if (k && k->name) buffer_append_string(out, k->name);
  else buffer_append_slice(out, buffer_slice(&text));
  buffer_release(&text);
}

void pattern_canonical(struct buffer *out, const char *pattern, bool stages) {
  if (!stages) {
    canonical_stage(out, pattern, strlen(pattern));
    return;
  }
  for (;;) {
    size_t n = strcspn(pattern, "\n");
    canonical_stage(out, pattern, n);
    if (!pattern[n]) return;
    buffer_put(out, '\n');
    pattern += n + 1;
  }
}

/* ---- objects -------------------------------------------------------------------------------------------------------- */

struct stage {
  enum kind kind;
  int digits;
  bool tail;
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
    const struct known *k = known_pattern(s, n);
    known = known && k && k->kind != KIND_NONE;
    stage->kind = k ? k->kind : KIND_REGEX;
    if (k) {
      stage->digits = k->digits;
      stage->tail = k->tail;
    }
    if (stage->kind == KIND_REGEX) {
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
    if (p->stages[i].kind == KIND_REGEX && !s->data) {
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

/* ---- hand-written patterns ------------------------------------------------------------------------------------------ */

/* End of the run of characters of class `want` that starts at p. */
static inline const uint8_t *run(const struct classes *c, const uint8_t *p, const uint8_t *end, enum char_class want) {
  while (p < end) {
    enum char_class k = (enum char_class)c->byte[*p];
    if (k == want) {
      p++;
      continue;
    }
    if (k != CLASS_LOOK) break;
    unsigned length;
    if (classes_at(c, p, end, &length) != want) break;
    p += length;
  }
  return p;
}

/* The white space that starts at p: its end, where its last character starts, and the end of its last \r or \n (or p). */
static inline const uint8_t *space_run(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **last, const uint8_t **newline) {
  *last = *newline = p;
  while (p < end) {
    unsigned length;
    if (classes_at(c, p, end, &length) != CLASS_SPACE) break;
    *last = p;
    if (*p == '\n' || *p == '\r') *newline = p + 1;
    p += length;
  }
  return p;
}

static const uint8_t *next_gpt2(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length;
  enum char_class k;
  if (*p == '\'' && end - p >= 2) {
    uint8_t a = p[1];
    if (a == 's' || a == 'd' || a == 'm' || a == 't') return p + 2;
    if (end - p >= 3 && ((a == 'l' && p[2] == 'l') || ((a == 'v' || a == 'r') && p[2] == 'e'))) return p + 3;
  }
  if (*p == ' ' && p + 1 < end) {
    k = classes_at(c, p + 1, end, &length);
    if (k != CLASS_SPACE) return run(c, p + 1 + length, end, k);
  }
  k = classes_at(c, p, end, &length);
  if (k != CLASS_SPACE) return run(c, p + length, end, k);
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  return stop == end || last == p ? stop : last;
}

/* The contraction that starts at p in any case: its end, or p. */
static inline const uint8_t *contraction(const uint8_t *p, const uint8_t *end) {
  if (end - p < 2 || *p != '\'') return p;
  uint8_t a = p[1] | 0x20;
  if (p[1] < 0x80 && (a == 's' || a == 'd' || a == 'm' || a == 't')) return p + 2;
  if (end - p < 3) return p;
  uint8_t b = p[2] | 0x20;
  if (p[1] < 0x80 && p[2] < 0x80 && ((a == 'l' && b == 'l') || ((a == 'v' || a == 'r') && b == 'e'))) return p + 3;
  return p[1] == 0xC5 && p[2] == 0xBF ? p + 3 : p; /* U+017F, the long s, folds to s */
}

/* \p{L}+ after the optional character, \p{N}{1,digits}, and so on; see the top. */
static const uint8_t *next_cl100k(const struct classes *c, const uint8_t *p, const uint8_t *end, int digits, bool tail) {
  unsigned length, second_length = 0;
  if (*p == '\'') {
    const uint8_t *stop = contraction(p, end);
    if (stop > p) return stop;
  }
  enum char_class k = classes_at(c, p, end, &length);
  if (k == CLASS_LETTER) return run(c, p + length, end, CLASS_LETTER);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < digits && stop < end; i++) {
      if (classes_at(c, stop, end, &length) != CLASS_NUMBER) break;
      stop += length;
    }
    return stop;
  }
  const uint8_t *second = p + length;
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k2 == CLASS_LETTER && *p != '\n' && *p != '\r') return run(c, second + second_length, end, CLASS_LETTER);
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  if (tail && stop == end) return stop;
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
}

/* What `[Lu Lt Lm Lo M]*[Ll Lm Lo M]+` matches at p, or NULL.  *heads: the end of the longest run of its first part.
 * The first part takes all it can; when no small letter follows, it gives back down to the last caseless one. */
static inline const uint8_t *cased_word(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **heads) {
  const uint8_t *after_caseless = NULL;
  unsigned length, bits;
  for (;; p += length) {
    bits = p < end ? classes_bits_at(c, p, end, &length) : 0;
    if (!(bits & CASE_HEAD)) break;
    if (bits & CASE_TAIL) after_caseless = p + length;
  }
  *heads = p;
  if (!(bits & CASE_TAIL)) return after_caseless;
  while (p < end && (classes_bits_at(c, p, end, &length) & CASE_TAIL)) p += length;
  return p;
}

static const uint8_t *next_o200k(const struct classes *c, const uint8_t *p, const uint8_t *end) {
  unsigned length, second_length = 0;
  unsigned bits = classes_bits_at(c, p, end, &length);
  enum char_class k = (enum char_class)(bits & CLASS_MASK);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < 3 && stop < end && classes_at(c, stop, end, &length) == CLASS_NUMBER; i++) stop += length;
    return stop;
  }
  /* A word, with the character before it or without; then one of capitals alone, the same. */
  bool joins = k != CLASS_LETTER && *p != '\n' && *p != '\r';
  const uint8_t *second = p + length, *word = NULL, *heads = p, *heads_joined = second;
  if (joins) word = cased_word(c, second, end, &heads_joined);
  if (!word && (bits & (CASE_HEAD | CASE_TAIL))) word = cased_word(c, p, end, &heads);
  if (!word && joins && heads_joined > second) word = heads_joined;
  if (!word && heads > p) word = heads;
  if (word) return contraction(word, end);
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r' || *stop == '/')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
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
  const uint8_t *base = (const uint8_t *)text.data, *from = base + at->at, *end = base + at->end;
  switch (stage->kind) {
  case KIND_NONE:
    *stop = at->end;
    break;
  case KIND_GPT2:
    *stop = (size_t)(next_gpt2(p->classes, from, end) - base);
    break;
  case KIND_CL100K:
    *stop = (size_t)(next_cl100k(p->classes, from, end, stage->digits, stage->tail) - base);
    break;
  case KIND_O200K:
    *stop = (size_t)(next_o200k(p->classes, from, end) - base);
    break;
  case KIND_REGEX:
    if (!at->pending && find(stage, s, text, at, e)) return -1;
    if (at->match_begin > at->at) *stop = at->match_begin;
    else {
      *stop = at->match_end;
      at->pending = false;
    }
    break;
  }
  at->at = *stop;
  return 1;
}

int pretokenize(const struct pretokenizer *p, struct pretokenizer_scratch *s, struct slice text, size_t *cursor, size_t *ends, int max, struct err *e) {
  int n = 0;
  const uint8_t *base = (const uint8_t *)text.data, *end = base + text.len;
  if (*cursor >= text.len) return 0;
  if (p->count == 1 && p->stages[0].kind == KIND_GPT2) {
    const uint8_t *at = base + *cursor;
    while (n < max && at < end) {
      at = next_gpt2(p->classes, at, end);
      ends[n++] = (size_t)(at - base);
    }
  } else if (p->count == 1 && p->stages[0].kind == KIND_CL100K) {
    const struct stage *stage = &p->stages[0];
    const uint8_t *at = base + *cursor;
    while (n < max && at < end) {
      at = next_cl100k(p->classes, at, end, stage->digits, stage->tail);
      ends[n++] = (size_t)(at - base);
    }
  } else {
    if (*cursor == 0) {
      memset(s->positions, 0, sizeof s->positions[0] * (size_t)p->count);
      s->positions[0].end = text.len;
    }
    while (n < max) {
      int got = next_piece(p, s, p->count - 1, text, &ends[n], e);
      if (got < 0) return -1;
      if (got == 0) break;
      n++;
    }
  }
  if (n) *cursor = ends[n - 1];
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
