#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the inputs of `make bench`, runs each case's pair of scripts in turn and prints the table.

A script runs with BIN, IN (the inputs), OUT (a scratch folder), CASE and JOBS in its environment.  Its speed is
input bytes over wall time, unless it prints a line `bench UNITS SECONDS` (peers do, so that starting Python and loading
packages do not count; training does, so that the first steps do not).  Peak memory is the child's (rusage), unless it
prints `memory MIB`; a line `with TEXT` names its library and settings, and is shown on stderr.

A peer that can be set in several ways (MODES) runs each in the first round; the fastest is measured in the others."""
import array, gzip, json, os, random, re, shutil, statistics, struct, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(sys.argv[1])
BIN, IN, OUT = (os.path.join(BUILD, *x) for x in (["bin"], ["bench", "input"], ["bench", "out"]))
SHARED = os.path.join(ROOT, "..", "shared", "data")
DEMO = os.path.join(ROOT, "build", "demo")
LLAMA_S = dict(architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=16384, hidden_size=384, intermediate_size=1024,
               num_hidden_layers=6, num_attention_heads=6, num_key_value_heads=6, head_dim=64, hidden_act="silu",
               max_position_embeddings=1024, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True)

# case: (tool, peer packages, input, unit, runs, what is compared)
CASES = {
    "warc2txt-main": ("warc2txt", "fastwarc resiliparse", "crawl.warc.gz", "MB/s", 3),
    "warc2txt-all": ("warc2txt", "fastwarc resiliparse", "crawl.warc.gz", "MB/s", 3),
    "warc2txt-parse": ("warc2txt", "selectolax", "html", "MB/s", 3),
    "warc2txt-trafilatura": ("warc2txt", "fastwarc trafilatura", "crawl.warc.gz", "MB/s", 1),
    "qfilter-rules": ("qfilter", "datatrove spacy", "pages.tsv", "MB/s", 3),
    "qfilter-words": ("qfilter", "datatrove spacy", "pages.tsv", "MB/s", 3),
    "qfilter-all": ("qfilter", "datatrove spacy", "pages.tsv", "MB/s", 3),
    "qfilter-space": ("qfilter", "", "documents.tsv", "MB/s", 5),
    "qfilter-url": ("qfilter", "datatrove tldextract ahocorasick fasteners", "urls", "MB/s", 3),
    "fasttext-lid": ("qfilter", "fasttext", "documents.tsv", "MB/s", 3),
    "fasttext-bigram": ("qfilter", "fasttext", "documents.tsv", "MB/s", 3),
    "qfilter-train-1": ("qfilter-train", "fasttext", "labelled.tsv", "tok/s", 3),
    "qfilter-train-2": ("qfilter-train", "fasttext", "labelled.tsv", "tok/s", 3),
    "minhash-dedup": ("minhash-dedup", "gaoya", "documents.tsv", "MB/s", 5),
    "minhash-dedup-large": ("minhash-dedup", "gaoya", "documents-large.tsv", "MB/s", 3),
    "minhash-rensa": ("minhash-dedup", "rensa", "documents.tsv", "MB/s", 3),
    "minhash-datatrove": ("minhash-dedup", "datatrove spacy", "documents.tsv", "MB/s", 1),
    "bloom-lines": ("bloom-dedup", "rbloom xxhash", "lines.txt", "MB/s", 3),
    "bloom-lines-exact": ("bloom-dedup", "rbloom xxhash", "lines.txt", "MB/s", 3),
    "bloom-documents": ("bloom-dedup", "rbloom xxhash", "copies.tsv", "MB/s", 3),
    "bloom-ngrams": ("bloom-dedup", "rbloom xxhash", "documents.tsv", "MB/s", 1),
    "bpe-train-1": ("bpe-train", "gigabpe", "english.txt", "MB/s", 5),
    "bpe-train-2": ("bpe-train", "gigabpe", "english.txt", "MB/s", 5),
    "bpe-train-hf": ("bpe-train", "tokenizers", "english.txt", "MB/s", 1),
    **{f"bpe-encode-{vocabulary}-{state}-{text}": ("bpe-encode", "gigatoken", f"{text}.txt", "MB/s", 3)
       for vocabulary in ("cl100k", "r50k") for state in ("cold", "warm") for text in ("english", "multilingual", "code")},
    **{f"bpe-encode-cl100k-hostile-{text}": ("bpe-encode", "quicktok", f"hostile-{text}.txt", "MB/s", 5) for text in ("letter", "spaces", "abab", "unicode", "minified")},
    "bpe-encode-documents": ("bpe-encode", "tiktoken", "text.tsv", "MB/s", 3),
    "lm-train-gpt2-fp32": ("lm-train", "torch transformers", "gpt2.bin", "tok/s", 5),
    "lm-train-gpt2-bf16": ("lm-train", "torch transformers", "gpt2.bin", "tok/s", 5),
    "lm-train-llama-fp32": ("lm-train", "torch transformers", "llama.bin", "tok/s", 5),
    "lm-train-llama-bf16": ("lm-train", "torch transformers", "llama.bin", "tok/s", 5),
    "lm-train-llmc": ("lm-train", "numpy", "gpt2.bin", "tok/s", 5),
    "lm-sample": ("lm-sample", "torch transformers", "model", "tok/s", 3),
    "fit-scaling-fit": ("fit-scaling", "scipy", "runs.tsv", "fits/s", 3),
    "fit-scaling-bootstrap": ("fit-scaling", "scipy", "runs.tsv", "fits/s", 3),
}
MODES = {"bloom-lines": ["sort", "mawk", "rbloom"], "lm-train-gpt2": ["default", "max-autotune"], "lm-train-llama": ["default", "max-autotune"]}  # by the start of the case


def path(name):
    return os.path.join(IN, name)


def tool(*command, **more):
    subprocess.run([os.path.join(BIN, command[0]), *command[1:]], check=True, **more)


def first(*names):
    return next((n for n in names if n and os.path.exists(n)), None)


# ---- inputs: each a function that writes its file, or says why it cannot

def make_warc(to):
    """The archive that CRAWL2LM_WARC names, else real pages, over and over until they are 300 MB of HTML."""
    if os.environ.get("CRAWL2LM_WARC"):
        return os.symlink(os.path.abspath(os.environ["CRAWL2LM_WARC"]), to)
    folder = os.path.join(SHARED, "html", "wcxb-dev", "html")
    if os.path.isdir(folder):
        pages = [gzip.open(os.path.join(folder, name)).read() for name in sorted(os.listdir(folder))]
        with open(to, "wb") as out:
            for i in range(-(-300000000 // sum(map(len, pages))) * len(pages)):
                body = pages[i % len(pages)]
                message = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                head = ("WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-%012d>\r\nWARC-Target-URI: http://a.example/%d\r\n"
                        "WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n" % (i, i, len(message))).encode()
                out.write(gzip.compress(head + message + b"\r\n\r\n", 6))
        return
    crawls = sorted(os.path.join(d, f) for d, _, fs in os.walk(os.path.join(DEMO, "crawl")) for f in fs if f.endswith(".warc.gz"))
    if not crawls:
        raise LookupError("no pages: run make demo first")
    with open(to, "wb") as out:
        for f in crawls:
            if out.tell() < 40 << 20:
                shutil.copyfileobj(open(f, "rb"), out)


def make_html(to):
    folder = os.path.join(SHARED, "html", "wcxb-dev", "html")
    if not os.path.isdir(folder):
        raise LookupError("no pages")
    os.mkdir(to)
    for name in os.listdir(folder):
        with open(os.path.join(to, name[:-3]), "w", encoding="utf-8") as out:
            out.write(gzip.open(os.path.join(folder, name)).read().decode("utf-8", "replace").replace("\0", ""))


def make_documents(to):
    source = first(os.path.join(SHARED, "dedup", "sub3k.tsv"), os.path.join(DEMO, "documents", "extracted.tsv"))
    if not source:
        raise LookupError("no documents: run make demo first")
    size = 0
    with open(to, "wb") as out:
        for line in open(source, "rb"):
            if size < 32 << 20:
                out.write(line)
                size += len(line)


def make_documents_large(to):
    """The documents nine times over, every word with a letter behind it that tells the copies apart."""
    need("documents.tsv")
    with open(to, "wb") as out:
        for copy in range(9):
            for line in open(path("documents.tsv"), "rb"):
                head, tab, text = line.rstrip(b"\n").rpartition(b"\t")
                out.write(head + tab + re.sub(rb"(\\[ntr\\])|([0-9A-Za-z\x80-\xff]+)", lambda m: m[1] or m[2] + b"abcdefghi"[copy:copy + 1], text) + b"\n")


def make_copies(to):
    """Documents twelve times; in each copy but the first one in four is the same, the others end in another word."""
    need("documents.tsv")
    lines = open(path("documents.tsv"), "rb").read().splitlines()
    with open(to, "wb") as out:
        for copy in range(12):
            for i, line in enumerate(lines):
                out.write(line + (b" copy%d\n" % copy if copy and i % 4 else b"\n"))


def make_lines(to):
    """The lines of the documents twelve times; in each copy one in three is the same."""
    need("documents.tsv")
    with open(to, "wb") as out:
        for copy in range(12):
            n = 0
            for document in open(path("documents.tsv"), "rb"):
                for line in document.rstrip(b"\n").split(b"\t")[-1].replace(b"\\\\", b"/").split(b"\\n"):
                    n += 1
                    out.write(line.replace(b"\\", b"/") + (b" %d\n" % copy if copy and n % 3 else b"\n"))


def make_pages(to):
    need("documents.tsv")
    size = 0
    with open(to, "wb") as out:
        for line in open(path("documents.tsv"), "rb"):
            if size < 1500000 and len(line) < 200000:
                out.write(line)
                size += len(line)


def make_urls(to):
    """A folder: 300,000 documents with URLs, a million blocked domains that a tenth of them are under, words, suffixes."""
    rng = random.Random(1)
    word = lambda: "".join(rng.choice(("ka", "to", "mi", "ser", "von", "ple", "ra", "ing", "est", "o")) for _ in range(rng.randint(2, 5)))
    suffixes = "com org net uk co.uk de jp co.jp fr io *.ck info".split()
    os.mkdir(to)
    lists = {"words.txt": [word() for _ in range(200)], "soft.txt": [word() for _ in range(80)], "subwords.txt": [word() + word() + word() for _ in range(130)], "suffixes.txt": suffixes,
             "domains.txt": ["%s%d.%s" % (word(), i % 997, rng.choice(suffixes).replace("*", "x")) for i in range(1000000)]}
    for name, entries in lists.items():
        with open(os.path.join(to, name), "w") as out:
            out.write("".join(e + "\n" for e in entries))
    with open(os.path.join(to, "documents.tsv"), "w") as out:
        for i in range(300000):
            host = rng.choice(lists["domains.txt"]) if i % 10 == 0 else "%s.%s.%s" % (word(), word(), rng.choice(suffixes).replace("*", "y"))
            out.write("%d\thttps://%s%s/%s/%s-%s.html?id=%d\t2026-01-01T00:00:00Z\ttext\n" % (i, rng.choice(("www.", "")), host, word(), word(), word(), i))


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def make_bigram(to):
    """A model of DCLM's shape: bigrams, 100 columns, 2 million buckets.  Its two labels mean nothing."""
    import fasttext
    need("documents.tsv")
    lines = path("bigram.txt")
    with open(lines, "w", encoding="utf-8", newline="") as out:
        for i, line in enumerate(open(path("documents.tsv"), encoding="utf-8", newline="\n")):
            out.write(f"__label__{'ab'[i % 2]} {' '.join(unescape(line.rstrip(chr(10)).split(chr(9))[-1]).split()[:300])}\n")
    fasttext.train_supervised(lines, dim=100, wordNgrams=2, epoch=1, verbose=0).save_model(to)


def make_text(to):
    source = os.path.join(SHARED, "text", "english-24M.txt.zst")
    if os.path.exists(source):
        subprocess.run(["zstd", "-qdf", source, "-o", to], check=True)
        return
    need("documents.tsv")
    with open(to, "w", encoding="utf-8", newline="") as out:
        for line in open(path("documents.tsv"), encoding="utf-8", newline="\n"):
            out.write(unescape(line.rstrip("\n").split("\t")[-1]) + "\n\n")


def make_labelled(to):
    """Passages of about 2 KB, labelled by the quarter of the text they stand in; every tenth is for the test."""
    need("text.txt")
    words = open(path("text.txt"), encoding="utf-8", errors="replace").read().replace("\0", " ").replace("\\", " ").split()
    rng, parts = random.Random(3), [[], []]
    for label in range(4):
        part = words[len(words) * label // 4 : len(words) * (label + 1) // 4]
        for n, at in enumerate(range(0, len(part), 350)):
            parts[n % 10 == 0].append(f"t{label}\t{' '.join(part[at : at + 350])}\n")
    for lines, name in zip(parts, (to, path("labelled-test.tsv"))):
        rng.shuffle(lines)
        with open(name, "w", encoding="utf-8", newline="") as out:
            out.writelines(lines)


def make_text_tsv(to):
    """The text as documents of about 4 KB, so that both sides encode the same ones."""
    need("text.txt")
    data = open(path("text.txt"), encoding="utf-8", errors="replace", newline="").read().replace("\0", "")
    with open(to, "w", encoding="utf-8", newline="") as out:
        at = n = 0
        while at < len(data):
            end = data.find("\n", at + 4000)
            end = len(data) if end < 0 else end + 1
            text = data[at:end].rstrip("\n").replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
            out.write(f"d{n}\t{text}\n")
            at, n = end, n + 1


def make_english(to):
    """The file that CRAWL2LM_TEXT names, else text.txt."""
    need("text.txt")
    os.symlink(os.path.abspath(os.environ.get("CRAWL2LM_TEXT") or path("text.txt")), to)


def make_multilingual(to):
    folder = os.path.join(SHARED, "text", "multi")
    if not os.path.isdir(folder):
        raise LookupError("no text in other languages")
    with open(to, "wb") as out:
        for name in sorted(os.listdir(folder)):
            out.write(open(os.path.join(folder, name), "rb").read())


def make_code(to):
    """Python's own library and the peers' packages."""
    import sysconfig
    size = 0
    with open(to, "wb") as out:
        for root in (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]):
            for folder, folders, files in os.walk(root):
                folders.sort()
                for name in sorted(files):
                    if name.endswith(".py") and size < 60_000_000:
                        size += out.write(open(os.path.join(folder, name), encoding="utf-8", errors="ignore", newline="").read().encode())


def make_hostile(to, kind):
    """A megabyte that is hard for some tokenizer."""
    rng, n = random.Random(1), 1_000_000
    if kind == "unicode":
        text = "".join(chr(rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0xA0, 0x800), rng.randrange(0x800, 0xD800), rng.randrange(0xE000, 0xFFFE), rng.randrange(0x10000, 0x30000)])) for _ in range(n // 3))
    elif kind == "minified":
        text = "".join(f"function {rng.choice('abc$')}{i}(e,t){{var n={rng.randrange(10**6)},r=[];for(n=0;n<e.length;n++)if(e[n]!==null){{r.push(e[n].{rng.choice(['type', 'key', 'nodeValue'])}?t:\"{rng.randrange(1 << 40):x}\")}}return r}};" for i in range(n // 110))
    else:
        text = {"letter": "a", "spaces": " ", "abab": "ab"}[kind] * n
    open(to, "wb").write(text.encode()[:n].decode("utf-8", "ignore").encode())


def make_tokenizer(to):
    need("text.txt")
    tool("bpe-train", "-q", "-n", "16384", "--raw", "-o", to, path("text.txt"))


def make_shard(to):
    need("tokenizer.tsv")
    need("text.tsv")
    tool("bpe-encode", "-q", "-t", path("tokenizer.tsv"), "-o", to, path("text.tsv"))


def make_random_shard(to, vocabulary, count):
    """Random tokens serve for the speed of training."""
    ids = array.array("H", random.Random(1).choices(range(vocabulary), k=count))
    if sys.byteorder == "big":
        ids.byteswap()
    with open(to, "wb") as out:
        out.write(struct.pack("<256i", 20240520, 1, count, 0x6332, count, 0, vocabulary, -1, *[0] * 248) + ids.tobytes())


def make_config(to):
    json.dump(LLAMA_S, open(to, "w"))


def make_model(to):
    need("train.bin")
    need("config.json")
    tool("lm-train", "-q", "-c", path("config.json"), "-d", path("train.bin"), "-t", path("tokenizer.tsv"), "-o", to, "--steps", "20", "--batch", "8", "--seq", "128", "--eval-tokens", "4096")


def make_runs(to):
    source = os.path.join(SHARED, "oracle", "scaling", "besiroglu240.tsv")
    with open(to, "w") as out:
        out.write("params\ttokens\tloss\n")
        if os.path.exists(source):
            for line in open(source):
                n, flops, loss = map(float, line.split("\t")[:3])
                out.write(f"{n!r}\t{flops / (6 * n)!r}\t{loss!r}\n" if flops > 1e14 else f"{n!r}\t{flops!r}\t{loss!r}\n")
        else:
            state = 1
            for i in range(240):
                n, d = 10 ** (7 + i % 16 / 6), 10 ** (8.5 + i // 16 / 6)
                state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
                out.write(f"{n:.9g}\t{d:.9g}\t{(1.7 + 400 / n**.34 + 400 / d**.28) * (1 + ((state >> 40) / (1 << 24) - .5) * .02):.9g}\n")


MAKERS = {"crawl.warc.gz": make_warc, "html": make_html, "documents.tsv": make_documents, "documents-large.tsv": make_documents_large, "pages.tsv": make_pages, "urls": make_urls, "copies.tsv": make_copies, "lines.txt": make_lines, "bigram.bin": make_bigram, "text.txt": make_text, "text.tsv": make_text_tsv, "labelled.tsv": make_labelled,
          "english.txt": make_english, "multilingual.txt": make_multilingual, "code.txt": make_code,
          **{f"hostile-{kind}.txt": lambda to, kind=kind: make_hostile(to, kind) for kind in ("letter", "spaces", "abab", "unicode", "minified")},
          "gpt2.bin": lambda to: make_random_shard(to, 50257, 20000), "llama.bin": lambda to: make_random_shard(to, 16384, 100000), "tokenizer.tsv": make_tokenizer, "train.bin": make_shard, "config.json": make_config, "model": make_model, "runs.tsv": make_runs}


def need(name):
    if not os.path.exists(path(name)):
        print(f"making {name}", file=sys.stderr)
        temporary = path("." + name)
        shutil.rmtree(temporary, True)
        if os.path.islink(temporary):
            os.unlink(temporary)
        pid = os.fork()  # a child's peak memory counts what its parent held: this process stays small
        if pid == 0:
            try:
                MAKERS[name](temporary)
                os._exit(0)
            except LookupError as e:
                open(path("why"), "w").write(str(e))
                os._exit(1)
            except BaseException as e:
                open(path("why"), "w").write(f"{name} cannot be made: {e}")
                os._exit(1)
        if os.waitpid(pid, 0)[1]:
            raise LookupError(open(path("why")).read())
        os.rename(temporary, path(name))


def size_of(name):
    if name in ("html", "urls"):
        return sum(e.stat().st_size for e in os.scandir(path(name)))
    return os.path.getsize(path(name) if os.path.isfile(path(name)) else os.path.join(path(name), "model.safetensors"))


# ---- running

class Result:
    def __init__(self, speed, memory, text):
        self.speed, self.memory, self.text = speed, memory, text


def run(case, command, size):
    """RuntimeError with the last line of stderr."""
    shutil.rmtree(OUT, True)
    os.makedirs(OUT)
    env = dict(os.environ, BIN=BIN, IN=IN, OUT=OUT, CASE=case, JOBS=str(len(os.sched_getaffinity(0))), SHARED=SHARED, TORCHINDUCTOR_CACHE_DIR=os.path.join(BUILD, "bench", "inductor"), TOKENIZERS_PARALLELISM="true")
    with open(os.path.join(BUILD, "bench", "stdout"), "w+") as out, open(os.path.join(BUILD, "bench", "stderr"), "w+") as err:
        start = time.monotonic()
        p = subprocess.Popen(command, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - start
        out.seek(0), err.seek(0)
        lines, complaints = out.read().splitlines(), err.read().strip().splitlines()
    if status:
        raise RuntimeError((complaints or [f"status {status}"])[-1][:200])
    result = Result(size / wall, usage.ru_maxrss / 1024, "")
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "bench":
            units, seconds = rest.split()
            result.speed = float(units) / float(seconds)
        elif word == "memory":
            result.memory = float(rest)
        elif word == "with":
            result.text = rest
    return result


def script(case, program, suffix):
    """CASE.sh, else the tool's."""
    return first(os.path.join(HERE, case + suffix), os.path.join(HERE, program + suffix))


def compare(case, program, name, runs):
    """Results of our runs and of the peer's in its fastest mode."""
    ours = ["bash", "-eo", "pipefail", script(case, program, ".sh")]
    modes = next((m for start, m in MODES.items() if case.startswith(start)), [None])
    results, theirs = [], {m: [] for m in modes}
    for _ in range(runs):
        results.append(run(case, ours, size_of(name)))
        for m in modes:
            theirs[m].append(run(case, [sys.executable, script(case, program, ".py")] + ([m] if m else []), size_of(name)))
        modes = [max(modes, key=lambda m: theirs[m][0].speed)]
    for r in (results[0], theirs[modes[0]][0]):
        if r.text:
            print(f"{case}: {r.text}", file=sys.stderr)
    return results, theirs[modes[0]]


def share_of_ceiling(case, tokens_s):
    """What the FLOPs of the formula (lm-train --plan) come to, beside the best library's rate on the model's matmul shapes."""
    shape = ["--preset", "gpt2-124m", "-d", path("gpt2.bin"), "--seq", "64"] if "-gpt2-" in case else ["-c", path("config.json"), "-d", path("llama.bin"), "--seq", "256"]
    plan = subprocess.run([os.path.join(BIN, "lm-train"), *shape, "--steps", "1", "--plan"], capture_output=True, text=True).stdout
    flops = next((float(line.split()[1]) for line in plan.splitlines() if line.startswith("flops_per_token")), 0)
    best = subprocess.run([sys.executable, os.path.join(HERE, "lm-train-ceiling.py")], capture_output=True, text=True, env=dict(os.environ, CASE=case, JOBS=str(len(os.sched_getaffinity(0))))).stdout.split(None, 2)
    if flops and len(best) == 3:
        ours, ceiling = tokens_s * flops / 1e9, float(best[1])
        print(f"{case}: {ours:.0f} GFLOP/s, {100 * ours / ceiling:.0f}% of the {ceiling:.0f} that {best[2].strip()} reaches on the model's matmul shapes", file=sys.stderr)


def missing(packages):
    for p in packages.split():
        if subprocess.run([sys.executable, "-c", f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{p}') is None)"]).returncode:
            return p
    return None


def human(size):
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def speed(x, unit):
    return f"{x / 1e6:.3g} MB/s" if unit == "MB/s" else f"{x:.4g} {unit}"


def row(*cells):
    print("\t".join(cells), flush=True)


def cpu():
    models = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")] if os.path.exists("/proc/cpuinfo") else []
    return f"{len(os.sched_getaffinity(0))} x {models[0] if models else 'unknown CPU'}"


def main():
    os.makedirs(IN, exist_ok=True)
    print(f"cpu: {cpu()}", file=sys.stderr)
    only = sys.argv[2:]
    row("case", "input", "ours", "peer", "ratio", "peak memory MiB")
    for case, (program, packages, name, unit, runs) in CASES.items():
        if only and case not in only:
            continue
        if case == "lm-train-llmc" and not os.environ.get("CRAWL2LM_LLMC"):
            row(case, "", "", "", "skip", "CRAWL2LM_LLMC names no train_gpt2 of llm.c")
            continue
        if not os.access(os.path.join(BIN, program), os.X_OK):
            row(case, "", "", "", "skip", f"{program} is not built")
            continue
        absent = missing(packages)
        if absent:
            row(case, "", "", "", "skip", f"the package {absent} is not installed")
            continue
        try:
            for n in [name] + (["config.json"] if program in ("lm-train", "lm-sample") else ["bigram.bin"] if case == "fasttext-bigram" else []):
                need(n)
            sides = compare(case, program, name, int(os.environ.get("RUNS", runs)))
        except (LookupError, RuntimeError, OSError, subprocess.CalledProcessError) as e:
            row(case, "", "", "", "skip", str(e).replace("\t", " "))
            continue
        ours, theirs = (statistics.median(r.speed for r in side) for side in sides)
        memory = [statistics.median(r.memory for r in side) for side in sides]
        if program == "lm-train" and case.endswith("fp32"):
            share_of_ceiling(case, ours)
        row(case, human(size_of(name)), speed(ours, unit), speed(theirs, unit), f"{ours / theirs:.2f}", f"{memory[0]:.0f} / {memory[1]:.0f}")


main()
