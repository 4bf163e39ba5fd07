#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each example configuration starts. What belongs to a reader's own machine (addresses, folders, certificates) is replaced by what this machine has; everything
else stays as it is written. Usage: examples_test.py PROGRAM"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from smoke_test import Started

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ""
NAMES = ["behind-nginx", "lan", "public-server", "trunk", "two-phones"]


def ours(text, folder):
    """The same on loopback, with free ports and a certificate of this machine."""
    text = re.sub(r'"(?:192\.168\.1\.10|0\.0\.0\.0|127\.0\.0\.1):(?:5060|8443|443|8080)"', '"127.0.0.1:0"', text)
    assert text.count('data = "/var/lib/isthmus"\n') == 1, "where the package keeps its state"
    text = re.sub(r'(?m)^data = .*$', f'data = "{folder}/data"', text)
    text = re.sub(r'(?m)^certificate = .*$', f'certificate = "{folder}/data/tls/server.pem"', text)
    text = re.sub(r'(?m)^key = .*$', f'key = "{folder}/data/tls/server-key.pem"', text)
    return re.sub(r"(?m)^port = 40000$", "port = 0", text)


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-examples-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def test_these_are_all(self):
        self.assertEqual(sorted(path.stem for path in (ROOT / "etc/examples").glob("*.toml")), NAMES)

    def test_a_trunk_opens_no_port_for_browsers(self):
        (self.path / "trunk.toml").write_text((ROOT / "etc/examples/trunk.toml").read_text().replace("/var/lib/isthmus", str(self.path)))
        done = subprocess.run([PROGRAM, "check", "trunk.toml"], cwd=self.path, capture_output=True, text=True, timeout=20)
        self.assertNotIn("browser", done.stdout, "its page is on loopback")
        self.assertIn("5060/udp", done.stdout)

    def test_the_complete_example_is_what_no_file_is(self):
        done = subprocess.run([PROGRAM, "check", str(ROOT / "etc/isthmus.toml")], capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


def add(name):
    def start(self):
        subprocess.run([PROGRAM, "cert", "127.0.0.1"], cwd=self.path, check=True, capture_output=True, timeout=20)
        (self.path / "isthmus.toml").write_text(ours((ROOT / f"etc/examples/{name}.toml").read_text(), self.path))
        done = subprocess.run([PROGRAM, "check", "isthmus.toml"], cwd=self.path, capture_output=True, text=True, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        started = Started([PROGRAM, "run", "--config", "isthmus.toml"], self.path, "gateway.log", env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET="a secret"))
        self.addCleanup(started.stop)
        page = started.line(r"page\s+(https?)://([0-9.]+:\d+)/")
        if page.group(1) == "http":
            with urllib.request.urlopen(f"http://{page.group(2)}/readyz", timeout=10) as reply:
                self.assertEqual(reply.status, 200)
        self.assertEqual(started.stop(), 0, started.text())
        self.assertNotRegex(started.text(), r"(?m) error ")

    setattr(Examples, f"test_{name.replace('-', '_')}_starts", start)


for each in NAMES:
    add(each)

if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
