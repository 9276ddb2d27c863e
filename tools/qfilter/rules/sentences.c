/* SPDX-License-Identifier: MIT
 *
 * A sentence ends before the first token that is neither punctuation nor a terminator and comes after a terminator (a
 * token that is exactly one of spaCy's punct_chars, such as "." or "?").
 * https://spacy.io/api/sentencizer  https://spacy.io/usage/linguistic-features#how-tokenizer-works
 *
 * So the question is which full stops are tokens of their own.  spaCy cuts text at white space, takes prefixes and
 * suffixes off each chunk until it is one of the exceptions (Mr., e.g., a.m.) or nothing more comes off, and cuts the
 * rest at infixes unless it is a URL.  Of its rules these can matter here and are reproduced:
 *   prefixes   punctuation, quotes, brackets, signs, currency, two or more full stops
 *   suffixes   the same; 's; a full stop after a lower-case letter, digit, closing punctuation or two upper-case letters
 *   infixes    two or more full stops; a full stop between lower and upper case ("end.Start")
 */
#include "tools/qfilter/rules/sentences.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/text/unicode.h"
#include "tools/qfilter/rules/punctuation.h"

enum token_kind { TOKEN_OTHER, TOKEN_PUNCTUATION, TOKEN_TERMINATOR };

static const char terminators[] =
    "!.?\u0589\u061F\u06D4\u0700\u0701\u0702\u07F9\u0964\u0965\u104A\u104B\u1362\u1367\u1368\u166E\u1735\u1736"
    "\u1803\u1809\u1944\u1945\u1AA8\u1AA9\u1AAA\u1AAB\u1B5A\u1B5B\u1B5E\u1B5F\u1C3B\u1C3C\u1C7E\u1C7F\u203C\u203D"
    "\u2047\u2048\u2049\u2E2E\u2E3C\u3002\uA4FF\uA60E\uA60F\uA6F3\uA6F7\uA876\uA877\uA8CE\uA8CF\uA92F\uA9C8\uA9C9"
    "\uAA5D\uAA5E\uAA5F\uAAF0\uAAF1\uABEB\uFE52\uFE56\uFE57\uFF01\uFF0E\uFF1F\uFF61\U00010A56\U00010A57\U00011047"
    "\U00011048\U000110BE\U000110BF\U000110C0\U000110C1\U00011141\U00011142\U00011143\U000111C5\U000111C6"
    "\U000111CD\U000111DE\U000111DF\U00011238\U00011239\U0001123B\U0001123C\U000112A9\U0001144B\U0001144C"
    "\U000115C2\U000115C3\U000115C9\U000115CA\U000115CB\U000115CC\U000115CD\U000115CE\U000115CF\U000115D0"
    "\U000115D1\U000115D2\U000115D3\U000115D4\U000115D5\U000115D6\U000115D7\U00011641\U00011642\U0001173C"
    "\U0001173D\U0001173E\U00011A42\U00011A43\U00011A9B\U00011A9C\U00011C41\U00011C42\U00016A6E\U00016A6F"
    "\U00016AF5\U00016B37\U00016B38\U00016B44\U0001BC9F\U0001DA88";
static const char affixes[] = /* LIST_PUNCT, LIST_QUOTES, U+2026, dashes: prefix and suffix alike */
    "!#&()*,:;<>?[]_{}\u00A1\u00B7\u00BF\u060C\u061B\u061F\u066A\u06D4\u0964\u2026\u3001\u3002\uFF01\uFF0C\uFF1A"
    "\uFF1B\uFF1F\uFF5E\"'`\u00AB\u00B4\u00BB\u2018\u2019\u201A\u201C\u201D\u201E\u2329\u232A\u27E6\u27E7\u3008\u3009"
    "\u300A\u300B\u300C\u300D\u300E\u300F\u3010\u3011\u3014\u3015\uFF08\uFF09\u2014\u2013";
static const char prefixes_only[] = "\u00A7%=$\u00A3\u20AC\u00A5\u0E3F\u20BD\u20B4\u20B9\u20A9\u20AA\u20AB\u20BA\u20BF";
static const char before_full_stop[] = /* beside digits and lower-case letters */
    "%\u00B2-+|(?:)!#&*,;<>[]_{}\u00A1\u00B7\u00BF\u060C\u061B\u061F\u066A\u06D4\u0964\u2026\u3001\u3002\uFF01\uFF0C\uFF1A"
    "\uFF1B\uFF1F\uFF5E\"'`\u00AB\u00B4\u00BB\u2018\u2019\u201A\u201C\u201D\u201E\u2329\u232A\u27E6\u27E7\u3008\u3009"
    "\u300A\u300B\u300C\u300D\u300E\u300F\u3010\u3011\u3014\u3015\uFF08\uFF09";
static const char quotes[] =
    "\"'`,\u00AB\u00B4\u00BB\u2018\u2019\u201A\u201C\u201D\u201E\u2329\u232A\u27E6\u27E7\u3008\u3009\u300A\u300B"
    "\u300C\u300D\u300E\u300F\u3010\u3011\u3014\u3015\uFF08\uFF09";

/* spaCy's English exceptions that end in a full stop (lang/en/tokenizer_exceptions.py, lang/tokenizer_exceptions.py);
 * sorted bytewise. */
static const char *const abbreviations[] = {
    "Adm.", "Ak.", "Ala.", "Apr.", "Ariz.", "Ark.", "Aug.", "Bros.", "Calif.", "Co.", "Colo.", "Conn.", "Corp.", "D.C.",
    "Dec.", "Del.", "Dr.", "E.G.", "E.g.", "Feb.", "Fla.", "Ga.", "Gen.", "Gov.", "I.E.", "I.e.", "Ia.", "Id.", "Ill.",
    "Inc.", "Ind.", "Jan.", "Jr.", "Jul.", "Jun.", "Kan.", "Kans.", "Ky.", "La.", "Ltd.", "Mar.", "Mass.", "Md.",
    "Messrs.", "Mich.", "Minn.", "Miss.", "Mo.", "Mont.", "Mr.", "Mrs.", "Ms.", "Mt.", "N.C.", "N.D.", "N.H.", "N.J.",
    "N.M.", "N.Y.", "Neb.", "Nebr.", "Nev.", "Nov.", "Oct.", "Okla.", "Ore.", "Pa.", "Ph.D.", "Prof.", "Rep.", "Rev.",
    "S.C.", "Sen.", "Sep.", "Sept.", "St.", "Tenn.", "Va.", "Wash.", "Wis.", "a.m.", "co.", "e.g.", "i.e.", "p.m.",
    "v.s.", "vs."};

static struct char_set terminator_set, affix_set, prefix_set, before_stop_set, quote_set;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void) {
  char_set_init(&terminator_set, slice_of(terminators));
  char_set_init(&affix_set, slice_of(affixes));
  char_set_init(&prefix_set, slice_of(prefixes_only));
  char_set_init(&before_stop_set, slice_of(before_full_stop));
  char_set_init(&quote_set, slice_of(quotes));
}

static uint32_t first_code_point(struct slice s, int *length) { return unicode_decode(s.data, length); }

static uint32_t last_code_point(struct slice s, int *length) {
  size_t start = s.len - 1;
  while (start && (s.data[start] & 0xC0) == 0x80) start--;
  return unicode_decode(s.data + start, length);
}

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

/* spaCy's ALPHA_LOWER and ALPHA_UPPER both hold the letters of scripts without case. */
static bool is_lower(uint32_t c) {
  uint8_t f = unicode_flags(unicode_table(), c);
  return (f & UNICODE_LETTER) && !(f & UNICODE_UPPER);
}
static bool is_upper(uint32_t c) {
  uint8_t f = unicode_flags(unicode_table(), c);
  return (f & UNICODE_LETTER) && !(f & UNICODE_LOWER);
}

static int compare_abbreviation(const void *key, const void *element) {
  const struct slice *s = key;
  const char *word = *(const char *const *)element;
  size_t n = strlen(word);
  int order = memcmp(s->data, word, s->len < n ? s->len : n);
  return order ? order : (s->len > n) - (s->len < n);
}

static bool is_exception(struct slice s) {
  if (s.data[s.len - 1] != '.') return false;
  if (s.len == 2 && s.data[1] == '.' && s.data[0] >= 'a' && s.data[0] <= 'z') return true;
  if (s.len == 3 && s.data[2] == '.' && (slice_starts(s, SLICE("\u00E4")) || slice_starts(s, SLICE("\u00F6")) || slice_starts(s, SLICE("\u00FC")))) return true;
  if (s.len < 3 || s.len > 7) return false;
  size_t digits = 0; /* 9a.m. */
  while (digits < 2 && is_digit((uint8_t)s.data[digits])) digits++;
  if (digits && s.len - digits == 4) {
    int hour = digits == 1 ? s.data[0] - '0' : (s.data[0] - '0') * 10 + s.data[1] - '0';
    struct slice rest = {s.data + digits, 4};
    if (hour >= 1 && hour <= 12 && s.data[0] != '0' && (slice_equal(rest, SLICE("a.m.")) || slice_equal(rest, SLICE("p.m.")))) return true;
  }
  return bsearch(&s, abbreviations, sizeof abbreviations / sizeof *abbreviations, sizeof *abbreviations, compare_abbreviation) != NULL;
}

static bool is_host_letter(uint32_t c) {
  return is_digit(c) || (c | 32) - 'a' < 26 || (c >= 0xA1 && c <= 0xFFFF);
}

/* host.tld[:port][/...]: names of letters and digits, a lower-case TLD. */
static bool is_host(struct slice s) {
  size_t i = 0, label = 0, label_length = 0, labels = 0;
  bool lower = true;
  while (i < s.len) {
    int length;
    uint32_t c = unicode_decode(s.data + i, &length);
    if (c == '.') {
      if (label_length == 0 || label_length > 64 || s.data[i - 1] == '-' || s.data[i - 1] == '_' || !is_host_letter((uint8_t)s.data[label] < 0x80 ? (uint8_t)s.data[label] : 0xA1u)) return false;
      labels++;
      label = i + 1;
      label_length = 0;
      lower = true;
    } else if (is_host_letter(c) || c == '-' || c == '_') {
      label_length++;
      lower &= is_lower(c);
    } else {
      break;
    }
    i += (size_t)length;
  }
  if (labels == 0 || !lower || label_length < 2 || label_length > 63) return false;
  if (i < s.len && s.data[i] == ':') {
    size_t digits = 0;
    for (i++; i < s.len && is_digit((uint8_t)s.data[i]); i++) digits++;
    if (digits < 2 || digits > 5) return false;
  }
  return i == s.len || s.data[i] == '/' || s.data[i] == '?' || s.data[i] == '#';
}

/* spaCy's URL_PATTERN: [scheme://][user@]host. */
static bool is_url(struct slice s) {
  const char *scheme = slice_find(s, SLICE("://"));
  if (scheme && scheme - s.data >= 2) {
    bool good = true;
    for (const char *p = s.data; p < scheme; p++) good &= is_digit((uint8_t)*p) || ((unsigned char)*p | 32u) - 'a' < 26 || strchr("+-._", *p) != NULL;
    if (good) s = (struct slice){scheme + 3, s.len - (size_t)(scheme + 3 - s.data)};
  }
  if (is_host(s)) return true;
  const char *at = memrchr(s.data, '@', s.len);
  return at && at > s.data && is_host((struct slice){at + 1, s.len - (size_t)(at + 1 - s.data)});
}

static size_t prefix_length(struct slice s) {
  if (s.len == 0) return 0;
  if (s.data[0] == '.') {
    size_t n = 0;
    while (n < s.len && s.data[n] == '.') n++;
    return n >= 2 ? n : 0;
  }
  int length;
  uint32_t c = first_code_point(s, &length);
  if (c == '+') return s.len > 1 && is_digit((uint8_t)s.data[1]) ? 0 : 1;
  return char_set_has(&affix_set, c) || char_set_has(&prefix_set, c) ? (size_t)length : 0;
}

static size_t suffix_length(struct slice s) {
  if (s.len == 0) return 0;
  int length;
  uint32_t c = last_code_point(s, &length);
  if (c == '.') {
    size_t n = 0;
    while (n < s.len && s.data[s.len - 1 - n] == '.') n++;
    if (n >= 2) return n;
    if (s.len == 1) return 0;
    struct slice before = {s.data, s.len - 1};
    uint32_t b = last_code_point(before, &length);
    if (is_digit(b) || is_lower(b) || char_set_has(&before_stop_set, b)) return 1;
    before.len -= (size_t)length;
    if (before.len == 0) return 0;
    uint32_t a = last_code_point(before, &length);
    return (is_upper(b) && is_upper(a)) || (a == 0xB0 && strchr("FfCcKk", (int)(b < 128 ? b : 1))) ? 1 : 0;
  }
  if ((c == 's' || c == 'S') && s.len >= 2) {
    if (s.data[s.len - 2] == '\'') return 2;
    if (s.len >= 4 && memcmp(s.data + s.len - 4, "\u2019", 3) == 0) return 4;
  }
  return char_set_has(&affix_set, c) ? (size_t)length : 0;
}

static enum token_kind kind_of(struct slice token) {
  int length;
  uint32_t c = first_code_point(token, &length);
  if ((size_t)length == token.len && char_set_has(&terminator_set, c)) return TOKEN_TERMINATOR;
  const uint8_t *flags = unicode_table();
  for (size_t i = 0; i < token.len; i += (size_t)length)
    if (!(unicode_flags(flags, unicode_decode(token.data + i, &length)) & UNICODE_PUNCTUATION)) return TOKEN_OTHER;
  return TOKEN_PUNCTUATION;
}

struct state {
  struct sentence_list *list;
  const char *text;
  bool seen_terminator;
};

static void add_end(struct sentence_list *list, size_t end) {
  GROW(list->ends, list->capacity, list->count + 1);
  list->ends[list->count++] = end;
}

static void token(struct state *s, struct slice t) {
  if (t.len == 0) return;
  enum token_kind kind = kind_of(t);
  if (kind == TOKEN_TERMINATOR) {
    s->seen_terminator = true;
  } else if (kind == TOKEN_OTHER && s->seen_terminator) {
    add_end(s->list, (size_t)(t.data - s->text));
    s->seen_terminator = false;
  }
}

/* What is left of a chunk once prefixes and suffixes are off. */
static void middle(struct state *s, struct slice t) {
  if (t.len == 0) return;
  if (!memchr(t.data, '.', t.len) || is_exception(t) || is_url(t)) {
    token(s, t);
    return;
  }
  size_t start = 0;
  for (size_t i = 1; i < t.len; i++) {
    if (t.data[i] != '.') continue;
    size_t n = 1;
    while (i + n < t.len && t.data[i + n] == '.') n++;
    int length;
    bool infix = n >= 2;
    if (!infix && i + 1 < t.len) {
      uint32_t before = last_code_point((struct slice){t.data, i}, &length);
      uint32_t after = unicode_decode(t.data + i + 1, &length);
      infix = (is_lower(before) || char_set_has(&quote_set, before)) && (is_upper(after) || char_set_has(&quote_set, after));
    }
    if (n == 1 && infix && is_exception((struct slice){t.data + start, i + 1 - start})) { /* f.Kr: "f." is one token */
      token(s, (struct slice){t.data + start, i + 1 - start});
      start = i + 1;
    } else if (infix) {
      token(s, (struct slice){t.data + start, i - start});
      token(s, (struct slice){t.data + i, n});
      start = i + n;
    }
    i += n - 1;
  }
  token(s, (struct slice){t.data + start, t.len - start});
}

static void chunk(struct state *s, struct slice text) {
  struct slice rest = text;
  size_t last = 0;
  /* Prefixes are tokens at once; suffixes lie between the rest and the end of the chunk and are cut again below. */
  while (rest.len && rest.len != last) {
    if (is_exception(rest)) break;
    last = rest.len;
    size_t pre = prefix_length(rest);
    struct slice without_prefix = {rest.data + pre, rest.len - pre};
    if (pre && without_prefix.len && is_exception(without_prefix)) {
      token(s, (struct slice){rest.data, pre});
      rest = without_prefix;
      break;
    }
    size_t suffix = suffix_length(without_prefix);
    struct slice without_suffix = {rest.data, rest.len - suffix};
    if (suffix && without_suffix.len && is_exception(without_suffix)) {
      rest = without_suffix;
      break;
    }
    if (pre) {
      token(s, (struct slice){rest.data, pre});
      rest = without_prefix;
    }
    rest.len -= suffix;
  }
  middle(s, rest);
  const char *end = text.data + text.len;
  for (const char *p = rest.data + rest.len; p < end;) { /* suffixes, first to last */
    size_t n;
    int length;
    if (*p == '.') {
      for (n = 1; p + n < end && p[n] == '.'; n++) continue;
    } else {
      unicode_decode(p, &length);
      n = (size_t)length;
      if (n < (size_t)(end - p) && (p[n] == 's' || p[n] == 'S')) n++; /* 's */
    }
    token(s, (struct slice){p, n});
    p += n;
  }
}

void sentences_split(struct sentence_list *list, struct slice text) {
  pthread_once(&once, fill);
  list->count = 0;
  if (text.len == 0) return;
  const uint8_t *flags = unicode_table();
  struct state s = {.list = list, .text = text.data};
  int length;
  bool in_space = unicode_flags(flags, unicode_decode(text.data, &length)) & UNICODE_SPACE;
  for (size_t i = 0; i < text.len;) {
    size_t start = i;
    while (i < text.len && !!(unicode_flags(flags, unicode_decode(text.data + i, &length)) & UNICODE_SPACE) == in_space) i += (size_t)length;
    struct slice run = {text.data + start, i - start};
    if (!in_space) {
      chunk(&s, run);
    } else { /* one space belongs to the token before it, more are a token of their own */
      if (start > 0 && run.data[0] == ' ') run = (struct slice){run.data + 1, run.len - 1};
      token(&s, run);
    }
    in_space = !in_space;
  }
  add_end(list, text.len);
}

void sentence_list_release(struct sentence_list *list) {
  free(list->ends);
  *list = (struct sentence_list){0};
}
