# SPDX-License-Identifier: MIT
"""FastWARC reads, Resiliparse decodes and extracts: all text, or called as warc2txt-main the main text; one thread."""
import os, sys, time
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

main = "warc2txt-main" in sys.argv[0]
name = os.path.join(os.environ["IN"], "crawl.warc.gz")
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "documents.tsv"), "w", encoding="utf-8", errors="replace", newline="") as out:
    for record in ArchiveIterator(name, record_types=WarcRecordType.response, fsspec_args=False):
        body = record.reader.read()
        charset = record.http_charset
        try:
            html = bytes_to_str(body, charset or detect_encoding(body))
        except LookupError:
            html = bytes_to_str(body, detect_encoding(body))
        text = extract_plain_text(html, main_content=main, links=False, alt_texts=False)
        text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
        out.write(f"{record.record_id}\t{record.headers.get('WARC-Target-URI')}\t{record.headers.get('WARC-Date')}\t{text}\n")
print("bench", os.path.getsize(name), time.perf_counter() - start)
