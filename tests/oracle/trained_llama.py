#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/model/trained-llama: a checkpoint that lm-train writes, and what transformers computes from it.

    trained_llama.py build/bin tests/data/model/trained-llama

Needs torch, transformers (made with 5.23) and safetensors. tests/unit/common/model/trained_llama_test.c compares."""
import json, os, random, shutil, struct, subprocess, sys, tempfile
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

programs, out = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
V, T = 97, 48
config = dict(architectures=["LlamaForCausalLM"], model_type="llama", vocab_size=V, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
              num_attention_heads=3, num_key_value_heads=1, head_dim=8, hidden_act="silu", max_position_embeddings=64, rms_norm_eps=1e-5,
              rope_theta=5000.0, tie_word_embeddings=False)
with tempfile.TemporaryDirectory() as d:
    rnd = random.Random(1)
    ids, b = [], 7
    for _ in range(20000):  # a noisy recurrence, so that there is something to learn
        b = rnd.randrange(V) if rnd.random() < 0.1 else (b * 5 + 3) % V
        ids.append(b)
    header = [20240520, 1, len(ids), 0x6332, len(ids), 0, V, 0] + [0] * 248
    with open(d + "/ids.bin", "wb") as f:
        f.write(struct.pack("<256i", *header) + struct.pack(f"<{len(ids)}H", *ids))
    with open(d + "/config.json", "w") as f:
        json.dump(config, f)
    subprocess.run([programs + "/lm-train", "-c", d + "/config.json", "-d", d + "/ids.bin", "-o", d + "/m", "--steps", "300", "--batch", "8", "--seq", str(T), "--lr", "2e-2", "--seed", "4"], check=True)
    model = AutoModelForCausalLM.from_pretrained(d + "/m", dtype=torch.float32).eval()
    window = torch.tensor([ids[100:100 + T], ids[5000:5000 + T]])
    with torch.no_grad():
        logits = model.double()(input_ids=window).logits
        loss = model(input_ids=window, labels=window).loss
        model.generation_config.eos_token_id = None
        greedy = model.generate(window[:1, :8], attention_mask=torch.ones(1, 8, dtype=torch.long), max_new_tokens=24, do_sample=False, pad_token_id=0)
    print("loss", loss.item())
    os.makedirs(out, exist_ok=True)
    for name in ("config.json", "generation_config.json", "model.safetensors"):
        shutil.copyfile(d + "/m/" + name, out + "/" + name)
    save_file(dict(input_ids=window.int(), logits=logits.float().contiguous(), loss=loss.float().view(1), greedy=greedy.int()), out + "/expected.safetensors")
