/* SPDX-License-Identifier: MIT
 *
 * One regular expression holds an alternative \p{sc:NAME}++ for each script, and tells by (*MARK) which one matched; it
 * goes over all code points once.  The names are those of PropertyValueAliases.txt of Unicode 16
 * (https://www.unicode.org/Public/16.0.0/ucd/); those that the installed PCRE2 does not know are left out.
 */
#include "tools/bpe-encode/scripts.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"

static const char *const names[] = {
  "Common",
  "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Bassa_Vah", "Batak", "Bengali",
  "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Canadian_Aboriginal", "Carian", "Caucasian_Albanian", "Chakma", "Cham",
  "Cherokee", "Chorasmian", "Coptic", "Cuneiform", "Cypriot", "Cypro_Minoan", "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru", "Dogra",
  "Duployan", "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Garay", "Georgian", "Glagolitic", "Gothic", "Grantha", "Greek",
  "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Gurung_Khema", "Han", "Hangul", "Hanifi_Rohingya", "Hanunoo", "Hatran", "Hebrew", "Hiragana",
  "Imperial_Aramaic", "Inscriptional_Pahlavi", "Inscriptional_Parthian", "Javanese", "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li",
  "Kharoshthi", "Khitan_Small_Script", "Khmer", "Khojki", "Khudawadi", "Kirat_Rai", "Lao", "Latin", "Lepcha", "Limbu", "Linear_A",
  "Linear_B", "Lisu", "Lycian", "Lydian", "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Masaram_Gondi",
  "Medefaidrin", "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Modi", "Mongolian", "Mro", "Multani",
  "Myanmar", "Nabataean", "Nag_Mundari", "Nandinagari", "New_Tai_Lue", "Newa", "Nko", "Nushu", "Nyiakeng_Puachue_Hmong", "Ogham", "Ol_Chiki",
  "Ol_Onal", "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic", "Old_Persian", "Old_Sogdian", "Old_South_Arabian",
  "Old_Turkic", "Old_Uyghur", "Oriya", "Osage", "Osmanya", "Pahawh_Hmong", "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician",
  "Psalter_Pahlavi", "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham", "SignWriting", "Sinhala", "Sogdian",
  "Sora_Sompeng", "Soyombo", "Sundanese", "Sunuwar", "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet",
  "Takri", "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta", "Todhri", "Toto", "Tulu_Tigalari",
  "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi", "Zanabazar_Square",
};

enum { NAMES = sizeof names / sizeof names[0], PLANE = 0x10000 };
_Static_assert((int)NAMES <= (int)SCRIPTS, "a script's number is below SCRIPTS");

const char *script_name(int script) { return script >= 0 && script < NAMES ? names[script] : NULL; }

static pcre2_code *compile(struct slice pattern, int *code) {
  PCRE2_SIZE offset;
  return pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len, PCRE2_UTF | PCRE2_ANCHORED, code, &offset, NULL);
}

static pcre2_code *compile_all(struct err *e) {
  struct buffer pattern = {0}, one = {0};
  int code;
  buffer_append_string(&pattern, "[\\p{sc:Common}\\p{sc:Inherited}\\p{sc:Unknown}]++");
  for (int i = 1; i < NAMES; i++) {
    buffer_clear(&one);
    buffer_printf(&one, "\\p{sc:%s}++", names[i]);
    pcre2_code *known = compile(buffer_slice(&one), &code);
    if (known) buffer_printf(&pattern, "|(*MARK:%d)%.*s", i, (int)one.len, one.data);
    pcre2_code_free(known);
  }
  /* A script that this list does not name yet. */
  buffer_append_string(&pattern, "|(*MARK:0).");
  pcre2_code *all = compile(buffer_slice(&pattern), &code);
  if (!all) err_set(e, "PCRE2 does not take \\p{sc:...}: it must be 10.40 or newer (error %d)", code);
  buffer_release(&pattern);
  buffer_release(&one);
  return all;
}

/* The scripts of one plane's code points. */
static int classify(const pcre2_code *code, pcre2_match_data *data, uint32_t plane, uint8_t *scripts, struct buffer *text, struct err *e) {
  buffer_clear(text);
  for (uint32_t i = 0; i < PLANE; i++) {
    uint32_t u = plane * PLANE + i;
    utf8_append(text, u >= 0xD800 && u < 0xE000 ? 0x378 : u); /* a surrogate is no character; this one is not assigned */
  }
  const PCRE2_SIZE *span = pcre2_get_ovector_pointer(data);
  size_t index = 0;
  for (PCRE2_SIZE at = 0; at < text->len; at = span[1]) {
    int got = pcre2_match(code, (PCRE2_SPTR)text->data, text->len, at, PCRE2_NO_UTF_CHECK, data, NULL);
    if (got < 0 || span[1] <= at) return err_set(e, "PCRE2 cannot tell the scripts (error %d)", got);
    PCRE2_SPTR mark = pcre2_get_mark(data);
    size_t n = utf8_count(text->data + at, span[1] - at);
    memset(scripts + index, mark ? atoi((const char *)mark) : 0, n);
    index += n;
  }
  return 0;
}

int scripts_new(struct scripts **out, struct err *e) {
  pcre2_code *code = compile_all(e);
  if (!code) return -1;
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it slower, but the same */
  pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
  if (!data) abort();
  struct scripts *s = NEW(struct scripts);
  struct buffer text = {0};
  uint8_t *plane = MALLOC(PLANE);
  int status = 0;
  size_t capacity = 0;
  for (uint32_t p = 0; p < 17 && status == 0; p++) {
    status = classify(code, data, p, plane, &text, e);
    for (size_t b = 0; b < PLANE / 256 && status == 0; b++) {
      int same = 0;
      while (same < s->block_count && memcmp(s->blocks[same], plane + 256 * b, 256)) same++;
      if (same == s->block_count) {
        GROW(s->blocks, capacity, same + 1);
        memcpy(s->blocks[s->block_count++], plane + 256 * b, 256);
      }
      s->block_of[p * (PLANE / 256) + b] = (uint16_t)same;
    }
  }
  free(plane);
  buffer_release(&text);
  pcre2_match_data_free(data);
  pcre2_code_free(code);
  if (status) {
    scripts_free(s);
    return -1;
  }
  *out = s;
  return 0;
}

void scripts_free(struct scripts *s) {
  if (!s) return;
  free(s->blocks);
  free(s);
}
