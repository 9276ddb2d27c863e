/* SPDX-License-Identifier: MIT
 *
 * The text of a PDF: a child process reads it (pdftotext of poppler, or whatever the user names) and what it writes is made
 * into paragraphs.
 *
 * The command is one for /bin/sh, so that options, quotes and pipes work; nothing of a document gets into it.  It reads the
 * PDF from its standard input, which is a file in memory (seekable, and nothing blocks), and writes UTF-8 to its standard
 * output; its standard error is dropped.  It runs in a process group of its own with no other open file, under limits of
 * CPU time, memory, file size and cores, and the group is killed at the time limit, when the output is too long, and when
 * the command has ended, so that none of its children stay.
 */
#ifndef WARC2TXT_PDF_H
#define WARC2TXT_PDF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

#define PDF_COMMAND "pdftotext - -"

struct pdf_options {
  const char *command;   /* for sh -c */
  double time_limit;     /* seconds; 0: none */
  int64_t memory;        /* bytes of address space for each process; 0: no limit */
  size_t output_limit;   /* bytes */
};

enum pdf_result { PDF_OK, PDF_FAILED, PDF_TIME_LIMIT, PDF_TOO_LONG };

/* Appends what the command writes.  PDF_FAILED: it could not be started, exited with another status than 0, or died.  From
 * any thread. */
enum pdf_result pdf_run(const struct pdf_options *options, struct slice pdf, struct buffer *out);

/* Whether the first word of the command is a program (in PATH, or by its path); true for commands of the shell's own. */
bool pdf_command_found(const char *command);

/* pdf_text.c: appends the paragraphs of the text of a PDF, one a line.  `raw`: valid UTF-8; form feeds part its pages. */
void pdf_text(struct slice raw, struct buffer *out);

#endif
