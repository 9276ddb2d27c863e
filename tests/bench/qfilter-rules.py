# SPDX-License-Identifier: MIT
"""datatrove's filters with their default word splitter; one thread."""
import os, time
from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")

name = os.path.join(os.environ["IN"], "pages.tsv")
filters = [GopherQualityFilter(), GopherRepetitionFilter(), FineWebQualityFilter()]
for f in filters:  # loads the word splitter
    f.filter(Document(text="The quick brown fox. " * 100, id="0"))
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "kept.tsv"), "w", encoding="utf-8", newline="") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        document = Document(text=unescape(line.rstrip("\n").split("\t")[-1]), id="0")
        if all(f.filter(document) is True for f in filters):
            out.write(line)
print("bench", os.path.getsize(name), time.perf_counter() - start)
