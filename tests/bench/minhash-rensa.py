# SPDX-License-Identifier: MIT
"""rensa (Rust): R-MinHash of word 5-grams, 14 bands of 112 permutations; a document is dropped when the index knows a similar
one; one thread.  Words are cut as fast as Python can: rensa takes tokens."""
import os, re, time
from rensa import RMinHash, RMinHashLSH

WORD = re.compile(r"[0-9a-z\x80-\U0010ffff]+")


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def shingles(text):
    words = WORD.findall(text.lower())
    return [" ".join(words[i:i + 5]) for i in range(len(words) - 4)] or [" ".join(words)]


name = os.path.join(os.environ["IN"], "documents.tsv")
start = time.perf_counter()
index = RMinHashLSH(0.8, 112, 14)
with open(os.path.join(os.environ["OUT"], "unique.tsv"), "w", encoding="utf-8", newline="") as out:
    for i, line in enumerate(open(name, encoding="utf-8", newline="\n")):
        sketch = RMinHash(112, 1)
        sketch.update(shingles(unescape(line.rstrip("\n").split("\t")[-1])))
        if not index.query(sketch):
            index.insert(i, sketch)
            out.write(line)
print("bench", os.path.getsize(name), time.perf_counter() - start)
