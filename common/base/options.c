/* SPDX-License-Identifier: MIT */
#include "common/base/options.h"

#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"

const char *option_word(const char *choices, int index, char text[OPTION_WORD]) {
  for (; index > 0; index--) choices = strchr(choices, '|') + 1;
  snprintf(text, OPTION_WORD, "%.*s", (int)strcspn(choices, "|"), choices);
  return text;
}

static bool takes_argument(const struct option *o) { return o->type != OPTION_FLAG && o->type != OPTION_NEGATE; }

static const struct option *find(const struct option *const *tables, const char *name, size_t length, char letter) {
  for (; *tables; tables++)
    for (const struct option *o = *tables; o->type != OPTION_END; o++) {
      if (letter ? o->letter == letter : o->name && strlen(o->name) == length && memcmp(o->name, name, length) == 0) return o;
    }
  return NULL;
}

static bool outside(const struct option *o, double x) { return o->min < o->max && (x < o->min || x > o->max); }

static int range_error(const struct option *o, const char *shown, const char *argument, struct err *e) {
  char low[NUMBER_TEXT], high[NUMBER_TEXT];
  if (o->max >= 9e18) return err_usage(e, "%s takes at least %s, not '%s'", shown, number_format(o->min, low), argument);
  return err_usage(e, "%s takes a number from %s to %s, not '%s'", shown, number_format(o->min, low), number_format(o->max, high), argument);
}

static int choose(const struct option *o, const char *shown, const char *argument, struct err *e) {
  int index = 0;
  for (const char *p = o->choices;; index++) {
    size_t n = strcspn(p, "|");
    if (strlen(argument) == n && memcmp(argument, p, n) == 0) {
      *(int *)o->value = index;
      return 0;
    }
    if (!p[n]) return err_usage(e, "%s takes one of %s, not '%s'", shown, o->choices, argument);
    p += n + 1;
  }
}

/* `shown` is the option as the user wrote it, for messages. */
static int assign(const struct option *o, const char *shown, const char *argument, struct err *e) {
  int64_t whole;
  double real;
  switch (o->type) {
  case OPTION_FLAG: *(bool *)o->value = true; return 0;
  case OPTION_NEGATE: *(bool *)o->value = false; return 0;
  case OPTION_INT:
    if (number_int(argument, INT64_MIN, INT64_MAX, &whole)) return err_usage(e, "%s takes a whole number, not '%s'", shown, argument);
    if (outside(o, (double)whole)) return range_error(o, shown, argument, e);
    *(int64_t *)o->value = whole;
    return 0;
  case OPTION_COUNT:
    if (number_count(argument, &whole)) return err_usage(e, "%s takes a count such as 1000, 32k, 1.5M or 1e9, not '%s'", shown, argument);
    if (outside(o, (double)whole)) return range_error(o, shown, argument, e);
    *(int64_t *)o->value = whole;
    return 0;
  case OPTION_SIZE:
    if (number_size(argument, &whole)) return err_usage(e, "%s takes a size such as 512K, 256M or 4G, not '%s'", shown, argument);
    if (outside(o, (double)whole)) return range_error(o, shown, argument, e);
    *(int64_t *)o->value = whole;
    return 0;
  case OPTION_DOUBLE:
    if (number_double(argument, &real)) return err_usage(e, "%s takes a number, not '%s'", shown, argument);
    if (outside(o, real)) return range_error(o, shown, argument, e);
    *(double *)o->value = real;
    return 0;
  case OPTION_STRING: *(const char **)o->value = argument; return 0;
  case OPTION_LIST: {
    struct option_list *list = o->value;
    list->items = RESIZE(list->items, (size_t)list->count + 1);
    list->items[list->count++] = argument;
    return 0;
  }
  case OPTION_CHOICE: return choose(o, shown, argument, e);
  case OPTION_CALL:
    if (o->call(o->value, argument, e) == 0) return 0;
    err_prefix(e, "%s", shown);
    e->kind = ERR_USAGE;
    return -1;
  case OPTION_END: break;
  }
  return err_usage(e, "%s: no such type of option", shown);
}

static int parse_long(const struct option *const *tables, int argc, char **argv, int *i, struct err *e) {
  const char *name = argv[*i] + 2, *equals = strchr(name, '=');
  size_t length = equals ? (size_t)(equals - name) : strlen(name);
  const struct option *o = find(tables, name, length, 0);
  char shown[128];
  snprintf(shown, sizeof shown, "--%.*s", length > 100 ? 100 : (int)length, name);
  if (!o) return err_usage(e, "unknown option %s", shown);
  if (!takes_argument(o)) return equals ? err_usage(e, "%s takes no argument", shown) : assign(o, shown, NULL, e);
  if (equals) return assign(o, shown, equals + 1, e);
  if (*i + 1 >= argc) return err_usage(e, "%s needs an argument", shown);
  return assign(o, shown, argv[++*i], e);
}

static int parse_short(const struct option *const *tables, int argc, char **argv, int *i, struct err *e) {
  for (const char *p = argv[*i] + 1; *p; p++) {
    char shown[3] = {'-', *p, 0};
    const struct option *o = find(tables, NULL, 0, *p);
    if (!o) return err_usage(e, "unknown option %s", shown);
    if (!takes_argument(o)) {
      if (assign(o, shown, NULL, e)) return -1;
      continue;
    }
    if (p[1]) return assign(o, shown, p + 1, e);
    if (*i + 1 >= argc) return err_usage(e, "%s needs an argument", shown);
    return assign(o, shown, argv[++*i], e);
  }
  return 0;
}

int options_parse(const struct option *const *tables, int argc, char **argv, struct err *e) {
  char **operands = NEW_ARRAY(char *, (size_t)argc + 1);
  int count = 0, result = 0;
  for (int i = 1; i < argc && result == 0; i++) {
    if (argv[i][0] != '-' || !argv[i][1]) operands[count++] = argv[i];
    else if (strcmp(argv[i], "--") == 0) {
      while (++i < argc) operands[count++] = argv[i];
    } else if (argv[i][1] == '-') result = parse_long(tables, argc, argv, &i, e);
    else result = parse_short(tables, argc, argv, &i, e);
  }
  if (result == 0) {
    for (int i = 0; i < count; i++) argv[argc - count + i] = operands[i];
    result = argc - count;
  }
  free(operands);
  return result;
}

static void label(const struct option *o, struct buffer *text) {
  if (o->letter) buffer_printf(text, "  -%c%s", o->letter, o->name ? ", " : "");
  else buffer_append_string(text, "      ");
  if (o->name) buffer_printf(text, "--%s", o->name);
  const char *argument = o->type == OPTION_CHOICE && !o->argument ? o->choices : o->argument;
  if (takes_argument(o)) buffer_printf(text, " %s", argument ? argument : "ARG");
}

enum { HELP_COLUMN = 28 };

void options_help(const struct option *const *tables, FILE *out) {
  struct buffer text = {0};
  for (; *tables; tables++) {
    bool any = false;
    for (const struct option *o = *tables; o->type != OPTION_END; o++) {
      if (!o->help) continue;
      buffer_clear(&text);
      label(o, &text);
      any = true;
      if (text.len < HELP_COLUMN - 1) fprintf(out, "%-*s%s\n", HELP_COLUMN, buffer_string(&text), o->help);
      else fprintf(out, "%s\n%*s%s\n", buffer_string(&text), HELP_COLUMN, "", o->help);
    }
    if (any && tables[1]) fputc('\n', out);
  }
  buffer_release(&text);
}

void options_completion(const struct option *const *tables, const char *name, FILE *out) {
  char function[128];
  snprintf(function, sizeof function, "_%s", name);
  for (char *p = function; *p; p++)
    if (*p == '-') *p = '_';
  fprintf(out, "# bash completion for %s\n%s() {\n  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n  case $previous in\n", name, function);
  for (const struct option *const *t = tables; *t; t++)
    for (const struct option *o = *t; o->type != OPTION_END; o++) {
      if (!o->name || !o->help || !takes_argument(o)) continue;
      if (o->choices) {
        fprintf(out, "  --%s) COMPREPLY=($(compgen -W '", o->name);
        for (const char *p = o->choices; *p; p++) fputc(*p == '|' ? ' ' : *p, out);
        fprintf(out, "' -- \"$word\")); return ;;\n");
      } else {
        fprintf(out, "  --%s) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n", o->name);
      }
    }
  fprintf(out, "  esac\n  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W '");
  for (const struct option *const *t = tables; *t; t++)
    for (const struct option *o = *t; o->type != OPTION_END; o++)
      if (o->name && o->help) fprintf(out, "--%s ", o->name);
  fprintf(out, "' -- \"$word\"))\n  else\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\ncomplete -o filenames -F %s %s\n", function, name);
}

void option_list_release(struct option_list *list) {
  free(list->items);
  *list = (struct option_list){0};
}
