# SPDX-License-Identifier: MIT
"""The reference library, document by document, one thread; loading its model is not timed."""
import os
import time

import fasttext

BIGRAM = os.environ["CASE"] == "fasttext-bigram"
MODEL = os.path.join(os.environ["IN"], "bigram.bin") if BIGRAM else os.environ.get("CRAWL2LM_LID") or os.path.join(os.environ["SHARED"], "models", "fasttext", "lid.176.ftz")


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


name = os.path.join(os.environ["IN"], "documents.tsv")
model = fasttext.load_model(MODEL)
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "documents.tsv"), "w", encoding="utf-8", newline="") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        head, _, text = line.rstrip("\n").rpartition("\t")
        p, label = model.f.predict(unescape(text).replace("\n", " ") + "\n", 1, 0.0, "strict")[0]
        out.write(f"{head}\tlang={label[9:]}\tlang_score={p:.9g}\t{text}\n")
print("bench", os.path.getsize(name), time.perf_counter() - start)
