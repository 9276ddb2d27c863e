/* SPDX-License-Identifier: MIT
 *
 * url.h against a server of our own on 127.0.0.1 that misbehaves in one way per path.  One thread serves one
 * connection at a time and answers one request on each.
 */
#include "common/io/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { SIZE = 3000000, CUT = 1234567 };

static char *content;
static int listener, port;
static atomic_int requests;      /* since the last server_reset() */
static char last_request[8192];  /* head of the last one; read between transfers only */

static void send_all(int fd, const void *data, size_t n) {
  for (const char *p = data; n;) {
    ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
    if (sent <= 0) return;
    p += sent, n -= (size_t)sent;
  }
}

static bool header_of(const char *name, char value[256]) {
  for (const char *line = strstr(last_request, "\r\n"); line; line = strstr(line + 2, "\r\n"))
    if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':') {
      sscanf(line + 3 + strlen(name), " %255[^\r]", value);
      return true;
    }
  return false;
}

/* Sends bytes [from, SIZE), or to the range's end, but at most `most` of them, after a head for all of them. */
static void serve(int fd, const char *etag, bool ranges, int64_t most) {
  char value[256];
  long from = 0, to = SIZE;
  bool part = false;
  if (ranges && header_of("Range", value)) {
    const char *dash = strchr(value, '-');
    part = true;
    from = atol(value + strlen("bytes="));
    if (dash && dash[1] && atol(dash + 1) + 1 < SIZE) to = atol(dash + 1) + 1;
  }
  if (part && header_of("If-Range", value) && strcmp(value, etag) != 0) from = 0, to = SIZE, part = false;
  char head[512];
  if (from > SIZE || (from == SIZE && ranges)) {
    snprintf(head, sizeof head, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */%d\r\nContent-Length: 0\r\n\r\n", SIZE);
    send_all(fd, head, strlen(head));
    return;
  }
  if (part) snprintf(head, sizeof head, "HTTP/1.1 206 Partial Content\r\nETag: %s\r\nContent-Range: bytes %ld-%ld/%d\r\nContent-Length: %ld\r\n\r\n", etag, from, to - 1, SIZE, to - from);
  else snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %d\r\n\r\n", etag, SIZE);
  send_all(fd, head, strlen(head));
  int64_t n = to - from;
  send_all(fd, content + from, (size_t)(n > most ? most : n));
}

static void answer(int fd, const char *path, int turn) { /* turn: 1 for the first request */
  char head[512];
#define IS(name) (strcmp(path, name) == 0)
#define SAY(...) (snprintf(head, sizeof head, __VA_ARGS__), send_all(fd, head, strlen(head)))
  if (IS("/file")) serve(fd, "\"v1\"", true, SIZE);
  else if (IS("/cut")) serve(fd, "\"v1\"", true, turn == 1 ? CUT : SIZE);
  else if (IS("/cut-often")) serve(fd, "\"v1\"", true, 200000);
  else if (IS("/cut-at-once")) serve(fd, "\"v1\"", true, 100);
  else if (IS("/weak")) serve(fd, "W/\"v1\"", true, turn == 1 ? CUT : SIZE);
  else if (IS("/no-ranges")) serve(fd, "\"v1\"", false, turn == 1 ? CUT : SIZE);
  else if (IS("/changes")) serve(fd, turn == 1 ? "\"v1\"" : "\"v2\"", true, turn == 1 ? CUT : SIZE);
  else if (IS("/busy")) {
    if (turn == 1) SAY("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy");
    else serve(fd, "\"v1\"", true, SIZE);
  } else if (IS("/always-busy")) SAY("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  else if (IS("/come-tomorrow")) SAY("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n");
  else if (IS("/silent")) {
    if (turn > 1) serve(fd, "\"v1\"", true, SIZE);
  } else if (IS("/loop")) SAY("HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n");
  else if (IS("/once")) SAY("HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:%d/file\r\nContent-Length: 5\r\n\r\nmoved", port);
  else if (IS("/to-disk")) SAY("HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n");
  else if (IS("/forbidden")) SAY("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  else if (IS("/wrong-range")) {
    if (turn == 1) serve(fd, "\"v1\"", true, CUT);
    else SAY("HTTP/1.1 206 Partial Content\r\nETag: \"v1\"\r\nContent-Range: bytes 0-9/%d\r\nContent-Length: 10\r\n\r\n0123456789", SIZE);
  } else if (IS("/too-much")) {
    SAY("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1000-%d/%d\r\nContent-Length: %d\r\n\r\n", SIZE - 1, SIZE, SIZE - 1000);
    send_all(fd, content + 1000, SIZE - 1000);
  } else if (IS("/chunked")) {
    if (turn == 1) { /* no length: only the missing last chunk tells that it is not complete */
      SAY("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n", CUT);
      send_all(fd, content, CUT);
      send_all(fd, "\r\n", 2);
    } else serve(fd, "\"v1\"", true, SIZE);
  } else if (IS("/until-close")) {
    SAY("HTTP/1.1 200 OK\r\n\r\n");
    send_all(fd, content, SIZE);
  } else if (IS("/empty")) SAY("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  else SAY("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found");
}

static void *serve_forever(void *unused) {
  (void)unused;
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) return NULL;
    size_t len = 0;
    for (ssize_t n; len < sizeof last_request - 1 && (n = read(fd, last_request + len, sizeof last_request - 1 - len)) > 0;) {
      len += (size_t)n;
      last_request[len] = 0;
      if (strstr(last_request, "\r\n\r\n")) break;
    }
    char path[256] = "";
    sscanf(last_request, "GET %255s", path);
    answer(fd, path, ++requests);
    shutdown(fd, SHUT_WR);
    char rest[4096]; /* until the client closes: closing first with bytes unread would reset the connection */
    while (read(fd, rest, sizeof rest) > 0) {}
    close(fd);
  }
}

static const char *address_of(const char *path) {
  static char address[256];
  snprintf(address, sizeof address, "http://127.0.0.1:%d%s", port, path);
  return address;
}

/* The whole transfer in odd pieces; 0 or -1. */
static bool missing;
static int fetch_range(const char *path, int64_t from, int64_t length, struct buffer *out, int64_t *size, struct err *e) {
  struct url *u;
  requests = 0;
  buffer_clear(out);
  memset(e, 0, sizeof *e);
  if (url_open(&u, address_of(path), from, length, &missing, e) != 0) return -1;
  ssize_t n;
  char piece[77777];
  while ((n = url_read(u, piece, 1 + out->len % sizeof piece, e)) > 0) buffer_append(out, piece, (size_t)n);
  if (n == 0) n = url_read(u, piece, sizeof piece, e); /* the end stays the end */
  if (size) *size = url_size(u);
  url_close(u);
  return n == 0 ? 0 : -1;
}

static int fetch(const char *path, int64_t from, struct buffer *out, int64_t *size, struct err *e) { return fetch_range(path, from, 0, out, size, e); }

static void gives_the_range(const char *path, int64_t from, int64_t length, int64_t want, const char *name) {
  struct buffer got = {0};
  struct err e;
  bool fine = fetch_range(path, from, length, &got, NULL, &e) == 0 && got.len == (size_t)want && memcmp(got.data, content + from, got.len) == 0;
  ok(fine, "%s", name);
  if (!fine) note("%zu bytes: %s", got.len, e.message);
  buffer_release(&got);
}

static void gives_the_file(const char *path, const char *name) {
  struct buffer got = {0};
  struct err e;
  int64_t size = 0;
  bool fine = fetch(path, 0, &got, &size, &e) == 0 && got.len == SIZE && memcmp(got.data, content, SIZE) == 0 && size == SIZE;
  ok(fine, "%s", name);
  if (!fine) note("%zu bytes, size %lld: %s", got.len, (long long)size, e.message);
  buffer_release(&got);
}

static void fails_with(const char *path, int64_t from, const char *words, int most_requests, const char *name) {
  struct buffer got = {0};
  struct err e;
  bool fine = fetch(path, from, &got, NULL, &e) == -1 && e.kind == ERR_FAILED && strstr(e.message, words) && requests <= most_requests;
  ok(fine, "%s", name);
  if (!fine) note("%zu bytes, %d requests, message: %s", got.len, (int)requests, e.message);
  buffer_release(&got);
}

int main(void) {
  unsetenv("http_proxy"), unsetenv("https_proxy"), unsetenv("all_proxy"), unsetenv("ALL_PROXY");
  setenv("CRAWL2LM_URL_RETRIES", "3", 1);
  setenv("CRAWL2LM_URL_BACKOFF", "0.02", 1);
  content = malloc(SIZE);
  for (size_t i = 0; i < SIZE; i++) content[i] = (char)splitmix64(i);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t at_size = sizeof at;
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 16) != 0) {
    skip("cannot listen on 127.0.0.1", "URLs");
    return tap_done();
  }
  getsockname(listener, (struct sockaddr *)&at, &at_size);
  port = ntohs(at.sin_port);
  pthread_t thread;
  pthread_create(&thread, NULL, serve_forever, NULL);

  ok(url_is("http://x") && url_is("HTTPS://x/y") && !url_is("ftp://x") && !url_is("http.warc") && !url_is("httpx://y"), "http and https are URLs, other names are not");

  gives_the_file("/file", "a file comes whole and its size is known");
  char value[256] = "";
  ok(header_of("User-Agent", value) && strncmp(value, "crawl2lm/", 9) == 0, "the user agent names crawl2lm");
  ok(!header_of("Accept-Encoding", value), "no content coding is asked for: files come as they are stored");
  ok_int(requests, 1, "one request is enough");
  gives_the_file("/cut", "a connection cut in the middle is resumed");
  ok_int(requests, 2, "with one more request");
  ok(header_of("Range", value) && atol(value + 6) == CUT, "which asks for the missing bytes only");
  ok(header_of("If-Range", value) && strcmp(value, "\"v1\"") == 0, "if the file is still the same");
  gives_the_file("/weak", "a weak ETag resumes too");
  ok(!header_of("If-Range", value), "but is no If-Range");
  gives_the_file("/cut-often", "cuts with progress between them are not counted together");
  ok(requests > 10, "fifteen of them with three retries");
  gives_the_file("/chunked", "a chunked body without its end is resumed");
  gives_the_file("/no-ranges", "a server without ranges: what we have is read past");
  gives_the_file("/until-close", "a body without length ends with the connection");
  double before = progress_clock();
  gives_the_file("/busy", "503 is tried again");
  ok(progress_clock() - before >= 0.99, "not before Retry-After");
  gives_the_file("/silent", "a connection closed without an answer is tried again");
  gives_the_file("/once", "a redirect is followed");

  fails_with("/changes", 0, "changed", 2, "a file that changes while it is read is an error");
  fails_with("/wrong-range", 0, "asked for", 2, "another range than asked for is an error");
  fails_with("/cut-at-once", 0, "broke at byte 400 of 3000000", 4, "hundred bytes a connection end after the retries");
  fails_with("/always-busy", 0, "HTTP status 503 from server 127.0.0.1; gave up after 4 tries", 4, "503 for ever ends after the retries");
  fails_with("/come-tomorrow", 0, "86400 seconds", 1, "Retry-After of a day is an error at once");
  fails_with("/nowhere", 0, "HTTP status 404 from server 127.0.0.1", 1, "404 is an error at once");
  fails_with("/forbidden", 0, "HTTP status 403", 1, "403 is final where it does not mean \"slower\"");
  fails_with("/loop", 0, "more than 5 redirects", 6, "a loop of redirects ends after five");
  fails_with("/to-disk", 0, "neither http nor https", 1, "a redirect to file:// is refused");

  struct buffer got = {0};
  struct err e;
  ok(fetch("/file", 1000, &got, NULL, &e) == 0 && got.len == SIZE - 1000 && memcmp(got.data, content + 1000, got.len) == 0, "reading from an offset");
  ok(fetch("/no-ranges", 2000000, &got, NULL, &e) == 0 && got.len == SIZE - 2000000 && memcmp(got.data, content + 2000000, got.len) == 0, "an offset without ranges, past a cut");
  ok(fetch("/file", SIZE, &got, NULL, &e) == 0 && got.len == 0, "an offset at the end gives nothing");
  fails_with("/file", SIZE + 1, "416", 1, "an offset past the end is an error");
  ok(missing, "and said to be missing");
  fails_with("/forbidden", 0, "HTTP status 403", 1, "what is forbidden");
  ok(!missing, "is not");
  gives_the_range("/file", 1000, 500000, 500000, "a range is what was asked for");
  ok(header_of("Range", value) && strcmp(value, "bytes=1000-500999") == 0, "and no more than it is asked for");
  gives_the_range("/file", 0, 100, 100, "a range from the start");
  gives_the_range("/cut", 1000, 2000000, 2000000, "a range that breaks is resumed");
  ok(header_of("Range", value) && strcmp(value, "bytes=1235567-2000999") == 0, "to its end, not the file's");
  gives_the_range("/no-ranges", 1000, 5000, 5000, "a range of a server without ranges is cut out of the file");
  gives_the_range("/too-much", 1000, 5000, 5000, "what a server sends beyond the range is not read");
  gives_the_range("/file", SIZE - 100, 5000, 100, "a range past the end gives what is there");
  ok(fetch("/empty", 0, &got, NULL, &e) == 0 && got.len == 0, "an empty file is empty");
  buffer_release(&got);

  struct url *u = NULL;
  ok(url_open(&u, "file:///etc/hostname", 0, 0, NULL, &e) == -1 && !u, "file:// is not opened");
  ok(url_open(&u, "http://", 0, 0, NULL, &e) == -1 && strstr(e.message, "not a URL"), "an address without host is an error");
  setenv("CRAWL2LM_URL_RETRIES", "0", 1);
  ok(url_open(&u, "http://127.0.0.1:1/x", 0, 0, NULL, &e) == -1 && strstr(e.message, "127.0.0.1") && !strstr(e.message, "gave up"), "a refused connection names the server");
  ok(url_open(&u, address_of("/file"), 0, 0, NULL, &e) == 0, "a transfer can be opened");
  url_close(u);
  ok(true, "and closed half-way");
  close(listener);
  return tap_done();
}
