#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each header stands alone: compiles every header of the product by itself, and as a second inclusion, with warnings as errors.

What compiled once is remembered by the content of the header and all it includes of ours, so that only what changed is compiled again.

usage: headers.py ROOT COMPILER [--self-test]
"""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import check

FLAGS = ["-std=c++23", "-fsyntax-only", "-x", "c++", "-Wall", "-Wextra", "-Wshadow", "-Wno-missing-field-initializers", "-Werror"]


def digest(tree, path, compiler):
    """Changes when the header, anything of ours that it includes, or the way it is compiled changes."""
    total = hashlib.sha256(" ".join([compiler, path, *FLAGS]).encode())
    for header in sorted(h for h in tree.reach(path) | {path} if h in tree.known):
        total.update(header.encode() + b"\0" + tree.text(header).encode() + b"\0")
    return total.hexdigest()


def compile_alone(root, compiler, path):
    """Complaint of the compiler, or an empty text."""
    # Twice, so that a header without a guard is noticed too.
    source = f'#include "{path}"\n#include "{path}"\n'
    ran = subprocess.run([compiler, *FLAGS, "-I", str(root), "-"], input=source, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else ran.stderr or f"{compiler} ended with {ran.returncode}"


def examine(root, compiler, memory):
    """{header: complaint}, and how many were compiled."""
    tree = check.tree_of(root)
    headers = [p for p in tree.product() if p.endswith(".hpp")]
    marks = {p: memory / digest(tree, p, compiler) for p in headers}
    waiting = [p for p in headers if not marks[p].exists()]
    memory.mkdir(parents=True, exist_ok=True)
    complaints = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, complaint in zip(waiting, pool.map(lambda p: compile_alone(root, compiler, p), waiting)):
            if complaint:
                complaints[path] = complaint
            else:
                marks[path].touch()
    return complaints, len(headers), len(waiting)


def self_test(compiler):
    """A header that leans on its includer is found; one that does not passes; a change is seen."""
    with tempfile.TemporaryDirectory() as folder:
        root, memory = pathlib.Path(folder) / "tree", pathlib.Path(folder) / "memory"
        (root / "base").mkdir(parents=True)
        (root / "base/leaf.hpp").write_text("#pragma once\n#include <string>\nnamespace isthmus { inline std::string leaf() { return {}; } }\n")
        (root / "base/top.hpp").write_text('#pragma once\n#include "base/leaf.hpp"\nnamespace isthmus { inline std::string top() { return leaf(); } }\n')
        assert examine(root, compiler, memory) == ({}, 2, 2)
        assert examine(root, compiler, memory) == ({}, 2, 0), "what compiled is remembered"
        (root / "base/leaf.hpp").write_text("#pragma once\nnamespace isthmus { inline std::string leaf() { return {}; } }\n")
        complaints, _, compiled = examine(root, compiler, memory)
        assert set(complaints) == {"base/leaf.hpp", "base/top.hpp"} and compiled == 2, "a change below is seen above"
        (root / "base/leaf.hpp").write_text("#include <string>\nnamespace isthmus { inline std::string leaf() { return {}; } }\n")
        assert "base/leaf.hpp" in examine(root, compiler, memory)[0], "a header without a guard is found"
    print("headers.py finds what it should")


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    root, compiler = pathlib.Path(arguments[0]), arguments[1]
    if "--self-test" in arguments:
        return self_test(compiler)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "isthmus-headers"
    complaints, headers, compiled = examine(root, compiler, cache)
    for path, complaint in complaints.items():
        print(f"{path} does not stand alone:\n{complaint}")
    print(f"{headers} headers, {compiled} compiled, {len(complaints)} that do not stand alone")
    return 1 if complaints or headers == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
