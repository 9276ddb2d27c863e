# SPDX-License-Identifier: MIT
"""torch.compile over transformers' Llama of the same config: fused AdamW, clipping, the same batch; all threads.  Called as lm-train-bf16 it autocasts to bf16.
The first steps, which compile, are not timed."""
import json, os, sys, time
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

half = "bf16" in sys.argv[0]
torch.manual_seed(0)
torch.set_num_threads(int(os.environ["JOBS"]))
config = LlamaConfig(**{k: v for k, v in json.load(open(os.path.join(os.environ["IN"], "config.json"))).items() if k not in ("architectures", "model_type")})
config._attn_implementation = "sdpa"
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(.9, .95), weight_decay=.1, fused=True)
tokens = torch.from_numpy(np.fromfile(os.path.join(os.environ["IN"], "train.bin"), dtype="<u2", offset=1024).astype(np.int64))
B, T = 8, 256
compiled = torch.compile(model)

def step(i):
    x = tokens[i * B * T:(i + 1) * B * T + 1]
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        logits = compiled(x[:-1].view(B, T)).logits
    loss = torch.nn.functional.cross_entropy(logits.float().view(B * T, -1), x[1:])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()

for i in range(2):
    step(i)
start = time.perf_counter()
for i in range(2, 6):
    step(i)
print("bench", 4 * B * T, time.perf_counter() - start)
