/* SPDX-License-Identifier: MIT
 *
 * The scanners of page_text.c for one instruction set.  Included once for each, with
 *   TARGET            attributes of functions
 *   NAME(x)           their names
 *   BYTES             64 bytes
 *   LOAD(s, n)        the first min(n, 64) of s, zeros behind
 *   EQUAL(v, c), BETWEEN(v, low, high), FOLDED(v, c), HIGH(v), WHITE(v), WORD(v)
 *                     bit masks: bytes that are c, in a range, c in either case (a letter), above ASCII,
 *                     ASCII white space, ASCII letters, digits and _
 *   COMPACT(to, v, keep, white)
 *                     writes the bytes of `keep` one after another, ' ' for those of `white`; may write 64 bytes
 */

/* Bytes of the first 64 of s that are whole characters. */
TARGET static inline unsigned NAME(whole)(BYTES v, uint64_t high, size_t n) {
  if (n <= 64) return (unsigned)n;
  if (!(high >> 61)) return 64;
  uint64_t three = BETWEEN(v, 0xE0, 0xFF);
  uint64_t cut = (BETWEEN(v, 0xC0, 0xFF) & UINT64_C(1) << 63) | (three & UINT64_C(1) << 62) | (BETWEEN(v, 0xF0, 0xFF) & UINT64_C(1) << 61);
  return cut ? (unsigned)__builtin_ctzll(cut) : 64;
}

TARGET static inline uint64_t NAME(low)(unsigned n) { return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1; }

TARGET static void NAME(append)(struct text_run *r, const char *s, size_t n) {
  struct buffer *out = r->out;
  while (n) {
    BYTES v = LOAD(s, n);
    uint64_t white = WHITE(v);
    unsigned m = n < 64 ? (unsigned)n : 64, odd_at = 64;
    uint64_t in = NAME(low)(m), rest = in & ~white & ~BETWEEN(v, 0x21, 0x7E);
    if (rest) {
      uint64_t high = rest & HIGH(v), odd = rest & ~high;
      if (high) {
        m = NAME(whole)(v, high, n);
        in = NAME(low)(m);
        /* C2 80-A0, AD; E2 80 80-8B, 8E, 8F, A8-AF; E2 81 A0-AF; E3 80 80; EE; EF 80-A3; EF B7 90-AF; EF BB BF; EF BF BE, BF */
        uint64_t c2 = EQUAL(v, 0xC2), e2 = EQUAL(v, 0xE2), e3 = EQUAL(v, 0xE3), ef = EQUAL(v, 0xEF);
        odd |= EQUAL(v, 0xEE);
        if (c2) odd |= c2 & (BETWEEN(v, 0x80, 0xA0) | EQUAL(v, 0xAD)) >> 1;
        if (e2 | e3) {
          uint64_t x80 = EQUAL(v, 0x80) >> 1;
          odd |= e2 & x80 & (BETWEEN(v, 0x80, 0x8B) | BETWEEN(v, 0x8E, 0x8F) | BETWEEN(v, 0xA8, 0xAF)) >> 2;
          odd |= e2 & EQUAL(v, 0x81) >> 1 & BETWEEN(v, 0xA0, 0xAF) >> 2;
          odd |= e3 & x80 & x80 >> 1;
        }
        if (ef) {
          odd |= ef & BETWEEN(v, 0x80, 0xA3) >> 1;
          odd |= ef & EQUAL(v, 0xB7) >> 1 & BETWEEN(v, 0x90, 0xAF) >> 2;
          odd |= ef & EQUAL(v, 0xBF) >> 2 & (EQUAL(v, 0xBB) | EQUAL(v, 0xBF)) >> 1;
          odd |= ef & EQUAL(v, 0xBF) >> 1 & EQUAL(v, 0xBE) >> 2;
        }
        odd &= in;
      }
      if (odd) {
        odd_at = (unsigned)__builtin_ctzll(odd);
        m = odd_at;
        in = NAME(low)(m);
      }
    }
    white &= in;
    uint64_t dark = in & ~white;
    if (dark) {
      unsigned first = (unsigned)__builtin_ctzll(dark);
      if (out->capacity - out->len < 128) buffer_reserve(out, n + 128);
      if ((r->space || first) && out->len > r->start && out->data[out->len - 1] != '\n') out->data[out->len++] = ' ';
      uint64_t keep = dark | (white & dark >> 1 & ~UINT64_C(0) << first);
      COMPACT(out->data + out->len, v, keep, white);
      out->len += (unsigned)__builtin_popcountll(keep);
      r->space = white >> (m - 1) & 1;
      r->written = true;
    } else if (white) {
      r->space = true;
    }
    if (odd_at < 64) m += odd_character(r, s + m, n - m);
    s += m;
    n -= m;
  }
}

TARGET static uint32_t NAME(words)(const char *s, size_t n) {
  uint32_t words = 0, pairs = 0;
  uint64_t carry = 0;
  while (n) {
    BYTES v = LOAD(s, n);
    uint64_t word = WORD(v), all = word, high = HIGH(v);
    unsigned m = n < 64 ? (unsigned)n : 64;
    if (high) { /* as word_class() says */
      m = NAME(whole)(v, high, n);
      uint64_t in = NAME(low)(m), inner = BETWEEN(v, 0x80, 0xBF) & in, lead = BETWEEN(v, 0xC0, 0xFF) & in;
      uint64_t c2 = EQUAL(v, 0xC2), c3 = EQUAL(v, 0xC3), three = BETWEEN(v, 0xE0, 0xFF) & in, no = 0, pair = 0;
      if (c2) no |= c2 & ~((EQUAL(v, 0xAA) | EQUAL(v, 0xB5) | EQUAL(v, 0xBA)) >> 1);
      if (c3) no |= c3 & (EQUAL(v, 0x97) | EQUAL(v, 0xB7)) >> 1;
      if (three) {
        uint64_t e3 = EQUAL(v, 0xE3), f0 = EQUAL(v, 0xF0), x80 = EQUAL(v, 0x80) >> 1;
        no |= EQUAL(v, 0xE2) & ~(BETWEEN(v, 0xB0, 0xBA) >> 1);
        no |= EQUAL(v, 0xEF) & ~(BETWEEN(v, 0xA4, 0xB7) >> 1);
        no |= e3 | (f0 & EQUAL(v, 0x9F) >> 1);
        pair = (EQUAL(v, 0xE0) & BETWEEN(v, 0xB8, 0xB9) >> 1) | BETWEEN(v, 0xE4, 0xE9) | (f0 & BETWEEN(v, 0xA0, 0xBF) >> 1);
        pair |= e3 & (~x80 | BETWEEN(v, 0x85, 0x87) >> 2);
        pair &= in;
      }
      uint64_t letters = lead & ~no & ~pair;
      pairs += (unsigned)__builtin_popcountll(pair);
      word = (word & in) | letters;
      all = word | (inner & ~(inner + (letters << 1 & inner))); /* the bytes behind a lead are one run */
    }
    words += (unsigned)__builtin_popcountll(word & ~(all << 1 | carry));
    carry = all >> (m - 1) & 1;
    s += m;
    n -= m;
  }
  return words + (pairs + 1) / 2;
}

TARGET static void NAME(look)(const char *text, size_t length, struct text_look *l) {
  uint64_t carry = 1;
  for (size_t at = 0; at < length;) {
    const char *s = text + at;
    size_t n = length - at;
    BYTES v = LOAD(s, n);
    uint64_t high = HIGH(v);
    unsigned m = high ? NAME(whole)(v, high, n) : n < 64 ? (unsigned)n : 64;
    uint64_t in = NAME(low)(m), white = (EQUAL(v, ' ') | BETWEEN(v, '\t', '\n')) & in;
    uint64_t digit = BETWEEN(v, '0', '9') & in, letter = (BETWEEN(v, 'A', 'Z') | BETWEEN(v, 'a', 'z')) & in;
    uint64_t start = in & ~white & (white << 1 | carry), sign = in & ~(high | white | digit | letter), inner = 0;
    carry = white >> (m - 1) & 1;
    l->tokens += (unsigned)__builtin_popcountll(start);
    l->capitals += (unsigned)__builtin_popcountll(start & BETWEEN(v, 'A', 'Z'));
    l->digits += (unsigned)__builtin_popcountll(digit);
    l->commas += (unsigned)__builtin_popcountll(sign & (EQUAL(v, ',') | EQUAL(v, '.') | EQUAL(v, ';') | EQUAL(v, '!') | EQUAL(v, '?')));
    l->bars += (unsigned)__builtin_popcountll(sign & EQUAL(v, '|'));
    for (uint64_t dollar = sign & EQUAL(v, '$'); dollar; dollar &= dollar - 1) {
      size_t i = at + (unsigned)__builtin_ctzll(dollar);
      if (i + 2 < length && (is_digit(text[i + 1]) || is_digit(text[i + 2]))) l->currency = true;
    }
    if (high) {
      uint64_t c2 = EQUAL(v, 0xC2) & in, e2 = EQUAL(v, 0xE2) & in, x80 = EQUAL(v, 0x80) >> 1;
      inner = BETWEEN(v, 0x80, 0xBF) & in;
      sign |= c2 | e2;
      uint64_t bars = (c2 & (EQUAL(v, 0xA9) | EQUAL(v, 0xBB) | EQUAL(v, 0xB7)) >> 1) | (e2 & x80 & (EQUAL(v, 0xBA) | EQUAL(v, 0xA2)) >> 2);
      l->bars += (unsigned)__builtin_popcountll(bars);
      if ((c2 & (EQUAL(v, 0xA3) | EQUAL(v, 0xA5)) >> 1) | (e2 & EQUAL(v, 0x82) >> 1 & EQUAL(v, 0xAC) >> 2)) l->currency = true;
      uint64_t commas = EQUAL(v, 0xE3) & in & x80 & BETWEEN(v, 0x81, 0x82) >> 2;
      commas |= EQUAL(v, 0xEF) & in & EQUAL(v, 0xBC) >> 1 & (EQUAL(v, 0x8C) | EQUAL(v, 0x81) | EQUAL(v, 0x9F)) >> 2;
      l->commas += (unsigned)__builtin_popcountll(commas);
    }
    l->signs += (unsigned)__builtin_popcountll(sign);
    l->chars += (unsigned)__builtin_popcountll(in & ~inner);
    at += m;
  }
}

TARGET static unsigned NAME(edges)(const char *s, size_t length, uint32_t *edges, unsigned max) {
  unsigned count = 0;
  uint64_t carry = 0;
  for (size_t at = 0; at < length && count < max; at += 64) {
    BYTES v = LOAD(s + at, length - at);
    uint64_t word = WORD(v) | HIGH(v), change = word ^ (word << 1 | carry);
    if (length - at < 64) change &= NAME(low)((unsigned)(length - at));
    carry = word >> 63;
    for (; change && count < max; change &= change - 1) edges[count++] = (uint32_t)at + (uint32_t)__builtin_ctzll(change);
  }
  if (count & 1) edges[count++] = (uint32_t)length;
  return count;
}

TARGET static uint64_t NAME(reply_starts)(const char *s, size_t n) {
  BYTES v = LOAD(s, n);
  uint64_t o = FOLDED(v, 'o') >> 1;
  uint64_t starts = (FOLDED(v, 'r') & FOLDED(v, 'e') >> 1) | ((FOLDED(v, 'p') | FOLDED(v, 'j')) & o);
  return starts | (FOLDED(v, 'l') & FOLDED(v, 'i') >> 1) | (FOLDED(v, 'q') & FOLDED(v, 'u') >> 1);
}

#undef TARGET
#undef NAME
#undef BYTES
#undef LOAD
#undef EQUAL
#undef BETWEEN
#undef FOLDED
#undef HIGH
#undef WHITE
#undef WORD
#undef COMPACT
