"""How ours grows: with tokens, with parameters, with steps. The peer is ours, smaller.

Each measure is a cost by unit of what grows, so a ratio of 1 is growth in proportion.
"""

import measure


def by_token(bench, work):
    """Four times the tokens a step: nanoseconds a token."""
    large, small = bench.flags(work), bench.flags({**work, "batch": work["batch"] // 4})
    cost = [[1e9 / line["tokens_per_s"] for line in bench.ours(flags).lines] for flags in (large, small)]
    return {f"time a token, {m}": ("ns", a, b) for m, a, b in zip(work["methods"].split(","), *cost)}


def by_parameter(bench, work):
    """Six times the parameters at equal tokens: picoseconds a token and parameter."""
    large, small = bench.ours(bench.flags(work)), bench.ours(bench.flags({**work, "model": work["smaller"]}))
    parameters = [side.lines[0]["trainable"] for side in (large, small)]  # full's come first
    cost = [[1e12 / line["tokens_per_s"] / p for line in side.lines] for side, p in zip((large, small), parameters)]
    return {f"time a token and parameter, {m}": ("ps", a, b) for m, a, b in zip(work["methods"].split(","), *cost)}


def by_step(bench, work):
    """Twenty times the steps: the process's peak."""
    found = {}
    for method in work["methods"].split(","):
        long, short = bench.flags(work, method), bench.flags({**work, "steps": work["steps"] // 20}, method)
        found[f"peak RSS, {method}"] = ("MB", *(bench.ours(flags).peak_rss / measure.MB for flags in (long, short)))
    return found
