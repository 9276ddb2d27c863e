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
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/io/input.h"
#include "common/io/output.h"

enum {
  HEADER_WORDS = 256,
  HEADER_BYTES = 4 * HEADER_WORDS,
  MAGIC_U16 = 20240520,
  MAGIC_U32 = 20240801,
  OURS = 0x6332,
  CHUNK = 1 << 16,  /* tokens read at a time */
  BUFFER = 1 << 16, /* bytes hashed and written at a time */
  DIRECT = 1 << 15, /* so many bytes of 32-bit ids are not copied here */
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE_ENDIAN_HOST 1
#else
#define LITTLE_ENDIAN_HOST 0
#endif

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

/* ---- widths ---------------------------------------------------------------------------------------------------------
 *
 * Each with scalar code, AVX2 and AVX-512.  Bytes of the file may lie in the upper half of the array of ids that they
 * become: all go upwards and load before they store. */

#ifdef __x86_64__
SIMD_TARGET_AVX2 static size_t narrow_avx2(const uint32_t *ids, size_t n, unsigned char *bytes, uint32_t *bits) {
  size_t i = 0;
  __m256i all = _mm256_setzero_si256();
  for (; i + 16 <= n; i += 16) {
    __m256i a = _mm256_loadu_si256((const __m256i *)(ids + i)), b = _mm256_loadu_si256((const __m256i *)(ids + i + 8));
    all = _mm256_or_si256(all, _mm256_or_si256(a, b));
    _mm256_storeu_si256((__m256i *)(bytes + 2 * i), _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xD8));
  }
  __m128i half = _mm_or_si128(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  half = _mm_or_si128(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_or_si128(half, _mm_shuffle_epi32(half, 0xB1));
  *bits |= (uint32_t)_mm_cvtsi128_si32(half);
  return i;
}

SIMD_TARGET_AVX512 static size_t narrow_avx512(const uint32_t *ids, size_t n, unsigned char *bytes, uint32_t *bits) {
  size_t i = 0;
  __m512i all = _mm512_setzero_si512();
  for (; i + 32 <= n; i += 32) {
    __m512i a = _mm512_loadu_si512(ids + i), b = _mm512_loadu_si512(ids + i + 16);
    all = _mm512_ternarylogic_epi32(all, a, b, 0xFE);
    _mm256_storeu_si256((__m256i *)(bytes + 2 * i), _mm512_cvtepi32_epi16(a));
    _mm256_storeu_si256((__m256i *)(bytes + 2 * i + 32), _mm512_cvtepi32_epi16(b));
  }
  *bits |= (uint32_t)_mm512_reduce_or_epi32(all);
  return i;
}

SIMD_TARGET_AVX2 static size_t widen_avx2(const unsigned char *bytes, int width, size_t n, uint32_t *ids, uint32_t *largest) {
  size_t i = 0;
  __m256i most = _mm256_setzero_si256();
  for (; i + 8 <= n; i += 8) {
    __m256i v = width == 2 ? _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(bytes + 2 * i))) : _mm256_loadu_si256((const __m256i *)(bytes + 4 * i));
    most = _mm256_max_epu32(most, v);
    _mm256_storeu_si256((__m256i *)(ids + i), v);
  }
  uint32_t lanes[8];
  _mm256_storeu_si256((__m256i *)lanes, most);
  for (int k = 0; k < 8; k++) *largest = lanes[k] > *largest ? lanes[k] : *largest;
  return i;
}

SIMD_TARGET_AVX512 static size_t widen_avx512(const unsigned char *bytes, int width, size_t n, uint32_t *ids, uint32_t *largest) {
  size_t i = 0;
  __m512i most = _mm512_setzero_si512();
  for (; i + 16 <= n; i += 16) {
    __m512i v = width == 2 ? _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(bytes + 2 * i))) : _mm512_loadu_si512(bytes + 4 * i);
    most = _mm512_max_epu32(most, v);
    _mm512_storeu_si512(ids + i, v);
  }
  uint32_t m = _mm512_reduce_max_epu32(most);
  *largest = m > *largest ? m : *largest;
  return i;
}
#endif

/* ids -> 16-bit tokens; returns all their bits together, so that any beyond 16 shows. */
static uint32_t narrow(const uint32_t *ids, size_t n, unsigned char *bytes) {
  uint32_t bits = 0;
  size_t i = 0;
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level >= SIMD_AVX512) i = narrow_avx512(ids, n, bytes, &bits);
  else if (level >= SIMD_AVX2) i = narrow_avx2(ids, n, bytes, &bits);
#endif
  for (; i < n; i++) {
    bits |= ids[i];
    bytes[2 * i] = (unsigned char)ids[i];
    bytes[2 * i + 1] = (unsigned char)(ids[i] >> 8);
  }
  return bits;
}

/* Tokens -> ids; returns the largest. */
static uint32_t widen(const unsigned char *bytes, int width, size_t n, uint32_t *ids) {
  uint32_t largest = 0;
  size_t i = 0;
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level >= SIMD_AVX512) i = widen_avx512(bytes, width, n, ids, &largest);
  else if (level >= SIMD_AVX2) i = widen_avx2(bytes, width, n, ids, &largest);
#endif
  for (; i < n; i++) {
    ids[i] = width == 2 ? bytes[2 * i] | (uint32_t)bytes[2 * i + 1] << 8 : get_u32(bytes + 4 * i);
    largest = ids[i] > largest ? ids[i] : largest;
  }
  return largest;
}

static int check_ids(const struct shard_header *h, const uint32_t *ids, size_t n, uint32_t largest, int64_t from, struct err *e) {
  if (!h->ours || n == 0 || largest < (uint32_t)h->vocabulary_size) return 0;
  size_t i = 0;
  while (ids[i] < (uint32_t)h->vocabulary_size) i++;
  return err_set(e, "token %" PRId64 " is %" PRIu32 ", outside the vocabulary of %" PRId32, from + (int64_t)i, ids[i], h->vocabulary_size);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

struct shard_writer {
  struct output *out;
  struct shard_header header;
  int64_t count;
  XXH3_state_t *hash;
  unsigned char *bytes; /* BUFFER; the first `used` wait */
  size_t used;
};

static void writer_free(struct shard_writer *w) {
  XXH3_freeState(w->hash);
  free(w->bytes);
  free(w);
}

int shard_writer_open(struct shard_writer **out, const char *path, const struct shard_header *header, unsigned flags, struct err *e) {
  unsigned char bytes[HEADER_BYTES];
  struct shard_writer *w = NEW(struct shard_writer);
  w->header = *header;
  w->hash = XXH3_createState();
  if (!w->hash) abort();
  XXH3_64bits_reset(w->hash);
  w->bytes = MALLOC(BUFFER);
  header_encode(&w->header, false, bytes);
  if (output_open(&w->out, path, flags | OUTPUT_BINARY, e)) {
    writer_free(w);
    return -1;
  }
  if (output_write(w->out, bytes, sizeof bytes, e)) {
    shard_writer_abort(w);
    return -1;
  }
  *out = w;
  return 0;
}

static int flush(struct shard_writer *w, struct err *e) {
  size_t n = w->used;
  w->used = 0;
  XXH3_64bits_update(w->hash, w->bytes, n);
  return output_write(w->out, w->bytes, n, e);
}

int shard_writer_put(struct shard_writer *w, const uint32_t *ids, size_t n, struct err *e) {
  size_t width = (size_t)w->header.token_bytes;
  w->count += (int64_t)n;
  if (width == 4 && LITTLE_ENDIAN_HOST && n * 4 >= DIRECT) {
    if (flush(w, e)) return -1;
    XXH3_64bits_update(w->hash, ids, n * 4);
    return output_write(w->out, ids, n * 4, e);
  }
  while (n) {
    size_t take = n < (BUFFER - w->used) / width ? n : (BUFFER - w->used) / width;
    unsigned char *to = w->bytes + w->used;
    if (width == 2 && narrow(ids, take, to) > 0xFFFF) {
      while (*ids <= 0xFFFF) ids++;
      return err_set(e, "id %" PRIu32 " does not fit 16 bits: use --dtype u32", *ids);
    }
    if (width == 4 && LITTLE_ENDIAN_HOST) memcpy(to, ids, take * 4);
    else if (width == 4)
      for (size_t i = 0; i < take; i++) put_u32(to + 4 * i, ids[i]);
    w->used += take * width;
    if (w->used == BUFFER && flush(w, e)) return -1;
    ids += take;
    n -= take;
  }
  return 0;
}

int64_t shard_writer_count(const struct shard_writer *w) { return w->count; }

int shard_writer_commit(struct shard_writer *w, struct shard_header *written, struct err *e) {
  unsigned char header[HEADER_BYTES];
  int status = flush(w, e);
  w->header.count = w->count;
  w->header.data_hash = XXH3_64bits_digest(w->hash);
  header_encode(&w->header, true, header);
  if (status == 0 && output_patch(w->out, 0, header, sizeof header, e) < 0) status = -1;
  if (status == 0) status = output_commit(w->out, e);
  else output_abort(w->out);
  if (written) *written = w->header;
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
  if (check_ids(&r->header, ids, take, widen((const unsigned char *)data, r->header.token_bytes, take, ids), r->done, e)) return err_prefix(e, "%s", input_name(r->in));
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
  if (check_ids(&f->header, ids, n, widen(raw, (int)width, n, ids), from, e)) return err_prefix(e, "%s", f->path);
  return 0;
}

void shard_file_close(struct shard_file *f) {
  if (!f) return;
  if (f->descriptor >= 0) close(f->descriptor);
  free(f->path);
  free(f);
}
