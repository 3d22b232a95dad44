"""gpu.py's first steps: is what the engine does on this device right?

Each step is a generator of (name, facts): whatever was yielded is kept, even when the
time is up before the rest.
"""

import contextlib
import json
import re
import shutil
import subprocess
import time

import lab as labs
import measure
import protocol

GIB = 1 << 30


def about(lab):
    yield "machine", measure.machine()
    yield "versions", measure.versions(lab.python)
    info = measure.run([lab.home / "ftadvise-engine", "info"], lab.env, lab.cap(60))
    yield "engine", info.lines[0] if info.ok() else dict(failed=info.trouble())
    if not lab.dry:
        smi = measure.run(["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"])
        yield "nvidia-smi", smi.output.strip()


def verdicts(output):
    """The ends of the tests in what `go test -v` printed, and the differences they told."""
    ends = {name: end for end, name in re.findall(r"--- (PASS|FAIL|SKIP): (\S+)", output)}
    return ends, differences(output)


def complaints(output):
    """What tests that did not pass had to say."""
    bad = set(re.findall(r"--- (?:FAIL|SKIP): (\S+)", output))
    found, name = [], None
    for line in output.splitlines():
        started = re.match(r"=== (?:RUN|CONT|NAME) +(\S+)", line)
        if started:
            name = started[1]
        elif name in bad and re.match(r"\s+\w+\.go:\d+: ", line):
            found.append(line)
    return found


def differences(output):
    """By subtest: how far losses and gradient norms are from transformers' and PEFT's."""
    found, name = {}, None
    for line in output.splitlines():
        started = re.match(r"=== (?:RUN|CONT|NAME) +(\S+)", line)
        told = re.search(r"loss within (\S+) nats, gradient norm within (\S+), over (\d+) steps", line)
        if started:
            name = started[1]
        elif told and name:
            found[name] = dict(loss=float(told[1]), norm=float(told[2]), steps=int(told[3]))
    return found


def tests(lab):
    """The engine's own tests, conformance and parity with recorded PyTorch, on this device."""
    far = {}
    for key, program, tiny in (("tests", "torch.test", "^TestParity$/llama"), ("decoder's tests", "decoder.test", "^TestStacked$")):
        chosen = ["-test.run", tiny if lab.dry else ".", "-test.skip", "Documented$"]  # documents stay behind
        seen = measure.run([lab.home / "test" / program, "-test.v", *chosen], {**lab.env, "FTADVISE_TEST_DEVICE": lab.device}, lab.cap(240), cwd=lab.home / "test")
        ends, apart = verdicts(seen.output)
        far.update(apart)
        top = {name: end for name, end in ends.items() if "/" not in name}
        yield key, dict(code=seen.code, seconds=seen.seconds, ends=top, failures=complaints(seen.output)[:40], trouble=seen.trouble() if seen.code and not top else "")
    yield "differences", far


def parity(lab):
    """GPT-2 from the same weights by both sides, full fine-tuning, step by step."""
    folder = lab.work / "models/gpt2-weights"
    if not (folder / "model.safetensors").exists():
        source = lab.model("gpt2")
        made = measure.run([lab.python, measure.HERE / "peer.py", "--model", source, "--save-random", folder], None, lab.cap(120))
        if made.code:
            yield "weights", dict(failed=made.trouble())
            return
        shutil.copy(source / "tokenizer.json", folder)
    for precision in ["fp32"] if lab.dry else ["fp32", "bf16", "bf16-pure"]:
        flags = lab.flags(folder, 4, 128, 20, "full", precision, random=False)
        ours, peer = lab.ours(flags), lab.peer("plain", flags)
        if not (ours.ok() and peer.ok()):
            yield precision, dict(ours=labs.told(ours), peer=labs.told(peer))
            continue
        a, b = ours.lines[0], peer.lines[0]
        apart = [abs(x - y) for x, y in zip(a["losses"], b["losses"])]
        yield precision, dict(worst=max(apart), first=apart[0], steps=len(apart), last_loss=a["last_loss"], peer_last_loss=b["last_loss"])


def random_pack(lab, rows, seq):
    """Rows of arbitrary tokens: where only time and memory count."""
    path = lab.work / f"pack-{rows}x{seq}.safetensors"
    protocol.write_pack(path, [[(7 * i + 31 * j) % 1500 for j in range(seq)] for i in range(rows)], seq)
    return path


def memory(lab):
    """The engine's memory figures against nvidia-smi's and against PyTorch's for the same work."""
    batch, seq = (2, 32) if lab.dry else (8, 1024)
    pack = random_pack(lab, 16, seq)
    for name, method in (("full", protocol.FULL), ("lora", protocol.lora(8))):
        before = lab.used_bytes()
        with contextlib.closing(lab.engine()) as engine:
            work = protocol.group(lab.model("gpt2"), pack, lab.device, lab.precision("bf16"), batch, [protocol.segment(name, method, 1e-4, 8)], random=True)
            events = engine.train(work, lab.cap(60))[name]
            after = lab.used_bytes()
        peer = lab.peer("plain", lab.flags("gpt2", 8, 1024, 8, name))
        told = events.get("memory", [{}])[-1]
        yield name, dict(
            allocated=told.get("peak_allocated_bytes"), reserved=told.get("peak_reserved_bytes"), nvidia_smi=None if after is None else after - before,
            peer=labs.told(peer),
        )


HOG = """
import sys, time, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(max(1, free - int(sys.argv[1])), dtype=torch.uint8, device="cuda")
print("held", flush=True)
time.sleep(900)
"""


@contextlib.contextmanager
def hog(lab, leave):
    """Another process that holds the device's memory but for `leave` bytes."""
    if lab.dry:
        yield
        return
    child = subprocess.Popen([lab.python, "-c", HOG, str(leave)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        if child.stdout.readline().strip() != b"held":
            raise protocol.EngineGone("the memory could not be filled")
        yield
    finally:
        child.kill()
        child.wait()


def exhaustion(lab):
    """Real exhaustion: the memory is filled by another process while ours wants some."""
    flags = lab.flags("gpt2", 8, 1024, 8, "full")
    with hog(lab, 3 * GIB):
        seen = lab.ours(flags)
        yield "bench", dict(code=seen.code, wanted_code=6, errors=seen.errors[-600:])
        store = lab.work / "store-exhaustion"
        shutil.rmtree(store, ignore_errors=True)
        shape = ["--seq-length", "32", "--batch", "2", "--budget", "10s"] if lab.dry else ["--seq-length", "1024", "--batch", "32", "--budget", "30s"]
        seen = lab.advise("calibrate", "--random-weights", "--model", lab.model("gpt2"), "--data", lab.text, "--store", store, "--horizon", "100",
                          "--precision", lab.precision("bf16"), "--output", "json", *shape, cap=120)
        yield "calibrate", dict(code=seen.code, errors=seen.errors[-600:], seconds=seen.seconds, **outcomes(store))
    seen = lab.ours(flags)
    yield "after", dict(code=seen.code, **labs.told(seen))


def outcomes(store):
    """What became of the trials of a store's only run."""
    runs = list(store.rglob("run.json"))
    if not runs:
        return dict(trials=[])
    run = json.loads(runs[0].read_text())
    kept = ("status", "reason", "micro_batch", "steps", "peak_allocated_bytes")
    trials = [dict(id=t["id"], **{k: t["outcome"].get(k) for k in kept}) for t in run["trials"]]
    return dict(micro_batch=run["setup"]["micro_batch"], trials=trials, warnings=[w["code"] for w in run.get("warnings") or []])


def killed(lab):
    """An engine killed in the middle of a step leaves nothing on the device."""
    seq = 32 if lab.dry else 1024
    before = lab.used_bytes()
    engine = lab.engine()
    work = protocol.group(lab.model("gpt2"), random_pack(lab, 16, seq), lab.device, lab.precision("bf16"), 8, [protocol.segment("full", protocol.FULL, 1e-4, 10**6)], random=True)
    engine.send(dict(type="train", group=work))
    engine.wait(["step"], lab.cap(60))
    during = lab.used_bytes()
    engine.close()
    started = time.time()
    after = lab.used_bytes()
    while after is not None and after > before + (16 << 20) and time.time() - started < 20:
        time.sleep(0.2)
        after = lab.used_bytes()
    yield "killed", dict(before=before, during=during, after=after, seconds=time.time() - started)
