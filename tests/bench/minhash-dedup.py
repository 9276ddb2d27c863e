# SPDX-License-Identifier: MIT
"""gaoya (Rust): the same bands and shingles, a document is dropped when the index knows a similar one; one thread."""
import os, time
from gaoya.minhash import MinHashStringIndex

def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")

name = os.path.join(os.environ["IN"], "documents-large.tsv" if os.environ.get("CASE") == "minhash-dedup-large" else "documents.tsv")
start = time.perf_counter()
index = MinHashStringIndex(32, 0.8, 14, 8, None, "word", True, (5, 5))
with open(os.path.join(os.environ["OUT"], "unique.tsv"), "w", encoding="utf-8", newline="") as out:
    for i, line in enumerate(open(name, encoding="utf-8", newline="\n")):
        text = unescape(line.rstrip("\n").split("\t")[-1])
        if not index.query(text):
            index.insert_document(i, text)
            out.write(line)
print("bench", os.path.getsize(name), time.perf_counter() - start)
