"""Prints what the safetensors package says of each file in a folder, as JSON.

    python verdicts.py FOLDER

FTADVISE_PYTHON=python go test -run Verdicts -update ./calibrate/safetensors
makes the folder and writes verdicts.json with it.
"""
import json
import os
import sys

from safetensors import safe_open
from safetensors.numpy import load


def verdict(path):
    with open(path, "rb") as f:
        data = f.read()
    try:
        load(data)
        return "accepted"
    except (TypeError, KeyError, AttributeError):  # numpy lacks the type; the header was read
        try:
            with safe_open(path, framework="numpy"):
                return "accepted"
        except Exception as error:
            return "refused: " + str(error)[:80]
    except Exception as error:
        return "refused: " + str(error)[:80]


folder = sys.argv[1]
json.dump({name: verdict(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}, sys.stdout, indent=0)
print()
