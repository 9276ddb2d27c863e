# SPDX-License-Identifier: MIT
"""datatrove's Gopher quality filter with its default word splitter (spaCy's English tokenizer); one thread."""
import os, time
from datatrove.data import Document
from datatrove.pipeline.filters import GopherQualityFilter

def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")

name = os.path.join(os.environ["IN"], "pages.tsv")
rule = GopherQualityFilter()
rule.filter(Document(text="The quick brown fox. " * 100, id="0"))  # loads the word splitter
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "kept.tsv"), "w", encoding="utf-8", newline="") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        if rule.filter(Document(text=unescape(line.rstrip("\n").split("\t")[-1]), id="0")) is True:
            out.write(line)
print("bench", os.path.getsize(name), time.perf_counter() - start)
