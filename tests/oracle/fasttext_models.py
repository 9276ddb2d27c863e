#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/text/fasttext-*.bin, small models trained by the reference library (PyPI fasttext-wheel 0.9.2), and
tests/data/text/fasttext.tsv, its scores: model, text, then label=p for every label.  With arguments MODEL TSV it
prints the largest difference between the reference's scores for MODEL and those of `qfilter --explain` for TSV.

    python tests/oracle/fasttext_models.py            # writes
    python tests/oracle/fasttext_models.py M.bin D.tsv build/bin/qfilter
"""
import random
import re
import subprocess
import sys
import tempfile

import fasttext


def scores(model, text):
    return {label: p for p, label in model.f.predict(text.replace("\n", " ") + "\n", -1, 0.0, "strict")}


def write():
    rnd = random.Random(11)
    vocabulary = {"en": "the of and house river stone light water".split(), "de": "der die und Haus Fluß Stein größer Wasser".split(), "el": "και το νερό σπίτι ποτάμι φως".split(), "ja": "水 家 川 の は 光 石".split()}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as f:
        for i in range(400):
            label = rnd.choice(list(vocabulary))
            f.write(f"__label__{label} {' '.join(rnd.choice(vocabulary[label]) for _ in range(rnd.randint(1, 8)))}\n")
        f.flush()
        models = {
            "plain": dict(dim=6),
            "bigrams": dict(dim=5, wordNgrams=2, bucket=60),
            "subwords": dict(dim=9, minn=2, maxn=5, bucket=150, minCount=5),
            "all": dict(dim=4, wordNgrams=3, minn=1, maxn=3, bucket=77, minCount=40),
            "nobody": dict(dim=3, minCount=100000),
        }
        texts = ["the house of stone", "der Fluß", "το νερό και the", "水の家", "unknown words only", "", "  ", "house\nriver\twater\vlight\rstone\fthe", "</s> the house", "the </s> house", "__label__en the", "__label__xx the", "a b c \U0001f600 é", "the" * 40, "und " * 300, "水" * 50,
                 "\u00e4\u00f6\u00fc \ufffd x"]
        rows = []
        for name, settings in models.items():
            try:
                model = fasttext.train_supervised(f.name, epoch=8, lr=0.5, thread=1, verbose=0, seed=1, **settings)
            except ValueError:  # an empty vocabulary
                continue
            path = f"tests/data/text/fasttext-{name}.bin"
            model.save_model(path)
            for text in texts:
                s = scores(model, text)
                rows.append("\t".join([name, text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")] + [f"{k}={v:.9g}" for k, v in sorted(s.items())]))
        open("tests/data/text/fasttext.tsv", "w", newline="\n").write("\n".join(rows) + "\n")


def compare(path, tsv, qfilter):
    model = fasttext.load_model(path)
    labels = [l.replace("__label__", "") for l in model.get_labels()]
    options = [o for l in labels for o in ("--label", l, "--min", "-1")]
    table = subprocess.run([qfilter, "--model", path, *options, "--explain", tsv], capture_output=True, text=True, check=True).stdout.split("\n")[1:-1]
    plain = lambda s: re.sub(r"\\([tnr\\])", lambda m: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[m.group(1)], s)
    worst = 0
    for line, row in zip(open(tsv, encoding="utf-8", newline="\n"), table):
        want = scores(model, plain(line.rstrip("\n").split("\t")[-1]))
        for label, p in zip(labels, row.split("\t")[1:-1]):
            worst = max(worst, abs(float(p) - want.get("__label__" + label, 0)))
    print(f"{len(table)} texts, {len(labels)} labels, largest difference {worst:.2e}")


if len(sys.argv) == 1:
    write()
else:
    compare(*sys.argv[1:4])
