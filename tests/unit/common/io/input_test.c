/* SPDX-License-Identifier: MIT */
#include "common/io/input.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/buffer.h"
#include "common/base/rng.h"
#include "tests/tap.h"

static const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  return path;
}

static const char *write_file(const char *name, const void *data, size_t n) {
  const char *path = path_of(name);
  FILE *f = fopen(path, "wb");
  if (n) fwrite(data, 1, n, f);
  fclose(f);
  return path;
}

static void gzip(struct buffer *out, const void *data, size_t n) {
  z_stream z = {0};
  deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  buffer_reserve(out, deflateBound(&z, n) + 64);
  z.next_in = (void *)(data ? data : ""), z.avail_in = (uInt)n;
  z.next_out = (unsigned char *)out->data + out->len, z.avail_out = (uInt)(out->capacity - out->len);
  deflate(&z, Z_FINISH);
  out->len += z.total_out;
  deflateEnd(&z);
}

static void zstd(struct buffer *out, const void *data, size_t n, int checksum) {
  ZSTD_CCtx *c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, checksum);
  buffer_reserve(out, ZSTD_compressBound(n));
  out->len += ZSTD_compress2(c, out->data + out->len, out->capacity - out->len, data, n);
  ZSTD_freeCCtx(c);
}

/* Text that compresses a little, so that blocks and windows of every kind occur. */
static struct buffer sample(size_t n, uint64_t seed) {
  struct buffer b = {0};
  struct rng r;
  rng_init(&r, seed);
  while (b.len < n) {
    if (b.len > 100 && rng_below(&r, 3) == 0) {
      size_t from = rng_below(&r, b.len - 50);
      char piece[50];
      memcpy(piece, b.data + from, sizeof piece);
      buffer_append(&b, piece, sizeof piece);
    } else {
      buffer_put(&b, (char)('a' + rng_below(&r, 26)));
    }
  }
  b.len = n;
  return b;
}

/* Reads all of it, peeking `step` bytes at a time; 0 or -1 with what was good before the error in out. */
static int read_all(const char *name, const struct input_options *options, size_t step, struct buffer *out, struct err *e) {
  struct input *in;
  buffer_clear(out);
  if (input_open(&in, name, options, e)) return -2;
  int result;
  for (;;) {
    const char *data;
    size_t n;
    result = input_peek(in, step, &data, &n, e);
    if (result || !n) break;
    if (n > step) n = step;
    buffer_append(out, data, n);
    input_consume(in, n);
  }
  if (result == 0 && input_position(in) != out->len) note("position %llu after %zu bytes", (unsigned long long)input_position(in), out->len);
  input_close(in);
  return result;
}

static void reads(const char *path, const struct buffer *want, const char *name) {
  struct buffer got = {0};
  struct err e = {0};
  bool fine = true;
  static const size_t steps[] = {1 << 10, 100003, 5 << 20};
  for (size_t i = 0; i < 3; i++) {
    int result = read_all(path, NULL, steps[i], &got, &e);
    bool same = result == 0 && got.len == want->len && (!got.len || memcmp(got.data, want->data, got.len) == 0);
    if (!same) note("step %zu: result %d, %zu bytes of %zu, %s", steps[i], result, got.len, want->len, result ? e.message : "");
    fine &= same;
  }
  ok(fine, "%s", name);
  buffer_release(&got);
}

static void breaks(const char *path, const char *words, const struct buffer *prefix, size_t at_least, const char *name) {
  struct buffer got = {0};
  struct err e = {0};
  int result = read_all(path, NULL, 1000, &got, &e);
  bool fine = result == -1 && strstr(e.message, words) && got.len >= at_least && got.len <= prefix->len && (!got.len || memcmp(got.data, prefix->data, got.len) == 0);
  ok(fine, "%s", name);
  if (!fine) note("result %d, %zu bytes, message: %s", result, got.len, result ? e.message : "");
  buffer_release(&got);
}

struct feed {
  int fd;
  const struct buffer *data;
};

/* A slow writer: odd pieces with pauses, so that reads are short. */
static void *feed(void *context) {
  struct feed *f = context;
  for (size_t at = 0, n = 1; at < f->data->len; at += n, n = n * 3 % 8191 + 1) {
    if (n > f->data->len - at) n = f->data->len - at;
    if (write(f->fd, f->data->data + at, n) != (ssize_t)n) break;
    if (at % 16 == 0) usleep(300);
  }
  close(f->fd);
  return NULL;
}

static void on_alarm(int number) { (void)number; }

static int members(struct input *in, struct buffer *texts, int most, struct err *e) {
  int n = 0;
  for (int more; (more = input_next_member(in, e)) != 0;) {
    if (more < 0) return -1;
    if (n == most) return n + 1;
    const char *data;
    size_t available;
    for (;;) {
      if (input_peek(in, 4096, &data, &available, e)) return -1;
      if (!available) break;
      buffer_append(&texts[n], data, available);
      input_consume(in, available);
    }
    n++;
  }
  return n;
}

static void lines(void) {
  struct buffer text = {0}, again = {0};
  struct input *in;
  struct slice line;
  struct err e = {0};
  for (int i = 0; i < 9000; i++) buffer_put(&text, 'x'); /* longer than the first look */
  buffer_append_string(&text, "\n\nshort\r\nlast");
  int count = 0, more = -1;
  if (ok(input_open(&in, write_file("lines", text.data, text.len), NULL, &e) == 0, "a file of lines")) {
    for (; (more = input_line(in, &line, &e)) > 0; count++) {
      buffer_append_slice(&again, line);
      buffer_put(&again, '\n');
    }
    input_close(in);
  }
  buffer_put(&text, '\n');
  ok(more == 0 && count == 4 && slice_equal(buffer_slice(&again), buffer_slice(&text)), "lines: long, empty, with a return, without newline");
  buffer_release(&text), buffer_release(&again);
}

int main(void) {
  struct buffer text = sample(3000000, 1), other = sample(200000, 2), both = {0}, file = {0}, empty = {0}, got = {0};
  struct err e = {0};
  buffer_append_slice(&both, buffer_slice(&text));
  buffer_append_slice(&both, buffer_slice(&other));

  reads(write_file("plain", text.data, text.len), &text, "a plain file");
  ok(input_read_all(path_of("plain"), &got, &e) == 0 && slice_equal(buffer_slice(&got), buffer_slice(&text)), "a whole file at once");
  buffer_clear(&got);
  ok(input_read_all("/no/such/file", &got, &e) == -1 && strstr(e.message, "/no/such/file") && got.len == 0, "a missing one is named");
  lines();
  reads(write_file("empty", "", 0), &empty, "an empty file");
  write_file("tiny", "\x1F\x8B", 2);
  ok(read_all(path_of("tiny"), NULL, 10, &got, &e) == 0 && got.len == 2, "two bytes of a gzip magic are plain bytes");

  gzip(&file, text.data, text.len);
  size_t first = file.len;
  reads(write_file("one.gz", file.data, file.len), &text, "gzip");
  breaks(write_file("cut.gz", file.data, file.len - 5), "truncated gzip member", &text, text.len - 100000, "gzip without its end");
  breaks(write_file("cut-header.gz", file.data, 7), "truncated gzip", &text, 0, "gzip cut in its header");
  file.data[file.len - 6] ^= 1;
  breaks(write_file("crc.gz", file.data, file.len), "damaged gzip member at byte 0", &text, 0, "gzip with a wrong checksum");
  file.data[file.len - 6] ^= 1;
  char kept = file.data[first / 2];
  file.data[first / 2] ^= 0x55;
  struct buffer bad = {0};
  ok(read_all(write_file("bits.gz", file.data, file.len), NULL, 1000, &bad, &e) == -1 && strstr(e.message, "damaged") && bad.len > 0, "gzip with flipped bits");
  buffer_release(&bad);
  file.data[first / 2] = kept;
  gzip(&file, "", 0);
  gzip(&file, other.data, other.len);
  reads(write_file("many.gz", file.data, file.len), &both, "several gzip members, one of them empty");
  size_t members_end = file.len;
  for (int i = 0; i < 300000; i++) buffer_put(&file, 0);
  reads(write_file("padded.gz", file.data, file.len), &both, "zeros after the last member are ignored");
  gzip(&file, other.data, other.len);
  struct buffer three = {0};
  buffer_append_slice(&three, buffer_slice(&both));
  buffer_append_slice(&three, buffer_slice(&other));
  reads(write_file("padded-inside.gz", file.data, file.len), &three, "and between members");
  file.len = members_end;
  buffer_append_string(&file, "trailing rubbish");
  breaks(write_file("rubbish.gz", file.data, file.len), "no gzip header", &both, both.len, "other bytes after the last member are not");

  buffer_clear(&file);
  zstd(&file, text.data, text.len, 1);
  reads(write_file("one.zst", file.data, file.len), &text, "zstd");
  breaks(write_file("cut.zst", file.data, file.len - 5), "truncated zstd", &text, 100000, "zstd without its end");
  file.data[file.len / 2] ^= 0x55;
  ok(read_all(write_file("bits.zst", file.data, file.len), NULL, 1000, &got, &e) == -1 && strstr(e.message, "zstd"), "zstd with flipped bits");
  bool all = true;
  for (int i = 0; i < 40; i++) { /* without checksum the frame's end is in the last block, whatever room is left */
    struct buffer some = sample(400000 + (size_t)i * 7919, (uint64_t)i);
    buffer_clear(&file);
    zstd(&file, some.data, some.len, 0);
    all &= read_all(write_file("bare.zst", file.data, file.len), NULL, (size_t)1 << (10 + i % 10), &got, &e) == 0 && got.len == some.len && memcmp(got.data, some.data, got.len) == 0;
    buffer_release(&some);
  }
  ok(all, "zstd without checksum, of many lengths");
  buffer_clear(&file);
  zstd(&file, text.data, text.len, 0);
  buffer_append(&file, "\x50\x2A\x4D\x18\x03\0\0\0abc", 11); /* a skippable frame */
  zstd(&file, other.data, other.len, 0);
  reads(write_file("many.zst", file.data, file.len), &both, "several zstd frames, a skippable one between");

  for (int how = 0; how < 4; how++) { /* a dictionary, plain, compressed, cut, and a skippable frame that is none */
    struct buffer words = sample(300000, 77), packed = {0};
    static const char *const names[] = {"zstd with a dictionary in its first frame", "which may be compressed", "a dictionary that is cut is damage", "a damaged one is an error"};
    if (how & 1) zstd(&packed, words.data, words.len, 1);
    else buffer_append_slice(&packed, buffer_slice(&words));
    if (how == 3) memset(packed.data + packed.len / 2, 0x55, 100);
    unsigned char head[8] = {0x5D, 0x2A, 0x4D, 0x18, packed.len & 255, packed.len >> 8 & 255, packed.len >> 16 & 255, 0};
    buffer_clear(&file);
    buffer_append(&file, head, 8);
    buffer_append(&file, packed.data, how == 2 ? packed.len / 2 : packed.len);
    if (how != 2) {
      ZSTD_CCtx *c = ZSTD_createCCtx();
      ZSTD_CCtx_loadDictionary(c, words.data, words.len);
      for (int i = 0; i < 2; i++) {
        const struct buffer *from = i ? &words : &text;
        buffer_reserve(&file, ZSTD_compressBound(from->len));
        file.len += ZSTD_compress2(c, file.data + file.len, file.capacity - file.len, from->data, from->len);
      }
      ZSTD_freeCCtx(c);
    }
    const char *path = write_file("dictionary.zst", file.data, file.len);
    struct buffer want = {0};
    buffer_append_slice(&want, buffer_slice(&text)), buffer_append_slice(&want, buffer_slice(&words));
    if (how < 2) reads(path, &want, names[how]);
    else ok(read_all(path, NULL, 1000, &got, &e) < 0 && strstr(e.message, how == 2 ? "truncated zstd" : "zstd dictionary"), "%s", names[how]);
    buffer_release(&words), buffer_release(&packed), buffer_release(&want);
  }

  buffer_clear(&file);
  gzip(&file, text.data, 1000);
  ok(read_all(write_file("as-is.gz", file.data, file.len), &(struct input_options){.as_is = true}, 100, &got, &e) == 0 && got.len == file.len && memcmp(got.data, file.data, got.len) == 0, "as it is: nothing is decompressed");
  ok(read_all(path_of("plain"), &(struct input_options){.from = 2999000}, 100, &got, &e) == 0 && got.len == 1000 && memcmp(got.data, text.data + 2999000, 1000) == 0, "reading from an offset");
  ok(read_all("/no/such/file", NULL, 1, &got, &e) == -2 && strcmp(e.message, "/no/such/file: No such file or directory") == 0, "a missing file is named");
  ok(read_all(tap_folder(), NULL, 1, &got, &e) == -2 && strstr(e.message, tap_folder()), "so is a folder");
  setenv("CRAWL2LM_URL_RETRIES", "0", 1);
  ok(read_all("http://127.0.0.1:1/x.gz", NULL, 1, &got, &e) == -2 && strncmp(e.message, "http://127.0.0.1:1/x.gz: ", 25) == 0, "and a URL that does not answer");

  { /* a pipe whose writer is slow, and signals while it is read */
    int ends[2], keep = dup(0);
    pthread_t thread;
    struct feed f = {.data = &file};
    buffer_clear(&file);
    gzip(&file, other.data, other.len);
    if (pipe(ends) != 0) return 1;
    f.fd = ends[1];
    dup2(ends[0], 0);
    close(ends[0]);
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: reads end with EINTR */
    sigaction(SIGALRM, &action, NULL);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &set, &old); /* the writer is not to be interrupted */
    pthread_create(&thread, NULL, feed, &f);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    ualarm(500, 500);
    ok(read_all("-", NULL, 777, &got, &e) == 0 && got.len == other.len && memcmp(got.data, other.data, got.len) == 0, "stdin in short pieces, interrupted by signals");
    ualarm(0, 0);
    pthread_join(thread, NULL);
    dup2(keep, 0);
    close(keep);
  }

  struct input *in;
  const char *data;
  size_t n;
  if (input_open(&in, path_of("plain"), NULL, &e) == 0) {
    ok(input_peek(in, 10, &data, &n, &e) == 0 && n >= 10 && memcmp(data, text.data, 10) == 0 && input_position(in) == 0, "peeking does not consume");
    input_consume(in, 10);
    ok(input_peek(in, 2500000, &data, &n, &e) == 0 && n >= 2500000 && memcmp(data, text.data + 10, n) == 0 && input_position(in) == 10, "the window grows to the largest peek");
    ok(input_raw_size(in) == 3000000 && !input_is_gzip(in) && strcmp(input_name(in), path_of("plain")) == 0, "size, kind and name");
    input_close(in);
  }

  /* ---- members: a WARC file is a gzip member a record */
  struct buffer texts[8] = {{0}};
  buffer_clear(&file);
  size_t starts[5];
  for (int i = 0; i < 5; i++) starts[i] = file.len, gzip(&file, text.data + i * 300000, (size_t)(i == 2 ? 0 : 20000 + i * 60000));
  write_file("members.gz", file.data, file.len);
  if (input_open(&in, path_of("members.gz"), &(struct input_options){.members = true}, &e) == 0) {
    int count = members(in, texts, 8, &e);
    bool same = count == 5;
    for (int i = 0; i < 5; i++) same &= texts[i].len == (size_t)(i == 2 ? 0 : 20000 + i * 60000) && (!texts[i].len || memcmp(texts[i].data, text.data + i * 300000, texts[i].len) == 0);
    ok(same, "members come one by one, an empty one too");
    input_close(in);
  }
  if (input_open(&in, path_of("members.gz"), &(struct input_options){.members = true}, &e) == 0) {
    bool right = true;
    for (int i = 0; i < 5; i++) right &= input_next_member(in, &e) == 1 && input_member_offset(in) == starts[i] && input_peek(in, 5, &data, &n, &e) == 0;
    ok(right && input_next_member(in, &e) == 0, "a member can be left half-read; offsets are those of the file");
    input_close(in);
  }
  if (input_open(&in, path_of("members.gz"), &(struct input_options){.members = true, .from = (int64_t)starts[3]}, &e) == 0) {
    ok(input_next_member(in, &e) == 1 && input_member_offset(in) == starts[3] && input_peek(in, 1000, &data, &n, &e) == 0 && memcmp(data, text.data + 900000, 1000) == 0, "reading from the offset of a member, as an index gives it");
    input_close(in);
  }
  if (input_open(&in, path_of("plain"), &(struct input_options){.members = true}, &e) == 0) {
    ok(input_peek(in, 1, &data, &n, &e) == 0 && n && input_next_member(in, &e) == 0, "what is not gzip is one member");
    input_close(in);
  }

  { /* members of every size, and what looks like the next header within one */
    struct buffer made = {0}, want = {0}, noise = {0};
    struct rng r;
    rng_init(&r, 9);
    for (size_t size = 0; size < 6 << 20; size = size * 3 + 1) {
      buffer_clear(&noise);
      while (noise.len < size) {
        buffer_append(&noise, "\x1F\x8B\x08\0\0\0\0\0\0\x03", 10); /* incompressible around it: it is stored as it is */
        for (int i = 0; i < 300; i++) buffer_put(&noise, (char)rng_below(&r, 256));
      }
      noise.len = size;
      gzip(&made, noise.data, noise.len);
      buffer_append_slice(&want, buffer_slice(&noise));
      gzip(&made, text.data, size < text.len ? size : text.len);
      buffer_append(&want, text.data, size < text.len ? size : text.len);
    }
    reads(write_file("sizes.gz", made.data, made.len), &want, "members of 0 to 5 million bytes, full of bytes that look like headers");
    buffer_clear(&want), buffer_clear(&noise);
    buffer_reserve(&noise, 8 << 20);
    memset(noise.data, 'z', noise.len = 8 << 20);
    buffer_clear(&made);
    for (int i = 0; i < 3; i++) { /* longer than what is decoded at once, and exactly its ratio */
      gzip(&made, noise.data, noise.len >> i);
      buffer_append(&want, noise.data, noise.len >> i);
    }
    reads(write_file("zeros.gz", made.data, made.len), &want, "members that shrink a thousandfold");
    buffer_clear(&want), buffer_clear(&made);
    gzip(&made, text.data, 5000);
    memcpy(made.data + made.len - 4, "\x01\0\0\0", 4); /* ISIZE */
    write_file("isize.gz", made.data, made.len);
    ok(read_all(path_of("isize.gz"), NULL, 100, &got, &e) == -1 && strstr(e.message, "incorrect length check") && got.len == 5000, "a wrong length at its end is damage, after what is good");
    buffer_clear(&made);
    for (int i = 0; i < 3; i++) { /* a header with its own checksum, extra field, name and comment (RFC 1952, 2.3.1) */
      size_t start = made.len;
      gzip(&made, text.data, 5000);
      char header[64] = "\x1F\x8B\x08\x1E\0\0\0\0\0\x03\x04\0abcdname";
      size_t n = 10 + 2 + 4 + 5;
      memcpy(header + n, "comment", 8), n += 8;
      unsigned long crc = crc32(0, (unsigned char *)header, (unsigned)n) & 0xFFFF;
      if (i == 2) crc ^= 1;
      header[n++] = (char)crc, header[n++] = (char)(crc >> 8);
      buffer_clear(&noise);
      buffer_append(&noise, made.data + start + 10, made.len - start - 10);
      made.len = start;
      buffer_append(&made, header, n);
      buffer_append_slice(&made, buffer_slice(&noise));
    }
    write_file("header.gz", made.data, made.len);
    ok(read_all(path_of("header.gz"), NULL, 100, &got, &e) == -1 && strstr(e.message, "header crc mismatch") && got.len == 10000, "long headers are read, a wrong checksum of one is damage");
    buffer_release(&made), buffer_release(&want), buffer_release(&noise);
  }
  if (input_open(&in, path_of("members.gz"), &(struct input_options){.members = true, .from = (int64_t)starts[1], .length = (int64_t)(starts[3] - starts[1])}, &e) == 0) {
    bool right = input_next_member(in, &e) == 1 && input_peek(in, 80000, &data, &n, &e) == 0 && n == 80000 && input_peek(in, 80001, &data, &n, &e) == 0 && input_member_end(in) == starts[2];
    ok(right && input_next_member(in, &e) == 1 && input_next_member(in, &e) == 0, "a range of a file ends where it ends, and a member's end is known");
    input_close(in);
  }
  ok(read_all(path_of("plain"), &(struct input_options){.from = 1000, .length = 70000}, 100, &got, &e) == 0 && got.len == 70000 && memcmp(got.data, text.data + 1000, 70000) == 0, "a range of a plain file");
  ok(read_all(path_of("plain"), &(struct input_options){.from = 2999990, .length = 70000}, 100, &got, &e) == 0 && got.len == 10, "past its end there is no more");
  ok(read_all(path_of("members.gz"), &(struct input_options){.from = (int64_t)starts[1], .length = 100}, 100, &got, &e) == -1 && strstr(e.message, "truncated"), "a range that cuts a member is damage");
  bool missing = false;
  ok(input_open(&in, "/no/such/file", &(struct input_options){.missing = &missing}, &e) == -1 && missing, "a file that is not there is missing");
  ok(input_open(&in, tap_folder(), &(struct input_options){.missing = &missing}, &e) == -1 && !missing, "a folder is not");

  /* ---- damage: the members after it are found again */
  for (int how = 0; how < 3; how++) {
    struct buffer damaged = {0};
    static const char *const names[] = {"after flipped bits the next members are found", "after a member cut in its middle the very next one is found", "after a member cut at the end of the file there is none"};
    buffer_append(&damaged, file.data, how == 2 ? starts[1] + 1000 : how == 1 ? starts[1] + (starts[2] - starts[1]) / 2 : file.len);
    if (how == 0) memset(damaged.data + starts[1] + (starts[2] - starts[1]) / 2, 0xAA, 50);
    if (how == 1) buffer_append(&damaged, file.data + starts[2], file.len - starts[2]);
    int found = 0;
    bool last_right = false;
    if (input_open(&in, write_file("damaged.gz", damaged.data, damaged.len), &(struct input_options){.members = true}, &e) == 0) {
      int errors = 0;
      for (int turn = 0; turn < 20; turn++) {
        int more = input_next_member(in, &e);
        if (more == 0) break;
        if (more == 1) {
          buffer_clear(&got);
          while ((more = input_peek(in, 1 << 16, &data, &n, &e)) == 0 && n) buffer_append(&got, data, n), input_consume(in, n);
          if (more == 0) found++, last_right = got.len == 260000 && memcmp(got.data, text.data + 1200000, got.len) == 0;
        }
        if (more < 0) {
          errors++;
          more = input_resync(in, &e);
          if (more == 0) break;
          buffer_clear(&got);
          while ((more = input_peek(in, 1 << 16, &data, &n, &e)) == 0 && n) buffer_append(&got, data, n), input_consume(in, n);
          if (more == 0) found++, last_right = got.len == 260000 && memcmp(got.data, text.data + 1200000, got.len) == 0;
        }
      }
      ok(errors >= 1 && (how == 2 ? found == 1 : found == 4 && last_right), "%s", names[how]);
      if (found != (how == 2 ? 1 : 4)) note("%d found, %d errors, last: %s", found, errors, e.message);
      input_close(in);
    }
    buffer_release(&damaged);
  }
  /* ---- input_read: the same bytes in steps of any size, plain and compressed, mixed with peeks; damage after what is good */
  buffer_clear(&file);
  gzip(&file, text.data, text.len);
  for (int how = 0; how < 3; how++) {
    static const char *const names[] = {"plain", "gzip", "cut gzip"};
    const struct buffer *from = how ? &file : &text;
    size_t length = how == 2 ? file.len - 1000 : from->len, k = 0;
    bool right = input_open(&in, write_file("read", from->data, length), NULL, &e) == 0;
    char *step = malloc(300000);
    buffer_clear(&got);
    int status = 0;
    for (uint64_t turn = 0; right && step; turn++) {
      size_t want = 1 + (size_t)(splitmix64(turn) % (turn % 3 ? 300000 : 100));
      if (turn % 7 == 0 && input_peek(in, want, &data, &n, &e) == 0 && n) buffer_append(&got, data, 1), input_consume(in, 1);
      if ((status = input_read(in, step, want, &k, &e)) || k == 0) break;
      buffer_append(&got, step, k);
      right &= input_position(in) == got.len;
    }
    right &= how == 2 ? status == -1 && got.len > text.len / 2 && got.len < text.len : status == 0 && got.len == text.len;
    ok(right && memcmp(got.data, text.data, got.len) == 0, "input_read: %s", names[how]);
    if (how == 2) ok(input_damaged(in) && input_read(in, step, 1, &k, &e) == -1, "input_read: damage stays");
    free(step);
    input_close(in);
  }
  input_close(NULL);
  for (int i = 0; i < 8; i++) buffer_release(&texts[i]);
  buffer_release(&text), buffer_release(&other), buffer_release(&both), buffer_release(&three), buffer_release(&file), buffer_release(&got);
  return tap_done();
}
