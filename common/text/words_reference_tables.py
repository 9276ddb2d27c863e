#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes words_reference_tables.c: the classes of code points, units and exceptions of spaCy's English tokenizer, as
spacy.blank("en") of the installed spaCy (MIT licence) has them, and Python's classes of white space, digits, word
characters and punctuation.

    python common/text/words_reference_tables.py > common/text/words_reference_tables.c
"""
import re
import sys
import unicodedata

import spacy
from spacy.attrs import ORTH
from spacy.lang import char_classes as c
from spacy.pipeline import Sentencizer
from spacy.tokenizer import Tokenizer

WIDTH = 158
every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
tokenizer = spacy.blank("en").tokenizer


def members(pattern):
    return set(re.findall(f"[{pattern}]", every))


def alone(pattern, text="{}"):
    """The code points that the tokenizer's own pattern takes off when nothing else stands beside them."""
    return {x for x in every if (m := pattern(text.format(x))) and m.end() - m.start() == 1}


terminators = set(Sentencizer.default_punct_chars)
assert all(len(t) == 1 for t in terminators)
CLASSES = [  # the order of enum words_reference_class
    {x for x in every if x.isspace()},
    members(c.ALPHA),
    members(c.ALPHA_LOWER),
    members(c.ALPHA_UPPER),
    members(c.CONCAT_QUOTES),
    alone(tokenizer.prefix_search) - {"+"},
    alone(tokenizer.suffix_search),
    members(rf"0-9{c.ALPHA_LOWER}%²\-\+{c.PUNCT}(?:{c.CONCAT_QUOTES})"),
    members("…" + c.ICONS),
    set(re.findall(r"\d", every)),
    set(re.findall(r"\w", every)),
    {x for x in every if unicodedata.category(x)[0] == "P"},
    terminators,
]
assert not CLASSES[0] & (CLASSES[5] | CLASSES[6] | CLASSES[8]), "white space would be split"
masks = [0] * 0x110000
for bit, chars in enumerate(CLASSES):
    for x in chars:
        masks[ord(x)] |= 1 << bit


def string(s):
    out = ""
    for b in s.encode():
        x = chr(b)
        out += f"\\{b:03o}" if b < 32 or b > 126 else "\\" + x if x in '"\\' else x
    return '"' + out.replace("??", '?\\?') + '"'


def table(items):
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)


print("/* SPDX-License-Identifier: MIT")
print(" *")
print(f" * Made by words_reference_tables.py from spaCy {spacy.__version__} (MIT licence, https://github.com/explosion/spaCy: spacy/lang/char_classes.py,")
print(f" * punctuation.py, tokenizer_exceptions.py, en/tokenizer_exceptions.py) and Unicode {unicodedata.unidata_version}; do not edit.")
print(" */")
print('#include "common/text/words_reference_tables.h"')
print()
ranges = []
for x, mask in enumerate(masks):
    if ranges and ranges[-1][2] == mask:
        ranges[-1][1] = x
    else:
        ranges.append([x, x, mask])
ranges = [r for r in ranges if r[2]]
print("const struct words_reference_range words_reference_ranges[] = {")
table(f"{{{a:#x}, {b:#x}, {m:#x}}}" for a, b, m in ranges)
print("};")
print("const size_t words_reference_range_count = sizeof words_reference_ranges / sizeof *words_reference_ranges;")
print()
print("const char *const words_reference_units[] = {")
currency = [u.replace("\\", "") for u in c.LIST_CURRENCY]
table(string(u) for u in sorted({u for u in c.LIST_UNITS + currency}, key=str.encode))
print("};")
print("const size_t words_reference_unit_count = sizeof words_reference_units / sizeof *words_reference_units;")
print()
rules = {k: [d[ORTH] for d in v] for k, v in tokenizer.rules.items() if not k.isspace()}
assert not any(" " in k for k in rules) and max(len(k.encode()) for k in rules) <= 32 and max(map(len, rules.values())) <= 3
print("/* Exceptions, their tokens between blanks. */")
print("const char *const words_reference_exceptions[] = {")
table(string(" ".join(v)) for v in sorted(rules.values(), key=lambda v: "".join(v).encode()))
print("};")
print("const size_t words_reference_exception_count = sizeof words_reference_exceptions / sizeof *words_reference_exceptions;")
print()
plain = Tokenizer(
    tokenizer.vocab,
    prefix_search=tokenizer.prefix_search,
    suffix_search=tokenizer.suffix_search,
    infix_finditer=tokenizer.infix_finditer,
    url_match=tokenizer.url_match,
)
phrases = []
for k in rules:
    if tokenizer.find_prefix(k) or tokenizer.find_infix(k) or tokenizer.find_suffix(k):
        tokens = [t.text for t in plain(k)]
        assert "".join(tokens) == k
        if len(tokens) > 1:  # one token is replaced by itself
            assert all(len(t.encode()) <= 8 for t in tokens), tokens
            phrases.append(tokens)
print("/* Exceptions that the rules would cut, as they would cut them. */")
print("const char *const words_reference_phrases[] = {")
table(string(" ".join(v)) for v in sorted(phrases, key=lambda v: "".join(v).encode()))
print("};")
print("const size_t words_reference_phrase_count = sizeof words_reference_phrases / sizeof *words_reference_phrases;")
print(len(ranges), "ranges", len(rules), "exceptions", len(phrases), "phrases, longest", max(map(len, phrases)), file=sys.stderr)
