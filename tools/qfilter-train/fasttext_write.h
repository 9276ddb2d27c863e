/* SPDX-License-Identifier: MIT
 *
 * Writing fastText models: the bytes of the `.bin` file, or of the `.ftz` file for a quantised
 * model, as the reference library writes them.
 */
#ifndef QFILTER_TRAIN_FASTTEXT_WRITE_H
#define QFILTER_TRAIN_FASTTEXT_WRITE_H

#include "common/io/output.h"
#include "common/text/fasttext.h"

int fasttext_write(const struct fasttext *m, struct output *out, struct err *e);

#endif
