/* SPDX-License-Identifier: MIT
 *
 * The fastText models of a run: the language model of --langid, classifiers of --model with their --label tests.  A model
 * predicts at most once a text, when one of its scores is first asked for.
 */
#ifndef QFILTER_MODELS_MODELS_H
#define QFILTER_MODELS_MODELS_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "common/text/fasttext.h"

struct label_test { /* one --label of a --model */
  const char *label;
  double min;
  int32_t index;
};

struct model {
  char *name; /* NAME of NAME=FILE, else the file's name without folder and extension; in expressions */
  const char *path;
  struct label_test *tests;
  int count;
  struct fasttext *fasttext;
};

struct language_settings {
  const char *path, *languages; /* languages NULL: any */
  double min;
};

struct models { /* zero to start, but for language, -1 */
  struct model *items; /* with --langid the last one, named langid, once loaded */
  int count, language; /* language: its index, -1 without */
  struct language_settings langid;
  bool *wanted; /* [labels] of the language model, NULL: any */
  struct score { /* found by name */
    int model;
    int32_t label;
  } *scores;
  int score_count;
};

int models_add(struct models *m, const char *argument, struct err *e);  /* [NAME=]FILE */
int models_label(struct models *m, const char *label, struct err *e);   /* of the last model; min 0.5 */
int models_min(struct models *m, const char *value, struct err *e);     /* of the last label */
int models_load(struct models *m, struct err *e); /* may be called again: models stay, --lang is read anew */
void models_release(struct models *m);

/* The index of a score, or -1 when there is no such model or label. */
int models_find(struct models *m, struct slice model, struct slice label);
void models_score_name(const struct models *m, int score, struct buffer *out); /* MODEL.LABEL, not escaped */

struct model_scratch { /* one per thread */
  const struct models *models;
  struct slice text;
  struct fasttext_scores *scores; /* [models] */
  bool *done;
};

void model_scratch_init(struct model_scratch *s, const struct models *m);
void model_scratch_release(struct model_scratch *s);
void model_scratch_begin(struct model_scratch *s, struct slice text); /* a new document */
void model_scratch_edit(struct model_scratch *s, struct slice text);  /* what the rules left of it: the language stays that of the document */

const struct fasttext_scores *models_predict(struct model_scratch *s, int model);
double models_score(void *scratch, int score); /* of a struct model_scratch */

/* The reason, "language" or "score", or NULL when the language is wanted. */
const char *language_verdict(struct model_scratch *s);
/* The label of the first test that fails, or NULL. */
const char *models_verdict(struct model_scratch *s);

#endif
