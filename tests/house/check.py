#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the rules of the house against a working tree. usage: check.py ROOT"""

import pathlib
import subprocess
import sys

import rules


def tree_of(root):
    """The files git knows or would take in; without git, all that are there."""
    root = pathlib.Path(root)
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:
        paths = [p.relative_to(root).as_posix() for p in root.rglob("*") if not {"build", "node_modules", ".git"} & set(p.relative_to(root).parts)]
    return rules.Tree(root, [p for p in paths if (root / p).is_file() and not (root / p).is_symlink()])


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    tree = tree_of(arguments[0])
    if not tree.product():
        sys.exit(f"{arguments[0]}: no source of the product in it")
    broken = 0
    for rule in rules.RULES:
        complaints = list(rule(tree))
        for complaint in complaints:
            print(complaint)
        if complaints:
            print(f"  rule {rule.__name__}: {rule.__doc__}")
        broken += len(complaints)
    print(f"{len(rules.RULES)} rules over {len(tree.paths)} files: {broken} complaints")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
