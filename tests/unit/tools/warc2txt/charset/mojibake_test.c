/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/charset/mojibake.h"

#include "common/base/utf8.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/warc2txt/charset/charset.h"

static void repairs(const char *damaged, const char *want, const char *name) {
  struct buffer out = {0};
  mojibake_repair(slice_of(damaged), &out);
  ok_string(buffer_string(&out), want, name);
  buffer_release(&out);
}

static void keeps(const char *text) {
  char name[256];
  snprintf(name, sizeof name, "%s is kept", text);
  repairs(text, text, name);
}

/* UTF-8 read as windows-1252 (or whatever `label` says). */
static struct buffer damage(struct slice text, const char *label) {
  struct buffer out = {0};
  struct charset_decoder *d = charset_decoder_new();
  charset_decode(d, charset_find(slice_of(label)), text, &out);
  charset_decoder_free(d);
  return out;
}

static void round_trip(struct slice text, int times, const char *name) {
  struct buffer damaged = damage(text, "windows-1252"), repaired = {0};
  for (int i = 1; i < times; i++) {
    struct buffer more = damage(buffer_slice(&damaged), "windows-1252");
    buffer_release(&damaged);
    damaged = more;
  }
  mojibake_repair(buffer_slice(&damaged), &repaired);
  size_t same = 0;
  while (same < repaired.len && same < text.len && repaired.data[same] == text.data[same]) same++;
  if (same < text.len) note("at %zu: got %.40s, want %.40s", same, repaired.data + (same > 8 ? same - 8 : 0), text.data + (same > 8 ? same - 8 : 0));
  ok(slice_equal(buffer_slice(&repaired), text), "%s, damaged %s, comes back", name, times == 1 ? "once" : "twice");
  buffer_release(&damaged);
  buffer_release(&repaired);
}

static void collection(const char *file) {
  const char *path = tap_shared(file);
  if (!path) {
    skip("the shared texts are not here", file);
    return;
  }
  struct buffer b = read_file(path), clean = {0}, kept = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&clean, b.data, b.len, &invalid, &nul);
  ok(mojibake_repair(buffer_slice(&clean), &kept) == 0 && slice_equal(buffer_slice(&kept), buffer_slice(&clean)), "%s, undamaged, is kept", file);
  size_t n = clean.len < 400000 ? clean.len : 400000;
  while (n < clean.len && ((unsigned char)clean.data[n] & 0xC0) == 0x80) n++;
  round_trip((struct slice){clean.data, n}, 1, file);
  round_trip((struct slice){clean.data, n}, 2, file);
  buffer_release(&b);
  buffer_release(&clean);
  buffer_release(&kept);
}

int main(void) {
  repairs("cafÃ© dÃ©jÃ\xC2\xA0 vu", "café déjà vu", "French is repaired");
  repairs("itâ€™s â€œquotedâ€\xC2\x9D â€“ Â£5", "it’s “quoted” – £5", "quotes, dashes and pounds are repaired");
  repairs("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет", "Cyrillic is repaired");
  repairs("æ—¥æœ¬èªž", "日本語", "Japanese is repaired");
  repairs("ðŸ˜€", "😀", "emoji are repaired");
  repairs("SeÃƒÂ±or", "Señor", "damage done twice is repaired");
  repairs("goÃ»t, forÃªt", "goût, forêt", "what may be correct is repaired beside what cannot be");
  repairs("caf\xC3\x83\xC2\xA9", "café", "ISO-8859-1 damage is repaired");
  keeps("«CAFÉ» «PÅ» «VOILÀ…»");
  keeps("Úžasný den, KNÍŽKA, VÁŽENÍ");
  keeps("voilà»… là – dé");
  keeps("IRMÃ» MANHÔ NÃO");
  keeps("Ärger über Öl… GRÖSSE“");
  keeps("Â, Ã and â stand alone; 5 °C; ½ ©");
  keeps("日本語 with é and Ü");
  keeps("");
  repairs("\xC3", "\xC3", "half a character at the end is passed over");

  static const char text[] = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. Příliš žluťoučký kůň úpěl ďábelské ódy. "
                             "Zażółć gęślą jaźń. Pijamalı hasta yağız şoföre çabucak güvendi. Съешь же ещё этих мягких французских булок. "
                             "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. דג סקרן שט בים. نص حكيم له سر قاطع. 色は匂へど散りぬるを。 다람쥐 헌 쳇바퀴. “Quotes” – ‘dashes’ … €5";
  round_trip(SLICE(text), 1, "text of ten languages");
  round_trip(SLICE(text), 2, "text of ten languages");
  collection("text/multi/libreoffice-help-ru.txt");
  collection("text/multi/libreoffice-help-ja.txt");
  collection("text/multi/libreoffice-help-hi.txt");
  collection("text/multi/chinese.txt");
  return tap_done();
}
