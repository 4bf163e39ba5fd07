#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One table of all benches, with ratios against the other parties of the same run, and the check of stated bounds.

A benchmark is named MEASURE/PARTY, PARTY being `isthmus` or the name of a peer or reference ("parse_L1/sofia"); one without a party, or with a number in its place, is ours alone. Times are the smallest of
the repetitions, CPU time. Counters of a benchmark can be bounded too.

bounds.json: {"MEASURE": {"PEER": 0.33, ...,  "counter:NAME": 0}}: our time is at most 0.33 of the peer's, the counter NAME at most 0.
A bound whose peer did not take part is named and not checked; a bound whose measure is gone is an error.

usage: bench_table.py --bounds FILE [--some] REPORT.json...      --some: only a part was run, bounds of other measures are left out
"""

import json
import sys

OURS = "isthmus"
SCALE = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
NOT_COUNTERS = {
    "name", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit",
    "family_index", "per_family_instance_index", "aggregate_name", "aggregate_unit", "label", "bytes_per_second", "items_per_second",
    "error_occurred", "error_message",
}  # fmt: skip


class Result:
    """One party of one measure."""

    def __init__(self):
        self.nanoseconds = float("inf")
        self.counters = {}


def read(paths):
    """{measure: {party: Result}} of all reports; fails on a benchmark that reported an error."""
    measures = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        for row in report["benchmarks"]:
            if row.get("run_type") == "aggregate":
                continue
            # Google Benchmark appends its own words ("/min_time:0.1", "/iterations:5", "/process_time"): they are not part of the name.
            parts = [p for p in row["run_name"].split("/") if ":" not in p and p not in ("process_time", "real_time")]
            measure, party = "/".join(parts[:-1]), parts[-1]
            if not measure or party.isdigit():
                measure, party = "/".join(parts), OURS
            if row.get("error_occurred"):
                sys.exit(f"{path}: {row['name']}: {row.get('error_message')}")
            result = measures.setdefault(measure, {}).setdefault(party, Result())
            result.nanoseconds = min(result.nanoseconds, row["cpu_time"] * SCALE[row["time_unit"]])
            for name, value in row.items():
                if name not in NOT_COUNTERS and isinstance(value, (int, float)):
                    result.counters[name] = min(value, result.counters.get(name, value))
    return measures


def print_table(measures):
    """A line per measure: our time, then the peers with our share of their time."""
    print(f"{'measure':<28} {'isthmus ns':>12}  others: ns (our time / theirs)")
    for measure, parties in sorted(measures.items()):
        ours = parties.get(OURS)
        line = f"{measure:<28} {ours.nanoseconds:>12.1f}" if ours else f"{measure:<28} {'-':>12}"
        for name, result in sorted(parties.items()):
            if name != OURS:
                share = f" ({ours.nanoseconds / result.nanoseconds:.3f})" if ours else ""
                line += f"  {name} {result.nanoseconds:.1f}{share}"
        if ours and ours.counters:
            line += "  [" + ", ".join(f"{k} {v:g}" for k, v in sorted(ours.counters.items())) + "]"
        print(line)


def check(measures, bounds, some):
    """Complaints about broken bounds; notes about what could not be checked are printed."""
    complaints = []
    for measure, limits in bounds.items():
        parties = measures.get(measure, {})
        ours = parties.get(OURS)
        if ours is None:
            if not some:
                complaints.append(f"{measure}: has bounds but was not measured")
            continue
        for against, limit in limits.items():
            if against.startswith("counter:"):
                value = ours.counters.get(against.removeprefix("counter:"))
                if value is None:
                    complaints.append(f"{measure}: the bench reports no {against}")
                elif value > limit:
                    complaints.append(f"{measure}: {against} is {value:g}, the bound is {limit:g}")
            elif against not in parties:
                print(f"not checked: {measure} against {against}, which did not take part")
            elif ours.nanoseconds / parties[against].nanoseconds > limit:
                share = ours.nanoseconds / parties[against].nanoseconds
                complaints.append(f"{measure}: takes {share:.3f} of {against}'s time, the bound is {limit:g}")
    return complaints


def main(arguments):
    some = "--some" in arguments
    arguments = [a for a in arguments if a != "--some"]
    if len(arguments) < 3 or arguments[0] != "--bounds":
        sys.exit(__doc__)
    with open(arguments[1], encoding="utf-8") as file:
        bounds = {k: v for k, v in json.load(file).items() if not k.startswith("_")}
    measures = read(arguments[2:])
    print_table(measures)
    complaints = check(measures, bounds, some)
    for complaint in complaints:
        print(f"bound broken: {complaint}", file=sys.stderr)
    return 1 if complaints or not measures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
