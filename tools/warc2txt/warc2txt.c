/* SPDX-License-Identifier: MIT
 *
 * warc2txt: web archives -> documents.
 *
 *     records.c     archive/   records of archives, their bodies, indexes, digests; workers; lines in the order of the input
 *     content.c     charset/   what a body is, HTTP codings undone, UTF-8
 *                   html/      the tree of a page; XHTML, feeds, sitemaps
 *                   page/      its blocks of text
 *                   extract/   which of them are the main text: features, a forest of trees and how it is fitted
 *                   markup/    their form: lines or Markdown
 *                   pdf/       PDF through a child process
 *     boilerplate.c            lines that many pages of a site have
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "tools/warc2txt/pdf/pdf.h"
#include "tools/warc2txt/records.h"

struct settings {
  struct records_options records;
  int mode, markup, parser;
  const char *types, *status, *list, *index;
};

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
  s->records.content.mode = s->mode ? EXTRACT_ALL : EXTRACT_MAIN;
  s->records.content.markup.form = s->markup;
  s->records.content.parser = s->parser;
  if (content_parse_types(&s->records.content, s->types, e) || content_parse_statuses(&s->records.content, s->status, e)) return -1;
  if (s->records.content.max_record > (int64_t)1 << 30) return err_usage(e, "--max-record: at most 1G");
  if (s->records.cdx && s->records.html) return err_usage(e, "--cdx names records of archives, --html reads pages");
  if (s->index && s->records.html) return err_usage(e, "--write-index is of archives, --html reads pages");
  if (s->records.cdx && (s->list || p->operand_count > 1)) return err_usage(e, "--cdx takes one operand: the folder or URL where its files are");

  if (s->records.site_boilerplate && s->records.content.features) return err_usage(e, "--site-boilerplate drops lines of documents, --features writes none");

  const char *others[] = {p->output ? p->output : "-", p->rejects_path, p->stats_path};
  for (size_t i = 0; s->index && i < sizeof others / sizeof *others; i++)
    if (others[i] && strcmp(others[i], s->index) == 0 && strncmp(s->index, "/dev/", 5) != 0)
      return err_usage(e, "%s: --write-index needs a file of its own", strcmp(s->index, "-") == 0 ? "stdout" : s->index);

  s->records.content.max_document = p->max_document;
  s->records.content.memory = p->memory;
  signal(SIGCHLD, SIG_DFL); /* where it came ignored, the command's exit status could not be known */
  if (s->records.content.types >> CONTENT_TYPE_PDF & 1 && !pdf_command_found(s->records.content.pdf))
    program_warn(p, "--pdf: %s: not found; PDFs are rejected (pdftotext is in the package poppler-utils)", s->records.content.pdf);
  struct buffer list = {0};
  int count = p->operand_count;
  char **names = MALLOC(((size_t)count + 1) * sizeof *names);
  for (int i = 0; i < count; i++) names[i] = p->operand[i];
  struct output *output = NULL, *rejects = NULL, *index = NULL;
  int result = -1;
  if (s->list && read_list(s->list, &list, &names, &count, e)) goto done;
  if (count == 0 && !s->list && !s->records.cdx) names[count++] = "-";
  if (output_open(&output, p->output, 0, e)) goto done;
  if (p->rejects_path && output_open(&rejects, p->rejects_path, 0, e)) goto done;
  if (s->index && output_open(&index, s->index, 0, e)) goto done;
  s->records.index = index;
  result = records_run(p, &s->records, names, count, output, rejects, e);
  if (result == 0 && index) {
    result = output_commit(index, e);
    index = NULL;
  }
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
  output_abort(index);
  free(names);
  buffer_release(&list);
  return result;
}

int main(int argc, char **argv) {
  struct settings s = {.types = "html,text", .status = "2xx", .records.content = {.max_record = 256 << 20, .time_limit = 10, .pdf = PDF_COMMAND}};
  const struct option options[] = {
    {OPTION_CHOICE, 0, "mode", &s.mode, "MODE", "main: the main text of a page; all: all visible text (default: main)", .choices = "main|all"},
    {OPTION_DOUBLE, 0, "precision", &s.records.content.extract.precision, "X", "taken from the log odds of each part of a page: above 0 keeps less, below 0 more (default: 0)", .min = -10, .max = 10},
    {OPTION_CHOICE, 0, "markup", &s.markup, "FORM", "text, or markdown with its structure (default: text)", .choices = "text|markdown"},
    {OPTION_FLAG, 0, "links", &s.records.content.markup.links, NULL, "keep the targets of links in markdown"},
    {OPTION_CHOICE, 0, "parser", &s.parser, "PARSER", "html5: as browsers read pages; libxml2: its HTML 4 parser (default: html5)", .choices = "html5|libxml2"},
    {OPTION_FLAG, 0, "html", &s.records.html, NULL, "inputs are HTML files, not archives"},
    {OPTION_STRING, 0, "types", &s.types, "LIST", "html, text, pdf, feed, sitemap: what is extracted (default: html,text)"},
    {OPTION_STRING, 0, "pdf", &s.records.content.pdf, "COMMAND", "reads PDF on stdin, writes text (default: pdftotext - -)"},
    {OPTION_STRING, 0, "status", &s.status, "LIST", "HTTP statuses: 200, 2xx, 200-299, all (default: 2xx)"},
    {OPTION_STRING, 0, "list", &s.list, "FILE", "further inputs, one a line"},
    {OPTION_STRING, 0, "cdx", &s.records.cdx, "FILE", "read only the records of this index (CDX, CDXJ, table); INPUT: where its files are"},
    {OPTION_FLAG, 0, "check-digests", &s.records.check_digests, NULL, "records whose digests do not fit are bad"},
    {OPTION_STRING, 0, "write-index", &s.index, "FILE", "write where each record lies, for --cdx"},
    {OPTION_DOUBLE, 0, "time-limit", &s.records.content.time_limit, "SECONDS", "reject pages that take longer to parse, 0: no limit (default: 10)", .min = 0, .max = 1e9},
    {OPTION_FLAG, 0, "site-boilerplate", &s.records.site_boilerplate, NULL, "drop lines that stand on many pages of one host"},
    {OPTION_FLAG, 0, "repair-mojibake", &s.records.content.repair_mojibake, NULL, "repair UTF-8 that was read as windows-1252"},
    {OPTION_SIZE, 0, "max-record", &s.records.content.max_record, "SIZE", "reject longer records, stored or decoded, at most 1G (default: 256M)", .min = 1, .max = 9e18},
    {OPTION_FLAG, 0, "features", &s.records.content.features, NULL, "write the classifier's features of each block instead of documents"},
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
  bool list = false; /* with --list and --cdx, no operand does not mean stdin */
  for (int i = 1; i < argc; i++)
    list = list || strcmp(argv[i], "--list") == 0 || strncmp(argv[i], "--list=", 7) == 0 || strcmp(argv[i], "--cdx") == 0 || strncmp(argv[i], "--cdx=", 6) == 0;
  if (!list) p.shared |= SHARED_STDIN;
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  return program_end(&p, run(&p, &s, &e), &e);
}
