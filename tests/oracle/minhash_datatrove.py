#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Band keys of datatrove 0.10.1 (MinhashConfig's defaults) for tests/data/minhash-dedup/datatrove.tsv.

    python3 tests/oracle/minhash_datatrove.py > tests/data/minhash-dedup/datatrove.tsv
    python3 tests/oracle/minhash_datatrove.py FILE...     # of documents (crawl2lm-documents(5)) instead of the texts below

A row: the text, escaped; the simplified text, escaped; the 14 band keys in hexadecimal, separated by commas, each XXH3-64
of the band's eight uint64 hashes, little-endian; or `-` where datatrove computes none (fewer than five words)."""
import sys
import numpy as np
import xxhash
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.text import simplify_text

np.seterr(over="ignore")
PARAGRAPH = ("Web crawls go in, a trained and measured language model comes out: small programs joined by pipes, for people who work in a shell. "
             "It isn't magic; we'll see that 12,345.67 pages (or 3.14%) don't cost more than $5.00 -- e.g. on Jan. 5th at 10:30a.m., U.K. time. ")
TEXTS = [
    "", " \n\t ", "one two three four", "one two three four five", "One, TWO; three... four! five? SIX", PARAGRAPH, PARAGRAPH.upper(), PARAGRAPH * 3,
    "cannot gonna wanna dont im its id well ill shed hell wed were lets cant wont",  # contractions split without their apostrophe
    "can't GONNA wanna don't I'm it's he'd we'll o'clock y'all 'tis ma'am rock'n'roll",
    "1 12 1.5 1.5.5 1,000,000 1.2.3.4 5. .5 1..2 3,4.5 0x1F 12ab34 a1b2 ٣٫١٤ ४.५ １２３ ²³ ½ Ⅷ 7⎖8 9،10",
    "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣ. ΑΣ'Β Σ́Σ ΣΊΣΥΦΟΣ' ΑΣ·Α ΑΣ̈ ΦΩΣ¨Α ᾼΣ",  # final sigma
    "İstanbul IĞDIR ǅ Ǆ ẞ ŸÇÉÀ naïve café Ångström ﬁ ﬂ Ⅳ Ⓐ K Å Ω ñ Ñ ế Ặ",
    "하나 둘 셋 넷 다섯 여섯 각힣", "日本語の文章です。これは、テスト（試験）。「引用」【注】！？～", "مرحبا بالعالم، هذا نص تجريبي. أهلاً وسهلاً بكم",
    "हिन्दी में एक छोटा सा वाक्य है।", "ภาษาไทยไม่มีช่องว่างระหว่างคำ นี่คือ ประโยค ทดสอบ หนึ่ง สอง", "Привет, мир! Это — проверка. Ёлка й Й Київ їжак",
    "a\u0301 b\u0327\u0301 \u0301c d\u093e\u093c e\u20dd f\u200dg h\u00adi j\ufeffk \U0001d165\U0001d16d x",
    "emoji 👩‍👩‍👧 🇩🇪 👍🏽 ☃️ :-) ^_^ <3 (c) © ® ™ § ¶ • · … ‚ ‘quoted’ ‹x› „x“ ›",
    "x\u00a0y\u2003z\u3000w\u2028v\u1680u\u0085t\x1fs\x0br\x7fq\x00p".replace("\x00", ""),
    "http://example.com/a?b=c&d=e mail@example.org www.example.co.uk/x-y_z #tag @user C++ C# .NET node.js A/B 50/50 and/or",
    "`grave` \u1fef \u037e \u0387 \u0340 \u2126 \u212b \ufa0e \uf900 \U0002f800 fullwidth Ａｂｃ％：１",
    "word " * 20, "w" * 300 + " end of the very long word", " ".join(f"w{i}x" for i in range(200)), "a b c d e f g h i j " * 3,
]


def escape(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def main():
    step, config = MinhashDedupSignature("/tmp", MinhashConfig()), MinhashConfig()
    step._hash_func = lambda s: xxhash.xxh64_intdigest(s.encode())  # releases of xxhash that take no str
    texts = [unescape(line.rstrip("\n").split("\t")[-1]) for name in sys.argv[1:] for line in open(name, encoding="utf-8", newline="\n")] if sys.argv[1:] else TEXTS
    print("# Made by tests/oracle/minhash_datatrove.py from datatrove 0.10.1; do not edit.")
    for text in texts:
        shingles = step.get_shingles(text)
        keys = [f"{xxhash.xxh3_64_intdigest(np.array(band, dtype='<u8').tobytes()):x}" for band in step.get_signature(shingles)] if shingles.size else ["-"]
        print(escape(text), escape(simplify_text(text, config.norm_config)), ",".join(keys), sep="\t")


main()
