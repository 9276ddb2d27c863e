/* SPDX-License-Identifier: MIT
 *
 * URLs and public suffix lists: the first line is a URL, the whole input a list of every kind.  A host is lower case and
 * ends in no full stop, a registered domain is an ending of it; whatever the lists, a decision is made.
 */
#include "tools/qfilter/rules/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/utf8.h"
#include "tools/qfilter/rules/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  struct err e;
  if (!path[0]) snprintf(path, sizeof path, "/tmp/url_fuzz.%d", (int)getpid());
  FILE *f = fopen(path, "wb");
  require(f && fwrite(data, 1, size, f) == size);
  fclose(f);
  struct buffer text = {0}, host = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, (const char *)data, size, &invalid, &nul);
  const char *newline = text.len ? memchr(text.data, '\n', text.len) : NULL;
  struct slice url = {text.data, newline ? (size_t)(newline - text.data) : text.len};
  host_append(&host, url);
  struct slice h = buffer_slice(&host);
  require(h.len == 0 || h.data[h.len - 1] != '.');
  for (size_t i = 0; i < h.len; i++) require(h.data[i] < 'A' || h.data[i] > 'Z');
  struct public_suffixes *p = public_suffixes_load(path, &e);
  if (p) {
    struct slice domain = registered_domain(p, h);
    require(domain.len == 0 || (domain.data + domain.len == h.data + h.len && domain.len <= h.len));
    public_suffixes_free(p);
  }
  static const char *const keys[] = {"domains", "urls", "banned_words", "soft_banned_words", "banned_subwords"};
  struct url_rules *u = NULL;
  for (int i = 0; i < 5; i++) require(url_rules_set(&u, keys[i], path, &e) == 0);
  require(url_rules_load(u, &e) == 0 || e.message[0]);
  if (url.len) url_decide(u, url);
  url_rules_free(u);
  unlink(path);
  buffer_release(&text);
  buffer_release(&host);
  return 0;
}
