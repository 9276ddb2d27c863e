/* SPDX-License-Identifier: MIT
 *
 * A signature in four bits a place (b-bit minwise hashing: Li, König 2010), with the length of its text:
 *
 *     (bands x rows + 1) / 2 bytes: places, the lower half of a byte first
 *     4 bytes: length of the text in bytes, at most 2^32 - 1
 *     4 bytes: the low half of XXH3-64 of the bytes before
 *
 * Two texts agree in a place with probability J + (1 - J) / 16, so a share A of equal places estimates their similarity as
 * (16 A - 1) / 15: with 112 places and J = .8 its standard deviation is .039, that of whole places .038.  A line that is no
 * document has a record of zeros.
 */
#ifndef MINHASH_DEDUP_STEPS_SIGNATURE_RECORD_H
#define MINHASH_DEDUP_STEPS_SIGNATURE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/minhash-dedup/steps/step_file.h"

size_t signature_record_size(const struct parameters *p);
/* place: bytes of a place, 4 or 8 */
void signature_record_make(const struct parameters *p, const void *signature, size_t place, uint64_t text_length, unsigned char *record);
bool signature_record_sound(const struct parameters *p, const unsigned char *record);
uint64_t signature_record_length(const struct parameters *p, const unsigned char *record);
size_t signature_record_equal(const struct parameters *p, const unsigned char *a, const unsigned char *b); /* places */

/* The fewest equal places that estimate a similarity of `jaccard` or more, and back. */
size_t signature_record_least(const struct parameters *p, double jaccard);
double signature_record_jaccard(const struct parameters *p, size_t equal);

/* A record as a set of bands x rows numbers, ascending: two of them share the equal places, so that what compares sets
 * compares signatures.  least: of equal places -> the similarity of such sets that only as many reach. */
void signature_record_set(const struct parameters *p, const unsigned char *record, uint64_t *set);
double signature_record_set_least(const struct parameters *p, size_t least);
size_t signature_record_set_equal(const struct parameters *p, double set_jaccard);

#endif
