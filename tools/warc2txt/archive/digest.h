/* SPDX-License-Identifier: MIT
 *
 * Digests as WARC fields have them (ISO 28500:2017, 5.8 and 5.9): "sha1:" and the value in base 32, as most crawlers write
 * it, in hex or in base 64.
 */
#ifndef WARC2TXT_DIGEST_H
#define WARC2TXT_DIGEST_H

#include "common/base/buffer.h"

enum digest_result { DIGEST_RIGHT, DIGEST_WRONG, DIGEST_UNKNOWN };

struct digest; /* one per worker */

struct digest *digest_new(void);
void digest_free(struct digest *d);

/* Is `label` the digest of `bytes`?  DIGEST_UNKNOWN: an algorithm or a form of value that is not known: md5, sha1, sha224,
 * sha256, sha384 and sha512 are, with and without hyphen. */
enum digest_result digest_check(struct digest *d, struct slice label, struct slice bytes);

#endif
