"""Runs programs and keeps what they measured; the standard library alone."""

import dataclasses
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
MB = 1e6


@dataclasses.dataclass
class Outcome:
    """What became of one process."""

    lines: list  # JSON objects on its stdout
    code: int  # exit status, negative for a signal
    started: float  # Unix seconds
    seconds: float
    peak_rss: int  # bytes, of the process whole
    output: str  # stdout
    errors: str  # the end of its stderr

    def ok(self):
        return self.code == 0 and bool(self.lines)

    def first_step(self):
        """Seconds from the process's start to the end of its first step."""
        return self.lines[0]["first_step_at"] - self.started

    def trouble(self):
        last = [line for line in self.errors.splitlines() if line.strip()][-2:]
        return f"exit status {self.code}: " + " | ".join(last)


def objects(text):
    """The lines that are JSON objects: libraries print others between them."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def run(command, env=None, cap=600.0, cwd=None):
    """Runs a command for at most cap seconds; it gets no input."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.time()
        child = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, **(env or {})}, cwd=cwd)
        timer = threading.Timer(max(cap, 1), child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        seconds = time.time() - started
        child.returncode = os.waitstatus_to_exitcode(status)  # wait4 took it from Popen
        unit = 1 if platform.system() == "Darwin" else 1024
        for file in (out, err):
            file.seek(0)
        text, errors = (file.read().decode(errors="replace") for file in (out, err))
        return Outcome(objects(text), child.returncode, started, seconds, usage.ru_maxrss * unit, text, errors[-4000:])


def work(model, text, batch, seq, steps, methods, *, warm=3, threads=0, device="cpu", precision="fp32", random=False, rank=8, targets="all-linear", checkpointing=False):
    """The flags that ftadvise-engine bench and peer.py share."""
    flags = ["--model", model, "--text", text, "--batch", batch, "--seq", seq, "--steps", steps, "--warm", warm, "--threads", threads]
    flags += ["--device", device, "--precision", precision, "--methods", methods, "--rank", rank, "--targets", targets]
    return flags + ["--random-weights"] * random + ["--checkpointing"] * checkpointing


def spread(values):
    """Median, least and most."""
    values = sorted(values)
    return dict(n=len(values), median=statistics.median(values), min=values[0], max=values[-1])


def write_json(path, value):
    """Writes the whole file or none: a run may be cut at any time."""
    part = pathlib.Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(value, indent=1) + "\n")
    part.replace(path)


def read_json(path, otherwise):
    path = pathlib.Path(path)
    return json.loads(path.read_text()) if path.exists() else otherwise


def replace_part(path, name, text):
    """Puts text between a document's two marks of this name."""
    path = pathlib.Path(path)
    begin, end = f"<!-- {name}: written by a program -->", f"<!-- {name}: end -->"
    whole = path.read_text()
    before, rest = whole.split(begin)
    path.write_text(before + begin + "\n\n" + text.strip() + "\n\n" + end + rest.split(end)[1])


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def machine():
    cpu = platform.processor()
    try:
        with open("/proc/cpuinfo") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return dict(cpu=cpu, cores=os.cpu_count(), memory_bytes=pages, system=f"{platform.system()} {platform.machine()}", load=os.getloadavg()[0])


def versions(python):
    names = ["torch", "transformers", "peft", "accelerate"]
    code = "import json,importlib.metadata as m;print(json.dumps({n:m.version(n) for n in %r}))" % names
    seen = run([python, "-c", code])
    return seen.lines[0] if seen.lines else {}


def random_model(folder, config, tokenizer):
    """A folder with a config and a tokenizer, whose weights are drawn when it is loaded."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    shutil.copy(tokenizer, folder / "tokenizer.json")
    return folder


def llama(hidden, layers, intermediate, heads, vocab, kv_heads=None, positions=4096, tied=True):
    """A config of the Llama family."""
    return dict(
        architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv_heads or heads, head_dim=hidden // heads, vocab_size=vocab, max_position_embeddings=positions,
        rms_norm_eps=1e-5, rope_theta=10000.0, hidden_act="silu", attention_bias=False, mlp_bias=False, tie_word_embeddings=tied,
        initializer_range=0.02, bos_token_id=0, eos_token_id=0, torch_dtype="float32",
    )


def gpt2(positions=1024, hidden=768, layers=12, heads=12, vocab=50257):
    """A config of the GPT-2 family without dropout; small by default."""
    return dict(
        architectures=["GPT2LMHeadModel"], model_type="gpt2", n_embd=hidden, n_layer=layers, n_head=heads, n_positions=positions, vocab_size=vocab,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0, torch_dtype="float32",
    )
