# SPDX-License-Identifier: MIT
"""Steps of llm.c's train_gpt2 (github.com/karpathy/llm.c), compiled by the user and named by CRAWL2LM_LLMC, on random weights of
GPT-2 124M and our random tokens, B=4, T=64.  Its own clock around each step; the first two steps are not counted.  It is ended
after twelve steps."""
import os, signal, struct, subprocess, sys
import numpy as np

out = os.environ["OUT"]
L, H, C, V, Vp, T = 12, 12, 768, 50257, 50304, 1024
count = Vp * C + T * C + L * (12 * C * C + 13 * C) + 2 * C
weights = np.random.default_rng(0)
with open(out + "/gpt2_124M.bin", "wb") as f:
    f.write(struct.pack("<256i", 20240326, 3, T, V, L, H, C, Vp, *[0] * 248))
    for at in range(0, count, 1 << 22):
        f.write((0.02 * weights.standard_normal(min(1 << 22, count - at), dtype=np.float32)).tobytes())
data = out + "/dev/data/tinyshakespeare"
os.makedirs(data)
for name in ("train", "val"):
    os.symlink(os.path.join(os.environ["IN"], "gpt2.bin"), f"{data}/tiny_shakespeare_{name}.bin")
# the measuring process counts the peak memory of this one; the child's is its own, so it is waited for by wait4
p = subprocess.Popen([os.environ["CRAWL2LM_LLMC"]], cwd=out, env=dict(os.environ, OMP_NUM_THREADS=os.environ["JOBS"]), stdout=subprocess.PIPE, text=True, bufsize=1)
times = []
for line in p.stdout:
    if line.startswith("step ") and "took" in line:
        times.append(float(line.split("took")[1].split()[0]) / 1000)
        if len(times) == 12:
            p.send_signal(signal.SIGTERM)
            break
_, _, usage = os.wait4(p.pid, 0)
if len(times) < 12:
    sys.exit("llm.c ended early")
print("bench", 10 * 256, sum(times[2:]))
print("memory", usage.ru_maxrss / 1024)
print("with", os.path.basename(os.environ["CRAWL2LM_LLMC"]))
