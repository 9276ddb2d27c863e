#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Writes html_entities.c: the named character references of https://html.spec.whatwg.org/#named-character-references, which
# Python ships as html.entities.html5.  `python3 html_entities.py > html_entities.c`
from html.entities import html5

SLOTS = 8192
MASK = (1 << 64) - 1
MULTIPLIER = 0x9E3779B97F4A7C15


def hash_of(name):
    first = int.from_bytes(name[:8].ljust(8, b"\0"), "little")
    last = int.from_bytes(name[-8:].ljust(8, b"\0"), "little") if len(name) >= 8 else first
    h = ((first ^ (last << 21 | last >> 43)) + len(name)) * MULTIPLIER & MASK
    return h >> 51


def string(data):
    out = []
    for byte in data:
        c = chr(byte)
        out.append(c if 32 <= byte < 127 and c not in '"\\?' else "\\%03o" % byte)
    return '"' + "".join(out) + '"'


names = sorted(n[:-1] for n in html5 if n.endswith(";"))
legacy = {n for n in html5 if not n.endswith(";")}
assert legacy <= set(names) and all(html5[n] == html5[n + ";"] for n in legacy)
assert max(map(len, legacy)) == 6 and min(map(len, names)) == 2
slots = [0] * SLOTS
for i, name in enumerate(names):
    h = hash_of(name.encode())
    while slots[h]:
        h = (h + 1) % SLOTS
    slots[h] = i + 1
offsets, at = [], 0
for name in names:
    offsets.append(at)
    at += len(name)
offsets.append(at)


def lines(items, width=150):
    line = "  "
    for item in items:
        if len(line) + len(item) > width:
            print(line.rstrip())
            line = "  "
        line += item
    print(line.rstrip())


print(f"""/* SPDX-License-Identifier: MIT
 *
 * Written by html_entities.py.  {len(names)} names in one string, found by a hash table with linear probing; {len(legacy)} of them, of
 * at most 6 bytes, are also references without a semicolon, so {len(names) + len(legacy)} in all.
 */
#include "tools/warc2txt/html/html_entities.h"

#include <string.h>

enum {{ SLOTS = {SLOTS}, NAME_LONGEST = {max(map(len, names))}, LEGACY_LONGEST = 6 }};

static const char names[] =""")
text, row = "", []
for name in names:
    row.append(name)
    if sum(map(len, row)) > 130:
        print("  " + string("".join(row).encode()))
        row = []
print("  " + string("".join(row).encode()) + ";\n")
print(f"static const uint16_t name_at[{len(names)} + 1] = {{")
lines(f"{o}, " for o in offsets)
print(f"""}};

static const struct {{
  uint8_t len, legacy;
  char text[6];
}} values[{len(names)}] = {{""")
lines(f"{{{len(html5[n + ';'].encode())}, {int(n in legacy)}, {string(html5[n + ';'].encode())}}}, " for n in names)
print("""};

static const uint16_t slots[SLOTS] = { /* index + 1 */""")
lines(f"{s}, " for s in slots)
print("""};

static unsigned hash_of(const char *name, size_t n) {
  uint64_t first = 0, last;
  for (size_t i = 0; i < n && i < 8; i++) first |= (uint64_t)(unsigned char)name[i] << 8 * i;
  if (n < 8) last = first;
  else
    for (size_t i = last = 0; i < 8; i++) last |= (uint64_t)(unsigned char)name[n - 8 + i] << 8 * i;
  return (unsigned)(((first ^ (last << 21 | last >> 43)) + n) * UINT64_C(0x9E3779B97F4A7C15) >> 51);
}

static unsigned find(const char *name, size_t n) { /* index + 1 */
  for (unsigned h = hash_of(name, n); slots[h]; h = (h + 1) % SLOTS) {
    unsigned i = slots[h] - 1u, at = name_at[i];
    if (name_at[i + 1] - at == n && memcmp(names + at, name, n) == 0) return i + 1;
  }
  return 0;
}

static bool alphanumeric(char c) { return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

size_t html_entity_find(const char *s, size_t n, struct slice *text) {
  size_t run = 0;
  while (run < n && run <= NAME_LONGEST && alphanumeric(s[run])) run++;
  if (run < 2) return 0;
  if (run < n && s[run] == ';') {
    unsigned i = find(s, run);
    if (i) {
      *text = (struct slice){values[i - 1].text, values[i - 1].len};
      return run + 1;
    }
  }
  for (size_t k = run < LEGACY_LONGEST ? run : LEGACY_LONGEST; k >= 2; k--) {
    unsigned i = find(s, k);
    if (i && values[i - 1].legacy) {
      *text = (struct slice){values[i - 1].text, values[i - 1].len};
      return k;
    }
  }
  return 0;
}""")
