/* SPDX-License-Identifier: MIT
 *
 * A window of decompressed bytes [begin, end) in one growing allocation; below it a raw buffer of bytes as read.
 * gzip is decoded member by member, so that the position of each in the file is known exactly.
 *
 * A member of usual size is decoded in one call of libdeflate, 2.4 times as fast as zlib.  That needs to know where it
 * ends and how long it will be: the next gzip header in the raw buffer is taken for its end, and the four bytes before that
 * for its length (RFC 1952, 2.3.1).  When either is wrong, or anything else, nothing is lost: zlib decodes the member from
 * its start as a stream, as it does with all that are longer than RAW_MOST or become longer than WHOLE_MOST, and what it
 * says of damage is what is reported.
 */
#include "common/io/input.h"

#include <errno.h>
#include <fcntl.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/base/memory.h"
#include "common/io/url.h"

enum {
  RAW_SIZE = 1 << 18, RAW_MOST = 1 << 20, /* of the raw buffer; it grows when a gzip member does not fit */
  STEP = 1 << 17, FIRST = 4096,
  WHOLE_LEAST = 1024, WHOLE_MOST = 1 << 22, /* length of a member that is decoded at once: of short ones zlib is as fast */
  DICTIONARY_MOST = 64 << 20,
  GZIP_LEAST = 18,      /* header and trailer */
  ENDS_TRIED = 3,       /* of a member: what looks like a header may stand in compressed bytes */
};

enum kind { PLAIN, GZIP, ZSTD };

struct input {
  char *name;
  int fd;
  bool waits;                  /* fd is no regular file: a read may wait for ever */
  struct url *url;
  struct input_options options;

  unsigned char *raw;          /* bytes as read: [raw_begin, raw_end) not yet decoded */
  size_t raw_begin, raw_end, raw_capacity;
  uint64_t raw_position;       /* offset in the file of raw[raw_end] */
  bool raw_done;
  bool looked;                 /* the magic was read */

  enum kind kind;
  z_stream z;
  bool z_open, in_member;      /* in_member: a gzip member has begun and not ended */
  bool untouched;              /* ... and its header is the next raw byte */
#ifdef HAVE_LIBDEFLATE
  struct libdeflate_decompressor *whole;
#endif
  bool member_ended;           /* options.members: no bytes until input_next_member() */
  uint64_t member_offset;
  ZSTD_DStream *zstd;
  size_t zstd_hint;            /* 0 between frames */

  char *window;
  size_t begin, end, capacity;
  uint64_t consumed;

  bool done;
  bool failed;                 /* `error` is reported once the window is used up */
  bool damaged;                /* by what the data hold */
  struct err error;
};

static pthread_once_t interrupt_once = PTHREAD_ONCE_INIT;
static _Atomic int interrupt_fd = -1; /* readable while input_interrupt() is on */

static void interrupt_open(void) {
  interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  url_interrupt(interrupt_fd);
}

void input_interrupt(bool on) {
  uint64_t count = 1;
  pthread_once(&interrupt_once, interrupt_open);
  ssize_t n = on ? write(interrupt_fd, &count, sizeof count) : read(interrupt_fd, &count, sizeof count);
  (void)n; /* without a descriptor the read goes on waiting */
}

static ssize_t read_fd(struct input *in, void *to, size_t n) {
  for (;;) {
    struct pollfd wanted[2] = {{.fd = in->fd, .events = POLLIN}, {.fd = interrupt_fd, .events = POLLIN}};
    if (in->waits && poll(wanted, 2, -1) > 0 && wanted[1].revents) {
      errno = ECANCELED;
      return -1;
    }
    ssize_t got = read(in->fd, to, n);
    if (got >= 0 || errno != EINTR) return got;
  }
}

/* The next bytes of the file or URL, none at the end of the range. */
static ssize_t read_raw(struct input *in, void *to, size_t n, struct err *e) {
  if (in->options.length > 0) {
    uint64_t left = (uint64_t)in->options.from + (uint64_t)in->options.length - in->raw_position;
    if (n > left) n = (size_t)left;
    if (n == 0) return 0;
  }
  if (in->url) return url_read(in->url, to, n, e);
  ssize_t got = read_fd(in, to, n);
  if (got < 0) err_errno(e, "cannot read");
  return got;
}

static int refill(struct input *in, struct err *e) {
  if (in->raw_done) return 0;
  size_t left = in->raw_end - in->raw_begin;
  if (left == in->raw_capacity) return 0;
  if (left && in->raw_begin) {
    memmove(in->raw, in->raw + in->raw_begin, left);
    in->raw_begin = 0;
    in->raw_end = left;
  }
  ssize_t n;
  size_t room = in->looked || in->waits || in->url ? in->raw_capacity - left : FIRST - left; /* of a plain file the buffer holds no more than its first page */
  n = read_raw(in, in->raw + left, room, e);
  if (n < 0) return -1;
  if (n == 0) { /* what was decoded last stays in the buffer for input_resync() */
    in->raw_done = true;
    return 0;
  }
  in->raw_begin = 0;
  in->raw_end = left + (size_t)n;
  in->raw_position += (uint64_t)n;
  return 0;
}

/* At least `want` raw bytes, fewer only at the end. */
static int raw_ensure(struct input *in, size_t want, struct err *e) {
  while (in->raw_end - in->raw_begin < want && !in->raw_done)
    if (refill(in, e)) return -1;
  return 0;
}

static size_t raw_left(const struct input *in) { return in->raw_end - in->raw_begin; }
static uint64_t raw_offset(const struct input *in) { return in->raw_position - raw_left(in); }

static bool gzip_magic(const unsigned char *p, size_t n) { return n >= 3 && p[0] == 0x1F && p[1] == 0x8B && p[2] == 8; }

static bool zstd_magic(const unsigned char *p, size_t n) {
  return n >= 4 && ((p[0] == 0x28 && p[1] == 0xB5 && p[2] == 0x2F && p[3] == 0xFD) || /* a frame */
                    ((p[0] & 0xF0) == 0x50 && p[1] == 0x2A && p[2] == 0x4D && p[3] == 0x18)); /* a skippable one */
}

/* A .warc.zst may begin with a skippable frame 5D 2A 4D 18 that holds the dictionary of all others, itself perhaps a frame
 * (IIPC, "Use of Zstandard in WARC files", 1.0).  Without a dictionary in it, it is skipped as others are. */
static int zstd_dictionary(struct input *in, struct err *e) {
  const unsigned char *p = in->raw + in->raw_begin;
  if (raw_left(in) < 4 || memcmp(p, "\x5D\x2A\x4D\x18", 4) != 0) return 0;
  if (raw_ensure(in, 8, e)) return -1;
  p = in->raw + in->raw_begin;
  size_t size = raw_left(in) < 8 ? 0 : p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24;
  if (size == 0 || size > DICTIONARY_MOST) return 0;
  if (in->raw_capacity < size + 8) in->raw = RESIZE(in->raw, in->raw_capacity = size + 8 + FIRST);
  in->looked = true; /* more than the first page is wanted */
  if (raw_ensure(in, size + 8, e)) return -1;
  if (raw_left(in) < size + 8) return 0; /* cut: decode_zstd() says so */
  const unsigned char *dictionary = in->raw + in->raw_begin + 8;
  void *plain = NULL;
  size_t status = 0;
  if (size >= 4 && memcmp(dictionary, "\x28\xB5\x2F\xFD", 4) == 0) {
    unsigned long long length = ZSTD_getFrameContentSize(dictionary, size);
    if (length > DICTIONARY_MOST) return err_set(e, "the zstd dictionary in it is larger than 64 MB or says no length");
    plain = MALLOC((size_t)length + 1);
    status = ZSTD_decompress(plain, (size_t)length, dictionary, size);
    if (!ZSTD_isError(status)) status = ZSTD_DCtx_loadDictionary(in->zstd, plain, status);
  } else {
    status = ZSTD_DCtx_loadDictionary(in->zstd, dictionary, size);
  }
  free(plain);
  if (ZSTD_isError(status)) return err_set(e, "the zstd dictionary in it is damaged (%s)", ZSTD_getErrorName(status));
  in->raw_begin += size + 8;
  return 0;
}

int input_open(struct input **result, const char *name, const struct input_options *options, struct err *e) {
  struct input *in = NEW(struct input);
  in->fd = -1;
  in->name = STRDUP(strcmp(name, "-") == 0 ? "stdin" : name);
  if (options) in->options = *options;
  in->raw_position = (uint64_t)in->options.from;
  if (in->options.missing) *in->options.missing = false;
  in->raw_capacity = in->options.length > 0 && in->options.length < RAW_SIZE ? (size_t)in->options.length + FIRST : RAW_SIZE;
  in->raw = MALLOC(in->raw_capacity);
  if (url_is(name)) {
    pthread_once(&interrupt_once, interrupt_open);
    if (url_open(&in->url, name, in->options.from, in->options.length, in->options.missing, e)) {
      err_prefix(e, "%s", name);
      goto fail;
    }
  } else if (strcmp(name, "-") == 0) {
    in->fd = 0;
  } else {
    struct stat st;
    in->fd = open(name, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
      if (in->options.missing) *in->options.missing = errno == ENOENT || errno == ENOTDIR;
      err_errno(e, "%s", name);
      goto fail;
    }
    if (fstat(in->fd, &st) == 0 && S_ISDIR(st.st_mode)) {
      err_set(e, "%s: is a folder", name);
      goto fail;
    }
    if (in->options.from > 0 && lseek(in->fd, in->options.from, SEEK_SET) < 0) {
      err_errno(e, "%s: cannot seek to byte %lld", name, (long long)in->options.from);
      goto fail;
    }
    if (in->options.length == 0) posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  struct stat kind;
  in->waits = in->fd >= 0 && fstat(in->fd, &kind) == 0 && !S_ISREG(kind.st_mode);
  if (in->waits) pthread_once(&interrupt_once, interrupt_open);
  if (raw_ensure(in, 4, e)) {
    err_prefix(e, "%s", in->name);
    goto fail;
  }
  in->looked = true;
  const unsigned char *head = in->raw + in->raw_begin;
  in->kind = in->options.as_is ? PLAIN : gzip_magic(head, raw_left(in)) ? GZIP : zstd_magic(head, raw_left(in)) ? ZSTD : PLAIN;
  if (in->kind != PLAIN && !in->waits && refill(in, e)) {
    err_prefix(e, "%s", in->name);
    goto fail;
  }
  if (in->kind == ZSTD) {
    in->zstd = ZSTD_createDStream();
    ZSTD_DCtx_setParameter(in->zstd, ZSTD_d_windowLogMax, 31);
    if (zstd_dictionary(in, e)) {
      err_prefix(e, "%s", in->name);
      goto fail;
    }
  }
  *result = in;
  return 0;
fail:
  input_close(in);
  return -1;
}

void input_close(struct input *in) {
  if (!in) return;
  if (in->fd > 0) close(in->fd);
  url_close(in->url);
  if (in->z_open) inflateEnd(&in->z);
#ifdef HAVE_LIBDEFLATE
  libdeflate_free_decompressor(in->whole);
#endif
  ZSTD_freeDStream(in->zstd);
  free(in->raw);
  free(in->window);
  free(in->name);
  free(in);
}

static int fail(struct input *in, const char *what) {
  in->failed = in->damaged = true;
  return err_set(&in->error, "%s", what);
}

/* Starts the member at the raw position; the end of the stream when nothing is left. */
static int begin_member(struct input *in, struct err *e) {
  if (raw_ensure(in, 3, e)) return -1;
  if (raw_left(in) == 0) return in->done = true, 0;
  in->member_offset = raw_offset(in);
  const unsigned char *p = in->raw + in->raw_begin;
  if (!gzip_magic(p, raw_left(in))) {
    if (raw_left(in) < 3 && p[0] == 0x1F) return fail(in, "truncated gzip header"), 0;
    /* zero padding up to the end, as tape blocks and some writers leave it, is not damage */
    for (;;) {
      while (in->raw_begin < in->raw_end && in->raw[in->raw_begin] == 0) in->raw_begin++;
      if (raw_left(in)) break;
      if (in->raw_done) return in->done = true, 0;
      if (refill(in, e)) return -1;
    }
    if (raw_ensure(in, 3, e)) return -1;
    in->member_offset = raw_offset(in);
    if (!gzip_magic(in->raw + in->raw_begin, raw_left(in))) return fail(in, "bytes between gzip members that are no gzip header"), 0;
  }
  in->in_member = in->untouched = true;
  return 0;
}

/* Where the member at raw_begin may end: at the first gzip header from `from` on, or at the end of the stream.  0: not in
 * the raw buffer, which grows to look farther (not for a pipe's sake, unless whole members are what the caller wants). */
static int member_end(struct input *in, size_t from, size_t *length, struct err *e) {
  for (*length = 0;;) {
    const unsigned char *start = in->raw + in->raw_begin;
    size_t n = raw_left(in);
    for (const unsigned char *p; from + 4 <= n && (p = memmem(start + from, n - from, "\x1F\x8B\x08", 3)); from = (size_t)(p - start) + 1)
      if (p + 3 < start + n && (p[3] & 0xE0) == 0) return *length = (size_t)(p - start), 0; /* reserved flag bits are zero */
    if (in->raw_done) return *length = n, 0;
    if (n >= RAW_MOST || (in->waits && !in->options.members)) return 0;
    if (from + 3 < n) from = n - 3;
    if (n == in->raw_capacity) in->raw = RESIZE(in->raw, in->raw_capacity *= 2);
    if (refill(in, e)) return -1;
  }
}

static void make_room(struct input *in, size_t want);

/* 1: the member is decoded to its end; 0: it is zlib's to decode. */
static int decode_whole(struct input *in, struct err *e) {
#ifdef HAVE_LIBDEFLATE
  size_t length = GZIP_LEAST, before = 0;
  if (!in->whole) in->whole = libdeflate_alloc_decompressor();
  for (int i = 0; in->whole && i < ENDS_TRIED; i++) {
    if (member_end(in, length, &length, e)) return -1;
    const unsigned char *member = in->raw + in->raw_begin;
    if (length < GZIP_LEAST || length == before || (member[3] & 2)) return 0; /* 2: only zlib checks a header's checksum */
    before = length;
    size_t size = member[length - 4] | (size_t)member[length - 3] << 8 | (size_t)member[length - 2] << 16 | (size_t)member[length - 1] << 24;
    if (size < WHOLE_LEAST && i == 0) return 0;
    if (size <= WHOLE_MOST && size <= length * 1032) { /* deflate's greatest ratio */
      make_room(in, in->end - in->begin + size);
      size_t taken, made;
      if (libdeflate_gzip_decompress_ex(in->whole, member, length, in->window + in->end, size, &taken, &made) == LIBDEFLATE_SUCCESS) {
        in->raw_begin += taken;
        in->end += made;
        return 1;
      }
    }
    length++;
  }
#else
  (void)in, (void)e;
#endif
  return 0;
}

static int decode_gzip(struct input *in, struct err *e) {
  if (!in->in_member) {
    if (begin_member(in, e)) return -1;
    if (in->done || in->failed) return 0;
  }
  if (in->untouched) {
    int whole = decode_whole(in, e);
    if (whole < 0) return -1;
    in->untouched = false;
    if (whole) {
      in->in_member = false;
      if (in->options.members) in->member_ended = true;
      return 0;
    }
    if (in->z_open) inflateReset2(&in->z, 31);
    else if (inflateInit2(&in->z, 31) != Z_OK) return err_set(e, "zlib cannot start");
    in->z_open = true;
  }
  if (raw_left(in) == 0 && refill(in, e)) return -1;
  in->z.next_in = in->raw + in->raw_begin;
  in->z.avail_in = (uInt)raw_left(in);
  in->z.next_out = (unsigned char *)in->window + in->end;
  in->z.avail_out = (uInt)(in->capacity - in->end > 1u << 30 ? 1u << 30 : in->capacity - in->end);
  size_t room = in->z.avail_out;
  int status = inflate(&in->z, Z_NO_FLUSH);
  in->raw_begin = in->raw_end - in->z.avail_in;
  in->end += room - in->z.avail_out;
  if (status == Z_STREAM_END) {
    in->in_member = false;
    if (in->options.members) in->member_ended = true;
  } else if (status == Z_BUF_ERROR || status == Z_OK) {
    if (raw_left(in) == 0 && in->raw_done && in->z.avail_out > 0) fail(in, "truncated gzip member");
  } else {
    char text[200];
    snprintf(text, sizeof text, "damaged gzip member at byte %llu (%s)", (unsigned long long)in->member_offset, in->z.msg ? in->z.msg : "bad data");
    fail(in, text);
  }
  return 0;
}

static int decode_zstd(struct input *in, struct err *e) {
  if (raw_left(in) == 0 && refill(in, e)) return -1;
  if (raw_left(in) == 0) {
    if (in->zstd_hint) fail(in, "truncated zstd frame");
    else in->done = true;
    return 0;
  }
  ZSTD_inBuffer from = {in->raw + in->raw_begin, raw_left(in), 0};
  ZSTD_outBuffer to = {in->window + in->end, in->capacity - in->end, 0};
  size_t hint = ZSTD_decompressStream(in->zstd, &to, &from);
  if (ZSTD_isError(hint)) {
    char text[200];
    snprintf(text, sizeof text, "damaged zstd data near byte %llu (%s)", (unsigned long long)raw_offset(in), ZSTD_getErrorName(hint));
    fail(in, text);
    return 0;
  }
  in->zstd_hint = hint;
  in->raw_begin += from.pos;
  in->end += to.pos;
  return 0;
}

static int decode_plain(struct input *in, struct err *e) {
  if (raw_left(in)) { /* what was read to look at the magic */
    size_t n = raw_left(in), room = in->capacity - in->end;
    if (n > room) n = room;
    memcpy(in->window + in->end, in->raw + in->raw_begin, n);
    in->raw_begin += n;
    in->end += n;
    return 0;
  }
  if (in->raw_done) return in->done = true, 0;
  ssize_t n;
  size_t room = in->capacity - in->end;
  if (room > 1 << 24) room = 1 << 24;
  n = read_raw(in, in->window + in->end, room, e);
  if (n < 0) return -1;
  if (n == 0) in->done = in->raw_done = true;
  in->end += (size_t)n;
  in->raw_position += (uint64_t)n;
  return 0;
}

/* Room for at least `want` bytes from begin, and a useful step beyond what is there. */
static void make_room(struct input *in, size_t want) {
  size_t have = in->end - in->begin, need = want > have + STEP / 2 ? want : have + STEP / 2;
  if (in->capacity - in->begin >= need) return;
  if (in->begin) {
    memmove(in->window, in->window + in->begin, have);
    in->begin = 0;
    in->end = have;
    if (in->capacity >= need) return;
  }
  size_t capacity = in->capacity < STEP ? STEP : in->capacity + in->capacity / 2;
  if (capacity < need) capacity = need;
  in->window = RESIZE(in->window, capacity);
  in->capacity = capacity;
}

int input_peek(struct input *in, size_t want, const char **data, size_t *available, struct err *e) {
  while (in->end - in->begin < want && !in->done && !in->failed && !in->member_ended) {
    make_room(in, want);
    int result = in->kind == GZIP ? decode_gzip(in, e) : in->kind == ZSTD ? decode_zstd(in, e) : decode_plain(in, e);
    if (result) {
      in->failed = true;
      in->damaged = false;
      in->error = *e;
    }
  }
  *data = in->window + in->begin;
  *available = in->end - in->begin;
  if (*available == 0 && in->failed) {
    *e = in->error;
    return -1;
  }
  return 0;
}

int input_read(struct input *in, void *to, size_t n, size_t *got, struct err *e) {
  char *at = to;
  *got = 0;
  while (*got < n) {
    size_t have = in->end - in->begin;
    if (have == 0 && in->kind == PLAIN && !in->done && !in->failed) {
      size_t room = n - *got, k = raw_left(in);
      if (k) { /* what was read to look at the magic */
        if (k > room) k = room;
        memcpy(at + *got, in->raw + in->raw_begin, k);
        in->raw_begin += k;
      } else if (in->raw_done) {
        in->done = true;
      } else {
        ssize_t more = read_raw(in, at + *got, room, e);
        if (more < 0) {
          in->failed = true;
          in->damaged = false;
          in->error = *e;
        } else {
          if (more == 0) in->done = in->raw_done = true;
          k = (size_t)more;
          in->raw_position += k;
        }
      }
      *got += k;
      in->consumed += k;
      continue;
    }
    const char *data;
    if (have == 0) {
      if (*got && in->failed) return 0;
      if (input_peek(in, 1, &data, &have, e)) return *got ? 0 : -1;
      if (have == 0) return 0;
    }
    if (have > n - *got) have = n - *got;
    memcpy(at + *got, in->window + in->begin, have);
    input_consume(in, have);
    *got += have;
  }
  return 0;
}

void input_consume(struct input *in, size_t n) {
  in->begin += n;
  in->consumed += n;
  if (in->begin == in->end) in->begin = in->end = 0;
}

int input_line(struct input *in, struct slice *line, struct err *e) {
  const char *data;
  size_t available, scanned = 0;
  for (size_t want = 4096;; want = available * 2) {
    if (input_peek(in, want, &data, &available, e)) return -1;
    const char *newline = available > scanned ? memchr(data + scanned, '\n', available - scanned) : NULL;
    scanned = available;
    if (!newline && available >= want) continue;
    *line = (struct slice){data, newline ? (size_t)(newline - data) : available};
    input_consume(in, line->len + (newline != NULL));
    return available > 0;
  }
}

int input_read_all(const char *name, struct buffer *out, struct err *e) {
  struct input *in;
  if (input_open(&in, name, NULL, e)) return -1;
  const char *data;
  size_t available;
  int status;
  while ((status = input_peek(in, 1, &data, &available, e)) == 0 && available) {
    buffer_append(out, data, available);
    input_consume(in, available);
  }
  if (status) err_prefix(e, "%s", input_name(in));
  input_close(in);
  return status;
}

int input_next_member(struct input *in, struct err *e) {
  if (in->failed) {
    *e = in->error;
    return -1;
  }
  input_consume(in, in->end - in->begin);
  if (in->kind != GZIP) {
    const char *data;
    size_t n;
    while (!in->done) { /* one member: what is left of it is skipped */
      if (input_peek(in, 1, &data, &n, e)) return -1;
      input_consume(in, n);
    }
    return 0;
  }
  while (in->in_member && !in->failed) {
    make_room(in, STEP);
    if (decode_gzip(in, e)) return -1;
    input_consume(in, in->end - in->begin);
  }
  in->member_ended = false;
  if (!in->failed && begin_member(in, e)) return -1;
  if (in->failed) {
    *e = in->error;
    return -1;
  }
  return !in->done;
}

int input_resync(struct input *in, struct err *e) {
  if (in->kind != GZIP) return 0;
  input_consume(in, in->end - in->begin);
  in->failed = in->in_member = in->member_ended = false;
  /* From right behind the damaged member's header, as far as the raw buffer reaches back: of a member that was cut, zlib
   * takes the members behind it for its own data until something contradicts. */
  uint64_t first = in->raw_position - in->raw_end, from_offset = in->member_offset + 1;
  in->raw_begin = from_offset <= first ? 0 : from_offset - first < in->raw_end ? (size_t)(from_offset - first) : in->raw_end;
  for (;;) {
    if (raw_ensure(in, 4, e)) return -1;
    if (raw_left(in) < 4) return in->done = true, 0;
    unsigned char *from = in->raw + in->raw_begin, *p = memchr(from, 0x1F, raw_left(in) - 3);
    if (!p) {
      in->raw_begin = in->raw_end - 3;
      if (in->raw_done) return in->done = true, 0;
      continue;
    }
    in->raw_begin = (size_t)(p - in->raw);
    if (gzip_magic(p, 3) && (p[3] & 0xE0) == 0) break; /* reserved flag bits are zero */
    in->raw_begin++;
  }
  if (begin_member(in, e)) return -1;
  return !in->done && !in->failed;
}

bool input_damaged(const struct input *in) { return in->damaged; }

const char *input_name(const struct input *in) { return in->name; }
bool input_is_gzip(const struct input *in) { return in->kind == GZIP; }
bool input_is_plain(const struct input *in) { return in->kind == PLAIN; }
uint64_t input_position(const struct input *in) { return in->consumed; }
uint64_t input_member_offset(const struct input *in) { return in->kind == GZIP ? in->member_offset : (uint64_t)in->options.from; }
uint64_t input_member_end(const struct input *in) { return in->kind == GZIP && in->member_ended ? raw_offset(in) : 0; }
uint64_t input_raw_read(const struct input *in) { return in->raw_position; }

int64_t input_raw_size(const struct input *in) {
  struct stat st;
  if (in->url) return url_size(in->url);
  return fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : -1;
}
