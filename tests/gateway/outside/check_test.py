#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""isthmus check refuses what isthmus run refuses, and notes what it cannot know; account, cert and run find the data directory in the same file. What
root sees with the eyes of the service is looked at with the package (tests/package). Usage: check_test.py PROGRAM"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ""
DONE, BAD_CONFIG = 0, 2
NO_SECRET = "Note: webhook.secrets is missing: ISTHMUS_WEBHOOK_SECRET must stand in the environment of the gateway.\n"
WEB_SERVER = '[webhook]\nurl = "http://127.0.0.1:9/"\n'


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="isthmus-check-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        (self.path / "state").mkdir()

    def run_it(self, *words):
        done = subprocess.run([PROGRAM, *words], cwd=self.path, env=dict(os.environ, ISTHMUS_WEBHOOK_SECRET=""), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout, done.stderr

    def check(self, text):
        (self.path / "f.toml").write_text('data = "state"\n' + text)
        return self.run_it("check", "f.toml")

    def test_what_run_refuses_is_refused(self):
        (self.path / "file").write_text("")
        rows = [
            ('admission = "web-server"\n', 'f.toml: admission: is "web-server", but webhook.url is missing\n'),
            ('[web]\ncertificate = "none.pem"\nkey = "none.pem"\n', "f.toml: web.certificate: none.pem: cannot be read: No such file or directory\n"),
        ]
        for text, complaint in rows:
            with self.subTest(text=text):
                self.assertEqual(self.check(text), (BAD_CONFIG, "", complaint))
                self.assertIn(complaint.split(": ", 2)[2], self.run_it("run", "--config", "f.toml", "--web", "127.0.0.1:0", "--sip", "127.0.0.1:0")[2])
        for data in ("file", "file/below"):
            (self.path / "f.toml").write_text(f'data = "{data}"\n')
            self.assertEqual(self.run_it("check", "f.toml"), (BAD_CONFIG, "", f"f.toml: data: {self.path}/file is not a directory\n"))

    def test_all_mistakes_are_told_at_once(self):
        status, _, said = self.check('admission = "web-server"\n[web]\ncertificate = "none.pem"\nkey = "none.pem"\n')
        self.assertEqual((status, [line.split(": ")[1] for line in said.splitlines()]), (BAD_CONFIG, ["admission", "web.certificate"]))

    def test_a_secret_may_come_from_the_environment(self):
        status, said, _ = self.check(WEB_SERVER)
        self.assertEqual(status, DONE)
        self.assertIn(NO_SECRET, said)
        self.assertNotIn(NO_SECRET, self.check(WEB_SERVER + 'secrets = ["a secret of the file"]\n')[1])

    def test_cert_and_account_keep_to_the_data_of_the_file(self):
        self.check("")
        self.assertEqual(self.run_it("cert", "127.0.0.1", "--config", "f.toml")[0], DONE)
        self.assertEqual(self.run_it("account", "add", "1000", "--generate", "--config", "f.toml")[0], DONE)
        self.assertEqual(sorted(path.name for path in (self.path / "state/tls").iterdir()), ["ca-key.pem", "ca.pem", "server-key.pem", "server.pem"])
        self.assertTrue((self.path / "state/isthmus.db").exists())
        self.assertFalse((self.path / "data").exists())


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
