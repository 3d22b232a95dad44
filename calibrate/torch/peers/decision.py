"""gpu.py's last step: a short probe's advice against trainings of full length.

Bases of two sizes are trained on the spot on Go source. The near domain is Go source of
packages left out of that, the far one is assembly. For each, `ftadvise recommend` gets a
minute; then each method is trained to the horizon at three learning rates on the same
rows, and the best rate's held-out loss is the truth.
"""

import contextlib
import json
import shutil

import protocol

BASES = {"base-30m": (1.5e-3, 1000), "base-124m": (8e-4, 600)}  # learning rate of the pre-training, horizon
DOMAINS = ("near", "far")
STEPS_APART = 10**0.5  # between the learning rates of the truth


def decision(lab):
    for name, (rate, horizon) in BASES.items():
        told = [f"{name} | base", *(f"{name} | {domain} | {what}" for domain in DOMAINS for what in ("advice", "truth"))]
        if all(key in lab.kept for key in told):
            yield from ((key, lab.kept[key]) for key in told)
            continue
        folder, facts = base(lab, name, rate)
        yield f"{name} | base", facts
        if folder is None:
            continue
        for domain in DOMAINS:
            yield from case(lab, name, folder, domain, horizon)


def case(lab, name, folder, domain, horizon):
    """Advice and truth for one base and one domain, unless an earlier call has both."""
    asked, checked = f"{name} | {domain} | advice", f"{name} | {domain} | truth"
    if checked in lab.kept:
        yield asked, lab.kept[asked]
        yield checked, lab.kept[checked]
        return
    advice, run = advised(lab, folder, domain, horizon)
    yield asked, advice
    if run is not None:
        yield checked, judged(truth(lab, folder, run), advice)


def base(lab, name, rate):
    """Trains a base for about as many seconds as are allowed."""
    folder = lab.work / "models" / f"{name}-trained"
    kept = folder / "pretrained.json"
    if kept.exists():
        return folder, json.loads(kept.read_text())
    text = lab.home / "size" / "corpus.txt"
    batch, seq = (2, 32) if lab.dry else (32, 256)
    timed = lab.ours(lab.flags(name, batch, seq, 20, "full"), cap=60)
    if not timed.ok():
        return None, dict(failed=timed.trouble())
    steps = 60 if lab.dry else int(lab.pretrain_seconds * 1e3 / timed.lines[0]["ms_per_step"])
    shutil.rmtree(folder, ignore_errors=True)
    command = [lab.home / "ftadvise-engine", "pretrain", "--model", lab.model(name), "--text", text, "--out", folder, "--batch", batch, "--seq", seq, "--steps", steps]
    command += ["--warmup", max(10, steps // 50), "--held-out", 0.5, "--learning-rate", rate, "--device", lab.device, "--precision", lab.precision("bf16")]
    seen = lab.run(command, lab.pretrain_seconds * 1.3 + 60)
    if not seen.ok():
        return None, dict(failed=seen.trouble())
    facts = dict(seen.lines[0], wall_seconds=seen.seconds)
    kept.write_text(json.dumps(facts))
    return folder, facts


def advised(lab, folder, domain, horizon):
    """What ftadvise says after a minute, and the folder of its run."""
    store = lab.work / f"store-{folder.name}-{domain}"
    shutil.rmtree(store, ignore_errors=True)
    size = ["--seq-length", "32", "--batch", "2", "--horizon", "60", "--budget", "15s"] if lab.dry else ["--seq-length", "256", "--batch", "8", "--horizon", str(horizon), "--budget", "60s"]
    seen = lab.advise("recommend", "--fresh", "--model", folder, "--data", lab.home / "size" / f"{domain}.txt", "--store", store, "--lora-rank", "8",
                      "--lora-other-ranks", "16" if lab.dry else "64", "--precision", lab.precision("bf16"), "--output", "json", *size, cap=180)
    runs = list(store.rglob("run.json"))
    if seen.code not in (0, 4) or not runs:
        return dict(failed=seen.trouble(), output=seen.output[-400:]), None
    said, run = json.loads(seen.output), json.loads(runs[0].read_text())
    gaps = {f"r{g['lora_method']['rank']}": {k: g[k] for k in ("at_horizon", "at_best", "p_full_better", "regime")} for g in run.get("gaps") or []}
    facts = dict(horizon=horizon, answer=said["verdict"]["answer"], method=method_name(said["verdict"]["method"]), headline=said["headline"], gaps=gaps, seconds=seen.seconds)
    facts["forecasts"] = {method_name(f["method"]): {k: f[k] for k in ("learning_rate", "seen_steps", "horizon_steps", "loss", "best_loss")} for f in run.get("forecasts") or []}
    return facts, (run, runs[0].parent)


def method_name(method):
    return f"lora-r{method['rank']}" if method.get("kind") == "lora" else method.get("kind") or ""


def truth(lab, folder, run):
    """Trains every method to the horizon around the rate that the probe chose."""
    facts, where = run
    horizon, setup = facts["setup"]["horizon_steps"], facts["setup"]
    schedule = dict(shape="linear", warmup_steps=facts["plan"]["warmup_steps"], total_steps=horizon)
    evals = sorted({horizon * i // 10 for i in range(1, 11)})
    segments = []
    for forecast in facts.get("forecasts") or []:
        for factor in (1, 1 / STEPS_APART, STEPS_APART):
            rate = forecast["learning_rate"] * factor
            segments.append(protocol.segment(f"{method_name(forecast['method'])}-{rate:.3g}", forecast["method"], rate, horizon, "probe", evals, schedule))
    found = {}
    with contextlib.closing(lab.engine()) as engine:
        for bundle in bundles(segments):
            work = protocol.group(folder, where / "pack.safetensors", lab.device, setup["precision"], setup["micro_batch"], bundle, seed=setup["seed"])
            work["accumulation"], work["optimizer"] = setup["accumulation"], setup["optimizer"]
            trials = engine.train(work, lab.cap(120))
            for segment in bundle:
                events = trials.get(segment["trial"]["id"], {})
                losses = [e["loss"] for e in events.get("eval", []) if e["set"] == "held-out"]
                kept = dict(rate=segment["trial"]["learning_rate"], status=events["ended"][-1]["status"], losses=losses)
                found.setdefault(method_name(segment["trial"]["method"]), []).append(kept)
    return found


def bundles(segments):
    """Full fine-tunings one by one; LoRA's in one pass, as the learning-rate search has them."""
    loras = [s for s in segments if s["trial"]["method"]["kind"] == "lora"]
    for s in loras:
        s["trial"]["stage"] = "search"
    return [[s] for s in segments if s not in loras] + [loras] * bool(loras)


def judged(found, advice):
    """The best rate's end of each method, and how the advice and its forecast fared."""
    finished = {m: [t for t in trials if t["status"] == "completed"] for m, trials in found.items()}
    ends = {m: min(t["losses"][-1] for t in trials) for m, trials in finished.items() if trials}
    bests = {m: min(min(t["losses"]) for t in trials) for m, trials in finished.items() if trials}
    facts = dict(trials=found, at_horizon=ends, at_best=bests)
    for rank, gap in advice.get("gaps", {}).items():
        for key, losses in (("at_horizon", ends), ("at_best", bests)):
            if "full" in losses and f"lora-{rank}" in losses:
                true = losses[f"lora-{rank}"] - losses["full"]
                forecast = gap[key]
                facts[f"gap {rank} {key}"] = dict(true=true, forecast=forecast["mean"], p10=forecast["p10"], p90=forecast["p90"], covered=forecast["p10"] <= true <= forecast["p90"])
    if advice["method"] in bests:
        facts["regret_nats"] = bests[advice["method"]] - min(bests.values())
    return facts
