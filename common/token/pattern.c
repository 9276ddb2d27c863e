/* SPDX-License-Identifier: MIT
 *
 * Patterns: OpenAI's tiktoken, tiktoken_ext/openai_public.py; Hugging Face tokenizers, pre_tokenizers/byte_level.rs.
 * gpt2:     '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * cl100k:   '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s
 * The older cl100k lacks `\s+$`: "a\n  " at the end of a text is three pieces there and two in the newer one.
 */
#include "common/token/pattern.h"

#include <string.h>

#define O200K_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CL100K_HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define CL100K_CASES "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define CL100K_MIDDLE "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define CL100K_END "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K_POSSESSIVE(digits) "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"
#define O200K_END "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The first spelling of a name is the one that Hugging Face's library accepts and that is written. */
static const struct pattern patterns[] = {
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2},
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?[\\p{L}]+| ?[\\p{N}]+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s", PATTERN_GPT2},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2},
  {"cl100k", CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE "|\\s+\\z" CL100K_END, PATTERN_CL100K, .digits = 3, .tail = true},
  {"cl100k", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s", PATTERN_CL100K, .digits = 3, .tail = true},
  {"o200k", O200K_WORD "*" LOWER "+" O200K_CONTRACTION "|" O200K_WORD "+" LOWER "*" O200K_CONTRACTION "|\\p{N}{1,3}" O200K_END, PATTERN_O200K, .digits = 3},
  {"none", "", PATTERN_NONE},
  {NULL, PATTERN_WORDS, PATTERN_WORD_RUNS},
  /* Llama 3, ChatGLM 4, Phi-4 and tiktoken before `\s++$`; the same with each case spelled out; rustbpe */
  {NULL, CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, .digits = 3, .alias = "llama3"},
  {NULL, CL100K_CASES "\\p{N}{1,3}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, .digits = 3},
  {NULL, CL100K_POSSESSIVE("\\p{N}{1,3}"), PATTERN_CL100K, .digits = 3},
  /* Qwen 2, 2.5 and 3, StableLM 2; nanochat */
  {NULL, CL100K_HEAD "\\p{N}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, .digits = 1, .alias = "qwen2"},
  {NULL, CL100K_CASES "\\p{N}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, .digits = 1},
  {NULL, CL100K_POSSESSIVE("\\p{N}{1,2}"), PATTERN_CL100K, .digits = 2},
  /* Mistral's tekken */
  {NULL, O200K_WORD "*" LOWER "+|" O200K_WORD "+" LOWER "*|\\p{N}" O200K_END, PATTERN_O200K, .digits = 1, .plain = true},
  /* The stage Digits before gpt2: StarCoder, SmolLM, Granite, Command R */
  {NULL, "\\p{N}", PATTERN_NUMBERS, .digits = 1},
  {NULL, "\\p{N}{1,3}", PATTERN_NUMBERS, .digits = 3},
  {NULL, "\\p{N}+", PATTERN_NUMBERS, .digits = 0},
  /* DeepSeek-V3 and R1 */
  {NULL, "\\p{N}{1,3}\n[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+\n"
         "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", PATTERN_DEEPSEEK, .alias = "deepseek"},
};
#define PATTERNS (sizeof patterns / sizeof patterns[0])

const struct pattern *pattern_known(const char *s, size_t n) {
  for (size_t i = 0; i < PATTERNS; i++) {
    const struct pattern *k = &patterns[i];
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

static const struct pattern *by_alias(struct slice s) {
  for (size_t i = 0; i < PATTERNS; i++)
    if (patterns[i].alias && slice_equal(slice_of(patterns[i].alias), s)) return &patterns[i];
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
  const struct pattern *k = pattern_known(text.len ? text.data : "", text.len);
  if (k && k->name) buffer_append_string(out, k->name);
  else if ((k = by_alias(buffer_slice(&text)))) buffer_append_string(out, k->spelling);
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
