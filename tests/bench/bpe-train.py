# SPDX-License-Identifier: MIT
"""Hugging Face tokenizers (Rust): byte-level BPE, 16,384 ids, all threads."""
import os, time
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

name = os.path.join(os.environ["IN"], "text.txt")
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(vocab_size=16384, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
start = time.perf_counter()
tokenizer.train([name], trainer)
tokenizer.save(os.path.join(os.environ["OUT"], "tokenizer.json"))
print("bench", os.path.getsize(name), time.perf_counter() - start)
