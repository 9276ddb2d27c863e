#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/qfilter/decisions.tsv: what datatrove 0.10 decides, with spaCy's words, on the real documents of the
development data, each rule set alone with its defaults.  Run it in a virtual environment with datatrove[processing] and
xxhash (two minutes):

    python tests/oracle/qfilter_decisions.py ../shared/data > tests/data/qfilter/decisions.tsv

First a line `LETTER<TAB>REASON` for every reason; then for each file `file<TAB>PATH` and a line for each of its documents: a
letter for gopher-quality, gopher-repetition, c4, c4-paragraph and fineweb, and, when c4 keeps it, the XXH3 of what c4 leaves."""
import json
import os
import string
import sys

import xxhash
from datatrove.data import Document
from datatrove.pipeline.filters import C4ParagraphFilter, C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

FILES = ["dedup/sub3k.tsv", "eval/dclm-quality/data/agreement_data.jsonl", "eval/dclm-quality/data/majority_data.jsonl"]
FILTERS = [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), C4ParagraphFilter(), FineWebQualityFilter()]


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def texts(path):
    for line in open(path, encoding="utf-8", newline="\n"):
        yield json.loads(line)["text"] if path.endswith(".jsonl") else unescape(line.rstrip("\n").split("\t")[-1])


letters, lines = {"keep": "a"}, []
for file in FILES:
    lines.append(f"file\t{file}")
    for text in texts(os.path.join(sys.argv[1], file)):
        said, left = "", ""
        for f in FILTERS:
            document = Document(text=text, id="d")
            try:
                result = f.filter(document)
            except ZeroDivisionError:
                result = (False, "empty")
            if result is True and not document.text.split():  # a document without a word is dropped
                result = (False, "empty")
            reason = "keep" if result is True else result[1]
            said += letters.setdefault(reason, string.ascii_letters[len(letters)])
            if isinstance(f, C4QualityFilter) and reason == "keep":
                left = xxhash.xxh3_64_hexdigest(document.text.encode())
        lines.append(f"{said}\t{left}")
for reason, letter in letters.items():
    print(f"{letter}\t{reason}")
print("\n".join(lines))
