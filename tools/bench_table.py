#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One table of all benches, with ratios against the other parties of the same run, and the check of stated bounds.

A benchmark is named MEASURE/PARTY, PARTY being `isthmus` or the name of a peer or reference ("parse/L1/sofia-sip"); one without a party, or
with a number in its place, is ours alone. A measure that does not begin with the name of its report gets it in front ("sdp/parse_description/0").
Times are the smallest of the repetitions, CPU time. Counters of a benchmark can be bounded too.

bounds.json: {"MEASURE": {"PEER": 0.33, "ours:OTHER MEASURE": 4, "counter:NAME": 0}}: our time is at most 0.33 of the peer's and at most four
times that of our other measure, the counter NAME at most 0. A measure may be a pattern ("sdp/parse_description/*"). A bound whose other side did
not take part is named and not checked; a bound whose measure is gone is an error.

usage: bench_table.py --bounds FILE [--some] REPORT.json...      --some: only a part was run, bounds of other measures are left out
"""

import fnmatch
import json
import pathlib
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
        self.label = ""


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
            words = row["run_name"].split("/")
            parts = [p for p in words if ":" not in p and p not in ("process_time", "real_time", "manual_time")]
            measure, party = "/".join(parts[:-1]), parts[-1]
            if not measure or party.isdigit():
                measure, party = "/".join(parts), OURS
            report_name = pathlib.Path(path).stem
            if not measure.startswith(report_name):
                measure = f"{report_name}/{measure}"
            if row.get("error_occurred"):
                sys.exit(f"{path}: {row['name']}: {row.get('error_message')}")
            result = measures.setdefault(measure, {}).setdefault(party, Result())
            # A bench that measures by itself (manual time) hands its figure over as real time.
            time = row["real_time"] if "manual_time" in words else row["cpu_time"]
            result.nanoseconds = min(result.nanoseconds, time * SCALE[row["time_unit"]])
            result.label = row.get("label", "")
            for name, value in row.items():
                if name not in NOT_COUNTERS and isinstance(value, (int, float)):
                    result.counters[name] = min(value, result.counters.get(name, value))
    return measures


def print_table(measures):
    """A line per measure: our time, then the peers with our share of their time."""
    width = max((len(measure) for measure in measures), default=0) + 2
    print(f"{'measure':<{width}} {'isthmus ns':>12}  others: ns (our time / theirs)")
    for measure, parties in sorted(measures.items()):
        ours = parties.get(OURS)
        line = f"{measure:<{width}} {ours.nanoseconds:>12.1f}" if ours else f"{measure:<{width}} {'-':>12}"
        for name, result in sorted(parties.items()):
            if name != OURS:
                share = f" ({ours.nanoseconds / result.nanoseconds:.3f})" if ours else ""
                line += f"  {name} {result.nanoseconds:.1f}{share}"
        if ours and ours.counters:
            line += "  [" + ", ".join(f"{k} {v:g}" for k, v in sorted(ours.counters.items())) + "]"
        if ours and ours.label:
            line += f"  {ours.label}"
        print(line)


def check_one(measures, measure, against, limit):
    """The complaint about one bound of one measure, or None; says when it cannot be checked."""
    ours = measures[measure][OURS]
    if against.startswith("counter:"):
        value = ours.counters.get(against.removeprefix("counter:"))
        if value is None:
            return f"{measure}: the bench reports no {against}"
        return f"{measure}: {against} is {value:g}, the bound is {limit:g}" if value > limit else None
    if against.startswith("ours:"):
        other = measures.get(against.removeprefix("ours:"), {}).get(OURS)
    else:
        other = measures[measure].get(against)
    if other is None:
        print(f"not checked: {measure} against {against}, which did not take part")
        return None
    share = ours.nanoseconds / other.nanoseconds
    return f"{measure}: takes {share:.3f} of the time of {against}, the bound is {limit:g}" if share > limit else None


def check(measures, bounds, some):
    """Complaints about broken bounds."""
    complaints = []
    for pattern, limits in bounds.items():
        found = [m for m in fnmatch.filter(sorted(measures), pattern) if OURS in measures[m]]
        if not found and not some:
            complaints.append(f"{pattern}: has bounds but was not measured")
        complaints += [check_one(measures, measure, against, limit) for measure in found for against, limit in limits.items()]
    return [complaint for complaint in complaints if complaint]


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
