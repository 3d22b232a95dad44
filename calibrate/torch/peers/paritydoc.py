"""Writes docs/parity.md from what `go test -run Parity -v ./calibrate/torch` prints.

    go test ... | python paritydoc.py parity.json docs/parity.md
"""

import json
import pathlib
import re
import sys

import correctness
import measure


def words(training):
    """Method and variant of a training, from PEFT's settings."""
    lora = training["lora"]
    if lora is None:
        return "full", ""
    parts = []
    if lora.get("use_rslora"):
        parts.append("rsLoRA")
    if lora.get("use_dora"):
        parts.append("DoRA")
    if training["ratio"]:
        parts.append(f"LoRA+ with ratio {training['ratio']:g}")
    if training["decay"]:
        parts.append(f"weight decay {training['decay']:g}")
    if lora.get("modules_to_save"):
        parts.append("modules_to_save " + ", ".join(lora["modules_to_save"]))
    targets = lora["target_modules"]
    if targets is None:
        parts.append("default targets")
    elif isinstance(targets, list):
        parts.append("targets " + ", ".join(targets))
    elif targets != "all-linear":
        parts.append("targets `" + targets.replace("|", "\\|") + "`")
    return "LoRA", "; ".join(parts) or "plain"


def main():
    output = sys.stdin.read()
    ends, apart = correctness.verdicts(output)
    failed = [name for name, end in ends.items() if end == "FAIL"]
    if failed or not apart:
        sys.exit(output[-6000:] + f"\nparity: error: {', '.join(failed) or 'no training was compared'}")
    golden = json.loads(pathlib.Path(sys.argv[1]).read_text())
    lines = []
    for name, told in sorted(apart.items()):
        test, *parts = name.split("/")
        model = "stories260K" if test == "TestParityStories" else parts[0]
        recorded = golden["models"].get(model, golden["stories260K"])
        family = recorded.get("config", {}).get("model_type", "llama")
        lines.append([family, model, *words(recorded["trainings"][parts[-1]]), told["steps"], f"{told['loss']:.1e}", f"{told['norm']:.1e}"])
    lines.sort(key=lambda line: (line[0], line[1], line[2] != "full"))
    versions = ", ".join(f"{k} {v}" for k, v in golden["versions"].items())
    there = re.search(r"(\d+) adapters give the same loss in PEFT", output)
    here = [name for name in ends if name.startswith("TestAdaptersOfPEFT/")]
    if not there or not here:
        sys.exit("parity: error: no adapters were compared")
    text = f"Recorded with {versions}; {len(lines)} trainings.\n\n" + measure.table(["family", "model", "method", "variant", "steps", "loss, nats", "gradient norm, relative"], lines)
    text += f"\n\nAdapters: {there[1]} saved here give the same loss in PEFT, and {len(here)} saved by PEFT the same loss here, within 1e-5 nats."
    measure.replace_part(sys.argv[2], "parity", text)
    print(f"parity: {len(lines)} trainings agree; wrote {sys.argv[2]}")


main()
