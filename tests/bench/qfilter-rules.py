# SPDX-License-Identifier: MIT
"""datatrove's filters with their default word splitter; one thread.  qfilter-rules: in FineWeb's order, a document as far as
it gets.  qfilter-all: every filter sees every document, and masks are applied to all.  CPU seconds."""
import os, time
from datatrove.data import Document
from datatrove.pipeline.filters import C4ParagraphFilter, C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.pipeline.formatters import PIIFormatter

def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")

name, everything = os.path.join(os.environ["IN"], "pages.tsv"), os.environ["CASE"] == "qfilter-all"
filters = [GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter()] + [C4ParagraphFilter()] * everything
masks = PIIFormatter()
for f in filters:  # loads the word splitter
    f.filter(Document(text="The quick brown fox. " * 100, id="0"))
start = time.process_time()
with open(os.path.join(os.environ["OUT"], "kept.tsv"), "w", encoding="utf-8", newline="") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        text = unescape(line.rstrip("\n").split("\t")[-1])
        if everything:
            decisions = [f.filter(Document(text=text, id="0")) for f in filters]
            out.write(repr(decisions) + masks.format(text) + "\n")
            continue
        document = Document(text=text, id="0")
        if all(f.filter(document) is True for f in filters):
            out.write(line)
print("bench", os.path.getsize(name), time.process_time() - start)
