#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quality of main-text extraction: measure_quality.py WARC2TXT DATA

DATA/wcxb-dev: word F1, mean over pages, by page type (the weights were fitted on these pages: see fit_weights.py for
the cross-validated figure).  DATA/scrapinghub-aeb: F1 of 4-token shingles, as that benchmark counts it; never fitted on.
Prints TSV: set, metric, pages, F1, precision, recall.
"""
import collections, glob, json, os, re, subprocess, sys

WORD = re.compile(r"\w+")
UNESCAPE = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}

def extract(tool, files):
    """id -> text, through one run."""
    run = subprocess.run([tool, "--html", "--list", "/dev/stdin"], input="\n".join(files).encode(), stdout=subprocess.PIPE, check=True)
    texts = {}
    for line in run.stdout.decode().splitlines():
        f = line.split("\t")
        texts[f[0]] = re.sub(r"\\[tnr\\]", lambda m: UNESCAPE[m[0]], f[-1])
    return texts

def words(text, gold):
    a, b = WORD.findall(text.lower()), WORD.findall(gold.lower())
    if not a or not b: return (float(not a and not b),) * 3
    o = sum((collections.Counter(a) & collections.Counter(b)).values())
    return (2 * o / (len(a) + len(b)) if o else 0.0, o / len(a), o / len(b))

def shingles(text):
    t = WORD.findall(text or "")
    return collections.Counter(tuple(t[i:i + 4]) for i in range(max(1, len(t) - 3))) if t else collections.Counter()

def wcxb(tool, root):
    files = sorted(glob.glob(root + "/html/*.html.gz"))
    if not files: return
    texts = extract(tool, files)
    kinds = collections.defaultdict(list)
    for f in files:
        gold = json.load(open(f"{root}/ground-truth/{os.path.basename(f)[:-8]}.json"))
        score = words(texts.get(f, ""), gold["ground_truth"].get("main_content") or "")
        kinds["all"].append(score)
        kinds[gold["_internal"]["page_type"]["primary"]].append(score)
    for kind, scores in sorted(kinds.items()):
        print("wcxb-dev %s\tword\t%d\t%.4f\t%.4f\t%.4f" % (kind, len(scores), *(sum(s[k] for s in scores) / len(scores) for k in range(3))))

def aeb(tool, root):
    if not os.path.exists(root + "/ground-truth.json"): return
    truth = json.load(open(root + "/ground-truth.json"))
    texts = extract(tool, [f"{root}/html/{k}.html.gz" for k in truth])
    precision, recall = [], []
    for k, page in truth.items():
        a, b = shingles(texts.get(f"{root}/html/{k}.html.gz", "")), shingles(page["articleBody"])
        tp, fp, fn = (sum(x.values()) for x in (a & b, a - b, b - a))
        if tp + fp: precision.append(tp / (tp + fp))
        if tp + fn: recall.append(tp / (tp + fn))
    p, r = sum(precision) / len(precision), sum(recall) / len(recall)
    print("scrapinghub-aeb\tshingle\t%d\t%.4f\t%.4f\t%.4f" % (len(truth), 2 * p * r / (p + r), p, r))

print("set\tmetric\tpages\tF1\tprecision\trecall")
wcxb(sys.argv[1], sys.argv[2] + "/wcxb-dev")
aeb(sys.argv[1], sys.argv[2] + "/scrapinghub-aeb")
