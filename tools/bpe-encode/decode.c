/* SPDX-License-Identifier: MIT
 *
 * Shards -> text.  The operands are one stream of tokens: a document may go on in the next shard.  Text is escaped and
 * written as it comes, so that a document of any length streams.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/shards.h"
#include "tools/bpe-encode/bpe-encode.h"
#include "tools/bpe-encode/detokenizer.h"

enum { READ_TOKENS = 16384 };

struct decode {
  struct program *p;
  const struct settings *s;
  const struct scheme *scheme;
  struct detokenizer *table;
  struct output *out;
  struct buffer bytes, line;
  uint64_t documents, tokens, words;
  bool open; /* a document's line has begun */
};

static int put_tokens(struct decode *d, const uint32_t *ids, size_t n, struct err *e) {
  int64_t eot = scheme_eot(d->scheme);
  d->line.len = 0;
  for (size_t i = 0; i < n; i++) {
    if (d->line.len >= DETOKENIZER_MOST) {
      if (output_write(d->out, d->line.data, d->line.len, e)) return -1;
      d->line.len = 0;
    }
    bool boundary = eot >= 0 && ids[i] == (uint32_t)eot;
    if (!boundary && d->open && d->words == 0) {
      i += detokenizer_run(d->table, ids + i, n - i, &d->line);
      if (i == n) break;
      if (d->line.len >= DETOKENIZER_MOST) {
        i--;
        continue;
      }
      boundary = eot >= 0 && ids[i] == (uint32_t)eot;
    }
    if (boundary || !d->open) d->documents++;
    if (boundary) {
      if (d->open && !d->s->raw) buffer_put(&d->line, '\n');
      d->open = true;
      d->words = 0;
      continue;
    }
    d->open = true;
    d->bytes.len = 0;
    if (scheme_decode(d->scheme, ids[i], &d->words, &d->bytes, e)) return -1;
    if (d->s->raw) buffer_append_slice(&d->line, buffer_slice(&d->bytes));
    else document_escape(&d->line, buffer_slice(&d->bytes));
  }
  d->tokens += n;
  return output_write(d->out, d->line.data, d->line.len, e);
}

static int decode_shard(struct decode *d, const char *name, uint32_t *ids, struct err *e) {
  struct shard_reader *r;
  if (shard_reader_open(&r, name, e)) return -1;
  const struct shard_header *h = shard_reader_header(r);
  int status = 0;
  if (h->ours && h->tokenizer_hash != scheme_hash(d->scheme)) status = err_set(e, "%s: encoded with another tokenizer (hash %016" PRIx64 ", %s has %016" PRIx64 ")", name, h->tokenizer_hash, d->s->tokenizer, scheme_hash(d->scheme));
  while (status == 0) {
    int64_t n = shard_reader_read(r, ids, READ_TOKENS, e);
    if (n <= 0) {
      status = n < 0 ? -1 : 0;
      break;
    }
    status = put_tokens(d, ids, (size_t)n, e);
    if (status && e->kind != ERR_PIPE) err_prefix(e, "%s", name);
    progress_add(d->p->progress, (uint64_t)n * (uint64_t)h->token_bytes, 0);
  }
  shard_reader_close(r);
  return status;
}

int decode_run(struct program *p, const struct settings *s, const struct scheme *scheme, struct err *e) {
  struct decode d = {.p = p, .s = s, .scheme = scheme};
  uint32_t *ids = MALLOC(READ_TOKENS * sizeof *ids);
  d.table = detokenizer_new(scheme, !s->raw);
  int status = output_open(&d.out, p->output, s->raw ? OUTPUT_BINARY | (p->force ? OUTPUT_FORCE : 0) : 0, e);
  if (status) d.out = NULL;
  if (status == 0 && p->operand_count == 0) status = decode_shard(&d, "-", ids, e);
  for (int i = 0; i < p->operand_count && status == 0; i++) status = decode_shard(&d, p->operand[i], ids, e);
  if (status == 0 && d.open && !s->raw) status = output_write(d.out, "\n", 1, e);
  if (status == 0) {
    status = output_commit(d.out, e);
    d.out = NULL;
  }
  output_abort(d.out);
  stats_flow(p->stats, d.documents, d.documents, 0, 0);
  stats_int(p->stats, "tokens", (int64_t)d.tokens);
  detokenizer_free(d.table);
  buffer_release(&d.bytes);
  buffer_release(&d.line);
  free(ids);
  return status;
}
