/* SPDX-License-Identifier: MIT
 *
 * A stack machine over doubles.  Terms and fields are remembered with the number of the document that they were
 * computed for.  Values that name others run as frames on a stack of their own, never by recursion.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "tools/qfilter/rules/expression_program.h"
#include "tools/qfilter/rules/features.h"
#include "tools/qfilter/rules/hosts.h"

struct frame {
  const struct program *program;
  size_t next;
  int term; /* that the value is for */
};

struct field_value {
  uint64_t document; /* that it was computed for */
  bool present;
  struct slice text;
  struct buffer own; /* when it does not lie in the document */
};

struct evaluation {
  const struct expressions *x;
  struct evaluated what;
  uint64_t document; /* number of the present one, from 1 */
  double *values;    /* [terms], of the document in documents[term] */
  uint64_t *documents;
  struct field_value *fields;
  uint32_t **seen;   /* [lists][slots]: the last pass that saw the word; made on first use */
  uint32_t pass;
  double *stack;
  size_t stack_capacity;
  struct frame *frames;
  size_t frame_count, frame_capacity;
  struct pattern_scratch patterns;
  json_t *metadata;
  uint64_t metadata_document, gave_up;
};

struct evaluation *evaluation_new(const struct expressions *x) {
  struct evaluation *v = NEW(struct evaluation);
  v->x = x;
  v->values = NEW_ARRAY(double, x->term_count + 1);
  v->documents = NEW_ARRAY(uint64_t, x->term_count + 1);
  v->fields = NEW_ARRAY(struct field_value, x->field_count + 1);
  v->seen = NEW_ARRAY(uint32_t *, x->list_count + 1);
  return v;
}

void evaluation_free(struct evaluation *v) {
  if (!v) return;
  for (size_t i = 0; i < v->x->field_count; i++) buffer_release(&v->fields[i].own);
  for (size_t i = 0; i < v->x->list_count; i++) free(v->seen[i]);
  pattern_scratch_release(&v->patterns);
  json_decref(v->metadata);
  free(v->values);
  free(v->documents);
  free(v->fields);
  free(v->seen);
  free(v->stack);
  free(v->frames);
  free(v);
}

void evaluation_begin(struct evaluation *v, const struct evaluated *what) {
  v->what = *what;
  v->document++;
}

uint64_t evaluation_gave_up(const struct evaluation *v) { return v->gave_up; }

/* ---- fields */

static bool field_of_extra(struct slice extra, struct slice key, struct buffer *out) {
  for (size_t at = 0; at < extra.len;) {
    const char *tab = memchr(extra.data + at, '\t', extra.len - at);
    struct slice field = {extra.data + at, tab ? (size_t)(tab - extra.data) - at : extra.len - at};
    if (field.len > key.len && field.data[key.len] == '=' && memcmp(field.data, key.data, key.len) == 0) {
      uint64_t unknown = 0;
      document_unescape(out, (struct slice){field.data + key.len + 1, field.len - key.len - 1}, &unknown);
      return true;
    }
    at += field.len + 1;
  }
  return false;
}

static bool field_of_json(struct evaluation *v, struct slice key, struct buffer *out) {
  struct slice extra = v->what.document->extra;
  if (v->metadata_document != v->document) {
    json_error_t error;
    json_decref(v->metadata);
    v->metadata = extra.len ? json_parse(extra.data, extra.len, 0, &error) : NULL;
    v->metadata_document = v->document;
  }
  const json_t *value = json_object_getn(v->metadata, key.data, key.len);
  for (const json_t *object = v->metadata; !value && object;) { /* a.b: key b of the object a */
    const char *dot = memchr(key.data, '.', key.len);
    value = json_object_getn(object, key.data, dot ? (size_t)(dot - key.data) : key.len);
    if (!dot) break;
    object = value;
    value = NULL;
    key = (struct slice){dot + 1, key.len - (size_t)(dot + 1 - key.data)};
  }
  if (!value || json_is_null(value)) return false;
  if (json_is_string(value)) {
    buffer_append(out, json_string_value(value), json_string_length(value));
    return true;
  }
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  if (!text) return false;
  buffer_append_string(out, text);
  free(text);
  return true;
}

static const struct field_value *field_value(struct evaluation *v, int index) {
  struct field_value *f = &v->fields[index];
  if (f->document == v->document) return f;
  f->document = v->document;
  const struct document *d = v->what.document;
  const struct field *field = &v->x->fields[index];
  buffer_clear(&f->own);
  f->text = (struct slice){0};
  switch (field->kind) {
    case FIELD_TEXT: f->text = v->what.text; break;
    case FIELD_URL: f->text = d->url; break;
    case FIELD_ID: f->text = d->id; break;
    case FIELD_DATE: f->text = d->date; break;
    case FIELD_HOST:
      host_append(&f->own, d->url);
      f->text = buffer_slice(&f->own);
      break;
    case FIELD_META:
      f->present = d->format == DOCUMENT_JSONL ? field_of_json(v, field->key, &f->own) : field_of_extra(d->extra, field->key, &f->own);
      f->text = buffer_slice(&f->own);
      return f;
  }
  f->present = f->text.len > 0;
  return f;
}

/* ---- terms */

static double matches(struct evaluation *v, const struct term *t, size_t most) {
  size_t count;
  if (pattern_count(v->x->patterns[t->a], &v->patterns, field_value(v, t->b)->text, most, &count)) return (double)count;
  v->gave_up++;
  return NAN;
}

static double words_in(struct evaluation *v, const struct term *t, bool different) {
  const struct name_set *list = &v->x->lists[t->a];
  struct slice text = v->what.measures->text;
  const struct word_list *words = measures_word_list(v->what.measures);
  uint32_t **seen = &v->seen[t->a];
  if (different && !*seen) *seen = NEW_ARRAY(uint32_t, list->size + 1);
  if (different && ++v->pass == 0) { /* the counter went round: forget all passes */
    for (size_t i = 0; i < v->x->list_count; i++)
      if (v->seen[i]) memset(v->seen[i], 0, (v->x->lists[i].size + 1) * sizeof **v->seen);
    v->pass = 1;
  }
  size_t count = 0;
  for (size_t w = 0; w < words->count; w++) {
    int64_t slot = names_find(list, (struct slice){text.data + words->words[w].start, words->words[w].length});
    if (slot < 0) continue;
    if (different) {
      if ((*seen)[slot] == v->pass) continue;
      (*seen)[slot] = v->pass;
    }
    count++;
  }
  return (double)count;
}

static bool under(const struct name_set *list, struct slice host) {
  for (;;) {
    if (names_find(list, host) >= 0) return true;
    const char *dot = host.len ? memchr(host.data, '.', host.len) : NULL;
    if (!dot) return false;
    host = (struct slice){dot + 1, host.len - (size_t)(dot + 1 - host.data)};
  }
}

static double number_of(struct slice text) {
  char copy[64];
  double value;
  text = slice_trim(text);
  if (text.len == 0 || text.len >= sizeof copy) return NAN;
  memcpy(copy, text.data, text.len);
  copy[text.len] = 0;
  return number_double(copy, &value) == 0 ? value : NAN;
}

static double compute(struct evaluation *v, const struct term *t) {
  const struct expressions *x = v->x;
  switch (t->kind) {
    case TERM_FEATURE: return feature_value(t->a, v->what.rules, v->what.measures);
    case TERM_SCORE: return v->what.score ? v->what.score(v->what.scores, t->a) : NAN;
    case TERM_COUNT: return matches(v, t, SIZE_MAX);
    case TERM_HAS: return matches(v, t, 1);
    case TERM_WORDS: return words_in(v, t, false);
    case TERM_WORD_KINDS: return words_in(v, t, true);
    case TERM_IN: return names_find(&x->lists[t->a], field_value(v, t->b)->text) >= 0;
    case TERM_UNDER: return under(&x->lists[t->a], field_value(v, t->b)->text);
    case TERM_IS: return slice_equal(field_value(v, t->b)->text, expressions_string(x, t->a));
    case TERM_STARTS: return slice_starts(field_value(v, t->b)->text, expressions_string(x, t->a));
    case TERM_ENDS: {
      struct slice text = field_value(v, t->b)->text, end = expressions_string(x, t->a);
      return text.len >= end.len && (end.len == 0 || memcmp(text.data + text.len - end.len, end.data, end.len) == 0);
    }
    case TERM_CONTAINS: {
      struct slice text = field_value(v, t->b)->text, part = expressions_string(x, t->a);
      return part.len == 0 || (text.len && memmem(text.data, text.len, part.data, part.len));
    }
    case TERM_PRESENT: return field_value(v, t->b)->present;
    case TERM_NUMBER: return number_of(field_value(v, t->b)->text);
    case TERM_LENGTH: {
      struct slice text = field_value(v, t->b)->text;
      return (double)utf8_count(text.data, text.len);
    }
    case TERM_VALUE: /* frames */
    case TERM_RANK:
    case TERM_ABOVE: break; /* evaluation_restore() */
  }
  return NAN;
}

/* ---- the machine */

static double several(enum operation operation, const double *a, int n) {
  double result = a[0];
  if (operation == DO_BUCKET) {
    int reached = 0;
    for (int i = 1; i < n; i++) reached += a[0] >= a[i];
    return isnan(a[0]) ? NAN : reached;
  }
  for (int i = 1; i < n; i++) { /* an undefined argument makes the result undefined */
    if (isnan(a[i]) || isnan(result)) result = NAN;
    else if (operation == DO_MIN) result = a[i] < result ? a[i] : result;
    else if (operation == DO_MAX) result = a[i] > result ? a[i] : result;
    else result += a[i];
  }
  return operation == DO_MEAN ? result / n : result;
}

static double two(enum operation operation, double a, double b) {
  switch (operation) {
    case DO_ADD: return a + b;
    case DO_SUBTRACT: return a - b;
    case DO_MULTIPLY: return a * b;
    case DO_DIVIDE: return b == 0 ? NAN : a / b;
    case DO_LESS: return a < b;
    case DO_AT_MOST: return a <= b;
    case DO_MORE: return a > b;
    case DO_AT_LEAST: return a >= b;
    case DO_EQUAL: return a == b;
    default: return a < b || a > b;
  }
}

static void enter(struct evaluation *v, const struct program *p, int term, size_t used) {
  GROW(v->frames, v->frame_capacity, v->frame_count + 1);
  v->frames[v->frame_count++] = (struct frame){p, 0, term};
  GROW(v->stack, v->stack_capacity, used + p->depth);
}

double evaluation_value(struct evaluation *v, int program) {
  size_t n = 0; /* on the stack */
  v->frame_count = 0;
  enter(v, &v->x->programs[program], -1, 0);
  for (;;) {
    struct frame *f = &v->frames[v->frame_count - 1];
    if (f->next == f->program->count) {
      if (f->term < 0) return v->stack[n - 1];
      v->values[f->term] = v->stack[n - 1];
      v->documents[f->term] = v->document;
      v->frame_count--;
      continue;
    }
    const struct instruction *c = &f->program->code[f->next++];
    double *top = v->stack + (n ? n - 1 : 0);
    switch (c->operation) {
      case DO_CONSTANT: v->stack[n++] = c->number; break;
      case DO_TERM: {
        const struct term *t = &v->x->terms[c->n];
        if (v->documents[c->n] != v->document) {
          if (t->kind == TERM_VALUE) {
            enter(v, &v->x->programs[t->a], c->n, n);
            break;
          }
          v->values[c->n] = compute(v, t);
          v->documents[c->n] = v->document;
        }
        v->stack[n++] = v->values[c->n];
        break;
      }
      case DO_AND:
      case DO_OR:
        if (holds(*top) == (c->operation == DO_AND)) {
          n--;
        } else {
          *top = c->operation == DO_OR;
          f->next += (size_t)c->n;
        }
        break;
      case DO_TRUTH: *top = holds(*top); break;
      case DO_NOT: *top = !holds(*top); break;
      case DO_NEGATE: *top = -*top; break;
      case DO_ABS: *top = fabs(*top); break;
      case DO_SQRT: *top = sqrt(*top); break;
      case DO_LOG: *top = *top > 0 ? log(*top) : NAN; break;
      case DO_EXP: *top = exp(*top); break;
      case DO_MIN:
      case DO_MAX:
      case DO_MEAN:
      case DO_SUM:
      case DO_BUCKET:
        n -= (size_t)c->n - 1;
        v->stack[n - 1] = several(c->operation, v->stack + n - 1, c->n);
        break;
      default:
        n--;
        v->stack[n - 1] = two(c->operation, v->stack[n - 1], v->stack[n]);
        break;
    }
  }
}

/* ---- waiting */

void evaluation_save(struct evaluation *v, double *values) {
  for (size_t i = 0; i < v->x->waiting_count; i++) {
    int index = v->x->waiting[i];
    const struct term *t = &v->x->terms[index];
    if (t->kind == TERM_RANK || t->kind == TERM_ABOVE || t->kind == TERM_VALUE) {
      values[i] = evaluation_value(v, t->a);
      continue;
    }
    if (v->documents[index] != v->document) {
      v->values[index] = compute(v, t);
      v->documents[index] = v->document;
    }
    values[i] = v->values[index];
  }
}

void evaluation_restore(struct evaluation *v, const double *values) {
  v->document++;
  for (size_t i = 0; i < v->x->waiting_count; i++) {
    v->values[v->x->waiting[i]] = values[i];
    v->documents[v->x->waiting[i]] = v->document;
  }
}
