# SPDX-License-Identifier: MIT
"""What a soak must keep, and the judgement of what one has shown. Numbers in, sentences out: nothing here runs anything."""

import dataclasses
import statistics

# The goal is 1 MiB an hour. A series of some minutes cannot tell that from a heap that grows once by some pages, which gets its own room.
SLOPE_LIMIT_KIB_PER_HOUR = 1024
GROWN_ONCE_KIB = 256
# A busy machine has more calls at once. Each has four sockets in the gateway (RTP and RTCP of two legs); a few streams come and go.
SOCKETS_OF_A_CALL = 4
DESCRIPTORS_GROWTH = 4
# One packet in, one out; the caller's are sent back by the callee: of four datagrams the gateway sends two, and some are SIP.
LEAST_RELAYED_SHARE = 0.45
# Fewer calls than this part of those planned is no steady load, and proves nothing.
LEAST_LOAD_SHARE = 0.5
MOST_MISSED_SHARE = 0.1
# A gateway that waited so long for a core was not looked at: what it did too late was not its fault.
MOST_WAITED_SHARE = 0.1
WARM_UP_SHARE = 1 / 3
# RFC 3261 17.1.2.2, 17.2.2: for 64*T1 transactions that absorb repeats only come, then as many go.
WARM_UP_S = 40
# A run that is not much longer than that still has its last third.
MOST_WARM_UP_SHARE = 2 / 3
LEAST_SAMPLES = 12
# How calls of this load end: by a BYE, a CANCEL, a 486 of the callee, a 404 of the gateway.
ENDS = ("hung_up", "cancelled", "rejected", "not_found")


@dataclasses.dataclass
class Sample:
    at: float  # seconds since the load began
    memory_kib: int
    descriptors: int
    calls: int


@dataclasses.dataclass
class Course:
    """Of one group of calls: what was planned, what SIPp says of them."""

    name: str
    planned: int
    good: int
    failed: int  # where the gateway did not do what the scenario says
    own: int = 0  # where SIPp could not send
    report: str = ""


@dataclasses.dataclass
class Soak:
    samples: list
    missed: int  # samples that were not to be had
    courses: list
    ended: dict  # reason: calls, as the gateway counts them
    relayed: float
    datagrams: float  # all that anybody sent
    counters: dict  # what must be 0
    left: list  # sentences of what was not given back in time
    status: int  # of the gateway's process
    cpu_seconds: float
    waited_seconds: float  # ready, without a core


def steady(samples):
    """Without the warm-up."""
    whole = samples[-1].at if samples else 0
    warm = max(whole * WARM_UP_SHARE, min(WARM_UP_S, whole * MOST_WARM_UP_SHARE))
    return [each for each in samples if each.at >= warm]


def slope(points):
    """Least squares over (x, y): y per x."""
    count = len(points)
    middle_x, middle_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def memory_slope(samples):
    """KiB an hour after the warm-up."""
    return 3600 * slope([(each.at, each.memory_kib) for each in steady(samples)])


def descriptors_growth(samples):
    """Of those that are of no call, from the first half to the last. The median: calls begin between the two numbers of a sample."""
    beside = [each.descriptors - SOCKETS_OF_A_CALL * each.calls for each in steady(samples)]
    half = len(beside) // 2
    return statistics.median(beside[-half:]) - statistics.median(beside[:half])


def verdict(soak):
    """A sentence for each bound that is broken; none is a clean soak."""
    return [*_of_calls(soak), *_of_samples(soak), *soak.left]


def result(soak):
    """One word: clean, failed, or void where something is broken and the machine was too busy to blame the gateway. Void is no success."""
    if not verdict(soak):
        return "clean"
    return "void" if soak.waited_seconds > MOST_WAITED_SHARE * soak.samples[-1].at else "failed"


def _of_calls(soak):
    for course in soak.courses:
        if course.failed:
            yield f"{course.name}: {course.failed} calls failed by the gateway\n{course.report}"
        if course.good < course.planned * LEAST_LOAD_SHARE:
            yield f"{course.name}: {course.good} calls of {course.planned} planned are no steady load"
    for reason, count in soak.ended.items():
        if count and reason not in ENDS:
            yield f"{count:.0f} calls ended with {reason}"
    if soak.relayed < soak.datagrams * LEAST_RELAYED_SHARE:
        yield f"{soak.relayed:.0f} of {soak.datagrams:.0f} datagrams were relayed: media did not pass both ways"
    for name, count in soak.counters.items():
        if count:
            yield f"{name} is {count:.0f}"
    if soak.status != 0:
        yield f"the gateway ended with status {soak.status}"


def _of_samples(soak):
    if len(soak.samples) < LEAST_SAMPLES or soak.missed > MOST_MISSED_SHARE * len(soak.samples):
        yield f"{len(soak.samples)} samples, {soak.missed} were not to be had"
        return
    kept = steady(soak.samples)
    hours = (kept[-1].at - kept[0].at) / 3600
    grown = memory_slope(soak.samples) * hours
    if grown > SLOPE_LIMIT_KIB_PER_HOUR * hours + GROWN_ONCE_KIB:
        yield f"memory grew by {grown:.0f} KiB in {hours * 60:.1f} minutes, {memory_slope(soak.samples):.0f} KiB an hour"
    growth = descriptors_growth(soak.samples)
    if growth > DESCRIPTORS_GROWTH:
        yield f"descriptors grew by {growth:.0f} under a steady load"
    if not any(each.calls for each in kept):
        yield "no sample saw a call"


def figures(soak):
    """One line."""
    good, failed, own = (sum(getattr(each, name) for each in soak.courses) for name in ("good", "failed", "own"))
    calls = [each.calls for each in steady(soak.samples)] or [0]
    line = f"{good} calls and registrations, {failed} failed by the gateway, {own} not sent by SIPp; {sum(calls) / len(calls):.0f} calls at once, {soak.relayed:.0f} packets relayed"
    if len(soak.samples) >= LEAST_SAMPLES:
        line += f"; {soak.samples[-1].memory_kib} KiB, {memory_slope(soak.samples):+.0f} KiB/h; descriptors {descriptors_growth(soak.samples):+.0f}"
    return line + f"; {soak.cpu_seconds:.1f} s of CPU and {soak.waited_seconds:.1f} s without a core in {soak.samples[-1].at / 60 if soak.samples else 0:.1f} min"
