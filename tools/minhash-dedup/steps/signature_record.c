/* SPDX-License-Identifier: MIT
 *
 * Places are four bits of a multiplied minimum, so that what two minima share by their size does not count.
 */
#include "tools/minhash-dedup/steps/signature_record.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

static size_t places_of(const struct parameters *p) { return (size_t)(p->bands * p->rows); }
static size_t bytes_of(const struct parameters *p) { return (places_of(p) + 1) / 2; }

size_t signature_record_size(const struct parameters *p) { return bytes_of(p) + 8; }

/* A minimum's upper bits are zeros and its lowest bits those of a product of low bits: the middle ones decide after a
 * multiplication (Knuth, volume 3, 6.4). */
static unsigned shorten(const void *signature, size_t place, size_t i) {
  uint64_t minimum = place == 8 ? ((const uint64_t *)signature)[i] : ((const uint32_t *)signature)[i];
  return (unsigned)(minimum * 0x9E3779B97F4A7C15u >> 60);
}

void signature_record_make(const struct parameters *p, const void *signature, size_t place, uint64_t text_length, unsigned char *record) {
  size_t n = bytes_of(p);
  memset(record, 0, n);
  for (size_t i = 0; i < places_of(p); i++) record[i / 2] |= (unsigned char)(shorten(signature, place, i) << i % 2 * 4);
  uint32_t length = text_length > UINT32_MAX ? UINT32_MAX : (uint32_t)text_length;
  memcpy(record + n, &length, 4);
  uint32_t check = (uint32_t)XXH3_64bits(record, n + 4);
  memcpy(record + n + 4, &check, 4);
}

bool signature_record_sound(const struct parameters *p, const unsigned char *record) {
  uint32_t check;
  memcpy(&check, record + bytes_of(p) + 4, 4);
  return check == (uint32_t)XXH3_64bits(record, bytes_of(p) + 4);
}

uint64_t signature_record_length(const struct parameters *p, const unsigned char *record) {
  uint32_t length;
  memcpy(&length, record + bytes_of(p), 4);
  return length;
}

static unsigned place_of(const unsigned char *record, size_t i) { return record[i / 2] >> i % 2 * 4 & 15; }

size_t signature_record_equal(const struct parameters *p, const unsigned char *a, const unsigned char *b) {
  size_t equal = 0;
  for (size_t i = 0; i < places_of(p); i++) equal += place_of(a, i) == place_of(b, i);
  return equal;
}

size_t signature_record_least(const struct parameters *p, double jaccard) {
  double least = ceil((jaccard * 15 + 1) / 16 * (double)places_of(p) - 1e-9);
  return least < 0 ? 0 : (size_t)least;
}

double signature_record_jaccard(const struct parameters *p, size_t equal) {
  double estimate = (16 * (double)equal / (double)places_of(p) - 1) / 15;
  return estimate < 0 ? 0 : estimate;
}

void signature_record_set(const struct parameters *p, const unsigned char *record, uint64_t *set) {
  for (size_t i = 0; i < places_of(p); i++) set[i] = i << 4 | place_of(record, i);
}

/* Sets of n with c in common have similarity c / (2 n - c): half a place below `least` keeps rounding away. */
double signature_record_set_least(const struct parameters *p, size_t least) {
  double c = (double)least - .5, n = (double)places_of(p);
  return c < 0 ? 0 : c / (2 * n - c);
}

size_t signature_record_set_equal(const struct parameters *p, double set_jaccard) {
  return (size_t)llround(2 * (double)places_of(p) * set_jaccard / (1 + set_jaccard));
}
