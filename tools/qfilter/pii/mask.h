/* SPDX-License-Identifier: MIT
 *
 * --mask: e-mail addresses, IPv4 addresses and telephone numbers become stand-ins.  Which stand-in depends only on
 * what is replaced, so the result does not depend on the order of documents; stand-ins are left alone, so masking
 * twice changes nothing more.
 *
 *   email  datatrove's pattern (pipeline/formatters/pii.py); email@example.com or firstname.lastname@example.org
 *   ip     datatrove's pattern, if the address is globally routable; an address of 192.0.2.0/24 (RFC 5737)
 *   phone  ddddddddddd of ten digits that starts with 2 to 9, ddd-ddd-dddd, (ddd) ddd dddd, (ddd)-ddd-dddd,
 *          (ddd) ddd-dddd, no digit before or after; 202-555-01dd (numbers kept for fiction)
 */
#ifndef QFILTER_PII_MASK_H
#define QFILTER_PII_MASK_H

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

enum mask_kind { MASK_EMAIL = 1, MASK_IP = 2, MASK_PHONE = 4 };

struct mask_counts {
  uint64_t email, ip, phone;
};

int mask_parse(const char *names, unsigned *kinds, struct err *e); /* "email,ip": ERR_USAGE when unknown */

/* The text with what `kinds` says replaced: itself when there is nothing, else in one of the two buffers. */
struct slice mask_apply(unsigned kinds, struct slice text, struct buffer scratch[2], struct mask_counts *counts);

#endif
