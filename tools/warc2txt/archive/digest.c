/* SPDX-License-Identifier: MIT
 *
 * The hashes are OpenSSL's (EVP), which uses the processor's instructions for them.  The form of a value follows from its
 * length: of n bytes hex has 2 n digits, base 32 (RFC 4648, 6) 8 n / 5 rounded up, base 64 4 n / 3 rounded up.
 */
#include "tools/warc2txt/archive/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "common/base/memory.h"

struct digest {
  EVP_MD_CTX *context;
};

struct digest *digest_new(void) {
  struct digest *d = NEW(struct digest);
  d->context = EVP_MD_CTX_new();
  return d;
}

void digest_free(struct digest *d) {
  if (!d) return;
  EVP_MD_CTX_free(d->context);
  free(d);
}

static const EVP_MD *algorithm(struct slice name) {
  static const struct {
    const char *name;
    const EVP_MD *(*get)(void);
  } known[] = {{"sha1", EVP_sha1}, {"sha-1", EVP_sha1}, {"sha256", EVP_sha256}, {"sha-256", EVP_sha256}, {"sha512", EVP_sha512}, {"sha-512", EVP_sha512},
               {"md5", EVP_md5}, {"md-5", EVP_md5}, {"sha224", EVP_sha224}, {"sha-224", EVP_sha224}, {"sha384", EVP_sha384}, {"sha-384", EVP_sha384}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (slice_equal_nocase(name, slice_of(known[i].name))) return known[i].get();
  return NULL;
}

static int digit_of(char c, int bits) {
  int upper = c >= 'A' && c <= 'Z' ? c - 'A' : -1, lower = c >= 'a' && c <= 'z' ? c - 'a' : -1, number = c >= '0' && c <= '9' ? c - '0' : -1;
  if (bits == 4) return number >= 0 ? number : upper >= 0 && upper < 6 ? upper + 10 : lower >= 0 && lower < 6 ? lower + 10 : -1;
  if (bits == 5) return upper >= 0 ? upper : lower >= 0 ? lower : number >= 2 && number <= 7 ? number + 24 : -1;
  return upper >= 0 ? upper : lower >= 0 ? lower + 26 : number >= 0 ? number + 52 : c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* n bytes from the value's text; false when it is of no known form. */
static bool decode(struct slice text, size_t n, unsigned char *out) {
  while (text.len && text.data[text.len - 1] == '=') text.len--;
  int bits = text.len == 2 * n ? 4 : text.len == (8 * n + 4) / 5 ? 5 : text.len == (8 * n + 5) / 6 ? 6 : 0;
  if (!bits) return false;
  unsigned held = 0;
  int count = 0;
  size_t made = 0;
  for (size_t i = 0; i < text.len; i++) {
    int value = digit_of(text.data[i], bits);
    if (value < 0) return false;
    held = held << bits | (unsigned)value;
    count += bits;
    if (count >= 8) {
      count -= 8;
      if (made < n) out[made++] = (unsigned char)(held >> count);
      held &= (1u << count) - 1;
    }
  }
  return made == n;
}

enum digest_result digest_check(struct digest *d, struct slice label, struct slice bytes) {
  const char *colon = label.len ? memchr(label.data, ':', label.len) : NULL;
  if (!colon) return DIGEST_UNKNOWN;
  struct slice name = slice_trim((struct slice){label.data, (size_t)(colon - label.data)});
  struct slice text = slice_trim((struct slice){colon + 1, (size_t)(label.data + label.len - colon - 1)});
  const EVP_MD *md = algorithm(name);
  unsigned char want[EVP_MAX_MD_SIZE], got[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (!md || !decode(text, (size_t)EVP_MD_size(md), want)) return DIGEST_UNKNOWN;
  if (!d->context || !EVP_DigestInit_ex(d->context, md, NULL) || !EVP_DigestUpdate(d->context, bytes.data, bytes.len) || !EVP_DigestFinal_ex(d->context, got, &n)) return DIGEST_UNKNOWN;
  return memcmp(got, want, n) == 0 ? DIGEST_RIGHT : DIGEST_WRONG;
}
