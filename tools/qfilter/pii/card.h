/* SPDX-License-Identifier: MIT
 *
 * Payment card numbers (ISO/IEC 7812): 13 to 19 digits that begin as an issuer's do, with the length of that issuer and a
 * right check digit (Luhn); bare, or grouped as on cards (4-4-4-4 and so on, 4-6-4, 4-6-5, 6-13) with one blank or hyphen,
 * always the same, between.
 *
 *   Visa 4 (13, 16, 19)   Mastercard 51-55, 2221-2720 (16)   American Express 34, 37 (15)   Discover 6011, 644-649, 65 (16-19)
 *   JCB 3528-3589 (16-19)   Diners Club 300-305, 309, 36, 38, 39 (14-19)   UnionPay 62 (16-19)
 *   Maestro 5018, 5020, 5038, 5893, 6304, 6759, 6761-6763 (13-19)
 */
#ifndef QFILTER_PII_CARD_H
#define QFILTER_PII_CARD_H

#include "tools/qfilter/pii/finder.h"

finder card_find;

#endif
