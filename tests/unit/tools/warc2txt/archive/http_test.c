/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/archive/http.h"

#include <zlib.h>
#include <zstd.h>

#include "tests/tap.h"

static struct http_decoder decoder;

static void compress_to(struct buffer *out, struct slice s, int window_bits) {
  z_stream z = {0};
  deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  size_t room = deflateBound(&z, s.len) + 64;
  buffer_reserve(out, room);
  z.next_in = (Bytef *)s.data, z.avail_in = (uInt)s.len;
  z.next_out = (Bytef *)out->data + out->len, z.avail_out = (uInt)room;
  deflate(&z, Z_FINISH);
  out->len += room - z.avail_out;
  deflateEnd(&z);
}

static enum http_result decode(struct slice record, size_t limit, struct slice *body, struct http_response *response) {
  http_parse(&decoder, record, response);
  return http_decode(&decoder, response, limit, body);
}

static void body_is(struct slice record, struct slice want, const char *name) {
  struct slice body = {0};
  struct http_response response;
  enum http_result result = decode(record, 1 << 20, &body, &response);
  if (!ok(result == HTTP_OK && slice_equal(body, want), "%s", name)) note("result %d, %.*s", result, (int)body.len, body.data);
}

static void coded(const char *fields, struct buffer *body, struct slice want, const char *name) {
  struct buffer record = {0};
  buffer_printf(&record, "HTTP/1.1 200 OK\r\n%s\r\n", fields);
  buffer_append_slice(&record, buffer_slice(body));
  body_is(buffer_slice(&record), want, name);
  buffer_release(&record);
}

int main(void) {
  struct http_response r;
  struct slice body, text = SLICE("the body of the page, the body of the page, the body of the page");
  struct buffer a = {0}, b = {0};

  http_parse(&decoder, SLICE("HTTP/1.1 404 Not Found\r\nContent-Type: text/html;\r\n charset=utf-8\r\nX: y\r\n\r\nhello"), &r);
  ok_int(r.status, 404, "the status is read");
  ok(slice_starts(r.content_type, SLICE("text/html;")) && slice_find(r.content_type, SLICE("charset=utf-8")), "a folded field is one value");
  ok(slice_equal(r.body, SLICE("hello")), "the body starts behind the empty line");
  http_parse(&decoder, SLICE("HTTP/1.0 302 \nLocation: x\n\nb"), &r);
  ok(r.status == 302 && slice_equal(r.body, SLICE("b")), "bare line feeds and a status without words are read");
  http_parse(&decoder, SLICE("HTTP/2 200\r\nContent-Type: text/plain"), &r);
  ok(r.status == 200 && r.body.len == 0 && slice_equal(r.content_type, SLICE("text/plain")), "headers that end with the record have no body");
  http_parse(&decoder, SLICE("HTTP/1.1 200\r\nContent-Type: a\r\ncontent-type: b\r\n\r\nx"), &r);
  ok(r.status == 200 && slice_equal(r.content_type, SLICE("a")), "a status without reason; of fields that are there twice the first counts");
  http_parse(&decoder, SLICE("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n<html><p>a: b\r\n\r\n</html>"), &r);
  ok(r.status == 200 && slice_starts(r.body, SLICE("<html><p>")), "a page may start where the empty line is missing");
  http_parse(&decoder, SLICE("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody"), &r);
  ok(r.status == 200 && slice_equal(r.body, SLICE("body")), "an interim response is passed over");
  http_parse(&decoder, SLICE("<html>no status line</html>"), &r);
  ok(r.status == 0 && slice_starts(r.body, SLICE("<html>")), "a body without status line is all body");
  http_parse(&decoder, (struct slice){"", 0}, &r);
  ok(r.status == 0 && r.body.len == 0, "nothing is nothing");

  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"), SLICE("hello world"), "chunks are joined");
  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nplain body"), SLICE("plain body"), "a body that is not chunked stays");
  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\nrest"), SLICE("helloZZ\r\nrest"), "of broken chunks the rest stays as it is");
  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello"), SLICE("hello"), "a chunk that is too long gives what is there");
  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), SLICE("he"), "a chunk that is cut gives what is there");

  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n\r\n3\r\n!!!\r\n0\r\n\r\n"), SLICE("hello!!!"), "a line end too many between chunks is none");
  body_is(SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n"), SLICE("hello\r\n0\r\n\r\n"), "behind a chunk whose size is too small the rest stays as it is");
  http_parse(&decoder, SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n2\r\nab\r\n0\r\n\r\n"), &r);
  ok(slice_equal(http_unchunked(&decoder, &r), SLICE("ab")), "chunks alone can be undone");

  compress_to(&a, text, 31);
  coded("Content-Encoding: gzip\r\n", &a, text, "gzip is undone");
  coded("Content-Encoding: x-gzip\r\nContent-Encoding: identity\r\n", &a, text, "x-gzip and identity in two fields are undone");
  compress_to(&b, buffer_slice(&a), 31);
  coded("Content-Encoding: gzip, gzip\r\n", &b, text, "gzip twice is undone twice");
  buffer_clear(&b);
  buffer_printf(&b, "%zx\r\n", a.len);
  buffer_append_slice(&b, buffer_slice(&a));
  buffer_append_string(&b, "\r\n0\r\n\r\n");
  coded("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", &b, text, "gzip in chunks is undone");
  compress_to(&a, text, 31);
  buffer_clear(&b);
  buffer_append_slice(&b, text);
  buffer_append_slice(&b, text);
  coded("Content-Encoding: gzip\r\n", &a, buffer_slice(&b), "gzip members are one body");
  buffer_clear(&a);
  compress_to(&a, text, 15);
  coded("Content-Encoding: deflate\r\n", &a, text, "deflate with a zlib header is undone");
  buffer_clear(&a);
  compress_to(&a, text, -15);
  coded("Content-Encoding: deflate\r\n", &a, text, "raw deflate is undone");
  buffer_clear(&a);
  buffer_reserve(&a, ZSTD_compressBound(text.len));
  a.len = ZSTD_compress(a.data, a.capacity, text.data, text.len, 3);
  coded("Content-Encoding: zstd\r\n", &a, text, "zstd is undone");
  buffer_clear(&a);
  buffer_append_slice(&a, text);
  coded("Content-Encoding: gzip\r\n", &a, text, "a body that was stored decoded stays");
  coded("Content-Encoding: utf-8\r\n", &a, text, "a coding that is none is passed over");
  struct http_response response;
  static const char br[] = "\x1b\x3f\x00\x00\x04\xea\x64\xa9\xde\xba\x5a\x98\x1f\x8d\xa0\xa8\x5e\xec\xa9\x0a\xf4\x5a\xc4\xe4\x93\x53\xb4\x5e\x32\x04"; /* brotli(1) of text */
  buffer_clear(&a);
  buffer_append(&a, br, sizeof br - 1);
  coded("Content-Encoding: br\r\n", &a, text, "brotli is undone");
  a.len -= 3;
  struct buffer cut = {0};
  buffer_append_string(&cut, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n");
  buffer_append_slice(&cut, buffer_slice(&a));
  ok(decode(buffer_slice(&cut), 1 << 20, &body, &response) == HTTP_OK && body.len > 5 && memcmp(body.data, text.data, body.len) == 0, "of a brotli body that is cut the beginning stays");
  a.len += 3;
  buffer_clear(&b);
  compress_to(&b, buffer_slice(&a), 31);
  coded("Content-Encoding: br, gzip\r\n", &b, text, "br, then gzip are undone");
  coded("Content-Encoding: br\r\nContent-Encoding: GZIP\r\n", &b, text, "in two fields too");
  ok(decode(SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\x89PNG\r\n\x1a\n\xff\xff\xff"), 100, &body, &response) == HTTP_ENCODING, "binary bytes that are no brotli are no text");
  ok(decode(SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: compress\r\n\r\n\x1f\x9d\x90"), 100, &body, &response) == HTTP_ENCODING, "compress is not known");
  body_is(SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nplain text, stored decoded"), SLICE("plain text, stored decoded"), "text labelled br that is plain stays");
  buffer_clear(&b);
  buffer_append_string(&b, "\xcb\xff\xff\x3f\xf8\x27");
  buffer_put(&b, 0);
  buffer_append_string(&b, "\xe2\xb1\x40\x20\xf7\xfe\x2f\xff\xff\x3f\xf0\x4f");
  buffer_put(&b, 0);
  buffer_append_string(&b, "\xc4\x61\x11\x80\xee\xfd\x07"); /* ten million zeros */
  buffer_clear(&cut);
  buffer_append_string(&cut, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n");
  buffer_append_slice(&cut, buffer_slice(&b));
  ok(decode(buffer_slice(&cut), 1 << 20, &body, &response) == HTTP_TOO_LONG, "a brotli bomb stops at the limit");
  ok(decode(buffer_slice(&cut), 20 << 20, &body, &response) == HTTP_OK && body.len == 10 << 20, "below it is decoded");
  buffer_release(&cut);
  buffer_clear(&b);
  compress_to(&b, text, 31);
  coded("", &b, text, "gzip that no field names is undone");
  buffer_clear(&a);
  compress_to(&a, buffer_slice(&b), 31);
  coded("Content-Encoding: gzip\r\n", &a, text, "and gzip twice that is named once");
  body_is(SLICE("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n<html>x</html>"), SLICE("<html>x</html>"), "a page labelled br that is plain stays");

  struct buffer zeros = {0};
  buffer_reserve(&zeros, 10 << 20);
  memset(zeros.data, 0, zeros.len = 10 << 20);
  buffer_clear(&a);
  buffer_append_string(&a, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  size_t head = a.len;
  compress_to(&a, buffer_slice(&zeros), 31);
  ok(decode(buffer_slice(&a), 1 << 20, &body, &response) == HTTP_TOO_LONG, "a bomb stops at the limit");
  a.len = head + (a.len - head) / 2;
  ok(decode(buffer_slice(&a), 20 << 20, &body, &response) == HTTP_OK && body.len > 1 << 20, "of a gzip body that is cut the beginning stays");

  buffer_release(&a), buffer_release(&b), buffer_release(&zeros);
  http_decoder_release(&decoder);
  return tap_done();
}
