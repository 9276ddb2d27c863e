/* SPDX-License-Identifier: MIT
 *
 * JSON files and their look-ups, and strings written as JSON, which must come back.
 */
#include "common/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  struct err e;
  json_t *root = json_load_path(path, &e);
  const char *key;
  json_t *value;
  json_object_foreach(root, key, value) {
    int64_t n = 0;
    double x = 0;
    bool b = false;
    const char *s = "";
    json_get_int(root, key, &n, &e);
    json_get_double(root, key, &x, &e);
    json_get_bool(root, key, &b, &e);
    if (json_get_string(root, key, &s, &e) == 0 && !s) abort();
  }
  json_decref(root);

  struct buffer clean = {0}, text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&clean, (const char *)data, size, &invalid, &nul);
  json_append_string(&text, buffer_slice(&clean));
  json_t *back = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
  if (!json_is_string(back) || json_string_length(back) != clean.len || (clean.len && memcmp(json_string_value(back), clean.data, clean.len) != 0)) abort();
  json_decref(back);
  buffer_release(&clean);
  buffer_release(&text);
  return 0;
}
