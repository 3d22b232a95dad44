"""Writes docs/parity.md from what `go test -run Parity -v ./calibrate/torch` prints.

    go test ... | python paritydoc.py parity.json docs/parity.md
"""

import json
import pathlib
import sys

import correctness
import measure


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
        config = golden["models"].get(model, {}).get("config", {})
        lines.append([model, config.get("model_type", "llama"), parts[-1], told["steps"], f"{told['loss']:.1e}", f"{told['norm']:.1e}"])
    versions = ", ".join(f"{k} {v}" for k, v in golden["versions"].items())
    text = f"Recorded with {versions}; {len(lines)} trainings.\n\n" + measure.table(["model", "family", "method", "steps", "loss, nats", "gradient norm, relative"], lines)
    measure.replace_part(sys.argv[2], "parity", text)
    print(f"parity: {len(lines)} trainings agree; wrote {sys.argv[2]}")


main()
