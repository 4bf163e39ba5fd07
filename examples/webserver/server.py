#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A web server for the Isthmus gateway: checks who speaks, allows or refuses calls by a list, prints each event. Python standard library only.

    ISTHMUS_WEBHOOK_SECRET=... ./server.py [--port 8090] [--allow 'echo,1*,alice'] [--refuse '19*']

Numbers are patterns of the shell; --refuse goes before --allow; by default everything is allowed. Listens on 127.0.0.1 and prints its address first.
"""
import argparse
import fnmatch
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

BODY_LIMIT = 64 * 1024
CLOCK_TOLERANCE = 300  # seconds


def verify(secrets, header, body, now):
    """True if `header` signs `body` with one of `secrets` at a time near `now`. Compares in constant time."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value.encode() for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 16) or abs(now - int(times[0])) > CLOCK_TOLERANCE:
        return False
    good = False
    for secret in secrets:
        expected = hmac.new(secret, times[0].encode() + b"." + body, hashlib.sha256).hexdigest().encode()
        good |= any([hmac.compare_digest(expected, signature) for signature in signatures])
    return good


def decide(event, options):
    """The answer to a question of the gateway; None for what is only told."""
    number = str(event["data"].get("call", {}).get("to", ""))
    listed = lambda patterns: any(fnmatch.fnmatchcase(number, pattern) for pattern in patterns)
    allowed = listed(options.allow) and not listed(options.refuse)
    if event["type"] == "call.admission":
        return {"allowed": True} if allowed else {"allowed": False, "reason": f"{number} is not on the list"}
    if event["type"] == "call.incoming":
        return {"action": "route" if allowed else "drop"}
    return None


def describe(event):
    call = event["data"].get("call") or event["data"].get("client") or {}
    words = [call.get(name) for name in ("id", "dir", "from", "to", "prior_state", "current_state", "code", "reason")]
    # Names come from strangers: a terminal is shown printable characters only.
    return " ".join(ascii(word).strip("'") for word in [event["type"], *words] if word is not None)


class Receiver(http.server.BaseHTTPRequestHandler):
    timeout = 10
    options = None

    def do_POST(self):
        size = self.headers.get("Content-Length", "")
        if not (size.isascii() and size.isdigit() and int(size) <= BODY_LIMIT):
            return self.reply(413)
        body = self.rfile.read(int(size))
        if not verify(self.options.secrets, self.headers.get("Isthmus-Signature", ""), body, time.time()):
            return self.reply(401)
        event = json.loads(body)  # Only the gateway has the secret: what it signed is well formed.
        print(time.strftime("%H:%M:%S"), describe(event), flush=True)
        return self.reply(200, decide(event, self.options))

    def reply(self, status, answer=None):
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    log_message = lambda *_: None


def main():
    listed = lambda text: [pattern for pattern in text.split(",") if pattern]
    parser = argparse.ArgumentParser(description="A web server that allows or refuses the calls of an Isthmus gateway.")
    parser.add_argument("--port", type=int, default=int(os.environ.get("ISTHMUS_WEBHOOK_PORT", "8090")), help="0: any free one")
    parser.add_argument("--allow", type=listed, default=["*"])
    parser.add_argument("--refuse", type=listed, default=[])
    options = parser.parse_args()
    options.secrets = [secret.encode() for secret in os.environ.get("ISTHMUS_WEBHOOK_SECRET", "").split(",") if secret]
    if not options.secrets:
        sys.exit("server.py: ISTHMUS_WEBHOOK_SECRET is not set (two secrets, while one is changed: with a comma between them)")
    Receiver.options = options
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
    print(f"web server  http://127.0.0.1:{server.server_address[1]}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
