# SPDX-License-Identifier: MIT
"""Steps of CASE in torch: transformers' model and cross-entropy compiled together, fused AdamW, clipping, the same batch and data
as ours; bf16 is autocast.  The argument is torch.compile's mode.  The first two steps, which compile, are not timed."""
import json, os, sys, time
import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

case, mode = os.environ["CASE"], sys.argv[1]
gpt2, half = "-gpt2-" in case, case.endswith("bf16")
torch.manual_seed(0)
torch.set_num_threads(int(os.environ["JOBS"]))
if gpt2:
    B, T, steps, V = 4, 64, 10, 50257
    model = GPT2LMHeadModel._from_config(GPT2Config(resid_pdrop=0, embd_pdrop=0, attn_pdrop=0), attn_implementation="sdpa")
else:
    B, T, steps, V = 32, 256, 3, 16384
    keys = {k: v for k, v in json.load(open(os.path.join(os.environ["IN"], "config.json"))).items() if k not in ("architectures", "model_type")}
    model = LlamaForCausalLM._from_config(LlamaConfig(**keys), attn_implementation="sdpa")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(.9, .95), weight_decay=.1, fused=True)
tokens = torch.from_numpy(np.fromfile(os.path.join(os.environ["IN"], "gpt2.bin" if gpt2 else "llama.bin"), dtype="<u2", offset=1024).astype(np.int64))


def forward(x, y):
    return torch.nn.functional.cross_entropy(model(x, use_cache=False).logits.float().view(-1, V), y)


compiled = torch.compile(forward, mode=mode)


def step(i):
    x = tokens[i * B * T:(i + 1) * B * T + 1]
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        loss = compiled(x[:-1].view(B, T), x[1:])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


for i in range(2):
    step(i)
start = time.perf_counter()
for i in range(2, 2 + steps):
    step(i)
print("bench", steps * B * T, time.perf_counter() - start)
blas = [w.split("=")[1] for w in torch.__config__.show().replace(",", " ").split() if w.startswith("BLAS_INFO=")]
print(f"with torch {torch.__version__} {mode}, BLAS {' '.join(blas) or 'unknown'}, oneDNN {torch.backends.mkldnn.is_available()}, {torch.get_num_threads()} threads")
