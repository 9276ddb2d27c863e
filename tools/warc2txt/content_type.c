/* SPDX-License-Identifier: MIT
 *
 * Tables of MIME types and magics; a scan to the root element of XML that needs no parser: it steps over the declaration,
 * comments, processing instructions and the document type.
 */
#include "tools/warc2txt/content_type.h"

enum { SNIFF_BYTES = 1024, ROOT_BYTES = 16384 };

static struct slice mime_of(struct slice field) {
  const char *semicolon = field.len ? memchr(field.data, ';', field.len) : NULL;
  if (semicolon) field.len = (size_t)(semicolon - field.data);
  return slice_trim(field);
}

enum content_type content_type_declared(struct slice field) {
  static const struct {
    const char *mime;
    enum content_type type;
  } known[] = {
    {"text/html", CONTENT_TYPE_HTML}, {"html", CONTENT_TYPE_HTML}, {"text/htm", CONTENT_TYPE_HTML},
    {"application/xhtml+xml", CONTENT_TYPE_XHTML}, {"application/vnd.wap.xhtml+xml", CONTENT_TYPE_XHTML},
    {"text/plain", CONTENT_TYPE_TEXT},
    {"application/pdf", CONTENT_TYPE_PDF}, {"application/x-pdf", CONTENT_TYPE_PDF}, {"text/pdf", CONTENT_TYPE_PDF},
    {"application/rss+xml", CONTENT_TYPE_FEED}, {"application/atom+xml", CONTENT_TYPE_FEED}, {"application/rdf+xml", CONTENT_TYPE_XML},
    {"text/rss+xml", CONTENT_TYPE_FEED}, {"application/x-rss+xml", CONTENT_TYPE_FEED}, {"text/rss", CONTENT_TYPE_FEED},
    {"text/xml", CONTENT_TYPE_XML}, {"application/xml", CONTENT_TYPE_XML},
    {"application/octet-stream", CONTENT_TYPE_UNKNOWN}, {"binary/octet-stream", CONTENT_TYPE_UNKNOWN}, {"unknown/unknown", CONTENT_TYPE_UNKNOWN},
    {"application/unknown", CONTENT_TYPE_UNKNOWN}, {"application/x-unknown-content-type", CONTENT_TYPE_UNKNOWN}, {"httpd/unix-directory", CONTENT_TYPE_UNKNOWN},
    {"no-type", CONTENT_TYPE_UNKNOWN}, {"unk", CONTENT_TYPE_UNKNOWN}, {"*/*", CONTENT_TYPE_UNKNOWN}, {"text", CONTENT_TYPE_UNKNOWN},
    {"application/force-download", CONTENT_TYPE_UNKNOWN}, {"application/x-download", CONTENT_TYPE_UNKNOWN}, {"application/download", CONTENT_TYPE_UNKNOWN},
  };
  struct slice mime = mime_of(field);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (slice_equal_nocase(mime, slice_of(known[i].mime))) return known[i].type;
  return mime.len && memchr(mime.data, '/', mime.len) ? CONTENT_TYPE_OTHER : CONTENT_TYPE_UNKNOWN;
}

bool content_type_possible(enum content_type declared, enum content_type wanted) {
  if (declared == wanted || declared == CONTENT_TYPE_UNKNOWN) return true;
  switch (wanted) {
    case CONTENT_TYPE_PDF: return declared != CONTENT_TYPE_OTHER;
    case CONTENT_TYPE_HTML:
    case CONTENT_TYPE_XHTML: return declared == CONTENT_TYPE_XML || declared == CONTENT_TYPE_HTML || declared == CONTENT_TYPE_XHTML || declared == CONTENT_TYPE_FEED;
    case CONTENT_TYPE_FEED:
    case CONTENT_TYPE_SITEMAP: return declared == CONTENT_TYPE_XML || declared == CONTENT_TYPE_HTML || declared == CONTENT_TYPE_FEED || declared == CONTENT_TYPE_XHTML;
    default: return false;
  }
}

static struct slice first_bytes(struct slice body, size_t n) { return (struct slice){body.data, body.len < n ? body.len : n}; }

/* The first bytes without mark and white space. */
static struct slice head_of(struct slice body, size_t n) {
  struct slice head = slice_trim(first_bytes(body, n));
  if (slice_starts(head, SLICE("\xEF\xBB\xBF"))) head = slice_trim((struct slice){head.data + 3, head.len - 3});
  return head;
}

bool content_type_is_pdf(struct slice body) { return slice_starts(head_of(body, SNIFF_BYTES), SLICE("%PDF-")); }

bool content_type_is_binary(struct slice body) {
  static const struct {
    size_t len;
    const char *magic;
  } magics[] = {{5, "%PDF-"}, {4, "\x89PNG"}, {3, "\xFF\xD8\xFF"}, {4, "GIF8"}, {4, "PK\3\4"}, {3, "\x1F\x8B\x08"}, {4, "OggS"}, {4, "RIFF"}, {3, "ID3"},
                {4, "wOFF"}, {4, "wOF2"}, {4, "\xD0\xCF\x11\xE0"}, {4, "Rar!"}, {4, "\x7F""ELF"}, {3, "FWS"}, {3, "CWS"}, {6, "7z\xBC\xAF\x27\x1C"},
                {4, "\x1A\x45\xDF\xA3"}, {4, "\xFD""7zX"}, {4, "\x28\xB5\x2F\xFD"}, {3, "BZh"}, {4, "\0\0\1\0"}, {4, "OTTO"}, {4, "fLaC"}, {4, "%!PS"}};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
    if (body.len >= magics[i].len && memcmp(body.data, magics[i].magic, magics[i].len) == 0) return true;
  return body.len >= 12 && memcmp(body.data + 4, "ftyp", 4) == 0;
}

bool content_type_has_controls(struct slice body) {
  size_t n = first_bytes(body, SNIFF_BYTES).len, controls = 0;
  if (n >= 2 && ((unsigned char)body.data[0] ^ (unsigned char)body.data[1]) == 1 && (unsigned char)body.data[0] >= 0xFE) return false; /* UTF-16 mark */
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)body.data[i];
    controls += c < 9 || (c > 13 && c < 32 && c != 27);
  }
  return controls * 20 > n;
}

/* A tag of that name starts here: the name ends there. */
static bool starts_tag(struct slice s, struct slice start) {
  if (!slice_starts_nocase(s, start)) return false;
  if (s.len == start.len) return true;
  char c = s.data[start.len];
  return c == '>' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '/';
}

bool content_type_is_html(struct slice body) {
  struct slice head = head_of(body, SNIFF_BYTES);
  static const char *const starts[] = {"<!doctype html", "<html", "<head", "<body", "<script", "<iframe", "<title", "<div", "<p", "<table", "<h1", "<meta",
                                       "<font", "<style", "<a", "<b", "<br", "<center", "<link"};
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
    if (starts_tag(head, slice_of(starts[i]))) return true;
  bool markup = slice_starts(head, SLICE("<?xml")) || slice_starts(head, SLICE("<!--"));
  return markup && slice_find_nocase(head, SLICE("<html")) != NULL;
}

/* Behind `end`, or empty. */
static struct slice behind(struct slice s, struct slice end) {
  const char *at = slice_find(s, end);
  if (!at) return (struct slice){s.data + s.len, 0};
  at += end.len;
  return (struct slice){at, s.len - (size_t)(at - s.data)};
}

enum content_type content_type_of_root(struct slice body) {
  struct slice s = head_of(body, ROOT_BYTES);
  for (;;) {
    if (slice_starts(s, SLICE("<?"))) {
      s = behind(s, SLICE("?>"));
    } else if (slice_starts(s, SLICE("<!--"))) {
      s = behind(s, SLICE("-->"));
    } else if (slice_starts(s, SLICE("<!"))) {
      const char *bracket = memchr(s.data, '[', s.len), *angle = memchr(s.data, '>', s.len);
      s = behind(s, bracket && (!angle || bracket < angle) ? SLICE("]>") : SLICE(">"));
    } else {
      break;
    }
    s = slice_trim(s);
  }
  if (s.len < 2 || s.data[0] != '<') return CONTENT_TYPE_UNKNOWN;
  size_t n = 1;
  struct slice name = {s.data + 1, 0};
  for (; n < s.len && s.data[n] != '>' && s.data[n] != '/' && s.data[n] != ' ' && s.data[n] != '\t' && s.data[n] != '\n' && s.data[n] != '\r'; n++)
    if (s.data[n] == ':') name.data = s.data + n + 1;
  name.len = (size_t)(s.data + n - name.data);
  if (slice_equal(name, SLICE("rss"))) return CONTENT_TYPE_FEED;
  if (slice_equal(name, SLICE("feed"))) return CONTENT_TYPE_FEED;
  if (slice_equal(name, SLICE("RDF")))
    return slice_find(s, SLICE("http://purl.org/rss/1.0/")) || slice_find(s, SLICE("http://my.netscape.com/rdf/simple/0.9/"))
             ? CONTENT_TYPE_FEED
             : CONTENT_TYPE_OTHER;
  if (slice_equal(name, SLICE("urlset")) || slice_equal(name, SLICE("sitemapindex"))) return CONTENT_TYPE_SITEMAP;
  if (slice_equal_nocase(name, SLICE("html"))) return CONTENT_TYPE_XHTML;
  return name.len && (((unsigned char)name.data[0] | 32) >= 'a' || name.data[0] == '_') ? CONTENT_TYPE_OTHER : CONTENT_TYPE_UNKNOWN;
}

enum content_type content_type_of(struct slice declared, struct slice identified, struct slice body) {
  enum content_type type = content_type_declared(declared), root;
  if (type == CONTENT_TYPE_UNKNOWN && identified.len) type = content_type_declared(identified);
  if (type == CONTENT_TYPE_OTHER) return type;
  if (content_type_is_pdf(body)) return CONTENT_TYPE_PDF;
  if (content_type_is_binary(body)) return CONTENT_TYPE_OTHER;
  switch (type) {
    case CONTENT_TYPE_TEXT: return content_type_has_controls(body) ? CONTENT_TYPE_OTHER : type;
    case CONTENT_TYPE_HTML: /* feeds that are sent as HTML */
      root = content_type_of_root(body);
      return root == CONTENT_TYPE_FEED || root == CONTENT_TYPE_SITEMAP ? root : type;
    case CONTENT_TYPE_XHTML: return type;
    case CONTENT_TYPE_FEED:
    case CONTENT_TYPE_XML:
    case CONTENT_TYPE_UNKNOWN:
      root = content_type_of_root(body);
      if (root == CONTENT_TYPE_XHTML && type == CONTENT_TYPE_UNKNOWN && !slice_starts(head_of(body, SNIFF_BYTES), SLICE("<?xml"))) return CONTENT_TYPE_HTML;
      if (root == CONTENT_TYPE_FEED || root == CONTENT_TYPE_SITEMAP || root == CONTENT_TYPE_XHTML) return root;
      return content_type_is_html(body) ? CONTENT_TYPE_HTML : CONTENT_TYPE_OTHER;
    default: return CONTENT_TYPE_OTHER; /* named a PDF, and is none */
  }
}
