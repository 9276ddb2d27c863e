#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/model/optimizers.safetensors: small matrices after each step of torch's AdamW and Muon and of pytorch_optimizer's SOAP.

    optimizers.py tests/data/model/optimizers.safetensors

Made with torch 2.15, pytorch_optimizer 4.1.0. For each shape in {tall, wide, square}: SHAPE.W0, SHAPE.G [steps, rows, columns] and, after step k,
  SHAPE.adamw [steps, ...]      torch.optim.AdamW, float64
  SHAPE.muon [steps, ...]       torch.optim.Muon as it is: Newton-Schulz in bfloat16
  SHAPE.muon64 [steps, ...]     the same code with Newton-Schulz in float64
  SHAPE.muon_match [steps, ...] the same, adjust_lr_fn="match_rms_adamw", no Nesterov
  SHAPE.soap1, .soap3, .soapn   pytorch_optimizer.SOAP, float32, bases changed every step, every 3 steps; every 2 with normalize_gradient
  SHAPE.soap1.left, .right ...  the bases after step 1, an eigenvector in each column: those of the null space are LAPACK's choice
  shared.left, .right           those of pytorch_optimizer for the first gradient of the development data's oracle/lm/optimizers.safetensors
tests/kernels/{optimizer,muon,soap}_test.c compare."""
import inspect, sys, textwrap
import pytorch_optimizer, torch, torch.optim._muon as muon
from safetensors.torch import save_file

torch.set_num_threads(1)
torch.manual_seed(5)
source = textwrap.dedent(inspect.getsource(muon._zeropower_via_newtonschulz))
assert "torch.bfloat16" in source
scope = dict(vars(muon))
exec(source.replace("torch.bfloat16", "torch.float64"), scope)
exact, rounded = scope["_zeropower_via_newtonschulz"], muon._zeropower_via_newtonschulz

out = {}
for shape, (rows, columns) in dict(tall=(24, 16), wide=(16, 24), square=(20, 20)).items():
    W, G = torch.randn(rows, columns) * 0.1, torch.randn(5, rows, columns)

    def run(name, make, dtype):
        p = torch.nn.Parameter(W.clone().to(dtype))
        o, after = make([p]), []
        for k in range(len(G)):
            p.grad = G[k].clone().to(dtype)
            o.step()
            after.append(p.detach().clone().float())
            if "soap" in name and k == 0:
                out[f"{shape}.{name}.left"], out[f"{shape}.{name}.right"] = (q.clone().contiguous() for q in o.state[p]["Q"])
        out[f"{shape}.{name}"] = torch.stack(after)

    out[f"{shape}.W0"], out[f"{shape}.G"] = W, G
    run("adamw", lambda p: torch.optim.AdamW(p, lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1), torch.float64)
    run("muon", lambda p: torch.optim.Muon(p, lr=2e-2, momentum=0.95, weight_decay=0.1), torch.float32)
    muon._zeropower_via_newtonschulz = exact
    run("muon64", lambda p: torch.optim.Muon(p, lr=2e-2, momentum=0.95, weight_decay=0.1), torch.float64)
    run("muon_match", lambda p: torch.optim.Muon(p, lr=2e-2, momentum=0.9, weight_decay=0.1, nesterov=False, adjust_lr_fn="match_rms_adamw"), torch.float64)
    muon._zeropower_via_newtonschulz = rounded
    soap = dict(lr=1e-2, betas=(0.95, 0.9), weight_decay=0.01)
    run("soap1", lambda p: pytorch_optimizer.SOAP(p, precondition_frequency=1, **soap), torch.float32)
    run("soap3", lambda p: pytorch_optimizer.SOAP(p, precondition_frequency=3, shampoo_beta=0.8, **soap), torch.float32)
    run("soapn", lambda p: pytorch_optimizer.SOAP(p, precondition_frequency=2, normalize_gradient=True, **soap), torch.float32)

torch.manual_seed(3)
p = torch.nn.Parameter(torch.randn(48, 32) * 0.1)
p.grad = torch.randn(5, 48, 32)[0].clone()
o = pytorch_optimizer.SOAP([p], lr=1e-2, betas=(0.95, 0.95), weight_decay=0.01, precondition_frequency=1)
o.step()
out["shared.left"], out["shared.right"] = (q.clone().contiguous() for q in o.state[p]["Q"])
save_file(out, sys.argv[1])
