/* SPDX-License-Identifier: MIT */
#include "tools/qfilter/models/models.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"

static bool name_character(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && ((c >= '0' && c <= '9') || c == '-'));
}

/* Bytes of a name before the = of NAME=FILE, 0 when there is none. */
static size_t name_length(const char *argument) {
  size_t n = 0;
  while (name_character(argument[n], n == 0)) n++;
  return argument[n] == '=' ? n : 0;
}

int models_add(struct models *m, const char *argument, struct err *e) {
  size_t n = name_length(argument);
  struct model model = {.path = n ? argument + n + 1 : argument};
  const char *slash = strrchr(model.path, '/'), *base = slash ? slash + 1 : model.path, *dot = strrchr(base, '.');
  model.name = n ? COPY(argument, n) : COPY(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
  for (int i = 0; n && i < m->count; i++) {
    if (strcmp(m->items[i].name, model.name) != 0) continue;
    err_usage(e, "two models are named %s", model.name);
    free(model.name);
    return -1;
  }
  m->items = RESIZE(m->items, (size_t)m->count + 1);
  m->items[m->count++] = model;
  return 0;
}

int models_label(struct models *m, const char *label, struct err *e) {
  if (m->count == 0) return err_usage(e, "--label %s stands before any --model", label);
  struct model *model = &m->items[m->count - 1];
  model->tests = RESIZE(model->tests, (size_t)model->count + 1);
  model->tests[model->count++] = (struct label_test){.label = label, .min = 0.5};
  return 0;
}

int models_min(struct models *m, const char *value, struct err *e) {
  struct model *model = m->count ? &m->items[m->count - 1] : NULL;
  if (!model || model->count == 0) return err_usage(e, "%s stands before any --label", value);
  double min;
  if (number_double(value, &min) != 0) return err_usage(e, "%s: a number is wanted", value);
  model->tests[model->count - 1].min = min;
  return 0;
}

static int load_language(struct models *m, struct err *e) {
  if (!m->langid.path) return 0;
  if (m->language < 0) {
    struct fasttext *f = fasttext_load(m->langid.path, e);
    if (!f) return -1;
    m->items = RESIZE(m->items, (size_t)m->count + 1);
    m->items[m->count] = (struct model){.name = STRDUP("langid"), .path = m->langid.path, .fasttext = f};
    m->language = m->count++;
  }
  const struct fasttext *f = m->items[m->language].fasttext;
  free(m->wanted);
  m->wanted = NULL;
  if (!m->langid.languages) return 0;
  m->wanted = NEW_ARRAY(bool, (size_t)f->labels);
  for (const char *p = m->langid.languages; *p;) {
    size_t n = strcspn(p, ",");
    int32_t label = fasttext_label_index(f, (struct slice){p, n});
    if (label < 0) return err_usage(e, "--lang: %s has no label '%.*s'", m->langid.path, (int)n, p);
    m->wanted[label] = true;
    p += n + (p[n] == ',');
  }
  return 0;
}

int models_load(struct models *m, struct err *e) {
  for (int i = 0; i < m->count; i++) {
    struct model *model = &m->items[i];
    if (!model->fasttext && !(model->fasttext = fasttext_load(model->path, e))) return -1;
    for (int t = 0; t < model->count; t++) {
      model->tests[t].index = fasttext_label_index(model->fasttext, slice_of(model->tests[t].label));
      if (model->tests[t].index < 0) return err_usage(e, "--label: %s has no label '%s'", model->path, model->tests[t].label);
    }
  }
  return load_language(m, e);
}

void models_release(struct models *m) {
  for (int i = 0; i < m->count; i++) {
    fasttext_free(m->items[i].fasttext);
    free(m->items[i].tests);
    free(m->items[i].name);
  }
  free(m->items);
  free(m->wanted);
  free(m->scores);
  *m = (struct models){0};
}

int models_find(struct models *m, struct slice model, struct slice label) {
  int found = -1;
  for (int i = 0; i < m->count; i++) {
    if (!slice_equal(slice_of(m->items[i].name), model)) continue;
    if (found >= 0 && strcmp(m->items[found].path, m->items[i].path) != 0) return -1; /* two files of that name: neither is meant */
    if (found < 0) found = i;
  }
  int32_t index = found < 0 ? -1 : fasttext_label_index(m->items[found].fasttext, label);
  if (index < 0) return -1;
  for (int s = 0; s < m->score_count; s++)
    if (m->scores[s].model == found && m->scores[s].label == index) return s;
  m->scores = RESIZE(m->scores, (size_t)m->score_count + 1);
  m->scores[m->score_count] = (struct score){found, index};
  return m->score_count++;
}

void models_score_name(const struct models *m, int score, struct buffer *out) {
  const struct model *model = &m->items[m->scores[score].model];
  buffer_append_string(out, model->name);
  buffer_put(out, '.');
  buffer_append_slice(out, fasttext_label(model->fasttext, m->scores[score].label));
}

/* ---- scores of one text */

void model_scratch_init(struct model_scratch *s, const struct models *m) {
  *s = (struct model_scratch){.models = m, .scores = NEW_ARRAY(struct fasttext_scores, (size_t)m->count + 1), .done = NEW_ARRAY(bool, (size_t)m->count + 1)};
}

void model_scratch_release(struct model_scratch *s) {
  for (int i = 0; s->scores && i < s->models->count; i++) fasttext_scores_release(&s->scores[i]);
  free(s->scores);
  free(s->done);
}

void model_scratch_begin(struct model_scratch *s, struct slice text) {
  s->text = text;
  memset(s->done, 0, (size_t)s->models->count * sizeof *s->done);
}

void model_scratch_edit(struct model_scratch *s, struct slice text) {
  if (s->text.data == text.data && s->text.len == text.len) return;
  s->text = text;
  for (int i = 0; i < s->models->count; i++) s->done[i] &= i == s->models->language;
}

const struct fasttext_scores *models_predict(struct model_scratch *s, int model) {
  if (!s->done[model]) fasttext_predict(s->models->items[model].fasttext, s->text, &s->scores[model]);
  s->done[model] = true;
  return &s->scores[model];
}

double models_score(void *scratch, int score) {
  struct model_scratch *s = scratch;
  const struct score *wanted = &s->models->scores[score];
  const struct fasttext_scores *scores = models_predict(s, wanted->model);
  return scores->rows ? (double)scores->probability[wanted->label] : NAN; /* it knows nothing of the text */
}

const char *language_verdict(struct model_scratch *s) {
  const struct models *m = s->models;
  const struct fasttext_scores *scores = models_predict(s, m->language);
  if (scores->best < 0) return "language";
  if (!m->wanted) return (double)scores->probability[scores->best] > m->langid.min ? NULL : "score";
  for (int32_t l = 0; l < m->items[m->language].fasttext->labels; l++)
    if (m->wanted[l] && (double)scores->probability[l] > m->langid.min) return NULL;
  return m->wanted[scores->best] ? "score" : "language";
}

const char *models_verdict(struct model_scratch *s) {
  const struct models *m = s->models;
  for (int i = 0; i < m->count; i++)
    for (int t = 0; t < m->items[i].count; t++)
      if (!((double)models_predict(s, i)->probability[m->items[i].tests[t].index] >= m->items[i].tests[t].min)) return m->items[i].tests[t].label;
  return NULL;
}
