#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The book of long runs, docs/endurance.md: one row per run of a fuzz door or of the soak, appended and never changed.

usage: endurance.py commit                           what the tree is: a short hash, with -dirty when sources differ from it
       endurance.py add COMMIT WHAT SECONDS RESULT   appends a row; SECONDS of user and system time; RESULT begins with clean, failed,
                                                     or void: a broken run that shows nothing, the machine having been too busy
       endurance.py sums                             for each door its hours that count, beside the goal; for the soak its hours

Hours add up: a row counts when it is clean and its commit has the last change of the room that it ran. A commit that is not in the history,
or was not the whole truth (-dirty), counts for nothing.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOOK = "docs/endurance.md"
ROW = re.compile(r"^\| (\S+) \| (\S.*?) \| (\d+\.\d+) \| (.*) \|$")
DOOR_GOAL_HOURS = 24  # before a release
# A soak runs all rooms. It has no goal here: eight hours under half of the rated load are more than this load.
ROOMS = ("base", "sip", "sdp", "ice", "transport", "media", "gateway")
SOAK = "soak"


def git(root, *arguments, check=True):
    return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=check)


def commit(root):
    """The book itself, and the other documents, may differ: they are not run."""
    short = git(root, "rev-parse", "--short", "HEAD").stdout.strip()
    return short + ("-dirty" if git(root, "status", "--porcelain", "--", ".", ":!docs").stdout else "")


def row(at, what, seconds, result):
    if not re.match(r"(clean|failed|void)\b", result) or any("|" in text or "\n" in text for text in (at, what, result)):
        raise ValueError(f"no result for a row: {result}")
    return f"| {at} | {what} | {float(seconds) / 3600:.3f} | {result} |\n"


def add(root, *fields):
    """One write at the end: runs at the same time do not mix their rows."""
    with open(pathlib.Path(root) / BOOK, "a", encoding="utf-8") as book:
        book.write(row(*fields))


def rows(root):
    text = (pathlib.Path(root) / BOOK).read_text(encoding="utf-8")
    return [(m[1], m[2], float(m[3]), m[4]) for m in map(ROW.match, text.splitlines()) if m]


def rooms(root):
    """{door or soak: the folders whose change makes its hours void}; a door belongs to the room whose fuzz/ROOM.cmake declares it."""
    found = {}
    for listing in sorted(pathlib.Path(root).glob("fuzz/*.cmake")):
        for door in re.findall(r"isthmus_fuzz_door\((\w+)", listing.read_text(encoding="utf-8")):
            found[f"fuzz {door}"] = (listing.stem,)
    found[SOAK] = ROOMS
    return found


def sums(root):
    """{door or soak: hours that count}."""
    clean = [(at, what, spent) for at, what, spent, result in rows(root) if result.startswith("clean")]
    hours = {}
    for what, folders in rooms(root).items():
        changed = git(root, "log", "-1", "--format=%H", "--", *folders).stdout.strip()
        hours[what] = sum(spent for at, name, spent in clean if name == what and is_since(root, at, changed))
    return hours


def is_since(root, at, changed):
    return git(root, "merge-base", "--is-ancestor", changed, at, check=False).returncode == 0


def main(arguments):
    match arguments:
        case ["commit"]:
            print(commit(ROOT))
        case ["add", at, what, seconds, result]:
            add(ROOT, at, what, seconds, result)
        case ["sums"]:
            for what, hours in sums(ROOT).items():
                print(f"{what:24} {hours:8.3f}{'' if what == SOAK else f' of {DOOR_GOAL_HOURS}'} CPU-hours")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
