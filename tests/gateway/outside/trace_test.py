#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""isthmus trace on a running gateway: on, shown, saved, off; tshark reads the file and lists the methods; no secret is in either.
Usage: trace_test.py PROGRAM"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import smoke_test
import why_test
from smoke_test import PATIENCE, Started
from why_test import Gateway, Phone

PROGRAM = ""
RESPONSE = "d41d8cd98f00b204e9800998ecf8427e"
CREDENTIALS = f'Authorization: Digest username="1000", realm="isthmus", nonce="nonce-secret", uri="sip:x", response="{RESPONSE}", cnonce="cnonce-secret"\r\n'


class Trace(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)

    def command(self, *words, status=0):
        run = subprocess.run([PROGRAM, *words, "--config", self.gateway.config, "--web", f"127.0.0.1:{self.gateway.web}"], cwd=self.gateway.folder.name,
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(run.returncode, status, run.stderr)
        return run.stdout if status == 0 else run.stderr

    def test_a_call_is_shown_and_saved_without_its_secrets(self):
        self.assertIn("tracing is off; isthmus trace on begins it", self.command("trace", status=1))
        self.command("trace", "on")
        live = Started([PROGRAM, "trace", "--config", self.gateway.config, "--web", f"127.0.0.1:{self.gateway.web}"], self.gateway.folder.name, "live.log")
        self.addCleanup(live.process.kill)
        phone = Phone(self.gateway)
        self.assertEqual(phone.call("echo", CREDENTIALS), 200)
        self.assertEqual(phone.hang_up("echo"), 200)
        live.line(r"^BYE sip:echo")
        live.line(rf"^---- \S+Z received udp 127\.0\.0\.1:{phone.port} > 127\.0\.0\.1:{self.gateway.sip}$")
        live.line(r"^---- \S+Z sent udp ")
        live.line(r'username="1000", realm="isthmus", nonce="\*+", uri="sip:x", response="\*{32}"')
        live.process.send_signal(signal.SIGINT)
        self.assertEqual(live.process.wait(PATIENCE), 0)

        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "call.pcapng"
            self.command("trace", "save", str(path))
            self.assertIn("not written over", self.command("trace", "save", str(path), status=1))
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            fields = subprocess.run(["tshark", "-r", str(path), "-d", f"udp.port=={self.gateway.sip},sip", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                                     "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code", "-e", "ip.checksum.status", "-e", "udp.checksum.status", "-e", "_ws.malformed"],
                                    capture_output=True, text=True, timeout=60, check=True).stdout
            rows = [line.split("\t") for line in fields.splitlines()]
            self.assertEqual([row[0] for row in rows if row[0]], ["INVITE", "ACK", "BYE"])
            self.assertTrue({"200"} <= {row[1] for row in rows})
            for row in rows:
                self.assertEqual((row[2], row[3], row[4]), ("1", "1", ""), "checksums are good and nothing is malformed")
            for secret in (RESPONSE, "nonce-secret", "cnonce-secret", "carols password"):
                self.assertNotIn(secret, live.text())
                self.assertNotIn(secret.encode(), path.read_bytes())
        self.assertIn("messages are kept", self.command("trace", "off"))
        self.assertIn("tracing is off", self.command("trace", status=1))

    def test_one_call_alone_is_traced_by_its_id(self):
        one, two = Phone(self.gateway), Phone(self.gateway)
        self.assertEqual((one.call("echo"), two.call("echo")), (200, 200))
        ids = [line.split()[0] for line in self.command("calls").splitlines()]
        self.assertEqual(len(ids), 2)
        self.command("trace", "on", ids[1])
        one.hang_up("echo")
        two.hang_up("echo")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "call.pcapng"
            self.command("trace", "save", str(path))
            whole = path.read_bytes()
        self.assertIn(two.call_id.encode(), whole)
        self.assertNotIn(one.call_id.encode(), whole)


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
