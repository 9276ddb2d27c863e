/* SPDX-License-Identifier: MIT
 *
 * Sets of 64-bit hashes, of which lines, paragraphs and n-grams are known: open addressing, at most half full.  Two
 * different strings are taken for one with a chance of 2^-64 a pair (k different ones in a text: k^2 / 2^65).
 */
#ifndef QFILTER_RULES_KEYS_H
#define QFILTER_RULES_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct key_set { /* zero to start */
  uint64_t *slots;
  size_t mask, used, capacity;
};

void keys_begin(struct key_set *set, size_t elements); /* empties it; of many elements few may be different: it grows */
void keys_release(struct key_set *set);
void keys_grow(struct key_set *set);

/* True when the key was there.  Keys are well mixed in their upper half. */
static inline bool keys_add(struct key_set *set, uint64_t key) {
  if (key == 0) key = 1;
  size_t i = (key >> 32 ^ key) & set->mask;
  for (; set->slots[i]; i = (i + 1) & set->mask)
    if (set->slots[i] == key) return true;
  set->slots[i] = key;
  if (++set->used * 2 > set->mask + 1) keys_grow(set);
  return false;
}

/* The high and the low half of the product: every bit of one factor reaches every bit of the result. */
static inline uint64_t keys_mix(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t keys_load(const char *p) {
  uint64_t v;
  memcpy(&v, p, 8);
  return v;
}

/* Hash of n bytes, of which KEYS_READABLE more must be readable: sums of multiplications of 64 by 64 bits with secrets, as
 * in XXH3 and wyhash (https://github.com/wangyi-fudan/wyhash).  Up to 64 bytes there is no branch. */
enum { KEYS_READABLE = 64 };

static inline uint64_t keys_hash(const char *p, size_t n) {
  static const uint64_t secret[8] = {0x2D358DCCAA6C78A5u, 0x8BB84B93962EACC9u, 0x4B33A62ED433D4A3u, 0x4D5A2DA51DE1AA47u,
                                     0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu, 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u};
  static const uint64_t ones[16] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}; /* 64 bytes of ones, 64 of zeros */
  uint64_t h = n * 0x9E3779B97F4A7C15u;
  for (; n > 64; n -= 64, p += 64) {
    uint64_t block = 0;
    for (int k = 0; k < 4; k++) block += keys_mix(keys_load(p + 16 * k) ^ secret[2 * k] ^ h, keys_load(p + 16 * k + 8) ^ secret[2 * k + 1]);
    h = keys_mix(block ^ secret[1], secret[6]);
  }
  const char *mask = (const char *)ones + 64 - n;
  uint64_t last = h;
  for (int k = 0; k < 4; k++)
    last += keys_mix((keys_load(p + 16 * k) & keys_load(mask + 16 * k)) ^ secret[2 * k] ^ h,
                     (keys_load(p + 16 * k + 8) & keys_load(mask + 16 * k + 8)) ^ secret[2 * k + 1]);
  return keys_mix(last ^ secret[3], secret[4]);
}

#endif
