/* SPDX-License-Identifier: MIT
 *
 * The stream of documents through qfilter: language, rule sets, models, masks, annotations, in this order; kept
 * documents, rejects and --explain rows leave in the order of the input.
 */
#ifndef QFILTER_STREAM_H
#define QFILTER_STREAM_H

#include "common/io/program.h"
#include "common/text/fasttext.h"
#include "tools/qfilter/rules/rules.h"

struct label_test { /* one --label of a --model */
  const char *label;
  double min;
  int32_t index;
};

struct model {
  const char *path;
  struct label_test *tests;
  int count;
  struct fasttext *fasttext;
};

struct stream_settings {
  struct rules rules;
  const char *langid_path, *languages; /* languages NULL: any */
  double min_language;
  struct model *models;
  int model_count;
  unsigned mask;
  bool annotate, explain;
};

int stream_run(struct program *p, struct stream_settings *s, struct err *e);
void stream_settings_release(struct stream_settings *s);

#endif
