#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the inputs of `make bench`, runs each case's pair of scripts in turn and prints the table.

A script runs with BIN, IN (the inputs), OUT (a scratch folder), JOBS and CONFIG in its environment.  Its speed is
input bytes over wall time, unless it prints a line `bench UNITS SECONDS` (peers do, so that starting Python and loading
packages do not count; training does, so that the first steps do not).  Peak memory is the child's (rusage)."""
import gzip, json, os, shutil, statistics, subprocess, sys, time

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
    "qfilter-rules": ("qfilter", "datatrove spacy", "pages.tsv", "MB/s", 3),
    "minhash-dedup": ("minhash-dedup", "gaoya", "documents.tsv", "MB/s", 3),
    "bpe-train": ("bpe-train", "tokenizers", "text.txt", "MB/s", 3),
    "bpe-encode": ("bpe-encode", "tiktoken", "text.tsv", "MB/s", 3),
    "lm-train-fp32": ("lm-train", "torch transformers", "train.bin", "tok/s", 3),
    "lm-train-bf16": ("lm-train", "torch transformers", "train.bin", "tok/s", 3),
    "lm-sample": ("lm-sample", "torch transformers", "model", "tok/s", 3),
    "fit-scaling": ("fit-scaling", "scipy", "runs.tsv", "fits/s", 3),
}


def path(name):
    return os.path.join(IN, name)


def tool(*command, **more):
    subprocess.run([os.path.join(BIN, command[0]), *command[1:]], check=True, **more)


def first(*names):
    return next((n for n in names if n and os.path.exists(n)), None)


# ---- inputs: each a function that writes its file, or says why it cannot

def make_warc(to):
    folder = os.path.join(SHARED, "html", "wcxb-dev", "html")
    if os.path.isdir(folder):
        with open(to, "wb") as out:
            for i, name in enumerate(sorted(os.listdir(folder))):
                body = gzip.open(os.path.join(folder, name)).read()
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


def make_pages(to):
    need("documents.tsv")
    size = 0
    with open(to, "wb") as out:
        for line in open(path("documents.tsv"), "rb"):
            if size < 1500000 and len(line) < 200000:
                out.write(line)
                size += len(line)


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def make_text(to):
    source = os.path.join(SHARED, "text", "english-24M.txt.zst")
    if os.path.exists(source):
        subprocess.run(["zstd", "-qdf", source, "-o", to], check=True)
        return
    need("documents.tsv")
    with open(to, "w", encoding="utf-8", newline="") as out:
        for line in open(path("documents.tsv"), encoding="utf-8", newline="\n"):
            out.write(unescape(line.rstrip("\n").split("\t")[-1]) + "\n\n")


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


def make_tokenizer(to):
    need("text.txt")
    tool("bpe-train", "-q", "-n", "16384", "--raw", "-o", to, path("text.txt"))


def make_shard(to):
    need("tokenizer.tsv")
    need("text.tsv")
    tool("bpe-encode", "-q", "-t", path("tokenizer.tsv"), "-o", to, path("text.tsv"))


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


MAKERS = {"crawl.warc.gz": make_warc, "documents.tsv": make_documents, "pages.tsv": make_pages, "text.txt": make_text, "text.tsv": make_text_tsv,
          "tokenizer.tsv": make_tokenizer, "train.bin": make_shard, "config.json": make_config, "model": make_model, "runs.tsv": make_runs}


def need(name):
    if not os.path.exists(path(name)):
        print(f"making {name}", file=sys.stderr)
        temporary = path("." + name)
        shutil.rmtree(temporary, True)
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
    return os.path.getsize(path(name) if os.path.isfile(path(name)) else os.path.join(path(name), "model.safetensors"))


# ---- running

def run(command, size):
    """Units per second and peak MiB; RuntimeError with the last line of stderr."""
    shutil.rmtree(OUT, True)
    os.makedirs(OUT)
    env = dict(os.environ, BIN=BIN, IN=IN, OUT=OUT, JOBS=str(len(os.sched_getaffinity(0))), SHARED=SHARED, TORCHINDUCTOR_CACHE_DIR=os.path.join(BUILD, "bench", "inductor"), TOKENIZERS_PARALLELISM="true")
    with open(os.path.join(BUILD, "bench", "stdout"), "w+") as out, open(os.path.join(BUILD, "bench", "stderr"), "w+") as err:
        start = time.monotonic()
        p = subprocess.Popen(command, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(p.pid, 0)
        wall = time.monotonic() - start
        out.seek(0), err.seek(0)
        lines, complaints = out.read().splitlines(), err.read().strip().splitlines()
    if status:
        raise RuntimeError((complaints or [f"status {status}"])[-1][:200])
    for line in lines:
        if line.startswith("bench "):
            _, units, seconds = line.split()
            return float(units) / float(seconds), usage.ru_maxrss / 1024
    return size / wall, usage.ru_maxrss / 1024


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


def main():
    os.makedirs(IN, exist_ok=True)
    only = sys.argv[2:]
    row("case", "input", "ours", "peer", "ratio", "peak memory MiB")
    for case, (program, packages, name, unit, runs) in CASES.items():
        if only and case not in only:
            continue
        if not os.access(os.path.join(BIN, program), os.X_OK):
            row(case, "", "", "", "skip", f"{program} is not built")
            continue
        absent = missing(packages)
        if absent:
            row(case, "", "", "", "skip", f"the package {absent} is not installed")
            continue
        try:
            for n in [name] + ([] if program not in ("lm-train", "lm-sample") else ["config.json"]):
                need(n)
            results = ([], [])
            for _ in range(runs):
                for side, script in enumerate((["bash", "-eo", "pipefail", os.path.join(HERE, case + ".sh")], [sys.executable, os.path.join(HERE, case + ".py")])):
                    results[side].append(run(script, size_of(name)))
        except (LookupError, RuntimeError, OSError, subprocess.CalledProcessError) as e:
            row(case, "", "", "", "skip", str(e).replace("\t", " "))
            continue
        ours, theirs = (statistics.median(r[0] for r in side) for side in results)
        memory = [statistics.median(r[1] for r in side) for side in results]
        row(case, human(size_of(name)), speed(ours, unit), speed(theirs, unit), f"{ours / theirs:.2f}", f"{memory[0]:.0f} / {memory[1]:.0f}")


main()
