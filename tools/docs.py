#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the documents name must exist: files and headings that links point at, and commands of ./dev. Reads *.md of the tree; usage: docs.py [ROOT]"""

import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\./dev +([a-z][a-z-]*)")


def anchors(text):
    """The anchors that headings of a document get."""
    found = set()
    for line in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", line).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def complaints(root, paths):
    """One line per thing that is named and is not there."""
    commands = set(re.findall(r"^  ([a-z|-]+)\)", (root / "dev").read_text(encoding="utf-8"), re.MULTILINE))
    commands = {word for group in commands for word in group.split("|")}
    for path in paths:
        text = (root / path).read_text(encoding="utf-8")
        prose = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
        for match in LINK.finditer(prose):
            target = match[1] or match[2]
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            file = (root / path).parent / name if name else root / path
            if not file.exists():
                yield f"{path}: links to {target}, which is not there"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                yield f"{path}: links to {target}, and there is no such heading"
        for command in COMMAND.findall(text):
            if command not in commands:
                yield f"{path}: names ./dev {command}, which is no command"


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).resolve().parent.parent)
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
    found = list(complaints(root, [p for p in listed.stdout.splitlines() if (root / p).is_file()]))
    for complaint in found:
        print(complaint)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
