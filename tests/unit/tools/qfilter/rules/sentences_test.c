/* SPDX-License-Identifier: MIT
 *
 * Sentences as spaCy 3.8's sentencizer over its blank English tokenizer cuts them; the expected values are its
 * (tests/data/text/words_reference.tsv: tests/oracle/spacy_words.py).
 */
#include "tools/qfilter/rules/sentences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/documents.h"
#include "tests/tap.h"

static struct sentence_list list;

static bool cuts(struct slice text, const char *want) {
  struct buffer got = {0};
  sentences_split(&list, text);
  size_t start = 0;
  for (size_t i = 0; i < list.count; i++) {
    if (i) buffer_put(&got, '|');
    buffer_append(&got, text.data + start, list.ends[i] - start);
    start = list.ends[i];
  }
  bool same = slice_equal(buffer_slice(&got), slice_of(want)) && (text.len == 0 || start == text.len);
  if (!same) note("got %s", buffer_string(&got));
  buffer_release(&got);
  return same;
}

/* Texts whose number of sentences is not the reference's. */
static int differing_texts(int *texts) {
  FILE *f = fopen("tests/data/text/words_reference.tsv", "r");
  char *line = NULL;
  size_t capacity = 0;
  int different = 0;
  struct buffer text = {0};
  *texts = 0;
  for (ssize_t n; f && (n = getline(&line, &capacity, f)) > 0; ++*texts) {
    char *tab = memchr(line, '\t', (size_t)n), *last = strrchr(line, '\t');
    if (!tab) break;
    uint64_t unknown = 0;
    buffer_clear(&text);
    document_unescape(&text, (struct slice){line, (size_t)(tab - line)}, &unknown);
    sentences_split(&list, buffer_slice(&text));
    if (list.count == strtoull(last + 1, NULL, 10)) continue;
    if (different++ < 3) note("%s: %zu sentences, not %s", buffer_string(&text), list.count, last + 1);
  }
  if (f) fclose(f);
  free(line);
  buffer_release(&text);
  return different;
}

#define CUTS(text, want) ok(cuts(SLICE(text), want), "%s", text)

int main(void) {
  CUTS("One. Two. Three.", "One. |Two. |Three.");
  CUTS("Mr. Bcd met Dr. Fgh at 9a.m. in Wash. today. Yes.", "Mr. Bcd met Dr. Fgh at 9a.m. in Wash. today. |Yes.");
  CUTS("We saw bcd.Then fgh came.", "We saw bcd.|Then fgh came.");
  CUTS("See http://bcd.fg/Hj.Kl now. Then go.", "See http://bcd.fg/Hj.Kl now. |Then go.");
  CUTS("Wait... what? Yes! No.", "Wait... what? |Yes! |No.");
  CUTS("He is (as said.) Gone. U.S. bcd. AB. Cd.", "He is (as said.) |Gone. |U.S. bcd. |AB. |Cd.");
  CUTS("“Bcd.” Then more.", "“Bcd.” |Then more.");
  CUTS("a. b. c. d.", "a. b. c. d.");
  CUTS("Is it? \"Yes.\" (No!) 'So.' End", "Is it? \"|Yes.\" (|No!) '|So.' |End");
  CUTS("3.14 is pi. 5kg. And so.", "3.14 is pi. |5kg. |And so.");
  CUTS("Über alles. Ärger kommt. Ñandú.", "Über alles. |Ärger kommt. |Ñandú.");
  CUTS("日本語。次の文。", "日本語。次の文。");
  CUTS("終わり。 次の。 文", "終わり。 |次の。 |文");
  CUTS("See (e.g. this). And [that].", "See (e.g. this). |And [that].");
  CUTS("He said: \"Go!\" and went.", "He said: \"Go!\" |and went.");
  CUTS("f.Kr. was early. It's cold.", "f.Kr. |was early. |It's cold.");
  CUTS("One.  Two.   Three", "One. | Two. |  Three");
  CUTS("It costs $5. Or 10%. Or 7°C. Done", "It costs $5. |Or 10%. |Or 7°C. |Done");
  CUTS("end.”Start now. Well", "end.|”Start now. |Well");
  CUTS("www.example.com. Next one.", "www.example.com. |Next one.");
  CUTS("x@y.zz. Next. one.", "x@y.zz. |Next. |one.");
  CUTS("A.B. C.D. done. Ph.D. too. etc. and", "A.B. C.D. done. |Ph.D. too. |etc. |and");
  CUTS("No full stop", "No full stop");
  CUTS("...and then... more. .", "...and then... more. .");
  CUTS("What?! Really?? Yes!!! ok", "What?! |Really?? |Yes!!! |ok");
  CUTS("item 1. item 2. item (3). 4.", "item 1. |item 2. |item (3). |4.");
  CUTS("“Quote?” she said. ‘No.’ He left.", "“Quote?” |she said. ‘|No.’ |He left.");
  CUTS("* a. * b! - c? + d", "* a. * b! - |c? |+ d");
  ok(cuts(SLICE("One. \n\nTwo.\nThree.)  (Four"), "One. |\n\nTwo.|\nThree.) | (Four"), "a line break opens a sentence");
  CUTS("End.  ", "End. | ");
  int texts, different = differing_texts(&texts);
  ok(texts > 500 && different == 0, "every text has the reference's number of sentences");
  ok(cuts(SLICE(""), ""), "an empty text has none");
  struct buffer b = {0};
  for (int i = 0; i < 1000000; i++) buffer_append_string(&b, "ok.Ok.");
  sentences_split(&list, buffer_slice(&b));
  ok(list.count == 1 || list.count > 1000000, "six million bytes without a space take linear time");
  for (size_t i = 0; i < b.len; i++) b.data[i] = "(.)"[i % 3];
  sentences_split(&list, buffer_slice(&b));
  ok(list.count == 1, "brackets and full stops alone are one sentence");
  buffer_release(&b);
  sentence_list_release(&list);
  return tap_done();
}
