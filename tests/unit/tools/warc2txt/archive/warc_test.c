/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/archive/warc.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "common/base/hashmap.h"
#include "tests/tap.h"

/* ---- archives made here */

static void record(struct buffer *out, const char *type, const char *extra, const char *body, long length) {
  buffer_printf(out, "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%s>\r\n%sContent-Length: %ld\r\n\r\n%s\r\n\r\n", type, body, extra, length < 0 ? (long)strlen(body) : length, body);
}

static void compress_to(struct buffer *out, const void *data, size_t n) {
  z_stream z = {0};
  deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  size_t room = deflateBound(&z, n) + 64;
  buffer_reserve(out, room);
  z.next_in = (Bytef *)data, z.avail_in = (uInt)n;
  z.next_out = (Bytef *)out->data + out->len, z.avail_out = (uInt)room;
  deflate(&z, Z_FINISH);
  out->len += room - z.avail_out;
  deflateEnd(&z);
}

static const char *write_file(const struct buffer *b) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/archive", tap_folder());
  FILE *f = fopen(path, "wb");
  if (b->len) fwrite(b->data, 1, b->len, f);
  fclose(f);
  return path;
}

/* What reading gives: "R:body" for each response, "o" for other records, "B:reason" for bad ones, spaces between. */
static struct buffer read_path(const char *path, bool bodies, size_t *records, size_t *bad) {
  static struct buffer seen;
  buffer_clear(&seen);
  *records = *bad = 0;
  struct err e;
  struct input *in;
  struct input_options options = {.members = true};
  if (input_open(&in, path, &options, &e)) {
    buffer_printf(&seen, "cannot open: %s", e.message);
    return seen;
  }
  struct warc_reader *r = warc_reader_new(in);
  struct warc_record rec;
  int got;
  while ((got = warc_next(r, &rec, &e)) > 0) {
    if (seen.len) buffer_put(&seen, ' ');
    if (got == WARC_BAD) {
      ++*bad;
      buffer_printf(&seen, "B:%s", e.message);
      continue;
    }
    ++*records;
    if (rec.kind == WARC_OTHER || !bodies) {
      buffer_put(&seen, 'o');
      continue;
    }
    struct slice body;
    got = warc_body(r, &body, &e);
    if (got == WARC_RECORD) {
      buffer_printf(&seen, "R:%.*s", (int)body.len, body.data);
    } else {
      ++*bad;
      --*records;
      buffer_printf(&seen, "B:%s", e.message);
    }
  }
  if (got < 0) buffer_printf(&seen, "failed: %s", e.message);
  warc_reader_free(r);
  input_close(in);
  return seen;
}

static void reads_as(const struct buffer *archive, const char *want, const char *name) {
  size_t records, bad;
  struct buffer seen = read_path(write_file(archive), true, &records, &bad);
  ok_string(buffer_string(&seen), want, name);
}

/* ---- the shared collection */

static struct hashmap *expected;
static const char *collection;
static size_t files, agreeing, compared, all_bad;
static struct buffer differing;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
  (void)st;
  if (kind != FTW_F || !(strstr(path + ftw->base, ".warc") || strstr(path + ftw->base, ".arc"))) return 0;
  size_t records, bad;
  files++;
  struct buffer seen = read_path(path, true, &records, &bad);
  if (strstr(buffer_string(&seen), "failed:")) return 0;
  size_t skipped_records, skipped_bad;
  read_path(path, false, &skipped_records, &skipped_bad); /* bodies skipped, not read */
  all_bad += bad;
  const char *relative = path + strlen(collection) + 1;
  uint64_t *want = hashmap_find(expected, slice_of(relative));
  if (!want || bad) return 0;
  compared++;
  if (records == *want && skipped_records == *want) agreeing++;
  else buffer_printf(&differing, "%s: %zu and %zu, not %zu\n", relative, records, skipped_records, (size_t)*want);
  return 0;
}

static void read_collection(void) {
  collection = tap_shared("warc");
  if (!collection) {
    skip("../shared/data/warc is not here", "the shared archives give their tools' counts");
    return;
  }
  expected = hashmap_new();
  FILE *f = fopen("tests/data/warc/counts.tsv", "r");
  char line[4096];
  while (f && fgets(line, sizeof line, f)) {
    char *tab = strchr(line, '\t');
    if (tab) *hashmap_put(expected, (struct slice){line, (size_t)(tab - line)}, NULL) = strtoull(tab + 1, NULL, 10);
  }
  if (f) fclose(f);
  nftw(collection, visit, 16, FTW_PHYS);
  note("%zu files, %zu compared, %zu bad records", files, compared, all_bad);
  ok(files > 150, "every archive of the collection is read to its end");
  ok(compared > 90 && agreeing == compared, "undamaged archives give the counts of warcio and FastWARC");
  if (differing.len) note("%s", buffer_string(&differing));
  ok(all_bad > 30, "damaged archives give bad records with reasons");
  hashmap_free(expected);
}

int main(void) {
  struct buffer one = {0}, two = {0}, three = {0}, all = {0}, a = {0};
  record(&one, "warcinfo", "", "info", -1);
  record(&two, "response", "WARC-Target-URI: http://a/\r\n", "second", -1);
  record(&three, "response", "", "third", -1);
  buffer_append_slice(&all, buffer_slice(&one));
  buffer_append_slice(&all, buffer_slice(&two));
  buffer_append_slice(&all, buffer_slice(&three));
  reads_as(&all, "o R:second R:third", "a plain archive gives its records");

  compress_to(&a, all.data, all.len);
  reads_as(&a, "o R:second R:third", "an archive in one gzip member gives its records");

  buffer_clear(&a);
  compress_to(&a, one.data, one.len);
  compress_to(&a, two.data, two.len);
  compress_to(&a, three.data, three.len);
  reads_as(&a, "o R:second R:third", "a member a record gives its records");

  buffer_clear(&a);
  for (size_t i = 0; i < all.len; i += 7) compress_to(&a, all.data + i, all.len - i < 7 ? all.len - i : 7);
  reads_as(&a, "o R:second R:third", "members cut anywhere give their records");

  size_t records, bad, agree = 0;
  for (size_t piece = 1; piece <= 120; piece++) { /* starts of records are cut at each of their bytes */
    buffer_clear(&a);
    for (size_t i = 0; i < all.len; i += piece) compress_to(&a, all.data + i, all.len - i < piece ? all.len - i : piece);
    agree += strcmp(buffer_string((struct buffer[]){read_path(write_file(&a), true, &records, &bad)}), "o R:second R:third") == 0;
  }
  ok(agree == 120, "members of any length give the same records: %zu of 120", agree);

  struct buffer many = {0};
  for (int i = 0; i < 5000; i++) buffer_append_slice(&many, buffer_slice(&two));
  buffer_clear(&a);
  for (size_t i = 0; i < many.len; i += 997) compress_to(&a, many.data + i, many.len - i < 997 ? many.len - i : 997);
  read_path(write_file(&a), true, &records, &bad);
  ok(records == 5000 && bad == 0, "thousands of records of which none ends with its member: %zu, %zu bad", records, bad);
  buffer_release(&many);

  buffer_clear(&a);
  compress_to(&a, one.data, one.len);
  compress_to(&a, two.data, two.len);
  size_t before = a.len;
  compress_to(&a, three.data, three.len);
  a.len = before + (a.len - before) / 2;
  reads_as(&a, "o R:second B:truncated gzip member", "a truncated gzip member is one bad record");

  buffer_clear(&a);
  compress_to(&a, one.data, one.len);
  before = a.len;
  compress_to(&a, two.data, two.len);
  memset(a.data + before + 20, 0xFF, 30);
  compress_to(&a, three.data, three.len);
  struct buffer seen = read_path(write_file(&a), true, &records, &bad);
  ok(records == 2 && bad >= 1 && strstr(buffer_string(&seen), "R:third"), "reading goes on behind a damaged member");

  buffer_clear(&a);
  record(&a, "response", "", "short", -1);
  buffer_append_string(&a, "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 5");
  reads_as(&a, "R:short B:record header without an empty line at its end", "a header that is cut off is bad");

  buffer_clear(&a);
  record(&a, "response", "", "body", 400);
  reads_as(&a, "B:Content-Length is larger than the file", "a length beyond the end of the file is bad");

  buffer_clear(&a);
  record(&a, "response", "", "body", 30);
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "B:wrong Content-Length: another record starts before it is reached R:second", "a length that is too large does not swallow the next record");

  buffer_clear(&a);
  record(&a, "response", "", "a body that is longer than it says", 6);
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "R:a body B:no record starts here R:second", "a length that is too small leaves the next record whole");

  buffer_clear(&a);
  buffer_append_string(&a, "WARC/1.0\r\nWARC-Type: response\r\n\r\nbody\r\n\r\n");
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "B:record without Content-Length R:second", "a record without Content-Length is bad");

  buffer_clear(&a);
  buffer_append_string(&a, "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: many\r\n\r\nbody\r\n\r\n");
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "B:Content-Length is no number R:second", "a length that is no number is bad");

  buffer_clear(&a);
  buffer_append_string(&a, "WARC/1.0\nWARC-Type: response\nContent-Length: 4\n\nbody\n\nwarc/0.17\ncontent-length: 4\nwarc-type:\n  response\n\nbody");
  reads_as(&a, "R:body R:body", "bare line feeds, folded fields, small letters and a missing end are accepted");

  buffer_clear(&a);
  buffer_append_string(&a, "WARC/1.0\r\r\nWARC-Type: response\r\r\nContent-Length: 4\r\r\n\r\r\nbody\r\r\n\r\r\n");
  reads_as(&a, "R:body", "CR CR LF is a line end");

  buffer_clear(&a);
  buffer_append_string(&a, "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 4\r\n\r\nbody");
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "R:body R:second", "a missing empty line between records is accepted");

  buffer_clear(&a);
  buffer_append_string(&a, "rubbish\r\nmore rubbish\n");
  buffer_append_slice(&a, buffer_slice(&two));
  reads_as(&a, "B:no WARC or ARC record starts here (HTML files are read with --html) R:second", "rubbish before a record is one bad record");

  buffer_clear(&a);
  buffer_append_string(&a, "filedesc://x.arc 0.0.0.0 20140216050221 text/plain 4\n1 0 \nhttp://a.example/b c 1.2.3.4 20140216050221 text/html 5\nhello\nhttp://a.example/d 1.2.3.4 20140216050221 text/html many\nlost\nhttp://a.example/e 1.2.3.4 20140216050221 text/html 3\nend\n");
  reads_as(&a, "o R:hello B:ARC record without a length R:end", "ARC records, spaces in URLs and bad lengths are read");

  reads_as(&(struct buffer){0}, "", "an empty file has no record");

  /* fields */
  buffer_clear(&a);
  buffer_append_string(&a, "filedesc://x.arc 0.0.0.0 20140216050221 text/plain 4\n1 0 \nhttp://a/ 1.2.3.4 20140216050221 text/html 0\n\n");
  record(&a, "response", "WARC-Target-URI: <http://b/>\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n", "x", -1);
  struct input *in;
  struct err e;
  struct input_options options = {.members = true};
  struct warc_record rec;
  ok(input_open(&in, write_file(&a), &options, &e) == 0, "the archive opens");
  struct warc_reader *r = warc_reader_new(in);
  warc_next(r, &rec, &e);
  ok(warc_next(r, &rec, &e) == WARC_RECORD && rec.arc && slice_equal(rec.uri, SLICE("http://a/")) && slice_equal(rec.date, SLICE("2014-02-16T05:02:21Z")), "an ARC date becomes ISO 8601");
  ok_int((int64_t)rec.offset, 58, "the offset of an ARC record is that of its line");
  ok(warc_next(r, &rec, &e) == WARC_RECORD && slice_equal(rec.uri, SLICE("http://b/")) && slice_equal(rec.date, SLICE("2020-01-01T00:00:00Z")) && slice_equal(rec.id, SLICE("<urn:uuid:x>")), "brackets around a target URI go");
  warc_reader_free(r);
  input_close(in);

  buffer_clear(&a);
  record(&a, "continuation", "WARC-Truncated: length\r\nwarc-block-digest: sha1:A\r\nWARC-Payload-Digest: sha1:B\r\nWARC-Segment-Number: 12\r\nWARC-Segment-Origin-ID: <urn:uuid:o>\r\n", "x", -1);
  record(&a, "response", "WARC-Target-URI: http://b/\r\nWARC-Target-URI: http://c/\r\n", "y", -1);
  ok(input_open(&in, write_file(&a), &options, &e) == 0, "another opens");
  r = warc_reader_new(in);
  ok(warc_next(r, &rec, &e) == WARC_RECORD && slice_equal(rec.truncated, SLICE("length")) && slice_equal(rec.block_digest, SLICE("sha1:A")) && slice_equal(rec.payload_digest, SLICE("sha1:B")), "truncation and digests are read");
  ok(rec.segment == 12 && slice_equal(rec.segment_origin, SLICE("<urn:uuid:o>")) && rec.kind == WARC_OTHER, "so are segments");
  ok(warc_next(r, &rec, &e) == WARC_RECORD && slice_equal(rec.uri, SLICE("http://b/")) && rec.segment == 0 && !rec.truncated.len, "of a field that is there twice the first counts; records do not inherit");
  warc_reader_free(r);
  input_close(in);

  /* where records lie */
  for (int how = 0; how < 4; how++) {
    static const char *const names[] = {"each record of a plain archive can be read alone", "so can each gzip member", "not what shares a member", "what crosses members cannot either"};
    buffer_clear(&a);
    if (how == 0) buffer_append_slice(&a, buffer_slice(&all));
    if (how == 1) compress_to(&a, one.data, one.len), compress_to(&a, two.data, two.len), compress_to(&a, three.data, three.len);
    if (how == 2) compress_to(&a, all.data, all.len);
    if (how == 3) for (size_t i = 0; i < all.len; i += 7) compress_to(&a, all.data + i, all.len - i < 7 ? all.len - i : 7);
    if (input_open(&in, write_file(&a), &options, &e)) return 1;
    r = warc_reader_new(in);
    int known = 0, right = 0;
    while (warc_next(r, &rec, &e) == WARC_RECORD) {
      struct slice body;
      int64_t offset, length;
      if (warc_body(r, &body, &e) != WARC_RECORD) break;
      bool last = slice_equal(body, SLICE("third")), first = slice_equal(body, SLICE("info"));
      warc_extent(r, &offset, &length);
      if (offset < 0) continue;
      known++;
      struct input *part;
      struct input_options range = {.members = true, .from = offset, .length = length};
      if (input_open(&part, input_name(in), &range, &e)) continue;
      struct warc_reader *reader = warc_reader_new(part);
      struct warc_record alone;
      struct slice again;
      right += warc_next(reader, &alone, &e) == WARC_RECORD && alone.offset == (uint64_t)offset && warc_body(reader, &again, &e) == WARC_RECORD &&
               slice_equal(again, first ? SLICE("info") : last ? SLICE("third") : SLICE("second")) && warc_next(reader, &alone, &e) == WARC_END;
      warc_reader_free(reader);
      input_close(part);
    }
    warc_reader_free(r);
    input_close(in);
    if (!ok(how < 2 ? known == 3 && right == 3 : known == 0, "%s", names[how])) note("%d known, %d right", known, right);
  }

  /* more than the small bodies: skipping, and a body across windows */
  buffer_clear(&a);
  struct buffer large = {0};
  for (int i = 0; i < 300000; i++) buffer_printf(&large, "%d ", i);
  buffer_printf(&a, "WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %zu\r\n\r\n", large.len);
  buffer_append_slice(&a, buffer_slice(&large));
  buffer_append_string(&a, "\r\n\r\n");
  buffer_append_slice(&a, buffer_slice(&three));
  struct buffer blocks = {0};
  for (size_t i = 0; i < a.len; i += 65000) compress_to(&blocks, a.data + i, a.len - i < 65000 ? a.len - i : 65000);
  read_path(write_file(&blocks), false, &records, &bad);
  ok(records == 2 && bad == 0, "a body over many members is skipped");
  seen = read_path(write_file(&blocks), true, &records, &bad);
  ok(records == 2 && bad == 0 && seen.len == 2 + large.len + 1 + strlen("R:third"), "a body over many members is read");

  read_collection();
  buffer_release(&one), buffer_release(&two), buffer_release(&three), buffer_release(&all), buffer_release(&a), buffer_release(&large), buffer_release(&blocks);
  return tap_done();
}
