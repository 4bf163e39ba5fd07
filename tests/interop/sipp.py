# SPDX-License-Identifier: MIT
"""SIPp as caller and callee: a scenario is written to a file, SIPp runs it for a number of calls, and its exit status says whether each call
went as written. What it did not like stands in its error file."""

import csv
import pathlib
import signal
import subprocess
import tempfile

from bed import Program, free_ports, is_bound, wait_until

LIMIT = 60
MEDIA_PORTS = 4  # RTP and RTCP of audio and video
END_OF_CALLS = 20


class Sipp:
    """`to`: "address:port" of the gateway, none for a callee. `within`: a command that runs it elsewhere (a namespace)."""

    def __init__(self, scenario, port, calls=1, to=None, transport="udp", address="127.0.0.1", options=(), within=(), limit=LIMIT):
        self._folder = tempfile.TemporaryDirectory(prefix="isthmus-sipp-")
        self._path = pathlib.Path(self._folder.name)
        (self._path / "scenario.xml").write_text(scenario.xml())
        self.port = port
        self.calls = calls
        self._limit = limit
        command = [
            *within, "sipp", "-sf", "scenario.xml", "-i", address, "-mi", address, "-p", str(port), "-mp", str(free_ports(MEDIA_PORTS)),
            "-t", "t1" if transport == "tcp" else "u1", "-m", str(calls), "-nostdin", "-timeout", str(limit), "-timeout_error",
            "-trace_err", "-error_file", "errors", "-trace_stat", "-stf", "statistics", "-fd", "1",
            *(["-trace_msg", "-message_file", "messages"] if calls <= 5 else []), *options, *([to] if to else []),
        ]  # fmt: skip
        self.program = Program(command, cwd=self._path)

    def wait_ready(self):
        """Until a callee has its port."""
        wait_until(lambda: is_bound(self.port) or self.program.process.poll() is not None, f"SIPp on port {self.port}")

    def finish(self, limit=None):
        """Waits until all its calls are over; fails unless each went as written."""
        try:
            try:
                self.program.process.wait(limit or self._limit + 5)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"SIPp does not end\n{self.report()}") from None
            status = self.program.end()
            assert status == 0, f"SIPp ended with {status}\n{self.report()}"
            assert self.statistic("SuccessfulCall(C)") == self.calls, self.report()
        finally:
            self.stop()

    def drain(self):
        """Asks it to begin no more calls and to end when those that are up are over."""
        self.program.process.send_signal(signal.SIGUSR1)

    def stop(self):
        self.program.end()
        self._folder.cleanup()

    def statistic(self, name):
        """The newest value of a column of its statistics; 0 before there are any."""
        path = self._path / "statistics"
        rows = list(csv.DictReader(path.read_text().splitlines(), delimiter=";")) if path.exists() else []
        return int(rows[-1][name]) if rows and rows[-1].get(name) else 0

    def messages(self):
        """What it sent and received, as it wrote it down (few calls only)."""
        path = self._path / "messages"
        return path.read_text(errors="replace") if path.exists() else ""

    def report(self):
        errors = self._path / "errors"
        told = errors.read_text(errors="replace") if errors.exists() else "\n".join(self.program.lines[-40:])
        return f"{told[-6000:]}\n{self.messages()[-12000:]}"


def run_pair(gateway, ports, pair, calls=1, transport="udp", rate=50, at_once=100, during=None, limit=LIMIT):
    """One pair of scenarios through the gateway; both sides must be content. `ports`: (caller, callee). `during(caller)` runs meanwhile."""
    caller_scenario, callee_scenario = pair
    callee = Sipp(callee_scenario, ports[1], calls, transport=transport, limit=limit)
    caller = None
    try:
        callee.wait_ready()
        pace = ("-r", str(rate), "-l", str(at_once))
        caller = Sipp(caller_scenario, ports[0], calls, gateway.sip, transport, options=pace, limit=limit)
        if during:
            during(caller)
        caller.finish()
        callee.finish(END_OF_CALLS)
    except AssertionError as error:
        raise AssertionError(f"{error}\n--- callee\n{callee.report()}") from None
    finally:
        for each in (caller, callee):
            if each:
                each.stop()
