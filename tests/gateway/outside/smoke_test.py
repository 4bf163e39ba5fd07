#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program from outside, as `./dev run` starts it: page, health, secrets, Host and Origin, a client's call to `echo` that the example web server
allows, the HTTP API, metrics, and an orderly end (R0.1, R0.5, R0.15, R0.22-R0.24, R5.1). Usage: smoke_test.py PROGRAM"""
import base64
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ""
PATIENCE = 15
SECRET = "smoke-secret"
OFFER = (
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126\r\n"
    "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:Zk3x\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\na=ssrc:1001 cname:x\r\n"
)


class Started:
    """A child process; its output goes to a file, so that no pipe fills."""

    def __init__(self, command, folder, name, **options):
        self.path = pathlib.Path(folder) / name
        self.process = subprocess.Popen(command, cwd=folder, stdout=self.path.open("wb"), stderr=subprocess.STDOUT, **options)

    def text(self):
        return self.path.read_text(errors="replace")

    def line(self, pattern):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, self.text(), re.M)
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in:\n{self.text()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class WebSocket:
    def __init__(self, port, headers=None, protocol="isthmus.v1", host="127.0.0.1", tls=None, name=None):
        """`tls`: an ssl.SSLContext; `name`: what the gateway is called, where that is not its address."""
        self.socket = socket.create_connection((host, port), PATIENCE)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name or host)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /ws HTTP/1.1", f"Host: {name or f'{host}:{port}'}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {protocol}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])
        self.notifications = []
        self.last_id = 0

    def fill(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError
        self.buffer += got

    def take(self, size):
        while len(self.buffer) < size:
            self.fill()
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def send(self, payload, opcode=1):
        data = payload.encode() if isinstance(payload, str) else payload
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data)) if len(data) < 65536 else b"\xff" + struct.pack(">Q", len(data))
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self):
        """The next message as a dict, or the closing code as an int."""
        while True:
            first, second = self.take(2)
            size = second & 127
            if size == 126:
                size = struct.unpack(">H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.take(8))[0]
            data = self.take(size)
            if first & 15 == 1:
                return json.loads(data)
            if first & 15 == 8:
                return struct.unpack(">H", data[:2])[0]
            if first & 15 == 9:
                self.send(data, 10)

    def request(self, method, **params):
        self.last_id += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}))
        while True:
            message = self.receive()
            if isinstance(message, int):
                raise AssertionError(f"closed with {message}")
            if "method" in message:
                self.notifications.append(message)
            elif message["id"] == self.last_id:
                return message

    def state(self, wanted):
        """Reads until the state was told; gives that notification."""
        while True:
            for message in self.notifications:
                if message["params"].get("state") == wanted:
                    return message["params"]
            self.notifications.append(self.receive())


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="isthmus-smoke-")
        environment = dict(os.environ, ISTHMUS_WEBHOOK_SECRET=SECRET)
        server = ROOT / "examples/webserver/server.py"
        cls.web_server = Started([sys.executable, "-u", str(server), "--port", "0", "--refuse", "19*"], cls.folder.name, "server.log", env=environment)
        hook = cls.web_server.line(r"^web server +(http://\S+)$").group(1) + "webhook"
        cls.gateway = Started([PROGRAM, "run", "--sip", "127.0.0.1:0", "--web", "127.0.0.1:0", "--webhook-url", hook],
                              cls.folder.name, "gateway.log", env=environment)
        cls.port = int(cls.gateway.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
        cls.sip = int(cls.gateway.line(r"SIP\s+127\.0\.0\.1:(\d+)").group(1))
        data = pathlib.Path(cls.folder.name) / "data"
        cls.accounts = dict(line.split() for line in (data / "demo-accounts").read_text().splitlines())
        cls.secret = (data / "api-secret").read_text().strip()

    @classmethod
    def tearDownClass(cls):
        status = cls.gateway.stop()
        cls.web_server.stop()
        log = cls.gateway.text()
        cls.folder.cleanup()
        assert status == 0, f"ended with {status}:\n{log}"

    def http(self, method, path, headers=None, body=None, secret=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = dict(headers or {})
        if secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response, text

    def signed_in(self, account="alice"):
        client = WebSocket(self.port)
        self.assertEqual(client.status, 101)
        answer = client.request("sign_in", account=account, password=self.accounts[account])
        self.assertEqual(answer["result"]["client"], account)
        return client

    def test_the_page_and_its_headers(self):
        response, text = self.http("GET", "/", secret=False)
        self.assertEqual(response.status, 200)
        self.assertIn("<!doctype html>", text)
        self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("microphone=(self)", response.headers["Permissions-Policy"])
        for name in re.findall(r'(?:src|href)="([\w.]+)"', text):
            self.assertEqual(self.http("GET", "/" + name, secret=False)[0].status, 200, name)
        self.assertEqual(self.http("GET", "/isthmus.js", secret=False)[0].headers["Content-Type"], "text/javascript; charset=utf-8")
        self.assertEqual(self.http("GET", "/../etc/passwd", secret=False)[0].status, 404)

    def test_health_needs_no_secret_and_everything_else_does(self):
        self.assertEqual(self.http("GET", "/healthz", secret=False)[1], '{"status":"ok"}')
        for method, path in [("GET", "/api/v1/calls"), ("POST", "/api/v1/clients"), ("GET", "/metrics"), ("DELETE", "/api/v1/clients/x")]:
            response, text = self.http(method, path, secret=False)
            self.assertEqual((response.status, json.loads(text)["error"]["code"]), (401, "unauthorized"), path)
            self.assertIn("Basic", response.headers["WWW-Authenticate"])
        basic = base64.b64encode(f"api:{self.secret}".encode()).decode()
        self.assertEqual(self.http("GET", "/api/v1/calls", {"Authorization": f"Basic {basic}"}, secret=False)[0].status, 200)
        self.assertEqual(self.http("GET", "/api/v1/calls", {"Authorization": "Bearer wrong"}, secret=False)[0].status, 401)

    def test_foreign_hosts_and_origins_are_sent_away(self):
        for headers, code in [({"Host": "evil.example"}, "forbidden_host"), ({"Origin": "http://evil.example"}, "forbidden_origin")]:
            response, text = self.http("GET", "/api/v1/calls", headers)
            self.assertEqual((response.status, json.loads(text)["error"]["code"]), (403, code))
        self.assertEqual(WebSocket(self.port, {"Origin": "http://evil.example"}).status, 403)
        self.assertEqual(WebSocket(self.port, {"Origin": "null"}).status, 403)
        self.assertEqual(WebSocket(self.port, {"Origin": f"http://127.0.0.1:{self.port}"}).status, 101)
        self.assertEqual(WebSocket(self.port, protocol="other").status, 400)

    def test_options_to_the_gateway_itself_over_udp(self):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.settimeout(PATIENCE)
        peer.bind(("127.0.0.1", 0))
        here = f"127.0.0.1:{peer.getsockname()[1]}"
        peer.sendto(f"OPTIONS sip:127.0.0.1:{self.sip} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKsmoke;rport\r\nFrom: <sip:x@{here}>;tag=1\r\n"
                    f"To: <sip:127.0.0.1>\r\nCall-ID: smoke\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode(), ("127.0.0.1", self.sip))
        self.assertTrue(peer.recv(4096).startswith(b"SIP/2.0 200 OK\r\n"))

    def test_a_client_calls_echo_and_hangs_up(self):
        client = self.signed_in()
        answer = client.request("make_call", to="echo", sdp=OFFER, ref="tab-1")
        call = answer["result"]["continue"]
        confirmed = client.state("confirmed")
        self.assertEqual([n["params"]["state"] for n in client.notifications], ["pending", "calling", "confirmed"])
        self.assertEqual([n["params"]["seq"] for n in client.notifications], [1, 2, 3])
        self.assertEqual((confirmed["call_id"], confirmed["ref"], confirmed["from"], confirmed["to"]), (call, "tab-1", "alice", "echo"))
        self.assertIn("a=ice-lite", confirmed["sdp"])
        self.assertIn("a=candidate:", confirmed["sdp"])
        self.assertIn(" 127.0.0.1 ", confirmed["sdp"])

        listed = json.loads(self.http("GET", f"/api/v1/calls/{call}")[1])
        self.assertEqual((listed["current_state"], listed["client"], listed["module"]), ("confirmed", "alice", "echo"))
        self.assertEqual(self.http("POST", f"/api/v1/calls/{call}/switch", body='{"client":"bob"}')[0].status, 409)
        self.assertIn('isthmus_live{machine="exchange",kind="calls"} 1\n', self.http("GET", "/metrics")[1])

        shown = self.command("calls", "--web", f"127.0.0.1:{self.port}")
        self.assertRegex(shown.stdout, rf"(?m)^{call} confirmed outgoing from alice to echo by echo since 20\S+Z$")
        self.assertEqual(shown.returncode, 0)

        dropped = client.request("drop_call", call_id=call)
        self.assertEqual(dropped["result"], {"call_id": call, "state": "dropped"})
        self.assertEqual(client.request("drop_call", call_id=call)["error"]["code"], -32005)
        self.assertEqual([n["params"]["state"] for n in client.notifications], ["pending", "calling", "confirmed"])
        self.assertEqual(self.http("GET", f"/api/v1/calls/{call}")[1], "null")
        self.assertIn('isthmus_live{machine="exchange",kind="calls"} 0\n', self.http("GET", "/metrics")[1])
        for told in ["call.admission", "pending calling", "calling confirmed", "confirmed dropped hung_up"]:
            self.web_server.line(rf"{call}.*{told}|{told}.*{call}")
        self.gateway.line(rf"call {call} outgoing from alice to echo by echo client alice ended: hung_up")

    def command(self, *words):
        """A command to the running gateway, from the folder where it was started."""
        return subprocess.run([PROGRAM, *words], cwd=self.folder.name, capture_output=True, text=True, timeout=PATIENCE, check=False)

    def test_a_command_that_finds_no_gateway_says_so(self):
        for words, says in [(["--web", "127.0.0.1:1"], "no gateway answers at 127.0.0.1:1: Connection refused"),
                            (["--web", f"127.0.0.1:{self.port}", "--data", "elsewhere"], "elsewhere/api-secret: No such file or directory")]:
            run = self.command("calls", *words)
            self.assertEqual(run.returncode, 1)
            self.assertIn(says, run.stderr)

    def test_the_web_server_refuses_by_its_list(self):
        client = self.signed_in("bob")
        answer = client.request("make_call", to="1900", sdp=OFFER)
        self.assertEqual(answer["error"]["code"], -32001)
        self.assertIn(answer["error"]["data"]["reason"], ("refused", "not_found"))

    def test_the_web_server_drops_a_call_by_the_api(self):
        client = self.signed_in("bob")
        call = client.request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
        client.state("confirmed")
        response, text = self.http("POST", f"/api/v1/calls/{call}/drop")
        self.assertEqual((response.status, json.loads(text)["current_state"], json.loads(text)["reason"]), (200, "dropped", "commanded"))
        self.assertEqual(client.state("dropped")["reason"], "commanded")

    def test_a_client_of_the_api_has_a_key_of_its_own(self):
        response, text = self.http("POST", "/api/v1/clients", body='{"identities":["2001"]}')
        self.assertEqual(response.status, 201)
        made = json.loads(text)
        self.assertEqual(len(made["key"]), 43)
        client = WebSocket(self.port)
        self.assertEqual(client.request("sign_in", client=made["id"], key="wrong")["error"]["code"], -32002)
        self.assertEqual(client.request("sign_in", client=made["id"], key=made["key"])["result"]["identities"], ["2001"])
        self.assertTrue(json.loads(self.http("GET", f"/api/v1/clients/{made['id']}")[1])["connected"])
        self.assertEqual(self.http("POST", "/api/v1/clients", body='{"identities":["2001"]}')[0].status, 409)
        self.assertEqual(self.http("DELETE", f"/api/v1/clients/{made['id']}")[0].status, 204)
        self.assertEqual(client.receive(), 4003)
        self.assertNotIn(made["key"], self.gateway.text())

    def test_metrics_are_in_the_text_format_and_name_every_family_once(self):
        response, text = self.http("GET", "/metrics")
        self.assertTrue(response.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        families, samples = {}, set()
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, families)
                families[name] = kind
            elif not line.startswith("# HELP "):
                found = re.fullmatch(r'(\w+)((?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})?) (\d+(?:\.\d+)?(?:e[-+]\d+)?)', line)
                self.assertIsNotNone(found, line)
                self.assertEqual(name, re.sub(r"_(bucket|sum|count)$", "", found[1]) if kind == "histogram" else found[1])
                self.assertNotIn(found[1] + found[2], samples)
                samples.add(found[1] + found[2])
        for name, kind in families.items():
            self.assertEqual(kind == "counter", name.endswith("_total"), name)
        for reason in ("web_server_timeout", "hung_up", "shutdown"):
            self.assertIn(f'isthmus_calls_ended_total{{reason="{reason}"}}', samples)
        for sample in ('isthmus_live{machine="exchange",kind="calls"}', 'isthmus_webhook_events_lost_total{reason="given_up"}', "isthmus_outbox_dropped_total"):
            self.assertIn(sample, samples)
        self.assertNotIn('"unknown"', text)

    def test_secrets_are_in_no_log(self):
        self.signed_in()
        log = self.gateway.text() + self.web_server.text()
        for secret in [*self.accounts.values(), self.secret, SECRET]:
            self.assertNotIn(secret, log)

    def test_a_second_gateway_says_which_port_is_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([PROGRAM, "run", "--sip", f"127.0.0.1:{self.sip}", "--web", "127.0.0.1:0"], cwd=folder,
                                 capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"127.0.0.1:{self.sip}", run.stderr)

    def test_sigterm_ends_calls_and_the_program_within_its_limit(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "isthmus.toml"
            config.write_text('admission = "allow-all"\n[sip]\nudp = ["127.0.0.1:0"]\ntcp = []\n[web]\nlisten = "127.0.0.1:0"\n'
                              '[[account]]\nname = "carol"\npassword = "carols password"\n')
            gateway = Started([PROGRAM, "--config", str(config)], folder, "gateway.log")
            port = int(gateway.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
            self.assertIn("allow-all", gateway.line(r"warn.*").group(0))
            client = WebSocket(port)
            client.request("sign_in", account="carol", password="carols password")
            client.request("make_call", to="echo", sdp=OFFER)
            client.state("confirmed")
            self.assertEqual(gateway.stop(), 0, gateway.text())
            self.assertEqual(client.state("dropped")["reason"], "shutdown")
            self.assertEqual(client.receive(), 1001)
            self.assertFalse((pathlib.Path(folder) / "data/demo-accounts").exists())

    def test_a_bad_configuration_is_refused_with_its_line(self):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "isthmus.toml"
            config.write_text('# first\n[web]\nlissten = "127.0.0.1:0"\n')
            for command in [["check", str(config)], ["--config", str(config)]]:
                run = subprocess.run([PROGRAM, *command], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
                self.assertNotEqual(run.returncode, 0)
                self.assertIn('isthmus.toml:3: web.lissten: no such key; did you mean "listen"?', run.stderr)
            config.write_text("")
            run = subprocess.run([PROGRAM, "check", str(config)], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(run.returncode, 0, run.stderr)

    def helps(self, *words):
        """The help of a command and of all below it: pairs of its words and the text."""
        run = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, timeout=PATIENCE, check=True)
        below = re.findall(r"(?m)^  (\w+) ", run.stdout.split("Subcommands:\n")[1]) if "Subcommands:" in run.stdout else []
        return [(words, run.stdout), *(each for word in below for each in self.helps(*words, word))]

    def test_each_command_has_help_with_an_example(self):
        helps = self.helps()
        self.assertGreaterEqual({words for words, _ in helps}, {(), ("run",), ("account",), ("account", "passwd"), ("trace", "save"), ("cert",)})
        for words, text in helps:
            with self.subTest(words=words):
                self.assertRegex(text, r"(?m)^Example: isthmus " + " ".join(words))

    def test_help_and_version(self):
        for option, word in [("--help", "--config"), ("--version", "isthmus 0.")]:
            run = subprocess.run([PROGRAM, option], capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(run.returncode, 0)
            self.assertIn(word, run.stdout)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
