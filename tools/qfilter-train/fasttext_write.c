/* SPDX-License-Identifier: MIT
 *
 * Writing fastText models; see fasttext.h for the file.
 */
#include "tools/qfilter-train/fasttext_write.h"

static int write_dense(const void *values, int64_t rows, int64_t columns, struct output *out, struct err *e) {
  uint8_t quantised = 0;
  int64_t shape[2] = {rows, columns};
  if (output_write(out, &quantised, 1, e) != 0 || output_write(out, shape, sizeof shape, e) != 0) return -1;
  return output_write(out, values, (size_t)(rows * columns) * sizeof(float), e);
}

static int write_codes(const struct fasttext_codes *c, struct output *out, struct err *e) {
  struct buffer head = {0};
  size_t codes = (size_t)c->rows * (size_t)c->parts, centroids = (size_t)c->dim * FASTTEXT_CENTROIDS * sizeof(float);
  int64_t shape[2] = {c->rows, c->dim};
  int32_t size = (int32_t)codes, quantiser[4] = {c->dim, c->parts, c->dsub, c->last}, of_norms[4] = {1, 1, 1, 1};
  buffer_put(&head, 1); /* quantised */
  buffer_put(&head, c->norm_codes != NULL);
  buffer_append(&head, shape, sizeof shape);
  buffer_append(&head, &size, sizeof size);
  int result = output_write(out, head.data, head.len, e);
  buffer_release(&head);
  if (result != 0 || output_write(out, c->codes, codes, e) != 0 || output_write(out, quantiser, sizeof quantiser, e) != 0 || output_write(out, c->centroids, centroids, e) != 0) return -1;
  if (!c->norm_codes) return 0;
  if (output_write(out, c->norm_codes, (size_t)c->rows, e) != 0 || output_write(out, of_norms, sizeof of_norms, e) != 0) return -1;
  return output_write(out, c->norms, sizeof c->norms, e);
}

int fasttext_write(const struct fasttext *m, struct output *out, struct err *e) {
  struct buffer head = {0};
  int32_t start[2] = {FASTTEXT_MAGIC, FASTTEXT_VERSION}, sizes[3] = {m->words + m->labels, m->words, m->labels};
  int64_t counts[2] = {m->tokens, m->pruned ? m->pair_count : -1};
  if (m->input_codes && (uint64_t)m->input_codes->rows * (uint64_t)m->input_codes->parts > INT32_MAX) return err_set(e, "a fastText file cannot hold %lld rows of %d codes", (long long)m->input_codes->rows, m->input_codes->parts);
  buffer_append(&head, start, sizeof start);
  buffer_append(&head, &m->args, 12 * sizeof(int32_t));
  buffer_append(&head, &m->args.t, sizeof m->args.t);
  buffer_append(&head, sizes, sizeof sizes);
  buffer_append(&head, counts, sizeof counts);
  for (int32_t i = 0; i < m->words + m->labels; i++) {
    int8_t type = i >= m->words;
    buffer_append_slice(&head, m->entries[i].text);
    buffer_put(&head, 0);
    buffer_append(&head, &m->entries[i].count, 8);
    buffer_append(&head, &type, 1);
  }
  if (m->pair_count) buffer_append(&head, m->pairs, (size_t)m->pair_count * sizeof *m->pairs);
  int result = output_write(out, head.data, head.len, e);
  buffer_release(&head);
  if (result != 0) return -1;
  if (m->input_codes ? write_codes(m->input_codes, out, e) : write_dense(m->input ? (const void *)m->input : m->mapped_input, (int64_t)m->words + (m->pruned ? m->pair_count : m->args.bucket), m->args.dim, out, e)) return -1;
  return m->output_codes ? write_codes(m->output_codes, out, e) : write_dense(m->output, m->labels, m->args.dim, out, e);
}
