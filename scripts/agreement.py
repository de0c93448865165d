#!/usr/bin/env python3
"""Replays a trace through a real daemon over gRPC and compares its hit ratio with `halflife simulate` at as many blocks.

The daemon has one tier (DRAM), whose budget is the capacity in blocks times the payload of a block, and no shared
memory. Its clock is the trace's: the replay moves it (common/replay_clock.h), so an hour of idle time is an hour to the
policy although the replay takes seconds. For that it has to be built with HL_TEST_HOOKS (the dev preset). Requests come
one after another (--concurrency), in the order of the trace; everything else is what users run, above all the background
thread, which evicts when it comes to it.

Usage: agreement.py TRACE [--build build/dev] [--policy model,lru] [--capacity 1%,2%,5%,10%] [--limit REQUESTS]
Prints one line per policy and capacity. Exit code 0 if none differs by more than --tolerance points, 1 if one does,
77 if the trace is not here.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

LEAST_BUDGET_BYTES = 16 << 20  # of storage.dram.budget
PAGE_BYTES = 4096
PATIENCE = "20s"  # of a call: what a busy machine delays must not count as a miss
EXIT_UNAVAILABLE = 3  # of halflife: some call found no daemon and counts as a miss; it says how many
SIMULATED_AS = {"lru": "lru-daemon"}


def shortened(path, limit, directory):
    """The first `limit` requests, in a file of the same format."""
    compact = path.endswith(".gz")
    with (gzip.open(path, "rt") if compact else open(path, encoding="utf-8")) as file:
        lines = file.readlines()
    lines = lines[: limit + (1 if lines[0].startswith("#") else 0)]
    short = os.path.join(directory, "trace" + (".ct.gz" if compact else ".jsonl"))
    with (gzip.open(short, "wt") if compact else open(short, "w", encoding="utf-8")) as file:
        file.writelines(lines)
    return short


def simulate(halflife, trace, arguments):
    policies = ",".join(SIMULATED_AS.get(policy, policy) for policy in arguments.policy.split(","))
    answer = subprocess.run(
        [halflife, "simulate", trace, "--policy", policies, "--capacity", arguments.capacity, "--output", "json"],
        check=True, capture_output=True, text=True).stdout
    cells = [json.loads(line) for line in answer.splitlines()]
    return [(policy, cell) for policy in arguments.policy.split(",") for cell in cells
            if cell["policy"] == SIMULATED_AS.get(policy, policy)]


def replay(arguments, trace, policy, blocks):
    """Prefix hit ratio of a daemon that has room for so many blocks, and the seconds it took."""
    build = arguments.build
    payload = -(-LEAST_BUDGET_BYTES // blocks // PAGE_BYTES) * PAGE_BYTES
    with tempfile.TemporaryDirectory(prefix="halflife-agreement.") as directory:
        endpoint = f"unix://{directory}/d.sock"
        clock = os.path.join(directory, "clock")
        with open(os.path.join(directory, "log"), "w+", encoding="utf-8") as log:
            daemon = subprocess.Popen(
                [f"{build}/halflifed", "--server.unix_socket", f"{directory}/d.sock", "--server.shared_memory", "false",
                 "--server.drain_time", "0s", "--admin.listen=", "--storage.policy", policy,
                 "--storage.dram.budget", f"{blocks * payload}B", *arguments.flag],
                env={**os.environ, "HALFLIFE_REPLAY_CLOCK": clock}, stdout=log, stderr=log)
            try:
                subprocess.run([f"{build}/halflife", "health", "--endpoint", endpoint, "--wait", "20s"], check=True,
                               capture_output=True)
                log.seek(0)
                if "time is that of the replay" not in log.read():
                    sys.exit("agreement.py: the daemon keeps its own time: build it with HL_TEST_HOOKS")
                answer = subprocess.run(
                    [f"{build}/halflife", "trace", "replay", trace, "--endpoint", endpoint, "--payload", f"{payload}B",
                     "--concurrency", str(arguments.concurrency), "--verify", "off", "--clock-file", clock, "--output", "json",
                     *(word for call in ("lookup", "get", "put") for word in (f"--{call}-budget", PATIENCE))],
                    check=False, stdout=subprocess.PIPE, text=True)
            finally:
                daemon.terminate()
                daemon.wait()
    if answer.returncode not in (0, EXIT_UNAVAILABLE):
        sys.exit(f"agreement.py: halflife trace replay ended with {answer.returncode}")
    figures = json.loads(answer.stdout)["replay"]
    figures = figures[0] if isinstance(figures, list) else figures
    if figures["blocks_refused"]:
        print(f"  {figures['blocks_refused']} blocks were refused")
    return figures["prefix_hit_ratio"], figures["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("trace")
    parser.add_argument("--build", default="build/dev")
    parser.add_argument("--policy", default="model,lru")
    parser.add_argument("--capacity", default="1%,2%,5%,10%")
    parser.add_argument("--limit", type=int, default=0, help="requests; 0 = all")
    parser.add_argument("--tolerance", type=float, default=1.0, help="percentage points")
    parser.add_argument("--concurrency", type=int, default=1, help="requests under way at a time; 1: the order of the trace")
    parser.add_argument("--flag", action="append", default=[], help="further setting of the daemon, as --KEY=VALUE")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.trace):
        print(f"skipped: {arguments.trace} is not here")
        sys.exit(77)
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="halflife-agreement.") as directory:
        trace = arguments.trace
        if arguments.limit:
            trace = shortened(trace, arguments.limit, directory)
        for policy, cell in simulate(f"{arguments.build}/halflife", trace, arguments):
            ratio, seconds = replay(arguments, trace, policy, cell["capacity_blocks"])
            points = 100 * (ratio - cell["hit_ratio"])
            worst = max(worst, abs(points))
            print(f"{policy:6} {cell['capacity_blocks']:7} blocks ({cell['capacity_ratio']:.2%})  "
                  f"simulator {cell['hit_ratio']:.4f}  daemon {ratio:.4f}  {points:+.2f} points  {seconds:.1f} s",
                  flush=True)
    print(f"largest difference {worst:.2f} points")
    sys.exit(0 if worst <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
