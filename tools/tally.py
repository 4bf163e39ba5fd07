#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums JUnit reports of ctest: prints `N passed, N failed`, naming what failed before it. A test that was not run counts as failed.

usage: tally.py [--checks PASSED FAILED] REPORT.xml...
"""

import sys
import xml.etree.ElementTree as tree


def verdicts(path):
    """Yields (name, passed) of every test of one report."""
    for case in tree.parse(path).getroot().iter("testcase"):
        bad = case.find("failure") is not None or case.find("skipped") is not None or case.get("status") in ("fail", "notrun", "disabled")
        yield case.get("name"), not bad


def main(arguments):
    passed = failed = 0
    if arguments[:1] == ["--checks"]:
        passed, failed = int(arguments[1]), int(arguments[2])
        arguments = arguments[3:]
    for path in arguments:
        for name, good in verdicts(path):
            if good:
                passed += 1
            else:
                failed += 1
                print(f"failed: {name} ({path})")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
