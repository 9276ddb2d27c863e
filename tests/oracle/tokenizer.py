#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Expected merges and ids for tests/unit/{common/token,tools/bpe-train}, from the reference libraries.
Needs: pip install tokenizers tiktoken rustbpe.  Run from the root; rewrites tests/data/token/*.tsv."""
import random
from collections import Counter

import regex
import rustbpe
import tiktoken
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

FOLDER = "tests/data/token/"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
O200K = "|".join([r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?", r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
MERGES = 400
text = open(FOLDER + "corpus.txt", encoding="utf-8", newline="").read()

order = [*range(33, 127), *range(161, 173), *range(174, 256)]
rest = [b for b in range(256) if b not in order]
character = {b: chr(b) for b in order} | {b: chr(256 + i) for i, b in enumerate(rest)}
byte = {c: b for b, c in character.items()}


def write_merges(name, merges):
    with open(FOLDER + name, "w") as out:
        for left, right in merges:
            out.write(left.hex() + "\t" + right.hex() + "\n")


def huggingface():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator([text], trainers.BpeTrainer(vocab_size=256 + MERGES, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[], show_progress=False))
    import json
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(bytes(byte[c] for c in part) for part in pair) for pair in merges]


def rust():
    """rustbpe gives tokens, not pairs: the pair is what encoding the token's bytes ends with."""
    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator([text], 256 + MERGES, pattern=GPT2)
    ranks = {bytes(b): r for b, r in tokenizer.get_mergeable_ranks()}
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda x: x[1]):
        if rank < 256:
            continue
        parts = [bytes([b]) for b in token]
        while len(parts) > 2:
            best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 30))
            parts[best:best + 2] = [parts[best] + parts[best + 1]]
        merges.append(tuple(parts))
    return merges, ranks


def lexical():
    """The assignment's definition, without any index: count all pairs again for each merge."""
    words = Counter(tuple(bytes([b]) for b in piece.encode()) for piece in regex.findall(GPT2, text))
    merges = []
    for _ in range(MERGES):
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        merged = Counter()
        for word, count in words.items():
            parts, i = [], 0
            while i < len(word):
                if word[i:i + 2] == best:
                    parts.append(word[i] + word[i + 1])
                    i += 2
                else:
                    parts.append(word[i])
                    i += 1
            merged[tuple(parts)] += count
        words = merged
    return merges


def strings():
    rng = random.Random(7)
    pool = ["'s", "'S", "'\u017f", "'ll", "'LL", "'Ve", "'re", "'", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u180e", "\u0085", "a", "Ab", "é", "日本", "नम", "ा", "1", "23", "4567", "½", "Ⅷ", "٣", "!", "--", "...", "_", "😀", "👩‍👩‍👧", "\u200b", "\ufeff", "ǅ", "ʰ", "ß", "\u2028", "the", " the", "İ", "K", "\u1c89", "\U0002ebf0", "\U00010d40", "\x7f", "\u0301", "’s", "/", "\u202f", "\u0345", "\x01", "aaaaaaaaaaaaaaaaaaaa", "abababababab"]
    lines = text.split("\n")
    yield from ["", " ", "\n", "a\n  ", "a  b", "\n\n  x", "don't DON'T", "x\u00a0\u00a0y"]
    for _ in range(500):
        if rng.random() < 0.3:
            line = rng.choice(lines)
            at = rng.randrange(len(line) + 1)
            yield line[:at] + rng.choice(pool) + line[at:]
        else:
            yield "".join(rng.choice(pool) if rng.random() < 0.9 else chr(rng.choice([rng.randrange(1, 0x300), rng.randrange(0x300, 0xD800), rng.randrange(0xE000, 0x30000)])) for _ in range(rng.randrange(1, 25)))


def write_ids(ranks):
    encodings = [tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={}) for name, pattern in (("gpt2", GPT2), ("cl100k", CL100K), ("o200k", O200K))]
    names = {token: "".join(character[b] for b in token) for token in ranks}
    merges = [(names[left], names[right]) for left, right in rust()[0]]
    llama = Tokenizer(models.BPE(vocab={names[token]: rank for token, rank in ranks.items()}, merges=merges))
    llama.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    with open(FOLDER + "ids.tsv", "w") as out:
        for s in strings():
            rows = [encoding.encode_ordinary(s) for encoding in encodings] + [llama.encode(s).ids]
            out.write(s.encode().hex() + "".join("\t" + " ".join(map(str, ids)) for ids in rows) + "\n")


write_merges("merges-hf.tsv", huggingface())
merges, ranks = rust()
write_merges("merges-raw.tsv", merges)
write_merges("merges-lexical.tsv", lexical())
write_ids(ranks)
