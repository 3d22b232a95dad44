"""Writes small Parquet files of every type, encoding and nesting, and what pyarrow reads
from them as JSON Lines.

    pip install pyarrow==26.0.1
    python make.py
"""
import base64
import datetime
import decimal
import json
import math
import os
import random
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))


def plain(v):
    """A value as the reader has it."""
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, bytes):
        try:
            return v.decode()
        except UnicodeDecodeError:
            return base64.b64encode(v).decode()
    if isinstance(v, float):
        return None if math.isnan(v) or math.isinf(v) else v
    if isinstance(v, decimal.Decimal):
        return {"decimal": str(v)}
    if isinstance(v, datetime.datetime):
        return trimmed(v.replace(tzinfo=None).isoformat(" "))
    if isinstance(v, datetime.time):
        return trimmed(v.isoformat())
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, uuid.UUID):
        return str(v)
    return v


def trimmed(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


def write(name, table, **options):
    pq.write_table(table, os.path.join(HERE, name + ".parquet"), **options)
    with open(os.path.join(HERE, name + ".jsonl"), "w") as f:
        for row in table.to_pylist():
            f.write(json.dumps(plain(pairs(row)), ensure_ascii=False) + "\n")


def pairs(v):
    """Maps come as pairs; in the file they are a list of key and value."""
    if isinstance(v, list) and v and isinstance(v[0], tuple):
        return [{"key": k, "value": pairs(x)} for k, x in v]
    if isinstance(v, list):
        return [pairs(x) for x in v]
    if isinstance(v, dict):
        return {k: pairs(x) for k, x in v.items()}
    return v


def maybe(r, make, share=0.2):
    return None if r.random() < share else make()


def numbers(r, n):
    wide = lambda bits: [maybe(r, lambda: r.randrange(-(1 << bits - 1), 1 << bits - 1)) for _ in range(n)]
    return pa.table({
        "i8": pa.array(wide(8), pa.int8()), "i16": pa.array(wide(16), pa.int16()), "i32": pa.array(wide(32), pa.int32()), "i64": pa.array(wide(64), pa.int64()),
        "u32": pa.array([r.randrange(1 << 32) for _ in range(n)], pa.uint32()), "u64": pa.array([r.randrange(1 << 64) for _ in range(n)], pa.uint64()),
        "few": pa.array([r.randrange(3) for _ in range(n)], pa.int32()), "rising": pa.array(range(n), pa.int64()),
        "f32": pa.array([maybe(r, lambda: r.randrange(1000) / 8) for _ in range(n)], pa.float32()),
        "f64": pa.array([maybe(r, lambda: r.choice([r.random(), math.nan, math.inf, -0.0])) for _ in range(n)], pa.float64()),
        "yes": pa.array([maybe(r, lambda: r.random() < 0.7) for _ in range(n)], pa.bool_()),
    })


def others(r, n):
    day = datetime.date(2000, 1, 1)
    stamp = lambda: datetime.datetime(1960 + r.randrange(100), 1 + r.randrange(12), 1 + r.randrange(28), r.randrange(24), r.randrange(60), r.randrange(60), r.randrange(1000) * 1000)
    return pa.table({
        "day": pa.array([maybe(r, lambda: day + datetime.timedelta(r.randrange(-20000, 20000))) for _ in range(n)], pa.date32()),
        "ms": pa.array([maybe(r, stamp) for _ in range(n)], pa.timestamp("ms")), "us": pa.array([stamp() for _ in range(n)], pa.timestamp("us", tz="UTC")),
        "clock": pa.array([maybe(r, lambda: stamp().time()) for _ in range(n)], pa.time64("us")),
        "money": pa.array([maybe(r, lambda: decimal.Decimal(r.randrange(-10**9, 10**9)).scaleb(-4)) for _ in range(n)], pa.decimal128(12, 4)),
        "large": pa.array([decimal.Decimal(r.randrange(-10**30, 10**30)).scaleb(-2) for _ in range(n)], pa.decimal128(38, 2)),
        "blob": pa.array([maybe(r, lambda: bytes(r.randrange(256) for _ in range(r.randrange(9)))) for _ in range(n)], pa.binary()),
        "four": pa.array([bytes(r.randrange(256) for _ in range(4)) for _ in range(n)], pa.binary(4)),
        "half": pa.array([r.randrange(100) / 4 for _ in range(n)], pa.float16()),
        "text": pa.array([maybe(r, lambda: "".join(r.choice("aé世👍\"\\<\n") for _ in range(r.randrange(30)))) for _ in range(n)], pa.string()),
        "nothing": pa.nulls(n, pa.null()),
    })


def nested(r, n):
    word = lambda: r.choice(["", "a", "bc", "def", "é"])
    words = lambda: [maybe(r, word) for _ in range(r.randrange(4))]
    turn = pa.struct([("role", pa.string()), ("parts", pa.list_(pa.string())), ("at", pa.struct([("x", pa.int32()), ("y", pa.list_(pa.int64()))]))])
    place = lambda: {"x": maybe(r, lambda: r.randrange(9)), "y": maybe(r, lambda: [maybe(r, lambda: r.randrange(9)) for _ in range(r.randrange(3))])}
    one = lambda: {"role": maybe(r, word), "parts": maybe(r, words), "at": maybe(r, place)}
    return pa.table({
        "id": range(n),
        "words": pa.array([maybe(r, words) for _ in range(n)], pa.list_(pa.string())),
        "deep": pa.array([maybe(r, lambda: [maybe(r, words) for _ in range(r.randrange(3))]) for _ in range(n)], pa.list_(pa.list_(pa.string()))),
        "turns": pa.array([maybe(r, lambda: [maybe(r, one) for _ in range(r.randrange(4))]) for _ in range(n)], pa.list_(turn)),
        "place": pa.array([maybe(r, place) for _ in range(n)], turn.field(2).type),
        "map": pa.array([maybe(r, lambda: [(f"k{i}", maybe(r, words)) for i in range(r.randrange(3))]) for _ in range(n)], pa.map_(pa.string(), pa.list_(pa.string()))),
        "must": pa.array([[i] * (i % 3) for i in range(n)], pa.list_(pa.field("element", pa.int32(), nullable=False))),
    })


def main():
    r = random.Random(1)
    write("numbers", numbers(r, 300), row_group_size=130, data_page_size=200)
    write("numbers-v2", numbers(r, 300), data_page_version="2.0", compression="zstd", data_page_size=200)
    kinds = {"i8": "DELTA_BINARY_PACKED", "i16": "DELTA_BINARY_PACKED", "i32": "DELTA_BINARY_PACKED", "i64": "DELTA_BINARY_PACKED", "u64": "BYTE_STREAM_SPLIT", "u32": "BYTE_STREAM_SPLIT",
             "rising": "DELTA_BINARY_PACKED", "f32": "BYTE_STREAM_SPLIT", "f64": "BYTE_STREAM_SPLIT", "yes": "RLE", "few": "PLAIN"}
    write("numbers-encoded", numbers(r, 300), use_dictionary=False, column_encoding=kinds, data_page_size=400, data_page_version="2.0")
    write("others", others(r, 200), data_page_size=300)
    write("others-encoded", others(r, 200), use_dictionary=False, use_deprecated_int96_timestamps=True,
          column_encoding={"text": "DELTA_BYTE_ARRAY", "blob": "DELTA_LENGTH_BYTE_ARRAY", "four": "BYTE_STREAM_SPLIT", "large": "DELTA_BYTE_ARRAY"})
    write("nested", nested(r, 300), row_group_size=170, data_page_size=100)
    write("nested-v2", nested(r, 300), data_page_version="2.0", compression="gzip", data_page_size=64, use_compliant_nested_type=False)


if __name__ == "__main__":
    main()
