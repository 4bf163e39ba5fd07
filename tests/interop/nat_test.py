# SPDX-License-Identifier: MIT
"""A phone behind a cone NAT with filtering, in namespaces: it registers from its private address, which nobody outside can reach, and is called
by its flow; ACK and BYE take the flow in both directions, media finds its way by what arrives."""

import time
import unittest

from bed import Gateway, wait_until
from namespaces import GATEWAY, INSIDE, MAPPING_S, NEIGHBOUR, ROUTER_OUTSIDE, NatTrio
from phone import SHARE, Phone

BOB_HZ, CAROL_HZ = 600, 1000
TALK_SECONDS = 2.5

ACCOUNTS = """
[[account]]
name = "bob"
password = "bobs-password"
[[account]]
name = "carol"
password = "carols-password"
"""


class BehindNat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.net = NatTrio()
        cls.addClassCleanup(cls.net.close)
        cls.gateway = Gateway(ACCOUNTS, address=GATEWAY)
        cls.addClassCleanup(cls.gateway.stop)
        cls.descriptors = cls.gateway.descriptors()
        cls.bob = Phone("bob", "bobs-password", cls.gateway.sip, BOB_HZ, INSIDE, cls.net.inside)
        cls.addClassCleanup(cls.bob.close)
        cls.carol = Phone("carol", "carols-password", cls.gateway.sip, CAROL_HZ, NEIGHBOUR, cls.net.neighbour)
        cls.addClassCleanup(cls.carol.close)

    def call(self, caller, callee, name):
        caller.command("dial", f"sip:{name}@{self.gateway.sip}")
        callee.event("CALL_INCOMING")
        caller.event("CALL_RINGING")
        callee.command("accept")
        caller.event("CALL_ESTABLISHED")
        callee.event("CALL_ESTABLISHED")  # baresip says so when the ACK is there
        relayed = self.gateway.metrics()["isthmus_media_relayed_total"]
        enough = relayed + 2 * 50 * TALK_SECONDS
        wait_until(lambda: self.gateway.metrics()["isthmus_media_relayed_total"] >= enough, "media passes both ways", 15, pause=0.2)

    def hang_up(self, first, second):
        first.command("hangup")
        for phone in (first, second):
            phone.event("CALL_CLOSED")
        self.gateway.wait_nothing_live()
        self.assertGreater(self.bob.heard_share(CAROL_HZ), SHARE)
        self.assertGreater(self.carol.heard_share(BOB_HZ), SHARE)

    def test_1_the_binding_is_what_the_router_made_of_it(self):
        """R1.33: the phone told its private address; the gateway saw the router's."""
        self.gateway.program.line(rf"registered bob from {ROUTER_OUTSIDE}:\d+")
        self.assertIn(INSIDE, self.bob.contact)

    # R1.33: INVITE, ACK and BYE by the flow; trap 20: media from where the SDP does not say.
    def test_2_call_in_ended_by_the_caller(self):
        self.call(self.carol, self.bob, "bob")
        self.hang_up(self.carol, self.bob)

    # R1.33: the BYE of the phone, too.
    def test_3_call_in_ended_by_the_phone(self):
        self.call(self.carol, self.bob, "bob")
        self.hang_up(self.bob, self.carol)

    def test_4_call_out_ended_by_the_far_side(self):
        self.call(self.bob, self.carol, "carol")
        self.hang_up(self.carol, self.bob)

    def test_5_the_mapping_is_kept_open(self):
        """R1.33, keep-alives: after a silence of both phones that is longer than the router remembers, the phone can be called still: keep-alives of the gateway
        are all that passed meanwhile. During the silence everything of the calls before has gone."""
        silent_since = time.monotonic()
        self.gateway.wait_nothing_left()
        wait_until(lambda: self.gateway.descriptors() == self.descriptors, "descriptors as before", 5)
        wait_until(lambda: time.monotonic() - silent_since > MAPPING_S + 5, "a silence", MAPPING_S + 10, pause=0.5)
        self.call(self.carol, self.bob, "bob")
        self.hang_up(self.carol, self.bob)


if __name__ == "__main__":
    unittest.main()
