/* SPDX-License-Identifier: MIT
 *
 * --mask: personal data and secrets become stand-ins.  Which stand-in depends only on what is replaced, so the result does
 * not depend on the order of documents.  What a stand-in touches is left alone, so masking twice changes nothing more (but
 * where a replacement opens a boundary: in a fuzzer's texts, one of 100,000).
 *
 *   secret  keys, tokens, passwords (secret.h)                  SECRET_hhhhhhhh
 *   email   e-mail addresses (email.h)                          email@example.com or firstname.lastname@example.org
 *   card    payment cards (card.h)                              0000-0000-0000-dddd
 *   ipv4    globally routable addresses (address.h)             one of 192.0.2.0/24 (RFC 5737)
 *   ipv6    the same                                            one of 2001:db8::/112 (RFC 3849)
 *   phone   international and North American numbers (phone.h)  202-555-01dd (kept for fiction)
 *
 * They are looked for in this order.  `ip` is ipv4 and ipv6, `all` is all; `any-ip` also takes the addresses of private networks
 * and of documentation.
 */
#ifndef QFILTER_PII_MASK_H
#define QFILTER_PII_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

enum mask_kind { MASK_SECRET, MASK_EMAIL, MASK_CARD, MASK_IPV4, MASK_IPV6, MASK_PHONE, MASK_KINDS };

extern const char *const mask_names[MASK_KINDS];

struct mask_counts {
  uint64_t of[MASK_KINDS]; /* replacements */
};

struct mask { /* zero to start: nothing is masked */
  unsigned kinds; /* 1 << kind */
  bool any_address;
  const char *as[MASK_KINDS]; /* what takes the place; NULL: the stand-ins above */
};

int mask_parse(const char *names, struct mask *mask, struct err *e);         /* "email,ip": adds kinds; ERR_USAGE when unknown */
int mask_parse_as(const char *assignment, struct mask *mask, struct err *e); /* "phone=TEXT", kept as a pointer; %h in TEXT is a hash */

/* The text with what `mask` says replaced: itself when there is nothing, else in one of the two buffers. */
struct slice mask_apply(const struct mask *mask, struct slice text, struct buffer scratch[2], struct mask_counts *counts);

#endif
