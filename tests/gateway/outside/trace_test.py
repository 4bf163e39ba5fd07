#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""isthmus trace on a running gateway: on, shown, saved, off; tshark reads the file and lists the methods; no secret is in either.
Usage: trace_test.py PROGRAM"""
import os
import pathlib
import re
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


WIRES = [("127.0.0.1", "UDP"), ("127.0.0.1", "TCP"), ("::1", "UDP"), ("::1", "TCP")]
FIELDS = ("ip.src ip.dst ipv6.src ipv6.dst udp.srcport udp.dstport tcp.srcport tcp.dstport ip.checksum.status udp.checksum.status tcp.checksum.status "
          "sip.Method sip.Status-Code _ws.malformed tcp.analysis.flags _ws.expert.severity sdp.owner.address").split()
GOOD, WARNING = "1", 0x600000  # of a checksum; of what Wireshark complains about


def dissected(path, ports):
    """Each frame by tshark as a dict: `-d` tells it that these are SIP ports, and every checksum is looked at."""
    run = subprocess.run(["tshark", "-r", str(path), *[word for protocol, port in ports for word in ("-d", f"{protocol.lower()}.port=={port},sip")],
                          *[word for name in ("ip", "udp", "tcp") for word in ("-o", f"{name}.check_checksum:TRUE")],
                          "-T", "fields", *[word for name in FIELDS for word in ("-e", name)]], capture_output=True, text=True, timeout=60, check=True)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in run.stdout.splitlines()]


class Running(unittest.TestCase):
    CONFIG = why_test.CONFIG

    def setUp(self):
        self.gateway = Gateway(config=self.CONFIG)
        self.addCleanup(self.gateway.close)

    def command(self, *words, status=0):
        run = subprocess.run([PROGRAM, *words, "--config", self.gateway.config, "--web", f"127.0.0.1:{self.gateway.web}"], cwd=self.gateway.folder.name,
                             capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(run.returncode, status, run.stderr)
        return run.stdout if status == 0 else run.stderr


class Trace(Running):
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
            rows = dissected(path, [("UDP", self.gateway.sip)])
            self.assertEqual([row["sip.Method"] for row in rows if row["sip.Method"]], ["INVITE", "ACK", "BYE"])
            self.assertTrue({"200"} <= {row["sip.Status-Code"] for row in rows})
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


class EveryWire(Running):
    """UDP and TCP over both families: Wireshark reads SIP between the true addresses, and has nothing to complain about."""

    CONFIG = (why_test.CONFIG.replace('udp = ["{sip}:0"]', 'udp = ["127.0.0.1:0", "[::1]:0"]').replace("tcp = []", 'tcp = ["127.0.0.1:0", "[::1]:0"]')
              .replace('sources = ["127.0.0.1"]', 'sources = ["127.0.0.1", "::1"]'))

    def port(self, ip, protocol):
        host = re.escape(f"[{ip}]" if ":" in ip else ip)
        return int(self.gateway.program.line(rf"{host}:(\d+) \({protocol.lower()}\)").group(1))

    def test_wireshark_reads_udp_and_tcp_over_both_families(self):
        ports = {wire: self.port(*wire) for wire in WIRES}
        self.command("trace", "on")
        phones = {wire: Phone(self.gateway, ip=wire[0], protocol=wire[1], port=ports[wire]) for wire in WIRES}
        for phone in phones.values():
            self.addCleanup(phone.socket.close)
            self.assertEqual(phone.call("echo", CREDENTIALS), 200)
            self.assertEqual(phone.hang_up("echo"), 200)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "calls.pcapng"
            self.command("trace", "save", str(path))
            rows = dissected(path, [(protocol, port) for (_, protocol), port in ports.items()])
            whole = path.read_bytes()
        for wire, phone in phones.items():
            with self.subTest(wire=wire):
                self.look([row for row in rows if str(phone.port) in (row[f"{wire[1].lower()}.srcport"], row[f"{wire[1].lower()}.dstport"])], *wire, ports[wire], phone.port)
        self.assertEqual(len(rows), 6 * len(WIRES))
        self.assertNotIn(b"secret", whole)
        self.assertNotIn(RESPONSE.encode(), whole)

    def look(self, rows, ip, protocol, gateway, phone):
        family, transport = "ipv6" if ":" in ip else "ip", protocol.lower()
        said = [(row["sip.Method"] or row["sip.Status-Code"], int(row[f"{transport}.srcport"]), int(row[f"{transport}.dstport"])) for row in rows]
        here, there = (phone, gateway), (gateway, phone)
        self.assertEqual(said, [("INVITE", *here), ("100", *there), ("200", *there), ("ACK", *here), ("BYE", *here), ("200", *there)])
        for row in rows:
            self.assertEqual((row[f"{family}.src"], row[f"{family}.dst"], row[f"{transport}.checksum.status"]), (ip, ip, GOOD))
            self.assertEqual(row["ip.checksum.status"], GOOD if family == "ip" else "")
            self.assertEqual((row["_ws.malformed"], row["tcp.analysis.flags"]), ("", ""))
            self.assertFalse([each for each in row["_ws.expert.severity"].split(",") if each and int(each, 0) >= WARNING], row)
        self.assertEqual({row["sdp.owner.address"] for row in rows}, {"", ip}, "the bodies of INVITE and 200 are read too")


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
