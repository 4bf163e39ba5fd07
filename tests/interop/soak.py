# SPDX-License-Identifier: MIT
"""A steady load for the program: SIPp calls SIPp through it with media both ways, over UDP and over TCP, hung up by either side, given up,
refused by the callee, to nobody, from strangers, and phones that register. It is sampled meanwhile; soak_bounds judges."""

import os
import pathlib
import subprocess
import tempfile
import time

import bed
from bed import Gateway, free_port, wait_until
from scenarios import Callee, Caller, Registration, called, calling, cancelling, hearing_busy
from sipp import Sipp
from soak_bounds import Course, Sample, Soak

# Sixteen calls at once, eleven beginnings a second: about a tenth of a core for the gateway, less than half of one for all.
TALK_MS = 8000
TALKS_AT_ONCE = 4
SHORT_MS = 1000  # between the beginnings of calls that nobody takes
SHORTS_AT_ONCE = 8
ACCOUNT, PASSWORD = "phone", "password-of-a-phone"
ACCOUNTS = f'\n[[account]]\nname = "{ACCOUNT}"\npassword = "{PASSWORD}"\n'
CALLER = '\n[[trunk]]\nname = "callers"\nsources = ["127.0.0.1/32"]\n'
CALLEE = '\n[[trunk]]\nname = "{name}"\nnumbers = ["{number}"]\nhost = "127.0.0.1"\nport = {port}\ntransport = "{transport}"\n'
NOBODY = "999"
STRANGER, PHONE = "127.0.0.2", "127.0.0.3"  # no sources of a trunk

SAMPLES = 180
SHORTEST_PAUSE_S = 1.0
# A call that is up when the load ends is over after its talk, and at worst after Timer B or F.
DRAIN_LIMIT = TALK_MS / 1000 + 64 * bed.T1 + 10
GIVEN_BACK_LIMIT = 10.0  # with a machine that is busy with others
# SIPp's watchdog ends it on a machine that has stalled a few times.
PATIENT = ("-watchdog_major_maxtriggers", "1000000", "-watchdog_minor_maxtriggers", "1000000", "-fd", "30")
OWN_FAILURES = ("FailedCannotSendMessage(C)", "FailedOutboundCongestion(C)", "FailedCmdNotSent(C)")
MUST_STAY_ZERO = ("isthmus_sip_forced_removals_total", "isthmus_outbox_dropped_total", "isthmus_posted_dropped_total", "isthmus_media_lost_events_total")
ENDLESS = 100_000_000
A_STREAM_EACH = ("-t", "tn", "-max_socket", "200")


class Group:
    """Calls of one kind: a caller, and a callee where there is one. `every_ms`: between two beginnings."""

    def __init__(self, name, caller, callee=None, transport="udp", every_ms=SHORT_MS, at_once=SHORTS_AT_ONCE, number=None, address="127.0.0.1", options=()):
        self.name, self.number, self.transport = name, number, transport
        self._scenarios = caller, callee
        self._every_ms, self._at_once, self._address, self._options = every_ms, at_once, address, options
        self.port = free_port()  # of the callee
        self._caller = self._callee = None

    def trunk(self):
        return CALLEE.format(name=self.name, number=self.number, port=self.port, transport=self.transport) if self._scenarios[1] else ""

    def start(self, gateway, limit):
        common = {"calls": ENDLESS, "transport": self.transport, "limit": int(limit)}
        if self._scenarios[1]:
            self._callee = Sipp(self._scenarios[1], self.port, options=(*PATIENT, "-rtp_echo"), **common)
            self._callee.wait_ready()
        pace = ("-r", "1", "-rp", str(self._every_ms), "-l", str(self._at_once), *PATIENT, *self._options)
        self._caller = Sipp(self._scenarios[0], free_port(), to=gateway.sip, address=self._address, options=pace, **common)

    def check(self):
        """Both are still there."""
        for each in self._sides():
            assert each.program.process.poll() is None, f"{self.name}: SIPp ended with {each.program.process.returncode}\n{each.report()}"

    def drain(self):
        self._caller.drain()

    def drained(self):
        """Waits until the caller has ended, and then the callee. A sentence for each that has not, and how far its calls came."""
        for each in reversed(self._sides()):
            if each is self._callee:
                each.drain()  # a second time would cut its calls
            try:
                each.program.process.wait(DRAIN_LIMIT)
            except subprocess.TimeoutExpired:
                yield f"{self.name}: {each.statistic('CurrentCall')} calls did not end\n{each.report()[-3000:]}"

    def course(self, seconds):
        own = sum(self._caller.statistic(name) for name in OWN_FAILURES)
        failed = max(0, self._caller.statistic("FailedCall(C)") - own)
        report = "\n".join(each.report()[-3000:] for each in self._sides()) if failed else ""
        return Course(self.name, int(seconds * 1000 / self._every_ms), self._caller.statistic("SuccessfulCall(C)"), failed, own, report)

    def stop(self):
        for each in self._sides():
            each.stop()

    def _sides(self):
        return [each for each in (self._callee, self._caller) if each]


def groups(voice):
    """`voice`: a file for the callers to speak."""
    talk = {"every_ms": TALK_MS // TALKS_AT_ONCE, "at_once": 2 * TALKS_AT_ONCE}
    for digit, transport in enumerate(("udp", "tcp"), 1):
        def group(number, kind, caller, callee, **pace):
            return Group(f"{transport} {kind}", caller, callee, transport, number=number, **pace)

        first, second, third, fourth = (f"{digit}{kind}00" for kind in range(1, 5))
        yield group(first, "hung up by the caller", calling("caller", number=first).speak(voice).pause(TALK_MS).bye(), called("callee").hung_up(), **talk)
        yield group(second, "hung up by the callee", calling("caller", number=second).speak(voice).hung_up(), called("callee").pause(TALK_MS).bye(), **talk)
        yield group(third, "cancelled", cancelling("caller", number=third), Callee("callee").invited().ring().cancelled())
        yield group(fourth, "refused", hearing_busy("caller", number=fourth), Callee("callee").invited().ring().refuse(486, "Busy Here"))
        again = transport == "udp"
        phone = Registration("phone", ACCOUNT, PASSWORD).register(600).pause(300).register(600, challenged=again).register(0, challenged=again)
        yield Group(f"{transport} registered", phone, None, transport, address=PHONE, at_once=4, options=() if again else A_STREAM_EACH)
    yield Group("to nobody", Caller("caller", number=NOBODY).invite().answered(100, optional=True).answered(404).ack_refusal())
    stranger = Caller("stranger", user="stranger").invite().answered(407, ("Proxy-Authenticate", "Digest")).ack_refusal()
    yield Group("from strangers", stranger, address=STRANGER)


def run(minutes):
    """A whole soak; what it has shown. AssertionError where SIPp itself breaks."""
    with tempfile.TemporaryDirectory(prefix="isthmus-soak-") as folder:
        voice = pathlib.Path(folder) / "voice"
        voice.write_bytes(bytes(range(256)) * 32)
        load = list(groups(voice))
        gateway = Gateway(CALLER + ACCOUNTS + "".join(each.trunk() for each in load))
        try:
            return _measure(gateway, load, minutes * 60)
        finally:
            for each in load:
                each.stop()
            gateway.stop()


def _measure(gateway, load, seconds):
    descriptors, sockets, sent = gateway.descriptors(), gateway.udp_sockets(), datagrams_sent()
    for group in load:
        group.start(gateway, seconds + DRAIN_LIMIT + 60)
    samples, missed = _sample(gateway, load, seconds)
    for group in load:
        group.drain()
    left = [sentence for group in load for sentence in group.drained()]
    sent = datagrams_sent() - sent
    left += _left(gateway, descriptors, sockets)
    metrics = gateway.metrics()
    cpu, waited = cpu_seconds(gateway.program.pid), waited_seconds(gateway.program.pid)
    return Soak(
        samples, missed, [group.course(seconds) for group in load],
        {name.split('"')[1]: count for name, count in metrics.items() if name.startswith("isthmus_calls_ended_total{")},
        metrics["isthmus_media_relayed_total"], sent, {name: metrics[name] for name in MUST_STAY_ZERO}, left, gateway.stop(), cpu, waited,
    )  # fmt: skip


def _sample(gateway, load, seconds):
    pause = max(SHORTEST_PAUSE_S, seconds / SAMPLES)
    samples, missed = [], 0
    began = time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        for group in load:
            group.check()
        try:
            samples.append(Sample(at, gateway.memory_kib(), gateway.descriptors(), gateway.calls()))
        except OSError:
            missed += 1
        time.sleep(max(0, began + at + pause - time.monotonic()))
    return samples, missed


def _left(gateway, descriptors, sockets):
    """Sentences of what is not given back within its bound. R1.26: live gauges, then lingering ones; then the kernel's view."""
    def flat():
        return gateway.descriptors() == descriptors and gateway.udp_sockets() == sockets

    for condition, what, limit in (
        (lambda: not gateway.gauges("live"), lambda: f"live gauges are {gateway.gauges('live')}", GIVEN_BACK_LIMIT),
        (lambda: gateway.metrics()["isthmus_bindings"] == 0, lambda: "registrations are left", GIVEN_BACK_LIMIT),
        (lambda: not gateway.gauges("lingering"), lambda: f"lingering gauges are {gateway.gauges('lingering')}", bed.LINGER_LIMIT),
        (flat, lambda: f"descriptors were {descriptors}, and are {gateway.descriptors()}", GIVEN_BACK_LIMIT),
        (lambda: bed.refused_rtp_ports() == [], lambda: f"ports {bed.refused_rtp_ports()} cannot be bound again", GIVEN_BACK_LIMIT),
    ):
        try:
            wait_until(condition, what, limit, pause=0.25)
        except AssertionError as broken:
            yield str(broken)


def datagrams_sent():
    """By all programs in this network namespace."""
    names, values = (line.split() for line in pathlib.Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Udp:"))
    return int(dict(zip(names, values))["OutDatagrams"])


def cpu_seconds(pid):
    """User and system time of a process."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def waited_seconds(pid):
    """How long its first thread, which carries calls and media, was ready to run and had no core."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9
