/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/pdf/pdf.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/progress.h"
#include "common/base/threads.h"
#include "tests/tap.h"

static struct buffer out;

static enum pdf_result run(const char *command, struct slice pdf, double time_limit, size_t output_limit) {
  buffer_clear(&out);
  return pdf_run(&(struct pdf_options){.command = command, .time_limit = time_limit, .memory = 1 << 30, .output_limit = output_limit}, pdf, &out);
}

static bool no_children(void) { return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD; }

static int open_files(void) {
  DIR *folder = opendir("/proc/self/fd");
  int n = 0;
  while (folder && readdir(folder)) n++;
  if (folder) closedir(folder);
  return n;
}

static const char *text(const char *raw) {
  buffer_clear(&out);
  pdf_text(slice_of(raw), &out);
  return buffer_string(&out);
}

static int wrong;
static void in_thread(void *context, int index) {
  (void)context;
  for (int i = 0; i < 10; i++) {
    struct buffer b = {0}, body = {0};
    buffer_printf(&body, "body %d %d", index, i);
    if (pdf_run(&(struct pdf_options){.command = "cat", .time_limit = 60, .output_limit = 1000}, buffer_slice(&body), &b) != PDF_OK || b.len != body.len || memcmp(b.data, body.data, b.len) != 0)
      __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    buffer_release(&b);
    buffer_release(&body);
  }
}

static void processes(void) {
  int before = open_files();
  double start = progress_clock();
  ok(run("cat", SLICE("%PDF-x"), 0, 100) == PDF_OK && slice_equal(buffer_slice(&out), SLICE("%PDF-x")), "the command reads the body and what it writes is taken");
  ok(run("tr a-z A-Z | sed 's/^/> /'", SLICE("abc"), 30, 100) == PDF_OK && slice_starts(buffer_slice(&out), SLICE("> ABC")), "the command is one for the shell");
  ok(run("wc -c < /dev/stdin; cat", SLICE("0123456789"), 30, 100) == PDF_OK && slice_starts(buffer_slice(&out), SLICE("10")), "the body is a file that can be opened again");
  ok(run("exit 3", SLICE("x"), 30, 100) == PDF_FAILED, "an exit status other than 0 is a failure");
  ok(run("kill -SEGV $$", SLICE("x"), 30, 100) == PDF_FAILED, "so is a crash");
  ok(run("/no/such/command", SLICE("x"), 30, 100) == PDF_FAILED, "and a command that is not there");
  ok(run("true", SLICE("x"), 30, 100) == PDF_OK && out.len == 0, "a command need not read");
  ok(run("exec sleep 1000", SLICE("x"), .2, 100) == PDF_TIME_LIMIT, "one that sleeps ends at the time limit");
  ok(run("sleep 1000 & sleep 1000", SLICE("x"), .2, 100) == PDF_TIME_LIMIT, "with all of its children");
  ok(run("exec >&-; sleep 1000", SLICE("x"), .2, 100) == PDF_TIME_LIMIT, "also when it has closed its output");
  ok(run("trap '' TERM INT HUP; while :; do :; done", SLICE("x"), .3, 100) == PDF_TIME_LIMIT, "and when it ignores signals and burns time");
  ok(run("yes", SLICE("x"), 30, 100000) == PDF_TOO_LONG && out.len < 1000000, "too much output ends it");
  ok(run("echo first; sleep 1000 & exit 0", SLICE("x"), 30, 100) == PDF_OK && slice_starts(buffer_slice(&out), SLICE("first")), "a child left behind with the pipe open is not waited for");
  ok(run("ulimit -c; ulimit -v; ls -l /proc/self/fd | wc -l", SLICE("x"), 30, 1000) == PDF_OK && slice_starts(buffer_slice(&out), SLICE("0\n1048576\n5\n")) , "no cores, bounded memory, no open file but the three and ls's own")
    || (note("%s", buffer_string(&out)), 0);
  struct buffer body = {0};
  buffer_reserve(&body, 5000000);
  for (body.len = 0; body.len < 5000000; body.len++) body.data[body.len] = (char)('a' + body.len % 23);
  ok(run("cat", buffer_slice(&body), 60, 6000000) == PDF_OK && out.len == body.len && memcmp(out.data, body.data, out.len) == 0, "5 MB go through both ways");
  ok(run("cat; cat < /dev/zero | head -c 1000", buffer_slice(&body), 60, 6000000) == PDF_OK && out.len == body.len + 1000, "a command that writes before it has read blocks nobody");
  ok(run("head -c 10", buffer_slice(&body), 60, 6000000) == PDF_OK && out.len == 10, "one that does not read all either");
  buffer_release(&body);
  threads_run(4, in_thread, NULL);
  ok_int(wrong, 0, "four threads at once do not disturb each other");
  ok(progress_clock() - start < 300, "nothing waited for a sleeper");
  ok(no_children(), "no zombie is left");
  ok_int(open_files(), before, "and no open file");
  ok(pdf_command_found("sh -c x") && pdf_command_found("  /bin/sh") && pdf_command_found("A=1 x") && !pdf_command_found("no-such-program-here - -") && !pdf_command_found("/no/such") && !pdf_command_found(" "),
     "a program is looked for in PATH");
}

static void paragraphs(void) {
  ok_string(text("This is the first line of a paragraph that is long\nenough to be one, and it goes on in the next line as\nlines of paragraphs do.\nShort end.\n"),
            "This is the first line of a paragraph that is long enough to be one, and it goes on in the next line as lines of paragraphs do.\nShort end.", "full lines go on, short ones end");
  ok_string(text("The quality of a document depends on what stands be-\nfore it and on well-\nknown things after it, such as those that are well-known\nor those that come be-\n\ntween.\n"),
            "The quality of a document depends on what stands before it and on well-known things after it, such as those that are well-known or those that come between.",
            "hyphens at line ends go, but where the document has the word with it");
  ok_string(text("The treaty was signed in the eighteenth year by Franco-\nGerman envoys and by others, as everybody knows by now.\n"),
            "The treaty was signed in the eighteenth year by Franco-German envoys and by others, as everybody knows by now.", "before a capital the hyphen stays");
  ok_string(text("An item list stands here, with a line that is as long as\n\xE2\x80\xA2 one item\n\xE2\x80\xA2 another item that is so long that it needs two\nlines of this narrow page, this one and the last one,\n1. first\n(b) second\n"),
            "An item list stands here, with a line that is as long as\n\xE2\x80\xA2 one item\n\xE2\x80\xA2 another item that is so long that it needs two lines of this narrow page, this one and the last one,\n1. first\n(b) second", "items are lines of their own");
  ok_string(text("\xEF\xAC\x81nal o\xEF\xAC\x83" "ce \xEF\xAC\x82ow\x01\n"), "final office flow", "ligatures of fonts become letters, controls go");
  ok_string(text("Name      Count   Price\nApple     3       1.20\nPear      14      0.80\n"), "Name\tCount\tPrice\nApple\t3\t1.20\nPear\t14\t0.80", "rows of tables stay, cells by tabs");
  ok_string(text("Introduction . . . . . . . . . 3\nMethods ....................... 12\n"), "Introduction 3\nMethods 12", "leaders of a contents go");
  struct buffer pages = {0};
  for (int i = 1; i <= 8; i++)
    buffer_printf(&pages, "%sThe Journal of Things, %d\n\nThis page has number words %c that no other page has, so that all\nof it stays where it is, and the sentence goes on to the next\n\n%d\n\f", i == 5 ? "CHAPTER\n" : "", i, 'a' + i, 10 + i);
  text(buffer_string(&pages));
  ok(!strstr(out.data, "Journal") && !strstr(out.data, "11") && !strstr(out.data, "18") && strstr(out.data, "CHAPTER") && strstr(out.data, "words i that"), "running heads and page numbers go, a heading at the top of a page stays");
  buffer_clear(&pages);
  buffer_append_string(&pages, "Word Word Word Word Word Word Word Word Word Word Word Word the\n\f lower case goes on here, after the page's end, as it should do it.\nNew one.\n\f");
  text(buffer_string(&pages));
  ok(strstr(out.data, "Word the lower case goes on") != NULL, "a sentence goes on over the end of a page");
  buffer_clear(&pages);
  for (int i = 0; i < 200000; i++) buffer_append_string(&pages, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-\n");
  double start = progress_clock();
  text(buffer_string(&pages));
  ok(out.len == (size_t)200000 * 47 + 1, "one word of ten million letters (%.1f s)", progress_clock() - start);
  ok_string(text(""), "", "nothing gives nothing");
  ok_string(text("\f\f\n \n\f"), "", "nor do empty pages");
  buffer_release(&pages);
}

static void poppler(void) {
  if (!pdf_command_found(PDF_COMMAND)) {
    skip("pdftotext is not installed", "a PDF is read");
    return;
  }
  struct buffer pdf = {0};
  size_t offsets[6];
  static const char *const objects[] = {"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
                                        "<</Length 44>>stream\nBT /F1 24 Tf 100 700 Td (Hello, world.) Tj ET \nendstream", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"};
  buffer_append_string(&pdf, "%PDF-1.4\n");
  for (int i = 0; i < 5; i++) {
    offsets[i] = pdf.len;
    buffer_printf(&pdf, "%d 0 obj%s endobj\n", i + 1, objects[i]);
  }
  size_t table = pdf.len;
  buffer_append_string(&pdf, "xref\n0 6\n0000000000 65535 f \n");
  for (int i = 0; i < 5; i++) buffer_printf(&pdf, "%010zu 00000 n \n", offsets[i]);
  buffer_printf(&pdf, "trailer<</Size 6/Root 1 0 R>>\nstartxref\n%zu\n%%%%EOF\n", table);
  ok(run(PDF_COMMAND, buffer_slice(&pdf), 60, 10000) == PDF_OK && slice_find(buffer_slice(&out), SLICE("Hello, world.")), "a PDF is read");
  ok(run(PDF_COMMAND, SLICE("%PDF-1.4 nothing"), 60, 10000) == PDF_FAILED, "one that is none fails");
  buffer_release(&pdf);
}

int main(void) {
  processes();
  paragraphs();
  poppler();
  buffer_release(&out);
  return tap_done();
}
