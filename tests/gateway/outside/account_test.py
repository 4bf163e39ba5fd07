#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""isthmus account, and SIGHUP: what the program says and does from outside (R5.1). Usage: account_test.py PROGRAM"""
import os
import pathlib

import signal
import subprocess
import sys
import tempfile
import unittest

from smoke_test import Started, WebSocket

PROGRAM = ""


class Account(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="isthmus-account-")
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def run_it(self, *words, typed=""):
        done = subprocess.run([PROGRAM, *words], cwd=self.path, input=typed, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout, done.stderr

    def account(self, *words, typed=""):
        return self.run_it("account", *words, typed=typed)

    def test_add_list_passwd_remove(self):
        status, out, _ = self.account("add", "1000", typed="a long password\n")
        self.assertEqual((status, out), (0, "added 1000; a running gateway takes it in at SIGHUP (systemctl reload isthmus)\n"))
        status, out, _ = self.account("add", "1001", "--generate")
        self.assertEqual(status, 0)
        self.assertRegex(out.splitlines()[0], r"^1001 (\w{4}-){3}\w{4}$")
        self.assertEqual(self.account("list")[1], "1000\tdatabase\n1001\tdatabase\n")
        self.assertEqual(self.account("passwd", "1000", typed="another one\n")[0], 0)
        self.assertEqual(self.account("remove", "1001")[1].split(";")[0], "removed 1001")
        self.assertEqual(self.account("list")[1], "1000\tdatabase\n")
        self.assertNotIn(b"a long password", (self.path / "data/isthmus.db").read_bytes())
        self.assertEqual((self.path / "data/isthmus.db").stat().st_mode & 0o077, 0, "for its owner alone")

    def test_mistakes_have_words_and_status(self):
        self.account("add", "1000", typed="a long password\n")
        (self.path / "f.toml").write_text('[[account]]\nname = "2000"\npassword = "p"\n')
        rows = [
            (("add", "1000"), "a long password\n", "isthmus: 1000 is there already (isthmus account passwd gives it another password)\n"),
            (("add", "a b"), "", "isthmus: \"a b\" is no name for an account: letters, digits and -_.!~*'()&=+$, up to 64\n"),
            (("add", "3000"), "short\n", "isthmus: a password has 8 to 256 characters\n"),
            (("passwd", "3000"), "a long password\n", "isthmus: there is no account 3000 in data/isthmus.db\n"),
            (("remove", "3000"), "", "isthmus: there is no account 3000\n"),
            (("remove", "2000", "--config", "f.toml"), "", "isthmus: 2000 stands in f.toml: it is removed there\n"),
            (("add", "2000", "--config", "f.toml"), "", "isthmus: 2000 stands in f.toml: it is changed there\n"),
            (("add", "4000", "--data", "/proc/nowhere"), "", "isthmus: cannot make the data directory /proc/nowhere: No such file or directory\n"),
        ]
        for words, typed, message in rows:
            with self.subTest(words=words):
                self.assertEqual(self.account(*words, typed=typed), (1, "", message))

    def start(self, *words):
        gateway = Started([PROGRAM, "run", "--sip", "127.0.0.1:0", "--web", "127.0.0.1:0", *words], self.path, "gateway.log",
                          env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET=""))
        self.addCleanup(gateway.stop)
        return gateway, int(gateway.line(r"page\s+http://127\.0\.0\.1:(\d+)/").group(1))

    def sign_in(self, port, account, password):
        return WebSocket(port).request("sign_in", account=account, password=password)

    def test_a_demo_account_goes_when_there_is_another(self):
        gateway, port = self.start()
        gateway.line(r"account\s+alice")
        demo = dict(line.split() for line in (self.path / "data/demo-accounts").read_text().splitlines())
        self.assertIn("result", self.sign_in(port, "alice", demo["alice"]))
        self.assertEqual(self.account("list")[1], "alice\tdemo\nbob\tdemo\n")
        self.assertEqual(self.account("remove", "alice")[2],
                         "isthmus: alice is a demo account: it goes as soon as there is another (isthmus account add NAME)\n")
        self.account("add", "1000", typed="a long password\n")
        self.assertIn("error", self.sign_in(port, "1000", "a long password"), "not before SIGHUP")
        os.kill(gateway.process.pid, signal.SIGHUP)
        gateway.line(r"info reloaded: 1 accounts, 0 trunks, 0 routes")
        self.assertIn("result", self.sign_in(port, "1000", "a long password"))
        self.assertIn("error", self.sign_in(port, "alice", demo["alice"]))

    def test_R5_1_a_bad_file_changes_nothing_and_says_why(self):
        config = self.path / "f.toml"
        good = '[[account]]\nname = "2000"\npassword = "a long password"\n'
        config.write_text(good)
        gateway, port = self.start("--config", str(config))
        config.write_text(good + '[[route]]\nin_form = "*"\n')
        os.kill(gateway.process.pid, signal.SIGHUP)
        gateway.line(r"f\.toml:5: route\.in_form: no such key; did you mean \"in_from\"\?")
        gateway.line(r"reload refused: nothing was changed")
        self.assertIn("result", self.sign_in(port, "2000", "a long password"))
        config.write_text('echo = "e"\n' + good.replace("2000", "3000") + '[[route]]\nin_to = "1"\nout_to = "2"\n')
        os.kill(gateway.process.pid, signal.SIGHUP)
        gateway.line(r"reloaded: 1 accounts, 0 trunks, 1 routes")
        gateway.line(r"changed, but only a new start takes it in: echo")
        self.assertIn("result", self.sign_in(port, "3000", "a long password"))
        self.assertIn("error", self.sign_in(port, "2000", "a long password"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
