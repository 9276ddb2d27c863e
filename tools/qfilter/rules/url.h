/* SPDX-License-Identifier: MIT
 *
 * The rule set url: documents whose URL stands on a block list or holds banned words, as datatrove 0.10's URLFilter
 * decides (pipeline/filters/url_filter.py), with these keys and, in this order, reasons:
 *
 *   domains=FILE          domain             the registered domain of the host is listed
 *                         subdomain          the whole host is
 *   urls=FILE             url                the URL is; with ignore_scheme=true also without http:// or https://
 *   banned_words=FILE     hard_blacklisted   a run of ASCII letters and digits of the URL is (compared with its case)
 *   soft_banned_words=FILE  soft_blacklisted   soft_word_threshold (2) different ones are
 *   banned_subwords=FILE  blacklisted_subword  one is inside the letters and digits of the URL, in lower case, joined
 *   public_suffixes=FILE  -                  the public suffix list: what a registered domain is
 *
 * Files have one entry a line, # starts a comment.  Words are reduced to their ASCII letters and digits, in lower case.
 *
 * Without public_suffixes, where datatrove always has the list, each parent of the host that has a full stop in it is
 * looked up as well: `domain` when one is listed (or the host, when it has one full stop), `subdomain` when only the host
 * is.  That blocks more: what lies under listed hosts, and listed addresses.  Hosts are compared in lower case, datatrove
 * compares their case.  A document without URL, at which datatrove stops, passes.
 */
#ifndef QFILTER_RULES_URL_H
#define QFILTER_RULES_URL_H

#include "common/base/buffer.h"
#include "common/base/err.h"

struct url_rules;

/* Sets one key; *rules is made when NULL.  Files are read by url_rules_load(). */
int url_rules_set(struct url_rules **rules, const char *key, const char *value, struct err *e);
int url_rules_load(struct url_rules *rules, struct err *e); /* once, before the first decision; NULL is fine */
void url_rules_free(struct url_rules *rules);

/* The reason, or NULL. */
const char *url_decide(const struct url_rules *rules, struct slice url);

#endif
