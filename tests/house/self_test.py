#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every rule of the house can fail: each is given a tree with one planted violation and must name the file, and a clean tree and be silent."""

import pathlib
import sys
import tempfile

import check
import rules

HEADER = "// SPDX-License-Identifier: MIT\n// A file.\n#pragma once\n"
SOURCE = "// SPDX-License-Identifier: MIT\n// A file.\n"

CLEAN = {
    "base/bytes.hpp": HEADER + "#include <span>\nnamespace isthmus {\nusing Bytes = std::span<const char>;\n}  // namespace isthmus\n",
    "base/crypto.hpp": HEADER + "namespace isthmus {\nint hmac();\n}\n",
    "base/crypto.cpp": SOURCE + '#include "base/crypto.hpp"\n#include <openssl/evp.h>\nnamespace isthmus {\nint hmac() { return 1; }\n}\n',
    "sip/message/uri.hpp": HEADER + '#include "base/bytes.hpp"\nnamespace isthmus::sip {\nstruct Uri { Bytes host; };\n}\n',
    "sip/transaction/table.hpp": HEADER + '#include "sip/message/uri.hpp"\nnamespace isthmus::sip {\nstruct Table { Uri uri; };\n}\n',
    "sip/endpoint.hpp": HEADER + '#include "sip/transaction/table.hpp"\nnamespace isthmus::sip {\nstruct Endpoint {};\n}\n',
    "media/order.hpp": HEADER + "namespace isthmus::media {\nstruct Order {};\n}\n",
    "media/engine.hpp": HEADER + '#include "media/order.hpp"\nnamespace isthmus::media {\nstruct Engine {};\n}\n',
    "transport/edge.hpp": HEADER + '#include "base/bytes.hpp"\nnamespace isthmus::transport {\nstruct Edge {};\n}\n',
    "transport/io.hpp": HEADER + "#include <boost/asio/io_context.hpp>\nnamespace isthmus::transport {\nstruct Io {};\n}\n",
    "transport/driver.hpp": HEADER + "namespace isthmus::transport {\nstruct Driver {};\n}\n",
    "gateway/call/call.hpp": HEADER + '#include "media/order.hpp"\n#include "sip/endpoint.hpp"\nnamespace isthmus::gateway {\nstruct Call {};\n}\n',
    "gateway/main.cpp": SOURCE + '#include "gateway/call/call.hpp"\n#include "transport/edge.hpp"\nint main() {}\n',
    "tests/support/clock.hpp": HEADER + "namespace isthmus {\nstruct Clock {};\n}\n",
    "docs/house.md": "The tables of media/engine.hpp belong together: one file.\n",
}

LONG = "int filler;\n" * 600

# (rule, file, what it holds, what the complaint must name)
PLANTED = [
    ("directions", "base/bad.hpp", HEADER + '#include "sip/message/uri.hpp"\nnamespace isthmus {}\n', "sip/message/uri.hpp"),
    ("directions", "sip/bad.hpp", HEADER + '#include "sdp/parser.hpp"\nnamespace isthmus::sip {}\n', "sdp/parser.hpp"),
    ("directions", "sip/auth/bad.cpp", SOURCE + '#include "base/crypto.hpp"\n', "base/crypto.hpp"),
    ("directions", "sip/message/bad.hpp", HEADER + '#include "sip/transaction/table.hpp"\nnamespace isthmus::sip {}\n', "sip/transaction/table.hpp"),
    ("directions", "sip/dialog/bad.hpp", HEADER + '#include "sip/transaction/table.hpp"\nnamespace isthmus::sip {}\n', "sip/transaction/table.hpp"),
    ("directions", "sip/usage/bad.hpp", HEADER + '#include "sip/user_agent.hpp"\nnamespace isthmus::sip {}\n', "sip/user_agent.hpp"),
    ("directions", "sdp/bad.hpp", HEADER + '#include "ice/candidate.hpp"\nnamespace isthmus::sdp {}\n', "ice/candidate.hpp"),
    ("directions", "ice/bad.hpp", HEADER + '#include "media/order.hpp"\nnamespace isthmus::ice {}\n', "media/order.hpp"),
    ("directions", "transport/bad.cpp", SOURCE + '#include "sip/message/uri.hpp"\n', "sip/message/uri.hpp"),
    ("directions", "media/bad.cpp", SOURCE + '#include "sdp/parser.hpp"\n', "sdp/parser.hpp"),
    ("directions", "gateway/call/bad.cpp", SOURCE + '#include "media/engine.hpp"\n', "media/engine.hpp"),
    ("directions", "gateway/call/bad.cpp", SOURCE + '#include "transport/edge.hpp"\n', "transport/edge.hpp"),
    ("directions", "gateway/route/bad.cpp", SOURCE + '#include "gateway/call/call.hpp"\n', "gateway/call/call.hpp"),
    ("directions", "gateway/call/bad.cpp", SOURCE + '#include "gateway/module/line.hpp"\n', "gateway/module/line.hpp"),
    ("from_the_root", "sip/bad.cpp", SOURCE + '#include "endpoint.hpp"\n', "endpoint.hpp"),
    ("from_the_root", "sip/bad.cpp", SOURCE + "#include <sip/endpoint.hpp>\n", "sip/endpoint.hpp"),
    ("doors", "gateway/bad.cpp", SOURCE + "#include <boost/beast/http.hpp>\n", "boost/beast/http.hpp"),
    ("doors", "sip/bad.cpp", SOURCE + "#include <boost/asio.hpp>\n", "boost/asio.hpp"),
    ("doors", "gateway/call/bad.cpp", SOURCE + "#include <boost/json.hpp>\n", "boost/json.hpp"),
    ("doors", "sip/auth/bad.cpp", SOURCE + "#include <openssl/md5.h>\n", "openssl/md5.h"),
    ("doors", "gateway/call/bad.cpp", SOURCE + "#include <sqlite3.h>\n", "sqlite3.h"),
    ("doors", "gateway/observe/bad.cpp", SOURCE + "#include <prometheus/registry.h>\n", "prometheus/registry.h"),
    ("doors", "sdp/bad.cpp", SOURCE + "#include <unistd.h>\n", "unistd.h"),
    ("doors", "gateway/bad.cpp", SOURCE + "#include <unheard/of.hpp>\n", "unheard/of.hpp"),
    ("doors", "base/bad.cpp", SOURCE + "#include <gtest/gtest.h>\n", "gtest/gtest.h"),
    ("quiet_headers", "transport/shard.hpp", HEADER + '#include "transport/io.hpp"\nnamespace isthmus::transport {}\n', "boost/asio/io_context.hpp"),
    ("pure_cores", "sip/bad.cpp", SOURCE + "#include <thread>\n", "thread"),
    ("pure_cores", "base/bad.cpp", SOURCE + "#include <random>\n", "random"),
    ("pure_cores", "media/bad.cpp", SOURCE + "#include <mutex>\n", "mutex"),
    ("pure_cores", "gateway/call/bad.cpp", SOURCE + "auto now = std::chrono::steady_clock::now();\n", "steady_clock::now"),
    ("pure_cores", "ice/bad.cpp", SOURCE + "int x = rand();\n", "rand"),
    ("pure_cores", "sip/bad.cpp", SOURCE + "auto t = time(nullptr);\n", "time"),
    ("constant_time", "sip/auth/server_auth.cpp", SOURCE + "bool good() { return expected == claimed.response; }\n", "constant time"),
    ("constant_time", "gateway/api/routes.cpp", SOURCE + "bool good() { return shown != secret_.reveal(); }\n", "constant time"),
    ("constant_time", "gateway/api/directory.cpp", SOURCE + "bool good() { return key_hash == found->second; }\n", "constant time"),
    ("nobody_includes_outside", "sip/bad.cpp", SOURCE + '#include "tests/support/clock.hpp"\n', "tests/support/clock.hpp"),
    ("short_driver", "transport/driver.hpp", HEADER + LONG, "transport/driver.hpp"),
    ("sizes", "sip/bad.cpp", SOURCE + LONG, "sip/bad.cpp"),
    ("spdx", "sip/bad.cpp", "// A file.\n", "sip/bad.cpp"),
    ("spdx", "tools/bad.sh", "#!/bin/sh\n", "tools/bad.sh"),
    ("pragma_once", "sip/bad.hpp", SOURCE + "namespace isthmus::sip {}\n", "sip/bad.hpp"),
    ("namespaces", "sip/bad.hpp", HEADER + "namespace isthmus::sip::message {\n}\nnamespace isthmus::gateway::x {\n}\n", "isthmus::gateway::x"),
    ("namespaces", "sdp/bad.hpp", HEADER + "namespace sdp {\n}\n", "namespace sdp"),
    ("namespaces", "sdp/bad.hpp", HEADER + "using namespace std;\nnamespace isthmus::sdp {\n}\n", "using namespace"),
    ("words", "sip/bad.cpp", SOURCE + "// TO" + "DO later\n", "unfinished"),
    ("words", "docs/bad.md", "see /wo" + "rk/shared\n", "a path of one machine"),
    ("awaited_braces", "transport/bad.cpp", SOURCE + "auto f() { co_await g(Agg{1, 2}); }\n", "transport/bad.cpp:3"),
    ("awaited_braces", "transport/bad.cpp", SOURCE + "auto f() { int x = co_await g({1, 2}); }\n", "transport/bad.cpp:3"),
]
# What looks like a violation and is none.
HARMLESS = [
    ("awaited_braces", "transport/good.cpp", SOURCE + "auto f() { if (co_await g(1)) { h(); } auto a = Agg{1}; co_await g(std::move(a)); }\n"),
    ("sizes", "media/engine.hpp", HEADER + "namespace isthmus::media {\n" + LONG + "}\n"),
    ("pure_cores", "base/good.hpp", HEADER + "#include <chrono>\nnamespace isthmus {\nstd::chrono::milliseconds t1{500};  // never steady_clock::now()\n}\n"),
    ("doors", "gateway/api/json.cpp", SOURCE + "#include <boost/json.hpp>\n"),
    ("constant_time", "sip/auth/server_auth.cpp", SOURCE + "bool good() { return equal_constant_time(expected, response) && response.size() == 64 && password.empty(); }\n"),
    ("namespaces", "sdp/good.hpp", HEADER + "namespace isthmus::sdp {\nnamespace part {\n}\n}\n"),
    ("words", "docs/good.md", "network/shared and homework are words\n"),
]


def complaints(rule, files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = pathlib.Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        return list(getattr(rules, rule)(check.tree_of(folder)))


def main():
    wrong = []
    for rule in rules.RULES:
        for complaint in complaints(rule.__name__, CLEAN):
            wrong.append(f"{rule.__name__} complains about a clean tree: {complaint}")
        if rule.__name__ not in {name for name, *_ in PLANTED}:
            wrong.append(f"{rule.__name__} has no planted violation")
    for rule, path, text, named in PLANTED:
        found = complaints(rule, {**CLEAN, path: text})
        if not any(path in complaint and named in complaint for complaint in found):
            wrong.append(f"{rule} does not see {named} in {path}: {found}")
    for rule, path, text in HARMLESS:
        for complaint in complaints(rule, {**CLEAN, path: text}):
            wrong.append(f"{rule} complains without reason: {complaint}")
    for line in wrong:
        print(line)
    print(f"{len(rules.RULES)} rules, {len(PLANTED)} planted violations, {len(HARMLESS)} harmless look-alikes: {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
