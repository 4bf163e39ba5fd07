#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGTERM with five calls up between two trunks: ten BYEs, all answered, exit status 0; and with a side that does not answer, an end within the
configured limit (R5.1). Usage: shutdown_test.py PROGRAM"""
import os
import pathlib
import re
import select
import signal
import socket
import sys
import tempfile
import time
import unittest

from smoke_test import PATIENCE, Started

PROGRAM = ""
CALLS = 5
LEFT, RIGHT = "127.0.0.2", "127.0.0.3"


def sdp(address, port):
    return f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


class Peer:
    """A SIP peer over UDP that answers INVITE and BYE with 200 and acknowledges what it called."""

    def __init__(self, address):
        self.address = address
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.here = f"{address}:{self.socket.getsockname()[1]}"
        self.acknowledged, self.byes, self.confirmed, self.refused = set(), set(), set(), {}
        self.answers_bye = True

    def send(self, to, line, headers, body=""):
        lines = [line, *headers, f"Content-Length: {len(body)}", "", body]
        self.socket.sendto("\r\n".join(lines).encode(), to)

    def invite(self, gateway, number, call):
        self.send(gateway, f"INVITE sip:{number}@{gateway[0]}:{gateway[1]} SIP/2.0",
                  [f"Via: SIP/2.0/UDP {self.here};branch=z9hG4bK{call};rport", f"From: <sip:1000@{self.here}>;tag=f{call}", f"To: <sip:{number}@{gateway[0]}>",
                   f"Call-ID: {call}", "CSeq: 1 INVITE", "Max-Forwards: 70", f"Contact: <sip:1000@{self.here}>", "Content-Type: application/sdp"], sdp(self.address, 40000))

    def take(self):
        data, source = self.socket.recvfrom(65536)
        text = data.decode(errors="replace")
        line = text.split("\r\n", 1)[0]
        header = lambda name: re.findall(rf"^{name}:\s*(.*?)\r$", text, re.M | re.I)
        call = header("Call-ID")[0]
        same = [f"Via: {via}" for via in header("Via")] + [f"From: {header('From')[0]}", f"Call-ID: {call}", f"CSeq: {header('CSeq')[0]}"]
        if line.startswith("INVITE "):
            self.send(source, "SIP/2.0 200 OK", same + [f"To: {header('To')[0]};tag=t{call}", f"Contact: <sip:2000@{self.here}>", "Content-Type: application/sdp"], sdp(self.address, 40002))
        elif line.startswith("ACK "):
            self.confirmed.add(call)
        elif line.startswith("BYE "):
            self.byes.add(call)
            if self.answers_bye:
                self.send(source, "SIP/2.0 200 OK", same + [f"To: {header('To')[0]}"])
        elif re.match(r"SIP/2\.0 [3-6]", line) and header("CSeq")[0] == "1 INVITE":
            self.refused[call] = (int(line.split()[1]), header("Retry-After"))
        elif line.startswith("SIP/2.0 200") and header("CSeq")[0] == "1 INVITE":
            target = re.search(r"<([^>]*)>", header("Contact")[0]).group(1)
            self.acknowledged.add(call)
            self.send(source, f"ACK {target} SIP/2.0", [f"Via: SIP/2.0/UDP {self.here};branch=z9hG4bKack{call};rport", f"From: {header('From')[0]}",
                                                        f"To: {header('To')[0]}", f"Call-ID: {call}", "CSeq: 1 ACK", "Max-Forwards: 70"])


class Shutdown(unittest.TestCase):
    def serve(self, peers, until):
        end = time.monotonic() + PATIENCE
        while not until():
            self.assertLess(time.monotonic(), end, self.gateway.text())
            for ready in select.select([peer.socket for peer in peers], [], [], 0.05)[0]:
                next(peer for peer in peers if peer.socket is ready).take()

    def establish(self, folder):
        left, right = Peer(LEFT), Peer(RIGHT)
        config = pathlib.Path(folder) / "isthmus.toml"
        config.write_text(
            '[sip]\nudp = ["127.0.0.1:0"]\ntcp = []\n[web]\nlisten = "127.0.0.1:0"\n[timers]\nshutdown_s = 2\n'
            f'[[trunk]]\nname = "left"\nsources = ["{LEFT}"]\n'
            f'[[trunk]]\nname = "right"\nsources = ["{RIGHT}"]\nnumbers = ["2000"]\nhost = "{RIGHT}"\nport = {right.here.split(":")[1]}\n')
        self.gateway = Started([PROGRAM, "--config", str(config)], folder, "gateway.log")
        self.addCleanup(self.gateway.process.kill)
        port = int(self.gateway.line(r"SIP\s+127\.0\.0\.1:(\d+)").group(1))
        self.address = ("127.0.0.1", port)
        for call in range(CALLS):
            left.invite(self.address, "2000", f"call{call}")
        self.serve([left, right], lambda: len(left.acknowledged) == CALLS and len(right.confirmed) == CALLS)
        return left, right

    def test_five_calls_get_ten_byes_and_the_status_is_0(self):
        with tempfile.TemporaryDirectory() as folder:
            left, right = self.establish(folder)
            self.gateway.process.send_signal(signal.SIGTERM)
            self.serve([left, right], lambda: self.gateway.process.poll() is not None)
            self.assertEqual((len(left.byes), len(right.byes)), (CALLS, CALLS))
            self.assertEqual(self.gateway.process.returncode, 0, self.gateway.text())
            self.assertEqual(self.gateway.text().count("ended: shutdown"), CALLS)
            self.assertNotIn("not everybody answered", self.gateway.text())

    def test_a_side_that_does_not_answer_holds_the_end_up_to_its_limit_only(self):
        with tempfile.TemporaryDirectory() as folder:
            left, right = self.establish(folder)
            right.answers_bye = False
            begin = time.monotonic()
            self.gateway.process.send_signal(signal.SIGTERM)
            self.serve([left, right], lambda: self.gateway.process.poll() is not None)
            self.assertEqual(self.gateway.process.returncode, 0)
            self.assertGreater(time.monotonic() - begin, 1.5)
            self.assertIn("not everybody answered in time", self.gateway.text())

    def test_a_call_that_comes_while_the_gateway_ends_is_refused_and_reaches_nobody(self):
        with tempfile.TemporaryDirectory() as folder:
            left, right = self.establish(folder)
            right.answers_bye = False
            self.gateway.process.send_signal(signal.SIGTERM)
            self.serve([left, right], lambda: len(right.byes) == CALLS)
            left.invite(self.address, "2000", "late")
            self.serve([left, right], lambda: "late" in left.refused)
            self.assertEqual(left.refused["late"][0], 503)
            self.serve([left, right], lambda: self.gateway.process.poll() is not None)
            self.assertNotIn("late", right.confirmed | left.acknowledged)
            self.assertEqual(self.gateway.text().count("ended: shutdown"), CALLS)

    def test_a_second_signal_ends_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            left, right = self.establish(folder)
            left.answers_bye = right.answers_bye = False
            begin = time.monotonic()
            self.gateway.process.send_signal(signal.SIGTERM)
            self.serve([left, right], lambda: len(right.byes) == CALLS)
            self.gateway.process.send_signal(signal.SIGTERM)
            self.serve([left, right], lambda: self.gateway.process.poll() is not None)
            self.assertEqual(self.gateway.process.returncode, 1)
            self.assertLess(time.monotonic() - begin, 1.5)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
