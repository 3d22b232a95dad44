"""Measures ftadvise on a GPU: one command, no network, no Go.

    python3 gpu.py [--minutes 25] [--only STEP,...] [--json gpu.json]

Run it in the folder that `make gpu` has filled, with a Python whose torch is the one that
the engine was built against. Steps come in order of importance; the JSON file is written
after every measurement, and a later call goes on where an earlier one ended. --dry-run
tries the whole script on a CPU with tiny models. --docs writes a document from the JSON.
"""

import argparse
import datetime
import pathlib
import shlex
import sys
import time

import correctness
import decision
import gpudoc
import kernels
import lab as labs
import measure
import speed

# Name, what does it, and the least seconds that are worth beginning it with.
STEPS = [
    ("about", correctness.about, 10),
    ("tests", correctness.tests, 60),
    ("parity", correctness.parity, 60),
    ("memory", correctness.memory, 30),
    ("exhaustion", correctness.exhaustion, 60),
    ("killed", correctness.killed, 15),
    ("speed", speed.speed, 60),
    ("kernels", kernels.kernels, 45),
    ("arms", speed.arms, 30),
    ("essay", speed.essay, 30),
    ("grid", speed.grid, 45),
    ("decision", decision.decision, 240),
]


def variant(text):
    name, _, flags = text.partition("=")
    return name, shlex.split(flags)


def arguments():
    p = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    p.add_argument("--only", default="", help="steps, comma-separated: " + ", ".join(name for name, *_ in STEPS))
    p.add_argument("--again", action="store_true", help="measure steps anew that the JSON file holds")
    p.add_argument("--again-ours", action="store_true", help="likewise, but keep what was measured of the peers")
    p.add_argument("--minutes", type=float, default=25, help="when to stop, whatever is left")
    p.add_argument("--device", default="cuda:0")
    p.add_argument("--home", type=pathlib.Path, default=measure.HERE, help="the folder that make gpu filled")
    p.add_argument("--python", default=sys.executable, help="a Python with torch, transformers and peft")
    p.add_argument("--json", type=pathlib.Path, default="gpu.json")
    p.add_argument("--variant", type=variant, action="append", default=[], metavar="NAME=FLAGS", help="run speed's rows with these flags of ftadvise-engine bench as well")
    p.add_argument("--pretrain-seconds", type=float, default=120, help="of each base in the step decision, at most 240")
    p.add_argument("--dry-run", action="store_true", help="tiny models on the CPU: tries the script, measures nothing")
    p.add_argument("--docs", type=pathlib.Path, metavar="FILE", help="measure nothing; put the tables into this document")
    a = p.parse_args()
    a.variant = dict(a.variant)
    a.pretrain_seconds = min(a.pretrain_seconds, 240)
    known, asked = {name for name, *_ in STEPS}, [s for s in a.only.split(",") if s]
    if set(asked) - known:
        p.error(f"no step {', '.join(sorted(set(asked) - known))}")
    a.only = asked
    return a


def now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def older(results, name, a):
    """What an earlier call measured in a step and this one need not, and when."""
    step = results["steps"].get(name, {})
    facts = {} if a.again else step.get("facts", {})
    if a.again_ours:
        facts = {key: x for key, x in facts.items() if key.split(" | ")[-1] in ("trainer", "plain", "compiled")}
    return facts, {key: step.get("at", {}).get(key, step.get("started")) for key in facts}


def carry_out(lab, name, step, results, save, a):
    """Keeps what a step yields; what goes wrong in it is a result as well."""
    lab.kept, times = older(results, name, a)
    kept = results["steps"][name] = dict(done=False, started=now(), facts={}, at={})
    began = time.time()
    try:
        for key, facts in step(lab):
            kept["facts"][key] = facts
            kept["at"][key] = times[key] if facts is lab.kept.get(key) else now()
            print(f"gpu: {name}: {key}: {gpudoc.brief(facts)}", flush=True)
            save()
            if lab.left() < 5:
                kept["cut"] = "the time was up"
                break
        else:
            kept["done"] = True
    except Exception as error:  # one step's trouble must not cost the others
        kept["failed"] = f"{type(error).__name__}: {error}"
        print(f"gpu: {name}: {kept['failed']}", file=sys.stderr, flush=True)
    kept["seconds"] = time.time() - began
    save()


def main():
    a = arguments()
    results = measure.read_json(a.json, {"schema": 1, "steps": {}})
    if a.docs:
        measure.replace_part(a.docs, "gpu", gpudoc.tables(results))
        return
    if a.dry_run:
        results["dry_run"] = True
    lab = labs.Lab(a)
    for name, step, least in STEPS:
        if a.only and name not in a.only:
            continue
        if results["steps"].get(name, {}).get("done") and not (a.again or a.again_ours):
            continue
        if lab.left() < least and not a.dry_run:
            print(f"gpu: {name}: left out, {lab.left():.0f} seconds are too few", flush=True)
            continue
        carry_out(lab, name, step, results, lambda: measure.write_json(a.json, results), a)
    failed = [name for name, kept in results["steps"].items() if "failed" in kept]
    sys.exit(f"gpu: error: failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
