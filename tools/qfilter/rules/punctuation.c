/* SPDX-License-Identifier: MIT
 *
 * The character sets of datatrove 0.10 (utils/text.py): PUNCTUATION without its control characters, which
 * symbol_set() adds as ranges, and TERMINAL_PUNCTUATION.
 */
#include "tools/qfilter/rules/punctuation.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/text/unicode.h"

static const char punctuation_characters[] =
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00AB\u00B4\u00BB\u2013\u2014\u2019\u201C\u201D\u201E\u2026\u2236\u2501"
    "\u25BA\u3001\u3002\u3008\u3009\u300A\u300B\u300C\u300D\u3010\u3011\uFF01\uFF05\uFF08\uFF09\uFF0C\uFF0E\uFF11"
    "\uFF1A\uFF1B\uFF1F\uFF5E";

const char terminal_punctuation_characters[] =
    "!.?\u0589\u061D\u061E\u061F\u06D4\u0700\u0701\u0702\u07F9\u0837\u0839\u083D\u083E\u0964\u0965\u104A\u104B"
    "\u1362\u1367\u1368\u166E\u1735\u1736\u17D4\u17D5\u17D6\u17D9\u17DA\u1803\u1809\u1944\u1945\u1AA8\u1AA9\u1AAA"
    "\u1AAB\u1B5A\u1B5B\u1B5E\u1B5F\u1B7D\u1B7E\u1C3B\u1C3C\u1C7E\u1C7F\u203C\u203D\u2047\u2048\u2049\u2E2E\u2E3C"
    "\u2E53\u2E54\u3002\uA4FF\uA60E\uA60F\uA6F3\uA6F7\uA876\uA877\uA8CE\uA8CF\uA92F\uA9C8\uA9C9\uAA5D\uAA5E\uAA5F"
    "\uAAF0\uAAF1\uABEB\uFE52\uFE56\uFE57\uFF01\uFF0E\uFF1F\uFF61\U00010A56\U00010A57\U00010F55\U00010F56\U00010F57"
    "\U00010F58\U00010F59\U00010F86\U00010F87\U00010F88\U00010F89\U00011047\U00011048\U000110BE\U000110BF\U000110C0"
    "\U000110C1\U00011141\U00011142\U00011143\U000111C5\U000111C6\U000111CD\U000111DE\U000111DF\U00011238\U00011239"
    "\U0001123B\U0001123C\U000112A9\U0001144B\U0001144C\U000115C2\U000115C3\U000115C9\U000115CA\U000115CB\U000115CC"
    "\U000115CD\U000115CE\U000115CF\U000115D0\U000115D1\U000115D2\U000115D3\U000115D4\U000115D5\U000115D6\U000115D7"
    "\U00011641\U00011642\U0001173C\U0001173D\U0001173E\U00011944\U00011946\U00011A42\U00011A43\U00011A9B\U00011A9C"
    "\U00011C41\U00011C42\U00011EF7\U00011EF8\U00011F43\U00011F44\U00016A6E\U00016A6F\U00016AF5\U00016B37\U00016B38"
    "\U00016B44\U00016E98\U0001BC9F\U0001DA88";

static int compare_code_points(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

bool char_set_has_above(const struct char_set *set, uint32_t c) {
  return set->above_count && bsearch(&c, set->above, (size_t)set->above_count, sizeof c, compare_code_points) != NULL;
}

static void add(struct char_set *set, uint32_t c) {
  if (c < 0x10000) {
    set->plane[c / 64] |= 1ull << (c % 64);
    return;
  }
  set->above = RESIZE(set->above, (size_t)set->above_count + 1);
  set->above[set->above_count++] = c;
}

void char_set_init(struct char_set *set, struct slice characters) {
  *set = (struct char_set){0};
  for (size_t i = 0; i < characters.len;) {
    int length;
    add(set, unicode_decode(characters.data + i, &length));
    i += (size_t)length;
  }
  if (set->above_count) qsort(set->above, (size_t)set->above_count, sizeof *set->above, compare_code_points);
}

void char_set_release(struct char_set *set) {
  free(set->above);
  *set = (struct char_set){0};
}

static struct char_set symbols;
static pthread_once_t symbols_once = PTHREAD_ONCE_INIT;

static void fill_symbols(void) {
  struct buffer all = {0};
  buffer_append(&all, punctuation_characters, strlen(punctuation_characters));
  buffer_append(&all, terminal_punctuation_characters, strlen(terminal_punctuation_characters));
  char_set_init(&symbols, buffer_slice(&all));
  buffer_release(&all);
  for (uint32_t c = 0; c < 160; c++)
    if (c < 9 || (c >= 11 && c < 32) || c >= 127) add(&symbols, c); /* not tab, not newline */
}

const struct char_set *symbol_set(void) {
  pthread_once(&symbols_once, fill_symbols);
  return &symbols;
}
