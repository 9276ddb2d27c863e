/* SPDX-License-Identifier: MIT
 *
 * A cut between the characters x and y is safe for a pattern when
 *   (1) a piece ends between x and y in every text in which they stand side by side, and
 *   (2) the text up to x has the pieces that it has before y; the end of the text shows only in what white space matches
 *       (\s+(?!\S), \s+$), so an x that is not white space is enough.
 * What follows y needs no condition: all patterns look ahead only, so pieces depend on the text from a piece's start on.
 * Classes: L letter, N number, W white space, O other (M marks among them).  Both characters must be valid UTF-8.
 *
 * gpt2    Pieces are a contraction, ` ?L+`, ` ?N+`, ` ?O+` or W+.  No piece goes from L, N or O to another class, but the
 *         contraction from ' to a letter: every change of class is safe but that one; W as y is one.  One W that is no
 *         space, between two that are not W, is a piece by itself, before the end of the text too: a cut may follow it.
 * cl100k  A word may begin with one character that is not L, N, \r, \n: nothing about O L.  O goes on with \r and \n:
 *         nothing about O \n.  A contraction begins with ', and no piece has ' after L.  Otherwise as gpt2.  A \r or \n ends
 *         what it is in (`O+[\r\n]*`, `\s*[\r\n]+`, \s+$) before anything but W, and comes before the end of the text in a
 *         piece alike: it is safe as x.  With \p{N} alone every place between two numbers is one.
 * o200k   As cl100k, but words hold M, which O+ holds too, and take ' as a contraction behind them: nothing about M L, M O,
 *         L '.  `O+[\r\n/]*`: nothing about \n /.
 * numbers N ends what is no number and the other way round, and stages see only their own piece: every change is safe,
 *         white space or not, which makes the stages behind it see the end of their text.
 * deepseek  As numbers; the range of ideographs and kana is isolated like numbers are.  In the rest: words [LM]+ take one
 *         character that is not \r, \n, L or a sign (\p{P}, \p{S}); an ASCII sign takes ASCII letters alone; signs go on with
 *         \r and \n.  So L before what is neither L nor M is safe, ' too; a sign before a letter is safe unless both are
 *         ASCII; O before W but \r and \n is safe: neither signs nor unmatched characters take it.
 * words   Every change between word characters, white space and the rest.
 *
 * In stages: a place that is a cut of the first stage is one of all, since the others see its pieces one by one.  A stage
 * that cannot see either character (numbers, without one at hand; none) leaves the question to the next one, which sees
 * both in one piece.  A regular expression that is not known says nothing.
 */
#include "common/token/cut.h"

#include "common/token/classes.h"
#include "common/token/specials.h"

struct side {
  uint32_t code_point;
  enum char_class class;
  bool mark, line_end, alone; /* alone: white space, no space, behind a character that is not white space */
};

static bool decode(const struct classes *c, const uint8_t *p, const uint8_t *end, struct side *side, unsigned *length) {
  unsigned bits = classes_bits_at(c, p, end, length);
  if (*p >= 0x80 && *length == 1) return false;
  uint32_t u = *p;
  if (*length > 1) {
    u = *p & (0xFFu >> (*length + 1));
    for (unsigned i = 1; i < *length; i++) u = u << 6 | (p[i] & 0x3F);
  }
  *side = (struct side){u, (enum char_class)(bits & CLASS_MASK), .line_end = u == '\n' || u == '\r'};
  side->mark = side->class == CLASS_OTHER && bits & CASE_HEAD;
  return true;
}

/* The character that ends at i > 0: where it starts; i when it is not valid. */
static size_t before(const struct classes *c, const uint8_t *base, size_t i, struct side *side) {
  size_t start = i - 1;
  while (start > 0 && i - start < 4 && (base[start] & 0xC0) == 0x80) start--;
  unsigned length;
  return decode(c, base + start, base + i, side, &length) && start + length == i ? start : i;
}

static bool between(uint32_t u, uint32_t first, uint32_t last) { return u - first <= last - first; }

static bool is_sign(const struct side *s) { /* that need no table: \p{P} or \p{S} */
  uint32_t u = s->code_point;
  return s->class == CLASS_OTHER && (between(u, 0x21, 0x7E) || between(u, 0x2010, 0x2027) || between(u, 0x3001, 0x3020) || between(u, 0xFF01, 0xFF0F));
}

/* Nothing before it changes by it under NFC. */
static bool stands_alone(const struct side *y) {
  uint32_t u = y->code_point;
  if (u < 0x80) return true;
  if (y->class == CLASS_LETTER || y->class == CLASS_NUMBER) return !between(u, 0x1100, 0x11FF) && !between(u, 0xD7B0, 0xD7FF) && !between(u, 0x16D40, 0x16D7F);
  return is_sign(y);
}

static bool is_kana(uint32_t u) { return between(u, 0x4E00, 0x9FA5) || between(u, 0x3040, 0x30FF); }

static bool safe_gpt2(const struct side *x, const struct side *y) {
  if (x->class == CLASS_SPACE) return x->alone && y->class != CLASS_SPACE;
  return x->class != y->class && !(x->code_point == '\'' && y->class == CLASS_LETTER);
}

static bool safe_cl100k(const struct pattern *p, const struct side *x, const struct side *y) {
  bool cased = p->kind == PATTERN_O200K;
  if (x->line_end) return y->class != CLASS_SPACE && !(cased && y->code_point == '/');
  if (x->class == CLASS_SPACE) return false;
  if (y->class == CLASS_SPACE) return x->class != CLASS_OTHER || !y->line_end;
  if (x->class == CLASS_NUMBER && y->class == CLASS_NUMBER) return p->digits == 1;
  if (x->class == y->class || (x->class == CLASS_OTHER && y->class == CLASS_LETTER)) return false;
  return !(cased && x->class == CLASS_LETTER && y->class == CLASS_OTHER && (y->mark || (y->code_point == '\'' && !p->plain)));
}

static bool safe_deepseek(const struct side *x, const struct side *y) {
  if ((x->class == CLASS_NUMBER) != (y->class == CLASS_NUMBER) || is_kana(x->code_point) != is_kana(y->code_point)) return true;
  if (x->class == CLASS_NUMBER || is_kana(x->code_point)) return false;
  if (x->line_end) return y->class != CLASS_SPACE;
  if (x->class == CLASS_SPACE) return false;
  if (x->class == CLASS_LETTER) return y->class != CLASS_LETTER && !y->mark;
  if (y->class == CLASS_SPACE) return !y->line_end;
  return y->class == CLASS_LETTER && is_sign(x) && (x->code_point >= 0x80 || y->code_point >= 0x80);
}

static int word_run(const struct side *s) {
  return s->class == CLASS_SPACE ? 0 : s->class != CLASS_OTHER || s->mark || s->code_point == '_' ? 1 : 2;
}

static bool safe(const struct pattern *stages, int count, const struct side *x, const struct side *y) {
  for (int i = 0; i < count; i++) switch (stages[i].kind) {
    case PATTERN_NONE: break;
    case PATTERN_NUMBERS:
      if (x->class != CLASS_NUMBER && y->class != CLASS_NUMBER) break;
      return x->class != y->class || stages[i].digits == 1;
    case PATTERN_GPT2: return safe_gpt2(x, y);
    case PATTERN_CL100K: case PATTERN_O200K: return safe_cl100k(&stages[i], x, y);
    case PATTERN_DEEPSEEK: return safe_deepseek(x, y);
    case PATTERN_WORD_RUNS: return word_run(x) != word_run(y);
    case PATTERN_REGEX: return false;
  }
  return false;
}

/* Largest safe place at or below `from` < text.len. */
static size_t cut_below(const struct classes *c, const struct pattern *stages, int count, struct slice text, size_t from) {
  const uint8_t *base = (const uint8_t *)text.data, *end = base + text.len;
  for (size_t i = from; i > 0; i--) {
    struct side x, y, w;
    unsigned length;
    enum char_class class = (enum char_class)c->byte[base[i]]; /* of an ASCII character */
    if (class == c->byte[base[i - 1]] && (class == CLASS_LETTER || class == CLASS_SPACE)) continue; /* no pattern cuts there: long runs */
    if ((base[i] & 0xC0) == 0x80 || !decode(c, base + i, end, &y, &length) || !stands_alone(&y)) continue;
    size_t start = before(c, base, i, &x);
    if (start == i) continue;
    if (x.class == CLASS_SPACE && x.code_point != ' ' && start > 0) x.alone = before(c, base, start, &w) < start && w.class != CLASS_SPACE;
    if (safe(stages, count, &x, &y)) return i;
  }
  return 0;
}

size_t cut_find(const struct pattern *stages, int count, const struct specials *specials, struct slice text) {
  int i = 0;
  while (i < count && stages[i].kind == PATTERN_NONE) i++;
  if (i == count || stages[i].kind == PATTERN_REGEX || text.len < 2) return 0;
  const struct classes *c = classes_get();
  size_t at = text.len - 1;
  while ((at = cut_below(c, stages, count, text, at)) > 0 && specials) {
    size_t clear = specials_cut(specials, text, at);
    if (clear == at) return at;
    at = clear;
  }
  return at;
}
