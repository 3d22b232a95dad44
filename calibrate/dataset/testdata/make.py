"""Writes small Parquet files of the kinds that pyarrow and datasets make.

    pip install pyarrow==26.0.1
    python make.py
"""
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, table, **options):
    pq.write_table(table, os.path.join(HERE, name + ".parquet"), **options)


def main():
    n = 40
    prompts = [f"What is {i} plus {i + 3}?" for i in range(n)]
    completions = [f"It is {2 * i + 3}, é世👍." for i in range(n)]
    flat = pa.table({"prompt": prompts, "completion": completions})
    for codec in ("snappy", "zstd", "gzip", "brotli", "lz4", "none"):
        for version in ("1.0", "2.0"):
            write(f"flat-{codec}-v{version[0]}", flat, compression=codec, data_page_version=version, row_group_size=16)
    write("delta", flat, use_dictionary=False, column_encoding={"prompt": "DELTA_BYTE_ARRAY", "completion": "DELTA_LENGTH_BYTE_ARRAY"})
    write("large", flat.cast(pa.schema([("prompt", pa.large_string()), ("completion", pa.large_string())])))
    write("dictionary", pa.table({"prompt": pa.array(prompts).dictionary_encode(), "completion": completions}))
    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    messages = [[{"role": "user", "content": p}, {"role": "assistant", "content": c}] for p, c in zip(prompts, completions)]
    write("messages-lz4-v2", pa.table({"messages": pa.array(messages, pa.list_(turn)), "id": range(n)}), compression="lz4", data_page_version="2.0")
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["negative", "positive"], "_type": "ClassLabel"}}
    labels = pa.table({"text": prompts, "label": pa.array([i % 2 for i in range(n)])})
    write("class-label", labels.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}))
    write("nulls", pa.table({"prompt": prompts, "completion": [None if i == 7 else c for i, c in enumerate(completions)]}))


if __name__ == "__main__":
    main()
