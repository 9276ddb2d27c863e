/* SPDX-License-Identifier: MIT */
#include "common/base/options.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static struct values {
  bool flag, on;
  int64_t whole, count, size;
  double real;
  const char *string;
  struct option_list list;
  int choice, called;
} v;

static int call(void *value, const char *argument, struct err *e) {
  if (strcmp(argument, "bad") == 0) return err_set(e, "is bad");
  ++*(int *)value;
  return 0;
}

static const struct option own[] = {
  {OPTION_FLAG, 'f', "flag", &v.flag, NULL, "a flag"},
  {OPTION_NEGATE, 0, "no-on", &v.on, NULL, "not on"},
  {OPTION_INT, 'i', "int", &v.whole, "N", "a whole number", .min = -5, .max = 5},
  {OPTION_COUNT, 'n', "count", &v.count, "N", "a count", .min = 1, .max = 9e18},
  {OPTION_SIZE, 'S', "size", &v.size, "SIZE", "a size"},
  {OPTION_DOUBLE, 'x', NULL, &v.real, "X", "a number", .min = 0, .max = 1},
  {OPTION_STRING, 's', "string", &v.string, "TEXT", "a text with a name that is long enough for two lines"},
  {OPTION_STRING, 0, "a-very-long-name-of-an-option", &v.string, "TEXT", "help"},
  {OPTION_STRING, 0, "hidden", &v.string, "TEXT", NULL},
  {0},
};
static const struct option shared[] = {
  {OPTION_LIST, 'l', "list", &v.list, "ITEM", "repeated"},
  {OPTION_CHOICE, 'c', "choice", &v.choice, NULL, "one of three", "one|two|two-and-more"},
  {OPTION_CALL, 0, "call", &v.called, "WHAT", "calls", .call = call},
  {OPTION_CHOICE, 0, "many", &v.choice, NULL, "more than fits",
   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|"
   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
  {0},
};
static const struct option *const tables[] = {own, shared, NULL};

static char *argv[32];
static int argc, first;
static struct err e;

/* Arguments separated by blanks; an empty one is written _ */
static int parse(const char *line) {
  static char text[1024];
  option_list_release(&v.list);
  v = (struct values){.on = true, .string = "default"};
  memset(&e, 0, sizeof e);
  strcpy(text, line);
  argc = 0;
  argv[argc++] = "tool";
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) argv[argc++] = strcmp(word, "_") == 0 ? "" : word;
  argv[argc] = NULL;
  return first = options_parse(tables, argc, argv, &e);
}

static bool operands(int n, ...) {
  if (argc - first != n) return false;
  va_list names;
  va_start(names, n);
  bool same = true;
  for (int i = 0; i < n; i++) same &= strcmp(argv[first + i], va_arg(names, const char *)) == 0;
  va_end(names);
  return same;
}

static void refused(const char *line, const char *words) {
  bool fine = parse(line) == -1 && e.kind == ERR_USAGE && strstr(e.message, words);
  ok(fine, "refused: %s", line);
  if (!fine) note("status %d, kind %d, message: %s", first, e.kind, e.message);
}

static char *captured(void (*print)(FILE *)) {
  char *text = NULL;
  size_t n;
  FILE *f = open_memstream(&text, &n);
  print(f);
  fclose(f);
  return text;
}
static void print_help(FILE *f) { options_help(tables, f); }
static void print_completion(FILE *f) { options_completion(tables, "min-hash", f); }

int main(void) {
  ok(parse("") >= 0 && operands(0) && v.on && !v.flag && strcmp(v.string, "default") == 0, "no arguments leave the defaults");
  ok(parse("a --flag b -i -3 c") >= 0 && operands(3, "a", "b", "c") && v.flag && v.whole == -3, "options and operands mix; operands keep their order");
  ok(parse("-fi5 -n1.5M --size=4K -x.25") >= 0 && v.flag && v.whole == 5 && v.count == 1500000 && v.size == 4096 && v.real == .25, "short options cluster and take their argument at once or next");
  ok(parse("--string=a=b --int 4") >= 0 && strcmp(v.string, "a=b") == 0 && v.whole == 4, "--long=value and --long value");
  ok(parse("--string= -s _") >= 0 && strcmp(v.string, "") == 0, "an empty value is a value");
  ok(parse("-s --flag") >= 0 && strcmp(v.string, "--flag") == 0 && !v.flag, "an argument may look like an option");
  ok(parse("--no-on") >= 0 && !v.on, "a negated flag");
  ok(parse("-l a --list=b -l c") >= 0 && v.list.count == 3 && strcmp(v.list.items[2], "c") == 0, "a list keeps its order");
  ok(parse("-c two --call x --call y") >= 0 && v.choice == 1 && v.called == 2, "choices and calls");
  ok(parse("-c two-and-more") >= 0 && v.choice == 2, "a choice that starts like another one");
  ok(parse("- -- -f --flag --") >= 0 && operands(4, "-", "-f", "--flag", "--") && !v.flag, "- is an operand, -- ends options");
  ok(parse("-i 1 -i 2") >= 0 && v.whole == 2, "the last one wins");
  refused("--unknown", "--unknown");
  refused("-z", "-z");
  refused("-fz", "-z");
  refused("--fla", "--fla");
  refused("--flag=1", "no argument");
  refused("--int", "needs an argument");
  refused("-n", "needs an argument");
  refused("--int=6", "-5");
  refused("--int=1.5", "whole number");
  refused("--count 0", "at least 1");
  refused("--count x", "count");
  refused("--size x", "size");
  refused("-x 1.5", "0 to 1");
  refused("-x nan", "number");
  refused("--choice three", "one|two|two-and-more");
  refused("-c on", "one of");
  refused("--call bad", "--call: is bad");
  refused("--=x", "--");
  refused("--choice _", "one of");

  char *help = captured(print_help);
  ok(strstr(help, "  -f, --flag                a flag\n") && strstr(help, "  -x X                      a number\n"), "help is aligned");
  ok(strstr(help, "      --a-very-long-name-of-an-option TEXT\n                            help\n"), "a long name has its own line");
  ok(strstr(help, "  -c, --choice one|two|two-and-more\n"), "choices are shown");
  ok(strstr(help, "\n\n  -l, --list ITEM"), "a blank line between tables");
  ok(!strstr(help, "hidden"), "an option without help is not shown");
  ok(strstr(help, shared[3].choices), "more choices than fit into a line are all shown");
  free(help);
  char *completion = captured(print_completion);
  ok(strstr(completion, "_min_hash()") && strstr(completion, "--flag --no-on --int") && strstr(completion, "-F _min_hash min-hash") && strstr(completion, "'one two two-and-more'") && !strstr(completion, "hidden"), "completion lists options and choices");
  free(completion);
  option_list_release(&v.list);
  char word[OPTION_WORD];
  ok_string(option_word("one|two|three", 0, word), "one", "the first word of choices");
  ok_string(option_word("one|two|three", 2, word), "three", "the last one");
  return tap_done();
}
