#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""etc/examples/nginx.conf in a real nginx before etc/examples/behind-nginx.toml: page and WebSocket come through, what is for operators does not, and
docs/deploy.md shows this very file. Usage: nginx_test.py PROGRAM"""
import http.client
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from examples_test import ours
from smoke_test import OFFER, PATIENCE, Started, WebSocket

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = ""
NAME = "phone.example.org"
SITE = ROOT / "etc/examples/nginx.conf"
# What Debian's nginx.conf is around a site, for one that this user runs in a folder of its own.
AROUND = """daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {}
http {
  log_format told "$request_uri $status [$connection_upgrade]";
  access_log access.log told;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  include site;
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-nginx-")
        cls.addClassCleanup(folder.cleanup)
        cls.path = pathlib.Path(folder.name)
        subprocess.run([PROGRAM, "cert", NAME], cwd=cls.path, check=True, capture_output=True, timeout=20)
        settings = ours((ROOT / "etc/examples/behind-nginx.toml").read_text(), cls.path)
        settings += '\n[[account]]\nname = "1000"\npassword = "a long password"\n'
        # Everything of the example, but that nobody is asked: what the web server decides is not looked at here.
        settings = re.sub(r"(?s)\[webhook\]\nurl = [^\n]*\n", "", settings).replace("domain =", 'admission = "allow-all"\ndomain =')
        (cls.path / "isthmus.toml").write_text(settings)
        gateway = Started([PROGRAM, "run", "--config", "isthmus.toml"], cls.path, "gateway.log", env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET=""))
        cls.addClassCleanup(gateway.stop)
        upstream = gateway.line(r"page\s+http://([0-9.]+:\d+)/").group(1)
        cls.port = free_port()
        site = SITE.read_text().replace("127.0.0.1:8080", upstream).replace("  listen [::]:443 ssl;\n", "").replace("listen 443", f"listen 127.0.0.1:{cls.port}")
        tls = cls.path / "data/tls"
        site = re.sub(r"/etc/letsencrypt/live/\S+/fullchain.pem", str(tls / "server.pem"), site)
        (cls.path / "site").write_text(re.sub(r"/etc/letsencrypt/live/\S+/privkey.pem", str(tls / "server-key.pem"), site))
        (cls.path / "nginx.conf").write_text(AROUND)
        cls.path.chmod(0o755)
        nginx = Started(["/usr/sbin/nginx", "-e", "stderr", "-p", str(cls.path), "-c", "nginx.conf", "-g", "user root;" if os.geteuid() == 0 else ""], cls.path, "nginx.log")
        cls.addClassCleanup(nginx.stop)
        cls.tls = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        for _ in range(PATIENCE * 50):
            try:
                socket.create_connection(("127.0.0.1", cls.port), 1).close()
                return
            except OSError:
                assert nginx.process.poll() is None, nginx.text()
        raise AssertionError(nginx.text())

    def get(self, path, headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.tls)
        connection.sock = self.tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), PATIENCE), server_hostname=NAME)
        connection.request("GET", path, headers={"Host": NAME, **(headers or {})})
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status

    def test_the_page_comes_through(self):
        self.assertEqual([self.get(path) for path in ("/", "/isthmus.js", "/healthz")], [200, 200, 200])

    def test_a_websocket_comes_through_and_its_calls(self):
        client = WebSocket(self.port, {"Origin": f"https://{NAME}"}, tls=self.tls, name=NAME)
        self.assertEqual(client.status, 101)
        self.assertIn("result", client.request("sign_in", account="1000", password="a long password"))
        self.assertIn("result", client.request("make_call", to="echo", sdp=OFFER))
        client.state("confirmed")
        self.assertEqual(WebSocket(self.port, {"Origin": "https://evil.example"}, tls=self.tls, name=NAME).status, 403)

    def test_only_a_websocket_asks_for_an_upgrade(self):
        self.get("/icon.svg")
        WebSocket(self.port, protocol="other", tls=self.tls, name=NAME)
        end = time.monotonic() + PATIENCE
        while not {"/icon.svg 200 []", "/ws 400 [upgrade]"} <= set((self.path / "access.log").read_text().splitlines()):
            self.assertLess(time.monotonic(), end, (self.path / "access.log").read_text())
            time.sleep(0.02)

    def test_what_is_for_operators_does_not(self):
        secret = {"Authorization": "Bearer " + (self.path / "data/api-secret").read_text().strip()}
        for path in ("/admin", "/admin.js", "/api/v1/calls", "/metrics", "/%61dmin", "//api/v1/calls", "/x/../metrics", "/metrics?x"):
            self.assertEqual(self.get(path, secret), 404, path)

    def test_deploy_md_shows_this_file(self):
        block = re.search(r"(?s)```nginx\n(.*?)```", (ROOT / "docs/deploy.md").read_text()).group(1)
        self.assertEqual(block, SITE.read_text())


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
