#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/warc/counts.tsv: warc_counts.py DATA/warc > tests/data/warc/counts.tsv

One row a file of the shared WARC collection that warcio (1.8.1) reads to its end, with its record count; FastWARC
(2.0.1) must agree where it can read the file (it reads no ARC).  Files that warcio gives up on have no row.
"""
import io, os, sys, contextlib
from warcio.archiveiterator import ArchiveIterator
import fastwarc.warc

root = sys.argv[1]
print("file\trecords")
for folder, _, files in sorted(os.walk(root)):
    for name in sorted(files):
        path = os.path.join(folder, name)
        if not (".warc" in name or ".arc" in name): continue
        try:
            with open(path, "rb") as f, contextlib.redirect_stderr(io.StringIO()): n = sum(1 for _ in ArchiveIterator(f, arc2warc=False))
        except Exception: continue
        if n == 0: continue
        if ".arc" not in name:
            try: m = sum(1 for _ in fastwarc.warc.ArchiveIterator(open(path, "rb")))
            except Exception: continue
            if m != n: continue
        print(f"{os.path.relpath(path, root)}\t{n}")
