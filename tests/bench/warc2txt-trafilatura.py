# SPDX-License-Identifier: MIT
"""FastWARC reads, trafilatura extracts in its fast mode; one thread."""
import os, time
import trafilatura
from fastwarc.warc import ArchiveIterator, WarcRecordType

name = os.path.join(os.environ["IN"], "crawl.warc.gz")
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "documents.tsv"), "w", encoding="utf-8", errors="replace", newline="") as out:
    for record in ArchiveIterator(name, record_types=WarcRecordType.response, fsspec_args=False):
        text = trafilatura.extract(record.reader.read(), fast=True) or ""
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        out.write(f"{record.record_id}\t{record.headers.get('WARC-Target-URI')}\t{record.headers.get('WARC-Date')}\t{text}\n")
print("bench", os.path.getsize(name), time.perf_counter() - start)
