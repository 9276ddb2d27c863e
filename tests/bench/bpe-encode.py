# SPDX-License-Identifier: MIT
"""tiktoken (Rust): cl100k from the same file, one thread; reading, unescaping and writing ids are timed too."""
import array, os, time
import tiktoken
from tiktoken.load import load_tiktoken_bpe

def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")

name = os.path.join(os.environ["IN"], "text.tsv")
ranks = load_tiktoken_bpe(os.path.join(os.environ["SHARED"], "vocab", "tiktoken", "cl100k_base.tiktoken"))
pattern = r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
encoding = tiktoken.Encoding("cl100k_base", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 100257})
encoding.encode_ordinary("warm")
start = time.perf_counter()
with open(os.path.join(os.environ["OUT"], "text.bin"), "wb") as out:
    for line in open(name, encoding="utf-8", newline="\n"):
        ids = encoding.encode_ordinary(unescape(line.rstrip("\n").split("\t")[-1]))
        out.write(array.array("I", [100257] + ids).tobytes())
print("bench", os.path.getsize(name), time.perf_counter() - start)
