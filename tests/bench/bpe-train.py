# SPDX-License-Identifier: MIT
"""gigabpe (Rust), or Hugging Face tokenizers: byte-level BPE, 32,000 ids; starting Python is not counted."""
import os, time

name, case = os.path.join(os.environ["IN"], "english.txt"), os.environ["CASE"]
output = os.path.join(os.environ["OUT"], "tokenizer.json")
if case.endswith("-hf"):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=32000, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    start = time.perf_counter()
    tokenizer.train([name], trainer)
    tokenizer.save(output)
else:
    import gigabpe
    start = time.perf_counter()
    gigabpe.train_tokenizer([name], vocab_size=32000, output=output, pretokenizer="bytelevel", special_tokens=["<|endoftext|>"], threads=int(case[-1]))
print("bench", os.path.getsize(name), time.perf_counter() - start)
