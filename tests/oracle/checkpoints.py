#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/data/model/NAME: tiny random checkpoints of the architectures that lm-train reads and writes, each with what
transformers computes from it.

    checkpoints.py tests/data/model [NAME ...]

config.json and model.safetensors are what save_pretrained() writes, in fp32.  reference.safetensors holds

    input_ids [B][T]     logits [B][T][V]     loss [1] (mean over the B (T-1) predictions)     grad_norm [1]
    grad.NAME            gradient of that loss, under the name and in the layout of the tensor in model.safetensors
    greedy [1][24]       the first 8 ids of row 0 and their greedy continuation

computed in double precision (with eager attention and the experts one by one; transformers' own casts to fp32 are made casts
to fp64), then rounded to fp32.  Weights, norms and biases are far from their usual initial values, so that every term shows.
The choices of experts and of greedy tokens are checked to be clear, so that fp32 makes the same ones.

Made with torch 2.15.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 and Python 3.11.7 on x86-64.
tests/unit/common/model/fixtures_test.c compares."""
import os, shutil, sys, tempfile
import torch, transformers
from safetensors.torch import load_file, save_file
from torch.overrides import TorchFunctionMode
from transformers import (AutoModelForCausalLM, DeepseekV2Config, DeepseekV2ForCausalLM, DeepseekV3Config, DeepseekV3ForCausalLM,
                          GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM,
                          MixtralConfig, MixtralForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

V, B = 48, 2
EXPERT_MARGIN, GREEDY_MARGIN = 2e-4, 1e-3
ids_of_specials = dict(bos_token_id=0, eos_token_id=1)
rope = lambda theta: {"rope_type": "default", "rope_theta": theta}
common = dict(vocab_size=V, hidden_size=24, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              max_position_embeddings=64, rope_parameters=rope(10000.0), **ids_of_specials)
small = {**common, "hidden_size": 16, "intermediate_size": 20}
mla = dict(small, num_attention_heads=2, num_key_value_heads=2, kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=6,
           moe_intermediate_size=8, n_routed_experts=8, n_shared_experts=2, first_k_dense_replace=1, tie_word_embeddings=False)
llama3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}
yarn = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "mscale": 1.0, "mscale_all_dim": 0.7, "beta_fast": 4, "beta_slow": 1, "original_max_position_embeddings": 16}

models = {  # name: (class, config, T)
    "qwen2": (Qwen2ForCausalLM, lambda: Qwen2Config(**common, tie_word_embeddings=True, rms_norm_eps=1e-6), 20),
    "qwen3": (Qwen3ForCausalLM, lambda: Qwen3Config(**common, head_dim=10, tie_word_embeddings=True, rms_norm_eps=1e-6), 20),
    "gpt2": (GPT2LMHeadModel, lambda: GPT2Config(vocab_size=V, n_embd=20, n_layer=2, n_head=2, n_positions=32, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, **ids_of_specials), 24),
    "mixtral": (MixtralForCausalLM, lambda: MixtralConfig(**small, num_local_experts=4, num_experts_per_tok=2, tie_word_embeddings=False), 20),
    "deepseek-v2-lite": (DeepseekV2ForCausalLM, lambda: DeepseekV2Config(**mla, q_lora_rank=None, topk_method="greedy", num_experts_per_tok=3, routed_scaling_factor=1.0), 20),
    "deepseek-v2": (DeepseekV2ForCausalLM, lambda: DeepseekV2Config(**mla, q_lora_rank=10, topk_method="group_limited_greedy", n_group=4, topk_group=2, num_experts_per_tok=3, routed_scaling_factor=1.5), 20),
    "deepseek-v2-yarn": (DeepseekV2ForCausalLM, lambda: DeepseekV2Config(**{**mla, "rope_parameters": yarn}, q_lora_rank=None, topk_method="greedy", num_experts_per_tok=2), 24),
    "deepseek-v3": (DeepseekV3ForCausalLM, lambda: DeepseekV3Config(**{**mla, "n_shared_experts": 1}, q_lora_rank=10, n_group=4, topk_group=2, num_experts_per_tok=3, routed_scaling_factor=2.5, norm_topk_prob=True, num_mtp_layers=0), 20),
    "llama3-rope": (LlamaForCausalLM, lambda: LlamaConfig(**{**common, "rope_parameters": llama3}, tie_word_embeddings=False, rms_norm_eps=1e-5), 24),
    "mistral-window": (MistralForCausalLM, lambda: MistralConfig(**common, sliding_window=5, tie_word_embeddings=False, rms_norm_eps=1e-5), 24),
}


class Double(TorchFunctionMode):
    """Turns every cast to fp32 into one to fp64."""
    def __torch_function__(self, f, types, args=(), kwargs=None):
        wide = lambda a: torch.float64 if a is torch.float32 or a is torch.float else a
        if f is torch.Tensor.float:
            return args[0].double()
        return f(*[wide(a) for a in args], **{k: wide(v) for k, v in (kwargs or {}).items()})


def margin(scores, k):
    """The smallest distance between the k-th and the next score of a row."""
    top = scores.topk(k + 1, dim=-1).values
    return (top[..., k - 1] - top[..., k]).min().item()


def watch_routers(model, margins):
    """Appends to `margins` how clear each choice of experts (and of groups of experts) was."""
    def hook(module, inputs, output):
        c = model.config
        logits = output[0] if isinstance(output, tuple) else output
        if c.model_type == "deepseek_v3":
            scores, top = logits.sigmoid() + module.e_score_correction_bias.double(), c.num_experts_per_tok
        else:
            scores, top = logits.softmax(-1), c.num_experts_per_tok
        groups = getattr(c, "n_group", None) if c.model_type == "deepseek_v3" or getattr(c, "topk_method", "") == "group_limited_greedy" else None
        if groups:
            by_group = scores.view(scores.shape[0], groups, -1)
            group = by_group.topk(2, dim=-1).values.sum(-1) if c.model_type == "deepseek_v3" else by_group.max(-1).values
            margins.append(margin(group, c.topk_group))
            chosen = torch.zeros_like(group).scatter_(1, group.topk(c.topk_group, dim=-1).indices, 1).bool()
            scores = torch.where(chosen[:, :, None], by_group, -1).flatten(1)
        margins.append(margin(scores, top))
    for name, module in model.named_modules():
        if name.endswith("mlp.gate") or type(module).__name__.endswith("Router"):
            module.register_forward_hook(hook)


def clear(folder):
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))


def make(out, name, seed):
    """Writes the folder; false if a choice in it is not clear."""
    cls, config, T = models[name]
    torch.manual_seed(seed)
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    clear(folder)
    model = cls(config()).float().eval()
    with torch.no_grad():
        for n, p in list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if n.endswith("e_score_correction_bias")]:
            p.add_(torch.randn_like(p) * (0.15 if p.dim() > 1 else 0.2 if "norm" in n or "ln_" in n else 0.1))
            if "gate.weight" in n or "router" in n:
                p.mul_(3)
    model.save_pretrained(folder)
    os.remove(os.path.join(folder, "generation_config.json"))

    ids = torch.randint(0, V, (B, T))
    with Double():
        wide = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager", **({"experts_implementation": "eager"} if "expert" in str(model.config) else {})).eval()
        for module in wide.modules():  # fp64 frequencies too: from_pretrained() makes them in fp32
            if hasattr(module, "inv_freq"):
                kind = wide.config.rope_parameters["rope_type"]
                from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
                frequencies, module.attention_scaling = (module.compute_default_rope_parameters if kind == "default" else ROPE_INIT_FUNCTIONS[kind])(wide.config)
                module.inv_freq = frequencies.double()
        assert all(p.dtype == torch.float64 for p in wide.parameters())
        margins = []
        watch_routers(wide, margins)
        result = wide(input_ids=ids, labels=ids, use_cache=False)
        result.loss.backward()
        greedy, gaps = ids[:1, :8], []
        with torch.no_grad():
            while greedy.shape[1] < 24:
                last = wide(input_ids=greedy, use_cache=False).logits[:, -1]
                gaps.append(margin(last, 1))
                greedy = torch.cat([greedy, last.argmax(-1, keepdim=True)], 1)
    assert result.logits.dtype == torch.float64
    if min(margins, default=1) < EXPERT_MARGIN or min(gaps) < GREEDY_MARGIN:
        return False
    squares = sum((p.grad ** 2).sum() for p in wide.parameters())
    reference = dict(input_ids=ids.int(), logits=result.logits.detach().float().contiguous(), loss=result.loss.detach().float().view(1),
                     grad_norm=squares.sqrt().float().view(1), greedy=greedy.int())

    # the gradients take the way of the weights to disk, so that names and layouts are the same
    with torch.no_grad(), tempfile.TemporaryDirectory() as d:
        for p in wide.parameters():
            p.copy_(p.grad)
        wide.save_pretrained(d)
        gradients = load_file(d + "/model.safetensors")
    weights = load_file(folder + "/model.safetensors")
    assert gradients.keys() == weights.keys(), set(gradients) ^ set(weights)
    for n, g in gradients.items():
        assert g.shape == weights[n].shape and weights[n].dtype == torch.float32
        if not n.endswith("e_score_correction_bias"):  # no gradient leads there
            if g.abs().max() == 0:  # an expert that no token chose
                return False
            reference["grad." + n] = g.float().contiguous()
    save_file(reference, folder + "/reference.safetensors")

    narrow = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        difference = (narrow(input_ids=ids).logits - reference["logits"]).abs().max().item()
        narrow.generation_config.eos_token_id = None
        again = narrow.generate(ids[:1, :8], attention_mask=torch.ones(1, 8, dtype=torch.long), max_new_tokens=16, do_sample=False, pad_token_id=0)
    assert again.tolist() == greedy.tolist(), "transformers' own cache gives another continuation"
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    print(f"{name}: seed {seed} loss {reference['loss'].item():.4f} |g| {reference['grad_norm'].item():.3f} experts' margin {min(margins, default=1):.1e} "
          f"greedy margin {min(gaps):.1e} fp32 differs by {difference:.1e} {size} bytes", flush=True)
    return True


if __name__ == "__main__":
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for name in sys.argv[2:] or models:
        if not any(make(sys.argv[1], name, seed) for seed in range(1, 40)):
            sys.exit(f"{name}: no seed makes clear choices")
