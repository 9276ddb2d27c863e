/* SPDX-License-Identifier: MIT
 *
 * Prefixes, names and marks all have a pair of bytes early on that is looked up in a table of 65,536 bits: a text without
 * any costs one look a byte.  What stands behind a pair is then read once; bounds keep hostile texts linear.
 *
 * Shapes: the issuers' documentation, and GitHub's list of secret scanning patterns
 * (https://docs.github.com/en/code-security/secret-scanning/introduction/supported-secret-scanning-patterns).
 */
#include "tools/qfilter/pii/secret.h"

#include <math.h>
#include <pthread.h>

enum { LONGEST = 4096, LONGEST_PEM = 16384, LONGEST_VALUE = 512 }; /* what is longer is data */

enum alphabet { BASE62, BASE62_UNDERSCORE, BASE64URL, UPPER32, HEX_LOWER };

struct issuer {
  const char *prefix;
  enum alphabet alphabet;
  size_t least, most; /* bytes behind the prefix */
};

static const struct issuer issuers[] = {
    {"AKIA", UPPER32, 16, 16},                /* Amazon Web Services: access key ids */
    {"ASIA", UPPER32, 16, 16},
    {"ABIA", UPPER32, 16, 16},
    {"ACCA", UPPER32, 16, 16},
    {"AIza", BASE64URL, 35, 35},              /* Google API keys */
    {"GOCSPX-", BASE64URL, 28, 28},           /* Google OAuth client secrets */
    {"ya29.", BASE64URL, 30, 2048},           /* Google OAuth access tokens */
    {"ghp_", BASE62, 36, 255},                /* GitHub: personal, OAuth, user, server, refresh */
    {"gho_", BASE62, 36, 255},
    {"ghu_", BASE62, 36, 255},
    {"ghs_", BASE62, 36, 255},
    {"ghr_", BASE62, 36, 255},
    {"github_pat_", BASE62_UNDERSCORE, 60, 255},
    {"glpat-", BASE64URL, 20, 64},            /* GitLab */
    {"gldt-", BASE64URL, 20, 64},
    {"glrt-", BASE64URL, 20, 64},
    {"xoxb-", BASE64URL, 20, 255},            /* Slack */
    {"xoxp-", BASE64URL, 20, 255},
    {"xoxa-", BASE64URL, 20, 255},
    {"xoxo-", BASE64URL, 20, 255},
    {"xoxr-", BASE64URL, 20, 255},
    {"xoxs-", BASE64URL, 20, 255},
    {"sk_live_", BASE62, 20, 255},            /* Stripe */
    {"sk_test_", BASE62, 20, 255},
    {"rk_live_", BASE62, 20, 255},
    {"rk_test_", BASE62, 20, 255},
    {"whsec_", BASE62, 24, 255},
    {"sk-proj-", BASE64URL, 40, 255},         /* OpenAI */
    {"sk-svcacct-", BASE64URL, 40, 255},
    {"sk-ant-", BASE64URL, 40, 255},          /* Anthropic */
    {"sk-", BASE62, 40, 64},
    {"hf_", BASE62, 34, 40},                  /* Hugging Face */
    {"npm_", BASE62, 36, 36},                 /* npm */
    {"pypi-AgEIcHlwaS5vcmc", BASE64URL, 50, 1024}, /* PyPI */
    {"dop_v1_", HEX_LOWER, 64, 64},           /* DigitalOcean */
    {"shpat_", HEX_LOWER, 32, 32},            /* Shopify */
    {"shpss_", HEX_LOWER, 32, 32},
    {"dckr_pat_", BASE64URL, 27, 64},         /* Docker */
    {"key-", HEX_LOWER, 32, 32},              /* Mailgun */
    {"SK", HEX_LOWER, 32, 32},                /* Twilio API keys */
    {"EAACEdEose0cBA", BASE62, 10, 255},      /* Facebook */
};

static const char *const names[] = {"password", "passwd", "secret", "token", "apikey", "accesskey", "authkey", "privatekey", "credential"};
static const char *const placeholders[] = {"example", "your", "xxx", "changeme", "<", "${", "%(", "***", "...", "dummy", "placeholder", "password"};

static uint64_t pairs[65536 / 64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint16_t pair_at(const char *p) { return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8); }
static void add_pair(const char *p) { pairs[pair_at(p) / 64] |= (uint64_t)1 << pair_at(p) % 64; }

static void fill(void) {
  for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) add_pair(issuers[i].prefix);
  add_pair("ey");  /* {" in base64: a JSON Web Token */
  add_pair("--");  /* PEM */
  add_pair("//");  /* scheme://user:password@ */
  for (const char *mark = "=:"; *mark; mark++) { /* an assignment; = and : alone, by every byte that may follow */
    for (int next = 0; next < 256; next++) add_pair((char[]){*mark, (char)next});
  }
}

static bool of_alphabet(enum alphabet alphabet, char c) {
  switch (alphabet) {
    case BASE62: return is_alphanumeric(c);
    case BASE62_UNDERSCORE: return is_alphanumeric(c) || c == '_';
    case BASE64URL: return is_alphanumeric(c) || c == '_' || c == '-';
    case UPPER32: return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
    case HEX_LOWER: return is_digit(c) || (c >= 'a' && c <= 'f');
  }
  return false;
}

static bool identifier(char c) { return is_alphanumeric(c) || c == '_' || c == '-'; }

/* Bytes of `alphabet` at p, at most LONGEST + 1. */
static size_t span(enum alphabet alphabet, const char *p, const char *end) {
  size_t n = 0;
  while (p + n < end && n <= LONGEST && of_alphabet(alphabet, p[n])) n++;
  return n;
}

/* ---- shapes; each returns the end of the secret that starts at p, or NULL */

static const char *issued(const char *p, const char *end) {
  for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
    const struct issuer *s = &issuers[i];
    size_t n = strlen(s->prefix);
    if (p[0] != s->prefix[0] || (size_t)(end - p) < n + s->least || memcmp(p, s->prefix, n) != 0) continue;
    size_t length = span(s->alphabet, p + n, end);
    if (length >= s->least && length <= s->most && !(p + n + length < end && is_alphanumeric(p[n + length]))) return p + n + length;
  }
  return NULL;
}

/* header.payload.signature, the first two the base64url of {"... */
static const char *web_token(const char *p, const char *end) {
  if (end - p < 30 || memcmp(p, "eyJ", 3) != 0) return NULL;
  size_t head = span(BASE64URL, p, end);
  const char *payload = p + head + 1;
  if (head < 12 || head > LONGEST || end - payload < 12 || p[head] != '.' || memcmp(payload, "eyJ", 3) != 0) return NULL;
  size_t body = span(BASE64URL, payload, end);
  const char *signature = payload + body + 1;
  if (body < 8 || body > LONGEST || signature >= end || payload[body] != '.') return NULL;
  size_t n = span(BASE64URL, signature, end);
  return n >= 16 && n <= LONGEST ? signature + n : NULL;
}

/* Nothing but its body stands between the first line's end and the next five hyphens, so texts full of first lines are
 * read once. */
static const char *pem(const char *p, const char *end) {
  static const char begin[] = "-----BEGIN ", mark[] = "PRIVATE KEY", finish[] = "-----END ";
  if (end - p < 64 || memcmp(p, begin, sizeof begin - 1) != 0) return NULL;
  const char *label = memmem(p, 48, mark, sizeof mark - 1);
  if (!label) return NULL;
  const char *body = memmem(label, (size_t)(end - label) < 40 ? (size_t)(end - label) : 40, "-----", 5);
  if (!body) return NULL;
  body += 5;
  const char *last = memmem(body, (size_t)(end - body) < LONGEST_PEM ? (size_t)(end - body) : LONGEST_PEM, "-----", 5);
  if (!last || (size_t)(end - last) < sizeof finish || memcmp(last, finish, sizeof finish - 1) != 0) return NULL;
  const char *tail = memmem(last + 5, (size_t)(end - last - 5) < 64 ? (size_t)(end - last - 5) : 64, "-----", 5);
  return tail ? tail + 5 : NULL;
}

/* ---- values without a shape */

static bool contains_folded(const char *p, size_t n, const char *word) {
  size_t length = strlen(word);
  for (size_t i = 0; i + length <= n; i++) {
    size_t k = 0;
    while (k < length && ((p[i + k] >= 'A' && p[i + k] <= 'Z') ? p[i + k] | 0x20 : p[i + k]) == word[k]) k++;
    if (k == length) return true;
  }
  return false;
}

static bool looks_secret(const char *p, size_t n) {
  unsigned counts[256] = {0};
  bool letters = false, digits = false;
  for (size_t i = 0; i < n; i++) {
    counts[(uint8_t)p[i]]++;
    digits |= is_digit(p[i]);
    letters |= is_alphanumeric(p[i]) && !is_digit(p[i]);
  }
  if (!letters || !digits) return false;
  double bits = 0;
  for (int c = 0; c < 256; c++)
    if (counts[c]) bits -= counts[c] * log2((double)counts[c] / (double)n);
  if (bits < 3 * (double)n && bits < 0.9 * (double)n * log2((double)n)) return false; /* eight bytes cannot carry more than 3 bits each */
  for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
    if (contains_folded(p, n, placeholders[i])) return false;
  return true;
}

/* Whether the name that ends before p (blanks and a quote may stand between) says that its value is secret. */
static bool secret_name(const char *begin, const char *p) {
  while (p > begin && (p[-1] == ' ' || p[-1] == '\t')) p--;
  if (p > begin && (p[-1] == '"' || p[-1] == '\'' || p[-1] == ']')) p--;
  if (p > begin && (p[-1] == '"' || p[-1] == '\'')) p--; /* os.environ["TOKEN"] */
  char name[16]; /* its last letters, folded, marks left out, backwards */
  size_t n = 0;
  while (p > begin && n < sizeof name && identifier(p[-1])) {
    p--;
    if (*p == '_' || *p == '-') continue;
    name[n++] = is_digit(*p) ? *p : (char)(*p | 0x20);
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]), k = 0;
    while (k < length && k < n && name[k] == names[i][length - 1 - k]) k++;
    if (k == length) return true;
  }
  return false;
}

/* The value behind the = or : at p. */
static bool assigned(struct slice s, const char *p, struct match *m) {
  const char *begin = s.data, *end = s.data + s.len, *value = p + 1;
  if (!secret_name(begin, p[-1] == ':' && p > begin ? p - 1 : p)) return false;
  if (value < end && (*value == '>' || *value == '=')) value++;
  while (value < end && (*value == ' ' || *value == '\t')) value++;
  if (value == end) return false;
  size_t n = 0;
  if (*value == '"' || *value == '\'') {
    char quote = *value++;
    while (value + n < end && n <= LONGEST_VALUE && value[n] != quote && value[n] > ' ') n++;
    if (n < 8 || n > LONGEST_VALUE || value + n == end || value[n] != quote) return false;
  } else {
    while (value + n < end && n <= LONGEST_VALUE && (identifier(value[n]) || value[n] == '+' || value[n] == '/' || value[n] == '=')) n++;
    char after = value + n < end ? value[n] : '\n';
    if (n < 20 || n > LONGEST_VALUE || !(after == '\n' || after == '\r' || after == ' ' || after == '\t' || after == ';' || after == ',' || after == '&')) return false;
  }
  if (!looks_secret(value, n)) return false;
  *m = (struct match){(size_t)(value - s.data), (size_t)(value - s.data) + n};
  return true;
}

/* The password in scheme://user:password@host; p is at the slashes. */
static bool user_information(struct slice s, const char *p, struct match *m) {
  const char *end = s.data + s.len;
  if (p < s.data + 2 || p[-1] != ':' || !is_alphanumeric(p[-2])) return false;
  const char *user = p + 2, *q = user;
  while (q < end && q - user < 256 && (is_alphanumeric(*q) || memchr("-._~%!$&'*+,;=", *q, 14))) q++;
  if (q == user || q == end || *q != ':') return false;
  const char *password = ++q;
  while (q < end && q - password < 256 && *q > ' ' && *q != '@' && *q != '/' && *q != '"' && *q != '\'' && *q != '<' && *q != '>') q++;
  if (q - password < 3 || q == end || *q != '@' || *password == '$' || *password == '{') return false;
  if (contains_folded(password, (size_t)(q - password), "password") || contains_folded(password, (size_t)(q - password), "xxx")) return false;
  *m = (struct match){(size_t)(password - s.data), (size_t)(q - s.data)};
  return true;
}

bool secret_find(struct slice s, size_t from, size_t *searched, struct match *m) {
  pthread_once(&once, fill);
  const char *end = s.data + s.len;
  size_t i = *searched > from ? *searched : from;
  for (; i + 1 < s.len; i++) {
    const char *p = s.data + i, *found;
    uint16_t pair = pair_at(p);
    if (!(pairs[pair / 64] >> pair % 64 & 1)) continue;
    if (*p == '=' || *p == ':') {
      if (i > 0 && assigned(s, p, m)) return true;
      continue;
    }
    if (*p == '/') {
      if (user_information(s, p, m)) return true;
      continue;
    }
    if (*p == '-') {
      if ((found = pem(p, end)) != NULL) {
        *m = (struct match){i, (size_t)(found - s.data)};
        return true;
      }
      if (memcmp(p, "--", 2) == 0)
        while (i + 1 < s.len && s.data[i + 1] == '-' && (s.len - i < 12 || memcmp(s.data + i + 1, "-----BEGIN ", 11) != 0)) i++;
      continue;
    }
    if (i > 0 && identifier(p[-1])) continue;
    if ((found = issued(p, end)) == NULL) found = web_token(p, end);
    if (found) {
      *m = (struct match){i, (size_t)(found - s.data)};
      return true;
    }
  }
  *searched = s.len;
  return false;
}
