# SPDX-License-Identifier: MIT
"""gigatoken (Rust), quicktok (C++) and tiktoken (Rust) on the same vocabulary and text, one thread.

cold: reading the vocabulary and encoding once (starting Python is not counted); warm: CPU seconds of the second time.  The
ids stay in memory; for documents they are written, as ours are."""
import array, os, time

os.environ["RAYON_NUM_THREADS"] = "1"
case = os.environ["CASE"]
name = "r50k_base" if "r50k" in case else "cl100k_base"
vocabulary = os.path.join(os.environ["SHARED"], "vocab", "tiktoken", name + ".tiktoken")
text = case.rsplit("-", 1)[1]


def read(file):
    return open(os.path.join(os.environ["IN"], file), "rb").read()


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


if text == "documents":
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe
    pattern = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=load_tiktoken_bpe(vocabulary), special_tokens={"<|endoftext|>": 100257})
    encoding.encode_ordinary("warm")
    file = os.path.join(os.environ["IN"], "text.tsv")
    start = time.perf_counter()
    with open(os.path.join(os.environ["OUT"], "text.bin"), "wb") as out:
        for line in open(file, encoding="utf-8", newline="\n"):
            ids = encoding.encode_ordinary(unescape(line.rstrip("\n").split("\t")[-1]))
            out.write(array.array("I", [100257] + ids).tobytes())
    print("bench", os.path.getsize(file), time.perf_counter() - start)
elif "-hostile-" in case:
    import quicktok
    encoding = quicktok.get_encoding(name)
    data = read(f"hostile-{text}.txt").decode()
    start = time.process_time()
    encoding.encode_ordinary(data)
    print("bench", len(data.encode()), time.process_time() - start)
else:
    import gigatoken
    data = read(text + ".txt")
    start = time.perf_counter()
    encoding = gigatoken.Tokenizer.from_tiktoken(vocabulary)
    encoding.encode(data)
    if "-cold-" in case:
        print("bench", len(data), time.perf_counter() - start)
    else:
        start = time.process_time()
        encoding.encode(data)
        print("bench", len(data), time.process_time() - start)
