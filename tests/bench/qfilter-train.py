# SPDX-License-Identifier: MIT
"""fastText on the same texts with the same settings and threads."""
import os, time
import fasttext

inputs, out, threads = os.environ["IN"], os.environ["OUT"], int(os.environ["CASE"].rsplit("-", 1)[1])


def flat(name):
    """label<TAB>text as fastText wants it."""
    path = os.path.join(out, name)
    with open(os.path.join(inputs, name), encoding="utf-8", newline="\n") as lines, open(path, "w", encoding="utf-8") as to:
        for line in lines:
            label, text = line.rstrip("\n").split("\t")
            to.write(f"__label__{label} {text}\n")
    return path


train, test = flat("labelled.tsv"), flat("labelled-test.tsv")
start = time.perf_counter()
model = fasttext.train_supervised(train, dim=100, wordNgrams=2, bucket=2000000, minCount=1, lr=0.5, epoch=5, thread=threads, verbose=0)
seconds = time.perf_counter() - start
tokens = sum(len(line.split()) + 1 for line in open(train, encoding="utf-8"))  # and the end of the line
print("bench", 5 * tokens, seconds)
print("with P@1", model.test(test)[1])
