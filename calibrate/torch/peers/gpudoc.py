"""Makes tables of gpu.json."""

import collections

import speed
from measure import table


def brief(facts):
    """One line on the terminal for whatever was measured."""
    if not isinstance(facts, dict):
        return str(facts)[:200]
    if "methods" in facts:
        return ", ".join(f"{m} {x['ms_per_step']:.2f} ms {x['peak_bytes'] / 1e9:.2f} GB" for m, x in facts["methods"].items()) + f", {facts['seconds']:.0f} s in all"
    return ", ".join(f"{k} {number(v)}" for k, v in facts.items() if not isinstance(v, (dict, list)))[:300]


def number(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def gigabytes(value):
    return "" if value is None else f"{value / 1e9:.2f}"


def tables(results):
    parts = []
    for title, name, render in PARTS:
        step = results["steps"].get(name)
        if step is None:
            parts.append(f"## {title}\n\nNot measured.")
            continue
        note = f"\n\nNot finished: {step.get('failed') or step.get('cut')}." if not step["done"] else ""
        parts.append(f"## {title}\n\n{render(step['facts'])}{when(step)}{note}")
    warning = "**A dry run on a CPU with tiny models: no figure here means anything.**\n\n" if results.get("dry_run") else ""
    return warning + "\n\n".join(parts)


def when(step):
    """When a step's figures were taken, and which of them in an earlier call."""
    earlier = {}
    for key, at in step.get("at", {}).items():
        if at < step["started"]:
            earlier.setdefault(minute(at), []).append(key.split(" | ")[-1])
    text = f"\n\nMeasured {minute(step['started'])}"
    return text + "".join(f"; at {at}: {', '.join(sorted(set(keys)))}" for at, keys in sorted(earlier.items())) + "."


def minute(at):
    return at[:16].replace("T", " ") + " UTC"


def about(facts):
    m, engine = facts.get("machine", {}), facts.get("engine", {})
    lines = [["CPU", f"{m.get('cpu')}, {m.get('cores')} cores"], ["GPU, driver, memory", facts.get("nvidia-smi", "")], ["engine", f"{engine.get('engine')}, libtorch {engine.get('libtorch')}"]]
    return table(["", ""], lines + [[k, v] for k, v in facts.get("versions", {}).items()])


def tests(facts):
    ran, apart = [facts.get(key, {}) for key in ("tests", "decoder's tests")], facts.get("differences", {})
    told = []
    for name, program in zip(("engine's", "decoder's"), ran):
        counts = collections.Counter(program.get("ends", {}).values())
        told.append(f"The {name} tests: " + (", ".join(f"{n} {end}" for end, n in sorted(counts.items())) or "none ran") + f" in {program.get('seconds', 0):.0f} s.")
    text = " ".join(told)
    if apart:
        text += f" Against recorded trainings by transformers and PEFT in fp32 ({len(apart)} of them), losses differ by at most {max(d['loss'] for d in apart.values()):.1e} nats"
        text += f" and gradient norms by at most {max(d['norm'] for d in apart.values()):.1e} relatively."
    said = collections.Counter(line.strip()[:160] for program in ran for line in program.get("failures", []))
    return text + "".join(f"\n- `{line}`" + (f" ({n} times)" if n > 1 else "") for line, n in said.items())


def parity(facts):
    lines = [[p, f"{x['steps']}", f"{x['first']:.1e}", f"{x['worst']:.1e}", f"{x['last_loss']:.4f}", f"{x['peer_last_loss']:.4f}"] for p, x in facts.items() if "worst" in x]
    return "GPT-2 124M from the same random weights, full fine-tuning, 4x128, against plain PyTorch.\n\n" + table(
        ["precision", "steps", "first loss apart, nats", "worst", "last loss", "peer's last loss"], lines)


def memory(facts):
    lines = []
    for method, x in facts.items():
        peer = x["peer"].get("methods", {}).get(method, {})
        lines.append([method, gigabytes(x["allocated"]), gigabytes(x["reserved"]), gigabytes(x["nvidia_smi"]), gigabytes(peer.get("peak_bytes")), gigabytes(peer.get("reserved_bytes"))])
    return "GPT-2 124M 8x1024 in bf16, GB. nvidia-smi counts the CUDA context as well.\n\n" + table(
        ["method", "ours, peak allocated", "reserved", "nvidia-smi, more than before", "plain PyTorch, peak allocated", "reserved"], lines)


def exhaustion(facts):
    bench, calibrate, after = (facts.get(k, {}) for k in ("bench", "calibrate", "after"))
    text = f"With all but 3 GiB held by another process, `ftadvise-engine bench` left with {bench.get('code')} (6 means: does not fit); "
    text += f"`ftadvise calibrate` left with {calibrate.get('code')} at micro-batch {calibrate.get('micro_batch')}; afterwards, with the memory free, bench left with {after.get('code')}.\n\n"
    lines = [[t["id"], t["status"], t["micro_batch"], t["steps"], gigabytes(t["peak_allocated_bytes"])] for t in calibrate.get("trials", [])]
    return text + table(["trial", "outcome", "micro-batch", "steps", "peak GB"], lines)


def killed(facts):
    x = facts["killed"]
    if x["after"] is None:
        return "No GPU, nothing to see."
    return f"By nvidia-smi {gigabytes(x['before'])} GB were in use before, {gigabytes(x['during'])} GB while an engine trained, {gigabytes(x['after'])} GB {x['seconds']:.1f} s after it was killed."


def rows(facts, wanted):
    """Lines of `work | who` facts, with peer over ours beside each."""
    lines = []
    for key, x in facts.items():
        work, who = key.split(" | ")
        if "failed" in x:
            lines.append([work, who, "", "failed", "", "", "", "", x["failed"][:80].replace("|", "/")])
            continue
        ours = facts.get(f"{work} | ours", {}).get("methods", {})
        for method, y in x["methods"].items():
            base = ours.get(method)
            target = wanted(work, method) if who == "ours" else None
            lines.append([work, who, method, f"{y['ms_per_step']:.2f}", "" if base is None or who == "ours" else f"{y['ms_per_step'] / base['ms_per_step']:.2f}",
                          gigabytes(y["peak_bytes"]), gigabytes(y["reserved_bytes"]), f"{x['first_step_seconds']:.1f}, {y.get('warmup_seconds', 0):.1f}", "" if target is None else target])
    return table(["work", "who", "method", "ms a step", "times ours", "peak GB", "reserved GB", "s to first step, of warm-up", "wanted"], lines)


def speed_wanted(work, method):
    *_, ms, most = speed.ROWS[work]
    return f"{ms[method]} ms" + (f", {most[method] / 1e9:g} GB" if method in most else "")


def kernels(facts):
    told = {key: x for key, x in facts.items() if "kinds" in x}
    if not told:
        return "; ".join(sorted({x.get("missing") or x.get("failed", "") for x in facts.values()})) + "."
    kinds = sorted({k for x in told.values() for k in x["kinds"]}, key=lambda k: -max(x["kinds"].get(k, dict(ms=0))["ms"] for x in told.values()))
    cell = lambda x: f"{x['ms']:.2f} ({x['kernels']})"
    lines = [[kind, *(cell(x["kinds"][kind]) if kind in x["kinds"] else "" for x in told.values())] for kind in kinds]
    lines.append(["of the products, below 0.04 ms each", *(cell(x["thin_products"]) for x in told.values())])
    lines.append(["a step's kernels", *(cell(x) for x in told.values())])
    return "One step, timed kernel by kernel by ncu: ms, and how many kernels.\n\n" + table(["kernels", *(key.replace(" | ", ", ") for key in told)], lines)


def arms(facts):
    lines = []
    for key, x in facts.items():
        shape, count = key.split(" | ")
        told = x.get("methods", {}).get("lora")
        if told is None:
            lines.append([shape, count, "", x["failed"][:100].replace("|", "/"), ""])
            continue
        alone = facts.get(f"{shape} | 1", {}).get("methods", {}).get("lora")
        gain = int(count) * alone["ms_per_step"] / told["ms_per_step"] if alone else None
        lines.append([shape, count, f"{told['ms_per_step']:.2f}", "" if gain is None else f"{gain:.2f}", gigabytes(told["peak_bytes"])])
    return "GPT-2 124M, LoRA r = 8.\n\n" + table(["an arm's step", "arms", "ms a step of all", "faster than one by one", "peak GB"], lines)


def grid(facts):
    lines = [[k, x.get("status") or x.get("failed"), f"{x['ms_per_step']:.2f}" if "ms_per_step" in x else "", gigabytes(x.get("peak_bytes")), gigabytes(x.get("reserved_bytes"))] for k, x in facts.items()]
    return "GPT-2's shape with 4,096 positions, bf16, random weights; three steps after three of warm-up.\n\n" + table(["shape", "outcome", "ms a step", "peak GB", "reserved GB"], lines)


def decision(facts):
    text, lines, gaps = [], [], []
    for key, x in facts.items():
        name, *rest = key.split(" | ")
        if "failed" in x:
            text.append(f"- {key}: failed: {x['failed'][:160]}")
        elif rest == ["base"]:
            text.append(f"- {name}: {x['steps']} steps, {x['tokens'] / 1e6:.0f} M tokens in {x['seconds']:.0f} s, held-out loss {x['held_out_loss']:.3f}")
        elif rest[-1] == "truth":
            advice = facts[f"{name} | {rest[0]} | advice"]
            ends = ", ".join(f"{m} {loss:.4f}" for m, loss in x["at_best"].items())
            said = advice["answer"] if advice["method"] in ("", advice["answer"]) else f"{advice['answer']}: {advice['method']}"
            lines.append([name, str(advice.get("horizon", 1000)), rest[0], said, ends, f"{x['regret_nats']:.4f}" if "regret_nats" in x else "no method named"])
            for k, g in x.items():
                if k.startswith("gap "):
                    gaps.append([name, rest[0], k[4:].replace("_", " "), f"{g['forecast']:+.4f} ({g['p10']:+.4f} to {g['p90']:+.4f})", f"{g['true']:+.4f}", "yes" if g["covered"] else "no"])
    parts = ["\n".join(text), table(["base", "horizon", "domain", "advice", "true held-out loss, best checkpoint and rate", "regret, nats"], lines)]
    parts.append("LoRA's loss less full's, forecast and true:\n\n" + table(["base", "domain", "gap", "forecast: mean (10 % to 90 %)", "true", "within"], gaps))
    return "\n\n".join(parts)


PARTS = [
    ("Machine and versions", "about", about),
    ("Tests", "tests", tests),
    ("The same losses", "parity", parity),
    ("Memory figures", "memory", memory),
    ("Out of memory", "exhaustion", exhaustion),
    ("Killed", "killed", killed),
    ("Speed and memory beside the peers", "speed", lambda facts: rows(facts, speed_wanted)),
    ("Where a step's time goes", "kernels", kernels),
    ("Many arms in one pass", "arms", arms),
    ("The essay's thirty steps", "essay", lambda facts: rows(facts, lambda *_: None)),
    ("36 shapes", "grid", grid),
    ("Was the advice right?", "decision", decision),
]
