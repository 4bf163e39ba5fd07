#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which test proves which requirement: reads docs/coverage.list, looks for the numbers in the tests, writes docs/coverage.md.

A test carries a number in its name (`C5_late_200_is_acked`, `R3_1`, `trap7`), in its body, or in the comment right above it (`R3.1`, `trap 7`,
`advisories 5, 8`). Each number is written out; a range proves nothing, and neither does the heading of a section (`// ---- ...`) or what stands
between two tests. A number of the list without a test is red: the exit status is 1.

usage: coverage.py [--check]      --check: writes nothing, and says when docs/coverage.md is out of date
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("tests", "fuzz", "bench", "examples")
ENDINGS = {".cpp", ".hpp", ".py", ".mjs", ".js", ".sh", ".xml", ".txt", ".cmake", ".lua"}
LEFT_OUT = {"node_modules", "corpus", "house"}
TITLES = {"row": "Races and dialog rows", "requirement": "Requirements", "trap": "Interop traps", "advisory": "Advisories", "goal": "Goals"}


def expand(word):
    """`C1-C3` or `R0.1-R0.3` or `C5` as a list of numbers."""
    match = re.fullmatch(r"([A-Z]?)(?:(\d+)\.)?(\d+)(?:-([A-Z]?)(?:(\d+)\.)?(\d+))?", word)
    if not match:
        sys.exit(f"docs/coverage.list: cannot read {word!r}")
    letter, major, first, letter2, major2, last = match.groups()
    if last is not None and (letter, major) != (letter2, major2):
        sys.exit(f"docs/coverage.list: {word!r} goes from one family to another")
    stem = letter + (f"{major}." if major else "")
    return [f"{stem}{n}" for n in range(int(first), int(last or first) + 1)]


def named(listing):
    """[(kind, number)] of the list, in its order."""
    numbers = []
    for line in listing.splitlines():
        words = line.split("#")[0].split()
        if words:
            if words[0] not in TITLES:
                sys.exit(f"docs/coverage.list: no kind {words[0]!r}")
            numbers += [(words[0], number) for word in words[1:] for number in expand(word)]
    return numbers


def pattern(kind, number):
    """What a mention of this number looks like in a line, and in one that names a test."""
    if kind in ("row", "requirement", "goal"):
        digits = re.escape(number).replace(r"\.", "[._]")
        # Neither `C51`, `R3.1.2`, `0xC5`, `BD:C5:CB` nor one end of a range. A name may carry two, `R4_2R4_3`, and goes on, `RowC5LateAck`;
        # elsewhere a letter means another word, as in "SIP+D2U".
        before = "A-Za-z." if kind in ("requirement", "goal") else "A-Za-z0-9."
        start, end = r"(?<![0-9]-)(?<![0-9A-F]:)(?!\w\w:\w\w\b)", r"(?!\.[0-9])(?!\s*-\s*[A-Z]?[0-9])"
        return (re.compile(rf"(?<![{before}]){start}{digits}(?![0-9A-Za-z]){end}"),
                re.compile(rf"(?:(?<![{before}])|(?<=Row)){start}{digits}(?![0-9a-z]){end}"))  # fmt: skip
    plural = {"trap": "traps?", "advisory": "advisor(?:y|ies)"}[kind]
    others = r"(?:\d+(?:\s*,\s*|\s+and\s+|_))*"
    word = re.compile(rf"{plural}[ _]?{others}{number}(?![0-9])(?!\s*-\s*[0-9])", re.IGNORECASE)
    return word, word


TEST = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|TYPED_TEST)\(\s*(\w+)\s*,\s*(\w+)")
NODE_TEST = re.compile(r"^\s*(?:await\s+)?(?:test|it|scenario|\w+Test)\(\s*['\"`]([^'\"`]+)")
PYTHON_TEST = re.compile(r"^\s*(?:async\s+)?def (test_\w+)")
COMMENT = re.compile(r"^\s*(?://|#(?!include|pragma|define|if|endif)|\*|/\*|template|INSTANTIATE)")
HEADING = re.compile(r"^\s*(?://|#)\s*----")


def name_of(line):
    """The name of the test that this line begins, or None."""
    match = TEST.match(line)
    if match:
        return f"{match[1]}.{match[2]}"
    match = NODE_TEST.match(line) or PYTHON_TEST.match(line)
    return match[1] if match else None


def indent(line):
    """The depth of a line; the asterisk of a comment's inner line stands one deeper than its comment."""
    text = line.lstrip()
    return len(line) - len(text) - text.startswith("*")


def test_below(lines, index):
    """The test that the comment of this line stands right above, or None."""
    for line in lines[index:]:
        if name_of(line):
            return name_of(line) if indent(line) == indent(lines[index]) else None
        if not COMMENT.match(line) or HEADING.match(line):
            return None
    return None


def test_at(lines, index):
    """The test that a line belongs to: that right below a comment, otherwise the one in which the line stands; or None."""
    if COMMENT.match(lines[index]) and (below := test_below(lines, index)):
        return below
    depth = None  # of the shallowest line so far: a test begins above everything that is deeper than itself
    for line in reversed(lines[: index + 1]):
        if name_of(line) and (depth is None or indent(line) < depth):
            return name_of(line)
        if line.strip():
            depth = indent(line) if depth is None else min(depth, indent(line))
    return None


def tests_of(root):
    """[(path, [line])] of all files that may carry numbers."""
    found = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in ENDINGS and path.is_file() and not LEFT_OUT & set(path.relative_to(root).parts):
                found.append((path.relative_to(root).as_posix(), path.read_text(encoding="utf-8", errors="replace").splitlines()))
    return found


def places(files, wanted):
    """Where a number is proved: [`file: test`]; `wanted`: the patterns of its number."""
    found = []
    for path, lines in files:
        for index, line in enumerate(lines):
            if not wanted[1 if name_of(line) else 0].search(line):
                continue
            test = test_at(lines, index)
            # Where a file names its tests, a mention outside of them promises something and proves nothing.
            if test is None and any(name_of(line) for line in lines):
                continue
            place = f"`{path}`" + (f" {test}" if test else "")
            if place not in found:
                found.append(place)
    return found


def render(root):
    """(text of docs/coverage.md, numbers without a test)."""
    files = tests_of(root)
    text = ["<!-- SPDX-License-Identifier: MIT. Written by ./dev coverage from docs/coverage.list; do not edit. -->", "# Which test proves what", ""]
    bare, previous = [], None
    for kind, number in named((root / "docs/coverage.list").read_text(encoding="utf-8")):
        if kind != previous:
            text += [f"## {TITLES[kind]}", "", "| number | tests |", "| --- | --- |"]
            previous = kind
        found = places(files, pattern(kind, number))
        if not found:
            bare.append(f"{kind} {number}")
        shown = "<br>".join(found[:6]) + (f"<br>and {len(found) - 6} more" if len(found) > 6 else "")
        text.append(f"| {number} | {shown or '**none**'} |")
    return "\n".join(text) + "\n", bare


def main(arguments):
    text, bare = render(ROOT)
    target = ROOT / "docs/coverage.md"
    stale = not target.exists() or target.read_text(encoding="utf-8") != text
    if "--check" not in arguments:
        target.write_text(text, encoding="utf-8")
    elif stale:
        print("docs/coverage.md is out of date: ./dev coverage writes it", file=sys.stderr)
    if bare:
        print(f"{len(bare)} numbers of docs/coverage.list without a test: {', '.join(bare)}", file=sys.stderr)
    return 1 if bare else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
