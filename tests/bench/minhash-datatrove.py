# SPDX-License-Identifier: MIT
"""datatrove's four MinHash stages with their defaults (word 5-grams, 14 buckets of 8 hashes), one after another in this process."""
import os, time
import xxhash
import datatrove.utils.hashes.xxhash as hashes
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature

hashes.xxhash64 = lambda s: xxhash.xxh64_intdigest(s.encode())  # releases of xxhash that take no str


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\0", "\\")


def documents():
    for i, line in enumerate(open(name, encoding="utf-8", newline="\n")):
        yield Document(text=unescape(line.rstrip("\n").split("\t")[-1]), id=str(i), metadata={"line": line})


name, folder, config = os.path.join(os.environ["IN"], "documents.tsv"), os.environ["OUT"], MinhashConfig()
signature = MinhashDedupSignature(folder + "/signatures", config)
signature.word_tokenizer.word_tokenize("Loaded before the clock starts.")
start = time.perf_counter()
signature.run(documents())
for bucket in range(config.num_buckets):
    MinhashDedupBuckets(folder + "/signatures", folder + "/buckets", config=config).run(rank=bucket, world_size=config.num_buckets)
MinhashDedupCluster(folder + "/buckets", folder + "/removed", config).run()
with open(folder + "/unique.tsv", "w", encoding="utf-8", newline="") as out:
    for document in MinhashDedupFilter(folder + "/removed").run(documents()):
        out.write(document.metadata["line"])
print("bench", os.path.getsize(name), time.perf_counter() - start)
