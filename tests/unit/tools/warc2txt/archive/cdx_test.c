/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/archive/cdx.h"

#include <stdio.h>

#include "tests/tap.h"
#include "tools/warc2txt/archive/index.h"

/* What reading gives: "NAME@OFFSET+LENGTH:LINExRECORDS" for each range, "B LINE REASON" for bad lines, | between. */
static struct buffer read_text(const char *text, size_t n) {
  static struct buffer seen;
  static char path[4096];
  buffer_clear(&seen);
  snprintf(path, sizeof path, "%s/index", tap_folder());
  FILE *f = fopen(path, "wb");
  if (n) fwrite(text, 1, n, f);
  fclose(f);
  struct cdx *c;
  struct err e;
  struct cdx_range range;
  if (cdx_open(&c, path, &e)) {
    buffer_append_string(&seen, e.message);
    return seen;
  }
  int got;
  while ((got = cdx_next(c, &range, &e)) > 0) {
    if (seen.len) buffer_put(&seen, '|');
    if (got == CDX_BAD) buffer_printf(&seen, "B %llu %s", (unsigned long long)range.line, e.message);
    else buffer_printf(&seen, "%.*s@%llu+%llu:%llux%llu", (int)range.filename.len, range.filename.data, (unsigned long long)range.offset, (unsigned long long)range.length, (unsigned long long)range.line, (unsigned long long)range.records);
  }
  if (got < 0) buffer_printf(&seen, " failed: %s", e.message);
  if (got == 0 && cdx_next(c, &range, &e) != 0) buffer_append_string(&seen, " goes on after its end");
  cdx_close(c);
  return seen;
}

static void reads_as(const char *text, const char *want, const char *name) {
  struct buffer seen = read_text(text, strlen(text));
  ok_string(buffer_string(&seen), want, name);
}

int main(void) {
  reads_as(" CDX N b a m s k r M S V g\ncom,a)/ 2020 http://a/ text/html 200 X - - 120 77 x.warc.gz\n", "x.warc.gz@77+120:2x1", "CDX of 11 fields");
  reads_as(" CDX N b a m s k r V g\ncom,a)/ 2020 http://a/ text/html 200 X - 77 x.arc.gz\n", "x.arc.gz@77+0:2x1", "CDX of 9 fields has no length");
  reads_as("com,a)/ 2020 http://a/ text/html 200 X - - 120 77 x.warc.gz\ncom,b)/ 2020 http://b/ text/html 200 X - 78 y.warc.gz\n", "x.warc.gz@77+120:1x1|y.warc.gz@78+0:2x1", "without a header the number of fields tells");
  reads_as(" CDX g V S a\nx.warc.gz 5 6 http://a/", "x.warc.gz@5+6:2x1", "the header names the fields, in any order; the last line needs no end");
  reads_as("\tCDX\ta\tv\tg\nhttp://a/\t9\ta file.warc\n", "a file.warc@9+0:2x1", "and the delimiter, and an offset in a plain file");
  reads_as("com,a)/ 2020 {\"filename\": \"x.warc.gz\", \"offset\": \"12\", \"length\": \"34\"}\n{\"offset\":1,\"length\":2,\"filename\":\"y\\u00e9.warc.gz\"}\r\n", "x.warc.gz@12+34:1x1|y\xC3\xA9.warc.gz@1+2:2x1", "CDXJ and JSON, numbers in quotes or not");
  reads_as("!meta {\"format\": 1}\n\n# x\ncom,a)/ 2020 {\"filename\":\"x\",\"offset\":1}\n", "x@1+0:4x1", "meta lines and empty ones are passed over; a length may be missing");
  reads_as("url\twarc_filename\twarc_record_offset\twarc_record_length\nu\tcrawl-data/x.warc.gz\t7\t8\n", "crawl-data/x.warc.gz@7+8:2x1", "a table with the names of Common Crawl's columns");
  reads_as("\"warc_filename\",\"warc_record_offset\",\"warc_record_length\"\n\"a, \"\"b\"\".gz\",\"1\",\"2\"\nc.gz,3,4\n", "a, \"b\".gz@1+2:2x1|c.gz@3+4:3x1", "CSV with quotes");
  reads_as("filename,offset\nx,1\nfilename,offset\ny,2\n", "x@1+0:2x1|y@2+0:4x1", "tables one after the other: headers are passed over");

  reads_as("filename,offset,length\nx,0,10\nx,10,5\nx,15,1\nx,17,1\ny,18,1\n", "x@0+16:2x3|x@17+1:5x1|y@18+1:6x1", "ranges that touch are one");
  reads_as("filename,offset,length\nx,0,10\nx,none,5\nx,10,1\n", "x@0+10:2x1|B 3 the offset is no number|x@10+1:4x1", "a bad line between ends one");
  reads_as("filename,offset,length\nx,0,10\nx,0,10\n", "x@0+10:2x1|x@0+10:3x1", "a line twice is a record twice");

  reads_as("one two three\n", "B 1 3 fields: a line of CDX has 9, 10 or 11, or a header names them", "other lines are bad");
  reads_as("{\"filename\": 7, \"offset\": 1}\n{\"offset\": 1, \"filename\": \"\"}\n{\"filename\": \"x\"}\n{\"filename\":\"x\",\"offset\":-1}\n{\"filename\":\"x\",\"offset\":1,\"length\":\"y\"}\n{broken\n",
           "B 1 no filename|B 2 no filename|B 3 no offset|B 4 no offset|B 5 the length is no number|B 6 not JSON: string or '}' expected near 'broken'", "JSON without what is needed is bad");
  reads_as("filename,offset,length\nx,9999999999999999999,1\nx,,1\n,1,1\n-,1,1\n", "B 2 the offset is no number|B 3 no offset|B 4 no filename|B 5 no filename", "so are fields that are empty or too large");
  reads_as("", "", "an empty index has nothing");
  struct buffer seen = read_text("filename\toffset\na\0b\t1\n", 22);
  ok_string(buffer_string(&seen), "B 2 a NUL in the filename", "a NUL does not end a filename");

  struct buffer table = {0};
  index_write_header(&table);
  index_write(&table, &(struct index_row){.id = SLICE("i"), .url = SLICE("http://a/\tb"), .filename = SLICE("a\\b\tc.gz"), .offset = 3, .length = 4, .status = 200, .mime = SLICE("text/html")});
  index_write(&table, &(struct index_row){.id = SLICE("j"), .filename = SLICE("x"), .offset = 5000000000, .length = -1});
  index_write(&table, &(struct index_row){.id = SLICE("k"), .filename = SLICE("x"), .offset = -1, .length = -1});
  seen = read_text(table.data, table.len);
  ok_string(buffer_string(&seen), "a\\b\tc.gz@3+4:2x1|x@5000000000+0:3x1|B 4 no offset", "what index.h writes is read back, names escaped, offsets above 4 GB");
  buffer_release(&table);

  const char *collection = tap_shared("warc/webrecorder+pywb/sample_archive/cdxj/iana.cdxj");
  if (collection) {
    struct cdx *c;
    struct err e;
    struct cdx_range range;
    uint64_t records = 0;
    if (cdx_open(&c, collection, &e) == 0) {
      while (cdx_next(c, &range, &e) == CDX_RANGE) records += range.records;
      cdx_close(c);
    }
    ok_int((int64_t)records, 171, "a real CDXJ file is read to its end");
  } else {
    skip("../shared/data/warc is not here", "a real CDXJ file is read to its end");
  }
  struct cdx *c;
  struct err e;
  ok(cdx_open(&c, "/no/such/index", &e) == -1 && strstr(e.message, "/no/such/index"), "a missing index is named");
  cdx_close(NULL);
  return tap_done();
}
