/* SPDX-License-Identifier: MIT
 *
 * Expected forms: Unicode's NormalizationTest.txt and tokenizers.normalizers.NFC.
 */
#include "common/token/normalize.h"

#include "common/base/rng.h"
#include "common/base/utf8.h"
#include "tests/tap.h"

static void becomes(const char *text, const char *want, const char *test) {
  struct buffer scratch = {0};
  struct slice out;
  normalize_nfc(slice_of(text), &scratch, &out);
  ok(slice_equal(out, slice_of(want)), "%s", test);
  buffer_release(&scratch);
}

static void same(const char *text, const char *test) {
  struct buffer scratch = {0};
  struct slice out;
  normalize_nfc(slice_of(text), &scratch, &out);
  ok(out.data == text && out.len == strlen(text), "%s is not copied", test);
  buffer_release(&scratch);
}

static void test_text(void) {
  same("The quick brown fox jumps over the lazy dog, again and again", "ASCII");
  same("déjà vu, Ærøskøbing, Ω", "composed text");
  same("日本語の文章、中文字符。한국어", "ideographs and syllables");
  same("\xFF\x80 x\xCC", "text that is not UTF-8");
  same("", "no text");
  becomes("xe\xCC\x81y", "x\xC3\xA9y", "a letter and an accent compose");
  becomes("e\xCC\x81", "\xC3\xA9", "at both ends too");
  becomes("e\xCC\x81 and e\xCC\x81 and \xC3\xA9", "\xC3\xA9 and \xC3\xA9 and \xC3\xA9", "in every place");
  becomes("a\xCC\x96\xCC\x81", "\xC3\xA1\xCC\x96", "across a mark of another class");
  becomes("a\xCC\x81\xCC\x96", "\xC3\xA1\xCC\x96", "marks are ordered");
  becomes("\xE2\x84\xAA \xE2\x84\xA6 \xE2\x84\xAB", "K \xCE\xA9 \xC3\x85", "singletons become what they stand for");
  becomes("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81", "jamo compose to a syllable");
  becomes("\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81", "a syllable takes a final consonant");
  becomes("\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC", "an excluded composite comes apart");
  becomes("\xF0\xAF\xA0\x80", "\xE4\xB8\xBD", "a compatibility ideograph beyond the first two planes");
  becomes("\xFF""e\xCC\x81\xFF", "\xFF\xC3\xA9\xFF", "invalid bytes stay and separate");
  same("\xE1\xAB\x87\xCC\x96", "a mark that the reference library does not know yet"); /* U+1AC7 */
}

/* Random text: normal text stays, pieces cut where it is allowed are normalised for themselves, long runs end. */
static void test_properties(void) {
  static const uint32_t some[] = {'a', 'e', 'o', ' ', 0x301, 0x300, 0x327, 0x315, 0x334, 0xE9, 0x1E69, 0x1100, 0x1161, 0x11A8, 0xAC00, 0x958, 0x93C, 0x915, 0x212B, 0x4E00, 0xF900, 0x2F800, 0x1D15E};
  struct buffer text = {0}, first = {0}, second = {0}, parts = {0};
  struct rng rng;
  rng_init(&rng, 11);
  int changed = 0, unstable = 0, cuts = 0, different = 0;
  for (int round = 0; round < 2000; round++) {
    buffer_clear(&text);
    for (uint64_t i = 0, n = rng_below(&rng, 30); i < n; i++) {
      if (rng_below(&rng, 40)) utf8_append(&text, some[rng_below(&rng, sizeof some / sizeof some[0])]);
      else buffer_put(&text, (char)rng_next(&rng));
    }
    struct slice whole, again, part;
    normalize_nfc(buffer_slice(&text), &first, &whole);
    changed += !slice_equal(whole, buffer_slice(&text));
    normalize_nfc(whole, &second, &again);
    unstable += !slice_equal(whole, again);
    for (size_t at = 1; at < text.len; at++) {
      if (!normalize_cut(buffer_slice(&text), at)) continue;
      cuts++;
      buffer_clear(&parts);
      normalize_nfc((struct slice){text.data, at}, &second, &part);
      buffer_append_slice(&parts, part);
      normalize_nfc((struct slice){text.data + at, text.len - at}, &second, &part);
      buffer_append_slice(&parts, part);
      different += !slice_equal(whole, buffer_slice(&parts));
    }
  }
  ok(changed > 500 && unstable == 0, "normalising twice is normalising once");
  ok(cuts > 500 && different == 0, "text may be cut after an ASCII character, before one that stays");
  buffer_clear(&text);
  buffer_put(&text, 'e');
  for (int i = 0; i < 400000; i++) buffer_append_string(&text, i % 2 ? "\xCC\x81" : "\xCC\x96");
  struct slice whole;
  normalize_nfc(buffer_slice(&text), &first, &whole);
  ok(whole.len == text.len - 1 && slice_starts(whole, SLICE("\xC3\xA9\xCC\x96\xCC\x96")), "800,000 bytes of marks are ordered in linear time");
  buffer_release(&text);
  buffer_release(&first);
  buffer_release(&second);
  buffer_release(&parts);
}

int main(void) {
  test_text();
  test_properties();
  return tap_done();
}
