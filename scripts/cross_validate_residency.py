#!/usr/bin/env python3
"""Cross-validates the reuse model: splits a trace by sessions into two halves and simulates each on its own.

A constant of the model is chosen by what it does on one half and reported by what it does on the other; a gain that
shows on one half only is luck. Capacities are shares of the half's own unique blocks.

Usage: cross_validate_residency.py TRACE [--halflife build/release/halflife] [--policies lru,model] [--capacity 1%,2%,5%]
TRACE is a Mooncake trace (.jsonl) or a compact one (.ct.gz). Prints one line per half, policy and capacity, and the
mean hit ratio of each policy and half.
"""
import argparse
import gzip
import hashlib
import json
import os
import subprocess
import tempfile
from collections import defaultdict


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("trace")
    parser.add_argument("--halflife", default="build/release/halflife")
    parser.add_argument("--policies", default="lru,model")
    parser.add_argument("--capacity", default="0.5%,1%,2%,5%,10%,20%")
    parser.add_argument("--objective", default="hits")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for half, path in enumerate(split(arguments.trace, directory)):
            answer = subprocess.run(
                [arguments.halflife, "simulate", path, "--policy", arguments.policies, "--capacity", arguments.capacity,
                 "--objective", arguments.objective, "--output", "json"],
                check=True, capture_output=True, text=True).stdout
            ratios = defaultdict(list)
            for line in answer.splitlines():
                cell = json.loads(line)
                ratios[cell["policy"]].append(cell["hit_ratio"])
                print(f"half {half}  {cell['policy']:12} {cell['capacity_ratio']:7.2%}  hit {cell['hit_ratio']:.4f}  "
                      f"saved {cell['saved_recompute_ratio']:.4f}")
            for policy, values in ratios.items():
                print(f"half {half}  {policy:12}    mean  hit {sum(values) / len(values):.4f}")


if __name__ == "__main__":
    main()
