#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/webserver/server.py as a program: good, forged, stale and malformed requests (R0.5, R0.6, R0.24)."""
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
import urllib.parse

SERVER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "webserver" / "server.py"
OLD, NEW = "old-secret", "new-secret"


def signature(body, secrets=(NEW,), when=None):
    when = str(int(time.time() if when is None else when))
    parts = [hmac.new(secret.encode(), when.encode() + b"." + body, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={when}", *(f"v1={part}" for part in parts)])


def event(kind="call.admission", **call):
    facts = {"id": "c_1", "seq": 1, "dir": "outgoing", "current_state": "pending", "prior_state": None, "from": "alice", "to": "echo", **call}
    return json.dumps({"id": "e_1", "type": kind, "time": "2026-11-21T04:05:06.789Z", "data": {"call": facts}}).encode()


class WebServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = subprocess.Popen([sys.executable, str(SERVER), "--port", "0", "--allow", "echo,1*", "--refuse", "19*"], stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "ISTHMUS_WEBHOOK_SECRET": f"{NEW},{OLD}"})
        cls.address = urllib.parse.urlsplit(cls.program.stdout.readline().split()[-1])

    @classmethod
    def tearDownClass(cls):
        cls.program.terminate()
        cls.program.wait(10)
        cls.program.stdout.close()

    def post(self, body, header):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=10)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json", **({"Isthmus-Signature": header} if header else {})})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def printed(self):
        return self.program.stdout.readline()

    def test_it_listens_on_loopback_alone(self):
        self.assertEqual(self.address.hostname, "127.0.0.1")

    def test_a_number_on_the_list_is_allowed_and_the_event_is_printed(self):
        body = event()
        self.assertEqual(self.post(body, signature(body)), (200, {"allowed": True}))
        self.assertIn("call.admission c_1 outgoing alice echo pending", self.printed())

    def test_a_number_not_on_the_list_and_one_on_the_other_list_are_refused_with_a_reason(self):
        for number in ("2001", "1999"):
            body = event(to=number)
            self.assertEqual(self.post(body, signature(body)), (200, {"allowed": False, "reason": f"{number} is not on the list"}))
            self.printed()

    def test_an_incoming_call_is_routed_or_dropped(self):
        for number, action in (("1001", "route"), ("2001", "drop")):
            body = event("call.incoming", to=number, dir="incoming")
            self.assertEqual(self.post(body, signature(body)), (200, {"action": action}))
            self.printed()

    def test_what_is_only_told_is_acknowledged_without_a_body(self):
        body = event("call.state", current_state="dropped", prior_state="ringing", code=486, reason="rejected")
        self.assertEqual(self.post(body, signature(body)), (200, None))
        self.assertIn("ringing dropped 486 rejected", self.printed())

    def test_both_secrets_are_good_while_one_is_being_changed(self):
        body = event()
        for secrets in ((OLD,), (NEW,), ("unknown", OLD)):
            self.assertEqual(self.post(body, signature(body, secrets))[0], 200)
            self.printed()

    def test_forged_requests_are_refused(self):
        body = event()
        good = signature(body)
        forged = {
            "no signature": (body, None),
            "wrong secret": (body, signature(body, ("guess",))),
            "other body": (event(to="1002"), good),
            "one byte more": (body + b" ", good),
            "other time": (body, signature(body, when=time.time() + 60).split(",")[0] + "," + good.split(",")[1]),
            "two times": (body, good + ",t=1"),
            "no time": (body, good.split(",")[1]),
            "digits of another script": (body, "t=\u0663," + good.split(",")[1]),
            "empty v1": (body, good.split(",")[0] + ",v1="),
            "cut v1": (body, good[:-1]),
            "nonsense": (body, "=,=;t"),
        }
        for name, (sent, header) in forged.items():
            with self.subTest(name):
                header = header and header.encode("utf-8").decode("latin-1")
                self.assertEqual(self.post(sent, header)[0], 401)

    def test_stale_requests_are_refused_and_nearly_stale_ones_are_not(self):
        body = event()
        for seconds, status in ((-310, 401), (310, 401), (-280, 200), (280, 200)):
            self.assertEqual(self.post(body, signature(body, when=time.time() + seconds))[0], status, seconds)
            if status == 200:
                self.printed()

    def test_a_body_that_is_too_long_is_not_read(self):
        body = b" " * (64 * 1024 + 1)
        self.assertEqual(self.post(body, signature(body))[0], 413)

    def test_names_of_strangers_do_not_reach_the_terminal_raw(self):
        body = event(**{"from": "\x1b[31mred\r\nforged line"})
        self.post(body, signature(body))
        line = self.printed()
        self.assertNotIn("\x1b", line)
        self.assertIn(r"\x1b[31mred\r\nforged line", line)


class Start(unittest.TestCase):
    def test_without_a_secret_it_does_not_start(self):
        environment = {name: value for name, value in os.environ.items() if name != "ISTHMUS_WEBHOOK_SECRET"}
        done = subprocess.run([sys.executable, str(SERVER), "--port", "0"], env=environment, capture_output=True, text=True, timeout=10)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ISTHMUS_WEBHOOK_SECRET", done.stderr)

    def test_it_stays_under_a_hundred_lines(self):
        self.assertLess(len(SERVER.read_text().splitlines()), 100)


if __name__ == "__main__":
    unittest.main()
