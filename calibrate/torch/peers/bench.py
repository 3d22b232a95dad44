"""Runs ftadvise-engine and its peers side by side, turn by turn, on one machine.

    python bench.py [--runs 5] [--only WORK,...] [--docs]

Each work is done by ours and by a peer alternately (A B A B ...), each time in fresh
processes, on the same model, rows, batch, steps and threads. A ratio is the median of
the pairs' ratios, peer over ours: above 1 ours is faster, or smaller. Writes
bin/bench.json after each pair; --docs puts the tables into docs/performance.md.
"""

import argparse
import datetime
import os
import pathlib
import statistics
import sys
import tempfile

import growth
import measure

ROOT = measure.HERE.parents[2]
EMBEDDED = ROOT / "calibrate/embedded"
SHARED = ROOT.parent / "shared/data"
LLAMA_10M = measure.llama(384, 5, 1024, 6, 4096)
LLAMA_60M = measure.llama(640, 10, 1728, 10, 16384)


class Bench:
    def __init__(self, a):
        self.a = a
        self.threads = a.threads or os.cpu_count()
        self.results = measure.read_json(a.json, {}) or {}
        self.engine = a.engine

    def ours(self, flags, *more):
        return self.checked([self.engine, "bench", *flags, *more])

    def peer(self, kind, flags):
        return self.checked([self.a.python, measure.HERE / "peer.py", "--kind", kind, *flags])

    def checked(self, command):
        seen = measure.run(command, cap=self.a.cap)
        if not seen.ok():
            sys.exit(f"bench: error: {' '.join(map(str, command))}\nbench: {seen.trouble()}\n{seen.errors}")
        return seen

    def model(self, name):
        """A folder of a model and a text to train it on; None where it is not at hand."""
        if name == "stories260K":
            folder, text = SHARED / "stories260K/hf", SHARED / "tinyshakespeare/input.txt"
            return (folder, text) if folder.exists() and text.exists() else None
        if name == "base":
            return EMBEDDED / "base", EMBEDDED / "data/near.txt"
        config = {"llama-10m": LLAMA_10M, "llama-60m": LLAMA_60M}[name]
        return measure.random_model(ROOT / "bin/bench" / name, config, EMBEDDED / "base/tokenizer.json"), EMBEDDED / "data/near.txt"

    def flags(self, work, methods=None):
        folder, text = self.model(work["model"])
        steps = self.a.steps or work["steps"]
        random = work["model"].startswith("llama")
        return measure.work(folder, text, work["batch"], work["seq"], steps, methods or work["methods"], warm=work["warm"], threads=self.threads, random=random)


def same_work(work, ours, peer):
    """Refuses figures of sides that did not train the same: random weights aside, full's losses agree."""
    if work["model"].startswith("llama"):
        return
    apart = max(abs(a - b) for a, b in zip(ours.lines[0]["losses"], peer.lines[0]["losses"]))
    if apart > 1e-3:
        sys.exit(f"bench: error: {work['name']}: the losses of both sides are up to {apart:.2g} nats apart")


def step_times(bench, work):
    """Milliseconds a step, by method."""
    flags = bench.flags(work)
    ours, peer = bench.ours(flags), bench.peer(work["peer"], flags)
    same_work(work, ours, peer)
    return {f"step, {o['arm']}": ("ms", o["ms_per_step"], p["ms_per_step"]) for o, p in zip(ours.lines, peer.lines)}


def steps_and_memory(bench, work):
    """The same with each method in a process of its own, whose peak is then the method's."""
    found = {}
    for method in work["methods"].split(","):
        flags = bench.flags(work, method)
        ours, peer = bench.ours(flags), bench.peer(work["peer"], flags)
        found[f"step, {method}"] = ("ms", ours.lines[0]["ms_per_step"], peer.lines[0]["ms_per_step"])
        found[f"peak RSS, {method}"] = ("MB", ours.peak_rss / measure.MB, peer.peak_rss / measure.MB)
    return found


def first_step(bench, work):
    flags = bench.flags(work)
    return {"start to first step": ("s", bench.ours(flags).first_step(), bench.peer(work["peer"], flags).first_step())}


def arms(bench, work):
    """Eight LoRA arms in one pass against the same eight one after another."""
    flags = bench.flags(work)
    together, alone = bench.ours(flags, "--arms", 8), bench.ours(flags)
    return {
        "8 LoRA arms, a step of all": ("ms", together.lines[0]["ms_per_step"], 8 * alone.lines[0]["ms_per_step"]),
        "8 LoRA arms, start to end": ("s", together.seconds, 8 * alone.seconds),
    }


def recommend(bench, work):
    """From nothing to a verdict, against the same trials by the Trainer."""
    folder, text = bench.model(work["model"])
    with tempfile.TemporaryDirectory() as store:
        command = [ROOT / "bin/ftadvise", "recommend", "--engine", bench.engine, "--model", folder, "--data", text, "--store", store]
        command += ["--budget", f"{bench.a.budget}s", "--batch", work["batch"], "--seq-length", work["seq"], "--threads", bench.threads, "--quiet", "--output", "json"]
        ours = measure.run(command, cap=bench.a.cap)
        if ours.code not in (0, 4):
            sys.exit(f"bench: error: recommend: {ours.trouble()}")
        run = next(pathlib.Path(store).rglob("run.json"))
        flags = ["--model", folder, "--threads", bench.threads, "--replay", run, "--pack", run.parent / "pack.safetensors"]
        peer = bench.checked([bench.a.python, measure.HERE / "peer.py", *flags])
    return {"recommend, start to verdict": ("s", ours.seconds, peer.seconds)}


def work(name, model, batch, seq, steps, peer, measured, targets, methods="full,lora", warm=3, once=False, most=None, smaller=None):
    """targets are the least ratios wanted, by measure, most the largest figures of ours; methods are trained one after another."""
    return dict(name=name, model=model, batch=batch, seq=seq, steps=steps, peer=peer, measured=measured, targets=targets, methods=methods, warm=warm, once=once, most=most or {}, smaller=smaller)


EIGHT_ARMS = {"8 LoRA arms, a step of all": 2, "8 LoRA arms, start to end": 2}
WORKS = [
    work("stories260K 8x128", "stories260K", 8, 128, 60, "trainer", step_times, {"step, full": 2, "step, lora": 2}),
    work("base 16x128", "base", 16, 128, 25, "plain", step_times, {"step, full": 1.15, "step, lora": 1.15}),
    work("Llama 10M 8x256", "llama-10m", 8, 256, 7, "plain", step_times, {"step, full": 1.0, "step, lora": 1.1}, warm=2),
    work("Llama 60M 8x256", "llama-60m", 8, 256, 3, "plain", steps_and_memory, {"step, full": 1.0, "step, lora": 1.1, "peak RSS, full": 1.25, "peak RSS, lora": 1.25}, warm=1),
    work("start", "base", 16, 128, 4, "trainer", first_step, {}, methods="full", most={"start to first step": 1.5}),
    work("arms, stories260K 2x128", "stories260K", 2, 128, 60, "ours, one by one", arms, EIGHT_ARMS, methods="lora"),
    work("arms, base 2x128", "base", 2, 128, 20, "ours, one by one", arms, EIGHT_ARMS, methods="lora"),
    work("arms, Llama 10M 1x256", "llama-10m", 1, 256, 8, "ours, one by one", arms, EIGHT_ARMS, methods="lora", warm=2),
    work("growth, base, 4 times the tokens", "base", 16, 128, 20, "ours, smaller", growth.by_token, {"time a token, full": 0.9, "time a token, lora": 0.9}),
    work("growth, 10M to 60M", "llama-60m", 4, 256, 3, "ours, smaller", growth.by_parameter, {"time a token and parameter, full": 0.9, "time a token and parameter, lora": 0.9}, warm=1, once=True, smaller="llama-10m"),
    work("growth, 20 times the steps", "base", 4, 128, 400, "ours, smaller", growth.by_step, {"peak RSS, full": 0.97, "peak RSS, lora": 0.97}, once=True),
    work("recommend, stories260K 16x128", "stories260K", 16, 128, 0, "trainer", recommend, {"recommend, start to verdict": 4}, once=True),
    work("recommend, stories260K 8x128", "stories260K", 8, 128, 0, "trainer", recommend, {"recommend, start to verdict": 4}, once=True),
]


def measure_work(bench, w):
    if bench.model(w["model"]) is None:
        print(f"{w['name']}: left out, ../shared/data is not there", flush=True)
        return
    pairs = {}
    for turn in range(1 if w["once"] else bench.a.runs):
        for name, (unit, ours, peer) in w["measured"](bench, w).items():
            pair = pairs.setdefault(name, dict(unit=unit, ours=[], peer=[]))
            pair["ours"].append(ours)
            pair["peer"].append(peer)
            print(f"{w['name']}, {name}, pair {turn + 1}: ours {ours:.4g} {unit}, {w['peer']} {peer:.4g} {unit}", flush=True)
        bench.results.setdefault("works", {})[w["name"]] = dict(peer=w["peer"], targets=w["targets"], most=w["most"], measures=pairs, load=os.getloadavg()[0])
        measure.write_json(bench.a.json, bench.results)


def ratio(pair):
    return statistics.median(p / o for o, p in zip(pair["ours"], pair["peer"]))


def wanted(w, what, found, ours):
    """What was aimed at and whether it was reached."""
    if what in w["targets"]:
        return f"{w['targets'][what]:g}, {'met' if found >= w['targets'][what] else 'missed'}"
    if what in w["most"]:
        return f"ours at most {w['most'][what]:g}, {'met' if ours['median'] <= w['most'][what] else 'missed'}"
    return ""


def tables(results):
    """Markdown of all that was measured."""
    lines = []
    for name, w in results["works"].items():
        for what, pair in w["measures"].items():
            ours, peer = measure.spread(pair["ours"]), measure.spread(pair["peer"])
            found = ratio(pair)
            cells = [f"{s['median']:.4g} ({s['min']:.4g}-{s['max']:.4g}) {pair['unit']}" for s in (ours, peer)]
            lines.append([name, what, w["peer"], *cells, f"{found:.2f}", wanted(w, what, found, ours), ours["n"]])
    m = results["machine"]
    about = f"{results['date']}, {m['cpu']}, {m['cores']} cores, {m['memory_bytes'] / 1e9:.0f} GB, {results['threads']} threads, load {m['load']:.1f} before the first run; "
    about += ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    head = ["work", "what", "peer", "ours: median (least-most)", "peer: median (least-most)", "peer / ours", "wanted", "pairs"]
    return about + ".\n\n" + measure.table(head, lines)


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--runs", type=int, default=5, help="pairs of each work; 0 measures nothing")
    p.add_argument("--only", default="", help="names or beginnings of works, comma-separated")
    p.add_argument("--steps", type=int, default=0, help="steps a run instead of each work's own")
    p.add_argument("--threads", type=int, default=0, help="0 takes every core")
    p.add_argument("--budget", type=int, default=60, help="seconds that recommend may take to calibrate")
    p.add_argument("--cap", type=float, default=900, help="seconds after which a process is killed")
    p.add_argument("--engine", default=ROOT / "bin/ftadvise-engine", type=pathlib.Path)
    p.add_argument("--python", default=sys.executable, help="a Python with torch, transformers and peft")
    p.add_argument("--json", default=ROOT / "bin/bench.json", type=pathlib.Path)
    p.add_argument("--docs", action="store_true", help="write docs/performance.md from what is in the JSON file")
    return p.parse_args()


def main():
    a = arguments()
    bench = Bench(a)
    if a.runs > 0:
        bench.results.update(date=datetime.date.today().isoformat(), machine=measure.machine(), versions=measure.versions(a.python), threads=bench.threads)
        wanted = [part.strip() for part in a.only.split(",") if part.strip()]
        for w in WORKS:
            if not wanted or any(w["name"].startswith(part) for part in wanted):
                measure_work(bench, w)
    if not bench.results.get("works"):
        sys.exit(f"bench: error: {a.json} holds no measurements\nbench: hint: run make bench")
    print("\n" + tables(bench.results))
    if a.docs:
        measure.replace_part(ROOT / "docs/performance.md", "bench", tables(bench.results))


if __name__ == "__main__":
    main()
