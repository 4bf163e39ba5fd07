#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""isthmus drain against a running gateway with a call up: new calls of phones and clients are refused, the command waits for the last call, --off takes
calls again, --stop ends the gateway with it (R5.1). Usage: drain_test.py PROGRAM"""
import os
import subprocess
import sys
import unittest

import smoke_test
import why_test
from smoke_test import OFFER, PATIENCE, Started, WebSocket

PROGRAM = ""


class Drain(unittest.TestCase):
    def setUp(self):
        self.bed = why_test.Gateway()
        self.addCleanup(self.bed.close)
        self.gateway, self.path = self.bed.program, self.bed.folder.name
        self.client = WebSocket(self.bed.web)
        self.assertIn("result", self.client.request("sign_in", account="carol", password="carols password"))
        self.phone = why_test.Phone(self.bed)
        self.assertEqual(self.phone.call("echo"), 200)

    def command(self, *options):
        return [PROGRAM, "drain", "--config", self.bed.config, "--web", f"127.0.0.1:{self.bed.web}", *options]

    def drain(self, *options):
        """The command, as soon as it waits."""
        drain = Started(self.command(*options), self.path, "drain.log")
        self.addCleanup(drain.process.kill)
        drain.line(r"^no new calls; 1 up$")
        return drain

    def new_call(self):
        """What a phone is answered, and the reason that a client reads; "" for a call that is made."""
        phone = why_test.Phone(self.bed)
        status = phone.call("echo")
        if status == 200:
            self.assertEqual(phone.hang_up("echo"), 200)
        answer = self.client.request("make_call", to="echo", sdp=OFFER)
        if "result" in answer:
            self.client.request("drop_call", call_id=answer["result"]["continue"])
        return status, answer.get("error", {}).get("message", "")

    def test_it_waits_for_the_call_and_the_gateway_goes_on(self):
        drain = self.drain()
        self.assertEqual(self.new_call(), (503, "unavailable"))
        self.assertIsNone(drain.process.poll(), "the call is up")
        self.assertEqual(self.phone.hang_up("echo"), 200)
        self.assertEqual(drain.process.wait(PATIENCE), 0)
        self.assertEqual(drain.text(), "no new calls; 1 up\ndrained; new calls are refused until isthmus drain --off\n")
        self.assertEqual(self.new_call(), (503, "unavailable"), "and so it stays")
        self.assertIsNone(self.gateway.process.poll())
        off = subprocess.run(self.command("--off"), cwd=self.path, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((off.returncode, off.stdout), (0, "new calls are taken again\n"))
        self.assertEqual(self.new_call(), (200, ""))

    def test_off_while_it_waits_takes_calls_again(self):
        drain = self.drain()
        subprocess.run(self.command("--off"), cwd=self.path, stdout=subprocess.DEVNULL, timeout=PATIENCE, check=True)
        self.assertEqual(self.new_call(), (200, ""))
        self.assertIsNone(drain.process.poll())
        self.assertEqual(self.phone.hang_up("echo"), 200)
        drain.process.wait(PATIENCE)

    def test_stop_ends_the_gateway_with_the_last_call(self):
        drain = self.drain("--stop")
        self.assertEqual(self.new_call(), (503, "unavailable"))
        self.assertIsNone(self.gateway.process.poll(), "the call is up")
        self.assertEqual(self.phone.hang_up("echo"), 200)
        self.assertEqual(self.gateway.process.wait(PATIENCE), 0, self.gateway.text())
        self.assertEqual(drain.process.wait(PATIENCE), 0)
        self.assertEqual(drain.text(), "no new calls; 1 up\ndrained; the gateway ends\n")
        self.assertIn("drained: the last call is over", self.gateway.text())
        self.assertIn("ended: hung_up", self.gateway.text())


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
