# SPDX-License-Identifier: MIT
"""The rules of docs/house.md that can be read off the text of the sources. Each rule is a function from a Tree to complaints; RULES names them all.

The self-test plants one violation for each of them, so that a rule that has gone blind is noticed.
"""

import fnmatch
import pathlib
import re

PRODUCT = ("base", "sip", "sdp", "ice", "transport", "media", "gateway")
OUTSIDE = ("tests", "fuzz", "bench", "examples")

# Which folder may include which; the longest matching prefix of a file's path decides. An entry ending in "/" is a whole folder.
FLOORS = {
    "base/": ("base/",),
    "sdp/": ("base/", "sdp/"),
    "ice/": ("base/", "ice/"),
    "transport/": ("base/", "transport/"),
    "media/": ("base/", "ice/", "media/"),
    # Inside sip: message <- transaction, auth, dialog <- attempt, usage, endpoint <- user_agent.
    "sip/message/": ("base/", "sip/message/"),
    "sip/transaction/": ("base/", "sip/message/", "sip/transaction/"),
    "sip/auth/": ("base/", "sip/message/", "sip/auth/"),
    "sip/dialog/": ("base/", "sip/message/", "sip/dialog/"),
    "sip/usage/": ("base/", "sip/"),
    "sip/": ("base/", "sip/"),
    # Inside gateway: config <- route <- call <- module <- gateway; store, observe, api <- gateway <- main. The first four form the
    # exchange, which is pure: of media it knows the orders and nothing else.
    "gateway/route/": ("base/", "sip/", "sdp/", "gateway/route/"),
    "gateway/call/": ("base/", "sip/", "sdp/", "media/order.hpp", "gateway/route/", "gateway/call/"),
    "gateway/module/": ("base/", "sip/", "sdp/", "media/order.hpp", "gateway/route/", "gateway/call/", "gateway/module/"),
    # The exchange is the roof of the three, and makes the modules.
    "gateway/call/exchange": ("base/", "sip/", "sdp/", "media/order.hpp", "gateway/route/", "gateway/call/", "gateway/module/"),
    "gateway/": ("base/", "sip/", "sdp/", "ice/", "transport/", "media/", "gateway/"),
}
# Exceptions to the above by name: what nobody of that folder may include although the folder is allowed.
CLOSED = {
    # The endpoint may be embedded alone, and the user agent is the roof of sip.
    "sip/usage/*": ("sip/user_agent.hpp",),
    "sip/endpoint.*": ("sip/usage/*", "sip/user_agent.hpp"),
    "sip/attempt.*": ("sip/usage/*", "sip/user_agent.hpp"),
    "sip/locate.*": ("sip/usage/*", "sip/transaction/*", "sip/dialog/*", "sip/endpoint.hpp", "sip/user_agent.hpp"),
    # Hashes with a key or a curve come from the program: base, sip, sdp and transport stand on the standard library and their own doors.
    "sip/*": ("base/crypto.hpp",),
    "sdp/*": ("base/crypto.hpp",),
    "base/*": ("base/crypto.hpp",),
    "transport/*": ("base/crypto.hpp",),
}
CLOSED_BUT = {"base/crypto.cpp": ("base/crypto.hpp",)}

# One door per foreign library: who may include its headers. The first matching pattern of a header decides.
DOORS = [
    ("boost/beast*", ("transport/ws_connection.cpp", "gateway/api/http_server.cpp", "gateway/api/webhook.cpp")),
    ("boost/asio/ssl*", ("transport/tls_*",)),
    ("boost/asio*", ("transport/*", "gateway/api/http_server.cpp", "gateway/api/webhook.cpp")),
    ("boost/json*", ("gateway/api/*.cpp",)),
    ("boost/url*", ("gateway/api/*.cpp",)),
    ("boost/system*", ("transport/*", "gateway/api/*.cpp")),
    ("openssl/*", ("base/crypto.cpp", "media/dtls_*", "media/srtp_*", "transport/tls_*")),
    ("srtp2/*", ("media/srtp_libsrtp.cpp",)),
    ("nice/*", ("ice/nice/*",)),
    ("glib*", ("ice/nice/*",)),
    ("gio/*", ("ice/nice/*",)),
    ("sqlite3.h", ("gateway/store/sqlite_store.cpp",)),
    ("hiredis*", ("gateway/store/redis_store.cpp",)),
    ("ares*.h", ("transport/dns_client.cpp",)),
    ("resolv.h", ("transport/dns_answer.cpp",)),
    ("arpa/nameser.h", ("transport/dns_client.cpp", "transport/dns_answer.cpp")),
    ("opus*", ("media/transcode.cpp",)),
    ("spdlog/*", ("gateway/observe/log.cpp",)),
    ("fmt/*", ("gateway/observe/log.cpp",)),
    ("toml++/*", ("gateway/config.cpp",)),
    ("CLI/*", ("gateway/main.cpp",)),
    ("prometheus/*", ("gateway/observe/metrics.cpp",)),
    ("lua*", ("gateway/module/app/script.cpp",)),
]

STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits clocale cmath
    compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar
    cwctype deque exception execution expected filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream
    istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
    regex scoped_allocator semaphore set shared_mutex source_location span spanstream sstream stack stacktrace stdexcept stop_token streambuf
    string string_view strstream syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility
    valarray variant vector version""".split()
)
# Instruction sets are chosen at run time, and come with the compiler.
COMPILER = {"immintrin.h", "emmintrin.h", "arm_neon.h", "cpuid.h"}

# The cores: machines and values, which read no clock, socket, thread or random source.
CORES = ("base/*", "sip/*", "sdp/*", "ice/*", "media/*", "gateway/call/*", "gateway/route/*", "gateway/module/*")
NOT_CORES = ("base/crypto.cpp", "media/dtls_*", "media/srtp_*", "ice/nice/*")
CORE_HEADERS = STANDARD - {
    "thread", "mutex", "random", "future", "condition_variable", "shared_mutex", "semaphore", "latch", "barrier", "stop_token", "coroutine",
    "iostream", "fstream", "filesystem", "ctime", "csignal", "regex",
}  # fmt: skip
CORE_WORDS = re.compile(
    r"\b(?:(?:steady_clock|system_clock|high_resolution_clock|utc_clock)::now|random_device|mt19937\w*|gettimeofday|clock_gettime|getrandom"
    r"|thread_local|std::jthread|std::thread|std::mutex|std::atomic\w*|co_await|co_return|co_yield)\b|(?<![\w.:>])s?rand\s*\("
    r"|\btime\s*\(\s*(?:nullptr|NULL|0|&)"
)

# Headers that others see: they name no Asio, Beast, JSON or SSL type, nor does what they include.
QUIET = (
    "transport/edge.hpp", "transport/driver.hpp", "transport/shard.hpp", "transport/system.hpp", "transport/dns_client.hpp",
    "transport/ws_connection.hpp", "gateway/*.hpp", "gateway/*/*.hpp", "media/*.hpp", "base/*.hpp",
)  # fmt: skip
FOREIGN_TYPES = ("boost/*", "prometheus/*", "openssl/*", "srtp2/*", "sqlite3.h", "toml++/*", "spdlog/*", "ares.h")

SPDX_ENDINGS = {".cpp", ".hpp", ".py", ".sh", ".js", ".mjs", ".css", ".html", ".cmake", ".yaml", ".yml", ".xml", ".list"}
SPDX_NAMES = {"CMakeLists.txt", "dev", "run"}
LINES = 600

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Tree:
    """The files of a project: paths relative to its root, each read once."""

    def __init__(self, root, paths):
        self.root = pathlib.Path(root)
        self.paths = sorted(paths)
        self.known = set(self.paths)
        self._texts = {}
        self._includes = {}

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).splitlines()

    def code(self):
        """C++ files of product and of what stands around it."""
        return [p for p in self.paths if p.endswith((".cpp", ".hpp"))]

    def product(self):
        return [p for p in self.code() if p.split("/")[0] in PRODUCT]

    def includes(self, path):
        """[(line number, is_system, header)]"""
        if path not in self._includes:
            found = []
            for number, line in enumerate(self.lines(path), 1):
                match = INCLUDE.match(line)
                if match:
                    found.append((number, match[1] == "<", match[2]))
            self._includes[path] = found
        return self._includes[path]

    def reach(self, path):
        """All headers, own and foreign, that a file includes in the end."""
        seen, waiting = set(), [path]
        while waiting:
            for _, _, header in self.includes(waiting.pop()):
                if header not in seen:
                    seen.add(header)
                    if header in self.known:
                        waiting.append(header)
        return seen


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def without_text(line):
    """A line of C++ without its string literals and its line comment."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    return line.split("//")[0]


def directions(tree):
    """Who may include whom: base <- sip, sdp, ice, transport <- media <- gateway, and the orders inside sip and gateway."""
    for path in tree.product():
        prefix = max((p for p in FLOORS if path.startswith(p)), key=len)
        closed = [c for pattern, names in CLOSED.items() if fnmatch.fnmatchcase(path, pattern) for c in names]
        for number, system, header in tree.includes(path):
            if system:
                continue
            allowed = header.startswith(FLOORS[prefix]) and not matches(header, closed)
            if not allowed and header not in CLOSED_BUT.get(path, ()):
                yield f"{path}:{number}: must not include {header}"


def from_the_root(tree):
    """Includes of ours are written from the root, with quotation marks; others with angle brackets."""
    for path in tree.code():
        for number, system, header in tree.includes(path):
            if not system and (header.startswith(".") or header not in tree.known):
                yield f'{path}:{number}: "{header}" is no file of ours written from the root'
            if system and header.split("/")[0] in PRODUCT + OUTSIDE and header in tree.known:
                yield f"{path}:{number}: <{header}> is ours and stands in quotation marks"


def doors(tree):
    """Each foreign library is included behind its named door only; base, sip and sdp need the standard library and nothing else."""
    for path in tree.product():
        for number, system, header in tree.includes(path):
            if not system or header in STANDARD:
                continue
            door = next((allowed for pattern, allowed in DOORS if fnmatch.fnmatchcase(header, pattern)), None)
            if door is not None:
                if not matches(path, door):
                    yield f"{path}:{number}: <{header}> belongs behind {', '.join(door)}"
            elif header in COMPILER:
                continue
            elif header.startswith(("gtest/", "gmock/", "benchmark/")):
                yield f"{path}:{number}: <{header}> belongs to tests and benches"
            elif matches(path, CORES) and not matches(path, NOT_CORES):
                yield f"{path}:{number}: <{header}> is not of the standard library"
            elif "/" in header and header.split("/")[0] not in ("sys", "net", "netinet", "arpa", "linux"):
                yield f"{path}:{number}: <{header}> has no door in tests/house/rules.py"


def quiet_headers(tree):
    """Headers that others see name no type of a foreign library, nor does what they include."""
    for path in tree.product():
        if path.endswith(".hpp") and matches(path, QUIET):
            for header in sorted(tree.reach(path)):
                if matches(header, FOREIGN_TYPES):
                    yield f"{path}: reaches <{header}>"


def pure_cores(tree):
    """The cores read no clock, socket, thread or random source."""
    for path in tree.product():
        if not matches(path, CORES) or matches(path, NOT_CORES):
            continue
        for number, system, header in tree.includes(path):
            if system and header in STANDARD and header not in CORE_HEADERS and not (header == "atomic"):
                yield f"{path}:{number}: a core must not include <{header}>"
        for number, line in enumerate(tree.lines(path), 1):
            match = CORE_WORDS.search(without_text(line))
            if match:
                yield f"{path}:{number}: a core must not use {match[0].strip()}"


# Where secrets are checked; what they are called there.
SECRET_ROOMS = ("sip/auth/server_auth.cpp", "gateway/api/routes.cpp", "gateway/api/directory.cpp", "gateway/module/registrar.cpp")
SECRET_COMPARED = re.compile(
    r"\b\w*(?:expected|response|secret|password|mark|hash|ha1)\w*(?:\(\w*\)|\.reveal\(\)|->second)?\s*[!=]=(?!=)|[!=]=\s*[\w.]*\b(?:expected|response|secret|password|mark|ha1|key_hash)\w*\b(?!\.(?:empty|size|end))"
)


def constant_time(tree):
    """Where secrets are checked, they are compared by equal_constant_time and never by an operator that stops at the first difference (G18)."""
    for path in tree.product():
        if not matches(path, SECRET_ROOMS):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = SECRET_COMPARED.search(without_text(line))
            if match:
                yield f"{path}:{number}: compare secrets in constant time, not by {match[0].strip()}"


def nobody_includes_outside(tree):
    """Nothing of the product knows tests, fuzz doors, benches or examples."""
    for path in tree.product():
        for number, _, header in tree.includes(path):
            if header.split("/")[0] in OUTSIDE:
                yield f"{path}:{number}: the product must not include {header}"


def short_driver(tree):
    """driver.hpp is at most 60 lines of template over the edge."""
    for path in tree.paths:
        if path == "transport/driver.hpp" and len(tree.lines(path)) > 90:
            yield f"{path}: {len(tree.lines(path))} lines"


def sizes(tree):
    """No product file past 600 lines without a reason in docs/house.md."""
    reasons = tree.text("docs/house.md") if "docs/house.md" in tree.known else ""
    for path in tree.paths:
        if path.split("/")[0] in PRODUCT and path.endswith((".cpp", ".hpp", ".js", ".css", ".html")):
            count = len(tree.lines(path))
            if count > LINES and path not in reasons:
                yield f"{path}: {count} lines, and docs/house.md gives no reason"


def spdx(tree):
    """Each source file says its licence in its first three lines."""
    for path in tree.paths:
        name = path.rsplit("/", 1)[-1]
        if pathlib.PurePath(path).suffix in SPDX_ENDINGS or name in SPDX_NAMES:
            if "/corpus/" in path or "/torture/" in path:
                continue
            if not any("SPDX-License-Identifier: MIT" in line for line in tree.lines(path)[:3]):
                yield f"{path}: no SPDX line"


def pragma_once(tree):
    """Each header is included once."""
    for path in tree.code():
        if path.endswith(".hpp") and "#pragma once" not in tree.text(path):
            yield f"{path}: no #pragma once"


NAMESPACE = re.compile(r"^\s*(?:inline\s+)?namespace\s+([\w:]+)\s*\{")


def namespaces(tree):
    """isthmus for base, isthmus::ROOM for the others; subfolders make no namespace; headers open no other one for all."""
    for path in tree.product():
        room = path.split("/")[0]
        wanted = "isthmus" if room == "base" else f"isthmus::{room}"
        depth_names = [(n, m[1]) for n, line in enumerate(tree.lines(path), 1) if (m := NAMESPACE.match(line)) and not line[:1].isspace()]
        allowed = {wanted, "std"} | ({"isthmus"} if room != "base" else set())
        for number, name in depth_names:
            # A room may declare what it takes from a floor below, and parts of its own namespace.
            below = name.startswith("isthmus::") and name.split("::")[1] in PRODUCT and name.count("::") == 1 and path.endswith(".hpp")
            detail = name.startswith(wanted + "::") and name.count("::") == wanted.count("::") + 1
            # A part of the room's own namespace, opened inside of it.
            inner = "::" not in name and any(n == wanted for line, n in depth_names if line < number)
            if name not in allowed and not below and not detail and not inner:
                yield f"{path}:{number}: namespace {name}, wanted {wanted}"
        if path.endswith(".hpp") and depth_names and wanted not in [n for _, n in depth_names] and not any(n.startswith(wanted) for _, n in depth_names):
            yield f"{path}: nothing of it is in namespace {wanted}"
        if path.endswith(".hpp"):
            for number, line in enumerate(tree.lines(path), 1):
                if re.match(r"\s*using\s+namespace\b", line):
                    yield f"{path}:{number}: a header with using namespace"


# Written in pieces, so that this file may be looked at as well.
FORBIDDEN = [
    (re.compile("/wo" + r"rk/(?:main|shared|notes|build|\.)"), "a path of one machine"),
    (re.compile("/tmp/ba" + "sh_jobs"), "a path of one machine"),
    (re.compile("/fa" + r"rm\b"), "a path of one machine"),
    (re.compile(r"\b(?:TO" + "DO|FIX" + "ME|XX" + r"X)\b"), "a mark of something unfinished"),
    (re.compile(r"/ho" + r"me/\w"), "a path of one person"),
]


def words(tree):
    """No paths of one machine, no marks of unfinished work."""
    for path in tree.paths:
        if path.endswith((".lock", "package-lock.json", ".png", ".wav", ".bin", ".pcap", ".hex")) or "/corpus/" in path:
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for pattern, why in FORBIDDEN:
                if pattern.search(line):
                    yield f"{path}:{number}: {why}"


def awaited_braces(tree):
    """No braces inside a co_await expression: g++ 12 destroys such a temporary twice."""
    for path in tree.code():
        text = "\n".join(without_text(line) for line in tree.lines(path))
        for match in re.finditer(r"\bco_await\b", text):
            depth = 0
            for position in range(match.end(), len(text)):
                character = text[position]
                if character in "([":
                    # A lambda's capture and body are no temporary of the expression.
                    depth += 1
                elif character in ")]":
                    depth -= 1
                    if depth < 0:
                        break
                elif character == ";":
                    break
                elif character == "{":
                    before = text[match.end() : position].rstrip()
                    if depth == 0 and before.endswith(")"):
                        break  # `if (co_await x()) {`, or the body behind a condition
                    yield f"{path}:{text.count(chr(10), 0, position) + 1}: braces inside a co_await expression"
                    break


RULES = [
    directions, from_the_root, doors, quiet_headers, pure_cores, constant_time, nobody_includes_outside, short_driver, sizes, spdx, pragma_once, namespaces,
    words, awaited_braces,
]  # fmt: skip
