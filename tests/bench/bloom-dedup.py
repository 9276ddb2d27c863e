# SPDX-License-Identifier: MIT
"""One thread.  Lines: sort -u (the order is lost), mawk's table, or rbloom (Rust, a filter of the same rate).  Documents:
rbloom over XXH3-128 of the texts.  N-grams: BFF's rules in Python over rbloom."""
import os, re, resource, subprocess, sys, time
import xxhash
from rbloom import Bloom

CASE, IN, TO = os.environ["CASE"], os.environ["IN"], os.path.join(os.environ["OUT"], "unique")


def hash_of(data):
    return xxhash.xxh3_128_intdigest(data) - (1 << 127)


def by_command(name, *command):
    with open(TO, "wb") as out:
        subprocess.run([*command, name], stdout=out, env=dict(os.environ, LC_ALL="C"), check=True)
    print("memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)


def by_filter(name, part):
    seen = Bloom(5_000_000, 0.0001, hash_of)
    with open(TO, "wb") as out:
        for line in open(name, "rb"):
            unit = part(line)
            if unit not in seen:
                seen.add(unit)
                out.write(line)


def by_ngrams(name):
    words, escapes = re.compile(rb"[0-9a-z\x80-\xff]+"), re.compile(rb"\\([nrt\\])")
    seen = Bloom(10_000_000, 0.01, hash_of)
    with open(TO, "wb") as out:
        for line in open(name, "rb"):
            w = words.findall(escapes.sub(b" ", line[line.rfind(b"\t") + 1:]).lower())
            grams = [b" ".join(w[i:i + 13]) for i in range(max(1, len(w) - 12))]
            known = sum(g in seen for g in grams)
            if len(w) >= 5 and known and known >= .8 * len(grams):
                continue
            if len(w) >= 5:
                seen.update(grams)
            out.write(line)


mode = sys.argv[1] if len(sys.argv) > 1 else ""
name = os.path.join(IN, {"bloom-documents": "copies.tsv", "bloom-ngrams": "documents.tsv"}.get(CASE, "lines.txt"))
start = time.perf_counter()
if CASE == "bloom-ngrams":
    by_ngrams(name)
elif CASE == "bloom-documents":
    by_filter(name, lambda line: line[line.rfind(b"\t") + 1:-1])
elif mode == "rbloom":
    by_filter(name, lambda line: line)
else:
    by_command(name, *(["sort", "-u", "--parallel=1"] if mode == "sort" else ["mawk", "!s[$0]++"]))
print("with", {"sort": "sort -u --parallel=1", "mawk": "mawk"}.get(mode, "rbloom"))
print("bench", os.path.getsize(name), time.perf_counter() - start)
