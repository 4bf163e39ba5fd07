# SPDX-License-Identifier: MIT
"""A program under load, for tests that hurt it: phones that register, renew and withdraw without end, over UDP and streams, and two trunks that call
each other. Everything comes from one seed, everything is served by the test's own thread."""
import hashlib
import json
import os
import pathlib
import random
import re
import select
import socket
import sqlite3
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from smoke_test import PATIENCE, Started

PHONES, STREAM_PHONES = 12, 3
LEFT, RIGHT = "127.0.0.2", "127.0.0.3"
RINGS = "2001"  # a number on the right that nobody picks up
SECRET = "secret-of-the-test"
PASSWORD = "correct horse"
PAUSE = 0.02  # seconds between two REGISTERs of a phone


def sdp(port):
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


class Message:
    def __init__(self, text):
        self.head, _, self.body = text.partition("\r\n\r\n")
        self.line = self.head.split("\r\n", 1)[0]
        self.status = int(self.line.split()[1]) if self.line.startswith("SIP/2.0 ") else 0
        self.method = self.all("CSeq")[0].split()[1]
        self.cseq = int(self.all("CSeq")[0].split()[0])

    def all(self, name):
        return re.findall(rf"^{name}:\s*(.*?)\r?$", self.head, re.M | re.I)

    def one(self, name):
        return self.all(name)[0]


class Agent:
    """A SIP peer on one UDP socket, or on a stream to the gateway."""

    def __init__(self, bed, address, stream=False):
        self.bed, self.stream = bed, stream
        self.address = address
        if stream:
            self.port, self.socket = 9, None
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((address, 0))
            self.port = self.socket.getsockname()[1]
        self.here = f"{address}:{self.port}"
        self.branch, self.buffer = 0, ""

    def connect(self):
        if self.stream and self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.bed.sip), PATIENCE)

    def lose(self):
        """The gateway was killed: what a stream still holds is no longer of use, on a datagram socket as little."""
        if self.stream:
            if self.socket:
                self.socket.close()
            self.socket, self.buffer = None, ""
            return
        while select.select([self.socket], [], [], 0)[0]:
            try:
                self.socket.recvfrom(65536)
            except ConnectionError:
                pass

    def send(self, line, headers, body=""):
        text = "\r\n".join([line, *headers, f"Content-Length: {len(body)}", "", body]).encode()
        try:
            if self.stream:
                self.connect()
                self.socket.sendall(text)
            else:
                self.socket.sendto(text, ("127.0.0.1", self.bed.sip))
        except OSError:
            pass  # the gateway was killed this very moment

    def via(self):
        self.branch += 1
        return f"Via: SIP/2.0/{'TCP' if self.stream else 'UDP'} {self.here};branch=z9hG4bK{id(self)}x{self.branch}x{self.bed.round};rport"

    def read(self):
        try:
            data = self.socket.recv(65536).decode(errors="replace")
        except OSError:
            data = ""
        if not self.stream:
            if data.strip():
                self.take(Message(data))
            return
        if not data:
            self.socket.close()
            self.socket = None
            return
        self.buffer += data
        while True:
            self.buffer = self.buffer.lstrip("\r\n")
            head, found, rest = self.buffer.partition("\r\n\r\n")
            size = int(re.search(r"^Content-Length:\s*(\d+)", head, re.M | re.I)[1]) if found else 0
            if not found or len(rest) < size:
                return
            self.buffer = rest[size:]
            self.take(Message(head + "\r\n\r\n" + rest[:size]))

    def answer(self, request, status, body="", tag="t"):
        same = [f"Via: {via}" for via in request.all("Via")] + [f"From: {request.one('From')}", f"Call-ID: {request.one('Call-ID')}", f"CSeq: {request.one('CSeq')}"]
        to = request.one("To")
        to += "" if ";tag=" in to else f";tag={tag}"
        more = [f"Contact: <sip:x@{self.here}>", "Content-Type: application/sdp"] if body else []
        self.send(f"SIP/2.0 {status} X", [*same, f"To: {to}", *more], body)


class Phone(Agent):
    """Registers, renews and withdraws without end. `sure`: what the last 200 said, (is it bound, CSeq); `open`: what is on its way."""

    def __init__(self, bed, number, stream):
        super().__init__(bed, "127.0.0.1", stream)
        self.name = f"phone{number}"
        self.contact = f"sip:{self.name}@127.0.0.1:{self.port}" + (";transport=tcp" if stream else "")
        self.call_id, self.cseq = f"reg{number}", 0
        self.sure, self.open, self.invited = (False, 0), None, []

    def register(self, wanted=None, challenge=None):
        self.cseq += 1
        if challenge is None:
            self.wanted = wanted
        else:
            self.take_challenge(challenge)
        self.sent = time.monotonic()
        uri = f"sip:127.0.0.1:{self.bed.sip}"
        headers = [self.via(), f"From: <sip:{self.name}@localhost>;tag=f", f"To: <sip:{self.name}@localhost>", f"Call-ID: {self.call_id}",
                   f"CSeq: {self.cseq} REGISTER", "Max-Forwards: 70", f"Contact: <{self.contact}>", f"Expires: {3600 if self.wanted else 0}", "User-Agent: kill test"]
        if self.nonce or self.stream:  # a stream that has proved itself once is not challenged again
            self.open = (self.wanted, self.cseq)
        if self.nonce:
            headers.append("Authorization: " + self.credentials(uri))
        self.waiting = True
        self.send(f"REGISTER {uri} SIP/2.0", headers)

    def take_challenge(self, message):
        value = next(v for v in message.all("WWW-Authenticate") if "SHA-256" in v)
        self.realm, self.nonce = (re.search(rf'{name}="([^"]*)"', value)[1] for name in ("realm", "nonce"))
        self.count = 0

    def credentials(self, uri):
        self.count += 1
        nc = f"{self.count:08x}"
        sha = lambda text: hashlib.sha256(text.encode()).hexdigest()
        response = sha(":".join([sha(f"{self.name}:{self.realm}:{PASSWORD}"), self.nonce, nc, "cafe", "auth", sha(f"REGISTER:{uri}")]))
        return f'Digest username="{self.name}", realm="{self.realm}", nonce="{self.nonce}", uri="{uri}", response="{response}", algorithm=SHA-256, qop=auth, nc={nc}, cnonce="cafe"'

    def go_on(self):
        """The next REGISTER when the one before is answered, or got lost. The pause keeps the transactions that absorb repeats for 32 s few."""
        since = time.monotonic() - self.sent
        if since > 3 if self.waiting else since > PAUSE:
            self.register(self.bed.random.random() > 0.2)

    waiting, sent, nonce = False, 0.0, ""

    def take(self, message):
        if message.method == "INVITE" and not message.status:
            self.invited.append(message)
            self.answer(message, 486)
        if message.method != "REGISTER" or message.cseq != self.cseq:
            return
        if message.status == 401:
            self.register(challenge=message)
        elif message.status == 200:
            self.sure, self.open, self.waiting = self.open, None, False
            self.bed.confirmed += 1
        else:
            raise AssertionError(f"{self.name}: {message.head}")


class Peer(Agent):
    """A trunk: calls and is called; every call is answered and stays up until it is ended, except those to RINGS, which ring until they are cancelled."""

    def __init__(self, bed, address):
        super().__init__(bed, address)
        self.calls, self.statuses, self.vias = {}, {}, {}
        self.ringing, self.called_off = {}, []  # INVITEs by Call-ID; (CANCEL, when) in their order

    def invite(self, number, call):
        gateway = f"127.0.0.1:{self.bed.sip}"
        self.vias[call] = self.via()
        self.send(f"INVITE sip:{number}@{gateway} SIP/2.0", [self.vias[call], f"From: <sip:1000@{self.here}>;tag=f", f"To: <sip:{number}@{gateway}>", f"Call-ID: {call}",
                  "CSeq: 1 INVITE", "Max-Forwards: 70", f"Contact: <sip:1000@{self.here}>", "Content-Type: application/sdp"], sdp(40000))

    def bye(self, call):
        mine, theirs, target = self.calls[call]
        self.send(f"BYE {target} SIP/2.0", [self.via(), f"From: {mine}", f"To: {theirs}", f"Call-ID: {call}", "CSeq: 1000 BYE", "Max-Forwards: 70"])

    def take(self, message):
        call = message.one("Call-ID")
        if message.status:
            self.statuses[call, message.method] = message.status
            if message.method == "BYE":
                self.calls.pop(call, None)
            if message.method == "INVITE" and message.status >= 200:
                target = re.search(r"<([^>]*)>", message.one("Contact"))[1] if message.status == 200 else "sip:x@127.0.0.1"
                if message.status == 200:
                    self.calls[call] = (message.one("From"), message.one("To"), target)
                via = self.via() if message.status == 200 else self.vias[call]
                self.send(f"ACK {target} SIP/2.0", [via, f"From: {message.one('From')}", f"To: {message.one('To')}", f"Call-ID: {call}", "CSeq: 1 ACK", "Max-Forwards: 70"])
        elif message.method == "INVITE" and f"sip:{RINGS}@" in message.line:
            self.ringing[call] = message
            self.answer(message, 180)
        elif message.method == "CANCEL":
            self.called_off.append((message, time.monotonic()))
            self.answer(message, 200)
            if call in self.ringing:
                self.answer(self.ringing.pop(call), 487)
        elif message.method == "INVITE":
            target = re.search(r"<([^>]*)>", message.one("Contact"))[1]
            self.calls[call] = (message.one("To") + ";tag=t", message.one("From"), target)
            self.answer(message, 200, sdp(40002))
        elif message.method == "BYE":
            self.calls.pop(call, None)
            self.answer(message, 200)


class UnderLoad(unittest.TestCase):
    PROGRAM, SEED = "", 1

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-kill-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.random = random.Random(self.SEED)
        self.round, self.made, self.confirmed, self.starts, self.lost_calls = 0, 0, 0, [], 0
        self.sip, self.web = self.free_port(), self.free_port()
        self.left, self.right = Peer(self, LEFT), Peer(self, RIGHT)
        self.phones = [Phone(self, n, n >= PHONES) for n in range(PHONES + STREAM_PHONES)]
        accounts = "".join(f'[[account]]\nname = "{phone.name}"\npassword = "{PASSWORD}"\n' for phone in self.phones)
        (self.folder / "isthmus.toml").write_text(
            f'data = "{self.folder}/data"\nadmission = "closed"\n[sip]\nudp = ["127.0.0.1:{self.sip}"]\ntcp = ["127.0.0.1:{self.sip}"]\n[web]\nlisten = "127.0.0.1:{self.web}"\n'
            f'[api]\nsecret = "{SECRET}"\n{accounts}[[trunk]]\nname = "left"\nsources = ["{LEFT}"]\n'
            f'[[trunk]]\nname = "right"\nsources = ["{RIGHT}"]\nnumbers = ["2000", "{RINGS}"]\nhost = "{RIGHT}"\nport = {self.right.port}\n')

    @staticmethod
    def free_port():
        for port in range(20000 + os.getpid() % 5000, 32000):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, socket.socket() as stream:
                try:
                    datagram.bind(("127.0.0.1", port)), stream.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in UnderLoad.given:
                UnderLoad.given.add(port)
                return port
        raise AssertionError("no free port")

    given = set()

    def start(self):
        """Starts the program; seconds until an OPTIONS was answered."""
        begin = time.monotonic()
        self.gateway = Started([self.PROGRAM, "--config", str(self.folder / "isthmus.toml")], self.folder, f"gateway{self.round}.log")
        self.addCleanup(self.gateway.process.kill)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            here = f"127.0.0.1:{probe.getsockname()[1]}"
            for attempt in range(10000):
                self.assertIsNone(self.gateway.process.poll(), self.gateway.text())
                self.assertLess(time.monotonic() - begin, 60, self.gateway.text())
                probe.sendto(f"OPTIONS sip:127.0.0.1:{self.sip} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKo{self.round}x{attempt};rport\r\nFrom: <sip:o@{here}>;tag=o\r\n"
                             f"To: <sip:127.0.0.1:{self.sip}>\r\nCall-ID: o{attempt}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(), ("127.0.0.1", self.sip))
                if select.select([probe], [], [], 0.01)[0]:
                    try:
                        if probe.recv(65536).startswith(b"SIP/2.0 200"):
                            return time.monotonic() - begin
                    except ConnectionError:
                        time.sleep(0.005)  # nobody listens yet

    def serve(self, seconds, until=lambda: False, load=True):
        """Lets everybody speak; with load, phones register and calls begin and end."""
        agents = [self.left, self.right, *self.phones]
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                return False
            for phone in self.phones:
                if load or phone.waiting:  # what got lost is said again
                    phone.go_on()
            if load and self.random.random() < 0.3:
                if len(self.left.calls) < 8:
                    self.made += 1
                    self.left.invite("2000", f"call{self.made}")
                else:
                    self.left.bye(next(iter(self.left.calls)))
            sockets = {agent.socket: agent for agent in agents if agent.socket}
            for ready in select.select(list(sockets), [], [], 0.01)[0]:
                sockets[ready].read()
        return True

    def rows(self):
        with sqlite3.connect(self.folder / "data/isthmus.db", timeout=10) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])
            rows = database.execute("SELECT account, cseq FROM binding").fetchall()
        database.close()
        return dict(rows)

    def ringing_rows(self):
        """How many phones the database knows to ring."""
        with sqlite3.connect(self.folder / "data/isthmus.db", timeout=10) as database:
            (count,) = database.execute("SELECT count(*) FROM ringing").fetchone()
        database.close()
        return count

    def http(self, method, path, body=None):
        """Status and text of an answer of the web listener."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", data=body and body.encode(), method=method,
                                         headers={"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.http("GET", "/metrics")[1], re.M)[1])

    def registrations(self):
        status, text = self.http("GET", "/api/v1/registrations?perPage=200")
        self.assertEqual(status, 200)
        return json.loads(text)["entries"]
