#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian package on a new Debian 12: installed with what it depends on, started as its own user the way its unit starts it, a call, an upgrade that
keeps configuration and accounts, removal and purge. Needs root and the package of `./dev package`. Usage: package_test.py PACKAGE.deb"""
import ctypes
import os
import pathlib
import re
import shutil
import signal
import socket
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

    def inside(self, command):
        done = subprocess.run(["chroot", str(self.root), "/usr/bin/env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                               "DEBIAN_FRONTEND=noninteractive", "bash", "-c", command], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        """As the unit does: its user, its command, its state directory, told by NOTIFY_SOCKET when it is ready."""
        unit = (ROOT / "etc/package/isthmus.service").read_text()
        command = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1).split()
        user = re.search(r"^User=(.*)$", unit, re.M).group(1)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = self.root / "run/notify"
        path.unlink(missing_ok=True)
        told.bind(str(path))
        path.chmod(0o777)
        told.settimeout(20)
        started = Started(["chroot", f"--userspec={user}:{user}", "--groups=", str(self.root), "/usr/bin/env", "-i", "NOTIFY_SOCKET=/run/notify", *command],
                          str(self.root), "var/tmp/gateway.log")
        self.addCleanup(started.stop)
        try:
            self.assertEqual(told.recv(100), b"READY=1")
        except TimeoutError:
            self.fail("not ready:\n" + started.text())
        self.addCleanup(told.close)
        return started, told

    def call_echo(self, password):
        client = WebSocket(8080)
        self.assertIn("result", client.request("sign_in", account="1000", password=password))
        self.assertIn("result", client.request("make_call", to="echo", sdp=OFFER))
        self.assertIn("a=ice-lite", client.state("confirmed")["sdp"])

    def stop(self, started, told):
        started.process.send_signal(signal.SIGTERM)
        self.assertEqual(told.recv(100), b"STOPPING=1")
        self.assertEqual(started.process.wait(20), 0)

    def upgrade_package(self):
        """The same package with a higher version."""
        tree = self.root / "root/newer"
        run("dpkg-deb", "-R", PACKAGE, str(tree))
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: .*$", f"Version: {NEWER}", control.read_text(), flags=re.M))
        run("dpkg-deb", "-b", str(tree), str(self.root / "root/newer.deb"))
        shutil.rmtree(tree)

    def test_install_run_upgrade_remove(self):
        self.inside("apt-get -qq install -y --no-install-recommends /root/isthmus.deb")
        leave_the_network()
        self.assertRegex(self.inside("isthmus --version"), r"^isthmus \d+\.\d+\.\d+\n$")
        self.assertEqual(self.inside("ldd /usr/bin/isthmus | grep 'not found' || true"), "")
        self.assertEqual(self.inside("stat -c '%U:%G %a' /var/lib/isthmus /etc/isthmus/isthmus.toml").split("\n")[:2], ["isthmus:isthmus 700", "root:isthmus 640"])
        self.assertEqual(self.inside("isthmus check /etc/isthmus/isthmus.toml"), "/etc/isthmus/isthmus.toml: no mistakes found\nNo port has to be opened: everything is for this machine alone.\n")
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

        self.inside("dpkg -r isthmus")
        self.assertFalse((self.root / "usr/bin/isthmus").exists())
        self.assertTrue(config.exists(), "configuration and state stay until the purge")
        self.assertTrue((self.root / "var/lib/isthmus/isthmus.db").exists())
        self.inside("dpkg -P isthmus")
        self.assertFalse(config.exists())
        self.assertFalse((self.root / "var/lib/isthmus").exists())
        self.assertEqual(self.inside("getent passwd isthmus || true"), "")


if __name__ == "__main__":
    PACKAGE = os.path.abspath(sys.argv.pop(1))
    unittest.main()
