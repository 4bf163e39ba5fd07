# SPDX-License-Identifier: MIT
"""What must not work: a phone with a wrong password, a caller whom nobody knows."""

import unittest

from bed import Gateway, free_port, wait_until
from phone import Phone
from scenarios import Callee, Caller, calling
from sipp import Sipp
from sipp_test import TRUNKS

STRANGER = "127.0.0.2"  # not among the sources of the trunk

ACCOUNTS = """
[[account]]
name = "bob"
password = "bobs-password"
"""


class Refusals(unittest.TestCase):
    def setUp(self):
        self.caller, self.callee, self.stranger = free_port(), free_port(), free_port()
        self.gateway = Gateway(TRUNKS.format(port=self.callee, transport="udp") + ACCOUNTS)
        self.addCleanup(self.gateway.stop)

    def sipp(self, *arguments, **options):
        peer = Sipp(*arguments, **options)
        self.addCleanup(peer.stop)
        return peer

    # R1.4: the credentials decide. Trap 27: this baresip gives up where SHA-256 is offered beside MD5.
    def test_the_right_password_registers_and_a_wrong_one_never_does(self):
        right = Phone("bob", "bobs-password", self.gateway.sip, 1000)
        self.addCleanup(right.close)
        self.assertEqual(self.gateway.metrics()["isthmus_bindings"], 1)
        right.close()
        wait_until(lambda: self.gateway.metrics()["isthmus_bindings"] == 0, "it signs off")
        wrong = Phone("bob", "alices-password", self.gateway.sip, 1000, wait=False)
        self.addCleanup(wrong.close)
        wrong.program.line("reg: .*(401|403)")
        self.assertEqual(self.gateway.metrics()["isthmus_bindings"], 0)

    def test_a_stranger_gets_407_and_the_callee_hears_nothing_of_it(self):
        """R4.1, advisory 41. The callee takes one call. Were the stranger's INVITE sent on, it would be the first to arrive, with the wrong name in it."""
        callee = self.sipp(Callee("callee").invited(("From", "sip:friend@")).ring().accept().acknowledged().hung_up(), self.callee)
        callee.wait_ready()
        refused = Caller("stranger", user="stranger").invite().answered(407, ("Proxy-Authenticate", "Digest")).ack_refusal()
        self.sipp(refused, self.stranger, to=self.gateway.sip, address=STRANGER).finish()
        self.assertEqual(self.gateway.gauges("live"), {}, "a refusal is made without a transaction (R4.1)")
        self.assertEqual(self.gateway.gauges("lingering"), {})
        self.sipp(calling("friend", user="friend").bye(), self.caller, to=self.gateway.sip).finish()
        callee.finish()


if __name__ == "__main__":
    unittest.main()
