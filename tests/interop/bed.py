# SPDX-License-Identifier: MIT
"""The gateway under test, and witnesses from outside it: its descriptors, sockets and memory as the kernel tells them, and its metrics as it
tells them itself. Each gateway lives in a folder of its own and is ended by its process id."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("ISTHMUS", str(ROOT / "build/release/bin/isthmus"))
API_SECRET = "secret-of-the-interop-tests"
RTP_FIRST, RTP_LAST = 20000, 20999
START_LIMIT = 30
END_LIMIT = 30

# RFC 3261 17.1.1.1 defaults, with which all of these tests run, and what R1.26 promises on top of them.
T1, T4 = 0.5, 5.0
LIVE_LIMIT = 1.0
LINGER_LIMIT = 3 * 64 * T1 + T4


def wait_until(condition, what, limit=10.0, pause=0.02):
    """Until `condition()` is true; its value. It is asked again and again, never slept for."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what() if callable(what) else what}")
        time.sleep(pause)


def free_ports(count, address="127.0.0.1", first=10000, last=19999):
    """The first of so many ports in a row, even, that nobody has for TCP or UDP; below those that the kernel gives away."""
    for port in range(first + 2 * (os.getpid() % 97), last - count, 2):
        row = range(port, port + count)
        if _given.isdisjoint(row) and all(_is_free(each, address) for each in row):
            _given.update(row)
            return port
    raise AssertionError("no free ports")


def free_port():
    return free_ports(1)


def _is_free(port, address):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


_given = set()


class Program:
    """A child process whose lines are kept as they come."""

    def __init__(self, command, **options):
        self.lines = []
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def line(self, pattern, limit=START_LIMIT):
        """The first line in which `pattern` is found, of those there are and those to come: the match."""
        def look():
            found = next(filter(None, (re.search(pattern, line) for line in list(self.lines))), None)
            if found is None and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before a line {pattern}:\n" + "\n".join(self.lines))
            return found

        return wait_until(look, lambda: f"a line {pattern} in:\n" + "\n".join(self.lines), limit)

    def end(self, how=signal.SIGTERM, limit=END_LIMIT):
        """Asks it to end; its exit status. Killed when it does not within the limit."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        self.process.stdout.close()
        return self.process.returncode


class Gateway:
    """`config`: TOML lines after the listeners. `address`: where SIP listens. `sip` is "address:port", the same for UDP and TCP."""

    def __init__(self, config="", address="127.0.0.1"):
        self._folder = tempfile.TemporaryDirectory(prefix="isthmus-interop-")
        self.folder = pathlib.Path(self._folder.name)
        path = self.folder / "isthmus.toml"
        path.write_text(_LISTENERS.format(data=self.folder / "data", secret=API_SECRET, address=address, first=RTP_FIRST, last=RTP_LAST) + config)
        self.program = Program([PROGRAM, "--config", str(path)], cwd=self.folder)
        try:
            self.url = self.program.line(r"http://[\d.]+:\d+")[0]
            self.sip = self.program.line(r"([\d.]+:\d+) \(udp\)")[1]
            tcp = self.program.line(r"([\d.]+:\d+) \(tcp\)")[1]
        except AssertionError:
            self.program.end()
            self._folder.cleanup()
            raise
        assert tcp == self.sip, "one port serves both"
        self.host, _, port = self.sip.partition(":")
        self.port = int(port)

    def stop(self):
        """SIGTERM; nothing is left behind. Its exit status."""
        status = self.program.end()
        self._folder.cleanup()
        return status

    # ---- what it says of itself

    def metrics(self):
        """{name or name{labels}: value} of a scrape."""
        request = urllib.request.Request(self.url + "/metrics", headers={"Authorization": f"Bearer {API_SECRET}"})
        with urllib.request.urlopen(request, timeout=5) as reply:
            text = reply.read().decode()
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def gauges(self, family):
        """The samples of isthmus_FAMILY that are not 0."""
        return {name: value for name, value in self.metrics().items() if name.startswith(f"isthmus_{family}{{") and value != 0}

    def calls(self):
        return int(self.metrics()['isthmus_live{machine="exchange",kind="calls"}'])

    def wait_nothing_live(self, limit=LIVE_LIMIT):
        wait_until(lambda: not self.gauges("live"), lambda: f"live gauges at 0, but {self.gauges('live')}", limit)

    def wait_nothing_left(self, limit=LINGER_LIMIT):
        self.wait_nothing_live()
        wait_until(lambda: not self.gauges("lingering"), lambda: f"lingering gauges at 0, but {self.gauges('lingering')}", limit, pause=0.25)

    # ---- what the kernel says of it

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.program.pid}/fd"))

    def udp_sockets(self):
        """The local ports of its UDP sockets, with their addresses."""
        held = set()
        for entry in os.scandir(f"/proc/{self.program.pid}/fd"):
            try:
                held.add(os.readlink(entry.path))
            except FileNotFoundError:
                pass  # closed meanwhile
        return {local for table in ("udp", "udp6") for local, inode in _sockets(table) if f"socket:[{inode}]" in held}

    def memory_kib(self):
        """Its anonymous resident memory: without the pages of the program file, which come as they are first used."""
        status = pathlib.Path(f"/proc/{self.program.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.M)[1])


def _sockets(table):
    for row in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        words = row.split()
        yield words[1], words[9]


def is_bound(port, tables=("udp", "tcp")):
    """Somebody in this network namespace has the port (TCP: listens on it)."""
    ending = f":{port:04X}"
    for table in tables:
        for row in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = row.split()
            if words[1].endswith(ending) and (table == "udp" or words[3] == "0A"):
                return True
    return False


def refused_rtp_ports(address="127.0.0.1"):
    """The ports of the configured range that cannot be bound again, R4.18."""
    refused = []
    for port in range(RTP_FIRST, RTP_LAST + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                refused.append(port)
    return refused


_LISTENERS = """
data = "{data}"
admission = "closed"
[api]
secret = "{secret}"
[sip]
udp = ["{address}:0"]
tcp = ["{address}:0"]
[web]
listen = "127.0.0.1:0"
[media]
rtp_first_port = {first}
rtp_last_port = {last}
"""
