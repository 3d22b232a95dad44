"""gpu.py's step that says where a step's time goes, kernel by kernel, by NVIDIA's ncu."""

import csv
import glob
import io
import re
import shutil

# Work: model, batch, length, precision, rank, method, and kernels to pass over before some steps' worth of them.
WORK = {
    "Llama 1.2B 4x1024 | full": ("llama-1.2b", 4, 1024, "bf16-pure", 16, "full", 2600, 1400),
    "Llama 1.2B 4x1024 | lora": ("llama-1.2b", 4, 1024, "bf16-pure", 16, "lora", 3000, 2300),
    "GPT-2 124M 8x1024 | full": ("gpt2", 8, 1024, "bf16", 8, "full", 2000, 1100),
}
# The first that matches names a kernel's kind.
KINDS = {
    "AdamW": r"adamw",
    "attention": r"flash|cudnn.*(sdpa|attention|fprop|bprop)|fmha|sdpa",
    "LoRA's way back through B": r"low_gradients|fold_low",
    "norms": r"norm_\d|norm_wide|rms_norm|layer_norm|fold_",
    "gradient norm": r"NormTwoOps",
    "cross-entropy": r"cross_entropy",
    "activations": r"gated|Gelu|gelu|silu",
    "rotary positions": r"rope",
    "matrix products": r"nvjet|gemm|cutlass|splitKreduce|xmma",
    "sums over rows": r"reduce_kernel",
}


def kernels(lab):
    for key, (model, batch, seq, precision, rank, method, skip, count) in WORK.items():
        yield key, lab.once(key, lambda: profile(lab, lab.flags(model, batch, seq, 6, method, precision, rank=rank, warm=1), skip, count))


def profile(lab, flags, skip, count):
    """One step between two updates of the weights, issued kernel by kernel so that ncu sees each."""
    ncu = shutil.which("ncu") or next(iter(sorted(glob.glob("/opt/nvidia/nsight-compute/*/ncu"), reverse=True)), None)
    if ncu is None or lab.dry:
        return dict(missing="ncu is not installed")
    command = [ncu, "--clock-control", "none", "--cache-control", "none", "--metrics", "gpu__time_duration.sum", "--csv", "--page", "raw", "--print-units", "base"]
    command += ["--launch-skip", skip, "--launch-count", count, lab.home / "ftadvise-engine", "bench", *flags, "--no-graph"]
    seen = lab.run(command, 90)
    return one_step(timed(seen.output)) or dict(failed=seen.trouble())


def timed(output):
    """Names and nanoseconds of the kernels in ncu's CSV."""
    lines = "\n".join(line for line in output.splitlines() if line.startswith('"'))
    found = []
    for row in csv.DictReader(io.StringIO(lines)):
        try:
            found.append((row["Kernel Name"], float(row["gpu__time_duration.sum"].replace(",", ""))))
        except (KeyError, TypeError, ValueError):
            continue  # the line of units
    return found


def one_step(found):
    ends = [i for i, (name, _) in enumerate(found) if name.startswith("adamw")]
    if len(ends) < 2:
        return None
    step = found[ends[0] + 1 : ends[1] + 1]
    kinds = {}
    for name, nanoseconds in step:
        kind = next((k for k, sign in KINDS.items() if re.search(sign, name)), "copies, sums and the rest")
        kept = kinds.setdefault(kind, dict(ms=0.0, kernels=0))
        kept["ms"] += nanoseconds / 1e6
        kept["kernels"] += 1
    # Products of a thin matrix (LoRA's) are too short to be those of a whole layer.
    thin = [n / 1e6 for name, n in step if re.search(KINDS["matrix products"], name) and n < 40e3]
    return dict(ms=sum(n for _, n in step) / 1e6, kernels=len(step), kinds=kinds, thin_products=dict(ms=sum(thin), kernels=len(thin)))
