# SPDX-License-Identifier: MIT
"""A second pair of eyes: tshark reads the wire during one basic call, and its reading of the two ladders is what RFC 3261 figure 1 says, each
side with a dialog of its own."""

import socket
import unittest

from bed import Gateway, Program, free_port, wait_until
from scenarios import PAIRS
from sipp import run_pair
from sipp_test import TRUNKS

FIELDS = ["udp.srcport", "udp.dstport", "sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.Call-ID", "sip.Via.branch", "_ws.expert.severity"]
PROBE_PORT = 9  # discard
MALFORMED = 0x00800000  # an expert severity of tshark: error

CALLER_LADDER = ["> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE", "> ACK", "> BYE", "< 200 BYE"]
CALLEE_LADDER = ["< INVITE", "> 180 INVITE", "> 200 INVITE", "< ACK", "< BYE", "> 200 BYE"]


class Capture:
    """Rows of tshark for the SIP messages of these ports, as they pass."""

    def __init__(self, ports):
        terms = " or ".join(f"udp port {port}" for port in (*ports, PROBE_PORT))
        decode = [part for port in ports for part in ("-d", f"udp.port=={port},sip")]
        fields = [part for field in FIELDS for part in ("-e", field)]
        self.program = Program(["tshark", "-n", "-l", "-i", "lo", "-f", terms, *decode, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", *fields])
        wait_until(self._has_seen_a_probe, lambda: f"tshark captures: {self.program.lines}", 30, pause=0.1)

    def _has_seen_a_probe(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.sendto(b"probe", ("127.0.0.1", PROBE_PORT))
        return any(f"|{PROBE_PORT}|" in line for line in self.program.lines)

    def rows(self):
        lines = [line.split("|") for line in list(self.program.lines) if line.count("|") == len(FIELDS) - 1]
        return [dict(zip(FIELDS, line)) for line in lines if line[2] or line[3]]


def ladder(rows, port, far):
    """The messages between `port` and the gateway, '>' being sent by `port`."""
    out = []
    for row in rows:
        if far not in (row["udp.srcport"], row["udp.dstport"]) or port not in (row["udp.srcport"], row["udp.dstport"]):
            continue
        what = f"{row['sip.Status-Code']} {row['sip.CSeq.method']}" if row["sip.Status-Code"] else row["sip.Method"]
        out.append(("> " if row["udp.srcport"] == port else "< ") + what)
    return out


class Witness(unittest.TestCase):
    # R4.14: ACK to the callee before the caller's 200; R4.15: the caller's BYE is answered at once.
    def test_tshark_reads_the_ladder_of_a_basic_call(self):
        ports = free_port(), free_port()
        gateway = Gateway(TRUNKS.format(port=ports[1], transport="udp"))
        self.addCleanup(gateway.stop)
        caller, callee, own = str(ports[0]), str(ports[1]), str(gateway.port)
        capture = Capture((caller, callee, own))
        self.addCleanup(capture.program.end)
        run_pair(gateway, ports, PAIRS["basic"])
        expected = len(CALLER_LADDER) + len(CALLEE_LADDER)
        wait_until(lambda: len(capture.rows()) >= expected, lambda: f"{expected} messages in {capture.program.lines}")
        rows = capture.rows()
        self.assertEqual(ladder(rows, caller, own), CALLER_LADDER)
        self.assertEqual(ladder(rows, callee, own), CALLEE_LADDER)
        self.assertEqual({row["_ws.expert.severity"] for row in rows if MALFORMED <= int(row["_ws.expert.severity"].split(",")[0] or 0)}, set())
        self.judge_order(rows, caller, callee)
        self.judge_identities(rows, caller, callee)

    def judge_order(self, rows, caller, callee):
        """The callee's ACK goes out before the caller's 200, and the caller's BYE is answered before the callee's is."""
        sent = [(row["udp.dstport"], row["sip.Method"] or row["sip.Status-Code"] + row["sip.CSeq.method"]) for row in rows]
        self.assertLess(sent.index((callee, "ACK")), sent.index((caller, "200INVITE")))
        came = [(row["udp.srcport"], row["sip.Status-Code"] + row["sip.CSeq.method"]) for row in rows]
        self.assertLess(sent.index((caller, "200BYE")), came.index((callee, "200BYE")))

    def judge_identities(self, rows, caller, callee):
        """Two dialogs, nothing of the one in the other."""
        legs = [[row for row in rows if port in (row["udp.srcport"], row["udp.dstport"])] for port in (caller, callee)]
        for field in ("sip.Call-ID", "sip.Via.branch"):
            first, second = ({row[field] for row in leg} for leg in legs)
            self.assertEqual(first & second, set(), field)
        self.assertEqual([len({row["sip.Call-ID"] for row in leg}) for leg in legs], [1, 1])


if __name__ == "__main__":
    unittest.main()
