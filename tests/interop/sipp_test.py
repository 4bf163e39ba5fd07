# SPDX-License-Identifier: MIT
"""SIPp calls SIPp through the gateway, over UDP and over TCP, with the timers of RFC 3261 on all sides. The scenarios check each message; after
each test the gateway has nothing live, at the end nothing at all."""

import unittest

import bed
from bed import Gateway, free_port, refused_rtp_ports
from scenarios import PAIRS
from sipp import run_pair

MANY = 300
AT_ONCE = 100
RATE = 50

TRUNKS = """
[[trunk]]
name = "callers"
sources = ["127.0.0.1/32"]
[[trunk]]
name = "callee"
numbers = ["*"]
host = "127.0.0.1"
port = {port}
transport = "{transport}"
"""


class Calls:
    """What every transport can do."""

    transport = None

    @classmethod
    def setUpClass(cls):
        cls.ports = free_port(), free_port()
        cls.gateway = Gateway(TRUNKS.format(port=cls.ports[1], transport=cls.transport))
        cls.addClassCleanup(cls.gateway.stop)
        cls.descriptors, cls.sockets = cls.gateway.descriptors(), cls.gateway.udp_sockets()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.wait_nothing_left()
        bed.wait_until(lambda: cls.gateway.descriptors() == cls.descriptors, lambda: f"{cls.descriptors} descriptors, not {cls.gateway.descriptors()}", 5)
        assert cls.gateway.udp_sockets() == cls.sockets, cls.gateway.udp_sockets() - cls.sockets
        assert refused_rtp_ports() == []
        status = cls.gateway.stop()
        assert status == 0, f"the gateway ended with {status}: {cls.gateway.program.lines}"

    def run_pair(self, name, **options):
        run_pair(self.gateway, self.ports, PAIRS[name], transport=self.transport, **options)
        self.gateway.wait_nothing_live()

    # R1.26: live gauges are at 0 within a second, lingering ones within the bound (here and in each test below).
    def test_basic_call_and_bye_of_the_caller(self):
        self.run_pair("basic")

    def test_the_callee_hangs_up(self):
        self.run_pair("hung_up_by_callee")

    def test_busy(self):
        self.run_pair("busy")

    # C1.
    def test_cancel_while_ringing(self):
        self.run_pair("cancel")

    # E1.
    def test_hold_and_back_by_reinvite(self):
        self.run_pair("reinvite")

    def test_hold_and_back_by_reinvite_of_the_callee(self):
        self.run_pair("reinvite_of_callee")

    def test_a_hundred_calls_at_once(self):
        """The caller's own count says that a hundred were up, and the gateway said the same."""
        most = []

        def watch(caller):
            bed.wait_until(lambda: caller.statistic("CurrentCall") >= AT_ONCE, lambda: f"{caller.statistic('CurrentCall')} calls at once", 20)
            most.append(self.gateway.calls())

        self.run_pair("many", calls=MANY, rate=RATE, at_once=AT_ONCE, during=watch)
        self.assertGreaterEqual(most[0], AT_ONCE * 0.9)


class OverUdp(Calls, unittest.TestCase):
    transport = "udp"


class OverTcp(Calls, unittest.TestCase):
    transport = "tcp"


if __name__ == "__main__":
    unittest.main()
