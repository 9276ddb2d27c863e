/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/content_type.h"

#include "tests/tap.h"

#define XHTML_ROOT "<html xmlns=\"http://www.w3.org/1999/xhtml\">"

static void of(const char *declared, const char *identified, struct slice body, enum content_type want, const char *name) {
  ok_int(content_type_of(slice_of(declared), slice_of(identified), body), want, name);
}

int main(void) {
  of("text/html; charset=utf-8", "", SLICE("hello"), CONTENT_TYPE_HTML, "text/html is HTML, parameters ignored");
  of(" TEXT/HTML ", "", SLICE("<p>"), CONTENT_TYPE_HTML, "case and white space are ignored");
  of("text/plain", "", SLICE("<html>"), CONTENT_TYPE_TEXT, "text/plain that looks like HTML stays text");
  of("text/plain", "", SLICE("\1\2\3\4\5\6\7"), CONTENT_TYPE_OTHER, "text/plain full of controls is binary");
  of("text/plain", "", SLICE("\xFF\xFE" "a\0b\0"), CONTENT_TYPE_TEXT, "UTF-16 with its mark is text");
  of("text/html", "", SLICE("\x89PNG\r\n"), CONTENT_TYPE_OTHER, "a PNG sent as HTML is no text");
  of("text/html", "", SLICE("GIF89a"), CONTENT_TYPE_OTHER, "a GIF sent as HTML is no text");
  of("text/plain", "", SLICE("PK\3\4"), CONTENT_TYPE_OTHER, "a zip sent as text is no text");
  of("text/html", "", SLICE("%PDF-1.4"), CONTENT_TYPE_PDF, "a PDF sent as HTML is a PDF");
  of("application/octet-stream", "", SLICE("\n%PDF-1.7"), CONTENT_TYPE_PDF, "a PDF without a type is a PDF, also behind a newline");
  of("application/pdf", "", SLICE("<html>sorry</html>"), CONTENT_TYPE_OTHER, "HTML sent as PDF is neither");
  of("application/json", "text/html", SLICE("<html>"), CONTENT_TYPE_OTHER, "a declared type goes before the identified one");
  of("", "text/html", SLICE("nothing"), CONTENT_TYPE_HTML, "the identified type counts where none is declared");
  of("", "", SLICE("{\"a\": 1}"), CONTENT_TYPE_OTHER, "JSON without a type is no text");
  of("", "", SLICE("\xEF\xBB\xBF <!DOCTYPE html><p>"), CONTENT_TYPE_HTML, "HTML is sniffed behind a mark and white space");
  of("", "", SLICE("<article>"), CONTENT_TYPE_OTHER, "<article> is not taken for <a>");
  of("", "", SLICE("<!-- c --><HTML>"), CONTENT_TYPE_HTML, "HTML is sniffed behind a comment");
  of("application/xhtml+xml", "", SLICE(XHTML_ROOT), CONTENT_TYPE_XHTML, "XHTML by its type");
  of("text/xml", "", SLICE("<?xml version='1.0'?><!DOCTYPE html PUBLIC 'a' 'b' [<!ENTITY x 'y'>]>" XHTML_ROOT), CONTENT_TYPE_XHTML, "XML with root html is XHTML");
  of("text/html", "", SLICE("<?xml version='1.0'?>" XHTML_ROOT), CONTENT_TYPE_HTML, "XHTML sent as HTML is HTML, as for browsers");
  of("", "", SLICE("<?xml version='1.0'?>" XHTML_ROOT), CONTENT_TYPE_XHTML, "XHTML without a type, by its declaration");
  of("application/rss+xml", "", SLICE("<?xml version='1.0'?><rss version='2.0'>"), CONTENT_TYPE_FEED, "RSS");
  of("text/xml", "", SLICE("<feed xmlns='http://www.w3.org/2005/Atom'>"), CONTENT_TYPE_FEED, "Atom as text/xml");
  of("text/html", "", SLICE("<!-- made by x --><rss>"), CONTENT_TYPE_FEED, "a feed sent as HTML is a feed");
  of("application/rdf+xml", "", SLICE("<rdf:RDF xmlns='http://purl.org/rss/1.0/'>"), CONTENT_TYPE_FEED, "RSS 1.0");
  of("application/rdf+xml", "", SLICE("<rdf:RDF xmlns:foaf='x'>"), CONTENT_TYPE_OTHER, "other RDF is no feed");
  of("application/xml", "", SLICE("<urlset xmlns='x'>"), CONTENT_TYPE_SITEMAP, "a sitemap");
  of("application/xml", "", SLICE("<s:sitemapindex xmlns:s='x'>"), CONTENT_TYPE_SITEMAP, "an index of sitemaps, with a prefix");
  of("application/xml", "", SLICE("<svg>"), CONTENT_TYPE_OTHER, "other XML is no text");
  of("image/svg+xml", "", SLICE("<svg>"), CONTENT_TYPE_OTHER, "SVG is no text");
  of("text/xml", "", SLICE("<?xml never ends"), CONTENT_TYPE_OTHER, "a declaration that never ends");
  of("text/html", "", SLICE(""), CONTENT_TYPE_HTML, "an empty body is what is declared");
  ok(content_type_is_binary(SLICE("\0\0\0\x20""ftypisom")), "MP4 is binary");
  ok(!content_type_is_binary(SLICE("PKK")), "letters of a magic are not enough");
  ok(content_type_has_controls(SLICE("ab\0\0\0")) && !content_type_has_controls(SLICE("a\tb\r\n\f\x1b")), "controls of text do not count");
  ok(!content_type_possible(CONTENT_TYPE_OTHER, CONTENT_TYPE_HTML) && !content_type_possible(CONTENT_TYPE_TEXT, CONTENT_TYPE_HTML), "what is declared otherwise need not be decoded");
  bool agrees = true; /* whatever content_type_of() says, content_type_possible() had allowed */
  static const char *const fields[] = {"text/html", "text/plain", "application/pdf", "text/xml", "application/rss+xml", "application/xhtml+xml", "", "image/png"};
  static const char *const bodies[] = {"%PDF-1", "<rss>", "<html>", "<?xml version='1.0'?><html>", "<urlset>", "plain", "<div>", "{}"};
  for (size_t i = 0; i < 8; i++)
    for (size_t j = 0; j < 8; j++) {
      enum content_type type = content_type_of(slice_of(fields[i]), SLICE(""), slice_of(bodies[j]));
      if (type != CONTENT_TYPE_OTHER && !content_type_possible(content_type_declared(slice_of(fields[i])), type)) {
        note("%s with %s became %d", fields[i], bodies[j], (int)type);
        agrees = false;
      }
    }
  ok(agrees, "what a body may turn out to be is foreseen by its declared type");
  return tap_done();
}
