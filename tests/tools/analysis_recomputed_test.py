#!/usr/bin/env python3
"""Recomputes what `halflife analyze` prints from the counts in its JSON, with code of its own.

Usage: analysis_recomputed_test.py HALFLIFE [TRACE...]. Without traces, and where they are not here, a generated one.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

EXPONENTIAL_FIT_DISTANCE = 0.08  # docs/simulate.md, "analyze"
TOKENS_THAT_DOUBLE_THE_COST = 35_000  # docs/simulate.md, "What is counted"


def close(what, printed, computed, tolerance=1e-4):
    if printed is None or computed is None:
        assert printed is None and computed is None, f"{what}: {printed} printed, {computed} computed"
        return
    allowed = tolerance * max(1, abs(computed))
    assert abs(printed - computed) <= allowed, f"{what}: {printed} printed, {computed} computed"


def share(part, whole):
    return part / whole if whole else None


def check_counts(report):
    summary = report["summary"]
    close("ideal hit ratio", summary["ideal_hit_ratio"], share(summary["hit_blocks"], summary["blocks"]))
    for table, key in (("positions", "first_depth"), ("turns", "turn")):
        rows = report[table]
        assert sum(row["blocks"] for row in rows) == summary["blocks"], table
        assert sum(row["hit_blocks"] for row in rows) == summary["hit_blocks"], table
        for row in rows:
            close(f"{table} {row[key]} hit ratio", row["hit_ratio"], share(row["hit_blocks"], row["blocks"]))
            close(f"{table} {row[key]} share", row["share_of_hits_ratio"],
                  share(row["hit_blocks"], summary["hit_blocks"]))
    assert sum(row["requests"] for row in report["turns"]) == summary["requests"]
    assert report["categories"][0]["requests"] == summary["requests"]
    for point in report["skew"]:
        assert abs(point["blocks"] - point["most_used_blocks_ratio"] * summary["unique_blocks"]) <= 0.5 + 1e-6


def quantile(counts, q):
    wanted, below = q * sum(n for _, n in counts), 0
    for value, n in counts:
        below += n
        if below >= wanted:
            return value


def check_evidence(report):
    summary, reuses = report["summary"], report["reuse_counts"]
    assert sum(row["blocks"] for row in reuses) == summary["unique_blocks"]
    assert sum(row["times_used_again"] * row["blocks"] for row in reuses) == summary["hit_blocks"]
    close("blocks ever reused", summary["blocks_ever_reused_ratio"],
          share(sum(row["blocks"] for row in reuses if row["times_used_again"] > 0), summary["unique_blocks"]))
    close("hits within session", summary["hits_within_session_ratio"],
          share(summary["hits_within_session"], summary["hit_blocks"]))
    for point in report["skew"]:
        left, hits = point["blocks"], 0
        for row in reuses:  # most used first
            taken = min(left, row["blocks"])
            left, hits = left - taken, hits + taken * row["times_used_again"]
        close("skew", point["share_of_hits_ratio"], share(hits, summary["hit_blocks"]))
    for times in report["times"]:
        counts = [(row["seconds"], row["n"]) for row in report["time_counts"] if row["quantity"] == times["quantity"]]
        assert sum(n for _, n in counts) == times["n"], times["quantity"]
        for column, value in times.items():
            if column.startswith("p"):
                percent = float(column[1:].split("_")[0])
                close(f"{times['quantity']} {column}", value, quantile(counts, percent / 100))
    values = [1 + row["depth"] * summary["block_tokens"] / TOKENS_THAT_DOUBLE_THE_COST for row in report["depths"]]
    saved = sum(value * row["hit_blocks"] for value, row in zip(values, report["depths"]))
    close("saved recompute", summary["ideal_saved_recompute_ratio"],
          share(saved, sum(value * row["blocks"] for value, row in zip(values, report["depths"]))))
    for bucket in report["positions"]:
        inside = [row for row in report["depths"] if bucket["first_depth"] <= row["depth"] <= bucket["last_depth"]]
        assert sum(row["blocks"] for row in inside) == bucket["blocks"]
        assert sum(row["hit_blocks"] for row in inside) == bucket["hit_blocks"]


def kaplan_meier(rows):
    survival, at_risk, value = [], sum(row["reused"] + row["censored"] for row in rows), 1.0
    for row in rows:
        survival.append(value)
        effective = at_risk - row["censored"] / 2
        value *= 1 - min(1, row["reused"] / effective if effective > 0 else 0)
        at_risk -= row["reused"] + row["censored"]
    return survival


def defective_exponential(rows):
    """Maximum likelihood of 1 - p + p e^(-rate t), by EM over the bins, to 1e-6 or for 200 steps (idle_histogram.cc)."""
    reuses, all_intervals = sum(row["reused"] for row in rows), sum(row["reused"] + row["censored"] for row in rows)
    reused_s = sum(row["reused_age_seconds"] for row in rows)
    if reuses <= 0 or reused_s <= 0:
        return 0, 0
    p, rate = reuses / all_intervals, reuses / reused_s
    for _ in range(200):
        returning = returning_s = 0.0
        for row in rows:
            if row["censored"] <= 0:
                continue
            age = row["censored_age_seconds"] / row["censored"]
            still = p * math.exp(-rate * age)
            back = row["censored"] * still / (1 - p + still)
            returning, returning_s = returning + back, returning_s + back * age
        before = p, rate
        p, rate = (reuses + returning) / all_intervals, reuses / (reused_s + returning_s)
        if abs(p - before[0]) < 1e-6 * before[0] and abs(rate - before[1]) < 1e-6 * before[1]:
            break
    return p, rate


def check_fits(categories, curves, name_of):
    for category in categories:
        name = name_of(category)
        rows = [row for row in curves if row["category"] == name]
        # A row stands for an age bin; the last one that is printed begins within the trace, and later ones are empty.
        close(f"{name} intervals", category["intervals"], sum(row["reused"] + row["censored"] for row in rows), 1e-3)
        survival = kaplan_meier(rows)
        for row, value in zip(rows, survival):
            close(f"{name} life table at {row['age_seconds']}", row["life_table_survival"], value, 1e-3)
        p, rate = defective_exponential(rows)
        for row in rows:
            close(f"{name} exponential at {row['age_seconds']}", row["exponential_survival"],
                  1 - p + p * math.exp(-rate * row["age_seconds"]), 2e-3)
        distance = max(abs(row["life_table_survival"] - row["exponential_survival"]) for row in rows)
        close(f"{name} fit distance", category["fit_distance_ratio"], distance, 2e-3)
        if category["model"] == "exponential":
            assert distance <= EXPONENTIAL_FIT_DISTANCE + 2e-3, name
            close(f"{name} reuse probability", category["reuse_probability_ratio"], p, 2e-3)
            if rate > 0:
                close(f"{name} half-life", category["half_life_seconds"], math.log(2) / rate, 5e-3)
                close(f"{name} mean gap", category["mean_gap_seconds"], 1 / rate, 5e-3)


def check_tree(report):
    tree, categories = report["category_tree"], report["tree_categories"]
    assert tree["categories"] == len(categories)
    assert tree["train_requests"] + tree["next_requests"] == report["summary"]["requests"]
    assert sum(category["requests"] for category in categories) == report["summary"]["requests"]
    nodes = report["tree_nodes"]
    assert tree["leaves"] == sum(1 for node in nodes if node["category"] is not None)
    for growth in report["tree_growth"]:
        if growth["train_gain_nats"] is None:
            continue
        close("gain per request", growth["train_gain_nats_per_request"],
              growth["train_gain_nats"] / tree["train_requests"], 1e-3)


def check(halflife, trace):
    answer = subprocess.run([halflife, "analyze", trace, "--evidence", "--output", "json"], check=True, capture_output=True, text=True)
    report = json.loads(answer.stdout)
    check_counts(report)
    check_evidence(report)
    check_fits(report["categories"], report["curves"], lambda category: category["category"])
    check_fits(report["tree_categories"], report["tree_curves"], lambda category: category["category"])
    check_tree(report)
    print(f"{os.path.basename(trace)}: {len(report['categories'])} categories and "
          f"{len(report['tree_categories'])} of the tree recomputed")


def main():
    halflife = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        generated = os.path.join(directory, "chat.ct.gz")
        subprocess.run([halflife, "workload", "generate", "chat", "--requests", "2000", "--seed", "3", "--out", generated],
                       check=True, capture_output=True)
        for trace in [generated, *filter(os.path.exists, sys.argv[2:])]:
            check(halflife, trace)


if __name__ == "__main__":
    main()
