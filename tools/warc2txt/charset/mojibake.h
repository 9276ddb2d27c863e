/* SPDX-License-Identifier: MIT
 *
 * Text that was UTF-8 and once (or up to three times) read as windows-1252 or ISO-8859-1: "cafÃ©", "itâ€™s".
 */
#ifndef WARC2TXT_MOJIBAKE_H
#define WARC2TXT_MOJIBAKE_H

#include <stdint.h>

#include "common/base/buffer.h"

/* Appends `text`, valid UTF-8, with damaged runs repaired, to `out`, which must not hold it; returns how many runs were. */
uint64_t mojibake_repair(struct slice text, struct buffer *out);

#endif
