/* SPDX-License-Identifier: MIT
 *
 * The encoding of a body that does not say: zero bytes tell UTF-16 and UTF-32, escapes ISO-2022, validity UTF-8.  For
 * the rest a sample is decoded in each candidate and read: how likely is each character after the one before it?
 * Frequent letters and characters count for a candidate; capitals after small letters, signs inside words, letters of
 * two scripts side by side and undefined bytes against it.  The mean over the bytes above 0x7F decides.
 */

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/charset.h"

enum { LOOK = 1 << 16, SAMPLE_BYTES = 6000 };

static const struct {
  const char *label;
  double prior;
} candidates[] = {
  {"windows-1252", 0.10}, {"shift_jis", 0.05}, {"euc-jp", 0.05}, {"gbk", 0.05}, {"big5", 0.02}, {"euc-kr", 0.05},
  {"windows-1251", 0.05}, {"koi8-r", 0.04}, {"iso-8859-5", 0.02}, {"ibm866", 0.01}, {"x-mac-cyrillic", 0}, {"ibm855", 0},
  {"windows-1250", 0.03}, {"iso-8859-2", 0.03}, {"windows-1253", 0.03}, {"iso-8859-7", 0.02}, {"windows-1254", 0.02},
  {"windows-1255", 0.03}, {"windows-1256", 0.02}, {"iso-8859-6", 0}, {"windows-874", 0.03}, {"windows-1257", 0},
  {"macintosh", -0.02}, {"johab", -0.1}, {"euc-tw", -0.1},
};

/* Characters that make up much of running text. */
static const char han[] = "的一是不了在人有我他这这個个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法間這來時為說國著裡後會過對學麼發當沒還樣種開總從無現經長兒愛見本東京今新年月日時分前出会社者生部高市円";
static const char hangul[] = "이다의는에을가한고로지은하를기사인도서리나어대자시정과있그수아해만스보상전라일제부으들면주적것비조소우게동니안구성공원장";
static const char cyrillic[] = "оеаинтсрвл", cyrillic_second[] = "кмдпуяыьгзбчйх";

/* Letters beyond a-z of one language each: text is in one of them, not in a mixture. */
static const char *const latin[] = {
  "éèàçêôîûùâëïœ", "äöüß", "áéíóúñü", "ãõáéíóúçâêôà", "àèéìòù", "åäöæøé", "ëïéèöüê", "áðéíóúýþæö",
  "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "čćđšž", "ăâîşţșț", "çğıöşüâî", "āčēģīķļņšūž", "ąčęėįšųūž", "äöõüšž",
};

static bool in_list(const char *list, uint32_t c) {
  char bytes[5] = {0};
  utf8_encode(c, bytes);
  return strstr(list, bytes) != NULL;
}

enum script { NONE, LATIN, CYRILLIC, GREEK, HEBREW, ARABIC, THAI, HAN, KANA, HANGUL };

static enum script script_of(uint32_t c) {
  if ((c | 32) >= 'a' && (c | 32) <= 'z' && c < 128) return LATIN;
  if (c < 0xC0) return c == 0xAA || c == 0xBA || c == 0xB5 ? LATIN : NONE;
  if (c < 0x250) return c == 0xD7 || c == 0xF7 ? NONE : LATIN;
  if (c >= 0x370 && c < 0x400) return GREEK;
  if (c >= 0x400 && c < 0x530) return CYRILLIC;
  if (c >= 0x590 && c < 0x600) return HEBREW;
  if (c >= 0x600 && c < 0x700) return ARABIC;
  if (c >= 0xE00 && c < 0xE80) return THAI;
  if (c >= 0x3040 && c < 0x3100) return KANA;
  if (c >= 0x4E00 && c < 0xA000) return HAN;
  if (c >= 0xAC00 && c < 0xD7A4) return HANGUL;
  return NONE;
}

static bool is_upper(uint32_t c) {
  if (c < 128) return c >= 'A' && c <= 'Z';
  if (c >= 0xC0 && c < 0xDF) return c != 0xD7;
  if (c == 0x178 || c == 0x130) return true;
  if (c >= 0x100 && c < 0x138) return !(c & 1);
  if ((c >= 0x139 && c < 0x149) || (c >= 0x179 && c < 0x17F)) return c & 1;
  if (c >= 0x14A && c < 0x178) return !(c & 1);
  if (c >= 0x386 && c < 0x3AC) return c != 0x390;
  return (c >= 0x400 && c < 0x430) || c == 0x490;
}

static double value(uint32_t previous, uint32_t c, uint32_t next) {
  enum script s = script_of(c), before = script_of(previous), after = script_of(next);
  double v = 0;
  if (c == 0xFFFD || (c >= 0x80 && c < 0xA0) || (c >= 0xE000 && c < 0xF900)) return -4;
  bool mixed = (before && before != s && !(before == KANA || before == HAN)) || (after && after != s && !(after == KANA || after == HAN));
  switch (s) {
    case HAN: return in_list(han, c) ? 1.9 : 0.55;
    case KANA: return c < 0x30A0 ? 2.0 : before == KANA || after == KANA ? 1.5 : 0.5;
    case HANGUL: return in_list(hangul, c) ? 2.0 : 1.0;
    case CYRILLIC:
    case GREEK:
      if (is_upper(c)) v = before == s && !is_upper(previous) ? -1.5 : before == NONE || is_upper(previous) ? 0.45 : 0;
      else if (before == s && is_upper(previous) && after == s && is_upper(next)) v = -1;
      else v = s == GREEK ? (c >= 0x3AC && c <= 0x3CE ? 0.9 : 0) : in_list(cyrillic, c) ? 1.0 : in_list(cyrillic_second, c) ? 0.65 : 0.2;
      if (s == GREEK && c == 0x3C2 && after == GREEK) v = -1;
      return mixed ? v - 1 : v;
    case HEBREW:
      if (c == 0x5DA || c == 0x5DD || c == 0x5DF || c == 0x5E3 || c == 0x5E5) v = before == s && after != s ? 1.2 : -1.5; /* final forms */
      else if (c >= 0x5D0 && c <= 0x5EA) v = before == s || after == s ? 0.9 : 0.2;
      else v = before == s ? 0 : -0.5;
      return mixed ? v - 1 : v;
    case ARABIC:
      if (c >= 0x621 && c <= 0x64A) v = (before == s || after == s) ? in_list("ايلمنتروبدعهسفكقةحج", c) ? 1.0 : 0.5 : 0.1;
      else v = c == 0x60C || c == 0x61F ? 0.4 : -0.3;
      return mixed ? v - 1 : v;
    case THAI:
      if (c == 0xE31 || (c >= 0xE34 && c <= 0xE3A) || (c >= 0xE47 && c <= 0xE4E)) v = previous >= 0xE01 && previous < 0xE4F && before == s ? 0.9 : -2;
      else v = in_list("านรอกเงมยลวดทสตะปบคหแจ", c) ? 0.8 : c < 0xE3F ? 0.25 : -0.3;
      if (c >= 0xE40 && c <= 0xE44 && (after != s || next > 0xE2E)) v = -1.5; /* a vowel written before its consonant */
      return mixed ? v - 1 : v;
    case LATIN:
      if (is_upper(c)) v = before == LATIN && !is_upper(previous) ? -1.5 : after == LATIN || before == LATIN ? 0.3 : -0.2;
      else if (before == LATIN && previous < 128 && is_upper(previous) && after == LATIN && is_upper(next)) v = -1;
      /* small letters: see judge() */
      if (previous > 127 && before == LATIN && after == LATIN && next > 127) v -= 0.5;
      return mixed ? v - 1 : v;
    case NONE: break;
  }
  if (c >= 0x3000 && c < 0x3020) return 1.2;                   /* ideographic space and marks */
  if (c >= 0xFF01 && c < 0xFF61) return 0.8;
  if (c >= 0xFF61 && c < 0xFFA0) return -0.6;                  /* half-width katakana: mostly other bytes misread */
  if (c == 0x2019) return before && !after && script_of(previous) != LATIN ? 0.1 : 0.3;
  bool inside = before && after && before != HAN && before != KANA && after != HAN;
  if (c == 0xA0 || c == 0xAB || c == 0xBB || c == 0xA9 || c == 0xAE || c == 0xB0 || c == 0xB7 || c == 0xA3 || c == 0x2116 ||
      (c >= 0x2010 && c <= 0x2026) || c == 0x20AC || c == 0x2122 || c == 0xA7)
    return inside ? -1 : 0.25;
  if (c >= 0x2500 && c < 0x25A0) return -1;
  return inside ? -1.2 : -0.4;
}

static double judge(struct charset_decoder *d, const struct charset *charset, struct slice sample, size_t high) {
  struct buffer text = {0};
  charset_decode(d, charset, sample, &text);
  double sum = 0;
  uint32_t window[3] = {' ', ' ', ' '}; /* previous, this, next */
  unsigned small[0x250] = {0};          /* small Latin letters next to letters */
  for (size_t i = 0; i <= text.len;) {
    uint32_t c = ' ';
    int invalid, n = i < text.len ? utf8_decode(text.data + i, text.len - i, &c, &invalid) : 1;
    i += (size_t)(n ? n : 1);
    window[0] = window[1];
    window[1] = window[2];
    window[2] = c;
    if (window[1] <= 127) continue;
    sum += value(window[0], window[1], window[2]);
    if (window[1] < 0x250 && script_of(window[1]) == LATIN && !is_upper(window[1]) && (script_of(window[0]) == LATIN || script_of(window[2]) == LATIN)) small[window[1]]++;
  }
  double letters = 0;
  for (size_t l = 0; l < sizeof latin / sizeof *latin; l++) {
    double sum_of_language = 0;
    for (uint32_t c = 0x80; c < 0x250; c++)
      if (small[c]) sum_of_language += small[c] * (in_list(latin[l], c) ? 0.75 : -0.5);
    if (l == 0 || sum_of_language > letters) letters = sum_of_language;
  }
  sum += letters;
  buffer_release(&text);
  return sum / (double)high;
}

/* Wide encodings by where the zero bytes are. */
static const struct charset *by_zeros(struct slice s) {
  size_t zeros[4] = {0}, n = (s.len < 4096 ? s.len : 4096) / 4 * 4;
  for (size_t i = 0; i < n; i++)
    if (!s.data[i]) zeros[i % 4]++;
  size_t quarter = n / 4;
  if (n < 8) return NULL;
  if (zeros[0] > quarter * 9 / 10 && zeros[1] > quarter * 9 / 10 && zeros[3] < quarter / 4) return charset_find(SLICE("utf-32be"));
  if (zeros[3] > quarter * 9 / 10 && zeros[2] > quarter * 9 / 10 && zeros[0] < quarter / 4) return charset_find(SLICE("utf-32le"));
  size_t even = zeros[0] + zeros[2], odd = zeros[1] + zeros[3];
  if (even > quarter / 2 && odd * 8 < even) return charset_find(SLICE("utf-16be"));
  if (odd > quarter / 2 && even * 8 < odd) return charset_find(SLICE("utf-16le"));
  return NULL;
}

const struct charset *charset_guess(struct charset_decoder *d, struct slice body) {
  const struct charset *wide = by_zeros(body);
  if (wide) return wide;
  if (body.len > LOOK && utf8_valid_prefix(body.data, body.len) == body.len) return charset_find(SLICE("utf-8"));
  struct slice s = {body.data, body.len < LOOK ? body.len : LOOK};
  size_t good = 0, wrong = 0, high = 0;
  for (size_t i = 0; i < s.len;) {
    unsigned char c = (unsigned char)s.data[i];
    if (c < 0x80) {
      if (c == 0x1B && s.len - i >= 4) {
        const char *p = s.data + i + 1;
        if (memcmp(p, "$B", 2) == 0 || memcmp(p, "$@", 2) == 0 || memcmp(p, "(J", 2) == 0) return charset_find(SLICE("iso-2022-jp"));
        if (memcmp(p, "$)C", 3) == 0) return charset_find(SLICE("iso-2022-kr"));
        if (memcmp(p, "$)A", 3) == 0 || memcmp(p, "$)G", 3) == 0) return charset_find(SLICE("iso-2022-cn"));
      }
      i++;
      continue;
    }
    uint32_t code_point;
    int invalid, n = utf8_decode(s.data + i, s.len - i, &code_point, &invalid);
    if (n) good++;
    else wrong++;
    i += (size_t)(n ? n : invalid > 0 ? invalid : 1);
  }
  if (wrong * 10 <= good) return charset_find(SLICE("utf-8"));

  /* the sample: text around bytes above 0x7F, without markup */
  struct buffer sample = {0};
  bool tag = false;
  size_t since = 0;
  for (size_t i = 0; i < body.len && sample.len < SAMPLE_BYTES; i++) {
    char c = body.data[i];
    if (c == '<') tag = true;
    else if (c == '>' && tag) {
      tag = false;
      buffer_put(&sample, ' ');
      continue;
    }
    if (tag && i + 1 < body.len && since++ < 4096) continue;
    tag = false;
    since = 0;
    if (c & 0x80) high++;
    if (c & 0x80 || since < 64) buffer_put(&sample, c);
  }
  if (high == 0) {
    sample.len = 0;
    buffer_append(&sample, s.data, s.len);
    for (size_t i = 0; i < s.len; i++) high += (unsigned char)s.data[i] >> 7;
  }
  const struct charset *best = charset_find(SLICE("windows-1252"));
  double best_score = -100;
  for (size_t i = 0; i < sizeof candidates / sizeof *candidates && high; i++) {
    const struct charset *charset = charset_find(slice_of(candidates[i].label));
    double score = judge(d, charset, buffer_slice(&sample), high) + candidates[i].prior;
    if (score > best_score) {
      best_score = score;
      best = charset;
    }
  }
  buffer_release(&sample);
  return best;
}
