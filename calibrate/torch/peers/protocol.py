"""Drives ftadvise-engine by its protocol (docs/protocol.md); the standard library alone."""

import json
import os
import queue
import struct
import subprocess
import threading
import time

import measure

OPTIMIZER = dict(beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0, clip_norm=1)
FULL = dict(kind="full")


def lora(rank, targets="all-linear"):
    return dict(kind="lora", rank=rank, alpha=2 * rank, targets=targets)


def segment(name, method, rate, steps, stage="fit", evals=(), schedule=None):
    schedule = schedule or dict(shape="constant", warmup_steps=0)
    trial = dict(id=name, stage=stage, method=method, learning_rate=rate, schedule=schedule, seed=1, steps=steps)
    return dict(trial=trial, from_step=0, to_step=steps, eval_steps=list(evals), general=False)


def group(model, pack, device, precision, batch, segments, random=False, checkpointing=False, seed=0):
    return dict(
        model_dir=str(model), pack_path=str(pack), device=device, precision=precision, threads=0, micro_batch=batch, accumulation=1,
        optimizer=OPTIMIZER, data_seed=seed, segments=segments, random_weights=random, checkpointing=checkpointing,
    )


class EngineGone(Exception):
    pass


class Engine:
    """A serving ftadvise-engine. Its reader is a thread, so that waiting has a limit."""

    def __init__(self, path, env=None):
        self.child = subprocess.Popen([str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.hello = self.wait(["hello"], 60)

    def read(self):
        for line in self.child.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, until):
        try:
            message = self.lines.get(timeout=max(0.01, until - time.time()))
        except queue.Empty:
            raise EngineGone("no answer in time") from None
        if message is None:
            raise EngineGone(f"left with status {self.child.wait()}")
        return message

    def wait(self, kinds, seconds):
        until = time.time() + seconds
        while True:
            message = self.next(until)
            if message["type"] in kinds:
                return message
            if message["type"] == "failure":
                raise EngineGone(message.get("what"))

    def send(self, message):
        self.child.stdin.write(json.dumps(message).encode() + b"\n")
        self.child.stdin.flush()

    def train(self, work, seconds):
        """Trains a group and returns its events by trial: dict of lists by type."""
        self.send(dict(type="train", group=work))
        until, trials = time.time() + seconds, {}
        while True:
            message = self.next(until)
            if message["type"] == "finished":
                return trials
            if message["type"] == "failure":
                raise EngineGone(message.get("what"))
            if "trial" in message:
                trials.setdefault(message["trial"], {}).setdefault(message["type"], []).append(message)

    def close(self):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()


def write_pack(path, rows, seq):
    """A pack of these rows, which also stand in as the held-out ones."""
    count, tensors, body = len(rows), {}, b""
    flat = [i for row in rows for i in row]
    for name, values in (("ids", flat), ("labels", flat), ("segments", [1] * len(flat))):
        data = struct.pack(f"<{len(values)}i", *values)
        for part in ("train", "eval"):
            tensors[f"{part}.{name}"] = dict(dtype="I32", shape=[count, seq], data_offsets=[len(body), len(body) + len(data)])
            body += data
    head = json.dumps({"__metadata__": {"format": "ftadvise-pack", "version": "1", "seq_length": str(seq)}, **tensors}).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + body)


def step_ms(trial, warm=3):
    """Median milliseconds of a trial's steps after the first few."""
    seconds = [s["seconds"] for s in trial.get("step", [])][warm:]
    return measure.spread(seconds)["median"] * 1e3 if seconds else None
