/* SPDX-License-Identifier: MIT
 *
 * Tokenizer files of every format.  What loads encodes any text and gives it back, and its native form loads with the
 * same hash.
 */
#include "common/token/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/token/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *in_memory(const void *data, size_t size, int which) {
  static int fd[2] = {-1, -1};
  static char path[2][64];
  if (fd[which] < 0) {
    fd[which] = memfd_create("fuzz", 0);
    snprintf(path[which], sizeof path[which], "/proc/self/fd/%d", fd[which]);
  }
  if (ftruncate(fd[which], 0) || pwrite(fd[which], data, size, 0) != (ssize_t)size) abort();
  return path[which];
}

static void use(struct tokenizer *t) {
  static const char text[] = "The end's here:  123 \xE6\x97\xA5\xFF\n\n<|endoftext|> x";
  struct encoder *n = encoder_new(t, 4096);
  struct ids ids = {0};
  struct buffer back = {0}, native = {0};
  struct err e;
  for (int allow = 0; allow < 2; allow++) {
    ids.len = back.len = 0;
    if (encoder_encode(n, SLICE(text), allow, &ids, &e)) continue; /* a match limit */
    if (tokenizer_decode(t, ids.data, ids.len, &back, &e) || (!tokenizer_vocab(t)->nfc && !slice_equal(buffer_slice(&back), SLICE(text)))) abort();
  }
  /* What other formats take of it reads back as well. */
  struct gpt2_files files = {0};
  struct vocab v;
  vocab_init(&v);
  if (format_write_gpt2(&files, tokenizer_vocab(t), &e) == 0 && format_read_gpt2(&v, buffer_slice(&files.ids), buffer_slice(&files.merges), NULL, &e)) abort();
  vocab_release(&v);
  buffer_clear(&back);
  /* Hugging Face's && within a class is not in PCRE2. */
  if (!strstr(tokenizer_vocab(t)->pattern, "&&") && format_write_hf(&back, &files.config, tokenizer_vocab(t), &e) == 0 && format_read_hf(&v, buffer_slice(&back), "written", NULL, &e)) abort();
  vocab_release(&v);
  buffer_clear(&back);
  format_write_tiktoken(&back, tokenizer_vocab(t), &e);
  buffer_release(&files.ids);
  buffer_release(&files.merges);
  buffer_release(&files.config);
  vocab_write(&native, tokenizer_vocab(t));
  struct tokenizer *again;
  if (tokenizer_load(&again, in_memory(native.data, native.len, 1), NULL, &e)) abort();
  if (tokenizer_hash(again) != tokenizer_hash(t)) abort();
  tokenizer_free(again);
  encoder_free(n);
  ids_release(&ids);
  buffer_release(&back);
  buffer_release(&native);
}

static void load(const void *data, size_t size, const struct tokenizer_options *options) {
  struct tokenizer *t;
  struct err e;
  if (tokenizer_load(&t, in_memory(data, size, 0), options, &e)) return;
  use(t);
  tokenizer_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  load(data, size, NULL);
  const char *const specials[] = {"<|endoftext|>", "<x>"};
  load(data, size, &(struct tokenizer_options){"gpt2", specials, 2});

  /* A whole native file with these bytes as further lines. */
  struct vocab v;
  struct err e;
  struct buffer text = {0};
  vocab_init(&v);
  for (unsigned b = 0; b < 256; b++) vocab_add(&v, b, (struct slice){&(char){(char)b}, 1}, &e);
  v.pattern = strdup("cl100k");
  vocab_write(&text, &v);
  buffer_append(&text, data, size);
  load(text.data, text.len, NULL);
  vocab_release(&v);
  buffer_release(&text);

  /* GPT-2's pair of files, split at the first zero byte. */
  const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
  if (zero) {
    vocab_init(&v);
    format_read_gpt2(&v, (struct slice){(const char *)data, (size_t)(zero - data)}, (struct slice){(const char *)zero + 1, size - (size_t)(zero - data) - 1}, NULL, &e);
    vocab_release(&v);
  }
  return 0;
}
