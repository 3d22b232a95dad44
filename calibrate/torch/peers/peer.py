"""Trains the work of `ftadvise-engine bench` with PyTorch, transformers and PEFT.

    python peer.py --model DIR --text FILE --kind trainer|plain|compiled [...]

Same model, rows, batches, steps, threads and optimizer; the same JSON line a method.
trainer is what most people run: Hugging Face's Trainer, with PEFT for LoRA. plain is
the shortest loop that a careful user writes. compiled is plain under torch.compile.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time

import rows


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--model", required=True)
    p.add_argument("--text")
    p.add_argument("--kind", choices=["trainer", "plain", "compiled"], default="plain")
    p.add_argument("--methods", default="full,lora")
    p.add_argument("--rank", type=int, default=8)
    p.add_argument("--targets", default="all-linear")
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--seq", type=int, default=128)
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("--warm", type=int, default=3)
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--device", default="cpu")
    p.add_argument("--precision", choices=["fp32", "bf16", "bf16-pure"], default="fp32")
    p.add_argument("--random-weights", action="store_true")
    p.add_argument("--checkpointing", action="store_true")
    p.add_argument("--save-random", metavar="DIR", help="write random weights for both sides to DIR and train nothing")
    p.add_argument("--replay", metavar="RUN.json", help="train the trials of a stored run instead; needs --pack")
    p.add_argument("--pack", metavar="FILE")
    return p.parse_args()


def status_bytes(key):
    """A line of /proc/self/status, where there is one."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key + ":"))
    except (OSError, StopIteration):
        return 0


class Clock:
    """The time between marks, on the device's own clock: marking never waits for it."""

    def __init__(self, device):
        import torch

        self.torch, self.cuda, self.marks = torch, device.startswith("cuda"), []

    def mark(self):
        if self.cuda:
            event = self.torch.cuda.Event(enable_timing=True)
            event.record()
            self.marks.append(event)
        else:
            self.marks.append(time.perf_counter())

    def seconds(self):
        if self.cuda:
            self.torch.cuda.synchronize()
            return [a.elapsed_time(b) / 1e3 for a, b in zip(self.marks, self.marks[1:])]
        return [b - a for a, b in zip(self.marks, self.marks[1:])]


class Arm:
    """One method's training: its clock, its losses, its memory."""

    def __init__(self, a, method):
        self.a, self.method, self.clock, self.losses, self.first = a, method, Clock(a.device), [], 0.0
        self.start = status_bytes("VmRSS")
        if self.clock.cuda:
            gc.collect()  # the method before this one left cycles
            self.clock.torch.cuda.empty_cache()
            self.clock.torch.cuda.reset_peak_memory_stats()

    def stepped(self, loss):
        self.losses.append(loss)
        if not self.first:
            if self.clock.cuda:
                self.clock.torch.cuda.synchronize()
            self.first = time.time()
        self.clock.mark()

    def result(self, trainable):
        a, seconds = self.a, self.clock.seconds()
        losses = [float(x) for x in self.losses]
        warm = sorted(seconds[a.warm :])
        median = statistics.median_high(warm)
        if self.clock.cuda:
            peak, reserved = self.clock.torch.cuda.max_memory_allocated(), self.clock.torch.cuda.max_memory_reserved()
        else:
            reserved = status_bytes("VmHWM")
            peak = reserved - self.start
        return dict(
            arm=self.method, abreast=1, kind=a.kind, ms_per_step=median * 1e3, tokens_per_s=a.batch * a.seq / median, peak_bytes=peak,
            reserved_bytes=reserved, trainable=trainable, first_loss=losses[0], last_loss=losses[-1], losses=losses,
            warmup_seconds=max(0.0, sum(seconds[: a.warm]) - a.warm * median), first_step_at=self.first,
        )


def build(a, method):
    import torch
    import transformers

    dtype = torch.bfloat16 if a.precision == "bf16-pure" else torch.float32
    if a.random_weights:
        config = transformers.AutoConfig.from_pretrained(a.model)
        with torch.device(a.device):
            model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    else:
        model = transformers.AutoModelForCausalLM.from_pretrained(a.model, dtype=dtype).to(a.device)
    model.config.use_cache = False
    if a.checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    if method == "lora":
        import peft

        targets = a.targets if a.targets == "all-linear" else a.targets.split(",")
        model = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", r=a.rank, lora_alpha=2 * a.rank, target_modules=targets))
    model.train()
    return model


def rate(a, method):
    return 1e-3 if method == "lora" else 1e-4


def loop(a, method, data):
    """The plain loop; compiled where asked."""
    import torch

    arm = Arm(a, method)
    model = build(a, method)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate(a, method), weight_decay=0.0, fused=True)
    forward = torch.compile(model) if a.kind == "compiled" else model
    kind = a.device.split(":")[0]
    arm.clock.mark()
    for batch in rows.batches(len(data), a.batch, a.steps):
        ids = data[batch].to(a.device, non_blocking=True)
        with torch.autocast(kind, torch.bfloat16, enabled=a.precision == "bf16"):
            loss = forward(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        arm.stepped(loss.detach())
    return arm.result(sum(p.numel() for p in trained))


def trainer(a, method, data):
    arm = Arm(a, method)
    model = build(a, method)
    with_trainer(a, model, data, a.steps, rate(a, method), arm)
    return arm.result(sum(p.numel() for p in model.parameters() if p.requires_grad))


def with_trainer(a, model, data, steps, learning_rate, arm):
    """Hugging Face's Trainer, its settings those of the engine, all else its defaults."""
    import torch
    import transformers

    class Peer(transformers.Trainer):
        def _get_train_sampler(self, *_, **__):
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            self.seen = (loss[0] if isinstance(loss, tuple) else loss).detach()
            return loss

    class Marks(transformers.TrainerCallback):
        def on_train_begin(self, *_, **__):
            arm.clock.mark()

        def on_step_end(self, *_, **__):
            arm.stepped(run.seen)

    taken = [i for batch in rows.batches(len(data), a.batch, steps) for i in batch]
    dataset = [dict(input_ids=data[i], labels=data[i]) for i in taken]
    settings = transformers.TrainingArguments(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=a.batch, max_steps=steps, learning_rate=learning_rate, weight_decay=0.0,
        lr_scheduler_type="constant", bf16=a.precision == "bf16", use_cpu=a.device == "cpu", report_to="none", save_strategy="no",
        logging_strategy="no", disable_tqdm=True,
    )
    run = Peer(model=model, args=settings, train_dataset=dataset, callbacks=[Marks()])
    run.train()


def replay(a):
    """The trials of a calibration, each from its start, evaluated as often, by the Trainer."""
    import safetensors.torch
    import torch

    pack = safetensors.torch.load_file(a.pack)
    data, held = pack["train.ids"].long(), pack["eval.ids"].long()
    with open(a.replay) as file:
        run = json.load(file)
    a.batch = run["setup"]["micro_batch"] * run["setup"]["accumulation"]
    steps = evaluations = 0
    for trial in run["trials"]:
        method, done = trial["method"], trial["outcome"]["steps"]
        if done < 1:
            continue
        a.rank, a.targets = method.get("rank", a.rank), method.get("targets", a.targets)
        model = build(a, method["kind"])
        with_trainer(a, model, data, done, trial["learning_rate"], Arm(a, method["kind"]))
        model.eval()
        for _ in trial["outcome"].get("eval_loss") or []:
            evaluations += 1
            with torch.no_grad():
                for i in range(0, len(held), a.batch):
                    model(input_ids=held[i : i + a.batch], labels=held[i : i + a.batch])
        steps += done
    return dict(arm="replay", kind="trainer", trials=len(run["trials"]), steps=steps, evaluations=evaluations)


def save_random(a):
    import torch
    import transformers

    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(a.model))
    model.save_pretrained(a.save_random)


def main():
    a = arguments()
    import torch

    if a.threads:
        torch.set_num_threads(a.threads)
    if a.save_random:
        save_random(a)
    elif a.replay:
        print(json.dumps(replay(a)), flush=True)
    else:
        data = torch.tensor(rows.windows(rows.tokens(a.model, a.text), a.seq))
        for method in a.methods.split(","):
            train = trainer if a.kind == "trainer" else loop
            print(json.dumps(train(a, method, data)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
