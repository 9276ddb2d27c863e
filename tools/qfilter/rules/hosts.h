/* SPDX-License-Identifier: MIT
 *
 * The host of a URL, and the part of it that somebody registered, by the public suffix list (https://publicsuffix.org/,
 * its ICANN section), both as the Python package tldextract 5 finds them, which datatrove's URLFilter asks.
 */
#ifndef QFILTER_RULES_HOSTS_H
#define QFILTER_RULES_HOSTS_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

/* Appends the host in lower case, with ASCII dots and none at the end; no user, no port.  Nothing when there is none. */
void host_append(struct buffer *out, struct slice url);
bool host_is_address(struct slice host); /* IPv4, or IPv6 in brackets */

struct public_suffixes;

/* The list as publicsuffix.org gives it (/usr/share/publicsuffix/public_suffix_list.dat in Debian). */
struct public_suffixes *public_suffixes_load(const char *path, struct err *e);
void public_suffixes_free(struct public_suffixes *p);

/* The registered domain, an ending of `host` (as host_append() writes it): one label more than its public suffix.  Empty
 * when the host is an address, has no known suffix or is one itself. */
struct slice registered_domain(const struct public_suffixes *p, struct slice host);

/* RFC 3492; a label that is not ASCII becomes xn--..., others stay. */
void host_append_label_ascii(struct buffer *out, struct slice label);

#endif
