/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/charset/charset.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/warc2txt/charset/charset_tables.h"

static struct charset_decoder *d;

static void named(const char *label, const char *want) {
  const struct charset *c = charset_find(slice_of(label));
  char name[128];
  snprintf(name, sizeof name, "the label \"%s\" is %s", label[0] == '\t' ? label + 1 : label, want ? want : "unknown");
  ok_string(c ? c->name : "unknown", want ? want : "unknown", name);
}

static void decodes(const char *label, struct slice bytes, const char *want, const char *name) {
  struct buffer out = {0};
  charset_decode(d, charset_find(slice_of(label)), bytes, &out);
  ok_string(buffer_string(&out), want, name);
  buffer_release(&out);
}

static void detects(const char *content_type, struct slice body, const char *want, const char *name) {
  ok_string(charset_detect(d, body, slice_of(content_type), true)->name, want, name);
}

/* Indexes made with iconv and corrected: FNV-1a of the standard's own files (charset_tables.py --hashes). */
static void indexes(void) {
  static const struct {
    enum charset_index index;
    const char *name;
    size_t count;
    uint64_t hash;
  } want[] = {
    {INDEX_BIG5, "Big5", 19782, 0x770B6FA0631178DF}, {INDEX_GB18030, "gb18030", 23940, 0x1D93F96466693822}, {INDEX_EUC_KR, "EUC-KR", 23940, 0xB4FC3F13C6ABF5FA},
    {INDEX_JIS0208, "JIS X 0208", 11280, 0xDE920A8ABA38E688}, {INDEX_JIS0212, "JIS X 0212", 7708, 0x43305353E1189736},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    size_t count;
    const uint32_t *index = charset_index(want[i].index, &count);
    uint64_t hash = 0xCBF29CE484222325;
    for (size_t p = 0; p < count; p++) {
      uint32_t c = want[i].index == INDEX_JIS0208 && p >= 8836 && p <= 10715 ? 0 : index[p]; /* by rule, not in the index */
      for (int k = 0; k < 4; k++) hash = (hash ^ (c >> 8 * k & 255)) * 0x100000001B3;
    }
    ok(count == want[i].count && hash == want[i].hash, "the index of %s is the standard's", want[i].name);
  }
}

/* Bodies of all bytes and pairs of bytes in every encoding: valid UTF-8 without NUL, at every offset of a word. */
static void every_encoding(void) {
  struct buffer body = {0}, out = {0};
  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++) {
      buffer_put(&body, (char)a);
      buffer_put(&body, (char)b);
      if (b % 7 == 0) buffer_put(&body, (char)(a + b));
    }
  bool valid = true;
  int count = 0;
  for (size_t l = 0; l < charset_label_count; l++) {
    const struct charset *charset = &charsets[charset_labels[l].charset];
    valid = valid && charset_find(slice_of(charset_labels[l].label)) == charset;
    for (size_t from = 0; from < 3; from++) {
      buffer_clear(&out);
      charset_decode(d, charset, (struct slice){body.data + from, body.len - from}, &out);
      valid = valid && out.len && utf8_valid_prefix(out.data, out.len) == out.len && !memchr(out.data, 0, out.len);
    }
    count++;
  }
  ok(valid && count >= 228, "all labels are found, and every encoding makes valid UTF-8 of any bytes");
  buffer_release(&body);
  buffer_release(&out);
}

static void prescans(const char *html, const char *want, const char *name) {
  const struct charset *c = charset_prescan(slice_of(html));
  ok_string(c ? c->name : "none", want, name);
}

/* The folder's name is the true encoding; encodings that share the bytes of the text at hand are as good. */
static bool agrees(const char *folder, const char *name) {
  static const char *const same[][2] = {
    {"CP932", "Shift_JIS"}, {"SHIFT_JIS", "Shift_JIS"}, {"CP949", "EUC-KR"}, {"GB2312", "GBK"}, {"TIS-620", "windows-874"}, {"MacCyrillic", "x-mac-cyrillic"},
    {"MacRoman", "macintosh"}, {"ascii", "UTF-8"}, {"utf-8-sig", "UTF-8"}, {"UTF-16", "UTF-16BE"}, {"UTF-32", "UTF-32BE"}, {"iso-8859-1", "windows-1252"},
    {"iso-8859-7", "windows-1253"}, {"iso-8859-9", "windows-1254"}, {"iso-8859-2", "windows-1250"}, {"windows-1250", "ISO-8859-2"},
  };
  static const char *const refused[][2] = {{"EUC-TW", "EUC-TW"}, {"Johab", "Johab"}, {"IBM855", "IBM855"}, {"iso-2022-kr", "replacement"}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (strcmp(folder, refused[i][0]) == 0) return strcmp(name, refused[i][1]) == 0 && charset_find(slice_of(name))->kind == CHARSET_REPLACEMENT;
  size_t n = strlen(folder);
  if (slice_starts_nocase(slice_of(folder), slice_of(name))) return true;
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    if (strncmp(folder, same[i][0], strlen(same[i][0])) == 0 && strcmp(same[i][1], name) == 0 && n >= strlen(same[i][0])) return true;
  return false;
}

static void guess_collection(void) {
  char root[4096];
  const char *shared = tap_shared("html/encodings");
  if (!shared) {
    skip("../shared/data/html/encodings is not here", "encodings of the shared pages are found");
    return;
  }
  snprintf(root, sizeof root, "%s", shared);
  struct dirent **folders;
  int count = scandir(root, &folders, NULL, alphasort), pages = 0, found = 0, guessed = 0;
  for (int i = 0; i < count; i++) {
    char folder[8192];
    snprintf(folder, sizeof folder, "%s/%s", root, folders[i]->d_name);
    struct dirent **files;
    int n = folders[i]->d_name[0] == '.' ? -1 : scandir(folder, &files, NULL, alphasort);
    for (int k = 0; k < n; k++) {
      char path[16384];
      snprintf(path, sizeof path, "%s/%s", folder, files[k]->d_name);
      if (files[k]->d_name[0] != '.') {
        struct buffer b = read_file(path);
        const char *name = charset_detect(d, buffer_slice(&b), (struct slice){0}, true)->name, *guess = charset_guess(d, buffer_slice(&b), NULL)->name;
        pages++;
        found += agrees(folders[i]->d_name, name);
        guessed += agrees(folders[i]->d_name, guess);
        if (!agrees(folders[i]->d_name, name)) note("%s/%s: %s (guess %s)", folders[i]->d_name, files[k]->d_name, name, guess);
        buffer_release(&b);
      }
      free(files[k]);
    }
    if (n >= 0) free(files);
    free(folders[i]);
  }
  free(folders);
  note("%d pages, %d detected, %d guessed without their declarations", pages, found, guessed);
  ok(pages > 200 && found * 1000 >= pages * 990, "99%% of the shared pages are found to be in their encoding, or refused");
  ok(guessed * 100 >= pages * 98, "98%% are guessed from their bytes alone");
}

/* html5lib's cases: "#data", bytes, "#encoding", name.  Its folder scripted/ needs a script to write the element: not read. */
static void prescan_collection(void) {
  static const char *const names[] = {"tests1.dat", "tests2.dat", "test-yahoo-jp.dat"};
  int cases = 0, right = 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char relative[128];
    snprintf(relative, sizeof relative, "html/html5lib-tests/encoding/%s", names[i]);
    const char *path = tap_shared(relative);
    if (!path) {
      skip("../shared/data/html/html5lib-tests is not here", "html5lib's encoding tests pass");
      return;
    }
    struct buffer b = read_file(path);
    for (char *p = buffer_string(&b); (p = strstr(p, "#data\n"));) {
      p += 6;
      char *end = strstr(p, "\n#encoding\n");
      if (!end) break;
      struct slice want = {end + 11, strcspn(end + 11, "\n")}, data = {p, (size_t)(end - p)};
      p = end;
      bool mark = slice_starts(data, SLICE("\xEF\xBB\xBF")) || slice_starts(data, SLICE("\xFE\xFF")) || slice_starts(data, SLICE("\xFF\xFE"));
      const struct charset *c = mark ? charset_detect(d, data, (struct slice){0}, true) : charset_prescan(data);
      cases++;
      right += slice_equal_nocase(slice_of(c ? c->name : "windows-1252"), want);
    }
    buffer_release(&b);
  }
  note("%d of %d", right, cases);
  ok(cases > 70 && right == cases, "html5lib's encoding tests pass");
}

int main(void) {
  d = charset_decoder_new();
  named("UTF-8", "UTF-8");
  named("\t Latin1 ", "windows-1252");
  named("iso-8859-9", "windows-1254");
  named("gb2312", "GBK");
  named("x-sjis", "Shift_JIS");
  named("ks_c_5601-1987", "EUC-KR");
  named("unicode", "UTF-16LE");
  named("no-such-encoding", NULL);
  named("", NULL);

  decodes("utf-8", SLICE("\xEF\xBB\xBF" "caf\xC3\xA9\xFF!\0x"), "caf\xC3\xA9\xEF\xBF\xBD!x", "UTF-8 loses its mark and NUL, invalid bytes become U+FFFD");
  decodes("iso-8859-1", SLICE("\x80 \x93quote\x94 \xE9 \x81"), "\xE2\x82\xAC \xE2\x80\x9Cquote\xE2\x80\x9D \xC3\xA9 \xC2\x81", "iso-8859-1 is windows-1252");
  decodes("windows-1251", SLICE("\xCF\xF0\xE8\xE2\xE5\xF2"), "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", "windows-1251 is decoded");
  decodes("windows-1255", SLICE("\xF9\xEC\xE5\xED"), "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "windows-1255 is decoded");
  decodes("utf-16", SLICE("\xFF\xFE" "a\0\x3D\xD8\x00\xDE\x00\xD8z\0"), "a\xF0\x9F\x98\x80\xEF\xBF\xBDz", "UTF-16 has pairs, and U+FFFD for half a pair");
  decodes("utf-16be", SLICE("\0a\0"), "a\xEF\xBF\xBD", "half a unit is U+FFFD");
  decodes("shift_jis", SLICE("\x93\xFA\x96{\x82\xF0\xFFx"), "\xE6\x97\xA5\xE6\x9C\xAC\xE3\x82\x92\xEF\xBF\xBDx", "Shift_JIS goes on behind a bad byte");
  decodes("euc-jp", SLICE("\xC6\xFC\xCB\xDC"), "\xE6\x97\xA5\xE6\x9C\xAC", "EUC-JP is decoded");
  decodes("gbk", SLICE("\xD6\xD0\xCE\xC4"), "\xE4\xB8\xAD\xE6\x96\x87", "GBK is decoded");
  decodes("big5", SLICE("\xA4\xA4\xA4\xE5"), "\xE4\xB8\xAD\xE6\x96\x87", "Big5 is decoded");
  decodes("euc-kr", SLICE("\xC7\xD1\xB1\xB9"), "\xED\x95\x9C\xEA\xB5\xAD", "EUC-KR is decoded");
  decodes("iso-2022-jp", SLICE("\x1B$BF|K\\\x1B(B!"), "\xE6\x97\xA5\xE6\x9C\xAC!", "ISO-2022-JP is decoded");

  decodes("shift_jis", SLICE("\x81" "A\x80\xB1\x85@\xF0\x40\x81"), "\xE3\x80\x81\xC2\x80\xEF\xBD\xB1\xEF\xBF\xBD@\xEE\x80\x80\xEF\xBF\xBD", "Shift_JIS: 0x80, katakana, an ASCII trail again, private characters, a lead at the end");
  decodes("euc-jp", SLICE("\x8E\xB1\x8F\xB0\xA1\x8F\xA2" "a\xA1" "b"), "\xEF\xBD\xB1\xE4\xB8\x82\xEF\xBF\xBD" "a\xEF\xBF\xBD" "b", "EUC-JP: katakana, JIS X 0212, ASCII behind a lead stands");
  decodes("gb18030", SLICE("\x81\x30\x81\x30\x90\x30\x81\x30\x81\x35\xF4\x37\x80\x81\x30x\xA2\xE3\x81"), "\xC2\x80\xF0\x90\x80\x80\xEE\x9F\x87\xE2\x82\xAC\xEF\xBF\xBD" "0x\xE2\x82\xAC\xEF\xBF\xBD", "gb18030: four bytes, the exception, the euro, restored bytes");
  decodes("big5-hkscs", SLICE("\x88\x62\x88\xA5\xA3\xE1\x87\x40\x81@"), "\xC3\x8A\xCC\x84\xC3\xAA\xCC\x8C\xE2\x82\xAC\xE4\x8F\xB0\xEF\xBF\xBD@", "Big5: letters with accents of their own, the euro, HKSCS, an ASCII trail again");
  decodes("euc-kr", SLICE("\x81\x41\xC8\xFE" "\xC9\x41\xFF"), "\xEA\xB0\x82\xED\x9E\x9D\xEF\xBF\xBD" "A\xEF\xBF\xBD", "EUC-KR is windows-949");
  decodes("iso-2022-jp", SLICE("a\x1B(I1\x1B(J\\~\x1B$@0!\x1B$B\x1B(B\x0E\xE9\x1B(Zb"), "a\xEF\xBD\xB1\xC2\xA5\xE2\x80\xBE\xE4\xBA\x9C\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD(Zb", "ISO-2022-JP: katakana, Roman, an escape behind an escape, shifts and unknown escapes are errors");
  decodes("x-user-defined", SLICE("a\x80\xFF"), "a\xEF\x9E\x80\xEF\x9F\xBF", "x-user-defined is private characters");
  decodes("tis-620", SLICE("\xA1\xDB"), "\xE0\xB8\x81\xEF\xBF\xBD", "tis-620 is windows-874");
  decodes("koi8-ru", SLICE("\xAE"), "\xD1\x9E", "KOI8-U has the short U");
  decodes("iso-8859-6", SLICE("\xC7\xA1"), "\xD8\xA7\xEF\xBF\xBD", "what a single-byte encoding lacks is U+FFFD");
  decodes("hz-gb-2312", SLICE("~{VPND~}"), "\xEF\xBF\xBD", "the replacement encoding is one U+FFFD");
  indexes();
  every_encoding();

  prescans("<html><head><meta charset=koi8-r>", "KOI8-R", "<meta charset> is found");
  prescans("<META CONTENT='text/html; charset=\"euc-jp\"' HTTP-EQUIV=Content-Type>", "EUC-JP", "http-equiv is found, attributes in any order and case");
  prescans("<meta content='text/html; charset=euc-jp'>", "none", "content without http-equiv does not count");
  prescans("<!-- <meta charset=koi8-r> --><meta charset=utf-8>", "UTF-8", "comments are passed over");
  prescans("<a title='<meta charset=koi8-r>'><meta charset=windows-1250>", "windows-1250", "attribute values are passed over");
  prescans("<meta charset=utf-16>", "UTF-8", "UTF-16 in <meta> is UTF-8");
  prescans("<meta charset=x-user-defined>", "windows-1252", "x-user-defined in <meta> is windows-1252");
  prescans("<meta charset=nonsense><meta charset=big5>", "Big5", "an unknown label is passed over");
  prescans("<meta charset", "none", "a tag that does not end has no label");
  prescans("<?xml version=\"1.0\" encoding=\"iso-8859-2\"?><html>", "ISO-8859-2", "an XML declaration is read");

  detects("text/html; charset=windows-1251", SLICE("\xEF\xBB\xBF" "x"), "UTF-8", "a byte order mark wins over the field");
  detects("text/html; Charset = \"windows-1251\"", SLICE("<meta charset=koi8-r>\xD1"), "windows-1251", "the field wins over <meta>");
  detects("text/html", SLICE("<meta charset=koi8-r>\xD1\xC5"), "KOI8-R", "<meta> counts without a field");
  detects("text/html; charset=iso-8859-1", SLICE("caf\xC3\xA9 na\xC3\xAFve"), "UTF-8", "flawless UTF-8 under a single-byte label is UTF-8");
  detects("text/html; charset=utf-8", SLICE("caf\xE9 na\xEFve \xE0 la carte"), "windows-1252", "a body that is not the UTF-8 it says is guessed");
  detects("", SLICE("h\0e\0l\0l\0o\0 \0w\0o\0r\0l\0d\0!\0"), "UTF-16LE", "UTF-16 without a mark is told by its zeros");
  detects("text/html; charset=iso-8859-1", SLICE("<p>\xCF\xF0\xE8\xE2\xE5\xF2, \xEA\xE0\xEA \xE4\xE5\xEB\xE0?</p>"), "windows-1251", "Russian is not what servers say unasked");
  detects("text/html; charset=windows-1252", SLICE("bet \xA3" "5 at 20\xB0"), "windows-1252", "signs alone do not overrule a label");
  detects("text/html; charset=shift_jis", SLICE("\x1B$BF|K\\\x1B(B"), "ISO-2022-JP", "escapes tell ISO-2022-JP");
  detects("text/html; charset=utf-16", SLICE("<p>ASCII</p>"), "UTF-8", "UTF-16 has zero bytes");
  detects("text/html; charset=gbk", SLICE("<p>\xE4\xB8\xAD\xE6\x96\x87\xE4\xB8\xAD\xE6\x96\x87</p>"), "UTF-8", "UTF-8 under a Chinese label is UTF-8");
  detects("", SLICE("\x1B$)C\x0E?*;g\x0F"), "replacement", "ISO-2022-KR is refused");
  detects("", SLICE("~{VPND~} and ~{VPND~} or ~{VPND~}"), "replacement", "HZ is refused");
  detects("text/plain; charset=utf-7", SLICE("Hi +AKM-5"), "UTF-7", "UTF-7 is refused");
  detects("text/plain; charset=hz-gb-2312", SLICE("plain words"), "UTF-8", "ASCII is read whatever its label");
  detects("", SLICE("plain words"), "UTF-8", "ASCII is UTF-8");
  detects("", (struct slice){"", 0}, "UTF-8", "nothing is UTF-8");

  prescan_collection();
  guess_collection();
  charset_decoder_free(d);
  return tap_done();
}
