"""Fills the folder that gpu.py runs in: `make gpu` calls it.

    python prepare.py ROOT GOROOT OUT

Programs are built into OUT before. Text comes from the Go distribution: corpus.txt is Go
source of most packages, near.txt that of others, far.txt is assembly; which package goes
where follows from its path's hash, as for the embedded model.
"""

import hashlib
import pathlib
import shutil
import sys

CORPUS_BYTES, SAMPLE_BYTES = 24_000_000, 3_000_000


def digest(path):
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "little")


def share(path):
    """The same shares as calibrate/embedded/make has."""
    part = digest(str(pathlib.PurePosixPath(path).parent)) % 100
    return "general" if part < 6 else "near" if part < 20 else "corpus"


def sources(src):
    """Paths of Go files and of assembly below src, in the order of their hashes."""
    go, assembly = [], []
    for path in src.rglob("*"):
        name = path.relative_to(src).as_posix()
        if "testdata/" in name or "vendor/" in name:
            continue
        if name.endswith(".go") and not name.endswith("_test.go"):
            go.append(name)
        elif name.endswith(".s"):
            assembly.append(name)
    return sorted(go, key=digest), sorted(assembly, key=digest)


def join(src, names, limit):
    text, size = [], 0
    for name in names:
        data = (src / name).read_bytes()
        if data.startswith(b"// Code generated") or size + len(data) > limit:
            continue
        try:
            text.append(data.decode() + "\n")
        except UnicodeDecodeError:
            continue
        size += len(data)
    return "".join(text)


def main():
    root, goroot, out = map(pathlib.Path, sys.argv[1:])
    embedded, torch = root / "calibrate/embedded", root / "calibrate/torch"
    for source in (torch / "peers").glob("*.py"):
        shutil.copy(source, out)
    shutil.copytree(embedded / "base", out / "base", dirs_exist_ok=True)
    shutil.copytree(embedded / "data", out / "data", dirs_exist_ok=True)
    shutil.copytree(torch / "testdata", out / "test/testdata", dirs_exist_ok=True)
    go, assembly = sources(goroot / "src")
    size = out / "size"
    size.mkdir(exist_ok=True)
    for name, files, limit in (
        ("corpus", [p for p in go if share(p) == "corpus"], CORPUS_BYTES),
        ("near", [p for p in go if share(p) == "near"], SAMPLE_BYTES),
        ("far", assembly, SAMPLE_BYTES),
    ):
        (size / f"{name}.txt").write_text(join(goroot / "src", files, limit), encoding="utf-8")


main()
