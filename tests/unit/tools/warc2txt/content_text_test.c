/* SPDX-License-Identifier: MIT
 *
 * What becomes of characters on the way from a page or a plain text to a document.
 */
#include <stdio.h>

#include "common/base/utf8.h"
#include "tests/hostile.h"
#include "tests/tap.h"
#include "tools/warc2txt/content.h"

static struct content *plain, *repairing;

static void becomes(struct content *c, enum content_kind kind, const char *type, struct slice body, const char *want, const char *name) {
  struct content_source source = {.kind = kind, .body = body, .content_type = slice_of(type)};
  struct slice text = {0};
  uint64_t replaced = 0;
  enum reject reject = content_text(c, &source, &text, &replaced);
  char got[1024];
  snprintf(got, sizeof got, "%s%.*s", reject_names[reject], reject ? 0 : (int)text.len, text.data);
  ok_string(got, want, name);
}

static void page(const char *html, const char *want, const char *name) { becomes(plain, CONTENT_PAGE, "text/html; charset=utf-8", slice_of(html), want, name); }

static void text(const char *bytes, const char *want, const char *name) { becomes(plain, CONTENT_RESOURCE, "text/plain; charset=utf-8", slice_of(bytes), want, name); }

static enum reject rejected(struct content *c, const struct buffer *html) {
  struct content_source source = {.kind = CONTENT_PAGE, .body = buffer_slice(html), .content_type = SLICE("text/html; charset=utf-8")};
  struct slice text;
  uint64_t replaced = 0;
  return content_text(c, &source, &text, &replaced);
}

int main(void) {
  struct content_options options = {.mode = EXTRACT_ALL, .max_record = 1 << 20};
  struct err e = {0};
  ok(content_parse_types(&options, "html,text", &e) == 0 && content_parse_statuses(&options, "2xx", &e) == 0, "the options are understood");
  plain = content_new(&options);
  options.repair_mojibake = true;
  repairing = content_new(&options);

  page("<p>&eacute;&#233;&#xE9; &amp;lt; &#128;&#x99; &notit;", "ééé &lt; €™ ¬it;", "references are characters, numbers of C1 controls those of windows-1252");
  page("<p>می\xE2\x80\x8Cخواهم क्\xE2\x80\x8Dष 👩\xE2\x80\x8D💻", "می\xE2\x80\x8Cخواهم क्\xE2\x80\x8Dष 👩\xE2\x80\x8D💻", "the joiner and the non-joiner stay");
  page("<p>\xEF\xBB\xBFzero\xE2\x80\x8Bwidth hy\xC2\xADphen &#x200B;&shy;&#xFEFF;x", "zerowidth hyphen x", "zero width spaces, marks and soft hyphens go");
  page("<p>a\x01" "b\x7F" "c\xC2\x93quote\xC2\x94", "abc“quote”", "controls go, C1 controls are windows-1252");
  page("<p>e\xCC\x81 \xC3\xA9 \xEF\xAC\x81 \xE2\x84\xAB", "e\xCC\x81 \xC3\xA9 \xEF\xAC\x81 \xE2\x84\xAB", "composed, decomposed and compatibility forms stay as they are");
  page("<p>a&nbsp;\xE2\x80\x83 \xE3\x80\x80" "b", "a b", "spaces of all kinds are one space");
  page("<p>été à Noël \xF0\x9F\x98\x80 \xF0\xA0\x80\x80 \xED\xA0\x80", "été à Noël \xF0\x9F\x98\x80 \xF0\xA0\x80\x80 \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "astral characters stay, surrogates do not");
  page("<p>cafÃ©", "cafÃ©", "mojibake stays as it is");
  becomes(repairing, CONTENT_PAGE, "text/html; charset=utf-8", SLICE("<p>cafÃ© itâ€™s CAFÉ»"), "café it’s CAFÉ»", "but is repaired when that is wanted");
  becomes(repairing, CONTENT_RESOURCE, "text/plain", SLICE("cafÃ©"), "café", "in plain text too");

  text("\xEF\xBB\xBFone\r\ntwo\rthree, and some more words\x01\n", "one\ntwo\nthree, and some more words", "plain text: line ends of one kind, no mark, no controls");
  text("a\xEE\x80\x80\xC2\xAD" "b\xE2\x80\xAA" "c \xC2\x93x\xC2\x94\xC2\x81  d\te\xEF\xBF\xBE\xEF\xB7\x90\xE2\x80\x8E\xC2\xA0\xE3\x80\x80" "f", "abc “x”  d\te\xC2\xA0\xE3\x80\x80" "f", "plain text: what nobody sees goes, white space stays, C1 controls are windows-1252");
  text("e\xCC\x81 می\xE2\x80\x8Cخواهم", "e\xCC\x81 می\xE2\x80\x8Cخواهم", "plain text: no normalisation, joiners stay");
  becomes(plain, CONTENT_RESOURCE, "text/plain; charset=windows-1252", SLICE("\x93" "a\x94 \x80"), "“a” €", "plain text: decoded by its label");
  becomes(plain, CONTENT_RESOURCE, "text/plain", SLICE("\x1B$)C\x0E?*;g\x0F and a line of text that has no controls, so that it is text"), "charset", "what no browser reads is rejected");
  becomes(plain, CONTENT_RESOURCE, "text/html; charset=hz-gb-2312", SLICE("<p>~{VPND~}<p>~{VPND~}<p>~{VPND~}"), "charset", "as HTML too");

  options.memory = 40 << 20;
  options.mode = EXTRACT_MAIN;
  options.markup.form = MARKUP_MARKDOWN;
  options.max_record = 1 << 30;
  struct content *bounded = content_new(&options);
  struct buffer html = {0};
  repeat(&html, "<p>a", 120000);
  ok(rejected(bounded, &html) == REJECT_NONE, "a page of very many blocks needs no numbers of each, because they are not scored");
  buffer_clear(&html);
  repeat(&html, "<p>a", 500000);
  ok(rejected(bounded, &html) == REJECT_MEMORY_LIMIT, "one of yet more is rejected");
  buffer_clear(&html);
  repeat(&html, "<ol start=999999999><li>", 6), repeat(&html, "<blockquote>", 6);
  buffer_append_string(&html, "<pre>"), repeat(&html, "words\n", 900000);
  ok(rejected(bounded, &html) == REJECT_MEMORY_LIMIT, "so is one whose text does not fit beside it");
  buffer_release(&html);
  content_free(bounded);
  content_free(plain);
  content_free(repairing);
  return tap_done();
}
