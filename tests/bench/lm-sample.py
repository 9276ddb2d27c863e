# SPDX-License-Identifier: MIT
"""transformers' generate() on the same checkpoint: greedy, one sequence, KV cache; all threads."""
import os, time
import torch
from transformers import AutoModelForCausalLM

torch.set_num_threads(int(os.environ["JOBS"]))
model = AutoModelForCausalLM.from_pretrained(os.path.join(os.environ["IN"], "model"), dtype=torch.float32).eval()
prompt = torch.tensor([[464, 717]])
with torch.inference_mode():
    model.generate(prompt, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    start = time.perf_counter()
    out = model.generate(prompt, max_new_tokens=128, min_new_tokens=128, do_sample=False)
    seconds = time.perf_counter() - start
print("bench", out.shape[1] - prompt.shape[1], seconds)
