/* SPDX-License-Identifier: MIT
 *
 * Reading and writing of token shards; the layout stands in the header, llm.c's in its dev/data/data_common.py.
 */
#include "common/io/shards.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/io/input.h"
#include "common/io/output.h"

enum {
  HEADER_WORDS = 256,
  HEADER_BYTES = 4 * HEADER_WORDS,
  MAGIC_U16 = 20240520,
  MAGIC_U32 = 20240801,
  OURS = 0x6332,
  CHUNK = 1 << 16, /* ids converted at a time */
};

static void put_u32(unsigned char *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (unsigned char)(v >> 8 * i);
}

static void put_u64(unsigned char *p, uint64_t v) {
  put_u32(p, (uint32_t)v);
  put_u32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get_u32(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint64_t get_u64(const unsigned char *p) { return get_u32(p) | (uint64_t)get_u32(p + 4) << 32; }

static void header_encode(const struct shard_header *h, bool complete, unsigned char bytes[HEADER_BYTES]) {
  memset(bytes, 0, HEADER_BYTES);
  put_u32(bytes, h->token_bytes == 2 ? MAGIC_U16 : MAGIC_U32);
  put_u32(bytes + 4, h->token_bytes == 2 ? 1 : 7);
  put_u32(bytes + 12, OURS);
  put_u32(bytes + 24, (uint32_t)h->vocabulary_size);
  put_u32(bytes + 28, (uint32_t)h->end_of_text);
  put_u64(bytes + 32, h->tokenizer_hash);
  if (complete) {
    put_u32(bytes + 8, h->count <= INT32_MAX ? (uint32_t)h->count : 0);
    put_u64(bytes + 16, (uint64_t)h->count);
    put_u64(bytes + 40, h->data_hash);
  }
}

/* `size`: of the file, -1 when it is a stream. */
static int header_decode(const unsigned char *bytes, size_t n, int64_t size, struct shard_header *h, struct err *e) {
  memset(h, 0, sizeof *h);
  if (n < 8) return err_set(e, "not a token shard: %zu bytes, the header has 1024", n);
  uint32_t magic = get_u32(bytes), version = get_u32(bytes + 4);
  if (magic == MAGIC_U16 && version == 1) h->token_bytes = 2;
  else if (magic == MAGIC_U32 && version == 7) h->token_bytes = 4;
  else return err_set(e, "not a token shard: magic %" PRIu32 ", version %" PRIu32, magic, version);
  if (n < HEADER_BYTES) return err_set(e, "truncated: %zu bytes, the header has 1024", n);
  uint32_t short_count = get_u32(bytes + 8);
  h->ours = get_u32(bytes + 12) == OURS;
  h->end_of_text = -1;
  h->count = short_count;
  if (h->ours) {
    h->vocabulary_size = (int32_t)get_u32(bytes + 24);
    h->end_of_text = (int32_t)get_u32(bytes + 28);
    h->tokenizer_hash = get_u64(bytes + 32);
    h->data_hash = get_u64(bytes + 40);
    uint64_t count = get_u64(bytes + 16);
    if (count > INT64_MAX / 8) return err_set(e, "the header's count of tokens is impossible");
    if (short_count && short_count != count) return err_set(e, "the header has two counts of tokens, %" PRIu32 " and %" PRIu64, short_count, count);
    h->count = (int64_t)count;
    if (h->vocabulary_size <= 0 || h->end_of_text < -1 || h->end_of_text >= h->vocabulary_size) return err_set(e, "the header's vocabulary of %" PRId32 " and end-of-text id %" PRId32 " do not fit", h->vocabulary_size, h->end_of_text);
  }
  /* No count: written to a pipe, or empty; the tokens go to the end of the file. */
  if (h->count == 0 && h->data_hash == 0) h->count = -1;
  if (size >= 0) {
    int64_t data = size - HEADER_BYTES;
    if (h->count < 0 && data % h->token_bytes == 0) h->count = data / h->token_bytes;
    else if (h->count < 0) return err_set(e, "truncated: the tokens end in the middle of one");
    else if (data < h->count * h->token_bytes) return err_set(e, "truncated: %" PRId64 " of %" PRId64 " tokens", data / h->token_bytes, h->count);
    else if (data > h->count * h->token_bytes) return err_set(e, "%" PRId64 " bytes after the last of %" PRId64 " tokens", data - h->count * h->token_bytes, h->count);
  }
  return 0;
}

static void tokens_decode(const unsigned char *bytes, int width, size_t n, uint32_t *ids) {
  if (width == 2)
    for (size_t i = 0; i < n; i++) ids[i] = bytes[2 * i] | (uint32_t)bytes[2 * i + 1] << 8;
  else
    for (size_t i = 0; i < n; i++) ids[i] = get_u32(bytes + 4 * i);
}

static int check_ids(const struct shard_header *h, const uint32_t *ids, size_t n, int64_t from, struct err *e) {
  if (!h->ours) return 0;
  uint32_t largest = 0;
  for (size_t i = 0; i < n; i++) largest = ids[i] > largest ? ids[i] : largest;
  if (n == 0 || largest < (uint32_t)h->vocabulary_size) return 0;
  for (size_t i = 0; i < n; i++)
    if (ids[i] >= (uint32_t)h->vocabulary_size) return err_set(e, "token %" PRId64 " is %" PRIu32 ", outside the vocabulary of %" PRId32, from + (int64_t)i, ids[i], h->vocabulary_size);
  return 0;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

struct shard_writer {
  struct output *out;
  struct shard_header header;
  int64_t limit;      /* tokens a shard, 0: one shard */
  int64_t in_shard, total;
  char *path;         /* as given; of several shards, without .bin */
  unsigned flags;
  int shards;         /* opened so far */
  XXH3_state_t *hash;
  struct buffer manifest;
  unsigned char *bytes; /* CHUNK x 4 */
};

static int shard_begin(struct shard_writer *w, struct err *e) {
  unsigned char header[HEADER_BYTES];
  struct buffer name = {0};
  if (w->limit) {
    buffer_printf(&name, "%s_%06d.bin", w->path, w->shards);
    buffer_string(&name);
  }
  int status = output_open(&w->out, w->limit ? name.data : w->path, w->flags, e);
  buffer_release(&name);
  if (status) {
    w->out = NULL;
    return -1;
  }
  w->shards++;
  w->in_shard = 0;
  XXH3_64bits_reset(w->hash);
  header_encode(&w->header, false, header);
  return output_write(w->out, header, sizeof header, e);
}

static int shard_end(struct shard_writer *w, struct err *e) {
  unsigned char header[HEADER_BYTES];
  w->header.count = w->in_shard;
  w->header.data_hash = XXH3_64bits_digest(w->hash);
  header_encode(&w->header, true, header);
  if (output_patch(w->out, 0, header, sizeof header, e) < 0) return -1;
  if (w->limit) {
    const char *slash = strrchr(w->path, '/');
    buffer_printf(&w->manifest, "%s_%06d.bin\t%" PRId64 "\t%" PRId64 "\t%016" PRIx64 "\n", slash ? slash + 1 : w->path, w->shards - 1, w->in_shard, HEADER_BYTES + w->in_shard * w->header.token_bytes, w->header.data_hash);
  }
  struct output *out = w->out;
  w->out = NULL;
  return output_commit(out, e);
}

static void writer_free(struct shard_writer *w) {
  XXH3_freeState(w->hash);
  buffer_release(&w->manifest);
  free(w->bytes);
  free(w->path);
  free(w);
}

int shard_writer_open(struct shard_writer **out, const char *path, const struct shard_header *header, int64_t shard_tokens, unsigned flags, struct err *e) {
  size_t n = path ? strlen(path) : 0;
  if (shard_tokens > 0 && (n < 5 || strcmp(path + n - 4, ".bin"))) return err_usage(e, "several shards need -o NAME.bin: they become NAME_000000.bin, NAME_000001.bin, ...");
  struct shard_writer *w = NEW(struct shard_writer);
  w->header = *header;
  w->limit = shard_tokens > 0 ? shard_tokens : 0;
  w->flags = flags | OUTPUT_BINARY;
  w->path = path ? STRDUP(path) : NULL;
  if (w->limit) w->path[n - 4] = 0;
  w->hash = XXH3_createState();
  if (!w->hash) abort();
  w->bytes = MALLOC(CHUNK * 4);
  if (w->limit) {
    /* From here on the shards are not those of an older manifest. */
    struct buffer name = {0};
    buffer_printf(&name, "%s_manifest.tsv", w->path);
    unlink(buffer_string(&name));
    buffer_release(&name);
    buffer_append_string(&w->manifest, "file\ttokens\tbytes\txxh3\n");
  }
  if (shard_begin(w, e)) {
    shard_writer_abort(w);
    return -1;
  }
  *out = w;
  return 0;
}

int shard_writer_put(struct shard_writer *w, const uint32_t *ids, size_t n, struct err *e) {
  while (n) {
    if (w->limit && w->in_shard == w->limit && (shard_end(w, e) || shard_begin(w, e))) return -1;
    size_t take = n < CHUNK ? n : CHUNK;
    if (w->limit && (int64_t)take > w->limit - w->in_shard) take = (size_t)(w->limit - w->in_shard);
    size_t width = (size_t)w->header.token_bytes;
    for (size_t i = 0; i < take; i++) {
      if (width == 2 && ids[i] > 0xFFFF) return err_set(e, "id %" PRIu32 " does not fit 16 bits: use --dtype u32", ids[i]);
      if (width == 2) {
        w->bytes[2 * i] = (unsigned char)ids[i];
        w->bytes[2 * i + 1] = (unsigned char)(ids[i] >> 8);
      } else put_u32(w->bytes + 4 * i, ids[i]);
    }
    XXH3_64bits_update(w->hash, w->bytes, take * width);
    if (output_write(w->out, w->bytes, take * width, e)) return -1;
    w->in_shard += (int64_t)take;
    w->total += (int64_t)take;
    ids += take;
    n -= take;
  }
  return 0;
}

int64_t shard_writer_count(const struct shard_writer *w) { return w->total; }

int shard_writer_commit(struct shard_writer *w, struct err *e) {
  int status = shard_end(w, e);
  if (status == 0 && w->limit) {
    struct buffer name = {0};
    /* An older, longer run left shards that a pattern P_*.bin would catch. */
    for (int removed = 0, i = w->shards; removed == 0; i++) {
      buffer_clear(&name);
      buffer_printf(&name, "%s_%06d.bin", w->path, i);
      removed = unlink(buffer_string(&name));
    }
    buffer_clear(&name);
    buffer_printf(&name, "%s_manifest.tsv", w->path);
    status = output_file(buffer_string(&name), w->manifest.data, w->manifest.len, e);
    buffer_release(&name);
  }
  writer_free(w);
  return status;
}

void shard_writer_abort(struct shard_writer *w) {
  if (!w) return;
  output_abort(w->out);
  writer_free(w);
}

/* ---- reading as a stream -------------------------------------------------------------------------------------------- */

struct shard_reader {
  struct input *in;
  struct shard_header header;
  int64_t done;
  bool ended;
  XXH3_state_t *hash;
};

int shard_reader_open(struct shard_reader **out, const char *name, struct err *e) {
  struct shard_reader *r = NEW(struct shard_reader);
  const char *data;
  size_t available;
  if (input_open(&r->in, name, NULL, e)) {
    free(r);
    return -1;
  }
  r->hash = XXH3_createState();
  if (!r->hash) abort();
  XXH3_64bits_reset(r->hash);
  if (input_peek(r->in, HEADER_BYTES, &data, &available, e) || header_decode((const unsigned char *)data, available < HEADER_BYTES ? available : HEADER_BYTES, -1, &r->header, e)) {
    err_prefix(e, "%s", input_name(r->in));
    shard_reader_close(r);
    return -1;
  }
  input_consume(r->in, HEADER_BYTES);
  *out = r;
  return 0;
}

const struct shard_header *shard_reader_header(const struct shard_reader *r) { return &r->header; }

int64_t shard_reader_read(struct shard_reader *r, uint32_t *ids, size_t n, struct err *e) {
  if (r->ended || n == 0) return 0;
  const char *data;
  size_t available, width = (size_t)r->header.token_bytes;
  if (n > CHUNK) n = CHUNK;
  if (input_peek(r->in, n * width, &data, &available, e)) return err_prefix(e, "%s", input_name(r->in));
  if (available < width || r->done == r->header.count) {
    r->ended = true;
    if (available && r->done == r->header.count) return err_set(e, "%s: bytes after the last of %" PRId64 " tokens", input_name(r->in), r->done);
    if (available) return err_set(e, "%s: truncated: the tokens end in the middle of one", input_name(r->in));
    if (r->header.count >= 0 && r->done != r->header.count) return err_set(e, "%s: truncated: %" PRId64 " of %" PRId64 " tokens", input_name(r->in), r->done, r->header.count);
    if (r->header.data_hash && r->header.data_hash != XXH3_64bits_digest(r->hash)) return err_set(e, "%s: damaged: the tokens do not have the hash of the header", input_name(r->in));
    return 0;
  }
  size_t take = available / width < n ? available / width : n;
  if (r->header.count >= 0 && (int64_t)take > r->header.count - r->done) take = (size_t)(r->header.count - r->done);
  XXH3_64bits_update(r->hash, data, take * width);
  tokens_decode((const unsigned char *)data, r->header.token_bytes, take, ids);
  if (check_ids(&r->header, ids, take, r->done, e)) return err_prefix(e, "%s", input_name(r->in));
  input_consume(r->in, take * width);
  r->done += (int64_t)take;
  return (int64_t)take;
}

void shard_reader_close(struct shard_reader *r) {
  if (!r) return;
  input_close(r->in);
  XXH3_freeState(r->hash);
  free(r);
}

/* ---- reading at random ---------------------------------------------------------------------------------------------- */

struct shard_file {
  int descriptor;
  char *path;
  struct shard_header header;
};

static int read_at(int descriptor, void *to, size_t n, int64_t offset, size_t *got, struct err *e) {
  *got = 0;
  while (*got < n) {
    ssize_t k = pread(descriptor, (char *)to + *got, n - *got, offset + (int64_t)*got);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return err_errno(e, "read");
    if (k == 0) break;
    *got += (size_t)k;
  }
  return 0;
}

int shard_file_open(struct shard_file **out, const char *path, struct err *e) {
  struct shard_file *f = NEW(struct shard_file);
  unsigned char header[HEADER_BYTES];
  struct stat s;
  size_t got = 0;
  int status = 0;
  f->path = STRDUP(path);
  f->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no wait for the other end of a pipe: it is refused */
  if (f->descriptor < 0 || fstat(f->descriptor, &s)) status = err_errno(e, "%s", path);
  else if (!S_ISREG(s.st_mode)) status = err_set(e, "%s: not a regular file", path);
  else if (read_at(f->descriptor, header, sizeof header, 0, &got, e) || header_decode(header, got, s.st_size, &f->header, e)) status = err_prefix(e, "%s", path);
  if (status) {
    shard_file_close(f);
    return -1;
  }
  *out = f;
  return 0;
}

const struct shard_header *shard_file_header(const struct shard_file *f) { return &f->header; }

int shard_file_read(const struct shard_file *f, int64_t from, size_t n, uint32_t *ids, struct err *e) {
  size_t width = (size_t)f->header.token_bytes, got;
  if (from < 0 || from > f->header.count || (int64_t)n > f->header.count - from) return err_set(e, "%s: tokens %" PRId64 " to %" PRId64 " of %" PRId64, f->path, from, from + (int64_t)n, f->header.count);
  /* 16-bit tokens are read into the upper half of the array and widened in place. */
  unsigned char *raw = (unsigned char *)ids + (4 - width) * n;
  if (read_at(f->descriptor, raw, n * width, HEADER_BYTES + from * (int64_t)width, &got, e)) return err_prefix(e, "%s", f->path);
  if (got < n * width) return err_set(e, "%s: truncated while it was read", f->path);
  tokens_decode(raw, (int)width, n, ids);
  if (check_ids(&f->header, ids, n, from, e)) return err_prefix(e, "%s", f->path);
  return 0;
}

void shard_file_close(struct shard_file *f) {
  if (!f) return;
  if (f->descriptor >= 0) close(f->descriptor);
  free(f->path);
  free(f);
}
