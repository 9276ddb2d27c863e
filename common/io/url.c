/* SPDX-License-Identifier: MIT
 *
 * url.h over libcurl's multi interface, driven by url_read(): no thread, one connection at a time.
 *
 * A transfer is a series of attempts.  Each asks for what is still missing (RFC 9110, section 14: Range: bytes=N-, with
 * If-Range so that a file that changed comes whole and is noticed).  The answer is judged once, at its first body byte
 * or its end:
 *
 *     206                  goes on at N; Content-Range, ETag and size must agree with what came before
 *     200                  the server knows no ranges: the first N bytes are read past
 *     416 with size N      we had everything
 *     408 425 429 500 502 503 504, 403 of Common Crawl   again later
 *     anything else        an error
 *
 * Waits double from CRAWL2LM_URL_BACKOFF (1 s) up to 5 minutes, half of each at random, so that many clients do not come
 * back together; Retry-After is a lower bound.  Common Crawl answers 403 and 503 to clients that are too fast
 * (https://commoncrawl.org/get-started, "be nice"): those waits start four times as long.  64 KiB of new bytes count as
 * progress and start the series of retries anew.
 *
 * With a length only those bytes are asked for (bytes=N-M); what a server sends beyond them is not read.  A closed stream
 * leaves its connection to the next one, so that many ranges of one server need one connection.
 *
 * At most 1 MiB is buffered: then the transfer is paused and TCP slows the server down.  HTTP/1.1 only, because an
 * HTTP/2 window would hold tens of megabytes more.
 */
#include "common/io/url.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/io/curl_library.h"
#include "common/io/program.h"

enum {
  REDIRECTS = 5,
  BUFFERED = 1 << 20,
  PROGRESS = 1 << 16,           /* new bytes after which failures are counted from 0 again */
  UNREACHED_RETRIES = 3,        /* of a host that never answered: more likely a typing error than an overload */
  CONNECT_SECONDS = 30,
  STALL_SECONDS = 60,           /* under STALL_SPEED bytes/s for so long: the connection is given up */
  STALL_SPEED = 64,
  WAIT_MAX = 300,
  RETRY_AFTER_MAX = 600,        /* a server that asks for more is an error the user should see */
};

enum verdict { VERDICT_NONE, VERDICT_DATA, VERDICT_END, VERDICT_RETRY, VERDICT_FAIL };

struct url {
  char *address, *host;
  CURLM *multi;
  CURL *easy;
  struct curl_slist *headers;
  char curl_message[CURL_ERROR_SIZE];

  struct buffer buffer;    /* bytes [taken, len) wait for url_read() */
  size_t taken;
  int64_t position;        /* of the next byte to come, in the whole file */
  int64_t stop;            /* where the range ends in the file, -1: at its end */
  int64_t size;            /* of the whole file, -1 unknown */
  char *etag, *modified;   /* of the first good answer */
  bool answered;           /* a good answer came: etag, modified and size are set */

  /* the current attempt */
  bool active, paused;
  enum verdict verdict;
  long status;
  int64_t skip;            /* bytes of a 200 that we already have */
  int64_t range_first, range_size, length;
  char *new_etag, *new_modified;

  int failures;            /* since the last progress */
  int64_t progress_from;   /* position at that time */
  int retries, stall;
  double backoff;
  struct rng rng;
  bool ended, failed, missing;
  struct err failure;
};

/* The handles of the stream that was closed last, with its connection. */
static struct {
  pthread_mutex_t lock;
  CURLM *multi;
  CURL *easy;
} idle = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic int interrupt_fd = -1;
void url_interrupt(int fd) { interrupt_fd = fd; }

static bool interrupted(void) {
  struct pollfd p = {.fd = interrupt_fd, .events = POLLIN};
  return poll(&p, 1, 0) > 0;
}

bool url_is(const char *name) { return strncasecmp(name, "http://", 7) == 0 || strncasecmp(name, "https://", 8) == 0; }

/* ---- one attempt: headers */

static void replace(char **to, struct slice value) {
  free(*to);
  *to = value.len ? COPY(value.data, value.len) : NULL;
}

static int64_t parse_int(struct slice s) {
  int64_t n = 0;
  if (!s.len) return -1;
  for (size_t i = 0; i < s.len; i++) {
    if (s.data[i] < '0' || s.data[i] > '9' || n > (INT64_MAX - 9) / 10) return -1;
    n = n * 10 + (s.data[i] - '0');
  }
  return n;
}

/* Content-Range: bytes 10-99/100 | bytes 10-99/STAR | bytes STAR/100, STAR being an asterisk */
static void parse_content_range(struct url *u, struct slice s) {
  if (!slice_starts_nocase(s, SLICE("bytes"))) return;
  s = slice_trim((struct slice){s.data + 5, s.len - 5});
  const char *slash = memchr(s.data, '/', s.len);
  if (!slash) return;
  struct slice range = {s.data, (size_t)(slash - s.data)};
  u->range_size = parse_int((struct slice){slash + 1, s.len - range.len - 1});
  const char *dash = memchr(range.data, '-', range.len);
  if (dash) u->range_first = parse_int((struct slice){range.data, (size_t)(dash - range.data)});
}

static size_t on_header(char *data, size_t size, size_t count, void *context) {
  struct url *u = context;
  struct slice line = {data, size * count};
  if (slice_starts_nocase(line, SLICE("HTTP/"))) { /* a new answer: after a redirect or a 1xx */
    u->range_first = u->range_size = u->length = -1;
    replace(&u->new_etag, (struct slice){0});
    replace(&u->new_modified, (struct slice){0});
    return line.len;
  }
  const char *colon = memchr(line.data, ':', line.len);
  if (!colon) return line.len;
  struct slice name = {line.data, (size_t)(colon - line.data)};
  struct slice value = slice_trim((struct slice){colon + 1, line.len - name.len - 1});
  if (slice_equal_nocase(name, SLICE("ETag"))) replace(&u->new_etag, value);
  else if (slice_equal_nocase(name, SLICE("Last-Modified"))) replace(&u->new_modified, value);
  else if (slice_equal_nocase(name, SLICE("Content-Length"))) u->length = parse_int(value);
  else if (slice_equal_nocase(name, SLICE("Content-Range"))) parse_content_range(u, value);
  return line.len;
}

/* ---- one attempt: the verdict */

static enum verdict fail(struct url *u) {
  u->failed = true;
  return VERDICT_FAIL;
}

static bool differs(const char *a, const char *b) { return a && b && strcmp(a, b) != 0; }

static enum verdict judge_data(struct url *u) {
  int64_t size = u->status == 206 ? u->range_size : u->length;
  if (u->status == 206 && u->range_first != u->position) {
    err_set(&u->failure, "server %s sent bytes from %" PRId64 " when asked for %" PRId64, u->host, u->range_first, u->position);
    return fail(u);
  }
  if (u->answered && (differs(u->etag, u->new_etag) || (!u->etag && differs(u->modified, u->new_modified)) ||
                      (size >= 0 && u->size >= 0 && size != u->size))) {
    err_set(&u->failure, "the file changed on server %s while it was being read; start again", u->host);
    return fail(u);
  }
  if (!u->answered) {
    u->answered = true;
    if (u->new_etag) u->etag = STRDUP(u->new_etag);
    if (u->new_modified) u->modified = STRDUP(u->new_modified);
  }
  if (u->size < 0) u->size = size;
  u->skip = u->status == 206 ? 0 : u->position;
  return VERDICT_DATA;
}

static bool common_crawl(const struct url *u) {
  static const char domain[] = "commoncrawl.org";
  size_t n = strlen(u->host), m = sizeof domain - 1;
  return n >= m && strcasecmp(u->host + n - m, domain) == 0 && (n == m || u->host[n - m - 1] == '.');
}

static enum verdict judge(struct url *u) {
  curl.easy_getinfo(u->easy, CURLINFO_RESPONSE_CODE, &u->status);
  switch (u->status) {
    case 200: case 206: return judge_data(u);
    case 416:
      if (u->range_size == u->position) {
        u->size = u->range_size;
        return VERDICT_END;
      }
      break;
    case 403:
      if (!common_crawl(u)) break; /* fall through */
    case 408: case 425: case 429: case 500: case 502: case 503: case 504:
      err_set(&u->failure, "HTTP status %ld from server %s", u->status, u->host);
      return VERDICT_RETRY;
  }
  err_set(&u->failure, "HTTP status %ld from server %s", u->status, u->host);
  u->missing = u->status == 404 || u->status == 410 || u->status == 416;
  return fail(u);
}

static bool complete(const struct url *u) { return u->stop >= 0 && u->position >= u->stop; }

static size_t on_body(char *data, size_t size, size_t count, void *context) {
  struct url *u = context;
  size_t n = size * count;
  if (u->verdict == VERDICT_NONE) u->verdict = judge(u);
  if (u->verdict != VERDICT_DATA || complete(u)) return 0; /* ends the attempt: nobody reads error pages, or past the range */
  if (u->buffer.len - u->taken >= BUFFERED) {
    u->paused = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  size_t cut = (uint64_t)u->skip < n ? (size_t)u->skip : n;
  u->skip -= (int64_t)cut;
  size_t take = n - cut;
  if (u->stop >= 0 && (uint64_t)(u->stop - u->position) < take) take = (size_t)(u->stop - u->position);
  u->position += (int64_t)take;
  buffer_append(&u->buffer, data + cut, take);
  return n;
}

/* ---- attempts */

static void attempt_start(struct url *u) {
  u->verdict = VERDICT_NONE;
  u->paused = false;
  u->status = 0;
  u->curl_message[0] = 0;
  u->range_first = u->range_size = u->length = -1;
  curl.slist_free_all(u->headers);
  u->headers = NULL;
  if (u->position > 0 || u->stop >= 0) {
    char range[64];
    if (u->stop >= 0) snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, u->position, u->stop - 1);
    else snprintf(range, sizeof range, "%" PRId64 "-", u->position);
    curl.easy_setopt(u->easy, CURLOPT_RANGE, range);
    /* A weak ETag may stand for different bytes: RFC 9110, 13.1.5 forbids it here. */
    const char *validator = u->etag ? (strncmp(u->etag, "W/", 2) == 0 ? NULL : u->etag) : u->modified;
    if (validator) {
      struct buffer line = {0};
      buffer_printf(&line, "If-Range: %s", validator);
      u->headers = curl.slist_append(NULL, buffer_string(&line));
      buffer_release(&line);
    }
  }
  curl.easy_setopt(u->easy, CURLOPT_HTTPHEADER, u->headers);
  curl.multi_add_handle(u->multi, u->easy);
  u->active = true;
}

static void wait_seconds(double seconds) {
  struct pollfd p = {.fd = interrupt_fd, .events = POLLIN};
  for (double end = progress_clock() + seconds, left; (left = end - progress_clock()) > 0 && poll(&p, 1, (int)(left * 1000) + 1) <= 0;) {}
}

/* u->failure says what went wrong.  Waits, or gives up. */
static void attempt_again(struct url *u, int retries) {
  if (u->position - u->progress_from >= PROGRESS) u->failures = 0;
  u->progress_from = u->position;
  if (u->failures >= retries) {
    if (u->failures) {
      struct err why = u->failure;
      err_set(&u->failure, "%s; gave up after %d tries", why.message, u->failures + 1);
    }
    u->failed = true;
    return;
  }
  bool throttled = u->status == 403 || u->status == 429 || u->status == 503;
  double wait = u->backoff * (throttled && common_crawl(u) ? 4 : 1);
  for (int i = 0; i < u->failures && wait < WAIT_MAX; i++) wait *= 2;
  if (wait > WAIT_MAX) wait = WAIT_MAX;
  wait = wait / 2 + wait / 2 * rng_double(&u->rng);
  curl_off_t after = 0;
  if (u->status >= 400) curl.easy_getinfo(u->easy, CURLINFO_RETRY_AFTER, &after);
  if (after > RETRY_AFTER_MAX) {
    struct err why = u->failure;
    err_set(&u->failure, "%s, which asks to come back in %lld seconds", why.message, (long long)after);
    u->failed = true;
    return;
  }
  if (wait < (double)after) wait = (double)after;
  u->failures++;
  wait_seconds(wait);
}

static void attempt_end(struct url *u, CURLcode code) {
  curl.multi_remove_handle(u->multi, u->easy);
  u->active = false;
  if (code == CURLE_OK && u->verdict == VERDICT_NONE) u->verdict = judge(u);
  if (u->verdict == VERDICT_DATA && complete(u)) {
    u->ended = true;
    return;
  }
  const char *why = u->curl_message[0] ? u->curl_message : curl.easy_strerror(code);
  switch (u->verdict) {
    case VERDICT_FAIL: return;
    case VERDICT_END: u->ended = true; return;
    case VERDICT_RETRY: attempt_again(u, u->retries); return;
    case VERDICT_NONE: case VERDICT_DATA: break;
  }
  switch (code) {
    case CURLE_OK:
      if (u->size >= 0 && u->position < u->size) break; /* closed early */
      if (u->skip > 0) {
        err_set(&u->failure, "the file on server %s is shorter than byte %" PRId64, u->host, u->position);
        u->failed = true;
        return;
      }
      u->size = u->position;
      u->ended = true;
      return;
    case CURLE_TOO_MANY_REDIRECTS:
      err_set(&u->failure, "more than %d redirects from server %s", REDIRECTS, u->host);
      u->failed = true;
      return;
    case CURLE_UNSUPPORTED_PROTOCOL:
      err_set(&u->failure, "server %s redirects to something that is neither http nor https", u->host);
      u->failed = true;
      return;
    case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_RESOLVE_PROXY: case CURLE_COULDNT_CONNECT: case CURLE_SSL_CONNECT_ERROR:
    case CURLE_OPERATION_TIMEDOUT: case CURLE_PARTIAL_FILE: case CURLE_RECV_ERROR: case CURLE_SEND_ERROR: case CURLE_GOT_NOTHING:
      break;
    default:
      err_set(&u->failure, "cannot read from server %s: %s", u->host, why);
      u->failed = true;
      return;
  }
  if (u->answered && u->size >= 0)
    err_set(&u->failure, "connection to server %s broke at byte %" PRId64 " of %" PRId64 ": %s", u->host, u->position, u->size, why);
  else err_set(&u->failure, "cannot read from server %s: %s", u->host, why);
  bool reached = u->answered || u->status || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
  attempt_again(u, reached || u->retries < UNREACHED_RETRIES ? u->retries : UNREACHED_RETRIES);
}

/* Goes on until bytes, the end or a failure are there. */
static int advance(struct url *u, struct err *e) {
  while (u->buffer.len == u->taken && !u->ended && !u->failed) {
    if (interrupted()) return err_set(e, "interrupted");
    if (complete(u) && u->skip == 0 && u->status != 206) { /* the rest of a whole file is not waited for */
      u->ended = true;
      break;
    }
    if (!u->active) attempt_start(u);
    if (u->paused) {
      u->paused = false;
      curl.easy_pause(u->easy, CURLPAUSE_CONT);
    }
    int running = 0, left = 0;
    CURLMcode code = curl.multi_perform(u->multi, &running);
    for (CURLMsg *m; (m = curl.multi_info_read(u->multi, &left));)
      if (m->msg == CURLMSG_DONE) attempt_end(u, m->data.result);
    if (code == CURLM_OK && u->active && u->buffer.len == u->taken) {
      struct curl_waitfd extra = {.fd = interrupt_fd, .events = CURL_WAIT_POLLIN};
      code = curl.multi_poll(u->multi, &extra, extra.fd >= 0, 1000, NULL);
    }
    if (code != CURLM_OK) return err_set(e, "libcurl: %s", curl.multi_strerror(code));
  }
  if (u->buffer.len == u->taken && u->failed) {
    *e = u->failure;
    return -1;
  }
  return 0;
}

/* ---- the interface */

static int host_of(const char *address, char **host, struct err *e) {
  CURLU *parts = curl.url();
  char *name = NULL;
  CURLUcode code = curl.url_set(parts, CURLUPART_URL, address, 0);
  if (code == CURLUE_OK) code = curl.url_get(parts, CURLUPART_HOST, &name, 0);
  if (code == CURLUE_OK) *host = STRDUP(name);
  curl.free(name);
  curl.url_cleanup(parts);
  return code == CURLUE_OK ? 0 : err_set(e, "not a URL: %s", curl.url_strerror(code));
}

static void settings_from_environment(struct url *u) {
  const char *text;
  int64_t n;
  double x;
  u->retries = 8;
  u->backoff = 1;
  u->stall = STALL_SECONDS;
  if ((text = getenv("CRAWL2LM_URL_RETRIES")) && number_int(text, 0, 1000, &n) == 0) u->retries = (int)n;
  if ((text = getenv("CRAWL2LM_URL_BACKOFF")) && number_double(text, &x) == 0 && x >= 0) u->backoff = x;
  if ((text = getenv("CRAWL2LM_URL_TIMEOUT")) && number_int(text, 1, 86400, &n) == 0) u->stall = (int)n;
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  rng_init(&u->rng, (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 30 ^ (uint64_t)(uintptr_t)u);
}

static void configure(struct url *u) {
  CURL *c = u->easy;
  curl.easy_setopt(c, CURLOPT_URL, u->address);
#if LIBCURL_VERSION_NUM >= 0x075500
  curl.easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl.easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl.easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  curl.easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl.easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
  curl.easy_setopt(c, CURLOPT_USERAGENT, "crawl2lm/" CRAWL2LM_VERSION);
  curl.easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl.easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
  curl.easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)u->stall);
  curl.easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_SPEED);
  curl.easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
  curl.easy_setopt(c, CURLOPT_NOSIGNAL, 1L); /* threads: no SIGALRM for name look-ups */
  curl.easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl.easy_setopt(c, CURLOPT_ERRORBUFFER, u->curl_message);
  curl.easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl.easy_setopt(c, CURLOPT_HEADERDATA, u);
  curl.easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
  curl.easy_setopt(c, CURLOPT_WRITEDATA, u);
}

int url_open(struct url **out, const char *address, int64_t from, int64_t length, bool *missing, struct err *e) {
  *out = NULL;
  if (!url_is(address)) return err_set(e, "not an http or https URL");
  if (curl_library_open(e) != 0) return -1;
  struct url *u = NEW(struct url);
  u->address = STRDUP(address);
  u->position = u->progress_from = from;
  u->size = -1;
  u->stop = length > 0 && from <= INT64_MAX - length ? from + length : -1;
  pthread_mutex_lock(&idle.lock);
  u->multi = idle.multi, u->easy = idle.easy;
  idle.multi = NULL, idle.easy = NULL;
  pthread_mutex_unlock(&idle.lock);
  if (!u->multi) {
    u->multi = curl.multi_init();
    u->easy = curl.easy_init();
  }
  int status = -1;
  if (!u->multi || !u->easy) err_set(e, "libcurl does not start");
  else if (host_of(address, &u->host, e) == 0) {
    curl.multi_setopt(u->multi, CURLMOPT_MAXCONNECTS, 2L);
    settings_from_environment(u);
    configure(u);
    status = advance(u, e);
  }
  if (missing) *missing = u->missing;
  if (status == 0) *out = u;
  else url_close(u);
  return status;
}

ssize_t url_read(struct url *u, void *data, size_t n, struct err *e) {
  if (advance(u, e) != 0) return -1;
  size_t have = u->buffer.len - u->taken;
  if (n > have) n = have;
  if (n) memcpy(data, u->buffer.data + u->taken, n);
  u->taken += n;
  if (u->taken == u->buffer.len) u->taken = u->buffer.len = 0;
  return (ssize_t)n;
}

int64_t url_size(const struct url *u) { return u->size; }

void url_close(struct url *u) {
  if (!u) return;
  if (u->active) curl.multi_remove_handle(u->multi, u->easy);
  CURLM *multi = u->multi;
  CURL *easy = u->easy;
  if (multi && easy) {
    curl.easy_reset(easy);
    pthread_mutex_lock(&idle.lock);
    if (!idle.multi) {
      idle.multi = multi, idle.easy = easy;
      multi = NULL, easy = NULL;
    }
    pthread_mutex_unlock(&idle.lock);
  }
  if (easy) curl.easy_cleanup(easy);
  if (multi) curl.multi_cleanup(multi);
  curl.slist_free_all(u->headers);
  buffer_release(&u->buffer);
  free(u->etag), free(u->modified), free(u->new_etag), free(u->new_modified);
  free(u->address), free(u->host), free(u);
}
