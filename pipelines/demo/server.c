/* SPDX-License-Identifier: MIT
 *
 * A small web server for the demo's crawl: serves the folders of DIR as virtual hosts on the loopback interface for
 * as long as COMMAND runs, then exits with its status.
 *
 *     server DIR COMMAND [ARGUMENT...]          http://HOST/PATH is the file DIR/HOST/PATH
 *
 * COMMAND finds the server in its environment as `http_proxy`, which is why a crawler can ask for stable URLs
 * (http://postgresql.test/) although the port is whatever the kernel had free: a request for a proxy names the whole
 * URL (RFC 9112, 3.2.2).  Origin-form requests with a Host header work too.
 *
 * GET and HEAD over persistent connections, a thread each.  A folder is its index.html, else a listing of it.
 * A charset is sent only where the name says one (page.html.ja.utf8, as Apache's mod_mime reads it) and for text/plain;
 * HTML pages otherwise speak for themselves with <meta>.  No path leaves its host's folder, not through `..`, its
 * escapes or a symbolic link: what realpath(3) answers is checked.
 *
 * Neither side survives the other: COMMAND is killed when the server dies, the server when its parent does.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16384, IDLE_SECONDS = 60, REPLY_HEAD_LIMIT = 2 * HEAD_LIMIT };

static char root[PATH_MAX]; /* of all hosts, resolved */

static void die(const char *what) {
  fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* ---- types by name */

static const struct { const char *suffix, *type; } types[] = {
  {"html", "text/html"}, {"htm", "text/html"}, {"xhtml", "application/xhtml+xml"}, {"css", "text/css"},
  {"js", "text/javascript"}, {"txt", "text/plain"}, {"xml", "application/xml"}, {"json", "application/json"},
  {"pdf", "application/pdf"}, {"png", "image/png"}, {"gif", "image/gif"}, {"jpg", "image/jpeg"},
  {"jpeg", "image/jpeg"}, {"svg", "image/svg+xml"}, {"ico", "image/x-icon"}, {"gz", "application/gzip"},
};
static const struct { const char *suffix, *charset; } charsets[] = {
  {"utf8", "utf-8"}, {"latin1", "iso-8859-1"}, {"iso8859-1", "iso-8859-1"}, {"euc-jp", "euc-jp"},
  {"euc-kr", "euc-kr"}, {"sjis", "shift_jis"}, {"koi8-r", "koi8-r"}, {"big5", "big5"}, {"gb2312", "gb2312"},
};

/* Every suffix counts, whatever its place: page.html.ja.utf8. */
static void content_type(const char *path, char *out, size_t size) {
  const char *type = "application/octet-stream", *charset = NULL, *name = strrchr(path, '/');
  for (const char *dot = strchr(name ? name : path, '.'); dot; dot = strchr(dot + 1, '.')) {
    const char *suffix = dot + 1;
    size_t length = strcspn(suffix, ".");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
      if (strlen(types[i].suffix) == length && !strncasecmp(suffix, types[i].suffix, length)) type = types[i].type;
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++)
      if (strlen(charsets[i].suffix) == length && !strncasecmp(suffix, charsets[i].suffix, length))
        charset = charsets[i].charset;
  }
  if (!charset && !strcmp(type, "text/plain")) charset = "utf-8";
  snprintf(out, size, charset ? "%s; charset=%s" : "%s", type, charset);
}

/* ---- replies */

struct reply {
  int socket;
  bool head_only, keep_alive;
};

static bool send_all(int socket, const void *data, size_t size) {
  for (const char *at = data; size > 0;) {
    ssize_t sent = send(socket, at, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    at += sent, size -= (size_t)sent;
  }
  return true;
}

static void http_date(time_t t, char out[32]) {
  struct tm tm;
  gmtime_r(&t, &tm);
  strftime(out, 32, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* `more` is header lines, each ended by CRLF.  False: the connection is over. */
static bool send_head(const struct reply *r, const char *status, const char *type, long long length, const char *more) {
  char head[REPLY_HEAD_LIMIT], date[32];
  http_date(time(NULL), date);
  int n = snprintf(head, sizeof head,
      "HTTP/1.1 %s\r\nDate: %s\r\nServer: crawl2lm-demo\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%sConnection: %s\r\n\r\n",
      status, date, type, length, more, r->keep_alive ? "keep-alive" : "close");
  return n > 0 && (size_t)n < sizeof head && send_all(r->socket, head, (size_t)n);
}

static bool send_page(const struct reply *r, const char *status, const char *more, const char *page, size_t size) {
  return send_head(r, status, "text/html; charset=utf-8", (long long)size, more) &&
         (r->head_only || send_all(r->socket, page, size));
}

static bool send_error(const struct reply *r, const char *status) {
  char page[256];
  int n = snprintf(page, sizeof page, "<!DOCTYPE html><title>%s</title><h1>%s</h1>\n", status, status);
  return send_page(r, status, "", page, (size_t)n);
}

static bool send_file(const struct reply *r, int fd, const struct stat *st, const char *path) {
  char type[128], modified[32], more[64];
  content_type(path, type, sizeof type);
  http_date(st->st_mtime, modified);
  snprintf(more, sizeof more, "Last-Modified: %s\r\n", modified);
  if (!send_head(r, "200 OK", type, st->st_size, more)) return false;
  for (off_t at = 0; !r->head_only && at < st->st_size;) {
    ssize_t sent = sendfile(r->socket, fd, &at, (size_t)(st->st_size - at));
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent <= 0) return false; /* promised more than the file holds now: only closing is honest */
  }
  return true;
}

static void put_escaped(FILE *out, const char *s, bool url) {
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (url && !isalnum(c) && !strchr("-._~", c)) fprintf(out, "%%%02X", c);
    else if (!url && strchr("<>&\"", c)) fprintf(out, "&#%d;", c);
    else putc(c, out);
  }
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static bool send_listing(const struct reply *r, const char *folder, const char *title) {
  struct dirent **entries;
  int count = scandir(folder, &entries, visible, alphasort);
  if (count < 0) return send_error(r, "403 Forbidden");
  char *page = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&page, &size);
  if (!out) die("memory");
  fputs("<!DOCTYPE html>\n<html><head><title>Index of ", out);
  put_escaped(out, title, false);
  fputs("</title></head><body><ul>\n", out);
  for (int i = 0; i < count; i++) {
    char path[PATH_MAX + 256];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    const char *slash = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? "/" : "";
    fputs("<li><a href=\"", out);
    put_escaped(out, entries[i]->d_name, true);
    fprintf(out, "%s\">", slash);
    put_escaped(out, entries[i]->d_name, false);
    fprintf(out, "%s</a>\n", slash);
    free(entries[i]);
  }
  free(entries);
  fputs("</ul></body></html>\n", out);
  if (fclose(out)) die("memory");
  bool alive = send_page(r, "200 OK", "", page, size);
  free(page);
  return alive;
}

/* ---- requests */

/* Percent-decodes in place and cuts query and fragment; false for a broken escape or a NUL. */
static bool decode_path(char *path) {
  path[strcspn(path, "?#")] = '\0';
  char *to = path;
  for (const char *from = path; *from; from++) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    if (!isxdigit((unsigned char)from[1]) || !isxdigit((unsigned char)from[2])) return false;
    char digits[3] = {from[1], from[2], 0};
    char c = (char)strtol(digits, NULL, 16);
    if (!c) return false;
    *to++ = c;
    from += 2;
  }
  *to = '\0';
  return true;
}

static bool valid_host(const char *host) {
  return *host && *host != '.' && host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

static bool inside(const char *path, const char *folder) {
  size_t n = strlen(folder);
  return !strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0');
}

/* `target` as sent, `path` decoded. */
static bool serve(const struct reply *r, const char *host, const char *target, const char *path) {
  char home[PATH_MAX], asked[2 * PATH_MAX + 1], found[PATH_MAX];
  if (snprintf(home, sizeof home, "%s/%s", root, host) >= (int)sizeof home) return send_error(r, "414 URI Too Long");
  if (snprintf(asked, sizeof asked, "%s%s", home, path) >= PATH_MAX) return send_error(r, "414 URI Too Long");
  if (!realpath(asked, found) || !inside(found, home)) return send_error(r, "404 Not Found");
  struct stat st;
  if (stat(found, &st)) return send_error(r, "404 Not Found");
  bool slash = path[strlen(path) - 1] == '/';
  if (S_ISDIR(st.st_mode)) {
    if (!slash) { /* relative links in the page need it */
      char more[HEAD_LIMIT + 16];
      snprintf(more, sizeof more, "Location: %.*s/\r\n", (int)strcspn(target, "?#"), target);
      return send_page(r, "301 Moved Permanently", more, "", 0);
    }
    if (strlen(found) + sizeof "/index.html" > sizeof found) return send_error(r, "414 URI Too Long");
    char index[PATH_MAX], *end = found + strlen(found);
    strcpy(end, "/index.html");
    bool has_index = realpath(found, index) && inside(index, home) && !stat(index, &st) && S_ISREG(st.st_mode);
    *end = '\0';
    if (!has_index) return send_listing(r, found, path);
    strcpy(found, index);
  } else if (slash) {
    return send_error(r, "404 Not Found");
  }
  int fd = S_ISREG(st.st_mode) ? open(found, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || fstat(fd, &st)) {
    if (fd >= 0) close(fd);
    return send_error(r, "403 Forbidden");
  }
  bool alive = send_file(r, fd, &st, path[strlen(path) - 1] == '/' ? "/index.html" : path);
  close(fd);
  return alive;
}

/* The value of a header field, without the spaces around it, or NULL; `head` is lines ended by CRLF. */
static const char *header(const char *head, const char *name, char *out, size_t size) {
  size_t n = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
    const char *field = line + 2;
    if (strncasecmp(field, name, n) || field[n] != ':') continue;
    field += n + 1;
    field += strspn(field, " \t");
    size_t length = strcspn(field, "\r");
    while (length && (field[length - 1] == ' ' || field[length - 1] == '\t')) length--;
    if (length >= size) return NULL;
    memcpy(out, field, length);
    out[length] = '\0';
    return out;
  }
  return NULL;
}

/* One request whose head is complete.  False: the connection is over. */
static bool answer(struct reply *r, char *head) {
  char method[16], target[HEAD_LIMIT], host[256], value[256];
  int minor;
  r->head_only = false;
  r->keep_alive = false;
  if (sscanf(head, "%15[A-Z] %16383[^ \r\n] HTTP/1.%d", method, target, &minor) != 3) {
    send_error(r, "400 Bad Request");
    return false;
  }
  /* a body would be read as the next request */
  bool body = header(head, "Transfer-Encoding", value, sizeof value) ||
              (header(head, "Content-Length", value, sizeof value) && strcmp(value, "0"));
  const char *connection = header(head, "Connection", value, sizeof value);
  r->keep_alive = !body && (minor >= 1 ? !connection || strcasecmp(connection, "close")
                                       : connection && !strcasecmp(connection, "keep-alive"));
  r->head_only = !strcmp(method, "HEAD");
  if (!r->head_only && strcmp(method, "GET")) {
    bool alive = send_page(r, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "", 0);
    return alive && r->keep_alive;
  }
  const char *path = target;
  if (!strncasecmp(target, "http://", 7)) {
    size_t n = strcspn(target + 7, "/?#");
    snprintf(host, sizeof host, "%.*s", (int)n, target + 7);
    path = target + 7 + n;
  } else if (!header(head, "Host", host, sizeof host)) {
    *host = '\0';
  }
  host[strcspn(host, ":")] = '\0';
  for (char *c = host; *c; c++) *c = (char)tolower((unsigned char)*c);
  char decoded[HEAD_LIMIT];
  snprintf(decoded, sizeof decoded, "%s", *path ? path : "/");
  if (!valid_host(host) || *decoded != '/' || !decode_path(decoded)) return send_error(r, "400 Bad Request") && r->keep_alive;
  return serve(r, host, target, decoded) && r->keep_alive;
}

static void *connection(void *argument) {
  struct reply r = {.socket = (int)(intptr_t)argument};
  struct timeval idle = {.tv_sec = IDLE_SECONDS};
  setsockopt(r.socket, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof idle);
  setsockopt(r.socket, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof idle);
  setsockopt(r.socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  char buffer[HEAD_LIMIT + 1];
  size_t have = 0;
  for (bool alive = true; alive;) {
    buffer[have] = '\0';
    char *end = strstr(buffer, "\r\n\r\n");
    if (!end) {
      if (have == HEAD_LIMIT) {
        r.keep_alive = false;
        send_error(&r, "431 Request Header Fields Too Large");
        break;
      }
      ssize_t n = recv(r.socket, buffer + have, HEAD_LIMIT - have, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0 || memchr(buffer + have, '\0', (size_t)n)) break;
      have += (size_t)n;
      continue;
    }
    size_t used = (size_t)(end + 4 - buffer);
    end[2] = '\0'; /* the head's last line keeps its CRLF */
    alive = answer(&r, buffer);
    memmove(buffer, buffer + used, have - used);
    have -= used;
  }
  /* what the client still sends is read, or the kernel would reset the connection and lose the end of the reply */
  shutdown(r.socket, SHUT_WR);
  for (int i = 0; i < 64 && recv(r.socket, buffer, HEAD_LIMIT, 0) > 0; i++) continue;
  close(r.socket);
  return NULL;
}

static void *accept_connections(void *argument) {
  int listener = (int)(intptr_t)argument;
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  for (;;) {
    int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pthread_t thread;
    if (socket >= 0 && pthread_create(&thread, &detached, connection, (void *)(intptr_t)socket)) close(socket);
    if (socket < 0) usleep(10000); /* out of descriptors: some connection will end */
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: server DIR COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) return 1;
  if (!realpath(argv[1], root)) die(argv[1]);

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 128) ||
      getsockname(listener, (struct sockaddr *)&address, &length))
    die("loopback socket");
  char proxy[64];
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d/", ntohs(address.sin_port));

  pid_t self = getpid(), child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(1);
    setenv("http_proxy", proxy, 1);
    unsetenv("no_proxy");
    execvp(argv[2], argv + 2);
    fprintf(stderr, "server: %s: %s\n", argv[2], strerror(errno));
    _exit(127);
  }
  pthread_t thread;
  if (pthread_create(&thread, NULL, accept_connections, (void *)(intptr_t)listener)) die("thread");
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) die("wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
