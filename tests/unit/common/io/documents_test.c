/* SPDX-License-Identifier: MIT */
#include "common/io/documents.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tests/tap.h"

static struct document_parser parser;
static struct document_batch batch;
static struct document d;
static struct err e;
static size_t cursor;
static struct buffer out;

static void batch_of(const char *text, size_t n, enum document_format format) {
  buffer_clear(&batch.bytes);
  buffer_append(&batch.bytes, text, n);
  batch.first_line = 1, batch.ordinal = 0, batch.format = format, batch.input = "x", batch.lines = 1;
  parser.counts = (struct document_counts){0};
  cursor = 0;
}

static bool is(struct slice s, const char *want) { return want ? s.data && s.len == strlen(want) && memcmp(s.data, want, s.len) == 0 : s.data == NULL; }

static void fields(const char *line, enum document_format format, const char *id, const char *url, const char *date, const char *extra, const char *text, const char *name) {
  batch_of(line, strlen(line), format);
  int result = document_next(&parser, &batch, &cursor, &d, &e);
  bool fine = result == 1 && is(d.id, id) && is(d.url, url) && is(d.date, date) && is(d.extra, extra) && is(d.text, text);
  ok(fine, "%s", name);
  if (!fine) note("result %d: id [%.*s] url [%.*s] date [%.*s] extra [%.*s] text [%.*s]", result, (int)d.id.len, d.id.data, (int)d.url.len, d.url.data, (int)d.date.len, d.date.data, (int)d.extra.len, d.extra.data, (int)d.text.len, d.text.data);
}

/* What document_write() makes of a line. */
static void writes(const char *line, enum document_format from, enum document_format to, const struct slice *text, const struct slice *annotations, const char *want, const char *name) {
  batch_of(line, strlen(line), from);
  buffer_clear(&out);
  if (document_next(&parser, &batch, &cursor, &d, &e) == 1) document_write(&out, &d, to, text, annotations);
  ok_bytes(out.data, out.len, want, strlen(want), name);
}

static const char *write_file(const char *name, const void *data, size_t n) {
  static char paths[4][256];
  static int turn;
  char *path = paths[turn++ & 3];
  snprintf(path, sizeof paths[0], "%s/%s", tap_folder(), name);
  gzFile f = strstr(name, ".gz") ? gzopen(path, "wb") : gzopen(path, "wbT");
  gzwrite(f, data, (unsigned)n);
  gzclose(f);
  return path;
}

struct count {
  uint64_t lines, bytes, batches;
  struct buffer all;
};

static int drain(const char *path, size_t batch_bytes, struct count *c) {
  char *operands[] = {(char *)path};
  struct document_reader *r = document_reader_new(operands, 1, &(struct document_reader_options){.batch_bytes = batch_bytes});
  struct document_batch b = {0};
  int more;
  memset(&e, 0, sizeof e);
  c->lines = c->bytes = c->batches = 0;
  buffer_clear(&c->all);
  while ((more = document_reader_next(r, &b, &e)) == 1) {
    if (b.ordinal != c->lines || b.first_line != c->lines + 1 || !b.bytes.len || b.bytes.data[b.bytes.len - 1] != '\n') more = -3;
    c->lines += b.lines, c->bytes += b.raw_bytes, c->batches++;
    buffer_append_slice(&c->all, buffer_slice(&b.bytes));
    if (more == -3) break;
  }
  document_batch_release(&b);
  document_reader_free(r);
  return more;
}

static void round_trips(void) {
  struct rng r;
  rng_init(&r, 3);
  struct buffer original = {0}, line = {0}, again = {0};
  size_t wrong = 0;
  for (int i = 0; i < 20000; i++) {
    struct slice s[5];
    buffer_clear(&original);
    buffer_reserve(&original, 4096);
    for (int f = 0; f < 5; f++) { /* any code point but NUL, escapes and controls often */
      size_t from = original.len;
      for (size_t n = rng_below(&r, 12); n--;) {
        static const char often[] = "\t\n\r\\tnr\x01\x7F";
        if (rng_below(&r, 2)) buffer_put(&original, often[rng_below(&r, sizeof often - 1)]);
        else utf8_append(&original, 1 + (uint32_t)rng_below(&r, 0x10FFFF));
      }
      if (f == 4)
        while (original.len > from && original.data[original.len - 1] == '\n') original.len--;
      s[f] = (struct slice){original.data + from, original.len - from};
    }
    enum document_format format = i & 1 ? DOCUMENT_JSONL : DOCUMENT_TSV;
    buffer_clear(&line);
    document_write_fields(&line, format, s[0], s[1], s[2], s[4]);
    if (memchr(line.data, '\n', line.len) != line.data + line.len - 1) wrong++;
    batch_of(line.data, line.len, format);
    if (document_next(&parser, &batch, &cursor, &d, &e) != 1 || !slice_equal(d.id, s[0]) || !slice_equal(d.url, s[1]) || !slice_equal(d.date, s[2]) || !slice_equal(d.text, s[4]) || !d.clean || parser.counts.unknown_escape) wrong++;
    buffer_clear(&again); /* through the other format and back */
    document_write(&again, &d, 1 - format, NULL, NULL);
    batch_of(again.data, again.len, 1 - format);
    if (document_next(&parser, &batch, &cursor, &d, &e) != 1) wrong++;
    buffer_clear(&again);
    document_write(&again, &d, format, NULL, NULL);
    if (!slice_equal(buffer_slice(&again), buffer_slice(&line)) && wrong++ < 3) note("%.*s# %.*s", (int)line.len, line.data, (int)again.len, again.data);
  }
  ok(wrong == 0, "20,000 documents of odd bytes come back, in both formats and through the other one");
  buffer_release(&original), buffer_release(&line), buffer_release(&again);
}

/* Escapes at each level against a byte at a time, texts of 0 to 300 bytes, with few and with many of them. */
static void test_escape_levels(void) {
  static const enum simd levels[] = {SIMD_SCALAR, SIMD_AVX2, SIMD_AVX512};
  static const char alphabet[] = "\\\\tnr\t\n\rabc";
  struct rng r;
  struct buffer text = {0}, right = {0}, back = {0}, got = {0};
  rng_init(&r, 2);
  for (int l = 0; l < 3; l++) {
    simd_force(levels[l]);
    bool escaped = true, undone = true;
    for (int round = 0; round < 20000; round++) {
      size_t length = rng_below(&r, round % 100 ? 300 : 20000);
      uint64_t plain = rng_below(&r, 60);
      buffer_clear(&text), buffer_clear(&right), buffer_clear(&back), buffer_clear(&got);
      while (text.len < length) buffer_put(&text, rng_below(&r, 60) < plain ? 'x' : alphabet[rng_below(&r, sizeof alphabet - 1)]);
      for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\t' || c == '\n' || c == '\r' || c == '\\') buffer_put(&right, '\\');
        buffer_put(&right, (char)(c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c));
      }
      uint64_t unknown = 0, expected = 0;
      document_escape(&got, buffer_slice(&text));
      escaped &= slice_equal(buffer_slice(&got), buffer_slice(&right));
      document_unescape(&back, buffer_slice(&got), &unknown);
      undone &= unknown == 0 && slice_equal(buffer_slice(&back), buffer_slice(&text));
      /* the text itself, which holds wrong escapes */
      buffer_clear(&got), buffer_clear(&right);
      for (size_t i = 0; i < text.len; i++) {
        char next = text.data[i] == '\\' && i + 1 < text.len ? text.data[i + 1] : 0, c = (char)(next == 't' ? '\t' : next == 'n' ? '\n' : next == 'r' ? '\r' : next == '\\' ? '\\' : 0);
        if (c) i++;
        else expected += text.data[i] == '\\';
        buffer_put(&right, c ? c : text.data[i]);
      }
      document_unescape(&got, buffer_slice(&text), &unknown);
      undone &= unknown == expected && slice_equal(buffer_slice(&got), buffer_slice(&right));
    }
    ok(escaped, "%s: escapes", simd_name(levels[l]));
    ok(undone, "%s: undone, wrong ones counted", simd_name(levels[l]));
  }
  simd_force(SIMD_AVX512);
  buffer_release(&text), buffer_release(&right), buffer_release(&back), buffer_release(&got);
}

int main(void) {
  test_escape_levels();
  fields("text\n", DOCUMENT_TSV, NULL, NULL, NULL, NULL, "text", "one field is text");
  fields("i\ttext\n", DOCUMENT_TSV, "i", NULL, NULL, NULL, "text", "two are id and text");
  fields("i\tu\ttext\n", DOCUMENT_TSV, "i", "u", NULL, NULL, "text", "three are id, url and text");
  fields("i\tu\td\ttext\n", DOCUMENT_TSV, "i", "u", "d", NULL, "text", "four are id, url, date and text");
  fields("i\tu\td\tk=v\tx\ttext\n", DOCUMENT_TSV, "i", "u", "d", "k=v\tx", "text", "further fields stand before the text");
  fields("i\tu\td\t\ttext\n", DOCUMENT_TSV, "i", "u", "d", "", "text", "an empty further field is a field");
  fields("\n", DOCUMENT_TSV, NULL, NULL, NULL, NULL, "", "an empty line is an empty document");
  fields("\t\t\t\n", DOCUMENT_TSV, "", "", "", NULL, "", "fields may be empty");
  fields("i\\tj\ta\\nb\\\\n\\r\n", DOCUMENT_TSV, "i\tj", NULL, NULL, NULL, "a\nb\\n\r", "escapes in every field");
  fields("a\\x\\\n", DOCUMENT_TSV, NULL, NULL, NULL, NULL, "a\\x\\", "an unknown escape and a trailing backslash stay");
  ok_int((int64_t)parser.counts.unknown_escape, 2, "and are counted");
  fields("a\r\n", DOCUMENT_TSV, NULL, NULL, NULL, NULL, "a\r", "a carriage return at the end is text");
  fields("i\xFF\ta\xC3\xA9\xE2\x82\n", DOCUMENT_TSV, "i\xEF\xBF\xBD", NULL, NULL, NULL, "a\xC3\xA9\xEF\xBF\xBD", "invalid UTF-8 becomes U+FFFD");
  ok(parser.counts.invalid_utf8 == 2 && !d.clean, "and is counted");
  batch_of("a\0b\tc\0\n", 7, DOCUMENT_TSV);
  ok(document_next(&parser, &batch, &cursor, &d, &e) == 1 && is(d.id, "ab") && is(d.text, "c") && parser.counts.nul == 2 && d.line.len == 6, "NUL is removed and counted; the line stays");

  { /* invalid bytes in heads with escapes: more room than the line is needed */
    struct buffer line = {0};
    for (int i = 0; i < 3000; i++) buffer_append_string(&line, "\xFF");
    buffer_append_string(&line, "\\n\t");
    for (int i = 0; i < 3000; i++) buffer_append_string(&line, "\xFE");
    buffer_append_string(&line, "\\t\tdate\\\\\tthe text\n");
    batch_of(line.data, line.len, DOCUMENT_TSV);
    bool fine = document_next(&parser, &batch, &cursor, &d, &e) == 1 && d.id.len == 9001 && d.url.len == 9001 && is(d.date, "date\\") && is(d.text, "the text");
    ok(fine && d.id.data[9000] == '\n' && d.url.data[9000] == '\t' && memcmp(d.id.data, "\xEF\xBF\xBD", 3) == 0, "long damaged heads with escapes");
    buffer_release(&line);
  }

  fields("{\"id\":\"i\",\"url\":\"u\",\"date\":\"d\",\"text\":\"a\\nb\"}\n", DOCUMENT_JSONL, "i", "u", "d", NULL, "a\nb", "JSON: the four keys");
  fields("{\"text\":\"t\"}\n", DOCUMENT_JSONL, NULL, NULL, NULL, NULL, "t", "text alone");
  fields(" { \"text\" : \"\\u00e9\\ud83d\\ude00\" , \"id\" : 17 } \r\n", DOCUMENT_JSONL, "17", NULL, NULL, NULL, "\xC3\xA9\xF0\x9F\x98\x80", "escapes of JSON, white space, a numeric id");
  fields("{\"text\":\"t\",\"metadata\":{\"url\":\"u\",\"date\":\"d\",\"k\":1}}\n", DOCUMENT_JSONL, NULL, "u", "d", "{\"k\":1}", "t", "metadata.url and metadata.date; the rest stays");
  fields("{\"text\":\"t\",\"lang\":\"en\",\"metadata\":{\"k\":[1,2]}}\n", DOCUMENT_JSONL, NULL, NULL, NULL, "{\"k\":[1,2],\"lang\":\"en\"}", "t", "other keys move to metadata");
  fields("{\"id\":\"a\\u0000b\",\"text\":\"x\\u0000y\"}\n", DOCUMENT_JSONL, "ab", NULL, NULL, NULL, "xy", "NUL in strings is removed");
  ok_int((int64_t)parser.counts.nul, 2, "and counted");
  batch_of("{\"text\":\n[1]\n{\"id\":1}\n{\"text\":1}\n{\"text\":\"ok\"}\n", 48, DOCUMENT_JSONL);
  int bad = 0, result;
  while ((result = document_next(&parser, &batch, &cursor, &d, &e)) < 0) bad++;
  ok(bad == 4 && result == 1 && d.number == 5 && is(d.text, "ok"), "lines that are no documents are errors one by one, the next line goes on");

  writes("i\tu\td\tx=1\ta\\qb\n", DOCUMENT_TSV, DOCUMENT_TSV, NULL, NULL, "i\tu\td\tx=1\ta\\qb\n", "an unchanged line passes byte for byte");
  writes("i\tu\td\tx=1\ta\n", DOCUMENT_TSV, DOCUMENT_TSV, &SLICE("new\ttext\n\n"), NULL, "i\tu\td\tx=1\tnew\\ttext\n", "a new text is escaped, newlines at its end are cut");
  writes("i\ta\n", DOCUMENT_TSV, DOCUMENT_TSV, NULL, &SLICE("lang=en\tp=0.9"), "i\t\t\tlang=en\tp=0.9\ta\n", "annotations stand just before the text; url and date appear, empty");
  writes("i\tu\td\tk=v\ta\n", DOCUMENT_TSV, DOCUMENT_TSV, NULL, &SLICE("l=en"), "i\tu\td\tk=v\tl=en\ta\n", "after the fields that are there");
  writes("i\xFF\tb\n", DOCUMENT_TSV, DOCUMENT_TSV, NULL, NULL, "i\xEF\xBF\xBD\tb\n", "what was invalid is written valid");
  writes("i\tu\td\tk=v\tw\ta\"\\n\xC3\xA9\n", DOCUMENT_TSV, DOCUMENT_JSONL, NULL, &SLICE("l=en"), "{\"id\":\"i\",\"url\":\"u\",\"date\":\"d\",\"text\":\"a\\\"\\n\xC3\xA9\",\"metadata\":{\"k\":\"v\",\"field5\":\"w\",\"l\":\"en\"}}\n", "TSV to JSON Lines, extra fields and annotations to metadata");
  writes("just text\n", DOCUMENT_TSV, DOCUMENT_JSONL, NULL, NULL, "{\"text\":\"just text\"}\n", "absent fields are absent keys");
  writes("{\"id\":\"i\",\"text\":\"a\\tb\",\"k\":\"v\",\"n\":1.5}\n", DOCUMENT_JSONL, DOCUMENT_TSV, NULL, NULL, "i\t\t\tk=v\tn=1.5\ta\\tb\n", "JSON Lines to TSV");
  writes("{\"id\":1.5,\"url\":null,\"date\":[1],\"text\":\"a\"}\n", DOCUMENT_JSONL, DOCUMENT_TSV, NULL, NULL, "\t\t\tid=1.5\tdate=[1]\ta\n", "an id and a date that are no text are kept as metadata");
  writes("{\"id\":42,\"n\":123456789012345678901234567890,\"text\":\"a\"}\n", DOCUMENT_JSONL, DOCUMENT_TSV, NULL, NULL, "42\t\t\tn=1.2345678901234568e29\ta\n", "an id beside a number of more than 64 bits");
  writes("{\"text\":\"a\", \"id\":\"i\"}\n", DOCUMENT_JSONL, DOCUMENT_JSONL, NULL, NULL, "{\"text\":\"a\", \"id\":\"i\"}\n", "an unchanged JSON line passes byte for byte");
  writes("{\"text\":\"a\",\"id\":\"i\"}\n", DOCUMENT_JSONL, DOCUMENT_JSONL, &SLICE("b"), NULL, "{\"id\":\"i\",\"text\":\"b\"}\n", "a changed one has the keys in order");
  batch_of("i\tx\\qy\xFF\n", 8, DOCUMENT_TSV);
  buffer_clear(&out);
  document_next(&parser, &batch, &cursor, &d, &e);
  document_write_reject(&out, "c4:no_words", &d);
  ok_bytes(out.data, out.len, "c4:no_words\ti\tx\\qy\xFF\n", 20, "a reject is the reason and the input line");
  buffer_clear(&out);
  document_write_fields(&out, DOCUMENT_TSV, SLICE("i"), (struct slice){0}, (struct slice){0}, SLICE("t\n"));
  ok_bytes(out.data, out.len, "i\t\t\tt\n", 6, "a new document has four fields");
  round_trips();

  /* ---- the reader */
  struct count c = {0};
  struct buffer big = {0};
  for (int i = 0; i < 50000; i++) buffer_printf(&big, "%d\tline %d\n", i, i);
  const char *path = write_file("big", big.data, big.len);
  bool same = true;
  static const size_t sizes[] = {1, 100, 4096, 1 << 20};
  for (int i = 0; i < 4; i++) same &= drain(path, sizes[i], &c) == 0 && c.lines == 50000 && slice_equal(buffer_slice(&c.all), buffer_slice(&big)) && c.bytes == big.len;
  ok(same, "all lines in order, whatever the size of a batch");
  ok(drain(write_file("big.gz", big.data, big.len), 0, &c) == 0 && slice_equal(buffer_slice(&c.all), buffer_slice(&big)), "from gzip");
  ok(drain(write_file("open", "a\nb", 3), 0, &c) == 0 && c.lines == 2 && slice_equal(buffer_slice(&c.all), SLICE("a\nb\n")), "a missing last newline is accepted");
  ok(drain(write_file("none", "", 0), 0, &c) == 0 && c.lines == 0, "an empty file has no documents");
  ok(drain(write_file("blank", "\n\n", 2), 0, &c) == 0 && c.lines == 2, "two empty lines are two");
  ok(drain(write_file("archive", "WARC/1.0\r\nWARC-Type: warcinfo\r\n", 32), 0, &c) == -1 && strstr(e.message, "warc2txt"), "a web archive is no stream of documents");
  ok(drain(write_file("about", "WARC/1.0 is a format\n", 21), 0, &c) == 0 && c.lines == 1, "a text about one is");
  ok(drain("/no/such/file", 0, &c) == -1 && strcmp(e.message, "/no/such/file: No such file or directory") == 0, "a missing file is named");
  {
    struct buffer cut = {0};
    FILE *f = fopen(write_file("big.gz", big.data, big.len), "rb");
    buffer_reserve(&cut, 1 << 20);
    cut.len = fread(cut.data, 1, 1 << 20, f);
    fclose(f);
    char name[256];
    snprintf(name, sizeof name, "%s/cut.gz", tap_folder());
    f = fopen(name, "wb");
    fwrite(cut.data, 1, cut.len / 2, f);
    fclose(f);
    char words[300];
    int status = drain(name, 4096, &c);
    snprintf(words, sizeof words, "%s:%llu: truncated gzip member", name, (unsigned long long)c.lines + 1);
    ok(status == -1 && c.lines > 1000 && c.all.len <= big.len && memcmp(c.all.data, big.data, c.all.len) == 0, "truncated gzip: the lines before the damage, then an error");
    ok_string(e.message, words, "that names file and line");
    buffer_release(&cut);
  }
  buffer_clear(&big);
  for (int i = 0; i < 9000000; i++) buffer_put(&big, 'x');
  buffer_append_string(&big, "\nshort\n");
  ok(drain(write_file("long", big.data, big.len), 1000, &c) == 0 && c.lines == 2 && slice_equal(buffer_slice(&c.all), buffer_slice(&big)), "a line of nine megabytes");

  { /* several inputs, stdin not among them */
    char first[256], second[256];
    strcpy(first, write_file("first", "a\nb\n", 4));
    strcpy(second, write_file("second", "{\"text\":\"c\"}\n", 13));
    char *operands[] = {first, second};
    struct document_reader *r = document_reader_new(operands, 2, NULL);
    struct document_batch b = {0};
    ok(document_reader_size(r) == 17, "the size of all inputs");
    ok(document_reader_next(r, &b, &e) == 1 && b.first_line == 1 && b.lines == 2 && b.format == DOCUMENT_TSV && strcmp(b.input, first) == 0, "the first input");
    ok(document_reader_next(r, &b, &e) == 1 && b.first_line == 1 && b.ordinal == 2 && b.format == DOCUMENT_JSONL && strcmp(b.input, second) == 0, "the second one: lines count from 1, ordinals go on, the format is its own");
    ok(document_reader_next(r, &b, &e) == 0, "the end");
    document_batch_release(&b);
    document_reader_free(r);
  }
  struct document_counts sum = {1, 2, 3}, more = {10, 20, 30};
  document_counts_add(&sum, &more);
  ok(sum.invalid_utf8 == 11 && sum.nul == 22 && sum.unknown_escape == 33, "counts add up");
  buffer_release(&big), buffer_release(&c.all), buffer_release(&out);
  document_parser_release(&parser);
  document_batch_release(&batch);
  return tap_done();
}
