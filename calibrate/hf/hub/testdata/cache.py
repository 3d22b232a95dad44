"""Reads and fills a hub cache with huggingface_hub, for TestCacheIsShared.

    python cache.py read CACHE    prints the folder of org/name in the cache, offline
    python cache.py fill CACHE    downloads org/name from HF_ENDPOINT into the cache
"""
import sys

from huggingface_hub import snapshot_download

print(snapshot_download("org/name", cache_dir=sys.argv[2], local_files_only=sys.argv[1] == "read"))
