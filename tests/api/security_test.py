#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SECURITY.md claims nothing that no test holds: every test it names is there, and so are its links, endpoints, settings and metrics."""
import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`]+)`", TEXT)


class Security(unittest.TestCase):
    def test_every_test_it_names_is_there(self):
        tests = set()
        for path in (ROOT / "tests").rglob("*_test.cpp"):
            tests |= {f"{suite}.{name}" for suite, name in re.findall(r"^TEST(?:_F)?\((\w+),\s*(\w+)\)", path.read_text(encoding="utf-8"), re.M)}
        named = [word for word in QUOTED if re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", word)]
        self.assertGreater(len(named), 35)
        self.assertEqual([name for name in named if name not in tests], [])

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)#]+)\)", TEXT) + [word for word in QUOTED if word.startswith("tests/")]:
            self.assertTrue((ROOT / target).exists(), target)

    def test_every_endpoint_that_needs_no_secret_is_told(self):
        paths = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))["paths"]
        free = [path for path, item in paths.items() for method in item.values() if isinstance(method, dict) and method.get("security") == []]
        self.assertGreater(len(free), 1)
        for path in free + ["/ws", "/admin", "/metrics", "/api/v1"]:
            self.assertIn(path, QUOTED)

    def test_settings_and_metrics_exist(self):
        configuration = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
        metrics = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
        for word in QUOTED:
            if re.fullmatch(r"(?:media|webhook|web|sip|api|limits)\.[a-z_]+", word):
                self.assertIn(f"`{word}`", configuration)
            if word.startswith("isthmus_"):
                self.assertIn(f"`{word}`", metrics)


if __name__ == "__main__":
    unittest.main()
