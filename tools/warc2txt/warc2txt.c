/* SPDX-License-Identifier: MIT
 *
 * warc2txt: web archives -> documents.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/warc2txt/records.h"

struct settings {
  struct records_options records;
  int mode, markup;
  const char *types, *status, *list;
};

static int parse_types(struct records_options *o, const char *list, struct err *e) {
  o->type_html = o->type_text = false;
  while (*list) {
    size_t n = strcspn(list, ",");
    if (n == 4 && memcmp(list, "html", 4) == 0) o->type_html = true;
    else if (n == 4 && memcmp(list, "text", 4) == 0) o->type_text = true;
    else return err_usage(e, "--types: %.*s: html and text are known", (int)n, list);
    list += n + (list[n] == ',');
  }
  return o->type_html || o->type_text ? 0 : err_usage(e, "--types: no type");
}

/* The lines of a file, as operands; the buffer owns the bytes. */
static int read_list(const char *path, struct buffer *bytes, char ***names, int *count, struct err *e) {
  if (input_read_all(path, bytes, e)) return -1;
  size_t capacity = (size_t)*count;
  for (char *line = buffer_string(bytes), *end = line + bytes->len; line < end;) {
    char *newline = memchr(line, '\n', (size_t)(end - line));
    if (!newline) newline = end;
    *newline = '\0';
    if (newline > line && newline[-1] == '\r') newline[-1] = '\0';
    if (*line) {
      GROW(*names, capacity, *count + 1);
      (*names)[(*count)++] = line;
    }
    line = newline + 1;
  }
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  s->records.mode = s->mode ? EXTRACT_ALL : EXTRACT_MAIN;
  if (parse_types(&s->records, s->types, e) || records_parse_statuses(&s->records, s->status, e)) return -1;
  if (s->records.max_record > (int64_t)1 << 30) return err_usage(e, "--max-record: at most 1G");

  struct buffer list = {0};
  int count = p->operand_count;
  char **names = MALLOC(((size_t)count + 1) * sizeof *names);
  for (int i = 0; i < count; i++) names[i] = p->operand[i];
  struct output *output = NULL, *rejects = NULL;
  int result = -1;
  if (s->list && read_list(s->list, &list, &names, &count, e)) goto done;
  if (count == 0 && !s->list) names[count++] = "-";
  if (output_open(&output, p->output, 0, e)) goto done;
  if (p->rejects_path && output_open(&rejects, p->rejects_path, 0, e)) goto done;
  result = records_run(p, &s->records, names, count, output, rejects, e);
  if (result == 0 && rejects) {
    result = output_commit(rejects, e);
    rejects = NULL;
  }
  if (result == 0) {
    result = output_commit(output, e);
    output = NULL;
  }
done:
  output_abort(output);
  output_abort(rejects);
  free(names);
  buffer_release(&list);
  return result;
}

int main(int argc, char **argv) {
  struct settings s = {.types = "html,text", .status = "2xx", .records.max_record = 256 << 20};
  const struct option options[] = {
    {OPTION_CHOICE, 0, "mode", &s.mode, "MODE", "main: the main text of a page; all: all visible text (default: main)", .choices = "main|all"},
    {OPTION_CHOICE, 0, "markup", &s.markup, "FORM", "form of the text (default: text)", .choices = "text"},
    {OPTION_FLAG, 0, "html", &s.records.html, NULL, "inputs are HTML files, not archives"},
    {OPTION_STRING, 0, "types", &s.types, "LIST", "html, text: what is extracted (default: html,text)"},
    {OPTION_STRING, 0, "status", &s.status, "LIST", "HTTP statuses: 200, 2xx, 200-299, all (default: 2xx)"},
    {OPTION_STRING, 0, "list", &s.list, "FILE", "further inputs, one a line"},
    {OPTION_DOUBLE, 0, "time-limit", &s.records.time_limit, "SECONDS", "reject pages that take longer to parse (default: no limit)", .min = 0, .max = 1e9},
    {OPTION_SIZE, 0, "max-record", &s.records.max_record, "SIZE", "reject longer records, stored or decoded, at most 1G (default: 256M)", .min = 1, .max = 9e18},
    {OPTION_FLAG, 0, "features", &s.records.features, NULL, "write the classifier's features of each block instead of documents"},
    {0},
  };
  static const char *const examples[] = {
    "warc2txt CC-MAIN-20260101-00000.warc.gz > documents.tsv",
    "warc2txt --mode all --rejects rejected.tsv --stats stats.json -o documents.tsv *.warc.gz",
    "warc2txt --html --jsonl page.html",
    NULL,
  };
  struct program p = {
    .name = "warc2txt", .summary = "extract text from web archives", .operands = "[INPUT...]", .options = options, .examples = examples,
    .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_REJECTS | SHARED_STRICT | SHARED_FORCE | SHARED_JSONL | SHARED_MAX_DOCUMENT,
  };
  bool list = false; /* with --list, no operand does not mean stdin */
  for (int i = 1; i < argc; i++) list = list || strcmp(argv[i], "--list") == 0 || strncmp(argv[i], "--list=", 7) == 0;
  if (!list) p.shared |= SHARED_STDIN;
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  return program_end(&p, run(&p, &s, &e), &e);
}
