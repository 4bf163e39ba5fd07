#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes what is made from the gateway's tables of keys and commands: etc/isthmus.toml and the reference in docs/configuration.md.

usage: papers.py PROGRAM [--check]   PROGRAM is build/release/bin/papers; --check writes nothing and is red when something differs
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- begin: made by ./dev docs from gateway/config_keys.cpp -->\n"
END = "<!-- end -->\n"


def between(text, made):
    """The document with what stands between the marks replaced."""
    head, rest = text.split(BEGIN)
    tail = rest.split(END, 1)[1]
    return head + BEGIN + made + "\n" + END + tail


def main(arguments):
    program, check = arguments[0], "--check" in arguments

    def made(what):
        return subprocess.run([program, what], capture_output=True, text=True, check=True).stdout

    reference = ROOT / "docs/configuration.md"
    wanted = {
        ROOT / "etc/isthmus.toml": made("example"),
        reference: between(reference.read_text(encoding="utf-8"), made("reference")),
    }
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is {'not what the table makes: ./dev docs' if check else 'written'}")
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
