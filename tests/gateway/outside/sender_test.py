#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may speak to the web listener: an Origin that is missing (advisory 15), and requests of this machine, which have no rights of their own, whatever
forwarding headers say. Usage: sender_test.py PROGRAM"""
import http.client
import os
import sys
import unittest

import smoke_test
import why_test
from smoke_test import PATIENCE, WebSocket

CONFIG = """admission = "allow-all"
[sip]
udp = ["127.0.0.1:0"]
tcp = []
[api]
secret = "a secret"
[[account]]
name = "carol"
password = "carols password"
[web]
listen = "127.0.0.1:0"
"""
WRONG_SECRETS = 20  # of one address in a minute, wrong_secrets_ of gateway/api/routes.hpp


class Sender(unittest.TestCase):
    def start(self, web=""):
        gateway = why_test.Gateway(config=CONFIG + web)
        self.addCleanup(gateway.close)
        self.port = gateway.web

    def get(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def upgrade(self, **headers):
        return WebSocket(self.port, headers).status

    def test_advisory_15_an_origin_that_is_missing_is_refused_where_the_owner_says_so(self):
        self.start("require_origin = true\n")
        own = f"http://127.0.0.1:{self.port}"
        self.assertEqual([self.upgrade(), self.upgrade(Origin=own), self.upgrade(Origin="http://evil.example")], [403, 101, 403])
        self.assertEqual(self.get("/api/v1/calls", {"Authorization": "Bearer a secret"})[0], 200, "the API has its secret")

    def test_advisory_15_by_default_a_program_needs_none(self):
        self.start()
        self.assertEqual([self.upgrade(), self.upgrade(Origin="http://evil.example")], [101, 403])

    def test_loopback_has_no_rights_with_forwarding_headers_or_without(self):
        for trust in ("", 'trusted_proxies = ["127.0.0.1"]\n'):
            self.start(trust)
            for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"X-Forwarded-Host": "localhost"}):
                for path in ("/api/v1/calls", "/metrics"):
                    self.assertEqual(self.get(path, headers)[0], 401, headers)
                self.assertEqual(self.get("/", {**headers, "Host": "evil.example"})[0], 403)
                self.assertEqual(self.upgrade(**headers, Origin="http://evil.example"), 403)
                answer = WebSocket(self.port, headers).request("sign_in", account="carol", password="wrong")
                self.assertEqual(answer["error"]["code"], -32002)

    def count_wrong_secrets(self, addresses):
        return [self.get("/metrics", {"Authorization": "Bearer wrong", "X-Forwarded-For": address})[0] for address in addresses]

    def test_a_header_of_somebody_who_is_not_trusted_escapes_no_limit(self):
        self.start()
        self.assertEqual(self.count_wrong_secrets([f"192.0.2.{i}" for i in range(WRONG_SECRETS + 1)]), [401] * WRONG_SECRETS + [429])
        self.start('trusted_proxies = ["127.0.0.1"]\n')
        self.assertEqual(self.count_wrong_secrets([f"192.0.2.{i}" for i in range(WRONG_SECRETS + 1)]), [401] * (WRONG_SECRETS + 1))
        self.assertEqual(self.count_wrong_secrets(["192.0.2.100"] * (WRONG_SECRETS + 1)), [401] * WRONG_SECRETS + [429])


if __name__ == "__main__":
    smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
