"""Prints the options that each trainer knows, as JSON, read from its sources.

    python options.py TRL_FOLDER LLAMAFACTORY_FOLDER AXOLOTL_FOLDER > options.json

The folders are those of the unpacked packages (trl 1.16.0, llamafactory 0.9.5, axolotl
0.19.0); transformers 5.23.0 and accelerate 1.15.0 are those that are installed. Nothing
of the first three is run.
"""
import ast
import dataclasses
import json
import pathlib
import sys

from accelerate.commands.config.config_args import ClusterConfig
from transformers import TrainingArguments


def declared(folder, *only):
    """The annotated fields of all classes in a folder's files."""
    names = set()
    for path in sorted(pathlib.Path(folder).rglob("*.py")):
        if only and path.name not in only:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                names |= {f.target.id for f in node.body if isinstance(f, ast.AnnAssign) and isinstance(f.target, ast.Name)}
    return names


trl, factory, axolotl = map(pathlib.Path, sys.argv[1:4])
trainer = {f.name for f in dataclasses.fields(TrainingArguments)}
print(json.dumps({
    "trl": sorted(trainer | declared(trl / "scripts", "utils.py") | declared(trl / "trainer", "sft_config.py", "model_config.py")),
    "llama-factory": sorted(trainer | declared(factory / "hparams")),
    "axolotl": sorted(declared(axolotl / "utils" / "schemas")),
    "accelerate": sorted({f.name for f in dataclasses.fields(ClusterConfig)}),
}, indent=0))
