#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian package on a new Debian 12: installed with what it depends on, started as its own user the way its unit starts it, a call, an upgrade that
keeps configuration and accounts, removal and purge; and the commands of docs/deploy.md, as they stand there. Needs root (./run calls sudo) and the package of `./dev package`. Usage: package_test.py PACKAGE.deb"""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "gateway/outside"))
from smoke_test import OFFER, Started, WebSocket  # noqa: E402  # the same client as against the built program

PACKAGE = ""
NEWER = "0.1.0+upgrade1"
CONFIG = "/etc/isthmus/isthmus.toml"
LAN = "192.168.1.10"
NAME = "phone.example.org"
# There is no systemd in a chroot: what it was told is kept, and a reload reaches the gateway that the test started.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/systemctl
case "$1" in *reload*) [ ! -s /run/gateway ] || kill -HUP "$(cat /run/gateway)" ;; esac
"""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def leave_the_network():
    """A network namespace of its own with a loopback: the ports of the defaults are free there."""
    clone_newnet = 0x40000000
    assert ctypes.CDLL(None, use_errno=True).unshare(clone_newnet) == 0, os.strerror(ctypes.get_errno())
    run("ip", "link", "set", "lo", "up")


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert os.geteuid() == 0, "a chroot needs root"
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="isthmus-package-", dir="/var/tmp"))
        cls.addClassCleanup(lambda: run(str(ROOT / "tools/chroot.sh"), "remove", str(cls.root)))
        subprocess.run([str(ROOT / "tools/chroot.sh"), "make", str(cls.root)], check=True)
        shutil.copy(PACKAGE, cls.root / "root/isthmus.deb")
        cls.must(cls.chroot("apt-get -qq install -y --no-install-recommends /root/isthmus.deb"))
        systemctl = cls.root / "usr/bin/systemctl"
        systemctl.write_text(SYSTEMCTL)
        systemctl.chmod(0o755)
        leave_the_network()

    @classmethod
    def chroot(cls, command):
        return subprocess.run(["chroot", str(cls.root), "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", "bash", "-c", command], capture_output=True, text=True, timeout=300)

    @staticmethod
    def must(done):
        assert done.returncode == 0, f"{done.args[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, command):
        return self.must(self.chroot(command))

    def launch(self):
        """As the unit does: its user, its rights, its folder, its command, its environment, told by NOTIFY_SOCKET when it is ready."""
        units = [self.root / "lib/systemd/system/isthmus.service", *self.root.glob("etc/systemd/system/isthmus.service.d/*.conf")]
        unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", "\n".join(path.read_text() for path in units)))
        extra = self.root / unit["EnvironmentFile"].lstrip("-/")
        environment = extra.read_text().split() if extra.exists() else []
        rights = "-all" + "".join(f",+{word.removeprefix('CAP_').lower()}" for word in unit["AmbientCapabilities"].split())
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.root / "run/notify"
        path.unlink(missing_ok=True)
        told.bind(str(path))
        path.chmod(0o777)
        told.settimeout(20)
        self.addCleanup(told.close)
        started = Started(["chroot", str(self.root), "/usr/bin/env", "-i", "-C", unit["WorkingDirectory"], "NOTIFY_SOCKET=/run/notify", *environment,
                           "setpriv", f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups", "--no-new-privs", f"--inh-caps={rights}",
                           f"--ambient-caps={rights}", f"--bounding-set={rights}", *unit["ExecStart"].split()], str(self.root), "var/tmp/gateway.log")
        self.addCleanup(started.stop)
        (self.root / "run/gateway").write_text(str(started.process.pid))
        return started, told

    def start(self):
        started, told = self.launch()
        try:
            self.assertEqual(told.recv(100), b"READY=1")
        except TimeoutError:
            self.fail("not ready:\n" + started.text())
        return started, told

    def call_echo(self, password, port=8080, **where):
        client = WebSocket(port, **where)
        self.assertIn("result", client.request("sign_in", account="1000", password=password))
        self.assertIn("result", client.request("make_call", to="echo", sdp=OFFER))
        sdp = client.state("confirmed")["sdp"]
        self.assertIn("a=ice-lite", sdp)
        return sdp

    def stop(self, started, told):
        started.process.send_signal(signal.SIGTERM)
        self.assertEqual(told.recv(100), b"STOPPING=1")
        self.assertEqual(started.process.wait(20), 0)
        (self.root / "run/gateway").write_text("")

    def upgrade_package(self):
        """The same package with a higher version."""
        tree = self.root / "root/newer"
        run("dpkg-deb", "-R", PACKAGE, str(tree))
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", f"Version: {NEWER}", control.read_text(), flags=re.M))
        run("dpkg-deb", "-b", str(tree), str(self.root / "root/newer.deb"))
        shutil.rmtree(tree)

    def test_install_run_upgrade_remove(self):
        self.assertRegex(self.inside("isthmus --version"), r"^isthmus \d+\.\d+\.\d+\n$")
        self.assertEqual(self.inside("ldd /usr/bin/isthmus | grep 'not found' || true"), "")
        self.assertEqual(self.inside("stat -c '%U:%G %a' /var/lib/isthmus /etc/isthmus/isthmus.toml").split("\n")[:2], ["isthmus:isthmus 700", "root:isthmus 640"])
        self.assertEqual(self.inside("isthmus check /etc/isthmus/isthmus.toml"), "/etc/isthmus/isthmus.toml: no mistakes found (read as isthmus, the owner of /var/lib/isthmus)\nNo port has to be opened: everything is for this machine alone.\n")
        self.assertIn("/etc/isthmus/isthmus.toml", self.inside("cat /var/lib/dpkg/info/isthmus.conffiles"))

        # What an operator would do first: a change of the configuration, an account.
        config = self.root / "etc/isthmus/isthmus.toml"
        config.write_text(config.read_text().replace('#admission = "web-server"', 'admission = "allow-all"'))
        edited = config.read_text()
        out = self.inside("isthmus account add 1000 --generate --config /etc/isthmus/isthmus.toml")
        password = out.split()[1]
        self.assertEqual(self.inside("stat -c %U /var/lib/isthmus/isthmus.db"), "isthmus\n", "root leaves no file of its own there")

        started, told = self.start()
        self.call_echo(password)
        second = self.inside("isthmus account add 1001 --generate --config /etc/isthmus/isthmus.toml").split()[1]
        started.process.send_signal(signal.SIGHUP)
        started.line(r"reloaded: 2 accounts")
        self.assertIn("result", WebSocket(8080).request("sign_in", account="1001", password=second))
        self.stop(started, told)

        self.upgrade_package()
        self.inside("dpkg -i /root/newer.deb")
        self.assertEqual(self.inside("dpkg-query -W -f '${Version}' isthmus"), NEWER)
        self.assertEqual(config.read_text(), edited, "the operator's file is kept")
        started, told = self.start()
        self.call_echo(password)
        self.stop(started, told)

        config.unlink()
        self.inside("dpkg -i /root/newer.deb")
        self.assertFalse(config.exists(), "who removes the file of the package does not want it back")
        config.write_text(edited)

        self.inside("dpkg -r isthmus")
        self.assertFalse((self.root / "usr/bin/isthmus").exists())
        self.assertTrue(config.exists(), "configuration and state stay until the purge")
        self.assertTrue((self.root / "var/lib/isthmus/isthmus.db").exists())
        self.inside("dpkg -P isthmus")
        self.assertFalse(config.exists())
        self.assertFalse((self.root / "var/lib/isthmus").exists())
        self.assertEqual(self.inside("getent passwd isthmus || true"), "")

    def follow(self, heading, edited=None):
        """The commands of a section of docs/deploy.md, as they stand there; gives what each printed. `edited`: what a person writes into a file."""
        section = (ROOT / "docs/deploy.md").read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
        said = {}
        for line in re.findall(r"(?m)^ {4}(\S.*?)(?: +#.*)?$", section):
            word, *words = line.split()
            if word == "editor":
                if words[0] in (edited or {}):
                    (self.root / words[0].lstrip("/")).write_text(edited[words[0]])
            elif word == "certbot":
                self.renew(words[words.index("--deploy-hook") + 1])
            elif word != "apt":
                said[line] = self.inside(line)
        self.assertIn("restart isthmus", (self.root / "run/systemctl").read_text())
        return said

    def renew(self, hook):
        """What certbot does with its files: each time new ones, for root alone, with links to the last; then the hook."""
        folder = self.root / "etc/letsencrypt"
        live, archive = folder / "live" / NAME, folder / "archive" / NAME
        for path in (live, archive):
            path.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
        number = len(list(archive.iterdir())) // 2 + 1
        key, chain = archive / f"privkey{number}.pem", archive / f"fullchain{number}.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj", f"/CN={NAME}",
            "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(chain))
        key.chmod(0o600)
        for path in (key, chain):
            link = live / f"{re.sub('[0-9]', '', path.stem)}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{NAME}/{path.name}")
        self.inside(f"RENEWED_LINEAGE=/etc/letsencrypt/live/{NAME} RENEWED_DOMAINS={NAME} {hook}")
        return chain.read_text()

    def page(self, tls, port, host, name):
        """The page's status and the certificate that it came with."""
        with tls.wrap_socket(socket.create_connection((host, port), 10), server_hostname=name) as stream:
            stream.sendall(f"GET / HTTP/1.1\r\nHost: {name if port == 443 else f'{name}:{port}'}\r\nConnection: close\r\n\r\n".encode())
            return int(stream.recv(100).split()[1]), ssl.DER_cert_to_PEM_cert(stream.getpeercert(True))

    def refused(self, *parts):
        done = self.chroot(f"isthmus check {CONFIG}")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        for part in (f"{CONFIG}: read as isthmus, the owner of /var/lib/isthmus\n", *parts):
            self.assertIn(part, done.stderr)

    def configure(self, text):
        (self.root / CONFIG[1:]).write_text('admission = "allow-all"\n' + text)

    def test_the_groups_of_the_service_count_for_check(self):
        self.inside("dpkg -i --force-confmiss /root/isthmus.deb")
        self.inside("addgroup --quiet --system ssl-cert && adduser --quiet isthmus ssl-cert && install -d -g ssl-cert -m 0710 /etc/ssl/private")
        key, certificate = "/etc/ssl/private/phone.key", "/etc/ssl/certs/phone.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj", f"/CN={NAME}",
            "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(self.root / key[1:]), "-out", str(self.root / certificate[1:]))
        self.inside(f"chgrp ssl-cert {key} && chmod 0640 {key}")
        self.configure(f'data = "/var/lib/isthmus"\n[web]\ncertificate = "{certificate}"\nkey = "{key}"\n')
        self.assertIn("no mistakes found (read as isthmus, the owner of /var/lib/isthmus)\n", self.inside(f"isthmus check {CONFIG}"))
        started, told = self.start()
        self.stop(started, told)
        self.inside("gpasswd --delete isthmus ssl-cert")
        self.refused(f"web.key: {key}: cannot be read: Permission denied\n")
        self.inside("dpkg -P isthmus")

    def test_the_data_directory_of_root_is_told(self):
        self.inside("dpkg -i --force-confmiss /root/isthmus.deb")
        for data, command in (("/srv/one", "account add 1000 --generate"), ("/srv/two/data", "cert localhost")):
            self.configure(f'data = "{data}"\n')
            note = f"Note: data: {data} belongs to root: only a gateway that runs as root can use it.\n"
            self.assertIn(f"Note: data: {data} is not there yet; ", self.inside(f"isthmus check {CONFIG}"))
            for expected in (note, ""):  # told by the one that makes it
                done = self.chroot(f"isthmus {command} --config {CONFIG}")
                self.assertEqual((done.returncode, done.stderr), (0, expected), command)
                command = "account list" if "account" in command else command + " --force"
            self.assertEqual(self.inside(f"stat -c '%U %a' {data}"), "root 700\n")
            self.assertIn(f"no mistakes found\n{note}", self.inside(f"isthmus check {CONFIG}"))
            self.inside(f"chown -R isthmus: {data}")
            self.assertNotIn("Note", self.inside(f"isthmus check {CONFIG}"))
        self.inside("dpkg -P isthmus && rm -r /srv/one /srv/two")

    def test_the_secret_of_the_api_is_no_link_for_root(self):
        self.inside("dpkg -i --force-confmiss /root/isthmus.deb")
        self.inside("ln -s /etc/shadow /var/lib/isthmus/api-secret && chown -h isthmus: /var/lib/isthmus/api-secret")
        done = self.chroot(f"isthmus calls --config {CONFIG}")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot read the API secret /var/lib/isthmus/api-secret: Too many levels of symbolic links (root follows no link there)\n", done.stderr)
        self.inside("dpkg -P isthmus")

    def test_the_lan_of_deploy_md(self):
        self.inside("dpkg -i --force-confmiss /root/isthmus.deb")
        run("ip", "addr", "add", f"{LAN}/24", "dev", "lo")
        said = self.follow("On a LAN")
        self.assertIn("8443/tcp", said[f"isthmus check {CONFIG}"])
        started, told = self.start()
        tls = ssl.create_default_context(cafile=str(self.root / "var/lib/isthmus/tls/ca.pem"))
        self.assertEqual(self.page(tls, 8443, LAN, LAN)[0], 200)
        password = said[f"isthmus account add 1000 --generate --config {CONFIG}"].split()[1]
        self.assertIn(f" {LAN} 40000 typ host", self.call_echo(password, 8443, host=LAN, tls=tls))
        self.stop(started, told)

        # Root reads everything; the check says what the service may not read.
        key = self.root / "var/lib/isthmus/tls/server-key.pem"
        os.chown(key, 0, 0)
        self.refused("web.key: /var/lib/isthmus/tls/server-key.pem: cannot be read: Permission denied\n")
        (self.root / CONFIG[1:]).chmod(0o600)
        self.refused(f"{CONFIG}: cannot be read: Permission denied\n")
        (self.root / CONFIG[1:]).write_text('data = "/var/lib/isthmus"\nadmission = "web-server"\n')
        (self.root / CONFIG[1:]).chmod(0o640)
        self.refused('admission: is "web-server", but webhook.url is missing\n')
        self.inside("dpkg -P isthmus")

    def test_the_public_server_of_deploy_md(self):
        self.inside("dpkg -i --force-confmiss /root/isthmus.deb")
        said = self.follow("A public server", {"/etc/isthmus/environment": "ISTHMUS_WEBHOOK_SECRET=a-secret-of-the-test\n"})
        self.assertIn("Note: webhook.secrets is missing: ISTHMUS_WEBHOOK_SECRET must stand in the environment", said[f"isthmus check {CONFIG}"])
        self.assertEqual(self.inside("stat -c '%U:%G %a' /etc/isthmus/tls /etc/isthmus/tls/privkey.pem").split("\n")[:2], ["root:isthmus 750", "root:isthmus 640"])
        low_ports = self.root / "etc/systemd/system/isthmus.service.d/low-ports.conf"
        drop_in = low_ports.read_text()
        low_ports.unlink()
        started, _ = self.launch()
        self.assertEqual(started.process.wait(20), 1)
        self.assertIn("cannot listen on tcp 0.0.0.0:443: Permission denied; ports below 1024 need CAP_NET_BIND_SERVICE (in docs/deploy.md: A public server)", started.text())
        low_ports.write_text(drop_in)

        started, told = self.start()
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # each certificate here is its own authority; which one came is what is looked at
        status, first = self.page(tls, 443, "127.0.0.1", NAME)
        self.assertEqual((status, first.strip()), (200, (self.root / f"etc/letsencrypt/archive/{NAME}/fullchain1.pem").read_text().strip()))
        second = self.renew("/usr/share/isthmus/certbot-hook")
        started.line("reloaded: 1 accounts")
        self.assertEqual(self.page(tls, 443, "127.0.0.1", NAME)[1].strip(), second.strip(), "a renewed certificate is taken in without a restart")
        self.stop(started, told)
        low_ports.unlink()
        self.inside("dpkg -P isthmus")
        self.assertFalse((self.root / "etc/isthmus/tls").exists(), "no copy of a key outlives the package")


if __name__ == "__main__":
    PACKAGE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
