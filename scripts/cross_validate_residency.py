#!/usr/bin/env python3
"""Cross-validates a choice: splits a trace by sessions into two halves and simulates each on its own.

What is best on one half, by its mean hit ratio over the capacities, is chosen, and reported by what it does on the
other; a gain that shows on one half only is luck. A choice is a policy (--policies) or, with --choice NAME=ARGUMENTS,
further arguments of `halflife simulate` for the model: --choice 'tree=--categories tree'. Capacities are shares of the
half's own unique blocks.

Usage: cross_validate_residency.py TRACE [--halflife build/release/halflife] [--policies lru,model] [--capacity 1%,2%,5%]
TRACE is a Mooncake trace (.jsonl) or a compact one (.ct.gz). Prints a table per half, and what was chosen.
"""
import argparse
import gzip
import hashlib
import json
import os
import shlex
import subprocess
import tempfile


def half_of(session):
    return hashlib.sha256(str(session).encode()).digest()[0] & 1


def mooncake_sessions(lines):
    """A request continues the one whose full blocks are the longest known prefix of its own, and each only once."""
    by_last_block, next_session = {}, 0
    for line in lines:
        request = json.loads(line)
        blocks = request["hash_ids"][: request["input_length"] // 512]
        session = None
        for block in reversed(blocks):
            if block in by_last_block:
                session = by_last_block.pop(block)
                break
        if session is None:
            session, next_session = next_session, next_session + 1
        if blocks:
            by_last_block[blocks[-1]] = session
        yield session


def compact_sessions(lines):
    session_of = {}
    for line in lines:
        fields = line.split("|")
        chat, parent = int(fields[3]), int(fields[4])
        session_of[chat] = session_of.get(parent, chat)
        yield session_of[chat]


def split(path, directory):
    """Writes the halves, in the format of the trace, and returns their paths."""
    compact = path.endswith(".gz")
    with (gzip.open(path, "rt") if compact else open(path, encoding="utf-8")) as file:
        lines = file.readlines()
    header = [line for line in lines[:1] if line.startswith("#")]
    requests = lines[len(header) :]
    sessions = compact_sessions(requests) if compact else mooncake_sessions(requests)
    halves = [list(header), list(header)]
    for line, session in zip(requests, sessions):
        halves[half_of(session)].append(line)
    paths = []
    for number, half in enumerate(halves):
        paths.append(os.path.join(directory, f"half{number}" + (".ct.gz" if compact else ".jsonl")))
        with (gzip.open(paths[-1], "wt") if compact else open(paths[-1], "w", encoding="utf-8")) as file:
            file.writelines(half)
    return paths


def simulate(arguments, path, policies, extra):
    """Hit ratio by policy and capacity, and the capacities."""
    answer = subprocess.run(
        [arguments.halflife, "simulate", path, "--policy", policies, "--capacity", arguments.capacity,
         "--objective", arguments.objective, "--output", "json", *extra],
        check=True, capture_output=True, text=True).stdout
    cells = [json.loads(line) for line in answer.splitlines()]
    names = list(dict.fromkeys(cell["policy"] for cell in cells))
    return {name: [cell[arguments.figure] for cell in cells if cell["policy"] == name] for name in names}


def ratios_of_half(arguments, path):
    ratios = simulate(arguments, path, arguments.policies, [])
    for choice in arguments.choice:
        name, _, extra = choice.partition("=")
        ratios[name] = simulate(arguments, path, "model", shlex.split(extra))["model"]
    return ratios


def mean(values):
    return sum(values) / len(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("trace")
    parser.add_argument("--halflife", default="build/release/halflife")
    parser.add_argument("--policies", default="lru,wa,lirs,model-alone,model")
    parser.add_argument("--choice", action="append", default=[], metavar="NAME=ARGUMENTS")
    parser.add_argument("--capacity", default="0.5%,1%,2%,5%,10%,20%")
    parser.add_argument("--objective", default="hits")
    parser.add_argument("--figure", default="hit_ratio", choices=["hit_ratio", "saved_recompute_ratio"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        halves = [ratios_of_half(arguments, path) for path in split(arguments.trace, directory)]
    width = max(map(len, halves[0]))
    for half, ratios in enumerate(halves):
        print(f"half {half}  " + " " * width + "".join(f"{text:>8}" for text in arguments.capacity.split(",")) + "    mean")
        for name, values in ratios.items():
            print(f"        {name:{width}}" + "".join(f"{value:8.4f}" for value in values) + f"{mean(values):8.4f}")
    for half, ratios in enumerate(halves):
        chosen = max(ratios, key=lambda name, ratios=ratios: mean(ratios[name]))
        other = halves[1 - half]
        best = max(other, key=lambda name, other=other: mean(other[name]))
        print(f"best on half {half}: {chosen}; on half {1 - half} it hits {mean(other[chosen]):.4f}, "
              f"the best there, {best}, {mean(other[best]):.4f}")


if __name__ == "__main__":
    main()
