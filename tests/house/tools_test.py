#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scripts that judge others are judged here: coverage, the tally of tests, the bounds of benches, the book of long runs."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import bench_table
import coverage
import endurance
import tally


def write(root, path, text):
    target = pathlib.Path(root) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return str(target)


class Coverage(unittest.TestCase):
    def bare(self, listing, tests):
        with tempfile.TemporaryDirectory() as root:
            write(root, "docs/coverage.list", listing)
            for path, text in tests.items():
                write(root, path, text)
            text, bare = coverage.render(pathlib.Path(root))
            return bare, text

    def test_a_number_without_a_test_is_red(self):
        bare, _ = self.bare("row C1-C3\n", {"tests/a_test.cpp": "TEST(Cancel, C1AfterRinging) {}\n// C3: the other.\nTEST(Cancel, Third) {}\n"})
        self.assertEqual(bare, ["row C2"])

    def test_names_and_comments_count_and_longer_numbers_do_not(self):
        tests = {"tests/a_test.cpp": "TEST(A, R4_2R3_1_ends) {}\nTEST(A, B) {\n  // R0.10\n}\nTEST(A, C) { int x = 0xC5; }  // C5:BD BD:C5:CB C51 rows C14-C16\n"}
        bare, text = self.bare("requirement R3.1 R3.10 R0.1 R0.10\nrow C5 C14 C16\n", tests)
        self.assertEqual(bare, ["requirement R3.10", "requirement R0.1", "row C5", "row C14", "row C16"])
        self.assertIn("| R0.10 | `tests/a_test.cpp` A.B |", text)

    def test_traps_and_advisories_are_read_as_words(self):
        tests = {"tests/a_test.cpp": "TEST(A, Trap7Mends) {}\n// traps 9, 10 and 14\nTEST(A, B) {}\n// advisory 41\nTEST(A, C) {}\n"}
        bare, _ = self.bare("trap 1 7 9 10 14\nadvisory 4 41\n", tests)
        self.assertEqual(bare, ["trap 1", "advisory 4"])

    def test_a_mention_at_the_head_of_a_file_with_tests_proves_nothing(self):
        bare, _ = self.bare("row C1\n", {"tests/a_test.cpp": "// Rows C1 and more.\n#include <x>\nTEST(A, B) {}\n"})
        self.assertEqual(bare, ["row C1"])
        bare, _ = self.bare("row C1\n", {"tests/interop/run.sh": "# C1 against a real phone\n"})
        self.assertEqual(bare, [])

    def test_what_stands_between_two_tests_belongs_to_neither(self):
        text = "TEST(A, First) {\n}\n\n%s\n\nTEST(A, Second) {\n}\n"
        for between in ("// ---- races (C1)", "// ---- races (C1)\n\nstruct X {};", "// C1: of a helper.\nstruct X {};", "struct X {\n  int y;  // C1\n};", "// C1"):
            bare, _ = self.bare("row C1\n", {"tests/a_test.cpp": text % between})
            self.assertEqual(bare, ["row C1"], between)
        _, shown = self.bare("row C1\n", {"tests/a_test.cpp": (text % "// C1: two lines\n// of comment.").replace("comment.\n\n", "comment.\n")})
        self.assertIn("| C1 | `tests/a_test.cpp` A.Second |", shown)

    def test_a_line_belongs_to_the_test_in_which_it_stands(self):
        python = "class A:\n    def test_a(self):\n        \"\"\"C1.\"\"\"\n        # C2\n\n    # C3\n    def test_b(self):\n        self.fail()  # C4\n\n    def helper(self):\n        pass  # C5\n"
        node = "pageTest('C6: one', async () => {\n  /** C7 */\n  f(() => {\n  });\n  ok();  // C8\n});\n/**\n * C9\n */\ntest('two', () => {});\n"
        bare, shown = self.bare("row C1-C9\n", {"tests/a.py": python, "tests/a.mjs": node})
        self.assertEqual(bare, ["row C5"])
        for number, test in {1: "test_a", 2: "test_a", 3: "test_b", 4: "test_b", 6: "C6: one", 7: "C6: one", 8: "C6: one", 9: "two"}.items():
            self.assertRegex(shown, rf"\| C{number} \| `tests/a\.\w+` {test} \|")

    def test_outside_of_names_a_letter_behind_a_number_means_another_word(self):
        body = 'TEST(A, B) {\n  "SIP+D2U", "SIP+D2T", kD2Last\n}\n'
        self.assertEqual(self.bare("row D2\n", {"tests/a_test.cpp": body})[0], ["row D2"])
        self.assertEqual(self.bare("row D2\n", {"tests/a_test.cpp": 'TEST(A, D2Repeats) {\n}\n'})[0], [])
        self.assertEqual(self.bare("row D2\n", {"tests/a_test.cpp": 'TEST(A, B) {\n  f() << "D2: again";\n}\n'})[0], [])


class Tally(unittest.TestCase):
    def test_failed_and_not_run_tests_count_as_failed(self):
        report = (
            '<testsuite><testcase name="a" status="run"/><testcase name="b" status="fail"><failure/></testcase>'
            '<testcase name="c" status="notrun"><skipped/></testcase></testsuite>'
        )
        with tempfile.TemporaryDirectory() as root:
            path = write(root, "r.xml", report)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                self.assertEqual(tally.main(["--checks", "2", "1", path]), 1)
            self.assertEqual(out.getvalue().splitlines()[-1], "3 passed, 3 failed")

    def test_nothing_passed_is_no_success(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(tally.main([]), 1)


class Bounds(unittest.TestCase):
    def run_with(self, bounds, *, some=False):
        rows = [
            {"name": "parse/isthmus", "run_name": "parse/isthmus", "run_type": "iteration", "cpu_time": t, "time_unit": "ns", "allocations": 0.0}
            for t in (120.0, 100.0)
        ]
        manual = "parse/libosip2/iterations:1/manual_time"
        rows.append({"name": manual, "run_name": manual, "run_type": "iteration", "cpu_time": 1.0, "real_time": 200.0, "time_unit": "ns"})
        rows.append({"name": "parse/sofia", "run_name": "parse/sofia", "run_type": "iteration", "cpu_time": 0.4, "time_unit": "us"})
        with tempfile.TemporaryDirectory() as root:
            report = write(root, "parse.json", json.dumps({"benchmarks": rows}))
            limits = write(root, "b.json", json.dumps(bounds))
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                return bench_table.main(["--bounds", limits, *(["--some"] if some else []), report])

    def test_R5_3_a_broken_bound_is_red(self):
        self.assertEqual(self.run_with({"parse": {"sofia": 0.26, "counter:allocations": 0}}), 0)
        self.assertEqual(self.run_with({"parse": {"sofia": 0.24}}), 1)
        self.assertEqual(self.run_with({"parse": {"libosip2": 0.51}}), 0)
        self.assertEqual(self.run_with({"parse": {"libosip2": 0.49}}), 1)
        self.assertEqual(self.run_with({"parse": {"counter:allocations": -1}}), 1)
        self.assertEqual(self.run_with({"parse": {"counter:unknown": 1}}), 1)

    def test_a_bound_may_name_another_measure_of_ours(self):
        self.assertEqual(self.run_with({"pars*": {"ours:parse": 1.0}}), 0)
        self.assertEqual(self.run_with({"pars*": {"ours:parse": 0.9}}), 1)
        self.assertEqual(self.run_with({"parse": {"ours:gone": 0.9}}), 0)

    def test_an_absent_peer_is_said_and_an_absent_measure_is_red(self):
        self.assertEqual(self.run_with({"parse": {"libre": 0.1}}), 0)
        self.assertEqual(self.run_with({"gone": {"sofia": 0.1}}), 1)
        self.assertEqual(self.run_with({"gone": {"sofia": 0.1}}, some=True), 0)


class Endurance(unittest.TestCase):
    """Goal G6: hours of a door add up since the last change of its room, and no row says more than was run."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.git("init", "-q")
        write(self.root, "fuzz/sip.cmake", "isthmus_fuzz_door(sip_uri USES sip)\n")
        write(self.root, "fuzz/sdp.cmake", "isthmus_fuzz_door(sdp USES sdp)\n")
        write(self.root, endurance.BOOK, "# Book\n\n| commit | what | CPU-hours | result |\n| --- | --- | --- | --- |\n")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)

    def change(self, *paths):
        """A commit that touches these; its hash, as a row names it."""
        for path in paths:
            write(self.root, path, f"{path} {len(endurance.rows(self.root))} {self.id()}\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "x", "--allow-empty")
        return endurance.commit(self.root)

    def test_hours_add_up_until_the_room_changes(self):
        first = self.change("sip/a.cpp", "sdp/a.cpp")
        endurance.add(self.root, first, "fuzz sip_uri", "3600", "clean: 10 inputs")
        endurance.add(self.root, first, "fuzz sdp", "1800", "clean: 10 inputs")
        endurance.add(self.root, self.change("README.md"), "fuzz sip_uri", "900.4", "clean: 10 inputs")
        self.assertEqual(endurance.sums(self.root), {"fuzz sip_uri": 1.25, "fuzz sdp": 0.5, "soak": 0})
        endurance.add(self.root, self.change("sip/b.cpp"), "fuzz sip_uri", "360", "clean: 10 inputs")
        self.assertEqual(endurance.sums(self.root), {"fuzz sip_uri": 0.1, "fuzz sdp": 0.5, "soak": 0})

    def test_neither_a_failed_run_nor_one_of_unknown_sources_counts(self):
        at = self.change("sip/a.cpp")
        endurance.add(self.root, at, "fuzz sip_uri", "3600", "failed: crash-1")
        endurance.add(self.root, at, "fuzz sip_uri", "3600", "void: no core")
        write(self.root, "sip/a.cpp", "changed")
        self.assertEqual(endurance.commit(self.root), at + "-dirty")
        endurance.add(self.root, endurance.commit(self.root), "fuzz sip_uri", "3600", "clean: 10 inputs")
        endurance.add(self.root, "0123456", "fuzz sip_uri", "3600", "clean: 10 inputs")
        self.assertEqual(endurance.sums(self.root)["fuzz sip_uri"], 0)
        self.assertEqual(len(endurance.rows(self.root)), 4)

    def test_a_row_is_a_row(self):
        self.assertEqual(endurance.row("abc1234", "soak", "61.2", "clean: all"), "| abc1234 | soak | 0.017 | clean: all |\n")
        for bad in ("perhaps", "cleanish", "clean | twice", "clean\n"):
            with self.assertRaises(ValueError):
                endurance.row("abc1234", "soak", "1", bad)


if __name__ == "__main__":
    unittest.main()
