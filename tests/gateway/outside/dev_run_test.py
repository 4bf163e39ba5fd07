#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`./dev run` in a terminal: Ctrl-C, a termination and the closing of the terminal each end gateway and web server, and nothing stays behind. It is
tools/run.sh as it stands, without the packages and the build before. Usage: dev_run_test.py PROGRAM"""
import os
import pathlib
import pty
import re
import select
import signal
import socket
import sys
import tempfile
import time
import unittest

from smoke_test import PATIENCE, ROOT

BUILT = ROOT / "build/release/bin/isthmus"
SCRIPT = """set -euo pipefail
note() { echo "dev: $*"; }
fail() { note "$*"; exit 1; }
need() { :; }
configure() { :; }
compile() { :; }
. tools/run.sh
webserver_port=$1
shift
run_demo "$@"
"""


class DevRun(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-dev-run-")
        self.addCleanup(folder.cleanup)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        words = ["bash", "-c", SCRIPT, "dev", port, "--sip", "127.0.0.1:0", "--web", "127.0.0.1:0", "--data", folder.name]
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(ROOT)
            os.execvpe("bash", words, dict(os.environ, build_only="false"))
        self.said = ""
        self.addCleanup(self.end_all)
        page = self.read_until(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1)
        self.ports = (int(port), int(page))
        self.children = [int(word) for word in pathlib.Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]
        self.assertEqual(len(self.children), 2, "the web server and the gateway")

    def end_all(self):
        for process in [*getattr(self, "children", []), self.process]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def read_until(self, pattern):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
            found = re.search(pattern, self.said)
            if found:
                return found
        raise AssertionError(f"no {pattern!r} in:\n{self.said}")

    def ended(self):
        """The script's exit status; by then both have ended and their ports are free."""
        end = time.monotonic() + PATIENCE
        while True:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                break
            self.assertLess(time.monotonic(), end, "the script goes on")
            time.sleep(0.02)
        for child in self.children:
            self.assertFalse(pathlib.Path(f"/proc/{child}").exists(), f"process {child} is left behind")
        for port in self.ports:
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), PATIENCE).close()
        self.children = []
        return os.waitstatus_to_exitcode(status)

    def test_closing_the_terminal_ends_both(self):
        os.close(self.terminal)
        self.assertEqual(self.ended(), 129)

    def test_ctrl_c_ends_both(self):
        os.write(self.terminal, b"\x03")
        self.assertEqual(self.ended(), 130)
        os.close(self.terminal)

    def test_a_termination_ends_both(self):
        os.kill(self.process, signal.SIGTERM)
        self.assertEqual(self.ended(), 143)
        os.close(self.terminal)


if __name__ == "__main__":
    assert os.path.samefile(sys.argv.pop(1), BUILT), f"./dev run starts {BUILT}"
    unittest.main(verbosity=2)
