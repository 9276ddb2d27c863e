/* SPDX-License-Identifier: MIT
 *
 * IPv4 and IPv6 addresses that are globally routable: those of private networks, of documentation and the like say nothing
 * about a person (IANA IPv4 and IPv6 Special-Purpose Address Registries).
 */
#ifndef QFILTER_PII_ADDRESS_H
#define QFILTER_PII_ADDRESS_H

#include "tools/qfilter/pii/finder.h"

/* Every dotted quad, which may begin and end within digits; ipv4_is_global() says which to mask (Python's
 * ipaddress.ip_address(text).is_global, so no leading zeros). */
finder ipv4_find;
bool ipv4_is_global(const char *p, size_t n);

/* Addresses in 2000::/3 that no special purpose takes, neither letter nor digit beside them. */
finder ipv6_find;
/* Those of any purpose whose first group has three digits or four: a::b is code as often as not. */
finder ipv6_find_any;

/* Length of an octet (25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?) at p that `after` follows, or 0. */
size_t octet_before(const char *p, size_t n, char after);

#endif
