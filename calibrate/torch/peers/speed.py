"""gpu.py's steps that measure time and memory."""

import contextlib

import correctness
import lab as labs
import measure
import protocol

# Work: model, batch, length, precision, LoRA's rank, steps, and the most milliseconds
# and bytes that are wanted of full and LoRA.
ROWS = {
    "GPT-2 124M 4x128": ("gpt2", 4, 128, "bf16", 8, 60, dict(full=6, lora=6), {}),
    "GPT-2 124M 8x1024": ("gpt2", 8, 1024, "bf16", 8, 40, dict(full=20, lora=18), dict(full=5e9, lora=4e9)),
    "Llama 1.2B 4x1024": ("llama-1.2b", 4, 1024, "bf16-pure", 16, 25, dict(full=55, lora=42), {}),
}


# Ours by other means than the engine chooses by itself.
MEANS = {
    "no CUDA graph": ["--no-graph"],
    "flash attention": ["--attention", "flash"],
    "cuDNN attention": ["--attention", "cudnn"],
    "memory-efficient attention": ["--attention", "efficient"],
}


def speed(lab):
    """Ours, Trainer with PEFT, plain PyTorch, compiled PyTorch, each in a process of its own."""
    work, means = {}, lab.variants if lab.dry else {**MEANS, **lab.variants}
    for name, (model, batch, seq, precision, rank, steps, *_) in ROWS.items():
        work[name] = lab.flags(model, batch, seq, steps, precision=precision, rank=rank)
    for name, flags in work.items():
        yield ours(lab, f"{name} | ours", flags)
        for mean, more in means.items():
            yield ours(lab, f"{name} | ours, {mean}", flags, *more)
        yield peer(lab, name, "trainer", flags)
        yield peer(lab, name, "plain", flags)
    for name, flags in work.items():
        if not lab.dry:
            yield peer(lab, name, "compiled", flags)
            yield ours(lab, f"{name} | ours again", flags)


def ours(lab, key, flags, *more):
    return key, lab.once(key, lambda: labs.told(lab.ours(flags, *more)))


def peer(lab, name, kind, flags):
    key = f"{name} | {kind}"
    return key, lab.once(key, lambda: labs.told(lab.peer(kind, flags)))


def arms(lab):
    """LoRA arms in one pass."""
    for batch, seq in ((1, 256), (4, 128), (2, 1024)):
        for count in (1, 4, 8):
            yield ours(lab, f"{batch}x{seq} | {count}", lab.flags("gpt2", batch, seq, 40, "lora"), "--arms", count)


def essay(lab):
    """Thirty steps as the essay's script has them: GPT-2, r=8 on c_attn, 4x128."""
    for precision in ("fp32", "bf16"):
        flags = lab.flags("gpt2", 4, 128, 30, precision=precision, targets="c_attn")
        yield ours(lab, f"{precision} | ours", flags)
        yield peer(lab, precision, "trainer", flags)


def grid(lab):
    """36 shapes: what a predictor of memory and time has to be held to."""
    batches, lengths = ((1, 2), (16, 32)) if lab.dry else ((1, 4, 16), (256, 1024, 4096))
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(contextlib.closing(lab.engine()))
        for seq in lengths:
            pack = correctness.random_pack(lab, 16, seq)
            for batch in batches:
                for checkpointing in (False, True):
                    segments = [protocol.segment("full", protocol.FULL, 1e-4, 6), protocol.segment("lora", protocol.lora(8), 1e-3, 6)]
                    work = protocol.group(lab.model("gpt2-long"), pack, lab.device, lab.precision("bf16"), batch, segments, random=True, checkpointing=checkpointing)
                    try:
                        trials = engine.train(work, lab.cap(60))
                    except protocol.EngineGone as gone:
                        yield f"{batch}x{seq}, checkpointing {checkpointing}", dict(failed=str(gone))
                        engine = stack.enter_context(contextlib.closing(lab.engine()))
                        continue
                    for method, events in trials.items():
                        yield f"{method} {batch}x{seq}{' checkpointing' if checkpointing else ''}", shape(events)


def shape(events):
    told = events.get("memory", [{}])[-1]
    ended = events.get("ended", [{}])[-1]
    seconds = [s["seconds"] for s in events.get("step", [])][3:]
    facts = dict(status=ended.get("status"), peak_bytes=told.get("peak_allocated_bytes"), reserved_bytes=told.get("peak_reserved_bytes"), step_ms=[1e3 * s for s in seconds])
    return dict(facts, ms_per_step=measure.spread(seconds)["median"] * 1e3) if seconds else facts
