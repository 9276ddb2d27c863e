# SPDX-License-Identifier: MIT
"""What tests/device/bench.c times, in PyTorch: eager, compiled (torch.compile), and for three ops as Triton kernels.

    peers.py [--compile | --seconds N] [--cpu] SHAPES

SHAPES is the output of `bench --list` (what, shape, type; bf16 rows are taken): both sides get their work from one list.
Standard output is TSV: what, shape, type, peer, ms: the median of 20 calls between events, 256 MiB cleared before each, four times
over, so that the host is always ahead of the GPU.  --compile only compiles, for the cache that torch and Triton keep on disk;
--seconds stops in time, the ops that say most come first.  --cpu: on the CPU, once each and not compiled: that this program works.

Where torch does less than our op it is to its favour: gradients of weights are not added up in fp32, dropout's mask is its own."""
import sys
import time

import torch
import torch._dynamo
import torch._functorch.config
import torch.nn.functional as F

arguments = sys.argv[1:]
only_compile, cpu = "--compile" in arguments, "--cpu" in arguments
seconds = float(arguments[arguments.index("--seconds") + 1]) if "--seconds" in arguments else 1e9
began = time.perf_counter()
device = torch.device("cpu" if cpu else "cuda")
torch.manual_seed(1)
torch._functorch.config.donated_buffer = False  # backward passes are timed again and again


def numbers(*shape, dtype=torch.bfloat16, grad=False):
    return (torch.rand(shape, device=device) * 2 - 1).to(dtype).requires_grad_(grad)


def ids(n, below):
    return torch.randint(below, (n,), device=device)


def compiled(f):
    return torch.compile(f, dynamic=False)


def both(f, *inputs):
    """f eager and compiled."""
    def run(g):
        def call():
            with torch.no_grad():
                return g(*inputs)
        return call
    return [("torch", run(f))] + ([] if cpu else [("torch.compile", run(compiled(f)))])


def gradients(f, *inputs):
    """The backward pass of f alone, eager and compiled."""
    found = []
    for name, g in [("torch", f)] + ([] if cpu else [("torch.compile", compiled(f))]):
        def prepare(g=g):
            out = g(*inputs)
            dy, of = torch.rand_like(out), [x for x in inputs if x.requires_grad]
            return lambda: torch.autograd.grad(out, of, dy, retain_graph=True)
        found.append((name, prepare))
    return [(name, Later(p)) for name, p in found]


class Later:
    """A call that is prepared (its forward pass run, compiled) when it is first made."""

    def __init__(self, prepare):
        self.prepare, self.call = prepare, None

    def __call__(self):
        if not self.call:
            self.call = self.prepare()
        return self.call()


# ---- Triton

try:
    import triton
    import triton.language as tl

    @triton.jit
    def rmsnorm_kernel(y, x, weight, C, BLOCK: tl.constexpr):
        row, c = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
        inside = c < C
        v = tl.load(x + row * C + c, inside, 0.0).to(tl.float32)
        r = tl.rsqrt(tl.sum(v * v) / C + 1e-5)
        tl.store(y + row * C + c, v * r * tl.load(weight + c, inside, 0.0), inside)

    @triton.jit
    def silu_up_kernel(y, gate_up, F_, BLOCK: tl.constexpr):
        row, c = tl.program_id(0).to(tl.int64), tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        inside = c < F_
        g = tl.load(gate_up + row * 2 * F_ + c, inside, 0.0).to(tl.float32)
        u = tl.load(gate_up + row * 2 * F_ + F_ + c, inside, 0.0).to(tl.float32)
        tl.store(y + row * F_ + c, g * tl.sigmoid(g) * u, inside)

    @triton.jit
    def add_kernel(y, a, b, n, BLOCK: tl.constexpr):
        i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
        inside = i < n
        tl.store(y + i, tl.load(a + i, inside, 0.0) + tl.load(b + i, inside, 0.0), inside)
except ImportError:
    triton = None


def in_triton(name, launch):
    return [] if cpu or not triton else [(name, launch)]


def power(n):
    return 1 << (n - 1).bit_length()


# ---- the ops: of the sizes in `shape`, [(peer, call)]

def rms(x, w):
    return F.rms_norm(x, (x.shape[-1],), w.to(x.dtype), 1e-5)


def rmsnorm_forward(rows, C):
    x, w, y = numbers(rows, C), numbers(C, dtype=torch.float32), numbers(rows, C)
    return both(rms, x, w) + in_triton("Triton", lambda: rmsnorm_kernel[(rows,)](y, x, w, C, BLOCK=power(C), num_warps=4))


def rmsnorm_backward(rows, C):
    return gradients(rms, numbers(rows, C, grad=True), numbers(C, dtype=torch.float32, grad=True))


def add_rmsnorm(rows, C):
    def f(a, x, w):
        s = a + x
        return s, rms(s, w)
    return both(f, numbers(rows, C), numbers(rows, C), numbers(C, dtype=torch.float32))


def layer(x, w, b):
    return F.layer_norm(x, (x.shape[-1],), w.to(x.dtype), b.to(x.dtype))


def layernorm_forward(rows, C):
    return both(layer, numbers(rows, C), numbers(C, dtype=torch.float32), numbers(C, dtype=torch.float32))


def layernorm_backward(rows, C):
    return gradients(layer, numbers(rows, C, grad=True), numbers(C, dtype=torch.float32, grad=True), numbers(C, dtype=torch.float32, grad=True))


def rope(rows, T, heads, D):
    def f(x, cosine, sine):
        a, b = x.float().chunk(2, -1)
        return torch.cat((a * cosine - b * sine, b * cosine + a * sine), -1).to(x.dtype)
    return both(f, numbers(rows // T, T, heads, D), numbers(T, 1, D // 2, dtype=torch.float32), numbers(T, 1, D // 2, dtype=torch.float32))


def silu_up(x):
    gate, up = x.chunk(2, -1)
    return F.silu(gate) * up


def silu_forward(rows, F_):
    x, y = numbers(rows, 2 * F_), numbers(rows, F_)
    return both(silu_up, x) + in_triton("Triton", lambda: silu_up_kernel[(rows, triton.cdiv(F_, 2048))](y, x, F_, BLOCK=2048, num_warps=4))


def linear(rows, out, **sizes):
    x, w = numbers(rows, sizes["in"]), numbers(out, sizes["in"])
    return [("torch", lambda: F.linear(x, w))]


def linear_backward_input(rows, out, **sizes):
    dy, w = numbers(rows, out), numbers(out, sizes["in"])
    return [("torch", lambda: dy @ w)]


def linear_backward_weight(rows, out, **sizes):
    dy, x = numbers(rows, out), numbers(rows, sizes["in"])
    return [("torch", lambda: dy.t() @ x)]


def linear_backward(rows, out, **sizes):
    dy, x, w = numbers(rows, out), numbers(rows, sizes["in"]), numbers(out, sizes["in"])
    return [("torch", lambda: (dy @ w, dy.t() @ x))]


def matmul_batched(count, M, N, K):
    a, b = numbers(count, M, K), numbers(count, K, N)
    return [("torch", lambda: torch.bmm(a, b))]


def linear_backward_weight_bias(rows, out, **sizes):
    dy, x = numbers(rows, out), numbers(rows, sizes["in"])
    return [("torch", lambda: (dy.t() @ x, dy.sum(0)))]


def losses(logits, targets):
    return F.cross_entropy(logits.float(), targets, reduction="none")


def cross_entropy(rows, V):
    return both(losses, numbers(rows, V), ids(rows, V))


def cross_entropy_with_gradient(rows, V):
    logits, targets = numbers(rows, V, grad=True), ids(rows, V)

    def run(f):
        def call():
            loss = f(logits, targets)
            return loss, torch.autograd.grad(loss.sum(), logits)
        return call
    return [("torch", run(losses))] + ([] if cpu else [("torch.compile", run(compiled(losses)))])


def top_logits(rows, V, k):
    return both(lambda x: (torch.topk(x, k), torch.logsumexp(x.float(), -1)), numbers(rows, V))


def embedding_forward(rows, C, V):
    table, i = numbers(V, C), ids(rows, V)
    return both(lambda t, i: F.embedding(i, t), table, i)


def embedding_backward(rows, C, V):
    dy, i = numbers(rows, C), ids(rows, V)
    return [("torch", lambda: torch.ops.aten.embedding_dense_backward(dy, i, V, -1, False))]


def sdpa(q, k, v):
    return F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True, enable_gqa=q.shape[2] != k.shape[2]).transpose(1, 2)


def attention(B, T, H, H_kv, D, grad=False):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    q, k, v = numbers(B, T, H, D, grad=grad), numbers(B, T, H_kv, D, grad=grad), numbers(B, T, H_kv, D, grad=grad)
    found = []
    for name, kind in [("torch", SDPBackend.MATH)] if cpu else [("torch flash attention", SDPBackend.FLASH_ATTENTION), ("torch cuDNN attention", SDPBackend.CUDNN_ATTENTION)]:
        def prepare(kind=kind):
            def forward():
                with sdpa_kernel(kind):
                    return sdpa(q, k, v)
            if not grad:
                return lambda: forward()
            out = forward()
            dy = torch.rand_like(out)
            return lambda: torch.autograd.grad(out, (q, k, v), dy, retain_graph=True)
        found.append((name, Later(prepare)))
    return found


def attention_forward(**sizes):
    return [(name, without_gradient(call)) for name, call in attention(**sizes)]


def without_gradient(call):
    def f():
        with torch.no_grad():
            return call()
    return f


def attention_backward(**sizes):
    return attention(**sizes, grad=True)


def attention_cached(B, T, H, H_kv, D):
    q, k, v = numbers(B, H, 1, D), numbers(B, H_kv, T, D), numbers(B, H_kv, T, D)
    return [("torch", lambda: F.scaled_dot_product_attention(q, k, v, enable_gqa=H != H_kv))]


def add(rows, C):
    a, b, y = numbers(rows, C), numbers(rows, C), numbers(rows, C)
    return both(lambda a, b: a + b, a, b) + in_triton("Triton", lambda: add_kernel[(triton.cdiv(rows * C, 4096),)](y, a, b, rows * C, BLOCK=4096, num_warps=8))


def multiply_backward(rows, C):
    return both(lambda dy, a, b: (dy * b, dy * a), numbers(rows, C), numbers(rows, C), numbers(rows, C))


def copied(rows, C):
    x, y = numbers(rows, C), numbers(rows, C)
    return [("torch", lambda: y.copy_(x))]


def copy(bytes):
    x, y = (torch.zeros(bytes // 4, device=device) for _ in range(2))
    return [("torch", lambda: y.copy_(x))]


def zero(bytes):
    x = torch.zeros(bytes // 4, device=device)
    return [("torch", lambda: x.zero_())]


def gather_rows(rows, top, C):
    x, i = numbers(rows, C), ids(rows * top, rows)
    return both(lambda x, i: x[i], x, i)


def adamw(n):
    p = numbers(n, dtype=torch.float32, grad=True)
    p.grad = numbers(n, dtype=torch.float32)
    o = torch.optim.AdamW([p], lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, **({} if cpu else {"fused": True}))
    return [("torch fused", lambda: o.step())]


def sum_squares(n):
    x = numbers(n, dtype=torch.float32)
    return both(lambda x: (x * x).sum(), x)


def long_convolution_forward(B, T, C):
    def f(x, h, skip):
        y = torch.fft.irfft(torch.fft.rfft(x.float(), 2 * T, 1) * torch.fft.rfft(h.float(), 2 * T, 0), 2 * T, 1)[:, :T]
        return (y + x * skip).to(x.dtype)
    return both(f, numbers(B, T, C), numbers(T, C), numbers(C, dtype=torch.float32))[:1]


def of(f):
    """An op of rows x C, or F, and its gradient."""
    return lambda rows, **n: both(f, numbers(rows, *n.values())), lambda rows, **n: gradients(f, numbers(rows, *n.values(), grad=True))


gelu_forward, gelu_backward = of(F.gelu)

# those that say most first
PEERS = {
    "attention_forward": attention_forward, "attention_backward": attention_backward, "rmsnorm_forward": rmsnorm_forward, "rmsnorm_backward": rmsnorm_backward,
    "activation_forward silu x up": silu_forward, "activation_backward silu x up": lambda rows, F: gradients(silu_up, numbers(rows, 2 * F, grad=True)),
    "cross_entropy with gradient": cross_entropy_with_gradient, "adamw": adamw, "add_rmsnorm": add_rmsnorm, "rope": rope, "embedding_backward": embedding_backward,
    "linear_forward qkv": linear, "linear_forward out": linear, "linear_forward gate+up": linear, "linear_forward down": linear, "linear_forward logits": linear,
    "linear_backward_input qkv": linear_backward_input, "linear_backward_input out": linear_backward_input, "linear_backward_input gate+up": linear_backward_input, "linear_backward_input down": linear_backward_input,
    "linear_backward_weight qkv": linear_backward_weight, "linear_backward_weight out": linear_backward_weight, "linear_backward_weight gate+up": linear_backward_weight,
    "linear_backward_weight down": linear_backward_weight, "linear_backward_weight with bias": linear_backward_weight_bias,
    "linear_backward qkv": linear_backward, "linear_backward out": linear_backward, "linear_backward gate+up": linear_backward, "linear_backward down": linear_backward,
    "linear_forward of few rows": linear, "attention_cached": attention_cached, "matmul_batched": matmul_batched, "top_logits": top_logits, "embedding_forward": embedding_forward,
    "layernorm_forward": layernorm_forward, "layernorm_backward": layernorm_backward, "add": add, "multiply": lambda rows, C: both(lambda a, b: a * b, numbers(rows, C), numbers(rows, C)),
    "multiply_backward": multiply_backward, "dropout": lambda rows, C: both(lambda x: F.dropout(x, 0.1), numbers(rows, C)), "scale": lambda rows, C: both(lambda x: x * 0.999, numbers(rows, C)),
    "narrow": lambda rows, C: both(lambda x: x.to(torch.bfloat16), numbers(rows, C, dtype=torch.float32)), "copy_rows": copied, "copy": copy, "zero": zero, "sum_squares": sum_squares,
    "activation_forward gelu": gelu_forward, "activation_backward gelu": gelu_backward, "cross_entropy": cross_entropy,
    "rmsnorm_forward of heads": rmsnorm_forward, "rmsnorm_backward of heads": rmsnorm_backward, "gather_rows": gather_rows, "long_convolution_forward": long_convolution_forward,
}


def milliseconds(call, flush):
    if cpu:
        start = time.perf_counter()
        call()
        return 1e3 * (time.perf_counter() - start)
    for _ in range(2):
        call()
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(20)]
    for a, b in marks:
        for _ in range(4):
            flush.zero_()
        a.record()
        call()
        b.record()
    torch.cuda.synchronize()
    return sorted(a.elapsed_time(b) for a, b in marks)[10]


def main():
    flush = torch.empty(1 if cpu else 64 << 20, device=device)
    rows = {tuple(line.rstrip("\n").split("\t")[:3]) for line in open(arguments[-1])}
    order = {what: i for i, what in enumerate(PEERS)}
    todo = sorted((r for r in rows if r[0] in PEERS and r[2] == "bf16"), key=lambda r: (order[r[0]], r[1]))
    if not todo:
        sys.exit(f"peers.py: {arguments[-1]}: no op that is known here")
    failed = 0
    print("what\tshape\ttype\tpeer\tms")
    for what, shape, kind in todo:
        sizes = {name: int(n) for name, n in (word.split("=") for word in shape.split())}
        if what.startswith(("activation_forward silu", )):
            sizes["F_"] = sizes.pop("F")
        if not cpu:
            torch._dynamo.reset()  # or what has met many shapes is no longer compiled
        try:
            calls = PEERS[what](**sizes)
        except Exception as e:  # what this torch lacks is a missing row
            print(f"{what}: {e}", file=sys.stderr)
            failed += 1
            continue
        for peer, call in calls:
            if time.perf_counter() - began > seconds:
                print("the time is up", file=sys.stderr)
                return 0
            try:
                if only_compile:
                    if "compile" in peer or peer == "Triton":
                        call()
                else:
                    print(f"{what}\t{shape}\t{kind}\t{peer}\t{milliseconds(call, flush):.5g}", flush=True)
            except Exception as e:
                print(f"{what}, {peer}: {str(e).splitlines()[0] if str(e) else type(e).__name__}", file=sys.stderr)
                failed += 1
    return 1 if cpu and failed else 0


sys.exit(main())
