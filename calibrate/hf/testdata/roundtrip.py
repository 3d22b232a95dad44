"""Makes small random models, and checks what ftadvise saved of them.

    python roundtrip.py make FOLDER   writes FOLDER/NAME for each model of reference.py
    python roundtrip.py check FOLDER  loads FOLDER/NAME-full with transformers and compares it with FOLDER/NAME;
                                      loads FOLDER/NAME-adapter with peft, compares its tensors with the file's,
                                      and has peft save it as FOLDER/NAME-peft

The test TestRoundTripThroughPEFT runs both, with FTADVISE_PYTHON naming the interpreter.
"""
import os
import sys

import torch
from peft import PeftModel
from peft.utils.save_and_load import get_peft_model_state_dict
from reference import CASES
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM


def make(folder):
    for name, model_type, fields in CASES:
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **fields))
        model.save_pretrained(os.path.join(folder, name))


def same(a, b, what):
    assert a.keys() == b.keys(), (what, a.keys() ^ b.keys())
    for key in a:
        assert torch.equal(a[key], b[key]), (what, key)


def check(folder):
    for name, _, _ in CASES:
        base = AutoModelForCausalLM.from_pretrained(os.path.join(folder, name))
        full, info = AutoModelForCausalLM.from_pretrained(os.path.join(folder, name + "-full"), output_loading_info=True)
        assert not any(info.values()), (name, info)
        same(base.state_dict(), full.state_dict(), name)
        saved = load_file(os.path.join(folder, name + "-adapter", "adapter_model.safetensors"))
        adapted = PeftModel.from_pretrained(base, os.path.join(folder, name + "-adapter"))
        same(saved, get_peft_model_state_dict(adapted), name)
        adapted.save_pretrained(os.path.join(folder, name + "-peft"))
        print("same", name)


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
