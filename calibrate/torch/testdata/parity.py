"""Makes parity.json: losses and gradient norms of transformers and PEFT.

    python parity.py OUT.json [SHARED_DATA_DIR]  also writes the adapters beside OUT.json
    python parity.py losses FOLDER...            prints the loss of each FOLDER/adapter on FOLDER/model

Models are small and filled by a generator that parity_test.go repeats, so that no
weights are stored. Batches follow the row order in parity-order.json. Needs torch,
transformers and peft; parity.json names the versions it was made with.
"""

import hashlib
import json
import math
import pathlib
import sys
import warnings

import numpy as np
import peft
import torch
import transformers
from peft.optimizers import create_loraplus_optimizer

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
LINEAR = dict(r=4, lora_alpha=8, target_modules="all-linear")
DORA = {**LINEAR, "use_dora": True}
TIED = ["llama-tied", "qwen2", "gemma3"]
LLAMAS = ["llama", "qwen3", "mistral", *TIED]
GPTS = ["gpt2", "gpt2-gelu"]


def row(lora=None, rate=1e-2, ratio=0.0, decay=0.0, models=None):
    return dict(lora=lora, rate=rate, ratio=ratio, decay=decay, models=models)


# Each kind of training, for all models or those named.
TRAININGS = {
    "full": row(rate=3e-3),
    "lora": row(LINEAR),
    "rslora": row({**LINEAR, "use_rslora": True}),
    "dora": row(DORA),
    "lora+": row(LINEAR, 2e-3, 8.0, models=["llama", "gpt2"]),
    "lora+-decay": row({**DORA, "modules_to_save": ["lm_head"]}, 2e-3, 8.0, 0.1, ["llama", "gpt2"]),
    "head": row({**LINEAR, "modules_to_save": ["lm_head"]}, 3e-3, models=LLAMAS + GPTS),
    "embedding": row({**LINEAR, "modules_to_save": ["embed_tokens"]}, 3e-3, models=["llama", *TIED]),
    "both": row({**LINEAR, "modules_to_save": ["embed_tokens", "lm_head"]}, 3e-3, models=["llama", *TIED]),
    "tables": row({**LINEAR, "modules_to_save": ["wte", "wpe", "lm_head"]}, 3e-3, models=GPTS),
    "dora-both": row({**DORA, "modules_to_save": ["embed_tokens", "lm_head"]}, 3e-3, models=["llama", "llama-tied"]),
    "dora-tables": row({**DORA, "modules_to_save": ["wte", "lm_head"]}, 3e-3, models=["gpt2"]),
    "default-targets": row({**LINEAR, "target_modules": None}, models=["llama", "gpt2"]),
    "suffixes": row({**LINEAR, "target_modules": ["v_proj", "mlp.down_proj"]}, models=["llama"]),
    "suffixes-dora": row({**DORA, "target_modules": ["v_proj", "mlp.up_proj"]}, models=["llama", "qwen2"]),
    "exact": row({**LINEAR, "target_modules": ["model.layers.1.self_attn.q_proj", "model.layers.2.mlp.gate_proj"]}, models=["llama"]),
    "pattern": row({**LINEAR, "target_modules": r"model\.layers\.[12]\.(self_attn\.[qk]_proj|mlp\.up_proj)"}, models=["llama"]),
    "suffixes-gpt2": row({**DORA, "target_modules": ["mlp.c_proj", "c_attn"]}, models=["gpt2"]),
    "pattern-gpt2": row({**LINEAR, "target_modules": r".*\.h\.[02]\..*c_(fc|attn)"}, models=["gpt2"]),
}
SMALL = dict(r=2, lora_alpha=3, target_modules=["q_proj", "v_proj"])
SMALL_GPT2 = dict(r=2, lora_alpha=3, target_modules=["c_attn"])
# Adapters that PEFT saves, with values of the generator everywhere.
ADAPTERS = {
    "llama-lora": ("llama", SMALL),
    "llama-rslora": ("llama", {**SMALL, "use_rslora": True}),
    "llama-dora": ("llama", {**SMALL, "use_dora": True}),
    "llama-whole": ("llama", {**SMALL, "modules_to_save": ["lm_head"]}),
    "llama-tied-whole": ("llama-tied", {**SMALL, "modules_to_save": ["embed_tokens"], "use_dora": True}),
    "gpt2-lora": ("gpt2", SMALL_GPT2),
    "gpt2-rslora": ("gpt2", {**SMALL_GPT2, "use_rslora": True}),
    "gpt2-dora": ("gpt2", {**SMALL_GPT2, "use_dora": True}),
    "gpt2-whole": ("gpt2", {**SMALL_GPT2, "modules_to_save": ["lm_head"]}),
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


def wrap(model, lora):
    model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **lora))
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_A" in name:
                module = name.removeprefix("base_model.model.").removesuffix(".lora_A.default.weight")
                p.copy_(torch.from_numpy(uniform(module + ".lora_A.weight", p.numel())).reshape(p.shape) / math.sqrt(p.shape[1]))
    return model


def optimiser_of(model, trained, kind):
    if kind["ratio"]:
        return create_loraplus_optimizer(model, torch.optim.AdamW, lr=kind["rate"], loraplus_lr_ratio=kind["ratio"], loraplus_weight_decay=kind["decay"])
    return torch.optim.AdamW(trained, lr=kind["rate"], weight_decay=kind["decay"])


def train(model, data, order, kind):
    if kind["lora"] is not None:
        model = wrap(model, kind["lora"])
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = optimiser_of(model, trained, kind)
    losses, norms = [], []
    for batch in order:
        ids = data[batch]
        loss = model(input_ids=ids, labels=ids).loss
        optimiser.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained, 1.0)))
        optimiser.step()
        losses.append(float(loss.detach()))
    settings = {k: v for k, v in kind.items() if k != "models"}
    return dict(**settings, losses=losses, norms=norms, final=mean_loss(model, data), trainable=sum(p.numel() for p in trained))


def mean_loss(model, data):
    model.eval()
    with torch.no_grad():
        return sum(float(model(input_ids=data[i : i + 1], labels=data[i : i + 1]).loss) for i in range(len(data))) / len(data)


def adapters(folder, out):
    """Saves each adapter under folder and notes the loss that PEFT computes with it."""
    for name, (model, lora) in ADAPTERS.items():
        wrapped = wrap(build(MODELS[model]), lora)
        with torch.no_grad():
            for parameter, p in wrapped.named_parameters():
                if p.requires_grad and "lora_A" not in parameter:
                    moved = torch.from_numpy(uniform(name + parameter, p.numel())).reshape(p.shape) * 0.3
                    p.copy_(moved if "lora_B" in parameter else p + moved)
        wrapped.peft_config["default"].base_model_name_or_path = model
        wrapped.peft_config["default"].target_modules = sorted(wrapped.peft_config["default"].target_modules)  # of a set
        wrapped.save_pretrained(folder / name)
        (folder / name / "README.md").unlink()
        out[name] = dict(model=model, lora=lora, loss=mean_loss(wrapped, rows()))


def losses(folders):
    """The loss that PEFT computes with FOLDER/adapter on FOLDER/model."""
    out = []
    for folder in map(pathlib.Path, folders):
        base = transformers.AutoModelForCausalLM.from_pretrained(folder / "model", attn_implementation="eager", dtype=torch.float32)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = peft.PeftModel.from_pretrained(base, folder / "adapter")
        missing = [str(w.message) for w in told if "missing" in str(w.message) or "unexpected" in str(w.message).lower()]
        if missing:
            sys.exit(f"{folder}: {missing}")
        out.append(mean_loss(model, rows()))
    print(json.dumps(out))


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
    lora = dict(r=8, lora_alpha=16, target_modules="all-linear")
    result["trainings"] = {
        "full": train(load(), data, order, row(rate=1e-3)),
        "lora": train(load(), data, order, row(lora, 3e-3)),
        "dora": train(load(), data, order, row({**lora, "use_dora": True}, 3e-3)),
    }
    out["stories260K"] = result


def main():
    torch.manual_seed(0)
    target = pathlib.Path(sys.argv[1])
    order = json.loads((HERE / "parity-order.json").read_text())
    out = dict(versions=dict(torch=torch.__version__, transformers=transformers.__version__, peft=peft.__version__), models={}, adapters={})
    for name, config in MODELS.items():
        result = dict(config=config, parameters={n: list(p.shape) for n, p in build(config).named_parameters()}, trainings={})
        for kind, settings in TRAININGS.items():
            if settings["models"] is None or name in settings["models"]:
                result["trainings"][kind] = train(build(config), rows(), order, settings)
        out["models"][name] = result
        print(name, *(f"{kind} {t['final']:.4f}" for kind, t in result["trainings"].items()), flush=True)
    adapters(target.parent / "adapters", out["adapters"])
    if len(sys.argv) > 2:
        stories(pathlib.Path(sys.argv[2]), order, out)
    target.write_text(json.dumps(out, indent=1) + "\n")


torch.set_num_threads(1)  # small tensors; and sums in one order
if sys.argv[1] == "losses":
    losses(sys.argv[2:])
else:
    main()
