#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quality of main-text extraction: measure_quality.py WARC2TXT DATA [--wcxb ROOT] [--peers a,b,...] [-- OPTION...]

ROOT or DATA/wcxb-dev: word F1, mean over pages, by page type; DATA/scrapinghub-aeb: F1 of 4-token shingles, as that
benchmark counts it.  Of both, the pages with the model's trees fitted on them: fit_model.py prints cross-validated figures.
DATA/goose3: goose3's test pages, whose gold is mostly the first words of the text, so only recall of its 4-grams and the
share of pages that have all of them mean something (columns F1, precision), with words per page as the price (recall).
Peers, where their package is installed: trafilatura, trafilatura-fast, each also with -comments, resiliparse,
resiliparse-comments, justext, readability; "all" for all of these.  OPTIONs go to WARC2TXT.
Prints TSV: tool, set, metric, pages, F1, precision, recall.
"""
import argparse, collections, glob, gzip, importlib.util, json, logging, os, re, subprocess, sys, tempfile

WORD = re.compile(r"\w+")
UNESCAPE = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}

def ours(tool, options, files):
    """file -> text, through one run."""
    with tempfile.NamedTemporaryFile("w") as inputs:
        inputs.write("\n".join(files) + "\n")
        inputs.flush()
        run = subprocess.run([tool, "--html", "--list", inputs.name, *options], stdout=subprocess.PIPE, check=True)
    texts = {}
    for line in run.stdout.decode().split("\n"):
        f = line.split("\t")
        texts[f[0]] = re.sub(r"\\[tnr\\]", lambda m: UNESCAPE[m[0]], f[-1])
    return texts

def trafilatura(fast, comments):
    import trafilatura
    return lambda html: trafilatura.extract(html, fast=fast, include_comments=comments)

def resiliparse(comments):
    from resiliparse.extract.html2text import extract_plain_text
    return lambda html: extract_plain_text(html, main_content=True, links=False, alt_texts=False, comments=comments)

def justext():
    import justext
    stop = frozenset().union(*map(justext.get_stoplist, justext.get_stoplists()))
    return lambda html: "\n".join(p.text for p in justext.justext(html, stop) if not p.is_boilerplate)

def readability():
    import lxml.html, readability
    return lambda html: lxml.html.fromstring(readability.Document(html).summary()).text_content()

PEERS = { # package, maker
    "trafilatura": ("trafilatura", lambda: trafilatura(False, False)), "trafilatura-comments": ("trafilatura", lambda: trafilatura(False, True)),
    "trafilatura-fast": ("trafilatura", lambda: trafilatura(True, False)), "trafilatura-fast-comments": ("trafilatura", lambda: trafilatura(True, True)),
    "resiliparse": ("resiliparse", lambda: resiliparse(False)), "resiliparse-comments": ("resiliparse", lambda: resiliparse(True)),
    "justext": ("justext", justext), "readability": ("readability", readability),
}

def peer(name, files):
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding
    extract, texts = PEERS[name][1](), {}
    for file in files:
        body = (gzip.open if file.endswith(".gz") else open)(file, "rb").read()
        try: texts[file] = extract(bytes_to_str(body, detect_encoding(body))) or ""
        except Exception: texts[file] = "" # what a peer cannot read gives nothing
    return texts

def wcxb(root):
    for f in sorted(glob.glob(root + "/html/*.html.gz")):
        gold = json.load(open(f"{root}/ground-truth/{os.path.basename(f)[:-8]}.json"))
        yield f, gold["ground_truth"].get("main_content") or "", gold["_internal"]["page_type"]["primary"]

def aeb(root):
    if not os.path.exists(root + "/ground-truth.json"): return
    for k, page in json.load(open(root + "/ground-truth.json")).items(): yield f"{root}/html/{k}.html.gz", page["articleBody"], None

def goose(root):
    for f in sorted(glob.glob(root + "/**/*.json", recursive=True)):
        html = f[:-5] + ".html"
        if not os.path.exists(html): continue
        try: text = (json.load(open(f)).get("expected") or {}).get("cleaned_text")
        except ValueError: continue # some are broken on purpose
        if text and len(WORD.findall(text)) >= 4: yield html, text, None

def words(text, gold):
    a, b = WORD.findall(text.lower()), WORD.findall(gold.lower())
    if not a or not b: return (float(not a and not b),) * 3
    o = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 2 * o / (len(a) + len(b)), o / len(a), o / len(b)

def shingles(text):
    t = WORD.findall(text)
    return collections.Counter(tuple(t[i:i + 4]) for i in range(max(1, len(t) - 3))) if t else collections.Counter()

def mean(values): return sum(values) / len(values) if values else 0.0

def report(tool, set_, pages, texts):
    row = lambda name, metric, n, f: print("%s\t%s\t%s\t%d\t%.4f\t%.4f\t%.4f" % (tool, name, metric, n, *f), flush=True)
    if set_ == "wcxb-dev":
        kinds = collections.defaultdict(list)
        for file, gold, kind in pages:
            for k in ("", " " + kind): kinds[set_ + k].append(words(texts.get(file, ""), gold))
        for kind in sorted(kinds): row(kind, "word", len(kinds[kind]), [mean([s[k] for s in kinds[kind]]) for k in range(3)])
        return
    precision, recall, found = [], [], []
    for file, gold, _ in pages:
        a, b = shingles(texts.get(file, "")), shingles(gold)
        both = sum((a & b).values())
        if a: precision.append(both / sum(a.values()))
        if b: recall.append(both / sum(b.values()))
    p, r = mean(precision), mean(recall)
    if set_ == "goose3": row(set_, "gold 4-grams, all, words", len(pages), (r, mean([x > .99 for x in recall]), mean([len(WORD.findall(texts.get(f, ""))) for f, _, _ in pages])))
    else: row(set_, "shingle", len(pages), (2 * p * r / (p + r) if p + r else 0, p, r))

def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("tool")
    arguments.add_argument("data")
    arguments.add_argument("--wcxb", help="the whole development split (default: DATA/wcxb-dev)")
    arguments.add_argument("--peers", default="")
    arguments.add_argument("options", nargs="*")
    a = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    sys.setrecursionlimit(10000)
    sets = {"wcxb-dev": list(wcxb(a.wcxb or a.data + "/wcxb-dev")), "scrapinghub-aeb": list(aeb(a.data + "/scrapinghub-aeb")), "goose3": list(goose(a.data + "/goose3"))}
    print("tool\tset\tmetric\tpages\tF1\tprecision\trecall")
    for name in ["warc2txt"] + (list(PEERS) if a.peers == "all" else [x for x in a.peers.split(",") if x]):
        if name != "warc2txt" and not importlib.util.find_spec(PEERS[name][0]):
            print(f"{name} is not installed", file=sys.stderr)
            continue
        for set_, pages in sets.items():
            if not pages: continue
            files = [f for f, _, _ in pages]
            report(name, set_, pages, ours(a.tool, a.options, files) if name == "warc2txt" else peer(name, files))

if __name__ == "__main__": main()
