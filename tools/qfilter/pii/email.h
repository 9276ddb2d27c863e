/* SPDX-License-Identifier: MIT
 *
 * E-mail addresses: the expression of datatrove's PIIFormatter (pipeline/formatters/pii.py, version 0.10):
 *
 *   \b[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@
 *   (?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?
 *      |\[(?:octet\.){3}(?:octet|[A-Za-z0-9-]*[A-Za-z0-9]:)])
 */
#ifndef QFILTER_PII_EMAIL_H
#define QFILTER_PII_EMAIL_H

#include "tools/qfilter/pii/finder.h"

finder email_find;

#endif
