/* SPDX-License-Identifier: MIT
 *
 * Labels of encodings: https://encoding.spec.whatwg.org/#names-and-labels, and behind them a few encodings that the
 * standard leaves out but archives hold.  gbk decodes as gb18030 does, iso-8859-1 as windows-1252, iso-8859-9 as
 * windows-1254: the standard says so.
 */
#include <stdlib.h>

#include "tools/warc2txt/charset.h"

static const struct charset charsets[] = {
  {"UTF-8", NULL, CHARSET_UTF8},
  {"IBM866", "CP866", CHARSET_SINGLE},
  {"ISO-8859-2", "ISO-8859-2", CHARSET_SINGLE},
  {"ISO-8859-3", "ISO-8859-3", CHARSET_SINGLE},
  {"ISO-8859-4", "ISO-8859-4", CHARSET_SINGLE},
  {"ISO-8859-5", "ISO-8859-5", CHARSET_SINGLE},
  {"ISO-8859-6", "ISO-8859-6", CHARSET_SINGLE},
  {"ISO-8859-7", "ISO-8859-7", CHARSET_SINGLE},
  {"ISO-8859-8", "ISO-8859-8", CHARSET_SINGLE},
  {"ISO-8859-8-I", "ISO-8859-8", CHARSET_SINGLE},
  {"ISO-8859-10", "ISO-8859-10", CHARSET_SINGLE},
  {"ISO-8859-13", "ISO-8859-13", CHARSET_SINGLE},
  {"ISO-8859-14", "ISO-8859-14", CHARSET_SINGLE},
  {"ISO-8859-15", "ISO-8859-15", CHARSET_SINGLE},
  {"ISO-8859-16", "ISO-8859-16", CHARSET_SINGLE},
  {"KOI8-R", "KOI8-R", CHARSET_SINGLE},
  {"KOI8-U", "KOI8-U", CHARSET_SINGLE},
  {"macintosh", "MACINTOSH", CHARSET_SINGLE},
  {"windows-874", "CP874", CHARSET_SINGLE},
  {"windows-1250", "CP1250", CHARSET_SINGLE},
  {"windows-1251", "CP1251", CHARSET_SINGLE},
  {"windows-1252", "CP1252", CHARSET_SINGLE},
  {"windows-1253", "CP1253", CHARSET_SINGLE},
  {"windows-1254", "CP1254", CHARSET_SINGLE},
  {"windows-1255", "CP1255", CHARSET_SINGLE},
  {"windows-1256", "CP1256", CHARSET_SINGLE},
  {"windows-1257", "CP1257", CHARSET_SINGLE},
  {"windows-1258", "CP1258", CHARSET_SINGLE},
  {"x-mac-cyrillic", "MAC-UK", CHARSET_SINGLE},
  {"GBK", "GB18030", CHARSET_MULTI},
  {"gb18030", "GB18030", CHARSET_MULTI},
  {"Big5", "BIG5-HKSCS", CHARSET_MULTI},
  {"EUC-JP", "EUC-JP-MS", CHARSET_MULTI},
  {"ISO-2022-JP", "ISO-2022-JP-3", CHARSET_MULTI},
  {"Shift_JIS", "CP932", CHARSET_MULTI},
  {"EUC-KR", "UHC", CHARSET_MULTI},
  {"UTF-16BE", NULL, CHARSET_UTF16BE},
  {"UTF-16LE", NULL, CHARSET_UTF16LE},
  {"x-user-defined", NULL, CHARSET_SINGLE},
  {"ISO-2022-KR", "ISO-2022-KR", CHARSET_MULTI},
  {"ISO-2022-CN", "ISO-2022-CN-EXT", CHARSET_MULTI},
  {"EUC-TW", "EUC-TW", CHARSET_MULTI},
  {"Johab", "JOHAB", CHARSET_MULTI},
  {"IBM855", "CP855", CHARSET_SINGLE},
  {"IBM437", "CP437", CHARSET_SINGLE},
  {"IBM850", "CP850", CHARSET_SINGLE},
  {"IBM852", "CP852", CHARSET_SINGLE},
  {"UTF-32LE", NULL, CHARSET_UTF32LE},
  {"UTF-32BE", NULL, CHARSET_UTF32BE},
};

static const struct label {
  const char *label;
  unsigned char charset;
} labels[] = { /* sorted */
  {"437", 44}, {"850", 45}, {"852", 46}, {"855", 43}, {"866", 1}, {"ansi_x3.4-1968", 21}, {"arabic", 6},
  {"ascii", 21}, {"asmo-708", 6}, {"big5", 31}, {"big5-hkscs", 31}, {"chinese", 29}, {"cn-big5", 31},
  {"cns11643", 41}, {"cp1250", 19}, {"cp1251", 20}, {"cp1252", 21}, {"cp1253", 22}, {"cp1254", 23}, {"cp1255", 24},
  {"cp1256", 25}, {"cp1257", 26}, {"cp1258", 27}, {"cp1361", 42}, {"cp437", 44}, {"cp819", 21}, {"cp850", 45},
  {"cp852", 46}, {"cp855", 43}, {"cp866", 1}, {"csbig5", 31}, {"cseuckr", 35}, {"cseucpkdfmtjapanese", 32},
  {"csgb2312", 29}, {"csibm866", 1}, {"csiso2022jp", 33}, {"csiso2022kr", 39}, {"csiso58gb231280", 29},
  {"csiso88596e", 6}, {"csiso88596i", 6}, {"csiso88598e", 8}, {"csiso88598i", 9}, {"csisolatin1", 21},
  {"csisolatin2", 2}, {"csisolatin3", 3}, {"csisolatin4", 4}, {"csisolatin5", 23}, {"csisolatin6", 10},
  {"csisolatin9", 13}, {"csisolatinarabic", 6}, {"csisolatincyrillic", 5}, {"csisolatingreek", 7},
  {"csisolatinhebrew", 8}, {"cskoi8r", 15}, {"csksc56011987", 35}, {"csmacintosh", 17}, {"csshiftjis", 34},
  {"csunicode", 37}, {"cyrillic", 5}, {"dos-874", 18}, {"ecma-114", 6}, {"ecma-118", 7}, {"elot_928", 7},
  {"euc-jp", 32}, {"euc-kr", 35}, {"euc-tw", 41}, {"gb18030", 30}, {"gb2312", 29}, {"gb_2312", 29},
  {"gb_2312-80", 29}, {"gbk", 29}, {"greek", 7}, {"greek8", 7}, {"hebrew", 8}, {"ibm437", 44}, {"ibm819", 21},
  {"ibm850", 45}, {"ibm852", 46}, {"ibm855", 43}, {"ibm866", 1}, {"iso-10646-ucs-2", 37}, {"iso-2022-cn", 40},
  {"iso-2022-cn-ext", 40}, {"iso-2022-jp", 33}, {"iso-2022-kr", 39}, {"iso-8859-1", 21}, {"iso-8859-10", 10},
  {"iso-8859-11", 18}, {"iso-8859-13", 11}, {"iso-8859-14", 12}, {"iso-8859-15", 13}, {"iso-8859-16", 14},
  {"iso-8859-2", 2}, {"iso-8859-3", 3}, {"iso-8859-4", 4}, {"iso-8859-5", 5}, {"iso-8859-6", 6}, {"iso-8859-6-e", 6},
  {"iso-8859-6-i", 6}, {"iso-8859-7", 7}, {"iso-8859-8", 8}, {"iso-8859-8-e", 8}, {"iso-8859-8-i", 9},
  {"iso-8859-9", 23}, {"iso-ir-100", 21}, {"iso-ir-101", 2}, {"iso-ir-109", 3}, {"iso-ir-110", 4}, {"iso-ir-126", 7},
  {"iso-ir-127", 6}, {"iso-ir-138", 8}, {"iso-ir-144", 5}, {"iso-ir-148", 23}, {"iso-ir-149", 35},
  {"iso-ir-157", 10}, {"iso-ir-58", 29}, {"iso8859-1", 21}, {"iso8859-10", 10}, {"iso8859-11", 18},
  {"iso8859-13", 11}, {"iso8859-14", 12}, {"iso8859-15", 13}, {"iso8859-2", 2}, {"iso8859-3", 3}, {"iso8859-4", 4},
  {"iso8859-5", 5}, {"iso8859-6", 6}, {"iso8859-7", 7}, {"iso8859-8", 8}, {"iso8859-9", 23}, {"iso88591", 21},
  {"iso885910", 10}, {"iso885911", 18}, {"iso885913", 11}, {"iso885914", 12}, {"iso885915", 13}, {"iso88592", 2},
  {"iso88593", 3}, {"iso88594", 4}, {"iso88595", 5}, {"iso88596", 6}, {"iso88597", 7}, {"iso88598", 8},
  {"iso88599", 23}, {"iso_8859-1", 21}, {"iso_8859-15", 13}, {"iso_8859-1:1987", 21}, {"iso_8859-2", 2},
  {"iso_8859-2:1987", 2}, {"iso_8859-3", 3}, {"iso_8859-3:1988", 3}, {"iso_8859-4", 4}, {"iso_8859-4:1988", 4},
  {"iso_8859-5", 5}, {"iso_8859-5:1988", 5}, {"iso_8859-6", 6}, {"iso_8859-6:1987", 6}, {"iso_8859-7", 7},
  {"iso_8859-7:1987", 7}, {"iso_8859-8", 8}, {"iso_8859-8:1988", 8}, {"iso_8859-9", 23}, {"iso_8859-9:1989", 23},
  {"johab", 42}, {"koi", 15}, {"koi8", 15}, {"koi8-r", 15}, {"koi8-ru", 16}, {"koi8-u", 16}, {"koi8_r", 15},
  {"korean", 35}, {"ks_c_5601-1987", 35}, {"ks_c_5601-1989", 35}, {"ksc5601", 35}, {"ksc5601-1992", 42},
  {"ksc_5601", 35}, {"l1", 21}, {"l2", 2}, {"l3", 3}, {"l4", 4}, {"l5", 23}, {"l6", 10}, {"l9", 13}, {"latin1", 21},
  {"latin2", 2}, {"latin3", 3}, {"latin4", 4}, {"latin5", 23}, {"latin6", 10}, {"logical", 9}, {"mac", 17},
  {"macintosh", 17}, {"ms932", 34}, {"ms_kanji", 34}, {"shift-jis", 34}, {"shift_jis", 34}, {"sjis", 34},
  {"sun_eu_greek", 7}, {"tis-620", 18}, {"ucs-2", 37}, {"unicode", 37}, {"unicode-1-1-utf-8", 0},
  {"unicode11utf8", 0}, {"unicode20utf8", 0}, {"unicodefeff", 37}, {"unicodefffe", 36}, {"us-ascii", 21},
  {"utf-16", 37}, {"utf-16be", 36}, {"utf-16le", 37}, {"utf-32", 47}, {"utf-32be", 48}, {"utf-32le", 47},
  {"utf-8", 0}, {"utf8", 0}, {"visual", 8}, {"windows-1250", 19}, {"windows-1251", 20}, {"windows-1252", 21},
  {"windows-1253", 22}, {"windows-1254", 23}, {"windows-1255", 24}, {"windows-1256", 25}, {"windows-1257", 26},
  {"windows-1258", 27}, {"windows-31j", 34}, {"windows-874", 18}, {"windows-949", 35}, {"x-cp1250", 19},
  {"x-cp1251", 20}, {"x-cp1252", 21}, {"x-cp1253", 22}, {"x-cp1254", 23}, {"x-cp1255", 24}, {"x-cp1256", 25},
  {"x-cp1257", 26}, {"x-cp1258", 27}, {"x-euc-jp", 32}, {"x-euc-tw", 41}, {"x-gbk", 29}, {"x-johab", 42},
  {"x-mac-cyrillic", 28}, {"x-mac-roman", 17}, {"x-mac-ukrainian", 28}, {"x-sjis", 34}, {"x-unicode20utf8", 0},
  {"x-user-defined", 38}, {"x-x-big5", 31},
};

static int compare(const void *key, const void *element) {
  return strcmp(key, ((const struct label *)element)->label);
}

const struct charset *charset_find(struct slice label) {
  char key[32];
  label = slice_trim(label);
  if (label.len == 0 || label.len >= sizeof key) return NULL;
  for (size_t i = 0; i < label.len; i++) {
    char c = label.data[i];
    key[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
  }
  key[label.len] = '\0';
  const struct label *found = bsearch(key, labels, sizeof labels / sizeof *labels, sizeof *labels, compare);
  return found ? &charsets[found->charset] : NULL;
}
