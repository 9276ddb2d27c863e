/* SPDX-License-Identifier: MIT
 *
 * Keys, tokens and passwords, as they stand in code, logs and configuration:
 *
 *   tokens that their issuer marks with a prefix (the table in secret.c names issuers and shapes);
 *   JSON Web Tokens (RFC 7519); blocks of PEM that hold a private key (RFC 7468), whole;
 *   the password in scheme://user:password@host (RFC 3986, section 3.2.1);
 *   values assigned to a name that ends in password, passwd, secret, token, api_key, access_key, auth_key, private_key,
 *   credential (any case; - or nothing for _): quoted ones of at least 8 bytes without blanks that mix letters and digits,
 *   bare ones of at least 20 letters, digits, + / _ - = that do; none whose bytes carry less than 3 bits each (Shannon's
 *   entropy), and none with a placeholder in it (example, your, xxx, changeme, <, ${, %()).
 */
#ifndef QFILTER_PII_SECRET_H
#define QFILTER_PII_SECRET_H

#include "tools/qfilter/pii/finder.h"

finder secret_find;

#endif
