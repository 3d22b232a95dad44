"""Where gpu.py works: the programs, the models, the device and the time that is left."""

import os
import pathlib
import subprocess
import sys
import time

import measure
import protocol

MODELS = {
    "gpt2": measure.gpt2(),
    "gpt2-long": measure.gpt2(positions=4096),
    "llama-1.2b": measure.llama(2048, 16, 8192, 32, 128256, kv_heads=8),
    "base-30m": measure.llama(512, 9, 1376, 8, 1536, positions=512),
    "base-124m": measure.llama(768, 17, 2048, 12, 1536, positions=512),
}
TINY = {
    "gpt2": measure.gpt2(hidden=32, layers=2, heads=2, vocab=1536),
    "gpt2-long": measure.gpt2(4096, 32, 2, 2, 1536),
    "llama-1.2b": measure.llama(32, 2, 64, 2, 1536),
    "base-30m": measure.llama(32, 2, 64, 2, 1536, positions=512),
    "base-124m": measure.llama(32, 2, 96, 2, 1536, positions=512),
}


class Lab:
    def __init__(self, a):
        self.home, self.dry, self.python = a.home.resolve(), a.dry_run, a.python
        self.device = "cpu" if self.dry else a.device
        self.variants, self.pretrain_seconds = a.variant, a.pretrain_seconds
        self.until = time.time() + 60 * a.minutes
        self.kept = {}  # of the step in hand: facts of an earlier call
        self.work = self.home / ("dry" if self.dry else "work")
        self.work.mkdir(parents=True, exist_ok=True)
        self.text = self.home / "data/near.txt"
        self.env = {"LD_LIBRARY_PATH": f"{torch_lib(self.python)}:{os.environ.get('LD_LIBRARY_PATH', '')}"}

    def once(self, key, measured):
        """What an earlier call measured under this key, else what measured() finds."""
        facts = self.kept.get(key)
        return facts if facts and "failed" not in facts else measured()

    def left(self):
        return self.until - time.time()

    def cap(self, seconds):
        """A time limit that the whole run's limit does not exceed."""
        return max(1.0, min(seconds, self.left()))

    def model(self, name):
        return measure.random_model(self.work / "models" / name, (TINY if self.dry else MODELS)[name], self.home / "base/tokenizer.json")

    def precision(self, name):
        return "fp32" if self.dry else name

    def flags(self, model, batch, seq, steps, methods="full,lora", precision="bf16", random=True, **more):
        if self.dry:
            batch, seq, steps = min(batch, 2), min(seq, 32), min(steps, 6)
        folder = self.model(model) if isinstance(model, str) else model
        return measure.work(folder, self.text, batch, seq, steps, methods, device=self.device, precision=self.precision(precision), random=random, **more)

    def ours(self, flags, *more, cap=60.0):
        return measure.run([self.home / "ftadvise-engine", "bench", *flags, *more], self.env, self.cap(cap))

    def peer(self, kind, flags, cap=240.0):
        return measure.run([self.python, measure.HERE / "peer.py", "--kind", kind, *flags], None, self.cap(cap))

    def run(self, command, cap):
        return measure.run(command, self.env, self.cap(cap))

    def advise(self, verb, *flags, cap=240.0):
        command = [self.home / "ftadvise", verb, "--engine", self.home / "ftadvise-engine", "--device", self.device, "--quiet", *flags]
        return measure.run(command, self.env, self.cap(cap))

    def engine(self):
        return protocol.Engine(self.home / "ftadvise-engine", self.env)

    def used_bytes(self):
        """What nvidia-smi says is in use on the device; None in a dry run."""
        if self.dry:
            return None
        index = self.device.partition(":")[2] or "0"
        command = ["nvidia-smi", "-i", index, "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout) << 20


def torch_lib(python):
    seen = measure.run([python, "-c", "import torch; print(torch.__path__[0])"])
    if seen.code != 0:
        sys.exit(f"gpu: error: {python} has no torch\ngpu: hint: name one that has by --python")
    return pathlib.Path(seen.output.strip()) / "lib"


def told(seen):
    """What a bench process measured, by method, or why it did not."""
    if not seen.ok():
        return dict(failed=seen.trouble(), seconds=seen.seconds)
    keep = ("ms_per_step", "tokens_per_s", "peak_bytes", "reserved_bytes", "trainable", "warmup_seconds", "first_loss", "last_loss")
    methods = {line["arm"]: {k: line[k] for k in keep if k in line} for line in seen.lines}
    return dict(methods=methods, first_step_seconds=seen.first_step(), seconds=seen.seconds)
