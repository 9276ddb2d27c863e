/* SPDX-License-Identifier: MIT
 *
 * bpe-train: documents or raw text -> a tokenizer, or a list of words.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "common/token/pattern.h"
#include "common/token/tokenizer.h"
#include "tools/bpe-train/corpus.h"
#include "tools/bpe-train/merges.h"

enum format { FORMAT_TSV, FORMAT_HF };

struct settings {
  int64_t size;
  const char *pattern;
  struct option_list specials;
  bool raw, words;
  int tie, format;
};

static void show_progress(void *context, uint32_t done) {
  char text[NUMBER_TEXT];
  struct program *p = context;
  progress_text(p->progress, "%s: %s merges", p->name, number_thousands(done, text));
}

static int by_count(const void *x, const void *y) {
  const struct word_count *a = *(const struct word_count *const *)x, *b = *(const struct word_count *const *)y;
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  return a < b ? -1 : a > b; /* they lie sorted by bytes */
}

/* Most frequent first, then the specials; ids are line numbers, 0 is the unknown word. */
static int write_words(struct program *p, const struct settings *s, const struct word_counts *words, int specials, struct output *out, struct err *e) {
  const struct word_count **order = MALLOC((words->count + 1) * sizeof *order);
  for (size_t i = 0; i < words->count; i++) order[i] = &words->items[i];
  qsort(order, words->count, sizeof *order, by_count);
  size_t n = words->count, wanted = s->size ? (size_t)(s->size - 1 - specials) : n;
  if (wanted < n) n = wanted;
  if (s->size && wanted > n) program_warn(p, "only %zu words, vocabulary is %zu", n, n + 1 + (size_t)specials);
  int status = 0;
  for (size_t i = 0; i < n && status == 0; i++) status = output_write(out, order[i]->bytes.data, order[i]->bytes.len, e) || output_write(out, "\n", 1, e) ? -1 : 0;
  for (int i = 0; i < specials && status == 0; i++) status = output_printf(out, e, "%s\n", s->specials.items[i]);
  free(order);
  return status;
}

static int write_tokenizer(struct program *p, const struct settings *s, const struct tokenizer *t, struct output *out, struct err *e) {
  if (s->format == FORMAT_HF) return tokenizer_write_hf(t, p->output, e);
  struct buffer text = {0};
  vocab_write(&text, tokenizer_vocab(t));
  int status = output_write(out, text.data, text.len, e);
  buffer_release(&text);
  return status;
}

static int train(struct program *p, const struct settings *s, const char *pattern, const struct word_counts *words, int specials, struct output *out, struct err *e) {
  struct vocab v;
  vocab_init(&v);
  uint32_t wanted = (uint32_t)(s->size - 256 - specials), made = merges_train(&v, words, wanted, (enum tie)s->tie, show_progress, p);
  progress_clear(p->progress);
  if (made < wanted) program_warn(p, "no pair is left after %" PRIu32 " merges, vocabulary is %" PRIu32, made, 256 + made + (uint32_t)specials);
  for (int i = 0; i < specials; i++) {
    uint32_t id = v.size;
    if (strcmp(s->specials.items[i], "<|endoftext|>") == 0) v.eot = id;
    if (vocab_add_special(&v, id, slice_of(s->specials.items[i]), e)) {
      vocab_release(&v);
      return -1;
    }
  }
  if (v.eot < 0 && specials) v.eot = (int64_t)v.size - specials;
  v.pattern = STRDUP(pattern);
  stats_int(p->stats, "merges", made);
  stats_int(p->stats, "vocabulary", v.size);
  struct tokenizer *t;
  if (tokenizer_from_vocab(&t, &v, e)) return -1;
  int status = write_tokenizer(p, s, t, out, e);
  tokenizer_free(t);
  return status;
}

static int check(const struct program *p, const struct settings *s, int specials, struct err *e) {
  struct stat folder;
  if (s->words) {
    if (s->pattern || s->format != FORMAT_TSV) return err_usage(e, "--words takes neither -p nor --format");
    if (s->size && s->size < 2 + specials) return err_usage(e, "-n counts the unknown word and the specials: at least %d", 2 + specials);
    return 0;
  }
  if (!s->size) return err_usage(e, "give the size of the vocabulary with -n");
  if (s->size < 256 + specials || s->size > VOCAB_LIMIT) return err_usage(e, "-n counts 256 bytes and %d special tokens: from %d to %u", specials, 256 + specials, VOCAB_LIMIT);
  for (int i = 0; i < specials; i++)
    for (int k = 0; k < i; k++)
      if (strcmp(s->specials.items[i], s->specials.items[k]) == 0) return err_usage(e, "special %s is given twice", s->specials.items[i]);
  if (s->format == FORMAT_HF && (!p->output || strcmp(p->output, "-") == 0)) return err_usage(e, "--format hf writes a folder: name it with -o");
  if (s->format == FORMAT_HF && stat(p->output, &folder) == 0 && !p->force) return err_set(e, "%s exists: -f replaces its tokenizer files", p->output);
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  static const char *end_of_text[] = {"<|endoftext|>"};
  struct option_list given = s->specials;
  if (given.count == 0) s->specials = (struct option_list){end_of_text, 1};
  /* -s '' says that there are none. */
  bool none = given.count == 1 && given.items[0][0] == 0;
  int status = 0, specials_count = none ? 0 : s->specials.count;
  for (int i = 0; i < specials_count; i++)
    if (!s->specials.items[i][0]) status = err_usage(e, "an empty special token");
  if (status || check(p, s, specials_count, e)) status = -1;
  struct pretokenizer *pattern = NULL;
  struct specials *specials = specials_new();
  struct word_counts words = {0};
  for (int i = 0; i < specials_count; i++) specials_add(specials, slice_of(s->specials.items[i]), (uint32_t)i);
  if (status == 0) {
    struct buffer canonical = {0};
    pattern_canonical(&canonical, s->words ? PATTERN_WORDS : s->pattern ? s->pattern : "gpt2", false);
    status = pretokenizer_new(&pattern, buffer_string(&canonical), e);
    if (status) e->kind = ERR_USAGE;
    buffer_release(&canonical);
  }
  /* What cannot be written fails now, not after the work. */
  struct output *out = NULL;
  bool made = false;
  if (status == 0 && s->format == FORMAT_HF) {
    struct stat folder;
    made = stat(p->output, &folder) != 0;
    status = output_folder(p->output, e);
  } else if (status == 0 && (status = output_open(&out, p->output, 0, e))) out = NULL;
  struct corpus_options options = {.raw = s->raw, .words = s->words};
  if (status == 0) status = corpus_count(&words, p, pattern, specials, &options, e);
  if (status == 0) {
    stats_int(p->stats, "distinct", (int64_t)words.count);
    stats_time(p->stats, "count", progress_clock() - p->started);
    bool huge = words.count >= UINT32_MAX;
    for (size_t i = 0; i < words.count; i++) huge = huge || words.items[i].bytes.len > UINT32_MAX;
    if (huge) status = err_set(e, "more than 2^32 distinct pieces, or one of 4 GiB");
  }
  if (status == 0) status = s->words ? write_words(p, s, &words, specials_count, out, e) : train(p, s, pretokenizer_pattern(pattern), &words, specials_count, out, e);
  if (status == 0 && out) status = output_commit(out, e);
  else output_abort(out);
  if (status && made) rmdir(p->output); /* only when nothing is in it */
  word_counts_release(&words);
  pretokenizer_free(pattern);
  specials_free(specials);
  s->specials = given;
  return status;
}

int main(int argc, char **argv) {
  struct settings s = {0};
  const struct option options[] = {
    {OPTION_COUNT, 'n', "vocab-size", &s.size, "V", "ids in all: 256 bytes, merges and specials", .min = 1, .max = 9e18},
    {OPTION_STRING, 'p', "pattern", &s.pattern, "PATTERN", "gpt2, cl100k, o200k, none or a regular expression (default gpt2)"},
    {OPTION_LIST, 's', "special", &s.specials, "SPECIAL", "a special token, may repeat; '' for none (default <|endoftext|>)"},
    {OPTION_FLAG, 0, "raw", &s.raw, NULL, "each operand is one document of any bytes"},
    {OPTION_CHOICE, 0, "tie", &s.tie, "RULE", "which of equally frequent pairs goes first (default hf)", .choices = "hf|raw|lexical"},
    {OPTION_CHOICE, 0, "format", &s.format, "FORMAT", "native table, or a Hugging Face folder (default tsv)", .choices = "tsv|hf"},
    {OPTION_FLAG, 0, "words", &s.words, NULL, "write the most frequent words, one a line, for bpe-encode -t words:FILE"},
    {OPTION_END},
  };
  static const char *const examples[] = {
    "bpe-train -n 32000 -o tok.tsv documents.tsv.gz",
    "bpe-train -n 50257 --format hf -o tokenizer documents.tsv",
    "bpe-train -n 500 --raw --tie lexical -o tok.tsv corpus.txt",
    NULL,
  };
  struct program p = {
    .name = "bpe-train", .summary = "Train a byte-pair tokenizer.", .operands = "[FILE...]", .options = options, .examples = examples,
    .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_FORCE | SHARED_STRICT | SHARED_REJECTS | SHARED_MAX_DOCUMENT | SHARED_STDIN,
  };
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  int status = program_end(&p, run(&p, &s, &e), &e);
  option_list_release(&s.specials);
  return status;
}
