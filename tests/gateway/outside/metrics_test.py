#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/metrics.md against the program: every metric that is exported is listed there with its type and labels, and every one that is listed is
exported. Usage: metrics_test.py PROGRAM"""
import json
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from smoke_test import OFFER, PATIENCE, ROOT, Started, WebSocket

sys.path.insert(0, str(ROOT / "tests/api"))
from watch_test import listed  # noqa: E402

PROGRAM = ""
CONFIG = """
admission = "allow-all"
[timers]
shutdown_s = 1
[webhook]
url = "http://127.0.0.1:9/nobody-is-there"
secrets = ["metrics-test-hook"]
[api]
secret = "metrics-test-secret"
[[account]]
name = "alice"
password = "metrics-test-password"
[[trunk]]
name = "carrier"
host = "127.0.0.1"
port = 9
numbers = ["2000"]
"""


def exported(text):
    """{family: (type, labels of its samples)} and {sample: value}."""
    families, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            families[name] = (kind, set())
        elif not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            family = name if name in families else re.sub(r"_(bucket|sum|count)$", "", name)
            families[family][1].update(set(re.findall(r'(\w+)="', labels or "")) - {"le"})
            samples[name + (f"{{{labels}}}" if labels else "")] = float(value)
    return families, samples


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="isthmus-metrics-")
        (pathlib.Path(cls.folder.name) / "isthmus.toml").write_text(CONFIG)
        cls.gateway = Started([PROGRAM, "run", "--config", "isthmus.toml", "--sip", "127.0.0.1:0", "--web", "127.0.0.1:0"], cls.folder.name, "gateway.log")
        cls.port = int(cls.gateway.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))

    @classmethod
    def tearDownClass(cls):
        status = cls.gateway.stop()
        cls.folder.cleanup()
        assert status == 0, status

    def scrape(self):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers={"Authorization": "Bearer metrics-test-secret"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return exported(response.read().decode())

    def secure(self):
        """What a gateway with TLS exports."""
        folder = pathlib.Path(self.folder.name) / "secure"
        folder.mkdir()
        subprocess.run([PROGRAM, "cert", "127.0.0.1", "--data", "data"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        files = 'certificate = "data/tls/server.pem"\nkey = "data/tls/server-key.pem"\n'
        (folder / "isthmus.toml").write_text(CONFIG.replace("[api]", f"[web]\n{files}[api]"))
        gateway = Started([PROGRAM, "run", "--config", "isthmus.toml", "--sip", "127.0.0.1:0", "--web", "127.0.0.1:0"], folder, "gateway.log")
        try:
            port = int(gateway.line(r"page\s+https://127\.0\.0\.1:(\d+)/").group(1))
            request = urllib.request.Request(f"https://127.0.0.1:{port}/metrics", headers={"Authorization": "Bearer metrics-test-secret"})
            trusting = ssl.create_default_context(cafile=folder / "data/tls/ca.pem")
            with urllib.request.urlopen(request, timeout=PATIENCE, context=trusting) as response:
                return exported(response.read().decode())
        finally:
            gateway.stop()

    def test_the_list_and_the_program_say_the_same(self):
        families, _ = self.scrape()
        secure, samples = self.secure()
        for name, (_, labels) in secure.items():
            families[name][1].update(labels)
        self.assertGreater(samples['isthmus_certificate_expiry_timestamp_seconds{use="web"}'], time.time() + 86400)
        written = listed((ROOT / "docs/metrics.md").read_text(encoding="utf-8"))
        self.assertEqual({name: (kind, sorted(labels)) for name, (kind, labels) in families.items()},
                         {name: (kind, sorted(labels)) for name, (kind, labels) in written.items()})

    def test_names_follow_the_convention(self):
        for name, (kind, labels) in self.scrape()[0].items():
            self.assertRegex(name, r"^(isthmus|process)_[a-z][a-z0-9_]*$")
            self.assertEqual(kind == "counter", name.endswith("_total"), name)
            self.assertTrue(kind != "histogram" or name.endswith("_seconds"), name)
            self.assertFalse(labels & {"le", "quantile", "job", "instance"}, name)

    def test_a_call_is_seen_in_its_states_and_times(self):
        client = WebSocket(self.port)
        client.request("sign_in", account="alice", password="metrics-test-password")
        call = client.request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
        client.state("confirmed")
        now = self.scrape()[1]
        self.assertEqual(now['isthmus_calls{direction="outgoing",state="confirmed"}'], 1)
        self.assertEqual(now['isthmus_call_setup_seconds_count{direction="outgoing"}'], 1)
        self.assertEqual(now['isthmus_call_setup_seconds_bucket{direction="outgoing",le="+Inf"}'], 1)
        client.request("drop_call", call_id=call)
        # A trunk that nobody is at: port 9 of loopback is refused at once.
        client.request("make_call", to="2000", sdp=OFFER)
        client.state("dropped")
        then = self.scrape()[1]
        self.assertEqual(then['isthmus_calls{direction="outgoing",state="confirmed"}'], 0)
        self.assertEqual(then['isthmus_call_duration_seconds_count{direction="outgoing"}'], 1)
        self.assertEqual(then['isthmus_calls_ended_total{reason="unavailable"}'], 1)
        self.assertEqual(then['isthmus_trunk_failures_total{trunk="carrier"}'], 1)

    def test_a_web_server_that_is_away_is_told_and_makes_nothing_unready(self):
        client = WebSocket(self.port)
        client.request("sign_in", account="alice", password="metrics-test-password")  # an event for the web server
        end = time.monotonic() + PATIENCE
        while self.scrape()[1]["isthmus_webhook_failing"] != 1:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        now = self.scrape()[1]
        self.assertGreaterEqual(now['isthmus_webhook_posts_total{outcome="repeated"}'], 1)
        self.assertGreaterEqual(now['isthmus_webhook_seconds_count{kind="event"}'], 1)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=PATIENCE) as response:
            self.assertEqual((response.status, json.load(response)),
                             (200, {"status": "ready", "notes": ["The web server gave no usable answer the last time."]}))

    def test_the_process_is_measured(self):
        now = self.scrape()[1]
        folder = pathlib.Path(f"/proc/{self.gateway.process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        self.assertAlmostEqual(now["process_resident_memory_bytes"] / (pages * 4096), 1, delta=0.2)
        self.assertLessEqual(abs(now["process_open_fds"] - len(list((folder / "fd").iterdir()))), 2)
        self.assertGreaterEqual(now["process_max_fds"], now["process_open_fds"])
        self.assertGreaterEqual(now["isthmus_uptime_seconds"], 0)


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop()).resolve())
    unittest.main(verbosity=2)
