#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/text/fasttext-*.{bin,ftz}, small models trained (and quantised) by the reference library (PyPI
fasttext-wheel 0.9.2), and tests/data/text/fasttext.tsv, its scores: model, text, the best label, the best three labels,
then label=p for every label that it lists, in its order.  With arguments MODEL TSV QFILTER it prints the largest
difference between the reference's scores for MODEL and those of `qfilter --explain` for TSV.

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
        many = tempfile.NamedTemporaryFile("w", suffix=".txt")
        for i in range(1200):
            many.write(f"__label__l{i % 260} {' '.join(rnd.choice(vocabulary['en'] + vocabulary['de']) + str(i % 260 // 13) for _ in range(4))}\n")
        many.flush()
        models = {
            "plain.bin": (dict(dim=6), None),
            "bigrams.bin": (dict(dim=5, wordNgrams=2, bucket=60), None),
            "subwords.bin": (dict(dim=9, minn=2, maxn=5, bucket=150, minCount=5), None),
            "all.bin": (dict(dim=4, wordNgrams=3, minn=1, maxn=3, bucket=77, minCount=40), None),
            "nobody.bin": (dict(dim=3, minCount=100000), None),
            "hs.bin": (dict(dim=5, loss="hs"), None),
            "ns.bin": (dict(dim=4, loss="ns", wordNgrams=2, bucket=50), None),
            "ova.bin": (dict(dim=4, loss="ova", minn=2, maxn=3, bucket=50), None),
            "codes.ftz": (dict(dim=5, wordNgrams=2, bucket=300), dict(qnorm=False)),
            "norms.ftz": (dict(dim=7, minn=2, maxn=4, bucket=300, loss="ova"), dict(qnorm=True, dsub=3)),
            "pruned.ftz": (dict(dim=6, minn=2, maxn=4, bucket=2000, loss="hs"), dict(qnorm=True, cutoff=300)),
            "retrained.ftz": (dict(dim=4, wordNgrams=3, minn=2, maxn=3, bucket=1000), dict(qnorm=False, cutoff=260, retrain=True, input=f.name, epoch=2, lr=0.2, thread=1)),
            "output.ftz": (dict(dim=3, bucket=300, wordNgrams=2, input=many.name, loss="hs"), dict(qout=True, qnorm=True)),
            "outputs.ftz": (dict(dim=5, bucket=300, minn=2, maxn=2, input=many.name), dict(qout=True)),
        }
        texts = ["the house of stone", "der Fluß", "το νερό and the", "水の家", "unknown words only", "", "  ", "house\nriver\twater\vlight\rstone\fthe", "</s> the house", "the </s> house", "__label__en the", "__label__xx the", "a b c \U0001f600 é", "the" * 40, "und " * 300, "水" * 50,
                 "\u00e4\u00f6\u00fc \ufffd x"]
        rows = []
        for name, (settings, quantisation) in models.items():
            try:
                model = fasttext.train_supervised(**(dict(input=f.name, epoch=8, lr=0.5, thread=1, verbose=0, seed=1) | settings))
            except ValueError:  # an empty vocabulary
                continue
            if quantisation is not None:
                model.quantize(**quantisation)
            path = f"tests/data/text/fasttext-{name}"
            model.save_model(path)
            model = fasttext.load_model(path)
            ours = ["the0 house1", "stone7 Wasser7 der7 the7 größer7 x"] if "input" in settings else texts
            for text in ours:
                line = text.replace("\n", " ") + "\n"
                best, three = (",".join(label for _, label in model.f.predict(line, k, 0.0, "strict")) for k in (1, 3))
                rows.append("\t".join([name, text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r"), best, three] + [f"{k}={v:.9g}" for k, v in scores(model, text).items()]))
        open("tests/data/text/fasttext.tsv", "w", newline="\n").write("\n".join(rows) + "\n")


def compare(path, tsv, qfilter):
    model = fasttext.load_model(path)
    labels = [l.replace("__label__", "") for l in model.get_labels()]
    options = [o for l in labels for o in ("--label", l, "--min", "-1")]
    table = subprocess.run([qfilter, "-q", "--model", path, *options, "--langid", path, "--min-lang", "-1", "--explain", tsv], capture_output=True, text=True, check=True).stdout.split("\n")[1:-1]
    plain = lambda s: re.sub(r"\\([tnr\\])", lambda m: {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[m.group(1)], s)
    worst = wrong = listed = 0
    for line, row in zip(open(tsv, encoding="utf-8", newline="\n"), table, strict=True):
        text = plain(line.rstrip("\n").split("\t")[-1])
        want = scores(model, text)
        got = row.split("\t")
        best = model.f.predict(text.replace("\n", " ") + "\n", 1, 0.0, "strict")
        wrong += (best[0][1] if best else "__label__") != "__label__" + got[1]
        worst = max(worst, abs((best[0][0] if best else 0) - float(got[2])))
        for label, p in zip(labels, got[3:-1], strict=True):
            listed += ("__label__" + label in want) == (float(p) > 0)
            worst = max(worst, abs(float(p) - want.get("__label__" + label, 0)))
    print(f"{len(table)} texts, {len(labels)} labels, {wrong} best labels differ, {len(table) * len(labels) - listed} labels listed by one only, largest difference {worst:.2e}")


if len(sys.argv) == 1:
    write()
else:
    compare(*sys.argv[1:4])
