/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/extract.h"
const float extract_bias = 0;
const struct extract_weight extract_weights[FEATURE_COUNT] = {{0, 0, 0}};
