#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a first evening goes wrong with: each mistake is told in words that name what is wrong, where, and what to do, and has its exit status. Usage:
first_run_test.py PROGRAM"""
import datetime
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import smoke_test
import why_test
from smoke_test import OFFER, PATIENCE, ROOT, Started, WebSocket
from webhook_test import Callee

PROGRAM = ""
FREE = ["--sip", "127.0.0.1:0", "--web", "127.0.0.1:0"]
FAILED, BAD_CONFIG = 1, 2

# What the program in its arguments says of SIP, eight times.
FEW_PORTS = """import pathlib, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("42000 42007")
held = [socket.create_server(("127.0.0.1", port)) for port in (42000, 42002, 42005, 42007)]
for start in range(8):
    run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in run.stdout:
        if "SIP  " in line or "cannot listen" in line:
            print(line, end="")
        if "(tcp)" in line:
            run.terminate()
    run.wait()
"""


class Place(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-first-run-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)

    def run_it(self, *words, before=(), environment=None, limit=None):
        """Until it ends by itself: status and what it said on the standard error, without the stamps of log lines."""
        done = subprocess.run([*before, PROGRAM, *words], cwd=self.path, capture_output=True, text=True, timeout=20,
                              env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET="", **(environment or {})), preexec_fn=limit)
        return done.returncode, re.sub(r"(?m)^\d{4}-\S+ ", "", done.stderr)

    def expect(self, status, message, *words, **options):
        self.assertEqual(self.run_it(*words, **options), (status, message + "\n"))

    def write(self, text, name="isthmus.toml"):
        (self.path / name).write_text(text)
        return name


class Files(Place):
    def test_01_no_such_file(self):
        self.expect(BAD_CONFIG, "nowhere.toml: cannot be read: No such file or directory", "run", "--config", "nowhere.toml")

    def test_02_a_folder_instead_of_a_file(self):
        self.expect(BAD_CONFIG, ".: cannot be read: it is a directory", "check", ".")

    def test_03_syntax(self):
        self.expect(BAD_CONFIG, "isthmus.toml:1: Error while parsing table header: expected ']', saw '\\n'", "check", self.write("[sip\n"))

    def test_04_an_unknown_key_with_the_nearest_known_one(self):
        self.expect(BAD_CONFIG, 'isthmus.toml:2: web.listn: no such key; did you mean "listen"?', "check", self.write('[web]\nlistn = "x"\n'))

    def test_05_an_unknown_option(self):
        self.expect(BAD_CONFIG, "The following arguments were not expected: x --confg\nRun with --help for more information.", "run", "--confg", "x")

    def test_06_an_address_without_a_port(self):
        self.expect(BAD_CONFIG, "isthmus: --sip: must be an address with a port, 127.0.0.1:5060", "run", "--sip", "127.0.0.1")

    def test_07_the_data_directory_cannot_be_made(self):
        self.write("", "taken")
        self.expect(FAILED, "isthmus: cannot make the data directory taken/data: Not a directory", "run", *FREE, "--data", "taken/data")

    def test_08_the_data_directory_cannot_be_written(self):
        self.expect(FAILED, "isthmus: cannot write into the data directory /proc/self: No such file or directory", "run", *FREE, "--data", "/proc/self")

    def test_09_the_database_is_none(self):
        (self.path / "data").mkdir()
        self.write("this is no database, whatever its name says " * 50, "data/isthmus.db")
        self.expect(FAILED, "isthmus: store: file is not a database (data/isthmus.db)", "run", *FREE)

    def test_10_the_database_is_of_a_newer_program(self):
        (self.path / "data").mkdir()
        with sqlite3.connect(self.path / "data/isthmus.db") as database:
            database.execute("PRAGMA user_version = 99")
        status, said = self.run_it("run", *FREE)
        self.assertEqual(status, FAILED)
        self.assertRegex(said, r"^isthmus: store: the file is of version 99, this program knows \d+: a newer Isthmus has written it, and this one does not touch it \(data/isthmus\.db\)\n$")

    def test_11_two_gateways_on_one_data_directory(self):
        first = Started([PROGRAM, "run", *FREE], self.path, "gateway.log")
        self.addCleanup(first.stop)
        first.line(r"page\s")
        self.expect(FAILED, f"isthmus: the data directory data is in use by another gateway (process {first.process.pid}); --data DIR or data chooses another",
                    "run", *FREE)

    def test_12_an_empty_secret_file(self):
        (self.path / "data").mkdir()
        self.write("", "data/api-secret")
        self.expect(FAILED, "isthmus: data/api-secret is empty", "run", *FREE)


class Ports(Place):
    def taken(self, kind):
        held = socket.socket(socket.AF_INET, kind)
        self.addCleanup(held.close)
        held.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            held.listen()
        return f"127.0.0.1:{held.getsockname()[1]}"

    def by(self):
        return f"Address already in use by {pathlib.Path('/proc/self/comm').read_text().strip()} (process {os.getpid()})"

    def test_13_the_sip_port_is_taken_and_by_whom(self):
        address = self.taken(socket.SOCK_DGRAM)
        self.expect(FAILED, f"isthmus: cannot listen on udp {address}: {self.by()} (--sip HOST:PORT or sip.udp chooses another)",
                    "run", "--sip", address, "--web", "127.0.0.1:0")

    def test_14_the_sip_port_is_taken_for_tcp(self):
        address = self.taken(socket.SOCK_STREAM)
        self.expect(FAILED, f"isthmus: cannot listen on tcp {address}: {self.by()} (--sip HOST:PORT or sip.tcp chooses another)",
                    "run", "--sip", address, "--web", "127.0.0.1:0")

    def test_15_the_web_port_is_taken(self):
        address = self.taken(socket.SOCK_STREAM)
        self.expect(FAILED, f"isthmus: cannot listen on tcp {address}: {self.by()} (--web HOST:PORT or web.listen chooses another)",
                    "run", "--sip", "127.0.0.1:0", "--web", address)

    def test_16_the_media_port_is_taken(self):
        address = self.taken(socket.SOCK_DGRAM)
        config = self.write(f'[media]\nlisten = ["127.0.0.1"]\nport = {address.split(":")[1]}\n')
        self.expect(FAILED, f"isthmus: cannot listen on udp {address} for browsers: {self.by()} (media.listen and media.port choose others)",
                    "run", "--config", config, *FREE)

    def test_17_an_address_of_another_machine(self):
        self.expect(FAILED, "isthmus: cannot listen on udp 192.0.2.99:5060: Cannot assign requested address (--sip HOST:PORT or sip.udp chooses another)",
                    "run", "--sip", "192.0.2.99:5060", "--web", "127.0.0.1:0")

    def test_34_a_free_port_is_one_that_is_free_for_udp_and_tcp(self):
        """In a network of its own with eight ports to give, of which half are taken for TCP: each start finds one of the others."""
        config = self.write('[web]\nlisten = "127.0.0.1:8080"\n[sip]\nudp = ["127.0.0.1:0"]\ntcp = ["127.0.0.1:0"]\n[media]\nlisten = ["127.0.0.1"]\nport = 9000\n')
        run = subprocess.run(["unshare", "-n" if os.geteuid() == 0 else "-Urn", sys.executable, "-c", FEW_PORTS, PROGRAM, "run", "--config", config],
                             cwd=self.path, capture_output=True, text=True, timeout=40)
        self.assertEqual(re.sub(r"\b4200[1346]\b", "one that is free", run.stdout),
                         8 * ("  SIP       127.0.0.1:one that is free (udp)\n" + "  SIP       127.0.0.1:one that is free (tcp)\n"), run.stderr)
        numbers = re.findall(r"42\d+", run.stdout)
        self.assertEqual(numbers[::2], numbers[1::2])


class Machine(Place):
    def test_18_too_few_descriptors(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        self.expect(FAILED, "isthmus: only 64 open files are allowed, at least 256 are needed (ulimit -n, LimitNOFILE in the unit)", "run", *FREE, limit=limit)

    def test_19_fewer_descriptors_than_the_limits_may_need(self):
        config = self.write("[limits]\ncalls = 100\nsip_connections = 100\nweb_connections = 100\n")
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
        started = Started([PROGRAM, "run", "--config", config, *FREE], self.path, "gateway.log", preexec_fn=limit)
        self.addCleanup(started.stop)
        started.line(r"warning only 512 open files are allowed; limits\.calls, limits\.sip_connections and limits\.web_connections may need 600 \(LimitNOFILE in the unit\)")

    def test_20_the_clock_is_far_off(self):
        self.expect(FAILED, "isthmus: the clock of this machine is before November 2026: certificates and signatures need the right time (timedatectl set-ntp true)",
                    "run", *FREE, before=("faketime", "2020-01-01 00:00:00"))


class Wrong(Place):
    """What stands in the file is possible and wrong all the same."""

    def test_21_a_web_server_without_a_secret(self):
        self.expect(BAD_CONFIG, "isthmus: webhook.secrets: is missing (or ISTHMUS_WEBHOOK_SECRET in the environment)", "run", *FREE, "--webhook-url", "http://127.0.0.1:9/")

    def test_22_admission_without_a_web_server(self):
        self.expect(BAD_CONFIG, 'isthmus.toml: admission: is "web-server", but webhook.url is missing', "run", "--config", self.write('admission = "web-server"\n'), *FREE)

    def test_36_a_web_server_that_would_never_be_asked(self):
        said = 'admission: is "closed", but webhook.url names a web server, which would never be asked: leave one out'
        closed, server = 'data = "data"\nadmission = "closed"\n', '[webhook]\nurl = "http://127.0.0.1:9/"\nsecrets = ["s"]\n'
        self.expect(BAD_CONFIG, f"isthmus.toml:2: {said}", "run", "--config", self.write(closed + server), *FREE)
        self.expect(BAD_CONFIG, f"isthmus.toml: {said}", "run", "--config", self.write(closed + server.replace("url", "#url")), "--webhook-url", "http://127.0.0.1:9/", *FREE)

    def test_23_two_accounts_of_one_name(self):
        account = '[[account]]\nname = "1"\npassword = "p"\n'
        self.expect(BAD_CONFIG, "isthmus.toml:4: account.name: is the name of an account before", "check", self.write(account + account))

    def test_24_a_trunk_that_leads_nowhere(self):
        self.expect(BAD_CONFIG, "isthmus.toml:1: trunk.host: is missing: numbers go there", "check", self.write('[[trunk]]\nname = "t"\nnumbers = ["*"]\n'))

    def test_25_the_page_on_the_network_without_tls(self):
        self.expect(BAD_CONFIG, "isthmus: web.listen: must be a loopback address without TLS (web.certificate and web.key), except behind web.trusted_proxies",
                    "run", "--sip", "127.0.0.1:0", "--web", "0.0.0.0:0")


class Papers(Place):
    def setUp(self):
        super().setUp()
        subprocess.run([PROGRAM, "cert", "localhost"], cwd=self.path, check=True, capture_output=True, timeout=PATIENCE)
        self.config = self.write('[sip]\nudp = ["127.0.0.1:0"]\ntcp = []\n[web]\nlisten = "127.0.0.1:0"\ncertificate = "data/tls/server.pem"\nkey = "data/tls/server-key.pem"\n')

    def test_26_a_key_that_may_not_be_read(self):
        (self.path / "data/tls/server-key.pem").chmod(0)
        # To root everything can be read, unless it gives that up.
        without = "-dac_override,-dac_read_search"
        before = ("setpriv", f"--inh-caps={without}", f"--bounding-set={without}") if os.geteuid() == 0 else ()
        self.expect(FAILED, "isthmus: web.key: data/tls/server-key.pem: cannot be read: Permission denied", "run", "--config", self.config, before=before)

    def test_27_an_expired_certificate(self):
        told = subprocess.run(["openssl", "x509", "-in", "data/tls/server.pem", "-noout", "-enddate"], cwd=self.path, check=True, capture_output=True, text=True)
        end = datetime.datetime.strptime(told.stdout.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
        self.expect(FAILED, f"isthmus: web.certificate: data/tls/server.pem: expired on {end:%Y-%m-%d %H:%M} UTC", "run", "--config", self.config,
                    before=("faketime", f"{end + datetime.timedelta(days=2):%Y-%m-%d %H:%M:%S}"))


class Calls(Place):
    """What the first calls end with: the exact line of the log, which says what to check."""

    def start(self, toml, **environment):
        text = '[sip]\nudp = ["127.0.0.1:0"]\ntcp = []\n[web]\nlisten = "127.0.0.1:0"\n[[account]]\nname = "carol"\npassword = "carols password"\n'
        config = self.write(toml + text)
        self.gateway = Started([PROGRAM, "run", "--config", config], self.path, "gateway.log", env=dict(os.environ, **environment))
        self.addCleanup(self.gateway.stop)
        self.web = int(self.gateway.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))
        self.sip = int(self.gateway.line(r"SIP\s+127\.0\.0\.1:(\d+)").group(1))

    def trunk(self, host_port, more=""):
        host, port = host_port
        return f'admission = "allow-all"\n[timers]\nt1_ms = 20\n[[trunk]]\nname = "carrier"\nnumbers = ["2000-2999"]\nhost = "{host}"\nport = {port}\n{more}'

    def call(self, to):
        client = WebSocket(self.web)
        self.addCleanup(client.socket.close)
        self.assertIn("result", client.request("sign_in", account="carol", password="carols password"))
        return client.request("make_call", to=to, sdp=OFFER)

    def logged(self, *parts):
        """One whole line of the log: literal text, and what differs from run to run as a compiled pattern."""
        pattern = "".join(part.pattern if isinstance(part, re.Pattern) else re.escape(part) for part in parts)
        self.gateway.line(r"^\d{4}-\S+ " + pattern + "$")

    ID, TIME, PACKETS = re.compile(r"c_\w+"), re.compile(r"\d+\.\d s"), re.compile("(?:none|0 in 0 out)")

    def ended(self, to, by, how):
        self.logged("info call ", self.ID, f" outgoing from carol to {to}{by} client carol ended: {how}, route none, set up ", self.TIME, ", talked 0.0 s, packets caller ",
                    self.PACKETS, ", callee ", self.PACKETS, ", media: not judged")

    def test_28_a_number_that_no_route_takes(self):
        self.start('admission = "allow-all"\n[[trunk]]\nname = "desk"\nsources = ["127.0.0.1"]\n[[route]]\nin_to = "4711"\nout_to = "4712"\n')
        phone = why_test.Phone(self)
        self.addCleanup(phone.socket.close)
        self.assertEqual(phone.call("4711"), 404)
        self.logged(f"info no call from 1000 at 127.0.0.1:{phone.port} to 4712: refused with 404 "
                    "(nobody takes calls to this number; give it to an account, to trunk.numbers or to a route)")
        self.assertEqual(self.call("4713")["error"]["data"]["reason"], "not_found")
        self.ended("4713", "", "not_found 404 (nobody takes calls to this number; give it to an account, to trunk.numbers or to a route) "
                               '"nobody here takes calls to this number"')

    def test_29_a_trunk_that_is_silent(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            self.start(self.trunk(silent.getsockname()))
            self.call("2000")
            self.ended("2000", " by carrier", "unavailable 408 (the callee is not there now; no answer at all: check trunk.host, trunk.port, trunk.transport, "
                                              'the firewall, and that the trunk takes calls from this address) "Request Timeout"')
            self.assertTrue(silent.recv(65536).startswith(b"INVITE sip:2000@127.0.0.1:"))

    def test_30_a_trunk_that_is_not_there(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
            gone.bind(("127.0.0.1", 0))
            address = gone.getsockname()
        self.start(self.trunk(address))
        self.call("2000")
        self.ended("2000", " by carrier", "unavailable 503 (the callee is not there now; it cannot be reached: check trunk.host, trunk.port, trunk.transport and "
                                          'the firewall) "Service Unavailable"')

    def test_31_a_trunk_with_another_password(self):
        carrier = Callee()
        self.addCleanup(carrier.socket.close)
        self.start(self.trunk(("127.0.0.1", carrier.port), 'user = "isthmus"\npassword = "wrong"\nrealm = "carrier"\n'))
        self.call("2000")
        ask = '407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm="carrier", nonce="n", algorithm=MD5'
        carrier.reply(carrier.first("INVITE"), ask)
        carrier.reply(carrier.first("INVITE", "Proxy-Authorization: "), ask)
        self.ended("2000", " by carrier", "rejected 407 (the callee said no; trunk.user, trunk.password and trunk.realm must be what it asks for) "
                                          '"Proxy Authentication Required"')
        self.assertNotIn("wrong", self.gateway.text())

    def test_32_a_web_server_with_another_secret(self):
        server = Started([sys.executable, "-u", str(ROOT / "examples/webserver/server.py"), "--port", "0"], self.path, "server.log",
                         env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET="one secret"))
        self.addCleanup(server.stop)
        url = server.line(r"^web server +(http://\S+)$").group(1) + "webhook"
        self.start(f'[webhook]\nurl = "{url}"\n', ISTHMUS_WEBHOOK_SECRET="another secret")
        self.assertEqual(self.call("echo")["error"]["data"]["reason"], "web_server_error")
        self.logged("warning the web server fails (answers 401: perhaps its secret is not webhook.secrets (ISTHMUS_WEBHOOK_SECRET), or one of the clocks is wrong): "
                    f"calls are refused and events are repeated, {url}")
        self.ended("echo", " by echo", 'web_server_error 403 (the web server answered with an error) "the web server answered 401"')

    def test_33_another_secret_of_the_api(self):
        self.start('admission = "allow-all"\n[api]\nsecret = "one secret"\n')
        other = self.write('[api]\nsecret = "another secret"\n', "other.toml")
        for command in (["calls"], ["trace"], ["trace", "on"], ["trace", "save", "x.pcapng"], ["trace", "off"], ["drain"]):
            self.expect(FAILED, f"isthmus: the gateway at 127.0.0.1:{self.web} has another API secret (--config and --data must be those that it was started with)",
                        *command, "--config", other, "--web", f"127.0.0.1:{self.web}")

    def test_35_a_phone_and_a_page_with_another_password(self):
        self.start('admission = "allow-all"\n')
        client = WebSocket(self.web)
        self.addCleanup(client.socket.close)
        self.assertEqual(client.request("sign_in", account="carol", password="guess")["error"]["message"], "bad credentials")
        self.logged("info refused carol from 127.0.0.1: wrong password (sign_in)")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(PATIENCE)
            phone.connect(("127.0.0.1", self.sip))
            here = "127.0.0.1:%d" % phone.getsockname()[1]

            def register(number, user, credentials=""):
                phone.send((f"REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}\r\nFrom: <sip:{user}@127.0.0.1>;tag=1\r\n"
                            f"To: <sip:{user}@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: {number} REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:{user}@{here}>\r\n"
                            f"{credentials}Content-Length: 0\r\n\r\n").encode())
                return phone.recv(65536).decode()

            challenge = re.search(r'realm="([^"]*)", nonce="([^"]*)", algorithm=MD5', register(1, "carol"))
            for number, (user, why) in enumerate([("carol", "wrong password"), ("caroll", "no such account")], 2):
                answer = register(number, user, f'Authorization: Digest username="{user}", realm="{challenge[1]}", nonce="{challenge[2]}", uri="sip:127.0.0.1", '
                                                f'response="{"0" * 32}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"\r\n')
                self.assertRegex(answer, "^SIP/2.0 401 ")
                self.logged(f"info refused {user} from 127.0.0.1: {why} (REGISTER)")
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}/metrics", headers={"Authorization": "Bearer " + (self.path / "data/api-secret").read_text().strip()})
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            self.assertIn("\nisthmus_credentials_refused_total 3\n", reply.read().decode())


if __name__ == "__main__":
    PROGRAM = smoke_test.PROGRAM = why_test.PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
