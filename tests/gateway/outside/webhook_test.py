#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program between a client, a web server and a SIP callee (s1) that are the test's own, over real sockets: the veto in all its ways, events that are
signed, repeated and in order, and who speaks with whom (R0.1, R0.5-R0.9, R0.14, R0.18, R0.23, R0.24, X5). Everything that the program says to the web
server or answers to it is held against docs/openapi.json. Usage: webhook_test.py PROGRAM"""
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import sys
import tempfile
import threading
import time
import unittest

import smoke_test
from smoke_test import OFFER, PATIENCE, ROOT, Started, WebSocket

sys.path.insert(0, str(ROOT / "tests/api"))
from schema import Schema  # noqa: E402

SCHEMA = Schema(json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8")))
OLD, NEW = "old-secret", "new-secret"
SCHEMA_OF = {"call": "CallEvent", "client": "ClientEvent"}


def wait_for(what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("waited in vain")


class WebServer:
    """H. `answer` gives (status, body) for each event, or None for no answer at all. Everything that came is in `events`."""

    def __init__(self):
        self.events = []
        self.answer = self.allow
        self.over = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = {"at": time.monotonic(), "body": body, "json": json.loads(body), "signature": self.headers["Isthmus-Signature"], "from": self.client_address}
                owner.events.append(event)
                answer = owner.answer(event["json"])
                event["answered"] = time.monotonic()
                if answer is None:
                    owner.over.wait(PATIENCE)
                    self.close_connection = True
                    return
                status, text = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            log_message = lambda *_: None

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128  # of connections made at once

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def allow(event):
        return (200, '{"allowed":true}') if event["type"] == "call.admission" else (204, "")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def of_call(self, call):
        return [event for event in list(self.events) if event["json"]["data"].get("call", {}).get("id") == call]

    def states(self, call):
        return [event["json"]["data"]["call"]["current_state"] for event in self.of_call(call)]

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Callee:
    """s1: answers INVITEs of its one number by hand, acknowledges nothing by itself, remembers every datagram and where it came from."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE)
        self.port = self.socket.getsockname()[1]
        self.heard = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            while True:
                data, source = self.socket.recvfrom(65536)
                self.heard.append((time.monotonic(), data.decode(), source))
        except (TimeoutError, OSError):
            pass

    def first(self, start, call=""):
        return wait_for(lambda: next(((at, text, source) for at, text, source in self.heard if text.startswith(start) and call in text), None))

    def reply(self, request, status, body=""):
        _, text, source = request
        fields = [line for line in text.split("\r\n\r\n")[0].split("\r\n")[1:] if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
        fields = [line + ";tag=s1" if line.lower().startswith("to:") and ";tag=" not in line else line for line in fields]
        fields += [f"Contact: <sip:s1@127.0.0.1:{self.port}>", f"Content-Length: {len(body)}"] + (["Content-Type: application/sdp"] if body else [])
        self.socket.sendto("\r\n".join([f"SIP/2.0 {status}", *fields, "", body]).encode(), source)

    def bye(self, invite):
        text, gateway = invite[1], invite[2]
        value = lambda name: re.search(rf"^{name}: *(.*?)\r$", text, re.M | re.I).group(1)
        target = re.search(r"<([^>]+)>", value("Contact")).group(1)
        here = f"127.0.0.1:{self.port}"
        self.socket.sendto((f"BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKbye{time.monotonic_ns()}\r\nMax-Forwards: 70\r\nFrom: {value('To')};tag=s1\r\n"
                            f"To: {value('From')}\r\nCall-ID: {value('Call-ID')}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n").encode(), gateway)

    def sdp(self):
        return (f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {self.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")


class Gateway:
    def __init__(self, callee, url, on_failure="refuse", log="info", policy=1, more=""):
        self.folder = tempfile.TemporaryDirectory(prefix="isthmus-webhook-")
        config = pathlib.Path(self.folder.name) / "isthmus.toml"
        config.write_text(f'''[sip]
udp = ["127.0.0.1:0"]
tcp = []
[web]
listen = "127.0.0.1:0"
[timers]
policy_s = {policy}
shutdown_s = 1
[api]
secret = "api-secret"
[log]
level = "{log}"
[webhook]
on_failure = "{on_failure}"
{f'url = "{url}"' if url else ''}
[[account]]
name = "alice"
password = "alices password"
[[trunk]]
name = "s1"
numbers = ["2000-2999"]
host = "127.0.0.1"
port = {callee.port}
{more}''')
        # Two secrets, as while one is being changed.
        environment = dict(os.environ, ISTHMUS_WEBHOOK_SECRET=f"{NEW},{OLD}")
        self.program = Started([smoke_test.PROGRAM, "--config", str(config)], self.folder.name, "gateway.log", env=environment)
        self.port = int(self.program.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
        self.sip = int(self.program.line(r"SIP\s+127\.0\.0\.1:(\d+)").group(1))

    def client(self):
        client = WebSocket(self.port)
        assert client.request("sign_in", account="alice", password="alices password")["result"]
        return client

    def http(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, {"Authorization": "Bearer api-secret", "Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text)

    def stop(self):
        status = self.program.stop()
        log = self.program.text()
        self.folder.cleanup()
        assert status == 0, log


class Veto(unittest.TestCase):
    def setUp(self):
        self.callee = Callee()
        self.addCleanup(self.callee.socket.close)
        self.web_server = WebServer()
        self.addCleanup(self.web_server.stop)

    def start(self, url=None, **settings):
        gateway = Gateway(self.callee, self.web_server.url if url is None else url, **settings)
        self.addCleanup(gateway.stop)
        return gateway

    def refusal(self, gateway):
        error = gateway.client().request("make_call", to="2000", sdp=OFFER)["error"]
        self.assertEqual((error["code"], error["message"]), (-32001, "refused"))
        return error["data"]["reason"]

    def nothing_reached_s1(self, seconds=2):
        time.sleep(seconds)
        self.assertEqual(self.callee.heard, [])

    def test_R0_6_R0_7_each_way_to_fail_refuses_with_a_reason_of_its_own(self):
        gateway = self.start()
        reasons = []
        for answer in [(200, '{"allowed":false,"reason":"no"}'), (500, '{"allowed":true}'), (200, "certainly"), (200, '{"allowed":"true"}'), None]:
            self.web_server.answer = lambda event, answer=answer: answer if event["type"] == "call.admission" else (204, "")
            reasons.append(self.refusal(gateway))
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = f"http://127.0.0.1:{gone.getsockname()[1]}/"
        reasons.append(self.refusal(self.start(nobody)))
        reasons.append(self.refusal(self.start("")))
        self.assertEqual(reasons, ["refused", "web_server_error", "web_server_malformed", "web_server_malformed", "web_server_timeout", "web_server_unreachable",
                                   "no_web_server"])
        self.nothing_reached_s1()
        # The owner reads in the log what is wrong, once, and when it is over.
        self.assertEqual(len(re.findall("the web server fails", gateway.program.text())), 1)
        gateway.program.line(r"warning the web server fails \(answers 500\): .*" + re.escape(self.web_server.url))
        gateway.program.line("info the web server answers again")

    def test_R0_7_the_owner_may_let_calls_go_on_and_is_warned(self):
        gateway = self.start(on_failure="allow")
        gateway.program.line("warning .*on_failure")
        self.web_server.answer = lambda event: (503, "")
        self.assertIn("continue", gateway.client().request("make_call", to="2000", sdp=OFFER)["result"])
        self.callee.first("INVITE")
        gateway.program.line(r"the web server fails \(answers 503\): calls go on unasked")

    def test_R0_24_a_web_server_with_another_secret_is_named_in_the_log(self):
        gateway = self.start()
        self.web_server.answer = lambda event: (401, "")
        self.assertEqual(self.refusal(gateway), "web_server_error")
        gateway.program.line(r"warning the web server fails \(answers 401: perhaps its secret is not webhook\.secrets \(ISTHMUS_WEBHOOK_SECRET\), or one of the clocks is wrong\)")
        self.assertNotIn(NEW, gateway.program.text())

    def test_debug_tells_what_the_web_server_said_and_how_long_it_took(self):
        gateway = self.start(log="debug")

        def slowly(event):
            if event["type"] == "call.admission":
                time.sleep(0.1)
            return WebServer.allow(event)

        self.web_server.answer = slowly
        client = gateway.client()
        call = client.request("make_call", to="2000", sdp=OFFER)["result"]["continue"]
        took = gateway.program.line(rf"debug call {call} web server: allowed after (\d+) ms$")[1]
        self.assertTrue(100 <= int(took) < 1000, took)
        self.web_server.answer = lambda event: (200, '{"allowed":false}')
        refused = client.request("make_call", to="2000", sdp=OFFER)["error"]["data"]["call_id"]
        gateway.program.line(rf"debug call {refused} web server: refused \(refused\) after \d+ ms$")
        client.request("drop_call", call_id=call)

    def test_R0_5_R0_9_s1_hears_nothing_before_the_web_server_has_answered(self):
        gateway = self.start()

        def slowly(event):
            if event["type"] == "call.admission":
                time.sleep(0.3)
            return WebServer.allow(event)

        self.web_server.answer = slowly
        client = gateway.client()
        call = client.request("make_call", to="2000", sdp=OFFER)["result"]["continue"]
        at, text, _ = self.callee.first("INVITE")
        question = self.web_server.of_call(call)[0]
        self.assertLess(question["answered"], at)
        self.assertEqual(client.notifications[0]["params"]["state"], "pending")
        facts = question["json"]["data"]["call"]
        self.assertEqual([facts[name] for name in ("client", "from", "to", "module")], ["alice", "alice", "2000", "s1"])
        self.assertEqual(facts["target"], text.split()[1], "R0.24: as it will be dialled")
        client.request("drop_call", call_id=call)

    def test_X5_R0_23_an_empty_answer_waits_for_the_api(self):
        gateway = self.start()
        self.web_server.answer = lambda event: (202, "")
        client = gateway.client()
        client.last_id += 1
        client.send(json.dumps({"jsonrpc": "2.0", "id": client.last_id, "method": "make_call", "params": {"to": "2000", "sdp": OFFER}}))
        call = client.state("pending")["call_id"]
        self.nothing_reached_s1(1.5)  # The limit of an HTTP response is 1 s here.
        status, page = gateway.http("GET", "/api/v1/calls")
        self.assertEqual((status, SCHEMA.faults("CallPage", page)), (200, []))
        self.assertEqual(page["entries"][0]["current_state"], "pending")
        self.assertEqual(gateway.http("POST", f"/api/v1/calls/{call}/switch", '{"client":"alice"}')[0], 409)
        status, allowed = gateway.http("POST", f"/api/v1/calls/{call}/allow", '{"from":"4000"}')
        self.assertEqual((status, SCHEMA.faults("Call", allowed)), (200, []))
        self.assertIn("From: <sip:4000@", self.callee.first("INVITE")[1])
        status, dropped = gateway.http("POST", f"/api/v1/calls/{call}/drop")
        self.assertEqual((status, SCHEMA.faults("Call", dropped), dropped["current_state"]), (200, [], "dropped"))

    def test_R0_5_R0_8_a_web_server_that_hangs_at_events_is_asked_and_heard_at_once(self):
        gateway = self.start(policy=10)
        hung = []

        def answer(event):
            if event["type"] != "call.state":
                return WebServer.allow(event)
            hung.append(event)
            return None

        self.web_server.answer = answer
        sessions, calls_each, connections = 5, 8, 32
        begin = time.monotonic()
        for client in [gateway.client() for _ in range(sessions)]:
            for _ in range(calls_each):
                self.assertIn("continue", client.request("make_call", to="echo", sdp=OFFER).get("result", {}))
        self.assertLess(time.monotonic() - begin, 5, "an event hangs for 10 s")
        wait_for(lambda: len(hung) == connections)  # the events of the other calls have no connection
        self.web_server.answer = WebServer.allow
        self.web_server.over.set()

    def test_R0_8_R0_14_R0_18_a_web_server_that_hangs_and_fails_holds_nobody_up_and_misses_nothing(self):
        gateway = self.start()
        released, failures = threading.Event(), []

        def answer(event):
            if event["type"] == "call.admission":
                return 200, '{"allowed":true}'
            if event["type"] == "call.state" and not released.is_set():
                return None
            if event["type"] == "call.state" and len(failures) < 2:
                failures.append(event["id"])
                return 500, ""
            return 204, ""

        self.web_server.answer = answer
        client = gateway.client()
        call = client.request("make_call", to="2000", sdp=OFFER)["result"]["continue"]
        invite = self.callee.first("INVITE")
        self.callee.reply(invite, "180 Ringing")
        self.assertIn("a=fingerprint", client.state("ringing")["sdp"])
        self.callee.reply(invite, "200 OK", self.callee.sdp())
        self.assertEqual(client.state("confirmed")["sdp"], client.state("ringing")["sdp"], "R0.12: byte-identical")
        self.callee.first("ACK")
        self.callee.bye(invite)
        self.callee.first("SIP/2.0 200 OK")
        self.assertEqual(client.state("dropped")["reason"], "hung_up")
        self.assertEqual([note["params"]["seq"] for note in client.notifications], [1, 2, 3, 4, 5])
        self.assertEqual(self.web_server.states(call), ["pending", "calling"], "the web server hangs at the second")

        released.set()
        self.web_server.over.set()
        wait_for(lambda: "dropped" in self.web_server.states(call))
        events = self.web_server.of_call(call)
        # It hung at `calling` (once, or again where its own limit of 1 s came first), failed twice, then took all.
        tries = [event for event in events if event["json"]["data"]["call"]["current_state"] == "calling"]
        self.assertGreaterEqual(len(tries), 3)
        self.assertEqual({event["json"]["id"] for event in tries}, {failures[0]})
        self.assertEqual(len({event["body"] for event in tries}), 1)
        order = [event["json"]["data"]["call"]["seq"] for event in events]
        self.assertEqual(order, sorted(order))
        self.assertEqual(sorted(set(order)), [1, 2, 3, 4, 5])
        self.assertEqual(order[-3:], [3, 4, 5], "each of the later ones once")

        # R0.24: form and signature of everything that was said; R0.1: s1 knows the gateway's SIP port and nobody else.
        for event in self.web_server.events:
            self.assertEqual(SCHEMA.faults(SCHEMA_OF[event["json"]["type"].split(".")[0]], event["json"]), [])
            when, *signatures = [part.partition("=")[2] for part in event["signature"].split(",")]
            self.assertLess(abs(time.time() - int(when)), PATIENCE)
            self.assertEqual(signatures, [hmac.new(secret.encode(), when.encode() + b"." + event["body"], hashlib.sha256).hexdigest() for secret in (NEW, OLD)])
        self.assertEqual({source for _, _, source in self.callee.heard}, {("127.0.0.1", gateway.sip)})
        self.assertEqual(gateway.http("GET", f"/api/v1/calls/{call}"), (200, None))


if __name__ == "__main__":
    smoke_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
