"""Makes parity.json: losses and gradient norms of transformers and PEFT.

    python parity.py OUT.json [SHARED_DATA_DIR]

Models are small and filled by a generator that parity_test.go repeats, so that no
weights are stored. Batches follow the row order in parity-order.json. Needs torch,
transformers and peft; parity.json names the versions it was made with.
"""

import hashlib
import json
import math
import pathlib
import sys

import numpy as np
import peft
import torch
import transformers

HERE = pathlib.Path(__file__).parent
STEPS, ROWS, BATCH, LENGTH = 20, 16, 4, 32
LLAMA = dict(hidden_size=32, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, vocab_size=97, max_position_embeddings=64, rms_norm_eps=1e-5, initializer_range=0.02, tie_word_embeddings=False, pad_token_id=None, bos_token_id=1, eos_token_id=2)


def llama(kind, **more):
    return {**LLAMA, "model_type": kind, "rope_theta": 10000.0, **more}


GPT2 = dict(model_type="gpt2", n_embd=32, n_layer=3, n_head=4, n_positions=64, vocab_size=97, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=1, eos_token_id=2)
SCALINGS = {
    "linear": {"rope_type": "linear", "factor": 2.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16},
}
MODELS = {
    "llama": llama("llama"),
    "llama-tied": llama("llama", tie_word_embeddings=True),
    "llama-biases": llama("llama", attention_bias=True, mlp_bias=True),
    **{f"llama-{name}": llama("llama", rope_scaling=s) for name, s in SCALINGS.items()},
    "mistral": llama("mistral", sliding_window=8),
    "qwen2": llama("qwen2", tie_word_embeddings=True),
    "qwen3": llama("qwen3", head_dim=8),
    "gemma3": llama("gemma3_text", head_dim=8, sliding_window=8, layer_types=["sliding_attention", "sliding_attention", "full_attention"], rope_local_base_freq=100.0, query_pre_attn_scalar=8, tie_word_embeddings=True, hidden_activation="gelu_pytorch_tanh"),
    "gpt2": GPT2,
    "gpt2-gelu": {**GPT2, "activation_function": "gelu"},
}
LORAS = {
    "full": None,
    "lora": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "rslora": dict(r=4, lora_alpha=8, target_modules="all-linear", use_rslora=True),
}


def uniform(name, n):
    """n values in [-1, 1) from the name, by splitmix64."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, n + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def fill(name, tensor):
    """Matrices within 0.2 of zero, norms within 0.2 of their neutral value, biases small."""
    values = torch.from_numpy(uniform(name, tensor.numel())).reshape(tensor.shape) * 0.2
    if tensor.dim() == 1 and "bias" not in name:
        values = values + NEUTRAL
    tensor.copy_(values)


def build(config):
    global NEUTRAL
    NEUTRAL = 0.0 if config["model_type"] == "gemma3_text" else 1.0
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config), attn_implementation="eager")
    with torch.no_grad():
        for name, p in model.named_parameters():
            fill(name, p)
    return model


def rows():
    ids = (uniform("rows", ROWS * LENGTH) + 1) / 2 * 97
    return torch.from_numpy(ids.astype(np.int64)).reshape(ROWS, LENGTH)


def train(model, data, order, rate, lora):
    if lora is not None:
        model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **lora))
        with torch.no_grad():
            for name, p in model.named_parameters():
                if "lora_A" in name:
                    module = name.removeprefix("base_model.model.").removesuffix(".lora_A.default.weight")
                    p.copy_(torch.from_numpy(uniform(module + ".lora_A.weight", p.numel())).reshape(p.shape) / math.sqrt(p.shape[1]))
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    losses, norms = [], []
    for batch in order:
        ids = data[batch]
        loss = model(input_ids=ids, labels=ids).loss
        optimiser.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, 1.0)))
        optimiser.step()
        losses.append(float(loss.detach()))
    model.eval()
    with torch.no_grad():
        final = sum(float(model(input_ids=data[i : i + 1], labels=data[i : i + 1]).loss) for i in range(len(data))) / len(data)
    return dict(losses=losses, norms=norms, final=final, trainable=sum(p.numel() for p in trained))


def stories(shared, order, out):
    """The really trained model, on the first part of a real text."""
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(shared / "stories260K/hf/tokenizer.json"))
    text = (shared / "tinyshakespeare/input.txt").read_text()[:20000]
    load = lambda: transformers.AutoModelForCausalLM.from_pretrained(shared / "stories260K/hf", attn_implementation="eager", dtype=torch.float32)
    head = tokenizer(text[:700], return_tensors="pt").input_ids
    with torch.no_grad():
        loss = float(load()(input_ids=head, labels=head).loss)
    ids = tokenizer(text).input_ids
    data = torch.tensor(ids[: ROWS * 128]).reshape(ROWS, 128)
    digest = hashlib.sha256(np.array(ids, dtype="<i4").tobytes()).hexdigest()
    result = dict(tokens=len(ids), digest=digest, head_chars=700, head_tokens=head.shape[1], head_loss=loss)
    result["full"] = train(load(), data, order, 1e-3, None)
    result["lora"] = train(load(), data, order, 1e-2, dict(r=8, lora_alpha=16, target_modules="all-linear"))
    out["stories260K"] = result


def main():
    torch.manual_seed(0)
    order = json.loads((HERE / "parity-order.json").read_text())
    out = dict(versions=dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__), models={})
    for name, config in MODELS.items():
        data = rows()
        result = dict(config=config, parameters={n: list(p.shape) for n, p in build(config).named_parameters()})
        for kind, lora in LORAS.items():
            result[kind] = train(build(config), data, order, 1e-2 if lora else 3e-3, lora)
        out["models"][name] = result
        print(name, result["full"]["losses"][0], result["full"]["final"], result["lora"]["final"])
    if len(sys.argv) > 2:
        stories(pathlib.Path(sys.argv[2]), order, out)
    pathlib.Path(sys.argv[1]).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
