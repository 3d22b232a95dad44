"""Writes reference.json: what transformers and peft say of small random models.

    python reference.py > reference.json

Needs torch, transformers and peft (the versions stand in the output). Nothing is
downloaded: the models are built from the configurations below.
"""
import json
import os
import re
import sys
import tempfile
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from peft.utils.save_and_load import get_peft_model_state_dict
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.pytorch_utils import Conv1D

SMALL = dict(vocab_size=96, hidden_size=64, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GPT2 = dict(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=1)


def small(**changes):
    return {**SMALL, **changes}


def rope(kind, **fields):
    return {"rope_type": kind, "rope_theta": 10000.0, **fields}


CASES = [
    ("gpt2", "gpt2", GPT2),
    ("gpt2-inner-untied", "gpt2", {**GPT2, "n_inner": 48, "tie_word_embeddings": False, "activation_function": "gelu"}),
    ("llama", "llama", small()),
    ("llama-heads-tied", "llama", small(num_key_value_heads=4, tie_word_embeddings=True)),
    ("llama-biases", "llama", small(attention_bias=True, mlp_bias=True, head_dim=32)),
    ("llama-rope-linear", "llama", small(rope_parameters=rope("linear", factor=4.0))),
    ("llama-rope-dynamic", "llama", small(rope_parameters=rope("dynamic", factor=2.0))),
    ("llama-rope-llama3", "llama", small(head_dim=64, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192})),
    ("llama-rope-yarn", "llama", small(head_dim=64, rope_parameters=rope(
        "yarn", factor=4.0, original_max_position_embeddings=64))),
    ("llama-rope-yarn-mscale", "llama", small(head_dim=64, rope_parameters=rope(
        "yarn", factor=40.0, original_max_position_embeddings=4096, beta_fast=16, beta_slow=2, mscale=1.0,
        mscale_all_dim=0.8, truncate=False))),
    ("mistral", "mistral", small(sliding_window=None)),
    ("mistral-window", "mistral", small(sliding_window=32)),
    ("qwen2", "qwen2", small(tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    ("qwen2-window", "qwen2", small(use_sliding_window=True, sliding_window=32, max_window_layers=1)),
    ("qwen3", "qwen3", small(head_dim=32)),
    ("qwen3-bias", "qwen3", small(head_dim=32, attention_bias=True, tie_word_embeddings=True)),
    ("gemma3", "gemma3_text", small(num_hidden_layers=7, head_dim=32, query_pre_attn_scalar=24, sliding_window=32)),
]

LORA = [
    dict(r=4, target_modules="all-linear"),
    dict(r=4, target_modules=None),
    dict(r=2, target_modules=["q_proj", "v_proj"]),
    dict(r=2, target_modules=["c_proj"]),
    dict(r=2, target_modules=r".*\.1\..*(q_proj|c_attn)"),
    dict(r=2, target_modules="all-linear", use_dora=True),
    dict(r=2, target_modules=["mlp.c_proj", "mlp.down_proj"], use_rslora=True),
    dict(r=2, target_modules=None, modules_to_save=["lm_head"]),
    dict(r=2, target_modules="all-linear", modules_to_save=["embed_tokens", "wte", "lm_head"], use_dora=True),
    dict(r=2, target_modules=["c_attn"], modules_to_save=["wpe"]),
]


def lora(model_type, config, settings):
    model = AutoModelForCausalLM.from_config(config)
    wanted = settings["target_modules"]
    if isinstance(wanted, list):
        wanted = [w for w in wanted if any(n == w or n.endswith("." + w) for n, _ in model.named_modules())]
        if not wanted:
            return None
    settings = {**settings, "target_modules": wanted}
    if "modules_to_save" in settings:
        settings["modules_to_save"] = [w for w in settings["modules_to_save"] if any(n.endswith("." + w) or n == w for n, _ in model.named_modules())]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        wrapped = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", lora_alpha=8, **settings))
    trainable, total = wrapped.get_nb_trainable_parameters()
    state = get_peft_model_state_dict(wrapped)
    saved = json.loads(json.dumps(wrapped.peft_config["default"].to_dict(), default=sorted))
    if isinstance(settings["target_modules"], list):
        settings["target_modules"].sort()
    return {**settings, "adapter_config": saved if config.name_or_path == "keep" else None, "trainable": trainable, "total": total,
            "warns_of_ties": any("tie_word_embeddings" in str(w.message) for w in told),
            "tensors": [[name, list(t.shape)] for name, t in sorted(state.items()) if not re.search(r"\.(layers|h)\.[1-9]", name)]}


def frequencies(model, config):
    """Inverse frequencies and factor of each layer's kind."""
    rotary = getattr(model.model, "rotary_emb", None) if hasattr(model, "model") else None
    if rotary is None:
        return {}
    if config.model_type == "gemma3_text":
        return {kind: [getattr(rotary, kind + "_inv_freq").tolist(), getattr(rotary, kind + "_attention_scaling")]
                for kind in ("full_attention", "sliding_attention")}
    out = {"": [rotary.inv_freq.tolist(), rotary.attention_scaling]}
    if config.rope_parameters["rope_type"] == "dynamic":
        steps, factor = ROPE_INIT_FUNCTIONS["dynamic"](config, None, seq_len=1000)
        out["1000"] = [steps.tolist(), factor]
    return out


def describe(name, model_type, fields):
    config = AutoConfig.for_model(model_type, **fields)
    config._attn_implementation = "eager"
    config.name_or_path = "keep" if name in ("gpt2", "llama") else ""
    model = AutoModelForCausalLM.from_config(config)
    with tempfile.TemporaryDirectory() as folder:
        config.architectures = [type(model).__name__]
        config.save_pretrained(folder)
        with open(os.path.join(folder, "config.json")) as f:
            saved = json.load(f)
        model.save_pretrained(folder)
        with open(os.path.join(folder, "model.safetensors"), "rb") as f:
            length = int.from_bytes(f.read(8), "little")
            header = json.loads(f.read(length))
    modules = []
    for module_name, module in model.named_modules():
        if isinstance(module, Conv1D):
            modules.append([module_name, module.weight.shape[0], module.weight.shape[1], module.bias is not None, True])
        elif isinstance(module, torch.nn.Linear):
            modules.append([module_name, module.in_features, module.out_features, module.bias is not None, False])
    return {
        "name": name, "config": saved, "params": model.num_parameters(), "modules": modules,
        "tensors": [[n, e["shape"]] for n, e in sorted(header.items()) if n != "__metadata__"],
        "attention_scale": getattr(model_attention(model), "scaling", None),
        "sliding": [kind == "sliding_attention" for kind in getattr(config, "layer_types", [])],
        "frequencies": frequencies(model, config),
        "lora": [x for x in (lora(model_type, config, s) for s in LORA) if x],
    }


def model_attention(model):
    for name, module in model.named_modules():
        if name.endswith(("self_attn", "attn")):
            return module


def main():
    transformers.logging.set_verbosity_error()
    out = {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__,
           "cases": [describe(*case) for case in CASES]}
    json.dump(out, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
