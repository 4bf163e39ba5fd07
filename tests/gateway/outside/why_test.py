#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Why did my call fail? The program's own words: one line for each call that ended, with its media judged by the real engine (no ICE pair, no RTP from the
phone), a warning while a side is silent, INVITEs to nobody, JSON that stays JSON whatever names strangers bring (advisory 42), and personal data masked.
Usage: why_test.py PROGRAM"""
import json
import os
import pathlib
import re
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import smoke_test
from smoke_test import OFFER, PATIENCE, Started, WebSocket

PROGRAM = ""
JUDGED = 2.2  # kJudgedAfter of gateway/call/media_verdict.hpp, and a little
CONFIG = """admission = "allow-all"
[sip]
udp = ["{sip}:0"]
tcp = []
[web]
listen = "127.0.0.1:0"
[timers]
silence_s = 1
[log]
{log}
[[account]]
name = "carol"
password = "carols password"
[[trunk]]
name = "desk"
sources = ["127.0.0.1"]
[[route]]
in_to = "2005"
out_to = "echo"
"""


class Gateway:
    def __init__(self, log="", options=(), config=CONFIG, sip="127.0.0.1"):
        self.folder = tempfile.TemporaryDirectory(prefix="isthmus-why-")
        file = pathlib.Path(self.folder.name) / "isthmus.toml"
        file.write_text(config.format(log=log, sip=sip))
        self.config = str(file)
        self.program = Started([PROGRAM, "run", "--config", self.config, *options], self.folder.name, "gateway.log")
        self.web = int(self.program.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
        self.sip = int(self.program.line(rf"SIP\s+{re.escape(sip)}:(\d+)").group(1))

    def close(self):
        status = self.program.stop()
        log = self.program.text()
        self.folder.cleanup()
        assert status == 0, log


class Phone:
    """A phone of the trunk that says what it is told to, and never any RTP. `port` of the gateway, when it has others beside its first."""

    def __init__(self, gateway, user="1000", ip="127.0.0.1", protocol="UDP", port=0):
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((ip, 0))
        self.server = port or gateway.sip
        self.socket.connect((ip, self.server))
        self.ip, self.host, self.protocol, self.user = ip, f"[{ip}]" if ":" in ip else ip, protocol, user
        self.port = self.socket.getsockname()[1]
        self.call_id, self.sequence, self.to_tag = f"why-{self.port}@{self.host}", 0, ""
        self.unread = b""

    def send(self, method, to, body="", extra=""):
        if method != "ACK":
            self.sequence += 1
        here = f"{self.host}:{self.port}"
        text = (f"{method} sip:{to}@{self.host}:{self.server} SIP/2.0\r\nVia: SIP/2.0/{self.protocol} {here};branch=z9hG4bK{method}{self.sequence}{self.port}\r\n"
                f"From: <sip:{self.user}@{self.host}>;tag=why\r\nTo: <sip:{to}@{self.host}>{self.to_tag}\r\nCall-ID: {self.call_id}\r\n"
                f"CSeq: {self.sequence} {method}\r\nContact: <sip:phone@{here};transport={self.protocol.lower()}>\r\nMax-Forwards: 70\r\n{extra}"
                + ("Content-Type: application/sdp\r\n" if body else "") + f"Content-Length: {len(body)}\r\n\r\n{body}")
        self.socket.sendall(text.encode())

    def receive(self):
        """The next message: a datagram, or what Content-Length says of a stream."""
        if self.protocol == "UDP":
            return self.socket.recv(65536).decode()
        while True:
            head, end, body = self.unread.partition(b"\r\n\r\n")
            length = re.search(rb"(?im)^Content-Length: *(\d+)", head) if end else None
            if length and len(body) >= int(length[1]):
                self.unread = body[int(length[1]):]
                return (head + end + body[:int(length[1])]).decode()
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.unread += more

    def final(self):
        while True:
            answer = self.receive()
            if answer.startswith("SIP/2.0 ") and answer[8] != "1":
                return answer

    def call(self, to, extra="", media=""):
        family = 6 if ":" in self.ip else 4
        body = (f"v=0\r\no=- 1 1 IN IP{family} {self.ip}\r\ns=-\r\nc=IN IP{family} {media or self.ip}\r\nt=0 0\r\n"
                f"m=audio {self.port + 2} RTP/AVP 0\r\n")
        self.send("INVITE", to, body, extra)
        answer = self.final()
        tag = [line for line in answer.splitlines() if line.startswith("To:")][0].split(";tag=")
        self.to_tag = f";tag={tag[1]}" if len(tag) > 1 else ""
        self.send("ACK", to)
        return int(answer[8:11])

    def hang_up(self, to):
        self.send("BYE", to)
        return int(self.final()[8:11])


class Why(unittest.TestCase):
    def test_a_phone_that_sends_nothing_is_told_while_it_lasts_and_at_the_end(self):
        gateway = Gateway()
        self.addCleanup(gateway.close)
        phone = Phone(gateway)
        self.assertEqual(phone.call("2005"), 200)
        warned = gateway.program.line(r"warning call (c_\S+) silent for 1 s: no RTP from the phone \(caller\), packets caller 0 in 0 out, callee none")
        time.sleep(JUDGED)
        self.assertEqual(phone.hang_up("2005"), 200)
        gateway.program.line(rf"info call {warned[1]} incoming from 1000 to echo by echo ended: hung_up 200 \(one side hung up\), route 1, set up \d+\.\d s, talked [23]\.\d s, "
                             r"packets caller 0 in 0 out, callee none, media: no RTP from the phone \(caller\)$")
        self.assertEqual(Phone(gateway).call("4711"), 404)
        gateway.program.line(r"info no call from 1000 at 127\.0\.0\.1:\d+ to 4711: refused with 404 \(nobody takes calls to this number; give it to an account, to trunk\.numbers or to a route\)$")

    def test_a_phone_that_wants_its_media_where_nothing_is_sent_is_told_why(self):
        gateway = Gateway(sip="0.0.0.0")  # on a network strangers must not make it talk to its own machine
        self.addCleanup(gateway.close)
        phone = Phone(gateway)
        self.assertEqual(phone.call("2005", media="127.0.0.1"), 200)
        why = rf"the phone's SDP names an address where nothing is sent \(caller\), it names 127\.0\.0\.1:{phone.port + 2}"
        warned = gateway.program.line(rf"warning call (c_\S+) silent for 1 s: {why}, packets caller 0 in 0 out, callee none")
        time.sleep(JUDGED)
        self.assertEqual(phone.hang_up("2005"), 200)
        gateway.program.line(rf"info call {warned[1]} .* media: {why}$")

    def test_a_browser_whose_checks_never_come_is_told_why(self):
        gateway = Gateway()
        self.addCleanup(gateway.close)
        client = WebSocket(gateway.web)
        client.request("sign_in", account="carol", password="carols password")
        call = client.request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
        client.state("confirmed")
        time.sleep(JUDGED)
        client.request("drop_call", call_id=call)
        gateway.program.line(rf"call {call} outgoing .* media: no ICE pair \(caller\)$")

    def test_json_lines_stay_json_whatever_names_come_and_masked_ones_show_no_name(self):
        gateway = Gateway("mask = true", ["--log-format", "json", "--log-level", "debug"])
        self.addCleanup(gateway.close)
        hostile = 'ev%22il%0d%0a%7b%1b%5b31m%ff4930123467'
        phone = Phone(gateway, hostile)
        self.assertEqual(phone.call("echo", 'Subject: "}\\n\r\n'), 200)
        phone.hang_up("echo")
        Phone(gateway, "+4930123467").call("4711")
        gateway.program.line(r'"code":404')
        gateway.program.line(r"hung_up")
        lines = [line for line in gateway.program.text().splitlines() if line.startswith("{")]
        read = [json.loads(line) for line in lines]
        self.assertTrue(all({"time", "level", "text"} <= set(each) for each in read))
        ended = [each for each in read if each.get("reason") == "hung_up"][0]
        self.assertRegex(ended["call"], r"^c_\w+")
        self.assertEqual((ended["from"], ended["module"], ended["code"]), ("***67", "echo", 200))
        refused = [each for each in read if each.get("code") == 404][0]
        self.assertEqual((refused["from"], refused["to"], refused["source"]), ("***67", "***", "127.0.0.x"))
        self.assertNotIn("4930123467", "".join(lines))
        self.assertTrue(all(0x20 <= ord(c) < 0x7F for line in lines for c in line))

    def trial(self, options):
        """A call of a phone, a call of a client and a stranger's request; what was logged of them, and both ids."""
        gateway = Gateway(options=options)
        self.addCleanup(gateway.close)
        phone = Phone(gateway)
        self.assertEqual(phone.call("2005"), 200)
        self.assertEqual(phone.hang_up("2005"), 200)
        stranger = Phone(gateway)
        stranger.send("MESSAGE", "2005")
        stranger.final()
        gateway.program.line("incoming .* ended: hung_up")
        client = WebSocket(gateway.web)
        client.request("sign_in", account="carol", password="carols password")
        self.assertIn("error", client.request("make_call", to="echo", sdp=OFFER, **{"from": "2222"}))
        call = client.request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
        client.state("confirmed")
        client.request("drop_call", call_id=call)
        gateway.program.line(f"call {call} .* ended: hung_up")
        return gateway.program.text(), stranger

    def test_debug_tells_each_step_with_the_id_of_the_call(self):
        text, stranger = self.trial(["--log-level", "debug"])
        incoming = re.search(r"info call (c_\w+) incoming", text)[1]
        outgoing = re.search(r"info call (c_\w+) outgoing", text)[1]
        steps = lambda call: re.findall(rf"debug call {call} (.*)", text)
        where = ": 1000 to echo, route 1, module echo"
        self.assertEqual(steps(incoming), ["pending" + where, "calling" + where, "confirmed" + where + ", SIP 200", "leg of the caller (SIP): ended by that side",
                                           "dropped" + where + ", SIP 200", "leg of the caller (SIP): gone, nothing is owed to it any more"])
        where = ": carol to echo, route none, module echo"
        self.assertEqual(steps(outgoing), ["pending" + where, "calling" + where, "confirmed" + where, "leg of the caller (client): ended by that side", "dropped" + where])
        self.assertIn(f" debug no call: MESSAGE from 127.0.0.1:{stranger.port} refused with 405 (Method Not Allowed)\n", text)
        self.assertIn(' debug no call: make_call of client carol refused: invalid params {"param":"from"}\n', text)

    def test_info_tells_none_of_them_and_masked_debug_no_name(self):
        self.assertNotIn("debug", self.trial([])[0])
        gateway = Gateway("mask = true", ["--log-level", "debug"])
        self.addCleanup(gateway.close)
        phone = Phone(gateway, "+4930123467")
        self.assertEqual(phone.call("2005"), 200)
        self.assertEqual(phone.hang_up("2005"), 200)
        stranger = Phone(gateway)
        stranger.send("MESSAGE", "2005")
        stranger.final()
        gateway.program.line(r"debug call c_\w+ confirmed: \*\*\*67 to \*\*\*, route 1")
        gateway.program.line(r"debug no call: MESSAGE from 127\.0\.0\.x refused with 405")
        self.assertNotRegex(gateway.program.text(), rf"4930123467|:({phone.port}|{stranger.port})\b")

    def test_a_level_that_does_not_exist_is_refused_in_words(self):
        run = subprocess.run([PROGRAM, "run", "--log-level", "loud"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(run.returncode, 2)
        self.assertIn('--log-level: must be one of "debug", "info", "warning", "error", "off"', run.stderr)


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
