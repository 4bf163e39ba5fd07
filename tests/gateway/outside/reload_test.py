#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SIGHUP, key by key (R5.1): each key of the complete example either takes effect, and a test here shows it, or is named in the log as one that waits for a
new start. A call that is up stays up. Usage: reload_test.py PROGRAM"""
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import tomllib
import unittest

import smoke_test
from smoke_test import OFFER, PATIENCE, ROOT, Started, WebSocket
from webhook_test import WebServer, wait_for
from why_test import Phone

PROGRAM = ""
# Which test shows that a reload takes the key in.
TAKEN = {
    "webhook.secrets": "test_R0_24_secrets_of_webhooks_change_one_after_the_other",
    "webhook.on_failure": "test_R0_7_the_rule_for_a_web_server_that_fails",
    "webhook.ca": "tls_test.mjs, from the system's authorities to our own",
    "web.certificate": "tls_test.mjs, from one to another",
    "web.key": "tls_test.mjs, from one to another",
    "api.secret": "test_the_secret_of_the_api",
    "log.level": "test_the_rules_of_the_log",
    "log.format": "test_the_rules_of_the_log",
    "log.mask": "test_the_rules_of_the_log",
    "account": "test_R1_12_accounts_routes_and_trunks",
    "trunk": "test_R1_12_accounts_routes_and_trunks",
    "route": "test_R1_12_accounts_routes_and_trunks",
}
# Every other key, with another value than it had.
CHANGED = """
data = "elsewhere"
domain = "changed.example"
domains = ["sip.changed.example"]
advertise = ["203.0.113.5"]
realm = "changed"
echo = "changed"
allowed_targets = ["192.0.2.9"]
admission = "web-server"
[sip]
udp = ["127.0.0.1:5999"]
tcp = ["127.0.0.1:5999"]
host = "sip.changed.example"
[web]
listen = "127.0.0.1:8999"
certificate = "server.pem"
key = "server-key.pem"
trusted_proxies = ["127.0.0.1"]
hosts = ["changed.example"]
origins = ["https://changed.example"]
require_origin = true
[media]
listen = ["127.0.0.1"]
port = 40000
advertised = ["203.0.113.5"]
stun_sources = "any"
rtp_bind = "127.0.0.1"
rtp_advertised = "203.0.113.5"
rtp_first_port = 30000
rtp_last_port = 30999
[webhook]
url = "http://127.0.0.1:1/"
secrets = ["s"]
[codecs]
browser = ["PCMU"]
phone = ["PCMU"]
prefer = "own"
ptime_ms = 30
[timers]
t1_ms = 400
t2_ms = 3000
t4_ms = 4000
ring_s = 61
policy_s = 6
decision_s = 31
client_grace_s = 11
silence_s = 31
shutdown_s = 6
min_expires_s = 61
max_expires_s = 3601
[limits]
calls = 10
calls_per_client = 9
calls_per_account = 33
bindings_per_account = 9
sip_connections = 4097
sip_connections_per_source = 257
web_connections = 1025
web_connections_per_source = 65
"""
FREE = '[sip]\nudp = ["127.0.0.1:0"]\ntcp = []\n[web]\nlisten = "127.0.0.1:0"\n'
ALICE = '[[account]]\nname = "alice"\npassword = "alices password"\n'


def keys_of_the_example():
    table, keys = "", []
    for line in (ROOT / "etc/isthmus.toml").read_text().splitlines():
        if heading := re.match(r"#?\[{1,2}(\w+)\]", line):
            table = heading[1]
        elif key := re.match(r"#(\w+) = ", line):
            keys.append(f"{table}.{key[1]}" if table else key[1])
    return keys


def keys_of(toml):
    for name, value in tomllib.loads(toml).items():
        yield from ([f"{name}.{each}" for each in value] if isinstance(value, dict) else [name])


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-reload-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def start(self, config):
        (self.path / "isthmus.toml").write_text(config)
        self.program = Started([PROGRAM, "run", "--config", "isthmus.toml"], self.path, "gateway.log", env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET=""))
        self.addCleanup(self.program.stop)
        self.web = int(self.program.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
        self.sip = int(self.program.line(r"SIP\s+127\.0\.0\.1:(\d+)").group(1))

    def reload(self, config, says=r"reloaded: \d+ accounts"):
        before = len(re.findall(says, self.program.text()))
        self.reload_unheard(config)
        wait_for(lambda: len(re.findall(says, self.program.text())) > before)

    def reload_unheard(self, config):
        (self.path / "isthmus.toml").write_text(config)
        self.program.process.send_signal(signal.SIGHUP)

    def client(self, account="alice", password="alices password"):
        client = WebSocket(self.web)
        self.assertIn("result", client.request("sign_in", account=account, password=password))
        return client

    def test_each_key_takes_effect_or_is_named(self):
        known = {key if key.split(".")[0] not in ("account", "trunk", "route") else key.split(".")[0] for key in keys_of_the_example()}
        waiting = set(keys_of(CHANGED)) - {"webhook.secrets"}
        self.assertGreater(len(known), 55)
        self.assertEqual(known - waiting - (set(TAKEN) - {"web.certificate", "web.key"}), set(), "neither taken in nor waiting: a new key belongs into one of both")
        self.start('admission = "allow-all"\n' + FREE + ALICE)
        client = self.client()
        client.request("make_call", to="echo", sdp=OFFER)
        client.state("confirmed")
        for _ in range(2):  # and again, as long as it runs
            said = len(self.program.text())
            self.reload(CHANGED + ALICE, "changed, but only a new start takes it in: ")
            line = re.search(r"warning changed, but only a new start takes it in: (.*)", self.program.text()[said:])
            self.assertEqual(line[1].split(", "), [key for key in keys_of_the_example() if key in waiting])
        self.assertNotIn("ended", self.program.text())
        self.assertEqual(client.request("ping")["result"], {})

    def test_what_is_as_it_was_is_not_named(self):
        self.start(FREE + ALICE)
        self.reload("# another comment\n" + FREE + 'hosts = []\n' + ALICE)
        self.assertNotIn("only a new start", self.program.text())

    def signatures(self, server):
        event = server.events[-1]
        when, *signatures = [part.partition("=")[2] for part in event["signature"].split(",")]
        signed = when.encode() + b"." + event["body"]
        return [next((name for name in ("old", "new") if hmac.new(name.encode(), signed, hashlib.sha256).hexdigest() == each), "?") for each in signatures]

    def served(self):
        server = WebServer()
        self.addCleanup(server.stop)
        return server

    def test_R0_24_secrets_of_webhooks_change_one_after_the_other(self):
        server = self.served()
        config = lambda secrets: FREE + f'[webhook]\nurl = "{server.url}"\nsecrets = {json.dumps(secrets)}\n' + ALICE
        self.start(config(["old"]))
        client = self.client()
        client.request("make_call", to="echo", sdp=OFFER)
        client.state("confirmed")
        for secrets in (["old"], ["old", "new"], ["new"]):
            self.reload(config(secrets))
            server.events.clear()
            call = self.client().request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
            self.assertTrue(server.of_call(call))
            self.assertEqual(self.signatures(server), secrets)
        self.assertNotRegex(self.program.text(), "only a new start|client alice ended")

    def test_R0_24_a_web_server_that_goes_with_the_next_start_is_signed_to_until_then(self):
        server = self.served()
        self.start(FREE + f'[webhook]\nurl = "{server.url}"\nsecrets = ["old"]\n' + ALICE)
        self.reload(FREE + ALICE)
        self.program.line("only a new start takes it in: .*webhook.url")
        call = self.client().request("make_call", to="echo", sdp=OFFER)["result"]["continue"]
        self.assertTrue(server.of_call(call))
        self.assertEqual(self.signatures(server), ["old"])

    def test_R0_7_the_rule_for_a_web_server_that_fails(self):
        server = self.served()
        server.answer = lambda event: (503, "")
        config = lambda rule: FREE + f'[webhook]\nurl = "{server.url}"\nsecrets = ["s"]\non_failure = "{rule}"\n' + ALICE
        self.start(config("refuse"))
        client = self.client()
        self.assertIn("error", client.request("make_call", to="echo", sdp=OFFER))
        self.assertNotIn("webhook.on_failure", self.program.text())
        self.reload(config("allow"))
        self.program.line(r'warning webhook\.on_failure is "allow": while the web server fails, nobody is asked')
        self.assertIn("result", client.request("make_call", to="echo", sdp=OFFER))
        self.reload(config("refuse"))
        self.assertIn("error", client.request("make_call", to="echo", sdp=OFFER))

    def status(self, secret):
        connection = http.client.HTTPConnection("127.0.0.1", self.web, timeout=PATIENCE)
        connection.request("GET", "/metrics", None, {"Authorization": f"Bearer {secret}"})
        status = connection.getresponse().status
        connection.close()
        return status

    def test_the_secret_of_the_api(self):
        config = lambda secret: FREE + ALICE.replace("[[account]]", f"[api]\nsecret = {json.dumps(secret)}\n[[account]]")
        self.start(config("first"))
        self.assertEqual(self.status("first"), 200)
        self.reload(config("second"))
        self.assertEqual([self.status(each) for each in ("first", "second")], [401, 200])
        # From the configuration to the file, which is made, changed, emptied and gone.
        file = self.path / "data/api-secret"
        self.reload(FREE + ALICE)
        generated = file.read_text().strip()
        self.assertEqual([self.status(each) for each in ("second", generated)], [401, 200])
        file.write_text("third\n")
        self.reload(FREE + ALICE)
        self.assertEqual([self.status(each) for each in (generated, "third")], [401, 200])
        file.write_text("\n")
        self.reload(FREE + ALICE, "reload refused: data/api-secret is empty")
        self.assertEqual(self.status("third"), 200)
        made = {generated}
        for _ in range(2):
            file.unlink()
            self.reload(FREE + ALICE)
            made.add(file.read_text().strip())
        self.assertEqual(len(made), 3, "each is a new one")
        self.assertNotRegex(self.program.text(), "|".join([*made, "second", "third"]))

    def test_the_rules_of_the_log(self):
        self.start(FREE + ALICE)
        self.reload(FREE + '[log]\nformat = "json"\nmask = true\n' + ALICE)
        self.client()
        line = self.program.line(r'^\{.*signed in.*$')[0]
        self.assertEqual(json.loads(line)["client"], "***ce")
        self.reload_unheard(FREE + '[log]\nformat = "json"\nlevel = "warning"\n' + ALICE + ALICE.replace("alice", "bob"))
        said = self.program.text()
        wait_for(lambda: self.signs_in("bob"))
        self.assertEqual(self.program.text().count("signed in"), said.count("signed in"))

    def signs_in(self, name):
        return "result" in WebSocket(self.web).request("sign_in", account=name, password=f"{name}s password")

    def test_R1_12_accounts_routes_and_trunks(self):
        self.start('admission = "allow-all"\n' + FREE + ALICE)
        phone = Phone(self)
        self.assertNotEqual(phone.call("2005"), 200, "no trunk is known")
        self.assertFalse(self.signs_in("bob"))
        self.reload('admission = "allow-all"\n' + FREE + ALICE.replace("alice", "bob") + '[[trunk]]\nname = "desk"\nsources = ["127.0.0.1"]\n[[route]]\nin_to = "2005"\nout_to = "echo"\n')
        self.assertEqual(Phone(self).call("2005"), 200)
        self.assertTrue(self.signs_in("bob"))
        self.assertFalse(self.signs_in("alice"))


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
