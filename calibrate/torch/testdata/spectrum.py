"""Makes spectrum.json: spectra of gradient and update, and losses by token, of transformers.

    python spectrum.py OUT.json

Models, rows and order are parity.py's; singular values are torch.linalg.svdvals of the
matrices themselves in double precision.
"""

import json
import pathlib
import sys

import numpy as np
import torch

import parity

STEPS, RATE, RANK = 5, 3e-3, 4


def spectrum(matrix):
    values = torch.linalg.svdvals(matrix.double())
    energy = values**2
    share = energy / energy.sum()
    return dict(
        effective_rank=float(torch.exp(-(share * torch.log(share.clamp_min(1e-300))).sum())),
        stable_rank=float(energy.sum() / energy[0]),
        top_share=float(share[:RANK].sum()),
        energy=float(energy.sum()),
        top=[float(energy[: 2**i].sum()) for i in range(10)],
    )


def block_matrices(model):
    inside = lambda name: ".layers." in name or ".h." in name
    return {n.removesuffix(".weight"): p for n, p in model.named_parameters() if p.dim() == 2 and inside(n)}


def summary(matrices):
    weights = {name: spectrum(m) for name, m in matrices.items()}
    energy = sum(w["energy"] for w in weights.values())
    top = [sum(w["top"][i] for w in weights.values()) / energy for i in range(10)]
    for w in weights.values():
        del w["top"]
    return dict(weights=weights, top=top)


def token_losses(model, data):
    with torch.no_grad():
        logits = model(input_ids=data).logits[:, :-1].double()
    losses = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), data[:, 1:].reshape(-1), reduction="none").numpy()
    quantiles = np.quantile(losses, [0.1, 0.5, 0.9, 0.99])
    worst = np.sort(losses)[-((len(losses) + 9) // 10) :]
    return dict(
        tokens=len(losses), mean=losses.mean(), p10=quantiles[0], p50=quantiles[1], p90=quantiles[2], p99=quantiles[3],
        above_uniform=float((losses > np.log(logits.shape[-1])).mean()), worst_tenth=worst.sum() / losses.sum(),
    )


def measure(config, order):
    data, model = parity.rows(), parity.build(config)
    out = dict(tokens=token_losses(model, data))
    model(input_ids=data, labels=data).loss.backward()
    blocks = block_matrices(model)
    out["gradient"] = summary({name: p.grad for name, p in blocks.items()})
    energies = {n: float((p.grad.double() ** 2).sum()) for n, p in model.named_parameters()}
    matrix = {n for n, p in model.named_parameters() if p.dim() == 2}
    whole = sum(energies.values())
    out["embedding_share"] = sum(energies[n] for n in matrix if n.removesuffix(".weight") not in blocks) / whole
    out["vector_share"] = sum(e for n, e in energies.items() if n not in matrix) / whole
    before = {name: p.detach().clone() for name, p in blocks.items()}
    parity.train(model, data, order[:STEPS], RATE, None)
    out["update"] = summary({name: p.detach() - before[name] for name, p in blocks.items()})
    return out


def main():
    order = json.loads((parity.HERE / "parity-order.json").read_text())
    out = dict(torch=torch.__version__, steps=STEPS, rate=RATE, rank=RANK, models={name: measure(parity.MODELS[name], order) for name in ("llama", "llama-tied", "gpt2")})
    pathlib.Path(sys.argv[1]).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
