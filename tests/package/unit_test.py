#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The systemd unit is one that systemd takes, and one that leaves the program little; the man pages are pages; the Containerfile builds from the same
package. Usage: unit_test.py PAPERS-PROGRAM"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAPERS = ""
EXPOSURE = 3.0


class Unit(unittest.TestCase):
    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)

    def test_systemd_takes_it(self):
        # Its program is not installed here: verified with one that is.
        with tempfile.TemporaryDirectory() as folder:
            unit = pathlib.Path(folder) / "isthmus.service"
            unit.write_text((ROOT / "etc/package/isthmus.service").read_text().replace("/usr/bin/isthmus", "/bin/true"))
            done = self.analyze("verify", "--man=no", str(unit))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            drop_in = unit.with_name("isthmus.service.d") / "low-ports.conf"
            drop_in.parent.mkdir()
            drop_in.write_text((ROOT / "etc/package/low-ports.conf").read_text())
            done = self.analyze("verify", "--man=no", str(unit))
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_exposure_is_below_three(self):
        done = self.analyze("security", "--offline=yes", str(ROOT / "etc/package/isthmus.service"))
        level = float(re.search(r"Overall exposure level for isthmus.service: ([\d.]+)", done.stdout).group(1))
        self.assertLess(level, EXPOSURE, done.stdout)

    def test_what_the_issue_of_a_service_needs(self):
        unit = (ROOT / "etc/package/isthmus.service").read_text()
        for line in ("Type=notify", "Restart=on-failure", "StateDirectory=isthmus", "User=isthmus", "WorkingDirectory=/var/lib/isthmus", "ExecReload=/bin/kill -HUP $MAINPID"):
            self.assertIn(line + "\n", unit)
        self.assertRegex(unit, r"(?m)^LimitNOFILE=\d+$")


class Papers(unittest.TestCase):
    def test_man_pages_have_no_warnings(self):
        for page in ("isthmus.1", "isthmus.toml.5"):
            text = subprocess.run([PAPERS, page], capture_output=True, text=True, check=True).stdout
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=text, capture_output=True, text=True, env={"MANWIDTH": "80", "PATH": "/usr/bin:/bin"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
            self.assertGreater(len(done.stdout.splitlines()), 40, page)


class Containerfile(unittest.TestCase):
    """It cannot be run here; what can be read off it is held."""

    def setUp(self):
        text = (ROOT / "etc/package/Containerfile").read_text()
        text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")
        self.steps = [line.split(None, 1) for line in text.splitlines() if line.strip()]

    def words(self, instruction):
        return [rest for word, rest in self.steps if word == instruction]

    def test_instructions(self):
        known = {"FROM", "COPY", "RUN", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT", "CMD"}
        self.assertEqual({word for word, _ in self.steps} - known, set())
        self.assertEqual(self.words("FROM"), ["debian:bookworm-slim"], "the Debian that the package is made for, not latest")
        self.assertEqual(self.words("USER"), ["isthmus"], "not root")
        self.assertEqual(self.words("ENTRYPOINT") + self.words("CMD"), ['["isthmus"]', '["run", "--config", "/etc/isthmus/isthmus.toml"]'])
        install = self.words("RUN")[0]
        for part in ("apt-get update", "--no-install-recommends", "/tmp/isthmus.deb", "rm -rf /var/lib/apt/lists/*"):
            self.assertIn(part, install)
        ports = {port for name in ROOT.glob("etc/examples/*.toml") for port in re.findall(r'(?m)(?::|^port = )(\d+)"?\]?$', name.read_text())}
        exposed = {word.split("/")[0] for word in self.words("EXPOSE")[0].split()}
        self.assertEqual(ports - exposed, set(), "every port of an example is named")
        self.assertEqual(self.words("COPY"), ["isthmus_*.deb /tmp/isthmus.deb"], "the name that ./dev package gives it")


if __name__ == "__main__":
    PAPERS = sys.argv.pop(1)
    unittest.main()
