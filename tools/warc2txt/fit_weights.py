#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits extract_weights.c: fit_weights.py WARC2TXT ROOT [OUT.c]

ROOT holds html/ID.html.gz and ground-truth/ID.json (ground_truth.main_content), as WCXB's development split does.
Blocks and features come from `warc2txt --html --features`; a block's label is the share of its 4-grams in the gold.
Logistic regression by L-BFGS (numpy, scipy); 5-fold cross-validation by domain; word F1 of the expected-F1 cut.
Two more models tell from the page's features whether it is an article or a forum (ground truth page_type).
With OUT.c the models fitted on all pages are written there.
"""
import collections, concurrent.futures, glob, json, os, re, subprocess, sys
import numpy as np
from scipy.optimize import minimize

WORD = re.compile(r"\w+")
L2 = 1e-4
UNESCAPE = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}

def label(texts, gold):
    """Soft labels; short blocks take them from gold lines and from kept neighbours (as in blocks around them)."""
    g = WORD.findall(gold.lower())
    grams = {k: collections.Counter(tuple(g[i:i + k]) for i in range(len(g) - k + 1)) for k in (1, 2, 3)}
    fours = set(tuple(g[i:i + 4]) for i in range(len(g) - 3))
    lines = collections.Counter(tuple(WORD.findall(x.lower())) for x in gold.split("\n"))
    tokens = [WORD.findall(t.lower()) for t in texts]
    y = [None] * len(texts)
    for i, t in enumerate(tokens):
        n = len(t)
        if n >= 4: y[i] = sum(tuple(t[j:j + 4]) in fours for j in range(n - 3)) / (n - 3)
        elif n == 0 or grams[n][tuple(t)] == 0: y[i] = 0.0
    before, last = [], 0.0
    for i, t in enumerate(tokens):
        before.append(last)
        if y[i] is not None and len(t) >= 4: last = y[i]
    last = 0.0
    for i in range(len(tokens) - 1, -1, -1):
        if y[i] is None:
            c = (before[i] + last) / 2
            y[i] = c if tuple(tokens[i]) not in lines else min(1.0, .5 * c + .5) if c > 0 else .2
        elif len(tokens[i]) >= 4: last = y[i]
    # of repeated short texts keep as many as the gold has, those with the best neighbours
    groups = collections.defaultdict(list)
    for i, t in enumerate(tokens):
        if len(t) <= 25 and y[i] > .5: groups[tuple(t)].append(i)
    text = " " + " ".join(g) + " "
    for k, ix in groups.items():
        if len(ix) > 1:
            around = lambda i: sum(y[j] * len(tokens[j]) for j in range(max(0, i - 3), min(len(y), i + 4)) if j != i)
            for i in sorted(ix, key=around, reverse=True)[max(1, text.count(" " + " ".join(k) + " ")):]: y[i] = 0.0
    return y

def read(job):
    tool, root, name = job
    gold = json.load(open(f"{root}/ground-truth/{name}.json"))
    out = subprocess.run([tool, "--html", "--features", "-j1", f"{root}/html/{name}.html.gz"], stdout=subprocess.PIPE, check=True).stdout.decode()
    words, texts, rows = [], [], []
    for line in out.splitlines():
        f = line.split("\t")
        words.append(float(f[1]))
        texts.append(re.sub(r"\\[tnr\\]", lambda m: UNESCAPE[m[0]], f[2]))
        rows.append([float(x) for x in f[3:]])
    main = gold["ground_truth"].get("main_content") or ""
    domain = re.sub(r"^www\.", "", (gold.get("url") or name).split("//")[-1].split("/")[0])
    kind = (gold.get("_internal") or {}).get("page_type", {}).get("primary", "?")
    return dict(name=name, domain=domain, kind=kind, gold=main, words=np.array(words), texts=texts, x=np.array(rows, np.float32), y=np.array(label(texts, main)))

def word_f1(predicted, gold):
    a, b = WORD.findall(predicted.lower()), WORD.findall(gold.lower())
    if not a or not b: return float(not a and not b)
    o = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 2 * o / (len(a) + len(b)) if o else 0.0

def cut(p, n):
    if len(p) == 0: return np.zeros(0, bool)
    o = np.argsort(-p, kind="stable")
    f = 2 * np.cumsum(p[o] * n[o]) / (np.cumsum(n[o]) + (p * n).sum() + 1e-9)
    keep = np.zeros(len(p), bool)
    keep[o[:int(np.argmax(f)) + 1]] = True
    return keep

def weights(page):
    n = np.minimum(page["words"], 400)
    return n / max(30.0, float((n * page["y"]).sum())) ** .7

def rules(page, p, article, forum, names):
    """extract.c says why; article and forum are probabilities of the page's type."""
    x, n = page["x"], page["words"]
    links = x[:, names.index("link_density")]
    comment = x[:, names.index("comment_count")] > 0
    outside = (n * ((n >= 15) & (links * 3 < 1) & ~comment & (p > .5))).sum()
    if outside >= 60 and forum < .5 and x[0, names.index("page_ld_forum")] == 0: p = np.where(comment, p * .1, p)
    odds = np.log(np.clip(p, 1e-6, 1 - 1e-6) / (1 - np.clip(p, 1e-6, 1 - 1e-6)))
    sure = max(0, (article - .6) / .4)
    odds -= sure * (1.0 + 1.5 * ((links > .6) & (n >= 4)))
    return 1 / (1 + np.exp(-odds))

class Model:
    """Logistic regression over clipped z-scores of x, soft labels y, weights w."""
    def __init__(self, x, y, w, l2):
        w = w / w.mean()
        self.mean, self.scale = x.mean(0), 1 / (x.std(0) + 1e-6)
        self.scale[x.std(0) < 1e-6] = 0
        z = self.map(x)
        def loss(b):
            s = z @ b[1:] + b[0]
            p = 1 / (1 + np.exp(-s))
            value = (w * (np.logaddexp(0, s) - y * s)).mean() + l2 * (b[1:] ** 2).sum()
            d = w * (p - y) / len(y)
            return value, np.concatenate([[d.sum()], z.T @ d + 2 * l2 * b[1:]])
        self.b = minimize(loss, np.zeros(z.shape[1] + 1), jac=True, method="L-BFGS-B", options=dict(maxiter=300)).x
    def map(self, x): return np.clip((x - self.mean) * self.scale, -4, 4).astype(np.float64)
    def __call__(self, x): return 1 / (1 + np.exp(-(self.map(x) @ self.b[1:] + self.b[0])))

class Models:
    def __init__(self, pages, names, l2):
        self.names, self.first = names, names.index("page_words")
        self.block = Model(np.vstack([p["x"] for p in pages]), np.concatenate([p["y"] for p in pages]), np.concatenate([weights(p) for p in pages]), l2)
        x = np.array([p["x"][0, self.first:] for p in pages])
        self.article, self.forum = (Model(x, np.array([float(p["kind"] == k) for p in pages]), np.ones(len(pages)), 1e-3) for k in ("article", "forum"))
    def keep(self, page):
        head = page["x"][:1, self.first:]
        return cut(rules(page, self.block(page["x"]), self.article(head)[0], self.forum(head)[0], self.names), page["words"])
    def write(self, path, pages):
        with open(path, "w") as f:
            f.write("/* SPDX-License-Identifier: MIT\n *\n * Made by fit_weights.py from WCXB's development split (%d pages, CC-BY-4.0); do not edit.\n */\n" % pages)
            f.write('#include "tools/warc2txt/extract.h"\n')
            for name, size, m, names in (("block", "FEATURE_COUNT", self.block, self.names), ("article", "PAGE_FEATURES", self.article, self.names[self.first:]), ("forum", "PAGE_FEATURES", self.forum, self.names[self.first:])):
                f.write("\nconst float extract_%s_bias = %.6gf;\nconst struct extract_weight extract_%s[%s] = { /* mean, 1 / standard deviation, weight */\n" % (name, m.b[0], name, size))
                for k, n in enumerate(names): f.write("  [FEATURE_%s%s] = {%.6g, %.6g, %.6g},\n" % (n, "" if name == "block" else " - FEATURE_page_words", m.mean[k], m.scale[k], m.b[k + 1]))
                f.write("};\n")

def main():
    tool, root = sys.argv[1:3]
    names = re.findall(r"X\((\w+)\)", open(os.path.join(os.path.dirname(__file__), "features.h")).read().split("#define FEATURES(X)")[1].split("enum feature")[0])
    ids = sorted(os.path.basename(f)[:-8] for f in glob.glob(root + "/html/*.html.gz"))
    with concurrent.futures.ProcessPoolExecutor(2) as pool: pages = list(pool.map(read, [(tool, root, i) for i in ids], chunksize=8))
    empty = [p for p in pages if not len(p["y"])]
    some = [p for p in pages if len(p["y"])]
    assert all(p["x"].shape[1] == len(names) for p in some)
    fold = {d: i % 5 for i, d in enumerate(sorted({p["domain"] for p in some}))}
    def score(f): return np.mean([f(p) for p in some] + [word_f1("", p["gold"]) for p in empty])
    text = lambda p, keep: "\n".join(t for t, k in zip(p["texts"], keep) if k)
    print(f"{len(pages)} pages, {sum(len(p['y']) for p in some)} blocks, {len(names)} features")
    print("every block %.4f, labels %.4f" % (score(lambda p: word_f1(text(p, p["words"] > 0), p["gold"])), score(lambda p: word_f1(text(p, p["y"] > .5), p["gold"]))))
    models = [Models([p for p in some if fold[p["domain"]] != k], names, L2) for k in range(5)]
    result = {p["name"]: word_f1(text(p, models[fold[p["domain"]]].keep(p)), p["gold"]) for p in some}
    print("cross-validated %.4f; " % score(lambda p: result[p["name"]]) + " ".join("%s %.3f" % (k, np.mean([result[p["name"]] for p in some if p["kind"] == k])) for k in sorted({p["kind"] for p in some})), flush=True)
    if len(sys.argv) > 3: Models(some, names, L2).write(sys.argv[3], len(pages))

if __name__ == "__main__": main()
