#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nothing was heard, and the program says why: no ICE pair, DTLS failed, no RTP from the phone, no RTP from the browser. Each is provoked in the real
engine, by a phone without a voice and by browsers that are made of what a browser is made of: JSON-RPC over WebSocket, STUN checks (RFC 8445) written
here, and OpenSSL's own DTLS behind them. Told the same in the line of the ended call, as text and as JSON, by the API and to the client.
Usage: no_audio_test.py PROGRAM"""
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import zlib

import smoke_test
import why_test
from smoke_test import OFFER, PATIENCE, Started, WebSocket
from webhook_test import wait_for
from why_test import JUDGED, Gateway, Phone

UFRAG, PASSWORD = "Zk3x", "0123456789abcdefghijklmn"  # of OFFER
OTHER = "the peer's certificate does not match the signalled fingerprint"
DTLS = range(20, 64)  # RFC 7983: the first octet of a datagram


class Certificate:
    """What a browser makes for itself, with the fingerprint of its SDP."""

    def __init__(self, folder, name):
        self.pem, self.key = f"{folder}/{name}.pem", f"{folder}/{name}-key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", "2",
                        "-keyout", self.key, "-out", self.pem], check=True, capture_output=True, timeout=PATIENCE)
        told = subprocess.run(["openssl", "x509", "-in", self.pem, "-noout", "-fingerprint", "-sha256"], check=True, capture_output=True, text=True, timeout=PATIENCE)
        self.fingerprint = told.stdout.strip().split("=")[1]


class Browser:
    """A browser's call to `echo`. It checks nothing and says nothing until it is told to."""

    def __init__(self, gateway, fingerprint):
        self.client = WebSocket(gateway.web)
        self.client.request("sign_in", account="carol", password="carols password")
        offer = re.sub("a=fingerprint:.*?\r\n", f"a=fingerprint:sha-256 {fingerprint}\r\n", OFFER)
        self.call = self.client.request("make_call", to="echo", sdp=offer)["result"]["continue"]
        answer = self.client.state("confirmed")["sdp"]
        value = lambda pattern: re.search(pattern, answer).group(1)
        self.ufrag, self.password = value(r"a=ice-ufrag:(\S+)"), value(r"a=ice-pwd:(\S+)")
        self.gateway = ("127.0.0.1", int(value(r"a=candidate:\S+ 1 \S+ \d+ 127\.0\.0\.1 (\d+) typ host")))
        self.media, self.inner = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for each in (self.media, self.inner):
            each.bind(("127.0.0.1", 0))
        self.openssl = None
        self.checked = False
        self.over = threading.Event()
        self.pump = threading.Thread(target=self._pump, daemon=True)
        self.pump.start()

    def _pump(self):
        """Between the path that ICE found and OpenSSL, which knows nothing of STUN."""
        tool = None
        with selectors.DefaultSelector() as ready:
            for each in (self.media, self.inner):
                ready.register(each, selectors.EVENT_READ)
            while not self.over.is_set():
                for key, _ in ready.select(0.05):
                    data, source = key.fileobj.recvfrom(65536)
                    if key.fileobj is self.inner:
                        tool = source
                        self.media.sendto(data, self.gateway)
                    elif data[:2] == b"\x01\x01" and data[8:20] == self.transaction:
                        self.checked = True
                    elif data and data[0] in DTLS and tool:
                        self.inner.sendto(data, tool)

    def check(self):
        """A check that nominates, and its answer (RFC 8445 section 7.2.2, RFC 8489)."""
        attribute = lambda kind, value: struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
        header = lambda length: struct.pack(">HHI", 1, length, 0x2112A442) + self.transaction
        self.transaction = os.urandom(12)
        body = attribute(6, f"{self.ufrag}:{UFRAG}".encode()) + attribute(0x24, struct.pack(">I", 1845501695)) + attribute(0x802A, os.urandom(8)) + attribute(0x25, b"")
        body += attribute(8, hmac.digest(self.password.encode(), header(len(body) + 24) + body, hashlib.sha1))
        body += attribute(0x8028, struct.pack(">I", zlib.crc32(header(len(body) + 8) + body) ^ 0x5354554E))
        self.media.sendto(header(len(body)) + body, self.gateway)
        wait_for(lambda: self.checked)

    def rubbish(self):
        """What looks like DTLS and is none."""
        self.media.sendto(bytes([22, 0xFE, 0xFD]) + bytes(8) + b"\x00\x20" + b"\xa5" * 32, self.gateway)

    def handshake(self, certificate, folder):
        self.openssl = Started(["openssl", "s_client", "-dtls1_2", "-connect", f"127.0.0.1:{self.inner.getsockname()[1]}", "-cert", certificate.pem,
                                "-key", certificate.key, "-use_srtp", "SRTP_AES128_CM_SHA1_80"], folder, f"openssl-{self.call}.log", stdin=subprocess.PIPE)

    def dropped(self):
        return self.client.state("dropped")

    def close(self):
        if self.openssl:
            self.openssl.process.kill()
            self.openssl.process.wait()
            self.openssl.process.stdin.close()
        self.over.set()
        self.pump.join()
        for each in (self.client.socket, self.media, self.inner):
            each.close()


class NoAudio(unittest.TestCase):
    def start(self, form):
        self.gateway = Gateway(options=["--log-format", form])
        self.addCleanup(self.gateway.close)
        self.secret = (pathlib.Path(self.gateway.folder.name) / "data/api-secret").read_text().strip()
        self.own, self.other = (Certificate(self.gateway.folder.name, name) for name in ("own", "other"))

    def browser(self):
        made = Browser(self.gateway, self.own.fingerprint)
        self.addCleanup(made.close)
        return made

    def api(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.web, timeout=PATIENCE)
        connection.request("GET", "/api/v1/" + path, headers={"Authorization": f"Bearer {self.secret}"})
        out = json.loads(connection.getresponse().read())
        connection.close()
        return out

    def shown(self, call, verdict, sentence):
        """The detail of a call that is up."""
        nothing = {"received": 0, "sent": 0, "dropped": 0}
        self.assertEqual(self.api(f"calls/{call}")["media"], {"verdict": verdict, "sentence": sentence, "caller": nothing, "callee": None})

    def provoke(self, form, line):
        """All of them at once, so that one wait judges all; `line` looks at the line of the log of an ended call."""
        self.start(form)
        phone = Phone(self.gateway)
        self.addCleanup(phone.socket.close)
        self.assertEqual(phone.call("echo"), 200)
        of_phone = next(each["id"] for each in self.api("calls")["entries"])
        unchecked, rubbish, stranger, mute = (self.browser() for _ in range(4))
        for each in (rubbish, stranger, mute):
            each.check()
        rubbish.rubbish()
        mute.handshake(self.own, self.gateway.folder.name)
        mute.openssl.line("SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80")

        # Another certificate than the one in the SDP is the end of the call.
        stranger.handshake(self.other, self.gateway.folder.name)
        self.assertEqual([stranger.dropped()[name] for name in ("reason", "media_verdict")], ["media_failed", "DTLS failed (caller)"])
        line(stranger.call, "outgoing from carol", rf"media_failed 488 \(no media path or no common codec\) \"{OTHER}\"", "dtls_failed", "DTLS failed (caller)")
        failure = next(each for each in self.api("failures")["entries"] if each["id"] == stranger.call)
        self.assertEqual((failure["reached"], failure["media"]["verdict"]), ("confirmed", "dtls_failed"))

        time.sleep(JUDGED)
        expected = [(unchecked, "no_ice_pair", "no ICE pair (caller)"), (rubbish, "dtls_failed", "DTLS failed (caller)"),
                    (mute, "no_rtp_from_browser", "no RTP from the browser (caller)")]
        for browser, verdict, sentence in expected:
            self.shown(browser.call, verdict, sentence)
            browser.client.request("drop_call", call_id=browser.call)
            line(browser.call, "outgoing from carol", r"hung_up \(one side hung up\)", verdict, sentence)
        self.shown(of_phone, "no_rtp_from_phone", "no RTP from the phone (caller)")
        self.assertEqual(phone.hang_up("echo"), 200)
        line(of_phone, "incoming from 1000", r"hung_up 200 \(one side hung up\)", "no_rtp_from_phone", "no RTP from the phone (caller)")

    def test_each_is_told_in_the_one_line_of_its_call(self):
        def line(call, who, how, _, sentence):
            self.gateway.program.line(rf"^\S+ info call {call} {who} to echo by echo (?:client carol )?ended: {how}, route none, set up \d+\.\d s, "
                                      rf"talked \d+\.\d s, packets caller 0 in 0 out, callee none, media: {re.escape(sentence)}$")
            self.assertEqual(len(re.findall(rf"call {call} .* ended: ", self.gateway.program.text())), 1)

        self.provoke("text", line)

    def test_each_is_told_in_json(self):
        def line(call, _, how, verdict, sentence):
            found = json.loads(self.gateway.program.line(rf'^\{{.*"call":"{call}".*"media":.*\}}$').group(0))
            self.assertEqual((found["reason"], found["media"], found["media_text"]), (how.split()[0], verdict, sentence))
            self.assertEqual(found["caller_packets"], {"in": 0, "out": 0, "dropped": 0})

        self.provoke("json", line)


if __name__ == "__main__":
    smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
