/* SPDX-License-Identifier: MIT
 *
 * Subwords are found by an automaton (Aho and Corasick 1975) over the 36 characters that a normalised URL has: a state
 * is a row of 36 next states, 144 bytes, the last bit of each says that a subword ends there.
 */
#include "tools/qfilter/rules/url.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "tools/qfilter/rules/hosts.h"
#include "tools/qfilter/rules/names.h"

enum { SYMBOLS = 36, STATES_MOST = 1 << 24 };

struct automaton { /* next[state][symbol] = state * 2 + whether a subword ends there */
  uint32_t (*next)[SYMBOLS];
  size_t count, capacity;
};

struct url_rules {
  char *domains_path, *urls_path, *banned_words_path, *soft_banned_words_path, *banned_subwords_path, *public_suffixes_path;
  double soft_word_threshold; /* NAN: off */
  bool ignore_scheme;
  struct name_set domains, urls, banned_words, soft_banned_words;
  struct automaton subwords;
  struct public_suffixes *suffixes;
};

/* 0-9 a-z as 0..35, either case; -1 for the rest. */
static int symbol(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char low = (char)(c | 0x20);
  return low >= 'a' && low <= 'z' ? low - 'a' + 10 : -1;
}

int url_rules_set(struct url_rules **rules, const char *key, const char *value, struct err *e) {
  if (!*rules) {
    *rules = NEW(struct url_rules);
    (*rules)->soft_word_threshold = 2;
  }
  struct url_rules *u = *rules;
  bool none = strcmp(value, "none") == 0 || strcmp(value, "None") == 0;
  if (strcmp(key, "soft_word_threshold") == 0) {
    if (none) u->soft_word_threshold = NAN;
    else if (number_double(value, &u->soft_word_threshold) != 0) return err_usage(e, "%s=%s: a number or none is wanted", key, value);
    return 0;
  }
  if (strcmp(key, "ignore_scheme") == 0) {
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) return err_usage(e, "%s=%s: true or false is wanted", key, value);
    u->ignore_scheme = value[0] == 't';
    return 0;
  }
  const struct {
    const char *name;
    char **path;
  } files[] = {{"domains", &u->domains_path}, {"urls", &u->urls_path}, {"banned_words", &u->banned_words_path},
               {"soft_banned_words", &u->soft_banned_words_path}, {"banned_subwords", &u->banned_subwords_path}, {"public_suffixes", &u->public_suffixes_path}};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (strcmp(key, files[i].name) != 0) continue;
    free(*files[i].path);
    *files[i].path = none ? NULL : STRDUP(value);
    return 0;
  }
  return err_usage(e, "url has no key '%s'", key);
}

/* ---- lists */

static void add_host(void *set, struct slice line) {
  char *low = COPY(line.data, line.len);
  for (size_t i = 0; i < line.len; i++)
    if (low[i] >= 'A' && low[i] <= 'Z') low[i] |= 0x20;
  names_add(set, (struct slice){low, line.len});
  free(low);
}

static void add_url(void *set, struct slice line) { names_add(set, line); }

/* Letters and digits in lower case; the caller frees. */
static struct slice reduced(struct slice line) {
  char *low = MALLOC(line.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < line.len; i++) {
    int s = symbol(line.data[i]);
    if (s >= 0) low[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[s];
  }
  return (struct slice){low, n};
}

static void add_word(void *set, struct slice line) {
  struct slice word = reduced(line);
  if (word.len) names_add(set, word);
  free((char *)word.data);
}

static uint32_t new_state(struct automaton *a) {
  GROW(a->next, a->capacity, a->count + 1);
  memset(a->next[a->count], 0, sizeof *a->next);
  return (uint32_t)a->count++;
}

static void add_subword(void *automaton, struct slice line) {
  struct automaton *a = automaton;
  if (a->count == 0) new_state(a);
  struct slice word = reduced(line);
  uint32_t state = 0;
  for (size_t i = 0; i < word.len && a->count < STATES_MOST; i++) {
    int s = symbol(word.data[i]);
    if (!a->next[state][s]) {
      uint32_t made = new_state(a); /* may move the rows */
      a->next[state][s] = made << 1;
    }
    if (i + 1 == word.len) a->next[state][s] |= 1;
    state = a->next[state][s] >> 1;
  }
  free((char *)word.data);
}

/* Completes the rows: where a state has no next, that of its longest ending which is a state. */
static void automaton_finish(struct automaton *a) {
  if (a->count == 0) return;
  uint32_t *queue = NEW_ARRAY(uint32_t, a->count), *fallback = NEW_ARRAY(uint32_t, a->count);
  size_t head = 0, tail = 0;
  for (int s = 0; s < SYMBOLS; s++)
    if (a->next[0][s]) queue[tail++] = a->next[0][s] >> 1;
  while (head < tail) {
    uint32_t state = queue[head++];
    for (int s = 0; s < SYMBOLS; s++) {
      uint32_t *next = &a->next[state][s], other = a->next[fallback[state]][s];
      if (!*next) {
        *next = other;
        continue;
      }
      fallback[*next >> 1] = other >> 1;
      *next |= other & 1;
      queue[tail++] = *next >> 1;
    }
  }
  free(queue);
  free(fallback);
}

static int read_words(struct name_set *set, const char *path, void (*add)(void *set, struct slice line), struct err *e) {
  if (!path) return 0;
  if (names_each_line(path, add, set, e) != 0) return -1;
  names_finish(set);
  return 0;
}

int url_rules_load(struct url_rules *u, struct err *e) {
  if (!u) return 0;
  if (read_words(&u->domains, u->domains_path, add_host, e) != 0 || read_words(&u->urls, u->urls_path, add_url, e) != 0) return -1;
  if (read_words(&u->banned_words, u->banned_words_path, add_word, e) != 0 || read_words(&u->soft_banned_words, u->soft_banned_words_path, add_word, e) != 0) return -1;
  if (u->banned_subwords_path) {
    if (names_each_line(u->banned_subwords_path, add_subword, &u->subwords, e) != 0) return -1;
    if (u->subwords.count >= STATES_MOST) return err_set(e, "%s: more than %d letters of subwords, which need a state each", u->banned_subwords_path, STATES_MOST);
    automaton_finish(&u->subwords);
  }
  if (u->public_suffixes_path && !(u->suffixes = public_suffixes_load(u->public_suffixes_path, e))) return -1;
  return 0;
}

void url_rules_free(struct url_rules *u) {
  if (!u) return;
  char *paths[] = {u->domains_path, u->urls_path, u->banned_words_path, u->soft_banned_words_path, u->banned_subwords_path, u->public_suffixes_path};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) free(paths[i]);
  names_release(&u->domains);
  names_release(&u->urls);
  names_release(&u->banned_words);
  names_release(&u->soft_banned_words);
  free(u->subwords.next);
  public_suffixes_free(u->suffixes);
  free(u);
}

/* ---- decision */

static const char *decide_host(const struct url_rules *u, struct slice host) {
  if (u->suffixes) {
    struct slice domain = registered_domain(u->suffixes, host);
    if (domain.len == 0) return NULL;
    if (names_find(&u->domains, domain) >= 0) return "domain";
    return names_find(&u->domains, host) >= 0 ? "subdomain" : NULL;
  }
  if (host_is_address(host)) return names_find(&u->domains, host) >= 0 ? "domain" : NULL;
  bool whole = false;
  for (size_t at = 0; at < host.len;) {
    struct slice name = {host.data + at, host.len - at};
    const char *dot = memchr(name.data, '.', name.len);
    if (!dot) break;
    if (names_find(&u->domains, name) >= 0) {
      size_t next = (size_t)(dot + 1 - host.data);
      bool two_labels = !memchr(host.data + next, '.', host.len - next);
      if (at || two_labels) return "domain";
      whole = true;
    }
    at = (size_t)(dot + 1 - host.data);
  }
  return whole ? "subdomain" : NULL;
}

static struct slice without_http(struct slice url) {
  size_t skip = slice_starts_nocase(url, SLICE("http://")) ? 7 : slice_starts_nocase(url, SLICE("https://")) ? 8 : 0;
  return (struct slice){url.data + skip, url.len - skip};
}

enum { SOFT_SEEN = 32 };

/* The runs of letters and digits against both lists of words. */
static const char *decide_words(const struct url_rules *u, struct slice url) {
  int64_t few[SOFT_SEEN], *seen = few;
  size_t soft = 0, capacity = SOFT_SEEN;
  const char *reason = NULL;
  for (size_t i = 0; i < url.len && !reason;) {
    size_t start = i;
    while (i < url.len && symbol(url.data[i]) >= 0) i++;
    struct slice word = {url.data + start, i - start};
    i += word.len == 0;
    if (word.len == 0) continue;
    if (names_find(&u->banned_words, word) >= 0) reason = "hard_blacklisted";
    int64_t slot = names_find(&u->soft_banned_words, word);
    if (slot < 0) continue;
    bool known = false;
    for (size_t k = 0; k < soft; k++) known |= seen[k] == slot;
    if (known || (soft >= SOFT_SEEN && (double)soft >= u->soft_word_threshold)) continue;
    if (soft == capacity) {
      int64_t *more = NEW_ARRAY(int64_t, capacity * 2);
      memcpy(more, seen, capacity * sizeof *more);
      if (seen != few) free(seen);
      seen = more;
      capacity *= 2;
    }
    seen[soft++] = slot;
  }
  if (seen != few) free(seen);
  if (!reason && u->soft_banned_words.count && (double)soft >= u->soft_word_threshold) reason = "soft_blacklisted";
  return reason;
}

static const char *decide_subwords(const struct automaton *a, struct slice url) {
  if (a->count == 0) return NULL;
  uint32_t state = 0;
  for (size_t i = 0; i < url.len; i++) {
    int s = symbol(url.data[i]);
    if (s < 0) continue;
    uint32_t next = a->next[state][s];
    if (next & 1) return "blacklisted_subword";
    state = next >> 1;
  }
  return NULL;
}

const char *url_decide(const struct url_rules *u, struct slice url) {
  if (!u || url.len == 0) return NULL;
  const char *reason = NULL;
  if (u->domains.count) {
    struct buffer host = {0};
    host_append(&host, url);
    reason = decide_host(u, buffer_slice(&host));
    buffer_release(&host);
  }
  if (!reason && u->urls.count && (names_find(&u->urls, url) >= 0 || (u->ignore_scheme && names_find(&u->urls, without_http(url)) >= 0))) reason = "url";
  if (!reason) reason = decide_words(u, url);
  if (!reason) reason = decide_subwords(&u->subwords, url);
  return reason;
}
