#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/api.md and docs/openapi.json: the receiver code printed there is taken out and run, its examples parse and fit the schemas, and the two
documents name the same paths, codes, reasons and events (R0.22-R0.24)."""
import hashlib
import hmac
import http.client
import importlib.util
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from schema import Schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
OPENAPI = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
SCHEMA = Schema(OPENAPI)
SECRET = "whsec-example"


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.M | re.S)


def listings():
    """The code blocks that begin with a comment that names a file."""
    found = {}
    for block in fenced("python") + fenced("js"):
        name = re.match(r"(?:#|//) (\w+\.\w+)\n", block)
        found[name.group(1)] = block
    return found


def table(first_column):
    """The rows of the table whose head begins so, as lists of cells."""
    start = TEXT.index(f"| {first_column} |")
    lines = TEXT[start:].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def sign(body, when, secret=SECRET):
    return hmac.new(secret.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()


def matrix():
    """(name, secrets, header, body, now, verdict), the same for both languages."""
    body, when = b'{"id":"e_1","type":"call.state"}', 1795233907
    good = f"t={when},v1={sign(body, when)}"
    other = sign(body, when, "other")
    return [
        ("good", [SECRET], good, body, when, True),
        ("a little late", [SECRET], good, body, when + 300, True),
        ("a little early", [SECRET], good, body, when - 300, True),
        ("stale", [SECRET], good, body, when + 301, False),
        ("from the future", [SECRET], good, body, when - 301, False),
        ("second secret", ["new", SECRET], good, body, when, True),
        ("second signature", [SECRET], f"t={when},v1={other},v1={sign(body, when)}", body, when, True),
        ("spaces after commas", [SECRET], good.replace(",", ", "), body, when, True),
        ("no secret", [], good, body, when, False),
        ("wrong secret", ["guess"], good, body, when, False),
        ("body changed", [SECRET], good, body.replace(b"1", b"2"), when, False),
        ("body longer", [SECRET], good, body + b"\n", when, False),
        ("time changed", [SECRET], good.replace(str(when), str(when + 1)), body, when, False),
        ("two times", [SECRET], good + f",t={when}", body, when, False),
        ("no time", [SECRET], good.split(",")[1], body, when, False),
        ("time is no number", [SECRET], f"t={when}x,v1={sign(body, when)}", body, when, False),
        ("time is signed", [SECRET], f"t=-{when},v1={sign(body, when)}", body, when, False),
        ("no signature", [SECRET], f"t={when}", body, when, False),
        ("empty signature", [SECRET], f"t={when},v1=", body, when, False),
        ("upper case", [SECRET], good.upper().replace("T=", "t=").replace("V1=", "v1="), body, when, False),
        ("cut", [SECRET], good[:-1], body, when, False),
        ("empty", [SECRET], "", body, when, False),
        ("nonsense", [SECRET], ",,=;v1", body, when, False),
    ]


class ReceiverCode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        for name, code in listings().items():
            (pathlib.Path(cls.folder.name) / name).write_text(code, encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_verify_in_python(self):
        spec = importlib.util.spec_from_file_location("verify", pathlib.Path(self.folder.name) / "verify.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, secrets, header, body, now, verdict in matrix():
            with self.subTest(name):
                self.assertIs(module.verify([secret.encode() for secret in secrets], header, body, now), verdict)

    def test_verify_in_node(self):
        cases = [[secrets, header, body.decode(), now] for _, secrets, header, body, now, _ in matrix()]
        script = ("import {verify} from './verify.mjs'; let text = ''; for await (const piece of process.stdin) text += piece;"
                  "console.log(JSON.stringify(JSON.parse(text).map(([s, h, b, n]) => verify(s, h, Buffer.from(b), n))));")
        done = subprocess.run(["node", "--input-type=module", "-e", script], cwd=self.folder.name, input=json.dumps(cases), capture_output=True, text=True, timeout=30)
        self.assertEqual(done.stderr, "")
        for (name, *_, verdict), answer in zip(matrix(), json.loads(done.stdout), strict=True):
            with self.subTest(name):
                self.assertIs(answer, verdict)

    def test_the_receivers_answer_the_gateway_and_nobody_else(self):
        for command in ([sys.executable, "receiver.py"], ["node", "receiver.mjs"]):
            with self.subTest(command[1]):
                program = subprocess.Popen(command, cwd=self.folder.name, env={**os.environ, "PORT": "0", "ISTHMUS_WEBHOOK_SECRET": SECRET}, stdout=subprocess.PIPE,
                                           stderr=subprocess.DEVNULL, text=True)
                try:
                    self.converse(int(program.stdout.readline()))
                finally:
                    program.terminate()
                    program.wait(10)
                    program.stdout.close()

    def converse(self, port):
        def post(kind, to, secret):
            body = json.dumps({"id": "e_1", "type": kind, "data": {"call": {"to": to}}}).encode()
            when = int(time.time())
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("POST", "/", body, {"Isthmus-Signature": f"t={when},v1={sign(body, when, secret)}"})
                response = connection.getresponse()
                return response.status, response.read()
            finally:
                connection.close()

        status, answer = post("call.admission", "echo", SECRET)
        self.assertEqual((status, json.loads(answer)), (200, {"allowed": True}))
        status, answer = post("call.admission", "1002", SECRET)
        self.assertEqual((status, json.loads(answer)), (200, {"allowed": False}))
        self.assertEqual(post("call.state", "echo", SECRET), (200, b""))
        self.assertEqual(post("call.admission", "echo", "guess")[0], 401)
        self.strangers(port, post)

    def strangers(self, port, post):
        """What nobody has signed is neither waited for nor kept, and does no harm."""
        def say(headers, body=b""):
            with socket.create_connection(("127.0.0.1", port), 5) as peer:
                peer.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode() + body)
                return int((peer.recv(4096).split() or [0, 0])[1])

        self.assertIn(say("Content-Length: -1"), (400, 413))
        self.assertEqual(say("Content-Length: 65537"), 413)
        self.assertEqual(say("Transfer-Encoding: chunked", b"1\r\n"), 413)
        self.assertEqual(say("X: no length"), 413)
        self.assertEqual(say("Content-Length: 65536", bytes(65536)), 401)
        with socket.create_connection(("127.0.0.1", port), 5) as gone:
            gone.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf of it")
        for _ in range(3):  # the first may overtake the news of that
            self.assertEqual(post("call.state", "echo", SECRET), (200, b""), "who hangs up in the middle ends nothing")

    def test_the_printed_values_are_right(self):
        printed = re.search(r"secret `([^`]+)`, `t=(\d+)`, body `([^`]+)` \((\d+) bytes, no newline\):\n\n    v1=([0-9a-f]{64})\n", TEXT)
        secret, when, body, size, digest = printed.groups()
        self.assertEqual(len(body), int(size))
        self.assertEqual(digest, sign(body.encode(), when, secret))


class Documents(unittest.TestCase):
    def test_every_json_example_parses(self):
        blocks = fenced("json")
        self.assertGreater(len(blocks), 4)
        for block in blocks:
            for piece in [block] if block.startswith("{\n") else block.splitlines():
                json.loads(piece)

    def test_the_example_of_a_webhook_fits_its_schema(self):
        bodies = [json.loads(block) for block in fenced("json") if '"type": "call.state"' in block]
        self.assertEqual(len(bodies), 1)
        self.assertEqual(SCHEMA.faults("CallEvent", bodies[0]), [])

    def test_the_examples_of_the_http_api_fit_their_schemas(self):
        answers = re.findall(r"^\$ curl .*\n((?:[ {].*\n)+)", TEXT, re.M)
        page = json.loads(answers[0].replace("\n", ""))
        self.assertEqual(SCHEMA.faults("CallPage", page), [])
        client = json.loads(answers[2])
        self.assertEqual(SCHEMA.faults("ClientWithKey", client), [])
        self.assertEqual(SCHEMA.faults("RegistrationPage", json.loads(answers[3].replace("\n", ""))), [])
        self.assertEqual(SCHEMA.faults("DialogPage", json.loads(answers[4].replace("\n", ""))), [])

    def test_both_documents_name_the_same_requests(self):
        in_text = {tuple(re.match(r"([A-Z]+) ([^ ?]+)", quoted(row[0])[0]).groups()) for row in table("request")}
        in_openapi = {(method.upper(), path) for path, item in OPENAPI["paths"].items() for method in item if method in ("get", "post", "delete")}
        self.assertEqual(in_text, in_openapi)

    def test_both_documents_name_the_same_error_codes(self):
        in_text = {code for row in table("status") for code in quoted(row[1])}
        self.assertEqual(in_text, set(OPENAPI["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]))

    def test_both_documents_name_the_same_reasons_and_states(self):
        self.assertEqual([quoted(row[0])[0] for row in table("`reason`")], OPENAPI["components"]["schemas"]["Reason"]["enum"])
        self.assertEqual([quoted(row[0])[0] for row in table("state")], OPENAPI["components"]["schemas"]["State"]["enum"])

    def test_both_documents_name_the_same_webhooks(self):
        self.assertEqual([quoted(row[0])[0] for row in table("type")], list(OPENAPI["webhooks"]))

    def test_references_resolve_and_examples_in_the_schemas_are_sound(self):
        SCHEMA.check_references()

    def test_links_within_the_text_have_a_target(self):
        headings = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", TEXT, re.M)}
        for anchor in re.findall(r"\]\(#([^)]+)\)", TEXT):
            self.assertIn(anchor, headings)
        for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
            self.assertTrue((ROOT / "docs" / target).exists(), target)


class Reasons(unittest.TestCase):
    def test_each_code_that_the_program_drops_a_call_with_is_documented(self):
        """What is written out in the sources; what is reckoned there, the tests of whole calls hold against the same table (tests/support/documented.hpp)."""
        documented = {quoted(row[0])[0]: row[1] for row in table("`reason`")}
        sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway/call").glob("*.cpp")))
        written = set(re.findall(r"\{DropReason::(\w+),\s*(\d+),", sources))
        written -= {("web_server_timeout", "500"), ("hung_up", "480")}  # while an answer is held (D11), which no configuration has done
        self.assertGreater(len(written), 10)
        for reason, code in sorted(written):
            ranges = [range(int(low), int(high or low) + 1) for low, high in re.findall(r"(\d{3})(?:-(\d{3}))?", documented[reason])]
            self.assertTrue("none" in documented[reason] if code == "0" else any(int(code) in each for each in ranges), (reason, code))


class Troubleshooting(unittest.TestCase):
    def test_the_modules_are_called_as_the_program_calls_them(self):
        text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
        source = lambda folder: "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway" / folder).glob("*.?pp")))
        names = set(re.findall(r'name\(\) const override \{ return "(\w+)"; \}', source("module"))) | set(re.findall(r'facts\.module = "(\w+)"', source("call")))
        self.assertGreater(len(names), 3)
        self.assertEqual(set(quoted(re.search(r"^- \*\*by\*\* .*", text, re.M).group())), names)
        shown = re.findall(r"^    .* info call .* by (\w+) client .* ended: ", text, re.M)
        self.assertEqual((len(shown), set(shown) - names), (2, set()))


class SchemaItself(unittest.TestCase):
    """The judge of the other tests must find faults where there are any."""

    def test_faults_are_found(self):
        call = {"id": "c_1", "seq": 1, "dir": "outgoing", "current_state": "pending", "prior_state": None, "from": "a", "to": "b", "target": None, "module": None, "client": None,
                "created_at": "2026-11-21T04:05:06.789Z", "changed_at": "2026-11-21T04:05:06.789Z", "reaping_legs": 0,
                "route": None, "media": {"verdict": "none", "sentence": "not judged", "caller": None, "callee": {"received": 1, "sent": 2, "dropped": 0}}}
        self.assertEqual(SCHEMA.faults("Call", call), [])
        for change in ({"id": "a b"}, {"seq": 0}, {"seq": True}, {"dir": "both"}, {"current_state": "disconnected"}, {"prior_state": 1}, {"created_at": "yesterday"}, {"reaping_legs": -1},
                       {"code": 200}, {"reason": "because"}, {"from": None}, {"route": 0}, {"media": None}):
            self.assertNotEqual(SCHEMA.faults("Call", {**call, **change}), [], change)
        del call["seq"]
        self.assertNotEqual(SCHEMA.faults("Call", call), [])


if __name__ == "__main__":
    unittest.main()
