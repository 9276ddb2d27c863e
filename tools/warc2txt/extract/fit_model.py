#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fits extract_model.c: fit_model.py WARC2TXT [--wcxb ROOT] [--aeb ROOT] [--out OUT.c] [--figures] [--transfer]

Needs numpy and lightgbm (one thread, a fixed seed; with --figures some minutes).
--wcxb ROOT holds html/ID.html.gz and ground-truth/ID.json (ground_truth.main_content, _internal.page_type), as WCXB's
development split does; --aeb ROOT holds html/ID.html.gz and ground-truth.json, as scrapinghub's benchmark does.
Blocks and inputs come from one run of `warc2txt --html --features`; a block's label is the share of its 4-grams in the gold.

The forest: boosted trees of at most 32 leaves.  --figures prints cross-validated ones, by --precision: five folds of sites
(registered domains) over both sets, so each page is judged by a forest that saw no page of its site.  --transfer also prints what a forest
fitted on one set alone gives on the other.
"""
import argparse, collections, glob, json, os, re, subprocess, tempfile
import numpy as np
import lightgbm
from measure_quality import UNESCAPE, WORD, shingles, words as word_f1

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDS = 5
UNIT = 4096             # FOREST_UNIT
FOREST = dict(rounds=240, num_leaves=31, learning_rate=.05)
CUT_SCALE, CUT_SPREAD = 3, 5  # extract.c: log odds of a page's blocks vary together
AEB_WEIGHT = 2.0        # scrapinghub's 181 pages count for so many of WCXB's
ARTICLE_NEGATIVE = 3.0  # on articles what is kept wrongly costs more: their text is what most uses want, and nothing else
ARTICLE_LINKS = 6.0     # most of all lists of links
ARTICLE_COMMENTS = .2   # comments below an article are not its text, whatever the gold of a page says

# ---- inputs

def names():
    def list_of(file, start, end):
        text = open(os.path.join(HERE, file)).read()
        return re.findall(r"X\((\w+)\)", re.sub(r"/\*.*?\*/", "", text[text.index(start) + len(start):text.index(end)], flags=re.S))
    return list_of("features.h", "#define FEATURES(X)", "enum feature {"), list_of("extract_context.h", "#define CONTEXT_FEATURES(X)", "enum context_feature")

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

SECOND_LEVEL = {"co", "com", "org", "net", "ac", "gov", "edu", "go", "or", "ne"}
def site(url):
    """The registered domain, nearly."""
    parts = url.split("//")[-1].split("/")[0].split(":")[0].lower().split(".")
    return ".".join(parts[-3:] if len(parts) > 2 and len(parts[-1]) == 2 and parts[-2] in SECOND_LEVEL else parts[-2:])

def wcxb(root):
    for f in sorted(glob.glob(root + "/html/*.html.gz")):
        name = os.path.basename(f)[:-8]
        gold = json.load(open(f"{root}/ground-truth/{name}.json"))
        yield dict(set="wcxb", name=name, file=f, site=site(gold.get("url") or name), kind=gold["_internal"]["page_type"]["primary"], gold=gold["ground_truth"].get("main_content") or "")

def aeb(root):
    for name, page in json.load(open(root + "/ground-truth.json")).items():
        yield dict(set="aeb", name=name, file=f"{root}/html/{name}.html.gz", site=site(page["url"]), kind="article", gold=page["articleBody"])

def read(tool, pages):
    """Adds blocks and labels to the pages; returns the inputs of all blocks."""
    with tempfile.NamedTemporaryFile("w") as inputs:
        inputs.write("\n".join(p["file"] for p in pages) + "\n")
        inputs.flush()
        run = subprocess.Popen([tool, "--html", "--features", "-j1", "--list", inputs.name], stdout=subprocess.PIPE)
        rows, at = [], -1
        for line in run.stdout:
            f = line.rstrip(b"\n").split(b"\t", 5)
            if f[0] == b"P":
                at += 1
                page = pages[at]
                page.update(words=[], texts=[], first_row=len(rows))
            else:
                page["words"].append(int(f[1]))
                page["texts"].append(re.sub(r"\\[tnr\\]", lambda m: UNESCAPE[m[0]], f[4].decode()))
                rows.append(np.array(f[5].split(b"\t"), np.float32))
        if run.wait() or at != len(pages) - 1: raise SystemExit(f"{tool} read {at + 1} of {len(pages)} pages")
    for p in pages:
        p["rows"] = slice(p["first_row"], p["first_row"] + len(p["words"]))
        p["words"] = np.array(p["words"], np.int64)
        p["y"] = np.array(label(p["texts"], p["gold"]), np.float32)
    return np.array(rows, np.float32)

# ---- models

def train(x, y, w, rounds, **options):
    options = dict(dict(objective="cross_entropy", min_data_in_leaf=100, feature_fraction=.3, bagging_fraction=.7, bagging_freq=1, lambda_l2=5., max_bin=127,
                        use_missing=False, verbose=-1, num_threads=1, seed=1, deterministic=True), **options)
    return lightgbm.train(options, lightgbm.Dataset(x, y, weight=w, params=dict(max_bin=127, verbose=-1, num_threads=1, use_missing=False)), rounds)

class Task:
    def __init__(self, pages, x, inputs):
        self.pages, self.x = pages, x
        block = lambda f: np.concatenate([np.broadcast_to(f(p), len(p["words"])) for p in pages])
        sites = {s: i % FOLDS for i, s in enumerate(sorted({p["site"] for p in pages}))}
        self.fold, self.set = block(lambda p: sites[p["site"]]), block(lambda p: p["set"])
        def weight(p):
            n = np.minimum(p["words"], 400)
            return n / max(30., float((n * p["y"]).sum())) ** .7 * (AEB_WEIGHT if p["set"] == "aeb" else 1)
        y, article, words = block(lambda p: p["y"]), block(lambda p: p["kind"] == "article"), block(lambda p: p["words"])
        links = (x[:, inputs.index("link_density")] > .6) & (words >= 4)
        self.in_pre = inputs.index("in_pre")
        self.w = block(weight) * np.where(article, 1 + (np.where(links, ARTICLE_LINKS, ARTICLE_NEGATIVE) - 1) * (1 - y), 1)
        self.y = np.where(article & (x[:, inputs.index("comment_count")] > 0), y * ARTICLE_COMMENTS, y)
        self.labels = y
    def train(self, rows): return train(self.x[rows], self.y[rows], self.w[rows], **FOREST)
    def cross_validated(self):
        p = np.zeros(len(self.x))
        for k in range(FOLDS): p[self.fold == k] = self.train(self.fold != k).predict(self.x[self.fold == k], raw_score=True, num_threads=1)
        return self.with_code(p)
    def with_code(self, p):
        """extract.c's has_code(): log odds are 1 higher."""
        p = p.copy()
        for page in self.pages:
            words, code = page["words"], self.x[page["rows"], self.in_pre] > 0
            if code.sum() >= 2 and (words * code).sum() * 50 >= words.sum(): p[page["rows"]] += 1
        return p

# ---- figures

def cut(z, n):
    """extract.c's: the blocks of the highest log odds, as many as make the mean of expected F1 over u greatest."""
    keep = np.zeros(len(z), bool)
    order = np.argsort(-z, kind="stable")
    order = order[n[order] > 0]
    if len(order):
        words, f1 = n[order].astype(float), 0
        for u in np.arange(-5, 6) * .6:
            p = words / (1 + np.exp(-np.clip(CUT_SCALE * z[order] + CUT_SPREAD * u, -12, 12)))
            f1 = f1 + np.exp(-u * u / 2) * 2 * np.cumsum(p) / (np.cumsum(words) + p.sum())
        keep[order[:int(np.argmax(f1)) + 1]] = True
    return keep

def shingle_f1(pairs):
    precision, recall = [], []
    for predicted, gold in pairs:
        a, b = shingles(predicted), shingles(gold)
        both = sum((a & b).values())
        if a: precision.append(both / sum(a.values()))
        if b: recall.append(both / sum(b.values()))
    p, r = np.mean(precision), np.mean(recall)
    return 2 * p * r / (p + r), p, r

def report(title, task, log_odds):
    text = lambda p: "\n".join(t for t, k in zip(p["texts"], cut(log_odds[p["rows"]], p["words"])) if k)
    scores = collections.defaultdict(list)
    pairs = [(text(p), p["gold"]) for p in task.pages if p["set"] == "aeb"]
    for p in task.pages:
        if p["set"] != "wcxb": continue
        scores["wcxb"].append(word_f1(text(p), p["gold"]))
        scores["wcxb " + p["kind"]].append(scores["wcxb"][-1])
    for kind in sorted(scores): print("%s\t%s\tword\t%d\t%.4f\t%.4f\t%.4f" % (title, kind, len(scores[kind]), *np.mean(scores[kind], 0)))
    if pairs: print("%s\tscrapinghub-aeb\tshingle\t%d\t%.4f\t%.4f\t%.4f" % (title, len(pairs), *shingle_f1(pairs)), flush=True)

# ---- C

def flatten(tree):
    """Nodes (input, threshold, mask of the leaves that stay when the input is greater) and leaves from left to right."""
    nodes, leaves = [], []
    def walk(t):
        if "leaf_value" in t:
            leaves.append(int(round(t["leaf_value"] * UNIT)))
            return 1 << (len(leaves) - 1)
        assert t["decision_type"] == "<="
        threshold = np.float32(t["threshold"])
        if float(threshold) > t["threshold"]: threshold = np.nextafter(threshold, np.float32(-np.inf))
        at = len(nodes)
        nodes.append(None)
        left = walk(t["left_child"])
        nodes[at] = (t["split_feature"], threshold, ~left & 0xFFFFFFFF)
        return left | walk(t["right_child"])
    walk(tree)
    return nodes, leaves

def lines(items, width=158):
    out, line = [], " "
    for x in items:
        if len(line) + len(x) + 2 > width:
            out.append(line)
            line = " "
        line += " " + x + ","
    return "\n".join(out + [line]) + "\n"

def write_forest(f, model, inputs, features):
    trees, nodes, leaves, bias = [], [], [], 0
    for t in model.dump_model()["tree_info"]:
        n, l = flatten(t["tree_structure"])
        if not n:
            bias += l[0]
            continue
        trees.append("{%d, %d, %d}" % (len(nodes), len(leaves), len(n)))
        nodes += n
        leaves += l
    assert all(-32768 <= x < 32768 for x in leaves)
    named = lambda k: ("F(%s)" if k < features else "C(%s)") % inputs[k]
    f.write("\nstatic const struct forest_node nodes[] = {\n%s};\n" % lines("{%.9g, 0x%08X, %s}" % (t, m, named(k)) for k, t, m in nodes))
    f.write("static const int16_t leaves[] = {\n%s};\n" % lines(map(str, leaves)))
    f.write("static const struct forest_tree trees[] = {\n%s};\n" % lines(trees))
    f.write("const struct forest extract_forest = {trees, nodes, leaves, %d, %d};\n" % (len(trees), bias))

def write(path, pages, inputs, features, model):
    sets = collections.Counter(p["set"] for p in pages)
    with open(path, "w") as f:
        f.write("/* SPDX-License-Identifier: MIT\n *\n * Made by fit_model.py from %s; do not edit.\n" % " and ".join(
            {"wcxb": "%d pages of WCXB's development split (CC-BY-4.0)", "aeb": "%d pages of scrapinghub's article extraction benchmark (MIT)"}[k] % n for k, n in sorted(sets.items(), reverse=True)))
        f.write(" *\n * Nodes: {threshold, leaves that stay when the input is greater, input}; F: features.h, C: extract_context.h.\n")
        f.write(" * Leaves: log odds of being main text * FOREST_UNIT.  Trees: {first node, first leaf, nodes}.\n */\n")
        f.write('#include "tools/warc2txt/extract/extract.h"\n\n#define F(name) FEATURE_##name\n#define C(name) (FEATURE_COUNT + CONTEXT_##name)\n')
        write_forest(f, model, inputs, features)

def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("tool")
    for name in ("--wcxb", "--aeb", "--out"): arguments.add_argument(name)
    for name in ("--figures", "--transfer"): arguments.add_argument(name, action="store_true")
    a = arguments.parse_args()
    pages = (list(wcxb(a.wcxb)) if a.wcxb else []) + (list(aeb(a.aeb)) if a.aeb else [])
    features, context = names()
    x = read(a.tool, pages)
    assert x.shape[1] == len(features + context)
    task = Task(pages, x, features + context)
    print("%d pages, %d blocks, %d inputs" % (len(pages), *x.shape), flush=True)
    if a.out: write(a.out, pages, features + context, len(features), task.train(slice(None)))
    print("figures\tset\tmetric\tpages\tF1\tprecision\trecall")
    report("labels", task, np.where(task.labels > .5, 10., -10.))
    log_odds = task.cross_validated() if a.figures else None
    for bias in (0, -1, -.5, .5, 1) if a.figures else (): report("cross-validated%s" % (", --precision %g" % bias if bias else ""), task, log_odds - bias)
    if a.transfer:
        p = np.zeros(len(x))
        for s in set(task.set): p[task.set == s] = task.train(task.set != s).predict(x[task.set == s], raw_score=True, num_threads=1)
        report("other set", task, task.with_code(p))

if __name__ == "__main__": main()
