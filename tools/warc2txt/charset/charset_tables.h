/* SPDX-License-Identifier: MIT
 *
 * Tables behind charset*.c, most of them written by charset_tables.py.
 */
#ifndef WARC2TXT_CHARSET_TABLES_H
#define WARC2TXT_CHARSET_TABLES_H

#include "tools/warc2txt/charset/charset.h"

extern const struct charset charsets[];

struct charset_label {
  const char *label; /* lower case */
  unsigned char charset;
};
extern const struct charset_label charset_labels[]; /* sorted */
extern const size_t charset_label_count;

/* Code points of bytes 0x80 to 0xFF, 0xFFFD: none; charset.table says which. */
extern const uint16_t charset_single[][128];
enum { CHARSET_SINGLE_IBM855 = 29 };

struct charset_pair {
  uint32_t pointer;
  uint32_t code_point;
};
extern const struct charset_pair charset_gb18030_ranges[];
extern const size_t charset_gb18030_range_count;
/* Where the standard's index is not iconv's; end with pointer 0xFFFF. */
extern const struct charset_pair charset_big5_differences[], charset_gb18030_differences[], charset_euc_kr_differences[], charset_jis0208_differences[],
  charset_jis0212_differences[];

/* The standard's indexes by pointer, 0: none; made at the first call, by any thread.  The last two are only
 * to be recognised: EUC-TW's first plane (94 x 94 from A1 A1) and Johab (118 x 206 from 84 31). */
enum charset_index { INDEX_JIS0208, INDEX_JIS0212, INDEX_GB18030, INDEX_BIG5, INDEX_EUC_KR, INDEX_EUC_TW, INDEX_JOHAB, INDEX_COUNT };
const uint32_t *charset_index(enum charset_index which, size_t *count);

/* charset_guess.c: encodings that are told by their form; NULL: none.  Escapes: for bodies without bytes above 0x7F. */
const struct charset *charset_by_zeros(struct slice body);
const struct charset *charset_by_escapes(struct slice body);
/* Sequences of two and more bytes that are UTF-8, and places that are not, among the first 16,384. */
void charset_count_utf8(struct slice body, size_t *good, size_t *wrong);

#endif
