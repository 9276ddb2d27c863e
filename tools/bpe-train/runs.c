/* SPDX-License-Identifier: MIT
 *
 * Runs are merged with a binary heap of readers (Knuth, The Art of Computer Programming 3, 5.4.1).
 */
#include "tools/bpe-train/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/output.h"

enum { HEADER = 16, PUNCH = 1 << 20, FAN_IN = 512 };

static const char *folder_name(const struct runs *r) {
  const char *folder = r->folder ? r->folder : getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

void runs_release(struct runs *r) {
  for (int i = 0; i < r->file_count; i++) close(r->files[i]);
  free(r->files);
  free(r->sizes);
  free(r->items);
  *r = (struct runs){.folder = r->folder};
}

static void add_file(struct runs *r, int fd, uint64_t size) {
  r->files = RESIZE(r->files, (size_t)r->file_count + 1);
  r->sizes = RESIZE(r->sizes, (size_t)r->file_count + 1);
  r->files[r->file_count] = fd;
  r->sizes[r->file_count++] = size;
}

void runs_take(struct runs *r, struct runs *from) {
  int first = r->file_count;
  for (int i = 0; i < from->file_count; i++) add_file(r, from->files[i], from->sizes[i]);
  GROW(r->items, r->capacity, r->count + from->count);
  for (size_t i = 0; i < from->count; i++) {
    r->items[r->count] = from->items[i];
    r->items[r->count++].file += first;
  }
  r->written += from->written;
  if (!r->folder) r->folder = from->folder;
  from->file_count = 0;
  runs_release(from);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static int write_block(struct run_writer *w, struct runs *r, struct err *e) {
  uint64_t *offset = &r->sizes[r->file_count - 1];
  uint32_t length[2] = {(uint32_t)(w->block.len - HEADER), 0};
  uint64_t sum = XXH3_64bits_withSeed(w->block.data + HEADER, length[0], *offset);
  memcpy(w->block.data, &sum, 8);
  memcpy(w->block.data + 8, length, 8);
  for (size_t done = 0; done < w->block.len;) {
    ssize_t n = pwrite(r->files[r->file_count - 1], w->block.data + done, w->block.len - done, (off_t)*offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return err_errno(e, "%s: cannot write a scratch file (-T names a folder with more room, -S more memory)", folder_name(r));
    done += (size_t)n;
    *offset += (uint64_t)n;
    r->written += (uint64_t)n;
  }
  w->block.len = HEADER;
  return 0;
}

int run_begin(struct run_writer *w, struct runs *r, struct err *e) {
  if (r->file_count == 0) {
    int fd = output_scratch(r->folder, e);
    if (fd < 0) return -1;
    add_file(r, fd, 0);
  }
  buffer_reserve(&w->block, HEADER + RUN_BLOCK);
  w->block.len = HEADER;
  buffer_clear(&w->piece);
  w->begin = r->sizes[r->file_count - 1];
  return 0;
}

static int put_bytes(struct run_writer *w, struct runs *r, const char *data, size_t n, struct err *e) {
  while (n) {
    size_t room = HEADER + RUN_BLOCK - w->block.len, k = n < room ? n : room;
    memcpy(w->block.data + w->block.len, data, k);
    w->block.len += k;
    data += k;
    n -= k;
    if (k == room && write_block(w, r, e)) return -1;
  }
  return 0;
}

static size_t varint(char *to, uint64_t x) {
  size_t n = 0;
  for (; x >= 0x80; x >>= 7) to[n++] = (char)(x | 0x80);
  to[n++] = (char)x;
  return n;
}

int run_put(struct run_writer *w, struct runs *r, struct slice piece, uint64_t count, struct err *e) {
  char head[20], tail[10];
  size_t shared = 0, most = piece.len < w->piece.len ? piece.len : w->piece.len;
  while (shared < most && w->piece.data[shared] == piece.data[shared]) shared++;
  size_t n = varint(head, shared);
  n += varint(head + n, piece.len - shared);
  w->piece.len = shared;
  buffer_append(&w->piece, piece.data + shared, piece.len - shared);
  return put_bytes(w, r, head, n, e) || put_bytes(w, r, piece.data + shared, piece.len - shared, e) || put_bytes(w, r, tail, varint(tail, count), e) ? -1 : 0;
}

int run_end(struct run_writer *w, struct runs *r, struct err *e) {
  if (w->block.len > HEADER && write_block(w, r, e)) return -1;
  GROW(r->items, r->capacity, r->count + 1);
  r->items[r->count++] = (struct run){w->begin, r->sizes[r->file_count - 1], r->file_count - 1};
  return 0;
}

void run_writer_release(struct run_writer *w) {
  buffer_release(&w->block);
  buffer_release(&w->piece);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

void run_open(struct run_reader *r, const struct runs *runs, struct run run, bool once) {
  *r = (struct run_reader){.runs = runs, .run = run, .at = run.begin, .punched = run.begin, .once = once};
  buffer_reserve(&r->block, HEADER + RUN_BLOCK);
}

void run_close(struct run_reader *r) {
  buffer_release(&r->block);
  buffer_release(&r->piece);
}

static int damaged(const struct run_reader *r, struct err *e) { return err_set(e, "%s: a scratch file is damaged: what was written to it reads back differently", folder_name(r->runs)); }

/* Gives the file system back whole pages of what was read; where it cannot, the space stays until the end. */
static void punch(struct run_reader *r) {
  uint64_t begin = (r->punched + 4095) & ~(uint64_t)4095, end = r->at & ~(uint64_t)4095;
  if (end > begin) (void)!fallocate(r->runs->files[r->run.file], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)begin, (off_t)(end - begin));
  r->punched = end > r->punched ? end : r->punched;
}

static int read_bytes(const struct run_reader *r, char *to, size_t n, uint64_t offset, struct err *e) {
  while (n) {
    ssize_t got = pread(r->runs->files[r->run.file], to, n, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "%s: cannot read a scratch file", folder_name(r->runs));
    if (got == 0) return err_set(e, "%s: a scratch file is shorter than what was written to it", folder_name(r->runs));
    to += got;
    n -= (size_t)got;
    offset += (uint64_t)got;
  }
  return 0;
}

/* The next block: 1, 0 at the end of the run, -1. */
static int read_block(struct run_reader *r, struct err *e) {
  if (r->at == r->run.end) {
    if (r->once) punch(r);
    return 0;
  }
  uint64_t left = r->run.end - r->at, sum;
  size_t n = left < HEADER + RUN_BLOCK ? (size_t)left : HEADER + RUN_BLOCK;
  uint32_t length;
  if (n < HEADER) return damaged(r, e);
  if (read_bytes(r, r->block.data, n, r->at, e)) return -1;
  memcpy(&sum, r->block.data, 8);
  memcpy(&length, r->block.data + 8, 4);
  if (length == 0 || length > n - HEADER || XXH3_64bits_withSeed(r->block.data + HEADER, length, r->at) != sum) return damaged(r, e);
  r->block.len = HEADER + length;
  r->cursor = HEADER;
  r->at += r->block.len;
  if (r->once && r->at - r->punched >= PUNCH) punch(r);
  return 1;
}

static int get_byte(struct run_reader *r, uint8_t *byte, struct err *e) {
  if (r->cursor == r->block.len) {
    int got = read_block(r, e);
    if (got <= 0) return got;
  }
  *byte = (uint8_t)r->block.data[r->cursor++];
  return 1;
}

static int get_varint(struct run_reader *r, uint64_t *x, struct err *e) {
  *x = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    uint8_t byte = 0;
    int got = get_byte(r, &byte, e);
    if (got <= 0) return got == 0 && shift ? damaged(r, e) : got;
    *x |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return 1;
  }
  return damaged(r, e);
}

int run_next(struct run_reader *r, struct err *e) {
  uint64_t shared, more;
  int got = get_varint(r, &shared, e);
  if (got <= 0) return got;
  if ((got = get_varint(r, &more, e)) <= 0) return got < 0 ? -1 : damaged(r, e);
  if (shared > r->piece.len || more > UINT32_MAX) return damaged(r, e);
  r->piece.len = (size_t)shared;
  while (more) {
    if (r->cursor == r->block.len && (got = read_block(r, e)) <= 0) return got < 0 ? -1 : damaged(r, e);
    size_t here = r->block.len - r->cursor, k = more < here ? (size_t)more : here;
    buffer_append(&r->piece, r->block.data + r->cursor, k);
    r->cursor += k;
    more -= k;
  }
  if ((got = get_varint(r, &r->count, e)) <= 0) return got < 0 ? -1 : damaged(r, e);
  return 1;
}

/* ---- merging -------------------------------------------------------------------------------------------------------- */

static bool before(const struct run_reader *a, const struct run_reader *b) {
  int c = memcmp(a->piece.data, b->piece.data, a->piece.len < b->piece.len ? a->piece.len : b->piece.len);
  return c ? c < 0 : a->piece.len < b->piece.len;
}

/* heap[0 .. n) with a top that may be too great. */
static void sink(struct run_reader **heap, size_t n) {
  struct run_reader *x = heap[0];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], x)) break;
    heap[i] = heap[child];
  }
  heap[i] = x;
}

/* Moves the top's reader on. */
static int advance(struct run_reader **heap, size_t *n, struct err *e) {
  int got = run_next(heap[0], e);
  if (got < 0) return -1;
  if (got == 0) heap[0] = heap[--*n];
  if (*n) sink(heap, *n);
  return 0;
}

/* items[0 .. k) become one run at the end of the list. */
static int merge_first(struct runs *r, struct run_writer *w, size_t k, uint64_t *distinct, uint64_t *bytes, struct err *e) {
  struct run_reader *readers = NEW_ARRAY(struct run_reader, k), **heap = NEW_ARRAY(struct run_reader *, k);
  struct buffer piece = {0};
  size_t n = 0;
  int status = run_begin(w, r, e);
  for (size_t i = 0; i < k; i++) run_open(&readers[i], r, r->items[i], true);
  for (size_t i = 0; i < k && status == 0; i++) {
    int got = run_next(&readers[i], e);
    if (got < 0) status = -1;
    if (got <= 0) continue;
    size_t at = n++;
    for (; at > 0 && before(&readers[i], heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
    heap[at] = &readers[i];
  }
  *distinct = *bytes = 0;
  while (n && status == 0) {
    uint64_t count = heap[0]->count;
    buffer_clear(&piece);
    buffer_append_slice(&piece, buffer_slice(&heap[0]->piece));
    status = advance(heap, &n, e);
    while (status == 0 && n && slice_equal(buffer_slice(&heap[0]->piece), buffer_slice(&piece))) {
      count += heap[0]->count;
      status = advance(heap, &n, e);
    }
    if (status == 0) status = run_put(w, r, buffer_slice(&piece), count, e);
    ++*distinct;
    *bytes += piece.len;
  }
  if (status == 0) status = run_end(w, r, e);
  for (size_t i = 0; i < k; i++) run_close(&readers[i]);
  buffer_release(&piece);
  free(heap);
  free(readers);
  if (status) return -1;
  memmove(r->items, r->items + k, (r->count -= k) * sizeof r->items[0]);
  return 0;
}

int runs_merge(struct runs *r, size_t memory, uint64_t *distinct, uint64_t *bytes, struct err *e) {
  size_t fan_in = memory / (HEADER + RUN_BLOCK + 1024);
  if (fan_in < 2) fan_in = 2;
  if (fan_in > FAN_IN) fan_in = FAN_IN;
  struct run_writer w = {0};
  int status = 0;
  /* The first merge takes so many that all later ones are full. */
  size_t first = r->count > fan_in ? 2 + (r->count - 2) % (fan_in - 1) : r->count;
  do {
    status = merge_first(r, &w, first, distinct, bytes, e);
    first = r->count < fan_in ? r->count : fan_in;
  } while (status == 0 && r->count > 1);
  run_writer_release(&w);
  return status;
}
