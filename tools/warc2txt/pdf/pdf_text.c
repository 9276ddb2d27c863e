/* SPDX-License-Identifier: MIT
 *
 * Paragraphs from the lines of a PDF.
 *
 * 1. Lines: control characters go, ligatures of fonts (U+FB00 to FB06) become their letters, because they are the page's
 *    typesetting and not the author's text; what else a font maps stays.
 * 2. Running heads and page numbers: a line among the first or last EDGE of its page whose words, numbers left out, also
 *    stand there on NEAR other pages close by (even and odd ones may have their own) is no text.
 * 3. Joins: the width of a full line is that around which most text stands.  A line goes on in the next one when the next one's
 *    first word would not have fitted any more, or the next one starts in lower case and nothing ends before it; a list item,
 *    a row of a table (wide gaps in it) or of a contents (leaders of dots) is a line of its own.  Over a gap or the end of a
 *    page only the middle of a sentence goes on.
 * 4. Hyphens at line ends: before a lower-case letter the hyphen is dropped, unless the document has the word with the hyphen
 *    and not without it; before others it stays, and no space follows.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/pdf/pdf.h"

enum {
  EDGE = 3,          /* lines at the top and at the bottom of a page */
  NEAR = 2, WINDOW = 4, /* so many other pages within so many before and behind */
  WIDTH_MIN = 30,    /* a document of shorter lines has no paragraphs */
  LINE_MAX_WIDTH = 1000,
  SHARE_FULL = 85, SHARE_SENTENCE = 96, /* percent of the full width that a line and the next word reach; where a sentence ends */
  NEAR_BYTES = 200,  /* how far a join looks back */
  LEADERS_MIN = 5,   /* lines with leaders that make a page one of a contents */
};

struct line {
  size_t at, len;    /* in text.bytes, trimmed */
  uint64_t key;      /* its words without numbers */
  uint32_t page, width; /* characters */
  bool gap;          /* an empty line before it */
  bool leaders, columns, number, dropped;
};

struct text {
  struct buffer bytes;
  struct line *lines;
  size_t count, capacity;
  uint32_t page;
  uint32_t full;     /* width of a full line */
  uint64_t *words;   /* hashes of the document's words, open addressing; 0: free */
  size_t word_count, word_capacity;
};

/* ---- characters */

static uint32_t first_of(struct slice s) {
  uint32_t c = 0;
  int invalid;
  return s.len && utf8_decode(s.data, s.len, &c, &invalid) ? c : 0;
}

static uint32_t last_of(struct slice s) {
  size_t at = s.len;
  while (at > 0 && (s.data[--at] & 0xC0) == 0x80) continue;
  return first_of((struct slice){s.data + at, s.len - at});
}

/* Latin, Greek and Cyrillic: the scripts that have cases and hyphens. */
static bool is_lower(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 0xDF && c <= 0xFF && c != 0xF7) || (c >= 0x100 && c <= 0x17F && (c & 1)) ||
         (c >= 0x3AC && c <= 0x3CE) || (c >= 0x430 && c <= 0x45F) ||
         (c >= 0x561 && c <= 0x587);
}
static bool is_letter(uint32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7) || (c >= 0x370 && c <= 0x58F);
}
static bool is_wide(uint32_t c) {
  return (c >= 0x2E80 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFF00 && c <= 0xFFEF) || (c >= 0x20000 && c <= 0x3FFFF);
}
static bool is_hyphen(uint32_t c) { return c == '-' || c == 0xAD || c == 0x2010; }
static bool ends_sentence(uint32_t c) {
  return c == '.' || c == '!' || c == '?' || c == ':' || c == ';' || c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0x201D || c == 0x2026;
}

static struct slice slice_line(const struct text *t, const struct line *l) { return (struct slice){t->bytes.data + l->at, l->len}; }

static size_t first_word(struct slice s) {
  const char *space = memchr(s.data, ' ', s.len);
  return space ? (size_t)(space - s.data) : s.len;
}

/* ---- lines */

/* Digits and small Roman numerals: what page numbers are made of. */
static bool is_number(struct slice s) {
  size_t digits = 0, roman = 0;
  for (size_t i = 0; i < s.len; i++) {
    char c = s.data[i];
    digits += c >= '0' && c <= '9';
    roman += c == 'i' || c == 'v' || c == 'x' || c == 'l';
    if (!((c >= '0' && c <= '9') || c == 'i' || c == 'v' || c == 'x' || c == 'l' || c == ' ' || c == '-' || c == '/' || c == '.' || c == '|')) return false;
  }
  return (digits > 0) != (roman > 0);
}

/* ". . . ." or "......" become one space: *found tells. */
static size_t without_leaders(char *s, size_t n, bool *found) {
  size_t to = 0;
  for (size_t i = 0; i < n;) {
    size_t j = i, dots = 0;
    while (j < n && (s[j] == '.' || (s[j] == ' ' && dots))) dots += s[j++] == '.';
    if (dots >= 5) {
      *found = true;
      if (to && s[to - 1] != ' ') s[to++] = ' ';
      i = j;
    } else if (dots) {
      memmove(s + to, s + i, j - i);
      to += j - i;
      i = j;
    } else {
      s[to++] = s[i++];
    }
  }
  while (to && s[to - 1] == ' ') to--;
  return to;
}

static uint64_t key_of(struct slice s) {
  char key[256];
  size_t n = 0;
  if (is_number(s)) return 1;
  for (size_t i = 0; i < s.len && n < sizeof key; i++) {
    bool digit = s.data[i] >= '0' && s.data[i] <= '9';
    if (digit && n && key[n - 1] == '0') continue;
    key[n++] = digit ? '0' : s.data[i];
  }
  return XXH3_64bits(key, n) | 2;
}

static void add_line(struct text *t, size_t at, bool gap) {
  struct slice s = {t->bytes.data + at, t->bytes.len - at};
  bool leaders = false, columns = false;
  size_t n = without_leaders(t->bytes.data + at, s.len, &leaders), to = 0;
  for (size_t i = 0; i < n;) { /* wide gaps become tabs, others one space */
    size_t spaces = 0;
    while (i + spaces < n && s.data[i + spaces] == ' ') spaces++;
    if (spaces == 0) {
      t->bytes.data[at + to++] = s.data[i++];
    } else {
      if (spaces >= 3) columns = true;
      t->bytes.data[at + to++] = spaces >= 3 ? '\t' : ' ';
      i += spaces;
    }
  }
  t->bytes.len = at + to;
  s.len = to;
  if (to == 0) return;
  GROW(t->lines, t->capacity, t->count + 1);
  t->lines[t->count++] = (struct line){.at = at, .len = to, .key = key_of(s), .page = t->page, .width = (uint32_t)utf8_count(s.data, s.len),
                                       .gap = gap, .leaders = leaders, .columns = columns, .number = is_number(s)};
}

static void split(struct text *t, struct slice raw) {
  static const char *const ligatures[] = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
  size_t start = 0;
  bool gap = true;
  buffer_reserve(&t->bytes, raw.len);
  for (size_t i = 0; i <= raw.len; i++) {
    unsigned char c = i < raw.len ? (unsigned char)raw.data[i] : '\n';
    if (c == '\n' || c == '\f') {
      while (t->bytes.len > start && t->bytes.data[t->bytes.len - 1] == ' ') t->bytes.len--;
      if (t->bytes.len > start) add_line(t, start, gap);
      gap = t->bytes.len == start || c == '\f';
      if (c == '\f') t->page++;
      start = t->bytes.len;
    } else if (c == ' ' || c == '\t' || (c == 0xC2 && i + 1 < raw.len && (unsigned char)raw.data[i + 1] == 0xA0)) {
      if (t->bytes.len > start) buffer_put(&t->bytes, ' '); /* indentation goes */
      if (c == 0xC2) i++;
      if (c == '\t' && t->bytes.len > start) buffer_append(&t->bytes, "  ", 2);
    } else if (c == 0xEF && i + 2 < raw.len && (unsigned char)raw.data[i + 1] == 0xAC && (unsigned char)raw.data[i + 2] >= 0x80 && (unsigned char)raw.data[i + 2] <= 0x86) {
      buffer_append_string(&t->bytes, ligatures[(unsigned char)raw.data[i + 2] - 0x80]);
      i += 2;
    } else if (c >= 0x20 && c != 0x7F) {
      buffer_put(&t->bytes, (char)c);
    }
  }
}

/* ---- running heads */

struct edge {
  uint64_t key;
  uint32_t page;
  size_t line;
};

static int compare_edges(const void *a, const void *b) {
  const struct edge *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  if (x->page != y->page) return x->page < y->page ? -1 : 1;
  return x->line < y->line ? -1 : x->line > y->line;
}

/* The pages of one key are e[0 .. n), in order; several lines of a page count once. */
static void drop_near(struct text *t, const struct edge *e, size_t n) {
  for (size_t i = 0, low = 0; i < n; i++) {
    while (e[low].page + WINDOW < e[i].page) low++;
    uint32_t pages = 0, last = UINT32_MAX;
    for (size_t j = low; j < n && e[j].page <= e[i].page + WINDOW; j++) { /* at most EDGE a page */
      pages += e[j].page != last;
      last = e[j].page;
    }
    if (pages > NEAR) t->lines[e[i].line].dropped = true;
  }
}

static void drop_heads(struct text *t) {
  struct edge *edges = MALLOC((t->count + 1) * sizeof *edges);
  for (int bottom = 0; bottom < 2; bottom++) {
    size_t n = 0;
    for (size_t i = 0, k = 0; i < t->count; i++) {
      size_t at = bottom ? t->count - 1 - i : i, before = bottom ? at + 1 : at - 1;
      k = i && t->lines[before].page == t->lines[at].page ? k + 1 : 0;
      if (k < EDGE) edges[n++] = (struct edge){t->lines[at].key, t->lines[at].page, at};
    }
    qsort(edges, n, sizeof *edges, compare_edges);
    for (size_t i = 0, j; i < n; i = j) {
      for (j = i + 1; j < n && edges[j].key == edges[i].key; j++) continue;
      drop_near(t, edges + i, j - i);
    }
  }
  free(edges);
  for (size_t i = 0, j; i < t->count; i = j) { /* few pages: a number alone at the bottom; a contents: its numbers */
    size_t leaders = 0;
    for (j = i; j < t->count && t->lines[j].page == t->lines[i].page; j++) leaders += t->lines[j].leaders;
    if (t->page < 2 && j - i > 1 && t->lines[j - 1].number && t->lines[j - 1].gap) t->lines[j - 1].dropped = true;
    for (size_t k = i; k < j && leaders >= LEADERS_MIN; k++) t->lines[k].dropped |= t->lines[k].number;
  }
}

/* ---- joins */

/* The width around which most of the text's characters stand: not the widest, because pdftotext makes one line of two where
 * it joins a word. */
static void find_width(struct text *t) {
  uint64_t *sums = NEW_ARRAY(uint64_t, LINE_MAX_WIDTH + 1), best = 0; /* sums[w]: characters in lines narrower than w */
  for (size_t i = 0; i < t->count; i++) {
    const struct line *l = &t->lines[i];
    if (!l->dropped && !l->columns && !l->leaders && l->width < LINE_MAX_WIDTH) sums[l->width + 1] += l->width;
  }
  for (uint32_t w = 1; w <= LINE_MAX_WIDTH; w++) sums[w] += sums[w - 1];
  for (uint32_t w = 1; w <= LINE_MAX_WIDTH; w++) {
    uint64_t near = sums[w] - sums[w - w / 8]; /* widths w - w/8 to w - 1 */
    if (near <= best) continue;
    best = near;
    t->full = w - 1 - w / 32;
  }
  free(sums);
}

static uint64_t *word_slot(struct text *t, uint64_t hash) {
  size_t mask = t->word_capacity - 1, i = hash & mask;
  while (t->words[i] && t->words[i] != hash) i = (i + 1) & mask;
  return &t->words[i];
}

static uint64_t word_hash(const char *s, size_t n) { return XXH3_64bits(s, n) | 1; }

static bool has_word(struct text *t, struct slice a, const char *between, struct slice b) {
  char word[128];
  if (!t->word_capacity || a.len + b.len + 1 > sizeof word) return false;
  size_t n = strlen(between);
  memcpy(word, a.data, a.len);
  memcpy(word + a.len, between, n);
  memcpy(word + a.len + n, b.data, b.len);
  return *word_slot(t, word_hash(word, a.len + n + b.len)) != 0;
}

/* A word: letters and hyphens between them. */
static size_t word_length(struct slice s) {
  size_t at = 0;
  while (at < s.len) {
    uint32_t c;
    int invalid, n = utf8_decode(s.data + at, s.len - at, &c, &invalid);
    if (n == 0 || !(is_letter(c) || (c == '-' && at))) break;
    at += (size_t)n;
  }
  while (at && s.data[at - 1] == '-') at--;
  return at;
}

static void collect_words(struct text *t) {
  size_t most = 0;
  for (size_t i = 0; i < t->count; i++) most += t->lines[i].len / 2 + 1;
  for (t->word_capacity = 64; t->word_capacity < 2 * most; t->word_capacity *= 2) continue;
  t->words = NEW_ARRAY(uint64_t, t->word_capacity);
  for (size_t i = 0; i < t->count; i++) {
    struct slice s = slice_line(t, &t->lines[i]);
    while (s.len) {
      size_t n = word_length(s);
      bool cut = n + 1 == s.len && s.data[n] == '-';
      if (n && !cut) *word_slot(t, word_hash(s.data, n)) = word_hash(s.data, n);
      if (n == 0)
        for (n = 1; n < s.len && (s.data[n] & 0xC0) == 0x80; n++) continue;
      s = (struct slice){s.data + n, s.len - n};
    }
  }
}

/* "•", "-", "*", "1.", "(a)", "a)" before a space. */
static bool is_item(struct slice s) {
  size_t n = first_word(s);
  uint32_t c = first_of(s);
  if (c == 0x2022 || c == 0x25E6 || c == 0x25AA || c == 0x25CF || c == 0x2023 || c == 0x2043 || c == 0xF0B7) return true;
  if (n == s.len) return false;
  if (n == 1) return c == '-' || c == '*' || c == 'o';
  if (n == 3 && (c == 0x2013 || c == 0x2014)) return true;
  if (n > 5) return false;
  char last = s.data[n - 1];
  if (last != '.' && last != ')') return false;
  size_t i = s.data[0] == '(', digits = 0;
  while (i + digits < n - 1 && s.data[i + digits] >= '0' && s.data[i + digits] <= '9') digits++;
  return (digits && i + digits == n - 1) || (last == ')' && n == i + 2 && is_letter((unsigned char)s.data[i]));
}

static bool joins(const struct text *t, const struct line *a, const struct line *b) {
  struct slice x = slice_line(t, a), y = slice_line(t, b);
  uint32_t last = last_of(x), next = first_of(y);
  if (a->leaders || a->columns || b->leaders || b->columns || t->full < WIDTH_MIN) return false;
  if (is_item(x) && x.len <= 3) return true; /* a mark alone: its text follows */
  if (is_item(y)) return false;
  size_t word = utf8_count(y.data, first_word(y));
  unsigned share = ends_sentence(last) && !is_lower(next) ? SHARE_SENTENCE : SHARE_FULL;
  bool full = (uint64_t)(a->width + 1 + word) * 100 >= (uint64_t)t->full * share || is_wide(last);
  if (is_wide(last)) full = (uint64_t)a->width * 100 >= (uint64_t)t->full * 90;
  bool middle = !ends_sentence(last) && is_lower(next);
  if (is_hyphen(last) && is_lower(next) && x.len > 1 && x.data[x.len - 2] != ' ') return true;
  if (b->gap || b->page != a->page) return full && (middle || (is_wide(last) && is_wide(next) && !ends_sentence(last)));
  return full || (middle && a->width * 2 >= t->full);
}

static void append_joined(struct text *t, struct buffer *out, size_t paragraph, struct slice next) {
  struct slice so_far = {out->data + paragraph, out->len - paragraph};
  uint32_t last = last_of(so_far), first = first_of(next);
  if (is_hyphen(last) && so_far.len > 1) {
    size_t hyphen = last == '-' ? 1 : last == 0xAD ? 2 : 3;
    struct slice before = {so_far.data, so_far.len - hyphen};
    size_t start = before.len;
    while (start > 0 && before.len - start < NEAR_BYTES) { /* the last word */
      size_t at = start - 1;
      while (at > 0 && (before.data[at] & 0xC0) == 0x80) at--;
      uint32_t c = first_of((struct slice){before.data + at, before.len - at});
      if (!is_letter(c) && !is_hyphen(c)) break;
      start = at;
    }
    struct slice left = {before.data + start, before.len - start}, right = {next.data, word_length(next)};
    if (left.len && is_letter(last_of(before))) {
      bool keep = !is_lower(first) || (last != 0xAD && has_word(t, left, "-", right) && !has_word(t, left, "", right));
      if (!keep || last == 0xAD) out->len -= hyphen;
      buffer_append_slice(out, next);
      return;
    }
    if (left.len) { /* a bare hyphen before: "pages 3-" or a dash */
      buffer_append_slice(out, next);
      return;
    }
  }
  struct slice word = so_far.len > NEAR_BYTES ? (struct slice){so_far.data + so_far.len - NEAR_BYTES, NEAR_BYTES} : so_far;
  const char *space = memrchr(word.data, ' ', word.len);
  if (space) word = (struct slice){space, (size_t)(word.data + word.len - space)};
  bool address = last == '/' && slice_find(word, SLICE("://"));
  if (!address && !(is_wide(last) && is_wide(first))) buffer_put(out, ' ');
  buffer_append_slice(out, next);
}

void pdf_text(struct slice raw, struct buffer *out) {
  struct text t = {0};
  split(&t, raw);
  drop_heads(&t);
  find_width(&t);
  collect_words(&t);
  const struct line *before = NULL;
  size_t paragraph = out->len;
  for (size_t i = 0; i < t.count; i++) {
    const struct line *l = &t.lines[i];
    if (l->dropped) continue;
    if (before && joins(&t, before, l)) {
      append_joined(&t, out, paragraph, slice_line(&t, l));
    } else {
      if (before) buffer_put(out, '\n');
      paragraph = out->len;
      buffer_append_slice(out, slice_line(&t, l));
    }
    before = l;
  }
  free(t.words);
  free(t.lines);
  buffer_release(&t.bytes);
}
