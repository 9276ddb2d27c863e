# SPDX-License-Identifier: MIT
"""datatrove's URLFilter with the same lists, read before the clock starts; one thread; CPU seconds."""
import os, time
import tldextract
from datatrove.data import Document
from datatrove.pipeline.filters import URLFilter

folder = os.path.join(os.environ["IN"], "urls")
lines = lambda name: open(os.path.join(folder, name), encoding="utf-8").read().splitlines()
f = URLFilter(extra_domains=lines("domains.txt"), banned_words=lines("words.txt"), banned_subwords=lines("subwords.txt"), soft_banned_words=lines("soft.txt"), use_integrated_lists=False)
f.tldextractor = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=("file://" + os.path.join(os.path.abspath(folder), "suffixes.txt"),))
f.filter(Document(text="", id="0", metadata={"url": "http://a.com/"}))
name = os.path.join(folder, "documents.tsv")
start = time.process_time()
with open(os.path.join(os.environ["OUT"], "kept.tsv"), "w", encoding="utf-8", newline="") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        if f.filter(Document(text="", id="0", metadata={"url": line.split("\t")[1]})) is True:
            out.write(line)
print("bench", os.path.getsize(name), time.process_time() - start)
