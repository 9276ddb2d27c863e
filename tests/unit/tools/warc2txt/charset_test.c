/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/charset.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"
#include "tests/read_file.h"
#include "tests/tap.h"

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
        const char *name = charset_detect(d, buffer_slice(&b), (struct slice){0}, true)->name, *guess = charset_guess(d, buffer_slice(&b))->name;
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
  ok(pages > 200 && found * 100 >= pages * 95, "95%% of the shared pages are found to be in their encoding");
  ok(guessed * 100 >= pages * 92, "92%% are guessed from their bytes alone");
}

/* html5lib's cases: "#data", bytes, "#encoding", name.  Those that start with a mark or write the element by a script are
 * not for the prescan. */
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
      if (slice_starts(data, SLICE("\xEF\xBB\xBF"))) continue;
      const struct charset *c = charset_prescan(data);
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
  detects("", SLICE("plain words"), "UTF-8", "ASCII is UTF-8");
  detects("", (struct slice){"", 0}, "UTF-8", "nothing is UTF-8");

  prescan_collection();
  guess_collection();
  charset_decoder_free(d);
  return tap_done();
}
