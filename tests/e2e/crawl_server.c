/* SPDX-License-Identifier: MIT
 *
 * A web server on the loopback interface that misbehaves on demand, for the tests of pipelines/crawl.
 *
 *     crawl_server ROOT LOG          prints its port, then serves files below ROOT until it is killed or its parent ends
 *
 * What goes wrong stands at the front of the path, so that a test chooses it with the base URL; several may follow one
 * another.  GET /@busy:2/@drop:5000/a/b.warc.gz is the file ROOT/a/b.warc.gz with
 *
 *     @busy:N    503 and Retry-After: 1 for the first N requests of a path
 *     @drop:N    the first answer with a body ends after N bytes of it;  @drops:N every one
 *     @stall:N   after N bytes of every answer nothing more comes
 *     @slow:N    N bytes every 20 ms
 *     @whole:0   ranges are not known
 *     @more:N    Content-Length is N bytes more than the file has;  @less:N fewer
 *     @moved:S   status S, Location: the path without this
 *     @away:S    status S, Location: file:///etc/passwd
 *
 * LOG gets a line an answer, when it is over: `milliseconds path first status sent started`, first being
 * that of the range and started the milliseconds of its beginning.
 * A thread and a connection an answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum fault { BUSY, DROP, DROPS, STALL, SLOW, WHOLE, MORE, LESS, MOVED, AWAY, FAULTS };
static const char *const fault_names[FAULTS] = {"busy", "drop", "drops", "stall", "slow", "whole", "more", "less", "moved", "away"};

enum { HEAD = 8192, PIECE = 65536, SLOW_MICROSECONDS = 20000 };

static const char *root;
static int journal;

/* How often each path was asked for, and how often its file was begun. */
struct visits {
  struct visits *next;
  int requests, bodies;
  char path[];
};
static struct visits *all_visits;
static pthread_mutex_t visits_lock = PTHREAD_MUTEX_INITIALIZER;

static struct visits *visits_of(const char *path) { /* under the lock */
  for (struct visits *v = all_visits; v; v = v->next)
    if (strcmp(v->path, path) == 0) return v;
  struct visits *v = calloc(1, sizeof *v + strlen(path) + 1);
  if (!v) abort();
  strcpy(v->path, path);
  v->next = all_visits;
  return all_visits = v;
}

struct answer {
  int socket;
  char path[HEAD];        /* as asked for */
  const char *file;       /* the part of it behind the faults */
  const char *unmoved;    /* the part behind the first fault */
  long long value[FAULTS]; /* -1: not asked for */
  long long first, last;  /* of the range; 0 and LLONG_MAX without */
  int request, body;      /* numbers from 1 */
  int status;
  long long sent;
};

static bool parse_faults(struct answer *a) {
  for (int i = 0; i < FAULTS; i++) a->value[i] = -1;
  const char *at = a->path;
  while (strncmp(at, "/@", 2) == 0) {
    char name[16];
    long long n;
    int length = 0;
    if (sscanf(at, "/@%15[a-z]:%lld%n", name, &n, &length) != 2) return false;
    int fault = 0;
    while (fault < FAULTS && strcmp(fault_names[fault], name) != 0) fault++;
    if (fault == FAULTS) return false;
    a->value[fault] = n;
    at += length;
    if (!a->unmoved) a->unmoved = at;
  }
  a->file = at;
  return *at == '/' && !strstr(at, "..");
}

static bool gone(int socket) { /* the client closed its end */
  char byte;
  return recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool put(int socket, const char *data, size_t n) {
  while (n) {
    ssize_t sent = send(socket, data, n, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    n -= (size_t)sent;
  }
  return true;
}

static void reply(struct answer *a, int status, const char *headers, long long length) {
  char head[2 * HEAD + 512];
  a->status = status;
  int n = snprintf(head, sizeof head, "HTTP/1.1 %d Status\r\nConnection: close\r\nContent-Length: %lld\r\n%s\r\n", status, length, headers);
  put(a->socket, head, (size_t)n);
}

/* The file's bytes [a->first, size), as far as the faults let them come. */
static void send_body(struct answer *a, int fd, long long size) {
  const long long *f = a->value;
  long long end = size - a->first, stall = LLONG_MAX;
  if (f[LESS] >= 0 && end > size - f[LESS] - a->first) end = size - f[LESS] - a->first;
  if (f[DROPS] >= 0 && end > f[DROPS]) end = f[DROPS];
  if (f[DROP] >= 0 && a->body == 1 && end > f[DROP]) end = f[DROP];
  if (f[STALL] >= 0) stall = f[STALL];
  static _Thread_local char data[PIECE];
  while (a->sent < end && a->sent < stall) {
    long long n = end - a->sent < stall - a->sent ? end - a->sent : stall - a->sent;
    if (n > PIECE) n = PIECE;
    if (f[SLOW] > 0 && n > f[SLOW]) n = f[SLOW];
    ssize_t got = pread(fd, data, (size_t)n, a->first + a->sent);
    if (got <= 0 || gone(a->socket) || !put(a->socket, data, (size_t)got)) return;
    a->sent += got;
    if (f[SLOW] > 0) usleep(SLOW_MICROSECONDS);
  }
  struct pollfd leave = {a->socket, POLLIN | POLLRDHUP, 0};
  if (a->sent >= stall) poll(&leave, 1, -1);
}

static void serve(struct answer *a) {
  const long long *f = a->value;
  char headers[2 * HEAD];
  if (f[BUSY] >= a->request) return reply(a, 503, "Retry-After: 1\r\n", 0);
  if (f[MOVED] >= 0) {
    snprintf(headers, sizeof headers, "Location: %s\r\n", a->unmoved);
    return reply(a, (int)f[MOVED], headers, 0);
  }
  if (f[AWAY] >= 0) return reply(a, (int)f[AWAY], "Location: file:///etc/passwd\r\n", 0);
  char name[PATH_MAX];
  struct stat st;
  int fd = snprintf(name, sizeof name, "%s%s", root, a->file) < (int)sizeof name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    if (fd >= 0) close(fd);
    return reply(a, 404, "", 0);
  }
  long long size = st.st_size, wrong = (f[MORE] > 0 ? f[MORE] : 0) - (f[LESS] > 0 ? f[LESS] : 0);
  if (f[WHOLE] >= 0) a->first = 0, a->last = LLONG_MAX;
  if (a->first >= size && a->first > 0) {
    snprintf(headers, sizeof headers, "Content-Range: bytes */%lld\r\n", size);
    reply(a, 416, headers, 0);
  } else {
    pthread_mutex_lock(&visits_lock);
    a->body = ++visits_of(a->path)->bodies;
    pthread_mutex_unlock(&visits_lock);
    long long end = a->last < size ? a->last + 1 : size;
    bool part = a->first > 0 || end < size;
    snprintf(headers, sizeof headers, "Content-Range: bytes %lld-%lld/%lld\r\n", a->first, end - 1, size);
    reply(a, part ? 206 : 200, part ? headers : "", end - a->first + wrong);
    send_body(a, fd, end);
  }
  close(fd);
}

static long long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *connection(void *argument) {
  long long started = milliseconds();
  struct answer a = {.socket = (int)(intptr_t)argument, .last = LLONG_MAX};
  struct timeval patience = {.tv_sec = 20};
  setsockopt(a.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(a.socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  char head[HEAD] = "";
  size_t have = 0;
  while (have < sizeof head - 1 && !strstr(head, "\r\n\r\n")) {
    ssize_t n = recv(a.socket, head + have, sizeof head - 1 - have, 0);
    if (n <= 0) break;
    have += (size_t)n;
    head[have] = 0;
  }
  if (sscanf(head, "GET %8191s", a.path) == 1 && parse_faults(&a)) {
    const char *range = strcasestr(head, "\r\nRange: bytes=");
    if (range) sscanf(strchr(range, '='), "=%lld-%lld", &a.first, &a.last);
    pthread_mutex_lock(&visits_lock);
    a.request = ++visits_of(a.path)->requests;
    pthread_mutex_unlock(&visits_lock);
    serve(&a);
  } else if (have) reply(&a, 400, "", 0);
  if (have) dprintf(journal, "%lld\t%s\t%lld\t%d\t%lld\t%lld\n", milliseconds(), a.path, a.first, a.status, a.sent, started);
  shutdown(a.socket, SHUT_WR);
  for (int i = 0; i < 64 && recv(a.socket, head, sizeof head, 0) > 0; i++) continue; /* or the reply's end may be lost to a reset */
  close(a.socket);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: crawl_server ROOT LOG\n", stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  root = argv[1];
  journal = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (journal < 0 || listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64) ||
      getsockname(listener, (struct sockaddr *)&address, &length)) {
    fprintf(stderr, "crawl_server: %s\n", strerror(errno));
    return 1;
  }
  printf("%d\n", ntohs(address.sin_port));
  fclose(stdout);
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pthread_t thread;
    if (socket >= 0 && pthread_create(&thread, &detached, connection, (void *)(intptr_t)socket)) close(socket);
  }
}
