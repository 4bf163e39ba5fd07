#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The database locked by somebody else, and a web server that takes events and never answers, under registrations and calls (G16): phones get their 200,
calls go on, what waits is bounded and seen in the metrics, the API says at once that it cannot keep a client, and all is made up for when it is over,
without a restart. Usage: outage_test.py PROGRAM [SECONDS]"""
import collections
import http.server
import json
import os
import sqlite3
import sys
import threading
import time
import unittest

import under_load

SECONDS = 4.0
SLOWEST_ANSWER = 5.0  # ten times what is meant: 100 ms of patience, 300 ms of a REGISTER's wait, a busy machine


class HangingServer:
    """A web server that reads each event and answers none before `over`; `heard` has the states of each call in the order in which they came since."""

    def __init__(self):
        self.over, self.asked, self.heard = threading.Event(), 0, collections.defaultdict(dict)
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                call = event["data"]["call"]
                owner.asked += 1
                hung = not owner.over.is_set()
                owner.over.wait(600)
                if not hung:  # what hung was given up by the gateway long ago
                    owner.heard[call["id"]].setdefault(event["id"], call["current_state"])  # at least once; the answer sets the next one free
                try:
                    self.send_response(204)
                    self.end_headers()
                except OSError:
                    pass

            log_message = lambda *_: None

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # it hung up on us
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Outage(under_load.UnderLoad):
    # G16: the web server hangs.
    def test_a_web_server_that_hangs_holds_nobody(self):
        hanging = HangingServer()
        self.addCleanup(hanging.close)
        config = self.folder / "isthmus.toml"
        config.write_text(config.read_text().replace('"closed"', '"allow-all"') + f'[webhook]\nurl = "http://127.0.0.1:{hanging.server.server_address[1]}/"\nsecrets = ["{under_load.SECRET}"]\n')
        self.start()
        self.assertTrue(self.serve(under_load.PATIENCE, lambda: hanging.asked > 0), "it is told of calls")
        confirmed, made, end = self.confirmed, self.made, time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.serve(SECONDS / 8)
            self.assertEqual(self.http("GET", "/readyz")[0], 200)
            # Each call tells of four states: calling, ringing or not, confirmed, dropped.
            self.assertLessEqual(self.metric("isthmus_webhook_events_waiting"), 4 * (self.made + 1))
        self.assertGreater(self.confirmed, confirmed + SECONDS, "phones go on registering")
        self.assertGreater(self.made, made + SECONDS, "calls go on")
        self.assertGreater(self.metric("isthmus_webhook_events_waiting"), self.made - made, "none is forgotten")
        hanging.over.set()
        self.assertTrue(self.serve(under_load.PATIENCE, lambda: not self.left.calls or self.left.bye(next(iter(self.left.calls))), load=False))
        self.assertTrue(self.serve(60, lambda: self.metric("isthmus_webhook_events_waiting") == 0, load=False), "all is told when it answers, without a restart")
        self.assertEqual(len(hanging.heard), self.made)
        for events in hanging.heard.values():
            states = list(events.values())
            self.assertEqual((states[-1], len(set(states))), ("dropped", len(states)), states)
        self.assertEqual(self.gateway.stop(), 0)

    # G16: SQLite locked.
    def test_a_locked_database_holds_nobody(self):
        self.start()
        self.assertTrue(self.serve(under_load.PATIENCE, lambda: self.confirmed > 30))
        lock = sqlite3.connect(self.folder / "data/isthmus.db", timeout=10, isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")
        self.assertTrue(self.serve(under_load.PATIENCE, lambda: self.metric("isthmus_store_failing") == 1))
        status, text = self.http("GET", "/readyz")
        self.assertEqual((status, "The database cannot be written" in text), (503, True), text)
        confirmed, made, slowest = self.confirmed, self.made, 0.0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.serve(SECONDS / 8)
            begin = time.monotonic()
            status, text = self.http("POST", "/api/v1/clients", '{"identities":["3001"]}')
            slowest = max(slowest, time.monotonic() - begin)
            self.assertEqual((status, "could not be kept" in text), (503, True), text)
            # One change of each phone is under way, its newest waits.
            self.assertLessEqual(self.metric("isthmus_store_bindings_waiting"), 2 * len(self.phones))
        self.assertLess(slowest, SLOWEST_ANSWER)
        self.assertGreater(self.confirmed, confirmed + SECONDS, "phones go on registering")
        self.assertGreater(self.made, made, "calls go on")
        self.assertGreater(self.metric("isthmus_registrations_unkept_total"), 0)
        self.assertEqual(self.metric("isthmus_store_bindings_lost_total"), 0)
        lock.execute("ROLLBACK")
        self.assertTrue(self.serve(under_load.PATIENCE, lambda: self.metric("isthmus_store_failing") == 0, load=False), "it works again by itself")
        settled = lambda: not any(phone.waiting for phone in self.phones) and self.metric("isthmus_store_bindings_waiting") == 0
        self.assertTrue(self.serve(under_load.PATIENCE, settled, load=False))
        rows = self.rows()
        for phone in self.phones:
            self.assertEqual(rows.get(phone.name), phone.sure[1] if phone.sure[0] else None, phone.name)
        self.assertEqual(self.http("POST", "/api/v1/clients", '{"identities":["3001"]}')[0], 201)
        self.assertEqual(self.http("GET", "/readyz")[0], 200)
        self.assertIn("bindings cannot be kept", self.gateway.text())
        self.assertIn("bindings are kept again", self.gateway.text())
        self.assertEqual(self.gateway.stop(), 0)


if __name__ == "__main__":
    under_load.UnderLoad.PROGRAM = os.path.abspath(sys.argv[1])
    SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    unittest.main(argv=sys.argv[:1], verbosity=2)
